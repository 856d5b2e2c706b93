#include "parse/sbom_rules.h"

#include <string.h>

#include "parse/purl.h"
#include "parse/spdx_licence.h"
#include "util/auto.h"

size_t sbom_hash_digits(const char *algorithm)
{
    static const struct {
        const char *name;
        size_t digits;
    } lengths[] = {
        {"MD2", 32},         {"MD4", 32},         {"MD5", 32},          {"SHA-1", 40},    {"SHA1", 40},
        {"SHA224", 56},      {"SHA-256", 64},     {"SHA256", 64},       {"SHA-384", 96},  {"SHA384", 96},
        {"SHA-512", 128},    {"SHA512", 128},     {"SHA3-256", 64},     {"SHA3-384", 96}, {"SHA3-512", 128},
        {"BLAKE2b-256", 64}, {"BLAKE2b-384", 96}, {"BLAKE2b-512", 128}, {"ADLER32", 8},
    };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        if (strcmp(algorithm, lengths[i].name) == 0)
            return lengths[i].digits;
    return 0;
}

bool sbom_is_hex(const char *text, bool lower_only)
{
    return text[0] && text[strspn(text, lower_only ? "0123456789abcdef" : "0123456789abcdefABCDEF")] == '\0';
}

void sbom_rule_purl(struct problems *out, const struct place *at, const char *text)
{
    struct err e = {0};
    auto_purl purl = {0};
    if (purl_parse(span_str(text), &purl, &e) < 0)
        problem_add(out, at, "purl", "\"%.120s\" is no package URL: %s", text, e.msg);
}

void sbom_rule_licence(struct problems *out, const struct place *at, const char *text)
{
    struct licence_flaw flaw;
    if (spdx_licence_check(span_str(text), &flaw))
        return;
    problem_add(out, at, "licence-expression", "\"%.120s\" is no licence expression: %s%.*s%s%s", text,
                flaw.word.len ? "\"" : "it ", (int)(flaw.word.len < 80 ? flaw.word.len : 80),
                (const char *)flaw.word.ptr, flaw.word.len ? "\" " : "", flaw.why);
}

void sbom_each(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key, void *arg,
               void (*one)(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg))
{
    struct place list = {.up = up, .key = key};
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(object, key), i, item)
    {
        struct place at = {.up = &list, .index = i};
        one(r, &at, item, arg);
    }
}
