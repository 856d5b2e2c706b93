/* The relay: one thread that carries all requests to engines over their unix sockets (libcurl multi on epoll). Hard
 * rule: it never waits for anybody; whoever is slow is paused. */
#pragma once

#include <stdint.h>

#include "sandbox/door.h"
#include "util/err.h"
#include "util/span.h"

struct relay;
struct exchange; /* one request in flight */

/* Called on the relay's thread. */
struct exchange_hooks {
    /* A piece of the answer's body, whose status is `status`. 0: taken. 1: not now, offer it again after
     * exchange_signal (nothing was taken). -1: no more, end it. */
    int (*bytes)(void *arg, unsigned status, struct span piece);
    /* exchange_signal was called. Returns -1 to end it. 0: goes on, and a paused piece is offered again. */
    int (*signal)(void *arg);
    /* The last call: the whole answer is there (e NULL), or why not: ERR_BUSY (the engine does not answer its socket:
     * nothing was sent), ERR_DENIED (its socket is not its own, door_connect: nothing was sent), ERR_IO (lost in the
     * middle), ERR_NONE (ended by a hook's -1). The exchange is gone after it.
     */
    void (*done)(void *arg, unsigned status, int64_t spent_ns /* by the engine and its socket */, const struct err *e);
    void *arg;
};

struct relay *relay_start(struct err *e);
/* Ends what is in flight (done is called with ERR_IO), and the thread. */
void relay_stop(struct relay *r);

/* A request to come: POST `path` with a JSON body; `door` and body are borrowed until done. It may be signalled from
 * now on. */
struct exchange *exchange_new(struct relay *r, struct door *door, const char *path, struct span body,
                              const struct exchange_hooks *hooks);

/* Begins it. Any thread. The exchange must not be touched after this by whoever is not called by a hook. */
void exchange_post(struct exchange *x);

/* Any thread, also from hooks of http; not after done. */
void exchange_signal(struct exchange *x);
