/* Rows about collections: what `airlock collect` put into a station's store. See db.h for the rules; the truth is the
 * collection's manifest and its packages document (docs/formats/collection.md), both blobs. */
#pragma once

#include "store/db.h"

struct collection_row {
    const char *name;
    struct digest digest; /* of the manifest */
    int64_t time_s;       /* when it was collected, or collected again with the same outcome */
};

/* Adds it; the very same once more is the newest again. */
int db_collection_add(struct db *db, const struct collection_row *row, struct err *e);

/* A blob of a collection: manifest, packages document, package file, evidence, the record and its attachment. Again is
 * fine. */
int db_collection_blob_add(struct db *db, const struct digest *collection, const struct digest *id,
                           const char *media_type, uint64_t size, struct err *e);

/* The newest of this name, or the one with this digest. ERR_NOTFOUND. */
int db_collection_newest(struct db *db, const char *name, struct digest *digest, struct err *e);
int db_collection_find(struct db *db, const char *name, const struct digest *digest, int64_t *time_s, struct err *e);

/* By name, the newest first. Stops at a non-zero return, which is returned. */
int db_collection_each(struct db *db, int (*each)(void *arg, const struct collection_row *row), void *arg,
                       struct err *e);
