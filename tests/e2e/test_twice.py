"""What comes as source is built twice, in a box without any network, from tools of the same collection: what comes out the same joins, what
does not is named. The sources and the tool that builds them are this test's own."""

import base64
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from conftest import ROOT
from lock_sets import blob, collect, made, packages_of, pip_set, station, up, write  # noqa: F401  (fixtures)
from world import world  # noqa: F401  (fixture)

MISSING = [name for name in ("/usr/bin/pip3", "/usr/bin/curl") if not Path(name).exists()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

# A build tool (PEP 517): packs the modules of a source under one time, in order, with one kind of permissions; what a source asks for in
# twist.py happens too.
TOOL = b"""
import base64, glob, hashlib, os, runpy, time, zipfile
def line(path, data):
    return "%s,sha256=%s,%d\\n" % (path, base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode(), len(data))
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, version = os.path.basename(os.getcwd()).rsplit("-", 1)
    info = f"{name}-{version}.dist-info/"
    stamp = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    twist = runpy.run_path("twist.py") if os.path.exists("twist.py") else {}
    files = {path: open(path, "rb").read() for path in twist.get("paths", sorted)(glob.glob("*.py"))}
    files |= {path: text.encode() for path, text in twist.get("more", dict)().items()}
    files |= {info + "METADATA": b"Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name.encode(), version.encode()),
              info + "WHEEL": b"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    record = "".join(line(path, data) for path, data in sorted(files.items())) + info + "RECORD,,\\n"
    files[info + "RECORD"] = twist.get("record", lambda text: text)(record).encode()
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as out:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, twist.get("stamp", lambda s: s)(stamp))
            entry.external_attr = twist.get("mode", lambda: 0o644)() << 16
            out.writestr(entry, data)
    return wheel
"""
PYPROJECT = b'[build-system]\nrequires = ["tinybuild==1.0"]\nbuild-backend = "tinybuild"\n'


def source(up, name="parts", twist=b""):
    members = {f"{name}-2.0/pyproject.toml": PYPROJECT, f"{name}-2.0/setup.py": b"", f"{name}-2.0/b.py": b"b = 2\n"}
    if twist:
        members[f"{name}-2.0/twist.py"] = twist
    return up.sdist(name, "2.0", members=members)


def files(station, up, *sources, more="", tools=True):
    tool = up.wheel("tinybuild", "1.0", modules={"tinybuild.py": TOOL})
    names = ", ".join(path.name.rsplit("-", 1)[0] for path in sources)
    sets = [pip_set(up.requirements(*sources), more=f", source: [{names}]{more}")]
    if tools:
        sets.append(pip_set(up.requirements(tool), group="build", file="tools.txt"))
    return write(station, up, *sets)


def refused(station, up, twist):
    said = collect(station, files(station, up, source(up, twist=twist)), status=3)
    entries = [json.loads(line)["entry"] for line in station.run("log", "--json", home=station.station).out.splitlines()]
    return said.err, [e for e in entries if e.get("action") == "build"]


def test_a_source_that_builds_the_same_twice_joins_with_its_provenance(station, up):
    parts = source(up)
    path = files(station, up, parts)

    said = collect(station, path).json

    document = packages_of(station, said["digest"])
    rows = {row["filename"]: row for row in document["packages"]}
    wheel = rows["parts-2.0-py3-none-any.whl"]
    assert set(rows) == {parts.name, wheel["filename"], "tinybuild-1.0-py3-none-any.whl"}
    assert wheel["group"] == "prod" and wheel["source"] == f"built:{parts.name}"
    assert rows[parts.name]["source"].startswith("requirements.txt:1 ")
    assert any(wheel["digest"] in remark and "came out the same" in remark for remark in said["remarks"])
    (evidence,) = document["evidence"]
    assert (evidence["kind"], evidence["name"]) == ("slsa-provenance", wheel["filename"])
    statement = json.loads(base64.b64decode(json.loads(blob(station, evidence["digest"]))["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert "sha256:" + statement["subject"][0]["digest"]["sha256"] == wheel["digest"]
    schema = json.loads((ROOT / "docs/formats/build-provenance.schema.json").read_text())
    jsonschema.validate(statement["predicate"], schema)
    jsonschema.validate(json.loads((ROOT / "docs/formats/examples/build-provenance.json").read_text()), schema)
    build = statement["predicate"]["buildDefinition"]
    inputs = {one["name"]: "sha256:" + one["digest"]["sha256"] for one in build["resolvedDependencies"]}
    assert inputs == {name: rows[name]["digest"] for name in rows if name != wheel["filename"]}
    one, two = build["internalParameters"]["runs"]
    assert all(one[key] != two[key] for key in ("path", "umask", "fileOrder", "locale", "timeZone", "hashSeed", "host", "home", "fileTimes"))
    assert build["internalParameters"]["toolchain"].startswith("python 3.")
    assert collect(station, path).json["digest"] == said["digest"]
    station.fsck(home=station.station)


def test_a_source_that_writes_the_time_down_is_refused_with_the_member(station, up):
    err, entries = refused(station, up, b"import time\nmore = lambda: {'stamp.txt': str(time.time_ns())}\n")
    assert "parts-2.0.tar.gz was built twice and did not come out the same: stamp.txt has other bytes" in err and "SOURCE_DATE_EPOCH" in err
    assert [(e["result"], e["member"]) for e in entries] == [("content", "stamp.txt")]


@pytest.mark.parametrize("twist, word", [
    (b"import os\nmore = lambda: {'where.txt': os.getcwd()}\n", "where.txt has other bytes"),
    (b"more = lambda: {'seed.txt': str(hash('x'))}\n", "seed.txt has other bytes"),
    (b"import time\nstamp = lambda s: time.gmtime()[:6]\n", "only times differ"),
    (b"import os\nmore = lambda: {'host.txt': os.uname().nodename}\n", "host.txt has other bytes"),
    (b"import os\nmore = lambda: {'home.txt': os.path.expanduser('~')}\n", "home.txt has other bytes"),
    (b"import os, time\nmore = lambda: {'files.txt': str(int(os.stat('b.py').st_mtime) % 86400)}\n", "files.txt has other bytes"),
], ids=["path", "hash-seed", "times", "host-name", "home", "file-times"])
def test_what_must_not_matter_and_does_is_found(station, up, twist, word):
    err, entries = refused(station, up, twist)
    assert word in err and len(entries) == 1


def test_the_order_in_which_a_folder_is_read_is_varied(station, up):
    err, _ = refused(station, up, b"import os\npaths = lambda p: [n for n in os.listdir('.') if n.endswith('.py')]\n")
    assert "only the order of the members differs" in err


def test_permissions_that_follow_the_umask_are_said_and_accepted(station, up):
    parts = source(up, twist=b"import os\ndef mode():\n    open('x', 'w').close()\n    return os.stat('x').st_mode & 0o777\n")

    said = collect(station, files(station, up, parts)).json

    assert any("permissions, which follow the umask" in remark for remark in said["remarks"])
    document = packages_of(station, said["digest"])
    wheel = [row for row in document["packages"] if row["filename"].startswith("parts") and row["filename"].endswith(".whl")][0]
    path = station.folder / "out.whl"
    path.write_bytes(blob(station, wheel["digest"]))
    assert zipfile.ZipFile(path).getinfo("b.py").external_attr >> 16 == 0o644


def test_a_build_that_reaches_for_the_network_fails_and_is_remembered(station, up):
    twist = b"import socket\nsocket.create_connection(('192.0.2.7', 443), 2)\n"
    err, entries = refused(station, up, twist)
    assert "parts-2.0.tar.gz: its build failed, and tried connect 192.0.2.7: a build has no network" in err
    assert entries[0]["result"] == "failed" and any(one["address"] == "192.0.2.7" and one["port"] == 443 for one in entries[0]["tried"])


def test_a_tool_that_was_not_collected_is_named(station, up):
    said = collect(station, files(station, up, source(up), tools=False), status=3)
    assert "its build failed" in said.err and "tinybuild" in said.err and "group: build" in said.err


def test_a_source_that_is_not_to_be_built_travels_as_it_is(station, up):
    parts = source(up, twist=b"raise SystemExit('built')\n")
    said = collect(station, files(station, up, parts, more=", build: false", tools=False)).json
    assert said["files"] == 1


@pytest.mark.parametrize("twist, rule", [
    (b"more = lambda: {'../../evil.py': 'x = 1'}\n", "zip-path"),
    (b"record = lambda text: ''\n", "wheel-record"),
    (b"record = lambda text: text.replace('sha256=', 'sha256=A', 1)\n", "wheel-record"),
], ids=["leads-out", "empty-record", "wrong-hash"])
def test_a_wheel_that_pack_would_refuse_is_not_built_into_a_collection(station, up, twist, rule):
    err, entries = refused(station, up, twist)
    assert "parts-2.0.tar.gz was built, and its wheel is not right: parts-2.0-py3-none-any.whl: " in err
    assert f"({rule}" in err and "group: build" in err
    assert [e["result"] for e in entries] == ["failed"]
    assert station.run("station", "show", home=station.station, json=True).json["collections"] == []


def test_what_a_build_leaves_running_does_not_keep_it_waiting(station, up):
    parts = source(up, twist=b"import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\n")
    path = files(station, up, parts)
    path.write_text(path.read_text() + "limits: {time: 60s}\n")
    assert collect(station, path).json["files"] == 3
