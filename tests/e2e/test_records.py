"""Access records say what was granted, byte by byte, in every protocol, and what was refused."""

import hashlib
import json

import jsonschema
from conftest import ROOT, wait_for
from pushing import MANIFEST, Repository, digest_of, manifest
from views import both, live  # noqa: F401  (fixtures)


def of(served, person, count):
    """The records of a person, when there are so many."""
    return wait_for(lambda: (found := [r for r in served.records() if r["person"] == person]) and len(found) >= count and found, f"{count} records of {person}", timeout=10)


def ask(served, person, asked, role="consumer", env="test"):
    """Makes the requests one after the other; gives [(status of the answer, length of its body, its record)]."""
    token = served.token(role, env, person=person)
    replies = [served.call(method, path, token, headers=headers, body=body) for method, path, headers, body in asked]
    records = of(served, person, len(asked))
    assert len(records) == len(asked), records
    return [(reply.status, len(reply.body), record) for reply, record in zip(replies, records)]


def test_a_record_of_a_file_has_the_status_and_the_bytes_of_the_answer(live):  # noqa: F811
    for protocol, (path, data) in {**live.downloads["v1"], "apt-index": ("/apt/test/dists/airlock/InRelease", None)}.items():
        whole = live.get(path, live.operator)
        data = whole.body if data is None else data
        assert whole.status == 200 and whole.body == data, path
        etag = whole.headers["ETag"]
        asked = [
            ("GET", path, {}, None),
            ("GET", path, {"Range": "bytes=0-0"}, None),
            ("GET", path, {"Range": "bytes=-7", "If-Range": etag}, None),
            ("GET", path, {"Range": "bytes=0-0", "If-Range": '"another"'}, None),
            ("GET", path, {"If-None-Match": etag}, None),
            ("GET", path, {"Range": f"bytes={len(data)}-"}, None),
            ("HEAD", path, {}, None),
        ]
        found = ask(live, f"reader-{protocol}", asked)
        wanted = [(200, len(data)), (206, 1), (206, 7), (200, len(data)), (304, 0), (416, 0), (200, 0)]
        assert [(status, record["status"], record["bytes"]) for status, _, record in found] == [(status, status, size) for status, size in wanted], path
        assert all(length == record["bytes"] for status, length, record in found if status != 416), path
        assert {record["kind"] for *_, record in found} == {"pull"}


def test_a_head_of_a_page_is_recorded(live):  # noqa: F811
    pages = ["/pypi/test/simple/greet/", "/npm/test/hello-pad", "/files/test/", "/hf/test/api/models/acme/tiny", "/v2/test/app/tags/list", "/v2/test/app/manifests/latest"]
    found = ask(live, "header", [("HEAD", path, {}, None) for path in pages])
    assert [(status, record["kind"], record["status"], record["bytes"]) for status, _, record in found] == [(200, "pull", 200, 0)] * len(pages)


def test_a_method_that_is_not_answered_is_recorded(live):  # noqa: F811
    asked = [
        ("POST", "/pypi/test/", {}, {"a": 1}),
        ("PUT", "/apt/test/dists/airlock/InRelease", {}, {"a": 1}),
        ("DELETE", "/hf/test/acme/tiny/resolve/main/weights.bin", {}, None),
        ("PATCH", "/files/test/app/handbook.txt", {}, None),
        ("PUT", "/npm/test/hello-pad", {}, {"name": "hello-pad"}),
        ("POST", "/npm/test/hello-pad", {}, {"name": "hello-pad"}),
        ("OPTIONS", "/pypi/test/simple/", {}, None),
    ]
    found = ask(live, "writer", asked)
    assert [(status, r["kind"], r["status"], r["bytes"], r["repository"]) for status, _, r in found] == [(405, "pull", 405, 0, path.split("/")[1]) for _, path, *_ in asked]
    reply = live.call("DELETE", "/pypi/test/simple/", live.operator)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert live.call("DELETE", "/npm/test/hello-pad", live.operator).headers["Allow"] == "GET, HEAD, POST"

    pushed = ask(live, "robot", [(method, "/v2/sandbox/things/tags/list", {}, {"a": 1}) for method in ("PUT", "POST", "PATCH", "DELETE", "OPTIONS")], "publisher", "sandbox")
    assert [(status, r["kind"], r["status"], r["bytes"]) for status, _, r in pushed] == [(405, "push", 405, 0)] * 5
    assert [(status, r["status"]) for status, _, r in ask(live, "nosy", [("PUT", "/v2/test/app/tags/list", {}, {"a": 1})])] == [(403, 403)]


SCHEMAS = {kind: json.loads((ROOT / f"docs/formats/access-{kind}.schema.json").read_text()) for kind in ("pull", "push", "call")}


class Asker:
    """Makes requests as one person; `check` then holds the records against them: each request leaves one, in order."""

    def __init__(self, served, role, env, person):
        self.served, self.person, self.made = served, person, []
        token = served.token(role, env, person=person)
        self.token_id = hashlib.sha256(token.encode()).hexdigest()[:12]
        self.caller = Repository(served, token, "")

    def expect(self, status, kind, size, method, path, body=None, action=None, **headers):
        """`size`: bytes of the record; None: those of the answer."""
        reply = self.caller.call(method, path, body, **headers)
        assert reply.status == status, (method, path, reply.status, reply.body[:200])
        self.made.append((method, path, (status, kind, len(reply.body) if size is None else size, action)))
        return reply

    def records(self):
        """What the HTTP front refuses is told by person or by token, as it comes."""
        return [r for r in self.served.records() if r["person"] == self.person or r.get("token") == self.token_id]

    def check(self):
        wait_for(lambda: len(self.records()) >= len(self.made), f"{len(self.made)} records of {self.person}", timeout=10)
        records = self.records()
        for (method, path, wanted), record in zip(self.made, records):
            jsonschema.validate(record, SCHEMAS[record["kind"]])
            assert (record["status"], record["kind"], record["bytes"], record.get("action")) == wanted, (method, path, record)
            if record["kind"] == "call":
                assert (record["path"], record["method"]) == (path.split("?")[0].replace("%2F", "/"), method)
        assert len(records) == len(self.made)


def test_every_request_of_a_push_is_recorded(live):  # noqa: F811
    robot = Asker(live, "publisher", "sandbox", "robot")
    base = "/v2/sandbox/records"
    upload = robot.expect(202, "push", 0, "POST", f"{base}/blobs/uploads/", action="begin").headers["Location"]
    robot.expect(202, "push", 1000, "PATCH", upload, b"x" * 1000, action="piece")
    robot.expect(204, "push", 0, "GET", upload, action="look")
    robot.expect(202, "push", 24, "PATCH", upload, b"x" * 24, action="piece", Content_Range="1000-1023")
    robot.expect(416, "push", 0, "PATCH", upload, b"x", action="piece", Content_Range="5-5")
    robot.expect(400, "push", 0, "PATCH", upload, b"x", action="piece", Content_Range="nonsense")
    robot.expect(400, "push", 0, "PUT", upload, b"", action="put")
    robot.expect(201, "push", 1025, "PUT", f"{upload}?digest={digest_of(b'x' * 1025)}", b"x", action="put")
    robot.expect(404, "push", 0, "GET", upload, action="look")
    upload = robot.expect(202, "push", 0, "POST", f"{base}/blobs/uploads/", action="begin").headers["Location"]
    robot.expect(204, "push", 0, "DELETE", upload, action="cancel")
    robot.expect(404, "push", 0, "DELETE", upload, action="cancel")
    robot.expect(400, "push", 0, "POST", f"{base}/blobs/uploads/?digest-algorithm=md5", action="begin")
    robot.expect(400, "push", 0, "POST", f"{base}/blobs/uploads/", b"a body", action="begin")
    robot.expect(201, "push", 2, "POST", f"{base}/blobs/uploads/?digest={digest_of(b'{}')}", b"{}", action="put")
    robot.expect(400, "push", 0, "POST", f"{base}/blobs/uploads/?digest={digest_of(b'other')}", b"{}", action="put")
    robot.expect(201, "push", 2, "POST", f"/v2/sandbox/elsewhere/blobs/uploads/?mount={digest_of(b'{}')}", action="mount")
    robot.expect(400, "push", 0, "POST", f"{base}/blobs/uploads/?mount=nonsense", action="mount")

    image = manifest(b"x" * 1025)
    robot.expect(201, "push", len(image), "PUT", f"{base}/manifests/v1", image, action="put", Content_Type=MANIFEST)
    robot.expect(400, "push", 0, "PUT", f"{base}/manifests/v2", b"{", action="put", Content_Type=MANIFEST)
    robot.expect(413, "push", 0, "PUT", f"{base}/manifests/v2", b" " * ((4 << 20) + 1), action="put", Content_Type=MANIFEST)
    robot.expect(200, "pull", len(image), "GET", f"{base}/manifests/v1")
    robot.expect(304, "pull", 0, "GET", f"{base}/manifests/v1", If_None_Match=f'"{digest_of(image)}"')
    robot.expect(202, "push", 0, "DELETE", f"{base}/manifests/v1", action="delete")
    robot.expect(404, "push", 0, "DELETE", f"{base}/manifests/v1", action="delete")
    robot.expect(202, "push", 0, "DELETE", f"{base}/blobs/{digest_of(b'{}')}", action="delete")
    robot.expect(403, "push", 0, "POST", "/v2/test/app/blobs/uploads/", action="begin")
    robot.expect(403, "push", 0, "DELETE", "/v2/test/app/manifests/v1", action="delete")
    robot.check()


DIGEST = f"sha256:{hashlib.sha256(b'nothing').hexdigest()}"
PULLS = [
    # status, kind, bytes (None: of the body), method, path, body
    (200, "call", 2, "GET", "/v2/", None),
    (200, "call", 0, "HEAD", "/v2", None),
    (200, "pull", None, "GET", "/v2/test/app/tags/list", None),
    (200, "pull", None, "GET", "/v2/test/app/manifests/latest", None),
    (200, "pull", None, "GET", f"/v2/test/app/referrers/{DIGEST}", None),
    (200, "pull", None, "GET", f"/v2/test/none/referrers/{DIGEST}", None),
    (400, "pull", 0, "GET", "/v2/test/app/tags/list?n=x", None),
    (404, "pull", 0, "GET", "/v2/test/none/tags/list", None),
    (404, "pull", 0, "GET", "/v2/test/app/manifests/none", None),
    (404, "pull", 0, "GET", f"/v2/test/app/blobs/{DIGEST}", None),
    (400, "call", 0, "GET", "/v2/test/app/blobs/sha256:x", None),
    (403, "pull", 0, "GET", "/v2/prod/app/tags/list", None),
    (404, "call", 0, "GET", "/v2/nowhere/app/tags/list", None),
    (404, "call", 0, "GET", "/v2/x", None),
    (403, "call", 0, "POST", "/v2/", None),
    # what the HTTP front refuses
    (400, "call", 0, "GET", "/v2/test%2Fapp/tags/list", None),
    (400, "call", 0, "GET", "/v2/test/app/tags/list?n=1&n=2", None),
    (400, "call", 0, "GET", "/pypi/test/simple/a%2Fb/", None),
    (400, "call", 0, "GET", "/pypi/test/simple/?a=1&a=2", None),
    (413, "call", 0, "GET", "/pypi/test/simple/", b"a body"),
    (413, "call", 0, "POST", "/hf/test/api/models/acme/tiny/paths-info/main", b" " * ((1 << 20) + 1)),
    (404, "call", 0, "GET", "/nothing/here", None),
    (404, "call", 0, "PUT", "/nothing/here", b"x"),
    (405, "call", 0, "DELETE", "/metrics", None),
    # mirrors
    (200, "pull", None, "GET", "/pypi/test/simple/", None),
    (200, "pull", None, "GET", "/pypi/test/simple/greet/", None),
    (301, "pull", 0, "GET", "/pypi/test/simple/greet", None),
    (404, "pull", 0, "GET", "/pypi/test/simple/none/", None),
    (404, "pull", 0, "GET", "/pypi/test/nothing", None),
    (404, "call", 0, "GET", "/pypi/nowhere/simple/", None),
    (403, "pull", 0, "GET", "/pypi/prod/simple/", None),
    (405, "pull", 0, "POST", "/pypi/test/simple/", b"x"),
    (200, "pull", None, "GET", "/npm/test/hello-pad", None),
    (200, "pull", None, "GET", "/npm/test/-/ping", None),
    (200, "pull", None, "GET", "/npm/test/-/whoami", None),
    (404, "pull", 0, "GET", "/npm/test/none", None),
    (200, "pull", None, "POST", "/npm/test/-/npm/v1/security/advisories/bulk", b"{}"),
    (200, "pull", None, "GET", "/apt/test/dists/airlock/InRelease", None),
    (200, "pull", None, "GET", "/apt/test/key.asc", None),
    (404, "pull", 0, "GET", "/apt/test/pool/main/none/none_1_all.deb", None),
    (404, "pull", 0, "GET", f"/apt/test/evidence/{'0' * 64}", None),
    (200, "pull", None, "GET", "/files/test/", None),
    (301, "pull", 0, "GET", "/files/test", None),
    (404, "pull", 0, "GET", "/files/test/none", None),
    (400, "pull", 0, "GET", "/files/test/sha256:x", None),
    (200, "pull", None, "GET", "/hf/test/api/whoami-v2", None),
    (200, "pull", None, "GET", "/hf/test/api/models?search=x", None),
    (400, "pull", 0, "GET", "/hf/test/api/models?limit=x", None),
    (200, "pull", None, "GET", "/hf/test/api/models/acme/tiny", None),
    (200, "pull", None, "GET", "/hf/test/api/models/acme/tiny/revision/refs%2Fheads%2Fmain", None),
    (404, "pull", 0, "GET", "/hf/test/api/models/acme/tiny/revision/refs%2Fpr%2F1", None),
    (404, "pull", 0, "GET", "/hf/test/api/models/acme/none", None),
    (404, "pull", 0, "GET", "/hf/test/acme/tiny/resolve/main/none", None),
    (400, "pull", 0, "POST", "/hf/test/api/models/acme/tiny/paths-info/main", b"{"),
    (405, "pull", 0, "POST", "/hf/test/api/models/acme/tiny", b"{}"),
]


def test_every_answer_of_every_protocol_is_recorded(live):  # noqa: F811
    reader = Asker(live, "consumer", "test", "reader")
    for status, kind, size, method, path, body in PULLS:
        reader.expect(status, kind, size, method, path, body, Content_Type="application/json")
    reader.expect(413, "call", 0, "POST", "/npm/test/-/npm/v1/security/advisories/bulk", iter([b" " * 65536] * 17))  # nobody said how long it is
    reader.check()


def test_what_fails_inside_is_recorded(live):  # noqa: F811
    """A blob that the store has lost: 500, in each protocol, with a record."""
    (live.home / "store/blobs/sha256" / hashlib.sha256(live.downloads["v1"]["hf"][1]).hexdigest()).unlink()
    reader = Asker(live, "consumer", "test", "reader")
    for path in (live.downloads["v1"]["hf"][0], live.downloads["v1"]["oci"][0]):
        reader.expect(500, "pull", 0, "GET", path)
    reader.check()


def test_a_refusal_before_anybody_is_asked_names_the_token_by_its_hash(live):  # noqa: F811
    """The HTTP front does not wait to learn whose token it is; the record has what `token list` shows."""
    token = live.token("consumer", "test", person="stranger")
    assert live.get("/nothing/here", token).status == 404
    record = live.record(lambda r: r.get("path") == "/nothing/here", "of the refusal")
    assert (record["kind"], record["status"], record["person"]) == ("call", 404, "")
    assert record["token"] == hashlib.sha256(token.encode()).hexdigest()[:12]
    assert live.get("/nothing/there").status == 404
    assert "token" not in live.record(lambda r: r.get("path") == "/nothing/there", "without a token")
