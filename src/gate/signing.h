/* What requests, approvals and waivers have in common while they are made: one person's statement about a release,
 * signed with the person's own key, stored with its ledger entry in the open transaction. Inside this folder. */
#pragma once

#include "gate/evidence.h"
#include "ship/release.h"

struct making {
    struct site *s;
    const struct release *r;
    struct policy policy;
    const struct policy_environment *env; /* NULL: of no environment alone */
    struct evidence ev;
    char person[65];
    char name[128]; /* name:version */
};
void making_fini(struct making *m);

/* Loads policy and evidence. `env` may be NULL. Works inside an open transaction and outside of one. */
int making_begin(struct making *m, struct site *s, const struct release *r, const char *env, struct err *e);

/* Whose key is this? A person may hold several roles with it. ERR_DENIED: nobody's. */
int making_person(struct making *m, const struct private_key *key, struct err *e);

/* Free text of a person: at most 500 bytes of UTF-8, or NULL. ERR_USAGE names the option. */
int making_text_check(const char *option, const char *text, struct err *e);

/* Signs with the person's key, stores, and commits with the ledger entry `word`. *id may be NULL. */
int making_store(struct making *m, const char *type, const struct buf *predicate, const char *result,
                 const struct private_key *key, const char *role, const char *word, struct digest *id, struct err *e);
