/* Tar archives, as they are or behind gzip, zstd, xz or bzip2, through libarchive from memory: what each member is,
 * where it would be written, and what is in it. Hard rule: nothing is unpacked; a member whose path, type or link no
 * honest archive has is a finding, however an unpacker would treat it. */
#pragma once

#include "parse/archive.h"

/* Members of one archive. A whole operating system has 100,000. */
#define LIMIT_TAR_MEMBERS 1000000U

/* Bytes that come out for each byte that goes in, asked once 64 MiB are out. Deflate ends at 1,032; real layers stay
 * below 20, files full of zeros included below 250. */
#define LIMIT_UNPACK_RATIO 250U

/* Checks the whole archive. `compressed`: one compressed file that holds no tar is read as well. Facts: members, bytes,
 * formats (a count for each), whiteouts (how many), files (those that matter). Of a layer also: tree [[path, bytes,
 * mode, "elf" | "script" | "program" | "", MD5, SHA-1, SHA-256]], links [[path, target, hard?: true]], removed [path]
 * (whiteouts; one that ends with a slash takes all away that a lower layer has there), and what inventory.h says; files
 * that a record of the layer claims with the hash that they have stand with their package (inspect.h). */
void tar_check(struct span file, bool compressed, const struct inspect_options *o, struct report *r);

/* The same for an archive of another kind (archive.h). `plain`: of ISO 9660, the tree without its extensions. Returns
 * how many members were seen. Whoever asks looks himself at what stands behind the archive. */
size_t tar_check_as(struct span file, enum archive_kind kind, bool plain, const struct inspect_options *o,
                    struct report *r);
