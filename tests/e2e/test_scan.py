"""airlock scan: files on any machine, and a release whose report is signed and must pass other people's schema."""

import base64
import bz2
import collections
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import random
import sqlite3
import tarfile
from pathlib import Path

import pytest
from conftest import ROOT
from world import World, gguf, world  # noqa: F401

VERDICTS = {"clean", "opaque", "suspicious", "malicious", "not-scanned"}


def corpora():
    return Path(os.environ.get("AIRLOCK_CORPORA") or ROOT.parent / "shared" / "corpora")


def rows(result):
    return {Path(row["path"]).name: row for row in result.json["files"]}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "README.md").write_text("# A model\n")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.gguf").write_bytes(gguf())
    return folder


def test_a_folder_of_honest_files_is_clean_and_ends_with_0(airlock, folder):
    result = airlock("scan", folder, json=True)
    assert result.json["schema"] == "airlock/scan/1"
    assert result.json["verdict"] == "clean"
    assert {name: row["verdict"] for name, row in rows(result).items()} == {
        "README.md": "clean", "config.json": "clean", "model.gguf": "clean"}
    assert "3 files: 3 clean" in airlock("scan", folder).out


def test_it_needs_no_contour_and_changes_nothing(airlock, folder, tmp_path):
    before = sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*"))
    airlock("scan", folder, home=tmp_path / "no-contour-here")
    assert sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*")) == before


def test_a_broken_promise_is_never_clean_or_opaque_and_ends_with_1(airlock, folder):
    for suffix in ("gguf", "safetensors", "json", "yaml", "so", "tar", "tar.gz", "png", "md", "npy", "zip", "h5"):
        (folder / f"broken.{suffix}").write_bytes(b"\x00\x01{'a': [\xff")
    result = airlock("scan", folder, json=True, status=1)
    broken = {name: row for name, row in rows(result).items() if name.startswith("broken.")}
    assert len(broken) == 12
    for name, row in broken.items():
        assert row["verdict"] in ("suspicious", "malicious"), name
        assert row["findings"], name


def test_what_has_no_scanner_is_not_scanned_and_ends_with_1(airlock, folder):
    (folder / "weights.squashfs").write_bytes(b"hsqs" + bytes(200))
    (folder / "weights.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24))
    (folder / "handler.py").write_text("print(1)\n")
    (folder / "convert.py").write_text("print(1)\n")
    result = airlock("scan", folder, json=True, status=1)
    assert rows(result)["weights.squashfs"]["verdict"] == "not-scanned"
    assert rows(result)["weights.7z"]["verdict"] == "suspicious"
    assert rows(result)["convert.py"]["verdict"] == "not-scanned"
    assert rows(result)["handler.py"]["verdict"] == "suspicious"
    assert [finding["rule"] for finding in rows(result)["handler.py"]["findings"]] == ["loader-code"]
    for row in result.json["files"]:
        assert row["verdict"] in VERDICTS
        for finding in row["findings"]:
            assert {"rule", "severity", "at", "message"} <= set(finding) <= {"rule", "severity", "at", "message", "not-scanned"}


def test_a_pickle_is_judged_by_what_it_imports_under_any_name(airlock, folder):
    """In the parse process, with its limits: one file of data, one that would start a program, and the same two behind gzip."""
    harmless, call = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.", b"cos\nsystem\n(S'id'\ntR."
    for name, data in (("model.pkl", harmless), ("model.joblib", gzip.compress(harmless)), ("notes.txt", call), ("weights.bin", call), ("packed.dat", gzip.compress(call))):
        (folder / name).write_bytes(data)
    found = rows(airlock("scan", folder, json=True, status=1))
    assert {name: found[name]["verdict"] for name in ("model.pkl", "model.joblib")} == {"model.pkl": "clean", "model.joblib": "clean"}
    for name in ("notes.txt", "weights.bin", "packed.dat"):
        assert found[name]["verdict"] == "malicious", name
        (finding,) = [f for f in found[name]["findings"] if f["rule"] == "pickle-name"]
        assert "os.system" in finding["message"] and finding["at"].endswith("byte 0")


def test_what_blocks_stands_last_and_light_findings_are_folded(airlock, folder):
    """A tar whose members everybody may write has a light finding for each; the pickle beside it blocks."""
    with tarfile.open(folder / "z.tar", "w") as archive:
        for n in range(5):
            member = tarfile.TarInfo(f"{n}.txt")
            member.mode = 0o666
            archive.addfile(member)
    (folder / "a.pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    findings = [f for row in rows(airlock("scan", folder, json=True, status=1)).values() for f in row["findings"]]
    assert [f["rule"] for f in findings].count("tar-writable") == 5
    lines = airlock("scan", folder, status=1).out.splitlines()
    folded = [line for line in lines if "tar-writable" in line]
    assert len(folded) == 1 and "5 findings, the first:" in folded[0] and not folded[0].startswith("BLOCKS")
    blocking = [n for n, line in enumerate(lines) if line.startswith("BLOCKS  ")]
    assert blocking and blocking == list(range(blocking[0], len(lines) - 1)), "behind all others, above the sum"
    assert airlock("scan", folder, "--verbose", status=1).out.count("tar-writable") == 5


def test_hdf5_is_read_in_a_confined_process_of_its_own(airlock, folder):
    """libhdf5 under the filters of the parse role: it gets its bytes from memory and needs no call that is forbidden."""
    seeds = ROOT / "tests" / "fuzz" / "corpus" / "hdf5"
    wanted = {"model": "clean", "weights": "clean", "lambda": "malicious", "external": "malicious", "stub": "suspicious"}
    for name in wanted:
        (folder / f"{name}.h5").write_bytes((seeds / name).read_bytes())
    (folder / "cut.h5").write_bytes((seeds / "model").read_bytes()[:3000])
    result = airlock("scan", folder, json=True, status=1)
    for name, verdict in wanted.items():
        assert rows(result)[f"{name}.h5"]["verdict"] == verdict, name
    assert rows(result)["cut.h5"]["verdict"] in ("suspicious", "not-scanned")


def some_value(rng, depth=0):
    """Plain data of any kind that a pickle of weights may hold."""
    kind = rng.randrange(12 if depth < 4 else 7)
    if kind < 7:
        text = "".join(rng.choice("ab._-/ ()\\'\n\u00e9\u4e2d\U0001f600") for _ in range(rng.randrange(40)))
        return [rng.randint(-(2**70), 2**70), rng.randrange(70000), rng.random(), text, rng.randbytes(rng.randrange(300)), rng.choice([None, True, False, 1e999]), bytearray(b"xy")][kind]
    many = [some_value(rng, depth + 1) for _ in range(rng.randrange(6))]
    if kind == 7:
        return tuple(many)
    if kind == 8:
        return {rng.randrange(99) for _ in many}
    if kind == 9:
        return collections.OrderedDict((f"key {i}", value) for i, value in enumerate(many))
    return {f"key {i}": value for i, value in enumerate(many)} if kind == 10 else [many, many]


def test_what_pythons_own_picklers_write_of_plain_data_is_clean(airlock, folder):
    rng = random.Random(7)
    for number in range(60):
        value = some_value(rng)
        for protocol in range(6):
            out = io.BytesIO()
            (pickle.Pickler if number % 2 else pickle._Pickler)(out, protocol).dump(value)
            (folder / f"{number}-{protocol}.pkl").write_bytes(out.getvalue())
    found = airlock("scan", folder, json=True, status=0).json["files"]
    assert len([row for row in found if row["path"].endswith(".pkl")]) == 360


def test_texts_of_a_file_cannot_command_the_terminal(airlock, folder):
    header = json.dumps({"\u001b]0;owned\u0007x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (folder / "e\x1b[31m.gguf").write_bytes(b"GGUF")
    out = airlock("scan", folder, status=1).out
    assert "\x1b" not in out and "\x07" not in out


def test_a_path_that_is_not_there_ends_with_4_and_no_argument_with_2(airlock, tmp_path):
    assert "nothing" in airlock("scan", tmp_path / "nothing" / "x.gguf", tmp_path, status=4).err
    airlock("scan", tmp_path / "nothing.gguf", status=4)
    assert "no such file" in airlock("scan", "some/model.gguf", home=tmp_path, status=4).err
    assert "no contour or station" in airlock("scan", "other:v1.0.0", home=tmp_path, status=4).err
    airlock("scan", status=2)


def layer(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, link, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("name, members, rule", [
    ("up", [("../outside", tarfile.REGTYPE, "", b"x")], "tar-path"),
    ("absolute", [("/etc/passwd", tarfile.REGTYPE, "", b"x")], "tar-absolute"),
    ("symlink-then-write", [("x", tarfile.SYMTYPE, "/etc", b""), ("x/passwd", tarfile.REGTYPE, "", b"x")], "tar-through-symlink"),
    ("hard-link-out", [("a", tarfile.LNKTYPE, "../../etc/shadow", b"")], "tar-hardlink"),
    ("device", [("dev/mem", tarfile.CHRTYPE, "", b"")], "tar-device"),
])
def test_a_layer_that_would_write_elsewhere_is_named(airlock, tmp_path, name, members, rule):
    for suffix, data in ((".tar", layer(members)), (".tar.gz", gzip.compress(layer(members)))):
        path = tmp_path / (name + suffix)
        path.write_bytes(data)
        result = airlock("scan", path, json=True, status=1)
        assert rule in [finding["rule"] for finding in result.json["files"][0]["findings"]]


@pytest.mark.parametrize("pack, suffix", [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")])
def test_every_compression_is_read_behind_the_helpers_filter(airlock, tmp_path, pack, suffix):
    (tmp_path / f"honest.tar.{suffix}").write_bytes(pack(layer([("n\u00e4me/notes.txt", tarfile.REGTYPE, "", b"text\n")])))
    (tmp_path / f"hostile.tar.{suffix}").write_bytes(pack(layer([("../x", tarfile.REGTYPE, "", b"x")])))
    found = rows(airlock("scan", tmp_path, json=True, status=1))
    assert found[f"honest.tar.{suffix}"]["verdict"] == "clean"
    assert found[f"hostile.tar.{suffix}"]["verdict"] == "malicious"


def test_a_compression_bomb_is_stopped_on_the_way(airlock, tmp_path):
    """128 MiB of zeros behind gzip: stopped by the ratio, long before memory ends."""
    path = tmp_path / "zeros.bin.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(128):
            file.write(bytes(1 << 20))
    result = airlock("scan", path, json=True, status=1)
    assert result.json["files"][0]["findings"][0]["rule"] == "archive-bomb"


@pytest.mark.skipif(not (corpora() / "models.tar.gz").is_file(), reason="the public corpora are not here; set AIRLOCK_CORPORA")
def test_the_corpus_of_models_comes_out_as_its_table_says(airlock, tmp_path):
    with tarfile.open(corpora() / "models.tar.gz") as archive:
        archive.extractall(tmp_path)
    expected = [line.split("\t") for line in (tmp_path / "models" / "expected.tsv").read_text().splitlines()[1:]]
    result = airlock("scan", tmp_path / "models", json=True, status=1)
    found = {str(Path(row["path"]).relative_to(tmp_path / "models")): row["verdict"] for row in result.json["files"]}
    wrong = []
    for path, kind, note in expected:
        blocks = found[path] not in ("clean", "opaque")
        readable = path.startswith(("gguf/", "safetensors/"))
        if readable and blocks != (kind != "valid"):
            wrong.append((path, kind, note, found[path]))
        if kind in ("malformed", "hostile", "object") and not blocks:
            wrong.append((path, kind, note, found[path]))
    assert not wrong
    assert len(expected) > 300


# ── releases ──


def evidence(home, predicate_type):
    """Payload and result of each envelope of that type that this contour signed, oldest first."""
    with sqlite3.connect(f"file:{home}/state.db?mode=ro", uri=True) as db:
        found = db.execute("SELECT envelope, result FROM evidence WHERE predicate_type = ? AND origin = 'contour' ORDER BY rowid", (predicate_type,))
        return [(json.loads(base64.b64decode(json.loads(bytes(e) if not isinstance(e, str) else e)["payload"])), r) for e, r in found.fetchall()]


def test_a_release_is_scanned_and_the_report_is_evidence_and_ledger_entry(world):  # noqa: F811
    digest = world.found().arrive()["releases"][0]["digest"]
    answer = world.run("scan", "shipment:1", json=True).json
    assert answer["result"] == "PASSED" and answer["verdict"] == "clean"
    assert answer["digest"] == digest
    paths = {row["path"] for row in answer["files"]}
    assert any(path.startswith("model/") for path in paths) and any(path.startswith("engine/") for path in paths)
    ((statement, result),) = evidence(world.contour, "urn:airlock:scan:v1")
    assert result == "PASSED" == statement["predicate"]["result"]
    assert statement["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "formats" / "scan.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(statement["predicate"])
    assert "scan" in world.run("log").out
    assert world.run("judge", "shipment:1", "--gate", "intake", json=True).json["result"] == "PASSED"


@pytest.mark.skipif(not (corpora() / "cyclonedx.tar.gz").is_file(), reason="the public corpora are not here; set AIRLOCK_CORPORA")
def test_the_inventory_passes_the_schema_of_cyclonedx(world, tmp_path):  # noqa: F811
    jsonschema = pytest.importorskip("jsonschema")
    with tarfile.open(corpora() / "cyclonedx.tar.gz") as archive:
        archive.extractall(tmp_path)
    schemas = {}
    for path in (tmp_path / "cyclonedx" / "schema").rglob("*.json"):
        schema = json.loads(path.read_text())
        schemas[schema.get("$id", path.name)] = schema
    bom = next(schema for key, schema in schemas.items() if "bom-1.6" in key)
    resolver = jsonschema.RefResolver(bom["$id"], bom, store=schemas)
    world.found().arrive()
    world.run("scan", "shipment:1")
    ((statement, _),) = evidence(world.contour, "https://cyclonedx.org/bom")
    inventory = statement["predicate"]
    jsonschema.Draft7Validator(bom, resolver=resolver).validate(inventory)
    kinds = {component["type"] for component in inventory["components"]}
    assert {"machine-learning-model", "container", "file"} <= kinds
    assert any(c["name"].startswith("engine/") and c["hashes"] for c in inventory["components"])
    broken = dict(inventory, bomFormat="another")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(bom, resolver=resolver).validate(broken)


OUTSIDE = "{% for m in messages %}{{ m['content'] | center(80) }}{% endfor %}"  # a filter that no chat template needs


def test_an_unread_template_that_keeps_to_the_subset_passes(world):  # noqa: F811
    world.found().arrive(model=gguf(template="{% for m in messages %}{{ m['content'] }}{% endfor %}"))
    answer = world.run("scan", "shipment:1", json=True).json
    model = next(row for row in answer["files"] if row["format"] == "gguf")
    assert [finding["rule"] for finding in model["findings"]] == ["template-unknown"]
    assert model["facts"]["templates"][0]["allowed"] and not model["facts"]["templates"][0]["known"]


def test_an_unread_template_outside_the_subset_blocks_a_release(world):  # noqa: F811
    template = OUTSIDE
    world.found().arrive(model=gguf(template=template))
    answer = world.run("scan", "shipment:1", json=True, status=1).json
    assert answer["result"] == "FAILED"
    model = next(row for row in answer["files"] if row["format"] == "gguf")
    assert "template-construct" in [finding["rule"] for finding in model["findings"]]
    judged = world.run("judge", "shipment:1", "--gate", "intake", json=True, status=1).json
    assert any(reason["rule"] == "scan" and not reason["ok"] for reason in judged["reasons"])
    world.run("promote", "assistant:v1.0.0", "sandbox", status=5)


def test_a_template_that_the_policy_names_passes(world):  # noqa: F811
    template = OUTSIDE
    policy = (ROOT / "docs" / "formats" / "examples" / "policy.yaml").read_text()
    world.contour.mkdir()
    (world.contour / "policy.yaml").write_text(f"{policy}templates: [sha256:{hashlib.sha256(template.encode()).hexdigest()}]\n")
    world.found().arrive(model=gguf(template=template))
    assert world.run("scan", "shipment:1", json=True).json["result"] == "PASSED"
    world.arrive(version="v1.1.0", model=gguf(template=template + " "))
    assert world.run("scan", "shipment:2", json=True, status=1).json["result"] == "FAILED"


def test_a_script_in_the_engines_image_blocks_a_release(world, tmp_path):  # noqa: F811
    script = tmp_path / "hook.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    world.found().arrive(files={"/engine/hook.sh": script})
    answer = world.run("scan", "shipment:1", json=True, status=1).json
    engine = next(row for row in answer["files"] if row["path"].startswith("engine/") and row["format"] == "tar")
    assert engine["verdict"] == "not-scanned"
    assert any(finding["at"].startswith("engine/hook.sh") for finding in engine["findings"])


def test_a_blob_that_was_changed_in_quarantine_is_found(world):  # noqa: F811
    world.found().arrive()
    blob = max(world.contour.glob("quarantine/*/blobs/sha256/*"), key=lambda path: path.stat().st_size)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    answer = world.run("scan", "shipment:1", json=True, status=1).json
    assert answer["verdict"] == "malicious"
    assert "blob-changed" in [finding["rule"] for row in answer["files"] for finding in row["findings"]]
