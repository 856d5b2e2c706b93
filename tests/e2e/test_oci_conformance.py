"""The OCI distribution conformance suite, version 1.1, against our own registry: through the script that people run."""

import re
import subprocess
import xml.etree.ElementTree as xml

from conftest import ROOT, environment
from peers import peers  # noqa: F401  (a fixture)

FEWEST = 900  # tests that the suite has in this version; 0 failures of 0 tests would say nothing


def test_the_suite_passes_whole(airlock_path, peers, tmp_path):  # noqa: F811
    done = subprocess.run(
        [ROOT / "script/oci-conformance", "--results", tmp_path], env=environment({"AIRLOCK": str(airlock_path)}), capture_output=True, text=True, timeout=300, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "OCI Conformance Result: Pass" in done.stdout
    counted = re.search(r"(\d+) tests: (\d+) failures, (\d+) errors, (\d+) skipped, (\d+) disabled", done.stderr)
    tests, *bad = map(int, counted.groups())
    assert tests >= FEWEST and bad == [0, 0, 0, 0], said
    results = xml.parse(tmp_path / "junit.xml").getroot()
    names = [case.get("name") for case in results.iter("testcase")]
    for group in ("sha256 blobs", "sha512 blobs", "large-manifest", "artifacts-with-subject", "non-distributable-layers", "tag-param-sha512", "bad-digest-image"):
        assert any(f"/{group}/" in name for name in names), f"nothing of {group} was tried"
