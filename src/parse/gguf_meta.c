/* What the metadata of a GGUF file say: the few values that engines use as sizes and indices, the tokenizer's arrays
 * against each other, and the chat templates. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/gguf_internal.h"
#include "parse/licence.h"

#define LIMIT_GGUF_BLOCKS      512U   /* layers; llama.cpp holds arrays of this size */
#define LIMIT_GGUF_TOKEN_BYTES 65536U /* one token of a vocabulary */
#define ALIGNMENT_DEFAULT      32U
#define ALIGNMENT_MIN          8U
#define ALIGNMENT_MAX          4096U
#define TOKEN_TYPE_BYTE        6 /* LLAMA_TOKEN_TYPE_BYTE */

struct meta {
    const struct gguf_meta *m;
    const char *file_name;
    struct span architecture;
    uint64_t tokens; /* length of the vocabulary, 0 when there is none */
    struct report *r;
};

static int refuse(struct meta *x, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct meta *x, const char *key, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return report_stop(x->r, SEVERITY_HIGH, "gguf-metadata", key, "%s", text);
}

const struct gguf_value *gguf_find(const struct gguf_meta *m, const char *key)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(m->values[middle].key, span_str(key));
        if (order == 0)
            return &m->values[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static uint64_t little_endian(struct span bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes.len; i > 0; i--)
        value = value << 8 | bytes.ptr[i - 1];
    return value;
}

static bool integer(uint32_t type, struct span bytes, int64_t *out)
{
    uint64_t raw = little_endian(bytes);
    unsigned bits = (unsigned)bytes.len * 8;
    switch (type) {
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64:
        *out = raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
        return true;
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64:
        *out = bits < 64 && raw >> (bits - 1) ? (int64_t)(raw | ~0ULL << bits) : (int64_t)raw;
        return true;
    default:
        return false;
    }
}

bool gguf_integer(const struct gguf_value *v, int64_t *out)
{
    return v && integer(v->type, v->bytes, out);
}

static const struct gguf_value *find_of_architecture(struct meta *x, const char *suffix, char *key, size_t size)
{
    snprintf(key, size, "%.*s.%s", (int)x->architecture.len, (const char *)x->architecture.ptr, suffix);
    return gguf_find(x->m, key);
}

/* A part of a split model other than the first carries no description of the model. */
static bool is_later_part(const struct gguf_meta *m)
{
    int64_t number;
    return gguf_integer(gguf_find(m, "split.no"), &number) && number > 0;
}

static int check_architecture(struct meta *x)
{
    const struct gguf_value *v = gguf_find(x->m, "general.architecture");
    if (!v)
        return is_later_part(x->m)
                   ? 0
                   : refuse(x, "general.architecture", "is missing: no engine knows what to do with this");
    if (v->type != GGUF_STRING || v->string.len == 0 || v->string.len > 64 || !span_is_printable(v->string))
        return refuse(x, "general.architecture", "is no short printable text");
    x->architecture = v->string;
    return 0;
}

static int check_alignment(struct meta *x, uint64_t *out)
{
    const struct gguf_value *v = gguf_find(x->m, "general.alignment");
    int64_t value;
    *out = ALIGNMENT_DEFAULT;
    if (!v)
        return 0;
    if (v->type != GGUF_U32 || !gguf_integer(v, &value))
        return refuse(x, "general.alignment", "is of type %" PRIu32 "; wanted a 32-bit unsigned number", v->type);
    if (value < ALIGNMENT_MIN || value > ALIGNMENT_MAX || (value & (value - 1)))
        return refuse(x, "general.alignment", "is %" PRId64 "; wanted a power of two from %u to %u", value,
                      ALIGNMENT_MIN, ALIGNMENT_MAX);
    *out = (uint64_t)value;
    return 0;
}

/* Engines divide by these, and allocate by them. */
static int check_sizes(struct meta *x)
{
    static const struct {
        const char *suffix;
        int64_t least, most;
    } sizes[] = {
        {"block_count", 1, LIMIT_GGUF_BLOCKS},  {"context_length", 1, 1 << 30},
        {"embedding_length", 1, 1 << 24},       {"vocab_size", 1, 1 << 24},
        {"expert_count", 0, 1 << 16},           {"attention.key_length", 1, 1 << 24},
        {"attention.value_length", 1, 1 << 24},
    };
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char key[128];
        int64_t value;
        const struct gguf_value *v = find_of_architecture(x, sizes[i].suffix, key, sizeof(key));
        if (v && v->type == GGUF_ARRAY)
            continue;
        if (v && !gguf_integer(v, &value))
            result = refuse(x, key, "is no whole number");
        else if (v && (value < sizes[i].least || value > sizes[i].most))
            result =
                refuse(x, key, "is %" PRId64 "; wanted %" PRId64 " to %" PRId64, value, sizes[i].least, sizes[i].most);
    }
    return result;
}

/* Models without attention say 0 here, and their engines know that. */
static int check_heads(struct meta *x)
{
    char key[128];
    int64_t value;
    const struct gguf_value *v = find_of_architecture(x, "attention.head_count", key, sizeof(key));
    bool without = span_starts(x->architecture, SPAN_LIT("mamba")) || span_starts(x->architecture, SPAN_LIT("rwkv"));
    if (!v || without || v->type == GGUF_ARRAY)
        return 0;
    if (!gguf_integer(v, &value) || value < 1 || value > 65536)
        return refuse(x, key, "is no number from 1 to 65536: an engine divides by it");
    return 0;
}

static bool next_string(struct span *rest, struct span *out)
{
    uint64_t len;
    return span_take_le64(rest, &len) && span_take(rest, (size_t)len, out);
}

static bool is_byte_token(struct span t)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    return t.len == 6 && span_starts(t, SPAN_LIT("<0x")) && t.ptr[5] == '>' && memchr(hex, t.ptr[3], sizeof(hex) - 1) &&
           memchr(hex, t.ptr[4], sizeof(hex) - 1);
}

/* types: the array tokenizer.ggml.token_type, or NULL. */
static int check_token(struct meta *x, uint64_t number, struct span token, const struct gguf_value *types)
{
    if (token.len > LIMIT_GGUF_TOKEN_BYTES)
        return refuse(x, "tokenizer.ggml.tokens", "token %" PRIu64 " has %zu bytes; at most %u are read", number,
                      token.len, LIMIT_GGUF_TOKEN_BYTES);
    if (token.len > 0 && memchr(token.ptr, '\0', token.len))
        return refuse(x, "tokenizer.ggml.tokens", "token %" PRIu64 " has a NUL in it", number);
    int64_t type = 0;
    if (types)
        integer(types->element, span_of(types->bytes.ptr + number * 4, 4), &type);
    if (type == TOKEN_TYPE_BYTE && !is_byte_token(token))
        return refuse(x, "tokenizer.ggml.tokens", "byte token %" PRIu64 " is \"%.*s\"; wanted the form <0x0A>", number,
                      (int)(token.len > 40 ? 40 : token.len), (const char *)token.ptr);
    return 0;
}

static int check_tokens(struct meta *x)
{
    const struct gguf_value *tokens = gguf_find(x->m, "tokenizer.ggml.tokens");
    const struct gguf_value *types = gguf_find(x->m, "tokenizer.ggml.token_type");
    const struct gguf_value *scores = gguf_find(x->m, "tokenizer.ggml.scores");
    if (!tokens)
        return 0;
    if (tokens->type != GGUF_ARRAY || tokens->element != GGUF_STRING)
        return refuse(x, "tokenizer.ggml.tokens", "is no array of strings");
    x->tokens = tokens->count;
    if (types && (types->type != GGUF_ARRAY || (types->element != GGUF_I32 && types->element != GGUF_U32) ||
                  types->count != tokens->count))
        return refuse(x, "tokenizer.ggml.token_type", "is no array of 32-bit numbers as long as the vocabulary");
    if (scores && (scores->type != GGUF_ARRAY || scores->element != GGUF_F32 || scores->count != tokens->count))
        return refuse(x, "tokenizer.ggml.scores", "is no array of floats as long as the vocabulary");
    struct span rest = tokens->bytes, token;
    for (uint64_t i = 0; i < tokens->count && next_string(&rest, &token); i++)
        if (check_token(x, i, token, types) < 0)
            return -1;
    return 0;
}

/* tokenizer.ggml.bos_token_id and its brothers are used as indices. */
static int check_token_ids(struct meta *x)
{
    int result = 0;
    for (size_t i = 0; i < x->m->count; i++) {
        const struct gguf_value *v = &x->m->values[i];
        char key[256];
        int64_t id;
        if (!span_starts(v->key, SPAN_LIT("tokenizer.ggml.")) || !span_ends(v->key, SPAN_LIT("_token_id")))
            continue;
        snprintf(key, sizeof(key), "%.*s", (int)v->key.len, (const char *)v->key.ptr);
        if (!gguf_integer(v, &id))
            result = refuse(x, key, "is no whole number");
        else if (id < 0 || (x->tokens > 0 && (uint64_t)id >= x->tokens))
            result = refuse(x, key, "is %" PRId64 ", and the vocabulary has %" PRIu64 " tokens", id, x->tokens);
    }
    return result;
}

/* "…-00002-of-00005.gguf" */
static bool split_of_name(const char *name, uint64_t *number, uint64_t *count)
{
    struct span s = span_str(name), suffix = SPAN_LIT(".gguf"), of = SPAN_LIT("-of-");
    if (!span_ends(s, suffix) || s.len < 20)
        return false;
    struct span tail = span_of(s.ptr + s.len - 20, 15), part;
    return tail.ptr[0] == '-' && span_skip(&tail, 1) && span_take(&tail, 5, &part) && span_take_prefix(&tail, of) &&
           memchr("0123456789", part.ptr[0], 10) && sizeof("00000") - 1 == tail.len &&
           (*number = strtoull((const char *)part.ptr, NULL, 10)) > 0 &&
           (*count = strtoull((const char *)tail.ptr, NULL, 10)) > 0;
}

static int check_split(struct meta *x)
{
    const struct gguf_value *no = gguf_find(x->m, "split.no"), *of = gguf_find(x->m, "split.count");
    int64_t number = 0, count = 1;
    uint64_t name_number = 0, name_count = 0;
    bool named = split_of_name(x->file_name, &name_number, &name_count);
    if (!no && !of && !named)
        return 0;
    if (!gguf_integer(no, &number) || !gguf_integer(of, &count))
        return refuse(x, "split.no",
                      "the file's name or header speaks of parts, and split.no or split.count is missing");
    if (number < 0 || count < 1 || number >= count || count > 100000)
        return refuse(x, "split.no", "part %" PRId64 " of %" PRId64 ", counted from 0", number, count);
    if (named && ((uint64_t)number + 1 != name_number || (uint64_t)count != name_count))
        return refuse(x, "split.no",
                      "the header says part %" PRId64 " of %" PRId64 ", the file's name says %" PRIu64 " of %" PRIu64,
                      number + 1, count, name_number, name_count);
    return 0;
}

static int check_templates(struct meta *x, const struct template_rules *rules)
{
    struct json_out *w = &x->r->facts;
    size_t heavy = x->r->heavy;
    json_put_array(w, "templates");
    for (size_t i = 0; i < x->m->count; i++) {
        const struct gguf_value *v = &x->m->values[i];
        char key[256];
        bool is = span_equal_str(v->key, "tokenizer.chat_template") ||
                  span_starts(v->key, SPAN_LIT("tokenizer.chat_template."));
        if (!is)
            continue;
        snprintf(key, sizeof(key), "%.*s", (int)v->key.len, (const char *)v->key.ptr);
        if (v->type == GGUF_STRING)
            jinja_check(v->string, key, key, rules, w, x->r);
        else
            refuse(x, key, "is no string");
    }
    json_out_array_end(w);
    return x->r->heavy > heavy ? -1 : 0;
}

static void fact(struct meta *x, const char *name, const char *key)
{
    const struct gguf_value *v = gguf_find(x->m, key);
    if (!v || v->type != GGUF_STRING || v->string.len > 1024)
        return;
    json_out_key(&x->r->facts, name);
    json_out_span(&x->r->facts, v->string);
}

static void licence_fact(struct meta *x)
{
    const struct gguf_value *v = gguf_find(x->m, "general.license");
    auto_buf text = BUF(LICENCE_MAX);
    if (v && v->type == GGUF_STRING && licence_of_model(v->string, &text))
        json_put_string(&x->r->facts, "licence_said", buf_str(&text));
}

int gguf_check_meta(const struct gguf_meta *m, const char *file_name, const struct template_rules *templates,
                    struct gguf_settings *out, struct report *r)
{
    struct meta x = {.m = m, .file_name = file_name, .r = r};
    char key[128];
    int64_t context;
    if (check_architecture(&x) < 0 || check_alignment(&x, &out->alignment) < 0)
        return -1;
    int result = check_sizes(&x);
    if (check_heads(&x) < 0 || check_tokens(&x) < 0 || check_token_ids(&x) < 0 || check_split(&x) < 0)
        result = -1;
    fact(&x, "architecture", "general.architecture");
    fact(&x, "name", "general.name");
    fact(&x, "licence", "general.license");
    licence_fact(&x);
    if (gguf_integer(find_of_architecture(&x, "context_length", key, sizeof(key)), &context))
        json_put_int(&r->facts, "context_length", context);
    json_put_uint(&r->facts, "vocabulary", x.tokens);
    check_templates(&x, templates); /* what it finds stands in the report; the structure is read on */
    return result;
}
