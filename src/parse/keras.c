#include "parse/keras.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/hdf5.h"
#include "parse/keras_classes.h"
#include "parse/keras_operations.h"
#include "parse/text.h"

/* config.json of a model of some thousand layers has some MB. */
#define LIMIT_KERAS_CONFIG (32U << 20)

struct walk {
    struct report *r;
    bool code_only; /* where the classes come from does not matter */
    size_t objects;
    char at[512]; /* JSON pointer */
};

static void finding(struct walk *w, enum severity severity, const char *rule, const char *what, const char *which)
{
    if (!w->code_only || severity == SEVERITY_CRITICAL)
        report_finding(w->r, severity, rule, w->at, "%s: %.100s", what, which);
}

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(text, list) is_one_of((text), (list), ARRAY_LEN(list))

/* ── modules ── */

/* Parts of Keras whose classes hold numbers and compute with them. The others fetch files (utils, datasets,
 * applications), load models (saving, export) or change what loading is allowed to do (config). */
static const char *const PARTS[] = {
    "activations", "constraints", "dtype_policies", "engine",          "initializers",
    "layers",      "losses",      "metrics",        "mixed_precision", "models",
    "ops",         "optimizers",  "quantizers",     "random",          "regularizers",
};

/* Of these functions may be named as well as classes. */
static const char *const FUNCTION_PARTS[] = {"activations", "constraints", "initializers", "losses",
                                             "metrics",     "ops",         "regularizers"};

/* Functions in them that build what a configuration names. */
static const char *const BUILDERS[] = {"get", "deserialize", "serialize", "deserialize_keras_object"};

static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0 || ((*text)[len] != '\0' && (*text)[len] != '.'))
        return false;
    *text += len + ((*text)[len] == '.');
    return true;
}

/* "keras.src.layers.core.dense" -> "layers.core.dense". False: not of Keras. */
static bool inside_keras(const char *module, const char **rest)
{
    *rest = module;
    if (take_word(rest, "tensorflow"))
        take_word(rest, "python");
    if (!take_word(rest, "keras") && !(*rest == module && take_word(rest, "tf_keras")))
        return false;
    while (take_word(rest, "src") || take_word(rest, "api") || take_word(rest, "_legacy"))
        ;
    return true;
}

static bool part_is(const char *rest, const char *const *parts, size_t count)
{
    char part[64];
    size_t len = strcspn(rest, ".");
    if (len >= sizeof part)
        return false;
    memcpy(part, rest, len);
    part[len] = '\0';
    return is_one_of(part, parts, count);
}

/* ── classes ── */

/* Layers that run code of the file's own, or read another file. */
static const struct {
    const char *name, *what;
} CODE_CLASSES[] = {
    {"Lambda", "a layer that runs code out of this file"},
    {"TFOpLambda", "a layer that calls whatever function it names"}, /* unless that computes */
    {"SlicingOpLambda", "a layer that calls whatever function it names"},
    {"__lambda__", "byte code that loading runs"},
    {"__typing__", "a type that loading evaluates"},
    {"TorchModuleWrapper", "a layer that unpickles its module"},
    {"TFSMLayer", "a layer that loads a SavedModel from a path"},
    {"JaxLayer", "a layer that calls whatever function it names"},
    {"FlaxLayer", "a layer that calls whatever function it names"},
};

/* Plain values in their written form. */
static const char *const VALUES[] = {"__tuple__",    "__tensor__",  "__numpy__",        "__bytes__",
                                     "__ellipsis__", "__slice__",   "__keras_tensor__", "__set__",
                                     "__dict__",     "__complex__", "TensorShape",      "TensorSpec"};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

static bool is_known_class(const char *name)
{
    return bsearch(name, KERAS_CLASSES, ARRAY_LEN(KERAS_CLASSES), sizeof *KERAS_CLASSES, by_name) != NULL;
}

static bool is_known_operation(const char *name)
{
    return bsearch(name, KERAS_OPERATIONS, ARRAY_LEN(KERAS_OPERATIONS), sizeof *KERAS_OPERATIONS, by_name) != NULL;
}

/* TFOpLambda and SlicingOpLambda call the function of TensorFlow that they name: what computes on tensors may be named.
 * Keras 2 wrote them for every operator of Python and every tf.math function in a model of the functional kind. */
static bool is_computing_function(const char *name)
{
    static const char *const modules[] = {"__operators__.", "math.", "nn.", "linalg."};
    static const char *const plain[] = {
        "broadcast_to", "cast",          "clip_by_value", "concat",        "convert_to_tensor",
        "cumsum",       "einsum",        "expand_dims",   "fill",          "gather",
        "gather_nd",    "identity",      "norm",          "one_hot",       "ones",
        "ones_like",    "pad",           "rank",          "repeat",        "reshape",
        "reverse",      "sequence_mask", "shape",         "slice",         "split",
        "squeeze",      "stack",         "stop_gradient", "strided_slice", "tensordot",
        "tile",         "transpose",     "unstack",       "where",         "zeros",
        "zeros_like",   "image.resize"};
    for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
        size_t len = strlen(modules[i]);
        if (strncmp(name, modules[i], len) == 0)
            return name[len] >= 'a' && name[len] <= 'z' && !strchr(name + len, '.') && !strstr(name + len, "__");
    }
    return is_one_of(name, plain, ARRAY_LEN(plain));
}

/* True when it was told. */
static bool check_code(struct walk *w, const json_t *object, const char *class)
{
    bool names = strcmp(class, "TFOpLambda") == 0 || strcmp(class, "SlicingOpLambda") == 0;
    const char *function = json_get_string(json_object_get(object, "config"), "function", NULL);
    if (names && function && is_computing_function(function))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(CODE_CLASSES); i++) {
        if (strcmp(class, CODE_CLASSES[i].name) != 0)
            continue;
        finding(w, SEVERITY_CRITICAL, "keras-code", CODE_CLASSES[i].what, class);
        return true;
    }
    return false;
}

static void check_function(struct walk *w, const char *module, const char *name)
{
    const char *rest;
    if (!inside_keras(module, &rest))
        finding(w, SEVERITY_CRITICAL, "keras-code", "a function of a module that is not Keras", module);
    else if (!part_is(rest, FUNCTION_PARTS, ARRAY_LEN(FUNCTION_PARTS)))
        finding(w, SEVERITY_CRITICAL, "keras-code", "a function of Keras that does more than compute", name);
    else if (IS_ONE_OF(name, BUILDERS) || strchr(name, '.') || name[0] == '_')
        finding(w, SEVERITY_CRITICAL, "keras-code", "a function that builds what it is told", name);
}

static void check_class(struct walk *w, const char *module, const char *class)
{
    const char *rest;
    bool ours = inside_keras(module, &rest);
    /* the models that come with Keras have some layers of their own; what else is there fetches files */
    const char *part = rest;
    bool listed = *rest == '\0' || take_word(&part, "applications");
    if (!ours)
        finding(w, SEVERITY_HIGH, "keras-module", "a class of a module that is not Keras", module);
    else if (listed ? !is_known_class(class) : !part_is(rest, PARTS, ARRAY_LEN(PARTS)))
        finding(w, SEVERITY_HIGH, "keras-class", "a class of Keras that is no part of a model", class);
    else if (strchr(class, '.') || class[0] == '_')
        finding(w, SEVERITY_HIGH, "keras-class", "not the name of a class", class);
}

/* Written by Keras 2, or with a module of null: found by its name, else among what the program registered. */
static void check_nameless(struct walk *w, const char *class)
{
    if (!is_known_class(class) && !is_known_operation(class) && !IS_ONE_OF(class, VALUES))
        finding(w, SEVERITY_HIGH, "keras-class", "a class that is not Keras' own; a program has to bring it", class);
}

/* A registered name says that the class is a program's own. Of Keras' own it is null or the same name again. */
static void check_registered(struct walk *w, const json_t *object, const char *class)
{
    const char *name = json_get_string(object, "registered_name", NULL);
    const char *config = json_get_string(object, "config", "");
    const char *plain = name && strncmp(name, "keras>", 6) == 0 ? name + 6 : name;
    if (name && strcmp(plain, class) != 0 && strcmp(plain, config) != 0 && strcmp(plain, "function") != 0)
        finding(w, SEVERITY_HIGH, "keras-class", "a registered class; a program has to bring it", name);
}

static void check_object(struct walk *w, const json_t *object)
{
    const char *class = json_get_string(object, "class_name", NULL);
    const char *module = json_get_string(object, "module", NULL);
    const char *fn_module = json_get_string(object, "fn_module", NULL);
    const char *function_type = json_get_string(object, "function_type", NULL), *rest;
    if (function_type && strcmp(function_type, "function") != 0)
        finding(w, SEVERITY_CRITICAL, "keras-code", "code out of this file", function_type);
    if (fn_module && !inside_keras(fn_module, &rest))
        finding(w, SEVERITY_CRITICAL, "keras-code", "a function of a module that is not Keras", fn_module);
    if (!class && module && !inside_keras(module, &rest))
        finding(w, SEVERITY_HIGH, "keras-module", "a module that is not Keras", module);
    if (!class)
        return;
    w->objects++;
    check_registered(w, object, class);
    if (check_code(w, object, class) || IS_ONE_OF(class, VALUES))
        return;
    if (strcmp(class, "function") == 0)
        check_function(w, module ? module : "", json_get_string(object, "config", ""));
    else if (module)
        check_class(w, module, class);
    else
        check_nameless(w, class);
}

/* ── members that mean something by their name ── */

/* A vocabulary is a list; a text is the path or URL of a file that loading reads (CVE-2025-12058). */
static void check_member(struct walk *w, const char *key, const json_t *value)
{
    static const char *const files[] = {"vocabulary", "idf_weights", "file_path", "filepath"};
    if (IS_ONE_OF(key, files) && json_is_string(value) && json_string_length(value) > 0)
        finding(w, SEVERITY_HIGH, "keras-file", "a file that loading reads", json_string_value(value));
    if (strcmp(key, "safe_mode") == 0 && json_is_false(value))
        finding(w, SEVERITY_HIGH, "keras-code", "turns off what keeps loading from running code", key);
    const char *hazard = json_is_string(value) && json_string_length(value) <= 4096
                             ? text_hazard(span_str(json_string_value(value)))
                             : NULL;
    if (hazard)
        finding(w, SEVERITY_MEDIUM, "keras-text", hazard, json_string_value(value));
}

static void walk(struct walk *w, const json_t *v);

static void walk_below(struct walk *w, const char *key, const json_t *v)
{
    size_t len = strlen(w->at);
    snprintf(w->at + len, sizeof w->at - len, "/%s", key);
    check_member(w, key, v);
    walk(w, v);
    w->at[len] = '\0';
}

static void walk(struct walk *w, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v)) {
        check_object(w, v);
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

bool keras_describes(const json_t *root)
{
    const char *class = json_get_string(root, "class_name", NULL), *module = json_get_string(root, "module", ""), *rest;
    bool code = false;
    for (size_t i = 0; class && i < ARRAY_LEN(CODE_CLASSES); i++)
        code |= strcmp(class, CODE_CLASSES[i].name) == 0;
    return class && json_object_get(root, "config") &&
           (code || is_known_class(class) || inside_keras(module, &rest) || json_object_get(root, "registered_name") ||
            json_object_get(root, "keras_version"));
}

size_t keras_config_check(const json_t *root, const char *at, struct report *r)
{
    struct walk w = {.r = r};
    snprintf(w.at, sizeof w.at, "%s", at);
    walk(&w, root);
    return w.objects;
}

static int check_text(struct span text, const char *at, bool code_only, struct report *r)
{
    struct walk w = {.r = r, .code_only = code_only};
    struct err e = {0};
    auto_json root = json_parse(text, LIMIT_KERAS_CONFIG, at, &e);
    if (!root)
        return report_stop(r, SEVERITY_HIGH, "keras-config", at, "%s", e.msg);
    snprintf(w.at, sizeof w.at, "%s", at);
    walk(&w, root);
    return 0;
}

int keras_text_check(struct span text, const char *at, struct report *r)
{
    return check_text(text, at, false, r);
}

int keras_code_check(struct span text, const char *at, struct report *r)
{
    return check_text(text, at, true, r);
}

/* ── the zip file ── */

static const char CONFIG[] = "config.json", METADATA[] = "metadata.json";
static const char *const WEIGHTS[] = {"model.weights.h5", "model.weights.npz"};

bool keras_is_zip(const struct zip *z, const char *name)
{
    return span_ends(span_str(name), SPAN_LIT(".keras")) ||
           (zip_find(z, CONFIG) && (zip_find(z, METADATA) || zip_find(z, WEIGHTS[0])));
}

static json_t *read_json(const struct zip *z, const char *path, struct report *r)
{
    auto_buf room = BUF(LIMIT_KERAS_CONFIG);
    struct span text;
    struct err e = {0};
    const struct zip_member *m = zip_find(z, path);
    if (!m) {
        report_finding(r, SEVERITY_HIGH, "keras-config", path,
                       "is not in the archive: loading would look elsewhere, or fail");
        return NULL;
    }
    if (zip_bytes(m, &room, &text, r) < 0)
        return NULL;
    json_t *root = json_parse(text, LIMIT_KERAS_CONFIG, path, &e);
    if (!root)
        report_stop(r, SEVERITY_HIGH, "keras-config", path, "%s", e.msg);
    return root;
}

/* Which members there are, and what is in those that hold no description. Assets are files of any kind. */
static void check_members(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    for (size_t i = 0; i < z->count; i++) {
        const struct zip_member *m = &z->members[i];
        struct span bytes;
        bool asset = span_starts(span_str(m->path), SPAN_LIT("assets/"));
        bool weights = IS_ONE_OF(m->path, WEIGHTS);
        if (m->folder || strcmp(m->path, CONFIG) == 0 || strcmp(m->path, METADATA) == 0)
            continue;
        if (!asset && !weights)
            report_finding(r, SEVERITY_HIGH, "keras-member", m->path, "a file that no Keras model has");
        if (!weights || zip_bytes(m, &room, &bytes, r) < 0 || !hdf5_is_placeholder(bytes))
            zip_member_check(m, o, &room, r);
        else
            report_finding(r, SEVERITY_LOW, "hdf5-placeholder", m->path,
                           "a signature with nothing behind it: there are no weights in it, and no reader opens it");
    }
}

void keras_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    r->format = "keras";
    auto_json config = read_json(z, CONFIG, r);
    auto_json metadata = read_json(z, METADATA, r);
    if (config)
        json_put_uint(&r->facts, "objects", keras_config_check(config, CONFIG, r));
    if (metadata)
        json_put_string(&r->facts, "keras_version", json_get_string(metadata, "keras_version", ""));
    check_members(z, o, r);
}
