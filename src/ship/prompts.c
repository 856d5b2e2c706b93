#include "ship/prompts.h"
#include "ship/release_internal.h"

#include <string.h>

#include "util/limits.h"

#define PROMPTS_TIMEOUT_MS 10000

/* The reply of the parse process, looked at again: it is believed in its bytes only. */
static int take(json_t *reply, struct prompts *out, struct err *e)
{
    const char *system = json_need_string(reply, "system", "", e);
    const json_t *warmup = system ? json_need_array(reply, "warmup", "", e) : NULL;
    const json_t *parameters = warmup ? json_need_object(reply, "parameters", "", e) : NULL;
    if (!parameters)
        return -1;
    size_t count = json_array_size(warmup);
    if (count == 0 || count > PROMPTS_WARMUP_MAX)
        return err_set(e, ERR_INPUT, 0, "warmup: wanted 1 to %u prompts, found %zu", PROMPTS_WARMUP_MAX, count);
    out->system = text_copy(system);
    out->warmup = calloc(count, sizeof *out->warmup);
    if (!out->warmup)
        abort();
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(warmup, i));
        if (!text)
            return err_set(e, ERR_INPUT, 0, "warmup: wanted texts");
        out->warmup[out->warmup_count++] = text_copy(text);
    }
    out->parameters = json_incref((json_t *)parameters);
    return 0;
}

int prompts_parse(struct child *parser, struct span text, const char *name, struct prompts *out, struct err *e)
{
    *out = (struct prompts){0};
    struct child_request request = {
        .op = "prompts", .fd = -1, .input = text, .arg = span_str(name), .timeout_ms = PROMPTS_TIMEOUT_MS};
    auto_json reply = child_call_json(parser, &request, name, e);
    if (!reply)
        return -1;
    if (take(reply, out, e) == 0)
        return 0;
    prompts_fini(out);
    return err_prefix(e, "%s", name);
}

int prompts_read(const struct blobs *b, struct child *parser, const struct digest *id, struct prompts *out,
                 struct err *e)
{
    *out = (struct prompts){0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    if (blob_read(b, id, &text, e) < 0)
        return err_prefix(e, "prompts");
    return prompts_parse(parser, buf_span(&text), "prompts", out, e);
}

void prompts_fini(struct prompts *p)
{
    free(p->system);
    for (size_t i = 0; i < p->warmup_count; i++)
        free(p->warmup[i]);
    free(p->warmup);
    json_decref(p->parameters);
    *p = (struct prompts){0};
}
