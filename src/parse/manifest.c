#include "parse/manifest.h"

#include <stdio.h>
#include <string.h>

#include "util/digest512.h"
#include "util/encode.h"
#include "util/json.h"
#include "util/limits.h"

#define MEDIA_TYPE_CHARS 255U /* RFC 6838 section 4.2: 127 each side of the slash */

struct reading {
    struct json_out w; /* "needs" is open */
    json_t *seen;      /* owned: digest → size */
    struct err *e;
};

/* ── keys ── */

static const char *const KEYS_OF_MANIFEST[] = {"schemaVersion", "mediaType", "artifactType", "config", "layers",
                                               "manifests",     "subject",   "annotations",  NULL};
static const char *const KEYS_OF_DESCRIPTOR[] = {"mediaType", "digest",       "size",     "urls", "annotations",
                                                 "data",      "artifactType", "platform", NULL};
static const char *const KEYS_OF_PLATFORM[] = {"architecture", "os",       "os.version", "os.features",
                                               "variant",      "features", NULL};
static const char *const KEYS_ANY[] = {NULL};

/* As readers in Go fold a key: ASCII letters, and the two others whose simple case folding (Unicode, CaseFolding.txt)
 * is an ASCII letter: U+017F is an s, U+212A a k. */
static void fold(const char *key, struct buf *out)
{
    buf_clear(out);
    for (const char *c = key; *c; c++) {
        if (strncmp(c, "\xC5\xBF", 2) == 0) {
            buf_add_byte(out, 's');
            c += 1;
        } else if (strncmp(c, "\xE2\x84\xAA", 3) == 0) {
            buf_add_byte(out, 'k');
            c += 2;
        } else {
            buf_add_byte(out, (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c));
        }
    }
}

static int twins(const char *at, const char *key, const char *other, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s: \"%.80s\" and \"%.80s\" are one key to readers that do not mind case", at, key,
                   other);
}

/* There are readers (Go's among them) that take a key for the one they know without regard to case, and of two such
 * keys the last: so no two keys of an object are equal in that sense, and none is so equal to one of `known` without
 * being it. What is no object has no keys. */
static int check_keys(const json_t *object, const char *const *known, const char *at, struct err *e)
{
    auto_json seen = json_object(); /* folded → as it is written */
    auto_buf folded = BUF(LIMIT_JSON_BYTES);
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return 0;
    for (; *known; known++) {
        fold(*known, &folded);
        json_object_set_new(seen, buf_str(&folded), json_string(*known));
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        fold(key, &folded);
        const char *other = json_string_value(json_object_get(seen, buf_str(&folded)));
        if (other && strcmp(other, key) != 0)
            return twins(at, key, other, e);
        if (!other)
            json_object_set_new(seen, buf_str(&folded), json_string(key));
    }
    return 0;
}

/* type "/" subtype, of restricted-name-chars (RFC 6838 section 4.2). */
static bool media_type_ok(const char *text)
{
    size_t slash = strcspn(text, "/");
    static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
    return slash > 0 && text[slash] == '/' && strspn(text, chars) == slash && text[slash + 1] != '\0' &&
           text[slash + 1 + strspn(text + slash + 1, chars)] == '\0' && strlen(text) <= MEDIA_TYPE_CHARS;
}

static bool digest_ok(const char *text)
{
    struct digest d;
    struct digest512 d512;
    struct err ignored;
    return digest_parse(span_str(text), &d, &ignored) == 0 || digest512_parse(span_str(text), &d512);
}

/* image-spec, layer.md: these types are named so that registries need not hold them; Docker's is the same thing. */
static bool is_elsewhere(const char *media_type)
{
    return strncmp(media_type, "application/vnd.oci.image.layer.nondistributable.v1.tar", 55) == 0 ||
           strcmp(media_type, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") == 0;
}

/* A descriptor may carry its bytes (descriptor.md, "Embedded Content"): then they are those of its digest. */
static int check_data(const json_t *d, const char *digest, uint64_t size, const char *at, struct err *e)
{
    const json_t *data = json_object_get(d, "data");
    auto_buf bytes = BUF(LIMIT_JSON_BYTES);
    if (!data)
        return 0;
    if (!json_is_string(data) || !base64_decode(span_str(json_string_value(data)), false, &bytes))
        return err_set(e, ERR_INPUT, 0, "%s/data: wanted base64 (padded)", at);
    struct digest is = digest_of(buf_span(&bytes));
    struct digest512 is512 = digest512_of(buf_span(&bytes));
    bool same = strcmp(digest_text(&is).text, digest) == 0 || strcmp(digest512_text(&is512).text, digest) == 0;
    if (bytes.len != size || !same)
        return err_set(e, ERR_INPUT, 0, "%s/data: its %zu bytes are not those that digest and size name", at,
                       bytes.len);
    return 0;
}

static int check_descriptor_keys(const json_t *d, const char *at, struct err *e)
{
    char inside[96];
    if (check_keys(d, KEYS_OF_DESCRIPTOR, at, e) < 0)
        return -1;
    snprintf(inside, sizeof inside, "%s/platform", at);
    if (check_keys(json_object_get(d, "platform"), KEYS_OF_PLATFORM, inside, e) < 0)
        return -1;
    snprintf(inside, sizeof inside, "%s/annotations", at);
    return check_keys(json_object_get(d, "annotations"), KEYS_ANY, inside, e);
}

struct descriptor {
    const char *media_type, *digest; /* borrowed */
    uint64_t size;
};

static int read_descriptor(const json_t *d, const char *at, struct descriptor *out, struct err *e)
{
    if (!json_is_object(d))
        return err_set(e, ERR_INPUT, 0, "%s: wanted a descriptor, an object", at);
    if (check_descriptor_keys(d, at, e) < 0)
        return -1;
    out->media_type = json_need_string(d, "mediaType", at, e);
    out->digest = out->media_type ? json_need_string(d, "digest", at, e) : NULL;
    if (!out->digest || json_need_uint(d, "size", at, &out->size, e) < 0)
        return -1;
    if (!media_type_ok(out->media_type))
        return err_set(e, ERR_INPUT, 0, "%s/mediaType: wanted type/subtype (RFC 6838), found \"%.80s\"", at,
                       out->media_type);
    if (!digest_ok(out->digest))
        return err_set(e, ERR_INPUT, 0, "%s/digest: wanted sha256: or sha512: and their hex digits, found \"%.80s\"",
                       at, out->digest);
    return check_data(d, out->digest, out->size, at, e);
}

/* Lists it once; the same digest under two sizes is a lie of one of them. */
static int need(struct reading *r, const struct descriptor *d, bool manifest, const char *at)
{
    const json_t *known = json_object_get(r->seen, d->digest);
    if (known && (uint64_t)json_integer_value(known) != d->size)
        return err_set(r->e, ERR_INPUT, 0, "%s/size: %llu, and elsewhere the same digest has %llu", at,
                       (unsigned long long)d->size, (unsigned long long)json_integer_value(known));
    if (known)
        return 0;
    if (json_object_size(r->seen) == LIMIT_RELEASE_PARTS)
        return err_set(r->e, ERR_LIMIT, 0, "%s: more than %u descriptors", at, LIMIT_RELEASE_PARTS);
    json_object_set_new(r->seen, d->digest, json_integer((json_int_t)d->size));
    json_out_object(&r->w);
    json_put_string(&r->w, "digest", d->digest);
    json_put_uint(&r->w, "size", d->size);
    json_put_bool(&r->w, "manifest", manifest);
    json_out_object_end(&r->w);
    return 0;
}

static int need_all(struct reading *r, const json_t *list, const char *name, bool index)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        struct descriptor d;
        char at[64];
        snprintf(at, sizeof at, "/%s/%zu", name, i);
        if (read_descriptor(item, at, &d, r->e) < 0)
            return -1;
        bool manifest =
            index && (!strcmp(d.media_type, MANIFEST_OCI) || !strcmp(d.media_type, MANIFEST_OCI_INDEX) ||
                      !strcmp(d.media_type, MANIFEST_DOCKER) || !strcmp(d.media_type, MANIFEST_DOCKER_LIST));
        if (!is_elsewhere(d.media_type) && need(r, &d, manifest, at) < 0)
            return -1;
    }
    return 0;
}

/* The media type that counts: what it says itself and what it was sent under must be the same. */
static const char *media_type_of(const json_t *m, const char *sent, struct err *e)
{
    const json_t *said = json_object_get(m, "mediaType");
    const char *type = json_is_string(said) ? json_string_value(said) : sent;
    if (said && !json_is_string(said)) {
        err_set(e, ERR_INPUT, 0, "/mediaType: wanted a string");
        return NULL;
    }
    if (sent[0] != '\0' && strcmp(sent, type) != 0) {
        err_set(e, ERR_INPUT, 0, "/mediaType: it says %.120s, and was sent as %.120s", type, sent);
        return NULL;
    }
    if (!strcmp(type, MANIFEST_OCI) || !strcmp(type, MANIFEST_OCI_INDEX) || !strcmp(type, MANIFEST_DOCKER) ||
        !strcmp(type, MANIFEST_DOCKER_LIST))
        return type;
    err_set(e, ERR_INPUT, 0,
            "\"%.120s\" is no manifest that is kept here; wanted an OCI image manifest or index, or "
            "Docker's of version 2",
            type);
    return NULL;
}

static int check_annotations(const json_t *annotations, struct err *e)
{
    const char *key;
    json_t *value;
    if (annotations && !json_is_object(annotations))
        return err_set(e, ERR_INPUT, 0, "/annotations: wanted an object");
    json_object_foreach((json_t *)(uintptr_t)annotations, key, value)
    {
        if (!json_is_string(value))
            return err_set(e, ERR_INPUT, 0, "/annotations/%.80s: wanted a string", key);
    }
    return 0;
}

static void put_annotations(struct json_out *w, const json_t *annotations)
{
    const char *key;
    json_t *value;
    json_put_object(w, "annotations");
    json_object_foreach((json_t *)(uintptr_t)annotations, key, value) json_put_string(w, key, json_string_value(value));
    json_out_object_end(w);
}

static int put_subject(struct reading *r, const json_t *m)
{
    const json_t *subject = json_object_get(m, "subject");
    struct descriptor d;
    if (!subject)
        return 0;
    if (read_descriptor(subject, "/subject", &d, r->e) < 0)
        return -1;
    json_put_string(&r->w, "subject", d.digest);
    put_annotations(&r->w, json_object_get(m, "annotations"));
    return 0;
}

/* artifactType, checked; of an image manifest without one its configuration's media type. */
static const char *artifact_type(const json_t *m, struct err *e)
{
    const json_t *type = json_object_get(m, "artifactType");
    if (!type)
        return json_get_string(json_object_get(m, "config"), "mediaType", "");
    if (json_is_string(type) && media_type_ok(json_string_value(type)))
        return json_string_value(type);
    err_set(e, ERR_INPUT, 0, "/artifactType: wanted type/subtype (RFC 6838)");
    return NULL;
}

static int read_needs(struct reading *r, const json_t *m, bool index)
{
    static const char *const image_only[] = {"config", "layers"}, *const index_only[] = {"manifests"};
    const char *const *foreign = index ? image_only : index_only;
    for (size_t i = 0; i < (index ? ARRAY_LEN(image_only) : ARRAY_LEN(index_only)); i++)
        if (json_object_get(m, foreign[i]))
            return err_set(r->e, ERR_INPUT, 0, "/%s: does not belong into a document of this media type", foreign[i]);
    const json_t *list = json_need_array(m, index ? "manifests" : "layers", "", r->e);
    if (!list)
        return -1;
    json_put_array(&r->w, "needs");
    struct descriptor config;
    if (!index && (read_descriptor(json_object_get(m, "config"), "/config", &config, r->e) < 0 ||
                   need(r, &config, false, "/config") < 0))
        return -1;
    int result = need_all(r, list, index ? "manifests" : "layers", index);
    json_out_array_end(&r->w);
    return result;
}

static int read_manifest(struct reading *r, const json_t *m, const char *sent)
{
    uint64_t version;
    if (!json_is_object(m))
        return err_set(r->e, ERR_INPUT, 0, "wanted an object");
    if (check_keys(m, KEYS_OF_MANIFEST, "/", r->e) < 0 ||
        check_keys(json_object_get(m, "annotations"), KEYS_ANY, "/annotations", r->e) < 0)
        return -1;
    const char *type = media_type_of(m, sent, r->e);
    const char *artifact = type ? artifact_type(m, r->e) : NULL;
    if (!artifact || json_need_uint(m, "schemaVersion", "", &version, r->e) < 0 ||
        check_annotations(json_object_get(m, "annotations"), r->e) < 0)
        return -1;
    if (version != 2)
        return err_set(r->e, ERR_INPUT, 0, "/schemaVersion: wanted 2");
    json_out_object(&r->w);
    json_put_string(&r->w, "media-type", type);
    json_put_string(&r->w, "artifact-type", artifact);
    if (put_subject(r, m) < 0 ||
        read_needs(r, m, !strcmp(type, MANIFEST_OCI_INDEX) || !strcmp(type, MANIFEST_DOCKER_LIST)) < 0)
        return -1;
    json_out_object_end(&r->w);
    return 0;
}

int manifest_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    char sent[MEDIA_TYPE_CHARS + 1];
    struct reading r = {.e = e};
    if (arg.len > MEDIA_TYPE_CHARS || !span_is_printable(arg))
        return err_set(e, ERR_INPUT, 0, "the Content-Type is no media type");
    snprintf(sent, sizeof sent, "%.*s", (int)arg.len, arg.len ? (const char *)arg.ptr : "");
    auto_json m = json_parse(input, LIMIT_JSON_BYTES, "manifest", e);
    if (!m)
        return -1;
    auto_json seen = json_object();
    r.seen = seen;
    json_out_init(&r.w, reply);
    if (read_manifest(&r, m, sent) < 0)
        return err_prefix(e, "manifest");
    return buf_check(reply, "manifest", e);
}
