"""One promotion, seen through every protocol at once: each answer is wholly of the release before or wholly of the one after, nobody shows the old
one for longer than a second after it, and a download that was begun ends with the bytes with which it began."""

import hashlib
import re
import socket
import threading
import time

import pytest
from conftest import wait_for
from views import REPO, both, live  # noqa: F401  (fixtures)

OLD, NEW = "app:v1.0.0", "app:v2.0.0"


def get(served, path, **headers):
    reply = served.get(path, served.reader, headers=headers)
    assert reply.status == 200, (path, reply.status, reply.text)
    return reply


# What a client makes of each protocol: something to compare.


def pypi_names(served):
    return sorted(re.findall(r">([^<>]+)</a>", get(served, "/pypi/test/simple/").text))


def pypi_files(served):
    return sorted(re.findall(r'#sha256=([0-9a-f]{64})"', get(served, "/pypi/test/simple/greet/").text))


def npm_versions(served):
    document = get(served, "/npm/test/hello-pad").json
    return document["dist-tags"], {version: one["dist"]["integrity"] for version, one in document["versions"].items()}


def apt_packages(served):
    """What InRelease names, asked for by its hash: it must be there, whatever moved meanwhile."""
    listed = get(served, "/apt/test/dists/airlock/InRelease").text
    digest = re.search(r"^ ([0-9a-f]{64}) +\d+ main/binary-amd64/Packages$", listed.split("SHA256:")[1], re.M)[1]
    packages = get(served, f"/apt/test/dists/airlock/main/binary-amd64/by-hash/SHA256/{digest}").body
    assert hashlib.sha256(packages).hexdigest() == digest
    return re.findall(r"^(?:Package|Version|SHA256): (.+)$", packages.decode(), re.M)


def file_bytes(served):
    return hashlib.sha256(get(served, "/files/test/app/handbook.txt").body).hexdigest()


def file_list(served):
    return sorted((one["path"], one["digest"]) for one in get(served, "/files/test/", Accept="application/json").json["files"])


def hf_model(served):
    model = get(served, f"/hf/test/api/models/{REPO}").json
    return model["sha"], sorted((one["rfilename"], one["blobId"]) for one in model["siblings"])


def oci_tags(served):
    return get(served, "/v2/test/app/tags/list").json["tags"]


def oci_latest(served):
    reply = get(served, "/v2/test/app/manifests/latest")
    digest = reply.headers["Docker-Content-Digest"]
    assert digest == f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
    return digest


PROBES = (pypi_names, pypi_files, npm_versions, apt_packages, file_bytes, file_list, hf_model, oci_tags, oci_latest)


class Watchers:
    """A client of each protocol that asks again and again; what each saw, when it began to ask and when it knew."""

    def __init__(self, served):
        self.served, self.end, self.seen, self.wrong = served, threading.Event(), {probe: [] for probe in PROBES}, []
        self.threads = [threading.Thread(target=self.watch, args=(probe,), daemon=True) for probe in PROBES]

    def watch(self, probe):
        try:
            while not self.end.wait(0.005):
                began = time.monotonic()
                what = probe(self.served)
                self.seen[probe].append((began, time.monotonic(), what))
        except Exception as e:  # noqa: BLE001: told by the test's own thread
            self.wrong.append(f"{probe.__name__}: {e!r}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join(60)

    def wait_until(self, moment):
        """Until each has asked, and was answered, a few times from this moment on."""
        wait_for(lambda: self.wrong or all(len([1 for began, *_ in seen if began > moment]) > 3 for seen in self.seen.values()), "answers to all clients", timeout=60)
        assert not self.wrong, self.wrong


@pytest.fixture
def served(live):  # noqa: F811
    live.reader = live.token("consumer", "test", person="reader")
    return live


def move(watchers, *command):
    """Moves the pointer, and says when that began and when it was told; then everybody looks, later than a second after it too."""
    watchers.wait_until(time.monotonic())
    asked = time.monotonic()
    watchers.served.world.run(*command, home=watchers.served.home)
    told = time.monotonic()
    watchers.wait_until(told + 1)
    return asked, told


def test_every_protocol_shows_one_release_or_the_other_and_the_new_one_within_a_second(served):
    before = {probe: probe(served) for probe in PROBES}
    with Watchers(served) as watchers:
        _, promoted = move(watchers, "promote", NEW, "test")
        after = {probe: probe(served) for probe in PROBES}
        leaving, back = move(watchers, "rollback", "test/app")
    assert not watchers.wrong, watchers.wrong

    assert before[pypi_names] == ["greet", "only-1"] and after[pypi_names] == ["greet", "only-2"]
    assert (before[oci_tags], after[oci_tags]) == (["latest", "v1.0.0"], ["latest", "v2.0.0"])
    assert "only-1" in before[apt_packages] and "only-2" in after[apt_packages]
    for probe in PROBES:
        assert before[probe] != after[probe], probe.__name__
        seen = watchers.seen[probe]
        mixed = [what for *_, what in seen if what not in (before[probe], after[probe])]
        assert not mixed, (probe.__name__, mixed[0])
        new = [what for began, knew, what in seen if promoted + 1 < began and knew < leaving]
        old = [what for began, _, what in seen if back + 1 < began]
        assert len(new) > 3 and all(what == after[probe] for what in new), probe.__name__
        assert len(old) > 3 and all(what == before[probe] for what in old), probe.__name__
        assert {str(what) for *_, what in seen} == {str(before[probe]), str(after[probe])}  # it was watched while it moved


class Slow:
    """A download of which only the head and a little more was read."""

    def __init__(self, served, path):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)  # so that little of it can wait in the kernel
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", served.port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {served.reader}\r\n\r\n".encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data or len(self.data) < 8192:
            self.data += self.socket.recv(4096)

    def rest(self):
        while piece := self.socket.recv(65536):
            self.data += piece
        self.socket.close()
        head, _, body = self.data.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def test_a_download_that_was_begun_ends_with_its_own_bytes(served):
    downloads = served.downloads["v1"]
    begun = {protocol: Slow(served, path) for protocol, (path, _) in downloads.items()}
    assert all(len(data) > 2 << 20 for _, data in downloads.values())

    served.world.run("promote", NEW, "test", home=served.home)
    wait_for(lambda: oci_tags(served) == ["latest", "v2.0.0"], "the new release")

    for protocol, (path, data) in downloads.items():
        status, body = begun[protocol].rest()
        assert (status, len(body), body == data) == (200, len(data), True), protocol
    for protocol, (path, data) in downloads.items():  # and who asks now gets the new one, or nothing
        reply = served.get(path, served.reader)
        assert reply.status == (200 if protocol in ("files", "hf") else 404), protocol
        assert reply.body != data, protocol
