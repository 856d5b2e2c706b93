/* CycloneDX: a bom-ref stands once, what refers to one finds it, hashes, licence expressions and package URLs are what
 * they say. A BOM-Link (urn:cdx:…) leads into another document and is left alone. */
#include <string.h>

#include "parse/sbom_rules.h"
#include "util/auto.h"

struct refs {
    json_t *seen; /* every bom-ref of the document */
};

static void rule_hash(const struct sbom_rules *r, const struct place *at, const json_t *hash)
{
    const char *alg = json_get_string(hash, "alg", NULL), *content = json_get_string(hash, "content", NULL);
    struct place where = {.up = at, .key = "content"};
    size_t digits = alg ? sbom_hash_digits(alg) : 0;
    if (content && digits && strlen(content) != digits)
        problem_add(r->problems, &where, "hash-length", "%zu digits; %s has %zu", strlen(content), alg, digits);
}

/* licenses/N/expression; a condition of a workflow has an "expression", too. */
static bool is_licence(const struct place *at, const char *key)
{
    const struct place *item = at->up, *list = item ? item->up : NULL;
    return strcmp(key, "expression") == 0 && list && list->key && strcmp(list->key, "licenses") == 0;
}

/* One member, whatever object it stands in. */
static void rule_member(const struct sbom_rules *r, const struct place *at, const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text && strcmp(key, "purl") == 0)
        sbom_rule_purl(r->problems, at, text);
    if (text && is_licence(at, key))
        sbom_rule_licence(r->problems, at, text);
    if (strcmp(key, "hashes") == 0) {
        const json_t *item;
        size_t i;
        json_array_foreach((json_t *)(uintptr_t)value, i, item)
        {
            struct place where = {.up = at, .index = i};
            rule_hash(r, &where, item);
        }
    }
}

/* The standard's own valid documents repeat the bom-ref of a workspace in a formulation: there it may stand again. */
static void rule_ref(const struct sbom_rules *r, struct refs *refs, const struct place *at, const char *ref,
                     bool formulation)
{
    if (json_object_get(refs->seen, ref) && !formulation)
        problem_add(r->problems, at, "bom-ref-unique", "\"%.120s\" is the bom-ref of something else already", ref);
    json_object_set_new(refs->seen, ref, json_true());
}

/* Property names and values, and the body of a signature, are the author's own: what is called "purl" there is none. */
static bool is_own(const char *key)
{
    return strcmp(key, "signature") == 0 || strcmp(key, "properties") == 0;
}

static void walk(const struct sbom_rules *r, struct refs *refs, const struct place *at, const json_t *v,
                 bool formulation)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
        {
            struct place where = {.up = at, .key = key};
            if (is_own(key))
                continue;
            if (strcmp(key, "bom-ref") == 0 && json_is_string(item))
                rule_ref(r, refs, &where, json_string_value(item), formulation);
            rule_member(r, &where, key, item);
            walk(r, refs, &where, item, formulation || strcmp(key, "formulation") == 0);
        }
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        struct place where = {.up = at, .index = i};
        walk(r, refs, &where, item, formulation);
    }
}

static bool leads_nowhere(const struct refs *refs, const char *ref)
{
    return ref && strncmp(ref, "urn:cdx:", 8) != 0 && !json_object_get(refs->seen, ref);
}

static void need_ref(struct problems *out, const struct refs *refs, const struct place *at, const json_t *value)
{
    const char *ref = json_string_value(value);
    if (leads_nowhere(refs, ref))
        problem_add(out, at, "ref-unknown", "\"%.120s\" is the bom-ref of nothing in this document", ref);
}

static void rule_needed(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    need_ref(r->problems, arg, at, item);
}

static void rule_advised(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    need_ref(r->notes, arg, at, item);
}

static void rule_dependency(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct place where = {.up = at, .key = "ref"};
    need_ref(r->problems, arg, &where, json_object_get(item, "ref"));
    sbom_each(r, at, item, "dependsOn", arg, rule_needed);
    sbom_each(r, at, item, "provides", arg, rule_needed);
}

static void rule_composition(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    sbom_each(r, at, item, "assemblies", arg, rule_needed);
    sbom_each(r, at, item, "dependencies", arg, rule_needed);
    sbom_each(r, at, item, "vulnerabilities", arg, rule_needed);
}

static void rule_affected(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct place where = {.up = at, .key = "ref"};
    need_ref(r->notes, arg, &where, json_object_get(item, "ref"));
}

static void rule_vulnerability(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    sbom_each(r, at, item, "affects", arg, rule_affected);
}

static void rule_annotation(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    sbom_each(r, at, item, "subjects", arg, rule_advised);
}

void cyclonedx_rules(const struct sbom_rules *r)
{
    struct place at = {0};
    auto_json seen = json_object();
    struct refs refs = {.seen = seen};
    walk(r, &refs, &at, r->root, false);
    sbom_each(r, &at, r->root, "dependencies", &refs, rule_dependency);
    sbom_each(r, &at, r->root, "compositions", &refs, rule_composition);
    sbom_each(r, &at, r->root, "vulnerabilities", &refs, rule_vulnerability);
    sbom_each(r, &at, r->root, "annotations", &refs, rule_annotation);
}
