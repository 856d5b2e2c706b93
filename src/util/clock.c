#include "util/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t nanoseconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_s(void)
{
    return nanoseconds(CLOCK_REALTIME) / 1000000000;
}

int64_t clock_mono_ms(void)
{
    return nanoseconds(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_mono_ns(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

struct time_text time_text(int64_t seconds)
{
    struct time_text out = {"1970-01-01T00:00:00Z"};
    time_t t = (time_t)seconds;
    struct tm tm;
    if (seconds < 0 || seconds > 253402300799 || !gmtime_r(&t, &tm))
        return out;
    strftime(out.text, sizeof out.text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

static bool take_digits(struct span *s, size_t n, int *out)
{
    struct span digits;
    if (!span_take(s, n, &digits))
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        *out = *out * 10 + (digits.ptr[i] - '0');
    }
    return true;
}

bool time_parse(struct span text, int64_t *seconds)
{
    struct span s = text;
    struct tm tm = {0};
    if (!take_digits(&s, 4, &tm.tm_year) || !span_take_prefix(&s, SPAN_LIT("-")) || !take_digits(&s, 2, &tm.tm_mon) ||
        !span_take_prefix(&s, SPAN_LIT("-")) || !take_digits(&s, 2, &tm.tm_mday) ||
        !span_take_prefix(&s, SPAN_LIT("T")) || !take_digits(&s, 2, &tm.tm_hour) ||
        !span_take_prefix(&s, SPAN_LIT(":")) || !take_digits(&s, 2, &tm.tm_min) ||
        !span_take_prefix(&s, SPAN_LIT(":")) || !take_digits(&s, 2, &tm.tm_sec) || !span_equal_str(s, "Z"))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    /* A date that does not exist (30 February, second 60) does not come back as it went in. */
    int64_t value = timegm(&tm);
    if (value < 0 || !span_equal_str(text, time_text(value).text))
        return false;
    *seconds = value;
    return true;
}
