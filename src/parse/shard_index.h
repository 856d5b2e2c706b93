/* The index of a model in several files (model.safetensors.index.json, pytorch_model.bin.index.json): which tensor lies
 * in which file. The files lie beside it, and whether they do and hold these tensors is found out there
 * (scan/beside.c), by counts and digests of names. */
#pragma once

#include "parse/report.h"

/* Files of one model; the largest published one has some hundred. */
#define LIMIT_SHARDS 4096U

/* SHA-256 over the names, sorted bytewise, each followed by a zero byte. Sorts `names`. */
struct digest shard_names_digest(const char **names, size_t count);

/* `map` is the member "weight_map", an object of texts (json_file.c holds it to that). Facts: shards: [{"file",
 * "tensors", "names": hex}]. */
void shard_index_facts(const json_t *map, struct report *r);
