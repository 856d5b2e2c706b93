#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "contour/identity_change.h"
#include "gate/policy.h"
#include "util/clock.h"
#include "util/limits.h"

static void json_grant(struct json_out *w, const struct grant *g)
{
    json_put_string(w, "id", g->id);
    json_put_string(w, "role", role_name(g->role));
    json_put_string(w, "to", g->to);
    json_put_string(w, "environment", g->environment);
    json_put_string(w, "repository", g->repository);
    json_put_time(w, "granted", g->granted_s);
}

static void print_json(const char *schema, const struct grant *g)
{
    struct json_out w;
    auto_buf out = BUF(4096);
    command_json(&w, &out, schema);
    json_grant(&w, g);
    command_json_end(&w);
}

/* ── grant add ── */

/* 0, or the status of a usage error. */
static int read_wanted(struct invocation *in, struct grant *g)
{
    const char *to = option_get(in, "to"), *env = option_get(in, "env"), *repository = option_get(in, "repository");
    size_t mark = to && strncmp(to, GROUP_MARK, sizeof GROUP_MARK - 1) == 0 ? sizeof GROUP_MARK - 1 : 0;
    if (!role_parse(in->argv[0], &g->role))
        return command_usage(in, "\"%.40s\" is no role; `airlock person add --help` names all", in->argv[0]);
    if (!to || !person_name_is_right(to + mark))
        return command_usage(in, "--to: wanted a person, or group:NAME; found \"%.80s\"", to ? to : "");
    if (!env || (strcmp(env, "*") != 0 && !environment_known(env)))
        return command_usage(in, "--env: wanted sandbox, test, prod or \"*\"; found \"%.40s\"", env ? env : "");
    if (repository && !pattern_is_right(repository))
        return command_usage(in, "--repository: wanted a name, \"team-*\" or \"*\"; found \"%.130s\"", repository);
    snprintf(g->to, sizeof g->to, "%s", to);
    snprintf(g->environment, sizeof g->environment, "%s", env);
    snprintf(g->repository, sizeof g->repository, "%s", repository ? repository : "*");
    return 0;
}

static int add_run(struct invocation *in)
{
    struct err e = {0};
    struct grant g = {.role = ROLE_VIEWER};
    int usage = read_wanted(in, &g);
    if (usage)
        return usage;
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || grant_give(s, &g, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        print_json("grant-add", &g);
    else
        printf("%s is %s in %s, repositories %s (grant %s)\n", g.to, role_name(g.role), g.environment, g.repository,
               g.id);
    return 0;
}

const struct command CMD_GRANT_ADD = {
    .name = "grant add",
    .usage = "ROLE --to PERSON|group:NAME --env ENV [--repository PATTERN]",
    .summary = "give a person or a group a role in an environment, for some repositories",
    .detail =
        "A grant is for what people do over HTTP with tokens (`airlock token new`): a token may be for what one grant "
        "covers, and works while it stands. It gives nobody an approval, a request or a waiver: those ask for a "
        "role that `airlock person add` gave, and a key. Who approves (product-owner, security-officer) is not "
        "made a publisher, nor the other way round. People without a key here can be viewer and consumer.\n\n"
        "PATTERN is a repository's name without the environment (with what lies below it), team-* or *. A mirror is "
        "the repository of its name: pypi, npm, apt, files, hf.",
    .options = {{"to", "WHO", "a person, or group:NAME", false},
                {"env", "ENV", "where: sandbox, test, prod, or * for all", false},
                {"repository", "PATTERN", "which: a name, team-* or *; * when not given", false}},
    .min_args = 1,
    .max_args = 1,
    .run = add_run,
};

/* ── grant list ── */

static int list_run(struct invocation *in)
{
    struct err e = {0};
    auto_rights r = {0};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || identity_rights(s, &r, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
        command_json(&w, &out, "grants");
        json_put_array(&w, "grants");
        for (size_t i = 0; i < r.grant_count; i++) {
            json_out_object(&w);
            json_grant(&w, &r.grants[i]);
            json_out_object_end(&w);
        }
        json_out_array_end(&w);
        command_json_end(&w);
        return 0;
    }
    if (r.grant_count == 0)
        printf("No grants; `airlock person list` shows the roles that people have by their own records\n");
    for (size_t i = 0; i < r.grant_count; i++)
        printf("%s  %s is %s in %s, repositories %s  since %s\n", r.grants[i].id, r.grants[i].to,
               role_name(r.grants[i].role), r.grants[i].environment, r.grants[i].repository,
               time_text(r.grants[i].granted_s).text);
    return 0;
}

const struct command CMD_GRANT_LIST = {
    .name = "grant list",
    .summary = "which roles were granted to whom, where",
    .detail = "What is shown was verified just now; `airlock fsck` names what somebody put into state.db, or took out.",
    .run = list_run,
};

/* ── grant withdraw ── */

static int withdraw_run(struct invocation *in)
{
    struct err e = {0};
    struct grant g = {.role = ROLE_VIEWER};
    const char *id = in->argv[0];
    if (strlen(id) < 4 || strlen(id) >= RIGHT_ID_SIZE || strspn(id, "0123456789abcdef") != strlen(id))
        return command_usage(in, "wanted a grant's id, or its first 4 digits or more; found \"%.40s\"", id);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || grant_end(s, id, &g, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        print_json("grant-withdraw", &g);
    else
        printf("%s is no longer %s by this grant; tokens that rested on it stop within a second at a running `airlock "
               "serve`\n",
               g.to, role_name(g.role));
    return 0;
}

const struct command CMD_GRANT_WITHDRAW = {
    .name = "grant withdraw",
    .usage = "ID",
    .summary = "end a grant; tokens that rested on it stop",
    .detail =
        "ID is what `airlock grant list` shows; its first 4 digits are enough when no other grant begins with them.",
    .min_args = 1,
    .max_args = 1,
    .run = withdraw_run,
};
