/* The page's section on what was found: the newest of each of the contour's own checks, and the station's inventory. */
#include <string.h>

#include "gate/passport_internal.h"
#include "ship/shipment.h"
#include "util/clock.h"
#include "util/html.h"

/* More than a person reads on paper; the signed line holds them all. */
#define PAGE_ROWS_MAX 200U

static const struct evidence_line *newest(const struct evidence *ev, const char *type, enum signer signer)
{
    for (size_t i = ev->count; i-- > 0;) {
        const struct evidence_line *line = &ev->lines[i];
        if (line->predicate && line->signer == signer && strcmp(line->type, type) == 0)
            return line;
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_get_string(object, key, "");
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* The head of a check: its result, where and when. NULL: none was made, and the page says so. */
static const struct evidence_line *check(const struct passport *p, const char *title, const char *type, struct buf *out)
{
    const struct evidence_line *line = newest(&p->ev, type, SIGNER_CONTOUR);
    buf_printf(out, "<h3>%s</h3>\n", title);
    if (!line) {
        html_note(out, "None was made.");
        return NULL;
    }
    html_fields(out);
    html_field(out, "Result", strcmp(line->result, "PASSED") == 0 ? "yes" : "no", "%s%s", line->result,
               passport_after(p->closing, line) ? " — newer than the verdict, which does not cover it" : "");
    html_field(out, "When", "", "%s%s%s", time_text(line->time_s).text, line->environment[0] ? ", in " : "",
               line->environment);
    return line;
}

static void check_end(const struct evidence_line *line, struct buf *out)
{
    html_field(out, "Attestation", "digest", "%s", digest_text(&line->id).text);
    html_table_end(out);
}

static void rows_left_out(size_t count, struct buf *out)
{
    if (count > PAGE_ROWS_MAX)
        html_note(out, "%zu more are in the attestation.", count - PAGE_ROWS_MAX);
}

/* ── scan ── */

struct tally {
    const char *word; /* borrowed */
    size_t count;
};
#define TALLY_MAX 16U

/* Words counted in the order of their first appearance; what does not fit counts as the last one, "other". */
static void tally_add(struct tally tally[TALLY_MAX], const char *word)
{
    for (size_t i = 0; i < TALLY_MAX; i++) {
        if (!tally[i].word)
            tally[i].word = i + 1 == TALLY_MAX ? "other" : word;
        if (i + 1 == TALLY_MAX || strcmp(tally[i].word, word) == 0) {
            tally[i].count++;
            return;
        }
    }
}

static void tally_field(const char *name, const struct tally tally[TALLY_MAX], size_t total, struct buf *out)
{
    auto_buf words = BUF(65536);
    buf_printf(&words, "%zu", total);
    for (size_t i = 0; i < TALLY_MAX && tally[i].word; i++)
        buf_printf(&words, "%s%zu %s", i ? ", " : ": ", tally[i].count, tally[i].word);
    html_field(out, name, "", "%s", buf_str(&words));
}

static void findings(const json_t *files, struct buf *out)
{
    size_t i, n, count = 0;
    json_t *file, *finding;
    json_array_foreach(files, i, file)
    {
        json_array_foreach(json_object_get(file, "findings"), n, finding)
        {
            if (count++ == 0)
                html_table(out, "", (const char *const[]){"File", "Rule", "Severity", "Finding", NULL});
            if (count > PAGE_ROWS_MAX)
                continue;
            const char *at = text_of(finding, "at");
            buf_add_str(out, "<tr>");
            html_cell(out, "name", "%s", text_of(file, "path"));
            html_cell(out, "name", "%s", text_of(finding, "rule"));
            html_cell(out, "", "%s", text_of(finding, "severity"));
            html_cell(out, "", "%s%s%s", at, at[0] ? ": " : "", text_of(finding, "message"));
            buf_add_str(out, "</tr>\n");
        }
    }
    if (count > 0)
        html_table_end(out);
    else
        html_note(out, "No findings.");
    rows_left_out(count, out);
}

static void found_scan(const struct passport *p, struct buf *out)
{
    size_t i;
    json_t *file;
    struct tally verdicts[TALLY_MAX] = {{0}};
    const struct evidence_line *line = check(p, "Scan", PREDICATE_SCAN, out);
    if (!line)
        return;
    const json_t *files = json_object_get(line->predicate, "files");
    const json_t *scanner = json_object_get(line->predicate, "scanner");
    json_array_foreach(files, i, file)
    {
        tally_add(verdicts, text_of(file, "verdict"));
    }
    tally_field("Files", verdicts, json_array_size(files), out);
    html_field(out, "Scanner", "", "%s %s, rules %s", text_of(scanner, "name"), text_of(scanner, "version"),
               text_of(scanner, "rules"));
    check_end(line, out);
    findings(files, out);
}

/* ── inventory ── */

static void found_inventory(const struct passport *p, struct buf *out)
{
    size_t i;
    json_t *component;
    struct tally types[TALLY_MAX] = {{0}};
    const struct evidence_line *line = newest(&p->ev, PREDICATE_CYCLONEDX, SIGNER_STATION);
    buf_add_str(out, "<h3>Inventory</h3>\n");
    if (!line) {
        html_note(out, "None that a trusted station signed came with the shipment.");
        return;
    }
    const json_t *components = json_object_get(line->predicate, "components");
    json_array_foreach(components, i, component)
    {
        tally_add(types, text_of(component, "type"));
    }
    html_fields(out);
    tally_field("Components", types, json_array_size(components), out);
    html_field(out, "Format", "", "%s %s, signed by the station", text_of(line->predicate, "bomFormat"),
               text_of(line->predicate, "specVersion"));
    check_end(line, out);
}

/* ── regression suite ── */

static void suite_case(const json_t *item, struct buf *out)
{
    bool passed = json_is_true(json_object_get(item, "passed"));
    buf_add_str(out, "<tr>");
    html_cell(out, "name", "%s", text_of(item, "name"));
    html_cell(out, passed ? "yes" : "no", "%s", passed ? "passed" : "FAILED");
    html_cell(out, "number", "%lld", number_of(item, "latency_ms"));
    html_cell(out, "", "%s", text_of(item, "why"));
    buf_add_str(out, "</tr>\n");
}

static void found_suite(const struct passport *p, struct buf *out)
{
    size_t i;
    json_t *item;
    const struct evidence_line *line = check(p, "Regression suite", PREDICATE_TEST_RESULT, out);
    if (!line)
        return;
    const json_t *cases = json_object_get(line->predicate, "cases");
    const json_t *hardware = json_object_get(line->predicate, "hardware");
    html_field(out, "Cases", "", "%zu: %zu passed, %zu failed", json_array_size(cases),
               json_array_size(json_object_get(line->predicate, "passedTests")),
               json_array_size(json_object_get(line->predicate, "failedTests")));
    html_field(out, "Hardware", "", "%s, GPU: %s", text_of(hardware, "processor"), text_of(hardware, "gpu"));
    check_end(line, out);
    if (json_array_size(cases) == 0)
        return;
    html_table(out, "", (const char *const[]){"Case", "Result", "Milliseconds", "Why", NULL});
    json_array_foreach(cases, i, item)
    {
        if (i < PAGE_ROWS_MAX)
            suite_case(item, out);
    }
    html_table_end(out);
    rows_left_out(json_array_size(cases), out);
}

/* ── silence test ── */

static void attempt(const json_t *item, struct buf *out)
{
    const char *name = text_of(item, "name"), *address = text_of(item, "address");
    long long port = number_of(item, "port");
    buf_add_str(out, "<tr>");
    html_cell(out, "name", "%s", text_of(item, "program"));
    html_cell(out, "", "%s %s", text_of(item, "op"), text_of(item, "protocol"));
    if (port > 0)
        html_cell(out, "name", "%s%s%s port %lld", name, name[0] && address[0] ? " " : "", address, port);
    else
        html_cell(out, "name", "%s%s%s", name, name[0] && address[0] ? " " : "", address);
    html_cell(out, "", "%s", text_of(item, "phase"));
    html_cell(out, "number", "%lld", number_of(item, "count"));
    buf_add_str(out, "</tr>\n");
}

static void recorders(const json_t *list, struct buf *out)
{
    size_t i, awake = 0;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        awake += json_is_true(json_object_get(item, "awake"));
    }
    html_field(out, "Recorders", awake > 0 && awake == json_array_size(list) ? "" : "no", "%zu of %zu awake", awake,
               json_array_size(list));
}

static void attempts_field(const json_t *attempts, long long dropped, struct buf *out)
{
    size_t count = json_array_size(attempts);
    if (count == 0 && dropped == 0)
        html_field(out, "Attempts to leave", "", "none");
    else
        html_field(out, "Attempts to leave", "no", "%zu kinds, and %lld more that are not listed", count, dropped);
}

static void found_silence(const struct passport *p, struct buf *out)
{
    size_t i;
    json_t *item;
    const struct evidence_line *line = check(p, "Silence test", PREDICATE_SILENCE, out);
    if (!line)
        return;
    const json_t *attempts = json_object_get(line->predicate, "attempts");
    html_field(out, "Why", "", "%s", text_of(line->predicate, "reason"));
    html_field(out, "Exercise", "", "%s", text_of(line->predicate, "exercise"));
    recorders(json_object_get(line->predicate, "recorders"), out);
    attempts_field(attempts, number_of(line->predicate, "dropped"), out);
    check_end(line, out);
    if (json_array_size(attempts) == 0)
        return;
    html_table(out, "", (const char *const[]){"Program", "What", "To", "Phase", "Times", NULL});
    json_array_foreach(attempts, i, item)
    {
        if (i < PAGE_ROWS_MAX)
            attempt(item, out);
    }
    html_table_end(out);
    rows_left_out(json_array_size(attempts), out);
}

void html_found(const struct passport *p, struct buf *out)
{
    html_section(out, "What was found");
    found_scan(p, out);
    html_advisories(p, out);
    html_licences(p, out);
    found_inventory(p, out);
    found_suite(p, out);
    found_silence(p, out);
}
