/* The readers of inventories: what a record says, what it cannot hide, and what its claims do in a layer. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parse/apk_db.h"
#include "parse/claims.h"
#include "parse/image.h"
#include "parse/inventory.h"
#include "parse/python_dist.h"
#include "util/encode.h"

static const struct inspect_options LAYER = {.name = "layer.tar", .layer = true};

#define NOTHING span_of("", 0)

/* ── a record alone ── */

struct seen {
    json_t *root; /* owned: a whole reply */
    enum verdict verdict;
};

static void seen_fini(struct seen *s)
{
    json_decref(s->root);
}
#define auto_seen AUTO(seen_fini) struct seen

static struct seen read_at(const char *path, struct span bytes)
{
    auto_report r = {0};
    auto_inventory v = {0};
    auto_buf out = BUF(64U << 20);
    struct json_out w;
    struct err e = {0};
    report_init(&r, "");
    inventory_init(&v, &r);
    inventory_read(&v, path, bytes, 0);
    assert_int_equal(inventory_write(&v, &r.facts, &e), 0);
    struct seen s = {.verdict = r.verdict};
    json_out_init(&w, &out);
    json_out_object(&w);
    assert_int_equal(report_write(&r, &w, &e), 0);
    json_out_object_end(&w);
    s.root = json_parse(buf_span(&out), 64U << 20, "reply", &e);
    assert_non_null(s.root);
    return s;
}

static const json_t *list(const struct seen *s, const char *name)
{
    return json_object_get(json_object_get(s->root, "facts"), name);
}

static const char *text(const json_t *row, const char *key)
{
    return json_get_string(row, key, "(absent)");
}

/* ── dpkg ── */

static void only_what_is_installed_counts_and_half_of_it_is_said(void **state)
{
    (void)state;
    auto_seen s =
        read_at("var/lib/dpkg/status", SPAN_LIT("Package: a\nStatus: install ok installed\nVersion: 1\n\n"
                                                "Package: b\nStatus: install ok triggers-pending\nVersion: 2\n\n"
                                                "Package: c\nStatus: install ok unpacked\nVersion: 3\n\n"
                                                "Package: d\nVersion: 4\n"));
    assert_int_equal(json_array_size(list(&s, "packages")), 2);
    assert_string_equal(text(json_array_get(list(&s, "packages"), 1), "name"), "b");
    assert_string_equal(text(json_array_get(json_object_get(s.root, "findings"), 0), "rule"), "dpkg-half");
    assert_int_equal(s.verdict, VERDICT_CLEAN);
}

static void case_36_the_words_of_a_description_change_nothing(void **state)
{
    (void)state;
    auto_seen s =
        read_at("var/lib/dpkg/status",
                SPAN_LIT("Package: a\nStatus: install ok installed\nVersion: 1\nDescription: transitional package\n"
                         " Package: hidden\n Status: deinstall ok config-files\n"));
    assert_int_equal(json_array_size(list(&s, "packages")), 1);
    assert_int_equal(s.verdict, VERDICT_CLEAN);
}

static void a_database_below_a_folder_claims_files_there(void **state)
{
    (void)state;
    auto_seen s = read_at("rootfs/var/lib/dpkg/info/libc6:amd64.md5sums",
                          SPAN_LIT("0123456789abcdef0123456789abcdef  usr/lib/x\n"
                                   "0123456789abcdef0123456789abcdef  ../../../../etc/passwd\n"));
    const json_t *claim = json_array_get(list(&s, "claims"), 0), *files = json_object_get(claim, "files");
    assert_string_equal(text(claim, "name"), "libc6");
    assert_int_equal(json_array_size(files), 1); /* the other leads out of the tree */
    assert_string_equal(json_string_value(json_array_get(json_array_get(files, 0), 0)), "rootfs/usr/lib/x");
}

/* ── checksums of others ── */

static void a_checksum_of_apk_is_base64_of_one_of_two_hashes(void **state)
{
    (void)state;
    auto_buf bytes = BUF(64);
    enum hash kind;
    assert_true(apk_checksum(SPAN_LIT("Q1qUqP5cyxm6YcTAhz05Hph5gvu9M="), &kind, &bytes));
    assert_int_equal(kind, HASH_SHA1);
    assert_int_equal(bytes.len, 20);
    assert_false(apk_checksum(SPAN_LIT("Q1AAAA"), &kind, &bytes));
    assert_false(apk_checksum(SPAN_LIT("0123456789abcdef0123456789abcdef01234567"), &kind, &bytes));
}

static void a_record_of_python_has_three_fields_a_line(void **state)
{
    (void)state;
    auto_seen good = read_at("a-1.dist-info/RECORD", SPAN_LIT("\"a,b\",,\r\na/x.py,sha256=abc,3\n"));
    auto_seen bad = read_at("a-1.dist-info/RECORD", SPAN_LIT("<<<<<<< HEAD\n"));
    assert_int_equal(good.verdict, VERDICT_CLEAN);
    assert_int_equal(bad.verdict, VERDICT_SUSPICIOUS);
}

static void only_the_package_json_at_a_packages_top_is_one(void **state)
{
    (void)state;
    static const char json[] = "{\"name\":\"x\",\"version\":\"1.0.0\"}";
    static const struct {
        const char *path;
        size_t packages;
    } cases[] = {{"node_modules/x/package.json", 1},
                 {"app/node_modules/@s/x/package.json", 1},
                 {"node_modules/x/dist/esm/package.json", 0},
                 {"node_modules/a/node_modules/x/package.json", 1},
                 {"package.json", 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_seen s = read_at(cases[i].path, span_str(json));
        assert_int_equal(json_array_size(list(&s, "packages")), cases[i].packages);
    }
}

/* ── claims ── */

static void a_path_claimed_with_two_hashes_is_vouched_for_by_nobody(void **state)
{
    (void)state;
    uint8_t md5[HASH_SIZE_MAX], other[16] = {0};
    struct claims *c = claims_new();
    hash_bytes(HASH_MD5, SPAN_LIT("x"), md5);
    claims_add(c, SPAN_LIT("bin/x"), HASH_MD5, span_of(md5, 16), false);
    assert_true(claims_vouch(c, "usr/bin/x", SPAN_LIT("x")));
    assert_false(claims_vouch(c, "usr/bin/x", SPAN_LIT("y")));
    assert_false(claims_vouch(c, "opt/x", SPAN_LIT("x")));
    claims_add(c, SPAN_LIT("bin/x"), HASH_MD5, span_of(other, 16), false);
    assert_false(claims_vouch(c, "usr/bin/x", SPAN_LIT("x")));
    for (unsigned i = 0; i < 5000; i++) {
        char path[32];
        snprintf(path, sizeof path, "many/%u", i);
        claims_add(c, span_str(path), HASH_MD5, NOTHING, false);
    }
    assert_non_null(claims_find(c, "many/4999"));
    assert_false(claims_vouch(c, "many/4999", SPAN_LIT("")));
    claims_free(c);
}

static void sum_line(struct buf *b, const char *path, struct span content)
{
    uint8_t md5[HASH_SIZE_MAX];
    char hex[33];
    hash_bytes(HASH_MD5, content, md5);
    hex_encode(span_of(md5, 16), hex);
    buf_printf(b, "%s  %s\n", hex, path);
}

static struct look layer_with(struct span script, struct span claimed, const char *path)
{
    auto_buf b = BUF(1U << 20), sums = BUF(4096);
    sum_line(&sums, path, claimed);
    tar_member(&b, path, '0', 0755, "", script); /* before the record that vouches for it */
    tar_member(&b, "var/lib/dpkg/status", '0', 0644, "",
               SPAN_LIT("Package: demo\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"));
    tar_member(&b, "var/lib/dpkg/info/demo.md5sums", '0', 0644, "", buf_span(&sums));
    tar_end(&b);
    return look_at(buf_span(&b), &LAYER);
}

static void a_script_that_its_package_vouches_for_stands_in_a_layer(void **state)
{
    (void)state;
    struct span script = SPAN_LIT("#!/bin/sh\nexec true\n");
    auto_look good = layer_with(script, script, "usr/bin/demo");
    auto_look other = layer_with(script, SPAN_LIT("another"), "usr/bin/demo");
    assert_false(verdict_blocks(good.verdict));
    assert_int_equal(other.verdict, VERDICT_NOT_SCANNED);
}

static void case_35_a_record_does_not_make_a_renamed_pickle_pass(void **state)
{
    (void)state;
    struct span pickle = SPAN_LIT("\x80\x02"
                                  "cos\nsystem\nX\x02\0\0\0idR.");
    auto_look l = layer_with(pickle, pickle, "usr/share/demo/data.txt");
    assert_true(verdict_blocks(l.verdict));
}

static void a_layer_says_what_it_takes_away_and_every_hash_of_its_files(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20);
    tar_member(&b, "a/.wh.gone", '0', 0644, "", NOTHING);
    tar_member(&b, "b/.wh..wh..opq", '0', 0644, "", NOTHING);
    tar_member(&b, "c/notes.txt", '0', 0644, "", SPAN_LIT("text\n"));
    tar_member(&b, "d", '2', 0777, "c", NOTHING);
    tar_end(&b);
    auto_look l = look_at(buf_span(&b), &LAYER);
    const json_t *facts = json_object_get(l.reply, "facts"), *removed = json_object_get(facts, "removed");
    const json_t *row = json_array_get(json_object_get(facts, "tree"), 0);
    assert_string_equal(json_string_value(json_array_get(removed, 0)), "a/gone");
    assert_string_equal(json_string_value(json_array_get(removed, 1)), "b/");
    assert_int_equal(json_array_size(json_object_get(facts, "tree")), 1);
    assert_string_equal(json_string_value(json_array_get(row, 4)), "e1cbb0c3879af8347246f12c559a86b5");
    assert_string_equal(json_string_value(json_array_get(json_array_get(json_object_get(facts, "links"), 0), 1)), "c");
}

/* ── images ── */

static enum verdict image_of(struct span tar, bool *image)
{
    auto_report r = {0};
    report_init(&r, "");
    *image = image_read(tar, &r);
    return r.verdict;
}

static void an_image_whose_documents_lie_is_refused(void **state)
{
    (void)state;
    static const char *const manifests[] = {
        "[{\"Config\":\"\",\"Layers\":[\"nowhere.tar\"]}]",
        "{\"Layers\":[]}",
        "[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]}]", /* another diff_id */
        "not json",
    };
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        auto_buf b = BUF(1U << 20), layer = BUF(1U << 20);
        bool image;
        tar_member(&layer, "x", '0', 0644, "", SPAN_LIT("x"));
        tar_end(&layer);
        tar_member(&b, "manifest.json", '0', 0644, "", span_str(manifests[i]));
        tar_member(&b, "c.json", '0', 0644, "",
                   SPAN_LIT("{\"rootfs\":{\"diff_ids\":[\"sha256:"
                            "0000000000000000000000000000000000000000000000000000000000000000\"]}}"));
        tar_member(&b, "l.tar", '0', 0644, "", buf_span(&layer));
        tar_end(&b);
        assert_true(verdict_blocks(image_of(buf_span(&b), &image)));
        assert_true(image);
    }
}

static void a_tar_that_is_no_image_is_none(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20);
    bool image;
    tar_member(&b, "etc/os-release", '0', 0644, "", SPAN_LIT("ID=debian\n"));
    tar_end(&b);
    assert_int_equal(image_of(buf_span(&b), &image), VERDICT_CLEAN);
    assert_false(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_installed_counts_and_half_of_it_is_said),
        cmocka_unit_test(case_36_the_words_of_a_description_change_nothing),
        cmocka_unit_test(a_database_below_a_folder_claims_files_there),
        cmocka_unit_test(a_checksum_of_apk_is_base64_of_one_of_two_hashes),
        cmocka_unit_test(a_record_of_python_has_three_fields_a_line),
        cmocka_unit_test(only_the_package_json_at_a_packages_top_is_one),
        cmocka_unit_test(a_path_claimed_with_two_hashes_is_vouched_for_by_nobody),
        cmocka_unit_test(a_script_that_its_package_vouches_for_stands_in_a_layer),
        cmocka_unit_test(case_35_a_record_does_not_make_a_renamed_pickle_pass),
        cmocka_unit_test(a_layer_says_what_it_takes_away_and_every_hash_of_its_files),
        cmocka_unit_test(an_image_whose_documents_lie_is_refused),
        cmocka_unit_test(a_tar_that_is_no_image_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
