"""Tokens, groups and grants on the command line: what is given, what ends it, and what rows of state.db cannot do."""

import base64
import json
import sqlite3
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import ROOT
from world import public_of, world  # noqa: F401  (a fixture)


def token_of(world, person, role, env="prod", *more, **options):
    return world.run("token", "new", person, "--role", role, "--env", env, *more, json=True, **options).json


def states(world):
    return {t["person"]: t["state"] for t in world.run("token", "list", json=True).json["tokens"]}


def rows(world, sql, *arguments):
    """As somebody who can write the file; returns how many rows it changed."""
    with sqlite3.connect(world.contour / "state.db") as db:
        return db.execute(sql, arguments).rowcount


def entries(world, action):
    found = [json.loads(line)["entry"] for line in world.run("log", json=True).out.splitlines()]
    return [e for e in found if e["action"] == action]


@pytest.fixture
def contour(world):  # noqa: F811
    world.make_contour()
    return world


# ── tokens ──


def test_a_token_says_where_it_is_for_and_how_long(contour):
    made = token_of(contour, "clara", "consumer", "prod", "--repository", "team-*", "--expires", "30d")
    assert made["repository"] == "team-*"
    until = datetime.fromisoformat(made["expires"].replace("Z", "+00:00"))
    assert timedelta(days=29) < until - datetime.now(timezone.utc) < timedelta(days=31)

    listed = contour.run("token", "list", json=True).json["tokens"]
    assert [(t["id"], t["state"], t["repository"]) for t in listed] == [(made["id"], "valid", "team-*")]
    assert made["token"] not in contour.run("token", "list").out and "team-*" in contour.run("token", "list").out
    assert [e["repository"] for e in entries(contour, "token-new")] == ["team-*"]


def test_a_token_lasts_90_days_when_nobody_says_and_two_years_at_most(contour):
    made = token_of(contour, "clara", "consumer")
    until = datetime.fromisoformat(made["expires"].replace("Z", "+00:00"))
    assert timedelta(days=89) < until - datetime.now(timezone.utc) < timedelta(days=91)
    assert made["repository"] == "*"
    for wrong in ("800d", "2099-01-01T00:00:00Z", "0d", "2001-01-01T00:00:00Z", "soon"):
        assert "731 days" in token_of(contour, "clara", "consumer", "prod", "--expires", wrong, status=2)["message"]
    assert "expires" not in token_of(contour, "clara", "consumer", "prod", "--expires", "never")
    for wrong in ("../x", "a**", "", "Team"):
        assert "--repository" in token_of(contour, "clara", "consumer", "prod", "--repository", wrong, status=2)["message"]


def test_rows_make_no_token_and_widen_none(contour):
    token_of(contour, "clara", "viewer", "test")
    record = rows(contour, "UPDATE token SET role = 'consumer', environment = '*'")
    assert record == 1
    assert states(contour) == {"clara": "forged"}
    found = contour.fsck(status=1).out
    assert "token" in found and "clara" in found and "says something else than its record" in found

    rows(contour, "UPDATE token SET role = 'viewer', environment = 'test'")
    assert states(contour) == {"clara": "valid"}
    contour.fsck()

    rows(contour, "INSERT INTO token SELECT randomblob(32), 'mallory', role, environment, created, expires, revoked, repository, record FROM token")
    assert states(contour) == {"clara": "valid", "mallory": "forged"}
    assert "mallory" in contour.fsck(status=1).out


def test_a_revocation_is_signed_and_rows_do_not_undo_it(contour):
    made = token_of(contour, "clara", "consumer")
    contour.run("token", "revoke", made["id"][:12])
    assert states(contour) == {"clara": "revoked"}
    assert "was revoked already" in contour.run("token", "revoke", made["id"][:12]).out
    assert len(entries(contour, "token-revoke")) == 1
    contour.fsck()
    entry = entries(contour, "token-revoke")[0]
    assert entry["token"] == made["id"] and entry["evidence"].startswith("sha256:")

    assert rows(contour, "UPDATE token SET revoked = 0") == 1
    assert states(contour) == {"clara": "revoked"}
    assert "it was revoked" in contour.fsck(status=1).out

    assert rows(contour, "DELETE FROM evidence WHERE predicate_type = 'urn:airlock:revocation:v1'") == 1
    assert states(contour) == {"clara": "revoked"}  # the ledger still says so
    assert "somebody took it away" in contour.fsck(status=1).out


def test_a_token_that_was_taken_out_of_the_rows_is_missed(contour):
    made = token_of(contour, "clara", "consumer")
    assert rows(contour, "DELETE FROM token") == 1
    assert f"the token {made['id'][:12]} of clara" in contour.fsck(status=1).out


# ── who holds what ──


def test_a_token_is_suspended_while_its_person_does_not_hold_the_role(contour):
    contour.people(edda="viewer")
    assert "edda is no engineer here" in token_of(contour, "edda", "engineer", "test", status=5)["message"]
    granted = contour.run("grant", "add", "engineer", "--to", "edda", "--env", "test", "--repository", "team-*", json=True).json
    assert "is no engineer here for environment prod" in token_of(contour, "edda", "engineer", "prod", "--repository", "team-a", status=5)["message"]
    token_of(contour, "edda", "engineer", "test", "--repository", "team-a")
    assert states(contour) == {"edda": "valid"}

    contour.run("grant", "withdraw", granted["id"][:4])
    assert states(contour) == {"edda": "suspended"}
    contour.run("grant", "withdraw", granted["id"], status=4)
    contour.run("grant", "add", "engineer", "--to", "edda", "--env", "*")
    assert states(contour) == {"edda": "valid"}
    contour.fsck()


def test_groups_give_what_is_granted_to_them_and_take_it_back(contour):
    contour.people(edda="viewer")
    contour.run("group", "new", "platform")
    contour.run("group", "new", "platform", status=5)
    contour.run("group", "add", "nowhere", "edda", status=4)
    contour.run("grant", "add", "engineer", "--to", "group:platform", "--env", "prod")
    contour.run("grant", "add", "engineer", "--to", "group:nowhere", "--env", "prod", status=4)
    contour.run("group", "add", "platform", "edda")
    token_of(contour, "edda", "engineer")
    assert states(contour) == {"edda": "valid"}
    shown = contour.run("group", "list", json=True).json["groups"]
    assert [(g["name"], [m["person"] for m in g["members"]]) for g in shown] == [("platform", ["edda"])]
    assert "engineer in prod" in contour.run("group", "list").out

    contour.run("group", "remove", "platform", "edda")
    assert states(contour) == {"edda": "suspended"}
    contour.run("group", "remove", "platform", "edda", status=4)

    assert rows(contour, "DELETE FROM evidence WHERE predicate_type = 'urn:airlock:revocation:v1'") == 1
    assert states(contour) == {"edda": "suspended"}
    assert "group-remove of edda" in contour.fsck(status=1).out


def test_a_grant_that_was_taken_out_of_the_rows_is_missed(contour):
    contour.run("group", "new", "readers")
    contour.run("grant", "add", "consumer", "--to", "group:readers", "--env", "prod")
    contour.fsck()
    assert rows(contour, "DELETE FROM evidence WHERE predicate_type LIKE 'urn:airlock:gr%'") == 2
    found = contour.fsck(status=1).out
    assert "the record of group-new" in found and "the record of grant-add" in found


def test_a_withdrawn_persons_tokens_grants_and_groups_end(contour):
    contour.people(sofia="auditor")
    contour.run("group", "new", "readers")
    contour.run("group", "add", "readers", "sofia")
    contour.run("grant", "add", "consumer", "--to", "sofia", "--env", "prod")
    token_of(contour, "sofia", "auditor", "*")
    token_of(contour, "sofia", "consumer")

    assert contour.run("person", "withdraw", "sofia", json=True).json["tokens"] == 2

    assert states(contour) == {"sofia": "revoked"}
    assert contour.run("grant", "list", json=True).json["grants"] == []
    assert contour.run("group", "list", json=True).json["groups"][0]["members"] == []
    assert "sofia was withdrawn" in token_of(contour, "sofia", "viewer", status=5)["message"]
    assert "sofia was withdrawn" in contour.run("group", "add", "readers", "sofia", status=5).err
    contour.fsck()


def test_who_approves_does_not_publish(contour):
    contour.people(sofia="security-officer", rob="publisher")
    contour.run("group", "new", "pipeline")
    contour.run("grant", "add", "publisher", "--to", "group:pipeline", "--env", "sandbox")
    for refused in (
        contour.run("group", "add", "pipeline", "sofia", status=5),
        contour.run("grant", "add", "publisher", "--to", "sofia", "--env", "sandbox", status=5),
        contour.run("person", "add", "sofia", "--role", "publisher", "--key", public_of(contour.keys["sofia"]), status=5),
        contour.run("person", "add", "rob", "--role", "product-owner", "--key", public_of(contour.keys["rob"]), status=5),
    ):
        assert "who approves does not publish" in refused.err
    token_of(contour, "rob", "publisher", "sandbox")
    assert states(contour) == {"rob": "valid"}


def test_a_grant_gives_no_approval(world):  # noqa: F811
    world.found()
    world.people(ines="engineer", edda="viewer", pavel="product-owner", sofia="security-officer")
    world.arrive("assistant", "v1.0.0")
    world.to_test("assistant:v1.0.0")
    world.run("test", "assistant:v1.0.0")
    world.run("silence", "assistant:v1.0.0", "--idle", "1", "--requests", "1")
    world.sign("request", "assistant:v1.0.0", "prod", person="ines")
    world.run("grant", "add", "security-officer", "--to", "edda", "--env", "*")

    refused = world.sign("approve", "assistant:v1.0.0", "--for", "prod", person="edda", status=5)

    assert "edda" in refused.err


# ── documents ──


def predicates(world):
    with sqlite3.connect(world.contour / "state.db") as db:
        lines = [row[0] for row in db.execute("SELECT envelope FROM evidence WHERE predicate_type LIKE 'urn:airlock:gr%' OR predicate_type LIKE 'urn:airlock:rev%'")]
        lines += [row[0] for row in db.execute("SELECT record FROM token")]
    statements = [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in lines]
    return {s["predicateType"].split(":")[2]: s["predicate"] for s in statements}


def test_what_is_signed_is_what_the_schemas_say(contour):
    contour.run("group", "new", "readers")
    contour.run("group", "add", "readers", "clara")
    contour.run("grant", "add", "consumer", "--to", "group:readers", "--env", "prod", "--repository", "assistant")
    made = token_of(contour, "clara", "consumer", "prod", "--repository", "assistant")
    contour.run("token", "revoke", made["id"])
    found = predicates(contour)
    assert set(found) == {"group", "group-member", "grant", "token", "revocation"}
    assert found["token"]["alone"] is False  # the group's grant covers it
    for name, predicate in found.items():
        schema = json.loads((ROOT / f"docs/formats/{'group' if name == 'group-member' else name}.schema.json").read_text())
        jsonschema.validate(predicate, schema)
        if name != "token":
            jsonschema.validate(json.loads((ROOT / f"docs/formats/examples/{name}.json").read_text()), schema)
    golden = json.loads((ROOT / "docs/formats/examples/token.intoto.json").read_text())
    jsonschema.validate(json.loads(base64.b64decode(golden["payload"]))["predicate"], json.loads((ROOT / "docs/formats/token.schema.json").read_text()))
