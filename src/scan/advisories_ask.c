/* What a snapshot is asked: what it holds, what it says of an id, which packages it names. */
#include <stdlib.h>
#include <string.h>

#include "parse/advisories_match.h"
#include "scan/advisories.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/sys.h"

#define ASK_TIMEOUT_MS  300000
/* Lines of one request: what a match makes of them must fit into a reply. */
#define LINES_BYTES_MAX (2U << 20)
#define SBOM_TIMEOUT_MS 120000

bool advisories_is_snapshot(int fd)
{
    char first[8];
    return sys.pread(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) &&
           memcmp(first, ADVISORIES_MAGIC, sizeof(first)) == 0;
}

json_t *advisories_show(struct child *parser, int fd, bool check, struct err *e)
{
    struct child_request request = {.op = "advisories-show",
                                    .fd = fd,
                                    .arg = check ? SPAN_LIT("check") : span_of("", 0),
                                    .timeout_ms = ASK_TIMEOUT_MS};
    return child_call_json(parser, &request, "advisories", e);
}

json_t *advisories_find(struct child *parser, int fd, const char *id, struct err *e)
{
    struct child_request request = {
        .op = "advisories-find", .fd = fd, .arg = span_str(id), .timeout_ms = ASK_TIMEOUT_MS};
    return child_call_json(parser, &request, "advisories", e);
}

/* ── matching ── */

/* Room for one more, doubled now and then. */
static void *grown(void *list, size_t count, size_t size)
{
    if (list && (count & (count - 1)) != 0)
        return list;
    list = reallocarray(list, count ? 2 * count : 1, size);
    if (!list)
        abort();
    return list;
}

/* What a reply says of one hit; texts live in the reply, aliases in v->root. */
static bool take_hit(struct span *rows, struct vulns *v)
{
    struct vuln *x = &v->list[v->count];
    uint8_t severity, malicious, kev;
    uint16_t tenths, aliases;
    if (!match_take_text(rows, &x->purl) || !match_take_text(rows, &x->id) || !match_take_text(rows, &x->fixed) ||
        !match_take_text(rows, &x->vector) || !span_take_u8(rows, &severity) || !span_take_le16(rows, &tenths) ||
        !span_take_u8(rows, &malicious) || !span_take_u8(rows, &kev) || !span_take_le16(rows, &aliases) ||
        severity >= ADVISORY_SEVERITIES)
        return false;
    json_t *list = json_array();
    json_array_append_new(v->root, list);
    for (unsigned i = 0; i < aliases; i++) {
        const char *alias;
        if (!match_take_text(rows, &alias) || json_array_append_new(list, json_string(alias)) < 0)
            return false; /* no UTF-8: none of ours */
    }
    x->aliases = list;
    x->severity = (enum advisory_severity)severity;
    x->score = (int16_t)tenths < 0 ? -1 : (int16_t)tenths / 10.0;
    x->malicious = malicious != 0;
    x->kev = kev != 0;
    v->count++;
    return true;
}

/* "Debian:13" of which there is nothing is one gap. */
static bool take_uncovered(struct span *rows, struct vulns *v)
{
    struct vuln_gap *gap = &v->gaps[v->gap_count];
    char reason[160];
    if (!match_take_text(rows, &gap->purl) || !span_take_le64(rows, &gap->packages))
        return false;
    bool none = strncmp(gap->purl, "pkg:", 4) == 0;
    snprintf(reason, sizeof(reason), "%llu package%s: %s", (unsigned long long)gap->packages,
             gap->packages == 1 ? "" : "s",
             none ? "no database of advisories names such packages" : "the snapshot has no advisories about it");
    json_t *text = json_string(reason);
    json_array_append_new(v->root, text);
    gap->reason = json_string_value(text);
    v->gap_count++;
    return true;
}

static bool take_end(struct span *rows, struct vulns *v)
{
    uint64_t packages;
    if (!row_take_i64(rows, &v->snapshot_date_s) || !row_take_i64(rows, &v->oldest_source_s) ||
        !span_take_le64(rows, &v->records) || !span_take_le64(rows, &packages))
        return false;
    v->packages += packages;
    return rows->len == 0;
}

static bool take_row(struct span *rows, struct vulns *v, bool *ended)
{
    uint8_t kind;
    if (!span_take_u8(rows, &kind))
        return false;
    if (kind == MATCH_END)
        return *ended = take_end(rows, v);
    if (kind == MATCH_HIT) {
        v->list = grown(v->list, v->count, sizeof(*v->list));
        return take_hit(rows, v);
    }
    v->gaps = grown(v->gaps, v->gap_count, sizeof(*v->gaps));
    if (kind == MATCH_UNCOVERED)
        return take_uncovered(rows, v);
    struct vuln_gap *gap = &v->gaps[v->gap_count];
    if (kind != MATCH_UNDECIDED || !match_take_text(rows, &gap->purl) || !match_take_text(rows, &gap->reason))
        return false;
    gap->packages = 0;
    v->gap_count++;
    return true;
}

/* Takes the reply's bytes over: what was read is borrowed from them. */
static int take_reply(struct buf *reply, struct vulns *out, struct err *e)
{
    struct span rows = buf_span(reply);
    bool ended = false;
    out->replies = realloc(out->replies, (out->reply_count + 1) * sizeof(*out->replies));
    if (!out->replies)
        abort();
    out->replies[out->reply_count++] = *reply;
    *reply = BUF(0);
    while (!ended)
        if (!take_row(&rows, out, &ended))
            return err_set(e, ERR_UNDECIDED, 0, "the helper's answer is none");
    return 0;
}

/* One request's worth of lines; returns how many packages went into it. */
static size_t put_lines(const struct match_package *packages, size_t count, struct buf *lines)
{
    size_t i = 0;
    for (; i < count && lines->len < LINES_BYTES_MAX; i++) {
        const char *source = packages[i].source ? packages[i].source : "", *blank = strrchr(source, ' ');
        buf_add_str(lines, packages[i].purl);
        if (source[0]) {
            buf_add_byte(lines, '\t');
            buf_add(lines, source, blank ? (size_t)(blank - source) : strlen(source));
            buf_printf(lines, "\t%s", blank ? blank + 1 : "");
        }
        buf_add_byte(lines, '\n');
    }
    return i;
}

static int match_some(struct child *parser, int fd, struct span lines, struct vulns *out, struct err *e)
{
    struct child_request request = {.op = "advisories-match", .fd = fd, .arg = lines, .timeout_ms = ASK_TIMEOUT_MS};
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    if (child_call(parser, &request, &reply, e) < 0)
        return err_prefix(e, "advisories");
    return take_reply(&reply, out, e);
}

int advisories_match(struct child *parser, int fd, const struct match_package *packages, size_t count,
                     struct vulns *out, struct err *e)
{
    *out = (struct vulns){.root = json_array()};
    size_t done = 0;
    int result = 0;
    do { /* once at least: an inventory without packages has an answer too, and a date */
        auto_buf lines = BUF(LIMIT_MESSAGE_BYTES / 4);
        done += put_lines(packages + done, count - done, &lines);
        result = buf_check(&lines, "the packages to look up", e);
        if (result == 0)
            result = match_some(parser, fd, buf_span(&lines), out, e);
    } while (result == 0 && done < count);
    if (result < 0)
        vulns_fini(out);
    return result;
}

/* ── the packages of an SBOM ── */

static bool fits_a_line(const char *text)
{
    return strlen(text) < ADVISORIES_LINE_MAX / 2 && !strpbrk(text, "\t\n");
}

/* A component that advisories could be about, if it only had a name that they know. */
static bool is_package(const json_t *row)
{
    const char *type = json_get_string(row, "type", "");
    return strcmp(type, "library") == 0 || strcmp(type, "framework") == 0 || strcmp(type, "application") == 0;
}

static int take_packages(const json_t *document, struct match_package *list, size_t *count, size_t *without_purl,
                         struct err *e)
{
    const json_t *rows = json_need_array(document, "packages", "", e), *row;
    auto_json seen = json_object();
    size_t i;
    if (!rows)
        return -1;
    json_array_foreach(rows, i, row)
    {
        const char *purl = json_get_string(row, "purl", NULL), *source = json_get_string(row, "source", "");
        if (!purl) {
            *without_purl += is_package(row) && !json_is_true(json_object_get(row, "subject"));
            continue;
        }
        if (!fits_a_line(purl) || !fits_a_line(source))
            return err_set(e, ERR_INPUT, 0, "component %zu: a package URL with control characters, or of %zu bytes", i,
                           strlen(purl));
        if (json_object_get(seen, purl))
            continue;
        json_object_set_new(seen, purl, json_true());
        list[(*count)++] = (struct match_package){purl, source};
    }
    return 0;
}

int advisories_packages_of(struct child *parser, int fd, struct span text, const char *what, json_t **document,
                           struct match_package **packages, size_t *count, size_t *without_purl, struct err *e)
{
    struct child_request request = {
        .op = "sbom-read", .fd = fd, .input = text, .arg = SPAN_LIT("lean"), .timeout_ms = SBOM_TIMEOUT_MS};
    *packages = NULL;
    *count = *without_purl = 0;
    *document = child_call_json(parser, &request, what, e);
    if (!*document)
        return -1;
    *packages = calloc(json_array_size(json_object_get(*document, "packages")) + 1, sizeof(**packages));
    if (!*packages)
        abort();
    if (take_packages(*document, *packages, count, without_purl, e) == 0)
        return 0;
    free(*packages);
    json_decref(*document);
    *packages = NULL;
    *document = NULL;
    return err_prefix(e, "%s", what);
}
