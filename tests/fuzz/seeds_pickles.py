#!/usr/bin/env python3
"""Writes the seeds of the readers of pickles, of NumPy's and joblib's files and of torch's containers into corpus/: small, each another
way through. The names in them are text: nothing here imports or loads what they name."""

import io
import pickle
import struct
import zipfile
import zlib

from seeds import seed


def text(value):
    value = value.encode()
    return b"X" + struct.pack("<I", len(value)) + value


def name(module, attribute):
    return b"c%s\n%s\n" % (module.encode(), attribute.encode())


def integer(value):
    return b"J" + struct.pack("<i", value)


def storage(kind, key, count):
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + integer(count) + b"tQ"


def tensor(key="0", count=6, size=6):
    head = name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage("FloatStorage", key, count)
    return head + integer(0) + integer(size) + b"\x85" + integer(1) + b"\x85\x89" + name("collections", "OrderedDict") + b")RtR"


def dtype(kind="f4", state=True):
    made = name("numpy", "dtype") + text(kind) + b"\x89\x88\x87R"
    return made + (b"(K\x03" + text("<") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb" if state else b"")


def array(kind="f4", count=2, data=bytes(8)):
    head = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray") + b"K\x00\x85C\x01b\x87R"
    return head + b"(K\x01" + integer(count) + b"\x85" + dtype(kind) + b"\x89B" + struct.pack("<I", len(data)) + data + b"tb"


def wrapped(data, kind="f4", count=2, aligned=False):
    state = text("subclass") + name("numpy", "ndarray") + text("shape") + integer(count) + b"\x85" + text("order") + text("C")
    state += text("dtype") + dtype(kind) + text("allow_mmap") + b"\x88"
    padding = b""
    if aligned:
        state += text("numpy_array_alignment_bytes") + integer(16)
        padding = b"\x04\xff\xff\xff\xff"
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}(" + state + b"ub" + padding + data


def checkpoint(top="archive/", data=b"\x80\x02" + tensor() + b".", storage_bytes=bytes(24), script=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for member, content in (("data.pkl", data), ("byteorder", b"little"), ("data/0", storage_bytes), ("version", b"3\n")):
            z.writestr(zipfile.ZipInfo(top + member), content)
        if script:
            z.writestr(zipfile.ZipInfo(top + "code/__torch__.py"), b"def f(x): return x\n")
    return out.getvalue()


MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def stacked():
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = MAGIC + b"\x80\x02M\xe9\x03." + pickle.dumps(system, 2) + b"\x80\x02" + tensor() + b"." + pickle.dumps(["0"], 2)
    return head + struct.pack("<q", 6) + bytes(24)


def npy(descr="'<f4'", shape="(2,)", data=bytes(8), version=1):
    header = ("{'descr': %s, 'fortran_order': False, 'shape': %s, }" % (descr, shape)).encode()
    header += b" " * (-(len(header) + (11 if version == 1 else 13)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def pickles():
    value = {"a": [1, 2.5, None, True, -1, 10**30], "b": ("x", b"y", {1, 2}, frozenset([3])), "c": bytearray(b"z")}
    for protocol in range(6):
        yield f"data-{protocol}", pickle.dumps(value, protocol)
    yield "tensor", b"\x80\x02" + tensor() + b"."
    yield "tensor-too-large", b"\x80\x02" + tensor(size=7) + b"."
    yield "from-type", b"\x80\x02" + name("torch._tensor", "_rebuild_from_type_v2") + b"(" + name("torch._utils", "_rebuild_tensor_v2") + (
        name("torch.nn.parameter", "Parameter") + b"(" + storage("FloatStorage", "0", 4) + b"K\x00K\x04\x85K\x01\x85\x89}t}tR."
    )
    yield "array", b"\x80\x03" + array() + b"."
    yield "array-of-objects", b"\x80\x03" + array("O8") + b"."
    yield "call", b"cos\nsystem\n(S'id'\ntR."
    yield "stack-global", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x02id\x85R."
    yield "inst", b"(S'id'\nios\nsystem\n."
    yield "obj", b"(cos\nsystem\nS'id'\no."
    yield "ext", b"\x80\x02\x82\x01)R."
    yield "pops", b"(K\x01K\x0210K\x012\x86."
    yield "frames", b"\x80\x04\x95\x03\0\0\0\0\0\0\0\x8c\x0acos\nsystem."
    yield "memo", b"\x80\x02]q\x00]q\x00h\x07r\xff\xff\xff\xff."
    yield "two", b"\x80\x02].\x80\x02cbuiltins\neval\n)R."
    yield "broken", b"\x80\x02cbuiltins\nexec\n(X\xff\xff"
    yield "joblib", b"\x80\x03" + wrapped(bytes(8)) + b"."
    yield "joblib-aligned", b"\x80\x03" + wrapped(bytes(8), aligned=True) + b"."
    yield "joblib-two-readings", b"\x80\x03" + wrapped(b"0cos\nsystem\n)R.", "u1", 15) + b"."
    yield "joblib-objects", b"\x80\x03" + wrapped(b"\x80\x02" + array("O8") + b".", "O8", 1) + b"."
    yield "codecs", b"\x80\x02" + name("_codecs", "encode") + text("ab") + text("latin1") + b"\x86R."
    yield "sets", b"\x80\x02" + name("builtins", "set") + b"](K\x01K\x02e\x85R."


# Which seeds lead into which file of the machine, by the first word of their names; none: all.
WANTED = {
    "pickle": "call stack inst ext pops data two",
    "pickle_file": "two broken joblib tensor call array",
    "pickle_machine": "",
    "pickle_data": "data frames broken sets",
    "pickle_import": "call stack inst obj ext tensor joblib from",
    "pickle_calls": "tensor from array codecs sets",
    "pickle_numpy": "array joblib",
    "pickle_values": "data codecs memo array",
    "inspect": "call tensor joblib",
}


def main():
    for label, data in pickles():
        for target, labels in WANTED.items():
            if not labels or label.split("-")[0] in labels.split():
                seed(target, "pickle-" + label, data)
        if label.startswith("joblib"):
            seed("joblib", label, data)
            seed("joblib", label + ".z", zlib.compress(data))
    inner = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R."
    seed("joblib", "old.z", b"ZF" + hex(len(inner)).encode().ljust(19) + zlib.compress(inner))
    for label, data in (("binary", inner), ("hex", inner.hex().encode()), ("zlib", zlib.compress(inner)), ("code", b"os.system('id')"),
                        ("text", b"cos\nsystem\n(S'id'\ntR."), ("base64", b"gASMCGJ1aWx0aW5zjARldmFsk4wBMYVSLg==")):
        seed("pickle_nested", label, data)
    for label, data in (("danger", b"os\nsystem"), ("allowed", b"torch\nFloatStorage"), ("dotted", b"pathlib\nos.system")):
        seed("pickle_names", label, data)
    for label, data in (("plain", npy()), ("version-2", npy(version=2)), ("version-3", npy(version=3)), ("object", npy("'|O'")),
                        ("fields", npy("[('a', '<f4'), (('t', 'b'), [('c', '|u1')], (2,2))]", "()", bytes(8))),
                        ("short", npy(shape="(3, 1)")), ("long", npy(shape="(2L,)"))):
        seed("numpy", label, data)
        seed("inspect", "npy-" + label, data)
    for label in ("<f4", "|S3", "<M8[25ns]", "O", "?", ">U2147483647"):
        seed("numpy_dtype", "type-" + label.strip("<>|?").replace("[", "-").replace("]", "") + ("bool" if label == "?" else ""), label.encode())
    for label, data in (("plain", checkpoint()), ("no-folder", checkpoint("")), ("short", checkpoint(storage_bytes=bytes(20))),
                        ("script", checkpoint(script=True)), ("call", checkpoint(data=b"cos\nsystem\n(S'id'\ntR."))):
        seed("torch", label, data)
    for label, data in (("plain", stacked()), ("short", stacked()[:-1]), ("long", stacked() + b"x")):
        seed("torch_stacked", label, data)


if __name__ == "__main__":
    main()
