/* The headers of a tar archive (POSIX.1-1988 ustar), written so that the same files give the same bytes on any machine:
 * owner 0:0, time 0, no names of people. The caller writes the file's bytes and the padding. */
#pragma once

#include "util/buf.h"

#define TAR_BLOCK 512U

enum tar_kind { TAR_FILE, TAR_DIRECTORY };

/* Appends the header of one entry. `path` is relative, without "..": "engine/llama-server"; a directory gets its slash
 * here. ERR_LIMIT: the path does not fit (100 + 155 characters, split at a slash) or the file is over 8 GiB. */
int tar_header(struct buf *out, enum tar_kind kind, const char *path, uint64_t size, unsigned mode, struct err *e);

/* Bytes of zeros that fill the last block of a file of this size. */
static inline size_t tar_padding(uint64_t size)
{
    return (size_t)(-size & (TAR_BLOCK - 1));
}

/* The end of an archive: two blocks of zeros. */
void tar_end(struct buf *out);
