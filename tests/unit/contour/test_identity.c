/* Tokens, roles, groups and grants: who is who at this moment, and who may ask what of the HTTP surface. What rows say
 * counts for nothing: whoever can write state.db lets nobody in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "contour.h"
#include "contour/identity_change.h"
#include "store/db_release.h"

static struct test_contour t;
static struct private_key *keys[3];

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    contour_make(&t);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_non_null(keys[i] = private_key_new(KEY_ED25519, &e));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        private_key_free(keys[i]);
    contour_remove(&t);
    return 0;
}

#define must(call)                 \
    do {                           \
        struct err e = {0};        \
        if ((call) < 0)            \
            fail_msg("%s", e.msg); \
    } while (0)

/* `key` of this file's keys. */
static void person(const char *name, enum role r, size_t key)
{
    struct err e = {0};
    must(site_begin(t.site, &e));
    if (person_add(t.site->db, name, r, private_key_public(keys[key]), site_key(t.site, &e), t.site->now_s, &e) < 0 ||
        site_commit(t.site, NULL, NULL, &e) < 0)
        fail_msg("%s", e.msg);
}

static struct token wanted(const char *name, enum role r, const char *environment, const char *repository)
{
    struct token w = {.role = r, .expires_s = t.site->now_s + 3600};
    snprintf(w.person, sizeof w.person, "%s", name);
    snprintf(w.environment, sizeof w.environment, "%s", environment);
    snprintf(w.repository, sizeof w.repository, "%s", repository);
    return w;
}

static struct token_text give(const char *name, enum role r, const char *environment, const char *repository)
{
    struct token w = wanted(name, r, environment, repository);
    struct token_text text;
    must(token_give(t.site, &w, &text, &e));
    return text;
}

static void refuse(const char *name, enum role r, const char *environment, const char *repository)
{
    struct err e = {0};
    struct token_text text;
    struct token w = wanted(name, r, environment, repository);
    assert_int_equal(token_give(t.site, &w, &text, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
}

static struct grant grant(enum role r, const char *to, const char *environment, const char *repository)
{
    struct grant g = {.role = r};
    snprintf(g.to, sizeof g.to, "%s", to);
    snprintf(g.environment, sizeof g.environment, "%s", environment);
    snprintf(g.repository, sizeof g.repository, "%s", repository);
    must(grant_give(t.site, &g, &e));
    return g;
}

/* As a running server asks: 0, or -1 for nobody. */
static int who_at(const char *text, int64_t now_s, struct identity *out)
{
    struct err e = {0};
    struct token token;
    auto_rights r = {0};
    must(identity_rights(t.site, &r, &e));
    if (identity_token(t.site->db, site_parser(t.site, &e), t.site->public_key, span_str(text), &token, &e) == 0 &&
        identity_of_token(&token, &r, now_s, out, &e) == 0)
        return 0;
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "unknown, revoked or expired")); /* the same for all */
    return -1;
}

static int who(const struct token_text *text, struct identity *out)
{
    return who_at(text->text, t.site->now_s, out);
}

static void expect(const struct token_text *text, bool somebody)
{
    struct identity i;
    assert_int_equal(who(text, &i), somebody ? 0 : -1);
}

/* As somebody who can write the file, and has no key. */
static void attacker_writes(const char *sql)
{
    char path[160];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/contour/state.db", t.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

/* ── tokens ── */

static void a_token_is_a_person_a_role_an_environment_and_repositories(void **state)
{
    (void)state;
    struct identity i;
    struct token_text text = give("carol", ROLE_CONSUMER, "prod", "team-*");
    assert_int_equal(who(&text, &i), 0);
    assert_string_equal(i.person, "carol");
    assert_int_equal(i.role, ROLE_CONSUMER);
    assert_string_equal(i.environment, "prod");
    assert_true(identity_may(&i, ABILITY_ASK, "prod"));
    assert_false(identity_may(&i, ABILITY_ASK, "test"));
    assert_false(identity_may(&i, ABILITY_METRICS, NULL));
    assert_true(identity_may_use(&i, ABILITY_PULL, "prod", "team-a/model"));
    assert_false(identity_may_use(&i, ABILITY_PULL, "prod", "assistant"));
    assert_false(identity_may_use(&i, ABILITY_PULL, "test", "team-a"));
}

static void unknown_revoked_expired_and_empty_tokens_are_nobody(void **state)
{
    (void)state;
    struct identity i;
    struct token_text revoked = give("carol", ROLE_CONSUMER, "prod", "*"), late = give("carol", ROLE_VIEWER, "*", "*"),
                      unknown;
    struct digest hash;
    must(token_new(&unknown, &hash, &e));
    assert_true(token_hash(span_str(revoked.text), &hash));
    must(token_end(t.site, &hash, "carol", &e));
    expect(&revoked, false);
    expect(&unknown, false);
    assert_int_equal(who_at(late.text, t.site->now_s + 3599, &i), 0);
    assert_int_equal(who_at(late.text, t.site->now_s + 3600, &i), -1);
    assert_int_equal(who_at("", t.site->now_s, &i), -1);
    assert_int_equal(who_at("airlock_", t.site->now_s, &i), -1);
}

static void whoever_writes_rows_lets_nobody_in(void **state)
{
    (void)state;
    struct token_text text = give("carol", ROLE_VIEWER, "prod", "assistant");
    const char *const wider[] = {"UPDATE token SET role = 'engineer'", "UPDATE token SET environment = '*'",
                                 "UPDATE token SET repository = '*'",  "UPDATE token SET expires = 0",
                                 "UPDATE token SET person = 'sofia'",  "UPDATE token SET created = created + 1"};
    const char *const back[] = {"UPDATE token SET role = 'viewer'",          "UPDATE token SET environment = 'prod'",
                                "UPDATE token SET repository = 'assistant'", NULL,
                                "UPDATE token SET person = 'carol'",         "UPDATE token SET created = created - 1"};
    for (size_t i = 0; i < ARRAY_LEN(wider); i++) {
        char again[80];
        snprintf(again, sizeof again, "UPDATE token SET expires = %lld", (long long)t.site->now_s + 3600);
        attacker_writes(wider[i]);
        expect(&text, false);
        attacker_writes(back[i] ? back[i] : again);
        expect(&text, true);
    }
    /* A row for a token of the attacker's own, with the record of another. */
    attacker_writes("UPDATE token SET hash = randomblob(32)");
    expect(&text, false);
}

static void a_token_that_the_contour_did_not_sign_is_nobodys(void **state)
{
    (void)state;
    struct err e = {0};
    auto_private_key own = private_key_new(KEY_P256, &e);
    struct token forged = wanted("mallory", ROLE_VIEWER, "*", "*");
    struct token_text text;
    auto_buf record = BUF(16384);
    forged.alone = true;
    must(token_new(&text, &forged.hash, &e));
    must(token_record(&forged, own, &record, &e));
    struct token_row row = {.hash = forged.hash,
                            .person = "mallory",
                            .role = "viewer",
                            .environment = "*",
                            .expires_s = forged.expires_s,
                            .repository = "*",
                            .record = buf_span(&record)};
    must(db_begin(t.site->db, &e));
    must(db_token_add(t.site->db, &row, &e));
    must(db_commit(t.site->db, &e));
    expect(&text, false);
}

static void a_revocation_stands_when_its_rows_are_taken_away(void **state)
{
    (void)state;
    struct digest hash;
    struct token_text text = give("carol", ROLE_CONSUMER, "prod", "*");
    assert_true(token_hash(span_str(text.text), &hash));
    must(token_end(t.site, &hash, "carol", &e));

    attacker_writes("UPDATE token SET revoked = 0");
    expect(&text, false);
    attacker_writes("DELETE FROM evidence WHERE predicate_type = '" PREDICATE_REVOCATION "'");
    expect(&text, false); /* the ledger still says so … */

    auto_rights r = {0};
    must(identity_rights(t.site, &r, &e));
    assert_int_equal(r.refused, 1); /* … and that is found */
    assert_non_null(strstr(r.undone, "carol"));
}

/* ── the person behind it ── */

static void a_role_beyond_asking_is_for_who_holds_it(void **state)
{
    (void)state;
    refuse("sofia", ROLE_AUDITOR, "*", "*");
    person("sofia", ROLE_AUDITOR, 0);
    struct token_text text = give("sofia", ROLE_AUDITOR, "*", "*");
    expect(&text, true);
    refuse("sofia", ROLE_ENGINEER, "*", "*");
}

static void the_role_is_looked_at_when_the_token_is_used(void **state)
{
    (void)state;
    person("sofia", ROLE_AUDITOR, 0);
    struct token_text text = give("sofia", ROLE_AUDITOR, "*", "*");
    attacker_writes("UPDATE person SET revoked = 1");
    expect(&text, false);
    attacker_writes("UPDATE person SET revoked = 0");
    expect(&text, true);
}

static void withdraw(const char *name, size_t key)
{
    size_t tokens;
    auto_rights r = {0};
    auto_buf predicate = BUF(8192);
    struct digest id;
    must(identity_rights(t.site, &r, &e));
    must(site_begin(t.site, &e));
    must(person_withdrawal(&r.people, name, private_key_public(keys[key]), t.site->entry_s, &predicate, &e));
    must(site_evidence(t.site, name, public_key_id(private_key_public(keys[key])), PREDICATE_WITHDRAWAL, "", "",
                       buf_span(&predicate), &id, &e));
    must(db_person_revoke(t.site->db, name, &e));
    must(identity_end_all(t.site, name, &tokens, &e));
    must(site_commit(t.site, NULL, NULL, &e));
}

static void a_withdrawn_persons_tokens_stop_and_do_not_come_back_with_the_name(void **state)
{
    (void)state;
    must(group_make(t.site, "readers", &e));
    person("sofia", ROLE_AUDITOR, 0);
    must(group_put(t.site, "readers", "sofia", &e));
    grant(ROLE_ENGINEER, "sofia", "prod", "*");
    struct token_text one = give("sofia", ROLE_AUDITOR, "*", "*"), two = give("sofia", ROLE_CONSUMER, "prod", "*"),
                      three = give("sofia", ROLE_ENGINEER, "prod", "*");

    withdraw("sofia", 0);

    expect(&one, false);
    expect(&two, false);
    expect(&three, false);
    refuse("sofia", ROLE_VIEWER, "prod", "*");
    attacker_writes("UPDATE token SET revoked = 0");
    attacker_writes("UPDATE person SET revoked = 0");
    expect(&one, false);
    attacker_writes("UPDATE person SET revoked = 1");

    person("sofia", ROLE_AUDITOR, 1); /* another key, maybe another human being */
    expect(&one, false);
    expect(&two, false);
    auto_rights r = {0};
    must(identity_rights(t.site, &r, &e));
    assert_false(rights_member(&r, "readers", "sofia"));
    assert_int_equal(r.grant_count, 0);
}

/* ── groups and grants ── */

static void a_group_gives_its_role_to_who_is_in_it_and_while_they_are(void **state)
{
    (void)state;
    person("edda", ROLE_VIEWER, 0);
    must(group_make(t.site, "platform", &e));
    grant(ROLE_ENGINEER, "group:platform", "test", "team-*");
    refuse("edda", ROLE_ENGINEER, "test", "team-a");

    must(group_put(t.site, "platform", "edda", &e));
    struct token_text text = give("edda", ROLE_ENGINEER, "test", "team-a");
    expect(&text, true);
    refuse("edda", ROLE_ENGINEER, "prod", "team-a"); /* wider than the grant */
    refuse("edda", ROLE_ENGINEER, "*", "team-a");
    refuse("edda", ROLE_ENGINEER, "test", "*");

    must(group_leave(t.site, "platform", "edda", &e));
    expect(&text, false);
    must(group_put(t.site, "platform", "edda", &e));
    expect(&text, true);
}

static void a_grant_ends_with_its_withdrawal_and_rows_do_not_bring_it_back(void **state)
{
    (void)state;
    struct err e = {0};
    struct grant g, out;
    person("edda", ROLE_VIEWER, 0);
    g = grant(ROLE_ENGINEER, "edda", "*", "*");
    struct token_text text = give("edda", ROLE_ENGINEER, "test", "assistant");
    expect(&text, true);

    must(grant_end(t.site, g.id, &out, &e));
    assert_string_equal(out.to, "edda");
    expect(&text, false);

    attacker_writes("DELETE FROM evidence WHERE predicate_type = '" PREDICATE_REVOCATION "'");
    expect(&text, false);
    auto_rights r = {0};
    must(identity_rights(t.site, &r, &e));
    assert_int_equal(r.refused, 1);
    assert_non_null(strstr(r.undone, "edda"));
    assert_int_equal(grant_end(t.site, g.id, &out, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

/* The same signed text in another envelope is the same grant. */
static int another_envelope(void *arg, const struct evidence_row *row)
{
    struct buf *out = arg;
    buf_add_str(out, " ");
    buf_add_span(out, row->envelope);
    return 0;
}

static void an_ended_grant_in_a_new_envelope_is_ended_too(void **state)
{
    (void)state;
    struct grant out;
    person("edda", ROLE_VIEWER, 0);
    struct grant g = grant(ROLE_ENGINEER, "edda", "*", "*");
    struct token_text text = give("edda", ROLE_ENGINEER, "test", "*");
    must(grant_end(t.site, g.id, &out, &e));
    auto_buf envelope = BUF(65536);
    must(db_evidence_each(t.site->db, NULL, PREDICATE_GRANT, another_envelope, &envelope, &e));
    struct evidence_row row = {.id = digest_of(buf_span(&envelope)),
                               .subject = right_subject("edda"),
                               .predicate_type = PREDICATE_GRANT,
                               .environment = "",
                               .result = "",
                               .origin = "contour",
                               .envelope = buf_span(&envelope)};
    must(db_begin(t.site->db, &e));
    must(db_evidence_add(t.site->db, &row, &e));
    must(db_commit(t.site->db, &e));
    expect(&text, false);
}

static void a_grant_that_somebody_else_signed_gives_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    struct grant g = {
        .id = "0123456789abcdef", .role = ROLE_ENGINEER, .to = "edda", .environment = "*", .repository = "*"};
    auto_private_key own = private_key_new(KEY_P256, &e);
    auto_buf predicate = BUF(4096), envelope = BUF(65536);
    struct digest subject = right_subject("edda"), id;
    person("edda", ROLE_VIEWER, 0);
    grant_predicate(&g, &predicate);
    must(statement_sign("edda", &subject, PREDICATE_GRANT, buf_span(&predicate), own, &envelope, &id, &e));
    struct evidence_row row = {id, subject, PREDICATE_GRANT, "", "", "contour", 0, buf_span(&envelope)};
    must(db_begin(t.site->db, &e));
    must(db_evidence_add(t.site->db, &row, &e));
    must(db_commit(t.site->db, &e));

    refuse("edda", ROLE_ENGINEER, "test", "*");
    auto_rights r = {0};
    must(identity_rights(t.site, &r, &e));
    assert_int_equal(r.refused, 1);
}

static void approvers_do_not_publish(void **state)
{
    (void)state;
    struct err e = {0};
    auto_rights r = {0};
    person("robot", ROLE_PUBLISHER, 0);
    person("sofia", ROLE_SECURITY_OFFICER, 1);
    must(group_make(t.site, "pipeline", &e));
    grant(ROLE_PUBLISHER, "group:pipeline", "sandbox", "*");
    struct token_text text = give("robot", ROLE_PUBLISHER, "sandbox", "*");
    expect(&text, true);

    assert_int_equal(group_put(t.site, "pipeline", "sofia", &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "security-officer"));
    struct grant g = {.role = ROLE_PUBLISHER, .to = "sofia", .environment = "sandbox", .repository = "*"};
    assert_int_equal(grant_give(t.site, &g, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    must(identity_rights(t.site, &r, &e));
    assert_int_equal(identity_not_both(&r, "robot", ROLE_PRODUCT_OWNER, &e), -1);
    assert_int_equal(identity_not_both(&r, "robot", ROLE_ENGINEER, &e), 0);

    person("robot", ROLE_PRODUCT_OWNER, 0); /* behind the commands' back, and signed all the same */
    expect(&text, false);
}

static void grants_are_for_who_is_known_and_never_twice(void **state)
{
    (void)state;
    struct err e = {0};
    struct grant g = {.role = ROLE_ENGINEER, .to = "nobody", .environment = "prod", .repository = "*"};
    assert_int_equal(grant_give(t.site, &g, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    snprintf(g.to, sizeof g.to, "group:nobody");
    assert_int_equal(grant_give(t.site, &g, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(group_put(t.site, "nobody", "edda", &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    g = grant(ROLE_CONSUMER, "clara", "prod", "*"); /* who may ask needs no key */
    assert_int_equal(grant_give(t.site, &g, &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
    must(group_make(t.site, "readers", &e));
    assert_int_equal(group_make(t.site, "readers", &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
    must(group_put(t.site, "readers", "clara", &e));
    assert_int_equal(group_put(t.site, "readers", "clara", &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
}

/* ── patterns ── */

static void a_pattern_is_a_name_with_what_lies_below_or_a_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *repository;
        bool is;
    } cases[] = {{"*", "anything/at/all", true},
                 {"assistant", "assistant", true},
                 {"assistant", "assistant/model", true},
                 {"assistant", "assistant-2", false},
                 {"team-*", "team-a/b", true},
                 {"team-*", "team", false},
                 {"team-*", "teams", false},
                 {"", "assistant", false},
                 {"a/*", "a", false},
                 {"a/*", "a/b", true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (repository_matches(cases[i].pattern, cases[i].repository) != cases[i].is)
            fail_msg("%s %s", cases[i].pattern, cases[i].repository);
}

static void a_pattern_covers_what_is_narrower(void **state)
{
    (void)state;
    static const struct {
        const char *outer, *inner;
        bool is;
    } cases[] = {{"*", "*", true},           {"*", "a*", true},           {"team-*", "*", false},
                 {"team-*", "team-a", true}, {"team-*", "team-a*", true}, {"team-*", "team*", false},
                 {"a", "a", true},           {"a", "a/b", true},          {"a", "a/*", true},
                 {"a", "a*", false},         {"a", "ab", false},          {"a/*", "a", false},
                 {"a/b", "a", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (pattern_covers(cases[i].outer, cases[i].inner) != cases[i].is)
            fail_msg("%s %s", cases[i].outer, cases[i].inner);
    static const char *const wrong[] = {"", "A", "a**", "*a", "/a", "a/", "a//b", "../a", "a b", "a*b"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(pattern_is_right(wrong[i]));
    assert_true(pattern_is_right("team-*") && pattern_is_right("a/b.c_d") && pattern_is_right("*"));
}

/* ── the table: nine roles, what each may ask ── */

/* In the order of enum ability: see, pull, ask, metrics, push, own. */
static const char *const TABLE[ROLES] = {
    [ROLE_VIEWER] = "x-----",           [ROLE_CONSUMER] = "xxx--x",   [ROLE_PUBLISHER] = "x---xx",
    [ROLE_ENGINEER] = "xxxx-x",         [ROLE_DATA_OWNER] = "x-----", [ROLE_PRODUCT_OWNER] = "x-----",
    [ROLE_SECURITY_OFFICER] = "xx---x", [ROLE_AUDITOR] = "xx-x-x",    [ROLE_ADMINISTRATOR] = "---x--",
};

static void each_role_may_what_the_table_says(void **state)
{
    (void)state;
    for (unsigned r = 0; r < ROLES; r++) {
        assert_int_equal(strlen(TABLE[r]), ABILITIES);
        for (unsigned a = 0; a < ABILITIES; a++) {
            struct identity i = {.role = (enum role)r, .environment = "prod", .repository = "assistant"};
            bool may = TABLE[r][a] == 'x';
            if (identity_may(&i, (enum ability)a, NULL) != may || identity_may(&i, (enum ability)a, "prod") != may ||
                identity_may(&i, (enum ability)a, "test") ||
                identity_may_use(&i, (enum ability)a, "prod", "assistant") != may ||
                identity_may_use(&i, (enum ability)a, "prod", "other") ||
                identity_may_use(&i, (enum ability)a, "test", "assistant"))
                fail_msg("%s, ability %u: wanted %s", role_name((enum role)r), a, may ? "yes" : "no");
        }
    }
}

static void only_the_publisher_publishes_and_it_reads_nothing_of_others(void **state)
{
    (void)state;
    for (unsigned r = 0; r < ROLES; r++) {
        struct identity i = {.role = (enum role)r, .environment = "*", .repository = "*"};
        assert_int_equal(identity_may(&i, ABILITY_PUSH, "sandbox"), r == ROLE_PUBLISHER);
    }
    struct identity robot = {.role = ROLE_PUBLISHER, .environment = "*", .repository = "*"};
    assert_false(identity_may(&robot, ABILITY_PULL, "prod"));
}

#define RULE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_token_is_a_person_a_role_an_environment_and_repositories),
        RULE(unknown_revoked_expired_and_empty_tokens_are_nobody),
        RULE(whoever_writes_rows_lets_nobody_in),
        RULE(a_token_that_the_contour_did_not_sign_is_nobodys),
        RULE(a_revocation_stands_when_its_rows_are_taken_away),
        RULE(a_role_beyond_asking_is_for_who_holds_it),
        RULE(the_role_is_looked_at_when_the_token_is_used),
        RULE(a_withdrawn_persons_tokens_stop_and_do_not_come_back_with_the_name),
        RULE(a_group_gives_its_role_to_who_is_in_it_and_while_they_are),
        RULE(a_grant_ends_with_its_withdrawal_and_rows_do_not_bring_it_back),
        RULE(an_ended_grant_in_a_new_envelope_is_ended_too),
        RULE(a_grant_that_somebody_else_signed_gives_nothing),
        RULE(approvers_do_not_publish),
        RULE(grants_are_for_who_is_known_and_never_twice),
        cmocka_unit_test(a_pattern_is_a_name_with_what_lies_below_or_a_beginning),
        cmocka_unit_test(a_pattern_covers_what_is_narrower),
        cmocka_unit_test(each_role_may_what_the_table_says),
        cmocka_unit_test(only_the_publisher_publishes_and_it_reads_nothing_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
