#include "parse/report.h"

#include <stdio.h>
#include <string.h>

static const char *const VERDICTS[] = {
    [VERDICT_CLEAN] = "clean",           [VERDICT_OPAQUE] = "opaque",       [VERDICT_NOT_SCANNED] = "not-scanned",
    [VERDICT_SUSPICIOUS] = "suspicious", [VERDICT_MALICIOUS] = "malicious",
};

const char *verdict_name(enum verdict verdict)
{
    return VERDICTS[verdict];
}

bool verdict_from_name(const char *name, enum verdict *out)
{
    for (size_t i = 0; name && i < ARRAY_LEN(VERDICTS); i++) {
        if (strcmp(name, VERDICTS[i]) == 0) {
            *out = (enum verdict)i;
            return true;
        }
    }
    return false;
}

bool verdict_blocks(enum verdict verdict)
{
    return verdict > VERDICT_OPAQUE;
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {
        [SEVERITY_INFO] = "info", [SEVERITY_LOW] = "low",           [SEVERITY_MEDIUM] = "medium",
        [SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical",
    };
    return names[severity];
}

void report_init(struct report *r, const char *format)
{
    *r = (struct report){.format = format, .verdict = VERDICT_CLEAN};
    buf_init(&r->findings_json, (size_t)REPORT_FINDINGS_MAX * 4 * REPORT_FINDING_BYTES);
    buf_init(&r->facts_json, REPORT_FACTS_BYTES);
    json_out_init(&r->findings_out, &r->findings_json);
    json_out_init(&r->facts, &r->facts_json);
    json_out_array(&r->findings_out);
    json_out_object(&r->facts);
}

void report_fini(struct report *r)
{
    buf_fini(&r->findings_json);
    buf_fini(&r->facts_json);
}

void report_raise(struct report *r, enum verdict verdict)
{
    if (verdict > r->verdict)
        r->verdict = verdict;
}

/* "outer: inner"; what does not fit is cut. */
static void join(char *to, size_t size, const char *outer, const char *inner)
{
    auto_buf text = BUF(16384);
    buf_add_str(&text, outer);
    if (outer[0] && inner[0])
        buf_add_str(&text, ": ");
    buf_add_str(&text, inner);
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(to, text.ptr, len);
    to[len] = '\0';
}

void report_init_inside(struct report *inner, const struct report *outer, const char *place)
{
    report_init(inner, "");
    join(inner->place, sizeof(inner->place), outer->place, place);
}

static bool has_room(const struct report *r, bool heavy, bool critical)
{
    return r->written < (critical ? 2 * REPORT_FINDINGS_MAX : heavy ? REPORT_FINDINGS_MAX : REPORT_FINDINGS_MAX / 2);
}

void report_merge(struct report *outer, const struct report *inner)
{
    outer->findings += inner->findings;
    outer->heavy += inner->heavy;
    outer->heavy_cut += inner->heavy_cut;
    outer->unread += inner->unread;
    report_raise(outer, inner->verdict);
    if (inner->written == 0)
        return;
    if (!has_room(outer, inner->heavy > 0, inner->verdict == VERDICT_MALICIOUS)) {
        outer->heavy_cut += inner->heavy - inner->heavy_cut;
        return;
    }
    outer->written += inner->written;
    json_out_raw(&outer->findings_out,
                 span_of(inner->findings_json.ptr + 1, inner->findings_json.len - 1)); /* without its bracket */
}

static void add(struct report *r, enum severity severity, bool unread, const char *rule, const char *at,
                const char *message)
{
    struct json_out *w = &r->findings_out;
    char place[1024];
    bool heavy = severity >= SEVERITY_MEDIUM;
    r->findings++;
    r->heavy += heavy;
    r->unread += unread;
    if (!has_room(r, heavy, severity == SEVERITY_CRITICAL)) {
        r->heavy_cut += heavy;
        return;
    }
    r->written++;
    join(place, sizeof(place), r->place, at);
    json_out_object(w);
    json_put_string(w, "rule", rule);
    json_put_string(w, "severity", severity_name(severity));
    json_put_string(w, "at", place);
    json_put_string(w, "message", message);
    if (unread)
        json_put_bool(w, "not-scanned", true);
    json_out_object_end(w);
}

static enum verdict verdict_of(enum severity severity)
{
    return severity == SEVERITY_CRITICAL ? VERDICT_MALICIOUS
           : severity >= SEVERITY_MEDIUM ? VERDICT_SUSPICIOUS
                                         : VERDICT_CLEAN;
}

/* A finding, after which reading went on (`unread` false) or not. */
static void find(struct report *r, enum severity severity, bool unread, const char *rule, const char *at,
                 const char *format, va_list args)
{
    char message[512];
    vsnprintf(message, sizeof(message), format, args);
    add(r, severity, unread, rule, at, message);
    report_raise(r, verdict_of(severity));
}

int report_finding(struct report *r, enum severity severity, const char *rule, const char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(r, severity, false, rule, at, format, args);
    va_end(args);
    return -1;
}

int report_stop(struct report *r, enum severity severity, const char *rule, const char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(r, severity, true, rule, at, format, args);
    va_end(args);
    return -1;
}

int report_not_scanned(struct report *r, const char *rule, const char *at, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    add(r, SEVERITY_HIGH, true, rule, at, message);
    report_raise(r, VERDICT_NOT_SCANNED);
    return -1;
}

int report_write(struct report *r, struct json_out *w, struct err *e)
{
    if (r->findings > r->written) {
        char text[96];
        snprintf(text, sizeof(text), "%zu more findings are not listed", r->findings - r->written);
        r->written = 0;
        add(r, SEVERITY_INFO, false, r->heavy_cut ? "more-findings" : "more-remarks", "", text);
    }
    json_out_array_end(&r->findings_out);
    json_out_object_end(&r->facts);
    if (buf_check(&r->findings_json, "findings", e) < 0 || buf_check(&r->facts_json, "facts", e) < 0)
        return -1;
    json_put_string(w, "format", r->format);
    json_put_string(w, "verdict", verdict_name(r->verdict));
    json_out_key(w, "findings");
    json_out_raw(w, buf_span(&r->findings_json));
    json_out_key(w, "facts");
    json_out_raw(w, buf_span(&r->facts_json));
    return 0;
}
