/* Making the folder of one image. For image.c alone. */
#pragma once

#include "engine/image.h"

/* Unpacks every layer of r's engine into the empty directory `dir` (rootfs/ and tree.json appear there), durably. Each
 * blob is hashed first; each layer's uncompressed digest is held against the image configuration's diff_ids. */
int image_unpack(struct site *s, const struct release *r, int dir, const struct verify_watch *watch, struct err *e);
