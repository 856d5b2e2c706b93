"""The Hugging Face client and transformers, as people have them, against /hf/ENVIRONMENT and nothing else: models of what is promoted come
whole, by commit, and what is not held is told in words that the client understands."""

import hashlib
import json
import struct

import pytest
from clients import HERE, Inside, client_venv
from world import World

TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "the": 1, "capital": 2, "of": 3, "france": 4}, "unk_token": "[UNK]"},
}
REPO = "acme/tiny"


def safetensors(values):
    head = json.dumps({"w": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, 4 * len(values)]}}).encode()
    return struct.pack("<Q", len(head)) + head + struct.pack(f"<{len(values)}f", *values)


def model_files(folder, values):
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": json.dumps({"model_type": "llama", "vocab_size": 5}).encode(),
        "model.safetensors": safetensors(values),
        "tokenizer.json": json.dumps(TOKENIZER).encode(),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}).encode(),
        "onnx/notes/README.md": b"# Notes\n",
    }
    for number, (name, data) in enumerate(files.items()):
        (folder / f"file{number}-{name.rsplit('/', 1)[-1]}").write_bytes(data)
    return files, {name: folder / f"file{number}-{name.rsplit('/', 1)[-1]}" for number, name in enumerate(files)}


@pytest.fixture(scope="module")
def hub(airlock_path, tmp_path_factory):
    """v1.0.0 in prod with a model of several files, v1.1.0 with other weights in test, everything ready to promote."""
    world = World(airlock_path, tmp_path_factory.mktemp("hub"))
    world.found().people()
    world.files = {}
    for version, values in (("v1.0.0", [1.0, 2.0]), ("v1.1.0", [3.0, 4.0, 5.0] * 20000)):
        world.files[version], beside = model_files(world.folder / version, values)
        world.digest = world.arrive(version=version, beside=beside, repository=REPO)["releases"][0]["digest"]
        world.ready_for_prod(f"assistant:{version}")
        if version == "v1.0.0":
            world.run("promote", "assistant:v1.0.0", "prod")
    world.quarantined = world.digest
    return world


@pytest.fixture(scope="module")
def place():
    venv = client_venv("hf", HERE / "hf-requirements.txt")
    inside = Inside([venv / "bin"])
    inside.python = venv / "bin/python"
    yield inside
    inside.close()


@pytest.fixture
def served(hub, place, tmp_path):
    one = place.serve(hub, tmp_path)
    one.files = hub.files
    yield one
    one.stop()


def ask(place, served, folder, script, env="prod", token=None, **options):
    """Runs a piece of Python with the client in the namespace; what it prints is JSON."""
    variables = {
        "HF_ENDPOINT": f"http://127.0.0.1:{served.port}/hf/{env}",
        "HF_TOKEN": token or served.token("consumer", env),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    done = place.run([place.python, "-c", script], folder, env=variables, **options)
    return json.loads(done.stdout.splitlines()[-1])


SNAPSHOT = """
import json, sys
from pathlib import Path
from huggingface_hub import snapshot_download
folder = Path(snapshot_download("acme/tiny"%s))
print(json.dumps({"commit": folder.name, "files": {str(p.relative_to(folder)): __import__("hashlib").sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}}))
"""


def hashes(files):
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_a_snapshot_is_the_model_of_the_release_byte_for_byte(place, served, tmp_path):
    got = ask(place, served, tmp_path, SNAPSHOT % "")
    wanted = hashes(served.files["v1.0.0"])
    assert {name: value for name, value in got["files"].items() if name in wanted} == wanted
    assert set(got["files"]) == {*wanted, "tiny.gguf"}
    assert len(got["commit"]) == 40
    again = ask(place, served, tmp_path, SNAPSHOT % f', revision="{got["commit"]}"')
    assert again == got
    assert ask(place, served, tmp_path / "tag", SNAPSHOT % ', revision="v1.0.0"') == got
    records = served.world.run("log", "--access", "--last", "40", home=served.home, json=True).out
    assert f"acme/tiny/resolve/{got['commit']}/model.safetensors" in records and '"repository":"hf"' in records.replace(" ", "")


def test_transformers_loads_a_tokenizer(place, served, tmp_path):
    script = """
import json
from transformers import AutoTokenizer
print(json.dumps(AutoTokenizer.from_pretrained("acme/tiny")("The capital of France")["input_ids"]))
"""
    assert ask(place, served, tmp_path, script) == [1, 2, 3, 4]


def test_the_command_line_client_downloads_one_file(place, served, tmp_path):
    variables = {"HF_ENDPOINT": f"http://127.0.0.1:{served.port}/hf/prod", "HF_TOKEN": served.token("consumer", "prod"), "HF_HOME": str(tmp_path / "hf")}
    place.run(["hf", "download", REPO, "onnx/notes/README.md", "--local-dir", str(tmp_path / "out")], tmp_path, env=variables)
    assert (tmp_path / "out/onnx/notes/README.md").read_bytes() == b"# Notes\n"


def test_what_is_not_held_is_an_error_that_the_client_names(place, served, tmp_path):
    script = """
import json
from huggingface_hub import HfApi, hf_hub_download
said = []
for what in (lambda: hf_hub_download("acme/other", "x"), lambda: hf_hub_download("acme/tiny", "nothing.bin"), lambda: hf_hub_download("acme/tiny", "config.json", revision="f" * 40),
             lambda: HfApi().dataset_info("acme/data")):
    try:
        what()
        said.append("came")
    except Exception as e:
        said.append(type(e).__name__)
print(json.dumps(said + [HfApi().file_exists("acme/tiny", "config.json"), HfApi().file_exists("acme/tiny", "no"), HfApi().whoami()["name"],
                         [p.path for p in HfApi().get_paths_info("acme/tiny", ["config.json", "onnx", "no"])], [m.id for m in HfApi().list_models()]]))
"""
    said = ask(place, served, tmp_path, script)
    assert said[0].startswith("RepositoryNotFound") and "EntryNotFound" in said[1] and said[2].startswith("RevisionNotFound") and said[3].startswith("RepositoryNotFound")
    assert said[4:] == [True, False, "colleague", ["config.json", "onnx"], [REPO]]


def test_revisions_and_folders_come_quoted(place, served, tmp_path):
    """The client sends quote(…, safe="") of both: every slash in them is %2F."""
    script = """
import json
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
api, repo, said = HfApi(), "acme/tiny", []
for what in (
    lambda: sorted(f.path for f in api.list_repo_tree(repo, "onnx/notes")),
    lambda: sorted(f.path for f in api.list_repo_tree(repo, "onnx/notes", revision="refs/heads/main", expand=True)),
    lambda: HfFileSystem().ls(repo + "/onnx/notes", detail=False),
    lambda: HfFileSystem().read_text(repo + "/onnx/notes/README.md"),
    lambda: HfFileSystem().glob(repo + "/onnx/**/*.md"),
    lambda: api.model_info(repo, revision="refs/heads/main").sha == api.model_info(repo).sha,
    lambda: open(hf_hub_download(repo, "config.json", revision="refs/heads/main")).read() == open(hf_hub_download(repo, "config.json")).read(),
    lambda: [api.revision_exists(repo, r) for r in ("main", "refs/heads/main", "refs/pr/1", "main/onnx", "none")],
    lambda: api.model_info(repo, revision="refs/pr/1"),
    lambda: hf_hub_download(repo, "config.json", revision="refs/pr/1"),
    lambda: snapshot_download(repo, revision="refs/pr/1"),
    lambda: list(api.list_repo_tree(repo, "notes", revision="main/onnx")),
    lambda: list(api.list_repo_tree(repo, "onnx/none")),
    lambda: sorted(s.rfilename for s in api.model_info(repo, expand=["sha", "siblings"]).siblings) == sorted(s.rfilename for s in api.model_info(repo).siblings),
    lambda: api.model_info(repo, expand=["sha", "siblings"]).sha == api.model_info(repo).sha,
):
    try:
        said.append(what())
    except Exception as e:
        said.append(type(e).__name__)
print(json.dumps(said))
"""
    said = ask(place, served, tmp_path, script)
    readme = "onnx/notes/README.md"
    assert said[:5] == [[readme], [readme], [f"{REPO}/{readme}"], "# Notes\n", [f"{REPO}/{readme}"]]
    assert said[5:8] == [True, True, [True, True, False, False, False]]
    assert [name.startswith("RevisionNotFound") for name in said[8:12]] == [True] * 4, said
    assert "EntryNotFound" in said[12] and said[13:] == [True, True]


def test_the_list_of_models_is_the_one_that_was_asked_for(place, served, tmp_path):
    script = """
import json
from huggingface_hub import HfApi
asked = ({}, {"search": "TIN"}, {"search": "zzz"}, {"author": "acme"}, {"author": "acm"}, {"author": "zzz"}, {"author": "acme", "search": "tiny", "limit": 5}, {"filter": "text-generation"})
print(json.dumps([[m.id for m in HfApi().list_models(**a)] for a in asked]))
"""
    assert ask(place, served, tmp_path, script) == [[REPO], [REPO], [], [REPO], [], [], [REPO], []]
    token = served.token("consumer", "prod")
    assert served.get("/hf/prod/api/models?limit=0", token).json == []
    assert served.get("/hf/prod/api/models?limit=x", token).status == 400


def test_what_came_quoted_is_not_answered_from_what_came_plain(served):
    """main%2Fonnx is a revision, and main/onnx a folder of main: the answer of one, which is kept, is not the other's."""
    token = served.token("consumer", "prod")
    tree = f"/hf/prod/api/models/{REPO}/tree"
    for _ in range(3):
        assert served.get(f"{tree}/main/onnx", token).status == 200
        refused = served.get(f"{tree}/main%2Fonnx", token)
        assert (refused.status, refused.headers["X-Error-Code"]) == (404, "RevisionNotFound")
        assert served.get(f"{tree}/main/onnx%2Fnotes", token).json == served.get(f"{tree}/main/onnx/notes", token).json != []
    assert served.get(f"/hf/prod/{REPO}/resolve/main/onnx%2Fnotes%2FREADME.md", token).body == b"# Notes\n"


def test_a_file_says_once_that_its_type_is_not_to_be_guessed(served):
    for path in (f"/hf/prod/{REPO}/resolve/main/config.json", f"/hf/prod/api/models/{REPO}"):
        assert served.get(path, served.token("consumer", "prod")).headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_a_download_that_broke_off_goes_on_where_it_was(place, served, tmp_path):
    script = """
import json
from pathlib import Path
from huggingface_hub import file_download, hf_hub_download
data = Path(hf_hub_download("acme/tiny", "model.safetensors")).read_bytes()
with open("part", "wb") as part:
    part.write(data[:7])
    part.flush()
    file_download.http_get(file_download.hf_hub_url("acme/tiny", "model.safetensors"), part, resume_size=7, headers={"Authorization": "Bearer " + __import__("os").environ["HF_TOKEN"]}, expected_size=len(data))
print(json.dumps(Path("part").read_bytes() == data))
"""
    assert ask(place, served, tmp_path, script) is True


def test_promotion_and_rollback_move_main_and_another_environment_is_another_hub(place, served, tmp_path):
    world = served.world
    old = ask(place, served, tmp_path / "a", SNAPSHOT % "")
    test = ask(place, served, tmp_path / "t", SNAPSHOT % "", env="test")
    assert test["files"]["model.safetensors"] == hashes(served.files["v1.1.0"])["model.safetensors"] != old["files"]["model.safetensors"]
    foreign = ask(
        place, served, tmp_path / "f",
        "import json\nfrom huggingface_hub import HfApi\ntry:\n  HfApi().model_info('acme/tiny'); print(json.dumps('came'))\nexcept Exception as e:\n  print(json.dumps(str(e)))",
        env="test", token=served.token("consumer", "prod"),
    )
    assert "403" in foreign
    world.run("promote", "assistant:v1.1.0", "prod", home=served.home)
    new = ask(place, served, tmp_path / "b", SNAPSHOT % "")
    assert new["commit"] == test["commit"] != old["commit"]
    gone = "import json\nfrom huggingface_hub import HfApi\ntry:\n  HfApi().model_info('acme/tiny', revision='%s'); print(json.dumps('came'))\nexcept Exception as e:\n  print(json.dumps(type(e).__name__))"
    assert ask(place, served, tmp_path / "c", gone % old["commit"]).startswith("RevisionNotFound")
    world.run("rollback", "prod/assistant", home=served.home)
    assert ask(place, served, tmp_path / "d", SNAPSHOT % "") == old
