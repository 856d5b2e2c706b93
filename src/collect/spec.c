#include "collect/spec.h"

#include <stdlib.h>
#include <string.h>

#include "collect/spec_words.h"
#include "ship/release.h"

#define ARCHIVES_MAX 16U
#define SETS_MAX     64U
#define WORDS_MAX    32U

#define LIMIT_BYTES_DEFAULT (20ULL << 30)
#define LIMIT_S_DEFAULT     (2ULL * 3600)
#define IDLE_S_DEFAULT      60ULL

static void *own(struct collect_spec *s, size_t count, size_t size)
{
    void *list = calloc(count + 1, size);
    void **lists = realloc(s->lists, (s->list_count + 1) * sizeof *lists);
    if (!list || !lists)
        abort();
    lists[s->list_count++] = list;
    s->lists = lists;
    return list;
}

static int wrong(const char *name, unsigned line, const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted %s", name, line, key, wanted);
}

/* Words that go into command lines and files of clients: what begins with a dash would be an option there. */
static bool word_ok(const char *text)
{
    struct span s = span_str(text);
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || strchr("'\"\\[]", s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 1024 && text[0] != '-';
}

static int take_word(const struct yaml *map, const char *key, bool needed, const char **out, const char *name,
                     struct err *e)
{
    if (needed ? !(*out = yaml_need_text(map, key, name, e)) : yaml_text_or(map, key, NULL, out, name, e) < 0)
        return -1;
    if (*out && !word_ok(*out))
        return wrong(name, yaml_get(map, key)->line, key, "one word", e);
    return 0;
}

static int take_file(const struct yaml *map, const char *key, bool needed, const char **out, const char *name,
                     struct err *e)
{
    return needed ? ((*out = yaml_need_text(map, key, name, e)) ? 0 : -1) : yaml_text_or(map, key, NULL, out, name, e);
}

static int take_words(struct collect_spec *s, const struct yaml *map, const char *key, const char ***out, size_t *count,
                      const char *name, struct err *e)
{
    const struct yaml *list = yaml_get(map, key);
    *count = 0;
    *out = own(s, list ? list->count : 0, sizeof **out);
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count == 0 || list->count > WORDS_MAX)
        return wrong(name, list->line, key, "a list of 1 to 32 words", e);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind != YAML_SCALAR || !word_ok(list->items[i]->text))
            return wrong(name, list->items[i]->line, key, "words", e);
        (*out)[(*count)++] = list->items[i]->text;
    }
    return 0;
}

static int check_url(const char *text, unsigned line, const char *key, bool folder, const char *name, struct err *e)
{
    struct url u;
    if (url_read(text, &u, e) < 0)
        return err_prefix(e, "%s:%u: %s", name, line, key);
    if (folder && text[strlen(text) - 1] != '/')
        return wrong(name, line, key, "a slash at the end, as the simple API has it", e);
    return 0;
}

static int take_pypi(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"index", "files", "token-file", NULL};
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "index", true, &s->pypi.index, name, e) < 0 ||
        check_url(s->pypi.index, yaml_get(map, "index")->line, "index", true, name, e) < 0 ||
        take_words(s, map, "files", &s->pypi.files, &s->pypi.file_count, name, e) < 0)
        return -1;
    for (size_t i = 0; i < s->pypi.file_count; i++)
        if (check_url(s->pypi.files[i], yaml_get(map, "files")->items[i]->line, "files", false, name, e) < 0)
            return -1;
    return take_file(map, "token-file", false, &s->pypi.token_file, name, e);
}

static int take_npm(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"registry", "token-file", NULL};
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "registry", true, &s->npm.registry, name, e) < 0 ||
        check_url(s->npm.registry, yaml_get(map, "registry")->line, "registry", true, name, e) < 0)
        return -1;
    return take_file(map, "token-file", false, &s->npm.token_file, name, e);
}

static int take_archive(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"archive", "suite", "components", "architecture", "keyring", "token-file", NULL};
    struct collect_archive *a = &s->archives[s->archive_count];
    if (map->kind != YAML_MAP)
        return wrong(name, map->line, "debian", "archive, suite, components, architecture, keyring", e);
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "archive", true, &a->archive, name, e) < 0 ||
        check_url(a->archive, yaml_get(map, "archive")->line, "archive", false, name, e) < 0 ||
        take_word(map, "suite", true, &a->suite, name, e) < 0 ||
        take_word(map, "architecture", true, &a->architecture, name, e) < 0 ||
        take_words(s, map, "components", &a->components, &a->component_count, name, e) < 0 ||
        take_file(map, "keyring", true, &a->keyring, name, e) < 0 ||
        take_file(map, "token-file", false, &a->token_file, name, e) < 0)
        return -1;
    if (a->component_count == 0)
        return wrong(name, map->line, "components", "a list, as [main]", e);
    s->archive_count++;
    return 0;
}

/* One archive, or a list of them. */
static int take_archives(struct collect_spec *s, const struct yaml *node, const char *name, struct err *e)
{
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    if (count == 0 || count > ARCHIVES_MAX)
        return wrong(name, node->line, "debian", "1 to 16 archives", e);
    s->archives = own(s, count, sizeof *s->archives);
    for (size_t i = 0; i < count; i++)
        if (take_archive(s, node->kind == YAML_LIST ? node->items[i] : node, name, e) < 0)
            return -1;
    return 0;
}

static int take_images(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"registry", "token-file", NULL};
    char text[PLACE_HOST_MAX + 16];
    struct url u;
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "registry", true, &s->images.registry, name, e) < 0)
        return -1;
    snprintf(text, sizeof text, "https://%.253s", s->images.registry);
    if (url_read(text, &u, e) < 0 || u.path[0])
        return wrong(name, yaml_get(map, "registry")->line, "registry", "HOST or HOST:PORT", e);
    s->images.plain = strncmp(u.host, "127.", 4) == 0 || strcmp(u.host, "localhost") == 0;
    return take_file(map, "token-file", false, &s->images.token_file, name, e);
}

static int take_models(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"endpoint", "client", "token-file", NULL};
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "endpoint", true, &s->models.endpoint, name, e) < 0 ||
        check_url(s->models.endpoint, yaml_get(map, "endpoint")->line, "endpoint", false, name, e) < 0 ||
        take_file(map, "client", true, &s->models.client, name, e) < 0)
        return -1;
    return take_file(map, "token-file", false, &s->models.token_file, name, e);
}

static int take_upstreams(struct collect_spec *s, const char *name, struct err *e)
{
    static const struct {
        const char *key;
        int (*take)(struct collect_spec *, const struct yaml *, const char *, struct err *);
    } rows[] = {{"pypi", take_pypi}, {"npm", take_npm}, {"images", take_images}, {"models", take_models}};
    static const char *const keys[] = {"pypi", "npm", "debian", "images", "models", "authorities", NULL};
    const struct yaml *map = yaml_need(s->root, "upstreams", YAML_MAP, name, e);
    if (!map || yaml_only_keys(map, keys, name, e) < 0 ||
        take_file(map, "authorities", false, &s->authorities, name, e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct yaml *one = yaml_get(map, rows[i].key);
        if (one && one->kind != YAML_MAP)
            return wrong(name, one->line, rows[i].key, "a map", e);
        if (one && rows[i].take(s, one, name, e) < 0)
            return -1;
    }
    const struct yaml *debian = yaml_get(map, "debian");
    return debian ? take_archives(s, debian, name, e) : 0;
}

/* ── sets ── */

static bool is_python(enum lock_kind kind)
{
    return kind == LOCK_PIP || kind == LOCK_UV || kind == LOCK_POETRY || kind == LOCK_PYLOCK;
}

/* Is the upstream named that this kind of lock needs? */
static const char *missing_upstream(const struct collect_spec *s, enum lock_kind kind)
{
    if (is_python(kind))
        return s->pypi.index ? NULL : "pypi";
    switch (kind) {
    case LOCK_NPM:
        return s->npm.registry ? NULL : "npm";
    case LOCK_APT:
        return s->archive_count ? NULL : "debian";
    case LOCK_IMAGES:
        return s->images.registry ? NULL : "images";
    default:
        return s->models.endpoint ? NULL : "models";
    }
}

static int take_lock(struct collect_set *set, const struct yaml *map, const char *name, struct err *e)
{
    size_t found = 0;
    for (enum lock_kind kind = 0; kind < LOCK_KINDS; kind++) {
        if (!yaml_get(map, lock_kind_name(kind)))
            continue;
        found++;
        set->kind = kind;
        if (!(set->file = yaml_need_text(map, lock_kind_name(kind), name, e)))
            return -1;
    }
    if (found != 1)
        return wrong(name, map->line, "sets",
                     "one lock file a set: pip, uv, poetry, pylock, npm, apt, images or models", e);
    return 0;
}

static int take_python(struct collect_spec *s, struct collect_set *set, const struct yaml *map, const char *name,
                       struct err *e)
{
    if (take_word(map, "python", false, &set->python, name, e) < 0 ||
        take_words(s, map, "platforms", &set->platforms, &set->platform_count, name, e) < 0 ||
        take_words(s, map, "source", &set->source, &set->source_count, name, e) < 0)
        return -1;
    bool build;
    if (yaml_bool_or(map, "build", true, &build, name, e) < 0)
        return -1;
    set->unbuilt = !build;
    if (is_python(set->kind) && (!set->python || set->platform_count == 0))
        return wrong(name, map->line, "sets",
                     "python: \"3.11\" and platforms: [manylinux2014_x86_64], for which the wheels are", e);
    if (!is_python(set->kind) && (set->python || set->platform_count || set->source_count))
        return wrong(name, map->line, "sets", "python, platforms and source only beside a lock of Python packages", e);
    return 0;
}

/* Which platforms optional packages of npm are taken for. */
static int take_node(struct collect_spec *s, struct collect_set *set, const struct yaml *map, const char *name,
                     struct err *e)
{
    const struct {
        const char *key;
        const char ***words;
        size_t *count;
    } rows[] = {
        {"os", &set->os, &set->os_count}, {"cpu", &set->cpu, &set->cpu_count}, {"libc", &set->libc, &set->libc_count}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct yaml *list = yaml_get(map, rows[i].key);
        if (take_words(s, map, rows[i].key, rows[i].words, rows[i].count, name, e) < 0)
            return -1;
        if (list && set->kind != LOCK_NPM)
            return wrong(name, list->line, rows[i].key, "os, cpu and libc only beside npm:", e);
        for (size_t k = 0; k < *rows[i].count; k++)
            if (!node_word_ok(rows[i].key, (*rows[i].words)[k]))
                return wrong(name, list->items[k]->line, rows[i].key, node_words(rows[i].key), e);
    }
    return 0;
}

static int check_platforms(const struct collect_set *set, const struct yaml *map, const char *name, struct err *e)
{
    for (size_t i = 0; i < set->platform_count; i++) {
        if (platform_tag_ok(set->platforms[i]))
            continue;
        err_set(e, ERR_INPUT, 0, "%s:%u: platforms: \"%.80s\" is no platform tag of wheels", name,
                yaml_get(map, "platforms")->items[i]->line, set->platforms[i]);
        return err_hint(e, "PEP 425 and 600 write them manylinux_2_34_x86_64, musllinux_1_2_aarch64, linux_x86_64, "
                           "macosx_11_0_arm64, win_amd64; what Debian calls amd64 and arm64 is x86_64 and aarch64 on "
                           "Linux");
    }
    return 0;
}

static int take_set(struct collect_spec *s, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"group", "pip",    "uv",     "poetry", "pylock",    "npm",
                                       "apt",   "images", "models", "python", "platforms", "source",
                                       "build", "os",     "cpu",    "libc",   NULL};
    struct collect_set *set = &s->sets[s->set_count];
    set->line = map->line;
    if (map->kind != YAML_MAP)
        return wrong(name, map->line, "sets", "{group: prod, pip: requirements.txt, …}", e);
    if (yaml_only_keys(map, keys, name, e) < 0 || take_word(map, "group", false, &set->group, name, e) < 0 ||
        take_lock(set, map, name, e) < 0 || take_python(s, set, map, name, e) < 0 ||
        check_platforms(set, map, name, e) < 0 || take_node(s, set, map, name, e) < 0)
        return -1;
    if (!set->group)
        set->group = "prod";
    if (!collect_name_ok(set->group))
        return wrong(name, map->line, "group", "a-z, 0-9 and -", e);
    const char *missing = missing_upstream(s, set->kind);
    if (missing)
        return err_set(e, ERR_INPUT, 0, "%s:%u: %s: upstreams names no %s, from where these would come", name,
                       map->line, set->file, missing);
    s->set_count++;
    return 0;
}

static int take_sets(struct collect_spec *s, const char *name, struct err *e)
{
    const struct yaml *list = yaml_need(s->root, "sets", YAML_LIST, name, e);
    if (!list)
        return -1;
    if (list->count == 0 || list->count > SETS_MAX)
        return wrong(name, list->line, "sets", "1 to 64 sets", e);
    s->sets = own(s, list->count, sizeof *s->sets);
    for (size_t i = 0; i < list->count; i++)
        if (take_set(s, list->items[i], name, e) < 0)
            return -1;
    return 0;
}

static int take_limits(struct collect_spec *s, const char *name, struct err *e)
{
    static const char *const keys[] = {"bytes", "time", "idle", NULL};
    const struct yaml *map = yaml_get(s->root, "limits");
    const char *bytes, *time, *idle;
    s->limit_bytes = LIMIT_BYTES_DEFAULT;
    s->limit_s = LIMIT_S_DEFAULT;
    s->idle_s = IDLE_S_DEFAULT;
    if (!map)
        return 0;
    if (map->kind != YAML_MAP || yaml_only_keys(map, keys, name, e) < 0)
        return e->code ? -1 : wrong(name, map->line, "limits", "a map", e);
    if (yaml_text_or(map, "bytes", NULL, &bytes, name, e) < 0 || yaml_text_or(map, "time", NULL, &time, name, e) < 0 ||
        yaml_text_or(map, "idle", NULL, &idle, name, e) < 0)
        return -1;
    if ((bytes && (!yaml_size(bytes, &s->limit_bytes) || s->limit_bytes == 0)) ||
        (time && (!yaml_duration(time, &s->limit_s) || s->limit_s == 0 || s->limit_s > 86400)) ||
        (idle && (!yaml_duration(idle, &s->idle_s) || s->idle_s == 0 || s->idle_s > 3600)))
        return wrong(name, map->line, "limits", "bytes as 20G, time as 2h (at most a day), idle as 60s", e);
    return 0;
}

bool collect_name_ok(const char *name)
{
    return release_name_ok(name);
}

int collect_spec_parse(struct span text, const char *name, struct collect_spec *out, struct err *e)
{
    static const char *const keys[] = {"name", "upstreams", "sets", "limits", NULL};
    *out = (struct collect_spec){.root = yaml_parse(text, name, e)};
    if (!out->root)
        return -1;
    if (yaml_only_keys(out->root, keys, name, e) == 0 && (out->name = yaml_need_text(out->root, "name", name, e))) {
        if (!collect_name_ok(out->name))
            wrong(name, yaml_get(out->root, "name")->line, "name", "a-z, 0-9 and -, beginning with a letter or digit",
                  e);
        else if (take_upstreams(out, name, e) == 0 && take_sets(out, name, e) == 0 && take_limits(out, name, e) == 0)
            return 0;
    }
    collect_spec_fini(out);
    return -1;
}

void collect_spec_fini(struct collect_spec *s)
{
    for (size_t i = 0; i < s->list_count; i++)
        free(s->lists[i]);
    free(s->lists);
    yaml_free(s->root);
    *s = (struct collect_spec){0};
}
