#!/usr/bin/env python3
"""The seeds of the readers of inventories: small records, good and bad, made here. Run it again after a change."""

import base64
import gzip
import hashlib
import io
import json
import sqlite3
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import packages  # noqa: E402
from seeds import elf, seed  # noqa: E402

STATUS = (b"Package: demo\nStatus: install ok installed\nArchitecture: amd64\nSource: src (1.0)\nVersion: 1.0-1\nConffiles:\n"
          b" /etc/demo 0123456789abcdef0123456789abcdef\nDescription: x\n y\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n")
SUMS = b"0123456789abcdef0123456789abcdef  usr/bin/demo\nfedcba9876543210fedcba9876543210 *./usr/lib/x\n"
Q1 = b"Q1" + base64.b64encode(hashlib.sha1(b"x").digest())
APK = b"C:" + Q1 + b"\nP:demo\nV:1.0-r0\nA:x86_64\no:demo-src\nL:MIT\nF:usr/bin\nR:demo\na:0:0:755\nZ:" + Q1 + b"\nR:other\nF:etc\n\nP:b\nV:2\n"
DESC = b"%NAME%\ndemo\n\n%VERSION%\n1.0-1\n\n%ARCH%\nany\n\n%LICENSE%\nMIT\nBSD\n"
FILES = b"%FILES%\nusr/\nusr/bin/demo\n\n%BACKUP%\netc/x\t0123456789abcdef0123456789abcdef\n"
MTREE = gzip.compress(b"#mtree\n/set type=file uid=0\n./usr/a\\040b size=1 sha256digest=" + b"a" * 64 + b"\n./.PKGINFO md5digest=" + b"b" * 32 + b"\n", mtime=0)
METADATA = b"Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nLicense-Expression: MIT\n\ntext\n"
RECORD = b'demo/a.py,sha256=' + base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).rstrip(b"=") + b',1\n"a,b",,\n../../bin/x,md5=abc,\n'
GO_MOD = b'module a\n\ngo 1.21\n\nrequire (\n\tb.example/c v1.2.3 // indirect\n\td.example/e v0.1.0\n)\n\nreplace b.example/c => ../c\nreplace d.example/e v0.1.0 => f.example/g v0.2.0\n'


def rpm_header(name="demo", version="1.0", release="1", epoch=None, files=(), algorithm=8):
    """A header as databases keep it; files: (folder, name, hex, flags)."""
    entries, data = [], b""

    def put(tag, kind, count, value, align=1):
        nonlocal data
        data += b"\0" * (-len(data) % align)
        entries.append(struct.pack(">IIII", tag, kind, len(data), count))
        data += value

    def text(tag, value):
        put(tag, 6, 1, value.encode() + b"\0")

    text(1000, name)
    text(1001, version)
    text(1002, release)
    if epoch is not None:
        put(1003, 4, 1, struct.pack(">I", epoch), 4)
    text(1014, "MIT")
    text(1022, "x86_64")
    text(1044, f"{name}-src-{version}-{release}.src.rpm")
    if files:
        folders = sorted({f[0] for f in files})
        put(1030, 3, len(files), b"".join(struct.pack(">H", 0o100755) for _ in files), 2)
        put(1035, 8, len(files), b"".join(f[2].encode() + b"\0" for f in files))
        put(1037, 4, len(files), b"".join(struct.pack(">I", f[3]) for f in files), 4)
        put(1116, 4, len(files), b"".join(struct.pack(">I", folders.index(f[0])) for f in files), 4)
        put(1117, 8, len(files), b"".join(f[1].encode() + b"\0" for f in files))
        put(1118, 8, len(folders), b"".join(f.encode() + b"\0" for f in folders))
        put(5011, 4, 1, struct.pack(">I", algorithm), 4)
    return struct.pack(">II", len(entries), len(data)) + b"".join(entries) + data


def cpio(files):
    out = b""
    for number, (path, content) in enumerate([*files.items(), ("TRAILER!!!", b"")]):
        name = path.encode() + b"\0"
        fields = (number + 1, 0o100755, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name
        out += b"\0" * (-len(out) % 4)
        out += content
        out += b"\0" * (-len(out) % 4)
    return out


def rpm_package(header, files):
    magic = b"\x8e\xad\xe8\x01\0\0\0\0"
    signature = struct.pack(">II", 1, 4) + struct.pack(">IIII", 1000, 4, 0, 1) + b"\0\0\0\0"
    head = magic + signature
    return b"\xed\xab\xee\xdb" + b"\0" * 92 + head + b"\0" * (-len(head) % 8) + magic + header + gzip.compress(cpio(files), mtime=0)


def sqlite_database(headers, folder):
    path = Path(folder) / "rpmdb.sqlite"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA page_size=512")
        db.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        db.execute("CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        for header in headers:
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (header,))
    db.close()
    return path.read_bytes()


def ndb_database(headers):
    slots, blobs, block = b"", b"", 256
    for number, header in enumerate(headers, 1):
        blob = struct.pack("<IIII", 0x53626C42, number, 1, len(header)) + header
        blob += b"\0" * (-(len(blob) + 12) % 16)
        blob += struct.pack("<III", zlib.adler32(blob), len(header), 0x45626C42)
        slots += struct.pack("<IIII", 0x746F6C53, number, block, len(blob) // 16)
        blobs += blob
        block += len(blob) // 16
    head = struct.pack("<IIIIIIII", 0x506D7052, 0, 1, 1, len(headers) + 1, 0, 0, 0)
    free = struct.pack("<IIII", 0x746F6C53, 0, 0, 0)
    return head + slots + free * ((4096 - 32 - len(slots)) // 16) + blobs


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def buildinfo(modules=b"path\tdemo\nmod\tdemo\t(devel)\t\ndep\texample.com/a/b\tv1.2.3\th1:x\n=>\texample.com/c\tv2.0.0\th1:y\n"):
    info = b"0" * 16 + modules + b"1" * 16
    return b"\xff Go buildinf:" + b"\x08\x02" + b"\0" * 16 + varint(8) + b"go1.22.0" + varint(len(info)) + info


def auditable(crates=({"name": "demo", "version": "0.1.0", "source": "local", "root": True}, {"name": "serde", "version": "1.0.1", "source": "crates.io"}, {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"})):
    return zlib.compress(json.dumps({"packages": list(crates)}).encode())


def elf_with(sections):
    """A 64-bit little-endian object whose sections have these names and bytes."""
    names, data, table = b"\0", b"", [b"\0" * 64]
    for name, content in [*sections.items(), (".shstrtab", None)]:
        at = len(names)
        names += name.encode() + b"\0"
        content = names if content is None else content
        table.append(struct.pack("<IIQQQQIIQQ", at, 1, 0, 0, 64 + len(data), len(content), 0, 0, 1, 0))
        data += content
    head = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64 + len(data), 0, 64, 0, 0, 64, len(table), len(table) - 1)
    return head + data + b"".join(table)


def jar(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for path, content in members.items():
            z.writestr(zipfile.ZipInfo(path), content)
    return out.getvalue()


def tar(members):
    """path → bytes, or a link's target as text."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for path, content in members.items():
            info = tarfile.TarInfo(path)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                t.addfile(info)
            else:
                info.size = len(content)
                t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def docker_image(layers, name="demo:1"):
    ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    members = {f"l{i}/layer.tar": layer for i, layer in enumerate(layers)}
    members["c.json"] = json.dumps({"rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    members["manifest.json"] = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": [f"l{i}/layer.tar" for i in range(len(layers))]}]).encode()
    return tar(members)


def oci_blobs(layers):
    """(blobs by path, descriptor of the manifest)."""
    blobs = {}

    def blob(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    base = "application/vnd.oci.image."
    config = blob(json.dumps({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]}}).encode(), base + "config.v1+json")
    described = [blob(gzip.compress(layer, mtime=0), base + "layer.v1.tar+gzip") for layer in layers]
    manifest = {"schemaVersion": 2, "mediaType": base + "manifest.v1+json", "config": config, "layers": described}
    return blobs, blob(json.dumps(manifest).encode(), base + "manifest.v1+json")


def oci_layout(layers):
    blobs, manifest = oci_blobs(layers)
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode(), **blobs}


def main():
    with tempfile.TemporaryDirectory() as folder:
        sha = hashlib.sha256(b"program").hexdigest()
        header = rpm_header(epoch=1, files=[("/usr/bin/", "demo", sha, 0)])
        many = [rpm_header(f"p{i}", files=[("/usr/share/", f"f{i}", sha, 1)]) for i in range(20)]
        wheel = packages.wheel(folder, "demo", "1.0").read_bytes()
        layer = tar({"var/lib/dpkg/status": STATUS, "etc/.wh.gone": b"", "bin": "usr/bin", "usr/bin/demo": elf()})
        sqlite, ndb, rpm = sqlite_database(many, folder), ndb_database(many[:3]), rpm_package(header, {"./usr/bin/demo": b"program"})
        pom = jar({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\nImplementation-Version: 1.0\r\n", "META-INF/maven/g/a/pom.properties": b"groupId=g\nartifactId=a\nversion=1.0\n"})
        seeds = {
            "dpkg": {"status": b"\0" + STATUS, "single": b"\1" + STATUS, "opkg": b"\2" + STATUS, "sums": b"\3" + SUMS, "bad": b"\3no sum\n"},
            "apk_db": {"good": APK, "bad": b"this is none\n", "twice": b"P:a\nP:b\n", "sum": b"P:a\nV:1\nF:a\nR:b\nZ:Q3x\n"},
            "alpm": {"desc": b"\0" + DESC, "files": b"\1" + FILES, "mtree": b"\2" + MTREE, "bad": b"\0%NAME%\na\nb\n"},
            "conda": {"good": json.dumps({"name": "a", "version": "1", "channel": "https://x.example/main/linux-64", "subdir": "linux-64", "paths_data": {"paths": [{"_path": "bin/a", "sha256": sha}]}}).encode(), "files": b'{"name":"a","version":"1","files":["a","b"]}', "bad": b"{}"},
            "elf_parts": {"sections": elf_with({".go.buildinfo": buildinfo(), ".dep-v0": auditable()}), "program": elf()},
            "go_build": {"section": b"\0" + buildinfo(), "program": b"\1" + elf_with({".go.buildinfo": buildinfo()}), "bare": b"\1" + b"MZ" + b"\0" * 14 + buildinfo(), "bad": b"\0\xff Go buildinf:\x08\x00" + b"\0" * 32},
            "go_mod": {"mod": b"\0" + GO_MOD, "vendor": b"\1# a.example/b v1.0.0\n## explicit\na.example/b\n# c.example/d v1.0.0 => e.example/f v2.0.0\n# g.example/h => ../h\n", "bad": b"\0nothing here\n"},
            "image": {"docker": docker_image([layer, layer]), "oci": tar(oci_layout([layer])), "link": tar({"manifest.json": b'[{"Config":"","Layers":["a/layer.tar"]}]', "a/layer.tar": "../b/layer.tar", "b/layer.tar": layer}), "none": layer},
            "inventory": {"rows": b"demo\n1.0\nusr/bin/demo\n../out\n./a//b/../c\n"},
            "inventory_op": {"image": b"\0" + docker_image([layer]), "layer": b"\1" + layer, "packed": b"\2" + gzip.compress(layer, mtime=0), "part": b"\3abcdef"},
            "inventory_package": {"wheel": b"\0" + wheel, "deb": b"\1" + packages.deb(folder, "demo", "1.0").read_bytes(), "sdist": b"\2" + packages.sdist(folder, "demo", "1.0").read_bytes(), "npm": b"\5" + packages.npm(folder, "demo", "1.0.0").read_bytes(), "rpm": b"\6" + rpm, "pkginfo": b"\x80pkgname = demo\npkgver = 1.0-r0\nlicense = MIT\n"},
            "inventory_read": {"status": b"var/lib/dpkg/status\n" + STATUS, "lock": b"a/yarn.lock\n# yarn lockfile v1\n", "elf": b"usr/bin/x\n" + elf(), "disk": b"disk.img\nQFI\xfb"},
            "jar": {"pom": pom, "nested": jar({"lib/a-1.0.jar": pom}), "bare": jar({"META-INF/MANIFEST.MF": b"Bundle-Version: 2\n"})},
            "lock_inventory": {"good": b'# yarn lockfile v1\n\na@^1:\n  version "1.0.0"\n'},
            "npm_tree": {"good": b'{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}', "old": b'{"name":"b","version":"1","licenses":[{"type":"MIT"},"BSD"]}', "bad": b"[]"},
            "os_release": {"good": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME=\'a b\'\n', "line": b"CentOS release 5.7 (Final)\n"},
            "python_dist": {"metadata": b"\0" + METADATA, "record": b"\1" + RECORD, "twice": b"\0Name: a\nVersion: 1\nVersion: 2\n"},
            "rpm": {"package": b"\0" + rpm, "header": b"\2" + header, "manifest": b"\1a\t1-1\t1\t1\tv\t(none)\t1\tx86_64\t0\ta-1-1.src.rpm\n"},
            "rpmdb": {"sqlite": b"\0" + sqlite, "ndb": b"\1" + ndb, "empty": b"\0"},
            "rust_audit": {"good": auditable(), "bad": b"x\x9c"},
            "copyright": {"fields": b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-2+ or MIT\nLicense: BSD-3-clause\n", "text": b"On Debian systems see /usr/share/common-licenses/GPL-3.\n"},
            "claims": {"paths": b"usr/bin/a\nbin/b\nusr/bin/a\n\n"},
        }
        sri = "sha512-" + base64.b64encode(hashlib.sha512(b"x").digest()).decode()
        seeds |= {
            "lock_yarn": {"classic": f'# yarn lockfile v1\n\n"@a/b@^1.0.0", "@a/b@^1.1.0":\n  version "1.1.0"\n  resolved "https://registry.example/@a/b/-/b-1.1.0.tgz#x"\n  integrity {sri}\n'.encode(), "berry": b'__metadata:\n  version: 8\n\n"a@npm:^1":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n  checksum: 10c0/abc\n', "bad": b"this is none\n"},
            "lock_pnpm": {"six": f"lockfileVersion: '6.0'\n\npackages:\n\n  /@a/b@1.0.0(c@2.0.0):\n    resolution: {{integrity: {sri}}}\n".encode(), "five": b"lockfileVersion: 5.3\npackages:\n  /a/1.0.0_b@2.0.0:\n    dev: true\n  github.com/a/b/c:\n    name: b\n    version: 1.0.0\n"},
            "lock_bun": {"good": f'{{"lockfileVersion": 1, "packages": {{"a": ["a@1.0.0", "", {{}}, "{sri}"], /* x */ }},}} // y'.encode(), "bad": b"{"},
            "lock_deno": {"good": f'{{"version":"4","npm":{{"a@1.0.0_b@2":{{"integrity":"{sri}"}}}},"jsr":{{"@std/a@1.0.0":{{"integrity":"{sha}"}}}}}}'.encode(), "three": b'{"version":"3","packages":{"npm":{"a@1":{}}}}'},
            "lock_cargo": {"good": f'version = 3\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+https://x"\nchecksum = "{sha}"\n\n[[package]]\nname = "own"\nversion = "0.1.0"\n'.encode(), "old": b'[[package]]\nname = "a"\nversion = "1"\nsource = "r"\n[metadata]\n"checksum a 1 (r)" = "x"\n'},
            "lock_gosum": {"good": b"a.example/b v1.0.0 h1:" + base64.b64encode(hashlib.sha256(b"x").digest()) + b"\na.example/b v1.0.0/go.mod h1:x=\n", "bad": b"nothing\n"},
            "lock_pdm": {"good": f'[metadata]\nlock_version = "4.4.1"\n[[package]]\nname = "a"\nversion = "1.0"\ngroups = ["default"]\nfiles = [{{file = "a-1.0.tar.gz", hash = "sha256:{sha}"}}]\n'.encode(), "git": b'[[package]]\nname = "a"\nversion = "1.0"\ngit = "https://x"\n'},
            "lock_pipfile": {"good": f'{{"default":{{"a":{{"version":"==1.0","hashes":["sha256:{sha}"]}}}},"develop":{{"b":{{"git":"https://x"}}}}}}'.encode()},
            "lock_conda": {"yaml": f"version: 1\npackage:\n- name: a\n  version: '1.0'\n  manager: conda\n  platform: linux-64\n  url: https://x/a-1.0-0.conda\n  hash:\n    md5: x\n    sha256: {sha}\n".encode(), "explicit": b"@EXPLICIT\nhttps://x/a-1.0-0.conda#0123456789abcdef0123456789abcdef\n"},
        }
        for target, files in seeds.items():
            for name, data in files.items():
                seed(target, name, data)


if __name__ == "__main__":
    main()
