/* Rules for files of a model that loaders know by their names. */
#include <stdio.h>
#include <string.h>

#include "parse/config.h"

static void hazard(struct config *c, const char *rule, const char *what, const char *shown)
{
    report_finding(c->r, SEVERITY_HIGH, rule, c->at, "%s: %.200s", what, shown);
}

/* modules.json of sentence-transformers: "type" is imported, "path" opened. */
static void check_modules(struct config *c)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)c->root, i, item)
    {
        const char *type = json_get_string(item, "type", ""), *path = json_get_string(item, "path", "");
        snprintf(c->at, sizeof(c->at), "/%zu", i);
        if (!config_is_in(type, "sentence_transformers"))
            hazard(c, "config-code", "a module type that is no part of sentence_transformers", type);
        if (config_leads_out(path) || path[0] == '/')
            hazard(c, "config-path", "a path that leads out of the model's folder", path);
    }
}

/* router_config.json of sentence-transformers: names of folders, and what is imported to read each. */
static void check_router(struct config *c)
{
    const char *key;
    json_t *type;
    json_object_foreach(json_object_get(c->root, "types"), key, type)
    {
        snprintf(c->at, sizeof(c->at), "/types/%.100s", key);
        if (!json_is_string(type) || !config_is_in(json_string_value(type), "sentence_transformers"))
            hazard(c, "config-code", "a module type that is no part of sentence_transformers",
                   json_is_string(type) ? json_string_value(type) : "no text");
        if (config_leads_out(key) || key[0] == '/')
            hazard(c, "config-path", "a path that leads out of the model's folder", key);
    }
}

/* model_index.json of diffusers: "part": [library or module, class]. What is none of these is a file of the repository.
 */
static void check_model_index(struct config *c)
{
    static const char libraries[] =
        " diffusers transformers onnxruntime.training flax optimum.intel stable_diffusion stable_diffusion_safe "
        "stable_diffusion_xl latent_diffusion deepfloyd_if paint_by_example unclip unidiffuser versatile_diffusion "
        "wuerstchen "
        "stable_cascade shap_e kandinsky kandinsky2_2 kandinsky3 audioldm audioldm2 musicldm blip_diffusion "
        "pixart_alpha "
        "flux sana hunyuandit ledits_pp semantic_stable_diffusion stable_audio cogvideo amused dance_diffusion "
        "spectrogram_diffusion"
        " aura_flow lumina marigold animatediff i2vgen_xl text_to_video_synthesis stable_video_diffusion ltx mochi "
        "allegro ";
    const char *key;
    json_t *part;
    json_object_foreach((json_t *)(uintptr_t)c->root, key, part)
    {
        const char *library = json_string_value(json_array_get(part, 0));
        char word[128];
        if (key[0] == '_' || json_array_size(part) != 2 || !library)
            continue;
        snprintf(c->at, sizeof(c->at), "/%.100s", key);
        snprintf(word, sizeof(word), " %.120s ", library);
        if (strchr(library, ' ') || !strstr(libraries, word))
            hazard(c, "config-code", "a part that is loaded by a module which is none of diffusers' own", library);
    }
}

/* Texts and their numbers. */
static void check_vocabulary(struct config *c)
{
    const char *key;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)c->root, key, id)
    {
        if (json_is_integer(id) && json_integer_value(id) >= 0)
            continue;
        snprintf(c->at, sizeof(c->at), "/%.100s", key);
        report_finding(c->r, SEVERITY_HIGH, "config-token", c->at, "a token whose number is none");
        return;
    }
}

/* A role of a token, and its text. Two roles may share one (the end that pads), never the empty one. */
static void check_special_tokens(struct config *c)
{
    const char *key;
    json_t *token;
    json_object_foreach((json_t *)(uintptr_t)c->root, key, token)
    {
        const char *text = json_is_string(token) ? json_string_value(token) : json_get_string(token, "content", NULL);
        snprintf(c->at, sizeof(c->at), "/%.100s", key);
        if (text && strpbrk(text, "\r\n\t"))
            report_finding(c->r, SEVERITY_MEDIUM, "config-token", c->at, "a special token that breaks the line");
    }
}

void config_file_check(struct config *c)
{
    static const struct {
        const char *base;
        void (*check)(struct config *c);
    } files[] = {
        {"modules.json", check_modules},         {"router_config.json", check_router},
        {"model_index.json", check_model_index}, {"vocab.json", check_vocabulary},
        {"added_tokens.json", check_vocabulary}, {"special_tokens_map.json", check_special_tokens},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strcmp(c->base, files[i].base) == 0)
            files[i].check(c);
}
