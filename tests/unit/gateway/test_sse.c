/* Event streams: taken apart wherever the pieces end. */
#include "gateway/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf seen;

static int note(void *arg, struct span data)
{
    (void)arg;
    buf_add_byte(&seen, '[');
    buf_add_span(&seen, data);
    buf_add_byte(&seen, ']');
    return 0;
}

/* Feeds `text` in pieces of `size` bytes. */
static const char *fed(const char *text, size_t size)
{
    struct sse s;
    struct err e = {0};
    buf_fini(&seen);
    seen = BUF(1 << 20);
    sse_init(&s);
    for (size_t at = 0; at < strlen(text); at += size) {
        size_t left = strlen(text) - at;
        assert_int_equal(sse_feed(&s, span_of(text + at, left < size ? left : size), note, NULL, &e), 0);
    }
    sse_fini(&s);
    return buf_str(&seen);
}

static void events_come_out_whole_however_the_pieces_end(void **state)
{
    (void)state;
    static const char text[] =
        "data: one\n\n: comment\n\nevent: x\ndata:two\ndata: lines\nid: 7\n\n\n\ndata: [DONE]\r\n\r\n"
        "data: cr\r\rdata:\n\ndata: unfinished";
    for (size_t size = 1; size < sizeof(text); size++)
        assert_string_equal(fed(text, size), "[one][two\nlines][[DONE]][cr][]");
}

static void an_event_over_the_maximum_is_refused(void **state)
{
    (void)state;
    struct sse s;
    struct err e = {0};
    char *large = malloc(SSE_EVENT_MAX + 100);
    assert_non_null(large);
    memset(large, 'x', SSE_EVENT_MAX + 100);
    memcpy(large, "data: ", 6);

    sse_init(&s);
    assert_int_equal(sse_feed(&s, span_of(large, SSE_EVENT_MAX + 100), note, NULL, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    sse_fini(&s);

    sse_init(&s);
    int result = 0;
    for (int i = 0; result == 0 && i < 1000; i++)
        result =
            sse_feed(&s, SPAN_LIT("data: 0123456789012345678901234567890123456789012345678901234567890123456789\n"),
                     note, NULL, &e);
    assert_int_equal(result, -1);
    sse_fini(&s);
    free(large);
}

static int stop_at_once(void *arg, struct span data)
{
    (void)data;
    (*(int *)arg)++;
    return -1;
}

static void a_callback_can_stop(void **state)
{
    (void)state;
    struct sse s;
    struct err e = {0};
    int calls = 0;
    sse_init(&s);
    assert_int_equal(sse_feed(&s, SPAN_LIT("data: 1\n\ndata: 2\n\n"), stop_at_once, &calls, &e), -1);
    assert_int_equal(calls, 1);
    sse_fini(&s);
}

static int clean(void **state)
{
    (void)state;
    buf_fini(&seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_whole_however_the_pieces_end),
        cmocka_unit_test(an_event_over_the_maximum_is_refused),
        cmocka_unit_test(a_callback_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
