"""airlock collect with another contour as its upstream: packages of all its mirrors and a model by commit, with a token, over loopback."""

import hashlib
import json

import pytest
from clients import HERE, client_venv
from packages import deb, npm, wheel, write_with_packages
from served import Served
from test_collect import blob, collect, collected, needs, record
from test_hf import REPO, model_files
from upstream import Upstream
from world import World, world  # noqa: F401  (fixture)


@pytest.fixture(scope="module")
def contour(airlock_path, tmp_path_factory):
    """A contour with a release in sandbox that brings a wheel, an npm package, a Debian package and a model of several files; it serves."""
    world = World(airlock_path, tmp_path_factory.mktemp("upstream"))
    world.found().people()
    world.made_files = [wheel(world.folder, "six", "1.16.0"), npm(world.folder, "tiny", "1.0.0"), deb(world.folder, "hello", "2.10-3", architecture="amd64")]
    world.model, beside = model_files(world.folder / "model", [1.0, 2.0])
    path = write_with_packages(world, files=world.made_files, beside=beside, repository=REPO)
    world.run("pack", path, home=world.station)
    world.receive(world.ship("assistant:v1.0.0"))
    world.admit("assistant:v1.0.0")
    one = Served(world, tmp_path_factory.mktemp("served"), {})
    one.files, one.model = world.made_files, world.model
    yield one
    one.stop()


@pytest.fixture
def station(world, contour):
    world.make_station()
    world.sources.mkdir()
    (world.sources / "token").write_text(contour.token("consumer", "sandbox") + "\n")
    return world


@needs("pip", "npm", "apt", "gpg")
def test_the_mirrors_of_another_contour_are_upstreams_like_any(station, contour):
    base = f"http://127.0.0.1:{contour.port}"
    six, tiny, _ = contour.files
    locks = Upstream(station.folder / "locks")
    locks.url = base
    locks.tarballs["/npm/tiny/-/tiny-1.0.0.tgz"] = tiny
    (station.sources / "requirements.txt").write_text(locks.requirements(six))
    (station.sources / "package-lock.json").write_text(locks.npm_lock(("tiny", "1.0.0")))
    (station.sources / "packages.txt").write_text("hello=2.10-3\n")
    (station.sources / "archive.asc").write_text(contour.get("/apt/sandbox/key.asc", contour.operator).text)
    path = station.sources / "collect.yaml"
    path.write_text(
        "name: app\nupstreams:\n"
        f"  pypi: {{index: {base}/pypi/sandbox/simple/, token-file: token}}\n"
        f"  npm: {{registry: {base}/npm/sandbox/, token-file: token}}\n"
        f"  debian: {{archive: {base}/apt/sandbox, suite: airlock, components: [main], architecture: amd64, keyring: archive.asc, token-file: token}}\n"
        "sets:\n"
        '  - {group: prod, pip: requirements.txt, python: "3.11", platforms: [manylinux2014_x86_64]}\n'
        "  - {group: prod, npm: package-lock.json}\n"
        "  - {group: prod, apt: packages.txt}\n"
    )

    said = collect(station, path).json

    _, document = collected(station, said["digest"])
    wanted = {file.name: "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest() for file in contour.files}
    assert {row["filename"]: row["digest"] for row in document["packages"]} == wanted
    assert (station.sources / "token").read_text().strip() not in json.dumps(record(station, said["digest"]))


@pytest.fixture(scope="module")
def hub_client():
    return client_venv("hf", HERE / "hf-requirements.txt")


def models(station, contour, client, lock):
    (station.sources / "models.txt").write_text(lock)
    path = station.sources / "collect.yaml"
    path.write_text(
        f"name: model\nupstreams:\n  models: {{endpoint: 'http://127.0.0.1:{contour.port}/hf/sandbox', client: {client}, token-file: token}}\n"
        "sets:\n  - {group: prod, models: models.txt}\n"
    )
    return path


def test_a_model_comes_by_commit_with_the_hubs_own_client(station, contour, hub_client):
    commit = contour.get(f"/hf/sandbox/api/models/{REPO}", contour.operator).json["sha"]
    path = models(station, contour, hub_client, f"{REPO}@{commit}\n")

    said = collect(station, path).json

    _, document = collected(station, said["digest"])
    rows = {row["filename"]: row for row in document["packages"]}
    assert {(row["ecosystem"], row["name"], row["version"]) for row in rows.values()} == {("hf", REPO, commit)}
    assert set(contour.model) < set(rows)
    for name, data in contour.model.items():
        assert blob(station, rows[name]["digest"]) == data
    assert [client["name"] for client in record(station, said["digest"])["predicate"]["clients"]] == ["curl", "hf"]
    assert collect(station, path).json["digest"] == said["digest"]


def test_a_commit_that_the_hub_does_not_have_is_named(station, contour, hub_client):
    refused = collect(station, models(station, contour, hub_client, f"{REPO}@{'f' * 40}\n"), status=3)

    assert REPO in refused.err and "models.txt:1" in refused.err


def test_a_client_that_is_not_there_is_named(station, contour, tmp_path):
    commit = contour.get(f"/hf/sandbox/api/models/{REPO}", contour.operator).json["sha"]
    (tmp_path / "empty").mkdir()

    nothing = collect(station, models(station, contour, tmp_path / "nowhere", f"{REPO}@{commit}\n"), status=4)
    empty = collect(station, models(station, contour, tmp_path / "empty", f"{REPO}@{commit}\n"), status=4)

    assert "huggingface_hub" in nothing.err and "huggingface_hub" in empty.err
