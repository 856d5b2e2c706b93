#include "parse/osv.h"

#include <stdlib.h>
#include <string.h>

#include "parse/advisory_body.h"
#include "parse/cvss.h"

#define ID_CHARS_MAX 200U

/* Where the reading stands, for a refusal. */
struct reading {
    char place[256]; /* JSON pointer */
    char reason[256];
};

static bool refuse(struct reading *r, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(struct reading *r, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->place, sizeof(r->place), format, args);
    va_end(args);
    snprintf(r->reason, sizeof(r->reason), "%s", reason);
    return false;
}

/* ── time ── */

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1, days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + before[month - 1] + (leap && month > 2) + (int64_t)day - 1;
}

static bool take_number(struct span *s, size_t digits, unsigned *out)
{
    struct span before = *s, text;
    if (!span_take(s, digits, &text))
        return false;
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            *s = before;
            return false;
        }
        *out = *out * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return true;
}

static bool take_offset(struct span *s, int64_t *seconds)
{
    unsigned hours, minutes;
    *seconds = 0;
    if (span_take_prefix(s, SPAN_LIT("Z")) || span_take_prefix(s, SPAN_LIT("z")))
        return true;
    bool minus = span_take_prefix(s, SPAN_LIT("-"));
    if ((!minus && !span_take_prefix(s, SPAN_LIT("+"))) || !take_number(s, 2, &hours) ||
        !span_take_prefix(s, SPAN_LIT(":")) || !take_number(s, 2, &minutes))
        return false;
    *seconds = ((int64_t)hours * 60 + minutes) * (minus ? -60 : 60);
    return true;
}

/* full-date, in days since 1970 */
static bool take_date(struct span *s, int64_t *days)
{
    unsigned year, month, day;
    if (!take_number(s, 4, &year) || !span_take_prefix(s, SPAN_LIT("-")) || !take_number(s, 2, &month) ||
        !span_take_prefix(s, SPAN_LIT("-")) || !take_number(s, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > 31 || year < 1)
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* partial-time, without its fraction */
static bool take_clock(struct span *s, int64_t *seconds)
{
    unsigned hour, minute, second, digit;
    if (!take_number(s, 2, &hour) || !span_take_prefix(s, SPAN_LIT(":")) || !take_number(s, 2, &minute) ||
        !span_take_prefix(s, SPAN_LIT(":")) || !take_number(s, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (span_take_prefix(s, SPAN_LIT(".")))
        while (take_number(s, 1, &digit))
            continue;
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

bool osv_time(const char *text, int64_t *seconds)
{
    struct span s = span_str(text);
    int64_t days, clock, offset;
    if (!take_date(&s, &days) || !(span_take_prefix(&s, SPAN_LIT("T")) || span_take_prefix(&s, SPAN_LIT("t"))) ||
        !take_clock(&s, &clock) || !take_offset(&s, &offset) || s.len > 0)
        return false;
    *seconds = days * 86400 + clock - offset;
    if (*seconds < 0)
        *seconds = 0;
    return true;
}

/* ── severity ── */

struct rating {
    enum advisory_severity severity;
    int tenths;         /* -1: none */
    const char *vector; /* that the score was computed from, or "" */
};

static void rate_vector(struct rating *best, const char *vector)
{
    enum cvss_version version;
    int tenths;
    if (!cvss_score(span_str(vector), &version, &tenths))
        return;
    enum advisory_severity severity = advisory_severity_of_score(tenths, version == CVSS_2);
    if (best->tenths >= 0 && (severity < best->severity || (severity == best->severity && tenths <= best->tenths)))
        return;
    *best = (struct rating){severity, tenths, vector};
}

/* "severity": [{"type", "score"}]: the worst of its vectors; else a word, as Ubuntu writes it. */
static struct rating rate_list(const json_t *list)
{
    struct rating best = {ADVISORY_UNKNOWN, -1, ""};
    const json_t *row;
    size_t i;
    json_array_foreach(list, i, row)
    {
        enum advisory_severity word;
        const char *type = json_get_string(row, "type", ""), *score = json_get_string(row, "score", "");
        if (strncmp(type, "CVSS_", 5) == 0)
            rate_vector(&best, score);
        else if (best.tenths < 0 && advisory_severity_from_name(score, &word) && word > best.severity)
            best.severity = word;
    }
    return best;
}

static void rate_word(struct rating *r, const json_t *object, const char *key)
{
    enum advisory_severity word;
    char text[32];
    snprintf(text, sizeof(text), "%s", json_get_string(object, key, ""));
    text[strcspn(text, "* ")] = '\0'; /* Debian marks urgencies that are not final */
    if (r->tenths < 0 && r->severity == ADVISORY_UNKNOWN && text[0] && advisory_severity_from_name(text, &word))
        r->severity = word;
}

/* What stands beside an affected package: its own severity, or what its database says. */
static struct rating rate_affected(const json_t *affected)
{
    const json_t *database = json_object_get(affected, "database_specific"),
                 *ecosystem = json_object_get(affected, "ecosystem_specific");
    struct rating r = rate_list(json_object_get(affected, "severity"));
    if (r.tenths < 0)
        rate_vector(&r, json_get_string(database, "cvss", ""));
    rate_word(&r, database, "severity");
    rate_word(&r, ecosystem, "severity");
    rate_word(&r, ecosystem, "urgency");
    if (r.severity == ADVISORY_UNKNOWN && json_is_string(json_object_get(database, "informational")))
        r.severity = ADVISORY_LOW; /* RustSec: unmaintained, unsound, a notice */
    return r;
}

/* "Important: openssl security update": how the errata of Red Hat's family say it. */
static void rate_summary(struct rating *r, const char *summary)
{
    struct span rest = span_str(summary), word;
    char text[16];
    if (!span_take_until(&rest, ':', &word) || word.len >= sizeof(text))
        return;
    snprintf(text, sizeof(text), "%.*s", (int)word.len, (const char *)word.ptr);
    (void)advisory_severity_from_name(text, &r->severity);
}

/* Of the record: its own, or the worst of its packages'. */
static struct rating rate_record(const json_t *record)
{
    struct rating r = rate_list(json_object_get(record, "severity"));
    const json_t *affected;
    size_t i;
    rate_word(&r, json_object_get(record, "database_specific"), "severity");
    if (r.severity != ADVISORY_UNKNOWN)
        return r;
    json_array_foreach(json_object_get(record, "affected"), i, affected)
    {
        struct rating one = rate_affected(affected);
        if (one.severity > r.severity || (one.severity == r.severity && one.tenths > r.tenths))
            r = one;
    }
    if (r.severity == ADVISORY_UNKNOWN)
        rate_summary(&r, json_get_string(record, "summary", ""));
    return r;
}

/* ── affected versions ── */

static struct span version_of(enum advisory_event_kind kind, const char *text)
{
    if ((kind == ADVISORY_INTRODUCED && strcmp(text, "0") == 0) || (kind == ADVISORY_LIMIT && strcmp(text, "*") == 0))
        return span_of(NULL, 0);
    return span_str(text);
}

static bool read_event(const json_t *event, struct body_event *out, size_t *count, const char *place, struct reading *r)
{
    static const char *const keys[] = {"introduced", "fixed", "last_affected", "limit"};
    const char *key;
    json_t *value;
    if (json_object_size(event) == 0)
        return refuse(r, "wanted an object with an event", "%s", place);
    json_object_foreach((json_t *)(uintptr_t)event, key, value)
    {
        size_t kind = 0;
        while (kind < ARRAY_LEN(keys) && strcmp(keys[kind], key) != 0)
            kind++;
        const char *text = json_string_value(value);
        if (kind == ARRAY_LEN(keys))
            return refuse(r, "wanted introduced, fixed, last_affected or limit", "%s/%.40s", place, key);
        if (!text || !text[0] || strlen(text) > ADVISORY_TEXT_MAX)
            return refuse(r, "wanted a version", "%s/%s", place, key);
        if (*count == ADVISORY_EVENTS_MAX)
            return refuse(r, "more events than one range may have", "%s", place);
        out[*count] =
            (struct body_event){(enum advisory_event_kind)kind, version_of((enum advisory_event_kind)kind, text)};
        (*count)++;
    }
    return true;
}

static bool is_open(const struct body_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind != ADVISORY_INTRODUCED)
            return false;
    return true;
}

/* "<= 1.2.3" or "< 1.2.3", which GitHub puts where nothing was fixed. */
static void add_last_known(const json_t *affected, struct body_event *events, size_t *count)
{
    struct span text = span_str(
        json_get_string(json_object_get(affected, "database_specific"), "last_known_affected_version_range", ""));
    if (!is_open(events, *count) || *count == ADVISORY_EVENTS_MAX || !span_take_prefix(&text, SPAN_LIT("<")))
        return;
    bool last = span_take_prefix(&text, SPAN_LIT("="));
    while (span_take_prefix(&text, SPAN_LIT(" ")))
        continue;
    if (text.len > 0 && text.len <= ADVISORY_TEXT_MAX)
        events[(*count)++] = (struct body_event){last ? ADVISORY_LAST_AFFECTED : ADVISORY_FIXED, text};
}

static bool read_range(const json_t *range, const json_t *affected, struct body *body, const char *place,
                       struct reading *r)
{
    const char *type = json_get_string(range, "type", "");
    const json_t *events = json_object_get(range, "events"), *event;
    size_t i, count = 0;
    if (strcmp(type, "GIT") == 0) {
        body->flags |= ADVISORY_BODY_GIT;
        return true;
    }
    if (strcmp(type, "ECOSYSTEM") != 0 && strcmp(type, "SEMVER") != 0)
        return refuse(r, "wanted ECOSYSTEM, SEMVER or GIT", "%s/type", place);
    if (json_array_size(events) == 0)
        return refuse(r, "wanted a list of events", "%s/events", place);
    auto_free struct body_event *list = calloc(ADVISORY_EVENTS_MAX, sizeof(*list));
    if (!list)
        abort();
    json_array_foreach(events, i, event)
    {
        char at[200];
        snprintf(at, sizeof(at), "%.150s/events/%zu", place, i);
        if (!read_event(event, list, &count, at, r))
            return false;
    }
    add_last_known(affected, list, &count);
    return body_add_range(body, list, count) || refuse(r, "more ranges than one package may have", "%s", place);
}

static bool read_ranges(const json_t *affected, struct body *body, size_t n, struct reading *r)
{
    const json_t *ranges = json_object_get(affected, "ranges"), *range;
    size_t i;
    if (ranges && !json_is_array(ranges))
        return refuse(r, "wanted a list", "/affected/%zu/ranges", n);
    json_array_foreach(ranges, i, range)
    {
        char at[64];
        snprintf(at, sizeof(at), "/affected/%zu/ranges/%zu", n, i);
        if (!read_range(range, affected, body, at, r))
            return false;
    }
    return true;
}

static bool read_versions(const json_t *affected, struct body *body, size_t n, struct reading *r)
{
    const json_t *versions = json_object_get(affected, "versions"), *version;
    size_t i, count = json_array_size(versions);
    if (versions && !json_is_array(versions))
        return refuse(r, "wanted a list", "/affected/%zu/versions", n);
    if (count > ADVISORY_VERSIONS_MAX)
        return refuse(r, "more versions than one package may have", "/affected/%zu/versions", n);
    auto_free struct span *list = calloc(count + 1, sizeof(*list));
    if (!list)
        abort();
    json_array_foreach(versions, i, version)
    {
        const char *text = json_string_value(version);
        if (!text || !text[0] || strlen(text) > ADVISORY_TEXT_MAX)
            return refuse(r, "wanted a version", "/affected/%zu/versions/%zu", n, i);
        list[i] = span_str(text);
    }
    body_set_versions(body, list, count);
    return true;
}

static void rate_body(const json_t *affected, struct body *body)
{
    struct rating one = rate_affected(affected);
    if (one.severity == ADVISORY_UNKNOWN)
        return;
    body->severity = (int)one.severity;
    body->tenths = one.tenths;
}

/* One affected package; of an ecosystem that no package URL is joined with, nothing is written. */
static bool read_affected(const json_t *affected, size_t n, struct buf *packages, unsigned *count, struct reading *r)
{
    const json_t *package = json_object_get(affected, "package");
    struct span release;
    char name[ECOSYSTEM_NAME_SIZE], number[ECOSYSTEM_RELEASE_SIZE];
    if (!json_is_object(affected))
        return refuse(r, "wanted an object", "/affected/%zu", n);
    if (!package)
        return true; /* ranges of commits alone */
    const char *ecosystem = json_string_value(json_object_get(package, "ecosystem")),
               *text = json_string_value(json_object_get(package, "name"));
    if (!ecosystem || !ecosystem[0])
        return refuse(r, "wanted the name of an ecosystem", "/affected/%zu/package/ecosystem", n);
    if (!text || !text[0])
        return refuse(r, "wanted the name of a package", "/affected/%zu/package/name", n);
    const struct ecosystem *eco = ecosystem_of(span_str(ecosystem), &release);
    auto_body body;
    body_init(&body, eco ? eco : ecosystem_of(SPAN_LIT("PyPI"), NULL));
    if (!read_ranges(affected, &body, n, r) || !read_versions(affected, &body, n, r))
        return false;
    if (!eco)
        return true;
    if (!ecosystem_name(eco, span_str(text), name))
        return refuse(r, "no name that a package can have", "/affected/%zu/package/name", n);
    ecosystem_release(eco, release, number);
    rate_body(affected, &body);
    auto_buf bytes = BUF(OSV_RECORD_BYTES * 4U);
    body_write(&body, &bytes);
    row_text(packages, span_str(eco->name));
    row_text(packages, span_str(number));
    row_text(packages, span_str(name));
    row_u32(packages, (uint32_t)bytes.len);
    buf_add_span(packages, buf_span(&bytes));
    (*count)++;
    if (!buf_ok(&bytes) || !buf_ok(packages))
        return refuse(r, "more than a record may hold", "/affected/%zu", n);
    return true;
}

/* ── names ── */

static bool name_ok(const char *text)
{
    return text && text[0] && strlen(text) <= ID_CHARS_MAX && span_is_printable(span_str(text)) && !strchr(text, ' ');
}

static bool read_names(const json_t *record, const char *key, enum advisory_name_kind kind, struct buf *names,
                       unsigned *count, struct reading *r)
{
    const json_t *list = json_object_get(record, key), *name;
    size_t i;
    if (list && !json_is_array(list) && !json_is_null(list))
        return refuse(r, "wanted a list", "/%s", key);
    json_array_foreach(list, i, name)
    {
        if (!name_ok(json_string_value(name)))
            return refuse(r, "wanted the id of an advisory", "/%s/%zu", key, i);
        if (*count == ADVISORY_NAMES_MAX)
            return refuse(r, "more names than one record may have", "/%s/%zu", key, i);
        row_u8(names, kind);
        row_text(names, span_str(json_string_value(name)));
        (*count)++;
    }
    return true;
}

/* Advisories of distributions name the CVEs that an update mends as "related" where they have no "upstream". */
static enum advisory_name_kind kind_of_related(const json_t *record)
{
    const json_t *package = json_object_get(json_array_get(json_object_get(record, "affected"), 0), "package");
    const struct ecosystem *eco = ecosystem_of(span_str(json_get_string(package, "ecosystem", "")), NULL);
    bool other =
        json_array_size(json_object_get(record, "aliases")) || json_array_size(json_object_get(record, "upstream"));
    return eco && eco->distribution && !other ? ADVISORY_NAME_UPSTREAM : ADVISORY_NAME_RELATED;
}

/* ── the record ── */

static bool read_time(const json_t *record, const char *key, bool needed, int64_t *out, struct reading *r)
{
    const json_t *value = json_object_get(record, key);
    *out = 0;
    if ((!value || json_is_null(value)) && !needed)
        return true;
    if (json_is_string(value) && osv_time(json_string_value(value), out))
        return true;
    return refuse(r, "wanted a time such as 2026-11-24T08:00:00Z", "/%s", key);
}

static bool is_malicious(const json_t *record, const char *id)
{
    return strncmp(id, "MAL-", 4) == 0 ||
           json_object_get(json_object_get(record, "database_specific"), "malicious-packages-origins");
}

static void write_head(const json_t *record, const char *id, int64_t modified_s, int64_t withdrawn_s, struct buf *rows)
{
    struct rating rating = rate_record(record);
    bool malicious = is_malicious(record, id);
    row_u8(rows, ADVISORY_RECORD);
    row_text(rows, span_str(id));
    row_text(rows, span_str(json_get_string(record, "summary", "")));
    row_text(rows, span_str(rating.vector));
    row_text(rows, span_str(json_get_string(json_object_get(record, "database_specific"), "license", "")));
    row_i64(rows, modified_s);
    row_i64(rows, withdrawn_s);
    row_u8(rows, malicious ? ADVISORY_CRITICAL : rating.severity);
    row_u16(rows, (unsigned)(rating.tenths & 0xffff));
    row_u8(rows, malicious ? ADVISORY_FLAG_MALICIOUS : 0);
}

static bool read_record(const json_t *record, struct buf *rows, struct reading *r)
{
    auto_buf names = BUF(OSV_RECORD_BYTES), packages = BUF(OSV_RECORD_BYTES * 4U);
    const json_t *list = json_object_get(record, "affected"), *affected;
    const char *id = json_string_value(json_object_get(record, "id"));
    unsigned name_count = 0, package_count = 0;
    int64_t modified_s, published_s, withdrawn_s;
    size_t i;
    if (!json_is_object(record))
        return refuse(r, "wanted an object", "%s", "");
    if (!name_ok(id))
        return refuse(r, "wanted the id of an advisory", "/id");
    if (!read_time(record, "modified", true, &modified_s, r) ||
        !read_time(record, "published", false, &published_s, r) ||
        !read_time(record, "withdrawn", false, &withdrawn_s, r) ||
        !read_names(record, "aliases", ADVISORY_NAME_ALIAS, &names, &name_count, r) ||
        !read_names(record, "upstream", ADVISORY_NAME_UPSTREAM, &names, &name_count, r) ||
        !read_names(record, "related", kind_of_related(record), &names, &name_count, r))
        return false;
    if (list && !json_is_array(list) && !json_is_null(list))
        return refuse(r, "wanted a list", "/affected");
    if (json_array_size(list) > ADVISORY_PACKAGES_MAX)
        return refuse(r, "more packages than one record may have", "/affected");
    json_array_foreach(list, i, affected) if (!read_affected(affected, i, &packages, &package_count, r)) return false;
    bool withdrawn = json_is_string(json_object_get(record, "withdrawn"));
    if (modified_s == 0)
        modified_s = published_s; /* Go's own repository leaves the time of changes to its exporter */
    write_head(record, id, modified_s, withdrawn && withdrawn_s == 0 ? 1 : withdrawn_s, rows);
    row_u16(rows, name_count);
    buf_add_span(rows, buf_span(&names));
    row_u16(rows, package_count);
    buf_add_span(rows, buf_span(&packages));
    return true;
}

void osv_read_json(const json_t *record, struct span name, struct buf *rows)
{
    struct reading r = {{0}, {0}};
    if (!read_record(record, rows, &r))
        row_refused(rows, name, r.place, r.reason);
}

void osv_read(struct span text, struct span name, struct buf *rows)
{
    struct err e = {0};
    auto_json record = json_parse(text, OSV_RECORD_BYTES, "record", &e);
    if (record)
        osv_read_json(record, name, rows);
    else
        row_refused(rows, name, "", e.msg);
}
