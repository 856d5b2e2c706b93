/* Zip archives (APPNOTE 6.3.10, sections 4.3 to 4.4), the strict part of it that packages use: one disk, no encryption,
 * stored or deflated members. Hard rule: the local headers and the central directory say the same, and together with
 * the data they fill the file without a gap, so that no two readers see two archives in one file. */
#pragma once

#include "parse/inspect.h"

/* Members of one archive; without the 64-bit form there can be no more. */
#define LIMIT_ZIP_MEMBERS 65535U

struct zip_member {
    char *path;       /* owned; normal form, as path_problem makes it */
    struct span raw;  /* borrowed: local header, data and descriptor */
    struct span data; /* borrowed: as it lies in the archive */
    uint32_t crc, size;
    uint16_t method;
    unsigned mode; /* UNIX permissions, 0 when the archive has none */
    bool folder;
};

struct zip {
    struct zip_member *members; /* owned; in the order in which they lie */
    size_t count;
};

/* Reads the directory and checks it against the local headers. 0, or -1 after a finding. *out is to be closed either
 * way. */
int zip_open(struct span file, struct zip *out, struct report *r);
void zip_close(struct zip *z);
#define auto_zip AUTO(zip_close) struct zip

/* The member of this path, or NULL. */
const struct zip_member *zip_find(const struct zip *z, const char *path);

/* Appends the member's bytes, unpacked and held against CRC and size. 0, or -1 after a finding. */
int zip_read(const struct zip_member *m, struct buf *out, struct report *r);

/* A vendored bundle: nothing but wheels. One artifact, whose wheels are looked at one by one. */
bool zip_of_wheels(struct span file);

/* Each member of an archive of a package, looked at as one of the package. Facts: members, bytes. */
void zip_check(struct span file, const struct inspect_options *o, struct report *r);
