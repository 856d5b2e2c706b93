/* The tree of an engine image, in memory: what the layers say must lie below the root, and no byte of it more. It is
 * built by the unpacker, written as the image's tree list (docs/formats/tree.schema.json), read again at every start
 * and held against the disk. Hard rule: one path has one entry, every name is one plain component, and nothing here
 * does I/O. */
#pragma once

#include "engine/limits.h"
#include "util/json.h"

enum tree_type { TREE_DIRECTORY, TREE_FILE, TREE_SYMLINK };

struct tree_node {
    char *name;               /* owned; "" for the root */
    struct tree_node *parent; /* NULL for the root */
    struct tree_node *child;  /* first of them, in no order until tree_sort */
    struct tree_node *next;   /* of the same directory */
    struct tree_node *chain;  /* of the same place in the index */
    enum tree_type type;
    unsigned mode;        /* permission bits, at most 0777 */
    uint64_t size;        /* file: bytes */
    struct digest digest; /* file: of its bytes */
    char *target;         /* symbolic link: owned */
    unsigned layer;       /* which layer brought it last, from 1; the unpacker's own */
    bool implied;         /* a directory that no layer has named */
};

struct tree {
    struct tree_node *root; /* owned */
    size_t count;           /* without the root */
    uint64_t bytes;
    struct tree_node **index;
    size_t index_size; /* a power of two */
};

void tree_init(struct tree *t);
void tree_fini(struct tree *t);
#define auto_tree AUTO(tree_fini) struct tree

/* One component that may stand in a tree: not empty, not "." or "..", at most IMAGE_NAME_MAX bytes, UTF-8 without
 * control characters, no "/". ERR_INPUT and ERR_LIMIT name `path`. */
int tree_name_check(struct span name, struct span path, struct err *e);

/* The child of that name, or NULL. */
struct tree_node *tree_find(const struct tree *t, const struct tree_node *dir, struct span name);

/* Follows a path of plain components ("usr/bin/env"); NULL when it is not there. */
struct tree_node *tree_lookup(const struct tree *t, struct span path);

/* Adds an entry that is not there. ERR_LIMIT when there are IMAGE_ENTRIES_MAX. */
struct tree_node *tree_add(struct tree *t, struct tree_node *dir, struct span name, enum tree_type type, struct err *e);

/* Takes an entry and everything below it away. */
void tree_drop(struct tree *t, struct tree_node *n);

/* The entry after n, directories before what is in them; NULL after the last. The root comes first. */
struct tree_node *tree_following(const struct tree_node *n);

/* The path of an entry without a leading "/", appended. */
void tree_path(const struct tree_node *n, struct buf *out);

/* Puts the children of every directory in the order of their names' bytes. */
void tree_sort(struct tree *t);

/* The list, sorted: `image` is the digest of the image's manifest. */
void tree_write(struct tree *t, const struct digest *image, struct buf *out);

/* What the contour signs about it: the predicate urn:airlock:tree:v1 (docs/formats/tree-statement.schema.json). */
struct tree_origin {
    struct digest list;          /* of the written list */
    const struct digest *layers; /* blobs, bottom first */
    size_t layer_count;
    int64_t time_s;
};
void tree_predicate(const struct tree *t, const struct tree_origin *from, struct buf *out);

/* Reads a list. ERR_INPUT, ERR_LIMIT: which entry, what is wrong. `image` must be the one that it names. */
int tree_read(struct span text, const struct digest *image, struct tree *out, struct err *e);
