/* What the ledger and the database remember of engines. */
#include <string.h>

#include "engine/engine_parts.h"
#include "util/log.h"

#define META_COLD_START "cold_start/"

static void cold_start_key(const struct digest *release, char *key, size_t size)
{
    snprintf(key, size, META_COLD_START "%s", digest_hex(release).text);
}

static int remember_cold_start(struct engine *g, struct site *s, struct err *e)
{
    char key[DIGEST_HEX_SIZE + 16], value[24];
    cold_start_key(&g->release, key, sizeof key);
    snprintf(value, sizeof value, "%lld", (long long)g->cold_start_ms);
    return db_meta_set(s->db, key, span_str(value), e);
}

int engine_cold_start_known(struct site *s, const struct digest *release, int64_t *ms, struct err *e)
{
    char key[DIGEST_HEX_SIZE + 16];
    auto_buf value = BUF(24);
    uint64_t number;
    cold_start_key(release, key, sizeof key);
    if (db_meta_get(s->db, key, &value, e) < 0)
        return -1;
    if (!span_decimal(buf_span(&value), &number))
        return err_set(e, ERR_INPUT, 0, "state.db: meta %s is no number", key);
    *ms = (int64_t)number;
    return 0;
}

static void begin_entry(struct engine *g, struct site *s, struct json_out *w, struct buf *entry, const char *action)
{
    site_event(s, w, entry, action);
    json_put_string(w, "engine", g->id);
    json_put_string(w, "environment", g->env);
    json_put_string(w, "name", g->name);
    json_put_string(w, "version", g->version);
    json_put_digest(w, "release", &g->release);
}

static int write_start(struct engine *g, struct site *s, const struct verdict *v, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(65536);
    static const struct digest none;
    if (g->ready && remember_cold_start(g, s, e) < 0)
        return -1;
    begin_entry(g, s, &w, &entry, "engine-started");
    if (!digest_equal(&v->id, &none))
        json_put_digest(&w, "verdict", &v->id);
    json_put_bool(&w, "ready", g->ready);
    json_put_bool(&w, "observed", g->silence != NULL);
    json_put_int(&w, "verify_ms", g->verify_ms);
    json_put_int(&w, "cold_start_ms", g->cold_start_ms);
    json_put_string(&w, "limits", g->box->limits);
    return site_commit(s, &w, NULL, e);
}

int engine_record_start(struct engine *g, struct site *s, const struct verdict *v, struct err *e)
{
    if (site_begin(s, e) < 0)
        return -1;
    if (write_start(g, s, v, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

void engine_record_stop(struct engine *g, struct site *s, const char *why)
{
    struct err e = {0};
    struct json_out w;
    auto_buf entry = BUF(65536);
    if (site_begin(s, &e) == 0) {
        begin_entry(g, s, &w, &entry, "engine-stopped");
        json_put_string(&w, "why", why);
        if (site_commit(s, &w, NULL, &e) == 0)
            return;
        site_rollback(s);
    }
    log_event(EV_LEDGER_LAGS, "entry", "engine-stopped", "engine", g->id, "reason", e.msg, NULL);
}
