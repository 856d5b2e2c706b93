"""`airlock serve` follows the pointers: engines beside each other, one switch, a standby, a way back that nobody notices."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from conftest import Server, wait_for
from load import Client, Load
from world import PROMPTS, World

OLD, NEW = "assistant:v1.0.0", "assistant:v1.1.0"


@pytest.fixture(scope="module")
def made(airlock_path, tmp_path_factory):
    """Made once: v1.0.0 stood in prod, v1.1.0 stands there."""
    made = World(airlock_path, tmp_path_factory.mktemp("made"))
    made.found().people()
    made.digests = {}
    for ref, marker in ((OLD, "one"), (NEW, "two")):
        version = ref.split(":")[1]
        made.digests[ref] = made.arrive(version=version, prompts=PROMPTS.replace("You answer", f"marker:{marker} You answer"))["releases"][0]["digest"]
        made.to_prod(ref)
    made.token = made.run("token", "new", "colleague", "--role", "consumer", "--env", "prod", json=True).json["token"]
    return made


class Contour:
    """A copy of it, served."""

    def __init__(self, made, folder):
        shutil.copytree(made.contour, folder / "contour", symlinks=True)
        self.world = World(made.path, folder)
        self.digests, self.token = made.digests, made.token
        self.home, self.server = folder / "contour", None
        config = (self.home / "airlock.yaml").read_text()
        (self.home / "airlock.yaml").write_text(config.replace("requests-per-minute: 600", "requests-per-minute: 1000000"))

    def no_standby(self):
        config = (self.home / "airlock.yaml").read_text()
        (self.home / "airlock.yaml").write_text(config.replace("standby: true", "standby: false"))

    def serve(self):
        log = self.world.folder / "serve.log"
        self.server = Server([self.world.path, "--home", self.home, "serve", "--port", "0"], log, None)
        self.port = wait_for(self.find_port, "run/serve.json")
        wait_for(lambda: self.ask().status == 200, "the first answer")
        return self

    def find_port(self):
        assert not self.server.ended(), self.server.output
        try:
            found = json.loads((self.home / "run/serve.json").read_text())
        except (OSError, ValueError):
            return None
        return found["port"] if found["pid"] == self.server.pid else None

    def ask(self, text="hello", **more):
        client = Client(self.port, self.token)
        answer = client.ask(text, **more)
        client.close()
        return answer

    def answers(self):
        """Which of the two releases answers now."""
        release = self.ask().release
        return next((ref for ref, digest in self.digests.items() if digest == release), release)

    def status(self):
        return json.loads((self.home / "run/engines.json").read_text())["engines"][0]

    def move(self, ref=None):
        return self.world.run("promote", ref, "prod") if ref else self.world.run("rollback", "prod/assistant")

    def entries(self, action):
        found = [line["entry"] for line in self.world.run("log", json=True).lines]
        return [entry for entry in found if entry["action"] == action]

    def inside(self):
        """Host pids of the processes in this contour's boxes, that of the program last."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"{self.world.folder.name}/contour/run/engines" in (process / "mountinfo").read_text():
                    found.append(int(process.name))
            except OSError:
                continue
        return sorted(found)


@pytest.fixture
def contour(made, tmp_path):
    contour = Contour(made, tmp_path)
    yield contour
    if contour.server:
        contour.server.kill()


def load_standby(contour):
    """Both releases are loaded, v1.1.0 answers. A serve that has just begun loads what a rollback would go back to."""
    wait_for(lambda: contour.status().get("standby"), "the standby")
    assert contour.status()["standby"]["release"] == contour.digests[OLD]
    assert contour.answers() == NEW


def test_a_rollback_to_a_standby_loses_no_request_and_starts_nothing(contour):
    contour.serve()
    load_standby(contour)
    started = len(contour.entries("engine-started"))
    with Load(contour.port, contour.token, clients=8) as load:
        time.sleep(0.3)
        begun = time.monotonic()
        contour.move()
        came = wait_for(lambda: load.first_by(contour.digests[OLD], begun), "an answer of the old release", every=0.01)
        time.sleep(0.3)
    assert not load.failed, load.failed[:3]
    assert len(load.answers) > 50
    print(f"from the command to the first answer of the old release: {(came - begun) * 1000:.0f} ms")
    assert came - begun < 2.0
    after = [a.release for a in load.answers if a.asked > came]
    assert after and set(after) == {contour.digests[OLD]}, "nobody is answered by the new one any more"
    assert len(contour.entries("engine-started")) == started
    verdicts = [e for e in contour.entries("verdict") if e["gate"] == "deploy"]
    assert verdicts[-1]["digest"] == contour.digests[OLD] and verdicts[-1]["result"] == "PASSED"


def test_without_a_standby_the_new_one_answers_until_the_old_one_is_ready(contour):
    contour.no_standby()
    contour.serve()
    with Load(contour.port, contour.token, clients=4) as load:
        begun = time.monotonic()
        contour.move()
        wait_for(lambda: load.first_by(contour.digests[OLD], begun), "an answer of the old release")
        time.sleep(0.3)
    assert not load.failed, load.failed[:3]
    assert "standby" not in contour.status()
    wait_for(lambda: len(contour.entries("engine-stopped")) > len(contour.entries("engine-started")) - 2, "the other one's end")


def test_an_answer_that_streams_keeps_its_engine(contour):
    contour.serve()
    load_standby(contour)
    client = Client(contour.port, contour.token)
    with Load(contour.port, contour.token, clients=1, text="/slow 30 50", max_tokens=64) as load:
        time.sleep(0.4)
        contour.move()
        wait_for(lambda: contour.answers() == OLD, "the old release")
        assert not load.answers, "it still comes"
        wait_for(lambda: load.answers, "its end")
    client.close()
    first = load.answers[0]
    assert first.status == 200 and first.release == contour.digests[NEW] and first.text.count("word") == 30
    assert not load.failed


def test_an_engine_that_is_killed_is_started_again(contour):
    contour.serve()
    load_standby(contour)
    before = contour.status()["engine"]
    killed = contour.ask("/die 0")
    assert killed.status in (0, 502, 503)
    wait_for(lambda: contour.status()["state"] != "running", "the end to be seen")
    unavailable = contour.ask()
    assert unavailable.status in (200, 503)
    wait_for(lambda: contour.answers() == NEW, "its restart")
    # Requests may be answered a moment before the status on disk says by whom.
    wait_for(lambda: contour.status().get("engine", before) != before, "another engine in the status")
    assert "ended with status" in contour.server.output or "ended by signal" in contour.server.output
    assert contour.status()["standby"]["release"] == contour.digests[OLD], "the standby does not stand in for another release"


def damage_prompts(contour):
    """The prompt set of v1.0.0, in the store."""
    for blob in (contour.home / "store/blobs/sha256").iterdir():
        if b"marker:one" in blob.read_bytes()[:200]:
            blob.chmod(0o600)
            blob.write_bytes(blob.read_bytes().replace(b"marker:one", b"marker:two"))
            return
    pytest.fail("no such blob")


def test_a_start_that_is_refused_leaves_the_running_one_answering_and_says_so(contour):
    contour.no_standby()
    contour.serve()
    damage_prompts(contour)
    with Load(contour.port, contour.token, clients=2) as load:
        contour.move()
        wait_for(lambda: contour.status()["error"], "the refusal")
        time.sleep(0.3)
    assert not load.failed and {a.release for a in load.answers} == {contour.digests[NEW]}
    status = contour.status()
    assert status["state"] == "running-older" and status["wanted"] == contour.digests[OLD]
    assert status["version"] == "v1.1.0"
    assert '"event":"engine-failed"' in contour.server.output
    contour.move(NEW)
    wait_for(lambda: contour.status()["state"] == "running", "the pointer that moved back")
    assert contour.status()["error"] == ""


def test_status_says_what_a_rollback_would_cost(contour):
    contour.serve()
    load_standby(contour)
    assert "a rollback would switch at once (v1.0.0 is loaded as standby)" in contour.world.run("status").out
    assert contour.world.run("status", json=True).json["engines"][0]["standby"]["version"] == "v1.0.0"
    contour.server.stop()
    contour.no_standby()
    contour.serve()
    wait_for(lambda: contour.status()["state"] == "running", "the engine")
    assert re.search(r"a rollback would take about [1-9][0-9]* s \(no standby", contour.world.run("status").out)


def test_engines_give_way_to_serve(contour):
    contour.serve()
    own = os.getpriority(os.PRIO_PROCESS, contour.server.pid)
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in contour.inside()} == {min(own + 5, 19)}


def test_serve_ends_its_engines_and_forgets_nothing_in_the_ledger(contour):
    contour.serve()
    load_standby(contour)
    assert len(contour.inside()) >= 2
    assert contour.server.stop() == 0
    assert contour.inside() == []
    assert not (contour.home / "run/engines.json").exists()
    assert [p for p in (contour.home / "run/engines").iterdir() if p.is_dir()] == []
    ours = [e for e in contour.entries("engine-started") if e["environment"] == "prod"]
    ended = [e for e in contour.entries("engine-stopped") if e["environment"] == "prod"]
    assert len(ours) == len(ended) == 2
    contour.serve()
    assert contour.answers() == NEW


def test_engines_end_with_a_serve_that_is_killed(contour):
    contour.serve()
    load_standby(contour)
    assert contour.inside()
    os.kill(contour.server.pid, signal.SIGKILL)
    contour.server.process.wait(10)
    wait_for(lambda: not contour.inside(), "the engines' end", timeout=10)
    contour.serve()
    load_standby(contour)
    assert len([p for p in (contour.home / "run/engines").iterdir() if p.is_dir()]) == 2, "the leftovers are gone"


def test_a_damaged_image_stops_the_next_start_and_not_the_running_engine(contour):
    contour.no_standby()
    contour.serve()
    program = next((contour.home / "run/images").glob("*/rootfs/engine/mock-engine"))
    copy = program.with_name("copy")
    shutil.copy(program, copy)
    with open(copy, "r+b") as file:
        file.seek(5000)
        file.write(b"\xff\xff")
    copy.replace(program)
    contour.move()
    wait_for(lambda: contour.status()["error"], "the refusal")
    assert "/engine/mock-engine: found sha256:" in contour.status()["error"]
    assert contour.answers() == NEW


def test_many_moves_in_a_row_end_where_the_last_one_points(contour):
    contour.serve()
    load_standby(contour)
    with Load(contour.port, contour.token, clients=4) as load:
        for _ in range(4):
            contour.move()
            contour.move(NEW)
        contour.move()
        wait_for(lambda: contour.answers() == OLD, "the last move")
    assert not load.failed, load.failed[:3]
