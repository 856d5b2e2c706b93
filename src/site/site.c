#include "site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "site/config.h"
#include "site/keys.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

/* "airlock.yaml:5: …" → "/srv/contour/airlock.yaml:5: …": which of several folders it is, is what people ask first. */
static int full_path(const char *path, struct err *e)
{
    struct err found = *e;
    auto_free char *real = realpath(path, NULL);
    return err_set(e, found.code, 0, "%.*s/%s", ERR_MSG_MAX / 2, real ? real : path, found.msg);
}

static int read_config(struct site *s, const char *path, int kind, struct err *e)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    if (file_read(s->dir, CONFIG_FILE, &text, e) < 0) {
        if (e->code != ERR_NOTFOUND)
            return -1;
        err_set(e, ERR_NOTFOUND, 0, "%s is no contour or station: there is no " CONFIG_FILE, path);
        return err_hint(e, "Make one with `airlock init --name NAME`, or name another folder with --home");
    }
    if (config_parse(buf_span(&text), &s->config, e) < 0)
        return full_path(path, e);
    if (kind >= 0 && (int)s->config.kind != kind) {
        err_set(e, ERR_NOTFOUND, 0, "%s is a %s, and this command works on a %s", path,
                s->config.kind == SITE_CONTOUR ? "contour" : "station", kind == SITE_CONTOUR ? "contour" : "station");
        return err_hint(
            e, "Name the right folder with --home%s",
            s->config.kind == SITE_STATION ? "; what a station has, `airlock station show` and `airlock log` say" : "");
    }
    return 0;
}

static void name_actor(char *out, size_t size)
{
    struct passwd entry, *found = NULL;
    char strings[4096];
    if (getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0 && found)
        snprintf(out, size, "os:%.60s", found->pw_name);
    else
        snprintf(out, size, "os:%u", (unsigned)getuid());
}

/* Root is let in everywhere, and what it writes (blobs, a database's journal) its owner can neither link nor open. */
static int check_owner(const struct site *s, const char *path, struct err *e)
{
    struct stat st;
    struct passwd entry, *found = NULL;
    char strings[4096], owner[64];
    if (fstat(s->dir, &st) < 0)
        return err_set(e, ERR_IO, errno, "%s", path);
    if (geteuid() != 0 || st.st_uid == 0)
        return 0;
    if (getpwuid_r(st.st_uid, &entry, strings, sizeof strings, &found) == 0 && found)
        snprintf(owner, sizeof owner, "%.60s", found->pw_name);
    else
        snprintf(owner, sizeof owner, "#%u", (unsigned)st.st_uid); /* as sudo takes a number */
    err_set(e, ERR_DENIED, 0, "%s: this %s belongs to %s, who could not work on with what root leaves in it", path,
            s->config.kind == SITE_CONTOUR ? "contour" : "station", owner);
    return err_hint(e, "Run this as that user: `sudo -u %s airlock …`", owner);
}

/* The configuration is written last: where it stands, there was a database. */
static int lost_state(const struct site *s, struct err *e)
{
    err_prefix(e, "%s", s->path);
    return err_hint(e, "The folder is damaged: restore it, whole, from its backup. `airlock init --home OTHER` makes "
                       "a new one, with other keys");
}

static int open_parts(struct site *s, const char *path, int kind, struct err *e)
{
    s->dir = dir_open(AT_FDCWD, path, e);
    if (s->dir < 0)
        return e->code == ERR_DENIED ? -1 : err_hint(e, "Name the contour's or station's folder with --home");
    if (read_config(s, path, kind, e) < 0 || check_owner(s, path, e) < 0)
        return -1;
    s->backup = faccessat(s->dir, SITE_BACKUP_FILE, F_OK, 0) == 0;
    s->path = realpath(path, NULL);
    if (!s->path)
        return err_set(e, ERR_IO, errno, "%s", path);
    snprintf(s->origin, sizeof s->origin, "airlock/%s/%s", s->config.name, s->config.id);
    s->public_key = site_public_load(s->dir, SITE_PUBLIC_FILE, e);
    s->db = s->public_key ? db_open(s->dir, e) : NULL;
    if (s->public_key && !s->db && e->code == ERR_NOTFOUND)
        return lost_state(s, e);
    s->blobs = s->db ? blobs_open(s->dir, "store", e) : NULL;
    s->ledger = s->blobs ? ledger_open(s->dir, s->db, s->origin, NULL, e) : NULL;
    return s->ledger ? 0 : -1;
}

struct site *site_open(const char *path, int kind, struct err *e)
{
    auto_site s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->dir = -1;
    s->now_s = clock_now_s();
    name_actor(s->actor, sizeof s->actor);
    return open_parts(s, path, kind, e) < 0 ? NULL : ptr_steal(&s);
}

void site_close(struct site *s)
{
    if (!s)
        return;
    child_stop(s->parser);
    ledger_close(s->ledger);
    blobs_close(s->blobs);
    db_close(s->db);
    private_key_free(s->key);
    private_key_free(s->ledger_key);
    public_key_free(s->public_key);
    free(s->path);
    if (s->dir >= 0)
        close(s->dir);
    free(s);
}

static void wipe(struct secret *s)
{
    secret_fini(s);
}

static struct private_key *unseal(struct site *s, const char *file, struct err *e)
{
    AUTO(wipe) struct secret secret = {.len = 0};
    const char *from = s->config.passphrase_file;
    if (site_secret(s->dir, from, &secret, e) < 0) {
        err_prefix(e, "%s", s->path);
        err_hint(e, "passphrase-file in " CONFIG_FILE " names the file (%s): put it back, or name the right one", from);
        return NULL;
    }
    struct private_key *key = site_key_load(s->dir, file, &secret, e);
    if (!key) {
        err_prefix(e, "%s", s->path);
        err_hint(e,
                 "The passphrase came from %s (passphrase-file in " CONFIG_FILE
                 "): it must be the one of the day when this "
                 "key was made; restore both files from the same backup",
                 from);
    }
    return key;
}

const struct private_key *site_key(struct site *s, struct err *e)
{
    if (!s->key)
        s->key = unseal(s, SITE_KEY_FILE, e);
    return s->key;
}

int site_vkey(struct site *s, struct buf *out, struct err *e)
{
    struct public_key *k = site_public_load(s->dir, LEDGER_PUBLIC_FILE, e);
    if (!k)
        return -1;
    int result = ledger_vkey(s->origin, k, out, e);
    public_key_free(k);
    return result;
}

struct child *site_parser(struct site *s, struct err *e)
{
    if (!s->parser)
        s->parser = child_start(ROLE_PARSE, e);
    return s->parser;
}

int site_publish(struct site *s, struct err *e)
{
    if (!s->ledger_key) {
        s->ledger_key = unseal(s, LEDGER_KEY_FILE, e);
        if (!s->ledger_key)
            return -1;
        struct ledger *with_key = ledger_open(s->dir, s->db, s->origin, s->ledger_key, e);
        if (!with_key)
            return -1;
        ledger_close(s->ledger);
        s->ledger = with_key;
    }
    return ledger_publish(s->ledger, e);
}
