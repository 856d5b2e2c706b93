/* SARIF 2.1.0 (OASIS), as code-scanning dashboards read it: a result per attempt, a notification per recorder asleep.
 */
#include <stdio.h>
#include <string.h>

#include "silence/phrase.h"
#include "silence/silence.h"
#include "util/auto.h"
#include "version.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const struct {
    const char *id, *text;
} RULES[] = {
    {"silence/name", "The program asked for a name outside the box."},
    {"silence/address", "The program tried to reach an address outside the box."},
    {"silence/host", "The program tried to reach a service of the host, or to leave the box by other means."},
};

static size_t rule_of(const struct silence_attempt *a)
{
    if (strcmp(a->op, "resolve") == 0)
        return 0;
    return a->address[0] || strcmp(a->op, "unseen") == 0 ? 1 : 2;
}

static void put_text(struct json_out *w, const char *key, const char *text)
{
    json_put_object(w, key);
    json_put_string(w, "text", text);
    json_out_object_end(w);
}

static void put_tool(struct json_out *w)
{
    json_put_object(w, "tool");
    json_put_object(w, "driver");
    json_put_string(w, "name", "airlock silence");
    json_put_string(w, "version", AIRLOCK_VERSION);
    json_put_array(w, "rules");
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        json_out_object(w);
        json_put_string(w, "id", RULES[i].id);
        put_text(w, "shortDescription", RULES[i].text);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_out_object_end(w);
    json_out_object_end(w);
}

/* RFC 3986, section 2.1: what is not unreserved is percent-encoded. No leading slash: the uri is relative to a base. */
static void add_uri(struct buf *out, const char *path)
{
    while (*path == '/')
        path++;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c))
            buf_add_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void put_location(struct json_out *w, const char *program)
{
    auto_buf uri = BUF(1024);
    add_uri(&uri, program);
    json_put_array(w, "locations");
    json_out_object(w);
    json_put_object(w, "physicalLocation");
    json_put_object(w, "artifactLocation");
    json_put_string(w, "uri", buf_str(&uri));
    json_put_string(w, "uriBaseId", "BOXROOT");
    json_out_object_end(w);
    json_out_object_end(w);
    json_out_object_end(w);
    json_out_array_end(w);
}

static void put_result(struct json_out *w, const struct silence_attempt *a)
{
    auto_buf text = BUF(2048);
    buf_printf(&text, "%s ", a->program);
    silence_phrase(&text, a);
    buf_printf(&text, ", %llu time%s", (unsigned long long)a->count, a->count == 1 ? "" : "s");
    json_out_object(w);
    json_put_string(w, "ruleId", RULES[rule_of(a)].id);
    json_put_uint(w, "ruleIndex", rule_of(a));
    json_put_string(w, "level", "error");
    put_text(w, "message", buf_str(&text));
    put_location(w, a->program);
    json_put_object(w, "properties");
    json_put_string(w, "phase", a->phase);
    json_put_string(w, "command", a->command);
    json_put_int(w, "pid", a->pid);
    json_put_string(w, "name", a->name);
    json_put_string(w, "address", a->address);
    json_put_uint(w, "port", a->port);
    json_out_object_end(w);
    json_out_object_end(w);
}

static void put_invocation(struct json_out *w, const struct silence_result *r)
{
    json_put_array(w, "invocations");
    json_out_object(w);
    json_put_bool(w, "executionSuccessful", r->verdict != SILENCE_INCONCLUSIVE);
    json_put_array(w, "toolExecutionNotifications");
    for (size_t i = 0; i < SILENCE_RECORDERS; i++) {
        if (r->recorders[i].awake)
            continue;
        auto_buf text = BUF(512);
        buf_printf(&text, "recorder %s cannot be relied on: %s", r->recorders[i].name, r->recorders[i].detail);
        json_out_object(w);
        json_put_string(w, "level", "error");
        put_text(w, "message", buf_str(&text));
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_out_object_end(w);
    json_out_array_end(w);
}

void silence_sarif(struct buf *out, const struct silence_result *r, const char *what)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "$schema", SARIF_SCHEMA);
    json_put_string(&w, "version", "2.1.0");
    json_put_array(&w, "runs");
    json_out_object(&w);
    put_tool(&w);
    put_invocation(&w, r);
    json_put_array(&w, "results");
    for (size_t i = 0; i < r->count; i++)
        put_result(&w, &r->attempts[i]);
    json_out_array_end(&w);
    json_put_object(&w, "properties");
    json_put_string(&w, "what", what);
    json_put_string(&w, "verdict", silence_verdict_name(r->verdict));
    json_put_string(&w, "reason", r->reason);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_out_object_end(&w);
    buf_add_byte(out, '\n');
}
