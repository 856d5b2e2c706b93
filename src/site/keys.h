/* The site's own keys: keys/site.pem (P-256) signs, keys/ledger.pem (Ed25519) signs checkpoints, both sealed;
 * keys/site.pub and keys/ledger.pub are what others verify with. */
#pragma once

#include "trust/key.h"

#define SITE_UNSEAL_FILE   "keys/unseal"
#define SITE_KEY_FILE      "keys/site.pem"
#define SITE_PUBLIC_FILE   "keys/site.pub"
#define LEDGER_KEY_FILE    "keys/ledger.pem"
#define LEDGER_PUBLIC_FILE "keys/ledger.pub"

/* Reads a passphrase file, relative to `dir` unless absolute. */
int site_secret(int dir, const char *path, struct secret *out, struct err *e);

/* Makes the keys that are not there yet. */
int site_keys_make(int dir, const struct secret *secret, struct err *e);

struct private_key *site_key_load(int dir, const char *file, const struct secret *secret, struct err *e);
struct public_key *site_public_load(int dir, const char *file, struct err *e);
