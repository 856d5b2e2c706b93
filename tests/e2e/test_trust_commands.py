"""People, stations, tokens and attestations at the command line: what is believed, and what is not."""

import base64
import hashlib
import json
import re
import sqlite3
import stat
import subprocess

import pytest
from world import world  # noqa: F401  (a fixture)


@pytest.fixture
def desk(tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "passphrase").write_text("correct horse\n")
    return folder


@pytest.fixture
def contour(airlock, tmp_path):
    airlock("init", "--name", "demo", home=tmp_path / "contour")
    return tmp_path / "contour"


@pytest.fixture
def new_person(airlock, desk):
    def make(name, *options):
        airlock("person", "new", name, "--out", desk / f"{name}.key", "--passphrase-file", desk / "passphrase", *options)
        return desk / f"{name}.key", desk / f"{name}.key.pub"

    return make


def actions(airlock, contour):
    with sqlite3.connect(contour / "state.db") as db:
        return [json.loads(entry)["action"] for (entry,) in db.execute("SELECT entry FROM ledger ORDER BY seq")]


# ── people ──


def test_a_new_key_is_sealed_private_and_readable_by_openssl(new_person, desk):
    for options, kind in (((), "prime256v1"), (("--ed25519",), "ED25519")):
        private, public = new_person(f"p{len(options)}", *options)
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        assert private.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
        shown = subprocess.run(
            ["openssl", "pkey", "-in", private, "-passin", f"file:{desk / 'passphrase'}", "-pubout"], capture_output=True, text=True, check=True
        )
        assert shown.stdout == public.read_text()
        text = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
        assert kind in text


def test_a_key_is_never_overwritten(airlock, new_person, desk):
    private, public = new_person("alice")
    before = private.read_bytes(), public.read_bytes()

    again = airlock("person", "new", "alice", "--out", private, "--passphrase-file", desk / "passphrase", status=5)
    assert str(private) in again.err
    private.unlink()
    airlock("person", "new", "alice", "--out", private, "--passphrase-file", desk / "passphrase", status=5)  # FILE.pub is there

    assert public.read_bytes() == before[1] and not private.exists()


def test_no_passphrase_is_asked_for_when_nobody_is_there(airlock, desk):
    refused = airlock("person", "new", "alice", "--out", desk / "alice.key", status=2)
    assert "--passphrase-file" in refused.err
    assert not (desk / "alice.key").exists()
    airlock("person", "new", "alice", "--out", desk / "alice.key", env={"AIRLOCK_PASSPHRASE_FILE": str(desk / "passphrase")})


def test_a_person_may_hold_roles_and_one_key_is_one_persons(airlock, contour, new_person):
    _, alice = new_person("alice")
    airlock("person", "add", "alice", "--role", "engineer", "--key", alice, home=contour)
    airlock("person", "add", "alice", "--role", "auditor", "--key", alice, home=contour)

    stolen = airlock("person", "add", "carol", "--role", "security-officer", "--key", alice, home=contour, status=5)
    assert "alice" in stolen.err
    airlock("person", "add", "alice", "--role", "auditor", "--key", alice, home=contour, status=5)
    airlock("person", "add", "a1ice", "--role", "auditor", "--key", new_person("a1ice")[1], home=contour, status=5)

    shown = airlock("trust", "show", home=contour, json=True).json
    assert [(p["name"], p["role"]) for p in shown["people"]] == [("alice", "engineer"), ("alice", "auditor")]
    assert actions(airlock, contour).count("person-add") == 2


def test_a_private_key_is_not_taken_for_a_public_one(airlock, contour, new_person):
    private, _ = new_person("alice")
    refused = airlock("person", "add", "alice", "--role", "engineer", "--key", private, home=contour, status=3)
    assert ".pub" in refused.err


def test_rows_that_the_contour_did_not_sign_are_nobody(airlock, contour, new_person):
    airlock("person", "add", "alice", "--role", "viewer", "--key", new_person("alice")[1], home=contour)
    with sqlite3.connect(contour / "state.db") as db:
        db.execute("UPDATE person SET role = 'security-officer'")

    shown = airlock("trust", "show", home=contour, json=True).json

    assert shown["people"] == [] and shown["refused_people"] == 1
    assert "count for nothing" in airlock("trust", "show", home=contour).out


# ── stations ──


@pytest.fixture
def station(airlock, tmp_path):
    return tmp_path / "station", airlock("station", "init", home=tmp_path / "station", json=True).json["fingerprint"]


def test_a_root_is_taken_with_its_fingerprint_only(airlock, contour, station):
    folder, fingerprint = station
    wrong = fingerprint.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))

    airlock("trust", "root", "add", folder / "root.json", home=contour, status=2)
    airlock("trust", "root", "add", folder / "root.json", "--fingerprint", fingerprint[:-1], home=contour, status=2)
    refused = airlock("trust", "root", "add", folder / "root.json", "--fingerprint", wrong, home=contour, status=5)
    assert fingerprint in refused.err and wrong in refused.err
    assert "trust-root-add" not in actions(airlock, contour)

    grouped = " ".join(re.findall("....", fingerprint)).upper()
    airlock("trust", "root", "add", folder / "root.json", "--fingerprint", grouped, home=contour)
    airlock("trust", "root", "add", folder / "root.json", "--fingerprint", fingerprint, home=contour, status=5)

    (shown,) = airlock("trust", "show", home=contour, json=True).json["stations"]
    assert shown["trusted"] and shown["fingerprint"] == fingerprint and shown["timestamp_version"] == 0
    assert {r["role"] for r in shown["roles"]} == {"root", "targets", "snapshot", "timestamp"}
    assert grouped.lower() in airlock("trust", "show", home=contour).out
    assert actions(airlock, contour).count("trust-root-add") == 1


def test_a_damaged_root_is_refused(airlock, contour, station, tmp_path):
    folder, fingerprint = station
    bad = tmp_path / "bad.json"
    for text in ("", "{}", "[]", (folder / "root.json").read_text()[:-40], (folder / "root.json").read_text() + "x"):
        bad.write_text(text)
        airlock("trust", "root", "add", bad, "--fingerprint", fingerprint, home=contour, status=3)
    airlock("trust", "root", "add", tmp_path / "nothing", "--fingerprint", fingerprint, home=contour, status=4)


def test_a_station_that_was_written_into_the_database_is_told_apart(airlock, contour, station):
    folder, fingerprint = station
    with sqlite3.connect(contour / "state.db") as db:
        db.execute("INSERT INTO trust VALUES(?, '1.root.json', 1, ?)", (fingerprint, (folder / "root.json").read_bytes()))

    (shown,) = airlock("trust", "show", home=contour, json=True).json["stations"]

    assert not shown["trusted"] and "did not sign" in shown["reason"]


# ── tokens ──


def test_a_token_is_printed_once_and_only_its_hash_is_kept(airlock, contour):
    made = airlock("token", "new", "carol", "--role", "consumer", "--env", "prod", home=contour)
    token = made.out.strip()
    assert re.fullmatch(r"airlock_[A-Za-z0-9_-]{43}", token)
    assert token not in made.err

    listed = airlock("token", "list", home=contour, json=True).json["tokens"]
    assert [(t["person"], t["role"], t["environment"], t["state"]) for t in listed] == [("carol", "consumer", "prod", "valid")]
    assert listed[0]["id"] == hashlib.sha256(token.encode()).hexdigest()
    for path in contour.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_a_token_ends_when_it_is_revoked(airlock, contour):
    first = airlock("token", "new", "carol", "--role", "consumer", "--env", "prod", home=contour).out.strip()
    second = airlock("token", "new", "carol", "--role", "viewer", "--env", "*", home=contour, json=True).json
    airlock("token", "revoke", "00000000", home=contour, status=4)
    airlock("token", "revoke", "zz", home=contour, status=2)

    assert "within a second" in airlock("token", "revoke", first, home=contour).out
    airlock("token", "revoke", second["id"][:12], home=contour)

    assert {t["state"] for t in airlock("token", "list", home=contour, json=True).json["tokens"]} == {"revoked"}
    assert actions(airlock, contour)[-2:] == ["token-revoke", "token-revoke"]


def test_a_token_beyond_asking_needs_a_person_with_that_role(airlock, contour, new_person):
    refused = airlock("token", "new", "alice", "--role", "engineer", "--env", "prod", home=contour, status=5)
    assert "alice is no engineer here" in refused.err
    airlock("person", "add", "alice", "--role", "engineer", "--key", new_person("alice")[1], home=contour)
    airlock("token", "new", "alice", "--role", "engineer", "--env", "prod", home=contour)


@pytest.mark.parametrize(
    "words",
    [
        ("Carol", "--role", "consumer", "--env", "prod"),
        ("carol", "--role", "boss", "--env", "prod"),
        ("carol", "--env", "prod"),
        ("carol", "--role", "consumer"),
        ("carol", "--role", "consumer", "--env", "production"),
        ("carol", "--role", "consumer", "--env", "prod", "--expires", "soon"),
        ("carol", "--role", "consumer", "--env", "prod", "--expires", "2001-01-01T00:00:00Z"),
    ],
)
def test_a_token_that_is_asked_for_wrongly_is_not_made(airlock, contour, words):
    airlock("token", "new", *words, home=contour, status=2)
    assert airlock("token", "list", home=contour, json=True).json["tokens"] == []


# ── attestations ──


def envelope(desk, key, payload, kind="application/vnd.in-toto+json"):
    """An envelope signed by openssl, not by us."""
    body = payload.encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)
    (desk / "pae").write_bytes(pae)
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key, "-passin", f"file:{desk / 'passphrase'}", desk / "pae"], capture_output=True, check=True
    )
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": kind,
        "signatures": [{"keyid": "any", "sig": base64.b64encode(signed.stdout).decode()}],
    }


STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "m", "digest": {"sha256": "ab" * 32}}], "predicateType": "https://example.org/p", "predicate": {}}


def test_an_envelope_that_openssl_signed_verifies(airlock, new_person, desk):
    private, public = new_person("alice")
    _, other = new_person("bob")
    file = desk / "a.json"
    file.write_text(json.dumps(envelope(desk, private, json.dumps(STATEMENT)), indent=2))

    answer = airlock("verify", "attestation", file, "--key", public, json=True).json
    assert answer["verified"] and answer["attestations"][0]["predicate_type"] == "https://example.org/p"
    assert answer["attestations"][0]["subject"] == "sha256:" + "ab" * 32
    assert "verified" in airlock("verify", "attestation", file, "--key", other, "--key", public).out

    refused = airlock("verify", "attestation", file, "--key", other, status=1)
    assert "NOT VERIFIED" in refused.out


def test_every_line_of_a_bundle_must_verify(airlock, new_person, desk):
    private, public = new_person("alice")
    file = desk / "a.intoto.jsonl"
    good = json.dumps(envelope(desk, private, json.dumps(STATEMENT)))
    file.write_text(good + "\n" + good + "\n")
    assert len(airlock("verify", "attestation", file, "--key", public, json=True).json["attestations"]) == 2

    file.write_text(good + "\n" + good.replace('"payload": "', '"payload": "AAAA') + "\n")
    answer = airlock("verify", "attestation", file, "--key", public, json=True, status=1).json
    assert [a["verified"] for a in answer["attestations"]] == [True, False]


def test_what_is_wrong_with_an_envelope_is_the_answer(airlock, new_person, desk):
    private, public = new_person("alice")
    file = desk / "a.json"
    good = envelope(desk, private, json.dumps(STATEMENT))
    for text in ("", "{}", "[]", json.dumps(good)[:-9], json.dumps(good) + "}", json.dumps(envelope(desk, private, "{}"))):
        file.write_text(text)
        answer = airlock("verify", "attestation", file, "--key", public, json=True, status=1).json
        assert not answer["verified"] and answer["attestations"][0]["reason"], text
    airlock("verify", "attestation", desk / "nothing", "--key", public, status=4)
    airlock("verify", "attestation", file, status=2)
    airlock("verify", "attestation", file, "--key", file, status=2)


def test_what_is_trusted_lies_beside_the_database_as_a_copy_for_other_tools(world):
    world.make_contour()
    fingerprint = world.make_station()
    world.introduce(fingerprint=fingerprint)
    copy = world.contour / "trust" / fingerprint
    assert json.loads((copy / "1.root.json").read_text())["signed"]["_type"] == "root"
    world.pack()
    world.receive(world.ship("assistant:v1.0.0"))
    assert {"timestamp.json", "snapshot.json", "targets.json"} <= {p.name for p in copy.iterdir()}, sorted(copy.iterdir())
