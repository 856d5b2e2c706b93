"""What waits in quarantine, or stands nowhere any more, can be dropped; what stands, or would come back, cannot."""

import json
import os
import time

import jsonschema
import pytest
from conftest import ROOT, run_program
from world import PROMPTS, world  # noqa: F401


@pytest.fixture
def received(world):  # noqa: F811
    world.found().people()
    world.arrive()
    return world


def log(world):
    return world.run("log", "--last", "5", json=True).out


def test_a_shipment_in_quarantine_is_dropped_and_can_come_again(received):
    done = received.run("discard", "shipment:1", "--reason", "sent by mistake", json=True).json
    jsonschema.validate(done, json.loads((ROOT / "docs/formats/discard.schema.json").read_text()))
    assert done["releases"] == 1 and received.quarantine() == []
    received.fsck()
    assert "sent by mistake" in log(received)
    status = received.run("status", json=True).json
    assert status["shipments"][0]["state"] == "discarded" and status["releases"][0]["discarded"] is True
    gone = received.run("scan", "assistant:v1.0.0", status=4)
    assert "was discarded" in gone.err
    received.receive(received.ship("assistant:v1.0.0"))
    received.to_prod("assistant:v1.0.0")
    received.fsck()


def test_a_shipment_that_never_came_is_no_such_shipment(received):
    refused = received.run("discard", "shipment:99", "--reason", "wrong", status=4)
    assert "there is no such shipment: shipment:99" in refused.err


def test_the_same_version_never_gets_other_content(received):
    received.run("discard", "assistant:v1.0.0", "--reason", "wrong")
    other = received.folder / "other"
    received.make_station(home=other)
    received.introduce(station=other, fingerprint=received.run("station", "show", home=other, json=True).json["fingerprint"])
    received.pack("assistant", "v1.0.0", station=other, prompts=PROMPTS.replace("short", "long"))
    refused = received.receive(received.ship("assistant:v1.0.0", station=other), status=5)
    assert "Versions are immutable" in refused.err
    received.fsck()


def test_what_stands_or_would_come_back_is_kept(received):
    received.to_prod("assistant:v1.0.0")
    assert "it stands in" in received.run("discard", "assistant:v1.0.0", "--reason", "x", status=5).err
    received.arrive(version="v1.1.0")
    received.to_prod("assistant:v1.1.0")
    assert "a rollback of" in received.run("discard", "assistant:v1.0.0", "--reason", "x", status=5).err
    received.arrive(version="v1.2.0")
    received.to_prod("assistant:v1.2.0")
    received.run("discard", "assistant:v1.0.0", "--reason", "two behind")
    received.fsck()
    assert "was discarded already" in received.run("discard", "assistant:v1.0.0", "--reason", "x", status=5).err
    old = time.time() - 10 * 86400
    for path in (received.contour / "store/blobs/sha256").iterdir():
        os.utime(path, (old, old))
    assert received.run("gc", json=True).json["blobs"] > 0
    received.fsck()
    received.run("rollback", "prod/assistant")
    assert received.run("show", "prod/assistant", json=True).json["version"] == "v1.1.0"
    received.fsck()


def test_a_reason_is_asked_for(received):
    assert "--reason" in received.run("discard", "assistant:v1.0.0", status=2).err


def test_a_discard_that_is_killed_is_whole_or_not_there(received, airlock_fault_path):
    for n in range(1, 60, 7):
        run_program(airlock_fault_path, ["discard", "assistant:v1.0.0", "--reason", "x"], home=received.contour, env={"AIRLOCK_FAULT": f"kill:{n}"}, status=None)
        received.fsck()
    received.run("discard", "assistant:v1.0.0", "--reason", "x", status=(0, 5))
    received.fsck()
