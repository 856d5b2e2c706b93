/* Every reader over the corpora of real and hostile files: what is valid is clean, what is broken or hostile never
 * is, and what has no scanner yet says so. */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct corpus *models, *packages, *configs;

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* How a group of files must come out. */
enum wanted { CLEAN, BLOCKED, NOT_CLEAN, ANYTHING };

static bool is_wanted(enum verdict v, enum wanted wanted)
{
    switch (wanted) {
    case CLEAN:
        return v == VERDICT_CLEAN;
    case BLOCKED:
        return verdict_blocks(v);
    case NOT_CLEAN:
        return v != VERDICT_CLEAN;
    case ANYTHING:
        break;
    }
    return true;
}

/* Every file below `folder` of class `class` (NULL: any). At least `least` files must be there. */
static void each_is(struct corpus *c, const char *folder, const char *class, enum wanted wanted, size_t least)
{
    char rules[4096];
    size_t seen = 0, wrong = 0;
    assert_non_null(c);
    for (size_t i = 0; i < c->count; i++) {
        const struct corpus_file *f = &c->files[i];
        if (!begins(f->path, folder) || (class && (!f->class || strcmp(f->class, class) != 0)))
            continue;
        enum verdict v = corpus_verdict(f, rules, sizeof(rules));
        seen++;
        if (is_wanted(v, wanted))
            continue;
        wrong++;
        print_message("# %s (%s: %s) came out %s: %s\n", f->path, f->class ? f->class : "", f->note ? f->note : "",
                      verdict_name(v), rules);
    }
    print_message("# %zu files\n", seen);
    assert_int_equal(wrong, 0);
    assert_true(seen >= least);
}

static void a_valid_gguf_file_is_clean(void **state)
{
    (void)state;
    each_is(models, "gguf/", "valid", CLEAN, 12);
}

static void a_malformed_gguf_file_is_blocked(void **state)
{
    (void)state;
    each_is(models, "gguf/", "malformed", BLOCKED, 74);
}

static void a_gguf_file_with_a_hostile_template_is_blocked(void **state)
{
    (void)state;
    each_is(models, "gguf/", "hostile", BLOCKED, 4);
}

static void a_valid_safetensors_file_is_clean(void **state)
{
    (void)state;
    each_is(models, "safetensors/", "valid", CLEAN, 15);
}

static void a_malformed_safetensors_file_is_blocked(void **state)
{
    (void)state;
    each_is(models, "safetensors/", "malformed", BLOCKED, 48);
}

static void a_safetensors_file_with_hostile_metadata_is_blocked(void **state)
{
    (void)state;
    each_is(models, "safetensors/", "hostile", BLOCKED, 7);
}

static void a_safetensors_header_without_its_data_is_blocked(void **state)
{
    (void)state;
    each_is(models, "safetensors/", "header-only", BLOCKED, 1);
}

static void a_hostile_model_configuration_is_blocked(void **state)
{
    (void)state;
    each_is(configs, "hostile/", "hostile", BLOCKED, 30);
}

static void an_honest_model_configuration_is_clean(void **state)
{
    (void)state;
    each_is(configs, "benign/", "benign", CLEAN, 19);
}

static void a_git_lfs_pointer_is_blocked(void **state)
{
    (void)state;
    each_is(configs, "lfs-pointers/", NULL, BLOCKED, 6);
}

static void a_hostile_template_is_blocked(void **state)
{
    (void)state;
    each_is(configs, "templates/", "hostile", BLOCKED, 20);
}

static void an_archive_whose_links_lead_out_is_blocked(void **state)
{
    (void)state;
    each_is(packages, "images/unpack/escape.tar", NULL, BLOCKED, 1);
    each_is(packages, "images/layerscanning/symlink-attack.tar", NULL, BLOCKED, 1);
}

static void no_image_archive_ends_its_reader(void **state)
{
    (void)state;
    each_is(packages, "images/", NULL, ANYTHING, 16);
}

static bool open_corpora(void)
{
    models = corpus_open("models");
    packages = corpus_open("packages");
    configs = corpus_open("configs");
    return models && packages && configs;
}

static int close_corpora(void **state)
{
    (void)state;
    corpus_free(models);
    corpus_free(packages);
    corpus_free(configs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_gguf_file_is_clean),
        cmocka_unit_test(a_malformed_gguf_file_is_blocked),
        cmocka_unit_test(a_gguf_file_with_a_hostile_template_is_blocked),
        cmocka_unit_test(a_valid_safetensors_file_is_clean),
        cmocka_unit_test(a_malformed_safetensors_file_is_blocked),
        cmocka_unit_test(a_safetensors_file_with_hostile_metadata_is_blocked),
        cmocka_unit_test(a_safetensors_header_without_its_data_is_blocked),
        cmocka_unit_test(a_hostile_model_configuration_is_blocked),
        cmocka_unit_test(an_honest_model_configuration_is_clean),
        cmocka_unit_test(a_git_lfs_pointer_is_blocked),
        cmocka_unit_test(a_hostile_template_is_blocked),
        cmocka_unit_test(an_archive_whose_links_lead_out_is_blocked),
        cmocka_unit_test(no_image_archive_ends_its_reader),
    };
    if (!open_corpora()) {
        puts("1..0 # SKIP the public corpora are not here; AIRLOCK_CORPORA names their folder");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, close_corpora);
}
