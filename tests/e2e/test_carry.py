"""A policy and advisories cross the gap as signed artifacts of their own: in a shipment, with a release or without one."""

import json
import shutil
import time

import jsonschema
import pytest
from conftest import ROOT
from packages import wheel, with_packages
from test_advisories import NEW, OLD, issue, record, schema
from test_clock import at  # noqa: F401  (a fixture)
from test_policy import set_policy, stricter
from test_receive_faults import Faulty
from world import World, copy_media, flip, volumes, world  # noqa: F401  (a fixture)


@pytest.fixture(scope="module")
def stocked(airlock_path, tmp_path_factory):
    """A station and a contour that know each other; a release with the package demo 1.0 is packed."""
    made = World(airlock_path, tmp_path_factory.mktemp("carry")).found().people()
    with_packages(made, files=[wheel(made.folder, "demo", "1.0")])
    return made


@pytest.fixture
def gap(stocked, tmp_path):
    shutil.copytree(stocked.folder, tmp_path / "gap", symlinks=True)
    copy = World(stocked.path, tmp_path / "gap")
    copy.keys = {name: copy.folder / "desk" / key.name for name, key in stocked.keys.items()}
    return copy


def sign_policy(world, text, *options, name="policy.yaml", home=None, status=0, **more):
    file = world.folder / name
    file.write_text(text)
    done = world.run("policy", "sign", file, *options, home=home or world.station, json=True, status=status, **more)
    return file if status == 0 else done


def ship(world, *words, to="demo", out=None, status=0, **more):
    """ship with any words; returns the medium, or what it said when it had to refuse."""
    world.media_count += 1
    out = out or world.folder / f"medium-{world.media_count}"
    done = world.run("ship", *words, "--to", to, "--out", out, home=world.station, status=status, **more)
    return out if status == 0 else done


def entries(world, action):
    return [e["entry"] for e in map(json.loads, world.run("log", json=True).out.splitlines()) if e["entry"]["action"] == action]


def put_in_force(world, ref, *people, **options):
    secret = world.folder / "desk" / "passphrase"
    return world.run("policy", "set", ref, *[word for person in people for word in ("--key", world.keys[person], "--passphrase-file", secret)], **options)


def test_a_release_its_policy_and_advisories_cross_together(gap):
    world = gap
    text = stricter(world).replace("require: [station-signature, provenance, sbom, scan]", "require: [station-signature, provenance, sbom, scan, advisories]") + "advisories: {max-age: 366d}\n"
    policy, first = sign_policy(world, text), issue(world, "first", OLD)
    medium = ship(world, "assistant:v1.0.0", "--policy", policy, "--advisories", first)
    (document,) = (medium / "targets").iterdir()
    jsonschema.validate(json.loads(document.read_text()), schema("shipment"))
    listed = {a["role"]: a for a in json.loads(document.read_text())["artifacts"]}
    assert listed["policy"]["size"] == policy.stat().st_size and listed["advisories"]["date"] == OLD["modified"]

    said = world.receive(medium).json

    assert [(a["role"], a["digest"]) for a in said["artifacts"]] == [(r, listed[r]["digest"]) for r in ("policy", "advisories")]
    assert "not scanned here" in said["matched"][0]["reason"]
    assert entries(world, "receive")[-1]["artifacts"] == list(listed.values())
    assert world.run("advisories", "show", json=True).json["shipment"] == 1
    shown = world.run("show", "shipment:1", json=True).json
    assert [a["role"] for a in shown["artifacts"]] == ["policy", "advisories"] and shown["state"] == "quarantined"

    # the policy changed nothing by arriving: it waits
    assert "scan-max-age: 7d" not in world.run("policy", "show").out
    status = world.run("status", json=True).json
    jsonschema.validate(status, schema("status"))
    assert status["policy_waits"]["policy"] == listed["policy"]["digest"] and status["policy_waits"]["shipment"] == 1
    assert status["policy_waits"]["station"]["name"] == "north" and status["advisories"]["records"] == 1
    assert "waits for two people: it came in shipment:1 of station north" in world.run("status").out
    world.run("scan", "assistant:v1.0.0")
    assert world.run("policy", "diff", "shipment:1", json=True).json["releases"] == 1
    assert "it can be put in force" in world.run("policy", "check", "shipment:1").out
    assert "two people" in put_in_force(world, "shipment:1", "sofia", "sofia", status=5).err

    done = put_in_force(world, "shipment:1", "pavel", "sofia", json=True).json

    assert done["policy"] == listed["policy"]["digest"] == world.run("policy", "show", json=True).json["policy"]
    assert world.run("policy", "show", json=True).json["text"] == text
    assert entries(world, "policy-set")[-1]["shipment"] == 1 and entries(world, "policy-proposal")[-1]["policy"] == done["policy"]
    assert world.run("status", json=True).json["policy_waits"] is None
    world.fsck()

    # what a later day's advisories say stops what would have passed
    world.admit("assistant:v1.0.0")
    second = issue(world, "second", OLD, NEW)
    said = world.receive(ship(world, "--advisories", second)).json
    assert said["releases"] == [] and [(r["release"], r["result"], r["matches"]) for r in said["matched"]] == [("assistant:v1.0.0", "FAILED", 1)]
    assert "PYSEC-2" in world.run("judge", "assistant:v1.0.0", "--gate", "intake", status=1).out
    assert "assistant:v1.0.0  affected" in world.run("recall", "CVE-2026-77").out
    assert world.run("recall", "PYSEC-2", json=True).json["affected"] == 1

    # and an older snapshot is no way back
    before = world.state()
    refused = world.receive(ship(world, "--advisories", first), status=5).err
    assert "older than the one in force" in refused and OLD["modified"] in refused and NEW["modified"] in refused
    assert world.state() == before and world.run("recall", "PYSEC-2", json=True).json["affected"] == 1


def test_a_day_of_advisories_is_a_small_shipment_and_leaves_nothing_in_quarantine(gap):
    world = gap
    for day in range(1, 4):
        records = [record(f"PYSEC-{n}", "PyPI", "other", [{"introduced": "0"}], modified=f"2026-03-0{n}T00:00:00Z") for n in range(1, day + 1)]
        medium = ship(world, "--advisories", issue(world, f"day{day}", *records))
        assert sum(p.stat().st_size for p in medium.rglob("*") if p.is_file()) < 32768 and len(volumes(medium)) == 1
        said = world.run("receive", medium).out
        assert f"shipment:{day} is received" in said and "no release lies here yet" in said
    assert world.quarantine() == []
    assert world.run("advisories", "show", json=True).json["records"] == 3
    assert [s["state"] for s in world.run("status", json=True).json["shipments"]] == ["admitted"] * 3
    assert "did not come in shipment:2" in world.run("advisories", "import", "shipment:2", status=4).err
    assert "in force" in world.run("advisories", "import", "shipment:3").out
    world.fsck()
    world.run("gc")
    world.fsck()
    world.fsck(home=world.station)


def test_the_same_snapshot_again_is_fine_and_changes_nothing(gap):
    world = gap
    snapshot = issue(world, "feed", OLD)
    world.receive(ship(world, "--advisories", snapshot))
    since = world.run("advisories", "show", json=True).json["imported"]
    world.receive(ship(world, "assistant:v1.0.0", "--advisories", snapshot))
    assert world.run("advisories", "show", json=True).json["imported"] == since
    assert len(entries(world, "advisories-import")) == 1
    assert [a["role"] for a in world.run("show", "shipment:2", json=True).json["artifacts"]] == ["advisories"]


def test_a_newer_policy_takes_the_place_of_the_one_that_waits_and_an_older_one_is_refused(gap):
    world = gap
    text = stricter(world)
    old = sign_policy(world, text, name="old.yaml")
    kept = [ship(world, "--policy", old), ship(world, "--policy", old)]
    world.receive(kept[0])
    world.receive(kept[1])
    assert world.run("status", json=True).json["policy_waits"]["shipment"] == 2
    saved = {p.name: p.read_bytes() for p in (old, old.with_name("old.yaml.sig"))}
    time.sleep(1.1)  # dates have seconds
    later = sign_policy(world, text.replace("7d", "5d", 1), name="new.yaml")
    world.receive(ship(world, "--policy", later))
    assert world.run("status", json=True).json["policy_waits"]["shipment"] == 3
    for name, content in saved.items():
        (world.folder / name).write_bytes(content)
    refused = world.receive(ship(world, "--policy", old), status=5).err
    assert "older than the policy that came in shipment:3" in refused and refused.count("signed 2") == 2

    # setting another one, in a later second, is an answer too
    time.sleep(1.1)
    set_policy(world, text.replace("7d", "6d", 1), "pavel", "sofia")
    assert world.run("status", json=True).json["policy_waits"] is None
    put_in_force(world, "shipment:3", "pavel", "sofia")
    assert "shipment:9 brought no policy" in put_in_force(world, "shipment:9", "pavel", "sofia", status=4).err


def test_a_station_ships_only_what_its_own_role_signed(gap):
    world = gap
    snapshot, policy = issue(world, "feed", OLD), sign_policy(world, stricter(world))
    signature, other = snapshot.with_name("feed.snap.sig"), policy.with_name("policy.yaml.sig")
    good = signature.read_bytes()

    assert "nothing is to be shipped" in ship(world, status=2).err
    assert "absent.snap" in ship(world, "--advisories", world.folder / "absent.snap", status=4).err
    signature.unlink()
    assert "airlock advisories import" in ship(world, "--advisories", snapshot, status=4).err
    signature.write_bytes(other.read_bytes())
    assert "of the role advisories, found" in ship(world, "--advisories", snapshot, status=3).err
    signature.write_bytes(good)
    snapshot.write_bytes(snapshot.read_bytes()[:-1])
    assert "exactly this file" in ship(world, "--advisories", snapshot, status=3).err
    policy.write_text(policy.read_text() + "# more\n")
    assert "exactly this file" in ship(world, "--policy", policy, status=3).err
    weak = stricter(world).replace("require: [stood-before, scan]", "require: [stood-before]")
    assert "must ask for scan" in sign_policy(world, weak, name="weak.yaml", status=3).err

    world.make_station(name="south", home=world.folder / "south")
    world.introduce(station=world.folder / "south")
    foreign = sign_policy(world, stricter(world), name="foreign.yaml", home=world.folder / "south")
    assert "signed for the station" in ship(world, "--policy", foreign, status=3).err
    assert world.run("status", json=True).json["shipments"] == []


def test_a_policy_for_one_contour_goes_to_no_other(gap):
    world = gap
    world.make_contour(name="lab", home=world.folder / "lab")
    world.introduce(contour=world.folder / "lab")
    policy = sign_policy(world, stricter(world), "--to", "lab")
    assert "is signed for the contour of id" in ship(world, "--policy", policy, status=5).err
    medium = ship(world, "--policy", policy, to="lab")
    assert "addressed to another contour" in world.receive(medium, status=5).err
    assert "no contour" in sign_policy(world, stricter(world), "--to", "nowhere", status=4).err


def test_a_damaged_medium_brings_neither(gap, tmp_path):
    world = gap
    medium = ship(world, "--policy", sign_policy(world, stricter(world)), "--advisories", issue(world, "feed", OLD))
    before = world.state()
    (volume,) = volumes(medium)
    for name, harm in {
        "flipped": lambda p: flip(p, -5),
        "cut": lambda p: p.write_bytes(p.read_bytes()[:-7]),
        "gone": lambda p: p.unlink(),
    }.items():
        broken = copy_media(medium, tmp_path / name)
        harm(broken / volume.name)
        world.receive(broken, status=3)
    assert world.state() == before
    assert world.run("status", json=True).json["policy_waits"] is None
    world.run("advisories", "show", status=4)
    world.receive(medium)
    assert "received before" in world.receive(medium, status=5).err


def test_what_was_interrupted_between_receipt_and_matching_is_completed(gap):
    """As a crash right after the transaction leaves it: the advisories are in force, and nothing is matched."""
    world = gap
    world.receive(ship(world, "assistant:v1.0.0"))
    world.run("scan", "assistant:v1.0.0")
    world.receive(ship(world, "--advisories", issue(world, "feed", NEW)))
    said = world.run("advisories", "import", "shipment:2", json=True).json
    jsonschema.validate(said, schema("advisories-import"))
    assert said["releases"][0]["result"] == "FAILED" and len(entries(world, "advisories-import")) == 1


def test_what_expired_on_the_way_or_is_of_the_future_is_refused(gap, at):
    """The shipment is good for a year, a role's signature for 90 days."""
    world = gap
    snapshot, policy = issue(world, "feed", OLD), sign_policy(world, stricter(world))
    mediums = ship(world, "--advisories", snapshot, "--valid", "365d"), ship(world, "--policy", policy, "--valid", "365d")
    for medium, role in zip(mediums, ("advisories", "policy")):
        refused = world.receive(medium, status=5, env=at("+100d")).err
        assert f"the signature of the {role} expired at" in refused
    assert "expired at" in ship(world, "--policy", policy, status=5, env=at("+100d")).err
    early = sign_policy(world, stricter(world), name="early.yaml", env=at("+2d"))
    assert "is of the future" in ship(world, "--policy", early, status=5).err


@pytest.mark.parametrize("mode", ["kill", "cut", "eio"])
def test_interrupted_anywhere_they_are_taken_whole_or_not_at_all(gap, airlock_fault_path, tmp_path, mode, exhaustive):
    """The same command completes it; what stands is in force once, and the policy waits once."""
    world = gap
    world.media = ship(world, "--policy", sign_policy(world, stricter(world)), "--advisories", issue(world, "feed", OLD))
    faulty = Faulty(world, airlock_fault_path, tmp_path)
    for n in faulty.places(mode, exhaustive):
        broken = faulty.receive(f"{mode}:{n}")
        assert broken.returncode in (0, 7) if mode == "eio" else broken.returncode < 0, f"{mode}:{n}: {broken}"
        faulty.fsck()
        again = world.run("receive", world.media, home=faulty.home, status=(0, 5))
        assert again.status == 0 or "received before" in again.err, f"{mode}:{n}: {again}"
        faulty.fsck()
        status = world.run("status", home=faulty.home, json=True).json
        assert status["policy_waits"]["shipment"] == status["advisories"]["shipment"] == len(status["shipments"]) == 1, f"{mode}:{n}: {status}"
        assert world.run("advisories", "import", "shipment:1", home=faulty.home).status == 0


def test_the_examples_are_as_their_schemas_say():
    for name in ("shipment", "policy-proposal"):
        jsonschema.validate(json.loads((ROOT / f"docs/formats/examples/{name}.json").read_text()), schema(name))
