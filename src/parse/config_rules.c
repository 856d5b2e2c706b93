/* Rules for one member of a configuration, by its name, wherever it stands: nested configurations of parts of a model
 * are loaded as the outer one is. */
#include <stdio.h>
#include <string.h>

#include "parse/config.h"

static void hazard(struct config *c, const char *rule, const char *what)
{
    report_finding(c->r, SEVERITY_HIGH, rule, c->at, "%s", what);
}

static bool has_any(const json_t *v, const char *characters)
{
    return json_is_string(v) && strpbrk(json_string_value(v), characters) != NULL;
}

/* ── what is imported or called ── */

static void rule_code(struct config *c, const json_t *v)
{
    if (config_is_set(v))
        hazard(c, "config-code", "makes a loader import code that comes with the model, or from another repository");
}

/* Hydra, Lightning: the dotted name is called with what stands beside it. */
static void rule_call(struct config *c, const json_t *v)
{
    if (config_is_set(v))
        report_finding(c->r, SEVERITY_HIGH, "config-code", c->at, "a loader imports and calls what this names: %.200s",
                       json_is_string(v) ? json_string_value(v) : "no text");
}

/* class_path is called by Lightning, when what is given to it stands beside it. */
static void rule_class_path(struct config *c, const json_t *v)
{
    if (json_is_string(v) && config_is_dotted(json_string_value(v)) && strchr(json_string_value(v), '.'))
        rule_call(c, v);
}

/* PEFT writes down where the class of the base model came from, and imports it. */
static void rule_auto_mapping(struct config *c, const json_t *v)
{
    static const char *const libraries[] = {"transformers",          "diffusers", "peft",
                                            "sentence_transformers", "timm",      "torch"};
    const char *library = json_get_string(v, "parent_library", NULL);
    for (size_t i = 0; library && i < ARRAY_LEN(libraries); i++)
        if (config_is_in(library, libraries[i]))
            return;
    if (config_is_set(v))
        hazard(c, "config-code", "parent_library is imported, and is no part of the libraries that models come from");
}

static void rule_megatron(struct config *c, const json_t *v)
{
    if (config_is_set(v) && !(json_is_string(v) && config_is_in(json_string_value(v), "megatron.core")))
        hazard(c, "config-code", "PEFT imports what this names, and it is not megatron.core");
}

/* A function by its dotted name, which sentence-transformers imports; transformers has names without dots here. */
static void rule_function(struct config *c, const json_t *v)
{
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    if (strpbrk(name, "./:") && !config_is_in(name, "torch.nn"))
        report_finding(c->r, SEVERITY_HIGH, "config-code", c->at, "is imported, and is no part of torch.nn: %.200s",
                       name);
}

/* Kernels for attention: a name of the library's own, else a repository whose code is fetched. Also one a part. */
static void rule_repository(struct config *c, const json_t *v)
{
    const char *key;
    json_t *part;
    if (has_any(v, "/:@"))
        hazard(c, "config-code", "names a repository that code would be fetched from");
    json_object_foreach((json_t *)(uintptr_t)v, key, part) if (has_any(part, "/:@"))
        hazard(c, "config-code", "names a repository that code would be fetched from");
}

static void rule_pipeline(struct config *c, const json_t *v)
{
    if (json_is_array(v) || has_any(v, "./\\:"))
        hazard(c, "config-code", "a class that comes from a module of its own");
}

/* ── names of classes ── */

static bool is_class(const char *name)
{
    return config_is_dotted(name) && !strchr(name, '.');
}

static void rule_class(struct config *c, const json_t *v)
{
    const json_t *item;
    size_t i;
    if (json_is_string(v) && json_string_value(v)[0] && !is_class(json_string_value(v)))
        hazard(c, "config-class", "a class with a path; only plain names of known classes stand here");
    json_array_foreach((json_t *)(uintptr_t)v, i, item) if (json_is_string(item) && !is_class(json_string_value(item)))
        hazard(c, "config-class", "a class with a path; only plain names of known classes stand here");
}

static void rule_tokenizer_class(struct config *c, const json_t *v)
{
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    rule_class(c, v);
    if (*name && is_class(name) && !strstr(name, "Tokenizer"))
        report_finding(c->r, SEVERITY_LOW, "config-class", c->at, "%.100s is no name that a tokenizer's class has",
                       name);
}

/* A model's type chooses code of the library. */
static void rule_type(struct config *c, const json_t *v)
{
    if (has_any(v, "/\\:") || (json_is_string(v) && strstr(json_string_value(v), "..")))
        hazard(c, "config-class", "a type that is a path");
}

static void rule_peft_type(struct config *c, const json_t *v)
{
    static const char known[] = " LORA PREFIX_TUNING P_TUNING PROMPT_TUNING MULTITASK_PROMPT_TUNING ADAPTION_PROMPT "
                                "ADALORA IA3 LOHA LOKR OFT BOFT "
                                "POLY LN_TUNING VERA FOURIERFT XLORA HRA VBLORA CPT BONE RANDLORA TRAINABLE_TOKENS C3A "
                                "SHIRA MISS ROAD WAVEFT OSF "
                                "DELORA GRALORA ";
    char word[64];
    rule_class(c, v);
    if (!json_is_string(v))
        return;
    snprintf(word, sizeof(word), " %.60s ", json_string_value(v));
    if (!strstr(known, word))
        report_finding(c->r, SEVERITY_LOW, "config-class", c->at, "a kind of adapter that this scanner does not know");
}

/* ── places ── */

static void rule_url(struct config *c, const json_t *v)
{
    if (json_is_string(v) && strstr(json_string_value(v), "://"))
        hazard(c, "config-url", "a URL, which a loader would follow");
}

/* What is loaded besides: the model an adapter is made for, an encoder, an assistant. Training leaves absolute paths.
 */
static void rule_base(struct config *c, const json_t *v)
{
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    if (strstr(name, "://"))
        rule_url(c, v);
    else if (config_leads_out(name))
        hazard(c, "config-path", "a path that leads out of the model's folder");
    else if (*name)
        report_finding(c->r, SEVERITY_INFO, "config-base", c->at,
                       "is loaded as well, from a folder or a repository, and is not in this file: %.200s", name);
}

static void rule_file(struct config *c, const json_t *v)
{
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    if (strstr(name, "://"))
        rule_url(c, v);
    else if (config_leads_out(name))
        hazard(c, "config-path", "a path that leads out of the model's folder");
    else if (name[0] == '/')
        report_finding(c->r, SEVERITY_LOW, "config-path", c->at, "a path of the machine that wrote this: %.200s", name);
}

static void rule_weight_map(struct config *c, const json_t *v)
{
    const char *key;
    json_t *file;
    if (!json_is_object(v)) {
        hazard(c, "index-shard", "is no object of tensor names and files");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, file)
    {
        if (json_is_string(file) && !has_any(file, "/\\:") && json_string_value(file)[0] != '.' &&
            json_string_value(file)[0] != '\0')
            continue;
        hazard(c, "index-shard", "a shard whose name is no plain file name");
        return;
    }
}

/* ── tokens and counts ── */

static void rule_suppress(struct config *c, const json_t *v)
{
    if (json_array_size(v) > 256)
        hazard(c, "config-suppress", "suppresses so many tokens that little is left for the model to say");
}

static void rule_token_id(struct config *c, const json_t *v)
{
    const json_t *item;
    size_t i;
    if (json_is_integer(v) && json_integer_value(v) < 0)
        hazard(c, "config-token", "a negative token number");
    json_array_foreach((json_t *)(uintptr_t)v, i, item) if (json_is_integer(item) && json_integer_value(item) < 0)
        hazard(c, "config-token", "a negative token number");
}

static void rule_added_tokens(struct config *c, const json_t *v)
{
    auto_json seen = json_object();
    const char *key;
    json_t *token;
    json_object_foreach((json_t *)(uintptr_t)v, key, token)
    {
        const char *content = json_get_string(token, "content", NULL);
        if (strspn(key, "0123456789") != strlen(key))
            hazard(c, "config-token", "an added token whose name is no token number");
        if (content && json_object_get(seen, content))
            hazard(c, "config-token", "two added tokens have the same text");
        if (content)
            json_object_set_new(seen, content, json_true());
    }
}

/* Sizes for which a loader takes memory, far beyond any model that there is. */
static const struct {
    const char *key;
    json_int_t max;
} COUNTS[] = {
    {"num_hidden_layers", 100000},
    {"n_layer", 100000},
    {"hidden_size", 10000000},
    {"n_embd", 10000000},
    {"intermediate_size", 100000000},
    {"vocab_size", 100000000},
    {"num_attention_heads", 1000000},
    {"num_experts", 1000000},
    {"num_beams", 1000},
    {"num_return_sequences", 1000},
    {"num_beam_groups", 1000},
    {"height", 1000000},
    {"width", 1000000},
    {"num_channels", 1000000},
    {"num_frames", 10000000},
    {"n_fft", 100000000},
};

static void check_count(struct config *c, const char *key, const json_t *v)
{
    for (size_t i = 0; json_is_integer(v) && i < ARRAY_LEN(COUNTS); i++)
        if (strcmp(key, COUNTS[i].key) == 0 && json_integer_value(v) > COUNTS[i].max)
            report_finding(c->r, SEVERITY_HIGH, "config-bomb", c->at,
                           "%" JSON_INTEGER_FORMAT " is more than any model has; a loader would take memory for it",
                           json_integer_value(v));
}

/* ── templates ── */

static void rule_template(struct config *c, const json_t *v)
{
    char at[640];
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_string(v))
        jinja_check(span_str(json_string_value(v)), "chat_template", c->at, c->templates, &c->r->facts, c->r);
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
    {
        snprintf(at, sizeof(at), "%s/%.100s", c->at, key);
        if (json_is_string(item))
            jinja_check(span_str(json_string_value(item)), key, at, c->templates, &c->r->facts, c->r);
    }
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        const char *text = json_get_string(item, "template", NULL);
        snprintf(at, sizeof(at), "%s/%zu/template", c->at, i);
        if (text)
            jinja_check(span_str(text), json_get_string(item, "name", ""), at, c->templates, &c->r->facts, c->r);
    }
}

/* ── the table ── */

static const struct {
    const char *key;
    void (*rule)(struct config *c, const json_t *v);
} RULES[] = {
    {"auto_map", rule_code},
    {"trust_remote_code", rule_code},
    {"custom_pipelines", rule_code},
    {"custom_pipeline", rule_code},
    {"custom_generate", rule_code},
    {"loader_module", rule_class_path},
    {"kernel_config", rule_code},
    {"kernel_mapping", rule_code},
    {"use_kernels", rule_code},
    {"auto_mapping", rule_auto_mapping},
    {"megatron_core", rule_megatron},
    {"_target_", rule_call},
    {"class_path", rule_class_path},
    {"_attn_implementation_internal", rule_code},
    {"attn_implementation", rule_repository},
    {"_attn_implementation", rule_repository},
    {"experts_implementation", rule_repository},
    {"_experts_implementation", rule_repository},
    {"activation_function", rule_function},
    {"activation_fn", rule_function},
    {"sbert_ce_default_activation_function", rule_function},
    {"tokenizer_class", rule_tokenizer_class},
    {"processor_class", rule_class},
    {"feature_extractor_type", rule_class},
    {"feature_extractor_class", rule_class},
    {"image_processor_type", rule_class},
    {"image_processor_class", rule_class},
    {"video_processor_type", rule_class},
    {"audio_tokenizer_class", rule_class},
    {"architectures", rule_class},
    {"model_type", rule_type},
    {"quant_method", rule_type},
    {"peft_type", rule_peft_type},
    {"_name_or_path", rule_url},
    {"name_or_path", rule_url},
    {"base_model_name_or_path", rule_base},
    {"tokenizer_file", rule_file},
    {"vocab_file", rule_file},
    {"merges_file", rule_file},
    {"special_tokens_map_file", rule_file},
    {"suppress_tokens", rule_suppress},
    {"begin_suppress_tokens", rule_suppress},
    {"bad_words_ids", rule_suppress},
    {"eos_token_id", rule_token_id},
    {"bos_token_id", rule_token_id},
    {"pad_token_id", rule_token_id},
    {"decoder_start_token_id", rule_token_id},
    {"chat_template", rule_template},
    {"weight_map", rule_weight_map},
    {"_class_name", rule_pipeline},
    {"added_tokens_decoder", rule_added_tokens},
};

void config_member_check(struct config *c, const char *key, const json_t *v)
{
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
        if (strcmp(RULES[i].key, key) == 0)
            RULES[i].rule(c, v);
    check_count(c, key, v);
}
