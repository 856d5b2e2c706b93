#include "fuzz_inventory.h"

#include "parse/rust_audit.h"

FUZZ_RECORD("a", (rust_audit_read(input, &v), 0))
