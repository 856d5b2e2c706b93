#include "collect/lock.h"

#include <stdlib.h>
#include <string.h>

#include "parse/lock.h"
#include "util/file.h"

#define PARSE_MS 30000

static const char *const KINDS[LOCK_KINDS] = {"pip", "uv", "poetry", "pylock", "npm", "apt", "images", "models"};

const char *lock_kind_name(enum lock_kind kind)
{
    return KINDS[kind];
}

static void *array_of(const json_t *list, size_t size, size_t *count)
{
    *count = json_array_size(list);
    void *items = calloc(*count ? *count : 1, size);
    if (!items)
        abort();
    return items;
}

/* ── what the parse process answered ── */

static int read_hash(const json_t *item, struct lock_hash_of *out, struct err *e)
{
    out->alg = json_need_string(item, "alg", "/hashes", e);
    out->hex = json_need_string(item, "hex", "/hashes", e);
    return out->alg && out->hex ? 0 : -1;
}

static int read_files(const json_t *item, struct lock_package *p, struct err *e)
{
    const json_t *hashes = json_object_get(item, "hashes"), *files = json_object_get(item, "files");
    p->hashes = array_of(hashes, sizeof *p->hashes, &p->hash_count);
    p->files = array_of(files, sizeof *p->files, &p->file_count);
    for (size_t i = 0; i < p->hash_count; i++)
        if (read_hash(json_array_get(hashes, i), &p->hashes[i], e) < 0)
            return -1;
    for (size_t i = 0; i < p->file_count; i++) {
        const json_t *file = json_array_get(files, i);
        p->files[i].url = json_get_string(file, "url", NULL);
        p->files[i].filename = json_need_string(file, "filename", "/files", e);
        if (!p->files[i].filename || read_hash(file, &p->files[i].hash, e) < 0)
            return -1;
    }
    return 0;
}

static int read_line(const json_t *item, unsigned *line, struct err *e)
{
    uint64_t number;
    if (json_need_uint(item, "line", "", &number, e) < 0)
        return -1;
    *line = (unsigned)number;
    return 0;
}

static int read_package(const json_t *item, struct lock_package *p, struct err *e)
{
    p->ecosystem = json_need_string(item, "ecosystem", "", e);
    p->name = json_need_string(item, "name", "", e);
    p->version = json_need_string(item, "version", "", e);
    p->group = json_need_string(item, "group", "", e);
    p->architecture = json_get_string(item, "architecture", NULL);
    p->marker = json_get_string(item, "marker", NULL);
    p->extras = json_get_string(item, "extras", NULL);
    p->url = json_get_string(item, "url", NULL);
    p->optional = json_is_true(json_object_get(item, "optional"));
    p->os = json_object_get(item, "os");
    p->cpu = json_object_get(item, "cpu");
    p->libc = json_object_get(item, "libc");
    if (!p->ecosystem || !p->name || !p->version || !p->group || read_line(item, &p->line, e) < 0)
        return -1;
    return read_files(item, p, e);
}

static int read_refusal(const json_t *item, struct lock_refusal *r, struct err *e)
{
    r->text = json_need_string(item, "text", "", e);
    r->why = json_need_string(item, "why", "", e);
    r->how = json_need_string(item, "how", "", e);
    return r->text && r->why && r->how ? read_line(item, &r->line, e) : -1;
}

static int read_document(struct lock *l, struct err *e)
{
    const json_t *packages = json_need_array(l->document, "packages", "", e);
    const json_t *refused = packages ? json_need_array(l->document, "refused", "", e) : NULL;
    if (!refused || json_need_uint(l->document, "refused_more", "", &l->refused_more, e) < 0)
        return -1;
    l->packages = array_of(packages, sizeof *l->packages, &l->count);
    l->refused = array_of(refused, sizeof *l->refused, &l->refused_count);
    for (size_t i = 0; i < l->count; i++) {
        l->packages[i].file = l->file;
        if (read_package(json_array_get(packages, i), &l->packages[i], e) < 0)
            return -1;
    }
    for (size_t i = 0; i < l->refused_count; i++)
        if (read_refusal(json_array_get(refused, i), &l->refused[i], e) < 0)
            return -1;
    return 0;
}

static json_t *ask(struct child *parser, struct span bytes, const struct lock *l, const char *group, struct err *e)
{
    auto_buf arg = BUF(16384);
    struct json_out w;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "kind", KINDS[l->kind]);
    json_put_string(&w, "file", l->file);
    json_put_string(&w, "group", group);
    json_out_object_end(&w);
    if (buf_check(&arg, l->file, e) < 0)
        return NULL;
    struct child_request request = {
        .op = "lock", .fd = -1, .input = bytes, .arg = buf_span(&arg), .timeout_ms = PARSE_MS};
    return child_call_json(parser, &request, l->file, e);
}

int lock_read(struct child *parser, int dir, const char *path, enum lock_kind kind, const char *group, struct lock *out,
              struct err *e)
{
    auto_buf bytes = BUF(LIMIT_LOCK_BYTES);
    auto_lock l = {.file = strdup(path), .kind = kind};
    if (!l.file)
        abort();
    if (file_read(dir, path, &bytes, e) < 0)
        return -1;
    l.digest = digest_of(buf_span(&bytes));
    l.document = ask(parser, buf_span(&bytes), &l, group, e);
    if (!l.document || read_document(&l, e) < 0)
        return -1;
    *out = l;
    l = (struct lock){0};
    return 0;
}

void lock_fini(struct lock *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->packages[i].hashes);
        free(l->packages[i].files);
    }
    free(l->packages);
    free(l->refused);
    free(l->file);
    json_decref(l->document);
    *l = (struct lock){0};
}

/* ── what it is asked ── */

int lock_check(const struct lock *l, struct err *e)
{
    uint64_t more = l->refused_count + l->refused_more;
    if (more == 0)
        return 0;
    const struct lock_refusal *r = &l->refused[0];
    err_set(e, ERR_INPUT, 0, "%s:%u: \"%.160s\" is not pinned: %s. %s", l->file, r->line, r->text, r->why, r->how);
    if (more > 1)
        err_hint(e, "%llu more entries of this file are not pinned either", (unsigned long long)more - 1);
    return -1;
}

bool lock_allows(const struct lock_package *p, const char *alg, const char *hex)
{
    for (size_t i = 0; i < p->hash_count; i++)
        if (strcmp(p->hashes[i].alg, alg) == 0 && strcmp(p->hashes[i].hex, hex) == 0)
            return true;
    return false;
}

static bool is_in(const char *const groups[], const char *group)
{
    if (!groups)
        return true;
    for (size_t i = 0; groups[i]; i++)
        if (strcmp(groups[i], group) == 0)
            return true;
    return false;
}

/* The same version may stand in several groups, each with a marker of its own: one line, wanted where any of them
 * wants it. */
static bool stands_before(const struct lock *l, size_t i, const char *const groups[])
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(l->packages[k].name, l->packages[i].name) == 0 &&
            strcmp(l->packages[k].version, l->packages[i].version) == 0 && is_in(groups, l->packages[k].group))
            return true;
    return false;
}

static void write_marker(const struct lock *l, size_t i, const char *const groups[], struct buf *out)
{
    auto_buf text = BUF(out->max);
    for (size_t k = i; k < l->count; k++) {
        const struct lock_package *p = &l->packages[k];
        if (strcmp(p->name, l->packages[i].name) != 0 || strcmp(p->version, l->packages[i].version) != 0 ||
            !is_in(groups, p->group))
            continue;
        if (!p->marker)
            return;
        buf_printf(&text, "%s(%s)", text.len ? " or " : "", p->marker);
    }
    buf_printf(out, " ; %s", buf_str(&text));
}

void lock_write_requirements(const struct lock *l, const char *const groups[], struct buf *out)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct lock_package *p = &l->packages[i];
        if (strcmp(p->ecosystem, "pypi") != 0 || !is_in(groups, p->group) || stands_before(l, i, groups))
            continue;
        buf_printf(out, "%s==%s", p->name, p->version);
        write_marker(l, i, groups, out);
        for (size_t k = 0; k < p->hash_count; k++)
            buf_printf(out, " --hash=%s:%s", p->hashes[k].alg, p->hashes[k].hex);
        buf_add_byte(out, '\n');
    }
}
