#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "contour/identity_change.h"
#include "gate/policy.h"
#include "parse/yaml.h"
#include "util/clock.h"
#include "util/limits.h"

#define ID_CHARS_SHOWN 12
#define ID_CHARS_MIN   8

/* ── token new ── */

static void report_new(struct invocation *in, const struct token *t, const char *text)
{
    const char *id = digest_hex(&t->hash).text;
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "token-new");
        json_put_string(&w, "token", text);
        json_put_string(&w, "id", id);
        json_put_string(&w, "person", t->person);
        json_put_string(&w, "role", role_name(t->role));
        json_put_string(&w, "environment", t->environment);
        json_put_string(&w, "repository", t->repository);
        if (t->expires_s)
            json_put_time(&w, "expires", t->expires_s);
        command_json_end(&w);
        return;
    }
    printf("%s\n", text);
    if (in->quiet)
        return;
    fprintf(stderr,
            "This token of %s (%s in %s, repositories %s) is shown once. It works until %s; `airlock token revoke "
            "%.*s` ends it.\n",
            t->person, role_name(t->role), t->environment, t->repository,
            t->expires_s ? time_text(t->expires_s).text : "it is revoked", ID_CHARS_SHOWN, id);
}

/* --expires: a length of time from now, a date, or "never". */
static bool read_expiry(const char *text, int64_t now_s, int64_t *out)
{
    uint64_t seconds;
    if (!text)
        return *out = now_s + TOKEN_LIFE_DEFAULT_S, true;
    if (strcmp(text, "never") == 0)
        return *out = 0, true;
    if (!time_parse(span_str(text), out)) {
        if (!yaml_duration(text, &seconds) || seconds > TOKEN_LIFE_MAX_S)
            return false;
        *out = now_s + (int64_t)seconds;
    }
    return *out > now_s && *out <= now_s + TOKEN_LIFE_MAX_S;
}

/* 0, or the status of a usage error. */
static int read_wanted(struct invocation *in, struct token *t)
{
    const char *role = option_get(in, "role"), *env = option_get(in, "env"), *repository = option_get(in, "repository");
    if (!person_name_is_right(in->argv[0]))
        return command_usage(in, "\"%.70s\" is no name; wanted a-z first, then a-z, 0-9 and -", in->argv[0]);
    if (!role || !role_parse(role, &t->role))
        return command_usage(in, "--role: wanted consumer, viewer, or a role that the person has; found \"%.40s\"",
                             role ? role : "");
    if (!env || (strcmp(env, "*") != 0 && !environment_known(env)))
        return command_usage(in, "--env: wanted sandbox, test, prod or \"*\"; found \"%.40s\"", env ? env : "");
    if (repository && !pattern_is_right(repository))
        return command_usage(in, "--repository: wanted a name, \"team-*\" or \"*\"; found \"%.130s\"", repository);
    snprintf(t->person, sizeof t->person, "%s", in->argv[0]);
    snprintf(t->environment, sizeof t->environment, "%s", env);
    snprintf(t->repository, sizeof t->repository, "%s", repository ? repository : "*");
    return 0;
}

static int new_run(struct invocation *in)
{
    struct err e = {0};
    struct token t = {.role = ROLE_VIEWER};
    struct token_text text;
    const char *expires = option_get(in, "expires");
    int usage = read_wanted(in, &t);
    if (usage)
        return usage;
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    if (!read_expiry(expires, s->now_s, &t.expires_s))
        return command_usage(in,
                             "--expires: wanted for example 30d, %.4s-12-31T00:00:00Z (in the future, within %d days) "
                             "or never; found \"%.40s\"",
                             time_text(s->now_s).text, (int)(TOKEN_LIFE_MAX_S / 86400), expires);
    if (token_give(s, &t, &text, &e) < 0)
        return command_fail(in, &e);
    report_new(in, &t, text.text);
    return 0;
}

const struct command CMD_TOKEN_NEW = {
    .name = "token new",
    .usage = "PERSON --role ROLE --env ENV [--repository PATTERN] [--expires WHEN]",
    .summary = "a bearer token for a client; printed once",
    .detail =
        "Prints the token on stdout and keeps only its hash, in a record that the contour signs. Clients send it as "
        "`Authorization: Bearer`, or as the password where they know only user and password. A token identifies; "
        "it never approves: for that, people sign with their own keys.\n\nRoles beyond consumer and viewer are "
        "for people who have them, by `airlock person add` or by `airlock grant add`, and the token works while "
        "they do. A consumer or viewer needs neither: then the token's own record gives the role, and ends with "
        "it. It lasts 90 days unless --expires says otherwise, at most 731, or until it is revoked (never).",
    .options = {{"role", "ROLE", "what the client may do", false},
                {"env", "ENV", "where: sandbox, test, prod, or * for all", false},
                {"repository", "PATTERN",
                 "which: a name, team-* or *; * when not given. A mirror is the repository of its "
                 "name (pypi, npm, apt, files, hf)",
                 false},
                {"expires", "WHEN", "30d, a date such as 2027-01-31T00:00:00Z, or never; 90d when not given", false}},
    .min_args = 1,
    .max_args = 1,
    .run = new_run,
};

/* ── token list ── */

struct listing {
    struct site *s;
    struct child *parser;
    struct rights rights;
    struct json_out *w; /* NULL: for people */
    size_t count;
    struct err *e;
};

/* What this token is good for now, in a word; asked as a running server asks it. NULL: *e. */
static const char *state_of(struct listing *l, const struct token_row *row)
{
    struct token t;
    struct identity who;
    struct err why = {0};
    if (token_verify(l->parser, row, l->s->public_key, &t, &why) < 0) {
        if (why.code == ERR_INPUT || why.code == ERR_LIMIT)
            return "forged";
        err_set(l->e, why.code, why.sys_errno, "%s", why.msg);
        return NULL;
    }
    if (row->revoked || rights_ended(&l->rights, &row->hash))
        return "revoked";
    if (row->expires_s && row->expires_s <= l->s->now_s)
        return "expired";
    return identity_of_token(&t, &l->rights, l->s->now_s, &who, &why) < 0 ? "suspended" : "valid";
}

static int list_one(void *arg, const struct token_row *row)
{
    struct listing *l = arg;
    const char *state = state_of(l, row);
    if (!state)
        return -1;
    l->count++;
    if (!l->w) {
        printf("%.*s  %-9s  %s  %s in %s, repositories %s  until %s\n", ID_CHARS_SHOWN, digest_hex(&row->hash).text,
               state, row->person, row->role, row->environment, row->repository,
               row->expires_s ? time_text(row->expires_s).text : "revoked");
        return 0;
    }
    json_out_object(l->w);
    json_put_string(l->w, "id", digest_hex(&row->hash).text);
    json_put_string(l->w, "state", state);
    json_put_string(l->w, "person", row->person);
    json_put_string(l->w, "role", row->role);
    json_put_string(l->w, "environment", row->environment);
    json_put_string(l->w, "repository", row->repository);
    json_put_time(l->w, "created", row->created_s);
    if (row->expires_s)
        json_put_time(l->w, "expires", row->expires_s);
    json_out_object_end(l->w);
    return 0;
}

static int list(struct listing *l)
{
    l->parser = site_parser(l->s, l->e);
    if (!l->parser || identity_rights(l->s, &l->rights, l->e) < 0)
        return -1;
    int result = db_token_each(l->s->db, list_one, l, l->e);
    rights_fini(&l->rights);
    return result;
}

static int list_run(struct invocation *in)
{
    struct err e = {0};
    struct json_out w;
    auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    struct listing l = {.s = s, .w = in->json ? &w : NULL, .e = &e};
    if (in->json) {
        command_json(&w, &out, "tokens");
        json_put_array(&w, "tokens");
    }
    if (list(&l) < 0)
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
    .detail = "Says of each what a running server would: valid; revoked; expired; suspended, when its person does not "
              "hold the role any more (it works again when they do); forged, when the contour's key did not sign what "
              "stands in state.db.",
    .run = list_run,
};

/* ── token revoke ── */

struct match {
    const char *prefix;
    struct digest found;
    char person[LIMIT_NAME_CHARS + 1];
    bool revoked; /* its row says so */
    size_t count;
};

static int match_one(void *arg, const struct token_row *row)
{
    struct match *m = arg;
    if (strncmp(digest_hex(&row->hash).text, m->prefix, strlen(m->prefix)) != 0)
        return 0;
    m->found = row->hash;
    m->revoked = row->revoked;
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

/* 1: somebody did it before, and what they signed is there; 0; -1. */
static int ended_already(struct site *s, const struct match *m, struct err *e)
{
    struct rights rights;
    if (!m->revoked)
        return 0;
    if (identity_rights(s, &rights, e) < 0)
        return -1;
    bool ended = rights_ended(&rights, &m->found);
    rights_fini(&rights);
    return ended;
}

static void report_revoked(struct invocation *in, const struct match *m, bool already)
{
    struct json_out w;
    auto_buf out = BUF(4096);
    if (in->json) {
        command_json(&w, &out, "token-revoke");
        json_put_string(&w, "id", digest_hex(&m->found).text);
        json_put_string(&w, "person", m->person);
        json_put_bool(&w, "already", already);
        command_json_end(&w);
        return;
    }
    printf(already ? "The token %.*s of %s was revoked already; nothing was changed\n"
                   : "The token %.*s of %s is revoked; a running `airlock serve` refuses it within a second\n",
           ID_CHARS_SHOWN, digest_hex(&m->found).text, m->person);
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
    if (!s || site_check_live(s, &e) < 0 || find_token(s, typed, &m, &e) < 0)
        return command_fail(in, &e);
    int already = ended_already(s, &m, &e);
    if (already < 0 || (!already && token_end(s, &m.found, m.person, &e) < 0))
        return command_fail(in, &e);
    report_revoked(in, &m, already > 0);
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
