#include "parse/json_place.h"

#include <string.h>

/* Bytes of one member's name that are shown. */
#define KEY_MAX 80U

struct level {
    bool object;
    struct span key; /* between its quotation marks, as it stands there */
    size_t index;
};

struct walk {
    struct level levels[JSON_PLACE_DEPTH];
    size_t depth; /* of the document: may be more than there are levels */
    bool key_next;
};

static struct level *top(struct walk *w)
{
    return w->depth > 0 && w->depth <= JSON_PLACE_DEPTH ? &w->levels[w->depth - 1] : NULL;
}

/* The string that begins at text[*i], without its quotation marks; *i is then on the last one, or at the end. */
static struct span take_string(struct span text, size_t end, size_t *i)
{
    size_t from = *i + 1;
    for (++*i; *i < end && text.ptr[*i] != '"'; ++*i)
        if (text.ptr[*i] == '\\')
            ++*i;
    if (*i > end)
        *i = end;
    return span_of(text.ptr + from, *i - from);
}

static void descend(struct walk *w, bool object)
{
    w->depth++;
    if (top(w))
        *top(w) = (struct level){.object = object};
    w->key_next = object;
}

static void separator(struct walk *w)
{
    struct level *level = top(w);
    w->key_next = level && level->object;
    if (level && !level->object)
        level->index++;
}

static void take(struct walk *w, struct span text, size_t end, size_t *i)
{
    uint8_t c = text.ptr[*i];
    if (c == '"') {
        struct span string = take_string(text, end, i);
        if (w->key_next && top(w))
            top(w)->key = string;
        w->key_next = false;
    } else if (c == '{' || c == '[') {
        descend(w, c == '{');
    } else if ((c == '}' || c == ']') && w->depth > 0) {
        w->depth--;
        w->key_next = false;
    } else if (c == ',') {
        separator(w);
    }
}

static void put_key(struct buf *out, struct span key)
{
    for (size_t i = 0; i < key.len && i < KEY_MAX; i++) {
        uint8_t c = key.ptr[i];
        if (c == '~' || c == '/')
            buf_add_str(out, c == '~' ? "~0" : "~1");
        else
            buf_add_byte(out, c < 0x20 || c == 0x7f ? '?' : c);
    }
}

void json_place(struct span text, size_t offset, struct buf *out)
{
    struct walk w = {0};
    size_t end = offset < text.len ? offset : text.len;
    for (size_t i = 0; i < end; i++)
        take(&w, text, end, &i);
    for (size_t d = 0; d < w.depth && d < JSON_PLACE_DEPTH; d++) {
        const struct level *level = &w.levels[d];
        if (level->object && !level->key.ptr)
            return; /* no name was read yet */
        buf_add_byte(out, '/');
        if (level->object)
            put_key(out, level->key);
        else
            buf_printf(out, "%zu", level->index);
    }
}
