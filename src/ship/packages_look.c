/* A package file, looked at in the parse process; and names that look alike. */
#include <ctype.h>
#include <string.h>

#include "ship/packages.h"
#include "ship/release_internal.h"
#include "util/limits.h"

/* As long as the look at a layer may take: a package can be as large. */
#define LOOK_TIMEOUT_MS 900000

static int take_reply(const json_t *reply, const char *filename, struct package *out, struct buf *metadata,
                      struct err *e)
{
    const json_t *found = json_need_object(reply, "package", "", e);
    const char *ecosystem = found ? json_need_string(found, "ecosystem", "/package", e) : NULL;
    const char *name = ecosystem ? json_need_string(found, "name", "/package", e) : NULL;
    const char *version = name ? json_need_string(found, "version", "/package", e) : NULL;
    const json_t *hashes = version ? json_need_object(found, "hashes", "/package", e) : NULL;
    const json_t *about = hashes ? json_need_object(found, "about", "/package", e) : NULL;
    if (!about)
        return -1;
    if (!digest_from_hex(span_str(json_get_string(reply, "sha256", "")), &out->digest))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave no digest", filename);
    out->ecosystem = text_copy(ecosystem);
    out->name = text_copy(name);
    out->version = text_copy(version);
    out->filename = text_copy(filename);
    out->hashes = json_incref((json_t *)(uintptr_t)hashes);
    out->about = json_incref((json_t *)(uintptr_t)about);
    const json_t *text = json_object_get(found, "metadata");
    if (metadata && json_is_string(text))
        buf_add(metadata, json_string_value(text), json_string_length(text));
    return 0;
}

char *package_look_arg(const char *filename, const char *ecosystem)
{
    auto_buf arg = BUF(LIMIT_JSON_BYTES);
    struct json_out w;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "filename", filename);
    if (ecosystem)
        json_put_string(&w, "ecosystem", ecosystem);
    json_out_object_end(&w);
    return text_copy(buf_str(&arg));
}

int package_look_take(const json_t *reply, const char *filename, struct package *out, struct buf *metadata,
                      struct err *e)
{
    *out = (struct package){0};
    if (take_reply(reply, filename, out, metadata, e) == 0)
        return 0;
    package_fini(out);
    return -1;
}

int package_look(struct child *parser, int fd, const char *filename, const char *ecosystem, struct package *out,
                 struct buf *metadata, json_t **reply, struct err *e)
{
    auto_free char *arg = package_look_arg(filename, ecosystem);
    *out = (struct package){0};
    struct child_request request = {.op = "package", .fd = fd, .arg = span_str(arg), .timeout_ms = LOOK_TIMEOUT_MS};
    auto_json found = child_call_json(parser, &request, filename, e);
    if (!found || package_look_take(found, filename, out, metadata, e) < 0)
        return -1;
    if (reply)
        *reply = ptr_steal(&found);
    return 0;
}

/* ── names ── */

/* Letters that are taken for each other in print become one: 0 and o; 1, l and i; rn and m; vv and w. Case is one where
 * clients tell it apart and people do not (npm's oldest names).
 *
 * A name of PyPI is the same with and without its hyphens: PyPI takes no new project whose name differs from another's
 * by that alone, so whoever brings "requ-ests" beside "requests" did not have it from there. Not so on npm, where such
 * pairs were taken before npm refused them and honest programs use both: camelcase and camel-case, foreach and
 * for-each, isarray and is-array, object-assign and object.assign. Debian's archive is curated, and libfoo-1-2 is not
 * libfoo12. */
void package_name_skeleton(const char *ecosystem, const char *name, char *out, size_t size)
{
    bool hyphens = strcmp(ecosystem, "pypi") != 0;
    size_t len = 0;
    for (const char *c = name; *c && len + 1 < size; c++) {
        char folded = (char)tolower((unsigned char)*c);
        if (folded == '-' && !hyphens)
            continue;
        if (folded == '0')
            folded = 'o';
        else if (folded == '1' || folded == 'i')
            folded = 'l';
        else if ((folded == 'n' && len && out[len - 1] == 'r') || (folded == 'v' && len && out[len - 1] == 'v')) {
            folded = folded == 'n' ? 'm' : 'w';
            len--;
        }
        out[len++] = folded;
    }
    out[len] = '\0';
}
