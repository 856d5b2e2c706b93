#include "http/accept.h"

#include <string.h>
#include <strings.h>

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        span_skip(&s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Takes what stands before `stop`, or all that is left. */
static struct span take_part(struct span *s, uint8_t stop)
{
    struct span part = *s;
    if (!span_take_until(s, stop, &part))
        *s = (struct span){0};
    return trim(part);
}

/* qvalue: "0" or "1", and up to three decimals. What is no qvalue is read as 1: the client did name the type. */
static unsigned quality_of(struct span text)
{
    unsigned value = 0, unit = 1000;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1 && text.ptr[1] == '.')
            continue;
        if (i > 4 || text.ptr[i] < '0' || text.ptr[i] > '9')
            return 1000;
        value += (unsigned)(text.ptr[i] - '0') * unit;
        unit /= 10;
    }
    return text.len == 0 || value > 1000 ? 1000 : value;
}

static unsigned specificity_of(struct span range, const char *wanted)
{
    size_t slash = strcspn(wanted, "/");
    if (range.len == strlen(wanted) && !strncasecmp((const char *)range.ptr, wanted, range.len))
        return 3;
    if (range.len == slash + 2 && range.ptr[slash + 1] == '*' &&
        !strncasecmp((const char *)range.ptr, wanted, slash + 1))
        return 2;
    return span_equal_str(range, "*/*") ? 1 : 0;
}

void accept_look(struct span list, const char *media_type, struct accept_match *match)
{
    while (list.len > 0) {
        struct span element = take_part(&list, ',');
        unsigned specificity = specificity_of(take_part(&element, ';'), media_type), quality = 1000;
        if (specificity <= match->specificity)
            continue;
        while (element.len > 0) {
            struct span parameter = take_part(&element, ';');
            if (parameter.len >= 2 && (parameter.ptr[0] | 0x20) == 'q' && parameter.ptr[1] == '=')
                quality = quality_of(trim(span_of(parameter.ptr + 2, parameter.len - 2)));
        }
        *match = (struct accept_match){.quality = quality, .specificity = specificity};
    }
}
