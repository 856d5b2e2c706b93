/* What apt-get --print-uris prints: the hash of its signed index is found, and what is no such line is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parse/apt_uris.h"

#define HEX "00000000000000000000000000000000000000000000000000000000000000ff"

static json_t *read_lines(const char *text, struct err *e)
{
    auto_buf reply = BUF(65536);
    if (apt_uris_op(span_str(text), span_str(""), &reply, e) < 0)
        return NULL;
    return json_parse(buf_span(&reply), 65536, "reply", e);
}

static void each_line_gives_name_version_and_hash(void **state)
{
    (void)state;
    struct err e = {0};
    auto_json found = read_lines("'http://a.example/pool/main/z/zlib1g_1.2.13_amd64.deb' zlib1g_1%3a1.2.13_amd64.deb "
                                 "86728 SHA256:" HEX "\n",
                                 &e);
    const json_t *row = json_array_get(json_object_get(found, "files"), 0);
    assert_non_null(row);
    assert_string_equal(json_get_string(row, "name", ""), "zlib1g");
    assert_string_equal(json_get_string(row, "version", ""), "1:1.2.13");
    assert_string_equal(json_get_string(row, "architecture", ""), "amd64");
    assert_string_equal(json_get_string(row, "file", ""), "zlib1g_1%3a1.2.13_amd64.deb");
    assert_string_equal(json_get_string(row, "filename", ""), "zlib1g_1.2.13_amd64.deb");
    assert_string_equal(json_get_string(row, "alg", ""), "sha256");
    assert_string_equal(json_get_string(row, "hex", ""), HEX);
}

static void a_plus_in_the_uri_is_read(void **state)
{
    (void)state;
    struct err e = {0};
    auto_json found =
        read_lines("'http://a.example/libstdc%2b%2b6_12_amd64.deb' libstdc++6_12_amd64.deb 1 SHA256:" HEX "\n", &e);
    assert_string_equal(json_get_string(json_array_get(json_object_get(found, "files"), 0), "filename", ""),
                        "libstdc++6_12_amd64.deb");
}

static void anything_else_is_an_error_with_its_line(void **state)
{
    (void)state;
    const char *const lines[] = {
        "E: Unable to locate package x\n",
        "'http://a.example/x_1_all.deb' x_1_all.deb 1 MD5Sum:00000000000000000000000000000000\n",
        "'http://a.example/x_1_all.deb' x_1_all.deb 1 SHA256:00\n",
        "'http://a.example/x_1_all.deb' x_1_all.deb 1\n",
        "'http://a.example/x_1_all.deb' ../x_1_all.deb 1 SHA256:" HEX "\n",
        "'http://a.example/x_1_all.deb' x_1.deb 1 SHA256:" HEX "\n",
        "'http://a.example/a%2fx_1_all.deb' x_1_all.deb 1 SHA256:" HEX "\n",
        "'http://a.example/x_1_all.deb' x_1_all.deb many SHA256:" HEX "\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct err e = {0};
        assert_null(read_lines(lines[i], &e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.msg, "line 1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_gives_name_version_and_hash),
        cmocka_unit_test(a_plus_in_the_uri_is_read),
        cmocka_unit_test(anything_else_is_an_error_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
