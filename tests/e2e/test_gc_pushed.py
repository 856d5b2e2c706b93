"""What was pushed and nothing needs: it is shown, it is counted, and garbage collection takes it after the grace."""

import json
import os
import sqlite3
import time

import jsonschema
import pytest
from conftest import ROOT
from pushing import INDEX, MANIFEST, Repository, descriptor, digest_of, manifest, pushed_files
from served import starter
from test_push import empty  # noqa: F401

OLD = time.time() - 10 * 86400


@pytest.fixture
def start(empty, tmp_path):  # noqa: F811
    yield from starter(empty, lambda: tmp_path)


def repository_of(served, name="sandbox/things", person="robot"):
    return Repository(served, served.token("publisher", "sandbox", person=person), name)


def make_old(served):
    """Everything that was pushed so far came ten days ago."""
    with sqlite3.connect(served.home / "state.db", timeout=10) as db:
        for table in ("pushed_blob", "pushed_manifest"):
            db.execute(f"UPDATE {table} SET time = ?", (int(OLD),))
    db.close()
    for path in (served.home / "pushed/blobs/sha256").iterdir():
        os.utime(path, (OLD, OLD))


def gc(served, *options):
    document = served.world.run("gc", *options, home=served.home, json=True).json
    jsonschema.validate(document, json.loads((ROOT / "docs/formats/gc.schema.json").read_text()))
    return document


def index(*manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(m, MANIFEST) for m in manifests]}).encode()


def names(*data):
    return {digest_of(d).removeprefix("sha256:") for d in data}


def test_what_a_refused_push_left_goes_after_the_grace(start):
    """The children of an index came, and the index did not: no tag leads to them."""
    served = start()
    repository = repository_of(served)
    layer, alone = os.urandom(50_000), os.urandom(10_000)
    child = repository.image(layer)
    assert repository.put_manifest(digest_of(child), child).status == 201
    repository.push(alone)

    assert gc(served)["pushed_rows"] == 0, "what came within the grace stays"
    make_old(served)
    would = gc(served, "--dry-run")
    assert would["pushed_rows"] == 4 and would["blobs"] == 4 and would["bytes"] == 60_002 + len(child)
    assert pushed_files(served.home)[0] == names(layer, alone, child, b"{}"), "a dry run changes nothing"
    done = gc(served)
    assert {**done, "dry_run": True} == would
    assert pushed_files(served.home)[0] == set()
    assert repository.call("GET", f"manifests/{digest_of(child)}").status == 404
    entries = served.world.run("log", "--all", "--action", "gc", home=served.home, json=True).out
    assert '"pushed-rows":4' in entries
    served.world.run("fsck", home=served.home)


def test_what_a_tag_leads_to_stays_with_what_hangs_on_it(start):
    served = start()
    repository = repository_of(served)
    layer, more = b"a layer", b"in the other"
    first, second = repository.image(layer), repository.image(more)
    for child in (first, second):
        assert repository.put_manifest(digest_of(child), child).status == 201
    whole = index(first, second)
    assert repository.put_manifest("v1", whole, INDEX).status == 201
    said = repository.image(b"about it", subject=descriptor(whole, INDEX))
    assert repository.put_manifest(digest_of(said), said).status == 201
    make_old(served)
    assert gc(served)["pushed_rows"] == 0
    assert pushed_files(served.home)[0] == names(layer, more, first, second, whole, said, b"about it", b"{}")

    assert repository.call("DELETE", "manifests/v1").status == 202
    assert gc(served)["pushed_rows"] == 8, "the tag led to all of it"
    assert pushed_files(served.home)[0] == set()


def test_a_blob_that_comes_again_is_young_again(start):
    served = start()
    repository = repository_of(served)
    repository.push(b"first")
    repository.push(b"second")
    make_old(served)
    repository.push(b"first")
    assert gc(served)["pushed_rows"] == 1
    assert pushed_files(served.home)[0] == names(b"first")


def test_a_view_does_not_keep_what_another_needs_and_the_file_stays_for_it(start):
    served = start()
    mine, theirs = repository_of(served), repository_of(served, person="other")
    layer = b"both pushed it"
    assert mine.put_manifest("v1", mine.image(layer)).status == 201
    theirs.push(layer)
    make_old(served)
    assert gc(served)["pushed_rows"] == 1
    assert mine.call("GET", f"blobs/{digest_of(layer)}").status == 200
    assert theirs.call("GET", f"blobs/{digest_of(layer)}").status == 404


def test_a_view_with_a_manifest_that_cannot_be_read_keeps_everything(start):
    served = start()
    repository = repository_of(served)
    tagged = repository.image(b"a layer")
    assert repository.put_manifest("v1", tagged).status == 201
    repository.push(b"nothing needs this")
    make_old(served)
    (served.home / "pushed/blobs/sha256" / digest_of(tagged).removeprefix("sha256:")).unlink()
    assert gc(served)["pushed_rows"] == 0
    assert names(b"nothing needs this") <= pushed_files(served.home)[0]
