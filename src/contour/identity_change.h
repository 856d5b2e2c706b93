/* Changes of who may do what: tokens, groups, grants. Each is a record that the contour's key signs, and its ledger
 * entry, in one transaction. Hard rule: what is given is given in the name of somebody who may have it, and that is
 * looked at inside the transaction. */
#pragma once

#include "contour/identity.h"
#include "site/site.h"

/* All rights of this contour, verified. */
int identity_rights(struct site *s, struct rights *out, struct err *e);

/* Approvers do not publish, and who publishes does not approve: ERR_DENIED when `person` holds the other one of the
 * two. */
int identity_not_both(const struct rights *r, const char *person, enum role role, struct err *e);

/* ── whole transactions ── */

/* `t` is filled in but for hash, time and `alone`. ERR_DENIED: the person does not hold the role there. */
int token_give(struct site *s, struct token *t, struct token_text *text, struct err *e);
int token_end(struct site *s, const struct digest *hash, const char *person, struct err *e);

int group_make(struct site *s, const char *name, struct err *e);                       /* ERR_EXISTS, ERR_DENIED */
int group_put(struct site *s, const char *group, const char *person, struct err *e);   /* ERR_EXISTS, ERR_NOTFOUND */
int group_leave(struct site *s, const char *group, const char *person, struct err *e); /* ERR_NOTFOUND */

/* `g` is filled in but for id and time. ERR_NOTFOUND: no such group or person; ERR_DENIED; ERR_EXISTS: it stands. */
int grant_give(struct site *s, struct grant *g, struct err *e);
/* `id` may be the beginning of one. *out says what it was. ERR_NOTFOUND: none, or several. */
int grant_end(struct site *s, const char *id, struct grant *out, struct err *e);

/* ── inside an open transaction ── */

/* Ends all tokens, memberships and grants of a name; *tokens is how many of the first there were. */
int identity_end_all(struct site *s, const char *person, size_t *tokens, struct err *e);
