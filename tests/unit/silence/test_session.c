/* Real sessions: the program under test is this very test, inside. Each kind of attempt is caught and named; each
 * recorder that is ended makes the answer INCONCLUSIVE. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "silence/silence.h"
#include "util/auto.h"
#include "util/file.h"

#define INSIDE "/inside/program"
#define OUT    "192.0.2.7"
#define FLOOD  20000

/* ── inside ── */

static struct sockaddr_in at(const char *host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int connect_and_exit(void)
{
    struct sockaddr_in to = at(OUT, 443);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(fd, (const struct sockaddr *)&to, sizeof(to));
    _exit(0);
}

/* Sends the query and is gone before anybody can look for it. */
static int ask_and_exit(void)
{
    static const char query[] = "\x11\x22\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06"
                                "secret\x07"
                                "example\x00\x00\x10\x00\x01";
    struct sockaddr_in to = at("127.0.0.1", 53);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)!sendto(fd, query, sizeof(query) - 1, 0, (const struct sockaddr *)&to, sizeof(to));
    _exit(0);
}

static int ask_nonsense(void)
{
    struct sockaddr_in to = at("127.0.0.1", 53);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return sendto(fd, "nonsense", 8, 0, (const struct sockaddr *)&to, sizeof(to)) == 8 ? 0 : 1;
}

/* First message to loopback, second out. */
static int send_batch(void)
{
    struct sockaddr_in in = at("127.0.0.1", 4711), out = at(OUT, 5000);
    struct iovec part = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct mmsghdr batch[2] = {
        {.msg_hdr = {.msg_name = &in, .msg_namelen = sizeof(in), .msg_iov = &part, .msg_iovlen = 1}},
        {.msg_hdr = {.msg_name = &out, .msg_namelen = sizeof(out), .msg_iov = &part, .msg_iovlen = 1}}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)!sendmmsg(fd, batch, 2, 0);
    return 0;
}

static int send_to_no_family(void)
{
    struct sockaddr_in to = at(OUT, 5001);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_family = AF_UNSPEC;
    (void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to));
    return 0;
}

static int send_by_v6_mapped(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(5002)};
    inet_pton(AF_INET6, "::ffff:" OUT, &to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    (void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to));
    return 0;
}

static int open_vsock(void)
{
    return socket(AF_VSOCK, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT ? 0 : 1;
}

static int ask_for_a_key(void)
{
    return syscall(SYS_request_key, "dns_resolver", "x.example", "", 0) < 0 && errno == EPERM ? 0 : 1;
}

static int call_the_host(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? 0 : 1;
}

static int ask_nscd(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/var/run/nscd/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? 0 : 1;
}

static int flood(void)
{
    struct sockaddr_in to = at(OUT, 9);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < FLOOD; i++)
        (void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to));
    return 0;
}

/* Talks to itself: TCP and UDP on loopback, a unix socket of its own. */
static int talk_to_itself(void)
{
    struct sockaddr_in here = at("127.0.0.1", 8080);
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/tmp/own.sock"};
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), caller = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(server, (const struct sockaddr *)&here, sizeof(here)) < 0 || listen(server, 1) < 0 ||
        connect(client, (const struct sockaddr *)&here, sizeof(here)) < 0)
        return 1;
    if (bind(listener, (const struct sockaddr *)&path, sizeof(path)) < 0 || listen(listener, 1) < 0)
        return 2;
    return connect(caller, (const struct sockaddr *)&path, sizeof(path)) == 0 && send(client, "x", 1, 0) == 1 ? 0 : 3;
}

/* A second thread exchanges the address between our look and the kernel's. */
static _Atomic(uint32_t) flip;

static void *flipper(void *address)
{
    struct sockaddr_in *a = address;
    while (atomic_load(&flip) != 0) {
        __atomic_store_n(&a->sin_addr.s_addr, inet_addr(OUT), __ATOMIC_SEQ_CST);
        __atomic_store_n(&a->sin_addr.s_addr, inet_addr("127.0.0.1"), __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static int race(void)
{
    struct sockaddr_in to = at("127.0.0.1", 4712);
    pthread_t thread;
    atomic_store(&flip, 1);
    if (pthread_create(&thread, NULL, flipper, &to) != 0)
        return 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < 3000; i++)
        (void)!connect(fd, (const struct sockaddr *)&to, sizeof(to));
    atomic_store(&flip, 0);
    pthread_join(thread, NULL);
    return 0;
}

static void beacon(void)
{
    struct sockaddr_in to = at(OUT, 7777);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)!sendto(fd, "bye", 3, 0, (const struct sockaddr *)&to, sizeof(to));
}

static void on_term(int signal_number)
{
    (void)signal_number;
    exit(0); /* runs what atexit was given */
}

static int speak_at_the_end(void)
{
    atexit(beacon);
    signal(SIGTERM, on_term);
    while (pause() < 0)
        continue;
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} PROGRAMS[] = {
    {"connect-and-exit", connect_and_exit},
    {"ask-and-exit", ask_and_exit},
    {"ask-nonsense", ask_nonsense},
    {"batch", send_batch},
    {"no-family", send_to_no_family},
    {"v6-mapped", send_by_v6_mapped},
    {"vsock", open_vsock},
    {"key", ask_for_a_key},
    {"host", call_the_host},
    {"nscd", ask_nscd},
    {"flood", flood},
    {"itself", talk_to_itself},
    {"race", race},
    {"at-the-end", speak_at_the_end},
};

static int inside(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(PROGRAMS); i++)
        if (strcmp(PROGRAMS[i].name, name) == 0)
            return PROGRAMS[i].run();
    return strcmp(name, "silent") == 0 ? 0 : 99;
}

/* ── outside ── */

static struct box_spec spec_of(const char *name)
{
    static const char *argv[3];
    static struct box_file file;
    static int root = -1, self = -1;
    if (root < 0)
        root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self < 0)
        self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    argv[0] = INSIDE;
    argv[1] = name;
    file = (struct box_file){.fd = self, .path = INSIDE};
    return (struct box_spec){.name = "silence-test",
                             .root = root,
                             .files = &file,
                             .file_count = 1,
                             .run_dir = -1,
                             .argv = argv,
                             .output = -1,
                             .error = -1};
}

static struct silence *begin(const char *name, struct box **box)
{
    struct silence *s = NULL;
    struct err e = {0};
    struct box_spec spec = spec_of(name);
    if (silence_begin(&spec, &s, box, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static void observe(const char *name, struct silence_result *r)
{
    struct box *box;
    struct err e = {0};
    struct silence *s = begin(name, &box);
    assert_int_equal(box_wait(box, 60000, &e), 1);
    assert_int_equal(silence_end(s, 2000, r, &e), 0);
    assert_true(WIFEXITED(r->status));
    assert_int_equal(WEXITSTATUS(r->status), 0);
}

/* The test fails unless there is an attempt by this program with that op and that name or address. */
static const struct silence_attempt *need(const struct silence_result *r, const char *op, const char *where)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct silence_attempt *a = &r->attempts[i];
        if (strcmp(a->op, op) == 0 && (strcmp(a->name, where) == 0 || strcmp(a->address, where) == 0))
            return a;
    }
    fail_msg("no attempt %s %s among %zu: %s", op, where, r->count, r->reason);
    return NULL;
}

static void a_silent_program_passes(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    observe("silent", &r);
    if (r.verdict != SILENCE_PASSED)
        fail_msg("%s", r.reason);
    assert_int_equal(r.witness, 0);
}

static void what_stays_inside_is_no_attempt(void **state)
{
    (void)state;
    auto_silence_result r = {0}, n = {0};
    observe("itself", &r);
    if (r.verdict != SILENCE_PASSED)
        fail_msg("%s", r.reason);
    observe("nscd", &n); /* the C library's own question, to nobody */
    if (n.verdict != SILENCE_PASSED)
        fail_msg("%s", n.reason);
}

static void a_program_that_connects_and_exits_at_once_is_still_named(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        auto_silence_result r = {0};
        observe("connect-and-exit", &r);
        const struct silence_attempt *a = need(&r, "connect", OUT);
        assert_string_equal(a->program, INSIDE);
        assert_string_equal(a->proto, "tcp");
        assert_int_equal(a->port, 443);
        assert_int_equal(r.verdict, SILENCE_FAILED);
    }
}

static void a_program_that_asks_a_name_and_exits_at_once_is_still_named(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        auto_silence_result r = {0};
        observe("ask-and-exit", &r);
        const struct silence_attempt *a = need(&r, "resolve", "secret.example");
        assert_string_equal(a->program, INSIDE);
        assert_string_equal(a->type, "TXT");
    }
}

static void a_malformed_query_is_an_attempt_too(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    observe("ask-nonsense", &r);
    need(&r, "resolve", "(a query that is malformed)");
    assert_int_equal(r.verdict, SILENCE_FAILED);
}

static void each_way_of_sending_is_seen_and_counted_by_the_kernel_too(void **state)
{
    (void)state;
    static const struct {
        const char *program, *op;
    } ways[] = {{"batch", "sendmmsg"}, {"no-family", "sendto"}, {"v6-mapped", "sendto"}};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        auto_silence_result r = {0};
        observe(ways[i].program, &r);
        assert_string_equal(need(&r, ways[i].op, OUT)->proto, "udp");
        assert_int_equal(r.recorded, 1);
    }
}

static void refused_calls_are_attempts(void **state)
{
    (void)state;
    auto_silence_result vsock = {0}, key = {0}, host = {0};
    observe("vsock", &vsock);
    assert_string_equal(need(&vsock, "socket", "")->proto, "vsock");
    observe("key", &key);
    need(&key, "request_key", "");
    observe("host", &host);
    assert_string_equal(need(&host, "connect", "/run/docker.sock")->proto, "unix");
}

static void a_flood_is_counted_exactly(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    observe("flood", &r);
    assert_int_equal(need(&r, "sendto", OUT)->count, FLOOD);
    assert_int_equal(r.witness, FLOOD);
}

/* Whoever wins the race against the recorder does not win it against the kernel's counter. */
static void a_race_with_the_recorder_is_never_silence(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    observe("race", &r);
    assert_int_equal(r.verdict, SILENCE_FAILED);
    assert_true(r.witness <= r.recorded || r.attempts[r.count - 1].count == r.witness - r.recorded);
}

static void an_attempt_on_the_way_out_is_of_the_phase_shutdown(void **state)
{
    (void)state;
    struct box *box;
    struct err e = {0};
    auto_silence_result r = {0};
    struct silence *s = begin("at-the-end", &box);
    silence_phase(s, "idle");
    assert_int_equal(box_wait(box, 300, &e), 0);

    assert_int_equal(silence_end(s, 5000, &r, &e), 0);

    assert_string_equal(need(&r, "sendto", OUT)->phase, "shutdown");
}

/* The helper of that role among our children, or 0. */
static pid_t helper_pid(const char *role)
{
    auto_buf children = BUF(4096);
    struct err e;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    assert_int_equal(file_read(AT_FDCWD, path, &children, &e), 0);
    for (char *at_text = (char *)(uintptr_t)buf_str(&children), *end; *at_text; at_text = end) {
        long pid = strtol(at_text, &end, 10);
        if (end == at_text)
            break;
        auto_buf command = BUF(4096);
        snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
        if (file_read(AT_FDCWD, path, &command, &e) < 0)
            continue;
        for (size_t i = 0; i < command.len; i++)
            if (command.ptr[i] == '\0')
                command.ptr[i] = ' ';
        if (strstr(buf_str(&command), role))
            return (pid_t)pid;
    }
    return 0;
}

/* Ends (or stops) the helper in the middle of the run of a program that says nothing until then. */
static void disturb(const char *role, int signal_number, struct silence_result *r)
{
    struct box *box;
    struct err e = {0};
    struct silence *s = begin("silent", &box);
    pid_t helper = helper_pid(role);
    assert_true(helper > 0);
    kill(helper, signal_number);
    assert_int_equal(box_wait(box, 60000, &e), 1);
    assert_int_equal(silence_end(s, 2000, r, &e), 0);
}

static void a_recorder_that_is_killed_makes_silence_inconclusive(void **state)
{
    (void)state;
    static const char *const roles[] = {SILENCE_ROLE_RECORDER, SILENCE_ROLE_STUB};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        auto_silence_result r = {0};
        disturb(roles[i], SIGKILL, &r);
        if (r.verdict != SILENCE_INCONCLUSIVE)
            fail_msg("%s killed: %s", roles[i], r.reason);
    }
}

static void a_recorder_that_sleeps_makes_silence_inconclusive(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    disturb(SILENCE_ROLE_STUB, SIGSTOP, &r);
    assert_int_equal(r.verdict, SILENCE_INCONCLUSIVE);
}

static void a_box_whose_keeper_is_killed_gives_no_pass(void **state)
{
    (void)state;
    struct box *box;
    struct err e = {0};
    auto_silence_result r = {0};
    struct silence *s = begin("at-the-end", &box);

    kill(box->keeper, SIGKILL);

    assert_int_equal(silence_end(s, 1000, &r, &e), 0);
    assert_int_equal(r.verdict, SILENCE_INCONCLUSIVE);
}

static void a_program_that_is_not_there_is_an_error_and_no_answer(void **state)
{
    (void)state;
    struct silence *s = NULL;
    struct box *box;
    struct err e = {0};
    struct box_spec spec = spec_of("silent");
    spec.argv = (const char *const[]){"/no/such/program", NULL};

    assert_int_equal(silence_begin(&spec, &s, &box, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_null(s);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "--role") == 0) {
        int status = strcmp(argv[2], BOX_ROLE) == 0 ? box_main(3) : silence_role_main(argv[2], 3);
        return status < 0 ? 2 : status;
    }
    if (strcmp(argv[0], INSIDE) == 0)
        return argc == 2 ? inside(argv[1]) : 98;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_program_passes),
        cmocka_unit_test(what_stays_inside_is_no_attempt),
        cmocka_unit_test(a_program_that_connects_and_exits_at_once_is_still_named),
        cmocka_unit_test(a_program_that_asks_a_name_and_exits_at_once_is_still_named),
        cmocka_unit_test(a_malformed_query_is_an_attempt_too),
        cmocka_unit_test(each_way_of_sending_is_seen_and_counted_by_the_kernel_too),
        cmocka_unit_test(refused_calls_are_attempts),
        cmocka_unit_test(a_flood_is_counted_exactly),
        cmocka_unit_test(a_race_with_the_recorder_is_never_silence),
        cmocka_unit_test(an_attempt_on_the_way_out_is_of_the_phase_shutdown),
        cmocka_unit_test(a_recorder_that_is_killed_makes_silence_inconclusive),
        cmocka_unit_test(a_recorder_that_sleeps_makes_silence_inconclusive),
        cmocka_unit_test(a_box_whose_keeper_is_killed_gives_no_pass),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_and_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
