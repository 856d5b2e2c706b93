/* Moving pointers: sandbox → test → prod, and back. A move is one transaction: check of the evidence, pointer, history,
 * signed promotion statement, ledger entry. Promotion into sandbox also admits from quarantine: blobs become blobs of
 * the store by hard links before the commit, the folder in quarantine is removed after it; a crash in between leaves
 * nothing half, and the same command completes it. Hard rule: the evidence is evaluated inside the transaction that
 * moves the pointer. */
#pragma once

#include "contour/ref.h"
#include "gate/verdict.h"

struct promotion {
    bool moved;      /* false: it stood there already */
    bool admitted;   /* came out of quarantine by this */
    bool had_before; /* `before` is set */
    struct digest before, now;
    char name[65], version[33]; /* of `now` */
    uint64_t ledger_seq;
    bool refused; /* ERR_DENIED, and `verdict` has every rule with its reason */
    struct verdict verdict;
};

/* Who has something made ahead of a move, so that it is there when the pointer has moved; it cannot keep it from
 * moving. `coming`: before the transaction, of a move that may still be refused; perhaps more than once. `moving` and
 * `moved`: in the transaction, before and after the pointer is set. */
struct promotion_watcher {
    void (*coming)(void *arg, const char *environment, const char *name, const struct digest *release);
    void (*moving)(void *arg);
    void (*moved)(void *arg);
    void *arg;
};

/* ERR_DENIED when the evidence is not there or the order is broken: out->refused, and every reason in out->verdict. */
int contour_promote(struct site *s, const struct release_row *row, const char *environment,
                    const struct promotion_watcher *watcher, struct promotion *out, struct err *e); /* NULL: nobody */

/* To the release that stood there before the present one was promoted. ERR_NOTFOUND: none did. ERR_DENIED: it is denied
 * now. */
int contour_rollback(struct site *s, const char *environment, const char *name, struct promotion *out, struct err *e);

/* What a rollback would bring back. ERR_NOTFOUND: nothing. */
int contour_previous(struct site *s, const char *environment, const char *name, struct digest *out, struct err *e);

/* The signed statement about a move (docs/formats/promotion.schema.json). `before` may be NULL. */
void promotion_predicate(const char *action, const char *environment, const char *contour, const struct digest *before,
                         const char *actor, int64_t time_s, struct buf *out);

/* Removes folders of quarantine in which nothing waits any more: what a crash after the commit left. */
int contour_tidy(struct site *s, struct err *e);
