/* Lines: a path each, claimed, and asked for again. */
#include "fuzz.h"

#include <string.h>

#include "parse/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), line;
    struct claims *c = claims_new();
    uint8_t hash[HASH_SIZE_MAX] = {0};
    while (span_take_until(&rest, '\n', &line)) {
        hash[0] = line.len ? line.ptr[0] : 0;
        claims_add(c, line, HASH_MD5, span_of(hash, line.len % 2 ? hash_size(HASH_MD5) : 0), false);
        auto_buf path = BUF(1U << 20);
        buf_add_span(&path, line);
        bool whole = !line.len || !memchr(line.ptr, 0, line.len);
        if (whole && buf_ok(&path) && !claims_find(c, buf_str(&path)))
            abort();
    }
    claims_free(c);
    return 0;
}
