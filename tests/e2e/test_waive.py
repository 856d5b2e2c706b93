"""Waivers: two people let one finding pass on one digest, for a time; the gates look at it at every step, and it ends by itself."""

import base64
import json
import time
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import ROOT, wait_for
from served import Served
from world import gguf, world  # noqa: F401

REF = "assistant:v1.0.0"
TEMPLATE = "{{ messages[0]['content'] | center(80) }}"  # outside of what templates may do, and on no list
RULE = "template-construct"
COMPENSATION = ("--compensation", "the gateway renders its own template", "--ticket", "SEC-17")


def day(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%d")


def moment(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def found(world):
    """A release whose scan FAILED for its template, in quarantine; and another officer."""
    world.found().people()
    world.people(otto="security-officer")
    world.arrive(model=gguf(template=TEMPLATE))
    world.run("scan", REF, status=1)
    return world


def waive(world, rule, person, *, until=None, status=0, more=COMPENSATION):
    return world.sign("waive", rule, "--on", REF, "--until", until or day(30), *more, person=person, status=status, json=True)


def waived_by(world, *people, until=None):
    for person in people:
        waive(world, RULE, person, until=until)


def intake(world, status):
    return world.run("judge", REF, "--gate", "intake", status=status).out


def test_a_finding_that_two_people_waived_passes_the_gate_and_is_named(found):
    assert RULE in intake(found, 1)
    waived_by(found, "sofia")
    said = intake(found, 1)
    assert "waived by sofia alone" in said
    waived_by(found, "otto")
    assert "is waived, until" in intake(found, 0)
    found.run("promote", REF, "sandbox")
    found.run("promote", REF, "test")


def test_a_waived_release_goes_to_prod_with_its_waivers_in_the_passport(found):
    waived_by(found, "sofia", "pavel")
    intake(found, 0)
    found.run("promote", REF, "sandbox")
    found.run("promote", REF, "test")
    found.run("test", REF)
    found.run("silence", REF)
    found.sign("request", REF, "prod", person="ines")
    found.sign("approve", REF, "--for", "prod", person="pavel")
    found.sign("approve", REF, "--for", "prod", person="sofia")
    found.run("judge", REF, "--gate", "trust")
    found.run("promote", REF, "prod")
    passport = found.run("passport", REF).out
    assert "waiver" in passport and "SEC-17" in passport and "renders its own template" in passport
    entries = [line["entry"] for line in found.run("log", "--all", json=True).lines if line["entry"]["action"] == "waive"]
    assert {entry["role"] for entry in entries} == {"security-officer", "product-owner"}
    found.fsck()


def test_a_waiver_that_has_ended_stops_a_promotion_at_once(found):
    waived_by(found, "sofia", "otto", until=moment(6))
    intake(found, 0)
    found.run("promote", REF, "sandbox")
    time.sleep(7)
    refused = found.run("promote", REF, "test", status=5)
    assert "has ended" in refused.out
    waived_by(found, "sofia", "otto")
    intake(found, 0)
    found.run("promote", REF, "test")


def test_an_answer_names_what_was_waived(found):
    answer = waive(found, RULE, "sofia").json
    finding = [f for file in found.run("scan", REF, status=1, json=True).json["files"] for f in file["findings"] if f["rule"] == RULE]
    assert finding and answer["finding"] == RULE and answer["place"].endswith(".gguf") and answer["people"] == 1
    assert waive(found, RULE, "otto").json["people"] == 2


def test_two_product_owners_are_not_enough_and_an_engineer_is_nobody(found):
    found.people(paula="product-owner")
    waived_by(found, "pavel", "paula")
    assert "security officer" in intake(found, 1)
    refused = waive(found, RULE, "ines", status=5)
    assert "ines can waive nothing" in refused.err


def test_one_person_twice_is_one(found):
    waived_by(found, "sofia")
    waived_by(found, "sofia")
    assert "waived by sofia alone" in intake(found, 1)


def test_a_waiver_taken_back_counts_no_more(found):
    waived_by(found, "sofia", "otto")
    intake(found, 0)
    time.sleep(1.1)  # a person's newest word counts, and times are whole seconds
    found.sign("waive", RULE, "--on", REF, "--withdraw", person="otto")
    assert "waived by sofia alone" in intake(found, 1)


def test_a_waiver_holds_for_one_digest_and_one_release(found):
    waived_by(found, "sofia", "otto")
    found.arrive(version="v1.1.0", model=gguf(template=TEMPLATE))
    found.run("scan", "assistant:v1.1.0", status=1)
    assert RULE in found.run("judge", "assistant:v1.1.0", "--gate", "intake", status=1).out


def test_what_was_not_scanned_is_never_waived(world):
    world.found().people()
    world.arrive(files={"/engine/thing.squashfs": write(world, "thing.squashfs", b"hsqs" + bytes(200))})
    scan = world.run("scan", REF, status=1, json=True).json
    unread = [f for file in scan["files"] for f in file["findings"] if f.get("not-scanned")]
    assert unread, scan
    refused = waive(world, unread[0]["rule"], "sofia", status=5)
    assert "was not scanned" in refused.err


def write(world, name, data):
    path = world.folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["no-such-rule", "--until", "2099-01-01"], 4, "no \"no-such-rule\""),
        ([RULE, "--until", "2001-01-01"], 2, "over before it begins"),
        ([RULE, "--until", "2099-01-01"], 5, "ends within 90 days"),
        ([RULE, "--until", "soon"], 2, "--until wants"),
    ],
)
def test_a_waiver_that_cannot_be_is_refused_with_what_to_do(found, words, status, said):
    refused = found.sign("waive", words[0], "--on", REF, *words[1:], *COMPENSATION, person="sofia", status=status)
    assert said in refused.err


def test_a_waiver_without_compensation_or_ticket_is_none(found):
    assert "--compensation" in waive(found, RULE, "sofia", status=2, more=()).err
    assert "--ticket" in waive(found, RULE, "sofia", status=2, more=COMPENSATION[:2]).err


def payloads(world):
    lines = [json.loads(line) for line in world.run("passport", REF, "--lines").out.splitlines()]
    return [json.loads(base64.b64decode(line["payload"])) for line in lines]


def test_the_statement_carries_openvex_that_fits_its_schema(found):
    waive(found, RULE, "sofia")
    intake(found, 1)
    waivers = [p["predicate"] for p in payloads(found) if p["predicateType"] == "urn:airlock:waiver:v1"]
    assert len(waivers) == 1
    schema = json.loads((ROOT / "docs" / "formats" / "waiver.schema.json").read_text())
    jsonschema.validate(waivers[0], schema, jsonschema.Draft202012Validator)
    vex = waivers[0]["openvex"]
    assert vex["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert vex["statements"][0]["status"] == "affected" and vex["statements"][0]["action_statement"] == COMPENSATION[1]


# ── what runs on a waiver ──


class Made:
    """What Served copies: a contour whose release runs in sandbox on a waiver that ends soon."""

    def __init__(self, world, ended):
        self.path, self.contour = world.path, world.contour
        policy = (world.contour / "policy.yaml").read_text() + f"waivers: {{ended: {ended}}}\n"
        file = world.folder / "policy.yaml"
        file.write_text(policy)
        secret = world.folder / "desk" / "passphrase"
        world.run("policy", "set", file, "--key", world.keys["sofia"], "--key", world.keys["pavel"], "--passphrase-file", secret)
        waived_by(world, "sofia", "otto", until=moment(20))
        intake(world, 0)
        world.run("promote", REF, "sandbox")


@pytest.mark.parametrize("ended, runs_on", [("stop", False), ("keep", True)])
def test_what_runs_on_a_waiver_ends_with_it_when_the_policy_says_so(found, tmp_path, ended, runs_on):
    made = Made(found, ended)
    folder = tmp_path / "served"
    folder.mkdir()
    served = Served(made, folder, {"environments": "[sandbox]"})
    try:
        token = served.token("consumer", "sandbox")
        assert served.chat(token).status == 200
        wait_for(lambda: "waiver-ended" in served.server.output, "the end of the waiver", timeout=60)
        assert "waiver-ends" in served.server.output
        if runs_on:
            assert served.chat(token).status == 200
        else:
            wait_for(lambda: served.chat(token).status != 200, "the end of the engine")
            assert "has ended" in (served.home / "run" / "engines.json").read_text()
    finally:
        served.stop()
        served.server.kill()


# ── what status warns of ──


def status_of(world):
    document = world.run("status", json=True).json
    jsonschema.validate(document, json.loads((ROOT / "docs/formats/status.schema.json").read_text()), jsonschema.Draft202012Validator)
    return document


def test_status_names_waivers_that_end_soon_and_that_have_ended(found):
    assert status_of(found)["waivers"] == [] and status_of(found)["advisories_age"] is None
    waived_by(found, "sofia")
    assert status_of(found)["waivers"] == [], "one person's word is no waiver"
    waived_by(found, "otto", until=day(5))
    [one] = status_of(found)["waivers"]
    assert (one["release"], one["finding"], one["ended"]) == (REF, RULE, False) and one["until"].startswith(day(5))
    assert f"{RULE} at" in found.run("status").out and "ends " in found.run("status").out
    time.sleep(1.1)  # a person's newest word counts, and times are whole seconds
    waived_by(found, "otto", until=moment(2))
    time.sleep(3)
    [one] = status_of(found)["waivers"]
    assert one["ended"] and "ENDED" in found.run("status").out
    waived_by(found, "otto", until=day(80))
    waived_by(found, "sofia", until=day(80))
    assert status_of(found)["waivers"] == []


def test_the_golden_waiver_fits_its_schema():
    formats = ROOT / "docs" / "formats"
    schema = json.loads((formats / "waiver.schema.json").read_text())
    jsonschema.validate(json.loads((formats / "examples" / "waiver.json").read_text()), schema, jsonschema.Draft202012Validator)
