#include "fuzz_inventory.h"

#include "parse/apk_db.h"

FUZZ_RECORD("lib/apk/db/installed", (apk_db_read(input, &v), 0))
