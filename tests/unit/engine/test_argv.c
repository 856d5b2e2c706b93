/* Placeholders of a release's command, and the environment that an engine gets. */
#include "engine/argv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct argv_values VALUES = {.socket = "/s", .model = "/models/m.gguf", .threads = 7};

static char *words(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

static void placeholders_are_filled_in_wherever_they_stand(void **state)
{
    (void)state;
    char *command[] = {words("/engine/llama-server"),
                       words("--host"),
                       words("{socket}"),
                       words("-m={model},{model}"),
                       words("{threads}"),
                       words("{\"json\":{socket}}"),
                       words("{unknown}"),
                       words("{"),
                       words(""),
                       NULL};
    auto_argv out = argv_fill(command, &VALUES);
    static const char *const wanted[] = {"/engine/llama-server",
                                         "--host",
                                         "/s",
                                         "-m=/models/m.gguf,/models/m.gguf",
                                         "7",
                                         "{\"json\":/s}",
                                         "{unknown}",
                                         "{",
                                         ""};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_string_equal(out[i], wanted[i]);
    assert_null(out[ARRAY_LEN(wanted)]);
    for (size_t i = 0; command[i]; i++)
        free(command[i]);
}

static void values_are_not_looked_through_again(void **state)
{
    (void)state;
    char word[] = "{model}", *command[] = {word, NULL};
    struct argv_values odd = {.socket = "/s", .model = "/models/{socket}", .threads = 1};
    auto_argv out = argv_fill(command, &odd);
    assert_string_equal(out[0], "/models/{socket}");
}

static bool has(char **environment, const char *entry)
{
    for (size_t i = 0; environment[i]; i++)
        if (strcmp(environment[i], entry) == 0)
            return true;
    return false;
}

static void a_release_may_set_what_we_would_set(void **state)
{
    (void)state;
    char path[] = "PATH=/engine", pathology[] = "HOMEPAGE=x", *own[] = {path, pathology, NULL};
    auto_argv out = environment_fill(own);
    assert_true(has(out, "PATH=/engine"));
    assert_true(has(out, "HOMEPAGE=x"));
    assert_true(has(out, "HOME=/tmp"));
    assert_true(has(out, "LANG=C.UTF-8"));
    assert_false(has(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
}

static void a_model_name_that_leads_astray_is_not_used(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"m.gguf", "/models/m.gguf"}, {"../x", "/models/model"}, {"", "/models/model"},    {"a/b", "/models/a/b"},
        {"a//b", "/models/model"},    {"..", "/models/model"},   {"a\nb", "/models/model"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_buf out = BUF(512);
        model_path(names[i][0], &out);
        assert_string_equal(buf_str(&out), names[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_are_filled_in_wherever_they_stand),
        cmocka_unit_test(values_are_not_looked_through_again),
        cmocka_unit_test(a_release_may_set_what_we_would_set),
        cmocka_unit_test(a_model_name_that_leads_astray_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
