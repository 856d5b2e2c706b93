/* Laying blobs out over volumes. The header's length is bounded from above by what its rows can need at most, so that a
 * plan is made in one pass and never has to go back. */
#include <string.h>

#include "ship/volume.h"
#include "util/limits.h"

/* Bytes: the fields that every header has; one hash in quotes and a comma; one extent with 20-digit numbers. */
#define HEADER_BASE   400U
#define HEADER_BLOCK  67U
#define HEADER_EXTENT 160U

static uint64_t header_bound(uint64_t payload, size_t extents)
{
    uint64_t json = HEADER_BASE + HEADER_BLOCK * (uint64_t)volume_blocks(payload, VOLUME_BLOCK_BYTES) +
                    HEADER_EXTENT * (uint64_t)extents;
    return (json + VOLUME_HEAD_BYTES + VOLUME_ALIGN - 1) / VOLUME_ALIGN * VOLUME_ALIGN;
}

/* Bytes of payload that a volume of `limit` bytes has room for, if it has so many extents. */
static uint64_t payload_room(uint64_t limit, size_t extents)
{
    uint64_t most = header_bound(limit, extents);
    return most < limit ? limit - most : 0;
}

struct planner {
    struct volume_header *list;
    size_t count;
    uint64_t limit;
};

static struct volume_header *new_volume(struct planner *p)
{
    struct volume_header *grown = reallocarray(p->list, p->count + 1, sizeof *grown);
    if (!grown)
        abort();
    p->list = grown;
    p->list[p->count] = (struct volume_header){.number = p->count + 1};
    return &p->list[p->count++];
}

static void add_extent(struct volume_header *v, const struct volume_extent *x)
{
    if ((v->extent_count & (v->extent_count - 1)) == 0) {
        struct volume_extent *grown =
            reallocarray(v->extents, v->extent_count ? 2 * v->extent_count : 1, sizeof *grown);
        if (!grown)
            abort();
        v->extents = grown;
    }
    v->extents[v->extent_count++] = *x;
    v->payload += x->length;
}

static int place(struct planner *p, const struct volume_blob *b, struct err *e)
{
    for (uint64_t done = 0; done < b->size;) {
        struct volume_header *v = p->count ? &p->list[p->count - 1] : new_volume(p);
        uint64_t room = payload_room(p->limit, v->extent_count + 1);
        if (v->payload >= room || v->extent_count >= LIMIT_RELEASE_PARTS) {
            if (p->count == VOLUMES_MAX)
                return err_set(e, ERR_LIMIT, 0, "this would make more than %u volumes; choose larger ones",
                               VOLUMES_MAX);
            v = new_volume(p);
            room = payload_room(p->limit, 1);
        }
        uint64_t left = b->size - done;
        uint64_t take = left < room - v->payload ? left : room - v->payload;
        add_extent(v, &(struct volume_extent){.blob = b->digest, .offset = done, .length = take});
        done += take;
    }
    return 0;
}

int volume_plan(const struct volume_blob *blobs, size_t count, uint64_t volume_bytes, struct volume_header **out,
                size_t *volume_count, struct err *e)
{
    struct planner p = {.limit = volume_bytes < LIMIT_VOLUME_BYTES ? volume_bytes : LIMIT_VOLUME_BYTES};
    if (payload_room(p.limit, 1) == 0)
        return err_set(e, ERR_USAGE, 0, "volumes of %llu bytes have no room for anything but their header",
                       (unsigned long long)volume_bytes);
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = place(&p, &blobs[i], e);
    for (size_t i = 0; i < p.count; i++) {
        struct volume_header *v = &p.list[i];
        v->count = p.count;
        v->block_count = volume_blocks(v->payload, VOLUME_BLOCK_BYTES);
        v->blocks = calloc(v->block_count + 1, sizeof *v->blocks);
        if (!v->blocks)
            abort();
    }
    if (result < 0) {
        volume_plan_free(p.list, p.count);
        return -1;
    }
    *out = p.list;
    *volume_count = p.count;
    return 0;
}

void volume_plan_free(struct volume_header *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        volume_header_fini(&list[i]);
    free(list);
}
