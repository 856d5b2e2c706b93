"""One damage at a time, to a contour through which a release has gone the whole way: `fsck` finds each, names it, and changes nothing."""

import shutil
import sqlite3

import pytest
from conftest import run_program
from world import World, flip, gguf

IN_PROD, IN_QUARANTINE = "assistant:v1.0.0", "assistant:v1.1.0"


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """v1.0.0 stands in prod; v1.1.0 lies in quarantine."""
    made = World(airlock_path, tmp_path_factory.mktemp("fsck"))
    made.found().people()
    made.arrive()
    made.to_prod(IN_PROD)
    made.arrive("assistant", "v1.1.0", model=gguf(name="newer"))
    return made


class Copy:
    """A contour that may be damaged."""

    def __init__(self, master, folder):
        self.path, self.folder = master.path, folder / "contour"
        shutil.copytree(master.contour, self.folder, symlinks=True)

    def fsck(self, status):
        return run_program(self.path, ["fsck"], home=self.folder, status=status, json=True).json

    def names(self, *words):
        """fsck says no, and one of its lines has all these words."""
        answer = self.fsck(1)
        assert answer["result"] == "FAILED"
        assert any(all(word in line for word in words) for line in answer["problems"]), answer["problems"]
        return answer["problems"]

    def database(self):
        return sqlite3.connect(self.folder / "state.db", isolation_level=None)

    def one(self, sql, *values):
        with self.database() as db:
            return db.execute(sql, values).fetchone()[0]

    def change(self, sql, *values):
        with self.database() as db:
            assert db.execute(sql, values).rowcount == 1


@pytest.fixture
def copy(master, tmp_path):
    return Copy(master, tmp_path)


def largest(folder):
    return max((p for p in folder.iterdir() if p.is_file()), key=lambda p: p.stat().st_size)


def test_a_contour_that_nobody_touched_holds(copy):
    answer = copy.fsck(0)

    assert answer["problems"] == [] and answer["notes"] == []
    assert answer["blobs"] > 10 and answer["evidence"] > 5 and answer["people"] == 4 and answer["ledger_entries"] > 10
    assert answer["releases"] == 2


def test_fsck_changes_nothing(copy):
    before = {p: p.read_bytes() for p in copy.folder.rglob("*") if p.is_file() and "state.db" not in p.name}
    copy.fsck(0)
    after = {p: p.read_bytes() for p in copy.folder.rglob("*") if p.is_file() and "state.db" not in p.name}
    assert before == after


@pytest.mark.parametrize("where", ["store", "quarantine"])
@pytest.mark.parametrize("at", [0, -1])
def test_a_flipped_byte_in_a_blob(copy, where, at):
    folder = copy.folder / where
    if where == "quarantine":
        folder = next(p for p in folder.iterdir() if not p.name.startswith("."))
    blob = largest(folder / "blobs" / "sha256")
    blob.chmod(0o644)
    flip(blob, at)

    problems = copy.names(str(blob.relative_to(copy.folder)), "damaged", f"needed by assistant:{'v1.0.0' if where == 'store' else 'v1.1.0'}", "from a backup")

    assert len(problems) == 1
    said = run_program(copy.path, ["fsck"], home=copy.folder, status=1).out
    assert said.endswith(": 1 problem, named above\n")


def test_a_note_is_marked_as_one_and_is_no_problem(copy):
    (copy.folder / "quarantine" / "left").mkdir()
    said = run_program(copy.path, ["fsck"], home=copy.folder).out
    assert said.startswith("note: quarantine/left: left of an interrupted receive") and said.endswith(": all hold\n")


def test_every_blob_of_the_store_is_looked_at(copy):
    blobs = sorted((copy.folder / "store" / "blobs" / "sha256").iterdir())
    for blob in blobs:
        blob.chmod(0o644)
        flip(blob, 0)

    problems = copy.fsck(1)["problems"]

    for blob in blobs:
        assert any(f"store/blobs/sha256/{blob.name}: damaged" in line for line in problems), blob.name


@pytest.mark.parametrize("where", ["store", "quarantine"])
def test_a_blob_that_is_gone(copy, where):
    folder = copy.folder / where
    if where == "quarantine":
        folder = next(p for p in folder.iterdir() if not p.name.startswith("."))
    blob = largest(folder / "blobs" / "sha256")
    blob.unlink()

    copy.names(blob.name, "missing")
    copy.names("release assistant", blob.name)


def test_a_blob_that_was_cut_short(copy):
    blob = largest(copy.folder / "store" / "blobs" / "sha256")
    blob.chmod(0o644)
    with open(blob, "r+b") as file:
        file.truncate(100)

    copy.names(blob.name, "100 bytes")


def test_a_flipped_byte_in_a_line_of_the_passport(copy):
    ids = [row[0] for row in copy.database().execute("SELECT id FROM evidence ORDER BY arrival")]
    for id_ in (ids[0], ids[len(ids) // 2], ids[-1]):
        envelope = bytearray(copy.one("SELECT envelope FROM evidence WHERE id = ?", id_))
        envelope[len(envelope) // 2] ^= 1
        copy.change("UPDATE evidence SET envelope = ? WHERE id = ?", bytes(envelope), id_)

        copy.names(f"evidence sha256:{id_.hex()}", "damaged")


def test_a_line_of_the_passport_that_somebody_else_wrote(copy):
    """With its id made right: now only the signature tells."""
    import hashlib

    id_ = copy.one("SELECT id FROM evidence WHERE predicate_type LIKE 'urn:airlock:scan%' LIMIT 1")
    envelope = copy.one("SELECT envelope FROM evidence WHERE id = ?", id_).decode()
    at = envelope.index('"sig":"') + 40  # in the middle of the signature's first number
    forged = envelope[:at] + ("A" if envelope[at] != "A" else "B") + envelope[at + 1 :]
    new = hashlib.sha256(forged.encode()).digest()
    copy.change("UPDATE evidence SET envelope = ?, id = ? WHERE id = ?", forged.encode(), new, id_)

    copy.names(f"evidence sha256:{new.hex()}")


@pytest.mark.parametrize("file", ["tile/0/000.p", "tile/entries/000.p"])
def test_a_flipped_byte_in_a_tile(copy, file):
    folder = copy.folder / "ledger" / file
    width = max(int(p.name) for p in folder.iterdir())
    flip(folder / str(width), 40)

    copy.names(f"ledger/{file}/{width}")


def test_a_flipped_byte_in_the_checkpoint(copy):
    flip(copy.folder / "ledger" / "checkpoint", -10)

    copy.names("ledger/checkpoint")


def test_a_flipped_byte_in_a_ledger_row_of_state_db(copy):
    entry = bytearray(copy.one("SELECT entry FROM ledger WHERE seq = 3"))
    entry[-5] ^= 1
    copy.change("UPDATE ledger SET entry = ? WHERE seq = 3", bytes(entry))

    copy.names("state.db, ledger row 3", "hash")


def test_a_flipped_byte_in_the_file_state_db(copy):
    """Not through SQLite: the very byte on the disk that is part of a ledger row."""
    copy.database().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = copy.folder / "state.db"
    entry = copy.one("SELECT entry FROM ledger WHERE seq = 2")
    at = path.read_bytes().index(entry)
    flip(path, at + len(entry) // 2)

    copy.names("state.db, ledger row 2")


def test_a_ledger_row_that_is_gone(copy):
    last = copy.one("SELECT max(seq) FROM ledger")
    copy.change("DELETE FROM ledger WHERE seq = 2")
    copy.names("ledger row 2", "missing")
    copy.change("DELETE FROM ledger WHERE seq = ?", last)
    copy.names(f"ledger row {last}", "missing")


def test_a_pointer_that_somebody_moved_in_the_database(copy):
    other = copy.one("SELECT digest FROM release WHERE version = 'v1.1.0'")
    copy.change("UPDATE pointer SET release = ? WHERE environment = 'prod'", other)

    copy.names("pointer prod/assistant", "another release")


def test_a_person_whose_role_somebody_changed_in_the_database(copy):
    copy.change("UPDATE person SET role = 'security-officer' WHERE name = 'ines'")

    copy.names("person ines")


def test_a_policy_that_nobody_signed(copy):
    with open(copy.folder / "policy.yaml", "a", encoding="utf-8") as file:
        file.write("# weaker\n")

    copy.names("policy.yaml")


def test_a_database_that_is_none_any_more(copy):
    for path in copy.folder.glob("state.db*"):
        path.unlink()
    (copy.folder / "state.db").write_bytes(b"x" * 8192)

    copy.names("state.db")


def test_what_an_interrupted_receive_left_is_a_note(copy):
    (copy.folder / "quarantine" / "left.partial").mkdir()

    answer = copy.fsck(0)

    assert any("quarantine/left.partial" in line for line in answer["notes"])
