/* The rules about people: who asked, who approved, and whether what they approved is still what is there. */
#include <string.h>

#include "gate/rules.h"
#include "util/clock.h"

#define APPROVERS_MAX 32U

static bool is_request(const struct facts *f, const struct evidence_line *line)
{
    return line->predicate && line->signer == SIGNER_PERSON && strcmp(line->type, PREDICATE_REQUEST) == 0 &&
           strcmp(line->environment, f->env->name) == 0 &&
           strcmp(json_get_string(line->predicate, "contour", ""), f->contour) == 0;
}

/* Does the signer of this line hold the role? What a person signed before being withdrawn still carries what runs, for
 * a verdict was given over it; it carries no new decision. */
static bool signer_holds(const struct facts *f, const struct evidence_line *line, enum role r)
{
    if (!line->withdrawn_s)
        return people_has_role(&f->ev->people, line->person, r);
    return f->occasion == OCCASION_RUN && line->time_s <= line->withdrawn_s &&
           people_had_role(&f->ev->people, line->person, r);
}

static bool may_request(const struct facts *f, const struct evidence_line *line)
{
    return signer_holds(f, line, ROLE_ENGINEER) || signer_holds(f, line, ROLE_PRODUCT_OWNER);
}

bool rule_request(const struct facts *f, char *text, size_t size)
{
    for (size_t i = f->ev->count; i-- > 0;) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (!is_request(f, line) || !may_request(f, line))
            continue;
        snprintf(text, size, "%s asked for it (%s)", line->person, time_text(line->time_s).text);
        return true;
    }
    snprintf(text, size, "nobody has asked for it: airlock request %s:%s %s --key FILE", f->release->name,
             f->release->version, f->env->name);
    return false;
}

static bool has_asked(const struct facts *f, const char *person)
{
    for (size_t i = 0; i < f->ev->count; i++)
        if (is_request(f, &f->ev->lines[i]) && strcmp(f->ev->lines[i].person, person) == 0)
            return true;
    return false;
}

/* ── the evidence set of one approval ── */

static bool set_digest(const json_t *item, struct digest *out)
{
    return digest_from_hex(span_str(json_get_string(item, "sha256", "")), out);
}

static bool in_set(const json_t *set, const struct digest *id)
{
    size_t i;
    json_t *item;
    struct digest d;
    json_array_foreach((json_t *)set, i, item)
    {
        if (set_digest(item, &d) && digest_equal(&d, id))
            return true;
    }
    return false;
}

static const char *set_incomplete(const struct facts *f, const json_t *set, struct digest *missing)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)set, i, item)
    {
        if (!set_digest(item, missing))
            return "its evidence set is malformed";
        const struct evidence_line *line = evidence_find(f->ev, missing);
        if (!line || !line->predicate)
            return "an attestation that it was given over is gone";
    }
    return NULL;
}

/* Did it pass, by itself or by waivers? */
static bool counts_as_passed(const struct facts *f, const struct evidence_line *line)
{
    int64_t ends_s;
    char why[400];
    if (strcmp(line->result, "PASSED") == 0)
        return true;
    return strcmp(line->type, PREDICATE_SCAN) == 0 && scan_passes(f, line, &ends_s, why, sizeof why);
}

/* Was a check that this environment asks for among what the person saw, and had it passed? */
static bool saw_check(const struct facts *f, const json_t *set, const char *type, const char *environment)
{
    for (size_t i = 0; i < f->ev->count; i++) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (evidence_is_check(line) && strcmp(line->type, type) == 0 &&
            (!environment || strcmp(line->environment, environment) == 0) && in_set(set, &line->id) &&
            counts_as_passed(f, line))
            return true;
    }
    return false;
}

static const char *saw_too_little(const struct facts *f, const json_t *set)
{
    const uint32_t require = f->env->require;
    if (require & 1U << REQUIRE_SCAN && !saw_check(f, set, PREDICATE_SCAN, NULL))
        return "it was given before the scan passed";
    if (require & 1U << REQUIRE_TEST && !saw_check(f, set, PREDICATE_TEST_RESULT, f->env->before))
        return "it was given before the regression suite passed";
    if (require & 1U << REQUIRE_SILENCE && !saw_check(f, set, PREDICATE_SILENCE, f->env->before))
        return "it was given before the silence test passed";
    return NULL;
}

static const char *adverse_since(const struct facts *f, const json_t *set)
{
    for (size_t i = 0; i < f->ev->count; i++) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (evidence_is_check(line) && strcmp(line->result, "PASSED") != 0 && !in_set(set, &line->id))
            return strcmp(line->type, PREDICATE_SILENCE) == 0 ? "a silence test that did not pass was added since"
                   : strcmp(line->type, PREDICATE_SCAN) == 0  ? "a scan that did not pass was added since"
                                                              : "a regression run that did not pass was added since";
    }
    return NULL;
}

/* ── one approval ── */

struct approver {
    const struct evidence_line *line;
    enum role role;
    const char *void_because; /* NULL: it counts */
};

static bool is_reject(const struct approver *a)
{
    return strcmp(a->line->result, "APPROVE") != 0;
}

static const char *times_wrong(const struct facts *f, const struct evidence_line *line)
{
    int64_t created, end;
    struct err e;
    if (json_need_time(line->predicate, "timeCreated", "", &created, &e) < 0 ||
        json_need_time(line->predicate, "notAfter", "", &end, &e) < 0)
        return "it has no time or no end";
    if (end - created > (int64_t)f->env->approval_age_s)
        return "it lasts longer than the policy allows";
    if (f->occasion == OCCASION_RUN)
        return NULL; /* it was used while it was valid: the verdict says so */
    if (created > f->now_s)
        return "it is of the future";
    return end < f->now_s ? "it has expired" : NULL;
}

static const char *void_because(const struct facts *f, const struct approver *a)
{
    const json_t *p = a->line->predicate;
    struct digest missing;
    if (strcmp(json_get_string(p, "contour", ""), f->contour) != 0)
        return "it was given for another contour";
    if (strcmp(json_get_string(p, "person", ""), a->line->person) != 0)
        return "it names another person than its key";
    if (!signer_holds(f, a->line, a->role))
        return a->line->withdrawn_s ? "the person was withdrawn" : "the role is not this person's";
    if (is_reject(a))
        return NULL; /* a no needs nothing more */
    if (has_asked(f, a->line->person))
        return "whoever asks cannot approve";
    const json_t *set = json_object_get(p, "evidence");
    if (!json_is_array(set) || json_array_size(set) == 0)
        return "it names no evidence";
    const char *why = times_wrong(f, a->line);
    if (!why)
        why = set_incomplete(f, set, &missing);
    if (!why)
        why = saw_too_little(f, set);
    if (!why && f->occasion != OCCASION_RUN)
        why = adverse_since(f, set);
    return why;
}

/* The newest decision of each person in each role. */
static size_t collect(const struct facts *f, struct approver list[APPROVERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < f->ev->count; i++) {
        const struct evidence_line *line = &f->ev->lines[i];
        struct approver a = {.line = line};
        if (!line->predicate || line->signer != SIGNER_PERSON || strcmp(line->type, PREDICATE_APPROVAL) != 0 ||
            strcmp(line->environment, f->env->name) != 0 ||
            !role_parse(json_get_string(line->predicate, "role", ""), &a.role))
            continue;
        size_t at = 0;
        while (at < count && (list[at].role != a.role || strcmp(list[at].line->person, line->person) != 0))
            at++;
        if (at == count && count == APPROVERS_MAX)
            continue;
        if (at == count || line->time_s >= list[at].line->time_s)
            list[at] = a;
        count += at == count;
    }
    for (size_t i = 0; i < count; i++)
        list[i].void_because = void_because(f, &list[i]);
    return count;
}

/* Gives each role that is asked for a person of its own: persons are counted, not keys and not roles. */
static bool assign(const struct facts *f, const struct approver *list, size_t count, size_t role, uint32_t used,
                   const struct approver *chosen[POLICY_APPROVALS])
{
    if (role == f->env->approval_count)
        return true;
    for (size_t i = 0; i < count; i++) {
        bool free = !list[i].void_because && !is_reject(&list[i]) && list[i].role == f->env->approvals[role];
        for (size_t k = 0; free && k < count; k++)
            free = !(used & 1U << k) || strcmp(list[k].line->person, list[i].line->person) != 0;
        if (!free)
            continue;
        chosen[role] = &list[i];
        if (assign(f, list, count, role + 1, used | 1U << i, chosen))
            return true;
    }
    return false;
}

static void say_missing(const struct facts *f, const struct approver *list, size_t count, struct buf *out)
{
    buf_add_str(out, "wanted an approval of");
    for (size_t i = 0; i < f->env->approval_count; i++)
        buf_printf(out, "%s %s", i ? " and of a" : " a", role_name(f->env->approvals[i]));
    buf_add_str(out, f->env->approval_count > 1 ? ", different people; found" : "; found");
    if (count == 0)
        buf_add_str(out, " none");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s %s as %s%s%s", i ? "," : "", list[i].line->person, role_name(list[i].role),
                   list[i].void_because ? ", which does not count: " : "",
                   list[i].void_because ? list[i].void_because : "");
    buf_printf(out, ": airlock approve %s:%s --for %s --key FILE", f->release->name, f->release->version, f->env->name);
}

bool rule_approvals(const struct facts *f, char *text, size_t size)
{
    struct approver list[APPROVERS_MAX];
    const struct approver *chosen[POLICY_APPROVALS];
    size_t count = collect(f, list);
    auto_buf out = BUF(8192);
    bool ok = false;
    for (size_t i = 0; i < count; i++) {
        if (is_reject(&list[i]) && !list[i].void_because) {
            snprintf(text, size, "%s (%s) rejected it: %s", list[i].line->person, role_name(list[i].role),
                     json_get_string(list[i].line->predicate, "reason", "no reason given"));
            return false;
        }
    }
    if (assign(f, list, count, 0, 0, chosen)) {
        ok = true;
        buf_add_str(&out, "approved by");
        for (size_t i = 0; i < f->env->approval_count; i++)
            buf_printf(&out, "%s %s (%s)", i ? " and" : "", chosen[i]->line->person, role_name(chosen[i]->role));
    } else {
        say_missing(f, list, count, &out);
    }
    snprintf(text, size, "%.*s", (int)size - 1, buf_str(&out));
    return ok;
}
