"""serve over TLS, as stock clients see it: curl and openssl. Keys and certificates are made here, by openssl."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest
from conftest import Server, wait_for
from served import made, needs  # noqa: F401  (fixture)
from world import World

pytestmark = [needs("openssl"), needs("curl")]


def make_pair(folder, name, host="airlock.test"):
    """A key and a certificate of its own for `host` and 127.0.0.1. Returns both paths."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"], check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    key.chmod(0o600)
    return certificate, key


class Tls:
    """A contour's copy whose airlock.yaml has a `tls` section, and a serve on it."""

    def __init__(self, made, folder, environments="[]", listen="127.0.0.1"):
        shutil.copytree(made.contour, folder / "contour", symlinks=True)
        self.path, self.folder, self.home = made.path, folder, folder / "contour"
        self.world = World(made.path, folder)
        (self.home / "tls").mkdir()
        self.use("first")
        config = self.home / "airlock.yaml"
        text = re.sub(r"environments: .*", f"environments: {environments}", config.read_text())
        text = re.sub(r"listen: .*", f"listen: '{listen}'", text)
        config.write_text(text + "\ntls:\n  certificate: tls/server.pem\n  key: tls/server.key\n")
        self.server = None

    def use(self, name):
        """Puts a new pair into place; returns its certificate."""
        pair = make_pair(self.folder, name)
        for source, to in zip(pair, ("server.pem", "server.key"), strict=True):
            shutil.copy2(source, self.home / "tls" / f".{to}")
            (self.home / "tls" / f".{to}").rename(self.home / "tls" / to)
        self.certificate = pair[0]
        return pair[0]

    def start(self):
        self.server = Server([self.path, "--home", self.home, "serve", "--port", "0"], self.folder / "serve.log", None)
        self.found = wait_for(self.find, "run/serve.json")
        return self

    def find(self):
        assert not self.server.ended(), self.server.output
        try:
            return json.loads((self.home / "run/serve.json").read_text())
        except (OSError, ValueError):
            return None

    @property
    def port(self):
        return self.found["port"]

    def curl(self, *args, certificate=None, path="/healthz", status=0):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--cacert", certificate or self.certificate, *args, f"https://127.0.0.1:{self.port}{path}"],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert done.returncode == status, done
        return done.stdout

    def connect(self, certificate):
        """A connection that trusts exactly this certificate."""
        context = ssl.create_default_context(cafile=certificate)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=20), server_hostname="airlock.test")

    def serves(self, certificate):
        try:
            self.connect(certificate).close()
            return True
        except ssl.SSLCertVerificationError:
            return False

    def events(self, name):
        found = []
        for line in self.server.output.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == name:
                found.append(event)
        return found

    def end(self):
        if self.server:
            if not self.server.ended():
                self.server.stop()
            self.server.kill()


@pytest.fixture
def tls(made, tmp_path):
    one = Tls(made, tmp_path)
    yield one
    one.end()


def ask(connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: airlock.test\r\n\r\n")
    seen = b""
    while b"ok\n" not in seen:
        piece = connection.recv(4096)
        assert piece, seen
        seen += piece
    return seen


def test_curl_speaks_tls_1_2_and_1_3(tls):
    tls.start()
    assert tls.found["tls"] is True
    for version in ("1.2", "1.3"):
        assert tls.curl("--tlsv" + version, "--tls-max", version, "--write-out", "%{ssl_verify_result} %{http_version}").endswith("ok\n0 1.1")


def test_older_versions_and_plain_http_are_refused(tls):
    tls.start()
    for version in ("-tls1", "-tls1_1"):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{tls.port}", version, "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=30
        )  # fmt: skip
        assert done.returncode != 0 and "no peer certificate available" in done.stdout, done
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls.port}", "-tls1_2"], input="", capture_output=True, text=True, timeout=30)
    assert "Protocol  : TLSv1.2" in done.stdout, done
    for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):  # no forward secrecy; CBC
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls.port}", "-tls1_2", "-cipher", weak], input="", capture_output=True, text=True, timeout=30)
        assert done.returncode != 0, done
    with socket.create_connection(("127.0.0.1", tls.port), timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        seen = b""
        try:
            while piece := plain.recv(4096):
                seen += piece
        except ConnectionError:
            pass
    assert b"HTTP/" not in seen and b"ok" not in seen


def test_a_new_pair_is_taken_while_an_old_connection_goes_on(tls):
    tls.start()
    first = tls.certificate
    old = tls.connect(first)
    ask(old)
    second = tls.use("second")
    wait_for(lambda: tls.serves(second), "the new certificate", timeout=15)
    assert not tls.serves(first)
    assert b"200 OK" in ask(old)
    old.close()
    assert len(tls.events("tls-loaded")) == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", tls.events("tls-loaded")[1]["expires"])


def test_a_pair_that_does_not_load_leaves_the_old_one(tls):
    tls.start()
    first = tls.certificate
    key = tls.home / "tls/server.key"
    good = key.read_bytes()
    os.unlink(key)
    key.write_bytes(make_pair(tls.folder, "other")[1].read_bytes())
    key.chmod(0o600)
    wait_for(lambda: tls.events("tls-refused"), "an event", timeout=15)
    assert "is not the one of the first certificate" in tls.events("tls-refused")[0]["reason"]
    assert tls.serves(first)
    key.write_bytes(good)
    wait_for(lambda: len(tls.events("tls-loaded")) == 2, "an event", timeout=15)
    assert tls.serves(first)


def test_sighup_loads_at_once_and_ends_nothing(tls):
    tls.start()
    second = tls.use("second")
    tls.server.process.send_signal(1)
    wait_for(lambda: tls.serves(second), "the new certificate", timeout=15)
    tls.curl(certificate=second)


def refused(tls):
    """serve's exit status and what it says."""
    done = tls.world.run("serve", "--port", "0", home=tls.home, status=None, timeout=30)
    return done.status, done.err


def test_serve_does_not_start_with_a_key_that_does_not_fit(tls):
    shutil.copy(make_pair(tls.folder, "other")[1], tls.home / "tls/server.key")
    status, text = refused(tls)
    assert status == 3 and "tls/server.key is not the one of the first certificate in tls/server.pem" in text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_serve_does_not_start_with_a_key_that_others_may_read(tls, mode):
    (tls.home / "tls/server.key").chmod(mode)
    status, text = refused(tls)
    assert status == 5 and f"mode {mode:04o}" in text and "chmod 600" in text


def test_serve_does_not_start_without_its_files_or_with_other_things_in_them(tls):
    certificate = tls.home / "tls/server.pem"
    good = certificate.read_bytes()
    certificate.write_bytes(b"nothing\n")
    status, text = refused(tls)
    assert status == 3 and "wanted certificates in PEM" in text
    certificate.unlink()
    status, text = refused(tls)
    assert status == 4 and "tls/server.pem" in text
    certificate.write_bytes(good)
    (tls.home / "tls/server.key").unlink()
    status, text = refused(tls)
    assert status == 4 and "tls/server.key" in text


def test_a_sealed_key_is_refused_by_name(tls):
    key = tls.home / "tls/server.key"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", tls.folder / "sealed", "-passout", "pass:x"], check=True, capture_output=True, timeout=30)
    key.write_bytes((tls.folder / "sealed").read_bytes())
    status, text = refused(tls)
    assert status == 3 and "sealed" in text


def test_with_tls_any_address_may_be_listened_on(made, tmp_path):
    one = Tls(made, tmp_path, listen="0.0.0.0")
    try:
        one.start()
        assert one.curl() == "ok\n"
        status = one.world.run("status", home=one.home, json=True).json
        assert status["serve"]["url"] == f"https://0.0.0.0:{one.port}"
    finally:
        one.end()


def test_without_tls_only_loopback_may_be_listened_on(tls):
    config = tls.home / "airlock.yaml"
    config.write_text(config.read_text().split("\ntls:\n")[0] + "\n")
    done = tls.world.run("serve", "--listen", "0.0.0.0", "--port", "0", home=tls.home, status=2)
    assert "needs TLS" in done.err


def test_both_files_are_named_or_none(tls):
    config = tls.home / "airlock.yaml"
    config.write_text(config.read_text().replace("  key: tls/server.key\n", ""))
    status, text = refused(tls)
    assert status == 3 and "airlock.yaml" in text and "key" in text


def test_ask_speaks_tls_and_believes_the_contours_own_certificate_only(made, tmp_path):
    one = Tls(made, tmp_path, environments="[prod]")
    try:
        one.start()
        operator = (one.home / "run/operator.token").read_text()
        wait_for(lambda: one.curl("--header", f"Authorization: Bearer {operator}", "--write-out", "%{http_code}", path="/readyz").endswith("200"), "an engine that answers", timeout=60)
        assert one.world.run("ask", "hello", home=one.home).out.strip()
        # Another server's certificate in the contour: the one that answers is not it.
        shutil.copy(make_pair(tmp_path, "other")[0], one.home / "tls/server.pem")
        done = one.world.run("ask", "hello", home=one.home, status=7)
        assert "pinned" in done.err
    finally:
        one.end()
