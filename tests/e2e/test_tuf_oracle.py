"""What our station writes is TUF for others too: python-tuf, the reference implementation, reads a medium made by `airlock ship`, finds each
target in the role that signed for it, and refuses what was changed."""

import json
import subprocess

import pytest
from clients import HERE, client_venv
from world import World, copy_media, flip


@pytest.fixture(scope="module")
def oracle_python():
    """A Python with python-tuf, made once under the cache, from packages pinned by hash."""
    return client_venv("tuf", HERE / "tuf-requirements.txt") / "bin/python"


@pytest.fixture
def ask(oracle_python):
    def call(first_root, media, *names):
        command = [oracle_python, HERE / "tuf_oracle.py", first_root, media, *names]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)

    return call


@pytest.fixture
def shipped(airlock_path, tmp_path):
    world = World(airlock_path, tmp_path)
    world.found()
    world.pack("assistant", "v1.0.0")
    world.media = world.ship("assistant:v1.0.0")
    return world


def targets_of(media, role):
    (path,) = (media / "metadata").glob(f"[0-9]*.{role}.json")
    return json.loads(path.read_text())["signed"]["targets"]


def test_python_tuf_accepts_a_medium_and_finds_every_target(shipped, ask):
    media = shipped.media
    names = {role: list(targets_of(media, role)) for role in ("targets", "models", "software", "policy", "advisories")}
    assert names["targets"] == ["shipment.json"] and names["models"] and names["software"] and names["policy"]

    answer = ask(shipped.station / "root.json", media, *sum(names.values(), []), "models/" + "0" * 64)

    found = answer["targets"]
    for role, listed in names.items():
        for name in listed:
            assert found[name]["hashes"]["sha256"] == targets_of(media, role)[name]["hashes"]["sha256"], name
            assert found[name]["length"] == targets_of(media, role)[name]["length"], name
    assert found["models/" + "0" * 64] is None
    assert found["shipment.json"]["downloaded"] == found["shipment.json"]["length"]


@pytest.mark.parametrize("role", ["timestamp", "1.snapshot", "1.targets"])
def test_python_tuf_refuses_a_changed_file(shipped, ask, tmp_path, role):
    media = copy_media(shipped.media, tmp_path / "changed")
    path = media / "metadata" / f"{role}.json"
    flip(path, path.read_bytes().index(b'"expires"') + len('"expires":"202'))

    answer = ask(shipped.station / "root.json", media, "shipment.json")

    assert "refused" in answer, answer


def test_python_tuf_refuses_the_root_of_another_station(shipped, ask):
    shipped.make_station(name="south", home=shipped.folder / "south")

    answer = ask(shipped.folder / "south" / "root.json", shipped.media, "shipment.json")

    assert "refused" in answer, answer
