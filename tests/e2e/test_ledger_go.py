"""The ledger is verified with tools that Airlock did not write: Debian's golang.org/x/mod/sumdb/tlog and note, through ledger_go/main.go."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from world import flip, world  # noqa: F401  (a fixture)

HERE = Path(__file__).parent
GO = "/usr/bin/go"  # Debian's, whose module path holds x/mod


@pytest.fixture(scope="session")
def auditor(tmp_path_factory):
    if not Path(GO).exists() or not Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Debian's golang-go and golang-golang-x-mod-dev are not installed")
    folder = tmp_path_factory.mktemp("go")
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(folder / "cache"), GOFLAGS="", GOTOOLCHAIN="local")
    environment.pop("GOROOT", None)
    subprocess.run([GO, "build", "-o", folder / "auditor", HERE / "ledger_go/main.go"], env=environment, check=True, timeout=300)
    return lambda *args: subprocess.run([folder / "auditor", *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def exported(world):
    """A contour in which things happened, and a copy of its ledger folder, as an auditor carries it away."""
    world.found().people()
    world.arrive()
    world.admit("assistant:v1.0.0")
    copy = world.folder / "export"
    shutil.copytree(world.contour / "ledger", copy)
    vkey = json.loads(world.run("identity").out)["ledger"]
    return world, copy, vkey


def test_another_implementation_verifies_the_export_and_counts_the_same_entries(exported, auditor):
    world, copy, vkey = exported
    theirs = auditor("verify", copy, vkey)
    assert theirs.returncode == 0, theirs.stderr
    assert int(theirs.stdout) == world.run("status", json=True).json["ledger_entries"]
    world.run("ledger", "verify", copy, "--key", vkey, home=world.folder)


def test_another_implementation_and_ours_refuse_the_same_flipped_bytes(exported, auditor):
    world, copy, vkey = exported
    newest = max((copy / "tile/0").rglob("*"), key=lambda p: (p.is_file(), int(p.name) if p.name.isdigit() else -1))
    bundle = copy / "tile/entries" / newest.relative_to(copy / "tile/0")
    for victim in (newest, bundle, copy / "checkpoint"):
        flip(victim, 40)
        assert auditor("verify", copy, vkey).returncode == 1, victim
        said = world.run("ledger", "verify", copy, "--key", vkey, home=world.folder, status=1)
        assert str(victim.relative_to(copy)) in said.out
        flip(victim, 40)
    assert auditor("verify", copy, vkey).returncode == 0


def test_another_implementation_checks_each_tlog_proof_that_we_write(exported, auditor):
    world, copy, vkey = exported
    for line in world.run("log", "--all", json=True).lines:
        proof = world.folder / "proof"
        entry = world.folder / "entry"
        proof.write_text(world.run("ledger", "prove", line["seq"]).out)
        entry.write_bytes(entry_bytes(copy, line["seq"]))
        theirs = auditor("prove", proof, entry, vkey)
        assert theirs.returncode == 0 and int(theirs.stdout) == line["seq"], theirs.stderr
        entry.write_bytes(entry.read_bytes() + b" ")
        assert auditor("prove", proof, entry, vkey).returncode == 1


def entry_bytes(copy, seq):
    """Entry `seq` out of the newest bundle (a small ledger has one)."""
    bundle = max((copy / "tile/entries").rglob("*"), key=lambda p: (p.is_file(), int(p.name) if p.name.isdigit() else -1)).read_bytes()
    for _ in range(seq):
        bundle = bundle[2 + int.from_bytes(bundle[:2], "big"):]
    return bundle[2:2 + int.from_bytes(bundle[:2], "big")]
