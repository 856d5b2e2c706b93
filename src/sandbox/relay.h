/* A relay: how a program in a box reaches the places that somebody named, and no other. The box has sockets that listen
 * on its own loopback (box.h, listens); the relay accepts there, opens a connection of its own to the place outside, by
 * name, and passes bytes both ways. Nothing is interpreted: TLS stays between the two ends. Every connection is
 * recorded. Hard rule: where a connection leads is decided by the socket that accepted it, and by nothing that the
 * program says.
 *
 * Where the environment names a proxy (http_proxy, https_proxy, all_proxy, no_proxy, as curl reads them), it is asked
 * to CONNECT. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct relay_place {
    int listener;     /* borrowed until box_relay_stop */
    const char *host; /* name or address outside; borrowed until box_relay_stop */
    uint16_t port;
    bool tls; /* what is spoken there; only for the choice of a proxy */
};

struct relay_limits {
    uint64_t bytes; /* that may arrive, all connections together; 0: any number */
    int idle_ms;    /* a connection on which nothing moves for so long is cut; 0: 60 s */
};

/* One connection. Times are on the clock of clock_mono_ms, moved so that box_relay_start is 0. */
struct relay_connection {
    size_t place;
    uint64_t sent, received; /* bytes, to the place and from it */
    int64_t begin_ms, end_ms;
    char why[256]; /* it was not made, or was cut: why; else "" */
};

#define RELAY_CONNECTIONS_MAX 10000 /* that are remembered one by one */

struct relay_record {
    struct relay_connection *list; /* owned; in order of begin */
    size_t count;
    uint64_t dropped; /* connections beyond RELAY_CONNECTIONS_MAX, which were refused */
    bool over_limit;  /* the byte limit was reached, and everything cut */
};
void box_relay_record_fini(struct relay_record *r);
#define auto_relay_record AUTO(box_relay_record_fini) struct relay_record

struct box_relay;

/* Starts passing on, in threads of its own. ERR_SYSTEM. */
int box_relay_start(const struct relay_place *places, size_t count, const struct relay_limits *limits,
                    struct box_relay **out, struct err *e);

/* Was the byte limit reached? Nothing passes any more then. */
bool box_relay_is_over(struct box_relay *r);

/* Cuts what is open, ends the threads, hands over the record (may be NULL) and frees. NULL is fine. */
void box_relay_stop(struct box_relay *r, struct relay_record *out);
