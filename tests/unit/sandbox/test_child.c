/* Helper processes: what comes back, and that a helper which dies, hangs or talks nonsense is never an answer. This
 * very program is the helper too: main hands `--role parse` to child_main. */
#include "sandbox/child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/limits.h"
#include "util/log.h"

static int op_echo(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)e;
    buf_add_span(reply, input);
    buf_add_byte(reply, '|');
    buf_add_span(reply, arg);
    return 0;
}

static int op_refuse(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply;
    return err_set(e, ERR_LIMIT, 0,
                   "tensor \x1b[31m\"\xc2\x9b"
                   "2J\": too many");
}

static int op_crash(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply, (void)e;
    return raise(SIGSEGV);
}

static int op_abort(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply, (void)e;
    abort();
}

static int op_hang(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply, (void)e;
    for (volatile bool on = true; on;)
        continue;
    return 0;
}

static int op_hoard(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)reply;
    for (size_t got = 0; got < (64ULL << 30); got += 64U << 20)
        if (!malloc(64U << 20))
            return err_set(e, ERR_LIMIT, 0, "memory ended");
    return 0;
}

static int op_json(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg, (void)e;
    buf_add_str(reply, "{\"answer\":42}");
    return 0;
}

static int op_babble(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)reply, (void)e;
    static const uint8_t nonsense[] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    (void)arg;
    (void)!write(3, nonsense, sizeof(nonsense));
    return 0;
}

static const struct child_op OPS[] = {
    {"echo", op_echo}, {"refuse", op_refuse}, {"crash", op_crash}, {"abort", op_abort},
    {"hang", op_hang}, {"hoard", op_hoard},   {"json", op_json},   {"babble", op_babble},
};

static int memory_file(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static int call(struct child *c, const char *op, int fd, const char *input, int timeout_ms, struct buf *reply,
                struct err *e)
{
    struct child_request r = {
        .op = op, .fd = fd, .input = span_str(input), .arg = SPAN_LIT("arg"), .timeout_ms = timeout_ms};
    return child_call(c, &r, reply, e);
}

static int start_helper(void **state)
{
    struct err e = {0};
    *state = child_start(ROLE_PARSE, &e);
    if (!*state)
        print_message("# %s\n", e.msg);
    return *state ? 0 : -1;
}

static int stop_helper(void **state)
{
    child_stop(*state);
    return 0;
}

static void bytes_go_there_and_come_back(void **state)
{
    auto_buf reply = BUF(100);
    struct err e = {0};

    assert_int_equal(call(*state, "echo", -1, "hello", 5000, &reply, &e), 0);

    assert_string_equal(buf_str(&reply), "hello|arg");
}

static void a_file_is_read_through_its_descriptor(void **state)
{
    auto_fd fd = memory_file("in a file"), empty = memory_file("");
    auto_buf reply = BUF(100), nothing = BUF(100);
    struct err e = {0};

    assert_int_equal(call(*state, "echo", fd, "", 5000, &reply, &e), 0);
    assert_int_equal(call(*state, "echo", empty, "", 5000, &nothing, &e), 0);

    assert_string_equal(buf_str(&reply), "in a file|arg");
    assert_string_equal(buf_str(&nothing), "|arg");
}

static void what_is_no_regular_file_is_refused_before_the_helper_sees_it(void **state)
{
    int ends[2];
    auto_buf reply = BUF(100);
    struct err e = {0};
    assert_int_equal(pipe(ends), 0);

    assert_int_equal(call(*state, "echo", ends[0], "", 5000, &reply, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    close(ends[0]);
    close(ends[1]);
}

static void one_helper_answers_many_calls(void **state)
{
    for (int i = 0; i < 100; i++) {
        auto_buf reply = BUF(100);
        struct err e = {0};
        assert_int_equal(call(*state, "echo", -1, "x", 5000, &reply, &e), 0);
        assert_string_equal(buf_str(&reply), "x|arg");
    }
}

static void a_message_of_megabytes_goes_whole(void **state)
{
    size_t len = LIMIT_MESSAGE_BYTES / 2;
    auto_free uint8_t *big = NULL;
    big = malloc(len);
    assert_non_null(big);
    memset(big, 'a', len);
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    struct child_request r = {.op = "echo", .fd = -1, .input = span_of(big, len), .timeout_ms = 20000};

    assert_int_equal(child_call(*state, &r, &reply, &e), 0);
    assert_int_equal(reply.len, len + 1);

    r.input.len++;
    assert_int_equal(child_call(*state, &r, &reply, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void an_error_comes_back_with_code_and_without_control_characters(void **state)
{
    auto_buf reply = BUF(100);
    struct err e = {0};

    assert_int_equal(call(*state, "refuse", -1, "", 5000, &reply, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
    assert_string_equal(e.msg, "tensor ?[31m\"??2J\": too many");
}

static void an_operation_that_nobody_knows_is_an_error(void **state)
{
    auto_buf reply = BUF(100);
    struct err e = {0};

    assert_int_equal(call(*state, "clean", -1, "", 5000, &reply, &e), -1);

    assert_int_equal(e.code, ERR_USAGE);
}

/* After each: undecided, said how, and the next call is served by a fresh helper. */
static void loses(struct child *c, const char *op, int timeout_ms, const char *how)
{
    auto_buf reply = BUF(100), after = BUF(100);
    struct err e = {0};

    assert_int_equal(call(c, op, -1, "", timeout_ms, &reply, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, how));

    assert_int_equal(call(c, "echo", -1, "again", 5000, &after, &e), 0);
    assert_string_equal(buf_str(&after), "again|arg");
}

static void a_helper_that_crashes_has_decided_nothing(void **state)
{
    loses(*state, "crash", 5000, "signal 11");
    loses(*state, "abort", 5000, "signal 6");
}

static void a_helper_that_hangs_is_ended_in_time(void **state)
{
    int64_t begin = clock_mono_ms();
    loses(*state, "hang", 300, "out of time");
    assert_in_range(clock_mono_ms() - begin, 250, 10000);
}

static void a_helper_that_talks_nonsense_is_ended(void **state)
{
    loses(*state, "babble", 5000, "nonsense");
}

static void a_reply_over_the_callers_cap_is_no_reply(void **state)
{
    auto_buf reply = BUF(3);
    struct err e = {0};

    assert_int_equal(call(*state, "echo", -1, "hello", 5000, &reply, &e), -1);

    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_int_equal(reply.len, 0);
}

static void memory_has_an_end(void **state)
{
    auto_buf reply = BUF(100);
    struct err e = {0};

    assert_int_equal(call(*state, "hoard", -1, "", 10000, &reply, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
    assert_string_equal(e.msg, "memory ended");
}

static void a_json_reply_is_read_under_our_rules(void **state)
{
    struct child_request r = {.op = "json", .fd = -1, .timeout_ms = 5000},
                         echo = {.op = "echo", .fd = -1, .input = SPAN_LIT("{\"a\":1,\"a\":2}"), .timeout_ms = 5000};
    struct err e = {0};

    auto_json right = child_call_json(*state, &r, "the answer", &e);
    auto_json wrong = child_call_json(*state, &echo, "the echo", &e);

    assert_int_equal(json_integer_value(json_object_get(right, "answer")), 42);
    assert_null(wrong);
    assert_int_equal(e.code, ERR_INPUT);
}

static void stopping_leaves_no_process_behind(void **state)
{
    (void)state;
    struct err e = {0};
    struct child *c = child_start(ROLE_PARSE, &e);
    assert_non_null(c);

    child_stop(c);

    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void inline_operations_run_in_this_process(void **state)
{
    (void)state;
    auto_buf reply = BUF(100), file_reply = BUF(100);
    auto_fd fd = memory_file("file");
    struct err e = {0};
    child_use_inline(OPS, ARRAY_LEN(OPS));

    struct child *c = child_start(ROLE_PARSE, &e);
    assert_non_null(c);
    assert_int_equal(call(c, "echo", -1, "here", 5000, &reply, &e), 0);
    assert_int_equal(call(c, "echo", fd, "", 5000, &file_reply, &e), 0);
    child_stop(c);
    child_use_inline(NULL, 0);

    assert_string_equal(buf_str(&reply), "here|arg");
    assert_string_equal(buf_str(&file_reply), "file|arg");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        return child_main(ROLE_PARSE, 3, OPS, ARRAY_LEN(OPS));
    log_set_format(LOG_SILENT);
#define WITH_HELPER(f) cmocka_unit_test_setup_teardown(f, start_helper, stop_helper)
    const struct CMUnitTest tests[] = {
        WITH_HELPER(bytes_go_there_and_come_back),
        WITH_HELPER(a_file_is_read_through_its_descriptor),
        WITH_HELPER(what_is_no_regular_file_is_refused_before_the_helper_sees_it),
        WITH_HELPER(one_helper_answers_many_calls),
        WITH_HELPER(a_message_of_megabytes_goes_whole),
        WITH_HELPER(an_error_comes_back_with_code_and_without_control_characters),
        WITH_HELPER(an_operation_that_nobody_knows_is_an_error),
        WITH_HELPER(a_helper_that_crashes_has_decided_nothing),
        WITH_HELPER(a_helper_that_hangs_is_ended_in_time),
        WITH_HELPER(a_helper_that_talks_nonsense_is_ended),
        WITH_HELPER(a_reply_over_the_callers_cap_is_no_reply),
        WITH_HELPER(memory_has_an_end),
        WITH_HELPER(a_json_reply_is_read_under_our_rules),
        cmocka_unit_test(stopping_leaves_no_process_behind),
        cmocka_unit_test(inline_operations_run_in_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
