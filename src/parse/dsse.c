#include "parse/dsse.h"

#include "util/encode.h"
#include "util/json.h"
#include "util/limits.h"

#define TYPE_MAX  256U
#define KEYID_MAX 256U

static void add_block(struct buf *reply, struct span bytes)
{
    buf_add_be32(reply, (uint32_t)bytes.len);
    buf_add_span(reply, bytes);
}

static int add_text(struct buf *reply, const char *text, size_t max, const char *at, struct err *e)
{
    struct span s = span_str(text);
    if (s.len > max)
        return err_set(e, ERR_LIMIT, 0, "%s: %zu characters; at most %zu are read", at, s.len, max);
    if (!span_is_printable(s))
        return err_set(e, ERR_INPUT, 0, "%s: holds characters that are not printable ASCII", at);
    add_block(reply, s);
    return 0;
}

static int add_base64(struct buf *reply, const json_t *object, const char *key, const char *at, struct err *e)
{
    const char *text = json_need_string(object, key, at, e);
    if (!text)
        return -1;
    auto_buf bytes = BUF(LIMIT_MESSAGE_BYTES / 2);
    if (!base64_decode(span_str(text), true, &bytes))
        return err_set(e, ERR_INPUT, 0, "%s/%s: not base64 (padded, without white space)", at, key);
    add_block(reply, buf_span(&bytes));
    return 0;
}

static int add_signature(struct buf *reply, const json_t *signature, size_t number, struct err *e)
{
    char at[64];
    snprintf(at, sizeof at, "envelope: /signatures/%zu", number);
    if (!json_is_object(signature))
        return err_set(e, ERR_INPUT, 0, "%s: wanted an object", at);
    const json_t *keyid = json_object_get(signature, "keyid");
    if (keyid && !json_is_string(keyid))
        return err_set(e, ERR_INPUT, 0, "%s/keyid: wanted a string", at);
    if (add_text(reply, keyid ? json_string_value(keyid) : "", KEYID_MAX, at, e) < 0)
        return -1;
    return add_base64(reply, signature, "sig", at, e);
}

int dsse_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)arg;
    auto_json envelope = json_parse(input, LIMIT_MESSAGE_BYTES / 2, "envelope", e);
    if (!envelope)
        return -1;
    if (!json_is_object(envelope))
        return err_set(e, ERR_INPUT, 0, "envelope: wanted an object");
    const char *type = json_need_string(envelope, "payloadType", "envelope: ", e);
    const json_t *signatures = type ? json_need_array(envelope, "signatures", "envelope: ", e) : NULL;
    if (!signatures)
        return -1;
    size_t count = json_array_size(signatures);
    if (count > LIMIT_SIGNATURES)
        return err_set(e, ERR_LIMIT, 0, "envelope: %zu signatures; at most %u are read", count, LIMIT_SIGNATURES);

    if (add_text(reply, type, TYPE_MAX, "envelope: /payloadType", e) < 0 ||
        add_base64(reply, envelope, "payload", "envelope: ", e) < 0)
        return -1;
    buf_add_be32(reply, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        if (add_signature(reply, json_array_get(signatures, i), i, e) < 0)
            return -1;
    return buf_check(reply, "envelope", e);
}
