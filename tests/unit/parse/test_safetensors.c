/* safetensors: no overlap, no hole, no name twice, and nothing behind the data. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void comes_out(const char *header, size_t data, enum verdict verdict, const char *rule)
{
    auto_buf b = BUF(65536);
    safetensors_file(&b, header, data);
    auto_look l = look_named(buf_span(&b), "m.safetensors");
    assert_int_equal(l.verdict, verdict);
    assert_true(rule ? look_has(&l, rule) : l.rules[0] == '\0');
}

#define TENSOR(name, begin, end) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" begin "," end "]}"

static void a_whole_file_is_clean(void **state)
{
    (void)state;
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("b", "8", "16") "}   ", 16, VERDICT_CLEAN, NULL);
    comes_out("{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("a", "0", "8") "}", 8, VERDICT_CLEAN, NULL);
}

static void tensors_that_overlap_are_refused(void **state)
{
    (void)state;
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("b", "4", "12") "}", 12, VERDICT_SUSPICIOUS, "safetensors-offset");
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("b", "0", "8") "}", 8, VERDICT_SUSPICIOUS, "safetensors-offset");
}

static void a_hole_between_tensors_is_refused(void **state)
{
    (void)state;
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("b", "12", "20") "}", 20, VERDICT_SUSPICIOUS, "safetensors-offset");
}

static void a_name_that_stands_twice_is_refused_however_it_is_written(void **state)
{
    (void)state;
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("a", "8", "16") "}", 16, VERDICT_SUSPICIOUS, "safetensors-json");
    comes_out("{" TENSOR("a", "0", "8") "," TENSOR("\\u0061", "8", "16") "}", 16, VERDICT_SUSPICIOUS,
              "safetensors-json");
    comes_out("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
              VERDICT_SUSPICIOUS, "safetensors-json");
}

static void bytes_behind_the_data_are_refused(void **state)
{
    (void)state;
    comes_out("{" TENSOR("a", "0", "8") "}", 9, VERDICT_SUSPICIOUS, "safetensors-trailing");
}

static void a_shape_whose_size_wraps_is_refused(void **state)
{
    (void)state;
    comes_out("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
              VERDICT_SUSPICIOUS, "safetensors-shape");
}

static void a_header_longer_than_the_file_is_refused(void **state)
{
    (void)state;
    auto_buf b = BUF(65536), huge = BUF(65536);
    put_le64(&b, 5000);
    buf_add_str(&b, "{}");
    put_le64(&huge, UINT64_MAX - 4);
    buf_add_str(&huge, "{}");

    auto_look l = look_named(buf_span(&b), "m.safetensors"), m = look_named(buf_span(&huge), "m.safetensors");

    assert_true(look_has(&l, "safetensors-truncated"));
    assert_true(look_has(&m, "safetensors-header"));
}

static void a_file_cut_at_any_byte_is_never_clean(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    safetensors_file(&b, "{" TENSOR("a", "0", "8") "}", 8);
    for (size_t len = 0; len < b.len; len++) {
        auto_look l = look_named(span_of(b.ptr, len), "m.safetensors");
        assert_true(verdict_blocks(l.verdict));
    }
}

static void code_in_the_metadata_is_a_finding(void **state)
{
    (void)state;
    comes_out("{\"__metadata__\":{\"x\":\"import os; os.system('id')\"}," TENSOR("a", "0", "8") "}", 8,
              VERDICT_SUSPICIOUS, "safetensors-metadata");
}

static void long_metadata_are_read_to_their_end(void **state)
{
    (void)state;
    auto_buf tags = BUF(32768), order = BUF(32768);
    buf_add_str(&tags, "{\"__metadata__\":{\"ss_tag_frequency\":\"");
    for (size_t i = 0; i < 2000; i++)
        buf_add_str(&tags, "a tag: 1, ");
    buf_add_span(&order, buf_span(&tags));
    buf_add_str(&tags, "\"}," TENSOR("a", "0", "8") "}");
    buf_add_str(&order, "eval(x)\"}," TENSOR("a", "0", "8") "}");
    comes_out(buf_str(&tags), 8, VERDICT_CLEAN, NULL);
    comes_out(buf_str(&order), 8, VERDICT_SUSPICIOUS, "safetensors-metadata");
}

static void a_url_is_fine_where_the_model_specification_has_a_place_for_it(void **state)
{
    (void)state;
    comes_out(
        "{\"__metadata__\":{\"modelspec.implementation\":\"https://example.org/trainer\"}," TENSOR("a", "0", "8") "}",
        8, VERDICT_CLEAN, NULL);
    comes_out(
        "{\"__metadata__\":{\"modelspec.implementation\":\"curl https://example.org/x\"}," TENSOR("a", "0", "8") "}", 8,
        VERDICT_SUSPICIOUS, "safetensors-metadata");
    comes_out("{\"__metadata__\":{\"download_url\":\"https://example.org/x\"}," TENSOR("a", "0", "8") "}", 8,
              VERDICT_SUSPICIOUS, "safetensors-metadata");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_clean),
        cmocka_unit_test(tensors_that_overlap_are_refused),
        cmocka_unit_test(a_hole_between_tensors_is_refused),
        cmocka_unit_test(a_name_that_stands_twice_is_refused_however_it_is_written),
        cmocka_unit_test(bytes_behind_the_data_are_refused),
        cmocka_unit_test(a_shape_whose_size_wraps_is_refused),
        cmocka_unit_test(a_header_longer_than_the_file_is_refused),
        cmocka_unit_test(a_file_cut_at_any_byte_is_never_clean),
        cmocka_unit_test(code_in_the_metadata_is_a_finding),
        cmocka_unit_test(long_metadata_are_read_to_their_end),
        cmocka_unit_test(a_url_is_fine_where_the_model_specification_has_a_place_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
