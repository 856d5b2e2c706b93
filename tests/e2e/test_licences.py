"""Licences: found by the scan, decided by the policy over the signed inventory, waived as findings are."""

import pytest
from packages import npm, wheel, with_packages
from test_waive import COMPENSATION, day
from world import World

REF = "assistant:v1.0.0"
RECORD = "Metadata-Version: 2.1\nName: {}\nVersion: 1.0.0\n"


@pytest.fixture(scope="module")
def w(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("licences"))
    made.found().people(sofia="security-officer", otto="security-officer", pavel="product-owner")
    folder = made.folder / "lic"
    folder.mkdir()
    files = [
        wheel(folder, "strict", "1.0.0", metadata=RECORD.format("strict") + "Classifier: License :: OSI Approved :: GNU Affero General Public License v3\n"),
        wheel(folder, "vague", "1.0.0", metadata=RECORD.format("vague") + "License: BSD\n"),
        npm(folder, "free", "1.0.0", manifest={"name": "free", "version": "1.0.0", "license": "(MIT OR GPL-3.0)"}),
    ]
    with_packages(made, files=files)
    made.receive(made.ship(REF))
    return made


@pytest.fixture(scope="module")
def report(w):
    return w.run("scan", REF, json=True).json


def rule(w, file, environment="sandbox"):
    """What the rule says of the release under another policy: nothing is read again."""
    changed = w.run("policy", "diff", file, json=True).json["differences"]
    return next((d["why"] for d in changed if d["environment"] == environment), "")


def policy(w, text):
    file = w.folder / "licences.yaml"
    file.write_text((w.contour / "policy.yaml").read_text().split("licences:")[0] + text)
    return file


def set_policy(w, text):
    secret = w.folder / "desk" / "passphrase"
    w.run("policy", "set", policy(w, text), "--key", w.keys["sofia"], "--key", w.keys["pavel"], "--passphrase-file", secret)


def test_what_is_not_known_is_remarked_and_changes_no_verdict(report):
    rows = {row["path"]: [f["rule"] for f in row["findings"]] for row in report["files"]}
    vague = next(rules for path, rules in rows.items() if "vague" in path)
    assert "licence-unknown" in vague
    assert all("licence-unknown" not in rules for path, rules in rows.items() if "strict" in path or "free" in path or path.startswith("model/"))


def test_nothing_blocks_unless_the_policy_asks(w, report):
    w.run("judge", REF, "--gate", "intake")
    assert rule(w, policy(w, "")) == ""


@pytest.mark.parametrize(
    "text, said",
    [
        ("licences: {deny: [AGPL-3.0+]}\n", "licence-denied at pkg:pypi/strict@1.0.0"),
        ("licences: {packages: {allow: [AGPL-3.0+, GPL-3.0+], unknown: block}}\n", "licence-unknown at pkg:pypi/vague@1.0.0"),
        ("licences: {allow: [AGPL-3.0+, Apache-2.0]}\n", "licence-not-allowed at pkg:npm/free@1.0.0"),
        ("licences: {models: {deny: [Apache-2.0]}}\n", "licence-denied at "),
        ("licences: {allow: [AGPL-3.0+, Apache-2.0, MIT]}\n", ""),
        ("licences: {packages: {allow: [MIT]}, images: {deny: [MIT]}}\n", "licence-not-allowed at pkg:pypi/strict@1.0.0"),
    ],
)
def test_another_policy_decides_anew_over_the_same_inventory(w, report, text, said):
    found = rule(w, policy(w, text))
    assert said in found and (said == "") == (found == "")


def test_two_people_let_one_licence_of_one_package_pass(w, report):
    set_policy(w, "licences: {deny: [AGPL-3.0+]}\n")
    assert "licence-denied" in w.run("judge", REF, "--gate", "intake", status=1).out
    for person in ("sofia", "otto"):
        w.sign("waive", "licence-denied", "--on", REF, "--until", day(30), *COMPENSATION, person=person)
    verdict = w.run("judge", REF, "--gate", "intake", json=True).json
    said = next(r["text"] for r in verdict["reasons"] if r["rule"] == "licences")
    assert "1 licences block and are waived" in said
    assert "licence-denied" in w.run("passport", REF).out
    w.fsck()


@pytest.mark.parametrize(
    "text, said",
    [
        ("licences: {allow: [Apache 2.0]}\n", "is no licence of the SPDX list"),
        ("licences: {allow: [MIT OR ISC]}\n", "is no licence of the SPDX list"),
        ("licences: {allow: []}\n", "wanted a list of licences"),
        ("licences: {unknown: maybe}\n", "wanted block or remark"),
        ("licences: {modles: {}}\n", "models"),
        ("licences: [MIT]\n", "wanted keys and values"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(w, text, said):
    refused = w.run("policy", "check", policy(w, text), status=1).out
    assert said in refused and "licences.yaml:" in refused


def test_a_policy_tries_its_own_examples_of_licences(w):
    text = (
        "licences: {allow: [MIT], unknown: block}\nexamples:\n"
        "  - {name: a, environment: prod, licence: MIT OR GPL-3.0-only, expect: passes}\n"
        "  - {name: b, environment: prod, licence: unknown, of: models, expect: blocks}\n"
        "  - {name: c, environment: prod, licence: ISC, waiver: 30d, expect: passes}\n"
    )
    file = policy(w, text)
    assert all(x["holds"] for x in w.run("policy", "test", file, json=True).json["examples"])
    assert w.run("policy", "check", file, json=True).json["licences"]["models"]["unknown"] == "block"
