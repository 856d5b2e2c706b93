"""Giving a right, and taking everything of a person away, under the faults of test_faults.py, by its tests: all of it is there, or nothing."""

import sqlite3
from contextlib import closing

import pytest
from test_faults import (  # noqa: F401 (the tests of that file, over the commands of this one)
    Attempt,
    counted,
    test_what_was_acknowledged_survives_a_power_cut_at_once,
    test_whatever_fails_nothing_is_half_and_again_completes_it,
)
from world import World


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """A contour with a group, and a person who has a token, a grant and a place in the group."""
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.make_contour()
    made.people(edda="auditor")
    made.run("group", "new", "readers")
    made.run("group", "add", "readers", "edda")
    made.run("grant", "add", "engineer", "--to", "edda", "--env", "test")
    made.run("token", "new", "edda", "--role", "auditor", "--env", "*")
    return made


def counts(contour):
    with closing(sqlite3.connect(contour / "state.db")) as db:
        return tuple(
            db.execute(sql).fetchone()[0]
            for sql in (
                "SELECT count(*) FROM evidence",
                "SELECT count(*) FROM token WHERE revoked = 1",
                "SELECT count(*) FROM person WHERE revoked = 1",
                "SELECT count(*) FROM ledger",
            )
        )


class Change:
    spread = 2

    def __init__(self, name, master, fault_path):
        self.master, self.fault_path, self.name = master, fault_path, name
        self.args, self.adds = STEPS[name]
        self.before = counts(master.contour)

    def attempt(self, folder):
        return Attempt(self.master.path, self.fault_path, folder, self.args, self.master.contour)

    def holds(self, attempt, first):
        after = tuple(a + b for a, b in zip(self.before, self.adds))
        attempt.sound(first)
        now = counts(attempt.home)
        assert now in (self.before, after)
        assert now == after or first.status != 0
        attempt.again((4, 5) if now == after else 0)  # what is done is not there to be done
        assert counts(attempt.home) == after
        attempt.fsck()


# What each adds: pieces of evidence, revoked tokens, withdrawn roles, entries of the ledger.
STEPS = {
    "a grant": (["grant", "add", "consumer", "--to", "group:readers", "--env", "prod"], (1, 0, 0, 1)),
    "a person": (["person", "withdraw", "edda"], (4, 1, 1, 4)),
}


@pytest.fixture(params=STEPS)
def command(request, master, airlock_fault_path):
    return Change(request.param, master, airlock_fault_path)
