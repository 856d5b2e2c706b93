"""Small packages for tests, made by hand: a wheel, a source distribution, an npm package, a Debian package, and a release that brings
them.

    from packages import wheel, sdist, npm, deb, with_packages

    def test_something(world):
        world.found()
        with_packages(world, "assistant", "v1.0.0", files=[wheel(world.folder, "six", "1.16.0")], documents={"handbook.txt": b"Read me."})
        world.receive(world.ship("assistant:v1.0.0"))
        world.people()
        world.to_prod("assistant:v1.0.0")

Each maker writes one file into `folder` and returns its path. The same arguments give the same bytes."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)


def record_line(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def zip_file(path, members):
    """members: {name: bytes}, in order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return Path(path)


def wheel(folder, name, version, *, modules=None, requires=(), tag="py3-none-any", metadata=None, members=None, record=None, filename=None, python=None):
    """A pure wheel with one module named as the package. `modules`: {path: bytes} instead. `members`: more members, {path: bytes}, that RECORD
    lists too. `metadata` and `record` (a function of the text) stand in the place of the right ones."""
    module = name.lower().replace("-", "_").replace(".", "_")
    written = name.replace("-", "_")
    info = f"{written}-{version}.dist-info"
    if metadata is None:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made for a test\n"
        metadata += f"Requires-Python: {python}\n" if python else ""
        metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = dict(modules or {f"{module}.py": f"VERSION = {version!r}\n".encode()})
    files.update(members or {})
    files[f"{info}/METADATA"] = metadata.encode()
    tags = "".join(f"Tag: {one}-{tag.split('-', 1)[1]}\n" for one in tag.split("-", 1)[0].split("."))
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n{tags}".encode()
    lines = "".join(record_line(path, data) for path, data in files.items()) + f"{info}/RECORD,,\n"
    files[f"{info}/RECORD"] = (record(lines) if record else lines).encode()
    return zip_file(Path(folder) / (filename or f"{written}-{version}-{tag}.whl"), files)


def tar_bytes(members, owner=""):
    """members: {name: bytes}; a name that ends with / is a folder; a value (bytes, mode) has a mode; a str is the target of a symbolic link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.uname = info.gname = owner
            data, info.mode = data if isinstance(data, tuple) else (data, 0o755 if name.endswith("/") else 0o644)
            if isinstance(data, str):
                info.type, info.linkname, data = tarfile.SYMTYPE, data, b""
            elif name.endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gz(data):
    return gzip.compress(data, mtime=0)


def sdist(folder, name, version, *, members=None, metadata=None, filename=None):
    """A source distribution that setuptools can build."""
    root = f"{name.replace('-', '_')}-{version}"
    module = name.lower().replace("-", "_")
    metadata = metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{root}/PKG-INFO": metadata.encode(),
        f"{root}/setup.py": f"from setuptools import setup\nsetup(name={name!r}, version={version!r}, py_modules=[{module!r}])\n".encode(),
        f"{root}/{module}.py": f"VERSION = {version!r}\n".encode(),
    }
    files.update(members or {})
    path = Path(folder) / (filename or f"{root}.tar.gz")
    path.write_bytes(gz(tar_bytes(files)))
    return path


def npm(folder, name, version, *, dependencies=None, manifest=None, members=None, filename=None):
    """An npm package with one module that exports its version. `manifest`: more members of package.json."""
    package = {"name": name, "version": version, "main": "index.js", **({"dependencies": dependencies} if dependencies else {}), **(manifest or {})}
    files = {
        "package/package.json": json.dumps(package, indent=2).encode(),
        "package/index.js": f"module.exports = {json.dumps(version)};\n".encode(),
    }
    files.update(members or {})
    path = Path(folder) / (filename or f"{name.lstrip('@').replace('/', '-')}-{version}.tgz")
    path.write_bytes(gz(tar_bytes(files)))
    return path


def ar_bytes(members):
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


def deb(folder, name, version, *, architecture="all", files=None, depends=None, control=None, sums=None, extra=None, filename=None):
    """A Debian package. files: {absolute path: bytes or (bytes, mode)}. `control` (a function of the text) and `sums` stand in the place of the
    right ones; extra: {name: bytes} more members of control.tar, as maintainer scripts."""
    files = files if files is not None else {f"/usr/share/{name}/text": f"{name} {version}\n".encode()}
    text = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: Tests <tests@example.org>\n"
    text += "Section: misc\nPriority: optional\n" + (f"Depends: {depends}\n" if depends else "") + "Description: made for a test\n It does nothing.\n"
    text = control(text) if control else text
    plain = {path: data[0] if isinstance(data, tuple) else data for path, data in files.items()}
    if sums is None:
        sums = "".join(f"{hashlib.md5(data).hexdigest()}  {path.lstrip('/')}\n" for path, data in plain.items() if isinstance(data, bytes))
    folders = sorted({f".{parent}/".replace("//", "/") for path in files for parent in Path(path).parents})
    data = {**{path: b"" for path in folders}, **{f".{path}": content for path, content in files.items()}}
    head = {"./": b"", "./control": text.encode(), "./md5sums": sums.encode(), **{f"./{n}": (c, 0o755) for n, c in (extra or {}).items()}}
    path = Path(folder) / (filename or f"{name}_{version.split(':')[-1]}_{architecture}.deb")
    path.write_bytes(
        ar_bytes({"debian-binary": b"2.0\n", "control.tar.gz": gz(tar_bytes(head, "root")), "data.tar.gz": gz(tar_bytes(data, "root"))})
    )
    return path


def write_with_packages(world, name="assistant", version="v1.0.0", *, files=(), documents=None, **changes):
    """Writes release.yaml with `packages:`; returns its path. files: package files. documents: {name: bytes} of ecosystem "file"."""
    path = world.write_release(name, version, **changes)
    text = "packages:\n"
    if files:
        text += "  local:\n" + "".join(f"    - {file}\n" for file in files)
    if documents:
        text += "  files:\n"
        for number, (key, data) in enumerate(documents.items()):
            source = path.parent / f"document-{number}{Path(key).suffix}"
            source.write_bytes(data)
            text += f"    {key}: {source.name}\n"
    if files or documents:
        path.write_text(path.read_text() + text)
    return path


def with_packages(world, name="assistant", version="v1.0.0", *, unchecked=False, **rest):
    """Packs a release that brings packages; returns its digest."""
    path = write_with_packages(world, name, version, **rest)
    options = ["--unchecked"] if unchecked else []
    return world.run("pack", path, *options, home=world.station, json=True).json["digest"]
