#include "contour/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contour/tree_copy.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define NEXT     "next"
#define ATTEMPTS 3 /* quarantine folders come and go while a contour works; seldom twice in a row */

/* What is in a site's folder and not copied as it is: the database is copied by its own means, the ledger's files are
 * made from it, and run/ belongs to running programs. */
static bool is_left_out(const char *name)
{
    static const char *const names[] = {".", "..", "run", "ledger", NEXT, SITE_BACKUP_FILE};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strncmp(name, "state.db", 8) == 0;
}

/* Folders whose files never change once they have their names, or only grow. */
static bool is_kept(const char *name)
{
    static const char *const names[] = {"store", "quarantine", "pushed", "access"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Reads the folder `dir`, through a descriptor of its own. NULL: ERR_IO and those of dir_open. */
static DIR *list_open(int dir, const char *path, struct err *e)
{
    int own = dir_open(dir, path, e);
    DIR *list = own < 0 ? NULL : fdopendir(own);
    if (own >= 0 && !list) {
        err_set(e, ERR_IO, errno, "read the folder %s", path);
        close(own);
    }
    return list;
}

/* A folder of quarantine that was admitted since the last backup would be a leftover for ever. */
static int drop_admitted(int from, int to, struct err *e)
{
    struct err none = {0}; /* a station has no quarantine */
    AUTO(dir_close) DIR *list = list_open(to, "quarantine", &none);
    struct dirent *entry;
    while (list && (entry = readdir(list))) {
        char path[300];
        struct stat st;
        snprintf(path, sizeof path, "quarantine/%s", entry->d_name);
        if (entry->d_name[0] != '.' && fstatat(from, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
            tree_remove(to, path, e) < 0)
            return -1;
    }
    return 0;
}

static int copy_files(int from, int to, struct tree_copy *copy, struct err *e)
{
    AUTO(dir_close) DIR *list = list_open(from, ".", e);
    if (!list)
        return -1;
    struct dirent *entry;
    while ((entry = readdir(list)))
        if (!is_left_out(entry->d_name) && tree_copy(copy, from, to, entry->d_name, is_kept(entry->d_name), e) < 0)
            return -1;
    return drop_admitted(from, to, e) < 0 ? -1 : dir_sync(to, "the folder of the copy", e);
}

/* ── backup.json ── */

static int write_marker(int dir, const struct backup_result *r, struct err *e)
{
    struct json_out w;
    auto_buf text = BUF(4096);
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/backup-folder/1");
    json_put_string(&w, "name", r->name);
    json_put_string(&w, "id", r->id);
    json_put_time(&w, "time", r->time_s);
    json_put_uint(&w, "entries", r->entries);
    json_out_object_end(&w);
    buf_add_byte(&text, '\n');
    return file_write(dir, SITE_BACKUP_FILE, buf_span(&text), 0600, e);
}

static int read_marker(int dir, const char *path, struct backup_result *r, struct err *e)
{
    auto_buf text = BUF(4096);
    if (file_read(dir, SITE_BACKUP_FILE, &text, e) < 0) {
        if (e->code != ERR_NOTFOUND)
            return -1;
        err_set(e, ERR_NOTFOUND, 0, "%s is no backup: there is no " SITE_BACKUP_FILE, path);
        return err_hint(e, "`airlock backup DIR` makes one");
    }
    auto_json marker = json_parse(buf_span(&text), 4096, SITE_BACKUP_FILE, e);
    const char *name = marker ? json_need_string(marker, "name", "", e) : NULL;
    const char *id = name ? json_need_string(marker, "id", "", e) : NULL;
    if (!id || json_need_time(marker, "time", "", &r->time_s, e) < 0 ||
        json_need_uint(marker, "entries", "", &r->entries, e) < 0)
        return -1;
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->id, sizeof r->id, "%s", id);
    return 0;
}

/* 1: nothing is in it; 0: something; -1. */
static int is_empty(int dir, struct err *e)
{
    AUTO(dir_close) DIR *list = list_open(dir, ".", e);
    if (!list)
        return -1;
    struct dirent *entry;
    while ((entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return 0;
    return 1;
}

static void know_site(const struct site *s, struct backup_result *r)
{
    *r = (struct backup_result){
        .time_s = s->now_s, .entries = ledger_size(s->ledger), .station = s->config.kind == SITE_STATION};
    snprintf(r->name, sizeof r->name, "%s", s->config.name);
    snprintf(r->id, sizeof r->id, "%s", s->config.id);
}

/* The folder to copy into: new, or an earlier backup of this very site. */
static int open_target(const struct site *s, const char *out, const struct backup_result *r, struct err *e)
{
    struct backup_result earlier = {0};
    if (dir_make(AT_FDCWD, out, 0700, e) < 0)
        return -1;
    auto_fd dir = dir_open(AT_FDCWD, out, e);
    int empty = dir < 0 ? -1 : is_empty(dir, e);
    if (empty < 0)
        return -1;
    if (empty)
        return write_marker(dir, r, e) < 0 ? -1 : fd_steal(&dir);
    if (read_marker(dir, out, &earlier, e) < 0) {
        if (e->code != ERR_NOTFOUND)
            return -1;
        err_set(e, ERR_EXISTS, 0, "%s is not empty, and no backup", out);
        return err_hint(e, "Name a folder that is not there yet, or an earlier backup of %s", s->config.name);
    }
    if (strcmp(earlier.id, r->id) == 0)
        return fd_steal(&dir);
    return err_set(e, ERR_EXISTS, 0, "%s is a backup of %s (%s), not of %s (%s)", out, earlier.name, earlier.id,
                   r->name, r->id);
}

/* ── backup ── */

/* Database first, then files: what its rows name was there at that moment. 1: something went away meanwhile. */
static int copy_once(struct site *s, int to, struct tree_copy *copy, struct err *e)
{
    *copy = (struct tree_copy){.verify = copy->verify, .hashes = true, .repaired = copy->repaired};
    if (tree_remove(to, NEXT, e) < 0 || dir_make(to, NEXT, 0700, e) < 0)
        return -1;
    auto_fd next = dir_open(to, NEXT, e);
    if (next < 0 || db_backup(s->db, next, e) < 0 || copy_files(s->dir, to, copy, e) < 0)
        return -1;
    return copy->vanished ? 1 : 0;
}

/* The copy becomes the backup. Files beside an older database belong to that one. */
static int take_over(int to, struct err *e)
{
    static const char *const beside[] = {"state.db-wal", "state.db-shm"};
    if (tree_remove(to, "ledger", e) < 0 || dir_make(to, "ledger", 0700, e) < 0 || dir_make(to, "run", 0700, e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(beside); i++)
        if (sys.unlinkat(to, beside[i], 0) < 0 && errno != ENOENT)
            return err_set(e, ERR_IO, errno, "remove %s", beside[i]);
    if (sys.renameat2(to, NEXT "/state.db", to, "state.db", 0) < 0)
        return err_set(e, ERR_IO, errno, "rename " NEXT "/state.db");
    return tree_remove(to, NEXT, e) < 0 ? -1 : dir_sync(to, "the backup", e);
}

static int publish_copy(const char *out, struct backup_result *r, struct err *e)
{
    auto_site copy = site_open(out, -1, e);
    if (!copy || site_publish(copy, e) < 0)
        return err_prefix(e, "the backup");
    r->entries = ledger_size(copy->ledger);
    return 0;
}

static void count(const struct tree_copy *copy, struct backup_result *r)
{
    r->files = copy->files;
    r->bytes = copy->bytes;
    r->copied = copy->copied;
    r->copied_bytes = copy->copied_bytes;
    r->looked_at = copy->looked_at;
    r->repaired = copy->repaired;
    r->damaged = copy->damaged;
    snprintf(r->damaged_name, sizeof r->damaged_name, "%s", copy->damaged_name);
}

int backup_make(struct site *s, const char *out, bool verify, struct backup_result *r, struct err *e)
{
    struct tree_copy copy = {.verify = verify};
    uint64_t copied = 0, copied_bytes = 0;
    know_site(s, r);
    auto_fd to = open_target(s, out, r, e);
    if (to < 0)
        return -1;
    int again = 1;
    for (int i = 0; again == 1 && i < ATTEMPTS; i++) {
        again = copy_once(s, to, &copy, e);
        copied += copy.copied;
        copied_bytes += copy.copied_bytes;
    }
    if (again)
        return again < 0 ? -1
                         : err_set(e, ERR_BUSY, 0, "%s changes while it is copied; try again in a minute", s->path);
    count(&copy, r);
    r->copied = copied;
    r->copied_bytes = copied_bytes;
    r->holds_passphrase = faccessat(to, "keys/unseal", F_OK, 0) == 0;
    return take_over(to, e) < 0 || publish_copy(out, r, e) < 0 ? -1 : write_marker(to, r, e);
}

/* ── restore ── */

static int copy_back(const char *from, int from_dir, int to, struct backup_result *r, struct err *e)
{
    struct tree_copy copy = {0};
    auto_site backup = site_open(from, -1, e);
    if (!backup || copy_files(from_dir, to, &copy, e) < 0 || dir_make(to, "run", 0700, e) < 0 ||
        tree_copy(&copy, from_dir, to, "ledger", false, e) < 0 || db_backup(backup->db, to, e) < 0)
        return -1;
    if (copy.vanished)
        return err_set(e, ERR_BUSY, 0, "%s changes while it is read", from);
    count(&copy, r);
    return 0;
}

static int record_restore(struct site *s, const struct backup_result *r, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    s->backup = false;
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "restore");
    json_put_time(&w, "backup", r->time_s);
    json_put_uint(&w, "entries", r->entries);
    if (site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int open_home(const char *home, const struct backup_result *r, struct err *e)
{
    if (dir_make(AT_FDCWD, home, 0700, e) < 0)
        return -1;
    auto_fd dir = dir_open(AT_FDCWD, home, e);
    int empty = dir < 0 ? -1 : is_empty(dir, e);
    if (empty < 0)
        return -1;
    if (!empty) {
        err_set(e, ERR_EXISTS, 0, "%s is not empty", home);
        return err_hint(e, "Name a folder that is not there yet with --home");
    }
    return write_marker(dir, r, e) < 0 ? -1 : fd_steal(&dir);
}

int backup_restore(const char *from, const char *home, struct fsck *found, struct backup_result *r, struct err *e)
{
    *r = (struct backup_result){0};
    auto_fd from_dir = dir_open(AT_FDCWD, from, e);
    if (from_dir < 0 || read_marker(from_dir, from, r, e) < 0)
        return -1;
    auto_fd to = open_home(home, r, e);
    if (to < 0 || copy_back(from, from_dir, to, r, e) < 0)
        return -1;
    auto_site s = site_open(home, -1, e);
    if (!s || fsck_run(s, found, e) < 0)
        return -1;
    r->station = s->config.kind == SITE_STATION;
    if (found->problem_count > 0)
        return 1;
    if (record_restore(s, r, e) < 0)
        return -1;
    if (sys.unlinkat(to, SITE_BACKUP_FILE, 0) < 0)
        return err_set(e, ERR_IO, errno, "remove " SITE_BACKUP_FILE);
    return dir_sync(to, home, e);
}
