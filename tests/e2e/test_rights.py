"""Who may do what over HTTP, in a real serve: nine roles, groups, patterns of repositories; what is recorded of those who may not; and
who guesses tokens."""

import http.client
import json

import jsonschema
import pytest
from conftest import ROOT, wait_for
from served import Reply, made, serve, served  # noqa: F401  (fixtures)

ROLES = ("viewer", "consumer", "publisher", "engineer", "data-owner", "product-owner", "security-officer", "auditor", "administrator")

# Which of these each role may: status 200, 201 or 202, and not 403. A publisher's pull is no 403 either: what it did not push is not there.
MAY = {
    "see": {"viewer", "consumer", "publisher", "engineer", "data-owner", "product-owner", "security-officer", "auditor"},
    "pull": {"consumer", "engineer", "security-officer", "auditor"},
    "mirror": {"consumer", "engineer", "security-officer", "auditor"},
    "ask": {"consumer", "engineer"},
    "metrics": {"engineer", "auditor", "administrator"},
    "push": {"publisher"},
}


def call_from(served, address, path, token=None, method="GET", headers=None):  # noqa: F811
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60, source_address=(address, 0))
    connection.request(method, path, headers={**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})})
    reply = connection.getresponse()
    result = Reply(reply.status, reply.headers, reply.read())
    connection.close()
    return result


def validate(record):
    name = {"call": "access-call", "lock": "access-guard", "left-out": "access-guard"}[record["kind"]]
    jsonschema.validate(record, json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text()))
    return record


@pytest.fixture(scope="module")
def tokens(served):  # noqa: F811
    """One of each role, good everywhere."""
    world = served.world
    world.people(**{f"{role}-one": role for role in ROLES})
    return {role: served.token(role, "*", person=f"{role}-one") for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_table_says(served, tokens, role):  # noqa: F811
    token = tokens[role]
    found = {
        "see": served.get("/v1/models", token).status,
        "pull": served.get("/v2/prod/assistant/tags/list", token).status,
        "mirror": served.get("/pypi/prod/simple/", token).status,
        "ask": served.chat(token).status,
        "metrics": served.get("/metrics", token).status,
        "push": served.call("POST", "/v2/sandbox/pushed/blobs/uploads/", token).status,
    }
    for what, status in found.items():
        if role in MAY[what]:
            assert status in (200, 202), (what, status)
        else:
            assert status == 403 or (role == "publisher" and what == "pull" and status == 404), (what, status)


def test_auditors_read_everything_and_change_nothing(served, tokens):  # noqa: F811
    token = tokens["auditor"]
    for env in ("sandbox", "test", "prod"):
        assert served.get(f"/pypi/{env}/simple/", token).status == 200
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v9"), ("DELETE", "manifests/v1.0.0")):
        assert served.call(method, f"/v2/sandbox/assistant/{path}", token).status == 403


def test_a_token_is_for_its_repositories(served):  # noqa: F811
    new = served.world.run("token", "new", "clara", "--role", "consumer", "--env", "prod", "--repository", "team-*", json=True).json["token"]
    assert served.get("/v2/prod/assistant/tags/list", new).status == 403
    assert served.chat(new).status == 403
    assert served.get("/v1/models", new).json["data"] == []
    assert served.get("/pypi/prod/simple/", new).status == 403
    own = served.world.run("token", "new", "clara", "--role", "consumer", "--env", "prod", "--repository", "assist*", json=True).json["token"]
    assert served.get("/v2/prod/assistant/tags/list", own).status == 200
    assert served.chat(own).status == 200
    mirror = served.world.run("token", "new", "clara", "--role", "consumer", "--env", "prod", "--repository", "pypi", json=True).json["token"]
    assert served.get("/pypi/prod/simple/", mirror).status == 200


def test_who_leaves_a_group_is_let_out_of_a_running_server(served):  # noqa: F811
    world = served.world
    world.people(edda="viewer")
    world.run("group", "new", "platform")
    world.run("group", "add", "platform", "edda")
    world.run("grant", "add", "engineer", "--to", "group:platform", "--env", "prod")
    token = served.token("engineer", "prod", person="edda")
    assert served.get("/metrics", token).status == 200
    world.run("group", "remove", "platform", "edda")
    wait_for(lambda: served.get("/metrics", token).status == 401, "a token without its group", timeout=10)
    world.run("group", "add", "platform", "edda")
    wait_for(lambda: served.get("/metrics", token).status == 200, "the group again", timeout=10)


def test_a_token_made_of_rows_opens_nothing(served):  # noqa: F811
    import hashlib
    import sqlite3

    text = "airlock_" + "A" * 43
    with sqlite3.connect(served.home / "state.db") as db:
        db.execute(
            "INSERT INTO token SELECT ?, person, role, environment, created, expires, revoked, repository, record FROM token WHERE revoked = 0 LIMIT 1",
            (hashlib.sha256(text.encode()).digest(),),
        )
    assert call_from(served, "127.0.7.1", "/v1/models", text).status == 401


# ── records ──


def test_refusals_and_what_metrics_gave_are_recorded_without_the_token(served, tokens):  # noqa: F811
    wrong = "airlock_" + "B" * 43
    assert call_from(served, "127.0.7.2", "/v2/prod/assistant/manifests/v1.0.0", wrong).status == 401
    assert call_from(served, "127.0.7.3", "/v1/models").status == 401
    assert call_from(served, "127.0.7.4", "/metrics", tokens["viewer"]).status == 403
    assert call_from(served, "127.0.7.5", "/v1/models/nothing", tokens["viewer"]).status == 404
    given = call_from(served, "127.0.7.6", "/metrics", tokens["auditor"])
    served.record(lambda r: r.get("address") == "127.0.7.6", "of the last")

    found = {r["address"]: validate(r) for r in served.records() if r.get("address", "").startswith("127.0.7.")}

    assert found["127.0.7.2"]["status"] == 401 and found["127.0.7.2"]["person"] == "" and len(found["127.0.7.2"]["token"]) == 12
    assert found["127.0.7.3"]["status"] == 401 and "token" not in found["127.0.7.3"]
    assert (found["127.0.7.4"]["status"], found["127.0.7.4"]["person"]) == (403, "viewer-one")
    assert (found["127.0.7.5"]["status"], found["127.0.7.5"]["path"]) == (404, "/v1/models/nothing")
    assert (found["127.0.7.6"]["status"], found["127.0.7.6"]["bytes"]) == (200, len(given.body))
    everything = "".join(p.read_text() for p in (served.home / "access").rglob("*.jsonl"))
    assert wrong not in everything and tokens["viewer"] not in everything
    shown = served.world.run("log", "--access").out
    assert "nobody known (127.0.7.3)" in shown and "/v1/models" in shown
    for name in ("access-call", "access-guard"):
        validate(json.loads((ROOT / f"docs/formats/examples/{name}.json").read_text()))


def test_a_refused_pull_is_recorded_whatever_refused_it(served):  # noqa: F811
    token = served.token("consumer", "test", person="trude")
    assert served.get("/v2/prod/assistant/tags/list", token).status == 403
    assert served.get("/pypi/prod/simple/six/", token).status == 403
    assert served.get("/pypi/test/simple/no-such-name/", token).status == 404
    ask = {"model": "assistant", "messages": [{"role": "user", "content": "hello"}]}
    assert served.call("POST", "/v1/chat/completions", token, ask, headers={"Airlock-Environment": "prod"}).status == 403
    statuses = lambda: sorted(r["status"] for r in served.records() if r["person"] == "trude")  # noqa: E731
    wait_for(lambda: len(statuses()) >= 4, "four records", timeout=10)
    assert statuses() == [403, 403, 403, 404]


# ── guessing ──


def guess(served, address, i):  # noqa: F811
    return call_from(served, address, "/v2/", f"airlock_{i:08d}{'x' * 35}")


def test_a_guesser_is_slowed_then_locked_and_everybody_else_works_on(serve):  # noqa: F811
    served = serve()
    token = served.token("consumer", "prod")
    replies = [guess(served, "127.0.8.1", i) for i in range(40)]
    statuses = [r.status for r in replies]
    assert statuses[:6] == [401] * 6 and set(statuses[6:]) <= {401, 429} and statuses[-1] == 429
    assert all(int(r.headers["Retry-After"]) >= 1 for r in replies if r.status == 429)
    assert int(replies[-1].headers["Retry-After"]) > 60

    assert call_from(served, "127.0.8.1", "/v2/", token).status == 429  # nobody has seen it yet
    assert call_from(served, "127.0.8.2", "/v2/", token).status == 200
    assert call_from(served, "127.0.8.1", "/v2/", token).status == 200  # now somebody has
    assert served.get("/v2/", token).status == 200
    lock = validate(served.record(lambda r: r["kind"] == "lock", "of the lock"))
    assert lock["address"] == "127.0.8.1" and lock["seconds"] == 300
    events = [json.loads(line) for line in served.server.output.splitlines() if line.startswith("{")]
    assert {e["event"] for e in events if e.get("address") == "127.0.8.1"} == {"auth-slowed", "auth-locked"}

    served.stop()
    left = [validate(r) for r in served.records() if r["kind"] == "left-out"]
    refused = [r for r in served.records() if r.get("address") == "127.0.8.1" and r["kind"] == "call" and r["status"] != 200]
    assert len(refused) + sum(r["count"] for r in left if r["address"] == "127.0.8.1") == 41
    assert len(refused) == 30


def test_many_addresses_guess_and_the_server_answers_others(serve):  # noqa: F811
    served = serve()
    token = served.token("consumer", "prod")
    for i in range(600):
        address = f"127.1.{i // 200}.{1 + i % 200}"
        assert guess(served, address, 1000 + i).status in (401, 429)
        if i % 100 == 99:
            assert served.get("/v2/", token).status == 200
    # One and the same beginning from everywhere: after twenty, an address is locked at its first try.
    tries = [call_from(served, f"127.2.0.{1 + i}", "/v2/", f"airlock_SAMEONES{i:035d}").status for i in range(25)]
    assert tries == [401] * 25
    unseen = served.token("consumer", "prod")
    again = [call_from(served, f"127.2.0.{25 - i}", "/v2/", unseen).status for i in range(25)]
    assert again == [429] * 5 + [200] * 20
    assert call_from(served, "127.2.0.25", "/v2/", token).status == 200  # what worked before works on
