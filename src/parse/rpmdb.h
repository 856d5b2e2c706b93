/* The database of an RPM system: rpmdb.sqlite and Packages.db (ndb). The file is read as it lies, by a small reader of
 * SQLite's pages ("Database File Format", sqlite.org) that knows tables and nothing else: no SQL is run, so that
 * triggers, views and indexes of a hostile file mean nothing. Berkeley DB (Packages) has no reader: not-scanned. Hard
 * rule: every page is visited once, and a database that cannot be read to its end is a finding. */
#pragma once

#include "parse/inventory.h"

#define LIMIT_RPM_PACKAGES 100000U

void rpmdb_sqlite_read(struct span file, struct inventory *v);
void rpmdb_ndb_read(struct span file, struct inventory *v);
void rpmdb_bdb_read(struct span file, struct inventory *v);
