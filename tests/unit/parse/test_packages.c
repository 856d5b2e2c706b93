/* Packages of other people: versions and names of PyPI, fields, and the wheels of the corpus. What is wrong with
 * packages of each kind is asked of the whole program too (tests/e2e/test_packages.py). */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/fields.h"
#include "parse/package.h"

static void names_have_one_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"Foo.Bar", "foo-bar"}, {"foo_-.bar", "foo-bar"}, {"six", "six"}, {"zope.event", "zope-event"}, {"A", "a"}};
    static const char *const none[] = {"",
                                       "-a",
                                       "a-",
                                       "a b",
                                       "a/b",
                                       "\xc3\xa9"
                                       "a",
                                       "a\xd0\xb0",
                                       "..",
                                       "_"};
    char out[LIMIT_PACKAGE_NAME];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(pypi_name(span_str(rows[i][0]), out));
        assert_string_equal(out, rows[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(pypi_name(span_str(none[i]), out));
}

static void versions_have_one_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"1.0", "1.0"},
        {"v1.0", "1.0"},
        {"1.0-RC.1", "1.0rc1"},
        {"1.0alpha", "1.0a0"},
        {"1.0.post-1", "1.0.post1"},
        {"1.0-1", "1.0.post1"},
        {"1.0.dev", "1.0.dev0"},
        {"01.002", "1.2"},
        {"1!2.0", "1!2.0"},
        {"1.0+Ubuntu-1", "1.0+ubuntu.1"},
        {"2.5.1+cu121", "2.5.1+cu121"},
        {"1.0c1", "1.0rc1"},
        {"1.0rev2", "1.0.post2"},
        {"1.0a1.post2.dev3", "1.0a1.post2.dev3"},
        {"20240101", "20240101"},
    };
    static const char *const none[] = {"", "x", "1.0.", "1.0..1", "1.0+", "1.0+a_", "1.0 1", "1.0-", "french toast"};
    char out[LIMIT_PACKAGE_NAME];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(pypi_version(span_str(rows[i][0]), out));
        assert_string_equal(out, rows[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(pypi_version(span_str(none[i]), out));
}

static void fields_end_at_an_empty_line_and_keep_their_order(void **state)
{
    (void)state;
    auto_report r;
    auto_fields f = {0};
    report_init(&r, "");
    assert_int_equal(fields_read(SPAN_LIT("A: 1\nb:2\n  more\n .\nC:\n\nbody: no\n"), "x", &f, &r), 0);
    assert_int_equal(f.count, 3);
    assert_true(span_equal_str(fields_get(&f, "B"), "2\n  more\n ."));
    assert_true(span_equal_str(fields_get(&f, "c"), ""));
    assert_true(span_equal_str(f.rest, "body: no\n"));
    assert_int_equal(r.findings, 0);
}

/* What the whole operation says of a file of the corpus, under the last part of its path. */
static enum verdict verdict_of(const struct corpus_file *f, char *rules, size_t size)
{
    char arg[300];
    struct err e = {0};
    enum verdict verdict = VERDICT_CLEAN;
    auto_buf reply = BUF(64U << 20);
    const char *base = strrchr(f->path, '/') + 1;
    const json_t *finding;
    size_t i;
    snprintf(arg, sizeof arg, "{\"filename\":\"%s\"}", base);
    if (package_op(span_of(f->bytes, f->len), span_str(arg), &reply, &e) < 0)
        fail_msg("%s: %s", f->path, e.msg);
    auto_json root = json_parse(buf_span(&reply), 64U << 20, "reply", &e);
    assert_non_null(root);
    assert_true(verdict_from_name(json_get_string(root, "verdict", ""), &verdict));
    rules[0] = '\0';
    json_array_foreach(json_object_get(root, "findings"), i, finding)
        snprintf(rules + strlen(rules), size - strlen(rules), "%s@%s ", json_get_string(finding, "rule", ""),
                 json_get_string(finding, "at", ""));
    return verdict;
}

static bool is_right(struct span class, enum verdict v, const char *rules)
{
    if (span_equal_str(class, "valid"))
        return v == VERDICT_CLEAN && !*rules;
    return span_equal_str(class, "refuse") ? verdict_blocks(v) : strstr(rules, "wheel-pth") != NULL;
}

/* A line of expected.tsv: path, class, note. */
static size_t check_line(const struct corpus *c, struct span line)
{
    struct span path, class;
    char full[300], rules[4096];
    if (!span_take_until(&line, '\t', &path) || !span_take_until(&line, '\t', &class) || span_equal_str(path, "path"))
        return 0;
    snprintf(full, sizeof full, "python/wheels/%.*s", (int)path.len, (const char *)path.ptr);
    const struct corpus_file *f = corpus_find(c, full);
    if (!f)
        fail_msg("%s is not in the corpus", full);
    enum verdict v = verdict_of(f, rules, sizeof rules);
    if (!is_right(class, v, rules))
        fail_msg("%s (%.*s) came out %s: %s", full, (int)class.len, (const char *)class.ptr, verdict_name(v), rules);
    return 1;
}

static void the_wheels_of_the_corpus_come_out_as_expected(void **state)
{
    (void)state;
    struct corpus *c = corpus_open("packages");
    size_t seen = 0;
    if (!c) {
        print_message("# SKIP: the corpus of packages is not here\n");
        skip();
    }
    const struct corpus_file *list = corpus_find(c, "python/wheels/expected.tsv");
    assert_non_null(list);
    struct span rest = span_of(list->bytes, list->len), line;
    while (span_take_until(&rest, '\n', &line))
        seen += check_line(c, line);
    print_message("# %zu wheels\n", seen);
    corpus_free(c);
    assert_int_equal(seen, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(versions_have_one_form),
        cmocka_unit_test(fields_end_at_an_empty_line_and_keep_their_order),
        cmocka_unit_test(the_wheels_of_the_corpus_come_out_as_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
