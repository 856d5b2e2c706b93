#include "parse/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/digest.h"
#include "util/json.h"

struct list {
    struct archive *a;
    const char *name;
    struct json_out w;
    size_t count;
    uint64_t bytes;
    int64_t newest;
};

static void list_fini(struct list *l)
{
    archive_read_free(l->a);
}

static int broken(const struct list *l, struct err *e)
{
    const char *why = archive_error_string(l->a);
    return err_set(e, ERR_INPUT, 0, "%s: member %zu: %s", l->name, l->count + 1, why ? why : "no archive");
}

/* The bytes of the member at hand, hashed. */
static int hash_data(struct list *l, struct digest *out, uint64_t *size, struct err *e)
{
    uint8_t chunk[65536];
    struct sha256 *h = sha256_new();
    ssize_t got;
    *size = 0;
    while ((got = archive_read_data(l->a, chunk, sizeof chunk)) > 0) {
        sha256_add(h, chunk, (size_t)got);
        *size += (uint64_t)got;
        l->bytes += (uint64_t)got;
        if (l->bytes > LIMIT_MEMBERS_BYTES) {
            sha256_free(h);
            return err_set(e, ERR_LIMIT, 0, "%s: more than %llu bytes come out of it", l->name,
                           (unsigned long long)LIMIT_MEMBERS_BYTES);
        }
    }
    *out = sha256_finish(h);
    return got < 0 ? broken(l, e) : 0;
}

static int put_member(struct list *l, struct archive_entry *entry, struct err *e)
{
    const char *path = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);
    int64_t mtime = archive_entry_mtime(entry);
    struct digest digest;
    uint64_t size;
    if (++l->count > LIMIT_MEMBERS)
        return err_set(e, ERR_LIMIT, 0, "%s: more than %u members", l->name, LIMIT_MEMBERS);
    if (!path || hash_data(l, &digest, &size, e) < 0)
        return path ? -1 : err_set(e, ERR_INPUT, 0, "%s: a member without a name", l->name);
    if (mtime > l->newest)
        l->newest = mtime;
    json_out_object(&l->w);
    json_put_string(&l->w, "path", path);
    json_put_string(&l->w, "type", type == S_IFDIR ? "folder" : type == S_IFREG ? "file" : "link");
    json_put_uint(&l->w, "mode", archive_entry_perm(entry));
    json_put_int(&l->w, "mtime", mtime);
    json_put_uint(&l->w, "size", size);
    json_put_string(&l->w, "sha256", digest_hex(&digest).text);
    json_out_object_end(&l->w);
    return 0;
}

static int put_all(struct list *l, struct err *e)
{
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(l->a, &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN)
        if (put_member(l, entry, e) < 0)
            return -1;
    return result == ARCHIVE_EOF ? 0 : broken(l, e);
}

int members_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(arg.len < sizeof name ? arg.len : 0), (const char *)arg.ptr);
    AUTO(list_fini) struct list l = {.a = archive_read_new(), .name = name[0] ? name : "archive"};
    if (!l.a)
        abort();
    archive_read_support_filter_gzip(l.a);
    archive_read_support_filter_bzip2(l.a);
    archive_read_support_filter_xz(l.a);
    archive_read_support_format_tar(l.a);
    archive_read_support_format_zip_seekable(l.a);
    if (archive_read_open_memory(l.a, input.ptr, input.len) != ARCHIVE_OK)
        return broken(&l, e);
    json_out_init(&l.w, reply);
    json_out_object(&l.w);
    json_put_array(&l.w, "members");
    if (put_all(&l, e) < 0)
        return -1;
    json_out_array_end(&l.w);
    json_put_int(&l.w, "newest", l.newest);
    json_out_object_end(&l.w);
    return buf_check(reply, l.name, e);
}
