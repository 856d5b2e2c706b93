"""Closure and groups: airlock pack resolves what a release pins against what was collected, with pip and apt in boxes without a network, and
names what is missing, who needs it, and for which platform. The packages are made here; the upstreams are this test's own."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from lock_sets import collect, made, npm_set, packages_of, pip_set, station, up, write  # noqa: F401  (fixtures)
from packages import deb, wheel
from world import world  # noqa: F401  (fixture)

TOOLS = {"pip": "/usr/bin/pip3", "apt": "/usr/bin/apt-get", "npm": "/usr/bin/npm"}


def needs(*names):
    missing = [name for name in names if not Path(TOOLS[name]).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def release(station, packages):
    path = station.write_release("assistant", "v1.0.0")
    path.write_text(path.read_text() + "packages:\n" + "".join(f"  {line}\n" for line in packages))
    return path


def pack(station, path, *options, status=0):
    return station.run("pack", path, *options, home=station.station, status=status, json=status == 0)


@needs("pip")
def test_a_complete_set_of_wheels_is_packed(station, up):
    lock = up.requirements(up.wheel("app", "1.0", requires=["left>=1", "right ; python_version < '3'"]), up.wheel("left", "1.5"))
    collect(station, write(station, up, pip_set(lock)))
    said = pack(station, release(station, ["collections: [app]"])).json
    assert said["packages"] == 2


@needs("pip")
def test_a_wheel_that_nobody_collected_is_named_with_who_needs_it(station, up):
    lock = up.requirements(up.wheel("app", "1.0", requires=["left<2,>=1"]))
    collect(station, write(station, up, pip_set("# the app\n" + lock)))
    path = release(station, ["collections: [app]"])

    err = pack(station, path, status=3).err

    assert "left<2,>=1 is missing (PyPI, any platform): app 1.0 (requirements.txt:2) needs it" in err
    said = pack(station, path, "--unchecked").json
    assert [remark for remark in said["remarks"] if "complete" in remark] == ["whether the packages are complete was not checked, as --unchecked says"]
    assert not any("left" in remark for remark in said["remarks"])  # nobody was asked
    assert not (station.station / "closure").exists() or not list((station.station / "closure").glob("run*"))


@needs("pip")
def test_a_version_that_nobody_can_use_is_missing_too(station, up):
    lock = up.requirements(up.wheel("app", "1.0", requires=["left>=2"]), up.wheel("left", "1.5"))
    collect(station, write(station, up, pip_set(lock)))
    err = pack(station, release(station, ["collections: [app]"]), status=3).err
    assert "left>=2 is missing (PyPI, any platform): app 1.0 (requirements.txt:1) needs it" in err and "left 1.5 (requirements.txt:2) is there" in err


@needs("pip")
def test_a_platform_for_which_a_wheel_is_missing_is_named(station, up, tmp_path):
    files = [
        wheel(tmp_path, "app", "1.0", requires=["fast"], tag="cp311-cp311-manylinux2014_aarch64"),
        wheel(tmp_path, "app", "1.0", requires=["fast"], tag="cp311-cp311-manylinux2014_x86_64"),
        wheel(tmp_path, "fast", "1.0", tag="cp311-cp311-manylinux2014_x86_64"),
    ]
    path = release(station, ["local:", *(f"  - {file}" for file in files)])

    err = pack(station, path, status=3).err

    assert "fast" in err and "Python 3.11 on manylinux aarch64" in err
    pack(station, release(station, ["local:", *(f"  - {file}" for file in files[1:])]))


def for_python(lock, python, platform="manylinux2014_x86_64"):
    return f'group: prod, pip: requirements.txt, python: "{python}", platforms: [{platform}]', "requirements.txt", lock


@needs("pip")
def test_markers_are_judged_for_the_python_that_the_wheels_are_for(station, up):
    app = up.wheel("app", "1.0", requires=['tomli>=1 ; python_version < "3.11"'], tag="cp310-cp310-manylinux2014_x86_64")
    collect(station, write(station, up, for_python(up.requirements(app), "3.10")))
    err = pack(station, release(station, ["collections: [app]"]), status=3).err
    assert "tomli>=1" in err and "Python 3.10 on manylinux x86_64" in err


@needs("pip")
def test_markers_are_judged_for_the_machine_that_the_wheels_are_for(station, up):
    app = up.wheel("app", "1.0", requires=['left>=1 ; platform_machine == "aarch64"'], tag="py3-none-manylinux2014_aarch64")
    collect(station, write(station, up, for_python(up.requirements(app), "3.11", "manylinux2014_aarch64")))
    err = pack(station, release(station, ["collections: [app]"]), status=3).err
    assert "left>=1" in err and "aarch64" in err


@needs("pip")
def test_a_pin_whose_marker_holds_for_the_set_is_collected(station, up):
    lock = up.requirements(up.wheel("app", "1.0")) + up.requirements(up.wheel("tomli", "2.0")).replace("tomli==2.0", 'tomli==2.0 ; python_version < "3.11"')
    for python, names in (("3.9", ["app", "tomli"]), ("3.11", ["app"])):
        digest = collect(station, write(station, up, for_python(lock, python), name=f"for-{python.replace('.', '-')}")).json["digest"]
        assert [p["name"] for p in packages_of(station, digest)["packages"]] == names


@needs("pip")
def test_needs_that_depend_on_the_version_are_said_where_every_wheel_is_for_any(station, up):
    app = up.wheel("app", "1.0", requires=['left ; python_version < "3"'])
    collect(station, write(station, up, for_python(up.requirements(app), "3.9")))
    said = station.run("pack", release(station, ["collections: [app]"]), home=station.station)
    assert "depends on the version of Python" in said.out + said.err


@needs("pip")
def test_what_only_dev_pins_and_production_asks_for_is_refused_with_both_places(station, up):
    app, left = up.wheel("app", "1.0", requires=["left"]), up.wheel("left", "1.5")
    said = collect(station, write(station, up, pip_set(up.requirements(app)), pip_set("\n" + up.requirements(left), group="dev", file="dev.txt"))).json
    assert any("airlock pack will refuse that" in remark for remark in said["remarks"])

    err = pack(station, release(station, ["collections: [app]"]), status=3).err

    assert "app 1.0 (requirements.txt:1) needs left, which only the group dev pins (dev.txt:2)" in err
    assert pack(station, release(station, ["collections: [app]", "groups: [prod, dev]"])).json["packages"] == 2


@needs("npm")
def test_an_npm_package_that_needs_what_is_not_there_is_named(station, up):
    up.npm("app", "1.0.0", dependencies={"left": "^1.0.0"})
    collect(station, write(station, up, npm_set(up.npm_lock(("app", "1.0.0")))))
    err = pack(station, release(station, ["collections: [app]"]), status=3).err
    assert "left ^1.0.0 is missing (npm): app 1.0.0 (package-lock.json:1) needs it" in err


@needs("npm")
@pytest.mark.parametrize("member", ["dependencies", "peerDependencies"])
def test_an_npm_package_that_needs_another_version_is_named_with_what_is_there(station, up, member):
    """The lock file says nothing of needs: what the packages themselves say counts."""
    up.npm("app", "1.0.0", manifest={member: {"left": "^2.0.0"}}), up.npm("left", "1.4.0"), up.npm("left", "1.5.0")
    lock = json.loads(up.npm_lock(("app", "1.0.0"), ("left", "1.5.0")))
    older = json.loads(up.npm_lock(("left", "1.4.0")))
    lock["packages"]["node_modules/app/node_modules/left"] = older["packages"]["node_modules/left"]
    collect(station, write(station, up, npm_set(json.dumps(lock))))

    err = pack(station, release(station, ["collections: [app]"]), status=3).err

    assert "left ^2.0.0 is missing (npm): app 1.0.0 (package-lock.json:1) needs it, and there is 1." in err
    assert "1.4.0" in err and "1.5.0" in err


@needs("npm")
def test_npm_packages_whose_ranges_hold_are_complete(station, up):
    """A range, an alias, a peer, a peer that need not be there, what is optional, what lies in the archive itself, and a tag."""
    manifest = {
        "dependencies": {"left": ">=1.4\t<2 || ^3", "other": "npm:right@~2.1.0", "inside": "1", "tagged": "next"},
        "peerDependencies": {"right": "2.x", "absent": "*"},
        "peerDependenciesMeta": {"absent": {"optional": True}},
        "optionalDependencies": {"nowhere": "1"},
        "bundleDependencies": ["inside"],
    }
    up.npm("app", "1.0.0", manifest=manifest), up.npm("left", "1.5.0"), up.npm("right", "2.1.7"), up.npm("tagged", "0.1.0")
    lock = up.npm_lock(("app", "1.0.0"), ("left", "1.5.0"), ("right", "2.1.7"), ("tagged", "0.1.0"))
    collect(station, write(station, up, npm_set(lock)))

    said = pack(station, release(station, ["collections: [app]"])).json

    assert said["packages"] == 4
    assert [remark for remark in said["remarks"] if "tagged" in remark and "no range" in remark]


@needs("apt")
def test_debian_packages_are_resolved_against_each_other_and_a_base(station, tmp_path):
    files = [deb(tmp_path, "app", "1.0", depends="left (>= 1), libc6"), deb(tmp_path, "left", "1.5")]
    local = ["local:", *(f"  - {file}" for file in files)]

    err = pack(station, release(station, local), status=3).err

    assert "libc6 is missing (Debian, amd64): app 1.0 (made in house) needs it" in err and "dpkg" in err
    path = release(station, [*local, "base: {dpkg: status}"])
    (path.parent / "status").write_text(
        "Package: libc6\nStatus: install ok installed\nMaintainer: Tests <tests@example.org>\nArchitecture: amd64\nVersion: 2.36-9\nDescription: made for a test\n\n"
    )
    assert pack(station, path).json["packages"] == 2
    err = pack(station, release(station, ["local:", f"  - {files[0]}", "base: {dpkg: status}"]), status=3).err
    assert "left (>= 1) is missing" in err


@needs("pip")
def test_a_source_that_is_not_built_is_said_to_be_unknown(station, up):
    collect(station, write(station, up, pip_set(up.requirements(up.sdist("parts", "2.0")), more=", source: [parts], build: false")))
    said = pack(station, release(station, ["collections: [app]"])).json
    assert any("parts-2.0.tar.gz travels as source" in remark for remark in said["remarks"])


def test_a_base_that_is_not_there_is_an_error(station, tmp_path):
    path = release(station, ["local:", f"  - {deb(tmp_path, 'left', '1.5')}", "base: {dpkg: nowhere}"])
    assert "nowhere" in pack(station, path, status=4).err
    path = release(station, ["base: {rpm: x}"])
    assert "rpm" in pack(station, path, status=3).err
    assert json.loads(station.run("pack", path, home=station.station, status=3, json=True).out)["code"] == "input"


def test_a_check_that_cannot_be_made_is_not_a_yes(station, tmp_path):
    """apt-get is hidden, in a mount namespace of the command's own."""
    path = release(station, ["local:", f"  - {deb(tmp_path, 'left', '1.5')}"])
    hide = "mount --bind /dev/null /usr/bin/apt-get && exec \"$0\" \"$@\""

    def hidden(*options):
        command = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "sh", "-c", hide, station.path]
        return subprocess.run([*command, "--home", station.station, "pack", path, *options], capture_output=True, text=True, timeout=120, check=False)

    done = hidden()
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")

    assert done.returncode == 6 and "was not checked: apt: " in done.stderr and "--unchecked" in done.stderr
    done = hidden("--unchecked")
    assert done.returncode == 0 and "was not checked, as --unchecked says" in done.stderr
