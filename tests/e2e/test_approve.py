"""The whole way to prod, with the people who open the gate, and the ones who do not. One world, step by step: each test begins where the
one before it ended."""

import json

import pytest
from world import World

REF = "assistant:v1.0.0"


@pytest.fixture(scope="module")
def w(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("approve"))
    made.found().arrive()
    made.people(ines="engineer", pavel="product-owner", sofia="security-officer", aude="auditor", rob="publisher")
    made.to_test(REF)
    return made


def verdict(w, status):
    return w.run("judge", REF, "--gate", "trust", status=status, json=True).json


def lacking(document):
    return {reason["rule"] for reason in document["reasons"] if not reason["ok"]}


def test_nothing_is_approved_that_nobody_asked_for(w):
    assert "nobody has asked" in w.sign("approve", REF, "--for", "prod", person="sofia", status=5).err


def test_only_engineers_and_product_owners_ask(w):
    for person in ("aude", "rob", "sofia"):
        assert "can ask for no promotion" in w.sign("request", REF, "prod", person=person, status=5).err


def test_the_engineer_asks_and_cannot_approve(w):
    w.sign("request", REF, "prod", person="ines")
    assert "whoever asks cannot approve" in w.sign("approve", REF, "--for", "prod", person="ines", status=5).err


def test_nothing_is_approved_before_the_tests_ran(w):
    refused = w.sign("approve", REF, "--for", "prod", person="sofia", status=5)
    assert "no test ran in test" in refused.err and "no silence ran in test" in refused.err
    w.run("test", REF)
    w.run("silence", REF)


def test_who_approves_is_shown_what(w):
    approved = w.sign("approve", REF, "--for", "prod", person="sofia")
    assert "asked for by ines" in approved.err and "urn:airlock:silence:v1" in approved.err
    assert "PASSED in test" in approved.err


def test_one_approval_is_not_two(w):
    document = verdict(w, 1)
    assert lacking(document) == {"approvals"}
    assert "sofia as security-officer" in next(r["text"] for r in document["reasons"] if r["rule"] == "approvals")
    assert "approvals" in w.run("promote", REF, "prod", status=5).err


def test_those_without_the_role_or_a_key_of_ours_do_not_approve(w):
    assert "holds no role that approves" in w.sign("approve", REF, "--for", "prod", person="aude", status=5).err
    secret = w.folder / "desk" / "passphrase"
    stranger = w.folder / "desk" / "stranger.pem"
    w.run("person", "new", "stranger", "--out", stranger, "--passphrase-file", secret)
    refused = w.run("approve", REF, "--for", "prod", "--key", stranger, "--passphrase-file", secret, status=5)
    assert "belongs to nobody" in refused.err
    wrong = w.folder / "desk" / "wrong"
    wrong.write_text("not the passphrase\n")
    w.run("approve", REF, "--for", "prod", "--key", w.keys["pavel"], "--passphrase-file", wrong, status=5)
    w.run("approve", REF, "--for", "prod", status=2)


def test_two_people_open_the_gate_and_the_pointer_moves(w):
    w.sign("approve", REF, "--for", "prod", "--reason", "works for us", person="pavel")
    refused = w.run("promote", REF, "prod", status=5)
    assert "the newest verdict of gate trust is FAILED" in refused.out
    assert verdict(w, 0)["result"] == "PASSED"
    w.run("promote", REF, "prod")
    assert w.run("show", "prod/assistant", json=True).json["environments"] == ["sandbox", "test", "prod"]
    w.run("judge", REF, "--gate", "deploy", "--env", "prod")


def test_a_rejection_closes_the_gate_again(w):
    w.sign("approve", REF, "--for", "prod", "--reject", "--reason", "the licence is unclear", person="sofia")
    document = verdict(w, 1)
    assert "sofia (security-officer) rejected it: the licence is unclear" in json.dumps(document)
    w.run("judge", REF, "--gate", "deploy", "--env", "prod", status=1)
    w.sign("approve", REF, "--for", "prod", person="sofia")
    assert verdict(w, 0)["result"] == "PASSED"


def test_the_ledger_names_persons(w):
    entries = [line["entry"] for line in w.run("log", "--all", json=True).lines]
    assert {e["actor"] for e in entries if e["action"] == "approve"} == {"person:sofia", "person:pavel"}
    assert [e["actor"] for e in entries if e["action"] == "request"] == ["person:ines"]


def test_no_persons_private_key_lies_in_the_contour(w):
    bodies = [path.read_bytes() for path in w.contour.rglob("*") if path.is_file()]
    for person, key in w.keys.items():
        secret = b"".join(key.read_bytes().splitlines()[1:-1])[:64]
        assert not any(secret in body.replace(b"\n", b"") for body in bodies), f"{person}'s key"
