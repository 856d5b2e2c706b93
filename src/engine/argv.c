#include "engine/argv.h"

#include <string.h>

#include "engine/engine.h"
#include "engine/tree.h"

/* A word with a model's path in it; release.c caps the words themselves. */
#define WORD_MAX (256U << 10)

static const char *const DEFAULTS[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/tmp",
    "LANG=C.UTF-8",
};

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

static char *fill(const char *word, const struct argv_values *v)
{
    auto_buf out = BUF(WORD_MAX);
    struct span rest = span_str(word), byte;
    while (rest.len > 0) {
        if (span_take_prefix(&rest, SPAN_LIT("{socket}")))
            buf_add_str(&out, v->socket);
        else if (span_take_prefix(&rest, SPAN_LIT("{model}")))
            buf_add_str(&out, v->model);
        else if (span_take_prefix(&rest, SPAN_LIT("{threads}")))
            buf_printf(&out, "%llu", (unsigned long long)v->threads);
        else if (span_take(&rest, 1, &byte))
            buf_add_span(&out, byte);
    }
    return need(out.len ? buf_steal_str(&out) : strdup(""));
}

static size_t count(char *const words[])
{
    size_t n = 0;
    while (words && words[n])
        n++;
    return n;
}

char **argv_fill(char *const command[], const struct argv_values *v)
{
    size_t n = count(command);
    char **out = need(calloc(n + 1, sizeof *out));
    for (size_t i = 0; i < n; i++)
        out[i] = fill(command[i], v);
    return out;
}

static bool has(char *const environment[], const char *entry)
{
    size_t key = strcspn(entry, "=") + 1;
    for (size_t i = 0; environment && environment[i]; i++)
        if (strncmp(environment[i], entry, key) == 0)
            return true;
    return false;
}

char **environment_fill(char *const environment[])
{
    size_t n = count(environment);
    char **out = need(calloc(n + ARRAY_LEN(DEFAULTS) + 1, sizeof *out));
    for (size_t i = 0; i < n; i++)
        out[i] = need(strdup(environment[i]));
    for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++)
        if (!has(environment, DEFAULTS[i]))
            out[n++] = need(strdup(DEFAULTS[i]));
    return out;
}

void argv_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

void model_path(const char *name, struct buf *out)
{
    struct err ignored;
    struct span path = span_str(name), rest = path, step;
    bool good = true;
    while (good && span_take_until(&rest, '/', &step))
        good = tree_name_check(step, path, &ignored) == 0;
    good = good && tree_name_check(rest, path, &ignored) == 0;
    buf_printf(out, "%s/%s", ENGINE_MODELS, good ? name : "model");
}
