/* What speaks against a release, one thing at a time: each finding of a scan that blocks, each advisory that hits one
 * of its packages and each licence of a model or package that blocks by the policy. Waivers are made for these, and
 * cover these. Hard rule: what cannot be named one by one (a list that was cut, a file that nobody scanned) is an
 * objection that nobody can waive. */
#pragma once

#include "gate/policy.h"
#include "scan/vulns.h"

enum objection_kind { OBJECTION_FINDING, OBJECTION_ADVISORY, OBJECTION_LICENCE };

struct objection {
    enum objection_kind kind;
    const char *id;       /* rule of the finding, id of the advisory, or "licence-denied"; texts live as *objections */
    const char *place;    /* the file's path in the release, the package's purl, or the model's name */
    const char *digest;   /* "sha256:…" of the file; "" of an advisory or a licence */
    const char *licence;  /* of a licence: the expression, "" when it is unknown; else NULL */
    const char *severity; /* "high" */
    const struct vuln *hit; /* of an advisory, for its aliases; else NULL */
    bool critical;
    const char *never; /* why nobody can waive it, in any environment; NULL: it can be waived */
};

struct objections {
    struct objection *list; /* owned */
    size_t count, room;
    struct vulns vulns; /* owned */
    json_t *held;       /* owned: what the texts stand in */
};
void objections_fini(struct objections *o);
#define auto_objections AUTO(objections_fini) struct objections

/* Appends those of a scan's predicate (docs/formats/scan.schema.json), in order of files. */
void objections_of_scan(const json_t *predicate, struct objections *out);

/* Appends those of a vulns predicate that block by the policy. Once for one *out. ERR_INPUT: it is malformed. */
int objections_of_vulns(const json_t *predicate, const struct policy *p, struct objections *out, struct err *e);

/* Appends those of the contour's inventory (CycloneDX) whose licence blocks by the policy. */
void objections_of_licences(const json_t *inventory, const struct policy *p, struct objections *out);

/* Models and packages of such an inventory whose licence counts, and how many of them have none that is known. */
struct licence_count {
    size_t all, unknown;
};
void licences_count(const json_t *inventory, struct licence_count *out);

/* What an item of the inventory is, where its licence counts (else false), and its licence: an expression, or "". */
bool licence_of_component(const json_t *component, enum licence_class *class, const char **expression);

/* The name of a kind in a waiver: "finding", "advisory", "licence". */
const char *objection_kind_name(enum objection_kind k);

/* Is this what a person named: the rule, or the advisory by id or alias; and, unless NULL, the path or purl? */
bool objection_is(const struct objection *o, const char *name, const char *place);
