"""The account of script/fuzz: who is next, what counts, and what every target must be."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/fuzz"))

import campaign  # noqa: E402


@pytest.fixture
def tree(tmp_path):
    for name in ("elf", "gguf", "onnx"):
        for path, text in ((f"src/parse/{name}.c", "int x;\n"), (f"tests/fuzz/fuzz_{name}.c", "int LLVMFuzzerTestOneInput;\n")):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    return tmp_path


def test_every_parser_has_a_line_and_nothing_else_has(tree):
    account = campaign.account_renew({"gone": campaign.Entry("gone")}, tree)
    assert sorted(account) == ["elf", "gguf", "onnx"]


def test_time_since_the_sources_changed_begins_again_and_time_in_all_does_not(tree):
    account = campaign.account_renew({}, tree)
    account["elf"].seconds = account["elf"].since = 60
    assert campaign.account_renew(account, tree)["elf"].since == 60
    (tree / "src/parse/elf.c").write_text("int y;\n")
    renewed = campaign.account_renew(account, tree)["elf"]
    assert (renewed.since, renewed.seconds) == (0, 60)


def test_a_header_is_a_source_too(tree):
    before = campaign.sources_digest("elf", tree)
    (tree / "src/parse/elf.h").write_text("int z;\n")
    assert campaign.sources_digest("elf", tree) != before


def test_the_least_time_comes_first(tree):
    account = campaign.account_renew({}, tree)
    account["elf"].since, account["onnx"].since, account["gguf"].since = 30, 0, 10
    assert campaign.account_order(account, account) == ["onnx", "gguf", "elf"]


def test_the_account_is_read_as_it_was_written(tree, tmp_path):
    account = campaign.account_renew({}, tree)
    account["elf"].seconds, account["elf"].runs, account["elf"].reads = 12.5, 7, "elf report"
    campaign.account_write(account, tmp_path / "account.tsv")
    assert campaign.account_read(tmp_path / "account.tsv") == account


def test_the_table_has_a_line_for_each_target(tree):
    text = campaign.table_text(campaign.account_renew({}, tree) | {"gguf": campaign.Entry("gguf", seconds=900, since=900, runs=5)})
    assert "| gguf | 15.0 | 15.0 | 5 |" in text and "15 minutes or more since its sources changed: 1 of 3" in text


def test_processor_time_is_measured_and_not_the_clock(tmp_path):
    status, seconds = campaign.run_for(["sleep", "1"], tmp_path / "log", 30, campaign.time.monotonic() + 30)
    assert status == 0 and seconds < 0.5


def test_the_committed_account_knows_no_target_that_reaches_nothing_of_its_parser():
    """Its time would be time of something else. The account is made by script/fuzz; a new parser stands in it after its first run."""
    bad = [e.target for e in campaign.account_read().values() if e.functions.startswith("0/") and e.runs]
    assert not bad, f"no seed in tests/fuzz/corpus/NAME/ reaches a function of src/parse/NAME.c: {' '.join(bad)}"
