"""An upstream of the test's own on loopback: a PyPI index, an npm registry and an apt archive over hand-made packages, or what a test says
instead of them.

    with Upstream(folder) as up:
        up.wheel("six", "1.16.0")                      # each returns the file that it serves
        up.npm("tiny", "1.0.0")
        up.deb("hello", "2.10-3")
        up.url + "/simple/"                            # and so on, see below
        up.answers["/files/x.whl"] = lambda handler: …  # something else instead
        up.asked                                       # the paths that were asked for
"""

import base64
import gzip
import hashlib
import http.server
import json
import re
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import packages

DATE = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(time.time() - 3600))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        up = self.server.upstream
        up.asked.append(self.path)
        answer = up.answers.get(self.path) or up.find(self)
        try:
            if callable(answer):
                answer(self)
            elif answer is None:
                self.give(b"not here", status=404)
            else:
                self.give(*answer)
        except OSError:
            self.close_connection = True  # the other side has gone

    def give(self, body, kind="application/octet-stream", status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Upstream:
    """`tls`: https, by the name localhost, with a certificate of its own in certificate.pem."""

    def __init__(self, folder, suite="stable", tls=False):
        self.folder = Path(folder)
        self.tls = tls
        self.folder.mkdir(parents=True, exist_ok=True)
        self.suite = suite
        self.answers, self.asked = {}, []
        self.projects, self.tarballs, self.debs = {}, {}, []
        self.file_base = None  # what stands before /files/ on the pages of the index; None: this server
        self.stopping = threading.Event()
        self.gnupg = None

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.upstream = self
        if self.tls:
            self.wrap()
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"https://localhost:{self.server.server_port}" if self.tls else f"http://127.0.0.1:{self.server.server_port}"
        return self

    def wrap(self):
        self.certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        subprocess.run([*made, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.certificate], capture_output=True, check=True, timeout=60)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    def __exit__(self, *_):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
        if self.gnupg:
            self.gnupg.cleanup()

    # ── what is served ──

    def wheel(self, name, version, **rest):
        return self.project(name, packages.wheel(self.folder, name, version, **rest))

    def sdist(self, name, version, **rest):
        return self.project(name, packages.sdist(self.folder, name, version, **rest))

    def project(self, name, path):
        self.projects.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(path)
        return path

    def npm(self, name, version, **rest):
        path = packages.npm(self.folder, name, version, **rest)
        self.tarballs[f"/npm/{name}/-/{name.split('/')[-1]}-{version}.tgz"] = path
        return path

    def deb(self, name, version, **rest):
        path = packages.deb(self.folder, name, version, **rest)
        self.debs.append((name, version, rest.get("architecture", "all"), path))
        return path

    def find(self, handler):
        path = handler.path
        if path.startswith("/simple/"):
            return self.page(path.split("/")[2], handler.headers.get("Accept", ""))
        if path.startswith("/files/"):
            found = [p for files in self.projects.values() for p in files if p.name == path.split("/")[-1]]
            return (found[0].read_bytes(),) if found else None
        if path in self.tarballs:
            return (self.tarballs[path].read_bytes(),)
        return self.archive(path)

    def page(self, name, accept):
        if name not in self.projects:
            return None
        base = self.file_base or self.url
        rows = [(p.name, f"{base}/files/{p.name}", sha256(p.read_bytes())) for p in self.projects[name]]
        if "application/vnd.pypi.simple.v1+json" in accept:
            files = [{"filename": n, "url": u, "hashes": {"sha256": h}} for n, u, h in rows]
            return json.dumps({"meta": {"api-version": "1.0"}, "name": name, "files": files}).encode(), "application/vnd.pypi.simple.v1+json"
        return "".join(f'<a href="{u}#sha256={h}">{n}</a>\n' for n, u, h in rows).encode(), "text/html"

    # ── the registry of images ──

    def put(self, repository, kind, data, media_type="application/octet-stream"):
        digest = "sha256:" + sha256(data)
        self.answers[f"/v2/{repository}/{kind}/{digest}"] = (data, media_type)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(self, repository, content=b"hello\n"):
        """An index with one image of one layer; returns the index's digest."""
        self.answers["/v2/"] = (b"{}", "application/json")
        layer = packages.gz(packages.tar_bytes({"hello.txt": content}))
        diff = "sha256:" + sha256(gzip.decompress(layer))
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode()
        oci = "application/vnd.oci.image."
        manifest = {
            "schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
            "config": self.put(repository, "blobs", config, oci + "config.v1+json"),
            "layers": [self.put(repository, "blobs", layer, oci + "layer.v1.tar+gzip")],
        }
        below = self.put(repository, "manifests", json.dumps(manifest).encode(), oci + "manifest.v1+json")
        index = {"schemaVersion": 2, "mediaType": oci + "index.v1+json", "manifests": [{**below, "platform": {"architecture": "amd64", "os": "linux"}}]}
        return self.put(repository, "manifests", json.dumps(index).encode(), oci + "index.v1+json")["digest"]

    # ── the apt archive ──

    def sign(self):
        """Makes the archive's key at the first call; returns the keyring, as a client wants it."""
        keyring = self.folder / "archive.gpg"
        if not self.gnupg:
            self.gnupg = tempfile.TemporaryDirectory(prefix="airlock-gpg-")  # short: the agent's socket lies in it
            self.gpg("--passphrase", "", "--quick-generate-key", "Archive <archive@example.org>", "ed25519", "sign", "never")
            keyring.write_bytes(self.gpg("--export"))
        return keyring

    def gpg(self, *args, data=None):
        done = subprocess.run(
            ["gpg", "--homedir", self.gnupg.name, "--batch", "--yes", "--quiet", "--no-tty", *args],
            input=data, capture_output=True, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def stop_gpg(self):
        subprocess.run(["gpgconf", "--homedir", self.gnupg.name, "--kill", "all"], capture_output=True, timeout=30, check=False)

    def publish(self):
        """Indexes of the debs that there are, signed; returns the keyring."""
        keyring = self.sign()
        text = ""
        for name, version, architecture, path in self.debs:
            data = path.read_bytes()
            text += f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: Tests <tests@example.org>\n"
            text += f"Filename: pool/{path.name}\nSize: {len(data)}\nSHA256: {sha256(data)}\nDescription: made for a test\n\n"
        self.index = {f"main/binary-amd64/Packages{end}": data for end, data in (("", text.encode()), (".gz", gzip.compress(text.encode(), mtime=0)))}
        release = f"Origin: Tests\nSuite: {self.suite}\nCodename: {self.suite}\nDate: {DATE}\n"
        release += "Architectures: amd64\nComponents: main\nSHA256:\n"
        release += "".join(f" {sha256(data)} {len(data)} {name}\n" for name, data in self.index.items())
        self.inrelease = self.gpg("--clearsign", data=release.encode())
        self.stop_gpg()
        return keyring

    def archive(self, path):
        top = f"/debian/dists/{self.suite}/"
        if path == top + "InRelease":
            return (self.inrelease,)
        if path.startswith(top) and path[len(top) :] in self.index:
            return (self.index[path[len(top) :]],)
        if path.startswith("/debian/pool/"):
            found = [p for *_, p in self.debs if p.name == path.split("/")[-1]]
            return (found[0].read_bytes(),) if found else None
        return None

    # ── lock files ──

    def requirements(self, *paths):
        """Lines that pin files of the index by name, version and hash."""
        lines = {}
        for path in paths:
            stem = path.name.removesuffix(".tar.gz")
            lines.setdefault("==".join(stem.split("-")[:2]), []).append(f"--hash=sha256:{sha256(path.read_bytes())}")
        return "".join(f"{name.replace('_', '-')} {' '.join(hashes)}\n" for name, hashes in lines.items())

    def npm_lock(self, *names):
        """package-lock.json, version 3, that pins the tarballs of these packages."""
        rows = {"": {"name": "app", "version": "1.0.0"}}
        for name, version in names:
            path = self.tarballs[f"/npm/{name}/-/{name.split('/')[-1]}-{version}.tgz"]
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
            resolved = f"{self.url}/npm/{name}/-/{name.split('/')[-1]}-{version}.tgz"
            rows[f"node_modules/{name}"] = {"version": version, "resolved": resolved, "integrity": integrity}
        return json.dumps({"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": rows})
