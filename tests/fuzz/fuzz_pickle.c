#include "fuzz.h"
#include "parse/pickle.h"
#include "parse/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t budget = 1000;
    (void)sniff_is_pickle(span_of(data, size));
    (void)pickle_walks_to_import(span_of(data, size), &budget);
    if (budget > 1000)
        abort();
    return 0;
}
