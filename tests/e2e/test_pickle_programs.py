"""Random pickle programs: what CPython's two loaders would import, or choke on, airlock scan must not let pass.

The loaders run with a find_class that hands out stand-ins, so that no program of theirs reaches anything; the extension registry of copyreg
is empty. So they say what a pickle is without being hurt by it, and no opcode trick is missing because nobody thought of it.
"""

import _pickle
import io
import pickle
import pickletools
import random
from pathlib import Path

BAD = [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("numpy", "load"), ("collections", "defaultdict"), ("torch._utils", "x")]
FINE = [("collections", "OrderedDict"), ("torch", "FloatStorage"), ("torch", "Tensor"), ("torch._utils", "_rebuild_tensor_v2"), ("numpy", "dtype")]

# Opcodes by themselves, and with the smallest arguments.
PIECES = [b"0", b"1", b"2", b"(", b"N", b"]", b"}", b")", b"a", b"e", b"s", b"u", b"R", b"b", b"t", b"\x85", b"\x86", b"\x87", b"\x94", b"q\x00",
          b"q\x01", b"h\x00", b"h\x01", b"p0\n", b"g0\n", b"\x88", b"K\x01", b"o", b"l", b"d", b"\x8f", b"\x90", b"\x91", b".", b"\x80\x02",
          b"\x81", b"Q", b"\x93", b"j\x00\x00\x00\x00", b"\x95" + bytes([9]) + bytes(7), b"\x95" + bytes(8)]


class StandIn:
    """What every name is here, and what every call of it gives."""

    def __init__(self, *_):
        pass

    def __call__(self, *_):
        return StandIn()

    def __setstate__(self, _):
        pass

    def __setitem__(self, *_):
        pass

    def append(self, _):
        pass

    extend = add = append

    def __hash__(self):
        return 1


def reading(base, data):
    """(names that it imports, whether it got to the end of the data)"""
    names = []

    class Loader(base):
        def find_class(self, module, name):
            names.append((module, name))
            return type("Imported", (StandIn,), {})

        def persistent_load(self, _):
            return StandIn()

    stream = io.BytesIO(data)
    try:
        Loader(stream).load()
    except Exception:  # whatever a broken pickle raises
        return names, False
    return names, not stream.read()


def text(s):
    return b"\x8c" + bytes([len(s)]) + s.encode()


def fragment(rng):
    """A name, in one of the ways in which one is brought in, and what is done with it."""
    module, name = rng.choice(BAD if rng.random() < 0.6 else FINE)
    by_line = b"c" + module.encode() + b"\n" + name.encode() + b"\n"
    lines = module.encode() + b"\n" + name.encode() + b"\n"
    return rng.choice([
        by_line, by_line + b"0", by_line + b")R", by_line + b")R0", by_line + b")\x81", by_line + b"}b", by_line + b")}\x92",
        text(module) + text(name) + b"\x93", text(module) + b"\x94" + text(name) + b"\x94\x93", text(module) + text(name) + b"\x93)R0",
        b"(" + text("a") + b"i" + lines, b"(" + by_line + b"o", b"S'" + module.encode() + b"'\nS'" + name.encode() + b"'\n\x93",
        b"V" + module.encode() + b"\nV" + name.encode() + b"\n\x93", b"h" + bytes([rng.randrange(4)]) + b"h" + bytes([rng.randrange(4)]) + b"\x93",
        b"\x82" + bytes([rng.randrange(3)]),
    ])


def program(rng, honest):
    if rng.random() < 0.3:
        parts = [rng.choice(PIECES) if rng.random() < 0.6 else fragment(rng) for _ in range(rng.randrange(1, 9))]
        return rng.choice((b"", b"\x80\x02", b"\x80\x04")) + b"".join(parts) + b"."
    data = rng.choice(honest)
    places = [at for _, _, at in pickletools.genops(data)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice(places)
        data = data[:at] + (fragment(rng) if rng.random() < 0.7 else rng.choice(PIECES)) + rng.choice((b"0", b"", b"\x86", b"\x94")) + data[at:]
        places = [place for place in places if place <= at]
    frame = data.find(b"\x95")
    if frame >= 0 and rng.random() < 0.5:
        data = data[:frame] + data[frame + 9:]
    return data + (b"" if rng.random() < 0.9 else rng.choice((b"\0", fragment(rng) + b".")))


def honest_pickles():
    values = ({"a": [1, 2, "x"], "b": (1, None)}, [1.5, b"y", {"k": {"l": 3}}], ("a", "b", "a"), {1, 2}, bytearray(b"z"), 1 << 70)
    return [pickle.dumps(value, protocol) for value in values for protocol in range(6)]


def test_no_program_that_imports_or_breaks_is_clean(airlock, tmp_path):
    rng = random.Random(20)
    honest = honest_pickles()
    folder = tmp_path / "programs"
    folder.mkdir()
    wanted = {}
    for number in range(2000):
        data = program(rng, honest)
        readings = [reading(base, data) for base in (pickle._Unpickler, _pickle.Unpickler)]
        bad = any(name in BAD for names, _ in readings for name in names)
        wanted[f"{number}.pkl"] = "imports" if bad else "breaks" if not any(whole for _, whole in readings) else ""
        (folder / f"{number}.pkl").write_bytes(data)
    assert sum(kind == "imports" for kind in wanted.values()) > 500 and sum(kind == "breaks" for kind in wanted.values()) > 500

    files = airlock("scan", folder, json=True, status=1).json["files"]

    passed = [Path(row["path"]) for row in files if row["verdict"] in ("clean", "opaque") and wanted[Path(row["path"]).name]]
    assert len(files) == 2000
    assert not passed, [(path.name, wanted[path.name], path.read_bytes()) for path in passed[:5]]


def test_what_the_programs_are_made_of_is_clean(airlock, tmp_path):
    for number, data in enumerate(honest_pickles()):
        (tmp_path / f"{number}.pkl").write_bytes(data)
    assert {row["verdict"] for row in airlock("scan", tmp_path, json=True).json["files"]} == {"clean"}
