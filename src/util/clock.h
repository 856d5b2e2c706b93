/* Time. Real time is suspicious (see docs): it is read once per operation and compared with a floor by whoever decides.
 * Monotonic time measures durations. Hard rule: nobody else calls clock_gettime. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/span.h"

#define TIME_TEXT_SIZE 21 /* "2026-11-24T08:00:00Z" and NUL */

struct time_text {
    char text[TIME_TEXT_SIZE];
};

/* Seconds since 1970, UTC. */
int64_t clock_now_s(void);

/* Milliseconds and nanoseconds of a clock that nobody sets. */
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);

/* RFC 3339 in UTC with Z and whole seconds: exactly 20 characters, the one form that we write. Years 1970 to 9999. */
struct time_text time_text(int64_t seconds);

/* Reads exactly that form, and no other: no offset, no fraction, no leap second. */
bool time_parse(struct span text, int64_t *seconds);
