/* images.txt of a set `images:`: `NAME@sha256:…`, one a line (OCI distribution-spec 1.1, "Pulling manifests", for the
 * name). The registry stands in collect.yaml and not here. */
#include "parse/lock.h"

#include <stdio.h>
#include <string.h>

#define HOW_PIN \
    "write NAME@sha256:…; `skopeo inspect --format '{{.Digest}}' docker://REGISTRY/NAME:TAG` shows the digest"

/* Path components of [a-z0-9] with . _ - between them, joined by slashes. */
static bool is_repository(struct span s)
{
    bool after_word = false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && !(c && strchr("._-/", c)))
            return false;
        if (c == '/' && !after_word)
            return false;
        if (!word && !after_word && !(c == '-' || c == '_'))
            return false;
        after_word = word;
    }
    return s.len > 0 && s.len <= 255 && after_word && s.ptr[0] != '-' && s.ptr[0] != '_';
}

static const char *read_reference(struct span s, struct span *name, struct span *hex)
{
    if (!span_take_until(&s, '@', name))
        return memchr(s.ptr, ':', s.len) ? "a tag can be moved to another image at any time"
                                         : "it has no digest: whatever is tagged latest would be taken";
    const char *alg = lock_hash_split(s, hex);
    if (!alg || strcmp(alg, "sha256") != 0)
        return "what follows the @ is no sha256 digest in full length";
    if (memchr(name->ptr, ':', name->len))
        return "it has a tag, or a registry's port, beside the digest";
    return is_repository(*name) ? NULL : "what stands before the @ is no name of an image";
}

static int look_at_line(struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    struct span name, hex;
    char text[256], digest[80];
    const char *why = read_reference(line, &name, &hex);
    if (why) {
        lock_refuse(o, number, line, HOW_PIN, "%s", why);
        return 0;
    }
    snprintf(text, sizeof text, "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(digest, sizeof digest, "sha256:%.*s", (int)hex.len, (const char *)hex.ptr);
    const struct lock_item item = {
        .ecosystem = "image", .name = text, .version = digest, .group = o->group, .line = number};
    if (lock_begin(o, &item, e) < 0)
        return -1;
    lock_hash(o, "sha256", hex);
    lock_end(o);
    return 0;
}

int lock_images(struct span text, struct lock_out *o, struct err *e)
{
    return lock_lines(text, o, look_at_line, e);
}
