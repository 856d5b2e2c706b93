"""The station: packing is reproducible and says what is wrong, versions are immutable, other tools read the store, media have the size that was
asked for."""

import base64
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time

import pytest
from conftest import environment
from world import PROMPTS, SUITE, World, gguf, mock_engine, volumes, write_large_gguf


@pytest.fixture(scope="module")
def founded(airlock_path, tmp_path_factory):
    return World(airlock_path, tmp_path_factory.mktemp("founded")).found()


@pytest.fixture
def station(founded, airlock_path, tmp_path):
    """A contour and a station that know each other, copied: making them takes most of a second."""
    world = World(airlock_path, tmp_path)
    shutil.copytree(founded.contour, world.contour)
    shutil.copytree(founded.station, world.station)
    return world


def blob(world, digest):
    return (world.station / "store" / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def document(world, digest):
    return json.loads(blob(world, digest))


def part(world, index, name):
    """The manifest of a part of a release."""
    (found,) = [m for m in index["manifests"] if m["annotations"]["vnd.airlock.part"] == name]
    return document(world, found["digest"])


def layer_of(world, digest):
    return tarfile.open(fileobj=io.BytesIO(blob(world, part(world, document(world, digest), "engine")["layers"][-1]["digest"])))


# ── packing ──


def test_the_same_inputs_give_the_same_digest_on_another_station(station, airlock_path, tmp_path):
    first = station.pack()
    other = World(airlock_path, tmp_path / "other")
    other.folder.mkdir()
    other.make_station("south")
    shutil.copytree(station.sources, other.sources)
    for path in other.sources.rglob("*"):
        os.utime(path, (1, 1))

    second = other.run("pack", other.sources / "assistant-v1.0.0" / "release.yaml", home=other.station, json=True).json["digest"]

    assert first == second


def test_packing_the_same_again_changes_nothing(station):
    first = station.pack()
    index = (station.station / "store" / "index.json").read_bytes()

    again = station.run("pack", station.sources / "assistant-v1.0.0" / "release.yaml", home=station.station, json=True).json

    assert again["already"] is True and again["digest"] == first
    assert (station.station / "store" / "index.json").read_bytes() == index


def test_a_version_is_immutable(station):
    station.pack()
    path = station.write_release(prompts="system: Other.\nwarmup:\n  - Hello\n")

    refused = station.run("pack", path, home=station.station, status=5)

    assert "assistant:v1.0.0" in refused.err and "immutable" in refused.err


def test_a_release_holds_its_parts_by_name(station):
    index = document(station, station.pack())

    assert index["artifactType"] == "application/vnd.airlock.release.v1+json"
    assert index["annotations"]["org.opencontainers.image.vendor"] == "tests"
    model = part(station, index, "model")
    assert model["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert model["layers"][0]["annotations"]["org.cncf.model.filepath"] == "tiny.gguf"
    assert document(station, model["config"]["digest"])["modelfs"]["diffIds"] == [model["layers"][0]["digest"]]
    texts = {layer["annotations"]["vnd.airlock.part"]: layer for layer in part(station, index, "config")["layers"]}
    assert sorted(texts) == ["card", "changes", "licence", "prompts", "suite"]
    assert blob(station, texts["suite"]["digest"]).decode() == SUITE


def test_the_engine_layer_holds_the_program_and_nothing_of_this_machine(station):
    layer = layer_of(station, station.pack())

    assert layer.getnames() == ["engine", "engine/mock-engine"]
    for member in layer.getmembers():
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    program = layer.getmember("engine/mock-engine")
    assert program.mode == 0o755
    assert layer.extractfile(program).read() == mock_engine(station.path).read_bytes()


def test_more_files_lie_in_the_engine_layer_in_order(station):
    folder = station.sources / "assistant-v1.0.0"
    folder.mkdir(parents=True)
    (folder / "note").write_text("a note")
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o755)
    long = "/usr/share/" + "a-long-name-of-a-folder/" * 5 + "note"

    layer = layer_of(station, station.pack(files={"/etc/note": "note", "/bin/tool": "tool", "/etc/conf.d/x": "note", long: "note"}))

    names = layer.getnames()
    assert names == sorted(names) and len(names) == len(set(names))
    assert {"bin/tool", "etc/conf.d", "etc/conf.d/x", "etc/note", "engine/mock-engine", long[1:]} <= set(names)
    assert layer.getmember("bin/tool").mode == 0o755 and layer.getmember("etc/note").mode == 0o644


def test_a_program_that_needs_a_loader_is_refused(station):
    refused = station.run("pack", station.write_release(engine="/bin/ls"), home=station.station, status=3)

    assert "needs the loader" in refused.err and "-static" in refused.err


def test_a_program_whose_loader_is_brought_along_is_packed(station):
    headers = subprocess.run(["readelf", "-lW", "/bin/ls"], capture_output=True, text=True, check=True).stdout
    loader = headers.split("program interpreter: ")[1].split("]")[0]

    layer = layer_of(station, station.pack(engine="/bin/ls", files={loader: loader}))

    assert loader[1:] in layer.getnames()


def test_a_script_is_no_engine(station):
    script = station.folder / "engine.sh"
    script.write_text("#!/bin/sh\n")

    refused = station.run("pack", station.write_release(engine=script), home=station.station, status=3)

    assert "no ELF program" in refused.err


def oci_layout(folder, changes=None):
    """An image of one gzipped layer, as another tool would write it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data):
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("hello"), io.BytesIO(b""))
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **put(raw.getvalue())}
    config = put(json.dumps({"architecture": "arm64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": [layer],
        **(changes or {}),
    }
    found = put(json.dumps(manifest, indent=1).encode())
    index = {"schemaVersion": 2, "manifests": [{"mediaType": manifest["mediaType"], **found}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return found["digest"]


def image_release(world, layout, files=""):
    path = world.write_release()
    text = path.read_text()
    path.write_text(text.replace(f"  program: {mock_engine(world.path)}\n", f"  image: {layout}\n{files}"))
    return path


def test_an_image_of_another_tool_is_carried_over_as_it_is(station):
    wanted = oci_layout(station.folder / "layout")

    digest = station.run("pack", image_release(station, station.folder / "layout"), home=station.station, json=True).json["digest"]

    (engine,) = [m for m in document(station, digest)["manifests"] if m["annotations"]["vnd.airlock.part"] == "engine"]
    assert engine["digest"] == wanted
    assert engine["platform"] == {"architecture": "arm64", "os": "linux"}


def test_files_go_on_top_of_an_image(station):
    oci_layout(station.folder / "layout")
    (station.folder / "extra").write_text("extra")

    path = image_release(station, station.folder / "layout", f"  files:\n    /opt/extra: {station.folder / 'extra'}\n")
    digest = station.run("pack", path, home=station.station, json=True).json["digest"]

    manifest = part(station, document(station, digest), "engine")
    config = document(station, manifest["config"]["digest"])
    assert len(manifest["layers"]) == 2 and config["rootfs"]["diff_ids"][1] == manifest["layers"][1]["digest"]
    assert layer_of(station, digest).getnames() == ["opt", "opt/extra"]


def test_an_image_whose_blob_is_damaged_is_refused(station):
    oci_layout(station.folder / "layout")
    victim = max((station.folder / "layout" / "blobs" / "sha256").iterdir(), key=lambda p: p.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")

    refused = station.run("pack", image_release(station, station.folder / "layout"), home=station.station, status=3)

    assert victim.name in refused.err


def test_an_image_in_docker_form_says_what_to_do(station):
    oci_layout(station.folder / "layout", {"config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}})

    refused = station.run("pack", image_release(station, station.folder / "layout"), home=station.station, status=3)

    assert "skopeo" in refused.err


@pytest.mark.parametrize(
    "change, words",
    [
        (("owner: tests", "ownr: tests"), ["release.yaml:3", "owner"]),
        (("version: v1.0.0", "version: 1.0"), ["release.yaml:2", "v1.0.0"]),
        (("name: assistant", "name: assistant\nname: twice"), ["release.yaml:2", "twice"]),
        (("prompts: prompts.yaml", ""), ["prompts", "missing"]),
        (("licence: Apache-2.0", "licence: Apache 2.0"), ["release.yaml:8", "Apache 2.0", "SPDX"]),
        (('"/engine/mock-engine"', "/engine/llama-server"), ["release.yaml:11", "no /engine/llama-server", "/engine/mock-engine"]),
        (('"--host"', '"--slots", "{slots}"'), ["release.yaml:11", "{slots}", "{threads}"]),
    ],
)
def test_a_mistake_in_release_yaml_names_file_and_line(station, change, words):
    path = station.write_release()
    path.write_text(path.read_text().replace(*change, 1))

    refused = station.run("pack", path, home=station.station, status=3)

    for word in words:
        assert word in refused.err, str(refused)


def nothing_was_stored(world):
    store = world.station / "store" / "blobs" / "sha256"
    return not store.exists() or not any(store.iterdir())


@pytest.mark.parametrize(
    "model, words",
    [
        (b"", ["empty (0 bytes)"]),
        (b"These are the weights, I promise.\n", ["GGUF"]),
        (gguf()[:-100], ["tensors end at byte", "the file has"]),
        (gguf()[:40], ["byte 24", "are left in the file"]),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", ["git-lfs-pointer"]),
    ],
)
def test_weights_that_are_none_are_refused_before_anything_is_stored(station, model, words):
    path = station.write_release(model=model)

    refused = station.run("pack", path, home=station.station, status=3)

    for word in ["release.yaml:6: model: tiny.gguf", *words]:
        assert word in refused.err, str(refused)
    assert nothing_was_stored(station)
    (path.parent / "tiny.gguf").write_bytes(gguf())
    station.run("pack", path, home=station.station)


def test_a_text_under_a_name_that_promises_nothing_is_no_model_either(station):
    path = station.write_release()
    (path.parent / "weights").write_text("0.1 0.2 0.3\n")
    path.write_text(path.read_text().replace("file: tiny.gguf", "file: weights"))

    refused = station.run("pack", path, home=station.station, status=3)

    assert "release.yaml:6: model: weights" in refused.err and "wanted weights" in refused.err


@pytest.mark.parametrize(
    "change, words",
    [
        ({"prompts": PROMPTS + "  tempreature: 1\n"}, ["prompts.yaml:8", "tempreature", "temperature"]),
        ({"prompts": "system: Hello\n"}, ["prompts.yaml", "warmup"]),
        ({"suite": "cases:\n  - name: a\n    prompt: b\n    assert:\n      - like: c\n"}, ["suite.yaml:5", "like"]),
        ({"suite": ""}, ["suite.yaml", "cases"]),
    ],
)
def test_a_prompt_set_or_suite_that_is_malformed_is_named_with_its_line(station, change, words):
    refused = station.run("pack", station.write_release(**change), home=station.station, status=3)

    for word in words:
        assert word in refused.err, str(refused)
    assert nothing_was_stored(station)
    station.pack()


def test_what_no_contour_would_admit_can_be_packed_as_it_is_when_that_is_asked(station):
    path = station.write_release(suite="cases: nothing\n")

    packed = station.run("pack", path, "--unchecked", home=station.station, json=True)

    assert "suite.yaml:1" in packed.json["remarks"][0] and "suite.yaml:1" in packed.err


def test_a_card_that_is_no_text_is_refused(station):
    path = station.write_release()
    (path.parent / "card.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))

    refused = station.run("pack", path, home=station.station, status=3)

    assert "release.yaml:14: card: card.md" in refused.err


def test_a_program_that_cannot_be_run_is_refused(station):
    helper = station.folder / "helper"
    helper.write_bytes(mock_engine(station.path).read_bytes())
    helper.chmod(0o644)
    command = ["/opt/helper", "--host", "{socket}", "--model", "{model}"]

    refused = station.run("pack", station.write_release(files={"/opt/helper": helper}, command=command), home=station.station, status=3)

    assert "helper" in refused.err and "chmod +x" in refused.err
    helper.chmod(0o755)
    station.pack(files={"/opt/helper": helper}, command=command)


def test_a_chat_template_outside_the_subset_is_a_remark(station):
    """People of a contour may list it."""
    template = "{% for m in messages %}{{ m['content'] | random }}{% endfor %}"
    path = station.write_release(model=gguf(template=template))

    packed = station.run("pack", path, home=station.station, json=True)

    digest = hashlib.sha256(template.encode()).hexdigest()
    assert digest in packed.err and "policy.yaml" in packed.err
    assert any(digest in remark for remark in packed.json["remarks"])
    inside = gguf(template="{% for m in messages %}{{ m['content'] }}{% endfor %}")
    assert station.run("pack", station.write_release(version="v1.1.0", model=inside), home=station.station, json=True).json["remarks"] == []


def test_a_file_that_is_not_there_is_named(station):
    path = station.write_release()
    (path.parent / "card.md").unlink()

    refused = station.run("pack", path, home=station.station, status=4)

    assert "card" in refused.err and "card.md" in refused.err


def test_a_contour_packs_nothing(station):
    refused = station.run("pack", station.write_release(), home=station.contour, status=4)

    assert "station" in refused.err


# ── what hangs on a release ──


def attachments(world, digest):
    """Predicate type → (envelope, statement), out of the store's own index."""
    found = {}
    for row in json.loads((world.station / "store" / "index.json").read_text())["manifests"]:
        if row.get("artifactType") != "application/vnd.in-toto+json":
            continue
        manifest = document(world, row["digest"])
        if manifest["subject"]["digest"] != digest:
            continue
        envelope = document(world, manifest["layers"][0]["digest"])
        statement = json.loads(base64.b64decode(envelope["payload"]))
        found[statement["predicateType"]] = (envelope, statement)
    return found


def test_provenance_inventory_and_release_statement_hang_on_the_index(station):
    digest = station.pack()

    hanging = attachments(station, digest)

    assert sorted(hanging) == ["https://cyclonedx.org/bom", "https://in-toto.io/attestation/release/v0.2", "https://slsa.dev/provenance/v1"]
    for _, statement in hanging.values():
        assert statement["subject"] == [{"name": "assistant:v1.0.0", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    inputs = hanging["https://slsa.dev/provenance/v1"][1]["predicate"]["buildDefinition"]["resolvedDependencies"]
    model = hashlib.sha256((station.sources / "assistant-v1.0.0" / "tiny.gguf").read_bytes()).hexdigest()
    assert {"name": "tiny.gguf", "digest": {"sha256": model}, "annotations": {"part": "model"}} in inputs
    assert {row["annotations"]["part"] for row in inputs} == {"model", "engine", "prompts", "suite", "card", "licence", "changes"}


def test_openssl_verifies_the_stations_signature(station, tmp_path):
    """DSSE by hand: the signature is over PAE(type, payload), by the key that the station shows."""
    digest = station.pack()
    for envelope, _ in attachments(station, digest).values():
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
        (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))

        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", station.station / "keys" / "site.pub", "-signature", tmp_path / "sig", tmp_path / "pae"],
            capture_output=True, text=True, check=False,
        )

        assert done.returncode == 0, done


def test_skopeo_reads_the_stations_store(station, tmp_path):
    """The index is read byte for byte, and every image below it is copied as it is. (Debian 12's skopeo writes an index of its own around them: it
    knows no artifactType there.)"""
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    digest = station.pack()
    source = f"oci:{station.station}/store:assistant:v1.0.0"

    raw = subprocess.run(["skopeo", "inspect", "--raw", source], capture_output=True, check=True, timeout=60).stdout
    as_it_is = ["--insecure-policy", "--all", "--dest-oci-accept-uncompressed-layers"]
    subprocess.run(["skopeo", "copy", *as_it_is, source, f"oci:{tmp_path}/copy:x"], check=True, timeout=60, capture_output=True)

    assert "sha256:" + hashlib.sha256(raw).hexdigest() == digest
    copied = {f"sha256:{p.name}" for p in (tmp_path / "copy" / "blobs" / "sha256").iterdir()}
    for row in json.loads(raw)["manifests"]:
        manifest = document(station, row["digest"])
        assert {row["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])} <= copied


# ── shipping ──


def test_volumes_are_no_larger_than_asked_and_named_by_station_number_and_place(station):
    station.pack()

    media = station.ship("assistant:v1.0.0", volume_size="200K")

    files = volumes(media)
    assert len(files) > 4
    assert all(p.stat().st_size <= 200 << 10 for p in files)
    assert [p.name for p in files] == [f"north-1-{i:03}.airlock" for i in range(1, len(files) + 1)]


def test_each_shipment_has_the_next_number_for_its_contour(station, tmp_path):
    station.pack()
    station.make_contour("branch", home=tmp_path / "branch")
    station.introduce(contour=tmp_path / "branch")

    numbers = [json.loads(next((station.ship("assistant:v1.0.0", to=to) / "targets").iterdir()).read_text())["sequence"] for to in ("demo", "demo", "branch", "demo")]

    assert numbers == [1, 2, 1, 3]


def test_two_releases_share_their_blobs(station):
    station.pack("assistant", "v1.0.0")
    station.pack("assistant", "v1.1.0", prompts="system: Other.\nwarmup:\n  - Hello\n")

    media = station.ship("assistant:v1.0.0", "assistant:v1.1.0")

    one = station.ship("assistant:v1.0.0")
    assert sum(p.stat().st_size for p in volumes(media)) < 1.2 * sum(p.stat().st_size for p in volumes(one))
    answer = station.receive(media).json
    assert [f"{r['name']}:{r['version']}" for r in answer["releases"]] == ["assistant:v1.0.0", "assistant:v1.1.0"]


def test_a_release_can_be_named_by_its_digest(station):
    digest = station.pack()

    media = station.ship(f"assistant@{digest}")

    assert station.receive(media).json["releases"][0]["digest"] == digest


def test_a_folder_that_is_not_empty_is_refused(station):
    station.pack()
    out = station.folder / "medium"
    out.mkdir()
    (out / "holiday.jpg").write_text("")

    refused = station.run("ship", "assistant:v1.0.0", "--to", "demo", "--out", out, home=station.station, status=5)

    assert "holiday.jpg" in refused.err and [p.name for p in out.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    "args, status, word",
    [
        (["assistant:v9.9.9", "--to", "demo"], 4, "assistant:v9.9.9"),
        (["assistant:v9.9.9", "--to", "demo"], 4, "There is assistant:v1.0.0"),
        (["assistant", "--to", "demo"], 2, "assistant"),
        (["assistant:v1.0.0", "--to", "nobody"], 4, "nobody"),
        (["assistant:v1.0.0"], 2, "--to"),
        (["assistant:v1.0.0", "--to", "demo", "--volume-size", "1K"], 2, "64K"),
        (["assistant:v1.0.0", "--to", "demo", "--volume-size", "huge"], 2, "huge"),
        (["assistant:v1.0.0", "assistant:v1.0.0", "--to", "demo"], 2, "twice"),
    ],
)
def test_an_order_that_cannot_be_carried_out_writes_nothing(station, args, status, word):
    station.pack()
    out = station.folder / "medium"

    refused = station.run("ship", *args, "--out", out, home=station.station, status=status)

    assert word in refused.err
    assert not out.exists() or not any(out.iterdir())


def test_a_blob_that_is_damaged_in_the_station_does_not_leave(station):
    digest = station.pack()
    model = part(station, document(station, digest), "model")["layers"][0]["digest"]
    path = station.station / "store" / "blobs" / "sha256" / model.removeprefix("sha256:")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(raw))
    out = station.folder / "medium"

    refused = station.run("ship", "assistant:v1.0.0", "--to", "demo", "--out", out, home=station.station, status=3)

    assert model in refused.err and "damaged" in refused.err
    assert not any(out.iterdir())


def test_media_that_were_interrupted_are_no_shipment_and_can_be_made_again(station, wait_for):
    station.pack(model=write_large_gguf(station.folder / "large.gguf", 200, repeat=True))
    out = station.folder / "medium"
    command = [str(station.path), "--home", str(station.station), "ship", "assistant:v1.0.0", "--to", "demo", "--out", str(out)]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: out.exists() and volumes(out), "the first volume", timeout=30)
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL

    refused = station.receive(out, status=3)
    assert "holds no shipment" in refused.err
    shutil.rmtree(out)
    station.run(*command[3:], home=station.station)

    assert station.receive(out).json["sequence"] == 2


# ── the station itself ──


def test_a_station_that_packed_and_shipped_has_nothing_that_fsck_remarks_on(station):
    station.pack()
    station.ship("assistant:v1.0.0")

    checked = station.fsck(home=station.station)

    assert "does not list" not in checked.out + checked.err and "all hold" in checked.out


def test_a_station_is_made_once(station):
    refused = station.run("station", "init", "--name", "north", home=station.station, status=5)

    assert "already" in refused.err


def test_a_station_shows_its_root_and_its_contours(station):
    shown = station.run("station", "show", home=station.station, json=True).json

    trusted = station.run("trust", "show", json=True).out
    assert shown["fingerprint"] in trusted
    assert [c["name"] for c in shown["contours"]] == ["demo"]


def test_private_keys_of_a_station_are_sealed(station):
    keys = sorted((station.station / "keys").glob("*.pem"))

    assert len([k for k in keys if k.name.startswith("tuf-")]) == 8
    for key in keys:
        assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
        assert key.stat().st_mode & 0o077 == 0


def test_what_is_no_identity_is_refused(station):
    stranger = station.folder / "stranger.json"
    stranger.write_text('{"schema": "airlock/identity/1", "name": "x", "name": "y"}')

    refused = station.run("station", "contour", "add", stranger, home=station.station, status=3)

    assert "stranger.json" in refused.err
