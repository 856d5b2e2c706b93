/* Chat requests: what is asked of a client, and what the engine gets. */
#include "gateway/chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_written(const char *request, const char *system, const char *parameters, const char *wanted)
{
    struct chat c;
    struct err e = {0};
    auto_buf out = BUF(65536);
    auto_json p = parameters ? json_parse(span_str(parameters), 4096, "parameters", &e) : NULL;
    if (chat_parse(span_str(request), &c, &e) < 0)
        fail_msg("%s: %s", request, e.msg);
    chat_write(&c, system, p, &out);
    assert_string_equal(buf_str(&out), wanted);
    chat_fini(&c);
}

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

static void the_releases_prompt_stands_first_even_before_the_clients_own(void **state)
{
    (void)state;
    assert_written(
        "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"mine\"},{\"role\":\"user\","
        "\"content\":\"hi\"}]}",
        "be \"kind\"\n", NULL,
        "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"be \\\"kind\\\"\\n\"},"
        "{\"role\":\"system\",\"content\":\"mine\"},{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":false}");
}

static void parameters_of_the_release_stand_where_the_request_says_nothing(void **state)
{
    (void)state;
    assert_written("{\"model\":\"a\"," USER ",\"temperature\":0.7,\"user\":\"x\",\"top_p\":null}", "",
                   "{\"temperature\":0,\"top_p\":0.5,\"seed\":7}",
                   "{\"model\":\"a\"," USER ",\"temperature\":0.7,\"top_p\":0.5,\"seed\":7,\"stream\":false}");
}

static void the_two_names_of_the_length_are_one_parameter(void **state)
{
    (void)state;
    assert_written("{\"model\":\"a\"," USER ",\"max_completion_tokens\":5}", "", "{\"max_tokens\":100}",
                   "{\"model\":\"a\"," USER ",\"max_completion_tokens\":5,\"stream\":false}");
}

static void a_stream_is_always_asked_for_its_token_counts(void **state)
{
    (void)state;
    assert_written("{\"model\":\"a\"," USER ",\"stream\":true,\"stream_options\":{\"include_usage\":false}}", "", NULL,
                   "{\"model\":\"a\"," USER ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
}

static void malformed_requests_are_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *request, *place;
    } bad[] = {
        {"", "the request"},
        {"[]", "the request"},
        {"{\"model\":\"a\",\"model\":\"b\"," USER "}", "the request"},
        {"{" USER "}", "/model"},
        {"{\"model\":1," USER "}", "/model"},
        {"{\"model\":\"a\"}", "/messages"},
        {"{\"model\":\"a\",\"messages\":[]}", "/messages"},
        {"{\"model\":\"a\",\"messages\":{}}", "/messages"},
        {"{\"model\":\"a\",\"messages\":[1]}", "/messages/0/role"},
        {"{\"model\":\"a\",\"messages\":[{\"role\":\"root\",\"content\":\"x\"}]}", "/messages/0/role"},
        {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":7}]}", "/messages/0/content"},
        {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{}]}]}", "/messages/0/content/0"},
        {"{\"model\":\"a\"," USER ",\"stream\":\"yes\"}", "/stream"},
        {"{\"model\":\"a\"," USER ",\"stream_options\":1}", "/stream_options"},
        {"{\"model\":\"a\"," USER ",\"web_search_options\":{}}", "/web_search_options"},
        {"{\"model\":\"a\"," USER ",\"lora\":[]}", "/lora"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct chat c;
        struct err e = {0};
        if (chat_parse(span_str(bad[i].request), &c, &e) == 0)
            fail_msg("accepted: %s", bad[i].request);
        if (!strstr(e.msg, bad[i].place))
            fail_msg("%s: the message names no %s: %s", bad[i].request, bad[i].place, e.msg);
    }
}

static int parsed_with(const char *parameter, struct err *e)
{
    struct chat c;
    auto_buf request = BUF(4096);
    buf_printf(&request, "{\"model\":\"a\"," USER ",%s}", parameter);
    if (chat_parse(buf_span(&request), &c, e) < 0)
        return -1;
    chat_fini(&c);
    return 0;
}

static void a_parameter_out_of_its_range_is_refused_with_found_and_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *parameter, *message;
    } bad[] = {
        {"\"max_tokens\":-1", "/max_tokens: wanted a whole number from 1 to 2147483647, found -1"},
        {"\"max_tokens\":0", "found 0"},
        {"\"max_tokens\":1.5", "found 1.5"},
        {"\"max_tokens\":\"many\"", "found \"many\""},
        {"\"max_completion_tokens\":2147483648", "/max_completion_tokens: "},
        {"\"temperature\":2.5", "/temperature: wanted a number from 0 to 2, found 2.5"},
        {"\"temperature\":-0.1", "/temperature: "},
        {"\"top_p\":1.01", "/top_p: "},
        {"\"top_k\":-2", "/top_k: "},
        {"\"n\":0", "/n: "},
        {"\"top_logprobs\":21", "/top_logprobs: wanted a whole number from 0 to 20"},
        {"\"frequency_penalty\":-3", "/frequency_penalty: wanted a number from -2 to 2"},
        {"\"logprobs\":1", "/logprobs: wanted true or false, found 1"},
        {"\"stop\":[1]", "/stop: wanted a string or a list of strings, found [1]"},
        {"\"tools\":{}", "/tools: wanted a list, found {}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        if (parsed_with(bad[i].parameter, &e) == 0)
            fail_msg("accepted: %s", bad[i].parameter);
        assert_int_equal(e.code, ERR_INPUT);
        if (!strstr(e.msg, bad[i].message))
            fail_msg("%s: wanted \"%s\", found \"%s\"", bad[i].parameter, bad[i].message, e.msg);
    }
}

static void the_ends_of_a_range_and_null_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\"max_tokens\":1",
        "\"max_tokens\":2147483647",
        "\"max_tokens\":null",
        "\"temperature\":2",
        "\"temperature\":0.0",
        "\"top_k\":-1",
        "\"seed\":-1",
        "\"presence_penalty\":-2",
        "\"stop\":[\"a\",\"b\"]",
        "\"tool_choice\":\"none\"",
        "\"seed\":4294967295",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = {0};
        if (parsed_with(good[i], &e) < 0)
            fail_msg("%s: %s", good[i], e.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_releases_prompt_stands_first_even_before_the_clients_own),
        cmocka_unit_test(parameters_of_the_release_stand_where_the_request_says_nothing),
        cmocka_unit_test(the_two_names_of_the_length_are_one_parameter),
        cmocka_unit_test(a_stream_is_always_asked_for_its_token_counts),
        cmocka_unit_test(malformed_requests_are_refused_with_the_place),
        cmocka_unit_test(a_parameter_out_of_its_range_is_refused_with_found_and_wanted),
        cmocka_unit_test(the_ends_of_a_range_and_null_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
