"""Who speaks for the contour: one person, one key; a withdrawal that rows cannot undo; and what a withdrawn person signed."""

import json
import sqlite3

from world import public_of, world  # noqa: F401  (a fixture)


def new_key(world, person, name):
    """A second key of a person's own."""
    key = world.folder / "desk" / f"{name}.pem"
    world.run("person", "new", person, "--out", key, "--passphrase-file", world.folder / "desk" / "passphrase")
    return key


def people_of(world):
    return world.run("person", "list", json=True).json


def test_one_person_has_one_key(world):
    world.make_contour()
    world.people(ines="engineer")
    other = new_key(world, "pavel", "pavel")

    refused = world.run("person", "add", "ines", "--role", "auditor", "--key", public_of(other), status=5)

    assert "ines has the key" in refused.err and "person withdraw ines" in refused.err
    world.run("person", "add", "pavel", "--role", "product-owner", "--key", public_of(other))  # and pavel is not locked out
    world.run("person", "add", "ines", "--role", "auditor", "--key", public_of(world.keys["ines"]))
    shown = people_of(world)
    assert [(p["name"], p["role"]) for p in shown["people"]] == [("ines", "engineer"), ("ines", "auditor"), ("pavel", "product-owner")]
    assert all(p["key"].startswith("sha256:") and p["since"].endswith("Z") for p in shown["people"])
    assert "since" in world.run("person", "list").out


def test_a_lost_key_is_withdrawn_and_the_name_gets_another(world):
    world.make_contour()
    world.people(sofia="security-officer", pavel="product-owner")
    world.run("person", "add", "sofia", "--role", "auditor", "--key", public_of(world.keys["sofia"]))
    token = world.run("token", "new", "sofia", "--role", "auditor", "--env", "*", json=True).json
    world.run("person", "withdraw", "nobody", status=4)

    left = world.run("person", "withdraw", "sofia", json=True).json

    assert left["tokens"] == 1
    assert [t["state"] for t in world.run("token", "list", json=True).json["tokens"] if t["id"] == token["id"]] == ["revoked"]
    shown = people_of(world)
    assert [p["name"] for p in shown["people"]] == ["pavel"]
    assert {(p["name"], p["role"]) for p in shown["withdrawn"]} == {("sofia", "security-officer"), ("sofia", "auditor")}
    assert "withdrawn" in world.run("person", "list").out
    entry = [json.loads(line)["entry"] for line in world.run("log", json=True).out.splitlines() if "person-withdraw" in line]
    assert [e["person"] for e in entry] == ["sofia"]

    again = world.run("person", "add", "sofia", "--role", "security-officer", "--key", public_of(world.keys["sofia"]), status=5)
    assert "for good" in again.err
    world.run("person", "add", "sofia", "--role", "security-officer", "--key", public_of(new_key(world, "sofia", "sofia-2")))
    assert ("sofia", "security-officer") in [(p["name"], p["role"]) for p in people_of(world)["people"]]
    world.fsck()


def test_rows_do_not_undo_a_withdrawal(world):
    world.make_contour()
    world.people(sofia="security-officer")
    world.run("person", "withdraw", "sofia")
    state = world.contour / "state.db"

    with sqlite3.connect(state) as db:
        assert db.execute("UPDATE person SET revoked = 0").rowcount == 1
    shown = people_of(world)
    assert shown["people"] == [] and shown["refused"] == 1
    assert "sofia is withdrawn" in world.fsck(status=1).out

    with sqlite3.connect(state) as db:
        assert db.execute("DELETE FROM evidence WHERE predicate_type LIKE '%withdrawal%'").rowcount == 1
    shown = people_of(world)
    assert shown["people"] == [] and shown["refused"] == 2  # the ledger still says so
    found = world.fsck(status=1)
    assert "withdrawal of sofia" in found.out


def test_what_a_withdrawn_person_signed_carries_what_runs_and_nothing_new(world):
    world.found().people()
    world.arrive("assistant", "v1.0.0")
    world.to_prod("assistant:v1.0.0")
    world.run("person", "withdraw", "sofia")

    runs = world.run("judge", "assistant:v1.0.0", "--gate", "deploy", "--env", "prod", json=True).json
    assert runs["result"] == "PASSED"

    new = world.run("judge", "assistant:v1.0.0", "--gate", "trust", status=1, json=True).json
    why = {r["rule"]: r for r in new["reasons"]}
    assert not why["approvals"]["ok"] and "the person was withdrawn" in why["approvals"]["text"]
    assert why["signatures"]["ok"]
    secret = ("--key", world.keys["sofia"], "--passphrase-file", world.folder / "desk" / "passphrase")
    refused = world.run("approve", "assistant:v1.0.0", "--for", "prod", *secret, status=5)
    assert "belongs to nobody" in refused.err

    second = new_key(world, "sofia", "sofia-2")
    world.run("person", "add", "sofia", "--role", "security-officer", "--key", public_of(second))
    assert world.run("judge", "assistant:v1.0.0", "--gate", "trust", status=1)  # the new key does not speak for the old one
    world.run("approve", "assistant:v1.0.0", "--for", "prod", "--key", second, *secret[2:])
    world.run("judge", "assistant:v1.0.0", "--gate", "trust")


def test_a_withdrawn_persons_request_asks_for_nothing_new(world):
    world.found().people()
    world.arrive("assistant", "v1.0.0")
    world.to_test("assistant:v1.0.0")
    world.run("test", "assistant:v1.0.0")
    world.run("silence", "assistant:v1.0.0", "--idle", "1", "--requests", "1")
    world.sign("request", "assistant:v1.0.0", "prod", person="ines")
    world.run("person", "withdraw", "ines")

    document = world.run("judge", "assistant:v1.0.0", "--gate", "trust", status=1, json=True).json

    assert not next(r for r in document["reasons"] if r["rule"] == "request")["ok"]
