/* The gateway's source over a real contour: engines of the supervisor, the contour's access log. */
#pragma once

#include "engine/supervisor.h"
#include "gateway/gateway.h"
#include "ledger/access.h"

struct site_source {
    struct callers *callers;
    struct supervisor *supervisor;
    struct access_log *access;
};

/* Borrows *s, and what is in it, until the gateway is stopped. */
struct gateway_source site_source(struct site_source *s);
