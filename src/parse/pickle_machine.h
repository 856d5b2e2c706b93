/* The machine behind pickle.h: values, stack, memo, and what the readers of containers (torch, NumPy, joblib) take out
 * of it. Internal to src/parse. Hard rule: a handler takes its whole argument before it changes anything. */
#pragma once

#include "parse/pickle_names.h"
#include "parse/report.h"
#include "util/span.h"

/* Values on the stack at once: batches of 1,000 are what picklers write, so this is a tuple of a million. */
#define LIMIT_PICKLE_STACK (1U << 22)

/* Entries of the memo, lists, tuples and so on, and what they keep: each takes 8 or 16 bytes of the 2 GiB of a parse
 * process. A pickle of 300 MB in small pieces has 20 million. */
#define LIMIT_PICKLE_MEMO    (1U << 25)
#define LIMIT_PICKLE_OBJECTS (1U << 25)
#define LIMIT_PICKLE_ITEMS   (1U << 26)

/* Containers inside each other; Python's own recursion ends at 1,000. */
#define LIMIT_PICKLE_NESTING 1000U

/* Digits of an integer that is written as text; Python itself stops at 4,300 (sys.int_info). */
#define LIMIT_PICKLE_DIGITS 4300U

/* What is spent on values that begin like a pickle or like code: 256 bytes each at least. Ten million texts with a
 * bracket, or digests in hex, are looked into; that takes some seconds. */
#define LIMIT_PICKLE_LOOK_BYTES (1ULL << 32)

/* Findings of one pickle. What has more is not worth reading on. */
#define LIMIT_PICKLE_FINDINGS 1000U

/* What the machine knows of a value. */
enum kind {
    KIND_UNSET, /* no entry of the memo */
    KIND_UNKNOWN,
    KIND_NONE,
    KIND_BOOL,
    KIND_INT,
    KIND_BIG_INT, /* more than 56 bits */
    KIND_FLOAT,
    KIND_TEXT,
    KIND_NATIVE, /* str of Python 2: text or bytes, as the loader likes */
    KIND_BYTES,
    KIND_BYTEARRAY,
    KIND_TUPLE, /* from here on the number is that of an object */
    KIND_LIST,
    KIND_DICT,
    KIND_SET,
    KIND_FROZENSET,
    KIND_OBJECT,  /* made by a call of an allowed name */
    KIND_GLOBAL,  /* a name; the number counts the allowed ones, or is PICKLE_NAME_BLOCKED */
    KIND_STORAGE, /* of torch; its number among m->storages */
};

/* Kind, "came out of the memo", and a number: the value itself, the place of the opcode that pushed it, an index. */
struct value {
    uint64_t bits;
};

#define VALUE_FETCHED 32U

static inline struct value value_of(enum kind kind, uint64_t number)
{
    return (struct value){(uint64_t)kind | number << 8};
}

static inline enum kind value_kind(struct value v)
{
    return (enum kind)(v.bits & 31U);
}

static inline uint64_t value_number(struct value v)
{
    return v.bits >> 8;
}

static inline bool value_has_object(struct value v)
{
    enum kind k = value_kind(v);
    return k >= KIND_TUPLE && k <= KIND_OBJECT;
}

#define NOT_KEPT UINT32_MAX

/* A container, or what a call made. Its items are kept while it is small (a tuple, the first batch of a list or dict),
 * or all of them where the machine was told to (`keep_lists`). */
struct object {
    uint32_t name : 30;     /* KIND_OBJECT: the number of the allowed name that was called; others: how deep it is */
    bool holds_objects : 1; /* a dtype of NumPy whose fields do */
    bool roomy : 1;         /* behind its items there is room up to the next power of two */
    uint32_t first, count;  /* items kept; first is NOT_KEPT when there were too many. An object keeps its arguments */
    float weight;           /* how large it is when everything shared is written out */
};

/* What a persistent id of torch says. */
struct storage {
    struct span key;
    bool there;                 /* for the reader of the container */
    uint64_t numel, view_numel; /* elements of the whole, and of the part that a view of old torch shows */
    unsigned item_size;
    size_t at;
};

enum { RUN_OK, RUN_STOPPED = -1, RUN_SHORT = -2 };

struct machine {
    /* set by the caller */
    struct span file; /* the pickle begins at `start` in it */
    size_t start;
    struct report *r;
    bool joblib;         /* arrays may stand in the stream */
    bool keep_lists;     /* of any length */
    unsigned depth;      /* pickles around it */
    size_t *read_budget; /* opcodes of second readings; where joblib is true */
    size_t *look_budget; /* bytes of looks into values; NULL: LIMIT_PICKLE_LOOK_BYTES of its own */
    /* a second reading, from somewhere inside: its findings are nobody's, names that are none end it */
    bool shadow;
    const struct machine *outer; /* whose memo it sees */
    size_t stop_at;              /* ends there, if it gets there */
    uint64_t opcodes_max;

    /* results */
    size_t end; /* behind STOP */
    struct value top;
    unsigned protocol;
    uint64_t opcodes, calls;
    struct storage *storages;
    size_t storage_count, storage_room;
    size_t blocked_names; /* imports that are not allowed */
    size_t arrays;        /* of joblib */

    /* while it runs */
    struct span rest; /* of the frame, or of the file where there is none */
    bool framed, memoized, put_used, ended, bomb, deep, extended;
    size_t own_budget, own_scans;
    size_t *scans; /* bytes of strings that may still be read again, for their length */
    size_t op_at;
    struct value *stack, *memo, *items;
    size_t depth_now, stack_room, memo_room, memo_set, item_count, item_room;
    size_t *marks, mark_count, mark_room;
    struct object *objects;
    size_t object_count, object_room;
    size_t findings;
    struct span told[64][2]; /* module and name of blocked imports that a finding stands for */
    size_t told_count;
    bool told_opcodes[256];
};

/* Runs one pickle, all set to zero but what the caller sets. 0: it was followed to STOP, with or without findings. -1:
 * it could not be; a finding says why. Either way machine_fini. */
int machine_run(struct machine *m);
void machine_fini(struct machine *m);
#define auto_machine AUTO(machine_fini) struct machine

/* ── for the parts of the machine ── */

static inline size_t machine_at(const struct machine *m)
{
    return (size_t)(m->rest.ptr - m->file.ptr);
}

/* Goes on at a place, outside of any frame. */
void machine_leave_frame(struct machine *m, size_t at);

/* The stack of another machine for a shadow of it; what it had made is unknown there. */
int machine_copy_stack(struct machine *m, const struct machine *from);

/* A finding at a place; the machine goes on. */
void machine_odd(struct machine *m, enum severity severity, const char *rule, size_t at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The stream cannot be followed, or not with the room there is: what is behind was not read. RUN_STOPPED. */
int machine_broken(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
int machine_full(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for one more, for `index`; RUN_STOPPED at the limit, after a finding. */
int machine_grow_stack(struct machine *m);
int machine_grow_marks(struct machine *m);
int machine_grow_memo(struct machine *m, size_t index);
int machine_add_storage(struct machine *m, const struct storage *s, struct value *out);

/* A new object of `kind` with these items, which may not lie in m->items. */
int machine_new(struct machine *m, enum kind kind, uint32_t name, const struct value *items, size_t count,
                struct value *out);

/* A new object that a call made. It shares the arguments that `args`, a tuple, keeps. */
int machine_new_object(struct machine *m, uint32_t name, struct value args, struct value *out);

/* Appends items to a list, dict or set, or to a mapping that a call made. */
int machine_extend(struct machine *m, struct value container, const struct value *items, size_t count);

/* Items of a container that were kept, or NULL. Until the next call that makes an object. */
const struct value *value_items(const struct machine *m, struct value v, size_t *count);

bool value_is_text(struct value v);
/* The characters as they stand in the file, escapes not undone. */
bool value_text(const struct machine *m, struct value v, struct span *out);
bool value_text_is(const struct machine *m, struct value v, const char *text);
bool value_int(struct value v, int64_t *out);
/* How many bytes a value of bytes has. */
bool value_bytes_len(const struct machine *m, struct value v, uint64_t *out);
/* The allowed name behind a global or behind what a call made; NULL when it is no such thing. */
const struct pickle_name *value_name(const struct machine *m, struct value v);
const struct pickle_name *value_made_by(const struct machine *m, struct value v);
/* The value of a text key in a dict that was kept. */
bool value_lookup(const struct machine *m, struct value dict, const char *key, struct value *out);

/* pickle_calls.c: an allowed name is called, an object is given its state. RUN_OK or RUN_STOPPED. */
int machine_call(struct machine *m, uint32_t name, struct value args, bool new_object, struct value *out);
int machine_build(struct machine *m, struct value object, struct value state, struct value *out);

/* pickle_numpy.c. Bytes of an element, and whether elements are Python objects; elements of a shape, which is a tuple
 * of whole numbers or a torch.Size. False: it cannot be told. */
bool machine_dtype(const struct machine *m, struct value v, uint64_t *item_size, bool *objects);
bool machine_shape(const struct machine *m, struct value v, uint64_t *elements);

/* The state of a dtype, of an array: false when it is none, or does not fit. */
bool machine_build_dtype(struct machine *m, struct value dtype, struct value state);
bool machine_build_array(struct machine *m, struct value state);

/* joblib.c: a wrapper of an array got its state; the array's bytes follow in the stream, or lie in a file beside. *out
 * is what stands there then. RUN_OK or RUN_STOPPED. */
int joblib_array(struct machine *m, struct value wrapper, struct value state, struct value *out);
