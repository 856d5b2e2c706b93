#include "trust/tuf_meta.h"

#include <string.h>

#include "parse/tuf.h"
#include "util/encode.h"

static const char *const ROLE_NAMES[TUF_ROLES] = {
    [TUF_ROOT] = "root",     [TUF_TARGETS] = "targets",   [TUF_SNAPSHOT] = "snapshot", [TUF_TIMESTAMP] = "timestamp",
    [TUF_MODELS] = "models", [TUF_SOFTWARE] = "software", [TUF_POLICY] = "policy",     [TUF_ADVISORIES] = "advisories",
};

const char *tuf_role_name(enum tuf_role r)
{
    return ROLE_NAMES[r];
}

void tuf_holders_fini(struct tuf_holders *h)
{
    for (size_t i = 0; i < h->count; i++)
        public_key_free(h->list[i].key);
    *h = (struct tuf_holders){0};
}

static bool holds(const struct tuf_holders *h, const struct public_key *k)
{
    for (size_t i = 0; i < h->count; i++)
        if (digest_equal(public_key_id(h->list[i].key), public_key_id(k)))
            return true;
    return false;
}

bool tuf_holders_same_keys(const struct tuf_holders *a, const struct tuf_holders *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!holds(b, a->list[i].key))
            return false;
    for (size_t i = 0; i < b->count; i++)
        if (!holds(a, b->list[i].key))
            return false;
    return true;
}

bool tuf_holders_share_a_key(const struct tuf_holders *a, const struct tuf_holders *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (holds(b, a->list[i].key))
            return true;
    return false;
}

/* ── taken apart ── */

void tuf_signed_fini(struct tuf_signed *s)
{
    buf_fini(&s->reply);
}

/* The layout of parse/tuf.h. */
static bool read_reply(struct span reply, struct tuf_signed *out)
{
    uint32_t len, count;
    if (!span_take_be32(&reply, &len) || !span_take(&reply, len, &out->canonical) || !span_take_be32(&reply, &count) ||
        count > LIMIT_SIGNATURES)
        return false;
    for (out->count = 0; out->count < count; out->count++)
        if (!span_take(&reply, 64, &out->signatures[out->count].keyid) || !span_take_be32(&reply, &len) ||
            !span_take(&reply, len, &out->signatures[out->count].bytes))
            return false;
    return reply.len == 0;
}

int tuf_signed_open(struct child *parser, struct span bytes, const char *file, struct tuf_signed *out, struct err *e)
{
    *out = (struct tuf_signed){.reply = BUF(LIMIT_MESSAGE_BYTES)};
    struct child_request ask = {.op = "tuf", .fd = -1, .input = bytes, .timeout_ms = TUF_TIMEOUT_MS};
    if (child_call(parser, &ask, &out->reply, e) < 0)
        return err_prefix(e, "%s", file);
    if (!read_reply(buf_span(&out->reply), out))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave an answer that is none", file);
    return 0;
}

static bool key_signed(const struct tuf_signed *s, const struct tuf_holders *h, size_t i)
{
    for (size_t j = 0; j < s->count; j++)
        if (span_equal_str(s->signatures[j].keyid, h->list[i].id) &&
            key_verify(h->list[i].key, s->canonical, s->signatures[j].bytes))
            return true;
    return false;
}

int tuf_signed_by(const struct tuf_signed *s, const struct tuf_holders *h, const char *file, const char *whose,
                  struct err *e)
{
    struct tuf_holders counted = {0}; /* borrows */
    for (size_t i = 0; i < h->count; i++)
        if (!holds(&counted, h->list[i].key) && key_signed(s, h, i))
            counted.list[counted.count++].key = h->list[i].key;
    if (h->threshold > 0 && counted.count >= h->threshold)
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s: %zu of the %zu keys of %s signed it, wanted %llu", file, counted.count,
                   h->count, whose, (unsigned long long)h->threshold);
}

/* ── what every role says ── */

void tuf_meta_fini(struct tuf_meta *m)
{
    json_decref(m->body);
    buf_fini(&m->bytes);
    *m = (struct tuf_meta){0};
}

/* "wanted … found" with the file's name in front. */
static int read_common(struct tuf_meta *m, const char *type, struct err *e)
{
    const char *found = json_need_string(m->body, "_type", "/signed", e);
    const char *spec = found ? json_need_string(m->body, "spec_version", "/signed", e) : NULL;
    if (!spec)
        return -1;
    if (strcmp(found, type) != 0)
        return err_set(e, ERR_INPUT, 0, "/signed/_type: \"%.40s\", wanted \"%s\"", found, type);
    if (strcmp(spec, "1.0") != 0 && strncmp(spec, "1.0.", 4) != 0)
        return err_set(e, ERR_INPUT, 0, "/signed/spec_version: \"%.40s\", wanted 1.0 or 1.0.x", spec);
    if (json_need_uint(m->body, "version", "/signed", &m->version, e) < 0 ||
        json_need_time(m->body, "expires", "/signed", &m->expires_s, e) < 0)
        return -1;
    return m->version ? 0 : err_set(e, ERR_INPUT, 0, "/signed/version: 0; the first is 1");
}

int tuf_meta_read(const struct tuf_signed *s, struct span bytes, const char *type, const char *file,
                  struct tuf_meta *out, struct err *e)
{
    *out = (struct tuf_meta){.bytes = BUF(LIMIT_TUF_TARGETS_BYTES), .content = digest_of(s->canonical)};
    buf_add_span(&out->bytes, bytes);
    out->body = tuf_canonical_read(s->canonical, file, e);
    if (!out->body)
        return -1;
    if (read_common(out, type, e) < 0)
        return err_prefix(e, "%s", file);
    return buf_check(&out->bytes, file, e);
}

/* ── keys and roles ── */

json_t *tuf_key_json(const struct public_key *k, struct err *e)
{
    uint8_t raw[32];
    if (public_key_raw_ed25519(k, raw)) {
        char hex[65];
        hex_encode(span_of(raw, sizeof raw), hex);
        return json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ed25519", "scheme", "ed25519", "keyval", "public", hex);
    }
    auto_buf pem = BUF(1024);
    if (public_key_pem(k, &pem, e) < 0)
        return NULL;
    return json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ecdsa", "scheme", "ecdsa-sha2-nistp256", "keyval", "public",
                     buf_str(&pem));
}

int tuf_key_id(const json_t *key, char id[65], struct err *e)
{
    auto_buf canonical = BUF(16384);
    if (tuf_canonical(key, &canonical, e) < 0)
        return -1;
    struct digest d = digest_of(buf_span(&canonical));
    memcpy(id, digest_hex(&d).text, 65);
    return 0;
}

static bool is_pair(const char *type, const char *scheme, const char *wanted_type, const char *wanted_scheme)
{
    return strcmp(type, wanted_type) == 0 && strcmp(scheme, wanted_scheme) == 0;
}

/* The key's algorithm is what type and scheme say together, and the key must be of that kind. */
static struct public_key *read_key(const json_t *key, const char *at, struct err *e)
{
    const char *type = json_need_string(key, "keytype", at, e);
    const char *scheme = type ? json_need_string(key, "scheme", at, e) : NULL;
    const json_t *value = scheme ? json_need_object(key, "keyval", at, e) : NULL;
    const char *public = value ? json_need_string(value, "public", at, e) : NULL;
    uint8_t raw[32];
    if (!public)
        return NULL;
    if (is_pair(type, scheme, "ed25519", "ed25519")) {
        if (hex_decode(span_str(public), raw, sizeof raw))
            return public_key_from_ed25519(raw, e);
        err_set(e, ERR_INPUT, 0, "%s/keyval/public: wanted 64 lower-case hex digits", at);
        return NULL;
    }
    if (!is_pair(type, scheme, "ecdsa", "ecdsa-sha2-nistp256")) {
        err_set(e, ERR_INPUT, 0,
                "%s: key type \"%.40s\" with scheme \"%.40s\"; wanted ecdsa with ecdsa-sha2-nistp256, "
                "or ed25519",
                at, type, scheme);
        return NULL;
    }
    auto_public_key k = public_key_parse(span_str(public), at, e);
    if (k && public_key_kind(k) != KEY_P256)
        err_set(e, ERR_INPUT, 0, "%s: says ecdsa and holds a key of %s", at, key_kind_name(public_key_kind(k)));
    return k && public_key_kind(k) == KEY_P256 ? ptr_steal(&k) : NULL;
}

static int add_holder(struct tuf_holders *h, const json_t *keys, const char *id, const char *at, struct err *e)
{
    char recomputed[65], key_at[160];
    const json_t *key = json_object_get(keys, id);
    if (!json_is_object(key))
        return err_set(e, ERR_INPUT, 0, "%s: the key %.70s is not among the keys of the file", at, id);
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->list[i].id, id) == 0)
            return err_set(e, ERR_INPUT, 0, "%s: the key %.70s stands there twice", at, id);
    if (tuf_key_id(key, recomputed, e) < 0)
        return err_prefix(e, "%s", at);
    if (strcmp(id, recomputed) != 0)
        return err_set(e, ERR_INPUT, 0, "%s: the key id %.70s is not the key's, which is %s", at, id, recomputed);
    snprintf(key_at, sizeof key_at, "/signed/keys/%s", recomputed);
    struct public_key *k = read_key(key, key_at, e);
    if (!k)
        return -1;
    memcpy(h->list[h->count].id, recomputed, sizeof recomputed);
    h->list[h->count++].key = k;
    return 0;
}

static int read_holders(const json_t *role, const json_t *keys, const char *at, struct tuf_holders *out, struct err *e)
{
    const json_t *ids = json_need_array(role, "keyids", at, e);
    if (!ids || json_need_uint(role, "threshold", at, &out->threshold, e) < 0)
        return -1;
    size_t count = json_array_size(ids);
    if (count > TUF_KEYS_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s/keyids: %zu keys; at most %u are read", at, count, TUF_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (!id)
            return err_set(e, ERR_INPUT, 0, "%s/keyids/%zu: wanted a string", at, i);
        if (add_holder(out, keys, id, at, e) < 0)
            return -1;
    }
    struct tuf_holders different = {0}; /* borrows */
    for (size_t i = 0; i < out->count; i++)
        if (!holds(&different, out->list[i].key))
            different.list[different.count++].key = out->list[i].key;
    if (out->threshold == 0 || out->threshold > different.count)
        return err_set(e, ERR_INPUT, 0, "%s/threshold: %llu, with %zu different keys nobody can meet it", at,
                       (unsigned long long)out->threshold, different.count);
    return 0;
}

int tuf_holders_read(const json_t *role, const json_t *keys, const char *at, struct tuf_holders *out, struct err *e)
{
    *out = (struct tuf_holders){0};
    if (read_holders(role, keys, at, out, e) == 0)
        return 0;
    tuf_holders_fini(out);
    return -1;
}

void tuf_root_fini(struct tuf_root *r)
{
    for (size_t i = 0; i < ARRAY_LEN(r->holders); i++)
        tuf_holders_fini(&r->holders[i]);
}

static int read_root_roles(const struct tuf_meta *m, struct tuf_root *out, struct err *e)
{
    const json_t *keys = json_need_object(m->body, "keys", "/signed", e);
    const json_t *roles = keys ? json_need_object(m->body, "roles", "/signed", e) : NULL;
    if (!roles)
        return -1;
    if (!json_is_true(json_object_get(m->body, "consistent_snapshot")))
        return err_set(e, ERR_INPUT, 0, "/signed/consistent_snapshot: wanted true");
    for (enum tuf_role r = TUF_ROOT; r <= TUF_TIMESTAMP; r++) {
        char at[64];
        snprintf(at, sizeof at, "/signed/roles/%s", ROLE_NAMES[r]);
        const json_t *role = json_need_object(roles, ROLE_NAMES[r], "/signed/roles", e);
        if (!role || tuf_holders_read(role, keys, at, &out->holders[r], e) < 0)
            return -1;
    }
    return 0;
}

int tuf_root_read(const struct tuf_meta *m, const char *file, struct tuf_root *out, struct err *e)
{
    *out = (struct tuf_root){0};
    if (read_root_roles(m, out, e) == 0)
        return 0;
    tuf_root_fini(out);
    return err_prefix(e, "%s", file);
}
