/* The contour's key for apt indexes: made at the first use, by whoever needs it first, with a ledger entry "apt-key"
 * that holds its fingerprint ("fingerprint") and a row that says which one counts. Hard rule: an index is signed by the
 * key that the ledger names, or not at all. */
#pragma once

#include "registry/registry.h"
#include "site/site.h"
#include "trust/openpgp.h"

#define APT_KEY_META "apt_key" /* db_meta: the fingerprint */

/* The key of an opened contour. ERR_SYSTEM: no GnuPG. ERR_DENIED: keys/openpgp holds another key than the ledger names.
 */
int apt_key(struct site *s, struct openpgp_key *out, struct err *e);

/* The signer of the contour in folder `home`, which is borrowed, as are the configuration's strings. Each use opens the
 * contour anew: an index is signed once for each promotion. */
struct index_signer apt_key_signer(const char *home, const char *label);
