/* Unpacking an engine image: the work of role "unpack", which may write below one directory and do nothing else. That
 * directory gets `rootfs` and, at the end, TREE_FILE beside it. */
#pragma once

#include "sandbox/child.h"

#define TREE_FILE_NAME "tree.json"
#define ROOT_DIR_NAME  "rootfs"

/* What the role can be asked, in this order:
 *   "layer"   file: the layer's blob; arg {"number": 1…, "media_type": …}; reply {"diff_id": "sha256:…"}
 *   "finish"  arg: "sha256:…" of the image's manifest; writes TREE_FILE_NAME; reply {"entries": N, "bytes": N}
 * One helper unpacks one image. ERR_UNDECIDED when it was replaced in the middle (child.h): begin again. */
extern const struct child_op UNPACK_OPS[];
extern const size_t UNPACK_OPS_COUNT;

/* The role's main function: argv --role unpack. Returns the exit status. */
int unpack_main(int sock);

/* For tests that run the operations in their own process. */
void unpack_use_dir(int dir);
void unpack_reset(void);
