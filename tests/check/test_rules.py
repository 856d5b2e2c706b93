"""Each rule of rules.py is shown a tree that breaks it and one that keeps it: a check that cannot fail is none."""

from pathlib import Path

import pytest

import rules

REPOSITORY = Path(__file__).resolve().parents[2]

README = "# x\n\nWhat it does, what it may use, and where a reader starts: one.h, then one.c.\n"


@pytest.fixture
def tree(tmp_path):
    """A small tree that keeps every rule."""
    make(tmp_path, ".clang-format", (REPOSITORY / ".clang-format").read_text())
    for layer in ("util", "parse", "store", "trust", "http", "cli"):
        make(tmp_path, f"src/{layer}/README.md", README)
    make(tmp_path, "src/util/one.h", "#pragma once\n\nint one(void);\n")
    make(tmp_path, "src/util/one.c", '#include "util/one.h"\n\nint one(void)\n{\n    return 1;\n}\n')
    make(tmp_path, "src/parse/gguf.c", '#include "util/one.h"\n\n#include <stddef.h>\n\nint gguf;\n')
    make(tmp_path, "src/store/db.c", '#include <sqlite3.h>\n\nconst char *const q = "SELECT a FROM b";\n')
    make(tmp_path, "src/trust/key.c", "#include <openssl/evp.h>\n")
    make(tmp_path, "src/http/server.c", "#include <microhttpd.h>\n")
    make(tmp_path, "src/cli/main.c", '#include "store/db.h"\n#include "version.h"\n')
    make(tmp_path, "src/util/log.h", '#pragma once\n\n#define LOG_EVENTS(X) X(EV_ONE, "one-done")\n')
    make(tmp_path, "src/cli/one.c", "int one_event = EV_ONE;\n")
    make(tmp_path, "docs/events.md", "| event | meaning |\n|---|---|\n| `one-done` | one is done |\n")
    make(tmp_path, "tests/fuzz/fuzz_gguf.c", "int LLVMFuzzerTestOneInput;\n")
    make(tmp_path, "tests/fuzz/corpus/gguf/seed", "GGUF")
    return tmp_path


def make(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_tree_that_keeps_the_rules_passes(tree, rule):
    assert list(rule(tree)) == []


# rule, file that is added or replaced, its text, and what the one breach must say
BREACHES = [
    (rules.events_are_explained, "docs/events.md", "# Events\n", "does not explain the event one-done"),
    (rules.events_are_explained, "docs/events.md", "| `one-done` | x |\n| `two-done` | x |\n", "explains two-done"),
    (rules.events_are_explained, "src/cli/one.c", "int nothing;\n", "nothing logs EV_ONE"),
    (rules.includes_point_down, "src/util/bad.c", '#include "store/db.h"\n', 'src/util/bad.c:1: includes "store/db.h", which points up'),
    (rules.includes_point_down, "src/parse/bad.c", '\n#include "cli/x.h"\n', "src/parse/bad.c:2"),
    (rules.includes_point_down, "src/util/bad.c", '#include "one.h"\n', 'wanted the path from src/, as "util/one.h"'),
    (rules.includes_point_down, "src/cli/bad.c", '#include "util/../store/db.h"\n', "wanted the path from src/"),
    (rules.includes_point_down, "src/cli/bad.c", '#include "misc/x.h"\n', "misc is not a layer"),
    (rules.includes_point_down, "src/misc/bad.c", "int x;\n", "misc is not a layer"),
    (rules.includes_point_down, "src/bad.c", "int x;\n", "lies in no layer"),
    (rules.formatting_holds, "src/util/bad.c", "int  x;\n", "src/util/bad.c:1: not as clang-format wants it"),
    (rules.each_layer_has_a_readme, "src/http/README.md", "# http\n", "src/http: no README.md"),
    (rules.each_layer_has_a_readme, "src/ship/ship.c", "int x;\n", "src/ship: no README.md"),
    (rules.headers_are_confined, "src/cli/bad.c", "#include <microhttpd.h>\n", "only src/http"),
    (rules.headers_are_confined, "src/cli/bad.c", "#include <sqlite3.h>\n", "only src/store"),
    (rules.headers_are_confined, "src/store/bad.c", "#include <openssl/evp.h>\n", "only src/trust"),
    (rules.headers_are_confined, "src/util/bad.c", "#  include <openssl/sha.h>\n", "src/util/bad.c:1"),
    (rules.headers_are_confined, "src/cli/bad.c", "#include <linux/landlock.h>\n", "src/sandbox"),
    (rules.namespaces_are_made_in_the_sandbox, "src/engine/bad.c", "int f(void)\n{\n    return unshare(0);\n}\n", "src/engine/bad.c:3: uses unshare"),
    (rules.namespaces_are_made_in_the_sandbox, "src/engine/bad.c", "long x = SYS_landlock_create_ruleset;\n", "bad.c:1: uses SYS_landlock"),
    (rules.sql_stays_in_the_store, "src/cli/bad.c", 'const char *q = "SELECT a FROM b";\n', "src/cli/bad.c:1: holds SQL"),
    (rules.sql_stays_in_the_store, "src/store/blob.c", 'const char *q = "DELETE FROM b";\n', "src/store/blob.c:1: holds SQL"),
    (rules.parsers_do_no_io, "src/parse/gguf.c", "int f(void)\n{\n    return open(0, 0);\n}\n", "src/parse/gguf.c:3: calls open()"),
    (rules.parsers_are_fuzzed, "src/parse/elf.c", "int x;\n", "wanted tests/fuzz/fuzz_elf.c"),
    (rules.parsers_are_fuzzed, "tests/fuzz/fuzz_gguf.c", "int fuzz;\n", "fuzz_gguf.c: fuzzes nothing"),
    (rules.parsers_are_fuzzed, "src/parse/elf.c", "int x;\n", "wanted files in tests/fuzz/corpus/elf/"),
    (rules.files_are_short, "src/util/bad.c", "int x;\n" * 801, "src/util/bad.c: 801 lines"),
    (rules.headers_guard_themselves, "src/util/bad.h", "/* #pragma once */\nint x;\n", "src/util/bad.h: no #pragma once"),
] + [
    (rules.banned_functions_are_absent, "tests/unit/bad.c", f"int f(void)\n{{\n    return {name}(0);\n}}\n", f"bad.c:3: calls {name}()")
    for name in rules.BANNED
]


@pytest.mark.parametrize("rule, name, text, says", BREACHES, ids=[f"{r.__name__}-{i}" for i, (r, *_) in enumerate(BREACHES)])
def test_a_tree_that_breaks_a_rule_is_told_where_and_what(tree, rule, name, text, says):
    make(tree, name, text)
    breaches = list(rule(tree))
    assert any(says in breach for breach in breaches), breaches


def test_a_missing_fuzz_target_is_found(tree):
    (tree / "tests/fuzz/fuzz_gguf.c").unlink()
    assert any("wanted tests/fuzz/fuzz_gguf.c" in breach for breach in rules.parsers_are_fuzzed(tree))


@pytest.mark.parametrize(
    "line",
    [
        "/* unlike strcpy(a, b) */",
        'const char *s = "system(1)";',
        "int x = my_system(1);",
        "int x = table.system(1);",
        "int x = table->system(1);",
        "int x = vsnprintf(0, 0, 0);",
        "// gets(x)",
    ],
)
def test_a_banned_word_that_is_no_call_is_left_alone(tree, line):
    make(tree, "src/util/fine.c", line + "\n")
    assert list(rules.banned_functions_are_absent(tree)) == []


def test_a_file_of_the_longest_allowed_length_passes(tree):
    make(tree, "src/util/long.c", "int x;\n" * rules.MAX_LINES)
    assert list(rules.files_are_short(tree)) == []
