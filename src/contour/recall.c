#include "contour/recall.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gate/evidence.h"
#include "store/db_release.h"
#include "util/clock.h"

#define ALIASES_MAX 512U

/* Every name of what is asked for: the id itself, and ids and aliases of each record that has it. */
struct names {
    const char *list[ALIASES_MAX];
    size_t count;
};

struct asking {
    struct site *s;
    const struct advisories_in_force *force; /* NULL: none */
    const struct names *names;
    const json_t *engines;
    struct recall *out;
    struct err *e;
};

void recall_fini(struct recall *r)
{
    for (size_t i = 0; i < r->count; i++) {
        vulns_fini(&r->list[i].vulns);
        free(r->list[i].hits);
        free(r->list[i].places);
        free(r->list[i].approvals);
    }
    free(r->list);
    json_decref(r->records);
    *r = (struct recall){0};
}

static void *grown(void *list, size_t count, size_t size)
{
    list = realloc(list, (count + 1) * size);
    if (!list)
        abort();
    memset((char *)list + count * size, 0, size);
    return list;
}

/* ── the advisory ── */

static void add_name(struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcasecmp(n->list[i], name) == 0)
            return;
    if (n->count < ALIASES_MAX)
        n->list[n->count++] = name;
}

/* Aliases are the same thing under another name; what is only related is not. */
static bool is_same(const json_t *record, const char *id)
{
    const json_t *alias;
    size_t i;
    if (strcasecmp(json_get_string(record, "id", ""), id) == 0)
        return true;
    json_array_foreach(json_object_get(record, "aliases"), i,
                       alias) if (strcasecmp(json_string_value(alias), id) == 0) return true;
    return false;
}

static void collect_names(const json_t *found, const char *id, struct names *n)
{
    const json_t *record;
    size_t i;
    add_name(n, id);
    json_array_foreach(json_object_get(found, "records"), i, record) if (is_same(record, id))
        add_name(n, json_get_string(record, "id", ""));
}

/* A hit is one of these: its own id is among the names, or the id that was asked for among its aliases. */
static bool is_meant(const struct names *n, const struct vuln *v)
{
    if (vuln_is(v, n->list[0]))
        return true;
    for (size_t i = 1; i < n->count; i++)
        if (strcasecmp(v->id, n->list[i]) == 0)
            return true;
    return false;
}

/* ── one release ── */

static void unknown(struct recall_release *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void unknown(struct recall_release *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, sizeof(r->why), format, args);
    va_end(args);
    r->answer = RECALL_UNKNOWN;
}

static void take_hits(const struct asking *a, struct recall_release *r)
{
    for (size_t i = 0; i < r->vulns.count; i++) {
        if (!is_meant(a->names, &r->vulns.list[i]))
            continue;
        r->hits = grown(r->hits, r->hit_count, sizeof(struct vuln *));
        r->hits[r->hit_count++] = &r->vulns.list[i];
    }
}

/* A gap that is about this advisory, or about packages that it could be about. */
static const struct vuln_gap *open_gap(const struct asking *a, const struct vulns *v)
{
    for (size_t i = 0; i < v->gap_count; i++)
        for (size_t k = 0; k < a->names->count; k++)
            if (strcasestr(v->gaps[i].reason, a->names->list[k]))
                return &v->gaps[i];
    return NULL;
}

static void read_matching(const struct asking *a, const struct evidence *ev, struct recall_release *r)
{
    const struct evidence_line *line = NULL;
    struct err why = {0};
    for (size_t i = 0; i < ev->count; i++)
        if (ev->lines[i].predicate && ev->lines[i].signer == SIGNER_CONTOUR &&
            strcmp(ev->lines[i].type, PREDICATE_VULNS) == 0)
            line = &ev->lines[i];
    if (!line) {
        unknown(r, "it was not matched against advisories yet: airlock scan %s", r->name);
        return;
    }
    if (vulns_read(line->predicate, &r->vulns, &why) < 0) {
        unknown(r, "%s", why.msg);
        return;
    }
    r->matched_s = r->vulns.time_s;
    take_hits(a, r);
    const struct vuln_gap *gap = open_gap(a, &r->vulns);
    if (r->hit_count > 0)
        r->answer = RECALL_AFFECTED;
    else if (!a->force || !digest_equal(&r->vulns.snapshot, &a->force->digest))
        unknown(r, "it was matched against other advisories than those in force (%s): airlock scan %s",
                time_text(r->matched_s).text, r->name);
    else if (gap)
        unknown(r, "%.200s: %.200s", gap->purl, gap->reason);
    else {
        r->answer = RECALL_NOT_AFFECTED;
        if (r->vulns.gap_count > 0)
            snprintf(r->why, sizeof(r->why),
                     "of what the advisories cover; %zu packages or kinds of packages were not "
                     "decided, the first: %.150s: %.200s",
                     r->vulns.gap_count, r->vulns.gaps[0].purl, r->vulns.gaps[0].reason);
    }
}

static void read_approvals(const struct evidence *ev, struct recall_release *r)
{
    for (size_t i = 0; i < ev->count; i++) {
        const struct evidence_line *line = &ev->lines[i];
        if (!line->predicate || line->signer != SIGNER_PERSON || strcmp(line->type, PREDICATE_APPROVAL) != 0)
            continue;
        r->approvals = grown(r->approvals, r->approval_count, sizeof(*r->approvals));
        struct recall_approval *out = &r->approvals[r->approval_count++];
        snprintf(out->person, sizeof(out->person), "%s", line->person);
        snprintf(out->environment, sizeof(out->environment), "%s", line->environment);
        out->time_s = line->time_s;
    }
}

/* ── where it stands ── */

static struct recall_place *new_place(struct recall_release *r, const char *environment, int64_t since_s)
{
    r->places = grown(r->places, r->place_count, sizeof(*r->places));
    struct recall_place *place = &r->places[r->place_count++];
    snprintf(place->environment, sizeof(place->environment), "%s", environment);
    place->since_s = since_s;
    return place;
}

static int add_place(void *arg, const struct pointer_row *row)
{
    struct recall_release *r = arg;
    if (digest_equal(&row->release, &r->digest))
        new_place(r, row->environment, row->time_s);
    return 0;
}

static struct recall_place *place_in(struct recall_release *r, const char *environment)
{
    for (size_t i = 0; i < r->place_count; i++)
        if (strcmp(r->places[i].environment, environment) == 0)
            return &r->places[i];
    return NULL;
}

/* An engine may run what no pointer names any more, and keep another loaded as standby: both are told. */
static void add_engine(struct recall_release *r, const char *environment, const json_t *engine, const char *state)
{
    int64_t since_s = 0;
    if (strcmp(json_get_string(engine, "release", ""), digest_text(&r->digest).text) != 0)
        return;
    time_parse(span_str(json_get_string(engine, "loaded", "")), &since_s);
    struct recall_place *place = place_in(r, environment);
    if (!place)
        place = new_place(r, environment, since_s);
    snprintf(place->engine, sizeof(place->engine), "%s", state);
    place->running = strcmp(state, "running") == 0;
}

static void add_engines(const json_t *engines, struct recall_release *r)
{
    const json_t *engine;
    size_t i;
    json_array_foreach(engines, i, engine)
    {
        const char *environment = json_get_string(engine, "environment", "");
        add_engine(r, environment, json_object_get(engine, "standby"), "standby");
        add_engine(r, environment, engine, json_get_string(engine, "state", "unknown"));
    }
}

static int ask_release(const struct asking *a, struct recall_release *r)
{
    AUTO(evidence_fini) struct evidence ev = {0};
    if (evidence_load(a->s, &r->digest, &ev, a->e) < 0)
        return -1;
    read_matching(a, &ev, r);
    read_approvals(&ev, r);
    if (db_pointer_each(a->s->db, NULL, add_place, r, a->e) < 0)
        return -1;
    add_engines(a->engines, r);
    return 0;
}

/* Names and digests first: the database is not read while the parse process works. */
static int add_release(void *arg, const struct release_row *row)
{
    struct recall *out = arg;
    if (row->discarded)
        return 0;
    out->list = grown(out->list, out->count, sizeof(*out->list));
    struct recall_release *r = &out->list[out->count++];
    snprintf(r->name, sizeof(r->name), "%s:%s", row->name, row->version);
    r->digest = row->digest;
    return 0;
}

static int by_answer(const void *a, const void *b)
{
    static const int rank[] = {[RECALL_AFFECTED] = 0, [RECALL_UNKNOWN] = 1, [RECALL_NOT_AFFECTED] = 2};
    const struct recall_release *x = a, *y = b;
    int order = rank[x->answer] - rank[y->answer];
    return order ? order : strcmp(x->name, y->name);
}

static int ask_all(struct asking *a)
{
    struct recall *out = a->out;
    if (db_release_each(a->s->db, add_release, out, a->e) < 0)
        return -1;
    for (size_t i = 0; i < out->count; i++) {
        if (ask_release(a, &out->list[i]) < 0)
            return err_prefix(a->e, "%s", out->list[i].name);
        out->affected += out->list[i].answer == RECALL_AFFECTED;
        out->unknown += out->list[i].answer == RECALL_UNKNOWN;
    }
    if (out->count > 0)
        qsort(out->list, out->count, sizeof(*out->list), by_answer);
    return 0;
}

/* ── the question ── */

static int look_up(struct asking *a, const char *id, struct advisories_in_force *force)
{
    struct err none = {0};
    if (advisories_in_force(a->s, true, force, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(a->e, none.code, none.sys_errno, "%s", none.msg);
    struct child *parser = site_parser(a->s, a->e);
    a->force = force;
    a->out->records = parser ? advisories_find(parser, force->fd, id, a->e) : NULL;
    if (!a->out->records)
        return -1;
    a->out->known =
        json_array_size(json_object_get(a->out->records, "records")) > 0 || json_object_get(a->out->records, "kev");
    return 0;
}

int recall_ask(struct site *contour, const char *id, const json_t *engines, struct recall *out, struct err *e)
{
    auto_in_force force = {.fd = -1};
    struct names names = {0};
    struct asking a = {.s = contour, .names = &names, .engines = engines, .out = out, .e = e};
    *out = (struct recall){0};
    if (look_up(&a, id, &force) < 0) {
        recall_fini(out);
        return -1;
    }
    collect_names(out->records, id, &names);
    if (ask_all(&a) < 0) {
        recall_fini(out);
        return -1;
    }
    out->known = out->known || out->affected > 0;
    return 0;
}
