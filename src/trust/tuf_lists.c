/* The lists inside metadata: files that timestamp and snapshot name, delegations, targets. */
#include <string.h>

#include "trust/tuf_meta.h"

/* ── "meta" of timestamp and snapshot ── */

static int read_listed(const json_t *entry, const char *at, struct tuf_listed *out, struct err *e)
{
    if (json_need_uint(entry, "version", at, &out->version, e) < 0)
        return -1;
    if (out->version == 0)
        return err_set(e, ERR_INPUT, 0, "%s/version: 0; the first is 1", at);
    if (json_object_get(entry, "length")) {
        out->has_length = true;
        if (json_need_uint(entry, "length", at, &out->length, e) < 0)
            return -1;
    }
    if (!json_object_get(entry, "hashes"))
        return 0;
    const json_t *hashes = json_need_object(entry, "hashes", at, e);
    const char *hex = hashes ? json_need_string(hashes, "sha256", at, e) : NULL;
    if (!hex)
        return -1;
    out->has_digest = true;
    return digest_from_hex(span_str(hex), &out->digest)
               ? 0
               : err_set(e, ERR_INPUT, 0, "%s/hashes/sha256: wanted 64 lower-case hex digits", at);
}

int tuf_listed_read(const struct tuf_meta *m, const char *listed, const char *file, struct tuf_listed *out,
                    struct err *e)
{
    char at[128];
    snprintf(at, sizeof at, "/signed/meta/%s", listed);
    *out = (struct tuf_listed){0};
    const json_t *meta = json_need_object(m->body, "meta", "/signed", e);
    const json_t *entry = meta ? json_need_object(meta, listed, "/signed/meta", e) : NULL;
    if (!entry || read_listed(entry, at, out, e) < 0)
        return err_prefix(e, "%s", file);
    return 0;
}

/* ── delegations ── */

void tuf_delegations_fini(struct tuf_delegations *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->holders); i++)
        tuf_holders_fini(&d->holders[i]);
}

static bool delegee(const char *name, enum tuf_role *out)
{
    for (enum tuf_role r = TUF_FIRST_DELEGEE; r < TUF_ROLES; r++)
        if (strcmp(name, tuf_role_name(r)) == 0) {
            *out = r;
            return true;
        }
    return false;
}

/* Terminating, and for exactly the folder of its own name: so no two roles can speak about one target. */
static int check_scope(const json_t *role, enum tuf_role r, const char *at, struct err *e)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%s/*", tuf_role_name(r));
    const json_t *paths = json_need_array(role, "paths", at, e);
    if (!paths)
        return -1;
    const char *path = json_string_value(json_array_get(paths, 0));
    if (json_array_size(paths) != 1 || !path || strcmp(path, wanted) != 0)
        return err_set(e, ERR_INPUT, 0, "%s/paths: wanted [\"%s\"] and nothing else", at, wanted);
    if (!json_is_true(json_object_get(role, "terminating")))
        return err_set(e, ERR_INPUT, 0, "%s/terminating: wanted true", at);
    return 0;
}

static int read_delegation(const json_t *role, const json_t *keys, size_t number, struct tuf_delegations *out,
                           struct err *e)
{
    char at[64];
    enum tuf_role r;
    snprintf(at, sizeof at, "/signed/delegations/roles/%zu", number);
    const char *name = json_need_string(role, "name", at, e);
    if (!name)
        return -1;
    if (!delegee(name, &r))
        return err_set(e, ERR_INPUT, 0, "%s/name: \"%.40s\" is no role of ours: models, software, policy, advisories",
                       at, name);
    if (out->holders[r].count)
        return err_set(e, ERR_INPUT, 0, "%s/name: %s is delegated twice", at, name);
    if (check_scope(role, r, at, e) < 0)
        return -1;
    return tuf_holders_read(role, keys, at, &out->holders[r], e);
}

int tuf_delegations_read(const struct tuf_meta *m, const char *file, struct tuf_delegations *out, struct err *e)
{
    *out = (struct tuf_delegations){0};
    if (!json_object_get(m->body, "delegations"))
        return 0;
    const json_t *all = json_need_object(m->body, "delegations", "/signed", e);
    const json_t *keys = all ? json_need_object(all, "keys", "/signed/delegations", e) : NULL;
    const json_t *roles = keys ? json_need_array(all, "roles", "/signed/delegations", e) : NULL;
    if (!roles)
        return err_prefix(e, "%s", file);
    for (size_t i = 0; i < json_array_size(roles); i++)
        if (read_delegation(json_array_get(roles, i), keys, i, out, e) < 0) {
            tuf_delegations_fini(out);
            return err_prefix(e, "%s", file);
        }
    return 0;
}

/* ── targets ── */

/* Parts of [A-Za-z0-9._-] with one slash between them; no part begins or ends with a dot, so
 * neither "." nor ".." is one. */
static bool name_is_right(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > TUF_TARGET_CHARS)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool first = i == 0 || name[i - 1] == '/';
        bool plain = (name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= 'a' && name[i] <= 'z') ||
                     (name[i] >= '0' && name[i] <= '9') || name[i] == '_' || name[i] == '-';
        bool inside = !first && (name[i] == '.' || (name[i] == '/' && i + 1 < len && name[i - 1] != '.'));
        if (!plain && !inside)
            return false;
    }
    return name[len - 1] != '.';
}

/* Delegated: "models/" and one part. Of targets itself: none of the delegated folders. */
static bool belongs_to(const char *name, enum tuf_role role)
{
    const char *slash = strchr(name, '/');
    char folder[TUF_TARGET_CHARS + 1];
    enum tuf_role owner;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - name) : 0, name);
    if (role == TUF_TARGETS)
        return !slash || !delegee(folder, &owner);
    return slash && strcmp(folder, tuf_role_name(role)) == 0 && !strchr(slash + 1, '/');
}

bool tuf_target_name_fits(const char *name, enum tuf_role role)
{
    return name_is_right(name) && belongs_to(name, role);
}

static int read_target(const char *name, const json_t *entry, enum tuf_role role, struct tuf_target *out, struct err *e)
{
    if (!name_is_right(name))
        return err_set(e, ERR_INPUT, 0,
                       "/signed/targets: \"%.80s\" is no target name; wanted parts of A-Z a-z 0-9 . _ - "
                       "with slashes between them",
                       name);
    if (!belongs_to(name, role))
        return err_set(e, ERR_INPUT, 0, "/signed/targets: \"%.80s\" does not belong to the role %s", name,
                       tuf_role_name(role));
    char at[TUF_TARGET_CHARS + 32];
    snprintf(at, sizeof at, "/signed/targets/%s", name);
    const json_t *hashes = json_need_object(entry, "hashes", at, e);
    const char *hex = hashes ? json_need_string(hashes, "sha256", at, e) : NULL;
    *out = (struct tuf_target){.role = role, .name = name};
    if (!hex || json_need_uint(entry, "length", at, &out->length, e) < 0)
        return -1;
    if (!digest_from_hex(span_str(hex), &out->digest))
        return err_set(e, ERR_INPUT, 0, "%s/hashes/sha256: wanted 64 lower-case hex digits", at);
    out->custom = json_object_get(entry, "custom");
    if (out->custom && !json_is_object(out->custom))
        return err_set(e, ERR_INPUT, 0, "%s/custom: wanted an object", at);
    return 0;
}

int tuf_targets_read(const struct tuf_meta *m, enum tuf_role role, const char *file, struct tuf_target **list,
                     size_t *count, struct err *e)
{
    const json_t *targets = json_need_object(m->body, "targets", "/signed", e);
    if (!targets)
        return err_prefix(e, "%s", file);
    struct tuf_target *grown = reallocarray(*list, *count + json_object_size(targets) + 1, sizeof *grown);
    if (!grown)
        abort();
    *list = grown;
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)targets, name, entry)
    {
        if (read_target(name, entry, role, &grown[*count], e) < 0)
            return err_prefix(e, "%s", file);
        ++*count;
    }
    return 0;
}
