#include "parse/requires.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "parse/lock.h"
#include "util/json.h"
#include "util/limits.h"

#define FIELD "Requires-Dist:"

static bool is_name_byte(uint8_t c)
{
    return isalnum(c) || c == '-' || c == '_' || c == '.';
}

/* The variable `extra` stands in the marker as a word. */
static bool asks_for_extra(struct span marker)
{
    for (size_t i = 0; i + 5 <= marker.len; i++)
        if (memcmp(marker.ptr + i, "extra", 5) == 0 && (i == 0 || !is_name_byte(marker.ptr[i - 1])) &&
            (i + 5 == marker.len || !is_name_byte(marker.ptr[i + 5])))
            return true;
    return false;
}

static int put_requirement(struct span text, struct json_out *w, struct err *e)
{
    char name[129];
    struct span rest = text, before, first = {text.ptr, 0};
    bool marked = span_take_until(&rest, ';', &before);
    while (first.len < text.len && is_name_byte(text.ptr[first.len]))
        first.len++;
    if (!lock_python_name(first, name, sizeof name))
        return err_set(e, ERR_INPUT, 0, FIELD " \"%.*s\" begins with no name of a project",
                       (int)(text.len > 80 ? 80 : text.len), (const char *)text.ptr);
    if (marked && asks_for_extra(rest))
        return 0;
    json_out_object(w);
    json_put_string(w, "name", name);
    json_out_key(w, "text");
    json_out_span(w, text);
    json_put_bool(w, "sure", !marked);
    json_out_object_end(w);
    return 0;
}

/* Fields stand before the first empty line; continuation lines of Requires-Dist are not written by anybody, and the
 * line that they begin with has name and marker all the same. */
int requires_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct json_out w;
    size_t count = 0;
    (void)arg;
    if (input.len > LIMIT_JSON_BYTES || !span_is_utf8(input))
        return err_set(e, ERR_INPUT, 0, "METADATA: no UTF-8 text of at most %u bytes", LIMIT_JSON_BYTES);
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_array(&w, "requires");
    while (input.len) {
        struct span line;
        if (!span_take_until(&input, '\n', &line)) {
            line = input;
            input.len = 0;
        }
        if (lock_trim(line).len == 0)
            break;
        if (line.len < strlen(FIELD) || strncasecmp((const char *)line.ptr, FIELD, strlen(FIELD)) != 0)
            continue;
        if (++count > LIMIT_REQUIRES)
            return err_set(e, ERR_LIMIT, 0, "METADATA: more than %u requirements", LIMIT_REQUIRES);
        (void)span_skip(&line, strlen(FIELD));
        if (put_requirement(lock_trim(line), &w, e) < 0)
            return -1;
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(reply, "METADATA", e);
}
