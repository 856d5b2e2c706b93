/* The page's sections on what speaks against the release and what was made of it: advisories, licences, waivers, how it
 * was built, and each gate's decision. What blocks and what is waived is looked at again, by the policy in force. */
#include <stdlib.h>
#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "gate/waiver.h"
#include "parse/advisory_row.h"
#include "ship/shipment.h"
#include "util/clock.h"
#include "util/html.h"

/* More than a person reads on paper; the signed line holds them all. */
#define PAGE_ROWS_MAX 200U

static const char *text_of(const json_t *object, const char *key)
{
    return json_get_string(object, key, "");
}

static struct waiver_place place_of(const struct passport *p)
{
    const char *environment = p->closing ? p->closing->environment : ENVIRONMENT_SANDBOX;
    return (struct waiver_place){&p->ev, &p->policy, p->contour, environment, p->now_s};
}

static void left_out(size_t count, struct buf *out)
{
    if (count > PAGE_ROWS_MAX)
        html_note(out, "%zu more are in the attestation.", count - PAGE_ROWS_MAX);
}

/* A row for each, with what waives it or why it stays. */
static void objections_table(const struct passport *p, const struct objections *all, enum objection_kind kind,
                             struct buf *out)
{
    struct waiver_place place = place_of(p);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct objection *o = &all->list[i];
        struct waiver w;
        char why[240];
        if (o->kind != kind || count++ >= PAGE_ROWS_MAX)
            continue;
        if (count == 1)
            html_table(out, "dense", (const char *const[]){"What blocks", "Severity", "Where", "Passes", "Why", NULL});
        bool passes = waiver_covers(&place, o, &w, why, sizeof why);
        buf_add_str(out, "<tr>");
        html_cell(out, "name", "%s%s%s", o->id, o->licence && o->licence[0] ? ": " : "", o->licence ? o->licence : "");
        html_cell(out, "", "%s%s", o->severity, o->hit && o->hit->kev ? ", exploited" : "");
        html_cell(out, "name", "%s", o->place);
        html_cell(out, passes ? "yes" : "no", "%s", passes ? "waived" : "NO");
        if (passes)
            html_cell(out, "", "until %s, by %s and %s", time_text(w.until_s).text, w.person[0], w.person[1]);
        else
            html_cell(out, "", "%s%s%s", why, o->hit && o->hit->fixed[0] ? "; fixed in " : "",
                      o->hit ? o->hit->fixed : "");
        buf_add_str(out, "</tr>\n");
    }
    if (count)
        html_table_end(out);
    left_out(count, out);
}

/* ── advisories ── */

static void severities_field(const struct vulns *v, struct buf *out)
{
    size_t counts[ADVISORY_SEVERITIES] = {0}, exploited = 0;
    auto_buf text = BUF(1024);
    for (size_t i = 0; i < v->count; i++) {
        counts[v->list[i].severity]++;
        exploited += v->list[i].kev;
    }
    buf_printf(&text, "%zu", v->count);
    for (unsigned s = ADVISORY_SEVERITIES; s-- > 0;)
        if (counts[s])
            buf_printf(&text, ", %zu %s", counts[s], advisory_severity_name((enum advisory_severity)s));
    if (exploited)
        buf_printf(&text, "; %zu known to be exploited", exploited);
    html_field(out, "Advisories that hit", "", "%s", buf_str(&text));
}

void html_advisories(const struct passport *p, struct buf *out)
{
    const struct evidence_line *line = evidence_newest_ours(&p->ev, PREDICATE_VULNS, NULL);
    auto_objections all = {0};
    struct err e = {0};
    buf_add_str(out, "<h3>Advisories</h3>\n");
    if (!line || objections_of_vulns(line->predicate, &p->policy, &all, &e) < 0) {
        html_note(out, line ? "They cannot be read: %s" : "Its packages were not held against advisories.", e.msg);
        return;
    }
    html_fields(out);
    severities_field(&all.vulns, out);
    html_field(out, "Packages", "", "%llu, %llu of them not decided", (unsigned long long)all.vulns.packages,
               (unsigned long long)vulns_undecided(&all.vulns));
    html_field(out, "Held against", "", "%llu advisories, the newest of %s, the oldest source of %s",
               (unsigned long long)all.vulns.records, time_text(all.vulns.snapshot_date_s).text,
               time_text(all.vulns.oldest_source_s).text);
    html_field(out, "When", "", "%s%s", time_text(line->time_s).text,
               passport_after(p->closing, line) ? " — newer than the verdict, which does not cover it" : "");
    html_field(out, "Attestation", "digest", "%s", digest_text(&line->id).text);
    html_table_end(out);
    if (all.count == 0)
        html_note(out, "None of them blocks by the policy.");
    objections_table(p, &all, OBJECTION_ADVISORY, out);
}

/* ── licences ── */

struct licence_row {
    const char *expression; /* borrowed */
    size_t count;
};

static int by_count(const void *a, const void *b)
{
    const struct licence_row *x = a, *y = b;
    return x->count == y->count ? strcmp(x->expression, y->expression) : x->count < y->count ? 1 : -1;
}

static size_t tally(const json_t *inventory, struct licence_row *rows)
{
    const json_t *component;
    size_t i, count = 0;
    json_array_foreach(json_object_get(inventory, "components"), i, component)
    {
        enum licence_class class;
        const char *expression;
        size_t k = 0;
        if (!licence_of_component(component, &class, &expression))
            continue;
        while (k < count && strcmp(rows[k].expression, expression) != 0)
            k++;
        if (k == count)
            rows[count++] = (struct licence_row){.expression = expression};
        rows[k].count++;
    }
    qsort(rows, count, sizeof *rows, by_count);
    return count;
}

void html_licences(const struct passport *p, struct buf *out)
{
    const struct evidence_line *line = evidence_newest_ours(&p->ev, PREDICATE_CYCLONEDX, NULL);
    auto_objections all = {0};
    buf_add_str(out, "<h3>Licences</h3>\n");
    if (!line) {
        html_note(out, "No inventory of this contour says which there are.");
        return;
    }
    struct licence_row *rows =
        calloc(json_array_size(json_object_get(line->predicate, "components")) + 1, sizeof *rows);
    if (!rows)
        abort();
    size_t count = tally(line->predicate, rows);
    if (count)
        html_table(out, "dense", (const char *const[]){"Licence", "Models and packages", NULL});
    for (size_t i = 0; i < count && i < PAGE_ROWS_MAX; i++) {
        buf_add_str(out, "<tr>");
        html_cell(out, "name", "%s", rows[i].expression[0] ? rows[i].expression : "not known");
        html_cell(out, "number", "%zu", rows[i].count);
        buf_add_str(out, "</tr>\n");
    }
    if (count)
        html_table_end(out);
    else
        html_note(out, "No model and no package was found.");
    left_out(count, out);
    free(rows);
    objections_of_licences(line->predicate, &p->policy, &all);
    objections_table(p, &all, OBJECTION_LICENCE, out);
}

/* ── waivers: each statement, and what it comes to ── */

static const char *standing_of(const struct passport *p, const struct evidence_line *line, char *text, size_t size)
{
    int64_t from_s = 0, until_s = 0;
    struct err ignored = {0};
    if (strcmp(line->result, "WAIVE") != 0)
        return "withdrawn";
    if (line->withdrawn_s)
        return "its person was withdrawn";
    if (json_need_time(line->predicate, "notBefore", "", &from_s, &ignored) < 0 ||
        json_need_time(line->predicate, "notAfter", "", &until_s, &ignored) < 0)
        return "without times";
    if (p->now_s > until_s)
        return "has ended";
    if (p->now_s < from_s)
        return "has not begun";
    snprintf(text, size, "%lld days left", (long long)(until_s - p->now_s) / 86400);
    return text;
}

static void waiver_row(const struct passport *p, const struct evidence_line *line, struct buf *out)
{
    const json_t *x = line->predicate, *finding = json_object_get(x, "finding");
    char text[64];
    buf_add_str(out, "<tr>");
    html_cell(out, "name", "%s", text_of(finding, "id"));
    html_cell(out, "name", "%s", json_get_string(finding, "purl", text_of(finding, "path")));
    html_cell(out, "", "%s (%s)", passport_who(line), text_of(x, "role"));
    html_cell(out, "", "%s", line->environment[0] ? line->environment : "each");
    html_cell(out, "time", "%s", json_get_string(x, "notAfter", ""));
    html_cell(out, "", "%s", standing_of(p, line, text, sizeof text));
    html_cell(out, "", "%s", text_of(x, "compensation"));
    html_cell(out, "", "%s", text_of(x, "ticket"));
    buf_add_str(out, "</tr>\n");
}

void html_waivers(const struct passport *p, struct buf *out)
{
    size_t count = 0;
    html_section(out, "Waivers");
    for (size_t i = 0; i < p->ev.count; i++) {
        const struct evidence_line *line = &p->ev.lines[i];
        if (!line->predicate || line->signer != SIGNER_PERSON || strcmp(line->type, PREDICATE_WAIVER) != 0)
            continue;
        if (count++ == 0)
            html_table(out, "dense",
                       (const char *const[]){"Finding", "Where", "By", "For", "Until", "Stands", "In its place",
                                             "Ticket", NULL});
        waiver_row(p, line, out);
    }
    if (count)
        html_table_end(out);
    html_note(out, count ? "One counts while two people's statements overlap, one of them a security officer's."
                         : "Nobody let anything pass.");
}

/* ── provenance ── */

void html_provenance(const struct passport *p, struct buf *out)
{
    const struct evidence_line *line = NULL;
    for (size_t i = 0; i < p->ev.count; i++)
        if (p->ev.lines[i].predicate && p->ev.lines[i].signer == SIGNER_STATION &&
            strcmp(p->ev.lines[i].type, PREDICATE_PROVENANCE) == 0)
            line = &p->ev.lines[i];
    html_section(out, "How it was made");
    if (!line) {
        html_note(out, "No provenance that a trusted station signed came with it.");
        return;
    }
    const json_t *definition = json_object_get(line->predicate, "buildDefinition");
    const json_t *details = json_object_get(line->predicate, "runDetails"),
                 *when = json_object_get(details, "metadata");
    html_fields(out);
    html_field(out, "Built by", "name", "%s", text_of(json_object_get(details, "builder"), "id"));
    html_field(out, "Kind of build", "name", "%s", text_of(definition, "buildType"));
    html_field(out, "Inputs", "", "%zu, each with its digest",
               json_array_size(json_object_get(definition, "resolvedDependencies")));
    if (text_of(when, "startedOn")[0])
        html_field(out, "When", "", "%s", text_of(when, "startedOn"));
    html_field(out, "Attestation", "digest", "%s", digest_text(&line->id).text);
    html_table_end(out);
}

/* ── decisions ── */

static bool is_newest(const struct evidence *ev, size_t at)
{
    const struct evidence_line *line = &ev->lines[at];
    for (size_t i = at + 1; i < ev->count; i++)
        if (ev->lines[i].predicate && strcmp(ev->lines[i].type, PREDICATE_VSA) == 0 &&
            strcmp(passport_gate(&ev->lines[i]), passport_gate(line)) == 0 &&
            strcmp(ev->lines[i].environment, line->environment) == 0)
            return false;
    return true;
}

void html_decisions(const struct passport *p, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < p->ev.count; i++) {
        const struct evidence_line *line = &p->ev.lines[i];
        if (!line->predicate || strcmp(line->type, PREDICATE_VSA) != 0 || !is_newest(&p->ev, i))
            continue;
        if (count++ == 0)
            html_table(out, "dense", (const char *const[]){"Gate", "For", "Newest decision", "When", "Policy", NULL});
        const json_t *policy = json_object_get(json_object_get(line->predicate, "policy"), "digest");
        buf_add_str(out, "<tr>");
        html_cell(out, "", "%s", passport_gate(line));
        html_cell(out, "", "%s", line->environment);
        html_cell(out, strcmp(line->result, "PASSED") == 0 ? "yes" : "no", "%s", line->result);
        html_cell(out, "time", "%s", time_text(line->time_s).text);
        html_cell(out, "digest", "sha256:%s", json_get_string(policy, "sha256", "?"));
        buf_add_str(out, "</tr>\n");
    }
    if (count)
        html_table_end(out);
}
