/* The rules of each ecosystem that the corpus holds few lines of, and dpkg itself as a witness. */
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "parse/version.h"
#include "util/auto.h"

struct row {
    enum version_type type;
    const char *a;
    char order; /* '!': one of them is no version */
    const char *b;
};

static char symbol(enum version_type type, const char *a, const char *b)
{
    int order = 0;
    if (!version_compare(type, span_str(a), span_str(b), &order))
        return '!';
    return order < 0 ? '<' : order > 0 ? '>' : '=';
}

static void each_row(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char found = symbol(rows[i].type, rows[i].a, rows[i].b);
        if (found != rows[i].order)
            fail_msg("%s: %s %c %s: found %c", version_type_name(rows[i].type), rows[i].a, rows[i].order, rows[i].b,
                     found);
        char back = symbol(rows[i].type, rows[i].b, rows[i].a);
        assert_true(back == (found == '<' ? '>' : found == '>' ? '<' : found));
    }
}

static void a_type_is_found_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"deb",   "apk",   "rpm", "pypi",  "npm",     "golang",
                                        "maven", "cargo", "gem", "nuget", "composer"};
    enum version_type type;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(version_type_named(span_str(names[i]), &type));
        assert_string_equal(version_type_name(type), names[i]);
    }
    assert_false(version_type_named(SPAN_LIT("DEB"), &type));
    assert_false(version_type_named(SPAN_LIT(""), &type));
    assert_false(version_type_named(SPAN_LIT("generic"), &type));
}

static void what_is_no_version_has_no_order_and_is_named(void **state)
{
    (void)state;
    int order = 0;
    assert_false(version_compare(VERSION_PYPI, SPAN_LIT("x"), SPAN_LIT("1"), &order));
    assert_int_equal(order, 1);
    assert_false(version_compare(VERSION_PYPI, SPAN_LIT("1"), SPAN_LIT("x"), &order));
    assert_int_equal(order, 2);
    assert_false(version_compare(VERSION_DEB, (struct span){0}, SPAN_LIT("1"), &order));
    for (int type = 0; type < VERSION_TYPES; type++)
        assert_false(version_valid((enum version_type)type, (struct span){0}));
}

static void a_text_longer_than_any_version_is_none(void **state)
{
    (void)state;
    char text[VERSION_LENGTH_MAX + 1];
    memset(text, '1', sizeof(text));
    for (int type = 0; type < VERSION_TYPES; type++) {
        bool numbers = type != VERSION_DATETIME && type != VERSION_OPENSSL;
        assert_int_equal(version_valid((enum version_type)type, span_of(text, VERSION_LENGTH_MAX)), numbers);
        assert_false(version_valid((enum version_type)type, span_of(text, VERSION_LENGTH_MAX + 1)));
    }
}

static void debian_versions_follow_deb_version_7(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_DEB, "1.0~rc1", '<', "1.0"},    {VERSION_DEB, "1.0", '<', "1.0+b1"},
        {VERSION_DEB, "1:0.1", '>', "9.9"},      {VERSION_DEB, "01:1", '=', "1:1"},
        {VERSION_DEB, "1.0-0", '=', "1.0"},      {VERSION_DEB, "1.0a", '<', "1.0+"},
        {VERSION_DEB, "1~~", '<', "1~~a"},       {VERSION_DEB, "2147483647:1", '>', "1"},
        {VERSION_DEB, "2147483648:1", '!', "1"}, {VERSION_DEB, "x:1", '!', "1"},
        {VERSION_DEB, ":1", '!', "1"},           {VERSION_DEB, "1:", '!', "1"},
        {VERSION_DEB, "1-", '!', "1"},           {VERSION_DEB, "a1", '!', "1"},
        {VERSION_DEB, "1 0", '!', "1"},          {VERSION_DEB, "1_0", '!', "1"},
        {VERSION_DEB, "1:2:3", '>', "1:2"},      {VERSION_DEB, "1-2-3", '>', "1-1-9"},
        {VERSION_DEB, "1-1:2", '!', "1"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

/* Exit status of dpkg with these arguments, -1 where there is no dpkg. */
static int dpkg(const char *a, const char *op, const char *b)
{
    extern char **environ;
    const char *const argv[] = {"dpkg", "--compare-versions", a, op, b, NULL};
    int status = 0;
    pid_t pid;
    if (posix_spawn(&pid, "/usr/bin/dpkg", NULL, NULL, (char *const *)argv, environ) != 0)
        return -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void debian_versions_stand_as_dpkg_says(void **state)
{
    (void)state;
    static const char *const texts[] = {"1",        "1.0",       "1.0-1",   "1.0-0", "1.0~",  "1.0~rc1-2",
                                        "1:0",      "0:1.0",     "1.0+b1",  "1.0a",  "1.0.a", "1.00",
                                        "1.0-1.1",  "1.0-1~bpo", "10",      "9z",    "1.0++", "1.0+-.~x",
                                        "2024.1.1", "1~~git123", "1:1~a-0", "0"};
    if (access("/usr/bin/dpkg", X_OK) != 0) {
        print_message("# SKIP: no dpkg here\n");
        skip();
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t k = i; k < ARRAY_LEN(texts); k += 3) {
            char found = symbol(VERSION_DEB, texts[i], texts[k]);
            const char *op = found == '<' ? "lt" : found == '>' ? "gt" : "eq";
            if (dpkg(texts[i], op, texts[k]) != 0)
                fail_msg("dpkg does not say that %s %s %s", texts[i], op, texts[k]);
        }
    }
}

static void alpine_versions_are_ordered_also_where_apk_3_refuses_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_APK, "1.2_alpha", '<', "1.2_beta"}, {VERSION_APK, "1.2_rc9", '<', "1.2"},
        {VERSION_APK, "1.2", '<', "1.2_p1"},         {VERSION_APK, "1.2_git1", '<', "1.2_hg"},
        {VERSION_APK, "1.2-r1", '<', "1.2-r10"},     {VERSION_APK, "1.2a", '>', "1.2"},
        {VERSION_APK, "1.02", '<', "1.1"},           {VERSION_APK, "5.1p1-r0", '<', "5.1p1-r1"},
        {VERSION_APK, "5.1p1-r0", '!', "5.1p1-r0"},  {VERSION_APK, "1~abc", '>', "1"},
        {VERSION_APK, "1~abc-r1", '>', "1~abc-r0"},  {VERSION_APK, "", '!', "1"},
        {VERSION_APK, "1.2_foo", '!', "1.2_foo"},    {VERSION_APK, "1-r0-1", '=', "1-r-2"},
        {VERSION_APK, "1-r", '=', "1-r0"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void rpm_versions_follow_rpm_version_7(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_RPM, "1.0~rc1-1", '<', "1.0-1"},
        {VERSION_RPM, "1.0^git1-1", '>', "1.0-1"},
        {VERSION_RPM, "1.0^git1", '<', "1.0.1"},
        {VERSION_RPM, "1.0^", '>', "1.0~^"},
        {VERSION_RPM, "1:1", '>', "9"},
        {VERSION_RPM, "0:1", '=', "1"},
        {VERSION_RPM, "1", '<', "1-1"},
        {VERSION_RPM, "1.0..1", '=', "1_0+1"},
        {VERSION_RPM, "1.0010", '=', "1.10"},
        {VERSION_RPM, "1 0", '!', "1"},
        {VERSION_RPM, "1:", '!', "1"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void python_versions_follow_pep_440(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_PYPI, "1.0.dev1", '<', "1.0a1"},
        {VERSION_PYPI, "1.0a1.dev1", '<', "1.0a1"},
        {VERSION_PYPI, "1.0rc1", '<', "1.0"},
        {VERSION_PYPI, "1.0.post1.dev1", '<', "1.0.post1"},
        {VERSION_PYPI, "1.0", '<', "1.0.post1.dev1"},
        {VERSION_PYPI, "2.5.1", '<', "2.5.1+cu121"},
        {VERSION_PYPI, "1+a.b", '<', "1+a.1"},
        {VERSION_PYPI, "1+A-01", '=', "1+a.1"},
        {VERSION_PYPI, "1!0", '>', "9999"},
        {VERSION_PYPI, "0!1", '=', "1.0.0"},
        {VERSION_PYPI, "1.0a.", '=', "1.0a0"},
        {VERSION_PYPI, "1.0-preview-2", '=', "1rc2"},
        {VERSION_PYPI, "\xe2\x80\xaf v1.0\n", '=', "1.0"},
        {VERSION_PYPI, "1.0-", '!', "1.0"},
        {VERSION_PYPI, "1.0+", '!', "1.0"},
        {VERSION_PYPI, "1.*", '!', "1.0"},
        {VERSION_PYPI, "1.0+a_", '!', "1.0"},
        {VERSION_PYPI, "99999999999999999999", '>', "99999999999999999998"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void semantic_versions_follow_their_section_11(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_NPM, "1.0.0-alpha", '<', "1.0.0-alpha.1"},
        {VERSION_NPM, "1.0.0-alpha.1", '<', "1.0.0-alpha.beta"},
        {VERSION_CARGO, "1.0.0-2", '<', "1.0.0-10"},
        {VERSION_CARGO, "1.0.0-10", '<', "1.0.0-1a"},
        {VERSION_NPM, "1.0.0+a", '=', "1.0.0+b"},
        {VERSION_NPM, "v1.0.0", '=', "1.0.0"},
        {VERSION_CARGO, "0.0.0-0", '<', "0.0.0"},
        {VERSION_NPM, "1.01.0", '!', "1.1.0"},
        {VERSION_NPM, "1.0.0-01", '!', "1.0.0"},
        {VERSION_NPM, "1.0.0-a..b", '!', "1.0.0"},
        {VERSION_NPM, "1.0.0-", '!', "1.0.0"},
        {VERSION_NPM, "1.0.0+", '!', "1.0.0"},
        {VERSION_NPM, "1..0", '!', "1.0.0"},
        {VERSION_NPM, "latest", '!', "1.0.0"},
        {VERSION_BITNAMI, "2023.07.01", '<', "2023.7.2"},
        {VERSION_HEX, "1.0.0-rc.0", '<', "1.0.0"},
        {VERSION_PUB, "1.0.0", '<', "1.0.0+1"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void go_versions_are_ordered_with_their_pseudo_versions(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_GOLANG, "v0.0.0-20191109021931-daa7c04131f5", '<', "v0.0.0-20200101000000-aaaaaaaaaaaa"},
        {VERSION_GOLANG, "v1.2.3", '<', "v1.2.4-0.20191109021931-daa7c04131f5"},
        {VERSION_GOLANG, "v2.0.0+incompatible", '=', "v2.0.0"},
        {VERSION_GOLANG, "1.20", '=', "v1.20.0"},
        {VERSION_GOLANG, "v1-pre", '!', "v1.0.0"},
        {VERSION_GOLANG, "v1.2.3.4", '!', "v1.2.3"},
        {VERSION_GOLANG, "(devel)", '!', "v1.0.0"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void maven_versions_follow_the_pom_reference(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_MAVEN, "1-snapshot", '<', "1"},   {VERSION_MAVEN, "1", '<', "1-sp"},
        {VERSION_MAVEN, "1-foo2", '<', "1-foo10"}, {VERSION_MAVEN, "1.ga", '=', "1.0.0"},
        {VERSION_MAVEN, "1-a1", '=', "1-alpha-1"}, {VERSION_MAVEN, "1-sp.1", '>', "1-ga.1"},
        {VERSION_MAVEN, "1.foo", '<', "1-1"},      {VERSION_MAVEN, "1-1", '<', "1.1"},
        {VERSION_MAVEN, "1-m2", '<', "1-rc1"},     {VERSION_MAVEN, "1 0", '!', "1"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void other_ecosystems_have_their_own_rules(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VERSION_GEM, "1.0.rc1", '<', "1.0"},
        {VERSION_GEM, "1.0.0", '=', "1"},
        {VERSION_GEM, "1.0.a.0", '=', "1.a"},
        {VERSION_GEM, "1.0-1", '<', "1.0"},
        {VERSION_GEM, "1.0.b", '<', "1.0.10"},
        {VERSION_GEM, "a", '!', "1"},
        {VERSION_GEM, "1.a", '>', "1.a.0.rc"},
        {VERSION_NUGET, "1.0.0.0", '=', "1"},
        {VERSION_NUGET, "1.0-BETA.2", '<', "1.0-beta.10"},
        {VERSION_NUGET, "1.2.3.4.5", '!', "1"},
        {VERSION_NUGET, "1.0-", '!', "1"},
        {VERSION_COMPOSER, "1.0.0-beta2", '<', "1.0.0"},
        {VERSION_COMPOSER, "1.0", '=', "v1.0.0.0"},
        {VERSION_COMPOSER, "1.0-patch1", '>', "1.0"},
        {VERSION_COMPOSER, "1.0-dev", '<', "1.0-alpha"},
        {VERSION_COMPOSER, "dev-main", '!', "1.0"},
        {VERSION_ALPM, "1.0rc1-1", '<', "1.0-1"},
        {VERSION_ALPM, "1:1.0", '>', "2.0"},
        {VERSION_ALPM, "1-1-1", '!', "1"},
        {VERSION_CRAN, "1.0-1", '<', "1.0.2"},
        {VERSION_CRAN, "1.0a", '!', "1.0"},
        {VERSION_HACKAGE, "1.0", '<', "1.0.0"},
        {VERSION_EBUILD, "1.0_p1", '>', "1.0-r9"},
        {VERSION_EBUILD, "1.0_beta", '<', "1.0_pre"},
        {VERSION_EBUILD, "1.0_foo", '!', "1.0"},
        {VERSION_OPENSSL, "1.0.2z", '<', "1.0.2za"},
        {VERSION_OPENSSL, "1.1.1-pre9", '<', "1.1.1-pre10"},
        {VERSION_OPENSSL, "1.1.1w", '<', "3.0.0-alpha1"},
        {VERSION_OPENSSL, "1.1", '!', "1.1.1"},
        {VERSION_CONAN, "1.0.0", '=', "1"},
        {VERSION_CONAN, "1.0-pre", '<', "1.0"},
        {VERSION_DATETIME, "2024-01-01T00:00:00Z", '=', "2024-01-01T01:00:00+01:00"},
        {VERSION_DATETIME, "2023-02-29T00:00:00Z", '!', "2024-02-29T00:00:00Z"},
    };
    each_row(rows, ARRAY_LEN(rows));
}

static void the_operation_answers_a_byte_a_line(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf reply = BUF(64);
    assert_int_equal(version_op(SPAN_LIT("1\t2\n2\t1\n1\t1.0\nx\t1\n1\tx\n12\n\n1\t1"), SPAN_LIT("deb"), &reply, &e),
                     0);
    assert_int_equal(reply.len, 8);
    assert_memory_equal(reply.ptr,
                        "<><ab?"
                        "?=",
                        8);
    assert_int_equal(version_op(SPAN_LIT("1\t2"), SPAN_LIT("x"), &reply, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_found_by_its_name),
        cmocka_unit_test(what_is_no_version_has_no_order_and_is_named),
        cmocka_unit_test(a_text_longer_than_any_version_is_none),
        cmocka_unit_test(debian_versions_follow_deb_version_7),
        cmocka_unit_test(debian_versions_stand_as_dpkg_says),
        cmocka_unit_test(alpine_versions_are_ordered_also_where_apk_3_refuses_them),
        cmocka_unit_test(rpm_versions_follow_rpm_version_7),
        cmocka_unit_test(python_versions_follow_pep_440),
        cmocka_unit_test(semantic_versions_follow_their_section_11),
        cmocka_unit_test(go_versions_are_ordered_with_their_pseudo_versions),
        cmocka_unit_test(maven_versions_follow_the_pom_reference),
        cmocka_unit_test(other_ecosystems_have_their_own_rules),
        cmocka_unit_test(the_operation_answers_a_byte_a_line),
    };
    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
