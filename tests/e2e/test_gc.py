"""Garbage collection takes what nothing needs, when it is old enough, and nothing else."""

import hashlib
import json
import os
import time

import jsonschema
from conftest import ROOT, run_program
from served import made, serve, served  # noqa: F401
from world import World

OLD = time.time() - 10 * 86400


def orphan(home, text, age=OLD):
    """A blob that no row names, as an interrupted packing leaves one."""
    path = home / "store/blobs/sha256" / hashlib.sha256(text).hexdigest()
    path.write_bytes(text)
    path.chmod(0o444)
    os.utime(path, (age, age))
    return path


def packed(airlock_path, folder):
    world = World(airlock_path, folder)
    world.found()
    world.pack("assistant", "v1.0.0")
    for path in (world.station / "store/blobs/sha256").iterdir():
        os.utime(path, (OLD, OLD))
    return world


def test_an_old_orphan_goes_and_what_a_release_needs_stays(airlock_path, tmp_path):
    world = packed(airlock_path, tmp_path)
    left, young = orphan(world.station, b"left behind"), orphan(world.station, b"just written", age=time.time())
    would = world.run("gc", "--dry-run", home=world.station, json=True).json
    assert would["blobs"] == 1 and would["bytes"] == 11 and would["young"] == 1 and left.exists()
    done = world.run("gc", home=world.station, json=True).json
    jsonschema.validate(done, json.loads((ROOT / "docs/formats/gc.schema.json").read_text()))
    assert {**would, "dry_run": False} == done
    assert not left.exists() and young.exists()
    world.fsck(home=world.station)
    world.ship("assistant:v1.0.0")
    entry = world.run("log", "--last", "2", home=world.station, json=True).out
    assert '"gc"' in entry and '"bytes":11' in entry.replace(" ", "")


def test_what_is_packed_again_is_young_again(airlock_path, tmp_path):
    """An orphan whose bytes a packing needs is taken by it: the file is there already, and must not go meanwhile."""
    world = packed(airlock_path, tmp_path)
    card = orphan(world.station, b"# another card\n")
    release = world.write_release("assistant", "v1.1.0")
    (release.parent / "card.md").write_bytes(b"# another card\n")
    world.run("pack", release, home=world.station)
    assert card.stat().st_mtime > OLD + 86400
    world.run("gc", "--grace", "1s", home=world.station)
    assert card.exists()
    world.fsck(home=world.station)


def test_a_killed_collection_loses_nothing_that_is_needed(airlock_path, airlock_fault_path, tmp_path):
    world = packed(airlock_path, tmp_path)
    for n in range(1, 40, 3):
        orphan(world.station, b"left behind %d" % n)
        run_program(airlock_fault_path, ["gc"], home=world.station, env={"AIRLOCK_FAULT": f"kill:{n}"}, status=None)
    world.run("gc", home=world.station)
    assert world.run("gc", home=world.station, json=True).json["blobs"] == 0
    assert not [p for p in (world.station / "store/blobs/sha256").iterdir() if p.name.startswith(".")]
    world.fsck(home=world.station)
    world.ship("assistant:v1.0.0")


def test_a_contour_that_serves_is_collected_and_goes_on_answering(served):  # noqa: F811
    token = served.token("consumer", "prod")
    for path in (served.home / "store/blobs/sha256").iterdir():
        os.utime(path, (OLD, OLD))
    left = orphan(served.home, b"left behind")
    assert served.world.run("gc", home=served.home, json=True).json["blobs"] == 1
    assert not left.exists()
    assert served.get("/v1/models", token).status == 200
    assert served.get(f"/v2/prod/assistant/manifests/{served.digest}", token).status == 200
    served.world.fsck(home=served.home)


def test_retention_takes_old_access_records_and_the_ledger_says_so(serve):  # noqa: F811
    served = serve(**{"access": "30d"})
    token = served.token("consumer", "prod")
    served.get("/v1/models", token)
    served.record(lambda r: True, "the first one")
    served.stop()
    first = sorted((served.home / "access").glob("*.jsonl"))[0]
    size, last = first.stat().st_size, served.records()[-1]["id"]
    # Another segment begins when one is long enough; its name is its first record.
    world, older = served.world, sorted((served.home / "access").glob("*.jsonl"))
    assert older == [first]
    os.utime(first, (OLD - 40 * 86400, OLD - 40 * 86400))
    assert world.run("gc", home=served.home, json=True).json["segments"] == 0, "the newest segment stays"
    (served.home / f"access/{last + 1:015d}.jsonl").write_bytes(b"")
    os.utime(first, (OLD - 40 * 86400, OLD - 40 * 86400))
    done = world.run("gc", home=served.home, json=True).json
    assert done["segments"] == 1 and done["segment_bytes"] == size and not first.exists()
    assert f'"before":{last + 1}' in world.run("log", "--last", "1", home=served.home, json=True).out.replace(" ", "")
    world.fsck(home=served.home)
    gone = world.run("ledger", "prove", "--access", "1", home=served.home, status=4)
    assert "Retention" in gone.err


def test_a_segment_that_retention_did_not_take_is_missed(serve):  # noqa: F811
    served = serve()
    served.get("/v1/models", served.token("consumer", "prod"))
    served.record(lambda r: True, "the first one")
    served.stop()
    (segment,) = (served.home / "access").glob("*.jsonl")
    segment.unlink()
    assert "missing" in served.world.fsck(home=served.home, status=1).out
