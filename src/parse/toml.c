#include "parse/toml.h"

#include <stdlib.h>
#include <string.h>

#include "parse/toml_value.h"

#define DEPTH_MAX 32U

static void *grow(void *items, size_t room, size_t size)
{
    void *more = reallocarray(items, room, size);
    if (!more)
        abort();
    return more;
}

static void add_child(struct toml *t, char *key, struct toml *item)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 4;
        t->items = grow(t->items, t->room, sizeof *t->items);
        if (t->kind == TOML_TABLE)
            t->keys = grow(t->keys, t->room, sizeof *t->keys);
    }
    if (t->kind == TOML_TABLE)
        t->keys[t->count] = key;
    t->items[t->count++] = item;
}

static struct toml *new_value(struct toml_reader *r, enum toml_kind kind)
{
    if (++r->values > LIMIT_TOML_VALUES) {
        err_set(r->e, ERR_LIMIT, 0, "%s:%u: more than %u values; at most that many are read", r->name, r->line,
                LIMIT_TOML_VALUES);
        return NULL;
    }
    struct toml *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->kind = kind;
    t->line = r->line;
    return t;
}

static struct toml *find(const struct toml *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i], key) == 0)
            return table->items[i];
    return NULL;
}

/* Adds an empty child under `key`, which becomes the table's. */
static struct toml *add_new(struct toml_reader *r, struct toml *table, char **key, enum toml_kind kind)
{
    if (table->count >= LIMIT_TOML_KEYS) {
        err_set(r->e, ERR_LIMIT, 0, "%s:%u: more than %u keys in one table", r->name, r->line, LIMIT_TOML_KEYS);
        return NULL;
    }
    struct toml *child = new_value(r, kind);
    if (child)
        add_child(table, ptr_steal(key), child);
    return child;
}

static int twice(struct toml_reader *r, const char *key, const struct toml *first)
{
    return err_set(r->e, ERR_INPUT, 0, "%s:%u: \"%.100s\" stands twice; it stood on line %u already", r->name, r->line,
                   key, first->line);
}

static int read_value(struct toml_reader *r, unsigned depth, struct toml **out);

/* ── key = value ── */

/* Goes one step down a dotted key; makes the table where there is none. */
static int step_dotted(struct toml_reader *r, struct toml **table, char **key)
{
    struct toml *next = find(*table, *key);
    if (!next) {
        next = add_new(r, *table, key, TOML_TABLE);
        if (!next)
            return -1;
        next->dotted = true;
    } else if (next->kind != TOML_TABLE || next->closed || !next->dotted) {
        return twice(r, *key, next);
    }
    *table = next;
    return 0;
}

static int read_pair(struct toml_reader *r, struct toml *table, unsigned depth)
{
    auto_free char *key = NULL;
    unsigned line = r->line;
    for (;;) {
        if (toml_take_key(r, &key) < 0)
            return -1;
        toml_skip_blank(r);
        if (!span_take_prefix(&r->rest, SPAN_LIT(".")))
            break;
        if (++depth >= DEPTH_MAX)
            return toml_refuse(r, "a key of too many parts");
        if (step_dotted(r, &table, &key) < 0)
            return -1;
        free(ptr_steal(&key));
        toml_skip_blank(r);
    }
    if (!span_take_prefix(&r->rest, SPAN_LIT("=")))
        return toml_refuse(r, "wanted = behind the key");
    if (find(table, key))
        return twice(r, key, find(table, key));
    if (table->count >= LIMIT_TOML_KEYS)
        return toml_refuse(r, "too many keys in one table");
    toml_skip_blank(r);
    struct toml *value = NULL;
    int result = read_value(r, depth + 1, &value);
    if (value) {
        value->line = line;
        add_child(table, ptr_steal(&key), value);
    }
    return result;
}

/* ── values ── */

static int read_inline_table(struct toml_reader *r, unsigned depth, struct toml *t)
{
    t->defined = true;
    toml_skip_blank(r);
    if (!span_take_prefix(&r->rest, SPAN_LIT("}"))) {
        do {
            toml_skip_blank(r);
            if (read_pair(r, t, depth) < 0)
                return -1;
            toml_skip_blank(r);
        } while (span_take_prefix(&r->rest, SPAN_LIT(",")));
        if (!span_take_prefix(&r->rest, SPAN_LIT("}")))
            return toml_refuse(r, "wanted , or } in an inline table");
    }
    t->closed = true;
    return 0;
}

static int read_array(struct toml_reader *r, unsigned depth, struct toml *t)
{
    t->defined = t->closed = true;
    for (;;) {
        struct toml *item = NULL;
        if (toml_skip_lines(r) < 0)
            return -1;
        if (span_take_prefix(&r->rest, SPAN_LIT("]")))
            return 0;
        int result = read_value(r, depth + 1, &item);
        if (item)
            add_child(t, NULL, item);
        if (result < 0 || toml_skip_lines(r) < 0)
            return -1;
        if (span_take_prefix(&r->rest, SPAN_LIT(",")))
            continue;
        if (span_take_prefix(&r->rest, SPAN_LIT("]")))
            return 0;
        return toml_refuse(r, "wanted , or ] in an array");
    }
}

/* On failure *out may hold a part, which its owner frees. */
static int read_value(struct toml_reader *r, unsigned depth, struct toml **out)
{
    enum toml_kind kind = TOML_STRING;
    if (depth >= DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, 0, "%s:%u: nested deeper than %u levels", r->name, r->line, DEPTH_MAX);
    bool table = span_take_prefix(&r->rest, SPAN_LIT("{")), array = !table && span_take_prefix(&r->rest, SPAN_LIT("["));
    if (table)
        kind = TOML_TABLE;
    if (array)
        kind = TOML_ARRAY;
    *out = new_value(r, kind);
    if (!*out)
        return -1;
    if (table)
        return read_inline_table(r, depth, *out);
    if (array)
        return read_array(r, depth, *out);
    if (r->rest.len && (r->rest.ptr[0] == '"' || r->rest.ptr[0] == '\''))
        return toml_take_string(r, &(*out)->text);
    return toml_take_plain(r, &(*out)->kind, &(*out)->text);
}

/* ── [header] and [[header]] ── */

/* One step down to the table that a header is about; the last one of an array of tables. */
static int step_header(struct toml_reader *r, struct toml **table, char **key)
{
    struct toml *next = find(*table, *key);
    if (!next)
        next = add_new(r, *table, key, TOML_TABLE);
    else if (next->kind == TOML_ARRAY && !next->closed)
        next = next->items[next->count - 1];
    else if (next->kind != TOML_TABLE || next->closed)
        return twice(r, *key, next);
    *table = next;
    return next ? 0 : -1;
}

static int open_table(struct toml_reader *r, struct toml *parent, char **key, struct toml **out)
{
    struct toml *t = find(parent, *key);
    if (!t)
        t = add_new(r, parent, key, TOML_TABLE);
    else if (t->kind != TOML_TABLE || t->defined || t->dotted || t->closed)
        return twice(r, *key, t);
    if (!t)
        return -1;
    t->defined = true;
    t->line = r->line;
    *out = t;
    return 0;
}

static int open_array_table(struct toml_reader *r, struct toml *parent, char **key, struct toml **out)
{
    struct toml *list = find(parent, *key);
    if (!list)
        list = add_new(r, parent, key, TOML_ARRAY);
    else if (list->kind != TOML_ARRAY || list->closed)
        return twice(r, *key, list);
    struct toml *t = list ? new_value(r, TOML_TABLE) : NULL;
    if (!t)
        return -1;
    t->defined = true;
    add_child(list, NULL, t);
    *out = t;
    return 0;
}

static int read_header(struct toml_reader *r, struct toml *root, struct toml **current)
{
    bool array = span_take_prefix(&r->rest, SPAN_LIT("["));
    struct toml *table = root;
    auto_free char *key = NULL;
    for (unsigned depth = 0;; depth++) {
        if (depth >= DEPTH_MAX)
            return toml_refuse(r, "a header of too many parts");
        toml_skip_blank(r);
        if (toml_take_key(r, &key) < 0)
            return -1;
        toml_skip_blank(r);
        if (!span_take_prefix(&r->rest, SPAN_LIT(".")))
            break;
        if (step_header(r, &table, &key) < 0)
            return -1;
        free(ptr_steal(&key));
    }
    if (!span_take_prefix(&r->rest, array ? SPAN_LIT("]]") : SPAN_LIT("]")))
        return toml_refuse(r, "wanted ] at the end of a header");
    return (array ? open_array_table : open_table)(r, table, &key, current);
}

static int read_document(struct toml_reader *r, struct toml *root)
{
    struct toml *current = root;
    for (;;) {
        if (toml_skip_lines(r) < 0)
            return -1;
        if (r->rest.len == 0)
            return 0;
        bool header = span_take_prefix(&r->rest, SPAN_LIT("["));
        if ((header ? read_header(r, root, &current) : read_pair(r, current, 0)) < 0)
            return -1;
        if (toml_end_line(r) < 0)
            return -1;
    }
}

struct toml *toml_parse(struct span text, const char *name, struct err *e)
{
    struct toml_reader r = {.rest = text, .name = name, .line = 1, .e = e};
    if (text.len > LIMIT_TOML_BYTES) {
        err_set(e, ERR_LIMIT, 0, "%s has %zu bytes; at most %u are read", name, text.len, LIMIT_TOML_BYTES);
        return NULL;
    }
    if (!span_is_utf8(text)) {
        err_set(e, ERR_INPUT, 0, "%s: is not UTF-8 text", name);
        return NULL;
    }
    struct toml *root = new_value(&r, TOML_TABLE);
    if (root && read_document(&r, root) == 0)
        return root;
    toml_free(root);
    return NULL;
}

void toml_free(struct toml *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        if (t->keys)
            free(t->keys[i]);
        toml_free(t->items[i]);
    }
    free(t->keys);
    free(t->items);
    free(t->text);
    free(t);
}

const struct toml *toml_get(const struct toml *table, const char *key, enum toml_kind kind)
{
    const struct toml *found = table && table->kind == TOML_TABLE ? find(table, key) : NULL;
    return found && found->kind == kind ? found : NULL;
}

const char *toml_text(const struct toml *table, const char *key)
{
    const struct toml *found = toml_get(table, key, TOML_STRING);
    return found ? found->text : NULL;
}

bool toml_true(const struct toml *table, const char *key)
{
    const struct toml *found = toml_get(table, key, TOML_BOOL);
    return found && strcmp(found->text, "true") == 0;
}
