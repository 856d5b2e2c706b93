"""airlock collect: what lock files pin comes in through the real clients, and nothing else does. The upstreams are this test's own, on loopback;
one test asks the real PyPI, where there is one."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import jsonschema
import packages
import pytest
from conftest import ROOT, environment
from upstream import Upstream
from world import World, world  # noqa: F401  (fixture)

CLIENTS = {"pip": "/usr/bin/pip3", "npm": "/usr/bin/npm", "apt": "/usr/bin/apt-get", "curl": "/usr/bin/curl", "gpg": "/usr/bin/gpg", "skopeo": "/usr/bin/skopeo"}


def needs(*clients):
    missing = [name for name in clients if not Path(CLIENTS[name]).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def up(tmp_path):
    with Upstream(tmp_path / "upstream") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def made(airlock_path, tmp_path_factory):
    """A station, made once: its keys take half a second."""
    world = World(airlock_path, tmp_path_factory.mktemp("made"))
    world.make_station()
    return world.station


@pytest.fixture
def station(world, made):
    shutil.copytree(made, world.station)
    return world


def write(station, up, *sets, limits=None, name="app", archives=None, index=None, files=None):
    """sources/collect.yaml with these sets; a set is its line, or (line, file name, text of the lock)."""
    folder = station.sources
    folder.mkdir(parents=True, exist_ok=True)
    text = f"name: {name}\nupstreams:\n  pypi: {{index: {index or up.url + '/simple/'}{', files: ' + files if files else ''}}}\n  npm: {{registry: {up.url}/npm/}}\n"
    if archives:
        text += f"  debian: {{archive: {up.url}/debian, suite: stable, components: [main], architecture: amd64, keyring: {archives}}}\n"
    text += "sets:\n"
    for line, file, lock in sets:
        (folder / file).write_text(lock)
        text += f"  - {{{line}: {file}}}\n" if "," not in line else f"  - {{{line}}}\n"
    text += f"limits: {limits}\n" if limits else ""
    path = folder / "collect.yaml"
    path.write_text(text)
    return path


def pip_set(lock, group="prod", more="", file="requirements.txt"):
    return f'group: {group}, pip: {file}, python: "3.11", platforms: [manylinux2014_x86_64]{more}', file, lock


def npm_set(lock, group="prod"):
    return f"group: {group}, npm: package-lock.json", "package-lock.json", lock


def apt_set(lock, group="prod"):
    return f"group: {group}, apt: packages.txt", "packages.txt", lock


def collect(station, path, status=0, **options):
    return station.run("collect", path, home=station.station, status=status, json=status == 0, **options)


def blob(station, digest):
    data = (station.station / "store" / "blobs" / "sha256" / digest.split(":")[1]).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
    return data


def collections(station):
    return station.run("station", "show", home=station.station, json=True).json["collections"]


def collected(station, digest):
    """Manifest and packages document of a collection."""
    manifest = json.loads(blob(station, digest))
    return manifest, json.loads(blob(station, manifest["config"]["digest"]))


def record(station, digest):
    """What the station signed about a collection: the newest attachment's statement, its signature checked by openssl."""
    found = []
    for path in (station.station / "store" / "blobs" / "sha256").iterdir():
        data = path.read_bytes()
        if data.startswith(b'{"schemaVersion"') and (json.loads(data).get("subject") or {}).get("digest") == digest:
            found.append(json.loads(blob(station, json.loads(data)["layers"][0]["digest"])))
    envelope = max(found, key=lambda one: json.loads(base64.b64decode(one["payload"]))["predicate"]["collected"])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (station.folder / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    (station.folder / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    key = station.station / "keys" / "site.pub"
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key, "-signature", station.folder / "sig", station.folder / "pae"], capture_output=True, check=False)
    assert done.returncode == 0
    return json.loads(payload)


def nothing_happened(station, up=None):
    folder = station.station / "collect"
    assert collections(station) == []
    assert not folder.exists() or [p.name for p in folder.iterdir()] == ["lock"]
    if up is not None:
        assert up.asked == []
    station.fsck(home=station.station)


# ── what comes in ──


@needs("pip", "npm", "apt", "curl", "gpg")
def test_locks_of_four_kinds_become_one_collection(station, up):
    six, parts = up.wheel("six", "1.16.0"), up.sdist("Tiny_Parts", "2.0")
    up.npm("tiny", "1.0.0"), up.npm("@scope/deep", "3.1.4")
    hello = up.deb("hello", "1:2.10-3")
    path = write(
        station, up,
        pip_set(up.requirements(six, parts), more=", source: [tiny-parts], build: false"),
        npm_set(up.npm_lock(("tiny", "1.0.0"), ("@scope/deep", "3.1.4")), group="dev"),
        apt_set("hello=1:2.10-3\n"),
        archives=up.publish(),
    )

    said = collect(station, path).json

    assert {row["ecosystem"]: row["files"] for row in said["ecosystems"]} == {"deb": 1, "npm": 2, "pypi": 2}
    assert [f"{row['host']}:{row['port']}" for row in said["hosts"]] == [up.url.removeprefix("http://")]
    assert said["hosts"][0]["received"] > six.stat().st_size + parts.stat().st_size + hello.stat().st_size
    manifest, document = collected(station, said["digest"])
    assert manifest["artifactType"] == "application/vnd.airlock.collection.v1+json"
    rows = {row["filename"]: row for row in document["packages"]}
    assert {name: row["group"] for name, row in rows.items()} == {
        "hello_2.10-3_all.deb": "prod", "scope-deep-3.1.4.tgz": "dev", "tiny-1.0.0.tgz": "dev", six.name: "prod", parts.name: "prod",
    }
    for file in (six, parts, hello):
        assert blob(station, rows[file.name]["digest"]) == file.read_bytes()
    assert rows["hello_2.10-3_all.deb"]["version"] == "1:2.10-3"
    evidence = document["evidence"]
    assert [row["kind"] for row in evidence] == ["apt-inrelease"] and blob(station, evidence[0]["digest"]) == up.inrelease
    reached = {manifest["config"]["digest"], *(row["digest"] for row in manifest["layers"])}
    assert {row["digest"] for row in document["packages"]} < reached
    assert "does not list" not in station.fsck(home=station.station).out


@needs("pip", "apt", "gpg")
def test_the_same_locks_give_the_same_digest_and_a_record_each_time(station, up):
    six = up.wheel("six", "1.16.0")
    up.deb("hello", "2.10-3")
    path = write(station, up, pip_set(up.requirements(six)), apt_set("hello=2.10-3\n"), archives=up.publish())

    first, second = collect(station, path).json, collect(station, path).json

    assert first["digest"] == second["digest"] and [first["already"], second["already"]] == [False, True]
    assert [(row["name"], row["digest"]) for row in collections(station)] == [("app", first["digest"])]
    assert station.run("log", home=station.station).out.count("collect ") == 2


@needs("pip", "npm")
def test_the_record_says_who_was_asked_for_what(station, up):
    six = up.wheel("six", "1.16.0")
    up.npm("tiny", "1.0.0")
    path = write(station, up, pip_set(up.requirements(six)), npm_set(up.npm_lock(("tiny", "1.0.0")), group="dev"))

    statement = record(station, collect(station, path).json["digest"])

    assert statement["predicateType"] == "urn:airlock:collection:v1"
    predicate = statement["predicate"]
    jsonschema.validate(predicate, json.loads((ROOT / "docs/formats/collection.schema.json").read_text()))
    assert predicate["definition"]["digest"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    locks = {row["file"]: row for row in predicate["locks"]}
    assert locks["requirements.txt"]["digest"]["sha256"] == hashlib.sha256((path.parent / "requirements.txt").read_bytes()).hexdigest()
    assert [row["name"] for row in predicate["clients"]] == ["pip", "npm"]
    for client in predicate["clients"]:
        assert client["status"] == 0 and client["version"] != "unknown" and client["command"][0].startswith("/usr/bin/")
        assert sum(row["received"] for row in client["connections"]) == client["hosts"][0]["received"] > 0
        assert all(row["awake"] for row in client["recorders"])
    assert str(station.folder) not in json.dumps(predicate)


def test_what_json_says_of_a_collecting_is_as_its_schema(station, up):
    six = up.wheel("six", "1.16.0")
    said = collect(station, write(station, up, pip_set(up.requirements(six)))).json
    jsonschema.validate(said, json.loads((ROOT / "docs/formats/collect.schema.json").read_text()))


def images(station, up, lock):
    path = write(station, up, ("group: prod, images: images.txt", "images.txt", lock))
    path.write_text(path.read_text().replace("sets:", f"  images: {{registry: '{up.url.removeprefix('http://')}'}}\nsets:"))
    return path


@needs("skopeo")
def test_an_image_comes_by_digest_and_lies_in_the_stations_layout(station, up):
    digest = up.image("library/hello")

    said = collect(station, images(station, up, f"library/hello@{digest}\n")).json

    assert said["ecosystems"] == [{"ecosystem": "image", "files": 4, "bytes": said["bytes"]}]
    manifest, document = collected(station, said["digest"])
    assert document["packages"] == []
    named = [row for row in manifest["layers"] if "annotations" in row]
    assert [(row["digest"], row["annotations"]["org.opencontainers.image.title"]) for row in named] == [(digest, f"library/hello@{digest}")]
    copied = ["skopeo", "--insecure-policy", "copy", "--all", f"oci:{station.station}/store:library/hello@{digest}", f"dir:{station.folder}/copy"]
    subprocess.run(copied, capture_output=True, check=True, timeout=60)
    assert hashlib.sha256((station.folder / "copy" / "manifest.json").read_bytes()).hexdigest() == digest.split(":")[1]
    assert collect(station, images(station, up, f"library/hello@{digest}\n")).json["digest"] == said["digest"]


@needs("skopeo")
def test_an_image_with_another_layer_than_its_manifest_says_is_refused(station, up):
    digest = up.image("library/hello")
    layer = next(path for path, (data, *kind) in up.answers.items() if "+gzip" in "".join(kind))
    up.answers[layer] = (packages.gz(packages.tar_bytes({"hello.txt": b"other\n"})), "application/octet-stream")

    refused = collect(station, images(station, up, f"library/hello@{digest}\n"), status=3)

    assert "skopeo" in refused.err and "images.txt:1" in refused.err
    nothing_happened(station)


def test_the_examples_are_as_their_schemas_say():
    formats = ROOT / "docs/formats"
    for name, schema in (("collect.json", "collect"), ("collection.json", "collection")):
        jsonschema.validate(json.loads((formats / "examples" / name).read_text()), json.loads((formats / f"{schema}.schema.json").read_text()))


@needs("pip")
def test_a_host_is_reached_by_the_name_that_collect_yaml_gives_it(station, up):
    six = up.wheel("six", "1.16.0")
    up.file_base = up.url.replace("127.0.0.1", "files.localhost")
    path = write(station, up, pip_set(up.requirements(six)), index=up.file_base + "/simple/")

    assert [row["host"] for row in collect(station, path).json["hosts"]] == ["files.localhost"]


@needs("pip")
def test_each_platform_gets_the_wheel_that_is_for_it(station, up):
    wheels = [up.wheel("fast", "1.0", tag=f"cp311-cp311-{tag}") for tag in ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux2014_aarch64")]
    path = write(station, up, pip_set(up.requirements(*wheels)))
    path.write_text(path.read_text().replace("[manylinux2014_x86_64]", "[manylinux_2_34_x86_64, manylinux2014_x86_64, manylinux2014_aarch64]"))

    _, document = collected(station, collect(station, path).json["digest"])

    assert sorted(row["filename"] for row in document["packages"]) == sorted(path.name for path in wheels)


@needs("pip")
def test_a_marker_that_does_not_hold_leaves_its_package_out_and_says_so(station, up):
    six, win = up.wheel("six", "1.16.0"), up.wheel("win", "1.0")
    lock = up.requirements(six) + up.requirements(win).replace("win==1.0", "win==1.0 ; sys_platform == 'win32'")

    said = collect(station, write(station, up, pip_set(lock))).json

    assert said["files"] == 1 and ["win" in said["remarks"][0], "marker" in said["remarks"][0]] == [True, True]


@needs("pip")
def test_a_file_may_be_pinned_by_sha384_or_sha512(station, up):
    wheels = {"sha384": up.wheel("six", "1.16.0"), "sha512": up.wheel("seven", "1.0")}
    lock = "".join(f"{path.name.split('-')[0]}=={path.name.split('-')[1]} --hash={alg}:{hashlib.new(alg, path.read_bytes()).hexdigest()}\n" for alg, path in wheels.items())

    assert collect(station, write(station, up, pip_set(lock))).json["files"] == 2


@needs("pip", "npm")
def test_what_dev_and_prod_pin_is_of_prod_and_names_that_meet_in_a_file_name_stay_apart(station, up):
    six = up.wheel("six", "1.16.0")
    up.npm("@a/b-c", "1.0.0"), up.npm("@a-b/c", "1.0.0", members={"package/other.js": b"1"}, filename="other.tgz")
    path = write(
        station, up, pip_set(up.requirements(six), group="dev", file="dev.txt"), pip_set(up.requirements(six)),
        npm_set(up.npm_lock(("@a/b-c", "1.0.0"), ("@a-b/c", "1.0.0"))),
    )

    _, document = collected(station, collect(station, path).json["digest"])

    assert [(row["name"], row["group"]) for row in document["packages"]] == [("@a-b/c", "prod"), ("@a/b-c", "prod"), ("six", "prod")]


@needs("pip")
def test_a_token_reaches_the_upstream_and_no_record(station, up):
    six = up.wheel("six", "1.16.0")
    (station.folder / "sources").mkdir(exist_ok=True)
    (station.sources / "token").write_text("secret-of-the-station\n")
    seen = []
    page = f"/files/{six.name}"
    up.answers[page] = lambda handler: (seen.append(handler.headers.get("Authorization")), handler.give(six.read_bytes()))
    path = write(station, up, pip_set(up.requirements(six)))
    path.write_text(path.read_text().replace("/simple/}", "/simple/, token-file: token}"))

    said = collect(station, path)

    assert seen == ["Basic " + base64.b64encode(b"airlock:secret-of-the-station").decode()]
    assert "secret-of-the-station" not in json.dumps(record(station, said.json["digest"])) + said.out + said.err


@needs("pip", "npm", "curl")
def test_tls_stays_between_client_and_upstream(station, tmp_path):
    """The upstream's certificate is its own: every client trusts it by authorities, and none without."""
    with Upstream(tmp_path / "tls", tls=True) as up:
        six, parts = up.wheel("six", "1.16.0"), up.sdist("parts", "2.0")
        up.npm("tiny", "1.0.0")
        path = write(
            station, up, pip_set(up.requirements(six, parts), more=", source: [parts], build: false"), npm_set(up.npm_lock(("tiny", "1.0.0")))
        )

        refused = collect(station, path, status=(3, 7))
        path.write_text(path.read_text().replace("upstreams:", f"upstreams:\n  authorities: {up.certificate}"))
        said = collect(station, path).json

        assert "certificate" in refused.err.lower() and said["files"] == 3
        assert [row["host"] for row in said["hosts"]] == ["localhost"]


@needs("pip")
def test_the_record_travels_with_the_release_that_the_collection_went_into(world, up):
    world.found()
    collection = collect(world, write(world, up, pip_set(up.requirements(up.wheel("six", "1.16.0"))))).json["digest"]
    release = world.write_release()
    release.write_text(release.read_text() + "packages:\n  collections: [app]\n")
    digest = world.run("pack", release, home=world.station, json=True).json["digest"]

    world.receive(world.ship("assistant:v1.0.0"))
    world.admit("assistant:v1.0.0")

    lines = [json.loads(line) for line in world.run("passport", "assistant:v1.0.0", "--lines").out.splitlines()]
    statements = [json.loads(base64.b64decode(line["payload"])) for line in lines]
    found = [one for one in statements if one["predicateType"] == "urn:airlock:collection:v1"]
    assert [one["subject"][0]["digest"]["sha256"] for one in found] == [digest.removeprefix("sha256:")]
    assert found[0]["predicate"]["collection"] == collection
    assert found[0]["predicate"]["clients"] == record(world, collection)["predicate"]["clients"]


# ── what does not ──


@pytest.mark.parametrize(
    "lock, word",
    [
        ("six>=1.16\n", "six"),
        ("six==1.16.0\n", "hash"),
        ("git+https://example.org/six@main\n", "git"),
    ],
)
def test_what_floats_is_refused_with_its_line_before_anybody_is_asked(station, up, lock, word):
    six = up.wheel("six", "1.16.0")
    path = write(station, up, pip_set(up.requirements(six) + lock))

    refused = collect(station, path, status=3)

    assert "requirements.txt:2" in refused.err and word in refused.err
    nothing_happened(station, up)


def test_an_image_by_tag_is_refused(station, up):
    path = write(station, up, ("group: prod, images: images.txt", "images.txt", "debian:latest\n"))
    path.write_text(path.read_text().replace("sets:", "  images: {registry: registry.example}\nsets:"))

    assert "images.txt:1" in collect(station, path, status=3).err


@needs("pip")
def test_other_bytes_than_the_lock_pins_are_refused(station, up):
    six = up.wheel("six", "1.16.0")
    lock = up.requirements(six)
    up.wheel("six", "1.16.0", modules={"six.py": b"import os\n"})

    refused = collect(station, write(station, up, pip_set(lock)), status=3)

    assert "six" in refused.err and "pip" in refused.err
    nothing_happened(station)


@needs("pip")
@pytest.mark.parametrize("how", [{"record": lambda text: text.replace("sha256=", "sha256=A", 1)}, {"members": {"../../evil.py": b"x = 1"}}], ids=["record", "leads-out"])
def test_a_wheel_that_pack_would_refuse_is_not_collected(station, up, how):
    six = up.wheel("six", "1.16.0", **how)

    refused = collect(station, write(station, up, pip_set(up.requirements(six))), status=3)

    assert f"{six.name}: " in refused.err and "no release could bring it" in refused.err and "another version of six" in refused.err
    nothing_happened(station)


@needs("pip", "curl")
def test_a_source_with_other_bytes_than_its_page_promises_is_refused(station, up):
    parts = up.sdist("parts", "2.0")
    path = write(station, up, pip_set(up.requirements(parts), more=", source: [parts], build: false"))
    up.answers[f"/files/{parts.name}"] = (b"something else",)

    refused = collect(station, path, status=3)

    assert "parts" in refused.err and "other bytes" in refused.err
    nothing_happened(station)


@needs("curl")
def test_a_source_is_fetched_and_never_run(station, up):
    parts = up.sdist("parts", "2.0", members={"parts-2.0/setup.py": b"raise SystemExit('setup.py ran')\n"})

    said = collect(station, write(station, up, pip_set(up.requirements(parts), more=", source: [parts], build: false"))).json

    assert said["files"] == 1


@needs("npm")
def test_another_tarball_than_the_lock_pins_is_refused_and_no_script_runs(station, up):
    up.npm("tiny", "1.0.0", manifest={"scripts": {"install": "exit 1", "preinstall": "exit 1", "postinstall": "exit 1"}})
    lock = up.npm_lock(("tiny", "1.0.0"))
    assert collect(station, write(station, up, npm_set(lock), name="scripts")).json["files"] == 1
    up.npm("tiny", "1.0.0", members={"package/more.js": b"1"})

    refused = collect(station, write(station, up, npm_set(lock)), status=3)

    assert "tiny 1.0.0" in refused.err and "other bytes" in refused.err
    assert [row["name"] for row in collections(station)] == ["scripts"]


@needs("apt", "gpg")
def test_an_archive_with_another_key_or_another_file_is_refused(station, up):
    hello = up.deb("hello", "2.10-3")
    keyring = up.publish()
    path = write(station, up, apt_set("hello=2.10-3\n"), archives=keyring)
    hello.write_bytes(hello.read_bytes() + b"\n")

    changed = collect(station, path, status=3)
    other = station.folder / "other"
    with Upstream(other) as stranger:
        stranger.deb("hello", "2.10-3")
        path = write(station, up, apt_set("hello=2.10-3\n"), archives=stranger.publish())
        unsigned = collect(station, path, status=3)

    assert "hello" in changed.err and "apt-get" in changed.err
    assert "apt-get" in unsigned.err and "NO_PUBKEY" in unsigned.err
    nothing_happened(station)


@needs("apt", "gpg")
def test_a_version_that_the_archive_does_not_have_is_named(station, up):
    up.deb("hello", "2.10-3")

    refused = collect(station, write(station, up, apt_set("hello=2.10-4\n"), archives=up.publish()), status=3)

    assert "2.10-4" in refused.err and "hello" in refused.err


@needs("pip")
def test_a_redirect_to_a_host_that_is_not_named_leads_nowhere(station, up):
    six = up.wheel("six", "1.16.0")

    def away(handler):
        handler.send_response(302)
        handler.send_header("Location", f"https://elsewhere.example/{six.name}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    up.answers[f"/files/{six.name}"] = away

    refused = collect(station, write(station, up, pip_set(up.requirements(six))), status=3)

    assert "elsewhere.example" in refused.err and "does not name" in refused.err
    nothing_happened(station)


@needs("pip")
def test_a_body_without_end_is_cut(station, up):
    six = up.wheel("six", "1.16.0")

    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not up.stopping.is_set():
            handler.wfile.write(b"x" * 65536)

    up.answers[f"/files/{six.name}"] = endless

    refused = collect(station, write(station, up, pip_set(up.requirements(six)), limits="{bytes: 4M}"), status=3)

    assert "more than 4194304 bytes" in refused.err and "limits" in refused.err
    nothing_happened(station)


@needs("pip", "curl")
def test_a_package_that_has_only_a_source_is_named_with_what_to_write(station, up):
    path = write(station, up, pip_set("# made for a test\n" + up.requirements(up.sdist("docopt", "0.6.2"))))

    refused = collect(station, path, status=3)

    assert "requirements.txt:2: docopt 0.6.2: only a source distribution exists: add `source: [docopt]` to the set\n    " in refused.err
    nothing_happened(station)


@needs("pip")
def test_what_a_client_said_stands_indented_below_the_sentence_of_ours(station, up):
    six = up.wheel("six", "1.16.0")
    lock = up.requirements(six)
    up.wheel("six", "1.16.0", modules={"six.py": b"import os\n"})

    lines = collect(station, write(station, up, pip_set(lock)), status=3).err.splitlines()

    at = next(i for i, line in enumerate(lines) if "pip failed (status 1). Mend what it says:" in line)
    said = lines[at + 1 :]
    assert said and all(line.startswith("    ") for line in said)
    assert any("Expected sha256" in line for line in said)
    assert said[0].strip().split(" ")[0] in ("ERROR:", "WARNING:", "six==1.16.0", "Expected", "Looking", "Collecting", "Downloading")


OTHERS = [("for-mac", {"os": ["darwin"]}), ("for-arm", {"os": ["linux"], "cpu": ["arm64"]}), ("for-musl", {"libc": ["musl"]}), ("not-linux", {"os": ["!linux"]})]
FITTING = [("for-this", {"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]}), ("not-windows", {"os": ["!win32"]})]


@needs("npm")
def test_optional_npm_packages_for_other_platforms_are_left_out_and_counted(station, up):
    rows = [*OTHERS, *FITTING, ("needed", {"os": ["darwin"]})]
    for name, _ in rows:
        up.npm(name, "1.0.0")
    lock = json.loads(up.npm_lock(*((name, "1.0.0") for name, _ in rows)))
    for name, fields in rows:
        lock["packages"][f"node_modules/{name}"].update(fields, **({} if name == "needed" else {"optional": True}))
    line, file, text = npm_set(json.dumps(lock))

    said = collect(station, write(station, up, (line.replace("group: prod, ", "") + ", os: [linux], cpu: [x64], libc: [glibc]", file, text))).json

    _, document = collected(station, said["digest"])
    assert [row["name"] for row in document["packages"]] == ["for-this", "needed", "not-windows"]
    assert {row["group"] for row in document["packages"]} == {"prod"}
    assert any("4 optional packages for other platforms" in remark for remark in said["remarks"])
    assert collect(station, write(station, up, (line, file, text), name="all")).json["files"] == len(rows)


@needs("pip")
def test_an_upstream_that_dawdles_is_given_up(station, up):
    six = up.wheel("six", "1.16.0")

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not up.stopping.wait(0.1):
            handler.wfile.write(b"x")

    up.answers[f"/files/{six.name}"] = drip

    refused = collect(station, write(station, up, pip_set(up.requirements(six)), limits="{time: 2s}"), status=3)

    assert "did not end within 2 s" in refused.err
    nothing_happened(station)


@needs("curl")
def test_an_upstream_that_falls_silent_is_given_up(station, up):
    parts = up.sdist("parts", "2.0")
    up.answers[f"/files/{parts.name}"] = lambda handler: up.stopping.wait(20)
    path = write(station, up, pip_set(up.requirements(parts), more=", source: [parts], build: false"), limits="{idle: 1s}")

    refused = collect(station, path, status=7)

    assert "nothing moved" in refused.err
    nothing_happened(station)


@needs("pip")
def test_an_upstream_that_is_not_there_is_named(station, up, free_port):
    six = up.wheel("six", "1.16.0")
    port = free_port()

    refused = collect(station, write(station, up, pip_set(up.requirements(six)), index=f"http://127.0.0.1:{port}/simple/"), status=7)

    assert f"127.0.0.1:{port}" in refused.err
    nothing_happened(station)


@pytest.mark.parametrize(
    "change, wanted",
    [
        (("  npm:", "  npn:"), 'collect.yaml:4'),
        (("/simple/", "/simple"), "slash"),
        (("http://127.0.0.1", "http://10.1.2.3"), "name"),
        (("http://127.0.0.1", "http://user@127.0.0.1"), "plain"),
        (("group: prod", "group: Prod!"), "group"),
        ((', python: "3.11", platforms: [manylinux2014_x86_64]', ""), "platforms"),
        (("name: app", "name: ../app"), "a-z"),
        (("[manylinux2014_x86_64]", "[linux_amd64]"), '"linux_amd64" is no platform tag of wheels. PEP 425'),
        (("[manylinux2014_x86_64]", "[manylinux_2_x86_64]"), "is no platform tag"),
        (("[manylinux2014_x86_64]", "[manylinux2014_x86_64], os: [linux]"), "only beside npm:"),
        (("sets:\n", "sets:\n  - {npm: b.json, cpu: [amd64]}\n"), "x64"),
        (("sets:\n", "sets:\n  - {group: prod, pip: a.txt, npm: b.json}\n"), "one lock file a set"),
    ],
)
def test_a_collect_yaml_that_is_not_right_is_refused_with_its_line(station, up, change, wanted):
    six = up.wheel("six", "1.16.0")
    path = write(station, up, pip_set(up.requirements(six)))
    path.write_text(path.read_text().replace(*change))

    refused = collect(station, path, status=3)

    assert "collect.yaml" in refused.err or change[0].startswith("http") and wanted in refused.err
    assert wanted in refused.err
    nothing_happened(station, up)


# ── whole or not at all ──


@needs("pip")
def test_what_was_killed_leaves_nothing_and_again_completes_it(station, up, wait_for):
    six = up.wheel("six", "1.16.0")
    path = write(station, up, pip_set(up.requirements(six)))
    file = f"/files/{six.name}"
    up.answers[file] = lambda handler: up.stopping.wait(30)
    process = subprocess.Popen([station.path, "--home", station.station, "collect", path], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: file in up.asked, "pip to ask for the wheel")
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    del up.answers[file]

    assert collections(station) == []
    said = collect(station, path).json

    assert said["files"] == 1 and not (station.station / "collect" / "run").exists()
    assert "does not list" not in station.fsck(home=station.station).out


@needs("pip")
def test_one_collects_at_a_time(station, up, wait_for):
    six = up.wheel("six", "1.16.0")
    path = write(station, up, pip_set(up.requirements(six)))
    file, go = f"/files/{six.name}", False
    up.answers[file] = lambda handler: (wait_for(lambda: go, "the word to go on"), handler.give(six.read_bytes()))
    process = subprocess.Popen([station.path, "--home", station.station, "collect", path], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: file in up.asked, "pip to ask for the wheel")

    refused = collect(station, path, status=(5, 7))
    go = True

    assert "right now" in refused.err
    assert process.wait(60) == 0 and len(collections(station)) == 1


@needs("pip")
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv, to be another user")
def test_an_ordinary_user_collects_as_root_does(airlock_path, up):
    six = up.wheel("six", "1.16.0")
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        world = World(airlock_path, folder)
        path = write(world, up, pip_set(up.requirements(six)))
        program = folder / "airlock"
        shutil.copy(airlock_path, program)
        for one in (folder, *folder.rglob("*")):
            os.chown(one, 65534, 65534)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "--home", world.station]
        subprocess.run([*user, "station", "init"], env=environment(), capture_output=True, check=True, timeout=60)
        done = subprocess.run([*user, "--json", "collect", path], env=environment(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done
        assert json.loads(done.stdout)["files"] == 1
    finally:
        shutil.rmtree(folder)


# ── the real one ──


def real_index():
    """Where this machine's own pip looks, its configuration first, else what pip itself has built in; None where nobody answers."""
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False).stdout.strip()
    built_in = subprocess.run(
        ["/usr/bin/python3", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"], capture_output=True, text=True, check=False
    ).stdout.strip()
    index = (asked or built_in).rstrip("/") + "/"
    try:
        request = urllib.request.Request(index + "six/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        return index, json.loads(urllib.request.urlopen(request, timeout=10).read())
    except (OSError, ValueError):
        return None


@needs("pip")
def test_a_wheel_of_the_real_pypi_comes_in(station, up):
    found = real_index()
    if not found:
        pytest.skip("no PyPI answers here")
    index, page = found
    wheel = next(row for row in page["files"] if row["filename"].endswith("py3-none-any.whl") and row["hashes"].get("sha256"))
    host = urllib.parse.urlparse(urllib.parse.urljoin(index + "six/", wheel["url"]))
    lock = f"six=={wheel['filename'].split('-')[1]} --hash=sha256:{wheel['hashes']['sha256']}\n"

    said = collect(station, write(station, up, pip_set(lock), index=index, files=f"['{host.scheme}://{host.netloc}']")).json

    assert said["files"] == 1 and up.asked == []
    assert {row["host"] for row in said["hosts"]} == {urllib.parse.urlparse(index).hostname, host.hostname}
