/* TLS below the routes: what streams over it, answers before the end of a body, and pairs that come and go. The
 * programs curl and openssl look at it from outside in tests/e2e/test_tls.py. */
#include "client.h"

#include <fcntl.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/auto.h"
#include "util/clock.h"
#include "util/file.h"

static int folder = -1;
static char folder_path[] = "/tmp/airlock-tls-XXXXXX";
static struct http_server *server;

/* ── a key and a certificate ── */

static void write_text(const char *name, gnutls_datum_t *text, mode_t mode)
{
    struct err e = {0};
    if (file_write(folder, name, span_of(text->data, text->size), mode, &e) < 0)
        fail_msg("%s", e.msg);
    gnutls_free(text->data);
}

static gnutls_x509_privkey_t new_key(void)
{
    gnutls_x509_privkey_t key;
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    return key;
}

/* Writes "pem" and "key"; `serial` tells one from another. */
static void make_pair(unsigned char serial)
{
    gnutls_x509_privkey_t key = new_key();
    gnutls_x509_crt_t crt;
    gnutls_datum_t text;
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, 1);
    gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "test", 4);
    gnutls_x509_crt_set_key(crt, key);
    assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text), 0);
    write_text("pem", &text, 0644);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), 0);
    write_text("key", &text, 0600);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

/* ── a client ── */

struct session {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
};

/* 0, or what the handshake said. */
static int session_open(struct session *s, const char *priorities)
{
    s->fd = client_connect(http_port(server));
    gnutls_init(&s->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_certificate_allocate_credentials(&s->credentials);
    gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, s->credentials);
    assert_int_equal(gnutls_priority_set_direct(s->tls, priorities, NULL), 0);
    gnutls_transport_set_int(s->tls, s->fd);
    gnutls_handshake_set_timeout(s->tls, CLIENT_TIMEOUT_MS);
    gnutls_record_set_timeout(s->tls, CLIENT_TIMEOUT_MS);
    int code;
    do
        code = gnutls_handshake(s->tls);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code;
}

static void session_close(struct session *s)
{
    gnutls_deinit(s->tls);
    gnutls_certificate_free_credentials(s->credentials);
    close(s->fd);
}

static unsigned serial_of(const struct session *s)
{
    unsigned count = 0;
    unsigned char serial[4] = {0};
    size_t size = sizeof(serial);
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(s->tls, &count);
    gnutls_x509_crt_t crt;
    assert_true(count == 1);
    gnutls_x509_crt_init(&crt);
    assert_int_equal(gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER), 0);
    gnutls_x509_crt_get_serial(crt, serial, &size);
    gnutls_x509_crt_deinit(crt);
    return serial[0];
}

static unsigned serial_now(void)
{
    struct session s;
    assert_int_equal(session_open(&s, "NORMAL"), 0);
    unsigned serial = serial_of(&s);
    session_close(&s);
    return serial;
}

/* False when the other side does not take it any more. */
static bool session_send(struct session *s, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = gnutls_record_send(s->tls, at, len);
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static const char *session_read(struct session *s, const char *until)
{
    static char reply[65536];
    size_t len = 0;
    memset(reply, 0, sizeof(reply));
    while (len + 1 < sizeof(reply) && !(until && strstr(reply, until))) {
        ssize_t n = gnutls_record_recv(s->tls, reply + len, sizeof(reply) - 1 - len);
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return reply;
}

/* ── a server ── */

static void hello(struct http_request *r, void *arg)
{
    struct buf body = BUF(64);
    buf_add_str(&body, arg);
    http_answer(r, 200, "text/plain", &body);
}

static void sink(struct http_request *r, void *arg)
{
    static _Thread_local char piece[65536];
    struct err e = {0};
    struct buf body = BUF(64);
    uint64_t got = 0;
    ssize_t n;
    (void)arg;
    while ((n = http_body_read(r, piece, sizeof(piece), &e)) > 0)
        got += (uint64_t)n;
    if (n < 0) {
        http_error_err(r, &e);
        return;
    }
    buf_printf(&body, "got %llu.", (unsigned long long)got);
    http_answer(r, 201, "text/plain", &body);
}

static void full_disk(struct http_request *r, void *arg)
{
    char piece[100];
    struct err e = {0};
    (void)arg;
    assert_true(http_body_read(r, piece, sizeof(piece), &e) > 0);
    http_error(r, 507, NULL, "no room is left");
}

static const struct http_route routes[] = {
    {.path = "/hello", .methods = HTTP_GET, .handle = hello, .arg = "hello"},
    {.path = "/sink", .methods = HTTP_PUT, .streams_body = true, .body_max = 1U << 30, .handle = sink},
    {.path = "/full", .methods = HTTP_PUT, .streams_body = true, .body_max = 1U << 30, .handle = full_disk},
};

static struct http_tls pair = {.certificate = "pem", .key = "key"};

static int start(void **state)
{
    struct http_options o = {.tls = &pair, .header_deadline_ms = 400};
    (void)state;
    make_pair(1);
    server = test_server(routes, ARRAY_LEN(routes), &o);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_stop(server, 0);
    server = NULL;
    return 0;
}

#define GET "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"

static void requests_are_answered_over_tls_1_2_and_1_3(void **state)
{
    (void)state;
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct session s;
        assert_int_equal(session_open(&s, versions[i]), 0);
        for (int again = 0; again < 3; again++) {
            assert_true(session_send(&s, GET, strlen(GET)));
            assert_non_null(strstr(session_read(&s, "hello"), "HTTP/1.1 200 OK\r\n"));
        }
        session_close(&s);
    }
}

static void older_versions_are_refused(void **state)
{
    (void)state;
    static const char *const versions[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct session s;
        assert_true(session_open(&s, versions[i]) < 0);
        session_close(&s);
    }
}

static void a_client_that_never_begins_its_handshake_is_cut(void **state)
{
    (void)state;
    char reply[64];
    bool ended;
    int fd = client_connect(http_port(server));
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    close(fd);
}

static void a_large_body_streams_in(void **state)
{
    (void)state;
    static char piece[1 << 20];
    struct session s;
    assert_int_equal(session_open(&s, "NORMAL"), 0);
    static const char head[] = "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n";
    assert_true(session_send(&s, head, strlen(head)));
    for (int i = 0; i < 16; i++)
        assert_true(session_send(&s, piece, sizeof(piece)));
    assert_non_null(strstr(session_read(&s, "."), "HTTP/1.1 201 "));
    session_close(&s);
}

static void an_answer_before_the_end_of_a_body_arrives(void **state)
{
    (void)state;
    static char piece[1 << 20];
    for (int i = 0; i < 10; i++) {
        struct session s;
        assert_int_equal(session_open(&s, "NORMAL"), 0);
        static const char head[] = "PUT /full HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n";
        assert_true(session_send(&s, head, strlen(head)));
        for (int k = 0; k < (i % 2 ? 1 : 8); k++)
            session_send(&s, piece, i % 2 ? 1000 : sizeof(piece));
        const char *reply = session_read(&s, NULL);
        assert_non_null(strstr(reply, "HTTP/1.1 507 "));
        assert_non_null(strstr(reply, "no room is left\n"));
        session_close(&s);
    }
}

static void wait_for_serial(unsigned wanted)
{
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    while (serial_now() != wanted && clock_mono_ms() < until)
        poll(NULL, 0, 20);
    assert_int_equal(serial_now(), wanted);
}

static void a_new_pair_is_given_to_new_sessions_and_old_ones_go_on(void **state)
{
    (void)state;
    struct session old;
    assert_int_equal(session_open(&old, "NORMAL"), 0);
    assert_int_equal(serial_of(&old), 1);
    assert_true(session_send(&old, GET, strlen(GET)));
    assert_non_null(strstr(session_read(&old, "hello"), "HTTP/1.1 200 OK\r\n"));
    make_pair(2);
    wait_for_serial(2); /* by the look of every second */
    make_pair(3);
    http_tls_reload(server);
    wait_for_serial(3);
    assert_true(session_send(&old, GET, strlen(GET)));
    assert_non_null(strstr(session_read(&old, "hello"), "HTTP/1.1 200 OK\r\n"));
    session_close(&old);
}

static void a_pair_that_does_not_load_changes_nothing(void **state)
{
    (void)state;
    make_pair(7);
    assert_int_equal(fchmodat(folder, "key", 0644, 0), 0);
    http_tls_reload(server);
    poll(NULL, 0, 600);
    assert_int_equal(serial_now(), 1);
    assert_int_equal(fchmodat(folder, "key", 0600, 0), 0);
    http_tls_reload(server);
    wait_for_serial(7);
}

/* ── start ── */

static enum err_code start_fails(const char *wanted)
{
    struct http_options o = {.address = "127.0.0.1", .tls = &pair, .routes = routes, .route_count = ARRAY_LEN(routes)};
    struct err e = {0};
    assert_null(http_start(&o, &e));
    if (!strstr(e.msg, wanted))
        fail_msg("found \"%s\", wanted \"%s\" in it", e.msg, wanted);
    return e.code;
}

static void what_does_not_load_at_the_start_is_refused(void **state)
{
    (void)state;
    auto_buf key = BUF(65536);
    struct err e = {0};
    make_pair(1);
    assert_int_equal(fchmodat(folder, "key", 0640, 0), 0);
    assert_int_equal(start_fails("mode 0640"), ERR_DENIED);
    assert_int_equal(file_read(folder, "key", &key, &e), 0);
    make_pair(2);
    assert_int_equal(file_write(folder, "key", buf_span(&key), 0600, &e), 0);
    assert_int_equal(start_fails("is not the one of the first certificate"), ERR_INPUT);
    assert_int_equal(file_write(folder, "key", SPAN_LIT("no key"), 0600, &e), 0);
    assert_int_equal(start_fails("key"), ERR_INPUT);
    assert_int_equal(unlinkat(folder, "key", 0), 0);
    assert_int_equal(start_fails("key"), ERR_NOTFOUND);
    assert_int_equal(file_write(folder, "pem", SPAN_LIT("no pem"), 0644, &e), 0);
    assert_int_equal(start_fails("PEM"), ERR_INPUT);
    assert_int_equal(unlinkat(folder, "pem", 0), 0);
    assert_int_equal(start_fails("pem"), ERR_NOTFOUND);
}

static void any_address_may_be_listened_on_with_tls_and_only_with_it(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(http_address_check("0.0.0.0", true, &e), 0);
    assert_int_equal(http_address_check("::", true, &e), 0);
    assert_int_equal(http_address_check("0.0.0.0", false, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_int_equal(http_address_check("example", true, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

static int make_folder(void **state)
{
    struct err e = {0};
    (void)state;
    if (!mkdtemp(folder_path))
        return -1;
    folder = dir_open(AT_FDCWD, folder_path, &e);
    pair.dir = folder;
    return folder < 0;
}

static int remove_folder(void **state)
{
    struct err e = {0};
    (void)state;
    close(folder);
    return tree_remove(AT_FDCWD, folder_path, &e);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(requests_are_answered_over_tls_1_2_and_1_3),
        T(older_versions_are_refused),
        T(a_client_that_never_begins_its_handshake_is_cut),
        T(a_large_body_streams_in),
        T(an_answer_before_the_end_of_a_body_arrives),
        T(a_new_pair_is_given_to_new_sessions_and_old_ones_go_on),
        T(a_pair_that_does_not_load_changes_nothing),
        cmocka_unit_test(what_does_not_load_at_the_start_is_refused),
        cmocka_unit_test(any_address_may_be_listened_on_with_tls_and_only_with_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
