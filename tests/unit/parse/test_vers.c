/* Version ranges: what the suite of vers does not ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/vers.h"
#include "util/auto.h"

static void a_version_lies_in_a_range_as_its_bounds_say(void **state)
{
    (void)state;
    static const struct {
        const char *range, *version;
        char in; /* 'y', 'n', '?': not decided */
    } rows[] = {
        {"vers:deb/>=1.0|<2.0~", "1.5-1", 'y'},
        {"vers:deb/>=1.0|<2.0~", "2.0~rc1", 'n'},
        {"vers:deb/<1|>2", "1.5", 'n'},
        {"vers:deb/<1|>2", "3", 'y'},
        {"vers:deb/<1|>2|1.5", "1.5", 'y'},
        {"vers:deb/!=1", "1", 'n'},
        {"vers:deb/!=1", "2", 'y'},
        {"vers:deb/1|2", "3", 'n'},
        {"vers:npm/>=1.0.0|<1.2.0|>=1.3.0", "1.2.5", 'n'},
        {"vers:npm/*", "x", '?'},
        {"vers:pypi/>1.0|<=2.0", "2.0.0", 'y'},
        {"vers:pypi/>1.0|<=2.0", "1", 'n'},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        auto_vers v = {0};
        bool in = false;
        assert_int_equal(vers_parse(span_str(rows[i].range), &v, &e), 0);
        char found = !vers_contains(&v, span_str(rows[i].version), &in) ? '?' : in ? 'y' : 'n';
        if (found != rows[i].in)
            fail_msg("%s in %s: found %c", rows[i].version, rows[i].range, found);
    }
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "vers:",        "vers:deb",      "vers:deb/",
                                        "vers:x/1",   "vers:deb/1|",  "vers:deb/1||2", "vers:deb/*|1",
                                        "vers:deb/>", "vers:deb/%zz", "vers:deb/1%00", "vers:npm/>=1..2",
                                        "VERS:deb/1"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = {0};
        auto_vers v = {0};
        if (vers_parse(span_str(texts[i]), &v, &e) == 0)
            fail_msg("%s was read", texts[i]);
        assert_int_equal(e.code, ERR_INPUT);
        assert_null(v.constraints);
    }
}

static void a_native_range_is_read_as_its_ecosystem_writes_it(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *range, *wanted; /* NULL: refused */
    } rows[] = {
        {"pypi", "~=1.4.2, !=1.4.9", "vers:pypi/>=1.4.2|!=1.4.9|<1.5.dev0"},
        {"pypi", "==1.*", NULL},
        {"pypi", "~=1", NULL},
        {"gem", "~> 2.9", "vers:gem/>=2.9|<3"},
        {"gem", "~> 1.9.9", "vers:gem/>=1.9.9|<1.10"},
        {"gem", "^1", NULL},
        {"maven", "(,1.0],[1.2,2.0)", "vers:maven/<=1.0|>=1.2|<2.0"},
        {"maven", "[1.0", NULL},
        {"nuget", "[1.0]", "vers:nuget/1.0"},
        {"nuget", "1.0", "vers:nuget/>=1.0"},
        {"nuget", "[1.0,2.0],[3.0]", NULL},
        {"conan", "^0.0.3", "vers:conan/>=0.0.3|<0.0.4-"},
        {"conan", "~99", "vers:conan/>=99|<100-"},
        {"npm", "^0.0.3 || x", NULL}, /* "*" beside others is no text of vers; see below */
        {"npm", "1.2.3 -", NULL},
        {"rpm", "1", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        auto_vers v = {0};
        auto_buf out = BUF(4096);
        bool read =
            vers_from_native(span_str(rows[i].scheme), span_str(rows[i].range), &v, &e) == 0 && vers_sort(&v, &e) == 0;
        if (strcmp(rows[i].range, "^0.0.3 || x") == 0) {
            assert_true(read && v.count == 3);
            continue;
        }
        if (read != (rows[i].wanted != NULL))
            fail_msg("%s %s: %s", rows[i].scheme, rows[i].range, e.msg);
        if (!read)
            continue;
        vers_write(&v, &out);
        assert_string_equal(buf_str(&out), rows[i].wanted);
    }
}

static void npm_takes_a_prerelease_only_where_one_of_its_numbers_is_asked_for(void **state)
{
    (void)state;
    bool in = true;
    assert_true(vers_npm_contains(SPAN_LIT("^1.2.3-beta.1"), SPAN_LIT("1.2.3-beta.2"), &in) && in);
    assert_true(vers_npm_contains(SPAN_LIT("^1.2.3-beta.1"), SPAN_LIT("1.3.0-beta.2"), &in) && !in);
    assert_true(vers_npm_contains(SPAN_LIT("^1.2.3-beta.1 || 1.3.0-a - 2"), SPAN_LIT("1.3.0-beta.2"), &in) && in);
    assert_true(vers_npm_contains(SPAN_LIT("*"), SPAN_LIT("1.0.0-a"), &in) && !in);
    assert_false(vers_npm_contains(SPAN_LIT(">=1.y"), SPAN_LIT("1.0.0"), &in));
    assert_false(vers_npm_contains(SPAN_LIT("*"), SPAN_LIT("glorp"), &in));
}

static void the_operation_answers_each_line_of_versions_and_ranges(void **state)
{
    struct err e = {0};
    auto_buf reply = BUF(64), full = BUF(2);
    struct span lines =
        SPAN_LIT("1.2.3\t^1.0.0\n2.0.0\t^1.0.0\n1.2.3\t\n1.2.3\tlatest\nx\t*\n1.2.3 ^1\n\n1.0.0-a\t1.0.0-a || 2");
    (void)state;
    assert_int_equal(vers_npm_op(lines, SPAN_LIT(""), &reply, &e), 0);
    assert_true(span_equal(buf_span(&reply), SPAN_LIT("yny????y")));
    buf_clear(&reply);
    assert_int_equal(vers_npm_op(SPAN_LIT(""), SPAN_LIT(""), &reply, &e), 0);
    assert_int_equal(reply.len, 0);
    assert_int_equal(vers_npm_op(lines, SPAN_LIT(""), &full, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_lies_in_a_range_as_its_bounds_say),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(a_native_range_is_read_as_its_ecosystem_writes_it),
        cmocka_unit_test(npm_takes_a_prerelease_only_where_one_of_its_numbers_is_asked_for),
        cmocka_unit_test(the_operation_answers_each_line_of_versions_and_ranges),
    };
    return cmocka_run_group_tests_name("vers", tests, NULL, NULL);
}
