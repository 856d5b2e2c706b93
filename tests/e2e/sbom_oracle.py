"""Looks at inventories with cyclonedx-python-lib and spdx-tools: run by test_sbom.py under a Python that has both.

    sbom_oracle.py FILE...

Prints one JSON document: for each file what the library read out of it, and what it found wrong."""

import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.json import json_parser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def all_components(components):
    for component in components:
        yield component
        yield from all_components(component.components)


def cyclonedx(text):
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        return {"wrong": [str(wrong)[:2000]]}
    bom = Bom.from_json(json.loads(text))
    found = list(all_components(bom.components))
    return {"wrong": [], "names": sorted(c.name for c in found), "purls": sorted(str(c.purl) for c in found if c.purl)}


def spdx(path):
    document = json_parser.parse_from_file(path)
    wrong = [m.validation_message for m in validate_full_spdx_document(document)]
    purls = sorted(r.locator for p in document.packages for r in p.external_references if r.reference_type == "purl")
    return {"wrong": wrong, "names": sorted(p.name for p in document.packages), "purls": purls}


def main():
    answers = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        answers[path] = cyclonedx(text) if "bomFormat" in json.loads(text) else spdx(path)
    print(json.dumps(answers))


main()
