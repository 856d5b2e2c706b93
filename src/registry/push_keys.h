/* The keys with which stations that this contour trusts sign what they say about releases. */
#pragma once

#include "site/site.h"

#define STATION_KEYS_MAX 64U

struct station_key {
    struct public_key *key; /* owned */
    char station[65];       /* its name */
    char root[65];          /* fingerprint of its root, hex */
};

struct station_keys_known {
    struct station_key keys[STATION_KEYS_MAX];
    size_t count;
};

/* In order of the receipts, each key once. */
int station_keys_known(struct site *s, struct child *parser, struct station_keys_known *out, struct err *e);
void station_keys_known_fini(struct station_keys_known *k);
