/* Archives and image layers: where a member would be written, what it is, what is in it, and what hides around it. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct inspect_options LAYER = {.name = "layer.tar", .layer = true};

#define NOTHING span_of("", 0)
#define TEXT    SPAN_LIT("some text\n")

/* An archive of one member comes out so. */
static void one_member(const char *name, char type, unsigned mode, const char *link, enum verdict verdict,
                       const char *rule)
{
    auto_buf b = BUF(1U << 20);
    tar_member(&b, name, type, mode, link, type == '0' ? TEXT : NOTHING);
    tar_end(&b);
    auto_look l = look_at(buf_span(&b), &LAYER);
    assert_int_equal(l.verdict, verdict);
    assert_true(rule ? look_has(&l, rule) : l.rules[0] == '\0');
}

static void an_honest_layer_is_clean(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), elf = BUF(4096);
    elf_file(&elf, 5, 6);
    tar_member(&b, "./", '5', 0755, "", NOTHING);
    tar_member(&b, "./bin/", '5', 0755, "", NOTHING);
    tar_member(&b, "./bin/program", '0', 0755, "", buf_span(&elf));
    tar_member(&b, "./bin/other", '1', 0755, "./bin/program", NOTHING);
    tar_member(&b, "./lib", '2', 0777, "usr/lib", NOTHING);
    tar_member(&b, "./etc/alternatives/x", '2', 0777, "/bin/program", NOTHING);
    tar_member(&b, "./etc/y", '2', 0777, "../bin/program", NOTHING);
    tar_member(&b, "./etc/notes.txt", '0', 0644, "", TEXT);
    tar_member(&b, "./etc/.wh.gone", '0', 0644, "", NOTHING);
    tar_end(&b);

    auto_look l = look_at(buf_span(&b), &LAYER);

    assert_string_equal(l.rules, "");
    const json_t *facts = json_object_get(l.reply, "facts");
    assert_int_equal(json_integer_value(json_object_get(facts, "whiteouts")), 1);
    const json_t *program = json_array_get(json_object_get(facts, "files"), 0);
    assert_string_equal(json_get_string(program, "path", ""), "bin/program");
    assert_string_equal(json_get_string(json_object_get(program, "facts"), "machine", ""), "x86_64");
    struct digest id = digest_of(buf_span(&elf));
    assert_string_equal(json_get_string(program, "sha256", ""), digest_hex(&id).text);
}

static void a_member_above_the_tree_is_malicious(void **state)
{
    (void)state;
    one_member("../outside", '0', 0644, "", VERDICT_MALICIOUS, "tar-path");
    one_member("a/b/../../../outside", '0', 0644, "", VERDICT_MALICIOUS, "tar-path");
    one_member("a/..", '5', 0755, "", VERDICT_MALICIOUS, "tar-path");
}

static void an_absolute_member_is_refused(void **state)
{
    (void)state;
    one_member("/etc/passwd", '0', 0644, "", VERDICT_SUSPICIOUS, "tar-absolute");
}

static void a_member_behind_a_symbolic_link_is_malicious_in_either_order(void **state)
{
    (void)state;
    auto_buf first = BUF(1U << 20), last = BUF(1U << 20);
    tar_member(&first, "x", '2', 0777, "/etc", NOTHING);
    tar_member(&first, "x/passwd", '0', 0644, "", TEXT);
    tar_end(&first);
    tar_member(&last, "x/passwd", '0', 0644, "", TEXT);
    tar_member(&last, "x", '2', 0777, "/etc", NOTHING);
    tar_end(&last);

    auto_look l = look_at(buf_span(&first), &LAYER), m = look_at(buf_span(&last), &LAYER);

    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
    assert_true(look_has(&l, "tar-through-symlink"));
    assert_int_equal(m.verdict, VERDICT_MALICIOUS);
}

static void a_symbolic_link_out_of_the_tree_is_refused(void **state)
{
    (void)state;
    one_member("a/link", '2', 0777, "../../outside", VERDICT_SUSPICIOUS, "tar-symlink");
    one_member("a/link", '2', 0777, "b/../../../outside", VERDICT_SUSPICIOUS, "tar-symlink");
    one_member("a/link", '2', 0777, "../inside", VERDICT_CLEAN, NULL);
}

static void a_hard_link_out_of_the_tree_is_malicious(void **state)
{
    (void)state;
    one_member("a", '1', 0644, "../../etc/shadow", VERDICT_MALICIOUS, "tar-hardlink");
    one_member("a", '1', 0644, "/etc/shadow", VERDICT_MALICIOUS, "tar-hardlink");
}

static void a_device_node_is_refused(void **state)
{
    (void)state;
    one_member("dev/mem", '3', 0666, "", VERDICT_SUSPICIOUS, "tar-device");
    one_member("dev/sda", '4', 0666, "", VERDICT_SUSPICIOUS, "tar-device");
    one_member("dev/pipe", '6', 0666, "", VERDICT_SUSPICIOUS, "tar-special");
}

static void a_file_that_runs_with_other_rights_is_a_finding(void **state)
{
    (void)state;
    one_member("bin/su.txt", '0', 04755, "", VERDICT_SUSPICIOUS, "tar-setuid");
    one_member("bin/wall.txt", '0', 02755, "", VERDICT_SUSPICIOUS, "tar-setuid");
}

static void a_member_is_judged_by_its_content(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), elf = BUF(4096);
    elf_file(&elf, 7, 6);
    tar_member(&b, "bin/run.sh", '0', 0755, "", SPAN_LIT("#!/bin/sh\ncurl evil\n"));
    tar_member(&b, "bin/program", '0', 0755, "", buf_span(&elf));
    tar_member(&b, "m/weights.bin", '0', 0644, "",
               SPAN_LIT("\x80\x02"
                        "cos\nsystem\n(X\x02\0\0\0idtR."));
    tar_end(&b);

    auto_look l = look_at(buf_span(&b), &LAYER);

    assert_non_null(strstr(l.rules, "no-scanner@bin/run.sh"));
    assert_non_null(strstr(l.rules, "elf-writable-code@bin/program: segment 0"));
    assert_non_null(strstr(l.rules, "pickle-name@m/weights.bin: byte 2"));
}

static void the_same_is_found_behind_compression(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), z = BUF(1U << 20);
    struct inspect_options o = {.name = "layer.tar.gz", .layer = true};
    tar_member(&b, "../outside", '0', 0644, "", TEXT);
    tar_end(&b);
    gzip(&z, buf_span(&b));

    auto_look l = look_at(buf_span(&z), &o);

    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
}

static void what_stands_behind_the_end_marks_is_read_too(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), junk = BUF(1U << 20);
    tar_member(&b, "a.txt", '0', 0644, "", TEXT);
    tar_end(&b);
    tar_member(&b, "../hidden", '0', 0644, "", TEXT);
    tar_end(&b);
    tar_member(&junk, "a.txt", '0', 0644, "", TEXT);
    tar_end(&junk);
    buf_add_str(&junk, "this is no padding");

    auto_look hidden = look_at(buf_span(&b), &LAYER), behind = look_at(buf_span(&junk), &LAYER);

    assert_int_equal(hidden.verdict, VERDICT_MALICIOUS);
    assert_true(verdict_blocks(behind.verdict));
}

static void bytes_behind_a_compressed_file_are_found(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), z = BUF(1U << 20);
    struct inspect_options o = {.name = "layer.tar.gz", .layer = true};
    tar_member(&b, "a.txt", '0', 0644, "", TEXT);
    tar_end(&b);
    gzip(&z, buf_span(&b));
    auto_look before = look_at(buf_span(&z), &o);
    buf_add_str(&z, "PK\003\004 and more");

    auto_look l = look_at(buf_span(&z), &o);

    assert_int_equal(before.verdict, VERDICT_CLEAN);
    assert_true(look_has(&l, "archive-trailing"));
}

static void a_compression_bomb_is_stopped_on_the_way(void **state)
{
    (void)state;
    size_t size = 100U << 20;
    auto_free uint8_t *zeros = NULL;
    zeros = calloc(1, size);
    assert_non_null(zeros);
    auto_buf z = BUF(128U << 20);
    gzip(&z, span_of(zeros, size));

    auto_look l = look_named(buf_span(&z), "zeros.bin.gz");

    assert_true(look_has(&l, "archive-bomb"));
}

static void an_empty_layer_is_a_layer(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), z = BUF(1U << 20);
    tar_end(&b);
    gzip(&z, buf_span(&b));
    struct inspect_options o = {.name = "layer.tar.gz", .layer = true};

    auto_look plain = look_at(buf_span(&b), &LAYER), packed = look_at(buf_span(&z), &o);

    assert_int_equal(plain.verdict, VERDICT_CLEAN);
    assert_int_equal(packed.verdict, VERDICT_CLEAN);
}

static void archives_inside_archives_end_somewhere(void **state)
{
    (void)state;
    auto_buf inner = BUF(1U << 20);
    tar_member(&inner, "a.txt", '0', 0644, "", TEXT);
    tar_end(&inner);
    for (int i = 0; i < 6; i++) {
        auto_buf outer = BUF(1U << 20);
        tar_member(&outer, "inner.tar", '0', 0644, "", buf_span(&inner));
        tar_end(&outer);
        buf_clear(&inner);
        buf_add_span(&inner, buf_span(&outer));
    }

    auto_look l = look_named(buf_span(&inner), "outer.tar");

    assert_int_equal(l.verdict, VERDICT_NOT_SCANNED);
    assert_true(look_has(&l, "archive-depth"));
}

static void a_truncated_archive_is_refused(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20), z = BUF(1U << 20);
    struct inspect_options o = {.name = "layer.tar.gz", .layer = true};
    tar_member(&b, "a.txt", '0', 0644, "", TEXT);
    tar_end(&b);
    gzip(&z, buf_span(&b));

    auto_look plain = look_at(span_of(b.ptr, 520), &LAYER), packed = look_at(span_of(z.ptr, z.len / 2), &o);

    assert_true(look_has(&plain, "archive-broken"));
    assert_true(look_has(&packed, "archive-broken"));
}

static void packages_of_a_layer_are_listed(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20);
    tar_member(
        &b, "var/lib/dpkg/status", '0', 0644, "",
        SPAN_LIT("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc (2.36-9)\nVersion: "
                 "2.36-9+b1\nDescription: C library\n more words\n\n"
                 "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"));
    tar_member(&b, "etc/os-release", '0', 0644, "", SPAN_LIT("ID=debian\nVERSION_ID=\"12\"\n"));
    tar_end(&b);

    auto_look l = look_at(buf_span(&b), &LAYER);

    assert_false(verdict_blocks(l.verdict));
    const json_t *packages = json_object_get(json_object_get(l.reply, "facts"), "packages");
    assert_int_equal(json_array_size(packages), 1);
    const json_t *libc = json_array_get(packages, 0);
    assert_string_equal(json_get_string(libc, "name", ""), "libc6");
    assert_string_equal(json_get_string(libc, "version", ""), "2.36-9+b1");
    assert_string_equal(json_get_string(libc, "source", ""), "glibc");
    assert_string_equal(json_get_string(libc, "source_version", ""), "2.36-9");
}

static void a_package_list_that_is_none_is_a_finding(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20);
    tar_member(&b, "var/lib/dpkg/status", '0', 0644, "", SPAN_LIT("this is no stanza\n"));
    tar_end(&b);

    auto_look l = look_at(buf_span(&b), &LAYER);

    assert_true(look_has(&l, "dpkg-stanza"));
}

static void a_compressed_single_file_is_what_is_in_it(void **state)
{
    (void)state;
    auto_buf text = BUF(1U << 20), program = BUF(1U << 20), elf = BUF(4096);
    elf_file(&elf, 7, 6);
    gzip(&text, TEXT);
    gzip(&program, buf_span(&elf));

    auto_look clean = look_named(buf_span(&text), "notes.txt.gz");
    auto_look broken = look_named(buf_span(&program), "program.gz");
    auto_look promise = look_named(buf_span(&text), "layer.tar.gz");

    assert_int_equal(clean.verdict, VERDICT_CLEAN);
    assert_true(look_has(&broken, "elf-writable-code"));
    assert_true(look_has(&promise, "content-mismatch"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_layer_is_clean),
        cmocka_unit_test(a_member_above_the_tree_is_malicious),
        cmocka_unit_test(an_absolute_member_is_refused),
        cmocka_unit_test(a_member_behind_a_symbolic_link_is_malicious_in_either_order),
        cmocka_unit_test(a_symbolic_link_out_of_the_tree_is_refused),
        cmocka_unit_test(a_hard_link_out_of_the_tree_is_malicious),
        cmocka_unit_test(a_device_node_is_refused),
        cmocka_unit_test(a_file_that_runs_with_other_rights_is_a_finding),
        cmocka_unit_test(a_member_is_judged_by_its_content),
        cmocka_unit_test(the_same_is_found_behind_compression),
        cmocka_unit_test(what_stands_behind_the_end_marks_is_read_too),
        cmocka_unit_test(bytes_behind_a_compressed_file_are_found),
        cmocka_unit_test(a_compression_bomb_is_stopped_on_the_way),
        cmocka_unit_test(an_empty_layer_is_a_layer),
        cmocka_unit_test(archives_inside_archives_end_somewhere),
        cmocka_unit_test(a_truncated_archive_is_refused),
        cmocka_unit_test(packages_of_a_layer_are_listed),
        cmocka_unit_test(a_package_list_that_is_none_is_a_finding),
        cmocka_unit_test(a_compressed_single_file_is_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
