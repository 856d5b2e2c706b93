/* Every record of the public databases is taken, each of its versions and ranges is understood, and what a record says
 * of a version that it lists itself comes back as "affected". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "corpus.h"
#include "parse/advisory_body.h"
#include "parse/cvss.h"
#include "parse/kev.h"
#include "parse/osv.h"

static struct corpus *osv;

static bool is_record(const struct corpus_file *f)
{
    static const char *const folders[] = {"pypa/",    "rustsec/", "golang/",  "almalinux/",
                                          "bitnami/", "psf/",     "oss-fuzz/"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        if (strncmp(f->path, folders[i], strlen(folders[i])) == 0)
            return span_ends(span_str(f->path), SPAN_LIT(".json"));
    return false;
}

struct counts {
    size_t records, refused, packages, unordered, vectors, unscored, listed, lost, unlike;
};

/* Versions that a record lists under a range that does not hold them would be "affected" only by the list. */
static void check_listed(const json_t *affected, const struct advisory_row_package *p, struct counts *n)
{
    const struct ecosystem *eco = ecosystem_of(p->ecosystem, NULL);
    const json_t *version;
    struct body_result r;
    size_t i;
    json_array_foreach(json_object_get(affected, "versions"), i, version)
    {
        n->listed++;
        assert_true(body_evaluate(eco, p->body, span_str(json_string_value(version)), &r));
        n->lost += r.answer != BODY_AFFECTED;
    }
}

/* Ranges that no order holds, because what they name is no version of their ecosystem. */
static const struct {
    const char *record, *reason;
} EXCEPTIONS[] = {
    {"BIT-mastodon-2026-47777", "introduced in nightly.2026-03-10.0"},
    {"PYSEC-2021-371", "fixed in 0.2.0-n653, which PEP 440 does not know"},
    {"PYSEC-2019-125", "fixed in 2019-09-12, a day"},
};

static bool is_exception(struct span id)
{
    for (size_t i = 0; i < sizeof(EXCEPTIONS) / sizeof(*EXCEPTIONS); i++)
        if (span_equal_str(id, EXCEPTIONS[i].record))
            return true;
    return false;
}

/* Some ranges begin and end at one version: nothing lies in them. */
static bool is_empty(const json_t *events, size_t k)
{
    const char *introduced = json_get_string(json_array_get(events, k), "introduced", ""),
               *fixed = json_get_string(json_array_get(events, k + 1), "fixed", NULL);
    return fixed && strcmp(introduced, fixed) == 0;
}

/* The event itself against its range: what is last affected is affected, and so is where it begins. */
static void check_events(const json_t *affected, const struct advisory_row_package *p, struct counts *n)
{
    const struct ecosystem *eco = ecosystem_of(p->ecosystem, NULL);
    const json_t *range, *event;
    struct body_result r;
    size_t i, k;
    json_array_foreach(json_object_get(affected, "ranges"), i, range)
    {
        if (strcmp(json_get_string(range, "type", ""), "GIT") == 0)
            continue;
        json_array_foreach(json_object_get(range, "events"), k, event)
        {
            const char *last = json_get_string(event, "last_affected", NULL),
                       *introduced = json_get_string(event, "introduced", NULL);
            const char *is = last ? last : introduced && strcmp(introduced, "0") != 0 ? introduced : NULL;
            if (!is || is_empty(json_object_get(range, "events"), k))
                continue;
            assert_true(body_evaluate(eco, p->body, span_str(is), &r));
            n->unlike += r.answer != BODY_AFFECTED;
        }
    }
}

static void check_packages(const json_t *record, struct advisory_row *row, struct counts *n)
{
    const json_t *affected;
    size_t i;
    json_array_foreach(json_object_get(record, "affected"), i, affected)
    {
        struct advisory_row_package p;
        const char *ecosystem = json_get_string(json_object_get(affected, "package"), "ecosystem", "");
        if (!ecosystem_of(span_str(ecosystem), NULL))
            continue;
        assert_true(advisory_row_package(&row->packages, &p));
        n->packages++;
        check_listed(affected, &p, n);
        if (p.body.ptr[0] & ADVISORY_BODY_UNORDERED) {
            n->unordered++;
            assert_true(is_exception(row->id));
        } else {
            check_events(affected, &p, n);
        }
    }
}

static void check_vectors(const json_t *list, struct counts *n)
{
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        enum cvss_version version;
        int tenths;
        n->vectors++;
        n->unscored += !cvss_score(span_str(json_get_string(one, "score", "")), &version, &tenths);
    }
}

static void check_record(const struct corpus_file *f, struct counts *n)
{
    auto_buf rows = BUF(64U << 20);
    struct advisory_row row;
    struct err e = {0};
    auto_json record = json_parse(span_of(f->bytes, f->len), OSV_RECORD_BYTES, f->path, &e);
    const json_t *affected;
    size_t i;
    assert_non_null(record);
    osv_read(span_of(f->bytes, f->len), span_str(f->path), &rows);
    struct span rest = buf_span(&rows);
    assert_true(advisory_row_take(&rest, &row));
    n->records++;
    if (row.kind == ADVISORY_REFUSED) {
        n->refused++;
        print_message("%s refused at %.*s\n", f->path, (int)row.place.len, (const char *)row.place.ptr);
        return;
    }
    check_packages(record, &row, n);
    check_vectors(json_object_get(record, "severity"), n);
    json_array_foreach(json_object_get(record, "affected"), i, affected)
        check_vectors(json_object_get(affected, "severity"), n);
}

static void every_record_is_taken_and_says_what_it_lists(void **state)
{
    (void)state;
    struct counts n = {0};
    if (!osv) {
        print_message("SKIPPED: no corpus osv.tar.gz\n");
        skip();
        return;
    }
    for (size_t i = 0; i < osv->count; i++)
        if (is_record(&osv->files[i]))
            check_record(&osv->files[i], &n);
    print_message(
        "%zu records, %zu refused; %zu packages, %zu with a range without order; %zu listed versions, %zu not "
        "affected; %zu events unlike themselves; %zu vectors, %zu without a score\n",
        n.records, n.refused, n.packages, n.unordered, n.listed, n.lost, n.unlike, n.vectors, n.unscored);
    assert_true(n.records > 20000);
    assert_int_equal(n.refused, 0);
    assert_int_equal(n.lost, 0);
    assert_int_equal(n.unscored, 0);
    assert_int_equal(n.unordered, sizeof(EXCEPTIONS) / sizeof(*EXCEPTIONS));
    assert_int_equal(n.unlike, 0);
}

static void the_catalogue_of_exploited_ones_is_taken_whole(void **state)
{
    (void)state;
    const struct corpus_file *f = osv ? corpus_find(osv, "kev/known_exploited_vulnerabilities.json") : NULL;
    auto_buf rows = BUF(64U << 20);
    struct advisory_row row;
    struct err e = {0};
    int64_t released_s;
    size_t count = 0;
    if (!f) {
        print_message("SKIPPED: no corpus osv.tar.gz\n");
        skip();
        return;
    }
    auto_json catalogue = json_parse(span_of(f->bytes, f->len), 32U << 20, f->path, &e);
    assert_int_equal(kev_read(catalogue, &rows, &released_s, &e), 0);
    for (struct span rest = buf_span(&rows); rest.len > 0; count++) {
        assert_true(advisory_row_take(&rest, &row));
        assert_int_equal(row.kind, ADVISORY_KEV);
    }
    assert_int_equal(count, json_integer_value(json_object_get(catalogue, "count")));
}

static int open_corpus(void **state)
{
    (void)state;
    osv = corpus_open("osv");
    return 0;
}

static int close_corpus(void **state)
{
    (void)state;
    corpus_free(osv);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_taken_and_says_what_it_lists),
        cmocka_unit_test(the_catalogue_of_exploited_ones_is_taken_whole),
    };
    return cmocka_run_group_tests(tests, open_corpus, close_corpus);
}
