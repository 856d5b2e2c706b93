/* Pickles (CPython pickletools; protocols 0 to 5, all 68 opcodes) read by a machine that moves kinds of values about
 * and executes nothing. Hard rule: what is not on the list of allowed names (pickle_names.c) is a finding, and so is
 * every pickle that is not understood to its last byte: nothing is clean because it was not recognised as bad. */
#pragma once

#include "parse/inspect.h"

/* A file whose content is a pickle: plain, with the arrays of joblib in its stream, or the stacked pickles of torch
 * before 1.6. Findings: "pickle-name", "pickle-opcode", "pickle-call", "pickle-memo", "pickle-frame", "pickle-broken",
 * "pickle-trailing", "nested-pickle", and more; `at` is "byte N". Facts: protocol, opcodes, names, pickles. */
void pickle_check(struct span file, struct report *r);

/* Looks into a value that a pickle carries, `at` being its place: another pickle, as it is or in base64, hex or zlib,
 * and code as text. `depth`: wrappers around it. *budget: bytes that may still be spent on such looks; when they are
 * spent, a finding says so, once. */
void pickle_look_nested(struct span value, size_t at, unsigned depth, size_t *budget, struct report *r);

/* Does such a look make sense, by the first bytes alone? */
bool pickle_may_nest(struct span value);

/* Bytes that a loader of another kind would run as a pickle: they can be walked from their beginning to an import.
 * Looks at no more than *budget opcodes, and counts it down. */
bool pickle_walks_to_import(struct span bytes, size_t *budget);
