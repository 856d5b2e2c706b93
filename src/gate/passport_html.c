/* The passport as a page to print, sign and file. It tells what the other forms tell, in the same order, and ends with
 * two signature lines. Hard rule: words that we did not write come in through util/html.h only; nothing here refers to
 * anything outside the page, and the page forbids itself scripts and requests besides. */
#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "ship/release.h"
#include "ship/shipment.h"
#include "util/clock.h"
#include "util/html.h"

#define SIGNING_HANDS 2 /* four eyes */

/* The page is for paper first: A4, black on white, ink only where it says something. */
static const char STYLE[] =
    "@page{size:A4;margin:16mm 15mm 18mm}\n"
    "*{box-sizing:border-box}\n"
    "body{font:10pt/1.4 \"Liberation Sans\",Arial,Helvetica,sans-serif;color:#111;background:#fff;max-width:180mm;"
    "margin:8mm auto;padding:0 4mm}\n"
    "header p.kind{margin:0;font-size:9pt;letter-spacing:.08em;text-transform:uppercase;color:#555}\n"
    "h1{font-size:21pt;line-height:1.15;margin:0 0 2mm;overflow-wrap:anywhere}\n"
    "h2{font-size:12.5pt;margin:8mm 0 2mm;padding-bottom:1mm;border-bottom:.4mm solid #111}\n"
    "h3{font-size:10pt;margin:5mm 0 1mm}\n"
    "p{margin:1mm 0}\n"
    "table{width:100%;border-collapse:collapse;margin:1mm 0 2mm}\n"
    "th,td{padding:1mm 2mm 1mm 0;text-align:left;vertical-align:top;border-bottom:.1mm solid #bbb;"
    "overflow-wrap:anywhere}\n"
    "td{min-width:15mm}\n"
    "thead th{font-size:8.5pt;color:#555;border-bottom:.2mm solid #555;white-space:nowrap}\n"
    "table.fields th{width:34mm;font-weight:normal;color:#555}\n"
    "td.digest,td.command,td.name{font-family:\"Liberation Mono\",\"Courier New\",monospace;font-size:8.5pt}\n"
    "td.digest{font-size:7.5pt;word-break:break-all}\n"
    "td.time{white-space:nowrap;font-size:8.5pt}\n"
    "td.number{min-width:0;white-space:nowrap}\n"
    "td.yes{font-weight:bold;color:#0a5c2b}\n"
    "td.no{font-weight:bold;color:#a40000}\n"
    "p.note{color:#555}\n"
    ".type{display:block;font-size:7.5pt;color:#555}\n"
    "table.dense{font-size:8.5pt}\n"
    ".verdict{margin:5mm 0;padding:3mm 5mm;border:1mm solid #555;break-inside:avoid}\n"
    ".verdict strong{display:block;font-size:22pt;line-height:1.2}\n"
    ".passed{border-color:#0a5c2b}.passed strong{color:#0a5c2b}\n"
    ".failed{border-color:#a40000}.failed strong{color:#a40000}\n"
    ".verdict ul{margin:2mm 0 0;padding-left:5mm;color:#a40000;font-weight:bold}\n"
    ".verdict table{margin-bottom:0}.verdict tr:last-child>*{border-bottom:0}\n"
    ".hands{display:flex;gap:10mm;margin-top:4mm;break-inside:avoid}.hands div{flex:1}\n"
    ".hands p{margin:0;padding-top:13mm;border-bottom:.2mm solid #111;color:#555;font-size:8.5pt}\n"
    "footer{margin-top:8mm;font-size:8pt;color:#555}\n"
    "@media print{body{margin:0;padding:0;max-width:none;-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "tr{break-inside:avoid}thead{display:table-header-group}h2,h3{break-after:avoid}}\n";

/* ── parts ── */

void html_section(struct buf *out, const char *title)
{
    buf_printf(out, "<h2>%s</h2>\n", title);
}

void html_table(struct buf *out, const char *class, const char *const columns[])
{
    buf_printf(out, "<table class=\"%s\">\n<thead><tr>", class);
    for (size_t i = 0; columns[i]; i++)
        buf_printf(out, "<th scope=\"col\">%s</th>", columns[i]);
    buf_add_str(out, "</tr></thead>\n<tbody>\n");
}

void html_fields(struct buf *out)
{
    buf_add_str(out, "<table class=\"fields\">\n<tbody>\n");
}

void html_table_end(struct buf *out)
{
    buf_add_str(out, "</tbody>\n</table>\n");
}

static void cell(struct buf *out, const char *class, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void cell(struct buf *out, const char *class, const char *format, va_list args)
{
    buf_printf(out, "<td class=\"%s\">", class);
    html_vprintf(out, format, args);
    buf_add_str(out, "</td>");
}

void html_cell(struct buf *out, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cell(out, class, format, args);
    va_end(args);
}

void html_field(struct buf *out, const char *name, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_printf(out, "<tr><th scope=\"row\">%s</th>", name);
    cell(out, class, format, args);
    buf_add_str(out, "</tr>\n");
    va_end(args);
}

void html_note(struct buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_add_str(out, "<p class=\"note\">");
    html_vprintf(out, format, args);
    buf_add_str(out, "</p>\n");
    va_end(args);
}

/* ── head and verdict ── */

static void page_head(const struct site *s, const struct release *r, struct buf *out)
{
    buf_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                     "'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    html_printf(out, "%s:%s, passport", r->name, r->version);
    buf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n", STYLE);
    buf_add_str(out, "<p class=\"kind\">Passport of a release</p>\n<h1>");
    html_printf(out, "%s:%s", r->name, r->version);
    buf_add_str(out, "</h1>\n");
    html_fields(out);
    html_field(out, "Digest", "digest", "%s", digest_text(&r->digest).text);
    html_field(out, "Contour", "", "%s (%s)", s->config.name, s->config.id);
    html_field(out, "Printed", "", "%s", time_text(s->now_s).text);
    html_table_end(out);
    buf_add_str(out, "</header>\n");
}

/* What takes the verdict's ground away, so that no paper says PASSED where a gate would say no. */
struct cracks {
    size_t unverified, gone;
};

static struct cracks cracks_of(const struct passport *p)
{
    size_t i;
    json_t *item;
    struct digest id;
    struct cracks found = {.gone = p->ev.missing};
    for (i = 0; i < p->ev.count; i++)
        found.unverified += !p->ev.lines[i].predicate;
    if (!p->closing || found.gone > 0)
        return found;
    json_array_foreach(json_object_get(p->closing->predicate, "inputAttestations"), i, item)
    {
        const char *hex = json_get_string(json_object_get(item, "digest"), "sha256", "");
        found.gone += !digest_from_hex(span_str(hex), &id) || !evidence_find(&p->ev, &id);
    }
    return found;
}

static void warning(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warning(struct buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_add_str(out, "<li>");
    html_vprintf(out, format, args);
    buf_add_str(out, "</li>\n");
    va_end(args);
}

static void warnings(const struct passport *p, const struct cracks *cracks, struct buf *out)
{
    auto_buf list = BUF(out->max);
    if (cracks->unverified > 0)
        warning(&list, "%zu attestations do not verify: see the list of all attestations.", cracks->unverified);
    if (cracks->gone > 0)
        warning(&list, "%zu attestations are gone: airlock fsck looks at everything.", cracks->gone);
    for (size_t i = 0; i < p->ev.count; i++) {
        const struct evidence_line *line = &p->ev.lines[i];
        if (passport_after(p->closing, line) && passport_against(line))
            warning(&list, "Since then: %s by %s: %s (%s).", passport_words(line->type), passport_who(line),
                    line->result, time_text(line->time_s).text);
    }
    if (list.len > 0 || !buf_ok(&list))
        buf_printf(out, "<ul>\n%s</ul>\n", buf_str(&list));
    out->failed = out->failed || !buf_ok(&list);
}

static void verdict_fields(const struct evidence_line *closing, struct buf *out)
{
    const json_t *policy = json_object_get(json_object_get(closing->predicate, "policy"), "digest");
    html_fields(out);
    html_field(out, "Decided by", "", "gate %s, for %s, %s, over %zu attestations", passport_gate(closing),
               closing->environment, time_text(closing->time_s).text,
               json_array_size(json_object_get(closing->predicate, "inputAttestations")));
    html_field(out, "Verdict", "digest", "%s", digest_text(&closing->id).text);
    html_field(out, "Policy", "digest", "sha256:%s", json_get_string(policy, "sha256", "?"));
    html_table_end(out);
}

static void verdict_box(const struct passport *p, struct buf *out)
{
    const struct cracks cracks = cracks_of(p);
    bool holds = cracks.unverified == 0 && cracks.gone == 0;
    bool passed = holds && p->closing && strcmp(p->closing->result, "PASSED") == 0;
    buf_printf(out, "<section class=\"verdict %s\">\n<strong>", passed ? "passed" : "failed");
    html_printf(out, "%s", !p->closing ? "NOT JUDGED" : holds ? p->closing->result : "DOES NOT HOLD");
    buf_add_str(out, "</strong>\n");
    if (p->closing)
        verdict_fields(p->closing, out);
    else
        html_note(out, "No gate has judged this release.");
    if (p->closing && strcmp(p->closing->environment, ENVIRONMENT_PROD) != 0)
        html_note(out, "Not judged for %s: this verdict lets the release in, and no further.", ENVIRONMENT_PROD);
    warnings(p, &cracks, out);
    buf_add_str(out, "</section>\n");
}

/* ── sections ── */

static void section_what(const struct passport *p, struct buf *out)
{
    const struct release *r = p->release;
    auto_buf command = BUF(1U << 20);
    char packages[160];
    for (size_t i = 0; i < r->command_count; i++)
        buf_printf(&command, "%s%s", i ? " " : "", r->command[i]);
    html_section(out, "What it is");
    html_fields(out);
    if (r->description[0])
        html_field(out, "Description", "", "%s", r->description);
    html_field(out, "Owner", "", "%s", r->owner);
    html_field(out, "Model", "", "%s", r->model_name);
    html_field(out, "Model file", "name", "%s, %llu bytes", r->model.name, (unsigned long long)r->model.size);
    html_field(out, "Model digest", "digest", "%s", digest_text(&r->model.digest).text);
    html_field(out, "Licence", "", "%s", r->licence);
    html_field(out, "Engine", "digest", "%s", digest_text(&r->engine.manifest).text);
    html_field(out, "Command", "command", "%s", buf_str(&command));
    html_field(out, "Prompts", "digest", "%s", digest_text(&r->prompts.digest).text);
    html_field(out, "Suite", "digest", "%s", digest_text(&r->suite.digest).text);
    packages_say(&p->packages, packages, sizeof packages);
    html_field(out, "Packages", "", "%s", packages);
    if (r->packages.there)
        html_field(out, "Packages document", "digest", "%s", digest_text(&r->packages.config).text);
    html_table_end(out);
}

static void section_origin(const struct evidence_line *receipt, struct buf *out)
{
    html_section(out, "Where it came from");
    if (!receipt) {
        html_note(out, "No receipt of this contour says where it came from.");
        return;
    }
    const json_t *station = json_object_get(receipt->predicate, "station");
    html_fields(out);
    html_field(out, "Station", "", "%s", json_get_string(station, "name", "?"));
    html_field(out, "Root of its trust", "digest", "%s", json_get_string(station, "root", "?"));
    const json_t *pushed = json_object_get(receipt->predicate, "pushed");
    if (pushed) {
        html_field(out, "Pushed", "", "by %s into %s", json_get_string(pushed, "person", "?"),
                   json_get_string(pushed, "repository", "?"));
    } else {
        html_field(out, "Shipment", "", "number %lld of that station, shipment:%lld here",
                   (long long)json_integer_value(json_object_get(receipt->predicate, "sequence")),
                   (long long)json_integer_value(json_object_get(receipt->predicate, "shipment")));
        html_field(out, "Issued", "", "%s, valid until %s", json_get_string(receipt->predicate, "issued", "?"),
                   json_get_string(receipt->predicate, "expires", "?"));
    }
    html_field(out, "Received", "", "%s", time_text(receipt->time_s).text);
    html_field(out, "Receipt", "digest", "%s", digest_text(&receipt->id).text);
    html_table_end(out);
}

static bool is_of_type(const struct evidence_line *line, const char *type)
{
    return line->predicate && strcmp(line->type, type) == 0;
}

static void person_row(const struct evidence_line *line, struct buf *out)
{
    buf_add_str(out, "<tr>");
    html_cell(out, "", "%s", passport_who(line));
    html_cell(out, "", "%s", json_get_string(line->predicate, "role", ""));
    html_cell(out, passport_against(line) ? "no" : "", "%s%s%s", passport_words(line->type),
              line->result[0] ? ": " : "", line->result);
    html_cell(out, "", "%s", line->environment);
    html_cell(out, "time", "%s", time_text(line->time_s).text);
    html_cell(out, "time", "%s", json_get_string(line->predicate, "notAfter", ""));
    char detail[320];
    line_detail(line, detail, sizeof detail);
    html_cell(out, "", "%s", detail[0] ? detail : json_get_string(line->predicate, "reason", ""));
    buf_add_str(out, "</tr>\n");
}

static void section_people(const struct evidence *ev, struct buf *out)
{
    html_section(out, "Who asked, and who approved");
    html_table(out, "dense", (const char *const[]){"Who", "Role", "What", "For", "When", "Until", "Reason", NULL});
    for (size_t i = 0; i < ev->count; i++)
        if (ev->lines[i].predicate && evidence_is_of_person(ev->lines[i].type) &&
            strcmp(ev->lines[i].type, PREDICATE_WAIVER) != 0) /* which has a section of its own */
            person_row(&ev->lines[i], out);
    html_table_end(out);
}

static void section_reasons(const struct passport *p, struct buf *out)
{
    const struct evidence_line *closing = p->closing;
    size_t i;
    json_t *reason;
    html_section(out, "What was decided, and why");
    html_decisions(p, out);
    if (!closing) {
        html_note(out, "No gate has judged this release.");
        return;
    }
    html_table(out, "", (const char *const[]){"Rule", "Holds", "Why", NULL});
    json_array_foreach(json_object_get(json_object_get(closing->predicate, VERDICT_MEMBER), "reasons"), i, reason)
    {
        bool ok = json_is_true(json_object_get(reason, "ok"));
        buf_add_str(out, "<tr>");
        html_cell(out, "name", "%s", json_get_string(reason, "rule", "?"));
        html_cell(out, ok ? "yes" : "no", "%s", ok ? "yes" : "NO");
        html_cell(out, "", "%s", json_get_string(reason, "text", ""));
        buf_add_str(out, "</tr>\n");
    }
    html_table_end(out);
}

static void section_history(const struct evidence *ev, struct buf *out)
{
    html_section(out, "Where it has stood");
    html_table(out, "", (const char *const[]){"When", "Environment", "What", "By", "Stood there before", NULL});
    for (size_t i = 0; i < ev->count; i++) {
        const struct evidence_line *line = &ev->lines[i];
        if (!is_of_type(line, PREDICATE_PROMOTION))
            continue;
        buf_add_str(out, "<tr>");
        html_cell(out, "time", "%s", time_text(line->time_s).text);
        html_cell(out, "", "%s", line->environment);
        html_cell(out, "", "%s", json_get_string(line->predicate, "action", ""));
        html_cell(out, "", "%s", json_get_string(line->predicate, "actor", ""));
        html_cell(out, "digest", "%s", json_get_string(line->predicate, "before", "nothing"));
        buf_add_str(out, "</tr>\n");
    }
    html_table_end(out);
}

static const char *covered(const struct evidence_line *closing, const struct evidence_line *line)
{
    if (!closing)
        return "no verdict";
    return line == closing ? "the verdict" : passport_lists(closing, &line->id) ? "listed" : "not listed";
}

static void attestation_row(const struct passport *p, size_t number, struct buf *out)
{
    const struct evidence_line *line = &p->ev.lines[number];
    const char *gate = passport_gate(line);
    bool bad = !line->predicate || passport_against(line);
    buf_add_str(out, "<tr>");
    html_cell(out, "number", "%zu", number + 1);
    html_cell(out, "time", "%s", time_text(line->time_s).text);
    buf_printf(out, "<td class=\"%s\">", bad ? "no" : "");
    if (line->predicate)
        html_printf(out, "%s%s%s%s%s%s%s", passport_words(line->type), gate[0] ? " of gate " : "", gate,
                    line->environment[0] ? " for " : "", line->environment, line->result[0] ? ": " : "", line->result);
    else
        html_printf(out, "DOES NOT VERIFY: %s", line->problem);
    buf_add_str(out, "<span class=\"type\">");
    html_printf(out, "%s", line->predicate ? line->type : line->row_type);
    buf_add_str(out, "</span></td>");
    html_cell(out, "digest", "%s", digest_text(&line->id).text);
    html_cell(out, "", "%s", passport_who(line));
    html_cell(out, "", "%s", covered(p->closing, line));
    buf_add_str(out, "</tr>\n");
}

static void section_attestations(const struct passport *p, struct buf *out)
{
    html_section(out, "Every attestation");
    html_table(out, "dense", (const char *const[]){"No.", "When", "What", "Digest", "Signed by", "Verdict", NULL});
    for (size_t i = 0; i < p->ev.count; i++)
        attestation_row(p, i, out);
    html_table_end(out);
}

static void section_hands(const struct release *r, struct buf *out)
{
    html_section(out, "Signatures");
    html_note(out, "Read and filed by two people.");
    buf_add_str(out, "<div class=\"hands\">\n");
    for (int i = 0; i < SIGNING_HANDS; i++)
        buf_add_str(out, "<div><p>Name, role</p><p>Place, date</p><p>Signature</p></div>\n");
    buf_add_str(out, "</div>\n<footer>");
    html_printf(
        out,
        "This page is for people and proves nothing by itself. The proof: airlock passport %s:%s --lines prints "
        "the signed attestations, and airlock passport verify checks them with public keys alone.",
        r->name, r->version);
    buf_add_str(out, "</footer>\n</body>\n</html>\n");
}

int passport_html(struct site *s, const struct release *r, struct buf *out, struct err *e)
{
    auto_passport p = {0};
    if (passport_gather(s, r, &p, e) < 0)
        return -1;
    page_head(s, r, out);
    verdict_box(&p, out);
    section_what(&p, out);
    section_origin(p.receipt, out);
    html_provenance(&p, out);
    html_found(&p, out);
    html_waivers(&p, out);
    section_people(&p.ev, out);
    section_reasons(&p, out);
    section_history(&p.ev, out);
    section_attestations(&p, out);
    section_hands(r, out);
    return buf_check(out, "passport", e);
}
