/* GGUF, versions 2 and 3, little-endian (ggml, docs/gguf.md): header, metadata, tensor table, and the arithmetic of the
 * data against the size of the file. Stricter than the engines that load it; the limits are named in gguf.c. Hard rule:
 * nothing is believed before it was compared with the bytes that are left. */
#pragma once

#include "parse/jinja.h"

/* Checks the whole file. `name` is the file's name (a part of a split model says so in it), for the agreement with the
 * header; facts: version, architecture, name, licence, tensors, pairs, parameters, types, context_length, templates. 0,
 * or -1 when reading stopped at a finding. */
int gguf_check(struct span file, const char *name, const struct template_rules *templates, struct report *r);
