#include "scan/inventory_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Findings that are kept; the rest is counted. */
#define FINDINGS_MAX 1000U
#define LINKS_MAX    40U /* followed one after the other, as Linux does */

/* ── memory ── */

void *model_grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 64;
    list = reallocarray(list, *room, size);
    if (!list)
        abort();
    return list;
}

struct inventory_store *model_new(void)
{
    struct inventory_store *m = calloc(1, sizeof *m);
    if (!m || !(m->kept = json_array()))
        abort();
    return m;
}

void model_free(struct inventory_store *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->text_count; i++)
        free(m->texts[i]);
    for (size_t i = 0; i < m->package_count; i++)
        free(m->packages[i].found);
    for (size_t i = 0; i < m->file_count; i++) {
        free(m->files[i].owned_hashes[0]);
        free(m->files[i].owned_hashes[1]);
    }
    for (size_t i = 0; i < m->block_count; i++)
        free(m->blocks[i]);
    void *const lists[] = {m->texts, m->files,   m->packages, m->claims,     m->layers, m->link_targets,
                           m->pins,  m->natives, m->blocks,   m->components, m->models, m->licences};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        free(lists[i]);
    text_map_fini(&m->file_by_path);
    text_map_fini(&m->link_by_path);
    text_map_fini(&m->package_by_key);
    text_map_fini(&m->claim_by_path);
    json_decref(m->kept);
    model_free(m->beside);
    free(m);
}

void model_keep(struct inventory_store *m, struct inventory_store *other)
{
    while (m->beside)
        m = m->beside;
    m->beside = other;
}

const char *model_text(struct inventory_store *m, const char *text)
{
    m->texts = model_grown(m->texts, m->text_count, &m->text_room, sizeof *m->texts);
    char *copy = strdup(text);
    if (!copy)
        abort();
    return m->texts[m->text_count++] = copy;
}

void *model_block(struct inventory_store *m, size_t size)
{
    m->blocks = model_grown(m->blocks, m->block_count, &m->block_room, sizeof *m->blocks);
    void *block = calloc(1, size ? size : 1);
    if (!block)
        abort();
    return m->blocks[m->block_count++] = block;
}

/* ── findings ── */

void inventory_find(struct scan_inventory *v, enum severity severity, bool unread, const char *rule, const char *path,
                    const char *format, ...)
{
    struct inventory_store *m = v->store;
    char message[768];
    va_list args;
    enum verdict verdict = unread                          ? VERDICT_NOT_SCANNED
                           : severity == SEVERITY_CRITICAL ? VERDICT_MALICIOUS
                           : severity >= SEVERITY_MEDIUM   ? VERDICT_SUSPICIOUS
                                                           : VERDICT_CLEAN;
    if (verdict > v->verdict)
        v->verdict = verdict;
    v->sbom.incomplete |= unread;
    if (v->finding_count >= FINDINGS_MAX) {
        v->findings_more++;
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    v->findings = reallocarray(v->findings, v->finding_count + 1, sizeof *v->findings);
    if (!v->findings)
        abort();
    v->findings[v->finding_count++] = (struct inventory_finding){.severity = severity,
                                                                 .unread = unread,
                                                                 .rule = model_text(m, rule),
                                                                 .path = model_text(m, path),
                                                                 .message = model_text(m, message)};
}

static enum severity severity_of(const char *name)
{
    for (int s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
        if (strcmp(severity_name((enum severity)s), name) == 0)
            return (enum severity)s;
    return SEVERITY_HIGH;
}

/* A reply says which of its findings block by its verdict alone: one that is heavier than its findings was not read to
 * its end. */
/* Where an archive was not read to its end, what is behind that place is missing. */
static bool ends_early(const char *rule)
{
    static const char *const rules[] = {"archive-broken", "archive-bomb", "archive-nested", "tar-count"};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strcmp(rule, rules[i]) == 0)
            return true;
    return false;
}

void inventory_take_findings(struct scan_inventory *v, const json_t *reply, const char *path)
{
    const json_t *item;
    size_t i;
    enum verdict verdict = VERDICT_NOT_SCANNED, before = v->verdict;
    verdict_from_name(json_get_string(reply, "verdict", ""), &verdict);
    v->verdict = VERDICT_CLEAN;
    json_array_foreach(json_object_get(reply, "findings"), i, item)
    {
        const char *at = json_get_string(item, "at", ""), *rule = json_get_string(item, "rule", "unknown");
        bool same = strcmp(at, path) == 0 || strncmp(at, path, strlen(path)) == 0;
        auto_buf where = BUF(16384);
        buf_printf(&where, "%s%s%s", same ? "" : path, same || !at[0] ? "" : ": ", at);
        inventory_find(v, severity_of(json_get_string(item, "severity", "high")),
                       ends_early(rule) || (verdict == VERDICT_NOT_SCANNED &&
                                            strcmp(json_get_string(item, "severity", ""), "high") == 0),
                       rule, buf_str(&where), "%s", json_get_string(item, "message", ""));
    }
    if (verdict == VERDICT_NOT_SCANNED)
        v->sbom.incomplete = true;
    v->verdict = v->verdict > before ? v->verdict : before;
    v->verdict = verdict > v->verdict ? verdict : v->verdict;
}

/* ── layers and files ── */

uint32_t model_layer(struct inventory_store *m, const char *digest_hex)
{
    m->layers = reallocarray(m->layers, m->layer_count + 1, sizeof *m->layers);
    if (!m->layers)
        abort();
    m->layers[m->layer_count] = model_text(m, digest_hex);
    return (uint32_t)m->layer_count++;
}

static uint32_t put_file(struct inventory_store *m, struct model_file f)
{
    uint32_t old, number = (uint32_t)m->file_count;
    if (text_map_get(&m->file_by_path, f.path, &old))
        m->files[old].hidden = true;
    m->files = model_grown(m->files, m->file_count, &m->file_room, sizeof *m->files);
    m->files[m->file_count++] = f;
    text_map_put(&m->file_by_path, f.path, number);
    return number;
}

uint32_t model_file_add(struct inventory_store *m, const char *path, uint64_t size, unsigned mode, uint32_t layer)
{
    return put_file(
        m, (struct model_file){.path = model_text(m, path), .class = "", .size = size, .mode = mode, .layer = layer});
}

void model_link_add(struct inventory_store *m, const char *path, const char *target)
{
    m->link_targets = model_grown(m->link_targets, m->link_count, &m->link_room, sizeof *m->link_targets);
    m->link_targets[m->link_count] = target;
    text_map_put(&m->link_by_path, path, (uint32_t)m->link_count++);
}

/* Is the path, or a folder above it, one of those that are taken away? */
static bool is_removed(const struct text_map *gone, const char *path)
{
    char part[8192];
    uint32_t value;
    size_t len = strlen(path);
    if (len + 2 > sizeof part)
        return false;
    memcpy(part, path, len + 1);
    if (text_map_get(gone, part, &value))
        return true;
    while (len > 0) {
        while (len > 0 && part[len - 1] != '/')
            len--;
        part[len] = '\0'; /* "a/b/": everything below */
        if (len && text_map_get(gone, part, &value))
            return true;
        len -= len > 0;
        part[len] = '\0'; /* "a/b": the folder itself */
        if (len && text_map_get(gone, part, &value))
            return true;
    }
    return text_map_get(gone, "", &value); /* everything below the root */
}

static void remove_files(struct inventory_store *m, const json_t *removed, uint32_t layer)
{
    struct text_map gone = {0};
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)removed, i, item)
    {
        if (json_string_value(item))
            text_map_put(&gone, json_string_value(item), 1);
    }
    for (size_t k = 0; gone.count && k < m->file_count; k++)
        if (m->files[k].layer < layer && !m->files[k].hidden && is_removed(&gone, m->files[k].path))
            m->files[k].hidden = true;
    text_map_fini(&gone);
}

static const char *text_at(const json_t *row, size_t i)
{
    const char *text = json_string_value(json_array_get(row, i));
    return text ? text : "";
}

static void take_tree(struct inventory_store *m, const json_t *tree, uint32_t layer)
{
    const json_t *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)tree, i, row)
    {
        put_file(m, (struct model_file){.path = text_at(row, 0),
                                        .size = (uint64_t)json_integer_value(json_array_get(row, 1)),
                                        .mode = (unsigned)json_integer_value(json_array_get(row, 2)),
                                        .class = text_at(row, 3),
                                        .hashes = {text_at(row, 4), text_at(row, 5), text_at(row, 6)},
                                        .layer = layer});
    }
}

static void take_links(struct inventory_store *m, const json_t *links, uint32_t layer)
{
    const json_t *row;
    size_t i;
    uint32_t number;
    json_array_foreach((json_t *)(uintptr_t)links, i, row)
    {
        const char *path = text_at(row, 0), *target = text_at(row, 1);
        bool hard = json_is_true(json_array_get(row, 2));
        if (!hard) {
            if (text_map_get(&m->file_by_path, path, &number) && m->files[number].layer < layer)
                m->files[number].hidden = true;
            model_link_add(m, path, target);
        } else if (text_map_get(&m->file_by_path, target, &number)) {
            struct model_file copy = m->files[number];
            copy.path = path;
            copy.layer = layer;
            copy.hidden = false;
            memset(copy.owned_hashes, 0, sizeof copy.owned_hashes);
            put_file(m, copy);
        }
    }
}

/* ── packages ── */

static bool is_database(const char *type)
{
    return strcmp(type, "deb") == 0 || strcmp(type, "rpm") == 0 || strcmp(type, "apk") == 0 ||
           strcmp(type, "alpm") == 0;
}

static void take_package(struct inventory_store *m, const json_t *row, uint32_t layer)
{
    m->packages = model_grown(m->packages, m->package_count, &m->package_room, sizeof *m->packages);
    struct model_package *p = &m->packages[m->package_count++];
    *p = (struct model_package){.type = json_get_string(row, "type", ""),
                                .namespace = json_get_string(row, "namespace", ""),
                                .name = json_get_string(row, "name", ""),
                                .version = json_get_string(row, "version", ""),
                                .architecture = json_get_string(row, "architecture", ""),
                                .source = json_get_string(row, "source", ""),
                                .source_version = json_get_string(row, "source_version", ""),
                                .licence = json_get_string(row, "licence", ""),
                                .spdx = json_get_string(row, "spdx", ""),
                                .channel = json_get_string(row, "channel", ""),
                                .declared = json_is_true(json_object_get(row, "declared")),
                                .layer = layer};
    p->found = calloc(1, sizeof *p->found);
    if (!p->found)
        abort();
    p->found[0] = json_get_string(row, "found", "");
    p->found_count = 1;
    m->has_os_database |= is_database(p->type);
}

/* ── claims ── */

static int kind_of(const char *name, enum hash *hash)
{
    static const struct {
        const char *name;
        int kind;
        enum hash hash;
    } known[] = {{"md5", 0, HASH_MD5},
                 {"sha1", 1, HASH_SHA1},
                 {"sha256", 2, HASH_SHA256},
                 {"sha384", 3, HASH_SHA384},
                 {"sha512", 3, HASH_SHA512}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0) {
            *hash = known[i].hash;
            return known[i].kind;
        }
    return -1;
}

static void take_claim(struct inventory_store *m, const json_t *row, uint32_t package)
{
    enum hash hash = HASH_MD5;
    int kind = kind_of(text_at(row, 1), &hash);
    if (kind < 0) /* no hash: nothing that ownership could be verified by */
        return;
    m->claims = model_grown(m->claims, m->claim_count, &m->claim_room, sizeof *m->claims);
    m->claims[m->claim_count++] = (struct model_claim){.package = package,
                                                       .path = text_at(row, 0),
                                                       .hex = text_at(row, 2),
                                                       .kind = kind,
                                                       .hash = hash,
                                                       .configuration = json_is_true(json_array_get(row, 3))};
}

/* The record of a package that lies in a folder of its own is beside its name; of the others the name says whose it is.
 */
static const char *owner_key(struct inventory_store *m, const char *type, const char *name, const char *version,
                             const char *found)
{
    auto_buf key = BUF(16384);
    const char *slash = strrchr(found, '/');
    bool own_folder = strcmp(type, "pypi") == 0 || strcmp(type, "alpm") == 0;
    if (own_folder)
        buf_printf(&key, "%s\n%.*s", type, slash ? (int)(slash - found) : 0, found);
    else
        buf_printf(&key, "%s\n%s\n%s", type, name,
                   strcmp(type, "deb") == 0 || strcmp(type, "opkg") == 0 ? "" : version);
    return model_text(m, buf_str(&key));
}

/* ── a reply ── */

static void keep_list(const json_t ***list, size_t *count, const json_t *item)
{
    *list = reallocarray(*list, *count + 1, sizeof **list);
    if (!*list)
        abort();
    (*list)[(*count)++] = item;
}

static bool is_better_system(const json_t *new, const json_t *old)
{
    const char *path = json_get_string(new, "found", ""), *before = json_get_string(old, "found", "");
    bool full = strstr(path, "os-release") != NULL;
    return !old || full || !strstr(before, "os-release");
}

void model_take(struct inventory_store *m, json_t *facts, uint32_t layer)
{
    const json_t *row, *system = json_object_get(facts, "system");
    size_t i;
    json_array_append(m->kept, facts);
    remove_files(m, json_object_get(facts, "removed"), layer);
    take_tree(m, json_object_get(facts, "tree"), layer);
    take_links(m, json_object_get(facts, "links"), layer);
    json_array_foreach(json_object_get(facts, "packages"), i, row)
    {
        take_package(m, row, layer);
    }
    if (system && is_better_system(system, m->system))
        m->system = system;
    if (json_array_size(json_object_get(facts, "pins")))
        keep_list(&m->pins, &m->pin_count, json_object_get(facts, "pins"));
    json_array_foreach(json_object_get(facts, "natives"), i, row)
    {
        keep_list(&m->natives, &m->native_count, row);
    }
    json_array_foreach(json_object_get(facts, "models"), i, row)
    {
        keep_list(&m->models, &m->model_count, row);
    }
    json_array_foreach(json_object_get(facts, "licences"), i, row)
    {
        m->licences = model_grown(m->licences, m->licence_count, &m->licence_room, sizeof *m->licences);
        m->licences[m->licence_count++] = row;
    }
}

/* ── what is one, and what is about what ── */

/* The file that a record lies in: "a.whl!/b" lies in a.whl. */
static bool is_visible(const struct inventory_store *m, const char *found, uint32_t layer)
{
    char path[8192];
    uint32_t number;
    snprintf(path, sizeof path, "%s", found);
    if (!text_map_get(&m->file_by_path, path, &number)) {
        char *inner = strstr(path, "!");
        if (inner)
            *inner = '\0';
        if (!text_map_get(&m->file_by_path, path, &number))
            return true; /* a file that was named itself */
    }
    return !m->files[number].hidden && m->files[number].layer == layer;
}

static const char *package_key(struct inventory_store *m, const struct model_package *p)
{
    auto_buf key = BUF(16384);
    buf_printf(&key, "%s\n%s\n%s\n%s\n%s%s", p->type, p->namespace, p->name, p->version, p->architecture,
               p->declared ? "\nlock" : "");
    return model_text(m, buf_str(&key));
}

static void add_found(struct model_package *p, const char *found)
{
    for (size_t i = 0; i < p->found_count; i++)
        if (strcmp(p->found[i], found) == 0)
            return;
    p->found = reallocarray(p->found, p->found_count + 1, sizeof *p->found);
    if (!p->found)
        abort();
    p->found[p->found_count++] = found;
}

/* One row for what several records, or several layers, say. */
void model_join(struct inventory_store *m)
{
    size_t kept = m->joined;
    for (size_t i = m->joined; i < m->package_count; i++) {
        struct model_package *p = &m->packages[i];
        const char *key = package_key(m, p);
        uint32_t first;
        p->removed = !is_visible(m, p->found[0], p->layer);
        if (!text_map_get(&m->package_by_key, key, &first)) {
            text_map_put(&m->package_by_key, key, (uint32_t)kept);
            m->packages[kept++] = *p;
            continue;
        }
        struct model_package *old = &m->packages[first];
        add_found(old, p->found[0]);
        old->removed &= p->removed;
        if (!old->licence[0]) {
            old->licence = p->licence;
            old->spdx = p->spdx;
        }
        free(p->found);
    }
    m->package_count = m->joined = kept;
}

/* A declared package that is there as well adds nothing. */
static void link_claims(struct inventory_store *m)
{
    struct text_map owners = {0};
    const json_t *facts, *row, *claim;
    size_t i, k, n;
    for (size_t p = m->package_count; p > 0; p--) {
        const struct model_package *x = &m->packages[p - 1];
        if (x->removed || x->declared)
            continue;
        for (size_t f = 0; f < x->found_count; f++)
            text_map_put(&owners, owner_key(m, x->type, x->name, x->version, x->found[f]), (uint32_t)(p - 1));
    }
    json_array_foreach(m->kept, i, facts)
    {
        json_array_foreach(json_object_get(facts, "claims"), k, row)
        {
            const char *found = json_get_string(row, "found", "");
            uint32_t package = UINT32_MAX, number;
            if (text_map_get(&m->file_by_path, found, &number) && m->files[number].hidden)
                continue;
            text_map_get(&owners,
                         owner_key(m, json_get_string(row, "type", ""), json_get_string(row, "name", ""),
                                   json_get_string(row, "version", ""), found),
                         &package);
            json_array_foreach(json_object_get(row, "files"), n, claim)
            {
                take_claim(m, claim, package);
            }
        }
    }
    text_map_fini(&owners);
}

/* The path with the links of its folders followed, or NULL: it leads nowhere, or around. */
static const char *follow(struct inventory_store *m, const char *path)
{
    char done[8192] = "", rest[8192], next[8192];
    unsigned links = 0;
    snprintf(rest, sizeof rest, "%s", path);
    while (rest[0]) {
        size_t len = strcspn(rest, "/"), have = strlen(done);
        uint32_t number;
        if (len == 2 && strncmp(rest, "..", 2) == 0) {
            char *slash = strrchr(done, '/');
            *(slash ? slash : done) = '\0';
        } else if (len && !(len == 1 && rest[0] == '.')) {
            if (have + len + 2 > sizeof done)
                return NULL;
            snprintf(done + have, sizeof done - have, "%s%.*s", have ? "/" : "", (int)len, rest);
        }
        memmove(rest, rest + len + (rest[len] == '/'), strlen(rest + len + (rest[len] == '/')) + 1);
        if (!text_map_get(&m->link_by_path, done, &number))
            continue;
        const char *target = m->link_targets[number];
        char *slash = strrchr(done, '/');
        if (++links > LINKS_MAX || snprintf(next, sizeof next, "%s/%s", target, rest) >= (int)sizeof next)
            return NULL;
        if (target[0] == '/')
            done[0] = '\0';
        else
            *(slash ? slash : done) = '\0';
        snprintf(rest, sizeof rest, "%s", next);
    }
    return model_text(m, done);
}

static void place_claims(struct inventory_store *m)
{
    for (size_t i = 0; i < m->claim_count; i++) {
        struct model_claim *c = &m->claims[i];
        uint32_t first, number;
        if (!text_map_get(&m->file_by_path, c->path, &number) && m->link_count) {
            const char *real = follow(m, c->path);
            c->path = real ? real : c->path;
        }
        c->next = text_map_get(&m->claim_by_path, c->path, &first) ? first + 1 : 0;
        text_map_put(&m->claim_by_path, c->path, (uint32_t)i);
    }
}

/* A record that is gone takes no file along: what it spoke of may still be there. */
static void find_lost_records(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    struct text_map told = {0};
    for (size_t i = 0; i < m->package_count; i++) {
        const struct model_package *p = &m->packages[i];
        uint32_t number;
        bool gone = p->removed && is_database(p->type) && text_map_get(&m->file_by_path, p->found[0], &number) &&
                    m->files[number].hidden;
        if (!gone || text_map_get(&told, p->found[0], &number))
            continue;
        text_map_put(&told, p->found[0], 1);
        inventory_find(v, SEVERITY_MEDIUM, false, "record-removed", p->found[0],
                       "an upper layer takes this package database away, and what it speaks of may still be there");
    }
    text_map_fini(&told);
}

/* A package of Python whose own record another package claims came with that one (setuptools/_vendor). */
static void find_vendored(struct inventory_store *m)
{
    for (size_t i = 0; i < m->package_count; i++) {
        struct model_package *p = &m->packages[i];
        const struct model_claim *c = strcmp(p->type, "pypi") == 0 ? model_claims_of(m, p->found[0]) : NULL;
        bool inside = strstr(p->found[0], "/_vendor/") != NULL;
        for (; c && !p->vendored; c = c->next ? &m->claims[c->next - 1] : NULL) {
            if (c->package == UINT32_MAX || c->package == i || strcmp(m->packages[c->package].type, "pypi") != 0)
                continue;
            auto_buf text = BUF(4096);
            buf_printf(&text, "%s %s", m->packages[c->package].name, m->packages[c->package].version);
            p->vendored = model_text(m, buf_str(&text));
        }
        if (inside && !p->vendored)
            p->vendored = "unknown";
    }
}

void model_resolve(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    model_join(m);
    link_claims(m);
    place_claims(m);
    find_vendored(m);
    model_licences(m);
    find_lost_records(v);
}

const struct model_claim *model_claims_of(const struct inventory_store *m, const char *path)
{
    uint32_t first;
    return text_map_get(&m->claim_by_path, path, &first) ? &m->claims[first] : NULL;
}
