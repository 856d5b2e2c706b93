/* The wire format of protocol buffers (Encoding, "Message structure"), for readers that know the meaning: a cursor over
 * the fields of one message, and a walk that holds a whole tree of messages against tables of their types. Hard rules:
 * a length is believed only when so many bytes are there; groups, which nobody writes any more, overlong numbers and
 * unknown fields are no silence: the walk reports them. Nothing is allocated. */
#pragma once

#include "parse/report.h"

/* Messages inside each other, the limit of every implementation. */
#define LIMIT_PROTOBUF_DEPTH 100U

/* No implementation reads a larger message. */
#define LIMIT_PROTOBUF_BYTES 2147483647ULL

enum pb_wire { PB_WIRE_VARINT = 0, PB_WIRE_64 = 1, PB_WIRE_BYTES = 2, PB_WIRE_32 = 5 };

struct pb_field {
    uint32_t number;
    enum pb_wire wire;
    uint64_t value;    /* of a varint, or of fixed 4 or 8 bytes */
    struct span bytes; /* borrowed; of PB_WIRE_BYTES */
};

/* Takes the next field. False at the end of the message, and when what follows is no field: then *problem says why (it
 * is NULL at the end). */
bool pb_next(struct span *message, struct pb_field *f, const char **problem);

/* Takes one number out of a packed field. */
bool pb_take_varint(struct span *s, uint64_t *value);

/* Looks a field up in a message that a walk has been through: its last occurrence, as readers have it. */
bool pb_find(struct span message, uint32_t number, struct pb_field *f);

/* The same for text or bytes; an empty span when it is not there. */
struct span pb_find_bytes(struct span message, uint32_t number);

/* Fields of one type in our tables. */
#define PB_FIELDS_MAX 24U

/* What a field holds. */
enum pb_kind {
    PB_INT,     /* varint */
    PB_FIXED32, /* float */
    PB_FIXED64, /* double */
    PB_TEXT,    /* UTF-8, without NUL */
    PB_BYTES,
    PB_MESSAGE,
    PB_SKIPPED, /* bytes or a message whose meaning does not matter to the reader */
};

struct pb_type;

struct pb_field_type {
    uint32_t number;
    enum pb_kind kind;
    bool repeated; /* numbers may be packed then */
    const char *name;
    const struct pb_type *message; /* of PB_MESSAGE */
};

struct pb_walk;

struct pb_type {
    const char *name;
    const struct pb_field_type *fields; /* ordered by number */
    size_t count;
    /* Called when the message and all inside of it are whole; w->at says where. NULL: nothing to check. */
    void (*check)(struct pb_walk *w, struct span message);
};

struct pb_walk {
    struct report *r;
    const char *rule; /* "onnx-broken": the rule's name for what breaks the format */
    void *arg;        /* for the checks */
    char at[512];     /* "graph/node/3" */
    unsigned depth;
};

/* Goes through a message of this type to its end. -1 after a finding about the format itself; what the checks find
 * stops nothing. An unknown field is "not scanned": the format is newer than our table. */
int pb_walk(struct pb_walk *w, struct span message, const struct pb_type *type);
