#!/usr/bin/env python3
"""tables.py OUT.c SCHEMA.json…: the schemas of this folder as C tables (src/parse/schema_tables.h tells their shape)."""

import json
import os
import re
import sys

NEVER, ALWAYS = 0, 1
TYPES = {"object": 1, "array": 2, "string": 4, "number": 8, "integer": 16, "boolean": 32, "null": 64}
FORMATS = {"date-time": "DATE_TIME", "idn-email": "IDN_EMAIL", "iri-reference": "IRI_REFERENCE", "uri": "URI"}
NUMBERS = {"minimum": "MINIMUM", "maximum": "MAXIMUM", "minLength": "MIN_LENGTH", "maxLength": "MAX_LENGTH", "minItems": "MIN_ITEMS",
           "maxItems": "MAX_ITEMS"}
SCHEMAS = {"oneOf": "ONE_OF", "anyOf": "ANY_OF", "allOf": "ALL_OF"}


class Tables:
    def __init__(self, documents):
        self.documents = documents  # file name of its $id → schema
        self.nodes = [[("NEVER", 0, 0)], []]
        self.properties, self.names, self.lists, self.patterns = [], [], [], []
        self.strings, self.offsets, self.size = [], {}, 0
        self.done = {}  # (document, pointer) → node

    def string(self, text):
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.strings.append(text)
            self.size += len(text.encode()) + 1
        return self.offsets[text]

    def name_list(self, names):
        first = len(self.names)
        self.names += [self.string(n) for n in sorted(names, key=lambda n: n.encode())]
        return first, len(names)

    def pattern(self, text):
        """ECMA 262 as POSIX extended: only what both read in the same way, and a dot that matches no end of line."""
        parts = re.findall(r"\[[^\[\]\\]+\]|\{[0-9]+(?:,[0-9]*)?\}|[^\[\]{}\\]", text)
        if "".join(parts) != text or "(?" in text or re.search(r"[*+?}][?+]", text):
            sys.exit(f"pattern {text}: not in what ECMA and POSIX have in common")
        text = "".join("[^\n\r]" if p == "." else p for p in parts)
        if text not in self.patterns:
            self.patterns.append(text)
        return self.patterns.index(text)

    def resolve(self, document, ref):
        """A reference: to another file of the folder, to a definition, or both."""
        name, _, pointer = ref.partition("#")
        if name:
            document = name.rsplit("/", 1)[-1]
        schema = self.documents[document]
        for part in pointer.split("/")[1:]:
            schema = schema[part]
        return self.node(document, pointer, schema)

    def node(self, document, at, schema):
        if isinstance(schema, bool):
            return ALWAYS if schema else NEVER
        if "$ref" in schema:
            return self.resolve(document, schema["$ref"])
        key = (document, at)
        if key in self.done:
            return self.done[key]
        number = self.done[key] = len(self.nodes)
        self.nodes.append(None)  # its place, for references from below
        self.nodes[number] = list(self.keywords(document, at, schema))
        return number

    def keywords(self, document, at, schema):
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            yield "TYPE", sum(TYPES[t] for t in types), 0
        if "enum" in schema:
            yield "ENUM", *self.name_list(schema["enum"])
        if "const" in schema:
            yield "ENUM", *self.name_list([schema["const"]])
        for key, kind in NUMBERS.items():
            if key in schema:
                assert isinstance(schema[key], int) and schema[key] >= 0, (key, schema[key])
                yield kind, schema[key], 0
        if "pattern" in schema:
            yield "PATTERN", self.pattern(schema["pattern"]), self.string(schema["pattern"])
        if "format" in schema:
            yield "FORMAT", "SCHEMA_FORMAT_" + FORMATS[schema["format"]], 0
        if "required" in schema:
            yield "REQUIRED", *self.name_list(schema["required"])
        if "properties" in schema:
            members = sorted(schema["properties"].items(), key=lambda m: m[0].encode())
            rows = [(self.string(name), self.node(document, f"{at}/properties/{name}", s)) for name, s in members]
            yield "PROPERTIES", len(self.properties), len(rows)
            self.properties += rows
        if "additionalProperties" in schema:
            yield "ADDITIONAL_PROPERTIES", self.node(document, at + "/additionalProperties", schema["additionalProperties"]), 0
        if isinstance(schema.get("items"), list):
            yield from self.many("TUPLE", document, at + "/items", schema["items"])
            if "additionalItems" in schema:  # without a list of items it means nothing
                yield "ADDITIONAL_ITEMS", self.node(document, at + "/additionalItems", schema["additionalItems"]), 0
        elif "items" in schema:
            yield "ITEMS", self.node(document, at + "/items", schema["items"]), 0
        if schema.get("uniqueItems"):
            yield "UNIQUE_ITEMS", 0, 0
        for key, kind in SCHEMAS.items():
            if key in schema:
                yield from self.many(kind, document, f"{at}/{key}", schema[key])
        if "if" in schema:
            yield "IF", self.node(document, at + "/if", schema["if"]), self.node(document, at + "/then", schema["then"])

    def many(self, kind, document, at, schemas):
        nodes = [self.node(document, f"{at}/{i}", s) for i, s in enumerate(schemas)]
        yield kind, len(self.lists), len(nodes)
        self.lists += nodes


def c_string(text):
    return '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\?' else "".join(f"\\{b:03o}" for b in c.encode()) for c in text)


def write(t, roots, licences, exceptions, out):
    def array(head, rows):
        out.write(f"const {head}[] = {{\n" + "".join(f"    {r},\n" for r in rows) + "};\n\n")

    out.write('/* Made by src/parse/schemas/tables.py. */\n#include "parse/schema_tables.h"\n\n')
    flat, nodes = [], []
    for keywords in t.nodes:
        nodes.append(f"{{{len(flat)}, {len(keywords)}}}")
        flat += [f"{{SCHEMA_{kind}, {a}, {b}}}" for kind, a, b in keywords]
    array("struct schema_node SCHEMA_NODES", nodes)
    array("struct schema_keyword SCHEMA_KEYWORDS", flat)
    array("struct schema_property SCHEMA_PROPERTY_ROWS", [f"{{{n}, {s}}}" for n, s in t.properties])
    array("uint32_t SCHEMA_NAMES", t.names)
    array("uint32_t SCHEMA_LISTS", t.lists)
    array("char *const SCHEMA_PATTERNS", [c_string(p) + '"' for p in t.patterns])
    out.write(f"const size_t SCHEMA_PATTERN_COUNT = {len(t.patterns)};\n\n")
    array("struct schema_names SCHEMA_LICENCE_LISTS", [f"{{{a}, {b}}}" for a, b in (licences, exceptions)])
    out.write("const char SCHEMA_STRINGS[] =\n" + "".join(f'    {c_string(s)}\\0"\n' for s in t.strings) + "    ;\n\n")
    array("uint32_t SCHEMA_ROOTS", roots)


def licence_list(t, names):
    """In the order of their lower-case forms, as they are compared without regard to case."""
    first = len(t.names)
    t.names += [t.string(n) for n in sorted(names, key=str.lower)]
    return first, len(names)


def main(out, *paths):
    documents, order = {}, []
    for path in paths:
        schema = json.load(open(path, encoding="utf-8"))
        name = schema["$id"].rsplit("/", 1)[-1]
        if "licences" in schema:
            lists = schema
            schema = {"type": "string", "enum": schema["licences"] + schema["exceptions"]}
        elif os.path.basename(path)[0] in "cs":
            order.append(name)
        documents[name] = schema
    t = Tables(documents)
    roots = [t.node(name, "", documents[name]) for name in order]
    licences, exceptions = licence_list(t, lists["licences"]), licence_list(t, lists["exceptions"])
    with open(out, "w", encoding="utf-8") as f:
        write(t, roots, licences, exceptions, f)


main(*sys.argv[1:])
