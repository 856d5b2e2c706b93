#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "parse/ops.h"
#include "util/file.h"

int folder_make(void **state)
{
    struct err e = {0};
    struct folder *f = calloc(1, sizeof *f);
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(f->path, sizeof f->path, "/tmp/airlock-ship-XXXXXX");
    if (!mkdtemp(f->path) || (f->fd = dir_open(AT_FDCWD, f->path, &e)) < 0)
        return -1;
    *state = f;
    return 0;
}

int folder_remove(void **state)
{
    struct err e = {0};
    struct folder *f = *state;
    close(f->fd);
    int result = tree_remove(AT_FDCWD, f->path, &e);
    free(f);
    return result;
}

struct digest digest_of_text(const char *text)
{
    return digest_of(span_str(text));
}

void read_golden(const char *name, struct buf *out)
{
    struct err e = {0};
    char path[4096];
    const char *root = getenv("AIRLOCK_SOURCE");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/docs/formats/%s", root, name);
    if (file_read(AT_FDCWD, path, out, &e) < 0)
        fail_msg("%s", e.msg);
}

void expect_golden(const char *name, const struct buf *text)
{
    auto_buf golden = BUF(1U << 20), found = BUF(1U << 20);
    buf_add_span(&found, buf_span(text));
    buf_add_byte(&found, '\n');
    read_golden(name, &golden);
    if (!span_equal(buf_span(&found), buf_span(&golden)))
        fail_msg("docs/formats/%s holds\n%s\nbut the writer makes\n%s", name, buf_str(&golden), buf_str(&found));
}

/* ── a release ── */

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!j)
        fail_msg("%s in %s", error.text, text);
    return j;
}

static void put_text(struct sample *s, const char *text, struct digest *id)
{
    struct err e = {0};
    if (blob_put(s->blobs, span_str(text), id, &e) < 0)
        fail_msg("%s", e.msg);
}

static struct digest put_document(struct sample *s, const json_t *document, size_t *size)
{
    struct digest id;
    char *text = json_dumps(document, JSON_COMPACT);
    assert_non_null(text);
    put_text(s, text, &id);
    *size = strlen(text);
    free(text);
    return id;
}

static json_t *descriptor(const char *media_type, const char *name_key, const char *name, const char *part)
{
    json_t *d = json_pack("{s:s, s:{}}", "mediaType", media_type, "annotations");
    json_t *annotations = json_object_get(d, "annotations");
    if (name)
        json_object_set_new(annotations, name_key, json_string(name));
    if (part)
        json_object_set_new(annotations, ANNOTATION_PART, json_string(part));
    return d;
}

static void point(json_t *d, const struct digest *id, size_t size)
{
    json_object_set_new(d, "digest", json_string(digest_text(id).text));
    json_object_set_new(d, "size", json_integer((json_int_t)size));
}

static json_t *text_layer(struct sample *s, const char *part, const char *media_type, const char *text)
{
    struct digest id;
    json_t *d = descriptor(media_type, ANNOTATION_TITLE, part, part);
    put_text(s, text, &id);
    point(d, &id, strlen(text));
    return d;
}

static json_t *manifest(const char *artifact_type, const char *config_type)
{
    json_t *m = json_pack("{s:i, s:s, s:o, s:[]}", "schemaVersion", 2, "mediaType", MEDIA_OCI_MANIFEST, "config",
                          descriptor(config_type, NULL, NULL, NULL), "layers");
    if (artifact_type)
        json_object_set_new(m, "artifactType", json_string(artifact_type));
    return m;
}

static void make_config_layers(struct sample *s)
{
    json_t *layers = json_object_get(s->config_manifest, "layers");
    json_array_append_new(layers, text_layer(s, "prompts", MEDIA_PROMPTS, "system: x\nwarmup: [a]\n"));
    json_array_append_new(layers, text_layer(s, "suite", MEDIA_SUITE, "cases: []\n"));
    json_array_append_new(layers, text_layer(s, "card", "text/markdown", "# Card\n"));
    json_array_append_new(layers, text_layer(s, "licence", "text/plain", "Licence\n"));
    json_array_append_new(layers, text_layer(s, "changes", "text/markdown", "# Changes\n"));
}

void sample_make(struct sample *s, struct folder *f)
{
    struct err e = {0};
    *s = (struct sample){.blobs = blobs_make(f->fd, "layout", &e)};
    if (!s->blobs)
        fail_msg("%s", e.msg);
    s->index =
        parsed("{\"schemaVersion\": 2, \"mediaType\": \"" MEDIA_OCI_INDEX "\", \"artifactType\": \"" MEDIA_RELEASE
               "\", \"manifests\": [], \"annotations\": {\"" ANNOTATION_TITLE "\": \"assistant\", "
               "\"" ANNOTATION_VERSION "\": \"v1.0.0\", \"" ANNOTATION_LICENCES "\": \"Apache-2.0\", "
               "\"" ANNOTATION_VENDOR "\": \"team\"}}");
    static const char *const parts[] = {"model", "engine", "config"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        json_array_append_new(json_object_get(s->index, "manifests"),
                              descriptor(MEDIA_OCI_MANIFEST, NULL, NULL, parts[i]));
    s->config = parsed("{\"schema\": \"airlock/release-config/1\", \"name\": \"assistant\", \"version\": \"v1.0.0\", "
                       "\"owner\": \"team\", \"licence\": \"Apache-2.0\", \"model\": {\"name\": \"Tiny\", \"file\": "
                       "\"tiny.gguf\"}, \"engine\": {\"command\": [\"/engine/e\", \"--host\", \"{socket}\", \"-m\", "
                       "\"{model}\"], \"environment\": {\"B\": \"2\", \"A\": \"1\"}}}");
    s->model_manifest = manifest(MEDIA_MODEL_MANIFEST, MEDIA_MODEL_CONFIG);
    s->engine_manifest = manifest(NULL, MEDIA_OCI_CONFIG);
    s->config_manifest = manifest(MEDIA_RELEASE_CONFIG, MEDIA_RELEASE_CONFIG);
    json_t *weights = descriptor(MEDIA_MODEL_WEIGHT, ANNOTATION_FILEPATH, "tiny.gguf", NULL);
    json_t *layer = descriptor(MEDIA_OCI_LAYER, NULL, NULL, NULL);
    put_text(s, "GGUF", &s->model);
    put_text(s, "a layer", &s->layer);
    point(weights, &s->model, 4);
    point(layer, &s->layer, 7);
    json_array_append_new(json_object_get(s->model_manifest, "layers"), weights);
    json_array_append_new(json_object_get(s->engine_manifest, "layers"), layer);
    make_config_layers(s);
}

static void put_below(struct sample *s, json_t *document, json_t *config, size_t place)
{
    size_t size;
    struct digest id;
    if (config) {
        id = put_document(s, config, &size);
        point(json_object_get(document, "config"), &id, size);
    }
    id = put_document(s, document, &size);
    if (json_array_get(json_object_get(s->index, "manifests"), place))
        point(json_array_get(json_object_get(s->index, "manifests"), place), &id, size);
}

struct digest sample_put(struct sample *s)
{
    size_t size;
    json_t *model_config = parsed("{\"descriptor\": {}, \"config\": {}, \"modelfs\": {}}");
    json_t *engine_config = parsed("{\"architecture\": \"amd64\", \"os\": \"linux\"}");
    put_below(s, s->model_manifest, model_config, 0);
    put_below(s, s->engine_manifest, engine_config, 1);
    put_below(s, s->config_manifest, s->config, 2);
    json_decref(model_config);
    json_decref(engine_config);
    return put_document(s, s->index, &size);
}

void sample_fini(struct sample *s)
{
    json_decref(s->index);
    json_decref(s->model_manifest);
    json_decref(s->engine_manifest);
    json_decref(s->config_manifest);
    json_decref(s->config);
    blobs_close(s->blobs);
}
