/* People are what the contour signed, never what a row says: whoever can write state.db cannot make a person, give a
 * role or forge an approval (threats T11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "database.h"
#include "parser.h"
#include "store/db_release.h"
#include "trust/people.h"
#include "util/encode.h"

#define NOW 1795000000

static struct test_db t;
static struct child *parser;
static struct private_key *contour, *alice, *bob, *mallory;

static struct private_key *new_key(enum key_kind kind)
{
    struct err e = {0};
    struct private_key *k = private_key_new(kind, &e);
    assert_non_null(k);
    return k;
}

static int set_up(void **state)
{
    (void)state;
    parser = parser_start();
    contour = new_key(KEY_P256);
    alice = new_key(KEY_P256);
    bob = new_key(KEY_ED25519);
    mallory = new_key(KEY_ED25519);
    test_db_open(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_db_close(&t);
    private_key_free(contour);
    private_key_free(alice);
    private_key_free(bob);
    private_key_free(mallory);
    child_stop(parser);
    return 0;
}

static int add(const char *name, enum role r, const struct private_key *key, struct err *e)
{
    if (db_begin(t.db, e) < 0)
        return -1;
    auto_tx struct db *tx = t.db;
    if (person_add(tx, name, r, private_key_public(key), contour, NOW, e) < 0)
        return -1;
    return db_commit(t.db, e);
}

static void must_add(const char *name, enum role r, const struct private_key *key)
{
    struct err e = {0};
    if (add(name, r, key, &e) < 0)
        fail_msg("%s", e.msg);
}

static void load(struct people *p)
{
    struct err e = {0};
    if (people_load(t.db, parser, private_key_public(contour), p, &e) < 0)
        fail_msg("%s", e.msg);
}

static void expect_loaded(size_t count, size_t refused)
{
    auto_people p;
    load(&p);
    assert_int_equal(p.count, count);
    assert_int_equal(p.refused, refused);
}

static void a_person_comes_back_with_name_role_and_key(void **state)
{
    (void)state;
    must_add("bob", ROLE_SECURITY_OFFICER, bob);
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("alice", ROLE_ENGINEER, alice);

    auto_people p;
    load(&p);

    assert_int_equal(p.count, 3);
    assert_string_equal(p.list[0].name, "alice");
    assert_int_equal(p.list[0].role, ROLE_ENGINEER);
    assert_string_equal(p.list[2].name, "bob");
    assert_true(digest_equal(public_key_id(p.list[2].key), public_key_id(private_key_public(bob))));
    assert_true(people_has_role(&p, "alice", ROLE_PRODUCT_OWNER));
    assert_false(people_has_role(&p, "bob", ROLE_PRODUCT_OWNER));
}

static void one_key_belongs_to_one_person(void **state)
{
    (void)state;
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);

    assert_int_equal(add("carol", ROLE_SECURITY_OFFICER, alice, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(e.msg, "alice"));
    expect_loaded(1, 0);
}

static void a_role_is_given_once(void **state)
{
    (void)state;
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);

    assert_int_equal(add("alice", ROLE_PRODUCT_OWNER, alice, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
}

static void malformed_names_are_refused(void **state)
{
    (void)state;
    char long_name[70];
    memset(long_name, 'a', 65);
    long_name[65] = '\0';
    const char *const bad[] = {"",      "Alice", "1alice",       "-a",      "alice bob", "alice/..",
                               "al.ce", "a_b",   "\xd0\xb0lice", "alice\n", long_name};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        if (add(bad[i], ROLE_VIEWER, alice, &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(e.code, ERR_DENIED);
    }
}

static void names_that_look_alike_are_refused(void **state)
{
    (void)state;
    must_add("alice", ROLE_VIEWER, alice);
    must_add("arno-w", ROLE_VIEWER, bob);
    const char *const bad[] = {"a1ice", "allce", "al-ice", "alice-", "amo-w", "arno-vv", "arn0w"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        if (add(bad[i], ROLE_VIEWER, mallory, &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(e.code, ERR_DENIED);
    }
    must_add("alina", ROLE_VIEWER, mallory);
}

/* ── whoever can write state.db ── */

static void changing_the_role_in_the_row_gives_no_role(void **state)
{
    (void)state;
    must_add("alice", ROLE_VIEWER, alice);

    attacker_writes(&t, "UPDATE person SET role = 'security-officer' WHERE name = 'alice'", (struct span){0});

    auto_people p;
    load(&p);
    assert_false(people_has_role(&p, "alice", ROLE_SECURITY_OFFICER));
    assert_int_equal(p.refused, 1);
}

static void changing_name_or_key_in_the_row_refuses_the_row(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("bob", ROLE_SECURITY_OFFICER, bob);

    attacker_writes(&t, "UPDATE person SET name = 'carol' WHERE name = 'alice'", (struct span){0});
    attacker_writes(&t, "UPDATE person SET key_id = randomblob(32) WHERE name = 'bob'", (struct span){0});

    expect_loaded(0, 2);
}

static void exchanging_two_records_refuses_both(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("bob", ROLE_SECURITY_OFFICER, bob);

    attacker_writes(
        &t, "UPDATE person SET record = o.record FROM (SELECT name, record FROM person) o WHERE o.name <> person.name",
        (struct span){0});

    expect_loaded(0, 2);
}

/* A record as mallory would make it: right in every way but for the key that signed it. */
static void insert_own_person(const char *name, enum role r, const struct private_key *key,
                              const struct private_key *signer)
{
    struct err e = {0};
    auto_buf record = BUF(16384), sql = BUF(1024);
    assert_int_equal(person_record(name, r, private_key_public(key), signer, NOW, &record, &e), 0);
    buf_printf(&sql, "INSERT INTO person VALUES('%s', '%s', x'%s', %d, 0, ?1)", name, role_name(r),
               digest_hex(public_key_id(private_key_public(key))).text, NOW);
    attacker_writes(&t, buf_str(&sql), buf_span(&record));
}

static void a_person_who_signs_their_own_record_is_nobody(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);

    insert_own_person("mallory", ROLE_SECURITY_OFFICER, mallory, mallory);

    expect_loaded(1, 1);
}

static void a_person_cannot_sign_a_role_for_another(void **state)
{
    (void)state;
    must_add("alice", ROLE_ADMINISTRATOR, alice);

    insert_own_person("mallory", ROLE_SECURITY_OFFICER, mallory, alice);

    expect_loaded(1, 1);
}

static void a_person_of_another_contour_is_nobody_here(void **state)
{
    (void)state;
    auto_private_key elsewhere = new_key(KEY_P256);

    insert_own_person("carol", ROLE_SECURITY_OFFICER, bob, elsewhere);

    expect_loaded(0, 1);
}

static void a_statement_of_the_contour_about_something_else_makes_no_person(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf record = BUF(16384), sql = BUF(1024), pem = BUF(1024), predicate = BUF(4096);
    struct json_out w;
    assert_int_equal(public_key_pem(private_key_public(mallory), &pem, &e), 0);
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_string(&w, "name", "mallory");
    json_put_string(&w, "role", "security-officer");
    json_put_string(&w, "key", buf_str(&pem));
    json_out_object_end(&w);
    assert_int_equal(statement_sign("mallory", public_key_id(private_key_public(mallory)), PREDICATE_SCAN,
                                    buf_span(&predicate), contour, &record, NULL, &e),
                     0);
    buf_printf(&sql, "INSERT INTO person VALUES('mallory', 'security-officer', x'%s', 1, 0, ?1)",
               digest_hex(public_key_id(private_key_public(mallory))).text);

    attacker_writes(&t, buf_str(&sql), buf_span(&record));

    expect_loaded(0, 1);
}

static void a_key_that_comes_under_two_names_is_nobodys(void **state)
{
    (void)state;
    insert_own_person("alice", ROLE_PRODUCT_OWNER, alice, contour); /* an old record, put back … */
    insert_own_person("carol", ROLE_SECURITY_OFFICER, alice, contour);

    expect_loaded(0, 2);
}

static void a_revoked_person_is_left_out(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    attacker_writes(&t, "UPDATE person SET revoked = 1", (struct span){0});

    expect_loaded(0, 0);
}

static int dead_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply;
    return err_set(e, ERR_UNDECIDED, 0, "the parse process died");
}

static void a_dead_parser_is_an_error_and_no_empty_list(void **state)
{
    (void)state;
    static const struct child_op dead[] = {{"dsse", dead_op}};
    struct people p;
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);

    child_use_inline(dead, 1);
    int result = people_load(t.db, parser, private_key_public(contour), &p, &e);
    child_use_inline(TEST_OPS, ARRAY_LEN(TEST_OPS));

    assert_int_equal(result, -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_int_equal(p.count, 0);
}

/* ── one key, and withdrawn ── */

static void a_person_with_a_key_gets_no_second(void **state)
{
    (void)state;
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);

    assert_int_equal(add("alice", ROLE_AUDITOR, mallory, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(e.msg, "alice has the key"));
    must_add("alice", ROLE_AUDITOR, alice);
    must_add("mallory", ROLE_AUDITOR, mallory);
}

/* As `person withdraw` does it, without the ledger's entry. */
static void withdraw(const char *name, const struct private_key *key)
{
    struct err e = {0};
    auto_people p;
    auto_buf predicate = BUF(8192), line = BUF(65536);
    const struct digest *subject = public_key_id(private_key_public(key));
    struct evidence_row row = {.subject = *subject,
                               .predicate_type = PREDICATE_WITHDRAWAL,
                               .environment = "",
                               .result = "",
                               .origin = "contour",
                               .time_s = NOW};
    load(&p);
    assert_int_equal(person_withdrawal(&p, name, private_key_public(key), NOW, &predicate, &e), 0);
    assert_int_equal(
        statement_sign(name, subject, PREDICATE_WITHDRAWAL, buf_span(&predicate), contour, &line, &row.id, &e), 0);
    row.envelope = buf_span(&line);
    assert_int_equal(db_begin(t.db, &e), 0);
    assert_int_equal(db_evidence_add(t.db, &row, &e), 0);
    assert_int_equal(db_person_revoke(t.db, name, &e), 0);
    assert_int_equal(db_commit(t.db, &e), 0);
}

static void a_withdrawn_person_holds_nothing_and_is_remembered(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("alice", ROLE_AUDITOR, alice);
    must_add("bob", ROLE_ENGINEER, bob);
    withdraw("alice", alice);

    auto_people p;
    load(&p);

    assert_int_equal(p.count, 1);
    assert_int_equal(p.gone_count, 2);
    assert_int_equal(p.gone[0].withdrawn_s, NOW);
    assert_int_equal(p.refused, 0);
    assert_false(people_has_role(&p, "alice", ROLE_AUDITOR));
    assert_true(people_had_role(&p, "alice", ROLE_AUDITOR));
    assert_false(people_had_role(&p, "bob", ROLE_ENGINEER));
}

static void a_row_put_back_does_not_undo_a_withdrawal(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    withdraw("alice", alice);
    attacker_runs(&t, "UPDATE person SET revoked = 0");

    auto_people p;
    load(&p);

    assert_int_equal(p.count, 0);
    assert_int_equal(p.refused, 1);
    assert_non_null(strstr(p.undone, "alice is withdrawn"));
}

static void a_withdrawn_name_may_have_a_new_key(void **state)
{
    (void)state;
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    withdraw("alice", alice);
    must_add("alice", ROLE_PRODUCT_OWNER, mallory);

    auto_people p;
    load(&p);

    assert_int_equal(p.count, 1);
    assert_int_equal(p.refused, 0);
    assert_true(digest_equal(public_key_id(p.list[0].key), public_key_id(private_key_public(mallory))));
    assert_true(digest_equal(public_key_id(p.gone[0].key), public_key_id(private_key_public(alice))));
}

/* ── who signed ── */

static struct digest release(void)
{
    return digest_of(SPAN_LIT("release"));
}

static void approve(const struct private_key *by, struct buf *line)
{
    struct err e = {0};
    struct digest d = release();
    assert_int_equal(
        statement_sign("assistant:v1.0.0", &d, PREDICATE_APPROVAL, SPAN_LIT("{\"for\":\"prod\"}"), by, line, NULL, &e),
        0);
}

static const struct person *who_signed(struct people *p, struct buf *line, struct err *e)
{
    struct digest d = release();
    auto_statement s = {0};
    return people_signer(p, parser, buf_span(line), &d, PREDICATE_APPROVAL, &s, e);
}

static void an_approval_belongs_to_the_person_whose_key_signed(void **state)
{
    (void)state;
    auto_buf line = BUF(4096);
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("bob", ROLE_SECURITY_OFFICER, bob);
    approve(bob, &line);

    auto_people p;
    load(&p);
    const struct person *who = who_signed(&p, &line, &e);

    assert_non_null(who);
    assert_string_equal(who->name, "bob");
}

static void an_approval_for_another_digest_or_of_another_kind_is_refused(void **state)
{
    (void)state;
    auto_buf line = BUF(4096);
    struct err e = {0};
    struct digest other = digest_of(SPAN_LIT("other")), d = release();
    auto_statement s = {0};
    must_add("bob", ROLE_SECURITY_OFFICER, bob);
    approve(bob, &line);
    auto_people p;
    load(&p);

    assert_null(people_signer(&p, parser, buf_span(&line), &other, PREDICATE_APPROVAL, &s, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(people_signer(&p, parser, buf_span(&line), &d, PREDICATE_REQUEST, &s, &e));
    assert_int_equal(e.code, ERR_INPUT);
}

static void whoever_writes_state_db_cannot_forge_an_approval(void **state)
{
    (void)state;
    auto_buf line = BUF(4096);
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("bob", ROLE_SECURITY_OFFICER, bob);
    approve(mallory, &line);

    /* every way in which rows alone could make mallory's signature count */
    insert_own_person("mallory", ROLE_SECURITY_OFFICER, mallory, mallory);
    auto_buf sql = BUF(1024);
    buf_printf(&sql, "UPDATE person SET key_id = x'%s' WHERE name = 'bob'",
               digest_hex(public_key_id(private_key_public(mallory))).text);
    attacker_writes(&t, buf_str(&sql), (struct span){0});

    auto_people p;
    load(&p);
    assert_null(who_signed(&p, &line, &e));
    assert_int_equal(e.code, ERR_DENIED);
    assert_int_equal(p.refused, 2);
}

/* The "sig" member of an envelope as statement_sign writes it. */
static struct span signature_member(struct buf *line)
{
    const char *at = strstr(buf_str(line), "{\"keyid\"");
    assert_non_null(at);
    return span_of(at, strcspn(at, "}") + 1);
}

static void an_approval_that_two_people_signed_together_is_refused(void **state)
{
    (void)state;
    auto_buf one = BUF(4096), two = BUF(4096), both = BUF(8192);
    struct err e = {0};
    must_add("alice", ROLE_PRODUCT_OWNER, alice);
    must_add("bob", ROLE_SECURITY_OFFICER, bob);
    approve(alice, &one);
    approve(bob, &two);
    struct span all = buf_span(&one);
    buf_add_span(&both, span_of(all.ptr, all.len - 2)); /* without ]} */
    buf_add_byte(&both, ',');
    buf_add_span(&both, signature_member(&two));
    buf_add_str(&both, "]}");

    auto_people p;
    load(&p);
    assert_null(who_signed(&p, &both, &e));
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "more than one"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_person_with_a_key_gets_no_second),
        T(a_withdrawn_person_holds_nothing_and_is_remembered),
        T(a_row_put_back_does_not_undo_a_withdrawal),
        T(a_withdrawn_name_may_have_a_new_key),
        T(a_person_comes_back_with_name_role_and_key),
        T(one_key_belongs_to_one_person),
        T(a_role_is_given_once),
        T(malformed_names_are_refused),
        T(names_that_look_alike_are_refused),
        T(changing_the_role_in_the_row_gives_no_role),
        T(changing_name_or_key_in_the_row_refuses_the_row),
        T(exchanging_two_records_refuses_both),
        T(a_person_who_signs_their_own_record_is_nobody),
        T(a_person_cannot_sign_a_role_for_another),
        T(a_person_of_another_contour_is_nobody_here),
        T(a_statement_of_the_contour_about_something_else_makes_no_person),
        T(a_key_that_comes_under_two_names_is_nobodys),
        T(a_revoked_person_is_left_out),
        T(a_dead_parser_is_an_error_and_no_empty_list),
        T(an_approval_belongs_to_the_person_whose_key_signed),
        T(an_approval_for_another_digest_or_of_another_kind_is_refused),
        T(whoever_writes_state_db_cannot_forge_an_approval),
        T(an_approval_that_two_people_signed_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
