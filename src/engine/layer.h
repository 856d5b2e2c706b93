/* One layer of an OCI image (image-spec 1.1, layer.md) laid over what the layers below it have left: on disk below
 * `root`, and in the tree beside it. Hostile bytes: this runs in the unpack role. Hard rule: what is not a directory, a
 * plain file, a symbolic link, a hard link to a file of the image or a whiteout is refused, and so is every path that
 * does not stay below the root by itself. A layer that is refused leaves a tree that must be thrown away. */
#pragma once

#include "engine/tree.h"

struct layer {
    struct span blob;       /* as stored */
    const char *media_type; /* of its descriptor: says the compression */
    unsigned number;        /* from 1, bottom first */
};

/* Lays it over. *diff_id is the digest of the uncompressed bytes (config.md, "diff_ids"). ERR_INPUT: which path, what
 * is wrong with it; ERR_LIMIT; ERR_IO, ERR_NOSPACE. Not safe from two threads. */
int layer_apply(struct tree *t, int root, const struct layer *layer, struct digest *diff_id, struct err *e);

/* Gives the directories their modes, which they cannot have while things are still put into them. */
int layer_finish(const struct tree *t, int root, struct err *e);

/* The tar stream of a layer: decompressed, counted and hashed on its way to the reader of its entries. */
struct archive;
struct layer_stream;
struct layer_stream *layer_stream_open(const struct layer *layer, struct err *e);
struct archive *layer_stream_tar(struct layer_stream *s);

/* Why reading failed: the stream's own reason, or what libarchive says. Returns -1. */
int layer_stream_error(struct layer_stream *s, struct err *e);

/* Reads what follows the last entry, which must be zeros, and gives the digest of all. */
int layer_stream_end(struct layer_stream *s, struct digest *diff_id, struct err *e);
void layer_stream_free(struct layer_stream *s);
