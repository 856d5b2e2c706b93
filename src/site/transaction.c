#include "site/site.h"
#include "store/db_ledger.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/log.h"

int site_clock_floor(struct site *s, int64_t *floor_s, struct err *e)
{
    if (db_ledger_last_time(s->db, floor_s, e) < 0)
        return -1;
    auto_buf text = BUF(32);
    struct err absent = {0};
    uint64_t accepted = 0;
    if (db_meta_get(s->db, SITE_META_FLOOR, &text, &absent) < 0) {
        if (absent.code != ERR_NOTFOUND)
            return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    } else if (!span_decimal(buf_span(&text), &accepted)) {
        return err_set(e, ERR_INPUT, 0, "state.db: meta " SITE_META_FLOOR " is no number");
    }
    if ((int64_t)accepted > *floor_s)
        *floor_s = (int64_t)accepted;
    return 0;
}

int site_raise_floor(struct site *s, int64_t time_s, struct err *e)
{
    int64_t floor_s;
    if (site_clock_floor(s, &floor_s, e) < 0)
        return -1;
    if (time_s <= floor_s)
        return 0;
    auto_buf text = BUF(32);
    buf_printf(&text, "%lld", (long long)time_s);
    return db_meta_set(s->db, SITE_META_FLOOR, buf_span(&text), e);
}

int site_clock_check(struct site *s, struct err *e)
{
    int64_t floor_s;
    if (site_clock_floor(s, &floor_s, e) < 0)
        return -1;
    int64_t now_s = clock_now_s();
    if (now_s < floor_s || s->now_s < floor_s - SITE_OPERATION_MAX_S) {
        err_set(e, ERR_DENIED, 0,
                "the clock says %s, but %s has certainly passed (last ledger entry or accepted shipment)",
                time_text(now_s).text, time_text(floor_s).text);
        return err_hint(e, "Set the clock right and try again; nothing was changed");
    }
    s->entry_s = now_s;
    return 0;
}

int site_check_live(const struct site *s, struct err *e)
{
    if (!s->backup)
        return 0;
    err_set(e, ERR_DENIED, 0, "%s is a backup of %s: it is read, never changed", s->path, s->config.name);
    return err_hint(e, "`airlock --home NEW restore %s` makes a %s of it", s->path,
                    s->config.kind == SITE_CONTOUR ? "contour" : "station");
}

int site_begin(struct site *s, struct err *e)
{
    if (site_check_live(s, e) < 0)
        return -1;
    if (db_begin(s->db, e) < 0)
        return -1;
    if (site_clock_check(s, e) == 0)
        return 0;
    db_rollback(s->db);
    return -1;
}

void site_event(struct site *s, struct json_out *w, struct buf *entry, const char *action)
{
    ledger_event(w, entry, s->entry_s, s->actor, action);
}

int site_append(struct site *s, struct json_out *w, uint64_t *seq, struct err *e)
{
    return ledger_append(s->ledger, w, s->entry_s, seq, e);
}

int site_commit(struct site *s, struct json_out *w, uint64_t *seq, struct err *e)
{
    if (w && site_append(s, w, seq, e) < 0)
        return -1;
    if (db_commit(s->db, e) < 0)
        return -1;
    /* The decision stands from here on. Files that lag behind the database are completed by the next command. */
    struct err later = {0};
    if (site_publish(s, &later) < 0)
        log_event(EV_LEDGER_LAGS, "reason", later.msg, NULL);
    return 0;
}

void site_rollback(struct site *s)
{
    db_rollback(s->db);
}

int site_evidence(struct site *s, const char *subject_name, const struct digest *subject, const char *predicate_type,
                  const char *environment, const char *result, struct span predicate, struct digest *id, struct err *e)
{
    const struct private_key *key = site_key(s, e);
    if (!key)
        return -1;
    auto_buf envelope = BUF(LIMIT_MESSAGE_BYTES / 2);
    struct digest line;
    if (statement_sign(subject_name, subject, predicate_type, predicate, key, &envelope, &line, e) < 0)
        return -1;
    struct evidence_row row = {
        .id = line,
        .subject = *subject,
        .predicate_type = predicate_type,
        .environment = environment,
        .result = result,
        .origin = s->config.kind == SITE_CONTOUR ? "contour" : "station",
        .time_s = s->entry_s,
        .envelope = buf_span(&envelope),
    };
    if (id)
        *id = line;
    return db_evidence_add(s->db, &row, e);
}
