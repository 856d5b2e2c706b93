/* Words that people mistype. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How many letters must be added, taken away, changed, or swapped with their neighbour to make `b` of `a` (optimal
 * string alignment). SIZE_MAX when one is longer than LIMIT_NAME_CHARS. */
size_t word_distance(const char *a, const char *b);

/* Whether `known` may have been meant with `word` (no more than a third of the letters differ), and is nearer than
 * *least, which it then lowers. Begin with SIZE_MAX. */
bool word_nearer(const char *word, const char *known, size_t *least);
