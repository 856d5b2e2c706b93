/* What the tests of this folder share: a folder of their own, golden files, and a release in a layout, whose documents
 * a test can change before it is read. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ship/oci_write.h"

#define ISSUED  1795507200 /* 2026-11-24T08:00:00Z */
#define EXPIRES 1803283200 /* 2027-02-22T08:00:00Z */

/* A new folder below /tmp; folder_remove takes it away. */
struct folder {
    char path[64];
    int fd;
};
int folder_make(void **state); /* cmocka's set-up: *state becomes a struct folder */
int folder_remove(void **state);

/* A digest that is the same in each run: SHA-256 of the text. */
struct digest digest_of_text(const char *text);

/* docs/formats/NAME holds exactly these bytes and a newline. */
void expect_golden(const char *name, const struct buf *text);
void read_golden(const char *name, struct buf *out);

/* The documents of a small release, as JSON that a test may change before release_put writes them. */
struct sample {
    json_t *index, *model_manifest, *engine_manifest, *config_manifest, *config; /* owned */
    struct blobs *blobs;                                                         /* owned */
    struct digest model, layer;
};
void sample_make(struct sample *s, struct folder *f);
/* Writes documents from the bottom up, each with the digests of what lies below it, and returns the index's digest. */
struct digest sample_put(struct sample *s);
void sample_fini(struct sample *s);
