#include "parse/inventory.h"

#include <string.h>

#include "parse/licence.h"
#include "util/encode.h"

static const char *const HASH_NAMES[] = {[HASH_MD5] = "md5",
                                         [HASH_SHA1] = "sha1",
                                         [HASH_SHA256] = "sha256",
                                         [HASH_SHA384] = "sha384",
                                         [HASH_SHA512] = "sha512"};

void inventory_init(struct inventory *v, struct report *r)
{
    *v = (struct inventory){.r = r,
                            .path = "",
                            .packages_json = BUF(LIMIT_INVENTORY_BYTES),
                            .claims_json = BUF(LIMIT_INVENTORY_BYTES),
                            .pins_json = BUF(LIMIT_INVENTORY_BYTES),
                            .natives_json = BUF(LIMIT_INVENTORY_BYTES / 4),
                            .models_json = BUF(LIMIT_INVENTORY_BYTES / 20),
                            .licences_json = BUF(LIMIT_INVENTORY_BYTES / 4),
                            .system_json = BUF(1U << 20)};
    json_out_init(&v->packages, &v->packages_json);
    json_out_init(&v->claims, &v->claims_json);
    json_out_init(&v->pins, &v->pins_json);
    json_out_init(&v->natives, &v->natives_json);
    json_out_init(&v->models, &v->models_json);
    json_out_init(&v->licences, &v->licences_json);
    json_out_array(&v->packages);
    json_out_array(&v->claims);
    json_out_array(&v->pins);
    json_out_array(&v->natives);
    json_out_array(&v->models);
    json_out_array(&v->licences);
}

void inventory_fini(struct inventory *v)
{
    buf_fini(&v->packages_json);
    buf_fini(&v->claims_json);
    buf_fini(&v->pins_json);
    buf_fini(&v->natives_json);
    buf_fini(&v->models_json);
    buf_fini(&v->licences_json);
    buf_fini(&v->system_json);
    claims_free(v->by_path);
}

static int stop(struct inventory *v, const char *what)
{
    if (!v->stopped)
        report_not_scanned(v->r, "inventory-size", v->path, "more %s than an inventory holds", what);
    v->stopped = true;
    return -1;
}

/* ── packages ── */

/* A NUL ends a text for some readers and not for others: what holds one says nothing. */
static void put_text(struct json_out *w, const char *key, struct span text)
{
    if (text.len == 0 || memchr(text.ptr, '\0', text.len))
        return;
    json_out_key(w, key);
    json_out_span(w, text);
}

/* Names go into package URLs, messages and tables: longer ones, and such that are no text, are nobody's. */
static bool is_word(struct span text)
{
    if (text.len > 1024 || !span_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static void put_expression(struct json_out *w, struct span licence, bool own)
{
    auto_buf text = BUF(LICENCE_MAX);
    if ((own ? licence_expression_own : licence_expression)(licence, &text))
        json_put_string(w, "spdx", buf_str(&text));
}

int inventory_put(struct inventory *v, const struct found_package *p)
{
    struct json_out *w = &v->packages;
    if (p->name.len == 0 || !is_word(p->name) || !is_word(p->namespace))
        return report_finding(v->r, SEVERITY_HIGH, "package-record", v->path, "a package of %s without a name",
                              p->type);
    if ((p->version.len == 0 && !p->unversioned) || !is_word(p->version))
        return report_finding(v->r, SEVERITY_HIGH, "package-record", v->path, "the package \"%.*s\" has no version",
                              (int)(p->name.len > 200 ? 200 : p->name.len), (const char *)p->name.ptr);
    if (v->package_count >= LIMIT_INVENTORY_PACKAGES || !buf_ok(&v->packages_json))
        return stop(v, "packages");
    v->package_count++;
    json_out_object(w);
    json_put_string(w, "type", p->type);
    put_text(w, "namespace", p->namespace);
    put_text(w, "name", p->name);
    put_text(w, "version", p->version);
    put_text(w, "architecture", p->architecture);
    put_text(w, "source", p->source);
    put_text(w, "source_version", p->source_version);
    put_text(w, "licence", p->licence);
    put_expression(w, p->licence, false);
    put_text(w, "channel", p->channel);
    if (p->declared)
        json_put_bool(w, "declared", true);
    json_put_string(w, "found", v->path);
    json_out_object_end(w);
    return 0;
}

/* ── claims ── */

void inventory_claims(struct inventory *v, const char *type, struct span name, struct span version)
{
    struct json_out *w = &v->claims;
    json_out_object(w);
    json_put_string(w, "type", type);
    put_text(w, "name", name);
    put_text(w, "version", version);
    json_put_string(w, "found", v->path);
    json_put_array(w, "files");
}

/* The path below the tree's root, "." and ".." taken away; a path that leads out of it claims nothing. */
static bool join_path(struct span root, struct span path, struct buf *out)
{
    struct span rest = path, part;
    bool absolute = path.len && path.ptr[0] == '/';
    buf_add_span(out, root);
    while (out->len && out->ptr[out->len - 1] == '/')
        out->len--;
    if (absolute && root.len == 0)
        buf_clear(out);
    while (rest.len) {
        if (!span_take_until(&rest, '/', &part)) {
            part = rest;
            rest.len = 0;
        }
        if (part.len == 0 || span_equal_str(part, "."))
            continue;
        if (span_equal_str(part, "..")) {
            if (out->len == 0)
                return false;
            while (out->len && out->ptr[out->len - 1] != '/')
                out->len--;
            while (out->len && out->ptr[out->len - 1] == '/')
                out->len--;
            continue;
        }
        if (out->len)
            buf_add_byte(out, '/');
        buf_add_span(out, part);
    }
    return buf_ok(out) && out->len > 0;
}

int inventory_claim(struct inventory *v, struct span path, enum hash kind, struct span bytes, bool configuration)
{
    struct json_out *w = &v->claims;
    auto_buf whole = BUF(8192);
    char hex[2 * HASH_SIZE_MAX + 1] = "";
    if (v->claim_count >= LIMIT_INVENTORY_CLAIMS || !buf_ok(&v->claims_json))
        return stop(v, "claims");
    if ((path.len && memchr(path.ptr, '\0', path.len)) || !join_path(v->root, path, &whole))
        return 0; /* no file of a tree has such a path */
    v->claim_count++;
    if (v->by_path)
        claims_add(v->by_path, buf_span(&whole), kind, bytes, configuration);
    if (bytes.len)
        hex_encode(bytes, hex);
    json_out_array(w);
    json_out_span(w, buf_span(&whole));
    json_out_string(w, bytes.len ? HASH_NAMES[kind] : "");
    json_out_string(w, hex);
    if (configuration)
        json_out_bool(w, true);
    json_out_array_end(w);
    return 0;
}

void inventory_claims_end(struct inventory *v)
{
    json_out_array_end(&v->claims);
    json_out_object_end(&v->claims);
}

void inventory_model(struct inventory *v, const char *path, const char *family, const char *architecture)
{
    if (!buf_ok(&v->models_json)) {
        stop(v, "models");
        return;
    }
    json_out_object(&v->models);
    json_put_string(&v->models, "path", path);
    if (family)
        json_put_string(&v->models, "family", family);
    if (architecture)
        json_put_string(&v->models, "architecture", architecture);
    json_out_object_end(&v->models);
}

void inventory_licence(struct inventory *v, const char *type, struct span name, struct span licence)
{
    if (!buf_ok(&v->licences_json)) {
        stop(v, "licences");
        return;
    }
    json_out_object(&v->licences);
    json_put_string(&v->licences, "type", type);
    put_text(&v->licences, "name", name);
    put_text(&v->licences, "licence", licence);
    put_expression(&v->licences, licence, true);
    json_out_object_end(&v->licences);
}

void inventory_licence_file(struct inventory *v, struct span expression, bool card)
{
    if (!buf_ok(&v->licences_json)) {
        stop(v, "licences");
        return;
    }
    json_out_object(&v->licences);
    json_put_string(&v->licences, "path", v->path);
    put_text(&v->licences, "spdx", expression);
    if (card)
        json_put_bool(&v->licences, "card", true);
    json_out_object_end(&v->licences);
}

void inventory_native(struct inventory *v, const char *path, struct span bytes)
{
    struct digest id = digest_of(bytes);
    if (!buf_ok(&v->natives_json)) {
        stop(v, "libraries");
        return;
    }
    json_out_object(&v->natives);
    json_put_string(&v->natives, "path", path);
    json_put_string(&v->natives, "sha256", digest_hex(&id).text);
    json_put_uint(&v->natives, "size", bytes.len);
    json_out_object_end(&v->natives);
}

bool inventory_line(struct span *s, struct span *line)
{
    if (s->len == 0)
        return false;
    if (!span_take_until(s, '\n', line)) {
        *line = *s;
        span_skip(s, s->len);
    }
    return true;
}

int inventory_write(struct inventory *v, struct json_out *w, struct err *e)
{
    const struct {
        const char *key;
        struct json_out *list;
        struct buf *json;
    } lists[] = {{"packages", &v->packages, &v->packages_json},
                 {"claims", &v->claims, &v->claims_json},
                 {"pins", &v->pins, &v->pins_json},
                 {"natives", &v->natives, &v->natives_json},
                 {"models", &v->models, &v->models_json},
                 {"licences", &v->licences, &v->licences_json}};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_out_array_end(lists[i].list);
        if (buf_check(lists[i].json, lists[i].key, e) < 0)
            return -1;
        json_out_key(w, lists[i].key);
        json_out_raw(w, buf_span(lists[i].json));
    }
    if (v->system_json.len) {
        json_out_key(w, "system");
        json_out_raw(w, buf_span(&v->system_json));
    }
    return 0;
}
