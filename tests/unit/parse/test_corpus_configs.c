/* Every line of the collection of configurations and chat templates, and the hostile templates of the GGUF files. What
 * does not come out as its table says stands in EXCEPTIONS, with the reason; the count is held. */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/jinja.h"
#include "parse/jinja_parse.h"

static struct corpus *configs, *models;

static enum verdict judge(const char *text, char *rules, size_t size)
{
    static const struct template_rules none = {0};
    auto_report r = {0};
    report_init(&r, "jinja");
    jinja_check(span_str(text), "template", "", &none, NULL, &r);
    snprintf(rules, size, "%.*s", (int)r.findings_json.len, (const char *)r.findings_json.ptr);
    return r.verdict;
}

static bool parses(const char *text)
{
    auto_jinja j = {0};
    return jinja_parse(&j, span_str(text));
}

/* ── what does not come out as its table says ── */

static const struct {
    const char *path, *name; /* the file; of a file of templates the template's name */
    const char *why;
} EXCEPTIONS[] = {
    {"templates/huggingface.js/unit.jsonl", "NUMBERS", "calls add(), which no loader of chat templates offers"},
    {"templates/huggingface.js/unit.jsonl", "FUNCTIONS", "calls func(), which no loader of chat templates offers"},
    {"templates/huggingface.js/unit.jsonl", "OBJ_METHODS", "calls members that are functions of its own data"},
    {"templates/huggingface.js/unit.jsonl", NULL, "a NUL in the name of a member, which jansson cannot hold: refused"},
    {"templates/huggingface.js/errors.jsonl", NULL,
     "lines of data with broken templates as texts: whole JSON; the templates themselves are held to their class "
     "below"},
};

static size_t used;

static bool is_exception(const char *path, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++) {
        bool same = strcmp(EXCEPTIONS[i].path, path) == 0 && !name == !EXCEPTIONS[i].name;
        if (same && (!name || strcmp(EXCEPTIONS[i].name, name) == 0)) {
            used++;
            return true;
        }
    }
    return false;
}

/* ── templates, one a line ── */

struct tally {
    size_t lines, parsed, clean;
};

/* Each template of a file; those that are not clean are told, unless they must not be. An exception counts as clean. */
static struct tally each_template(const char *path, bool wanted)
{
    const struct corpus_file *f = corpus_find(configs, path);
    struct tally t = {0};
    struct span rest, line;
    assert_non_null(f);
    rest = span_of(f->bytes, f->len);
    while (span_take_until(&rest, '\n', &line)) {
        char rules[4096], *copy = span_dup(line);
        for (char *nul = strstr(copy, "\\u0000"); nul; nul = strstr(nul, "\\u0000"))
            memcpy(nul, "\\u0001", 6); /* jansson holds no NUL in names, and the data of a template are not read */
        struct err e = {0};
        auto_json root = json_parse(span_str(copy), 1U << 22, "template", &e);
        const char *text = json_get_string(root, "template", NULL), *name = json_get_string(root, "name", "?");
        free(copy);
        assert_non_null(text);
        t.lines++;
        t.parsed += parses(text);
        bool clean = judge(text, rules, sizeof(rules)) == VERDICT_CLEAN;
        if (clean != wanted && !is_exception(path, name))
            print_message("# %s: %.900s\n", name, rules);
        else if (clean != wanted)
            clean = wanted;
        t.clean += clean;
    }
    return t;
}

static void every_template_of_a_real_model_parses_and_is_clean(void **state)
{
    (void)state;
    struct tally t = each_template("templates/huggingface.js/chat.jsonl", true);
    assert_int_equal(t.lines, 53);
    assert_int_equal(t.parsed, 53);
    assert_int_equal(t.clean, 53);
}

static void every_small_template_parses_and_is_clean(void **state)
{
    (void)state;
    struct tally t = each_template("templates/huggingface.js/unit.jsonl", true);
    assert_int_equal(t.lines, 161);
    assert_int_equal(t.parsed, 161);
    assert_int_equal(t.clean, 161);
}

static void what_must_not_parse_does_not(void **state)
{
    (void)state;
    struct tally t = each_template("templates/huggingface.js/errors.jsonl", false);
    assert_int_equal(t.lines, 12);
    assert_int_equal(t.parsed, 0);
    assert_int_equal(t.clean, 0);
}

/* ── files ── */

/* "edge" says nothing of what must come out; which it is is held here, so that a change is seen. */
static bool edge_is_right(const struct corpus_file *f, enum verdict v)
{
    bool hostile = strstr(f->path, "malformed_template") || strstr(f->path, "multiple_templates");
    return hostile ? verdict_blocks(v) : v == VERDICT_CLEAN;
}

static bool is_right(const struct corpus_file *f, enum verdict v)
{
    if (strcmp(f->class, "edge") == 0)
        return edge_is_right(f, v);
    return strcmp(f->class, "benign") == 0 ? v == VERDICT_CLEAN : verdict_blocks(v);
}

static void every_file_comes_out_as_its_table_says(void **state)
{
    (void)state;
    size_t wrong = 0, lines = 0;
    for (size_t i = 0; i < configs->count; i++) {
        const struct corpus_file *f = &configs->files[i];
        char rules[8192];
        if (!f->class)
            continue;
        enum verdict v = corpus_verdict(f, rules, sizeof(rules));
        lines++;
        if (is_right(f, v) || is_exception(f->path, NULL))
            continue;
        print_message("# %s (%s): %s; %.3000s\n", f->path, f->class, verdict_name(v), rules);
        wrong++;
    }
    print_message("# %zu files\n", lines);
    assert_int_equal(lines, 121);
    assert_int_equal(wrong, 0);
}

static void a_hostile_template_in_a_gguf_file_is_blocked(void **state)
{
    (void)state;
    size_t hostile = 0;
    for (size_t i = 0; i < models->count; i++) {
        const struct corpus_file *f = &models->files[i];
        char rules[8192];
        if (!f->class || strcmp(f->class, "hostile") != 0 || !span_starts(span_str(f->path), SPAN_LIT("gguf/")))
            continue;
        hostile++;
        assert_true(verdict_blocks(corpus_verdict(f, rules, sizeof(rules))));
        assert_non_null(strstr(rules, "template-"));
    }
    assert_int_equal(hostile, 4);
}

static void each_exception_is_needed_once(void **state)
{
    (void)state;
    assert_int_equal(used, ARRAY_LEN(EXCEPTIONS));
}

static int close_all(void **state)
{
    (void)state;
    corpus_free(configs);
    corpus_free(models);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_template_of_a_real_model_parses_and_is_clean),
        cmocka_unit_test(every_small_template_parses_and_is_clean),
        cmocka_unit_test(what_must_not_parse_does_not),
        cmocka_unit_test(every_file_comes_out_as_its_table_says),
        cmocka_unit_test(a_hostile_template_in_a_gguf_file_is_blocked),
        cmocka_unit_test(each_exception_is_needed_once),
    };
    configs = corpus_open("configs");
    models = corpus_open("models");
    if (!configs || !models) {
        puts("1..0 # SKIP the public corpora are not here; AIRLOCK_CORPORA names their folder");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, close_all);
}
