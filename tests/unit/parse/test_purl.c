/* Package URLs: what the suite of package-url does not ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/purl.h"

/* Reads, and compares what is written. */
static void is_written(const char *text, const char *wanted)
{
    struct err e = {0};
    auto_purl p = {0};
    auto_buf out = BUF(1U << 16);
    if (purl_parse(span_str(text), &p, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
    purl_write(&p, &out);
    assert_string_equal(buf_str(&out), wanted);
}

static void is_refused(const char *text, const char *why)
{
    struct err e = {0};
    auto_purl p = {0};
    if (purl_parse(span_str(text), &p, &e) == 0)
        fail_msg("%s was read", text);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, why));
    assert_null(p.type);
}

static void parts_are_decoded_and_escaped_again(void **state)
{
    (void)state;
    struct err e = {0};
    auto_purl p = {0};
    assert_int_equal(purl_parse(SPAN_LIT("pkg:deb/Debian/LibC6@2.36-9%2Bdeb12u1?distro=debian-12&arch=amd64"), &p, &e),
                     0);
    assert_string_equal(p.type, "deb");
    assert_string_equal(p.namespace, "debian");
    assert_string_equal(p.name, "libc6");
    assert_string_equal(p.version, "2.36-9+deb12u1");
    assert_null(p.subpath);
    assert_string_equal(purl_qualifier(&p, "arch"), "amd64");
    assert_null(purl_qualifier(&p, "epoch"));
    is_written("pkg:deb/Debian/LibC6@2.36-9%2Bdeb12u1?distro=debian-12&arch=amd64",
               "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12");
    is_written("pkg:npm/@scope/name@1.0.0", "pkg:npm/%40scope/name@1.0.0");
    is_written("pkg:npm/@scope/name", "pkg:npm/%40scope/name");
    is_written("pkg:github/a/b@refs/heads/main", "pkg:github/a/b@refs%2Fheads%2Fmain");
    is_written("pkg:generic/a%20b@%c3%a9", "pkg:generic/a%20b@%C3%A9");
    is_written("pkg:golang/github.com/Masterminds/semver@v1.5.0", "pkg:golang/github.com/Masterminds/semver@v1.5.0");
    is_written("pkg:golang/stdlib@1.20", "pkg:golang/stdlib@1.20");
    is_written("pkg:generic/a?x=&y=1#./b//../c/", "pkg:generic/a?y=1#b/c");
}

static void what_is_no_package_url_is_refused_with_its_reason(void **state)
{
    (void)state;
    is_refused("", "pkg:");
    is_refused("http://a/b", "pkg:");
    is_refused("pkg:deb", "a slash");
    is_refused("pkg:generic/", "name");
    is_refused("pkg:generic/%zz", "hexadecimal");
    is_refused("pkg:generic/a%", "hexadecimal");
    is_refused("pkg:generic/a%00", "NUL");
    is_refused("pkg:generic/a%ff", "UTF-8");
    is_refused("pkg:generic/a%2fb/c", "slash");
    is_refused("pkg:generic/a?b", "qualifier");
    is_refused("pkg:generic/a?b=1&B=2", "once");
    is_refused("pkg:generic/a?1b=1", "key");
    is_refused("pkg:1a/b", "type");
    is_refused("pkg:pypi/a/b@1", "namespace");
    is_refused("pkg:deb/a@1", "namespace");
    is_refused("pkg:swid/a@1", "tag_id");
}

static void a_package_url_over_its_limits_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    auto_purl p = {0};
    auto_buf text = BUF(1U << 16);
    buf_add_str(&text, "pkg:generic/a?");
    for (unsigned i = 0; i <= PURL_QUALIFIERS_MAX; i++)
        buf_printf(&text, "k%u=1&", i);
    assert_int_equal(purl_parse(buf_span(&text), &p, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    while (text.len <= PURL_LENGTH_MAX)
        buf_add_byte(&text, 'a');
    assert_int_equal(purl_parse(buf_span(&text), &p, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void parts_from_elsewhere_are_normalised_and_built(void **state)
{
    (void)state;
    struct err e = {0};
    auto_purl p = {.type = strdup("PyPI"), .name = strdup("Flask_Login"), .version = strdup("")};
    auto_buf out = BUF(1U << 16);
    assert_int_equal(purl_add_qualifier(&p, SPAN_LIT("File_Name"), SPAN_LIT("x"), &e), 0);
    assert_int_equal(purl_add_qualifier(&p, SPAN_LIT("empty"), SPAN_LIT(""), &e), 0);
    assert_int_equal(purl_normalise(&p, &e), 0);
    purl_write(&p, &out);
    assert_string_equal(buf_str(&out), "pkg:pypi/flask-login?file_name=x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_decoded_and_escaped_again),
        cmocka_unit_test(what_is_no_package_url_is_refused_with_its_reason),
        cmocka_unit_test(a_package_url_over_its_limits_is_refused),
        cmocka_unit_test(parts_from_elsewhere_are_normalised_and_built),
    };
    return cmocka_run_group_tests_name("purl", tests, NULL, NULL);
}
