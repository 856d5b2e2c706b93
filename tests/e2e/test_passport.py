"""The passport: the story for people, the lines for machines, and a verification that needs nothing but keys."""

import base64
import json
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import ROOT
from world import World, gguf, public_of

REF = "assistant:v1.0.0"


@pytest.fixture(scope="module")
def w(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("passport"))
    made.found().people()
    made.arrive()
    made.to_prod(REF)
    return made


@pytest.fixture(scope="module")
def keys(w):
    contour = next((w.contour / "keys").glob("*.pub*"), None)
    assert contour is not None
    found = [key for folder in (w.contour, w.station) for key in (folder / "keys").iterdir() if b"BEGIN PUBLIC KEY" in key.read_bytes()]
    return found + [public_of(key) for key in w.keys.values()]


@pytest.fixture(scope="module")
def lines(w):
    return w.run("passport", REF, "--lines").out.splitlines()


def statement(line):
    return json.loads(base64.b64decode(json.loads(line)["payload"]))


def verify(w, keys, lines, tmp_path, *more, status=0, **options):
    file = tmp_path / "passport.intoto.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    # any folder will do: it works without a contour
    return w.run("passport", "verify", file, *[word for key in keys for word in ("--key", key)], *more, home=tmp_path, status=status, **options)


def test_the_story_names_station_people_results_and_reasons(w):
    story = w.run("passport", REF).out
    for words in ("station   north", "scan, by contour: PASSED", "approval for prod, by sofia", "request for prod, by ines", "gate trust for prod PASSED", "approved by sofia (security-officer) and pavel (product-owner)"):
        assert words in story, words


def test_the_document_tells_the_same_facts(w, lines):
    document = w.run("passport", REF, json=True).json
    assert document["schema"] == "airlock/passport/1"
    listed = [a for a in document["attestations"] if a["listed"]]
    assert len(listed) == len(lines)
    assert all(a["verified"] for a in document["attestations"])
    assert document["verdict"]["gate"] == "trust" and document["verdict"]["result"] == "PASSED"
    assert {a["signer"] for a in listed} == {"station", "contour", "ines", "pavel", "sofia"}


def test_the_lines_are_closed_by_a_verification_summary_that_lists_each(lines):
    closing = statement(lines[-1])
    assert closing["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert len(closing["predicate"]["inputAttestations"]) == len(lines) - 1
    subjects = {statement(line)["subject"][0]["digest"]["sha256"] for line in lines}
    assert len(subjects) == 1


def test_it_verifies_with_keys_alone(w, keys, lines, tmp_path):
    assert "holds" in verify(w, keys, lines, tmp_path).out
    assert verify(w, keys, lines, tmp_path, "--policy", w.contour / "policy.yaml", "--release", w.run("show", REF, json=True).json["digest"], json=True).json["holds"]


def test_the_identity_of_the_contour_stands_for_its_key(w, keys, lines, tmp_path):
    identity = tmp_path / "identity.json"
    w.run("identity", "--out", identity)
    others = [key for key in keys if w.contour not in key.parents]
    assert "holds" in verify(w, [identity, *others], lines, tmp_path).out
    # the same keys under another contour's name
    identity.write_text(identity.read_text().replace(json.loads(identity.read_text())["id"], "0" * 32))
    assert "asked was for contour " + "0" * 32 in verify(w, [identity, *others], lines, tmp_path, status=1).out


def test_every_removed_line_is_missed(w, keys, lines, tmp_path):
    for i in range(len(lines) - 1):
        found = verify(w, keys, lines[:i] + lines[i + 1 :], tmp_path, status=1)
        assert f"attestation {i + 1} of the closing verdict" in found.out


def test_a_flipped_byte_is_named_in_every_line(w, keys, lines, tmp_path):
    for i, line in enumerate(lines):
        at = line.index('"payload":"') + 40
        changed = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1 :]
        found = verify(w, keys, [*lines[:i], changed, *lines[i + 1 :]], tmp_path, status=1)
        assert f"line {i + 1} " in found.out


def test_a_line_put_in_is_named(w, keys, lines, tmp_path):
    found = verify(w, keys, [lines[0], lines[0], *lines[1:]], tmp_path, status=1)
    assert "line 2 repeats line 1" in found.out


def test_a_missing_key_is_said(w, keys, lines, tmp_path):
    without = [key for key in keys if "sofia" not in str(key)]
    said = next(line for line in verify(w, without, lines, tmp_path, status=1).out.splitlines() if line.startswith("line "))
    envelope = next(line for line in lines if statement(line)["predicate"].get("person") == "sofia")
    key = json.loads(envelope)["signatures"][0]["keyid"]
    assert f"line {lines.index(envelope) + 1} (" in said and "by its own account: approval" in said
    assert f"it names key {key[:16]}…: give that key with --key" in said


def test_a_changed_line_whose_key_was_given_is_not_blamed_on_a_missing_key(w, keys, lines, tmp_path):
    at = lines[0].index('"payload":"') + 40
    changed = lines[0][:at] + ("A" if lines[0][at] != "A" else "B") + lines[0][at + 1 :]
    said = verify(w, keys, [changed, *lines[1:]], tmp_path, status=1).out
    assert "which was given" in said and "give that key" not in said


def test_a_key_or_release_that_is_none_is_wrong_usage_and_named(w, keys, lines, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"name": "x"}')
    assert "other.json is neither" in verify(w, [other], lines, tmp_path, status=2).err
    assert "--release: " in verify(w, keys, lines, tmp_path, "--release", "sha256:123", status=2).err


def test_another_policy_or_release_is_said(w, keys, lines, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("schema: airlock/policy/1\n")
    assert "was made under policy" in verify(w, keys, lines, tmp_path, "--policy", other, status=1).out
    assert "the passport is of" in verify(w, keys, lines, tmp_path, "--release", "sha256:" + "0" * 64, status=1).out


def test_what_cannot_be_read_is_said(w, tmp_path):
    w.run("passport", "verify", tmp_path / "none", status=2)
    w.run("passport", "nobody:v1.0.0", status=4)


# ── decided anew, by a policy ──


def decided(w, keys, lines, tmp_path, *more, policy=None, status=0):
    """In a folder that holds nothing but the passport; keys and policy are files."""
    found = verify(w, keys, lines, tmp_path, "--policy", policy or w.contour / "policy.yaml", *more, status=status, json=True).json
    jsonschema.validate(found, json.loads((ROOT / "docs" / "formats" / "passport-verify.schema.json").read_text()), jsonschema.Draft202012Validator)
    [file] = found["files"]
    return file, {r["rule"]: r for r in file.get("decided", {}).get("reasons", [])}


def other_policy(w, tmp_path, old="", new="", more=""):
    text = (w.contour / "policy.yaml").read_text()
    assert old in text
    file = tmp_path / "other-policy.yaml"
    file.write_text(text.replace(old, new, 1) + more)
    return file


def test_a_policy_decides_every_rule_anew_without_a_contour(w, keys, lines, tmp_path):
    file, rules = decided(w, keys, lines, tmp_path)
    assert file["holds"] and file["decided"]["passed"] and file["decided"]["environment"] == "prod"
    assert set(rules) >= {"signatures", "station-signature", "scan", "advisories", "licences", "stood-before", "test", "silence", "request", "approvals"}
    assert "approved by sofia (security-officer) and pavel (product-owner)" in rules["approvals"]["text"]
    said = verify(w, keys, lines, tmp_path, "--policy", w.contour / "policy.yaml").out
    assert "decided anew by sha256:" in said and "yes approvals" in said


def test_time_passes_for_a_passport_and_at_looks_at_another_day(w, keys, lines, tmp_path):
    later = (datetime.now(timezone.utc) + timedelta(days=200)).strftime("%Y-%m-%d")
    file, rules = decided(w, keys, lines, tmp_path, "--at", later, status=1)
    assert not rules["scan"]["ok"] and not rules["approvals"]["ok"] and "expired" in rules["approvals"]["text"]
    assert any("decided anew, scan" in problem for problem in file["problems"])
    assert "--at wants" in verify(w, keys, lines, tmp_path, "--policy", w.contour / "policy.yaml", "--at", "soon", status=2).err
    assert "--policy" in verify(w, keys, lines, tmp_path, "--at", later, status=2).err


def test_another_policy_decides_only_where_it_may(w, keys, lines, tmp_path):
    policy = other_policy(w, tmp_path, more="# read by an auditor\n")
    file, rules = decided(w, keys, lines, tmp_path, policy=policy, status=1)
    assert all(r["ok"] for r in rules.values()) and any("was made under policy" in p for p in file["problems"])
    file, _ = decided(w, keys, lines, tmp_path, "--anew", policy=policy)
    assert file["holds"]


@pytest.mark.parametrize(
    "old, new, more, rule",
    [
        ("silence, request", "silence, provenance, advisories, request", "", "advisories"),
        ("", "", "licences: {models: {deny: [Apache-2.0]}}\n", "licences"),
        ("approvals: [security-officer, product-owner]", "approvals: [security-officer, product-owner, data-owner]", "", "approvals"),
    ],
)
def test_a_rule_that_fails_is_named_and_its_reason_said(w, keys, lines, tmp_path, old, new, more, rule):
    file, rules = decided(w, keys, lines, tmp_path, "--anew", policy=other_policy(w, tmp_path, old, new, more), status=1)
    assert [name for name, r in rules.items() if not r["ok"]] == [rule]
    assert any(f"decided anew, {rule}: " in problem for problem in file["problems"])


def test_a_withdrawn_persons_word_counts_no_more(w, keys, lines, tmp_path):
    _, rules = decided(w, keys, lines, tmp_path, "--withdrawn", public_of(w.keys["sofia"]), status=1)
    assert not rules["approvals"]["ok"] and "withdrawn" in rules["approvals"]["text"]
    without = [key for key in keys if "sofia" not in str(key)]
    file, rules = decided(w, without, lines, tmp_path, status=1)
    assert not rules["approvals"]["ok"] and any("give that key" in problem for problem in file["problems"])


def test_a_removed_line_takes_its_ground_away(w, keys, lines, tmp_path):
    kinds = {"urn:airlock:scan:v1": "scan", "urn:airlock:approval:v1": "approvals", "urn:airlock:silence:v1": "silence", "urn:airlock:request:v1": "request"}
    for kind, rule in kinds.items():
        _, rules = decided(w, keys, [line for line in lines if statement(line)["predicateType"] != kind], tmp_path, status=1)
        assert not rules[rule]["ok"], rule


def test_a_line_of_another_release_is_named(w, keys, lines, tmp_path):
    w.arrive(version="v1.1.0")
    w.admit("assistant:v1.1.0")
    other = w.run("passport", "assistant:v1.1.0", "--lines").out.splitlines()
    scan = next(line for line in other if statement(line)["predicateType"] == "urn:airlock:scan:v1")
    file, _ = decided(w, keys, [*lines[:-1], scan, lines[-1]], tmp_path, status=1)
    assert any("is about sha256:" in problem for problem in file["problems"])


def test_a_waiver_that_has_ended_covers_nothing_any_more(airlock_path, tmp_path_factory, tmp_path):
    made = World(airlock_path, tmp_path_factory.mktemp("passport-waived"))
    made.found().people().people(otto="security-officer")
    made.arrive(model=gguf(template="{{ messages[0]['content'] | center(80) }}"))
    made.run("scan", REF, status=1)
    until = (datetime.now(timezone.utc) + timedelta(days=20)).strftime("%Y-%m-%d")
    for person in ("sofia", "otto"):
        made.sign("waive", "template-construct", "--on", REF, "--until", until, "--compensation", "none is rendered", "--ticket", "S-1", person=person)
    made.run("judge", REF, "--gate", "intake")
    lines = made.run("passport", REF, "--lines").out.splitlines()
    keys = [key for folder in (made.contour, made.station) for key in (folder / "keys").iterdir() if b"BEGIN PUBLIC KEY" in key.read_bytes()]
    keys += [public_of(key) for key in made.keys.values()]
    _, rules = decided(made, keys, lines, tmp_path)
    assert "is waived, until" in rules["scan"]["text"]
    later = (datetime.now(timezone.utc) + timedelta(days=25)).strftime("%Y-%m-%d")
    _, rules = decided(made, keys, lines, tmp_path, "--at", later, status=1)
    assert not rules["scan"]["ok"] and "has ended" in rules["scan"]["text"]


def test_lines_that_a_newer_check_speaks_against_are_given_with_a_warning(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("passport-since"))
    made.found()
    made.arrive(model=gguf(template="{{ messages[0]['content'] | center(80) }}"))
    made.run("judge", REF, "--gate", "intake", status=1)
    before = made.run("passport", REF, "--lines")
    assert before.err == ""

    made.run("scan", REF, status=1)

    after = made.run("passport", REF, "--lines")
    assert after.out == before.out
    assert f"warning: the lines of {REF} end with its closing verdict" in after.err
    assert "  scan by contour: FAILED (" in after.err and "airlock judge" in after.err
    made.run("judge", REF, "--gate", "intake", status=1)
    assert made.run("passport", REF, "--lines").err == ""


def test_the_golden_answer_fits_its_schema():
    formats = ROOT / "docs" / "formats"
    schema = json.loads((formats / "passport-verify.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((formats / "examples" / "passport-verify.json").read_text()), schema, jsonschema.Draft202012Validator)
