"""The regression suite on a live engine: what it proves, and that a broken prompt set fails it."""

import pytest
from world import World, gguf

GOOD = """system: Be short. marker:ready
warmup:
  - Say hello.
parameters:
  temperature: 0
"""
BROKEN = GOOD.replace(" marker:ready", "")
SUITE = """cases:
  - name: says-ready
    prompt: Are you there?
    assert:
      - contains: ready
      - not-contains: sorry
      - latency-ms: 20000
  - name: speaks-json
    prompt: '/json {"city": "Paris", "size": 2}'
    assert:
      - json-schema: {type: object, required: [city], properties: {size: {type: integer, minimum: 1}}}
      - regex: '"city": "[A-Z]'
"""


@pytest.fixture(scope="module")
def w(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("suite"))
    made.found()
    made.people()
    made.arrive("assistant", "v1.0.0", prompts=GOOD, suite=SUITE)
    made.to_test("assistant:v1.0.0")
    made.arrive("assistant", "v1.1.0", prompts=BROKEN, suite=SUITE)
    made.to_test("assistant:v1.1.0")
    return made


def test_a_good_prompt_set_passes_where_it_stands(w):
    w.run("rollback", "test/assistant")
    passed = w.run("test", "assistant:v1.0.0", json=True).json
    assert passed["result"] == "PASSED" and passed["environment"] == "test"
    assert [case["passed"] for case in passed["cases"]] == [True, True]
    assert passed["hardware"]["id"].startswith("sha256:")


def test_a_broken_prompt_set_fails_and_the_gate_names_the_case(w):
    w.run("promote", "assistant:v1.1.0", "test")
    failed = w.run("test", "assistant:v1.1.0", json=True, status=1).json
    assert failed["result"] == "FAILED" and failed["passed"] == 1
    assert 'contains: wanted "ready" in it' in failed["cases"][0]["why"]
    document = w.run("judge", "assistant:v1.1.0", "--gate", "trust", status=1, json=True).json
    assert "failed says-ready" in next(r["text"] for r in document["reasons"] if r["rule"] == "test")


def test_prod_without_its_passed_is_refused(w):
    refused = w.run("promote", "assistant:v1.1.0", "prod", status=5)
    assert "test FAILED in test" in refused.out
    w.sign("request", "assistant:v1.1.0", "prod", person="ines")
    assert "test FAILED" in w.sign("approve", "assistant:v1.1.0", "--for", "prod", person="sofia", status=5).err


def test_the_test_ends_its_engine(w):
    w.run("test", "test/assistant", status=1)
    engines = w.contour / "run" / "engines"
    assert not engines.exists() or [p for p in engines.iterdir() if not p.name.startswith(".")] == []


def stand(w, name, **release):
    """A release of its own in test, packed as it is."""
    w.arrive(name, "v1.0.0", model=gguf(name=name), unchecked=True, **release)
    w.to_test(f"{name}:v1.0.0")
    return f"{name}:v1.0.0"


def failed_for(w, ref, case):
    """The reason of the one failed case, and that it is evidence."""
    failed = w.run("test", ref, json=True, status=1).json
    assert failed["result"] == "FAILED" and failed["release"] == ref
    assert [c["name"] for c in failed["cases"]] == [case]
    document = w.run("judge", ref, "--gate", "trust", status=1, json=True).json
    assert f"failed {case}" in next(r["text"] for r in document["reasons"] if r["rule"] == "test")
    why = failed["cases"][0]["why"]
    assert "pack a new version" in why
    return why


def test_a_suite_that_is_malformed_fails_and_is_named_with_its_line(w):
    ref = stand(w, "odd", suite="cases:\n  - name: a\n    prompt: b\n    assert:\n      - like: c\n")
    why = failed_for(w, ref, "suite-can-be-read")
    assert "suite.yaml:5" in why and "like" in why
    assert ref in w.run("test", ref, status=1).out


def test_prompts_that_are_malformed_fail_both_checks_with_their_line(w):
    ref = stand(w, "mute", prompts="system: Be short.\nwarmup:\n  - Say hello.\nsurprise: yes\n")
    assert "prompts.yaml:4" in failed_for(w, ref, "prompts-can-be-read")
    silent = w.run("silence", ref, status=1)
    assert ref in silent.err and "prompts.yaml:4" in silent.err and "pack a new version" in silent.err
    answer = w.run("silence", ref, json=True, status=1).json
    assert answer["result"] == "FAILED" and "prompts.yaml:4" in answer["reason"]


def test_a_program_that_is_missing_fails_both_checks(w):
    ref = stand(w, "lost", command=["/engine/no-such-program", "--host", "{socket}", "--model", "{model}"])
    assert "/engine/no-such-program" in failed_for(w, ref, "engine-starts")
    silent = w.run("silence", ref, status=1)
    assert ref in silent.err and "/engine/no-such-program" in silent.err


def test_where_it_stands_is_named_when_it_is_asked_for_elsewhere(w):
    for check in ("test", "silence"):
        refused = w.run(check, "odd:v1.0.0", "--env", "prod", status=5)
        assert "sandbox and test" in refused.err or "test and sandbox" in refused.err
