#include "gate/objection.h"

#include <stdlib.h>
#include <string.h>

void objections_fini(struct objections *o)
{
    free(o->list);
    vulns_fini(&o->vulns);
    json_decref(o->held);
    *o = (struct objections){0};
}

static void add(struct objections *out, struct objection one)
{
    if (out->count == out->room) {
        out->room = out->room ? 2 * out->room : 32;
        out->list = reallocarray(out->list, out->room, sizeof *out->list);
        if (!out->list)
            abort();
    }
    out->list[out->count++] = one;
}

static void hold(struct objections *out, const json_t *document)
{
    if (!out->held)
        out->held = json_array();
    if (json_array_append(out->held, (json_t *)(uintptr_t)document) < 0)
        abort();
}

/* ── of a scan ── */

static const char *never_of(const json_t *finding, const char *digest)
{
    if (json_is_true(json_object_get(finding, "not-scanned")))
        return "it was not scanned";
    return digest[0] ? NULL : "the file has no digest";
}

static bool blocks(const char *severity)
{
    return strcmp(severity, "medium") == 0 || strcmp(severity, "high") == 0 || strcmp(severity, "critical") == 0;
}

static void add_finding(const json_t *file, const json_t *finding, struct objections *out)
{
    const char *severity = json_get_string(finding, "severity", ""), *rule = json_get_string(finding, "rule", "");
    const char *digest = json_get_string(file, "digest", "");
    bool cut = strcmp(rule, "more-findings") == 0;
    if (!blocks(severity) && !cut)
        return;
    add(out, (struct objection){.kind = OBJECTION_FINDING,
                                .id = rule,
                                .place = json_get_string(file, "path", ""),
                                .digest = digest,
                                .severity = severity,
                                .critical = strcmp(severity, "critical") == 0,
                                .never = cut ? "not all findings are listed" : never_of(finding, digest)});
}

static void add_file(const json_t *file, struct objections *out)
{
    const char *verdict = json_get_string(file, "verdict", "");
    const json_t *finding;
    size_t i, before = out->count;
    if (strcmp(verdict, "clean") == 0 || strcmp(verdict, "opaque") == 0)
        return;
    json_array_foreach(json_object_get(file, "findings"), i, finding) add_finding(file, finding, out);
    if (out->count == before)
        add(out, (struct objection){.kind = OBJECTION_FINDING,
                                    .id = verdict,
                                    .place = json_get_string(file, "path", ""),
                                    .digest = json_get_string(file, "digest", ""),
                                    .severity = "high",
                                    .never = "no finding says what is wrong"});
}

void objections_of_scan(const json_t *predicate, struct objections *out)
{
    const json_t *file;
    size_t i;
    hold(out, predicate);
    json_array_foreach(json_object_get(predicate, "files"), i, file) add_file(file, out);
}

/* ── of advisories ── */

static bool hit_blocks(const struct vuln *x, const struct policy *p)
{
    return x->malicious || x->kev || x->severity == ADVISORY_UNKNOWN || p->findings.block & 1U << x->severity;
}

int objections_of_vulns(const json_t *predicate, const struct policy *p, struct objections *out, struct err *e)
{
    if (vulns_read(predicate, &out->vulns, e) < 0)
        return -1;
    for (size_t i = 0; i < out->vulns.count; i++) {
        const struct vuln *x = &out->vulns.list[i];
        if (hit_blocks(x, p))
            add(out, (struct objection){.kind = OBJECTION_ADVISORY,
                                        .id = x->id,
                                        .place = x->purl,
                                        .digest = "",
                                        .severity = advisory_severity_name(x->severity),
                                        .hit = x,
                                        .critical = x->severity == ADVISORY_CRITICAL,
                                        .never = x->malicious ? "the package itself is the harm" : NULL});
    }
    return 0;
}

/* ── of licences ── */

static const char *property(const json_t *component, const char *name)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(component, "properties"), i, one)
    {
        if (strcmp(json_get_string(one, "name", ""), name) == 0)
            return json_get_string(one, "value", "");
    }
    return "";
}

bool licence_of_component(const json_t *component, enum licence_class *class, const char **expression)
{
    const char *type = json_get_string(component, "type", ""), *part = property(component, "airlock:part");
    const json_t *first = json_array_get(json_object_get(component, "licenses"), 0);
    *expression = json_get_string(first, "expression", "");
    if (strcmp(type, "machine-learning-model") == 0)
        *class = LICENCE_MODELS;
    else if (strcmp(type, "library") == 0 && strcmp(property(component, "airlock:declared"), "true") != 0)
        *class = strcmp(part, "engine") == 0 ? LICENCE_IMAGES : LICENCE_PACKAGES;
    else
        return false;
    return true;
}

void objections_of_licences(const json_t *inventory, const struct policy *p, struct objections *out)
{
    const json_t *component;
    size_t i;
    hold(out, inventory);
    json_array_foreach(json_object_get(inventory, "components"), i, component)
    {
        enum licence_class class;
        const char *expression;
        if (!licence_of_component(component, &class, &expression) || !licence_class_asked(&p->licences[class]))
            continue;
        const char *id = policy_licence_objection(&p->licences[class], expression);
        if (id)
            add(out,
                (struct objection){.kind = OBJECTION_LICENCE,
                                   .id = id,
                                   .place = json_get_string(component, "purl", json_get_string(component, "name", "")),
                                   .digest = "",
                                   .licence = expression,
                                   .severity = "high"});
    }
}

void licences_count(const json_t *inventory, struct licence_count *out)
{
    const json_t *component;
    size_t i;
    *out = (struct licence_count){0};
    json_array_foreach(json_object_get(inventory, "components"), i, component)
    {
        enum licence_class class;
        const char *expression;
        if (!licence_of_component(component, &class, &expression))
            continue;
        out->all++;
        out->unknown += !expression[0];
    }
}

const char *objection_kind_name(enum objection_kind k)
{
    static const char *const names[] = {"finding", "advisory", "licence"};
    return names[k];
}

bool objection_is(const struct objection *o, const char *name, const char *place)
{
    bool named = o->hit ? vuln_is(o->hit, name) : strcmp(o->id, name) == 0;
    return named && (!place || strcmp(o->place, place) == 0);
}
