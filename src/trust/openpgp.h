/* OpenPGP (RFC 4880), which apt wants and nothing else of ours: one Ed25519 key with which a contour signs its package
 * indexes. It is made, kept and used by a `gpg` child with a home of its own, keys/openpgp below the contour's folder
 * (0700); the secret half lies there sealed with a passphrase that is derived from the site's. The agent that GnuPG
 * cannot do without is started for one call and is gone when the call returns; nobody's ~/.gnupg is looked at. Hard
 * rule: what OpenPGP signs decides nothing inside Airlock; it only tells apt that an index is this contour's.
 *
 * `dir` is the contour's folder. Calls for one contour are made one after the other (OPENPGP_LOCK). */
#pragma once

#include "trust/key.h"

#define OPENPGP_FOLDER "keys/openpgp"
#define OPENPGP_LOCK   "keys/openpgp.lock"

struct openpgp_key {
    char fingerprint[41]; /* 40 hex digits, upper case, as GnuPG and apt write it */
    int64_t created_s;    /* no signature can be older */
};

/* Which GnuPG there is, for people: "gpg (GnuPG) 2.2.40". ERR_SYSTEM names the program that is missing, and the package
 * that has it. */
int openpgp_version(char *text, size_t room, struct err *e);

/* ERR_NOTFOUND: none was made yet. ERR_INPUT: the home holds several. */
int openpgp_find(int dir, struct openpgp_key *out, struct err *e);

/* Makes the key; `user_id` names it to people. Interrupted, it leaves what openpgp_find finds, or nothing. */
int openpgp_make(int dir, const char *user_id, const struct secret *secret, struct openpgp_key *out, struct err *e);

/* The public half, armored: what `signed-by` of an apt source names. */
int openpgp_public(int dir, const struct openpgp_key *k, struct buf *armored, struct err *e);

enum openpgp_form {
    OPENPGP_CLEAR,    /* the text inside its signature: InRelease */
    OPENPGP_DETACHED, /* the armored signature alone: Release.gpg */
};

/* Signs as of `at_s`, or of the key's making if that is later: the same text and time give the same bytes. ERR_DENIED:
 * the passphrase does not open the key. */
int openpgp_sign(int dir, const struct openpgp_key *k, const struct secret *secret, int64_t at_s,
                 enum openpgp_form form, struct span text, struct buf *out, struct err *e);
