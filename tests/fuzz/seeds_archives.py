"""Seeds of archive and document: one small file of every kind. Run by hand: python3 tests/fuzz/seeds_archives.py"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import archives  # noqa: E402

MEMBERS = [("notes.txt", b"hello\n"), ("data.json", b"{}"), ("inner.tar", archives.pack("ustar", [("a.txt", b"a\n")]))]
DOCUMENTS = {
    "active.pdf": b"%PDF-1.7\n1 0 obj <</OpenAction <</S /J#61vaScript /JS (app.alert(1))>> /A <</S /Launch>>>> endobj\n%%EOF\n",
    "plain.pdf": b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n",
    "object.rtf": rb"{\rtf1 {\object\objemb{\*\objdata 0105}}}",
    "macros.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40) + "_VBA_PROJECT".encode("utf-16-le") + "\x01Ole10Native".encode("utf-16-le"),
    "program.ps": b"%!PS-Adobe-3.0\nshowpage\n",
    "help.chm": b"ITSF\x03\0\0\0",
}


def write(folder, name, data):
    path = ROOT / "tests" / "fuzz" / "corpus" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


for kind, (name, build) in archives.KINDS.items():
    if not kind.startswith("tar.") and kind != "iso":  # an ISO image is 360 KiB: the others' bytes find more in the same time
        write("archive", kind + Path(name).suffix, build(MEMBERS))
        write("archive_walk", kind + Path(name).suffix, build(MEMBERS[:2]))
for name, data in DOCUMENTS.items():
    write("document", name, data)
