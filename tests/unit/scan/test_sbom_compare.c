/* A supplied inventory against our own: missing, surplus, another version, another hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/sbom_read.h"
#include "scan/sbom_compare.h"
#include "util/limits.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The packages of a CycloneDX document with these components; ' stands for ". */
static json_t *packages(const char *components)
{
    auto_buf text = BUF(65536), reply = BUF(1U << 20);
    struct err e = {0};
    buf_printf(&text, "{'bomFormat':'CycloneDX','specVersion':'1.6','components':[%s]}", components);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\'')
            text.ptr[i] = '"';
    assert_int_equal(sbom_read_op(buf_span(&text), span_str(""), &reply, &e), 0);
    auto_json root = json_parse(buf_span(&reply), 1U << 20, "reply", &e);
    return json_incref(json_object_get(root, "packages"));
}

/* The findings of a comparison, one a line: "rule severity at". */
static void compare(const char *supplied, const char *own, struct buf *out, enum verdict *verdict)
{
    auto_report r = {0};
    auto_buf text = BUF(1U << 20);
    struct json_out w;
    struct err e = {0};
    auto_json theirs = packages(supplied);
    auto_json ours = packages(own);
    const json_t *finding;
    size_t i;
    report_init(&r, "cyclonedx");
    sbom_compare(theirs, ours, &r);
    *verdict = r.verdict;
    json_out_init(&w, &text);
    json_out_object(&w);
    assert_int_equal(report_write(&r, &w, &e), 0);
    json_out_object_end(&w);
    auto_json root = json_parse(buf_span(&text), 1U << 20, "report", &e);
    json_array_foreach(json_object_get(root, "findings"), i, finding)
        buf_printf(out, "%s %s %s\n", json_get_string(finding, "rule", ""), json_get_string(finding, "severity", ""),
                   json_get_string(finding, "at", ""));
}

static void expect(const char *supplied, const char *own, const char *findings, bool blocks)
{
    auto_buf out = BUF(65536);
    enum verdict verdict;
    compare(supplied, own, &out, &verdict);
    assert_string_equal(buf_str(&out), findings);
    assert_int_equal(verdict_blocks(verdict), blocks);
}

#define LIB(version, hash)                                                             \
    "{'type':'library','name':'a','version':'" version "','purl':'pkg:pypi/a@" version \
    "','hashes':[{'alg':'SHA-256','content':'" hash "'}]}"
#define MODEL(hash) \
    "{'type':'machine-learning-model','name':'m.gguf','hashes':[{'alg':'SHA-256','content':'" hash "'}]}"

static void inventories_that_agree_have_no_finding(void **state)
{
    (void)state;
    expect(LIB("1.0", A64), LIB("1.0", A64), "", false);
    expect("", "", "", false);
    /* who says less does not contradict */
    expect("{'type':'library','name':'a','purl':'pkg:pypi/A'}", LIB("1.0", A64), "", false);
    /* the same bytes under another name */
    expect("{'type':'file','name':'b','hashes':[{'alg':'SHA-256','content':'" A64 "'}]}", MODEL(A64), "", false);
    /* qualifiers say where, not what */
    expect("{'type':'library','name':'z','version':'1','purl':'pkg:deb/debian/z@1?arch=amd64'}",
           "{'type':'library','name':'z','version':'1','purl':'pkg:deb/debian/z@1?arch=amd64&distro=debian-12'}", "",
           false);
}

static void another_hash_another_version_and_what_is_missing_block(void **state)
{
    (void)state;
    expect(LIB("1.0", A64), LIB("1.0", B64), "sbom-hash high pkg:pypi/a@1.0\n", true);
    expect(MODEL(A64), MODEL(B64), "sbom-hash high m.gguf\n", true);
    expect(LIB("1.0", A64), LIB("1.1", B64), "sbom-version medium pkg:pypi/a@1.0\n", true);
    expect(LIB("1.0", A64), LIB("1.1", A64), "sbom-version medium pkg:pypi/a@1.0\n", true);
    expect(LIB("1.0", A64), "", "sbom-missing medium pkg:pypi/a@1.0\n", true);
    /* of files ours lists only those that matter */
    expect("{'type':'file','name':'f'}", LIB("1.0", A64), "sbom-missing low f\nsbom-surplus info pypi\n", false);
}

static void of_several_versions_the_one_that_is_said_is_found(void **state)
{
    (void)state;
    expect(LIB("1.1", B64), LIB("1.0", A64) "," LIB("1.1", B64), "sbom-surplus low pypi\n", false);
}

static void surplus_packages_are_said_by_kind_and_do_not_block_but_a_model_does(void **state)
{
    static const char debs[] = "{'type':'library','name':'x','version':'1','purl':'pkg:deb/debian/x@1'},"
                               "{'type':'library','name':'y','version':'1','purl':'pkg:deb/debian/y@1'}";
    auto_buf own = BUF(65536);
    (void)state;
    buf_printf(&own, "%s,%s", LIB("1.0", A64), debs);
    expect(LIB("1.0", A64), buf_str(&own), "sbom-surplus info deb\n", false);
    expect(LIB("1.0", A64), LIB("1.0", A64) "," MODEL(B64), "sbom-surplus medium m.gguf\n", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inventories_that_agree_have_no_finding),
        cmocka_unit_test(another_hash_another_version_and_what_is_missing_block),
        cmocka_unit_test(of_several_versions_the_one_that_is_said_is_found),
        cmocka_unit_test(surplus_packages_are_said_by_kind_and_do_not_block_but_a_model_does),
    };
    return cmocka_run_group_tests_name("scan/sbom_compare", tests, NULL, NULL);
}
