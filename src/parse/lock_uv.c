/* uv.lock (version 1): [[package]] with its files, and with what it depends on, each edge with a marker where it has
 * one. Which group a package is for, and on which platforms it is wanted, follows from the ways that lead to it from
 * the project's own packages: their dependencies are the set's group, their dev-dependencies and extras are groups of
 * their own names, and a package may stand in several. Its condition is the union over all ways of the markers on each;
 * a way whose markers contain those of another adds nothing, which also ends the walk in a ring. */
#include "parse/lock_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW_RELOCK  "lock again: uv lock"
#define WAYS_MAX    16U /* more ways with different markers than this: wanted always */
#define MARKERS_MAX 64U /* different markers of one file; the ones beyond count as true */
#define STEPS_MAX   2000000U

struct ways {
    uint64_t masks[WAYS_MAX]; /* each a set of markers that must all hold */
    size_t count;
};

/* A package, with one of its extras or without. */
struct state {
    size_t node;
    const char *extra; /* or NULL */
    struct ways ways;
};

struct node {
    const struct toml *about;
    struct ways ways; /* none: not reached in this walk */
    bool own;         /* of the project itself */
    bool main;        /* in the set's group: not written again for another */
    bool reached;     /* in any walk */
    bool refused;
};

struct step {
    size_t state;
    uint64_t mask;
};

struct uv {
    struct lock_out *o;
    struct err *e;
    struct node *nodes;
    size_t node_count;
    struct state *states;
    size_t state_count;
    struct step *steps;
    size_t step_count, step_room, taken, all_steps;
    const char *markers[MARKERS_MAX];
    size_t marker_count;
    json_t *by_name, *by_state;
    json_t *told;  /* edges that were refused already, by line */
    json_t *walks; /* groups that were walked already */
};

static void uv_fini(struct uv *u)
{
    free(u->nodes);
    free(u->states);
    free(u->steps);
    json_decref(u->by_name);
    json_decref(u->by_state);
    json_decref(u->told);
    json_decref(u->walks);
}

static void *grow(void *items, size_t count, size_t size)
{
    void *more = reallocarray(items, count, size);
    if (!more)
        abort();
    return more;
}

/* ── conditions ── */

/* Adds a way; false when a wider one is known. */
static bool ways_add(struct ways *w, uint64_t mask)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++)
        if ((w->masks[i] & mask) == w->masks[i])
            return false;
    for (size_t i = 0; i < w->count; i++)
        if ((w->masks[i] & mask) != mask)
            w->masks[kept++] = w->masks[i];
    if (kept == WAYS_MAX) {
        mask = 0;
        kept = 0;
    }
    w->masks[kept++] = mask;
    w->count = kept;
    return true;
}

static uint64_t marker_bit(struct uv *u, const char *marker)
{
    for (size_t i = 0; i < u->marker_count; i++)
        if (strcmp(u->markers[i], marker) == 0)
            return 1ULL << i;
    if (u->marker_count == MARKERS_MAX)
        return 0;
    u->markers[u->marker_count] = marker;
    return 1ULL << u->marker_count++;
}

static void write_condition(const struct uv *u, const struct ways *w, struct buf *out)
{
    for (size_t i = 0; i < w->count; i++) {
        const char *between = "";
        buf_add_str(out, i ? " or (" : "(");
        for (size_t k = 0; k < u->marker_count; k++) {
            if (!(w->masks[i] >> k & 1))
                continue;
            buf_printf(out, "%s(%s)", between, u->markers[k]);
            between = " and ";
        }
        buf_add_str(out, ")");
    }
}

/* ── the walk ── */

static size_t state_of(struct uv *u, size_t node, const char *extra)
{
    char key[300];
    snprintf(key, sizeof key, "%zu/%.250s", node, extra ? extra : "");
    json_t *known = json_object_get(u->by_state, key);
    if (known)
        return (size_t)json_integer_value(known);
    u->states = grow(u->states, u->state_count + 1, sizeof *u->states);
    u->states[u->state_count] = (struct state){.node = node, .extra = extra};
    json_object_set_new(u->by_state, key, json_integer((json_int_t)u->state_count));
    return u->state_count++;
}

static void reach(struct uv *u, size_t node, const char *extra, uint64_t mask)
{
    size_t state = state_of(u, node, extra);
    if (!ways_add(&u->states[state].ways, mask))
        return;
    (void)ways_add(&u->nodes[node].ways, mask);
    if (u->step_count == u->step_room) {
        u->step_room = u->step_room ? u->step_room * 2 : 256;
        u->steps = grow(u->steps, u->step_room, sizeof *u->steps);
    }
    u->steps[u->step_count++] = (struct step){state, mask};
}

static void refuse_edge(struct uv *u, const struct toml *edge, const char *how, const char *why)
{
    char line[16];
    const char *name = toml_text(edge, "name");
    snprintf(line, sizeof line, "%u", edge->line);
    if (!json_object_get(u->told, line))
        lock_refuse(u->o, edge->line, span_str(name ? name : ""), how, "%s", why);
    json_object_set_new(u->told, line, json_true());
}

/* Follows one entry of a list of dependencies. */
static void follow_edge(struct uv *u, const struct toml *edge, uint64_t mask)
{
    const char *name = toml_text(edge, "name"), *version = toml_text(edge, "version");
    const char *marker = toml_text(edge, "marker");
    const struct toml *extras = toml_get(edge, "extra", TOML_ARRAY);
    const json_t *found = name ? json_object_get(u->by_name, name) : NULL, *index;
    size_t i;
    if (marker && strstr(marker, "extra =="))
        refuse_edge(u, edge,
                    "write what is wanted with `uv export --extra NAME > requirements.txt`, and collect that as pip:",
                    "which version is taken depends on extras that exclude each other");
    if (marker)
        mask |= marker_bit(u, marker);
    if (!found)
        refuse_edge(u, edge, HOW_RELOCK, "it is needed, and this file does not hold it");
    json_array_foreach(found, i, index)
    {
        size_t node = (size_t)json_integer_value(index);
        const char *its = toml_text(u->nodes[node].about, "version");
        if (version && (!its || strcmp(version, its) != 0))
            continue;
        reach(u, node, NULL, mask);
        for (size_t k = 0; extras && k < extras->count; k++)
            if (extras->items[k]->kind == TOML_STRING)
                reach(u, node, extras->items[k]->text, mask);
    }
}

static void follow_list(struct uv *u, const struct toml *list, uint64_t mask)
{
    for (size_t i = 0; list && i < list->count; i++)
        follow_edge(u, list->items[i], mask);
}

static int walk(struct uv *u)
{
    while (u->taken < u->step_count) {
        if (++u->all_steps > STEPS_MAX)
            return err_set(u->e, ERR_LIMIT, 0, "%s: too many ways lead from package to package", u->o->file);
        struct step s = u->steps[u->taken++];
        const struct state *at = &u->states[s.state];
        const struct toml *about = u->nodes[at->node].about;
        const struct toml *extras = toml_get(about, "optional-dependencies", TOML_TABLE);
        follow_list(u,
                    at->extra ? toml_get(extras, at->extra, TOML_ARRAY) : toml_get(about, "dependencies", TOML_ARRAY),
                    s.mask);
    }
    return 0;
}

/* ── packages ── */

static void add_file(struct lock_python *p, const struct toml *file)
{
    static const char *const places[] = {"filename", "url", "path"};
    const char *place = "";
    for (size_t i = 0; i < ARRAY_LEN(places) && !place[0]; i++)
        place = toml_text(file, places[i]) ? toml_text(file, places[i]) : "";
    lock_python_add(p, place, toml_text(file, "hash"));
    const char *url = toml_text(file, "url");
    p->files[p->count - 1].url = url;
}

static int put_node(struct uv *u, struct node *n, const char *group)
{
    const struct toml *source = toml_get(n->about, "source", TOML_TABLE),
                      *sdist = toml_get(n->about, "sdist", TOML_TABLE);
    const struct toml *wheels = toml_get(n->about, "wheels", TOML_ARRAY);
    const char *name = toml_text(n->about, "name");
    auto_lock_python p = {.text = span_str(name ? name : "[[package]]")};
    auto_buf condition = BUF(65536);
    if (!toml_text(source, "registry")) {
        lock_refuse(u->o, n->about->line, p.text, LOCK_HOW_SOURCE,
                    "it is fetched from a repository, a URL, a file or a folder outside the project");
        n->refused = true;
        if (!u->o->listing)
            return 0;
    }
    for (size_t i = 0; wheels && i < wheels->count; i++)
        add_file(&p, wheels->items[i]);
    if (sdist)
        add_file(&p, sdist);
    bool always = n->ways.count == 0 || n->ways.masks[0] == 0;
    if (!always)
        write_condition(u, &n->ways, &condition);
    if (buf_check(&condition, "the condition of a package", u->e) < 0)
        return err_prefix(u->e, "%s:%u", u->o->file, n->about->line);
    p.item = (struct lock_item){.name = name,
                                .version = toml_text(n->about, "version"),
                                .group = group,
                                .marker = always ? NULL : buf_str(&condition),
                                .line = n->about->line};
    size_t refused = u->o->refused_count;
    int result = lock_python_put(&p, HOW_RELOCK, u->o, u->e);
    n->refused = u->o->refused_count > refused;
    return result;
}

/* The project itself or a member of its workspace: its own source, and nothing to collect. */
static bool is_own(const struct toml *source)
{
    static const char *const kinds[] = {"virtual", "editable", "directory"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *folder = toml_text(source, kinds[i]);
        if (folder) /* and nothing beside it, which uv could take for the source */
            return source->count == 1 && lock_is_inside(folder);
    }
    return false;
}

static void add_nodes(struct uv *u, const struct toml *packages)
{
    u->nodes = grow(u->nodes, packages ? packages->count + 1 : 1, sizeof *u->nodes);
    for (size_t i = 0; packages && i < packages->count; i++) {
        const struct toml *about = packages->items[i], *source = toml_get(about, "source", TOML_TABLE);
        const char *name = toml_text(about, "name");
        bool own = is_own(source);
        u->nodes[u->node_count] = (struct node){.about = about, .own = own};
        if (name && !json_object_get(u->by_name, name))
            json_object_set_new(u->by_name, name, json_array());
        if (name)
            json_array_append_new(json_object_get(u->by_name, name), json_integer((json_int_t)u->node_count));
        u->node_count++;
    }
}

/* ── one walk a group ── */

static void forget_ways(struct uv *u)
{
    u->state_count = u->step_count = u->taken = 0;
    json_object_clear(u->by_state);
    for (size_t i = 0; i < u->node_count; i++)
        u->nodes[i].ways.count = 0;
}

static int put_reached(struct uv *u, const char *group, bool main)
{
    for (size_t i = 0; i < u->node_count; i++) {
        struct node *n = &u->nodes[i];
        if (n->own || n->main || n->refused || n->ways.count == 0)
            continue;
        n->main = main;
        if (put_node(u, n, group) < 0)
            return -1;
    }
    return 0;
}

static int walk_main(struct uv *u)
{
    for (size_t i = 0; i < u->node_count; i++)
        if (u->nodes[i].own)
            reach(u, i, NULL, 0);
    return walk(u) < 0 ? -1 : put_reached(u, u->o->group, true);
}

static int walk_group(struct uv *u, const char *group)
{
    if (json_object_get(u->walks, group))
        return 0;
    json_object_set_new(u->walks, group, json_true());
    forget_ways(u);
    for (size_t i = 0; i < u->node_count; i++) {
        const struct toml *about = u->nodes[i].about;
        if (!u->nodes[i].own)
            continue;
        follow_list(u, toml_get(toml_get(about, "dev-dependencies", TOML_TABLE), group, TOML_ARRAY), 0);
        follow_list(u, toml_get(toml_get(about, "optional-dependencies", TOML_TABLE), group, TOML_ARRAY), 0);
    }
    if (walk(u) < 0)
        return -1;
    for (size_t i = 0; i < u->node_count; i++)
        u->nodes[i].reached |= u->nodes[i].ways.count > 0;
    return put_reached(u, group, false);
}

/* For an inventory all of them count, whoever asks for them. */
static int put_all(struct uv *u)
{
    for (size_t i = 0; i < u->node_count; i++)
        if (!u->nodes[i].own && put_node(u, &u->nodes[i], u->o->group) < 0)
            return -1;
    return 0;
}

static int walk_groups(struct uv *u, const struct toml *table)
{
    for (size_t i = 0; table && i < table->count; i++)
        if (walk_group(u, table->keys[i]) < 0)
            return -1;
    return 0;
}

static int walk_all(struct uv *u)
{
    if (walk_main(u) < 0)
        return -1;
    for (size_t i = 0; i < u->node_count; i++)
        if (u->nodes[i].own && (walk_groups(u, toml_get(u->nodes[i].about, "dev-dependencies", TOML_TABLE)) < 0 ||
                                walk_groups(u, toml_get(u->nodes[i].about, "optional-dependencies", TOML_TABLE)) < 0))
            return -1;
    return 0;
}

/* What no way leads to is taken for the set's group, rather than left out. */
static int put_unreached(struct uv *u)
{
    forget_ways(u);
    for (size_t i = 0; i < u->node_count; i++) {
        struct node *n = &u->nodes[i];
        if (!n->own && !n->main && !n->reached && !n->refused && put_node(u, n, u->o->group) < 0)
            return -1;
    }
    return 0;
}

static void free_toml(struct toml **t)
{
    toml_free(*t);
}

int lock_uv(struct span text, struct lock_out *o, struct err *e)
{
    AUTO(free_toml) struct toml *root = toml_parse(text, o->file, e);
    if (!root)
        return -1;
    const struct toml *version = toml_get(root, "version", TOML_NUMBER);
    if (!version || strcmp(version->text, "1") != 0)
        return err_set(e, ERR_INPUT, 0, "%s: version: wanted 1; is this a uv.lock?", o->file);
    AUTO(uv_fini)
    struct uv u = {.o = o,
                   .e = e,
                   .by_name = json_object(),
                   .by_state = json_object(),
                   .told = json_object(),
                   .walks = json_object()};
    add_nodes(&u, toml_get(root, "package", TOML_ARRAY));
    if (o->listing)
        return put_all(&u);
    return walk_all(&u) < 0 ? -1 : put_unreached(&u);
}
