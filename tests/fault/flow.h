/* What receive and promote do to the disk, without shipments and people: blobs into a quarantine, rows and their ledger
 * entry in one transaction, publishing, admission by link, a pointer, enough entries to fill a tile, access records.
 * Each step looks first at what is there, so that the flow can be run again after any interruption. */
#pragma once

#include "trust/key.h"

/* Written by the process that runs the flow, read by the one that checks after its death. */
struct flow_progress {
    unsigned made;      /* folder, store and database are there */
    unsigned received;  /* the transaction of receiving has returned */
    unsigned admitted;  /* so has that of admission */
    unsigned entries;   /* ledger entries whose commit has returned */
    unsigned published; /* entries that a publish has returned for */
    unsigned accesses;  /* access records whose log was closed */
};

/* Runs what is left to do in directory `dir`. */
int flow_run(int dir, const struct private_key *key, struct flow_progress *done, struct err *e);

/* Nothing half, nothing acknowledged that is not there. `whole`: the flow is through, so all must be there. On failure
 * *e says what is wrong. */
int flow_check(int dir, const struct private_key *key, const struct flow_progress *done, bool whole, struct err *e);
