#include "ship/receive.h"

#include <errno.h>
#include <string.h>

#include "ship/receive_internal.h"
#include "ship/shipment.h"
#include "util/file.h"

static void receiving_fini(struct receiving *r)
{
    medium_fini(&r->medium);
    receive_artifacts_fini(r);
    for (size_t i = 0; r->releases && i < r->doc.release_count; i++)
        release_free(r->releases[i]);
    for (size_t i = 0; r->packages && i < r->doc.release_count; i++)
        packages_fini(&r->packages[i]);
    free(r->releases);
    free(r->packages);
    shipment_doc_fini(&r->doc);
    tuf_update_free(r->update);
    free(r->blobs);
    blobs_close(r->out);
    for (size_t i = 0; i < r->statement_count; i++)
        buf_fini(&r->statements[i].envelope);
    free(r->statements);
    for (size_t i = 0; i < SHIPMENT_KEYS_MAX; i++)
        public_key_free(r->keys[i]);
    if (r->quarantine >= 0)
        close(r->quarantine);
}

/* The folder's name says whose shipment it is and which; it is made of verified facts only. */
static int make_partial(struct receiving *r, struct err *e)
{
    snprintf(r->folder, sizeof r->folder, "%.16s-%llu", r->station, (unsigned long long)r->doc.sequence);
    snprintf(r->partial, sizeof r->partial, "%s.partial", r->folder);
    r->out = blobs_make(r->quarantine, r->partial, e);
    return r->out ? 0 : -1;
}

static void fill_result(const struct receiving *r, struct receive_result *out)
{
    snprintf(out->station, sizeof out->station, "%s", r->station);
    out->sequence = r->doc.sequence;
    out->issued_s = r->doc.issued_s;
    out->expires_s = r->doc.expires_s;
    out->volume_count = r->medium.volume_count;
    out->blob_count = r->blob_count;
    out->linked_count = r->linked_count;
    out->linked_bytes = r->linked_bytes;
    out->blob_bytes = r->copy_bytes + r->linked_bytes;
    out->artifact_count = r->doc.artifact_count;
    memcpy(out->artifacts, r->doc.artifacts, sizeof out->artifacts);
}

/* A document that a release names and that no volume carried: the shipment is not whole, and that is how it is refused.
 */
static int read_releases(struct receiving *r, struct err *e)
{
    if (receive_read_releases(r, e) == 0)
        return 0;
    if (e && e->code == ERR_NOTFOUND)
        e->code = ERR_INPUT;
    return -1;
}

static int receive(struct receiving *r, struct receive_result *out, struct err *e)
{
    if (receive_trust(r, e) < 0 || receive_plan(r, e) < 0 || make_partial(r, e) < 0 || receive_copy(r, e) < 0 ||
        read_releases(r, e) < 0 || receive_look_at_artifacts(r, e) < 0 || receive_commit(r, out, e) < 0)
        return -1;
    fill_result(r, out);
    return 0;
}

/* Takes the lock, puts in order what an interrupted receive left, and begins. */
static int receive_locked(struct receiving *r, struct receive_result *out, struct err *e)
{
    r->quarantine = dir_open(r->s->dir, "quarantine", e);
    if (r->quarantine < 0)
        return -1;
    auto_fd lock = file_lock(r->quarantine, ".lock", false, e);
    if (lock < 0) {
        if (e && e->code == ERR_BUSY)
            err_set(e, ERR_BUSY, 0, "another receive is running in this contour; try again when it is done");
        return -1;
    }
    if (quarantine_tidy_locked(r->s, r->quarantine, false, NULL, e) < 0)
        return -1;
    if (receive(r, out, e) == 0)
        return 0;
    struct err ignored = {0};
    quarantine_tidy_locked(r->s, r->quarantine, true, NULL, &ignored); /* what is left now, the next receive removes */
    return -1;
}

int receive_media(struct site *contour, const char *dir, const struct receive_taker *const takers[], size_t taker_count,
                  const struct ship_progress *progress, struct receive_result *out, struct err *e)
{
    AUTO(receiving_fini)
    struct receiving r = {
        .s = contour, .takers = takers, .taker_count = taker_count, .progress = progress, .quarantine = -1};
    *out = (struct receive_result){0};
    r.medium = (struct medium){.dir = -1, .metadata = -1, .targets = -1};
    r.parser = site_parser(contour, e);
    if (!r.parser || site_clock_check(contour, e) < 0 || medium_open(&r.medium, dir, e) < 0)
        return -1;
    return receive_locked(&r, out, e);
}
