"""Lock files of every kind through airlock collect: what is pinned is fetched for the groups that travel, and one entry that floats ends it
before anybody was asked, with its line and how to pin it."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest
from lock_sets import collect, made, packages_of, station, up, write  # noqa: F401  (fixtures)
from packages import wheel
from world import world  # noqa: F401  (fixture)

HASH = "a" * 64


def line(kind, file, group="prod"):
    python = ', python: "3.11", platforms: [manylinux2014_x86_64]' if kind in ("pip", "uv", "poetry", "pylock") else ""
    return f"group: {group}, {kind}: {file}{python}"


def uv_file(path, up):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'source = {{ registry = "{up.url}/simple/" }}\nwheels = [{{ url = "{up.url}/files/{path.name}", hash = "sha256:{digest}" }}]\n'


def uv_lock(up):
    app, left, tool = up.wheel("app", "1.0", requires=["left"]), up.wheel("left", "1.5"), up.wheel("tool", "2.0")
    return (
        'version = 1\n[[package]]\nname = "project"\nversion = "0"\nsource = { virtual = "." }\ndependencies = [{ name = "app" }]\n'
        '[package.dev-dependencies]\ndev = [{ name = "tool" }]\n'
        f'[[package]]\nname = "app"\nversion = "1.0"\n{uv_file(app, up)}dependencies = [{{ name = "left" }}]\n'
        f'[[package]]\nname = "left"\nversion = "1.5"\n{uv_file(left, up)}[[package]]\nname = "tool"\nversion = "2.0"\n{uv_file(tool, up)}'
    )


@pytest.mark.skipif(not Path("/usr/bin/pip3").exists(), reason="not installed: pip")
def test_a_uv_lock_is_collected_with_the_groups_that_it_knows(station, up):
    said = collect(station, write(station, up, (line("uv", "uv.lock"), "uv.lock", uv_lock(up)))).json
    rows = {row["name"]: (row["group"], row["source"]) for row in packages_of(station, said["digest"])["packages"]}
    assert rows == {"app": ("prod", "uv.lock:9"), "left": ("prod", "uv.lock:15"), "tool": ("dev", "uv.lock:20")}


@pytest.mark.skipif(not Path("/usr/bin/pip3").exists(), reason="not installed: pip")
def test_a_poetry_lock_is_collected_with_the_groups_that_it_knows(station, up):
    text = ""
    for name, group in (("app", "main"), ("tool", "dev")):
        path = up.wheel(name, "1.0")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        text += f'[[package]]\nname = "{name}"\nversion = "1.0"\noptional = false\ngroups = ["{group}"]\n'
        text += f'files = [{{file = "{path.name}", hash = "sha256:{digest}"}}]\n\n'
    text += '[metadata]\nlock-version = "2.1"\n'
    said = collect(station, write(station, up, (line("poetry", "poetry.lock"), "poetry.lock", text))).json
    assert {row["name"]: row["group"] for row in packages_of(station, said["digest"])["packages"]} == {"app": "prod", "tool": "dev"}


FLOATING = [
    ("pip", "six==1.16.0\n", "six==1.16.0", "it has no hash", "pip-compile --generate-hashes does"),
    ("pip", f"requests>=2 --hash=sha256:{HASH}\n", "requests>=2", "a range", "NAME==VERSION"),
    ("pip", "# c\rrequests>=2\n", "requests>=2", "U+000D", "end lines with LF"),
    ("uv", 'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { git = "https://git.example/a" }\n', "a", "fetched from a repository", "released version"),
    ("poetry", '[[package]]\nname = "a"\nversion = "1"\nfiles = []\n[metadata]\n', "[[package]]", "for development only", "Poetry 2"),
    ("pylock", "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\n", "a", "no file with a hash", "lock again"),
    ("npm", '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}', "node_modules/a", 'no "integrity"', "npm install --package-lock-only"),
    ("images", "debian:latest\n", "debian:latest", "a tag can be moved", "skopeo inspect"),
    ("models", "org/name@main\n", "org/name@main", "a branch", "40 digits"),
    ("models", f"a/b/c@{'a' * 40}\n", "a/b/c@", "no ORGANISATION/NAME", "40 digits"),
]


@pytest.mark.parametrize("kind, text, entry, why, how", FLOATING, ids=[f"{row[0]}-{i}" for i, row in enumerate(FLOATING)])
def test_an_entry_that_floats_ends_it_before_anybody_was_asked(station, up, kind, text, entry, why, how):
    path = write(station, up, (line(kind, "the.lock"), "the.lock", text))
    path.write_text(path.read_text().replace("sets:", "  images: {registry: registry.example}\n  models: {endpoint: https://hub.example/, client: /usr/bin/true}\nsets:"))

    err = collect(station, path, status=3).err

    assert "the.lock:" in err and f'"{entry}' in err and why in err and how in err
    assert up.asked == []


@pytest.mark.parametrize("endpoint, hint", [("/hf/prod", "model: repository of its release.yaml"), ("/hub", "On a hub the model's page")], ids=["contour", "hub"])
@pytest.mark.skipif(not Path("/usr/bin/curl").exists(), reason="not installed: curl")
def test_a_model_without_an_organisation_is_asked_for_and_the_hint_is_for_that_upstream(station, up, endpoint, hint):
    path = write(station, up, ("models: models.txt", "models.txt", f"myapp@{'a' * 40}\n"))
    path.write_text(path.read_text().replace("sets:", f"  models: {{endpoint: '{up.url}{endpoint}', client: .}}\nsets:"))

    err = collect(station, path, status=3).err

    assert any(asked.startswith(f"{endpoint}/api/models/myapp/tree/{'a' * 40}") for asked in up.asked)
    assert "models.txt:1: myapp: curl failed" in err and hint in err


def bundle(folder, kind, *files):
    path = folder / f"bundle.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as out:
            for file in files:
                out.write(file, file.name)
    else:
        with tarfile.open(path, "w") as out:
            for file in files:
                out.add(file, file.name)
    return path


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bundle_of_wheels_is_one_file_whose_wheels_are_looked_at_one_by_one(world, tmp_path, kind):
    good = [wheel(tmp_path, "one", "1.0"), wheel(tmp_path, "two", "1.0")]
    assert world.run("scan", bundle(tmp_path, kind, *good), json=True).json["verdict"] == "clean"

    bad = wheel(tmp_path, "bad", "1.0", record=lambda text: text.replace("sha256=", "sha256=A", 1))
    said = world.run("scan", bundle(tmp_path, kind, *good, bad), status=1, json=True).json
    assert any("bad-1.0" in one["at"] for file in said["files"] for one in file["findings"])

    (tmp_path / "notes.bin").write_bytes(b"\x7fELF" + bytes(60))
    world.run("scan", bundle(tmp_path, kind, *good, tmp_path / "notes.bin"), status=1)
