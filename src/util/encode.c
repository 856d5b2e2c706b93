#include "util/encode.h"

static const char HEX[] = "0123456789abcdef";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(struct span bytes, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = HEX[bytes.ptr[i] >> 4];
        *out++ = HEX[bytes.ptr[i] & 15];
    }
    *out = '\0';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct span text, uint8_t *out, size_t len)
{
    if (text.len % 2 != 0 || text.len / 2 != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void base64_encode(struct span bytes, struct buf *out)
{
    while (bytes.len) {
        size_t n = bytes.len < 3 ? bytes.len : 3;
        uint32_t group = (uint32_t)bytes.ptr[0] << 16;
        group |= n > 1 ? (uint32_t)bytes.ptr[1] << 8 : 0;
        group |= n > 2 ? bytes.ptr[2] : 0;
        char text[4] = {BASE64[group >> 18], BASE64[group >> 12 & 63], n > 1 ? BASE64[group >> 6 & 63] : '=',
                        n > 2 ? BASE64[group & 63] : '='};
        buf_add(out, text, sizeof text);
        span_skip(&bytes, n);
    }
}

static int base64_value(uint8_t c, bool allow_url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || (allow_url && c == '-'))
        return 62;
    return c == '/' || (allow_url && c == '_') ? 63 : -1;
}

/* Decodes one group of four characters into 1 to 3 bytes; 0 when it is malformed. */
static size_t base64_group(const uint8_t *text, bool last, bool allow_url, uint8_t out[3])
{
    size_t n = 3;
    if (last && text[3] == '=')
        n = text[2] == '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i <= n ? base64_value(text[i], allow_url) : 0;
        if (value < 0)
            return 0;
        group = group << 6 | (uint32_t)value;
    }
    if ((n == 1 && (group & 0xffff)) || (n == 2 && (group & 0xff)))
        return 0;
    out[0] = (uint8_t)(group >> 16);
    out[1] = (uint8_t)(group >> 8);
    out[2] = (uint8_t)group;
    return n;
}

bool base64_decode(struct span text, bool allow_url, struct buf *out)
{
    if (text.len % 4 != 0)
        return false;
    while (text.len) {
        uint8_t bytes[3];
        size_t n = base64_group(text.ptr, text.len == 4, allow_url, bytes);
        if (n == 0)
            return false;
        buf_add(out, bytes, n);
        span_skip(&text, 4);
    }
    return buf_ok(out);
}
