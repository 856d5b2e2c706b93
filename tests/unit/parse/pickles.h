/* Writers of small pickles and of what stands around them, and looks at them, for the tests. */
#pragma once

#include "look.h"

void p_proto(struct buf *b, uint8_t version);
void p_frame(struct buf *b, uint64_t len);
void p_global(struct buf *b, const char *module, const char *name);       /* GLOBAL */
void p_stack_global(struct buf *b, const char *module, const char *name); /* two texts and STACK_GLOBAL */
void p_text(struct buf *b, const char *text);                             /* BINUNICODE */
void p_bytes(struct buf *b, size_t count);                                /* BINBYTES of zeros */
void p_int(struct buf *b, int value);                                     /* BININT */

/* A tensor of one dimension of a storage. */
void p_tensor(struct buf *b, const char *storage, const char *key, int numel, int offset, int size, int stride);

/* numpy.dtype(kind), with its state. */
void p_dtype(struct buf *b, const char *kind);

/* An array of one dimension with so many bytes of data. */
void p_array(struct buf *b, const char *kind, int elements, size_t bytes);

void p_base64(struct buf *b, struct span bytes);

/* A look at it as "model.pkl". */
struct look look_pickle(struct buf *b);
void is_blocked(struct buf *b, const char *rule); /* and the rule fired; NULL: any */
void is_clean(struct buf *b);

/* The message of the first finding of a rule; "" when there is none. */
const char *message_of(const struct look *l, const char *rule);

/* The call of a name, in one of the forms that picklers and attackers use, at the end of a pickle. */
enum form { GLOBAL_0, GLOBAL_2, STACK_4, STRING_OPERANDS, MEMO_OPERANDS, IN_FRAME, INST_0, FORMS };

void call_in_form(struct buf *b, enum form form, const char *module, const char *name);

/* A stored zip file, member by member; z_end writes the directory. */
struct zip_writer {
    struct buf *out;
    struct buf directory; /* owned */
    unsigned count;
};

void z_begin(struct zip_writer *z, struct buf *out);
void z_member(struct zip_writer *z, const char *name, struct span bytes);
/* With flags, a checksum that is off, another name in the local header (NULL: the same). */
void z_odd_member(struct zip_writer *z, const char *name, const char *local_name, uint16_t flags, uint32_t crc_off,
                  struct span bytes);
void z_end(struct zip_writer *z);
