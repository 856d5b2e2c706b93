/* Every file of the packages corpus through the reader that its place asks for. What the file is, its name says:
 * "invalid", "corrupt", "empty"; where a source put another meaning into a name, the one table below says so. */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/go_build.h"
#include "parse/inventory.h"
#include "parse/rpm.h"
#include "parse/rust_audit.h"

/* ── where a file of the corpus would lie ── */

static const struct {
    const char *begins,
        *place; /* the part of the path behind `begins` stands where * is; none: the place is the path */
} PLACES[] = {
    {"rpmdb/sqlite-", "var/lib/rpm/rpmdb.sqlite"},
    {"rpmdb/ndb-", "var/lib/rpm/Packages.db"},
    {"rpmdb/bdb-", "var/lib/rpm/Packages"},
    {"rpmdb/manifest/", "var/lib/rpmmanifest/container-manifest-2"},
    {"rpmdb/invalid/bad.rpm", "bad.rpm"},
    {"rpmdb/invalid/", "var/lib/rpm/rpmdb.sqlite"},
    {"dpkg/osv-scalibr/dpkg/status.d/", "var/lib/dpkg/status.d/*"},
    {"dpkg/osv-scalibr/dpkg/", "var/lib/dpkg/status"},
    {"dpkg/osv-scalibr/opkg/", "var/lib/opkg/status"},
    {"dpkg/syft/info/", "var/lib/dpkg/info/*"},
    {"dpkg/syft/copyright/", "usr/share/doc/*/copyright"},
    {"apk/", "lib/apk/db/installed"},
    {"pacman/osv-scalibr/", "var/lib/pacman/local/a-1.0-1/desc"},
    {"pacman/syft/files", "var/lib/pacman/local/pacman-5.1.3-1/files"},
    {"pacman/syft/mtree", "var/lib/pacman/local/pacman-5.1.3-1/mtree"},
    {"os-release/syft/bad-redhat-release", "etc/redhat-release"},
    {"os-release/syft/bad-system-release-cpe", "etc/system-release-cpe"},
    {"conda/osv-scalibr/", "conda-meta/*.json"},
    {"python/metadata/", "lib/a-1.0.dist-info/METADATA"},
    {"python/requirements/", "requirements.txt"},
    {"python/poetry.lock/", "poetry.lock"},
    {"python/pylock.toml/", "pylock.toml"},
    {"python/Pipfile.lock/", "Pipfile.lock"},
    {"python/pdm.lock/", "pdm.lock"},
    {"python/uv.lock/", "uv.lock"},
    {"npm/pnpm-lock/", "pnpm-lock.yaml"},
    {"npm/package-lock/", "package-lock.json"},
    {"npm/yarn.lock/", "yarn.lock"},
    {"npm/package.json/osv-scalibr/deps/", "*"},
    {"npm/package.json/", "package.json"},
    {"npm/syft/pkg-lock/node_modules/", "node_modules/*"},
    {"npm/syft/pkg-lock/", "package-lock.json"},
    {"npm/syft/pkg-json/", "package.json"},
    {"rust/Cargo.lock/", "Cargo.lock"},
    {"rust/syft/Cargo.lock-with-git-deps", "Cargo.lock"},
    {"go/mod/osv-scalibr/indirect-1.23.sum", "go.sum"},
    {"go/mod/osv-scalibr/indirect-1.16.sum", "go.sum"},
    {"go/mod/", "go.mod"},
};

static void place_of(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s", path);
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        size_t len = strlen(PLACES[i].begins), before;
        if (strncmp(path, PLACES[i].begins, len) != 0)
            continue;
        const char *rest = path + len, *star = strchr(PLACES[i].place, '*');
        before = star ? (size_t)(star - PLACES[i].place) : strlen(PLACES[i].place);
        snprintf(out, size, "%.*s%s%s", (int)before, PLACES[i].place, star ? rest : "", star ? star + 1 : "");
        return;
    }
}

/* ── a look ── */

struct seen {
    size_t packages, claims, pins;
    enum verdict verdict;
    char rules[2048];
    json_t *facts; /* owned: {"packages", …} */
};

static void seen_fini(struct seen *s)
{
    json_decref(s->facts);
}
#define auto_seen AUTO(seen_fini) struct seen

static void list_rules(struct report *r, struct seen *s)
{
    auto_buf text = BUF(64U << 20);
    struct json_out w;
    struct err e = {0};
    const json_t *finding;
    size_t i;
    json_out_init(&w, &text);
    json_out_object(&w);
    assert_int_equal(report_write(r, &w, &e), 0);
    json_out_object_end(&w);
    auto_json root = json_parse(buf_span(&text), 64U << 20, "report", &e);
    if (!root)
        fail_msg("%s", e.msg);
    s->facts = json_incref(json_object_get(root, "facts"));
    json_array_foreach(json_object_get(root, "findings"), i, finding)
    {
        size_t len = strlen(s->rules);
        snprintf(s->rules + len, sizeof s->rules - len, "%s(%.60s) ", json_get_string(finding, "rule", ""),
                 json_get_string(finding, "message", ""));
    }
}

static struct seen look(const struct corpus_file *f, const char *place)
{
    auto_free uint8_t *exact =
        calloc(1, f->len ? f->len : 1); /* so that a sanitizer sees a read one byte past the end */
    auto_report r = {0};
    auto_inventory v = {0};
    struct err e = {0};
    struct span bytes = span_of(exact, f->len);
    struct seen s = {0};
    if (!exact)
        abort();
    memcpy(exact, f->bytes, f->len);
    report_init(&r, "");
    inventory_init(&v, &r);
    v.path = place;
    if (strstr(f->path, ".buildinfo"))
        go_build_read(bytes, NULL, &v);
    else if (strstr(f->path, ".dep-v0"))
        rust_audit_read(bytes, &v);
    else
        inventory_read(&v, place, bytes, 0);
    s.packages = v.package_count;
    s.claims = v.claim_count;
    assert_int_equal(inventory_write(&v, &r.facts, &e), 0);
    s.verdict = r.verdict;
    list_rules(&r, &s);
    s.pins = json_array_size(json_object_get(s.facts, "pins"));
    return s;
}

/* ── what is expected ── */

enum wanted { READ, REFUSED, NOTHING };

/* Words in a file's own name that say that it is none of its kind. */
static bool says_broken(const char *path)
{
    static const char *const words[] = {"invalid",  "corrupt",   "not-json",   "not-toml",  "not-yaml",
                                        "bad-json", "bad.rpm",   "not-go-mod", "noversion", "nopackage",
                                        "noname",   "malformed", "bogus",      "no-version"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(path, words[i]))
            return true;
    return false;
}

/* Where the name says less, or something else, than what the file is: each with its reason. */
static const struct {
    const char *path;
    enum wanted wanted;
    const char *why;
} EXCEPTIONS[] = {
    {"apk/syft/empty-deps-and-provides", READ, "two of its fields are empty, the record is not"},
    {"apk/syft/glob-paths/lib/apk/db/installed", REFUSED, "bogus text"},
    {"dpkg/osv-scalibr/dpkg/transitional_empty", READ, "an empty package in the sense of Debian"},
    {"dpkg/syft/copyright/cuda", NOTHING, "a licence of its own, without a short name"},
    {"dpkg/syft/copyright/dev-kit", NOTHING, "a licence of its own, without a short name"},
    {"dpkg/syft/copyright/microsoft", NOTHING, "a licence of its own, without a short name"},
    {"dpkg/syft/image-dpkg/var/lib/dpkg/status", REFUSED, "its first stanza has no name; the others are listed"},
    {"dpkg/syft/var/lib/dpkg/status.d/doc-examples", REFUSED, "packages without a version; the others are listed"},
    {"dpkg/syft/var/lib/dpkg/status.d/libpam-runtime", REFUSED, "packages without a version; the others are listed"},
    {"dpkg/syft/var/lib/dpkg/status.d/multiple", REFUSED, "a stanza without a name, one without a version"},
    {"go/mod/osv-scalibr/indirect-1.23.sum", REFUSED, "says in its first line that it is wrongly formatted"},
    {"go/mod/osv-scalibr/replace-no-version.mod", READ, "a replacement of every version"},
    {"go/syft/go-mod-fixtures/one-package/go.sum", NOTHING, "hashes of go.mod files alone"},
    {"npm/package-lock/osv-scalibr/null.v2.jsontest", REFUSED, "is no JSON object"},
    {"npm/package.json/osv-scalibr/deps/acorn/package.json", NOTHING, "no version"},
    {"npm/package.json/osv-scalibr/deps/acorn-globals/package.json", NOTHING, "no name and version"},
    {"npm/package.json/osv-scalibr/deps/window-size/package.json", NOTHING, "no name and version"},
    {"npm/package.json/osv-scalibr/unity-package.json", NOTHING, "a package of Unity"},
    {"npm/package.json/osv-scalibr/vscode-extension-only-required.json", NOTHING, "an extension of an editor"},
    {"npm/pnpm-lock/osv-scalibr/invalid-path.yaml", READ, "one key names no package: a remark, the others are listed"},
    {"npm/pnpm-lock/osv-scalibr/invalid-paths.yaml", READ, "one key names no package: a remark, the others are listed"},
    {"npm/pnpm-lock/osv-scalibr/missing-packages.yaml", NOTHING, "a lock file of nothing"},
    {"npm/pnpm-lock/osv-scalibr/no-packages.v9.yaml", NOTHING, "a lock file of nothing"},
    {"npm/pnpm-lock/osv-scalibr/no-packages.yaml", NOTHING, "a lock file of nothing"},
    {"npm/syft/pkg-json/package-malformed-license.json", READ, "name and version are right, and no licence is known"},
    {"npm/syft/pkg-json/package-partial.json", NOTHING, "no version"},
    {"npm/yarn.lock/osv-scalibr/metadata-only.v2.lock", NOTHING, "a lock file of nothing"},
    {"npm/yarn.lock/osv-scalibr/no-version.v1.lock", READ, "an entry without a range; it has a version"},
    {"os-release/syft/bad-system-release-cpe", NOTHING, "names no product: which system this is stays unknown"},
    {"pacman/syft/glob-paths/var/lib/pacman/local/base-1.0/desc", REFUSED, "bogus text"},
    {"pacman/syft/glob-paths/var/lib/pacman/local/base-1.0/files", REFUSED, "bogus text"},
    {"pacman/syft/glob-paths/var/lib/pacman/local/dive-0.10.0/desc", REFUSED, "bogus text"},
    {"python/Pipfile.lock/osv-scalibr/no-version.json", READ, "repositories in the place of versions: remarks"},
    {"python/metadata/osv-scalibr/malformed_pkginfo", READ, "what is malformed stands behind its fields"},
    {"python/metadata/osv-scalibr/repeated_pkginfo", REFUSED, "three versions"},
    {"python/requirements/osv-scalibr/invalid.txt", READ, "lines that pin nothing: remarks"},
    {"python/syft/site-packages/malformed-record/dist-info/METADATA", READ, "its RECORD is what is malformed"},
    {"python/uv.lock/osv-scalibr/no-dependencies.lock", NOTHING, "a project without any"},
    {"python/uv.lock/osv-scalibr/no-packages.lock", NOTHING, "a lock file of nothing"},
    {"rpmdb/bdb-dive/Packages", REFUSED, "Berkeley DB: not scanned, and said"},
    {"rpmdb/bdb-epoch/Packages", REFUSED, "Berkeley DB: not scanned, and said"},
    {"rpmdb/bdb-libuuid/Packages", REFUSED, "Berkeley DB: not scanned, and said"},
};

static enum wanted wanted_of(const char *path, bool *excepted)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++)
        if (strcmp(path, EXCEPTIONS[i].path) == 0) {
            *excepted = true;
            return EXCEPTIONS[i].wanted;
        }
    *excepted = false;
    if (says_broken(path))
        return REFUSED;
    return strstr(slash ? slash : path, "empty") || strstr(path, "/empty/") ? NOTHING : READ;
}

static bool holds(enum wanted wanted, const struct seen *s)
{
    bool something = s->packages || s->claims || json_object_get(s->facts, "system") ||
                     json_array_size(json_object_get(s->facts, "licences"));
    switch (wanted) {
    case READ:
        return !verdict_blocks(s->verdict) && (something || s->rules[0]);
    case REFUSED:
        return verdict_blocks(s->verdict);
    case NOTHING:
        return !something;
    }
    return false;
}

/* Read elsewhere: wheels and images by their own tests, SBOMs by theirs; texts of licences, and lists that say what is
 * in a file of the corpus, by none. */
static bool is_of_others(const char *path)
{
    static const char *const begins[] = {"LICENSES/", "MANIFEST.tsv", "sbom/", "images/", "python/wheels/"};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        if (strncmp(path, begins[i], strlen(begins[i])) == 0)
            return true;
    return span_ends(span_str(path), SPAN_LIT("expected.tsv"));
}

static void every_record_is_read_or_refused_as_its_name_says(void **state)
{
    struct corpus *c = *state;
    size_t read = 0, wrong = 0, excepted = 0, passed = 0;
    if (!c)
        skip();
    for (size_t i = 0; i < c->count; i++) {
        const struct corpus_file *f = &c->files[i];
        char place[1024];
        bool except;
        place_of(f->path, place, sizeof place);
        bool bare = strstr(f->path, ".buildinfo") || strstr(f->path, ".dep-v0");
        if (is_of_others(f->path) || (!bare && !inventory_wants(place))) {
            passed++;
            continue;
        }
        enum wanted wanted = wanted_of(f->path, &except);
        auto_seen s = look(f, place);
        excepted += except;
        read++;
        if (!holds(wanted, &s) && ++wrong)
            print_error("# %s: wanted %s; %zu packages, %zu claims, %s %s\n", f->path,
                        wanted == READ      ? "to be read"
                        : wanted == REFUSED ? "to be refused"
                                            : "nothing in it",
                        s.packages, s.claims, verdict_name(s.verdict), s.rules);
    }
    print_message("# %zu records read, %zu exceptions, %zu files that are no records\n", read, excepted, passed);
    assert_int_equal(wrong, 0);
    assert_int_equal(excepted, ARRAY_LEN(EXCEPTIONS));
}

/* ── what the corpus says of its databases ── */

/* name, epoch, version, release, arch, source rpm, licence, modularity label */
static bool has_package(const json_t *packages, struct span line)
{
    struct span part[8];
    size_t count = 0, i;
    const json_t *row;
    auto_buf version = BUF(1024), source = BUF(1024);
    while (count < 7 && span_take_until(&line, '\t', &part[count]))
        count++;
    part[count++] = line;
    assert_int_equal(count, 8);
    if (part[1].len && !span_equal_str(part[1], "0"))
        buf_printf(&version, "%.*s:", (int)part[1].len, (const char *)part[1].ptr);
    buf_printf(&version, "%.*s-%.*s", (int)part[2].len, (const char *)part[2].ptr, (int)part[3].len,
               (const char *)part[3].ptr);
    json_array_foreach((json_t *)(uintptr_t)packages, i, row)
    {
        if (!span_equal_str(part[0], json_get_string(row, "name", "")) ||
            strcmp(buf_str(&version), json_get_string(row, "version", "")) != 0)
            continue;
        buf_clear(&source);
        if (json_object_get(row, "source"))
            buf_printf(&source, "%s-%s.src.rpm", json_get_string(row, "source", ""),
                       json_get_string(row, "source_version", ""));
        return span_equal_str(part[4], json_get_string(row, "architecture", "")) &&
               span_equal_str(part[6], json_get_string(row, "licence", "")) &&
               (part[5].len == 0 || span_equal(part[5], buf_span(&source)));
    }
    return false;
}

static void rpm_database(const struct corpus *c, const char *database, const char *place, const char *table)
{
    const struct corpus_file *f = corpus_find(c, database), *t = corpus_find(c, table);
    struct span rest, line;
    size_t rows = 0;
    assert_non_null(f);
    assert_non_null(t);
    auto_seen s = look(f, place);
    const json_t *packages = json_object_get(s.facts, "packages");
    rest = span_of(t->bytes, t->len);
    span_take_until(&rest, '\n', &line); /* its head */
    while (span_take_until(&rest, '\n', &line)) {
        rows++;
        if (!has_package(packages, line))
            fail_msg("%s: no row as the table has it: %.*s", database, (int)line.len, (const char *)line.ptr);
    }
    assert_int_equal(json_array_size(packages), rows);
}

static void an_rpm_database_gives_the_packages_of_its_table(void **state)
{
    if (!*state)
        skip();
    rpm_database(*state, "rpmdb/sqlite-mariner2/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite",
                 "rpmdb/sqlite-mariner2/expected.tsv");
    rpm_database(*state, "rpmdb/ndb-sle15/Packages.db", "var/lib/rpm/Packages.db", "rpmdb/ndb-sle15/expected.tsv");
}

static void a_header_of_rpm_alone_is_read(void **state)
{
    struct rpm_header h;
    size_t used;
    if (!*state)
        skip();
    const struct corpus_file *f = corpus_find(*state, "rpmdb/header-blob/blob.bin");
    assert_non_null(f);
    assert_true(rpm_header_open(span_of(f->bytes, f->len), &h, &used));
    assert_int_equal(used, f->len);
    assert_true(rpm_text(&h, 1000).len > 0);
}

/* Each "dep" or "mod" line of the text stands in what was read, replaced ones as they are replaced. */
static void build_information_of_go_is_what_its_text_says(void **state)
{
    struct corpus *c = *state;
    size_t files = 0;
    if (!c)
        skip();
    for (size_t i = 0; i < c->count; i++) {
        if (!span_ends(span_str(c->files[i].path), SPAN_LIT(".buildinfo")))
            continue;
        auto_seen s = look(&c->files[i], "program");
        const json_t *packages = json_object_get(s.facts, "packages");
        files++;
        assert_int_equal(json_array_size(packages), 3);
        assert_string_equal(json_get_string(json_array_get(packages, 0), "name", ""), "stdlib");
        assert_string_equal(json_get_string(json_array_get(packages, 0), "version", ""), "1.22.0");
        assert_string_equal(json_get_string(json_array_get(packages, 2), "namespace", ""), "github.com/golang");
        assert_string_equal(json_get_string(json_array_get(packages, 2), "name", ""), "xerrors");
        assert_string_equal(json_get_string(json_array_get(packages, 2), "version", ""),
                            "v0.0.0-20220907171357-04be3eba64a2");
    }
    assert_int_equal(files, 8);
}

static void crates_of_a_program_are_those_of_its_list(void **state)
{
    static const char *const names[] = {"rust/auditable/no_deps", "rust/auditable/uses_serde_json"};
    if (!*state)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char packed[128], plain[128];
        struct err e = {0};
        snprintf(packed, sizeof packed, "%s.dep-v0", names[i]);
        snprintf(plain, sizeof plain, "%s.json", names[i]);
        const struct corpus_file *text = corpus_find(*state, plain);
        auto_json root = json_parse(span_of(text->bytes, text->len), 1U << 20, plain, &e);
        const json_t *crate, *rows = json_object_get(root, "packages");
        size_t k, wanted = 0;
        json_array_foreach((json_t *)(uintptr_t)rows, k, crate)
        {
            wanted += strcmp(json_get_string(crate, "kind", "runtime"), "build") != 0;
        }
        auto_seen s = look(corpus_find(*state, packed), "program");
        assert_int_equal(s.packages, wanted);
    }
}

static void a_system_is_named_as_its_folder_is(void **state)
{
    static const char *const known[][2] = {{"debian", "debian"},
                                           {"alpine", "alpine"},
                                           {"fedora", "fedora"},
                                           {"centos", "centos"},
                                           {"centos5", "centos"},
                                           {"centos6", "centos"},
                                           {"rockylinux", "rocky"},
                                           {"ubuntu", "ubuntu"},
                                           {"almalinux", "almalinux"},
                                           {"opensuse-leap", "opensuse"},
                                           {"redhat", "rhel"},
                                           {"amazon", "amzn"},
                                           {"arch", "arch"},
                                           {"wolfi", "wolfi"},
                                           {"photon", "photon"},
                                           {"mariner", "mariner"},
                                           {"oraclelinux", "ol"},
                                           {"sles", "sles"},
                                           {"scientific", "scientific"}};
    struct corpus *c = *state;
    size_t seen = 0;
    if (!c)
        skip();
    for (size_t i = 0; i < c->count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            char begin[128];
            snprintf(begin, sizeof begin, "os-release/syft/os/%s/", known[k][0]);
            if (strncmp(c->files[i].path, begin, strlen(begin)) != 0)
                continue;
            auto_seen s = look(&c->files[i], c->files[i].path);
            const char *id = json_get_string(json_object_get(s.facts, "system"), "id", "");
            if (strncmp(id, known[k][1], strlen(known[k][1])) != 0)
                fail_msg("%s: \"%s\"", c->files[i].path, id);
            seen++;
        }
    }
    print_message("# %zu files that name a system\n", seen);
    assert_true(seen >= 25);
}

/* ── images ── */

static enum verdict ask(const struct corpus_file *f, const char *arg, char *rules, size_t size, json_t **facts)
{
    auto_buf reply = BUF(64U << 20);
    struct err e = {0};
    enum verdict verdict = VERDICT_CLEAN;
    const json_t *finding;
    size_t i;
    if (inventory_op(span_of(f->bytes, f->len), span_str(arg), &reply, &e) < 0)
        fail_msg("%s: %s", f->path, e.msg);
    auto_json root = json_parse(buf_span(&reply), 64U << 20, "reply", &e);
    assert_non_null(root);
    assert_true(verdict_from_name(json_get_string(root, "verdict", ""), &verdict));
    json_array_foreach(json_object_get(root, "findings"), i, finding)
    {
        size_t len = strlen(rules);
        snprintf(rules + len, size - len, "%s ", json_get_string(finding, "rule", ""));
    }
    if (facts)
        *facts = json_incref(json_object_get(root, "facts"));
    return verdict;
}

/* The image, and then each of its layers. */
static enum verdict image_verdict(const struct corpus_file *f, char *rules, size_t size, size_t *layers)
{
    json_t *facts = NULL;
    const json_t *image, *layer;
    size_t i, k;
    rules[0] = '\0';
    *layers = 0;
    enum verdict worst = ask(f, "{\"path\":\"image.tar\",\"top\":true}", rules, size, &facts);
    json_array_foreach(json_object_get(facts, "images"), i, image)
    {
        json_array_foreach(json_object_get(image, "layers"), k, layer)
        {
            char arg[256];
            snprintf(arg, sizeof arg, "{\"path\":\"layer.tar\",\"layer\":true,\"offset\":%lld,\"size\":%lld}",
                     (long long)json_integer_value(json_object_get(layer, "offset")),
                     (long long)json_integer_value(json_object_get(layer, "size")));
            enum verdict v = ask(f, arg, rules, size, NULL);
            worst = v > worst ? v : worst;
            ++*layers;
        }
    }
    json_decref(facts);
    return worst;
}

static void images_are_read_layer_by_layer_and_attacks_are_refused(void **state)
{
    static const char *const attacks[] = {"images/layerscanning/symlink-attack.tar", "images/unpack/escape.tar",
                                          "images/unpack/symlinks.tar"}; /* links out of the tree */
    struct corpus *c = *state;
    size_t images = 0, refused = 0;
    if (!c)
        skip();
    for (size_t i = 0; i < c->count; i++) {
        char rules[4096];
        size_t layers;
        bool attack = false;
        if (strncmp(c->files[i].path, "images/", 7) != 0)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(attacks); k++)
            attack |= strcmp(attacks[k], c->files[i].path) == 0;
        enum verdict v = image_verdict(&c->files[i], rules, sizeof rules, &layers);
        images++;
        refused += attack;
        if (verdict_blocks(v) != attack)
            fail_msg("%s: %s %s", c->files[i].path, verdict_name(v), rules);
        bool image = !strstr(c->files[i].path, "empty") && !strstr(c->files[i].path, "escape");
        if (image && layers == 0)
            fail_msg("%s: no layer", c->files[i].path);
    }
    print_message("# %zu tars of images, %zu refused\n", images, refused);
    assert_int_equal(images, 16);
}

static int open_corpus(void **state)
{
    *state = corpus_open("packages");
    return 0;
}

static int close_corpus(void **state)
{
    corpus_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_read_or_refused_as_its_name_says),
        cmocka_unit_test(an_rpm_database_gives_the_packages_of_its_table),
        cmocka_unit_test(a_header_of_rpm_alone_is_read),
        cmocka_unit_test(build_information_of_go_is_what_its_text_says),
        cmocka_unit_test(crates_of_a_program_are_those_of_its_list),
        cmocka_unit_test(a_system_is_named_as_its_folder_is),
        cmocka_unit_test(images_are_read_layer_by_layer_and_attacks_are_refused),
    };
    return cmocka_run_group_tests(tests, open_corpus, close_corpus);
}
