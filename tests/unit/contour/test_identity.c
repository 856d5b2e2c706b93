/* Tokens and roles: who may ask what of the HTTP surface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "contour/identity.h"
#include "util/file.h"

#define NOW 1795000000

static char root[64];
static struct db *db;

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    snprintf(root, sizeof root, "/tmp/airlock-id-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    auto_fd dir = dir_open(AT_FDCWD, root, &e);
    db = db_make(dir, &e);
    return db ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err e = {0};
    db_close(db);
    return tree_remove(AT_FDCWD, root, &e);
}

static void give(const char *token, const char *role, const char *environment, int64_t expires_s, bool revoked)
{
    struct err e = {0};
    struct token_row row = {.hash = digest_of(span_str(token)),
                            .person = "carol",
                            .role = role,
                            .environment = environment,
                            .created_s = NOW - 10,
                            .expires_s = expires_s,
                            .revoked = revoked};
    if (db_begin(db, &e) < 0 || db_token_add(db, &row, &e) < 0 || db_commit(db, &e) < 0)
        fail_msg("%s", e.msg);
}

static int who(const char *token, struct identity *out)
{
    struct err e = {0};
    int result = identity_of_token(db, span_str(token), NOW, out, &e);
    assert_true(result == 0 || e.code == ERR_DENIED);
    return result;
}

static void a_token_is_a_person_a_role_and_an_environment(void **state)
{
    (void)state;
    struct identity i;
    give("good", "consumer", "prod", 0, false);
    assert_int_equal(who("good", &i), 0);
    assert_string_equal(i.person, "carol");
    assert_int_equal(i.role, ROLE_CONSUMER);
    assert_string_equal(i.environment, "prod");
    assert_true(identity_may(&i, ABILITY_ASK, "prod"));
    assert_false(identity_may(&i, ABILITY_ASK, "test"));
    assert_false(identity_may(&i, ABILITY_METRICS, NULL));
}

static void unknown_revoked_expired_and_empty_tokens_are_nobody(void **state)
{
    (void)state;
    struct identity i;
    give("revoked", "consumer", "prod", 0, true);
    give("expired", "consumer", "prod", NOW, false);
    give("odd", "emperor", "prod", 0, false);
    assert_int_equal(who("unknown", &i), -1);
    assert_int_equal(who("revoked", &i), -1);
    assert_int_equal(who("expired", &i), -1);
    assert_int_equal(who("odd", &i), -1);
    assert_int_equal(who("", &i), -1);
}

static void an_administrator_reads_no_prompts_and_pulls_nothing(void **state)
{
    (void)state;
    struct identity i;
    give("admin", "administrator", "*", 0, false);
    assert_int_equal(who("admin", &i), 0);
    assert_false(identity_may(&i, ABILITY_ASK, "prod"));
    assert_false(identity_may(&i, ABILITY_PULL, "prod"));
    assert_true(identity_may(&i, ABILITY_METRICS, NULL));
}

static void consumers_and_engineers_ask_and_nobody_else(void **state)
{
    (void)state;
    for (unsigned r = 0; r < ROLES; r++) {
        struct identity i = {.role = (enum role)r, .environment = "*"};
        assert_int_equal(identity_may(&i, ABILITY_ASK, "prod"), r == ROLE_CONSUMER || r == ROLE_ENGINEER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_a_person_a_role_and_an_environment),
        cmocka_unit_test(unknown_revoked_expired_and_empty_tokens_are_nobody),
        cmocka_unit_test(an_administrator_reads_no_prompts_and_pulls_nothing),
        cmocka_unit_test(consumers_and_engineers_ask_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
