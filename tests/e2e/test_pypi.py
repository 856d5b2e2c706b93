"""pip and uv install from an environment's mirror, alone in a network namespace with it: what stands there is found, nothing else exists."""

import hashlib
import sys

import pytest
from clients import debian_pip, inside, python_clients  # noqa: F401  (fixtures)
from shop import shop  # noqa: F401

PYTHON = sys.executable
RUN = "import greet; greet.main()"


@pytest.fixture(scope="module")
def served(inside, shop, tmp_path_factory):
    return inside.serve(shop, tmp_path_factory.mktemp("pypi"), **{"requests-per-minute": 100000})


@pytest.fixture
def live(inside, shop, tmp_path):
    """A serve of the test's own, whose pointers it may move."""
    return inside.serve(shop, tmp_path)


def index(served, env="test", token=None, person="anna"):
    token = token or served.token("consumer", env, person=person)
    return f"http://airlock:{token}@127.0.0.1:{served.port}/pypi/{env}/simple/"


def pip(inside, served, folder, *words, env="test", status=0, program=("pip",), **more):
    options = ["--disable-pip-version-check", "--no-input", "--retries", "0", "--index-url", index(served, env, **more)]
    return inside.run([*program, words[0], *options, *words[1:]], folder, status=status)


@pytest.fixture(params=["newest", "debian"])
def program(request):
    return ["pip"] if request.param == "newest" else debian_pip()


def digest_of(shop, filename):
    return hashlib.sha256(shop.files[filename].read_bytes()).hexdigest()


def runs(inside, folder, target, said="greet 1.0.0: hello from inside"):
    done = inside.run([PYTHON, "-c", RUN], folder, env={"PYTHONPATH": str(target)})
    assert done.stdout.strip() == said


def requirements(shop, folder, version="1.0.0"):
    path = folder / "requirements.txt"
    lines = [f"greet=={version} --hash=sha256:{digest_of(shop, f'greet-{version}-py3-none-any.whl')}", f"words==1.0.0 --hash=sha256:{digest_of(shop, 'words-1.0.0-py3-none-any.whl')}"]
    path.write_text("\n".join(lines) + "\n")
    return path


# ── pip ──


def test_pip_installs_with_hashes_and_the_thing_runs(inside, served, shop, tmp_path, program):
    pip(inside, served, tmp_path, "install", "--require-hashes", "--target", "out", "-r", requirements(shop, tmp_path), program=program)
    runs(inside, tmp_path, tmp_path / "out")


def test_pip_resolves_what_a_package_needs(inside, served, tmp_path, program):
    person = f"resolver-{len(program)}"
    pip(inside, served, tmp_path, "install", "--target", "out", "greet", person=person, program=program)
    runs(inside, tmp_path, tmp_path / "out")
    served.record(lambda r: r["person"] == person and r["what"] == "files/words/words-1.0.0-py3-none-any.whl", "of the last file")
    asked = [record["what"] for record in served.records() if record["person"] == person]
    assert "simple/greet/" in asked and "simple/words/" in asked
    # of Debian's, too old for the present name of this attribute, nothing is asked but that it goes on
    assert program != ["pip"] or "files/greet/greet-1.0.0-py3-none-any.whl.metadata" in asked


def test_pip_downloads_the_bytes_that_were_packed(inside, served, shop, tmp_path):
    pip(inside, served, tmp_path, "download", "--no-deps", "--dest", "out", "Greet", "extra")  # two releases bring them
    for name in ("greet-1.0.0-py3-none-any.whl", "extra-1.0-py3-none-any.whl"):
        assert (tmp_path / "out" / name).read_bytes() == shop.files[name].read_bytes()


def test_a_name_that_is_not_held_cannot_be_installed(inside, served, tmp_path):
    refused = pip(inside, served, tmp_path, "install", "--target", "out", "requests", status=1, person="confused")
    assert "No matching distribution found for requests" in refused.said
    record = served.record(lambda r: r["person"] == "confused", "of the name that is not held")
    assert (record["what"], record["status"]) == ("simple/requests/", 404)


def test_a_package_of_another_environment_does_not_exist_here(inside, served, tmp_path):
    refused = pip(inside, served, tmp_path, "install", "--target", "out", "hidden", status=1)
    assert "No matching distribution found for hidden" in refused.said
    pip(inside, served, tmp_path, "download", "--dest", "out", "hidden", env="sandbox")


def test_a_token_of_another_environment_is_refused_and_recorded(inside, served, tmp_path):
    token = served.token("consumer", "sandbox", person="stranger")
    refused = pip(inside, served, tmp_path, "download", "--dest", "out", "greet", token=token, status=1)
    assert "No matching distribution found" in refused.said
    record = served.record(lambda r: r["person"] == "stranger", "of the token of another environment")
    assert (record["environment"], record["repository"], record["what"], record["status"]) == ("test", "pypi", "simple/greet/", 403)


def test_wrong_bytes_are_not_installed(inside, served, shop, tmp_path):
    path = requirements(shop, tmp_path)
    path.write_text(path.read_text().replace(digest_of(shop, "words-1.0.0-py3-none-any.whl"), "0" * 64))
    refused = pip(inside, served, tmp_path, "install", "--require-hashes", "--target", "out", "-r", path, status=1)
    assert "DO NOT MATCH THE HASHES" in refused.said


def test_each_fetch_is_recorded_with_identity_object_and_bytes(inside, served, shop, tmp_path):
    name = "words-1.0.0-py3-none-any.whl"
    pip(inside, served, tmp_path, "download", "--dest", "out", "words", person="counted")
    record = served.record(lambda r: r["person"] == "counted" and r["what"] == f"files/words/{name}", "of the file")
    assert record["digest"] == f"sha256:{digest_of(shop, name)}" and record["bytes"] == shop.files[name].stat().st_size
    assert (record["kind"], record["role"], record["environment"], record["status"]) == ("pull", "consumer", "test", 200)


# ── promotion and rollback ──


def test_promotion_and_rollback_change_what_pip_sees_at_once(inside, live, tmp_path):
    token = live.token("consumer", "test")
    for number, (step, version) in enumerate(((None, "1.0.0"), (("promote", "app:v2.0.0", "test"), "2.0.0"), (("rollback", "test/app"), "1.0.0"))):
        if step:
            live.world.run(*step)
        out = tmp_path / f"out-{number}"  # one home, so one cache of pip's, for all three
        pip(inside, live, tmp_path, "install", "--target", out, "greet", token=token)
        runs(inside, tmp_path, out, f"greet {version}: hello from inside")


def test_a_download_that_has_begun_ends_with_what_it_began(live, shop):
    token = live.token("consumer", "test")
    name = "large-1.0-py3-none-any.whl"
    path = f"/pypi/test/files/large/{name}"
    wire = live.space.connect(live.port, 30)
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    begun = wire.recv(65536)
    live.world.run("promote", "tools:v2.0.0", "test")
    assert live.get(path, token).status == 404

    parts = [begun]
    while part := wire.recv(1 << 20):
        parts.append(part)
    head, body = b"".join(parts).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ") and body == shop.files[name].read_bytes()


# ── uv ──


def uv(inside, folder, *words, status=0, **env):
    return inside.run(["uv", *words], folder, status=status, env={"UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", "UV_PYTHON": PYTHON, "UV_HTTP_RETRIES": "0", **env})


def test_uv_pip_install_with_hashes_and_the_thing_runs(inside, served, shop, tmp_path):
    uv(inside, tmp_path, "pip", "install", "--require-hashes", "--target", "out", "--default-index", index(served), "-r", requirements(shop, tmp_path))
    runs(inside, tmp_path, tmp_path / "out")


def test_uv_locks_and_syncs_from_the_mirror_alone(inside, served, shop, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["greet"]\n\n'
        f'[[tool.uv.index]]\nname = "inside"\nurl = "http://127.0.0.1:{served.port}/pypi/test/simple/"\ndefault = true\n'
    )
    token = served.token("consumer", "test", person="uwe")
    login = {"UV_INDEX_INSIDE_USERNAME": "airlock", "UV_INDEX_INSIDE_PASSWORD": token}
    uv(inside, tmp_path, "lock", UV_NO_CONFIG="0", **login)
    lock = (tmp_path / "uv.lock").read_text()
    assert f"sha256:{digest_of(shop, 'greet-1.0.0-py3-none-any.whl')}" in lock and token not in lock
    uv(inside, tmp_path, "sync", "--locked", "--no-cache", UV_NO_CONFIG="0", **login)
    done = inside.run([tmp_path / ".venv/bin/python", "-c", RUN], tmp_path)
    assert done.stdout.strip() == "greet 1.0.0: hello from inside"
    assert served.record(lambda r: r["person"] == "uwe" and r["what"] == "files/greet/greet-1.0.0-py3-none-any.whl", "of uv's fetch")["status"] == 200


def test_uv_finds_no_name_that_is_not_held(inside, served, tmp_path):
    refused = uv(inside, tmp_path, "pip", "install", "--target", "out", "--default-index", index(served), "requests", status=1)
    assert "requests was not found" in refused.said


# ── what a client does not send, an attacker may ──


@pytest.mark.parametrize("accept, content_type", [("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+json"), ("text/html", "text/html; charset=utf-8")])
def test_the_page_of_a_project_in_both_forms(served, shop, accept, content_type):
    token = served.token("consumer", "test")
    page = served.get("/pypi/test/simple/greet/", token, headers={"Accept": accept})
    assert page.status == 200 and page.headers["Content-Type"] == content_type
    assert digest_of(shop, "greet-1.0.0-py3-none-any.whl") in page.text and "../../files/greet/greet-1.0.0-py3-none-any.whl" in page.text
    again = served.get("/pypi/test/simple/greet/", token, headers={"Accept": accept, "If-None-Match": page.headers["ETag"]})
    assert again.status == 304 and again.body == b""


def test_the_list_is_the_union_of_what_stands_in_the_environment(served):
    listed = served.get("/pypi/test/simple/", served.token("consumer", "test"), headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json
    assert [project["name"] for project in listed["projects"]] == ["extra", "greet", "large", "words"]
    assert listed["meta"] == {"api-version": "1.1"}
