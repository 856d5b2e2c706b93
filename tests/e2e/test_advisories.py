"""Advisories: compiled, matched, signed by a station, taken into a contour, and asked by recall. The data are made here, in the forms that the
databases export."""

import base64
import json
import shutil
import sqlite3
import struct
import zipfile
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import ROOT, wait_for
from packages import wheel, with_packages
from world import World

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def schema(name):
    return json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text())


def record(id, ecosystem, name, events=None, versions=(), **more):
    affected = {"package": {"ecosystem": ecosystem, "name": name}, "versions": list(versions)}
    if events:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": events}]
    return {"id": id, "modified": "2026-02-03T04:05:06Z", "affected": [affected]} | more


def write(folder, *records):
    folder.mkdir(parents=True, exist_ok=True)
    for r in records:
        (folder / f"{r['id']}.json").write_text(json.dumps(r))
    return folder


def sbom(path, *purls):
    components = [{"type": "library", "name": f"c{i}", "version": "1", "purl": purl} for i, purl in enumerate(purls)]
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}))
    return path


def match(airlock, folder, source, *purls, status=0):
    said = airlock("match", sbom(folder / "sbom.json", *purls), "--advisories", source, json=True, status=status).json
    jsonschema.validate(said, schema("match"))
    return said


def hits(said):
    return [(m["purl"], m["advisory"]) for m in said["matches"]]


# ── match ──


def test_match_says_advisory_aliases_severity_and_fix(airlock, tmp_path):
    source = write(
        tmp_path / "pypa",
        record("PYSEC-1", "PyPI", "Demo_Pkg", [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}], aliases=["CVE-2026-1", "GHSA-x"], severity=[{"type": "CVSS_V3", "score": CRITICAL}]),
        record("PYSEC-2", "PyPI", "demo-pkg", versions=["1.0"], database_specific={"severity": "MODERATE"}),
    )
    said = match(airlock, tmp_path, source, "pkg:pypi/demo.pkg@1.0", "pkg:pypi/demo-pkg@1.5", "pkg:pypi/other@1.0")
    assert said["matches"] == [
        {"purl": "pkg:pypi/demo.pkg@1.0", "advisory": "PYSEC-1", "aliases": ["CVE-2026-1", "GHSA-x"], "severity": "critical", "fixed": "1.2", "score": 9.8, "vector": CRITICAL, "malicious": False, "kev": False},
        {"purl": "pkg:pypi/demo.pkg@1.0", "advisory": "PYSEC-2", "aliases": [], "severity": "medium", "fixed": None, "malicious": False, "kev": False},
    ]
    assert said["undecided"] == []
    shown = airlock("match", tmp_path / "sbom.json", "--advisories", source)
    assert "critical  pkg:pypi/demo.pkg@1.0  PYSEC-1 (CVE-2026-1 GHSA-x)  fixed in 1.2" in shown.out
    airlock("match", tmp_path / "sbom.json", "--advisories", source, "--fail-on", "high", status=1)
    clean = sbom(tmp_path / "clean.json", "pkg:pypi/other@1.0")
    airlock("match", clean, "--advisories", source, "--fail-on", "high")


def test_a_git_range_before_the_ecosystem_range_hides_nothing(airlock, tmp_path):
    """Others stop at the first range that is not over versions."""
    r = record("PYSEC-3", "PyPI", "torch", [{"introduced": "0"}, {"fixed": "1.13.1"}], versions=["1.12.1"])
    r["affected"][0]["ranges"].insert(0, {"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}, {"fixed": "767f6aa49fe20a2766b9843d01e3b7f7793df6a3"}]})
    source = write(tmp_path / "pypa", r)
    said = match(airlock, tmp_path, source, "pkg:pypi/torch@1.12.1%2Bcu113", "pkg:pypi/torch@1.10.2", "pkg:pypi/torch@1.13.1%2Bcu117")
    assert hits(said) == [("pkg:pypi/torch@1.12.1%2Bcu113", "PYSEC-3"), ("pkg:pypi/torch@1.10.2", "PYSEC-3")]


def test_what_cannot_be_decided_is_said(airlock, tmp_path):
    only_git = record("PYSEC-5", "PyPI", "committed")
    only_git["affected"][0]["ranges"] = [{"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}]}]
    source = write(tmp_path / "pypa", record("PYSEC-4", "PyPI", "demo", [{"introduced": "0"}, {"fixed": "1.2"}]), only_git, record("MAL-1", "PyPI", "evil", [{"introduced": "0"}]))
    said = match(airlock, tmp_path, source, "pkg:pypi/demo", "pkg:pypi/demo@nonsense", "pkg:pypi/committed@1.0", "pkg:npm/x@1.0", "pkg:generic/x@1", "nothing", "pkg:pypi/evil", "pkg:deb/debian/x@1?distro=debian-12")
    reasons = {row["purl"]: row["reason"] for row in said["undecided"]}
    assert "PYSEC-4" in reasons["pkg:pypi/demo"] and "no version" in reasons["pkg:pypi/demo"]
    assert "no place in the order" in reasons["pkg:pypi/demo@nonsense"]
    assert "commits only" in reasons["pkg:pypi/committed@1.0"]
    assert "no advisories" in reasons["npm"] and "no advisories" in reasons["Debian:12"] and "no database" in reasons["pkg:generic/"]
    assert "nothing" in reasons
    assert hits(said) == [("pkg:pypi/evil", "MAL-1")] and said["matches"][0]["malicious"] and said["matches"][0]["severity"] == "critical"
    airlock("match", tmp_path / "sbom.json", "--advisories", source, "--fail-on", "critical", status=1)
    airlock("match", sbom(tmp_path / "u.json", "pkg:pypi/demo"), "--advisories", source, "--fail-on", "critical", status=6)


def test_distributions_are_matched_by_release_and_source_package(airlock, tmp_path):
    tracker = {
        "openssl": {
            "CVE-2026-7": {
                "description": "x",
                "releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.11-1~deb12u2", "urgency": "high**"}, "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}, "sid": {"status": "open", "urgency": "low"}},
            }
        }
    }
    (tmp_path / "tracker.json").write_text(json.dumps(tracker))
    said = match(
        airlock,
        tmp_path,
        tmp_path / "tracker.json",
        "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12&upstream=openssl",
        "pkg:deb/debian/openssl@3.0.11-1~deb12u2?distro=bookworm",
        "pkg:deb/debian/openssl@3.0.9-1?distro=debian-13",
        "pkg:deb/debian/openssl@3.5.0-1?distro=sid",
        "pkg:deb/debian/openssl@3.0.9-1+deb12u1",
    )
    assert [(m["purl"], m["severity"], m["fixed"]) for m in said["matches"]] == [
        ("pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12&upstream=openssl", "high", "3.0.11-1~deb12u2"),
        ("pkg:deb/debian/openssl@3.5.0-1?distro=sid", "low", None),
        ("pkg:deb/debian/openssl@3.0.9-1+deb12u1", "high", "3.0.11-1~deb12u2"),
    ]
    assert said["matches"][0]["advisory"] == "DEBIAN-CVE-2026-7" and said["matches"][0]["aliases"] == ["CVE-2026-7"]


def test_withdrawn_advisories_hit_nothing_and_stay_known(airlock, tmp_path):
    source = write(tmp_path / "s", record("PYSEC-6", "PyPI", "demo", [{"introduced": "0"}], withdrawn="2026-03-01T00:00:00Z"), record("PYSEC-7", "PyPI", "other", [{"introduced": "0"}]))
    assert match(airlock, tmp_path, source, "pkg:pypi/demo@1.0")["matches"] == []
    airlock("advisories", "import", source, "--out", tmp_path / "snap")
    assert airlock("advisories", "show", tmp_path / "snap", json=True).json["sources"][0]["withdrawn"] == 1


def test_exploited_ones_are_marked_by_any_alias(airlock, tmp_path):
    source = write(tmp_path / "s", record("PYSEC-8", "PyPI", "demo", [{"introduced": "0"}], aliases=["CVE-2026-1234"]))
    kev = {"catalogVersion": "1", "dateReleased": "2026-01-02T03:04:05.6Z", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-1234", "dateAdded": "2026-01-01"}]}
    (tmp_path / "kev.json").write_text(json.dumps(kev))
    said = airlock("match", sbom(tmp_path / "b.json", "pkg:pypi/demo@1"), "--advisories", source, "--advisories", tmp_path / "kev.json", json=True).json
    assert said["matches"][0]["kev"] is True
    (tmp_path / "kev.json").write_text(json.dumps(kev | {"count": 2}))
    refused = airlock("advisories", "import", source, tmp_path / "kev.json", "--out", tmp_path / "snap", status=3)
    assert "/count" in refused.err


# ── what is refused ──


def test_a_broken_record_is_refused_by_name_and_place_and_the_others_count(airlock, tmp_path):
    bad = record("PYSEC-9", "PyPI", "demo", [{"introduced": "0"}, {"begun": "1"}])
    source = write(tmp_path / "s", record("PYSEC-10", "PyPI", "demo", [{"introduced": "0"}]), bad)
    (source / "cut.json").write_text('{"id": "PYSEC-11", ')
    (source / "LICENSE").write_text("text")
    (source / "old.yaml").write_text("id: PYSEC-12\n")
    said = airlock("advisories", "import", source, "--out", tmp_path / "snap", json=True)
    jsonschema.validate(said.json, schema("advisories-import"))
    assert said.json["records"] == 1 and said.json["refused"] == 3
    refused = {row["record"]: (row["at"], row["reason"]) for row in said.json["refusals"]}
    assert refused["PYSEC-9.json"][0] == "/affected/0/ranges/0/events/1/begun"
    assert "cut.json" in refused and "YAML" in refused["old.yaml"][1]
    assert "PYSEC-9.json /affected/0/ranges/0/events/1/begun" in said.err
    assert airlock("advisories", "show", tmp_path / "snap", json=True).json["sources"][0]["refused"] == 3


def test_an_import_of_nothing_is_refused(airlock, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no advisory" in airlock("advisories", "import", empty, "--out", tmp_path / "snap", status=3).err
    assert "no advisory" in airlock("match", sbom(tmp_path / "b.json", "pkg:pypi/x@1"), "--advisories", empty, status=3).err
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    airlock("advisories", "import", tmp_path / "empty.zip", "--out", tmp_path / "snap", status=3)
    airlock("advisories", "import", tmp_path / "nowhere", "--out", tmp_path / "snap", status=4)
    assert not (tmp_path / "snap").exists()


def test_exports_are_read_as_zips_and_a_cut_one_is_refused(airlock, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(3000):
            z.writestr(f"GHSA-{i}.json", json.dumps(record(f"GHSA-{i}", "npm", f"p{i}", [{"introduced": "0"}, {"fixed": "2.0.0"}], details="x" * 2000)))
    said = airlock("advisories", "import", tmp_path / "all.zip", "--out", tmp_path / "snap", json=True).json
    assert said["records"] == 3000 and said["refused"] == 0
    assert hits(match(airlock, tmp_path, tmp_path / "snap", "pkg:npm/p2999@1.9.9", "pkg:npm/p2999@2.0.0")) == [("pkg:npm/p2999@1.9.9", "GHSA-2999")]
    whole = (tmp_path / "all.zip").read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 100):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        airlock("advisories", "import", tmp_path / "cut.zip", "--out", tmp_path / "other", status=3)


def test_the_same_sources_make_the_same_bytes(airlock, tmp_path):
    source = write(tmp_path / "s", *[record(f"PYSEC-{i}", "PyPI", f"p{i % 7}", [{"introduced": "0"}], aliases=[f"CVE-2026-{i}"]) for i in range(50)])
    for out in ("a", "b"):
        airlock("advisories", "import", source, "--out", tmp_path / out)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_snapshot_is_refused(airlock, tmp_path):
    source = write(tmp_path / "s", record("PYSEC-1", "PyPI", "demo", [{"introduced": "0"}]))
    airlock("advisories", "import", source, "--out", tmp_path / "snap")
    whole = (tmp_path / "snap").read_bytes()
    bom = sbom(tmp_path / "b.json", "pkg:pypi/demo@1")
    (tmp_path / "bad").write_bytes(whole[:-8])
    assert "cut off" in airlock("match", bom, "--advisories", tmp_path / "bad", status=3).err
    (tmp_path / "bad").write_bytes(whole[:8] + struct.pack("<I", 2) + whole[12:])
    assert "version 2" in airlock("match", bom, "--advisories", tmp_path / "bad", status=3).err
    for at in range(232, len(whole), 41):
        (tmp_path / "bad").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        assert "changed" in airlock("advisories", "show", tmp_path / "bad", status=3).err


# ── on a contour ──


def issue(world, name, *records):
    """The station compiles and signs a snapshot."""
    source = write(world.folder / "feeds" / name, *records)
    out = world.folder / f"{name}.snap"
    said = world.run("advisories", "import", source, "--out", out, home=world.station, json=True).json
    assert said["signed"] is True
    return out



def days_ago(days):
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


OLD = record("PYSEC-1", "PyPI", "unrelated", [{"introduced": "0"}], modified=days_ago(90))
NEW = record("PYSEC-2", "PyPI", "demo", [{"introduced": "0"}, {"fixed": "2.0"}], modified=days_ago(60), aliases=["CVE-2026-77"], severity=[{"type": "CVSS_V3", "score": CRITICAL}])


@pytest.fixture(scope="module")
def stocked(airlock_path, tmp_path_factory):
    """A contour in whose quarantine lies a release with the package demo 1.0."""
    made = World(airlock_path, tmp_path_factory.mktemp("stocked")).found()
    with_packages(made, files=[wheel(made.folder, "demo", "1.0")])
    made.receive(made.ship("assistant:v1.0.0"))
    return made


@pytest.fixture
def shop(stocked, tmp_path):
    shutil.copytree(stocked.folder, tmp_path / "shop", symlinks=True)
    return World(stocked.path, tmp_path / "shop")


def evidence(world):
    with sqlite3.connect(world.contour / "state.db") as db:
        rows = db.execute("SELECT result, envelope FROM evidence WHERE predicate_type = 'https://in-toto.io/attestation/vulns/v0.2' ORDER BY arrival").fetchall()
    return [(result, json.loads(base64.b64decode(json.loads(envelope)["payload"]))["predicate"]) for result, envelope in rows]


def test_a_new_snapshot_matches_again_what_lies_here_and_recall_says_who_is_hit(shop, spawn):
    world = shop
    assert shop.run("recall", "CVE-2026-77", status=4)
    first = issue(world, "first", OLD)
    said = world.run("advisories", "import", first, json=True).json
    jsonschema.validate(said, schema("advisories-import"))
    assert "not scanned here" in said["releases"][0]["reason"]
    said = world.run("scan", "assistant:v1.0.0", json=True).json
    assert said["advisories"]["result"] == "PASSED" and said["advisories"]["matches"] == 0
    assert world.run("recall", "PYSEC-1", json=True).json["affected"] == 0
    world.run("recall", "CVE-2026-77", status=4)

    world.people()
    world.to_prod("assistant:v1.0.0")
    spawn("serve", "--port", "0", home=world.contour)
    wait_for(lambda: any(e["state"] == "running" for e in world.run("status", json=True).json.get("engines") or []), "the engine of prod runs")
    said = world.run("advisories", "import", issue(world, "second", OLD, NEW), json=True).json
    assert [(r["release"], r["result"], r["matches"]) for r in said["releases"]] == [("assistant:v1.0.0", "FAILED", 1)]
    result, predicate = evidence(world)[-1]
    jsonschema.validate(predicate, schema("vulns"))
    hit = predicate["scanner"]["result"][0]
    assert result == "FAILED" and hit["id"] == "PYSEC-2" and hit["annotations"][0]["aliases"] == ["CVE-2026-77"] and hit["annotations"][0]["fixed"] == "2.0"

    said = world.run("recall", "cve-2026-77", json=True).json
    jsonschema.validate(said, schema("recall"))
    release = said["releases"][0]
    assert said["known"] and said["affected"] == 1 and release["answer"] == "affected"
    assert release["packages"][0]["advisory"] == "PYSEC-2" and release["packages"][0]["purl"].startswith("pkg:pypi/demo@1.0")
    assert {place["environment"]: place["running"] for place in release["environments"]} == {"prod": True, "sandbox": False, "test": False}
    assert {approval["person"] for approval in release["approvals"]} == {"pavel", "sofia"}
    shown = world.run("recall", "PYSEC-2").out
    assert "assistant:v1.0.0  affected" in shown and "stands in prod since" in shown and "its engine: running" in shown and "approved for prod by sofia" in shown
    assert "no advisory of this name" in world.run("recall", "CVE-1999-1", status=4).out
    assert "in force since" in world.run("advisories", "show").out
    jsonschema.validate(world.run("advisories", "show", json=True).json, schema("advisories"))
    world.fsck()
    world.run("gc")
    assert world.run("advisories", "show", json=True).json["records"] == 2


def test_recall_does_not_say_not_affected_of_what_was_not_matched(shop):
    shop.run("advisories", "import", issue(shop, "feed", NEW))
    said = shop.run("recall", "CVE-2026-77", json=True, status=6).json
    assert said["unknown"] == 1 and "not matched" in said["releases"][0]["reason"]
    shop.run("scan", "assistant:v1.0.0")
    assert shop.run("recall", "CVE-2026-77", json=True).json["affected"] == 1


def test_the_gate_says_of_how_many_packages_nothing_is_known(shop):
    covers = record("GO-1", "Go", "example.org/unrelated", [{"introduced": "0"}], modified=days_ago(1))
    shop.run("advisories", "import", issue(shop, "elsewhere", covers))
    shop.run("scan", "assistant:v1.0.0")
    metadata = evidence(shop)[-1][1]["metadata"]
    assert sum(row.get("packages", 1) for row in metadata["undecided"]) == metadata["packages"] == 1
    [reason] = [r for r in shop.run("judge", "assistant:v1.0.0", "--gate", "intake", json=True).json["reasons"] if r["rule"] == "advisories"]
    assert reason["ok"] and reason["text"].startswith("0 advisories hit its 1 packages, 1 of them undecided (their ecosystem or version is not covered: airlock match ")
    shop.run("advisories", "import", issue(shop, "covers", OLD | {"modified": days_ago(0)}))
    shop.run("scan", "assistant:v1.0.0")
    assert "undecided" not in shop.run("judge", "assistant:v1.0.0", "--gate", "intake").out


def test_only_a_newer_snapshot_that_a_trusted_station_signed_is_taken_in(shop):
    world = shop
    new = issue(world, "new", OLD, NEW)
    old = issue(world, "old", OLD)
    signature = new.with_name("new.snap.sig")
    kept = signature.read_bytes()

    signature.unlink()
    assert "carry both" in world.run("advisories", "import", new, status=4).err
    signature.write_bytes(old.with_name("old.snap.sig").read_bytes())
    assert "wanted sha256" in world.run("advisories", "import", new, status=3).err
    broken = json.loads(kept)
    broken["statement"] = broken["statement"].replace('"sig":"', '"sig":"AA')
    signature.write_text(json.dumps(broken))
    world.run("advisories", "import", new, status=3)
    signature.write_bytes(kept)
    assert "no snapshot" in world.run("advisories", "import", world.folder / "feeds" / "new" / "PYSEC-1.json", status=3).err

    world.make_station(name="south", home=world.folder / "south")
    source = world.folder / "feeds" / "new"
    foreign = world.folder / "foreign.snap"
    world.run("advisories", "import", source, "--out", foreign, home=world.folder / "south")
    assert "not trusted here" in world.run("advisories", "import", foreign, status=4).err

    world.run("advisories", "import", new)
    world.run("advisories", "import", new)  # once more completes what was interrupted
    assert "older than the one in force" in world.run("advisories", "import", old, status=5).err
    assert world.run("log").out.count("  advisories-import  ") == 1


def test_a_snapshot_that_was_changed_in_the_store_decides_nothing(shop):
    world = shop
    digest = world.run("advisories", "import", issue(world, "feed", NEW), json=True).json["digest"].split(":")[1]
    blob = world.contour / "store/blobs/sha256" / digest
    blob.chmod(0o644)
    data = bytearray(blob.read_bytes())
    data[300] ^= 1
    blob.write_bytes(data)
    assert "damaged" in world.run("advisories", "show", status=3).err
    said = world.run("scan", "assistant:v1.0.0", json=True, status=None)
    assert said.status in (1, 6) and "damaged" in said.json["advisories"]["error"]
    assert world.run("recall", "CVE-2026-77", status=3)


@pytest.mark.parametrize("name", ["match", "recall", "advisories", "advisories-import", "vulns"])
def test_the_examples_are_as_their_schemas_say(name):
    jsonschema.validate(json.loads((ROOT / f"docs/formats/examples/{name}.json").read_text()), schema(name))
