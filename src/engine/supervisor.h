/* The supervisor of `serve`: keeps the releases running that the pointers of the configured environments name. A thread
 * of its own watches the database; a pointer that moved starts the new engine beside the old one and switches, by one
 * pointer, when it is ready; a release that is still loaded (standby) is switched to at once, after its signatures were
 * looked at again. Hard rule: whoever has taken an engine keeps it until it gives it back; a start that fails leaves
 * the running one answering. */
#pragma once

#include "engine/engine.h"

struct supervisor;

/* Opens the contour at `home` with a handle of its own, starts the thread, returns at once: engines come up while it
 * runs. ERR_BUSY: another `serve` runs here. */
struct supervisor *supervisor_start(const char *home, struct err *e);

/* Ends every engine (requests in flight get ENGINE_GRACE_MS) and the thread. All refs must have been given back, or be
 * given back soon by threads that still run. NULL is fine. */
void supervisor_stop(struct supervisor *v);

/* A loaded engine, held. Constant until given back. */
struct engine_ref {
    struct digest release;
    char release_digest[DIGEST_TEXT_SIZE]; /* "sha256:…" */
    const char *name, *version;            /* "assistant", "v1.0.0" */
    struct door *door;                     /* engine_door */
    const struct prompts *prompts;
    int64_t created_s; /* when it was switched to */
};

/* The engine that answers for release name `name` in environment `env` now. Safe from any thread, never waits. NULL:
 * ERR_NOTFOUND (no such name there), ERR_BUSY (it is starting: try again), ERR_UNDECIDED (it failed: why). */
struct engine_ref *supervisor_take(struct supervisor *v, const char *env, const char *name, struct err *e);
void supervisor_give(struct engine_ref *ref); /* NULL is fine */

/* What can be asked for in `env` now: calls each with every release that answers. A non-zero return stops and is
 * returned. The ref is valid inside the call only. */
int supervisor_each(struct supervisor *v, const char *env, int (*each)(void *arg, const struct engine_ref *ref),
                    void *arg);

/* Does every pointer of the environments that are served have an engine that answers? /readyz asks this; *waiting
 * counts those that have none. */
bool supervisor_ready(struct supervisor *v, size_t *waiting);

/* The state of every engine as members of an open object: "engines": [{environment, name, release, version, state,
 * since, cold_start_ms, standby, error}] (docs/formats/engines.schema.json). The same stands in run/engines.json. */
void supervisor_json(struct supervisor *v, struct json_out *w);

/* Tells the supervisor to look now rather than at its next tick. */
void supervisor_wake(struct supervisor *v);
