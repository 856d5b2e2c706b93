#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "gate/policy.h"
#include "parse/yaml.h"
#include "trust/token.h"
#include "util/clock.h"
#include "util/limits.h"

#define DEFAULT_DAYS   90
#define ID_CHARS_SHOWN 12
#define ID_CHARS_MIN   8

/* ── token new ── */

struct wanted_token {
    const char *person, *environment;
    enum role role;
    int64_t expires_s; /* 0: never */
};

/* Whoever may only look and ask needs no key here. Every other role is a person's whom the contour's record names. */
static int check_role(struct site *s, const struct wanted_token *t, struct err *e)
{
    auto_people people = {0};
    if (t->role == ROLE_VIEWER || t->role == ROLE_CONSUMER)
        return 0;
    struct child *parser = site_parser(s, e);
    if (!parser || people_load(s->db, parser, s->public_key, &people, e) < 0)
        return -1;
    if (people_has_role(&people, t->person, t->role))
        return 0;
    err_set(e, ERR_DENIED, 0, "%s is no %s here, so no token can be one", t->person, role_name(t->role));
    return err_hint(e, "`airlock person add` gives roles; consumers and viewers need none");
}

static int add(struct site *s, const struct wanted_token *t, struct token_text *text, struct digest *hash,
               struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (check_role(s, t, e) < 0 || token_new(text, hash, e) < 0 || site_begin(s, e) < 0)
        return -1;
    struct token_row row = {
        .hash = *hash,
        .person = t->person,
        .role = role_name(t->role),
        .environment = t->environment,
        .created_s = s->now_s,
        .expires_s = t->expires_s,
    };
    site_event(s, &w, &entry, "token-new");
    json_put_string(&w, "token", digest_hex(hash).text);
    json_put_string(&w, "person", t->person);
    json_put_string(&w, "role", role_name(t->role));
    json_put_string(&w, "environment", t->environment);
    if (t->expires_s)
        json_put_time(&w, "expires", t->expires_s);
    if (db_token_add(s->db, &row, e) == 0 && site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static void report_new(struct invocation *in, const struct wanted_token *t, const char *text, const struct digest *hash)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "token-new");
        json_put_string(&w, "token", text);
        json_put_string(&w, "id", digest_hex(hash).text);
        json_put_string(&w, "person", t->person);
        json_put_string(&w, "role", role_name(t->role));
        json_put_string(&w, "environment", t->environment);
        if (t->expires_s)
            json_put_time(&w, "expires", t->expires_s);
        command_json_end(&w);
        return;
    }
    printf("%s\n", text);
    if (in->quiet)
        return;
    fprintf(stderr,
            "This token of %s (%s in %s) is shown once. It works until %s; `airlock token revoke %.*s` ends it.\n",
            t->person, role_name(t->role), t->environment,
            t->expires_s ? time_text(t->expires_s).text : "it is revoked", ID_CHARS_SHOWN, digest_hex(hash).text);
}

/* --expires: a length of time from now, a date, or "never". */
static bool read_expiry(const char *text, int64_t now_s, int64_t *out)
{
    uint64_t seconds;
    if (!text)
        return *out = now_s + DEFAULT_DAYS * 86400, true;
    if (strcmp(text, "never") == 0)
        return *out = 0, true;
    if (time_parse(span_str(text), out))
        return *out > now_s;
    if (!yaml_duration(text, &seconds) || seconds == 0 || seconds > 100ULL * 366 * 86400)
        return false;
    *out = now_s + (int64_t)seconds;
    return true;
}

static int new_run(struct invocation *in)
{
    struct err e = {0};
    struct token_text text;
    struct digest hash;
    const char *role = option_get(in, "role"), *expires = option_get(in, "expires");
    struct wanted_token t = {.person = in->argv[0], .environment = option_get(in, "env")};
    if (!person_name_is_right(t.person))
        return command_usage(in, "\"%.70s\" is no name; wanted a-z first, then a-z, 0-9 and -", t.person);
    if (!role || !role_parse(role, &t.role))
        return command_usage(in, "--role: wanted consumer, viewer, or a role that the person has; found \"%.40s\"",
                             role ? role : "");
    if (!t.environment || (strcmp(t.environment, "*") != 0 && !environment_known(t.environment)))
        return command_usage(in, "--env: wanted sandbox, test, prod or \"*\"; found \"%.40s\"",
                             t.environment ? t.environment : "");
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    if (!read_expiry(expires, s->now_s, &t.expires_s))
        return command_usage(in,
                             "--expires: wanted for example 30d, 2027-01-31T00:00:00Z (in the future) or never; "
                             "found \"%.40s\"",
                             expires);
    if (add(s, &t, &text, &hash, &e) < 0)
        return command_fail(in, &e);
    report_new(in, &t, text.text, &hash);
    return 0;
}

const struct command CMD_TOKEN_NEW = {
    .name = "token new",
    .usage = "PERSON --role ROLE --env ENV [--expires WHEN]",
    .summary = "a bearer token for a client; printed once",
    .detail = "Prints the token on stdout and keeps only its hash. Clients send it as `Authorization: Bearer`, or as "
              "the password where they know only user and password. A token identifies; it never approves: for that, "
              "people sign with their own keys. Roles beyond consumer and viewer are for people who have them.",
    .options = {{"role", "ROLE", "what the client may do", false},
                {"env", "ENV", "where: sandbox, test, prod, or * for all", false},
                {"expires", "WHEN", "30d, a date such as 2027-01-31T00:00:00Z, or never; 90d when not given", false}},
    .min_args = 1,
    .max_args = 1,
    .run = new_run,
};

/* ── token list ── */

struct listing {
    struct json_out *w; /* NULL: for people */
    int64_t now_s;
    size_t count;
};

static const char *state_of(const struct token_row *row, int64_t now_s)
{
    if (row->revoked)
        return "revoked";
    return row->expires_s && row->expires_s <= now_s ? "expired" : "valid";
}

static int list_one(void *arg, const struct token_row *row)
{
    struct listing *l = arg;
    l->count++;
    if (!l->w) {
        printf("%.*s  %-7s  %s  %s in %s  until %s\n", ID_CHARS_SHOWN, digest_hex(&row->hash).text,
               state_of(row, l->now_s), row->person, row->role, row->environment,
               row->expires_s ? time_text(row->expires_s).text : "revoked");
        return 0;
    }
    json_out_object(l->w);
    json_put_string(l->w, "id", digest_hex(&row->hash).text);
    json_put_string(l->w, "state", state_of(row, l->now_s));
    json_put_string(l->w, "person", row->person);
    json_put_string(l->w, "role", row->role);
    json_put_string(l->w, "environment", row->environment);
    json_put_time(l->w, "created", row->created_s);
    if (row->expires_s)
        json_put_time(l->w, "expires", row->expires_s);
    json_out_object_end(l->w);
    return 0;
}

static int list_run(struct invocation *in)
{
    struct err e = {0};
    struct json_out w;
    auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    struct listing l = {.w = in->json ? &w : NULL, .now_s = s->now_s};
    if (in->json) {
        command_json(&w, &out, "tokens");
        json_put_array(&w, "tokens");
    }
    if (db_token_each(s->db, list_one, &l, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        json_out_array_end(&w);
        command_json_end(&w);
    } else if (l.count == 0) {
        printf("No tokens yet; `airlock token new` makes one\n");
    }
    return 0;
}

const struct command CMD_TOKEN_LIST = {
    .name = "token list",
    .summary = "the tokens that were given out, without their text",
    .run = list_run,
};

/* ── token revoke ── */

struct match {
    const char *prefix;
    struct digest found;
    char person[LIMIT_NAME_CHARS + 1];
    size_t count;
};

static int match_one(void *arg, const struct token_row *row)
{
    struct match *m = arg;
    if (strncmp(digest_hex(&row->hash).text, m->prefix, strlen(m->prefix)) != 0)
        return 0;
    m->found = row->hash;
    snprintf(m->person, sizeof m->person, "%.*s", (int)LIMIT_NAME_CHARS, row->person);
    m->count++;
    return 0;
}

static int find_token(struct site *s, const char *typed, struct match *m, struct err *e)
{
    struct digest hash;
    struct digest_hex hex;
    *m = (struct match){.prefix = typed};
    if (token_hash(span_str(typed), &hash)) {
        hex = digest_hex(&hash);
        m->prefix = hex.text;
    }
    int result = db_token_each(s->db, match_one, m, e);
    m->prefix = NULL;
    if (result < 0)
        return -1;
    if (m->count == 1)
        return 0;
    if (m->count == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no token %.64s; `airlock token list` shows all", typed);
    return err_set(e, ERR_NOTFOUND, 0, "%zu tokens begin with %.64s; give more of the id", m->count, typed);
}

static int end_token(struct site *s, const struct match *m, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "token-revoke");
    json_put_string(&w, "token", digest_hex(&m->found).text);
    json_put_string(&w, "person", m->person);
    if (db_token_revoke(s->db, &m->found, e) == 0 && site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int revoke_run(struct invocation *in)
{
    struct err e = {0};
    struct match m;
    const char *typed = in->argv[0];
    bool whole = strncmp(typed, TOKEN_PREFIX, sizeof TOKEN_PREFIX - 1) == 0;
    if (!whole && (strlen(typed) < ID_CHARS_MIN || strspn(typed, "0123456789abcdef") != strlen(typed)))
        return command_usage(in,
                             "wanted a token's id (at least its first %d digits) or the token itself, found \"%.40s\"",
                             ID_CHARS_MIN, typed);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || find_token(s, typed, &m, &e) < 0 || end_token(s, &m, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "token-revoke");
        json_put_string(&w, "id", digest_hex(&m.found).text);
        json_put_string(&w, "person", m.person);
        command_json_end(&w);
        return 0;
    }
    printf("The token %.*s of %s is revoked; a running `airlock serve` refuses it within a second\n", ID_CHARS_SHOWN,
           digest_hex(&m.found).text, m.person);
    return 0;
}

const struct command CMD_TOKEN_REVOKE = {
    .name = "token revoke",
    .usage = "ID|TOKEN",
    .summary = "end a token; a running server refuses it within a second",
    .detail =
        "ID is what `airlock token list` and `airlock token new` show; its first 8 digits are enough when no other "
        "token begins with them. A running `airlock serve` remembers for up to a second what a token was, and refuses "
        "this one from then on; an answer that is under way is given to its end.",
    .min_args = 1,
    .max_args = 1,
    .run = revoke_run,
};
