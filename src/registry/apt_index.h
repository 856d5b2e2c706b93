/* The index files of one generation of an environment's apt archive: Packages for each architecture, plain and
 * compressed (libarchive), the Release file that names them by hash, and its signatures (Debian wiki,
 * "RepositoryFormat"; apt-secure(8)). The same packages and the same date give the same bytes. Files lie in memory, as
 * descriptors. */
#pragma once

#include "registry/registry.h"
#include "store/db_package.h"

#define APT_SUITE     "airlock" /* the name under dists/: one archive has one */
#define APT_FILES_MAX 64U

struct apt_file {
    char path[96]; /* below dists/airlock/: "main/binary-amd64/Packages.xz" */
    int fd;        /* owned */
    uint64_t size;
    struct digest sha256;
};

struct apt_index {
    struct apt_file files[APT_FILES_MAX];
    size_t count;
};
void apt_index_fini(struct apt_index *x);

/* What stands in the environment, gathered row by row. */
struct apt_packages;
struct apt_packages *apt_packages_new(void);
void apt_packages_free(struct apt_packages *p); /* NULL is fine */
/* A package that cannot stand in an index is left out, and logged. -1: ERR_LIMIT, the archive is larger than it may be.
 */
int apt_packages_add(struct apt_packages *p, const struct package_row *row, struct err *e);
size_t apt_packages_count(const struct apt_packages *p);

struct apt_release {
    const char *environment, *label;
    int64_t date_s, valid_until_s;
};

/* Packages of one name, version and architecture with different bytes: apt could not tell them apart, so none of them
 * is listed (and that is logged). */
int apt_index_make(struct apt_packages *p, const struct apt_release *about, const struct index_signer *signer,
                   struct apt_index *out, struct err *e);
