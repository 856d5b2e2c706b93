"""Room: below the reserve nothing is pushed, a repository holds what its quota allows, and what stands in the contour is served all the same."""

import json
import os
import shutil

import pytest
from pushing import INDEX, Repository, digest_of, pushed_files
from served import starter
from test_push import empty  # noqa: F401


@pytest.fixture
def start(empty, tmp_path):  # noqa: F811
    yield from starter(empty, lambda: tmp_path)


def repository_of(served, name="sandbox/things"):
    return Repository(served, served.token("publisher", "sandbox", person="robot"), name)


def test_a_repository_holds_what_its_quota_allows(start):
    served = start(quota="100K")
    repository, data = repository_of(served), os.urandom(60_000)
    repository.push(data)
    more = os.urandom(60_000)

    refused = repository.call("POST", f"blobs/uploads/?digest={digest_of(more)}", more)
    assert (refused.status, repository.code(refused)) == (403, "DENIED")
    assert "sandbox/things would hold 120000 bytes" in refused.text and "quota is 102400" in refused.text

    upload = repository.begin()
    assert repository.call("PATCH", upload, more[:40_000]).status == 202
    refused = repository.finish(upload, digest_of(more), more[40_000:])
    assert refused.status == 403

    assert repository.call("HEAD", f"blobs/{digest_of(more)}").status == 404
    repository.push(data)  # what is there already takes no more room
    repository_of(served, "sandbox/other").push(more)  # and each repository has its own
    repository.call("DELETE", f"blobs/{digest_of(data)}")
    repository.push(more)
    served.world.run("fsck")


def test_below_the_reserve_nothing_is_pushed_and_the_rest_goes_on(start):
    served = start(reserve="900T")
    repository, data = repository_of(served), b"bytes"

    refused = repository.call("POST", f"blobs/uploads/?digest={digest_of(data)}", data)
    assert refused.status == 507 and "kept free" in refused.text
    assert repository.call("POST", "blobs/uploads/").status == 507
    assert pushed_files(served.home) == (set(), set())
    assert served.get("/readyz", served.operator).status == 200
    assert served.get("/v2/", repository.token).status == 200


def upload_sizes(served):
    return sorted(path.stat().st_size for path in (served.home / "pushed/uploads").iterdir())


class Endless:
    """A body without a length (http.client sends it in chunks), of at most `most` bytes; `largest` is what uploads had while it was sent."""

    def __init__(self, served, most):
        self.served, self.most, self.largest, self.piece = served, most, 0, os.urandom(65536)

    def __iter__(self):
        for _ in range(self.most // len(self.piece)):
            self.largest = max(self.largest, *upload_sizes(self.served))
            yield self.piece


def test_a_body_without_a_length_ends_where_the_quota_does(start):
    served = start(quota="1M")
    repository = repository_of(served)
    upload = repository.begin()
    assert repository.call("PATCH", upload, b"x" * 1000).status == 202

    body = Endless(served, 64 << 20)
    refused = repository.call("PATCH", upload, iter(body))
    assert (refused.status, repository.code(refused)) == (403, "DENIED") and "its quota is 1048576" in refused.text
    assert body.largest <= 1 << 20
    assert upload_sizes(served) == [1000]
    going_on = repository.call("GET", upload)
    assert (going_on.status, going_on.headers["Range"]) == (204, "0-999")

    refused = repository.call("POST", f"blobs/uploads/?digest={digest_of(b'x')}", iter(Endless(served, 64 << 20)))
    assert (refused.status, repository.code(refused)) == (403, "DENIED")
    assert repository.finish(upload, digest_of(b"x" * 1001), b"x").status == 201
    served.world.run("fsck")


def test_unfinished_uploads_count_whoever_began_them(start):
    served = start(quota="100K")
    repository, other = repository_of(served), repository_of(served, "sandbox/other")
    mine, data = repository.begin(), os.urandom(60_000)
    assert repository.call("PATCH", mine, data).status == 202

    second = repository.begin()
    refused = repository.call("PATCH", second, data)
    assert refused.status == 403 and "sandbox/things would hold 120000 bytes" in refused.text
    assert repository.call("PATCH", second, iter([data])).status == 403
    assert repository.call("POST", f"blobs/uploads/?digest={digest_of(data)}", data).status == 403

    colleague = Repository(served, served.token("publisher", "sandbox", person="other"), "sandbox/things")
    assert colleague.call("POST", f"blobs/uploads/?digest={digest_of(data)}", iter([data])).status == 403
    other.push(data)

    assert repository.finish(mine, digest_of(data)).status == 201  # it was counted already
    assert repository.call("PATCH", second, iter([data])).status == 403
    again = repository.call("POST", f"blobs/uploads/?digest={digest_of(data)}", iter([data]))
    assert again.status == 201  # what is there takes no more room
    refused = repository.call("POST", f"blobs/uploads/?digest={digest_of(data)}", iter([data, data]))
    assert refused.status == 403  # and says nothing about other bytes


def test_who_is_refused_for_want_of_room_may_come_again_at_once(start):
    served = start(quota="100K")
    repository, data = repository_of(served), os.urandom(200_000)
    upload = repository.begin()
    for _ in range(30):
        assert repository.call("PATCH", upload, data).status == 403
        assert repository.call("GET", upload).status == 204


@pytest.mark.alone  # it looks at how much room the whole disk has
def test_a_body_without_a_length_ends_where_the_reserve_begins(start, tmp_path):
    served = start(reserve=f"{(shutil.disk_usage(tmp_path).free >> 20) - 200}M")
    repository = repository_of(served)
    upload = repository.begin()
    assert repository.call("PATCH", upload, b"x" * 1000).status == 202

    for method, path in (("PATCH", upload), ("POST", f"blobs/uploads/?digest={digest_of(b'x')}")):
        body = Endless(served, 2 << 30)
        refused = repository.call(method, path, iter(body))
        assert (refused.status, repository.code(refused)) == (507, "DENIED") and "kept free" in refused.text
        assert body.largest < 1 << 30
    assert upload_sizes(served) == [1000]
    assert repository.finish(upload, digest_of(b"x" * 1000)).status == 201


def padded(number, size):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"n": str(number), "pad": "a" * size}}).encode()


def test_manifests_count_into_the_quota(start):
    served = start(quota="1M")
    repository = repository_of(served)
    large = padded(0, 3_900_000)
    for body in (large, iter([large])):
        refused = repository.call("PUT", "manifests/t0", body, content_type=INDEX)
        assert (refused.status, repository.code(refused)) == (403, "DENIED") and "its quota is 1048576" in refused.text
    assert pushed_files(served.home) == (set(), set())

    first, second, third = (padded(number, 400_000) for number in (1, 2, 3))
    for tag, data in (("t1", first), ("t2", second)):
        assert repository.put_manifest(tag, data, INDEX).status == 201
    for body in (third, iter([third])):
        assert repository.call("PUT", "manifests/t3", body, content_type=INDEX).status == 403
    assert repository.call("HEAD", "manifests/t3").status == 404
    assert repository.call("POST", f"blobs/uploads/?digest={digest_of(third)}", third).status == 403
    assert repository.put_manifest("t1", third, INDEX).status == 403  # not in the place of another: that one stays, without its tag
    assert repository.call("GET", "manifests/t1").body == first

    assert repository.put_manifest("t1", first, INDEX).status == 201  # what is there already takes no more room
    assert repository.put_manifest(digest_of(first), first, INDEX).status == 201
    assert repository.call("DELETE", f"manifests/{digest_of(second)}").status == 202
    assert repository.put_manifest("t3", third, INDEX).status == 201
    assert len(pushed_files(served.home)[0]) == 2
    served.world.run("fsck")


def test_below_the_reserve_no_manifest_is_taken(start):
    served = start(reserve="900T")
    repository = repository_of(served)
    for body in (padded(1, 10), iter([padded(1, 10)])):
        refused = repository.call("PUT", "manifests/t1", body, content_type=INDEX)
        assert (refused.status, repository.code(refused)) == (507, "DENIED") and "kept free" in refused.text
    assert pushed_files(served.home) == (set(), set())
    assert repository.call("DELETE", "manifests/t1").status == 404  # and taking back goes on
