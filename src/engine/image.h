/* The engine image of a release on disk: run/images/<hex of the image manifest>/ with rootfs/ and tree.json, unpacked
 * once per digest in the unpack role, checked at every start. The contour signs, once, which tree list came out of the
 * verified layers (evidence urn:airlock:tree:v1 on the image manifest, ledger entry "unpack"); every start verifies
 * that signature, the list under it and every file under the list (docs/decisions/0003-unpacked-trees.md). Hard rule:
 * what lies in run/ decides nothing; a tree without a signed list is thrown away, one that differs from it is not run.
 */
#pragma once

#include "engine/verify.h"
#include "ship/release.h"
#include "site/site.h"

#define PREDICATE_TREE "urn:airlock:tree:v1"

/* Unpacks if need be, checks, and opens the root: a directory descriptor for struct box_spec.root that the caller
 * closes. Waits while another process unpacks the same image. -1: ERR_INPUT, ERR_LIMIT (a layer is refused),
 * ERR_DENIED (the tree is not the one that was unpacked: path, found, wanted), ERR_NOTFOUND (a blob), ERR_NOSPACE,
 * ERR_IO, ERR_BUSY. *bytes is the size of the tree's files. */
int image_open(struct site *s, const struct release *r, const struct verify_watch *watch, uint64_t *bytes,
               struct err *e);
