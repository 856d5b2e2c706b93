/* The Merkle tree: growing, proving, and the numbers of RFC 6962. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/merkle.h"

#define LEAVES 70000

static struct digest *leaves;
static struct err e;

static int make_leaves(void **state)
{
    (void)state;
    leaves = calloc(LEAVES, sizeof *leaves);
    for (uint32_t i = 0; i < LEAVES; i++)
        leaves[i] = merkle_leaf(span_of(&i, sizeof i));
    return 0;
}

static int drop_leaves(void **state)
{
    (void)state;
    free(leaves);
    return 0;
}

/* The definition of RFC 6962 section 2.1, word for word. */
static struct digest root_by_definition(const struct digest *l, size_t n)
{
    if (n == 0)
        return merkle_empty();
    if (n == 1)
        return l[0];
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    struct digest left = root_by_definition(l, k), right = root_by_definition(l + k, n - k);
    return merkle_node(&left, &right);
}

static void the_empty_tree_has_the_hash_of_nothing(void **state)
{
    (void)state;
    struct merkle *t = calloc(1, sizeof *t);
    struct digest root = merkle_root(t);

    assert_string_equal(digest_hex(&root).text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    free(t);
}

static void a_grown_tree_has_the_root_of_the_definition(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, LEAVES};
    struct merkle *t = calloc(1, sizeof *t);
    for (size_t i = 0, next = 0; i < LEAVES; i++) {
        assert_int_equal(merkle_add(t, &leaves[i], NULL, NULL), 0);
        if (i + 1 != sizes[next])
            continue;
        struct digest grown = merkle_root(t), defined = root_by_definition(leaves, i + 1);
        assert_true(digest_equal(&grown, &defined));
        next++;
    }
    free(t);
}

struct counted {
    uint64_t tiles[MERKLE_LEVELS];
};

static int count_full(void *arg, unsigned level, uint64_t index, const struct digest hashes[TILE_WIDTH])
{
    struct counted *c = arg;
    assert_int_equal(index, c->tiles[level]);
    assert_non_null(hashes);
    c->tiles[level]++;
    return 0;
}

/* The example of tlog-tiles, "Partial Tiles". */
static void a_tree_of_70000_has_the_tiles_that_the_standard_counts(void **state)
{
    (void)state;
    struct merkle *t = calloc(1, sizeof *t);
    struct counted c = {0};

    for (size_t i = 0; i < LEAVES; i++)
        assert_int_equal(merkle_add(t, &leaves[i], count_full, &c), 0);

    assert_int_equal(c.tiles[0], 273);
    assert_int_equal(merkle_partial(t->size, 0), 112);
    assert_int_equal(c.tiles[1], 1);
    assert_int_equal(merkle_partial(t->size, 1), 17);
    assert_int_equal(merkle_partial(t->size, 2), 1);
    free(t);
}

static void every_proof_holds_for_its_leaf_and_for_no_other(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 5, 8, 13, 256, 257, 600};
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct merkle_leaves all = {leaves, sizes[s]};
        struct merkle_source source = {merkle_leaves_hash, &all};
        struct digest root = root_by_definition(leaves, (size_t)sizes[s]), path[MERKLE_PATH_MAX];
        for (uint64_t i = 0; i < sizes[s]; i++) {
            size_t count;
            assert_int_equal(merkle_prove(&source, i, sizes[s], path, &count, &e), 0);
            assert_true(merkle_proof_holds(i, sizes[s], &leaves[i], path, count, &root));
            assert_false(merkle_proof_holds(i, sizes[s], &leaves[sizes[s]], path, count, &root));
            assert_false(merkle_proof_holds(i + 1, sizes[s], &leaves[i], path, count, &root));
            assert_false(count && merkle_proof_holds(i, sizes[s], &leaves[i], path, count - 1, &root));
        }
    }
}

static void a_proof_in_a_large_tree_reads_few_hashes(void **state)
{
    (void)state;
    struct merkle_leaves all = {leaves, LEAVES};
    struct merkle_source source = {merkle_leaves_hash, &all};
    struct digest root = root_by_definition(leaves, LEAVES), path[MERKLE_PATH_MAX];
    static const uint64_t indexes[] = {0, 255, 256, 65535, 65536, 69887, 69888, LEAVES - 1};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
        size_t count;
        assert_int_equal(merkle_prove(&source, indexes[i], LEAVES, path, &count, &e), 0);
        assert_true(count <= 17);
        assert_true(merkle_proof_holds(indexes[i], LEAVES, &leaves[indexes[i]], path, count, &root));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_tree_has_the_hash_of_nothing),
        cmocka_unit_test(a_grown_tree_has_the_root_of_the_definition),
        cmocka_unit_test(a_tree_of_70000_has_the_tiles_that_the_standard_counts),
        cmocka_unit_test(every_proof_holds_for_its_leaf_and_for_no_other),
        cmocka_unit_test(a_proof_in_a_large_tree_reads_few_hashes),
    };
    return cmocka_run_group_tests(tests, make_leaves, drop_leaves);
}
