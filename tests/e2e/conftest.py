"""What all end-to-end tests share: the real program, run as a person runs it, in folders of the test's own, and cleaned up after it.

    def test_something(airlock, tmp_path):
        airlock("init", "--name", "demo", home=tmp_path)                  # exit status 0 is asked for
        refused = airlock("show", "no:v1.0.0", home=tmp_path, status=4)   # ... or this one
        assert "no:v1.0.0" in refused.err
        airlock("status", home=tmp_path, json=True).json["schema"]        # parsed

A server is started with `spawn`, which ends it when the test is over. Nothing here reaches further than loopback."""

import json as json_module
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND_TIMEOUT_S = 120


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: wants the machine for itself; script/test runs these after the others, which run side by side, a file at a time")


SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")


@dataclass
class Result:
    """One command that has ended."""

    args: list
    status: int
    out: str
    err: str
    seconds: float

    @property
    def json(self):
        """The one document on stdout."""
        return json_module.loads(self.out)

    @property
    def lines(self):
        """A document per line, for commands that stream."""
        return [json_module.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"$ {' '.join(map(str, self.args))}\nstatus {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def environment(extra=None):
    """The test's own variables only: what the developer has set for an AIRLOCK of theirs must not leak in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRLOCK")}
    kept.update(LC_ALL="C.UTF-8", **(extra or {}))
    return kept


def program(name, default):
    path = Path(os.environ.get(name) or ROOT / "build" / default)
    if not path.is_file():
        pytest.fail(f"{path} is not there; run script/build (or set {name})", pytrace=False)
    return path


@pytest.fixture(scope="session")
def airlock_path():
    return program("AIRLOCK", "airlock")


@pytest.fixture(scope="session")
def airlock_fault_path():
    """The same program with the injector in front of its system calls; AIRLOCK_FAULT_* of src/util/sys_fault.c says what fails."""
    return program("AIRLOCK_FAULT", "airlock-fault")


def run_program(path, args, *, status=0, home=None, json=False, env=None, stdin=None, timeout=COMMAND_TIMEOUT_S, cwd=None):
    """Runs the program to its end and asks for its exit status; `status` may be a tuple of those that are right, or None for any."""
    command = [str(path)]
    if home is not None:
        command += ["--home", str(home)]
    if json:
        command.append("--json")
    command += [str(arg) for arg in args]
    begun = time.monotonic()
    done = subprocess.run(
        command,
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        env=environment(env),
        cwd=cwd,
        check=False,
    )
    result = Result(command, done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
    assert not SANITIZER.search(result.err), str(result)
    if status is not None:
        wanted = status if isinstance(status, tuple) else (status,)
        assert result.status in wanted, f"wanted status {' or '.join(map(str, wanted))}\n{result}"
    return result


@pytest.fixture
def airlock(airlock_path):
    def call(*args, **options):
        return run_program(airlock_path, args, **options)

    return call


@pytest.fixture
def airlock_fault(airlock_fault_path):
    def call(*args, **options):
        return run_program(airlock_fault_path, args, **options)

    return call


def wait_for(condition, what, timeout=30.0, every=0.05):
    """Waits until `condition()` is true, and returns what it gave; fails with `what` when the time is over."""
    until = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            pytest.fail(f"waited {timeout} s for {what}, in vain")
        time.sleep(every)


@pytest.fixture(name="wait_for")
def wait_for_fixture():
    return wait_for


@pytest.fixture
def free_port():
    """A function that gives a port of loopback which nobody listens on now."""

    def find():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find


class Server:
    """A program that runs beside the test. Its output goes to `log`."""

    def __init__(self, command, log, env):
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment(env), start_new_session=True
            )

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        return self.log.read_text(errors="replace")

    def ended(self):
        return self.process.poll() is not None

    def stop(self, how=signal.SIGTERM, timeout=20):
        """Ends it, then whatever it left in its process group; returns its exit status."""
        if not self.ended():
            self.process.send_signal(how)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"{self.process.args} did not end within {timeout} s of {how!r}:\n{self.output[-4000:]}")
        self.kill()
        return status

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)


@pytest.fixture
def spawn(tmp_path, airlock_path):
    """Starts a program (by default airlock itself) that the end of the test ends: spawn("serve", home=contour)."""
    servers = []

    def start(*args, home=None, path=None, env=None):
        command = [path or airlock_path, *(["--home", home] if home is not None else []), *args]
        server = Server(command, tmp_path / f"server-{len(servers)}.log", env)
        servers.append(server)
        return server

    yield start
    for server in reversed(servers):
        if not server.ended():
            server.process.terminate()
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        server.kill()


def demo_file(name):
    path = os.environ.get(name)
    if not path:
        pytest.skip(f"{name} is not set: run script/test, or first: eval \"$(script/engine)\"")
    return Path(path)


@pytest.fixture(scope="session")
def real_engine():
    """llama-server, as script/engine built it."""
    return demo_file("AIRLOCK_DEMO_ENGINE")


@pytest.fixture(scope="session")
def real_model():
    return demo_file("AIRLOCK_DEMO_MODEL")


@pytest.fixture(scope="session")
def exhaustive():
    """True under script/test --all: take every value where the daily run takes a spread."""
    return bool(os.environ.get("AIRLOCK_TEST_ALL"))
