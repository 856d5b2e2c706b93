/* The kernel's counters as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "silence/witness.h"
#include "util/auto.h"

static void the_counter_is_found_by_its_name_in_the_line_above(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_true(witness_parse_snmp(
        SPAN_LIT("Icmp: A\nIcmp: 1\nIp: Forwarding OutNoRoutes ReasmTimeout\nIp: 1 17 0\nTcp: A\nTcp: 2\n"), &n));
    assert_int_equal(n, 17);
}

static void a_text_without_the_counter_counts_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Ip: OutNoRoutes\n",
                                      "Ip: OutNoRoutes\nTcp: 1\n",
                                      "Ip: Forwarding\nIp: 1\n",
                                      "Ip: A OutNoRoutes\nIp: 1\n",
                                      "Ip: OutNoRoutes\nIp: -1\n",
                                      "Ip: OutNoRoutes\nIp: many\n"};
    uint64_t n;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(witness_parse_snmp(span_str(bad[i]), &n));
}

static void the_counter_of_ipv6_has_a_line_of_its_own(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_true(witness_parse_snmp6(SPAN_LIT("Ip6InReceives                   \t3\nIp6OutNoRoutes  \t9\n"), &n));
    assert_int_equal(n, 9);
    assert_false(witness_parse_snmp6(SPAN_LIT("Ip6InReceives 3\n"), &n));
    assert_false(witness_parse_snmp6(SPAN_LIT("Ip6OutNoRoutes\n"), &n));
}

static void this_kernel_has_the_counters(void **state)
{
    (void)state;
    uint64_t n;
    struct err e = {0};
    assert_int_equal(witness_read(getpid(), &n, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_is_found_by_its_name_in_the_line_above),
        cmocka_unit_test(a_text_without_the_counter_counts_nothing),
        cmocka_unit_test(the_counter_of_ipv6_has_a_line_of_its_own),
        cmocka_unit_test(this_kernel_has_the_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
