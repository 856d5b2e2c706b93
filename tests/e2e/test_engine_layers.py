"""Hostile layers, made by Python's tarfile, given to the real unpack role: `airlock --role unpack`, confined, speaking the wire format of
src/sandbox/child.c. What it must refuse, it refuses with words; nothing appears beside the directory that it was given."""

import gzip
import hashlib
import io
import json
import os
import socket
import struct
import subprocess
import tarfile

import pytest

TAR = "application/vnd.oci.image.layer.v1.tar"
INPUT, LIMIT = 2, 3  # err.h


def member(name, kind=tarfile.REGTYPE, text="", link="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.size = len(text.encode()) if kind == tarfile.REGTYPE else 0
    return info, io.BytesIO(text.encode())


def layer(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, content)
    return out.getvalue()


class Role:
    """The helper process, spoken to as its parent does."""

    def __init__(self, program, folder):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        sources = [os.dup(theirs.fileno()), os.dup(directory)]
        high = [os.dup2(fd, 200 + i, inheritable=True) for i, fd in enumerate(sources)]

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen([str(program), "--role", "unpack"], preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL)
        for fd in (*sources, *high, directory):
            os.close(fd)
        theirs.close()
        self.ours.settimeout(30)
        code, text = self.reply()
        assert code == 0, text

    def exactly(self, size):
        got = b""
        while len(got) < size:
            part = self.ours.recv(size - len(got))
            assert part, "the helper is gone"
            got += part
        return got

    def reply(self):
        code, size = struct.unpack(">II", self.exactly(8))
        return code, self.exactly(size).decode()

    def ask(self, operation, argument, file=None):
        head = struct.pack(">IIIIQ", len(operation), len(argument), 0, file is not None, len(file or b""))
        body = head + operation.encode() + argument.encode()
        if file is None:
            self.ours.sendall(body)
        else:
            descriptor = os.memfd_create("layer")
            os.write(descriptor, file)
            socket.send_fds(self.ours, [body], [descriptor])
            os.close(descriptor)
        return self.reply()

    def layer(self, number, content, media_type=TAR):
        return self.ask("layer", json.dumps({"number": number, "media_type": media_type}), content)

    def finish(self):
        return self.ask("finish", "sha256:" + "ab" * 32)

    def close(self):
        self.ours.close()
        return self.process.wait(10)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "image").mkdir()
    (tmp_path / "secret").write_text("not for images")
    return tmp_path


@pytest.fixture
def role(airlock_path, place):
    role = Role(airlock_path, place / "image")
    yield role
    role.close()


def test_a_good_layer_is_unpacked_listed_and_digested(role, place):
    plain = layer(
        member("usr", tarfile.DIRTYPE, mode=0o755),
        member("usr/tool", text="#!run", mode=0o4755),
        member("usr/again", tarfile.LNKTYPE, link="usr/tool"),
        member("bin", tarfile.SYMTYPE, link="usr"),
    )
    code, text = role.layer(1, gzip.compress(plain), TAR + "+gzip")
    assert code == 0, text
    assert json.loads(text)["diff_id"] == "sha256:" + hashlib.sha256(plain).hexdigest()
    code, text = role.layer(2, layer(member("usr/.wh.again"), member("usr/new", text="n")))
    assert code == 0, text
    code, text = role.finish()
    assert code == 0, text
    root = place / "image" / "rootfs"
    assert (root / "usr/tool").stat().st_mode & 0o7777 == 0o755
    assert (root / "usr/tool").stat().st_uid == os.geteuid()
    assert os.readlink(root / "bin") == "usr"
    listed = json.loads((place / "image" / "tree.json").read_text())["entries"]
    assert [entry["path"] for entry in listed] == ["bin", "usr", "usr/new", "usr/tool"]
    assert listed[3]["sha256"] == hashlib.sha256(b"#!run").hexdigest()


def through(name):
    return member("way", tarfile.SYMTYPE, link=name)


HOSTILE = {
    "parent": ([member("../out", text="evil")], "found \"..\""),
    "deep parent": ([member("a/b/../../../out", text="evil")], "found \"..\""),
    "parent directory": ([member("..", tarfile.DIRTYPE)], "found \"..\""),
    "absolute": ([member("/out", text="evil")], "absolute path"),
    "symlink then write": ([through(".."), member("way/out", text="evil")], "through a symbolic link"),
    "absolute symlink then write": ([through("/tmp"), member("way/airlock-out", text="evil")], "through a symbolic link"),
    "symlink then directory": ([through(".."), member("way/out", tarfile.DIRTYPE)], "through a symbolic link"),
    "symlink then the same name": ([through("../out"), member("way", text="evil")], "twice in one layer"),
    "hard link out": ([member("x", tarfile.LNKTYPE, link="../../secret")], "hard link"),
    "hard link to an absolute path": ([member("x", tarfile.LNKTYPE, link="/etc/passwd")], "hard link"),
    "hard link through a symlink": ([through("../.."), member("x", tarfile.LNKTYPE, link="way/secret")], "hard link"),
    "hard link to a symlink": ([through("../../secret"), member("x", tarfile.LNKTYPE, link="way")], "hard link"),
    "character device": ([member("dev/null", tarfile.CHRTYPE)], "device node"),
    "block device": ([member("dev/sda", tarfile.BLKTYPE)], "device node"),
    "named pipe": ([member("pipe", tarfile.FIFOTYPE)], "named pipe"),
    "whiteout of the parent": ([member("a/.wh...", text="")], "plain names"),
    "the same file twice": ([member("f", text="good"), member("f", text="evil")], "twice in one layer"),
    "control character": ([member("a\x1b[31m", text="x")], "control character"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_layer_is_refused_and_nothing_gets_out(role, place, name):
    members, why = HOSTILE[name]
    code, text = role.layer(1, layer(*members))
    assert code == INPUT, text
    assert why in text
    assert sorted(p.name for p in place.iterdir()) == ["image", "secret"]
    assert sorted(p.name for p in (place / "image").iterdir()) == ["rootfs"]
    assert (place / "secret").read_text() == "not for images"
    assert (place / "secret").stat().st_nlink == 1
    assert not os.path.exists("/out") and not os.path.exists("/tmp/airlock-out")
    assert role.finish()[0] != 0, "a refused image must not be published"


def test_a_bomb_meets_its_limit(role):
    code, text = role.layer(1, gzip.compress(layer(member("zeros", text="\0" * (80 << 20)))), TAR + "+gzip")
    assert code == LIMIT and "grow" in text


def test_truncated_layers_are_refused(airlock_path, place):
    whole = gzip.compress(layer(member("f", text="content " * 500)))
    for size in (0, 1, 10, len(whole) // 2, len(whole) - 9):
        (folder := place / f"cut-{size}").mkdir()
        role = Role(airlock_path, folder)
        code, text = role.layer(1, whole[:size], TAR + "+gzip")
        assert code == INPUT, f"{size} bytes: {text}"
        role.close()


def test_the_role_can_do_nothing_but_its_work(airlock_path, place):
    """A message that it does not know ends nothing; a malformed one ends the sender's helper."""
    role = Role(airlock_path, place / "image")
    code, text = role.ask("shell", "true")
    assert code != 0 and "no operation" in text
    role.ours.sendall(b"\xff" * 24)
    assert role.ours.recv(1) == b""
    assert role.close() == 1
