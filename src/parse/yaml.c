#include "parse/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "util/auto.h"
#include "util/limits.h"
#include "util/words.h"

/* Mappings and sequences inside each other. Our files need 6; a recursion this deep costs some KiB of stack. */
#define DEPTH_MAX 32U

/* Keys of one map: each is compared with all before it. */
#define KEYS_MAX 10000U

/* A key that is nearer than this to a known one is taken for a slip of the fingers. */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one event that was taken and not yet let go */
    bool have_event;
    const char *name;
    size_t nodes;
    struct err *e;
};

static unsigned line_of(yaml_mark_t mark)
{
    return mark.line >= UINT32_MAX ? UINT32_MAX : (unsigned)mark.line + 1;
}

static unsigned here(const struct reader *r)
{
    return line_of(r->event.start_mark);
}

static int refuse(struct reader *r, const char *what)
{
    return err_set(r->e, ERR_INPUT, 0, "%s:%u: %s", r->name, here(r), what);
}

static int next_event(struct reader *r)
{
    if (r->have_event)
        yaml_event_delete(&r->event);
    r->have_event = false;
    if (yaml_parser_parse(&r->parser, &r->event)) {
        r->have_event = true;
        return 0;
    }
    const char *problem = r->parser.problem ? r->parser.problem : "no YAML";
    unsigned line = line_of(r->parser.problem_mark);
    if (r->parser.context)
        return err_set(r->e, ERR_INPUT, 0, "%s:%u: %s, %s", r->name, line, r->parser.context, problem);
    return err_set(r->e, ERR_INPUT, 0, "%s:%u: %s", r->name, line, problem);
}

static int new_node(struct reader *r, enum yaml_kind kind, struct yaml **out)
{
    if (++r->nodes > LIMIT_YAML_NODES)
        return err_set(r->e, ERR_LIMIT, 0, "%s:%u: more than %u values; at most that many are read", r->name, here(r),
                       LIMIT_YAML_NODES);
    struct yaml *y = calloc(1, sizeof(*y));
    if (!y)
        abort();
    y->kind = kind;
    y->line = here(r);
    *out = y;
    return 0;
}

static char *copy_text(const void *bytes, size_t len)
{
    char *text = malloc(len + 1);
    if (!text)
        abort();
    memcpy(text, bytes, len);
    text[len] = '\0';
    return text;
}

static int no_anchor_no_tag(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return refuse(r, "an anchor (&); write the value out at each place");
    if (tag)
        return refuse(r, "a tag (!); values are plain text here");
    return 0;
}

/* Takes the scalar that the event holds. */
static int take_text(struct reader *r, char **text)
{
    const yaml_char_t *value = r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (no_anchor_no_tag(r, r->event.data.scalar.anchor, r->event.data.scalar.tag) < 0)
        return -1;
    if (memchr(value, '\0', len))
        return refuse(r, "a NUL character in a text");
    *text = copy_text(value, len);
    return 0;
}

static void add_item(struct yaml *y, char *key, struct yaml *item)
{
    if ((y->count & (y->count - 1)) == 0) { /* grows at powers of two */
        size_t room = y->count ? y->count * 2 : 1;
        y->items = realloc(y->items, room * sizeof(*y->items));
        if (y->kind == YAML_MAP)
            y->keys = realloc(y->keys, room * sizeof(*y->keys));
        if (!y->items || (y->kind == YAML_MAP && !y->keys))
            abort();
    }
    if (y->kind == YAML_MAP)
        y->keys[y->count] = key;
    y->items[y->count++] = item;
}

static int read_node(struct reader *r, unsigned depth, struct yaml **out);

static int read_scalar(struct reader *r, struct yaml **out)
{
    if (new_node(r, YAML_SCALAR, out) < 0)
        return -1;
    (*out)->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return take_text(r, &(*out)->text);
}

static int read_list(struct reader *r, unsigned depth, struct yaml **out)
{
    if (no_anchor_no_tag(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag) < 0 ||
        new_node(r, YAML_LIST, out) < 0)
        return -1;
    for (;;) {
        if (next_event(r) < 0)
            return -1;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        struct yaml *item = NULL;
        int result = read_node(r, depth, &item);
        if (item)
            add_item(*out, NULL, item);
        if (result < 0)
            return -1;
    }
}

static int take_key(struct reader *r, const struct yaml *map, char **key)
{
    if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return refuse(r, "a key that is no plain word");
    if (map->count >= KEYS_MAX)
        return err_set(r->e, ERR_LIMIT, 0, "%s:%u: more than %u keys in one map", r->name, here(r), KEYS_MAX);
    if (take_text(r, key) < 0)
        return -1;
    if (**key == '\0')
        return refuse(r, "an empty key");
    if (strcmp(*key, "<<") == 0)
        return refuse(r, "a merge key (<<); write the members out");
    if (yaml_get(map, *key))
        return err_set(r->e, ERR_INPUT, 0, "%s:%u: the key \"%.64s\" stands twice; it stood on line %u already",
                       r->name, here(r), *key, yaml_get(map, *key)->line);
    return 0;
}

static int read_map(struct reader *r, unsigned depth, struct yaml **out)
{
    if (no_anchor_no_tag(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag) < 0 ||
        new_node(r, YAML_MAP, out) < 0)
        return -1;
    for (;;) {
        if (next_event(r) < 0)
            return -1;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        auto_free char *key = NULL;
        struct yaml *item = NULL;
        unsigned line = here(r);
        if (take_key(r, *out, &key) < 0 || next_event(r) < 0)
            return -1;
        int result = read_node(r, depth, &item);
        if (item) {
            item->line = line;
            add_item(*out, ptr_steal(&key), item);
        }
        if (result < 0)
            return -1;
    }
}

/* Reads the node that begins with the event in hand. On failure *out may hold a part, which the caller frees. */
static int read_node(struct reader *r, unsigned depth, struct yaml **out)
{
    if (depth >= DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, 0, "%s:%u: nested deeper than %u levels", r->name, here(r), DEPTH_MAX);
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, out);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, depth + 1, out);
    case YAML_MAPPING_START_EVENT:
        return read_map(r, depth + 1, out);
    case YAML_ALIAS_EVENT:
        return refuse(r, "an alias (*); write the value out at each place");
    default:
        return refuse(r, "a value was expected here");
    }
}

static int expect(struct reader *r, yaml_event_type_t type, const char *otherwise)
{
    if (next_event(r) < 0)
        return -1;
    return r->event.type == type ? 0 : refuse(r, otherwise);
}

static int read_document(struct reader *r, struct yaml **out)
{
    if (expect(r, YAML_STREAM_START_EVENT, "no YAML stream") < 0 || next_event(r) < 0)
        return -1;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return new_node(r, YAML_MAP, out);
    if (r->event.data.document_start.version_directive ||
        r->event.data.document_start.tag_directives.start != r->event.data.document_start.tag_directives.end)
        return refuse(r, "a directive (%); none is known here");
    if (next_event(r) < 0 || read_node(r, 0, out) < 0)
        return -1;
    if ((*out)->kind == YAML_SCALAR && !(*out)->quoted && (*out)->text[0] == '\0')
        (*out)->kind = YAML_MAP; /* "---" and nothing more */
    if (expect(r, YAML_DOCUMENT_END_EVENT, "one value only is expected in a document") < 0)
        return -1;
    return expect(r, YAML_STREAM_END_EVENT, "a second document; one is read");
}

struct yaml *yaml_parse(struct span text, const char *name, struct err *e)
{
    if (text.len > LIMIT_YAML_BYTES) {
        err_set(e, ERR_LIMIT, 0, "%s has %zu bytes; at most %u are read", name, text.len, LIMIT_YAML_BYTES);
        return NULL;
    }
    if (!span_is_utf8(text)) {
        err_set(e, ERR_INPUT, 0, "%s: is not UTF-8 text", name);
        return NULL;
    }
    struct reader r = {.name = name, .e = e};
    struct yaml *root = NULL;
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING); /* no guessing at UTF-16 */
    yaml_parser_set_input_string(&r.parser, text.len ? text.ptr : (const uint8_t *)"", text.len);
    int result = read_document(&r, &root);
    if (r.have_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (result < 0) {
        yaml_free(root);
        return NULL;
    }
    return root;
}

void yaml_free(struct yaml *y)
{
    if (!y)
        return;
    for (size_t i = 0; i < y->count; i++) {
        if (y->keys)
            free(y->keys[i]);
        yaml_free(y->items[i]);
    }
    free(y->keys);
    free(y->items);
    free(y->text);
    free(y);
}

/* ── getters ── */

static const char *kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {[YAML_SCALAR] = "a text", [YAML_MAP] = "a map", [YAML_LIST] = "a list"};
    return names[kind];
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i], key) == 0)
            return map->items[i];
    return NULL;
}

static int wrong_kind(const struct yaml *found, const char *key, enum yaml_kind wanted, const char *name, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s:%u: \"%s\" is %s; wanted %s", name, found->line, key, kind_name(found->kind),
                   kind_name(wanted));
}

const struct yaml *yaml_need(const struct yaml *map, const char *key, enum yaml_kind kind, const char *name,
                             struct err *e)
{
    const struct yaml *found = yaml_get(map, key);
    if (map->kind != YAML_MAP) {
        err_set(e, ERR_INPUT, 0, "%s:%u: %s; wanted a map with the key \"%s\"", name, map->line, kind_name(map->kind),
                key);
    } else if (!found) {
        err_set(e, ERR_INPUT, 0, "%s:%u: the key \"%s\" is missing; wanted %s", name, map->line, key, kind_name(kind));
    } else if (found->kind != kind) {
        wrong_kind(found, key, kind, name, e);
    } else {
        return found;
    }
    return NULL;
}

const char *yaml_need_text(const struct yaml *map, const char *key, const char *name, struct err *e)
{
    const struct yaml *found = yaml_need(map, key, YAML_SCALAR, name, e);
    if (found && found->text[0] != '\0')
        return found->text;
    if (found)
        err_set(e, ERR_INPUT, 0, "%s:%u: \"%s\" is empty; wanted a text", name, found->line, key);
    return NULL;
}

/* 1: there, as a scalar; 0: absent; -1: something else. */
static int optional_scalar(const struct yaml *map, const char *key, const struct yaml **out, const char *name,
                           struct err *e)
{
    *out = yaml_get(map, key);
    if (!*out)
        return 0;
    return (*out)->kind == YAML_SCALAR ? 1 : wrong_kind(*out, key, YAML_SCALAR, name, e);
}

int yaml_text_or(const struct yaml *map, const char *key, const char *fallback, const char **out, const char *name,
                 struct err *e)
{
    const struct yaml *found;
    int there = optional_scalar(map, key, &found, name, e);
    if (there < 0)
        return -1;
    *out = there ? found->text : fallback;
    return 0;
}

int yaml_uint_or(const struct yaml *map, const char *key, uint64_t fallback, uint64_t *out, const char *name,
                 struct err *e)
{
    const struct yaml *found;
    int there = optional_scalar(map, key, &found, name, e);
    *out = fallback;
    if (there <= 0)
        return there;
    if (!found->quoted && span_decimal(span_str(found->text), out))
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s:%u: \"%s\" is \"%.64s\"; wanted a whole number, not negative", name,
                   found->line, key, found->text);
}

int yaml_bool_or(const struct yaml *map, const char *key, bool fallback, bool *out, const char *name, struct err *e)
{
    const struct yaml *found;
    int there = optional_scalar(map, key, &found, name, e);
    *out = fallback;
    if (there <= 0)
        return there;
    bool yes = strcmp(found->text, "true") == 0;
    if (found->quoted || (!yes && strcmp(found->text, "false") != 0))
        return err_set(e, ERR_INPUT, 0, "%s:%u: \"%s\" is \"%.64s\"; wanted true or false", name, found->line, key,
                       found->text);
    *out = yes;
    return 0;
}

/* ── sizes and durations ── */

struct unit {
    char letter;
    uint64_t factor;
};

/* A decimal number, then one letter of `units`, or none if the list holds the letter NUL. */
static bool number_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
    struct span digits = span_str(text);
    char letter = '\0';
    uint64_t value;
    if (digits.len > 0 && (digits.ptr[digits.len - 1] < '0' || digits.ptr[digits.len - 1] > '9'))
        letter = (char)digits.ptr[--digits.len];
    if (!span_decimal(digits, &value))
        return false;
    for (size_t i = 0; i < count; i++)
        if (units[i].letter == letter)
            return !__builtin_mul_overflow(value, units[i].factor, out);
    return false;
}

bool yaml_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {'\0', 1}, {'K', 1ULL << 10}, {'M', 1ULL << 20}, {'G', 1ULL << 30}, {'T', 1ULL << 40},
    };
    return number_with_unit(text, units, ARRAY_LEN(units), bytes);
}

bool yaml_duration(const char *text, uint64_t *seconds)
{
    static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    return number_with_unit(text, units, ARRAY_LEN(units), seconds);
}

/* ── unknown keys ── */

static const char *nearest(const char *key, const char *const keys[])
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; keys[i]; i++)
        if (word_nearer(key, keys[i], &least))
            best = keys[i];
    return best;
}

static bool is_known(const char *key, const char *const keys[])
{
    for (size_t i = 0; keys[i]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

int yaml_only_keys(const struct yaml *map, const char *const keys[], const char *name, struct err *e)
{
    if (map->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s:%u: %s; wanted a map", name, map->line, kind_name(map->kind));
    for (size_t i = 0; i < map->count; i++) {
        if (is_known(map->keys[i], keys))
            continue;
        const char *meant = nearest(map->keys[i], keys);
        return err_set(e, ERR_INPUT, 0, "%s:%u: unknown key \"%.64s\"%s%s%s", name, map->items[i]->line, map->keys[i],
                       meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
    }
    return 0;
}
