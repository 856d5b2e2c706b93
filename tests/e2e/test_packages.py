"""Packages in releases, from release.yaml to prod: what travels, what each reader objects to at pack and in the contour, and what the inventory
says of it."""

import base64
import json
import sqlite3
import sys
import zipfile
from pathlib import Path

import pytest
from packages import deb, npm, sdist, wheel, with_packages, write_with_packages
from world import gguf, world  # noqa: F401

PICKLE = b"cos\nsystem\n(S'true'\ntR."


def rows(home, sql, *args):
    with sqlite3.connect(home / "state.db") as db:
        return db.execute(sql, args).fetchall()


def good(folder):
    return [
        wheel(folder, "Foo.Bar", "1.0", requires=["baz>=2"], python=">=3.9"),
        sdist(folder, "baz", "2.0"),
        npm(folder, "@scope/left", "1.2.3", manifest={"bin": "cli.js", "optionalDependencies": {"right": "^1.0.0"}}),
        deb(folder, "hello", "1:2.10-3", files={"/usr/bin/hello": (b"#!/bin/sh\necho hello\n", 0o755)}),
    ]


def test_a_release_brings_its_packages_to_prod(world):
    world.found()
    with_packages(world, files=good(world.folder), documents={"handbook.txt": b"Read me.\n", "docs/api.json": b"{}\n"})
    world.receive(world.ship("assistant:v1.0.0"))
    found = rows(world.contour, "SELECT ecosystem, name, version, filename, about FROM package WHERE ecosystem <> 'hf' ORDER BY 1, 2")
    assert [row[:4] for row in found] == [
        ("deb", "hello", "1:2.10-3", "hello_2.10-3_all.deb"),
        ("file", "assistant", "v1.0.0", "handbook.txt"),
        ("file", "docs", "v1.0.0", "api.json"),
        ("npm", "@scope/left", "1.2.3", "scope-left-1.2.3.tgz"),
        ("pypi", "baz", "2.0", "baz-2.0.tar.gz"),
        ("pypi", "foo-bar", "1.0", "Foo.Bar-1.0-py3-none-any.whl"),
    ]
    about = {(row[0], row[1]): json.loads(row[4]) for row in found}
    assert about["pypi", "foo-bar"]["project"] == "Foo.Bar" and about["pypi", "foo-bar"]["requires-python"] == ">=3.9"
    assert about["npm", "@scope/left"]["manifest"] == {"optionalDependencies": {"right": "^1.0.0"}, "bin": {"left": "cli.js"}}
    assert list(about["deb", "hello"]["control"])[:3] == ["Package", "Version", "Architecture"]

    world.people()
    world.to_prod("assistant:v1.0.0")
    world.fsck()
    scan = world.run("scan", "assistant:v1.0.0", json=True).json
    assert {file["verdict"] for file in scan["files"] if file["path"].startswith("packages/")} <= {"clean", "opaque"}

    shown = world.run("show", "assistant:v1.0.0", json=True).json["packages"]
    assert [(p["ecosystem"], p["name"]) for p in shown] == [row[:2] for row in found]
    assert world.run("passport", "assistant:v1.0.0", json=True).json["release"]["packages"] == shown
    for command in ("show", "passport"):
        assert "6: 1 deb, 2 file, 1 npm, 2 pypi" in world.run(command, "assistant:v1.0.0").out
    assert "6: 1 deb, 2 file, 1 npm, 2 pypi" in world.run("passport", "assistant:v1.0.0", "--html").out
    assert world.run("status", json=True).json["releases"][0]["packages"] == 6

    sbom = [json.loads(r[0]) for r in rows(world.contour, "SELECT envelope FROM evidence WHERE predicate_type LIKE '%cyclonedx%' AND origin = 'contour'")]
    purls = {part.get("purl") for part in components(sbom[-1])}
    assert {"pkg:pypi/foo-bar@1.0?file_name=Foo.Bar-1.0-py3-none-any.whl", "pkg:npm/%40scope/left@1.2.3", "pkg:deb/debian/hello@1:2.10-3?arch=all"} <= purls


def components(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]["components"]


def test_a_release_without_packages_is_as_it_was(world):
    world.found()
    path = write_with_packages(world)
    digest = world.run("pack", path, home=world.station, json=True).json["digest"]
    index = json.loads((world.station / "store" / "blobs" / "sha256" / digest.split(":")[1]).read_text())
    assert len(index["manifests"]) == 3
    assert world.run("pack", path, home=world.station, json=True).json["packages"] == 0


def test_the_same_packages_give_the_same_digest(world):
    world.found()
    files = good(world.folder)
    first = with_packages(world, files=files)
    result = world.run("pack", write_with_packages(world, files=files[::-1]), home=world.station, json=True).json
    assert result["digest"] == first and result["already"] and result["packages"] == 4


def bad(folder):
    """(file, rule that must fire, words of the message)"""
    info = "{}-1.0.dist-info"
    w = folder / "w"
    w.mkdir()
    program = Path(sys.executable).resolve().read_bytes()
    twice = wheel(w, "twice", "1.0")
    gap = wheel(w, "gap", "1.0")
    gap.write_bytes(b"MZ" + gap.read_bytes())
    yield wheel(w, "hash", "1.0", record=lambda text: text.replace("sha256=", "sha256=A", 1)), "wheel-record", "hash that RECORD says"
    yield wheel(w, "unlisted", "1.0", record=lambda text: text.split("\n", 1)[1]), "wheel-record", "RECORD does not list it"
    yield wheel(w, "absent", "1.0", record=lambda text: text + "gone.py,,\n"), "wheel-record", "no member"
    yield wheel(w, "naming", "1.0", metadata="Name: other\nVersion: 1.0\n"), "package-name", "other"
    yield wheel(w, "versioned", "1.0", metadata="Name: versioned\nVersion: 2.0\n"), "package-version", "2.0"
    yield wheel(w, "double", "1.0", metadata="Name: double\nName: other\nVersion: 1.0\n"), "fields-needed", "wanted once"
    yield wheel(w, "tagged", "1.0", filename="tagged-1.0-cp311-cp311-linux_x86_64.whl"), "wheel-tags", "tag"
    yield wheel(w, "scripts", "1.0", members={info.format("scripts") + "/entry_points.txt": b"[console_scripts]\n../../x = a:b\n"}), "wheel-entry-point", "leads out"
    for number, text in enumerate(
        (
            b"[console_scripts]\na = a:b\n  ../../x = a:b\n",
            b"[other]\na = b\n  [console_scripts]\n  ../../x = a:b\n",
            b"  [console_scripts]\n  ../../x = a:b\n",
            b"[[console_scripts]]\n../../x = a:b\n",
            b"[console_scripts] #\n../../x = a:b\n",
            b"[DEFAULT]\n../../x = a:b\n[console_scripts]\n",
            b"[other]\ra = b\r[console_scripts]\r../../x = a:b\r",
            b"[other]\na = b\xe2\x80\xa8[console_scripts]\xe2\x80\xa8../../x = a:b\n",
            b"[other]\n\xc2\xa0[console_scripts]\n../../x = a:b\n",
            b"[console_scripts]\n; ../../x = a:b\n",
            b"[console_scripts]\nx: y = a:b\n",
        )
    ):
        yield wheel(w, f"entries{number}", "1.0", members={f"entries{number}-1.0.dist-info/entry_points.txt": text}), "wheel-entry-point", ""
    for number, control in enumerate("\r\v\f\x1c\x85\u2028"):
        yield wheel(w, f"ends{number}", "1.0", metadata=f"Summary: x{control}Name: other\nName: ends{number}\nVersion: 1.0\n"), "fields-control", "line 1 holds"
    yield sdist(w, "returns", "1.0", metadata="Summary: x\rName: other\nName: returns\nVersion: 1.0\n"), "fields-control", "U+000D"
    yield deb(w, "bells", "1.0", control=lambda text: text.replace("made for", "made\a for")), "fields-control", "U+0007"
    yield deb(w, "carriage", "1.0", control=lambda text: text.replace("test\n It", "test\r\n It")), "deb-control", "Description"
    yield deb(w, "comment", "1.0", control=lambda text: text + "#note: x\n"), "deb-control", "#note"
    yield deb(w, "capital", "1.0", control=lambda text: text.replace("Package:", "PACKAGE:")), "deb-control", "PACKAGE"
    yield wheel(w, "outside", "1.0", members={"../outside.py": b"x"}), "zip-path", ".."
    yield wheel(w, "pickled", "1.0", members={"pickled/notes.txt": PICKLE}), "hidden-content", "pickle"
    yield wheel(w, "renamed", "1.0", members={"renamed/data.dat": program}), "hidden-content", "elf"
    yield wheel(w, "windows", "1.0", members={"windows/data.json": b"MZ\x90\0" + b"\xff" * 64}), "hidden-content", "program"
    yield wheel(w, "models", "1.0", members={"models/m.gguf": gguf()[:-8]}), "gguf-", ""
    yield gap, "zip-", ""
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("twice.py", b"import os\n")
    yield twice, "zip-twice", "twice"
    yield sdist(w, "source", "1.0", metadata="Name: source\nVersion: 2.0\n"), "package-version", "2.0"
    yield sdist(w, "roots", "1.0", members={"elsewhere/x.py": b"x"}), "sdist-root", "more than the one folder"
    yield npm(w, "versionless", "1.0.0", manifest={"version": "1.0"}), "package-version", "1.0"
    yield npm(w, "other-name", "1.0.0", manifest={"name": "another-name"}), "package-name", "another-name"
    yield npm(w, "bins", "1.0.0", manifest={"bin": {"x": "../../../etc/passwd"}}), "npm-bin", "leads out"
    yield npm(w, "climbs", "1.0.0", members={"package/../../x": b"x"}), "tar-path", ".."
    yield deb(w, "control", "1.0", control=lambda text: text.replace("Version: 1.0", "Version: 1.1")), "package-name", "1.1"
    yield deb(w, "arch", "1.0", control=lambda text: text.replace("all", "amd64")), "package-name", "amd64"
    yield deb(w, "fields", "1.0", control=lambda text: text + "Version: 1.0\n"), "deb-control", "twice"
    yield deb(w, "sums", "1.0", sums="0" * 32 + "  usr/share/sums/text\n"), "deb-md5sums", "hash that md5sums says"
    yield deb(w, "unsummed", "1.0", sums=""), "deb-md5sums", "does not list"
    yield deb(w, "setuid", "1.0", files={"/usr/bin/setuid": (b"#!/bin/sh\n", 0o4755)}), "tar-setuid", "rights of its owner"
    yield deb(w, "links", "1.0", files={"/usr/lib/x": "../../../../etc/passwd"}), "tar-symlink", "etc/passwd"
    yield wheel(w, "six", "1.0"), None, ""
    yield wheel(w, "s1x", "1.0"), "package-look-alike", "six"


def test_what_no_contour_would_admit_is_refused_at_pack_with_its_line(world):
    world.found()
    cases = list(bad(world.folder))
    for file, rule, words in cases:
        if rule in (None, "package-look-alike"):
            continue
        path = write_with_packages(world, files=[file])
        line = path.read_text().splitlines().index(f"    - {file}") + 1
        result = world.run("pack", path, home=world.station, status=3)
        assert f"release.yaml:{line}: packages: " in result.err and words in result.err, f"{file.name}: {result.err}"
    six, alike = [file for file, _, _ in cases if file.name.startswith("s") and "x-1.0" in file.name][-2:]
    result = world.run("pack", write_with_packages(world, files=[six, alike]), home=world.station, status=3)
    assert "people take the name" in result.err and "six" in result.err
    assert not rows(world.station, "SELECT * FROM release")


def test_what_came_all_the_same_is_found_in_the_contour(world):
    """Packed with --unchecked, each of the bad packages has its finding in the scan, and the release is not admitted."""
    world.found()
    cases = list(bad(world.folder))
    with_packages(world, files=[file for file, _, _ in cases], unchecked=True)
    world.receive(world.ship("assistant:v1.0.0"))
    scan = world.run("scan", "assistant:v1.0.0", status=1, json=True).json
    found = {file["path"].removeprefix("packages/"): file for file in scan["files"]}
    for file, rule, words in cases:
        findings = found[file.name]["findings"]
        if rule is None:
            continue
        assert any(f["rule"].startswith(rule) and words in f["message"] + f["at"] for f in findings), f"{file.name}: {findings}"
        assert found[file.name]["verdict"] in ("suspicious", "malicious", "not-scanned")
    world.run("judge", "assistant:v1.0.0", "--gate", "intake", status=1)
    world.run("promote", "assistant:v1.0.0", "sandbox", status=5)


def test_a_name_that_looks_like_one_that_the_station_brought_is_refused_at_pack(world):
    world.found()
    with_packages(world, "first", files=[wheel(world.folder, "six", "1.0")])
    path = write_with_packages(world, "second", files=[wheel(world.folder, "s1x", "1.0")])
    result = world.run("pack", path, home=world.station, status=3)
    assert 'people take the name "s1x" for "six", which a release of this station brings' in result.err
    with_packages(world, "third", files=[wheel(world.folder, "six", "1.1")])


def test_a_name_that_looks_like_a_held_one_and_a_file_that_changed_are_found(world):
    world.found()
    world.people()
    one = world.folder / "one"
    other = world.folder / "other"
    one.mkdir()
    other.mkdir()
    with_packages(world, "first", files=[wheel(one, "six", "1.0"), npm(one, "left", "1.0.0")])
    with_packages(world, "second", unchecked=True, files=[wheel(other, "slx", "1.0"), npm(other, "left", "1.0.0", members={"package/x.js": b"1"})])
    world.receive(world.ship("first:v1.0.0", "second:v1.0.0"))
    world.admit("first:v1.0.0")
    scan = world.run("scan", "second:v1.0.0", status=1, json=True).json
    rules = {(file["path"], finding["rule"]) for file in scan["files"] for finding in file["findings"]}
    assert ("packages/slx-1.0-py3-none-any.whl", "package-look-alike") in rules
    assert ("packages/left-1.0.0.tgz", "package-changed") in rules


def test_another_spelling_of_a_held_package_is_refused_at_pack_and_found_in_the_contour(world):
    """One that clients take for another file of an admitted release, and two of one release that they take for each other."""
    world.found()
    world.people()
    one, other = world.folder / "one", world.folder / "other"
    one.mkdir()
    other.mkdir()
    held = [wheel(one, "vers", "1.0"), sdist(one, "source", "1.0"), deb(one, "epoch", "0:1.0"), npm(one, "left", "1.0.0")]
    new = [wheel(other, "Vers", "1.0.0"), sdist(other, "Source", "1.0.0"), deb(other, "epoch", "1.0-0"), npm(other, "left", "1.0.0+x")]
    with_packages(world, "first", files=held)
    for file, was in zip(new, held):
        path = write_with_packages(world, "second", files=[file])
        line = path.read_text().splitlines().index(f"    - {file}") + 1
        result = world.run("pack", path, home=world.station, status=3)
        assert f"release.yaml:{line}: packages: " in result.err and f"clients take it for {was.name} with other bytes" in result.err, result.err
        result = world.run("pack", write_with_packages(world, "both", files=[file, was]), home=world.station, status=3)
        assert "which it brings too" in result.err, result.err
    with_packages(world, "second", unchecked=True, files=new)
    with_packages(world, "third", files=[wheel(other, "vers", "1.0.1"), wheel(other, "vers", "1.0", tag="py2-none-any")])
    world.receive(world.ship("first:v1.0.0", "second:v1.0.0", "third:v1.0.0"))
    world.admit("first:v1.0.0")
    scan = world.run("scan", "second:v1.0.0", status=1, json=True).json
    rules = {(file["path"], finding["rule"]) for file in scan["files"] for finding in file["findings"]}
    assert {(f"packages/{file.name}", "package-changed") for file in new} <= rules
    world.run("promote", "second:v1.0.0", "sandbox", status=5)
    world.admit("third:v1.0.0")


def test_a_name_of_pypi_with_other_hyphens_looks_alike(world):
    world.found()
    pair = [wheel(world.folder, "requests", "1.0"), wheel(world.folder, "requ-ests", "1.0")]
    result = world.run("pack", write_with_packages(world, files=pair), home=world.station, status=3)
    assert 'people take the name "requ' in result.err
    with_packages(world, files=[npm(world.folder, "camelcase", "1.0.0"), npm(world.folder, "camel-case", "1.0.0")])


def test_what_a_package_admits_is_a_remark(world):
    """A script at installation, a .pth file, a pickle that its name tells of: listed, and no reason to stop."""
    world.found()
    files = [
        wheel(world.folder, "starts", "1.0", members={"starts.pth": b"import starts\n", "starts/data.pkl": PICKLE}),
        npm(world.folder, "builds", "1.0.0", manifest={"scripts": {"postinstall": "node x.js"}}),
        deb(world.folder, "asks", "1.0", extra={"postinst": b"#!/bin/sh\nexit 0\n"}),
    ]
    with_packages(world, files=files)
    world.receive(world.ship("assistant:v1.0.0"))
    scan = world.run("scan", "assistant:v1.0.0", json=True).json
    rules = {finding["rule"] for file in scan["files"] for finding in file["findings"]}
    assert {"wheel-pth", "package-pickle", "npm-install-script", "deb-script"} <= rules


def test_packages_that_release_yaml_names_wrongly_are_refused(world):
    world.found()
    path = world.write_release()
    text = path.read_text()
    for block, words in {
        "packages: [a]": "wanted collections, groups, local and files",
        "packages: {lokal: []}": "local",
        "packages: {local: [{}]}": "wanted a list of package files",
        "packages: {local: [absent-1.0-py3-none-any.whl]}": "absent-1.0",
        "packages: {files: {../x: card.md}}": "../x",
        "packages: {files: {a/b/c: card.md}}": "a/b/c",
        "packages: {local: [card.md]}": "card.md",
        "packages: {collections: [nothing]}": "nothing",
    }.items():
        path.write_text(text + block + "\n")
        result = world.run("pack", path, home=world.station, status=(2, 3, 4))
        assert words in result.err, result.err


def test_a_row_that_somebody_changed_is_found_by_fsck(world):
    """The mirrors show rows; fsck holds each against the document of its release."""
    world.found()
    with_packages(world, files=good(world.folder))
    world.receive(world.ship("assistant:v1.0.0"))
    world.fsck()
    for change, words in {
        "UPDATE package SET version = '9.9' WHERE name = 'hello'": "the row of package deb hello hello_2.10-3_all.deb says version 9.9",
        "UPDATE package SET filename = 'baz-3.0.tar.gz' WHERE name = 'baz'": "no row for its package pypi baz baz-2.0.tar.gz",
        "DELETE FROM package WHERE name = 'foo-bar'": "no row for its package pypi foo-bar",
    }.items():
        with sqlite3.connect(world.contour / "state.db") as db:
            db.execute(change)
        result = world.fsck(status=None)
        assert result.status != 0 and words in result.out + result.err, f"{result}"
