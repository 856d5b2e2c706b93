#include "registry/oci_path.h"

#include <stdio.h>
#include <string.h>

#include "util/auto.h"
#include "util/encode.h"

static int refuse(const char **code, const char **why, const char *c, const char *w)
{
    *code = c;
    *why = w;
    return -1;
}

bool oci_digest_parse(struct span text, struct oci_digest *out)
{
    struct err ignored;
    *out = (struct oci_digest){0};
    if (digest_parse(text, &out->sha256, &ignored) == 0)
        return true;
    out->is_512 = true;
    return digest512_parse(text, &out->sha512);
}

struct digest512_text oci_digest_text(const struct oci_digest *d)
{
    struct digest512_text text;
    if (d->is_512)
        return digest512_text(&d->sha512);
    snprintf(text.text, sizeof text.text, "%s", digest_text(&d->sha256).text);
    return text;
}

static bool copy_environment(struct span from, char *to, size_t size)
{
    if (from.len == 0 || from.len >= size)
        return false;
    for (size_t i = 0; i < from.len; i++)
        if (from.ptr[i] < 'a' || from.ptr[i] > 'z')
            return false;
    memcpy(to, from.ptr, from.len);
    to[from.len] = 0;
    return true;
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One part: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* (distribution-spec, "Pulling manifests"). */
static bool part_ok(struct span part)
{
    size_t i = 0;
    while (i < part.len) {
        size_t from = i;
        while (i < part.len && is_alphanumeric(part.ptr[i]))
            i++;
        if (i == from)
            return false;
        if (i == part.len)
            return true;
        uint8_t c = part.ptr[i];
        size_t run = 0;
        while (i < part.len && part.ptr[i] == c) {
            i++;
            run++;
        }
        if ((c != '.' || run > 1) && (c != '_' || run > 2) && c != '-')
            return false;
    }
    return false;
}

static bool name_ok(struct span name)
{
    struct span part;
    while (span_take_until(&name, '/', &part))
        if (!part_ok(part))
            return false;
    return part_ok(name);
}

bool oci_repository_parse(struct span text, struct oci_path *out)
{
    struct span name = text, environment;
    if (!span_take_until(&name, '/', &environment) ||
        !copy_environment(environment, out->environment, sizeof out->environment) || name.len > OCI_NAME_CHARS ||
        !name_ok(name))
        return false;
    snprintf(out->name, sizeof out->name, "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(out->repository, sizeof out->repository, "%s/%s", out->environment, out->name);
    return true;
}

bool oci_tag_ok(const char *text)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(text);
    return len > 0 && len <= 128 && strspn(text, word) > 0 && strspn(text, more) == len;
}

static int parse_reference(struct span ref, struct oci_path *out, const char **code, const char **why)
{
    if (memchr(ref.ptr, ':', ref.len)) {
        out->by_digest = true;
        if (oci_digest_parse(ref, &out->digest))
            return 0;
        return refuse(code, why, "DIGEST_INVALID", "wanted sha256: or sha512: and its lower-case hex digits");
    }
    if (out->what != OCI_MANIFEST)
        return refuse(code, why, "DIGEST_INVALID", "wanted a digest, sha256:HEX");
    if (ref.len < sizeof out->tag) {
        memcpy(out->tag, ref.ptr, ref.len);
        if (oci_tag_ok(out->tag))
            return 0;
    }
    out->tag[0] = '\0';
    return refuse(code, why, "MANIFEST_UNKNOWN", "a tag is [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
}

static int parse_upload(struct span id, struct oci_path *out, const char **code, const char **why)
{
    uint8_t bytes[OCI_UPLOAD_ID / 2];
    if (id.len == 0)
        return 0;
    if (!hex_decode(id, bytes, sizeof bytes))
        return refuse(code, why, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
    memcpy(out->upload, id.ptr, OCI_UPLOAD_ID);
    return 0;
}

/* The last segment goes into *last, the slash before it is dropped. */
static bool take_last(struct span *s, struct span *last)
{
    size_t at = s->len;
    while (at > 0 && s->ptr[at - 1] != '/')
        at--;
    if (at == 0)
        return false;
    *last = span_of(s->ptr + at, s->len - at);
    s->len = at - 1;
    return true;
}

static bool drop_end(struct span *s, struct span end)
{
    if (!span_ends(*s, end) || s->len == end.len)
        return false;
    s->len -= end.len;
    return true;
}

int oci_path_parse(const char *rest, struct oci_path *out, const char **code, const char **why)
{
    static const struct {
        const char *word;
        enum oci_what what;
    } words[] = {{"/blobs/uploads", OCI_UPLOAD},
                 {"/manifests", OCI_MANIFEST},
                 {"/blobs", OCI_BLOB},
                 {"/tags", OCI_TAGS},
                 {"/referrers", OCI_REFERRERS}};
    struct span s = span_str(rest), last = {0};
    *out = (struct oci_path){.what = OCI_BASE};
    if (s.len == 0)
        return 0;
    if (span_ends(s, SPAN_LIT("/blobs/uploads")))
        last = span_of(s.ptr + s.len, 0);
    else if (!take_last(&s, &last))
        return refuse(code, why, "NAME_INVALID", "repositories are named ENVIRONMENT/NAME, such as prod/assistant");
    for (size_t i = 0; i < ARRAY_LEN(words) && out->what == OCI_BASE; i++)
        if (drop_end(&s, span_str(words[i].word)))
            out->what = words[i].what;
    if (out->what == OCI_BASE || (out->what == OCI_TAGS && !span_equal_str(last, "list")))
        return refuse(code, why, "UNSUPPORTED",
                      "wanted manifests/, blobs/, blobs/uploads/, tags/list or referrers/ behind the name");
    if (!oci_repository_parse(s, out))
        return refuse(code, why, "NAME_INVALID", "repositories are named ENVIRONMENT/NAME, such as prod/assistant");
    if (out->what == OCI_TAGS)
        return 0;
    return out->what == OCI_UPLOAD ? parse_upload(last, out, code, why) : parse_reference(last, out, code, why);
}
