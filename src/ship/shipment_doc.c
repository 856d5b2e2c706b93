#include "ship/shipment_doc.h"

#include <string.h>

#include "util/limits.h"

void shipment_doc_fini(struct shipment_doc *d)
{
    free(d->releases);
    free(d->volumes);
    *d = (struct shipment_doc){0};
}

static void put_release(struct json_out *w, const struct shipment_release *r)
{
    json_out_object(w);
    json_put_string(w, "name", r->name);
    json_put_string(w, "version", r->version);
    json_put_digest(w, "digest", &r->digest);
    json_put_array(w, "attachments");
    for (size_t i = 0; i < r->attachment_count; i++)
        json_out_string(w, digest_text(&r->attachments[i]).text);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void put_volume(struct json_out *w, const struct shipment_volume *v)
{
    json_out_object(w);
    json_put_uint(w, "number", v->number);
    json_put_uint(w, "size", v->size);
    json_put_digest(w, "header", &v->header);
    json_out_object_end(w);
}

static void put_artifact(struct json_out *w, const struct shipment_artifact *a)
{
    json_out_object(w);
    json_put_string(w, "role", tuf_role_name(a->role));
    json_put_digest(w, "digest", &a->digest);
    json_put_uint(w, "size", a->size);
    json_put_time(w, "date", a->date_s);
    json_put_digest(w, "signature", &a->signature);
    json_out_object_end(w);
}

/* Absent where nothing travels along: contours of an older version take such a shipment too. */
void shipment_doc_put_artifacts(struct json_out *w, const struct shipment_doc *d)
{
    if (d->artifact_count == 0)
        return;
    json_put_array(w, "artifacts");
    for (size_t i = 0; i < d->artifact_count; i++)
        put_artifact(w, &d->artifacts[i]);
    json_out_array_end(w);
}

int shipment_doc_write(const struct shipment_doc *d, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", SHIPMENT_SCHEMA);
    json_put_string(&w, "contour", d->contour);
    json_put_string(&w, "station", d->station);
    json_put_uint(&w, "sequence", d->sequence);
    json_put_time(&w, "issued", d->issued_s);
    json_put_time(&w, "expires", d->expires_s);
    json_put_array(&w, "releases");
    for (size_t i = 0; i < d->release_count; i++)
        put_release(&w, &d->releases[i]);
    json_out_array_end(&w);
    shipment_doc_put_artifacts(&w, d);
    json_put_object(&w, "keys");
    json_put_array(&w, "attestation");
    for (size_t i = 0; i < d->key_count; i++)
        json_out_string(&w, digest_text(&d->attestation_keys[i]).text);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_put_uint(&w, "block_size", VOLUME_BLOCK_BYTES);
    json_put_array(&w, "volumes");
    for (size_t i = 0; i < d->volume_count; i++)
        put_volume(&w, &d->volumes[i]);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, SHIPMENT_TARGET, e);
}

static int read_digests(const json_t *object, const char *key, const char *at, struct digest *out, size_t max,
                        size_t *count, struct err *e)
{
    const json_t *list = json_need_array(object, key, at, e);
    if (!list)
        return -1;
    if (json_array_size(list) > max)
        return err_set(e, ERR_LIMIT, 0, "%s/%s: %zu; at most %zu are read", at, key, json_array_size(list), max);
    for (*count = 0; *count < json_array_size(list); ++*count) {
        const char *text = json_string_value(json_array_get(list, *count));
        if (!text)
            return err_set(e, ERR_INPUT, 0, "%s/%s: wanted digests", at, key);
        if (digest_parse(span_str(text), &out[*count], e) < 0)
            return err_prefix(e, "%s/%s", at, key);
    }
    return 0;
}

static int read_release(const json_t *row, size_t i, struct shipment_release *out, struct err *e)
{
    static const char *const keys[] = {"name", "version", "digest", "attachments", NULL};
    char at[40];
    snprintf(at, sizeof at, "/releases/%zu", i);
    const char *name = json_need_string(row, "name", at, e);
    const char *version = name ? json_need_string(row, "version", at, e) : NULL;
    if (!version || json_only_keys(row, keys, at, e) < 0 || json_need_digest(row, "digest", at, &out->digest, e) < 0)
        return -1;
    if (!release_name_ok(name) || !release_version_ok(version))
        return err_set(e, ERR_INPUT, 0, "%s: \"%.80s:%.40s\" is no name and version", at, name, version);
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->version, sizeof out->version, "%s", version);
    return read_digests(row, "attachments", at, out->attachments, ATTACHMENTS_MAX, &out->attachment_count, e);
}

static int read_releases(const json_t *root, struct shipment_doc *out, struct err *e)
{
    const json_t *list = json_need_array(root, "releases", "", e);
    size_t count = list ? json_array_size(list) : 0;
    if (!list)
        return -1;
    if (count > SHIPMENT_RELEASES_MAX || (count == 0 && out->artifact_count == 0))
        return err_set(e, ERR_INPUT, 0, "/releases: wanted 1 to %u, or artifacts; found %zu", SHIPMENT_RELEASES_MAX,
                       count);
    out->releases = calloc(count + 1, sizeof *out->releases);
    if (!out->releases)
        abort();
    for (size_t i = 0; i < count; i++, out->release_count++)
        if (read_release(json_array_get(list, i), i, &out->releases[i], e) < 0)
            return -1;
    return 0;
}

enum tuf_role shipment_artifact_role(const char *name)
{
    static const enum tuf_role roles[] = {TUF_POLICY, TUF_ADVISORIES};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (strcmp(name, tuf_role_name(roles[i])) == 0)
            return roles[i];
    return TUF_ROLES;
}

static int read_artifact(const json_t *row, size_t i, struct shipment_artifact *list, struct err *e)
{
    static const char *const keys[] = {"role", "digest", "size", "date", "signature", NULL};
    struct shipment_artifact *a = &list[i];
    char at[40];
    snprintf(at, sizeof at, "/artifacts/%zu", i);
    const char *role = json_need_string(row, "role", at, e);
    if (!role || json_only_keys(row, keys, at, e) < 0 || json_need_digest(row, "digest", at, &a->digest, e) < 0 ||
        json_need_uint(row, "size", at, &a->size, e) < 0 || json_need_time(row, "date", at, &a->date_s, e) < 0 ||
        json_need_digest(row, "signature", at, &a->signature, e) < 0)
        return -1;
    a->role = shipment_artifact_role(role);
    if (a->role == TUF_ROLES)
        return err_set(e, ERR_INPUT, 0, "%s/role: wanted policy or advisories, found %.40s", at, role);
    for (size_t k = 0; k < i; k++)
        if (list[k].role == a->role)
            return err_set(e, ERR_INPUT, 0, "%s/role: %s stands twice; a shipment brings one", at, role);
    return 0;
}

int shipment_artifacts_read(const json_t *object, struct shipment_artifact out[SHIPMENT_ARTIFACTS_MAX], size_t *count,
                            struct err *e)
{
    *count = 0;
    if (!json_object_get(object, "artifacts"))
        return 0;
    const json_t *list = json_need_array(object, "artifacts", "", e);
    size_t found = list ? json_array_size(list) : 0;
    if (!list)
        return -1;
    if (found == 0 || found > SHIPMENT_ARTIFACTS_MAX)
        return err_set(e, ERR_INPUT, 0, "/artifacts: wanted 1 to %u, found %zu", SHIPMENT_ARTIFACTS_MAX, found);
    for (; *count < found; ++*count)
        if (read_artifact(json_array_get(list, *count), *count, out, e) < 0)
            return -1;
    return 0;
}

static int read_volume(const json_t *row, size_t i, struct shipment_volume *out, struct err *e)
{
    static const char *const keys[] = {"number", "size", "header", NULL};
    char at[40];
    snprintf(at, sizeof at, "/volumes/%zu", i);
    if (!json_is_object(row) || json_only_keys(row, keys, at, e) < 0 ||
        json_need_uint(row, "number", at, &out->number, e) < 0 || json_need_uint(row, "size", at, &out->size, e) < 0)
        return -1;
    if (out->number != i + 1 || out->size > LIMIT_VOLUME_BYTES)
        return err_set(e, ERR_INPUT, 0, "%s: wanted number %zu and at most %llu bytes", at, i + 1, LIMIT_VOLUME_BYTES);
    return json_need_digest(row, "header", at, &out->header, e);
}

static int read_volumes(const json_t *root, struct shipment_doc *out, struct err *e)
{
    const json_t *list = json_need_array(root, "volumes", "", e);
    size_t count = list ? json_array_size(list) : 0;
    if (!list)
        return -1;
    if (count > VOLUMES_MAX)
        return err_set(e, ERR_LIMIT, 0, "/volumes: %zu; at most %u are read", count, VOLUMES_MAX);
    out->volumes = calloc(count + 1, sizeof *out->volumes);
    if (!out->volumes)
        abort();
    for (size_t i = 0; i < count; i++, out->volume_count++)
        if (read_volume(json_array_get(list, i), i, &out->volumes[i], e) < 0)
            return -1;
    return 0;
}

static int read_head(const json_t *root, struct shipment_doc *out, struct err *e)
{
    const char *schema = json_need_string(root, "schema", "", e);
    const char *contour = schema ? json_need_string(root, "contour", "", e) : NULL;
    const char *station = contour ? json_need_string(root, "station", "", e) : NULL;
    if (!station)
        return -1;
    if (strcmp(schema, SHIPMENT_SCHEMA) != 0)
        return err_set(e, ERR_INPUT, 0, "/schema: wanted " SHIPMENT_SCHEMA ", found %.64s", schema);
    if (strlen(contour) != 32 || !release_name_ok(contour) || !release_name_ok(station))
        return err_set(e, ERR_INPUT, 0, "/contour, /station: wanted an id of 32 characters and a name");
    snprintf(out->contour, sizeof out->contour, "%s", contour);
    snprintf(out->station, sizeof out->station, "%s", station);
    if (json_need_uint(root, "sequence", "", &out->sequence, e) < 0 ||
        json_need_time(root, "issued", "", &out->issued_s, e) < 0)
        return -1;
    return json_need_time(root, "expires", "", &out->expires_s, e);
}

static int read_tail(const json_t *root, struct shipment_doc *out, struct err *e)
{
    uint64_t block;
    const json_t *keys = json_need_object(root, "keys", "", e);
    if (!keys ||
        read_digests(keys, "attestation", "/keys", out->attestation_keys, SHIPMENT_KEYS_MAX, &out->key_count, e) < 0 ||
        json_need_uint(root, "block_size", "", &block, e) < 0)
        return -1;
    if (block != VOLUME_BLOCK_BYTES)
        return err_set(e, ERR_INPUT, 0, "/block_size: wanted %u, found %llu", VOLUME_BLOCK_BYTES,
                       (unsigned long long)block);
    return read_volumes(root, out, e);
}

int shipment_doc_read(const json_t *root, struct shipment_doc *out, struct err *e)
{
    static const char *const keys[] = {"schema",   "contour",   "station", "sequence",   "issued",  "expires",
                                       "releases", "artifacts", "keys",    "block_size", "volumes", NULL};
    *out = (struct shipment_doc){0};
    if (json_only_keys(root, keys, "", e) == 0 && read_head(root, out, e) == 0 &&
        shipment_artifacts_read(root, out->artifacts, &out->artifact_count, e) == 0 &&
        read_releases(root, out, e) == 0 && read_tail(root, out, e) == 0)
        return 0;
    shipment_doc_fini(out);
    return err_prefix(e, SHIPMENT_TARGET);
}
