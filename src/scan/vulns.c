/* The predicate, both ways. */
#include "scan/vulns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/clock.h"
#include "version.h"

#define SCANNER_URI     "urn:airlock:match:v1"
#define SEVERITY_METHOD "airlock"

void vulns_fini(struct vulns *v)
{
    json_decref(v->root);
    for (size_t i = 0; i < v->reply_count; i++)
        buf_fini(&v->replies[i]);
    free(v->replies);
    free(v->list);
    free(v->gaps);
    *v = (struct vulns){0};
}

bool vuln_is(const struct vuln *v, const char *id)
{
    const json_t *alias;
    size_t i;
    if (strcasecmp(v->id, id) == 0)
        return true;
    json_array_foreach(v->aliases, i,
                       alias) if (json_is_string(alias) && strcasecmp(json_string_value(alias), id) == 0) return true;
    return false;
}

uint64_t vulns_undecided(const struct vulns *v)
{
    uint64_t count = 0;
    for (size_t i = 0; i < v->gap_count; i++)
        count += v->gaps[i].packages ? v->gaps[i].packages : 1;
    return count;
}

const char *vulns_result(const struct vulns *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct vuln *x = &v->list[i];
        if (x->malicious || x->kev || x->severity == ADVISORY_UNKNOWN || x->severity >= ADVISORY_MEDIUM)
            return "FAILED";
    }
    return "PASSED";
}

/* ── writing ── */

static void put_severity(struct json_out *w, const struct vuln *x)
{
    json_put_array(w, "severity");
    json_out_object(w);
    json_put_string(w, "method", SEVERITY_METHOD);
    json_put_string(w, "score", advisory_severity_name(x->severity));
    json_out_object_end(w);
    if (x->score >= 0) {
        json_out_object(w);
        json_put_string(w, "method", "CVSS");
        char score[16];
        snprintf(score, sizeof(score), "%.1f", x->score);
        json_put_string(w, "score", score);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_hit(struct json_out *w, const struct vuln *x)
{
    const json_t *alias;
    size_t i;
    json_out_object(w);
    json_put_string(w, "id", x->id);
    put_severity(w, x);
    json_put_array(w, "annotations");
    json_out_object(w);
    json_put_string(w, "purl", x->purl);
    json_put_array(w, "aliases");
    json_array_foreach(x->aliases, i, alias) json_out_string(w, json_string_value(alias));
    json_out_array_end(w);
    if (x->fixed[0])
        json_put_string(w, "fixed", x->fixed);
    if (x->vector[0])
        json_put_string(w, "vector", x->vector);
    json_put_bool(w, "malicious", x->malicious);
    json_put_bool(w, "kev", x->kev);
    json_out_object_end(w);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void put_scanner(struct json_out *w, const struct vulns *v)
{
    auto_buf uri = BUF(128);
    json_put_object(w, "scanner");
    json_put_string(w, "uri", SCANNER_URI);
    json_put_string(w, "version", AIRLOCK_VERSION);
    json_put_object(w, "db");
    buf_printf(&uri, "urn:airlock:advisories:%s", digest_text(&v->snapshot).text);
    json_put_string(w, "uri", buf_str(&uri));
    json_put_digest(w, "digest", &v->snapshot);
    json_put_string(w, "version", time_text(v->snapshot_date_s).text);
    json_put_time(w, "lastUpdate", v->snapshot_date_s);
    json_put_time(w, "oldestSource", v->oldest_source_s);
    json_put_uint(w, "records", v->records);
    json_out_object_end(w);
    json_put_array(w, "result");
    for (size_t i = 0; i < v->count; i++)
        put_hit(w, &v->list[i]);
    json_out_array_end(w);
    json_out_object_end(w);
}

int vulns_write(const struct vulns *v, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    put_scanner(&w, v);
    json_put_object(&w, "metadata");
    json_put_time(&w, "scanStartedOn", v->time_s);
    json_put_time(&w, "scanFinishedOn", v->time_s);
    json_put_uint(&w, "packages", v->packages);
    json_put_array(&w, "undecided");
    for (size_t i = 0; i < v->gap_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "purl", v->gaps[i].purl);
        json_put_string(&w, "reason", v->gaps[i].reason);
        if (v->gaps[i].packages > 0)
            json_put_uint(&w, "packages", v->gaps[i].packages);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_put_string(&w, "result", vulns_result(v));
    json_out_object_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "the advisories that hit", e);
}

/* ── reading ── */

static int read_severity(const json_t *severity, struct vuln *out, const char *at, struct err *e)
{
    const json_t *row;
    size_t i;
    bool known = false;
    json_array_foreach(severity, i, row)
    {
        const char *method = json_get_string(row, "method", ""), *score = json_get_string(row, "score", "");
        if (strcmp(method, SEVERITY_METHOD) == 0)
            known = advisory_severity_from_name(score, &out->severity);
        else if (strcmp(method, "CVSS") == 0)
            out->score = strtod(score, NULL);
    }
    return known ? 0 : err_set(e, ERR_INPUT, 0, "%s/severity: no severity of the method " SEVERITY_METHOD, at);
}

static int read_hit(const json_t *row, size_t i, struct vuln *out, struct err *e)
{
    char at[64];
    snprintf(at, sizeof(at), "/scanner/result/%zu", i);
    const json_t *severity = json_need_array(row, "severity", at, e);
    const json_t *notes = severity ? json_need_array(row, "annotations", at, e) : NULL;
    const json_t *note = json_array_get(notes, 0);
    *out = (struct vuln){.score = -1};
    if (!notes || !(out->id = json_need_string(row, "id", at, e)) || read_severity(severity, out, at, e) < 0)
        return -1;
    snprintf(at, sizeof(at), "/scanner/result/%zu/annotations/0", i);
    if (!(out->purl = json_need_string(note, "purl", at, e)) ||
        !(out->aliases = json_need_array(note, "aliases", at, e)))
        return -1;
    out->fixed = json_get_string(note, "fixed", "");
    out->vector = json_get_string(note, "vector", "");
    out->malicious = json_is_true(json_object_get(note, "malicious"));
    out->kev = json_is_true(json_object_get(note, "kev"));
    return 0;
}

static void *room_for(size_t count, size_t size)
{
    void *list = calloc(count + 1, size);
    if (!list)
        abort();
    return list;
}

static int read_hits(const json_t *result, struct vulns *out, struct err *e)
{
    const json_t *row;
    size_t i;
    out->list = room_for(json_array_size(result), sizeof(*out->list));
    json_array_foreach(result, i, row)
    {
        if (read_hit(row, i, &out->list[i], e) < 0)
            return -1;
        out->count++;
    }
    return 0;
}

static int read_gaps(const json_t *undecided, struct vulns *out, struct err *e)
{
    const json_t *row;
    size_t i;
    out->gaps = room_for(json_array_size(undecided), sizeof(*out->gaps));
    json_array_foreach(undecided, i, row)
    {
        char at[64];
        snprintf(at, sizeof(at), "/metadata/undecided/%zu", i);
        struct vuln_gap *gap = &out->gaps[i];
        if (!(gap->purl = json_need_string(row, "purl", at, e)) ||
            !(gap->reason = json_need_string(row, "reason", at, e)) ||
            (json_object_get(row, "packages") && json_need_uint(row, "packages", at, &gap->packages, e) < 0))
            return -1;
        out->gap_count++;
    }
    return 0;
}

static int read_all(const json_t *predicate, struct vulns *out, struct err *e)
{
    const json_t *scanner = json_need_object(predicate, "scanner", "", e);
    const json_t *metadata = scanner ? json_need_object(predicate, "metadata", "", e) : NULL;
    const json_t *db = metadata ? json_need_object(scanner, "db", "/scanner", e) : NULL;
    const json_t *result = db ? json_need_array(scanner, "result", "/scanner", e) : NULL;
    const json_t *undecided = result ? json_need_array(metadata, "undecided", "/metadata", e) : NULL;
    if (!undecided || json_need_digest(db, "digest", "/scanner/db", &out->snapshot, e) < 0 ||
        json_need_time(db, "lastUpdate", "/scanner/db", &out->snapshot_date_s, e) < 0 ||
        json_need_time(db, "oldestSource", "/scanner/db", &out->oldest_source_s, e) < 0 ||
        json_need_uint(db, "records", "/scanner/db", &out->records, e) < 0 ||
        json_need_time(metadata, "scanFinishedOn", "/metadata", &out->time_s, e) < 0 ||
        json_need_uint(metadata, "packages", "/metadata", &out->packages, e) < 0)
        return -1;
    return read_hits(result, out, e) < 0 ? -1 : read_gaps(undecided, out, e);
}

int vulns_read(const json_t *predicate, struct vulns *out, struct err *e)
{
    *out = (struct vulns){.root = json_incref((json_t *)(uintptr_t)predicate)};
    if (read_all(predicate, out, e) == 0)
        return 0;
    vulns_fini(out);
    return err_prefix(e, "vulns attestation");
}
