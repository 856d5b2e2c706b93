"""What Debian lacks of OCI clients, built once by script/peers.

    from peers import peers                      # a fixture: the folder with conformance, crane and oras"""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

BUILD_TIMEOUT_S = 900


def find():
    """The folder; skips, saying so, where the sources cannot be had."""
    done = subprocess.run([ROOT / "script/peers"], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    if done.returncode == 2:
        pytest.skip(f"NO PEERS: crane, oras and the conformance suite cannot be had, so NOTHING was tried with them: {done.stderr.strip()[-400:]}")
    assert done.returncode == 0, done.stderr
    return Path(re.fullmatch(r"export AIRLOCK_PEERS=(\S+)\n", done.stdout)[1])


@pytest.fixture(scope="session")
def peers():
    return find()
