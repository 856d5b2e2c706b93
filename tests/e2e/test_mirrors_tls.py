"""The mirrors over TLS: pip, uv and npm take everything, npm's tarballs too, from https and nowhere else."""

import json
import subprocess

import pytest
from clients import inside, python_clients  # noqa: F401  (fixtures)
from conftest import Server, wait_for
from shop import shop  # noqa: F401
from test_tls import Tls


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


def use_a_pair_with_an_authority(tls):
    """uv takes no certificate that is an authority and a server's at once, as a self-signed one is: a small authority, and a pair of its."""
    folder, home = tls.folder, tls.home / "tls"
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new, "-days", "30", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=authority")
    openssl("req", *new, "-keyout", home / "server.key", "-out", folder / "server.csr", "-subj", "/CN=mirror")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "20", "-extfile", folder / "server.ext", "-out", home / "server.pem")
    tls.certificate = folder / "ca.pem"


@pytest.fixture
def tls(inside, shop, tmp_path):
    """A serve over TLS in the namespace, with a token for `test`."""
    one = Tls(shop, tmp_path)
    use_a_pair_with_an_authority(one)
    one.server = Server(inside.space.command([shop.path, "--home", one.home, "serve", "--port", "0"]), tmp_path / "serve.log", None)
    one.found = wait_for(one.find, "run/serve.json")
    one.token = one.world.run("token", "new", "anna", "--role", "consumer", "--env", "test", json=True).json["token"]
    yield one
    one.server.stop()


def test_pip_uv_and_npm_install_over_tls(inside, tls, tmp_path):
    simple = f"https://airlock:{tls.token}@127.0.0.1:{tls.port}/pypi/test/simple/"
    inside.run(["pip", "install", "--disable-pip-version-check", "--cert", tls.certificate, "--index-url", simple, "--target", "by-pip", "greet"], tmp_path)
    inside.run(["uv", "pip", "install", "--default-index", simple, "--target", "by-uv", "greet"], tmp_path, env={"SSL_CERT_FILE": str(tls.certificate), "UV_PYTHON_DOWNLOADS": "never"})
    for folder in ("by-pip", "by-uv"):
        done = inside.run(["/usr/bin/python3", "-c", "import greet; greet.main()"], tmp_path, env={"PYTHONPATH": str(tmp_path / folder)})
        assert done.stdout.strip() == "greet 1.0.0: hello from inside"

    place = f"//127.0.0.1:{tls.port}/npm/test/"
    (tmp_path / ".npmrc").write_text(f"registry=https:{place}\n{place}:_authToken={tls.token}\ncafile={tls.certificate}\nfetch-retries=0\n")
    (tmp_path / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"hello-pad": "1.0.0"}}))
    inside.run(["npm", "install", "--no-audit"], tmp_path)
    assert inside.run(["node", "node_modules/hello-pad/bin/say.js"], tmp_path).stdout.startswith("hello-pad 1.0.0")
    resolved = [one.get("resolved", "") for one in json.loads((tmp_path / "package-lock.json").read_text())["packages"].values()]
    assert sum(one.startswith(f"https:{place}") for one in resolved) == 2
