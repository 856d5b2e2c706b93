#!/usr/bin/env python3
"""Counts tests of every kind for script/test. Each kind's result is read, its failures are printed with their output, and a line
"KIND PASSED FAILED SKIPPED" is added to the tally file; "sum" reads those, prints every kind, and last of all the total.

    tally.py tap   TALLY KIND FILE [STATUS]   what a program printed in TAP, and its exit status
    tally.py meson TALLY KIND FILE            meson-logs/testlog.json
    tally.py junit TALLY KIND FILE            pytest's --junitxml
    tally.py sum   TALLY                      exit status 1 if anything failed or nothing ran
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TAP_LINE = re.compile(r"^(not )?ok\b(?:\s+\d+)?(?:\s+-)?\s*([^#]*)(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
TAP_PLAN = re.compile(r"^1\.\.(\d+)")


class Result:
    def __init__(self):
        self.passed = 0
        self.failures = []  # (name, output)
        self.skips = []  # (name, reason)

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips


def read_tap(name, text, status):
    """What one program said. A program that ends badly without having named a failed test, or that runs fewer tests than it planned,
    counts as one failed test more."""
    result = Result()
    planned, seen = 0, 0
    for line in text.splitlines():
        plan = TAP_PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            continue
        match = TAP_LINE.match(line)
        if not match:
            continue
        seen += 1
        bad, what, directive, reason = match.groups()
        if directive and directive.upper() == "SKIP":
            result.skips.append((f"{name}: {what.strip()}", reason.strip()))
        elif bad:
            result.failures.append((f"{name}: {what.strip()}", text))
        else:
            result.passed += 1
    if seen != planned:
        result.failures.append((f"{name}: {seen} tests ran, {planned} were planned", text))
    elif status != 0 and not result.failures:
        result.failures.append((f"{name}: ended with status {status}", text))
    elif seen == 0:
        result.failures.append((f"{name}: ran no test", text))
    return result


def read_meson(path):
    """meson's log: one JSON document per test program."""
    result = Result()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        text = test.get("stdout") or ""
        status = test.get("returncode", 0)
        if test["result"] in ("TIMEOUT", "INTERRUPT"):
            text += f"\n# {test['result']} after {test['duration']:.0f} s\n"
            status = status or 1
        one = read_tap(test["name"].split(" / ")[-1], text, status)
        extra = test.get("stderr") or ""
        one.failures = [(name, output + extra) for name, output in one.failures]
        result.add(one)
    return result


def read_junit(path):
    result = Result()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped")
        if bad:
            result.failures.append((name, ""))  # pytest has printed it already
        elif skipped is not None:
            result.skips.append((name, skipped.get("message") or ""))
        else:
            result.passed += 1
    return result


def shown(failures):
    """Each output once, though several of its tests may have failed."""
    last = None
    for name, output in failures:
        print(f"FAILED {name}")
        if output and output != last:
            print("\n".join("    " + line for line in output.rstrip().splitlines()[-200:]))
        last = output


def report(tally, kind, result):
    if not (result.passed or result.failures or result.skips):
        result.failures.append((f"{kind}: ran no test", ""))
    shown(result.failures)
    for name, reason in result.skips:
        print(f"SKIPPED {name}: {reason or 'no reason given'}")
    counts = (result.passed, len(result.failures), len(result.skips))
    with open(tally, "a", encoding="utf-8") as file:
        print(kind, *counts, file=file)
    print(f"{kind}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)


def total(tally):
    """Prints the table and the last line; returns the exit status."""
    rows = [line.rsplit(" ", 3) for line in Path(tally).read_text(encoding="utf-8").splitlines()]
    sums = [0, 0, 0]
    print()
    for kind, *numbers in rows:
        numbers = [int(n) for n in numbers]
        sums = [a + b for a, b in zip(sums, numbers)]
        print(f"  {kind:<32} {numbers[0]:>6} passed {numbers[1]:>5} failed {numbers[2]:>5} skipped")
    print()
    if sums[2]:
        print(f"{sums[2]} TESTS WERE SKIPPED; each is named above with its reason (lines that begin with SKIPPED).")
    print(f"{sums[0]} passed, {sums[1]} failed" + (f", {sums[2]} skipped" if sums[2] else ""), flush=True)
    return 1 if sums[1] or not sums[0] else 0


def main():
    what, tally = sys.argv[1:3]
    if what == "sum":
        return total(tally)
    kind, path = sys.argv[3], Path(sys.argv[4])
    result = Result()
    if not path.is_file():
        result.failures.append((f"{kind}: no result was written", ""))
    elif what == "tap":
        result = read_tap(kind, path.read_text(encoding="utf-8", errors="replace"), int(sys.argv[5]) if len(sys.argv) > 5 else 0)
    elif what == "meson":
        result = read_meson(path)
    elif what == "junit":
        result = read_junit(path)
    else:
        sys.exit(f"tally.py: {what}: no such kind of result")
    report(tally, kind, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
