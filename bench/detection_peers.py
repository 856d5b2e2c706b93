#!/usr/bin/env python3
"""Asks one scanner of others about files, in the virtual environment of bench/detection: detection_peers.py TOOL, paths on standard input, a
line "OUTCOME<TAB>PATH" each. blocked: it objects; passed: it does not, or did not look; error: it gave up. Only the scanners' static readers
run: nothing is unpickled, and torch is not installed."""

import contextlib
import io
import logging
import os
import signal
import sys
import zipfile

SECONDS = 20


def picklescan(path):
    from picklescan.scanner import scan_file_path

    result = scan_file_path(path)
    return "blocked" if result.infected_files else "error" if result.scan_err else "passed"


def modelscan(path):
    from modelscan.modelscan import ModelScan

    result = ModelScan().scan(path)
    return "blocked" if result["issues"] else "error" if result["errors"] else "passed"


def fickling(path):
    import fickling

    results = fickling.scan_zip_archive(path).values() if zipfile.is_zipfile(path) else [fickling.scan_file(path)]
    if any(not result.is_safe for result in results):
        return "blocked"
    return "error" if any(result.errors for result in results) else "passed"


def too_slow(_signal, _frame):
    raise TimeoutError


def main():
    ask = {"picklescan": picklescan, "modelscan": modelscan, "fickling": fickling}[sys.argv[1]]
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, too_slow)
    for path in sys.stdin.read().splitlines():
        signal.alarm(SECONDS)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                outcome = ask(path)
        except Exception:  # noqa: BLE001 - whatever it is, the scanner gave up
            outcome = "error"
        signal.alarm(0)
        print(f"{outcome}\t{path}", flush=True)
    os._exit(0)


main()
