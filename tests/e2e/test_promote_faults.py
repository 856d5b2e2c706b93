"""Every step inside the contour under the faults of test_faults.py, by its tests: promote to sandbox, test and prod, rollback, approve. Each leaves the
old state or the new one, never half, and the same command again completes it."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from conftest import run_program
from test_faults import (  # noqa: F401 (the tests of that file, over the commands of this one)
    Attempt,
    counted,
    is_missed,
    test_a_disk_that_stays_full_is_said_and_repaired_later,
    test_a_power_cut_after_the_one_that_went_on_from_a_death_takes_nothing,
    test_every_sync_of_the_command_is_missed_when_it_is_left_out,
    test_what_was_acknowledged_survives_a_power_cut_at_once,
    test_whatever_fails_nothing_is_half_and_again_completes_it,
)
from world import World, gguf

V1 = "v1.0.0"


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """One contour with a release at every step of the way."""
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.found().people()
    made.arrive("old")
    made.to_prod(f"old:{V1}")
    made.arrive("old", "v1.1.0", model=gguf(name="newer"))
    made.to_prod("old:v1.1.0")
    for name in ("asked", "ready"):
        made.arrive(name)
        made.to_test(f"{name}:{V1}")
        made.run("test", f"{name}:{V1}")
        made.run("silence", f"{name}:{V1}")
        made.sign("request", f"{name}:{V1}", "prod", person="ines")
        made.sign("approve", f"{name}:{V1}", "--for", "prod", person="pavel")
    made.sign("approve", f"ready:{V1}", "--for", "prod", person="sofia")
    made.run("judge", f"ready:{V1}", "--gate", "trust")
    made.arrive("inside")
    made.admit(f"inside:{V1}")
    made.arrive("outside", model=gguf(name="newest"))
    made.run("scan", f"outside:{V1}")
    made.run("judge", f"outside:{V1}", "--gate", "intake")
    return made


def facts(contour):
    """What the rows say: pointers, what is admitted, evidence, entries of the ledger."""
    with closing(sqlite3.connect(contour / "state.db")) as db:
        return (
            db.execute("SELECT environment, name, hex(release) FROM pointer ORDER BY 1, 2").fetchall(),
            db.execute("SELECT name, version, admitted FROM release ORDER BY 1, 2").fetchall(),
            db.execute("SELECT count(*) FROM evidence").fetchone()[0],
            db.execute("SELECT count(*) FROM ledger").fetchone()[0],
        )


class Step:
    """A command of one transaction."""

    spread = 3
    after = {}  # of each step, once it was done without a fault

    def __init__(self, name, master, fault_path):
        self.name, self.master, self.fault_path = name, master, fault_path
        self.args = [*STEPS[name]]
        if name == "approve":
            self.args += ["--key", str(master.keys["sofia"]), "--passphrase-file", str(master.folder / "desk" / "passphrase")]
        self.before = facts(master.contour)

    def attempt(self, folder):
        return Attempt(self.master.path, self.fault_path, folder, self.args, self.master.contour)

    def new_state(self, folder):
        if self.name not in Step.after:
            folder.mkdir()
            attempt = self.attempt(folder / "done")
            attempt.again(0)
            Step.after[self.name] = facts(attempt.home)
            shutil.rmtree(folder)
        return Step.after[self.name]

    def holds(self, attempt, first):
        after = self.new_state(attempt.home.parent / "model")
        attempt.sound(first)
        now = facts(attempt.home)
        assert now in (self.before, after, *self.repeated(after))
        assert now != self.before or first.status != 0
        if now == self.before:
            attempt.again(0)
            now = after
        elif self.name == "to sandbox":
            assert not self.moves_again(attempt)
        assert facts(attempt.home) == now != self.before
        if self.name == "to sandbox":
            assert self.master.quarantine(attempt.home) == []
        attempt.fsck()

    def repeated(self, after):
        """Who approves again, because the first command was killed and did not say that it was done, has signed twice."""
        pointers, releases, evidence, entries = after
        return [(pointers, releases, evidence + 1, entries + 1)] if self.name == "approve" else []

    def moves_again(self, attempt):
        """The same promotion again, when it had gone through: it says so, and clears what the crash left in quarantine."""
        return run_program(attempt.path, self.args, home=attempt.home, status=0, json=True).json["moved"]


STEPS = {
    "to sandbox": ("promote", f"outside:{V1}", "sandbox"),
    "to test": ("promote", f"inside:{V1}", "test"),
    "to prod": ("promote", f"ready:{V1}", "prod"),
    "back": ("rollback", "prod/old"),
    "approve": ("approve", f"asked:{V1}", "--for", "prod"),
}


@pytest.fixture(params=STEPS)
def command(request, master, airlock_fault_path):
    return Step(request.param, master, airlock_fault_path)
