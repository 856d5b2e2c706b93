/* Which file is which volume, and do the volumes together carry every blob that was signed, once and whole. All of it
 * is known from the headers, before a byte of a payload is read. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/receive_internal.h"
#include "site/room.h"
#include "store/db_release.h"
#include "util/limits.h"
#include "util/sys.h"

/* Room beside the blobs: metadata, folders, the file system's own needs. */
#define ROOM_MARGIN_BYTES (16ULL << 20)

/* ── what was signed ── */

static int by_digest(const void *a, const void *b)
{
    const struct signed_blob *x = a, *y = b;
    return digest_compare(&x->digest, &y->digest);
}

struct signed_blob *receive_find_blob(const struct receiving *r, const struct digest *id)
{
    struct signed_blob key = {.digest = *id};
    return r->blob_count ? bsearch(&key, r->blobs, r->blob_count, sizeof key, by_digest) : NULL;
}

/* A target's name is the digest of its bytes below the folder of the role that signed for it. */
static int check_target(const struct tuf_target *t, struct err *e)
{
    const char *slash = strchr(t->name, '/');
    struct digest named;
    size_t len = slash ? (size_t)(slash - t->name) : 0;
    const char *role = tuf_role_name(t->role);
    if (slash && strlen(role) == len && strncmp(t->name, role, len) == 0 &&
        digest_from_hex(span_str(slash + 1), &named) && digest_equal(&named, &t->digest))
        return 0;
    return err_set(e, ERR_INPUT, 0, "metadata: the target \"%.100s\" is not named by its role and digest", t->name);
}

static int list_blobs(struct receiving *r, struct err *e)
{
    size_t count = tuf_update_count(r->update);
    if (count > LIMIT_RELEASE_PARTS + 1)
        return err_set(e, ERR_LIMIT, 0, "metadata: %zu targets; at most %u are read", count, LIMIT_RELEASE_PARTS + 1);
    r->blobs = calloc(count + 1, sizeof *r->blobs);
    if (!r->blobs)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct tuf_target *t = tuf_update_target(r->update, i);
        if (strcmp(t->name, SHIPMENT_TARGET) == 0)
            continue;
        if (check_target(t, e) < 0)
            return -1;
        r->blobs[r->blob_count++] = (struct signed_blob){.digest = t->digest, .length = t->length, .name = t->name};
    }
    qsort(r->blobs, r->blob_count, sizeof *r->blobs, by_digest);
    for (size_t i = 0; i + 1 < r->blob_count; i++)
        if (digest_equal(&r->blobs[i].digest, &r->blobs[i + 1].digest))
            return err_set(e, ERR_INPUT, 0, "metadata: %s and %s are the same blob", r->blobs[i].name,
                           r->blobs[i + 1].name);
    return 0;
}

/* ── which file is which volume ── */

struct numbered {
    struct digest header;
    size_t number;
};

static int by_header(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return digest_compare(&x->header, &y->header);
}

/* A volume may have any name, and `airlock ship` gives it one that ends in .airlock: what has neither that name nor the
 * magic was most likely never part of the shipment. */
static int hint_no_volume(const struct medium_volume *v, struct span head, struct err *e)
{
    if (e && e->code == ERR_LIMIT)
        return -1;
    if (!span_starts(head, span_str(VOLUME_MAGIC)) && !span_ends(span_str(v->shown), SPAN_LIT(".airlock")))
        return err_hint(e, "Take the file off the medium if it does not belong to the shipment; or, if it is a volume "
                           "that was renamed, copy it again from the station");
    return err_hint(e, "Copy the volume again from the station, or take the file off the medium if it does not belong "
                       "to the shipment");
}

static int read_header(struct receiving *r, struct medium_volume *v, struct buf *out, struct err *e)
{
    uint8_t head[VOLUME_HEAD_BYTES];
    auto_fd fd = medium_open_volume(&r->medium, v, e);
    if (fd < 0)
        return -1;
    ssize_t got = sys.pread(fd, head, sizeof head, 0);
    if (got < 0)
        return err_set(e, ERR_IO, errno, "read %s", v->shown);
    if (volume_head_parse(span_of(head, (size_t)got), v->size, &v->payload_at, e) < 0) {
        err_prefix(e, "%s", v->shown);
        return hint_no_volume(v, span_of(head, (size_t)got), e);
    }
    for (size_t at = 0; at < v->payload_at;) {
        uint8_t *room = buf_room(out, (size_t)v->payload_at - at);
        ssize_t n = room ? sys.pread(fd, room, (size_t)v->payload_at - at, (off_t)at) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, n ? ERR_IO : ERR_INPUT, n ? errno : 0, "read %s: its header ends after %zu bytes",
                           v->shown, at);
        buf_grown(out, (size_t)n);
        at += (size_t)n;
    }
    v->header_digest = digest_of(buf_span(out));
    return 0;
}

static int parse_header(struct receiving *r, struct medium_volume *v, struct span bytes, struct err *e)
{
    struct span json;
    if (!span_slice(bytes, VOLUME_HEAD_BYTES, bytes.len - VOLUME_HEAD_BYTES, &json))
        return err_set(e, ERR_INPUT, 0, "%s: no header", v->shown);
    struct child_request request = {.op = "json", .fd = -1, .input = json, .timeout_ms = 20000};
    auto_json header = child_call_json(r->parser, &request, "volume header", e);
    if (!header || volume_header_read(header, &v->header, e) < 0)
        return err_prefix(e, "%s", v->shown);
    return 0;
}

/* The header is not one that was signed for this shipment. What it says of itself is no more than a claim, and good
 * enough to say where the file may come from. */
static int refuse_header(struct receiving *r, struct medium_volume *v, struct span bytes, struct err *e)
{
    struct err bad = {0};
    if (parse_header(r, v, bytes, &bad) < 0) {
        err_set(e, ERR_INPUT, 0, "%s: its header is damaged (%s)", v->shown, bad.msg);
        return err_hint(e, "Copy this volume again from the station");
    }
    const struct volume_header *h = &v->header;
    if (strcmp(h->contour, r->doc.contour) == 0 && h->sequence == r->doc.sequence) {
        err_set(e, ERR_INPUT, 0,
                "%s: it says that it is volume %llu of %llu of this shipment, but its header hashes to %s, which is "
                "not what was signed",
                v->shown, (unsigned long long)h->number, (unsigned long long)h->count,
                digest_text(&v->header_digest).text);
        return err_hint(e, "Copy this volume again from the station");
    }
    err_set(e, ERR_INPUT, 0,
            "%s is a volume of another shipment: it says that it is volume %llu of %llu of number %llu for contour %s; "
            "this is number %llu for contour %s",
            v->shown, (unsigned long long)h->number, (unsigned long long)h->count, (unsigned long long)h->sequence,
            h->contour, (unsigned long long)r->doc.sequence, r->doc.contour);
    return err_hint(e, "Take it off the medium");
}

static int check_size(struct receiving *r, const struct medium_volume *v, struct err *e)
{
    uint64_t wanted = r->doc.volumes[v->number - 1].size;
    if (v->header.number != v->number || v->header.count != r->doc.volume_count ||
        v->payload_at + v->header.payload != wanted || v->header.sequence != r->doc.sequence)
        return err_set(e, ERR_INPUT, 0, "%s: its header and shipment.json do not agree", v->shown);
    if (v->size == wanted)
        return 0;
    if (v->size < wanted)
        err_set(e, ERR_INPUT, 0,
                "%s (volume %zu of %zu) is truncated: %llu bytes, wanted %llu; the last %llu are missing", v->shown,
                v->number, r->doc.volume_count, (unsigned long long)v->size, (unsigned long long)wanted,
                (unsigned long long)(wanted - v->size));
    else
        err_set(e, ERR_INPUT, 0, "%s (volume %zu of %zu) has %llu bytes too many: %llu, wanted %llu", v->shown,
                v->number, r->doc.volume_count, (unsigned long long)(v->size - wanted), (unsigned long long)v->size,
                (unsigned long long)wanted);
    return err_hint(e, "Copy this volume again from the station");
}

static int place_volume(struct receiving *r, const struct numbered *table, struct medium_volume **slots,
                        struct medium_volume *v, struct err *e)
{
    auto_buf bytes = BUF(LIMIT_VOLUME_HEADER_BYTES + VOLUME_HEAD_BYTES);
    if (read_header(r, v, &bytes, e) < 0)
        return -1;
    struct numbered key = {.header = v->header_digest};
    const struct numbered *found =
        r->doc.volume_count ? bsearch(&key, table, r->doc.volume_count, sizeof key, by_header) : NULL;
    if (!found)
        return refuse_header(r, v, buf_span(&bytes), e);
    v->number = found->number;
    struct medium_volume **slot = &slots[v->number - 1];
    if (*slot) {
        err_set(e, ERR_INPUT, 0, "%s and %s are the same volume, number %zu: one is surplus", (*slot)->shown, v->shown,
                v->number);
        return err_hint(e, "Take one of them off the medium");
    }
    *slot = v;
    return parse_header(r, v, buf_span(&bytes), e) < 0 ? -1 : check_size(r, v, e);
}

static int missing(const struct receiving *r, struct medium_volume *const *slots, struct err *e)
{
    auto_buf list = BUF(4096);
    size_t count = 0;
    for (size_t i = 0; i < r->doc.volume_count; i++) {
        if (slots[i])
            continue;
        if (count++ < 20)
            buf_printf(&list, "%s%zu", count > 1 ? ", " : "", i + 1);
    }
    if (count == 0)
        return 0;
    err_set(e, ERR_INPUT, 0, "%zu of %zu volumes %s missing: number %s%s", count, r->doc.volume_count,
            count == 1 ? "is" : "are", buf_str(&list), count > 20 ? ", …" : "");
    return err_hint(e, "At the station their names end with these numbers; put all volumes into one folder");
}

static int by_number(const void *a, const void *b)
{
    const struct medium_volume *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int place_volumes(struct receiving *r, struct err *e)
{
    struct medium *m = &r->medium;
    auto_free struct numbered *table = calloc(r->doc.volume_count + 1, sizeof *table);
    auto_free struct medium_volume **slots = calloc(r->doc.volume_count + 1, sizeof *slots);
    if (!table || !slots)
        abort();
    for (size_t i = 0; i < r->doc.volume_count; i++)
        table[i] = (struct numbered){.header = r->doc.volumes[i].header, .number = i + 1};
    qsort(table, r->doc.volume_count, sizeof *table, by_header);
    for (size_t i = 0; i < m->volume_count; i++)
        if (place_volume(r, table, slots, &m->volumes[i], e) < 0)
            return -1;
    if (missing(r, slots, e) < 0)
        return -1;
    if (m->volume_count)
        qsort(m->volumes, m->volume_count, sizeof *m->volumes, by_number);
    return 0;
}

/* ── do they carry what was signed ── */

/* Blobs come one after the other, each whole before the next begins; a blob goes on in the next volume. */
static int follow_extents(struct receiving *r, const struct medium_volume *v, struct signed_blob **open, struct err *e)
{
    for (size_t i = 0; i < v->header.extent_count; i++) {
        const struct volume_extent *x = &v->header.extents[i];
        struct signed_blob *b = receive_find_blob(r, &x->blob);
        if (!b)
            return err_set(e, ERR_INPUT, 0, "%s: it carries blob %s, which nobody signed for", v->shown,
                           digest_text(&x->blob).text);
        if ((*open && *open != b) || x->offset != b->covered || x->length > b->length - b->covered)
            return err_set(e, ERR_INPUT, 0, "%s: its pieces of blob %s do not follow one another", v->shown, b->name);
        b->covered += x->length;
        *open = b->covered < b->length ? b : NULL;
    }
    return 0;
}

static int check_coverage(struct receiving *r, struct err *e)
{
    struct signed_blob *open = NULL;
    for (size_t i = 0; i < r->medium.volume_count; i++)
        if (follow_extents(r, &r->medium.volumes[i], &open, e) < 0)
            return -1;
    for (size_t i = 0; i < r->blob_count; i++)
        if (r->blobs[i].covered != r->blobs[i].length)
            return err_set(e, ERR_INPUT, 0, "no volume carries all of blob %s: %llu of %llu bytes", r->blobs[i].name,
                           (unsigned long long)r->blobs[i].covered, (unsigned long long)r->blobs[i].length);
    return 0;
}

/* ── is there room ── */

static void look_in_store(struct receiving *r)
{
    for (size_t i = 0; i < r->blob_count; i++) {
        struct signed_blob *b = &r->blobs[i];
        struct err ignored = {0};
        uint64_t size = 0;
        auto_fd fd = blob_open(r->s->blobs, &b->digest, &size, &ignored);
        b->in_store = fd >= 0 && size == b->length;
        r->linked_count += b->in_store;
        *(b->in_store ? &r->linked_bytes : &r->copy_bytes) += b->length;
    }
}

static int check_room(struct receiving *r, struct err *e)
{
    return room_check(r->quarantine, r->s->config.reserve_bytes, r->copy_bytes + ROOM_MARGIN_BYTES, "this shipment", e);
}

int receive_plan(struct receiving *r, struct err *e)
{
    if (list_blobs(r, e) < 0 || receive_list_artifacts(r, e) < 0 || place_volumes(r, e) < 0 || check_coverage(r, e) < 0)
        return -1;
    look_in_store(r);
    return check_room(r, e);
}
