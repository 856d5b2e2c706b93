/* Rules for SBOM documents that no JSON schema can say: references lead somewhere, names stand once, hashes have the
 * length of their algorithm, licence expressions and package URLs can be read. Each rule is one that the text of the
 * standard makes (CycloneDX 1.4 to 1.6 = ECMA-424; SPDX 2.2 and 2.3); docs/formats/sbom-check.md lists them. What the
 * standard only advises is a note. Hard rule: these look at any JSON, valid by the schema or not. */
#pragma once

#include "parse/problems.h"

struct sbom_rules {
    const json_t *root;
    struct problems *problems; /* make the document invalid */
    struct problems *notes;    /* do not */
};

void cyclonedx_rules(const struct sbom_rules *r);
void spdx_rules(const struct sbom_rules *r);

/* ── what both formats ask ── */

/* Hexadecimal digits of a hash; 0: the algorithm has any length, or is not known. CycloneDX's and SPDX's names. */
size_t sbom_hash_digits(const char *algorithm);
bool sbom_is_hex(const char *text, bool lower_only);

/* Adds a problem when `text` is none. */
void sbom_rule_purl(struct problems *out, const struct place *at, const char *text);
void sbom_rule_licence(struct problems *out, const struct place *at, const char *text);

/* Calls one for every item of the list object[key]. */
void sbom_each(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key, void *arg,
               void (*one)(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg));
