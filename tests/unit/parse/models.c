#include "models.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ── protocol buffers ── */

static void varint(struct buf *b, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        buf_add_byte(b, (uint8_t)(value | 0x80));
    buf_add_byte(b, (uint8_t)value);
}

void pb_number(struct buf *b, uint32_t field, uint64_t value)
{
    varint(b, (uint64_t)field << 3);
    varint(b, value);
}

void pb_bytes(struct buf *b, uint32_t field, struct span bytes)
{
    varint(b, (uint64_t)field << 3 | 2);
    varint(b, bytes.len);
    buf_add_span(b, bytes);
}

void pb_text(struct buf *b, uint32_t field, const char *text)
{
    pb_bytes(b, field, span_str(text));
}

void pb_message(struct buf *b, uint32_t field, const struct buf *message)
{
    pb_bytes(b, field, buf_span(message));
}

/* ── zip ── */

static void put16(struct buf *b, unsigned value)
{
    buf_add_byte(b, (uint8_t)value);
    buf_add_byte(b, (uint8_t)(value >> 8));
}

static void deflate_raw(struct buf *out, struct span in)
{
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    size_t room = deflateBound(&z, in.len);
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    z.next_out = buf_room(out, room);
    z.avail_out = (uInt)room;
    if (!z.next_out || deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    buf_grown(out, z.total_out);
    deflateEnd(&z);
}

static struct span text_of(const struct zip_entry *e)
{
    return e->text ? span_str(e->text) : e->bytes;
}

/* What local header and directory entry both say. */
static void put_common(struct buf *b, const struct zip_entry *e, bool local, size_t packed)
{
    struct span name = local && e->local_name ? span_str(e->local_name) : span_str(e->name);
    if (e->name_len)
        name.len = e->name_len;
    struct span extra = local ? e->local_extra : e->extra;
    unsigned flags = local && e->local_flags ? e->local_flags : e->flags;
    bool later = local && e->descriptor.len > 0;
    struct span text = text_of(e);
    put16(b, 20);
    put16(b, flags);
    put16(b, e->deflated ? 8 : e->method);
    put16(b, 0);
    put16(b, 33);
    buf_add_le32(b, later ? 0 : (uint32_t)crc32_z(0, text.ptr, text.len) + e->crc_off);
    buf_add_le32(b, later ? 0 : (uint32_t)packed);
    buf_add_le32(b, later ? 0 : (uint32_t)text.len + (local ? e->local_size_off : 0));
    put16(b, (unsigned)name.len);
    put16(b, (unsigned)extra.len);
    if (!local) {
        put16(b, 0);
        put16(b, 0);
        put16(b, 0);
        buf_add_le32(b, (e->mode ? e->mode : 0100644U) << 16);
    }
}

static void put_name(struct buf *b, const struct zip_entry *e, bool local)
{
    struct span name = local && e->local_name ? span_str(e->local_name) : span_str(e->name);
    if (e->name_len)
        name.len = e->name_len;
    buf_add_span(b, name);
    buf_add_span(b, local ? e->local_extra : e->extra);
}

static void put_member(struct buf *out, struct buf *directory, const struct zip_entry *e)
{
    auto_buf data = BUF(64U << 20);
    if (e->deflated)
        deflate_raw(&data, text_of(e));
    else
        buf_add_span(&data, text_of(e));
    buf_add_span(out, e->gap);
    size_t offset = out->len;
    buf_add(out, "PK\3\4", 4);
    put_common(out, e, true, data.len);
    put_name(out, e, true);
    buf_add_span(out, buf_span(&data));
    buf_add_span(out, e->descriptor);
    buf_add(directory, "PK\1\2\24\3", 6); /* made on UNIX */
    put_common(directory, e, false, data.len);
    buf_add_le32(directory, (uint32_t)offset);
    put_name(directory, e, false);
}

static void put_end64(struct buf *out, size_t count, size_t size, size_t offset)
{
    size_t at = out->len;
    buf_add(out, "PK\6\6", 4);
    put_le64(out, 44);
    put16(out, 45);
    put16(out, 45);
    put_le64(out, 0);
    put_le64(out, count);
    put_le64(out, count);
    put_le64(out, size);
    put_le64(out, offset);
    buf_add(out, "PK\6\7\0\0\0\0", 8);
    put_le64(out, at);
    buf_add_le32(out, 1);
}

void zip_write(struct buf *out, const struct zip_entry *entries, size_t count, const struct zip_form *form)
{
    static const struct zip_form plain = {0};
    auto_buf directory = BUF(64U << 20);
    const struct zip_form *f = form ? form : &plain;
    buf_add_span(out, f->prefix);
    for (size_t i = 0; i < count; i++)
        put_member(out, &directory, &entries[i]);
    buf_add_span(out, f->between);
    size_t offset = out->len + (size_t)f->offset_off;
    buf_add_span(out, buf_span(&directory));
    if (f->wide)
        put_end64(out, count + (size_t)f->wide_count_off, directory.len, offset);
    buf_add(out, "PK\5\6\0\0\0\0", 8);
    put16(out, (unsigned)count + (unsigned)f->count_off);
    put16(out, (unsigned)count + (unsigned)f->count_off);
    buf_add_le32(out, (uint32_t)directory.len);
    buf_add_le32(out, (uint32_t)offset);
    put16(out, f->comment ? (unsigned)strlen(f->comment) : 0);
    buf_add_str(out, f->comment ? f->comment : "");
    buf_add_span(out, f->suffix);
}

void zip_texts(struct buf *out, ...)
{
    struct zip_entry entries[16] = {0};
    size_t count = 0;
    va_list args;
    va_start(args, out);
    for (const char *name; (name = va_arg(args, const char *));)
        entries[count++] = (struct zip_entry){.name = name, .text = va_arg(args, const char *)};
    va_end(args);
    zip_write(out, entries, count, NULL);
}
