#include "parse/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/jinja.h"

#define LIMIT_TOKENS  10000000 /* the largest vocabularies have 260,000 */
#define LIMIT_REGEX   8192U    /* those of large vocabularies have 400 */
#define LIMIT_REPEATS 1000U
#define LIMIT_GROUPS  64U
#define LIMIT_DEPTH   32U

/* ── regular expressions ── */

struct group {
    bool repeats;       /* holds an unbounded repetition */
    bool alternatives;  /* two of its alternatives begin with the same byte */
    bool starts;        /* the next byte begins an alternative */
    uint8_t begins[32]; /* bytes that alternatives begin with */
};

struct regex {
    struct span text;
    size_t at;
    struct group groups[LIMIT_GROUPS];
    unsigned depth;
    const char *hazard;
};

static void begin_alternative(struct group *g, uint8_t c)
{
    if (g->starts && c != '(') {
        g->alternatives |= g->begins[c / 8] >> c % 8 & 1;
        g->begins[c / 8] = (uint8_t)(g->begins[c / 8] | 1U << c % 8);
    }
    g->starts = false;
}

/* Behind [: up to the bracket that closes it. */
static void skip_class(struct regex *x)
{
    unsigned depth = 1;
    bool first = true;
    for (x->at++; x->at < x->text.len && depth; x->at++) {
        uint8_t c = x->text.ptr[x->at];
        if (c == '\\')
            x->at++;
        else if (c == '[')
            depth++;
        else if (c == ']' && !first)
            depth--;
        first = first && c == '^';
    }
}

/* A quantifier at the cursor. False: there is none. *unbounded: without an upper limit. */
static bool quantifier(struct regex *x, bool *unbounded)
{
    uint8_t c = x->at < x->text.len ? x->text.ptr[x->at] : 0;
    uint64_t low = 0, high = 0;
    *unbounded = c == '*' || c == '+';
    if (c == '{') {
        size_t i = x->at + 1, from = i;
        for (; i < x->text.len && x->text.ptr[i] >= '0' && x->text.ptr[i] <= '9' && low < 1000000; i++)
            low = low * 10 + x->text.ptr[i] - '0';
        bool comma = i < x->text.len && x->text.ptr[i] == ',';
        size_t second = i + comma;
        for (i = second; i < x->text.len && x->text.ptr[i] >= '0' && x->text.ptr[i] <= '9' && high < 1000000; i++)
            high = high * 10 + x->text.ptr[i] - '0';
        if (i >= x->text.len || x->text.ptr[i] != '}' || i == from + comma)
            return false; /* a brace of its own */
        *unbounded = comma && i == second;
        if (low > LIMIT_REPEATS || high > LIMIT_REPEATS)
            x->hazard = "a count of more than a thousand repetitions";
        x->at = i;
    } else if (c != '*' && c != '+' && c != '?') {
        return false;
    }
    x->at++;
    if (x->at < x->text.len && (x->text.ptr[x->at] == '?' || x->text.ptr[x->at] == '+'))
        x->at++;
    return true;
}

static void repeat(struct regex *x, const struct group *inside)
{
    bool unbounded;
    if (!quantifier(x, &unbounded)) {
        if (inside)
            x->groups[x->depth].repeats |= inside->repeats;
        return;
    }
    if (unbounded && inside && inside->repeats)
        x->hazard = "a repetition of a repetition";
    if (unbounded && inside && inside->alternatives)
        x->hazard = "a repetition of alternatives that begin alike";
    x->groups[x->depth].repeats |= unbounded || (inside && inside->repeats);
}

/* Behind (: what kind of group it is. */
static void open_group(struct regex *x)
{
    x->at++;
    if (++x->depth == LIMIT_GROUPS) {
        x->hazard = "too many groups inside of each other";
        return;
    }
    x->groups[x->depth] = (struct group){.starts = true};
    if (x->at < x->text.len && x->text.ptr[x->at] == '?')
        while (++x->at < x->text.len && x->text.ptr[x->at] != ')' && strchr(":=!<>imsxu-", x->text.ptr[x->at]) &&
               x->text.ptr[x->at - 1] != ':')
            ;
}

static void step(struct regex *x)
{
    uint8_t c = x->text.ptr[x->at];
    struct group closed;
    if (c == '(') {
        begin_alternative(&x->groups[x->depth], c);
        open_group(x);
        return;
    }
    if (c == ')' && x->depth > 0) {
        closed = x->groups[x->depth--];
        x->at++;
        repeat(x, &closed);
        return;
    }
    if (c == '|') {
        x->groups[x->depth].starts = true;
        x->at++;
        return;
    }
    begin_alternative(&x->groups[x->depth], c);
    if (c == '\\' && x->at + 1 < x->text.len) {
        uint8_t next = x->text.ptr[x->at + 1];
        if ((next >= '1' && next <= '9') || next == 'k' || next == 'g')
            x->hazard = "a reference back to what was found";
        x->at += 2;
        if ((next == 'p' || next == 'P' || next == 'x') && x->at < x->text.len && x->text.ptr[x->at] == '{')
            while (x->at < x->text.len && x->text.ptr[x->at++] != '}')
                ;
    } else if (c == '[') {
        skip_class(x);
    } else {
        x->at++;
    }
    repeat(x, NULL);
}

const char *tokenizer_regex_hazard(struct span regex)
{
    struct regex x = {.text = regex, .groups = {{.starts = true}}};
    if (regex.len > LIMIT_REGEX)
        return "more text than such an expression needs";
    while (x.at < regex.len && !x.hazard)
        step(&x);
    return x.hazard;
}

/* ── the parts ── */

struct tokenizer {
    struct report *r;
    char at[160];
};

static const char *const NORMALIZERS[] = {"Sequence",    "BertNormalizer", "Strip",   "StripAccents", "NFC",
                                          "NFD",         "NFKC",           "NFKD",    "Lowercase",    "Nmt",
                                          "Precompiled", "Replace",        "Prepend", "ByteLevel"};
static const char *const PRE_TOKENIZERS[] = {"Sequence",   "BertPreTokenizer", "ByteLevel",  "CharDelimiterSplit",
                                             "Delimiter",  "Metaspace",        "Whitespace", "WhitespaceSplit",
                                             "Split",      "Punctuation",      "Digits",     "UnicodeScripts",
                                             "FixedLength"};
static const char *const POST_PROCESSORS[] = {"Sequence", "BertProcessing", "RobertaProcessing", "ByteLevel",
                                              "TemplateProcessing"};
static const char *const DECODERS[] = {"Sequence", "BPEDecoder", "ByteLevel", "WordPiece", "Metaspace",
                                       "CTC",      "Replace",    "Fuse",      "Strip",     "ByteFallback"};
static const char *const MODELS[] = {"BPE", "WordPiece", "WordLevel", "Unigram"};

static const struct part {
    const char *key, *below; /* where a Sequence has its parts */
    const char *const *kinds;
    size_t count;
} PARTS[] = {
    {"normalizer", "normalizers", NORMALIZERS, ARRAY_LEN(NORMALIZERS)},
    {"pre_tokenizer", "pretokenizers", PRE_TOKENIZERS, ARRAY_LEN(PRE_TOKENIZERS)},
    {"post_processor", "processors", POST_PROCESSORS, ARRAY_LEN(POST_PROCESSORS)},
    {"decoder", "decoders", DECODERS, ARRAY_LEN(DECODERS)},
    {"model", NULL, MODELS, ARRAY_LEN(MODELS)},
};

static bool has_word(const char *text)
{
    size_t letters = 0;
    for (; text && *text && letters < 3; text++)
        letters = (*text | 0x20) >= 'a' && (*text | 0x20) <= 'z' ? letters + 1 : 0;
    return letters == 3;
}

/* What is replaced in every text: blanks and marks, never words. */
static void check_replace(struct tokenizer *t, const json_t *part)
{
    const char *text = json_get_string(json_object_get(part, "pattern"), "String", NULL);
    if (has_word(text) || has_word(json_get_string(part, "content", NULL)))
        report_finding(t->r, SEVERITY_MEDIUM, "tokenizer-rewrite", t->at,
                       "replaces words in every text: %.60s by %.60s", text ? text : "a pattern",
                       json_get_string(part, "content", ""));
}

static void check_pattern(struct tokenizer *t, const json_t *part)
{
    const char *regex = json_get_string(json_object_get(part, "pattern"), "Regex", NULL);
    const char *hazard = regex ? tokenizer_regex_hazard(span_str(regex)) : NULL;
    if (hazard)
        report_finding(t->r, SEVERITY_HIGH, "tokenizer-regex", t->at,
                       "a pattern that can take for ever on a text, for it has %s", hazard);
}

static void check_part(struct tokenizer *t, const struct part *p, const json_t *part, unsigned depth)
{
    const char *type = json_get_string(part, "type", NULL);
    const json_t *item;
    size_t i = 0;
    if (json_is_null(part) || !part)
        return;
    while (type && i < p->count && strcmp(p->kinds[i], type) != 0)
        i++;
    if (depth == LIMIT_DEPTH || !json_is_object(part) || (type && i == p->count) || (!type && p->below)) {
        report_stop(t->r, SEVERITY_HIGH, "tokenizer-kind", t->at, "is of a kind that this scanner does not know: %.60s",
                    type ? type : "none");
        return;
    }
    check_pattern(t, part);
    if (type && strcmp(type, "Replace") == 0)
        check_replace(t, part);
    json_array_foreach(p->below ? json_object_get(part, p->below) : NULL, i, item) check_part(t, p, item, depth + 1);
}

/* ── tokens ── */

static void token_finding(struct tokenizer *t, enum severity severity, size_t number, const char *what,
                          const char *text)
{
    snprintf(t->at, sizeof(t->at), "/added_tokens/%zu", number);
    report_finding(t->r, severity, "config-token", t->at, "%s: %.80s", what, text);
}

/* Two ways to read one number or one text: what is a mark for one is a word for the other. */
static void check_added(struct tokenizer *t, const json_t *root)
{
    const json_t *vocabulary = json_object_get(json_object_get(root, "model"), "vocab"), *token;
    auto_json texts = json_object();
    auto_json numbers = json_object();
    size_t i;
    json_array_foreach(json_object_get(root, "added_tokens"), i, token)
    {
        const char *text = json_get_string(token, "content", NULL);
        const json_t *id = json_object_get(token, "id"), *known = text ? json_object_get(vocabulary, text) : NULL;
        char number[32];
        if (!text || !json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > LIMIT_TOKENS) {
            token_finding(t, SEVERITY_HIGH, i, "an added token without a text or a number", text ? text : "");
            continue;
        }
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        if (json_object_get(texts, text))
            token_finding(t, SEVERITY_HIGH, i, "two added tokens have the same text", text);
        if (json_object_get(numbers, number))
            token_finding(t, SEVERITY_HIGH, i, "two added tokens have the same number", text);
        if (json_is_integer(known) && json_integer_value(known) != json_integer_value(id))
            token_finding(t, SEVERITY_HIGH, i, "an added token that the vocabulary has under another number", text);
        if (text[0] == '\0')
            token_finding(t, SEVERITY_HIGH, i, "an added token that is empty", text);
        if (json_is_true(json_object_get(token, "special")) && jinja_has_hidden(span_str(text)))
            token_finding(t, SEVERITY_MEDIUM, i, "a special token with an invisible character", "");
        json_object_set_new(texts, text, json_true());
        json_object_set_new(numbers, number, json_true());
    }
}

static void check_vocabulary(struct tokenizer *t, const json_t *model)
{
    const json_t *vocabulary = json_object_get(model, "vocab");
    const char *key;
    json_t *id;
    snprintf(t->at, sizeof(t->at), "/model/vocab");
    json_object_foreach((json_t *)(uintptr_t)vocabulary, key, id)
    {
        if (json_is_integer(id) && json_integer_value(id) >= 0 && json_integer_value(id) <= LIMIT_TOKENS)
            continue;
        report_finding(t->r, SEVERITY_HIGH, "config-token", t->at, "a token whose number is none: %.80s", key);
        return;
    }
}

void tokenizer_facts(const json_t *root, struct report *r)
{
    const json_t *vocabulary = json_object_get(json_object_get(root, "model"), "vocab");
    json_put_uint(&r->facts, "tokens",
                  json_is_array(vocabulary) ? json_array_size(vocabulary) : json_object_size(vocabulary));
}

bool tokenizer_is(const json_t *root, const char *base)
{
    return strcmp(base, "tokenizer.json") == 0 ||
           (json_object_get(root, "added_tokens") && json_is_object(json_object_get(root, "model")) &&
            json_object_get(root, "pre_tokenizer"));
}

void tokenizer_check(const json_t *root, struct report *r)
{
    struct tokenizer t = {.r = r};
    if (!json_is_object(root) || !json_is_object(json_object_get(root, "model"))) {
        report_stop(r, SEVERITY_HIGH, "tokenizer-kind", "", "is no tokenizer: it has no model");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        snprintf(t.at, sizeof(t.at), "/%s", PARTS[i].key);
        check_part(&t, &PARTS[i], json_object_get(root, PARTS[i].key), 0);
    }
    check_added(&t, root);
    check_vocabulary(&t, json_object_get(root, "model"));
}
