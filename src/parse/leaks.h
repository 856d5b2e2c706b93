/* What is looked for in a file whatever its format: credentials, data of people in what
 * people wrote, what runs in a document that its package vouches for
 * or in the HTML of Markdown, the configuration of an image. Which rules are asked for, and what a finding weighs,
 * follows from what the file is and where it lies: in a release, in a package that vouches for it, in an image. */
#pragma once

#include "parse/inspect.h"
#include "parse/sniff.h"

/* Bytes of weights that are read for credentials: their metadata lie in front. */
#define LIMIT_LEAKS_METADATA (16ULL << 20)

/* Adds findings only; never a reason to call a file read. */
void leaks_check(struct span file, enum content content, const struct inspect_options *o, struct report *r);
