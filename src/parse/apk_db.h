/* The packages of an Alpine system: lib/apk/db/installed, records of "K:value" lines with an empty line between them
 * (apk-tools, doc/apk-v2.5: P name, V version, A architecture, o origin, L licence, F folder, R file, Z checksum). Hard
 * rule: a line of another form ends the reading, with a finding. */
#pragma once

#include "parse/inventory.h"

void apk_db_read(struct span file, struct inventory *v);

/* "Q1" and the base64 of a SHA-1, "Q2" and that of a SHA-256. False: neither. */
bool apk_checksum(struct span text, enum hash *kind, struct buf *bytes);
