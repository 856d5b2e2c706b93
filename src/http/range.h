/* Range requests (RFC 9110 section 14). Pure. */
#pragma once

#include <stdint.h>

enum http_range { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };

/* What to send of `size` bytes for the value of a Range header (NULL: none). One range is honoured; several, another
 * unit or a malformed value are answered with the whole, as section 14.2 allows; a range that lies behind the end, or
 * the last 0 bytes, cannot be satisfied. */
enum http_range range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len);
