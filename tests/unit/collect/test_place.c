/* URLs of upstreams, and the loopback addresses that stand for them in a box. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collect/place.h"

static void a_url_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *path;
        uint16_t port;
        bool tls;
    } rows[] = {
        {"https://pypi.example/simple/", "pypi.example", "/simple/", 443, true},
        {"http://archive.example/debian", "archive.example", "/debian", 80, false},
        {"http://127.0.0.1:8080/npm/@scope/x/-/x-1.0.0.tgz", "127.0.0.1", "/npm/@scope/x/-/x-1.0.0.tgz", 8080, false},
        {"https://files.example", "files.example", "", 443, true},
        {"https://files.example:65535", "files.example", "", 65535, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url u;
        struct err e = {0};
        assert_int_equal(url_read(rows[i].text, &u, &e), 0);
        assert_string_equal(u.host, rows[i].host);
        assert_string_equal(u.path, rows[i].path);
        assert_int_equal(u.port, rows[i].port);
        assert_int_equal(u.tls, rows[i].tls);
    }
}

static void what_is_no_plain_url_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "pypi.example",
        "ftp://pypi.example/",
        "https://",
        "https:///simple/",
        "https://user@pypi.example/",
        "https://user:word@pypi.example/",
        "https://pypi.example:0/",
        "https://pypi.example:65536/",
        "https://pypi.example:http/",
        "https://pypi.example/simple/?x",
        "https://pypi.example/simple/#x",
        "https://pypi.example/sim ple/",
        "https://pypi.example/\n",
        "https://-x/",
        "https://.x/",
        "https://p%79pi.example/",
        "https://[::1]/",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url u;
        struct err e = {0};
        assert_int_equal(url_read(rows[i], &u, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void each_host_gets_an_address_and_each_port_a_place(void **state)
{
    (void)state;
    struct places p = {0};
    struct err e = {0};
    auto_buf hosts = BUF(4096);
    const char *const urls[] = {"https://a.example/", "https://b.example/", "https://a.example/x", "http://a.example/",
                                "http://127.0.0.1:8080/"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        assert_int_equal(places_add_text(&p, urls[i], &e), 0);

    assert_int_equal(p.count, 4);
    assert_string_equal(p.list[0].address, p.list[2].address); /* a.example, ports 443 and 80 */
    assert_string_not_equal(p.list[0].address, p.list[1].address);
    assert_string_equal(p.list[3].address, "127.0.0.1");
    places_hosts(&p, &hosts);
    assert_string_equal(buf_str(&hosts), "127.0.0.1 localhost\n127.83.0.2 a.example\n127.83.0.3 b.example\n"
                                         "127.83.0.2 a.example\n");
}

static void what_means_this_machine_lies_at_its_own_address(void **state)
{
    (void)state;
    struct places p = {0};
    struct err e = {0};
    assert_int_equal(places_add_text(&p, "http://localhost:8080/", &e), 0);
    assert_int_equal(places_add_text(&p, "http://files.localhost:8081/", &e), 0);
    assert_int_equal(places_add_text(&p, "http://127.0.0.1:8080/", &e), 0); /* the same socket */
    assert_int_equal(p.count, 2);
    assert_string_equal(p.list[0].address, "127.0.0.1");
    assert_string_equal(p.list[1].address, "127.0.0.1");
}

static void an_address_that_no_box_has_is_refused_with_the_way_out(void **state)
{
    (void)state;
    struct places p = {0};
    struct err e = {0};
    assert_int_equal(places_add_text(&p, "https://10.1.2.3/simple/", &e), -1);
    assert_non_null(strstr(e.msg, "/etc/hosts"));
    assert_int_equal(p.count, 0);
}

static void there_are_at_most_as_many_as_a_box_has_sockets(void **state)
{
    (void)state;
    struct places p = {0};
    struct err e = {0};
    char text[40];
    for (unsigned i = 0; i < BOX_LISTEN_MAX; i++) {
        snprintf(text, sizeof text, "https://h%u.example/", i);
        assert_int_equal(places_add_text(&p, text, &e), 0);
    }
    assert_int_equal(places_add_text(&p, "https://more.example/", &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_int_equal(places_add_text(&p, "https://h0.example/again", &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_plain_url_is_refused),
        cmocka_unit_test(each_host_gets_an_address_and_each_port_a_place),
        cmocka_unit_test(what_means_this_machine_lies_at_its_own_address),
        cmocka_unit_test(an_address_that_no_box_has_is_refused_with_the_way_out),
        cmocka_unit_test(there_are_at_most_as_many_as_a_box_has_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
