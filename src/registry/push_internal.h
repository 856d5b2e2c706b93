/* What the files of pushing share. */
#pragma once

#include <pthread.h>

#include "registry/push.h"
#include "store/blobs_upload.h"

/* Uploads that are kept open between requests, with their running hash; one more and the one that rested longest is
 * closed, and its bytes are hashed again at its end. */
#define PUSH_SESSIONS 256U

struct push_session {
    char name[UPLOAD_NAME_MAX + 1]; /* "": free */
    struct blob_upload *upload;
    bool busy; /* a request has it */
    int64_t used_ms;
};

struct pushing {
    struct callers *callers;
    struct blobs *blobs;
    const char *home;
    int dir; /* home, opened */
    uint64_t reserve_bytes, quota_bytes;

    /* Held for reading from before a blob gets its name until its row is committed, for writing while a file that no
     * row needs is removed: so that nobody's row is left without its file. */
    pthread_rwlock_t files;

    pthread_mutex_t lock;     /* sessions, coming */
    struct push_room *coming; /* bodies that are taken in one request */
    struct push_session sessions[PUSH_SESSIONS];

    pthread_mutex_t intake; /* one release is taken in at a time */

    pthread_t tidier;
    bool tidying; /* the thread runs */
    pthread_mutex_t tidy_lock;
    pthread_cond_t tidy_end;
    bool end; /* under tidy_lock */
};

/* What the request asks, as its record says it: "begin" (an upload), "piece", "look" (how far one is), "cancel", "put"
 * (a whole blob, or the last request of an upload; a manifest), "mount", "delete". */
const char *push_action(const struct oci *o);

/* Answers with an error and leaves the record of what was refused. `named` is a digest or "". */
void push_refuse(struct oci *o, const char *action, const char *named, unsigned status, const char *code,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same for what an err says; ERR_INPUT gets `code`. */
void push_refuse_err(struct oci *o, const char *action, const char *named, const char *code, const struct err *e);

/* 201 with Location and Docker-Content-Digest, after the record: without one nothing more is said than 503, and what
 * was pushed stays, so that the same again succeeds. */
void push_created(struct oci *o, const char *action, const char *kind, const char *named, uint64_t bytes);

/* Takes the whole body, in pieces; ERR_LIMIT beyond `max`. *got is what came. ERR_UNDECIDED: the client is gone. */
int push_body_each(struct oci *o, uint64_t max, int (*each)(void *arg, struct span bytes, struct err *e), void *arg,
                   uint64_t *got, struct err *e);

/* Is there room for `bytes` more, on the disk (else ERR_NOSPACE) and in the repository's quota (else ERR_DENIED)? Asked
 * before a body is taken, and by push_room_take while it comes: of a chunked one nobody says how long it will be. What
 * counts at last is push_quota_check, inside the transaction that adds the row. In the quota are the blobs and
 * manifests that everybody pushed into this repository and all its unfinished uploads. */
int push_room(struct oci *o, uint64_t bytes, struct err *e);
/* What the request says of its body's length; 0: nothing. */
uint64_t push_announced(const struct oci *o);
int push_quota_check(struct oci *o, struct db *db, uint64_t more, struct err *e);

/* Looks again when what it found last is used up, at most PUSH_ROOM_STEP bytes later: of several that push at once
 * each may take so much more than there is. */
#define PUSH_ROOM_STEP (16U << 20)
struct push_room {
    struct oci *o;
    uint64_t left; /* of what was found last */
    bool none;     /* out: the piece was refused because there is no room for it */

    /* A body that is in no upload counts as unfinished, too: its bytes so far. */
    bool listed;
    uint64_t taken; /* under pushing.lock, as is next */
    struct push_room *next;
};
int push_room_take(struct push_room *m, uint64_t bytes, struct err *e);
/* Lists a body that is taken in one request, until push_room_close. */
void push_room_list(struct push_room *m);
void push_room_close(struct push_room *m); /* also of one that is not listed */

/* Answers what push_room or push_room_take has said: 403 DENIED, 507. */
void push_room_refuse(struct oci *o, const struct err *e);

/* push_mark of the request's repository. */
void push_upload_mark(const struct oci *o, char mark[PUSH_MARK_SIZE]);

/* Removes the file of a blob that no row needs; what is still needed stays. */
int push_file_drop(struct pushing *p, struct db *db, const struct digest *id, struct err *e);

/* In the transaction that adds a row of the blob: is its file there? `airlock gc` may have taken one that lay there
 * before and that no row needed. ERR_BUSY: it has to be pushed again. */
int push_file_kept(struct oci *o, const struct digest *id, struct err *e);

/* ── releases (push_release.c) ── */

/* May the manifest `bytes`, whose digest is `id`, stand under the tag `version`? ERR_EXISTS: that version is there with
 * another digest. A `release` is read whole and must be what its name and tag say; ERR_INPUT with what is wrong. Before
 * anything else of it is stored. */
int push_release_check(struct oci *o, const struct digest *id, bool release, struct span bytes, const char *version,
                       struct err *e);

/* Makes the release's row, and evidence of what a trusted station signed about it; what hangs on a release that is
 * known is added to it. After the rows of the push are committed. */
int push_release_take(struct oci *o, const struct digest *index, struct err *e);
