#!/usr/bin/env python3
"""The seeds of the readers of packages, made by tests/e2e/packages.py: small ones, good and bad. Run it again after a change."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import packages  # noqa: E402
from seeds import PICKLE, elf, seed  # noqa: E402


def main():
    with tempfile.TemporaryDirectory() as folder:
        scripts = {"demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n../x = demo:main\n"}
        wheels = {
            "good": packages.wheel(folder, "demo", "1.0").read_bytes(),
            "scripts": packages.wheel(folder, "demo", "1.0", members=scripts).read_bytes(),
            "other-name": packages.wheel(folder, "demo", "1.0", metadata="Name: other\nVersion: 2\n").read_bytes(),
            "record": packages.wheel(folder, "demo", "1.0", record=lambda text: text.replace("sha256=", "sha256=A") + '"a,b",,\n').read_bytes(),
            "members": packages.wheel(folder, "demo", "1.0", members={"a.so": elf(), "b.pkl": PICKLE, "c.txt": elf(), "d.pth": b"import os\n"}).read_bytes(),
        }
        sources = {"good": packages.sdist(folder, "demo", "1.0").read_bytes(), "no-info": packages.npm(folder, "demo", "1.0.0").read_bytes()}
        modules = {
            "good": packages.npm(folder, "demo", "1.0.0", dependencies={"a": "^1"}).read_bytes(),
            "bin": packages.npm(folder, "@x/demo", "1.0.0", manifest={"bin": {"a": "../../b"}, "scripts": {"install": "x"}}, members={"other/a": b"x"}).read_bytes(),
        }
        debs = {
            "good": packages.deb(folder, "demo", "1.0", extra={"postinst": b"#!/bin/sh\n"}).read_bytes(),
            "sums": packages.deb(folder, "demo", "1.0", sums="0" * 32 + "  usr/x\n").read_bytes(),
            "setuid": packages.deb(folder, "demo", "1.0", files={"/usr/bin/x": (elf(), 0o4755), "/usr/bin/y": "../../../../etc/passwd"}).read_bytes(),
        }
        for index, (target, files) in enumerate({"wheel": wheels, "sdist": sources, "npm_package": modules, "deb": debs}.items()):
            for name, data in files.items():
                seed(target, name, data)
                seed("package", f"{target}-{name}", bytes([index]) + data)
        seed("package", "file", b"\x04%PDF-1.4\n")
        seed("zip", "good", wheels["good"])
        seed("zip", "members", wheels["members"])
        seed("zip", "prefixed", b"x" + wheels["good"])
        seed("zip", "empty", packages.zip_file(Path(folder) / "empty.zip", {}).read_bytes())
    seed("fields", "metadata", b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nDescription: a\n  b\n .\n\nThe text.\n")
    versions = {"plain": b"1.16.0", "all": b"v01!1.00.0-RC.07.post-3_dev+Ubuntu-01.a", "post": b"1.0-1", "zeros": b"0!0.0.0", "bad": b"1.0+a_", "long": b"1" * 250 + b".0"}
    for name, data in versions.items():
        seed("pep440", name, data)
    seed("fields", "twice", b"Name: a\nname: b\r\n\tmore\nno field\n")


if __name__ == "__main__":
    main()
