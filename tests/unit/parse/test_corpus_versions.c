/* Every line of the corpus of versions: orders, forms, package URLs, ranges. Where a line is not held, it stands in a
 * table below with the reason, and its test counts it. */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/pep440.h"
#include "parse/purl.h"
#include "parse/vers.h"
#include "util/json.h"

static struct corpus *versions;

struct exception {
    const char *file; /* the beginning of its path */
    const char *text; /* the line, or the input of the case; NULL: each of the file */
    const char *why;
};

static const struct exception EXCEPTIONS[] = {
    {"apk/osv-scalibr.tsv", "c\t=\tc", "no version: \"a\" is in apk's own list of what is refused"},
    {"pep440/legacy-order.tsv", NULL, "no versions by PEP 440: installers refuse them, and so do we"},
    {"packagist/osv-scalibr.tsv", "1.0.0\t>\t1.0", "Composer makes four numbers of both: they are one version"},
    {"packagist/osv-scalibr-generated.tsv", "v3.0\t<\tv3.0.0-beta", "the same: 3.0 is 3.0.0, behind its beta"},
    {"packagist/osv-scalibr-generated.tsv", "v4-beta4\t<\tv4.0-alpha", "the same: 4 is 4.0"},
    {"packagist/osv-scalibr-generated.tsv", "v4.4\t<\tv4.4.0-beta", "the same"},
    {"packagist/osv-scalibr-generated.tsv", "v6.5\t<\tv6.5.0-beta-0", "the same"},
    {"packagist/osv-scalibr-generated.tsv", "v6.6\t<\tv6.6.0-beta", "the same"},
    {"packagist/osv-scalibr-generated.tsv", "v1.9.0-ALPHA.1\t=\tv1.9.0-BETA.1", "Composer takes words in any case"},
    {"packagist/osv-scalibr-generated.tsv", "v1.9.0-BETA.1\t<\tv1.9.0-ALPHA.2", "the same"},
    {"packagist/osv-scalibr-generated.tsv", "v1.9.0-ALPHA.2\t=\tv1.9.0-BETA.2", "the same"},
    {"purl/types/gem-test.json", "pkg:gem/jruby-launcher@1.1.2?Platform=java",
     "keys of qualifiers are taken in any case, as maven-test.json asks"},
    {"purl/types/rpm-test.json", "pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25", "the same"},
    {"purl/types/git-test.json", "pkg:git/github/Package-url/purl-Spec@244fd47e07d1004f0aed9c",
     "the definition of git is case-sensitive; the case is GitHub's"},
    {"vers/npm_range_from_native_test.json", "<= 1.0", "npm: up to any 1.0, so below 1.1.0 (node-semver, X-ranges)"},
    {"vers/npm_range_from_native_test.json", "<=2.1 >=1.1", "the same"},
    {"vers/npm_range_from_native_test.json", "2.1 || 2.6", "npm: any 2.1, any 2.6"},
    {"vers/npm_range_from_native_test.json", ">= 2.2.x", "npm: no upper bound"},
    {"vers/npm_range_from_native_test.json", ">= 1.x", "the same"},
    {"vers/npm_range_from_native_test.json", ">= 0.2.0 <= 0.9.6 || ~0.8.0-pre",
     "npm: \"~\" of a prerelease goes to 0.9.0"},
    {"vers/vers_canonical_parse_test.json", "vers:npm/1.0%252F0", "\"1.0%2F0\" is no version of npm"},
};

static bool excepted[ARRAY_LEN(EXCEPTIONS)]; /* met */

static bool is_excepted(const char *file, struct span text)
{
    for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++) {
        const struct exception *x = &EXCEPTIONS[i];
        if (strcmp(file, x->file) == 0 && (!x->text || span_equal_str(text, x->text)))
            return excepted[i] = true;
    }
    return false;
}

/* ── orders ── */

struct counts {
    size_t lines, held, exceptions;
};

static char symbol(enum version_type type, struct span a, struct span b)
{
    int order = 0;
    if (!version_compare(type, a, b, &order))
        return '!';
    return order < 0 ? '<' : order > 0 ? '>' : '=';
}

static char turned(char c)
{
    return c == '<' ? '>' : c == '>' ? '<' : c;
}

static void check_line(const char *file, enum version_type type, struct span line, struct counts *n)
{
    struct span b = line, a, op;
    if (!span_take_until(&b, '\t', &a) || !span_take_until(&b, '\t', &op) || op.len != 1)
        fail_msg("%s: no line of an order: %.*s", file, (int)line.len, (const char *)line.ptr);
    char found = symbol(type, a, b);
    bool right = found == op.ptr[0] && symbol(type, b, a) == turned(found);
    n->lines++;
    n->held += right;
    if (right)
        return;
    n->exceptions++;
    if (!is_excepted(file, line))
        fail_msg("%s: %.*s: found %c", file, (int)line.len, (const char *)line.ptr, found);
}

static const struct corpus_file *need(const char *path)
{
    const struct corpus_file *f = corpus_find(versions, path);
    if (!f)
        fail_msg("the corpus has no %s", path);
    return f;
}

static void each_order(const char *path, enum version_type type, struct counts *n)
{
    const struct corpus_file *f = need(path);
    struct span rest = span_of(f->bytes, f->len);
    while (rest.len) {
        struct span line = rest;
        if (!span_take_until(&rest, '\n', &line))
            rest.len = 0;
        if (line.len)
            check_line(path, type, line, n);
    }
}

static void every_order_of_an_ecosystem_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum version_type type;
    } files[] = {
        {"apk/apk-tools.tsv", VERSION_APK},
        {"apk/vers.tsv", VERSION_APK},
        {"apk/osv-scalibr.tsv", VERSION_APK},
        {"apk/osv-scalibr-generated.tsv", VERSION_APK},
        {"dpkg/dpkg.tsv", VERSION_DEB},
        {"dpkg/osv-scalibr.tsv", VERSION_DEB},
        {"dpkg/osv-scalibr-generated.tsv", VERSION_DEB},
        {"rpm/rpm.tsv", VERSION_RPM},
        {"rpm/osv-scalibr.tsv", VERSION_RPM},
        {"pep440/packaging.tsv", VERSION_PYPI},
        {"pep440/packaging-normalized.tsv", VERSION_PYPI},
        {"pep440/osv-scalibr.tsv", VERSION_PYPI},
        {"pep440/osv-scalibr-generated.tsv", VERSION_PYPI},
        {"pep440/legacy-order.tsv", VERSION_PYPI},
        {"semver/node-semver.tsv", VERSION_NPM},
        {"semver/osv-scalibr.tsv", VERSION_CARGO},
        {"go/mod.tsv", VERSION_GOLANG},
        {"go/pseudo.tsv", VERSION_GOLANG},
        {"maven/vers.tsv", VERSION_MAVEN},
        {"maven/osv-scalibr.tsv", VERSION_MAVEN},
        {"maven/osv-scalibr-generated.tsv", VERSION_MAVEN},
        {"packagist/osv-scalibr.tsv", VERSION_COMPOSER},
        {"packagist/osv-scalibr-generated.tsv", VERSION_COMPOSER},
        {"rubygems/osv-scalibr.tsv", VERSION_GEM},
        {"rubygems/osv-scalibr-generated.tsv", VERSION_GEM},
        {"nuget/vers.tsv", VERSION_NUGET},
        {"nuget/osv-scalibr.tsv", VERSION_NUGET},
        {"pub/osv-scalibr.tsv", VERSION_PUB},
        {"cran/osv-scalibr.tsv", VERSION_CRAN},
        {"cran/osv-scalibr-generated.tsv", VERSION_CRAN},
        {"conan/vers.tsv", VERSION_CONAN},
        {"alpm/vers.tsv", VERSION_ALPM},
        {"gentoo/vers.tsv", VERSION_EBUILD},
        {"openssl/vers.tsv", VERSION_OPENSSL},
        {"hackage/osv-scalibr.tsv", VERSION_HACKAGE},
    };
    struct counts n = {0};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        each_order(files[i].path, files[i].type, &n);
    print_message("# %zu lines, %zu hold, %zu exceptions\n", n.lines, n.held, n.exceptions);
    assert_int_equal(n.lines, 49601);
    assert_int_equal(n.exceptions, 54);
}

/* ── what is refused, and what is not ── */

static size_t each_text(const char *path, void (*check)(struct span text))
{
    const struct corpus_file *f = need(path);
    struct span rest = span_of(f->bytes, f->len), text;
    size_t count = 0;
    for (; span_take_until(&rest, '\n', &text); count++)
        check(text);
    return count;
}

static void is_apk(struct span text)
{
    if (!version_valid(VERSION_APK, text))
        fail_msg("refused: %.*s", (int)text.len, (const char *)text.ptr);
}

static void is_no_apk(struct span text)
{
    if (version_valid(VERSION_APK, text) || symbol(VERSION_APK, text, text) != '!')
        fail_msg("not refused: %.*s", (int)text.len, (const char *)text.ptr);
}

static void is_no_pypi(struct span text)
{
    if (version_valid(VERSION_PYPI, text))
        fail_msg("not refused: %.*s", (int)text.len, (const char *)text.ptr);
}

static void what_an_ecosystem_refuses_is_no_version(void **state)
{
    (void)state;
    assert_int_equal(each_text("apk/valid.txt", is_apk), 6);
    assert_int_equal(each_text("apk/invalid.txt", is_no_apk), 25);
    assert_int_equal(each_text("pep440/invalid.txt", is_no_pypi), 20);
}

/* TEXT <tab> NORMAL, as strings of JSON: one version in two forms. */
static void is_normal_form(struct span line)
{
    struct err e = {0};
    auto_buf array = BUF(4096);
    struct span text;
    char normal[PEP440_SIZE];
    assert_true(span_take_until(&line, '\t', &text));
    buf_printf(&array, "[%.*s,%.*s]", (int)text.len, (const char *)text.ptr, (int)line.len, (const char *)line.ptr);
    auto_json pair = json_parse(buf_span(&array), 4096, "line", &e);
    assert_non_null(pair);
    struct span wanted = span_str(json_string_value(json_array_get(pair, 1)));
    assert_int_equal(symbol(VERSION_PYPI, span_str(json_string_value(json_array_get(pair, 0))), wanted), '=');
    assert_true(pep440_normal(wanted, normal));
    assert_true(span_equal_str(wanted, normal));
}

static void a_version_of_pypi_and_its_normal_form_are_one(void **state)
{
    (void)state;
    assert_int_equal(each_text("pep440/normalize.tsv", is_normal_form), 66);
}

/* TEXT <tab> CANONICAL; nothing: it is no version. */
static void is_canonical_go(struct span line)
{
    struct span text;
    assert_true(span_take_until(&line, '\t', &text));
    char wanted = line.len ? '=' : '!', found = symbol(VERSION_GOLANG, text, line.len ? line : text);
    if (found != wanted)
        fail_msg("%.*s: found %c", (int)text.len, (const char *)text.ptr, found);
}

static void a_version_of_go_and_its_canonical_form_are_one(void **state)
{
    (void)state;
    assert_int_equal(each_text("go/canonical.tsv", is_canonical_go), 23);
}

static size_t npm_ranges;

static void npm_takes(struct span line)
{
    struct span range, version;
    bool in = false;
    if (span_starts(line, SPAN_LIT("#")))
        return;
    assert_true(span_take_until(&line, '\t', &range) && span_take_until(&line, '\t', &version));
    if (!vers_npm_contains(range, version, &in))
        in = false; /* "not a version" is in no range */
    if (in != span_equal_str(line, "in"))
        fail_msg("%.*s of %.*s: found %s", (int)version.len, (const char *)version.ptr, (int)range.len,
                 (const char *)range.ptr, in ? "in" : "out");
    npm_ranges++;
}

static void a_range_of_npm_holds_what_npm_takes(void **state)
{
    (void)state;
    each_text("semver/npm-ranges.tsv", npm_takes);
    assert_int_equal(npm_ranges, 170);
}

/* ── suites of package-url: documents {"tests": […]} ── */

typedef bool case_check(const char *kind, const json_t *input, const json_t *wanted, bool fails);

static struct counts each_case(const char *folder, case_check *check)
{
    struct counts n = {0};
    for (size_t i = 0; i < versions->count; i++) {
        const struct corpus_file *f = &versions->files[i];
        struct err e = {0};
        if (strncmp(f->path, folder, strlen(folder)) != 0 || strstr(f->path, "/schemas/"))
            continue;
        auto_json document = json_parse(span_of(f->bytes, f->len), 4U << 20, f->path, &e);
        assert_non_null(document);
        const json_t *test;
        size_t k;
        json_array_foreach(json_object_get(document, "tests"), k, test)
        {
            const json_t *input = json_object_get(test, "input");
            const char *kind = json_get_string(test, "test_type", "");
            const char *text =
                json_is_string(input) ? json_string_value(input) : json_get_string(input, "native_range", "");
            bool right = check(kind, input, json_object_get(test, "expected_output"),
                               json_is_true(json_object_get(test, "expected_failure")));
            n.lines++;
            n.held += right;
            n.exceptions += !right;
            if (!right && !is_excepted(f->path, span_str(text)))
                fail_msg("%s: test %zu, %s: %s", f->path, k, kind, text);
        }
    }
    return n;
}

static char *copy_of(const json_t *object, const char *key)
{
    const char *text = json_get_string(object, key, NULL);
    return text ? strdup(text) : NULL;
}

static bool is_member(const char *found, const json_t *object, const char *key)
{
    const char *wanted = json_get_string(object, key, NULL);
    return found && wanted ? strcmp(found, wanted) == 0 : !found && !wanted;
}

static bool has_parts(const struct purl *p, const json_t *wanted)
{
    const json_t *qualifiers = json_object_get(wanted, "qualifiers");
    if (!is_member(p->type, wanted, "type") || !is_member(p->namespace, wanted, "namespace") ||
        !is_member(p->name, wanted, "name") || !is_member(p->version, wanted, "version") ||
        !is_member(p->subpath, wanted, "subpath") || p->qualifier_count != json_object_size(qualifiers))
        return false;
    for (size_t i = 0; i < p->qualifier_count; i++)
        if (!is_member(p->qualifiers[i].value, qualifiers, p->qualifiers[i].key))
            return false;
    return true;
}

static int build(const json_t *input, struct purl *p, struct err *e)
{
    const char *key;
    json_t *value;
    p->type = copy_of(input, "type");
    p->namespace = copy_of(input, "namespace");
    p->name = copy_of(input, "name");
    p->version = copy_of(input, "version");
    p->subpath = copy_of(input, "subpath");
    json_object_foreach(json_object_get(input, "qualifiers"), key,
                        value) if (purl_add_qualifier(p, span_str(key), span_str(json_string_value(value)), e) <
                                   0) return -1;
    return purl_normalise(p, e);
}

static bool purl_case(const char *kind, const json_t *input, const json_t *wanted, bool fails)
{
    struct err e = {0};
    auto_purl p = {0};
    auto_buf written = BUF(1U << 16);
    bool builds = strcmp(kind, "build") == 0;
    int result = builds ? build(input, &p, &e) : purl_parse(span_str(json_string_value(input)), &p, &e);
    if (fails || result < 0)
        return fails && result < 0 && e.msg[0];
    purl_write(&p, &written);
    return json_is_object(wanted) ? has_parts(&p, wanted) : strcmp(buf_str(&written), json_string_value(wanted)) == 0;
}

static void package_urls_are_read_built_and_written(void **state)
{
    (void)state;
    struct counts n = each_case("purl/spec/", purl_case), types = each_case("purl/types/", purl_case);
    print_message("# %zu cases, %zu hold\n", n.lines + types.lines, n.held + types.held);
    assert_int_equal(n.lines + types.lines, 586);
    assert_int_equal(n.exceptions + types.exceptions, 3);
}

/* Orders of the suite: each stands beside or before the next. */
static bool in_order(const json_t *list, const struct vers *scheme)
{
    for (size_t i = 1; i < json_array_size(list); i++) {
        char found = symbol(scheme->type, span_str(json_string_value(json_array_get(list, i - 1))),
                            span_str(json_string_value(json_array_get(list, i))));
        if (found != '<' && found != '=')
            return false;
    }
    return true;
}

static size_t comparisons;

static bool order_case(const char *kind, const json_t *input, const json_t *wanted)
{
    struct vers scheme;
    const json_t *list = json_object_get(input, "versions");
    comparisons++;
    if (!vers_scheme(span_str(json_get_string(input, "input_scheme", "")), &scheme))
        return false;
    if (strcmp(kind, "comparison") == 0)
        return in_order(wanted, &scheme);
    return (symbol(scheme.type, span_str(json_string_value(json_array_get(list, 0))),
                   span_str(json_string_value(json_array_get(list, 1)))) == '=') == json_is_true(wanted);
}

static bool contains_case(const json_t *input, const json_t *wanted)
{
    struct err e = {0};
    auto_vers v = {0};
    bool in = false;
    return vers_parse(span_str(json_get_string(input, "vers", "")), &v, &e) == 0 &&
           vers_contains(&v, span_str(json_get_string(input, "version", "")), &in) && in == json_is_true(wanted);
}

static bool vers_case(const char *kind, const json_t *input, const json_t *wanted, bool fails)
{
    struct err e = {0};
    auto_vers v = {0};
    auto_buf written = BUF(1U << 16);
    int result;
    if (strcmp(kind, "comparison") == 0 || strcmp(kind, "equality") == 0)
        return order_case(kind, input, wanted);
    if (strcmp(kind, "containment") == 0)
        return contains_case(input, wanted);
    if (strcmp(kind, "from_native") == 0) {
        result = vers_from_native(span_str(json_get_string(input, "scheme", "")),
                                  span_str(json_get_string(input, "native_range", "")), &v, &e);
        result = result < 0 ? -1 : vers_sort(&v, &e);
    } else {
        bool canonical = strcmp(kind, "parse") == 0;
        result = (canonical ? vers_parse_canonical : vers_parse)(span_str(json_string_value(input)), &v, &e);
    }
    if (fails || result < 0)
        return fails && result < 0 && e.msg[0];
    vers_write(&v, &written);
    return strcmp(buf_str(&written), json_string_value(json_is_string(wanted) ? wanted : input)) == 0;
}

static void ranges_of_vers_are_read_written_and_hold_what_they_hold(void **state)
{
    (void)state;
    struct counts n = each_case("vers/", vers_case);
    print_message("# %zu comparisons, %zu others, %zu hold\n", comparisons, n.lines - comparisons, n.held);
    assert_int_equal(comparisons, 1271);
    assert_int_equal(n.lines - comparisons, 779);
    assert_int_equal(n.exceptions, 7);
}

/* An exception that nothing needs any more goes. */
static void every_exception_was_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++)
        if (!excepted[i])
            fail_msg("%s: %s holds, and stands among the exceptions", EXCEPTIONS[i].file,
                     EXCEPTIONS[i].text ? EXCEPTIONS[i].text : "every line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_an_ecosystem_is_found),
        cmocka_unit_test(what_an_ecosystem_refuses_is_no_version),
        cmocka_unit_test(a_version_of_pypi_and_its_normal_form_are_one),
        cmocka_unit_test(a_version_of_go_and_its_canonical_form_are_one),
        cmocka_unit_test(a_range_of_npm_holds_what_npm_takes),
        cmocka_unit_test(package_urls_are_read_built_and_written),
        cmocka_unit_test(ranges_of_vers_are_read_written_and_hold_what_they_hold),
        cmocka_unit_test(every_exception_was_met),
    };
    versions = corpus_open("versions");
    if (!versions) {
        puts("1..0 # SKIP the public corpora are not here; AIRLOCK_CORPORA names their folder");
        return 0;
    }
    int result = cmocka_run_group_tests_name("corpus_versions", tests, NULL, NULL);
    corpus_free(versions);
    return result;
}
