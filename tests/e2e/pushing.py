"""One client of the OCI API that does what it is told, wrong things too.

    repository = Repository(served, token, "sandbox/things")
    repository.push(b"bytes")                                # the blob's digest
    repository.put_manifest("v1", repository.image(b"a", b"b"))"""

import contextlib
import hashlib
import http.client
import json

from served import Reply

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def descriptor(data, media_type="application/octet-stream", **more):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


class Repository:
    def __init__(self, served, token, name):
        self.served, self.token, self.name = served, token, name

    def call(self, method, path, body=None, **headers):
        """`path` is below the repository, or absolute. Headers: content_range="0-9"."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=60)
        if self.served.space:
            connection.sock = self.served.space.connect(self.served.port, 60)
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted["Authorization"] = f"Bearer {self.token}"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an answer may come before the body's end
            connection.request(method, path if path.startswith("/") else f"/v2/{self.name}/{path}", body, wanted)
        reply = connection.getresponse()
        result = Reply(reply.status, reply.headers, reply.read())
        connection.close()
        return result

    def begin(self):
        """Where the upload goes on."""
        reply = self.call("POST", "blobs/uploads/")
        assert reply.status == 202, reply.text
        return reply.headers["Location"]

    def finish(self, upload, digest, body=b"", **headers):
        return self.call("PUT", f"{upload}?digest={digest}", body, **headers)

    def push(self, data):
        digest = digest_of(data)
        reply = self.call("POST", f"blobs/uploads/?digest={digest}", data)
        assert reply.status == 201, reply.text
        return digest

    def image(self, *layers, config=b"{}", **more):
        """Pushes the parts and gives the manifest's bytes."""
        for part in (config, *layers):
            self.push(part)
        return manifest(*layers, config=config, **more)

    def put_manifest(self, reference, data, media_type=MANIFEST):
        return self.call("PUT", f"manifests/{reference}", data, content_type=media_type)

    def code(self, reply):
        return reply.json["errors"][0]["code"]


def manifest(*layers, config=b"{}", **more):
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, EMPTY), "layers": [descriptor(layer) for layer in layers], **more}
    return json.dumps(document).encode()


def pushed_files(home):
    """What lies in pushed/: names of blobs, names of uploads."""
    blobs, uploads = home / "pushed/blobs/sha256", home / "pushed/uploads"
    return {p.name for p in blobs.iterdir()}, {p.name for p in uploads.iterdir()} if uploads.is_dir() else set()
