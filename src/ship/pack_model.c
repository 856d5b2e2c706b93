/* The model part: weights first, then what lies beside them, as one CNCF ModelPack manifest of raw layers. */
#include <stdlib.h>
#include <string.h>

#include "ship/oci_write.h"
#include "ship/pack_internal.h"
#include "util/limits.h"

/* ModelPack tells layers apart by what they are for (docs/spec.md, "Layer media types"). */
static const char *media_type_of(const char *path)
{
    static const struct {
        const char *suffix, *media_type;
    } rows[] = {
        {".safetensors", MEDIA_MODEL_WEIGHT},
        {".gguf", MEDIA_MODEL_WEIGHT},
        {".onnx", MEDIA_MODEL_WEIGHT},
        {".bin", MEDIA_MODEL_WEIGHT},
        {".pt", MEDIA_MODEL_WEIGHT},
        {".md", MEDIA_MODEL_DOC},
        {".txt", MEDIA_MODEL_DOC},
        {".pdf", MEDIA_MODEL_DOC},
        {"LICENSE", MEDIA_MODEL_DOC},
        {".py", MEDIA_MODEL_CODE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (span_ends(span_str(path), span_str(rows[i].suffix)))
            return rows[i].media_type;
    return MEDIA_MODEL_SETTINGS;
}

struct layers {
    struct release_blob *list; /* owned */
    size_t count;
};

static void layers_fini(struct layers *l)
{
    for (size_t i = 0; i < l->count; i++)
        release_blob_fini(&l->list[i]);
    free(l->list);
}

static int put_file(struct packing *p, const struct pack_file *f, struct release_blob *out, struct err *e)
{
    if (packing_put_file(p, "model", f->file, media_type_of(f->path), out, e) < 0)
        return -1;
    free(out->name);
    out->name = text_copy(f->path);
    return 0;
}

/* The weights' own blob is the packing's; the list has a copy of its facts. */
static int put_layers(struct packing *p, struct layers *l, struct err *e)
{
    l->list = calloc(p->spec.model_file_count + 1, sizeof *l->list);
    if (!l->list)
        abort();
    if (packing_put_file(p, "model", p->spec.model_file, MEDIA_MODEL_WEIGHT, &l->list[l->count++], e) < 0)
        return -1;
    for (size_t i = 0; i < p->spec.model_file_count; i++)
        if (put_file(p, &p->spec.model_files[i], &l->list[l->count++], e) < 0)
            return -1;
    return 0;
}

int pack_model(struct packing *p, struct err *e)
{
    AUTO(layers_fini) struct layers l = {0};
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    if (put_layers(p, &l, e) < 0)
        return -1;
    struct oci_model m = {.name = p->spec.model_name,
                          .licence = p->spec.model_licence,
                          .source = p->spec.model_source,
                          .layers = l.list,
                          .layer_count = l.count};
    oci_model_config(&m, &text);
    if (packing_put_text(p, &text, MEDIA_MODEL_CONFIG, &p->model_config, e) < 0)
        return -1;
    buf_clear(&text);
    oci_manifest(MEDIA_MODEL_MANIFEST, &p->model_config, l.list, NULL, l.count, &text);
    if (packing_put_text(p, &text, MEDIA_OCI_MANIFEST, &p->model_manifest, e) < 0)
        return -1;
    p->model = l.list[0];
    l.list[0] = (struct release_blob){0};
    return 0;
}
