#include "util/buf.h"

#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = BUF(max);
}

void buf_fini(struct buf *b)
{
    free(b->ptr);
    *b = BUF(b->max);
}

uint8_t *buf_room(struct buf *b, size_t len)
{
    size_t need;
    /* what stands in memory is at most half of what a size can count, whatever the maximum says */
    if (b->failed || __builtin_add_overflow(b->len, len, &need) || need > b->max || need >= SIZE_MAX / 2) {
        b->failed = true;
        return NULL;
    }
    if (need + 1 > b->room) {
        size_t room = b->room ? b->room : 64;
        while (room < need + 1)
            room *= 2;
        if (room - 1 > b->max)
            room = b->max + 1;
        uint8_t *grown = realloc(b->ptr, room);
        if (!grown) {
            b->failed = true;
            return NULL;
        }
        b->ptr = grown;
        b->room = room;
    }
    return b->ptr + b->len;
}

void buf_grown(struct buf *b, size_t len)
{
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *to = buf_room(b, len);
    if (!to)
        return;
    if (len)
        memcpy(to, bytes, len);
    buf_grown(b, len);
}

void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_add_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_byte(struct buf *b, uint8_t byte)
{
    buf_add(b, &byte, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    uint8_t *to = n < 0 ? NULL : buf_room(b, (size_t)n);
    if (to) {
        vsnprintf((char *)to, (size_t)n + 1, format, again);
        buf_grown(b, (size_t)n);
    } else {
        b->failed = true;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

static void add_big_endian(struct buf *b, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    buf_add(b, bytes, size);
}

void buf_add_be16(struct buf *b, uint16_t value)
{
    add_big_endian(b, value, 2);
}

void buf_add_be32(struct buf *b, uint32_t value)
{
    add_big_endian(b, value, 4);
}

void buf_add_be64(struct buf *b, uint64_t value)
{
    add_big_endian(b, value, 8);
}

void buf_add_le32(struct buf *b, uint32_t value)
{
    add_big_endian(b, __builtin_bswap32(value), 4);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr)
        b->ptr[0] = '\0';
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
    if (!b->failed)
        return 0;
    return err_set(e, ERR_LIMIT, 0, "%s does not fit in %zu bytes", what, b->max);
}

struct span buf_span(const struct buf *b)
{
    return span_of(b->ptr, b->len);
}

const char *buf_str(struct buf *b)
{
    return b->ptr ? (const char *)b->ptr : "";
}

char *buf_steal_str(struct buf *b)
{
    if (b->failed)
        return NULL;
    if (!b->ptr)
        buf_add(b, "", 0);
    char *text = (char *)b->ptr;
    *b = BUF(b->max);
    return text;
}
