"""init, receive and the admission from quarantine, failed, killed and cut off from power at the n-th call (src/util/sys_fault.h says what each is). Whatever happened: nothing is
half, what the command acknowledged is there, `fsck` is clean, and the same command again completes it. Every n under script/test --all, a spread of n
otherwise. The last tests take out one fsync at a time and ask that a power cut then does harm. (approve, promote and rollback: test_promote_faults.py;
ship and unpacking: test_ship_faults.py; blobs, rows and ledger alone: tests/fault.)"""

import re
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest
from conftest import run_program
from world import World

SPREAD = 9
KINDS = {"eio": "calls", "enospc": "calls", "kill": "changes", "cut": "changes", "tear": "changes"}
DEATHS = ("kill", "cut", "tear")


@pytest.fixture(scope="module")
def shipped(airlock_path, tmp_path_factory):
    """A contour that trusts a station, and a shipment for it in three volumes."""
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.found()
    made.pack()
    made.media = made.ship("assistant:v1.0.0", volume_size="400K")
    assert len([p for p in made.media.iterdir() if p.is_file()]) >= 3
    return made


class Attempt:
    """One contour folder, and one command on it."""

    def __init__(self, path, fault_path, folder, args, start=None):
        folder.mkdir()
        self.path, self.fault_path, self.args = path, fault_path, args
        self.home, self.stash = folder / "contour", folder / "stash"
        self.stash.mkdir()
        if start:
            shutil.copytree(start, self.home, symlinks=True)

    def run_with(self, fault, skip=None):
        env = {"AIRLOCK_FAULT": fault, "AIRLOCK_FAULT_STASH": str(self.stash)}
        if skip:
            env["AIRLOCK_FAULT_SKIP"] = str(skip)
        return run_program(self.fault_path, self.args, home=self.home, status=None, env=env)

    def again(self, status):
        return run_program(self.path, self.args, home=self.home, status=status)

    def fsck(self):
        return run_program(self.path, ["fsck"], home=self.home, status=0, json=True)

    def sound(self, first):
        """fsck is clean; and nothing lags behind when all was done before the power failed."""
        notes = [note for note in self.fsck().json["notes"] if note.startswith("ledger/")]
        assert not (first.published and notes), notes

    def rows(self, table):
        with closing(sqlite3.connect(f"file:{self.home / 'state.db'}?mode=ro", uri=True)) as db:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


class Receive:
    spread = SPREAD  # places that a daily run takes of each kind

    def __init__(self, shipped, fault_path):
        self.shipped, self.fault_path = shipped, fault_path

    def attempt(self, folder):
        return Attempt(self.shipped.path, self.fault_path, folder, ["receive", str(self.shipped.media)], self.shipped.contour)

    def holds(self, attempt, first):
        """After the fault: sound; acknowledged means there; and the same command again gets there."""
        attempt.sound(first)
        there = attempt.rows("shipment")
        assert there or first.status != 0
        attempt.again(5 if there else 0)
        attempt.fsck()
        assert attempt.rows("shipment") == 1
        assert sum(not p.name.startswith(".") for p in (attempt.home / "quarantine").iterdir()) == 1


class Init:
    spread = SPREAD

    def __init__(self, shipped, fault_path):
        self.shipped, self.fault_path = shipped, fault_path

    def attempt(self, folder):
        return Attempt(self.shipped.path, self.fault_path, folder, ["init", "--name", "fresh"])

    def holds(self, attempt, first):
        again = attempt.again((0, 5))
        assert again.status == 5 or first.status != 0
        attempt.sound(first)
        attempt.again(5)
        assert attempt.rows("ledger") >= 1


class Promote:
    """Into sandbox: every blob out of quarantine, rows, pointer, statement, entry."""

    spread = SPREAD
    ready = None  # a contour where only the promotion is left to do

    def __init__(self, shipped, fault_path):
        self.shipped, self.fault_path = shipped, fault_path
        if not Promote.ready or not Promote.ready.is_dir():
            Promote.ready = shipped.folder / "ready"
            shutil.copytree(shipped.contour, Promote.ready, symlinks=True)
            shipped.receive(shipped.media, contour=Promote.ready)
            shipped.run("scan", "assistant:v1.0.0", home=Promote.ready)
            shipped.run("judge", "assistant:v1.0.0", "--gate", "intake", home=Promote.ready)

    def attempt(self, folder):
        return Attempt(self.shipped.path, self.fault_path, folder, ["promote", "assistant:v1.0.0", "sandbox"], Promote.ready)

    def holds(self, attempt, first):
        attempt.sound(first)
        assert attempt.rows("pointer") or first.status != 0
        attempt.again(0)
        attempt.fsck()
        assert attempt.rows("pointer") == attempt.rows("pointer_history") == 1


COMMANDS = {"receive": Receive, "init": Init, "promote": Promote}


@pytest.fixture(params=COMMANDS)
def command(request, shipped, airlock_fault_path):
    return COMMANDS[request.param](shipped, airlock_fault_path)


@pytest.fixture
def counted(command, tmp_path):
    """How many calls, changes and places that sync the command has."""
    attempt = command.attempt(tmp_path / "counted")
    result = attempt.run_with("count")
    found = re.search(r"fault: calls=(\d+) changes=(\d+) syncs=(\d+)", result.err)
    assert result.status == 0 and found, result
    shutil.rmtree(attempt.home.parent)
    return dict(zip(("calls", "changes", "syncs"), map(int, found.groups()), strict=True))


def one(command, folder, fault, skip=None):
    """One fault and what must hold after it; the folder is left only when it does not."""
    attempt = command.attempt(folder)
    first = attempt.run_with(fault, skip)
    kind = fault.split(":")[0]
    if kind in DEATHS:
        assert first.status in (0, -signal.SIGKILL), first
    else:
        assert first.status in (0, 7), first
    # a power cut at the end is one of a command that had done all it does
    first.published = fault.endswith(":0")
    if fault.endswith(":0"):
        first.status = 0
    command.holds(attempt, first)
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_fails_nothing_is_half_and_again_completes_it(command, counted, kind, exhaustive, tmp_path):
    total = counted[KINDS[kind]]
    step = 1 if exhaustive else max(1, total // command.spread)
    for n in range(1, total + 1, step):
        one(command, tmp_path / f"{kind}-{n}", f"{kind}:{n}")


@pytest.mark.parametrize("kind", ["cut", "tear"])
def test_what_was_acknowledged_survives_a_power_cut_at_once(command, kind, tmp_path):
    one(command, tmp_path / kind, f"{kind}:0")


def test_a_power_cut_after_the_one_that_went_on_from_a_death_takes_nothing(command, counted, exhaustive, tmp_path):
    """The second process must not take the word of the first, which was killed, for what is durable."""
    step = 1 if exhaustive else max(1, counted["changes"] // command.spread)
    for n in range(1, counted["changes"] + 1, step):
        folder = tmp_path / f"twice-{n}"
        attempt = command.attempt(folder)
        attempt.run_with(f"kill:{n}")
        second = attempt.run_with("cut:0")
        assert second.status == -signal.SIGKILL, second
        second.status, second.published = 0, False  # it may have found all done but the ledger's files
        command.holds(attempt, second)
        shutil.rmtree(folder)


def test_a_disk_that_stays_full_is_said_and_repaired_later(command, counted, tmp_path):
    for n in range(2, counted["calls"], counted["calls"] // 4):
        one(command, tmp_path / f"full-{n}", f"enospc:{n}+")


def is_missed(command, counted, skip, folder):
    """True when a power cut does harm without sync number `skip`."""
    for n in range(counted["changes"] + 1):
        for kind in ("cut", "tear"):
            try:
                one(command, folder / f"{skip}-{kind}-{n}", f"{kind}:{n}", skip)
            except AssertionError as harm:
                print(f"sync {skip}, {kind}:{n}: {str(harm)[:300]}")
                return True
    return False


def test_every_sync_of_the_command_is_missed_when_it_is_left_out(command, counted, tmp_path):
    idle = [k for k in range(1, counted["syncs"] + 1) if not is_missed(command, counted, k, tmp_path)]

    assert idle == []
