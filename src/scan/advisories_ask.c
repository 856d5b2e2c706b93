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

static void *grown(void *list, size_t count, size_t more, size_t size)
{
    list = realloc(list, (count + more + 1) * size);
    if (!list)
        abort();
    return list;
}

static int take_match(const json_t *row, size_t i, struct vuln *out, struct err *e)
{
    char at[40];
    const json_t *score = json_object_get(row, "score");
    snprintf(at, sizeof(at), "/matches/%zu", i);
    *out = (struct vuln){.score = json_is_number(score) ? json_number_value(score) : -1};
    const char *severity = json_need_string(row, "severity", at, e);
    if (!severity || !(out->purl = json_need_string(row, "purl", at, e)) ||
        !(out->id = json_need_string(row, "advisory", at, e)) ||
        !(out->aliases = json_need_array(row, "aliases", at, e)))
        return -1;
    if (!advisory_severity_from_name(severity, &out->severity))
        return err_set(e, ERR_UNDECIDED, 0, "%s/severity: no such word", at);
    out->fixed = json_get_string(row, "fixed", "");
    out->vector = json_get_string(row, "vector", "");
    out->malicious = json_is_true(json_object_get(row, "malicious"));
    out->kev = json_is_true(json_object_get(row, "kev"));
    return 0;
}

static int take_matches(const json_t *reply, struct vulns *out, struct err *e)
{
    const json_t *matches = json_need_array(reply, "matches", "", e), *row;
    size_t i;
    if (!matches)
        return -1;
    out->list = grown(out->list, out->count, json_array_size(matches), sizeof(*out->list));
    json_array_foreach(matches, i, row)
    {
        if (take_match(row, i, &out->list[out->count], e) < 0)
            return -1;
        out->count++;
    }
    return 0;
}

/* "Debian:13" of which there is nothing becomes one gap; its text is kept in the reply. */
static int take_uncovered(json_t *reply, struct vulns *out)
{
    json_t *list = json_object_get(reply, "uncovered"), *row;
    size_t i;
    out->gaps = grown(out->gaps, out->gap_count, json_array_size(list), sizeof(*out->gaps));
    json_array_foreach(list, i, row)
    {
        char reason[160];
        const char *what = json_get_string(row, "what", "");
        long long packages = (long long)json_integer_value(json_object_get(row, "packages"));
        bool none = strncmp(what, "pkg:", 4) == 0;
        snprintf(reason, sizeof(reason), "%lld package%s: %s", packages, packages == 1 ? "" : "s",
                 none ? "no database of advisories names such packages" : "the snapshot has no advisories about it");
        json_object_set_new(row, "reason", json_string(reason));
        out->gaps[out->gap_count++] =
            (struct vuln_gap){.purl = what, .reason = json_string_value(json_object_get(row, "reason"))};
    }
    return 0;
}

static int take_gaps(json_t *reply, struct vulns *out, struct err *e)
{
    const json_t *list = json_need_array(reply, "undecided", "", e), *row;
    size_t i;
    if (!list)
        return -1;
    out->gaps = grown(out->gaps, out->gap_count, json_array_size(list), sizeof(*out->gaps));
    json_array_foreach(list, i, row)
    {
        struct vuln_gap *gap = &out->gaps[out->gap_count];
        if (!(gap->purl = json_need_string(row, "purl", "/undecided", e)) ||
            !(gap->reason = json_need_string(row, "reason", "/undecided", e)))
            return -1;
        out->gap_count++;
    }
    return take_uncovered(reply, out);
}

static int take_reply(json_t *reply, struct vulns *out, struct err *e)
{
    uint64_t packages;
    json_array_append(out->root, reply); /* the texts live in it */
    if (json_need_uint(reply, "records", "", &out->records, e) < 0 ||
        json_need_uint(reply, "packages", "", &packages, e) < 0 ||
        json_need_time(reply, "date", "", &out->snapshot_date_s, e) < 0 ||
        json_need_time(reply, "oldest", "", &out->oldest_source_s, e) < 0 || take_matches(reply, out, e) < 0)
        return -1;
    out->packages += packages;
    return take_gaps(reply, out, e);
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
    auto_json reply = child_call_json(parser, &request, "advisories", e);
    return reply ? take_reply(reply, out, e) : -1;
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
    struct child_request request = {.op = "sbom-read", .fd = fd, .input = text, .timeout_ms = SBOM_TIMEOUT_MS};
    *packages = NULL;
    *count = *without_purl = 0;
    *document = child_call_json(parser, &request, what, e);
    if (!*document)
        return -1;
    *packages = grown(NULL, json_array_size(json_object_get(*document, "packages")), 0, sizeof(**packages));
    if (take_packages(*document, *packages, count, without_purl, e) == 0)
        return 0;
    free(*packages);
    json_decref(*document);
    *packages = NULL;
    *document = NULL;
    return err_prefix(e, "%s", what);
}
