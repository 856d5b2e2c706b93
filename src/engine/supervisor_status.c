/* What the supervisor says about itself: to callers, and in run/engines.json for `airlock status`. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/supervisor_parts.h"
#include "util/file.h"
#include "util/log.h"

/* A release is kept or loaded beside another when this much more than its model is free. */
#define MEMORY_FACTOR_TENTHS 13

#define STATUS_BYTES (4U << 20)

const char *supervisor_meminfo = "/proc/meminfo";

bool memory_allows(uint64_t model_bytes)
{
    auto_buf text = BUF(65536);
    struct err ignored;
    if (file_read(AT_FDCWD, supervisor_meminfo, &text, &ignored) < 0)
        return true; /* nobody can tell */
    const char *line = strstr(buf_str(&text), "MemAvailable:");
    uint64_t kib = line ? strtoull(line + strlen("MemAvailable:"), NULL, 10) : UINT64_MAX;
    return kib > model_bytes / 1024 / 10 * MEMORY_FACTOR_TENTHS;
}

static void put_loaded(struct json_out *w, const struct loaded *l)
{
    json_put_string(w, "release", l->face.release_digest);
    json_put_string(w, "version", l->face.version);
    json_put_string(w, "engine", engine_id(l->engine));
    json_put_time(w, "loaded", l->face.created_s);
    json_put_int(w, "verify_ms", engine_verify_ms(l->engine));
    json_put_int(w, "cold_start_ms", engine_cold_start_ms(l->engine));
    json_put_string(w, "limits", engine_limits(l->engine));
}

static const char *state_of(const struct slot *s)
{
    if (s->active)
        return digest_equal(&s->active->face.release, &s->wanted) ? "running" : "running-older";
    if (s->starting)
        return "starting";
    return s->retry_ms ? "restarting" : s->error[0] ? "failed" : "starting";
}

static void put_slot(struct json_out *w, const struct slot *s)
{
    json_out_object(w);
    json_put_string(w, "environment", s->env);
    json_put_string(w, "name", s->name);
    json_put_digest(w, "wanted", &s->wanted);
    json_put_string(w, "state", state_of(s));
    json_put_bool(w, "starting", s->starting);
    json_put_time(w, "since", s->since_s);
    json_put_uint(w, "failures", s->failures);
    json_put_string(w, "error", s->error);
    if (s->active)
        put_loaded(w, s->active);
    if (s->standby) {
        json_put_object(w, "standby");
        put_loaded(w, s->standby);
        json_out_object_end(w);
    }
    json_out_object_end(w);
}

void supervisor_json(struct supervisor *v, struct json_out *w)
{
    json_put_array(w, "engines");
    pthread_mutex_lock(&v->lock);
    for (const struct slot *s = v->slots; s; s = s->next)
        put_slot(w, s);
    pthread_mutex_unlock(&v->lock);
    json_out_array_end(w);
}

void supervisor_write_status(struct supervisor *v)
{
    struct json_out w;
    struct err e = {0};
    auto_buf text = BUF(STATUS_BYTES);
    v->dirty = false;
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_string(&w, "schema", ENGINES_SCHEMA);
    json_put_int(&w, "pid", getpid());
    supervisor_json(v, &w);
    json_out_object_end(&w);
    buf_add_byte(&text, '\n');
    if (buf_check(&text, ENGINES_FILE, &e) < 0 || file_write(v->site->dir, ENGINES_FILE, buf_span(&text), 0600, &e) < 0)
        log_event(EV_ENGINE_FAILED, "what", ENGINES_FILE, "reason", e.msg, NULL);
}
