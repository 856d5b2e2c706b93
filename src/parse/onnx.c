#include "parse/onnx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/onnx_internal.h"
#include "parse/text.h"

/* Domains that are told as facts. */
#define LIMIT_ONNX_DOMAINS 256U

/* Operators of these come with every runtime, or with ONNX Runtime; of any other from a library that the model's user
 * has to load, or from a function inside the model. */
static const char *const STANDARD_DOMAINS[] = {
    "",
    "ai.onnx",
    "ai.onnx.ml",
    "ai.onnx.training",
    "ai.onnx.preview",
    "ai.onnx.preview.training",
    "com.microsoft",
    "com.microsoft.nchwc",
    "com.microsoft.experimental",
    "com.ms.internal.nhwc",
};

static bool is_standard(struct span domain)
{
    for (size_t i = 0; i < ARRAY_LEN(STANDARD_DOMAINS); i++)
        if (span_equal_str(domain, STANDARD_DOMAINS[i]))
            return true;
    return false;
}

/* ── nodes ── */

enum { NODE_OP_TYPE = 4, NODE_DOMAIN = 7 };
enum { FUNCTION_NAME = 1, FUNCTION_NODE = 7, FUNCTION_DOMAIN = 10 };
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_FUNCTION = 25 };

/* Operators that run a program of their own, whatever domain they stand in. */
static bool runs_code(struct span op)
{
    static const char *const names[] = {"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "PyFunc"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_equal_str(op, names[i]))
            return true;
    return false;
}

static void note_domain(struct onnx *m, struct span domain)
{
    for (size_t i = 0; i < m->domain_count; i++)
        if (span_equal(m->domains[i], domain))
            return;
    if (m->domain_count < LIMIT_ONNX_DOMAINS)
        m->domains[m->domain_count++] = domain;
}

static int by_function(const void *a, const void *b)
{
    const struct onnx_function *x = a, *y = b;
    int order = span_compare(x->domain, y->domain);
    return order ? order : span_compare(x->name, y->name);
}

static bool is_own_function(const struct onnx *m, struct span domain, struct span op)
{
    struct onnx_function wanted = {domain, op};
    return m->function_count && bsearch(&wanted, m->functions, m->function_count, sizeof wanted, by_function);
}

static void check_node(struct pb_walk *w, struct span message)
{
    struct onnx *m = w->arg;
    struct span op = pb_find_bytes(message, NODE_OP_TYPE), domain = pb_find_bytes(message, NODE_DOMAIN);
    int op_len = (int)(op.len < 60 ? op.len : 60), domain_len = (int)(domain.len < 60 ? domain.len : 60);
    m->nodes++;
    note_domain(m, domain);
    if (op.len == 0)
        report_finding(w->r, SEVERITY_HIGH, "onnx-node", w->at, "a node without an operator");
    else if (runs_code(op))
        report_finding(w->r, SEVERITY_CRITICAL, "onnx-code", w->at, "the operator %.*s runs a program of its own",
                       op_len, (const char *)op.ptr);
    else if (!is_standard(domain) && !is_own_function(m, domain, op))
        report_finding(w->r, SEVERITY_HIGH, "onnx-operator", w->at,
                       "the operator %.*s of the domain \"%.*s\" comes from a library that is not part of the model",
                       op_len, (const char *)op.ptr, domain_len, (const char *)domain.ptr);
}

/* Pairs of texts for people and tools; orders have no place in them. */
static void check_metadata(struct pb_walk *w, struct span message)
{
    struct span value = pb_find_bytes(message, 2);
    const char *hazard = text_hazard_in(value);
    if (hazard && strcmp(hazard, "a URL") != 0)
        report_finding(w->r, SEVERITY_MEDIUM, "onnx-metadata", w->at, "holds %s: %.*s", hazard,
                       (int)(value.len < 120 ? value.len : 120), (const char *)value.ptr);
}

/* ── the messages ── */

#define TYPE(variable, name, fields, check) \
    static const struct pb_type variable = {(name), (fields), ARRAY_LEN(fields), (check)}

static const struct pb_type GRAPH, TYPE_PROTO;

static const struct pb_field_type DIMENSION_FIELDS[] = {
    {1, PB_INT, false, "dim_value", NULL},
    {2, PB_TEXT, false, "dim_param", NULL},
    {3, PB_TEXT, false, "denotation", NULL},
};
TYPE(DIMENSION, "Dimension", DIMENSION_FIELDS, NULL);

static const struct pb_field_type SHAPE_FIELDS[] = {
    {1, PB_MESSAGE, true, "dim", &DIMENSION},
};
TYPE(SHAPE, "TensorShapeProto", SHAPE_FIELDS, NULL);

static const struct pb_field_type TENSOR_TYPE_FIELDS[] = {
    {1, PB_INT, false, "elem_type", NULL},
    {2, PB_MESSAGE, false, "shape", &SHAPE},
};
TYPE(TENSOR_TYPE, "TypeProto.Tensor", TENSOR_TYPE_FIELDS, NULL);

static const struct pb_field_type SEQUENCE_TYPE_FIELDS[] = {
    {1, PB_MESSAGE, false, "elem_type", &TYPE_PROTO},
};
TYPE(SEQUENCE_TYPE, "TypeProto.Sequence", SEQUENCE_TYPE_FIELDS, NULL);

static const struct pb_field_type MAP_TYPE_FIELDS[] = {
    {1, PB_INT, false, "key_type", NULL},
    {2, PB_MESSAGE, false, "value_type", &TYPE_PROTO},
};
TYPE(MAP_TYPE, "TypeProto.Map", MAP_TYPE_FIELDS, NULL);

static const struct pb_field_type OPAQUE_TYPE_FIELDS[] = {
    {1, PB_TEXT, false, "domain", NULL},
    {2, PB_TEXT, false, "name", NULL},
};
TYPE(OPAQUE_TYPE, "TypeProto.Opaque", OPAQUE_TYPE_FIELDS, NULL);

static const struct pb_field_type TYPE_PROTO_FIELDS[] = {
    {1, PB_MESSAGE, false, "tensor_type", &TENSOR_TYPE},     {4, PB_MESSAGE, false, "sequence_type", &SEQUENCE_TYPE},
    {5, PB_MESSAGE, false, "map_type", &MAP_TYPE},           {6, PB_TEXT, false, "denotation", NULL},
    {7, PB_MESSAGE, false, "opaque_type", &OPAQUE_TYPE},     {8, PB_MESSAGE, false, "sparse_tensor_type", &TENSOR_TYPE},
    {9, PB_MESSAGE, false, "optional_type", &SEQUENCE_TYPE},
};
TYPE(TYPE_PROTO, "TypeProto", TYPE_PROTO_FIELDS, NULL);

static const struct pb_field_type VALUE_INFO_FIELDS[] = {
    {1, PB_TEXT, false, "name", NULL},
    {2, PB_MESSAGE, false, "type", &TYPE_PROTO},
    {3, PB_TEXT, false, "doc_string", NULL},
    {4, PB_MESSAGE, true, "metadata_props", &ONNX_STRING_PAIR},
};
TYPE(VALUE_INFO, "ValueInfoProto", VALUE_INFO_FIELDS, NULL);

static const struct pb_field_type SPARSE_FIELDS[] = {
    {1, PB_MESSAGE, false, "values", &ONNX_TENSOR},
    {2, PB_MESSAGE, false, "indices", &ONNX_TENSOR},
    {3, PB_INT, true, "dims", NULL},
};
TYPE(SPARSE, "SparseTensorProto", SPARSE_FIELDS, NULL);

static const struct pb_field_type ATTRIBUTE_FIELDS[] = {
    {1, PB_TEXT, false, "name", NULL},
    {2, PB_FIXED32, false, "f", NULL},
    {3, PB_INT, false, "i", NULL},
    {4, PB_BYTES, false, "s", NULL},
    {5, PB_MESSAGE, false, "t", &ONNX_TENSOR},
    {6, PB_MESSAGE, false, "g", &GRAPH},
    {7, PB_FIXED32, true, "floats", NULL},
    {8, PB_INT, true, "ints", NULL},
    {9, PB_BYTES, true, "strings", NULL},
    {10, PB_MESSAGE, true, "tensors", &ONNX_TENSOR},
    {11, PB_MESSAGE, true, "graphs", &GRAPH},
    {13, PB_TEXT, false, "doc_string", NULL},
    {14, PB_MESSAGE, false, "tp", &TYPE_PROTO},
    {15, PB_MESSAGE, true, "type_protos", &TYPE_PROTO},
    {20, PB_INT, false, "type", NULL},
    {21, PB_TEXT, false, "ref_attr_name", NULL},
    {22, PB_MESSAGE, false, "sparse_tensor", &SPARSE},
    {23, PB_MESSAGE, true, "sparse_tensors", &SPARSE},
};
TYPE(ATTRIBUTE, "AttributeProto", ATTRIBUTE_FIELDS, NULL);

static const struct pb_field_type SIMPLE_SHARDED_DIM_FIELDS[] = {
    {1, PB_INT, false, "dim_value", NULL},
    {2, PB_TEXT, false, "dim_param", NULL},
    {3, PB_INT, false, "num_shards", NULL},
};
TYPE(SIMPLE_SHARDED_DIM, "SimpleShardedDimProto", SIMPLE_SHARDED_DIM_FIELDS, NULL);

static const struct pb_field_type SHARDED_DIM_FIELDS[] = {
    {1, PB_INT, false, "axis", NULL},
    {2, PB_MESSAGE, true, "simple_sharding", &SIMPLE_SHARDED_DIM},
};
TYPE(SHARDED_DIM, "ShardedDimProto", SHARDED_DIM_FIELDS, NULL);

static const struct pb_field_type INT_LIST_FIELDS[] = {
    {1, PB_INT, false, "key", NULL},
    {2, PB_INT, true, "value", NULL},
};
TYPE(INT_LIST, "IntIntListEntryProto", INT_LIST_FIELDS, NULL);

static const struct pb_field_type SHARDING_FIELDS[] = {
    {1, PB_TEXT, false, "tensor_name", NULL},
    {2, PB_INT, true, "device", NULL},
    {3, PB_MESSAGE, true, "index_to_device_group_map", &INT_LIST},
    {4, PB_MESSAGE, true, "sharded_dim", &SHARDED_DIM},
};
TYPE(SHARDING, "ShardingSpecProto", SHARDING_FIELDS, NULL);

static const struct pb_field_type NODE_DEVICE_FIELDS[] = {
    {1, PB_TEXT, false, "configuration_id", NULL},
    {2, PB_MESSAGE, true, "sharding_spec", &SHARDING},
    {3, PB_INT, false, "pipeline_stage", NULL},
};
TYPE(NODE_DEVICE, "NodeDeviceConfigurationProto", NODE_DEVICE_FIELDS, NULL);

static const struct pb_field_type NODE_FIELDS[] = {
    {1, PB_TEXT, true, "input", NULL},
    {2, PB_TEXT, true, "output", NULL},
    {3, PB_TEXT, false, "name", NULL},
    {NODE_OP_TYPE, PB_TEXT, false, "op_type", NULL},
    {5, PB_MESSAGE, true, "attribute", &ATTRIBUTE},
    {6, PB_TEXT, false, "doc_string", NULL},
    {NODE_DOMAIN, PB_TEXT, false, "domain", NULL},
    {8, PB_TEXT, false, "overload", NULL},
    {9, PB_MESSAGE, true, "metadata_props", &ONNX_STRING_PAIR},
    {10, PB_MESSAGE, true, "device_configurations", &NODE_DEVICE},
};
TYPE(NODE, "NodeProto", NODE_FIELDS, check_node);

static const struct pb_field_type ANNOTATION_FIELDS[] = {
    {1, PB_TEXT, false, "tensor_name", NULL},
    {2, PB_MESSAGE, true, "quant_parameter_tensor_names", &ONNX_STRING_PAIR},
};
TYPE(ANNOTATION, "TensorAnnotation", ANNOTATION_FIELDS, NULL);

static const struct pb_field_type GRAPH_FIELDS[] = {
    {1, PB_MESSAGE, true, "node", &NODE},
    {2, PB_TEXT, false, "name", NULL},
    {5, PB_MESSAGE, true, "initializer", &ONNX_TENSOR},
    {10, PB_TEXT, false, "doc_string", NULL},
    {11, PB_MESSAGE, true, "input", &VALUE_INFO},
    {12, PB_MESSAGE, true, "output", &VALUE_INFO},
    {13, PB_MESSAGE, true, "value_info", &VALUE_INFO},
    {14, PB_MESSAGE, true, "quantization_annotation", &ANNOTATION},
    {15, PB_MESSAGE, true, "sparse_initializer", &SPARSE},
    {16, PB_MESSAGE, true, "metadata_props", &ONNX_STRING_PAIR},
};
TYPE(GRAPH, "GraphProto", GRAPH_FIELDS, NULL);

static const struct pb_field_type OPSET_FIELDS[] = {
    {1, PB_TEXT, false, "domain", NULL},
    {2, PB_INT, false, "version", NULL},
};
TYPE(OPSET, "OperatorSetIdProto", OPSET_FIELDS, NULL);

static const struct pb_field_type FUNCTION_FIELDS[] = {
    {FUNCTION_NAME, PB_TEXT, false, "name", NULL},
    {4, PB_TEXT, true, "input", NULL},
    {5, PB_TEXT, true, "output", NULL},
    {6, PB_TEXT, true, "attribute", NULL},
    {FUNCTION_NODE, PB_MESSAGE, true, "node", &NODE},
    {8, PB_TEXT, false, "doc_string", NULL},
    {9, PB_MESSAGE, true, "opset_import", &OPSET},
    {FUNCTION_DOMAIN, PB_TEXT, false, "domain", NULL},
    {11, PB_MESSAGE, true, "attribute_proto", &ATTRIBUTE},
    {12, PB_MESSAGE, true, "value_info", &VALUE_INFO},
    {13, PB_TEXT, false, "overload", NULL},
    {14, PB_MESSAGE, true, "metadata_props", &ONNX_STRING_PAIR},
};
TYPE(FUNCTION, "FunctionProto", FUNCTION_FIELDS, NULL);

static const struct pb_field_type TRAINING_FIELDS[] = {
    {1, PB_MESSAGE, false, "initialization", &GRAPH},
    {2, PB_MESSAGE, false, "algorithm", &GRAPH},
    {3, PB_MESSAGE, true, "initialization_binding", &ONNX_STRING_PAIR},
    {4, PB_MESSAGE, true, "update_binding", &ONNX_STRING_PAIR},
};
TYPE(TRAINING, "TrainingInfoProto", TRAINING_FIELDS, NULL);

static const struct pb_field_type DEVICE_FIELDS[] = {
    {1, PB_TEXT, false, "name", NULL},
    {2, PB_INT, false, "num_devices", NULL},
    {3, PB_TEXT, true, "device", NULL},
};
TYPE(DEVICE, "DeviceConfigurationProto", DEVICE_FIELDS, NULL);

static const struct pb_field_type METADATA_FIELDS[] = {
    {1, PB_TEXT, false, "key", NULL},
    {2, PB_TEXT, false, "value", NULL},
};
TYPE(METADATA, "StringStringEntryProto", METADATA_FIELDS, check_metadata);

static const struct pb_field_type MODEL_FIELDS[] = {
    {MODEL_IR_VERSION, PB_INT, false, "ir_version", NULL},
    {MODEL_PRODUCER, PB_TEXT, false, "producer_name", NULL},
    {3, PB_TEXT, false, "producer_version", NULL},
    {4, PB_TEXT, false, "domain", NULL},
    {5, PB_INT, false, "model_version", NULL},
    {6, PB_TEXT, false, "doc_string", NULL},
    {MODEL_GRAPH, PB_MESSAGE, false, "graph", &GRAPH},
    {MODEL_OPSET, PB_MESSAGE, true, "opset_import", &OPSET},
    {14, PB_MESSAGE, true, "metadata_props", &METADATA},
    {20, PB_MESSAGE, true, "training_info", &TRAINING},
    {MODEL_FUNCTION, PB_MESSAGE, true, "functions", &FUNCTION},
    {26, PB_MESSAGE, true, "configuration", &DEVICE},
};
TYPE(MODEL, "ModelProto", MODEL_FIELDS, NULL);

/* ── the model ── */

#define LIMIT_ONNX_FUNCTIONS 65536U

/* Functions may stand behind the nodes that call them: they are collected before the walk. */
static int find_functions(struct onnx *m, struct span model)
{
    struct pb_field f;
    const char *problem;
    size_t room = 0;
    while (pb_next(&model, &f, &problem)) {
        if (f.number != MODEL_FUNCTION || f.wire != PB_WIRE_BYTES)
            continue;
        if (m->function_count == LIMIT_ONNX_FUNCTIONS)
            return report_not_scanned(m->r, "onnx-functions", "", "more than %u functions", LIMIT_ONNX_FUNCTIONS);
        if (m->function_count == room) {
            room = room ? 2 * room : 16;
            m->functions = reallocarray(m->functions, room, sizeof *m->functions);
            if (!m->functions)
                abort();
        }
        m->functions[m->function_count++] = (struct onnx_function){.domain = pb_find_bytes(f.bytes, FUNCTION_DOMAIN),
                                                                   .name = pb_find_bytes(f.bytes, FUNCTION_NAME)};
    }
    if (m->function_count)
        qsort(m->functions, m->function_count, sizeof *m->functions, by_function);
    return 0;
}

/* JSON of ours has integers of 63 bits. */
static uint64_t capped(uint64_t value)
{
    return value < INT64_MAX ? value : INT64_MAX;
}

static void check_model(struct onnx *m, struct span model)
{
    struct pb_field version, field;
    bool versioned = pb_find(model, MODEL_IR_VERSION, &version) && version.value > 0;
    if (!versioned)
        report_finding(m->r, SEVERITY_HIGH, "onnx-model", "ir_version", "there is none: it is no ONNX model");
    if (!pb_find(model, MODEL_GRAPH, &field))
        report_finding(m->r, SEVERITY_HIGH, "onnx-model", "graph", "there is none");
    if (versioned && version.value >= 3 && !pb_find(model, MODEL_OPSET, &field))
        report_finding(m->r, SEVERITY_HIGH, "onnx-model", "opset_import",
                       "there is none: what its operators mean is open");
    json_put_uint(&m->r->facts, "ir_version", versioned ? capped(version.value) : 0);
    json_out_key(&m->r->facts, "producer");
    json_out_span(&m->r->facts, pb_find_bytes(model, MODEL_PRODUCER));
}

static void write_opsets(const struct onnx *m, struct span model, struct json_out *w)
{
    struct pb_field f, version;
    const char *problem;
    json_put_array(w, "opsets");
    for (size_t i = 0; i < LIMIT_ONNX_DOMAINS && pb_next(&model, &f, &problem); i += f.number == MODEL_OPSET) {
        if (f.number != MODEL_OPSET)
            continue;
        json_out_object(w);
        json_out_key(w, "domain");
        json_out_span(w, pb_find_bytes(f.bytes, 1));
        json_put_uint(w, "version", pb_find(f.bytes, 2, &version) ? capped(version.value) : 0);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_put_array(w, "domains");
    for (size_t i = 0; i < m->domain_count; i++)
        json_out_span(w, m->domains[i]);
    json_out_array_end(w);
}

static void write_facts(const struct onnx *m, struct span model)
{
    struct json_out *w = &m->r->facts;
    write_opsets(m, model, w);
    json_put_uint(w, "operators", m->nodes);
    json_put_uint(w, "tensors", m->tensors);
    json_put_uint(w, "parameters", capped(m->parameters));
    onnx_write_external(m, w);
}

int onnx_check(struct span file, struct report *r)
{
    struct onnx m = {.r = r};
    struct span domains[LIMIT_ONNX_DOMAINS];
    struct pb_walk w = {.r = r, .rule = "onnx-broken", .arg = &m};
    m.domains = domains;
    if (file.len == 0)
        return report_stop(r, SEVERITY_HIGH, "onnx-broken", "", "an empty file");
    int result = find_functions(&m, file) < 0 ? -1 : pb_walk(&w, file, &MODEL);
    if (result == 0) {
        check_model(&m, file);
        write_facts(&m, file);
    }
    free(m.functions);
    onnx_external_fini(&m);
    return result;
}
