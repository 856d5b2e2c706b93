/* GGUF: whole files pass, and a count, length or offset that lies is found before it is believed. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_model(struct buf *b)
{
    gguf_begin(b, 2, 2);
    gguf_pair_string(b, "general.architecture", "llama");
    gguf_pair_u32(b, "llama.block_count", 2);
    gguf_tensor_f32(b, "a", 8, 0);
    gguf_tensor_f32(b, "b", 8, 32);
    gguf_data(b, 64);
}

static void refused(const struct buf *b, const char *rule)
{
    auto_look l = look_named(buf_span(b), "model.gguf");
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&l, rule));
}

static void a_whole_file_is_clean_and_its_facts_are_told(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    a_model(&b);

    auto_look l = look_named(buf_span(&b), "model.gguf");

    assert_int_equal(l.verdict, VERDICT_CLEAN);
    assert_string_equal(l.rules, "");
    const json_t *facts = json_object_get(l.reply, "facts");
    assert_string_equal(json_get_string(facts, "architecture", ""), "llama");
    assert_int_equal(json_integer_value(json_object_get(facts, "parameters")), 16);
    assert_int_equal(json_integer_value(json_object_get(facts, "tensors")), 2);
}

static void a_file_cut_at_any_byte_is_never_clean(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    a_model(&b);
    for (size_t len = 0; len < b.len; len++) {
        auto_look l = look_named(span_of(b.ptr, len), "model.gguf");
        assert_true(verdict_blocks(l.verdict));
    }
}

static void a_count_of_2_to_the_63_is_refused(void **state)
{
    (void)state;
    auto_buf tensors = BUF(65536), pairs = BUF(65536), array = BUF(65536);
    gguf_begin(&tensors, 1ULL << 63, 0);
    gguf_begin(&pairs, 0, 1ULL << 63);
    gguf_begin(&array, 0, 1);
    gguf_string(&array, "tokenizer.ggml.tokens");
    buf_add_le32(&array, 9);
    buf_add_le32(&array, 8);
    put_le64(&array, 1ULL << 63);

    refused(&tensors, "gguf-count");
    refused(&pairs, "gguf-count");
    refused(&array, "gguf-count");
}

static void a_string_of_2_to_the_40_bytes_is_refused(void **state)
{
    (void)state;
    auto_buf key = BUF(65536), value = BUF(65536), name = BUF(65536);
    gguf_begin(&key, 0, 1);
    put_le64(&key, 1ULL << 40);
    gguf_begin(&value, 0, 1);
    gguf_string(&value, "general.name");
    buf_add_le32(&value, 8);
    put_le64(&value, 1ULL << 40);
    gguf_begin(&name, 1, 1);
    gguf_pair_string(&name, "general.architecture", "llama");
    put_le64(&name, 1ULL << 40);
    gguf_data(&name, 64);

    refused(&key, "gguf-length");
    refused(&value, "gguf-length");
    refused(&name, "gguf-length");
}

static void an_offset_past_the_end_is_refused(void **state)
{
    (void)state;
    auto_buf past = BUF(65536), missing = BUF(65536);
    gguf_begin(&past, 1, 1);
    gguf_pair_string(&past, "general.architecture", "llama");
    gguf_tensor_f32(&past, "a", 8, 1U << 20);
    gguf_data(&past, 32);
    gguf_begin(&missing, 1, 1);
    gguf_pair_string(&missing, "general.architecture", "llama");
    gguf_tensor_f32(&missing, "a", 1U << 20, 0);
    gguf_data(&missing, 32);

    refused(&past, "gguf-offset");
    refused(&missing, "gguf-truncated");
}

static void tensors_that_overlap_are_refused(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    gguf_begin(&b, 2, 1);
    gguf_pair_string(&b, "general.architecture", "llama");
    gguf_tensor_f32(&b, "a", 8, 0);
    gguf_tensor_f32(&b, "b", 8, 0);
    gguf_data(&b, 64);

    refused(&b, "gguf-offset");
}

static void the_same_key_or_tensor_twice_is_refused(void **state)
{
    (void)state;
    auto_buf key = BUF(65536), tensor = BUF(65536);
    gguf_begin(&key, 0, 2);
    gguf_pair_string(&key, "general.architecture", "llama");
    gguf_pair_string(&key, "general.architecture", "mamba");
    gguf_begin(&tensor, 2, 1);
    gguf_pair_string(&tensor, "general.architecture", "llama");
    gguf_tensor_f32(&tensor, "a", 8, 0);
    gguf_tensor_f32(&tensor, "a", 8, 32);
    gguf_data(&tensor, 64);

    refused(&key, "gguf-duplicate");
    refused(&tensor, "gguf-duplicate");
}

static void bytes_behind_the_last_tensor_are_refused(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    a_model(&b);
    buf_add_str(&b, "PK\003\004 something else");

    refused(&b, "gguf-trailing");
}

static void a_number_that_engines_divide_by_is_not_zero(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    gguf_begin(&b, 0, 2);
    gguf_pair_string(&b, "general.architecture", "llama");
    gguf_pair_u32(&b, "llama.attention.head_count", 0);

    refused(&b, "gguf-metadata");
}

static void the_number_in_a_split_files_name_is_the_one_in_its_header(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    gguf_begin(&b, 0, 3);
    gguf_pair_string(&b, "general.architecture", "llama");
    gguf_pair_u32(&b, "split.no", 0);
    gguf_pair_u32(&b, "split.count", 2);

    auto_look right = look_named(buf_span(&b), "m-00001-of-00002.gguf");
    auto_look wrong = look_named(buf_span(&b), "m-00002-of-00002.gguf");

    assert_int_equal(right.verdict, VERDICT_CLEAN);
    assert_int_equal(wrong.verdict, VERDICT_SUSPICIOUS);
}

static void with_template(struct buf *b, const char *text)
{
    gguf_begin(b, 0, 2);
    gguf_pair_string(b, "general.architecture", "llama");
    gguf_pair_string(b, "tokenizer.chat_template", text);
}

static void a_template_inside_the_subset_passes_and_another_one_only_when_it_is_listed(void **state)
{
    (void)state;
    static const char plain[] = "{% for m in messages %}{{ m['content'] }}{% endfor %}";
    static const char outside[] = "{% for m in messages %}{{ m['content'] | center(80) }}{% endfor %}";
    struct digest id = digest_of(SPAN_LIT(outside));
    struct inspect_options o = {.name = "m.gguf"};
    auto_buf a = BUF(65536), b = BUF(65536);
    with_template(&a, plain);
    with_template(&b, outside);

    auto_look inside = look_named(buf_span(&a), "m.gguf"), unlisted = look_named(buf_span(&b), "m.gguf");
    o.templates.allowed = &id;
    o.templates.allowed_count = 1;
    auto_look listed = look_at(buf_span(&b), &o);

    assert_int_equal(inside.verdict, VERDICT_CLEAN);
    assert_true(look_has(&inside, "template-unknown"));
    assert_int_equal(unlisted.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&unlisted, "template-construct"));
    assert_int_equal(listed.verdict, VERDICT_CLEAN);
    assert_string_equal(listed.rules, "");
}

static void a_template_that_walks_to_pythons_machinery_is_malicious(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    with_template(&b, "{{ ''.__class__.__mro__[1].__subclasses__() }}");

    auto_look l = look_named(buf_span(&b), "m.gguf");

    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_clean_and_its_facts_are_told),
        cmocka_unit_test(a_file_cut_at_any_byte_is_never_clean),
        cmocka_unit_test(a_count_of_2_to_the_63_is_refused),
        cmocka_unit_test(a_string_of_2_to_the_40_bytes_is_refused),
        cmocka_unit_test(an_offset_past_the_end_is_refused),
        cmocka_unit_test(tensors_that_overlap_are_refused),
        cmocka_unit_test(the_same_key_or_tensor_twice_is_refused),
        cmocka_unit_test(bytes_behind_the_last_tensor_are_refused),
        cmocka_unit_test(a_number_that_engines_divide_by_is_not_zero),
        cmocka_unit_test(the_number_in_a_split_files_name_is_the_one_in_its_header),
        cmocka_unit_test(a_template_inside_the_subset_passes_and_another_one_only_when_it_is_listed),
        cmocka_unit_test(a_template_that_walks_to_pythons_machinery_is_malicious),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
