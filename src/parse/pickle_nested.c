/* Data inside of a pickle that are a pickle again, or code. Nothing runs them when the file is loaded; a program that
 * decodes and loads them does. So a harmless one is a remark, and one that would import what is not allowed is for a
 * person to look at. */
#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "parse/pickle.h"
#include "parse/pickle_machine.h"
#include "util/auto.h"

/* What is decoded of one value, and wrappers around wrappers. */
#define DECODED_MAX (1U << 20)
#define DEPTH_MAX   6U

/* Shorter than this is no pickle that does something. */
#define LEAST 8U

/* ── the first bytes ── */

static bool begins_binary(struct span s)
{
    return s.len >= LEAST && s.ptr[0] == 0x80 && s.ptr[1] <= 5;
}

/* RFC 1950 (a checksum over its two bytes) and RFC 1952. */
static bool begins_deflated(struct span s)
{
    return s.len >= LEAST && (((s.ptr[0] & 0x0fU) == 8 && s.ptr[0] <= 0x78 && (s.ptr[0] * 256U + s.ptr[1]) % 31 == 0) ||
                              (s.ptr[0] == 0x1f && s.ptr[1] == 0x8b && s.ptr[2] == 8));
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* As much of s as is written in base64 (either alphabet, lines or not). */
static void decode_base64(struct span s, struct buf *out)
{
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < s.len && s.ptr[i] != '=' && out->len < DECODED_MAX; i++) {
        int digit = base64_digit(s.ptr[i]);
        if (s.ptr[i] == '\n' || s.ptr[i] == '\r')
            continue;
        if (digit < 0)
            break;
        bits = bits << 6 | (uint32_t)digit;
        if (++count % 4 != 1)
            buf_add_byte(out, (uint8_t)(bits >> (6 - 2 * ((count - 1) % 4))));
    }
}

static void decode_hex(struct span s, struct buf *out)
{
    for (size_t i = 0; i + 1 < s.len && out->len < DECODED_MAX; i += 2) {
        int high = hex_digit(s.ptr[i]), low = hex_digit(s.ptr[i + 1]);
        if (high < 0 || low < 0)
            break;
        buf_add_byte(out, (uint8_t)(high << 4 | low));
    }
}

static bool begins_escaped(struct span s)
{
    return s.len >= LEAST && s.ptr[0] == '\\' && s.ptr[1] == 'x';
}

/* "\x80\x04": what Python prints of bytes. */
static void decode_escapes(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.len && out->len < DECODED_MAX; i++) {
        bool escape = s.ptr[i] == '\\' && i + 3 < s.len && s.ptr[i + 1] == 'x';
        int high = escape ? hex_digit(s.ptr[i + 2]) : -1, low = escape ? hex_digit(s.ptr[i + 3]) : -1;
        buf_add_byte(out, high >= 0 && low >= 0 ? (uint8_t)(high << 4 | low) : s.ptr[i]);
        i += high >= 0 && low >= 0 ? 3 : 0;
    }
}

static void inflate_some(struct span s, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s.ptr, .avail_in = s.len < DECODED_MAX ? (uInt)s.len : DECODED_MAX};
    uint8_t chunk[16384];
    int result = inflateInit2(&z, 15 + 32);
    while (result == Z_OK && out->len < DECODED_MAX) {
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        result = inflate(&z, Z_NO_FLUSH);
        buf_add(out, chunk, sizeof chunk - z.avail_out);
        if (z.avail_out == sizeof chunk)
            break;
    }
    inflateEnd(&z);
}

/* bzip2, xz, zstd, lz4. */
static bool begins_packed(struct span s)
{
    if (s.len < LEAST)
        return false;
    switch (s.ptr[0]) {
    case 'B':
        return s.ptr[1] == 'Z' && s.ptr[2] == 'h';
    case 0xfd:
        return memcmp(s.ptr,
                      "\xfd"
                      "7zXZ",
                      5) == 0;
    case 0x28:
        return memcmp(s.ptr, "\x28\xb5\x2f\xfd", 4) == 0;
    case 0x04:
        return memcmp(s.ptr, "\x04\x22\x4d\x18", 4) == 0;
    default:
        return false;
    }
}

static void unpack_some(struct span s, struct buf *out)
{
    struct archive_entry *entry;
    uint8_t chunk[16384];
    la_ssize_t got;
    struct archive *a = archive_read_new();
    if (!a)
        abort();
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_format_raw(a);
    if (archive_read_open_memory(a, s.ptr, s.len < DECODED_MAX ? s.len : DECODED_MAX) == ARCHIVE_OK &&
        archive_read_next_header(a, &entry) == ARCHIVE_OK)
        while (out->len < DECODED_MAX && (got = archive_read_data(a, chunk, sizeof chunk)) > 0)
            buf_add(out, chunk, (size_t)got);
    archive_read_free(a);
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < ' ' && s.ptr[i] != '\n' && s.ptr[i] != '\t') || s.ptr[i] > '~')
            return false;
    return s.len > 0;
}

/* Do the first bytes of a text, decoded, look like something: a pickle, packed data, or a text again (of so many random
 * characters that is no chance)? */
static bool begins_encoded(struct span s, void (*decode)(struct span, struct buf *))
{
    auto_buf head = BUF(64);
    decode(span_of(s.ptr, s.len < 32 ? s.len : 32), &head);
    struct span h = buf_span(&head);
    return begins_binary(h) || begins_deflated(h) || begins_packed(h) || (h.len >= 12 && is_printable(h));
}

/* A text with a call in it, perhaps. */
static bool has_bracket(struct span s)
{
    if (!memchr(s.ptr, '(', s.len < 4096 ? s.len : 4096))
        return false;
    for (size_t i = 0; i < LEAST; i++)
        if (s.ptr[i] < '\t' || s.ptr[i] == 0x7f)
            return false;
    return true;
}

/* Long enough, and nothing but digits of base64 (which those of hex are too) at its beginning. */
static bool is_encoded(struct span s)
{
    if (s.len < 20)
        return false;
    for (size_t i = 0; i < 20; i++)
        if (base64_digit(s.ptr[i]) < 0)
            return false;
    return true;
}

bool pickle_may_nest(struct span s)
{
    if (s.len < LEAST)
        return false;
    return begins_binary(s) || begins_deflated(s) || begins_packed(s) || begins_escaped(s) || is_encoded(s) ||
           has_bracket(s);
}

/* ── what it is ── */

static void place_of(size_t at, char *place, size_t size)
{
    snprintf(place, size, "byte %zu", at);
}

/* Follows the value as a pickle. True: it is one, or imports something before it breaks. */
static bool look_pickle(struct span s, size_t at, unsigned depth, size_t *budget, struct report *r)
{
    char place[48];
    auto_report inner = {0};
    report_init(&inner, "");
    auto_machine m = {.file = s, .r = &inner, .depth = depth, .look_budget = budget};
    bool whole = machine_run(&m) == 0;
    place_of(at, place, sizeof place);
    if (m.blocked_names > 0 && m.told_count > 0)
        report_finding(r, SEVERITY_MEDIUM, "nested-pickle", place,
                       "a value that is a pickle itself and would import %.*s.%.*s; nothing loads it with the file, a "
                       "program that decodes it may",
                       (int)(m.told[0][0].len < 80 ? m.told[0][0].len : 80), (const char *)m.told[0][0].ptr,
                       (int)(m.told[0][1].len < 80 ? m.told[0][1].len : 80), (const char *)m.told[0][1].ptr);
    else if (m.blocked_names > 0 || (whole && inner.heavy > 0))
        report_finding(r, SEVERITY_MEDIUM, "nested-pickle", place,
                       "a value that is a pickle itself, and would not pass as a file of its own");
    else if (whole && (m.end == s.len || m.calls > 0 || m.opcodes >= 4))
        report_finding(r, SEVERITY_LOW, "nested-pickle", place,
                       "a value that is a pickle itself; it imports nothing that is not allowed");
    else
        return false;
    return true;
}

/* Calls that a text has when it is a program, and data do not. */
static const char *const CALLS[] = {"os.system",        "os.popen",      "subprocess.run", "subprocess.call",
                                    "subprocess.Popen", "eval",          "exec",           "compile",
                                    "__import__",       "import_module", "pickle.loads",   "marshal.loads",
                                    "base64.b64decode", "b64decode",     "pty.spawn",      "socket.socket",
                                    "check_output",     "os.exec",       "getattr",        "runpy.run_path"};

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '.';
}

/* The name that is called somewhere in the text, or NULL. */
static const char *called_in(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '(' || i == 0 || !is_word(text.ptr[i - 1]))
            continue;
        for (size_t k = 0; k < ARRAY_LEN(CALLS); k++) {
            size_t len = strlen(CALLS[k]);
            if (i >= len && memcmp(text.ptr + i - len, CALLS[k], len) == 0 &&
                (i == len || !is_word(text.ptr[i - len - 1])))
                return CALLS[k];
        }
    }
    return NULL;
}

static void look_code(struct span s, size_t at, struct report *r)
{
    char place[48];
    struct span head = span_of(s.ptr, s.len < DECODED_MAX ? s.len : DECODED_MAX);
    const char *name = called_in(head);
    place_of(at, place, sizeof place);
    if (name)
        report_finding(r, SEVERITY_LOW, "nested-code", place,
                       "a text that calls %s(); nothing runs it with the file, a program that evaluates it may", name);
}

/* False: nothing comes out of it. */
static bool look_decoded(struct span s, size_t at, unsigned depth, size_t *budget, struct report *r,
                         void (*decode)(struct span, struct buf *))
{
    auto_buf bytes = BUF(DECODED_MAX + 32768);
    decode(s, &bytes);
    *budget -= *budget < bytes.len ? *budget : bytes.len;
    pickle_look_nested(buf_span(&bytes), at, depth + 1, budget, r);
    return bytes.len >= LEAST;
}

/* Looking costs time, so there is an end to it: in depth, and in bytes. */
static bool may_look(struct span s, size_t at, unsigned depth, size_t *budget, struct report *r)
{
    char place[48];
    size_t cost = 256 + (s.len < DECODED_MAX ? s.len : DECODED_MAX);
    place_of(at, place, sizeof place);
    if (depth > DEPTH_MAX)
        report_stop(r, SEVERITY_MEDIUM, "nested-depth", place, "a value wrapped more than %u times", DEPTH_MAX);
    else if (*budget > 0 && *budget < cost)
        report_stop(r, SEVERITY_MEDIUM, "nested-limit", place,
                    "more values that may hold a pickle or code than are looked into");
    bool enough = depth <= DEPTH_MAX && *budget >= cost;
    if (depth <= DEPTH_MAX)
        *budget = enough ? *budget - cost : 0;
    return enough;
}

void pickle_look_nested(struct span s, size_t at, unsigned depth, size_t *budget, struct report *r)
{
    size_t opcodes = 100000;
    if (!pickle_may_nest(s) || !may_look(s, at, depth, budget, r))
        return;
    if (begins_binary(s) && look_pickle(s, at, depth, budget, r))
        return;
    if (begins_escaped(s) && look_decoded(s, at, depth, budget, r, decode_escapes))
        return;
    if (begins_encoded(s, decode_hex) && look_decoded(s, at, depth, budget, r, decode_hex))
        return;
    if (begins_encoded(s, decode_base64) && look_decoded(s, at, depth, budget, r, decode_base64))
        return;
    if (begins_deflated(s) && look_decoded(s, at, depth, budget, r, inflate_some))
        return;
    if (begins_packed(s) && look_decoded(s, at, depth, budget, r, unpack_some))
        return;
    if (!pickle_walks_to_import(s, &opcodes) || !look_pickle(s, at, depth, budget, r))
        look_code(s, at, r);
}
