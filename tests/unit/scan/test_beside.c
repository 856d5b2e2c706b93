/* A model and what it needs beside itself: there, inside of the folder, a plain file, long enough. */
#include "scan/scan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../parse/models.h"
#include "parse/ops.h"
#include "util/file.h"

struct place {
    char path[64];
    int fd;
};

static int make_place(void **state)
{
    static struct place p;
    struct err e;
    snprintf(p.path, sizeof p.path, "/tmp/airlock-beside-XXXXXX");
    if (!mkdtemp(p.path) || (p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        dir_make(p.fd, "m", 0755, &e) < 0)
        return -1;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    *state = &p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    struct err e;
    close(p->fd);
    child_use_inline(NULL, 0);
    return tree_remove(AT_FDCWD, p->path, &e);
}

static void put(struct place *p, const char *name, struct span bytes)
{
    struct err e = {0};
    assert_int_equal(file_write(p->fd, name, bytes, 0644, &e), 0);
}

/* m/model.onnx, whose one tensor of 16 bytes lies at `location` from byte 4 on. */
static void put_model(struct place *p, const char *location)
{
    static const struct {
        const char *key, *value;
    } pairs[] = {{"location", NULL}, {"offset", "4"}};
    auto_buf tensor = BUF(4096), graph = BUF(4096), opset = BUF(64), model = BUF(4096);
    pb_number(&tensor, 1, 4);
    pb_number(&tensor, 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        auto_buf pair = BUF(4096);
        pb_text(&pair, 1, pairs[i].key);
        pb_text(&pair, 2, pairs[i].value ? pairs[i].value : location);
        pb_message(&tensor, 13, &pair);
    }
    pb_number(&tensor, 14, 1);
    pb_message(&graph, 5, &tensor);
    pb_number(&model, 1, 9);
    pb_message(&model, 7, &graph);
    pb_number(&opset, 2, 17);
    pb_message(&model, 8, &opset);
    put(p, "m/model.onnx", buf_span(&model));
}

static void scan(struct place *p, const char *name, struct scan_report *out)
{
    static const struct scan_options o = {0};
    char path[256];
    struct err e = {0};
    struct child *parser = child_start(ROLE_PARSE, &e);
    assert_non_null(parser);
    snprintf(path, sizeof path, "%s/%s", p->path, name);
    int result = scan_path(parser, path, &o, out, &e);
    child_stop(parser);
    assert_int_equal(result, 0);
}

static const struct scan_file *row(const struct scan_report *r, const char *suffix)
{
    for (size_t i = 0; i < r->count; i++)
        if (span_ends(span_str(r->files[i].path), span_str(suffix)))
            return &r->files[i];
    fail_msg("no row of %s", suffix);
    return NULL;
}

static bool has(const struct scan_file *f, const char *rule)
{
    for (size_t i = 0; i < f->finding_count; i++)
        if (strcmp(f->findings[i].rule, rule) == 0)
            return true;
    return false;
}

#define WEIGHTS SPAN_LIT("\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4")

static void external_data_that_are_there_stand_with_their_model(void **state)
{
    struct place *p = *state;
    put_model(p, "weights.bin");
    put(p, "m/weights.bin", WEIGHTS);
    put(p, "m/other.bin", WEIGHTS);
    auto_scan_report r = {0}, alone = {0};

    scan(p, "m", &r);
    scan(p, "m/model.onnx", &alone);

    assert_int_equal(row(&r, "model.onnx")->verdict, VERDICT_CLEAN);
    assert_int_equal(row(&r, "weights.bin")->verdict, VERDICT_OPAQUE);
    assert_int_equal(row(&r, "other.bin")->verdict, VERDICT_NOT_SCANNED);
    assert_int_equal(r.verdict, VERDICT_NOT_SCANNED);
    assert_int_equal(alone.verdict, VERDICT_CLEAN);
}

static void external_data_that_are_a_pickle_are_no_weights(void **state)
{
    struct place *p = *state;
    put_model(p, "weights.bin");
    put(p, "m/weights.bin", SPAN_LIT("cos\nsystem\n(S'touch /tmp/x'\ntR."));
    auto_scan_report r = {0};

    scan(p, "m", &r);

    assert_int_equal(row(&r, "weights.bin")->verdict, VERDICT_MALICIOUS);
}

static void external_data_that_are_missing_or_too_short_are_found(void **state)
{
    struct place *p = *state;
    put_model(p, "weights.bin");
    auto_scan_report missing = {0}, cut = {0};
    scan(p, "m", &missing);
    put(p, "m/weights.bin", SPAN_LIT("\1\2\3\4\5\6\7\10"));
    scan(p, "m", &cut);

    assert_true(has(row(&missing, "model.onnx"), "external-data"));
    assert_int_equal(missing.verdict, VERDICT_SUSPICIOUS);
    assert_true(has(row(&cut, "model.onnx"), "external-data"));
    assert_int_equal(row(&cut, "weights.bin")->verdict, VERDICT_NOT_SCANNED);
}

static void case_25_external_data_behind_a_link_are_blocked(void **state)
{
    struct place *p = *state;
    put_model(p, "weights.bin");
    put(p, "m/real.bin", WEIGHTS);
    put(p, "outside.bin", WEIGHTS);
    assert_int_equal(symlinkat("real.bin", p->fd, "m/weights.bin"), 0);
    auto_scan_report soft = {0}, hard = {0}, folder = {0};
    scan(p, "m", &soft);
    assert_int_equal(unlinkat(p->fd, "m/weights.bin", 0), 0);
    assert_int_equal(linkat(p->fd, "outside.bin", p->fd, "m/weights.bin", 0), 0);
    scan(p, "m", &hard);
    assert_int_equal(unlinkat(p->fd, "m/weights.bin", 0), 0);
    assert_int_equal(symlinkat("..", p->fd, "m/up"), 0);
    put_model(p, "up/outside.bin");
    scan(p, "m", &folder);

    assert_true(has(row(&soft, "model.onnx"), "external-data"));
    assert_true(has(row(&hard, "model.onnx"), "external-data"));
    assert_true(has(row(&folder, "model.onnx"), "external-data"));
    assert_true(verdict_blocks(soft.verdict) && verdict_blocks(hard.verdict) && verdict_blocks(folder.verdict));
}

#define INDEX "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}"

static void put_shard(struct place *p, const char *name, const char *tensor)
{
    auto_buf b = BUF(4096);
    char header[256];
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", tensor);
    safetensors_file(&b, header, 8);
    put(p, name, buf_span(&b));
}

static void the_files_of_an_index_are_there_with_its_tensors(void **state)
{
    struct place *p = *state;
    put(p, "m/model.safetensors.index.json", SPAN_LIT(INDEX));
    put_shard(p, "m/m-1.safetensors", "a");
    auto_scan_report missing = {0}, whole = {0}, other = {0};
    scan(p, "m", &missing);
    put_shard(p, "m/m-2.safetensors", "b");
    scan(p, "m", &whole);
    put_shard(p, "m/m-2.safetensors", "c");
    scan(p, "m", &other);

    assert_true(has(row(&missing, "index.json"), "index-shard"));
    assert_int_equal(missing.verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(whole.verdict, VERDICT_CLEAN);
    assert_true(has(row(&other, "index.json"), "index-shard"));
    assert_int_equal(other.verdict, VERDICT_SUSPICIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(external_data_that_are_there_stand_with_their_model, make_place, remove_place),
        cmocka_unit_test_setup_teardown(external_data_that_are_a_pickle_are_no_weights, make_place, remove_place),
        cmocka_unit_test_setup_teardown(external_data_that_are_missing_or_too_short_are_found, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(case_25_external_data_behind_a_link_are_blocked, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_files_of_an_index_are_there_with_its_tensors, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
