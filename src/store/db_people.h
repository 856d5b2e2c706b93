/* Rows about people, tokens, trusted metadata of stations. See db.h for the rules. */
#pragma once

#include "store/db.h"

struct person_row {
    const char *name;
    const char *role;
    struct digest key_id; /* SHA-256 of the DER SubjectPublicKeyInfo */
    int64_t added_s;
    bool revoked;
    struct span record; /* DSSE envelope of the contour's key: the truth about this person */
};

int db_person_add(struct db *db, const struct person_row *row,
                  struct err *e); /* ERR_EXISTS: name and role, or key, is taken by another */
/* All rows of that name; a revoked row gives way to a new one of the same name and role. */
int db_person_revoke(struct db *db, const char *name, struct err *e);
int db_person_each(struct db *db, const char *name /* NULL: all */,
                   int (*each)(void *arg, const struct person_row *row), void *arg, struct err *e);

struct token_row {
    struct digest hash; /* SHA-256 of the token's text */
    const char *person;
    const char *role;             /* "consumer" and the others of architecture.md */
    const char *environment;      /* "prod", or "*" */
    int64_t created_s, expires_s; /* 0: does not expire */
    bool revoked;
    const char *repository; /* a pattern: "*", "team-*", "assistant" */
    struct span record;     /* DSSE envelope of the contour's key: the truth about this token */
};

int db_token_add(struct db *db, const struct token_row *row, struct err *e);
/* ERR_NOTFOUND. The strings and the record are copied into *strings, which the caller owns. */
int db_token_get(struct db *db, const struct digest *hash, struct token_row *row, struct buf *strings, struct err *e);
int db_token_each(struct db *db, int (*each)(void *arg, const struct token_row *row), void *arg, struct err *e);
int db_token_revoke(struct db *db, const struct digest *hash, struct err *e); /* ERR_NOTFOUND */

/* ── entries of the ledger that change what people may do: actions person-…, token-…, group-…, grant-… ── */

/* A number that is another one after each such entry. Cheap. */
int db_rights_mark(struct db *db, int64_t *mark, struct err *e);
/* In order. */
int db_rights_each(struct db *db, int (*each)(void *arg, uint64_t seq, struct span entry), void *arg, struct err *e);

/* Trusted TUF metadata of a station (by its root fingerprint, hex): "1.root.json", "timestamp.json", … bytes as
 * received. */
int db_trust_set(struct db *db, const char *station, const char *file, uint64_t version, struct span bytes,
                 struct err *e);
int db_trust_get(struct db *db, const char *station, const char *file, uint64_t *version, struct buf *bytes,
                 struct err *e); /* ERR_NOTFOUND */
int db_trust_remove(struct db *db, const char *station, const char *file, struct err *e);
int db_trust_each(struct db *db, int (*each)(void *arg, const char *station, const char *file, uint64_t version),
                  void *arg, struct err *e);
