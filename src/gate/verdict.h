/* A gate's signed decision. intake: quarantine → store; trust: store → approved; deploy: approved → running. The rules
 * are a table (rules.c). The verdict is a SLSA Verification Summary (slsa.dev/verification_summary/v1) whose
 * inputAttestations list every line that was looked at; our reasons stand in its member "urn:airlock:verdict:v1". Hard
 * rule: absence denies; an attestation can add permission, and its disappearance never removes a denial. */
#pragma once

#include "gate/evidence.h"

enum gate { GATE_INTAKE, GATE_TRUST, GATE_DEPLOY, GATES };
const char *gate_name(enum gate g);
bool gate_parse(const char *text, enum gate *out);

struct verdict_reason {
    const char *rule; /* static: a name of the table */
    bool ok;
    char text[480]; /* one sentence: what was found, what was wanted, what to do next */
};

#define VERDICT_REASONS_MAX 16U

struct verdict {
    enum gate gate;
    char environment[ENVIRONMENT_SIZE];
    bool passed;
    struct verdict_reason reasons[VERDICT_REASONS_MAX];
    size_t count;
    struct digest policy; /* of the policy's text */
    struct digest id;     /* of the signed line; zero while it is not signed */
};

/* Evaluates without signing or storing; works inside an open transaction. `ev` must be of the same release. `env` is
 * the environment that the release shall stand in (NULL: sandbox for intake, prod for trust). 0: decided. -1:
 * ERR_USAGE, ERR_DENIED (no valid policy), ERR_UNDECIDED, ERR_IO. */
int gate_evaluate(struct site *s, enum gate g, const struct release *r, const char *env, const struct evidence *ev,
                  struct verdict *out, struct err *e);

/* What a gate would say for `env` under this policy, in force or not. Nothing is signed, and no verdict is asked for.
 */
int gate_evaluate_under(struct site *s, const struct policy *p, const struct release *r, const char *env,
                        const struct evidence *ev, struct verdict *out, struct err *e);

/* Evaluates, signs the verdict with all its inputs, stores it with its ledger entry, in a transaction of its own. */
int gate_judge(struct site *s, enum gate g, const struct release *r, const char *env, struct verdict *out,
               struct err *e);

/* The deploy gate at the start of an engine (standby: at the way back to one that is loaded): every signature of the
 * passport again, the closing verdict, nothing adverse since. The bytes are the engine's part: it hashes them through
 * the descriptors that it mounts. A clock below the floor does not stop what is approved: the verdict is then not
 * stored, and its id stays zero. */
int gate_deploy(struct site *s, const struct release *r, const char *env, bool standby, struct verdict *out,
                struct err *e);

/* May the pointer `env` be moved to this release, or back to it, now? Evaluated inside the caller's transaction, not
 * signed. A move asks for the gate's own verdict as well (intake for sandbox, trust for prod). */
int gate_may_move(struct site *s, const struct release *r, const char *env, const struct evidence *ev,
                  struct verdict *out, struct err *e);
int gate_may_return(struct site *s, const struct release *r, const char *env, const struct evidence *ev,
                    struct verdict *out, struct err *e);

/* The predicate of a verdict, for who signs it (docs/formats/verdict.schema.json). */
void verdict_predicate(const char *contour, int64_t now_s, const struct release *r, const struct evidence *ev,
                       const struct verdict *v, struct buf *out);

/* The reasons that are not ok, as one line for a message. */
void verdict_why(const struct verdict *v, struct buf *out);
