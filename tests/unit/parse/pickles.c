#include "pickles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

void p_proto(struct buf *b, uint8_t version)
{
    buf_add_byte(b, 0x80);
    buf_add_byte(b, version);
}

void p_frame(struct buf *b, uint64_t len)
{
    buf_add_byte(b, 0x95);
    buf_add_le32(b, (uint32_t)len);
    buf_add_le32(b, (uint32_t)(len >> 32));
}

void p_global(struct buf *b, const char *module, const char *name)
{
    buf_printf(b, "c%s\n%s\n", module, name);
}

void p_stack_global(struct buf *b, const char *module, const char *name)
{
    p_text(b, module);
    p_text(b, name);
    buf_add_byte(b, 0x93);
}

void p_text(struct buf *b, const char *text)
{
    buf_add_byte(b, 'X');
    buf_add_le32(b, (uint32_t)strlen(text));
    buf_add_str(b, text);
}

void p_bytes(struct buf *b, size_t count)
{
    buf_add_byte(b, 'B');
    buf_add_le32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        buf_add_byte(b, 0);
}

void p_int(struct buf *b, int value)
{
    buf_add_byte(b, 'J');
    buf_add_le32(b, (uint32_t)value);
}

void p_tensor(struct buf *b, const char *storage, const char *key, int numel, int offset, int size, int stride)
{
    p_global(b, "torch._utils", "_rebuild_tensor_v2");
    buf_add_str(b, "((");
    p_text(b, "storage");
    p_global(b, "torch", storage);
    p_text(b, key);
    p_text(b, "cpu");
    p_int(b, numel);
    buf_add_str(b, "tQ");
    p_int(b, offset);
    p_int(b, size);
    buf_add_str(b, "\x85");
    p_int(b, stride);
    buf_add_str(b, "\x85\x89");
    p_global(b, "collections", "OrderedDict");
    buf_add_str(b, ")RtR");
}

void p_dtype(struct buf *b, const char *kind)
{
    p_global(b, "numpy", "dtype");
    p_text(b, kind);
    buf_add_str(b, "\x89\x88\x87R(K\x03");
    p_text(b, "<");
    buf_add_str(b, "NNN");
    p_int(b, -1);
    p_int(b, -1);
    p_int(b, 0);
    buf_add_str(b, "tb");
}

void p_array(struct buf *b, const char *kind, int elements, size_t bytes)
{
    p_global(b, "numpy.core.multiarray", "_reconstruct");
    p_global(b, "numpy", "ndarray");
    p_int(b, 0);
    buf_add_str(b, "\x85"
                   "C\x01"
                   "b\x87R(K\x01");
    p_int(b, elements);
    buf_add_str(b, "\x85");
    p_dtype(b, kind);
    buf_add_str(b, "\x89");
    p_bytes(b, bytes);
    buf_add_str(b, "tb");
}

void p_base64(struct buf *b, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t three = (uint32_t)s.ptr[i] << 16;
        three |= i + 1 < s.len ? (uint32_t)s.ptr[i + 1] << 8 : 0;
        three |= i + 2 < s.len ? s.ptr[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            buf_add_byte(b, i + k <= s.len ? (uint8_t)digits[three >> (18 - 6 * k) & 63] : '=');
    }
}

/* ── looks ── */

struct look look_pickle(struct buf *b)
{
    assert_true(buf_ok(b));
    return look_named(buf_span(b), "model.pkl");
}

void is_blocked(struct buf *b, const char *rule)
{
    auto_look l = look_pickle(b);
    if (!verdict_blocks(l.verdict))
        fprintf(stderr, "# %s: %s\n", verdict_name(l.verdict), l.rules);
    assert_true(verdict_blocks(l.verdict));
    if (rule)
        assert_true(look_has(&l, rule));
}

void is_clean(struct buf *b)
{
    auto_look l = look_pickle(b);
    if (l.verdict != VERDICT_CLEAN)
        fprintf(stderr, "# %s: %s\n", verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, VERDICT_CLEAN);
}

/* The message of the first finding of a rule. */
const char *message_of(const struct look *l, const char *rule)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(l->reply, "findings"), i,
                       finding) if (strcmp(json_get_string(finding, "rule", ""), rule) ==
                                    0) return json_get_string(finding, "message", "");
    return "";
}

void call_in_form(struct buf *b, enum form form, const char *module, const char *name)
{
    switch (form) {
    case GLOBAL_0:
        p_global(b, module, name);
        buf_add_str(b, "(S'id'\ntR.");
        return;
    case GLOBAL_2:
        p_proto(b, 2);
        p_global(b, module, name);
        p_text(b, "id");
        buf_add_str(b, "\x85R.");
        return;
    case STACK_4:
        p_proto(b, 4);
        p_stack_global(b, module, name);
        p_text(b, "id");
        buf_add_str(b, "\x85R.");
        return;
    case STRING_OPERANDS:
        buf_printf(b, "S'%s'\nS'%s'\n", module, name);
        buf_add_str(b, "\x93(S'id'\ntR.");
        return;
    case MEMO_OPERANDS:
        p_proto(b, 4);
        p_text(b, module);
        buf_add_str(b, "\x94");
        p_text(b, name);
        buf_add_str(b, "\x94\x86h");
        buf_add_byte(b, 0);
        buf_add_str(b, "h");
        buf_add_byte(b, 1);
        buf_add_str(b, "\x93N\x85R\x86.");
        return;
    case IN_FRAME: {
        auto_buf body = BUF(4096);
        p_stack_global(&body, module, name);
        buf_add_str(&body, ")R.");
        p_proto(b, 4);
        p_frame(b, body.len);
        buf_add_span(b, buf_span(&body));
        return;
    }
    default:
        buf_add_str(b, "(S'id'\n");
        buf_printf(b, "i%s\n%s\n.", module, name);
    }
}

/* ── zip ── */

static void le16(struct buf *b, unsigned value)
{
    buf_add_byte(b, (uint8_t)value);
    buf_add_byte(b, (uint8_t)(value >> 8));
}

void z_begin(struct zip_writer *z, struct buf *out)
{
    *z = (struct zip_writer){.out = out};
    buf_init(&z->directory, 1 << 20);
}

/* From the version needed to the lengths of name and extra. */
static void common(struct buf *b, uint16_t flags, uint32_t crc, const char *name, size_t len)
{
    le16(b, 20);
    le16(b, flags);
    le16(b, 0);
    buf_add_le32(b, 0x00210000);
    buf_add_le32(b, crc);
    buf_add_le32(b, (uint32_t)len);
    buf_add_le32(b, (uint32_t)len);
    le16(b, (unsigned)strlen(name));
    le16(b, 0);
}

void z_odd_member(struct zip_writer *z, const char *name, const char *local_name, uint16_t flags, uint32_t crc_off,
                  struct span bytes)
{
    uint32_t crc = (uint32_t)crc32(0, bytes.ptr, (uInt)bytes.len) + crc_off;
    size_t offset = z->out->len;
    const char *local = local_name ? local_name : name;
    buf_add_str(z->out, "PK\x03\x04");
    common(z->out, flags, crc, local, bytes.len);
    buf_add_str(z->out, local);
    buf_add_span(z->out, bytes);
    buf_add_str(&z->directory, "PK\x01\x02");
    le16(&z->directory, 20);
    common(&z->directory, flags, crc, name, bytes.len);
    for (int i = 0; i < 10; i++)
        buf_add_byte(&z->directory, 0);
    buf_add_le32(&z->directory, (uint32_t)offset);
    buf_add_str(&z->directory, name);
    z->count++;
}

void z_member(struct zip_writer *z, const char *name, struct span bytes)
{
    z_odd_member(z, name, NULL, 0, 0, bytes);
}

void z_end(struct zip_writer *z)
{
    size_t at = z->out->len;
    buf_add_span(z->out, buf_span(&z->directory));
    buf_add(z->out, "PK\x05\x06\0\0\0\0", 8);
    le16(z->out, z->count);
    le16(z->out, z->count);
    buf_add_le32(z->out, (uint32_t)z->directory.len);
    buf_add_le32(z->out, (uint32_t)at);
    le16(z->out, 0);
    buf_fini(&z->directory);
}
