/* Room on the disk. Below the reserve (intake.reserve of airlock.yaml) a site takes nothing in: a contour that answers
 * and cannot write its ledger any more is worse than one that refuses a shipment. Whatever stands in it is served,
 * promoted and rolled back as ever. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

/* May `bytes` be taken in on the file system of `dir`? ERR_NOSPACE when less than `reserve` would be left; `what` names
 * what is not taken in. ERR_IO. */
int room_check(int dir, uint64_t reserve, uint64_t bytes, const char *what, struct err *e);
