/* Upstreams as places: a host and a port that collect.yaml names, and the loopback address under which a client in its
 * box finds it. Hard rule: what is not in the list does not exist for a client. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/box.h"
#include "util/buf.h"

#define PLACE_HOST_MAX 254 /* with the NUL */

/* http:// or https://, host, port, path (RFC 3986): no user, no query, no fragment, no escape in the host. */
struct url {
    bool tls;
    char host[PLACE_HOST_MAX];
    uint16_t port;
    const char *path; /* borrowed: begins with a slash, or is "" */
};

/* ERR_INPUT says what is wrong with it. */
int url_read(const char *text, struct url *out, struct err *e);

struct place {
    char host[PLACE_HOST_MAX];
    uint16_t port;
    bool tls;
    char address[16]; /* inside: 127.83.0.N; of localhost and of addresses of 127.0.0.0/8, what they say */
};

struct places {
    struct place list[BOX_LISTEN_MAX];
    size_t count;
};

/* Adds where a URL leads, once. ERR_LIMIT: too many; ERR_INPUT: an address that a box cannot have (give it a name). */
int places_add(struct places *p, const struct url *u, struct err *e);
int places_add_text(struct places *p, const char *text, struct err *e);

/* /etc/hosts inside. */
void places_hosts(const struct places *p, struct buf *out);

/* "pypi.example:443, files.example:443" */
void places_names(const struct places *p, struct buf *out);
