#include "cli/status_now.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/policy.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

#define ENGINES_FILE "run/engines.json"

/* ── look ── */

/* What a serve that was killed has left there says nothing about now; so this is asked for only while one runs. */
static void look_at_engines(struct site *s, struct status_now *out)
{
    struct err none = {0};
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    if (file_read(s->dir, ENGINES_FILE, &text, &none) < 0)
        return;
    auto_json j = json_parse(buf_span(&text), LIMIT_JSON_BYTES, ENGINES_FILE, &none);
    if (!j || !json_is_integer(json_object_get(j, "pid")) ||
        (uint64_t)json_integer_value(json_object_get(j, "pid")) != out->serve.pid)
        return;
    out->engines = json_incref(json_object_get(j, "engines"));
}

int status_now_look(struct site *s, struct status_now *out, struct err *e)
{
    struct err why = {0};
    struct policy policy = {0};
    int runs = serve_look(s->dir, &out->serve, e);
    if (runs < 0)
        return -1;
    out->serves = runs;
    if (out->serves)
        look_at_engines(s, out);
    out->disk_reserve = s->config.reserve_bytes;
    if (disk_free(s->dir, &out->disk_free, e) < 0)
        return -1;
    if (policy_load(s, &policy, &why) < 0)
        snprintf(out->policy, sizeof out->policy, "%s", why.msg);
    return 0;
}

void status_now_fini(struct status_now *n)
{
    json_decref(n->engines);
}

/* ── text ── */

void status_now_print_head(const struct status_now *n)
{
    if (!n->serves)
        printf("no serve runs\n");
    else if (n->serve.pid)
        printf("serve: pid %llu on %s, since %s\n", (unsigned long long)n->serve.pid, n->serve.url,
               time_text(n->serve.started_s).text);
    else
        printf("serve: starting or ending, does not listen now\n");
    if (n->disk_free < n->disk_reserve)
        printf("READ-ONLY: the disk has %llu MiB free, and %llu MiB are kept free (intake.reserve); nothing is taken "
               "in, what stands here is served\n",
               (unsigned long long)(n->disk_free >> 20), (unsigned long long)(n->disk_reserve >> 20));
    if (n->policy[0])
        printf("POLICY NOT IN FORCE, so no gate passes: %s\n", n->policy);
}

/* A promotion puts a release on top of what stood there, a rollback takes one off. */
static int count_step(void *arg, const struct pointer_row *row)
{
    *(int64_t *)arg += strcmp(row->action, "rollback") == 0 ? -1 : 1;
    return 0;
}

static bool has_before(const struct site *s, const char *environment, const char *name)
{
    int64_t depth = 0;
    struct err none = {0};
    return db_pointer_history(s->db, environment, name, count_step, &depth, &none) == 0 && depth > 1;
}

/* What starting the one that runs took is the best guess at what starting the one before it will take. */
static void print_way_back(const struct site *s, const json_t *engine)
{
    const json_t *standby = json_object_get(engine, "standby");
    int64_t start_ms = json_integer_value(json_object_get(engine, "verify_ms")) +
                       json_integer_value(json_object_get(engine, "cold_start_ms"));
    if (strcmp(json_get_string(engine, "state", ""), "running") != 0 ||
        !has_before(s, json_get_string(engine, "environment", ""), json_get_string(engine, "name", "")))
        return;
    if (standby)
        printf("           a rollback would switch at once (%s is loaded as standby)\n",
               json_get_string(standby, "version", "?"));
    else
        printf("           a rollback would take about %lld s (no standby is loaded)\n",
               (long long)(start_ms + 999) / 1000);
}

void status_now_print(const struct site *s, const struct status_now *n)
{
    size_t i;
    json_t *engine;
    if (!n->serves)
        return;
    printf("\nEngines%s\n", json_array_size(n->engines) ? "" : "\n  none");
    json_array_foreach(n->engines, i, engine)
    {
        const char *error = json_get_string(engine, "error", "");
        printf("  %-8s %-24s %-10s %s", json_get_string(engine, "environment", "?"),
               json_get_string(engine, "name", "?"), json_get_string(engine, "version", ""),
               json_get_string(engine, "state", "?"));
        if (json_object_get(engine, "cold_start_ms"))
            printf(", started in %.1f s", (double)json_integer_value(json_object_get(engine, "cold_start_ms")) / 1000);
        printf("%s%s\n", error[0] ? ": " : "", error);
        print_way_back(s, engine);
    }
}

/* ── JSON ── */

static void put_serve(struct json_out *j, const struct status_now *n)
{
    if (!n->serves) {
        json_out_key(j, "serve");
        json_out_raw(j, SPAN_LIT("null"));
        return;
    }
    json_put_object(j, "serve");
    json_put_bool(j, "listens", n->serve.pid != 0);
    if (n->serve.pid) {
        json_put_uint(j, "pid", n->serve.pid);
        json_put_string(j, "address", n->serve.address);
        json_put_uint(j, "port", n->serve.port);
        json_put_string(j, "url", n->serve.url);
        json_put_time(j, "started", n->serve.started_s);
    }
    json_out_object_end(j);
}

void status_now_put(struct json_out *j, const struct status_now *n)
{
    put_serve(j, n);
    json_put_object(j, "disk");
    json_put_uint(j, "free_bytes", n->disk_free);
    json_put_uint(j, "reserve_bytes", n->disk_reserve);
    json_put_bool(j, "read_only", n->disk_free < n->disk_reserve);
    json_out_object_end(j);
    json_put_object(j, "policy");
    json_put_bool(j, "in_force", !n->policy[0]);
    json_put_string(j, "error", n->policy);
    json_out_object_end(j);
    char *engines = json_dumps(n->engines, JSON_COMPACT);
    json_out_key(j, "engines");
    json_out_raw(j, span_str(engines ? engines : "[]"));
    free(engines);
}
