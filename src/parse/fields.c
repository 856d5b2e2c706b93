#include "parse/fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/text.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        span_skip(&s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static struct span first_line(struct span s)
{
    const uint8_t *end = s.len ? memchr(s.ptr, '\n', s.len) : NULL;
    return span_of(s.ptr, end ? (size_t)(end - s.ptr) + 1 : s.len);
}

static bool name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f)
            return false;
    return name.len > 0;
}

static void add(struct fields *f, struct span name, struct span value)
{
    f->list = reallocarray(f->list, f->count + 1, sizeof *f->list);
    if (!f->list)
        abort();
    f->list[f->count++] = (struct field){.name = name, .value = trim(value)};
}

static int check_controls(struct span block, const char *at, struct report *r)
{
    size_t line;
    uint32_t control = text_first_control(block, &line);
    return control ? report_stop(r, SEVERITY_HIGH, "fields-control", at,
                                 "line %zu holds the control character U+%04X: some readers end a line there, and "
                                 "see other fields than we do",
                                 line, control)
                   : 0;
}

static int read_block(struct span text, const char *at, struct fields *out, struct report *r)
{
    *out = (struct fields){.rest = text};
    if (!span_is_utf8(text) || (text.len && memchr(text.ptr, 0, text.len)))
        return report_stop(r, SEVERITY_HIGH, "fields-text", at, "is no UTF-8 text");
    while (out->rest.len) {
        struct span line = first_line(out->rest), name, value = line;
        if (trim(line).len == 0) {
            span_skip(&out->rest, line.len);
            return 0;
        }
        if (!span_take_until(&value, ':', &name) || !name_ok(name))
            return 0;
        span_skip(&out->rest, line.len);
        while (out->rest.len && (out->rest.ptr[0] == ' ' || out->rest.ptr[0] == '\t')) {
            size_t more = first_line(out->rest).len;
            if (trim(first_line(out->rest)).len == 0)
                break;
            value.len += more;
            span_skip(&out->rest, more);
        }
        if (out->count == LIMIT_FIELDS)
            return report_stop(r, SEVERITY_HIGH, "fields-count", at, "more than %u fields", LIMIT_FIELDS);
        add(out, name, value);
    }
    return 0;
}

int fields_read(struct span text, const char *at, struct fields *out, struct report *r)
{
    if (read_block(text, at, out, r) < 0)
        return -1;
    return check_controls(span_of(text.ptr, text.len - out->rest.len), at, r);
}

void fields_free(struct fields *f)
{
    free(f->list);
    *f = (struct fields){0};
}

static bool is_named(const struct field *f, const char *name)
{
    return f->name.len == strlen(name) && strncasecmp((const char *)f->name.ptr, name, f->name.len) == 0;
}

struct span fields_get(const struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (is_named(&f->list[i], name))
            return f->list[i].value;
    return (struct span){0};
}

int fields_need(const struct fields *f, const char *name, const char *at, char *out, size_t size, struct report *r)
{
    size_t found = 0;
    struct span value = {0};
    out[0] = '\0';
    for (size_t i = 0; i < f->count; i++) {
        if (!is_named(&f->list[i], name))
            continue;
        value = f->list[i].value;
        found++;
    }
    if (found != 1)
        return report_stop(r, SEVERITY_HIGH, "fields-needed", at, "%s stands there %zu times, wanted once", name,
                           found);
    if (value.len == 0 || value.len >= size || memchr(value.ptr, '\n', value.len))
        return report_stop(r, SEVERITY_HIGH, "fields-needed", at, "%s: wanted one line of at most %zu bytes", name,
                           size - 1);
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return 0;
}
