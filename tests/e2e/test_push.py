"""Pushing: whole or not at all, seen by its pusher alone, and taken back only while nobody judged it. And a release that was pushed goes the
way of one that was shipped."""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import jsonschema
import pytest
from conftest import ROOT, Server, wait_for
from peers import peers  # noqa: F401  (a fixture)
from pushing import INDEX, MANIFEST, Repository, descriptor, digest_of, manifest, pushed_files
from served import Served, starter
from world import World


def schema(name):
    return json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text())


class Empty:
    """A contour in which nothing stands: made once."""

    def __init__(self, airlock_path, folder):
        world = World(airlock_path, folder)
        world.found().people(ines="engineer", robot="publisher", other="publisher", aude="auditor")
        self.path, self.contour = world.path, world.contour


@pytest.fixture(scope="module")
def empty(airlock_path, tmp_path_factory):
    return Empty(airlock_path, tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def pushed_to(empty, tmp_path_factory):
    source = starter(empty, lambda: tmp_path_factory.mktemp("pushed"))
    yield next(source)(**{"requests-per-minute": 100000})
    next(source, None)


def again(served):
    """The same contour, served anew."""
    (served.home / "run/serve.json").unlink(missing_ok=True)  # a killed serve leaves it
    served.server = Server([served.world.path, "--home", served.home, "serve", "--port", "0"], served.home.parent / "serve-again.log", None)
    served.port = wait_for(served.find_port, "run/serve.json")


@pytest.fixture
def mine(pushed_to, request):
    """A repository of this test's own."""
    name = request.node.name.lower().split("[")[0].replace("_", "-")[:50].strip("-")
    return Repository(pushed_to, pushed_to.token("publisher", "sandbox", person="robot"), f"sandbox/{name}")


# ── bytes ──


def test_an_upload_goes_on_where_it_was_also_after_a_restart(empty, tmp_path):
    source = starter(empty, lambda: tmp_path)
    served = next(source)()
    repository = Repository(served, served.token("publisher", "sandbox", person="robot"), "sandbox/resumed")
    data = os.urandom(300_000)
    upload = repository.begin()
    first = repository.call("PATCH", upload, data[:100_000], content_range="0-99999")
    assert (first.status, first.headers["Range"]) == (202, "0-99999")

    assert served.stop() == 0
    again(served)

    where = repository.call("GET", upload)
    assert (where.status, where.headers["Range"]) == (204, "0-99999")
    assert repository.call("PATCH", upload, data[100_000:200_000]).headers["Range"] == "0-199999"
    done = repository.finish(upload, digest_of(data), data[200_000:], content_range="200000-299999")
    assert done.status == 201, done.text
    assert repository.call("GET", done.headers["Location"]).body == data
    assert repository.call("GET", upload).status == 404
    next(source, None)


def test_a_killed_serve_leaves_an_upload_or_nothing(empty, tmp_path):
    source = starter(empty, lambda: tmp_path)
    served = next(source)()
    repository = Repository(served, served.token("publisher", "sandbox", person="robot"), "sandbox/killed")
    upload = repository.begin()
    connection = socket.create_connection(("127.0.0.1", served.port), 10)
    connection.sendall(f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {repository.token}\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 500_000)
    wait_for(lambda: any((served.home / "pushed/uploads" / name).stat().st_size > 0 for name in pushed_files(served.home)[1]), "bytes of the upload")
    served.server.process.send_signal(signal.SIGKILL)
    connection.close()
    served.server.kill()
    assert pushed_files(served.home)[0] == set()

    again(served)
    where = repository.call("GET", upload)
    assert where.status == 204
    size = int(where.headers["Range"].split("-")[1]) + 1
    data = b"x" * size
    assert repository.finish(upload, digest_of(data)).status == 201
    served.world.run("fsck")
    next(source, None)


class Dying:
    """A copy of the contour whose serve the injector of the fault tests watches (src/util/sys_fault.h)."""

    def __init__(self, empty, folder, program, fault):
        self.home, self.space, self.world = folder / "contour", None, World(empty.path, folder)
        shutil.copytree(empty.contour, self.home, symlinks=True)
        self.server = Server([program, "--home", self.home, "serve", "--port", "0"], folder / "serve.log", {"AIRLOCK_FAULT": fault})

    find_port = Served.find_port

    def listens(self):
        """The port; None when it died before it had one."""
        return wait_for(lambda: "ended" if self.server.ended() else self.find_port(), "run/serve.json")


def push_everything(repository, data):
    upload = repository.begin()
    assert repository.call("PATCH", upload, data[:5000]).status == 202
    assert repository.finish(upload, digest_of(data), data[5000:]).status == 201
    assert repository.put_manifest("v1", repository.image(data)).status == 201
    assert repository.call("GET", "manifests/v1").status == 200


def test_a_serve_that_dies_at_any_change_leaves_whole_blobs_or_none(empty, airlock_fault_path, tmp_path, exhaustive):
    data = os.urandom(9000)
    token = World(empty.path, tmp_path).run("token", "new", "robot", "--role", "publisher", "--env", "sandbox", home=empty.contour, json=True).json["token"]

    def changes(folder, push):
        dying = Dying(empty, folder, airlock_fault_path, "count")
        dying.port = dying.listens()
        if push:
            push_everything(Repository(dying, token, "sandbox/dying"), data)
        dying.server.stop()
        return int(re.search(r"changes=(\d+)", dying.server.output)[1])

    first, last = changes(tmp_path / "start", False), changes(tmp_path / "push", True)
    assert last > first + 10
    for n in range(first - 1, last + 1, 1 if exhaustive else max(1, (last - first) // 7)):
        dying = Dying(empty, tmp_path / f"n{n}", airlock_fault_path, f"kill:{n}")
        dying.port = dying.listens()
        repository = Repository(dying, token, "sandbox/dying")
        if dying.port != "ended":
            with contextlib.suppress(OSError, http.client.HTTPException):
                push_everything(repository, data)
            dying.server.stop()
        assert {digest_of((dying.home / "pushed/blobs/sha256" / name).read_bytes()) for name in pushed_files(dying.home)[0]} == {f"sha256:{name}" for name in pushed_files(dying.home)[0]}
        again(dying)
        found = repository.call("GET", f"blobs/{digest_of(data)}")
        assert found.status == 404 or found.body == data
        push_everything(repository, data)
        assert repository.call("GET", f"blobs/{digest_of(data)}").body == data
        assert dying.server.stop() == 0
        dying.world.run("fsck")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_lie_about_the_digest_leaves_nothing(mine, algorithm):
    blobs, uploads = pushed_files(mine.served.home)
    wrong = digest_of(b"something else", algorithm)
    refused = [mine.call("POST", f"blobs/uploads/?digest={wrong}", b"bytes"), mine.finish(mine.begin(), wrong, b"bytes")]
    upload = mine.begin()
    mine.call("PATCH", upload, b"bytes")
    refused.append(mine.finish(upload, wrong))
    assert [reply.status for reply in refused] == [400] * 3 and {mine.code(reply) for reply in refused} == {"DIGEST_INVALID"}
    assert digest_of(b"bytes", algorithm) in refused[0].text
    assert mine.call("GET", upload).status == 404
    assert pushed_files(mine.served.home) == (blobs, uploads)
    assert mine.call("HEAD", f"blobs/{wrong}").status == 404


def test_a_lie_about_length_or_range_leaves_the_upload_as_it_was(mine):
    upload = mine.begin()
    assert mine.call("PATCH", upload, b"0123456789").status == 202
    ahead = mine.call("PATCH", upload, b"x", content_range="20-20")
    assert (ahead.status, ahead.headers["Range"]) == (416, "0-9") and ahead.headers["Location"] == upload
    for wrong in ("10-5", "ten-eleven", "10", "bytes 10-19/20", "10-99999999999999999999"):
        assert mine.call("PATCH", upload, b"x", content_range=wrong).status == 400, wrong
    assert mine.call("PATCH", upload, b"abc", content_range="10-19").status == 400  # says ten, sends three
    assert mine.call("PATCH", upload, iter([b"abc"]), content_range="10-19").status == 400
    longer = mine.call("PATCH", upload, iter([b"abcdefghijk"]), content_range="10-11")
    assert longer.status in (400, 413)
    assert mine.call("GET", upload).headers["Range"] == "0-9"
    assert mine.finish(upload, digest_of(b"0123456789")).status == 201


def test_a_client_that_breaks_off_can_go_on(mine):
    upload = mine.begin()
    connection = socket.create_connection(("127.0.0.1", mine.served.port), 10)
    connection.sendall(f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {mine.token}\r\nContent-Length: 1000\r\n\r\n".encode() + b"y" * 400)
    connection.shutdown(socket.SHUT_WR)
    connection.close()

    def rested():
        reply = mine.call("GET", upload)
        return reply.status == 204 and reply

    size = int(wait_for(rested, "the broken request's end").headers["Range"].split("-")[1])
    data = b"y" * (size + 1 if size else 0) + b"and the rest"
    rest = mine.finish(upload, digest_of(data), b"and the rest")
    assert rest.status == 201, rest.text


def test_two_uploads_of_one_blob_at_once_are_both_fine(mine):
    data = os.urandom(2 << 20)
    replies = []

    def one(name):
        replies.append(Repository(mine.served, mine.token, name).call("POST", f"blobs/uploads/?digest={digest_of(data)}", data).status)

    threads = [threading.Thread(target=one, args=(f"{mine.name}/{n % 2}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [201] * 6
    assert Repository(mine.served, mine.token, f"{mine.name}/1").call("GET", f"blobs/{digest_of(data)}").body == data


def test_one_upload_takes_one_request_at_a_time(mine):
    upload = mine.begin()
    with socket.create_connection(("127.0.0.1", mine.served.port), 10) as first:
        first.sendall(f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {mine.token}\r\nContent-Length: 100\r\n\r\n".encode() + b"z" * 50)
        wait_for(lambda: mine.call("GET", upload).status == 503, "the first request to have it")
        first.sendall(b"z" * 50)
        assert b" 202 " in first.recv(4096).split(b"\r\n")[0]
    assert mine.finish(upload, digest_of(b"z" * 100)).status == 201


# ── who sees it ──


def test_what_was_pushed_is_there_for_its_pusher_and_for_nobody_else(mine):
    served = mine.served
    digest = mine.push(b"not judged")
    image = mine.image(b"not judged")
    assert mine.put_manifest("v0.1.0", image).status == 201
    assert mine.call("GET", "tags/list").json["tags"] == ["v0.1.0"]
    others = [
        served.token("publisher", "sandbox", person="other"),
        served.token("engineer", "*", person="ines"),
        served.token("auditor", "*", person="aude"),
        served.token("consumer", "sandbox"),
    ]
    for token in others:
        other = Repository(served, token, mine.name)
        for path in (f"blobs/{digest}", "manifests/v0.1.0", f"manifests/{digest_of(image)}"):
            found = other.call("GET", path)
            assert found.status == 404 and b"not judged" not in found.body
        hanging = other.call("GET", f"referrers/{digest}")
        assert hanging.status == 200 and hanging.json["manifests"] == []
        assert "v0.1.0" not in other.call("GET", "tags/list").text
    there = Repository(served, others[0], f"{mine.name}/theirs")
    assert there.call("POST", f"blobs/uploads/?mount={digest}&from={mine.name}").status == 202  # not mounted: an upload begins
    assert there.call("POST", f"blobs/uploads/?mount={digest}").status == 202
    assert there.put_manifest("v1", image).status == 400


@pytest.mark.parametrize(("role", "person", "repository"), [("publisher", "robot", "prod/x"), ("publisher", "robot", "test/x"), ("engineer", "ines", "sandbox/x"), ("auditor", "aude", "sandbox/x"), ("consumer", "anna", "sandbox/x")])
def test_who_may_not_push_is_refused_and_it_is_recorded(pushed_to, role, person, repository):
    them = Repository(pushed_to, pushed_to.token(role, "*", person=person), repository)
    for reply in (them.call("POST", "blobs/uploads/"), them.put_manifest("v1", manifest())):
        assert reply.status == 403 and them.code(reply) == "DENIED"
    pushed_to.record(lambda r: r["status"] == 403 and r.get("person") == person, f"of {person}'s refusal")


def test_everything_pushed_leaves_a_record(mine):
    assert mine.call("PUT", "tags/list", b"").status == 405
    digest = mine.push(b"recorded")
    assert mine.put_manifest("v1", mine.image(b"recorded")).status == 201
    mine.call("POST", f"blobs/uploads/?digest={digest}", b"a lie")
    mine.call("DELETE", "manifests/v1")
    records = [r for r in wait_for(lambda: [r for r in mine.served.records() if r.get("repository") == mine.name and r.get("action") == "delete"] and mine.served.records(), "the last record") if r.get("repository") == mine.name]
    told = {(r["kind"], r["what"], r["action"], r["status"], r.get("tag", "")) for r in records if r["kind"] == "push"}
    assert {("push", "tags", "put", 405, ""), ("push", "upload", "put", 201, ""), ("push", "manifest", "put", 201, "v1"), ("push", "upload", "put", 400, ""), ("push", "manifest", "delete", 202, "v1")} <= told
    assert next(r for r in records if r["status"] == 201)["digest"] == digest and all(r["person"] == "robot" for r in records)
    for record in records:
        jsonschema.validate(record, schema(f"access-{record['kind']}"))


def test_who_pushed_a_blob_may_take_it_back_from_under_a_manifest_and_pushes_it_again(mine):
    image = mine.image(b"a layer")
    layer = digest_of(b"a layer")
    assert mine.put_manifest("v1", image).status == 201
    assert mine.call("DELETE", f"blobs/{layer}").status == 202
    assert mine.call("GET", "manifests/v1").body == image
    assert mine.call("GET", f"blobs/{layer}").status == 404
    assert mine.put_manifest("v2", image).status == 400  # nothing new can rest on what is not there
    mine.push(b"a layer")
    assert mine.put_manifest("v2", image).status == 201


def test_an_upload_says_which_digest_it_will_have(mine):
    for algorithm in ("sha256", "sha512"):
        assert mine.call("POST", f"blobs/uploads/?digest-algorithm={algorithm}").status == 202
    refused = mine.call("POST", "blobs/uploads/?digest-algorithm=md5")
    assert (refused.status, mine.code(refused)) == (400, "DIGEST_INVALID")


# ── manifests ──


def test_a_manifest_that_the_client_has_is_not_sent_again(mine):
    image = mine.image(b"part")
    assert mine.put_manifest("v1", image).status == 201
    etag = mine.call("GET", "manifests/v1").headers["ETag"]
    assert etag == f'"{digest_of(image)}"'
    for method, path in (("GET", "manifests/v1"), ("HEAD", "manifests/v1"), ("GET", f"manifests/{digest_of(image)}")):
        same = mine.call(method, path, if_none_match=etag)
        assert (same.status, same.body, same.headers["ETag"], same.headers["Docker-Content-Digest"]) == (304, b"", etag, digest_of(image))
        other = mine.call(method, path, if_none_match='"sha256:' + "0" * 64 + '"')
        assert (other.status, other.body) == (200, b"" if method == "HEAD" else image)


def test_a_manifest_that_two_readers_could_read_in_two_ways_is_refused(mine):
    part = descriptor(b"part")
    mine.push(b"part")
    mine.push(b"{}")
    good = json.loads(manifest(b"part"))
    bad = {
        "duplicate key": manifest(b"part").replace(b'"schemaVersion": 2', b'"schemaVersion": 2, "layers": []'),
        "not JSON": b"{",
        "both kinds": json.dumps({**good, "manifests": []}).encode(),
        "another type": json.dumps({**good, "mediaType": INDEX}).encode(),
        "version 1": json.dumps({**good, "schemaVersion": 1}).encode(),
        "inline data of another digest": json.dumps({**good, "layers": [{**part, "data": "AAAA"}]}).encode(),
        "a size that is not the blob's": json.dumps({**good, "layers": [{**part, "size": 5}]}).encode(),
        "a digest that is none": json.dumps({**good, "layers": [{**part, "digest": "sha256:../../x"}]}).encode(),
        "annotations that are no text": json.dumps({**good, "annotations": {"a": 1}}).encode(),
        "nesting without end": b'{"schemaVersion":2,"config":' + b"[" * 5000 + b"]" * 5000 + b"}",
    }
    for what, data in bad.items():
        refused = mine.put_manifest("v1", data)
        assert refused.status == 400 and mine.code(refused) == "MANIFEST_INVALID", f"{what}: {refused.text}"
    missing = mine.put_manifest("v1", manifest(b"never pushed"))
    assert missing.status == 400 and mine.code(missing) == "MANIFEST_BLOB_UNKNOWN" and digest_of(b"never pushed") in missing.text
    other = mine.put_manifest(digest_of(b"x"), manifest(b"part"))
    assert other.status == 400 and mine.code(other) == "DIGEST_INVALID"
    assert mine.call("GET", "manifests/v1").status == 404


def test_a_manifest_may_have_four_mib_and_no_more(mine):
    mine.push(b"{}")
    room = (4 << 20) - len(manifest(annotations={"a": ""}))
    whole = manifest(annotations={"a": "x" * room})
    assert len(whole) == 4 << 20
    assert mine.put_manifest("v1", whole).status == 201
    assert mine.call("GET", "manifests/v1").body == whole
    assert mine.put_manifest("v2", whole + b" ").status == 413
    assert mine.call("PUT", "manifests/v2", iter([whole, b" "]), content_type=MANIFEST).status == 413
    assert mine.call("GET", "manifests/v2").status == 404


def test_latest_is_no_tag_that_can_be_pushed(mine):
    refused = mine.put_manifest("latest", mine.image(b"x"))
    assert refused.status == 403 and "version" in refused.text


@pytest.mark.parametrize("path", ["sandbox/../prod/x", "sandbox/x/../../prod", "sandbox//x", "sandbox/x%2f..%2fy", "Sandbox/x", "sandbox/X", "sandbox/.x", "sandbox/x\\y", "sandbox/x%00", "sandbox/" + "a" * 201, "staging/x", "sandbox"])
def test_names_with_tricks_are_refused(pushed_to, path):
    them = Repository(pushed_to, pushed_to.token("publisher", "*", person="robot"), path)
    assert them.call("POST", "blobs/uploads/").status in (400, 404)
    assert them.call("GET", f"manifests/{digest_of(b'x')}").status in (400, 404)


# ── taking back ──


def test_only_its_pusher_takes_back_what_nobody_judged(mine):
    image = mine.image(b"taken back " + mine.name.encode())
    mine.put_manifest("v1", image)
    other = Repository(mine.served, mine.served.token("publisher", "sandbox", person="other"), mine.name)
    for path in ("manifests/v1", f"manifests/{digest_of(image)}", f"blobs/{digest_of(b'taken back ' + mine.name.encode())}"):
        assert other.call("DELETE", path).status == 404
        assert mine.call("DELETE", path).status == 202
        assert mine.call("DELETE", path).status == 404
    gone = {digest_of(image).split(":")[1], digest_of(b"taken back " + mine.name.encode()).split(":")[1]}
    assert not gone & pushed_files(mine.served.home)[0]


# ── a release that was pushed ──


@pytest.fixture(scope="module")
def trusting(airlock_path, tmp_path_factory):
    """A contour that received v1.0.0 from its station, which packed v2.0.0 since; and a station that nobody trusts."""
    folder = tmp_path_factory.mktemp("trusting")
    world = World(airlock_path, folder)
    world.found().people(ines="engineer", robot="publisher", pavel="product-owner", sofia="security-officer")
    world.arrive()
    world.admit("assistant:v1.0.0")
    world.second = world.pack("assistant", "v2.0.0", prompts="system: Second.\nwarmup:\n  - Say hello.\n")
    world.third = world.pack("assistant", "v3.0.0", prompts="system: Third.\nwarmup:\n  - Say hello.\n")
    world.make_station("elsewhere", home=folder / "elsewhere")
    world.foreign = world.pack("assistant", "v4.0.0", station=folder / "elsewhere")
    return world


def receipt_of(world, ref):
    """What the contour signed about where a release came from."""
    for line in world.run("passport", ref, "--lines").lines:
        statement = json.loads(base64.b64decode(line["payload"]))
        if statement["predicateType"] == "urn:airlock:receipt:v1":
            return statement["predicate"]
    raise AssertionError(f"{ref} has no receipt")


def oras(peers, *words):  # noqa: F811
    done = subprocess.run([peers / "oras", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def skopeo(*words):
    done = subprocess.run(["skopeo", "--insecure-policy", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def push_release(peers, served, token, version, digest, station=None):  # noqa: F811
    """With everything that hangs on it."""
    source = f"{station or served.source.station}/store@{digest}"
    oras(peers, "cp", "-r", "--from-oci-layout", source, "--to-plain-http", "--to-username", "x", "--to-password", token, f"127.0.0.1:{served.port}/sandbox/assistant:{version}")


@pytest.fixture
def gate(trusting, tmp_path):
    source = starter(trusting, lambda: tmp_path)
    served = next(source)()
    served.source = trusting
    yield served
    next(source, None)


def test_a_pushed_release_goes_the_whole_way(gate, peers):  # noqa: F811
    robot, consumer = gate.token("publisher", "sandbox", person="robot"), gate.token("consumer", "sandbox")
    push_release(peers, gate, robot, "v2.0.0", gate.source.second)
    version = "/v2/sandbox/assistant/manifests/v2.0.0"
    assert gate.get(version, robot, headers={"Accept": INDEX}).headers["Docker-Content-Digest"] == gate.source.second
    assert gate.get(version, consumer).status == 404
    assert len(gate.get(f"/v2/sandbox/assistant/referrers/{gate.source.second}", robot).json["manifests"]) >= 3
    for path in (version, f"/v2/sandbox/assistant/manifests/{gate.source.second}"):
        assert gate.call("DELETE", path, robot).status == 405

    gate.world.admit("assistant:v2.0.0")

    found = gate.get(version, consumer)
    assert found.status == 200 and digest_of(found.body) == gate.source.second
    assert len(gate.get(f"/v2/sandbox/assistant/referrers/{gate.source.second}", consumer).json["manifests"]) >= 3
    for child in found.json["manifests"]:
        document = gate.get(f"/v2/sandbox/assistant/manifests/{child['digest']}", consumer).json
        for part in [document["config"], *document["layers"]]:
            assert digest_of(gate.get(f"/v2/sandbox/assistant/blobs/{part['digest']}", consumer).body) == part["digest"]
    assert gate.world.run("fsck", json=True).json["problems"] == []
    assert "pushed    by robot into sandbox/assistant" in gate.world.run("passport", "assistant:v2.0.0").out
    jsonschema.validate(gate.world.run("passport", "assistant:v2.0.0", json=True).json, schema("passport"))
    jsonschema.validate(receipt_of(gate.world, "assistant:v2.0.0"), schema("receipt"))


def test_fsck_finds_pushed_bytes_that_changed(gate, peers):  # noqa: F811
    push_release(peers, gate, gate.token("publisher", "sandbox", person="robot"), "v2.0.0", gate.source.second)
    gate.world.run("fsck")
    path = gate.home / "pushed/blobs/sha256" / gate.source.second.split(":")[1]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"v2.0.0", b"v2.0.1"))
    found = gate.world.run("fsck", status=None)
    assert found.status != 0 and f"pushed/blobs/sha256/{path.name}: damaged" in found.out + found.err and "assistant:v2.0.0" in found.out + found.err


def test_what_hangs_on_a_pushed_release_may_come_later(gate, peers):  # noqa: F811
    robot = gate.token("publisher", "sandbox", person="robot")
    where = f"127.0.0.1:{gate.port}/sandbox/assistant"
    skopeo("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds", f"x:{robot}", f"oci:{gate.source.station}/store:assistant:v3.0.0", f"docker://{where}:v3.0.0")
    gate.world.run("scan", "assistant:v3.0.0")
    refused = gate.world.run("judge", "assistant:v3.0.0", "--gate", "intake", status=1)
    assert "station" in refused.out + refused.err
    gate.world.run("promote", "assistant:v3.0.0", "sandbox", status=5)

    push_release(peers, gate, robot, "v3.0.0", gate.source.third)
    gate.world.admit("assistant:v3.0.0")
    assert gate.get("/v2/sandbox/assistant/manifests/v3.0.0", gate.token("consumer", "sandbox")).status == 200


def test_a_release_that_a_stranger_signed_is_refused_by_the_gate(gate, peers):  # noqa: F811
    robot = gate.token("publisher", "sandbox", person="robot")
    push_release(peers, gate, robot, "v4.0.0", gate.source.foreign, station=gate.source.folder / "elsewhere")
    gate.world.run("scan", "assistant:v4.0.0")
    refused = gate.world.run("judge", "assistant:v4.0.0", "--gate", "intake", status=1)
    assert "no receipt of this contour says which station it came from" in refused.out + refused.err
    gate.world.run("promote", "assistant:v4.0.0", "sandbox", status=5)
    assert gate.get("/v2/sandbox/assistant/manifests/v4.0.0", gate.token("consumer", "sandbox")).status == 404


def test_a_version_is_pushed_once_and_under_its_own_name(gate, peers):  # noqa: F811
    robot = gate.token("publisher", "sandbox", person="robot")
    repository = Repository(gate, robot, "sandbox/assistant")
    over = repository.put_manifest("v1.0.0", repository.image(b"another"))
    assert over.status == 403 and "a version is for ever" in over.text
    push_release(peers, gate, robot, "v2.0.0", gate.source.second)
    index = repository.call("GET", "manifests/v2.0.0", accept=INDEX).body
    renamed = repository.put_manifest("v2.0.1", index, INDEX)
    assert renamed.status == 400 and "v2.0.0" in renamed.text
    again_ = repository.put_manifest("v2.0.0", index, INDEX)
    assert again_.status == 201
    half = json.loads(index)
    half["manifests"] = half["manifests"][:2]
    refused = repository.put_manifest("v2.0.2", json.dumps(half).encode(), INDEX)
    assert refused.status == 400 and repository.code(refused) == "MANIFEST_INVALID"
