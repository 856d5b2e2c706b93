/* SBOM documents of the corpora: what is valid is valid, what is not is refused at the layer that must catch it (the
 * JSON, the schema, or the rules beyond), what is of another version says so, and all that can be read is read. */
#include "parse/sbom_check.h"
#include "parse/sbom_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "corpus.h"
#include "util/limits.h"

static struct corpus *cyclonedx, *spdx;

static json_t *reply_of(int (*op)(struct span, struct span, struct buf *, struct err *), const struct corpus_file *f,
                        struct err *e)
{
    auto_free uint8_t *exact = malloc(f->len ? f->len : 1);
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    memcpy(exact, f->bytes, f->len);
    if (op(span_of(exact, f->len), span_str(""), &reply, e) < 0)
        return NULL;
    return json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", e);
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_json(const struct corpus_file *f)
{
    return span_ends(span_str(f->path), SPAN_LIT(".json"));
}

/* ── which layer a problem comes from ── */

static bool is_one_of(const char *word, const char *const words[])
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static const char *layer_of(const char *rule)
{
    static const char *const json[] = {"json", "limit", NULL};
    static const char *const schema[] = {"type",
                                         "enum",
                                         "minimum",
                                         "maximum",
                                         "minLength",
                                         "maxLength",
                                         "minItems",
                                         "maxItems",
                                         "pattern",
                                         "format",
                                         "required",
                                         "additionalProperties",
                                         "additionalItems",
                                         "uniqueItems",
                                         "oneOf",
                                         NULL};
    return is_one_of(rule, json) ? "json" : is_one_of(rule, schema) ? "schema" : "rules";
}

static bool has_layer(const json_t *reply, const char *layer)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(reply, "problems"), i, item)
    {
        /* a missing or unknown version is found before a schema can be chosen */
        bool version = strcmp(json_get_string(item, "rule", ""), "version") == 0;
        if (strcmp(layer_of(json_get_string(item, "rule", "")), layer) == 0 || (version && strcmp(layer, "json") != 0))
            return true;
    }
    return false;
}

/* ── the tests ── */

static bool comes_out(const struct corpus_file *f, bool valid, const char *layer)
{
    struct err e = {0};
    auto_json reply = reply_of(sbom_check_op, f, &e);
    assert_non_null(reply);
    const json_t *problem = json_array_get(json_object_get(reply, "problems"), 0);
    bool said = json_is_true(json_object_get(reply, "valid"));
    assert_int_equal(said, problem == NULL);
    if (said == valid && (!layer || has_layer(reply, layer)))
        return true;
    print_message("# %s: %s %s %s: %s\n", f->path, said ? "valid" : "not valid", layer ? layer : "",
                  json_get_string(problem, "at", ""), json_get_string(problem, "message", ""));
    return false;
}

static void each(struct corpus *c, const char *folder, bool valid, bool by_layer, size_t least)
{
    size_t seen = 0, wrong = 0;
    if (!c)
        skip();
    for (size_t i = 0; i < c->count; i++) {
        const struct corpus_file *f = &c->files[i];
        char layer[16];
        if (!begins(f->path, folder) || !is_json(f))
            continue;
        seen++;
        snprintf(layer, sizeof layer, "%.*s", (int)strcspn(f->note ? f->note : "", "\t"), f->note ? f->note : "");
        wrong += !comes_out(f, valid, by_layer ? layer : NULL);
    }
    print_message("# %s: %zu files\n", folder, seen);
    assert_int_equal(wrong, 0);
    assert_true(seen >= least);
}

static void what_cyclonedx_calls_valid_is_valid(void **state)
{
    (void)state;
    each(cyclonedx, "1.4/valid/", true, false, 29);
    each(cyclonedx, "1.5/valid/", true, false, 36);
    each(cyclonedx, "1.6/valid/", true, false, 45);
}

static void what_cyclonedx_calls_invalid_is_refused(void **state)
{
    (void)state;
    each(cyclonedx, "1.4/invalid/", false, false, 14);
    each(cyclonedx, "1.5/invalid/", false, false, 14);
    each(cyclonedx, "1.6/invalid/", false, false, 17);
}

static void what_spdx_calls_valid_is_valid(void **state)
{
    (void)state;
    each(spdx, "2.2/valid/", true, false, 8);
    each(spdx, "2.3/valid/", true, false, 14);
    each(spdx, "2.3/odd/", true, false, 1);
}

static void what_is_invalid_spdx_is_caught_at_its_layer(void **state)
{
    (void)state;
    each(spdx, "2.2/invalid/", false, true, 2);
    each(spdx, "2.3/invalid/", false, true, 33);
}

static void spdx_3_is_refused_as_a_version_that_is_not_read(void **state)
{
    size_t seen = 0;
    (void)state;
    if (!spdx)
        skip();
    for (size_t i = 0; i < spdx->count; i++) {
        struct err e = {0};
        if (!begins(spdx->files[i].path, "3.0/valid/"))
            continue;
        seen++;
        auto_json reply = reply_of(sbom_check_op, &spdx->files[i], &e);
        const json_t *problem = json_array_get(json_object_get(reply, "problems"), 0);
        assert_string_equal(json_get_string(problem, "rule", ""), "version");
        assert_null(reply_of(sbom_read_op, &spdx->files[i], &e));
        assert_non_null(strstr(e.msg, "SPDX 3"));
    }
    assert_true(seen >= 6);
}

/* Examples of 1.2 and 1.3 are read, and there is no schema here to check them with. */
static void examples_are_valid_and_every_one_is_read(void **state)
{
    size_t seen = 0, older = 0, wrong = 0, packages = 0;
    (void)state;
    if (!cyclonedx)
        skip();
    for (size_t i = 0; i < cyclonedx->count; i++) {
        const struct corpus_file *f = &cyclonedx->files[i];
        struct err e = {0};
        if (!begins(f->path, "examples/") || !is_json(f))
            continue;
        seen++;
        auto_json reply = reply_of(sbom_read_op, f, &e);
        if (!reply)
            print_message("# %s: %s\n", f->path, e.msg);
        assert_non_null(reply);
        packages += json_array_size(json_object_get(reply, "packages"));
        bool only_read = strcmp(json_get_string(reply, "version", ""), "1.4") < 0;
        older += only_read;
        wrong += !comes_out(f, !only_read, only_read ? "rules" : NULL);
    }
    print_message("# %zu examples, %zu of versions that are only read, %zu components\n", seen, older, packages);
    assert_int_equal(wrong, 0);
    assert_true(seen >= 56 && packages > 2000);
}

static void no_document_that_is_cut_short_is_valid(void **state)
{
    (void)state;
    if (!cyclonedx)
        skip();
    for (size_t i = 0; i < cyclonedx->count; i++) {
        struct corpus_file f = cyclonedx->files[i];
        if (!begins(f.path, "1.6/valid/") || f.len < 64)
            continue;
        for (size_t part = 1; part < 8; part++) {
            f.len = cyclonedx->files[i].len * part / 8;
            assert_true(comes_out(&f, false, "json"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cyclonedx_calls_valid_is_valid),
        cmocka_unit_test(what_cyclonedx_calls_invalid_is_refused),
        cmocka_unit_test(what_spdx_calls_valid_is_valid),
        cmocka_unit_test(what_is_invalid_spdx_is_caught_at_its_layer),
        cmocka_unit_test(spdx_3_is_refused_as_a_version_that_is_not_read),
        cmocka_unit_test(examples_are_valid_and_every_one_is_read),
        cmocka_unit_test(no_document_that_is_cut_short_is_valid),
    };
    cyclonedx = corpus_open("cyclonedx");
    spdx = corpus_open("spdx");
    int failed = cmocka_run_group_tests_name("parse/corpus_sbom", tests, NULL, NULL);
    corpus_free(cyclonedx);
    corpus_free(spdx);
    return failed;
}
