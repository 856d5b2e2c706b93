/* A policy and advisories that came along: each two targets of its role, the bytes and what the role's key signed about
 * them. Whether this contour takes them, the layers above know (struct receive_taker). */
#include <string.h>

#include "ship/artifact.h"
#include "ship/receive_internal.h"
#include "trust/role_document.h"
#include "util/clock.h"

/* ── before the copying ── */

static int check_role(const struct receiving *r, const struct shipment_artifact *a, const struct digest *id,
                      const char *what, uint64_t *size, struct err *e)
{
    const char *role = tuf_role_name(a->role);
    const struct signed_blob *b = receive_find_blob(r, id);
    if (!b)
        return err_set(e, ERR_INPUT, 0, SHIPMENT_TARGET ": the %s of role %s is %s, and nobody signed for such a blob",
                       what, role, digest_text(id).text);
    if (strncmp(b->name, role, strlen(role)) != 0 || b->name[strlen(role)] != '/')
        return err_set(e, ERR_INPUT, 0,
                       SHIPMENT_TARGET ": the %s of role %s is the target %s, for which another role signed", what,
                       role, b->name);
    *size = b->length;
    return 0;
}

static bool is_listed(const struct receiving *r, const struct digest *id)
{
    for (size_t i = 0; i < r->doc.artifact_count; i++)
        if (digest_equal(id, &r->doc.artifacts[i].digest) || digest_equal(id, &r->doc.artifacts[i].signature))
            return true;
    return false;
}

/* The role `advisories` signs for nothing else. */
static int check_unlisted(const struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->blob_count; i++)
        if (strncmp(r->blobs[i].name, "advisories/", 11) == 0 && !is_listed(r, &r->blobs[i].digest))
            return err_set(e, ERR_INPUT, 0, "metadata: the target %s stands in no artifact of " SHIPMENT_TARGET,
                           r->blobs[i].name);
    return 0;
}

int receive_list_artifacts(struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->doc.artifact_count; i++) {
        const struct shipment_artifact *a = &r->doc.artifacts[i];
        uint64_t size, signature_size;
        if (check_role(r, a, &a->digest, "artifact", &size, e) < 0 ||
            check_role(r, a, &a->signature, "signature", &signature_size, e) < 0)
            return -1;
        if (size != a->size || signature_size > ROLE_DOCUMENT_BYTES)
            return err_set(e, ERR_INPUT, 0,
                           SHIPMENT_TARGET ": /artifacts/%zu: the target has %llu bytes, it says %llu; its signature "
                                           "has %llu, at most %u are read",
                           i, (unsigned long long)size, (unsigned long long)a->size, (unsigned long long)signature_size,
                           ROLE_DOCUMENT_BYTES);
    }
    return check_unlisted(r, e);
}

/* ── after it ── */

static const struct receive_taker *taker_of(const struct receiving *r, enum tuf_role role)
{
    for (size_t i = 0; i < r->taker_count; i++)
        if (r->takers[i]->role == role)
            return r->takers[i];
    return NULL;
}

static int verify(struct receiving *r, const struct shipment_artifact *listed, struct received_artifact *a,
                  struct statement *statement, struct err *e)
{
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    struct artifact_times times;
    if (blob_read(r->out, &listed->signature, &document, e) < 0 ||
        role_document_verify_in(r->update, r->station, r->parser, buf_span(&document), listed->role, &listed->digest,
                                artifact_predicate_type(listed->role), statement, e) < 0 ||
        artifact_times(listed->role, statement->predicate, r->s->config.id, r->s->now_s, &times, e) < 0)
        return -1;
    if (times.date_s != listed->date_s)
        return err_set(e, ERR_INPUT, 0, SHIPMENT_TARGET " calls it of %s, and what the role signed says %s",
                       time_text(listed->date_s).text, time_text(times.date_s).text);
    *a = (struct received_artifact){.listed = listed,
                                    .issued_s = times.issued_s,
                                    .expires_s = times.expires_s,
                                    .said = statement->predicate,
                                    .station = r->station,
                                    .station_name = r->doc.station,
                                    .sequence = r->doc.sequence,
                                    .blobs = r->out};
    return 0;
}

int receive_look_at_artifacts(struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->doc.artifact_count; i++) {
        const struct shipment_artifact *listed = &r->doc.artifacts[i];
        const char *role = tuf_role_name(listed->role);
        const struct receive_taker *taker = taker_of(r, listed->role);
        if (!taker)
            return err_set(e, ERR_INPUT, 0, "nothing here takes a shipped artifact of role %s", role);
        if (verify(r, listed, &r->artifacts[i], &r->said[i], e) < 0 || taker->look(r->s, &r->artifacts[i], e) < 0)
            return err_prefix(e, "%s/%s", role, digest_hex(&listed->digest).text);
    }
    return 0;
}

int receive_keep_artifacts(struct receiving *r, uint64_t number, struct err *e)
{
    for (size_t i = 0; i < r->doc.artifact_count; i++) {
        struct received_artifact *a = &r->artifacts[i];
        a->shipment = number;
        if (taker_of(r, a->listed->role)->keep(r->s, a, e) < 0)
            return -1;
    }
    return 0;
}

void receive_artifacts_fini(struct receiving *r)
{
    for (size_t i = 0; i < SHIPMENT_ARTIFACTS_MAX; i++) {
        statement_fini(&r->said[i]);
        json_decref(r->artifacts[i].facts);
    }
}
