/* Between people.c and withdrawn.c. */
#pragma once

#include "trust/people.h"

/* Who may not come back with which key: from the contour's signed withdrawals, and from the ledger's entries. */
struct withdrawals {
    struct withdrawal {
        char name[65];
        struct digest key, id; /* id: of the signed withdrawal */
    } * list;                  /* owned */
    size_t count, room;
};
void withdrawals_fini(struct withdrawals *w);

/* Fills *out and out_people->gone; a withdrawal that is wrong or missing is counted in out_people->refused. */
int withdrawals_load(struct db *db, struct child *parser, const struct public_key *contour, struct withdrawals *out,
                     struct people *out_people, struct err *e);
bool withdrawals_have(const struct withdrawals *w, const char *name, const struct digest *key);

/* Counts one more thing that somebody undid, and keeps the words of the first. */
void people_refuse(struct people *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
