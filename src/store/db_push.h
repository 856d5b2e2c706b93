/* Rows about what was pushed and not yet judged. Its bytes lie in pushed/ (an image layout); these rows say who may see
 * them: every function takes a view, a repository as one person sees it, and two people who push into one repository do
 * not see each other's things. See db.h for the rules; repositories are written whole, "sandbox/assistant/model". */
#pragma once

#include "store/db.h"
#include "util/digest512.h"

struct push_view {
    const char *repository;
    const char *person;
};

/* ── blobs ── */

int db_push_blob_add(struct db *db, const struct push_view *v, const struct digest *id, uint64_t size, int64_t time_s,
                     struct err *e); /* again is fine, and makes it young */
/* ERR_NOTFOUND. v->repository NULL: in whichever repository of this person. *size may be NULL. */
int db_push_blob_get(struct db *db, const struct push_view *v, const struct digest *id, uint64_t *size, struct err *e);
int db_push_blob_remove(struct db *db, const struct push_view *v, const struct digest *id, struct err *e);

/* Of all blobs and manifests that anybody pushed into this repository, each once. */
int db_push_bytes(struct db *db, const char *repository, uint64_t *bytes, struct err *e);

/* ── manifests ── */

struct push_manifest_row {
    struct digest digest;
    const char *named; /* the digest under which it was pushed, sha256:… or sha512:… */
    const char *media_type;
    uint64_t size;
    const char *subject;       /* a digest as the manifest writes it, or "" */
    const char *artifact_type; /* as referrers show it, or "" */
    const char *annotations;   /* JSON object; "" without a subject */
    int64_t time_s;
};

int db_push_manifest_add(struct db *db, const struct push_view *v, const struct push_manifest_row *row,
                         struct err *e); /* again is fine */
/* ERR_NOTFOUND. The strings are copied into *strings, which the caller owns. */
int db_push_manifest_get(struct db *db, const struct push_view *v, const struct digest *id,
                         struct push_manifest_row *row, struct buf *strings, struct err *e);
/* With its tags. ERR_NOTFOUND. */
int db_push_manifest_remove(struct db *db, const struct push_view *v, const struct digest *id, struct err *e);
/* Those that hang on `subject`, in order of `named`, behind `after` ("": all). artifact_type NULL: any. Stops at a
 * non-zero return, which is returned. */
int db_push_referrer_each(struct db *db, const struct push_view *v, const char *subject, const char *artifact_type,
                          const char *after, int (*each)(void *arg, const struct push_manifest_row *row), void *arg,
                          struct err *e);

/* ── tags ── */

int db_push_tag_set(struct db *db, const struct push_view *v, const char *tag, const struct digest *id,
                    const char *named, struct err *e);
/* ERR_NOTFOUND. */
int db_push_tag_get(struct db *db, const struct push_view *v, const char *tag, struct digest *id,
                    char named[DIGEST512_TEXT_SIZE], struct err *e);
int db_push_tag_remove(struct db *db, const struct push_view *v, const char *tag, struct err *e); /* ERR_NOTFOUND */
/* In order of bytes, behind `after`. Stops at a non-zero return, which is returned. */
int db_push_tag_each(struct db *db, const struct push_view *v, const char *after,
                     int (*each)(void *arg, const char *tag, const struct digest *id), void *arg, struct err *e);

/* ── second names ── */

/* What was verified once: these SHA-512 bytes are the blob `id`. Of no use without a right to see the blob. */
int db_push_alias_add(struct db *db, const struct digest512 *alias, const struct digest *id, struct err *e);
int db_push_alias_get(struct db *db, const struct digest512 *alias, struct digest *id,
                      struct err *e); /* ERR_NOTFOUND */

/* ── what stays ── */

/* Does any view, or a release that was pushed and lies unjudged, need the blob? */
int db_push_needed(struct db *db, const struct digest *id, bool *needed, struct err *e);
/* The release `name` (any version) that was pushed, has a row and needs the blob: then it stays. ERR_NOTFOUND. */
int db_push_release_of(struct db *db, const char *name, const struct digest *id, struct digest *release, struct err *e);
/* ── what views hold, for gc and status ── */

/* What lies in one repository, of everybody who pushed there: each blob and manifest once; `bytes` of both. Stops at a
 * non-zero return. */
struct push_sum {
    const char *repository;
    uint64_t blobs, bytes, manifests;
    int64_t newest_s; /* the last blob or manifest */
};
int db_push_sum_each(struct db *db, int (*each)(void *arg, const struct push_sum *sum), void *arg, struct err *e);

/* Every view in which a blob or a manifest lies that came before `before_s`. */
int db_push_view_each(struct db *db, int64_t before_s, int (*each)(void *arg, const struct push_view *v), void *arg,
                      struct err *e);
/* Its manifests. `stays` says that one needs no other to stay: it has a tag, came since `before_s`, or hangs on a
 * release that is known here. */
int db_push_manifest_each(struct db *db, const struct push_view *v, int64_t before_s,
                          int (*each)(void *arg, const struct push_manifest_row *row, bool stays), void *arg,
                          struct err *e);
/* Its blobs that came before `before_s`. */
int db_push_blob_each(struct db *db, const struct push_view *v, int64_t before_s,
                      int (*each)(void *arg, const struct digest *id), void *arg, struct err *e);
/* Another number after any manifest or tag came into the view. */
int db_push_view_mark(struct db *db, const struct push_view *v, uint64_t *mark, struct err *e);

/* Forgets what views hold of releases that were admitted since: from there on the store has it. */
int db_push_forget_admitted(struct db *db, struct err *e);
