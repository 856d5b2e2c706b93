"""`airlock silence REF`: a release's engine is exercised where nothing can leave; the result is evidence that gates read. A release whose
engine talks is caught in test, each attempt by name, and prod never sees it."""

from conftest import ROOT
from test_silence import compile_static, find
from world import mock_engine, world  # noqa: F401

QUICK = ["--idle", "1", "--requests", "3"]


def chatty_release(world, version):
    """The same release with a small program in front of its engine."""
    engine = mock_engine(world.path)
    chatty = compile_static(world.folder, "chatty", ROOT / "demo" / "chatty.c")
    command = ["/engine/chatty", f"/parts/{engine.name}", "--host", "{socket}", "--model", "{model}"]
    world.pack("assistant", version, engine=chatty, files={f"/parts/{engine.name}": engine}, command=command)


def to_test(world, version="v1.0.0"):
    world.pack("assistant", version)
    world.receive(world.ship(f"assistant:{version}"))
    world.to_test(f"assistant:{version}")


def test_a_silent_release_passes_and_it_is_written_down(world):
    world.found().people()
    to_test(world)

    result = world.run("silence", "assistant:v1.0.0", *QUICK, json=True).json

    assert result["result"] == "PASSED", result
    assert result["environment"] == "test"
    assert result["release"] == "assistant:v1.0.0"
    assert result["attempts"] == []
    assert "3 of 3 requests answered" in result["exercise"]
    assert result["hardware"]["id"].startswith("sha256:")
    assert result["evidence"].startswith("sha256:")
    log = world.run("log", json=True).out
    assert '"silence"' in log


def test_a_chatty_release_is_caught_by_name_and_the_trust_gate_says_no(world):
    world.found().people()
    chatty_release(world, "v1.0.1")
    world.receive(world.ship("assistant:v1.0.1"))
    world.to_test("assistant:v1.0.1")

    result = world.run("silence", "assistant:v1.0.1", *QUICK, json=True, status=1).json

    assert result["result"] == "FAILED"
    name = find(result, op="resolve", name="telemetry.engine.example", phase="start")
    assert name["program"] == "/engine/chatty"
    find(result, op="connect", address="192.0.2.10", port=443, program="/engine/chatty")
    find(result, op="sendto", address="198.51.100.10", port=8125, program="/engine/chatty")

    world.run("test", "assistant:v1.0.1")
    world.sign("request", "assistant:v1.0.1", "prod", person="ines")
    gate = world.run("judge", "assistant:v1.0.1", "--gate", "trust", status=1)
    assert "telemetry.engine.example" in gate.out
    assert "192.0.2.10:443" in gate.out
    world.run("promote", "assistant:v1.0.1", "prod", status=5)


def test_a_release_that_stands_nowhere_is_not_run(world):
    world.found()
    world.pack()
    world.receive(world.ship("assistant:v1.0.0"))

    refused = world.run("silence", "assistant:v1.0.0", *QUICK, status=5)

    assert "promote" in refused.err


def test_an_engine_that_ends_by_itself_is_never_a_pass(world):
    world.found()
    engine = compile_static(world.folder, "quitter", "int main(void) { return 0; }")
    world.pack("assistant", "v1.0.0", engine=engine)
    world.receive(world.ship("assistant:v1.0.0"))
    world.to_test("assistant:v1.0.0")

    result = world.run("silence", "assistant:v1.0.0", *QUICK, json=True, status=6).json

    assert result["result"] == "INCONCLUSIVE"
    assert result["attempts"] == []
