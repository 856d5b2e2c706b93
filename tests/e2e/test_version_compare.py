"""`airlock version compare`: two versions as arguments, or lines of them."""
import json
import random
import shutil
import subprocess

import jsonschema
import pytest
from world import ROOT

SCHEMA = json.loads((ROOT / "docs/formats/version-compare.schema.json").read_text())


@pytest.fixture
def compare(airlock):
    def call(*args, **options):
        return airlock("version", "compare", *args, **options)

    return call


@pytest.mark.parametrize("kind, a, order, b", [
    ("deb", "1.0", ">", "1.0~rc1"),
    ("deb", "1.0-0", "=", "1.0"),
    ("apk", "1.2_rc1", "<", "1.2"),
    ("rpm", "1.0^git1-1", ">", "1.0-1"),
    ("pypi", "1.0.dev1", "<", "1.0a1"),
    ("npm", "1.0.0-alpha.beta", ">", "1.0.0-alpha.1"),
    ("golang", "v1.2.3", "<", "v1.2.4-0.20191109021931-daa7c04131f5"),
    ("maven", "1.0-SNAPSHOT", "<", "1.0"),
    ("cargo", "0.0.0-0", "<", "0.0.0"),
    ("gem", "1.0.rc1", "<", "1"),
    ("nuget", "1.0", "=", "1.0.0.0"),
    ("composer", "v1.0-patch1", ">", "1.0.0"),
])
def test_two_versions_stand_as_their_ecosystem_says(compare, kind, a, order, b):
    assert compare(kind, a, b).out == order + "\n"


def test_what_is_no_version_is_invalid_and_the_answer_is_no(compare):
    result = compare("pypi", "1.0", "french toast", status=1)
    assert result.out == "invalid\n" and "B is no version of pypi" in result.err
    assert compare("deb", "", "1", status=1).out == "invalid\n"
    assert compare("npm", "1.0.0\t1.0.0", "1.0.0", status=1).out == "invalid\n"
    assert compare("npm", "1.0.0", "1.0.0\n2.0.0", status=1).out == "invalid\n"
    assert compare("apk", "1" * 2000, "1", status=1).out == "invalid\n"


def test_lines_are_answered_one_by_one(compare):
    result = compare("deb", stdin="1\t2\n2\t1\n1\t1-0", status=0)
    assert result.out == "<\n>\n=\n" and result.err == ""
    assert compare("deb", stdin="").out == ""
    result = compare("deb", stdin="1\t2\nx\t1\n1\t1:\n2\t1\n", status=1)
    assert result.out == "<\ninvalid\ninvalid\n>\n"
    assert "2 of 4 lines" in result.err and "line 2" in result.err
    assert compare("deb", "--quiet", stdin="x\t1\n", status=1).err == ""


def test_a_line_without_a_tab_is_named(compare):
    result = compare("deb", stdin="1\t2\n1 2\n1\t2\n", status=3)
    assert result.out == "<\n" and "line 2" in result.err
    assert "line 1" in compare("deb", stdin="\n", status=3).err
    assert "longer than" in compare("deb", stdin="1" * (1 << 21) + "\t1\n", status=3).err


def test_wrong_usage_says_what_was_wanted(compare):
    assert "deb apk rpm pypi" in compare("debian", "1", "2", status=2).err
    assert "one version alone" in compare("deb", "1", status=2).err
    compare(status=2)
    compare("deb", "1", "2", "3", status=2)


def test_with_json_each_answer_is_a_document(compare):
    one = compare("pypi", "1.0+ü\"", "1", json=True, status=1).json
    assert one == {"schema": "airlock/version-compare/1", "type": "pypi", "a": "1.0+ü\"", "b": "1", "order": "invalid", "no_version": "a"}
    lines = [json.loads(line) for line in compare("pypi", stdin="1\t2\n1\t1.0\n1\tx\n", json=True, status=1).out.splitlines()]
    assert [(line["line"], line["order"]) for line in lines] == [(1, "<"), (2, "="), (3, "invalid")]
    for document in [one, *lines, json.loads((ROOT / "docs/formats/examples/version-compare.json").read_text())]:
        jsonschema.validate(document, SCHEMA)


def test_many_lines_keep_their_order(compare):
    numbers = [random.Random(5).randrange(1000) for _ in range(200_001)]
    pairs = list(zip(numbers, numbers[1:]))
    out = compare("rpm", stdin="".join(f"1.{a}\t1.{b}\n" for a, b in pairs)).out
    assert out.splitlines() == ["<" if a < b else ">" if a > b else "=" for a, b in pairs]


@pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg here")
def test_debian_versions_stand_as_dpkg_says(compare):
    """Random ones; those that dpkg refuses are invalid."""
    chance = random.Random(7)
    texts = ["1" + "".join(chance.choice(["0", "1", ".", "~", "+", "-", "a", "1:"]) for _ in range(chance.randrange(6))) for _ in range(61)]
    pairs = list(zip(texts, texts[1:]))
    result = compare("deb", stdin="".join(f"{a}\t{b}\n" for a, b in pairs), status=(0, 1))
    for (a, b), order in zip(pairs, result.out.splitlines(), strict=True):
        valid = all(subprocess.run(["dpkg", "--validate-version", v], capture_output=True, check=False).returncode == 0 for v in (a, b))
        assert (order != "invalid") == valid, (a, b, order)
        if valid:
            word = {"<": "lt", "=": "eq", ">": "gt"}[order]
            assert subprocess.run(["dpkg", "--compare-versions", a, word, b], check=False).returncode == 0, (a, b, order)
