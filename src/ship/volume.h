/* A volume (docs/formats/volume.md): one file of a shipment.
 *
 *     0   "AIRLOCKV"                      8 bytes
 *     8   format version, 1               32 bits, big-endian
 *     12  length of the header            32 bits, big-endian
 *     16  header: one JSON object, then spaces so that the payload begins at a multiple of 4096
 *     …   payload: pieces of blobs, back to back, as the header's extents say
 *
 * The SHA-256 of everything before the payload is signed (in shipment.json); the header holds the SHA-256 of each block
 * of the payload. So each volume is verified alone, in any order, under any name, while it is copied. */
#pragma once

#include "util/buf.h"
#include "util/digest.h"
#include "util/json.h"

#define VOLUME_MAGIC      "AIRLOCKV"
#define VOLUME_VERSION    1U
#define VOLUME_HEAD_BYTES 16U
#define VOLUME_ALIGN      4096U
#define VOLUME_SCHEMA     "airlock/volume/1"
#define VOLUMES_MAX       65535U

struct volume_extent {
    struct digest blob;
    uint64_t offset; /* in the blob */
    uint64_t length; /* bytes; the extents' lengths add up to the payload */
};

struct volume_header {
    char contour[33];  /* id */
    uint64_t sequence; /* of the shipment */
    uint64_t number;   /* 1 … count */
    uint64_t count;
    uint64_t payload;              /* bytes */
    struct digest *blocks;         /* owned; of VOLUME_BLOCK_BYTES each, the last may be shorter */
    struct volume_extent *extents; /* owned */
    size_t block_count, extent_count;
};

void volume_header_fini(struct volume_header *h);

static inline size_t volume_blocks(uint64_t payload, uint64_t block)
{
    return (size_t)((payload + block - 1) / block);
}

/* Everything before the payload, padded. */
int volume_header_write(const struct volume_header *h, struct buf *out, struct err *e);

/* The fixed head: bytes of everything before the payload in *length. ERR_INPUT says what the file begins with. */
int volume_head_parse(struct span head, uint64_t file_size, uint64_t *length, struct err *e);

/* The header's JSON as the parse process gave it back, checked: counts agree with sizes, extents with the payload. */
int volume_header_read(const json_t *header, struct volume_header *out, struct err *e);

/* Lays blobs out over volumes of at most `volume_bytes` each, header included; blobs are split where one ends. Blobs of
 * no bytes are left out. *out is owned by the caller: volume_plan_free. ERR_USAGE: volumes too small. ERR_LIMIT: more
 * than VOLUMES_MAX. */
struct volume_blob {
    struct digest digest;
    uint64_t size;
};
int volume_plan(const struct volume_blob *blobs, size_t count, uint64_t volume_bytes, struct volume_header **out,
                size_t *volume_count, struct err *e);
void volume_plan_free(struct volume_header *list, size_t count);
