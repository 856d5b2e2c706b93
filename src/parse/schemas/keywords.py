#!/usr/bin/env python3
"""Makes the files of this folder out of published JSON schemas: their keywords only, without titles, descriptions,
examples and comments (docs/decisions/sbom-schemas.md says why and from where).

    keywords.py OUT.json PUBLISHED.json [ANOTHER-EDITION.json]   a schema; editions are joined: what either allows
    keywords.py --licences OUT.json spdx.schema.json             the identifiers of the SPDX licence list
"""

import json
import sys

# What a schema of draft-07 or 2019-09 asserts, as far as these schemas use it. Anything else that is no remark stops the script.
SCHEMA = ("additionalProperties", "additionalItems", "if", "then")
SCHEMAS = ("oneOf", "anyOf", "allOf")
NAMED = ("properties", "definitions")
PLAIN = ("type", "required", "enum", "const", "pattern", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
         "uniqueItems", "$id")
REMARKS = ("$schema", "$comment", "title", "description", "examples", "default", "deprecated", "meta:enum")

# The text of SPDX 2.2 writes this name with a hyphen, its schema with an underscore; 2.3 has both in its schema.
SPELLINGS = {"PACKAGE_MANAGER": "PACKAGE-MANAGER"}


def spelled(names):
    more = [SPELLINGS[n] for n in names if n in SPELLINGS]
    return names + [n for n in more if n not in names]


def strip(schema, draft):
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and draft < 2019:
        return {"$ref": schema["$ref"]}  # draft-07: what stands beside a $ref is not looked at
    out = {}
    for key, value in schema.items():
        if key in SCHEMA:
            out[key] = strip(value, draft)
        elif key in SCHEMAS:
            out[key] = [strip(s, draft) for s in value]
        elif key == "items":
            out[key] = [strip(s, draft) for s in value] if isinstance(value, list) else strip(value, draft)
        elif key in NAMED:
            out[key] = {name: strip(s, draft) for name, s in value.items()}
        elif key in PLAIN:
            out[key] = spelled(value) if key == "enum" else value
        elif key not in REMARKS:
            sys.exit(f"keyword {key}: this script does not know it")
    return out


def joined(a, b):
    """Two editions of one schema: members and enumerated values of both."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {k: joined(a[k], b[k]) if k in a and k in b else a.get(k, b.get(k)) for k in list(a) + [k for k in b if k not in a]}
    if isinstance(a, list) and isinstance(b, list):
        return a + [x for x in b if x not in a]
    if a != b:
        sys.exit(f"editions differ: {a!r} and {b!r}")
    return a


def published(path):
    schema = json.load(open(path, encoding="utf-8"))
    return strip(schema, 2019 if "2019-09" in schema["$schema"] else 7)


def licences(path):
    """The list holds licences, then exceptions, each in the order of the alphabet."""
    schema = json.load(open(path, encoding="utf-8"))
    names = schema["enum"]
    cut = next(i for i in range(1, len(names)) if names[i].endswith("-exception") and names[i].lower() < names[i - 1].lower())
    assert "Classpath-exception-2.0" in names[cut:] and "GPL-2.0-with-GCC-exception" in names[:cut] and "ZPL-2.1" in names[:cut]
    return {"$id": schema["$id"], "list": schema["$comment"], "licences": names[:cut], "exceptions": names[cut:]}


def main(args):
    if args[0] == "--licences":
        out, result = args[1], licences(args[2])
    else:
        out, result = args[0], published(args[1])
        for edition in args[2:]:
            result = joined(result, published(edition))
    with open(out, "w", encoding="utf-8") as f:
        f.write(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


main(sys.argv[1:])
