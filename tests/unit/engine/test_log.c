/* An engine's log: capped on disk, its last lines for messages, never a terminal's control. */
#include "engine/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/file.h"

struct place {
    char path[64];
    int dir, output;
    struct engine_log *log;
    struct err e;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    snprintf(p->path, sizeof p->path, "/tmp/airlock-log-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->log = engine_log_start(p->dir, &p->output, &p->e);
    assert_non_null(p->log);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    engine_log_stop(p->log);
    close(p->dir);
    tree_remove(AT_FDCWD, p->path, &p->e);
    free(p);
    return 0;
}

static void print(struct place *p, const char *text)
{
    assert_int_equal(write(p->output, text, strlen(text)), (ssize_t)strlen(text));
}

static void the_last_lines_are_one_clean_line(void **state)
{
    struct place *p = *state;
    auto_buf tail = BUF(4096);
    print(p, "first\nsecond\n\x1b[31mthird\xc2\x9b\nfourth\n\n");
    close(p->output);
    engine_log_tail(p->log, 2, true, &tail);
    assert_string_equal(buf_str(&tail), "?[31mthird?? | fourth");
}

static void a_log_without_lines_is_empty(void **state)
{
    struct place *p = *state;
    auto_buf tail = BUF(4096);
    close(p->output);
    engine_log_tail(p->log, 4, true, &tail);
    assert_string_equal(buf_str(&tail), "");
}

static void a_log_is_capped_and_its_end_is_kept(void **state)
{
    struct place *p = *state;
    static char line[4096];
    struct stat now, before;
    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    for (size_t i = 0; i < 1000; i++)
        print(p, line);
    print(p, "the end\n");
    close(p->output);
    auto_buf tail = BUF(4096);
    engine_log_tail(p->log, 1, true, &tail);
    assert_string_equal(buf_str(&tail), "the end");
    assert_int_equal(fstatat(p->dir, "log", &now, 0), 0);
    assert_int_equal(fstatat(p->dir, "log.1", &before, 0), 0);
    assert_true(now.st_size <= ENGINE_LOG_BYTES && before.st_size <= ENGINE_LOG_BYTES);
    assert_true(now.st_size > 0 && before.st_size > ENGINE_LOG_BYTES / 2);
}

static void stopping_does_not_wait_for_a_writer_that_stays(void **state)
{
    struct place *p = *state;
    print(p, "still here\n");
    engine_log_stop(p->log);
    close(p->output);
    p->log = NULL;
    auto_buf text = BUF(4096);
    assert_int_equal(file_read(p->dir, "log", &text, &p->e), 0);
    assert_string_equal(buf_str(&text), "still here\n");
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(the_last_lines_are_one_clean_line),
        RULE(a_log_without_lines_is_empty),
        RULE(a_log_is_capped_and_its_end_is_kept),
        RULE(stopping_does_not_wait_for_a_writer_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
