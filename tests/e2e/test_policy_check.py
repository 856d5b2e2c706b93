"""A policy before anybody signs it: explained, tried on its own examples, held against everything in store."""

import pytest
from world import world  # noqa: F401

REF = "assistant:v1.0.0"
EXAMPLES = """
examples:
  - {name: nothing critical in prod, environment: prod, advisory: critical, waiver: 30d, expect: blocks}
  - {name: something high for a month, environment: prod, advisory: high, waiver: 30d, expect: passes}
  - {name: not for a year, environment: prod, advisory: high, waiver: 300d, expect: blocks}
  - {name: unwaived, environment: prod, finding: high, expect: blocks}
  - {name: never what nobody scanned, environment: sandbox, finding: not-scanned, waiver: 1d, expect: blocks}
  - {name: a malicious package, environment: test, advisory: malicious, waiver: 1d, expect: blocks}
  - {name: medium does not block, environment: prod, advisory: medium, expect: passes}
  - {name: silence is asked for, environment: prod, without: silence, expect: blocks}
"""


@pytest.fixture
def text(world):  # noqa: F811
    world.found()
    return (world.contour / "policy.yaml").read_text()


def written(world, text, name="other.yaml"):  # noqa: F811
    path = world.folder / name
    path.write_text(text)
    return path


def test_a_policy_is_explained_in_plain_words(world, text, airlock):  # noqa: F811
    path = written(world, text + EXAMPLES)
    said = airlock("policy", "check", path).out
    assert "To stand in prod a release needs" in said and "silence" in said and "security-officer" in said
    assert "lasts at most" in said and "90 days" in said
    document = airlock("policy", "check", path, json=True).json
    assert document["valid"] is True and "silence" in document["environments"]["prod"]["require"] and document["examples"] == 8


def test_a_text_that_is_no_policy_is_answered_with_its_line(world, text, airlock):  # noqa: F811
    path = written(world, text.replace("test, silence, request", "test, request"))
    refused = airlock("policy", "check", path, status=1)
    assert "prod must ask for silence" in refused.out and "other.yaml:" in refused.out
    assert airlock("policy", "check", path, json=True, status=1).json["valid"] is False
    airlock("policy", "check", world.folder / "nowhere.yaml", status=4)


def test_the_examples_of_a_policy_are_decided_by_it(world, text, airlock):  # noqa: F811
    assert "8 examples hold, 0 do not" in airlock("policy", "test", written(world, text + EXAMPLES)).out
    laxer = text + "waivers: {longest: 365d}\n" + EXAMPLES
    wrong = airlock("policy", "test", written(world, laxer), status=1)
    assert "NO " in wrong.out and "not for a year" in wrong.out and "7 examples hold, 1 do not" in wrong.out
    stricter = text + "advisories: {block: [medium, high]}\n" + EXAMPLES
    document = airlock("policy", "test", written(world, stricter), json=True, status=1).json
    assert [x["name"] for x in document["examples"] if not x["holds"]] == ["medium does not block"]


def test_a_policy_without_examples_was_not_tried(world, text, airlock):  # noqa: F811
    airlock("policy", "test", written(world, text), status=6)


@pytest.mark.parametrize(
    "example, why",
    [
        ("{name: x, environment: prod, expect: passes}", "one of without, finding and advisory"),
        ("{name: x, environment: nowhere, finding: high, expect: passes}", "wanted sandbox, test or prod"),
        ("{name: x, environment: prod, finding: terrible, expect: passes}", "wanted low, medium"),
        ("{name: x, environment: prod, without: luck, expect: blocks}", "nothing that a policy can ask for"),
        ("{name: x, environment: prod, finding: high, expect: perhaps}", "wanted passes or blocks"),
    ],
)
def test_an_example_that_says_nothing_is_refused(world, text, airlock, example, why):  # noqa: F811
    assert why in airlock("policy", "test", written(world, f"{text}examples:\n  - {example}\n"), status=1).out


def test_a_diff_shows_what_would_be_decided_otherwise_and_changes_nothing(world, text):  # noqa: F811
    world.arrive()
    world.to_test(REF)
    before = world.state()
    nothing = world.run("policy", "diff", written(world, text), json=True).json
    assert nothing["differences"] == [] and nothing["releases"] == 1
    stricter = text.replace("require: [stood-before, scan]\n", "require: [stood-before, scan, advisories]\n")
    document = world.run("policy", "diff", written(world, stricter), json=True).json
    assert [(d["release"], d["environment"], d["before"], d["after"], d["stands"]) for d in document["differences"]] == [(REF, "test", "PASSED", "FAILED", True)]
    assert "advisories" in document["differences"][0]["why"]
    assert "PASSED now, FAILED then" in world.run("policy", "diff", written(world, stricter)).out
    assert world.state() == before
    world.fsck()


