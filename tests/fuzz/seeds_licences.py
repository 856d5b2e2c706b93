#!/usr/bin/env python3
"""The seeds of the readers of licences: what people write, lists, the notice that our own licence asks for. Run it again after a change."""

from pathlib import Path

from seeds import seed

NAMES = {
    "classifier": "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)",
    "debian": "LGPL-2.1+ AND (Expat or GPL-2, and Artistic) AND custom-foo with Classpath exception",
    "either": "Apache-2.0/MIT|ISC",
    "card": "---\nlicense:\n- mit\n- \"apache-2.0\"\nlicense_name: x\n---\n",
    "card-other": "---\nlicense: other\nlicense_name: some-name\n---\n",
    "conclude": "MIT OR Apache-2.0\nGPL-3.0-only WITH GCC-exception-3.1",
    "deep": "((((MIT))))",
}
LISTS = {
    "later": "GPL-2.0-or-later OR (MIT AND ISC)\nGPL-3.0-only, MIT\nAGPL-3.0+",
    "exception": "GPL-3.0-only WITH GCC-exception-3.1\nGPL-3.0+ WITH GCC-exception-3.1\nGPL-3.0+",
    "reference": "DocumentRef-a:LicenseRef-b\nLicenseRef-b\n",
    "broken": "MIT AND\nMIT\n",
}


def notice():
    text = (Path(__file__).resolve().parents[2] / "LICENSE").read_text()
    return text[text.rindex("Licensed under"):]


for name, value in NAMES.items():
    seed("licence", name, value.encode())
for name, value in LISTS.items():
    seed("licence_judge", name, value.encode())
seed("licence_text", "notice", notice().encode())
seed("licence_text", "comment", ("/* Copyright (c) 2026\n * All rights reserved.\n * " + notice().replace("\n", "\n * ").upper() + "*/").encode())
seed("licence_text", "rider", (notice() + "Commons Clause").encode())
