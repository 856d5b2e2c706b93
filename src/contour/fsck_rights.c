/* Who may do what: each token's row against the record that the contour signed, revocations against their signatures,
 * and the ledger's entries about rights against what must lie in state.db because of them. */
#include <stdio.h>
#include <string.h>

#include "contour/fsck_internal.h"
#include "store/db_release.h"
#include "trust/group.h"
#include "trust/token.h"
#include "util/limits.h"

struct rights_check {
    struct checking *c;
    struct child *parser;
    struct rights rights;
};

static int check_token(void *arg, const struct token_row *row)
{
    struct rights_check *k = arg;
    struct token t;
    struct err why = {0};
    k->c->f->tokens++;
    if (!row->revoked && rights_ended(&k->rights, &row->hash))
        fsck_problem(k->c->f, "state.db, token %.12s of %.64s: it was revoked, and stands there as if not",
                     digest_hex(&row->hash).text, row->person);
    return fsck_part(k->c, token_verify(k->parser, row, k->c->s->public_key, &t, &why), "state.db, tokens", &why);
}

static int check_revocation(void *arg, const struct evidence_row *row)
{
    struct rights_check *k = arg;
    auto_statement s = {0};
    struct err why = {0};
    char what[100];
    snprintf(what, sizeof what, "state.db, revocation %.71s", digest_text(&row->id).text);
    const struct public_key *contour = k->c->s->public_key;
    int result = statement_verify(k->parser, row->envelope, &contour, 1, &row->subject, PREDICATE_REVOCATION, &s, &why);
    return fsck_part(k->c, result, what, &why);
}

/* What an entry says was made must be there still. */
static void check_entry_parts(struct rights_check *k, const json_t *j, uint64_t seq)
{
    struct err missing = {0};
    struct digest id;
    char token[8 + 64 + 1];
    struct token_row row;
    auto_buf bytes = BUF(LIMIT_JSON_BYTES);
    const char *action = json_get_string(j, "action", ""), *evidence = json_get_string(j, "evidence", NULL);
    if (strcmp(action, "token-new") == 0) {
        snprintf(token, sizeof token, "sha256:%.64s", json_get_string(j, "token", ""));
        if (digest_parse(span_str(token), &id, &missing) == 0 &&
            db_token_get(k->c->s->db, &id, &row, &bytes, &missing) < 0)
            fsck_problem(k->c->f, "state.db: the token %.12s of %.64s (ledger entry %llu) is gone", token + 7,
                         json_get_string(j, "person", "?"), (unsigned long long)seq);
    } else if (evidence && (strncmp(action, "group-", 6) == 0 || strcmp(action, "grant-add") == 0) &&
               digest_parse(span_str(evidence), &id, &missing) == 0 &&
               db_evidence_get(k->c->s->db, &id, &bytes, &missing) < 0) {
        fsck_problem(k->c->f, "state.db: the record of %.20s (%.71s, ledger entry %llu) is gone", action, evidence,
                     (unsigned long long)seq);
    }
}

static int check_entry(void *arg, uint64_t seq, struct span entry)
{
    struct err bad = {0};
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &bad);
    if (j)
        check_entry_parts(arg, j, seq);
    return 0;
}

static int check_all(struct rights_check *k, struct err *why)
{
    struct checking *c = k->c;
    if (fsck_rows(c, db_token_each(c->s->db, check_token, k, why), "state.db, tokens", why) < 0)
        return -1;
    int revocations = db_evidence_each(c->s->db, NULL, PREDICATE_REVOCATION, check_revocation, k, why);
    if (fsck_rows(c, revocations, "state.db, revocations", why) < 0)
        return -1;
    return fsck_rows(c, db_rights_each(c->s->db, check_entry, k, why), "state.db, ledger", why);
}

int fsck_rights(struct checking *c, struct child *parser)
{
    struct rights_check k = {.c = c, .parser = parser};
    struct err why = {0};
    if (rights_load(c->s->db, parser, c->s->public_key, &k.rights, &why) < 0)
        return fsck_part(c, -1, "state.db, people and rights", &why);
    if (k.rights.people.undone[0])
        fsck_problem(c->f, "state.db, people: %s", k.rights.people.undone);
    if (k.rights.undone[0])
        fsck_problem(c->f, "state.db, rights: %s", k.rights.undone);
    int result = check_all(&k, &why);
    rights_fini(&k.rights);
    return result;
}
