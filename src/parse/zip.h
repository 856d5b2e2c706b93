/* Zip archives (APPNOTE 6.3.10, sections 4.3 to 4.5), the strict part of it that packages and models use: one disk, no
 * encryption, stored or deflated members, 32 or 64 bits. Hard rule: the local headers and the central directory say the
 * same, and together with the data they fill the file without a gap, so that no two readers see two archives in one
 * file. */
#pragma once

#include "parse/inspect.h"

/* Members of one archive: a wheel of a large framework has 20,000, a checkpoint some thousands. */
#define LIMIT_ZIP_MEMBERS 262144U

struct zip_member {
    char *path;       /* owned; normal form, as path_problem makes it */
    struct span raw;  /* borrowed: local header, data and descriptor */
    struct span data; /* borrowed: as it lies in the archive */
    uint64_t size;    /* unpacked */
    uint32_t crc;
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

/* The member's bytes, held against CRC and size: as they lie in the archive when they are stored (however long they
 * are), else unpacked into *room, which is emptied first. *out lives as long as both. 0, or -1 after a finding. */
int zip_bytes(const struct zip_member *m, struct buf *room, struct span *out, struct report *r);

/* Appends the member's bytes, unpacked and held against CRC and size. 0, or -1 after a finding. */
int zip_read(const struct zip_member *m, struct buf *out, struct report *r);
