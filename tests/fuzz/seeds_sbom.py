#!/usr/bin/env python3
"""Writes the seeds of the readers of SBOMs into corpus/: small, each another way through."""

import json

from seeds import seed

CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "version": 1,
    "metadata": {
        "timestamp": "2026-11-24T08:00:00Z",
        "tools": {"components": [{"type": "application", "name": "airlock"}]},
        "component": {"type": "application", "bom-ref": "top", "name": "assistant", "version": "1"},
    },
    "components": [
        {
            "type": "library",
            "bom-ref": "a",
            "group": "org",
            "name": "lib",
            "version": "1.0",
            "purl": "pkg:maven/org/lib@1.0",
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "own"}}],
            "hashes": [{"alg": "SHA-1", "content": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}],
            "externalReferences": [{"type": "website", "url": "https://example.org/a?b#c"}],
            "components": [{"type": "file", "bom-ref": "b", "name": "f", "evidence": {"occurrences": [{"location": "/f"}]}}],
        },
        {"type": "machine-learning-model", "bom-ref": "m", "name": "m", "modelCard": {"modelParameters": {"task": "t"}}},
        {"type": "cryptographic-asset", "bom-ref": "k", "name": "k", "cryptoProperties": {"assetType": "algorithm"}},
    ],
    "dependencies": [{"ref": "top", "dependsOn": ["a", "m"]}, {"ref": "a", "dependsOn": ["b"]}],
    "compositions": [{"aggregate": "incomplete", "assemblies": ["top"]}],
    "vulnerabilities": [{"id": "CVE-2026-1", "affects": [{"ref": "a"}], "ratings": [{"score": 5.0, "severity": "medium"}]}],
    "signature": {"algorithm": "ES256", "value": "c2ln", "publicKey": {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}},
}

SPDX = {
    "spdxVersion": "SPDX-2.3",
    "dataLicense": "CC0-1.0",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "assistant",
    "documentNamespace": "https://example.org/spdx/1",
    "creationInfo": {"created": "2026-11-24T08:00:00Z", "creators": ["Tool: airlock-0.1.0", "Person: A (a@example.org)"]},
    "externalDocumentRefs": [
        {
            "externalDocumentId": "DocumentRef-o",
            "spdxDocument": "https://example.org/o",
            "checksum": {"algorithm": "SHA1", "checksumValue": "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        }
    ],
    "packages": [
        {
            "SPDXID": "SPDXRef-a",
            "name": "a",
            "versionInfo": "1.0",
            "downloadLocation": "git+https://example.org/a.git@v1#sub",
            "filesAnalyzed": True,
            "packageVerificationCode": {"packageVerificationCodeValue": "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
            "licenseConcluded": "(MIT OR Apache-2.0) AND LicenseRef-own",
            "licenseInfoFromFiles": ["GPL-2.0-only WITH Classpath-exception-2.0", "NOASSERTION"],
            "supplier": "Organization: O",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "00" * 32}],
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/a@1.0"},
                {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:a:a:1.0:*:*:*:*:*:*:*"},
            ],
            "hasFiles": ["SPDXRef-f"],
        }
    ],
    "files": [
        {
            "SPDXID": "SPDXRef-f",
            "fileName": "./f.c",
            "checksums": [{"algorithm": "SHA1", "checksumValue": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}],
        }
    ],
    "snippets": [
        {
            "SPDXID": "SPDXRef-s",
            "name": "s",
            "snippetFromFile": "SPDXRef-f",
            "ranges": [{"startPointer": {"offset": 1, "reference": "SPDXRef-f"}, "endPointer": {"offset": 9, "reference": "SPDXRef-f"}}],
        }
    ],
    "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-own", "extractedText": "mine"}],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-a"},
        {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "DocumentRef-o:SPDXRef-x"},
    ],
}


def document(value):
    return json.dumps(value, separators=(",", ":")).encode()


def documents():
    yield "cyclonedx-1.6", document(CYCLONEDX)
    for version in ("1.4", "1.5"):
        small = {k: v for k, v in CYCLONEDX.items() if k not in ("compositions", "signature")}
        yield "cyclonedx-" + version, document(small | {"specVersion": version})
    yield "spdx-2.3", document(SPDX)
    yield "spdx-2.2", document(SPDX | {"spdxVersion": "SPDX-2.2"})
    yield "spdx-3", document({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []})
    yield "broken", document(CYCLONEDX)[:-40]
    yield "twice", document(SPDX).replace(b'"name":"a"', b'"name":"a","name":"b"')
    yield "wrong", document(CYCLONEDX | {"components": [{"type": "x", "hashes": [{"alg": "y"}]}, 1], "surplus": None})


for name, data in documents():
    for target in ("sbom_read", "sbom_check", "schema", "json_place"):
        seed(target, name, data)
    if name.startswith(("cyclonedx", "wrong")):
        seed("cyclonedx_rules", name, data)
    elif name.startswith(("spdx", "twice")):
        seed("spdx_rules", name, data)
for number, text in enumerate(
    [
        "2026-11-24T08:00:00.25Z",
        "2024-02-29t23:59:60+05:30",
        "https://user@[2001:db8::1]:8080/a;b?c=%20#d",
        "../a/b?x#y",
        "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#a",
        "jos\u00e9.\"x\"@ex\u00e4mple.org",
        '"a b"@[127.0.0.1]',
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "image/png",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64",
        "SHA3-256",
        "a/b~c\u0001",
    ]
):
    for target in ("schema_text", "sbom_rules", "problems"):
        seed(target, f"{number}", text.encode())
for number, expression in enumerate(
    [
        "MIT",
        "gpl-2.0+ WITH Classpath-exception-2.0",
        "(MIT OR Apache-2.0) AND LicenseRef-a",
        "DocumentRef-o:LicenseRef-x",
        "(((MIT)))",
        "MIT OR",
        "Apache 2.0",
        "WITH",
        ")(",
    ]
):
    seed("spdx_licence", f"{number}", expression.encode())
