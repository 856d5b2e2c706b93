"""Collections for tests of building and closure: collect.yaml with sets of lock files over an upstream of the test's own."""

import hashlib
import json
import shutil

import pytest
from upstream import Upstream
from world import World


@pytest.fixture
def up(tmp_path):
    with Upstream(tmp_path / "upstream") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def made(airlock_path, tmp_path_factory):
    """A station, made once: its keys take half a second."""
    world = World(airlock_path, tmp_path_factory.mktemp("made"))
    world.make_station()
    return world.station


@pytest.fixture
def station(world, made):
    shutil.copytree(made, world.station)
    return world


def pip_set(lock, group="prod", more="", file="requirements.txt"):
    return f'group: {group}, pip: {file}, python: "3.11", platforms: [manylinux2014_x86_64]{more}', file, lock


def npm_set(lock, group="prod"):
    return f"group: {group}, npm: package-lock.json", "package-lock.json", lock


def write(station, up, *sets, name="app"):
    """collect.yaml with these sets, each a line and its lock file, whose text is written beside it."""
    station.sources.mkdir(parents=True, exist_ok=True)
    text = f"name: {name}\nupstreams:\n  pypi: {{index: {up.url}/simple/}}\n  npm: {{registry: {up.url}/npm/}}\n"
    text += "sets:\n"
    for line, file, lock in sets:
        (station.sources / file).write_text(lock)
        text += f"  - {{{line}}}\n"
    path = station.sources / f"collect-{name}.yaml"
    path.write_text(text)
    return path


def collect(station, path, status=0):
    return station.run("collect", path, home=station.station, status=status, json=status == 0)


def blob(station, digest):
    data = (station.station / "store" / "blobs" / "sha256" / digest.split(":")[1]).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
    return data


def packages_of(station, digest):
    """The packages document of a collection."""
    manifest = json.loads(blob(station, digest))
    return json.loads(blob(station, manifest["config"]["digest"]))
