/* Pushing (distribution-spec 1.1, "Push"): uploads, mounts, manifests, and taking back. What is pushed lies in
 * <contour>/pushed/, an image layout of its own, until it is judged; its rows say who may see it (store/db_push.h).
 * Hard rule: a push adds to what its pusher can see and to nothing else; what anybody else may see comes from a
 * pointer, and pointers move by promotion alone. */
#pragma once

#include "registry/oci.h"

/* A blob: the largest weights that people move have some hundred GB. */
#define PUSH_BLOB_MAX (1ULL << 40)

/* An upload to which nothing came for so long is given up. */
#define PUSH_UPLOAD_LIFE_S (24 * 3600)

/* How often that is looked at. */
#define PUSH_TIDY_S 3600

struct pushing;

/* What the names of the unfinished uploads of `repository` ("sandbox/things") have in common: "-…-". */
#define PUSH_MARK_SIZE 27
void push_mark(const char *repository, char mark[PUSH_MARK_SIZE]);

/* NULL with *e; o->home must be set. */
struct pushing *pushing_start(const struct registry_options *o, struct err *e);
void pushing_stop(struct pushing *p); /* NULL is fine */

/* The layout of pushed/, or NULL when this registry takes no pushes. */
struct blobs *push_blobs(const struct registry *g);

/* Removes uploads that nobody goes on with at `now_s`, rows of releases that were admitted, and files that no row needs
 * any more. Runs by itself every PUSH_TIDY_S. */
int pushing_tidy(struct pushing *p, int64_t now_s, struct err *e);

/* ── handlers: the request is let in (oci.c) ── */

void push_upload_begin(struct oci *o);    /* POST …/blobs/uploads/: begins, mounts, or takes the whole blob */
void push_upload_answer(struct oci *o);   /* GET, PATCH, PUT, DELETE …/blobs/uploads/ID */
void push_manifest_answer(struct oci *o); /* PUT …/manifests/REFERENCE */
void push_delete_answer(struct oci *o);   /* DELETE …/manifests/REFERENCE, …/blobs/DIGEST */
