#include "trust/dsse.h"

#include "trust/dsse_parts.h"
#include "util/encode.h"

#define PARSE_TIMEOUT_MS 10000
#define PAE_EXTRA        64U /* "DSSEv1", two numbers, four spaces */

/* "DSSEv1" SP length SP type SP length SP payload (protocol.md, "Signature Definition"). */
static void add_pae(struct buf *out, struct span type, struct span payload)
{
    buf_printf(out, "DSSEv1 %zu ", type.len);
    buf_add_span(out, type);
    buf_printf(out, " %zu ", payload.len);
    buf_add_span(out, payload);
}

static void write_envelope(const char *payload_type, struct span payload, const struct private_key *k,
                           struct span signature, struct buf *envelope)
{
    auto_buf base64 = BUF(LIMIT_MESSAGE_BYTES);
    struct json_out w;
    json_out_init(&w, envelope);
    json_out_object(&w);
    base64_encode(payload, &base64);
    envelope->failed |= base64.failed;
    json_out_key(&w, "payload");
    json_out_span(&w, buf_span(&base64));
    json_put_string(&w, "payloadType", payload_type);
    json_put_array(&w, "signatures");
    json_out_object(&w);
    json_put_string(&w, "keyid", digest_hex(public_key_id(private_key_public(k))).text);
    buf_clear(&base64);
    base64_encode(signature, &base64);
    json_out_key(&w, "sig");
    json_out_span(&w, buf_span(&base64));
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_out_object_end(&w);
}

int dsse_sign(const char *payload_type, struct span payload, const struct private_key *k, struct buf *envelope,
              struct err *e)
{
    struct signature signature;
    struct span type = span_str(payload_type);
    auto_buf pae = BUF(payload.len + type.len + PAE_EXTRA);
    add_pae(&pae, type, payload);
    if (buf_check(&pae, "attestation", e) < 0 || key_sign(k, buf_span(&pae), &signature, e) < 0)
        return -1;
    write_envelope(payload_type, payload, k, span_of(signature.bytes, signature.len), envelope);
    return buf_check(envelope, "attestation", e);
}

void dsse_parts_fini(struct dsse_parts *p)
{
    buf_fini(&p->pae);
    buf_fini(&p->reply);
}

static bool take_block(struct span *s, struct span *out)
{
    uint32_t len;
    return span_take_be32(s, &len) && span_take(s, len, out);
}

/* The layout of parse/dsse.h. */
static bool read_reply(struct span reply, struct dsse_parts *out)
{
    uint32_t count;
    struct span keyid; /* nobody signed it, so it says nothing */
    if (!take_block(&reply, &out->type) || !take_block(&reply, &out->payload) || !span_take_be32(&reply, &count) ||
        count > LIMIT_SIGNATURES)
        return false;
    for (out->count = 0; out->count < count; out->count++)
        if (!take_block(&reply, &keyid) || !take_block(&reply, &out->signatures[out->count]))
            return false;
    return reply.len == 0;
}

int dsse_take_apart(struct child *parser, struct span envelope, struct dsse_parts *out, struct err *e)
{
    *out = (struct dsse_parts){.reply = BUF(LIMIT_MESSAGE_BYTES), .pae = BUF(LIMIT_MESSAGE_BYTES)};
    if (envelope.len > LIMIT_MESSAGE_BYTES / 2)
        return err_set(e, ERR_LIMIT, 0, "envelope: %zu bytes; at most %u are read", envelope.len,
                       LIMIT_MESSAGE_BYTES / 2);
    struct child_request ask = {.op = "dsse", .fd = -1, .input = envelope, .timeout_ms = PARSE_TIMEOUT_MS};
    if (child_call(parser, &ask, &out->reply, e) < 0)
        return -1;
    if (!read_reply(buf_span(&out->reply), out))
        return err_set(e, ERR_UNDECIDED, 0, "envelope: the parse process gave an answer that is none");
    add_pae(&out->pae, out->type, out->payload);
    return buf_check(&out->pae, "envelope", e);
}

bool dsse_signed_by(const struct dsse_parts *p, const struct public_key *k, enum dsse_form form)
{
    struct signature der;
    for (size_t i = 0; i < p->count; i++) {
        if (key_verify(k, buf_span(&p->pae), p->signatures[i]))
            return true;
        if (form == DSSE_DER_OR_RS && public_key_kind(k) == KEY_P256 && signature_from_rs(p->signatures[i], &der) &&
            key_verify(k, buf_span(&p->pae), span_of(der.bytes, der.len)))
            return true;
    }
    return false;
}

static bool stands_before(const struct public_key *const keys[], size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (digest_equal(public_key_id(keys[j]), public_key_id(keys[i])))
            return true;
    return false;
}

/* How many different keys signed. */
static unsigned count_signers(const struct dsse_parts *p, const struct public_key *const keys[], size_t count,
                              uint64_t *signers)
{
    unsigned good = 0;
    *signers = 0;
    for (size_t i = 0; i < count; i++) {
        if (!dsse_signed_by(p, keys[i], DSSE_DER))
            continue;
        if (i < 64)
            *signers |= 1ULL << i;
        if (!stands_before(keys, i))
            good++;
    }
    return good;
}

int dsse_verify(struct child *parser, struct span envelope, const char *payload_type,
                const struct public_key *const keys[], size_t count, unsigned threshold, struct buf *payload,
                uint64_t *signers, struct err *e)
{
    auto_dsse_parts parts = {0};
    uint64_t mask;
    if (dsse_take_apart(parser, envelope, &parts, e) < 0)
        return -1;
    unsigned good = count_signers(&parts, keys, count, &mask);
    if (threshold == 0 || good < threshold)
        return err_set(e, ERR_INPUT, 0, "envelope: %u of %zu trusted keys signed it, wanted %u; it has %zu signatures",
                       good, count, threshold ? threshold : 1, parts.count);
    if (!span_equal_str(parts.type, payload_type))
        return err_set(e, ERR_INPUT, 0, "envelope: the payload type is \"%.*s\", wanted \"%s\"",
                       (int)(parts.type.len > 200 ? 200 : parts.type.len), (const char *)parts.type.ptr, payload_type);
    if (signers)
        *signers = mask;
    buf_add_span(payload, parts.payload);
    return buf_check(payload, "envelope", e);
}
