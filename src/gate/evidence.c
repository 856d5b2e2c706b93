#include "gate/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "scan/vulns.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

/* More lines than a release gathers in years of daily tests. */
#define EVIDENCE_LINES_MAX 20000U

#define LONGEST_ENVELOPE (LIMIT_MESSAGE_BYTES / 2)

const char *signer_name(enum signer s)
{
    static const char *const names[] = {"nobody", "contour", "station", "person"};
    return names[s];
}

void evidence_fini(struct evidence *ev)
{
    for (size_t i = 0; i < ev->count; i++) {
        statement_fini(&ev->lines[i].statement);
        buf_fini(&ev->lines[i].envelope);
    }
    free(ev->lines);
    people_fini(&ev->people);
    *ev = (struct evidence){0};
}

struct row_copy {
    struct evidence *ev;
    bool all;                /* verdicts of gate deploy too */
    struct evidence *before; /* what was verified a moment ago, or NULL */
    struct err *e;
};

/* A line of contour or station that verified under the same keys; its bytes are those that its id names. */
static struct evidence_line *verified_before(const struct row_copy *copy, const struct evidence_row *row)
{
    for (size_t i = 0; copy->before && i < copy->before->count; i++) {
        struct evidence_line *line = &copy->before->lines[i];
        if (line->predicate && (line->signer == SIGNER_CONTOUR || line->signer == SIGNER_STATION) &&
            digest_equal(&line->id, &row->id) && strcmp(line->row_type, row->predicate_type) == 0)
            return line;
    }
    return NULL;
}

static bool is_of_run(const char *environment)
{
    return strncmp(environment, EVIDENCE_OF_RUN, strlen(EVIDENCE_OF_RUN)) == 0;
}

/* Row by row, without looking inside: the database must not be read while the parse process works. */
static int copy_row(void *arg, const struct evidence_row *row)
{
    struct row_copy *copy = arg;
    struct evidence *ev = copy->ev;
    if (!copy->all && is_of_run(row->environment))
        return 0;
    if (ev->count == EVIDENCE_LINES_MAX)
        return err_set(copy->e, ERR_LIMIT, 0, "more than %u attestations about one release", EVIDENCE_LINES_MAX);
    if (ev->count == ev->room) {
        size_t room = ev->room ? 2 * ev->room : 16;
        struct evidence_line *lines = realloc(ev->lines, room * sizeof *lines);
        if (!lines)
            abort();
        ev->lines = lines;
        ev->room = room;
    }
    struct evidence_line *line = &ev->lines[ev->count], *known = verified_before(copy, row);
    if (known) {
        *line = *known;
        *known = (struct evidence_line){0};
        ev->count++;
        return 0;
    }
    *line = (struct evidence_line){.id = row->id, .time_s = row->time_s, .envelope = BUF(LONGEST_ENVELOPE)};
    snprintf(line->row_type, sizeof line->row_type, "%s", row->predicate_type);
    line->result = line->environment = "";
    buf_add_span(&line->envelope, row->envelope);
    ev->count++;
    return buf_check(&line->envelope, "an attestation", copy->e);
}

/* Where each kind says how it ended and when; kinds that are not here say neither. */
static const struct kind {
    const char *type, *result, *time;
} KINDS[] = {
    {PREDICATE_SCAN, "result", "time"},
    {PREDICATE_TEST_RESULT, "result", "timeCreated"},
    {PREDICATE_SILENCE, "result", "started"},
    {PREDICATE_VSA, "verificationResult", "timeVerified"},
    {PREDICATE_APPROVAL, "decision", "timeCreated"},
    {PREDICATE_REQUEST, NULL, "timeCreated"},
    {PREDICATE_PROMOTION, NULL, "timeCreated"},
    {PREDICATE_RECEIPT, NULL, "received"},
    {PREDICATE_WAIVER, "decision", "timeCreated"},
    {PREDICATE_VULNS, NULL, "scanFinishedOn"}, /* of its member "metadata" */
};

static const char *environment_of(const json_t *predicate)
{
    const char *action = json_get_string(predicate, "action", "");
    if (strncmp(action, "promote:", 8) == 0)
        return action + 8;
    const json_t *ours = json_object_get(predicate, VERDICT_MEMBER);
    return json_get_string(ours ? ours : predicate, "environment", "");
}

void evidence_line_read(struct evidence_line *line)
{
    line->predicate = line->statement.predicate;
    line->type = line->statement.predicate_type;
    line->environment = environment_of(line->predicate);
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(KINDS[i].type, line->type) != 0)
            continue;
        if (KINDS[i].result)
            line->result = json_get_string(line->predicate, KINDS[i].result, "");
        const char *time = json_get_string(line->predicate, "timeCreated", NULL);
        if (!time)
            time = json_get_string(line->predicate, KINDS[i].time, NULL);
        if (!time)
            time = json_get_string(json_object_get(line->predicate, "metadata"), KINDS[i].time, "");
        if (!time_parse(span_str(time), &line->time_s))
            line->time_s = 0; /* the row's time is nobody's word */
    }
}

struct verifier {
    struct child *parser;
    const struct public_key *contour, *station; /* station may be NULL */
    const struct people *people;
    const struct digest *release;
};

static int verify_site_line(const struct verifier *v, struct evidence_line *line, struct err *e)
{
    const struct public_key *keys[] = {v->contour, v->station};
    if (statement_verify(v->parser, buf_span(&line->envelope), keys, v->station ? 2 : 1, v->release, line->row_type,
                         &line->statement, e) < 0)
        return -1;
    line->signer = line->statement.signers & 1 ? SIGNER_CONTOUR : SIGNER_STATION;
    return 0;
}

static int verify_person_line(const struct verifier *v, struct evidence_line *line, struct err *e)
{
    const struct person *p =
        people_signer(v->people, v->parser, buf_span(&line->envelope), v->release, line->row_type, &line->statement, e);
    if (!p)
        return -1;
    line->signer = SIGNER_PERSON;
    snprintf(line->person, sizeof line->person, "%s", p->name);
    line->withdrawn_s = p->withdrawn_s;
    return 0;
}

/* 0 also when the line is wrong: then its `problem` says so. -1 only when it could not be looked at. */
static int verify_line(const struct verifier *v, struct evidence_line *line, struct err *e)
{
    struct err wrong = {0};
    struct digest is = digest_of(buf_span(&line->envelope));
    bool of_person = evidence_is_of_person(line->row_type);
    if (!digest_equal(&is, &line->id)) {
        snprintf(line->problem, sizeof line->problem, "the bytes hash to %.19s…", digest_text(&is).text);
        return 0;
    }
    if ((of_person ? verify_person_line : verify_site_line)(v, line, &wrong) == 0) {
        evidence_line_read(line);
        return 0;
    }
    if (wrong.code != ERR_INPUT && wrong.code != ERR_DENIED && wrong.code != ERR_LIMIT)
        return err_set(e, wrong.code, wrong.sys_errno, "%s", wrong.msg);
    snprintf(line->problem, sizeof line->problem, "%.*s", (int)sizeof line->problem - 1, wrong.msg);
    return 0;
}

struct search {
    struct evidence *ev;
    bool all;
    struct digest_text release;
};

/* Each entry about the release that names an attestation: it must be there. Who takes the row of a failed test away has
 * not taken the entry away, and the ledger's own check finds it when they do. */
static int look_for_line(void *arg, uint64_t seq, int64_t time_s, struct span entry)
{
    struct search *search = arg;
    struct err ignored = {0};
    struct digest named;
    (void)time_s;
    if (!memmem(entry.ptr, entry.len, search->release.text, strlen(search->release.text)))
        return 0;
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &ignored);
    const char *id = json_get_string(j, "evidence", NULL);
    const char *release = json_get_string(j, "digest", json_get_string(j, "release", ""));
    if (!search->all && strcmp(json_get_string(j, "gate", ""), "deploy") == 0)
        return 0;
    if (!id || strcmp(release, search->release.text) != 0 || digest_parse(span_str(id), &named, &ignored) < 0 ||
        evidence_find(search->ev, &named))
        return 0;
    if (search->ev->missing++ == 0) {
        search->ev->first_missing = named;
        search->ev->first_missing_entry = seq;
    }
    return 0;
}

static int look_for_lines(struct site *s, const struct digest *release, bool all, struct evidence *ev, struct err *e)
{
    struct search search = {ev, all, digest_text(release)};
    return ledger_each(s->ledger, 0, INT64_MAX, look_for_line, &search, e);
}

static int verify_lines(struct site *s, struct child *parser, const struct public_key *station,
                        const struct digest *release, struct evidence *ev, struct err *e)
{
    struct verifier v = {parser, s->public_key, station, &ev->people, release};
    for (size_t i = 0; i < ev->count; i++) {
        struct evidence_line *line = &ev->lines[i];
        if (line->predicate) /* taken over */
            continue;
        line->type = line->row_type;
        if (verify_line(&v, line, e) < 0)
            return -1;
    }
    return 0;
}

static int load_with(struct site *s, const struct digest *release, bool all, struct public_key *station,
                     struct evidence *before, struct evidence *out, struct err *e)
{
    *out = (struct evidence){0};
    if (station)
        out->station = *public_key_id(station);
    bool same = before && digest_equal(&before->station, &out->station);
    struct row_copy copy = {out, all, same ? before : NULL, e};
    struct child *parser = site_parser(s, e);
    if (!parser || people_load(s->db, parser, s->public_key, &out->people, e) < 0 ||
        db_evidence_each(s->db, release, NULL, copy_row, &copy, e) < 0 || look_for_lines(s, release, all, out, e) < 0)
        return -1;
    return verify_lines(s, parser, station, release, out, e);
}

static int load(struct site *s, const struct digest *release, bool all, struct evidence *before, struct evidence *out,
                struct err *e)
{
    struct err absent = {0};
    struct public_key *station = release_station_key(s, release, &absent);
    *out = (struct evidence){0};
    if (!station && absent.code != ERR_NOTFOUND)
        return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    int result = load_with(s, release, all, station, before, out, e);
    public_key_free(station);
    return result;
}

int evidence_load(struct site *s, const struct digest *release, struct evidence *out, struct err *e)
{
    return load(s, release, false, NULL, out, e);
}

int evidence_load_all(struct site *s, const struct digest *release, struct evidence *out, struct err *e)
{
    return load(s, release, true, NULL, out, e);
}

int evidence_load_again(struct site *s, const struct digest *release, struct evidence *before, struct evidence *out,
                        struct err *e)
{
    return load(s, release, false, before, out, e);
}

const struct evidence_line *evidence_newest(const struct evidence *ev, const char *type, const char *environment)
{
    for (size_t i = ev->count; i-- > 0;) {
        const struct evidence_line *line = &ev->lines[i];
        if (line->predicate && strcmp(line->type, type) == 0 &&
            (!environment || strcmp(line->environment, environment) == 0))
            return line;
    }
    return NULL;
}

const struct evidence_line *evidence_newest_ours(const struct evidence *ev, const char *type, const char *environment)
{
    const struct evidence_line *newest = NULL;
    for (size_t i = 0; i < ev->count; i++) {
        const struct evidence_line *line = &ev->lines[i];
        if (line->predicate && line->signer == SIGNER_CONTOUR && strcmp(line->type, type) == 0 &&
            (!environment || strcmp(line->environment, environment) == 0) &&
            (!newest || line->time_s >= newest->time_s))
            newest = line;
    }
    return newest;
}

const struct evidence_line *evidence_find(const struct evidence *ev, const struct digest *id)
{
    for (size_t i = 0; i < ev->count; i++)
        if (digest_equal(&ev->lines[i].id, id))
            return &ev->lines[i];
    return NULL;
}

bool evidence_is_of_person(const char *type)
{
    return strcmp(type, PREDICATE_APPROVAL) == 0 || strcmp(type, PREDICATE_REQUEST) == 0 ||
           strcmp(type, PREDICATE_WAIVER) == 0;
}

bool evidence_needs_contour(const char *type)
{
    static const char *const ours[] = {PREDICATE_SCAN,      PREDICATE_SILENCE, PREDICATE_RECEIPT,
                                       PREDICATE_PROMOTION, PREDICATE_VSA,     PREDICATE_VULNS};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcmp(type, ours[i]) == 0)
            return true;
    return false;
}

bool evidence_is_check(const struct evidence_line *line)
{
    return line->predicate && line->signer == SIGNER_CONTOUR &&
           (strcmp(line->type, PREDICATE_SCAN) == 0 || strcmp(line->type, PREDICATE_TEST_RESULT) == 0 ||
            strcmp(line->type, PREDICATE_SILENCE) == 0);
}

static int compare_ids(const void *a, const void *b)
{
    return digest_compare(a, b);
}

/* Decisions are made over evidence and are not part of what is shown; the request is. */
static bool is_shown(const struct evidence_line *line, const char *environment)
{
    if (!line->predicate || strcmp(line->type, PREDICATE_VSA) == 0 || strcmp(line->type, PREDICATE_APPROVAL) == 0 ||
        strcmp(line->type, PREDICATE_PROMOTION) == 0)
        return false;
    return strcmp(line->type, PREDICATE_REQUEST) != 0 || strcmp(line->environment, environment) == 0;
}

void evidence_set(const struct evidence *ev, const char *environment, struct digest **ids, size_t *count)
{
    struct digest *list = calloc(ev->count ? ev->count : 1, sizeof *list);
    if (!list)
        abort();
    *count = 0;
    for (size_t i = 0; i < ev->count; i++)
        if (is_shown(&ev->lines[i], environment))
            list[(*count)++] = ev->lines[i].id;
    qsort(list, *count, sizeof *list, compare_ids);
    *ids = list;
}
