/* Layers for tests, made by libarchive: an entry a call, then the bytes. Hostile ones are made the same way, because
 * libarchive writes whatever it is told to. */
#pragma once

#include <archive_entry.h>

#include "util/buf.h"

struct layer_maker;
struct layer_maker *layer_begin(const char *compression); /* "", "gzip", "zstd" */
void layer_dir(struct layer_maker *m, const char *path, unsigned mode);
void layer_file(struct layer_maker *m, const char *path, unsigned mode, const char *text);
void layer_symlink(struct layer_maker *m, const char *path, const char *target);
void layer_hardlink(struct layer_maker *m, const char *path, const char *target);
void layer_node(struct layer_maker *m, const char *path, unsigned type); /* AE_IFCHR, AE_IFIFO, … */
void layer_zeros(struct layer_maker *m, const char *path, size_t bytes);
void layer_end(struct layer_maker *m, struct buf *out); /* frees m */
