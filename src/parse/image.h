/* A container image in one tar: of `docker save` (manifest.json names configuration and layers of each image) or an OCI
 * image layout (index.json leads to manifests by digest; image-spec, image-layout.md). Hard rule: a layer is where the
 * documents say, with the digest that they say, or there is a finding; nothing else in the tar is taken for a layer. */
#pragma once

#include "parse/report.h"

#define LIMIT_IMAGE_MEMBERS 100000U
#define LIMIT_IMAGES        256U  /* in one tar */
#define LIMIT_IMAGE_LAYERS  1024U /* of one image; overlayfs takes 500 */

/* Facts "images": [{"name", "config"?: HEX, "layers": [{"path", "offset", "size", "digest": HEX}]}], where a layer's
 * bytes lie as they are in `file`, and digest is the SHA-256 of those bytes. False, and no facts: the tar holds no
 * image. */
bool image_read(struct span file, struct report *r);
