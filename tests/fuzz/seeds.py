#!/usr/bin/env python3
"""Writes the seeds of the readers of files into corpus/: small, each another way through. Run it again after a change; what a fuzzer
found is put beside them by hand, under a telling name, and stays."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


# Files of a model that loaders know by their names.
SETTINGS = {
    "config": b'{"model_type":"a","architectures":["B","c.D"],"attn_implementation":{"text_config":"x/y"},"megatron_core":"evil","peft_type":"LORA",'
    b'"auto_mapping":{"parent_library":"transformers.models.llama"},"activation_function":"os.system","_target_":"a.b","num_beams":100000,"vocab_file":"../x"}',
    "modules": b'[{"type":"sentence_transformers.models.Pooling","path":"1_Pooling"},{"type":"os.system","path":"../x"}]',
    "router": b'{"types":{"../a":"os.system","b":"sentence_transformers.models.Transformer"}}',
    "index": b'{"_class_name":["a","B"],"unet":["diffusers","U"],"vae":["evil","V"],"scheduler":[null,null]}',
    "vocab": b'{"a":0,"b":-1,"c":"x"}',
    "tokenizer": b'{"added_tokens":[{"id":0,"content":"<s>","special":true},{"id":0,"content":"<s>"}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Replace",'
    b'"pattern":{"String":"safe"},"content":"evil"}]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+)+"}},"decoder":{"type":"X"},"model":{"type":"BPE","vocab":{"<s>":1}}}',
    "special": b'{"bos_token":"<s>","eos_token":{"content":"a\\nb"}}',
}

# Every tag of Jinja, every kind of value, and names that stand for names.
JINJA_TAGS = b"""{%- macro m(a, b='x') -%}{{ caller(a) }}{% endmacro %}{% for k, v in d.items() if v recursive %}{% if loop.first %}{% continue %}{% elif k %}
{% break %}{% else %}{{ loop(v) }}{% endif %}{% else %}-{% endfor %}{% set ns = namespace(x=[]) %}{% set ns.x = ns.x + [1] %}{% set t | trim %} t {% endset %}
{% call(u) m(1, b=2) %}{{ u }}{% endcall %}{% filter upper %}f{% endfilter %}{% with q = 1, z = 2 %}{{ q }}{% endwith %}{% generation %}g{% endgeneration %}
{% raw %}{{ no }}{% endraw %}{# c #}{% print 1, 2 %}{% block b scoped %}{% endblock b %}{% include 'x' ignore missing %}{% from 'y' import z as w, v %}
{% import 'i' as i %}{% extends 'e' %}{% autoescape true %}{% endautoescape +%}"""
JINJA_VALUES = b"""{{ 'a' 'b' ~ "\\x41\\n" }}{{ {'k': [1, 2.5, (3,), none]}['k'][0:-1:2] }}{{ x if y else z }}{{ not a or b and c in d not in e }}
{{ -1 ** 2 // 3 % 4 * 0x1f - 1_000 }}{{ m.0.content.split('</t>')[-1].strip() | tojson(indent=2) | default('d', true) }}{{ f(*a, k=1, **b) }}
{{ x is defined and x is not divisibleby 3 and x is in [1] }}{{ l | map(attribute='a.b') | selectattr('r', 'equalto', 's') | list }}"""
JINJA_STEPS = b"""{% set o = x[k] %}{% set o = o[j] %}{{ o[k ~ '_'] }}{% set s = 'a' %}{% set s = s ~ s %}{% for i in range(1000) %}{% for j in range(100000) %}
{{ i - j }}{% endfor %}{% endfor %}{% set ms = [] %}{% macro a() %}{% endmacro %}{% set ms = ms + [a] %}{{ ms[0]() }}{% set p, q = q, p %}
{% if 'pay' in m.content %}{% endif %}"""


def seed(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def text(value):
    value = value.encode()
    return struct.pack("<Q", len(value)) + value


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def array(element, items):
    return struct.pack("<IQ", element, len(items)) + b"".join(items)


TEMPLATE = "{% for m in messages %}{% if m['role'] == 'user' %}{{ '<|u|>' + m['content'] | trim }}{% endif %}{% endfor %}"


def metadata():
    return [
        pair("general.architecture", 8, text("llama")),
        pair("general.alignment", 4, struct.pack("<I", 64)),
        pair("llama.block_count", 4, struct.pack("<I", 2)),
        pair("llama.attention.head_count", 4, struct.pack("<I", 2)),
        pair("tokenizer.ggml.tokens", 9, array(8, [text("<s>"), text("a"), text("<0x0A>")])),
        pair("tokenizer.ggml.token_type", 9, array(5, [struct.pack("<i", t) for t in (3, 1, 6)])),
        pair("tokenizer.ggml.scores", 9, array(6, [struct.pack("<f", 0.5)] * 3)),
        pair("tokenizer.ggml.bos_token_id", 4, struct.pack("<I", 0)),
        pair("tokenizer.chat_template", 8, text(TEMPLATE)),
        pair("split.no", 2, struct.pack("<H", 0)),
        pair("split.count", 2, struct.pack("<H", 2)),
        pair("x.flag", 7, b"\x01"),
        pair("x.f64", 12, struct.pack("<d", 1.5)),
        pair("x.i64", 11, struct.pack("<q", -5)),
    ]


def tensor(name, dims, kind, offset):
    return text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, offset)


def gguf(version=3):
    pairs = metadata()[:9]
    tensors = [tensor("a.weight", [32, 2], 2, 0), tensor("b.weight", [4], 0, 64)]
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs) + b"".join(tensors)
    return head.ljust(-(-len(head) // 64) * 64, b"\0") + bytes(64 + 16)


def safetensors(header, data):
    return struct.pack("<Q", len(header)) + header + bytes(data)


def elf(wide=True):
    """One loaded segment, a stack, a dynamic section with a needed library, and a table of sections."""
    strings = b"\0libc.so.6\0/usr/lib/x\0$ORIGIN\0.text\0"
    base, size = 0x400000, 1024
    body = bytearray(size)
    word, head_size, segment_size, section_size = ("Q", 64, 56, 64) if wide else ("I", 52, 32, 40)
    dynamic = b"".join(struct.pack("<" + word * 2, t, v) for t, v in ((1, 1), (29, 22), (5, base + 512), (10, len(strings)), (0, 0)))
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    body[0:head_size] = ident + struct.pack("<HHI" + word * 3 + "IHHHHHH", 3, 62 if wide else 3, 1, base, head_size, 768, 0, head_size,
                                            segment_size, 4, section_size, 2, 1)
    segments = [(1, 5, 0, size), (0x6474E551, 6, 0, 0), (2, 6, 640, len(dynamic)), (3, 4, 512 + 11, 11)]
    at = head_size
    for kind, flags, offset, length in segments:
        if wide:
            one = struct.pack("<IIQQQQQQ", kind, flags, offset, base + offset, 0, length, length, 8)
        else:
            one = struct.pack("<IIIIIIII", kind, offset, base + offset, 0, length, length, flags, 8)
        body[at:at + segment_size] = one
        at += segment_size
    body[512:512 + len(strings)] = strings
    body[640:640 + len(dynamic)] = dynamic
    body[768 + section_size:768 + 2 * section_size] = struct.pack("<II" + word * 4 + "II" + word * 2, 30, 3, 0, base + 512, 512, len(strings), 0,
                                                                 0, 1, 0)
    return bytes(body)


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, link, data, mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.mode = kind, link, len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()[:-8192] or bytes(1024)


STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+b1
Description: C library
 more words

Package: gone
Status: deinstall ok config-files
Version: 1
"""

REG, DIR, SYM, LNK, CHR = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE
LAYER = tar([
    ("./", DIR, "", b"", 0o755),
    ("bin/program", REG, "", elf(), 0o4755),
    ("bin/other", LNK, "bin/program", b"", 0o755),
    ("lib", SYM, "usr/lib", b"", 0o777),
    ("etc/notes.txt", REG, "", b"text\n", 0o644),
    ("etc/.wh.gone", REG, "", b"", 0o644),
    ("var/lib/dpkg/status", REG, "", STATUS, 0o644),
    ("etc/os-release", REG, "", b'ID=debian\nVERSION_ID="12"\n', 0o644),
    ("dev/null", CHR, "", b"", 0o666),
    ("n\u00e4me" + "x" * 120, REG, "", b"a: 1\n", 0o644),
])
HOSTILE = tar([("../outside", REG, "", b"x", 0o644), ("x", SYM, "/etc", b"", 0o777), ("x/passwd", REG, "", b"x", 0o644),
               ("h", LNK, "../../etc/shadow", b"", 0o644)])
PICKLE = b"cos\nsystem\n(S'id'\ntR."
ONE = b'{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}}'
CONFIG = b'{"auto_map":{"A":"x--y.Z"},"eos_token_id":2,"chat_template":[{"name":"a","template":"{{ x }}"}],"weight_map":{"a":"m.safetensors"},"n":1000000000000000019884624838656}'


def main():
    seed("gguf", "v3", gguf())
    seed("gguf", "v2", gguf(2))
    seed("gguf", "cut", gguf()[:200])
    pairs = metadata()
    seed("gguf_meta", "all", bytes([len(pairs)]) + b"".join(pairs))
    seed("gguf_meta", "one", bytes([1]) + pairs[0])
    seed("safetensors", "two", safetensors(ONE + b"  ", 16))
    seed("safetensors", "overlap", safetensors(ONE.replace(b"[8,16]", b"[4,12]"), 12))
    seed("elf", "64", elf())
    seed("elf", "32", elf(False))
    for name in ("jinja", "jinja_lex", "jinja_parse", "jinja_facts", "jinja_rules"):
        seed(name, "tags", JINJA_TAGS)
        seed(name, "values", JINJA_VALUES)
        seed(name, "steps", JINJA_STEPS)
    seed("jinja_expr", "values", b"a.b[1:-1:2]['c'] | map(attribute='x') | list if not x is none and 1 <= y < 0x1f else {'k': [1.5e3, (1,)]}")
    seed("jinja_expr", "text", b"'\\x41\\u00e9\\101\\N{DASH}' \"b\" ~ -x ** 2 // 3 is not divisibleby 3")
    seed("jinja_expr", "call", b"f(a, *b, k=1, **c)(x, )[0](y)")
    seed("jinja", "chat", TEMPLATE.encode())
    seed("jinja", "walk", b"{# c #}{{ ''.__class__.__mro__[1] }}{% if 'pay' in m.content %}{{ \"\\x5f\" }}{% endif %}{{ x | attr('a')")
    seed("text", "note", b"A note with caf\xc3\xa9, a http://url and rm -rf /\n")
    seed("yaml", "all", b"# c\nname: x\nlist: [a, 'b', \"c\"]\nmap: {k: v}\nblock: |\n  one\n  two\nport: 64M\n")
    seed("yaml", "refused", b"a: &x 1\nb: *x\nc: !t 1\n")
    seed("yaml_tree", "all", b"# c\nname: x\nlist: [a, 'b', \"c\", []]\nmap: {k: v}\n")
    seed("yaml_tree", "reply", b'{"nodes": [{"line": 1, "map": ["a", "b"]}, {"line": 1, "text": "x", "quoted": false}, {"line": 2, "list": 1}, {"line": 2, "text": "y"}]}')
    seed("yaml_file", "hydra", b"model:\n  _target_: builtins.eval\nchat_template: \"{{ x.__class__ }}\"\n")
    for index, name in enumerate(SETTINGS):
        seed("config", name, bytes([index]) + SETTINGS[name])
        seed("config_rules" if name == "config" else "config_files", name, SETTINGS[name])
    seed("config_rules", "tokens", CONFIG)
    piece = lambda text, kind: b"\x0a" + bytes([9 + len(text)]) + b"\x0a" + bytes([len(text)]) + text + b"\x15\0\0\x80\xbf\x18" + bytes([kind])
    normalizer = b"\x1a\x10\x0a\x04nmt_\x12\x08\x04\0\0\0abcd"
    seed("sentencepiece", "model", piece(b"<unk>", 2) + piece(b"<s>", 3) + piece(b"ab", 1) + b"\x12\0" + normalizer)
    seed("sentencepiece", "twice", piece(b"<unk>", 2) + piece(b"a", 1) + piece(b"a", 1) + piece(b"", 9))
    for name in ("a/modeling_x.py", "handler.py", "setup.sh"):
        seed("loader_code", name.replace("/", "_"), name.encode())
    seed("pyc", "hash", b"a/__pycache__/b.cpython-311.pyc\0x = 1\n\0\xa7\r\r\n\x03\0\0\0\x4c\x03\x72\xaa\x93\xf7\x52\x52\xe3")
    seed("pyc", "time", b"__pycache__/b.cpython-37.opt-1.pyc\0\0\x42\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3")
    seed("tokenizer", "whole", SETTINGS["tokenizer"])
    seed("tokenizer", "regex", rb"(?i:'s|'t)|[^\r\n\p{L}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|(a+|[^]b\]]*)+{2,}(?<n>x)\k<n>\1")
    for index, name in enumerate(("config", "modules", "tokenizer", "lines")):
        seed("json_file", name, bytes([index]) + (CONFIG if index != 1 else b'[{"type":"os.system","path":"../x"}]'))
    seed("tar", "layer", b"\x02" + LAYER)
    seed("tar", "layer-gz", b"\x03" + gzip.compress(LAYER, mtime=0))
    seed("tar", "hostile", b"\x02" + HOSTILE)
    seed("tar", "single-gz", b"\x01" + gzip.compress(b"text\n", mtime=0))
    for name, data in (("m.gguf", gguf()), ("m.safetensors", safetensors(ONE, 16)), ("a.so", elf()), ("a.tar", HOSTILE), ("a.json", CONFIG),
                       ("a.md", b"# x\n"), ("x", PICKLE), ("a.png", b"\x89PNG\r\n\x1a\n"), ("a.tgz", gzip.compress(HOSTILE, mtime=0))):
        seed("inspect", name, name.encode() + b"\n" + data)
        seed("sniff", name, name.encode() + b"\n" + data[:64])
    seed("pickle", "reduce", PICKLE)
    seed("pickle", "binary", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.")
    seed("dpkg", "status", b"\x00" + STATUS)
    seed("dpkg", "single", b"\x01" + STATUS[:120])
    seed("paths", "all", b"./a/b\na/../c\n/abs\nx\t/etc\nx/y\nl\t../../out\na//b/./c\n")
    seed("report", "two", b"\x01place\nmessage \xff\x1b\n\xffplace\nnot scanned\n\x04\n\n")
    for index in range(8):
        seed("ops", f"op-{index}", bytes([index]) + b'{"name":"a.json"}\n{"a":[1,2,"x"]}')


if __name__ == "__main__":
    main()
