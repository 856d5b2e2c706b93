"""What a person who looks is told: what lies pushed, who is locked, where things are, what was pulled."""

import json
import re

import jsonschema
import pytest
from conftest import ROOT
from pushing import Repository
from served import made, serve, served, starter  # noqa: F401
from test_push import empty  # noqa: F401


def status(served):
    document = served.world.run("status", home=served.home, json=True).json
    jsonschema.validate(document, json.loads((ROOT / "docs/formats/status.schema.json").read_text()))
    return document


@pytest.fixture
def start(empty, tmp_path):  # noqa: F811
    yield from starter(empty, lambda: tmp_path)


def test_the_example_is_what_the_schema_says():
    schema = json.loads((ROOT / "docs/formats/status.schema.json").read_text())
    jsonschema.validate(json.loads((ROOT / "docs/formats/examples/status.json").read_text()), schema)


def test_what_lies_pushed_and_unjudged_is_shown_by_repository(start):
    served = start(quota="4M")
    assert status(served)["pushed"] == {"quota_bytes": 4 << 20, "unfinished_bytes": 0, "repositories": []}
    assert "Pushed" not in served.world.run("status", home=served.home).out
    repository = Repository(served, served.token("publisher", "sandbox", person="robot"), "sandbox/things")
    image = repository.image(b"x" * (1 << 20))
    repository.put_manifest("v1", image)
    repository.call("PATCH", repository.begin(), b"y" * (1 << 20))

    pushed = status(served)["pushed"]
    one = pushed["repositories"][0]
    assert one.pop("newest") and one == {"repository": "sandbox/things", "blobs": 2, "manifests": 1, "bytes": (1 << 20) + 2 + len(image), "unfinished_bytes": 1 << 20}
    assert pushed["unfinished_bytes"] == 1 << 20
    told = served.world.run("status", home=served.home).out
    assert "quota of each repository: 4 MiB" in told
    assert re.search(r"sandbox/things +3 MiB \(50 % of its quota\), 2 blobs, 1 manifests", told)

    refused = repository.call("POST", "blobs/uploads/?digest=sha256:" + "0" * 64, b"z" * (3 << 20))
    assert refused.status == 403 and "DELETE /v2/sandbox/things/manifests/DIGEST" in refused.text and "airlock gc" in refused.text


def test_a_locked_address_is_shown_until_when(start):
    served = start()
    assert status(served)["locks"] == []
    last = [served.get("/v1/models", f"airlock_{n:043d}") for n in range(60)][-1]
    assert last.status == 429 and "too many wrong tokens" in last.text
    served.record(lambda r: r["kind"] == "lock", "the lock")
    lock = status(served)["locks"][0]
    assert lock["address"] == "127.0.0.1" and lock["failures"] > 0
    assert f"127.0.0.1 {'':31}until {lock['until']}" in served.world.run("status", home=served.home).out
    served.stop()
    assert status(served)["locks"] == [], "who serves next knows nothing of it"


def test_the_server_says_what_is_where(served):  # noqa: F811
    page = served.get("/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/plain")
    for place in ("/v1/models", "/v2/ENV/RELEASE", "/pypi/ENV/simple/", "/npm/ENV/", "/apt/ENV", "/hf/ENV", "/files/ENV/"):
        assert place in page.text and place in served.server.output
    assert "assistant" not in page.text, "nobody is told what stands here without a token"
    assert served.get("/elsewhere").status == 404
    assert served.call("POST", "/elsewhere").status == 404
    assert "/pypi/ENV/simple/" in served.world.run("serve", "--help").out


def test_what_is_missing_is_called_by_its_name(served):  # noqa: F811
    for protocol, start in (("pypi", "simple/"), ("npm", "NAME"), ("apt", "key.asc and dists/")):
        token = served.token("consumer", "prod")
        nothing = served.get(f"/{protocol}/prod/", token)
        assert nothing.status == 404 and f"/{protocol}/prod/{start}" in nothing.text, nothing.text
    missing = served.get("/pypi/prod/simple/six/", token)
    assert missing.status == 404 and "prod holds no six: no release" in missing.text


def test_the_log_leaves_batches_out_for_people_and_says_what_was_pulled(served):  # noqa: F811
    token = served.token("consumer", "prod")
    served.get(f"/v2/prod/assistant/manifests/{served.digest}", token)
    served.get("/pypi/prod/simple/", token)
    served.record(lambda r: r.get("what") == "simple/", "the second pull")
    run = served.world.run
    told = run("log", home=served.home).out
    assert "access-batch  " not in told and re.search(r"\d+ access-batch entr(y is|ies are) between them not shown \(--batches", told)
    for options in (["--batches"], ["--all"], ["--action", "access-batch"]):
        assert "access-batch  " in run("log", *options, home=served.home).out
    assert '"access-batch"' in run("log", home=served.home, json=True).out
    assert run("log", "--last", "3", home=served.home).out.count("\n") == 3 + 1
    pulls = [line for line in run("log", "--access", home=served.home).out.splitlines() if "  pull " in line]
    assert re.search(rf"prod/assistant  manifest  {served.digest}  \d+ bytes", pulls[-2])
    assert re.search(r"pypi/prod|prod/pypi|pypi", pulls[-1]) and re.search(r"simple/  \d+ bytes", pulls[-1])
