/* Which crates a Rust program was built from: the section .dep-v0 that cargo auditable writes, JSON behind zlib
 * (rust-secure-code/cargo-auditable, PARSING.md). */
#pragma once

#include "parse/elf_parts.h"
#include "parse/inventory.h"

#define LIMIT_RUST_AUDIT_BYTES (8U << 20) /* unpacked, as its own specification advises */

void rust_audit_read(struct span section, struct inventory *v);
void rust_audit_find(const struct elf_parts *elf, struct inventory *v);
