/* release.yaml: what is read, and how a mistake in it is named. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/licence.h"
#include "ship/pack_spec.h"

#define HEAD               \
    "name: assistant\n"    \
    "version: v1.0.0\n"    \
    "owner: team\n"        \
    "model:\n"             \
    "  file: model.gguf\n" \
    "  name: Tiny\n"       \
    "  licence: Apache-2.0\n"
#define ENGINE                                                 \
    "engine:\n"                                                \
    "  program: bin/server\n"                                  \
    "  files:\n"                                               \
    "    /etc/b.conf: b\n"                                     \
    "    /etc/a.conf: a\n"                                     \
    "  command: [/engine/server, \"{socket}\", \"{model}\"]\n" \
    "  environment:\n"                                         \
    "    LC_ALL: C\n"
#define TAIL                  \
    "prompts: prompts.yaml\n" \
    "suite: suite.yaml\n"     \
    "card: card.md\n"         \
    "licence: LICENSE\n"      \
    "changes: CHANGES.md\n"

static void a_whole_file_is_read(void **state)
{
    (void)state;
    struct err e = {0};
    auto_pack_spec s;

    if (pack_spec_parse(SPAN_LIT(HEAD ENGINE TAIL), "release.yaml", &s, &e) < 0)
        fail_msg("%s", e.msg);

    assert_string_equal(s.name, "assistant");
    assert_string_equal(s.model_file, "model.gguf");
    assert_null(s.model_source);
    assert_string_equal(s.program, "bin/server");
    assert_null(s.image);
    assert_int_equal(s.command_count, 3);
    assert_string_equal(s.changes, "CHANGES.md");
}

static void files_come_sorted_and_without_the_leading_slash(void **state)
{
    (void)state;
    struct err e = {0};
    auto_pack_spec s;

    assert_int_equal(pack_spec_parse(SPAN_LIT(HEAD ENGINE TAIL), "release.yaml", &s, &e), 0);

    assert_int_equal(s.file_count, 2);
    assert_string_equal(s.files[0].path, "etc/a.conf");
    assert_string_equal(s.files[1].path, "etc/b.conf");
}

/* `text` is refused, and the message holds both words. */
static void expect_refused(const char *text, const char *one, const char *two)
{
    struct err e = {0};
    struct pack_spec s;
    assert_int_equal(pack_spec_parse(span_str(text), "release.yaml", &s, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    if (!strstr(e.msg, one) || !strstr(e.msg, two))
        fail_msg("wanted \"%s\" and \"%s\" in: %s", one, two, e.msg);
}

#define ENGINE_OF(command, files) HEAD "engine:\n  program: server\n" files "  command: " command "\n" TAIL

#define MODEL_WITH(more)                                                                                            \
    "name: assistant\nversion: v1.0.0\nowner: team\nmodel:\n  file: w/model.safetensors\n  name: Tiny\n  licence: " \
    "MIT\n" more ENGINE TAIL

static void files_beside_the_weights_come_sorted_by_path(void **state)
{
    (void)state;
    struct err e = {0};
    auto_pack_spec s;

    assert_int_equal(pack_spec_parse(SPAN_LIT(MODEL_WITH("  repository: acme/tiny\n  files:\n    tokenizer.json: t\n"
                                                         "    onnx/deep/model.onnx: o\n    config.json: c\n")),
                                     "release.yaml", &s, &e),
                     0);

    assert_string_equal(s.model_repository, "acme/tiny");
    assert_int_equal(s.model_file_count, 3);
    assert_string_equal(s.model_files[0].path, "config.json");
    assert_string_equal(s.model_files[1].path, "onnx/deep/model.onnx");
    assert_string_equal(s.model_files[1].file, "o");
}

static void a_path_that_leads_astray_and_a_name_that_no_client_takes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {MODEL_WITH("  files: {../x: f}\n"), "found \"../x\""},
        {MODEL_WITH("  files: {/x: f}\n"), "found \"/x\""},
        {MODEL_WITH("  files: {a//b: f}\n"), "found \"a//b\""},
        {MODEL_WITH("  files: {a/: f}\n"), "found \"a/\""},
        {MODEL_WITH("  files: {model.safetensors: f}\n"), "not the name of the weights"},
        {MODEL_WITH("  repository: a/b/c\n"), "repository: \"a/b/c\""},
        {MODEL_WITH("  repository: a/tree\n"), "repository: \"a/tree\""},
        {MODEL_WITH("  repository: datasets/a\n"), "repository: \"datasets/a\""},
        {MODEL_WITH("  repository: .a\n"), "repository: \".a\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct pack_spec s;
        assert_int_equal(pack_spec_parse(span_str(cases[i].text), "release.yaml", &s, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
        if (!strstr(e.msg, cases[i].wanted))
            fail_msg("%s: wanted \"%s\" in: %s", cases[i].text, cases[i].wanted, e.msg);
    }
}

static void an_unknown_key_names_its_line_and_the_nearest_known(void **state)
{
    (void)state;
    expect_refused(HEAD "promts: x\n" ENGINE TAIL, "release.yaml:8", "prompts");
}

static void a_missing_key_is_named(void **state)
{
    (void)state;
    expect_refused(HEAD ENGINE "prompts: p\nsuite: s\ncard: c\nlicence: l\n", "changes", "missing");
    expect_refused("name: a\nversion: v1.0.0\n" ENGINE TAIL, "owner", "missing");
}

static void a_wrong_name_or_version_says_what_is_wanted(void **state)
{
    (void)state;
    expect_refused("name: My Assistant\nversion: v1.0.0\nowner: t\n", "release.yaml:1", "My Assistant");
    expect_refused("name: a\nversion: 1.0\nowner: t\n", "release.yaml:2", "v1.0.0");
}

static void an_engine_is_a_program_or_an_image(void **state)
{
    (void)state;
    expect_refused(HEAD "engine:\n  command: [/e, \"{socket}\", \"{model}\"]\n" TAIL, "either program", "image");
    expect_refused(HEAD "engine:\n  program: a\n  image: b\n  command: [/e]\n" TAIL, "either program", "image");
}

static void a_command_must_say_where_socket_and_model_go(void **state)
{
    (void)state;
    expect_refused(ENGINE_OF("[/engine/server, \"{model}\"]", ""), "{socket}", "command");
    expect_refused(ENGINE_OF("[/engine/server, \"{socket}\"]", ""), "{model}", "command");
    expect_refused(ENGINE_OF("[server, \"{socket}\", \"{model}\"]", ""), "absolute", "server");
}

static void a_placeholder_that_nothing_fills_in_is_named(void **state)
{
    (void)state;
    struct err e = {0};
    auto_pack_spec s;
    expect_refused(ENGINE_OF("[/engine/server, \"{socket}\", \"{model}\", \"-t={thread}\"]", ""), "{thread}",
                   "{threads}");
    expect_refused(ENGINE_OF("[/engine/server, \"{socket}\", \"{model}\"]", "  environment:\n    MODEL: \"{model}\"\n"),
                   "release.yaml:11: engine: environment", "{model}");
    assert_int_equal(
        pack_spec_parse(SPAN_LIT(ENGINE_OF("[/engine/server, \"{socket}{model}{threads}\", '{\"a\": {}}']", "")),
                        "release.yaml", &s, &e),
        0);
}

static void a_licence_is_an_spdx_expression(void **state)
{
    (void)state;
    static const char *const good[] = {"MIT", "GPL-2.0+", "(MIT OR Apache-2.0) AND BSD-3-Clause",
                                       "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-ours"};
    static const char *const bad[] = {
        "",     "Apache 2.0", "MIT/X11", "see LICENSE",         "MIT OR",    "OR MIT", "(MIT",
        "MIT)", "MIT (OR) X", "()",      "MIT or GPL-2.0-only", "proprietär"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(licence_check(good[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        assert_int_equal(licence_check(bad[i], &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.msg, "Apache-2.0"));
    }
    expect_refused("name: a\nversion: v1.0.0\nowner: t\nmodel:\n  file: f\n  name: n\n  licence: Free for all\n",
                   "release.yaml:7: model: licence", "Free for all");
}

static void a_path_in_the_image_does_not_climb(void **state)
{
    (void)state;
    expect_refused(ENGINE_OF("[/e, \"{socket}{model}\"]", "  files:\n    /../etc/passwd: x\n"), "files", "/../etc");
    expect_refused(ENGINE_OF("[/e, \"{socket}{model}\"]", "  files:\n    etc/x: x\n"), "files", "absolute");
    expect_refused(ENGINE_OF("[/e, \"{socket}{model}\"]", "  files:\n    /etc/: x\n"), "files", "/etc/");
    expect_refused(ENGINE_OF("[/e, \"{socket}{model}\"]", "  files:\n    /etc//x: x\n"), "files", "/etc//x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(files_come_sorted_and_without_the_leading_slash),
        cmocka_unit_test(files_beside_the_weights_come_sorted_by_path),
        cmocka_unit_test(a_path_that_leads_astray_and_a_name_that_no_client_takes_are_refused),
        cmocka_unit_test(an_unknown_key_names_its_line_and_the_nearest_known),
        cmocka_unit_test(a_missing_key_is_named),
        cmocka_unit_test(a_wrong_name_or_version_says_what_is_wanted),
        cmocka_unit_test(an_engine_is_a_program_or_an_image),
        cmocka_unit_test(a_command_must_say_where_socket_and_model_go),
        cmocka_unit_test(a_placeholder_that_nothing_fills_in_is_named),
        cmocka_unit_test(a_licence_is_an_spdx_expression),
        cmocka_unit_test(a_path_in_the_image_does_not_climb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
