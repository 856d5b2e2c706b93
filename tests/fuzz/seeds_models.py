#!/usr/bin/env python3
"""The seeds of the readers of models: zip files, ONNX, Keras, skops, SavedModel, HDF5. Small ones, good and bad. Run it again after a change."""

import io
import json
import struct
import zipfile
import zlib

from seeds import PICKLE, seed

HDF5_STUB = b"\x89HDF\r\n\x1a\n" + bytes(88)


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def zipped(members, method=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            info.compress_type = method
            z.writestr(info, content)
        z.comment = comment
    return out.getvalue()


def zip64(members):
    """As PyTorch writes it: the 64-bit end record is always there."""
    plain = zipped(members)
    end = plain.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack("<HII", plain[end + 10 : end + 20])
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return plain[:end] + record + locator + plain[end:]


def streamed(name, content):
    """Sizes behind the data, with a 64-bit descriptor."""
    crc = zlib.crc32(content)
    extra = struct.pack("<HHQQ", 1, 16, 0, 0)
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 45, 8, 0, 0, 33, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra)) + name + extra
    descriptor = b"PK\x07\x08" + struct.pack("<IQQ", crc, len(content), len(content))
    body = local + content + descriptor
    central = b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 45, 45, 8, 0, 0, 33, crc, len(content), len(content), len(name), 0, 0, 0, 0, 0, 0) + name
    return body + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(body), 0)


def zips():
    good = zipped({"a.txt": "text\n", "b/c.json": "{}", "b/": ""})
    yield "plain", good
    yield "deflated", zipped({"a.txt": "text\n" * 50}, zipfile.ZIP_DEFLATED)
    yield "comment", zipped({"a.txt": "text\n"}, comment=b"a comment")
    yield "wide", zip64({"a.txt": "text\n"})
    yield "streamed", streamed(b"a.txt", b"text\n")
    yield "nested", zipped({"inner.zip": good})
    yield "case", zipped({"a": "1", "A": "2"})
    yield "prefixed-text", b"#!/bin/sh\n" + good
    yield "tail", good + b"more"
    yield "pickle", zipped({"archive/data.pkl": PICKLE})


def tensor(dims, kind, **fields):
    out = b"".join(number(1, d) for d in dims) + number(2, kind)
    out += data(9, fields["raw"]) if "raw" in fields else b""
    for key, value in fields.get("external", {}).items():
        out += data(13, data(1, key) + data(2, value))
    return out + (number(14, 1) if "external" in fields else b"")


def model(nodes=(), tensors=(), functions=(), opset=True):
    graph = b"".join(data(1, n) for n in nodes) + data(2, "g") + b"".join(data(5, t) for t in tensors)
    graph += data(11, data(1, "x") + data(2, data(1, number(1, 1) + data(2, data(1, number(1, 2)) + data(1, data(2, "n"))))))
    out = number(1, 8) + data(2, "seeds") + data(7, graph) + (data(8, data(1, "") + number(2, 17)) if opset else b"")
    return out + b"".join(data(25, f) for f in functions) + data(14, data(1, "author") + data(2, "somebody"))


def node(op, domain="", attribute=b""):
    return data(1, "x") + data(2, "y") + data(4, op) + (data(7, domain) if domain else b"") + (data(5, attribute) if attribute else b"")


def onnx():
    for name, content in {
        "good": model([node("Identity")], [tensor([2], 1, raw=bytes(8))]),
        "subgraph": model([node("If", attribute=data(1, "then_branch") + data(6, data(1, node("PyOp"))) + number(20, 5))]),
        "function": model([node("f", "own")], functions=[data(1, "f") + data(7, node("Relu")) + data(10, "own")]),
        "domain": model([node("f", "other")]),
        "external": model(tensors=[tensor([2], 1, external={"location": "w.bin", "offset": "0", "length": "8"})]),
        "external-up": model(tensors=[tensor([2], 1, external={"location": "../w.bin"})]),
        "no-opset": model(opset=False),
        "short": model(tensors=[tensor([2], 1, raw=bytes(7))]),
        "unknown-field": model() + number(99, 1),
    }.items():
        seed("onnx", name, content)
    packed = number(1, 3) + number(2, 7) + data(7, bytes([1, 2, 3]))
    for name, content in {
        "raw": tensor([2, 2], 10, raw=bytes(8)),
        "packed": packed,
        "both": packed + data(9, bytes(24)),
        "external": tensor([4], 1, external={"location": "a/b.bin", "offset": "4096", "length": "16"}),
        "external-url": tensor([4], 1, external={"location": "https://x/y"}),
        "segment": number(1, 1) + number(2, 1) + data(3, number(1, 0) + number(2, 1)),
        "four-bits": tensor([3], 22, raw=bytes(2)),
    }.items():
        seed("onnx_tensor", name, content)
    below = number(1, 5)
    for _ in range(120):
        below = data(7, below)
    for name, content in {
        "all": number(1, 1) + data(2, b"\x01\x80\x01") + data(3, bytes(8)) + data(4, bytes(16)) + data(5, "text") + data(6, b"\xff") + data(7, number(1, 2)),
        "deep": below,
        "group": b"\x0b\x0c",
        "long-number": b"\x08" + b"\xff" * 10 + b"\x01",
    }.items():
        seed("protobuf", name, content)


def layer(name, config=None, module="keras.layers"):
    return {"module": module, "class_name": name, "config": config or {"name": "l"}, "registered_name": None}


def sequential(*layers):
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": layers}, "registered_name": None})


def keras():
    dense = layer("Dense", {"units": 2, "activation": "relu"})
    code = layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": "4wAA"}}})
    fetch = layer("Dense", {"activation": {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}})
    texts = {"dense": sequential(dense), "lambda": sequential(dense, layer("TimeDistributed", {"layer": code})), "get-file": sequential(fetch)}
    for name, text in texts.items():
        seed("keras", name, text.encode())
    members = {"metadata.json": '{"keras_version": "3.8.0"}', "config.json": texts["dense"], "model.weights.h5": HDF5_STUB}
    seed("keras", "model", zipped(members))
    seed("keras", "assets", zipped(members | {"assets/a.pkl": PICKLE, "other": "x"}))
    schema = {"__class__": "LogisticRegression", "__module__": "sklearn.linear_model._logistic", "__loader__": "ObjectNode", "content": {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}}
    seed("skops", "good", zipped({"schema.json": json.dumps(schema | {"protocol": 1})}))
    seed("skops", "call", zipped({"schema.json": json.dumps(schema | {"content": {"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode", "attrs": []}})}))
    seed("hdf5", "stub", HDF5_STUB)
    hdf5(texts)


def hdf5(texts):
    """With h5py (its library may be newer than ours: the oldest form is asked for). Without it the seeds stay as they are."""
    try:
        import h5py
        import numpy
    except ImportError:
        print("no h5py here: the seeds of hdf5 stay as they are")
        return

    def file(name, fill, **options):
        out = io.BytesIO()
        with h5py.File(out, "w", libver=options.pop("libver", ("earliest", "v110"))) as f:
            fill(f)
        seed("hdf5", name, out.getvalue())

    def weights(f):
        f.create_dataset("layers/dense/vars/0", data=[[1.0, 2.0]], dtype="f4")
        f.create_dataset("packed", shape=(64,), dtype="f4", chunks=(16,), compression="gzip", shuffle=True)
        f["again"] = f["packed"]
        f["soft"] = h5py.SoftLink("/packed")

    def described(text):
        return lambda f: (f.attrs.__setitem__("model_config", text), weights(f))

    def external(f):
        f["other"] = h5py.ExternalLink("other.h5", "/x")
        f.create_dataset("raw", shape=(2,), dtype="f4", external=[("raw.bin", 0, 8)])

    def virtual(f):
        layout = h5py.VirtualLayout(shape=(2,), dtype="f4")
        layout[0:2] = h5py.VirtualSource("other.h5", "x", shape=(2,))
        f.create_virtual_dataset("v", layout)

    file("weights", weights)
    file("weights-latest", weights, libver=("v110", "v110"))
    file("model", described(texts["dense"]))
    file("lambda", described(texts["lambda"]))
    file("behind-nul", lambda f: f.attrs.__setitem__("model_config", numpy.bytes_(texts["dense"].encode() + b"\0" + texts["lambda"].encode())))
    file("bfloat16", lambda f: f.create_dataset("layers/dense/vars/0", shape=(2,), dtype="V2"))
    file("external", external)
    file("virtual", virtual)
    file("objects", lambda f: f.create_dataset("o", shape=(1,), dtype=[("a", "f4"), ("b", "V16")]))
    file("pytables", lambda f: f.attrs.__setitem__("PYTABLES_FORMAT_VERSION", "2.1"))


def tensorflow():
    def operator(op, *attrs):
        return data(1, "n") + data(2, op) + b"".join(data(5, data(1, k) + data(2, v)) for k, v in attrs)

    def saved(*nodes, functions=(), objects=b"", assets=b""):
        graph = b"".join(data(1, n) for n in nodes)
        if functions:
            graph += data(2, b"".join(data(1, f) for f in functions))
        return number(1, 1) + data(2, data(1, b"") + data(2, graph) + assets + (data(7, objects) if objects else b""))

    text = ("value", data(8, number(1, 7) + data(8, "/etc/passwd")))
    lambda_layer = json.dumps({"class_name": "Lambda", "config": {"function": ["4wAA", None, None], "function_type": "lambda"}})
    for name, content in {
        "const": saved(operator("Const")),
        "read-file": saved(operator("Const", text), operator("ReadFile")),
        "save-outside": saved(operator("Const", text), operator("SaveV2")),
        "function": saved(functions=[data(1, b"") + data(3, operator("PyFuncStateless"))]),
        "unknown": saved(operator("SomebodysOwn")),
        "keras": saved(operator("NoOp"), objects=data(1, data(4, data(1, "_tf_keras_layer") + data(3, lambda_layer)))),
        "asset-up": saved(assets=data(6, data(2, "../vocab.txt"))),
        "frozen": data(1, operator("Identity")),
        "metadata": data(1, number(2, 0) + data(3, "root") + data(5, lambda_layer)),
        "fingerprint": number(1, 5) + number(2, 6),
    }.items():
        seed("savedmodel", name, content)


def shards():
    for name, weights in {"two": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}, "none": {}, "no-text": {"a": 1}}.items():
        seed("shard_index", name, json.dumps(weights).encode())


def main():
    for name, content in zips():
        seed("zip", name, content)
        seed("zip_file", name, content)
    onnx()
    keras()
    tensorflow()
    shards()


if __name__ == "__main__":
    main()
