"""Stock OCI clients push and pull in a network namespace in which a contour serves and nothing else exists: skopeo and podman of Debian, oras
and crane of today. What they put in comes back with its digests, artifacts of other tools (ModelPack, KitOps) unchanged."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from clients import Inside
from peers import peers  # noqa: F401  (a fixture)
from pushing import EMPTY, INDEX, MANIFEST, Repository, descriptor, digest_of
from served import needs
from test_push import empty  # noqa: F401  (a fixture)

MODEL = "application/vnd.cncf.model"
KIT = "application/vnd.kitops.modelkit"


@pytest.fixture(scope="module")
def place(empty, peers, tmp_path_factory):  # noqa: F811
    here = Inside([peers])
    here.registry = here.serve(empty, tmp_path_factory.mktemp("clients"), **{"requests-per-minute": 100000})
    here.token = here.registry.token("publisher", "sandbox", person="robot")
    here.host = f"127.0.0.1:{here.registry.port}"
    yield here
    here.close()


def layer(files, compress=True):
    """A layer of a container image."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), mtime=0) if compress else raw.getvalue()


class Layout:
    """An OCI image layout with one thing in it, under the name `tag`."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries = []

    def add(self, data, media_type, **more):
        """Returns the descriptor."""
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        (self.folder / "blobs/sha256" / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return descriptor(data, media_type, **more)

    def manifest(self, config, layers, tag=None, **more):
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **more}
        found = self.add(document, MANIFEST)
        if tag:
            found["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self.entries.append(found)
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}))
        return found["digest"]

    def bytes_of(self, digest):
        return (self.folder / "blobs/sha256" / digest.split(":")[1]).read_bytes()

    def everything(self):
        return {p.name: p.read_bytes() for p in (self.folder / "blobs/sha256").iterdir()}


def image(folder, tag="v1.0.0"):
    """A container image that any client takes for one."""
    layout = Layout(folder)
    files = {"etc/motd": os.urandom(5000)}
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer(files, compress=False))]},
        "history": [{"created_by": "a test"}],
    }
    parts = [layout.add(layer(files), "application/vnd.oci.image.layer.v1.tar+gzip")]
    layout.digest = layout.manifest(layout.add(config, "application/vnd.oci.image.config.v1+json"), parts, tag)
    return layout


def modelpack(folder, tag="v1.0.0"):
    """As CNCF ModelPack has it (model-spec): artifactType, a model configuration, raw and packed layers."""
    layout = Layout(folder)
    weights = os.urandom(100_000)
    config = {
        "descriptor": {"name": "tiny", "createdAt": "2026-01-01T00:00:00Z"},
        "config": {"format": "safetensors", "paramSize": "1m"},
        "modelfs": {"type": "layers", "diffIds": [digest_of(weights)]},
    }
    layers = [
        layout.add(weights, f"{MODEL}.weight.v1.raw", annotations={"org.cncf.model.filepath": "model.safetensors"}),
        layout.add(layer({"tokenizer.json": b"{}"}, compress=False), f"{MODEL}.weight.config.v1.tar", annotations={"org.cncf.model.filepath": "tokenizer.json"}),
        layout.add(b"# Tiny\n", f"{MODEL}.doc.v1.raw", annotations={"org.cncf.model.filepath": "README.md"}),
    ]
    layout.digest = layout.manifest(layout.add(config, f"{MODEL}.config.v1+json"), layers, tag, artifactType=f"{MODEL}.manifest.v1+json")
    return layout


def kit(folder, tag="v1.0.0"):
    """As KitOps packs one: no artifactType, a Kitfile as the configuration, layers by their part."""
    layout = Layout(folder)
    kitfile = {"manifestVersion": "1.0.0", "package": {"name": "tiny"}, "model": {"name": "tiny", "path": "./model.gguf"}, "code": [{"path": "./src"}]}
    layers = [
        layout.add(layer({"model.gguf": os.urandom(20_000)}), f"{KIT}.model.v1.tar+gzip"),
        layout.add(layer({"src/run.py": b"print(1)\n"}), f"{KIT}.code.v1.tar+gzip"),
    ]
    layout.digest = layout.manifest(layout.add(kitfile, f"{KIT}.config.v1+json"), layers, tag)
    return layout


def no_signatures(folder):
    """Where skopeo and podman look for signatures that no registry gave: in a folder that is not there, and not in one of this machine's root."""
    conf = folder / "home/.config/containers/registries.d"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "default.yaml").write_text(f"default-docker:\n  sigstore: file://{folder}/signatures\n")


def skopeo(place, folder, *words, **options):
    no_signatures(folder)
    return place.run(["skopeo", "--insecure-policy", *map(str, words)], folder, **options).stdout


def oras(place, folder, command, *words, **options):
    return place.run(["oras", *command.split(), "--plain-http", "--username", "x", "--password", place.token, *map(str, words)], folder, **options).stdout


def crane_config(place, folder):
    """crane takes its token from a configuration file, and speaks plain HTTP to loopback by itself."""
    config = folder / "docker"
    config.mkdir(exist_ok=True)
    place.run(["crane", "auth", "login", place.host, "-u", "x", "-p", place.token], folder, env={"DOCKER_CONFIG": str(config)})
    return {"DOCKER_CONFIG": str(config)}


@pytest.fixture
def short():
    """podman takes no long path for what it runs with."""
    folder = Path(tempfile.mkdtemp(prefix="airlock-podman-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


# ── each client, there and back ──


@needs("skopeo")
def test_skopeo_copies_in_and_out(place, tmp_path):
    layout = image(tmp_path / "in")
    name = f"docker://{place.host}/sandbox/by-skopeo"
    creds = f"x:{place.token}"
    skopeo(place, tmp_path, "copy", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds", creds, f"oci:{layout.folder}:v1.0.0", f"{name}:v1.0.0")
    skopeo(place, tmp_path, "copy", "--preserve-digests", "--src-tls-verify=false", "--src-creds", creds, f"{name}@{layout.digest}", f"oci:{tmp_path}/out:v1.0.0")
    assert json.loads((tmp_path / "out/index.json").read_text())["manifests"][0]["digest"] == layout.digest
    assert {p.name: p.read_bytes() for p in (tmp_path / "out/blobs/sha256").iterdir()} == layout.everything()
    tags = json.loads(skopeo(place, tmp_path, "list-tags", "--tls-verify=false", "--creds", creds, name))
    assert tags["Tags"] == ["v1.0.0"]
    skopeo(place, tmp_path, "delete", "--tls-verify=false", "--creds", creds, f"{name}:v1.0.0")
    assert place.registry.get("/v2/sandbox/by-skopeo/manifests/v1.0.0", place.token).status == 404


@needs("podman")
def test_podman_pushes_and_pulls(place, tmp_path, short):
    layout = image(tmp_path / "in")
    reference = f"{place.host}/sandbox/by-podman:v1.0.0"
    base = ["podman", "--root", str(short / "root"), "--runroot", str(short / "runroot"), "--tmpdir", str(short / "tmp")]
    base += ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
    (short / "run").mkdir(mode=0o700)
    (short / "containers.conf").write_text('[engine]\nlock_type = "file"\n')  # what lies in shared memory may be another user's
    env = {"XDG_RUNTIME_DIR": str(short / "run"), "CONTAINERS_CONF": str(short / "containers.conf")}

    no_signatures(tmp_path)

    def podman(*words):
        return place.run([*base, *words], tmp_path, env=env).stdout

    podman("pull", "--quiet", f"oci:{layout.folder}:v1.0.0")
    (found,) = json.loads(podman("images", "--format", "json"))
    podman("tag", found["Id"], reference)
    access = ["--tls-verify=false", "--creds", f"x:{place.token}"]
    podman("push", "--quiet", *access, "--digestfile", str(tmp_path / "digest"), reference)
    digest = (tmp_path / "digest").read_text().strip()
    assert place.registry.get("/v2/sandbox/by-podman/manifests/v1.0.0", place.token).headers["Docker-Content-Digest"] == digest
    podman("rmi", "--force", found["Id"])
    assert json.loads(podman("images", "--format", "json")) == []
    podman("pull", "--quiet", *access, f"{place.host}/sandbox/by-podman@{digest}")
    (back,) = json.loads(podman("images", "--digests", "--format", "json"))
    assert back["Id"] == found["Id"] and back["Digest"] == digest


def test_oras_pushes_files_and_hangs_things_on_them(place, tmp_path):
    (tmp_path / "weights.bin").write_bytes(os.urandom(50_000))
    (tmp_path / "report.json").write_text('{"clean": true}')
    reference = f"{place.host}/sandbox/by-oras:v1.0.0"
    oras(place, tmp_path, "push", "--artifact-type", "application/x.weights", reference, "weights.bin:application/octet-stream")
    oras(place, tmp_path, "attach", "--artifact-type", "application/x.report+json", reference, "report.json:application/json")
    oras(place, tmp_path, "attach", "--artifact-type", "application/x.other", reference, "report.json:application/json")
    found = json.loads(oras(place, tmp_path, "discover", "--format", "json", "--artifact-type", "application/x.report+json", reference))
    (report,) = found["referrers"]
    assert report["artifactType"] == "application/x.report+json"
    (tmp_path / "out").mkdir()
    oras(place, tmp_path, "pull", "--output", tmp_path / "out", reference)
    assert (tmp_path / "out/weights.bin").read_bytes() == (tmp_path / "weights.bin").read_bytes()
    oras(place, tmp_path, "pull", "--output", tmp_path / "out", f"{place.host}/sandbox/by-oras@{report['digest']}")
    assert (tmp_path / "out/report.json").read_text() == '{"clean": true}'
    oras(place, tmp_path, "tag", reference, "v1.0.1")
    assert oras(place, tmp_path, "repo tags", f"{place.host}/sandbox/by-oras").split() == ["v1.0.0", "v1.0.1"]
    data = os.urandom(3000)
    (tmp_path / "blob").write_bytes(data)
    oras(place, tmp_path, "blob push", f"{place.host}/sandbox/by-oras", tmp_path / "blob")
    oras(place, tmp_path, "blob fetch", "--output", tmp_path / "blob-back", f"{place.host}/sandbox/by-oras@{digest_of(data)}")
    assert (tmp_path / "blob-back").read_bytes() == data


def test_crane_pushes_copies_and_pulls(place, tmp_path):
    layout = image(tmp_path / "in")
    env = crane_config(place, tmp_path)

    def crane(*words):
        return place.run(["crane", *map(str, words)], tmp_path, env=env).stdout.strip()

    name = f"{place.host}/sandbox/by-crane"
    assert crane("push", layout.folder, f"{name}:v1.0.0").endswith(layout.digest)
    assert crane("digest", f"{name}:v1.0.0") == layout.digest
    crane("copy", f"{name}:v1.0.0", f"{name}/copied:v1.0.0")  # mounts its blobs
    assert crane("digest", f"{name}/copied:v1.0.0") == layout.digest
    mounted = place.registry.record(lambda r: r.get("action") == "mount" and r["status"] == 201, "of a mount")
    assert mounted["repository"] == "sandbox/by-crane/copied"
    crane("pull", "--format=oci", f"{name}/copied:v1.0.0", tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out/blobs/sha256").iterdir()} == layout.everything()
    crane("tag", f"{name}:v1.0.0", "v1.0.1")
    assert crane("ls", name).split() == ["v1.0.0", "v1.0.1"]


# ── what other tools make ──


@pytest.mark.parametrize("make", [modelpack, kit], ids=["ModelPack", "KitOps"])
def test_an_artifact_of_another_tool_passes_unchanged(place, tmp_path, make):
    layout = make(tmp_path / "in")
    reference = f"{place.host}/sandbox/models/{make.__name__}"
    place.run(["oras", "cp", "--from-oci-layout", f"{layout.folder}:v1.0.0", "--to-plain-http", "--to-username", "x", "--to-password", place.token, f"{reference}:v1.0.0"], tmp_path)
    place.run(["oras", "cp", "--from-plain-http", "--from-username", "x", "--from-password", place.token, f"{reference}:v1.0.0", "--to-oci-layout", f"{tmp_path}/out:v1.0.0"], tmp_path)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out/blobs/sha256").iterdir()} == layout.everything()
    document = place.registry.get(f"/v2/sandbox/models/{make.__name__}/manifests/{layout.digest}", place.token)
    assert document.body == layout.bytes_of(layout.digest) and document.headers["Content-Type"] == MANIFEST


def test_an_index_of_models_comes_after_its_parts_and_names_them(place, tmp_path):
    repository = Repository(place.registry, place.token, "sandbox/models/family")
    one, two = repository.image(b"small"), repository.image(b"large")
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "artifactType": f"{MODEL}.manifest.v1+json", "manifests": [descriptor(one, MANIFEST), descriptor(two, MANIFEST)]}).encode()
    early = repository.put_manifest("v1.0.0", index, INDEX)
    assert early.status == 400 and repository.code(early) == "MANIFEST_BLOB_UNKNOWN"
    for part in (one, two):
        assert repository.put_manifest(digest_of(part), part).status == 201
    assert repository.put_manifest("v1.0.0", index, INDEX).status == 201
    skopeo(place, tmp_path, "copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--src-creds", f"x:{place.token}", f"docker://{place.host}/sandbox/models/family:v1.0.0", f"dir:{tmp_path}/out")
    assert (tmp_path / "out/manifest.json").read_bytes() == index


def test_the_namespace_has_nothing_else(place, tmp_path):
    reach = place.run(["skopeo", "inspect", "docker://registry.example/library/x"], tmp_path, status=None)
    assert reach.returncode != 0 and EMPTY not in reach.stdout
    assert subprocess.run(place.space.command(["cat", "/proc/net/route"]), capture_output=True, text=True, check=True).stdout.count("\n") <= 1
