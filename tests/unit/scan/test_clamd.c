/* The client of clamd against a daemon that says what the test wants: every answer is taken for what it is, and a
 * daemon that lies, hangs, hangs up or talks without end has not looked at the file. */
#include "scan/clamd.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"

#define SHORT_MS 300

/* What the daemon answers to each command; NULL: it says nothing and keeps the line open. */
struct daemon {
    char folder[64], path[96];
    int listening, stop[2];
    pthread_t thread;
    struct span version, fildes, stream;
    struct buf seen; /* the bytes that it was given, by either way */
    unsigned by_descriptor, by_stream;
};

static struct daemon d;

static bool read_exactly(int sock, void *bytes, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = recv(sock, (char *)bytes + have, len - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static bool read_command(int sock, char out[16])
{
    for (size_t i = 0; i < 15; i++) {
        if (!read_exactly(sock, &out[i], 1))
            return false;
        if (out[i] == '\0')
            return true;
    }
    return false;
}

static void take_descriptor(int sock)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
        return;
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    uint8_t *room = buf_room(&d.seen, 4096);
    ssize_t got = pread(fd, room, 4096, 0);
    buf_grown(&d.seen, got > 0 ? (size_t)got : 0);
    close(fd);
    d.by_descriptor++;
}

static void take_stream(int sock)
{
    uint8_t head[4];
    d.by_stream++;
    while (read_exactly(sock, head, sizeof head)) {
        size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (len == 0)
            return;
        uint8_t *room = buf_room(&d.seen, len);
        if (!read_exactly(sock, room, len))
            return;
        buf_grown(&d.seen, len);
    }
}

static void serve(int sock)
{
    char command[16];
    struct span answer = {0};
    if (!read_command(sock, command))
        return;
    if (strcmp(command, "zVERSION") == 0) {
        answer = d.version;
    } else if (strcmp(command, "zFILDES") == 0) {
        take_descriptor(sock);
        answer = d.fildes;
    } else if (strcmp(command, "zINSTREAM") == 0) {
        take_stream(sock);
        answer = d.stream;
    }
    if (!answer.ptr) { /* until the client gives up */
        struct pollfd p = {.fd = sock, .events = POLLIN};
        poll(&p, 1, 5000);
        return;
    }
    send(sock, answer.ptr, answer.len, MSG_NOSIGNAL);
}

static void *work(void *arg)
{
    (void)arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = d.listening, .events = POLLIN}, {.fd = d.stop[0], .events = POLLIN}};
        poll(p, 2, -1);
        if (p[1].revents)
            return NULL;
        int sock = accept4(d.listening, NULL, NULL, SOCK_CLOEXEC);
        if (sock >= 0) {
            serve(sock);
            close(sock);
        }
    }
}

static int start(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    d = (struct daemon){.seen = BUF(8U << 20)};
    snprintf(d.folder, sizeof d.folder, "/tmp/airlock-clamd-XXXXXX");
    if (!mkdtemp(d.folder) || pipe(d.stop) < 0)
        return -1;
    snprintf(d.path, sizeof d.path, "%s/ctl", d.folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", d.path);
    d.listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(d.listening, (struct sockaddr *)&address, sizeof address) < 0 || listen(d.listening, 8) < 0)
        return -1;
    return pthread_create(&d.thread, NULL, work, NULL);
}

static int stop(void **state)
{
    (void)state;
    if (write(d.stop[1], "x", 1) != 1)
        return -1;
    pthread_join(d.thread, NULL);
    close(d.listening);
    close(d.stop[0]);
    close(d.stop[1]);
    unlink(d.path);
    rmdir(d.folder);
    buf_fini(&d.seen);
    return 0;
}

static int file_of(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static int look(struct clamd_reply *reply, struct err *e)
{
    auto_fd fd = file_of("hello");
    *e = (struct err){0};
    return clamd_look(d.path, fd, SHORT_MS, reply, e);
}

static void a_file_goes_over_as_a_descriptor_from_its_first_byte(void **state)
{
    struct clamd_reply reply;
    struct err e;
    (void)state;
    d.fildes = SPAN_LIT("fd[9]: OK\0");
    assert_int_equal(look(&reply, &e), 0); /* its offset is at its end */
    assert_int_equal(reply.answer, CLAMD_OK);
    assert_true(span_equal_str(buf_span(&d.seen), "hello"));
    assert_int_equal(d.by_descriptor, 1);
    assert_int_equal(d.by_stream, 0);
}

static void what_is_found_is_found(void **state)
{
    struct clamd_reply reply;
    struct err e;
    (void)state;
    d.fildes = SPAN_LIT("fd[9]: Win.Test.EICAR_HDB-1 FOUND\0");
    assert_int_equal(look(&reply, &e), 0);
    assert_int_equal(reply.answer, CLAMD_FOUND);
    assert_string_equal(reply.text, "Win.Test.EICAR_HDB-1");
    d.fildes = SPAN_LIT("fd[9]: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0");
    assert_int_equal(look(&reply, &e), 0);
    assert_int_equal(reply.answer, CLAMD_LIMITS);
}

static void a_descriptor_that_it_may_not_read_is_sent_as_bytes(void **state)
{
    struct clamd_reply reply;
    struct err e;
    (void)state;
    d.fildes = SPAN_LIT("No file descriptor received. ERROR\0");
    d.stream = SPAN_LIT("stream: OK\0");
    assert_int_equal(look(&reply, &e), 0);
    assert_int_equal(reply.answer, CLAMD_OK);
    assert_int_equal(d.by_stream, 1);
    assert_true(span_equal_str(buf_span(&d.seen), "hellohello"));
}

static void a_large_file_is_sent_whole_and_in_order(void **state)
{
    struct clamd_reply reply;
    struct err e = {0};
    size_t size = (3U << 20) + 17;
    auto_buf all = BUF(4U << 20);
    auto_fd fd = memfd_create("test", MFD_CLOEXEC);
    uint8_t *room = buf_room(&all, size);
    (void)state;
    for (size_t i = 0; i < size; i++)
        room[i] = (uint8_t)(i * 7 + (i >> 12));
    buf_grown(&all, size);
    assert_int_equal(write(fd, all.ptr, all.len), size);
    d.fildes = SPAN_LIT("fd[3]: Access denied. ERROR\0");
    d.stream = SPAN_LIT("stream: OK\0");
    assert_int_equal(clamd_look(d.path, fd, 10000, &reply, &e), 0);
    assert_int_equal(reply.answer, CLAMD_OK);
    assert_true(span_ends(buf_span(&d.seen), buf_span(&all)));
}

static void a_stream_over_its_limit_is_an_error_and_not_ok(void **state)
{
    struct clamd_reply reply;
    struct err e;
    (void)state;
    d.fildes = SPAN_LIT("No file descriptor received. ERROR\0");
    d.stream = SPAN_LIT("INSTREAM size limit exceeded. ERROR\0");
    assert_int_equal(look(&reply, &e), 0);
    assert_int_equal(reply.answer, CLAMD_ERROR);
    assert_non_null(strstr(reply.text, "size limit"));
}

static void a_daemon_that_hangs_has_not_looked(void **state)
{
    struct clamd_reply reply;
    struct err e;
    (void)state;
    assert_int_equal(look(&reply, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, "in time"));
}

static void a_daemon_that_hangs_up_lies_or_talks_on_has_not_looked(void **state)
{
    static char endless[LIMIT_CLAMD_REPLY * 2];
    const struct span answers[] = {
        SPAN_LIT("x"),    SPAN_LIT("fd[9]: OK"),   SPAN_LIT("fd[9]: OK\0fd[9]: OK\0"),
        SPAN_LIT("OK\0"), SPAN_LIT("fd[9]: OK\n"), {(const uint8_t *)endless, sizeof endless},
    };
    (void)state;
    memset(endless, 'a', sizeof endless);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct clamd_reply reply;
        struct err e;
        d.fildes = answers[i];
        assert_int_equal(look(&reply, &e), -1);
        assert_int_equal(e.code, ERR_UNDECIDED);
    }
    struct clamd_reply reply;
    struct err e;
    d.fildes = span_of("", 0); /* hangs up without a word */
    assert_int_equal(look(&reply, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
}

static void no_daemon_is_no_answer(void **state)
{
    struct clamd_version version;
    struct err e = {0};
    (void)state;
    assert_int_equal(clamd_version("/tmp/airlock-there-is-none/ctl", SHORT_MS, &version, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
}

static void no_address_of_a_network_is_spoken_to(void **state)
{
    static const char *const paths[] = {"",          "127.0.0.1:3310", "tcp://localhost:3310",
                                        "localhost", "clamd.ctl",      "@abstract"};
    char longer[200] = "/";
    (void)state;
    memset(longer + 1, 'a', 150);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct clamd_version version;
        struct err e = {0};
        assert_false(clamd_path_ok(paths[i]));
        assert_int_equal(clamd_version(paths[i], SHORT_MS, &version, &e), -1);
        assert_non_null(strstr(e.msg, "no path of a local socket"));
    }
    assert_false(clamd_path_ok(longer));
    assert_true(clamd_path_ok(CLAMD_SOCKET));
}

static void the_version_is_asked(void **state)
{
    struct clamd_version version;
    struct err e = {0};
    (void)state;
    d.version = SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026\0");
    assert_int_equal(clamd_version(d.path, SHORT_MS, &version, &e), 0);
    assert_string_equal(version.database, "27500");
    d.version = SPAN_LIT("SomethingElse 1\0");
    assert_int_equal(clamd_version(d.path, SHORT_MS, &version, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
}

static void a_daemon_that_finds_nothing_in_eicar_proves_nothing(void **state)
{
    struct err e = {0};
    (void)state;
    d.fildes = SPAN_LIT("fd[9]: OK\0");
    assert_int_equal(clamd_prove(d.path, SHORT_MS, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, "EICAR"));
    assert_int_equal(d.seen.len, 68);
}

static void a_daemon_that_hides_its_limits_proves_nothing(void **state)
{
    struct err e = {0};
    (void)state;
    d.fildes = SPAN_LIT("fd[9]: Eicar FOUND\0"); /* to everything, and so to the deep archive too */
    assert_int_equal(clamd_prove(d.path, SHORT_MS, &e), -1);
    assert_non_null(strstr(e.msg, "AlertExceedsMax"));
    assert_true(d.seen.len > 68 + 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_goes_over_as_a_descriptor_from_its_first_byte),
        TEST(what_is_found_is_found),
        TEST(a_descriptor_that_it_may_not_read_is_sent_as_bytes),
        TEST(a_large_file_is_sent_whole_and_in_order),
        TEST(a_stream_over_its_limit_is_an_error_and_not_ok),
        TEST(a_daemon_that_hangs_has_not_looked),
        TEST(a_daemon_that_hangs_up_lies_or_talks_on_has_not_looked),
        TEST(no_daemon_is_no_answer),
        TEST(no_address_of_a_network_is_spoken_to),
        TEST(the_version_is_asked),
        TEST(a_daemon_that_finds_nothing_in_eicar_proves_nothing),
        TEST(a_daemon_that_hides_its_limits_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
