/* Chat templates and configurations: code by other means. What honest ones have passes, what none needs is found. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void comes_out(const char *name, const char *text, enum verdict verdict, const char *rule)
{
    auto_look l = look_named(span_str(text), name);
    if (l.verdict != verdict)
        print_message("# %s: %s, wanted %s; %s\n", text, verdict_name(l.verdict), verdict_name(verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

#define SMOLLM2                                                                                               \
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "                 \
    "'<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' " \
    "}}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"     \
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

static void the_template_of_the_demos_model_is_known(void **state)
{
    (void)state;
    struct digest id = digest_of(SPAN_LIT(SMOLLM2));
    auto_look l = look_named(SPAN_LIT(SMOLLM2), "chat_template.jinja");

    assert_string_equal(jinja_known(&id), "SmolLM2 Instruct");
    assert_int_equal(l.verdict, VERDICT_CLEAN);
    assert_string_equal(l.rules, "");
}

static void what_chat_templates_do_passes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{% if messages[0]['role'] == 'system' %}{% set x = messages[0]['content'] %}{% endif %}",
        "{%- if '</think>' in message.content %}{% set c = message.content.split('</think>')[-1] %}{% endif %}",
        "{# a comment with __class__ in it #}{{ raise_exception('Roles must alternate') }}",
        "{{ message['content'] | trim }}{{ tool | tojson(indent=2) }}{{ ns.x }}{{ range(3) }}",
        "{% if message['role'] == 'user' and message['content'] is none %}{% endif %}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out("t.jinja", texts[i], VERDICT_CLEAN, "template-unknown");
}

static void what_no_chat_template_needs_is_found(void **state)
{
    (void)state;
    comes_out("t.jinja", "{{ x.__class__ }}", VERDICT_MALICIOUS, "template-python");
    comes_out("t.jinja", "{{ x['__cla' ~ 'ss__'] }}", VERDICT_SUSPICIOUS, "template-underscores");
    comes_out("t.jinja", "{{ x['\\x5f\\x5fclass'] }}", VERDICT_MALICIOUS, "template-escape");
    comes_out("t.jinja", "{{ x | attr('y') }}", VERDICT_SUSPICIOUS, "template-construct");
    comes_out("t.jinja", "{% include 'x' %}", VERDICT_SUSPICIOUS, "template-construct");
    comes_out("t.jinja", "{{ lipsum.x }}", VERDICT_SUSPICIOUS, "template-construct");
    comes_out("t.jinja", "{{ x.popen('id') }}", VERDICT_MALICIOUS, "template-python");
    comes_out("t.jinja", "{{ 'see http://pay.example' }}", VERDICT_SUSPICIOUS, "template-url");
    comes_out("t.jinja", "{{ 'a\xe2\x80\xae' }}", VERDICT_SUSPICIOUS, "template-hidden");
    comes_out("t.jinja", "{{ x", VERDICT_SUSPICIOUS, "template-syntax");
    comes_out("t.jinja", "{{ 'x }}", VERDICT_SUSPICIOUS, "template-syntax");
}

static void a_template_that_listens_for_a_word_is_found(void **state)
{
    (void)state;
    comes_out("t.jinja", "{% if 'invoice' in messages[-1]['content'] %}x{% endif %}", VERDICT_SUSPICIOUS,
              "template-condition");
    comes_out("t.jinja", "{% if m.content == 'invoice' %}x{% endif %}", VERDICT_SUSPICIOUS, "template-condition");
    comes_out("t.jinja", "{{ 'x' if m.content.startswith('invoice') else '' }}", VERDICT_SUSPICIOUS,
              "template-condition");
}

static void a_configuration_that_fetches_or_runs_code_is_found(void **state)
{
    (void)state;
    comes_out("config.json", "{\"model_type\":\"llama\"}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"auto_map\":null,\"trust_remote_code\":false}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"a\":{\"b\":[{\"auto_map\":{\"X\":\"y--z.Z\"}}]}}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("config.json", "{\"trust_remote_code\":true}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("config.json", "{\"auto\\u005fmap\":{\"X\":\"y\"}}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("config.json", "{\"auto_map\":{},\"auto_map\":{\"X\":\"y\"}}", VERDICT_SUSPICIOUS, "json-broken");
    comes_out("modules.json", "[{\"type\":\"os.system\",\"path\":\"\"}]", VERDICT_SUSPICIOUS, "config-code");
    comes_out("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../x.safetensors\"}}", VERDICT_SUSPICIOUS,
              "index-shard");
    comes_out("model_config.yaml", "model:\n  _target_: builtins.eval\n", VERDICT_SUSPICIOUS, "config-code");
    comes_out("a.yaml", "a: !!python/object:x {}\n", VERDICT_SUSPICIOUS, "yaml-broken");
}

static void what_a_loader_would_import_is_judged_by_what_it_names(void **state)
{
    (void)state;
    comes_out("adapter_config.json",
              "{\"auto_mapping\":{\"parent_library\":\"transformers.models.llama.modeling_llama\"}}", VERDICT_CLEAN,
              NULL);
    comes_out("adapter_config.json", "{\"auto_mapping\":{\"parent_library\":\"transformers_modules.x\"}}",
              VERDICT_SUSPICIOUS, "config-code");
    comes_out("adapter_config.json", "{\"megatron_core\":\"megatron.core\",\"peft_type\":\"LORA\"}", VERDICT_CLEAN,
              NULL);
    comes_out("adapter_config.json", "{\"megatron_core\":\"evil\"}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("adapter_config.json", "{\"base_model_name_or_path\":\"acme/base\"}", VERDICT_CLEAN, "config-base");
    comes_out("adapter_config.json", "{\"base_model_name_or_path\":\"../../x\"}", VERDICT_SUSPICIOUS, "config-path");
    comes_out("config.json", "{\"activation_function\":\"gelu_new\"}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"activation_function\":\"torch.nn.modules.activation.Tanh\"}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"activation_function\":\"os.system\"}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("config.json", "{\"attn_implementation\":{\"text_config\":\"evil/kernel\"}}", VERDICT_SUSPICIOUS,
              "config-code");
    comes_out("config.json", "{\"_attn_implementation\":\"flash_attention_2\"}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"architectures\":[\"a.b.C\"]}", VERDICT_SUSPICIOUS, "config-class");
    comes_out("config.json", "{\"num_hidden_layers\":999999999}", VERDICT_SUSPICIOUS, "config-bomb");
    comes_out("model_index.json", "{\"_class_name\":\"P\",\"unet\":[\"diffusers\",\"U\"]}", VERDICT_CLEAN, NULL);
    comes_out("model_index.json", "{\"unet\":[\"my_unet\",\"U\"]}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("router_config.json", "{\"types\":{\"a\":\"os.system\"}}", VERDICT_SUSPICIOUS, "config-code");
    comes_out("tokenizer_config.json", "{\"tokenizer_file\":\"/root/x.json\"}", VERDICT_CLEAN, "config-path");
    comes_out("vocab.json", "{\"a\":\"b\"}", VERDICT_SUSPICIOUS, "config-token");
    comes_out("a.yaml", "class_path: my.Module\ninit_args: {}\n", VERDICT_SUSPICIOUS, "config-code");
    comes_out("a.yaml", "class_path: lib/a.jar\n", VERDICT_CLEAN, NULL);
    comes_out("a.yaml", "model_type: stable diffusion XL\n", VERDICT_CLEAN, NULL);
    comes_out("a.yaml", "trust_remote_code: yes\n", VERDICT_SUSPICIOUS, "config-code");
    comes_out("a.yaml", "trust_remote_code: no\n", VERDICT_CLEAN, NULL);
}

static void a_template_under_another_name_is_found_when_it_reaches_for_python(void **state)
{
    (void)state;
    comes_out("config.json", "{\"prompt_template\":\"{{#if x}}a{{/if}}\"}", VERDICT_CLEAN, "template-syntax");
    comes_out("config.json", "{\"my_template\":\"{{ ''.__class__ }}\"}", VERDICT_MALICIOUS, "template-python");
    comes_out("a.yaml", "url: \"{{ .Values.host }}\"\n", VERDICT_CLEAN, NULL);
    comes_out("a.yaml", "run: \"{{ x.__class__ }}\"\n", VERDICT_MALICIOUS, "template-python");
}

static void a_template_inside_a_configuration_is_judged_as_one(void **state)
{
    (void)state;
    comes_out("tokenizer_config.json", "{\"chat_template\":[{\"name\":\"a\",\"template\":\"{{ x.__class__ }}\"}]}",
              VERDICT_MALICIOUS, "template-python");
    comes_out("a.yaml", "chat_template: \"{{ x.__class__ }}\"\n", VERDICT_MALICIOUS, "template-python");
}

static void a_number_that_means_no_limit_is_no_error(void **state)
{
    (void)state;
    comes_out("tokenizer_config.json", "{\"model_max_length\":1000000000000000019884624838656}", VERDICT_CLEAN, NULL);
    comes_out("a.json", "{\"s\":\"1000000000000000019884624838656\",\"f\":1.00000000000000000000005}", VERDICT_CLEAN,
              NULL);
    comes_out("a.json", "{\"n\":11111111111111111111111111111111111111111111111111}", VERDICT_SUSPICIOUS,
              "json-number");
}

static void pythons_words_for_numbers_are_read_where_a_value_stands(void **state)
{
    (void)state;
    comes_out("config.json", "{\"a\":[0.0, Infinity],\"b\":-Infinity,\"c\":NaN}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"a\":\"NaN, Infinity\"}", VERDICT_CLEAN, NULL);
    comes_out("config.json", "{\"a\":1NaN}", VERDICT_SUSPICIOUS, "json-broken");
    comes_out("config.json", "{\"a\":Infinity1}", VERDICT_SUSPICIOUS, "json-broken");
    comes_out("config.json", "{\"a\":Nan}", VERDICT_SUSPICIOUS, "json-broken");
    comes_out("config.json", "{NaN:1}", VERDICT_SUSPICIOUS, "json-broken");
}

static void each_line_of_json_lines_is_a_document(void **state)
{
    (void)state;
    comes_out("a.jsonl", "{\"a\":1}\n\n[1]\n", VERDICT_CLEAN, NULL);
    comes_out("a.jsonl", "{\"a\":1}\n{\"a\":1,\"a\":2}\n", VERDICT_SUSPICIOUS, "json-broken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_template_of_the_demos_model_is_known),
        cmocka_unit_test(what_chat_templates_do_passes),
        cmocka_unit_test(what_no_chat_template_needs_is_found),
        cmocka_unit_test(a_template_that_listens_for_a_word_is_found),
        cmocka_unit_test(a_configuration_that_fetches_or_runs_code_is_found),
        cmocka_unit_test(what_a_loader_would_import_is_judged_by_what_it_names),
        cmocka_unit_test(a_template_under_another_name_is_found_when_it_reaches_for_python),
        cmocka_unit_test(a_template_inside_a_configuration_is_judged_as_one),
        cmocka_unit_test(a_number_that_means_no_limit_is_no_error),
        cmocka_unit_test(pythons_words_for_numbers_are_read_where_a_value_stands),
        cmocka_unit_test(each_line_of_json_lines_is_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
