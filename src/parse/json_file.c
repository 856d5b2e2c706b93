#include "parse/json_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/config.h"
#include "parse/keras.h"
#include "parse/shard_index.h"
#include "parse/tokenizer.h"
#include "util/limits.h"

/* Digits of a number: a length limit of a tokenizer that means "none" has 31. */
#define LIMIT_NUMBER_DIGITS 40U

/* What fits into 64 bits for certain. */
#define SAFE_DIGITS 18U

/* The words that Python's json writes for numbers of which JSON has none (RFC 8259 section 6), as honest configurations
 * hold them: a limit of time steps that is infinite. Their length; 0: none stands at `i`. */
static size_t python_number(const char *text, size_t i)
{
    static const char *const words[] = {"Infinity", "NaN"};
    if (i == 0 || !strchr(" \t\r\n[,:-", text[i - 1]))
        return 0;
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        size_t len = strlen(words[w]);
        if (strncmp(text + i, words[w], len) == 0 && strchr(" \t\r\n],}", text[i + len]))
            return len;
    }
    return 0;
}

/* jansson refuses numbers above 64 bits, which honest configurations hold (a length that means "no limit"). Of such
 * a number a copy keeps the first digit, and of Python's words a 0 stands there: nobody here asks for the value. NULL:
 * a number is longer than any honest one. */
static char *shorten_numbers(struct span text)
{
    char *copy = malloc(text.len + 1);
    bool quoted = false;
    if (!copy)
        abort();
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && copy[i] == '\\') {
            i++;
        } else if (copy[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (copy[i] == 'I' || copy[i] == 'N')) {
            size_t len = python_number(copy, i);
            if (len > 0) {
                memset(copy + i, ' ', len);
                copy[i] = '0';
                i += len - 1;
            }
        } else if (!quoted && copy[i] >= '1' && copy[i] <= '9') {
            size_t digits = strspn(copy + i, "0123456789");
            if (digits > LIMIT_NUMBER_DIGITS) {
                free(copy);
                return NULL;
            }
            bool fraction = i > 0 && (copy[i - 1] == '.' || copy[i - 1] == 'e' || copy[i - 1] == 'E');
            if (digits > SAFE_DIGITS && !fraction)
                memset(copy + i + 1, ' ', digits - 1);
            i += digits - 1;
        }
    }
    return copy;
}

static json_t *read_text(struct span text, const char *at, struct report *r)
{
    struct err e = {0};
    auto_free char *copy = NULL;
    if (text.len > LIMIT_JSON_FILE_BYTES) {
        report_not_scanned(r, "json-size", at, "%zu bytes; at most %u are read", text.len, LIMIT_JSON_FILE_BYTES);
        return NULL;
    }
    copy = shorten_numbers(text);
    if (!copy) {
        report_stop(r, SEVERITY_HIGH, "json-number", at, "a number of more than %u digits", LIMIT_NUMBER_DIGITS);
        return NULL;
    }
    json_t *root = json_parse(span_of(copy, text.len), LIMIT_JSON_FILE_BYTES, "JSON", &e);
    if (!root)
        report_stop(r, SEVERITY_HIGH, "json-broken", at, "%s", e.msg);
    return root;
}

/* Invisible characters in a text are looked for in the bytes: they stand there as they are. */
static void check_characters(struct span text, struct report *r)
{
    if (jinja_has_hidden(text))
        report_finding(r, SEVERITY_MEDIUM, "json-hidden", "",
                       "an invisible character, or one that changes the direction of reading");
}

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Vocabularies hold every character there is. */
static bool is_vocabulary(const char *base)
{
    return strcmp(base, "tokenizer.json") == 0 || strcmp(base, "vocab.json") == 0 ||
           strcmp(base, "added_tokens.json") == 0;
}

int json_file_check(struct span file, const char *name, const struct template_rules *templates, struct report *r)
{
    const char *base = base_of(name);
    auto_json root = read_text(file, "", r);
    if (!root)
        return -1;
    json_put_array(&r->facts, "templates");
    config_check(root, base, templates, r);
    json_out_array_end(&r->facts);
    if (tokenizer_is(root, base))
        tokenizer_facts(root, r);
    if (keras_describes(root))
        keras_config_check(root, "", r);
    if (span_ends(span_str(base), SPAN_LIT(".index.json")) && json_is_object(json_object_get(root, "weight_map")))
        shard_index_facts(json_object_get(root, "weight_map"), r);
    if (!is_vocabulary(base))
        check_characters(file, r);
    return 0;
}

int json_lines_check(struct span file, const char *name, const struct template_rules *templates, struct report *r)
{
    struct span line;
    size_t number = 0;
    json_put_array(&r->facts, "templates");
    while (file.len > 0) {
        char at[48];
        if (!span_take_until(&file, '\n', &line)) {
            line = file;
            span_skip(&file, file.len);
        }
        snprintf(at, sizeof(at), "line %zu", ++number);
        if (line.len == 0 || (line.len == 1 && line.ptr[0] == '\r'))
            continue;
        auto_json root = read_text(line, at, r);
        if (!root)
            break;
        config_check(root, base_of(name), templates, r);
    }
    json_out_array_end(&r->facts);
    return file.len == 0 ? 0 : -1;
}
