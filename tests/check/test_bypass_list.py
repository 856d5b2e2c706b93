"""The list of bypasses (docs/bypasses.md) against the tests: no number without a test, no test that is named and not there, and none that has a
number and is not named."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CASES, BUGS = 40, 8
NUMBERED = re.compile(r"(?:case|bug)_(\d+)_\w+")


def table(page):
    """{"case": {number: {names}}, "bug": …} of the rows `| number | trick | names |`."""
    found = {"case": {}, "bug": {}}
    kind = None
    for line in page.splitlines():
        head = re.match(r"\| (case|bug) \|", line)
        kind = head.group(1) if head else kind
        row = re.match(r"\| (\d+) \| .* \| ([^|]*) \|$", line)
        if row:
            assert int(row.group(1)) not in found[kind], f"{kind} {row.group(1)} stands there twice"
            found[kind][int(row.group(1))] = set(row.group(2).split(", "))
    return found


def running_tests():
    """Names of tests with a number: cmocka's that are in a table of tests, pytest's that are not switched off."""
    names = set()
    for path in (ROOT / "tests" / "unit").rglob("test_*.c"):
        names |= {n for n in re.findall(r"\bcmocka_unit_test\w*\((\w+)", path.read_text()) if NUMBERED.fullmatch(n)}
    for path in (ROOT / "tests" / "e2e").glob("test_*.py"):
        off, text = re.compile(r"@pytest\.mark\.(?:skip|xfail)\b"), path.read_text()
        for marks, name in re.findall(r"^((?:@.*\n)*)def test_(\w+)\(", text, re.M):
            if NUMBERED.fullmatch(name) and not off.search(marks):
                names.add(name)
    return names


def test_every_number_has_a_test():
    found = table((ROOT / "docs/bypasses.md").read_text())
    assert sorted(found["case"]) == list(range(1, CASES + 1))
    assert sorted(found["bug"]) == list(range(1, BUGS + 1))
    for kind, rows in found.items():
        for number, names in rows.items():
            wrong = [n for n in names if not re.fullmatch(rf"{kind}_0*{number}_\w+", n)]
            assert names and not wrong, f"{kind} {number}: {wrong}: the number belongs into the name"


def test_every_test_of_the_list_is_there_and_the_other_way_round():
    listed = {n for rows in table((ROOT / "docs/bypasses.md").read_text()).values() for names in rows.values() for n in names}
    there = running_tests()
    assert not listed - there, f"the list names tests that do not run: {sorted(listed - there)}"
    assert not there - listed, f"tests that docs/bypasses.md does not name: {sorted(there - listed)}"
