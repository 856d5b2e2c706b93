"""Room: below the reserve nothing is pushed, a repository holds what its quota allows, and what stands in the contour is served all the same."""

import os

import pytest
from pushing import Repository, digest_of, pushed_files
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
