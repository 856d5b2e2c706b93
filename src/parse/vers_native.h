/* What vers_native.c and vers_npm.c share. */
#pragma once

#include "parse/vers.h"

/* Without the blanks around it. */
struct span vers_trim(struct span s);

/* Takes what stands before the next separator, or all; false once all was taken. */
bool vers_take_piece(struct span *s, const char *separator, struct span *out);

/* Appends the number of these digits, raised by one. False when there are none. */
bool vers_add_one(struct span digits, struct buf *out);

/* "…: no range of SCHEME: found …"; returns -1. */
int vers_refuse(struct err *e, const struct vers *v, struct span found);

/* npm's ranges, as vers_from_native. */
int vers_npm_read(struct span range, struct vers *v, struct err *e);
