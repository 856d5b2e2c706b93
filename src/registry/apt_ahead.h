/* The apt index of what is about to stand in an environment: a promotion has it made and signed before it moves the
 * pointer, so that clients have the new view at once; making it takes a second or more. It lies in
 * run/apt/ENVIRONMENT/STATE/, numbered files beside a `list` of them ("HEX BYTES PATH", a line each), named by the
 * state that it shows (apt_state.h). Without it the index is made when it is first asked for, so nothing here fails a
 * promotion, and a rollback does not wait for it. Hard rule: a file is used when it has the hash of its line. */
#pragma once

#include "contour/promote.h"
#include "registry/apt_index.h"
#include "site/site.h"

struct apt_ahead;

/* For promotions by `s`, which is borrowed. Makes nothing where no index was ever asked for. */
struct apt_ahead *apt_ahead_new(struct site *s, struct index_signer signer);
void apt_ahead_free(struct apt_ahead *a); /* NULL is fine; what no promotion completed is removed */

struct promotion_watcher apt_ahead_watcher(struct apt_ahead *a);

/* The index of that state, when it was made ahead. `home` is the contour's folder. */
bool apt_ahead_find(const char *home, const char *environment, const struct digest *state, struct apt_index *out);
