/* What `airlock status` says about this moment: does serve run, which engines answer, is the policy in force. */
#pragma once

#include "cli/serve.h"

struct status_now {
    uint64_t disk_free, disk_reserve; /* bytes; below the reserve nothing is taken in */
    bool serves;
    struct serve_found serve; /* when it serves */
    json_t *engines;          /* owned: the list of run/engines.json; NULL when no serve runs, or it wrote none yet */
    char policy[ERR_MSG_MAX]; /* why policy.yaml is not in force; "" when it is */
};

int status_now_look(struct site *s, struct status_now *out, struct err *e);
void status_now_fini(struct status_now *n);

void status_now_print_head(const struct status_now *n);
void status_now_print(const struct site *s, const struct status_now *n); /* the engines */

/* Members "serve", "policy" and "engines" of an open object. */
void status_now_put(struct json_out *j, const struct status_now *n);
