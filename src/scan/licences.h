/* Licences of a release's parts, out of what readers said in the replies of its scan. */
#pragma once

#include "scan/inventory.h"

/* The licence of the model: what the release declares, the model's own file and its card say, and the licence text that
 * lies in the release. False: unknown. *differs: they say more than the release declares. */
bool scan_model_licence(const struct release *release, const struct scan_report *r, struct buf *out, bool *differs);

/* Remarks "licence-unknown" and "licence-differs" on the rows of packages and of the model. */
void scan_licences(const struct release *release, struct scan_report *out);

/* One remark for the packages inside of the image. */
void scan_image_licences(const struct scan_inventory *v, struct scan_report *out, struct scan_file *row);
