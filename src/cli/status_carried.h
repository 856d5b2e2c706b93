/* What `airlock status` says of what shipments brought besides releases: the policy that waits for two people, and how
 * old the advisories in force are. */
#pragma once

#include "site/site.h"

struct status_carried {
    json_t *waits; /* owned: {"policy", "shipment", "station", "issued", "received"}; NULL: none does */
    json_t
        *advisories; /* owned: {"digest", "date", "oldest", "records", "issued", "imported", "shipment"?}; NULL: none */
    char problem[ERR_MSG_MAX]; /* what does not hold of either; "" */
};

/* What does not hold is told, and is no failure of `status`. */
void status_carried_look(struct site *s, struct status_carried *out);
void status_carried_fini(struct status_carried *c);

void status_carried_print(const struct site *s, const struct status_carried *c);
/* Members "policy_waits" and "advisories": objects, or null. */
void status_carried_put(struct json_out *j, const struct status_carried *c);
