"""ship at the station, and the unpacking of an engine image, under the faults of test_faults.py, by its tests. A medium is whole or refused, and whole
when `ship` said so; an image that was half unpacked is unpacked again by the next start, whose tree is what the layers say."""

import shutil

import pytest
from test_faults import (  # noqa: F401 (the tests of that file, over the commands of this one)
    Attempt,
    counted,
    is_missed,
    test_a_disk_that_stays_full_is_said_and_repaired_later,
    test_a_power_cut_after_the_one_that_went_on_from_a_death_takes_nothing,
    test_what_was_acknowledged_survives_a_power_cut_at_once,
    test_whatever_fails_nothing_is_half_and_again_completes_it,
)
from world import World

REF = "assistant:v1.0.0"
REFUSED = (1, 3, 4, 5)


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    """A station with a packed release; a contour that trusts it; and another one, where the release stands in test and has never been started."""
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.found()
    made.pack()
    made.empty, made.unshipped = made.folder / "empty", made.folder / "unshipped"
    shutil.copytree(made.contour, made.empty, symlinks=True)
    shutil.copytree(made.station, made.unshipped, symlinks=True)
    made.receive(made.ship(REF))
    made.to_test(REF)
    return made


class Ship:
    spread = 4

    def __init__(self, master, fault_path):
        self.master, self.fault_path = master, fault_path

    def attempt(self, folder):
        args = ["ship", REF, "--to", "demo", "--out", str(folder / "media"), "--volume-size", "400K"]
        attempt = Attempt(self.master.path, self.fault_path, folder, args, self.master.unshipped)
        attempt.media = folder / "media"
        return attempt

    def received(self, attempt, name):
        """Holds the medium against a contour of its own: True when it was received, False when it was refused and left nothing."""
        contour = attempt.home.parent / name
        shutil.copytree(self.master.empty, contour, symlinks=True)
        result = self.master.receive(attempt.media, contour=contour, status=None)
        if result.status == 0:
            self.master.fsck(home=contour)
            return True
        assert result.status in REFUSED, result
        assert self.master.quarantine(contour) == []
        return False

    def holds(self, attempt, first):
        attempt.sound(first)
        # after a death, ship refuses to go on in a folder that is not empty; that is no promise
        promised = first.status == 0 and "is not empty" not in first.err
        assert self.received(attempt, "first") or not promised
        # what a death leaves there is the operator's to take away
        shutil.rmtree(attempt.media, ignore_errors=True)
        attempt.again(0)
        attempt.fsck()
        assert self.received(attempt, "second")


class Unpack:
    spread = 4

    def __init__(self, master, fault_path):
        self.master, self.fault_path = master, fault_path

    def attempt(self, folder):
        return Attempt(self.master.path, self.fault_path, folder, ["test", REF], self.master.contour)

    def holds(self, attempt, first):
        attempt.sound(first)
        attempt.again(0)  # it starts the engine, so what lies there was held against its list
        attempt.fsck()
        (image,) = [p for p in (attempt.home / "run/images").iterdir() if p.is_dir()]
        assert not image.name.endswith(".partial")
        assert sorted(p.name for p in image.iterdir()) == ["rootfs", "tree.json"]


COMMANDS = {"ship": Ship, "unpack": Unpack}


@pytest.fixture(params=COMMANDS)
def command(request, master, airlock_fault_path):
    return COMMANDS[request.param](master, airlock_fault_path)


@pytest.mark.parametrize("command", ["ship"], indirect=True)
def test_every_sync_of_ship_is_missed_when_it_is_left_out(command, counted, tmp_path):  # noqa: F811
    at_the_end = {**counted, "changes": 0}
    idle = [k for k in range(1, counted["syncs"] + 1) if not is_missed(command, at_the_end, k, tmp_path)]

    assert counted["syncs"] >= 6
    assert idle == []
