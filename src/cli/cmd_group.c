#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "contour/identity_change.h"
#include "util/clock.h"
#include "util/limits.h"

/* {"group": …, "person": …} of what was done, and a sentence for people. */
static int report(struct invocation *in, const char *schema, const char *group, const char *person, const char *text)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, schema);
        json_put_string(&w, "group", group);
        if (person)
            json_put_string(&w, "person", person);
        command_json_end(&w);
    } else {
        printf("%s\n", text);
    }
    return 0;
}

/* ── group new ── */

static int new_run(struct invocation *in)
{
    struct err e = {0};
    char text[400];
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || group_make(s, in->argv[0], &e) < 0)
        return command_fail(in, &e);
    snprintf(
        text, sizeof text,
        "The group %.64s is made\n"
        "Next: airlock group add %.64s PERSON, and what its members may do: airlock grant add ROLE --to group:%.64s",
        in->argv[0], in->argv[0], in->argv[0]);
    return report(in, "group-new", in->argv[0], NULL, text);
}

const struct command CMD_GROUP_NEW = {
    .name = "group new",
    .usage = "NAME",
    .summary = "a group of people, to which roles can be granted",
    .detail = "A group by itself may nothing: `airlock grant add ROLE --to group:NAME` says what its members may. The "
              "contour signs each of these, and the ledger has them.",
    .min_args = 1,
    .max_args = 1,
    .run = new_run,
};

/* ── group add, group remove ── */

static int add_run(struct invocation *in)
{
    struct err e = {0};
    char text[200];
    const char *group = in->argv[0], *person = in->argv[1];
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || group_put(s, group, person, &e) < 0)
        return command_fail(in, &e);
    snprintf(text, sizeof text, "%.64s is in %.64s", person, group);
    return report(in, "group-add", group, person, text);
}

const struct command CMD_GROUP_ADD = {
    .name = "group add",
    .usage = "GROUP PERSON",
    .summary = "put a person into a group",
    .detail =
        "The person then holds what is granted to the group. Somebody without a key here (`airlock person add`) can "
        "be in a group too, and gets of its roles consumer and viewer. Who approves gets into no group that "
        "publishes.",
    .min_args = 2,
    .max_args = 2,
    .run = add_run,
};

static int remove_run(struct invocation *in)
{
    struct err e = {0};
    char text[300];
    const char *group = in->argv[0], *person = in->argv[1];
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || group_leave(s, group, person, &e) < 0)
        return command_fail(in, &e);
    snprintf(text, sizeof text,
             "%.64s is no longer in %.64s; tokens that rested on it stop within a second at a running `airlock serve`",
             person, group);
    return report(in, "group-remove", group, person, text);
}

const struct command CMD_GROUP_REMOVE = {
    .name = "group remove",
    .usage = "GROUP PERSON",
    .summary = "take a person out of a group, and what the group gave with it",
    .detail = "Tokens of the person whose role came from this group alone give no identity from then on.",
    .min_args = 2,
    .max_args = 2,
    .run = remove_run,
};

/* ── group list ── */

static void json_group(struct json_out *w, const struct rights *r, const struct group *g)
{
    json_out_object(w);
    json_put_string(w, "name", g->name);
    json_put_time(w, "made", g->made_s);
    json_put_array(w, "members");
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i].group, g->name) == 0) {
            json_out_object(w);
            json_put_string(w, "person", r->members[i].person);
            json_put_time(w, "since", r->members[i].added_s);
            json_out_object_end(w);
        }
    json_out_array_end(w);
    json_out_object_end(w);
}

static void print_group(const struct rights *r, const struct group *g)
{
    printf("%s\n", g->name);
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i].group, g->name) == 0)
            printf("  %-24s since %s\n", r->members[i].person, time_text(r->members[i].added_s).text);
    for (size_t i = 0; i < r->grant_count; i++)
        if (strncmp(r->grants[i].to, GROUP_MARK, sizeof GROUP_MARK - 1) == 0 &&
            strcmp(r->grants[i].to + sizeof GROUP_MARK - 1, g->name) == 0)
            printf("  %s in %s, repositories %s\n", role_name(r->grants[i].role), r->grants[i].environment,
                   r->grants[i].repository);
}

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
        command_json(&w, &out, "groups");
        json_put_array(&w, "groups");
        for (size_t i = 0; i < r.group_count; i++)
            json_group(&w, &r, &r.groups[i]);
        json_out_array_end(&w);
        command_json_end(&w);
        return 0;
    }
    if (r.group_count == 0)
        printf("No groups yet; `airlock group new` makes one\n");
    for (size_t i = 0; i < r.group_count; i++)
        print_group(&r, &r.groups[i]);
    return 0;
}

const struct command CMD_GROUP_LIST = {
    .name = "group list",
    .summary = "the groups, who is in them, and what they may",
    .detail = "What is shown was verified just now; `airlock fsck` names what somebody put into state.db, or took out.",
    .run = list_run,
};
