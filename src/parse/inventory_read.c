/* Which reader a file is for: by its place in the tree, as the tools that keep such records find them; by its suffix;
 * by its first bytes. */
#include <string.h>
#include <strings.h>

#include "parse/alpm.h"
#include "parse/apk_db.h"
#include "parse/conda.h"
#include "parse/copyright.h"
#include "parse/dpkg.h"
#include "parse/elf_parts.h"
#include "parse/gguf.h"
#include "parse/go_build.h"
#include "parse/go_mod.h"
#include "parse/inventory.h"
#include "parse/inventory_package.h"
#include "parse/jar.h"
#include "parse/licence.h"
#include "parse/licence_text.h"
#include "parse/lock_inventory.h"
#include "parse/npm_tree.h"
#include "parse/os_release.h"
#include "parse/python_dist.h"
#include "parse/rpm.h"
#include "parse/rpmdb.h"
#include "parse/rust_audit.h"
#include "util/limits.h"

/* ── small readers around the others ── */

static void read_dpkg_status(struct span file, struct inventory *v)
{
    dpkg_read(file, DPKG_STATUS, v);
}

static void read_dpkg_single(struct span file, struct inventory *v)
{
    const char *slash = strrchr(v->path, '/'), *leaf = slash ? slash + 1 : v->path;
    if (span_ends(span_str(leaf), SPAN_LIT(".md5sums")))
        dpkg_sums_read(file, v);
    else if (!strchr(leaf, '.') || !span_ends(span_str(leaf), SPAN_LIT(".list")))
        dpkg_read(file, DPKG_SINGLE, v);
}

static void read_dpkg_info(struct span file, struct inventory *v)
{
    if (span_ends(span_str(v->path), SPAN_LIT(".md5sums")))
        dpkg_sums_read(file, v);
}

static void read_opkg_status(struct span file, struct inventory *v)
{
    dpkg_read(file, DPKG_OPKG, v);
}

static void read_buildinfo(struct span file, struct inventory *v)
{
    go_build_read(file, NULL, v);
}

/* A source distribution has PKG-INFO at its top. */
static void read_pkg_info(struct span file, struct inventory *v)
{
    const char *inner = strstr(v->path, "!/"), *slash = inner ? strchr(inner + 2, '/') : NULL;
    if (slash && strcmp(slash + 1, "PKG-INFO") == 0)
        python_dist_read(file, v);
}

/* What a package file of Alpine says of itself. */
static void read_pkginfo(struct span file, struct inventory *v)
{
    if (span_ends(span_str(v->path), SPAN_LIT(".apk!/.PKGINFO")))
        inventory_pkginfo_read(file, v);
}

/* ── models: what their own files say ── */

static void read_model_licence(const char *name, struct inventory *v)
{
    auto_buf text = BUF(LICENCE_MAX);
    if (licence_of_model(span_str(name), &text))
        inventory_licence_file(v, buf_span(&text), true);
}

static void read_card(struct span file, struct inventory *v)
{
    auto_buf text = BUF(LICENCE_MAX);
    if (licence_of_card(file, &text))
        inventory_licence_file(v, buf_span(&text), true);
}

static void read_licence_file(struct span file, struct inventory *v)
{
    auto_buf text = BUF(LICENCE_MAX);
    if (licence_text_read(file, &text))
        inventory_licence_file(v, buf_span(&text), false);
}

/* A broken one is `airlock scan`'s to judge; here its name and hash are enough. */
static void read_gguf(struct span file, struct inventory *v)
{
    auto_report ignored = {0};
    struct template_rules templates = {0};
    struct err e = {0};
    auto_buf text = BUF(REPORT_FACTS_BYTES);
    struct json_out w;
    report_init(&ignored, "gguf");
    gguf_check(file, v->path, &templates, &ignored);
    json_out_init(&w, &text);
    json_out_object(&w);
    bool written = report_write(&ignored, &w, &e) == 0;
    json_out_object_end(&w);
    auto_json root = written ? json_parse(buf_span(&text), text.max, "facts", &e) : NULL;
    const json_t *facts = json_object_get(root, "facts");
    inventory_model(v, v->path, json_get_string(facts, "architecture", NULL), NULL);
    read_model_licence(json_get_string(facts, "licence", ""), v);
}

/* config.json of a model's repository (Hugging Face transformers): "model_type" and "architectures". */
static void read_config(struct span file, struct inventory *v)
{
    struct err e = {0};
    auto_json root = file.len <= LIMIT_JSON_BYTES ? json_parse(file, LIMIT_JSON_BYTES, "config", &e) : NULL;
    const char *family = json_get_string(root, "model_type", NULL);
    if (family)
        inventory_model(v, v->path, family,
                        json_string_value(json_array_get(json_object_get(root, "architectures"), 0)));
    read_model_licence(json_get_string(root, "license", ""), v);
}

/* An image whose layers are behind another compression, or lie in a folder as `docker save` packs them: its layers are
 * files here, and what is installed in them would not be seen. */
static void read_image_mark(struct span file, struct inventory *v)
{
    const char *inner = strstr(v->path, "!/"), *path = inner ? inner + 2 : v->path;
    bool layout = strcmp(path, "oci-layout") == 0;
    bool saved = strcmp(path, "manifest.json") == 0 && file.len && memmem(file.ptr, file.len, "\"Layers\"", 8);
    if (layout || saved)
        report_not_scanned(
            v->r, "image-packed", v->path,
            "a container image that is compressed as a whole, or unpacked: its layers are not read; give "
            "the tar itself, or an OCI image layout");
}

/* What a package file of conda says of itself; the file lies in an archive that lies in the package, or in it. */
static void read_conda_index(struct span file, struct inventory *v)
{
    if (v->in_package)
        conda_read(file, v);
}

/* ── by place ── */

enum place {
    PLACE_FILE,   /* the path ends with this */
    PLACE_FOLDER, /* the file lies in this folder */
    PLACE_BELOW,  /* the file lies in a folder of this folder, and has this name */
};

static const struct rule {
    enum place place;
    const char *path, *leaf; /* leaf: for PLACE_BELOW */
    void (*read)(struct span file, struct inventory *v);
} RULES[] = {
    {PLACE_FILE, "var/lib/dpkg/status", NULL, read_dpkg_status},
    {PLACE_FOLDER, "var/lib/dpkg/status.d/", NULL, read_dpkg_single},
    {PLACE_FOLDER, "var/lib/dpkg/info/", NULL, read_dpkg_info},
    {PLACE_BELOW, "usr/share/doc/", "copyright", copyright_read},
    {PLACE_FILE, "var/lib/opkg/status", NULL, read_opkg_status},
    {PLACE_FILE, "usr/lib/opkg/status", NULL, read_opkg_status},
    {PLACE_FILE, "lib/apk/db/installed", NULL, apk_db_read},
    {PLACE_FILE, "var/lib/rpm/rpmdb.sqlite", NULL, rpmdb_sqlite_read},
    {PLACE_FILE, "var/lib/rpm/Packages.db", NULL, rpmdb_ndb_read},
    {PLACE_FILE, "var/lib/rpm/Packages", NULL, rpmdb_bdb_read},
    {PLACE_FILE, "usr/lib/sysimage/rpm/rpmdb.sqlite", NULL, rpmdb_sqlite_read},
    {PLACE_FILE, "usr/lib/sysimage/rpm/Packages.db", NULL, rpmdb_ndb_read},
    {PLACE_FILE, "usr/lib/sysimage/rpm/Packages", NULL, rpmdb_bdb_read},
    {PLACE_FILE, "usr/share/rpm/rpmdb.sqlite", NULL, rpmdb_sqlite_read},
    {PLACE_FILE, "usr/share/rpm/Packages.db", NULL, rpmdb_ndb_read},
    {PLACE_FILE, "usr/share/rpm/Packages", NULL, rpmdb_bdb_read},
    {PLACE_FILE, "rpmdb.sqlite", NULL, rpmdb_sqlite_read}, /* wherever else somebody keeps one */
    {PLACE_FILE, "Packages.db", NULL, rpmdb_ndb_read},
    {PLACE_FILE, "var/lib/rpmmanifest/container-manifest-2", NULL, rpm_manifest_read},
    {PLACE_BELOW, "var/lib/pacman/local/", "desc", alpm_desc_read},
    {PLACE_BELOW, "var/lib/pacman/local/", "files", alpm_files_read},
    {PLACE_BELOW, "var/lib/pacman/local/", "mtree", alpm_mtree_read},
    {PLACE_FILE, "etc/os-release", NULL, os_release_read},
    {PLACE_FILE, "usr/lib/os-release", NULL, os_release_read},
    {PLACE_FILE, "etc/redhat-release", NULL, os_release_read},
    {PLACE_FILE, "etc/system-release-cpe", NULL, os_release_read},
    {PLACE_FILE, "etc/alpine-release", NULL, os_release_read},
    {PLACE_FILE, "etc/debian_version", NULL, os_release_read},
    {PLACE_FOLDER, "conda-meta/", NULL, conda_read},
    {PLACE_FILE, "info/index.json", NULL, read_conda_index},
    {PLACE_FILE, "config.json", NULL, read_config},
    {PLACE_FILE, "oci-layout", NULL, read_image_mark},
    {PLACE_FILE, "manifest.json", NULL, read_image_mark},
    {PLACE_FILE, "PKG-INFO", NULL, read_pkg_info},
    {PLACE_FILE, ".PKGINFO", NULL, read_pkginfo},
    {PLACE_FILE, "package.json", NULL, npm_tree_read},
    {PLACE_FILE, "go.mod", NULL, go_mod_read},
    {PLACE_FILE, "vendor/modules.txt", NULL, go_vendor_read},
};

static bool is_file(const char *path, const char *tail, size_t *root)
{
    size_t len = strlen(path), wanted = strlen(tail);
    if (len < wanted || strcmp(path + len - wanted, tail) != 0)
        return false;
    *root = len - wanted;
    return *root == 0 || path[*root - 1] == '/';
}

/* The last place in the path where `folder` begins; what stands behind it. */
static const char *behind(const char *path, const char *folder, size_t *root)
{
    const char *found = NULL;
    for (const char *at = path; (at = strstr(at, folder)); at++)
        if (at == path || at[-1] == '/')
            found = at;
    if (!found)
        return NULL;
    *root = (size_t)(found - path);
    return found + strlen(folder);
}

static bool is_at(const struct rule *rule, const char *path, size_t *root)
{
    const char *rest, *slash;
    if (rule->place == PLACE_FILE)
        return is_file(path, rule->path, root);
    rest = behind(path, rule->path, root);
    if (!rest || !*rest)
        return false;
    slash = strchr(rest, '/');
    return rule->place == PLACE_FOLDER ? !slash : slash && strcmp(slash + 1, rule->leaf) == 0;
}

static const struct rule *find_rule(const char *path, size_t *root)
{
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        if (!is_at(&RULES[i], path, root))
            continue;
        if (RULES[i].read == conda_read && !span_ends(span_str(path), SPAN_LIT(".json")))
            return NULL;
        return &RULES[i];
    }
    return NULL;
}

/* ── by suffix: Python's folders, archives ── */

static bool folder_ends(const char *path, const char *ending, size_t *root)
{
    const char *slash = strrchr(path, '/'), *start = slash;
    size_t len = strlen(ending);
    if (!slash || (size_t)(slash - path) < len || strncasecmp(slash - len, ending, len) != 0)
        return false;
    while (start > path && start[-1] != '/')
        start--;
    *root = (size_t)(start - path);
    return true;
}

static void (*python_reader(const char *path, size_t *root))(struct span file, struct inventory *v)
{
    const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
    bool dist = folder_ends(path, "dist-info", root), egg = !dist && folder_ends(path, "egg-info", root);
    if ((dist && strcmp(leaf, "METADATA") == 0) || (egg && strcmp(leaf, "PKG-INFO") == 0) ||
        span_ends(span_str(leaf), SPAN_LIT(".egg-info")))
        return python_dist_read;
    return (dist || egg) && strcmp(leaf, "RECORD") == 0 ? python_record_read : NULL;
}

/* A card lies beside its model, and nowhere else: trees of npm have a README.md a package. */
static void (*licence_reader(const char *path))(struct span file, struct inventory *v)
{
    const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
    if (licence_file_named(path))
        return read_licence_file;
    return strcmp(leaf, "README.md") == 0 && !strstr(path, "node_modules/") ? read_card : NULL;
}

/* Of all that is read here. */
static bool says_licence(void (*reader)(struct span file, struct inventory *v))
{
    return reader == copyright_read || reader == npm_tree_read || reader == read_pkg_info || reader == python_dist_read;
}

static bool has_ending(const char *path, const char *const *endings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_ends(span_str(path), span_str(endings[i])))
            return true;
    return false;
}

static bool is_jar(const char *path)
{
    static const char *const endings[] = {".jar", ".war", ".ear", ".hpi", ".jpi", ".sar", ".par", ".kar"};
    return has_ending(path, endings, ARRAY_LEN(endings));
}

bool inventory_wants(const char *path)
{
    size_t root;
    const struct rule *rule = find_rule(path, &root);
    if (rule && rule->read == read_dpkg_info)
        return span_ends(span_str(path), SPAN_LIT(".md5sums"));
    return rule || python_reader(path, &root) || licence_reader(path) || is_jar(path) || inventory_is_package(path) ||
           lock_kind_of(path);
}

bool inventory_is_system_image(const char *path)
{
    static const char *const endings[] = {".squashfs", ".sqsh", ".sfs", ".qcow2", ".vmdk",
                                          ".vhd",      ".vhdx", ".img", ".iso"};
    return has_ending(path, endings, ARRAY_LEN(endings));
}

bool inventory_is_model(const char *path)
{
    static const char *const endings[] = {".gguf", ".safetensors", ".onnx", ".keras", ".pt", ".pth", ".ckpt", ".h5"};
    static const char *const names[] = {"pytorch_model.bin", "model.bin", "adapter_model.bin", "tf_model.h5"};
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(base, names[i]) == 0)
            return true;
    return has_ending(base, endings, ARRAY_LEN(endings));
}

bool inventory_is_record(const char *path)
{
    size_t root;
    return find_rule(path, &root) || python_reader(path, &root);
}

bool inventory_wants_bytes(struct span first)
{
    static const char *const magics[] = {"\x7f"
                                         "ELF",
                                         "GGUF",
                                         "MZ",
                                         "\xfe\xed\xfa\xce",
                                         "\xfe\xed\xfa\xcf",
                                         "\xce\xfa\xed\xfe",
                                         "\xcf\xfa\xed\xfe",
                                         "hsqs",
                                         "sqsh",
                                         "QFI\xfb",
                                         "KDMV",
                                         "vhdxfile",
                                         "conectix"};
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (span_starts(first, span_str(magics[i])))
            return true;
    return false;
}

/* ── one file ── */

/* File systems and disks in a file: no library that we have reads them from memory. */
static bool is_unread_image(struct span file)
{
    static const char *const magics[] = {"hsqs", "sqsh", "QFI\xfb", "KDMV", "vhdxfile", "conectix"};
    struct span mark;
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (span_starts(file, span_str(magics[i])))
            return true;
    return (span_slice(file, 0x438, 2, &mark) && memcmp(mark.ptr, "\x53\xef", 2) == 0) || /* ext2 to ext4 */
           (span_slice(file, 0x200, 8, &mark) && memcmp(mark.ptr, "EFI PART", 8) == 0);   /* a disk with a GPT */
}

static void read_program(struct span file, struct inventory *v)
{
    struct elf_parts elf;
    bool is_elf = elf_parts_open(file, &elf);
    go_build_find(file, is_elf ? &elf : NULL, v);
    if (is_elf)
        rust_audit_find(&elf, v);
}

/* A file that was named itself may have lost its place: then its first words decide. */
static void (*reader_of_bytes(struct span file))(struct span file, struct inventory *v)
{
    static const struct {
        const char *begins;
        void (*read)(struct span file, struct inventory *v);
    } known[] = {
        {"Package: ", read_dpkg_status},
        {"C:Q1", apk_db_read},
        {"C:Q2", apk_db_read},
        {"P:", apk_db_read},
        {"%NAME%", alpm_desc_read},
        {"SQLite format 3", rpmdb_sqlite_read},
        {"RpmP", rpmdb_ndb_read},
        {"Metadata-Version: ", python_dist_read},
        {"\xff Go buildinf:", read_buildinfo},
    };
    struct span mark;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_starts(file, span_str(known[i].begins)))
            return known[i].read;
    bool bdb = span_slice(file, 12, 4, &mark) &&
               (memcmp(mark.ptr, "\x61\x15\x06\x00", 4) == 0 || memcmp(mark.ptr, "\x00\x06\x15\x61", 4) == 0);
    return bdb ? rpmdb_bdb_read : NULL;
}

bool inventory_read_bytes(struct inventory *v, const char *path, struct span bytes)
{
    void (*reader)(struct span, struct inventory *) = reader_of_bytes(bytes);
    if (!reader)
        return false;
    v->path = path;
    v->root = (struct span){0};
    reader(bytes, v);
    return true;
}

void inventory_read(struct inventory *v, const char *path, struct span bytes, unsigned nested)
{
    const char *outer = v->path;
    struct span outer_root = v->root;
    size_t root = 0;
    void (*python)(struct span, struct inventory *) = python_reader(path, &root);
    const struct rule *rule = python ? NULL : find_rule(path, &root);
    v->path = path;
    v->root = span_of(path, root);
    if (v->licences_only && !says_licence(rule ? rule->read : python) && !licence_reader(path))
        bytes.len = 0;
    else if (rule)
        rule->read(bytes, v);
    else if (python)
        python(bytes, v);
    else if (licence_reader(path))
        licence_reader(path)(bytes, v);
    else if (is_jar(path))
        jar_read(bytes, v, nested);
    else if (inventory_is_package(path))
        inventory_package_read(bytes, v, nested);
    else if (lock_kind_of(path))
        lock_inventory_read(bytes, v);
    else if (span_starts(bytes, SPAN_LIT("GGUF")))
        read_gguf(bytes, v);
    else if (is_unread_image(bytes))
        report_not_scanned(
            v->r, "system-image", path,
            "a file system or a disk in a file, which no reader of ours understands: what is installed in "
            "it is not known");
    else if (inventory_wants_bytes(bytes))
        read_program(bytes, v);
    if (v->in_package && span_starts(bytes, SPAN_LIT("\x7f"
                                                     "ELF")))
        inventory_native(v, path, bytes);
    v->path = outer;
    v->root = outer_root;
}
