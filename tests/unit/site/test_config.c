#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "site/config.h"
#include "util/limits.h"

static int parse(const char *text, struct config *c, struct err *e)
{
    err_clear(e);
    return config_parse(span_str(text), c, e);
}

static void what_init_writes_is_what_is_read(void **state)
{
    (void)state;
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    config_write(SITE_CONTOUR, "demo", "0123456789abcdef0123456789abcdef", "keys/unseal", &text);
    struct config c;
    struct err e = {0};
    assert_int_equal(config_parse(buf_span(&text), &c, &e), 0);
    assert_int_equal(c.kind, SITE_CONTOUR);
    assert_string_equal(c.name, "demo");
    assert_string_equal(c.id, "0123456789abcdef0123456789abcdef");
    assert_string_equal(c.passphrase_file, "keys/unseal");
    assert_string_equal(c.listen, "127.0.0.1");
    assert_int_equal(c.port, 8470);
    assert_int_equal(c.serve_count, 1);
    assert_string_equal(c.serve[0], "prod");
    assert_true(c.standby);
    assert_false(c.log_prompts);
    assert_int_equal(c.reserve_bytes, 256U << 20);
    assert_int_equal(c.quota_bytes, 0);
}

static void a_station_has_no_serve_section(void **state)
{
    (void)state;
    struct config c;
    struct err e = {0};
    assert_int_equal(parse("kind: station\nname: s\nid: \"1\"\nserve:\n  port: 1\n", &c, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "airlock.yaml:4"));
}

static void an_unknown_key_names_line_and_nearest_key(void **state)
{
    (void)state;
    struct config c;
    struct err e = {0};
    assert_int_equal(parse("kind: contour\nname: demo\nid: \"1\"\nserve:\n  prot: 80\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "airlock.yaml:5"));
    assert_non_null(strstr(e.msg, "port"));
}

#define HEAD "kind: contour\nname: demo\nid: \"1\"\n"

static void tls_names_two_files_or_is_not_there(void **state)
{
    (void)state;
    struct config c;
    struct err e = {0};
    assert_int_equal(parse(HEAD, &c, &e), 0);
    assert_string_equal(c.tls_certificate, "");
    assert_int_equal(parse(HEAD "tls:\n  certificate: a.pem\n  key: /b.key\n", &c, &e), 0);
    assert_string_equal(c.tls_certificate, "a.pem");
    assert_string_equal(c.tls_key, "/b.key");
    assert_int_equal(parse(HEAD "tls:\n  certificate: a.pem\n", &c, &e), -1);
    assert_int_equal(parse(HEAD "tls:\n  key: b.key\n", &c, &e), -1);
    assert_int_equal(parse(HEAD "tls:\n  certificate: a.pem\n  key: \"\"\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "airlock.yaml:"));
    assert_int_equal(parse(HEAD "tls:\n  certificat: a.pem\n  key: b\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "certificate"));
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    struct config c;
    struct err e = {0};
    assert_int_equal(parse("kind: contour\nname: d\nid: \"1\"\nserve:\n  port: 65536\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "65535"));
    assert_int_equal(parse("kind: contour\nname: d\nid: \"1\"\nserve:\n  environments: [prod, staging]\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "sandbox, test or prod"));
    assert_int_equal(parse("kind: contour\nname: d\nid: \"1\"\nengine:\n  memory: lots\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "lots"));
    assert_int_equal(parse("kind: cloud\nname: d\nid: \"1\"\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "cloud"));
    assert_int_equal(parse("kind: contour\nname: d\n", &c, &e), -1);
    assert_non_null(strstr(e.msg, "id"));
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    auto_buf text = BUF(4096);
    buf_add_str(&text, "kind: contour\nid: \"1\"\nname: ");
    for (int i = 0; i < 65; i++)
        buf_add_byte(&text, 'a');
    struct config c;
    struct err e = {0};
    assert_int_equal(parse(buf_str(&text), &c, &e), -1);
    assert_non_null(strstr(e.msg, "at most 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_init_writes_is_what_is_read),
        cmocka_unit_test(a_station_has_no_serve_section),
        cmocka_unit_test(an_unknown_key_names_line_and_nearest_key),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
        cmocka_unit_test(tls_names_two_files_or_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
