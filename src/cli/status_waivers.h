/* What `airlock status` says of what runs out: waivers that have ended or end within the policy's `warn`, and the age
 * of the advisories in force against what the policy allows. */
#pragma once

#include "site/site.h"

struct status_waivers {
    json_t *list;       /* owned: {"release", "digest", "finding", "place", "environment", "until", "ended"} */
    json_t *advisories; /* owned: {"oldest", "age_days", "allowed_days", "too_old", "records", "least"}; NULL: none */
    char problem[ERR_MSG_MAX]; /* what could not be looked at; "" */
};

/* What cannot be looked at is told, and is no failure of `status`. Verifies the signatures of releases that have
 * waivers. */
void status_waivers_look(struct site *s, struct status_waivers *out);
void status_waivers_fini(struct status_waivers *w);

void status_waivers_print(const struct status_waivers *w);
/* Members "waivers" and "advisories_age" (an object, or null). */
void status_waivers_put(struct json_out *j, const struct status_waivers *w);
