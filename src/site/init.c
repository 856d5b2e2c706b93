/* Making a site. The configuration is written last, and a folder without it is no site: whatever interrupts init,
 * nothing opens, and init again goes on where it was. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "site/config.h"
#include "site/keys.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/limits.h"

static int check_name(const char *name, struct err *e)
{
    size_t len = strlen(name);
    bool good = len > 0 && len <= LIMIT_NAME_CHARS && name[0] >= 'a' && name[0] <= 'z';
    for (size_t i = 0; good && i < len; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-';
    if (good)
        return 0;
    return err_set(e, ERR_USAGE, 0, "\"%.64s\" is no name; wanted a-z, then a-z 0-9 and -, at most %u characters", name,
                   LIMIT_NAME_CHARS);
}

static int random_id(char out[33], struct err *e)
{
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return err_set(e, ERR_SYSTEM, errno, "no random numbers");
    hex_encode(span_of(bytes, sizeof bytes), out);
    return 0;
}

static int make_folders(int dir, enum site_kind kind, struct err *e)
{
    static const char *const contour[] = {"keys", "trust", "quarantine", "ledger", "access", "run", NULL};
    static const char *const station[] = {"keys", "ledger", "contours", "run", NULL};
    for (const char *const *name = kind == SITE_CONTOUR ? contour : station; *name; name++)
        if (dir_make(dir, *name, 0700, e) < 0)
            return -1;
    return 0;
}

/* Where the site's own keys are unsealed from: the given file, as an absolute path, or a random secret in keys/unseal.
 */
static int passphrase_setup(int dir, const char *given, char path[PATH_MAX], struct secret *secret, struct err *e)
{
    if (given) {
        if (!realpath(given, path))
            return err_set(e, ERR_NOTFOUND, errno, "passphrase file %s", given);
        return secret_from_file(path, secret, e);
    }
    memcpy(path, SITE_UNSEAL_FILE, sizeof SITE_UNSEAL_FILE);
    if (faccessat(dir, SITE_UNSEAL_FILE, R_OK, 0) == 0)
        return site_secret(dir, SITE_UNSEAL_FILE, secret, e);
    if (secret_random(secret, e) < 0)
        return -1;
    auto_buf text = BUF(sizeof secret->text + 1);
    buf_add(&text, secret->text, secret->len);
    buf_add_byte(&text, '\n');
    return file_write(dir, SITE_UNSEAL_FILE, buf_span(&text), 0600, e);
}

static int first_entry(const char *path, struct err *e)
{
    auto_site s = site_open(path, -1, e);
    if (!s)
        return -1;
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "init");
    json_put_string(&w, "name", s->config.name);
    json_put_string(&w, "id", s->config.id);
    json_put_digest(&w, "key", public_key_id(s->public_key));
    if (site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int make_state(int dir, enum site_kind kind, struct err *e)
{
    if (make_folders(dir, kind, e) < 0)
        return -1;
    struct db *db = db_make(dir, e);
    if (!db)
        return -1;
    db_close(db);
    struct blobs *blobs = blobs_make(dir, "store", e);
    if (!blobs)
        return -1;
    blobs_close(blobs);
    return 0;
}

static void close_secret(struct secret *s)
{
    secret_fini(s);
}

int site_init(const char *path, enum site_kind kind, const char *name, const char *passphrase_file, struct err *e)
{
    if (check_name(name, e) < 0 || dir_make(AT_FDCWD, path, 0700, e) < 0)
        return -1;
    auto_fd dir = dir_open(AT_FDCWD, path, e);
    if (dir < 0)
        return -1;
    if (faccessat(dir, CONFIG_FILE, F_OK, 0) == 0) {
        err_set(e, ERR_EXISTS, 0, "%s is a contour or station already", path);
        return err_hint(e, "Choose another folder with --home");
    }
    char passphrase_path[PATH_MAX], id[33];
    AUTO(close_secret) struct secret secret = {.len = 0};
    if (random_id(id, e) < 0 || make_state(dir, kind, e) < 0 ||
        passphrase_setup(dir, passphrase_file, passphrase_path, &secret, e) < 0 || site_keys_make(dir, &secret, e) < 0)
        return -1;
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    config_write(kind, name, id, passphrase_path, &text);
    if (file_write(dir, CONFIG_FILE, buf_span(&text), 0600, e) < 0)
        return -1;
    return first_entry(path, e);
}
