/* One collecting under way, for the files of this folder: what was read, what was fetched. */
#pragma once

#include "collect/client.h"
#include "collect/collect.h"
#include "collect/spec.h"
#include "ship/packages.h"
#include "site/site.h"

struct collecting {
    struct site *s;
    const struct collect_spec *spec;
    const char *file;         /* collect.yaml's name, for messages */
    int dir;                  /* its folder */
    struct digest definition; /* of its bytes */
    int staging;
    struct child *parser;
    struct buf authorities; /* owned: the file that collect.yaml names */
    struct clients clients;
    struct lock *locks;               /* one a set; owned */
    struct packages packages;         /* what was fetched, held against its lock, and put into the store */
    struct release_blob *image_blobs; /* of all images: manifests with their media types, the rest; a pinned manifest is
                                         named NAME@sha256:HEX */
    size_t image_blob_count, image_count;
    struct client hub; /* the client of model repositories, where collect.yaml says it lies */
    char hub_program[4096];
    const struct collect_progress *progress;
    struct collect_result *result;
};
void collecting_fini(struct collecting *c);

/* A sentence for the person; one too many is dropped. */
void collect_remark(struct collecting *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fetches what one set's lock pins. */
int fetch_python(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e);
int fetch_npm(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e);
int fetch_models(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e);
int fetch_images(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e);
int fetch_apt(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e);

/* The package of the lock that means the file which a client left at `path`. NULL: ERR_INPUT, none does. */
const struct lock_package *pinned_by(const struct lock *lock, int dir, const char *path, struct err *e);

/* Opens what a client left, at `path` of `dir`: a regular file, reached over no link. The caller closes it. ERR_INPUT.
 */
int left_open(int dir, const char *path, uint64_t *size, struct err *e);

/* Takes the file that a client left at `path`: it must have one of the hashes of `p`, be a package of its ecosystem,
 * and call itself as the lock calls it. `filename` is what it will be called; `source` may be NULL. The same file once
 * more, for another platform or group, is fine. */
int take_file(struct collecting *c, const struct lock_package *p, int dir, const char *path, const char *filename,
              const char *source, struct err *e);

/* Holds the report of package_look against the bar of pack (parse/report.h): -1: ERR_INPUT, a verdict that blocks, with
 * file, rule and what was found; ERR_UNDECIDED: it has no verdict. */
int take_judge(const json_t *report, const char *filename, struct err *e);

/* Keeps bytes that an upstream signed. */
int take_evidence(struct collecting *c, int dir, const char *path, const char *name, struct err *e);

/* Names of the regular files in a folder that a client left, sorted, at most LEFT_MAX. Free with left_fini. */
#define LEFT_MAX 20000U
struct left {
    char **names;
    size_t count;
};
int left_list(int dir, const char *path, struct left *out, struct err *e);
void left_fini(struct left *l);
#define auto_left AUTO(left_fini) struct left

/* The token of a file that collect.yaml names: its first line. ERR_NOTFOUND, ERR_INPUT. */
int token_read(const struct collecting *c, const char *file, char out[1024], struct err *e);
/* Writes home/.netrc for `url`'s host; token_file NULL: nothing. */
int token_netrc(const struct collecting *c, int work, const char *url, const char *token_file, struct err *e);

/* One document by curl, into out/NAME of a run's folder. What stands in home/headers and home/.netrc there goes along.
 */
int fetch_url(struct collecting *c, const struct places *places, int work, const char *url, const char *accept,
              const char *name, struct err *e);

/* Writes a file into the folder of a run. */
int work_write(int work, const char *path, struct span text, struct err *e);

/* The signed record of it all (docs/formats/collection.schema.json): predicate urn:airlock:collection:v1. */
void record_write(const struct collecting *c, const struct digest *manifest, struct buf *out);

/* Puts what was collected into the station's store, and its row (collection.c). */
int collection_store(struct collecting *c, struct collect_result *out, struct err *e);
