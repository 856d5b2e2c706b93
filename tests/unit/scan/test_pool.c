/* Many looks at once, each in a real parse process: rows keep their order, and what befalls one look is that row's
 * alone. This very program is the helper too: main hands `--role parse` to child_main. */
#include "scan/internal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "util/log.h"

#define FILES 200

/* What the file says is what is done. */
static int op_inspect(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)arg;
    if (span_equal_str(input, "crash"))
        return raise(SIGSEGV);
    if (span_equal_str(input, "refuse"))
        return err_set(e, ERR_LIMIT, 0, "too much");
    if (span_equal_str(input, "nonsense"))
        return buf_add_str(reply, "[1]"), 0;
    for (volatile bool on = span_equal_str(input, "hang"); on;)
        continue;
    buf_printf(reply, "{\"format\":\"%.*s\",\"verdict\":\"clean\",\"findings\":[],\"facts\":{}}", (int)input.len,
               (const char *)input.ptr);
    return 0;
}

static const struct child_op OPS[] = {{"inspect", op_inspect}};

static struct child *parser;
static struct scan_report report;
static struct scanning how;

static int setup(void **state)
{
    struct err e = {0};
    (void)state;
    parser = child_start(ROLE_PARSE, &e);
    report = (struct scan_report){0};
    how = (struct scanning){.out = &report, .parser = parser};
    how.pool = parser ? pool_new(parser, &how) : NULL;
    return parser ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pool_free(how.pool);
    child_stop(parser);
    scan_report_fini(&report);
    return 0;
}

static int ask(const char *text, int timeout_ms, struct err *e)
{
    static const struct scan_options o = {0};
    int fd = memfd_create("look", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    struct scan_look *l = scan_look_new(&how, fd, text, text);
    l->look.timeout_ms = timeout_ms;
    return scan_ask_inspect(&how, l, &o, e);
}

static void rows_keep_the_order_of_the_questions(void **state)
{
    struct err e = {0};
    char text[16];
    (void)state;
    for (int i = 0; i < FILES; i++) {
        snprintf(text, sizeof text, "file%d", i);
        assert_int_equal(ask(text, 0, &e), 0);
    }

    assert_int_equal(pool_wait(how.pool, &e), 0);

    assert_int_equal(report.count, FILES);
    for (int i = 0; i < FILES; i++) {
        snprintf(text, sizeof text, "file%d", i);
        assert_string_equal(report.files[i].path, text);
        assert_string_equal(report.files[i].format, text);
        assert_int_equal(report.files[i].verdict, VERDICT_CLEAN);
    }
    assert_int_equal(report.verdict, VERDICT_CLEAN);
}

static void what_befalls_one_look_is_that_rows_alone(void **state)
{
    static const char *const texts[] = {"a", "crash", "b", "hang", "c", "refuse", "d", "nonsense", "e", "crash", "f"};
    struct err e = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(ask(texts[i], strcmp(texts[i], "hang") == 0 ? 300 : 20000, &e), 0);

    assert_int_equal(pool_wait(how.pool, &e), 0);

    assert_int_equal(report.count, ARRAY_LEN(texts));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        bool fine = strlen(texts[i]) == 1;
        const struct scan_file *f = &report.files[i];
        assert_string_equal(f->path, texts[i]);
        assert_int_equal(f->verdict, fine ? VERDICT_CLEAN : VERDICT_NOT_SCANNED);
        assert_int_equal(f->finding_count, fine ? 0 : 1);
        if (!fine)
            assert_string_equal(f->findings[0].rule, "scanner-failed");
    }
    assert_non_null(strstr(report.files[1].findings[0].message, "signal 11"));
    assert_non_null(strstr(report.files[3].findings[0].message, "ran out of time"));
    assert_int_equal(report.verdict, VERDICT_NOT_SCANNED);
}

static void what_is_no_file_is_a_row_without_a_look(void **state)
{
    static const struct scan_options o = {0};
    struct err e = {0};
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(scan_ask_inspect(&how, scan_look_new(&how, pipe_ends[0], "pipe", "pipe"), &o, &e), 0);
    close(pipe_ends[1]);
    assert_int_equal(ask("a", 0, &e), 0);

    assert_int_equal(pool_wait(how.pool, &e), 0);

    assert_string_equal(report.files[0].findings[0].rule, "no-file");
    assert_int_equal(report.files[1].verdict, VERDICT_CLEAN);
}

static int takes = 0;

static int take_and_fail(void *arg, struct look *l, struct err *e)
{
    (void)arg;
    takes++;
    look_free(l);
    return err_set(e, ERR_IO, 0, "no more");
}

static void a_failure_to_take_an_answer_in_ends_the_work(void **state)
{
    struct err e = {0};
    (void)state;
    takes = 0;
    int result = 0;
    for (int i = 0; i < FILES && result == 0; i++) {
        struct look *l = calloc(1, sizeof *l);
        assert_non_null(l);
        *l = (struct look){.op = "inspect", .fd = memfd_create("look", MFD_CLOEXEC), .take = take_and_fail};
        l->arg = strdup("{}");
        l->name = strdup("look");
        result = pool_add(how.pool, l, &e);
    }
    assert_true(result < 0 || pool_wait(how.pool, &e) < 0);
    assert_int_equal(takes, 1);
    assert_string_equal(e.msg, "no more");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        return child_main(ROLE_PARSE, 3, OPS, ARRAY_LEN(OPS));
    log_set_format(LOG_SILENT);
    const struct CMUnitTest tests[] = {
        T(rows_keep_the_order_of_the_questions),
        T(what_befalls_one_look_is_that_rows_alone),
        T(what_is_no_file_is_a_row_without_a_look),
        T(a_failure_to_take_an_answer_in_ends_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
