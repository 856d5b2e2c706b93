/* Inventories that we write, with everything that a component can say: valid by our own check, read back by our own
 * reader, the same bytes each time, and golden in both forms. */
#include "ship/sbom.h"

#include <string.h>

#include "fixture.h"
#include "parse/sbom_check.h"
#include "parse/sbom_read.h"

#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"

static const char *const FOUND[] = {"usr/lib/python3/dist-packages/demo-1.0.dist-info/METADATA",
                                    "usr/lib/b \"quoted\""};
static const char *const DATASETS[] = {"some text"};
static const struct sbom_hash HASHES[] = {{"SHA-1", SHA1}};
static const struct sbom_identity IDENTITIES[] = {
    {.field = "purl", .technique = "manifest-analysis", .value = "METADATA", .confidence = 100},
    {.field = "version", .technique = "filename", .confidence = 50}};
static const struct sbom_property PROPERTIES[] = {{"airlock:layer", "sha256:00"}, {"airlock:owned", "true"}};
static const struct sbom_model MODEL = {.task = "text-generation",
                                        .architecture_family = "llama",
                                        .architecture = "LlamaForCausalLM",
                                        .input = "text",
                                        .output = "text",
                                        .datasets = DATASETS,
                                        .dataset_count = 1};
static const size_t NEEDS[] = {1};
static struct digest weights, wheel, index_digest;

static const struct sbom_component PARTS[] = {
    {.type = "library",
     .ref = "pkg:pypi/demo@1.0",
     .supplier = "Jane Doe",
     .group = "org.example",
     .name = "demo",
     .version = "1.0",
     .description = "one line",
     .purl = "pkg:pypi/demo@1.0",
     .cpe = "cpe:2.3:a:example:demo:1.0:*:*:*:*:*:*:*",
     .licence = "MIT OR LicenseRef-own",
     .part = "packages",
     .digest = &wheel,
     .size = 4096,
     .hashes = HASHES,
     .hash_count = 1,
     .found = FOUND,
     .found_count = 2,
     .identities = IDENTITIES,
     .identity_count = 2,
     .properties = PROPERTIES,
     .property_count = 2,
     .needs = NEEDS,
     .needs_count = 1},
    {.type = "library",
     .name = "zlib1g",
     .version = "1:1.2.13",
     .purl = "pkg:deb/debian/zlib1g@1:1.2.13",
     .licence = "zlib-like"},
    {.type = "machine-learning-model",
     .name = "tiny.gguf",
     .licence = "Apache-2.0",
     .digest = &weights,
     .size = 98362432,
     .model = &MODEL},
    {.type = "operating-system", .name = "debian", .version = "12"},
    {.type = "file", .name = "usr/bin/\xff\x01tool", .hashes = HASHES, .hash_count = 1},
};

static struct sbom inventory(void)
{
    weights = digest_of_text("weights");
    wheel = digest_of_text("wheel");
    index_digest = digest_of_text("index");
    return (struct sbom){.subject = {.type = "application", .name = "assistant", .version = "v1.0.0"},
                         .supplier = "team",
                         .seed = index_digest,
                         .time_s = ISSUED,
                         .components = PARTS,
                         .count = sizeof PARTS / sizeof *PARTS,
                         .incomplete = true,
                         .comment = "one file could not be read"};
}

static json_t *ask(int (*op)(struct span, struct span, struct buf *, struct err *), const struct buf *document)
{
    struct err e = {0};
    auto_buf reply = BUF(1U << 20);
    assert_int_equal(op(buf_span(document), span_str(""), &reply, &e), 0);
    return json_parse(buf_span(&reply), 1U << 20, "reply", &e);
}

static void is_valid(const struct buf *document, const char *format)
{
    auto_json reply = ask(sbom_check_op, document);
    const json_t *problem = json_array_get(json_object_get(reply, "problems"), 0);
    if (problem)
        print_message("# %s: %s\n", json_get_string(problem, "at", ""), json_get_string(problem, "message", ""));
    assert_true(json_is_true(json_object_get(reply, "valid")));
    assert_int_equal(json_integer_value(json_object_get(reply, "note_count")), 0);
    assert_string_equal(json_get_string(reply, "format", ""), format);
}

static const char *member(const json_t *reply, size_t i, const char *key)
{
    return json_get_string(json_array_get(json_object_get(reply, "packages"), i), key, "-");
}

static void both_forms_are_valid_golden_and_the_same_each_time(void **state)
{
    static const struct {
        const char *name, *format, *golden;
    } forms[] = {{"cyclonedx", "CycloneDX", "examples/sbom-full.cdx.json"},
                 {"spdx", "SPDX", "examples/sbom-full.spdx.json"}};
    (void)state;
    struct sbom s = inventory();
    for (size_t i = 0; i < 2; i++) {
        int (*write_sbom)(const struct sbom *s, struct buf *out, struct err *e);
        auto_buf once = BUF(1U << 20), twice = BUF(1U << 20);
        struct err e = {0};
        assert_true(sbom_format_named(forms[i].name, &write_sbom));
        assert_int_equal(write_sbom(&s, &once, &e), 0);
        assert_int_equal(write_sbom(&s, &twice, &e), 0);
        assert_true(span_equal(buf_span(&once), buf_span(&twice)));
        is_valid(&once, forms[i].format);
        expect_golden(forms[i].golden, &once);
    }
}

static void what_was_written_is_read_back(void **state)
{
    struct sbom s = inventory();
    struct err e = {0};
    auto_buf cyclonedx = BUF(1U << 20), spdx = BUF(1U << 20);
    (void)state;
    assert_int_equal(sbom_write(&s, &cyclonedx, &e), 0);
    assert_int_equal(sbom_write_spdx(&s, &spdx, &e), 0);
    auto_json a = ask(sbom_read_op, &cyclonedx);
    auto_json b = ask(sbom_read_op, &spdx);
    assert_int_equal(json_array_size(json_object_get(a, "packages")), 6);
    assert_int_equal(json_array_size(json_object_get(b, "packages")), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(member(a, i, "purl"), member(b, i, "purl"));
        assert_string_equal(member(a, i, "version"), member(b, i, "version"));
        auto_free char *x =
            json_dumps(json_object_get(json_array_get(json_object_get(a, "packages"), i), "hashes"), JSON_COMPACT);
        auto_free char *y =
            json_dumps(json_object_get(json_array_get(json_object_get(b, "packages"), i), "hashes"), JSON_COMPACT);
        assert_string_equal(x, y);
    }
    assert_string_equal(member(a, 0, "name"), "assistant");
    assert_string_equal(member(b, 1, "name"), "org.example/demo");
    assert_string_equal(member(a, 1, "ref"), "pkg:pypi/demo@1.0");
    assert_string_equal(member(b, 1, "licence"), "MIT OR LicenseRef-own");
    /* what is no expression stays what it was called */
    assert_string_equal(member(a, 2, "licence"), "zlib-like");
}

static void an_empty_inventory_without_a_time_is_valid(void **state)
{
    struct sbom s = {.subject = {.type = "file", .name = "nothing"}, .time_s = -1};
    struct err e = {0};
    auto_buf cyclonedx = BUF(1U << 20), spdx = BUF(1U << 20);
    (void)state;
    assert_int_equal(sbom_write(&s, &cyclonedx, &e), 0);
    assert_int_equal(sbom_write_spdx(&s, &spdx, &e), 0);
    assert_null(strstr(buf_str(&cyclonedx), "timestamp"));
    is_valid(&cyclonedx, "CycloneDX");
    is_valid(&spdx, "SPDX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_valid_golden_and_the_same_each_time),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(an_empty_inventory_without_a_time_is_valid),
    };
    return cmocka_run_group_tests_name("ship/sbom", tests, NULL, NULL);
}
