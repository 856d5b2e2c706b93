/* What we ask an engine ourselves, over its unix socket: is it there, and does it answer the release's warm-up prompts?
 * The gateway's requests go another way. Hard rule: every question ends, by its time or when `give_up` says so. */
#pragma once

#include "sandbox/door.h"
#include "ship/prompts.h"

struct ask {
    struct door *door;
    const char *model;          /* name in requests */
    int64_t until_ms;           /* clock_mono_ms */
    bool (*give_up)(void *arg); /* asked several times a second; may be NULL */
    void *arg;
};

/* GET /health. 1: there is an engine and it says that it is ready, or does not know the question (404); 0: not yet
 * (nobody listens, or 503); -1: what lies at the socket is not the engine's, or cannot be told (door_connect). */
int ask_health(const struct ask *a, struct err *e);

/* One warm-up prompt as the gateway would send it, cut to few tokens. 1: answered; 0: not yet (503, nobody listens);
 * -1: of door_connect; ERR_INPUT, it answers with something else (status, beginning of its text); ERR_UNDECIDED, out of
 * time; ERR_BUSY, given up. */
int ask_warmup(const struct ask *a, const struct prompts *p, const char *text, struct err *e);
