/* Layers laid over each other: what the image format says about whiteouts, and that nothing hostile gets out or in. */
#include "engine/layer.h"

#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/verify.h"
#include "layers.h"
#include "util/file.h"

#define TAR "application/vnd.oci.image.layer.v1.tar"

struct image {
    char path[64];
    int outer, root;
    struct tree tree;
    unsigned layers;
    struct err e;
};

static int setup(void **state)
{
    struct image *i = calloc(1, sizeof *i);
    snprintf(i->path, sizeof i->path, "/tmp/airlock-layer-XXXXXX");
    assert_non_null(mkdtemp(i->path));
    i->outer = open(i->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(i->outer, "rootfs", 0700), 0);
    i->root = openat(i->outer, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tree_init(&i->tree);
    *state = i;
    return 0;
}

static int teardown(void **state)
{
    struct image *i = *state;
    tree_fini(&i->tree);
    close(i->root);
    close(i->outer);
    assert_int_equal(tree_remove(AT_FDCWD, i->path, &i->e), 0);
    free(i);
    return 0;
}

static int apply_as(struct image *i, struct layer_maker *m, const char *type, struct digest *id)
{
    auto_buf bytes = BUF(256U << 20);
    layer_end(m, &bytes);
    struct layer layer = {.blob = buf_span(&bytes), .media_type = type, .number = ++i->layers};
    return layer_apply(&i->tree, i->root, &layer, id, &i->e);
}

static int apply(struct image *i, struct layer_maker *m)
{
    struct digest id;
    return apply_as(i, m, TAR, &id);
}

static bool there(struct image *i, const char *path)
{
    struct stat st;
    bool on_disk = fstatat(i->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    assert_int_equal(on_disk, tree_lookup(&i->tree, span_str(path)) != NULL);
    return on_disk;
}

static void holds(struct image *i, const char *path, const char *text)
{
    auto_buf found = BUF(1U << 20);
    assert_int_equal(file_read(i->root, path, &found, &i->e), 0);
    assert_string_equal(buf_str(&found), text);
}

/* The tree on disk is the tree in memory, to the last entry. */
static void agrees(struct image *i)
{
    assert_int_equal(layer_finish(&i->tree, i->root, &i->e), 0);
    if (tree_verify(&i->tree, i->root, NULL, &i->e) < 0)
        fail_msg("%s", i->e.msg);
}

static void refused(struct image *i, struct layer_maker *m, enum err_code code, const char *why)
{
    assert_int_equal(apply(i, m), -1);
    if (!strstr(i->e.msg, why))
        fail_msg("wanted \"%s\" in: %s", why, i->e.msg);
    assert_int_equal(i->e.code, code);
    struct stat st; /* nothing appeared beside the root */
    assert_int_equal(fstatat(i->outer, "out", &st, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(access("/tmp/airlock-layer-out", F_OK), -1);
}

static void a_layer_becomes_files_links_and_directories(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = layer_begin("");
    layer_dir(m, "./", 0755);
    layer_dir(m, "usr/", 0755);
    layer_file(m, "usr/tool", 0755, "#!run");
    layer_symlink(m, "tool", "/usr/tool");
    layer_hardlink(m, "usr/same", "usr/tool");
    assert_int_equal(apply(i, m), 0);
    holds(i, "usr/tool", "#!run");
    holds(i, "usr/same", "#!run");
    assert_true(there(i, "tool"));
    agrees(i);
}

static void missing_directories_are_made(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = layer_begin("");
    layer_file(m, "./a/b/c", 0644, "x");
    assert_int_equal(apply(i, m), 0);
    holds(i, "a/b/c", "x");
    agrees(i);
}

static void compressed_layers_have_the_digest_of_what_is_inside(void **state)
{
    struct image *i = *state;
    static const char *const kinds[] = {"", "gzip", "zstd"};
    static const char *const types[] = {TAR, TAR "+gzip", TAR "+zstd"};
    struct digest ids[3];
    for (size_t k = 0; k < 3; k++) {
        struct layer_maker *m = layer_begin(kinds[k]);
        layer_file(m, "f", 0644, "the same");
        if (apply_as(i, m, types[k], &ids[k]) < 0)
            fail_msg("%s: %s", types[k], i->e.msg);
    }
    struct layer_maker *m = layer_begin("");
    auto_buf plain = BUF(1U << 20);
    layer_file(m, "f", 0644, "the same");
    layer_end(m, &plain);
    struct digest wanted = digest_of(buf_span(&plain));
    for (size_t k = 0; k < 3; k++)
        assert_true(digest_equal(&ids[k], &wanted));
    agrees(i);
}

static void compression_must_be_what_the_media_type_says(void **state)
{
    struct image *i = *state;
    struct digest id;
    struct layer_maker *m = layer_begin("gzip");
    layer_file(m, "f", 0644, "x");
    assert_int_equal(apply_as(i, m, TAR, &id), -1);
    m = layer_begin("");
    layer_file(m, "f", 0644, "x");
    assert_int_equal(apply_as(i, m, TAR "+gzip", &id), -1);
    m = layer_begin("");
    assert_int_equal(apply_as(i, m, "application/octet-stream", &id), -1);
    assert_non_null(strstr(i->e.msg, "media type"));
}

static struct layer_maker *base(void)
{
    struct layer_maker *m = layer_begin("");
    layer_file(m, "etc/a", 0644, "a");
    layer_file(m, "etc/b", 0644, "b");
    layer_file(m, "etc/deep/c", 0644, "c");
    layer_file(m, "top", 0644, "top");
    return m;
}

static void a_whiteout_takes_a_lower_file_away(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_file(m, "etc/.wh.a", 0644, "");
    layer_file(m, ".wh.nothing", 0644, "");
    assert_int_equal(apply(i, m), 0);
    assert_false(there(i, "etc/a"));
    assert_false(there(i, "etc/.wh.a"));
    assert_true(there(i, "etc/b"));
    agrees(i);
}

static void a_whiteout_takes_a_lower_directory_away_with_all_below(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_file(m, ".wh.etc", 0644, "");
    assert_int_equal(apply(i, m), 0);
    assert_false(there(i, "etc"));
    assert_true(there(i, "top"));
    agrees(i);
}

static void an_opaque_whiteout_hides_lower_children_only_wherever_it_stands(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_file(m, "etc/new", 0644, "new"); /* before its directory's whiteout */
    layer_file(m, "etc/.wh..wh..opq", 0644, "");
    layer_file(m, "etc/newer", 0644, "newer");
    assert_int_equal(apply(i, m), 0);
    assert_false(there(i, "etc/a"));
    assert_false(there(i, "etc/deep"));
    holds(i, "etc/new", "new");
    holds(i, "etc/newer", "newer");
    assert_true(there(i, "top"));
    agrees(i);
}

static void a_whiteout_does_not_touch_its_own_layer(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_file(m, "etc/a", 0644, "again");
    layer_file(m, "etc/.wh.a", 0644, "");
    layer_file(m, ".wh.etc", 0644, "");
    assert_int_equal(apply(i, m), 0);
    holds(i, "etc/a", "again");
    assert_false(there(i, "etc/b"));
    agrees(i);
}

static void a_file_replaces_a_lower_directory_and_the_other_way_round(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_file(m, "etc", 0644, "now a file");
    layer_dir(m, "top", 0755);
    layer_file(m, "top/x", 0644, "x");
    assert_int_equal(apply(i, m), 0);
    holds(i, "etc", "now a file");
    holds(i, "top/x", "x");
    agrees(i);
}

static void writing_over_one_hard_link_leaves_the_other(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = base();
    layer_hardlink(m, "other", "top");
    assert_int_equal(apply(i, m), 0);
    m = layer_begin("");
    layer_file(m, "top", 0644, "changed");
    assert_int_equal(apply(i, m), 0);
    holds(i, "other", "top");
    holds(i, "top", "changed");
    agrees(i);
}

static void special_mode_bits_are_dropped_and_we_can_read_everything(void **state)
{
    struct image *i = *state;
    struct stat st;
    struct layer_maker *m = layer_begin("");
    layer_dir(m, "locked", 01000);
    layer_file(m, "locked/suid", 06711, "x");
    layer_file(m, "locked/none", 0, "y");
    assert_int_equal(apply(i, m), 0);
    agrees(i);
    assert_int_equal(fstatat(i->root, "locked/suid", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(fstatat(i->root, "locked/none", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(fstatat(i->root, "locked", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_uid, geteuid());
}

static void one_file(struct image *i, const char *path, enum err_code code, const char *why)
{
    struct layer_maker *m = layer_begin("");
    layer_file(m, path, 0644, "evil");
    refused(i, m, code, why);
}

static void paths_that_lead_out_are_refused(void **state)
{
    struct image *i = *state;
    one_file(i, "../out", ERR_INPUT, "found \"..\"");
    one_file(i, "a/../../out", ERR_INPUT, "found \"..\"");
    one_file(i, "./../out", ERR_INPUT, "found \"..\"");
    one_file(i, "/tmp/airlock-layer-out", ERR_INPUT, "an absolute path");
    one_file(i, "a//b", ERR_INPUT, "plain names");
    one_file(i, "a/./b", ERR_INPUT, "plain names");
    one_file(i, "a\nb", ERR_INPUT, "control character");
}

static void writing_through_a_symbolic_link_is_refused(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = layer_begin("");
    layer_symlink(m, "way", "..");
    layer_file(m, "way/out", 0644, "evil");
    refused(i, m, ERR_INPUT, "through a symbolic link");
    m = layer_begin(""); /* the link came with a lower layer */
    layer_file(m, "way/out", 0644, "evil");
    refused(i, m, ERR_INPUT, "through a symbolic link");
    m = layer_begin("");
    layer_symlink(m, "direct", "../out");
    layer_file(m, "direct", 0644, "evil");
    refused(i, m, ERR_INPUT, "twice in one layer");
}

static void a_symbolic_link_of_a_lower_layer_is_replaced_not_followed(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = layer_begin("");
    layer_symlink(m, "direct", "../out");
    assert_int_equal(apply(i, m), 0);
    m = layer_begin("");
    layer_file(m, "direct", 0644, "here");
    assert_int_equal(apply(i, m), 0);
    holds(i, "direct", "here");
    assert_int_equal(faccessat(i->outer, "out", F_OK, 0), -1);
    agrees(i);
}

static void hard_links_out_are_refused(void **state)
{
    struct image *i = *state;
    static const char *const targets[] = {"../../etc/passwd", "/etc/passwd", "nothing", "dir",
                                          "way/passwd",       "way",         "self"};
    for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
        struct layer_maker *m = layer_begin("");
        layer_dir(m, "dir", 0755);
        layer_symlink(m, "way", "/etc");
        layer_hardlink(m, "self", targets[k]);
        refused(i, m, ERR_INPUT, "hard link");
        teardown(state);
        setup(state);
        i = *state;
    }
}

static void a_hard_link_whose_target_it_replaces_is_refused(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    struct layer_maker *m = layer_begin("");
    layer_hardlink(m, "top", "top");
    refused(i, m, ERR_INPUT, "hard link");
    m = layer_begin(""); /* the directory that it lies in goes */
    layer_hardlink(m, "etc", "etc/deep/c");
    refused(i, m, ERR_INPUT, "hard link");
}

static void nodes_are_refused(void **state)
{
    struct image *i = *state;
    static const struct {
        unsigned type;
        const char *why;
    } kinds[] = {{AE_IFCHR, "device node"}, {AE_IFBLK, "device node"}, {AE_IFIFO, "named pipe"}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct layer_maker *m = layer_begin("");
        layer_node(m, "dev/null", kinds[k].type);
        refused(i, m, ERR_INPUT, kinds[k].why);
    }
}

static void whiteouts_that_are_none_are_refused(void **state)
{
    struct image *i = *state;
    one_file(i, ".wh.", ERR_INPUT, "plain names");
    one_file(i, "a/.wh...", ERR_INPUT, "plain names");
    one_file(i, ".wh..wh.plnk", ERR_INPUT, "keeps for itself");
    one_file(i, ".wh.a/b", ERR_INPUT, "below a whiteout");
    struct layer_maker *m = layer_begin("");
    layer_symlink(m, ".wh.x", "..");
    refused(i, m, ERR_INPUT, "no plain file");
}

static void the_same_path_twice_is_refused(void **state)
{
    struct image *i = *state;
    struct layer_maker *m = layer_begin("");
    layer_file(m, "f", 0644, "one");
    layer_file(m, "./f", 0644, "two");
    refused(i, m, ERR_INPUT, "twice in one layer");
}

static void bombs_and_long_names_meet_limits(void **state)
{
    struct image *i = *state;
    char name[300], deep[600] = "";
    struct digest id;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    one_file(i, name, ERR_LIMIT, "a name of 299 bytes");
    for (size_t k = 0; k < 200; k++)
        strncat(deep, "d/", sizeof deep - strlen(deep) - 1);
    one_file(i, deep, ERR_LIMIT, "directories");
    struct layer_maker *m = layer_begin("gzip");
    layer_zeros(m, "zeros", 80U << 20);
    assert_int_equal(apply_as(i, m, TAR "+gzip", &id), -1);
    assert_int_equal(i->e.code, ERR_LIMIT);
    assert_non_null(strstr(i->e.msg, "grow"));
}

static void truncated_and_trailing_bytes_are_refused(void **state)
{
    struct image *i = *state;
    struct digest id;
    auto_buf good = BUF(1U << 20);
    struct layer_maker *m = layer_begin("");
    layer_file(m, "f", 0644, "content that goes missing");
    layer_end(m, &good);
    struct layer layer = {.blob = span_of(good.ptr, 530), .media_type = TAR, .number = 1};
    assert_int_equal(layer_apply(&i->tree, i->root, &layer, &id, &i->e), -1);
    buf_add_str(&good, "and something behind it");
    layer = (struct layer){.blob = buf_span(&good), .media_type = TAR, .number = 2};
    assert_int_equal(layer_apply(&i->tree, i->root, &layer, &id, &i->e), -1);
    assert_non_null(strstr(i->e.msg, "behind the end"));
}

static void damage_of_the_disk_is_named(void **state)
{
    struct image *i = *state;
    assert_int_equal(apply(i, base()), 0);
    agrees(i);
    assert_int_equal(file_write(i->root, "etc/b", SPAN_LIT("B"), 0644, &i->e), 0);
    assert_int_equal(tree_verify(&i->tree, i->root, NULL, &i->e), -1);
    assert_int_equal(i->e.code, ERR_DENIED);
    assert_non_null(strstr(i->e.msg, "/etc/b: found sha256:"));
    assert_int_equal(file_write(i->root, "etc/b", SPAN_LIT("b"), 0644, &i->e), 0);
    agrees(i);
    assert_int_equal(file_write(i->root, "etc/more", SPAN_LIT(""), 0644, &i->e), 0);
    assert_int_equal(tree_verify(&i->tree, i->root, NULL, &i->e), -1);
    assert_non_null(strstr(i->e.msg, "something was put there"));
    assert_int_equal(unlinkat(i->root, "etc/more", 0), 0);
    assert_int_equal(fchmodat(i->root, "top", 04755, 0), 0);
    assert_int_equal(tree_verify(&i->tree, i->root, NULL, &i->e), -1);
    assert_non_null(strstr(i->e.msg, "mode 4755"));
    assert_int_equal(unlinkat(i->root, "top", 0), 0);
    assert_int_equal(tree_verify(&i->tree, i->root, NULL, &i->e), -1);
    assert_non_null(strstr(i->e.msg, "/top: found nothing"));
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_layer_becomes_files_links_and_directories),
        RULE(missing_directories_are_made),
        RULE(compressed_layers_have_the_digest_of_what_is_inside),
        RULE(compression_must_be_what_the_media_type_says),
        RULE(a_whiteout_takes_a_lower_file_away),
        RULE(a_whiteout_takes_a_lower_directory_away_with_all_below),
        RULE(an_opaque_whiteout_hides_lower_children_only_wherever_it_stands),
        RULE(a_whiteout_does_not_touch_its_own_layer),
        RULE(a_file_replaces_a_lower_directory_and_the_other_way_round),
        RULE(writing_over_one_hard_link_leaves_the_other),
        RULE(special_mode_bits_are_dropped_and_we_can_read_everything),
        RULE(paths_that_lead_out_are_refused),
        RULE(writing_through_a_symbolic_link_is_refused),
        RULE(a_symbolic_link_of_a_lower_layer_is_replaced_not_followed),
        RULE(hard_links_out_are_refused),
        RULE(a_hard_link_whose_target_it_replaces_is_refused),
        RULE(nodes_are_refused),
        RULE(whiteouts_that_are_none_are_refused),
        RULE(the_same_path_twice_is_refused),
        RULE(bombs_and_long_names_meet_limits),
        RULE(truncated_and_trailing_bytes_are_refused),
        RULE(damage_of_the_disk_is_named),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
