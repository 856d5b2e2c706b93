"""Killed, cut off from power, or failed by the disk, at the n-th call: promote, rollback and approve leave the old state or the new one, never half, and the same
command again completes it. Every n under script/test --all, a spread of n otherwise."""

import re
import shutil
import sqlite3

import pytest
from conftest import run_program
from world import World, gguf

OLD, NEW = "assistant:v1.0.0", "assistant:v1.1.0"
SPREAD = 5


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """v1.0.0 stands in prod, v1.1.0 in test and is asked for; v1.2.0 lies in quarantine and was judged for sandbox."""
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.found().people()
    made.arrive()
    made.to_prod(OLD)
    made.arrive("assistant", "v1.1.0", model=gguf(name="newer"))
    made.to_test(NEW)
    made.run("test", NEW)
    made.run("silence", NEW)
    made.sign("request", NEW, "prod", person="ines")
    made.arrive("assistant", "v1.2.0", model=gguf(name="newest"))
    made.run("scan", "assistant:v1.2.0")
    made.run("judge", "assistant:v1.2.0", "--gate", "intake")
    return made


def facts(contour):
    """What the rows say: pointers, what is admitted, approvals, entries of the ledger."""
    with sqlite3.connect(contour / "state.db") as db:
        return (
            db.execute("SELECT environment, name, hex(release) FROM pointer ORDER BY 1, 2").fetchall(),
            db.execute("SELECT version, admitted FROM release ORDER BY 1").fetchall(),
            db.execute("SELECT count(*) FROM evidence").fetchone()[0],
            db.execute("SELECT count(*) FROM ledger").fetchone()[0],
        )


class Attempt:
    def __init__(self, master, fault_path, folder, command):
        self.master, self.fault_path, self.command = master, fault_path, command
        self.contour = folder / "contour"
        shutil.copytree(master.contour, self.contour, symlinks=True)

    def words(self):
        words = [str(word) for word in self.command]
        if words[0] == "approve":
            words += ["--key", str(self.master.keys["sofia"]), "--passphrase-file", str(self.master.folder / "desk" / "passphrase")]
        return words

    def run_with(self, fault):
        stash = self.contour.parent / "stash"
        stash.mkdir(exist_ok=True)
        env = {"AIRLOCK_FAULT": fault, "AIRLOCK_FAULT_STASH": str(stash)}
        return run_program(self.fault_path, self.words(), home=self.contour, status=None, env=env)

    def again(self):
        return run_program(self.master.path, self.words(), home=self.contour)

    def whole(self):
        """Everything that can be checked holds."""
        return run_program(self.master.path, ["fsck"], home=self.contour)


COMMANDS = {
    "admit": ("promote", "assistant:v1.2.0", "sandbox"),
    "rollback": ("rollback", "sandbox/assistant"),
    "approve": ("approve", NEW, "--for", "prod"),
}


def counted(attempt):
    said = attempt.run_with("count")
    assert said.status == 0, said
    found = re.search(r"calls=(\d+) changes=(\d+)", said.err)
    return int(found.group(1)), int(found.group(2))


def points(total, exhaustive):
    if exhaustive:
        return range(1, total + 1)
    step = max(1, total // SPREAD)
    return sorted({*range(1, total + 1, step), total})


@pytest.mark.parametrize("name", ["admit", "rollback", "approve"])
def test_whatever_happens_it_is_the_old_state_or_the_new(name, master, airlock_fault_path, tmp_path, exhaustive):
    command = COMMANDS[name]
    first = Attempt(master, airlock_fault_path, tmp_path / "count", command)
    before = facts(first.contour)
    calls, changes = counted(first)
    after = facts(first.contour)
    assert before != after
    for how, total in (("kill", changes), ("cut", changes), ("enospc", calls), ("eio", calls)):
        for n in points(total, exhaustive):
            folder = tmp_path / f"{how}-{n}"
            attempt = Attempt(master, airlock_fault_path, folder, command)
            result = attempt.run_with(f"{how}:{n}")
            where = f"{name} with {how}:{n} of {total}: {result}"
            attempt.whole()
            now = facts(attempt.contour)
            assert now in (before, after), where
            if result.status == 0:
                assert now == after, where
            if how in ("enospc", "eio") and "disk image is malformed" not in result.err:  # what SQLite makes of an EIO while it reads
                assert result.status in (0, 7), where
            if now == before:
                attempt.again()
            elif name == "admit":
                assert not attempt_moved(attempt), where
            assert facts(attempt.contour) == after, where
            if name == "admit":
                assert quarantine(attempt.contour) == [], where
            attempt.whole()
            shutil.rmtree(folder)


def attempt_moved(attempt):
    """The same command again, when it had gone through: it says so, and clears what the crash left in quarantine."""
    return run_program(attempt.master.path, attempt.words(), home=attempt.contour, json=True).json["moved"]


def quarantine(contour):
    return sorted(p.name for p in (contour / "quarantine").iterdir() if not p.name.startswith("."))
