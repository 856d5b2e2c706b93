/* From signed records to what stands. Three passes: who the people are; what was ended, by the ledger's entries and by
 * the revocations that lie in state.db (either is enough, and needs no look at a signature: a forged one could only
 * take a right away, which whoever can write the file can do anyhow); then what was given and not ended, each record
 * verified. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_release.h"
#include "trust/group.h"
#include "util/limits.h"

struct loading {
    struct db *db;
    struct child *parser;
    const struct public_key *contour;
    struct rights *out;
    struct err *e;
};

static void refuse(struct rights *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct rights *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!r->undone[0])
        vsnprintf(r->undone, sizeof r->undone, format, args);
    va_end(args);
    r->refused++;
}

/* Room for one more, and where it goes. */
static void *grow(void *list, size_t count, size_t size)
{
    if (count & (count - 1)) /* grows at each power of two */
        return list;
    list = reallocarray(list, count ? 2 * count : 1, size);
    if (!list)
        abort();
    return list;
}

/* ── what was ended ── */

static void add_ended(struct rights *r, const struct digest *what)
{
    r->ended = grow(r->ended, r->ended_count, sizeof *r->ended);
    r->ended[r->ended_count++] = *what;
}

static int take_revocation(void *arg, const struct evidence_row *row)
{
    struct loading *l = arg;
    add_ended(l->out, &row->subject);
    return 0;
}

/* Of an entry that ends something: what, and by which revocation. */
static bool read_ending(const json_t *j, struct digest *what, struct digest *id)
{
    struct err ignored = {0};
    const char *action = json_get_string(j, "action", "");
    char token[8 + 64 + 1];
    if (digest_parse(span_str(json_get_string(j, "evidence", "")), id, &ignored) < 0)
        return false;
    if (strcmp(action, TOKEN_REVOKE) == 0) {
        snprintf(token, sizeof token, "sha256:%.64s", json_get_string(j, "token", ""));
        return digest_parse(span_str(token), what, &ignored) == 0;
    }
    *what = right_subject(json_get_string(j, "record", ""));
    return strcmp(action, GROUP_REMOVE) == 0 || strcmp(action, GRANT_WITHDRAW) == 0;
}

/* An entry whose signed revocation is gone ends all the same. */
static int take_entry(void *arg, uint64_t seq, struct span entry)
{
    struct loading *l = arg;
    struct err missing = {0};
    struct digest what, id;
    auto_buf envelope = BUF(LIMIT_JSON_BYTES);
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &missing);
    if (!j || !read_ending(j, &what, &id))
        return 0;
    if (db_evidence_get(l->db, &id, &envelope, &missing) < 0) {
        if (missing.code != ERR_NOTFOUND)
            return err_set(l->e, missing.code, missing.sys_errno, "%s", missing.msg);
        refuse(l->out, "%s of %.64s (%s, ledger entry %llu): the signed revocation is gone: somebody took it away",
               json_get_string(j, "action", ""), json_get_string(j, "person", json_get_string(j, "to", "?")),
               digest_text(&id).text, (unsigned long long)seq);
    }
    add_ended(l->out, &what);
    return 0;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

static int load_ended(struct loading *l)
{
    struct rights *r = l->out;
    if (db_evidence_each(l->db, NULL, PREDICATE_REVOCATION, take_revocation, l, l->e) < 0 ||
        db_rights_each(l->db, take_entry, l, l->e) < 0)
        return -1;
    if (r->ended_count)
        qsort(r->ended, r->ended_count, sizeof *r->ended, compare_digests);
    return 0;
}

/* ── what was given ── */

static int bad(const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s: a name or place in it is none", what);
}

static bool take_name(const json_t *j, const char *key, char out[65])
{
    const char *name = json_get_string(j, key, "");
    if (!person_name_is_right(name))
        return false;
    memcpy(out, name, strlen(name) + 1);
    return true;
}

static bool take_id(const json_t *j, char out[RIGHT_ID_SIZE])
{
    const char *id = json_get_string(j, "id", "");
    if (strlen(id) != RIGHT_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != RIGHT_ID_SIZE - 1)
        return false;
    memcpy(out, id, RIGHT_ID_SIZE);
    return true;
}

static int keep_group(struct rights *r, const json_t *j, struct err *e)
{
    struct group g = {0};
    if (json_need_time(j, "made", "group: ", &g.made_s, e) < 0)
        return -1;
    if (!take_name(j, "group", g.name))
        return bad("group", e);
    r->groups = grow(r->groups, r->group_count, sizeof g);
    r->groups[r->group_count++] = g;
    return 0;
}

static bool is_ended(const struct rights *r, const char *id)
{
    struct digest subject = right_subject(id);
    return rights_ended(r, &subject);
}

static int keep_member(struct rights *r, const json_t *j, struct err *e)
{
    struct member m = {0};
    if (json_need_time(j, "added", "group-member: ", &m.added_s, e) < 0)
        return -1;
    if (!take_id(j, m.id) || !take_name(j, "group", m.group) || !take_name(j, "person", m.person))
        return bad("group-member", e);
    if (is_ended(r, m.id))
        return 0;
    r->members = grow(r->members, r->member_count, sizeof m);
    r->members[r->member_count++] = m;
    return 0;
}

static int keep_grant(struct rights *r, const json_t *j, struct err *e)
{
    struct grant g = {0};
    const char *to = json_get_string(j, "to", ""), *environment = json_get_string(j, "environment", "");
    const char *repository = json_get_string(j, "repository", "");
    const char *name = strncmp(to, GROUP_MARK, sizeof GROUP_MARK - 1) == 0 ? to + sizeof GROUP_MARK - 1 : to;
    if (json_need_time(j, "granted", "grant: ", &g.granted_s, e) < 0)
        return -1;
    if (!take_id(j, g.id) || !role_parse(json_get_string(j, "role", ""), &g.role) || !person_name_is_right(name) ||
        strlen(environment) >= sizeof g.environment || !pattern_is_right(repository))
        return bad("grant", e);
    if (is_ended(r, g.id))
        return 0;
    snprintf(g.to, sizeof g.to, "%s", to);
    snprintf(g.environment, sizeof g.environment, "%s", environment);
    snprintf(g.repository, sizeof g.repository, "%s", repository);
    r->grants = grow(r->grants, r->grant_count, sizeof g);
    r->grants[r->grant_count++] = g;
    return 0;
}

static int keep(struct rights *r, const struct statement *s, struct err *e)
{
    if (strcmp(s->predicate_type, PREDICATE_GROUP) == 0)
        return keep_group(r, s->predicate, e);
    if (strcmp(s->predicate_type, PREDICATE_MEMBER) == 0)
        return keep_member(r, s->predicate, e);
    return keep_grant(r, s->predicate, e);
}

static int take_given(void *arg, const struct evidence_row *row)
{
    struct loading *l = arg;
    auto_statement s = {0};
    struct err wrong = {0};
    if (statement_verify(l->parser, row->envelope, &l->contour, 1, NULL, row->predicate_type, &s, &wrong) == 0 &&
        keep(l->out, &s, &wrong) == 0)
        return 0;
    if (wrong.code != ERR_INPUT && wrong.code != ERR_LIMIT)
        return err_set(l->e, wrong.code, wrong.sys_errno, "%s", wrong.msg);
    refuse(l->out, "%.64s %s does not verify: %.200s", row->predicate_type, digest_text(&row->id).text, wrong.msg);
    return 0;
}

static int load_given(struct loading *l)
{
    static const char *const types[] = {PREDICATE_GROUP, PREDICATE_MEMBER, PREDICATE_GRANT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (db_evidence_each(l->db, NULL, types[i], take_given, l, l->e) < 0)
            return -1;
    return 0;
}

int rights_load(struct db *db, struct child *parser, const struct public_key *contour, struct rights *out,
                struct err *e)
{
    struct err scratch = {0};
    *out = (struct rights){0};
    struct loading l = {.db = db, .parser = parser, .contour = contour, .out = out, .e = e ? e : &scratch};
    if (people_load(db, parser, contour, &out->people, e) == 0 && load_ended(&l) == 0 && load_given(&l) == 0)
        return 0;
    rights_fini(out);
    return -1;
}
