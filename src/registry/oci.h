/* What the files of the OCI distribution API share: one request to a repository, let in, and how bytes are found. A
 * repository holds what the environment's pointer reaches, for everybody who may pull there; and, in sandbox, what the
 * caller themselves pushed and nobody has judged (store/db_push.h). Hard rule: each lookup is one of these two; what is
 * neither does not exist. */
#pragma once

#include "registry/internal.h"
#include "registry/oci_path.h"
#include "store/db_push.h"

struct oci {
    struct registry *g;
    struct http_request *r;
    struct identity who;
    struct oci_path path;
    struct db *db;       /* taken for this request; NULL until oci_db_take */
    uint64_t generation; /* of the cache, before `db` was asked anything */

    bool reads;            /* the caller may pull what stands here */
    bool stands;           /* a pointer names a release, and the caller may pull it */
    struct digest release; /* which */
    struct push_view view; /* what the caller pushed here */
    bool pushed;           /* there may be such things: sandbox, of a registry that takes pushes, of a pusher */
};

/* What this caller may see at o->path: sets reads, pushed and view. */
void oci_look(struct oci *o);

/* Takes a database handle and asks it what the pointer names now; the whole request is answered by that. */
int oci_db_take(struct oci *o, struct err *e);

/* Something that was found. */
struct oci_found {
    struct digest id;
    uint64_t size;
    const struct blobs *blobs;       /* where it lies */
    bool pushed;                     /* it is the caller's own, not judged */
    char media_type[256];            /* of a manifest */
    char named[DIGEST512_TEXT_SIZE]; /* the digest to answer with: as it was asked for, or as its pusher named it */
};

/* 1: found; 0: it does not exist for this caller; -1: error. */
int oci_find_blob(struct oci *o, const struct oci_digest *d, struct oci_found *out, struct err *e);
int oci_find_manifest(struct oci *o, const struct oci_digest *d, struct oci_found *out, struct err *e);
/* Of what the pointer reaches only; out->id says what is wanted. */
int oci_find_standing(struct oci *o, struct oci_found *out, struct err *e);
int oci_find_tag(struct oci *o, const char *tag, struct oci_found *out, struct err *e);

bool oci_is_manifest(const char *media_type);

/* ── answers (oci.c) ── */

/* 404 with its access record. */
void oci_unknown(struct oci *o, const char *code, const char *what);
/* What an err says, with its access record. */
void oci_failed(struct oci *o, const struct err *e);
/* The same; a row names it, and the store has it not, or not its bytes: that is ours, not the client's. */
void oci_store_failed(struct oci *o, struct err *e);
/* A pull is recorded before it is answered, with the bytes that are granted. False when it could not be, and the
 * request was answered so. */
bool oci_recorded(struct oci *o, unsigned status, const struct oci_found *found, uint64_t bytes);
/* Answers 200 with these bytes, which it takes, after the record. What is the same for everybody who reads here goes
 * into the cache. */
void oci_answer_page(struct oci *o, const struct oci_found *found, const char *content_type, struct buf *body);
void oci_put_digest(struct oci *o, const char *named);

void oci_answer_manifest(struct oci *o);  /* oci_pull.c */
void oci_answer_blob(struct oci *o);      /* oci_pull.c */
void oci_answer_tags(struct oci *o);      /* oci_tags.c */
void oci_answer_referrers(struct oci *o); /* referrers.c */

/* ── records (pull_record.c) ── */

/* Writes the access record of a pull (docs/formats/access-pull.schema.json). `digest` may be NULL. -1: it could not be
 * written (and was logged); then nothing is given. */
int pull_record(const struct oci *o, unsigned status, const struct oci_found *found, uint64_t bytes);
void pull_record_write(const struct oci *o, int64_t time_s, unsigned status, const struct oci_found *found,
                       uint64_t bytes, struct buf *out);

/* The same of a push (docs/formats/access-push.schema.json). `action` is one of push_action's; `named` a digest or "".
 */
int push_record(const struct oci *o, const char *action, unsigned status, const char *named, uint64_t bytes);
void push_record_write(const struct oci *o, int64_t time_s, const char *action, unsigned status, const char *named,
                       uint64_t bytes, struct buf *out);
