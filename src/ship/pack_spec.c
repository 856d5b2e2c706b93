#include "ship/pack_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ship/licence.h"
#include "ship/release_internal.h"
#include "util/limits.h"

static int check_text(const char *text, size_t max, const char *key, const char *name, struct err *e)
{
    struct span s = span_str(text);
    bool good = s.len <= max && span_is_utf8(s);
    for (size_t i = 0; good && i < s.len; i++)
        good = s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f;
    if (good)
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s: %s: wanted one line of at most %zu bytes", name, key, max);
}

static const char *need_line(const struct yaml *map, const char *key, const char *name, struct err *e)
{
    const char *text = yaml_need_text(map, key, name, e);
    return text && check_text(text, 1024, key, name, e) == 0 ? text : NULL;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int take_head(struct pack_spec *s, const char *name, struct err *e)
{
    if (!(s->name = need_line(s->root, "name", name, e)) || !(s->version = need_line(s->root, "version", name, e)) ||
        !(s->owner = need_line(s->root, "owner", name, e)) ||
        yaml_text_or(s->root, "description", "", &s->description, name, e) < 0 ||
        check_text(s->description, 4096, "description", name, e) < 0)
        return -1;
    if (!release_name_ok(s->name))
        return err_set(e, ERR_INPUT, 0,
                       "%s:%u: name: \"%.64s\"; wanted a-z 0-9 and -, beginning with a letter or digit", name,
                       yaml_get(s->root, "name")->line, s->name);
    if (!release_version_ok(s->version))
        return err_set(e, ERR_INPUT, 0, "%s:%u: version: \"%.64s\"; wanted v and three numbers, as v1.0.0", name,
                       yaml_get(s->root, "version")->line, s->version);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct pack_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* What lies beside the weights: configuration, tokenizer, documentation. */
static int take_model_files(struct pack_spec *s, const struct yaml *model, const char *name, struct err *e)
{
    const struct yaml *map = yaml_get(model, "files");
    size_t count = map ? map->count : 0;
    if (map && (map->kind != YAML_MAP || count > MODEL_FILES_MAX))
        return err_set(e, ERR_INPUT, 0, "%s:%u: model: files: wanted at most %u lines PATH: FILE", name, map->line,
                       MODEL_FILES_MAX);
    s->model_files = calloc(count + 1, sizeof *s->model_files);
    if (!s->model_files)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct yaml *item = map->items[i];
        if (item->kind != YAML_SCALAR || !item->text[0] || !release_file_path_ok(map->keys[i]) ||
            strcmp(map->keys[i], base_of(s->model_file)) == 0)
            return err_set(e, ERR_INPUT, 0,
                           "%s:%u: model: files: wanted PATH: FILE, a relative path without . and .. that is not the "
                           "name of the weights; found \"%.100s\"",
                           name, item->line, map->keys[i]);
        s->model_files[s->model_file_count++] =
            (struct pack_file){.path = map->keys[i], .file = item->text, .line = item->line};
    }
    qsort(s->model_files, s->model_file_count, sizeof *s->model_files, by_path);
    return 0;
}

static int take_repository(struct pack_spec *s, const struct yaml *model, const char *name, struct err *e)
{
    if (yaml_text_or(model, "repository", NULL, &s->model_repository, name, e) < 0)
        return -1;
    if (!s->model_repository || release_repository_ok(s->model_repository))
        return 0;
    return err_set(e, ERR_INPUT, 0,
                   "%s:%u: model: repository: \"%.100s\"; wanted NAME or OWNER/NAME of letters, digits, - _ and .",
                   name, yaml_get(model, "repository")->line, s->model_repository);
}

static int take_model(struct pack_spec *s, const char *name, struct err *e)
{
    static const char *const keys[] = {"file", "name", "licence", "source", "repository", "files", NULL};
    const struct yaml *map = yaml_need(s->root, "model", YAML_MAP, name, e);
    if (!map || yaml_only_keys(map, keys, name, e) < 0 || !(s->model_file = need_line(map, "file", name, e)) ||
        !(s->model_name = need_line(map, "name", name, e)) || !(s->model_licence = need_line(map, "licence", name, e)))
        return -1;
    if (licence_check(s->model_licence, e) < 0)
        return err_prefix(e, "%s:%u: model: licence", name, yaml_get(map, "licence")->line);
    if (take_repository(s, map, name, e) < 0 || take_model_files(s, map, name, e) < 0)
        return -1;
    return yaml_text_or(map, "source", NULL, &s->model_source, name, e);
}

/* A path in the image: absolute, and every step a plain name. */
static int check_image_path(const char *path, unsigned line, const char *name, struct err *e)
{
    struct span rest = span_str(path), step;
    bool good = rest.len > 1 && rest.len < 250 && span_take_prefix(&rest, SPAN_LIT("/"));
    while (good && rest.len) {
        char text[256];
        if (!span_take_until(&rest, '/', &step)) {
            step = rest;
            rest.len = 0;
        } else if (rest.len == 0) {
            good = false; /* ends with a slash */
        }
        memcpy(text, step.ptr, step.len);
        text[step.len] = '\0';
        good = good && release_file_name_ok(text);
    }
    if (good)
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s:%u: engine: files: \"%.100s\"; wanted an absolute path without . and ..", name,
                   line, path);
}

static int take_files(struct pack_spec *s, const struct yaml *engine, const char *name, struct err *e)
{
    const struct yaml *map = yaml_get(engine, "files");
    size_t count = map ? map->count : 0;
    if (map && map->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s:%u: engine: files: wanted PATH-IN-IMAGE: FILE", name, map->line);
    s->files = calloc(count + 2, sizeof *s->files); /* one more for the program */
    if (!s->files)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct yaml *item = map->items[i];
        if (item->kind != YAML_SCALAR || !item->text[0])
            return err_set(e, ERR_INPUT, 0, "%s:%u: engine: files: wanted PATH-IN-IMAGE: FILE", name, item->line);
        if (check_image_path(map->keys[i], item->line, name, e) < 0)
            return -1;
        s->files[s->file_count++] =
            (struct pack_file){.path = map->keys[i] + 1, .file = item->text, .line = item->line};
    }
    qsort(s->files, s->file_count, sizeof *s->files, by_path);
    return 0;
}

/* {word} where an engine is started is either filled in or a mistake; any other brace, as in JSON, stays as it is. */
static int check_placeholders(const struct yaml *word, bool filled, const char *key, const char *name, struct err *e)
{
    static const struct span known[] = {SPAN_LIT("{socket}"), SPAN_LIT("{model}"), SPAN_LIT("{threads}")};
    for (const char *at = word->text; (at = strchr(at, '{')); at++) {
        struct span rest = span_str(at);
        bool good = false;
        size_t len = 1;
        while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == '-')
            len++;
        if (len == 1 || at[len] != '}')
            continue;
        for (size_t i = 0; filled && !good && i < ARRAY_LEN(known); i++)
            good = span_starts(rest, known[i]);
        if (!good)
            return err_set(e, ERR_INPUT, 0,
                           "%s:%u: engine: %s: nothing fills in %.*s; %s {socket}, {model} and {threads}", name,
                           word->line, key, (int)(len < 64 ? len + 1 : 64), at,
                           filled ? "known are" : "only in command there are");
    }
    return 0;
}

static int take_command(struct pack_spec *s, const struct yaml *engine, const char *name, struct err *e)
{
    const struct yaml *list = yaml_need(engine, "command", YAML_LIST, name, e);
    bool socket = false, model = false;
    if (!list)
        return -1;
    if (list->count == 0 || list->count > RELEASE_WORDS_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: engine: command: wanted 1 to %u words", name, list->line,
                       RELEASE_WORDS_MAX);
    s->command = calloc(list->count + 1, sizeof *s->command);
    if (!s->command)
        abort();
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *word = list->items[i];
        if (word->kind != YAML_SCALAR || strlen(word->text) > RELEASE_WORD_MAX)
            return err_set(e, ERR_INPUT, 0, "%s:%u: engine: command: wanted words of at most %u bytes", name,
                           word->line, RELEASE_WORD_MAX);
        if (check_placeholders(word, true, "command", name, e) < 0)
            return -1;
        socket = socket || strstr(word->text, "{socket}");
        model = model || strstr(word->text, "{model}");
        s->command[s->command_count++] = word->text;
    }
    if (s->command[0][0] != '/')
        return err_set(e, ERR_INPUT, 0,
                       "%s:%u: engine: command: \"%.100s\"; wanted the program's absolute path in the image", name,
                       list->line, s->command[0]);
    if (socket && model)
        return 0;
    return err_set(
        e, ERR_INPUT, 0,
        "%s:%u: engine: command: %s is in no word; an engine is told its socket by {socket} and its model by "
        "{model}",
        name, list->line, socket ? "{model}" : "{socket}");
}

static int take_environment(struct pack_spec *s, const struct yaml *engine, const char *name, struct err *e)
{
    const struct yaml *map = yaml_get(engine, "environment");
    s->environment = map;
    if (map && (map->kind != YAML_MAP || map->count > RELEASE_WORDS_MAX))
        return err_set(e, ERR_INPUT, 0, "%s:%u: engine: environment: wanted at most %u lines NAME: VALUE", name,
                       map->line, RELEASE_WORDS_MAX);
    for (size_t i = 0; map && i < map->count; i++) {
        if (!release_env_key_ok(map->keys[i]) || map->items[i]->kind != YAML_SCALAR ||
            strlen(map->items[i]->text) > RELEASE_WORD_MAX)
            return err_set(e, ERR_INPUT, 0, "%s:%u: engine: environment: wanted NAME: VALUE", name,
                           map->items[i]->line);
        if (check_placeholders(map->items[i], false, "environment", name, e) < 0)
            return -1;
    }
    return 0;
}

static int take_engine(struct pack_spec *s, const char *name, struct err *e)
{
    static const char *const keys[] = {"program", "image", "files", "command", "environment", NULL};
    const struct yaml *map = yaml_need(s->root, "engine", YAML_MAP, name, e);
    if (!map || yaml_only_keys(map, keys, name, e) < 0 ||
        yaml_text_or(map, "program", NULL, &s->program, name, e) < 0 ||
        yaml_text_or(map, "image", NULL, &s->image, name, e) < 0)
        return -1;
    if (!s->program == !s->image)
        return err_set(e, ERR_INPUT, 0,
                       "%s:%u: engine: wanted either program (a static program) or image (an OCI layout)", name,
                       map->line);
    if (take_files(s, map, name, e) < 0 || take_command(s, map, name, e) < 0)
        return -1;
    return take_environment(s, map, name, e);
}

static int take_texts(struct pack_spec *s, const char *name, struct err *e)
{
    return (s->prompts = need_line(s->root, "prompts", name, e)) && (s->suite = need_line(s->root, "suite", name, e)) &&
                   (s->card = need_line(s->root, "card", name, e)) &&
                   (s->licence = need_line(s->root, "licence", name, e)) &&
                   (s->changes = need_line(s->root, "changes", name, e))
               ? 0
               : -1;
}

static int check_words(const struct yaml *map, const char *key, const char *wanted, const char *name, struct err *e)
{
    const struct yaml *list = yaml_get(map, key);
    bool good = !list || list->kind == YAML_LIST;
    for (size_t i = 0; good && list && i < list->count; i++)
        good = list->items[i]->kind == YAML_SCALAR && list->items[i]->text[0];
    return good ? 0
                : err_set(e, ERR_INPUT, 0, "%s:%u: packages: %s: wanted a list of %s", name, list->line, key, wanted);
}

/* NAME.pdf, or FOLDER/NAME.pdf. */
static bool file_key_ok(const char *key)
{
    const char *slash = strchr(key, '/');
    char folder[LIMIT_NAME_CHARS + 1];
    if (!slash)
        return release_file_name_ok(key);
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - key), key);
    return slash - key <= (int)LIMIT_NAME_CHARS && release_file_name_ok(folder) && release_file_name_ok(slash + 1);
}

static int take_packages(struct pack_spec *s, const char *name, struct err *e)
{
    static const char *const keys[] = {"collections", "groups", "local", "files", "base", NULL};
    static const char *const base_keys[] = {"dpkg", NULL};
    const struct yaml *map = yaml_get(s->root, "packages"), *files, *base;
    if (!map)
        return 0;
    if (map->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s:%u: packages: wanted collections, groups, local and files", name,
                       map->line);
    if (yaml_only_keys(map, keys, name, e) < 0 || check_words(map, "local", "package files", name, e) < 0 ||
        check_words(map, "collections", "names of collections", name, e) < 0 ||
        check_words(map, "groups", "names of groups", name, e) < 0)
        return -1;
    base = yaml_get(map, "base");
    if (base && (yaml_only_keys(base, base_keys, name, e) < 0 || !yaml_need_text(base, "dpkg", name, e)))
        return -1;
    files = yaml_get(map, "files");
    if (files && files->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s:%u: packages: files: wanted NAME: FILE", name, files->line);
    for (size_t i = 0; files && i < files->count; i++)
        if (files->items[i]->kind != YAML_SCALAR || !files->items[i]->text[0] || !file_key_ok(files->keys[i]))
            return err_set(e, ERR_INPUT, 0,
                           "%s:%u: packages: files: \"%.100s\"; wanted NAME: FILE or FOLDER/NAME: FILE", name,
                           files->items[i]->line, files->keys[i]);
    s->packages = map;
    return 0;
}

int pack_spec_parse(struct span text, const char *name, struct pack_spec *out, struct err *e)
{
    static const char *const keys[] = {"name",  "version", "owner",   "description", "model",    "engine", "prompts",
                                       "suite", "card",    "licence", "changes",     "packages", NULL};
    *out = (struct pack_spec){.root = yaml_parse(text, name, e)};
    if (!out->root)
        return -1;
    if (yaml_only_keys(out->root, keys, name, e) == 0 && take_head(out, name, e) == 0 &&
        take_model(out, name, e) == 0 && take_engine(out, name, e) == 0 && take_texts(out, name, e) == 0 &&
        take_packages(out, name, e) == 0)
        return 0;
    pack_spec_fini(out);
    return -1;
}

void pack_spec_fini(struct pack_spec *spec)
{
    free(spec->files);
    free(spec->model_files);
    free(spec->command);
    yaml_free(spec->root);
    *spec = (struct pack_spec){0};
}
