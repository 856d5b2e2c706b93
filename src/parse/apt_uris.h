/* What `apt-get --print-uris download` prints: a line a file, 'URI' FILE SIZE ALG:HEX (apt-get(8), --print-uris). FILE
 * is what apt writes, NAME_VERSION_ARCHITECTURE.deb with a colon in the version as %3a. Hard rule: another line is an
 * error; a file without a hash of SHA-256 or better is one too. */
#pragma once

#include "util/json.h"

#define LIMIT_APT_URIS 20000U

/* The op "apt-uris". Reply: {"files": [{"uri", "file", "filename", "name", "version", "architecture", "size", "alg",
 * "hex"}]}; "filename" is the last part of the URI, as the archive's pool has it. ERR_INPUT, ERR_LIMIT. */
int apt_uris_op(struct span input, struct span arg, struct buf *reply, struct err *e);
