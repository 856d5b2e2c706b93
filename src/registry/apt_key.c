#include "registry/apt_key.h"

#include <string.h>

#include "site/keys.h"
#include "util/file.h"
#include "util/limits.h"

static void wipe(struct secret *s)
{
    secret_fini(s);
}

static int read_secret(struct site *s, struct secret *out, struct err *e)
{
    return site_secret(s->dir, s->config.passphrase_file, out, e);
}

/* An earlier call may have been interrupted between key and entry. */
static int find_or_make(struct site *s, struct openpgp_key *out, struct err *e)
{
    char user_id[160];
    AUTO(wipe) struct secret secret = {.len = 0};
    if (openpgp_find(s->dir, out, e) == 0)
        return 0;
    if (e->code != ERR_NOTFOUND)
        return -1;
    err_clear(e);
    if (read_secret(s, &secret, e) < 0)
        return -1;
    snprintf(user_id, sizeof(user_id), "Airlock contour %s (%s), package indexes", s->config.name, s->config.id);
    return openpgp_make(s->dir, user_id, &secret, out, e);
}

static int enter(struct site *s, const struct openpgp_key *key, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "apt-key");
    json_put_string(&w, "fingerprint", key->fingerprint);
    json_put_time(&w, "created", key->created_s);
    if (db_meta_set(s->db, APT_KEY_META, span_str(key->fingerprint), e) == 0 && site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int check_same(struct site *s, struct buf *known, struct openpgp_key *out, struct err *e)
{
    if (openpgp_find(s->dir, out, e) < 0) {
        err_prefix(e, "the key for apt indexes, %.40s", buf_str(known));
        return e->code == ERR_NOTFOUND ? err_hint(e, "Restore " OPENPGP_FOLDER " from the contour's backup") : -1;
    }
    if (strcmp(buf_str(known), out->fingerprint) == 0)
        return 0;
    err_set(e, ERR_DENIED, 0, OPENPGP_FOLDER " holds the key %s, and the ledger names %.40s", out->fingerprint,
            buf_str(known));
    return err_hint(e, "Restore " OPENPGP_FOLDER " from the contour's backup; nothing is signed until then");
}

int apt_key(struct site *s, struct openpgp_key *out, struct err *e)
{
    auto_buf known = BUF(128);
    auto_fd lock = file_lock(s->dir, OPENPGP_LOCK, true, e);
    if (lock < 0)
        return -1;
    if (db_meta_get(s->db, APT_KEY_META, &known, e) == 0)
        return check_same(s, &known, out, e);
    if (e->code != ERR_NOTFOUND)
        return -1;
    err_clear(e);
    return find_or_make(s, out, e) < 0 ? -1 : enter(s, out, e);
}

/* ── the signer ── */

static int sign(void *arg, int64_t at_s, struct span release, struct buf *clear, struct buf *detached, struct err *e)
{
    struct openpgp_key key;
    AUTO(wipe) struct secret secret = {.len = 0};
    auto_site s = site_open(arg, SITE_CONTOUR, e);
    if (!s || apt_key(s, &key, e) < 0 || read_secret(s, &secret, e) < 0)
        return -1;
    auto_fd lock = file_lock(s->dir, OPENPGP_LOCK, true, e);
    if (lock < 0 || openpgp_sign(s->dir, &key, &secret, at_s, OPENPGP_CLEAR, release, clear, e) < 0)
        return -1;
    return openpgp_sign(s->dir, &key, &secret, at_s, OPENPGP_DETACHED, release, detached, e);
}

static int public_key(void *arg, struct buf *armored, struct err *e)
{
    struct openpgp_key key;
    auto_site s = site_open(arg, SITE_CONTOUR, e);
    return s && apt_key(s, &key, e) == 0 ? openpgp_public(s->dir, &key, armored, e) : -1;
}

struct index_signer apt_key_signer(const char *home, const char *label)
{
    return (struct index_signer){
        .sign = sign, .public_key = public_key, .label = label, .arg = (void *)(uintptr_t)home};
}
