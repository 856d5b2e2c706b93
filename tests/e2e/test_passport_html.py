"""The passport as a page to print: whole, well-formed, from nowhere else, and safe from the words that it shows."""

import json
import subprocess
from html.parser import HTMLParser

import pytest
from clients import HERE, client_venv
from packages import wheel, with_packages
from test_licences import RECORD
from test_waive import COMPENSATION, day
from world import World

REF = "assistant:v1.0.0"
HOSTILE = "<svg onload=alert('1')></svg> & \"Sons\" https://evil.example/"  # hostile to a page, and nothing that a scan stops
EMPTY_TAGS = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Reads a page, and asks that every tag is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append((tuple(self.open), data))


@pytest.fixture(scope="module")
def w(airlock_path, tmp_path_factory):
    made = World(airlock_path, tmp_path_factory.mktemp("passport-page"))
    made.found().people()
    made.arrive()
    made.to_prod(REF)
    return made


@pytest.fixture(scope="module")
def hostile(w):
    """A release whose describer and requester are no friends of the page."""
    spec = w.write_release("hostile")
    spec.write_text(spec.read_text().replace("description: A tiny release for tests.", "description: " + json.dumps(HOSTILE)))
    w.run("pack", spec, home=w.station)
    w.receive(w.ship("hostile:v1.0.0"))
    w.to_test("hostile:v1.0.0")
    w.sign("request", "hostile:v1.0.0", "prod", "--reason", HOSTILE, person="ines")
    return "hostile:v1.0.0"


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [s for item in value for s in strings(item)] if isinstance(value, list) else [value] if isinstance(value, str) else []


def test_the_page_tells_every_name_digest_and_reason_of_the_document(w):
    document = w.run("passport", REF, json=True).json
    page = Page(w.run("passport", REF, "--html").out)
    text = "\n".join(data for _, data in page.texts)
    told = [s for s in strings(document) if s != document["schema"]]
    assert len(told) > 80
    assert [s for s in told if s not in text] == []
    listed = [a["id"] for a in document["attestations"]]
    assert all(text.index(a) for a in listed) and len(set(listed)) > 10
    for words in ("assistant:v1.0.0", "PASSED", "A tiny release for tests.", "4: 4 passed, 0 failed", "Attempts to leave\nnone", "5 of 5 awake", "Signature"):
        assert words in text, words


def test_the_page_needs_nothing_from_outside_and_runs_nothing(w, hostile):
    for ref in (REF, hostile):
        html = w.run("passport", ref, "--html").out
        page = Page(html)
        assert html.startswith("<!DOCTYPE html>\n") and "@media print" in html and "size:A4" in html
        assert "<script" not in html.lower() and "url(" not in html and "@import" not in html
        assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "svg"})
        assert {name for _, name, _ in page.attributes} <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
        for where, data in page.texts:
            assert "://" not in data or "td" in where, (where, data)


def test_words_of_others_are_text_on_the_page(w, hostile):
    html = w.run("passport", hostile, "--html").out
    assert [where[-1] for where, data in Page(html).texts if data == HOSTILE] == ["td", "td"], "description and reason, each whole and in its cell"
    assert "Not judged for prod" in html


def test_the_page_is_a_form_of_its_own(w):
    w.run("passport", REF, "--html", "--lines", status=2)
    assert "--html" in w.run("passport", REF, "--html", json=True, status=2).json["message"]
    assert "--html" in w.run("passport", "--help").out


# ── as the HTML standard reads it ──

STRICT = "import sys, html5lib; html5lib.HTMLParser(strict=True).parse(sys.stdin.buffer.read(), transport_encoding='utf-8')"


@pytest.fixture(scope="module")
def waived(airlock_path, tmp_path_factory):
    """A release with a licence that blocks and is waived, one that stays, and no approval."""
    made = World(airlock_path, tmp_path_factory.mktemp("passport-waived-page"))
    made.found().people(sofia="security-officer", otto="security-officer", pavel="product-owner")
    folder = made.folder / "files"
    folder.mkdir()
    files = [wheel(folder, name, "1.0.0", metadata=RECORD.format(name) + f"License: {licence}\n") for name, licence in (("strict", "AGPL-3.0"), ("vague", "BSD"))]
    with_packages(made, files=files)
    made.receive(made.ship(REF))
    made.run("scan", REF)
    policy = made.folder / "policy.yaml"
    policy.write_text((made.contour / "policy.yaml").read_text() + "licences: {deny: [AGPL-3.0+], packages: {unknown: block}}\n")
    made.run("policy", "set", policy, "--key", made.keys["sofia"], "--key", made.keys["pavel"], "--passphrase-file", made.folder / "desk" / "passphrase")
    for person in ("sofia", "otto"):
        made.sign("waive", "licence-denied", "--on", REF, "--until", day(30), *COMPENSATION, person=person)
    made.run("judge", REF, "--gate", "intake", status=1)
    return made


def test_the_page_has_no_error_that_the_html_standard_knows(w, hostile, waived):
    python = client_venv("html", HERE / "html-requirements.txt") / "bin/python"
    for world, ref in ((w, REF), (w, hostile), (waived, REF)):
        html = world.run("passport", ref, "--html").out
        done = subprocess.run([python, "-c", STRICT], input=html.encode(), capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()[-600:]


def test_what_blocks_what_is_waived_and_each_gates_decision_stand_on_the_page(waived):
    text = "\n".join(data for _, data in Page(waived.run("passport", REF, "--html").out).texts)
    for words in ("licence-denied: AGPL-3.0-only", "waived", "by sofia and otto", "licence-unknown", "no waiver", "not known", "SEC-17", COMPENSATION[1], "How it was made", "Its packages were not held against advisories."):
        assert words in text, words
    assert text.index("What was decided, and why") < text.index("Newest decision")


def test_headings_go_down_one_at_a_time_and_every_table_has_headers(w):
    html = w.run("passport", REF, "--html").out
    levels = [int(html[i + 2]) for i in range(len(html)) if html[i : i + 2] == "<h" and html[i + 2] in "123456"]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:]))
    assert '<html lang="en">' in html
    assert html.count("<th ") == html.count("<th scope=") and all("<th " in table for table in html.split("<table")[1:])
