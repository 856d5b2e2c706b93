#include "gateway/callers_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

#define SETS      1024U
#define WAYS      4U
#define SPARE_DBS 16U

/* A token that was verified, and who it was when that was last asked. */
struct cached {
    struct token token; /* its hash is the key */
    struct identity identity;
    int64_t until_ms; /* the identity is believed until then */
    int64_t used_ms;  /* 0: empty */
};

struct callers {
    int dir;
    pthread_mutex_t lock;
    struct db *spare[SPARE_DBS];
    size_t spare_count;
    bool has_operator;
    struct digest operator_token;
    struct identity operator_identity;
    struct caller_provider providers[CALLER_PROVIDERS_MAX];
    size_t provider_count;
    struct porter *porter;
    int (*record)(void *arg, struct span line, struct err *e);
    void *record_arg;

    /* What a look-up needs that memory does not answer: one at a time. */
    pthread_mutex_t slow;
    struct child *parser;
    struct public_key *contour;
    struct rights rights;
    bool has_rights;
    int64_t rights_mark, rights_ms;

    struct cached cache[SETS * WAYS]; /* a set is found by the first bytes of the token's digest */
};

static enum caller_answer ask_operator(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e);
static enum caller_answer ask_tokens(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e);

struct callers *callers_open(int dir, struct err *e)
{
    struct callers *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->dir = dir;
    c->porter = porter_new();
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->slow, NULL);
    callers_provide(c, &(struct caller_provider){"operator", ask_operator, c});
    callers_provide(c, &(struct caller_provider){"token", ask_tokens, c});
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
    callers_tell_left_out(c, clock_mono_ms(), true);
    for (size_t i = 0; i < c->spare_count; i++)
        db_close(c->spare[i]);
    rights_fini(&c->rights);
    public_key_free(c->contour);
    child_stop(c->parser);
    porter_free(c->porter);
    pthread_mutex_destroy(&c->slow);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int callers_trust(struct callers *c, const struct public_key *contour, struct err *e)
{
    c->parser = child_start(ROLE_PARSE, e);
    if (!c->parser)
        return -1;
    c->contour = public_key_copy(contour);
    return 0;
}

void callers_set_records(struct callers *c, int (*record)(void *arg, struct span line, struct err *e), void *arg)
{
    c->record = record;
    c->record_arg = arg;
}

struct porter *callers_porter(struct callers *c)
{
    return c->porter;
}

void callers_write(struct callers *c, const struct buf *line)
{
    struct err e = {0};
    if (!c->record)
        return;
    if (buf_check(line, "access record", &e) < 0 || c->record(c->record_arg, buf_span(line), &e) < 0)
        log_event(EV_ACCESS_LOST, "reason", e.msg, NULL);
}

/* ── databases ── */

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

/* ── the operator ── */

void callers_set_operator(struct callers *c, struct span token, const char *person)
{
    struct identity who = {.role = ROLE_ENGINEER, .environment = "*", .repository = "*"};
    snprintf(who.person, sizeof(who.person), "%s", person);
    snprintf(who.role_name, sizeof(who.role_name), "%s", role_name(ROLE_ENGINEER));
    pthread_mutex_lock(&c->lock);
    c->has_operator = true;
    c->operator_token = digest_of(token);
    c->operator_identity = who;
    pthread_mutex_unlock(&c->lock);
}

static enum caller_answer ask_operator(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e)
{
    struct callers *c = arg;
    (void)e;
    pthread_mutex_lock(&c->lock);
    bool is = c->has_operator && ask->token.len && digest_equal(&ask->token_id, &c->operator_token);
    if (is)
        *out = c->operator_identity;
    pthread_mutex_unlock(&c->lock);
    return is ? CALLER_IS : CALLER_NOT_MINE;
}

/* ── tokens ── */

static struct cached *set_of(struct callers *c, const struct digest *token)
{
    return &c->cache[(size_t)(token->bytes[0] << 8 | token->bytes[1]) % SETS * WAYS];
}

static struct cached *find(struct callers *c, const struct digest *token)
{
    struct cached *set = set_of(c, token);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].used_ms && digest_equal(&set[i].token.hash, token))
            return &set[i];
    return NULL;
}

/* The identity, when it is believed still; otherwise *verified is the token's record, where it was right lately. */
static bool known(struct callers *c, const struct digest *token, int64_t now_ms, struct identity *out,
                  struct token *verified)
{
    bool is = false;
    pthread_mutex_lock(&c->lock);
    struct cached *one = find(c, token);
    if (one) {
        one->used_ms = now_ms;
        is = one->until_ms > now_ms;
        if (is)
            *out = one->identity;
        else if (now_ms - one->until_ms < CALLERS_KNOWN_MS)
            *verified = one->token;
    }
    pthread_mutex_unlock(&c->lock);
    return is;
}

static void remember(struct callers *c, const struct token *t, const struct identity *who, int64_t now_ms)
{
    pthread_mutex_lock(&c->lock);
    struct cached *one = find(c, &t->hash), *set = set_of(c, &t->hash);
    if (!one) {
        one = set;
        for (size_t i = 1; i < WAYS; i++)
            if (set[i].used_ms < one->used_ms)
                one = &set[i];
    }
    *one = (struct cached){*t, *who, now_ms + CALLERS_CACHE_MS, now_ms > 0 ? now_ms : 1};
    pthread_mutex_unlock(&c->lock);
}

static void forget(struct callers *c, const struct digest *token)
{
    pthread_mutex_lock(&c->lock);
    struct cached *one = find(c, token);
    if (one)
        *one = (struct cached){0};
    pthread_mutex_unlock(&c->lock);
}

/* Rights are read again when the ledger says that they changed. */
static int refresh_rights(struct callers *c, struct db *db, int64_t now_ms, struct err *e)
{
    int64_t mark;
    struct rights fresh;
    if (c->has_rights && now_ms - c->rights_ms < CALLERS_RIGHTS_MS)
        return 0;
    if (db_rights_mark(db, &mark, e) < 0)
        return -1;
    if (!c->has_rights || mark != c->rights_mark) {
        if (rights_load(db, c->parser, c->contour, &fresh, e) < 0)
            return -1;
        rights_fini(&c->rights);
        c->rights = fresh;
        c->rights_mark = mark;
        c->has_rights = true;
    }
    c->rights_ms = now_ms;
    return 0;
}

static int look_up(struct callers *c, struct db *db, const struct caller_ask *ask, struct token *t,
                   struct identity *out, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    bool verified = digest_equal(&t->hash, &ask->token_id);
    if (!c->parser)
        return err_set(e, ERR_DENIED, 0, "this server trusts no tokens");
    if (!verified && identity_token(db, c->parser, c->contour, ask->token, t, e) < 0)
        return -1;
    if (refresh_rights(c, db, now_ms, e) < 0 || identity_of_token(t, &c->rights, clock_now_s(), out, e) < 0)
        return -1;
    remember(c, t, out, now_ms);
    return 0;
}

static enum caller_answer ask_tokens(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e)
{
    struct callers *c = arg;
    struct token t = {.person = ""};
    if (ask->token.len == 0)
        return CALLER_NOT_MINE;
    if (known(c, &ask->token_id, clock_mono_ms(), out, &t))
        return CALLER_IS;
    if (ask->effort == CALLER_AT_ONCE || (ask->effort == CALLER_SEEN && !digest_equal(&t.hash, &ask->token_id)))
        return CALLER_LATER;
    struct db *db = callers_db_take(c, e);
    if (!db)
        return CALLER_FAILED;
    pthread_mutex_lock(&c->slow);
    /* Whoever waited here for another request of the same token finds what that one found. */
    int result = known(c, &ask->token_id, clock_mono_ms(), out, &t) ? 0 : look_up(c, db, ask, &t, out, e);
    pthread_mutex_unlock(&c->slow);
    callers_db_give(c, db);
    if (result == 0)
        return CALLER_IS;
    if (e->code != ERR_DENIED)
        return CALLER_FAILED; /* which says nothing about the token */
    forget(c, &ask->token_id);
    return CALLER_NOBODY;
}

/* ── all of them ── */

void callers_provide(struct callers *c, const struct caller_provider *p)
{
    if (c->provider_count == CALLER_PROVIDERS_MAX)
        abort();
    c->providers[c->provider_count++] = *p;
}

enum caller_answer callers_ask(struct callers *c, const struct caller_ask *ask, struct identity *out, struct err *e)
{
    for (size_t i = 0; i < c->provider_count; i++) {
        const struct caller_provider *p = &c->providers[i];
        enum caller_answer answer = p->identify(p->arg, ask, out, e);
        if (answer != CALLER_NOT_MINE)
            return answer;
    }
    return CALLER_NOT_MINE;
}

int callers_identify(struct callers *c, struct span token, struct identity *out, struct err *e)
{
    struct caller_ask ask = {.token = token, .token_id = digest_of(token)};
    enum caller_answer answer = callers_ask(c, &ask, out, e);
    if (answer == CALLER_IS)
        return 0;
    return answer == CALLER_NOT_MINE ? err_set(e, ERR_DENIED, 0, "no token") : -1;
}
