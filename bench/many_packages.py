#!/usr/bin/env python3
"""Makes many small packages for benches, and the lines of release.yaml that bring them.

    bench/many_packages.py OUT [--count 10000] [--prefix many] [--wheels 7]

Of ten packages seven are wheels, two npm packages, one a Debian package (unless --wheels says otherwise); names are PREFIX-00000 and so on. OUT gets the files and packages.yaml,
which is appended to a release.yaml as it is. The same arguments give the same bytes."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from packages import deb, npm, wheel  # noqa: E402


def numbered(prefix, number):
    """Letters in the place of digits, none of which looks like another: names that people take for each other are findings."""
    return f"{prefix}-" + "".join("abcdefghjk"[int(digit)] for digit in f"{number:05}")


def make(out, count, prefix="many", wheels=7):
    """Writes `count` packages into `out`, of ten so many wheels; returns their paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        name = numbered(prefix, number)
        if number % 10 < wheels:
            made.append(wheel(out, name, "1.0", requires=[f"{numbered(prefix, number - 1)}>=1.0"] if number % 10 else []))
        elif number % 10 < 9:
            made.append(npm(out, name, "1.0.0"))
        else:
            made.append(deb(out, name, "1.0"))
    return made


def release_lines(paths):
    return "packages:\n  local:\n" + "".join(f"    - {path}\n" for path in paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--prefix", default="many")
    parser.add_argument("--wheels", type=int, default=7, help="of ten packages; default 7")
    args = parser.parse_args()
    paths = make(args.out.resolve(), args.count, args.prefix, args.wheels)
    (args.out / "packages.yaml").write_text(release_lines(paths))
    print(f"{len(paths)} packages and packages.yaml are in {args.out}")


if __name__ == "__main__":
    main()
