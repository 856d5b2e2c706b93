/* What an environment's apt archive shows: the state of its pointers, as an identity, and the packages. */
#pragma once

#include "registry/apt_index.h"
#include "registry/mirror.h"

/* The state now. *about: of the index that shows it; its strings are the arguments. 1; 0: no release stands there; -1.
 */
int apt_state(struct db *db, const char *environment, const char *label, struct apt_release *about, struct digest *id,
              struct err *e);

/* The packages of m->environment; only that and m->db are used. The caller's, or NULL. */
struct apt_packages *apt_packages_of(struct mirror *m, struct err *e);
