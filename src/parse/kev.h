/* The catalogue of known exploited vulnerabilities (CISA KEV, known_exploited_vulnerabilities_schema.json): which CVEs
 * are used in attacks. It names no packages; it marks advisories. Pure. Hard rule: a catalogue that holds another
 * number of entries than it says is refused whole. */
#pragma once

#include "parse/advisory_row.h"
#include "util/json.h"

/* Appends a row an entry. *released_s: the catalogue's own date. ERR_INPUT names the place. */
int kev_read(const json_t *catalogue, struct buf *rows, int64_t *released_s, struct err *e);
bool kev_is(const json_t *document);
