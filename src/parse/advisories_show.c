/* What is in a snapshot, said and checked: the ops "advisories-show" and "advisories-find". */
#include <string.h>

#include "parse/advisories.h"
#include "parse/advisory_body.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/encode.h"
#include "util/json.h"

static int damaged(struct err *e, const char *what, uint32_t i)
{
    return err_set(e, ERR_INPUT, 0, "snapshot: %s %u is damaged", what, i);
}

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"unknown", "osv", "osv", "debian-tracker", "kev"};
    return kind < ARRAY_LEN(names) ? names[kind] : names[0];
}

static void put_text(struct json_out *w, const char *key, struct span text)
{
    json_out_key(w, key);
    json_out_span(w, text);
}

/* ── show ── */

static void put_source(struct json_out *w, const struct advisories_source *s)
{
    char hex[65];
    hex_encode(s->digest, hex);
    json_out_object(w);
    put_text(w, "name", s->name);
    json_put_string(w, "kind", kind_name(s->kind));
    json_put_time(w, "date", s->date_s);
    json_put_uint(w, "records", s->records);
    json_put_uint(w, "refused", s->refused);
    json_put_uint(w, "withdrawn", s->withdrawn);
    json_put_uint(w, "replaced", s->replaced);
    json_put_uint(w, "without_packages", s->without_packages);
    json_put_uint(w, "files", s->files);
    auto_buf digest = BUF(80);
    buf_printf(&digest, "sha256:%s", hex);
    json_put_string(w, "digest", buf_str(&digest));
    put_text(w, "licence", s->licence);
    json_out_object_end(w);
}

static int put_sources(const struct advisories *a, struct json_out *w, struct err *e)
{
    struct advisories_source s;
    json_put_array(w, "sources");
    for (uint32_t i = 0; i < a->counts[ADVISORIES_SOURCES]; i++) {
        if (!advisories_source(a, i, &s))
            return damaged(e, "source", i);
        put_source(w, &s);
    }
    json_out_array_end(w);
    return 0;
}

static int put_coverage(const struct advisories *a, struct json_out *w, struct err *e)
{
    struct span ecosystem, release;
    uint32_t entries;
    json_put_array(w, "coverage");
    for (uint32_t i = 0; i < a->counts[ADVISORIES_COVERAGE]; i++) {
        if (!advisories_coverage(a, i, &ecosystem, &release, &entries))
            return damaged(e, "coverage", i);
        json_out_object(w);
        put_text(w, "ecosystem", ecosystem);
        put_text(w, "release", release);
        json_put_uint(w, "entries", entries);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    return 0;
}

/* ── the check ── */

static int check_digest(const struct advisories *a, struct err *e)
{
    struct span rest, said;
    if (!span_slice(a->file, ADVISORIES_HEADER_BYTES, a->file.len - ADVISORIES_HEADER_BYTES, &rest) ||
        !span_slice(a->file, ADVISORIES_HEADER_BYTES - DIGEST_SIZE, DIGEST_SIZE, &said))
        return err_set(e, ERR_INPUT, 0, "snapshot: its header is cut off");
    struct digest is = digest_of(rest);
    if (memcmp(is.bytes, said.ptr, DIGEST_SIZE) != 0)
        return err_set(e, ERR_INPUT, 0, "snapshot: its bytes are not those that its header speaks of: it was changed");
    return 0;
}

static int check_records(const struct advisories *a, struct err *e)
{
    struct span before = span_of(NULL, 0);
    for (uint32_t i = 0; i < a->counts[ADVISORIES_RECORDS]; i++) {
        struct advisories_record r;
        if (!advisories_record(a, i, &r) || r.id.len == 0 || (i > 0 && span_compare(before, r.id) >= 0) ||
            r.source >= a->counts[ADVISORIES_SOURCES] || r.first_name > a->counts[ADVISORIES_NAMES] ||
            r.name_count > a->counts[ADVISORIES_NAMES] - r.first_name)
            return damaged(e, "record", i);
        before = r.id;
    }
    return 0;
}

static int check_packages(const struct advisories *a, struct err *e)
{
    struct advisories_package before = {.ecosystem = {NULL, 0}};
    uint64_t entries = 0;
    for (uint32_t i = 0; i < a->counts[ADVISORIES_PACKAGES]; i++) {
        struct advisories_package p;
        int order = -1;
        if (!advisories_package(a, i, &p) || p.first_entry != entries)
            return damaged(e, "package", i);
        if (i > 0 && (order = span_compare(before.ecosystem, p.ecosystem)) == 0)
            order = span_compare(before.name, p.name);
        if (order >= 0)
            return damaged(e, "package", i);
        entries += p.entry_count;
        before = p;
    }
    return entries == a->counts[ADVISORIES_ENTRIES] ? 0 : damaged(e, "the last package", 0);
}

/* Evaluating a body reads all of it, whatever the version. */
static int check_entries(const struct advisories *a, struct err *e)
{
    const struct ecosystem *any = ecosystem_of(SPAN_LIT("PyPI"), NULL);
    for (uint32_t i = 0; i < a->counts[ADVISORIES_ENTRIES]; i++) {
        struct advisories_entry entry;
        struct body_result result;
        if (!advisories_entry(a, i, &entry) || entry.record >= a->counts[ADVISORIES_RECORDS] ||
            !body_evaluate(any, entry.body, SPAN_LIT("1"), &result))
            return damaged(e, "entry", i);
    }
    return 0;
}

static int check_names(const struct advisories *a, struct err *e)
{
    struct span before = span_of(NULL, 0);
    if (a->counts[ADVISORIES_LOOKUP] != a->counts[ADVISORIES_NAMES])
        return damaged(e, "the list of names", 0);
    for (uint32_t i = 0; i < a->counts[ADVISORIES_LOOKUP]; i++) {
        enum advisory_name_kind kind;
        struct span text;
        uint32_t record;
        if (!advisories_lookup(a, i, &kind, &text, &record) || record >= a->counts[ADVISORIES_RECORDS] ||
            (i > 0 && advisories_compare_names(before, text) > 0))
            return damaged(e, "name", i);
        before = text;
    }
    for (uint32_t i = 0; i < a->counts[ADVISORIES_KEV]; i++) {
        struct span cve;
        int64_t day_s;
        if (!advisories_kev(a, i, &cve, &day_s))
            return damaged(e, "exploited CVE", i);
    }
    return 0;
}

static int check(const struct advisories *a, struct err *e)
{
    if (check_digest(a, e) < 0 || check_records(a, e) < 0 || check_packages(a, e) < 0 || check_entries(a, e) < 0)
        return -1;
    return check_names(a, e);
}

int advisories_show_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct advisories a;
    struct json_out w;
    if (advisories_open(input, &a, e) < 0 || (span_equal_str(arg, "check") && check(&a, e) < 0))
        return -1;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_time(&w, "date", a.newest_s);
    json_put_time(&w, "oldest", a.oldest_s);
    json_put_uint(&w, "records", a.counts[ADVISORIES_RECORDS]);
    json_put_uint(&w, "packages", a.counts[ADVISORIES_PACKAGES]);
    json_put_uint(&w, "kev", a.counts[ADVISORIES_KEV]);
    if (put_sources(&a, &w, e) < 0 || put_coverage(&a, &w, e) < 0)
        return -1;
    json_out_object_end(&w);
    return buf_check(reply, "what the snapshot holds", e);
}

/* ── find ── */

static int put_names(const struct advisories *a, const struct advisories_record *r, const char *key, bool related,
                     struct json_out *w, struct err *e)
{
    json_put_array(w, key);
    for (uint32_t i = 0; i < r->name_count; i++) {
        enum advisory_name_kind kind;
        struct span text;
        uint32_t record;
        if (!advisories_name(a, r->first_name + i, &kind, &text, &record))
            return damaged(e, "name", r->first_name + i);
        if (kind != ADVISORY_NAME_ID && (kind == ADVISORY_NAME_RELATED) == related)
            json_out_span(w, text);
    }
    json_out_array_end(w);
    return 0;
}

/* Packages that a record is about: a walk over all of them, as recall is asked for seldom. */
static int put_packages(const struct advisories *a, uint32_t record, struct json_out *w, struct err *e)
{
    struct advisories_package p;
    struct advisories_entry entry;
    json_put_array(w, "packages");
    for (uint32_t i = 0; i < a->counts[ADVISORIES_PACKAGES]; i++) {
        if (!advisories_package(a, i, &p))
            return damaged(e, "package", i);
        for (uint32_t k = 0; k < p.entry_count; k++) {
            if (!advisories_entry(a, p.first_entry + k, &entry))
                return damaged(e, "entry", p.first_entry + k);
            if (entry.record != record)
                continue;
            json_out_object(w);
            put_text(w, "ecosystem", p.ecosystem);
            put_text(w, "release", entry.release);
            put_text(w, "name", p.name);
            json_out_object_end(w);
        }
    }
    json_out_array_end(w);
    return 0;
}

static int put_record(const struct advisories *a, uint32_t i, struct json_out *w, struct err *e)
{
    struct advisories_record r;
    struct advisories_source source;
    if (!advisories_record(a, i, &r) || !advisories_source(a, r.source, &source))
        return damaged(e, "record", i);
    json_out_object(w);
    put_text(w, "id", r.id);
    if (put_names(a, &r, "aliases", false, w, e) < 0 || put_names(a, &r, "related", true, w, e) < 0)
        return -1;
    json_put_string(w, "severity", advisory_severity_name((enum advisory_severity)r.severity));
    if (r.tenths >= 0) {
        json_out_key(w, "score");
        json_out_double(w, r.tenths / 10.0, 1);
        put_text(w, "vector", r.vector);
    }
    put_text(w, "summary", r.summary);
    json_put_time(w, "modified", r.modified_s);
    if (r.withdrawn_s)
        json_put_time(w, "withdrawn", r.withdrawn_s);
    json_put_bool(w, "malicious", r.flags & ADVISORY_FLAG_MALICIOUS);
    json_put_bool(w, "kev", r.flags & ADVISORIES_FLAG_KEV);
    put_text(w, "source", source.name);
    if (put_packages(a, i, w, e) < 0)
        return -1;
    json_out_object_end(w);
    return 0;
}

/* The records of the names [first, first + count) of LOOKUP, each once: those of one record may stand there twice. */
static int put_records(const struct advisories *a, uint32_t first, uint32_t count, struct json_out *w, struct err *e)
{
    uint32_t before[256];
    size_t known = 0;
    for (uint32_t i = first; i < first + count; i++) {
        enum advisory_name_kind kind;
        struct span text;
        uint32_t record;
        bool again = false;
        if (!advisories_lookup(a, i, &kind, &text, &record))
            return damaged(e, "name", i);
        for (size_t k = 0; k < known; k++)
            again = again || before[k] == record;
        if (again)
            continue;
        if (known == ARRAY_LEN(before))
            return 0; /* more records than anybody reads */
        before[known++] = record;
        if (put_record(a, record, w, e) < 0)
            return -1;
    }
    return 0;
}

int advisories_find_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct advisories a;
    struct json_out w;
    uint32_t first, count;
    int64_t day_s;
    if (advisories_open(input, &a, e) < 0)
        return -1;
    if (arg.len == 0 || arg.len > 256)
        return err_set(e, ERR_USAGE, 0, "advisories-find: the argument is no id");
    int found = advisories_find_name(&a, arg, &first, &count), kev = advisories_find_kev(&a, arg, &day_s);
    if (found < 0 || kev < 0)
        return damaged(e, "the list of names", 0);
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_array(&w, "records");
    if (found && put_records(&a, first, count, &w, e) < 0)
        return -1;
    json_out_array_end(&w);
    if (kev)
        json_put_time(&w, "kev", day_s);
    json_out_object_end(&w);
    return buf_check(reply, "what the snapshot says", e);
}
