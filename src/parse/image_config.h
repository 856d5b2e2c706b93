/* The configuration of a container image (OCI image-spec, config.md; Docker's own is the same): who it runs as, which
 * ports it opens, which variables it sets, how it was built. Hard rule: what ordinary images of Debian and Python have
 * is a remark; what opens a way in, or carries a credential, blocks. */
#pragma once

#include "parse/report.h"

#define LIMIT_IMAGE_CONFIG_BYTES (4U << 20) /* the size that runtimes take */

/* Has this text the members that only such a document has ("rootfs" with "diff_ids")? A quick look, no parse. */
bool image_config_is(struct span file);

/* Rules: image-user, image-port, image-variable, image-healthcheck, image-fetch, image-shell, image-volume,
 * image-trigger, image-config (is no JSON). Members of one document of either specification; others are passed over. */
void image_config_check(struct span file, struct report *r);
