/* A passport decided anew, on a machine that has nothing but it, keys and a policy: its lines become the evidence that
 * a gate would look at, and the gate's own rules run over them. Hard rule: nothing here believes the closing verdict;
 * it only says for which environment, and whose key is the contour's. */
#include <stdlib.h>
#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "ship/release.h"
#include "ship/shipment.h"
#include "util/clock.h"

struct deciding {
    const struct passport_check *c;
    uint64_t contour;   /* keys that signed the closing verdict, as a set */
    uint64_t people;    /* keys that signed what people sign */
    uint64_t withdrawn; /* of those keys */
    struct evidence ev; /* statements are borrowed */
    struct buf *report;
    bool ok;
};

static void deciding_fini(struct deciding *d)
{
    free(d->ev.lines);
    free(d->ev.people.list);
    free(d->ev.people.gone);
}

static uint64_t withdrawn_keys(const struct passport_check *c)
{
    uint64_t set = 0;
    for (size_t i = 0; i < c->key_count; i++)
        for (size_t k = 0; k < c->withdrawn_count; k++)
            if (digest_equal(public_key_id(c->keys[i]), public_key_id(c->withdrawn[k])))
                set |= 1ULL << i;
    return set;
}

/* ── people: as they signed ── */

static bool of_person(const struct passport_line *line)
{
    return evidence_is_of_person(line->statement->predicate_type);
}

/* One key is one person, and the other way round: else two approvals could be one person's. */
static void check_keys(struct deciding *d, const struct passport_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = json_get_string(lines[i].statement->predicate, "person", "");
        for (size_t k = 0; of_person(&lines[i]) && k < i; k++) {
            if (!of_person(&lines[k]))
                continue;
            bool same_name = strcmp(name, json_get_string(lines[k].statement->predicate, "person", "")) == 0;
            bool same_key = lines[i].statement->signers & lines[k].statement->signers;
            if (same_name == same_key)
                continue;
            buf_printf(d->report, "lines %zu and %zu: %s\n", lines[k].number, lines[i].number,
                       same_key ? "one key signs for two people" : "one person signs with two keys");
            d->ok = false;
            return;
        }
    }
}

static void add_person(struct deciding *d, const struct evidence_line *line)
{
    struct people *p = &d->ev.people;
    struct person one = {.withdrawn_s = line->withdrawn_s};
    if (!role_parse(json_get_string(line->predicate, "role", ""), &one.role))
        return;
    snprintf(one.name, sizeof one.name, "%s", line->person);
    struct person *list = line->withdrawn_s ? p->gone : p->list;
    size_t *count = line->withdrawn_s ? &p->gone_count : &p->count;
    list[(*count)++] = one;
}

/* ── lines ── */

static void add_line(struct deciding *d, const struct passport_line *from)
{
    struct evidence_line *line = &d->ev.lines[d->ev.count++];
    *line = (struct evidence_line){.id = from->id, .statement = *from->statement, .result = "", .environment = ""};
    evidence_line_read(line);
    snprintf(line->row_type, sizeof line->row_type, "%s", line->type);
    if (from->statement->signers & d->contour) {
        line->signer = SIGNER_CONTOUR;
    } else if (of_person(from)) {
        line->signer = SIGNER_PERSON;
        snprintf(line->person, sizeof line->person, "%s", json_get_string(line->predicate, "person", ""));
        line->withdrawn_s = from->statement->signers & d->withdrawn ? d->c->at_s : 0;
        add_person(d, line);
    } else if (!(from->statement->signers & d->people)) {
        line->signer = SIGNER_STATION; /* a person's key makes no statement of a station */
    }
}

static void take_lines(struct deciding *d, const struct passport_line *lines, size_t count)
{
    d->ev.lines = calloc(count, sizeof *d->ev.lines);
    d->ev.people.list = calloc(count, sizeof *d->ev.people.list);
    d->ev.people.gone = calloc(count, sizeof *d->ev.people.gone);
    if (!d->ev.lines || !d->ev.people.list || !d->ev.people.gone)
        abort();
    for (size_t i = 0; i < count; i++)
        d->people |= of_person(&lines[i]) ? lines[i].statement->signers : 0;
    for (size_t i = 0; i + 1 < count; i++)
        add_line(d, &lines[i]);
}

/* ── the release, as far as a passport tells ── */

/* NAME:VERSION at the end of the verdict's resource. */
static void take_name(const json_t *closing, char name[160], struct release *out)
{
    const char *uri = json_get_string(closing, "resourceUri", ""), *version = strrchr(uri, ':'), *at = version;
    while (at && at > uri && at[-1] != ':')
        at--;
    snprintf(name, 160, "%.*s", at ? (int)(version - at) : 0, at ? at : "");
    out->name = name;
    out->version = (char *)(uintptr_t)(version ? version + 1 : "");
}

/* ID of "urn:airlock:contour:ID", the verifier. */
static void contour_of(const json_t *closing, char *out, size_t size)
{
    struct span id = span_str(json_get_string(json_object_get(closing, "verifier"), "id", ""));
    span_take_prefix(&id, SPAN_LIT("urn:airlock:contour:"));
    snprintf(out, size, "%.*s", (int)id.len, (const char *)id.ptr);
}

/* Engine and hardware are what the newest check ran; the rules hold the others against it. */
static void take_machine(const struct evidence *ev, struct release *release, struct hardware *host)
{
    struct err ignored = {0};
    const struct evidence_line *line = evidence_newest_ours(ev, PREDICATE_SILENCE, NULL);
    if (!line)
        line = evidence_newest_ours(ev, PREDICATE_TEST_RESULT, NULL);
    if (!line || json_need_digest(line->predicate, "engine", "", &release->engine.manifest, &ignored) < 0 ||
        hardware_id(line->predicate, &host->id, &ignored) < 0)
        return;
}

static void say_failed(struct deciding *d, const struct verdict *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (!v->reasons[i].ok)
            buf_printf(d->report, "decided anew, %s: %s\n", v->reasons[i].rule, v->reasons[i].text);
}

bool passport_decide(const struct passport_check *c, const struct passport_line *lines, size_t count,
                     struct buf *report)
{
    const json_t *closing = lines[count - 1].statement->predicate, *ours = json_object_get(closing, VERDICT_MEMBER);
    AUTO(deciding_fini) struct deciding d = {.c = c, .report = report, .ok = true, .withdrawn = withdrawn_keys(c)};
    struct err e = {0};
    struct release release = {.digest = lines[count - 1].statement->subject};
    char name[160], contour[64] = "";
    contour_of(closing, contour, sizeof contour);
    struct facts f = {.occasion = OCCASION_JUDGE,
                      .release = &release,
                      .policy = c->rules,
                      .ev = &d.ev,
                      .contour = contour,
                      .now_s = c->at_s,
                      .elsewhere = true};
    f.env = policy_environment(c->rules, json_get_string(ours, "environment", ""), &e);
    if (!f.env) {
        buf_printf(report, "the closing verdict names no environment: %s\n", e.msg);
        return false;
    }
    if (!gate_parse(json_get_string(ours, "gate", ""), &c->decided->gate)) {
        buf_printf(report, "the closing verdict names no gate\n");
        return false;
    }
    d.contour = lines[count - 1].statement->signers;
    take_lines(&d, lines, count);
    check_keys(&d, lines, count);
    take_name(closing, name, &release);
    take_machine(&d.ev, &release, &f.host);
    snprintf(c->decided->environment, sizeof c->decided->environment, "%s", f.env->name);
    c->decided->policy = c->rules->digest;
    rules_run(&f, c->decided);
    c->decided->passed &= d.ok;
    say_failed(&d, c->decided);
    return c->decided->passed;
}
