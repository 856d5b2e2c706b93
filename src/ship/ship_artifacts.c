/* A policy and advisories that travel along: what the station's own role signed, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ship/artifact.h"
#include "ship/ship_internal.h"
#include "trust/role_document.h"
#include "util/clock.h"
#include "util/file.h"

static int read_signature(enum tuf_role role, const char *file, struct buf *out, struct err *e)
{
    char beside[4096];
    if ((size_t)snprintf(beside, sizeof beside, "%s" ARTIFACT_SIGNATURE_SUFFIX, file) >= sizeof beside)
        return err_set(e, ERR_LIMIT, 0, "%.100s…: the path is too long", file);
    if (file_read(AT_FDCWD, beside, out, e) == 0)
        return 0;
    if (e->code == ERR_NOTFOUND)
        err_hint(e, role == TUF_POLICY ? "`airlock policy sign FILE` signs it with the station's role `policy`"
                                       : "`airlock advisories import SOURCE... --out FILE` at the station signs what "
                                         "it compiles");
    return -1;
}

/* By the key that the metadata of this shipment will delegate to; read as the contour will read it. */
static int check_signature(struct shipping *p, const char *file, struct span document, struct shipment_artifact *a,
                           struct err *e)
{
    auto_statement st = {0};
    struct artifact_times times;
    struct digest fingerprint;
    struct child *parser = site_parser(p->s, e);
    const struct station_keys *keys = parser ? ship_keys(p, e) : NULL;
    if (!keys || station_fingerprint(p->s, &fingerprint, e) < 0)
        return -1;
    if (role_document_verify_own(private_key_public(keys->key[a->role]), digest_hex(&fingerprint).text, parser,
                                 document, a->role, &a->digest, artifact_predicate_type(a->role), &st, e) < 0) {
        err_prefix(e, "%s" ARTIFACT_SIGNATURE_SUFFIX, file);
        return err_hint(e, "It must be this station's signature of exactly this file: sign it again");
    }
    if (artifact_times(a->role, st.predicate, p->contour.id, p->s->now_s, &times, e) < 0)
        return err_prefix(e, "%s", file);
    a->date_s = times.date_s;
    return 0;
}

/* The bytes become blobs of the station's store like any other; gc takes them away again. */
static int keep(struct shipping *p, const char *file, int fd, struct span document, struct shipment_artifact *a,
                struct err *e)
{
    if (blob_put_fd(p->s->blobs, fd, NULL, &a->digest, &a->size, e) < 0)
        return err_prefix(e, "%s", file);
    return blob_put(p->s->blobs, document, &a->signature, e);
}

int ship_artifact(struct shipping *p, enum tuf_role role, const char *file, struct err *e)
{
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    struct shipment_artifact *a = &p->doc.artifacts[p->doc.artifact_count];
    *a = (struct shipment_artifact){.role = role};
    auto_fd fd = openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, file, "open", e);
    if (read_signature(role, file, &document, e) < 0 || keep(p, file, fd, buf_span(&document), a, e) < 0 ||
        check_signature(p, file, buf_span(&document), a, e) < 0)
        return -1;
    p->doc.artifact_count++;
    if (ship_add_blob(p, &a->digest, a->size, role, e) < 0 ||
        ship_add_blob(p, &a->signature, document.len, role, e) < 0)
        return err_prefix(e, "%s", file);
    return 0;
}
