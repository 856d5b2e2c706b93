#include "parse/advisories_match.h"

#include <stdlib.h>
#include <string.h>

#include "parse/advisory_body.h"
#include "parse/purl.h"
#include "util/auto.h"

#define UNCOVERED_MAX 256U

struct matching {
    struct advisories a;
    struct buf *out; /* the reply */
    uint64_t packages;
    struct {
        char what[80];
        uint64_t packages;
    } uncovered[UNCOVERED_MAX];
    size_t uncovered_count;
    struct err *e;
};

/* One package in the making. */
struct subject {
    struct span purl; /* as it was written */
    const struct ecosystem *eco;
    char release[ECOSYSTEM_RELEASE_SIZE]; /* "": any */
    uint32_t *hits;                       /* records that were written; owned */
    size_t hit_count, hit_room;
    size_t open; /* advisories that could not be decided */
    char first_open[160];
};

static int damaged(struct matching *m)
{
    return err_set(m->e, ERR_INPUT, 0, "snapshot: what it says of a package is damaged");
}

/* ── what could not be decided ── */

static void put_text(struct buf *out, struct span text)
{
    size_t len = text.len > UINT16_MAX ? UINT16_MAX : text.len;
    row_u16(out, (unsigned)len);
    buf_add(out, text.ptr, len);
    buf_add_byte(out, 0);
}

static void undecided(struct matching *m, struct span purl, const char *reason)
{
    row_u8(m->out, MATCH_UNDECIDED);
    put_text(m->out, purl);
    put_text(m->out, span_str(reason));
}

/* Packages of which there are no advisories at all are counted by what they are. */
static void uncovered(struct matching *m, const char *what)
{
    size_t i = 0;
    while (i < m->uncovered_count && strcmp(m->uncovered[i].what, what) != 0)
        i++;
    if (i == UNCOVERED_MAX)
        i--; /* the last one stands for all further ones */
    if (i == m->uncovered_count) {
        snprintf(m->uncovered[i].what, sizeof(m->uncovered[i].what), "%s", what);
        m->uncovered_count++;
    }
    m->uncovered[i].packages++;
}

/* ── one advisory ── */

static bool is_alias(const struct advisories *a, uint32_t name, struct span *text, bool *damaged)
{
    enum advisory_name_kind kind;
    uint32_t record;
    *damaged = !advisories_name(a, name, &kind, text, &record);
    return !*damaged && (kind == ADVISORY_NAME_ALIAS || kind == ADVISORY_NAME_UPSTREAM);
}

static int put_aliases(struct matching *m, const struct advisories_record *r)
{
    unsigned count = 0;
    bool bad = false;
    struct span text;
    for (uint32_t i = 0; i < r->name_count && !bad; i++)
        count += is_alias(&m->a, r->first_name + i, &text, &bad);
    if (bad || count > UINT16_MAX)
        return damaged(m);
    row_u16(m->out, count);
    for (uint32_t i = 0; i < r->name_count; i++)
        if (is_alias(&m->a, r->first_name + i, &text, &bad))
            put_text(m->out, text);
    return 0;
}

static int put_hit(struct matching *m, const struct subject *s, const struct advisories_record *r,
                   const struct body_result *result)
{
    bool malicious = r->flags & ADVISORY_FLAG_MALICIOUS, own = result->severity >= 0 && !malicious;
    row_u8(m->out, MATCH_HIT);
    put_text(m->out, s->purl);
    put_text(m->out, r->id);
    put_text(m->out, result->fixed);
    put_text(m->out, r->vector);
    row_u8(m->out, own ? (unsigned)result->severity : r->severity);
    row_u16(m->out, (unsigned)((own ? result->tenths : r->tenths) & 0xffff));
    row_u8(m->out, malicious);
    row_u8(m->out, (r->flags & ADVISORIES_FLAG_KEV) != 0);
    return put_aliases(m, r);
}

static bool was_hit(const struct subject *s, uint32_t record)
{
    for (size_t i = 0; i < s->hit_count; i++)
        if (s->hits[i] == record)
            return true;
    return false;
}

static void note_hit(struct subject *s, uint32_t record)
{
    if (s->hit_count == s->hit_room) {
        s->hit_room = s->hit_room ? 2 * s->hit_room : 16;
        s->hits = realloc(s->hits, s->hit_room * sizeof(*s->hits));
        if (!s->hits)
            abort();
    }
    s->hits[s->hit_count++] = record;
}

static void note_open(struct subject *s, const struct advisories_record *r, const char *reason)
{
    if (s->open++ == 0)
        snprintf(s->first_open, sizeof(s->first_open), "%.*s: %s", (int)(r->id.len > 60 ? 60 : r->id.len),
                 (const char *)r->id.ptr, reason);
}

static int match_entry(struct matching *m, struct subject *s, const struct advisories_entry *entry, struct span version)
{
    struct advisories_record r;
    struct body_result result;
    if (s->release[0] && entry->release.len > 0 && !span_equal_str(entry->release, s->release))
        return 0;
    if (!advisories_record(&m->a, entry->record, &r))
        return damaged(m);
    if (r.withdrawn_s != 0 || was_hit(s, entry->record))
        return 0;
    if (!body_evaluate(s->eco, entry->body, version, &result))
        return damaged(m);
    if (result.answer == BODY_UNDECIDED)
        note_open(s, &r, result.reason);
    if (result.answer != BODY_AFFECTED)
        return 0;
    note_hit(s, entry->record);
    return put_hit(m, s, &r, &result);
}

/* ── one name ── */

static int match_name(struct matching *m, struct subject *s, struct span name, struct span version)
{
    char normal[ECOSYSTEM_NAME_SIZE];
    struct advisories_package package;
    if (!ecosystem_name(s->eco, name, normal))
        return 0;
    int found = advisories_find_package(&m->a, span_str(s->eco->name), span_str(normal), &package);
    if (found <= 0)
        return found < 0 ? damaged(m) : 0;
    for (uint32_t i = 0; i < package.entry_count; i++) {
        struct advisories_entry entry;
        if (!advisories_entry(&m->a, package.first_entry + i, &entry))
            return damaged(m);
        if (match_entry(m, s, &entry, version) < 0)
            return -1;
    }
    return 0;
}

/* "openssl@3.0.11-1", "openssl (3.0.11-1)", "openssl". */
static void split_source(struct span text, struct span *name, struct span *version)
{
    struct span rest = text;
    if (span_take_until(&rest, '@', name)) {
        *version = rest;
    } else if (span_take_until(&rest, ' ', name)) {
        *version = rest;
        if (span_take_prefix(version, SPAN_LIT("(")) && version->len > 0 && version->ptr[version->len - 1] == ')')
            version->len--;
    } else {
        *name = text;
    }
}

/* The source package, by whoever says it: the inventory's own word, then the qualifiers of other tools. False: nobody.
 */
static bool source_of(const struct purl *p, struct span said_name, struct span said_version, struct span *name,
                      struct span *version)
{
    static const char *const keys[] = {"upstream", "source", "origin"};
    *name = said_name;
    *version = said_version;
    for (size_t i = 0; i < ARRAY_LEN(keys) && name->len == 0; i++) {
        const char *value = purl_qualifier(p, keys[i]);
        if (value)
            split_source(span_str(value), name, version);
    }
    const char *other = purl_qualifier(p, "sourceversion");
    if (version->len == 0 && other)
        *version = span_str(other);
    if (version->len == 0 && p->version)
        *version = span_str(p->version); /* of one source package all versions are one, nearly always */
    return name->len > 0;
}

/* The name as the ecosystem writes it: "@scope/name", "group:artifact". */
static void full_name(const struct purl *p, const struct ecosystem *eco, struct buf *out)
{
    if (p->namespace && !eco->purl_namespace) {
        buf_add_str(out, p->namespace);
        buf_add_byte(out, strcmp(p->type, "maven") == 0 ? ':' : '/');
    }
    bool standard_library = strcmp(p->type, "golang") == 0 && !p->namespace && strcmp(p->name, "std") == 0;
    buf_add_str(out, standard_library ? "stdlib" : p->name); /* some inventories of Go say "std" */
}

/* An epoch may stand apart (rpm). */
static void full_version(const struct purl *p, struct buf *out)
{
    const char *epoch = purl_qualifier(p, "epoch");
    if (p->version && epoch && strcmp(p->type, "rpm") == 0 && !strchr(p->version, ':'))
        buf_printf(out, "%s:", epoch);
    buf_add_str(out, p->version ? p->version : "");
}

static void find_release(const struct purl *p, struct subject *s)
{
    const char *distro = purl_qualifier(p, "distro");
    s->release[0] = '\0';
    if (distro)
        ecosystem_release(s->eco, span_str(distro), s->release);
    if (!s->release[0] && p->version)
        ecosystem_release_of_version(s->eco, span_str(p->version), s->release);
}

/* Is there anything about its ecosystem and release? */
static int check_coverage(struct matching *m, const struct subject *s)
{
    int covered = advisories_covers(&m->a, span_str(s->eco->name), span_str(s->release));
    if (covered == 0 && s->release[0]) {
        struct span ecosystem, release; /* advisories of all releases cover each */
        uint32_t entries;
        for (uint32_t i = 0; i < m->a.counts[ADVISORIES_COVERAGE] && covered == 0; i++)
            covered = advisories_coverage(&m->a, i, &ecosystem, &release, &entries)
                          ? span_equal_str(ecosystem, s->eco->name) && release.len == 0
                          : -1;
    }
    if (covered != 0)
        return covered < 0 ? damaged(m) : 1;
    char what[80];
    snprintf(what, sizeof(what), "%.40s%s%s", s->eco->name, s->release[0] ? ":" : "", s->release);
    uncovered(m, what);
    return 0;
}

static int match_purl(struct matching *m, struct subject *s, const struct purl *p, struct span said_name,
                      struct span said_version)
{
    auto_buf name = BUF(PURL_LENGTH_MAX + 16U), version = BUF(PURL_LENGTH_MAX + 64U);
    struct span source_name, source_version;
    s->eco = ecosystem_of_purl(p->type, p->namespace);
    if (!s->eco) {
        bool distribution = strcmp(p->type, "deb") == 0 || strcmp(p->type, "apk") == 0 || strcmp(p->type, "rpm") == 0;
        char what[80];
        snprintf(what, sizeof(what), "pkg:%.30s/%.40s", p->type, distribution && p->namespace ? p->namespace : "");
        uncovered(m, what);
        return 0;
    }
    find_release(p, s);
    int covered = check_coverage(m, s);
    if (covered <= 0)
        return covered;
    full_name(p, s->eco, &name);
    full_version(p, &version);
    bool has_source = source_of(p, said_name, said_version, &source_name, &source_version);
    if (has_source && s->eco->source_names)
        return match_name(m, s, source_name, source_version);
    return match_name(m, s, buf_span(&name), buf_span(&version));
}

static int match_line(struct matching *m, struct span line)
{
    struct subject s = {.purl = line};
    struct span purl, name = {NULL, 0}, version = {NULL, 0};
    struct err why = {0};
    auto_purl p = {0};
    if (span_take_until(&line, '\t', &purl)) {
        s.purl = purl;
        if (!span_take_until(&line, '\t', &name))
            name = line;
        else
            version = line;
    }
    m->packages++;
    if (purl_parse(s.purl, &p, &why) < 0) {
        undecided(m, s.purl, why.msg);
        return 0;
    }
    int result = match_purl(m, &s, &p, name, version);
    if (result == 0 && s.open > 0) {
        char reason[256];
        if (s.open == 1)
            snprintf(reason, sizeof(reason), "%s", s.first_open);
        else
            snprintf(reason, sizeof(reason), "%s (and %zu more advisories)", s.first_open, s.open - 1);
        undecided(m, s.purl, reason);
    }
    free(s.hits);
    return result;
}

/* ── all of them ── */

static int match_lines(struct matching *m, struct span lines)
{
    struct span line;
    while (lines.len > 0) {
        if (!span_take_until(&lines, '\n', &line)) {
            line = lines;
            lines.len = 0;
        }
        if (line.len > ADVISORIES_LINE_MAX)
            return err_set(m->e, ERR_LIMIT, 0, "a line of %zu bytes; wanted at most %u", line.len, ADVISORIES_LINE_MAX);
        if (line.len > 0 && match_line(m, line) < 0)
            return -1;
    }
    return 0;
}

static void put_rest(struct matching *m)
{
    for (size_t i = 0; i < m->uncovered_count; i++) {
        row_u8(m->out, MATCH_UNCOVERED);
        put_text(m->out, span_str(m->uncovered[i].what));
        row_i64(m->out, (int64_t)m->uncovered[i].packages);
    }
    row_u8(m->out, MATCH_END);
    row_i64(m->out, m->a.newest_s);
    row_i64(m->out, m->a.oldest_s);
    row_i64(m->out, m->a.counts[ADVISORIES_RECORDS]);
    row_i64(m->out, (int64_t)m->packages);
}

int advisories_match_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_free struct matching *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->out = reply;
    m->e = e;
    if (advisories_open(input, &m->a, e) < 0 || match_lines(m, arg) < 0)
        return -1;
    put_rest(m);
    return buf_check(reply, "the advisories that hit", e);
}

bool match_take_text(struct span *rows, const char **out)
{
    uint16_t len;
    struct span text;
    if (!span_take_le16(rows, &len) || !span_take(rows, (size_t)len + 1, &text) || text.ptr[len] != 0 ||
        memchr(text.ptr, 0, len))
        return false;
    *out = (const char *)text.ptr;
    return true;
}
