"""A backup is a contour at rest: made while it serves, verified by fsck, never written to, and a contour again after `restore`."""

import json
import os
import shutil

import jsonschema
import pytest
from conftest import ROOT, run_program
from served import made, serve, served  # noqa: F401
from world import World, flip


@pytest.fixture
def kept(made, airlock_path, tmp_path):  # noqa: F811
    """A contour of one's own with a release in prod and one in quarantine, and a backup of it."""
    world = World(airlock_path, tmp_path)
    shutil.copytree(made.contour, world.contour, symlinks=True)
    world.backup = tmp_path / "backup"
    world.run("backup", world.backup, home=world.contour)
    return world


def blobs(home):
    return {path.name for path in (home / "store/blobs/sha256").iterdir()}


def test_a_backup_holds_everything_and_fsck_verifies_it(kept):
    assert blobs(kept.backup) == blobs(kept.contour)
    kept.fsck(home=kept.backup)
    there, here = (json.loads(kept.run("status", home=home, json=True).out) for home in (kept.backup, kept.contour))
    assert there["environments"] == here["environments"] and there["releases"] == here["releases"]
    key = json.loads(kept.run("identity", home=kept.contour).out)["ledger"]
    kept.run("ledger", "verify", kept.backup / "ledger", "--key", key)


def test_the_documents_are_what_their_schemas_say(kept, tmp_path):
    documents = {
        "backup": kept.run("backup", kept.backup, home=kept.contour, json=True).json,
        "backup-folder": json.loads((kept.backup / "backup.json").read_text()),
        "restore": kept.run("restore", kept.backup, home=tmp_path / "restored", json=True).json,
    }
    for name, document in documents.items():
        schema = json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text())
        jsonschema.validate(document, schema)
        jsonschema.validate(json.loads((ROOT / f"docs/formats/examples/{name}.json").read_text()), schema)


def test_nothing_is_changed_in_a_backup_and_nothing_served_from_it(kept):
    for command in (["promote", "assistant:v2.0.0", "sandbox"], ["rollback", "prod/assistant"], ["serve", "--port", "0"], ["token", "new", "clara", "--role", "consumer", "--env", "prod"]):
        refused = kept.run(*command, home=kept.backup, status=5)
        assert "is a backup of demo" in refused.err and "restore" in refused.err


def test_again_only_what_is_new_is_copied(kept):
    again = kept.run("backup", kept.backup, home=kept.contour, json=True).json
    assert again["copied_bytes"] < 200_000, "keys, configuration and lists of an OCI layout, and no blob"
    assert again["bytes"] > 0
    kept.run("scan", "assistant:v2.0.0", home=kept.contour)
    kept.run("judge", "assistant:v2.0.0", "--gate", "intake", home=kept.contour)
    kept.run("promote", "assistant:v2.0.0", "sandbox", home=kept.contour)
    kept.run("backup", kept.backup, home=kept.contour)
    kept.fsck(home=kept.backup)
    assert blobs(kept.backup) == blobs(kept.contour)
    assert [p.name for p in (kept.backup / "quarantine").iterdir() if not p.name.startswith(".")] == []


def test_a_restored_contour_goes_on_where_the_backup_was(kept, tmp_path):
    home = tmp_path / "restored"
    restored = kept.run("restore", kept.backup, home=home, json=True).json
    assert restored["result"] == "PASSED" and restored["problems"] == []
    kept.fsck(home=home)
    entry = json.loads(kept.run("log", "--last", "1", home=home, json=True).out.splitlines()[-1])
    assert "restore" in json.dumps(entry)
    kept.run("scan", "assistant:v2.0.0", home=home)
    kept.run("judge", "assistant:v2.0.0", "--gate", "intake", home=home)
    kept.run("promote", "assistant:v2.0.0", "sandbox", home=home)
    kept.fsck(home=home)


def test_a_damaged_backup_is_not_made_a_contour(kept, tmp_path):
    large = max((kept.backup / "store/blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
    large.chmod(0o600)
    flip(large, large.stat().st_size // 2)
    home = tmp_path / "restored"
    refused = kept.run("restore", kept.backup, home=home, status=1)
    assert large.name in refused.out and "stays a backup" in refused.out
    assert "is a backup" in kept.run("rollback", "prod/assistant", home=home, status=5).err


def largest(home):
    return max((home / "store/blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)


def damage(path, keep_time=False):
    before = path.stat()
    path.chmod(0o600)
    flip(path, before.st_size // 2)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_damaged_file_of_the_backup_is_copied_again(kept):
    damage(largest(kept.backup))
    told = kept.run("fsck", home=kept.backup, status=1).out
    assert "`airlock backup --verify` into this folder again" in told and "from a backup" not in told
    again = kept.run("backup", kept.backup, home=kept.contour, json=True).json
    assert again["repaired"] == 1 and again["damaged"] == 0
    kept.fsck(home=kept.backup)


def test_with_verify_a_file_is_repaired_that_looks_the_same(kept):
    damage(largest(kept.backup), keep_time=True)
    assert kept.run("backup", kept.backup, home=kept.contour, json=True).json["repaired"] == 0
    kept.run("fsck", home=kept.backup, status=1)
    assert "Repaired: 1 files" in kept.run("backup", kept.backup, "--verify", home=kept.contour).out
    kept.fsck(home=kept.backup)


def test_a_damaged_blob_of_the_contour_does_not_replace_a_whole_one(kept):
    whole = largest(kept.contour).read_bytes()
    damage(largest(kept.contour))
    told = kept.run("backup", kept.backup, home=kept.contour)
    assert largest(kept.backup).read_bytes() == whole, told.out
    largest(kept.backup).unlink()
    refused = kept.run("backup", kept.backup, home=kept.contour, status=1)
    assert "DAMAGED: 1 blobs of the contour" in refused.out and largest(kept.contour).name in refused.out
    assert "copy this file from a backup" in kept.run("fsck", home=kept.contour, status=1).out


def test_a_backup_refuses_a_promotion_of_what_stands_already(kept):
    assert "is a backup of demo" in kept.run("promote", "assistant:v1.0.0", "prod", home=kept.backup, status=5).err


def test_a_folder_that_is_something_else_is_left_alone(kept, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("somebody's")
    assert "not empty, and no backup" in kept.run("backup", other, home=kept.contour, status=5).err
    assert [p.name for p in other.iterdir()] == ["file"]
    second = tmp_path / "second"
    kept.make_contour(name="second", home=second)
    assert "is a backup of demo" in kept.run("backup", kept.backup, home=second, status=5).err
    assert "is not empty" in kept.run("restore", kept.backup, home=other, status=5).err
    assert "no backup" in kept.run("restore", other, home=tmp_path / "new", status=4).err


def test_an_interrupted_backup_leaves_the_one_before_whole(kept, airlock_fault_path):
    for n in (5, 25, 60, 120):
        run_program(airlock_fault_path, ["backup", kept.backup], home=kept.contour, env={"AIRLOCK_FAULT": f"kill:{n}"}, status=None)
        kept.fsck(home=kept.backup)
    kept.run("backup", kept.backup, home=kept.contour)
    kept.fsck(home=kept.backup)


def test_a_station_is_backed_up_too(airlock_path, tmp_path):
    world = World(airlock_path, tmp_path)
    world.found()
    world.pack("assistant", "v1.0.0")
    assert "makes a station of it" in world.run("backup", tmp_path / "b", home=world.station).out
    restored = world.run("restore", tmp_path / "b", home=tmp_path / "again").out
    assert "is the station " in restored and "a contour that received those refuses them" in restored
    world.ship("assistant:v1.0.0", station=tmp_path / "again")


def test_a_backup_is_made_while_the_contour_serves(served, tmp_path):  # noqa: F811
    token = served.token("consumer", "prod")
    assert served.get("/v1/models", token).status == 200
    served.world.run("backup", tmp_path / "b", home=served.home)
    assert served.get("/v1/models", token).status == 200
    served.world.fsck(home=tmp_path / "b")
