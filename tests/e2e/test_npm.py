"""npm, pnpm and yarn install from an environment's mirror, alone in a network namespace with it: what stands there is found, nothing else
exists."""

import base64
import hashlib
import json

import pytest
from clients import inside, npm_clients, python_clients  # noqa: F401  (fixtures)
from shop import shop  # noqa: F401


@pytest.fixture(scope="module")
def served(inside, npm_clients, shop, tmp_path_factory):
    inside.clients.append(npm_clients)
    return inside.serve(shop, tmp_path_factory.mktemp("npm"), **{"requests-per-minute": 100000})


@pytest.fixture
def live(inside, shop, tmp_path):
    """A serve of the test's own, whose pointers it may move."""
    return inside.serve(shop, tmp_path)


def login(served, folder, env="test", token=None, person="anna"):
    """An .npmrc that knows this mirror and nothing else."""
    folder.mkdir(exist_ok=True)
    place = f"//127.0.0.1:{served.port}/npm/{env}/"
    (folder / ".npmrc").write_text(f"registry=http:{place}\n{place}:_authToken={token or served.token('consumer', env, person=person)}\nfetch-retries=0\nupdate-notifier=false\n")
    return folder


def project(folder, **dependencies):
    (folder / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0", "private": True, "dependencies": dependencies}))
    return folder


def npm(inside, folder, *words, status=0):
    return inside.run(["npm", *words], folder, status=status)


def runs(inside, folder, version="1.0.0"):
    done = inside.run(["node", "node_modules/hello-pad/bin/say.js"], folder)
    assert done.stdout.strip() == f"hello-pad {version}: hello from inside"


def integrity(shop, filename):
    return "sha512-" + base64.b64encode(hashlib.sha512(shop.files[filename].read_bytes()).digest()).decode()


# ── npm ──


def test_npm_installs_what_is_needed_and_the_thing_runs(inside, served, shop, tmp_path):
    folder = project(login(served, tmp_path / "app", person="nora"), **{"hello-pad": "1.0.0"})
    done = npm(inside, folder, "install")
    runs(inside, folder)
    assert inside.run(["node_modules/.bin/hello-pad"], folder).stdout.startswith("hello-pad 1.0.0")
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert lock["node_modules/hello-pad"]["integrity"] == integrity(shop, "hello-pad-1.0.0.tgz")
    assert lock["node_modules/@acme/words"]["integrity"] == integrity(shop, "acme-words-1.0.0.tgz")
    assert "holds no advisories" in done.said


def test_each_fetch_is_recorded_with_identity_object_and_bytes(inside, served, shop, tmp_path):
    npm(inside, project(login(served, tmp_path / "app", person="counted"), **{"hello-pad": "1.0.0"}), "install", "--no-audit")
    path = shop.files["acme-words-1.0.0.tgz"]
    record = served.record(lambda r: r["person"] == "counted" and r["what"] == "@acme/words/-/words-1.0.0.tgz", "of the scoped tarball")
    assert record["digest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" and record["bytes"] == path.stat().st_size
    assert (record["kind"], record["role"], record["environment"], record["repository"], record["status"]) == ("pull", "consumer", "test", "npm", 200)


def test_npm_ci_installs_from_a_lock_and_refuses_other_bytes(inside, served, shop, tmp_path):
    folder = project(login(served, tmp_path / "app"), **{"hello-pad": "1.0.0"})
    npm(inside, folder, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")
    npm(inside, folder, "ci", "--cache", "fresh")
    runs(inside, folder)

    lock = (folder / "package-lock.json").read_text()
    (folder / "package-lock.json").write_text(lock.replace(integrity(shop, "acme-words-1.0.0.tgz"), "sha512-" + "A" * 86 + "=="))
    assert "EINTEGRITY" in npm(inside, folder, "ci", "--cache", "another", status=1).said


def test_a_lock_made_outside_works_unchanged(inside, served, shop, tmp_path):
    """npm rewrites addresses of its own registry to the one that is configured; `npm` names it, not this file."""
    folder = project(login(served, tmp_path / "app"), **{"hello-pad": "1.0.0"})
    npm(inside, folder, "install", "--package-lock-only")
    outside = inside.run(["npm", "config", "get", "registry"], tmp_path).stdout.strip()
    lock = (folder / "package-lock.json").read_text()
    (folder / "package-lock.json").write_text(lock.replace(f"http://127.0.0.1:{served.port}/npm/test/", outside).replace("%40acme", "@acme"))
    npm(inside, folder, "ci", "--cache", "fresh")
    runs(inside, folder)


def test_a_name_that_is_not_held_cannot_be_installed(inside, served, tmp_path):
    folder = project(login(served, tmp_path / "app", person="confused"))
    refused = npm(inside, folder, "install", "react", status=1)
    assert "E404" in refused.said and "test holds no react: no release that stands there brings it" in refused.said
    record = served.record(lambda r: r["person"] == "confused", "of the name that is not held")
    assert (record["what"], record["status"]) == ("react", 404)


def test_a_package_of_another_environment_does_not_exist_here(inside, served, tmp_path):
    assert "E404" in npm(inside, project(login(served, tmp_path / "app")), "install", "hidden-pad", status=1).said
    npm(inside, project(login(served, tmp_path / "sandbox", env="sandbox")), "install", "hidden-pad")


def test_a_token_of_another_environment_is_refused_and_recorded(inside, served, tmp_path):
    folder = login(served, tmp_path / "app", token=served.token("consumer", "sandbox", person="stranger"))
    refused = npm(inside, project(folder), "install", "hello-pad", status=1)
    assert "E403" in refused.said and "this token is for the environment sandbox" in refused.said
    record = served.record(lambda r: r["person"] == "stranger", "of the token of another environment")
    assert (record["environment"], record["repository"], record["what"], record["status"]) == ("test", "npm", "hello-pad", 403)


def test_npm_ping_whoami_view_and_audit(inside, served, tmp_path):
    folder = project(login(served, tmp_path / "app", person="anna"), **{"hello-pad": "1.0.0"})
    npm(inside, folder, "install", "--no-audit")
    npm(inside, folder, "ping")
    assert npm(inside, folder, "whoami").stdout.strip() == "anna"
    assert npm(inside, folder, "view", "hello-pad", "dist-tags.latest").stdout.strip() == "1.0.0"
    assert npm(inside, folder, "view", "hello-pad", "license").stdout.strip() == "MIT"
    assert "holds no advisories" in npm(inside, folder, "audit").said


def test_nothing_is_published(inside, served, tmp_path):
    refused = npm(inside, project(login(served, tmp_path / "app")), "publish", "--access", "public", status=1)
    assert refused.said
    folder = login(served, tmp_path / "own")
    (folder / "package.json").write_text(json.dumps({"name": "own", "version": "1.0.0"}))
    assert "E405" in npm(inside, folder, "publish", status=1).said


# ── promotion and rollback ──


def test_promotion_and_rollback_change_what_npm_sees_at_once(inside, live, tmp_path):
    folder = login(live, tmp_path / "app")
    for step, version in ((None, "1.0.0"), (("promote", "app:v2.0.0", "test"), "2.0.0"), (("rollback", "test/app"), "1.0.0")):
        if step:
            live.world.run(*step)
        project(folder)
        npm(inside, folder, "install", "hello-pad@latest", "--no-audit")  # one cache of npm's for all three
        runs(inside, folder, version)


# ── pnpm, yarn ──


def test_pnpm_installs_and_the_thing_runs(inside, served, tmp_path):
    folder = project(login(served, tmp_path / "app"), **{"hello-pad": "1.0.0"})
    inside.run(["pnpm", "install"], folder)
    runs(inside, folder)
    inside.run(["pnpm", "install", "--frozen-lockfile", "--force"], folder)


def test_yarn_installs_and_the_thing_runs(inside, served, tmp_path):
    folder = project(login(served, tmp_path / "app"), **{"hello-pad": "1.0.0"})
    with open(folder / ".npmrc", "a") as config:
        config.write("always-auth=true\n")  # yarn 1 sends the token with scoped names alone otherwise
    inside.run(["yarn", "install", "--non-interactive"], folder)
    runs(inside, folder)
    inside.run(["yarn", "install", "--frozen-lockfile", "--force", "--non-interactive"], folder)
