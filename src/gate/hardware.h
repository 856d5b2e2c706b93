/* What a result was measured on: processor model and the instruction sets that change a model's answers or speed, GPU
 * model and driver. Flags that come and go with kernel versions are left out, so that an update of the kernel does not
 * unmake a test. Hard rule: two runs are on the same hardware when their `id` is the same. */
#pragma once

#include "util/digest.h"
#include "util/json.h"

struct hardware {
    char processor[128];
    char features[1024]; /* sorted, one space between */
    char gpu[256];       /* "none", or model and driver */
    struct digest id;    /* SHA-256 of "processor\nfeatures\ngpu\n" */
};

/* This host's. `root` is "" (tests give a folder that holds proc/ and sys/). */
int hardware_read(const char *root, struct hardware *out, struct err *e);

/* Writes the member "hardware": {"id": "sha256:…", "processor": …, "features": …, "gpu": …}. */
void hardware_json(struct json_out *w, const struct hardware *h);

/* The id in a predicate's member "hardware". */
int hardware_id(const json_t *predicate, struct digest *out, struct err *e);
