#!/usr/bin/env python3
"""The rules of the house that a program can see. Each takes the root of a tree and yields one line per breach: where, what, and what
is wanted instead. Run as a program: rules.py [ROOT] checks ROOT (default: this repository) and prints TAP."""

import re
import subprocess
import sys
from pathlib import Path

# Top to bottom, as in docs/architecture.md: a file includes from its own folder and from folders further down.
LAYERS = (
    "cli console registry gateway library collect engine silence contour gate scan ship site ledger trust store http parse sandbox util"
).split()

BANNED = "strcpy strcat sprintf vsprintf sscanf atoi atol strtok alloca system popen gets".split()

MAX_LINES = 800

# A header of others, and the only files that may know it.
CONFINED = (
    (re.compile(r"microhttpd\.h$"), re.compile(r"src/http/"), "only src/http knows the HTTP library"),
    (re.compile(r"sqlite3\.h$"), re.compile(r"src/store/"), "only src/store knows the database"),
    (
        re.compile(r"openssl/"),
        re.compile(r"src/trust/|src/util/(digest|digest512)\.[ch]$"),
        "only src/trust touches keys and signatures; hashing is util/digest.h",
    ),
    (
        re.compile(r"^seccomp\.h$|landlock\.h$"),
        re.compile(r"src/sandbox/"),
        "only src/sandbox makes namespaces and filters",
    ),
    (re.compile(r"^linux/seccomp\.h$"), re.compile(r"src/(sandbox|silence)/"), "only src/sandbox makes filters, and src/silence is told by them"),
)

PARSE_IO = re.compile(r"\b(open|openat|fopen|read|pread|write|pwrite|fread|fwrite|stat|fstat|lstat|mmap|socket|connect)\s*\(")


def relative(root, path):
    return path.relative_to(root).as_posix()


def c_files(root, *folders):
    for folder in folders or ("src", "tests", "bench"):
        base = root / folder
        if base.is_dir():
            yield from sorted(p for p in base.rglob("*.[ch]") if p.is_file())


def code_lines(path):
    """(number, line) of a C file with comments and the insides of string and character literals blanked, so that words in them are not code."""
    text = path.read_text(encoding="utf-8", errors="replace")
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group(0)
        if found[0] == "/":
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]

    return enumerate(pattern.sub(blank, text).splitlines(), 1)


def includes(path):
    """(number, name, quoted) of each include, read from the raw text, because the name stands in a literal."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def layer_folders(root):
    src = root / "src"
    return sorted(p for p in src.iterdir() if p.is_dir()) if src.is_dir() else []


def includes_point_down(root):
    for path in c_files(root, "src"):
        parts = path.relative_to(root / "src").parts
        if len(parts) < 2:
            yield f"{relative(root, path)}: lies in no layer; wanted src/<layer>/NAME.c"
            continue
        own = parts[0]
        if own not in LAYERS:
            yield f"{relative(root, path)}: {own} is not a layer; the layers are: {' '.join(LAYERS)}"
            continue
        for number, name, quoted in includes(path):
            if not quoted or name == "version.h":
                continue
            target = name.split("/")[0]
            if "/" not in name or ".." in name:
                yield f'{relative(root, path)}:{number}: includes "{name}"; wanted the path from src/, as "{own}/{name.split("/")[-1]}"'
            elif target not in LAYERS:
                yield f'{relative(root, path)}:{number}: includes "{name}", and {target} is not a layer'
            elif LAYERS.index(target) < LAYERS.index(own):
                yield (
                    f'{relative(root, path)}:{number}: includes "{name}", which points up: {target} lies above {own}; '
                    "what a lower layer needs of a higher one is given to it as an argument"
                )


def banned_functions_are_absent(root):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in c_files(root):
        for number, line in code_lines(path):
            for match in pattern.finditer(line):
                yield f"{relative(root, path)}:{number}: calls {match.group(1)}(), which is banned; see util/span.h and util/buf.h"


def formatting_holds(root):
    files = [str(p) for p in c_files(root)]
    for start in range(0, len(files), 100):
        chunk = files[start : start + 100]
        style = root / ".clang-format"
        run = subprocess.run(
            ["clang-format", f"--style=file:{style}", "--dry-run", "-Werror", *chunk], capture_output=True, text=True, check=False
        )
        found = re.findall(r"^(.+?):(\d+):\d+: error: code should be clang-formatted", run.stderr, re.M)
        seen = set()
        for name, number in found:
            if name not in seen:
                seen.add(name)
                yield f"{relative(root, Path(name))}:{number}: not as clang-format wants it; run: clang-format -i {relative(root, Path(name))}"
        if run.returncode != 0 and not found:
            yield f"clang-format failed: {run.stderr.strip()[:500]}"


def each_layer_has_a_readme(root):
    for folder in layer_folders(root):
        readme = folder / "README.md"
        if not readme.is_file() or len(readme.read_text(encoding="utf-8").split()) < 10:
            yield f"{relative(root, folder)}: no README.md of about ten lines: what it does, what it may use, where to start reading"


def headers_are_confined(root):
    for path in c_files(root, "src"):
        for number, name, _ in includes(path):
            for header, allowed, reason in CONFINED:
                if header.search(name) and not allowed.match(relative(root, path)):
                    yield f"{relative(root, path)}:{number}: includes {name}; {reason}"


def namespaces_are_made_in_the_sandbox(root):
    pattern = re.compile(r"(?<![\w.>])(unshare|setns|clone|clone3|pivot_root)\s*\(|\bSYS_(unshare|setns|clone3?|pivot_root|landlock_\w+|seccomp)\b")
    for path in c_files(root, "src"):
        if relative(root, path).startswith("src/sandbox/"):
            continue
        for number, line in code_lines(path):
            match = pattern.search(line)
            if match:
                yield f"{relative(root, path)}:{number}: uses {match.group(0).rstrip('( ')}; only src/sandbox makes namespaces and filters"


def sql_stays_in_the_store(root):
    pattern = re.compile(r'"\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b')
    for path in c_files(root, "src"):
        if re.match(r"src/store/db\w*\.[ch]$", relative(root, path)):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                yield f"{relative(root, path)}:{number}: holds SQL; all SQL is in src/store/db*.c"


def parsers_do_no_io(root):
    for path in c_files(root, "src/parse"):
        for number, line in code_lines(path):
            match = PARSE_IO.search(line)
            if match and not re.search(r"[\w.>]" + re.escape(match.group(0)), line):
                yield f"{relative(root, path)}:{number}: calls {match.group(1)}(); a parser is a pure function over bytes"


def parsers_are_fuzzed(root):
    for path in sorted((root / "src/parse").glob("*.c")):
        target = root / "tests/fuzz" / f"fuzz_{path.stem}.c"
        corpus = root / "tests/fuzz/corpus" / path.stem
        if not target.is_file():
            yield f"{relative(root, path)}: has no fuzz target; wanted {relative(root, target)}"
        elif not re.search(r"LLVMFuzzerTestOneInput|^FUZZ_[A-Z_]+\(", target.read_text(encoding="utf-8"), re.M):
            yield f"{relative(root, target)}: fuzzes nothing; wanted LLVMFuzzerTestOneInput, or a FUZZ_… macro"
        if not corpus.is_dir() or not any(p.is_file() for p in corpus.iterdir()):
            yield f"{relative(root, path)}: has no seeds; wanted files in {relative(root, corpus)}/"


def files_are_short(root):
    for path in c_files(root):
        count = len(path.read_text(encoding="utf-8", errors="replace").splitlines())
        if count > MAX_LINES:
            yield f"{relative(root, path)}: {count} lines; a file tells one story and is split before {MAX_LINES}"


def headers_guard_themselves(root):
    for path in c_files(root, "src"):
        if path.suffix == ".h" and not any(line.strip() == "#pragma once" for _, line in code_lines(path)):
            yield f"{relative(root, path)}: no #pragma once"


def events_are_explained(root):
    header, document = root / "src/util/log.h", root / "docs/events.md"
    if not header.is_file():
        return
    known = set(re.findall(r'X\(EV_\w+,\s*"([a-z-]+)"\)', header.read_text(encoding="utf-8")))
    explained = set(re.findall(r"^\| `([a-z-]+)` \|", document.read_text(encoding="utf-8"), re.M)) if document.is_file() else set()
    for name in sorted(known - explained):
        yield f"docs/events.md: does not explain the event {name} of src/util/log.h"
    for name in sorted(explained - known):
        yield f"docs/events.md: explains {name}, which src/util/log.h does not have"
    sources = " ".join(p.read_text(encoding="utf-8") for p in c_files(root, "src") if p != header)
    for constant, name in re.findall(r'X\((EV_\w+),\s*"([a-z-]+)"\)', header.read_text(encoding="utf-8")):
        if constant not in sources:
            yield f"src/util/log.h: nothing logs {constant} ({name})"


RULES = (
    includes_point_down,
    banned_functions_are_absent,
    formatting_holds,
    each_layer_has_a_readme,
    headers_are_confined,
    namespaces_are_made_in_the_sandbox,
    sql_stays_in_the_store,
    parsers_do_no_io,
    parsers_are_fuzzed,
    files_are_short,
    headers_guard_themselves,
    events_are_explained,
)


def main():
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    failed = 0
    print(f"1..{len(RULES)}")
    for number, rule in enumerate(RULES, 1):
        breaches = list(rule(root))
        failed += bool(breaches)
        print(f"{'not ok' if breaches else 'ok'} {number} - {rule.__name__}")
        for breach in breaches:
            print(f"#   {breach}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
