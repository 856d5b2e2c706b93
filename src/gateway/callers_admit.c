/* The door: who may come in, what is said to who may not, and the record of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/callers_internal.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/log.h"

#define TOKEN_CHARS_MAX 4096U
#define RECORD_BYTES    4096U
#define PATH_MAX_BYTES  256U
#define TOKEN_ID_SHOWN  12

/* ── records ── */

static const char *method_name(const struct http_request *r)
{
    static const struct {
        enum http_method method;
        const char *name;
    } names[] = {{HTTP_GET, "GET"}, {HTTP_HEAD, "HEAD"},   {HTTP_POST, "POST"},
                 {HTTP_PUT, "PUT"}, {HTTP_PATCH, "PATCH"}, {HTTP_DELETE, "DELETE"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].method == http_method(r))
            return names[i].name;
    return "other";
}

/* The path's beginning, cut between characters. */
static void put_path(struct json_out *w, const char *path)
{
    char text[PATH_MAX_BYTES + 1];
    size_t len = strnlen(path, PATH_MAX_BYTES);
    if (path[len])
        while (len > 0 && ((unsigned char)path[len] & 0xc0) == 0x80)
            len--;
    memcpy(text, path, len);
    text[len] = 0;
    json_put_string(w, "path", text);
}

static void put_call(struct json_out *w, const struct http_request *r, unsigned status, const struct identity *who,
                     const struct digest *token, uint64_t bytes)
{
    char id[TOKEN_ID_SHOWN + 1];
    json_put_time(w, "time", clock_now_s());
    json_put_string(w, "kind", "call");
    json_put_string(w, "person", who ? who->person : "");
    json_put_string(w, "role", who ? who->role_name : "");
    json_put_string(w, "address", http_peer(r));
    json_put_string(w, "method", method_name(r));
    put_path(w, http_path(r));
    json_put_uint(w, "status", status);
    json_put_uint(w, "bytes", bytes);
    if (token) {
        snprintf(id, sizeof(id), "%.*s", TOKEN_ID_SHOWN, digest_hex(token).text);
        json_put_string(w, "token", id);
    }
}

void callers_record(const struct callers_source *s, struct http_request *r, unsigned status, const struct identity *who,
                    const struct digest *token, uint64_t bytes)
{
    struct json_out w;
    auto_buf line = BUF(RECORD_BYTES);
    if (!s->callers)
        return;
    if (!who) {
        int64_t now_ms = clock_mono_ms();
        callers_tell_left_out(s->callers, now_ms, false);
        if (!porter_may_record(callers_porter(s->callers), http_peer(r), now_ms))
            return;
    }
    json_out_init(&w, &line);
    json_out_object(&w);
    put_call(&w, r, status, who, token, bytes);
    json_out_object_end(&w);
    callers_write(s->callers, &line);
}

/* Of an address rather than of a request: what was left out, or that it is locked. */
static void record_address(struct callers *c, const char *kind, const char *address, const char *what, unsigned number,
                           unsigned seconds)
{
    struct json_out w;
    auto_buf line = BUF(RECORD_BYTES);
    json_out_init(&w, &line);
    json_out_object(&w);
    json_put_time(&w, "time", clock_now_s());
    json_put_string(&w, "kind", kind);
    json_put_string(&w, "person", "");
    json_put_string(&w, "address", address);
    json_put_uint(&w, what, number);
    if (seconds)
        json_put_uint(&w, "seconds", seconds);
    json_out_object_end(&w);
    callers_write(c, &line);
}

static void tell_left_out(void *arg, const char *address, unsigned count)
{
    record_address(arg, "left-out", address, "count", count, 0);
}

void callers_tell_left_out(struct callers *c, int64_t now_ms, bool all)
{
    porter_left_out(callers_porter(c), now_ms, all, tell_left_out, c);
}

/* ── guessing ── */

static void tell(struct callers *c, const char *address, const struct porter_news *news)
{
    char failures[16], seconds[16];
    if (!news->told)
        return;
    snprintf(failures, sizeof(failures), "%u", news->failures);
    snprintf(seconds, sizeof(seconds), "%u", news->seconds);
    log_event(news->locked ? EV_AUTH_LOCKED : EV_AUTH_SLOWED, "address", address, "failures", failures, "seconds",
              seconds, NULL);
    if (news->locked)
        record_address(c, "lock", address, "failures", news->failures, news->seconds);
}

static void answer_wait(const struct callers_source *s, struct http_request *r, const struct digest *token, bool locked,
                        unsigned wait_s)
{
    char text[16];
    callers_record(s, r, 429, NULL, token, 0);
    snprintf(text, sizeof(text), "%u", wait_s);
    http_put_header(r, "Retry-After", text);
    http_error(r, 429, NULL,
               locked
                   ? "too many wrong tokens came from this address: for %u second%s only those go on that worked lately"
                   : "wrong tokens came from this address: no other is looked at for %u second%s",
               wait_s, wait_s == 1 ? "" : "s");
}

/* ── in, or not ── */

static void answer_unknown(const struct callers_source *s, struct http_request *r, const struct digest *token,
                           const char *why)
{
    callers_record(s, r, 401, NULL, token, 0);
    /* Basic first: container clients know no other way without a token service. */
    http_put_header(r, "WWW-Authenticate", "Basic realm=\"airlock\"");
    http_error(r, 401, NULL, "%s; send a token as \"Authorization: Bearer TOKEN\" (airlock token new makes one)", why);
}

/* One request at the door. */
struct knock {
    const struct callers_source *s;
    struct http_request *r;
    struct buf text;
    bool malformed; /* an Authorization header without a token in it */
    struct caller_ask ask;
    enum porter_word word;
    unsigned wait_s;
};

static void read_knock(struct knock *k, const struct callers_source *s, struct http_request *r, struct digest *token)
{
    *k = (struct knock){.s = s, .r = r, .text = BUF(TOKEN_CHARS_MAX), .ask = {.r = r}};
    if (http_token(r, &k->text)) {
        k->ask.token = buf_span(&k->text);
    } else if (http_header(r, "Authorization")) {
        k->malformed = true;
    }
    k->ask.token_id = digest_of(k->ask.token);
    *token = k->ask.token_id;
    if (s->callers)
        k->word = porter_look(callers_porter(s->callers), http_peer(r), clock_mono_ms(), &k->wait_s);
}

static enum caller_answer ask(struct knock *k, bool at_once, struct identity *out, struct err *e)
{
    const struct callers_source *s = k->s;
    if (s->callers) {
        k->ask.effort = at_once ? CALLER_AT_ONCE : k->word == PORTER_OPEN ? CALLER_FULLY : CALLER_SEEN;
        return callers_ask(s->callers, &k->ask, out, e);
    }
    if (!k->ask.token.len)
        return CALLER_NOT_MINE;
    if (s->identify(s->arg, k->ask.token, out, e) == 0)
        return CALLER_IS;
    return e->code == ERR_DENIED ? CALLER_NOBODY : CALLER_FAILED;
}

/* A wrong token, or what should have been one. */
static void count_wrong(struct knock *k)
{
    struct callers *c = k->s->callers;
    const char *header = http_header(k->r, "Authorization");
    if (!c)
        return;
    struct porter_news news = porter_failed(callers_porter(c), http_peer(k->r),
                                            k->malformed && header ? span_str(header) : k->ask.token, clock_mono_ms());
    tell(c, http_peer(k->r), &news);
}

/* Nothing was looked at, or what was is no news: a lock outlasts a token that ended meanwhile. */
static bool is_held(const struct knock *k, enum caller_answer answer)
{
    return answer == CALLER_LATER || (k->word != PORTER_OPEN && k->malformed) ||
           (k->word == PORTER_LOCKED && answer == CALLER_NOBODY);
}

static void refuse(struct knock *k, enum caller_answer answer, const struct err *e)
{
    const struct digest *token = k->ask.token.len ? &k->ask.token_id : NULL;
    if (is_held(k, answer)) {
        struct porter_news news = porter_hasty(callers_porter(k->s->callers), http_peer(k->r), clock_mono_ms());
        tell(k->s->callers, http_peer(k->r), &news);
        answer_wait(k->s, k->r, token, k->word == PORTER_LOCKED || news.locked, news.locked ? news.seconds : k->wait_s);
    } else if (answer == CALLER_FAILED) {
        callers_record(k->s, k->r, (unsigned)err_http_status(e->code), NULL, token, 0);
        http_error_err(k->r, e);
    } else if (answer == CALLER_NOBODY) {
        count_wrong(k);
        answer_unknown(k->s, k->r, token, "this token gives no identity");
    } else {
        if (k->malformed)
            count_wrong(k);
        answer_unknown(k->s, k->r, NULL, k->malformed ? "the Authorization header holds no token" : "no token");
    }
}

int callers_admit(const struct callers_source *s, struct http_request *r, enum ability what, struct identity *out,
                  struct digest *token)
{
    struct knock k;
    struct err e = {0};
    read_knock(&k, s, r, token);
    enum caller_answer answer = ask(&k, false, out, &e);
    bool may = answer == CALLER_IS && identity_may(out, what, NULL);
    if (answer != CALLER_IS)
        refuse(&k, answer, &e);
    else if (!may)
        callers_forbid(s, r, out, "the role %s may not do this", out->role_name);
    buf_fini(&k.text);
    return may ? 0 : -1;
}

bool callers_admit_at_once(const struct callers_source *s, struct http_request *r, enum ability what,
                           struct identity *out, struct digest *token)
{
    struct knock k;
    struct err e = {0};
    if (!s->callers)
        return false;
    read_knock(&k, s, r, token);
    bool in = ask(&k, true, out, &e) == CALLER_IS && identity_may(out, what, NULL);
    buf_fini(&k.text);
    return in;
}

void callers_refused(struct http_request *r, unsigned status, void *source)
{
    const struct callers_source *s = source;
    struct knock k;
    struct identity who;
    struct digest token;
    struct err e = {0};
    if (!s->callers)
        return;
    read_knock(&k, s, r, &token);
    bool known = ask(&k, true, &who, &e) == CALLER_IS;
    callers_record(s, r, status, known ? &who : NULL, known || !k.ask.token.len ? NULL : &token, 0);
    buf_fini(&k.text);
}

void callers_forbid(const struct callers_source *s, struct http_request *r, const struct identity *who,
                    const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    callers_record(s, r, 403, who, NULL, 0);
    http_error(r, 403, NULL, "%s", text);
}
