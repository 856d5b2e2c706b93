/* A silence test's answer as a predicate and as text for people. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "silence/phrase.h"
#include "silence/silence.h"
#include "util/auto.h"

void silence_phrase(struct buf *out, const struct silence_attempt *a)
{
    char where[128] = "";
    if (a->address[0])
        snprintf(where, sizeof(where), strchr(a->address, ':') ? "[%s]:%u" : "%s:%u", a->address, a->port);
    if (strcmp(a->op, "resolve") == 0)
        buf_printf(out, "asked for the name %s%s%s%s", a->name, a->type[0] ? " (" : "", a->type, a->type[0] ? ")" : "");
    else if (strcmp(a->op, "unseen") == 0)
        buf_add_str(out, "sent packets that no recorder saw and the kernel counted");
    else if (strcmp(a->op, "socket") == 0)
        buf_printf(out, "asked for a socket of the family %s", a->proto);
    else if (strcmp(a->op, "connect") == 0)
        buf_printf(out, "tried to connect to %s %s", a->proto, a->name[0] ? a->name : where);
    else if (strncmp(a->op, "send", 4) == 0)
        buf_printf(out, "tried to send to %s %s (%s)", a->proto, a->name[0] ? a->name : where, a->op);
    else
        buf_printf(out, "called %s", a->op);
}

static void put_attempt(struct json_out *w, const struct silence_attempt *a)
{
    json_out_object(w);
    json_put_string(w, "program", a->program);
    json_put_string(w, "command", a->command);
    json_put_int(w, "pid", a->pid);
    json_put_string(w, "phase", a->phase);
    json_put_string(w, "op", a->op);
    json_put_string(w, "protocol", a->proto);
    json_put_string(w, "name", a->name);
    json_put_string(w, "type", a->type);
    json_put_string(w, "address", a->address);
    json_put_uint(w, "port", a->port);
    json_put_uint(w, "count", a->count);
    json_put_int(w, "firstMs", a->first_ms);
    json_put_int(w, "lastMs", a->last_ms);
    json_out_object_end(w);
}

static void put_recorders(struct json_out *w, const struct silence_result *r)
{
    json_put_array(w, "recorders");
    for (size_t i = 0; i < SILENCE_RECORDERS; i++) {
        json_out_object(w);
        json_put_string(w, "name", r->recorders[i].name);
        json_put_bool(w, "awake", r->recorders[i].awake);
        json_put_string(w, "detail", r->recorders[i].detail);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_end(struct json_out *w, int status)
{
    if (WIFSIGNALED(status))
        json_put_int(w, "signal", WTERMSIG(status));
    else
        json_put_int(w, "exitStatus", WEXITSTATUS(status));
}

void silence_json(struct json_out *w, const struct silence_result *r)
{
    json_put_string(w, "result", silence_verdict_name(r->verdict));
    json_put_string(w, "reason", r->reason);
    json_put_time(w, "started", r->started_s);
    json_put_int(w, "runMs", r->run_ms);
    json_put_string(w, "madeBy", r->as_root ? "root" : "user");
    put_end(w, r->status);
    json_put_string(w, "exercise", r->exercise);
    json_put_array(w, "attempts");
    for (size_t i = 0; i < r->count; i++)
        put_attempt(w, &r->attempts[i]);
    json_out_array_end(w);
    json_put_uint(w, "dropped", r->dropped);
    put_recorders(w, r);
    json_put_object(w, "witness");
    json_put_uint(w, "packets", r->witness);
    json_put_uint(w, "recorded", r->recorded);
    json_out_object_end(w);
}

void silence_predicate(struct buf *out, const struct silence_result *r, const struct silence_subject *subject)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_time(&w, "timeCreated", subject->now_s);
    json_put_string(&w, "environment", subject->environment);
    json_put_digest(&w, "engine", subject->engine);
    hardware_json(&w, subject->hardware);
    silence_json(&w, r);
    json_out_object_end(&w);
}

static void text_attempt(struct buf *out, const struct silence_attempt *a)
{
    buf_printf(out, "  %s", a->program);
    if (a->pid > 0)
        buf_printf(out, " (pid %d)", (int)a->pid);
    buf_add_str(out, " ");
    silence_phrase(out, a);
    if (a->count > 1)
        buf_printf(out, ", %llu times", (unsigned long long)a->count);
    if (a->phase[0])
        buf_printf(out, "; %s, after %lld ms", a->phase, (long long)a->first_ms);
    if (a->command[0] && strcmp(a->command, a->program) != 0)
        buf_printf(out, "\n      %s", a->command);
    buf_add_str(out, "\n");
}

static void text_end(struct buf *out, int status)
{
    if (WIFSIGNALED(status))
        buf_printf(out, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        buf_printf(out, "ended with status %d", WEXITSTATUS(status));
}

void silence_text(struct buf *out, const struct silence_result *r)
{
    buf_printf(out, "silence %s: %s\n", silence_verdict_name(r->verdict), r->reason);
    if (r->count > 0)
        buf_add_str(out, "attempts:\n");
    for (size_t i = 0; i < r->count; i++)
        text_attempt(out, &r->attempts[i]);
    if (r->dropped > 0)
        buf_printf(out, "  and %llu more, of other kinds\n", (unsigned long long)r->dropped);
    buf_add_str(out, "recorders:\n");
    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        buf_printf(out, "  %-15s %-6s %s\n", r->recorders[i].name, r->recorders[i].awake ? "awake" : "ASLEEP",
                   r->recorders[i].detail);
    buf_printf(out, "the program ran %.1f s, made by %s, and ", (double)r->run_ms / 1000.0,
               r->as_root ? "root" : "an ordinary user");
    text_end(out, r->status);
    buf_add_str(out, "\n");
    if (r->exercise[0])
        buf_printf(out, "exercise: %s\n", r->exercise);
}
