/* REF as people type it: name:vX.Y.Z, name@sha256:…, prod/name (what a pointer names now), shipment:N. Hard rule: a REF
 * means exactly one thing, or is an error that says what it could mean. */
#pragma once

#include "site/site.h"
#include "store/db_release.h"

/* The release that `ref` means. row's strings are copied into *names (caller owns). A shipment means its release when
 * it has exactly one. ERR_NOTFOUND, ERR_USAGE (no REF). */
int ref_release(struct site *s, const char *ref, struct release_row *row, struct buf *names, struct err *e);

/* True when `ref` has the form shipment:N. */
bool ref_is_shipment(const char *ref, uint64_t *number);

/* "prod/assistant" → environment and name, each NUL-terminated. ERR_USAGE. */
int ref_pointer(const char *ref, char environment[17], char name[65], struct err *e);
