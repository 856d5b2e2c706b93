/* The packages document: written and read, and what is refused of it; names that people take for each other. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/packages.h"

static struct child *parser(void)
{
    struct err e = {0};
    struct child *c = child_start(ROLE_PARSE, &e);
    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

static json_t *golden(void)
{
    struct err e = {0};
    auto_buf text = BUF(1U << 20);
    read_golden("examples/packages.json", &text);
    json_t *root = json_parse(buf_span(&text), 1U << 20, "packages.json", &e);
    if (!root)
        fail_msg("%s", e.msg);
    return root;
}

static void the_golden_document_is_read_and_written_again(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(1U << 20), again = BUF(1U << 20);
    auto_packages p = {0};
    struct child *c = parser();
    read_golden("examples/packages.json", &text);

    int result = packages_parse(c, buf_span(&text), "packages.json", &p, &e);

    if (result < 0 || packages_write(&p, &again, &e) < 0)
        fail_msg("%s", e.msg);
    expect_golden("examples/packages.json", &again);
    child_stop(c);
}

/* Takes `root` over. */
static void expect_refused(json_t *root, const char *words)
{
    struct err e = {0};
    auto_packages p = {0};
    struct child *c = parser();
    char *text = json_dumps(root, JSON_COMPACT);
    assert_non_null(text);
    if (packages_parse(c, span_str(text), "packages.json", &p, &e) == 0)
        fail_msg("taken, and should say: %s", words);
    if (!strstr(e.msg, words))
        fail_msg("wanted \"%s\" in: %s", words, e.msg);
    child_stop(c);
    free(text);
    json_decref(root);
}

static json_t *item(json_t *root, size_t i)
{
    return json_array_get(json_object_get(root, "packages"), i);
}

static json_t *changed(const char *key, json_t *value)
{
    json_t *root = golden();
    if (value)
        json_object_set_new(item(root, 0), key, value);
    else
        json_object_del(item(root, 0), key);
    return root;
}

static void what_a_document_does_not_know_is_refused(void **state)
{
    (void)state;
    json_t *root = golden();
    json_object_set_new(root, "more", json_true());
    expect_refused(root, "more");
    expect_refused(changed("extra", json_true()), "extra");
    expect_refused(changed("ecosystem", json_string("gem")), "/packages/0/ecosystem");
    root = golden();
    json_object_set_new(root, "schema", json_string("airlock/packages/2"));
    expect_refused(root, "airlock/packages/1");
}

static void what_a_package_needs_must_be_there(void **state)
{
    (void)state;
    static const char *const keys[] = {"ecosystem", "name",  "version", "filename", "digest",
                                       "size",      "group", "hashes",  "about"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        expect_refused(changed(keys[i], NULL), keys[i]);
    expect_refused(changed("about", json_object()), "control");
}

static void a_file_name_leads_nowhere_else(void **state)
{
    (void)state;
    expect_refused(changed("filename", json_string("../etc/passwd")), "filename");
    expect_refused(changed("filename", json_string("..")), "filename");
    expect_refused(changed("name", json_string("a\nb")), "name");
    expect_refused(changed("name", json_string("")), "name");
}

static void a_package_stands_there_once(void **state)
{
    (void)state;
    json_t *root = golden();
    json_array_append(json_object_get(root, "packages"), item(root, 1));
    expect_refused(root, "each once");
    root = golden();
    json_t *other = json_deep_copy(item(root, 1));
    json_object_set_new(other, "digest", json_string(digest_text(&(struct digest){{1}}).text));
    json_array_append_new(json_object_get(root, "packages"), other);
    expect_refused(root, "different bytes");
}

static bool look_alike_in(const char *ecosystem, const char *a, const char *b)
{
    char x[64], y[64];
    package_name_skeleton(ecosystem, a, x, sizeof x);
    package_name_skeleton(ecosystem, b, y, sizeof y);
    return strcmp(x, y) == 0;
}

static bool look_alike(const char *a, const char *b)
{
    return look_alike_in("npm", a, b);
}

static void names_that_look_alike_are_told(void **state)
{
    (void)state;
    assert_false(look_alike("requests", "requests1"));
    assert_true(look_alike("six", "s1x"));
    assert_true(look_alike("numpy", "nurnpy"));
    assert_true(look_alike("pymongo", "pyrnongo"));
    assert_true(look_alike("lodash", "1odash"));
    assert_true(look_alike("JSONStream", "jsonstream"));
    assert_true(look_alike("wheel", "vvheel"));
    assert_true(look_alike("torch", "t0rch"));
    assert_false(look_alike("object-assign", "object.assign"));
    assert_false(look_alike("libc6", "libc7"));
}

static void names_that_differ_by_hyphens_look_alike_on_pypi_and_not_on_npm(void **state)
{
    (void)state;
    assert_true(look_alike_in("pypi", "requests", "requ-ests"));
    assert_true(look_alike_in("pypi", "py-yaml", "pyyaml"));
    assert_true(look_alike_in("pypi", "tornado", "tor-nado"));
    assert_false(look_alike_in("pypi", "requests", "requests-toolbelt"));
    assert_false(look_alike_in("npm", "camelcase", "camel-case"));
    assert_false(look_alike_in("npm", "foreach", "for-each"));
    assert_false(look_alike_in("deb", "libfoo-1-2", "libfoo12"));
}

/* ── the document against the manifest ── */

/* A release that brings one file, as a test may spoil it. */
struct bringing {
    struct sample s;
    struct child *parser;
    json_t *document, *manifest; /* owned */
};

static struct digest put_json(struct bringing *t, const json_t *document, size_t *size)
{
    struct err e = {0};
    struct digest id;
    char *text = json_dumps(document, JSON_COMPACT);
    assert_non_null(text);
    *size = strlen(text);
    if (blob_put(t->s.blobs, span_str(text), &id, &e) < 0)
        fail_msg("%s", e.msg);
    free(text);
    return id;
}

static void begin(struct bringing *t, void **state)
{
    struct err e = {0};
    struct digest id;
    *t = (struct bringing){.parser = parser()};
    sample_make(&t->s, *state);
    if (blob_put(t->s.blobs, SPAN_LIT("Read me.\n"), &id, &e) < 0)
        fail_msg("%s", e.msg);
    t->document = json_pack("{s:s, s:[{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:{}, s:{s:s}}], s:[]}", "schema",
                            PACKAGES_SCHEMA, "packages", "ecosystem", "file", "name", "docs", "version", "v1.0.0",
                            "filename", "a.txt", "digest", digest_text(&id).text, "size", 9, "group", "prod", "hashes",
                            "about", "media-type", "text/plain", "evidence");
    t->manifest = json_pack("{s:i, s:s, s:s, s:{s:s}, s:[{s:s, s:s, s:i}]}", "schemaVersion", 2, "mediaType",
                            MEDIA_OCI_MANIFEST, "artifactType", MEDIA_PACKAGES, "config", "mediaType", MEDIA_PACKAGES,
                            "layers", "mediaType", MEDIA_PACKAGE, "digest", digest_text(&id).text, "size", 9);
    assert_non_null(t->document);
    assert_non_null(t->manifest);
}

/* Puts the release with its fourth part, reads it, and its packages: -1 and *e. Ends the test's world. */
static int read_both(struct bringing *t, size_t *count, struct err *e)
{
    size_t size;
    auto_packages p = {0};
    struct digest config = put_json(t, t->document, &size);
    json_object_set_new(json_object_get(t->manifest, "config"), "digest", json_string(digest_text(&config).text));
    json_object_set_new(json_object_get(t->manifest, "config"), "size", json_integer((json_int_t)size));
    struct digest part = put_json(t, t->manifest, &size);
    json_array_append_new(json_object_get(t->s.index, "manifests"),
                          json_pack("{s:s, s:s, s:I, s:{s:s}}", "mediaType", MEDIA_OCI_MANIFEST, "digest",
                                    digest_text(&part).text, "size", (json_int_t)size, "annotations", ANNOTATION_PART,
                                    "packages"));
    struct digest index = sample_put(&t->s);
    struct release *r = release_read(t->s.blobs, t->parser, &index, e);
    int result = r ? release_packages(t->s.blobs, t->parser, r, &p, e) : -1;
    *count = p.count;
    if (result == 0)
        assert_string_equal(release_part_of(r, &p.items[0].digest), "packages");
    release_free(r);
    json_decref(t->document);
    json_decref(t->manifest);
    sample_fini(&t->s);
    child_stop(t->parser);
    return result;
}

static void expect_disagreement(struct bringing *t, const char *words)
{
    struct err e = {0};
    size_t count;
    assert_int_equal(read_both(t, &count, &e), -1);
    if (!strstr(e.msg, words))
        fail_msg("wanted \"%s\" in: %s", words, e.msg);
}

static void what_a_release_brings_is_read(void **state)
{
    struct bringing t;
    struct err e = {0};
    size_t count;
    begin(&t, state);
    if (read_both(&t, &count, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(count, 1);
}

static void a_file_that_the_manifest_does_not_have_is_refused(void **state)
{
    struct bringing t;
    begin(&t, state);
    json_array_clear(json_object_get(t.manifest, "layers"));
    expect_disagreement(&t, "which the manifest does not have");
}

/* The model is a blob of the release, and no package for that. */
static void a_file_of_another_part_is_no_package(void **state)
{
    struct bringing t;
    begin(&t, state);
    json_object_set_new(item(t.document, 0), "digest", json_string(digest_text(&t.s.model).text));
    json_object_set_new(item(t.document, 0), "size", json_integer(4));
    expect_disagreement(&t, "which the manifest does not have");
}

static void a_size_that_the_manifest_contradicts_is_refused(void **state)
{
    struct bringing t;
    begin(&t, state);
    json_object_set_new(item(t.document, 0), "size", json_integer(10));
    expect_disagreement(&t, "another size");
}

static void a_layer_that_the_document_does_not_name_is_refused(void **state)
{
    struct bringing t;
    begin(&t, state);
    json_array_clear(json_object_get(t.document, "packages"));
    expect_disagreement(&t, "it names 0 files, and the manifest has 1 layers");
}

static void a_layer_stands_there_once(void **state)
{
    struct bringing t;
    begin(&t, state);
    json_t *layers = json_object_get(t.manifest, "layers");
    json_array_append(layers, json_array_get(layers, 0));
    expect_disagreement(&t, "stands there twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_golden_document_is_read_and_written_again, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(what_a_document_does_not_know_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(what_a_package_needs_must_be_there, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_file_name_leads_nowhere_else, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_package_stands_there_once, folder_make, folder_remove),
        cmocka_unit_test(names_that_look_alike_are_told),
        cmocka_unit_test(names_that_differ_by_hyphens_look_alike_on_pypi_and_not_on_npm),
        cmocka_unit_test_setup_teardown(what_a_release_brings_is_read, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_file_that_the_manifest_does_not_have_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_file_of_another_part_is_no_package, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_size_that_the_manifest_contradicts_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_layer_that_the_document_does_not_name_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_layer_stands_there_once, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
