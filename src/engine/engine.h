/* An engine: the program of a release, running in a box, answering on a unix socket. Starting one is one way with no
 * short cut: deploy gate (every signature again) → engine image unpacked and every file of it hashed through the
 * directory that becomes the root → model hashed through the descriptor that is mounted → box → socket answers →
 * warm-up prompts answered. Hard rule: nothing runs whose bytes were not hashed at this start, and nothing is ready
 * before it has answered the release's own warm-up prompts. */
#pragma once

#include <stdatomic.h>

#include "gate/verdict.h"
#include "sandbox/door.h"
#include "ship/prompts.h"
#include "ship/release.h"
#include "silence/silence.h"
#include "site/site.h"

struct engine;

/* Where the box finds things; {socket} and {model} of a release's command become these. */
#define ENGINE_RUN_DIR     "/run/airlock"
#define ENGINE_SOCKET_NAME "engine.sock"
#define ENGINE_SOCKET      ENGINE_RUN_DIR "/" ENGINE_SOCKET_NAME
#define ENGINE_MODELS      "/models"

/* A model of 100 GB from a slow disk takes minutes; a program that has not answered in this time will not. */
#define ENGINE_START_MS (15 * 60 * 1000)

/* An engine takes every processor that it is told to use. What answers for it, and takes it back, must still get its
 * turn: `serve` runs engines this much nicer than itself (setpriority(2)). */
#define ENGINE_NICE 5

/* Requests get this long to end after SIGTERM, before SIGKILL. */
#define ENGINE_GRACE_MS 10000

struct engine_options {
    bool observe;              /* a silence test: the box reports every attempt to leave, see engine_silence */
    int start_ms;              /* until the warm-up prompts are answered; 0: ENGINE_START_MS */
    int nice;                  /* added to the calling thread's priority value before the program is started; the
                                * thread keeps it. 0: the engine runs as the caller does */
    const atomic_bool *cancel; /* set by another thread: give up (ERR_BUSY); may be NULL */
    /* Told what happens: "gate", "unpack", "hash", "load", "warm-up"; may be NULL. `done` and `total` in bytes, or 0.
     */
    void (*progress)(void *arg, const char *step, uint64_t done, uint64_t total);
    void *arg;
};

/* Starts the release `r` for environment `env`; its bytes are in s->blobs. `o` may be NULL. Writes the ledger entry
 * "engine-started". Takes seconds to minutes; safe from any thread, one site handle a thread; `s` and `r` are not
 * needed any more after it. -1: ERR_DENIED (a gate's reasons; the image's or the model's bytes are not those of the
 * release), ERR_INPUT (the image cannot be unpacked, the command cannot be run, the program ended: with the last lines
 * of its log), ERR_UNDECIDED (it did not answer in time), ERR_SYSTEM (this host has no boxes), ERR_BUSY (cancelled).
 *
 * observe: phases "start" and "warm-up" are told to the session. A program that ended early or did not answer is no
 * error here: engine_ready is then false, the session knows it (silence_exercise), and engine_silence_end says who
 * tried to leave. */
int engine_start(struct site *s, const struct release *r, const char *env, const struct engine_options *o,
                 struct engine **out, struct err *e);

/* Ends it: SIGTERM, at most grace_ms, SIGKILL; then box, socket and folder are gone. `s` may be NULL: no ledger entry
 * "engine-stopped" is written. `why` is one word or sentence for that entry. Frees. NULL is fine. */
void engine_stop(struct engine *g, struct site *s, int grace_ms, const char *why);

/* observe: the session (phases and exercises are the caller's), and its end, which also stops the engine and frees it.
 * 0: *out holds the verdict. */
struct silence *engine_silence(struct engine *g);
int engine_silence_end(struct engine *g, struct site *s, int grace_ms, struct silence_result *out, struct err *e);

/* All of these are set once, at the start, and may be read from any thread until the engine is stopped. */
struct door *engine_door(const struct engine *g); /* the one way to its socket; lives as long as the engine */
const char *engine_id(const struct engine *g);    /* the folder below run/engines/ */
const struct digest *engine_release(const struct engine *g);
const struct prompts *engine_prompts(const struct engine *g);
const char *engine_limits(const struct engine *g);    /* box->limits */
bool engine_ready(const struct engine *g);            /* warm-up prompts were answered */
int64_t engine_cold_start_ms(const struct engine *g); /* from the program's start until it was ready */
int64_t engine_verify_ms(const struct engine *g);     /* gate, unpacking and hashing before that */
int engine_watch_fd(const struct engine *g);          /* readable when the program has ended; borrowed */

/* 1: the program has ended, and *how says so in one sentence with the last lines of its log; 0: it runs; -1: it must
 * not be asked any more: ERR_DENIED, it offered a socket that is not its own (door_broken); ERR_IO, its keeper is gone.
 * For the one thread that owns the engine. */
int engine_ended(struct engine *g, struct buf *how, struct err *e);

/* The cold start that was last measured for this release, from the database. ERR_NOTFOUND: never started here. */
int engine_cold_start_known(struct site *s, const struct digest *release, int64_t *ms, struct err *e);
