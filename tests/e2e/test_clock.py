"""Time is suspicious: a clock below the floor changes nothing, says what it found, and what is approved goes on being served. The clock is
set for one command at a time, by libfaketime."""
import glob

import pytest
from world import world  # noqa: F401  (a fixture)


@pytest.fixture
def at():
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        pytest.skip("libfaketime is not installed (Debian: faketime)")
    return lambda shift: {"LD_PRELOAD": found[0], "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def entries(world):
    return world.run("status", json=True).json["ledger_entries"]


def test_a_clock_set_back_by_a_year_refuses_receive_and_changes_nothing(world, at):
    world.found()
    world.pack()
    media = world.ship("assistant:v1.0.0")
    before = world.state(), entries(world)
    refused = world.run("receive", media, status=5, env=at("-365d"))
    assert "clock" in refused.err and "Set the clock right" in refused.err
    assert (world.state(), entries(world)) == before
    world.fsck()
    world.receive(media)


def test_a_clock_set_back_by_a_year_refuses_promotion_approval_and_rollback(world, at):
    world.found().people()
    world.arrive()
    world.to_test("assistant:v1.0.0")
    before = entries(world)
    for command in (["promote", "assistant:v1.0.0", "prod"], ["rollback", "sandbox/assistant"], ["judge", "assistant:v1.0.0", "--gate", "intake"],
                    ["scan", "assistant:v1.0.0"]):
        refused = world.run(*command, status=5, env=at("-365d"))
        assert "clock" in refused.err, refused
    refused = world.sign("request", "assistant:v1.0.0", "prod", person="ines", status=5, env=at("-365d"))
    assert "clock" in refused.err
    assert entries(world) == before
    world.fsck()


def test_a_shipment_that_has_expired_by_this_clock_is_refused_and_the_contour_goes_on(world, at):
    world.found()
    world.arrive()
    world.admit("assistant:v1.0.0")
    world.pack("assistant", "v1.0.1")
    media = world.ship("assistant:v1.0.1")
    refused = world.run("receive", media, status=5, env=at("+3650d"))
    assert "expire" in refused.err
    assert world.run("show", "sandbox/assistant", json=True).json["version"] == "v1.0.0"
    world.receive(media)


def test_reading_needs_no_right_clock(world, at):
    world.found()
    world.arrive()
    assert world.run("status", env=at("-365d")).status == 0
    assert "assistant" in world.run("show", "assistant:v1.0.0", env=at("-365d")).out
