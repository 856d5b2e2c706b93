"""Gates: verdicts with every reason, and what makes them say no."""

import json

import pytest
from world import World

REF = "assistant:v1.0.0"


@pytest.fixture(scope="module")
def inside(airlock_path, tmp_path_factory):
    """A world whose release lies in quarantine, scanned by nobody."""
    made = World(airlock_path, tmp_path_factory.mktemp("gate"))
    made.found().arrive()
    return made


def reasons(result):
    return {reason["rule"]: reason for reason in result.json["reasons"]}


def test_a_failed_verdict_ends_with_1_and_names_each_rule(inside):
    failed = inside.run("judge", REF, "--gate", "intake", status=1, json=True)
    assert failed.json["result"] == "FAILED"
    assert reasons(failed)["station-signature"]["ok"] and not reasons(failed)["scan"]["ok"]
    text = inside.run("judge", REF, "--gate", "intake", status=1)
    assert "NO  scan" in text.out and "airlock scan assistant:v1.0.0" in text.out


def test_trust_names_everything_that_prod_still_lacks(inside):
    failed = inside.run("judge", REF, "--gate", "trust", status=1, json=True)
    lacking = {rule for rule, reason in reasons(failed).items() if not reason["ok"]}
    assert lacking == {"scan", "stood-before", "test", "silence", "request", "approvals"}


def test_wrong_words_are_wrong_usage(inside):
    inside.run("judge", REF, status=2)
    inside.run("judge", REF, "--gate", "heaven", status=2)
    inside.run("judge", REF, "--gate", "deploy", status=2)
    inside.run("judge", REF, "--gate", "intake", "--env", "prod", status=2)
    inside.run("judge", "nobody:v1.0.0", "--gate", "intake", status=4)


def test_nothing_runs_that_stands_nowhere(inside):
    assert "stands in no environment" in inside.run("test", REF, status=5).err
    failed = inside.run("judge", REF, "--gate", "deploy", "--env", "test", status=1, json=True)
    assert not reasons(failed)["promoted-here"]["ok"]


def test_a_policy_that_was_changed_by_hand_is_no_policy(inside):
    policy = inside.contour / "policy.yaml"
    text = policy.read_text()
    try:
        policy.write_text(text.replace("scan-max-age: 30d", "scan-max-age: 3000d"))
        refused = inside.run("judge", REF, "--gate", "intake", status=5)
        assert "the text is not the one that was signed" in refused.err
    finally:
        policy.write_text(text)
    inside.run("judge", REF, "--gate", "intake", status=1)


def test_the_verdict_is_in_the_ledger_with_its_evidence(inside):
    verdict = inside.run("judge", REF, "--gate", "intake", status=1, json=True).json
    newest = inside.run("log", "--last", "1", json=True).lines[-1]["entry"]
    assert (newest["action"], newest["gate"], newest["result"]) == ("verdict", "intake", "FAILED")
    assert newest["evidence"] == verdict["evidence"]


def test_errors_are_json_for_programs(inside):
    refused = inside.run("promote", REF, "prod", status=5, json=True)
    assert json.loads(refused.out)["code"] == "denied"
