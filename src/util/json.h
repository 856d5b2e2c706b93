/* JSON: reading with jansson under our rules (size capped before parsing, duplicate keys and trailing bytes refused,
 * depth capped), typed getters whose errors name the place by JSON pointer, and a small streaming writer. Hard rule:
 * nobody calls json_loads elsewhere. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/digest.h"

static inline void auto_json_decref(json_t **j)
{
    json_decref(*j);
}
#define auto_json AUTO(auto_json_decref) json_t *

/* Parses one object or array. New reference, or NULL: ERR_LIMIT when text is longer than max, ERR_INPUT with line and
 * column. `what` names the document in messages. */
json_t *json_parse(struct span text, size_t max, const char *what, struct err *e);

/* The same; where the text is no JSON, *offset (in bytes) is where reading ended. Otherwise it is left as it was. */
json_t *json_parse_at(struct span text, size_t max, const char *what, size_t *offset, struct err *e);

/* Getters. `at` is the JSON pointer of `object` for messages ("" for the document). A missing or wrongly typed member:
 * NULL or -1 with ERR_INPUT "…: /signed/version: wanted an integer, found a string". Borrowed results live as long as
 * `object`. */
const char *json_need_string(const json_t *object, const char *key, const char *at, struct err *e);
const json_t *json_need_object(const json_t *object, const char *key, const char *at, struct err *e);
const json_t *json_need_array(const json_t *object, const char *key, const char *at, struct err *e);
int json_need_uint(const json_t *object, const char *key, const char *at, uint64_t *out, struct err *e);
int json_need_time(const json_t *object, const char *key, const char *at, int64_t *out, struct err *e);
int json_need_digest(const json_t *object, const char *key, const char *at, struct digest *out,
                     struct err *e); /* sha256:… */

/* The string, or `fallback` when the member is absent or no string. */
const char *json_get_string(const json_t *object, const char *key, const char *fallback);

/* Every key of `object` is one of `keys` (NULL-terminated); otherwise ERR_INPUT names the unknown one. */
int json_only_keys(const json_t *object, const char *const keys[], const char *at, struct err *e);

/* The writer: no tree, commas kept by itself, strings escaped as RFC 8259 section 7 asks, output in the order of the
 * calls. */
struct json_out {
    struct buf *out; /* borrowed */
    unsigned depth;
    uint64_t has_item; /* one bit a depth: a comma is due */
    bool after_key;
};

void json_out_init(struct json_out *w, struct buf *out);
void json_out_object(struct json_out *w); /* { */
void json_out_object_end(struct json_out *w);
void json_out_array(struct json_out *w); /* [ */
void json_out_array_end(struct json_out *w);
void json_out_key(struct json_out *w, const char *key);
void json_out_string(struct json_out *w, const char *text); /* not UTF-8: each bad byte becomes U+FFFD */
void json_out_span(struct json_out *w, struct span text);
void json_out_int(struct json_out *w, int64_t value);
void json_out_uint(struct json_out *w, uint64_t value);
void json_out_bool(struct json_out *w, bool value);
void json_out_null(struct json_out *w);
void json_out_double(struct json_out *w, double value, int decimals);
void json_out_raw(struct json_out *w, struct span json); /* one value that is JSON already */

/* Key and value in one call. */
void json_put_string(struct json_out *w, const char *key, const char *text);
void json_put_int(struct json_out *w, const char *key, int64_t value);
void json_put_uint(struct json_out *w, const char *key, uint64_t value);
void json_put_bool(struct json_out *w, const char *key, bool value);
void json_put_time(struct json_out *w, const char *key, int64_t seconds);
void json_put_digest(struct json_out *w, const char *key, const struct digest *d); /* "sha256:…" */
void json_put_object(struct json_out *w, const char *key);
void json_put_array(struct json_out *w, const char *key);
