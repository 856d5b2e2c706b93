#include "engine/tree.h"

#include <string.h>

#include "util/limits.h"

#define TREE_SCHEMA "airlock/tree/1"

static const char *const TYPE_NAMES[] = {
    [TREE_DIRECTORY] = "directory", [TREE_FILE] = "file", [TREE_SYMLINK] = "symlink"};

/* FNV-1a over the parent's address and the name. */
static size_t place(const struct tree *t, const struct tree_node *dir, struct span name)
{
    uint64_t hash = 14695981039346656037ULL ^ (uint64_t)(uintptr_t)dir;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.ptr[i]) * 1099511628211ULL;
    return (size_t)(hash ^ hash >> 29) & (t->index_size - 1);
}

static void index_put(struct tree *t, struct tree_node *n)
{
    size_t at = place(t, n->parent, span_str(n->name));
    n->chain = t->index[at];
    t->index[at] = n;
}

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

static void index_grow(struct tree *t)
{
    struct tree_node **old = t->index;
    size_t old_size = t->index_size;
    t->index_size *= 2;
    t->index = need(calloc(t->index_size, sizeof *t->index));
    for (size_t i = 0; i < old_size; i++) {
        for (struct tree_node *n = old[i], *chain; n; n = chain) {
            chain = n->chain;
            index_put(t, n);
        }
    }
    free(old);
}

static void index_take(struct tree *t, const struct tree_node *n)
{
    struct tree_node **p = &t->index[place(t, n->parent, span_str(n->name))];
    while (*p != n)
        p = &(*p)->chain;
    *p = n->chain;
}

void tree_init(struct tree *t)
{
    *t = (struct tree){.root = need(calloc(1, sizeof *t->root)), .index_size = 256};
    t->root->type = TREE_DIRECTORY;
    t->root->mode = 0755;
    t->root->name = need(strdup(""));
    t->index = need(calloc(t->index_size, sizeof *t->index));
}

/* The first entry below n that has nothing below itself, or n. */
static struct tree_node *deepest(struct tree_node *n)
{
    while (n->child)
        n = n->child;
    return n;
}

static void node_free(struct tree_node *n)
{
    free(n->name);
    free(n->target);
    free(n);
}

void tree_fini(struct tree *t)
{
    while (t->root && t->root->child) {
        struct tree_node *leaf = deepest(t->root);
        leaf->parent->child = leaf->next;
        node_free(leaf);
    }
    if (t->root)
        node_free(t->root);
    free(t->index);
    *t = (struct tree){0};
}

int tree_name_check(struct span name, struct span path, struct err *e)
{
    int shown = path.len > 200 ? 200 : (int)path.len;
    if (name.len > IMAGE_NAME_MAX)
        return err_set(e, ERR_LIMIT, 0, "\"%.*s…\": a name of %zu bytes; at most %u are taken", shown, path.ptr,
                       name.len, IMAGE_NAME_MAX);
    if (name.len == 0 || span_equal_str(name, ".") || span_equal_str(name, ".."))
        return err_set(e, ERR_INPUT, 0, "\"%.*s\": wanted plain names between slashes, found \"%.*s\"", shown, path.ptr,
                       (int)name.len, name.ptr);
    if (!span_is_utf8(name))
        return err_set(e, ERR_INPUT, 0, "a name that is not UTF-8 (path of %zu bytes)", path.len);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == '/')
            return err_set(e, ERR_INPUT, 0, "a name with the control character 0x%02x (path of %zu bytes)", name.ptr[i],
                           path.len);
    return 0;
}

struct tree_node *tree_find(const struct tree *t, const struct tree_node *dir, struct span name)
{
    for (struct tree_node *n = t->index[place(t, dir, name)]; n; n = n->chain)
        if (n->parent == dir && span_equal_str(name, n->name))
            return n;
    return NULL;
}

struct tree_node *tree_lookup(const struct tree *t, struct span path)
{
    struct tree_node *n = t->root;
    struct span name;
    while (path.len > 0 && n) {
        if (!span_take_until(&path, '/', &name)) {
            name = path;
            path = span_of(NULL, 0);
        }
        n = tree_find(t, n, name);
    }
    return n;
}

struct tree_node *tree_add(struct tree *t, struct tree_node *dir, struct span name, enum tree_type type, struct err *e)
{
    if (t->count >= IMAGE_ENTRIES_MAX) {
        err_set(e, ERR_LIMIT, 0, "more than %u files and directories in one image", IMAGE_ENTRIES_MAX);
        return NULL;
    }
    if (t->count >= t->index_size)
        index_grow(t);
    struct tree_node *n = need(calloc(1, sizeof *n));
    n->name = need(strndup((const char *)name.ptr, name.len));
    n->type = type;
    n->parent = dir;
    n->next = dir->child;
    dir->child = n;
    index_put(t, n);
    t->count++;
    return n;
}

static void unlink_node(struct tree_node *n)
{
    struct tree_node **p = &n->parent->child;
    while (*p != n)
        p = &(*p)->next;
    *p = n->next;
}

void tree_drop(struct tree *t, struct tree_node *n)
{
    for (;;) {
        struct tree_node *leaf = deepest(n);
        bool last = leaf == n;
        unlink_node(leaf);
        index_take(t, leaf);
        t->bytes -= leaf->type == TREE_FILE ? leaf->size : 0;
        t->count--;
        node_free(leaf);
        if (last)
            return;
    }
}

void tree_path(const struct tree_node *n, struct buf *out)
{
    const struct tree_node *up[IMAGE_DEPTH_MAX + 1];
    size_t depth = 0;
    for (; n->parent && depth < ARRAY_LEN(up); n = n->parent)
        up[depth++] = n;
    while (depth > 0) {
        buf_add_str(out, up[--depth]->name);
        if (depth > 0)
            buf_add_byte(out, '/');
    }
}

static int by_name(const void *a, const void *b)
{
    const struct tree_node *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static void sort_children(struct tree_node *dir)
{
    size_t count = 0;
    for (struct tree_node *n = dir->child; n; n = n->next)
        count++;
    if (count < 2)
        return;
    struct tree_node **all = need(calloc(count, sizeof(struct tree_node *)));
    size_t i = 0;
    for (struct tree_node *n = dir->child; n; n = n->next)
        all[i++] = n;
    qsort(all, count, sizeof(struct tree_node *), by_name);
    struct tree_node **p = &dir->child;
    for (i = 0; i < count; i++) {
        *p = all[i];
        p = &all[i]->next;
    }
    *p = NULL;
    free(all);
}

struct tree_node *tree_following(const struct tree_node *n)
{
    if (n->child)
        return n->child;
    while (n && !n->next)
        n = n->parent;
    return n ? n->next : NULL;
}

void tree_sort(struct tree *t)
{
    for (struct tree_node *n = t->root; n; n = tree_following(n))
        sort_children(n);
}

static void write_node(struct json_out *w, const struct tree_node *n)
{
    auto_buf path = BUF(IMAGE_PATH_MAX + 1);
    char mode[8];
    tree_path(n, &path);
    snprintf(mode, sizeof mode, "%04o", n->mode & 0777);
    json_out_object(w);
    json_put_string(w, "path", buf_str(&path));
    json_put_string(w, "type", TYPE_NAMES[n->type]);
    if (n->type != TREE_SYMLINK)
        json_put_string(w, "mode", mode);
    if (n->type == TREE_FILE) {
        json_put_uint(w, "size", n->size);
        json_put_string(w, "sha256", digest_hex(&n->digest).text);
    } else if (n->type == TREE_SYMLINK) {
        json_put_string(w, "target", n->target);
    }
    json_out_object_end(w);
}

void tree_write(struct tree *t, const struct digest *image, struct buf *out)
{
    struct json_out w;
    tree_sort(t);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", TREE_SCHEMA);
    json_put_digest(&w, "image", image);
    json_put_array(&w, "entries");
    for (struct tree_node *n = tree_following(t->root); n; n = tree_following(n))
        write_node(&w, n);
    json_out_array_end(&w);
    json_out_object_end(&w);
    buf_add_byte(out, '\n');
}

void tree_predicate(const struct tree *t, const struct tree_origin *from, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_digest(&w, "tree", &from->list);
    json_put_uint(&w, "entries", t->count);
    json_put_uint(&w, "bytes", t->bytes);
    json_put_array(&w, "layers");
    for (size_t i = 0; i < from->layer_count; i++)
        json_out_string(&w, digest_text(&from->layers[i]).text);
    json_out_array_end(&w);
    json_put_time(&w, "time", from->time_s);
    json_out_object_end(&w);
}

static int read_type(const json_t *entry, const char *at, enum tree_type *out, struct err *e)
{
    const char *text = json_need_string(entry, "type", at, e);
    if (!text)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(TYPE_NAMES); i++) {
        if (strcmp(text, TYPE_NAMES[i]) == 0) {
            *out = (enum tree_type)i;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, 0, "tree list: %s/type: wanted directory, file or symlink, found \"%.32s\"", at, text);
}

static int read_mode(const json_t *entry, const char *at, unsigned *out, struct err *e)
{
    const char *text = json_need_string(entry, "mode", at, e);
    if (!text)
        return -1;
    unsigned mode = 0;
    for (size_t i = 0; i < 4; i++) {
        if (text[i] < '0' || text[i] > '7')
            return err_set(e, ERR_INPUT, 0, "tree list: %s/mode: wanted four octal digits", at);
        mode = mode << 3 | (unsigned)(text[i] - '0');
    }
    if (text[4] || mode > 0777)
        return err_set(e, ERR_INPUT, 0, "tree list: %s/mode: wanted 0000 to 0777", at);
    *out = mode;
    return 0;
}

static int read_file(const json_t *entry, const char *at, struct tree *t, struct tree_node *n, struct err *e)
{
    const char *hex = json_need_string(entry, "sha256", at, e);
    if (!hex || json_need_uint(entry, "size", at, &n->size, e) < 0)
        return -1;
    if (!digest_from_hex(span_str(hex), &n->digest))
        return err_set(e, ERR_INPUT, 0, "tree list: %s/sha256: wanted 64 hex digits", at);
    if (n->size > IMAGE_BYTES_MAX - t->bytes)
        return err_set(e, ERR_LIMIT, 0, "tree list: %s: more than %llu bytes in all", at, IMAGE_BYTES_MAX);
    t->bytes += n->size;
    return 0;
}

static int read_symlink(const json_t *entry, const char *at, struct tree_node *n, struct err *e)
{
    const char *target = json_need_string(entry, "target", at, e);
    if (!target)
        return -1;
    if (strlen(target) > IMAGE_PATH_MAX)
        return err_set(e, ERR_LIMIT, 0, "tree list: %s/target: longer than %u bytes", at, IMAGE_PATH_MAX);
    n->target = need(strdup(target));
    return 0;
}

/* Adds the entry below its directory, which must stand in front of it. */
static struct tree_node *read_place(struct tree *t, struct span path, enum tree_type type, const char *at,
                                    struct err *e)
{
    struct tree_node *dir = t->root;
    struct span whole = path, name;
    unsigned depth = 1;
    for (; span_take_until(&path, '/', &name); depth++) {
        if (tree_name_check(name, whole, e) < 0)
            return NULL;
        dir = tree_find(t, dir, name);
        if (!dir || dir->type != TREE_DIRECTORY || depth > IMAGE_DEPTH_MAX) {
            err_set(e, ERR_INPUT, 0, "tree list: %s: its directory does not stand before it", at);
            return NULL;
        }
    }
    if (whole.len > IMAGE_PATH_MAX || tree_name_check(path, whole, e) < 0) {
        err_prefix(e, "tree list: %s", at);
        return NULL;
    }
    if (tree_find(t, dir, path)) {
        err_set(e, ERR_INPUT, 0, "tree list: %s: the same path twice", at);
        return NULL;
    }
    return tree_add(t, dir, path, type, e);
}

static int read_entry(const json_t *entry, size_t i, struct tree *t, struct err *e)
{
    static const char *const keys[] = {"path", "type", "mode", "size", "sha256", "target", NULL};
    char at[48];
    enum tree_type type = TREE_DIRECTORY;
    snprintf(at, sizeof at, "/entries/%zu", i);
    const char *path = json_need_string(entry, "path", at, e);
    if (!path || json_only_keys(entry, keys, at, e) < 0 || read_type(entry, at, &type, e) < 0)
        return -1;
    struct tree_node *n = read_place(t, span_str(path), type, at, e);
    if (!n)
        return -1;
    if (type == TREE_SYMLINK) {
        n->mode = 0777;
        return read_symlink(entry, at, n, e);
    }
    if (read_mode(entry, at, &n->mode, e) < 0)
        return -1;
    return type == TREE_FILE ? read_file(entry, at, t, n, e) : 0;
}

int tree_read(struct span text, const struct digest *image, struct tree *out, struct err *e)
{
    auto_json root = json_parse(text, IMAGE_LIST_BYTES, "tree list", e);
    struct digest named;
    if (!root)
        return -1;
    const char *schema = json_need_string(root, "schema", "", e);
    const json_t *entries = json_need_array(root, "entries", "", e), *entry;
    if (!schema || !entries || json_need_digest(root, "image", "", &named, e) < 0)
        return -1;
    if (strcmp(schema, TREE_SCHEMA) != 0)
        return err_set(e, ERR_INPUT, 0, "tree list: wanted schema " TREE_SCHEMA ", found \"%.40s\"", schema);
    if (!digest_equal(&named, image))
        return err_set(e, ERR_INPUT, 0, "tree list: it is of image %.19s…, wanted %.19s…", digest_text(&named).text,
                       digest_text(image).text);
    auto_tree t;
    tree_init(&t);
    size_t i;
    json_array_foreach(entries, i, entry)
    {
        if (read_entry(entry, i, &t, e) < 0)
            return -1;
    }
    *out = t;
    t = (struct tree){0};
    return 0;
}
