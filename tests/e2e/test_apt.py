"""The real apt against an environment's archive, alone in a network namespace with it: what stands there is installed, nothing else exists, and
what is not the contour's word is refused."""

import concurrent.futures
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from clients import Inside
from conftest import ROOT, Server, wait_for
from depot import depot  # noqa: F401  (fixture)
from served import needs
from upstream import Upstream
from world import World

ARCHIVE = "/apt/sandbox"
DISTS = f"{ARCHIVE}/dists/airlock"
pytestmark = [needs("apt-get"), needs("dpkg")]


@pytest.fixture(scope="module")
def space():
    place = Inside([])
    yield place
    place.close()


@pytest.fixture(scope="module")
def served(space, depot, tmp_path_factory):  # noqa: F811
    return space.serve(depot, tmp_path_factory.mktemp("apt"), **{"requests-per-minute": 100000})


@pytest.fixture
def live(space, depot, tmp_path):  # noqa: F811
    """A serve of the test's own, whose pointers it may move."""
    return space.serve(depot, tmp_path)


class Apt:
    """An apt whose state, cache, configuration and root lie in a folder, for one source."""

    def __init__(self, space, folder, port, token, key, path=ARCHIVE):  # noqa: F811
        self.space, self.folder = space, Path(folder)
        self.root = self.folder / "root"
        for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "log", "root/var/lib/dpkg/updates", "root/var/lib/dpkg/info"):
            (self.folder / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.folder / "key.asc").write_text(key)
        url = f"http://127.0.0.1:{port}{path}"
        (self.folder / "etc/airlock.sources").write_text(
            f"Types: deb\nURIs: {url}\nSuites: airlock\nComponents: main\nArchitectures: amd64\nSigned-By: {self.folder}/key.asc\n"
        )
        (self.folder / "etc/auth.conf").write_text(f"machine http://127.0.0.1:{port}/ login airlock password {token}\n" if token else "")
        dpkg = [f"--root={self.root}", "--force-not-root", f"--log={self.folder}/log/dpkg.log"]
        settings = {
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "0",
            "Dir::State": f"{self.folder}/state",
            "Dir::State::status": f"{self.root}/var/lib/dpkg/status",
            "Dir::Cache": f"{self.folder}/cache",
            "Dir::Log": f"{self.folder}/log",
            "Dir::Log::Terminal": "",  # apt gives it to root and adm, and warns when it may not
            "Dir::Etc": f"{self.folder}/etc",
            "Dir::Etc::sourcelist": "airlock.sources",
            "Dir::Etc::sourceparts": "-",
        }
        text = "".join(f'{name} "{value}";\n' for name, value in settings.items()) + "DPkg::Options { " + " ".join(f'"{one}";' for one in dpkg) + " };\n"
        (self.folder / "apt.conf").write_text(text)

    def run(self, *words, status=0, before=()):
        done = self.space.run([*before, *words], self.folder, status=status, env={"APT_CONFIG": str(self.folder / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"})
        assert status != 0 or not re.search(r"^(W|E):", done.stderr, re.M), done.said
        return done

    def update(self, **more):
        """apt-get update that fails when any index could not be had."""
        return self.run("apt-get", "update", "-q", "--error-on=any", **more)

    def version(self, package):
        """The version that an installation would take; None: there is no such package."""
        found = re.search(r"Candidate: (\S+)", self.run("apt-cache", "policy", package).stdout)
        return found and found[1]

    def cached(self):
        return {path.name: path.read_bytes() for path in (self.folder / "cache/archives").glob("*.deb")}


def key_of(served):
    return served.get(f"{ARCHIVE}/key.asc", served.operator).text


@pytest.fixture
def apt(space, served, tmp_path):
    return Apt(space, tmp_path, served.port, served.token("consumer", "sandbox", person="anna"), key_of(served))


def sums(release):
    """{path: digest} of a Release file."""
    return {line.split()[2]: line.split()[0] for line in release.split("SHA256:\n")[1].splitlines() if line.startswith(" ")}


# ── what stands is installed ──


def test_apt_installs_a_package_and_what_it_needs(apt):
    apt.update()
    apt.run("apt-get", "install", "-y", "-q", "hello")
    assert (apt.root / "usr/share/hello-data/text").read_text() == "hello-data 1.0\n"
    assert (apt.root / "usr/bin/hello").stat().st_mode & 0o777 == 0o755
    installed = apt.run("dpkg-query", f"--admindir={apt.root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n").stdout
    assert installed == "hello 1:1.0-1 installed\nhello-data 1.0 installed\n"


def test_apt_downloads_the_bytes_that_were_packed(apt, depot):
    apt.update()
    apt.run("apt-get", "install", "--download-only", "-y", "-q", "hello=1:1.0-1")
    cached = apt.cached()
    assert sorted(cached) == ["hello-data_1.0_all.deb", "hello_1%3a1.0-1_amd64.deb"]
    assert cached["hello_1%3a1.0-1_amd64.deb"] == (depot.debs / "hello_1.0-1_amd64.deb").read_bytes()
    shown = apt.run("apt-cache", "show", "hello").stdout
    assert "Depends: hello-data (>= 1.0)\n" in shown and "Description-" in shown or "Description: made for a test\n" in shown


def test_apt_takes_the_index_by_hash_and_asks_for_nothing_else(apt, served):
    token = served.token("consumer", "sandbox", person="by-hash")
    (apt.folder / "etc/auth.conf").write_text(f"machine http://127.0.0.1:{served.port}/ login airlock password {token}\n")
    apt.update()
    served.record(lambda r: r["person"] == "by-hash" and "by-hash" in r["what"], "of the index")
    asked = [record["what"] for record in served.records() if record["person"] == "by-hash"]
    assert asked[0] == "dists/airlock/InRelease"
    assert all(re.fullmatch(r"dists/airlock/main/binary-amd64/by-hash/SHA256/[0-9a-f]{64}", one) for one in asked[1:]), asked


def test_an_update_without_change_fetches_the_release_file_alone(apt):
    apt.update()
    again = apt.update()
    assert re.findall(r"^Get:\d+ .*", again.stdout, re.M) == re.findall(r"^Get:1 .* InRelease .*", again.stdout, re.M), again.stdout


def test_what_does_not_stand_cannot_be_installed(apt):
    apt.update()
    refused = apt.run("apt-get", "install", "-y", "-q", "bash", status=100)
    assert "Unable to locate package bash" in refused.said
    assert "Version '1:2.0-1' for 'hello' was not found" in apt.run("apt-get", "install", "-y", "-q", "hello=1:2.0-1", status=100).said


def test_each_package_is_recorded_with_who_what_and_how_much(apt, served, depot):
    apt.update()
    apt.run("apt-get", "download", "hello-data")
    record = served.record(lambda r: r["person"] == "anna" and r["what"].startswith("pool/"), "of the package")
    data = (depot.debs / "hello-data_1.0_all.deb").read_bytes()
    assert record["what"] == "pool/main/hello-data/hello-data_1.0_all.deb" and record["repository"] == "apt"
    assert (record["digest"], record["bytes"], record["status"]) == (f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), 200)


# ── moving pointers ──


def test_promotion_and_rollback_change_what_apt_sees(space, live, tmp_path):
    apt = Apt(space, tmp_path / "apt", live.port, live.token("consumer", "sandbox"), key_of(live))
    apt.update()
    assert (apt.version("hello"), apt.version("hello-data")) == ("1:1.0-1", "1.0")
    before = sums(live.get(f"{DISTS}/Release", live.operator).text)

    live.world.run("promote", "app:v2.0.0", "sandbox")
    apt.update()
    assert (apt.version("hello"), apt.version("hello-data")) == ("1:2.0-1", None)
    assert live.get(f"{ARCHIVE}/pool/main/hello-data/hello-data_1.0_all.deb", live.operator).status == 404
    # who began before the move, ends: the indexes of then are there by their hashes
    for path, digest in before.items():
        found = live.get(f"{DISTS}/{path.rsplit('/', 1)[0]}/by-hash/SHA256/{digest}", live.operator)
        assert found.status == 200 and hashlib.sha256(found.body).hexdigest() == digest

    live.world.run("rollback", "sandbox/app")
    apt.update()
    assert (apt.version("hello"), apt.version("hello-data")) == ("1:1.0-1", "1.0")
    after = sums(live.get(f"{DISTS}/Release", live.operator).text)
    assert after == before  # the same packages, the same bytes


def ahead(world, environment="sandbox"):
    """What a promotion had made of the index, before anybody asked: [(HEX, BYTES, PATH, file)]."""
    lists = list((world.contour / "run/apt" / environment).glob("*/list"))
    return [(*line.split(" ", 2), one.parent / str(number)) for one in lists for number, line in enumerate(one.read_text().splitlines())]


def test_a_promotion_has_the_index_made_before_the_pointer_moves(live):
    assert ahead(live.world) == []
    key_of(live)  # somebody uses apt here
    live.world.run("promote", "app:v2.0.0", "sandbox")
    made = {path: file.read_bytes() for _, _, path, file in ahead(live.world)}
    assert {"InRelease", "Release.gpg", "main/binary-amd64/Packages.xz"} <= made.keys()
    for path, data in made.items():
        assert live.get(f"{DISTS}/{path}", live.operator).body == data, path
    assert "Version: 1:2.0-1\n" in made["main/binary-amd64/Packages"].decode()

    before = made["InRelease"].decode()
    live.world.run("rollback", "sandbox/app")  # waits for no index
    after = live.get(f"{DISTS}/InRelease", live.operator).text
    assert sums(after) != sums(before)
    assert "Version: 1:1.0-1\n" in live.get(f"{DISTS}/main/binary-amd64/Packages", live.operator).text


def test_an_index_made_ahead_that_was_damaged_is_made_anew(live):
    key_of(live)
    live.world.run("promote", "app:v2.0.0", "sandbox")
    ((hexadecimal, size, _, file),) = [one for one in ahead(live.world) if one[2] == "main/binary-amd64/Packages"]
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"1:2.0-1", b"1:6.6-6"))
    given = live.get(f"{DISTS}/main/binary-amd64/Packages", live.operator).body
    assert (hashlib.sha256(given).hexdigest(), len(given)) == (hexadecimal, int(size))


def test_where_nobody_uses_apt_a_promotion_makes_no_index(live):
    live.world.run("promote", "app:v2.0.0", "sandbox")
    assert not (live.world.contour / "run/apt").exists()


def test_a_promotion_that_is_refused_leaves_no_index(live):
    key_of(live)
    refused = live.world.run("promote", "app:v2.0.0", "prod", status=5)
    assert "may not stand in prod" in refused.err and ahead(live.world, "prod") == []
    assert list((live.world.contour / "run/apt/prod").iterdir()) == []


def test_an_environment_sees_only_its_own(space, live, tmp_path):
    token, key = live.token("engineer", "*", person="ines"), key_of(live)
    apt = Apt(space, tmp_path / "test", live.port, token, key, path="/apt/test")
    refused = apt.update(status=100)
    assert "404" in refused.said

    live.world.run("promote", "app:v2.0.0", "test")
    apt.update()
    assert apt.version("hello") == "1:2.0-1"
    assert live.get("/apt/test/pool/main/hello/hello_1.0-1_amd64.deb", token).status == 404


def test_the_same_view_has_the_same_signed_bytes_after_a_restart(space, depot, tmp_path):
    first = space.serve(depot, tmp_path)
    before = [first.get(f"{DISTS}/{name}", first.operator).body for name in ("InRelease", "Release.gpg", "main/binary-amd64/Packages.xz")]
    first.stop()
    (tmp_path / "again").mkdir()
    second = space.serve(type("Made", (), {"path": depot.path, "contour": first.home}), tmp_path / "again")
    assert [second.get(f"{DISTS}/{name}", second.operator).body for name in ("InRelease", "Release.gpg", "main/binary-amd64/Packages.xz")] == before


def test_a_collected_deb_comes_through_with_what_its_upstream_had_signed(space, airlock_path, tmp_path):
    world = World(airlock_path, tmp_path)
    world.found().people()
    with Upstream(tmp_path / "upstream") as up:
        path = up.deb("hello", "1:2.10-3")
        keyring = up.publish()
        world.sources.mkdir()
        (world.sources / "packages.txt").write_text("hello=1:2.10-3\n")
        (world.sources / "collect.yaml").write_text(
            f"name: debs\nupstreams:\n  debian: {{archive: {up.url}/debian, suite: stable, components: [main], architecture: amd64, keyring: {keyring}}}\n"
            "sets:\n  - {group: prod, apt: packages.txt}\n"
        )
        world.run("collect", world.sources / "collect.yaml", home=world.station)
    release = world.write_release()
    release.write_text(release.read_text() + "packages:\n  collections: [debs]\n")
    world.run("pack", release, home=world.station)
    world.receive(world.ship("assistant:v1.0.0"))
    world.admit("assistant:v1.0.0")
    (tmp_path / "serve").mkdir()
    live = space.serve(world, tmp_path / "serve")

    apt = Apt(space, tmp_path / "apt", live.port, live.token("consumer", "sandbox"), key_of(live))
    apt.update()
    apt.run("apt-get", "install", "--download-only", "-y", "-q", "hello")
    assert list(apt.cached().values()) == [path.read_bytes()]
    (evidence,) = live.get("/files/sandbox/", live.operator, headers={"Accept": "application/json"}).json["evidence"]
    assert (evidence["kind"], evidence["digest"]) == ("apt-inrelease", f"sha256:{hashlib.sha256(up.inrelease).hexdigest()}")
    kept = live.get(f"{ARCHIVE}/evidence/{evidence['digest'].removeprefix('sha256:')}", live.operator)
    assert kept.status == 200 and kept.body == up.inrelease


def test_the_key_comes_back_with_a_backup(space, depot, tmp_path):
    live = space.serve(depot, tmp_path)
    signed = live.get(f"{DISTS}/InRelease", live.operator).body
    live.world.run("backup", tmp_path / "backup")
    live.stop()
    live.world.run("restore", tmp_path / "backup", home=tmp_path / "restored")
    (tmp_path / "again").mkdir()
    again = space.serve(type("Made", (), {"path": depot.path, "contour": tmp_path / "restored"}), tmp_path / "again")
    assert again.get(f"{DISTS}/InRelease", again.operator).body == signed


# ── what apt refuses ──


class Copy:
    """The archive as files, served by a server that anybody could run, to be tampered with."""

    def __init__(self, space, served, folder):
        self.folder = Path(folder)
        release = served.get(f"{DISTS}/Release", served.operator).text
        for path in ["InRelease", "Release", "Release.gpg", *sums(release)]:
            file = self.folder / f"dists/airlock/{path}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(served.get(f"{DISTS}/{path}", served.operator).body)
        for path, digest in sums(release).items():
            file = self.folder / f"dists/airlock/{path}"
            by_hash = file.parent / "by-hash/SHA256" / digest
            by_hash.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, by_hash)
        code = (
            "import functools, http.server as h\n"
            f"s = h.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(h.SimpleHTTPRequestHandler, directory={str(self.folder)!r}))\n"
            "print(s.server_port, flush=True)\ns.serve_forever()\n"
        )
        self.server = Server(space.space.command([sys.executable, "-c", code]), self.folder / "log", None)
        self.port = int(wait_for(lambda: re.match(r"(\d+)\n", self.server.output), "the copy's server")[1])


@pytest.fixture
def copy(space, served, tmp_path):
    made = Copy(space, served, tmp_path / "copy")
    yield made
    made.server.kill()


def test_a_copy_that_nobody_touched_is_taken(space, served, copy, tmp_path):
    """So that the refusals below are for what was changed, and not for the copying."""
    Apt(space, tmp_path / "apt", copy.port, None, key_of(served), path="/").update()


def test_apt_refuses_an_index_with_one_flipped_byte(space, served, copy, tmp_path):
    for file in (copy.folder / "dists/airlock/main/binary-amd64").rglob("*"):
        if file.is_file():
            data = bytearray(file.read_bytes())
            if data:
                data[len(data) // 2] ^= 1
                file.write_bytes(data)
    refused = Apt(space, tmp_path / "apt", copy.port, None, key_of(served), path="/").update(status=100)
    assert "Hash Sum mismatch" in refused.said or "unexpected size" in refused.said


def test_apt_refuses_a_release_that_was_changed(space, served, copy, tmp_path):
    file = copy.folder / "dists/airlock/InRelease"
    file.write_bytes(file.read_bytes().replace(b"Suite: sandbox", b"Suite: sandpit"))
    refused = Apt(space, tmp_path / "apt", copy.port, None, key_of(served), path="/").update(status=100)
    assert "BADSIG" in refused.said or "invalid" in refused.said


def test_apt_refuses_the_key_of_another_contour(space, served, depot, tmp_path):
    other = tmp_path / "other"
    depot.run("init", "--name", "other", home=other)
    key = depot.run("identity", "--apt", home=other).out
    refused = Apt(space, tmp_path / "apt", served.port, served.token("consumer", "sandbox"), key).update(status=100)
    assert "NO_PUBKEY" in refused.said


@needs("faketime")
def test_apt_refuses_an_index_whose_time_is_over(space, served, copy, tmp_path):
    release = (copy.folder / "dists/airlock/Release").read_text()
    assert "\nValid-Until: " in release
    apt = Apt(space, tmp_path / "apt", copy.port, None, key_of(served), path="/")
    apt.update(before=["faketime", "-f", "+6d"])
    refused = apt.update(before=["faketime", "-f", "+15d"], status=100)
    assert "is expired" in refused.said


def test_apt_without_a_token_or_with_one_of_another_environment_gets_nothing(space, served, tmp_path):
    key = key_of(served)
    assert "401" in Apt(space, tmp_path / "none", served.port, None, key).update(status=100).said
    token = served.token("consumer", "prod", person="stranger")
    assert "403" in Apt(space, tmp_path / "other", served.port, token, key).update(status=100).said
    record = served.record(lambda r: r["person"] == "stranger", "of the token of another environment")
    assert (record["environment"], record["repository"], record["what"], record["status"]) == ("sandbox", "apt", "dists/airlock/InRelease", 403)


# ── the key ──


def fingerprints(world, home):
    entries = world.run("log", "--all", home=home, json=True).lines
    found = [entry for entry in entries if "apt-key" in json.dumps(entry)]
    return re.findall(r'"fingerprint": ?"([0-9A-F]{40})"', json.dumps(found))


def test_the_key_is_made_once_and_its_fingerprint_stands_in_the_ledger(space, depot, tmp_path):
    live = space.serve(depot, tmp_path)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: live.get(f"{DISTS}/InRelease", live.operator), range(8)))
    assert {answer.status for answer in answers} == {200} and len({answer.body for answer in answers}) == 1
    said = live.world.run("identity", "--apt", json=True).json
    jsonschema.validate(said, json.loads((ROOT / "docs/formats/apt-key.schema.json").read_text()))
    assert fingerprints(live.world, live.home) == [said["fingerprint"]]
    assert said["public-key"] == key_of(live) == live.world.run("identity", "--apt").out
    live.world.fsck()


def test_the_example_of_the_key_is_as_its_schema_says():
    jsonschema.validate(json.loads((ROOT / "docs/formats/examples/apt-key.json").read_text()), json.loads((ROOT / "docs/formats/apt-key.schema.json").read_text()))


def test_no_agent_is_left_and_nobodys_own_gnupg_is_touched(depot, tmp_path):
    home, own = tmp_path / "contour", tmp_path / "home"
    own.mkdir()
    depot.run("init", "--name", "other", home=home)
    depot.run("identity", "--apt", home=home, env={"HOME": str(own), "GNUPGHOME": str(own / "gnupg")})
    assert list(own.iterdir()) == []
    assert not list((home / "keys/openpgp").glob("S.gpg-agent*"))
    assert (home / "keys/openpgp").stat().st_mode & 0o777 == 0o700
    agents = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.is_file()]
    assert not [line for line in agents if line.startswith(b"gpg-agent\0--homedir\0/proc/")]


def test_without_gnupg_it_is_said_what_is_missing(depot, tmp_path):
    home = tmp_path / "contour"
    depot.run("init", "--name", "other", home=home)
    refused = depot.run("identity", "--apt", home=home, env={"PATH": "/nonexistent"}, status=7)
    assert "gpg-agent is not installed" in refused.err and "apt-get install gpg gpg-agent" in refused.err
    checks = depot.run("doctor", home=home, env={"PATH": "/nonexistent"}, json=True, status=(0, 1, 6)).json["checks"]
    (check,) = [one for one in checks if one["name"] == "openpgp"]
    assert check["state"] == "weak" and "apt-get install gpg gpg-agent" in check["todo"]


def test_another_key_in_the_contours_folder_signs_nothing(space, depot, tmp_path):
    live = space.serve(depot, tmp_path)
    live.world.run("identity", "--apt")
    other = tmp_path / "other"
    depot.run("init", "--name", "other", home=other)
    depot.run("identity", "--apt", home=other)
    shutil.rmtree(live.home / "keys/openpgp")
    shutil.copytree(other / "keys/openpgp", live.home / "keys/openpgp")
    refused = live.world.run("identity", "--apt", status=5)
    assert "the ledger names" in refused.err
    assert live.get(f"{DISTS}/InRelease", live.operator).status == 500
    assert "the ledger names" in live.server.output


@needs("gpgv")
def test_gpgv_verifies_both_forms_with_the_printed_key(served, tmp_path):
    (tmp_path / "key.asc").write_text(served.world.run("identity", "--apt").out)
    for name in ("InRelease", "Release", "Release.gpg"):
        (tmp_path / name).write_bytes(served.get(f"{DISTS}/{name}", served.operator).body)
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    run = lambda *words: subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)  # noqa: E731
    assert run("gpg", "--homedir", home, "--batch", "--output", "key.gpg", "--dearmor", "key.asc").returncode == 0
    for files in (["InRelease"], ["Release.gpg", "Release"]):
        said = run("gpgv", "--keyring", tmp_path / "key.gpg", *files)
        assert said.returncode == 0 and "Good signature" in said.stderr, said.stderr
