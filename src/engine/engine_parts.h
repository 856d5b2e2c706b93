/* What an engine is made of. For the files engine*.c alone. */
#pragma once

#include "engine/engine.h"
#include "engine/log.h"

#define ENGINES_DIR       "run/engines"
#define ENGINE_ID_SIZE    128U
#define ENGINE_FAILED_LOG "failed.log" /* of the last start that failed, in ENGINES_DIR */

struct engine {
    char id[ENGINE_ID_SIZE];
    char *name, *version, *env; /* owned */
    struct digest release;
    struct prompts prompts;

    int engines;       /* run/engines */
    int dir;           /* run/engines/<id> */
    int run_dir;       /* run/engines/<id>/run, which is /run/airlock inside */
    int lock;          /* held as long as the engine lives: whose folder is not locked is a leftover */
    struct door *door; /* owned; NULL until there is a box */

    struct engine_log *log;
    struct box *box; /* owned, unless there is a session */
    struct silence *silence;
    bool ready;
    int64_t verify_ms, cold_start_ms;
};

/* Makes the folder and the socket's place; sets id, engines, dir, run_dir, lock. */
int engine_folder_make(struct engine *g, struct site *s, struct err *e);

/* Takes the folder away; `failed`: its log is kept as ENGINE_FAILED_LOG. */
void engine_folder_remove(struct engine *g, bool failed);

/* Takes away the folders of engines that live no more. */
void engine_folders_tidy(struct site *s);

/* The first half of engine_stop: the program is ended and the ledger told; memory, socket path and prompts stay for
 * those who still hold them, until engine_free. */
void engine_halt(struct engine *g, struct site *s, int grace_ms, const char *why);

/* Frees all that is in g and g itself: box, log, folder. */
void engine_free(struct engine *g, bool failed);

/* One sentence about how the program ended, with the last lines of its log. */
void engine_how_ended(struct engine *g, struct buf *out);

/* The ledger entries. engine_record_start: ERR_DENIED when the clock is below the floor; nothing was written then. */
int engine_record_start(struct engine *g, struct site *s, const struct verdict *v, struct err *e);
void engine_record_stop(struct engine *g, struct site *s, const char *why);
