/* An inventory that came with a release (the station's attestation, CycloneDX or SPDX), held against our own. What it
 * says and we do not find, or find as something else, is a finding; what we find and it does not say is one too, of
 * less weight, because others look less deep. Hard rule: a supplied inventory is never our result, and never takes
 * anything out of it. */
#pragma once

#include "parse/report.h"
#include "scan/scan.h"

/* Both lists as the op "sbom-read" gives them ("packages"). Rules: sbom-hash (the same thing with another hash: HIGH),
 * sbom-version (MEDIUM), sbom-missing (said and not there: MEDIUM, of a file LOW), sbom-surplus (there and not said: a
 * model MEDIUM, packages LOW, or INFO where the supplied list has none of their kind; one finding a kind). */
void sbom_compare(const json_t *supplied, const json_t *own, struct report *r);

/* Looks for the newest inventory that the station signed about the release, compares it with `own` (an SBOM document of
 * ours), and adds a row "sbom/station.cdx.json" to the report. No row when the station signed none, or its signature
 * does not hold: that is the gate's to say. -1: ERR_SYSTEM, ERR_IO, ERR_LIMIT. */
int scan_compare_sbom(struct site *s, const struct release *release, struct span own, struct scan_report *out,
                      struct err *e);
