#include "trust/attestation.h"

#include "trust/dsse_parts.h"
#include "trust/statement_internal.h"

void attestation_fini(struct attestation *a)
{
    statement_fini(&a->statement);
}

static bool find_signer(const struct dsse_parts *parts, const struct public_key *const keys[], size_t count,
                        struct digest *signer)
{
    for (size_t i = 0; i < count; i++)
        if (dsse_signed_by(parts, keys[i], DSSE_DER_OR_RS)) {
            *signer = *public_key_id(keys[i]);
            return true;
        }
    return false;
}

static int look(struct child *parser, struct span envelope, const struct public_key *const keys[], size_t count,
                struct attestation *out)
{
    auto_dsse_parts parts = {0};
    if (dsse_take_apart(parser, envelope, &parts, &out->reason) < 0)
        return -1;
    if (!find_signer(&parts, keys, count, &out->signer))
        return err_set(&out->reason, ERR_INPUT, 0, "none of its signatures (%zu) is by %s", parts.count,
                       count == 1 ? "the key given" : "one of the keys given");
    snprintf(out->payload_type, sizeof out->payload_type, "%.*s", (int)parts.type.len, (const char *)parts.type.ptr);
    out->payload_bytes = parts.payload.len;
    if (!span_equal_str(parts.type, DSSE_INTOTO_TYPE))
        return 0;
    return statement_read(parts.payload, NULL, NULL, &out->statement, &out->reason);
}

int attestation_verify(struct child *parser, struct span envelope, const struct public_key *const keys[], size_t count,
                       struct attestation *out, struct err *e)
{
    *out = (struct attestation){.id = digest_of(envelope)};
    out->verified = look(parser, envelope, keys, count, out) == 0;
    if (out->verified || out->reason.code == ERR_INPUT || out->reason.code == ERR_LIMIT)
        return 0;
    return err_set(e, out->reason.code, out->reason.sys_errno, "%s", out->reason.msg);
}
