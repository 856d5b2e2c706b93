#include "store/db_internal.h"

/* What came with version 3: what scans said of blobs. key: everything that the answer depends on; stamp: the file as it
 * was when it was hashed; seal: the site's signature over all of it (scan/memory.c). */
#define DB_SCHEMA_SCAN                                   \
    "CREATE TABLE scan("                                 \
    " key BLOB NOT NULL UNIQUE CHECK(length(key) = 32)," \
    " blob BLOB NOT NULL CHECK(length(blob) = 32),"      \
    " scanner TEXT NOT NULL,"                            \
    " stamp BLOB NOT NULL, seal BLOB NOT NULL,"          \
    " reply BLOB NOT NULL) STRICT;"                      \
    "CREATE INDEX scan_blob ON scan(blob);"

/* Digests are 32 bytes, times are seconds since 1970 UTC, numbers count from the value their header says. Everything is
 * STRICT, so that a column holds what it says. A change of this text is a new DB_SCHEMA_VERSION with a migration:
 * DB_MIGRATIONS[N] makes version N + 1 of version N. */
const char DB_SCHEMA[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE shipment("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " folder TEXT NOT NULL UNIQUE,"
    " station TEXT NOT NULL,"
    " sequence INTEGER NOT NULL,"
    " issued INTEGER NOT NULL, expires INTEGER NOT NULL, received INTEGER NOT NULL,"
    " state INTEGER NOT NULL CHECK(state IN (0, 1, 2)),"
    " UNIQUE(station, sequence)) STRICT;"

    "CREATE TABLE shipment_blob("
    " shipment INTEGER NOT NULL REFERENCES shipment(number),"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " size INTEGER NOT NULL,"
    " PRIMARY KEY(shipment, digest)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE blob("
    " digest BLOB PRIMARY KEY CHECK(length(digest) = 32),"
    " size INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    /* shipment 0: packed here, or pushed. admitted 2: discarded, its bytes and what it was made of are gone */
    "CREATE TABLE release("
    " digest BLOB PRIMARY KEY CHECK(length(digest) = 32),"
    " name TEXT NOT NULL, version TEXT NOT NULL,"
    " shipment INTEGER NOT NULL,"
    " admitted INTEGER NOT NULL CHECK(admitted IN (0, 1, 2)),"
    " time INTEGER NOT NULL,"
    " UNIQUE(name, version)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE release_blob("
    " release BLOB NOT NULL REFERENCES release(digest),"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " media_type TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " PRIMARY KEY(release, digest)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX release_blob_digest ON release_blob(digest);"

    /* what a release brings for the mirrors; about: a JSON object */
    "CREATE TABLE package("
    " release BLOB NOT NULL REFERENCES release(digest),"
    " ecosystem TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, filename TEXT NOT NULL,"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " size INTEGER NOT NULL,"
    " about TEXT NOT NULL,"
    " PRIMARY KEY(release, ecosystem, name, filename)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE pointer("
    " environment TEXT NOT NULL, name TEXT NOT NULL,"
    " release BLOB NOT NULL REFERENCES release(digest),"
    " time INTEGER NOT NULL, action TEXT NOT NULL, ledger_seq INTEGER NOT NULL,"
    " PRIMARY KEY(environment, name)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE pointer_history("
    " step INTEGER PRIMARY KEY,"
    " environment TEXT NOT NULL, name TEXT NOT NULL,"
    " release BLOB NOT NULL REFERENCES release(digest),"
    " time INTEGER NOT NULL, action TEXT NOT NULL, ledger_seq INTEGER NOT NULL) STRICT;"
    "CREATE INDEX pointer_history_name ON pointer_history(environment, name);"

    /* what was pushed and is not judged, as its pusher sees it; subject and named: digests as they were written */
    "CREATE TABLE pushed_blob("
    " repository TEXT NOT NULL, person TEXT NOT NULL,"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " size INTEGER NOT NULL, time INTEGER NOT NULL,"
    " PRIMARY KEY(digest, person, repository)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX pushed_blob_view ON pushed_blob(repository, person);"
    "CREATE TABLE pushed_manifest("
    " repository TEXT NOT NULL, person TEXT NOT NULL,"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " named TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,"
    " subject TEXT NOT NULL, artifact_type TEXT NOT NULL, annotations TEXT NOT NULL,"
    " time INTEGER NOT NULL,"
    " PRIMARY KEY(repository, person, digest)) STRICT;"
    "CREATE INDEX pushed_manifest_digest ON pushed_manifest(digest);"
    "CREATE INDEX pushed_manifest_subject ON pushed_manifest(subject, repository, person, named);"
    "CREATE TABLE pushed_tag("
    " repository TEXT NOT NULL, person TEXT NOT NULL, tag TEXT NOT NULL,"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " named TEXT NOT NULL,"
    " PRIMARY KEY(repository, person, tag)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE digest_alias("
    " sha512 BLOB PRIMARY KEY CHECK(length(sha512) = 64),"
    " digest BLOB NOT NULL CHECK(length(digest) = 32)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE evidence("
    " arrival INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE CHECK(length(id) = 32),"
    " subject BLOB NOT NULL CHECK(length(subject) = 32),"
    " predicate_type TEXT NOT NULL, environment TEXT NOT NULL, result TEXT NOT NULL, origin TEXT NOT NULL,"
    " time INTEGER NOT NULL,"
    " envelope BLOB NOT NULL) STRICT;"
    "CREATE INDEX evidence_subject ON evidence(subject, predicate_type);"

    "CREATE TABLE person("
    " name TEXT NOT NULL, role TEXT NOT NULL,"
    " key_id BLOB NOT NULL CHECK(length(key_id) = 32),"
    " added INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL CHECK(revoked IN (0, 1)),"
    " record BLOB NOT NULL,"
    " PRIMARY KEY(name, role)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX person_key ON person(key_id);"

    "CREATE TABLE token("
    " hash BLOB PRIMARY KEY CHECK(length(hash) = 32),"
    " person TEXT NOT NULL, role TEXT NOT NULL, environment TEXT NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL CHECK(revoked IN (0, 1)),"
    " repository TEXT NOT NULL,"
    " record BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE trust("
    " station TEXT NOT NULL, file TEXT NOT NULL,"
    " version INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY(station, file)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE ledger("
    " seq INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " entry BLOB NOT NULL,"
    " leaf BLOB NOT NULL CHECK(length(leaf) = 32)) STRICT;"
    /* who may do what is asked often, and most entries are about accesses */
    "CREATE INDEX ledger_rights ON ledger(seq) WHERE " DB_LEDGER_RIGHTS ";"

    /* turn: the newest has the largest */
    "CREATE TABLE collection("
    " digest BLOB PRIMARY KEY CHECK(length(digest) = 32),"
    " name TEXT NOT NULL,"
    " time INTEGER NOT NULL, turn INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX collection_name ON collection(name, turn);"

    "CREATE TABLE collection_blob("
    " collection BLOB NOT NULL REFERENCES collection(digest),"
    " digest BLOB NOT NULL CHECK(length(digest) = 32),"
    " media_type TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " PRIMARY KEY(collection, digest)) STRICT, WITHOUT ROWID;"

    /* first: the number of the batch's first access record; offset and length in bytes of the segment file */
    "CREATE TABLE access_batch("
    " first INTEGER PRIMARY KEY,"
    " count INTEGER NOT NULL,"
    " segment TEXT NOT NULL,"
    " offset INTEGER NOT NULL, length INTEGER NOT NULL,"
    " ledger_seq INTEGER NOT NULL) STRICT;"

    DB_SCHEMA_SCAN;

const char *const DB_MIGRATIONS[DB_SCHEMA_VERSION] = {[2] = DB_SCHEMA_SCAN};
