#include "ship/station.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ship/release.h"
#include "site/keys.h"
#include "trust/role_document.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/limits.h"

#define ROOT_FILE    "root.json"
/* The root is made once and compared by people: it lives long, and a later version (with the key of this one) replaces
 * it in time. */
#define ROOT_VALID_S (5LL * 365 * 86400)

#define KEY_FILE_MAX      16384
#define IDENTITY_SCHEMA   "airlock/identity/1"
#define IDENTITY_MAX      65536
#define IDENTITY_KEYS_MAX 16

static void key_file(enum tuf_role r, char out[40])
{
    snprintf(out, 40, "keys/tuf-%s.pem", tuf_role_name(r));
}

static void wipe(struct secret *s)
{
    secret_fini(s);
}

static void free_key(struct private_key **k)
{
    private_key_free(*k);
}

static int make_key(struct site *station, enum tuf_role r, const struct secret *secret, struct err *e)
{
    char file[40];
    key_file(r, file);
    if (faccessat(station->dir, file, F_OK, 0) == 0)
        return 0;
    AUTO(free_key) struct private_key *key = private_key_new(KEY_ED25519, e);
    auto_buf pem = BUF(KEY_FILE_MAX);
    if (!key || private_key_seal(key, secret, &pem, e) < 0)
        return -1;
    return file_write(station->dir, file, buf_span(&pem), 0600, e);
}

int station_keys_load(struct site *station, struct station_keys *out, struct err *e)
{
    AUTO(wipe) struct secret secret = {.len = 0};
    *out = (struct station_keys){0};
    if (site_secret(station->dir, station->config.passphrase_file, &secret, e) < 0)
        return -1;
    for (int r = 0; r < TUF_ROLES; r++) {
        char file[40];
        key_file((enum tuf_role)r, file);
        out->key[r] = site_key_load(station->dir, file, &secret, e);
        if (out->key[r])
            continue;
        station_keys_fini(out);
        return err_hint(e, "`airlock station init` makes the keys that are missing");
    }
    return 0;
}

void station_keys_fini(struct station_keys *k)
{
    for (int r = 0; r < TUF_ROLES; r++)
        private_key_free(k->key[r]);
    *k = (struct station_keys){0};
}

static void done_keys(struct station_keys *k)
{
    station_keys_fini(k);
}

static int write_root(struct site *station, struct err *e)
{
    AUTO(done_keys) struct station_keys keys = {0};
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    struct tuf_signer signer;
    if (station_keys_load(station, &keys, e) < 0)
        return -1;
    for (int r = 0; r < TUF_ROLES; r++)
        signer.keys[r] = keys.key[r];
    if (tuf_write_root(&signer, 1, station->now_s + ROOT_VALID_S, &root, e) < 0)
        return -1;
    return file_write(station->dir, ROOT_FILE, buf_span(&root), 0644, e);
}

bool station_has_root(struct site *station)
{
    return faccessat(station->dir, ROOT_FILE, F_OK, 0) == 0;
}

int station_fingerprint(struct site *station, struct digest *fingerprint, struct err *e)
{
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    struct child *parser = site_parser(station, e);
    if (!parser || file_read(station->dir, ROOT_FILE, &root, e) < 0)
        return -1;
    return tuf_root_fingerprint(parser, buf_span(&root), fingerprint, e);
}

int station_make_root(struct site *station, struct digest *fingerprint, struct err *e)
{
    AUTO(wipe) struct secret secret = {.len = 0};
    if (site_secret(station->dir, station->config.passphrase_file, &secret, e) < 0)
        return -1;
    for (int r = 0; r < TUF_ROLES; r++)
        if (make_key(station, (enum tuf_role)r, &secret, e) < 0)
            return -1;
    if (!station_has_root(station) && write_root(station, e) < 0)
        return -1;
    return station_fingerprint(station, fingerprint, e);
}

int station_sign(struct site *station, enum tuf_role role, const char *name, const struct digest *subject,
                 const char *predicate_type, struct span predicate, int64_t expires_s, struct buf *out, struct err *e)
{
    AUTO(done_keys) struct station_keys keys = {0};
    struct tuf_signer signer;
    struct digest fingerprint;
    if (station_fingerprint(station, &fingerprint, e) < 0 || station_keys_load(station, &keys, e) < 0)
        return -1;
    for (int r = 0; r < TUF_ROLES; r++)
        signer.keys[r] = keys.key[r];
    return role_document_sign(&signer, role, &fingerprint, station->now_s, expires_s, name, subject, predicate_type,
                              predicate, out, e);
}

/* ── contours ── */

static bool id_ok(const char *id)
{
    uint8_t bytes[16];
    return strlen(id) == 32 && hex_decode(span_str(id), bytes, sizeof bytes);
}

static int check_keys(const json_t *identity, struct err *e)
{
    const json_t *keys = json_need_array(identity, "keys", "", e);
    if (!keys)
        return -1;
    if (json_array_size(keys) == 0 || json_array_size(keys) > IDENTITY_KEYS_MAX)
        return err_set(e, ERR_INPUT, 0, "/keys: wanted 1 to %d, found %zu", IDENTITY_KEYS_MAX, json_array_size(keys));
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *row = json_array_get(keys, i);
        const char *pem = json_need_string(row, "pem", "/keys", e);
        if (!pem || !json_need_string(row, "use", "/keys", e))
            return -1;
        struct public_key *key = public_key_parse(span_str(pem), "/keys/pem", e);
        if (!key)
            return -1;
        public_key_free(key);
    }
    return 0;
}

static int take_identity(const json_t *identity, struct contour_identity *out, struct err *e)
{
    static const char *const known[] = {"schema", "name", "id", "keys", "ledger", NULL};
    const char *schema = json_need_string(identity, "schema", "", e);
    const char *name = schema ? json_need_string(identity, "name", "", e) : NULL;
    const char *id = name ? json_need_string(identity, "id", "", e) : NULL;
    if (!id || json_only_keys(identity, known, "", e) < 0)
        return -1;
    if (strcmp(schema, IDENTITY_SCHEMA) != 0)
        return err_set(e, ERR_INPUT, 0, "/schema: wanted " IDENTITY_SCHEMA ", found %.64s", schema);
    if (!release_name_ok(name) || !id_ok(id))
        return err_set(e, ERR_INPUT, 0, "/name, /id: wanted a-z 0-9 -, and 32 hex digits");
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->id, sizeof out->id, "%s", id);
    return check_keys(identity, e);
}

static int parse_identity(struct site *station, struct span text, const char *file, struct contour_identity *out,
                          struct err *e)
{
    struct child *parser = site_parser(station, e);
    if (!parser)
        return -1;
    struct child_request request = {.op = "json", .fd = -1, .input = text, .timeout_ms = 10000};
    auto_json identity = child_call_json(parser, &request, file, e);
    if (!identity)
        return err_hint(e, "An identity file is what `airlock identity` prints in the contour");
    return take_identity(identity, out, e) < 0 ? err_prefix(e, "%s", file) : 0;
}

static int add_event(struct site *station, const struct contour_identity *c, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(station, e) < 0)
        return -1;
    site_event(station, &w, &entry, "contour-add");
    json_put_string(&w, "contour", c->name);
    json_put_string(&w, "id", c->id);
    if (site_commit(station, &w, NULL, e) == 0)
        return 0;
    site_rollback(station);
    return -1;
}

static void contour_path(const char *name, char out[100])
{
    snprintf(out, 100, "contours/%s.json", name);
}

int station_contour_add(struct site *station, const char *file, struct contour_identity *out, struct err *e)
{
    auto_buf text = BUF(IDENTITY_MAX);
    char path[100];
    if (file_read(AT_FDCWD, file, &text, e) < 0 || parse_identity(station, buf_span(&text), file, out, e) < 0)
        return -1;
    contour_path(out->name, path);
    struct contour_identity known;
    struct err absent = {0};
    if (station_contour_get(station, out->name, &known, &absent) == 0 && strcmp(known.id, out->id) != 0) {
        err_set(e, ERR_EXISTS, 0, "another contour is called \"%s\" here: its id is %s, the one in %s is %s", out->name,
                known.id, file, out->id);
        return err_hint(e, "Compare the ids with the people of the contour; to replace it, remove %s first", path);
    }
    if (file_write(station->dir, path, buf_span(&text), 0644, e) < 0)
        return -1;
    return add_event(station, out, e);
}

int station_contour_get(struct site *station, const char *name, struct contour_identity *out, struct err *e)
{
    auto_buf text = BUF(IDENTITY_MAX);
    char path[100];
    if (!release_name_ok(name))
        return err_set(e, ERR_USAGE, 0, "\"%.64s\" is no name of a contour", name);
    contour_path(name, path);
    if (file_read(station->dir, path, &text, e) < 0) {
        if (e && e->code == ERR_NOTFOUND) {
            err_set(e, ERR_NOTFOUND, 0, "no contour \"%s\" is known here", name);
            err_hint(e,
                     "`airlock station contour add FILE` takes the file that `airlock identity` makes in the contour");
        }
        return -1;
    }
    return parse_identity(station, buf_span(&text), path, out, e);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && span_ends(span_str(entry->d_name), SPAN_LIT(".json"));
}

int station_contour_each(struct site *station, int (*each)(void *arg, const struct contour_identity *c), void *arg,
                         struct err *e)
{
    struct dirent **list = NULL;
    int count = scandirat(station->dir, "contours", &list, visible, alphasort);
    int result = 0;
    if (count < 0)
        return err_set(e, ERR_IO, errno, "list %s/contours", station->path);
    for (int i = 0; i < count; i++) {
        struct contour_identity c;
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strlen(list[i]->d_name) - 5, list[i]->d_name);
        if (result == 0)
            result = station_contour_get(station, name, &c, e);
        if (result == 0)
            result = each(arg, &c);
        free(list[i]);
    }
    free(list);
    return result;
}

/* ── identity ── */

static int put_key(struct json_out *w, const char *use, const struct public_key *key, struct err *e)
{
    auto_buf pem = BUF(KEY_FILE_MAX);
    if (public_key_pem(key, &pem, e) < 0)
        return -1;
    json_out_object(w);
    json_put_string(w, "use", use);
    json_put_string(w, "id", digest_hex(public_key_id(key)).text);
    json_put_string(w, "pem", buf_str(&pem));
    json_out_object_end(w);
    return 0;
}

int identity_write(struct site *contour, struct json_out *w, struct err *e)
{
    auto_buf vkey = BUF(512);
    if (site_vkey(contour, &vkey, e) < 0)
        return -1;
    json_put_string(w, "name", contour->config.name);
    json_put_string(w, "id", contour->config.id);
    json_put_array(w, "keys");
    if (put_key(w, "decisions", contour->public_key, e) < 0)
        return -1;
    json_out_array_end(w);
    json_put_string(w, "ledger", buf_str(&vkey));
    return 0;
}
