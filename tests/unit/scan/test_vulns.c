/* What is known of a release's packages: written, read back, and asked. */
#include "scan/vulns.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "scan/advisories.h"
#include "util/file.h"

static json_t *example(void)
{
    char path[4096];
    struct err e = {0};
    auto_buf text = BUF(65536);
    snprintf(path, sizeof(path), "%s/docs/formats/examples/vulns.json", getenv("AIRLOCK_SOURCE"));
    assert_int_equal(file_read(AT_FDCWD, path, &text, &e), 0);
    json_t *j = json_parse(buf_span(&text), 65536, path, &e);
    assert_non_null(j);
    return j;
}

static void the_example_is_what_is_written_of_what_was_read(void **state)
{
    (void)state;
    struct err e = {0};
    auto_json golden = example();
    auto_vulns v = {0};
    auto_buf out = BUF(65536);
    assert_int_equal(vulns_read(golden, &v, &e), 0);
    assert_int_equal(v.count, 1);
    assert_string_equal(v.list[0].id, "PYSEC-2");
    assert_int_equal(v.list[0].severity, ADVISORY_CRITICAL);
    assert_true(v.list[0].score > 9.7 && v.list[0].score < 9.9);
    assert_true(vuln_is(&v.list[0], "cve-2026-77"));
    assert_false(vuln_is(&v.list[0], "CVE-2026-7"));
    assert_int_equal(v.gap_count, 2);
    assert_int_equal(vulns_undecided(&v), 3);
    assert_int_equal(vulns_write(&v, &out, &e), 0);
    auto_json made = json_parse(buf_span(&out), 65536, "made", &e);
    assert_true(json_equal(made, golden));
}

static void a_document_that_lacks_something_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *object, *member, *said;
    } cases[] = {{"scanner", "db", "/scanner"},
                 {"scanner", "result", "/scanner"},
                 {"metadata", "undecided", "/metadata"},
                 {"metadata", "packages", "/metadata"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        auto_vulns v = {0};
        auto_json j = example();
        json_object_del(json_object_get(j, cases[i].object), cases[i].member);
        assert_int_equal(vulns_read(j, &v, &e), -1);
        assert_non_null(strstr(e.msg, cases[i].said));
    }
    struct err e = {0};
    auto_vulns v = {0};
    auto_json j = example();
    json_t *hit = json_array_get(json_object_get(json_object_get(j, "scanner"), "result"), 0);
    json_object_set_new(hit, "severity", json_pack("[{s:s, s:s}]", "method", "airlock", "score", "odd"));
    assert_int_equal(vulns_read(j, &v, &e), -1);
    assert_non_null(strstr(e.msg, "/scanner/result/0/severity"));
}

static void medium_and_more_fails_as_does_what_is_exploited_or_not_rated(void **state)
{
    (void)state;
    static const struct {
        enum advisory_severity severity;
        bool malicious, kev;
        const char *result;
    } cases[] = {
        {ADVISORY_NONE, false, false, "PASSED"},    {ADVISORY_LOW, false, false, "PASSED"},
        {ADVISORY_LOW, false, true, "FAILED"},      {ADVISORY_LOW, true, false, "FAILED"},
        {ADVISORY_MEDIUM, false, false, "FAILED"},  {ADVISORY_CRITICAL, false, false, "FAILED"},
        {ADVISORY_UNKNOWN, false, false, "FAILED"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vuln one = {.severity = cases[i].severity, .malicious = cases[i].malicious, .kev = cases[i].kev};
        struct vulns v = {.list = &one, .count = 1};
        assert_string_equal(vulns_result(&v), cases[i].result);
    }
    struct vulns none = {0};
    assert_string_equal(vulns_result(&none), "PASSED");
}

/* ── a snapshot, from a source to a match ── */

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[4200];
    struct err e = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(file_write(AT_FDCWD, path, span_str(text), 0600, &e), 0);
}

static const char RECORD[] =
    "{\"id\":\"%s\",\"modified\":\"%s\",\"aliases\":[\"CVE-2026-5\"],\"affected\":[{\"package\":{"
    "\"ecosystem\":\"PyPI\",\"name\":\"demo\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
    "\"introduced\":\"0\"},{\"fixed\":\"%s\"}]}]}]}";

static void write_record(const char *folder, const char *file, const char *id, const char *modified, const char *fixed)
{
    char text[1024];
    snprintf(text, sizeof(text), RECORD, id, modified, fixed);
    write_text(folder, file, text);
}

static void of_two_records_of_one_id_the_newer_counts(void **state)
{
    (void)state;
    char folder[] = "/tmp/airlock-vulns-XXXXXX", *paths[] = {folder};
    struct err e = {0};
    auto_advisories_compiled compiled = {0};
    auto_vulns v = {0};
    static const struct match_package packages[] = {{"pkg:pypi/demo@1.5", NULL},
                                                    {"pkg:pypi/demo@0.9", NULL},
                                                    {"pkg:pypi/demo@odd", NULL},
                                                    {"pkg:npm/x@1.0", NULL},
                                                    {"pkg:npm/y@1.0", NULL}};
    assert_non_null(mkdtemp(folder));
    write_record(folder, "a.json", "DEMO-1", "2026-03-01T00:00:00Z", "1.0");
    write_record(folder, "b.json", "DEMO-1", "2026-02-01T00:00:00Z", "2.0");
    write_record(folder, "c.json", "DEMO-1", "2026-01-01T00:00:00Z", "3.0");
    auto_fd fd = memfd_create("snapshot", MFD_CLOEXEC);
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    struct child *parser = child_start(ROLE_PARSE, &e);
    assert_int_equal(advisories_compile(parser, paths, 1, 1795521600, fd, NULL, &compiled, &e), 0);
    assert_int_equal(compiled.counts.records, 1);
    assert_int_equal(compiled.counts.replaced, 2);
    assert_int_equal(advisories_match(parser, fd, packages, 5, &v, &e), 0);
    assert_int_equal(v.count, 1);
    assert_string_equal(v.list[0].purl, "pkg:pypi/demo@0.9");
    assert_string_equal(v.list[0].fixed, "1.0");
    assert_int_equal(v.packages, 5);
    assert_int_equal(v.gap_count, 2);
    assert_int_equal(vulns_undecided(&v), 3);
    auto_json shown = advisories_show(parser, fd, true, &e);
    assert_non_null(shown);
    auto_json found = advisories_find(parser, fd, "cve-2026-5", &e);
    assert_int_equal(json_array_size(json_object_get(found, "records")), 1);
    child_stop(parser);
    child_use_inline(NULL, 0);
    assert_int_equal(tree_remove(AT_FDCWD, folder, &e), 0);
}

static void a_source_of_the_future_does_not_make_advisories_young(void **state)
{
    (void)state;
    char folder[] = "/tmp/airlock-vulns-XXXXXX", *paths[] = {folder};
    struct err e = {0};
    auto_advisories_compiled compiled = {0};
    assert_non_null(mkdtemp(folder));
    write_record(folder, "a.json", "DEMO-1", "2026-03-01T00:00:00Z", "1.0");
    write_record(folder, "b.json", "DEMO-2", "2999-03-01T00:00:00Z", "1.0");
    auto_fd fd = memfd_create("snapshot", MFD_CLOEXEC);
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    struct child *parser = child_start(ROLE_PARSE, &e);
    assert_int_equal(advisories_compile(parser, paths, 1, 1795521600, fd, NULL, &compiled, &e), 0);
    auto_json shown = advisories_show(parser, fd, false, &e);
    assert_string_equal(json_get_string(shown, "date", ""), "2026-03-01T00:00:00Z");
    child_stop(parser);
    child_use_inline(NULL, 0);
    assert_int_equal(tree_remove(AT_FDCWD, folder, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_what_is_written_of_what_was_read),
        cmocka_unit_test(a_document_that_lacks_something_is_refused_with_its_place),
        cmocka_unit_test(medium_and_more_fails_as_does_what_is_exploited_or_not_rated),
        cmocka_unit_test(of_two_records_of_one_id_the_newer_counts),
        cmocka_unit_test(a_source_of_the_future_does_not_make_advisories_young),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
