/* Server-sent events (WHATWG HTML, section 9.2), as inference engines write them: taken apart from pieces that end
 * anywhere. Pure but for its own memory. */
#pragma once

#include "util/buf.h"

/* One event and one piece of the relay (16 KiB) are less than half the ring of a stream. */
#define SSE_EVENT_MAX 65536U

struct sse {
    struct buf line, data;
    bool has_data, after_cr;
};

void sse_init(struct sse *s);
void sse_fini(struct sse *s);

/* Feeds a piece; calls `event` with the data of each event that is complete (comments and other fields are left out).
 * Its non-zero return stops and is returned. -1: ERR_LIMIT, an event over SSE_EVENT_MAX. */
int sse_feed(struct sse *s, struct span piece, int (*event)(void *arg, struct span data), void *arg, struct err *e);
