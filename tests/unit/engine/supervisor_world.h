/* The world of test_supervisor.c, in which engines, gate, database and site are made of nothing. */
#pragma once

#include "engine/supervisor_parts.h"

#define RELEASES 4

struct world {
    pthread_mutex_t lock;
    int64_t version;
    int previous;                    /* what stood there before; -1: nothing */
    int wanted;                      /* number of a release; the pointer of prod/assistant */
    int start_ms[RELEASES];          /* how long its start takes */
    enum err_code problem[RELEASES]; /* of its start */
    int crash;                       /* the engine of this release ends now; -1: none */
    int foreign;                     /* the engine of this release has offered another's socket; -1: none */
    bool denied[RELEASES];           /* by the gate, at the way back */
    bool unwaived[RELEASES];         /* what was found against it is not waived any more */
    bool end_stops;                  /* and by the policy it ends then */
    int starts[RELEASES], gates;
    int alive, halted;
    bool keep_standby;
    uint64_t model_bytes; /* of every release */
    char home[64];
};
extern struct world world;

struct fake_engine {
    struct engine base;
    int number;
    char door[16];
};

void locked(void (*change)(int), int value); /* change(value), under the lock */
int number_of(const struct digest *d);       /* of a release */
struct digest digest_number(int n);          /* the digest that says so */
