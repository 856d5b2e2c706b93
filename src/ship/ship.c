#include "ship/ship.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/ship_internal.h"
#include "store/db_release.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

static void shipping_fini(struct shipping *p)
{
    shipment_doc_fini(&p->doc);
    free(p->blobs);
    station_keys_fini(&p->keys);
    if (p->out >= 0)
        close(p->out);
}

/* Opens the medium's folder, which must be new or empty: what lies there already would travel along. */
static int open_out(struct shipping *p, struct err *e)
{
    const char *path = p->order->out;
    if (dir_make(AT_FDCWD, path, 0755, e) < 0)
        return -1;
    p->out = dir_open(AT_FDCWD, path, e);
    int copy = p->out < 0 ? -1 : dir_open(p->out, ".", e);
    if (copy < 0)
        return -1;
    DIR *d = fdopendir(copy);
    if (!d) {
        close(copy);
        return err_set(e, ERR_IO, errno, "%s", path);
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(d));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0) {
            err_set(e, ERR_EXISTS, 0, "%s is not empty: there is %s", path, entry->d_name);
            result = err_hint(e, "A shipment is written into an empty folder, so that nothing travels along unseen");
        }
    closedir(d);
    return result;
}

/* The number of this shipment for this contour: reserved for good, whatever happens afterwards. A number that was left
 * out harms nobody; one that was used twice would be taken for a replay. */
static int reserve_sequence(struct shipping *p, struct err *e)
{
    auto_buf key = BUF(64), value = BUF(32);
    struct err absent = {0};
    uint64_t last = 0;
    buf_printf(&key, "sequence/%s", p->contour.id);
    if (db_meta_get(p->s->db, buf_str(&key), &value, &absent) < 0) {
        if (absent.code != ERR_NOTFOUND)
            return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    } else if (!span_decimal(buf_span(&value), &last)) {
        return err_set(e, ERR_INPUT, 0, "state.db: meta %s is no number", buf_str(&key));
    }
    p->doc.sequence = last + 1;
    buf_clear(&value);
    buf_printf(&value, "%llu", (unsigned long long)p->doc.sequence);
    return db_meta_set(p->s->db, buf_str(&key), buf_span(&value), e);
}

static bool is_added(const struct shipment_doc *d, const struct digest *id)
{
    for (size_t k = 0; k < d->key_count; k++)
        if (digest_equal(id, &d->attestation_keys[k]))
            return true;
    for (size_t k = 0; k < d->artifact_count; k++)
        if (digest_equal(id, &d->artifacts[k].digest) || digest_equal(id, &d->artifacts[k].signature))
            return true;
    return false;
}

/* The public key, the policy and the advisories that travel along are blobs of the store like any other. */
static int record_added(struct shipping *p, struct err *e)
{
    for (size_t i = 0; i < p->blob_count; i++)
        if (is_added(&p->doc, &p->blobs[i].digest) &&
            db_blob_add(p->s->db, &p->blobs[i].digest, p->blobs[i].size, e) < 0)
            return -1;
    return 0;
}

static int record(struct shipping *p, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(p->s, e) < 0)
        return -1;
    if (reserve_sequence(p, e) == 0 && record_added(p, e) == 0) {
        site_event(p->s, &w, &entry, "ship");
        json_put_string(&w, "contour", p->contour.name);
        json_put_string(&w, "contour_id", p->contour.id);
        json_put_uint(&w, "sequence", p->doc.sequence);
        json_put_array(&w, "releases");
        for (size_t i = 0; i < p->doc.release_count; i++)
            json_out_string(&w, digest_text(&p->doc.releases[i].digest).text);
        json_out_array_end(&w);
        shipment_doc_put_artifacts(&w, &p->doc);
        if (site_commit(p->s, &w, NULL, e) == 0)
            return 0;
    }
    site_rollback(p->s);
    return -1;
}

/* Takes away what was written, so that the same command can be given again. */
static void clean_out(struct shipping *p)
{
    struct err ignored = {0};
    tree_remove(p->out, "metadata", &ignored);
    tree_remove(p->out, "targets", &ignored);
    for (uint64_t i = 1; i <= VOLUMES_MAX; i++) {
        char name[128];
        ship_volume_name(p, i, name);
        if (sys.unlinkat(p->out, name, 0) < 0 && errno == ENOENT)
            break;
    }
}

/* The folders of the metadata are made after the volumes, and dir_make syncs `out`: no sync of it is left to be done.
 */
static int write_media(struct shipping *p, struct err *e)
{
    if (ship_volumes(p, e) == 0 && ship_metadata(p, e) == 0)
        return 0;
    clean_out(p);
    return -1;
}

static int check_order(const struct ship_order *o, struct err *e)
{
    if (o->volume_bytes < SHIP_VOLUME_BYTES_MIN)
        return err_set(e, ERR_USAGE, 0, "volumes of %llu bytes are too small; wanted at least %u (64K)",
                       (unsigned long long)o->volume_bytes, SHIP_VOLUME_BYTES_MIN);
    if (o->valid_s == 0 || o->valid_s > 10ULL * 365 * 86400)
        return err_set(e, ERR_USAGE, 0, "a shipment is valid for 1 second to 10 years");
    return 0;
}

int ship_write(struct site *station, const struct ship_order *order, const struct ship_progress *progress,
               struct ship_result *out, struct err *e)
{
    AUTO(shipping_fini) struct shipping p = {.s = station, .order = order, .progress = progress, .out = -1};
    if (check_order(order, e) < 0 || station_contour_get(station, order->contour, &p.contour, e) < 0 ||
        ship_collect(&p, e) < 0 || open_out(&p, e) < 0)
        return -1;
    p.doc.issued_s = station->now_s;
    p.doc.expires_s = station->now_s + (int64_t)order->valid_s;
    snprintf(p.doc.contour, sizeof p.doc.contour, "%s", p.contour.id);
    snprintf(p.doc.station, sizeof p.doc.station, "%s", station->config.name);
    if (record(&p, e) < 0 || write_media(&p, e) < 0)
        return -1;
    *out = (struct ship_result){.sequence = p.doc.sequence,
                                .volume_count = p.doc.volume_count,
                                .blob_bytes = p.blob_bytes,
                                .media_bytes = p.media_bytes,
                                .blob_count = p.blob_count,
                                .issued_s = p.doc.issued_s,
                                .expires_s = p.doc.expires_s,
                                .artifact_count = p.doc.artifact_count};
    memcpy(out->artifacts, p.doc.artifacts, sizeof out->artifacts);
    return 0;
}
