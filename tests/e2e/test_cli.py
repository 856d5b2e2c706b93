"""The command line itself: help, usage errors, JSON errors, manual pages, completion; all from one table."""
import json
import os
import re
import shutil
import subprocess

import pytest


def commands(airlock):
    out = airlock("--help").out
    return re.findall(r"^  ([a-z][a-z -]*?) {2,}\S", out, re.M)


def test_help_lists_every_command_of_the_chain(airlock):
    listed = commands(airlock)
    for name in ("init", "identity", "station init", "station contour add", "trust root add", "trust show", "person new", "person add",
                 "token new", "pack", "ship", "receive", "scan", "judge", "request", "approve", "promote", "rollback", "test",
                 "silence", "serve", "ask", "status", "log", "show", "passport", "fsck", "doctor", "verify attestation",
                 "ledger verify", "ledger prove"):
        assert name in listed


def test_what_comes_later_is_neither_listed_nor_answered(airlock):
    listed = commands(airlock)
    for name in ("receipt",):
        assert name not in listed
        airlock(*name.split(), status=2)
    assert "--since" not in airlock("ship", "--help").out


def test_each_command_explains_itself_on_stdout_with_status_0(airlock):
    for name in commands(airlock):
        out = airlock(*name.split(), "--help").out
        assert out.startswith(f"airlock {name}: ") and "--home DIR" in out


def test_an_unknown_command_names_the_nearest(airlock):
    result = airlock("promot", "x", "prod", status=2)
    assert "promote" in result.err and result.out == ""


def test_an_unknown_option_is_a_usage_error(airlock):
    result = airlock("promote", "--force", "x", "prod", status=2)
    assert "--force" in result.err and "airlock promote --help" in result.err


def test_too_few_and_too_many_arguments_are_usage_errors(airlock):
    assert "at least" in airlock("promote", status=2).err or "wanted 2" in airlock("promote", status=2).err
    assert "one too many" in airlock("version", "x", status=2).err


def test_a_folder_that_is_no_contour_is_not_found_with_a_hint(airlock, tmp_path):
    result = airlock("status", home=tmp_path, status=4)
    assert "airlock init" in result.err


def test_json_errors_are_one_document_with_code_and_status(airlock, tmp_path):
    document = json.loads(airlock("--json", "status", home=tmp_path, status=4).out)
    assert document["schema"] == "airlock/error/1"
    assert document["code"] == "not-found" and document["status"] == 4


def test_manual_pages_are_one_a_command_and_lint_clean(airlock, tmp_path):
    airlock("man", str(tmp_path / "man"))
    pages = sorted((tmp_path / "man").glob("*.1"))
    assert len(pages) == len(commands(airlock)) + 1
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    for page in pages:
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error", str(page)], capture_output=True, text=True)
        assert lint.returncode == 0, lint.stdout


def test_bash_completion_offers_commands_and_options(airlock, tmp_path):
    script = tmp_path / "completion"
    script.write_text(airlock("completion", "bash").out)
    ask = 'source "$0"; COMP_WORDS=(airlock %s); COMP_CWORD=%d; _airlock; echo "${COMPREPLY[@]}"'
    offered = lambda words, at: subprocess.run(["bash", "-c", ask % (words, at), str(script)], capture_output=True, text=True,
                                               check=True).stdout.split()
    assert offered("prom", 1) == ["promote"]
    assert "--volume-size" in offered("ship --vol", 2)


def test_wrong_usage_is_a_json_document_too_wherever_json_stands(airlock):
    for words in (("--json", "promote"), ("promote", "--json"), ("--json", "promot", "x"), ("--json", "judge", "x", "--gate", "foo"),
                  ("promote", "--force", "--json")):
        document = json.loads(airlock(*words, status=2).out)
        assert (document["schema"], document["code"], document["status"]) == ("airlock/error/1", "usage", 2) and document["message"]
    assert airlock("promote", "--", "--json", status=2).out == "", "behind -- it is an argument"


def test_a_group_of_commands_lists_them_and_names_the_nearest(airlock):
    wrong = airlock("trust", "shw", status=2).err
    assert 'the nearest is "trust show"' in wrong and "trust root add, trust show" in wrong
    assert "person new, person add" in airlock("person", status=2).err
    for words in (("trust", "--help"), ("help", "trust"), ("trust", "-h")):
        assert "trust root add" in airlock(*words).out


def test_an_unknown_option_names_the_nearest_and_only_what_is_near(airlock):
    assert "the nearest is --gate" in airlock("judge", "x", "--gat", "trust", status=2).err
    assert "the nearest is --json" in airlock("judge", "x", "--jsn", status=2).err
    assert "nearest" not in airlock("judge", "x", "--force", status=2).err
    assert "nearest" not in airlock("xyz", status=2).err


def test_a_word_that_is_none_of_the_wanted_is_named_with_those(airlock):
    gate = airlock("judge", "x", "--gate", "foo", status=2).err
    assert '"foo"' in gate and "intake, trust or deploy" in gate
    environment = airlock("approve", "x", "--for", "prd", status=2).err
    assert '"prd"' in environment and "sandbox, test or prod" in environment


def test_help_and_version_are_found_by_every_usual_name(airlock):
    assert airlock("help", "promote").out == airlock("promote", "--help").out == airlock("promote", "-h").out
    assert airlock("help").out == airlock("-h").out == airlock("--help").out
    assert airlock("--version").out == airlock("version").out
    airlock("help", "nothing", status=2)


def test_an_empty_folder_name_is_wrong_usage_and_never_the_working_directory(airlock):
    assert "--home is empty" in airlock("--home", "", "status", status=2).err
    assert "AIRLOCK_HOME is set, and empty" in airlock("status", env={"AIRLOCK_HOME": ""}, status=2).err


def test_help_text_fits_in_100_columns_and_has_no_trailing_blanks(airlock):
    for name in commands(airlock):
        explained = airlock(*name.split(), "--help").out
        detail = explained.split("\nOptions:\n")[0].split("\n", 3)[3:]
        assert all(len(line) <= 100 for part in detail for line in part.splitlines()), explained
        assert all(line == line.rstrip() for line in explained.splitlines()), explained
        assert not re.search(r"may be given.*may be repeated", explained), explained


def test_manual_pages_point_at_the_page_of_the_program(airlock, tmp_path):
    airlock("man", str(tmp_path))
    for page in tmp_path.glob("airlock-*.1"):
        text = page.read_text()
        assert ".SH SEE ALSO\n\\fBairlock\\fR(1)\n" in text and ".SH EXIT STATUS" in text
        assert all(line == line.rstrip() for line in text.splitlines()), page.name


# ── folders and files that cannot be used ──


@pytest.fixture
def contour(airlock, tmp_path):
    airlock("init", "--name", "demo", home=tmp_path / "contour")
    return tmp_path / "contour"


def test_a_path_of_the_wrong_kind_is_wrong_input_and_no_failure_of_the_system(airlock, contour, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    assert "wanted a folder" in airlock("status", home=file, status=3).err
    assert "wanted a folder" in airlock("status", home=file / "deeper", status=3).err
    assert "lead in a ring" in airlock("status", home=tmp_path / "ring", status=3).err
    assert "longer than the system allows" in airlock("status", home=tmp_path / ("n" * 300), status=3).err
    assert "is a folder; wanted a file" in airlock("person", "add", "anna", "--role", "auditor", "--key", tmp_path, home=contour, status=(2, 3)).err


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv, to be another user")
def test_a_folder_of_another_user_says_whose_it_is_and_who_we_are(airlock_path, contour, tmp_path):
    program = tmp_path / "airlock"
    shutil.copy(airlock_path, program)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode & 0o7777 | 0o055)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "--home", contour, "status"],
                          capture_output=True, text=True)
    assert done.returncode == 5, done
    assert "belongs to user 0 with mode 0700" in done.stderr and "runs as user 65534" in done.stderr and "Run it as that user" in done.stderr


def test_a_wrong_configuration_names_the_whole_path_the_line_and_what_was_found(airlock, contour):
    config = contour / "airlock.yaml"
    good = config.read_text()
    for old, new, words in (("memory: 0", "memory: 5X", 'memory: "5X" is no size'), ("port: 8470", "port: 99999", "found 99999"),
                            ("environments: [prod]", "environments: [prd]", 'found "prd"'), ("kind: contour", "kind: contuor", 'found "contuor"'),
                            ("  port: 8470", "  prot: 8470", 'did you mean "port"')):
        config.write_text(good.replace(old, new))
        line = next(n for n, text in enumerate(config.read_text().splitlines(), 1) if new in text)
        refused = airlock("status", cwd=contour, status=3).err
        assert f"{config}:{line}: " in refused and words in refused, refused
    config.write_text(good.replace("standby: true", "standby: true\n  xyz: 1"))
    assert "did you mean" not in airlock("status", home=contour, status=3).err


def test_a_key_that_does_not_unseal_names_the_passphrase_file_and_what_to_do(airlock, contour, tmp_path):
    airlock("person", "new", "anna", "--out", tmp_path / "anna.pem", "--passphrase-file", contour / "keys" / "unseal")
    add = ("person", "add", "anna", "--role", "auditor", "--key", tmp_path / "anna.pem.pub")
    unseal = contour / "keys" / "unseal"
    (tmp_path / "kept").write_text(unseal.read_text())
    unseal.write_text("wrong\n")
    wrong = airlock(*add, home=contour, status=5).err
    assert "keys/unseal" in wrong and "keys/site.pem" in wrong and str(contour) in wrong and "backup" in wrong
    unseal.unlink()
    missing = airlock(*add, home=contour, status=4).err
    assert "keys/unseal" in missing and "passphrase-file in airlock.yaml" in missing and "put it back" in missing
    config = contour / "airlock.yaml"
    config.write_text(config.read_text().replace('"keys/unseal"', f'"{tmp_path}/kept"'))
    airlock(*add, home=contour)


def test_a_lost_database_names_the_folder_and_the_way_back(airlock, contour):
    for file in contour.glob("state.db*"):
        file.unlink()
    lost = airlock("status", home=contour, status=4).err
    assert str(contour) in lost and "state.db" in lost and "backup" in lost
    assert not (contour / "state.db").exists()


def test_an_init_that_a_bad_policy_stops_says_that_it_can_be_completed(airlock, tmp_path):
    contour = tmp_path / "contour"
    contour.mkdir()
    (contour / "policy.yaml").write_text("nonsense: 1\n")
    stopped = airlock("init", "--name", "demo", home=contour, status=3).err
    assert "policy.yaml" in stopped and "the same command again completes it" in stopped
    (contour / "policy.yaml").unlink()
    airlock("init", "--name", "demo", home=contour)
    airlock("status", home=contour)


def test_an_action_that_the_ledger_does_not_know_is_answered_with_those_that_it_does(airlock, contour):
    answer = airlock("log", "--action", "promot", home=contour)
    assert answer.out == "" and 'No entry of action "promot"' in answer.err and "init" in answer.err.split("Actions found:")[1].split()
    assert airlock("log", "--action", "init", home=contour).err == ""
