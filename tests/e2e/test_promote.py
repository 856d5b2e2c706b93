"""Pointers: the order of environments, admission from quarantine, rollback, and two commands at once."""

import subprocess
import threading

import pytest
from conftest import environment
from world import flip, gguf, world  # noqa: F401 (a fixture)

REF = "assistant:v1.0.0"


def stands(world, environment_name, name="assistant"):
    """The digest that a pointer names, or None."""
    for pointer in world.run("status", json=True).json["environments"]:
        if (pointer["environment"], pointer["name"]) == (environment_name, name):
            return pointer["digest"]
    return None


def release_of(world, ref):
    return world.run("show", ref, json=True).json


def actions(world, action):
    return [line["entry"] for line in world.run("log", "--all", "--action", action, json=True).lines]


@pytest.fixture
def arrived(world):  # noqa: F811
    """assistant:v1.0.0 lies in quarantine."""
    world.found().arrive()
    return world


def test_order_is_kept_and_each_refusal_says_what_is_missing(arrived):
    before = arrived.state()
    for target, words in (("prod", "stood-before"), ("test", "never stood in sandbox"), ("sandbox", "not scanned here")):
        refused = arrived.run("promote", REF, target, status=5)
        assert words in refused.out, refused
    arrived.run("scan", REF)
    assert "gate intake has not judged it" in arrived.run("promote", REF, "sandbox", status=5).out
    arrived.run("judge", REF, "--gate", "intake")
    assert "never stood in sandbox" in arrived.run("promote", REF, "test", status=5).out
    assert stands(arrived, "sandbox") is None and stands(arrived, "test") is None and stands(arrived, "prod") is None
    assert arrived.state()[0] == before[0], "a refused promotion admitted something"


def test_a_refusal_has_a_short_first_line_and_a_reason_a_line_with_the_next_command(arrived):
    refused = arrived.run("promote", REF, "prod", status=5)
    assert refused.err.startswith(f"airlock promote: {REF} may not stand in prod; rules that say no: ")
    assert refused.err.count("\n") == 1 and "approvals" in refused.err and "scan" in refused.err
    lines = {line.split()[1]: line for line in refused.out.splitlines()}
    assert f"airlock approve {REF} --for prod --key FILE" in lines["approvals"] and lines["approvals"].startswith("  NO ")
    assert f"airlock judge {REF} --gate trust" in lines["verdict"]
    assert f"airlock request {REF} prod --key FILE" in lines["request"]
    assert lines["signatures"].startswith("  yes ")
    document = arrived.run("promote", REF, "prod", status=5, json=True).json
    assert (document["schema"], document["code"]) == ("airlock/error/1", "denied")
    assert {reason["rule"]: reason["ok"] for reason in document["reasons"]} == {rule: line.startswith("  yes") for rule, line in lines.items()}
    assert arrived.run("judge", REF, "--gate", "trust", status=1).out.count("\n") == len(lines) + 1, "not the same list as judge"


def test_the_first_promotion_admits_from_quarantine(arrived):
    assert release_of(arrived, REF)["admitted"] is False
    blobs = {blob["digest"].split(":")[1] for blob in release_of(arrived, REF)["blobs"]}
    store = arrived.contour / "store" / "blobs" / "sha256"
    assert not any((store / name).exists() for name in blobs)
    arrived.admit(REF)
    assert release_of(arrived, REF)["admitted"] is True
    assert release_of(arrived, REF)["environments"] == ["sandbox"]
    assert all((store / name).is_file() for name in blobs)
    assert arrived.quarantine() == []
    assert actions(arrived, "promote")[0]["admitted-from-shipment"] == 1


def test_the_same_promotion_again_changes_nothing(arrived):
    arrived.admit(REF)
    again = arrived.run("promote", REF, "sandbox", json=True).json
    assert again["moved"] is False
    assert len(actions(arrived, "promote")) == 1


def test_a_shipment_leaves_quarantine_with_its_last_release(world):  # noqa: F811
    world.found()
    world.pack("assistant", "v1.0.0")
    world.pack("other", "v1.0.0", model=gguf(name="other"))
    world.receive(world.ship("assistant:v1.0.0", "other:v1.0.0"))
    world.admit("assistant:v1.0.0")
    assert len(world.quarantine()) == 1
    assert world.run("show", "shipment:1", json=True).json["state"] == "quarantined"
    world.admit("other:v1.0.0")
    assert world.quarantine() == []
    assert world.run("show", "shipment:1", json=True).json["state"] == "admitted"


def test_what_does_not_exist_is_not_found_or_wrong_usage(arrived):
    arrived.run("promote", "assistant:v9.9.9", "sandbox", status=4)
    arrived.run("promote", REF, "staging", status=2)
    arrived.run("promote", REF, status=2)
    arrived.run("rollback", "assistant", status=2)
    arrived.run("rollback", "sandbox/assistant", status=4)


@pytest.fixture
def two(arrived):
    """v1.0.0 stood in sandbox, v1.1.0 stands there now; their models differ."""
    arrived.admit(REF)
    arrived.arrive("assistant", "v1.1.0", model=gguf(name="newer"))
    arrived.admit("assistant:v1.1.0")
    return arrived


def test_rollback_brings_back_what_stood_there_before(two):
    old, new = release_of(two, REF)["digest"], release_of(two, "assistant:v1.1.0")["digest"]
    assert stands(two, "sandbox") == new
    back = two.run("rollback", "sandbox/assistant", json=True).json
    assert (back["digest"], back["before"], back["version"]) == (old, new, "v1.0.0")
    assert stands(two, "sandbox") == old
    # nothing stood there before v1.0.0: a second rollback does not flip back to what was just left
    assert "no other release" in two.run("rollback", "sandbox/assistant", status=4).err
    two.run("promote", "assistant:v1.1.0", "sandbox")
    assert stands(two, "sandbox") == new
    two.run("rollback", "sandbox/assistant")
    assert stands(two, "sandbox") == old
    assert [entry["digest"] for entry in actions(two, "rollback")] == [old, old]


def test_rollback_is_refused_to_a_release_that_is_denied_now(two):
    model = next(b["digest"] for b in release_of(two, REF)["blobs"] if b["part"] == "model" and b["name"].endswith(".gguf"))
    blob = two.contour / "store" / "blobs" / "sha256" / model.split(":")[1]
    blob.chmod(0o600)
    flip(blob, -5)
    two.run("scan", REF, status=1)
    new = stands(two, "sandbox")
    refused = two.run("rollback", "sandbox/assistant", status=5)
    assert "scan FAILED" in refused.out
    assert stands(two, "sandbox") == new


def test_a_scan_that_fails_after_the_verdict_closes_the_way(arrived):
    arrived.run("scan", REF)
    arrived.run("judge", REF, "--gate", "intake")
    model = next(b["digest"] for b in release_of(arrived, REF)["blobs"] if b["name"].endswith(".gguf"))
    blob = arrived.contour / "quarantine" / arrived.quarantine()[0] / "blobs" / "sha256" / model.split(":")[1]
    blob.chmod(0o600)
    flip(blob, -5)
    arrived.run("scan", REF, status=1)
    assert "scan FAILED" in arrived.run("promote", REF, "sandbox", status=5).out


def test_promote_against_rollback_is_one_order_or_the_other(two):
    """Both at once, again and again: each ends as if it had been alone, and pointer, history and ledger agree."""
    old, new = release_of(two, REF)["digest"], release_of(two, "assistant:v1.1.0")["digest"]
    for _ in range(6):
        results = {}

        def go(key, *words):
            command = [str(two.path), "--home", str(two.contour), *words]
            results[key] = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)

        threads = [
            threading.Thread(target=go, args=("promote", "promote", "assistant:v1.1.0", "sandbox")),
            threading.Thread(target=go, args=("rollback", "rollback", "sandbox/assistant")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results["promote"].returncode == 0, results["promote"].stderr
        assert results["rollback"].returncode in (0, 4), results["rollback"].stderr
        moves = [line["entry"] for line in two.run("log", "--all", json=True).lines if line["entry"]["action"] in ("promote", "rollback")]
        assert moves[-1]["digest"] == stands(two, "sandbox") in (old, new)
        for earlier, later in zip(moves, moves[1:]):
            assert later["before"] == earlier["digest"], "a move did not begin where the one before it had ended"


def test_two_promotions_at_once_admit_once(arrived):
    arrived.run("scan", REF)
    arrived.run("judge", REF, "--gate", "intake")
    command = [str(arrived.path), "--home", str(arrived.contour), "promote", REF, "sandbox"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) for _ in range(6)]
    for process in running:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert len(actions(arrived, "promote")) == 1
    assert arrived.quarantine() == []
