/* The readers of ONNX, Keras, SavedModel, skops and zip files over the public collection of models: what is valid
 * passes, what is malformed or hostile is blocked. */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/auto.h"

static struct corpus *models;

/* Files that come out otherwise than their class says, each with its reason. */
static const struct {
    const char *path, *why;
} EXCEPTIONS[] = {
    {"onnx/valid/external/weights.bin",
     "bytes without a format; only the model beside it says what they are (scan/beside.c)"},
    {"onnx/valid/external-subfolder/data/weights.bin", "likewise"},
    {"keras/valid/keras/pre_pr22362_nested_container.keras",
     "its class is one that a program registered, so the program has to be brought: somebody must look at it"},
    {"onnx/malformed/external-missing/model.onnx", "what is missing lies outside of the file (scan/beside.c)"},
};
static size_t excepted;

static bool is_exception(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++)
        if (strcmp(EXCEPTIONS[i].path, path) == 0)
            return true;
    return false;
}

/* Every file below `folder` of class `class` passes, or is blocked. At least `least` files must be there. */
static void each_is(const char *folder, const char *class, bool passes, size_t least)
{
    char rules[4096];
    size_t seen = 0, wrong = 0;
    for (size_t i = 0; i < models->count; i++) {
        const struct corpus_file *f = &models->files[i];
        if (strncmp(f->path, folder, strlen(folder)) != 0 || !f->class || strcmp(f->class, class) != 0)
            continue;
        enum verdict v = corpus_verdict(f, rules, sizeof rules);
        seen++;
        if (verdict_blocks(v) != passes)
            continue;
        if (is_exception(f->path)) {
            excepted++;
            continue;
        }
        wrong++;
        print_message("# %s (%s) came out %s: %s\n", f->path, f->note ? f->note : "", verdict_name(v), rules);
    }
    print_message("# %zu files\n", seen);
    assert_int_equal(wrong, 0);
    assert_true(seen >= least);
}

static void a_valid_onnx_model_is_clean(void **state)
{
    (void)state;
    each_is("onnx/", "valid", true, 100);
}

static void a_malformed_onnx_model_is_blocked(void **state)
{
    (void)state;
    each_is("onnx/", "malformed", false, 20);
}

static void a_hostile_onnx_model_is_blocked(void **state)
{
    (void)state;
    each_is("onnx/", "hostile", false, 8);
}

static void a_valid_keras_model_is_clean(void **state)
{
    (void)state;
    each_is("keras/", "valid", true, 5);
}

static void a_hostile_or_malformed_keras_model_is_blocked(void **state)
{
    (void)state;
    each_is("keras/", "hostile", false, 15);
    each_is("keras/", "malformed", false, 1);
}

static void a_valid_saved_model_is_clean(void **state)
{
    (void)state;
    each_is("tensorflow/", "valid", true, 1);
}

static void a_skops_model_with_types_of_its_own_is_blocked(void **state)
{
    (void)state;
    each_is("skops/", "skops", false, 1);
}

static void a_valid_zip_file_is_clean(void **state)
{
    (void)state;
    each_is("zip/", "valid", true, 6);
}

static void a_malformed_zip_file_is_blocked(void **state)
{
    (void)state;
    each_is("zip/", "malformed", false, 32);
}

static void every_exception_is_one(void **state)
{
    (void)state;
    print_message("# %zu exceptions\n", excepted);
    assert_int_equal(excepted, ARRAY_LEN(EXCEPTIONS));
}

static int close_corpus(void **state)
{
    (void)state;
    corpus_free(models);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_onnx_model_is_clean),
        cmocka_unit_test(a_malformed_onnx_model_is_blocked),
        cmocka_unit_test(a_hostile_onnx_model_is_blocked),
        cmocka_unit_test(a_valid_keras_model_is_clean),
        cmocka_unit_test(a_hostile_or_malformed_keras_model_is_blocked),
        cmocka_unit_test(a_valid_saved_model_is_clean),
        cmocka_unit_test(a_skops_model_with_types_of_its_own_is_blocked),
        cmocka_unit_test(a_valid_zip_file_is_clean),
        cmocka_unit_test(a_malformed_zip_file_is_blocked),
        cmocka_unit_test(every_exception_is_one),
    };
    models = corpus_open("models");
    if (!models) {
        puts("1..0 # SKIP the public corpora are not here; AIRLOCK_CORPORA names their folder");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, close_corpus);
}
