#include "parse/savedmodel.h"

#include <stdlib.h>
#include <string.h>

#include "parse/keras.h"
#include "parse/paths.h"
#include "parse/protobuf.h"
#include "parse/savedmodel_operators.h"

struct savedmodel {
    uint64_t operators, functions;
    bool saves; /* an operator that writes or reads a file whose path is a value of the graph */
    bool paths; /* a constant text that leads out of the model's folder */
};

/* ── operators ── */

/* What reaches beyond the graph. The name ends with '*' where all that begin so are meant. */
static const struct {
    const char *name;
    enum severity severity;
    const char *what;
} REACHING[] = {
    {"ReadFile", SEVERITY_CRITICAL, "reads any file"},
    {"WriteFile", SEVERITY_CRITICAL, "writes any file"},
    {"MatchingFiles", SEVERITY_CRITICAL, "lists folders"},
    {"PyFunc*", SEVERITY_CRITICAL, "runs Python"},
    {"EagerPyFunc", SEVERITY_CRITICAL, "runs Python"},
    {"PrintV2", SEVERITY_HIGH, "can write to a file"},
    {"DebugIdentity*", SEVERITY_HIGH, "sends its values to an address"},
    {"DebugNanCount", SEVERITY_HIGH, "sends its values to an address"},
    {"DebugNumericSummary*", SEVERITY_HIGH, "sends its values to an address"},
    {"ImmutableConst", SEVERITY_HIGH, "maps a file"},
    {"DecodeProto*", SEVERITY_HIGH, "reads a file of descriptions"},
    {"EncodeProto", SEVERITY_HIGH, "reads a file of descriptions"},
    {"Save", SEVERITY_HIGH, "writes a file"},
    {"SaveSlices", SEVERITY_HIGH, "writes a file"},
    {"Restore", SEVERITY_HIGH, "reads a file"},
    {"RestoreSlice", SEVERITY_HIGH, "reads a file"},
    {"LoadDataset*", SEVERITY_HIGH, "reads files"},
    {"SaveDataset*", SEVERITY_HIGH, "writes files"},
    {"SnapshotDataset*", SEVERITY_HIGH, "writes files"},
    {"CacheDataset*", SEVERITY_HIGH, "writes files"},
    {"TextLineDataset*", SEVERITY_HIGH, "reads files"},
    {"TFRecordDataset*", SEVERITY_HIGH, "reads files"},
    {"FixedLengthRecord*", SEVERITY_HIGH, "reads files"},
    {"CSVDataset*", SEVERITY_HIGH, "reads files"},
    {"SqlDataset*", SEVERITY_HIGH, "opens a database"},
    {"TextLineReader*", SEVERITY_HIGH, "reads files"},
    {"WholeFileReader*", SEVERITY_HIGH, "reads files"},
    {"TFRecordReader*", SEVERITY_HIGH, "reads files"},
    {"LMDB*", SEVERITY_HIGH, "opens a database"},
    {"DataService*", SEVERITY_HIGH, "talks to another machine"},
    {"RegisterDataset*", SEVERITY_HIGH, "talks to another machine"},
    {"Rpc*", SEVERITY_HIGH, "talks to another machine"},
    {"TryRpc", SEVERITY_HIGH, "talks to another machine"},
    {"BigQuery*", SEVERITY_HIGH, "talks to another machine"},
    {"Gcs*", SEVERITY_HIGH, "talks to another machine"},
    {"Summary*", SEVERITY_HIGH, "writes files"},
    {"CreateSummary*", SEVERITY_HIGH, "writes files"},
    {"WriteSummary", SEVERITY_HIGH, "writes files"},
    {"RemoteCall", SEVERITY_HIGH, "runs a function on another machine"},
    {"GenerateVocabRemapping", SEVERITY_HIGH, "reads files"},
    {"LoadAndRemapMatrix", SEVERITY_HIGH, "reads files"},
    {"XlaHostCompute", SEVERITY_HIGH, "calls back into a program"},
    {"CustomCall*", SEVERITY_HIGH, "calls a program by name"},
    {"XlaCustomCall*", SEVERITY_HIGH, "calls a program by name"},
};

static bool names(const char *pattern, struct span op)
{
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*')
        return span_starts(op, span_of(pattern, len - 1));
    return span_equal_str(op, pattern);
}

static int compare_name(const void *key, const void *element)
{
    return span_compare(*(const struct span *)key, span_str(*(const char *const *)element));
}

static bool is_known(struct span op)
{
    return bsearch(&op, TENSORFLOW_OPERATORS, ARRAY_LEN(TENSORFLOW_OPERATORS), sizeof *TENSORFLOW_OPERATORS,
                   compare_name) != NULL;
}

/* Those that every exported model has, for its variables and vocabularies. */
static bool takes_path(struct span op)
{
    static const char *const list[] = {"SaveV2", "RestoreV2", "MergeV2Checkpoints", "InitializeTableFromTextFile*",
                                       "ShardedFilename"};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (names(list[i], op))
            return true;
    return false;
}

static void check_operator(struct pb_walk *w, struct span op)
{
    struct savedmodel *m = w->arg;
    int len = (int)(op.len < 60 ? op.len : 60);
    m->operators++;
    m->saves |= takes_path(op);
    for (size_t i = 0; i < ARRAY_LEN(REACHING); i++) {
        if (!names(REACHING[i].name, op))
            continue;
        report_finding(w->r, REACHING[i].severity, "tensorflow-operator", w->at, "the operator %.*s %s", len,
                       (const char *)op.ptr, REACHING[i].what);
        return;
    }
    /* calls of the graph's own functions may stand as operators of their names */
    if (!is_known(op) && !(span_starts(op, SPAN_LIT("__inference_")) || span_starts(op, SPAN_LIT("__forward_")) ||
                           span_starts(op, SPAN_LIT("__backward_"))))
        report_not_scanned(w->r, "tensorflow-operator", w->at, "the operator %.*s, which this scanner does not know",
                           len, (const char *)op.ptr);
}

/* ── the messages ── */

enum { NODE_NAME = 1, NODE_OP = 2, TENSOR_STRINGS = 8, ASSET_FILENAME = 2, USER_METADATA = 3, KERAS_METADATA = 5 };

static void check_node(struct pb_walk *w, struct span message)
{
    if (w->arg)
        check_operator(w, pb_find_bytes(message, NODE_OP));
}

static bool contains(struct span text, struct span word)
{
    for (; text.len >= word.len; span_skip(&text, 1))
        if (span_starts(text, word))
            return true;
    return false;
}

/* A text that a file operator would take for a path out of the model's folder. */
static bool leads_out(struct span text)
{
    return span_starts(text, SPAN_LIT("/")) || span_starts(text, SPAN_LIT("~")) || contains(text, SPAN_LIT("../")) ||
           contains(text, SPAN_LIT("://"));
}

static void check_tensor(struct pb_walk *w, struct span message)
{
    struct savedmodel *m = w->arg;
    struct pb_field f;
    const char *problem;
    while (m && pb_next(&message, &f, &problem)) {
        /* the one such text that every saver has: it asks whether the path is in a cloud's store */
        bool own = span_equal_str(f.bytes, "^s3://.*");
        m->paths |= f.number == TENSOR_STRINGS && f.bytes.len > 1 && f.bytes.len < 4096 && !own && leads_out(f.bytes);
    }
}

static void check_asset(struct pb_walk *w, struct span message)
{
    struct span name = pb_find_bytes(message, ASSET_FILENAME);
    auto_buf text = BUF(8192), normal = BUF(8192);
    bool absolute = false;
    buf_add_span(&text, name);
    const char *path = buf_str(&text);
    if (w->arg &&
        (strlen(path) != name.len || path_problem(path, &normal, &absolute) || absolute || strpbrk(path, "\\:")))
        report_finding(w->r, SEVERITY_CRITICAL, "tensorflow-asset", w->at,
                       "an asset behind a path that leads out of the model's folder");
}

/* Keras' description of a layer, as JSON. Its classes need no program here: the graph has what they compute. */
static void check_keras(struct pb_walk *w, struct span text)
{
    if (w->arg && span_starts(text, SPAN_LIT("{")))
        keras_code_check(text, w->at, w->r);
}

static void check_user_object(struct pb_walk *w, struct span message)
{
    check_keras(w, pb_find_bytes(message, USER_METADATA));
}

static void check_keras_node(struct pb_walk *w, struct span message)
{
    check_keras(w, pb_find_bytes(message, KERAS_METADATA));
}

static void check_function(struct pb_walk *w, struct span message)
{
    struct savedmodel *m = w->arg;
    (void)message;
    if (m)
        m->functions++;
}

#define TYPE(variable, name, fields, check) \
    static const struct pb_type variable = {(name), (fields), ARRAY_LEN(fields), (check)}

static const struct pb_type ATTR_ENTRY;

static const struct pb_field_type TENSOR_FIELDS[] = {
    {1, PB_INT, false, "dtype", NULL},           {2, PB_SKIPPED, false, "tensor_shape", NULL},
    {3, PB_INT, false, "version_number", NULL},  {4, PB_BYTES, false, "tensor_content", NULL},
    {5, PB_FIXED32, true, "float_val", NULL},    {6, PB_FIXED64, true, "double_val", NULL},
    {7, PB_INT, true, "int_val", NULL},          {TENSOR_STRINGS, PB_BYTES, true, "string_val", NULL},
    {9, PB_FIXED32, true, "scomplex_val", NULL}, {10, PB_INT, true, "int64_val", NULL},
    {11, PB_INT, true, "bool_val", NULL},        {12, PB_FIXED64, true, "dcomplex_val", NULL},
    {13, PB_INT, true, "half_val", NULL},        {14, PB_SKIPPED, true, "resource_handle_val", NULL},
    {15, PB_SKIPPED, true, "variant_val", NULL}, {16, PB_INT, true, "uint32_val", NULL},
    {17, PB_INT, true, "uint64_val", NULL},      {18, PB_BYTES, false, "float8_val", NULL},
};
TYPE(TENSOR, "TensorProto", TENSOR_FIELDS, check_tensor);

static const struct pb_field_type CALL_FIELDS[] = {
    {1, PB_TEXT, false, "name", NULL},
    {2, PB_MESSAGE, true, "attr", &ATTR_ENTRY},
};
TYPE(CALL, "NameAttrList", CALL_FIELDS, NULL);

static const struct pb_field_type LIST_FIELDS[] = {
    {2, PB_BYTES, true, "s", NULL},           {3, PB_INT, true, "i", NULL},
    {4, PB_FIXED32, true, "f", NULL},         {5, PB_INT, true, "b", NULL},
    {6, PB_INT, true, "type", NULL},          {7, PB_SKIPPED, true, "shape", NULL},
    {8, PB_MESSAGE, true, "tensor", &TENSOR}, {9, PB_MESSAGE, true, "func", &CALL},
};
TYPE(LIST, "AttrValue.ListValue", LIST_FIELDS, NULL);

static const struct pb_field_type VALUE_FIELDS[] = {
    {1, PB_MESSAGE, false, "list", &LIST},
    {2, PB_BYTES, false, "s", NULL},
    {3, PB_INT, false, "i", NULL},
    {4, PB_FIXED32, false, "f", NULL},
    {5, PB_INT, false, "b", NULL},
    {6, PB_INT, false, "type", NULL},
    {7, PB_SKIPPED, false, "shape", NULL},
    {8, PB_MESSAGE, false, "tensor", &TENSOR},
    {9, PB_TEXT, false, "placeholder", NULL},
    {10, PB_MESSAGE, false, "func", &CALL},
};
TYPE(VALUE, "AttrValue", VALUE_FIELDS, NULL);

static const struct pb_field_type ATTR_ENTRY_FIELDS[] = {
    {1, PB_TEXT, false, "key", NULL},
    {2, PB_MESSAGE, false, "value", &VALUE},
};
TYPE(ATTR_ENTRY, "AttrEntry", ATTR_ENTRY_FIELDS, NULL);

static const struct pb_field_type NODE_FIELDS[] = {
    {NODE_NAME, PB_TEXT, false, "name", NULL},
    {NODE_OP, PB_TEXT, false, "op", NULL},
    {3, PB_TEXT, true, "input", NULL},
    {4, PB_TEXT, false, "device", NULL},
    {5, PB_MESSAGE, true, "attr", &ATTR_ENTRY},
    {6, PB_SKIPPED, false, "experimental_debug_info", NULL},
    {7, PB_SKIPPED, false, "experimental_type", NULL},
};
TYPE(NODE, "NodeDef", NODE_FIELDS, check_node);

static const struct pb_field_type FUNCTION_FIELDS[] = {
    {1, PB_SKIPPED, false, "signature", NULL},
    {3, PB_MESSAGE, true, "node_def", &NODE},
    {4, PB_SKIPPED, true, "ret", NULL},
    {5, PB_MESSAGE, true, "attr", &ATTR_ENTRY},
    {6, PB_SKIPPED, true, "control_ret", NULL},
    {7, PB_SKIPPED, true, "arg_attr", NULL},
    {8, PB_SKIPPED, true, "resource_arg_unique_id", NULL},
};
TYPE(FUNCTION, "FunctionDef", FUNCTION_FIELDS, check_function);

static const struct pb_field_type LIBRARY_FIELDS[] = {
    {1, PB_MESSAGE, true, "function", &FUNCTION},
    {2, PB_SKIPPED, true, "gradient", NULL},
    {3, PB_SKIPPED, true, "registered_gradients", NULL},
};
TYPE(LIBRARY, "FunctionDefLibrary", LIBRARY_FIELDS, NULL);

static const struct pb_field_type GRAPH_FIELDS[] = {
    {1, PB_MESSAGE, true, "node", &NODE},       {2, PB_MESSAGE, false, "library", &LIBRARY},
    {3, PB_INT, false, "version", NULL},        {4, PB_SKIPPED, false, "versions", NULL},
    {5, PB_SKIPPED, false, "debug_info", NULL},
};
TYPE(GRAPH, "GraphDef", GRAPH_FIELDS, NULL);

static const struct pb_field_type ASSET_FIELDS[] = {
    {1, PB_SKIPPED, false, "tensor_info", NULL},
    {ASSET_FILENAME, PB_TEXT, false, "filename", NULL},
};
TYPE(ASSET, "AssetFileDef", ASSET_FIELDS, check_asset);

static const struct pb_field_type USER_OBJECT_FIELDS[] = {
    {1, PB_TEXT, false, "identifier", NULL},
    {2, PB_SKIPPED, false, "version", NULL},
    {USER_METADATA, PB_TEXT, false, "metadata", NULL},
};
TYPE(USER_OBJECT, "SavedUserObject", USER_OBJECT_FIELDS, check_user_object);

static const struct pb_field_type OBJECT_FIELDS[] = {
    {1, PB_SKIPPED, true, "children", NULL},
    {3, PB_SKIPPED, true, "slot_variables", NULL},
    {4, PB_MESSAGE, false, "user_object", &USER_OBJECT},
    {5, PB_SKIPPED, false, "asset", NULL},
    {6, PB_SKIPPED, false, "function", NULL},
    {7, PB_SKIPPED, false, "variable", NULL},
    {8, PB_SKIPPED, false, "bare_concrete_function", NULL},
    {9, PB_SKIPPED, false, "constant", NULL},
    {10, PB_SKIPPED, false, "resource", NULL},
    {11, PB_SKIPPED, true, "saveable_objects", NULL},
    {12, PB_SKIPPED, false, "captured_tensor", NULL},
    {13, PB_TEXT, false, "registered_name", NULL},
    {14, PB_SKIPPED, false, "serialized_user_proto", NULL},
    {15, PB_SKIPPED, true, "dependencies", NULL},
    {16, PB_TEXT, false, "registered_saver", NULL},
};
TYPE(OBJECT, "SavedObject", OBJECT_FIELDS, NULL);

static const struct pb_field_type OBJECTS_FIELDS[] = {
    {1, PB_MESSAGE, true, "nodes", &OBJECT},
    {2, PB_SKIPPED, true, "concrete_functions", NULL},
};
TYPE(OBJECTS, "SavedObjectGraph", OBJECTS_FIELDS, NULL);

static const struct pb_field_type META_GRAPH_FIELDS[] = {
    {1, PB_SKIPPED, false, "meta_info_def", NULL},
    {2, PB_MESSAGE, false, "graph_def", &GRAPH},
    {3, PB_SKIPPED, false, "saver_def", NULL},
    {4, PB_SKIPPED, true, "collection_def", NULL},
    {5, PB_SKIPPED, true, "signature_def", NULL},
    {6, PB_MESSAGE, true, "asset_file_def", &ASSET},
    {7, PB_MESSAGE, false, "object_graph_def", &OBJECTS},
};
TYPE(META_GRAPH, "MetaGraphDef", META_GRAPH_FIELDS, NULL);

static const struct pb_field_type SAVED_MODEL_FIELDS[] = {
    {1, PB_INT, false, "saved_model_schema_version", NULL},
    {2, PB_MESSAGE, true, "meta_graphs", &META_GRAPH},
};
TYPE(SAVED_MODEL, "SavedModel", SAVED_MODEL_FIELDS, NULL);

static const struct pb_field_type KERAS_NODE_FIELDS[] = {
    {2, PB_INT, false, "node_id", NULL},     {3, PB_TEXT, false, "node_path", NULL},
    {4, PB_TEXT, false, "identifier", NULL}, {KERAS_METADATA, PB_TEXT, false, "metadata", NULL},
    {6, PB_SKIPPED, false, "version", NULL},
};
TYPE(KERAS_NODE, "SavedObject", KERAS_NODE_FIELDS, check_keras_node);

static const struct pb_field_type KERAS_FIELDS[] = {
    {1, PB_MESSAGE, true, "nodes", &KERAS_NODE},
};
TYPE(KERAS, "SavedMetadata", KERAS_FIELDS, NULL);

static const struct pb_field_type FINGERPRINT_FIELDS[] = {
    {1, PB_INT, false, "saved_model_checksum", NULL},
    {2, PB_INT, false, "graph_def_program_hash", NULL},
    {3, PB_INT, false, "signature_def_hash", NULL},
    {4, PB_INT, false, "saved_object_graph_hash", NULL},
    {5, PB_INT, false, "checkpoint_hash", NULL},
    {6, PB_SKIPPED, false, "version", NULL},
    {7, PB_TEXT, false, "uuid", NULL},
};
TYPE(FINGERPRINT, "FingerprintDef", FINGERPRINT_FIELDS, NULL);

/* ── which of them it is ── */

/* The names by which TensorFlow opens them; a frozen graph has any. */
static const struct {
    const char *name, *kind;
    const struct pb_type *type;
} KINDS[] = {
    {"saved_model.pb", "saved-model", &SAVED_MODEL},
    {"keras_metadata.pb", "keras-metadata", &KERAS},
    {"fingerprint.pb", "fingerprint", &FINGERPRINT},
    {"", "graph", &GRAPH},
};

static bool has_form(struct span file, const struct pb_type *type)
{
    auto_report ignored = {0};
    struct pb_walk w = {.r = &ignored, .rule = ""};
    report_init(&ignored, "");
    return pb_walk(&w, file, type) == 0 && ignored.findings == 0;
}

/* By the name, under which it would be opened; else the first whose form it has. ARRAY_LEN: none. */
static size_t kind_of(struct span file, const char *name)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    for (size_t i = 0; i + 1 < ARRAY_LEN(KINDS); i++)
        if (strcmp(base, KINDS[i].name) == 0)
            return i;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (has_form(file, KINDS[i].type))
            return i;
    return ARRAY_LEN(KINDS);
}

int savedmodel_check(struct span file, const char *name, struct report *r)
{
    struct savedmodel m = {0};
    struct pb_walk w = {.r = r, .rule = "protobuf-broken", .arg = &m};
    size_t kind = kind_of(file, name);
    if (kind == ARRAY_LEN(KINDS))
        return report_not_scanned(r, "no-scanner", "", "protocol buffers of a kind that no scanner understands");
    if (file.len == 0 || pb_walk(&w, file, KINDS[kind].type) < 0)
        return -1;
    if (m.saves && m.paths)
        report_finding(r, SEVERITY_HIGH, "tensorflow-path", "",
                       "a text in it leads out of the model's folder, and an operator takes texts as paths of files");
    json_put_string(&r->facts, "kind", KINDS[kind].kind);
    json_put_uint(&r->facts, "operators", m.operators);
    json_put_uint(&r->facts, "functions", m.functions);
    return 0;
}
