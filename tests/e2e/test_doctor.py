"""`airlock doctor`: every check says a state, what it means and what to do; its exit status follows from them."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from conftest import environment, run_program

CHECKS = [
    "user",
    "user-namespaces",
    "seccomp",
    "user-notify",
    "landlock",
    "box",
    "cgroups",
    "memory",
    "processor",
    "disk",
    "clock",
    "clock-source",
    "crypto",
    "openpgp",
    "scanners",
]


def checks(result):
    return {check["name"]: check for check in result.json["checks"]}


def test_every_check_says_what_it_found_and_what_that_means(airlock, tmp_path):
    result = airlock("doctor", home=tmp_path, json=True, status=(0, 1, 6))

    assert result.json["schema"] == "airlock/doctor/1"
    assert [check["name"] for check in result.json["checks"]] == CHECKS
    for check in result.json["checks"]:
        assert check["state"] in ("fine", "weak", "broken", "unknown")
        assert check["found"] and check["means"], check
        if check["state"] in ("weak", "broken"):
            assert check["todo"], check


def test_the_status_follows_from_the_states(airlock, tmp_path):
    result = airlock("doctor", home=tmp_path, json=True, status=(0, 1, 6))

    states = [check["state"] for check in result.json["checks"]]
    assert result.status == (1 if "broken" in states else 6 if "unknown" in states else 0)


def test_this_host_can_do_the_work(airlock, tmp_path):
    """What script/test needs of its host anyway."""
    found = checks(airlock("doctor", home=tmp_path, json=True, status=(0, 1, 6)))

    for name in ("user-namespaces", "seccomp", "user-notify", "landlock", "box", "processor", "disk", "clock", "crypto"):
        assert found[name]["state"] in ("fine", "weak"), found[name]


def test_text_tells_the_same_checks(airlock, tmp_path):
    result = airlock("doctor", home=tmp_path, status=(0, 1, 6))

    for name in CHECKS:
        assert name in result.out
    assert "0 unknown" in result.out


def test_it_says_who_it_is(airlock_path, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("there is nobody else to be")
    folder = Path("/tmp") / f"airlock-doctor-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        program = shutil.copy(airlock_path, folder / "airlock")
        result = run_program(
            "/usr/bin/setpriv",
            ["--reuid", "65534", "--regid", "65534", "--clear-groups", program, "--json", "doctor"],
            cwd="/",
            status=(0, 1, 6),
        )
    finally:
        shutil.rmtree(folder)

    found = checks(result)
    assert "ordinary user" in found["user"]["found"]
    assert found["box"]["state"] == "fine"


def test_root_of_a_namespace_that_keeps_its_groups_has_a_box(airlock_path, tmp_path):
    """unshare forbids setgroups there, as user_namespaces(7) asks of an ordinary user's map."""
    words = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*words, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no user namespace can be made here")
    found = checks(run_program(words[0], [*words[1:], airlock_path, "--json", "doctor"], cwd=tmp_path, status=(0, 1, 6)))
    assert found["box"]["state"] == "fine", found["box"]


def test_forbidden_namespaces_are_broken_and_the_sysctl_is_named(airlock_path, tmp_path):
    """In a user namespace of the test's own, whose limit of further ones is 0: root there, and still no box."""
    script = (
        "mount -t proc proc /proc 2>/dev/null; "
        "echo 0 > /proc/sys/user/max_user_namespaces && exec " + f"{airlock_path} --json doctor"
    )
    begun = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=60,
        check=False,
    )
    if not begun.stdout:
        pytest.skip(f"no such namespace can be made here: {begun.stderr.strip()[:200]}")
    found = {check["name"]: check for check in json.loads(begun.stdout)["checks"]}
    assert begun.returncode == 1
    assert found["user-namespaces"]["state"] == "broken"
    assert "max_user_namespaces" in found["user-namespaces"]["found"]
    assert found["box"]["state"] == "broken"
    assert found["cgroups"]["state"] == "unknown"


def test_a_contour_shows_its_clock_floor(airlock, tmp_path):
    airlock("init", "--name", "demo", home=tmp_path / "contour")

    found = checks(airlock("doctor", home=tmp_path / "contour", json=True, status=(0, 1, 6)))

    assert "certainly passed" in found["clock"]["found"]
    assert time.strftime("%Y-%m-%d", time.gmtime()) in found["clock"]["found"]
