"""A contour for the tests of apt and of files: releases that bring small debs and documents of our own.

    sandbox   app v1.0.0 (hello 1:1.0-1, which needs hello-data; handbook.txt, docs/guide.md), manual v1.0.0 (handbook.txt, another)
    received  app v2.0.0 (hello 1:2.0-1), scanned and judged, and standing nowhere"""

import pytest
from packages import deb, with_packages
from world import World

GUIDE = b"# Guide\n\nFirst, read the [handbook](../handbook.txt).\n"
HANDBOOK = b"How it is done.\n" * 100


def build(airlock_path, folder):
    world = World(airlock_path, folder)
    world.found().people()
    world.debs = folder / "debs"
    world.debs.mkdir()
    data = deb(world.debs, "hello-data", "1.0")
    files = {"/usr/bin/hello": (b"#!/bin/sh\ncat /usr/share/hello-data/text\n", 0o755)}
    one = deb(world.debs, "hello", "1:1.0-1", architecture="amd64", files=files, depends="hello-data (>= 1.0)")
    two = deb(world.debs, "hello", "1:2.0-1", architecture="amd64", files=files)
    with_packages(world, "app", "v1.0.0", files=[one, data], documents={"handbook.txt": HANDBOOK, "docs/guide.md": GUIDE})
    with_packages(world, "app", "v2.0.0", files=[two])
    with_packages(world, "manual", "v1.0.0", documents={"handbook.txt": b"Another.\n"})
    world.receive(world.ship("app:v1.0.0", "app:v2.0.0", "manual:v1.0.0"))
    for release in ("app:v2.0.0", "app:v1.0.0", "manual:v1.0.0"):
        world.admit(release)
    return world


ONCE = {}


@pytest.fixture(scope="session")
def depot(airlock_path, tmp_path_factory):
    if airlock_path not in ONCE:
        ONCE[airlock_path] = build(airlock_path, tmp_path_factory.mktemp("depot"))
    return ONCE[airlock_path]
