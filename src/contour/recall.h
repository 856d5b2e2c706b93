/* Who runs what an advisory touches: the question that is asked at night. Answered from the newest signed matching of
 * each release (scan/vulns.h), the pointers with their history, the approvals, and the engines that run now. Hard rule:
 * "not affected" is said of a release only when it was matched against the advisories in force; every other one is
 * unknown, with the reason. */
#pragma once

#include "scan/advisories_store.h"
#include "scan/vulns.h"

struct recall_place {
    char environment[17];
    int64_t since_s; /* when the pointer last moved to it; where only an engine has it, when that was loaded */
    bool running;    /* an engine of it answers now */
    char engine[32]; /* the engine's state, or "standby"; "" when there is none */
};

struct recall_approval {
    char person[65], environment[17];
    int64_t time_s;
};

enum recall_answer { RECALL_AFFECTED, RECALL_NOT_AFFECTED, RECALL_UNKNOWN };

struct recall_release {
    char name[128]; /* "assistant:v1.0.0" */
    struct digest digest;
    enum recall_answer answer;
    char why[512];            /* of RECALL_UNKNOWN; of RECALL_NOT_AFFECTED what that does not cover, or "" */
    struct vulns vulns;       /* what its hits are borrowed from */
    const struct vuln **hits; /* owned */
    size_t hit_count;
    struct recall_place *places; /* owned */
    size_t place_count;
    struct recall_approval *approvals; /* owned */
    size_t approval_count;
    int64_t matched_s;
};

struct recall {
    json_t *records; /* owned: what the advisories in force say of the id (advisories-find); NULL: none are in force */
    bool known;      /* they know it, or a release was hit by it once */
    struct recall_release *list; /* owned; affected ones first, then unknown, then the others */
    size_t count, affected, unknown;
};
void recall_fini(struct recall *r);
#define auto_recall AUTO(recall_fini) struct recall

/* `id` is an id or an alias of an advisory. `engines`: the list of run/engines.json, or NULL. */
int recall_ask(struct site *contour, const char *id, const json_t *engines, struct recall *out, struct err *e);
