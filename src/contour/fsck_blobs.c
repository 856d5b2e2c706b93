/* Bytes: each blob's name is the hash of what is in it, and each row has its blob. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "contour/fsck_internal.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

/* One layout. */
struct layout {
    struct checking *c;
    struct blobs *blobs;
    const char *path; /* "store", "quarantine/…" */
    uint64_t files, rows;
};

static int hash_file(int fd, struct digest *out, uint64_t *size)
{
    static uint8_t chunk[COPY_CHUNK_BYTES];
    struct sha256 *h = sha256_new();
    ssize_t n;
    *size = 0;
    while ((n = sys.read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        sha256_add(h, chunk, (size_t)n);
        *size += (uint64_t)n;
    }
    int error = errno;
    *out = sha256_finish(h);
    errno = error;
    return n < 0 ? -1 : 0;
}

/* ── who needs a blob ── */

struct needing {
    const struct layout *layout;
    const struct digest *blob;
    struct buf *names;
    bool here;
};

static int is_needed(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    struct needing *n = arg;
    (void)media_type;
    (void)size;
    n->here |= digest_equal(id, n->blob);
    return 0;
}

static int add_needing(void *arg, const struct release_row *row)
{
    struct needing *n = arg;
    struct err why;
    bool lies_here = row->admitted == (strcmp(n->layout->path, "store") == 0);
    if (n->layout->c->s->config.kind == SITE_CONTOUR && !lies_here)
        return 0;
    n->here = digest_equal(&row->digest, n->blob);
    if (!n->here && db_release_blob_each(n->layout->c->s->db, &row->digest, is_needed, n, &why) < 0)
        return 0; /* what is wrong with state.db is named elsewhere */
    if (n->here)
        buf_printf(n->names, "%s%s:%s", n->names->len ? ", " : "", row->name, row->version);
    return 0;
}

/* "; assistant:v1.0.0 needs it: …", or that nothing does. */
static void damage_means(const struct layout *l, const struct digest *id, struct buf *out)
{
    struct err why;
    auto_buf names = BUF(4096);
    struct needing n = {.layout = l, .blob = id, .names = &names};
    if (db_release_each(l->c->s->db, add_needing, &n, &why) < 0 || !buf_ok(&names))
        return;
    if (names.len == 0)
        buf_add_str(out, "; no release needs it");
    else
        buf_printf(out, "; needed by %s: %s", buf_str(&names),
                   l->c->s->backup ? "`airlock backup --verify` into this folder again copies this file anew"
                                   : "copy this file from a backup that `airlock fsck` finds whole");
}

static void damaged(const struct layout *l, const struct digest *id, const char *name, uint64_t size,
                    const struct digest *found)
{
    auto_buf means = BUF(8192);
    damage_means(l, id, &means);
    fsck_problem(l->c->f, "%s/blobs/sha256/%s: damaged: its %llu bytes hash to %s%s", l->path, name,
                 (unsigned long long)size, digest_hex(found).text, buf_str(&means));
}

static int hash_blob(void *arg, const struct digest *id, const char *name, uint64_t size)
{
    struct layout *l = arg;
    struct err why = {0};
    struct digest found;
    if (!id) {
        fsck_note(l->c->f, "%s/blobs/sha256/%s: no blob; the left file of a process that died, or a foreign one",
                  l->path, name);
        return 0;
    }
    auto_fd fd = blob_open(l->blobs, id, NULL, &why);
    if (fd < 0) {
        fsck_problem(l->c->f, "%s/blobs/sha256/%s: %s", l->path, name, why.msg);
        return 0;
    }
    l->files++;
    l->c->f->blobs++;
    if (hash_file(fd, &found, &size) < 0)
        fsck_problem(l->c->f, "%s/blobs/sha256/%s: cannot be read: %s", l->path, name, strerror(errno));
    else if (!digest_equal(&found, id))
        damaged(l, id, name, size, &found);
    l->c->f->blob_bytes += size;
    return 0;
}

static int check_row(void *arg, const struct digest *id, uint64_t size)
{
    struct layout *l = arg;
    struct err why = {0};
    uint64_t found = 0;
    l->rows++;
    auto_fd fd = blob_open(l->blobs, id, &found, &why);
    if (fd < 0)
        fsck_problem(l->c->f, "%s/blobs/sha256/%s: missing; state.db lists it%s", l->path, digest_hex(id).text,
                     l->c->s->backup ? ": `airlock backup` into this folder again copies it" : "");
    else if (found != size)
        fsck_problem(l->c->f, "%s/blobs/sha256/%s: has %llu bytes; state.db says %llu", l->path, digest_hex(id).text,
                     (unsigned long long)found, (unsigned long long)size);
    return 0;
}

static int check_store(struct checking *c, struct err *why)
{
    struct layout l = {.c = c, .blobs = c->store, .path = "store"};
    if (blobs_each(l.blobs, hash_blob, &l, why) < 0 || db_blob_each(c->s->db, check_row, &l, why) < 0)
        return -1;
    if (l.files > l.rows)
        fsck_note(c->f, "store: %llu blobs that state.db does not list (of an interrupted admission, or of packing)",
                  (unsigned long long)(l.files - l.rows));
    return 0;
}

/* What was pushed and not judged: its rows are those of views and of releases, which are looked at there. */
static int check_pushed(struct checking *c, struct err *why)
{
    struct err absent = {0};
    struct layout l = {.c = c, .blobs = blobs_open(c->s->dir, PUSHED_FOLDER, &absent), .path = PUSHED_FOLDER};
    if (!l.blobs)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(why, absent.code, absent.sys_errno, "%s", absent.msg);
    int result = blobs_each(l.blobs, hash_blob, &l, why);
    blobs_close(l.blobs);
    return result;
}

/* ── quarantine ── */

static int check_folder(struct checking *c, const struct shipment_row *row, struct err *why)
{
    char path[300];
    snprintf(path, sizeof path, "quarantine/%.200s", row->folder);
    if (row->state != SHIPMENT_QUARANTINED) {
        if (faccessat(c->s->dir, path, F_OK, 0) == 0)
            fsck_note(c->f, "%s: left of a shipment of which nothing waits any more; the next promotion removes it",
                      path);
        return 0;
    }
    struct layout l = {.c = c, .blobs = blobs_open(c->s->dir, path, why), .path = path};
    if (!l.blobs)
        return err_prefix(why, "shipment:%llu", (unsigned long long)row->number);
    int result = blobs_each(l.blobs, hash_blob, &l, why);
    if (result == 0)
        result = db_shipment_blob_each(c->s->db, row->number, check_row, &l, why);
    blobs_close(l.blobs);
    return result;
}

static int check_shipment(void *arg, const struct shipment_row *row)
{
    struct checking *c = arg;
    struct err why = {0};
    return fsck_part(c, check_folder(c, row, &why), "quarantine", &why);
}

struct known {
    const char *name;
    bool found;
};

static int is_known(void *arg, const struct shipment_row *row)
{
    struct known *k = arg;
    k->found |= strcmp(row->folder, k->name) == 0;
    return 0;
}

/* Folders that no row names were left by an interrupted receive. */
static int check_leftovers(struct checking *c, struct err *why)
{
    struct err none = {0};
    int fd = dir_open(c->s->dir, "quarantine", &none);
    if (fd < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(why, none.code, 0, "%s", none.msg);
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return err_set(why, ERR_IO, errno, "list quarantine");
    }
    int result = 0;
    for (struct dirent *entry = readdir(d); entry && result == 0; entry = readdir(d)) {
        struct known k = {.name = entry->d_name};
        if (entry->d_name[0] == '.')
            continue;
        result = db_shipment_each(c->s->db, 0, is_known, &k, why);
        if (result == 0 && !k.found)
            fsck_note(c->f, "quarantine/%s: left of an interrupted receive; the next one removes it", entry->d_name);
    }
    closedir(d);
    return result;
}

int fsck_blobs(struct checking *c)
{
    struct err why = {0};
    if (fsck_part(c, check_store(c, &why), "store", &why) < 0 ||
        fsck_part(c, check_pushed(c, &why), PUSHED_FOLDER, &why) < 0)
        return -1;
    int shipments = db_shipment_each(c->s->db, 0, check_shipment, c, &why);
    if (shipments < 0 && why.code == ERR_NONE)
        return -1; /* a part of it has set c->e */
    if (fsck_part(c, shipments, "state.db, shipments", &why) < 0)
        return -1;
    return fsck_part(c, check_leftovers(c, &why), "quarantine", &why);
}
