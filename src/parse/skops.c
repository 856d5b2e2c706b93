#include "parse/skops.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_SKOPS_SCHEMA (32U << 20)

static const char SCHEMA[] = "schema.json";

struct walk {
    struct report *r;
    const struct zip *z;
    size_t types;
    char at[512]; /* JSON pointer */
};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(text, list) is_one_of((text), (list), ARRAY_LEN(list))

/* Nodes that call what they name, or hand it on to be called (CVE-2025-54412, CVE-2025-54413). */
static const char *const CALLERS[] = {"FunctionNode", "MethodNode", "PartialNode", "OperatorFuncNode", "ReduceNode"};

/* Nodes that hold values. LossNode builds one of scikit-learn's losses; its module is asked for like any other. */
static const char *const VALUE_LOADERS[] = {
    "BytearrayNode",     "BytesNode",
    "CachedNode",        "DatasetNode",
    "DefaultDictNode",   "DictNode",
    "DTypeNode",         "JsonNode",
    "ListNode",          "MaskedArrayNode",
    "NdArrayNode",       "ObjectNode",
    "OrderedDictNode",   "RandomGeneratorNode",
    "RandomStateNode",   "SGDNode",
    "SetNode",           "SliceNode",
    "SparseMatrixNode",  "TreeNode",
    "TupleNode",         "TypeNode",
    "ValueNode",         "_DictWithDeprecatedKeysNode",
    "FrozenSetNode",     "ComplexNode",
    "NdArrayObjectNode", "BunchNode",
    "LossNode",
};

static const struct {
    const char *module;
    const char *const names[20]; /* none: any that is no function's and not private */
} PLAIN[] = {
    {"builtins",
     {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "NoneType", "set", "slice",
      "str", "tuple", "ellipsis"}},
    {"collections", {"OrderedDict", "defaultdict", "Counter", "deque"}},
    {"datetime", {"date", "datetime", "time", "timedelta", "timezone"}},
    {"numpy", {0}},
    {"scipy", {0}},
    {"sklearn", {0}},
};

/* Parts of them that reach files, other programs or pickles. */
static const char *const REACHING[] = {"f2py",   "testing",  "distutils", "ctypeslib", "io",     "lib",
                                       "memmap", "datasets", "externals", "weave",     "openml", "npyio"};

/* "sklearn.linear_model._base" begins with the module "sklearn". */
static bool begins_with(const char *module, const char *root)
{
    size_t len = strlen(root);
    return strncmp(module, root, len) == 0 && (module[len] == '\0' || module[len] == '.');
}

/* Classes of these packages begin with a capital; what does not is a function, but for these. A function that is handed
 * out as if it were a type is called later, by whoever holds it. */
static bool is_small_type(const char *module, const char *class)
{
    static const char *const of_numpy[] = {
        "bool",       "bool_",   "bytes_",  "clongdouble", "complex128", "complex64", "datetime64", "dtype",
        "float16",    "float32", "float64", "generic",     "int16",      "int32",     "int64",      "int8",
        "longdouble", "matrix",  "ndarray", "object_",     "recarray",   "record",    "str_",       "timedelta64",
        "uint16",     "uint32",  "uint64",  "uint8",       "void"};
    static const char *const of_sparse[] = {"array", "matrix"};
    if (begins_with(module, "numpy"))
        return IS_ONE_OF(class, of_numpy);
    if (begins_with(module, "scipy.sparse")) /* csr_matrix, coo_array */
        return strlen(class) > 4 && class[3] == '_' && IS_ONE_OF(class + 4, of_sparse);
    return begins_with(module, "scipy.stats") &&
           (strcmp(class, "rv_frozen") == 0 || span_ends(span_str(class), SPAN_LIT("_gen")));
}

/* scikit-learn's own helpers (_BinMapper, _CalibratedClassifier) compute like the others. */
static bool is_class_name(const char *module, const char *class)
{
    const char *first = class[0] == '_' && begins_with(module, "sklearn") ? class + 1 : class;
    return *first >= 'A' && *first <= 'Z';
}

/* Nodes that call the class with arguments of the file's own, and the one place where each class they are for lives. */
static bool is_built_in_place(const char *module, const char *class, const char *loader)
{
    static const struct {
        const char *loader, *module, *class;
    } places[] = {
        {"TreeNode", "sklearn.tree", "Tree"},
        {"SGDNode", "sklearn.linear_model._sgd_fast", NULL},
        {"SGDNode", "sklearn._loss", NULL},
        {"LossNode", "sklearn._loss", NULL},
        {"LossNode", "sklearn.linear_model._sgd_fast", NULL},
    };
    bool calls = false;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (strcmp(places[i].loader, loader) != 0)
            continue;
        calls = true;
        if (begins_with(module, places[i].module) && (!places[i].class || strcmp(places[i].class, class) == 0))
            return true;
    }
    return !calls;
}

static bool reaches(const char *module)
{
    struct span rest = span_str(module), part;
    while (rest.len > 0) {
        if (!span_take_until(&rest, '.', &part)) {
            part = rest;
            rest.len = 0;
        }
        for (size_t i = 0; i < ARRAY_LEN(REACHING); i++)
            if (span_equal_str(part, REACHING[i]))
                return true;
    }
    return false;
}

static bool is_plain(const char *module, const char *class)
{
    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++) {
        bool any = PLAIN[i].names[0] == NULL;
        if (!(any ? begins_with(module, PLAIN[i].module) : strcmp(module, PLAIN[i].module) == 0))
            continue;
        if (any)
            return !reaches(module) && !strchr(class, '.') &&
                   (is_class_name(module, class) || is_small_type(module, class));
        for (size_t k = 0; k < ARRAY_LEN(PLAIN[i].names) && PLAIN[i].names[k]; k++)
            if (strcmp(PLAIN[i].names[k], class) == 0)
                return true;
        return false;
    }
    return false;
}

/* A universal function of NumPy or SciPy computes, element by element; any other function may do anything. */
static bool is_ufunc(const char *module, const char *loader)
{
    return strcmp(loader, "FunctionNode") == 0 &&
           (strcmp(module, "numpy") == 0 || strcmp(module, "scipy.special") == 0 ||
            strcmp(module, "scipy.special._ufuncs") == 0);
}

static const char *const UFUNCS[] = {
    "absolute", "add",     "arccos",  "arcsin",   "arctan",   "cbrt",       "ceil",        "cos",   "cosh",
    "exp",      "exp2",    "expit",   "expm1",    "floor",    "log",        "log10",       "log1p", "log2",
    "logit",    "maximum", "minimum", "multiply", "negative", "reciprocal", "rint",        "sign",  "sin",
    "sinh",     "sqrt",    "square",  "subtract", "tan",      "tanh",       "true_divide",
};

static void check_file(struct walk *w, const json_t *node)
{
    const char *file = json_get_string(node, "file", NULL);
    if (file && !zip_find(w->z, file))
        report_finding(w->r, SEVERITY_HIGH, "skops-member", w->at, "the file \"%.100s\" is not in the archive", file);
}

static void check_node(struct walk *w, const json_t *node)
{
    const char *class = json_get_string(node, "__class__", NULL), *module = json_get_string(node, "__module__", "");
    const char *loader = json_get_string(node, "__loader__", NULL);
    check_file(w, node);
    if (!class && !loader)
        return;
    w->types++;
    if (!class || !loader)
        report_finding(w->r, SEVERITY_HIGH, "skops-node", w->at, "an object without its type or its loader");
    else if (is_ufunc(module, loader) && IS_ONE_OF(class, UFUNCS))
        return;
    else if (IS_ONE_OF(loader, CALLERS))
        report_finding(w->r, SEVERITY_CRITICAL, "skops-call", w->at, "loading calls %.100s.%.100s (%.60s)", module,
                       class, loader);
    else if (!IS_ONE_OF(loader, VALUE_LOADERS))
        report_finding(w->r, SEVERITY_HIGH, "skops-node", w->at, "the loader %.60s, which this scanner does not know",
                       loader);
    else if (!is_built_in_place(module, class, loader))
        report_finding(w->r, SEVERITY_CRITICAL, "skops-call", w->at, "loading calls %.100s.%.100s (%.60s)", module,
                       class, loader);
    else if (!is_plain(module, class))
        report_finding(w->r, SEVERITY_HIGH, "skops-type", w->at,
                       "loading imports %.100s.%.100s, which is no type of scikit-learn, NumPy or SciPy", module,
                       class);
}

static void walk(struct walk *w, const json_t *v);

static void walk_below(struct walk *w, const char *key, const json_t *v)
{
    size_t len = strlen(w->at);
    snprintf(w->at + len, sizeof w->at - len, "/%s", key);
    walk(w, v);
    w->at[len] = '\0';
}

static void walk(struct walk *w, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v)) {
        check_node(w, v);
        json_object_foreach((json_t *)(uintptr_t)v, key, item) walk_below(w, key, item);
    }
    if (!json_is_array(v))
        return;
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        walk_below(w, number, item);
    }
}

bool skops_is_zip(const struct zip *z, const char *name)
{
    bool arrays = zip_find(z, SCHEMA) != NULL;
    for (size_t i = 0; i < z->count && arrays; i++) {
        struct span path = span_str(z->members[i].path);
        arrays = span_equal_str(path, SCHEMA) || span_ends(path, SPAN_LIT(".npy")) || span_ends(path, SPAN_LIT(".npz"));
    }
    return arrays || span_ends(span_str(name), SPAN_LIT(".skops"));
}

static void check_schema(const struct zip *z, const struct zip_member *m, struct report *r)
{
    auto_buf room = BUF(LIMIT_SKOPS_SCHEMA);
    struct walk w = {.r = r, .z = z};
    struct span text;
    struct err e = {0};
    if (zip_bytes(m, &room, &text, r) < 0)
        return;
    auto_json root = json_parse(text, LIMIT_SKOPS_SCHEMA, SCHEMA, &e);
    if (!root) {
        report_stop(r, SEVERITY_HIGH, "skops-schema", SCHEMA, "%s", e.msg);
        return;
    }
    snprintf(w.at, sizeof w.at, "%s", SCHEMA);
    walk(&w, root);
    json_put_uint(&r->facts, "types", w.types);
    if (json_is_integer(json_object_get(root, "protocol")))
        json_put_int(&r->facts, "protocol", json_integer_value(json_object_get(root, "protocol")));
}

void skops_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    const struct zip_member *schema = zip_find(z, SCHEMA);
    r->format = "skops";
    if (schema)
        check_schema(z, schema, r);
    else
        report_finding(r, SEVERITY_HIGH, "skops-schema", SCHEMA, "is not in the archive");
    for (size_t i = 0; i < z->count; i++)
        if (&z->members[i] != schema)
            zip_member_check(&z->members[i], o, &room, r);
}
