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

#include "parse/deb.h"
#include "parse/fields.h"
#include "parse/package.h"
#include "parse/pep440.h"

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
        assert_true(pep440_normal(span_str(rows[i][0]), out));
        assert_string_equal(out, rows[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(pep440_normal(span_str(none[i]), out));
}

static void versions_that_compare_equal_have_one_key(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"1.0", "1"},
                                          {"1.0.0", "1"},
                                          {"v01.0.0", "1"},
                                          {"0!1", "1"},
                                          {"1!1.0", "1!1"},
                                          {"0", "0"},
                                          {"0.0.0", "0"},
                                          {"1.0.0-RC.01", "1rc1"},
                                          {"10.0", "10"},
                                          {"1.0.0.post", "1.post0"},
                                          {"1.0.0+a-01", "1+a.1"},
                                          {"1.0.1", "1.0.1"},
                                          {"1.00", "1"},
                                          {"1.100", "1.100"}};
    char out[PEP440_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(pep440_key(span_str(rows[i][0]), out));
        assert_string_equal(out, rows[i][1]);
    }
    assert_false(pep440_key(SPAN_LIT("french toast"), out));
}

/* ── the corpus of versions ── */

static struct span trimmed(struct span s)
{
    while (s.len && strchr(" \t\r\n\"", s.ptr[0]))
        span_skip(&s, 1);
    while (s.len && strchr(" \t\r\n\"", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool each_line(const struct corpus *c, const char *path, bool (*check)(struct span line), size_t *seen)
{
    struct span line;
    const struct corpus_file *f = corpus_find(c, path);
    if (!f)
        return false;
    for (struct span rest = span_of(f->bytes, f->len); span_take_until(&rest, '\n', &line); *seen += check(line))
        ;
    return true;
}

/* TEXT <tab> NORMAL, as strings of JSON; those with blanks around them are the caller's to trim. */
static bool is_normalised(struct span line)
{
    struct span text;
    char out[PEP440_SIZE];
    assert_true(span_take_until(&line, '\t', &text));
    text = trimmed(text);
    if (text.len && (memchr(text.ptr, '\\', text.len) || text.ptr[0] >= 0x80))
        return false;
    if (!pep440_normal(text, out) || !span_equal_str(trimmed(line), out))
        fail_msg("%.*s became %s", (int)text.len, (const char *)text.ptr, out);
    return true;
}

static bool is_refused(struct span line)
{
    char out[PEP440_SIZE];
    if (pep440_normal(line, out))
        fail_msg("%.*s became %s", (int)line.len, (const char *)line.ptr, out);
    return true;
}

/* A <tab> < or = or > <tab> B: equal ones have one key, others have two. */
static bool is_keyed(struct span line)
{
    struct span a, order;
    char one[PEP440_SIZE], other[PEP440_SIZE];
    if (!span_take_until(&line, '\t', &a) || !span_take_until(&line, '\t', &order) || !pep440_key(a, one) ||
        !pep440_key(line, other))
        return false;
    if ((strcmp(one, other) == 0) != span_equal_str(order, "="))
        fail_msg("%.*s has the key %s, %.*s has %s", (int)a.len, (const char *)a.ptr, one, (int)line.len,
                 (const char *)line.ptr, other);
    return true;
}

static void the_versions_of_the_corpus_have_the_forms_that_are_said(void **state)
{
    (void)state;
    struct corpus *c = corpus_open("versions");
    size_t normal = 0, refused = 0, keyed = 0;
    if (!c) {
        print_message("# SKIP: the corpus of versions is not here\n");
        skip();
    }
    assert_true(each_line(c, "pep440/normalize.tsv", is_normalised, &normal));
    assert_true(each_line(c, "pep440/invalid.txt", is_refused, &refused));
    assert_true(each_line(c, "pep440/packaging-normalized.tsv", is_keyed, &keyed));
    assert_true(each_line(c, "pep440/packaging.tsv", is_keyed, &keyed));
    assert_true(each_line(c, "pep440/osv-scalibr-generated.tsv", is_keyed, &keyed));
    corpus_free(c);
    print_message("# %zu normal forms, %zu refused, %zu pairs\n", normal, refused, keyed);
    assert_true(normal >= 60 && refused >= 18 && keyed >= 8000);
}

/* ── one identity for every spelling of a file's name ── */

static bool one_identity(const char *ecosystem, const char *name, const char *version, const char *a,
                         const char *other_version, const char *b)
{
    char x[PACKAGE_IDENTITY_SIZE], y[PACKAGE_IDENTITY_SIZE];
    package_identity(ecosystem, name, version, a, x);
    package_identity(ecosystem, name, other_version, b, y);
    return strcmp(x, y) == 0;
}

static bool one_wheel(const char *a, const char *b)
{
    return one_identity("pypi", "vers", "1.0", a, "1.0", b);
}

static void files_that_clients_take_for_one_have_one_identity(void **state)
{
    (void)state;
    assert_true(one_wheel("vers-1.0-py3-none-any.whl", "vers-1.0.0-py3-none-any.whl"));
    assert_true(one_wheel("vers-1.0-py3-none-any.whl", "Vers-v01.0-py3-none-any.whl"));
    assert_true(one_wheel("a_b-1.0-py2.py3-none-any.whl", "A.b-1-py3.py2-none-any.whl"));
    assert_true(one_wheel("vers-1.0-1-py3-none-any.whl", "vers-1.0-01-py3-none-any.whl"));
    assert_true(one_wheel("vers-1.0-py3-none-any.whl", "vers-1.0-Py3-None-ANY.whl"));
    assert_true(one_identity("pypi", "vers", "1.0", "vers-1.0.tar.gz", "1.0.0", "Vers-1.0.0.tar.gz"));
    assert_true(one_identity("npm", "left", "1.0.0", "left-1.0.0.tgz", "1.0.0+b", "left-1.0.0+b.tgz"));
    assert_true(one_identity("deb", "x", "1:1.0", "x_1.0_all.deb", "1:1.0", "x_1%3a1.0_all.deb"));
    assert_true(one_identity("deb", "x", "1.0", "x_1.0_all.deb", "0:1.00-0", "x_1.00-0_all.deb"));
}

static void files_that_clients_tell_apart_have_two_identities(void **state)
{
    (void)state;
    assert_false(one_wheel("vers-1.0-py3-none-any.whl", "vers-1.0.1-py3-none-any.whl"));
    assert_false(one_wheel("vers-1.0-py3-none-any.whl", "vers-1.0-1-py3-none-any.whl"));
    assert_false(one_wheel("vers-1.0-1-py3-none-any.whl", "vers-1.0-10-py3-none-any.whl"));
    assert_false(one_wheel("vers-1.0-cp311-cp311-linux_x86_64.whl", "vers-1.0-cp312-cp312-linux_x86_64.whl"));
    assert_false(one_identity("pypi", "vers", "1.0", "vers-1.0.tar.gz", "1.0", "vers-1.0-py3-none-any.whl"));
    assert_false(one_identity("npm", "left", "1.0.0", "left-1.0.0.tgz", "1.0.0-b", "left-1.0.0-b.tgz"));
    assert_false(one_identity("deb", "x", "1.0", "x_1.0_all.deb", "1.0", "x_1.0_amd64.deb"));
    assert_false(one_identity("deb", "x", "1:1.0", "x_1.0_all.deb", "1.0", "x_1.0_all.deb"));
    assert_false(one_identity("file", "docs", "1", "a.whl", "1", "b.whl"));
}

static void fields_with_a_character_that_ends_lines_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Name: a\nSummary: x\rName: evil\n",
                                      "Name: a\nSummary: x\fName: evil\n",
                                      "Name: a\nSummary: x\vName: evil\n",
                                      "Name: a\nSummary: x\xc2\x85Name: evil\n",
                                      "Name: a\nSummary: x\xe2\x80\xa8Name: evil\n",
                                      "Name: a\nSummary: x\x1b[0m\n",
                                      "Name: a\nSummary: x\n y\x1eName: evil\n\nbody\n",
                                      "Name: a\nSummary: \x7f\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_report r;
        auto_fields f = {0};
        report_init(&r, "");
        assert_int_equal(fields_read(span_str(bad[i]), "x", &f, &r), -1);
        assert_int_equal(r.verdict, VERDICT_SUSPICIOUS);
    }
    auto_report r;
    auto_fields f = {0};
    report_init(&r, "");
    assert_int_equal(fields_read(SPAN_LIT("Name: \xc3\xa9\tb\r\nB: c\r\n\r\nbody\fmore\rmore\n"), "x", &f, &r), 0);
    assert_int_equal(f.count, 2);
    assert_int_equal(r.findings, 0);
}

static void a_field_that_an_index_cannot_hold_is_told(void **state)
{
    (void)state;
    assert_true(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\n b\n .\n\tc")));
    assert_true(deb_field_is_right(SPAN_LIT("Depends"), SPAN_LIT("")));
    assert_false(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\nPackage: b")));
    assert_false(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\n \n b")));
    assert_false(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\n ")));
    assert_false(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\r\n b")));
    assert_false(deb_field_is_right(SPAN_LIT("Description"), SPAN_LIT("a\1b")));
    assert_false(deb_field_is_right(SPAN_LIT("#x"), SPAN_LIT("a")));
    assert_false(deb_field_is_right(SPAN_LIT("-x"), SPAN_LIT("a")));
    assert_false(deb_field_is_right(SPAN_LIT("a b"), SPAN_LIT("a")));
    assert_true(deb_identity_is_right("libc6", "1:2.36-9+deb12u4", "amd64"));
    assert_false(deb_identity_is_right("libc6", "2 36", "amd64"));
    assert_false(deb_identity_is_right("Libc6", "2.36", "amd64"));
    assert_false(deb_identity_is_right("libc6", "2.36", "a-name-of-an-architecture-that-is-too-long"));
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
        cmocka_unit_test(versions_that_compare_equal_have_one_key),
        cmocka_unit_test(the_versions_of_the_corpus_have_the_forms_that_are_said),
        cmocka_unit_test(files_that_clients_take_for_one_have_one_identity),
        cmocka_unit_test(files_that_clients_tell_apart_have_two_identities),
        cmocka_unit_test(fields_with_a_character_that_ends_lines_elsewhere_are_refused),
        cmocka_unit_test(a_field_that_an_index_cannot_hold_is_told),
        cmocka_unit_test(fields_end_at_an_empty_line_and_keep_their_order),
        cmocka_unit_test(the_wheels_of_the_corpus_come_out_as_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
