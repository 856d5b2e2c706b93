/* Prompt sets: what is read, and how a mistake in one is named. */
#include <string.h>

#include "fixture.h"
#include "ship/prompts.h"

static int parse(const char *text, struct prompts *p, struct err *e)
{
    struct child *parser = child_start(ROLE_PARSE, e);
    assert_non_null(parser);
    int result = prompts_parse(parser, span_str(text), "prompts.yaml", p, e);
    child_stop(parser);
    return result;
}

static void a_prompt_set_is_read(void **state)
{
    (void)state;
    struct err e = {0};
    auto_prompts p;

    if (parse("system: Be brief.\nwarmup:\n  - Hello\n  - \"42\"\nparameters:\n  temperature: 0.25\n  seed: 7\n"
              "  stop: [\"END\"]\n",
              &p, &e) < 0)
        fail_msg("%s", e.msg);

    assert_string_equal(p.system, "Be brief.");
    assert_int_equal(p.warmup_count, 2);
    assert_string_equal(p.warmup[1], "42");
    assert_true(json_number_value(json_object_get(p.parameters, "temperature")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(p.parameters, "seed")), 7);
    assert_string_equal(json_string_value(json_array_get(json_object_get(p.parameters, "stop"), 0)), "END");
}

static void system_and_parameters_may_be_left_out(void **state)
{
    (void)state;
    struct err e = {0};
    auto_prompts p;

    assert_int_equal(parse("warmup: [Hello]\n", &p, &e), 0);

    assert_string_equal(p.system, "");
    assert_int_equal(json_object_size(p.parameters), 0);
}

static void expect_refused(const char *text, const char *one, const char *two)
{
    struct err e = {0};
    struct prompts p;
    assert_int_equal(parse(text, &p, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    if (!strstr(e.msg, one) || !strstr(e.msg, two))
        fail_msg("wanted \"%s\" and \"%s\" in: %s", one, two, e.msg);
}

static void a_mistake_names_its_line(void **state)
{
    (void)state;
    expect_refused("system: x\n", "warmup", "missing");
    expect_refused("system: x\nwarmup: []\n", "prompts.yaml:2", "at least one");
    expect_refused("sytem: x\nwarmup: [a]\n", "prompts.yaml:1", "system");
    expect_refused("warmup: [a]\nparameters:\n  temprature: 0\n", "prompts.yaml:3", "temperature");
    expect_refused("warmup: [a]\nparameters:\n  temperature: warm\n", "prompts.yaml:3", "a number");
    expect_refused("warmup: [a]\nparameters:\n  temperature: .inf\n", "prompts.yaml:3", "a number");
    expect_refused("warmup: [a]\nparameters:\n  temperature: 0x10\n", "prompts.yaml:3", "a number");
    expect_refused("warmup: [a]\nparameters:\n  max_tokens: -1\n", "prompts.yaml:3", "whole number");
    expect_refused("warmup: [a, [b]]\n", "warmup", "a text");
}

static void a_parameter_cannot_name_a_model_or_a_place(void **state)
{
    (void)state;
    expect_refused("warmup: [a]\nparameters:\n  model: other\n", "model", "no parameter");
    expect_refused("warmup: [a]\nparameters:\n  tools: other\n", "tools", "no parameter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_prompt_set_is_read, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(system_and_parameters_may_be_left_out, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_mistake_names_its_line, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_parameter_cannot_name_a_model_or_a_place, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
