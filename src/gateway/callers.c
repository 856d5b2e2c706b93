#include "gateway/callers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

#define TOKEN_CHARS_MAX 4096U
#define CACHE_SLOTS     1024U
#define SPARE_DBS       16U

struct cached {
    struct digest token;
    struct identity identity;
    int64_t until_ms; /* 0: empty */
};

struct callers {
    int dir;
    pthread_mutex_t lock;
    struct db *spare[SPARE_DBS];
    size_t spare_count;
    bool has_operator;
    struct digest operator_token;
    struct identity operator_identity;
    struct cached cache[CACHE_SLOTS]; /* a slot is found by the first bytes of the token's digest */
};

struct callers *callers_open(int dir, struct err *e)
{
    struct callers *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->dir = dir;
    pthread_mutex_init(&c->lock, NULL);
    struct db *db = callers_db_take(c, e); /* now, so that a contour that cannot be read is known at once */
    if (!db) {
        callers_close(c);
        return NULL;
    }
    callers_db_give(c, db);
    return c;
}

void callers_close(struct callers *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->spare_count; i++)
        db_close(c->spare[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct db *callers_db_take(struct callers *c, struct err *e)
{
    struct db *db = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->spare_count > 0)
        db = c->spare[--c->spare_count];
    pthread_mutex_unlock(&c->lock);
    return db ? db : db_open(c->dir, e);
}

void callers_db_give(struct callers *c, struct db *db)
{
    pthread_mutex_lock(&c->lock);
    if (db && c->spare_count < SPARE_DBS) {
        c->spare[c->spare_count++] = db;
        db = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    if (db)
        db_close(db);
}

void callers_set_operator(struct callers *c, struct span token, const char *person)
{
    struct identity who = {.role = ROLE_ENGINEER, .environment = "*"};
    snprintf(who.person, sizeof(who.person), "%s", person);
    snprintf(who.role_name, sizeof(who.role_name), "%s", role_name(ROLE_ENGINEER));
    pthread_mutex_lock(&c->lock);
    c->has_operator = true;
    c->operator_token = digest_of(token);
    c->operator_identity = who;
    pthread_mutex_unlock(&c->lock);
}

static struct cached *slot_of(struct callers *c, const struct digest *token)
{
    return &c->cache[(size_t)(token->bytes[0] << 8 | token->bytes[1]) % CACHE_SLOTS];
}

/* True when the answer is known without the database. */
static bool known(struct callers *c, const struct digest *token, int64_t now_ms, struct identity *out)
{
    pthread_mutex_lock(&c->lock);
    const struct cached *slot = slot_of(c, token);
    bool found = false;
    if (c->has_operator && digest_equal(token, &c->operator_token)) {
        *out = c->operator_identity;
        found = true;
    } else if (slot->until_ms > now_ms && digest_equal(token, &slot->token)) {
        *out = slot->identity;
        found = true;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void remember(struct callers *c, const struct digest *token, int64_t until_ms, const struct identity *who)
{
    pthread_mutex_lock(&c->lock);
    *slot_of(c, token) = (struct cached){.token = *token, .identity = *who, .until_ms = until_ms};
    pthread_mutex_unlock(&c->lock);
}

int callers_identify(struct callers *c, struct span token, struct identity *out, struct err *e)
{
    struct digest id = digest_of(token);
    int64_t now_ms = clock_mono_ms();
    if (known(c, &id, now_ms, out))
        return 0;
    struct db *db = callers_db_take(c, e);
    if (!db)
        return -1;
    int result = identity_of_token(db, token, clock_now_s(), out, e);
    callers_db_give(c, db);
    if (result == 0)
        remember(c, &id, now_ms + CALLERS_CACHE_MS, out);
    return result;
}

static void refuse_unknown(struct http_request *r, const char *why)
{
    /* Basic first: container clients know no other way without a token service. */
    http_put_header(r, "WWW-Authenticate", "Basic realm=\"airlock\"");
    http_error(r, 401, NULL, "%s; send a token as \"Authorization: Bearer TOKEN\" (airlock token new makes one)", why);
}

int callers_admit(const struct callers_source *s, struct http_request *r, enum ability what, struct identity *out,
                  struct digest *token)
{
    auto_buf text = BUF(TOKEN_CHARS_MAX);
    struct err e = {0};
    if (!http_token(r, &text)) {
        refuse_unknown(r, http_header(r, "Authorization") ? "the Authorization header holds no token" : "no token");
        return -1;
    }
    if (s->identify(s->arg, buf_span(&text), out, &e) < 0) {
        if (e.code == ERR_DENIED)
            refuse_unknown(r, "this token gives no identity");
        else
            http_error_err(r, &e);
        return -1;
    }
    *token = digest_of(buf_span(&text));
    if (!identity_may(out, what, NULL)) {
        http_error(r, 403, NULL, "the role %s may not do this", out->role_name);
        return -1;
    }
    return 0;
}
