"""One release seen through every protocol: app v1.0.0 and v2.0.0 bring a wheel, an npm package, a Debian package, a file and a model each; v1.0.0
stands in test. What v1.0.0 brings is large enough that a client can be in the middle of it."""

import hashlib
import random

import pytest
from packages import deb, npm, wheel, with_packages
from served import starter
from world import World

REPO = "acme/tiny"
LARGE = 6 << 20


def payload(seed, size):
    """Text that compresses to half of it."""
    return random.Random(seed).randbytes(size // 2).hex().encode()


def release(world, version, size):
    """Packs app of this version; returns {protocol: (path, bytes) of a download below its root}. Names that only one of the two has say more
    than versions do."""
    box = world.folder / f"box-{version}"
    box.mkdir()
    only = f"only-{version[0]}"
    files = [
        wheel(box, "greet", version, members={"greet.txt": payload(1, size)}),
        wheel(box, only, version),
        npm(box, "hello-pad", version, members={"package/text.txt": payload(2, size)}),
        deb(box, "greet-tool", version, files={"/usr/share/greet-tool/text": payload(3, size)}),
        deb(box, only, version),
    ]
    handbook, weights = payload(4, size) + version.encode(), payload(5, size) + version.encode()
    beside = box / "weights.bin"
    beside.write_bytes(weights)
    with_packages(world, "app", f"v{version}", files=files, documents={"handbook.txt": handbook}, repository=REPO, beside={"weights.bin": beside})
    return {
        "pypi": (f"/pypi/test/files/greet/{files[0].name}", files[0].read_bytes()),
        "npm": (f"/npm/test/hello-pad/-/{files[2].name}", files[2].read_bytes()),
        "apt": (f"/apt/test/pool/main/greet-tool/{files[3].name}", files[3].read_bytes()),
        "files": ("/files/test/app/handbook.txt", handbook),
        "hf": (f"/hf/test/{REPO}/resolve/main/weights.bin", weights),
        "oci": (f"/v2/test/app/blobs/sha256:{hashlib.sha256(weights).hexdigest()}", weights),
    }


ONCE = {}


@pytest.fixture(scope="session")
def both(airlock_path, tmp_path_factory):
    if airlock_path not in ONCE:
        world = World(airlock_path, tmp_path_factory.mktemp("views"))
        world.found().people().people(robot="publisher")
        world.downloads = {"v1": release(world, "1.0.0", LARGE), "v2": release(world, "2.0.0", 1000)}
        world.receive(world.ship("app:v1.0.0", "app:v2.0.0"))
        for ref in ("app:v1.0.0", "app:v2.0.0"):
            world.admit(ref)
        world.run("promote", "app:v1.0.0", "test")
        ONCE[airlock_path] = world
    return ONCE[airlock_path]


@pytest.fixture
def live(both, tmp_path):
    """A serve of the test's own, whose pointers it may move."""
    source = starter(both, lambda: tmp_path)
    served = next(source)(**{"requests-per-minute": 100000})
    served.downloads = both.downloads
    yield served
    next(source, None)
