/* shipment.json: what the writer makes, and what the reader refuses. */
#include <string.h>

#include "fixture.h"
#include "ship/shipment_doc.h"

static void fill(struct shipment_doc *d)
{
    *d = (struct shipment_doc){.contour = "000102030405060708090a0b0c0d0e0f",
                               .station = "north",
                               .sequence = 7,
                               .issued_s = ISSUED,
                               .expires_s = EXPIRES,
                               .release_count = 1,
                               .key_count = 1,
                               .volume_count = 2};
    d->releases = calloc(1, sizeof *d->releases);
    d->volumes = calloc(2, sizeof *d->volumes);
    d->releases[0] = (struct shipment_release){.name = "assistant",
                                               .version = "v1.0.0",
                                               .digest = digest_of_text("index"),
                                               .attachments = {digest_of_text("provenance")},
                                               .attachment_count = 1};
    d->artifacts[d->artifact_count++] = (struct shipment_artifact){.role = TUF_POLICY,
                                                                   .digest = digest_of_text("policy"),
                                                                   .signature = digest_of_text("policy signed"),
                                                                   .size = 1684,
                                                                   .date_s = ISSUED};
    d->artifacts[d->artifact_count++] = (struct shipment_artifact){.role = TUF_ADVISORIES,
                                                                   .digest = digest_of_text("snapshot"),
                                                                   .signature = digest_of_text("snapshot signed"),
                                                                   .size = 31457280,
                                                                   .date_s = ISSUED - 36000};
    d->attestation_keys[0] = digest_of_text("key");
    d->volumes[0] = (struct shipment_volume){.number = 1, .size = 67108864, .header = digest_of_text("header 1")};
    d->volumes[1] = (struct shipment_volume){.number = 2, .size = 4096, .header = digest_of_text("header 2")};
}

static void a_shipment_document_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    struct shipment_doc d;
    auto_buf text = BUF(SHIPMENT_BYTES_MAX);
    fill(&d);

    assert_int_equal(shipment_doc_write(&d, &text, &e), 0);

    expect_golden("examples/shipment.json", &text);
    shipment_doc_fini(&d);
}

static json_t *golden(void)
{
    struct err e = {0};
    auto_buf text = BUF(SHIPMENT_BYTES_MAX);
    read_golden("examples/shipment.json", &text);
    json_t *j = json_parse(buf_span(&text), SHIPMENT_BYTES_MAX, "shipment.json", &e);
    assert_non_null(j);
    return j;
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct err e = {0};
    struct shipment_doc d, wanted;
    auto_json j = golden();
    fill(&wanted);

    assert_int_equal(shipment_doc_read(j, &d, &e), 0);

    assert_string_equal(d.contour, wanted.contour);
    assert_string_equal(d.station, "north");
    assert_int_equal(d.sequence, 7);
    assert_int_equal(d.issued_s, ISSUED);
    assert_int_equal(d.expires_s, EXPIRES);
    assert_int_equal(d.release_count, 1);
    assert_string_equal(d.releases[0].version, "v1.0.0");
    assert_int_equal(d.releases[0].attachment_count, 1);
    assert_int_equal(d.artifact_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(d.artifacts[i].role, wanted.artifacts[i].role);
        assert_true(digest_equal(&d.artifacts[i].digest, &wanted.artifacts[i].digest));
        assert_true(digest_equal(&d.artifacts[i].signature, &wanted.artifacts[i].signature));
        assert_int_equal(d.artifacts[i].size, wanted.artifacts[i].size);
        assert_int_equal(d.artifacts[i].date_s, wanted.artifacts[i].date_s);
    }
    assert_int_equal(d.key_count, 1);
    assert_int_equal(d.volume_count, 2);
    assert_memory_equal(d.volumes, wanted.volumes, 2 * sizeof *d.volumes);
    shipment_doc_fini(&d);
    shipment_doc_fini(&wanted);
}

static void expect_refused(json_t *j, const char *word)
{
    struct err e = {0};
    struct shipment_doc d;

    assert_int_equal(shipment_doc_read(j, &d, &e), -1);

    if (!strstr(e.msg, word))
        fail_msg("wanted \"%s\" in: %s", word, e.msg);
    json_decref(j);
}

static json_t *with(const char *key, json_t *value)
{
    json_t *j = golden();
    json_object_set_new(j, key, value);
    return j;
}

static void a_document_that_is_not_as_it_must_be_is_refused(void **state)
{
    (void)state;
    expect_refused(with("schema", json_string("airlock/shipment/9")), "/schema");
    expect_refused(with("contour", json_string("demo")), "/contour");
    expect_refused(with("sequence", json_real(7.5)), "/sequence");
    expect_refused(with("expires", json_string("2027-02-22 08:00:00")), "/expires");
    expect_refused(with("block_size", json_integer(4096)), "/block_size");
    expect_refused(with("since", json_integer(3)), "since");
}

static void volumes_are_numbered_without_gaps(void **state)
{
    (void)state;
    json_t *j = golden();
    json_object_set_new(json_array_get(json_object_get(j, "volumes"), 1), "number", json_integer(3));
    expect_refused(j, "/volumes/1");
}

static void a_release_needs_a_name_and_a_version(void **state)
{
    (void)state;
    json_t *j = golden();
    json_object_set_new(json_array_get(json_object_get(j, "releases"), 0), "name", json_string("../assistant"));
    expect_refused(j, "/releases/0");
}

static void a_shipment_brings_a_release_or_an_artifact(void **state)
{
    (void)state;
    struct err e = {0};
    struct shipment_doc d;
    json_t *neither = with("releases", json_array());
    json_object_del(neither, "artifacts");
    expect_refused(neither, "/releases");

    auto_json alone = with("releases", json_array());
    assert_int_equal(shipment_doc_read(alone, &d, &e), 0);
    assert_int_equal(d.release_count, 0);
    shipment_doc_fini(&d);

    auto_json without = golden();
    json_object_del(without, "artifacts");
    assert_int_equal(shipment_doc_read(without, &d, &e), 0);
    assert_int_equal(d.artifact_count, 0);
    shipment_doc_fini(&d);
}

/* The golden document with one member of its first artifact changed, or taken away. */
static json_t *with_artifact(const char *key, json_t *value)
{
    json_t *j = golden(), *first = json_array_get(json_object_get(j, "artifacts"), 0);
    if (value)
        json_object_set_new(first, key, value);
    else
        json_object_del(first, key);
    return j;
}

static void an_artifact_that_is_not_as_it_must_be_is_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"role", "digest", "size", "date", "signature"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        expect_refused(with_artifact(members[i], NULL), members[i]);
    expect_refused(with_artifact("role", json_string("models")), "wanted policy or advisories");
    expect_refused(with_artifact("role", json_string("advisories")), "twice");
    expect_refused(with_artifact("size", json_string("1")), "/artifacts/0/size");
    expect_refused(with_artifact("digest", json_string("sha256:abc")), "/artifacts/0");
    expect_refused(with_artifact("date", json_string("yesterday")), "/artifacts/0/date");
    expect_refused(with_artifact("more", json_true()), "more");
    expect_refused(with("artifacts", json_array()), "/artifacts");
    json_t *three = golden(), *list = json_object_get(three, "artifacts");
    json_array_append(list, json_array_get(list, 0));
    expect_refused(three, "/artifacts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shipment_document_is_the_golden_one),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_document_that_is_not_as_it_must_be_is_refused),
        cmocka_unit_test(volumes_are_numbered_without_gaps),
        cmocka_unit_test(a_release_needs_a_name_and_a_version),
        cmocka_unit_test(a_shipment_brings_a_release_or_an_artifact),
        cmocka_unit_test(an_artifact_that_is_not_as_it_must_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
