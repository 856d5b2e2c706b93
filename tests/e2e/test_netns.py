"""The namespace that the clients' tests stand on: loopback is there, and nothing else."""

import subprocess
import sys

from netns import Namespace

LISTEN = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); c, _ = s.accept(); c.sendall(b'inside')"
REACH = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"


def test_nothing_but_loopback_is_there():
    with Namespace() as space:
        devices = subprocess.run(space.command(["cat", "/proc/net/dev"]), capture_output=True, text=True, check=True).stdout
        assert [line.split(":")[0].strip() for line in devices.splitlines()[2:]] == ["lo"]
        routes = subprocess.run(space.command(["cat", "/proc/net/route"]), capture_output=True, text=True, check=True).stdout
        assert len(routes.splitlines()) <= 1, routes
        reach = subprocess.run(space.command([sys.executable, "-c", REACH]), capture_output=True, text=True, check=False)
        assert reach.returncode != 0 and "unreachable" in reach.stderr


def test_a_program_outside_talks_to_one_inside_through_a_socket_of_the_namespace():
    with Namespace() as space:
        with subprocess.Popen(space.command([sys.executable, "-c", LISTEN]), stdout=subprocess.PIPE, text=True) as server:
            port = int(server.stdout.readline())
            with space.connect(port, 10) as made:
                assert made.recv(100) == b"inside"
        try:
            space.connect(port)
            raise AssertionError("somebody listens still")
        except ConnectionRefusedError:
            pass
