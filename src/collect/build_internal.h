/* One build, for the files build*.c. */
#pragma once

#include "collect/build.h"
#include "collect/build_compare.h"

#define BUILD_RUNS 3 /* the third only where the umask alone made the difference */

struct variation {
    const char *tree, *umask, *order, *locale, *zone, *seed, *host, *home;
    const char *shift; /* seconds by which the times of the source's files are moved */
    bool clock;        /* moved, where libfaketime is there */
};
extern const struct variation BUILD_VARIATIONS[BUILD_RUNS];
#define BUILD_CLOCK "+400d"

struct building {
    struct collecting *c;
    const struct package *sdist; /* borrowed from a copy that lasts as long as this */
    const char *faketime;        /* path of the library, or NULL */
    int64_t epoch;               /* SOURCE_DATE_EPOCH */
    char toolchain[256];         /* as the driver saw it */
    bool umask_matters;
};

/* A wheel of the collection that builds may use. */
bool build_is_tool(const struct package *p);

/* Runs one of the three in a folder of its own. *wheel is a descriptor of the one wheel that it left, which the caller
 * closes; `filename` its name. */
int build_run(struct building *b, size_t which, int *wheel, char filename[256], struct err *e);

/* Signs the provenance of the wheel and puts it into the store as evidence of the collection. */
int build_attest(struct building *b, const struct package *wheel, struct err *e);
