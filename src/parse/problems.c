#include "parse/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problems_fini(struct problems *p)
{
    for (size_t i = 0; i < p->kept; i++) {
        free(p->list[i].at);
        free(p->list[i].message);
    }
    free(p->list);
    *p = (struct problems){.max = p->max};
}

size_t place_depth(const struct place *at)
{
    size_t depth = 0;
    for (; at && at->up; at = at->up)
        depth++;
    return depth;
}

/* A step as RFC 6901 writes it. Keys come out of the document: what is no text of one line is shown as "?". */
static void put_step(struct buf *out, const struct place *at)
{
    buf_add_byte(out, '/');
    if (!at->key) {
        buf_printf(out, "%zu", at->index);
        return;
    }
    for (const char *c = at->key; *c && out->len < PROBLEM_TEXT_MAX; c++) {
        if (*c == '~' || *c == '/')
            buf_add_str(out, *c == '~' ? "~0" : "~1");
        else
            buf_add_byte(out, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : (uint8_t)*c);
    }
}

static void put_pointer(struct buf *out, const struct place *at)
{
    if (!at || !at->up)
        return;
    put_pointer(out, at->up);
    put_step(out, at);
}

/* At most PROBLEM_TEXT_MAX bytes, cut between characters. */
static char *cut(struct buf *text)
{
    if (text->len <= PROBLEM_TEXT_MAX)
        return buf_ok(text) && text->len ? buf_steal_str(text) : strdup("");
    size_t len = PROBLEM_TEXT_MAX;
    while (len > 0 && (text->ptr[len] & 0xc0) == 0x80)
        len--;
    text->len = len;
    text->failed = false;
    buf_add_str(text, "…");
    return buf_steal_str(text);
}

static bool add(struct problems *p, char *at, size_t depth, const char *rule, const char *format, va_list args)
{
    auto_buf message = BUF(1U << 20);
    buf_vprintf(&message, format, args);
    p->list = realloc(p->list, (p->kept + 1) * sizeof *p->list);
    if (!p->list)
        abort();
    p->list[p->kept++] = (struct problem){.at = at, .rule = rule, .message = cut(&message), .depth = depth};
    return false;
}

bool problem_add(struct problems *p, const struct place *at, const char *rule, const char *format, ...)
{
    auto_buf pointer = BUF(1U << 16);
    va_list args;
    if (p->count++ >= p->max)
        return false;
    put_pointer(&pointer, at);
    va_start(args, format);
    add(p, cut(&pointer), place_depth(at), rule, format, args);
    va_end(args);
    return false;
}

bool problem_add_at(struct problems *p, const char *at, const char *rule, const char *format, ...)
{
    auto_buf pointer = BUF(1U << 16);
    va_list args;
    if (p->count++ >= p->max)
        return false;
    buf_add_str(&pointer, at);
    va_start(args, format);
    add(p, cut(&pointer), 0, rule, format, args);
    va_end(args);
    return false;
}

void problems_move(struct problems *to, struct problems *from)
{
    for (size_t i = 0; i < from->kept; i++) {
        if (to->kept >= to->max)
            break;
        to->list = realloc(to->list, (to->kept + 1) * sizeof *to->list);
        if (!to->list)
            abort();
        to->list[to->kept++] = from->list[i];
        from->list[i] = (struct problem){0};
    }
    to->count += from->count;
    problems_fini(from);
}

void problems_write(struct json_out *w, const char *noun, const struct problems *p)
{
    char key[32];
    snprintf(key, sizeof key, "%s_count", noun);
    json_put_uint(w, key, p->count);
    snprintf(key, sizeof key, "%ss", noun);
    json_put_array(w, key);
    for (size_t i = 0; i < p->kept; i++) {
        json_out_object(w);
        json_put_string(w, "at", p->list[i].at);
        json_put_string(w, "rule", p->list[i].rule);
        json_put_string(w, "message", p->list[i].message);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}
