/* package-lock.json and npm-shrinkwrap.json, lockfileVersion 1 to 3 (npm's documentation, "package-lock.json"): from 2
 * on `packages`, a map of paths below node_modules; in 1 `dependencies`, a tree. Both come to one list of paths here.
 * Besides pins and hashes, the file's own closure is checked: what an entry needs must stand where node would find it.
 */
#include "parse/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/encode.h"

#define MODULES    "node_modules/"
#define HOW_RELOCK "lock again with npm 7 or newer: npm install --package-lock-only"
#define HOW_RELEASE \
    "depend on a version from the registry; a package made in house belongs under packages: local: of release.yaml"
/* A path of a lock file; the deepest trees need 500 bytes. Two stand on the stack a level, of at most LIMIT_JSON_DEPTH.
 */
#define PATH_MAX_BYTES 2048U
#define SAME_WORDS     "it stands twice in this file, with different hashes"

struct entry {
    char *path; /* owned: "node_modules/a/node_modules/b" */
    const json_t *about;
    unsigned line;
    const char *name, *version; /* borrowed; NULL: refused, or nothing to collect */
    bool dev;
    bool twice; /* stands under another path too, and is written there */
};

struct npm {
    struct lock_out *o;
    struct err *e;
    struct span text;
    size_t text_at; /* where the search for the next key goes on */
    unsigned line;
    struct entry *entries;
    size_t count;
    json_t *by_path, *by_version;
};

static void npm_fini(struct npm *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->entries[i].path);
    free(n->entries);
    json_decref(n->by_path);
    json_decref(n->by_version);
}

/* ── lines: the n-th key of the text is the n-th key of the tree, because keys do not repeat ── */

static void skip_string(struct npm *n)
{
    for (n->text_at++; n->text_at < n->text.len && n->text.ptr[n->text_at] != '"'; n->text_at++)
        if (n->text.ptr[n->text_at] == '\\')
            n->text_at++;
    n->text_at++;
}

static unsigned next_key(struct npm *n)
{
    while (n->text_at < n->text.len) {
        uint8_t c = n->text.ptr[n->text_at];
        if (c != '"') {
            n->line += c == '\n';
            n->text_at++;
            continue;
        }
        unsigned line = n->line;
        skip_string(n);
        for (; n->text_at < n->text.len && strchr(" \t\r\n", n->text.ptr[n->text_at]); n->text_at++)
            n->line += n->text.ptr[n->text_at] == '\n';
        if (n->text_at < n->text.len && n->text.ptr[n->text_at] == ':')
            return line;
    }
    return n->line;
}

static void skip_keys(struct npm *n, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        (void)next_key(n);
        skip_keys(n, item);
    }
    json_array_foreach(value, i, item)
    {
        skip_keys(n, item);
    }
}

/* ── the list of paths ── */

static int add_entry(struct npm *n, const char *path, const json_t *about, unsigned line)
{
    if (n->count >= LIMIT_LOCK_PACKAGES * 2)
        return err_set(n->e, ERR_LIMIT, 0, "%s:%u: more than %u entries", n->o->file, line, LIMIT_LOCK_PACKAGES * 2);
    if (!json_is_object(about))
        return err_set(n->e, ERR_INPUT, 0, "%s:%u: \"%.200s\" is no object", n->o->file, line, path);
    if ((n->count & (n->count - 1)) == 0) {
        n->entries = realloc(n->entries, (n->count ? n->count * 2 : 1) * sizeof *n->entries);
        if (!n->entries)
            abort();
    }
    n->entries[n->count] = (struct entry){.path = strdup(path), .about = about, .line = line};
    if (!n->entries[n->count].path)
        abort();
    json_object_set_new(n->by_path, path, json_integer((json_int_t)n->count));
    n->count++;
    return 0;
}

static int flatten_packages(struct npm *n, const json_t *packages)
{
    const char *path;
    json_t *about;
    json_object_foreach((json_t *)(uintptr_t)packages, path, about)
    {
        unsigned line = next_key(n);
        skip_keys(n, about);
        if (add_entry(n, path, about, line) < 0)
            return -1;
    }
    return 0;
}

static int flatten_tree(struct npm *n, const json_t *dependencies, const char *above)
{
    const char *name, *key;
    json_t *about, *item;
    json_object_foreach((json_t *)(uintptr_t)dependencies, name, about)
    {
        unsigned line = next_key(n);
        char path[PATH_MAX_BYTES], inside[PATH_MAX_BYTES];
        if (snprintf(path, sizeof path, "%s" MODULES "%s", above, name) >= (int)sizeof path ||
            snprintf(inside, sizeof inside, "%s/", path) >= (int)sizeof inside)
            return err_set(n->e, ERR_LIMIT, 0, "%s:%u: nested too deep", n->o->file, line);
        if (add_entry(n, path, about, line) < 0)
            return -1;
        json_object_foreach(about, key, item)
        {
            (void)next_key(n);
            if (strcmp(key, "dependencies") != 0)
                skip_keys(n, item);
            else if (flatten_tree(n, item, inside) < 0)
                return -1;
        }
    }
    return 0;
}

static int flatten(struct npm *n, const json_t *root)
{
    const json_t *packages = json_object_get(root, "packages");
    const char *wanted = packages ? "packages" : "dependencies", *key;
    json_t *item;
    if (packages && !json_is_object(packages))
        return err_set(n->e, ERR_INPUT, 0, "%s: \"packages\" is no object", n->o->file);
    json_object_foreach((json_t *)(uintptr_t)root, key, item)
    {
        (void)next_key(n);
        if (strcmp(key, wanted) != 0)
            skip_keys(n, item);
        else if ((packages ? flatten_packages(n, item) : flatten_tree(n, item, "")) < 0)
            return -1;
    }
    return 0;
}

/* ── one entry ── */

static void refuse(struct npm *n, const struct entry *x, const char *how, const char *why)
{
    lock_refuse(n->o, x->line, span_str(x->path), how, "%s", why);
}

/* "npm:@scope/name@1.0": another package under this name (lockfileVersion 1). */
static bool split_alias(struct entry *x, char *name, size_t size)
{
    const char *alias = x->version + strlen("npm:"), *at = strrchr(alias, '@');
    if (!at || at == alias || (size_t)(at - alias) >= size)
        return false;
    memcpy(name, alias, (size_t)(at - alias));
    name[at - alias] = '\0';
    x->version = at + 1;
    return true;
}

static bool is_name(const char *s)
{
    size_t slashes = 0;
    for (const char *c = s; *c; c++) {
        if (*c == '/')
            slashes++;
        else if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~@", *c) ||
                 (*c == '@' && c != s))
            return false;
    }
    return s[0] && s[0] != '.' && s[0] != '/' && strlen(s) <= 214 && slashes == (s[0] == '@' ? 1 : 0);
}

static bool is_version(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && strlen(s) <= 128 &&
           strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+") == strlen(s);
}

static bool is_of(const char *text, const char *const begins[])
{
    for (size_t i = 0; begins[i]; i++)
        if (strncmp(text, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* Comes in the archive of a package around it, which has a hash. */
static bool is_bundled(const struct npm *n, const struct entry *x)
{
    char above[PATH_MAX_BYTES];
    if (json_object_get(x->about, "integrity") ||
        (!json_is_true(json_object_get(x->about, "inBundle")) && !json_is_true(json_object_get(x->about, "bundled"))))
        return false;
    snprintf(above, sizeof above, "%s", x->path);
    for (char *end; (end = strrchr(above, '/')) != NULL;) {
        *end = '\0';
        const json_t *at = json_object_get(n->by_path, above);
        if (at && json_object_get(n->entries[json_integer_value(at)].about, "integrity"))
            return true;
    }
    return false;
}

/* The folder that an entry is, or leads to; NULL: it is a package. */
static const char *folder_of(const struct entry *x)
{
    const char *version = json_get_string(x->about, "version", ""), *end = strrchr(version, '.');
    if (strncmp(version, "file:", 5) == 0 && !(end && (strcmp(end, ".tgz") == 0 || strcmp(end, ".gz") == 0)))
        return version + strlen("file:");
    if (json_is_true(json_object_get(x->about, "link")))
        return json_get_string(x->about, "resolved", "..");
    return strstr(x->path, MODULES) ? NULL : x->path;
}

/* A folder of the project is its own source, as its root is, and nothing to collect: a workspace. Where npm 7 and newer
 * links to one, the file says itself what that needs. */
static void look_at_folder(struct npm *n, const struct entry *x, const char *folder)
{
    if (!lock_is_inside(folder))
        refuse(n, x, HOW_RELEASE, "it is a folder outside the project, and whatever that holds that day");
    else if (json_is_true(json_object_get(x->about, "link")) && !json_object_get(n->by_path, folder))
        refuse(n, x, HOW_RELOCK, "it leads to a folder that this file does not hold");
}

/* One "sha512-BASE64" in hex; its algorithm's name, or NULL. */
static const char *integrity_word(struct span word, char *hex)
{
    static const struct {
        const char *name;
        size_t size;
    } algs[] = {{"sha256", 32}, {"sha384", 48}, {"sha512", 64}};
    auto_buf bytes = BUF(64);
    struct span alg;
    if (!span_take_until(&word, '-', &alg) || !base64_decode(word, false, &bytes))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        if (!span_equal_str(alg, algs[i].name) || bytes.len != algs[i].size)
            continue;
        hex_encode(buf_span(&bytes), hex);
        return algs[i].name;
    }
    return NULL;
}

size_t lock_integrity(const char *text, struct lock_out *o)
{
    size_t found = 0;
    struct span rest = span_str(text), word;
    while (rest.len) {
        char hex[129];
        if (!span_take_until(&rest, ' ', &word)) {
            word = rest;
            rest.len = 0;
        }
        const char *alg = integrity_word(word, hex);
        found += alg != NULL;
        if (alg && o)
            lock_hash(o, alg, span_str(hex));
    }
    return found;
}

/* Reads name, version and hash of an entry; leaves name NULL when there is nothing to collect. */
static void look_at_entry(struct npm *n, struct entry *x, char *alias, size_t size)
{
    static const char *const elsewhere[] = {"git", "github:", "gitlab:", "bitbucket:", "gist:", "ssh:", "file:", NULL};
    const char *resolved = json_get_string(x->about, "resolved", ""), *modules = NULL;
    const char *folder = folder_of(x);
    if (folder)
        look_at_folder(n, x, folder);
    if (folder || (is_bundled(n, x) && !n->o->listing))
        return;
    for (const char *at = x->path; (at = strstr(at, MODULES)); at++)
        modules = at + strlen(MODULES);
    x->version = json_get_string(x->about, "version", "");
    const char *name = json_get_string(x->about, "name", modules);
    if (is_of(x->version, elsewhere) || is_of(resolved, elsewhere)) {
        refuse(n, x, HOW_RELEASE, "it is fetched from a repository or a folder, not from the registry");
        x->name = n->o->listing && is_name(name) && is_version(x->version) ? name : NULL;
        return;
    }
    if (strncmp(x->version, "npm:", 4) == 0 && split_alias(x, alias, size))
        name = alias;
    if (!is_name(name))
        refuse(n, x, HOW_RELOCK, "its name is none that the registry knows");
    else if (is_of(x->version, (const char *const[]){"http:", "https:", NULL}))
        refuse(n, x, HOW_RELEASE, "it is fetched from a URL, not from the registry by version");
    else if (!is_version(x->version))
        refuse(n, x, HOW_RELOCK, "it has no version");
    else if (resolved[0] && !is_of(resolved, (const char *const[]){"http:", "https:", NULL}))
        refuse(n, x, HOW_RELEASE, "its \"resolved\" is no URL of a registry");
    else if (!json_get_string(x->about, "integrity", NULL))
        refuse(n, x, HOW_RELOCK, "it has no \"integrity\": another file under the same version would be taken");
    else if (lock_integrity(json_get_string(x->about, "integrity", ""), NULL) == 0)
        refuse(n, x, HOW_RELOCK, "its \"integrity\" is no sha256, sha384 or sha512 (sha1 can be forged)");
    else
        x->name = name;
    if (n->o->listing && is_name(name) && is_version(x->version))
        x->name = name;
    x->dev = json_is_true(json_object_get(x->about, "dev"));
}

/* ── closure: node looks beside the package, then in each folder above ── */

static bool is_found(const struct npm *n, const char *from, const char *name)
{
    char path[PATH_MAX_BYTES + 256];
    size_t len = strlen(from);
    for (;;) {
        int end = snprintf(path, sizeof path, "%.*s%s" MODULES "%s", (int)len, from, len ? "/" : "", name);
        if (end > 0 && (size_t)end < sizeof path && json_object_get(n->by_path, path))
            return true;
        if (len == 0)
            return false;
        while (len > 0 && from[len - 1] != '/')
            len--;
        while (len > 0 && from[len - 1] == '/')
            len--;
    }
}

static void check_needs(struct npm *n, const struct entry *x, const char *member)
{
    const json_t *optional = json_object_get(x->about, "optionalDependencies");
    const char *name;
    json_t *range;
    json_object_foreach(json_object_get(x->about, member), name, range)
    {
        if (json_object_get(optional, name) || is_found(n, x->path, name))
            continue;
        lock_refuse(n->o, x->line, span_str(x->path), HOW_RELOCK, "it needs %.100s, which this file does not hold",
                    name);
    }
}

/* ── writing ── */

static int put_entry(struct npm *n, const struct entry *x)
{
    bool dev_group = x->dev && strcmp(n->o->group, "prod") == 0;
    const struct lock_item item = {.ecosystem = "npm",
                                   .name = x->name,
                                   .version = x->version,
                                   .group = dev_group ? "dev" : n->o->group,
                                   .url = json_get_string(x->about, "resolved", NULL),
                                   .optional = json_is_true(json_object_get(x->about, "optional")) ||
                                               json_is_true(json_object_get(x->about, "devOptional")),
                                   .os = json_object_get(x->about, "os"),
                                   .cpu = json_object_get(x->about, "cpu"),
                                   .libc = json_object_get(x->about, "libc"),
                                   .line = x->line};
    if (lock_begin(n->o, &item, n->e) < 0)
        return -1;
    lock_integrity(json_get_string(x->about, "integrity", ""), n->o);
    lock_end(n->o);
    return 0;
}

/* The same version under several paths is one package; it is for development only when it is so everywhere. */
static void join_paths(struct npm *n, struct entry *x)
{
    char key[400];
    snprintf(key, sizeof key, "%s@%s", x->name, x->version);
    json_t *known = json_object_get(n->by_version, key);
    if (!known) {
        json_object_set_new(n->by_version, key, json_integer(x - n->entries));
        return;
    }
    struct entry *first = &n->entries[json_integer_value(known)];
    x->twice = true;
    first->dev = first->dev && x->dev;
    if (strcmp(json_get_string(first->about, "integrity", ""), json_get_string(x->about, "integrity", "")) != 0)
        refuse(n, x, HOW_RELOCK, SAME_WORDS);
}

static int read_entries(struct npm *n)
{
    json_t *aliases = json_array(); /* keeps the names that are written nowhere as such */
    int result = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct entry *x = &n->entries[i];
        char alias[256] = "";
        look_at_entry(n, x, alias, sizeof alias);
        if (x->name == alias) {
            json_array_append_new(aliases, json_string(alias));
            x->name = json_string_value(json_array_get(aliases, json_array_size(aliases) - 1));
        }
        if (x->name)
            join_paths(n, x);
        check_needs(n, x, json_object_get(x->about, "requires") ? "requires" : "dependencies");
    }
    for (size_t i = 0; i < n->count && result == 0; i++)
        if (n->entries[i].name && !n->entries[i].twice)
            result = put_entry(n, &n->entries[i]);
    json_decref(aliases);
    return result;
}

int lock_npm(struct span text, struct lock_out *o, struct err *e)
{
    auto_json root = json_parse(text, LIMIT_LOCK_BYTES, o->file, e);
    if (!root)
        return -1;
    json_int_t version = json_integer_value(json_object_get(root, "lockfileVersion"));
    if (version < 1 || version > 3)
        return err_set(e, ERR_INPUT, 0, "%s: lockfileVersion: wanted 1, 2 or 3; is this npm's package-lock.json?",
                       o->file);
    AUTO(npm_fini)
    struct npm n = {.o = o, .e = e, .text = text, .line = 1, .by_path = json_object(), .by_version = json_object()};
    return flatten(&n, root) < 0 ? -1 : read_entries(&n);
}
