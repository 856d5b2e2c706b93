#include "parse/tuf.h"

#include <string.h>

#include "util/encode.h"
#include "util/limits.h"

#define INTEGER_MAX 9007199254740991LL /* 2^53 - 1: what every JSON reader holds exactly */
#define KEYID_CHARS 64U
#define SIG_BYTES   1024U /* RSA of 8192 bits; longer is no signature of any scheme that TUF names */
#define INPUT_MAX   LIMIT_TUF_TARGETS_BYTES

static int canonical_any(const json_t *value, unsigned depth, struct buf *out, struct err *e);

static void canonical_string(const char *text, size_t len, struct buf *out)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (uint8_t)text[i]);
    }
    buf_add_byte(out, '"');
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b); /* UTF-8: by bytes is by code point */
}

static int canonical_object(const json_t *object, unsigned depth, struct buf *out, struct err *e)
{
    size_t count = json_object_size(object), n = 0;
    auto_free const char **keys = calloc(count + 1, sizeof *keys);
    if (!keys)
        abort();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) keys[n++] = key;
    qsort(keys, n, sizeof *keys, compare_keys);

    buf_add_byte(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_byte(out, ',');
        canonical_string(keys[i], strlen(keys[i]), out);
        buf_add_byte(out, ':');
        if (canonical_any(json_object_get(object, keys[i]), depth, out, e) < 0)
            return -1;
    }
    buf_add_byte(out, '}');
    return 0;
}

static int canonical_array(const json_t *array, unsigned depth, struct buf *out, struct err *e)
{
    size_t i;
    json_t *value;
    buf_add_byte(out, '[');
    json_array_foreach(array, i, value)
    {
        if (i)
            buf_add_byte(out, ',');
        if (canonical_any(value, depth, out, e) < 0)
            return -1;
    }
    buf_add_byte(out, ']');
    return 0;
}

static int canonical_integer(const json_t *value, struct buf *out, struct err *e)
{
    long long number = json_integer_value(value);
    if (number > INTEGER_MAX || number < -INTEGER_MAX)
        return err_set(e, ERR_INPUT, 0, "the integer %lld lies beyond 2^53 - 1, where JSON readers differ", number);
    buf_printf(out, "%lld", number);
    return 0;
}

static int canonical_any(const json_t *value, unsigned depth, struct buf *out, struct err *e)
{
    if (depth == 0)
        return err_set(e, ERR_LIMIT, 0, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return canonical_object(value, depth - 1, out, e);
    case JSON_ARRAY:
        return canonical_array(value, depth - 1, out, e);
    case JSON_STRING:
        canonical_string(json_string_value(value), json_string_length(value), out);
        return 0;
    case JSON_INTEGER:
        return canonical_integer(value, out, e);
    case JSON_REAL:
        return err_set(e, ERR_INPUT, 0, "the number %g is no integer; canonical JSON has no others",
                       json_real_value(value));
    case JSON_TRUE:
        buf_add_str(out, "true");
        return 0;
    case JSON_FALSE:
        buf_add_str(out, "false");
        return 0;
    case JSON_NULL:
        buf_add_str(out, "null");
        return 0;
    }
    return err_set(e, ERR_INPUT, 0, "a value of no known type");
}

int tuf_canonical(const json_t *value, struct buf *out, struct err *e)
{
    if (canonical_any(value, LIMIT_JSON_DEPTH + 1, out, e) < 0)
        return -1;
    return buf_check(out, "canonical JSON", e);
}

/* Control characters, raw in the canonical form, are escaped as JSON wants them; they can stand in strings only. */
json_t *tuf_canonical_read(struct span canonical, const char *what, struct err *e)
{
    size_t max = 6 * canonical.len + 1; /* each byte may become \u00XX */
    auto_buf text = BUF(max);
    for (size_t i = 0; i < canonical.len; i++) {
        if (canonical.ptr[i] < 0x20)
            buf_printf(&text, "\\u%04x", canonical.ptr[i]);
        else
            buf_add_byte(&text, canonical.ptr[i]);
    }
    return buf_check(&text, what, e) < 0 ? NULL : json_parse(buf_span(&text), max, what, e);
}

static bool is_keyid(const char *text)
{
    uint8_t bytes[KEYID_CHARS / 2];
    return hex_decode(span_str(text), bytes, sizeof bytes);
}

static bool stands_before(const json_t *signatures, size_t number, const char *keyid)
{
    for (size_t i = 0; i < number; i++)
        if (strcmp(json_get_string(json_array_get(signatures, i), "keyid", ""), keyid) == 0)
            return true;
    return false;
}

static int add_signature(const json_t *signatures, size_t number, struct buf *reply, struct err *e)
{
    char at[64];
    snprintf(at, sizeof at, "/signatures/%zu", number);
    const json_t *signature = json_array_get(signatures, number);
    const char *keyid = json_need_string(signature, "keyid", at, e);
    const char *sig = keyid ? json_need_string(signature, "sig", at, e) : NULL;
    if (!sig)
        return -1;
    if (!is_keyid(keyid))
        return err_set(e, ERR_INPUT, 0, "%s/keyid: \"%.70s\" is not 64 lower-case hex digits", at, keyid);
    if (stands_before(signatures, number, keyid))
        return err_set(e, ERR_INPUT, 0, "%s/keyid: %s stands there twice", at, keyid);

    uint8_t bytes[SIG_BYTES];
    size_t len = strlen(sig) / 2;
    if (len > sizeof bytes || !hex_decode(span_str(sig), bytes, len))
        len = 0;
    buf_add(reply, keyid, KEYID_CHARS);
    buf_add_be32(reply, (uint32_t)len);
    buf_add(reply, bytes, len);
    return 0;
}

int tuf_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)arg;
    auto_json document = json_parse(input, INPUT_MAX, "metadata", e);
    if (!document)
        return -1;
    const json_t *body = json_need_object(document, "signed", "", e);
    const json_t *signatures = body ? json_need_array(document, "signatures", "", e) : NULL;
    if (!signatures)
        return -1;
    size_t count = json_array_size(signatures);
    if (count > LIMIT_SIGNATURES)
        return err_set(e, ERR_LIMIT, 0, "/signatures: %zu of them; at most %u are read", count, LIMIT_SIGNATURES);

    auto_buf canonical = BUF(INPUT_MAX);
    if (tuf_canonical(body, &canonical, e) < 0)
        return err_prefix(e, "/signed");
    buf_add_be32(reply, (uint32_t)canonical.len);
    buf_add_span(reply, buf_span(&canonical));
    buf_add_be32(reply, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        if (add_signature(signatures, i, reply, e) < 0)
            return -1;
    return buf_check(reply, "metadata", e);
}
