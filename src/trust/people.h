/* People and their keys, as data that the contour's key has signed (predicate urn:airlock:person:v1). Rows in state.db
 * only find the record; the record's signature is what counts, so whoever can write state.db cannot add a person or
 * change a role. A person may hold several roles, one record each, all with one key; a person who lost it is withdrawn
 * first, by another signed record, and a withdrawal is for good. Hard rule: persons are counted, not keys. */
#pragma once

#include "store/db_people.h"
#include "trust/statement.h"

enum role {
    ROLE_VIEWER,
    ROLE_CONSUMER,
    ROLE_PUBLISHER,
    ROLE_ENGINEER,
    ROLE_DATA_OWNER,
    ROLE_PRODUCT_OWNER,
    ROLE_SECURITY_OFFICER,
    ROLE_AUDITOR,
    ROLE_ADMINISTRATOR,
    ROLES
};
const char *role_name(enum role r); /* "security-officer" */
bool role_parse(const char *text, enum role *out);

struct person {
    char name[65];
    enum role role;
    struct public_key *key; /* owned */
    int64_t added_s;
    int64_t withdrawn_s; /* 0: not withdrawn */
};

struct people {
    struct person *list; /* owned; sorted by name, then role */
    size_t count;
    size_t refused; /* rows whose record did not verify, and withdrawals undone; fsck names them */

    struct person *gone; /* withdrawn: they hold no role and sign nothing any more; owned */
    size_t gone_count;
    char undone[400]; /* the first withdrawal that somebody tried to undo, in words; "" */
};
void people_fini(struct people *p);
#define auto_people AUTO(people_fini) struct people

/* [a-z][a-z0-9-]*, at most LIMIT_NAME_CHARS. */
bool person_name_is_right(const char *name);

/* Makes and stores a record, inside the open transaction. ERR_EXISTS when the key belongs to another name, or the name
 * has another key. ERR_DENIED: a name that is a look-alike or malformed (names are [a-z][a-z0-9-]*, at most
 * LIMIT_NAME_CHARS). */
int person_add(struct db *db, const char *name, enum role r, const struct public_key *key,
               const struct private_key *contour, int64_t now_s, struct err *e);

/* The record alone: the DSSE envelope that person_add stores. */
int person_record(const char *name, enum role r, const struct public_key *key, const struct private_key *contour,
                  int64_t now_s, struct buf *record, struct err *e);

/* One row against its record: 0 and *out (its key owned by the caller), or -1 with what is wrong, for fsck. */
int person_verify(struct child *parser, const struct person_row *row, const struct public_key *contour,
                  struct person *out, struct err *e);

/* The predicate of a withdrawal of `name` with `key`, of all roles that `p` says. Stored as evidence about the key's
 * id, with a ledger entry PERSON_WITHDRAW {"person", "key", "evidence"}: whoever takes either away is found out. */
#define PREDICATE_WITHDRAWAL "urn:airlock:person-withdrawal:v1"
#define PERSON_WITHDRAW      "person-withdraw"
int person_withdrawal(const struct people *p, const char *name, const struct public_key *key, int64_t now_s,
                      struct buf *predicate, struct err *e);

/* Loads everybody whose record verifies under the contour's key. */
int people_load(struct db *db, struct child *parser, const struct public_key *contour, struct people *out,
                struct err *e);

/* The person who signed `envelope` (by trying the keys of all people, of the withdrawn ones last), or NULL: ERR_DENIED.
 * The statement is verified and read. Whether the word of a withdrawn person still counts is the caller's to say. */
const struct person *people_signer(const struct people *p, struct child *parser, struct span envelope,
                                   const struct digest *subject, const char *predicate_type, struct statement *out,
                                   struct err *e);
/* Does `name` hold `r`? */
bool people_has_role(const struct people *p, const char *name, enum role r);
/* Did `name`, withdrawn since, hold it? */
bool people_had_role(const struct people *p, const char *name, enum role r);
