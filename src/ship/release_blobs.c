/* The blobs of a release, each once, and found by digest: a release with packages has ten thousand. */
#include <string.h>

#include "ship/release_internal.h"

void release_blob_fini(struct release_blob *b)
{
    free(b->media_type);
    free(b->name);
    *b = (struct release_blob){0};
}

/* Where a digest stands in the table, or where it would. */
static size_t *find_slot(const struct release *r, const struct digest *id)
{
    size_t at;
    memcpy(&at, id->bytes, sizeof at);
    for (;; at++) {
        size_t *slot = &r->slots[at & (r->slot_count - 1)];
        if (*slot == 0 || digest_equal(&r->blobs[*slot - 1].digest, id))
            return slot;
    }
}

const struct release_blob *release_find_blob(const struct release *r, const struct digest *id)
{
    const size_t *slot = r->slot_count ? find_slot(r, id) : NULL;
    return slot && *slot ? &r->blobs[*slot - 1] : NULL;
}

/* Twice as many slots as blobs, at least. */
static void grow(struct release *r)
{
    if (2 * (r->blob_count + 1) <= r->slot_count)
        return;
    r->slot_count = r->slot_count ? 2 * r->slot_count : 64;
    free(r->slots);
    r->slots = calloc(r->slot_count, sizeof *r->slots);
    r->blobs = reallocarray(r->blobs, r->slot_count / 2, sizeof *r->blobs);
    if (!r->slots || !r->blobs)
        abort();
    for (size_t i = 0; i < r->blob_count; i++)
        *find_slot(r, &r->blobs[i].digest) = i + 1;
}

int release_list_blob(struct release *r, const struct release_blob *b, const char *part, bool packaged, struct err *e)
{
    grow(r);
    size_t *slot = find_slot(r, &b->digest);
    struct release_blob *known = *slot ? &r->blobs[*slot - 1] : NULL;
    if (known && known->size != b->size)
        return err_set(e, ERR_INPUT, 0, "blob %s is said to have %llu bytes in one place and %llu in another",
                       digest_text(&b->digest).text, (unsigned long long)known->size, (unsigned long long)b->size);
    if (known) {
        known->packaged |= packaged;
        return 0;
    }
    r->blobs[r->blob_count++] = (struct release_blob){.digest = b->digest,
                                                      .size = b->size,
                                                      .media_type = text_copy(b->media_type),
                                                      .name = text_copy(b->name),
                                                      .part = part,
                                                      .packaged = packaged};
    *slot = r->blob_count;
    return 0;
}

const char *release_part_of(const struct release *r, const struct digest *id)
{
    const struct release_blob *b = release_find_blob(r, id);
    return b ? b->part : "release";
}
