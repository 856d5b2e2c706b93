"""Archives of every kind, in each other and alone: read like files of their own to limits, and never clean where they lie or hide."""

import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import archives
import pytest

GOOD = [("notes.txt", b"hello\n"), ("data.json", b"{}")]


class Runs:
    def __reduce__(self):
        return os.system, ("true",)


BAD = [*GOOD, ("model.bin", pickle.dumps(Runs()))]
PASSES = ("clean", "opaque")


@pytest.fixture
def look(airlock, tmp_path):
    def look(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        (row,) = airlock("scan", path, json=True, status=None).json["files"]
        return row

    return look


def rules(row):
    return {finding["rule"] for finding in row["findings"]}


def zipped(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for path, data in members:
            archive.writestr(path, data)
    return out.getvalue()


@pytest.mark.parametrize("kind", sorted(archives.KINDS))
def test_case_22_members_of_every_kind_of_archive_are_read(look, kind):
    name, build = archives.KINDS[kind]
    honest, hostile = look(name, build(GOOD)), look(name, build(BAD))
    if kind == "xar":  # libarchive gives back other bytes than were packed
        assert honest["verdict"] == hostile["verdict"] == "not-scanned"
        return
    assert honest["verdict"] in PASSES, honest
    assert honest["facts"]["members"] >= 2
    assert hostile["verdict"] == "malicious"
    assert any(finding["at"].lower().startswith("model.bin") for finding in hostile["findings"])


@pytest.mark.parametrize("kind", ["7z", "rar4", "rar5", "newc", "ar", "cab", "lha", "tar.lz", "tar.Z"])
def test_case_22_an_archive_in_an_archive_is_opened_to_a_depth(look, kind):
    name, build = archives.KINDS[kind]
    data = b"hello\n"
    inner = "notes.txt"
    for _ in range(3):
        data, inner = build([(inner, data)]), name
    assert look(name, data)["verdict"] in PASSES
    for _ in range(3):
        data = build([(inner, data)])
    row = look(name, data)
    assert row["verdict"] == "not-scanned" and "archive-depth" in rules(row)


@pytest.mark.parametrize("kind", ["7z", "7z-stored", "rar4", "rar5", "newc", "odc", "binary-cpio", "ar", "cab", "lha", "tar.lz", "tar.Z", "tar.lz4"])
def test_case_22_a_broken_archive_never_hides_a_member(airlock, tmp_path, kind):
    """Cut and changed at many places (which ones moves with the length): whatever comes out of it, the hostile member is not passed over."""
    name, build = archives.KINDS[kind]
    whole, last = build(BAD), build(GOOD)
    places = range(8, len(whole), max(1, len(whole) // 8))
    for at in places:
        (tmp_path / f"cut-{at}-{name}").write_bytes(whole[:at])
        for bits in (0x41, 0x01):
            changed = bytearray(whole)
            changed[at] ^= bits
            (tmp_path / f"changed-{at}-{bits}-{name}").write_bytes(changed)
    rows = airlock("scan", tmp_path, json=True, status=1).json["files"]
    assert len(rows) == 3 * len(places)
    passed = [Path(row["path"]).name for row in rows if row["verdict"] in PASSES]
    if kind in ("ar", "lha", "tar.Z"):  # without an end mark: what is cut between two members is a whole archive of fewer
        passed = [path for path in passed if not path.startswith("cut-") or int(path.split("-")[1]) > len(last)]
    assert not passed


@pytest.mark.parametrize("kind", ["7z", "rar4", "rar5", "cab", "newc", "ar"])
def test_case_21_bytes_behind_an_archive_are_found(look, kind):
    name, build = archives.KINDS[kind]
    if kind in ("rar4", "rar5"):
        row = look(name, build(GOOD) + zipped(BAD))
        assert "hidden-archive" in rules(row)
    else:
        row = look(name, build(GOOD) + b"more than zeros")
        assert rules(row) & {"archive-trailing", "archive-broken"}
    assert row["verdict"] not in PASSES


def test_case_26_an_archive_behind_a_picture_is_found(look):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(200)
    assert look("a.png", picture)["verdict"] == "opaque"
    for hidden in (archives.pack("7zip", BAD), archives.rar4(BAD), archives.rar5(BAD), zipped(BAD)):
        row = look("a.png", picture + hidden)
        assert row["verdict"] == "not-scanned" and "hidden-archive" in rules(row)


def test_case_26_a_document_in_the_head_of_a_picture_is_found(look):
    row = look("a.gif", b"GIF89a" + bytes(30) + b"%PDF-1.7\n" + bytes(100))
    assert row["verdict"] == "not-scanned" and "hidden-document" in rules(row)


def test_an_encrypted_archive_is_not_scanned(look):
    """RAR 4 with the flag of an encrypted member (0x04), and the one of encrypted headers (0x80)."""
    plain = archives.rar4(GOOD)
    member = bytearray(plain)
    at = plain.index(b"\x74", 20)
    flags = struct.unpack_from("<H", plain, at + 1)[0]
    struct.pack_into("<H", member, at + 1, flags | 4)
    assert look("a.rar", bytes(member))["verdict"] not in PASSES
    head = bytearray(plain)
    struct.pack_into("<H", head, 10, 0x80)
    assert look("a.rar", bytes(head))["verdict"] not in PASSES


@pytest.mark.parametrize("kind", ["7z", "tar.lz", "tar.lzma", "tar.zst"])
def test_a_bomb_of_every_kind_is_stopped_on_the_way(look, kind):
    name, build = archives.KINDS[kind]
    row = look(name, build([("zeros.bin", bytes(96 << 20))]))
    assert row["verdict"] not in PASSES and "archive-bomb" in rules(row)


def test_bombs_that_multiply_from_one_archive_to_the_next_keep_one_budget(look):
    """Each archive keeps its own ratio (some 200), and three in each other would make GBs of some KB."""
    data, name = bytes(24 << 20), "zeros.txt"
    for level in range(3):
        many = [(f"{i}-{name}", data) for i in range(6 if level else 2)]
        data, name = archives.pack("ustar", many, filters=["gzip"], room=1 << 30), "a.tar.gz"
    row = look(name, data)
    assert row["verdict"] not in PASSES and "archive-bomb" in rules(row)


def test_a_file_that_unpacks_to_itself_ends_at_the_depth(look):
    """A stand-in of the known quines: gzip members whose only content is another archive of the same name, deeper than is read."""
    data = b"end"
    for _ in range(40):
        data = gzip.compress(data, mtime=0)
    row = look("quine.gz.gz.gz.gz.gz.gz.gz.gz", data)
    assert row["verdict"] not in PASSES


def test_an_ar_member_that_lies_about_its_size_is_found(look):
    whole = archives.pack("arbsd", GOOD)
    at = whole.index(b"notes.txt") + 48
    lie = whole[:at] + b"4096      " + whole[at + 10:]
    assert look("a.ar", lie)["verdict"] not in PASSES


def test_a_cpio_hard_link_brings_the_bytes_and_they_are_read(look):
    """newc: of several names of one file the last brings its bytes."""

    def entry(name, data, links):
        fields = (7, 0o100644, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        head += bytes(-len(head) % 4)
        return head + data + bytes(-len(data) % 4)

    evil = pickle.dumps(Runs())
    whole = entry("a.bin", b"", 2) + entry("b.bin", evil, 2) + entry("TRAILER!!!", b"", 1)
    assert look("a.cpio", whole)["verdict"] == "malicious"


def test_an_image_of_a_disk_that_starts_a_machine_is_not_scanned(look):
    iso = bytearray(archives.pack("iso9660", GOOD))
    assert look("a.iso", bytes(iso))["verdict"] in PASSES
    iso[:4] = b"\xeb\x3c\x90\x90"
    row = look("a.iso", bytes(iso))
    assert row["verdict"] == "not-scanned" and "iso-boot" in rules(row)


@pytest.mark.parametrize("name, data", [
    ("a.squashfs", b"hsqs" + bytes(200)), ("a.bin", b"hsqs" + bytes(200)), ("a.warc", b"WARC/1.0\r\n\r\n"), ("a.lzo", b"\x89LZO\0\r\n\x1a\n" + bytes(40)),
    ("a.lrz", b"LRZI" + bytes(40)), ("a.qcow2", b"QFI\xfb" + bytes(40)), ("a.crx", b"Cr24" + bytes(20)), ("lib.a", b"!<thin>\n" + bytes(20)),
    ("a.bin", b"\x60\xea" + bytes(60)),
])
def test_what_no_library_reads_is_not_scanned_and_says_so(look, name, data):
    row = look(name, data)
    assert row["verdict"] == "not-scanned" and rules(row) == {"no-scanner"}
    assert row["findings"][0]["message"].startswith("no scanner understands")


@pytest.mark.parametrize("name, data", [
    ("a", b"MZ\x90\0" + bytes(60)), ("a", b"\xca\xfe\xba\xbe\0\0\0\x34"), ("a", b"\xcf\xfa\xed\xfe" + bytes(30)), ("a", b"\0asm\1\0\0\0"),
    ("a", b"L\0\0\0\x01\x14\x02\0" + bytes(60)), ("a", b"\x1bLua\x54\0"), ("a", b"dex\n035\0"), ("a", b"BC\xc0\xde" + bytes(8)), ("a", b"CWS\x0a" + bytes(20)),
    ("a", b"\xd0\x0d\xfe\xed" + bytes(40)), ("a", b"#!/bin/sh\n"), ("a.txt", b"#!/bin/sh\n"), ("a.dat", b"<?php system('x');"),
    ("a.ico", b"MZ\x90\0" + bytes(60)), ("a.ttf", b"\x7fELF" + bytes(60)), ("a.mo", b"\0asm\1\0\0\0"),
])
def test_what_can_be_run_is_never_opaque_whatever_it_is_called(look, name, data):
    assert look(name, data)["verdict"] not in PASSES


@pytest.mark.parametrize("name, data", [
    ("a.ico", b"\0\0\1\0" + b"\xcc" * 60), ("a.ttf", b"\0\1\0\0\0" + b"\xcc" * 60), ("a.tiff", b"II*\0" + b"\xff" * 60), ("a", b"\0\0\1\0" + b"\xcc" * 60),
    ("a.otf", b"OTTO" + b"\xcc" * 60),
])
def test_four_bytes_make_no_picture_and_no_font(look, name, data):
    """What else begins so: a table in front of raw weights, code of a machine."""
    assert look(name, data)["verdict"] not in PASSES


def test_an_honest_icon_and_font_are_opaque(look):
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 1, 1, 0, 0, 1, 32, 4, 22) + b"\xff" * 4
    font = b"\0\1\0\0" + struct.pack(">HHHH", 1, 16, 0, 0) + b"head" + struct.pack(">III", 0, 28, 4) + bytes(4)
    assert look("a.ico", icon)["verdict"] == "opaque"
    assert look("a.ttf", font)["verdict"] == "opaque"


@pytest.mark.parametrize("name, data, active", [
    ("a.pdf", b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n", False),
    ("a.pdf", b"%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript /JS (1)>>>> endobj\n", True),
    ("a.pdf", b"%PDF-1.7\n1 0 obj <</S /L#61unch /F (cmd.exe)>> endobj\n", True),
    ("a.bin", b"%PDF-1.7\n1 0 obj <</S /JavaScript>> endobj\n", True),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), False),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100) + "_VBA_PROJECT".encode("utf-16-le"), True),
    ("a.rtf", rb"{\rtf1 hello}", False),
    ("a.rtf", rb"{\rtf1 {\object{\*\objdata 01}}}", True),
    ("a.ps", b"%!PS\nshowpage\n", False),
    ("a.chm", b"ITSF\3\0\0\0", False),
    ("a.docx", zipped([("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]), False),
    ("a.docm", zipped([("[Content_Types].xml", b"<Types/>"), ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(8))]), True),
])
def test_documents_are_not_scanned_and_what_runs_in_them_is_named(look, name, data, active):
    row = look(name, data)
    assert row["verdict"] == ("suspicious" if active else "not-scanned")
    assert ("document-active" in rules(row)) == active
    assert "no-scanner" in rules(row)


def test_words_that_are_magics_too_are_texts(look):
    for word in ("RITE of spring", "ID3 is a tag", "070701 is a number", "MSCF ", "a -lh option", "FWS", "Rar! it said", "GGUF" * 0 + "OTTO"):
        assert look("note.txt", word.encode() + b"\n")["verdict"] == "clean", word


def test_an_ordinary_static_library_is_read(look, tmp_path):
    """ar with an ELF member; the index of symbols is no file."""
    program = Path("/bin/true").read_bytes()
    row = look("libx.a", archives.pack("arsvr4", [("true.o", program)]))
    assert row["format"] == "archive" and row["facts"]["formats"].get("elf") == 1
