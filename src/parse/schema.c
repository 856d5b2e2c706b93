#include "parse/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse/schema_text.h"
#include "util/auto.h"

/* Problems of one form of a value that are kept until it is known which form speaks. */
#define FORM_PROBLEMS_MAX 8U

struct run {
    struct patterns patterns;
    uint64_t steps;
};

/* What is asked of one value. */
struct look {
    struct run *run;
    const json_t *value;
    const struct place *at;
    struct problems *out;
};

static bool check(struct run *run, uint32_t node, const json_t *value, const struct place *at, struct problems *out);

static const char *string_at(uint32_t offset)
{
    return SCHEMA_STRINGS + offset;
}

static const char *name_at(const struct schema_keyword *k, size_t i)
{
    return string_at(SCHEMA_NAMES[k->first + i]);
}

/* ── types ── */

static unsigned type_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return SCHEMA_OBJECT;
    case JSON_ARRAY:
        return SCHEMA_ARRAY;
    case JSON_STRING:
        return SCHEMA_STRING;
    case JSON_INTEGER:
        return SCHEMA_NUMBER | SCHEMA_INTEGER;
    case JSON_REAL: /* 1.0 is an integer (draft-06 and later) */
        return SCHEMA_NUMBER | (trunc(json_real_value(v)) == json_real_value(v) ? SCHEMA_INTEGER : 0U);
    case JSON_TRUE:
    case JSON_FALSE:
        return SCHEMA_BOOLEAN;
    case JSON_NULL:
        break;
    }
    return SCHEMA_NULL;
}

/* "an object or a string" */
static void put_types(struct buf *out, unsigned types)
{
    static const struct {
        unsigned type;
        const char *name;
    } names[] = {{SCHEMA_OBJECT, "an object"}, {SCHEMA_ARRAY, "an array"},     {SCHEMA_STRING, "a string"},
                 {SCHEMA_NUMBER, "a number"},  {SCHEMA_INTEGER, "an integer"}, {SCHEMA_BOOLEAN, "true or false"},
                 {SCHEMA_NULL, "null"}};
    if ((types & SCHEMA_NUMBER) && (types & SCHEMA_INTEGER))
        types &= ~(unsigned)SCHEMA_NUMBER; /* an integer is a number, too */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (types & names[i].type)
            buf_printf(out, "%s%s", out->len ? " or " : "", names[i].name);
}

static bool check_type(struct look *l, const struct schema_keyword *k)
{
    auto_buf wanted = BUF(256), found = BUF(256);
    if (type_of(l->value) & k->first)
        return true;
    put_types(&wanted, k->first);
    put_types(&found, type_of(l->value));
    return problem_add(l->out, l->at, "type", "wanted %s, found %s", buf_str(&wanted), buf_str(&found));
}

/* ── texts ── */

/* How many names a message lists. */
#define LISTED_MAX 24U

static void put_names(struct buf *out, const struct schema_keyword *k)
{
    for (size_t i = 0; i < k->count && i < LISTED_MAX; i++)
        buf_printf(out, "%s%s", i ? ", " : "", name_at(k, i));
}

static bool check_enum(struct look *l, const struct schema_keyword *k)
{
    const char *text = json_string_value(l->value);
    size_t low = 0, high = k->count;
    auto_buf names = BUF(4096);
    while (text && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(text, name_at(k, middle));
        if (order == 0)
            return true;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    put_names(&names, k);
    if (!text)
        return problem_add(l->out, l->at, "enum", "wanted one of %s", buf_str(&names));
    if (k->count == 1)
        return problem_add(l->out, l->at, "enum", "\"%.80s\"; wanted \"%s\"", text, buf_str(&names));
    if (k->count > LISTED_MAX)
        return problem_add(l->out, l->at, "enum", "\"%.80s\" is none of the %u values that may stand here", text,
                           k->count);
    return problem_add(l->out, l->at, "enum", "\"%.80s\" is none of %s", text, buf_str(&names));
}

static size_t characters(const json_t *text)
{
    struct span rest = span_of(json_string_value(text), json_string_length(text));
    size_t count = 0;
    for (size_t i = 0; i < rest.len; i++)
        count += (rest.ptr[i] & 0xc0) != 0x80;
    return count;
}

static bool check_length(struct look *l, const struct schema_keyword *k)
{
    if (!json_is_string(l->value))
        return true;
    size_t length = characters(l->value);
    if (k->kind == SCHEMA_MIN_LENGTH && length < k->first)
        return problem_add(l->out, l->at, "minLength", "%zu characters; wanted at least %u", length, k->first);
    if (k->kind == SCHEMA_MAX_LENGTH && length > k->first)
        return problem_add(l->out, l->at, "maxLength", "%zu characters; wanted at most %u", length, k->first);
    return true;
}

static bool check_pattern(struct look *l, const struct schema_keyword *k)
{
    const char *text = json_string_value(l->value);
    if (!text || pattern_matches(&l->run->patterns, k->first, span_of(text, json_string_length(l->value))))
        return true;
    return problem_add(l->out, l->at, "pattern", "\"%.80s\" does not match %s", text, string_at(k->count));
}

static bool check_format(struct look *l, const struct schema_keyword *k)
{
    const char *text = json_string_value(l->value);
    enum schema_format format = (enum schema_format)k->first;
    if (!text || format_holds(format, span_of(text, json_string_length(l->value))))
        return true;
    return problem_add(l->out, l->at, "format", "\"%.80s\" is no %s", text, format_name(format));
}

/* ── numbers ── */

static bool check_number(struct look *l, const struct schema_keyword *k)
{
    if (!json_is_number(l->value))
        return true;
    double number = json_number_value(l->value);
    if (k->kind == SCHEMA_MINIMUM && number < k->first)
        return problem_add(l->out, l->at, "minimum", "%g; wanted at least %u", number, k->first);
    if (k->kind == SCHEMA_MAXIMUM && number > k->first)
        return problem_add(l->out, l->at, "maximum", "%g; wanted at most %u", number, k->first);
    return true;
}

/* ── objects ── */

static bool check_required(struct look *l, const struct schema_keyword *k)
{
    bool fine = true;
    for (size_t i = 0; json_is_object(l->value) && i < k->count; i++)
        if (!json_object_get(l->value, name_at(k, i)))
            fine = problem_add(l->out, l->at, "required", "the member \"%s\" is missing", name_at(k, i));
    return fine;
}

/* The schema of a member that the keyword "properties" names, or -1. */
static int64_t property_of(const struct schema_keyword *k, const char *key)
{
    size_t low = 0, high = k ? k->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct schema_property *row = &SCHEMA_PROPERTY_ROWS[k->first + middle];
        int order = strcmp(key, string_at(row->name));
        if (order == 0)
            return row->node;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static bool check_members(struct look *l, const struct schema_keyword *properties, const struct schema_keyword *others)
{
    const char *key;
    json_t *member;
    bool fine = true;
    json_object_foreach((json_t *)(uintptr_t)l->value, key, member)
    {
        struct place at = {.up = l->at, .key = key};
        int64_t node = property_of(properties, key);
        if (node < 0 && !others)
            continue;
        if (node < 0 && others->first == SCHEMA_NODE_NEVER)
            fine = problem_add(l->out, &at, "additionalProperties", "a member of this name may not stand here");
        else
            fine &= check(l->run, node < 0 ? others->first : (uint32_t)node, member, &at, l->out);
    }
    return fine;
}

/* ── arrays ── */

static bool check_count(struct look *l, const struct schema_keyword *k)
{
    size_t count = json_array_size(l->value);
    if (!json_is_array(l->value))
        return true;
    if (k->kind == SCHEMA_MIN_ITEMS && count < k->first)
        return problem_add(l->out, l->at, "minItems", "%zu items; wanted at least %u", count, k->first);
    if (k->kind == SCHEMA_MAX_ITEMS && count > k->first)
        return problem_add(l->out, l->at, "maxItems", "%zu items; wanted at most %u", count, k->first);
    return true;
}

static bool check_items(struct look *l, const struct schema_keyword *k)
{
    const json_t *item;
    size_t i;
    bool fine = true;
    json_array_foreach((json_t *)(uintptr_t)l->value, i, item)
    {
        struct place at = {.up = l->at, .index = i};
        fine &= check(l->run, k->first, item, &at, l->out);
    }
    return fine;
}

/* items as a list, and additionalItems for what stands behind it. */
static bool check_tuple(struct look *l, const struct schema_keyword *k, const struct schema_keyword *others)
{
    const json_t *item;
    size_t i;
    bool fine = true;
    json_array_foreach((json_t *)(uintptr_t)l->value, i, item)
    {
        struct place at = {.up = l->at, .index = i};
        if (i < k->count)
            fine &= check(l->run, SCHEMA_LISTS[k->first + i], item, &at, l->out);
        else if (others && others->first == SCHEMA_NODE_NEVER)
            fine = problem_add(l->out, &at, "additionalItems", "at most %u may stand here", k->count);
        else if (others)
            fine &= check(l->run, others->first, item, &at, l->out);
    }
    return fine;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15ULL;
    return h ^ (h >> 29);
}

/* Equal values have equal hashes: members in any order, 1 and 1.0 alike. */
static uint64_t hash_of(struct run *run, const json_t *v)
{
    uint64_t h = 0x51ed270b9f0d5a1dULL;
    const char *key;
    json_t *member;
    size_t i;
    run->steps++;
    if (json_is_number(v)) {
        double number = json_number_value(v);
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        return mix(h, bits);
    }
    h = mix(h, (uint64_t)json_typeof(v) + 1);
    if (json_is_string(v))
        for (i = 0; i < json_string_length(v); i++)
            h = mix(h, (uint8_t)json_string_value(v)[i]);
    json_array_foreach((json_t *)(uintptr_t)v, i, member) h = mix(h, hash_of(run, member));
    if (json_is_object(v)) {
        uint64_t sum = 0;
        json_object_foreach((json_t *)(uintptr_t)v, key, member)
        {
            uint64_t one = hash_of(run, member);
            for (const char *c = key; *c; c++)
                one = mix(one, (uint8_t)*c);
            sum += one;
        }
        h = mix(h, sum);
    }
    return h;
}

struct hashed {
    uint64_t hash;
    size_t index;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Items with one hash are compared with each other; who makes many that collide runs out of steps. */
static bool check_unique(struct look *l)
{
    size_t count = json_array_size(l->value);
    bool fine = true;
    if (count < 2)
        return true;
    auto_free struct hashed *items = calloc(count, sizeof *items);
    if (!items)
        abort();
    for (size_t i = 0; i < count; i++)
        items[i] = (struct hashed){.hash = hash_of(l->run, json_array_get(l->value, i)), .index = i};
    qsort(items, count, sizeof *items, by_hash);
    for (size_t i = 1; i < count; i++) {
        for (size_t k = i; k > 0 && items[k - 1].hash == items[i].hash && l->run->steps <= LIMIT_SCHEMA_STEPS; k--) {
            l->run->steps += 100;
            if (!json_equal(json_array_get(l->value, items[k - 1].index), json_array_get(l->value, items[i].index)))
                continue;
            struct place at = {.up = l->at, .index = items[i].index};
            fine = problem_add(l->out, &at, "uniqueItems", "the same as item %zu", items[k - 1].index);
            break;
        }
    }
    return fine;
}

/* ── forms ── */

/* The n-th form in few words: "with \"id\"", "form 2". */
static void put_form(struct buf *out, uint32_t node, size_t n)
{
    const struct schema_node *form = &SCHEMA_NODES[node];
    buf_add_str(out, out->len ? ", " : "");
    for (size_t i = 0; i < form->count; i++) {
        const struct schema_keyword *k = &SCHEMA_KEYWORDS[form->first + i];
        if (k->kind == SCHEMA_REQUIRED) {
            buf_printf(out, "with \"%s\"", name_at(k, 0));
            return;
        }
    }
    buf_printf(out, "form %zu", n + 1);
}

/* How badly a form fits: first whether the value is of another type at all, then a named value that is another one,
 * then how many problems there are. */
static size_t misfit(const struct problems *p, size_t depth)
{
    size_t score = p->count < 1000 ? p->count : 1000;
    for (size_t i = 0; i < p->kept; i++) {
        bool here = p->list[i].depth == depth;
        if (here && strcmp(p->list[i].rule, "type") == 0)
            score += 1000000;
        else if (p->list[i].depth <= depth + 1 && strcmp(p->list[i].rule, "enum") == 0)
            score += 10000;
        else if (p->list[i].depth <= depth + 1)
            score += 100;
    }
    return score;
}

/* True when each form asks only for members that are not there: then all of them are named at once. */
static bool only_members(const struct schema_keyword *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct schema_node *n = &SCHEMA_NODES[SCHEMA_LISTS[k->first + i]];
        if (n->count != 1 || SCHEMA_KEYWORDS[n->first].kind != SCHEMA_REQUIRED)
            return false;
    }
    return true;
}

static bool none_fits(struct look *l, const struct schema_keyword *k, struct problems *best)
{
    auto_buf forms = BUF(4096);
    if (!only_members(k)) {
        problems_move(l->out, best);
        return false;
    }
    for (size_t i = 0; i < k->count; i++) {
        const struct schema_node *n = &SCHEMA_NODES[SCHEMA_LISTS[k->first + i]];
        const struct schema_keyword *required = &SCHEMA_KEYWORDS[n->first];
        buf_printf(&forms, "%s\"%s\"", i ? " or " : "", name_at(required, 0));
    }
    return problem_add(l->out, l->at, "required", "one of the members %s is missing", buf_str(&forms));
}

static bool check_forms(struct look *l, const struct schema_keyword *k)
{
    auto_problems best = {.max = FORM_PROBLEMS_MAX};
    size_t fitting = 0, least = SIZE_MAX;
    auto_buf fits = BUF(4096);
    for (size_t i = 0; i < k->count; i++) {
        auto_problems p = {.max = FORM_PROBLEMS_MAX};
        uint32_t node = SCHEMA_LISTS[k->first + i];
        if (check(l->run, node, l->value, l->at, &p)) {
            if (k->kind == SCHEMA_ANY_OF)
                return true;
            put_form(&fits, node, i);
            fitting++;
            continue;
        }
        size_t score = misfit(&p, place_depth(l->at));
        if (score >= least)
            continue;
        least = score;
        problems_fini(&best);
        problems_move(&best, &p);
    }
    if (fitting == 0)
        return none_fits(l, k, &best);
    if (fitting > 1)
        return problem_add(l->out, l->at, "oneOf", "%zu forms fit (%s); wanted exactly one", fitting, buf_str(&fits));
    return true;
}

static bool check_all(struct look *l, const struct schema_keyword *k)
{
    bool fine = true;
    for (size_t i = 0; i < k->count; i++)
        fine &= check(l->run, SCHEMA_LISTS[k->first + i], l->value, l->at, l->out);
    return fine;
}

static bool check_if(struct look *l, const struct schema_keyword *k)
{
    auto_problems unheard = {.max = 0};
    return !check(l->run, k->first, l->value, l->at, &unheard) || check(l->run, k->count, l->value, l->at, l->out);
}

/* ── a node ── */

static const struct schema_keyword *keyword(const struct schema_node *n, enum schema_keyword_kind kind)
{
    for (size_t i = 0; i < n->count; i++)
        if (SCHEMA_KEYWORDS[n->first + i].kind == kind)
            return &SCHEMA_KEYWORDS[n->first + i];
    return NULL;
}

static bool check_keyword(struct look *l, const struct schema_node *n, const struct schema_keyword *k)
{
    switch ((enum schema_keyword_kind)k->kind) {
    case SCHEMA_NEVER:
        return problem_add(l->out, l->at, "false", "nothing may stand here");
    case SCHEMA_TYPE:
        return check_type(l, k);
    case SCHEMA_ENUM:
        return check_enum(l, k);
    case SCHEMA_MINIMUM:
    case SCHEMA_MAXIMUM:
        return check_number(l, k);
    case SCHEMA_MIN_LENGTH:
    case SCHEMA_MAX_LENGTH:
        return check_length(l, k);
    case SCHEMA_MIN_ITEMS:
    case SCHEMA_MAX_ITEMS:
        return check_count(l, k);
    case SCHEMA_PATTERN:
        return check_pattern(l, k);
    case SCHEMA_FORMAT:
        return check_format(l, k);
    case SCHEMA_REQUIRED:
        return check_required(l, k);
    case SCHEMA_PROPERTIES:
        return check_members(l, k, keyword(n, SCHEMA_ADDITIONAL_PROPERTIES));
    case SCHEMA_ADDITIONAL_PROPERTIES: /* with "properties" if there are any */
        return keyword(n, SCHEMA_PROPERTIES) || check_members(l, NULL, k);
    case SCHEMA_TUPLE:
        return check_tuple(l, k, keyword(n, SCHEMA_ADDITIONAL_ITEMS));
    case SCHEMA_ADDITIONAL_ITEMS: /* with the tuple */
        return true;
    case SCHEMA_ITEMS:
        return check_items(l, k);
    case SCHEMA_UNIQUE_ITEMS:
        return check_unique(l);
    case SCHEMA_ONE_OF:
    case SCHEMA_ANY_OF:
        return check_forms(l, k);
    case SCHEMA_ALL_OF:
        return check_all(l, k);
    case SCHEMA_IF:
        return check_if(l, k);
    }
    return false;
}

/* A value of another type than wanted has that one problem: what else it breaks follows from it. */
static bool check(struct run *run, uint32_t node, const json_t *value, const struct place *at, struct problems *out)
{
    const struct schema_node *n = &SCHEMA_NODES[node];
    struct look l = {.run = run, .value = value, .at = at, .out = out};
    bool fine = true;
    run->steps += n->count;
    if (run->steps > LIMIT_SCHEMA_STEPS)
        return false;
    for (size_t i = 0; i < n->count; i++) {
        const struct schema_keyword *k = &SCHEMA_KEYWORDS[n->first + i];
        fine &= check_keyword(&l, n, k);
        if (!fine && k->kind == SCHEMA_TYPE)
            break;
    }
    return fine;
}

bool schema_check_document(enum schema_root root, const json_t *document, struct problems *out)
{
    struct run run = {0};
    struct place at = {0};
    bool fine = check(&run, SCHEMA_ROOTS[root], document, &at, out);
    patterns_fini(&run.patterns);
    if (run.steps > LIMIT_SCHEMA_STEPS)
        return problem_add(out, &at, "limit", "checking takes more than %llu steps: not checked to the end",
                           LIMIT_SCHEMA_STEPS);
    return fine;
}
