#!/usr/bin/env python3
"""The seeds of the readers of advisories: small ones, good and bad. Run it again after a change, with AIRLOCK=PROGRAM, which compiles the
snapshots."""

import io
import json
import os
import struct
import subprocess
import tempfile
import zipfile
from pathlib import Path

from seeds import seed


def text(value):
    data = value.encode()
    return struct.pack("<H", len(data)) + data


def row(packages=b"", count=0):
    head = b"\x01" + text("DEMO-1") + text("a summary") + text("") + text("CC0-1.0") + struct.pack("<qqBhBH", 1, 0, 4, -1, 0, 1)
    return head + b"\x01" + text("CVE-2026-1") + struct.pack("<H", count) + packages


def package(body):
    return text("PyPI") + text("") + text("demo") + struct.pack("<I", len(body)) + body


def record(**more):
    base = {
        "id": "DEMO-1",
        "modified": "2026-01-02T03:04:05.678Z",
        "aliases": ["CVE-2026-1"],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "demo"},
                "ranges": [
                    {"type": "GIT", "repo": "https://example.org/demo", "events": [{"introduced": "0"}]},
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0rc1"}, {"last_affected": "2.4"}]},
                ],
                "versions": ["1.0", "1.1", "2.0rc1"],
            }
        ],
    }
    base.update(more)
    return json.dumps(base).encode()


def archive(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def snapshots(sources):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, data in sources.items():
            paths.append(Path(folder) / name)
            paths[-1].write_bytes(data)
            os.utime(paths[-1], (1767225600, 1767225600))
        out = Path(folder) / "snapshot"
        subprocess.run([os.environ["AIRLOCK"], "--quiet", "advisories", "import", *paths, "--out", out], check=True, stdout=subprocess.DEVNULL)
        whole = out.read_bytes()
    for target in ("advisories", "advisories_show", "advisories_match"):
        seed(target, "whole", whole)
        seed(target, "cut", whole[:-40])
        seed(target, "place", whole[:48] + b"\xff\xff\xff\x7f" + whole[52:])


def main():
    body = b"\x00\xff" + struct.pack("<h", -1) + b"\x01" + struct.pack("<H", 2) + b"\x00" + text("") + b"\x01" + text("1.2")
    body += struct.pack("<III", 1, 0, 3) + b"1.0"
    seed("advisory_row", "record", row(package(body), 1) + row())
    seed("advisory_row", "kev", b"\x02" + text("CVE-2026-1") + struct.pack("<q", 5) + b"\x03" + text("x.json") + text("/id") + text("none"))
    seed("advisory_row", "short", row(package(body), 2))
    seed("advisory_body", "made", b"PyPI\n1.1+cu121\n0\n11.2\n3*\n=1.0\n=1.1.0\n")
    seed("advisory_body", "debian", b"Debian\n1:2.0-1~deb12u1\n01.0\n22.0-1\n")
    seed("advisory_body", "raw", b"Go\n1.1.0\n" + body)
    vectors = {
        "v2": b"(AV:N/AC:L/Au:N/C:P/I:P/A:P)",
        "v3": b"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        "v4": b"CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:P/VC:H/VI:L/VA:N/SC:N/SI:H/SA:L/E:P/MSI:S/CR:M",
        "twice": b"CVSS:3.0/AV:N/AV:N",
    }
    for name, vector in vectors.items():
        seed("cvss", name, vector)
    for name, line in {"debian": b"Debian:bookworm\nOpenSSL\n0:3.0-1+deb12u1", "pypi": b"PyPI\nA__.b-C\nv1.0.0RC1+cu", "suse": b"SUSE:Linux Enterprise Server 15 SP5\nx\n1.el9_2"}.items():
        seed("ecosystem", name, line)
    seed("osv", "good", record())
    seed("osv", "malicious", record(id="MAL-2026-1", affected=[{"package": {"ecosystem": "npm", "name": "@x/y"}, "versions": ["1.0.0"]}]))
    seed("osv", "withdrawn", record(withdrawn="2026-01-02T03:04:05+02:00", severity=[], database_specific={"severity": "MODERATE"}))
    seed("osv", "event", record(affected=[{"package": {"ecosystem": "npm", "name": "y"}, "ranges": [{"type": "SEMVER", "events": [{"begun": "0"}]}]}]))
    seed("osv", "broken", record()[:-5])
    entry = {"description": "x", "releases": {"bookworm": {"status": "resolved", "fixed_version": "1.0-1", "urgency": "low**"}, "sid": {"status": "open"}}}
    seed("debian_tracker", "good", json.dumps({"demo": {"CVE-2026-1": entry, "TEMP-1": entry}, "other": {}}).encode())
    seed("debian_tracker", "status", json.dumps({"demo": {"CVE-2026-1": {"releases": {"bookworm": {"status": "odd"}, "nowhere": {"status": "open"}}}}}).encode())
    seed("debian_tracker", "cut", json.dumps({"demo": {"CVE-2026-1": entry}}).encode()[:-9])
    kev = {"catalogVersion": "1", "dateReleased": "2026-01-02T03:04:05.6Z", "count": 2, "vulnerabilities": [{"cveID": "CVE-2026-1234", "dateAdded": "2026-01-02"}, {"cveID": "x"}]}
    seed("kev", "good", json.dumps(kev).encode())
    seed("kev", "count", json.dumps(dict(kev, count=3)).encode())
    tracker = json.dumps({"demo": {"CVE-2026-1": entry, "TEMP-1": entry}, "other": {}}).encode()
    records = archive({"DEMO-1.json": record(), "MAL-1.json": record(id="MAL-1", affected=[{"package": {"ecosystem": "npm", "name": "@x/y"}, "versions": ["1.0.0"]}]), "x.json": b"{}", "LICENSE": b"x"})
    for name, data in {"zip": records, "cut": records[:-30], "tracker": tracker, "kev": json.dumps(kev).encode(), "osv": record()}.items():
        seed("advisory_source", name, data)
    if os.environ.get("AIRLOCK"):
        snapshots({"records.zip": records, "tracker.json": tracker, "kev.json": json.dumps(kev).encode()})


if __name__ == "__main__":
    main()
