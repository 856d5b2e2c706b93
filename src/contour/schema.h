/* A small subset of JSON Schema (2020-12) for the assertion json-schema of a suite; docs/formats/suite.md lists it.
 * type, enum, const, properties, required, additionalProperties (true or false), items, minItems, maxItems, minLength,
 * maxLength, pattern, minimum, maximum. Hard rule: a keyword outside the subset is refused when the suite is read,
 * never ignored. */
#pragma once

#include "util/json.h"

/* ERR_INPUT names the place by JSON pointer. */
int schema_check(const json_t *schema, const char *at, struct err *e);

/* 1: holds; 0: *why says where it does not; -1: ERR_UNDECIDED of a pattern. The schema was checked before. */
int schema_holds(const json_t *schema, const json_t *value, const char *at, struct buf *why, struct err *e);
