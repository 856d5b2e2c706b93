/* The files of YARA rules of a site, put into one bundle. They are read here and understood elsewhere. */
#pragma once

#include "parse/yara_rules.h"

#define LIMIT_ENGINE_RULES LIMIT_YARA_BYTES

/* `path`: one file, or a folder whose files *.yar and *.yara, also in folders below it, are taken in the order of their
 * paths. Each is named by its path from `path` on. *date_s: when the newest of them was changed. -1: ERR_NOTFOUND,
 * ERR_INPUT, ERR_LIMIT, ERR_IO; links out of the folder and what is no file are errors too. */
int engines_read_rules(const char *path, struct buf *bundle, int64_t *date_s, struct err *e);
