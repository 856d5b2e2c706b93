/* A contour's ledger in a directory of the test's own. */
#pragma once

#include "scratch.h"

#include "ledger/ledger.h"

struct fixture {
    struct scratch scratch; /* first: scratch_flip takes it */
    struct db *db;
    struct private_key *key;
    struct ledger *ledger;
    struct buf vkey;
};

#define FIXTURE_ORIGIN "airlock/demo/0123"

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Appends `count` entries in one transaction; does not publish. */
void fixture_append(struct fixture *f, unsigned count);
void fixture_publish(struct fixture *f);

/* ledger_verify of ledger/; *report is emptied first. */
int fixture_verify(struct fixture *f, struct buf *report);

/* docs/formats/examples/NAME; a newline at its end is the editor's. */
void fixture_example(const char *name, struct buf *out);
