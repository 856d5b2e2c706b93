"""airlock sbom PATH: what is found in trees, images and packages. The numbers in names are those of the list of bypasses that others' scanners missed."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import packages
import pytest
from conftest import ROOT
from world import World, gguf, world  # noqa: F401

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))

import seeds_inventory as made  # noqa: E402
from seeds import elf  # noqa: E402

OS_RELEASE = b'ID=debian\nVERSION_ID="12"\n'


def stanza(name, version="1.0-1", extra=""):
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{extra}\n".encode()


def sums(files):
    return "".join(f"{hashlib.md5(content).hexdigest()}  {path}\n" for path, content in files.items()).encode()


def debian(files=None, name="demo", status=b"", record=None):
    """A root file system with one package that owns `files`; `record`: what its md5sums say instead."""
    files = files or {}
    return {
        "etc/os-release": OS_RELEASE,
        "var/lib/dpkg/status": stanza(name) + b"\n" + status,
        f"var/lib/dpkg/info/{name}.md5sums": sums(files if record is None else record),
        **files,
    }


def write(folder, tree, executable=()):
    for path, content in tree.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if path in executable:
            place.chmod(0o755)
    return folder


@pytest.fixture
def inventory(airlock):
    """The components by package URL, or by name where they have none; the findings stand on stderr."""

    def look(path, status=0):
        result = airlock("--verbose", "sbom", path, status=status)
        bom = result.json
        assert bom["bomFormat"] == "CycloneDX"
        found = {one.get("purl") or one["name"]: one for one in bom.get("components", [])}
        return found, result

    return look


def properties(component):
    return {one["name"]: one["value"] for one in component.get("properties", [])}


def found_at(component):
    return [one["location"] for one in component["evidence"]["occurrences"]]


LIBC = "pkg:deb/debian/demo@1.0-1?arch=amd64&distro=debian-12"


def test_a_root_file_system_lists_its_packages_with_where_they_were_found(inventory, tmp_path):
    write(tmp_path, debian({"usr/bin/demo": elf()}), {"usr/bin/demo"})
    found, result = inventory(tmp_path)
    assert properties(found[LIBC])["airlock:owned"] == "true"
    assert found_at(found[LIBC]) == ["var/lib/dpkg/status"]
    assert found["debian"]["type"] == "operating-system" and found["debian"]["version"] == "12"
    assert "unowned" not in result.err and "differs" not in result.err


def test_a_file_that_differs_from_its_record_is_a_finding_and_ends_with_1(inventory, tmp_path):
    write(tmp_path, debian({"usr/bin/demo": elf()}, record={"usr/bin/demo": b"another"}), {"usr/bin/demo"})
    found, result = inventory(tmp_path, status=1)
    assert properties(found[LIBC])["airlock:owned"] == "false"
    assert "usr/bin/demo" in result.err and "do not have the hash" in result.err
    assert found["usr/bin/demo"]["hashes"][0]["content"] == hashlib.sha256(elf()).hexdigest()


def test_a_changed_configuration_file_is_no_alarm(inventory, tmp_path):
    status = stanza("demo", extra="Conffiles:\n /etc/demo.conf 0123456789abcdef0123456789abcdef\n")
    write(tmp_path, {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": status, "etc/demo.conf": b"changed\n"})
    found, result = inventory(tmp_path)
    assert LIBC in found
    assert "as configuration" in result.err


def test_folders_that_are_links_do_not_hide_ownership(inventory, tmp_path):
    write(tmp_path, debian({"usr/bin/demo": elf()}, record={"bin/demo": elf()}), {"usr/bin/demo"})
    (tmp_path / "bin").symlink_to("usr/bin")
    found, result = inventory(tmp_path)
    assert properties(found[LIBC])["airlock:owned"] == "true"
    assert "unowned" not in result.err


def test_every_kind_of_database_is_read(inventory, tmp_path):
    content = b"program"
    header = made.rpm_header("rpmdemo", epoch=2, files=[("/usr/bin/", "x", hashlib.sha256(content).hexdigest(), 0)])
    for kind, database in (("rpmdb.sqlite", made.sqlite_database([header], tmp_path)), ("Packages.db", made.ndb_database([header]))):
        root = write(tmp_path / ("of-" + kind), {"var/lib/rpm/" + kind: database, "usr/bin/x": content, "etc/os-release": b"ID=fedora\nVERSION_ID=40\n"}, {"usr/bin/x"})
        found, _ = inventory(root)
        purl = "pkg:rpm/fedora/rpmdemo@1.0-1?arch=x86_64&distro=fedora-40&epoch=2&upstream=rpmdemo-src"
        assert properties(found[purl])["airlock:owned"] == "true", found
    apk = write(tmp_path / "apk", {"lib/apk/db/installed": made.APK, "usr/bin/demo": b"x", "etc/alpine-release": b"3.20.1\n"}, {"usr/bin/demo"})
    found, _ = inventory(apk)
    assert properties(found["pkg:apk/alpine/demo@1.0-r0?arch=x86_64&distro=alpine-3.20.1&upstream=demo-src"])["airlock:owned"] == "true"
    arch = write(tmp_path / "arch", {"var/lib/pacman/local/demo-1.0-1/desc": made.DESC, "var/lib/pacman/local/demo-1.0-1/mtree": made.MTREE})
    found, _ = inventory(arch)
    assert "pkg:alpm/arch/demo@1.0-1?arch=any" in found


def test_a_berkeley_database_is_not_scanned_and_makes_the_inventory_incomplete(inventory, tmp_path):
    write(tmp_path, {"var/lib/rpm/Packages": b"\0" * 12 + b"\x61\x15\x06\0" + b"\0" * 4096})
    _, result = inventory(tmp_path)
    assert "Berkeley DB" in result.err and "incomplete" in result.err
    assert result.json["compositions"][0]["aggregate"] == "incomplete"


def test_a_broken_database_is_never_an_empty_list(inventory, tmp_path):
    for name, content in {"var/lib/dpkg/status": b"this is none\n", "lib/apk/db/installed": b"nor this\n", "var/lib/rpm/rpmdb.sqlite": b"SQLite format 3\0", "var/lib/rpm/Packages.db": b"RpmP"}.items():
        root = write(tmp_path / name.replace("/", "-"), {name: content})
        _, result = inventory(root, status=1)
        assert name in result.err


# ── bypasses that others missed ──


def layered(tmp_path, *layers):
    path = tmp_path / "image.tar"
    path.write_bytes(made.docker_image([made.tar(layer) for layer in layers]))
    return path


def test_case_30_a_package_removed_in_an_upper_layer_is_listed_and_marked(inventory, tmp_path):
    lower = {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": stanza("demo") + stanza("gone", "6.6-6")}
    image = layered(tmp_path, lower, {"var/lib/dpkg/status": stanza("demo"), "var/lib/dpkg/info/.wh.gone.list": b""})
    found, _ = inventory(image)
    gone = properties(found["pkg:deb/debian/gone@6.6-6?arch=amd64&distro=debian-12"])
    assert gone["airlock:removed"] == "true"
    assert gone["airlock:layer"] == "sha256:" + hashlib.sha256(made.tar(lower)).hexdigest()
    assert "airlock:removed" not in properties(found[LIBC])


def test_case_30_an_opaque_folder_hides_what_lower_layers_have_there(inventory, tmp_path):
    metadata = "opt/app/lib/a-1.0.dist-info/METADATA"
    image = layered(tmp_path, {metadata: made.METADATA}, {"opt/app/.wh..wh..opq": b"", "opt/app/b-2.dist-info/METADATA": b"Name: b\nVersion: 2\n"})
    found, _ = inventory(image)
    assert properties(found["pkg:pypi/demo@1.0"])["airlock:removed"] == "true"
    assert "airlock:removed" not in properties(found["pkg:pypi/b@2"])


def test_case_31_distroless_stanzas_programs_and_roots_without_a_database_are_seen(inventory, tmp_path):
    single = write(tmp_path / "distroless", {"var/lib/dpkg/status.d/base": b"Package: base\nVersion: 1\nArchitecture: all\n", "etc/os-release": OS_RELEASE})
    found, _ = inventory(single)
    assert "pkg:deb/debian/base@1?arch=all&distro=debian-12" in found
    scratch = write(tmp_path / "scratch", {"server": made.elf_with({".go.buildinfo": made.buildinfo()}), "tool": made.elf_with({".dep-v0": made.auditable()})}, {"server", "tool"})
    found, _ = inventory(scratch)
    assert "pkg:golang/example.com/c@v2.0.0" in found and "pkg:golang/stdlib@1.22.0" in found
    assert "pkg:cargo/serde@1.0.1" in found and "pkg:cargo/cc@1.0.0" not in found
    assert found["server"]["hashes"][0]["content"]


def test_case_32_vendored_metadata_is_marked_and_the_wheel_is_itself(inventory, tmp_path):
    inner = "demo/_vendor/inner-3.0.dist-info/METADATA"
    wheel = packages.wheel(tmp_path, "demo", "1.0", members={inner: b"Metadata-Version: 2.1\nName: inner\nVersion: 3.0\n"})
    found, _ = inventory(wheel)
    assert "airlock:vendored" not in properties(found["pkg:pypi/demo@1.0"])
    assert properties(found["pkg:pypi/inner@3.0"])["airlock:vendored"]
    record = f"demo-1.0.dist-info/METADATA,,\nbundled/inner-3.0.dist-info/METADATA,,\nbundled/x.py,sha256={packages_hash(b'x')},1\n"
    record = record.replace("METADATA,,\nbundled/x", f"METADATA,sha256={packages_hash(b'Name: inner' + bytes([10]) + b'Version: 3.0' + bytes([10]))},27\nbundled/x")
    site = write(tmp_path / "site", {"demo-1.0.dist-info/METADATA": b"Name: demo\nVersion: 1.0\n", "demo-1.0.dist-info/RECORD": record.encode(), "bundled/inner-3.0.dist-info/METADATA": b"Name: inner\nVersion: 3.0\n", "bundled/x.py": b"x"})
    found, _ = inventory(site)
    assert properties(found["pkg:pypi/inner@3.0"])["airlock:vendored"] == "demo 1.0"
    assert "airlock:vendored" not in properties(found["pkg:pypi/demo@1.0"])


def packages_hash(content):
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def test_case_33_native_libraries_of_wheels_are_listed(inventory, tmp_path):
    library = elf()
    wheel = packages.wheel(tmp_path, "demo", "1.0", members={"demo.libs/libx-1234.so.1": library})
    found, _ = inventory(wheel)
    [native] = [one for name, one in found.items() if name.endswith("libx-1234.so.1")]
    assert native["hashes"][0]["content"] == hashlib.sha256(library).hexdigest()
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    found, _ = inventory(site)
    assert properties(found["demo.libs/libx-1234.so.1"])["airlock:bundled-in"] == "demo 1.0"


@pytest.mark.parametrize("version", ["2022.06.15", "2.5.1+cu121", "1.0rc1"])
def test_case_34_versions_stand_as_their_packages_write_them(inventory, tmp_path, version):
    write(tmp_path, {f"lib/certifi-{version}.dist-info/METADATA": f"Name: certifi\nVersion: {version}\n".encode()})
    found, _ = inventory(tmp_path)
    [component] = [one for one in found.values() if one["name"] == "certifi"]
    assert component["version"] == version


def test_case_34_a_devel_module_has_no_made_up_version(inventory, tmp_path):
    write(tmp_path, {"server": made.elf_with({".go.buildinfo": made.buildinfo()})}, {"server"})
    found, _ = inventory(tmp_path)
    assert "version" not in found["pkg:golang/demo"]


def test_case_35_a_forged_database_hides_no_program(inventory, tmp_path):
    """The database claims the program, even with a hash: what the program was built from is listed all the same."""
    program = made.elf_with({".go.buildinfo": made.buildinfo()})
    write(tmp_path, debian({"usr/bin/server": program}), {"usr/bin/server"})
    found, _ = inventory(tmp_path)
    assert "pkg:golang/example.com/c@v2.0.0" in found and LIBC in found
    forged = write(tmp_path / "forged", debian({"usr/bin/server": program}, record={}), {"usr/bin/server"})
    (forged / "var/lib/dpkg/info/demo.list").write_text("/usr/bin/server\n")
    found, result = inventory(forged)
    assert "pkg:golang/example.com/c@v2.0.0" in found
    assert "no package owns" in result.err, "a list without hashes owns nothing"


def test_case_36_a_description_drops_nothing(inventory, tmp_path):
    status = stanza("openssl", "1.1.1-1", "Description: transitional package\n This is a transitional dummy package.\n")
    write(tmp_path, {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": status})
    found, _ = inventory(tmp_path)
    assert "pkg:deb/debian/openssl@1.1.1-1?arch=amd64&distro=debian-12" in found


def test_case_37_an_image_that_hides_its_records_is_seen_through(inventory, tmp_path):
    """The database is deleted in an upper layer, the program renamed, its section headers taken away."""
    program = made.elf_with({".go.buildinfo": made.buildinfo()})
    bare = bytearray(b"\x7fELF\x02\x01\x01" + b"\0" * 57 + b"\0" * 16)
    stripped = bytes(bare) + b"\0" * (-len(bare) % 16) + made.buildinfo()
    image = layered(tmp_path, debian({"usr/bin/demo": program}), {"var/lib/dpkg/.wh.status": b"", "opt/.x/notes.txt": stripped})
    found, result = inventory(image, status=1)
    assert properties(found[LIBC])["airlock:removed"] == "true"
    assert "pkg:golang/example.com/c@v2.0.0" in found
    assert "takes this package database away" in result.err
    assert "opt/.x/notes.txt" in found


def test_case_40_what_is_installed_and_what_is_locked_differ(inventory, tmp_path):
    lock = {"lockfileVersion": 3, "packages": {"": {"name": "app"}, "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example.org/a/-/a-1.0.0.tgz", "integrity": "sha512-" + "A" * 86 + "=="}}}
    write(tmp_path, {"package-lock.json": json.dumps(lock).encode(), "node_modules/a/package.json": b'{"name": "a", "version": "1.0.1"}'})
    found, result = inventory(tmp_path, status=1)
    assert "version 1.0.1 is installed" in result.err
    assert properties(found["pkg:npm/a@1.0.0"])["airlock:declared"] == "true"


def test_case_40_a_delivered_file_that_is_not_the_locked_one(inventory, tmp_path):
    wheel = packages.wheel(tmp_path, "demo", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{digest}\n")
    inventory(tmp_path)
    (tmp_path / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{'0' * 64}\n")
    _, result = inventory(tmp_path, status=1)
    assert "it is not what was locked" in result.err


def test_case_40_a_changed_host_and_a_missing_integrity_are_said(inventory, tmp_path):
    one = {"version": "1.0.0", "integrity": "sha512-" + "A" * 86 + "=="}
    entries = {f"node_modules/p{i}": {**one, "resolved": f"https://registry.example.org/p{i}/-/p{i}-1.0.0.tgz"} for i in range(4)}
    entries["node_modules/evil"] = {**one, "resolved": "https://registry.example.net/evil/-/evil-1.0.0.tgz"}
    entries["node_modules/bare"] = {"version": "1.0.0", "resolved": "https://registry.example.org/bare/-/bare-1.0.0.tgz"}
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": entries}))
    found, result = inventory(tmp_path, status=1)
    assert "evil is fetched from registry.example.net" in result.err
    assert 'no "integrity"' in result.err
    assert "pkg:npm/bare@1.0.0" in found


# ── images ──


def test_an_image_layout_a_tar_of_it_and_docker_save_give_the_same_packages(inventory, tmp_path):
    layers = [made.tar(debian({"usr/bin/demo": elf()})), made.tar({"app/node_modules/x/package.json": b'{"name":"x","version":"1.2.3"}'})]
    layout = made.oci_layout(layers)
    folder = write(tmp_path / "layout", layout)
    (tmp_path / "oci.tar").write_bytes(made.tar(layout))
    (tmp_path / "docker.tar").write_bytes(made.docker_image(layers))
    seen = [set(inventory(path)[0]) for path in (folder, tmp_path / "oci.tar", tmp_path / "docker.tar")]
    assert seen[0] == seen[1] == seen[2]
    assert {LIBC, "pkg:npm/x@1.2.3"} <= seen[0]


def test_a_layer_that_is_not_its_digests_is_refused(inventory, tmp_path):
    layout = made.oci_layout([made.tar(debian())])
    [layer] = [path for path, content in layout.items() if content[:2] == b"\x1f\x8b"]
    layout[layer] = gzip.compress(made.tar(debian(name="other")), mtime=0)
    _, result = inventory(write(tmp_path / "layout", layout), status=1)
    assert "SHA-256" in result.err
    (tmp_path / "oci.tar").write_bytes(made.tar(layout))
    _, result = inventory(tmp_path / "oci.tar", status=1)
    assert "SHA-256" in result.err


def test_links_out_of_the_tree_are_refused(inventory, tmp_path):
    for target in ("../../../../etc/passwd", "/../secret"):
        _, result = inventory(layered(tmp_path, {"dir/link": target}), status=1)
        assert "a target" in result.err
    (tmp_path / "root.tar").write_bytes(made.tar({"x": "/etc", "x/passwd": b"root::0:0::/:\n"}))
    _, result = inventory(tmp_path / "root.tar", status=1)
    assert "where the link leads" in result.err


def test_a_link_of_a_folder_is_not_followed_out_of_it(inventory, tmp_path):
    outside = write(tmp_path / "outside", {"a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n"})
    root = tmp_path / "root"
    root.mkdir()
    (root / "lib").symlink_to(outside)
    (root / "b.egg-info").symlink_to(outside / "a-1.dist-info" / "METADATA")
    found, _ = inventory(root)
    assert found == {}


def test_the_same_tree_gives_the_same_bytes(airlock, tmp_path):
    write(tmp_path / "root", debian({f"usr/share/{i}": bytes([i]) for i in range(50)}))
    assert len({airlock("sbom", tmp_path / "root").out for _ in range(3)}) == 1


# ── packages and system images ──


def test_packages_say_what_they_are(inventory, tmp_path):
    content = b"program"
    header = made.rpm_header("rpmdemo", files=[("/usr/bin/", "x", hashlib.sha256(content).hexdigest(), 0)])
    (tmp_path / "rpmdemo-1.0-1.x86_64.rpm").write_bytes(made.rpm_package(header, {"./usr/bin/x": content}))
    apk = io.BytesIO()
    with tarfile.open(fileobj=apk, mode="w:gz") as archive:
        info = tarfile.TarInfo(".PKGINFO")
        text = b"pkgname = demo\npkgver = 1.0-r0\narch = x86_64\nlicense = MIT\n"
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    (tmp_path / "demo-1.0-r0.apk").write_bytes(apk.getvalue())
    (tmp_path / "demo.jar").write_bytes(made.jar({"META-INF/maven/g/a/pom.properties": b"groupId=g\nartifactId=a\nversion=1.0\n", "lib/b-2.0.jar": made.jar({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n"})}))
    wanted = {
        packages.wheel(tmp_path, "demo", "1.0"): "pkg:pypi/demo@1.0",
        packages.sdist(tmp_path, "demo", "1.0"): "pkg:pypi/demo@1.0",
        packages.npm(tmp_path, "@x/demo", "1.0.0"): "pkg:npm/%40x/demo@1.0.0",
        packages.deb(tmp_path, "demo", "1.0"): "pkg:deb/debian/demo@1.0",
        tmp_path / "rpmdemo-1.0-1.x86_64.rpm": "pkg:rpm/redhat/rpmdemo@1.0-1",
        tmp_path / "demo-1.0-r0.apk": "pkg:apk/alpine/demo@1.0-r0",
        tmp_path / "demo.jar": "pkg:maven/g/a@1.0",
    }
    for path, purl in wanted.items():
        found, _ = inventory(path)
        assert any(one.startswith(purl) for one in found), (path, list(found))
    found, _ = inventory(tmp_path)
    assert {purl.split("?")[0] for purl in wanted.values()} <= {one.split("?")[0] for one in found}


def test_an_rpm_whose_files_differ_from_its_header_is_refused(inventory, tmp_path):
    header = made.rpm_header(files=[("/usr/bin/", "x", hashlib.sha256(b"right").hexdigest(), 0)])
    path = tmp_path / "demo-1.0-1.x86_64.rpm"
    path.write_bytes(made.rpm_package(header, {"./usr/bin/x": b"wrong"}))
    _, result = inventory(path, status=1)
    assert "do not have the digest" in result.err


@pytest.mark.parametrize("magic", [b"hsqs", b"QFI\xfb", b"KDMV", b"vhdxfile"])
def test_disks_and_squashfs_are_not_scanned_and_said(inventory, tmp_path, magic):
    (tmp_path / "disk.img").write_bytes(magic + b"\0" * 4096)
    for path in (tmp_path / "disk.img", tmp_path):
        _, result = inventory(path)
        assert "no reader of ours understands" in result.err and "incomplete" in result.err


@pytest.mark.parametrize("options", [["-R"], ["-R", "-J"], ["-r", "-iso-level", "3"]], ids=["rock-ridge", "joliet", "level-3"])
def test_an_iso_image_is_read(inventory, tmp_path, options):
    """A root file system on an ISO image, as genisoimage writes it: what its database says, and whose files they are."""
    tree = {"usr/bin/demo": elf(), "usr/bin/stranger": elf()}
    root = write(tmp_path / "root", debian(tree | {"usr/lib/large.so": bytes(4 << 20)}, record={"usr/bin/demo": elf()}), tree)
    image = tmp_path / "system.iso"
    subprocess.run(["genisoimage", "-quiet", *options, "-o", image, root], check=True, capture_output=True, timeout=60)
    found, result = inventory(image)
    assert properties(found[LIBC])["airlock:owned"] == "true" and found_at(found[LIBC]) == ["var/lib/dpkg/status"]
    assert "usr/bin/stranger" in found and "usr/bin/demo" not in found
    assert "incomplete" not in result.err
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    _, result = inventory(image, status=(0, 1))
    assert "incomplete" in result.err, "half an image is not an image with half of its packages"


# ── models ──


def test_models_are_components_with_what_their_own_files_say(inventory, tmp_path):
    (tmp_path / "model.gguf").write_bytes(gguf())
    write(tmp_path / "hf", {"config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}', "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"})
    found, _ = inventory(tmp_path)
    weights = found["hf/model.safetensors"]
    assert weights["type"] == "machine-learning-model"
    assert weights["modelCard"]["modelParameters"] == {"architectureFamily": "llama", "modelArchitecture": "LlamaForCausalLM"}
    assert weights["hashes"][0]["content"] == hashlib.sha256(b"\x02\0\0\0\0\0\0\0{}").hexdigest()
    alone, _ = inventory(tmp_path / "model.gguf")
    assert found["model.gguf"]["modelCard"] == alone["model.gguf"]["modelCard"]
    assert found["model.gguf"]["modelCard"]["modelParameters"]["architectureFamily"] == "llama"


def test_a_scan_reads_an_rpm_to_its_end(airlock, tmp_path):
    content = b"#!/bin/sh\nexec true\n"
    header = made.rpm_header("demo", files=[("/usr/bin/", "x", hashlib.sha256(content).hexdigest(), 0)])
    path = tmp_path / "demo-1.0-1.x86_64.rpm"
    path.write_bytes(made.rpm_package(header, {"./usr/bin/x": content}))
    [row] = airlock("scan", path, json=True).json["files"]
    assert (row["format"], row["verdict"]) == ("rpm", "clean")
    path.write_bytes(made.rpm_package(header, {"./usr/bin/x": b"other"}))
    [row] = airlock("scan", path, json=True, status=1).json["files"]
    assert [one["rule"] for one in row["findings"]][0] == "rpm-files"


def test_a_debian_package_has_the_licences_of_its_copyright(inventory, tmp_path):
    write(tmp_path, {**debian(), "usr/share/doc/demo/copyright": b"License: GPL-2+ or MIT\nLicense: BSD-3-clause\n"})
    found, _ = inventory(tmp_path)
    assert found[LIBC]["licenses"] == [{"expression": "(GPL-2.0-or-later OR MIT) AND BSD-3-Clause", "acknowledgement": "concluded"}]


def test_a_licence_is_concluded_from_the_record_and_the_files_beside_it(inventory, tmp_path):
    info, ours = "lib/demo-1.0.dist-info/", (ROOT / "LICENSE").read_bytes()
    record = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    write(tmp_path, {info + "METADATA": record + b"Classifier: License :: OSI Approved :: Apache Software License\n", info + "licenses/LICENSE": ours})
    found, _ = inventory(tmp_path)
    assert found["pkg:pypi/demo@1.0"]["licenses"] == [{"expression": "Apache-2.0", "acknowledgement": "concluded"}]
    write(tmp_path, {info + "METADATA": record + b"License: MIT\n"})
    found, _ = inventory(tmp_path)
    assert found["pkg:pypi/demo@1.0"]["licenses"][0]["expression"] == "MIT AND Apache-2.0"
    write(tmp_path, {info + "METADATA": record + b"License: BSD\n", info + "licenses/LICENSE": b"Ask us.\n"})
    found, _ = inventory(tmp_path)
    assert found["pkg:pypi/demo@1.0"]["licenses"] == [{"license": {"name": "BSD"}}]


def test_a_model_has_the_licence_of_its_card(inventory, tmp_path):
    write(tmp_path, {"a/model.safetensors": b"x", "a/README.md": b"---\nlicense: other\nlicense_name: some-licence\n---\n# A\n", "b/model.safetensors": b"x"})
    found, _ = inventory(tmp_path)
    assert found["a/model.safetensors"]["licenses"][0]["expression"] == "LicenseRef-some-licence"
    assert "licenses" not in found["b/model.safetensors"]
