/* tokenizer.json: parts of known kinds, patterns that end, tokens that mean one thing. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parse/tokenizer.h"

static void comes_out(const char *text, enum verdict verdict, const char *rule)
{
    auto_look l = look_named(span_str(text), "tokenizer.json");
    if (l.verdict != verdict)
        print_message("# %s: %s; %s\n", text, verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

/* A tokenizer with this text in front of its model. */
static void part(const char *member, enum verdict verdict, const char *rule)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "{\"version\":\"1.0\",%s,\"model\":{\"type\":\"BPE\",\"vocab\":{\"<s>\":0,\"a\":1},\"merges\":[]}}",
             member);
    comes_out(text, verdict, rule);
}

static void what_tokenizers_are_made_of_is_clean(void **state)
{
    (void)state;
    part("\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"}",
         VERDICT_CLEAN, NULL);
    part("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\",\"pattern\":{"
         "\"String\":"
         "\" \"},\"content\":\"_\"}]}",
         VERDICT_CLEAN, NULL);
    part("\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true},{\"id\":2,\"content\":\"<t>\"}]",
         VERDICT_CLEAN, NULL);
}

static void a_part_of_an_unknown_kind_is_found_at_any_depth(void **state)
{
    (void)state;
    part("\"decoder\":{\"type\":\"Python\"}", VERDICT_SUSPICIOUS, "tokenizer-kind");
    part("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Sequence\",\"normalizers\":[{\"type\":"
         "\"X\"}]}]}",
         VERDICT_SUSPICIOUS, "tokenizer-kind");
    comes_out("{\"version\":\"1.0\"}", VERDICT_SUSPICIOUS, "tokenizer-kind");
}

static void words_are_not_replaced_in_every_text(void **state)
{
    (void)state;
    part("\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"not safe\"},\"content\":\"safe\"}",
         VERDICT_SUSPICIOUS, "tokenizer-rewrite");
}

static void a_token_means_one_thing(void **state)
{
    (void)state;
    part("\"added_tokens\":[{\"id\":2,\"content\":\"x\"},{\"id\":3,\"content\":\"x\"}]", VERDICT_SUSPICIOUS,
         "config-token");
    part("\"added_tokens\":[{\"id\":2,\"content\":\"x\"},{\"id\":2,\"content\":\"y\"}]", VERDICT_SUSPICIOUS,
         "config-token");
    part("\"added_tokens\":[{\"id\":7,\"content\":\"a\"}]", VERDICT_SUSPICIOUS, "config-token");
    part("\"added_tokens\":[{\"id\":-7,\"content\":\"b\"}]", VERDICT_SUSPICIOUS, "config-token");
    part("\"added_tokens\":[{\"id\":7,\"content\":\"<\\u200b>\",\"special\":true}]", VERDICT_SUSPICIOUS,
         "config-token");
    comes_out("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"b\"}}}", VERDICT_SUSPICIOUS, "config-token");
}

static void patterns_of_large_vocabularies_are_no_hazard(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
        "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
        "\\s+(?!\\S)|\\s+",
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re)?|\\p{"
        "N}{1,3}|"
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| "
        "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|"
        "\\s+(?!\\S)|\\s",
        " ?[^(\\s|[.,!?\xe2\x80\xa6\xe3\x80\x82])]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
        "\\d{1,3}(?=(?:\\d{3})*\\b)",
        "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
    };
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        const char *hazard = tokenizer_regex_hazard(span_str(patterns[i]));
        if (hazard)
            print_message("# %s: %s\n", patterns[i], hazard);
        assert_null(hazard);
    }
}

static void a_pattern_that_can_take_for_ever_is_found(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "(a+)+$",   "(a*)*b",  "([a-z]+)*x",    "(?:(?:a{2,})b?)+", "(a|a)*$",
        "(ab|ac)+", "(.)\\1+", "(?<n>a)\\k<n>", "a{2000}",          "(x(y+)z)*",
    };
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        if (!tokenizer_regex_hazard(span_str(patterns[i])))
            fail_msg("%s", patterns[i]);
    part("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+$\"},\"behavior\":\"Isolated\"}",
         VERDICT_SUSPICIOUS, "tokenizer-regex");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tokenizers_are_made_of_is_clean),
        cmocka_unit_test(a_part_of_an_unknown_kind_is_found_at_any_depth),
        cmocka_unit_test(words_are_not_replaced_in_every_text),
        cmocka_unit_test(a_token_means_one_thing),
        cmocka_unit_test(patterns_of_large_vocabularies_are_no_hazard),
        cmocka_unit_test(a_pattern_that_can_take_for_ever_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
