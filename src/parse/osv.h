/* One record of the OSV schema (ossf/osv-schema, docs/schema.md, version 1.7), as the exports of every ecosystem have
 * them, records of malicious packages too. Pure. Hard rule: a record is taken whole or refused with its place and
 * reason; members that the schema does not know are left alone, as it asks. */
#pragma once

#include "parse/advisory_row.h"
#include "util/json.h"

/* One record; the largest real ones are some MB. */
#define OSV_RECORD_BYTES (16U << 20)

/* Appends a row of the record, or one that says why it was refused. `name` is its file's name. */
void osv_read(struct span text, struct span name, struct buf *rows);

/* The same for a record that was parsed already. */
void osv_read_json(const json_t *record, struct span name, struct buf *rows);

/* RFC 3339 as advisories write it, fractions and offsets too; what lies before 1970 is 0. */
bool osv_time(const char *text, int64_t *seconds);
