#include "parse/debian_tracker.h"

#include <string.h>

#include "parse/advisory_body.h"
#include "util/json.h"

/* The advisories of one package: the kernel's are some MB. */
#define PACKAGE_BYTES (32U << 20)

/* ── finding the members of the outer object without reading all of it ── */

static void skip_blanks(struct span *s)
{
    while (s->len > 0 && (s->ptr[0] == ' ' || s->ptr[0] == '\t' || s->ptr[0] == '\n' || s->ptr[0] == '\r'))
        span_skip(s, 1);
}

static bool take_char(struct span *s, char c)
{
    skip_blanks(s);
    if (s->len == 0 || s->ptr[0] != (uint8_t)c)
        return false;
    return span_skip(s, 1);
}

/* A string with its quotes, as it stands. */
static bool take_string(struct span *s, struct span *out)
{
    struct span from;
    skip_blanks(s);
    from = *s;
    if (!take_char(s, '"'))
        return false;
    while (s->len > 0) {
        uint8_t c = s->ptr[0];
        span_skip(s, 1);
        if (c == '\\')
            span_skip(s, 1);
        else if (c == '"') {
            *out = span_of(from.ptr, from.len - s->len);
            return true;
        }
    }
    return false;
}

/* An object, by its brackets; what is in it is the JSON parser's to judge. */
static bool take_object(struct span *s, struct span *out)
{
    size_t depth = 0;
    skip_blanks(s);
    struct span from = *s, text;
    while (s->len > 0) {
        uint8_t c = s->ptr[0];
        if (c == '"') {
            if (!take_string(s, &text))
                return false;
            continue;
        }
        span_skip(s, 1);
        depth += c == '{';
        if (c == '}' && depth > 0 && --depth == 0) {
            *out = span_of(from.ptr, from.len - s->len);
            return true;
        }
        if (depth == 0)
            return false; /* something else than an object */
    }
    return false;
}

/* ── releases ── */

struct place {
    const char *package, *cve, *codename;
};

static void refuse(struct buf *rows, const struct place *p, const char *member, const char *reason)
{
    char at[512];
    snprintf(at, sizeof(at), "/%.100s/%.100s%s%.60s%s%s", p->package, p->cve, p->codename ? "/releases/" : "",
             p->codename ? p->codename : "", member[0] ? "/" : "", member);
    row_refused(rows, span_str(p->cve), at, reason);
}

static int urgency_of(const json_t *release)
{
    char word[32];
    enum advisory_severity severity;
    snprintf(word, sizeof(word), "%s", json_get_string(release, "urgency", ""));
    word[strcspn(word, "* ")] = '\0';
    return advisory_severity_from_name(word, &severity) && severity != ADVISORY_UNKNOWN ? (int)severity : -1;
}

/* 1: affected, *fixed may be NULL; 0: it never was; -1: refused. */
static int state_of(const json_t *release, const struct place *p, const char **fixed, struct buf *rows)
{
    const char *status = json_get_string(release, "status", "");
    *fixed = json_get_string(release, "fixed_version", NULL);
    if (strcmp(status, "open") == 0 || strcmp(status, "undetermined") == 0) {
        *fixed = NULL;
        return 1;
    }
    if (strcmp(status, "resolved") != 0) {
        refuse(rows, p, "status", "wanted open, resolved or undetermined");
        return -1;
    }
    if (!*fixed) {
        refuse(rows, p, "fixed_version", "resolved, and no version says by what");
        return -1;
    }
    return strcmp(*fixed, "0") != 0;
}

static bool add_release(const json_t *release, const struct place *p, struct buf *packages, unsigned *count,
                        struct buf *rows)
{
    const struct ecosystem *eco = ecosystem_of(SPAN_LIT("Debian"), NULL);
    char name[ECOSYSTEM_NAME_SIZE], number[ECOSYSTEM_RELEASE_SIZE];
    const char *fixed;
    int state = json_is_object(release) ? state_of(release, p, &fixed, rows) : -1;
    if (!json_is_object(release))
        refuse(rows, p, "", "wanted an object");
    if (state <= 0)
        return state == 0;
    ecosystem_release(eco, span_str(p->codename), number);
    if (number[0] == '\0' || !ecosystem_name(eco, span_str(p->package), name)) {
        refuse(rows, p, "", "a release of Debian that is not known here");
        return false;
    }
    auto_body body;
    auto_buf bytes = BUF(65536);
    struct body_event events[] = {{ADVISORY_INTRODUCED, span_of(NULL, 0)},
                                  {ADVISORY_FIXED, span_str(fixed ? fixed : "")}};
    body_init(&body, eco);
    body.severity = urgency_of(release);
    body_add_range(&body, events, fixed ? 2 : 1);
    body_write(&body, &bytes);
    row_text(packages, span_str(eco->name));
    row_text(packages, span_str(number));
    row_text(packages, span_str(name));
    row_u32(packages, (uint32_t)bytes.len);
    buf_add_span(packages, buf_span(&bytes));
    (*count)++;
    return true;
}

/* ── one CVE of one package ── */

static void write_record(const struct place *p, const json_t *entry, const struct buf *packages, unsigned count,
                         struct buf *rows)
{
    char id[160];
    snprintf(id, sizeof(id), "DEBIAN-%.140s", p->cve);
    row_u8(rows, ADVISORY_RECORD);
    row_text(rows, span_str(id));
    row_text(rows, span_str(json_get_string(entry, "description", "")));
    row_text(rows, span_of(NULL, 0));
    row_text(rows, span_of(NULL, 0));
    row_i64(rows, 0);
    row_i64(rows, 0);
    row_u8(rows, ADVISORY_UNKNOWN);
    row_u16(rows, 0xffff);
    row_u8(rows, ADVISORY_FLAG_MERGE);
    row_u16(rows, 1);
    row_u8(rows, ADVISORY_NAME_ALIAS);
    row_text(rows, span_str(p->cve));
    row_u16(rows, count);
    buf_add_span(rows, buf_span(packages));
}

static bool cve_ok(const char *cve)
{
    struct span s = span_str(cve);
    return s.len > 0 && s.len <= 100 && span_is_printable(s) && !memchr(s.ptr, ' ', s.len);
}

static void read_entry(const char *package, const char *cve, const json_t *entry, struct buf *rows)
{
    struct place p = {package, cve, NULL};
    auto_buf packages = BUF(1U << 20);
    const json_t *releases = json_object_get(entry, "releases");
    json_t *release;
    unsigned count = 0;
    bool whole = true;
    if (!cve_ok(cve) || !json_is_object(releases) || json_object_size(releases) > 100) {
        refuse(rows, &p, "releases", "wanted an object of releases");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)releases, p.codename, release) whole =
        add_release(release, &p, &packages, &count, rows) && whole;
    if (whole && buf_ok(&packages))
        write_record(&p, entry, &packages, count, rows);
}

static void read_package(struct span key, struct span value, struct buf *rows)
{
    struct err e = {0};
    char name[256];
    const char *cve;
    json_t *entry;
    snprintf(name, sizeof(name), "%.*s", (int)(key.len > 202 ? 200 : key.len - 2), (const char *)key.ptr + 1);
    auto_json object = json_parse(value, PACKAGE_BYTES, name, &e);
    if (!object) {
        row_refused(rows, span_str(name), "", e.msg);
        return;
    }
    json_object_foreach(object, cve, entry) read_entry(name, cve, entry, rows);
}

int debian_tracker_read(struct span text, uint64_t *at, size_t enough, struct buf *rows, bool *done, struct err *e)
{
    struct span rest, key, value;
    *done = false;
    if (!span_slice(text, *at, text.len - (*at > text.len ? text.len : *at), &rest))
        return err_set(e, ERR_USAGE, 0, "the place to go on lies behind the end");
    if (*at == 0 && !take_char(&rest, '{'))
        return err_set(e, ERR_INPUT, 0, "no JSON object");
    while (rows->len < enough) {
        if (take_char(&rest, '}')) {
            skip_blanks(&rest);
            *done = true;
            return rest.len == 0
                       ? 0
                       : err_set(e, ERR_INPUT, 0, "byte %zu: something stands behind the object", text.len - rest.len);
        }
        if (!take_string(&rest, &key) || !take_char(&rest, ':') || !take_object(&rest, &value))
            return err_set(e, ERR_INPUT, 0, "byte %zu: wanted \"package\": {…}; the file may be cut off",
                           text.len - rest.len);
        read_package(key, value, rows);
        if (!take_char(&rest, ',') && (rest.len == 0 || rest.ptr[0] != '}'))
            return err_set(e, ERR_INPUT, 0, "byte %zu: wanted a comma or the end of the object", text.len - rest.len);
    }
    *at = text.len - rest.len;
    return 0;
}

bool debian_tracker_is(struct span text)
{
    struct span key;
    return take_char(&text, '{') && take_string(&text, &key) && take_char(&text, ':') && take_char(&text, '{') &&
           take_string(&text, &key) && take_char(&text, ':') && take_char(&text, '{');
}
