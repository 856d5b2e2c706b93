#include "ship/packages.h"
#include "ship/release_internal.h"

#include <string.h>

#include "util/limits.h"

void package_fini(struct package *p)
{
    free(p->ecosystem);
    free(p->name);
    free(p->version);
    free(p->filename);
    free(p->group);
    free(p->source);
    json_decref(p->hashes);
    json_decref(p->about);
    *p = (struct package){0};
}

void packages_fini(struct packages *p)
{
    for (size_t i = 0; i < p->count; i++)
        package_fini(&p->items[i]);
    for (size_t i = 0; i < p->evidence_count; i++) {
        free(p->evidence[i].kind);
        free(p->evidence[i].name);
    }
    free(p->items);
    free(p->evidence);
    *p = (struct packages){0};
}

void package_copy(const struct package *from, struct package *to)
{
    *to = (struct package){.ecosystem = text_copy(from->ecosystem),
                           .name = text_copy(from->name),
                           .version = text_copy(from->version),
                           .filename = text_copy(from->filename),
                           .group = text_copy(from->group),
                           .source = from->source ? text_copy(from->source) : NULL,
                           .digest = from->digest,
                           .size = from->size,
                           .hashes = json_incref(from->hashes),
                           .about = json_incref(from->about)};
}

void packages_add(struct packages *p, struct package *item)
{
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->items = reallocarray(p->items, p->room, sizeof *p->items);
        if (!p->items)
            abort();
    }
    p->items[p->count++] = *item;
    *item = (struct package){0};
}

void packages_add_evidence(struct packages *p, const char *kind, const char *name, const struct digest *id,
                           uint64_t size)
{
    p->evidence = reallocarray(p->evidence, p->evidence_count + 1, sizeof *p->evidence);
    if (!p->evidence)
        abort();
    p->evidence[p->evidence_count++] =
        (struct package_evidence){.kind = text_copy(kind), .name = text_copy(name), .digest = *id, .size = size};
}

/* ── order ── */

static int by_name(const void *a, const void *b)
{
    const struct package *x = a, *y = b;
    int order = strcmp(x->ecosystem, y->ecosystem);
    order = order ? order : strcmp(x->name, y->name);
    return order ? order : strcmp(x->filename, y->filename);
}

static int by_evidence(const void *a, const void *b)
{
    const struct package_evidence *x = a, *y = b;
    int order = strcmp(x->kind, y->kind);
    order = order ? order : strcmp(x->name, y->name);
    return order ? order : digest_compare(&x->digest, &y->digest);
}

/* The same file twice, and the same evidence, as two collections bring them. */
static void drop_twins(struct packages *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct package *before = kept ? &p->items[kept - 1] : NULL;
        if (before && by_name(before, &p->items[i]) == 0 && digest_equal(&before->digest, &p->items[i].digest))
            package_fini(&p->items[i]);
        else
            p->items[kept++] = p->items[i];
    }
    p->count = kept;
    kept = 0;
    for (size_t i = 0; i < p->evidence_count; i++) {
        struct package_evidence *before = kept ? &p->evidence[kept - 1] : NULL;
        if (before && by_evidence(before, &p->evidence[i]) == 0) {
            free(p->evidence[i].kind);
            free(p->evidence[i].name);
        } else {
            p->evidence[kept++] = p->evidence[i];
        }
    }
    p->evidence_count = kept;
}

int packages_sort(struct packages *p, struct err *e)
{
    if (p->count)
        qsort(p->items, p->count, sizeof *p->items, by_name);
    if (p->evidence_count)
        qsort(p->evidence, p->evidence_count, sizeof *p->evidence, by_evidence);
    drop_twins(p);
    for (size_t i = 0; i + 1 < p->count; i++)
        if (by_name(&p->items[i], &p->items[i + 1]) == 0)
            return err_set(e, ERR_INPUT, 0, "%s of %s %s stands there twice, with different bytes",
                           p->items[i].filename, p->items[i].ecosystem, p->items[i].name);
    return 0;
}

/* ── writing ── */

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static void put_json(struct json_out *w, const char *key, const json_t *value, struct buf *scratch)
{
    buf_clear(scratch);
    if (json_dump_callback(value, append, scratch, JSON_COMPACT) < 0)
        scratch->failed = true;
    json_out_key(w, key);
    json_out_raw(w, buf_span(scratch));
}

static int put_package(struct json_out *w, const struct package *p, struct err *e)
{
    auto_buf scratch = BUF(LIMIT_JSON_BYTES);
    json_out_object(w);
    json_put_string(w, "ecosystem", p->ecosystem);
    json_put_string(w, "name", p->name);
    json_put_string(w, "version", p->version);
    json_put_string(w, "filename", p->filename);
    json_put_digest(w, "digest", &p->digest);
    json_put_uint(w, "size", p->size);
    json_put_string(w, "group", p->group);
    if (p->source)
        json_put_string(w, "source", p->source);
    put_json(w, "hashes", p->hashes, &scratch);
    put_json(w, "about", p->about, &scratch);
    json_out_object_end(w);
    return buf_check(&scratch, p->filename, e);
}

int packages_write(const struct packages *p, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", PACKAGES_SCHEMA);
    json_put_array(&w, "packages");
    for (size_t i = 0; i < p->count; i++)
        if (put_package(&w, &p->items[i], e) < 0)
            return -1;
    json_out_array_end(&w);
    json_put_array(&w, "evidence");
    for (size_t i = 0; i < p->evidence_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "kind", p->evidence[i].kind);
        json_put_string(&w, "name", p->evidence[i].name);
        json_put_digest(&w, "digest", &p->evidence[i].digest);
        json_put_uint(&w, "size", p->evidence[i].size);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "packages document", e);
}

bool package_metadata(const struct package *p, struct digest *id, uint64_t *size)
{
    struct err e = {0};
    return json_need_digest(p->about, "metadata", "", id, &e) == 0 &&
           json_need_uint(p->about, "metadata-size", "", size, &e) == 0;
}

void packages_put(struct json_out *w, const struct packages *p)
{
    json_put_array(w, "packages");
    for (size_t i = 0; i < p->count; i++) {
        const struct package *x = &p->items[i];
        json_out_object(w);
        json_put_string(w, "ecosystem", x->ecosystem);
        json_put_string(w, "name", x->name);
        json_put_string(w, "version", x->version);
        json_put_string(w, "filename", x->filename);
        json_put_digest(w, "digest", &x->digest);
        json_put_uint(w, "size", x->size);
        json_put_string(w, "group", x->group);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

/* They are in order of ecosystem. */
void packages_say(const struct packages *p, char *out, size_t size)
{
    auto_buf text = BUF(1024);
    if (p->count)
        buf_printf(&text, "%zu", p->count);
    else
        buf_add_str(&text, "none");
    for (size_t from = 0, to; from < p->count; from = to) {
        for (to = from + 1; to < p->count && strcmp(p->items[to].ecosystem, p->items[from].ecosystem) == 0; to++)
            ;
        buf_printf(&text, "%s%zu %s", from ? ", " : ": ", to - from, p->items[from].ecosystem);
    }
    snprintf(out, size, "%s", buf_str(&text));
}

/* Percent-encoding of a purl's parts (package-url, PURL-SPECIFICATION, "Character encoding"). */
static void encode(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_byte(out, (uint8_t)*text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

void package_purl(const struct package *p, struct buf *out)
{
    const char *slash = strchr(p->name, '/');
    auto_buf scope = BUF(512);
    bool pypi = strcmp(p->ecosystem, "pypi") == 0, deb = strcmp(p->ecosystem, "deb") == 0;
    if (!pypi && !deb && strcmp(p->ecosystem, "npm") != 0)
        return;
    buf_add_str(out, pypi ? "pkg:pypi/" : deb ? "pkg:deb/debian/" : "pkg:npm/");
    if (slash) {
        buf_add(&scope, p->name, (size_t)(slash - p->name));
        encode(out, buf_str(&scope));
        buf_add_byte(out, '/');
    }
    encode(out, slash ? slash + 1 : p->name);
    buf_add_byte(out, '@');
    encode(out, p->version);
    buf_add_str(out, pypi ? "?file_name=" : deb ? "?arch=" : "");
    if (pypi)
        encode(out, p->filename);
    else if (deb)
        encode(out, json_get_string(json_object_get(p->about, "control"), "Architecture", ""));
}
