/* Private parts of a session: what it gathers, and how it is judged. */
#pragma once

#include "silence/event.h"
#include "silence/silence.h"

/* What the canary must have made each recorder say. */
enum {
    SEEN_TCP4 = 1,
    SEEN_TCP6 = 2,
    SEEN_SENDTO = 4,
    SEEN_SENDMSG = 8,
    SEEN_SENDMMSG = 16,
    SEEN_SOCKET = 32,
    SEEN_CALLS = 63,
    SEEN_DNS_UDP = 64,
    SEEN_DNS_TCP = 128,
    SEEN_NAMES = SEEN_DNS_UDP | SEEN_DNS_TCP,
};

/* One run of the canary, and what came of it. */
struct canary_run {
    char nonce[24];
    bool made;        /* it ran to its end */
    int missing;      /* CANARY_* */
    unsigned seen;    /* SEEN_* */
    uint64_t packets; /* what the witness counted meanwhile */
    bool counted;     /* the witness could be read */
};

/* The bit of a canary's event, or 0 when it is none of its. */
unsigned canary_bit(const struct canary_run *c, const struct silence_event *event);
/* Bits and packets that a run which made all its attempts must show. */
unsigned canary_wanted(const struct canary_run *c);
uint64_t canary_packets(const struct canary_run *c);

/* Everything that the verdict looks at. */
struct silence_facts {
    struct canary_run before, after;
    bool recorder_died, stub_died, box_died;
    bool witness_read;
    char blind[256]; /* a call that the recorder could not look at; "" none */
};

/* Adds an attempt, or counts it to one that is the same. */
void silence_add(struct silence_result *r, const struct silence_event *event, const char *phase, int64_t at_ms);

/* Fills recorders, verdict and reason out of the facts, the attempts and the witness. Pure. */
void silence_judge(struct silence_result *r, const struct silence_facts *f);
