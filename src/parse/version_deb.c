/* deb-version(7): [epoch:]upstream[-revision]. */
#include <limits.h>
#include <string.h>

#include "parse/version_rules.h"

struct deb_version {
    struct span epoch, upstream, revision; /* an absent epoch is empty: 0; an absent revision equals "0" */
    bool has_epoch, has_revision;
};

/* The epoch ends at the first colon, the revision begins behind the last hyphen. */
static struct deb_version split(struct span v)
{
    struct deb_version out = {.upstream = v};
    out.has_epoch = span_take_until(&out.upstream, ':', &out.epoch);
    for (size_t i = out.upstream.len; i-- > 0;) {
        if (out.upstream.ptr[i] != '-')
            continue;
        out.revision = span_of(out.upstream.ptr + i + 1, out.upstream.len - i - 1);
        out.upstream.len = i;
        out.has_revision = true;
        break;
    }
    return out;
}

static bool all_of(struct span s, const char *marks)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == 0 || (!version_is_digit(s.ptr[i]) && !version_is_letter(s.ptr[i]) && !strchr(marks, s.ptr[i])))
            return false;
    return true;
}

/* dpkg keeps an epoch in an int. */
static bool epoch_valid(struct span epoch)
{
    uint64_t value = 0;
    while (epoch.len > 1 && epoch.ptr[0] == '0')
        span_skip(&epoch, 1);
    return span_decimal(epoch, &value) && value <= INT_MAX;
}

bool deb_valid(struct span v)
{
    struct deb_version d = split(v);
    if (d.has_epoch && !epoch_valid(d.epoch))
        return false;
    if (d.upstream.len == 0 || !version_is_digit(d.upstream.ptr[0]) || !all_of(d.upstream, ".-+~:"))
        return false;
    return !d.has_revision || (d.revision.len > 0 && all_of(d.revision, ".+~"));
}

/* The weight of a character in a run without digits: "~" before the end, the end before letters, letters before all
 * else. */
static int weight(struct span s)
{
    if (s.len == 0 || version_is_digit(s.ptr[0]))
        return 0;
    if (s.ptr[0] == '~')
        return -1;
    return version_is_letter(s.ptr[0]) ? s.ptr[0] : s.ptr[0] + 256;
}

static bool in_text(struct span s)
{
    return s.len && !version_is_digit(s.ptr[0]);
}

static int order_part(struct span a, struct span b)
{
    while (a.len || b.len) {
        while (in_text(a) || in_text(b)) {
            int order = version_order_ints(weight(a), weight(b));
            if (order != 0)
                return order;
            span_skip(&a, 1);
            span_skip(&b, 1);
        }
        int order = version_order_numbers(version_take_digits(&a), version_take_digits(&b));
        if (order != 0)
            return order;
    }
    return 0;
}

int deb_order(struct span a, struct span b)
{
    struct deb_version x = split(a), y = split(b);
    int order = version_order_numbers(x.epoch, y.epoch);
    if (order == 0)
        order = order_part(x.upstream, y.upstream);
    return order != 0 ? order : order_part(x.revision, y.revision);
}
