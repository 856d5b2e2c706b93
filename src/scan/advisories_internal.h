/* A snapshot in the making: advisories_compile.c reads sources into it, advisories_build.c keeps what they say,
 * advisories_write.c puts it in order and writes it. */
#pragma once

#include "scan/advisories.h"

struct build_source {
    uint32_t name, licence; /* strings */
    uint32_t kind, records, refused, withdrawn, replaced, without_packages, files;
    int64_t date_s;
    struct digest digest;
    char licences[200]; /* of its records, in order of appearance */
};

struct build_record {
    uint32_t id, summary, vector; /* strings */
    uint32_t source;
    int64_t modified_s, withdrawn_s;
    unsigned severity, flags;
    int tenths;
    bool replaced; /* a newer one of the same id came */
};

struct build_name {
    uint32_t text, record, kind;
};

struct build_entry {
    uint32_t ecosystem, name, release; /* strings */
    uint32_t record, body, body_bytes;
};

struct build_kev {
    uint32_t cve;
    int64_t day_s;
};

/* A growing list of one kind of row. */
struct build_list {
    void *rows; /* owned */
    size_t count, room, size;
};
void *build_add(struct build_list *l); /* one more row, zeroed */

struct build {
    struct buf strings, bodies;
    uint32_t *slots; /* owned: hash table over strings: reference + 1, or 0 */
    uint32_t *owner; /* owned: beside slots: record + 1 whose id it is, or 0 */
    size_t slot_count, string_count;
    struct build_list sources, records, names, entries, kev;
};
void build_init(struct build *b);
void build_fini(struct build *b);

uint32_t build_string(struct build *b, struct span text);
struct span build_text(const struct build *b, uint32_t ref);
#define BUILD_ROWS(b, list, type) ((type *)(b)->list.rows)

/* Takes a row of a source; the last source of b->sources is the one. Refused rows are the caller's. */
int build_take(struct build *b, const struct advisory_row *row, struct err *e);

/* Puts everything in order and writes it. */
int build_write(struct build *b, int fd, struct advisories_compiled *out, struct err *e);
