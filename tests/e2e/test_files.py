"""Files of releases by path, release and digest, with curl: ranges, conditions, and nothing that a browser would run."""

import hashlib
import itertools
import json
import re
import subprocess

import jsonschema
import pytest
from clients import Inside
from conftest import ROOT
from depot import GUIDE, HANDBOOK, depot  # noqa: F401  (fixture)
from served import needs

SCHEMA = json.loads((ROOT / "docs/formats/files.schema.json").read_text())


@pytest.fixture(scope="module")
def space():
    place = Inside([])
    yield place
    place.close()


@pytest.fixture(scope="module")
def served(space, depot, tmp_path_factory):  # noqa: F811
    return space.serve(depot, tmp_path_factory.mktemp("files"), **{"requests-per-minute": 100000})


@pytest.fixture
def curl(space, served, tmp_path):
    """curl(PATH, words…): status, headers as text, body."""
    token, count = served.token("consumer", "sandbox", person="carla"), itertools.count()

    def run(path, *words, out=None):
        head = tmp_path / "head"
        out = out or tmp_path / f"out-{next(count)}"
        command = ["curl", "-sS", "--max-time", "30", "-u", f"x:{token}", "-o", out, "-D", head, "-w", "%{http_code}", *words]
        done = subprocess.run(space.space.command([*command, f"http://127.0.0.1:{served.port}{path}"]), capture_output=True, text=True, timeout=60, check=True)
        return int(done.stdout), head.read_text(), out.read_bytes() if out.exists() else b""

    return run


pytestmark = needs("curl")


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_file_comes_by_path_by_release_and_by_digest(curl, served):
    for path in ("app/handbook.txt", digest(HANDBOOK)):
        assert curl(f"/files/sandbox/{path}")[::2] == (200, HANDBOOK)
    assert curl("/files/sandbox/docs/guide.md")[::2] == (200, GUIDE)
    assert curl("/files/sandbox/app/docs/guide.md")[::2] == (200, GUIDE)
    record = served.record(lambda r: r["person"] == "carla" and r["what"] == "app/handbook.txt", "of the handbook")
    assert (record["repository"], record["digest"], record["bytes"]) == ("files", digest(HANDBOOK), len(HANDBOOK))


def test_a_package_comes_by_its_digest_too(curl, depot):
    data = (depot.debs / "hello-data_1.0_all.deb").read_bytes()
    status, head, body = curl(f"/files/sandbox/{digest(data)}")
    assert (status, body) == (200, data) and 'filename="hello-data_1.0_all.deb"' in head


def test_a_broken_download_goes_on_where_it_broke(curl, tmp_path):
    part = tmp_path / "part"
    part.write_bytes(HANDBOOK[:700])
    assert curl("/files/sandbox/app/handbook.txt", "-C", "-", out=part)[0] == 206
    assert part.read_bytes() == HANDBOOK
    status, head, body = curl("/files/sandbox/app/handbook.txt", "-r", "16-31")
    assert (status, body) == (206, HANDBOOK[16:32]) and f"Content-Range: bytes 16-31/{len(HANDBOOK)}" in head
    assert curl("/files/sandbox/app/handbook.txt", "-r", "99999-")[0] == 416


def test_what_is_there_already_is_not_sent_again(curl):
    status, head, _ = curl("/files/sandbox/app/handbook.txt")
    etag = re.search(r"^ETag: (\S+)", head, re.M)[1]
    assert etag == f'"{digest(HANDBOOK)}"' and status == 200
    assert curl("/files/sandbox/app/handbook.txt", "-H", f"If-None-Match: {etag}")[::2] == (304, b"")
    assert curl("/files/sandbox/app/handbook.txt", "-H", 'If-None-Match: "sha256:00"')[0] == 200
    status, head, body = curl("/files/sandbox/app/handbook.txt", "-I")
    assert status == 200 and f"Content-Length: {len(HANDBOOK)}" in head


def test_a_browser_runs_nothing_of_it(curl):
    _, head, _ = curl("/files/sandbox/docs/guide.md")
    for line in ("Content-Type: text/markdown; charset=utf-8", "X-Content-Type-Options: nosniff", "Content-Disposition: attachment;", "Content-Security-Policy: default-src 'none'; sandbox"):
        assert line in head, head


def test_a_path_that_two_releases_mean_differently_is_refused_with_both_places(curl):
    status, _, body = curl("/files/sandbox/handbook.txt")
    assert status == 409 and b"app/handbook.txt and manual/handbook.txt" in body
    assert curl("/files/sandbox/manual/handbook.txt")[::2] == (200, b"Another.\n")


def test_the_list_is_as_its_schema_says_and_its_links_lead_there(curl):
    status, head, body = curl("/files/sandbox/", "-H", "Accept: application/json")
    document = json.loads(body)
    jsonschema.validate(document, SCHEMA)
    assert [file["path"] for file in document["files"]] == ["handbook.txt", "docs/guide.md", "handbook.txt"]
    for file in document["files"]:
        status, _, body = curl(f"/files/sandbox/{file['url']}")
        assert status == 200 and digest(body) == file["digest"] and len(body) == file["size"]
    status, head, body = curl("/files/sandbox", "-L", "-H", "Accept: text/html")
    assert status == 200 and "text/html" in head and b'<a href="app/docs/guide.md">docs/guide.md</a>' in body


def test_the_example_of_the_list_is_as_its_schema_says():
    jsonschema.validate(json.loads((ROOT / "docs/formats/examples/files.json").read_text()), SCHEMA)


def test_what_does_not_stand_or_is_asked_for_by_tricks_is_not_there(curl, served):
    for path in ("nothing.txt", "app/nothing.txt", "app", "docs/", f"sha256:{'0' * 64}", "app/docs%2fguide.md", "app/..%2f..%2fstate.db"):
        assert curl(f"/files/sandbox/{path}")[0] in (400, 404), path
    for path in ("/files/sandbox/../../state.db", "/files/../keys/unseal", "/files/sandbox/%2e%2e/state.db", "/files/prod/app/handbook.txt"):
        assert curl(path, "--path-as-is")[0] in (400, 403, 404), path
    refused = served.record(lambda r: r["person"] == "carla" and r.get("environment") == "prod", "of the other environment")
    assert refused["status"] == 403


def test_promotion_and_rollback_change_the_list(space, depot, tmp_path):
    live = space.serve(depot, tmp_path)
    listed = lambda: [f["release"] + "/" + f["path"] for f in live.get("/files/sandbox/", live.operator, headers={"Accept": "application/json"}).json["files"]]  # noqa: E731
    before = listed()
    live.world.run("promote", "app:v2.0.0", "sandbox")
    assert listed() == ["manual/handbook.txt"]
    assert live.get("/files/sandbox/handbook.txt", live.operator).text == "Another.\n"
    assert live.get(f"/files/sandbox/{digest(HANDBOOK)}", live.operator).status == 404
    live.world.run("rollback", "sandbox/app")
    assert listed() == before
