"""The listener of the real serve against clients that no library would be: the unit tests of src/http hold each probe, these hold that
the program is wired so."""

import hashlib
import resource
import socket
import time

import pytest
from conftest import wait_for
from served import made, serve, served  # noqa: F401  (fixtures)


def raw(served, data, timeout=15):
    """Sends bytes and reads to the end of the connection; returns what came, or fails when the server does not close."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout) as client:
        try:
            client.sendall(data)
        except OSError:
            pass
        seen = b""
        try:
            while piece := client.recv(65536):
                seen += piece
        except ConnectionError:
            pass
        return seen


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length : 40\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad@Name: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET http://other/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v2/%2e%2e/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 40\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\nContent-Length: 40\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: x\n\n",
        b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_a_malformed_request_ends_its_connection(served, head):
    seen = raw(served, head + SMUGGLED)
    assert not seen.startswith(b"HTTP/1.1 2")
    assert b"ok\n" not in seen
    assert served.get("/healthz").status == 200


def test_a_head_that_drips_is_cut_and_the_others_do_not_wait(served):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        while time.monotonic() - begun < 30:
            try:
                client.sendall(b"y")
                client.settimeout(0.5)
                if client.recv(4096) == b"":
                    break
            except TimeoutError:
                assert served.get("/healthz").status == 200
            except ConnectionError:
                break
    assert 9 < time.monotonic() - begun < 15
    wait_for(lambda: '"connection-cut"' in served.server.output, "the event", timeout=5)


@pytest.mark.alone  # 10,000 connections are what a whole machine has room for
def test_many_idle_connections_leave_room_for_an_answer(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = int(next(line.split()[3] for line in open(f"/proc/{served.server.pid}/limits") if line.startswith("Max open files")))
    count = min(10000, hard - 500, limit - 500)
    held = []
    try:
        for _ in range(count):
            held.append(socket.create_connection(("127.0.0.1", served.port), timeout=10))
        begun = time.monotonic()
        assert served.chat(served.operator, "still there?").status == 200
        assert time.monotonic() - begun < 3
        rss = int(next(line.split()[1] for line in open(f"/proc/{served.server.pid}/status") if line.startswith("VmRSS")))
        assert rss < 600_000, f"{rss} kB with {len(held)} connections"
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_hot_is_recorded_each_time_and_changes_with_the_promotion(serve):
    served = serve(**{"requests-per-minute": 100000})
    token = served.token("consumer", "test")
    path, accept = "/v2/test/assistant/manifests/latest", {"Accept": "application/vnd.oci.image.index.v1+json"}

    def ask():
        reply = served.get(path, token, headers=accept)
        assert reply.status == 200
        assert "sha256:" + hashlib.sha256(reply.body).hexdigest() == reply.headers["Docker-Content-Digest"]
        return reply.headers["Docker-Content-Digest"]

    assert {ask() for _ in range(50)} == {served.digest}
    wait_for(lambda: len([r for r in served.records() if r.get("what") == "manifest" and r.get("digest") == served.digest]) == 50, "50 records", timeout=10)
    served.world.to_test("assistant:v2.0.0")
    assert {ask() for _ in range(50)} == {served.quarantined}
    served.world.run("rollback", "test/assistant")
    assert {ask() for _ in range(50)} == {served.digest}
    assert served.get(path, headers=accept).status == 401
    assert served.get(path, served.token("consumer", "prod"), headers=accept).status == 403


def test_a_refused_body_is_not_waited_for(served):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8000000\r\n\r\n"
    begun = time.monotonic()
    seen = raw(served, head)
    assert seen.startswith(b"HTTP/1.1 401") and b"100 Continue" not in seen
    assert time.monotonic() - begun < 3
    seen = raw(served, head.replace(b"8000000", b"80000000"))
    assert seen.startswith(b"HTTP/1.1 413")


def test_serve_raises_its_own_limit_on_descriptors(serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        served = serve()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    line = next(line for line in open(f"/proc/{served.server.pid}/limits") if line.startswith("Max open files"))
    assert int(line.split()[3]) == hard, line
