#include "collect/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/needs.h"

bool groups_has(const char *const groups[], const char *group)
{
    for (size_t i = 0; groups[i]; i++)
        if (strcmp(groups[i], group) == 0)
            return true;
    return false;
}

/* ── where a lock pins it ── */

static bool means(const struct lock_package *l, const struct package *p)
{
    const char *sha512 = json_get_string(p->hashes, "sha512", "");
    if (strcmp(l->name, p->name) != 0 || strcmp(l->ecosystem, p->ecosystem) != 0)
        return false;
    if (l->hash_count)
        return lock_allows(l, "sha256", digest_hex(&p->digest).text) || lock_allows(l, "sha512", sha512);
    return strcmp(l->version, p->version) == 0;
}

static const struct lock_package *pin_of(const struct package *p, const struct lock *locks, size_t count)
{
    const struct lock_package *found = NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < locks[i].count; k++) {
            const struct lock_package *l = &locks[i].packages[k];
            if (!means(l, p))
                continue;
            if (strcmp(l->group, p->group) == 0)
                return l;
            found = found ? found : l;
        }
    return found;
}

void groups_pin(struct packages *p, const struct lock *locks, size_t count)
{
    for (size_t i = 0; i < p->count; i++) {
        struct package *item = &p->items[i];
        const struct lock_package *l = pin_of(item, locks, count);
        char *source = NULL;
        if (!l)
            continue;
        if (asprintf(&source, "%s:%u%s%s", l->file, l->line, item->source ? " " : "",
                     item->source ? item->source : "") < 0)
            abort();
        free(item->source);
        item->source = source;
    }
}

void groups_place(const struct package *p, char *out, size_t size)
{
    const char *source = p->source ? p->source : "";
    snprintf(out, size, "%.*s", (int)strcspn(source, " "), source);
}

/* ── conflicts ── */

struct search {
    const struct packages *all;
    json_t *here, *elsewhere; /* "pypi/name": the number of a package that travels, or does not */
    int (*each)(void *arg, const struct group_conflict *c);
    void *arg;
    const struct package *asks;
    /* the need at hand: its alternatives come one after the other */
    unsigned number;
    bool open, filled;
    const struct package *pinned;
    char name[300];
};

static void search_fini(struct search *s)
{
    json_decref(s->here);
    json_decref(s->elsewhere);
}

struct naming {
    json_t *map;
    const struct package *p;
    size_t index;
};

static void key_of(const struct package *p, const char *name, char key[512])
{
    snprintf(key, 512, "%s/%s", p->ecosystem, name);
}

static int note_name(void *arg, const char *name)
{
    struct naming *n = arg;
    char key[512];
    key_of(n->p, name, key);
    if (!json_object_get(n->map, key))
        json_object_set_new(n->map, key, json_integer((json_int_t)n->index));
    return 0;
}

static void note_all(struct search *s, const char *const groups[])
{
    for (size_t i = 0; i < s->all->count; i++) {
        const struct package *p = &s->all->items[i];
        struct naming n = {groups_has(groups, p->group) ? s->here : s->elsewhere, p, i};
        (void)names_each(p, note_name, &n);
    }
}

/* All alternatives of a need were seen: none travels, and one is pinned elsewhere. */
static int close_need(struct search *s)
{
    const struct group_conflict c = {s->asks, s->name, s->pinned};
    bool conflict = s->open && !s->filled && s->pinned;
    s->open = s->filled = false;
    s->pinned = NULL;
    return conflict ? s->each(s->arg, &c) : 0;
}

static int note_need(void *arg, const struct need *n)
{
    struct search *s = arg;
    char key[512];
    int result = s->open && n->number != s->number ? close_need(s) : 0;
    if (result || !n->sure)
        return result;
    s->open = true;
    s->number = n->number;
    key_of(s->asks, n->name, key);
    const json_t *pinned = json_object_get(s->elsewhere, key);
    s->filled = s->filled || json_object_get(s->here, key);
    if (pinned && !s->pinned) {
        s->pinned = &s->all->items[json_integer_value(pinned)];
        snprintf(s->name, sizeof s->name, "%s", n->name);
    }
    return 0;
}

int groups_conflicts(const struct blobs *b, struct child *parser, const struct packages *all,
                     const char *const groups[], int (*each)(void *arg, const struct group_conflict *c), void *arg,
                     struct err *e)
{
    AUTO(search_fini)
    struct search s = {.all = all, .here = json_object(), .elsewhere = json_object(), .each = each, .arg = arg};
    note_all(&s, groups);
    if (json_object_size(s.elsewhere) == 0)
        return 0;
    for (size_t i = 0; i < all->count; i++) {
        s.asks = &all->items[i];
        if (!groups_has(groups, s.asks->group))
            continue;
        int result = needs_each(b, parser, s.asks, note_need, &s, e);
        if (result == 0)
            result = close_need(&s);
        if (result)
            return result;
    }
    return 0;
}

void group_conflict_say(const struct group_conflict *c, char *out, size_t size)
{
    char asked[300], pinned[300];
    groups_place(c->asks, asked, sizeof asked);
    groups_place(c->pinned, pinned, sizeof pinned);
    snprintf(out, size, "%.100s %.60s (%.200s) needs %.100s, which only the group %.40s pins (%.200s)", c->asks->name,
             c->asks->version, asked[0] ? asked : "made in house", c->needs, c->pinned->group,
             pinned[0] ? pinned : c->pinned->filename);
}

struct first {
    size_t count;
    char text[ERR_MSG_MAX - 200];
};

static int keep_first(void *arg, const struct group_conflict *c)
{
    struct first *f = arg;
    if (f->count++ == 0)
        group_conflict_say(c, f->text, sizeof f->text);
    return 0;
}

int groups_check(const struct blobs *b, struct child *parser, const struct packages *all, const char *const groups[],
                 struct err *e)
{
    struct first f = {0};
    if (groups_conflicts(b, parser, all, groups, keep_first, &f, e) < 0)
        return -1;
    if (f.count == 0)
        return 0;
    err_set(e, ERR_INPUT, 0, "%s", f.text);
    err_hint(e, "Pin it in the lock of a group that travels, and collect again");
    if (f.count > 1)
        err_hint(e, "%zu more of this kind", f.count - 1);
    return -1;
}
