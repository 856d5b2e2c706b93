/* Blobs: an OCI image layout on disk (image-spec 1.1, image-layout.md): `oci-layout`, `index.json`,
 * `blobs/sha256/<hex>`. A blob is published whole: O_TMPFILE → write and hash in one pass → fsync → linkat → fsync of
 * the directory. A reader never sees half. The same interface serves the contour's store, a station's store, a shipment
 * in quarantine, and one day S3. Hard rule: a blob's name is the SHA-256 of its bytes, checked when it is written;
 * nobody else writes below `blobs/`. */
#pragma once

#include <stdint.h>

#include "util/buf.h"
#include "util/digest.h"

struct blobs;

/* Opens (blobs_make: makes, if it is not there) the layout in directory `path` of `dir`. NULL: ERR_NOTFOUND, ERR_IO. */
struct blobs *blobs_open(int dir, const char *path, struct err *e);
struct blobs *blobs_make(int dir, const char *path, struct err *e);
void blobs_close(struct blobs *b);

/* A descriptor to read (the caller closes), or -1: ERR_NOTFOUND, ERR_IO. *size in bytes (may be NULL). Safe from any
 * thread. */
int blob_open(const struct blobs *b, const struct digest *id, uint64_t *size, struct err *e);

bool blob_have(const struct blobs *b, const struct digest *id);

/* Reads a small blob whole and checks its digest again. *out's maximum is the cap. ERR_INPUT when the bytes do not
 * match the name. */
int blob_read(const struct blobs *b, const struct digest *id, struct buf *out, struct err *e);

/* Publishes bytes; what is there already is fine. */
int blob_put(struct blobs *b, struct span bytes, struct digest *id, struct err *e);

/* Publishes a file by copying it once. `expected` may be NULL. *size may be NULL. */
int blob_put_fd(struct blobs *b, int fd, const struct digest *expected, struct digest *id, uint64_t *size,
                struct err *e);

/* Publishing in pieces, in order. finish: ERR_INPUT when the digest is not `expected` (may be NULL); nothing is
 * published then. The writer is freed by finish and by abort. `size` (0 = unknown) lets the file system reserve the
 * room first: ERR_NOSPACE before a byte. */
struct blob_writer;
struct blob_writer *blob_writer_new(struct blobs *b, uint64_t size, struct err *e);
int blob_writer_add(struct blob_writer *w, struct span bytes, struct err *e);
int blob_writer_finish(struct blob_writer *w, const struct digest *expected, struct digest *id, struct err *e);
void blob_writer_abort(struct blob_writer *w); /* NULL is fine */

/* Publishing many blobs in a row costs one fsync of the directory at the end instead of one each: between begin and end
 * a crash may lose whole blobs, never show half of one. */
void blobs_batch_begin(struct blobs *b);
int blobs_batch_end(struct blobs *b, struct err *e);

/* Makes the blob of `from` a blob of `to` without copying (a hard link; same file system), durable after dir sync (or
 * batch end). */
int blob_link(struct blobs *from, struct blobs *to, const struct digest *id, struct err *e);
int blob_remove(struct blobs *b, const struct digest *id, struct err *e);

/* When the blob was last published, seconds; publishing it again counts. ERR_NOTFOUND, ERR_IO. */
int blob_time(const struct blobs *b, const struct digest *id, int64_t *time_s, struct err *e);

/* Takes a blob's name away, unless it was published since `before_s`: 1: gone, 0: it stays. Its bytes go with the next
 * blobs_tidy. Whoever publishes the same bytes meanwhile either finds the name and makes it young, or none and makes
 * it. */
int blob_retire(struct blobs *b, const struct digest *id, int64_t before_s, struct err *e);

/* Calls `each` for every blob file, in no order; stops when it returns non-zero, and returns that. -1 with *e on I/O
 * errors. A name that is no digest is reported with id NULL and its name. */
int blobs_each(const struct blobs *b, int (*each)(void *arg, const struct digest *id, const char *name, uint64_t size),
               void *arg, struct err *e);

/* Removes the temporary files of writers that died, on file systems without O_TMPFILE. A living writer's file stays. */
int blobs_tidy(struct blobs *b, struct err *e);
