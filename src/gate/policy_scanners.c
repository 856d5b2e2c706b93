/* The key `scanners` of a policy: which scanners of others there are, and which class of file needs which of them. Our
 * own readers look at every file and cannot be left out; so the table can only add. */
#include <stdio.h>
#include <string.h>

#include "gate/policy_internal.h"

#define CLAMAV_AGE_DEFAULT "7d"
#define YARA_AGE_DEFAULT   "365d"

static int path_parse(const struct yaml *map, const char *key, const char *fallback, const char *file,
                      char out[ENGINE_PATH_SIZE], struct err *e)
{
    const char *path;
    if (yaml_text_or(map, key, fallback, &path, file, e) < 0)
        return -1;
    if (path[0] != '/' || strlen(path) >= ENGINE_PATH_SIZE)
        return policy_bad(e, file, policy_line(map, key),
                          "%s: \"%.100s\"; wanted a path from / on, of less than %u bytes", key, path,
                          ENGINE_PATH_SIZE);
    snprintf(out, ENGINE_PATH_SIZE, "%s", path);
    return 0;
}

static int clamav_parse(const struct yaml *map, const char *file, struct engines_wanted *out, struct err *e)
{
    static const char *const keys[] = {"socket", "max-age", NULL};
    if (yaml_only_keys(map, keys, file, e) < 0 || path_parse(map, "socket", CLAMD_SOCKET, file, out->clamd, e) < 0 ||
        policy_age_or(map, "max-age", CLAMAV_AGE_DEFAULT, file, &out->age_s[ENGINE_CLAMAV], e) < 0)
        return err_hint(e, "Only a local socket of clamd is spoken to, never an address of a network");
    return clamd_path_ok(out->clamd)
               ? 0
               : policy_bad(e, file, policy_line(map, "socket"),
                            "socket: \"%.100s…\" is longer than a socket's path can be", out->clamd);
}

static int yara_parse(const struct yaml *map, const char *file, struct engines_wanted *out, struct err *e)
{
    static const char *const keys[] = {"rules", "max-age", NULL};
    if (yaml_only_keys(map, keys, file, e) < 0 || path_parse(map, "rules", "", file, out->yara, e) < 0)
        return -1;
    return policy_age_or(map, "max-age", YARA_AGE_DEFAULT, file, &out->age_s[ENGINE_YARA], e);
}

static int engines_parse(const struct yaml *map, const char *file, struct engines_wanted *out, struct err *e)
{
    static const char *const keys[] = {"clamav", "yara", NULL};
    if (!map)
        return 0;
    if (map->kind != YAML_MAP)
        return policy_bad(e, file, map->line, "engines: wanted keys and values");
    if (yaml_only_keys(map, keys, file, e) < 0)
        return -1;
    const struct yaml *clamav = yaml_get(map, "clamav"), *yara = yaml_get(map, "yara");
    if ((clamav && clamav->kind != YAML_MAP) || (yara && yara->kind != YAML_MAP))
        return policy_bad(e, file, (clamav && clamav->kind != YAML_MAP ? clamav : yara)->line,
                          "engines: wanted for example {clamav: {socket: %s}}", CLAMD_SOCKET);
    if (clamav && clamav_parse(clamav, file, out, e) < 0)
        return -1;
    return yara ? yara_parse(yara, file, out, e) : 0;
}

/* "built-in" may stand there for people to read; it always is. */
static int list_parse(const struct yaml *list, const char *class, const char *file, uint8_t *bits, struct err *e)
{
    *bits = 0;
    if (list->kind != YAML_LIST)
        return policy_bad(e, file, list->line, "%s: wanted a list of clamav, yara and built-in", class);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        const char *name = item->kind == YAML_SCALAR ? item->text : "";
        enum scan_engine g;
        if (strcmp(name, "built-in") == 0)
            continue;
        if (!engine_from_name(name, &g))
            return policy_bad(e, file, item->line, "%s: \"%.32s\" is no scanner; wanted clamav, yara or built-in",
                              class, name);
        if (*bits & 1U << g)
            return policy_bad(e, file, item->line, "%s: %s stands there twice", class, name);
        *bits |= (uint8_t)(1U << g);
    }
    return 0;
}

static int unknown_class(const struct yaml *item, const char *key, const char *file, struct err *e)
{
    auto_buf names = BUF(512);
    for (int c = 0; c < FILE_CLASSES; c++)
        buf_printf(&names, "%s, ", file_class_name((enum file_class)c));
    return policy_bad(e, file, item->line, "\"%.32s\" is no class of files; wanted %sor all", key, buf_str(&names));
}

/* `all` stands for the classes that have no line of their own. */
static int classes_parse(const struct yaml *map, const char *file, struct engines_wanted *out, struct err *e)
{
    const struct yaml *all = map->kind == YAML_MAP ? yaml_get(map, "all") : NULL;
    uint8_t bits = 0;
    if (map->kind != YAML_MAP)
        return policy_bad(e, file, map->line, "classes: wanted keys and values");
    if (all && list_parse(all, "all", file, &bits, e) < 0)
        return -1;
    memset(out->classes, bits, sizeof out->classes);
    for (size_t i = 0; i < map->count; i++) {
        enum file_class class;
        if (strcmp(map->keys[i], "all") == 0)
            continue;
        if (!file_class_from_name(map->keys[i], &class))
            return unknown_class(map->items[i], map->keys[i], file, e);
        if (list_parse(map->items[i], map->keys[i], file, &out->classes[class], e) < 0)
            return -1;
    }
    return 0;
}

static bool is_named(const struct engines_wanted *w, enum scan_engine g)
{
    return g == ENGINE_CLAMAV ? w->clamd[0] != '\0' : w->yara[0] != '\0';
}

/* Who names an engine means it to work. */
static int check_named(const struct yaml *map, const char *file, const struct engines_wanted *w, struct err *e)
{
    for (int g = 0; g < ENGINES; g++) {
        const char *name = engine_name((enum scan_engine)g);
        bool named = is_named(w, (enum scan_engine)g), asked = engines_asked(w, (enum scan_engine)g);
        if (asked && !named)
            return policy_bad(e, file, policy_line(map, "classes"),
                              "classes ask for %s, and `engines` does not say where it is: %s", name,
                              g == ENGINE_CLAMAV ? "clamav: {socket: " CLAMD_SOCKET "}" : "yara: {rules: /PATH}");
        if (named && !asked)
            return policy_bad(e, file, policy_line(yaml_get(map, "engines"), name),
                              "`engines` names %s, and no class asks for it", name);
    }
    return 0;
}

int policy_scanners_parse(const struct yaml *root, const char *file, struct engines_wanted *out, struct err *e)
{
    static const char *const keys[] = {"engines", "classes", NULL};
    const struct yaml *map = yaml_get(root, "scanners");
    *out = (struct engines_wanted){0};
    if (!map)
        return 0;
    if (map->kind != YAML_MAP)
        return policy_bad(e, file, map->line, "scanners: wanted keys and values");
    const struct yaml *classes = NULL;
    if (yaml_only_keys(map, keys, file, e) < 0 || engines_parse(yaml_get(map, "engines"), file, out, e) < 0 ||
        !(classes = yaml_need(map, "classes", YAML_MAP, file, e)) || classes_parse(classes, file, out, e) < 0)
        return -1;
    return check_named(map, file, out, e);
}
