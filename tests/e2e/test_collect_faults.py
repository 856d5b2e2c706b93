"""collect under the faults of test_faults.py, by its tests: whatever failed, a collection is whole or not there, and again completes it."""

import pytest
from test_collect import needs, pip_set, write
from test_faults import (  # noqa: F401 (the tests of that file, over the command of this one)
    Attempt,
    counted,
    test_what_was_acknowledged_survives_a_power_cut_at_once,
    test_whatever_fails_nothing_is_half_and_again_completes_it,
)
from upstream import Upstream
from world import World

pytestmark = needs("curl")


@pytest.fixture(scope="module")
def master(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("faults"))
    made.make_station()
    with Upstream(made.folder / "upstream") as up:
        parts = up.sdist("parts", "2.0")
        made.yaml = write(made, up, pip_set(up.requirements(parts), more=", source: [parts], build: false"))
        yield made


class Collect:
    spread = 2

    def __init__(self, master, fault_path):
        self.master, self.fault_path = master, fault_path

    def attempt(self, folder):
        return Attempt(self.master.path, self.fault_path, folder, ["collect", str(self.master.yaml)], self.master.station)

    def holds(self, attempt, first):
        attempt.sound(first)
        assert attempt.rows("collection") or first.status != 0
        attempt.again(0)
        attempt.fsck()
        assert attempt.rows("collection") == 1
        assert [p.name for p in (attempt.home / "collect").iterdir()] == ["lock"]


@pytest.fixture
def command(master, airlock_fault_path):
    return Collect(master, airlock_fault_path)
