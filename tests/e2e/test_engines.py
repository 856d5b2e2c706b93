"""Scanners of others: ClamAV through a daemon's socket, YARA rules in the parse process, asked for by class in the policy. The daemon is one that
this file plays, and, where Debian's clamav-daemon is installed, the real one with signatures of its own."""

import array
import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT
from world import World

# In two parts, so that no scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
RULES = """rule Eicar_test : test
{
    meta:
        description = "the EICAR test file"
        severity = "critical"
    strings:
        $a = "EICAR-STANDARD-" ascii
        $b = "ANTIVIRUS-TEST-FILE" ascii
    condition:
        all of them
}
"""


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, content)
    return file.getvalue()


def tarred(name, content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as t:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        t.addfile(info, io.BytesIO(content))
    return file.getvalue()


WRAPPINGS = {
    "plain.txt": EICAR,
    "a.zip": zipped("e.txt", EICAR),
    "a.tar": tarred("e.txt", EICAR),
    "a.tar.gz": gzip.compress(tarred("e.txt", EICAR)),
    "a.tar.bz2": bz2.compress(tarred("e.txt", EICAR)),
    "a.tar.xz": lzma.compress(tarred("e.txt", EICAR)),
    "tar-in-zip.zip": zipped("b.tar", tarred("e.txt", EICAR)),
    "zip-in-tar.tar": tarred("b.zip", zipped("e.txt", EICAR)),
    "zip-in-targz.tar.gz": gzip.compress(tarred("b.zip", zipped("e.txt", EICAR))),
}


class Daemon:
    """Plays clamd. `answer(bytes)` is what it says of a file, without the subject; None: it hangs up without a word."""

    def __init__(self, folder, answer=None, version=b"ClamAV 1.4.6/27500/%s"):
        self.path = folder / "clamd.ctl"
        self.answer = answer or self.honest
        self.version = version.replace(b"%s", time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime()).encode())
        self.looked = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(self.path))
        self.socket.listen(16)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    @staticmethod
    def honest(content):
        if EICAR in content:
            return b"Eicar-Test-Signature FOUND"
        return b"Heuristics.Limits.Exceeded.MaxRecursion FOUND" if Daemon.is_deep(content) else b"OK"

    @staticmethod
    def is_deep(content):
        """The archive with which a daemon is asked whether it tells of its limits."""
        return content.startswith(b"\x1f\x8b\x08") and content.count(b"\x1f\x8b\x08") > 100

    def work(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.serve(connection)

    def serve(self, connection):
        command = b""
        while not command.endswith(b"\0"):
            byte = connection.recv(1)
            if not byte:
                return
            command += byte
        if command == b"zVERSION\0":
            connection.sendall(self.version + b"\0")
        elif command == b"zFILDES\0":
            _, control, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4))
            (fd,) = array.array("i", control[0][2])
            with open(fd, "rb") as file:
                content = os.pread(file.fileno(), 1 << 20, 0)
            self.looked.append(content)
            answer = self.answer(content)
            if answer is not None:
                connection.sendall(b"fd[7]: " + answer + b"\0")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
        self.path.unlink(missing_ok=True)


@pytest.fixture
def daemon(tmp_path):
    running = []

    def start(*args, **options):
        folder = tmp_path / f"daemon-{len(running)}"
        folder.mkdir()
        running.append(Daemon(folder, *args, **options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def rules(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "test.yar").write_text(RULES)
    return folder


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in WRAPPINGS.items():
        (folder / name).write_bytes(content)
    (folder / "honest.txt").write_text("nothing is wrong with this\n")
    return folder


def rows(result):
    return {Path(row["path"]).name: row for row in result.json["files"]}


def rules_of(row):
    return {finding["rule"] for finding in row["findings"]}


# ── files of a user ──


def test_yara_finds_eicar_in_all_wrappings_that_our_readers_unpack(airlock, files, rules):
    result = airlock("scan", "--yara", rules, files, status=1, json=True)
    found = rows(result)
    for name in WRAPPINGS:
        assert "yara:Eicar_test" in rules_of(found[name]), name
        assert found[name]["verdict"] == "malicious", name
        assert found[name]["engines"] == ["yara"], name
    assert found["honest.txt"]["verdict"] == "clean"
    (engine,) = result.json["engines"]
    assert engine["name"] == "yara" and engine["ready"] and engine["database"].startswith("sha256:")


def test_the_place_of_a_hit_names_member_and_byte(airlock, files, rules):
    row = rows(airlock("scan", "--yara", rules, files / "zip-in-tar.tar", status=1, json=True))["zip-in-tar.tar"]
    (finding,) = [finding for finding in row["findings"] if finding["rule"] == "yara:Eicar_test"]
    assert "b.zip" in finding["at"] and "e.txt" in finding["at"] and "byte 28" in finding["at"]
    assert "the EICAR test file" in finding["message"]


@pytest.mark.parametrize("text, why", [
    ("rule A { condition: true }\nrule B { condition: nonsense }\n", "test.yar:2"),
    ('include "/etc/passwd"\nrule A { condition: true }\n', "test.yar:1"),
    ('import "magic"\nrule A { condition: true }\n', 'the module "magic" may not be imported'),
    ("// no rule\n", "no rule"),
])
def test_rules_that_are_none_leave_every_file_not_scanned_and_say_why(airlock, files, rules, text, why):
    (rules / "test.yar").write_text(text)
    row = rows(airlock("scan", "--yara", rules, files / "honest.txt", status=1, json=True))["honest.txt"]
    assert row["verdict"] == "not-scanned" and rules_of(row) == {"yara-not-looked"}
    assert why in row["findings"][0]["message"]


def test_what_clamav_finds_is_malicious_and_what_it_does_not_find_stays(airlock, files, daemon):
    clamd = daemon()
    result = airlock("scan", "--clamd", clamd.path, files / "plain.txt", files / "honest.txt", status=1, json=True)
    assert rows(result)["plain.txt"]["verdict"] == "malicious"
    assert rules_of(rows(result)["plain.txt"]) == {"clamav:Eicar-Test-Signature"}
    assert rows(result)["honest.txt"]["verdict"] == "clean" and rows(result)["honest.txt"]["engines"] == ["clamav"]
    (engine,) = result.json["engines"]
    assert engine["version"] == "ClamAV 1.4.6" and engine["database"] == "27500" and engine["date"].startswith("20")


@pytest.mark.parametrize("answer, why", [
    (b"Heuristics.Limits.Exceeded.MaxFileSize FOUND", "did not look to its end"),
    (b"Heuristics.Encrypted.Zip FOUND", "did not look to its end"),
    (b"Can't open file ERROR", "clamd"),
    (b"ok", "no answer of clamd"),
    (b"OK\0fd[7]: OK", "no answer of clamd"),
    (None, "no answer of clamd"),
])
def test_a_file_that_clamav_did_not_look_at_to_its_end_is_not_scanned(airlock, files, daemon, answer, why):
    clamd = daemon(lambda content: answer if content.startswith(b"nothing") else Daemon.honest(content))
    row = rows(airlock("scan", "--clamd", clamd.path, files / "honest.txt", status=1, json=True))["honest.txt"]
    assert row["verdict"] == "not-scanned" and rules_of(row) == {"clamav-not-looked"}
    assert why in row["findings"][0]["message"] and row["findings"][0]["not-scanned"] is True
    assert row["engines"] == []


@pytest.mark.parametrize("broken, why", [
    (lambda content: b"OK", "EICAR"),
    (lambda content: b"OK" if Daemon.is_deep(content) else Daemon.honest(content), "AlertExceedsMax"),
])
def test_a_daemon_that_does_not_prove_that_it_works_has_looked_at_nothing(airlock, files, daemon, broken, why):
    clamd = daemon(broken)
    row = rows(airlock("scan", "--clamd", clamd.path, files / "honest.txt", status=1, json=True))["honest.txt"]
    assert row["verdict"] == "not-scanned" and why in row["findings"][0]["message"]


def test_a_file_over_clamavs_two_gib_is_not_scanned_and_not_given_to_it(airlock, tmp_path, daemon):
    clamd = daemon()
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(1 << 31)
    row = rows(airlock("scan", "--clamd", clamd.path, large, status=1, json=True))["large.png"]
    assert row["verdict"] == "not-scanned"
    assert any("2 GiB" in finding["message"] for finding in row["findings"])
    assert len(clamd.looked) == 2  # the proof alone


def test_no_address_of_a_network_is_taken(airlock, files):
    for address in ("127.0.0.1:3310", "tcp://localhost:3310", "localhost"):
        assert "local socket" in airlock("scan", "--clamd", address, files / "honest.txt", status=2).err


# ── releases ──


def with_policy(world, scanners):
    """Two people put the default policy with these scanners in force."""
    file = world.folder / "policy.yaml"
    default = (ROOT / "docs/formats/examples/policy.yaml").read_text()
    text = "scanners:\n  engines:\n"
    for name, settings in scanners["engines"].items():
        text += f"    {name}: {{" + ", ".join(f"{key}: {value}" for key, value in settings.items()) + "}\n"
    text += "  classes:\n"
    for name, engines in scanners["classes"].items():
        text += f"    {name}: [{', '.join(engines)}]\n"
    file.write_text(default + text)
    secret = world.folder / "desk" / "passphrase"
    world.run("policy", "set", file, "--key", world.keys["sofia"], "--key", world.keys["pavel"], "--passphrase-file", secret)


def predicate_of(world):
    from test_scan import evidence

    return evidence(world.contour, "urn:airlock:scan:v1")[-1][0]["predicate"]


@pytest.fixture(scope="module")
def made(airlock_path, tmp_path_factory):
    world = World(airlock_path, tmp_path_factory.mktemp("made"))
    world.found().people(pavel="product-owner", sofia="security-officer")
    world.arrive()
    return world


@pytest.fixture
def found(made, tmp_path):
    """A contour of one's own with a shipment in quarantine."""
    copy = World(made.path, tmp_path / "copy")
    shutil.copytree(made.folder, copy.folder)
    copy.keys = made.keys
    return copy


def test_a_release_is_scanned_as_the_policy_says_and_the_gate_looks_at_it(found, daemon, rules):
    clamd = daemon()
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}, "yara": {"rules": str(rules)}},
                        "classes": {"program": ["clamav"], "model": ["yara"], "document": ["clamav", "yara"]}})
    found.run("scan", "shipment:1")
    predicate = predicate_of(found)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(json.loads((ROOT / "docs/formats/scan.schema.json").read_text())).validate(predicate)
    assert [engine["name"] for engine in predicate["scanner"]["engines"]] == ["clamav", "yara"]
    by_class = {row["class"]: row for row in predicate["files"] if "class" in row}
    assert by_class["model"]["engines"] == ["yara"] and "engines" not in by_class["configuration"]
    assert by_class["archive"]["engines"] == ["clamav", "yara"]  # the engine's layer: whatever any class needs
    assert by_class["document"]["engines"] == ["clamav", "yara"]
    assert found.run("judge", "shipment:1", "--gate", "intake", json=True).json["result"] == "PASSED"


def test_what_was_remembered_is_asked_again_when_the_database_is_another(found, daemon):
    clamd = daemon()
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}}, "classes": {"all": ["clamav"]}})
    first = found.run("scan", "shipment:1", json=True).json
    looked = len(clamd.looked)
    assert first["remembered"] == 0 and looked > 2
    again = found.run("scan", "shipment:1", json=True).json
    assert again["remembered"] == again["blobs"] and len(clamd.looked) == looked + 2  # the proof alone
    clamd.version = clamd.version.replace(b"27500", b"27501")
    newer = found.run("scan", "shipment:1", json=True).json
    assert newer["remembered"] == 0 and len(clamd.looked) > looked + 4


def test_a_remembered_file_is_still_found(found, daemon):
    clamd = daemon(lambda content: b"Bad.Card FOUND" if content.startswith(b"# Tiny") else Daemon.honest(content))
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}}, "classes": {"document": ["clamav"]}})
    for _ in range(2):
        result = found.run("scan", "shipment:1", status=1, json=True).json
        (card,) = [row for row in result["files"] if row["path"].startswith("card/")]
        assert card["verdict"] == "malicious" and rules_of(card) == {"clamav:Bad.Card"}
    assert result["remembered"] > 0


def test_an_engine_that_went_away_is_not_scanned_and_not_remembered(found, daemon):
    clamd = daemon()
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}}, "classes": {"document": ["clamav"]}})
    found.run("scan", "shipment:1")
    clamd.path.unlink()
    gone = found.run("scan", "shipment:1", status=1, json=True).json
    assert gone["verdict"] == "not-scanned"
    judged = found.run("judge", "shipment:1", "--gate", "intake", status=1, json=True).json
    assert judged["result"] == "FAILED"
    assert {reason["rule"] for reason in judged["reasons"] if not reason["ok"]} >= {"scan", "scanners"}


def test_old_data_and_a_scan_of_before_the_policy_do_not_pass_the_gate(found, daemon):
    clamd = daemon(version=b"ClamAV 1.4.6/26000/Thu Jan  1 09:12:00 2026")
    found.run("scan", "shipment:1")
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}}, "classes": {"document": ["clamav"]}})
    judged = found.run("judge", "shipment:1", "--gate", "intake", status=1, json=True).json
    (reason,) = [reason for reason in judged["reasons"] if not reason["ok"]]
    assert reason["rule"] == "scanners" and "without" in reason["text"]
    found.run("scan", "shipment:1")
    judged = found.run("judge", "shipment:1", "--gate", "intake", status=1, json=True).json
    (reason,) = [reason for reason in judged["reasons"] if not reason["ok"]]
    assert reason["rule"] == "scanners" and "days old" in reason["text"]


def test_doctor_says_whether_the_engines_are_there_and_how_old_their_data_are(found, daemon, rules):
    clamd = daemon()
    with_policy(found, {"engines": {"clamav": {"socket": str(clamd.path)}, "yara": {"rules": str(rules)}}, "classes": {"program": ["clamav", "yara"]}})

    def check():
        return next(one for one in found.run("doctor", status=(0, 1, 6), json=True).json["checks"] if one["name"] == "scanners")

    assert check()["state"] == "fine" and "27500" in check()["found"] and "YARA 4" in check()["found"] and "days old" in check()["found"]
    clamd.version = b"ClamAV 1.4.6/26000/Thu Jan  1 09:12:00 2026"
    assert check()["state"] == "weak"
    (rules / "test.yar").write_text("rule A {")
    assert check()["state"] == "broken" and "test.yar" in check()["found"] and check()["todo"]


def test_policy_check_explains_the_table(airlock, tmp_path):
    file = tmp_path / "policy.yaml"
    default = (ROOT / "docs/formats/examples/policy.yaml").read_text()
    file.write_text(default + "scanners:\n  engines: {yara: {rules: /srv/rules}}\n  classes: {script: [yara]}\n")
    text = airlock("policy", "check", file).out
    assert "/srv/rules" in text and "365 days" in text
    table = airlock("policy", "check", file, json=True).json["scanners"]
    assert table["script"] == ["built-in", "yara"] and table["archive"] == ["built-in", "yara"] and table["model"] == ["built-in"]
    file.write_text(default + "scanners:\n  engines: {clamav: {socket: 10.0.0.1}}\n  classes: {script: [clamav]}\n")
    line = default.count("\n") + 2
    assert f"policy.yaml:{line}" in airlock("policy", "check", file, status=1).out


# ── the real one ──


def clamd_program():
    """AIRLOCK_CLAMD names a clamd that lies elsewhere, with its libraries where LD_LIBRARY_PATH of AIRLOCK_CLAMD_LIBRARIES says."""
    return os.environ.get("AIRLOCK_CLAMD") or shutil.which("clamd", path=os.environ.get("PATH", "") + ":/usr/sbin")


@pytest.fixture
def real(tmp_path):
    program = clamd_program()
    if not program:
        pytest.skip("NOT CHECKED against the real ClamAV: clamav-daemon is not installed (or name one by AIRLOCK_CLAMD)")
    folder = tmp_path / "clamd"
    (folder / "db").mkdir(parents=True)
    (folder / "db" / "own.hdb").write_text("44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test\n")
    processes = []

    def start(*more):
        config = folder / "clamd.conf"
        config.write_text("\n".join([f"LocalSocket {folder}/ctl", f"DatabaseDirectory {folder}/db", f"TemporaryDirectory {folder}", "Foreground yes", *more]) + "\n")
        libraries = {"LD_LIBRARY_PATH": os.environ["AIRLOCK_CLAMD_LIBRARIES"]} if "AIRLOCK_CLAMD_LIBRARIES" in os.environ else {}
        processes.append(subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **libraries}))
        for _ in range(600):
            if (folder / "ctl").exists():
                return folder / "ctl"
            assert processes[-1].poll() is None, "clamd ended at once"
            time.sleep(0.1)
        raise AssertionError("clamd does not listen after a minute")

    yield start
    for process in processes:
        process.terminate()
        process.wait(30)


def test_the_real_clamav_finds_eicar_in_all_wrappings(airlock, real, files):
    ctl = real("AlertExceedsMax yes")
    result = airlock("scan", "--clamd", ctl, files, status=1, json=True)
    found = rows(result)
    for name in WRAPPINGS:
        assert "clamav:Eicar-Test.UNOFFICIAL" in rules_of(found[name]), name
        assert found[name]["verdict"] == "malicious"
    assert found["honest.txt"]["verdict"] == "clean"
    (engine,) = result.json["engines"]
    assert engine["ready"] and engine["version"].startswith("ClamAV ") and "date" not in engine  # it has none of ClamAV's own databases


def test_the_real_clamav_with_its_default_limits_is_refused_since_it_would_hide_them(airlock, real, files):
    row = rows(airlock("scan", "--clamd", real(), files / "honest.txt", status=1, json=True))["honest.txt"]
    assert row["verdict"] == "not-scanned" and "AlertExceedsMax" in row["findings"][0]["message"]


def test_the_real_clamav_says_what_is_over_its_limits(airlock, real, tmp_path):
    ctl = real("AlertExceedsMax yes", "MaxFileSize 1M")
    large = tmp_path / "large.txt"
    large.write_text("no harm in it\n" * 100000)
    row = rows(airlock("scan", "--clamd", ctl, large, status=1, json=True))["large.txt"]
    assert row["verdict"] == "not-scanned" and "MaxFileSize" in row["findings"][0]["message"]
