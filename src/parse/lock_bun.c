/* bun.lock (bun's documentation, "Lockfile"; JSON with commas at the ends of lists, and comments): "packages", by path:
 * ["NAME@VERSION", …, "sha512-…"]; the places between differ. */
#include "parse/lock.h"

#include <string.h>

/* What JSON does not have, taken out: comments, and commas before a closing bracket. Strings stay as they are. */
static void to_json(struct span text, struct buf *out)
{
    size_t comma = 0; /* its place in out, plus 1, while nothing but blanks follows it */
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        struct span rest = span_of(text.ptr + i, text.len - i);
        if (c == '"') {
            size_t end = i + 1;
            while (end < text.len && text.ptr[end] != '"')
                end += text.ptr[end] == '\\' ? 2 : 1;
            end = end < text.len ? end + 1 : text.len;
            buf_add(out, text.ptr + i, end - i);
            i = end - 1;
            comma = 0;
        } else if (span_starts(rest, SPAN_LIT("//"))) {
            while (i + 1 < text.len && text.ptr[i + 1] != '\n')
                i++;
        } else if (span_starts(rest, SPAN_LIT("/*"))) {
            const uint8_t *end = memmem(rest.ptr, rest.len, "*/", 2);
            i = end ? (size_t)(end - text.ptr) + 1 : text.len;
        } else {
            if ((c == '}' || c == ']') && comma && buf_ok(out))
                out->ptr[comma - 1] = ' ';
            buf_add_byte(out, c);
            comma = c == ',' ? out->len : strchr(" \t\r\n", c) ? comma : 0;
        }
    }
}

/* The last text of the list that is an SRI. */
static const char *integrity_of(const json_t *list)
{
    const char *found = NULL;
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (i && json_string_value(item) && strncmp(json_string_value(item), "sha", 3) == 0)
            found = json_string_value(item);
    }
    return found;
}

static int put_package(const json_t *list, struct lock_out *o, struct err *e)
{
    const char *text = json_string_value(json_array_get(list, 0));
    const char *first = text && text[0] ? strchr(text + 1, '@') : NULL;
    auto_buf name = BUF(1024);
    if (!first) {
        lock_refuse(o, 1, span_str(text ? text : "?"), "lock again with bun install",
                    "it names no package and version");
        return 0;
    }
    const char *version = first + 1;
    if (strncmp(version, "workspace:", 10) == 0 || strncmp(version, "root:", 5) == 0)
        return 0; /* of the project itself */
    bool registry = version[0] >= '0' && version[0] <= '9';
    buf_add(&name, text, (size_t)(first - text));
    const struct lock_item item = {
        .ecosystem = "npm", .name = buf_str(&name), .version = version, .group = o->group, .line = 1};
    return lock_entry(o, &item, NULL, (struct span){0}, integrity_of(list),
                      registry ? NULL : "it is fetched from a repository, a URL or a folder, not from the registry", e);
}

int lock_bun(struct span text, struct lock_out *o, struct err *e)
{
    auto_buf plain = BUF(LIMIT_LOCK_BYTES + 1);
    const char *path;
    json_t *list;
    to_json(text, &plain);
    auto_json root = json_parse(buf_span(&plain), LIMIT_LOCK_BYTES, o->file, e);
    if (!root)
        return -1;
    if (!json_is_integer(json_object_get(root, "lockfileVersion")))
        return err_set(e, ERR_INPUT, 0, "%s: no lockfileVersion; is this a bun.lock?", o->file);
    json_object_foreach(json_object_get(root, "packages"), path, list)
    {
        if (put_package(list, o, e) < 0)
            return -1;
    }
    return 0;
}
