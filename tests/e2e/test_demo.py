"""The whole way once, with the real engine and the real model: script/demo, as the README has a first-time user run it. What each step must
do and must refuse is asked for in the script itself, which stops at the first thing that is otherwise; here its table is held to be whole."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("Set-up", "Who trusts whom", "Station: collect, pack and ship", "Contour: received, and in quarantine",
         "Scan, judge, sandbox, test, approvals, prod", "Answers", "From the mirrors", "A chatty engine is caught", "Version 1.1.0, and back in an instant",
         "Found, waived for a time, recalled", "The story, and the proof")


@pytest.mark.alone
def test_the_whole_way_with_the_real_engine_and_model(real_engine, real_model):
    environment = dict(os.environ, AIRLOCK_DEMO_ENGINE=str(real_engine), AIRLOCK_DEMO_MODEL=str(real_model))
    demo = subprocess.run([ROOT / "script/demo"], capture_output=True, text=True, errors="replace", env=environment, timeout=900, check=False)
    assert demo.returncode == 0, demo.stdout[-6000:] + demo.stderr[-2000:]
    rows = re.findall(r"^  ok  (\d+)\. (.+?) {2,}", demo.stdout, re.M)
    assert len(rows) == len(STEPS)
    for (number, name), wanted in zip(rows, STEPS):
        assert name.startswith(wanted), f"row {number} is {name}, wanted {wanted}"
    assert "The capital of France is Paris." in demo.stdout
