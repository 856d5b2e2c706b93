/* What a file needs beside itself: the external data of an ONNX model, the files of a model in several. Hard rule: what
 * is needed lies there, inside of the folder, is a plain file with one name, and is long enough; a model that lacks
 * something is never clean. */
#pragma once

#include "scan/scan.h"

/* Looks at `count` rows from `from` on, of files below the folder `root`; `root_len` characters of their paths name it.
 * Of a release, whose files have rows and nothing else, `root` is -1. A row of bytes without a format that a model
 * counts as its own becomes opaque. */
void scan_beside(struct scan_report *out, size_t from, size_t count, int root, size_t root_len);
