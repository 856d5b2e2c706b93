/* The silence test: runs a program in a box that observes, and answers one question: did anything try to leave? Nothing
 * can leave such a box; the recorders (seccomp user-notify, DNS stub) say who tried and where to, the kernel's own
 * counters witness that the recorders missed nothing, and a canary, made to try before and after, proves each of them
 * awake. Hard rule: PASSED only when every recorder was awake from before the program's first instruction until after
 * its last; a recorder missing is INCONCLUSIVE, an attempt seen is FAILED. */
#pragma once

#include "gate/hardware.h"
#include "sandbox/box.h"
#include "util/json.h"

enum silence_verdict { SILENCE_PASSED, SILENCE_FAILED, SILENCE_INCONCLUSIVE };
const char *silence_verdict_name(enum silence_verdict v); /* "PASSED", … */

/* What was tried, repeats counted together. Texts are clean: control bytes and what is not UTF-8 are replaced. */
struct silence_attempt {
    char program[256]; /* path of the executable inside; "unknown" when nobody could tell */
    char command[256]; /* how it was called, cut; may be "" */
    pid_t pid;         /* on this host; of the first time */
    char phase[24];    /* start, warm-up, requests, idle, shutdown */
    char op[24];       /* resolve, connect, sendto, sendmsg, sendmmsg, socket, or the call's name; "unseen" */
    char proto[16];    /* dns, tcp, udp, unix, vsock, packet, … */
    char name[256];    /* of resolve: the name asked for; of unix: the path; else "" */
    char type[16];     /* of resolve: A, AAAA, TXT, … */
    char address[64];  /* "192.0.2.1", "2001:db8::1", or "" */
    unsigned port;     /* 0: none */
    uint64_t count;
    int64_t first_ms, last_ms; /* since the program was started */
};

struct silence_recorder {
    char name[24]; /* seccomp-notify, dns-stub, kernel-witness, canary-before, canary-after */
    bool awake;
    char detail[256]; /* what it counted, or why it does not count as awake */
};

#define SILENCE_ATTEMPTS_MAX 1000 /* different ones that are kept; more make `dropped` grow, which never passes */
#define SILENCE_RECORDERS    5

struct silence_result {
    enum silence_verdict verdict;
    char reason[512]; /* one sentence */
    struct silence_attempt *attempts;
    size_t count;
    uint64_t dropped;
    struct silence_recorder recorders[SILENCE_RECORDERS];
    uint64_t witness;  /* packets that the kernel had no route for, while the program ran */
    uint64_t recorded; /* attempts by IP that the recorder saw in the same time */
    bool as_root;
    int64_t started_s, run_ms;
    int status;         /* wait status of the program */
    char exercise[256]; /* what was asked of it, and did it answer; set by silence_exercise */
    bool exercise_failed;
};
void silence_result_fini(struct silence_result *r);
#define auto_silence_result AUTO(silence_result_fini) struct silence_result

struct silence;

/* Starts the box of `spec` (its observe and resolv_conf are set here), both recorders and the canary, then the program.
 * *box is the session's: use box_wait and look at it, free nothing. Safe in a program with threads. ERR_SYSTEM when
 * this host cannot do it. */
int silence_begin(const struct box_spec *spec, struct silence **out, struct box **box, struct err *e);

/* Names what happens now; attempts seen from here on carry it. */
void silence_phase(struct silence *s, const char *phase);

/* What was asked of the program in the middle, and whether it answered: a run in which it did not is never PASSED. */
void silence_exercise(struct silence *s, bool answered, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Stops the program (SIGTERM, grace_ms, SIGKILL) if it still runs, lets the canary try again, ends the recorders, and
 * judges. Frees the session, also when it fails (ERR_IO: there is no answer). */
int silence_end(struct silence *s, int grace_ms, struct silence_result *out, struct err *e);

/* Ends everything without an answer. NULL is fine. */
void silence_abort(struct silence *s);

/* Forms. The predicate urn:airlock:silence:v1 (docs/formats/silence.schema.json): what was seen of a release's engine,
 * on which hardware, where. */
struct silence_subject {
    const char *environment;
    const struct digest *engine; /* of the engine image's manifest */
    const struct hardware *hardware;
    int64_t now_s;
};
void silence_predicate(struct buf *out, const struct silence_result *r, const struct silence_subject *subject);

/* The same without its subject: members of an open object. */
void silence_json(struct json_out *w, const struct silence_result *r);
void silence_text(struct buf *out, const struct silence_result *r);
void silence_junit(struct buf *out, const struct silence_result *r, const char *what); /* JUnit XML */
void silence_sarif(struct buf *out, const struct silence_result *r, const char *what); /* SARIF 2.1.0 */

/* Our two helper processes: `role` is what stands after --role. -1: not one of ours. */
#define SILENCE_ROLE_STUB     "silence-stub"
#define SILENCE_ROLE_RECORDER "silence-recorder"
int silence_role_main(const char *role, int sock);
