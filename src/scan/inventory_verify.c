/* Who owns a file: the package whose record has the hash that the file has. A record alone is nobody's. */
#include <stdio.h>
#include <string.h>

#include "parse/inventory_package.h"
#include "scan/inventory_model.h"
#include "util/encode.h"

/* ── files against claims ── */

static const struct model_claim *next_of(const struct inventory_store *m, const struct model_claim *c)
{
    return c->next ? &m->claims[c->next - 1] : NULL;
}

static void settle(const struct inventory_store *m, struct model_file *f, const struct model_claim *c, bool same)
{
    if (!f->claimed || (same && !f->agrees))
        f->owner = (uint32_t)(c - m->claims);
    f->claimed = true;
    f->agrees |= same;
}

unsigned model_hashes_wanted(const struct inventory_store *m, const struct model_file *f)
{
    unsigned wanted = 0;
    for (const struct model_claim *c = model_claims_of(m, f->path); c; c = next_of(m, c))
        wanted |= HASH_BIT(c->hash);
    return wanted;
}

void model_check_hashes(const struct inventory_store *m, struct model_file *f, const struct hashes *hashes)
{
    for (const struct model_claim *c = model_claims_of(m, f->path); c; c = next_of(m, c)) {
        char hex[2 * HASH_SIZE_MAX + 1];
        hex_encode(span_of(hashes->raw[c->hash], hash_size(c->hash)), hex);
        settle(m, f, c, strcmp(hex, c->hex) == 0);
    }
}

static void check_hashes(const struct inventory_store *m, struct model_file *f)
{
    for (const struct model_claim *c = model_claims_of(m, f->path); c; c = next_of(m, c))
        if (c->kind < 3 && f->hashes[c->kind])
            settle(m, f, c, strcmp(f->hashes[c->kind], c->hex) == 0);
}

/* ── what that means ── */

static bool ends_with(const char *path, const char *ending)
{
    return span_ends(span_str(path), span_str(ending));
}

/* What is run or loaded. */
static bool is_code(const struct model_file *f)
{
    static const char *const endings[] = {".py", ".pth", ".so", ".sh", ".pl", ".pm", ".rb", ".js", ".jar", ".ko"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (ends_with(f->path, endings[i]))
            return true;
    return f->class[0] != '\0';
}

static void say_differs(struct scan_inventory *v, const struct model_file *f)
{
    const struct inventory_store *m = v->store;
    const struct model_claim *c = &m->claims[f->owner];
    const struct model_package *p = c->package == UINT32_MAX ? NULL : &m->packages[c->package];
    inventory_find(v,
                   c->configuration ? SEVERITY_INFO
                   : is_code(f)     ? SEVERITY_HIGH
                                    : SEVERITY_LOW,
                   false, "owned-differs", f->path,
                   "%s %s claims this file%s, and its bytes do not have the hash that the "
                   "package's record says (%.16s…)",
                   p ? p->name : "a package that is not installed", p ? p->version : "",
                   c->configuration ? " as configuration" : "", c->hex);
}

/* Scripts that dpkg keeps for a package, beside its lists. */
static bool is_kept_by_database(const char *path)
{
    return strstr(path, "var/lib/dpkg/info/") != NULL;
}

static void count_for_owner(struct inventory_store *m, const struct model_file *f)
{
    uint32_t package = m->claims[f->owner].package;
    if (package == UINT32_MAX || (!f->agrees && m->claims[f->owner].configuration))
        return;
    m->packages[package].agree += f->agrees;
    m->packages[package].differ += !f->agrees;
}

void model_verify(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    for (size_t i = 0; i < m->file_count; i++) {
        struct model_file *f = &m->files[i];
        if (f->hidden)
            continue;
        if (f->hashes[0])
            check_hashes(m, f);
        if (f->claimed)
            count_for_owner(m, f);
        if (f->claimed && !f->agrees)
            say_differs(v, f);
        bool owned = f->claimed && f->agrees && m->claims[f->owner].package != UINT32_MAX;
        if (!owned && !f->claimed && m->has_os_database && f->class[0] && !is_kept_by_database(f->path))
            inventory_find(v, SEVERITY_LOW, false, "unowned-executable", f->path,
                           "a %s that no package owns by its hash", f->class);
        else if (f->claimed && f->agrees && !owned)
            inventory_find(v, SEVERITY_LOW, false, "unowned-executable", f->path,
                           "a record vouches for it that belongs to no installed package");
    }
}

/* ── lock files ── */

struct pin {
    const json_t *row;
    uint32_t next; /* of the same package, index + 1 */
};

struct pins {
    struct scan_inventory *v;
    struct pin *list; /* owned */
    size_t count, room;
    struct text_map by_package, by_name;
};

static const char *pin_key(struct inventory_store *m, const char *type, const char *namespace, const char *name,
                           const char *version)
{
    auto_buf key = BUF(8192);
    buf_printf(&key, "%s\n%s%s", type, namespace, namespace[0] ? "/" : "");
    bool python = strcmp(type, "pypi") == 0;
    for (const char *c = name; *c; c++) {
        bool separator = python && (*c == '_' || *c == '.' || *c == '-');
        bool again = separator && key.len && key.ptr[key.len - 1] == '-';
        if (!again)
            buf_add_byte(&key, separator ? '-' : python && *c >= 'A' && *c <= 'Z' ? (uint8_t)(*c + 32) : (uint8_t)*c);
    }
    if (version)
        buf_printf(&key, "\n%s", version);
    return model_text(m, buf_str(&key));
}

static void add_pin(struct pins *p, const json_t *row)
{
    struct inventory_store *m = p->v->store;
    const char *type = json_get_string(row, "ecosystem", ""), *name = json_get_string(row, "name", "");
    const char *key = pin_key(m, type, "", name, json_get_string(row, "version", ""));
    uint32_t first;
    p->list = model_grown(p->list, p->count, &p->room, sizeof *p->list);
    p->list[p->count] = (struct pin){.row = row};
    if (text_map_get(&p->by_package, key, &first))
        p->list[p->count].next = first + 1;
    text_map_put(&p->by_package, key, (uint32_t)p->count);
    text_map_put(&p->by_name, pin_key(m, type, "", name, NULL), (uint32_t)p->count++);
}

static bool has_hash(const json_t *row, const char *alg, const char *hex, bool *said)
{
    static const char *const lists[] = {"hashes", "files"};
    const json_t *item;
    size_t k;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_array_foreach(json_object_get(row, lists[i]), k, item)
        {
            if (strcmp(json_get_string(item, "alg", ""), alg) != 0)
                continue;
            *said = true;
            if (strcmp(json_get_string(item, "hex", ""), hex) == 0)
                return true;
        }
    return false;
}

/* A delivered file against all that the lock files say of its package: one of their hashes must be its own. */
static void check_delivered(struct pins *p, const struct model_package *x, const struct model_file *f)
{
    struct inventory_store *m = p->v->store;
    uint32_t number;
    bool said = false, same = false;
    if (!text_map_get(&p->by_package, pin_key(m, x->type, x->namespace, x->name, x->version), &number))
        return;
    for (const struct pin *pin = &p->list[number]; pin; pin = pin->next ? &p->list[pin->next - 1] : NULL)
        same |= (f->hashes[2] && has_hash(pin->row, "sha256", f->hashes[2], &said)) ||
                (f->sha512 && has_hash(pin->row, "sha512", f->sha512, &said));
    if (said && !same)
        inventory_find(p->v, SEVERITY_HIGH, false, "lock-differs", f->path,
                       "%s %s is pinned by %s with other hashes than this file has: it is not what was locked", x->name,
                       x->version, json_get_string(p->list[number].row, "found", "a lock file"));
}

/* "app/package-lock.json" speaks of "app/node_modules/…". */
static bool speaks_of(const char *lock, const char *found)
{
    const char *slash = strrchr(lock, '/');
    size_t folder = slash ? (size_t)(slash - lock) + 1 : 0;
    return strncmp(lock, found, folder) == 0 && strncmp(found + folder, "node_modules/", 13) == 0;
}

static void check_installed(struct pins *p, const struct model_package *x)
{
    struct inventory_store *m = p->v->store;
    uint32_t number, exact;
    if (strcmp(x->type, "npm") != 0 || x->declared ||
        !text_map_get(&p->by_name, pin_key(m, x->type, x->namespace, x->name, NULL), &number) ||
        text_map_get(&p->by_package, pin_key(m, x->type, x->namespace, x->name, x->version), &exact))
        return;
    const json_t *row = p->list[number].row;
    if (speaks_of(json_get_string(row, "found", ""), x->found[0]))
        inventory_find(p->v, SEVERITY_MEDIUM, false, "lock-installed-differs", x->found[0],
                       "version %s is installed, and %s pins %s", x->version, json_get_string(row, "found", ""),
                       json_get_string(row, "version", ""));
}

/* "https://host/…": its length, or 0. */
static size_t host_of(const char *url, const char **host)
{
    const char *at = strstr(url, "://");
    *host = at ? at + 3 : "";
    return strcspn(*host, "/:?#");
}

/* In one lock file nearly all comes from one registry; who changed a URL and left the name is found by the host. */
static void check_hosts(struct pins *p, const json_t *rows)
{
    const json_t *row;
    const char *most = "", *host;
    size_t i, best = 0, len, all = 0;
    struct text_map counts = {0};
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        uint32_t count = 0;
        char text[256];
        if (!(len = host_of(json_get_string(row, "url", ""), &host)) || len >= sizeof text)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)len, host);
        const char *key = model_text(p->v->store, text);
        text_map_get(&counts, key, &count);
        text_map_put(&counts, key, count + 1);
        all++;
        if (count + 1 > best) {
            best = count + 1;
            most = key;
        }
    }
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        len = host_of(json_get_string(row, "url", ""), &host);
        if (len && best * 2 > all && (strlen(most) != len || strncmp(host, most, len) != 0))
            inventory_find(p->v, SEVERITY_MEDIUM, false, "lock-host", json_get_string(row, "found", ""),
                           "line %lld: %s is fetched from %.*s, and nearly all else from %s",
                           (long long)json_integer_value(json_object_get(row, "line")),
                           json_get_string(row, "name", ""), (int)len, host, most);
    }
    text_map_fini(&counts);
}

/* The file that a package is, when it is one that was delivered. */
static const struct model_file *delivered_as(const struct inventory_store *m, const struct model_package *x)
{
    char path[8192];
    uint32_t number;
    snprintf(path, sizeof path, "%s", x->found[0]);
    char *inner = strstr(path, "!/");
    if (inner)
        *inner = '\0';
    return inventory_is_package(path) && text_map_get(&m->file_by_path, path, &number) ? &m->files[number] : NULL;
}

void model_pins(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    struct pins p = {.v = v};
    const json_t *row;
    size_t k;
    for (size_t i = 0; i < m->pin_count; i++) {
        json_array_foreach((json_t *)(uintptr_t)m->pins[i], k, row)
        {
            add_pin(&p, row);
        }
        check_hosts(&p, m->pins[i]);
    }
    for (size_t i = 0; i < m->package_count && p.count; i++) {
        const struct model_file *f = delivered_as(m, &m->packages[i]);
        if (f && !m->packages[i].vendored)
            check_delivered(&p, &m->packages[i], f);
        check_installed(&p, &m->packages[i]);
    }
    free(p.list);
    text_map_fini(&p.by_package);
    text_map_fini(&p.by_name);
}
