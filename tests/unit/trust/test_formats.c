/* What the writers make is what docs/formats shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "database.h"
#include "parser.h"
#include "trust/group.h"
#include "trust/token.h"
#include "trust/tuf.h"

#define ADDED 1795507200 /* 2026-11-24T08:00:00Z */

static void read_doc(const char *name, struct buf *out)
{
    struct err e = {0};
    char path[4096];
    const char *root = getenv("AIRLOCK_SOURCE");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/docs/formats/%s", root, name);
    if (file_read(AT_FDCWD, path, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static struct private_key *example_key(const char *name)
{
    struct err e = {0};
    auto_buf pem = BUF(16384);
    struct secret passphrase = {.text = "example", .len = 7};
    read_doc(name, &pem);
    struct private_key *k = private_key_unseal(buf_span(&pem), &passphrase, name, &e);
    if (!k)
        fail_msg("%s", e.msg);
    return k;
}

static void expect_doc(const char *name, struct buf *line)
{
    auto_buf golden = BUF(65536);
    read_doc(name, &golden);
    buf_add_byte(line, '\n');
    if (!span_equal(buf_span(line), buf_span(&golden)))
        fail_msg("%s holds\n%swanted\n%s", name, buf_str(&golden), buf_str(line));
}

static void a_person_record_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    auto_private_key contour = example_key("examples/example-contour.key");
    auto_private_key person = example_key("examples/example-person.key");
    auto_buf record = BUF(65536);

    assert_int_equal(
        person_record("alice", ROLE_SECURITY_OFFICER, private_key_public(person), contour, ADDED, &record, &e), 0);

    expect_doc("examples/person.intoto.json", &record);
}

static void the_golden_person_record_verifies(void **state)
{
    (void)state;
    struct err e = {0};
    auto_child parser = parser_start();
    auto_private_key contour = example_key("examples/example-contour.key");
    auto_buf pem = BUF(4096), record = BUF(65536);
    read_doc("examples/example-person.key.pub", &pem);
    read_doc("examples/person.intoto.json", &record);
    auto_public_key key = public_key_parse(buf_span(&pem), "example", &e);
    assert_non_null(key);
    struct person_row row = {
        .name = "alice", .role = "security-officer", .key_id = *public_key_id(key), .record = buf_span(&record)};
    struct person p;

    assert_int_equal(person_verify(parser, &row, private_key_public(contour), &p, &e), 0);

    assert_int_equal(p.role, ROLE_SECURITY_OFFICER);
    public_key_free(p.key);
}

static void the_word_for_a_station_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    struct test_db t;
    auto_private_key contour = example_key("examples/example-contour.key");
    auto_buf line = BUF(65536);
    struct digest fingerprint = digest_of(SPAN_LIT("an example"));
    test_db_open(&t);

    assert_int_equal(tuf_root_endorse(t.db, digest_hex(&fingerprint).text, contour, ADDED, &e), 0);
    assert_int_equal(db_trust_get(t.db, digest_hex(&fingerprint).text, "station.intoto.json", NULL, &line, &e), 0);

    expect_doc("examples/trust-root.intoto.json", &line);
    test_db_close(&t);
}

static void the_example_token_has_the_id_that_the_page_says(void **state)
{
    (void)state;
    auto_buf page = BUF(65536);
    struct digest hash;
    read_doc("token.md", &page);
    const char *at = strstr(buf_str(&page), "`airlock_AAEC");
    assert_non_null(at);

    assert_true(token_hash(span_of(at + 1, TOKEN_TEXT_SIZE - 1), &hash));

    assert_non_null(strstr(at, digest_hex(&hash).text));
}

static struct token example_token(void)
{
    struct token t = {.person = "clara",
                      .role = ROLE_CONSUMER,
                      .environment = "prod",
                      .repository = "team-*",
                      .created_s = ADDED,
                      .expires_s = ADDED + TOKEN_LIFE_DEFAULT_S,
                      .alone = true};
    assert_true(token_hash(SPAN_LIT("airlock_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), &t.hash));
    return t;
}

static void a_token_record_is_the_golden_one_and_verifies(void **state)
{
    (void)state;
    struct err e = {0};
    struct token t = example_token(), found;
    auto_child parser = parser_start();
    auto_private_key contour = example_key("examples/example-contour.key");
    auto_buf record = BUF(65536);
    assert_int_equal(token_record(&t, contour, &record, &e), 0);
    struct token_row row = {.hash = t.hash,
                            .person = "clara",
                            .role = "consumer",
                            .environment = "prod",
                            .created_s = t.created_s,
                            .expires_s = t.expires_s,
                            .repository = "team-*",
                            .record = buf_span(&record)};

    assert_int_equal(token_verify(parser, &row, private_key_public(contour), &found, &e), 0);
    assert_true(found.alone && found.role == ROLE_CONSUMER);

    expect_doc("examples/token.intoto.json", &record);
}

static void groups_grants_and_revocations_are_the_golden_ones(void **state)
{
    (void)state;
    struct group g = {.name = "readers", .made_s = ADDED};
    struct member m = {.id = "00112233445566aa", .group = "readers", .person = "clara", .added_s = ADDED};
    struct grant to = {.id = "00112233445566bb",
                       .role = ROLE_CONSUMER,
                       .to = "group:readers",
                       .environment = "prod",
                       .repository = "team-*",
                       .granted_s = ADDED};
    auto_buf group = BUF(4096), member = BUF(4096), grant = BUF(4096), revocation = BUF(4096);

    group_predicate(&g, &group);
    member_predicate(&m, &member);
    grant_predicate(&to, &grant);
    revocation_predicate("token", "clara", ADDED, &revocation);

    expect_doc("examples/group.json", &group);
    expect_doc("examples/group-member.json", &member);
    expect_doc("examples/grant.json", &grant);
    expect_doc("examples/revocation.json", &revocation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_record_is_the_golden_one),
        cmocka_unit_test(the_golden_person_record_verifies),
        cmocka_unit_test(the_word_for_a_station_is_the_golden_one),
        cmocka_unit_test(a_token_record_is_the_golden_one_and_verifies),
        cmocka_unit_test(groups_grants_and_revocations_are_the_golden_ones),
        cmocka_unit_test(the_example_token_has_the_id_that_the_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
