#include "trust/group.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "trust/key_internal.h"
#include "util/encode.h"
#include "util/json.h"

/* ── patterns ── */

bool pattern_is_right(const char *pattern)
{
    size_t len = strlen(pattern), stem = strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789._-/");
    if (len == 0 || len > 128 || pattern[0] == '/' || strstr(pattern, "//") || strstr(pattern, ".."))
        return false;
    return stem == len ? pattern[len - 1] != '/' : stem == len - 1 && pattern[stem] == '*';
}

/* The length of what stands before a star; *open: there is one. */
static size_t stem_of(const char *pattern, bool *open)
{
    size_t len = strlen(pattern);
    *open = len > 0 && pattern[len - 1] == '*';
    return *open ? len - 1 : len;
}

bool repository_matches(const char *pattern, const char *repository)
{
    bool open;
    size_t stem = stem_of(pattern, &open);
    if (strncmp(pattern, repository, stem) != 0)
        return false;
    return open || (stem > 0 && (repository[stem] == '\0' || repository[stem] == '/'));
}

/* "assistant*" is more than "assistant": "assistant-2" too. */
bool pattern_covers(const char *outer, const char *inner)
{
    bool outer_open, inner_open;
    size_t stem = stem_of(outer, &outer_open), inner_stem = stem_of(inner, &inner_open);
    if (inner_stem < stem || strncmp(outer, inner, stem) != 0)
        return false;
    if (outer_open)
        return true;
    return stem > 0 && (inner_stem > stem ? inner[stem] == '/' : !inner_open);
}

/* ── predicates ── */

int right_id_new(char out[RIGHT_ID_SIZE], struct err *e)
{
    uint8_t bytes[(RIGHT_ID_SIZE - 1) / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return openssl_failed(e, "new id");
    hex_encode(span_of(bytes, sizeof bytes), out);
    return 0;
}

struct digest right_subject(const char *name_or_id)
{
    return digest_of(span_str(name_or_id));
}

void group_predicate(const struct group *g, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "group", g->name);
    json_put_time(&w, "made", g->made_s);
    json_out_object_end(&w);
}

void member_predicate(const struct member *m, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "id", m->id);
    json_put_string(&w, "group", m->group);
    json_put_string(&w, "person", m->person);
    json_put_time(&w, "added", m->added_s);
    json_out_object_end(&w);
}

void grant_predicate(const struct grant *g, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "id", g->id);
    json_put_string(&w, "role", role_name(g->role));
    json_put_string(&w, "to", g->to);
    json_put_string(&w, "environment", g->environment);
    json_put_string(&w, "repository", g->repository);
    json_put_time(&w, "granted", g->granted_s);
    json_out_object_end(&w);
}

void revocation_predicate(const char *what, const char *person, int64_t now_s, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "what", what);
    json_put_string(&w, "person", person);
    json_put_time(&w, "revoked", now_s);
    json_out_object_end(&w);
}

/* ── questions ── */

void rights_fini(struct rights *r)
{
    people_fini(&r->people);
    free(r->groups);
    free(r->members);
    free(r->grants);
    free(r->ended);
    *r = (struct rights){0};
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

bool rights_ended(const struct rights *r, const struct digest *subject)
{
    return r->ended_count && bsearch(subject, r->ended, r->ended_count, sizeof *r->ended, compare_digests) != NULL;
}

const struct group *rights_group(const struct rights *r, const char *name)
{
    for (size_t i = 0; i < r->group_count; i++)
        if (strcmp(r->groups[i].name, name) == 0)
            return &r->groups[i];
    return NULL;
}

bool rights_member(const struct rights *r, const char *group, const char *person)
{
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i].person, person) == 0 && strcmp(r->members[i].group, group) == 0)
            return true;
    return false;
}

static bool stands_in(const struct person *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

bool rights_person(const struct rights *r, const char *name)
{
    return stands_in(r->people.list, r->people.count, name);
}

bool rights_gone(const struct rights *r, const char *name)
{
    return stands_in(r->people.gone, r->people.gone_count, name) && !rights_person(r, name);
}

static bool is_for(const struct rights *r, const struct grant *g, const char *person)
{
    static const size_t mark = sizeof GROUP_MARK - 1;
    if (strncmp(g->to, GROUP_MARK, mark) == 0)
        return rights_member(r, g->to + mark, person);
    return strcmp(g->to, person) == 0;
}

static bool granted(const struct rights *r, const char *person, enum role role, const char *environment,
                    const char *repository)
{
    for (size_t i = 0; i < r->grant_count; i++) {
        const struct grant *g = &r->grants[i];
        if (g->role == role && (strcmp(g->environment, "*") == 0 || strcmp(g->environment, environment) == 0) &&
            pattern_covers(g->repository, repository) && is_for(r, g, person))
            return true;
    }
    return false;
}

bool rights_hold(const struct rights *r, const char *person, enum role role, const char *environment,
                 const char *repository)
{
    bool needs_key = role != ROLE_VIEWER && role != ROLE_CONSUMER;
    if (rights_gone(r, person) || (needs_key && !rights_person(r, person)))
        return false;
    return people_has_role(&r->people, person, role) || granted(r, person, role, environment, repository);
}

static bool holds_somewhere(const struct rights *r, const char *person, enum role role)
{
    for (size_t i = 0; i < r->grant_count; i++)
        if (r->grants[i].role == role && is_for(r, &r->grants[i], person))
            return true;
    return people_has_role(&r->people, person, role);
}

const char *rights_conflict(const struct rights *r, const char *person, enum role role)
{
    static const enum role approvers[] = {ROLE_SECURITY_OFFICER, ROLE_PRODUCT_OWNER};
    for (size_t i = 0; i < sizeof approvers / sizeof *approvers; i++) {
        if (role == ROLE_PUBLISHER && holds_somewhere(r, person, approvers[i]))
            return role_name(approvers[i]);
        if (role == approvers[i] && holds_somewhere(r, person, ROLE_PUBLISHER))
            return role_name(ROLE_PUBLISHER);
    }
    return NULL;
}
