"""Access records say what was granted, byte by byte, in every protocol, and what was refused."""

from conftest import wait_for
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
