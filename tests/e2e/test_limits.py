"""The limits of airlock.yaml, from the configuration to the cgroup of the engine that runs; and the whole way of a release as an ordinary user."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import environment, run_program, wait_for
from world import PROMPTS, World, mock_engine

REF = "assistant:v1.0.0"
MEMORY = 256 * 1024 * 1024
CPUS = 1
TASKS = 4096  # src/engine/engine_start.c, ENGINE_TASKS
NOBODY = 65534

SLOW = "cases:\n  - name: slow\n    prompt: /slow 600 100\n    assert:\n      - contains: word\n"
# The stand-in makes its whole answer, 300 MB, in memory.
GREEDY = PROMPTS.replace("Say hello.", "/big 300000")


def limit(contour, **limits):
    """Sets keys of airlock.yaml that stand in it with another value."""
    config = contour / "airlock.yaml"
    text = config.read_text()
    for key, value in limits.items():
        text, found = re.subn(rf"^  {key}: .*$", f"  {key}: {value}", text, flags=re.M)
        assert found == 1, f"airlock.yaml has {found} keys {key}"
    config.write_text(text)


def stands_in_test(path, folder, **changes):
    made = World(path, folder).found()
    limit(made.contour, memory="256M", cpus=CPUS)
    made.arrive(**changes)
    made.to_test(REF)
    return made


def cgroups(pid):
    """{controller: folder}; "" is version 2's."""
    found = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = Path(f"/sys/fs/cgroup/{controller}{path}")
    return found


def text_of(path):
    return path.read_text().strip()


def limits_in_force(pid):
    """(bytes of memory, microseconds of processor time in a period, the period, tasks) as the kernel holds them."""
    groups = cgroups(pid)
    if "memory" in groups:
        memory, cpu, pids = groups["memory"], groups["cpu"], groups["pids"]
        quota, period = text_of(cpu / "cpu.cfs_quota_us"), text_of(cpu / "cpu.cfs_period_us")
        return int(text_of(memory / "memory.limit_in_bytes")), int(quota), int(period), int(text_of(pids / "pids.max"))
    group = groups[""]
    quota, period = text_of(group / "cpu.max").split()
    return int(text_of(group / "memory.max")), int(quota), int(period), int(text_of(group / "pids.max"))


def engines_below(pid):
    """Processes of the stand-in that `pid` or one of its descendants started."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parents[int(status.parent.name)] = int(re.search(r"^PPid:\s+(\d+)", status.read_text(), re.M)[1])
        except (OSError, TypeError):
            continue
    return [one for one in parents if is_engine(one) and descends(one, pid, parents)]


def is_engine(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/engine/mock-engine\0")
    except OSError:
        return False


def descends(pid, from_pid, parents):
    while pid in parents and pid != from_pid:
        pid = parents[pid]
    return pid == from_pid


@pytest.fixture
def has_cgroups():
    """Skips where this user may make none: there the box holds its limits another way, and says so (tests/unit/sandbox/test_box.c)."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: limits by cgroup; an ordinary user is given none here")
    mine = cgroups("self")
    group = mine["memory"] if "memory" in mine else mine[""].parent
    trial = group / f"airlock-limits-trial-{os.getpid()}"
    try:
        trial.mkdir()
    except OSError as why:
        pytest.skip(f"NOT TESTED: limits by cgroup; this host gives none: {why}")
    trial.rmdir()


def test_the_limits_of_the_configuration_are_those_of_the_engines_cgroup(has_cgroups, airlock_path, tmp_path):
    world = stands_in_test(airlock_path, tmp_path, suite=SLOW)
    command = [str(airlock_path), "--home", str(world.contour), "test", REF]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as run:
        try:
            engine = wait_for(lambda: engines_below(run.pid), "the engine")[0]

            in_force = limits_in_force(engine)
        finally:
            run.kill()

    assert in_force == (MEMORY, CPUS * 100000, 100000, TASKS)


def test_an_engine_over_its_memory_is_killed_and_with_more_it_runs(has_cgroups, airlock_path, tmp_path):
    world = stands_in_test(airlock_path, tmp_path, prompts=GREEDY)

    killed = world.run("test", REF, status=1)
    limit(world.contour, memory="2G")
    world.run("test", REF)

    assert "was ended by signal 9 (Killed)" in killed.out, str(killed)


# ── who ──

class AsNobody(World):
    """A world in a folder of nobody's, in which every command is nobody's."""

    def run(self, *args, home=None, json=False, **options):
        words = ["--home", str(home or self.contour), *(["--json"] if json else []), *map(str, args)]
        who = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--no-new-privs"]
        return run_program("/usr/bin/setpriv", [*who, str(self.path), *words], cwd="/", **options)


@pytest.fixture
def nobodys(airlock_path):
    """Below /tmp, because nobody may not pass pytest's own folders; with copies of the programs, which lie where it may not read."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED HERE: the way as nobody; every other test in this folder ran as an ordinary user")
    folder = Path("/tmp") / f"airlock-nobodys-{os.getpid()}"
    place = folder / "world"
    (folder / "tests/mock").mkdir(parents=True, mode=0o755)
    shutil.copy(airlock_path, folder / "airlock")
    shutil.copy(mock_engine(airlock_path), folder / "tests/mock/mock-engine")
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)
    yield AsNobody(folder / "airlock", place)
    shutil.rmtree(folder)


def test_an_ordinary_user_takes_a_release_from_its_sources_to_a_running_engine(nobodys):
    nobodys.found()
    limit(nobodys.contour, memory="256M", cpus=CPUS)
    nobodys.pack()
    received = nobodys.receive(nobodys.ship(REF, volume_size="400K")).json
    assert received["releases"][0]["version"] == "v1.0.0"
    nobodys.admit(REF)
    nobodys.run("promote", REF, "test")

    tested = nobodys.run("test", REF, json=True).json

    assert tested["result"] == "PASSED"
    started = [line["entry"] for line in nobodys.run("log", json=True).lines if line["entry"]["action"] == "engine-started"]
    assert len(started) == 1 and started[0]["ready"]
    nobodys.fsck()
    made = [path for path in nobodys.folder.rglob("*") if nobodys.sources not in (path, *path.parents)]
    assert {path.lstat().st_uid for path in made} == {NOBODY}
