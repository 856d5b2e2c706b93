/* The packages of an Arch system: var/lib/pacman/local/NAME-VERSION-RELEASE/{desc,files,mtree} (libalpm's local
 * database: %SECTION% and its lines; mtree(5) behind gzip). Hard rule: a desc without name or version is a finding,
 * not a package less. */
#pragma once

#include "parse/inventory.h"

#define LIMIT_MTREE_BYTES (64U << 20) /* unpacked; the longest known has 8 MiB */

void alpm_desc_read(struct span file, struct inventory *v);

/* Claims without hashes; those of configuration files have one (%BACKUP%). */
void alpm_files_read(struct span file, struct inventory *v);

/* Claims with SHA-256 (or MD5, as older ones have it). */
void alpm_mtree_read(struct span file, struct inventory *v);
