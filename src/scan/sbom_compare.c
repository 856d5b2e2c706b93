#include "scan/sbom_compare.h"

#include <stdio.h>
#include <string.h>

#include "scan/internal.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/limits.h"

#define ROW_PATH "sbom/station.cdx.json"

/* Names that a finding about many packages lists. */
#define LISTED_MAX 8U

/* ── an index of our own ── */

struct index {
    json_t *by_hash;    /* SHA-256 → item */
    json_t *by_package; /* package URL without version → list of items */
    json_t *by_name;    /* plain name of what has no package URL → list of items */
    json_t *seen;       /* items that the supplied list says, by their number */
};

static const char *sha256_of(const json_t *item)
{
    const json_t *hash;
    size_t i;
    json_array_foreach(json_object_get(item, "hashes"), i,
                       hash) if (strcmp(json_get_string(hash, "alg", ""), "SHA-256") ==
                                 0) return json_get_string(hash, "hex", NULL);
    return NULL;
}

static void index_under(json_t *map, const char *key, const json_t *item)
{
    json_t *list = json_object_get(map, key);
    if (!list)
        json_object_set_new(map, key, list = json_array());
    json_array_append(list, (json_t *)(uintptr_t)item);
}

static struct index index_of(const json_t *items)
{
    struct index x = {json_object(), json_object(), json_object(), json_object()};
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item)
    {
        const char *hash = sha256_of(item), *package = json_get_string(item, "package", NULL);
        if (json_is_true(json_object_get(item, "subject")))
            continue;
        if (hash)
            json_object_set(x.by_hash, hash, (json_t *)(uintptr_t)item);
        if (package)
            index_under(x.by_package, package, item);
        else
            index_under(x.by_name, json_get_string(item, "name", ""), item);
    }
    return x;
}

static void index_fini(struct index *x)
{
    json_decref(x->by_hash);
    json_decref(x->by_package);
    json_decref(x->by_name);
    json_decref(x->seen);
}

static void mark(struct index *x, const json_t *item)
{
    char key[32];
    snprintf(key, sizeof key, "%p", (const void *)item);
    json_object_set_new(x->seen, key, json_true());
}

static bool is_marked(const struct index *x, const json_t *item)
{
    char key[32];
    snprintf(key, sizeof key, "%p", (const void *)item);
    return json_object_get(x->seen, key) != NULL;
}

/* ── what the supplied list says ── */

static const char *version_of(const json_t *item)
{
    return json_get_string(item, "version", "");
}

static bool same_version(const json_t *a, const json_t *b)
{
    /* who says none does not contradict */
    return !version_of(a)[0] || !version_of(b)[0] || strcmp(version_of(a), version_of(b)) == 0;
}

static const char *shown(const json_t *item)
{
    return json_get_string(item, "purl", json_get_string(item, "name", ""));
}

/* Of several with one name the one of the same version, else the first. */
static const json_t *counterpart(const json_t *list, const json_t *said)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (same_version(item, said)) return item;
    return json_array_get(list, 0);
}

static void hold(const json_t *said, const json_t *found, struct index *own, struct report *r)
{
    const char *hash = sha256_of(said), *ours = sha256_of(found);
    mark(own, found);
    if (!same_version(said, found))
        report_finding(r, SEVERITY_MEDIUM, "sbom-version", shown(said),
                       "the supplied inventory says version %.100s; it is %.100s here", version_of(said),
                       version_of(found));
    else if (hash && ours && strcmp(hash, ours) != 0)
        report_finding(r, SEVERITY_HIGH, "sbom-hash", shown(said),
                       "the supplied inventory says SHA-256 %.64s; it is %.64s here", hash, ours);
}

static void look_for(const json_t *said, struct index *own, struct report *r)
{
    const char *hash = sha256_of(said), *package = json_get_string(said, "package", NULL);
    const char *name = json_get_string(said, "name", "");
    const json_t *found = hash ? json_object_get(own->by_hash, hash) : NULL;
    if (found) {
        mark(own, found);
        const char *ours = json_get_string(found, "package", NULL);
        if (package && ours && strcmp(package, ours) == 0)
            hold(said, found, own, r);
        return;
    }
    found =
        counterpart(package ? json_object_get(own->by_package, package) : json_object_get(own->by_name, name), said);
    bool file = strcmp(json_get_string(said, "type", ""), "file") == 0; /* ours lists those that matter */
    if (found)
        hold(said, found, own, r);
    else
        report_finding(r, file ? SEVERITY_LOW : SEVERITY_MEDIUM, "sbom-missing", shown(said),
                       "the supplied inventory says that it is in the release; %s",
                       file ? "ours lists no such file" : "it was not found");
}

/* ── what it does not say ── */

/* "deb" of "pkg:deb/debian/zlib1g". */
static struct span kind_of(const json_t *item)
{
    struct span rest = span_str(json_get_string(item, "package", "")), kind = {0};
    if (span_take_prefix(&rest, SPAN_LIT("pkg:")))
        span_take_until(&rest, '/', &kind);
    return kind;
}

struct kind {
    size_t count;
    char names[1024]; /* the first of them */
};

static void count_surplus(const json_t *own_items, const struct index *own, struct span kind, struct kind *k)
{
    const json_t *item;
    size_t i;
    *k = (struct kind){0};
    json_array_foreach(own_items, i, item)
    {
        size_t len = strlen(k->names);
        if (is_marked(own, item) || json_is_true(json_object_get(item, "subject")) || !span_equal(kind_of(item), kind))
            continue;
        if (k->count++ < LISTED_MAX)
            snprintf(k->names + len, sizeof k->names - len, "%s%.60s", len ? ", " : "",
                     json_get_string(item, "name", ""));
    }
}

static void report_kind(const json_t *own_items, const struct index *own, const char *name, bool said, struct report *r)
{
    struct kind k;
    count_surplus(own_items, own, span_str(name), &k);
    if (k.count)
        report_finding(r, said ? SEVERITY_LOW : SEVERITY_INFO, "sbom-surplus", name,
                       "%zu package%s of this kind %s not in the supplied inventory: %s%s", k.count,
                       k.count == 1 ? "" : "s", k.count == 1 ? "is" : "are", k.names,
                       k.count > LISTED_MAX ? ", …" : "");
}

static bool has_kind(const json_t *items, struct span kind)
{
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item) if (span_equal(kind_of(item), kind)) return true;
    return false;
}

static void report_surplus(const json_t *supplied, const json_t *own_items, const struct index *own, struct report *r)
{
    auto_json done = json_object();
    const json_t *item;
    size_t i;
    json_array_foreach(own_items, i, item)
    {
        struct span kind = kind_of(item);
        if (strcmp(json_get_string(item, "type", ""), "machine-learning-model") == 0 && !is_marked(own, item) &&
            !json_is_true(json_object_get(item, "subject")))
            report_finding(r, SEVERITY_MEDIUM, "sbom-surplus", shown(item),
                           "a model that is not in the supplied inventory");
        if (kind.len == 0 || json_object_getn(done, (const char *)kind.ptr, kind.len))
            continue;
        json_object_setn_new(done, (const char *)kind.ptr, kind.len, json_true());
    }
    const char *name;
    json_t *value;
    json_object_foreach(done, name, value) report_kind(own_items, own, name, has_kind(supplied, span_str(name)), r);
}

void sbom_compare(const json_t *supplied, const json_t *own, struct report *r)
{
    AUTO(index_fini) struct index x = index_of(own);
    const json_t *said;
    size_t i;
    json_array_foreach(supplied, i, said) if (!json_is_true(json_object_get(said, "subject"))) look_for(said, &x, r);
    report_surplus(supplied, own, &x, r);
}

/* ── of a release ── */

static int keep_newest(void *arg, const struct evidence_row *row)
{
    struct buf *envelope = arg;
    if (strcmp(row->origin, "station") != 0)
        return 0;
    buf_clear(envelope);
    buf_add_span(envelope, row->envelope);
    return 0;
}

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static json_t *ask(struct child *parser, const char *op, struct span document, struct err *e)
{
    struct child_request request = {.op = op, .fd = -1, .input = document, .timeout_ms = SCAN_TIMEOUT_MS};
    return child_call_json(parser, &request, "inventory", e);
}

/* The first things that are wrong with the document itself. */
static void report_invalid(const json_t *checked, struct report *r)
{
    const json_t *problem = json_array_get(json_object_get(checked, "problems"), 0);
    if (problem)
        report_finding(r, SEVERITY_MEDIUM, "sbom-invalid", json_get_string(problem, "at", ""),
                       "the supplied inventory is not valid (%lld problems, the first: %.300s)",
                       json_integer_value(json_object_get(checked, "problem_count")),
                       json_get_string(problem, "message", ""));
}

/* A document that cannot be read is a finding; a helper that cannot be had is an error. */
static int look_at(struct child *parser, struct span supplied, struct span own, struct report *r, struct err *e)
{
    struct err why = {0};
    auto_json ours = ask(parser, "sbom-read", own, e);
    if (!ours)
        return err_prefix(e, "our own inventory");
    auto_json checked = ask(parser, "sbom-check", supplied, &why);
    auto_json said = checked ? ask(parser, "sbom-read", supplied, &why) : NULL;
    report_invalid(checked, r);
    if (!said && why.code == ERR_SYSTEM) {
        *e = why;
        return -1;
    }
    if (!said)
        report_not_scanned(r, "sbom-unread", "", "the supplied inventory cannot be read: %.300s", why.msg);
    else
        sbom_compare(json_object_get(said, "packages"), json_object_get(ours, "packages"), r);
    return 0;
}

/* Of the supplied document, so that what is found can be waived for that very one. */
static int add_row(struct report *r, struct span supplied, struct scan_report *out, struct err *e)
{
    auto_buf text = BUF(LIMIT_MESSAGE_BYTES);
    struct json_out w;
    json_out_init(&w, &text);
    json_out_object(&w);
    if (report_write(r, &w, e) < 0)
        return -1;
    json_out_object_end(&w);
    json_t *reply = json_parse(buf_span(&text), LIMIT_MESSAGE_BYTES, "comparison of inventories", e);
    if (!reply)
        return -1;
    struct scan_file *row = scan_take_reply(out, ROW_PATH, reply);
    row->digest = digest_of(supplied);
    row->has_digest = true;
    return 0;
}

static void free_key(struct public_key **k)
{
    public_key_free(*k);
}

int scan_compare_sbom(struct site *s, const struct release *release, struct span own, struct scan_report *out,
                      struct err *e)
{
    struct err absent = {0};
    auto_buf envelope = BUF(LIMIT_MESSAGE_BYTES / 2), supplied = BUF(LIMIT_MESSAGE_BYTES / 2);
    auto_statement statement = {0};
    auto_report r = {0};
    struct child *parser = site_parser(s, e);
    if (!parser)
        return -1;
    AUTO(free_key) struct public_key *station = release_station_key(s, &release->digest, &absent);
    if (!station)
        return 0;
    const struct public_key *const keys[] = {station};
    if (db_evidence_each(s->db, &release->digest, PREDICATE_CYCLONEDX, keep_newest, &envelope, e) < 0)
        return -1;
    if (!envelope.len || statement_verify(parser, buf_span(&envelope), keys, 1, &release->digest, PREDICATE_CYCLONEDX,
                                          &statement, &absent) < 0)
        return 0;
    if (json_dump_callback(statement.predicate, append, &supplied, JSON_COMPACT) < 0)
        return err_set(e, ERR_LIMIT, 0, "the station's inventory has more than %zu bytes", supplied.max);
    report_init(&r, "cyclonedx");
    return look_at(parser, buf_span(&supplied), own, &r, e) < 0 ? -1 : add_row(&r, buf_span(&supplied), out, e);
}
