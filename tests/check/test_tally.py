"""The count that script/test ends with: a failure is never lost on the way to the last line."""

import json

import pytest

import tally


def counts(result):
    return result.passed, len(result.failures), len(result.skips)


@pytest.mark.parametrize(
    "text, status, expected",
    [
        ("1..2\nok 1 - a\nok 2 - b\n", 0, (2, 0, 0)),
        ("1..2\nok 1 - a\nnot ok 2 - b\n# why\n", 1, (1, 1, 0)),
        ("1..2\nok 1 - a\nok 2 # SKIP no kernel\n", 0, (1, 0, 1)),
        ("1..2\nok 1 - a\nok 2 - b # skip no kernel\n", 0, (1, 0, 1)),
        ("1..3\nok 1 - a\n", 139, (1, 1, 0)),  # crashed on the way
        ("1..1\nok 1 - a\n", 1, (1, 1, 0)),  # a leak found at exit
        ("ok 1 - a\nok 2 - b\n", 0, (2, 1, 0)),  # no plan
        ("1..0\n", 0, (0, 1, 0)),  # a test that tests nothing
        ("", 0, (0, 1, 0)),
        ("1..1\nok 1 - a\n1..1\nnot ok 2 - b\n", 1, (1, 1, 0)),  # two groups in one program
        ("1..1\nokay is no test line\nok 1 - a\n", 0, (1, 0, 0)),
    ],
)
def test_tap_is_counted_as_it_is(text, status, expected):
    assert counts(tally.read_tap("t", text, status)) == expected


def test_a_skip_keeps_its_reason():
    result = tally.read_tap("t", "1..1\nok 1 - a # SKIP no user namespaces here\n", 0)
    assert result.skips == [("t: a", "no user namespaces here")]


def test_a_timeout_in_mesons_log_is_a_failure(tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text(json.dumps({"name": "airlock:unit / u", "stdout": "1..1\nok 1 - a\n", "result": "TIMEOUT", "duration": 60, "returncode": 0}))
    assert counts(tally.read_meson(log)) == (1, 1, 0)


def test_junit_errors_and_skips_are_counted(tmp_path):
    xml = tmp_path / "e2e.xml"
    xml.write_text(
        '<testsuites><testsuite><testcase classname="a" name="x"/><testcase classname="a" name="y"><failure message="no"/></testcase>'
        '<testcase classname="a" name="z"><error message="no"/></testcase><testcase classname="a" name="s"><skipped message="why"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert counts(tally.read_junit(xml)) == (1, 2, 1)


@pytest.mark.parametrize(
    "rows, status, last",
    [
        ("unit 3 0 0\ne2e 2 0 0\n", 0, "5 passed, 0 failed"),
        ("unit 3 0 0\ne2e 2 0 4\n", 0, "5 passed, 0 failed, 4 skipped"),
        ("unit plain 3 1 0\n", 1, "3 passed, 1 failed"),
        ("", 1, "0 passed, 0 failed"),
    ],
)
def test_the_last_line_sums_all_kinds(tmp_path, capsys, rows, status, last):
    file = tmp_path / "tally"
    file.write_text(rows)
    assert tally.total(file) == status
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_result_that_was_not_written_is_a_failure(tmp_path, monkeypatch, capsys):
    file = tmp_path / "tally"
    monkeypatch.setattr("sys.argv", ["tally.py", "junit", str(file), "e2e", str(tmp_path / "absent.xml")])
    assert tally.main() == 0
    assert file.read_text() == "e2e 0 1 0\n"
    assert "no result was written" in capsys.readouterr().out


def test_a_kind_that_ran_nothing_is_a_failure(tmp_path):
    file = tmp_path / "tally"
    tally.report(file, "e2e", tally.Result())
    assert file.read_text() == "e2e 0 1 0\n"
