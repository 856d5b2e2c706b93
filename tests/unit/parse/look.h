/* What the tests of the readers share: a look at bytes under a name, with the rules that fired; and writers of small
 * files of each format. */
#pragma once

#include "parse/inspect.h"

struct look {
    enum verdict verdict;
    char format[32];
    char rules[65536]; /* "rule@at " for each finding */
    json_t *reply;     /* owned */
};

struct look look_at(struct span bytes, const struct inspect_options *o);
struct look look_named(struct span bytes, const char *name);
void look_fini(struct look *l);
#define auto_look AUTO(look_fini) struct look

bool look_has(const struct look *l, const char *rule);

/* GGUF. */
void gguf_begin(struct buf *b, uint64_t tensors, uint64_t pairs);
void put_le64(struct buf *b, uint64_t value);
void gguf_string(struct buf *b, const char *text);
void gguf_pair_string(struct buf *b, const char *key, const char *value);
void gguf_pair_u32(struct buf *b, const char *key, uint32_t value);
void gguf_tensor_f32(struct buf *b, const char *name, uint64_t elements, uint64_t offset);
void gguf_data(struct buf *b, size_t bytes); /* pads to 32, then zeros */

/* safetensors: a header with its length, then so many zero bytes. */
void safetensors_file(struct buf *b, const char *header, size_t data);

/* tar (ustar). type '0' file, '5' directory, '2' symbolic link, '1' hard link, '3' character device. */
void tar_member(struct buf *b, const char *name, char type, unsigned mode, const char *link, struct span data);
void tar_end(struct buf *b);
void gzip(struct buf *out, struct span in);

/* A small static ELF64 program with one PT_LOAD and one PT_GNU_STACK. */
void elf_file(struct buf *b, uint32_t load_flags, uint32_t stack_flags);
