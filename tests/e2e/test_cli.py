"""The command line itself: help, usage errors, JSON errors, manual pages, completion; all from one table."""
import json
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
    for name in ("collect", "waive", "recall", "receipt", "sbom", "match", "version compare"):
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
