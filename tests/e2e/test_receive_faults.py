"""A real receive that is killed, loses power, or whose calls fail, at many places: afterwards `fsck` is clean, the same command completes it, and it
is received once. `script/test` takes a spread of places, `script/test --all` every one."""

import re
import shutil
import subprocess

import pytest
from conftest import environment
from world import World

SPREAD = 6


@pytest.fixture(scope="module")
def packed(airlock_path, tmp_path_factory):
    world = World(airlock_path, tmp_path_factory.mktemp("packed")).found()
    world.pack()
    world.media = world.ship("assistant:v1.0.0", volume_size="400K")
    return world


class Faulty:
    def __init__(self, packed, program, folder):
        self.packed, self.program, self.folder = packed, program, folder
        self.home = folder / "contour"
        counted = self.receive("count")
        assert counted.returncode == 0, counted
        self.calls, self.changes, self.syncs = map(int, re.search(r"calls=(\d+) changes=(\d+) syncs=(\d+)", counted.stderr).groups())
        self.untouched = self.fsck().out

    def receive(self, fault, skip=0):
        """In a fresh copy of the contour."""
        for path in (self.home, self.folder / "stash"):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.packed.contour, self.home)
        (self.folder / "stash").mkdir()
        env = {"AIRLOCK_FAULT": fault, "AIRLOCK_FAULT_SKIP": str(skip), "AIRLOCK_FAULT_STASH": str(self.folder / "stash")}
        return subprocess.run(
            [str(self.program), "--home", str(self.home), "receive", str(self.packed.media)],
            capture_output=True, text=True, env=environment(env), timeout=120, check=False,
        )

    def fsck(self, status=0):
        return self.packed.run("fsck", home=self.home, status=status)

    def places(self, mode, every):
        top = self.calls if mode in ("enospc", "eio") else self.changes
        step = 1 if every else max(1, top // SPREAD)
        return range(1, top + 1, step)


@pytest.fixture
def faulty(packed, airlock_fault_path, tmp_path):
    return Faulty(packed, airlock_fault_path, tmp_path)


@pytest.mark.parametrize("mode", ["kill", "cut", "tear", "enospc", "eio"])
def test_interrupted_anywhere_a_receive_leaves_nothing_half_and_is_completed_by_the_same_command(faulty, mode, exhaustive):
    for n in faulty.places(mode, exhaustive):
        broken = faulty.receive(f"{mode}:{n}")
        if mode in ("enospc", "eio"):
            # 0: it struck after the decision, where the next command completes what lags
            assert broken.returncode in (0, 7), f"{mode}:{n}: {broken}"
        else:
            assert broken.returncode < 0, f"{mode}:{n}: {broken}"
        faulty.fsck()

        again = faulty.packed.run("receive", faulty.packed.media, home=faulty.home, status=(0, 5))

        assert again.status == 0 or "received before" in again.err, f"{mode}:{n}: {again}"
        faulty.fsck()
        (shipment,) = faulty.packed.run("status", home=faulty.home, json=True).json["shipments"]
        folders = [p.name for p in (faulty.home / "quarantine").iterdir() if not p.name.startswith(".")]
        assert len(folders) == 1 and not folders[0].endswith(".partial"), f"{mode}:{n}: {folders}"
        assert shipment["number"] == 1


def test_after_a_power_cut_at_its_end_all_of_it_is_there(faulty):
    faulty.receive("cut:0")

    assert faulty.fsck().out == faulty.untouched


def test_without_any_one_of_its_fsyncs_a_receive_would_lose_something(faulty):
    """The power-cut mode has teeth: the power fails when the receive has ended, and one place that syncs did not."""
    assert faulty.syncs >= 5
    for place in range(1, faulty.syncs + 1):
        faulty.receive("cut:0", skip=place)

        assert faulty.fsck(status=None).out != faulty.untouched, f"nothing was lost without sync {place}"
