/* What torch.save writes: a zip archive since 1.6, stacked pickles with raw storages behind them before. Hard rule: a
 * file is clean only when each of its bytes has a place in the format: the pickle passed (pickle.h), each storage that
 * it names is there with exactly the bytes that it claims, and nothing else is. */
#pragma once

#include "parse/inspect.h"
#include "parse/zip.h"

/* Is there a member "data.pkl" or "FOLDER/data.pkl"? Then each member is looked at as a part of a checkpoint. Facts:
 * tensors, storages, protocol, opcodes. */
bool torch_is_zip(const struct zip *z, const char *name);
void torch_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r);

/* Does the file begin with torch's magic number as a literal? Then it is read as what torch before 1.6 wrote: magic,
 * version, system, object, list of keys, and for each key the count of its elements and its bytes. */
bool torch_is_stacked(struct span file);
void torch_stacked_check(struct span file, struct report *r);

struct machine;
struct storage;

/* Sorts what the pickle says of its storages by their keys; a key that stands there with two sizes is a finding. */
void torch_check_claims(struct machine *m, struct report *r);

/* The first that the pickle says of this key, after that; NULL. `there` is the caller's to set. */
struct storage *torch_claim(struct machine *m, struct span key);

/* A finding if one of the storages is not there. */
void torch_check_there(const struct machine *m, struct report *r);
