#include "parse/advisory_body.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES_MAX (16U << 20)

/* A normal form may be longer than what was written: "1.0-2" of PyPI is "1.post2". */
#define KEY_SLACK 32U

void body_init(struct body *b, const struct ecosystem *eco)
{
    *b = (struct body){.eco = eco, .severity = -1, .tenths = -1, .ranges = BUF(BODY_BYTES_MAX)};
}

void body_fini(struct body *b)
{
    buf_fini(&b->ranges);
    free(b->versions);
    *b = (struct body){0};
}

/* ── the order of versions in ranges ── */

/* Go's toolchain and standard library have versions of their own form in build information: "go1.21rc2" is 1.21.0-rc.2
 * in advisories. */
static struct span go_version(struct span v, char room[64])
{
    struct span rest = v, number;
    if (!span_take_prefix(&rest, SPAN_LIT("go")) || rest.len == 0 || !isdigit(rest.ptr[0]) || rest.len > 32)
        return v;
    size_t n = 0;
    unsigned dots = 0;
    number = rest;
    while (n < number.len && (isdigit(number.ptr[n]) || number.ptr[n] == '.'))
        dots += number.ptr[n++] == '.';
    span_skip(&rest, n);
    int used = snprintf(room, 64, "%.*s%s", (int)n, (const char *)number.ptr,
                        dots == 0   ? ".0.0"
                        : dots == 1 ? ".0"
                                    : "");
    size_t letters = 0;
    while (letters < rest.len && isalpha(rest.ptr[letters]))
        letters++;
    if (letters > 0 && letters < rest.len)
        used += snprintf(room + used, 64 - (size_t)used, "-%.*s.%.*s", (int)letters, (const char *)rest.ptr,
                         (int)(rest.len - letters), (const char *)rest.ptr + letters);
    return span_of(room, (size_t)used);
}

static struct span without_local(struct span v)
{
    struct span before;
    return span_take_until(&v, '+', &before) ? before : v;
}

/* As version_compare(), but texts that are no versions are never the same: "fixed in" must not come of that. */
static bool compare(enum version_type type, struct span a, struct span b, int *order)
{
    return version_compare(type, a, b, order) && (*order != 0 || (version_valid(type, a) && version_valid(type, b)));
}

/* The installed version against one that an advisory names. A local version ("2.5.1+cu121") is what its public part is,
 * unless the advisory names local ones. False: no order. */
static bool order_of(const struct ecosystem *eco, struct span installed, struct span named, int *order)
{
    enum version_type type;
    char room[64];
    if (!ecosystem_order(eco, &type))
        return false;
    if (type == VERSION_PYPI && !memchr(named.ptr, '+', named.len))
        installed = without_local(installed);
    if (type == VERSION_GOLANG)
        installed = go_version(installed, room);
    return compare(type, installed, named, order);
}

/* ── making ── */

/* apk orders texts that are no versions, too, and its advisories name some. */
static bool fits(enum version_type type, struct span version)
{
    int order;
    return version_valid(type, version) || (type == VERSION_APK && compare(type, version, SPAN_LIT("0"), &order));
}

static bool is_ordered(const struct body *b, const struct body_event *events, size_t count)
{
    enum version_type type;
    if (!ecosystem_order(b->eco, &type))
        return false;
    for (size_t i = 0; i < count; i++)
        if (events[i].version.len > 0 && !fits(type, events[i].version))
            return false;
    return true;
}

/* The beginning stands before every version. Where one part of a range ends and another begins at one version, the end
 * comes first: what the second part holds is affected. */
static int compare_events(enum version_type type, const struct body_event *a, const struct body_event *b)
{
    int order = 0;
    if (a->version.len == 0 || b->version.len == 0)
        return (a->version.len > 0) - (b->version.len > 0);
    (void)version_compare(type, a->version, b->version, &order); /* they are valid */
    if (order != 0)
        return order;
    return (b->kind == ADVISORY_FIXED && a->kind == ADVISORY_INTRODUCED) -
           (a->kind == ADVISORY_FIXED && b->kind == ADVISORY_INTRODUCED);
}

/* Parts that end where they begin, as they stand in the record, hold nothing. */
static size_t drop_empty_parts(enum version_type type, struct body_event *events, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int order = 1;
        bool pair = i + 1 < count && events[i].kind == ADVISORY_INTRODUCED && events[i + 1].kind == ADVISORY_FIXED &&
                    events[i].version.len > 0 && events[i + 1].version.len > 0;
        if (pair && compare(type, events[i].version, events[i + 1].version, &order) && order == 0)
            i++;
        else
            events[kept++] = events[i];
    }
    return kept;
}

/* Insertion keeps the order of equals; nearly all lists come in order. */
static void sort_events(enum version_type type, struct body_event *events, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct body_event moving = events[i];
        size_t at = i;
        for (; at > 0 && compare_events(type, &events[at - 1], &moving) > 0; at--)
            events[at] = events[at - 1];
        events[at] = moving;
    }
}

bool body_add_range(struct body *b, struct body_event *events, size_t count)
{
    enum version_type type;
    if (count == 0)
        return true;
    if (b->range_count == ADVISORY_RANGES_MAX || count > ADVISORY_EVENTS_MAX)
        return false;
    if (!is_ordered(b, events, count)) {
        b->flags |= ADVISORY_BODY_UNORDERED;
        return true;
    }
    (void)ecosystem_order(b->eco, &type);
    count = drop_empty_parts(type, events, count);
    sort_events(type, events, count);
    b->range_count++;
    row_u16(&b->ranges, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        row_u8(&b->ranges, events[i].kind);
        row_text(&b->ranges, events[i].version);
    }
    return true;
}

void body_set_versions(struct body *b, const struct span *versions, size_t count)
{
    b->versions = calloc(count + 1, sizeof(*b->versions));
    if (!b->versions)
        abort();
    memcpy(b->versions, versions, count * sizeof(*versions));
    b->version_count = count;
}

struct key_list {
    char *texts; /* all keys, each with its NUL */
    size_t used;
    const char **keys;
    size_t count;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of the versions, sorted, each once. */
static void make_keys(const struct body *b, struct key_list *out)
{
    size_t room = 0, kept = 0;
    for (size_t i = 0; i < b->version_count; i++)
        room += b->versions[i].len + KEY_SLACK;
    out->texts = malloc(room + 1);
    out->keys = calloc(b->version_count + 1, sizeof(*out->keys));
    if (!out->texts || !out->keys)
        abort();
    for (size_t i = 0; i < b->version_count; i++) {
        char key[ECOSYSTEM_VERSION_SIZE];
        if (!ecosystem_version_key(b->eco, b->versions[i], key))
            continue;
        size_t len = strlen(key) + 1;
        if (len > b->versions[i].len + KEY_SLACK)
            continue; /* no normal form is so much longer */
        memcpy(out->texts + out->used, key, len);
        out->keys[out->count++] = out->texts + out->used;
        out->used += len;
    }
    qsort(out->keys, out->count, sizeof(*out->keys), by_bytes);
    for (size_t i = 0; i < out->count; i++)
        if (kept == 0 || strcmp(out->keys[kept - 1], out->keys[i]) != 0)
            out->keys[kept++] = out->keys[i];
    out->count = kept;
}

static void write_versions(const struct body *b, struct buf *out)
{
    struct key_list list = {0};
    uint32_t at = 0;
    make_keys(b, &list);
    row_u32(out, (uint32_t)list.count);
    for (size_t i = 0; i < list.count; i++) {
        row_u32(out, at);
        at += (uint32_t)strlen(list.keys[i]);
    }
    row_u32(out, at);
    for (size_t i = 0; i < list.count; i++)
        buf_add_str(out, list.keys[i]);
    free(list.texts);
    free(list.keys);
}

void body_write(struct body *b, struct buf *out)
{
    row_u8(out, b->flags);
    row_u8(out, b->severity < 0 ? ADVISORY_SEVERITY_OF_RECORD : (unsigned)b->severity);
    row_u16(out, (unsigned)(b->tenths & 0xffff));
    row_u8(out, b->range_count);
    if (!buf_ok(&b->ranges))
        out->failed = true;
    buf_add_span(out, buf_span(&b->ranges));
    write_versions(b, out);
}

/* ── evaluating ── */

struct evaluation {
    const struct ecosystem *eco;
    struct span version;
    bool ordered; /* the version has a place in the ecosystem's order */
    bool affected, undecided;
    struct span fixed; /* the nearest one so far */
};

static void take_fixed(struct evaluation *v, struct span fixed)
{
    enum version_type type;
    int order;
    if (v->fixed.len == 0 ||
        (ecosystem_order(v->eco, &type) && version_compare(type, fixed, v->fixed, &order) && order < 0))
        v->fixed = fixed;
}

struct range_state {
    bool affected;    /* at the version */
    bool past;        /* an event lies behind the version */
    bool below_limit; /* some limit lies behind it */
    bool has_limit, closed;
    struct span fixed; /* the first one behind it */
};

static bool see_event(struct evaluation *v, enum advisory_event_kind kind, struct span named, struct range_state *s)
{
    int order = 1; /* the version against the event's; the beginning lies before it */
    if (kind == ADVISORY_FIXED || kind == ADVISORY_LAST_AFFECTED)
        s->closed = true;
    if (kind == ADVISORY_LIMIT) {
        s->has_limit = s->closed = true;
        if (named.len == 0 || (v->ordered && order_of(v->eco, v->version, named, &order) && order < 0))
            s->below_limit = true;
        return true;
    }
    if (named.len > 0 && (!v->ordered || !order_of(v->eco, v->version, named, &order)))
        return false;
    if (kind == ADVISORY_INTRODUCED && order >= 0)
        s->affected = true;
    else if (kind == ADVISORY_FIXED && order >= 0)
        s->affected = false;
    else if (kind == ADVISORY_LAST_AFFECTED && order > 0)
        s->affected = false;
    else if (kind == ADVISORY_FIXED && s->fixed.len == 0)
        s->fixed = named;
    return true;
}

/* Whether a version without a place in the order is affected can be said of one range only: that of all versions. */
static bool evaluate_range(struct evaluation *v, struct span *body)
{
    struct range_state s = {0};
    uint16_t count;
    uint8_t kind;
    struct span named;
    bool decided = true;
    if (!span_take_le16(body, &count))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!span_take_u8(body, &kind) || kind > ADVISORY_LIMIT || !row_take_text(body, &named))
            return false;
        decided = see_event(v, (enum advisory_event_kind)kind, named, &s) && decided;
    }
    if (!decided && !(s.affected && !s.closed)) {
        v->undecided = true;
        return true;
    }
    if (!s.affected || (s.has_limit && !s.below_limit))
        return true;
    v->affected = true;
    if (s.fixed.len > 0)
        take_fixed(v, s.fixed);
    return true;
}

static bool key_at(struct span places, struct span keys, uint32_t i, struct span *out)
{
    struct span at;
    uint32_t from, to;
    return span_slice(places, (uint64_t)i * 4, 8, &at) && span_take_le32(&at, &from) && span_take_le32(&at, &to) &&
           to >= from && span_slice(keys, from, to - from, out);
}

/* 1: it is in the list; 0: it is not; -1: damaged. */
static int list_has(struct span places, struct span keys, uint32_t count, const char *wanted)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct span key;
        if (!key_at(places, keys, middle, &key))
            return -1;
        int order = span_compare(span_str(wanted), key);
        if (order == 0)
            return 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

static bool evaluate_versions(struct evaluation *v, struct span body)
{
    uint32_t count;
    struct span places;
    char key[ECOSYSTEM_VERSION_SIZE], public[ECOSYSTEM_VERSION_SIZE];
    if (!span_take_le32(&body, &count) || !span_take(&body, ((size_t)count + 1) * 4, &places))
        return false;
    if (count == 0 || v->version.len == 0 || !ecosystem_version_key(v->eco, v->version, key))
        return true;
    int found = list_has(places, body, count, key);
    if (found == 0 && strcmp(v->eco->purl_type, "pypi") == 0 &&
        ecosystem_version_key(v->eco, without_local(v->version), public))
        found = list_has(places, body, count, public);
    if (found > 0)
        v->affected = true;
    return found >= 0;
}

/* span_compare puts the shorter first only where one begins the other: the same as strcmp for texts without NUL. */
static bool has_place(const struct ecosystem *eco, struct span version)
{
    enum version_type type;
    char room[64];
    if (version.len == 0 || !ecosystem_order(eco, &type))
        return false;
    return fits(type, type == VERSION_GOLANG ? go_version(version, room) : version);
}

bool body_evaluate(const struct ecosystem *eco, struct span body, struct span version, struct body_result *out)
{
    struct evaluation v = {.eco = eco, .version = version, .ordered = has_place(eco, version)};
    uint8_t flags, severity, ranges;
    uint16_t tenths;
    if (!span_take_u8(&body, &flags) || !span_take_u8(&body, &severity) || !span_take_le16(&body, &tenths) ||
        !span_take_u8(&body, &ranges))
        return false;
    for (unsigned i = 0; i < ranges; i++)
        if (!evaluate_range(&v, &body))
            return false;
    struct span versions = body;
    uint32_t listed;
    if (!span_take_le32(&versions, &listed) || !evaluate_versions(&v, body))
        return false;
    *out = (struct body_result){.answer = v.affected ? BODY_AFFECTED : BODY_NOT_AFFECTED,
                                .severity = severity == ADVISORY_SEVERITY_OF_RECORD ? -1 : severity,
                                .tenths = (int16_t)tenths,
                                .fixed = v.affected ? v.fixed : span_of(NULL, 0)};
    if (v.affected)
        return true;
    if (version.len == 0)
        out->reason = "the package has no version";
    else if (v.undecided)
        out->reason = "its version has no place in the order of its ecosystem";
    else if (flags & ADVISORY_BODY_UNORDERED)
        out->reason = "the advisory's range has versions that the ecosystem's order does not know";
    else if ((flags & ADVISORY_BODY_GIT) && ranges == 0 && listed == 0)
        out->reason = "the advisory has ranges of commits only, and no versions";
    else
        return true;
    out->answer = BODY_UNDECIDED;
    return true;
}
