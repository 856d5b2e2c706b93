/* Writing the volumes. A volume's header stands before a payload whose hashes it holds: its length is known beforehand,
 * so the payload is streamed behind the gap, hashed on the way, and the header is written last. Each blob is hashed on
 * the way out too: what is damaged in the station's store never leaves. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/ship_internal.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

/* The blob that is being sent. It may go on in the next volume. */
struct sending {
    struct shipping *p;
    struct digest blob;
    uint64_t size, done;
    int fd;
    struct sha256 *hash;
    uint8_t *chunk; /* COPY_CHUNK_BYTES */
};

struct volume_file {
    int fd;
    char name[128];
    struct sha256 *block; /* of the block under way, or NULL */
    uint64_t block_done;
    struct volume_header *header;
    size_t block_number;
};

void ship_volume_name(const struct shipping *p, uint64_t number, char out[128])
{
    snprintf(out, 128, "%s-%llu-%03llu.airlock", p->s->config.name, (unsigned long long)p->doc.sequence,
             (unsigned long long)number);
}

static void end_block(struct volume_file *v)
{
    if (v->block)
        v->header->blocks[v->block_number++] = sha256_finish(v->block);
    v->block = NULL;
    v->block_done = 0;
}

static int put_bytes(struct volume_file *v, struct span bytes, struct err *e)
{
    if (file_write_all(v->fd, bytes, v->name, e) < 0)
        return -1;
    struct span rest = bytes, part;
    while (rest.len) {
        uint64_t room = VOLUME_BLOCK_BYTES - v->block_done;
        span_take(&rest, rest.len < room ? rest.len : (size_t)room, &part);
        if (!v->block)
            v->block = sha256_new();
        sha256_add(v->block, part.ptr, part.len);
        v->block_done += part.len;
        if (v->block_done == VOLUME_BLOCK_BYTES)
            end_block(v);
    }
    return 0;
}

static int begin_blob(struct sending *s, const struct volume_extent *x, struct err *e)
{
    if (s->fd >= 0 && digest_equal(&s->blob, &x->blob) && s->done == x->offset)
        return 0;
    s->fd = blob_open(s->p->s->blobs, &x->blob, &s->size, e);
    if (s->fd < 0)
        return -1;
    s->blob = x->blob;
    s->done = 0;
    s->hash = sha256_new();
    return 0;
}

static int end_blob(struct sending *s, struct err *e)
{
    struct digest found = sha256_finish(s->hash);
    s->hash = NULL;
    close(s->fd);
    s->fd = -1;
    if (digest_equal(&found, &s->blob))
        return 0;
    err_set(e, ERR_INPUT, 0, "blob %s in this station's store is damaged: its bytes hash to %s",
            digest_text(&s->blob).text, digest_text(&found).text);
    return err_hint(e, "Pack the release again from its sources into a fresh station store");
}

static int send_extent(struct sending *s, struct volume_file *v, const struct volume_extent *x, struct err *e)
{
    if (begin_blob(s, x, e) < 0)
        return -1;
    for (uint64_t left = x->length; left;) {
        size_t want = left < COPY_CHUNK_BYTES ? (size_t)left : COPY_CHUNK_BYTES;
        ssize_t got = sys.read(s->fd, s->chunk, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(e, got ? ERR_IO : ERR_INPUT, got ? errno : 0, "blob %s: %llu bytes are missing",
                           digest_text(&s->blob).text, (unsigned long long)left);
        sha256_add(s->hash, s->chunk, (size_t)got);
        if (put_bytes(v, span_of(s->chunk, (size_t)got), e) < 0)
            return -1;
        ship_progress_add(s->p->progress, (uint64_t)got);
        left -= (uint64_t)got;
        s->done += (uint64_t)got;
    }
    return s->done == s->size ? end_blob(s, e) : 0;
}

/* Leaves room for the header, whose length does not depend on the hashes in it. */
static int leave_gap(struct volume_file *v, size_t *length, struct err *e)
{
    auto_buf header = BUF(LIMIT_VOLUME_HEADER_BYTES + VOLUME_HEAD_BYTES);
    if (volume_header_write(v->header, &header, e) < 0)
        return -1;
    memset(header.ptr, 0, header.len);
    *length = header.len;
    return file_write_all(v->fd, buf_span(&header), v->name, e);
}

static int fill_gap(struct shipping *p, struct volume_file *v, size_t length, struct err *e)
{
    auto_buf header = BUF(LIMIT_VOLUME_HEADER_BYTES + VOLUME_HEAD_BYTES);
    if (volume_header_write(v->header, &header, e) < 0)
        return -1;
    if (header.len != length || v->block_number != v->header->block_count)
        return err_set(e, ERR_IO, 0, "%s: the plan and what was written differ", v->name);
    if (sys.pwrite(v->fd, header.ptr, header.len, 0) != (ssize_t)header.len)
        return err_set(e, ERR_IO, errno, "write %s", v->name);
    if (sys.fsync(v->fd) < 0)
        return err_set(e, ERR_IO, errno, "fsync %s", v->name);
    p->doc.volumes[p->doc.volume_count++] = (struct shipment_volume){
        .number = v->header->number, .size = length + v->header->payload, .header = digest_of(buf_span(&header))};
    p->media_bytes += length + v->header->payload;
    return 0;
}

static int write_payload(struct sending *s, struct volume_file *v, struct err *e)
{
    for (size_t i = 0; i < v->header->extent_count; i++)
        if (send_extent(s, v, &v->header->extents[i], e) < 0)
            return -1;
    end_block(v);
    return 0;
}

static int write_volume(struct sending *s, struct volume_header *header, struct err *e)
{
    struct volume_file v = {.header = header};
    size_t length;
    ship_volume_name(s->p, header->number, v.name);
    snprintf(header->contour, sizeof header->contour, "%s", s->p->contour.id);
    header->sequence = s->p->doc.sequence;
    v.fd = sys.openat(s->p->out, v.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (v.fd < 0)
        return err_set(e, ERR_IO, errno, "make %s", v.name);
    int result = leave_gap(&v, &length, e);
    if (result == 0)
        result = write_payload(s, &v, e);
    if (result == 0)
        result = fill_gap(s->p, &v, length, e);
    sha256_free(v.block);
    if (sys.close(v.fd) < 0 && result == 0)
        result = err_set(e, ERR_IO, errno, "close %s", v.name);
    return result;
}

static int write_all(struct shipping *p, struct volume_header *list, size_t count, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    struct sending s = {.p = p, .fd = -1, .chunk = chunk};
    p->doc.volumes = calloc(count + 1, sizeof *p->doc.volumes);
    if (!p->doc.volumes || !chunk)
        abort();
    int result = 0;
    ship_progress_start(p->progress, "ship", p->blob_bytes);
    for (size_t i = 0; i < count && result == 0; i++)
        result = write_volume(&s, &list[i], e);
    ship_progress_end(p->progress);
    sha256_free(s.hash);
    if (s.fd >= 0)
        close(s.fd);
    return result;
}

int ship_volumes(struct shipping *p, struct err *e)
{
    auto_free struct volume_blob *blobs = calloc(p->blob_count + 1, sizeof *blobs);
    struct volume_header *list;
    size_t count;
    if (!blobs)
        abort();
    for (size_t i = 0; i < p->blob_count; i++)
        blobs[i] = (struct volume_blob){.digest = p->blobs[i].digest, .size = p->blobs[i].size};
    if (volume_plan(blobs, p->blob_count, p->order->volume_bytes, &list, &count, e) < 0)
        return -1;
    int result = write_all(p, list, count, e);
    volume_plan_free(list, count);
    return result;
}
