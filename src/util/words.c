#include "util/words.h"

#include <stdint.h>
#include <string.h>

#include "util/limits.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t word_distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    size_t rows[3][LIMIT_NAME_CHARS + 1]; /* of letter i - 2, i - 1 and i, in turn */
    if (m > LIMIT_NAME_CHARS || n > LIMIT_NAME_CHARS)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            now[j] = smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

bool word_nearer(const char *word, const char *known, size_t *least)
{
    size_t a = strlen(word), b = strlen(known), d = word_distance(word, known);
    if (d > (a > b ? a : b) / 3 || d >= *least)
        return false;
    *least = d;
    return true;
}
