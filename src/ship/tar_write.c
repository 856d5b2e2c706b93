#include "ship/tar_write.h"

#include <stdio.h>
#include <string.h>

/* ustar's fields: name, mode, uid, gid, size, mtime, chksum, typeflag, linkname, magic, version, uname, gname,
 * devmajor, devminor, prefix. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_DEVMAJOR = 329,
    AT_DEVMINOR = 337,
    AT_PREFIX = 345,
    NAME_MAX_CHARS = 100,
    PREFIX_MAX_CHARS = 155,
};

#define TAR_FILE_MAX 077777777777ULL

static void octal(uint8_t *header, int at, int digits, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%0*llo", digits, (unsigned long long)value);
    memcpy(header + at, text, (size_t)digits);
}

/* Splits a long path at the first slash that leaves at most 100 characters behind it. */
static bool put_path(uint8_t *header, const char *path)
{
    size_t len = strlen(path);
    if (len <= NAME_MAX_CHARS) {
        memcpy(header + AT_NAME, path, len);
        return true;
    }
    for (const char *slash = strchr(path, '/'); slash && slash[1]; slash = strchr(slash + 1, '/')) {
        size_t before = (size_t)(slash - path), behind = len - before - 1;
        if (behind > NAME_MAX_CHARS)
            continue;
        if (before > PREFIX_MAX_CHARS)
            return false;
        memcpy(header + AT_PREFIX, path, before);
        memcpy(header + AT_NAME, slash + 1, behind);
        return true;
    }
    return false;
}

int tar_header(struct buf *out, enum tar_kind kind, const char *path, uint64_t size, unsigned mode, struct err *e)
{
    uint8_t header[TAR_BLOCK] = {0};
    char name[300];
    int len = snprintf(name, sizeof name, "%s%s", path, kind == TAR_DIRECTORY ? "/" : "");
    if (len < 0 || (size_t)len >= sizeof name || !put_path(header, name))
        return err_set(e, ERR_LIMIT, 0, "%.200s: the path is too long for a tar archive", path);
    if (size > TAR_FILE_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s: %llu bytes; a tar archive of ours holds files up to 8 GiB", path,
                       (unsigned long long)size);
    octal(header, AT_MODE, 7, mode);
    octal(header, AT_UID, 7, 0);
    octal(header, AT_GID, 7, 0);
    octal(header, AT_SIZE, 11, size);
    octal(header, AT_MTIME, 11, 0);
    octal(header, AT_DEVMAJOR, 7, 0);
    octal(header, AT_DEVMINOR, 7, 0);
    header[AT_TYPE] = kind == TAR_DIRECTORY ? '5' : '0';
    memcpy(header + AT_MAGIC, "ustar\00000", 8);
    memset(header + AT_SUM, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++)
        sum += header[i];
    octal(header, AT_SUM, 6, sum);
    header[AT_SUM + 6] = '\0';
    buf_add(out, header, sizeof header);
    return buf_check(out, "tar header", e);
}

void tar_end(struct buf *out)
{
    static const uint8_t zeros[2 * TAR_BLOCK];
    buf_add(out, zeros, sizeof zeros);
}
