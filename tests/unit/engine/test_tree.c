/* The list of an unpacked tree: written, read back, golden, and what it refuses. */
#include "engine/tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/file.h"

static const struct digest IMAGE = {{0xab, 0xcd}};

static struct tree_node *add(struct tree *t, struct tree_node *dir, const char *name, enum tree_type type,
                             unsigned mode)
{
    struct err e;
    struct tree_node *n = tree_add(t, dir, span_str(name), type, &e);
    assert_non_null(n);
    n->mode = mode;
    return n;
}

static void fill(struct tree *t)
{
    tree_init(t);
    struct tree_node *usr = add(t, t->root, "usr", TREE_DIRECTORY, 0755);
    struct tree_node *tool = add(t, usr, "tool", TREE_FILE, 0755);
    tool->size = t->bytes = 5;
    tool->digest = digest_of(SPAN_LIT("#!run"));
    struct tree_node *way = add(t, t->root, "bin", TREE_SYMLINK, 0777);
    way->target = strdup("usr");
    struct tree_node *odd = add(t, usr, "a \"quoted\" n\xc3\xa4me", TREE_FILE, 0400);
    odd->digest = digest_of(SPAN_LIT(""));
    add(t, t->root, "empty", TREE_DIRECTORY, 0700);
}

static void the_writer_makes_the_golden_file(void **state)
{
    (void)state;
    auto_tree t;
    auto_buf list = BUF(1U << 20), golden = BUF(1U << 20);
    struct err e;
    char path[4096];
    fill(&t);
    tree_write(&t, &IMAGE, &list);
    snprintf(path, sizeof path, "%s/docs/formats/examples/tree.json", getenv("AIRLOCK_SOURCE"));
    assert_int_equal(file_read(AT_FDCWD, path, &golden, &e), 0);
    assert_string_equal(buf_str(&list), buf_str(&golden));
}

static void the_statement_is_the_golden_file(void **state)
{
    (void)state;
    auto_tree t;
    auto_buf made = BUF(1U << 20), golden = BUF(1U << 20);
    struct err e;
    char path[4096];
    struct digest layers[] = {digest_of(SPAN_LIT("bottom")), digest_of(SPAN_LIT("top"))};
    struct tree_origin from = {
        .list = digest_of(SPAN_LIT("list")), .layers = layers, .layer_count = 2, .time_s = 1795500000};
    fill(&t);
    tree_predicate(&t, &from, &made);
    buf_add_byte(&made, '\n');
    snprintf(path, sizeof path, "%s/docs/formats/examples/tree-statement.json", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &golden, &e) < 0)
        fail_msg("%s; made: %s", e.msg, buf_str(&made));
    assert_string_equal(buf_str(&made), buf_str(&golden));
}

static void what_was_written_is_read_back_the_same(void **state)
{
    (void)state;
    auto_tree t, back = {0};
    auto_buf list = BUF(1U << 20), again = BUF(1U << 20);
    struct err e;
    fill(&t);
    tree_write(&t, &IMAGE, &list);
    assert_int_equal(tree_read(buf_span(&list), &IMAGE, &back, &e), 0);
    tree_write(&back, &IMAGE, &again);
    assert_string_equal(buf_str(&list), buf_str(&again));
    assert_int_equal(back.count, 5);
    assert_int_equal(back.bytes, 5);
}

static void a_list_of_another_image_is_refused(void **state)
{
    (void)state;
    auto_tree t, back = {0};
    auto_buf list = BUF(1U << 20);
    struct err e;
    struct digest other = {{1}};
    fill(&t);
    tree_write(&t, &IMAGE, &list);
    assert_int_equal(tree_read(buf_span(&list), &other, &back, &e), -1);
    assert_non_null(strstr(e.msg, "it is of image"));
}

static void refuses(const char *entries, const char *why)
{
    auto_buf text = BUF(1U << 20);
    auto_tree t = {0};
    struct err e;
    buf_printf(&text, "{\"schema\":\"airlock/tree/1\",\"image\":\"%s\",\"entries\":[%s]}", digest_text(&IMAGE).text,
               entries);
    assert_int_equal(tree_read(buf_span(&text), &IMAGE, &t, &e), -1);
    if (!strstr(e.msg, why))
        fail_msg("wanted \"%s\" in: %s", why, e.msg);
}

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void lists_that_lead_astray_are_refused(void **state)
{
    (void)state;
    refuses("{\"path\":\"../x\",\"type\":\"directory\",\"mode\":\"0755\"}", "");
    refuses("{\"path\":\"..\",\"type\":\"directory\",\"mode\":\"0755\"}", "plain names");
    refuses("{\"path\":\"/x\",\"type\":\"directory\",\"mode\":\"0755\"}", "");
    refuses("{\"path\":\"a/b\",\"type\":\"directory\",\"mode\":\"0755\"}", "does not stand before it");
    refuses("{\"path\":\"a\",\"type\":\"symlink\",\"target\":\"/\"},{\"path\":\"a/b\",\"type\":\"directory\",\"mode\":"
            "\"0755\"}",
            "does not stand before it");
    refuses("{\"path\":\"a\",\"type\":\"directory\",\"mode\":\"0755\"},{\"path\":\"a\",\"type\":\"directory\",\"mode\":"
            "\"0755\"}",
            "twice");
    refuses("{\"path\":\"a\",\"type\":\"device\",\"mode\":\"0755\"}", "found \"device\"");
    refuses("{\"path\":\"a\",\"type\":\"directory\",\"mode\":\"4755\"}", "0000 to 0777");
    refuses("{\"path\":\"a\",\"type\":\"directory\",\"mode\":\"755\"}", "octal");
    refuses("{\"path\":\"a\",\"type\":\"file\",\"mode\":\"0644\",\"size\":1,\"sha256\":\"xyz\"}", "64 hex digits");
    refuses("{\"path\":\"a\",\"type\":\"file\",\"mode\":\"0644\",\"size\":18446744073709551615,\"sha256\":\"" HASH
            "\"}",
            "");
    refuses("{\"path\":\"a\",\"type\":\"file\",\"mode\":\"0644\",\"size\":1000000000000,\"sha256\":\"" HASH "\"}",
            "bytes in all");
    refuses("{\"path\":\"a\",\"type\":\"directory\",\"mode\":\"0755\",\"owner\":0}", "owner");
}

static void many_entries_are_found_and_removed(void **state)
{
    (void)state;
    auto_tree t;
    struct err e;
    tree_init(&t);
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%u", i);
        struct tree_node *d = add(&t, t.root, name, TREE_DIRECTORY, 0755);
        assert_non_null(tree_add(&t, d, SPAN_LIT("f"), TREE_FILE, &e));
    }
    assert_int_equal(t.count, 10000);
    assert_non_null(tree_lookup(&t, SPAN_LIT("d4999/f")));
    assert_null(tree_lookup(&t, SPAN_LIT("d4999/g")));
    tree_drop(&t, tree_lookup(&t, SPAN_LIT("d77")));
    assert_null(tree_lookup(&t, SPAN_LIT("d77/f")));
    assert_non_null(tree_lookup(&t, SPAN_LIT("d78/f")));
    assert_int_equal(t.count, 9998);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_makes_the_golden_file),       cmocka_unit_test(the_statement_is_the_golden_file),
        cmocka_unit_test(what_was_written_is_read_back_the_same), cmocka_unit_test(a_list_of_another_image_is_refused),
        cmocka_unit_test(lists_that_lead_astray_are_refused),     cmocka_unit_test(many_entries_are_found_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
