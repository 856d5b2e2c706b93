#include "registry/oci_path.h"

#include <string.h>

static int refuse(const char **code, const char **why, const char *c, const char *w)
{
    *code = c;
    *why = w;
    return -1;
}

static bool copy_name(struct span from, char *to, size_t size)
{
    if (from.len == 0 || from.len >= size)
        return false;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t c = from.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0)))
            return false;
    }
    memcpy(to, from.ptr, from.len);
    to[from.len] = 0;
    return true;
}

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
static bool copy_tag(struct span from, char *to, size_t size)
{
    if (from.len == 0 || from.len >= size)
        return false;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t c = from.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && (i == 0 || (c != '.' && c != '-')))
            return false;
    }
    memcpy(to, from.ptr, from.len);
    to[from.len] = 0;
    return true;
}

static int parse_reference(struct span ref, struct oci_path *out, const char **code, const char **why)
{
    struct err ignored;
    bool digest = memchr(ref.ptr, ':', ref.len) != NULL;
    if (digest) {
        out->by_digest = true;
        if (digest_parse(ref, &out->digest, &ignored) == 0)
            return 0;
        return refuse(code, why, "DIGEST_INVALID", "wanted sha256: and 64 lower-case hex digits");
    }
    if (out->what == OCI_MANIFEST && copy_tag(ref, out->tag, sizeof(out->tag)))
        return 0;
    return out->what == OCI_MANIFEST ? refuse(code, why, "MANIFEST_UNKNOWN", "a tag is [a-zA-Z0-9_][a-zA-Z0-9._-]*")
                                     : refuse(code, why, "DIGEST_INVALID", "wanted a digest, sha256:HEX");
}

int oci_path_parse(const char *rest, struct oci_path *out, const char **code, const char **why)
{
    static const char *const words[] = {
        [OCI_MANIFEST] = "manifests", [OCI_BLOB] = "blobs", [OCI_TAGS] = "tags", [OCI_REFERRERS] = "referrers"};
    struct span s = span_str(rest), environment, name, word;
    *out = (struct oci_path){.what = OCI_BASE};
    if (s.len == 0)
        return 0;
    if (!span_take_until(&s, '/', &environment) || !span_take_until(&s, '/', &name) ||
        !span_take_until(&s, '/', &word) || !copy_name(environment, out->environment, sizeof(out->environment)) ||
        !copy_name(name, out->name, sizeof(out->name)))
        return refuse(code, why, "NAME_INVALID", "repositories are named ENVIRONMENT/RELEASE, such as prod/assistant");
    for (size_t i = OCI_MANIFEST; i <= OCI_REFERRERS; i++)
        if (span_equal_str(word, words[i]))
            out->what = (enum oci_what)i;
    if (out->what == OCI_BASE || memchr(s.ptr, '/', s.len))
        return refuse(code, why, "UNSUPPORTED", "wanted manifests/, blobs/, tags/list or referrers/ behind the name");
    if (out->what == OCI_TAGS)
        return span_equal_str(s, "list") ? 0 : refuse(code, why, "UNSUPPORTED", "wanted tags/list");
    return parse_reference(s, out, code, why);
}
