"""Engines, started through the real commands with the stand-in engine: what is unpacked, hashed and refused, and what is left."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import environment
from world import PROMPTS, World, flip, mock_engine, world  # noqa: F401

REF = "assistant:v1.0.0"


@pytest.fixture(scope="module")
def once(airlock_path, tmp_path_factory):
    """Made once: assistant:v1.0.0 stands in test and has run there, so that its image is unpacked."""
    made = World(airlock_path, tmp_path_factory.mktemp("once"))
    made.found()
    made.arrive()
    made.to_test(REF)
    made.run("test", REF)
    return made


@pytest.fixture
def ready(once, tmp_path):
    """A copy of it for one test."""
    shutil.copytree(once.contour, tmp_path / "contour", symlinks=True)
    return World(once.path, tmp_path)


def images(world):  # noqa: F811
    return [p for p in (world.contour / "run/images").iterdir() if p.is_dir()]


def entries(world, action):  # noqa: F811
    found = [line["entry"] for line in world.run("log", json=True).lines]
    return [entry for entry in found if entry["action"] == action]


def leftovers(world):  # noqa: F811
    """What a stopped engine must not leave: its folder, and processes that see its mounts (those in its box do)."""
    engines = world.contour / "run/engines"
    folders = [p.name for p in engines.iterdir() if p.is_dir()] if engines.exists() else []
    inside = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{world.contour.name}/run/engines" in (text := (process / "mountinfo").read_text()) and str(world.folder.name) in text:
                inside.append(process.name)
        except OSError:
            continue
    return folders, inside


def test_an_image_is_unpacked_once_and_checked_at_every_start(ready):
    ready.run("test", REF)
    assert len(images(ready)) == 1
    assert len(entries(ready, "unpack")) == 1
    started = entries(ready, "engine-started")
    assert len(started) == 2 and all(e["ready"] and e["verdict"].startswith("sha256:") for e in started)
    assert len(entries(ready, "engine-stopped")) == 2
    image = images(ready)[0]
    listed = json.loads((image / "tree.json").read_text())["entries"]
    assert [e["path"] for e in listed] == ["engine", "engine/mock-engine"]
    assert (image / "rootfs/engine/mock-engine").stat().st_mode & 0o7777 == int(listed[1]["mode"], 8)
    assert leftovers(ready)[0] == []


def refused(world, status, *words):  # noqa: F811
    before = len(entries(world, "engine-started"))
    result = world.run("test", REF, status=status)
    for word in words:
        assert word in result.err, str(result)
    assert len(entries(world, "engine-started")) == before, "nothing was started"
    return result


def test_a_changed_file_of_the_image_is_named_and_not_run(ready):
    program = images(ready)[0] / "rootfs/engine/mock-engine"
    flip(program, 5000)
    refused(ready, 5, "/engine/mock-engine", "found sha256:", "not what was unpacked", "remove that folder")
    shutil.rmtree(images(ready)[0])
    ready.run("test", REF)
    assert len(entries(ready, "unpack")) == 2


@pytest.mark.parametrize("what", ["surplus", "missing", "mode", "link", "list", "replaced by a link"])
def test_any_other_change_of_the_unpacked_image_is_refused(ready, what):
    image = images(ready)[0]
    program = image / "rootfs/engine/mock-engine"
    if what == "surplus":
        (image / "rootfs/engine/more").write_text("#!/bin/sh\n")
        refused(ready, 5, "found 2 entries, wanted 1")
    elif what == "missing":
        program.unlink()
        refused(ready, 5, "/engine/mock-engine: found nothing")
    elif what == "mode":
        program.chmod(0o4755)
        refused(ready, 5, "found mode 4755, wanted 0755")
    elif what == "link":
        shutil.move(image / "rootfs/engine", image / "rootfs/other")
        (image / "rootfs/engine").symlink_to("other")
        refused(ready, 5, "/engine", "found a symbolic link")
    elif what == "replaced by a link":
        shutil.copy(program, ready.folder / "elsewhere")
        program.unlink()
        program.symlink_to(ready.folder / "elsewhere")
        refused(ready, 5, "/engine/mock-engine", "found a symbolic link")
    else:
        text = (image / "tree.json").read_text()
        (image / "tree.json").write_text(text.replace('"0755"', '"0777"'))
        refused(ready, 5, "tree.json", "another list was signed")


def test_a_folder_that_nobody_vouches_for_is_made_again(once, world):  # noqa: F811
    """What an interrupted unpacking leaves: a partial folder, or a whole one whose list was never signed."""
    stands_in_test(world)
    name, folder = images(once)[0].name, world.contour / "run/images"
    folder.mkdir(parents=True)
    shutil.copytree(images(once)[0], folder / name)
    (folder / name / "rootfs/engine/mock-engine").write_text("half")
    (folder / f"{name}.partial/rootfs").mkdir(parents=True)
    world.run("test", REF)
    assert (folder / name / "rootfs/engine/mock-engine").read_bytes() == mock_engine(world.path).read_bytes()
    assert not (folder / f"{name}.partial").exists()


def test_a_damaged_model_is_named_and_not_run(ready):
    model = max((p for p in (ready.contour / "store/blobs/sha256").iterdir() if p.read_bytes()[:4] == b"GGUF"), key=lambda p: p.stat().st_size)
    model.chmod(0o600)
    flip(model, -1)
    refused(ready, 5, "the model of assistant:v1.0.0 is not what was approved", f"wanted sha256:{model.name}")


def test_a_damaged_layer_is_named_and_not_unpacked(ready):
    config = entries(ready, "unpack")[0]["image"].split(":")[1]
    manifest = json.loads((ready.contour / "store/blobs/sha256" / config).read_text())
    layer = ready.contour / "store/blobs/sha256" / manifest["layers"][0]["digest"].split(":")[1]
    shutil.rmtree(images(ready)[0])
    layer.chmod(0o600)
    flip(layer, layer.stat().st_size // 2)
    refused(ready, 5, "layer 1 of 1", "blob is damaged")
    assert images(ready) == []


def stands_in_test(world, **changes):  # noqa: F811
    world.found()
    world.arrive(**changes)
    world.to_test(REF)
    return world


def test_a_program_that_ends_at_once_is_told_with_its_last_lines(world):  # noqa: F811
    stands_in_test(world, command=["/engine/mock-engine", "--host", "{socket}", "-m", "{model}", "--model", "/models/missing.gguf"])
    result = refused(world, 1, "ended with status 1", "mock-engine: model /models/missing.gguf: No such file")
    assert "v1.0.0" in result.err
    assert "missing.gguf" in (world.contour / "run/engines/failed.log").read_text()
    assert leftovers(world) == ([], [])


def test_a_command_that_is_not_in_the_image_is_told(world):  # noqa: F811
    stands_in_test(world, command=["/engine/nothing", "{socket}", "{model}"], unchecked=True)
    refused(world, 1, "/engine/nothing")
    assert leftovers(world) == ([], [])


def test_ready_means_that_the_warm_up_prompts_were_answered(world):  # noqa: F811
    """An engine that listens and says that it is healthy, and answers its warm-up prompt with an error, is not ready."""
    stands_in_test(world, prompts=PROMPTS.replace("Say hello.", "/status 500"))
    refused(world, 1, "warm-up prompt \"/status 500\"", "status 500")
    assert leftovers(world) == ([], [])


def test_an_engine_that_loads_slowly_is_waited_for(world):  # noqa: F811
    stands_in_test(world, command=["/engine/mock-engine", "--host", "{socket}", "--model", "{model}", "--load-ms", "900"])
    world.run("test", REF)
    assert entries(world, "engine-started")[0]["cold_start_ms"] >= 900


def test_the_engine_sees_its_files_and_no_others(world):  # noqa: F811
    secret = world.folder / "secret.txt"
    secret.write_text("not for engines")
    questions = [
        ("model", "/models/tiny.gguf", "readable"),
        ("own program", "/engine/mock-engine", "readable"),
        ("host file", str(secret), "not readable"),
        ("contour", str(world.contour / "state.db"), "not readable"),
        ("passwords", "/etc/passwd", "not readable"),
        ("host processes", f"/proc/{os.getpid()}/status", "not readable"),
    ]
    suite = "cases:\n" + "".join(
        f"  - name: {name.replace(' ', '-')}\n    prompt: /file {path}\n    assert:\n      - equals: {answer}\n" for name, path, answer in questions
    )
    stands_in_test(world, suite=suite)
    result = world.run("test", REF, json=True).json
    assert result["result"] == "PASSED" and result["passed"] == len(questions)


def test_a_contour_may_lie_deeper_than_a_socket_path_is_long(airlock_path, tmp_path):
    deep = tmp_path / ("a-long-name-of-a-folder-" * 3) / ("and-another-one-" * 4)
    deep.mkdir(parents=True)
    world = World(airlock_path, deep)  # noqa: F811
    assert len(str(world.contour)) > 108
    stands_in_test(world).run("test", REF)


def test_two_starts_at_once_unpack_once(world):  # noqa: F811
    stands_in_test(world)
    command = [str(world.path), "--home", str(world.contour), "test", REF]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True) for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert run.returncode == 0, out + err
    assert len(entries(world, "unpack")) == 1
    assert leftovers(world) == ([], [])


def test_an_engine_ends_with_whoever_started_it(world, wait_for):  # noqa: F811
    """kill -9 of the command leaves no process; its folder goes at the next `serve`, and hinders nobody until then."""
    stands_in_test(world, suite="cases:\n  - name: slow\n    prompt: /slow 400 100\n    assert:\n      - contains: word\n")
    command = [str(world.path), "--home", str(world.contour), "test", REF]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as run:
        wait_for(lambda: leftovers(world)[1], "the engine")
        run.send_signal(signal.SIGKILL)
    wait_for(lambda: not leftovers(world)[1], "the engine's end", timeout=10)


def test_what_is_in_quarantine_or_stands_nowhere_is_not_started(world):  # noqa: F811
    world.found()
    world.arrive()
    result = world.run("test", REF, status=5)
    assert "stands in no environment" in result.err
    assert not (world.contour / "run/images").exists()
