/* The Debian security tracker's JSON (security-tracker.debian.org/tracker/data/json): one object, package → CVE →
 * {description, releases: {codename: {status, fixed_version, urgency}}}. It is tens of MB, so it is read package by
 * package. Pure. Hard rule: a state that is not known here is refused with its place; "undetermined" counts as
 * affected.
 */
#pragma once

#include "parse/advisory_row.h"

/* Reads packages from byte *at of `text` on and appends their rows, until *rows holds `enough` bytes or the object ends
 * (then *done). *at is where to go on. *at 0: the beginning. -1: ERR_INPUT, no such object. */
int debian_tracker_read(struct span text, uint64_t *at, size_t enough, struct buf *rows, bool *done, struct err *e);

/* Does it look like one: an object of objects of objects? */
bool debian_tracker_is(struct span text);
