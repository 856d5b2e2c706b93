/* What the files of this folder share. */
#pragma once

#include "ledger/ledger.h"
#include "ledger/note.h"
#include "ledger/tiles.h"

#define LEDGER_DIR        "ledger"
#define LEDGER_CHECKPOINT "checkpoint"

struct ledger {
    int dir;       /* the contour's folder */
    int folder;    /* ledger/ below it; -1 until it is needed, or made by the first publish */
    struct db *db; /* borrowed */
    char origin[NOTE_NAME_SIZE];
    const struct private_key *key; /* borrowed; NULL: nothing is published */
    struct merkle tree;            /* what the published files hold, when tree_known */
    bool tree_known;
};

/* Opens ledger/. ERR_NOTFOUND: nothing was published yet. */
int ledger_folder(struct ledger *l, struct err *e);

/* Reads and parses ledger/checkpoint. ERR_NOTFOUND: nothing was published yet. */
int ledger_checkpoint(struct ledger *l, struct buf *note, struct checkpoint *out, struct err *e);
