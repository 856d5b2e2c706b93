/* What a lock file pins is taken with its line and its hashes; what floats is refused with its line, the reason and the
 * next step. */
#include "parse/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "corpus.h"
#include "util/limits.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SRI "sha512-OfC2uemaknXr87bdLUkWog7nYuliM9Ij5HUcajsVcMCpQrcLmtxRbVFTIqmcSkSeYRBFBRxs2FiUqFJDLdiebA=="

static struct corpus *packages;

static json_t *read_bytes(const char *kind, struct span text, struct err *e)
{
    char arg[256];
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    snprintf(arg, sizeof arg, "{\"kind\":\"%s\",\"file\":\"the-file\",\"group\":\"prod\"}", kind);
    if (lock_op(text, span_str(arg), &reply, e) < 0)
        return NULL;
    json_t *root = json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", e);
    assert_non_null(root);
    return root;
}

static json_t *read_text(const char *kind, const char *text)
{
    struct err e = {0};
    json_t *root = read_bytes(kind, span_str(text), &e);
    if (!root)
        print_message("# %s\n", e.msg);
    assert_non_null(root);
    return root;
}

static size_t count(const json_t *root, const char *list)
{
    return json_array_size(json_object_get(root, list));
}

static const json_t *item(const json_t *root, const char *list, size_t i)
{
    return json_array_get(json_object_get(root, list), i);
}

static const json_t *package(const json_t *root, const char *name)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(root, "packages"), i, p)
    {
        if (strcmp(json_get_string(p, "name", ""), name) == 0)
            return p;
    }
    print_message("# no package %s\n", name);
    fail();
    return NULL;
}

static void has(const json_t *p, const char *key, const char *wanted)
{
    assert_string_equal(json_get_string(p, key, "(absent)"), wanted);
}

static json_int_t line_of(const json_t *p)
{
    return json_integer_value(json_object_get(p, "line"));
}

/* One entry, which is refused at line 2 with these words, and no package. */
static void refused(const char *kind, const char *entry, const char *why)
{
    char text[4096];
    snprintf(text, sizeof text, "# first line\n%s\n", entry);
    auto_json root = read_text(kind, text);
    const json_t *r = item(root, "refused", 0);
    if (count(root, "packages") != 0 || !strstr(json_get_string(r, "why", ""), why))
        print_message("# %s: \"%s\", wanted \"%s\"\n", entry, json_get_string(r, "why", "nothing refused"), why);
    assert_int_equal(count(root, "packages"), 0);
    assert_int_equal(count(root, "refused"), 1);
    assert_int_equal(line_of(r), 2);
    assert_non_null(strstr(json_get_string(r, "why", ""), why));
    assert_true(strlen(json_get_string(r, "how", "")) > 10);
}

/* ── requirements.txt ── */

static void a_pinned_requirement_is_taken_with_line_marker_extras_and_all_hashes(void **state)
{
    (void)state;
    auto_json root = read_text("pip", "# made by pip-compile\n"
                                      "Typing_Extensions==4.8.0 \\\n"
                                      "    --hash=sha256:" A64 " \\\n"
                                      "    --hash=sha256:" B64 "\n"
                                      "    # via\n"
                                      "    #   anyio\n"
                                      "requests[Socks, security]==2.31.0 ; python_version >= \"3.8\" \\\n"
                                      "  --hash=sha512:" A64 B64 "\n");
    assert_int_equal(count(root, "packages"), 2);
    assert_int_equal(count(root, "refused"), 0);

    const json_t *p = package(root, "typing-extensions");
    has(p, "ecosystem", "pypi");
    has(p, "version", "4.8.0");
    has(p, "group", "prod");
    assert_int_equal(line_of(p), 2);
    assert_int_equal(count(p, "hashes"), 2);
    has(item(p, "hashes", 1), "hex", B64);

    p = package(root, "requests");
    assert_int_equal(line_of(p), 7);
    has(p, "extras", "socks,security");
    has(p, "marker", "python_version >= \"3.8\"");
    has(item(p, "hashes", 0), "alg", "sha512");
}

static void a_floating_requirement_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("pip", "six", "no version");
    refused("pip", "six --hash=sha256:" A64, "no version");
    refused("pip", "six>=1.16 --hash=sha256:" A64, "a range");
    refused("pip", "six~=1.16 --hash=sha256:" A64, "a range");
    refused("pip", "six==1.* --hash=sha256:" A64, "== with *");
    refused("pip", "six==1.16.0", "no hash");
    refused("pip", "six==1.16.0 --hash=md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256, sha384 or sha512");
    refused("pip", "six===1.16.0 --hash=sha256:" A64, "===");
    refused("pip", "six== --hash=sha256:" A64, "no version follows");
    refused("pip", "six==1.16.0 --hash=sha256:abc", "sha256, sha384 or sha512");
    refused("pip", "six==1.16.0,!=2 --hash=sha256:" A64, "second condition");
    refused("pip", "six==1.16.0 --hash=sha256:" A64 " -C x=y", "other than --hash");
    refused("pip", "six==1.16.0 left --hash=sha256:" A64, "not understood");
    refused("pip", "six==1.16.0 ; --hash=sha256:" A64, "no environment marker");
    refused("pip", "six @ https://host.example/six.whl --hash=sha256:" A64, "URL");
    refused("pip", "git+https://host.example/six", "no name with a version");
    refused("pip", "./six-1.16.0.whl", "no name with a version");
    refused("pip", "${NAME}==1.0 --hash=sha256:" A64, "variable");
    refused("pip", "-e .", "editable");
    refused("pip", "-r more.txt", "another file");
    refused("pip", "-rmore.txt", "another file");
    refused("pip", "--constraint=c.txt", "another file");
    refused("pip", "--extra-index-url https://host.example/", "fetch from");
    refused("pip", "--index-url=https://host.example/", "fetch from");
    refused("pip", "--trusted-host host.example", "certificate");
    refused("pip", "--pre", "newest");
    refused("pip", "--no-binary :all:", "not known");
}

static void an_option_that_changes_nothing_is_fine(void **state)
{
    (void)state;
    auto_json root = read_text("pip", "--require-hashes\nsix==1.16.0 --hash=sha256:" A64);
    assert_int_equal(count(root, "packages"), 1);
    assert_int_equal(count(root, "refused"), 0);
}

static void a_name_stands_twice_only_where_markers_keep_the_two_apart(void **state)
{
    (void)state;
    auto_json apart = read_text("pip", "six==1.15 ; python_version < \"3\" --hash=sha256:" A64 "\n"
                                       "six==1.16 ; python_version >= \"3\" --hash=sha256:" B64 "\n");
    assert_int_equal(count(apart, "packages"), 2);
    auto_json twice = read_text("pip", "six==1.15 --hash=sha256:" A64 "\n"
                                       "Six==1.16 ; python_version >= \"3\" --hash=sha256:" B64 "\n");
    assert_int_equal(count(twice, "packages"), 1);
    assert_int_equal(line_of(item(twice, "refused", 0)), 2);
}

static void more_refusals_than_are_listed_are_counted(void **state)
{
    (void)state;
    auto_buf text = BUF(1U << 20);
    for (size_t i = 0; i < LOCK_REFUSED_MAX + 7; i++)
        buf_add_str(&text, "six\n");
    auto_json root = read_text("pip", buf_str(&text));
    assert_int_equal(count(root, "refused"), LOCK_REFUSED_MAX);
    assert_int_equal(json_integer_value(json_object_get(root, "refused_more")), 7);
}

static void what_only_others_take_for_a_line_end_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const ends[] = {"\r",       "\f",           "\v",           "\x1c", "\x1d", "\x1e",
                                       "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\r\r", "\x1b", "\x7f"};
    static const struct {
        const char *kind, *pinned, *hidden;
    } kinds[] = {{"pip", "six==1.0 --hash=sha256:" A64, "requests>=2"},
                 {"apt", "curl=7.88.1-10", "wget"},
                 {"images", "debian@sha256:" A64, "debian:latest"},
                 {"models", "org/name@0123456789012345678901234567890123456789", "org/name@main"}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        char text[1024];
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            snprintf(text, sizeof text, "%s\r\n# c%s%s\n", kinds[k].pinned, ends[i], kinds[k].hidden);
            auto_json root = read_text(kinds[k].kind, text);
            assert_int_equal(count(root, "packages"), 0);
            assert_true(count(root, "refused") >= 1);
            assert_int_equal(line_of(item(root, "refused", 0)), 2);
            assert_non_null(strstr(json_get_string(item(root, "refused", 0), "why", ""), "behind the character U+"));
            const json_t *last = item(root, "refused", count(root, "refused") - 1);
            has(last, "text", kinds[k].hidden);
        }
        snprintf(text, sizeof text, "# \xc3\x85 \xe2\x80\xa6\t\r\n%s\r\n", kinds[k].pinned);
        auto_json root = read_text(kinds[k].kind, text);
        assert_int_equal(count(root, "packages"), 1);
        assert_int_equal(count(root, "refused"), 0);
    }
}

static void a_control_character_ends_the_reading_of_toml_and_json(void **state)
{
    (void)state;
    static const char *const ends[] = {"\r", "\f", "\v", "\x1c", "\x7f"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char text[512];
        struct err e = {0};
        snprintf(text, sizeof text, "version = 1\n# c%s[[package]]\n", ends[i]);
        assert_null(read_bytes("uv", span_str(text), &e));
        snprintf(text, sizeof text, "version = 1%s[[package]]\n", ends[i]);
        assert_null(read_bytes("uv", span_str(text), &e));
        if (ends[i][0] == 0x7f)
            continue; /* RFC 8259 allows it in a string, where it ends nothing */
        snprintf(text, sizeof text, "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/a%s\": {}}}", ends[i]);
        assert_null(read_bytes("npm", span_str(text), &e));
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void a_requirements_file_in_another_encoding_is_refused(void **state)
{
    (void)state;
    refused("pip", "# -*- coding: utf-7 -*- +AAo-requests", "another encoding");
    refused("pip", "# vim: fileencoding=latin-1", "another encoding");
    refused("pip", "# coding: utf-8x", "another encoding");
    auto_json root = read_text("pip", "# -*- coding: UTF-8 -*-\n# decoding: c\n");
    assert_int_equal(count(root, "refused"), 1);
    auto_json fine = read_text("pip", "# -*- coding: UTF-8 -*-\n#\n# coding: c\nsix==1.0 --hash=sha256:" A64 "\n");
    assert_int_equal(count(fine, "refused"), 0);
    assert_int_equal(count(fine, "packages"), 1);
}

static void what_is_no_text_is_no_lock_file(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(read_bytes("pip", SPAN_LIT("six==1\0.0"), &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(read_bytes("apt", SPAN_LIT("\xff\xfe"), &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(read_bytes("gradle", SPAN_LIT(""), &e));
    assert_int_equal(e.code, ERR_USAGE);
}

/* ── packages.txt, images.txt, models.txt ── */

static void a_deb_with_its_version_is_taken(void **state)
{
    (void)state;
    auto_json root = read_text("apt", "libc6:amd64=2.36-9+deb12u8\n\nhello=1:2.10~rc1-3 sha256:" A64 " # why\n");
    assert_int_equal(count(root, "refused"), 0);
    has(package(root, "libc6"), "architecture", "amd64");
    has(package(root, "libc6"), "version", "2.36-9+deb12u8");
    has(package(root, "hello"), "version", "1:2.10~rc1-3");
    has(package(root, "hello"), "architecture", "(absent)");
    assert_int_equal(line_of(package(root, "hello")), 3);
    has(item(package(root, "hello"), "hashes", 0), "hex", A64);
}

static void a_floating_deb_is_refused(void **state)
{
    (void)state;
    refused("apt", "hello", "no version");
    refused("apt", "hello/bookworm", "suite");
    refused("apt", "hello=2.*", "range");
    refused("apt", "hello=", "no version");
    refused("apt", "Hello=1", "no name");
    refused("apt", "hello:=1", "architecture");
    refused("apt", "hello=1 world=2", "one package is named a line");
}

static void an_image_by_digest_and_a_model_by_commit_are_taken(void **state)
{
    (void)state;
    auto_json images = read_text("images", "library/debian@sha256:" A64 "\n");
    has(package(images, "library/debian"), "version", "sha256:" A64);
    has(item(package(images, "library/debian"), "hashes", 0), "hex", A64);

    auto_json models = read_text("models", "Org/Name-1.5@0123456789012345678901234567890123456789\n");
    has(package(models, "Org/Name-1.5"), "version", "0123456789012345678901234567890123456789");
    auto_json bare = read_text("models", "myapp@0123456789012345678901234567890123456789\n");
    has(package(bare, "myapp"), "version", "0123456789012345678901234567890123456789");
}

static void a_tag_or_a_branch_is_refused(void **state)
{
    (void)state;
    refused("images", "debian", "latest");
    refused("images", "debian:12", "tag");
    refused("images", "debian:12@sha256:" A64, "beside the digest");
    refused("images", "debian@sha256:abc", "no sha256");
    refused("images", "Debian@sha256:" A64, "no name");
    refused("images", "a//b@sha256:" A64, "no name");
    refused("models", "org/name", "main branch");
    refused("models", "org/name@main", "branch");
    refused("models", "org/name@0123456", "short commit");
    refused("models", "/name@0123456789012345678901234567890123456789", "no ORGANISATION/NAME");
    refused("models", "a/../b@0123456789012345678901234567890123456789", "no ORGANISATION/NAME");
}

/* ── package-lock.json ── */

static void an_npm_lock_of_version_3_is_read_with_lines_and_groups(void **state)
{
    (void)state;
    auto_json root = read_text("npm", "{\"lockfileVersion\": 3, \"packages\": {\n"
                                      "\"\": {\"dependencies\": {\"@s/a\": \"^1\"}},\n"
                                      "\"node_modules/@s/a\": {\"version\": \"1.0.0\", \"integrity\": \"" SRI "\",\n"
                                      "  \"resolved\": \"https://host.example/a.tgz\"},\n"
                                      "\"node_modules/b\": {\"version\": \"2.0.0\", \"dev\": true,\n"
                                      "  \"optional\": true, \"integrity\": \"" SRI "\"},\n"
                                      "\"own\": {\"version\": \"0.0.1\"},\n"
                                      "\"node_modules/own\": {\"resolved\": \"own\", \"link\": true}}}");
    assert_int_equal(count(root, "refused"), 0);
    assert_int_equal(count(root, "packages"), 2);
    const json_t *a = package(root, "@s/a"), *b = package(root, "b");
    assert_int_equal(line_of(a), 3);
    has(a, "group", "prod");
    has(a, "url", "https://host.example/a.tgz");
    has(item(a, "hashes", 0), "alg", "sha512");
    assert_int_equal(strlen(json_get_string(item(a, "hashes", 0), "hex", "")), 128);
    assert_int_equal(line_of(b), 5);
    has(b, "group", "dev");
    assert_true(json_is_true(json_object_get(b, "optional")));
}

static void a_package_that_stands_in_both_groups_of_an_npm_lock_is_for_production(void **state)
{
    (void)state;
    auto_json root = read_text(
        "npm", "{\"lockfileVersion\": 1, \"dependencies\": {\n"
               "\"b\": {\"version\": \"2.0.0\", \"dev\": true, \"integrity\": \"" SRI "\"},\n"
               "\"a\": {\"version\": \"npm:real@1.0.0\", \"integrity\": \"" SRI "\", \"requires\": {\"b\": \"2\"},\n"
               " \"dependencies\": {\"b\": {\"version\": \"2.0.0\", \"integrity\": \"" SRI "\"}}}}}");
    assert_int_equal(count(root, "packages"), 2);
    has(package(root, "b"), "group", "prod");
    has(package(root, "real"), "version", "1.0.0");
    assert_int_equal(line_of(package(root, "real")), 3);
}

/* One entry of `packages`, which is refused. */
static void npm_refused(const char *about, const char *why)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"lockfileVersion\": 2, \"packages\": {\n\"node_modules/a\": %s}}", about);
    auto_json root = read_text("npm", text);
    const json_t *r = item(root, "refused", 0);
    if (count(root, "refused") != 1 || !strstr(json_get_string(r, "why", ""), why))
        print_message("# %s: %s\n", about, json_get_string(r, "why", "nothing"));
    assert_int_equal(count(root, "refused"), 1);
    assert_int_equal(line_of(r), 2);
    has(r, "text", "node_modules/a");
    assert_non_null(strstr(json_get_string(r, "why", ""), why));
}

static void an_npm_entry_without_a_strong_hash_or_from_elsewhere_is_refused(void **state)
{
    (void)state;
    npm_refused("{\"version\": \"1.0.0\"}", "no \"integrity\"");
    npm_refused("{\"version\": \"1.0.0\", \"integrity\": \"sha1-kbR5JYinc4wl813W9jdSovh3YTU=\"}", "sha1");
    npm_refused("{\"version\": \"1.0.0\", \"resolved\": \"git+ssh://g.example/a#main\", \"integrity\": \"" SRI "\"}",
                "repository");
    npm_refused("{\"version\": \"https://host.example/a.tgz\", \"integrity\": \"" SRI "\"}", "URL");
    npm_refused("{\"version\": \"^1.0.0\", \"integrity\": \"" SRI "\"}", "no version");
    npm_refused("{\"version\": \"1.0.0\", \"name\": \"../a\", \"integrity\": \"" SRI "\"}", "name");
    npm_refused("{\"version\": \"1.0.0\", \"integrity\": \"" SRI "\", \"dependencies\": {\"gone\": \"1\"}}",
                "needs gone");
}

static void a_folder_is_taken_for_the_projects_own_only_inside_it(void **state)
{
    (void)state;
    static const char *const outside[] = {"../x", "a/../../x", "/x", "..", "file:x", "C:x", "a\\\\..\\\\x"};
    char about[256];
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        snprintf(about, sizeof about, "{\"resolved\": \"%s\", \"link\": true}", outside[i]);
        npm_refused(about, "outside the project");
    }
    npm_refused("{\"link\": true}", "outside the project");
    npm_refused("{\"version\": \"file:../x\"}", "outside the project");
    npm_refused("{\"resolved\": \"packages/x\", \"link\": true}", "does not hold");
    npm_refused("{\"version\": \"1.0.0\", \"inBundle\": true}", "no \"integrity\"");

    auto_json root = read_text("npm", "{\"lockfileVersion\": 3, \"packages\": {\n\"\": {},\n"
                                      "\"packages/x\": {\"version\": \"1.0.0\"},\n"
                                      "\"packages/x/node_modules/a\": {\"version\": \"1.0.0\"},\n"
                                      "\"../y\": {\"version\": \"1.0.0\"},\n"
                                      "\"node_modules/self\": {\"resolved\": \"\", \"link\": true},\n"
                                      "\"node_modules/x\": {\"resolved\": \"packages/x\", \"link\": true}}}");
    assert_int_equal(count(root, "packages"), 0);
    assert_int_equal(count(root, "refused"), 2);
    assert_int_equal(line_of(item(root, "refused", 0)), 4); /* a workspace's own package needs a hash too */
    assert_int_equal(line_of(item(root, "refused", 1)), 5);
}

static void what_comes_in_the_archive_of_a_package_needs_no_hash_of_its_own(void **state)
{
    (void)state;
    auto_json root =
        read_text("npm", "{\"lockfileVersion\": 3, \"packages\": {\n"
                         "\"node_modules/a\": {\"version\": \"1.0.0\", \"integrity\": \"" SRI "\"},\n"
                         "\"node_modules/a/node_modules/b\": {\"version\": \"1.0.0\", \"inBundle\": true},\n"
                         "\"node_modules/c/node_modules/b\": {\"version\": \"1.0.0\", \"inBundle\": true}}}");
    assert_int_equal(count(root, "packages"), 1);
    assert_int_equal(count(root, "refused"), 1);
    assert_int_equal(line_of(item(root, "refused", 0)), 4);
}

static void node_looks_for_what_a_package_needs_in_each_folder_above(void **state)
{
    (void)state;
    auto_json root = read_text(
        "npm",
        "{\"lockfileVersion\": 3, \"packages\": {"
        "\"node_modules/a\": {\"version\": \"1.0.0\", \"integrity\": \"" SRI "\", \"dependencies\": {\"b\": \"1\"}},"
        "\"node_modules/a/node_modules/c\": {\"version\": \"1.0.0\", \"integrity\": \"" SRI "\","
        " \"dependencies\": {\"b\": \"1\", \"a\": \"1\"}, \"optionalDependencies\": {\"gone\": \"1\"}},"
        "\"node_modules/b\": {\"version\": \"1.0.0\", \"integrity\": \"" SRI "\"}}}");
    assert_int_equal(count(root, "refused"), 0);
    assert_int_equal(count(root, "packages"), 3);
}

/* ── files that their tools wrote ── */

static void corpus_is(const char *kind, const char *path, size_t wanted_packages, size_t wanted_refused)
{
    const struct corpus_file *f = corpus_find(packages, path);
    struct err e = {0};
    assert_non_null(f);
    auto_json root = read_bytes(kind, span_of(f->bytes, f->len), &e);
    size_t found = count(root, "packages"), refused = count(root, "refused");
    if (!root || found != wanted_packages || refused != wanted_refused)
        print_message("# %s: %zu packages, %zu refused; wanted %zu, %zu %s\n", path, found, refused, wanted_packages,
                      wanted_refused, e.msg);
    assert_non_null(root);
    assert_int_equal(found, wanted_packages);
    assert_int_equal(refused, wanted_refused);
}

static void corpus_is_none(const char *kind, const char *path)
{
    const struct corpus_file *f = corpus_find(packages, path);
    struct err e = {0};
    assert_non_null(f);
    auto_json root = read_bytes(kind, span_of(f->bytes, f->len), &e);
    assert_null(root);
    assert_int_equal(e.code, ERR_INPUT);
    assert_true(strlen(e.msg) > 10);
}

static void npm_locks_of_others_come_out_with_the_right_counts(void **state)
{
    (void)state;
    if (!packages)
        skip();
#define NPM "npm/package-lock/osv-scalibr/"
    corpus_is("npm", NPM "alias.v1.json", 3, 7);
    corpus_is("npm", NPM "alias.v2.json", 3, 7);
    corpus_is("npm", NPM "bundled-dependencies.v3.json", 3, 0);
    corpus_is("npm", NPM "commits.v1.json", 1, 28);
    corpus_is("npm", NPM "commits.v2.json", 1, 33);
    corpus_is("npm", NPM "empty.v1.json", 0, 0);
    corpus_is("npm", NPM "empty.v2.json", 0, 0);
    corpus_is("npm", NPM "files.v1.json", 0, 1);
    corpus_is("npm", NPM "files.v2.json", 0, 5);
    corpus_is("npm", NPM "nested-dependencies-dup.v1.json", 37, 156);
    corpus_is("npm", NPM "nested-dependencies-dup.v2.json", 1, 36);
    corpus_is("npm", NPM "nested-dependencies.v1.json", 5, 9);
    corpus_is("npm", NPM "nested-dependencies.v2.json", 5, 9);
    corpus_is("npm", NPM "one-package-dev.v1.json", 0, 1);
    corpus_is("npm", NPM "one-package.v2.json", 0, 1);
    corpus_is("npm", NPM "optional-package.v2.json", 1, 2);
    corpus_is("npm", NPM "same-package-different-groups.v1.json", 1, 22);
    corpus_is("npm", NPM "same-package-different-groups.v2.json", 1, 22);
    corpus_is("npm", NPM "scoped-packages.v2.json", 1, 2);
    corpus_is("npm", NPM "two-packages.v2.json", 1, 2);
    corpus_is("npm", "npm/syft/pkg-lock/alias-package-lock-1.json", 3, 0);
    corpus_is("npm", "npm/syft/pkg-lock/alias-package-lock-2.json", 3, 0);
    corpus_is("npm", "npm/syft/pkg-lock/array-license-package-lock.json", 0, 2);
    corpus_is("npm", "npm/syft/pkg-lock/nested-package-lock-1.json", 0, 9);
    corpus_is("npm", "npm/syft/pkg-lock/package-lock-2.json", 1, 4);
    corpus_is("npm", "npm/syft/pkg-lock/package-lock-3.json", 5, 0);
    corpus_is("npm", "npm/syft/pkg-lock/package-lock.json", 4, 9);
    corpus_is_none("npm", NPM "not-json.txt");
    corpus_is_none("npm", "npm/syft/corrupt/package-lock.json");
}

static void requirements_of_others_come_out_with_the_right_counts(void **state)
{
    (void)state;
    if (!packages)
        skip();
#define PIP "python/requirements/osv-scalibr/"
    corpus_is("pip", "python/syft/requires/requirements.txt", 1, 21);
    corpus_is("pip", PIP "comments.txt", 0, 5);
    corpus_is("pip", PIP "env_var.txt", 0, 3);
    corpus_is("pip", PIP "example.txt", 0, 13);
    corpus_is("pip", PIP "extras.txt", 0, 2);
    corpus_is("pip", PIP "invalid.txt", 0, 5);
    corpus_is("pip", PIP "loop.txt", 0, 1);
    corpus_is("pip", PIP "multiline_and_comments.txt", 0, 2);
    corpus_is("pip", PIP "per_req_options.txt", 0, 18);
    corpus_is("pip", PIP "trailing_backslash.txt", 0, 1);
    corpus_is("pip", PIP "with_versions.txt", 0, 11);
}

/* ── uv, Poetry, pylock.toml ── */

#define UV_HEAD "version = 1\n"
#define UV_FILE                                                                                                     \
    "source = { registry = \"r\" }\nsdist = { url = \"https://files.example/p-1%2Bx.tar.gz\", hash = \"sha256:" A64 \
    "\" }\n"

static const json_t *in_group(const json_t *root, const char *name, const char *group)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(root, "packages"), i, p)
    {
        if (strcmp(json_get_string(p, "name", ""), name) == 0 && strcmp(json_get_string(p, "group", ""), group) == 0)
            return p;
    }
    return NULL;
}

static void a_uv_lock_gives_each_package_the_groups_and_the_condition_of_the_ways_that_lead_to_it(void **state)
{
    (void)state;
    auto_json root = read_text("uv", UV_HEAD "[[package]]\nname = \"app\"\nsource = { editable = \".\" }\n"
                                             "dependencies = [{ name = \"a\", extra = [\"fast\"] }]\n"
                                             "[package.dev-dependencies]\ndev = [{ name = \"b\" }, { name = \"d\" }]\n"
                                             "[package.optional-dependencies]\ncli = [{ name = \"d\" }]\n"
                                             "[[package]]\nname = \"a\"\nversion = \"1\"\n" UV_FILE
                                             "dependencies = [{ name = \"b\", marker = \"m1\" }]\n"
                                             "[package.optional-dependencies]\nfast = [{ name = \"c\" }]\n"
                                             "[[package]]\nname = \"b\"\nversion = \"1\"\n" UV_FILE
                                             "dependencies = [{ name = \"c\", marker = \"m2\" }, { name = \"a\" }]\n"
                                             "[[package]]\nname = \"c\"\nversion = \"1\"\n" UV_FILE
                                             "[[package]]\nname = \"d\"\nversion = \"1\"\n" UV_FILE
                                             "[[package]]\nname = \"e\"\nversion = \"1\"\n" UV_FILE);
    assert_int_equal(count(root, "refused"), 0);
    has(in_group(root, "a", "prod"), "marker", "(absent)");
    has(in_group(root, "b", "prod"), "marker", "((m1))");
    has(in_group(root, "c", "prod"), "marker", "(absent)"); /* by a's extra; by b it would have conditions */
    has(item(in_group(root, "a", "prod"), "files", 0), "filename", "p-1+x.tar.gz");
    assert_non_null(in_group(root, "d", "dev"));
    assert_non_null(in_group(root, "d", "cli"));
    assert_null(in_group(root, "d", "prod"));
    assert_null(in_group(root, "b", "dev"));      /* prod has it already */
    assert_non_null(in_group(root, "e", "prod")); /* nothing leads to it: not left out */
    assert_int_equal(line_of(in_group(root, "a", "prod")), 10);
}

static void a_uv_lock_with_what_is_not_from_an_index_or_not_there_is_refused(void **state)
{
    (void)state;
    auto_json root = read_text(
        "uv", UV_HEAD "[[package]]\nname = \"app\"\nsource = { virtual = \".\" }\n"
                      "dependencies = [\n{ name = \"gone\" },\n{ name = \"g\", marker = \"extra == 'extra-1-x'\" }]\n"
                      "[[package]]\nname = \"g\"\nversion = \"1\"\nsource = { git = \"https://git.example/g\" }\n"
                      "[[package]]\nname = \"h\"\nversion = \"1\"\nsource = { registry = \"r\" }\n");
    assert_int_equal(count(root, "packages"), 0);
    assert_int_equal(count(root, "refused"), 4);
    assert_non_null(strstr(json_get_string(item(root, "refused", 0), "why", ""), "does not hold it"));
    assert_int_equal(line_of(item(root, "refused", 0)), 6);
    assert_non_null(strstr(json_get_string(item(root, "refused", 1), "why", ""), "exclude each other"));
    assert_non_null(strstr(json_get_string(item(root, "refused", 2), "why", ""), "repository"));
    assert_non_null(strstr(json_get_string(item(root, "refused", 3), "why", ""), "no file with a hash"));
}

static void a_folder_of_a_uv_lock_is_the_projects_own_only_inside_it(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        size_t refused;
    } cases[] = {{"editable = \".\"", 0},
                 {"editable = \"packages/a\"", 0},
                 {"virtual = \"packages/a\"", 0},
                 {"directory = \"../a\"", 1},
                 {"editable = \"packages/../..\"", 1},
                 {"virtual = \"../a\"", 1},
                 {"directory = \"/srv/a\"", 1},
                 {"path = \"a-1.whl\"", 1},
                 {"git = \"https://git.example/a\", editable = \".\"", 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[512];
        snprintf(text, sizeof text, UV_HEAD "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { %s }\n",
                 cases[i].source);
        auto_json root = read_text("uv", text);
        assert_int_equal(count(root, "packages"), 0);
        assert_int_equal(count(root, "refused"), cases[i].refused);
    }
}

static void a_poetry_lock_gives_groups_and_one_that_has_none_is_not_taken_for_production(void **state)
{
    (void)state;
#define POETRY_FILE "files = [{file = \"p-1.tar.gz\", hash = \"sha256:" A64 "\"}]\n"
    auto_json root =
        read_text("poetry", "[[package]]\nname = \"A_b\"\nversion = \"1\"\ngroups = [\"dev\", \"main\"]\n" POETRY_FILE
                            "[[package]]\nname = \"c\"\nversion = \"1\"\ngroups = [\"dev\", \"test\"]\n" POETRY_FILE
                            "[[package]]\nname = \"d\"\nversion = \"1\"\noptional = true\ngroups = [\"main\"]\n"
                            "markers = \"extra == 'x'\"\n" POETRY_FILE);
    assert_int_equal(count(root, "refused"), 0);
    assert_int_equal(count(root, "packages"), 4);
    assert_non_null(in_group(root, "a-b", "prod"));
    assert_non_null(in_group(root, "c", "dev"));
    assert_non_null(in_group(root, "c", "test"));
    has(in_group(root, "d", "optional"), "marker", "(absent)");

    auto_json old = read_text("poetry", "[[package]]\nname = \"a\"\nversion = \"1\"\n" POETRY_FILE
                                        "[[package]]\nname = \"b\"\nversion = \"1\"\n" POETRY_FILE);
    assert_int_equal(count(old, "refused"), 1);
    assert_non_null(strstr(json_get_string(item(old, "refused", 0), "how", ""), "Poetry 2"));
}

static void python_locks_of_others_come_out_with_the_right_counts(void **state)
{
    (void)state;
    if (!packages)
        skip();
    corpus_is("uv", "python/uv.lock/osv-scalibr/grouped-packages.lock", 25, 0);
    corpus_is("uv", "python/uv.lock/osv-scalibr/names-outside-package-block.lock", 0, 2);
    corpus_is("uv", "python/uv.lock/osv-scalibr/no-dependencies.lock", 0, 0);
    corpus_is("uv", "python/uv.lock/osv-scalibr/one-package.lock", 1, 0);
    corpus_is("uv", "python/uv.lock/osv-scalibr/source-git.lock", 0, 1);
    corpus_is("uv", "python/uv.lock/osv-scalibr/two-packages.lock", 2, 0);
    corpus_is("uv", "python/syft/uv/conflicting-with-extras/uv.lock", 21, 0);
    corpus_is("uv", "python/syft/uv/multiple-extras/uv.lock", 16, 0);
    corpus_is("uv", "python/syft/uv/nested-extras/uv.lock", 41, 0);
    corpus_is("uv", "python/syft/uv/simple-deps/uv.lock", 5, 0);
    corpus_is_none("uv", "python/uv.lock/osv-scalibr/empty.lock");
    corpus_is_none("uv", "python/uv.lock/osv-scalibr/not-toml.txt");
    corpus_is("poetry", "python/poetry.lock/osv-scalibr/empty.lock", 0, 0);
    corpus_is("poetry", "python/poetry.lock/osv-scalibr/multiple-packages.v2.lock", 14, 0);
    corpus_is("poetry", "python/poetry.lock/osv-scalibr/one-package-with-metadata.lock", 1, 0);
    corpus_is("poetry", "python/poetry.lock/osv-scalibr/source-git.lock", 0, 1);
    corpus_is("poetry", "python/poetry.lock/osv-scalibr/source-legacy.lock", 0, 1);
    corpus_is("poetry", "python/syft/poetry/case-sensitivity/poetry.lock", 1, 2);
    corpus_is("poetry", "python/syft/poetry/conflicting-with-extras/poetry.lock", 21, 1);
    corpus_is("poetry", "python/syft/poetry/dev-deps/poetry.lock", 4, 0);
    corpus_is("poetry", "python/syft/poetry/nested-extras/poetry.lock", 39, 1);
    corpus_is_none("poetry", "python/poetry.lock/osv-scalibr/empty-file.lock");
    corpus_is("pylock", "python/pylock.toml/osv-scalibr/commits.toml", 6, 2);
    corpus_is("pylock", "python/pylock.toml/osv-scalibr/example.toml", 3, 0);
    corpus_is("pylock", "python/pylock.toml/osv-scalibr/pdm-full.toml", 0, 10);
    corpus_is("pylock", "python/pylock.toml/osv-scalibr/pip-full.toml", 5, 0);
    corpus_is("pylock", "python/pylock.toml/packaging/pylock.spec-example.toml", 3, 0);
    corpus_is_none("pylock", "python/pylock.toml/osv-scalibr/empty.toml");
}

/* Whatever lies in the corpus, read as every kind: an answer or an error, and no crash. */
static void no_file_of_the_corpus_breaks_a_reader(void **state)
{
    static const char *const kinds[] = {"pip", "uv", "poetry", "pylock", "npm", "apt", "images", "models"};
    size_t answers = 0;
    (void)state;
    if (!packages)
        skip();
    for (size_t i = 0; i < packages->count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            struct err e = {0};
            auto_json root = read_bytes(kinds[k], span_of(packages->files[i].bytes, packages->files[i].len), &e);
            assert_true(root || e.msg[0]);
            answers += root != NULL;
        }
    }
    assert_true(answers > packages->count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pinned_requirement_is_taken_with_line_marker_extras_and_all_hashes),
        cmocka_unit_test(a_floating_requirement_is_refused_with_its_line),
        cmocka_unit_test(an_option_that_changes_nothing_is_fine),
        cmocka_unit_test(a_name_stands_twice_only_where_markers_keep_the_two_apart),
        cmocka_unit_test(more_refusals_than_are_listed_are_counted),
        cmocka_unit_test(what_only_others_take_for_a_line_end_is_refused_with_its_line),
        cmocka_unit_test(a_control_character_ends_the_reading_of_toml_and_json),
        cmocka_unit_test(a_requirements_file_in_another_encoding_is_refused),
        cmocka_unit_test(what_is_no_text_is_no_lock_file),
        cmocka_unit_test(a_deb_with_its_version_is_taken),
        cmocka_unit_test(a_floating_deb_is_refused),
        cmocka_unit_test(an_image_by_digest_and_a_model_by_commit_are_taken),
        cmocka_unit_test(a_tag_or_a_branch_is_refused),
        cmocka_unit_test(an_npm_lock_of_version_3_is_read_with_lines_and_groups),
        cmocka_unit_test(a_package_that_stands_in_both_groups_of_an_npm_lock_is_for_production),
        cmocka_unit_test(an_npm_entry_without_a_strong_hash_or_from_elsewhere_is_refused),
        cmocka_unit_test(a_folder_is_taken_for_the_projects_own_only_inside_it),
        cmocka_unit_test(what_comes_in_the_archive_of_a_package_needs_no_hash_of_its_own),
        cmocka_unit_test(node_looks_for_what_a_package_needs_in_each_folder_above),
        cmocka_unit_test(a_uv_lock_gives_each_package_the_groups_and_the_condition_of_the_ways_that_lead_to_it),
        cmocka_unit_test(a_uv_lock_with_what_is_not_from_an_index_or_not_there_is_refused),
        cmocka_unit_test(a_folder_of_a_uv_lock_is_the_projects_own_only_inside_it),
        cmocka_unit_test(a_poetry_lock_gives_groups_and_one_that_has_none_is_not_taken_for_production),
        cmocka_unit_test(python_locks_of_others_come_out_with_the_right_counts),
        cmocka_unit_test(no_file_of_the_corpus_breaks_a_reader),
        cmocka_unit_test(npm_locks_of_others_come_out_with_the_right_counts),
        cmocka_unit_test(requirements_of_others_come_out_with_the_right_counts),
    };
    packages = corpus_open("packages");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    corpus_free(packages);
    return failed;
}
