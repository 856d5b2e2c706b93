#include "parse/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#include "util/auto.h"
#include "util/limits.h"

/* As deep as yaml.c reads. */
#define DEPTH_MAX 34U

static void free_tree(struct yaml **y)
{
    yaml_free(*y);
}

/* ── in the parse process ── */

static void put_node(struct json_out *w, const struct yaml *y)
{
    json_out_object(w);
    json_put_uint(w, "line", y->line);
    if (y->kind == YAML_SCALAR) {
        json_put_string(w, "text", y->text);
        json_put_bool(w, "quoted", y->quoted);
    } else if (y->kind == YAML_LIST) {
        json_put_uint(w, "list", y->count);
    } else {
        json_put_array(w, "map");
        for (size_t i = 0; i < y->count; i++)
            json_out_string(w, y->keys[i]);
        json_out_array_end(w);
    }
    json_out_object_end(w);
    for (size_t i = 0; i < y->count; i++)
        put_node(w, y->items[i]);
}

int yaml_tree_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct json_out w;
    char name[128] = "YAML";
    if (arg.len && arg.len < sizeof name) {
        memcpy(name, arg.ptr, arg.len);
        name[arg.len] = '\0';
    }
    AUTO(free_tree) struct yaml *root = yaml_parse(input, name, e);
    if (!root)
        return -1;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_array(&w, "nodes");
    put_node(&w, root);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(reply, name, e);
}

/* ── on the other side ── */

struct rebuilding {
    const json_t *nodes;
    size_t next;
    struct err *e;
};

static int bad(struct rebuilding *r, const char *what)
{
    return err_set(r->e, ERR_INPUT, 0, "YAML: node %zu of the reply: %s", r->next, what);
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static struct yaml *read_node(struct rebuilding *r, unsigned depth);

/* Room for no more members than there are nodes left. */
static int make_room(struct rebuilding *r, struct yaml *y, uint64_t count)
{
    if (count > json_array_size(r->nodes) - r->next)
        return bad(r, "more members than nodes");
    y->items = calloc(count + 1, sizeof(struct yaml *));
    if (!y->items)
        abort();
    return 0;
}

static int read_members(struct rebuilding *r, struct yaml *y, uint64_t count, unsigned depth)
{
    while (y->count < count) {
        struct yaml *member = read_node(r, depth + 1);
        if (!member)
            return -1;
        y->items[y->count++] = member;
    }
    return 0;
}

static int read_map(struct rebuilding *r, struct yaml *y, const json_t *keys, unsigned depth)
{
    size_t count = json_array_size(keys);
    y->kind = YAML_MAP;
    if (!json_is_array(keys) || make_room(r, y, count) < 0)
        return json_is_array(keys) ? -1 : bad(r, "wanted keys");
    y->keys = calloc(count + 1, sizeof(char *));
    if (!y->keys)
        abort();
    for (size_t i = 0; i < count; i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        struct yaml *member = key ? read_node(r, depth + 1) : NULL;
        if (!member)
            return key ? -1 : bad(r, "a key that is no text");
        y->keys[i] = copy_of(key);
        y->items[y->count++] = member;
    }
    return 0;
}

static int fill_node(struct rebuilding *r, struct yaml *y, const json_t *node, unsigned depth)
{
    uint64_t line, count;
    const json_t *map = json_object_get(node, "map");
    const char *text = json_get_string(node, "text", NULL);
    if (!json_is_object(node) || json_need_uint(node, "line", "", &line, r->e) < 0 || line > UINT32_MAX)
        return bad(r, "no line");
    y->line = (unsigned)line;
    if (map)
        return read_map(r, y, map, depth);
    if (text) {
        y->kind = YAML_SCALAR;
        y->text = copy_of(text);
        y->quoted = json_is_true(json_object_get(node, "quoted"));
        return 0;
    }
    y->kind = YAML_LIST;
    if (json_need_uint(node, "list", "", &count, r->e) < 0 || make_room(r, y, count) < 0)
        return -1;
    return read_members(r, y, count, depth);
}

static struct yaml *read_node(struct rebuilding *r, unsigned depth)
{
    const json_t *node = json_array_get(r->nodes, r->next);
    if (!node || depth > DEPTH_MAX) {
        bad(r, node ? "nested too deep" : "missing");
        return NULL;
    }
    r->next++;
    AUTO(free_tree) struct yaml *y = calloc(1, sizeof *y);
    if (!y)
        abort();
    return fill_node(r, y, node, depth) < 0 ? NULL : ptr_steal(&y);
}

struct yaml *yaml_tree_read(const json_t *reply, struct err *e)
{
    struct rebuilding r = {.nodes = json_need_array(reply, "nodes", "", e), .e = e};
    if (!r.nodes)
        return NULL;
    if (json_array_size(r.nodes) > LIMIT_YAML_NODES) {
        err_set(e, ERR_LIMIT, 0, "YAML: more than %u values", LIMIT_YAML_NODES);
        return NULL;
    }
    AUTO(free_tree) struct yaml *root = read_node(&r, 0);
    if (root && r.next != json_array_size(r.nodes)) {
        bad(&r, "more nodes than the tree has");
        return NULL;
    }
    return ptr_steal(&root);
}
