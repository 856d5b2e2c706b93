/* Instants as versions (vers scheme "datetime"): RFC 3339, section 5.6, with capital "T" and "Z". */
#include "parse/version_rules.h"

struct instant {
    int64_t seconds;      /* since 1970 */
    struct span fraction; /* digits, without zeros at the end */
};

static bool take_digits(struct span *s, size_t count, int *out)
{
    struct span digits;
    *out = 0;
    if (!span_take(s, count, &digits) || !version_is_digits(digits))
        return false;
    for (size_t i = 0; i < count; i++)
        *out = *out * 10 + (digits.ptr[i] - '0');
    return true;
}

static bool take_two(struct span *s, const char *mark, int max, int *out)
{
    return span_take_prefix(s, span_str(mark)) && take_digits(s, 2, out) && *out <= max;
}

/* Days since 1970-01-01 of the Gregorian calendar. */
static int64_t days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static bool day_exists(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && day >= 1 && day <= lengths[month - 1] + (month == 2 && leap);
}

static bool take_offset(struct span *s, int64_t *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (span_take_prefix(s, SPAN_LIT("Z")))
        return true;
    bool west = s->len && s->ptr[0] == '-';
    if (!take_two(s, west ? "-" : "+", 23, &hours) || !take_two(s, ":", 59, &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

static bool parse(struct span s, struct instant *out)
{
    int year, month, day, hour, minute, second;
    int64_t offset;
    if (!take_digits(&s, 4, &year) || !take_two(&s, "-", 12, &month) || !take_two(&s, "-", 31, &day) ||
        !take_two(&s, "T", 23, &hour) || !take_two(&s, ":", 59, &minute) || !take_two(&s, ":", 60, &second))
        return false;
    out->fraction = (struct span){0};
    if (span_take_prefix(&s, SPAN_LIT(".")) && (out->fraction = version_take_digits(&s)).len == 0)
        return false;
    while (out->fraction.len && out->fraction.ptr[out->fraction.len - 1] == '0')
        out->fraction.len--;
    if (!day_exists(year, month, day) || !take_offset(&s, &offset) || s.len)
        return false;
    out->seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset;
    return true;
}

bool datetime_valid(struct span v)
{
    struct instant i;
    return parse(v, &i);
}

int datetime_order(struct span a, struct span b)
{
    struct instant x, y;
    parse(a, &x);
    parse(b, &y);
    if (x.seconds != y.seconds)
        return x.seconds < y.seconds ? -1 : 1;
    return span_compare(x.fraction, y.fraction);
}
