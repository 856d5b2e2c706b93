/* Files and folders of a user: a row for every file, and none that was not understood is called clean. */
#include "scan/scan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "util/file.h"

struct place {
    char path[64];
    int fd;
};

static int make_place(void **state)
{
    static struct place p;
    snprintf(p.path, sizeof(p.path), "/tmp/airlock-scan-XXXXXX");
    if (!mkdtemp(p.path) || (p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -1;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    *state = &p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    struct err e;
    close(p->fd);
    child_use_inline(NULL, 0);
    return tree_remove(AT_FDCWD, p->path, &e);
}

static void put(struct place *p, const char *name, const char *text)
{
    struct err e = {0};
    assert_int_equal(file_write(p->fd, name, span_str(text), 0644, &e), 0);
}

static void scan(struct place *p, const char *name, struct scan_report *out)
{
    static const struct scan_options o = {0};
    char path[256];
    struct err e = {0};
    struct child *parser = child_start(ROLE_PARSE, &e);
    assert_non_null(parser);
    snprintf(path, sizeof(path), "%s%s%s", p->path, name[0] ? "/" : "", name);
    int result = scan_path(parser, path, &o, out, &e);
    child_stop(parser);
    if (result < 0)
        print_message("# %s\n", e.msg);
    assert_int_equal(result, 0);
}

static const struct scan_file *row(const struct scan_report *r, const char *suffix)
{
    for (size_t i = 0; i < r->count; i++)
        if (span_ends(span_str(r->files[i].path), span_str(suffix)))
            return &r->files[i];
    return NULL;
}

static void a_folder_has_a_row_for_every_file_in_the_order_of_names(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    assert_int_equal(dir_make(p->fd, "sub", 0755, &e), 0);
    put(p, "b.md", "# b\n");
    put(p, "a.json", "{}");
    put(p, "sub/c.txt", "c\n");
    auto_scan_report r = {0};

    scan(p, "", &r);

    assert_int_equal(r.count, 3);
    assert_true(row(&r, "/a.json") == &r.files[0] && row(&r, "/b.md") == &r.files[1] &&
                row(&r, "/sub/c.txt") == &r.files[2]);
    assert_int_equal(r.verdict, VERDICT_CLEAN);
    assert_string_equal(scan_result(&r), "PASSED");
}

static void the_heaviest_file_decides(void **state)
{
    struct place *p = *state;
    put(p, "a.md", "# a\n");
    put(p, "b.py", "print(1)\n");
    put(p, "c.gguf", "no model");
    auto_scan_report r = {0}, some = {0};

    scan(p, "b.py", &some);
    scan(p, "", &r);

    assert_int_equal(some.verdict, VERDICT_NOT_SCANNED);
    assert_string_equal(scan_result(&some), "FAILED");
    assert_int_equal(r.verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(row(&r, "c.gguf")->verdict, VERDICT_SUSPICIOUS);
    assert_string_equal(row(&r, "c.gguf")->findings[0].rule, "gguf-magic");
}

static void links_and_special_files_are_not_followed_and_not_clean(void **state)
{
    struct place *p = *state;
    put(p, "a.md", "# a\n");
    assert_int_equal(symlinkat("/etc/passwd", p->fd, "link"), 0);
    assert_int_equal(symlinkat("a.md", p->fd, "inside"), 0);
    assert_int_equal(mkfifoat(p->fd, "pipe", 0600), 0);
    auto_scan_report r = {0};

    scan(p, "", &r);

    assert_int_equal(r.count, 4);
    assert_int_equal(row(&r, "/inside")->verdict, VERDICT_OPAQUE);
    assert_int_equal(row(&r, "/link")->verdict, VERDICT_NOT_SCANNED);
    assert_string_equal(row(&r, "/link")->findings[0].rule, "symlink");
    assert_int_equal(row(&r, "/pipe")->verdict, VERDICT_NOT_SCANNED);
}

static void a_path_that_is_not_there_is_an_error(void **state)
{
    struct place *p = *state;
    static const struct scan_options o = {0};
    struct err e = {0};
    auto_scan_report r = {0};
    struct child *parser = child_start(ROLE_PARSE, &e);
    char path[128];
    snprintf(path, sizeof(path), "%s/nothing", p->path);

    assert_int_equal(scan_path(parser, path, &o, &r, &e), -1);

    assert_int_equal(e.code, ERR_NOTFOUND);
    child_stop(parser);
}

/* A helper that answers what no helper of ours would. */
static const char *answer;

static int op_answer(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)input, (void)arg;
    if (!answer)
        return err_set(e, ERR_UNDECIDED, 0, "the helper died");
    buf_add_str(reply, answer);
    return 0;
}

static void a_helper_that_fails_or_lies_has_scanned_nothing(void **state)
{
    struct place *p = *state;
    static const char *const answers[] = {
        NULL,
        "nonsense",
        "{}",
        "[]",
        "{\"format\":\"gguf\",\"verdict\":\"fine\",\"findings\":[],\"facts\":{}}",
        "{\"format\":\"gguf\",\"verdict\":\"clean\",\"findings\":[{\"rule\":1}],\"facts\":{}}",
        "{\"format\":\"gguf\",\"verdict\":\"clean\",\"findings\":{},\"facts\":{}}",
        "{\"format\":\"gguf\",\"verdict\":\"clean\",\"verdict\":\"clean\",\"findings\":[],\"facts\":{}}",
    };
    static const struct child_op ops[] = {{"inspect", op_answer}};
    put(p, "a.md", "# a\n");
    child_use_inline(ops, 1);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        auto_scan_report r = {0};
        answer = answers[i];
        scan(p, "a.md", &r);
        assert_int_equal(r.count, 1);
        assert_int_equal(r.files[0].verdict, VERDICT_NOT_SCANNED);
        assert_string_equal(r.files[0].findings[0].rule, "scanner-failed");
    }
}

int main(void)
{
#define IN_A_PLACE(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_folder_has_a_row_for_every_file_in_the_order_of_names),
        IN_A_PLACE(the_heaviest_file_decides),
        IN_A_PLACE(links_and_special_files_are_not_followed_and_not_clean),
        IN_A_PLACE(a_path_that_is_not_there_is_an_error),
        IN_A_PLACE(a_helper_that_fails_or_lies_has_scanned_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
