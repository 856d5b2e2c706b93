/* The names that a pickle may import, each an exact pair of module and qualified name: torch's weights_only list
 * (torch/_weights_only_unpickler.py), what NumPy arrays are rebuilt from, joblib's wrappers of arrays, and the few
 * built-in types that weights hold. Hard rule: this one table decides; the list of known dangers only explains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/span.h"

enum pickle_role {
    PICKLE_VALUE,   /* stands there as it is: never called */
    PICKLE_STORAGE, /* a class of storages of torch: stands in persistent ids; `size` bytes an element */
    PICKLE_DTYPE,   /* of torch; `size` bytes */
    PICKLE_CALLED,  /* REDUCE with arguments that fit `args` */
    PICKLE_MADE,    /* NEWOBJ, and then BUILD */
};

/* What more is known of it. */
enum pickle_meaning {
    PICKLE_PLAIN,
    PICKLE_TENSOR,      /* storage, offset, size, stride come first: held against the storage */
    PICKLE_TENSOR_V3,   /* likewise, in bytes; the dtype is the 7th */
    PICKLE_FROM_TYPE,   /* calls its first argument with its third */
    PICKLE_REBUILDS,    /* makes a tensor of something else */
    PICKLE_CLASS,       /* a class of tensors */
    PICKLE_MAPPING,     /* OrderedDict, Counter: takes SETITEM, and BUILD with a dict */
    PICKLE_SIZE,        /* torch.Size */
    PICKLE_ENCODE,      /* _codecs.encode: bytes as Latin-1 text */
    PICKLE_BYTES,       /* bytearray */
    PICKLE_ARRAY_CLASS, /* numpy.ndarray and its kind */
    PICKLE_RECONSTRUCT, /* an empty array: BUILD gives it its data */
    PICKLE_NUMPY_DTYPE,
    PICKLE_SCALAR,
    PICKLE_FROMBUFFER,
    PICKLE_LAYOUT,
    PICKLE_DEVICE,
    PICKLE_JOBLIB_ARRAY,  /* the array's bytes follow in the stream */
    PICKLE_JOBLIB_BESIDE, /* the array is a file beside */
};

struct pickle_name {
    const char *module, *name;
    enum pickle_role role;
    enum pickle_meaning meaning;
    unsigned size;
    const char *args; /* one letter each, see pickle_calls.c; behind '|' they may be missing */
};

#define PICKLE_NAME_BLOCKED 0xffffffU

/* The allowed names, sorted by module and name. */
const struct pickle_name *pickle_names(size_t *count);

/* Its number, or PICKLE_NAME_BLOCKED. */
uint32_t pickle_name_find(struct span module, struct span name);

/* What a name that is not allowed is known to do ("starts programs"), or NULL. Only for the message and its weight. */
const char *pickle_name_danger(struct span module, struct span name);
