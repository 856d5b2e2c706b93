#include "tuf_repo.h"

#include <string.h>

#include "parse/tuf.h"
#include "trust/tuf_meta.h"
#include "util/clock.h"
#include "util/encode.h"

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

void repo_init(struct repo *r)
{
    struct err e = {0};
    *r = (struct repo){0};
    for (size_t i = 0; i < TUF_ROLES; i++) {
        r->keys[i] = private_key_new(i % 2 ? KEY_ED25519 : KEY_P256, &e);
        assert_non_null(r->keys[i]);
    }
    struct tuf_signer s;
    memcpy(s.keys, r->keys, sizeof s.keys);
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    must(tuf_write_root(&s, 1, NOW + 365 * DAY, &root, &e), &e);
    repo_put(r, "1.root.json", buf_span(&root));
}

void repo_fini(struct repo *r)
{
    for (size_t i = 0; i < TUF_ROLES; i++)
        private_key_free(r->keys[i]);
    for (size_t i = 0; i < r->count; i++)
        buf_fini(&r->files[i].bytes);
    free(r->files);
}

static struct repo_file *find(const struct repo *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->files[i].name, name) == 0)
            return &r->files[i];
    return NULL;
}

bool repo_has(const struct repo *r, const char *name)
{
    return find(r, name) != NULL;
}

struct buf *repo_get(struct repo *r, const char *name)
{
    struct repo_file *f = find(r, name);
    if (!f)
        fail_msg("the test has no file %s", name);
    return &f->bytes;
}

void repo_put(struct repo *r, const char *name, struct span bytes)
{
    struct buf copy = BUF(16U << 20);
    buf_add_span(&copy, bytes);
    struct repo_file *f = find(r, name);
    if (!f) {
        if (r->count == r->room) {
            r->room = r->room ? 2 * r->room : 32;
            r->files = reallocarray(r->files, r->room, sizeof *r->files);
            assert_non_null(r->files);
        }
        f = &r->files[r->count++];
        *f = (struct repo_file){0};
        snprintf(f->name, sizeof f->name, "%s", name);
    }
    buf_fini(&f->bytes);
    f->bytes = copy;
}

void repo_remove(struct repo *r, const char *name)
{
    struct repo_file *f = find(r, name);
    assert_non_null(f);
    buf_fini(&f->bytes);
    *f = r->files[--r->count];
}

void repo_copy_files(struct repo *to, const struct repo *from)
{
    for (size_t i = 0; i < from->count; i++)
        repo_put(to, from->files[i].name, buf_span(&from->files[i].bytes));
}

static int fetch(void *arg, const char *file, struct buf *out, struct err *e)
{
    struct repo *r = arg;
    const struct repo_file *f = find(r, file);
    r->last_cap = out->max;
    if (!f)
        return err_set(e, ERR_NOTFOUND, 0, "metadata/%s: is not on the medium", file);
    buf_add_span(out, buf_span(&f->bytes));
    return buf_check(out, file, e);
}

struct tuf_source repo_source(struct repo *r)
{
    return (struct tuf_source){.fetch = fetch, .arg = r};
}

static int emit(void *arg, const char *file, struct span bytes, struct err *e)
{
    (void)e;
    repo_put(arg, file, bytes);
    return 0;
}

void repo_publish(struct repo *r, uint64_t version)
{
    struct err e = {0};
    struct tuf_signer s;
    memcpy(s.keys, r->keys, sizeof s.keys);
    struct tuf_new_target targets[] = {
        {.role = TUF_TARGETS, .name = "shipment.json", .length = 10, .custom = "{\"contour\":\"c0\"}"},
        {.role = TUF_MODELS, .name = "models/aa", .length = 20},
        {.role = TUF_SOFTWARE, .name = "software/bb", .length = 30},
        {.role = TUF_POLICY, .name = "policy/cc", .length = 40},
        {.role = TUF_ADVISORIES, .name = "advisories/dd", .length = 50},
    };
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        targets[i].digest = digest_of(span_str(targets[i].name));
    must(tuf_write_set(&s, version, NOW + 30 * DAY, targets, ARRAY_LEN(targets), emit, r, &e), &e);
}

json_t *repo_load(struct repo *r, const char *name)
{
    struct err e = {0};
    json_t *file = json_parse(buf_span(repo_get(r, name)), 16U << 20, name, &e);
    if (!file)
        fail_msg("%s", e.msg);
    return file;
}

static void add_signature(json_t *signatures, const struct private_key *k, struct span canonical)
{
    struct err e = {0};
    struct signature s;
    char id[65], hex[2 * SIGNATURE_MAX + 1];
    auto_json key = tuf_key_json(private_key_public(k), &e);
    must(tuf_key_id(key, id, &e), &e);
    must(key_sign(k, canonical, &s, &e), &e);
    hex_encode(span_of(s.bytes, s.len), hex);
    json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", id, "sig", hex));
}

void repo_save(struct repo *r, const char *name, json_t *file, const struct private_key *const keys[], size_t count)
{
    struct err e = {0};
    auto_buf canonical = BUF(16U << 20);
    must(tuf_canonical(json_object_get(file, "signed"), &canonical, &e), &e);
    json_t *signatures = json_array();
    for (size_t i = 0; i < count; i++)
        add_signature(signatures, keys[i], buf_span(&canonical));
    json_object_set_new(file, "signatures", signatures);
    auto_free char *text = json_dumps(file, JSON_INDENT(1));
    repo_put(r, name, span_str(text));
}

static json_t *listed(struct repo *r, const char *name, uint64_t version)
{
    struct span bytes = buf_span(repo_get(r, name));
    struct digest d = digest_of(bytes);
    return json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)version, "length", (json_int_t)bytes.len, "hashes",
                     "sha256", digest_hex(&d).text);
}

void repo_relink(struct repo *r, uint64_t version)
{
    char name[48], snapshot[48];
    snprintf(snapshot, sizeof snapshot, "%llu.snapshot.json", (unsigned long long)version);
    json_t *meta = json_object();
    for (enum tuf_role role = TUF_TARGETS; role < TUF_ROLES; role++) {
        char as[48];
        snprintf(as, sizeof as, "%s.json", tuf_role_name(role));
        snprintf(name, sizeof name, "%llu.%.40s", (unsigned long long)version, as);
        if (role != TUF_SNAPSHOT && role != TUF_TIMESTAMP && repo_has(r, name))
            json_object_set_new(meta, as, listed(r, name, version));
    }
    REPO_EDIT(r, snapshot, r->keys[TUF_SNAPSHOT], json_object_set_new(body, "meta", meta));
    REPO_EDIT(r, "timestamp.json", r->keys[TUF_TIMESTAMP],
              json_object_set_new(json_object_get(body, "meta"), "snapshot.json", listed(r, snapshot, version)));
}

void repo_root(struct repo *r, uint64_t version, int64_t expires_s, const struct root_role roles[4],
               const struct private_key *const signers[])
{
    struct err e = {0};
    json_t *keys = json_object(), *by_role = json_object();
    for (enum tuf_role role = TUF_ROOT; role <= TUF_TIMESTAMP; role++) {
        json_t *ids = json_array();
        for (size_t i = 0; roles[role].keys[i]; i++) {
            char id[65];
            json_t *key = tuf_key_json(private_key_public(roles[role].keys[i]), &e);
            must(tuf_key_id(key, id, &e), &e);
            json_object_set_new(keys, id, key);
            json_array_append_new(ids, json_string(id));
        }
        json_int_t threshold = roles[role].threshold ? (json_int_t)roles[role].threshold : 1;
        json_object_set_new(by_role, tuf_role_name(role),
                            json_pack("{s:o, s:I}", "keyids", ids, "threshold", threshold));
    }
    auto_json file = json_pack("{s:{s:s, s:s, s:I, s:s, s:b, s:o, s:o}}", "signed", "_type", "root", "spec_version",
                               "1.0.34", "version", (json_int_t)version, "expires", time_text(expires_s).text,
                               "consistent_snapshot", 1, "keys", keys, "roles", by_role);
    assert_non_null(file);
    char name[48];
    snprintf(name, sizeof name, "%llu.root.json", (unsigned long long)version);
    size_t count = 0;
    while (signers[count])
        count++;
    repo_save(r, name, file, signers, count);
}
