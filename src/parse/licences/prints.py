#!/usr/bin/env python3
"""prints.py FOLDER COPYRIGHT > ../licence_prints.h: fingerprints of common licences, made of their texts, which are not kept here.

FOLDER holds one text a licence, NAME.json with "licenseText" (as the npm package spdx-license-list has them, whose
texts are those of the SPDX licence list) or the plain text under its name of Debian's /usr/share/common-licenses;
COPYRIGHT is a file that has the exception of GCC's libraries, as /usr/share/doc/gcc-12-base/copyright of Debian. A
print is a hash of five words that stand behind each other, as src/parse/licence_text.c makes them; of each text only
those are kept that the step divides, some 60 to 120 of them.
"""

import json
import pathlib
import re
import sys

WORDS = 5
LEAST, LEAST_OF_LONG, LONG = 60, 32, 600
# What packages and models carry. Texts that are the same under two names stand under one: "-only" of GNU's.
IDS = """0BSD AFL-3.0 AGPL-3.0-only Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent
BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSD-4-Clause-UC BSL-1.0 BUSL-1.1 BlueOak-1.0.0 CC-BY-3.0 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-ND-4.0
CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CECILL-2.1 CPL-1.0 ECL-2.0
EPL-1.0 EPL-2.0 EUPL-1.2 Elastic-2.0 FTL GFDL-1.2-only GFDL-1.3-only GPL-1.0-only GPL-2.0-only GPL-3.0-only HPND ICU IJG ISC JSON
LGPL-2.0-only LGPL-2.1-only LGPL-3.0-only Libpng LPPL-1.3c MIT MIT-0 MIT-CMU MPL-1.1 MPL-2.0 MS-PL NCSA NTP ODC-By-1.0 ODbL-1.0 OFL-1.1 OLDAP-2.8 OSL-3.0
OpenSSL PDDL-1.0 PHP-3.01 PSF-2.0 PostgreSQL Python-2.0 Ruby SSPL-1.0 Sleepycat TCL UPL-1.0 Unicode-3.0 Unicode-DFS-2016 Unlicense Vim W3C WTFPL
X11 ZPL-2.1 Zlib bzip2-1.0.6 curl""".split()
DEBIAN = {"Artistic-1.0-Perl": "Artistic", "GPL-1.0-only": "GPL-1", "GPL-2.0-only": "GPL-2", "GPL-3.0-only": "GPL-3", "LGPL-2.0-only": "LGPL-2",
          "LGPL-2.1-only": "LGPL-2.1", "LGPL-3.0-only": "LGPL-3", "GFDL-1.2-only": "GFDL-1.2", "GFDL-1.3-only": "GFDL-1.3"}

# What stands in the place of a text: a notice that the text itself asks for. (GNU's are not among them: whether "or
# any later version" is there is a matter of some words.) And what is added to a text.
PARTS = [("Apache-2.0", "Apache-2.0", "Licensed under the Apache License", None),
         ("MPL-2.0", "MPL-2.0", "This Source Code Form is subject to the terms", "If it is not possible")]
# The same with the words that people use in the place of names.
OTHERWISE = [("ISC", "ISC", "THE AUTHOR"), ("ISC", "ISC", "THE AUTHORS"), ("MIT", "AUTHORS OR COPYRIGHT HOLDERS", "COPYRIGHT HOLDERS"),
             ("BSD-2-Clause", "COPYRIGHT (HOLDERS AND CONTRIBUTORS|HOLDER OR CONTRIBUTORS|OWNER OR CONTRIBUTORS|HOLDER)", "AUTHOR"),
             ("BSD-3-Clause", "COPYRIGHT (HOLDERS AND CONTRIBUTORS|HOLDER OR CONTRIBUTORS|OWNER OR CONTRIBUTORS|HOLDER)", "REGENTS AND CONTRIBUTORS")]
EXCEPTION = ("GCC-exception-3.1", "GCC RUNTIME LIBRARY EXCEPTION", "requirements of the license of GCC.")


def words_of(text):
    """As next_word and skip_line of licence_text.c."""
    words = []
    for line in text.lower().split("\n"):
        found = re.findall(r"[a-z0-9]+", line)
        if found and found[0] == "copyright" and (len(found) == 1 or found[1] in ("c", "year", "yyyy") or found[1][0].isdigit()):
            continue
        if found[:1] == ["c"] and len(found) > 1 and found[1][0].isdigit() or found[:3] == ["all", "rights", "reserved"]:
            continue
        words += [{"licence": "license", "licences": "licenses", "https": "http"}.get(w, w) for w in found]
    return words


def hash_of(words):
    h = 2166136261
    for byte in (" ".join(words)).encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    h ^= h >> 16
    h = h * 0x7FEB352D & 0xFFFFFFFF
    h ^= h >> 15
    h = h * 0x846CA68B & 0xFFFFFFFF
    return h ^ h >> 16


def prints_of(words):
    return {hash_of(words[i:i + WORDS]) for i in range(len(words) - WORDS + 1)}


def text_of(folder, name):
    path = folder / (name + ".json")
    if path.exists():
        return json.loads(path.read_text())["licenseText"]
    for plain in (name, DEBIAN.get(name, name)):
        if (folder / plain).exists():
            return (folder / plain).read_text()
    return None


def part(text, start, end):
    text = text[text.rindex(start):]
    return text[:text.index(end) + len(end)] if end else text


def texts(folder, copyright):
    for name in IDS:
        text = text_of(folder, name)
        if text is None:
            sys.exit(f"{name}: no text of it in {folder}")
        if name == "LGPL-3.0-only":
            text = text.split("GNU GENERAL PUBLIC LICENSE\nVersion 3")[0]  # the list adds the other licence, which files do not
        yield name, text
    for name, source, start, end in PARTS:
        yield name, part(text_of(folder, source), start, end)
    for name, words, instead in OTHERWISE:
        yield name, re.sub(words, instead, text_of(folder, name))
    yield EXCEPTION[0], part(copyright.read_text(), *EXCEPTION[1:])


def main():
    folder, copyright = map(pathlib.Path, sys.argv[1:])
    prints, rows = [], []
    for name, text in texts(folder, copyright):
        all_of_it = prints_of(words_of(text))
        least, step = LEAST_OF_LONG if len(all_of_it) > LONG else LEAST, 1
        while len(all_of_it) // (2 * step) >= least:
            step *= 2
        kept = [p for p in all_of_it if p % step == 0]
        prints += [(p, len(rows)) for p in kept]
        rows.append((name, step, len(kept)))
    prints.sort()
    print("/* Made by licences/prints.py: which five words stand behind each other in the texts of common licences. */")
    print("#pragma once\n")
    print("/* clang-format off */")
    print("static const struct licence_print {\n    const char *id;\n    unsigned step, count;\n} LICENCES[] = {")
    for row in rows:
        print('    {"%s", %u, %u},' % row)
    print("};\n\n/* Sorted. A print that two texts share stands there twice. */\nstatic const uint32_t PRINTS[] = {")
    for i in range(0, len(prints), 16):
        print("    " + " ".join(f"0x{p:08x}," for p, _ in prints[i:i + 16]))
    print("};\n\n/* Whose each is. */\nstatic const uint8_t OWNERS[] = {")
    for i in range(0, len(prints), 48):
        print("    " + " ".join(f"{n}," for _, n in prints[i:i + 48]))
    print("};\n/* clang-format on */")


main()
