/* A site: one contour or station folder, opened. Everything that a command works on hangs here: folder, configuration,
 * blobs, database, the site's own keys, ledger, parser, and the time, read once. Hard rule: a state change goes through
 * site_begin … site_commit, so that it and its ledger entry exist together or not at all, and so that the clock is
 * looked at first. */
#pragma once

#include "ledger/ledger.h"
#include "sandbox/child.h"
#include "store/blobs.h"
#include "trust/people.h"

/* Where this file stands, the folder is a backup. */
#define SITE_BACKUP_FILE "backup.json"

enum site_kind { SITE_CONTOUR, SITE_STATION };

struct config {
    enum site_kind kind;
    char name[65];             /* contour or station */
    char id[33];               /* contour id: 128 random bits as hex, made by init; who a shipment is addressed to */
    char passphrase_file[512]; /* unseals the site's own keys; relative to the folder */
    char listen[64];           /* "127.0.0.1" */
    uint64_t port;
    char tls_certificate[512], tls_key[512]; /* relative to the folder; both empty: plain HTTP */
    char serve[8][17];                       /* environments whose releases `serve` keeps running */
    size_t serve_count;
    bool log_prompts; /* access records carry prompt text; default no */
    uint64_t engine_memory_bytes, engine_cpus, engine_threads;
    uint64_t requests_per_minute; /* quota of one token */
    bool standby;                 /* keep the previous release loaded */
    uint64_t reserve_bytes;       /* below so much free space nothing is taken in (room.h) */
    uint64_t keep_access_s;       /* access records older than this go with gc; 0: they stay */
    uint64_t quota_bytes;         /* what may lie pushed and unjudged in one repository; 0: no limit */
};

struct site {
    int dir;
    char *path; /* absolute */
    struct config config;
    struct db *db;
    struct blobs *blobs;           /* store/ */
    struct public_key *public_key; /* the site's own, P-256: what verdicts, reports and people's records verify under */
    struct private_key *key;       /* NULL until site_key was called */
    struct private_key *ledger_key; /* NULL until something is published */
    struct ledger *ledger;
    struct child *parser; /* started at the first call of site_parser */
    char origin[128];     /* ledger origin */
    int64_t now_s;        /* read once, when the site was opened: the time of this operation's decisions */
    bool backup;          /* a backup, not the site itself: it is read, never written (contour/backup.h) */
    int64_t entry_s;      /* time of the open transaction's ledger entries */
    char actor[80];       /* who acts, for entries: "os:<user>" or "person:<name>" */
};

/* Opens the folder `path`. ERR_NOTFOUND with a hint at `airlock init` when it is none, or none of this kind (`kind` <
 * 0: any). ERR_DENIED for root in another user's folder. Leftovers of an interrupted command are put in order first. */
struct site *site_open(const char *path, int kind, struct err *e);
void site_close(struct site *s);
static inline void auto_site_close(struct site **s)
{
    site_close(*s);
}
#define auto_site AUTO(auto_site_close) struct site *

/* Makes a folder: configuration with comments, policy if a contour, keys sealed with the passphrase in
 * `passphrase_file` (NULL: a random one in keys/unseal, mode 0600), database, first ledger entry. ERR_EXISTS.
 * Interrupted, it leaves nothing that opens; again completes it. */
int site_init(const char *path, enum site_kind kind, const char *name, const char *passphrase_file, struct err *e);

/* The site's private key, unsealed at the first call; lives as long as the site. Of a contour it signs verdicts,
 * reports and people; of a station, attestations and releases. NULL: ERR_DENIED (wrong passphrase), ERR_NOTFOUND. */
const struct private_key *site_key(struct site *s, struct err *e);

/* The ledger's vkey (C2SP form). */
int site_vkey(struct site *s, struct buf *out, struct err *e);

struct child *site_parser(struct site *s, struct err *e);

/* The latest time that is certain to have passed: last ledger entry, last accepted issue time (which receive raises,
 * inside its transaction). */
#define SITE_META_FLOOR "clock_floor"
int site_clock_floor(struct site *s, int64_t *floor_s, struct err *e);
int site_raise_floor(struct site *s, int64_t time_s, struct err *e);

/* An operation reads the clock once; one that began this long ago may still end while others wrote to the ledger. */
#define SITE_OPERATION_MAX_S (24 * 3600)

/* ERR_DENIED when the clock is below the floor: what it says, what the floor is, what to do. site_begin asks this too.
 */
int site_clock_check(struct site *s, struct err *e);

/* ERR_DENIED when this is a backup. site_begin asks this too. */
int site_check_live(const struct site *s, struct err *e);

/* Brings ledger/ up to the database, unsealing the ledger's key at the first call. site_commit does it; `serve` does it
 * at its start. */
int site_publish(struct site *s, struct err *e);

/* Begins a transaction. ERR_DENIED when the clock is below the floor. Then: struct json_out w; auto_buf entry = …;
 * site_event(s, &w, &entry, "promote"); json_put_string(&w, …); … site_commit(s, &w, &seq, e) site_commit appends the
 * entry, commits, and publishes the ledger. site_append appends without committing (several entries, or a sequence
 * number that is needed before the commit). After a failure call site_rollback. */
int site_begin(struct site *s, struct err *e);
void site_event(struct site *s, struct json_out *w, struct buf *entry, const char *action);
int site_append(struct site *s, struct json_out *w, uint64_t *seq, struct err *e);
int site_commit(struct site *s, struct json_out *w /* may be NULL after site_append */, uint64_t *seq, struct err *e);
void site_rollback(struct site *s);

/* Writes trust/: a copy, for other tools, of the trusted metadata that stands in the database. After a commit that
 * changed it. */
int site_copy_trust(struct site *s, struct err *e);

/* Signs a Statement with the site's key and stores it as evidence, inside the open transaction. */
int site_evidence(struct site *s, const char *subject_name, const struct digest *subject, const char *predicate_type,
                  const char *environment, const char *result, struct span predicate, struct digest *id, struct err *e);
