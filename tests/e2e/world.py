"""A small world for end-to-end tests: a contour, a station that it trusts, people with keys, and a tiny release with a stand-in engine
and a tiny model, all made through the real `airlock`.

    from world import world                      # the fixture; a test names it as an argument

    def test_something(world):
        world.found()                            # contour + station + trust
        world.pack("assistant", "v1.0.0")
        media = world.ship("assistant:v1.0.0")
        world.receive(media)                     # shipment:1 lies in quarantine
        world.people()                           # engineer, product-owner, security-officer, auditor, with keys
        world.to_prod("assistant:v1.0.0")        # the whole way

Steps can be taken one by one; each is one command that can be read in `world.log`."""

import json
import os
import shutil
import struct
from pathlib import Path

import pytest
from conftest import ROOT, run_program

PASSPHRASE = "a passphrase for tests only"

SYSTEM = "You answer in one short sentence."
PROMPTS = f"""system: {SYSTEM}
warmup:
  - Say hello.
parameters:
  temperature: 0
  seed: 1
  max_tokens: 32
"""

# The stand-in engine repeats what it was asked: a suite that it passes says what must come back.
SUITE = """cases:
  - name: repeats
    prompt: The capital of France is Paris.
    assert:
      - contains: Paris
  - name: is-quiet-about-london
    prompt: The capital of France is Paris.
    assert:
      - not-contains: London
  - name: digits
    prompt: Room 101
    assert:
      - regex: "[0-9]{3}"
  - name: is-quick
    prompt: Quick
    assert:
      - latency-ms: 20000
"""


def gguf(tensors=4, name="tiny", template=None):
    """A whole GGUF v3 file with a handful of tensors of 32 floats each."""

    def text(value):
        raw = value.encode()
        return struct.pack("<Q", len(raw)) + raw

    meta = [
        ("general.architecture", 8, text("llama")),
        ("general.name", 8, text(name)),
        ("general.alignment", 4, struct.pack("<I", 32)),
    ]
    if template is not None:
        meta.append(("tokenizer.chat_template", 8, text(template)))
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(meta))
    for key, kind, value in meta:
        head += text(key) + struct.pack("<I", kind) + value
    for i in range(tensors):
        head += text(f"blk.{i}.weight") + struct.pack("<IQIQ", 1, 32, 0, i * 128)
    head += b"\0" * (-len(head) % 32)
    return head + b"".join(struct.pack("<32f", *[float(i)] * 32) for i in range(tensors))


def write_large_gguf(path, mib, repeat=False):
    """The same with one tensor of `mib` MiB of random bytes, or of one MiB that repeats (which is quicker made)."""
    key, value, tensor = b"general.architecture", b"llama", b"blk.0.weight"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    head += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value
    head += struct.pack("<Q", len(tensor)) + tensor + struct.pack("<IQIQ", 1, mib << 20, 24, 0)
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        for _ in range(mib):
            file.write(block if repeat else os.urandom(1 << 20))
    return Path(path)


def mock_engine(airlock_path):
    """The stand-in engine that was built beside the program under test."""
    for folder in (Path(airlock_path).parent, ROOT / "build"):
        path = folder / "tests" / "mock" / "mock-engine"
        if path.is_file():
            return path
    return pytest.fail("tests/mock/mock-engine is not there; run script/build", pytrace=False)


class World:
    def __init__(self, airlock_path, folder):
        self.path = Path(airlock_path)
        self.folder = Path(folder)
        self.contour = self.folder / "contour"
        self.station = self.folder / "station"
        self.sources = self.folder / "sources"
        self.log = []
        self.media_count = 0
        self.keys = {}

    def run(self, *args, home=None, **options):
        """One command of airlock, in the contour unless `home` says otherwise."""
        result = run_program(self.path, args, home=home or self.contour, **options)
        self.log.append(result)
        return result

    # ── who trusts whom ──

    def make_contour(self, name="demo", home=None):
        self.run("init", "--name", name, home=home or self.contour)

    def make_station(self, name="north", home=None):
        """Returns the fingerprint of its root."""
        return self.run("station", "init", "--name", name, home=home or self.station, json=True).json["fingerprint"]

    def introduce(self, contour=None, station=None, fingerprint=None):
        """The station learns the contour's identity, the contour the station's root."""
        contour, station = contour or self.contour, station or self.station
        identity = self.folder / f"{contour.name}.identity.json"
        self.run("identity", "--out", identity, home=contour)
        self.run("station", "contour", "add", identity, home=station)
        if fingerprint:
            self.run("trust", "root", "add", station / "root.json", "--fingerprint", fingerprint, home=contour)

    def found(self):
        self.make_contour()
        self.introduce(fingerprint=self.make_station())
        return self

    # ── packing ──

    def write_release(self, name="assistant", version="v1.0.0", *, prompts=PROMPTS, suite=SUITE, model=None, engine=None, files=None, command=None, beside=None, repository=None):
        """Writes sources/NAME-VERSION/release.yaml and what it names; returns its path. beside: {path in the model's repository: file}."""
        folder = self.sources / f"{name}-{version}"
        folder.mkdir(parents=True, exist_ok=True)
        model_file = folder / "tiny.gguf"
        if isinstance(model, (str, Path)):
            model_file.unlink(missing_ok=True)
            os.link(model, model_file)
        else:
            model_file.write_bytes(gguf() if model is None else model)
        program = Path(engine or mock_engine(self.path))
        (folder / "prompts.yaml").write_text(prompts)
        (folder / "suite.yaml").write_text(suite)
        (folder / "card.md").write_text("# Tiny\n\nA model for tests. It knows nothing.\n")
        (folder / "LICENSE.txt").write_text("For tests: do what you like.\n")
        (folder / "CHANGES.md").write_text(f"# {version}\n\n- made for a test\n")
        command = command or [f"/engine/{program.name}", "--host", "{socket}", "--model", "{model}"]
        extra = "".join(f"    {path}: {file}\n" for path, file in (files or {}).items())
        (folder / "release.yaml").write_text(
            f"name: {name}\n"
            f"version: {version}\n"
            "owner: tests\n"
            "description: A tiny release for tests.\n"
            "model:\n"
            "  file: tiny.gguf\n"
            "  name: tiny\n"
            "  licence: Apache-2.0\n"
            + (f"  repository: {repository}\n" if repository else "")
            + ("  files:\n" + "".join(f"    {path}: {file}\n" for path, file in beside.items()) if beside else "")
            + "engine:\n"
            f"  program: {program}\n" + (f"  files:\n{extra}" if extra else "") + f"  command: {json.dumps(command)}\n"
            "prompts: prompts.yaml\n"
            "suite: suite.yaml\n"
            "card: card.md\n"
            "licence: LICENSE.txt\n"
            "changes: CHANGES.md\n"
        )
        return folder / "release.yaml"

    def pack(self, name="assistant", version="v1.0.0", station=None, unchecked=False, **changes):
        """Returns the release's digest."""
        options = ["--unchecked"] if unchecked else []
        return self.run("pack", self.write_release(name, version, **changes), *options, home=station or self.station, json=True).json["digest"]

    # ── the way across ──

    def ship(self, *releases, to="demo", volume_size=None, valid=None, station=None, out=None):
        """Returns the folder that holds the media."""
        self.media_count += 1
        out = out or self.folder / f"media-{self.media_count}"
        options = [*(["--volume-size", volume_size] if volume_size else []), *(["--valid", valid] if valid else [])]
        self.run("ship", *releases, "--to", to, "--out", out, *options, home=station or self.station)
        return Path(out)

    def receive(self, media, status=0, contour=None, **options):
        return self.run("receive", media, home=contour or self.contour, status=status, json=True, **options)

    def arrive(self, name="assistant", version="v1.0.0", **changes):
        """pack, ship, receive; returns what receive said."""
        self.pack(name, version, **changes)
        return self.receive(self.ship(f"{name}:{version}")).json

    # ── people ──

    def people(self, **roles):
        """People make their own keys, outside the contour; the contour gets the public halves. Default: one of each that the way needs."""
        roles = roles or {"ines": "engineer", "pavel": "product-owner", "sofia": "security-officer", "aude": "auditor"}
        desk = self.folder / "desk"
        desk.mkdir(exist_ok=True)
        secret = desk / "passphrase"
        secret.write_text(PASSPHRASE + "\n")
        for person, role in roles.items():
            key = desk / f"{person}.pem"
            if person not in self.keys:
                self.run("person", "new", person, "--out", key, "--passphrase-file", secret)
                self.keys[person] = key
            self.run("person", "add", person, "--role", role, "--key", public_of(key))
        return self

    def sign(self, command, *args, person, **options):
        """A command that a person signs: request, approve."""
        secret = self.folder / "desk" / "passphrase"
        return self.run(command, *args, "--key", self.keys[person], "--passphrase-file", secret, **options)

    # ── the way inside ──

    def admit(self, ref):
        """From quarantine into sandbox."""
        self.run("scan", ref)
        self.run("judge", ref, "--gate", "intake")
        self.run("promote", ref, "sandbox")

    def to_test(self, ref):
        self.admit(ref)
        self.run("promote", ref, "test")

    def ready_for_prod(self, ref, engineer="ines", approvers=("pavel", "sofia")):
        """All but the promotion itself."""
        self.to_test(ref)
        self.run("test", ref)
        self.run("silence", ref)
        self.sign("request", ref, "prod", person=engineer)
        for person in approvers:
            self.sign("approve", ref, "--for", "prod", person=person)
        self.run("judge", ref, "--gate", "trust")

    def to_prod(self, ref, **people):
        self.ready_for_prod(ref, **people)
        self.run("promote", ref, "prod")

    # ── looking ──

    def fsck(self, home=None, **options):
        return self.run("fsck", home=home or self.contour, **options)

    def quarantine(self, contour=None):
        """The folders that lie in quarantine, hidden files left out."""
        folder = (contour or self.contour) / "quarantine"
        return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))

    def state(self, contour=None):
        """What a refused command must leave as it was: shipments in quarantine, and the ledger's checkpoint."""
        contour = contour or self.contour
        checkpoint = contour / "ledger" / "checkpoint"
        return self.quarantine(contour), checkpoint.read_bytes() if checkpoint.exists() else b""


def public_of(key):
    """Where `person new --out FILE` puts the public half."""
    for candidate in (Path(f"{key}.pub"), key.with_suffix(".pub"), key.with_suffix(".pub.pem")):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"no public key beside {key}: {sorted(p.name for p in key.parent.iterdir())}")


def volumes(media):
    return sorted(p for p in Path(media).iterdir() if p.is_file())


def copy_media(media, to):
    """A second medium with the same shipment, to be damaged."""
    shutil.copytree(media, to)
    return Path(to)


def flip(path, at, mask=0x01):
    """Flips one bit of a file; a negative offset counts from its end."""
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        position = file.tell()
        byte = file.read(1)
        file.seek(position)
        file.write(bytes([byte[0] ^ mask]))


@pytest.fixture
def world(airlock_path, tmp_path):
    return World(airlock_path, tmp_path)
