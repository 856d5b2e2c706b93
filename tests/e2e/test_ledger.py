"""The ledger, checked by a program that shares nothing with ours: Go's golang.org/x/mod/sumdb/tlog and note (ledger_go/main.go)."""

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, environment, run_program
from served import made, serve  # noqa: F401  (fixtures)
from world import World, flip

GOPATH = Path("/usr/share/gocode")  # where Debian puts golang-golang-x-mod-dev


@pytest.fixture(scope="session")
def ledgercheck(tmp_path_factory):
    """The Go program, built from Debian's packages, without a network."""
    if not shutil.which("go") or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang-go or golang-golang-x-mod-dev is not installed: the ledger is NOT checked by another implementation")
    folder = tmp_path_factory.mktemp("go")
    env = environment({"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(folder / "cache"), "GOFLAGS": "", "GOTOOLCHAIN": "local"})
    program = folder / "ledgercheck"
    subprocess.run(["go", "build", "-o", program, "main.go"], cwd=ROOT / "tests/e2e/ledger_go", env=env, check=True, timeout=300)

    def check(*args, status=0):
        done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status, done
        return done.stdout

    return check


@pytest.fixture(scope="session")
def make_ledger(airlock_path, tmp_path_factory):
    """A ledger of any size, written by our own code: make_ledger(N) gives its folder and key."""
    maker = next((p for p in (airlock_path.parent / "bench/ledger-bench", ROOT / "build/bench/ledger-bench") if p.is_file()), None)
    if not maker:
        pytest.fail("bench/ledger-bench is not there; run script/build", pytrace=False)

    def make(entries):
        folder = tmp_path_factory.mktemp("ledger") / str(entries)
        done = subprocess.run([maker, "make", folder, str(entries)], capture_output=True, text=True, check=True, timeout=300)
        return folder / "ledger", done.stdout.strip()

    return make


@pytest.mark.parametrize("entries", [1, 2, 5, 255, 256, 257, 600, 66000])
def test_go_verifies_an_export_of_any_size(make_ledger, ledgercheck, airlock, entries):
    folder, key = make_ledger(entries)

    assert ledgercheck("log", folder, key) == f"{entries} entries\n"
    assert airlock("ledger", "verify", folder, "--key", key, json=True).json["entries"] == entries


@pytest.mark.parametrize("file", ["tile/0/001", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/88", "checkpoint"])
def test_go_and_airlock_refuse_the_same_damage(make_ledger, ledgercheck, airlock, file):
    folder, key = make_ledger(600)
    flip(folder / file, (folder / file).stat().st_size // 2)

    ledgercheck("log", folder, key, status=1)
    answer = airlock("ledger", "verify", folder, "--key", key, status=1)

    assert answer.out.splitlines()[1].startswith(f"{file}: ")


def test_an_export_needs_nothing_but_its_files(make_ledger, airlock, tmp_path):
    folder, key = make_ledger(300)
    shutil.copytree(folder, tmp_path / "medium", ignore=shutil.ignore_patterns(".*"))

    airlock("ledger", "verify", tmp_path / "medium", "--key", key, home=tmp_path)


def test_a_key_is_taken_from_a_file_too_and_a_malformed_one_is_wrong_usage(make_ledger, airlock, tmp_path):
    folder, key = make_ledger(3)
    (tmp_path / "ledger.vkey").write_text(key + "\n")

    airlock("ledger", "verify", folder, "--key", tmp_path / "ledger.vkey")
    airlock("ledger", "verify", folder, "--key", key[:-3], status=2)
    airlock("ledger", "verify", folder, status=2)
    airlock("ledger", "verify", tmp_path, "--key", key, status=4)


@pytest.fixture(scope="module")
def contour(airlock_path, tmp_path_factory):
    world = World(airlock_path, tmp_path_factory.mktemp("prove"))
    world.make_contour()
    world.people()
    world.vkey = world.run("init", "--name", "other", home=world.folder / "other", json=True).json["ledger_vkey"]
    return world


def key_of(world):
    """The public key that `identity` prints."""
    text = world.run("identity", json=True).json
    return next(v for v in walk(text) if isinstance(v, str) and v.startswith("airlock/") and v.count("+") >= 2)


def walk(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from walk(one)
    else:
        yield value


def entries_of(world):
    with sqlite3.connect(world.contour / "state.db") as db:
        return [row[0] for row in db.execute("SELECT entry FROM ledger ORDER BY seq")]


def test_the_identity_file_is_a_key_too_and_what_holds_none_is_wrong_usage(contour, tmp_path):
    identity = tmp_path / "identity.json"
    contour.run("identity", "--out", identity)
    folder = contour.contour / "ledger"
    done = contour.run("ledger", "verify", folder, "--key", identity)
    assert "identity.json is the identity of contour" in done.err and "all " in done.out
    assert contour.run("ledger", "verify", folder, "--key", identity, json=True).json["key"] == json.loads(identity.read_text())["ledger"]
    (tmp_path / "other.json").write_text('{"name": "x"}')
    for key, words in ((tmp_path / "other.json", 'without a member "ledger"'), (contour.contour / "keys" / "ledger.pub", "is a PEM file"), (tmp_path, "is a folder")):
        assert words in contour.run("ledger", "verify", folder, "--key", key, status=2).err


def test_each_entry_has_a_proof_that_go_verifies(contour, ledgercheck, tmp_path):
    all_entries, key = entries_of(contour), key_of(contour)
    assert len(all_entries) >= 5
    for seq, entry in enumerate(all_entries):
        (tmp_path / "proof").write_text(contour.run("ledger", "prove", seq).out)
        (tmp_path / "entry").write_bytes(entry)

        assert ledgercheck("entry", tmp_path / "proof", tmp_path / "entry", key) == f"entry {seq} of {len(all_entries)}\n"

        (tmp_path / "entry").write_bytes(entry.replace(b"}", b" }", 1))
        ledgercheck("entry", tmp_path / "proof", tmp_path / "entry", key, status=1)


def test_another_contours_key_proves_nothing(contour, ledgercheck, tmp_path):
    (tmp_path / "proof").write_text(contour.run("ledger", "prove", 0).out)
    (tmp_path / "entry").write_bytes(entries_of(contour)[0])

    ledgercheck("entry", tmp_path / "proof", tmp_path / "entry", contour.vkey, status=1)


def test_what_is_not_there_has_no_proof(contour):
    assert "there is no entry 999" in contour.run("ledger", "prove", "999", status=4).err
    contour.run("ledger", "prove", "--access", "1", status=4)
    contour.run("ledger", "prove", "first", status=2)
    contour.run("ledger", "prove", status=2)
    contour.run("ledger", "prove", "1", "--access", "1", status=2)


def test_the_entries_are_what_the_schema_says(contour):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs/formats/ledger-entry.schema.json").read_text())
    for entry in entries_of(contour):
        jsonschema.Draft202012Validator(schema).validate(json.loads(entry))


def test_the_example_proof_in_the_docs_verifies(ledgercheck):
    examples = ROOT / "docs/formats/examples"
    key = (examples / "access-proof.vkey").read_text().strip()

    assert ledgercheck("access", examples / "access-proof.json", key).startswith("record ")


# ── access records of a contour that served ──


@pytest.fixture
def with_records(serve):
    """A contour that answered three requests, and stopped."""
    one = serve()
    token = one.token("consumer", "prod")
    for word in ("one", "two", "three"):
        assert one.chat(token, word).status == 200
    one.stop()
    return one.world


def test_an_access_record_is_proved_through_its_batch_and_go_agrees(with_records, ledgercheck, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schemas = {name: json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text()) for name in ("access-proof", "access-batch")}
    key, proof = key_of(with_records), tmp_path / "proof.json"

    proof.write_text(with_records.run("ledger", "prove", "--access", "2").out)

    number, line = ledgercheck("access", proof, key).splitlines()
    assert number == "record 2" and json.loads(line)["id"] == 2
    jsonschema.Draft202012Validator(schemas["access-proof"]).validate(json.loads(proof.read_text()))
    jsonschema.Draft202012Validator(schemas["access-batch"]).validate(json.loads(json.loads(proof.read_text())["entry"]))

    forged = json.loads(proof.read_text())
    forged["record"] = forged["record"].replace('"id":2', '"id":3')
    proof.write_text(json.dumps(forged))
    ledgercheck("access", proof, key, status=1)


def test_a_flipped_byte_in_an_access_segment_is_named_by_fsck(with_records):
    with_records.fsck()
    segment = next(p for p in sorted((with_records.contour / "access").iterdir()) if p.suffix == ".jsonl")

    flip(segment, 30)

    answer = with_records.fsck(status=1, json=True).json
    assert any(line.startswith(f"access/{segment.name}, bytes ") for line in answer["problems"]), answer["problems"]
    refused = with_records.run("ledger", "prove", "--access", "1", status=3)
    assert segment.name in refused.err


def test_an_access_segment_that_is_gone_is_named_by_fsck(with_records):
    segment = next(p for p in sorted((with_records.contour / "access").iterdir()) if p.suffix == ".jsonl")
    os.unlink(segment)

    answer = with_records.fsck(status=1, json=True).json
    assert any(f"access/{segment.name}" in line and "missing" in line for line in answer["problems"]), answer["problems"]
