/* REF: it means exactly one thing, or is an error that says what it could mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contour.h"
#include "contour/ref.h"

static struct test_contour t;
static struct digest one, two;

static void ok(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    uint64_t first, second, number = 0;
    contour_make(&t);
    one = digest_of(SPAN_LIT("one"));
    two = digest_of(SPAN_LIT("two"));
    struct digest three = digest_of(SPAN_LIT("three"));
    struct shipment_row a = {.folder = "a", .station = "s", .sequence = 1},
                        b = {.folder = "b", .station = "s", .sequence = 2};
    ok(db_begin(t.site->db, &e), &e);
    ok(db_shipment_add(t.site->db, &a, &first, &e), &e);
    ok(db_shipment_add(t.site->db, &b, &second, &e), &e);
    struct release_row rows[] = {{.digest = one, .name = "assistant", .version = "v1.0.0", .shipment = first},
                                 {.digest = two, .name = "assistant", .version = "v1.1.0", .shipment = second},
                                 {.digest = three, .name = "other", .version = "v1.0.0", .shipment = second}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ok(db_release_add(t.site->db, &rows[i], &e), &e);
    struct pointer_row p = {
        .environment = "prod", .name = "assistant", .release = one, .action = "promote", .ledger_seq = number};
    ok(db_pointer_set(t.site->db, &p, &e), &e);
    ok(db_commit(t.site->db, &e), &e);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    contour_remove(&t);
    return 0;
}

static void means(const char *ref, const struct digest *wanted)
{
    struct release_row row;
    struct err e = {0};
    auto_buf names = BUF(1024);
    ok(ref_release(t.site, ref, &row, &names, &e), &e);
    assert_true(digest_equal(&row.digest, wanted));
}

static void is_refused(const char *ref, enum err_code code, const char *words)
{
    struct release_row row;
    struct err e = {0};
    auto_buf names = BUF(1024);
    assert_int_equal(ref_release(t.site, ref, &row, &names, &e), -1);
    if (e.code != code || !strstr(e.msg, words))
        fail_msg("%s: wanted \"%s\", found \"%s\" (%s)", ref, words, e.msg, err_code_name(e.code));
}

static void all_four_forms_are_understood(void **state)
{
    (void)state;
    auto_buf ref = BUF(256);
    buf_printf(&ref, "assistant@%s", digest_text(&two).text);
    means("assistant:v1.0.0", &one);
    means(buf_str(&ref), &two);
    means("prod/assistant", &one);
    means("shipment:1", &one);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    auto_buf ref = BUF(256);
    buf_printf(&ref, "other@%s", digest_text(&one).text);
    is_refused("assistant:v9.0.0", ERR_NOTFOUND, "no release assistant:v9.0.0");
    is_refused("test/assistant", ERR_NOTFOUND, "nothing called assistant stands in test");
    is_refused("shipment:7", ERR_NOTFOUND, "no shipment 7");
    is_refused(buf_str(&ref), ERR_NOTFOUND, "is assistant:v1.0.0, not");
}

static void a_shipment_of_several_releases_asks_which(void **state)
{
    (void)state;
    is_refused("shipment:2", ERR_USAGE, "assistant:v1.1.0, other:v1.0.0");
}

static void what_has_none_of_the_forms_is_wrong_usage(void **state)
{
    (void)state;
    is_refused("assistant", ERR_USAGE, "names no release");
    is_refused("", ERR_USAGE, "names no release");
    is_refused("assistant:1.0.0", ERR_USAGE, "names no release");
    is_refused("staging/assistant", ERR_USAGE, "is no environment");
    is_refused("assistant@sha256:00", ERR_USAGE, "names no release");
    is_refused("../assistant:v1.0.0", ERR_USAGE, "is no pointer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_four_forms_are_understood),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_shipment_of_several_releases_asks_which),
        cmocka_unit_test(what_has_none_of_the_forms_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
