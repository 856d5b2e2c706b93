"""Who can write state.db is not who decides: rows that were forged, moved, or put in change no answer for the better."""

import shutil
import sqlite3

import pytest
from world import World, gguf, world  # noqa: F401  (a fixture)

OLD, NEW = "assistant:v1.0.0", "assistant:v1.1.0"


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """v1.0.0 stands in prod with its approvals; v1.1.0 stands in test, tested, silent and asked for, approved by nobody."""
    made = World(airlock_path, tmp_path_factory.mktemp("forge"))
    made.found().people()
    made.arrive()
    made.to_prod(OLD)
    made.arrive("assistant", "v1.1.0", model=gguf(name="newer"))
    made.to_test(NEW)
    made.run("test", NEW)
    made.run("silence", NEW)
    made.sign("request", NEW, "prod", person="ines")
    return made


@pytest.fixture
def w(master, airlock_path, tmp_path):
    """A copy of that contour for each attack."""
    copy = World(airlock_path, tmp_path)
    shutil.copytree(master.contour, copy.contour, symlinks=True)
    shutil.copytree(master.folder / "desk", copy.folder / "desk")
    copy.keys = master.keys
    return copy


def attack(w, sql, *values):
    with sqlite3.connect(w.contour / "state.db") as db:
        changed = db.execute(sql, values).rowcount
        db.commit()
    assert changed > 0, "the attack did nothing"


def digest(w, ref):
    return bytes.fromhex(w.run("show", ref, json=True).json["digest"].split(":")[1])


def lacking(w, gate, ref, *more):
    document = w.run("judge", ref, "--gate", gate, *more, status=1, json=True).json
    return {reason["rule"] for reason in document["reasons"] if not reason["ok"]}


def test_before_the_attacks_only_the_approvals_are_missing(w):
    assert lacking(w, "trust", NEW) == {"approvals"}


def test_approvals_copied_from_another_release_do_not_count(w):
    attack(
        w,
        "UPDATE evidence SET subject = ? WHERE predicate_type = 'urn:airlock:approval:v1'",
        digest(w, NEW),
    )
    assert {"approvals", "signatures"} <= lacking(w, "trust", NEW)
    w.run("promote", NEW, "prod", status=5)


def test_a_pointer_moved_by_hand_starts_no_engine(w):
    attack(w, "UPDATE pointer SET release = ? WHERE environment = 'prod'", digest(w, NEW))
    assert {"verdict", "approvals", "promoted-here"} <= lacking(w, "deploy", NEW, "--env", "prod")
    assert w.run("test", NEW, "--env", "prod", status=5).err


def test_a_result_changed_in_the_row_changes_nothing(w):
    w.run("judge", NEW, "--gate", "trust", status=1)
    attack(w, "UPDATE evidence SET result = 'PASSED' WHERE result = 'FAILED'")
    assert "approvals" in w.run("promote", NEW, "prod", status=5).err


def test_a_key_swapped_in_the_rows_of_people_is_nobodys(w):
    with sqlite3.connect(w.contour / "state.db") as db:
        ines = db.execute("SELECT key_id FROM person WHERE name = 'ines'").fetchone()[0]
    attack(w, "UPDATE person SET role = 'security-officer' WHERE name = 'aude'")
    attack(w, "UPDATE person SET key_id = ? WHERE name = 'sofia'", ines)
    w.sign("approve", NEW, "--for", "prod", person="aude", status=5)
    w.sign("approve", NEW, "--for", "prod", person="ines", status=5)


def test_a_record_of_a_person_copied_onto_another_name_is_refused(w):
    with sqlite3.connect(w.contour / "state.db") as db:
        record = db.execute("SELECT record FROM person WHERE name = 'ines'").fetchone()[0]
    attack(w, "UPDATE person SET record = ? WHERE name = 'sofia'", record)
    assert "signatures" in lacking(w, "trust", NEW)


def test_an_envelope_with_one_flipped_bit_is_named(w):
    with sqlite3.connect(w.contour / "state.db") as db:
        row, envelope = db.execute(
            "SELECT arrival, envelope FROM evidence WHERE predicate_type = 'urn:airlock:scan:v1' ORDER BY arrival DESC"
        ).fetchone()
    at = envelope.index(b'"payload":"') + 200
    changed = envelope[:at] + (b"A" if envelope[at : at + 1] != b"A" else b"B") + envelope[at + 1 :]
    attack(w, "UPDATE evidence SET envelope = ? WHERE arrival = ?", changed, row)
    assert {"signatures", "scan"} <= lacking(w, "trust", NEW)


def test_a_deleted_verdict_stops_the_release_that_it_carried(w):
    attack(
        w,
        "DELETE FROM evidence WHERE subject = ? AND predicate_type LIKE '%verification_summary%' AND environment = 'prod'",
        digest(w, OLD),
    )
    assert "verdict" in lacking(w, "deploy", OLD, "--env", "prod")


def test_a_deleted_approval_stops_it_too(w):
    w.run("judge", OLD, "--gate", "deploy", "--env", "prod")
    attack(w, "DELETE FROM evidence WHERE subject = ? AND predicate_type = 'urn:airlock:approval:v1'", digest(w, OLD))
    assert {"verdict", "approvals"} <= lacking(w, "deploy", OLD, "--env", "prod")


def test_history_written_by_hand_is_no_way_around_test(w):
    attack(w, "DELETE FROM evidence WHERE subject = ? AND predicate_type = 'urn:airlock:promotion:v1' AND environment = 'test'", digest(w, NEW))
    assert "stood-before" in lacking(w, "trust", NEW)


def test_an_adverse_line_that_was_taken_away_is_missed_because_the_ledger_names_it(w):
    w.sign("approve", NEW, "--for", "prod", "--reject", "--reason", "not yet", person="sofia")
    attack(w, "DELETE FROM evidence WHERE subject = ? AND origin = 'person:sofia'", digest(w, NEW))
    document = w.run("judge", NEW, "--gate", "trust", status=1, json=True).json
    said = {reason["rule"]: reason for reason in document["reasons"]}
    assert not said["signatures"]["ok"] and "the ledger names are gone" in said["signatures"]["text"], said


def test_a_release_that_a_row_calls_otherwise_is_refused_everywhere(w):
    attack(w, "UPDATE release SET version = 'v9.9.9' WHERE digest = ?", digest(w, NEW))
    for command in (["judge", "assistant:v9.9.9", "--gate", "trust"], ["test", "assistant:v9.9.9"], ["promote", "assistant:v9.9.9", "prod"]):
        refused = w.run(*command, status=None)
        assert refused.status not in (0, 1) or "v1.1.0" in refused.out + refused.err, refused
        assert "what the station signed is assistant:v1.1.0" in refused.err + refused.out, refused
    assert "what the station signed is assistant:v1.1.0" in w.fsck(status=1).out


@pytest.mark.parametrize("kind", ["scan:v1", "test-result", "silence:v1", "request:v1", "promotion:v1", "verification_summary"])
def test_fsck_misses_any_line_that_was_taken_away(w, kind):
    w.fsck()
    attack(w, "DELETE FROM evidence WHERE subject = ? AND predicate_type LIKE ?", digest(w, NEW), f"%{kind}%")
    assert "gone; ledger entry" in w.fsck(status=1).out


def test_a_shipment_is_a_replay_also_when_the_rows_about_it_are_gone(world):
    world.found()
    world.pack()
    media = world.ship("assistant:v1.0.0")
    world.receive(media)
    for table in ("shipment_blob", "shipment"):
        attack(world, f"DELETE FROM {table}")
    attack(world, "DELETE FROM trust WHERE file IN ('timestamp.json', 'snapshot.json')")
    refused = world.receive(media, status=5)
    assert "ledger entry" in refused.err and "fsck" in refused.err
