"""A hostile engine writes its run directory, so that its socket leads to somebody else on this host. Nobody else is ever asked anything, nor
answers; the engine is ended."""

import json
import os
import subprocess
import sys
import threading

import pytest
from conftest import wait_for
from served import Served
from world import World, mock_engine, world  # noqa: F401  (a fixture)

REF = "assistant:v1.0.0"


class Host:
    """A process of this host with a socket: it keeps what it is told, and would answer. (A process of its own, because what is looked at is
    who listens.)"""

    CODE = """
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(16)
print("listening", flush=True)
body = b'{"choices":[{"message":{"role":"assistant","content":"FROM THE HOST"}}]}'
while True:
    client, _ = server.accept()
    heard = client.recv(65536)
    print("heard", len(heard), flush=True)
    if heard:
        client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    client.close()
"""

    def __init__(self, path):
        self.process = subprocess.Popen([sys.executable, "-c", self.CODE, path.name], cwd=path.parent, stdout=subprocess.PIPE, text=True)  # a short path
        self.lines = []
        assert self.process.stdout.readline() == "listening\n"
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()

    def end(self):
        """What it heard: a number of bytes for each who came."""
        self.process.terminate()
        self.process.wait(10)
        self.reader.join(10)
        return [int(line.split()[1]) for line in self.lines]


@pytest.fixture
def host():
    running = []

    def start(path):
        running.append(Host(path))
        return running[-1]

    yield start
    for one in running:
        one.end()


def escape_engine(contour, version="v1.0.0", first=()):
    mock = mock_engine(contour.path)
    return contour.arrive(
        version=version,
        engine=mock.parent / "escape-engine",
        files={"/engine/mock-engine": mock},
        command=["/engine/escape-engine", *map(str, first), "--host", "{socket}", "--model", "{model}"],
    )["releases"][0]["digest"]


@pytest.fixture(scope="module")
def hostile(airlock_path, tmp_path_factory):
    """Its engine behaved well on the whole way to prod."""
    made = World(airlock_path, tmp_path_factory.mktemp("hostile"))
    made.found().people()
    made.digest, made.quarantined = escape_engine(made), None
    made.to_prod(REF)
    return made


@pytest.fixture
def served(hostile, tmp_path):
    one = Served(hostile, tmp_path, {})
    yield one
    if not one.server.ended():
        one.stop()
    one.server.kill()


def run_dir(served):
    [found] = (served.home / "run/engines").glob("prod-assistant-*/run")
    return found


def events(served, name):
    found = [json.loads(line) for line in served.server.output.splitlines() if line.startswith("{")]
    return [event for event in found if event.get("event") == name]


@pytest.mark.parametrize("trick", ["symlink", "link", "rename"])
def test_an_engine_that_leads_its_socket_to_the_host_is_ended_and_the_host_hears_nothing(served, host, tmp_path, trick):
    token = served.token("consumer", "prod")
    assert served.chat(token, "before").status == 200
    folder = run_dir(served)
    listener = host(tmp_path / "host.sock" if trick == "symlink" else folder / "host.sock")
    (folder / f"do-{trick}.new").write_text(str(tmp_path / "host.sock"))
    os.rename(folder / f"do-{trick}.new", folder / f"do-{trick}")
    wait_for(lambda: not (folder / f"do-{trick}").exists(), "the trick")
    for _ in range(3):
        answer = served.chat(token, "my secret")
        assert answer.status in (502, 503) and "FROM THE HOST" not in answer.text, answer.text
    escapes = wait_for(lambda: events(served, "engine-escape"), "an event")
    assert len(escapes) == 1 and escapes[0]["engine"] == folder.parent.name
    assert ("symbolic link" if trick == "symlink" else "listener is outside") in escapes[0]["found"]
    wait_for(lambda: not folder.exists(), "the engine's end")
    assert served.chat(token, "my secret").status in (502, 503)
    assert len(events(served, "engine-starting")) == 1  # not started again
    engines = json.loads((served.home / "run/engines.json").read_text())["engines"]
    assert "nothing was sent" in engines[0]["error"]
    heard = listener.end()
    assert heard == [] if trick == "symlink" else set(heard) <= {0}


def test_an_engine_that_never_had_a_socket_of_its_own_is_not_tested(world, host):  # noqa: F811
    world.found().people()
    path = world.folder / "host.sock"
    listener = host(path)
    escape_engine(world, first=("--lead-to", path))
    world.admit(REF)
    world.run("promote", REF, "test")
    refused = world.run("test", REF, status=None)
    assert refused.status not in (0, 6) and "symbolic link" in refused.err
    assert listener.end() == []
