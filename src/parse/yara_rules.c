/* libyara keeps to what it is told here (yara 4.2 documentation, "The C API"): no include callback, so that `include`
 * is an error; scans of memory only; no signal handlers of its own, since it reads memory that is there. */
#include "parse/yara_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yara.h>

#include "util/digest.h"

/* libyara lays its records out one behind the other, wherever that is; the machines that we run on read them so. */
#define UNALIGNED __attribute__((no_sanitize("alignment")))

#define RULE_NAME_MAX 200 /* an identifier has at most 128 characters */

struct yara_rules {
    YR_RULES *rules;
    size_t count;
};

/* ── compiling ── */

struct problem {
    const char *file;
    struct err *e; /* set by the first problem */
    bool found;
};

static void on_message(int level, const char *file, int line, const YR_RULE *rule, const char *message, void *arg)
{
    struct problem *p = arg;
    (void)file;
    if (level != YARA_ERROR_LEVEL_ERROR || p->found)
        return;
    char place[16] = "its end";
    if (line > 0) /* libyara has no number for the end */
        snprintf(place, sizeof place, "%d", line);
    p->found = true;
    err_set(p->e, ERR_INPUT, 0, "%.200s:%s: %s%.128s%s%.400s", p->file, place, rule ? "rule " : "",
            rule ? rule->identifier : "", rule ? ": " : "", message);
}

/* Both are text: libyara takes strings, and names are shown. */
static bool is_text(struct span name, struct span text)
{
    return name.len > 0 && name.len <= RULE_NAME_MAX && span_is_printable(name) &&
           (text.len == 0 || !memchr(text.ptr, 0, text.len));
}

static int add_file(YR_COMPILER *compiler, struct span name, struct span text, struct err *e)
{
    if (!is_text(name, text))
        return err_set(e, ERR_INPUT, 0, "%.*s: a file of rules has a printable name and no zero byte",
                       (int)(span_is_printable(name) && name.len < 200 ? name.len : 0), (const char *)name.ptr);
    auto_free char *file = span_dup(name), *rules = span_dup(text);
    struct problem p = {.file = file, .e = e};
    yr_compiler_set_callback(compiler, on_message, &p);
    if (yr_compiler_add_string(compiler, rules, file) == 0)
        return 0;
    return p.found ? -1 : err_set(e, ERR_INPUT, 0, "%s: libyara cannot read it, and does not say why", file);
}

static int add_all(YR_COMPILER *compiler, struct span bundle, struct err *e)
{
    size_t count = 0;
    while (bundle.len > 0) {
        uint32_t name_len, text_len;
        struct span name, text;
        if (!span_take_be32(&bundle, &name_len) || !span_take_be32(&bundle, &text_len) ||
            !span_take(&bundle, name_len, &name) || !span_take(&bundle, text_len, &text))
            return err_set(e, ERR_INPUT, 0, "the bundle of rules ends in the middle of a file");
        if (++count > LIMIT_YARA_FILES)
            return err_set(e, ERR_LIMIT, 0, "more than %u files of rules", LIMIT_YARA_FILES);
        if (add_file(compiler, name, text, e) < 0)
            return -1;
    }
    return count ? 0 : err_set(e, ERR_INPUT, 0, "no file of rules (*.yar, *.yara)");
}

/* ── modules ── */

/* "NAME:LINE" of the import in the bundle, as far as a search finds it; for messages only. */
static void place_of_import(struct span bundle, const char *module, char *out, size_t size)
{
    char wanted[80];
    uint32_t name_len, text_len;
    struct span name, text;
    snprintf(wanted, sizeof wanted, "\"%.60s\"", module);
    snprintf(out, size, "rules");
    while (span_take_be32(&bundle, &name_len) && span_take_be32(&bundle, &text_len) &&
           span_take(&bundle, name_len, &name) && span_take(&bundle, text_len, &text)) {
        struct span line;
        for (unsigned n = 1; text.len > 0; n++) {
            if (!span_take_until(&text, '\n', &line)) {
                line = text;
                text.len = 0;
            }
            if (!memmem(line.ptr, line.len, "import", 6) || !memmem(line.ptr, line.len, wanted, strlen(wanted)))
                continue;
            snprintf(out, size, "%.*s:%u", (int)name.len, (const char *)name.ptr, n);
            return;
        }
    }
}

static bool is_allowed(const char *module)
{
    static const char *const allowed[] = {"elf", "hash", "math", "pe"};
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (strcmp(module, allowed[i]) == 0)
            return true;
    return false;
}

static int on_import(YR_SCAN_CONTEXT *context, int message, void *data, void *arg)
{
    char *refused = arg;
    (void)context;
    if (message != CALLBACK_MSG_IMPORT_MODULE || is_allowed(((YR_MODULE_IMPORT *)data)->module_name))
        return CALLBACK_CONTINUE;
    snprintf(refused, 64, "%s", ((YR_MODULE_IMPORT *)data)->module_name);
    return CALLBACK_ERROR;
}

/* libyara itself says which modules a set asks for: each look at a file begins with them, and so does one at nothing.
 */
static int check_modules(const struct yara_rules *y, struct span bundle, struct err *e)
{
    char refused[64] = "", place[300];
    int result = yr_rules_scan_mem(y->rules, (const uint8_t *)"", 0, SCAN_FLAGS_NO_TRYCATCH, on_import, refused,
                                   (int)YARA_SECONDS);
    if (result == ERROR_SUCCESS)
        return 0;
    if (!refused[0])
        return err_set(e, ERR_INPUT, 0, "the rules do not come to an end over an empty file (libyara: %d)", result);
    place_of_import(bundle, refused, place, sizeof place);
    return err_set(e, ERR_INPUT, 0, "%s: the module \"%s\" may not be imported; wanted elf, hash, math or pe", place,
                   refused);
}

/* ── a set ── */

static bool begin_library(void)
{
    static bool begun;
    if (!begun)
        begun = yr_initialize() == ERROR_SUCCESS;
    return begun;
}

void yara_rules_free(struct yara_rules *y)
{
    if (y && y->rules)
        yr_rules_destroy(y->rules);
    free(y);
}

size_t yara_rules_count(const struct yara_rules *y)
{
    return y->count;
}

static int finish(YR_COMPILER *compiler, struct yara_rules *y, struct span bundle, struct err *e)
{
    const YR_RULE *rule;
    if (yr_compiler_get_rules(compiler, &y->rules) != ERROR_SUCCESS)
        return err_set(e, ERR_LIMIT, 0, "the rules need more memory than there is");
    yr_rules_foreach(y->rules, rule) y->count++;
    if (y->count == 0)
        return err_set(e, ERR_INPUT, 0, "no rule stands in these files");
    return check_modules(y, bundle, e);
}

struct yara_rules *yara_rules_compile(struct span bundle, struct err *e)
{
    YR_COMPILER *compiler = NULL;
    if (bundle.len > LIMIT_YARA_BYTES) {
        err_set(e, ERR_LIMIT, 0, "%zu bytes of rules; at most %u are read", bundle.len, LIMIT_YARA_BYTES);
        return NULL;
    }
    if (!begin_library() || yr_compiler_create(&compiler) != ERROR_SUCCESS) {
        err_set(e, ERR_UNDECIDED, 0, "libyara does not start");
        return NULL;
    }
    struct yara_rules *y = calloc(1, sizeof *y);
    if (!y)
        abort();
    yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
    int result = add_all(compiler, bundle, e) < 0 ? -1 : finish(compiler, y, bundle, e);
    yr_compiler_destroy(compiler);
    if (result == 0)
        return y;
    yara_rules_free(y);
    return NULL;
}

/* ── matching ── */

static enum severity of_score(int64_t score)
{
    return score < 40 ? SEVERITY_LOW : score < 60 ? SEVERITY_MEDIUM : score < 90 ? SEVERITY_HIGH : SEVERITY_CRITICAL;
}

static bool of_word(const char *word, enum severity *out)
{
    for (int s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
        *out = (enum severity)s;
        if (strcasecmp(word, severity_name(*out)) == 0)
            return true;
    }
    return false;
}

UNALIGNED static enum severity severity_of(const YR_RULE *rule)
{
    const YR_META *meta;
    enum severity said, by_score = SEVERITY_HIGH;
    yr_rule_metas_foreach(rule, meta)
    {
        if (meta->type == META_TYPE_STRING && strcasecmp(meta->identifier, "severity") == 0 &&
            of_word(meta->string, &said))
            return said;
        if (meta->type == META_TYPE_INTEGER && strcasecmp(meta->identifier, "score") == 0)
            by_score = of_score(meta->integer);
    }
    return by_score;
}

UNALIGNED static const char *description_of(const YR_RULE *rule)
{
    const YR_META *meta;
    yr_rule_metas_foreach(rule, meta)
    {
        if (meta->type == META_TYPE_STRING && strcasecmp(meta->identifier, "description") == 0)
            return meta->string;
    }
    return "a rule of this site hits";
}

/* The first byte that a string of the rule hits; false when it rests on no string. */
UNALIGNED static bool first_place(YR_SCAN_CONTEXT *context, const YR_RULE *rule, uint64_t *at)
{
    const YR_STRING *string;
    const YR_MATCH *match;
    bool found = false;
    yr_rule_strings_foreach(rule, string)
    {
        yr_string_matches_foreach(context, string, match)
        {
            uint64_t here = (uint64_t)(match->base + match->offset);
            if (!found || here < *at)
                *at = here;
            found = true;
        }
    }
    return found;
}

UNALIGNED static void add_hit(YR_SCAN_CONTEXT *context, const YR_RULE *rule, struct report *r)
{
    char name[RULE_NAME_MAX], place[40] = "";
    uint64_t at = 0;
    snprintf(name, sizeof name, "yara:%.128s", rule->identifier);
    if (first_place(context, rule, &at))
        snprintf(place, sizeof place, "byte %llu", (unsigned long long)at);
    report_finding(r, severity_of(rule), name, place, "%.300s (%.100s)", description_of(rule), rule->ns->name);
}

static int on_hit(YR_SCAN_CONTEXT *context, int message, void *data, void *arg)
{
    if (message == CALLBACK_MSG_TOO_MANY_MATCHES)
        return CALLBACK_ERROR;
    if (message == CALLBACK_MSG_RULE_MATCHING)
        add_hit(context, data, arg);
    return CALLBACK_CONTINUE;
}

void yara_rules_check(const struct yara_rules *y, struct span file, struct report *r)
{
    int seconds = (int)(YARA_SECONDS + file.len / YARA_BYTES_PER_SECOND);
    int result = yr_rules_scan_mem(y->rules, file.ptr ? file.ptr : (const uint8_t *)"", file.len,
                                   SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_REPORT_RULES_MATCHING,
                                   on_hit, r, seconds);
    if (result == ERROR_SCAN_TIMEOUT)
        report_not_scanned(r, "yara-limit", "", "the YARA rules did not come to their end in %d seconds", seconds);
    else if (result == ERROR_CALLBACK_ERROR || result == ERROR_TOO_MANY_MATCHES)
        report_not_scanned(r, "yara-limit", "", "a string of a YARA rule stands in it more than %u times",
                           YR_MAX_STRING_MATCHES);
    else if (result != ERROR_SUCCESS)
        report_not_scanned(r, "yara-limit", "", "the YARA rules did not come to their end (libyara: %d)", result);
}

/* ── the operation ── */

static struct yara_rules *kept;
static struct digest kept_digest;

const struct yara_rules *yara_rules_kept(const struct digest *bundle)
{
    return kept && digest_equal(bundle, &kept_digest) ? kept : NULL;
}

int yara_rules_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct yara_rules *fresh = yara_rules_compile(input, e);
    struct json_out w;
    (void)arg;
    if (!fresh)
        return -1;
    yara_rules_free(kept);
    kept = fresh;
    kept_digest = digest_of(input);
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_string(&w, "sha256", digest_hex(&kept_digest).text);
    json_put_uint(&w, "rules", kept->count);
    json_put_string(&w, "version", YR_VERSION);
    json_out_object_end(&w);
    return 0;
}
