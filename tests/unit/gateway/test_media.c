/* Media that an engine would fetch is refused wherever it stands; text may hold any address. */
#include "gateway/chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int checked(const char *text, struct err *e)
{
    auto_json messages = json_parse(span_str(text), 1 << 20, "messages", e);
    assert_non_null(messages);
    return media_check(messages, e);
}

#define PART(part) "[{\"role\":\"user\",\"content\":[" part "]}]"

static void what_would_be_fetched_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://192.0.2.1/a.png\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"HTTPS://example.org/a.png\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":\"http://192.0.2.1/a.png\"}"),
        PART("{\"type\":\"image_url\",\"image_url\":[\"http://192.0.2.1/a.png\"]}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"/etc/passwd\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"//example.org/a.png\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\" data:image/png;base64,AAAA\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"DATA:image/png;base64,AAAA\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"\"}}"),
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"\\u0068ttp://192.0.2.1/\"}}"),
        PART("{\"type\":\"video_url\",\"video_url\":{\"url\":\"ftp://192.0.2.1/v\"}}"),
        PART("{\"type\":\"audio_url\",\"audio_url\":{\"url\":\"s3://bucket/v\"}}"),
        PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"http://192.0.2.1/a.wav\",\"format\":\"wav\"}}"),
        PART("{\"type\":\"file\",\"file\":{\"file_data\":\"https://example.org/x.pdf\"}}"),
        PART("{\"type\":\"new_kind\",\"where\":{\"href\":\"gopher://192.0.2.1/\"}}"),
        PART("{\"type\":\"new_kind\",\"where\":\"see http://192.0.2.1/\"}"),
        PART("{\"type\":\"text\",\"text\":\"x\",\"image_url\":{\"url\":\"http://192.0.2.1/\"}}"),
        "[{\"role\":\"user\",\"content\":\"x\",\"image_url\":\"http://192.0.2.1/\"}]",
        "[{\"role\":\"user\",\"content\":\"x\",\"extra\":{\"deep\":[{\"imageUrl\":\"http://192.0.2.1/\"}]}}]",
        "[{\"role\":\"tool\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://192.0.2.1/\"}}]}]",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        if (checked(bad[i], &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.msg, "/messages/0"));
    }
}

static void data_and_prose_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
             "png;base64,iVBORw0KGgo=\",\"detail\":\"low\"}}"),
        PART("{\"type\":\"text\",\"text\":\"see http://192.0.2.1/ and file:///x\"}"),
        PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklGRg==\",\"format\":\"wav\"}}"),
        PART(
            "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AAAA\"}}"),
        "[{\"role\":\"user\",\"content\":\"see "
        "https://example.org\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"url\\\":\\\"http://"
        "x\\\"}\"}}]}]",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = {0};
        if (checked(good[i], &e) != 0)
            fail_msg("refused: %s: %s", good[i], e.msg);
    }
}

static void endless_nesting_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(4096);
    buf_add_str(&text, "[{\"role\":\"user\",\"content\":\"x\",\"y\":");
    for (int i = 0; i < 40; i++)
        buf_add_byte(&text, '[');
    for (int i = 0; i < 40; i++)
        buf_add_byte(&text, ']');
    buf_add_str(&text, "}]");
    assert_int_equal(checked(buf_str(&text), &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_be_fetched_is_refused),
        cmocka_unit_test(data_and_prose_are_taken),
        cmocka_unit_test(endless_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
