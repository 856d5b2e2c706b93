"""Bypasses of others' scanners that are answered by the whole program and not by one reader. The numbers in names are those of the list in
docs/bypasses.md; tests/check/test_bypass_list.py holds that none of it is without a test."""

import hashlib
import json
import zipfile

import pytest
from test_advisories import hits, match, record, sbom, write
from test_inventory import OS_RELEASE, debian, made, stanza
from test_inventory import write as installed
from world import flip, gguf, world  # noqa: F401

REF = "assistant:v1.0.0"


# ── C. containers ──


def test_case_29_weights_that_change_behind_the_scan_are_not_run(world):  # noqa: F811
    """What is scanned is the blob of a digest, and what is run is that blob, hashed again through the descriptor that the engine gets."""
    world.found().arrive()
    world.to_test(REF)
    world.run("test", REF)
    digest = hashlib.sha256(gguf()).hexdigest()
    blob = next(p for p in (world.contour / "store").rglob(digest))
    blob.chmod(0o644)
    flip(blob, -1)
    refused = world.run("test", REF, status=5)
    assert f"sha256:{digest}" in refused.err and "not what was approved" in refused.err, str(refused)
    assert "blob-changed" in world.run("scan", REF, status=1).out  # other bytes are not scanned in the name of a digest either


# ── D. packages and images ──


def test_case_38_a_word_of_others_that_an_advisory_does_not_count_changes_no_hit(airlock, tmp_path):
    """An SBOM may bring VEX statements of its own. Only a waiver of this contour, by two people, lets a finding pass."""
    source = write(tmp_path / "pypa", record("PYSEC-1", "PyPI", "demo", [{"introduced": "0"}, {"fixed": "2.0"}], aliases=["CVE-2026-1"]))
    document = json.loads(sbom(tmp_path / "sbom.json", "pkg:pypi/demo@1.0").read_text())
    document["components"][0]["bom-ref"] = "demo"
    document["vulnerabilities"] = [
        {"id": name, "analysis": {"state": state, "justification": "code_not_reachable", "response": ["will_not_fix"]}, "affects": [{"ref": "demo"}]}
        for name in ("CVE-2026-1", "PYSEC-1")
        for state in ("not_affected", "resolved", "false_positive")
    ]
    (tmp_path / "vex.json").write_text(json.dumps(document))
    airlock("sbom", "check", tmp_path / "vex.json")
    said = airlock("match", tmp_path / "vex.json", "--advisories", source, "--fail-on", "low", json=True, status=1).json
    assert hits(said) == [("pkg:pypi/demo@1.0", "PYSEC-1")]


def test_case_39_what_has_no_fix_counts_and_a_system_without_advisories_is_said(airlock, tmp_path):
    """Why two scanners count so differently in one image: one leaves out what nobody fixes, one looks binary packages up and one their source, and one
    takes a system that it does not know for one without advisories."""
    tracker = {"openssl": {f"CVE-2026-{i}": {"description": "x", "releases": {"bookworm": status}} for i, status in enumerate((
        {"status": "open", "urgency": "low"},
        {"status": "open", "urgency": "unimportant"},
        {"status": "undetermined", "urgency": "not yet assigned"},
        {"status": "open", "urgency": "end-of-life"},
        {"status": "resolved", "fixed_version": "3.0.11-1", "urgency": "medium"},
        {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
    ))}}
    (tmp_path / "tracker.json").write_text(json.dumps(tracker))
    binaries = [f"pkg:deb/debian/{name}@3.0.9-1?distro=debian-12&upstream=openssl" for name in ("libssl3", "openssl")]
    said = match(airlock, tmp_path, tmp_path / "tracker.json", *binaries, "pkg:rpm/redhat/openssl@3.0.7-1.el8?distro=rhel-8", "pkg:apk/chimera/openssl@3.0.9-r0")
    assert hits(said) == [(purl, f"DEBIAN-CVE-2026-{i}") for purl in binaries for i in range(5)]
    assert {row["purl"]: row["reason"].split(": ")[-1] for row in said["undecided"]} == {
        "Red Hat:8": "the snapshot has no advisories about it",
        "pkg:apk/chimera": "no database of advisories names such packages",
    }


# ── bugs of others ──


def test_bug_1_a_range_over_commits_before_the_others_hides_none_of_them(airlock, tmp_path):
    commits = {"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}, {"fixed": "7" * 40}]}
    first, between = record("PYSEC-1", "PyPI", "torch", [{"introduced": "0"}, {"fixed": "1.13.1"}]), record("PYSEC-2", "PyPI", "torch", [{"introduced": "0"}, {"fixed": "1.0"}])
    first["affected"][0]["ranges"].insert(0, commits)
    between["affected"][0]["ranges"] += [commits, {"type": "ECOSYSTEM", "events": [{"introduced": "1.12"}, {"last_affected": "1.12.1"}]}]
    said = match(airlock, tmp_path, write(tmp_path / "pypa", first, between), "pkg:pypi/torch@1.12.1%2Bcu113")
    assert [m["advisory"] for m in said["matches"]] == ["PYSEC-1", "PYSEC-2"]


def test_bug_2_a_version_without_order_and_events_out_of_order_are_no_silence_and_no_crash(airlock, tmp_path):
    shuffled = [{"fixed": "2.0"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "3.5"}]
    source = write(
        tmp_path / "mixed",
        record("PYSEC-1", "PyPI", "demo", shuffled),
        record("PYSEC-2", "PyPI", "odd", [{"introduced": "0"}, {"fixed": "no version at all"}]),
        record("OSV-1", "An Ecosystem of Tomorrow", "demo", [{"introduced": "0"}]),
    )
    said = match(airlock, tmp_path, source, "pkg:pypi/demo@1.0", "pkg:pypi/demo@2.5", "pkg:pypi/demo@3.1", "pkg:pypi/demo@who knows", "pkg:pypi/odd@1.0")
    assert hits(said) == [("pkg:pypi/demo@1.0", "PYSEC-1"), ("pkg:pypi/demo@3.1", "PYSEC-1")]
    undecided = {row["purl"] for row in said["undecided"]}
    assert {"pkg:pypi/demo@who%20knows", "pkg:pypi/odd@1.0"} <= undecided | {p.replace(" ", "%20") for p in undecided}, said["undecided"]


def test_bug_3_a_transitional_package_is_matched_as_any_other(airlock, tmp_path):
    """The description is text of whoever made the package."""
    words = "Description: transitional package\n This is a transitional dummy package, safe to remove.\n"
    root = installed(tmp_path / "root", {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": stanza("openssl", "1.1.1-1", words)})
    source = write(tmp_path / "debian", record("DSA-1", "Debian:12", "openssl", [{"introduced": "0"}, {"fixed": "3.0.11-1"}]))
    (tmp_path / "bom.json").write_text(airlock("sbom", root).out)
    said = airlock("match", tmp_path / "bom.json", "--advisories", source, json=True).json
    assert [m["advisory"] for m in said["matches"]] == ["DSA-1"]


def test_bug_4_a_program_that_a_package_claims_is_matched_all_the_same(airlock, tmp_path):
    program = made.elf_with({".go.buildinfo": made.buildinfo()})
    root = installed(tmp_path / "root", debian({"usr/bin/server": program}), {"usr/bin/server"})
    source = write(tmp_path / "go", record("GO-2026-1", "Go", "example.com/c", [{"introduced": "0"}]))
    (tmp_path / "bom.json").write_text(airlock("sbom", root).out)
    said = airlock("match", tmp_path / "bom.json", "--advisories", source, json=True).json
    assert [m["advisory"] for m in said["matches"]] == ["GO-2026-1"]


@pytest.mark.parametrize("entry", ['{"dtype":"F99","shape":[1],"data_offsets":[0,4]}', "7", '{"dtype":"F32"}', '{"dtype":"F32","shape":["one"],"data_offsets":[0,4]}'])
def test_bug_5_a_tensor_that_cannot_be_read_is_a_finding(airlock, tmp_path, entry):
    header = f'{{"good":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}},"bad":{entry}}}'.encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    [row] = airlock("scan", tmp_path / "model.safetensors", json=True, status=1).json["files"]
    assert row["verdict"] in ("suspicious", "malicious", "not-scanned") and any(f.get("at") == "bad" for f in row["findings"]), row


def test_bug_6_an_absent_an_empty_and_a_foreign_database_are_no_clean_result(airlock, tmp_path):
    bom = sbom(tmp_path / "sbom.json", "pkg:pypi/demo@1.0")
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "nothing.json").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for source in (tmp_path / "absent", empty, tmp_path / "nothing.json", tmp_path / "empty.zip"):
        result = airlock("match", bom, "--advisories", source, status=(3, 4))
        assert source.name in result.err
    airlock("match", bom, status=2)
    other = write(tmp_path / "npm", record("GHSA-1", "npm", "demo", [{"introduced": "0"}]))
    said = airlock("match", bom, "--advisories", other, "--fail-on", "low", json=True, status=6).json
    assert said["matches"] == [] and "no advisories" in said["undecided"][0]["reason"]


@pytest.mark.parametrize("place", ["weights.bin", "package-lock.json", "venv/lib/python3/site-packages/demo/settings.py", "image.svg"])
def test_bug_7_no_kind_of_file_is_left_out_of_the_search_for_secrets(airlock, tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "AKIA" + "Q7ZT3WLP5MXVN2KD"
    text = json.dumps({"name": "x", "lockfileVersion": 3, "aws": key}) if place.endswith(".json") else f'aws_access_key_id = "{key}"\n'
    path.write_text(text)
    [row] = airlock("scan", tmp_path, json=True, status=(0, 1)).json["files"]
    assert any("secret" in f["rule"] for f in row["findings"]), row


def test_bug_8_a_container_that_cannot_be_read_to_its_end_is_a_finding_and_no_log_line(airlock, tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("archive/version", b"3\n")
    raw = whole.read_bytes()
    for name, content in {"cut.pt": raw[:-30], "wrong.pt": raw.replace(b"\x80\x02}q", b"\x80\x03}q", 1), "model.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 64, "model.rar": b"Rar!\x1a\x07\x01\0" + b"\0" * 64}.items():
        (tmp_path / name).write_bytes(content)
        [row] = airlock("scan", tmp_path / name, json=True, status=1).json["files"]
        assert row["verdict"] in ("suspicious", "malicious", "not-scanned") and row["findings"], row
