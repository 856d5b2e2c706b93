/* Uploads: bytes that come in several requests and become a blob when their digest is known (distribution-spec 1.1,
 * "Pushing a blob in chunks"). An upload is a file below uploads/ of the layout, found by its name alone, so that it
 * survives a restart; who may name it is the caller's to know. Hard rule: what is below uploads/ is no blob and is
 * never read as one; only blob_upload_finish, which has hashed every byte, makes it one. */
#pragma once

#include "store/blobs.h"
#include "util/digest512.h"

#define UPLOAD_NAME_MAX 96U

struct blob_upload;

/* Begins an upload, or opens one that is there. `name` is [0-9a-f-]{1,UPLOAD_NAME_MAX}. NULL: ERR_NOTFOUND (open),
 * ERR_USAGE, ERR_IO, ERR_NOSPACE. One thread at a time uses it. */
struct blob_upload *blob_upload_new(struct blobs *b, const char *name, struct err *e);
struct blob_upload *blob_upload_open(struct blobs *b, const char *name, struct err *e);
void blob_upload_close(struct blob_upload *u); /* keeps the file; NULL is fine */

uint64_t blob_upload_size(const struct blob_upload *u); /* bytes so far */
int blob_upload_add(struct blob_upload *u, struct span bytes, struct err *e);
/* Takes the bytes from `size` on back. */
int blob_upload_cut(struct blob_upload *u, uint64_t size, struct err *e);

/* Hashes what was not hashed on the way, and publishes it as a blob: ERR_INPUT when it is not `expected` or not
 * `expected512` (either may be NULL); then nothing is published. The upload is gone either way, except after ERR_IO and
 * ERR_NOSPACE; ERR_NOTFOUND: it expired meanwhile. The caller still closes. */
int blob_upload_finish(struct blob_upload *u, const struct digest *expected, const struct digest512 *expected512,
                       struct digest *id, struct err *e);
int blob_upload_remove(struct blob_upload *u, struct err *e); /* the caller still closes */

/* Bytes of all uploads whose name contains `mark`, as they lie there now. */
int blob_uploads_bytes(struct blobs *b, const char *mark, uint64_t *bytes, struct err *e);

/* Removes uploads that nothing was added to since `before_s` (seconds since 1970). *removed (may be NULL) counts. */
int blob_uploads_expire(struct blobs *b, int64_t before_s, unsigned *removed, struct err *e);
