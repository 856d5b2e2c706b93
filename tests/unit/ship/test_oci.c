/* The OCI documents and the inventory that packing writes are those of docs/formats. */
#include "fixture.h"
#include "ship/sbom.h"

static struct release_blob blob(const char *text, uint64_t size, const char *media_type, const char *name)
{
    return (struct release_blob){
        .digest = digest_of_text(text), .size = size, .media_type = (char *)media_type, .name = (char *)name};
}

static void a_model_manifest_is_the_golden_one(void **state)
{
    (void)state;
    auto_buf text = BUF(65536);
    struct release_blob config = blob("model config", 300, MEDIA_MODEL_CONFIG, "");
    struct release_blob weights = blob("weights", 98362432, MEDIA_MODEL_WEIGHT, "tiny.gguf");

    oci_manifest(MEDIA_MODEL_MANIFEST, &config, &weights, NULL, 1, &text);

    expect_golden("examples/model-manifest.json", &text);
}

static void a_model_configuration_is_the_golden_one(void **state)
{
    (void)state;
    auto_buf text = BUF(65536);
    struct release_blob weights = blob("weights", 98362432, MEDIA_MODEL_WEIGHT, "tiny.gguf");
    struct oci_model m = {
        .name = "Tiny", .licence = "Apache-2.0", .source = "pkg:pypi/tiny@1.0", .layers = &weights, .layer_count = 1};

    oci_model_config(&m, &text);

    expect_golden("examples/model-config.json", &text);
}

static void a_release_manifest_is_the_golden_one(void **state)
{
    (void)state;
    static const char *const parts[] = {"prompts", "suite"};
    auto_buf text = BUF(65536);
    struct release_blob config = blob("release config", 400, MEDIA_RELEASE_CONFIG, "");
    struct release_blob layers[] = {blob("prompts", 120, MEDIA_PROMPTS, "prompts.yaml"),
                                    blob("suite", 900, MEDIA_SUITE, "suite.yaml")};

    oci_manifest(MEDIA_RELEASE_CONFIG, &config, layers, parts, 2, &text);

    expect_golden("examples/release-manifest.json", &text);
}

static void an_engine_configuration_is_the_golden_one(void **state)
{
    (void)state;
    static const char *const command[] = {"/engine/server", "--host", "{socket}"};
    auto_buf text = BUF(65536);
    struct digest layer = digest_of_text("layer");

    oci_engine_config("amd64", command, 3, &layer, &text);

    expect_golden("examples/engine-config.json", &text);
}

static void an_attachment_is_the_golden_one(void **state)
{
    (void)state;
    auto_buf text = BUF(65536);
    struct release_blob index = blob("index", 1172, MEDIA_OCI_INDEX, "");
    struct digest envelope = digest_of_text("envelope");

    oci_attachment(&index, &envelope, 1234, "https://slsa.dev/provenance/v1", &text);

    expect_golden("examples/attachment.json", &text);
}

static void an_inventory_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(65536);
    struct digest index = digest_of_text("index"), weights = digest_of_text("weights");
    struct sbom_component parts[] = {
        {.type = "machine-learning-model",
         .name = "tiny.gguf",
         .licence = "Apache-2.0",
         .part = "model",
         .digest = &weights,
         .size = 98362432},
        {.type = "library", .name = "zlib", .version = "1.2.13", .purl = "pkg:deb/debian/zlib1g@1.2.13"},
    };
    struct sbom s = {
        .subject = {.type = "application", .name = "assistant", .version = "v1.0.0", .digest = &index, .size = 1172},
        .supplier = "team",
        .seed = index,
        .time_s = ISSUED,
        .components = parts,
        .count = 2};

    assert_int_equal(sbom_write(&s, &text, &e), 0);

    expect_golden("examples/sbom.cdx.json", &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_manifest_is_the_golden_one),
        cmocka_unit_test(a_model_configuration_is_the_golden_one),
        cmocka_unit_test(a_release_manifest_is_the_golden_one),
        cmocka_unit_test(an_engine_configuration_is_the_golden_one),
        cmocka_unit_test(an_attachment_is_the_golden_one),
        cmocka_unit_test(an_inventory_is_the_golden_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
