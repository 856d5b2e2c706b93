/* The reader of releases: what it gives back, and what it refuses. */
#include <string.h>

#include "fixture.h"

struct reading {
    struct sample s;
    struct child *parser;
    struct release *r;
    struct err e;
};

static void begin(struct reading *t, void **state)
{
    *t = (struct reading){.e = {0}};
    sample_make(&t->s, *state);
    t->parser = child_start(ROLE_PARSE, &t->e);
    assert_non_null(t->parser);
}

static void end(struct reading *t)
{
    release_free(t->r);
    child_stop(t->parser);
    sample_fini(&t->s);
}

static void read_it(struct reading *t)
{
    struct digest index = sample_put(&t->s);
    t->r = release_read(t->s.blobs, t->parser, &index, &t->e);
}

/* It is refused with this code and a message that holds both words. */
static void expect_refused(struct reading *t, enum err_code code, const char *one, const char *two)
{
    read_it(t);
    assert_null(t->r);
    assert_int_equal(t->e.code, code);
    if (!strstr(t->e.msg, one) || !strstr(t->e.msg, two))
        fail_msg("wanted \"%s\" and \"%s\" in: %s", one, two, t->e.msg);
    end(t);
}

static json_t *layer(json_t *manifest, size_t i)
{
    return json_array_get(json_object_get(manifest, "layers"), i);
}

static void a_release_is_read_to_its_end(void **state)
{
    struct reading t;
    begin(&t, state);

    read_it(&t);

    if (!t.r)
        fail_msg("%s", t.e.msg);
    assert_string_equal(t.r->name, "assistant");
    assert_string_equal(t.r->version, "v1.0.0");
    assert_string_equal(t.r->owner, "team");
    assert_string_equal(t.r->licence, "Apache-2.0");
    assert_string_equal(t.r->model_name, "Tiny");
    assert_string_equal(t.r->model.name, "tiny.gguf");
    assert_int_equal(t.r->model.size, 4);
    assert_true(digest_equal(&t.r->model.digest, &t.s.model));
    assert_int_equal(t.r->engine.layer_count, 1);
    assert_true(digest_equal(&t.r->engine.layers[0].digest, &t.s.layer));
    assert_int_equal(t.r->command_count, 5);
    assert_string_equal(t.r->command[2], "{socket}");
    assert_null(t.r->command[5]);
    end(&t);
}

static void environment_variables_come_sorted(void **state)
{
    struct reading t;
    begin(&t, state);

    read_it(&t);

    assert_non_null(t.r);
    assert_int_equal(t.r->environment_count, 2);
    assert_string_equal(t.r->environment[0], "A=1");
    assert_string_equal(t.r->environment[1], "B=2");
    end(&t);
}

/* Index, three manifests, three configurations, weights, layer, five texts. */
static void every_blob_is_listed_once_and_the_index_first(void **state)
{
    struct reading t;
    begin(&t, state);

    read_it(&t);

    assert_non_null(t.r);
    assert_int_equal(t.r->blob_count, 14);
    assert_true(digest_equal(&t.r->blobs[0].digest, &t.r->digest));
    for (size_t i = 0; i < t.r->blob_count; i++)
        assert_ptr_equal(release_find_blob(t.r, &t.r->blobs[i].digest), &t.r->blobs[i]);
    end(&t);
}

static void each_blob_belongs_to_a_part(void **state)
{
    struct reading t;
    begin(&t, state);

    read_it(&t);

    assert_non_null(t.r);
    assert_string_equal(release_part_of(t.r, &t.s.model), "model");
    assert_string_equal(release_part_of(t.r, &t.s.layer), "engine");
    assert_string_equal(release_part_of(t.r, &t.r->engine.config), "engine");
    assert_string_equal(release_part_of(t.r, &t.r->card.digest), "card");
    assert_string_equal(release_part_of(t.r, &t.r->config), "release");
    end(&t);
}

static void an_index_of_another_kind_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(t.s.index, "artifactType", json_string("application/other"));

    expect_refused(&t, ERR_INPUT, "/artifactType", MEDIA_RELEASE);
}

static void a_part_that_is_missing_is_named(void **state)
{
    struct reading t;
    begin(&t, state);
    json_t *annotations = json_object_get(json_array_get(json_object_get(t.s.index, "manifests"), 1), "annotations");
    json_object_set_new(annotations, ANNOTATION_PART, json_string("spare"));

    expect_refused(&t, ERR_INPUT, "none has", "engine");
}

static void a_part_that_stands_twice_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_t *annotations = json_object_get(json_array_get(json_object_get(t.s.index, "manifests"), 1), "annotations");
    json_object_set_new(annotations, ANNOTATION_PART, json_string("model"));

    expect_refused(&t, ERR_INPUT, "two have", "model");
}

static void a_fourth_manifest_of_a_known_part_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_t *manifests = json_object_get(t.s.index, "manifests");
    json_array_append(manifests, json_array_get(manifests, 0));

    expect_refused(&t, ERR_INPUT, "/manifests", "two have");
}

static void a_fourth_manifest_that_is_not_of_packages_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_t *more = json_deep_copy(json_array_get(json_object_get(t.s.index, "manifests"), 0));
    json_object_set_new(json_object_get(more, "annotations"), "vnd.airlock.part", json_string("extras"));
    json_array_append_new(json_object_get(t.s.index, "manifests"), more);

    expect_refused(&t, ERR_INPUT, "/manifests", "none has");
}

static void a_name_that_the_configuration_contradicts_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(t.s.config, "version", json_string("v9.9.9"));

    expect_refused(&t, ERR_INPUT, "v9.9.9", "v1.0.0");
}

static void a_file_name_that_the_configuration_contradicts_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(json_object_get(t.s.config, "model"), "file", json_string("other.gguf"));

    expect_refused(&t, ERR_INPUT, "other.gguf", "tiny.gguf");
}

static void an_unknown_member_of_the_configuration_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(t.s.config, "hook", json_string("/bin/sh"));

    expect_refused(&t, ERR_INPUT, "release configuration", "hook");
}

static void a_file_name_with_a_slash_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(json_object_get(layer(t.s.model_manifest, 0), "annotations"), ANNOTATION_FILEPATH,
                        json_string("../tiny.gguf"));

    expect_refused(&t, ERR_INPUT, "model manifest", "file name");
}

static void the_same_path_twice_in_a_model_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_array_append(json_object_get(t.s.model_manifest, "layers"), layer(t.s.model_manifest, 0));

    expect_refused(&t, ERR_INPUT, "model manifest", "each path once and in order");
}

static void a_text_that_is_missing_is_named(void **state)
{
    struct reading t;
    begin(&t, state);
    json_array_remove(json_object_get(t.s.config_manifest, "layers"), 3);

    expect_refused(&t, ERR_INPUT, "there is no", "licence");
}

static void a_text_that_stands_twice_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_array_append(json_object_get(t.s.config_manifest, "layers"), layer(t.s.config_manifest, 0));

    expect_refused(&t, ERR_INPUT, "/layers/5", "prompts");
}

static void a_size_that_the_blob_contradicts_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(layer(t.s.engine_manifest, 0), "size", json_integer(8));

    expect_refused(&t, ERR_INPUT, "has 7 bytes", "says 8");
}

static void a_blob_that_is_missing_is_not_found(void **state)
{
    struct reading t;
    begin(&t, state);
    struct digest gone = digest_of_text("nobody has this");
    json_object_set_new(layer(t.s.engine_manifest, 0), "digest", json_string(digest_text(&gone).text));

    expect_refused(&t, ERR_NOTFOUND, "engine", digest_hex(&gone).text);
}

static void an_environment_variable_needs_a_name(void **state)
{
    struct reading t;
    begin(&t, state);
    json_object_set_new(json_object_get(json_object_get(t.s.config, "engine"), "environment"), "A=B", json_string("x"));

    expect_refused(&t, ERR_INPUT, "/engine/environment", "A=B");
}

static void an_empty_command_is_refused(void **state)
{
    struct reading t;
    begin(&t, state);
    json_array_clear(json_object_get(json_object_get(t.s.config, "engine"), "command"));

    expect_refused(&t, ERR_INPUT, "/engine/command", "found 0");
}

static void names_are_lower_case_words(void **state)
{
    (void)state;
    assert_true(release_name_ok("assistant-2"));
    assert_false(release_name_ok(""));
    assert_false(release_name_ok("-x"));
    assert_false(release_name_ok("Assistant"));
    assert_false(release_name_ok("a/b"));
    assert_false(release_name_ok("0123456789012345678901234567890123456789012345678901234567890123x"));
}

static void versions_are_v_and_three_numbers(void **state)
{
    (void)state;
    assert_true(release_version_ok("v0.0.0"));
    assert_true(release_version_ok("v1.20.300"));
    assert_false(release_version_ok("1.0.0"));
    assert_false(release_version_ok("v1.0"));
    assert_false(release_version_ok("v1.0.0.0"));
    assert_false(release_version_ok("v01.0.0"));
    assert_false(release_version_ok("v1.0.0-rc1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_release_is_read_to_its_end, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(environment_variables_come_sorted, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(every_blob_is_listed_once_and_the_index_first, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(each_blob_belongs_to_a_part, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(an_index_of_another_kind_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_part_that_is_missing_is_named, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_part_that_stands_twice_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_fourth_manifest_of_a_known_part_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_fourth_manifest_that_is_not_of_packages_is_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_name_that_the_configuration_contradicts_is_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_file_name_that_the_configuration_contradicts_is_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(an_unknown_member_of_the_configuration_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_file_name_with_a_slash_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(the_same_path_twice_in_a_model_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_text_that_is_missing_is_named, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_text_that_stands_twice_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_size_that_the_blob_contradicts_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_blob_that_is_missing_is_not_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(an_environment_variable_needs_a_name, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(an_empty_command_is_refused, folder_make, folder_remove),
        cmocka_unit_test(names_are_lower_case_words),
        cmocka_unit_test(versions_are_v_and_three_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
