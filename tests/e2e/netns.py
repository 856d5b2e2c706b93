"""A network namespace in which there is nothing but loopback: what runs in it reaches whoever else runs in it, and nobody besides.

    with Namespace() as space:
        subprocess.run(space.command(["pip", "download", ...]))     # runs in it
        space.connect(8080)                                         # a socket in it, for a program that is not

Works as root and as an ordinary user (who gets a user namespace with it). Run as a program, this file is the process that keeps the namespace
there and makes such sockets."""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def keep(wire):
    """Answers each port number with a socket that is connected to it, or with why not; ends with its parent."""
    loopback_up()
    wire.sendall(b"ready")
    while port := wire.recv(2):
        try:
            with socket.create_connection(("127.0.0.1", struct.unpack("!H", port)[0]), 10) as made:
                made.settimeout(None)
                socket.send_fds(wire, [b"here"], [made.fileno()])
        except OSError as why:
            wire.sendall(str(why).encode())


class Namespace:
    def __init__(self):
        self.wire, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        flags = ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
        with other:
            command = ["unshare", *flags, sys.executable, __file__, str(other.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        self.wire.settimeout(20)
        if self.wire.recv(16) != b"ready":
            why = self.process.stderr.read().decode(errors="replace")
            self.close()
            raise OSError(f"no network namespace can be made here: {why}")
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        self.enter = ["nsenter", "--target", str(self.process.pid), *user, "--net", "--"]

    def command(self, words):
        """The command line that runs `words` in here."""
        return [*self.enter, *map(str, words)]

    def connect(self, port, timeout=None):
        """A socket that is connected to this port of loopback in here."""
        self.wire.sendall(struct.pack("!H", port))
        said, passed, _, _ = socket.recv_fds(self.wire, 4096, 1)
        if not passed:
            raise ConnectionRefusedError(said.decode(errors="replace"))
        made = socket.socket(fileno=passed[0])
        made.settimeout(timeout)
        return made

    def close(self):
        self.wire.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()


if __name__ == "__main__":
    keep(socket.socket(fileno=int(sys.argv[1])))
