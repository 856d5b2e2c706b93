"""airlock sbom: inventories that we write are read by other people's libraries; documents of others are checked, and the inventory that came
with a release is held against ours."""

import base64
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from clients import HERE, client_venv
from conftest import ROOT
from packages import deb, npm, wheel, with_packages
from world import World

sys.path.insert(0, str(ROOT / "bench"))

from grype_db import write_database  # noqa: E402

EXAMPLES = ROOT / "docs/formats/examples"
MINIMAL = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}


@pytest.fixture
def document(tmp_path):
    def make(content, name="document.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return make


# ── sbom check ──


def test_a_valid_document_ends_with_0_and_says_what_it_is(airlock, document):
    result = airlock("sbom", "check", document(MINIMAL))
    assert result.out.endswith("document.json: valid CycloneDX 1.6\n") and result.err == ""


def test_each_problem_is_a_line_with_a_json_pointer_and_the_status_is_1(airlock):
    lines = airlock("sbom", "check", EXAMPLES / "broken.cdx.json", status=1).out.splitlines()
    assert [line.split(": ")[1] for line in lines[:4]] == [
        "/components/0/licenses/0/license", "/components/1/type", "/components/0/hashes/0/content", "/dependencies/0/dependsOn/0"]
    assert lines[4].split(": ")[1:3] == ["note", "/vulnerabilities/0/affects/0/ref"]
    assert lines[5].endswith("not valid as CycloneDX 1.6: 4 problems")


def test_its_json_is_the_golden_one_and_fits_its_schema(airlock, document):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs/formats/sbom-check.schema.json").read_text())
    golden = json.loads((EXAMPLES / "sbom-check.json").read_text())
    said = airlock("sbom", "check", EXAMPLES / "broken.cdx.json", json=True, status=1).json
    assert said | {"file": golden["file"]} == golden
    for answer in (said, airlock("sbom", "check", document(MINIMAL), json=True).json, airlock("sbom", "check", document(b"{"), json=True, status=1).json):
        jsonschema.Draft202012Validator(schema).validate(answer)


@pytest.mark.parametrize("content, at, rule", [
    (b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":' + b"[" * 100000, None, "json"),
    (b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[' + b'{"type":"file","name":"x"},' * 1500000 + b"{}]}", "", "limit"),
    (b'{"bomFormat":"CycloneDX","specVersion":"1.6","specVersion":"1.5"}', "/specVersion", "json"),
    (b'{"bomFormat":"CycloneDX","specVersion":"2.0"}', "/specVersion", "version"),
    (b'{"spdxVersion":"SPDX-2.3","name":"\\u0000"}', "/name", "json"),
    (b"<?xml version='1.0'?><bom/>", "", "json"),
    (b"", "", "json"),
    (b"\xff\xfe{\x00", "", "json"),
], ids=["deep", "large", "twice", "version", "nul", "xml", "empty", "utf-16"])
def test_what_is_broken_endless_or_of_another_version_is_an_answer_with_status_1(airlock, document, content, at, rule):
    answer = airlock("sbom", "check", document(content), json=True, status=1).json
    assert not answer["valid"] and answer["problems"][0]["rule"] == rule
    assert at is None or answer["problems"][0]["at"] == at


def test_a_document_writes_no_control_characters_to_a_terminal(airlock, document):
    result = airlock("sbom", "check", document(MINIMAL | {"\x1b[2Jkey": 1, "version": "\x1b[31m"}), status=1)
    assert "\x1b" not in result.out


def test_what_is_no_document_cannot_be_checked(airlock, tmp_path):
    assert "nothing.json" in airlock("sbom", "check", tmp_path / "nothing.json", status=4).err
    airlock("sbom", "check", tmp_path, status=2)
    airlock("sbom", "check", status=2)


def test_a_scanned_file_whose_name_promises_an_sbom_is_one(airlock, document, tmp_path):
    full = json.loads((EXAMPLES / "sbom-full.cdx.json").read_text())
    document(full, "good.cdx.json"), document(full | {"surplus": 1}, "odd.cdx.json"), document({"a": 1}, "none.spdx.json")
    answer = airlock("scan", tmp_path, json=True, status=1).json
    found = {Path(row["path"]).name: (row["verdict"], [(f["rule"], f["at"]) for f in row["findings"]]) for row in answer["files"]}
    assert found == {"good.cdx.json": ("clean", []), "odd.cdx.json": ("clean", [("sbom-invalid", "/surplus")]),
                     "none.spdx.json": ("suspicious", [("sbom-promise", "")])}


# ── sbom PATH ──


@pytest.fixture
def tree(tmp_path):
    """What pip leaves of two projects, one with a licence that is no SPDX expression."""
    site = tmp_path / "root/usr/lib/python3/dist-packages"
    for name, version, licence in (("demo", "1.0", "MIT"), ("other_thing", "2.1.post1", "my own (see file)")):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: {licence}\n")
        (info / "RECORD").write_text(f"{name}-{version}.dist-info/METADATA,,\n{name}-{version}.dist-info/RECORD,,\n")
    return tmp_path / "root"


def inventories(airlock, tree, folder):
    files = []
    for form in ("cyclonedx", "spdx"):
        files.append(folder / f"{form}.json")
        files[-1].write_text(airlock("sbom", tree, "--format", form).out)
        assert airlock("sbom", "check", files[-1], json=True).json["note_count"] == 0
    return files


def test_an_inventory_is_printed_in_both_forms_and_valid(airlock, tree, tmp_path):
    cyclonedx, spdx = (json.loads(path.read_text()) for path in inventories(airlock, tree, tmp_path))
    purls = {"pkg:pypi/demo@1.0", "pkg:pypi/other-thing@2.1.post1"}
    assert {c.get("purl") for c in cyclonedx["components"]} >= purls
    assert {r["referenceLocator"] for p in spdx["packages"] for r in p.get("externalRefs", [])} >= purls
    assert json.loads(airlock("sbom", tree).out) == cyclonedx


def test_the_same_input_gives_the_same_bytes(airlock, tree, monkeypatch):
    assert airlock("sbom", tree).out == airlock("sbom", tree).out
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795507200")
    assert airlock("sbom", tree, "--format", "spdx").out == airlock("sbom", tree, "--format", "spdx").out
    assert json.loads(airlock("sbom", tree).out)["metadata"]["timestamp"] == "2026-11-24T08:00:00Z"


def test_wrong_usage_and_absent_paths(airlock, tree):
    assert "cyclonedx or spdx" in airlock("sbom", tree, "--format", "swid", status=2).err
    airlock("sbom", tree / "nothing", status=4)


@pytest.fixture(scope="module")
def oracle():
    """A Python with cyclonedx-python-lib and spdx-tools, made once under the cache, from packages pinned by hash."""
    python = client_venv("sbom", HERE / "sbom-requirements.txt") / "bin/python"

    def ask(*files):
        command = [str(word) for word in (python, HERE / "sbom_oracle.py", *files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return {Path(name).name: answer for name, answer in json.loads(done.stdout).items()}

    return ask


def test_cyclonedx_python_lib_and_spdx_tools_find_nothing_wrong(airlock, tree, tmp_path, oracle):
    golden = [EXAMPLES / name for name in ("sbom-full.cdx.json", "sbom-full.spdx.json", "sbom.cdx.json")]
    answers = oracle(*inventories(airlock, tree, tmp_path), *golden)
    assert {name: answer["wrong"] for name, answer in answers.items()} == {name: [] for name in answers} and len(answers) == 5
    assert answers["cyclonedx.json"]["purls"] == answers["spdx.json"]["purls"] == ["pkg:pypi/demo@1.0", "pkg:pypi/other-thing@2.1.post1"]
    assert answers["sbom-full.cdx.json"]["purls"] == answers["sbom-full.spdx.json"]["purls"]


def test_the_oracle_does_find_what_is_wrong(document, oracle):
    full = json.loads((EXAMPLES / "sbom-full.cdx.json").read_text())
    spdx = json.loads((EXAMPLES / "sbom-full.spdx.json").read_text())
    full["components"][0]["type"] = "thing"
    spdx["documentNamespace"] += "#"
    answers = oracle(document(full, "a.json"), document(spdx, "b.json"))
    assert answers["a.json"]["wrong"] and answers["b.json"]["wrong"]


@pytest.fixture(scope="module")
def grype(tmp_path_factory):
    """Asks grype about an inventory, with a database that was made here. It takes minutes to build, so it is tried where that was done (script/peers
    inventories), and script/test --all does it."""
    program = os.environ.get("AIRLOCK_GRYPE")
    if not program:
        found = subprocess.run([ROOT / "script/peers", "--built", "inventories"], capture_output=True, text=True, timeout=60, check=False)
        if found.returncode == 2:
            pytest.skip(f"NO PEER: grype is not built (script/peers inventories), so NOTHING was tried with it: {found.stderr.strip()[-200:]}")
        program = re.fullmatch(r"export AIRLOCK_INVENTORIES=(\S+)\n", found.stdout)[1] + "/grype"
    folder = tmp_path_factory.mktemp("grype")
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "GRYPE_DB_CACHE_DIR": str(folder / "cache"), "GRYPE_DB_AUTO_UPDATE": "false",
                   "GRYPE_DB_VALIDATE_AGE": "false", "GRYPE_CHECK_FOR_APP_UPDATE": "false"}
    affected = {"PyPI": "demo", "Debian:12": "hello-source"}
    write_database(folder / "vulnerability.db", [
        {"id": f"ADVISORY-{name}", "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}
        for ecosystem, name in affected.items()])
    with tarfile.open(folder / "db.tar.gz", "w:gz") as tar:
        tar.add(folder / "vulnerability.db", arcname="vulnerability.db")

    def ask(*args):
        done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=120, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    ask("db", "import", folder / "db.tar.gz")
    return lambda path: {(m["artifact"]["name"], m["vulnerability"]["id"]) for m in json.loads(ask(f"sbom:{path}", "-q", "-o", "json"))["matches"]}


def test_grype_reads_both_forms_and_finds_what_is_affected(airlock, tree, tmp_path, grype):
    """Packages by their purl, and Debian's by the system that the inventory names and by their source package."""
    stanzas = "".join(f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nSource: hello-source\n\n" for name, version in (("hello", "1.0-1"), ("hello-new", "2.0-1")))
    (tree / "etc").mkdir()
    (tree / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (tree / "var/lib/dpkg").mkdir(parents=True)
    (tree / "var/lib/dpkg/status").write_text(stanzas)
    for path in inventories(airlock, tree, tmp_path):
        assert grype(path) == {("demo", "ADVISORY-demo"), ("hello", "ADVISORY-hello-source")}, path.name


# ── an inventory that came with a release ──


def openssl(*args, data):
    return subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, timeout=30, check=True).stdout


def sign_again(world, change):
    """Puts another inventory, signed by the station as the true one was, in the place of the one that arrived."""
    keys = world.station / "keys"
    with sqlite3.connect(world.contour / "state.db") as db:
        ((arrival, line),) = db.execute("SELECT arrival, envelope FROM evidence WHERE predicate_type = 'https://cyclonedx.org/bom' AND origin = 'station'")
        envelope = json.loads(line)
        statement = json.loads(base64.b64decode(envelope["payload"]))
        change(statement["predicate"])
        payload, kind = json.dumps(statement).encode(), envelope["payloadType"].encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        signature = openssl("dgst", "-sha256", "-sign", keys / "site.pem", "-passin", f"file:{keys / 'unseal'}", data=pae)
        envelope["payload"] = base64.b64encode(payload).decode()
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        line = json.dumps(envelope, separators=(",", ":")).encode()
        db.execute("UPDATE evidence SET envelope = ?, id = ? WHERE arrival = ?", (line, hashlib.sha256(line).digest(), arrival))
        db.commit()


@pytest.fixture
def world(airlock_path, tmp_path):
    made = World(airlock_path, tmp_path)
    made.found().arrive()
    return made


def comparison(world, status):
    answer = world.run("scan", "shipment:1", json=True, status=status).json
    (row,) = [row for row in answer["files"] if row["path"] == "sbom/station.cdx.json"]
    return row


def test_the_stations_inventory_agrees_with_ours(world):
    row = comparison(world, 0)
    assert row["verdict"] == "clean" and {f["severity"] for f in row["findings"]} <= {"info", "low"}


def test_packages_that_the_station_names_are_found(airlock_path, tmp_path):
    made = World(airlock_path, tmp_path)
    made.found()
    with_packages(made, files=[wheel(made.folder, "Foo.Bar", "1.0"), npm(made.folder, "@scope/left", "1.2.3"), deb(made.folder, "hello", "1:2.10-3")])
    made.receive(made.ship("assistant:v1.0.0"))
    row = comparison(made, None)
    assert not {"sbom-hash", "sbom-version", "sbom-missing", "sbom-invalid"} & {f["rule"] for f in row["findings"]} and row["verdict"] == "clean"


def test_an_ordinary_text_in_an_engine_is_no_difference_that_blocks(airlock_path, tmp_path):
    made = World(airlock_path, tmp_path)
    made.found()
    (tmp_path / "notes.txt").write_text("what this engine was built with\n")
    made.arrive(files={"/engine/notes.txt": tmp_path / "notes.txt"})
    row = comparison(made, None)
    assert row["verdict"] == "clean", row


@pytest.mark.parametrize("change, rule", [
    (lambda bom: bom["components"][0]["hashes"][0].update(content="00" * 32), "sbom-hash"),
    (lambda bom: bom["components"].append({"type": "library", "name": "ghost", "version": "1", "purl": "pkg:pypi/ghost@1"}), "sbom-missing"),
    (lambda bom: bom["components"].pop([c["type"] for c in bom["components"]].index("machine-learning-model")), "sbom-surplus"),
    (lambda bom: bom["components"].append({"type": "library"}), "sbom-invalid"),
], ids=["hash", "missing", "surplus", "invalid"])
def test_a_signed_inventory_that_says_otherwise_blocks(world, change, rule):
    sign_again(world, change)
    row = comparison(world, 1)
    assert rule in {f["rule"] for f in row["findings"]} and row["verdict"] in ("suspicious", "not-scanned")
