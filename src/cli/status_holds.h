/* What `airlock status` says of things that lie or wait: what was pushed and nobody judged, and which addresses are
 * locked because wrong tokens came from them. */
#pragma once

#include "cli/serve.h"

struct status_holds {
    json_t *pushed; /* owned: {"quota_bytes", "unfinished_bytes", "repositories": […]} */
    json_t *locks;  /* owned: [{"address", "failures", "until"}] */
};

/* `serves` NULL: none runs, and so no address is locked. */
int status_holds_look(struct site *s, const struct serve_found *serves, struct status_holds *out, struct err *e);
void status_holds_fini(struct status_holds *h);

void status_holds_print(const struct status_holds *h);
void status_holds_put(struct json_out *j, const struct status_holds *h); /* members "pushed" and "locks" */
