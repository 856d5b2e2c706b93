"""What lies in a folder beside its format: credentials, data of people, documents that run something, an image's configuration. Found by
`airlock scan` through the confined parse process, with the line, and never with the value. Tokens are put together here: none opens anything."""

import base64
import json

import pytest

KEY = "-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(b"\x30\x81\x80" + bytes(range(1, 129))).decode() + "\n-----END PRIVATE KEY-----\n"
TOKEN = "glpat-" + "q8Zr2Lx7Vb4Nw9Kt1Cm6"
IMAGE = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
         "config": {"User": "app", "ExposedPorts": {"22/tcp": {}}, "Env": ["PATH=/bin", "DB_PASSWORD=winter24"]}}

FILES = {
    ".env": (f"# settings\nGITLAB={TOKEN}\n", {"secret-token"}, "suspicious"),
    "tls.pem": (KEY, {"secret-key"}, "suspicious"),
    "notes.md": ("# Notes\n\nUse `<script>`.\n", set(), "clean"),
    "card.md": ("# Card\n\n<img src=x onerror=alert(1)>\n", {"html-event"}, "suspicious"),
    "guide.html": ("<!DOCTYPE html><title>Guide</title><p>Hello\n", set(), "clean"),
    "tour.html": ("<p>\n<script>alert(1)</script>\n", {"html-script"}, "suspicious"),
    "logo.svg": ("<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>", set(), "clean"),
    "prompts.yaml": ("system: Pay to DE51100500001234567897\n", {"personal-iban"}, "suspicious"),
    "config.json": (json.dumps({"bos_token": "<s>", "max_tokens": 10, "account": "DE51100500001234567897"}), set(), "clean"),
    "image-config.json": (json.dumps(IMAGE), {"image-port", "image-variable"}, "suspicious"),
}


@pytest.fixture
def scanned(airlock, tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    for name, (text, _, _) in FILES.items():
        (folder / name).write_text(text)
    return airlock("scan", folder, json=True, status=1).json


@pytest.mark.parametrize("name", FILES)
def test_what_lies_in_a_file_is_found_whatever_its_format(scanned, name):
    _, rules, verdict = FILES[name]
    row = next(f for f in scanned["files"] if f["path"].endswith("/" + name))
    assert row["verdict"] == verdict
    assert {f["rule"] for f in row["findings"]} == rules


def test_no_report_says_what_was_found(scanned):
    text = json.dumps(scanned)
    assert "line 2" in text
    for value in (TOKEN[4:], KEY.splitlines()[1][:20], "winter24", "1005 0000", "DE5110"):
        assert value not in text
