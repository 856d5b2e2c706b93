/* Between onnx.c (messages, graphs, nodes) and onnx_tensor.c (tensors and their data). */
#pragma once

#include "parse/onnx.h"

struct onnx_external {
    char *path; /* owned; normal form */
    uint64_t bytes;
};

/* A function that the model brings along: what stands for an operator. */
struct onnx_function {
    struct span domain, name; /* borrowed */
};

struct onnx {
    struct report *r;
    uint64_t tensors, parameters, nodes;
    struct onnx_external *external; /* owned */
    size_t external_count, external_room;
    struct onnx_function *functions; /* owned; those of the model, sorted */
    size_t function_count;
    struct span *domains; /* owned; those of opset_import and nodes, each once */
    size_t domain_count;
};

/* TensorProto. Its check wants a struct onnx in w->arg. */
extern const struct pb_type ONNX_TENSOR;

/* What every ONNX message may carry: pairs of texts. */
extern const struct pb_type ONNX_STRING_PAIR;

void onnx_external_fini(struct onnx *m);

/* Writes the fact "external". */
void onnx_write_external(const struct onnx *m, struct json_out *w);
