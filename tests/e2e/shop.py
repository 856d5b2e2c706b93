"""A contour for the tests of the mirrors' clients: releases that bring small packages of our own.

    test      app v1.0.0 (greet, words; hello-pad, @acme/words), before it v2.0.0; tools v1.0.0 (extra, large; extra-pad)
    sandbox   app v2.0.0, tools v2.0.0 (extra alone), secret v1.0.0 (hidden; hidden-pad)"""

import random

import pytest
from packages import npm, wheel, with_packages
from world import World


def python_app(folder, version):
    """greet, which needs words."""
    say = f'import words\n\n\ndef main():\n    print("greet {version}:", words.HELLO)\n'
    return [
        wheel(folder, "greet", version, modules={"greet.py": say.encode()}, requires=["words>=1"], python=">=3.8"),
        wheel(folder, "words", "1.0.0", modules={"words.py": b'HELLO = "hello from inside"\n'}),
    ]


def node_app(folder, version):
    """hello-pad, which needs @acme/words and brings a program."""
    say = b'#!/usr/bin/env node\nconsole.log("hello-pad " + require("../package.json").version + ": " + require("@acme/words"));\n'
    return [
        npm(folder, "hello-pad", version, dependencies={"@acme/words": "^1.0.0"}, manifest={"bin": {"hello-pad": "bin/say.js"}, "license": "MIT"}, members={"package/bin/say.js": say}),
        npm(folder, "@acme/words", "1.0.0", members={"package/index.js": b'module.exports = "hello from inside";\n'}),
    ]


def build(airlock_path, folder):
    world = World(airlock_path, folder)
    world.found().people()
    boxes = {name: folder / "packages" / name for name in ("one", "two", "tools", "secret")}
    for box in boxes.values():
        box.mkdir(parents=True)
    large = wheel(boxes["tools"], "large", "1.0", members={"large.txt": random.Random(1).randbytes(24 << 20).hex().encode()})
    releases = {
        "app:v1.0.0": python_app(boxes["one"], "1.0.0") + node_app(boxes["one"], "1.0.0"),
        "app:v2.0.0": python_app(boxes["two"], "2.0.0") + node_app(boxes["two"], "2.0.0"),
        "tools:v1.0.0": [wheel(boxes["tools"], "extra", "1.0"), large, npm(boxes["tools"], "extra-pad", "0.1.0")],
        "tools:v2.0.0": [boxes["tools"] / "extra-1.0-py3-none-any.whl"],
        "secret:v1.0.0": [wheel(boxes["secret"], "hidden", "1.0"), npm(boxes["secret"], "hidden-pad", "1.0.0")],
    }
    world.files = {}
    for release, files in releases.items():
        with_packages(world, *release.split(":"), files=files)
        world.files.update({path.name: path for path in files})
    world.receive(world.ship(*releases))
    for release in releases:
        world.admit(release)
    for release in ("app:v2.0.0", "app:v1.0.0", "tools:v1.0.0"):
        world.run("promote", release, "test")
    return world


ONCE = {}


@pytest.fixture(scope="session")
def shop(airlock_path, tmp_path_factory):
    if airlock_path not in ONCE:
        ONCE[airlock_path] = build(airlock_path, tmp_path_factory.mktemp("shop"))
    return ONCE[airlock_path]
