#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/words.h"

static void one_slip_of_the_hand_is_one(void **state)
{
    (void)state;
    assert_int_equal(word_distance("port", "port"), 0);
    assert_int_equal(word_distance("pot", "port"), 1);
    assert_int_equal(word_distance("porrt", "port"), 1);
    assert_int_equal(word_distance("pork", "port"), 1);
    assert_int_equal(word_distance("prot", "port"), 1); /* two letters swapped */
    assert_int_equal(word_distance("", "port"), 4);
    assert_int_equal(word_distance("kitten", "sitting"), 3);
}

static void a_third_of_the_letters_is_the_most_that_is_still_like(void **state)
{
    (void)state;
    size_t least = SIZE_MAX;
    assert_false(word_nearer("foo", "port", &least));
    assert_false(word_nearer("log", "cpus", &least));
    assert_int_equal(least, SIZE_MAX);
    assert_true(word_nearer("promot", "promote", &least));
    assert_int_equal(least, 1);
    assert_false(word_nearer("promot", "promotes", &least)); /* like, but not nearer */
}

static void a_word_longer_than_any_name_is_far_from_all(void **state)
{
    (void)state;
    char longer[1000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    size_t least = SIZE_MAX;
    assert_false(word_nearer(longer, "a", &least));
    assert_false(word_nearer("a", longer, &least));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_of_the_hand_is_one),
        cmocka_unit_test(a_third_of_the_letters_is_the_most_that_is_still_like),
        cmocka_unit_test(a_word_longer_than_any_name_is_far_from_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
