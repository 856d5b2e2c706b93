/* The short form of a NumPy type, as headers of .npy files and pickles have it: "<f4", "|S3", "<M8[ns]", "O". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/span.h"

/* Bytes of one element: larger is nothing that an array of weights or of texts has. */
#define LIMIT_NUMPY_ITEM_BYTES (1ULL << 31)

struct numpy_dtype {
    uint64_t size; /* bytes an element */
    bool objects;  /* its elements are Python objects: a pickle */
};

/* False: no type that NumPy has, or one larger than the limit. */
bool numpy_dtype_parse(struct span text, struct numpy_dtype *out);
