/* Container images for the inventory: the layers of one image over each other, each read by a helper; several images of
 * one file beside each other. */
#pragma once

#include "scan/inventory_model.h"

/* "images" as parse/image.h gives them; the layers lie in `fd`. */
int inventory_image_tar(struct scan_inventory *v, int fd, const json_t *images, struct err *e);

/* Is the folder an OCI image layout (oci-layout, index.json, blobs)? */
bool inventory_is_layout(int dir);

/* All its images; every blob that is read has the SHA-256 that it is named by, or there is a finding. */
int inventory_image_layout(struct scan_inventory *v, int dir, struct err *e);
