#include "parse/npm_package.h"

#include <ctype.h>
#include <string.h>

#include "parse/paths.h"
#include "parse/tar.h"

#define LIMIT_NPM_NAME 214U

struct npm {
    char root[LIMIT_PACKAGE_NAME]; /* the one folder, with its slash */
    bool several;
    struct buf text; /* package.json */
    bool found, gyp, shrinkwrap;
};

static bool take_file(void *arg, const char *path, struct span bytes, struct report *r)
{
    struct npm *n = arg;
    struct span rest = span_str(path), root;
    if (!span_take_until(&rest, '/', &root) || root.len + 2 > sizeof n->root) {
        n->several = true;
        return true;
    }
    if (!n->root[0]) {
        memcpy(n->root, root.ptr, root.len);
        n->root[root.len] = '/';
    }
    n->several |= strncmp(path, n->root, strlen(n->root)) != 0;
    if (span_equal_str(rest, "package.json") && !n->found) {
        n->found = true;
        buf_add_span(&n->text, bytes);
    }
    package_check_case(rest, "package.json", path, r);
    n->gyp |= span_equal_str(rest, "binding.gyp");
    n->shrinkwrap |= span_equal_str(rest, "npm-shrinkwrap.json");
    return true;
}

/* ── name and version ── */

static bool word_ok(struct span word)
{
    if (word.len == 0 || word.ptr[0] == '.' || word.ptr[0] == '_')
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] >= 0x80 || (!isalnum(word.ptr[i]) && !strchr("-_.~", word.ptr[i])))
            return false;
    return true;
}

/* NAME or @SCOPE/NAME; *bare is the part behind the scope. */
static bool name_ok(const char *name, struct span *scope, struct span *bare)
{
    *bare = span_str(name);
    *scope = (struct span){0};
    if (bare->len > LIMIT_NPM_NAME)
        return false;
    if (!span_take_prefix(bare, SPAN_LIT("@")))
        return word_ok(*bare);
    return span_take_until(bare, '/', scope) && word_ok(*scope) && word_ok(*bare);
}

static bool take_number(struct span *s)
{
    size_t before = s->len;
    while (s->len && isdigit(s->ptr[0]))
        span_skip(s, 1);
    return s->len < before;
}

/* Three numbers, and what stands behind - or +. */
static bool version_ok(const char *version)
{
    struct span rest = span_str(version);
    if (rest.len >= LIMIT_PACKAGE_NAME || !take_number(&rest) || !span_take_prefix(&rest, SPAN_LIT(".")) ||
        !take_number(&rest) || !span_take_prefix(&rest, SPAN_LIT(".")) || !take_number(&rest))
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] >= 0x80 || (!isalnum(rest.ptr[i]) && !strchr("-+.", rest.ptr[i])))
            return false;
    return rest.len == 0 || rest.ptr[0] == '-' || rest.ptr[0] == '+';
}

/* As the registry names it, NAME-VERSION.tgz, or as `npm pack` does, SCOPE-NAME-VERSION.tgz. */
static bool filename_agrees(const char *filename, struct span scope, struct span bare, const char *version)
{
    auto_buf name = BUF(2 * LIMIT_PACKAGE_NAME + 16);
    buf_add_span(&name, bare);
    buf_printf(&name, "-%s.tgz", version);
    if (strcmp(filename, buf_str(&name)) == 0)
        return true;
    buf_clear(&name);
    buf_add_span(&name, scope);
    buf_add_byte(&name, '-');
    buf_add_span(&name, bare);
    buf_printf(&name, "-%s.tgz", version);
    return scope.len && strcmp(filename, buf_str(&name)) == 0;
}

static void check_identity(const json_t *root, struct span *bare, struct package_facts *p, struct report *r)
{
    struct span scope;
    const char *name = json_get_string(root, "name", ""), *version = json_get_string(root, "version", "");
    if (!name_ok(name, &scope, bare)) {
        report_finding(r, SEVERITY_HIGH, "package-name", "package.json", "\"%.200s\" is no name of npm", name);
        *bare = (struct span){0};
        return;
    }
    snprintf(p->name, sizeof p->name, "%s", name);
    if (!version_ok(version)) {
        report_finding(r, SEVERITY_HIGH, "package-version", "package.json", "\"%.200s\" is no version of npm", version);
        return;
    }
    snprintf(p->version, sizeof p->version, "%s", version);
    if (!filename_agrees(p->filename, scope, *bare, version))
        report_finding(r, SEVERITY_HIGH, "package-name", "package.json",
                       "it is %s %s, and the file name is not that of it", name, version);
}

/* ── what npm's abbreviated metadata carries ── */

static bool has_install_script(const struct npm *n, const json_t *root)
{
    static const char *const names[] = {"preinstall", "install", "postinstall"};
    const json_t *scripts = json_object_get(root, "scripts");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_get_string(scripts, names[i], "")[0])
            return true;
    return n->gyp; /* npm runs node-gyp by itself then */
}

static void check_bin(const char *name, const char *path, struct report *r)
{
    auto_buf normal = BUF(8192);
    bool absolute;
    const char *problem = path_problem(path, &normal, &absolute);
    if (problem || absolute || name[0] == '\0' || strchr(name, '/') || strcmp(name, "..") == 0)
        report_finding(r, SEVERITY_CRITICAL, "npm-bin", "package.json",
                       "the program \"%.100s\" at \"%.200s\" leads out of the package", name, path);
}

/* "bin" is one program, named as the package, or several. */
static void put_bin(const json_t *root, struct span bare, struct json_out *w, struct report *r)
{
    const json_t *bin = json_object_get(root, "bin"), *path;
    const char *name;
    char own[LIMIT_PACKAGE_NAME];
    snprintf(own, sizeof own, "%.*s", (int)bare.len, (const char *)bare.ptr);
    if (!json_is_string(bin) && !json_is_object(bin))
        return;
    json_put_object(w, "bin");
    if (json_is_string(bin)) {
        check_bin(own, json_string_value(bin), r);
        json_put_string(w, own, json_string_value(bin));
    }
    json_object_foreach((json_t *)(uintptr_t)bin, name, path)
    {
        if (!json_is_string(path))
            continue;
        check_bin(name, json_string_value(path), r);
        json_put_string(w, name, json_string_value(path));
    }
    json_out_object_end(w);
}

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static void put_member(struct json_out *w, const char *key, const json_t *value)
{
    auto_buf text = BUF(LIMIT_PACKAGE_METADATA);
    if (json_dump_callback(value, append, &text, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        return;
    json_out_key(w, key);
    json_out_raw(w, buf_span(&text));
}

static void put_manifest(const struct npm *n, const json_t *root, struct span bare, struct package_facts *p,
                         struct report *r)
{
    static const char *const members[] = {
        "dependencies",
        "optionalDependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "bundleDependencies",
        "bundledDependencies",
        "acceptDependencies",
        "engines",
        "os",
        "cpu",
        "libc",
        "directories",
        "funding",
        "license",
    };
    struct json_out *w = &p->about;
    p->described = true;
    json_put_object(w, "manifest");
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(root, members[i]))
            put_member(w, members[i], json_object_get(root, members[i]));
    put_bin(root, bare, w, r);
    if (has_install_script(n, root)) {
        json_put_bool(w, "hasInstallScript", true);
        report_finding(r, SEVERITY_LOW, "npm-install-script", "package.json",
                       "it asks for a script of its own to be run at installation");
    }
    if (n->shrinkwrap)
        json_put_bool(w, "_hasShrinkwrap", true);
    json_out_object_end(w);
}

static void check_package_json(const struct npm *n, struct package_facts *p, struct report *r)
{
    struct err e = {0};
    struct span bare, text = buf_span(&n->text);
    span_take_prefix(&text, SPAN_LIT("\xef\xbb\xbf")); /* npm passes over it */
    auto_json root = json_parse(text, LIMIT_PACKAGE_METADATA, "package.json", &e);
    if (!root || !json_is_object(root)) {
        report_stop(r, SEVERITY_HIGH, "npm-json", "package.json", "%s", root ? "is no object" : e.msg);
        return;
    }
    check_identity(root, &bare, p, r);
    put_manifest(n, root, bare, p, r);
}

/* NAME-VERSION.tgz, split where a version begins. */
static void take_filename(struct package_facts *p)
{
    size_t len = strlen(p->filename);
    char stem[LIMIT_PACKAGE_NAME];
    if (len < 5 || len - 4 >= sizeof stem)
        return;
    snprintf(stem, sizeof stem, "%.*s", (int)(len - 4), p->filename);
    for (char *dash = strchr(stem, '-'); dash; dash = strchr(dash + 1, '-')) {
        if (!version_ok(dash + 1))
            continue;
        *dash = '\0';
        package_named(p, stem, dash + 1);
        return;
    }
}

void npm_package_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r)
{
    struct npm n = {.text = BUF(LIMIT_PACKAGE_METADATA)};
    struct member_watch watch = {.file = take_file, .arg = &n};
    struct inspect_options inner = *o;
    inner.watch = &watch;
    r->format = "npm-package";
    take_filename(p);
    tar_check(file, true, &inner, r);
    if (n.several)
        report_finding(r, SEVERITY_HIGH, "npm-root", "", "it holds more than the one folder %s", n.root);
    if (!n.found || !buf_ok(&n.text))
        report_stop(r, SEVERITY_HIGH, "npm-json", n.root, "there is no package.json that can be read");
    else
        check_package_json(&n, p, r);
    buf_fini(&n.text);
}
