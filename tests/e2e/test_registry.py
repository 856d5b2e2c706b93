"""Stock clients pull an admitted release out, and nothing else."""

import base64
import hashlib
import json
import subprocess

from served import REF, made, needs, serve, served  # noqa: F401  (fixtures)

INDEX = "application/vnd.oci.image.index.v1+json"


def skopeo(*args, status=0):
    done = subprocess.run(["skopeo", *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode == 0) == (status == 0), done.stderr
    return done


def copy(served, repository, to, token, *more, status=0):
    source = f"docker://127.0.0.1:{served.port}/{repository}"
    return skopeo("--insecure-policy", "copy", *more, "--src-tls-verify=false", "--src-creds", f"x:{token}", source, to, status=status)


def blobs_under(layout):
    return {p.name for p in (layout / "blobs/sha256").iterdir()}


def reached(layout, digest, seen=None):
    """Every digest that an index or manifest reaches, itself first."""
    seen = set() if seen is None else seen
    seen.add(digest)
    path = layout / "blobs/sha256" / digest.split(":")[1]
    assert "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() == digest
    if path.stat().st_size < 1 << 20 and path.read_bytes()[:1] == b"{":
        document = json.loads(path.read_bytes())
        for one in [*document.get("manifests", []), *document.get("layers", []), *([document["config"]] if "config" in document and "digest" in document["config"] else [])]:
            reached(layout, one["digest"], seen)
    return seen


@needs("skopeo")
def test_skopeo_copies_the_whole_release_byte_by_byte(served, tmp_path):
    token = served.token("consumer", "prod")
    copy(served, "prod/assistant:v1.0.0", f"oci:{tmp_path}/out:v1.0.0", token, "--all", "--preserve-digests")
    index = json.loads((tmp_path / "out/index.json").read_text())
    assert index["manifests"][0]["digest"] == served.digest
    assert len(reached(tmp_path / "out", served.digest)) >= 8


@needs("skopeo")
def test_skopeo_copies_by_digest_and_by_latest_into_a_folder(served, tmp_path):
    token = served.token("consumer", "prod")
    copy(served, f"prod/assistant@{served.digest}", f"dir:{tmp_path}/by-digest", token, "--all")
    copy(served, "prod/assistant", f"dir:{tmp_path}/latest", token, "--all")
    for folder in ("by-digest", "latest"):
        manifest = (tmp_path / folder / "manifest.json").read_bytes()
        assert "sha256:" + hashlib.sha256(manifest).hexdigest() == served.digest


@needs("skopeo")
def test_what_lies_in_quarantine_is_not_there_and_is_after_admission(serve, tmp_path):
    served = serve()
    token = served.token("engineer", "*", person="ines")
    assert served.get(f"/v2/sandbox/assistant/manifests/{served.quarantined}", token).status == 404
    refused = copy(served, f"sandbox/assistant@{served.quarantined}", f"oci:{tmp_path}/no", token, "--all", status=1)
    assert "manifest unknown" in refused.stderr.lower()

    served.world.admit("assistant:v2.0.0")

    copy(served, f"sandbox/assistant@{served.quarantined}", f"oci:{tmp_path}/yes:x", token, "--all", "--preserve-digests")
    assert reached(tmp_path / "yes", served.quarantined)
    assert served.get(f"/v2/prod/assistant/manifests/{served.quarantined}", token).status == 404


@needs("skopeo")
def test_skopeo_inspects_and_lists_tags(served):
    creds = f"x:{served.token('consumer', 'prod')}"
    where = f"docker://127.0.0.1:{served.port}/prod/assistant"
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", "--creds", creds, where).stdout)
    assert tags["Tags"] == ["latest", "v1.0.0"]
    raw = skopeo("inspect", "--raw", "--tls-verify=false", "--creds", creds, where + ":v1.0.0").stdout
    assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == served.digest


@needs("skopeo")
def test_without_a_token_or_with_the_wrong_one_nothing_is_pulled(served, tmp_path):
    for token in ("nonsense", served.token("viewer", "prod"), served.token("consumer", "test")):
        copy(served, "prod/assistant", f"oci:{tmp_path}/no", token, "--all", status=1)
    assert not (tmp_path / "no/index.json").exists() or not json.loads((tmp_path / "no/index.json").read_text()).get("manifests")


def test_a_blob_can_be_fetched_again_from_where_it_broke_off(served):
    token = served.token("consumer", "prod")
    index = served.get("/v2/prod/assistant/manifests/latest", token, headers={"Accept": INDEX}).json
    manifest = served.get(f"/v2/prod/assistant/manifests/{index['manifests'][0]['digest']}", token).json
    layer = manifest["layers"][0]
    path = f"/v2/prod/assistant/blobs/{layer['digest']}"
    whole = served.get(path, token)
    assert whole.status == 200 and "sha256:" + hashlib.sha256(whole.body).hexdigest() == layer["digest"]
    first = served.get(path, token, headers={"Range": "bytes=0-99"})
    rest = served.get(path, token, headers={"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert (first.status, rest.status) == (206, 206)
    assert first.body + rest.body == whole.body
    assert served.get(path, token, headers={"Range": f"bytes={layer['size']}-"}).status == 416


def test_the_stations_attestations_hang_on_the_release(served):
    token = served.token("consumer", "prod")
    listed = served.get(f"/v2/prod/assistant/referrers/{served.digest}", token)
    assert listed.status == 200 and listed.headers["Content-Type"] == INDEX
    found = listed.json["manifests"]
    assert len(found) >= 3 and {one["artifactType"] for one in found} == {"application/vnd.in-toto+json"}
    attestation = served.get(f"/v2/prod/assistant/manifests/{found[0]['digest']}", token).json
    envelope = served.get(f"/v2/prod/assistant/blobs/{attestation['layers'][0]['digest']}", token).json
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["subject"][0]["digest"]["sha256"] == served.digest.split(":")[1]


def test_each_pull_is_recorded(served):
    token = served.token("consumer", "prod", person="anna")
    served.get("/v2/prod/assistant/manifests/v1.0.0", token)
    record = served.record(lambda r: r["person"] == "anna", "of anna's pull")
    assert record["kind"] == "pull" and record["release"] == record["digest"] == served.digest
    assert record["repository"] == "prod/assistant" and record["status"] == 200


def test_who_pulls_pushes_nothing(served):
    token = served.token("engineer", "*", person="ines")
    assert served.call("POST", "/v2/prod/assistant/blobs/uploads/", token).status == 403
    assert served.call("PUT", "/v2/prod/assistant/manifests/v9.9.9", token, {}).status == 403
    assert served.call("DELETE", f"/v2/prod/assistant/manifests/{served.digest}", token).status == 403
    assert REF == "assistant:v1.0.0" and served.get("/v2/prod/assistant/tags/list", token).json["tags"] == ["latest", "v1.0.0"]
