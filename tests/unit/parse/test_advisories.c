/* What advisories say, and of which versions: scores, names, ranges. The bugs of other matchers (a first range over
 * commits, comparisons that fail silently, package descriptions that are believed) have a test each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parse/advisories.h"
#include "parse/advisory_body.h"
#include "parse/advisory_source.h"
#include "parse/cvss.h"
#include "parse/debian_tracker.h"
#include "parse/kev.h"
#include "parse/osv.h"

/* ── scores ── */

static void scores_are_those_of_the_specifications(void **state)
{
    (void)state;
    static const struct {
        const char *vector;
        enum cvss_version version;
        int tenths;
    } cases[] = {
        {"AV:N/AC:L/Au:N/C:N/I:N/A:C", CVSS_2, 78},    /* CVE-2002-0392, guide to 2.0, section 3.3.1 */
        {"(AV:N/AC:L/Au:N/C:C/I:C/A:C)", CVSS_2, 100}, /* CVE-2003-0818, section 3.3.2 */
        {"AV:L/AC:H/Au:N/C:C/I:C/A:C", CVSS_2, 62},    /* CVE-2003-0062, section 3.3.3 */
        {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", CVSS_3, 98},
        {"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", CVSS_3, 64},
        {"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", CVSS_3, 61},
        {"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N", CVSS_3, 0},
        {"CVSS:3.1/AV:P/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:L", CVSS_3, 37},
        {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", CVSS_4, 100},
        {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", CVSS_4, 0},
        {"CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", CVSS_4, 73},
        {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", CVSS_4, 81},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        enum cvss_version version;
        int tenths = -1;
        assert_true(cvss_score(span_str(cases[i].vector), &version, &tenths));
        assert_int_equal(version, cases[i].version);
        assert_int_equal(tenths, cases[i].tenths);
    }
}

static void a_vector_that_is_none_has_no_score(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",
        "CVSS:3.1/",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/QQ:N",
        "CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:5.0/AV:N",
        "9.8",
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        enum cvss_version version;
        int tenths;
        assert_false(cvss_score(span_str(none[i]), &version, &tenths));
    }
}

static void scores_have_the_words_of_their_version(void **state)
{
    (void)state;
    assert_int_equal(advisory_severity_of_score(98, false), ADVISORY_CRITICAL);
    assert_int_equal(advisory_severity_of_score(98, true), ADVISORY_HIGH); /* 2.0 knows no critical */
    assert_int_equal(advisory_severity_of_score(0, false), ADVISORY_NONE);
    assert_int_equal(advisory_severity_of_score(0, true), ADVISORY_LOW);
    assert_int_equal(advisory_severity_of_score(39, false), ADVISORY_LOW);
    assert_int_equal(advisory_severity_of_score(-1, false), ADVISORY_UNKNOWN);
}

/* ── names ── */

static void names_and_releases_join_both_sides(void **state)
{
    (void)state;
    static const struct {
        const char *ecosystem, *text, *release;
    } cases[] = {
        {"Debian", "12", "12"},
        {"Debian", "debian-12.5", "12"},
        {"Debian", "bookworm", "12"},
        {"Debian", "trixie/sid", "13"},
        {"Debian", "sid", "sid"},
        {"Alpine", "v3.20", "3.20"},
        {"Alpine", "alpine-3.20.1", "3.20"},
        {"Ubuntu", "22.04:LTS", "22.04"},
        {"Ubuntu", "Pro:18.04:LTS", "18.04"},
        {"Ubuntu", "ubuntu-jammy", "22.04"},
        {"AlmaLinux", "almalinux-9.3", "9"},
        {"SUSE", "Linux Enterprise Server 15 SP5", "15.5"},
        {"openSUSE", "Leap 15.5", "15.5"},
        {"Red Hat", "enterprise_linux:9::baseos", "9"},
        {"PyPI", "12", ""},
        {"Debian", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char release[ECOSYSTEM_RELEASE_SIZE];
        ecosystem_release(ecosystem_of(span_str(cases[i].ecosystem), NULL), span_str(cases[i].text), release);
        assert_string_equal(release, cases[i].release);
    }
    char name[ECOSYSTEM_NAME_SIZE];
    assert_true(ecosystem_name(ecosystem_of(SPAN_LIT("PyPI"), NULL), SPAN_LIT("Zope._Interface"), name));
    assert_string_equal(name, "zope-interface");
    assert_true(ecosystem_name(ecosystem_of(SPAN_LIT("Maven"), NULL), SPAN_LIT("Org.X:Y"), name));
    assert_string_equal(name, "Org.X:Y");
    assert_null(ecosystem_of(SPAN_LIT("Debia"), NULL));
    assert_null(ecosystem_of_purl("deb", "debia"));
    assert_string_equal(ecosystem_of_purl("deb", "debian")->name, "Debian");
    assert_string_equal(ecosystem_of_purl("npm", "@a")->name, "npm");
}

static void a_version_may_name_its_release(void **state)
{
    (void)state;
    char release[ECOSYSTEM_RELEASE_SIZE];
    ecosystem_release_of_version(ecosystem_of(SPAN_LIT("Debian"), NULL), SPAN_LIT("1.0-1+deb12u3"), release);
    assert_string_equal(release, "12");
    ecosystem_release_of_version(ecosystem_of(SPAN_LIT("AlmaLinux"), NULL), SPAN_LIT("3.0.1-1.el9_2"), release);
    assert_string_equal(release, "9");
    ecosystem_release_of_version(ecosystem_of(SPAN_LIT("Debian"), NULL), SPAN_LIT("1.0-1"), release);
    assert_string_equal(release, "");
}

/* ── ranges ── */

static struct body_result evaluate(const char *ecosystem, const char *events, const char *versions, const char *version)
{
    static struct buf bytes; /* what the answer borrows from */
    const struct ecosystem *eco = ecosystem_of(span_str(ecosystem), NULL);
    struct body_event list[32];
    struct span listed[32], rest = span_str(events), word;
    size_t event_count = 0, version_count = 0;
    struct body_result result;
    auto_body body;
    body_init(&body, eco);
    while (span_take_until(&rest, ' ', &word)) { /* "+0 -1.2 =2.0 <3": introduced, fixed, last affected, limit */
        static const char kinds[] = "+-=<";
        enum advisory_event_kind kind = (enum advisory_event_kind)(strchr(kinds, word.ptr[0]) - kinds);
        struct span v = span_of(word.ptr + 1, word.len - 1);
        if ((kind == ADVISORY_INTRODUCED && span_equal_str(v, "0")) || span_equal_str(v, "*"))
            v.len = 0;
        list[event_count++] = (struct body_event){kind, v};
    }
    rest = span_str(versions);
    while (span_take_until(&rest, ' ', &word))
        listed[version_count++] = word;
    assert_true(body_add_range(&body, list, event_count));
    body_set_versions(&body, listed, version_count);
    buf_fini(&bytes);
    bytes = BUF(1U << 20);
    body_write(&body, &bytes);
    assert_true(body_evaluate(eco, buf_span(&bytes), span_str(version), &result));
    return result;
}

static void ranges_hold_as_the_schema_says(void **state)
{
    (void)state;
    static const struct {
        const char *ecosystem, *events, *versions, *version;
        enum body_answer answer;
        const char *fixed;
    } cases[] = {
        {"npm", "+0 -1.2.0 ", "", "1.1.9", BODY_AFFECTED, "1.2.0"},
        {"npm", "+0 -1.2.0 ", "", "1.2.0", BODY_NOT_AFFECTED, ""},
        {"npm", "+0 -1.2.0 ", "", "1.2.0-rc.1", BODY_AFFECTED, "1.2.0"},
        {"npm", "+1.0.0 =1.2.0 ", "", "1.2.0", BODY_AFFECTED, ""},
        {"npm", "+1.0.0 =1.2.0 ", "", "1.2.1", BODY_NOT_AFFECTED, ""},
        {"npm", "+1.0.0 =1.2.0 ", "", "0.9.0", BODY_NOT_AFFECTED, ""},
        {"npm", "-3.0.0 +2.0.0 -1.0.0 +0 ", "", "2.5.0", BODY_AFFECTED, "3.0.0"}, /* not in order */
        {"npm", "-3.0.0 +2.0.0 -1.0.0 +0 ", "", "1.5.0", BODY_NOT_AFFECTED, ""},
        {"npm", "+0 <2.0.0 ", "", "1.0.0", BODY_AFFECTED, ""},
        {"npm", "+0 <2.0.0 ", "", "2.0.0", BODY_NOT_AFFECTED, ""},
        {"npm", "+0 <* ", "", "2.0.0", BODY_AFFECTED, ""},
        {"npm", "+1.0.0 -1.0.0 ", "", "1.0.0", BODY_NOT_AFFECTED, ""}, /* an empty range, as written */
        {"npm", "+0 -1.0.0 +1.0.0 -2.0.0 ", "", "1.0.0", BODY_AFFECTED, "2.0.0"},
        {"npm", "+1.0.0 -2.0.0 +0 -1.0.0 ", "", "1.0.0", BODY_AFFECTED, "2.0.0"}, /* two parts that touch */
        {"npm", "+0 -1.0.0 +2.0.0 -2.0.0 ", "", "2.0.0", BODY_NOT_AFFECTED, ""},
        {"npm", "", "1.0.0 2.0.0 ", "1.0.0+build", BODY_AFFECTED, ""},
        {"npm", "+0 -0.5.0 ", "1.0.0 ", "1.0.0", BODY_AFFECTED, ""}, /* the list or the range */
        {"crates.io", "+0.0.0-0 -1.0.0 ", "", "0.0.0-alpha", BODY_AFFECTED, "1.0.0"},
        {"PyPI", "+0 -2.6.0 ", "", "2.5.1+cu121", BODY_AFFECTED, "2.6.0"},
        {"PyPI", "+0 -2.5.1 ", "", "2.5.1+cu121", BODY_NOT_AFFECTED, ""},
        {"PyPI", "+0 =2.5.1 ", "", "2.5.1+cu121", BODY_AFFECTED, ""},
        {"PyPI", "+0 -2.5.1+cu121 ", "", "2.5.1+cu118", BODY_AFFECTED, "2.5.1+cu121"},
        {"PyPI", "", "2.5.1 ", "2.5.1+cu121", BODY_AFFECTED, ""},
        {"PyPI", "", "1.0 ", "1.0.0", BODY_AFFECTED, ""},
        {"PyPI", "", "2022.6.15 ", "2022.06.15", BODY_AFFECTED, ""}, /* case_34: leading zeros */
        {"Go", "+0 -1.7.7 ", "", "v1.6.0", BODY_AFFECTED, "1.7.7"},
        {"Go", "+0 -1.7.7 ", "", "v1.7.7+incompatible", BODY_NOT_AFFECTED, ""},
        {"Go", "+0 -0.0.0-20220314234659-1baeb1ce4c0b ", "", "v0.0.0-20210921155107-089bfa567519", BODY_AFFECTED,
         "0.0.0-20220314234659-1baeb1ce4c0b"},
        {"Go", "+1.20.0-0 -1.20.5 ", "", "go1.20rc2", BODY_AFFECTED, "1.20.5"},
        {"Go", "+1.20.0-0 -1.20.5 ", "", "go1.20", BODY_AFFECTED, "1.20.5"},
        {"Debian", "+0 -1:2.0-1 ", "", "2.5-1", BODY_AFFECTED, "1:2.0-1"},
        {"Debian", "+0 -2.0-1 ", "", "2.0-1~deb12u1", BODY_AFFECTED, "2.0-1"},
        {"AlmaLinux", "+0 -1:3.0.1-41.el9_0 ", "", "1:3.0.1-43.el9_0", BODY_NOT_AFFECTED, ""},
        {"Alpine", "+0 -3.1.4-r1 ", "", "3.1.4-r0", BODY_AFFECTED, "3.1.4-r1"},
        /* what has no place in the order is undecided, unless everything is affected */
        {"PyPI", "+0 -2.0 ", "", "nonsense", BODY_UNDECIDED, ""},
        {"PyPI", "+0 ", "", "nonsense", BODY_AFFECTED, ""},
        {"PyPI", "+0 ", "", "", BODY_AFFECTED, ""},
        {"PyPI", "+1.0 ", "", "", BODY_UNDECIDED, ""},
        {"PyPI", "", "2013-01-23T17:11 ", "2013-01-23t17:11", BODY_AFFECTED, ""},
        {"PyPI", "", "nonsense ", "nonsense", BODY_AFFECTED, ""},
        {"Go", "+0 -1.2.0 ", "", "(devel)", BODY_UNDECIDED, ""},
        {"PyPI", "+0 -not_a_version ", "", "1.0", BODY_UNDECIDED, ""}, /* no comparison fails silently */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct body_result r = evaluate(cases[i].ecosystem, cases[i].events, cases[i].versions, cases[i].version);
        if (r.answer != cases[i].answer || !span_equal_str(r.fixed, cases[i].fixed))
            fail_msg("%s %s[%s] %s: answer %d, fixed %.*s", cases[i].ecosystem, cases[i].events, cases[i].versions,
                     cases[i].version, r.answer, (int)r.fixed.len, (const char *)r.fixed.ptr);
        if (r.answer == BODY_UNDECIDED)
            assert_non_null(r.reason);
    }
}

/* ── records ── */

static struct advisory_row read_one(const char *text, struct buf *rows)
{
    struct advisory_row row;
    *rows = BUF(1U << 20);
    osv_read(span_str(text), SPAN_LIT("x.json"), rows);
    struct span rest = buf_span(rows);
    assert_true(advisory_row_take(&rest, &row));
    assert_int_equal(rest.len, 0);
    return row;
}

static void a_record_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"{\"id\":", ""},
        {"[]", ""},
        {"{\"id\":\"A\",\"id\":\"B\",\"modified\":\"2026-01-01T00:00:00Z\"}", ""},
        {"{\"modified\":\"2026-01-01T00:00:00Z\"}", "/id"},
        {"{\"id\":\"A B\",\"modified\":\"2026-01-01T00:00:00Z\"}", "/id"},
        {"{\"id\":\"A\"}", "/modified"},
        {"{\"id\":\"A\",\"modified\":\"yesterday\"}", "/modified"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"withdrawn\":1}", "/withdrawn"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"aliases\":[\"X\",7]}", "/aliases/1"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":{}}", "/affected"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"name\":\"x\"}}]}",
         "/affected/0/package/ecosystem"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\","
         "\"name\":"
         "\"x\"},\"versions\":[\"1\",null]}]}",
         "/affected/0/versions/1"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\","
         "\"name\":"
         "\"x\"},\"ranges\":[{\"type\":\"WISH\",\"events\":[{\"introduced\":\"0\"}]}]}]}",
         "/affected/0/ranges/0/type"},
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\","
         "\"name\":"
         "\"x\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[]}]}]}",
         "/affected/0/ranges/0/events"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf rows = {0};
        struct advisory_row row = read_one(cases[i].text, &rows);
        if (row.kind != ADVISORY_REFUSED || !span_equal_str(row.place, cases[i].place))
            fail_msg("%s: kind %d at %.*s", cases[i].text, row.kind, (int)row.place.len, (const char *)row.place.ptr);
        assert_true(row.reason.len > 0);
    }
}

static void the_last_known_affected_version_closes_a_range(void **state)
{
    (void)state;
    auto_buf rows = {0};
    struct advisory_row row = read_one(
        "{\"id\":\"GHSA-1\",\"modified\":\"2026-01-01T00:00:00.123+01:00\",\"affected\":[{\"package\":{"
        "\"ecosystem\":\"npm\",\"name\":\"x\"},\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"0\"}]}],"
        "\"database_specific\":{\"last_known_affected_version_range\":\"<= 1.2.3\"}}],\"database_specific\":{"
        "\"severity\":\"MODERATE\"}}",
        &rows);
    struct advisory_row_package package;
    struct body_result result;
    const struct ecosystem *npm = ecosystem_of(SPAN_LIT("npm"), NULL);
    assert_int_equal(row.kind, ADVISORY_RECORD);
    assert_int_equal(row.severity, ADVISORY_MEDIUM);
    assert_int_equal(row.modified_s, 1767222000);
    assert_true(advisory_row_package(&row.packages, &package));
    assert_true(body_evaluate(npm, package.body, SPAN_LIT("1.2.3"), &result));
    assert_int_equal(result.answer, BODY_AFFECTED);
    assert_true(body_evaluate(npm, package.body, SPAN_LIT("1.2.4"), &result));
    assert_int_equal(result.answer, BODY_NOT_AFFECTED);
}

static void malicious_packages_are_critical_whatever_they_say(void **state)
{
    (void)state;
    auto_buf rows = {0};
    struct advisory_row row = read_one(
        "{\"id\":\"MAL-2026-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"database_specific\":{\"severity\":\"LOW\"}}",
        &rows);
    assert_int_equal(row.severity, ADVISORY_CRITICAL);
    assert_true(row.flags & ADVISORY_FLAG_MALICIOUS);
}

/* ── other sources ── */

static void the_tracker_says_what_each_release_has(void **state)
{
    (void)state;
    static const char text[] =
        "{\"demo\": {\"CVE-2026-1\": {\"releases\": {\"bookworm\": {\"status\": \"resolved\", \"fixed_version\": "
        "\"1.0-1\"}, "
        "\"trixie\": {\"status\": \"resolved\", \"fixed_version\": \"0\"}, \"sid\": {\"status\": \"undetermined\"}}}, "
        "\"CVE-2026-2\": {\"releases\": {\"bookworm\": {\"status\": \"odd\"}}}}, \"b\\\"}\": {}}";
    auto_buf rows = BUF(1U << 20);
    struct advisory_row row;
    struct advisory_row_package package;
    struct err e = {0};
    uint64_t at = 0;
    bool done = false;
    assert_true(debian_tracker_is(span_str(text)));
    assert_int_equal(debian_tracker_read(span_str(text), &at, 1U << 20, &rows, &done, &e), 0);
    assert_true(done);
    struct span rest = buf_span(&rows);
    assert_true(advisory_row_take(&rest, &row));
    assert_true(span_equal_str(row.id, "DEBIAN-CVE-2026-1"));
    assert_int_equal(row.package_count, 2);
    assert_true(advisory_row_package(&row.packages, &package));
    assert_true(span_equal_str(package.release, "12"));
    assert_true(advisory_row_package(&row.packages, &package));
    assert_true(span_equal_str(package.release, "sid"));
    assert_true(advisory_row_take(&rest, &row));
    assert_int_equal(row.kind, ADVISORY_REFUSED);
    assert_true(span_equal_str(row.place, "/demo/CVE-2026-2/releases/bookworm/status"));
    assert_int_equal(rest.len, 0);
    /* read in pieces, and cut off anywhere */
    for (size_t len = 1; len < sizeof(text) - 1; len++) {
        auto_buf some = BUF(1U << 20);
        at = 0;
        done = false;
        int result = 0;
        while (result == 0 && !done)
            result = debian_tracker_read(span_of(text, len), &at, some.len + 1, &some, &done, &e);
        assert_int_equal(result, -1);
    }
}

static void a_file_is_what_it_holds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum advisory_source_kind kind;
    } cases[] = {
        {"{\"id\":\"A\",\"modified\":\"2026-01-01T00:00:00Z\"}", SOURCE_OSV},
        {"{\"demo\":{\"CVE-2026-1\":{\"releases\":{}}}}", SOURCE_DEBIAN},
        {"{\"catalogVersion\":\"1\",\"dateReleased\":\"2026-01-01T00:00:00Z\",\"count\":0,\"vulnerabilities\":[]}",
         SOURCE_KEV},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf reply = BUF(1U << 20);
        struct advisory_source_reply said;
        struct err e = {0};
        assert_int_equal(advisory_source_op(span_str(cases[i].text), SPAN_LIT("{\"name\":\"x\"}"), &reply, &e), 0);
        assert_true(advisory_source_reply_read(buf_span(&reply), &said));
        assert_int_equal(said.kind, cases[i].kind);
        assert_true(said.done);
    }
    auto_buf reply = BUF(1024);
    struct err e = {0};
    assert_int_equal(advisory_source_op(SPAN_LIT("no JSON"), SPAN_LIT("{}"), &reply, &e), -1);
}

static void a_snapshot_of_nothing_is_none(void **state)
{
    (void)state;
    struct advisories a;
    struct err e = {0};
    uint8_t empty[ADVISORIES_HEADER_BYTES] = "AIRADVS1\1\0\0\0\xe8\0\0\0\xe8";
    assert_int_equal(advisories_open(span_of("", 0), &a, &e), -1);
    assert_int_equal(advisories_open(span_of(empty, sizeof(empty)), &a, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_the_specifications),
        cmocka_unit_test(a_vector_that_is_none_has_no_score),
        cmocka_unit_test(scores_have_the_words_of_their_version),
        cmocka_unit_test(names_and_releases_join_both_sides),
        cmocka_unit_test(a_version_may_name_its_release),
        cmocka_unit_test(ranges_hold_as_the_schema_says),
        cmocka_unit_test(a_record_is_refused_with_its_place),
        cmocka_unit_test(the_last_known_affected_version_closes_a_range),
        cmocka_unit_test(malicious_packages_are_critical_whatever_they_say),
        cmocka_unit_test(the_tracker_says_what_each_release_has),
        cmocka_unit_test(a_file_is_what_it_holds),
        cmocka_unit_test(a_snapshot_of_nothing_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
