/* Keras, HDF5, SavedModel and skops: what a loader would import, call or open is found, however deep it stands. */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ── Keras ── */

#define METADATA "{\"keras_version\": \"3.8.0\"}"
#define LAYER(module, class, config) \
    "{\"module\":\"" module "\",\"class_name\":\"" class "\",\"config\":" config ",\"registered_name\":null}"
#define MODEL(layer)                                                                                               \
    "{\"module\":\"keras\",\"class_name\":\"Sequential\",\"config\":{\"layers\":[" layer "]},\"registered_name\":" \
    "null}"
#define FUNCTION(module, name) \
    "{\"module\":\"" module "\",\"class_name\":\"function\",\"config\":\"" name "\",\"registered_name\":\"function\"}"
#define DENSE(activation) LAYER("keras.layers", "Dense", "{\"units\":2,\"activation\":" activation "}")
#define LAMBDA \
    LAYER("keras.layers", "Lambda", "{\"function\":{\"class_name\":\"__lambda__\",\"config\":{\"code\":\"4wAA\"}}}")

static void keras_is(const char *config, enum verdict verdict, const char *rule)
{
    auto_buf b = BUF(65536);
    zip_texts(&b, "metadata.json", METADATA, "config.json", config, NULL);
    auto_look l = look_named(buf_span(&b), "model.keras");
    if (l.verdict != verdict)
        print_message("# %s came out %s: %s\n", config, verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void a_model_of_keras_own_classes_is_clean(void **state)
{
    (void)state;
    keras_is(MODEL(DENSE("\"relu\"")), VERDICT_CLEAN, NULL);
    keras_is(MODEL(MODEL(DENSE("\"relu\""))), VERDICT_CLEAN, NULL);
    keras_is(MODEL(DENSE(FUNCTION("keras.activations", "relu"))), VERDICT_CLEAN, NULL);
    keras_is(MODEL(DENSE(FUNCTION("keras.src.activations.activations", "gelu"))), VERDICT_CLEAN, NULL);
    keras_is("{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"Dense\",\"config\":{}}]}}",
             VERDICT_CLEAN, NULL);
}

static void case_23_a_lambda_at_any_depth_is_blocked(void **state)
{
    (void)state;
    keras_is(MODEL(LAMBDA), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(MODEL(MODEL(LAMBDA))), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(LAYER("keras.layers", "TimeDistributed", "{\"layer\":" LAMBDA "}")), VERDICT_MALICIOUS,
             "keras-code");
    keras_is(MODEL(LAYER("keras.layers", "Bidirectional", "{\"layer\":{},\"backward_layer\":" LAMBDA "}")),
             VERDICT_MALICIOUS, "keras-code");
    keras_is(
        "{\"class_name\":\"Sequential\",\"config\":{},\"compile_config\":{\"loss\":{\"class_name\":\"__lambda__\"}}}",
        VERDICT_MALICIOUS, "keras-code");
    keras_is("{\"class_name\":\"Model\",\"config\":{\"function\":[\"4wAA\",null,null],\"function_type\":\"lambda\"}}",
             VERDICT_MALICIOUS, "keras-code");
}

static void case_23_a_function_that_is_not_keras_own_is_blocked(void **state)
{
    (void)state;
    keras_is(MODEL(DENSE(FUNCTION("os", "system"))), VERDICT_MALICIOUS, "keras-code");            /* CVE-2025-1550 */
    keras_is(MODEL(DENSE(FUNCTION("keras.utils", "get_file"))), VERDICT_MALICIOUS, "keras-code"); /* CVE-2025-8747 */
    keras_is(MODEL(DENSE(FUNCTION("keras.config", "enable_unsafe_deserialization"))), VERDICT_MALICIOUS,
             "keras-code"); /* CVE-2025-9906 */
    keras_is(MODEL(DENSE(FUNCTION("keras.saving", "load_model"))), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(DENSE(FUNCTION("keras.losses", "deserialize"))), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(DENSE(FUNCTION("kerasx.activations", "relu"))), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(DENSE(FUNCTION("builtins", "eval"))), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL(DENSE("{\"class_name\":\"function\",\"config\":\"mine\"}")), VERDICT_MALICIOUS, "keras-code");
}

static void case_23_a_class_that_is_not_keras_own_is_blocked(void **state)
{
    (void)state;
    keras_is(MODEL(LAYER("subprocess", "Popen", "{}")), VERDICT_SUSPICIOUS, "keras-module");
    keras_is(MODEL(LAYER("keras.callbacks", "ModelCheckpoint", "{}")), VERDICT_SUSPICIOUS, "keras-class");
    keras_is(MODEL(LAYER("keras.layers", "TorchModuleWrapper", "{\"module\":\"gAJ9\"}")), VERDICT_MALICIOUS,
             "keras-code"); /* CVE-2025-49655 */
    keras_is(MODEL(LAYER("keras.layers", "TFSMLayer", "{\"filepath\":\"/tmp/x\"}")), VERDICT_MALICIOUS, "keras-code");
    keras_is(MODEL("{\"module\":null,\"class_name\":\"Custom\",\"config\":{},\"registered_name\":\"evil>Custom\"}"),
             VERDICT_SUSPICIOUS, "keras-class");
    keras_is(
        MODEL(
            "{\"module\":\"keras.layers\",\"class_name\":\"Dense\",\"config\":{},\"registered_name\":\"evil>Dense\"}"),
        VERDICT_SUSPICIOUS, "keras-class");
    keras_is("{\"class_name\":\"__typing__\",\"config\":\"os.system\"}", VERDICT_MALICIOUS, "keras-code");
}

#define CALLS(class, function) "{\"class_name\":\"" class "\",\"config\":{\"name\":\"x\",\"function\":" function "}}"

static void case_23_a_layer_that_names_a_function_may_name_one_that_computes(void **state)
{
    static const char *const fine[] = {"\"math.multiply\"", "\"nn.relu\"", "\"__operators__.add\"", "\"reshape\""};
    static const char *const bad[] = {"\"io.read_file\"",
                                      "\"numpy_function\"",
                                      "\"load_op_library\"",
                                      "\"math.multiply.__globals__\"",
                                      "\"nn.__builtins__\"",
                                      "\"math.\"",
                                      "null",
                                      "[\"math.multiply\"]"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine) + ARRAY_LEN(bad); i++) {
        bool clean = i < ARRAY_LEN(fine);
        char model[1024];
        snprintf(model, sizeof model, MODEL(CALLS("TFOpLambda", "%s")), clean ? fine[i] : bad[i - ARRAY_LEN(fine)]);
        keras_is(model, clean ? VERDICT_CLEAN : VERDICT_MALICIOUS, clean ? NULL : "keras-code");
    }
    keras_is(MODEL(CALLS("SlicingOpLambda", "\"__operators__.getitem\"")), VERDICT_CLEAN, NULL);
    keras_is(MODEL(CALLS("JaxLayer", "\"math.multiply\"")), VERDICT_MALICIOUS, "keras-code");
}

static void layers_of_the_models_that_come_with_keras_are_clean_and_their_loaders_are_not(void **state)
{
    (void)state;
    keras_is(MODEL(LAYER("keras.src.applications.convnext", "LayerScale", "{}")), VERDICT_CLEAN, NULL);
    keras_is(MODEL(LAYER("keras.src.applications.convnext", "ConvNeXtTiny", "{\"weights\":\"imagenet\"}")),
             VERDICT_SUSPICIOUS, "keras-class");
    keras_is(MODEL(LAYER("keras.src.ops.numpy", "Transpose", "{}")), VERDICT_CLEAN, NULL);
    keras_is(MODEL("{\"class_name\":\"Transpose\",\"config\":{}}"), VERDICT_CLEAN, NULL);
    keras_is(MODEL("{\"class_name\":\"WhileLoop\",\"config\":{}}"), VERDICT_SUSPICIOUS, "keras-class");
}

static void a_file_that_loading_would_read_is_found(void **state)
{
    (void)state;
    keras_is(MODEL(LAYER("keras.layers", "StringLookup", "{\"vocabulary\":\"/etc/passwd\"}")), VERDICT_SUSPICIOUS,
             "keras-file"); /* CVE-2025-12058 */
    keras_is(MODEL(LAYER("keras.layers", "StringLookup", "{\"vocabulary\":[\"a\",\"b\"]}")), VERDICT_CLEAN, NULL);
}

static void case_23_a_description_under_another_name_or_encoding_is_blocked(void **state)
{
    (void)state;
    auto_buf case_of = BUF(65536), below = BUF(65536);
    zip_texts(&case_of, "metadata.json", METADATA, "Config.json", MODEL(LAMBDA), NULL);
    zip_texts(&below, "metadata.json", METADATA, "config.json", MODEL(DENSE("null")), "x/config.json", MODEL(LAMBDA),
              NULL);
    auto_look a = look_named(buf_span(&case_of), "model.keras");
    auto_look b = look_named(buf_span(&below), "model.keras");

    assert_true(look_has(&a, "keras-config"));
    assert_true(look_has(&a, "keras-member"));
    assert_true(look_has(&b, "keras-member"));
    keras_is("\xff\xfe{\"class_name\":\"Lambda\"}", VERDICT_SUSPICIOUS, "keras-config");
    keras_is("{\"class_name\":\"Dense\",\"class_name\":\"Lambda\"}", VERDICT_SUSPICIOUS, "keras-config");
    keras_is("{\"class_name\":", VERDICT_SUSPICIOUS, "keras-config");
}

static void an_asset_is_looked_at_like_any_file(void **state)
{
    (void)state;
    auto_buf b = BUF(65536);
    zip_texts(&b, "metadata.json", METADATA, "config.json", MODEL(DENSE("null")), "assets/v.txt", "a\nb\n",
              "assets/v.pkl", "cos\nsystem\n(S'id'\ntR.", NULL);

    auto_look l = look_named(buf_span(&b), "model.keras");

    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
    assert_null(strstr(l.rules, "v.txt"));
}

static void a_description_in_a_file_of_its_own_is_held_to_the_same_rules(void **state)
{
    (void)state;
    auto_look code = look_named(SPAN_LIT(MODEL(LAMBDA)), "config.json");
    auto_look layer = look_named(SPAN_LIT("{\"class_name\":\"Lambda\",\"config\":{}}"), "model.json");
    auto_look plain = look_named(SPAN_LIT(MODEL(DENSE("null"))), "config.json");
    auto_look other = look_named(SPAN_LIT("{\"class_name\":\"Reader\",\"config\":{}}"), "reader.json");

    assert_true(look_has(&code, "keras-code"));
    assert_true(look_has(&layer, "keras-code"));
    assert_int_equal(plain.verdict, VERDICT_CLEAN);
    assert_int_equal(other.verdict, VERDICT_CLEAN);
}

/* libhdf5 keeps memory of files that it could not open. (A hook of the leak checker; nobody calls it else.) */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* ── HDF5: files that h5py wrote, seeds of its fuzzer ── */

static struct span read_seed(const char *name, uint8_t room[65536])
{
    char path[4096];
    const char *source = getenv("AIRLOCK_SOURCE");
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/hdf5/%s", source ? source : ".", name);
    auto_file file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is not there; AIRLOCK_SOURCE names the folder of the sources", path);
    return span_of(room, fread(room, 1, 65536, file));
}

static void hdf5_is(const char *seed, enum verdict verdict, const char *rule)
{
    uint8_t room[65536];
    auto_look l = look_named(read_seed(seed, room), "model.h5");
    if (l.verdict != verdict)
        print_message("# %s came out %s: %s\n", seed, verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void case_23_a_model_in_hdf5_is_held_to_the_same_rules(void **state)
{
    (void)state;
    hdf5_is("weights", VERDICT_CLEAN, NULL);
    hdf5_is("weights-latest", VERDICT_CLEAN, NULL);
    hdf5_is("model", VERDICT_CLEAN, NULL);
    hdf5_is("lambda", VERDICT_MALICIOUS, "keras-code"); /* CVE-2025-9905 */
    hdf5_is("behind-nul", VERDICT_SUSPICIOUS, "keras-config");
    hdf5_is("bfloat16", VERDICT_CLEAN, NULL);
}

static void an_hdf5_file_that_leads_to_another_is_blocked(void **state)
{
    (void)state;
    hdf5_is("external", VERDICT_MALICIOUS, "hdf5-external");
    hdf5_is("virtual", VERDICT_MALICIOUS, "hdf5-external");
    hdf5_is("pytables", VERDICT_NOT_SCANNED, "hdf5-pickle");
    hdf5_is("objects", VERDICT_NOT_SCANNED, "hdf5-type");
    hdf5_is("stub", VERDICT_SUSPICIOUS, "hdf5-broken");
}

static void an_hdf5_file_that_is_cut_short_or_goes_on_is_blocked(void **state)
{
    (void)state;
    uint8_t room[65536];
    struct span whole = read_seed("model", room);
    auto_look cut = look_named(span_of(whole.ptr, whole.len / 2), "model.h5");
    memcpy(room + whole.len, "more", 4);
    auto_look longer = look_named(span_of(room, whole.len + 4), "model.h5");

    assert_true(look_has(&cut, "hdf5-broken"));
    assert_true(look_has(&longer, "hdf5-trailing"));
    assert_true(verdict_blocks(cut.verdict) && verdict_blocks(longer.verdict));
}

static void hdf5_is_not_read_where_other_files_are(void **state)
{
    (void)state;
    uint8_t room[65536];
    struct inspect_options o = {.name = "model.h5"};
    auto_look l = look_at(read_seed("model", room), &o);

    assert_true(look_has(&l, "hdf5-apart"));
    assert_int_equal(l.verdict, VERDICT_NOT_SCANNED);
}

/* ── TensorFlow ── */

/* A node, with a text as its value where there is one. */
static void put_operator(struct buf *graph, uint32_t field, const char *op, const char *text)
{
    auto_buf node = BUF(4096), tensor = BUF(4096), value = BUF(4096), attr = BUF(4096);
    pb_text(&node, 1, "n");
    pb_text(&node, 2, op);
    if (text) {
        pb_number(&tensor, 1, 7);
        pb_text(&tensor, 8, text);
        pb_message(&value, 8, &tensor);
        pb_text(&attr, 1, "value");
        pb_message(&attr, 2, &value);
        pb_message(&node, 5, &attr);
    }
    pb_message(graph, field, &node);
}

static void saved_is(const struct buf *graph, enum verdict verdict, const char *rule)
{
    auto_buf meta = BUF(65536), model = BUF(65536);
    pb_message(&meta, 2, graph);
    pb_number(&model, 1, 1);
    pb_message(&model, 2, &meta);
    auto_look l = look_named(buf_span(&model), "m/saved_model.pb");
    if (l.verdict != verdict)
        print_message("# came out %s: %s\n", verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void operators_that_compute_are_clean_and_others_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        enum verdict verdict;
    } rows[] = {
        {"MatMul", VERDICT_CLEAN},
        {"StatefulPartitionedCall", VERDICT_CLEAN},
        {"DisableCopyOnRead", VERDICT_CLEAN},
        {"_Send", VERDICT_NOT_SCANNED}, /* to another device, which may be another machine */
        {"ReadFile", VERDICT_MALICIOUS},
        {"WriteFile", VERDICT_MALICIOUS},
        {"PyFunc", VERDICT_MALICIOUS},
        {"EagerPyFunc", VERDICT_MALICIOUS},
        {"PrintV2", VERDICT_SUSPICIOUS},
        {"TFRecordDatasetV2", VERDICT_SUSPICIOUS},
        {"SomebodysOwn", VERDICT_NOT_SCANNED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf graph = BUF(4096), function = BUF(4096), library = BUF(4096), outer = BUF(4096);
        put_operator(&graph, 1, rows[i].op, NULL);
        saved_is(&graph, rows[i].verdict, rows[i].verdict == VERDICT_CLEAN ? NULL : "tensorflow-operator");
        put_operator(&function, 3, rows[i].op, NULL);
        pb_message(&library, 1, &function);
        pb_message(&outer, 2, &library);
        saved_is(&outer, rows[i].verdict, rows[i].verdict == VERDICT_CLEAN ? NULL : "tensorflow-operator");
    }
}

static void a_path_that_leads_out_beside_an_operator_of_files_is_found(void **state)
{
    (void)state;
    auto_buf own = BUF(4096), outside = BUF(4096), unused = BUF(4096);
    put_operator(&own, 1, "Const", "_temp/part");
    put_operator(&own, 1, "SaveV2", NULL);
    put_operator(&outside, 1, "Const", "/etc/cron.d/x");
    put_operator(&outside, 1, "SaveV2", NULL);
    put_operator(&unused, 1, "Const", "/etc/cron.d/x");

    saved_is(&own, VERDICT_CLEAN, NULL);
    saved_is(&outside, VERDICT_SUSPICIOUS, "tensorflow-path");
    saved_is(&unused, VERDICT_CLEAN, NULL);
}

/* ── skops ── */

#define NODE(module, class, loader, more) \
    "{\"__module__\":\"" module "\",\"__class__\":\"" class "\",\"__loader__\":\"" loader "\"" more "}"

static void skops_is(const char *schema, enum verdict verdict, const char *rule)
{
    auto_buf b = BUF(65536);
    zip_texts(&b, "schema.json", schema, NULL);
    auto_look l = look_named(buf_span(&b), "model.skops");
    if (l.verdict != verdict)
        print_message("# %s came out %s: %s\n", schema, verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void types_of_scikit_learn_are_clean_and_others_are_not(void **state)
{
    (void)state;
    skops_is(
        NODE("sklearn.svm._classes", "SVC", "ObjectNode", ",\"content\":" NODE("builtins", "dict", "DictNode", "")),
        VERDICT_CLEAN, NULL);
    skops_is(NODE("numpy", "log1p", "FunctionNode", ""), VERDICT_CLEAN, NULL);
    skops_is(NODE("__main__", "Mine", "ObjectNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("sklearnx", "SVC", "ObjectNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("builtins", "eval", "TypeNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("numpy.f2py", "x", "TypeNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("os", "system", "FunctionNode", ""), VERDICT_MALICIOUS, "skops-call");
    skops_is(NODE("operator", "methodcaller", "OperatorFuncNode", ""), VERDICT_MALICIOUS,
             "skops-call");                                                               /* CVE-2025-54412 */
    skops_is(NODE("builtins", "str", "MethodNode", ""), VERDICT_MALICIOUS, "skops-call"); /* CVE-2025-54413 */
    skops_is(NODE("numpy", "ndarray", "NdArrayNode", ",\"file\":\"1.npy\""), VERDICT_SUSPICIOUS, "skops-member");
    skops_is(NODE("sklearn._loss._loss", "CyHalfBinomialLoss", "LossNode", ""), VERDICT_CLEAN, NULL);
    skops_is(NODE("os", "system", "LossNode", ""), VERDICT_MALICIOUS, "skops-call");
    skops_is(NODE("builtins", "str", "SomebodysNode", ""), VERDICT_SUSPICIOUS, "skops-node");
    skops_is(NODE("sklearn.tree._tree", "Tree", "TreeNode", ""), VERDICT_CLEAN, NULL);
    skops_is(NODE("sklearn.metrics._scorer", "_PassthroughScorer", "ObjectNode", ""), VERDICT_CLEAN, NULL);
    skops_is(NODE("numpy", "float64", "TypeNode", ""), VERDICT_CLEAN, NULL);
    skops_is(NODE("scipy.sparse._csr", "csr_matrix", "SparseMatrixNode", ""), VERDICT_CLEAN, NULL);
    skops_is("{", VERDICT_SUSPICIOUS, "skops-schema");
}

static void a_function_in_the_place_of_a_type_is_blocked(void **state)
{
    (void)state;
    skops_is(NODE("numpy", "fromfile", "TypeNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("numpy", "_fromfile", "TypeNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("scipy.sparse._matrix_io", "load_npz", "TypeNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("sklearn", "show_versions", "ObjectNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    skops_is(NODE("sklearn.utils.parallel", "_run", "ObjectNode", ""), VERDICT_SUSPICIOUS, "skops-type");
    /* these nodes call what they name, with arguments of the file's own */
    skops_is(NODE("numpy", "fromfile", "TreeNode", ""), VERDICT_MALICIOUS, "skops-call");
    skops_is(NODE("sklearn.tree._export", "Sentinel", "TreeNode", ""), VERDICT_MALICIOUS, "skops-call");
    skops_is(NODE("numpy", "loadtxt", "SGDNode", ""), VERDICT_MALICIOUS, "skops-call");
    skops_is(NODE("sklearn.utils.parallel", "Parallel", "LossNode", ""), VERDICT_MALICIOUS, "skops-call");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_of_keras_own_classes_is_clean),
        cmocka_unit_test(case_23_a_lambda_at_any_depth_is_blocked),
        cmocka_unit_test(case_23_a_function_that_is_not_keras_own_is_blocked),
        cmocka_unit_test(case_23_a_class_that_is_not_keras_own_is_blocked),
        cmocka_unit_test(case_23_a_layer_that_names_a_function_may_name_one_that_computes),
        cmocka_unit_test(layers_of_the_models_that_come_with_keras_are_clean_and_their_loaders_are_not),
        cmocka_unit_test(a_file_that_loading_would_read_is_found),
        cmocka_unit_test(case_23_a_description_under_another_name_or_encoding_is_blocked),
        cmocka_unit_test(an_asset_is_looked_at_like_any_file),
        cmocka_unit_test(a_description_in_a_file_of_its_own_is_held_to_the_same_rules),
        cmocka_unit_test(case_23_a_model_in_hdf5_is_held_to_the_same_rules),
        cmocka_unit_test(an_hdf5_file_that_leads_to_another_is_blocked),
        cmocka_unit_test(an_hdf5_file_that_is_cut_short_or_goes_on_is_blocked),
        cmocka_unit_test(hdf5_is_not_read_where_other_files_are),
        cmocka_unit_test(operators_that_compute_are_clean_and_others_are_not),
        cmocka_unit_test(a_path_that_leads_out_beside_an_operator_of_files_is_found),
        cmocka_unit_test(types_of_scikit_learn_are_clean_and_others_are_not),
        cmocka_unit_test(a_function_in_the_place_of_a_type_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
