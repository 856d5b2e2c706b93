"""A contour with one release on its whole way, made once, and serves on copies of it.

    from served import made, serve, served

    def test_something(served):
        served.get("/v1/models", served.token("consumer", "prod"))"""

import http.client
import json
import os
import re
import shutil

import pytest
from conftest import Server, wait_for
from world import PROMPTS, World

REF = "assistant:v1.0.0"


def make(airlock_path, folder):
    """v1.0.0 of assistant stands in prod; v2.0.0 lies in quarantine."""
    world = World(airlock_path, folder)
    world.found().people()
    prompts = PROMPTS.replace("You answer", "marker:BLUE You answer")
    world.digest = world.arrive(prompts=prompts)["releases"][0]["digest"]
    world.to_prod(REF)
    world.quarantined = world.arrive(version="v2.0.0", prompts=PROMPTS.replace("short", "long"))["releases"][0]["digest"]
    return world


ONCE = {}  # a fixture that several modules import is several fixtures


@pytest.fixture(scope="session")
def made(airlock_path, tmp_path_factory):
    if airlock_path not in ONCE:
        ONCE[airlock_path] = make(airlock_path, tmp_path_factory.mktemp("made"))
    return ONCE[airlock_path]


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode(errors="replace")


class Served:
    """`space`: a network namespace (netns.py) in which it serves; then only what runs there, and `call`, reaches it."""

    def __init__(self, made, folder, options, space=None):
        shutil.copytree(made.contour, folder / "contour", symlinks=True)
        self.world = World(made.path, folder)
        self.digest, self.quarantined = getattr(made, "digest", None), getattr(made, "quarantined", None)
        self.home = folder / "contour"
        config = self.home / "airlock.yaml"
        text = config.read_text()
        for key, value in options.items():
            text, found = re.subn(rf"^(\s*#?\s*){key}: .*$", rf"  {key}: {value}", text, flags=re.M)
            assert found, f"airlock.yaml has no {key}"
        config.write_text(text)
        self.space = space
        command = [made.path, "--home", self.home, "serve", "--port", "0"]
        self.server = Server(space.command(command) if space else command, folder / "serve.log", None)
        self.port = wait_for(self.find_port, "run/serve.json")
        self.operator = (self.home / "run/operator.token").read_text()
        wait_for(lambda: self.get("/readyz", self.operator).status == 200, "an engine that answers", timeout=60)

    def find_port(self):
        assert not self.server.ended(), self.server.output
        try:
            return json.loads((self.home / "run/serve.json").read_text())["port"]
        except (OSError, ValueError):
            return None

    def token(self, role, env, person="colleague"):
        return self.world.run("token", "new", person, "--role", role, "--env", env, json=True).json["token"]

    def call(self, method, path, token=None, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if self.space:
            connection.sock = self.space.connect(self.port, timeout)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        reply = connection.getresponse()
        result = Reply(reply.status, reply.headers, reply.read())
        connection.close()
        return result

    def get(self, path, token=None, **more):
        return self.call("GET", path, token, **more)

    def chat(self, token, text="hello", model="assistant", **more):
        return self.call("POST", "/v1/chat/completions", token, {"model": model, "messages": [{"role": "user", "content": text}], **more})

    def records(self):
        """The access records, as they lie in the segments."""
        found = []
        for segment in sorted((self.home / "access").rglob("*")):
            if segment.is_file() and not segment.name.startswith("."):
                for line in segment.read_text(errors="replace").splitlines():
                    if line.startswith("{") and '"kind"' in line:
                        found.append(json.loads(line))
        return sorted(found, key=lambda record: record["id"])

    def record(self, wanted, what):
        """The first record that `wanted` takes, waited for."""
        return wait_for(lambda: next((r for r in self.records() if wanted(r)), None), f"a record: {what}", timeout=10)

    def stop(self, **more):
        return self.server.stop(**more)


def starter(made, folder_of):
    """Gives a function that serves a copy of the contour, and ends all that it started."""
    running = []

    def start(**options):
        running.append(Served(made, folder_of(), options))
        return running[-1]

    yield start
    for one in running:
        if not one.server.ended():
            one.stop()
        one.server.kill()


@pytest.fixture
def serve(made, tmp_path):
    """serve(**{"requests-per-minute": 3}): a serve of this test's own, on a copy of the contour, with these settings."""
    yield from starter(made, lambda: tmp_path)


@pytest.fixture(scope="module")
def served(made, tmp_path_factory):
    """One serve for all tests of a module that change nothing which others look at."""
    source = starter(made, lambda: tmp_path_factory.mktemp("served"))
    yield next(source)(**{"requests-per-minute": 100000})
    next(source, None)


def needs(program):
    return pytest.mark.skipif(not any(os.access(os.path.join(d, program), os.X_OK) for d in os.environ["PATH"].split(":")), reason=f"{program} is not installed")
