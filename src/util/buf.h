/* Output that grows up to a maximum given at its birth. Appends may be chained without looking; the buffer remembers
 * the first failure, and `buf_ok` is asked once at the end. Hard rule: no buffer without a maximum. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/auto.h"
#include "util/err.h"
#include "util/span.h"

struct buf {
    uint8_t *ptr; /* owned; always followed by a NUL that len does not count, once anything was appended */
    size_t len;   /* bytes in use */
    size_t room;  /* bytes allocated */
    size_t max;   /* bytes that len may reach */
    bool failed;  /* an append did not fit */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

#define auto_buf       AUTO(buf_fini) struct buf
#define BUF(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_span(struct buf *b, struct span s);
void buf_add_str(struct buf *b, const char *text);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void buf_add_be16(struct buf *b, uint16_t value);
void buf_add_be32(struct buf *b, uint32_t value);
void buf_add_be64(struct buf *b, uint64_t value);
void buf_add_le32(struct buf *b, uint32_t value);

/* Makes room for `len` more bytes and returns where to write them, or NULL (and the buffer has failed). The caller then
 * calls buf_grown with what it really wrote. */
uint8_t *buf_room(struct buf *b, size_t len);
void buf_grown(struct buf *b, size_t len);

void buf_clear(struct buf *b); /* empties it, keeps the memory, forgets a failure */
bool buf_ok(const struct buf *b);

/* 0, or -1 with ERR_LIMIT naming `what`. */
int buf_check(const struct buf *b, const char *what, struct err *e);

struct span buf_span(const struct buf *b);

/* The bytes as a C string; "" when empty. Lives until the next append. */
const char *buf_str(struct buf *b);

/* Hands the bytes over as a NUL-terminated heap string, NULL if the buffer failed; the buffer is empty then. */
char *buf_steal_str(struct buf *b);
