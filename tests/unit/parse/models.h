/* Writers of small models and of the containers around them, right and wrong ones, for the tests. */
#pragma once

#include "look.h"

/* ── protocol buffers ── */

void pb_number(struct buf *b, uint32_t field, uint64_t value);
void pb_text(struct buf *b, uint32_t field, const char *text);
void pb_bytes(struct buf *b, uint32_t field, struct span bytes);
void pb_message(struct buf *b, uint32_t field, const struct buf *message);

/* ── zip ── */

/* A member. Zeros mean what an honest writer writes; the others are what only one of the two places says. */
struct zip_entry {
    const char *name, *text;
    size_t name_len;        /* 0: that of the text */
    struct span bytes;      /* instead of the text */
    const char *local_name; /* in the local header */
    uint16_t method, flags, local_flags;
    bool deflated;    /* the data really are */
    uint32_t crc_off; /* added to the checksum, in both places */
    uint32_t local_size_off;
    uint32_t mode; /* UNIX */
    struct span extra, local_extra, descriptor;
    struct span gap; /* bytes in front of it that belong to no member */
};

struct zip_form {
    const char *comment;
    struct span prefix, between, suffix; /* in front of all, in front of the directory, behind all */
    int count_off, offset_off;           /* added to what the end record says */
    bool wide;                           /* with the 64-bit end record */
    int wide_count_off;
};

void zip_write(struct buf *out, const struct zip_entry *entries, size_t count, const struct zip_form *form);

/* An archive of texts: name, text, name, text, …, NULL. */
void zip_texts(struct buf *out, ...);
