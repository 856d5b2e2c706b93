/* The station's side: metadata in the form that tuf_meta.c and tuf_lists.c read. */
#include <string.h>

#include "parse/tuf.h"
#include "trust/tuf_meta.h"
#include "util/clock.h"
#include "util/encode.h"

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

/* Takes over `body`. */
static int sign_and_write(json_t *body, const struct private_key *const keys[], size_t count, struct buf *out,
                          struct err *e)
{
    auto_buf canonical = BUF(LIMIT_TUF_TARGETS_BYTES);
    auto_json file = json_pack("{s:[], s:o}", "signatures", "signed", body);
    if (!file)
        return err_set(e, ERR_INPUT, 0, "metadata: text that is no UTF-8");
    if (tuf_canonical(body, &canonical, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct signature s;
        char id[65], hex[2 * SIGNATURE_MAX + 1];
        auto_json key = tuf_key_json(private_key_public(keys[i]), e);
        if (!key || tuf_key_id(key, id, e) < 0 || key_sign(keys[i], buf_span(&canonical), &s, e) < 0)
            return -1;
        hex_encode(span_of(s.bytes, s.len), hex);
        json_array_append_new(json_object_get(file, "signatures"), json_pack("{s:s, s:s}", "keyid", id, "sig", hex));
    }
    if (json_dump_callback(file, append, out, JSON_COMPACT | JSON_SORT_KEYS) < 0)
        out->failed = true;
    return buf_check(out, "metadata", e);
}

static json_t *new_body(const char *type, uint64_t version, int64_t expires_s)
{
    return json_pack("{s:s, s:s, s:I, s:s}", "_type", type, "spec_version", TUF_SPEC_VERSION, "version",
                     (json_int_t)version, "expires", time_text(expires_s).text);
}

/* Adds the key to `keys` (object) and returns {"keyids": [id], "threshold": 1}, or NULL. */
static json_t *role_of(const struct private_key *k, json_t *keys, struct err *e)
{
    char id[65];
    json_t *key = tuf_key_json(private_key_public(k), e);
    if (!key)
        return NULL;
    if (tuf_key_id(key, id, e) < 0) {
        json_decref(key);
        return NULL;
    }
    json_object_set_new(keys, id, key);
    return json_pack("{s:[s], s:i}", "keyids", id, "threshold", 1);
}

/* ── root ── */

static int fill_root(const struct tuf_signer *s, json_t *body, struct err *e)
{
    json_t *keys = json_object(), *roles = json_object();
    json_object_set_new(body, "keys", keys);
    json_object_set_new(body, "roles", roles);
    json_object_set_new(body, "consistent_snapshot", json_true());
    for (enum tuf_role r = TUF_ROOT; r <= TUF_TIMESTAMP; r++) {
        if (!s->keys[r])
            return err_set(e, ERR_USAGE, 0, "root: the role %s has no key", tuf_role_name(r));
        json_t *role = role_of(s->keys[r], keys, e);
        if (!role)
            return -1;
        json_object_set_new(roles, tuf_role_name(r), role);
    }
    return 0;
}

int tuf_write_next_root(const struct tuf_signer *s, const struct private_key *before, uint64_t version,
                        int64_t expires_s, struct buf *out, struct err *e)
{
    const struct private_key *keys[] = {s->keys[TUF_ROOT], before};
    bool same = before && digest_equal(public_key_id(private_key_public(before)),
                                       public_key_id(private_key_public(s->keys[TUF_ROOT])));
    auto_json body = new_body("root", version, expires_s);
    if (fill_root(s, body, e) < 0)
        return -1;
    return sign_and_write(json_incref(body), keys, before && !same ? 2 : 1, out, e);
}

int tuf_write_root(const struct tuf_signer *s, uint64_t version, int64_t expires_s, struct buf *out, struct err *e)
{
    return tuf_write_next_root(s, NULL, version, expires_s, out, e);
}

/* ── targets, snapshot, timestamp of one version ── */

struct writing {
    const struct tuf_signer *signer;
    uint64_t version;
    int64_t expires_s;
    const struct tuf_new_target *targets;
    size_t count;
    int (*emit)(void *arg, const char *file, struct span bytes, struct err *e);
    void *arg;
    json_t *meta; /* of the snapshot: what was emitted so far */
};

static json_t *listed(uint64_t version, struct span bytes)
{
    struct digest d = digest_of(bytes);
    return json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)version, "length", (json_int_t)bytes.len, "hashes",
                     "sha256", digest_hex(&d).text);
}

/* Signs, emits, and notes the file in w->meta. Takes over `body`. */
static int emit_role(struct writing *w, enum tuf_role role, json_t *body, struct err *e)
{
    char file[TUF_FILE_CHARS], name[TUF_FILE_CHARS];
    auto_buf out = BUF(LIMIT_TUF_TARGETS_BYTES);
    snprintf(name, sizeof name, "%s.json", tuf_role_name(role));
    snprintf(file, sizeof file, "%llu.%.15s", (unsigned long long)w->version, name);
    if (sign_and_write(body, &w->signer->keys[role], 1, &out, e) < 0)
        return err_prefix(e, "%s", file);
    json_object_set_new(w->meta, name, listed(w->version, buf_span(&out)));
    return w->emit(w->arg, role == TUF_TIMESTAMP ? name : file, buf_span(&out), e);
}

static int add_target(json_t *targets, const struct tuf_new_target *t, struct err *e)
{
    json_t *entry =
        json_pack("{s:I, s:{s:s}}", "length", (json_int_t)t->length, "hashes", "sha256", digest_hex(&t->digest).text);
    json_object_set_new(targets, t->name, entry);
    if (!t->custom)
        return 0;
    json_t *custom = json_parse(span_str(t->custom), LIMIT_TUF_TARGETS_BYTES, t->name, e);
    if (!custom)
        return -1;
    json_object_set_new(entry, "custom", custom);
    return 0;
}

static json_t *targets_of(const struct writing *w, enum tuf_role role, struct err *e)
{
    auto_json targets = json_object();
    for (size_t i = 0; i < w->count; i++) {
        const struct tuf_new_target *t = &w->targets[i];
        if (t->role != role)
            continue;
        if (json_object_get(targets, t->name)) {
            err_set(e, ERR_USAGE, 0, "the target %s is given twice", t->name);
            return NULL;
        }
        if (add_target(targets, t, e) < 0)
            return NULL;
    }
    return ptr_steal(&targets);
}

static json_t *delegations_of(const struct tuf_signer *s, struct err *e)
{
    json_t *keys = json_object(), *roles = json_array();
    auto_json all = json_pack("{s:o, s:o}", "keys", keys, "roles", roles);
    for (enum tuf_role r = TUF_FIRST_DELEGEE; r < TUF_ROLES; r++) {
        char path[TUF_FILE_CHARS];
        json_t *role = s->keys[r] ? role_of(s->keys[r], keys, e) : NULL;
        if (!s->keys[r])
            continue;
        if (!role)
            return NULL;
        snprintf(path, sizeof path, "%s/*", tuf_role_name(r));
        json_object_set_new(role, "name", json_string(tuf_role_name(r)));
        json_object_set_new(role, "paths", json_pack("[s]", path));
        json_object_set_new(role, "terminating", json_true());
        json_array_append_new(roles, role);
    }
    return ptr_steal(&all);
}

static int write_targets(struct writing *w, enum tuf_role role, struct err *e)
{
    auto_json body = new_body("targets", w->version, w->expires_s);
    json_t *targets = targets_of(w, role, e);
    if (!targets)
        return -1;
    json_object_set_new(body, "targets", targets);
    if (role == TUF_TARGETS) {
        json_t *delegations = delegations_of(w->signer, e);
        if (!delegations)
            return -1;
        json_object_set_new(body, "delegations", delegations);
    }
    return emit_role(w, role, json_incref(body), e);
}

static int write_snapshot_and_timestamp(struct writing *w, struct err *e)
{
    json_t *snapshot = new_body("snapshot", w->version, w->expires_s);
    json_object_set(snapshot, "meta", w->meta);
    json_t *files = w->meta; /* emit_role notes snapshot.json for the timestamp, and the snapshot lists the others */
    w->meta = json_object();
    int result = emit_role(w, TUF_SNAPSHOT, snapshot, e);
    json_decref(files);
    if (result < 0)
        return -1;
    json_t *timestamp = new_body("timestamp", w->version, w->expires_s);
    json_object_set_new(timestamp, "meta", json_copy(w->meta));
    return emit_role(w, TUF_TIMESTAMP, timestamp, e);
}

static int check_targets(const struct writing *w, struct err *e)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct tuf_new_target *t = &w->targets[i];
        if (t->role != TUF_TARGETS && (t->role < TUF_FIRST_DELEGEE || t->role >= TUF_ROLES))
            return err_set(e, ERR_USAGE, 0, "the target %s: its role signs no targets", t->name);
        if (!w->signer->keys[t->role])
            return err_set(e, ERR_USAGE, 0, "the target %s: the role %s has no key", t->name, tuf_role_name(t->role));
        if (!tuf_target_name_fits(t->name, t->role))
            return err_set(e, ERR_USAGE, 0, "the target name %s is malformed or does not belong to the role %s",
                           t->name, tuf_role_name(t->role));
    }
    return 0;
}

static int write_set(struct writing *w, struct err *e)
{
    for (enum tuf_role r = TUF_FIRST_DELEGEE; r < TUF_ROLES; r++)
        if (w->signer->keys[r] && write_targets(w, r, e) < 0)
            return -1;
    if (write_targets(w, TUF_TARGETS, e) < 0)
        return -1;
    return write_snapshot_and_timestamp(w, e);
}

int tuf_write_set(const struct tuf_signer *s, uint64_t version, int64_t expires_s, const struct tuf_new_target *targets,
                  size_t count, int (*emit)(void *arg, const char *file, struct span bytes, struct err *e), void *arg,
                  struct err *e)
{
    struct writing w = {
        .signer = s,
        .version = version,
        .expires_s = expires_s,
        .targets = targets,
        .count = count,
        .emit = emit,
        .arg = arg,
        .meta = json_object(),
    };
    int result = check_targets(&w, e) < 0 ? -1 : write_set(&w, e);
    json_decref(w.meta);
    return result;
}
