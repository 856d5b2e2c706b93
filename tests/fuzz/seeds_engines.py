#!/usr/bin/env python3
"""Writes the seeds of what stands between us and other people's scanners into corpus/: answers of clamd, sets of YARA rules, names of files."""

import struct

from seeds import seed


def bundle(*files):
    return b"".join(struct.pack(">II", len(name), len(text)) + name + text for name, text in files)


def clamd():
    answers = {
        "ok": b"stream: OK\0",
        "fd": b"fd[10]: OK\0",
        "found": b"stream: Win.Test.EICAR_HDB-1 FOUND\0",
        "limits": b"fd[11]: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
        "error": b"fd[11]: Not a regular file ERROR\0",
        "size": b"INSTREAM size limit exceeded. ERROR\0",
        "unknown": b"UNKNOWN COMMAND\0",
        "version": b"ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026\0",
        "version-day": b"ClamAV 1.4.6/27500/Sun Nov  1 09:12:00 2026\0",
        "version-none": b"ClamAV 1.4.6\0",
        "two": b"stream: OK\0stream: A FOUND\0",
        "no-end": b"stream: OK",
    }
    for name, answer in answers.items():
        seed("clamd_reply", name, answer)


def yara():
    sets = {
        "one": bundle((b"a.yar", b'rule A { strings: $a = "rule" condition: $a }')),
        "two": bundle((b"a.yar", b"rule A { condition: true }"), (b"b.yar", b"rule A { condition: false }")),
        "hex": bundle((b"a.yar", b"rule A { strings: $a = { 72 ?? 6c [0-4] ( 41 | 42 ) } $b = /r.{2}e/i condition: #a > 1 or @b[1] < 9 }")),
        "modules": bundle((b"a.yar", b'import "math" import "hash"\nrule A { condition: math.entropy(0, filesize) > 1.0 and hash.md5(0, 1) != "" }')),
        "include": bundle((b"a.yar", b'include "b.yar"')),
        "magic": bundle((b"a.yar", b'import "magic"\nrule A { condition: magic.type() contains "x" }')),
        "broken": bundle((b"a.yar", b"rule A { condition: (((((1) }")),
        "short": bundle((b"a.yar", b"rule A { condition: true }"))[:-3],
        "elf": b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400000, 64, 64, 0, 64, 56, 1, 64, 1, 0) + bytes(120),
        "pe": b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x102) + b"\x0b\1" + bytes(262),
    }
    for name, content in sets.items():
        seed("yara_rules", name, content)


def names():
    for kind, name in ((10, b"model.gguf"), (17, b"a/b.whl"), (17, b"model.PT"), (12, b"layer.tar"), (24, b"x.pdf"), (22, b"README"), (4, b"")):
        seed("file_class", f"{kind}-{name.decode().replace('/', '-')}", bytes([kind]) + name)


clamd()
yara()
names()
