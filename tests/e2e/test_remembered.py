"""A blob is looked at once for each scanner, rule set and question, and what was said is remembered under the contour's seal."""

import json
import sqlite3

import pytest
from world import gguf, world  # noqa: F401


@pytest.fixture
def arrived(world):  # noqa: F811
    world.found().arrive()
    return world


def scan(world, *options, status=0):  # noqa: F811
    return world.run("scan", *options, "shipment:1", json=True, status=status).json


def rows(answer):
    """What the report says, without how it came to know."""
    return [{key: value for key, value in row.items() if key != "remembered"} for row in answer["files"]]


def biggest(world):  # noqa: F811
    return max(world.contour.glob("quarantine/*/blobs/sha256/*"), key=lambda path: path.stat().st_size)


def database(world):  # noqa: F811
    return sqlite3.connect(world.contour / "state.db")


def test_a_second_scan_answers_from_memory_and_says_the_same(arrived):
    first = scan(arrived)
    second = scan(arrived)
    assert first["remembered"] == 0 < first["blobs"]
    assert second["remembered"] == second["blobs"] == first["blobs"]
    assert rows(first) == rows(second)
    assert sum(row.get("remembered", False) for row in second["files"]) == second["remembered"]
    assert not any("remembered" in row for row in first["files"])
    assert f"remembered {first['blobs']} of {first['blobs']} blobs" in arrived.run("scan", "shipment:1").out


def test_fresh_looks_at_all_of_them_again(arrived):
    scan(arrived)
    assert scan(arrived, "--fresh")["remembered"] == 0
    assert scan(arrived)["remembered"] > 0


def test_what_was_remembered_in_quarantine_holds_in_the_store(arrived):
    """The same bytes under another inode time: hashed again, not looked into again."""
    blobs = scan(arrived)["blobs"]
    arrived.run("judge", "shipment:1", "--gate", "intake")
    arrived.run("promote", "assistant:v1.0.0", "sandbox")
    answer = arrived.run("scan", "assistant:v1.0.0", json=True).json
    assert answer["remembered"] == answer["blobs"] == blobs


def test_what_two_releases_share_is_looked_at_once(world):  # noqa: F811
    template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    world.found().arrive()
    scan(world)
    world.arrive(version="v1.1.0", model=gguf(template=template))
    answer = world.run("scan", "shipment:2", json=True).json
    assert 0 < answer["remembered"] < answer["blobs"]
    model = next(row for row in answer["files"] if row["format"] == "gguf")
    assert "remembered" not in model and model["facts"]["templates"]
    with database(world) as db:
        scanners = {scanner for (scanner,) in db.execute("SELECT DISTINCT scanner FROM scan")}
    assert len(scanners) == 1 and "rules 2026-" in scanners.pop()


def test_a_blob_that_was_changed_after_it_was_remembered_is_found(arrived):
    scan(arrived)
    blob = biggest(arrived)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    answer = scan(arrived, status=1)
    assert answer["verdict"] == "malicious"
    changed = [row for row in answer["files"] if "blob-changed" in [f["rule"] for f in row["findings"]]]
    assert len(changed) == 1 and "remembered" not in changed[0]
    assert scan(arrived, "--fresh", status=1)["verdict"] == "malicious"


def test_a_blob_that_is_gone_is_not_remembered_to_be_there(arrived):
    scan(arrived)
    biggest(arrived).unlink()
    assert scan(arrived, status=4)["code"] == "not-found"


def test_a_row_that_somebody_wrote_into_the_database_is_not_believed(arrived):
    """Who can write to state.db makes no verdict."""
    scan(arrived)
    with database(arrived) as db:
        forged = 0
        for key, reply in db.execute("SELECT key, reply FROM scan").fetchall():
            said = json.loads(bytes(reply))
            said["verdict"] = "malicious"
            forged += db.execute("UPDATE scan SET reply = ? WHERE key = ?", (json.dumps(said).encode(), key)).rowcount
    assert forged
    check = arrived.run("fsck", status=1)
    assert "is not under this site's seal" in check.out
    answer = scan(arrived)
    assert answer["remembered"] == 0 and answer["verdict"] == "clean"
    assert "seal" not in arrived.run("fsck", status=None).out


def test_an_answer_cannot_be_moved_to_another_blob(arrived):
    scan(arrived)
    with database(arrived) as db:
        found = db.execute("SELECT key, blob, stamp, seal, reply FROM scan ORDER BY key LIMIT 2").fetchall()
        (one, *rest), (other, *_) = found
        db.execute("DELETE FROM scan WHERE key = ?", (one,))
        db.execute("UPDATE scan SET blob = ?, stamp = ?, seal = ?, reply = ? WHERE key = ?", (*rest, other))
    answer = scan(arrived)
    assert answer["remembered"] == answer["blobs"] - 2


def test_gc_forgets_what_is_remembered_of_blobs_that_are_gone(arrived):
    scan(arrived)
    with database(arrived) as db:
        before = db.execute("SELECT count(*) FROM scan").fetchone()[0]
        db.execute("INSERT INTO scan SELECT zeroblob(32), zeroblob(32), scanner, stamp, seal, reply FROM scan LIMIT 1")
        db.execute("INSERT INTO scan SELECT CAST(replace(hex(zeroblob(16)), '0', 'x') AS BLOB), blob, 'airlock 0, rules 0', stamp, seal, reply FROM scan LIMIT 1")
    assert arrived.run("gc", json=True).json["scans"] == 2
    with database(arrived) as db:
        assert db.execute("SELECT count(*) FROM scan").fetchone()[0] == before
    assert scan(arrived)["remembered"] > 0


def test_a_backup_keeps_what_is_remembered(arrived, tmp_path):
    scan(arrived)
    arrived.run("backup", tmp_path / "backup")
    arrived.run("restore", tmp_path / "backup", home=tmp_path / "again")
    answer = arrived.run("scan", "shipment:1", home=tmp_path / "again", json=True).json
    assert answer["remembered"] == answer["blobs"] > 0


def test_a_contour_of_database_version_2_is_carried_over(arrived):
    scan(arrived)
    with database(arrived) as db:
        db.executescript("DROP TABLE scan; PRAGMA user_version = 2;")
    assert scan(arrived)["remembered"] == 0
    with database(arrived) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 3
    assert scan(arrived)["remembered"] > 0
    arrived.run("fsck")


def test_a_contour_of_a_version_that_nobody_knows_is_refused(arrived):
    with database(arrived) as db:
        db.execute("PRAGMA user_version = 4")
    assert "schema version 4" in arrived.run("status", status=None).err
