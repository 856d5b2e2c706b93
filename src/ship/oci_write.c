#include "ship/oci_write.h"

#include <string.h>
#include <sys/utsname.h>

static void put_descriptor_fields(struct json_out *w, const char *media_type, const struct digest *digest,
                                  uint64_t size)
{
    json_put_string(w, "mediaType", media_type);
    json_put_digest(w, "digest", digest);
    json_put_uint(w, "size", size);
}

void oci_descriptor(struct json_out *w, const struct release_blob *b, const char *artifact_type, const char *part)
{
    bool of_model = strncmp(b->media_type, MEDIA_MODEL_PREFIX, strlen(MEDIA_MODEL_PREFIX)) == 0;
    bool named = b->name && *b->name;
    json_out_object(w);
    put_descriptor_fields(w, b->media_type, &b->digest, b->size);
    if (artifact_type)
        json_put_string(w, "artifactType", artifact_type);
    if (named || part) {
        json_put_object(w, "annotations");
        if (named)
            json_put_string(w, of_model ? ANNOTATION_FILEPATH : ANNOTATION_TITLE, b->name);
        if (part)
            json_put_string(w, ANNOTATION_PART, part);
        json_out_object_end(w);
    }
    json_out_object_end(w);
}

static const char *weights_format(const char *file)
{
    struct span name = span_str(file);
    if (span_ends(name, SPAN_LIT(".gguf")))
        return "gguf";
    return span_ends(name, SPAN_LIT(".safetensors")) ? "safetensors" : NULL;
}

void oci_model_config(const struct oci_model *m, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_object(&w, "descriptor");
    json_put_string(&w, "name", m->name);
    if (m->source)
        json_put_string(&w, "sourceURL", m->source);
    json_put_array(&w, "licenses");
    json_out_string(&w, m->licence);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_put_object(&w, "config");
    if (weights_format(m->layers[0].name))
        json_put_string(&w, "format", weights_format(m->layers[0].name));
    json_out_object_end(&w);
    json_put_object(&w, "modelfs");
    json_put_string(&w, "type", "layers");
    json_put_array(&w, "diffIds");
    for (size_t i = 0; i < m->layer_count; i++)
        json_out_string(&w, digest_text(&m->layers[i].digest).text);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
}

void oci_manifest(const char *artifact_type, const struct release_blob *config, const struct release_blob *layers,
                  const char *const *layer_parts, size_t layer_count, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_uint(&w, "schemaVersion", 2);
    json_put_string(&w, "mediaType", MEDIA_OCI_MANIFEST);
    if (artifact_type)
        json_put_string(&w, "artifactType", artifact_type);
    json_out_key(&w, "config");
    oci_descriptor(&w, config, NULL, NULL);
    json_put_array(&w, "layers");
    for (size_t i = 0; i < layer_count; i++)
        oci_descriptor(&w, &layers[i], NULL, layer_parts ? layer_parts[i] : NULL);
    json_out_array_end(&w);
    json_out_object_end(&w);
}

void oci_engine_config(const char *architecture, const char *const *command, size_t command_count,
                       const struct digest *layer, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "architecture", architecture);
    json_put_string(&w, "os", "linux");
    json_put_object(&w, "config");
    json_put_array(&w, "Entrypoint");
    for (size_t i = 0; i < command_count && i < 1; i++)
        json_out_string(&w, command[i]);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_put_object(&w, "rootfs");
    json_put_string(&w, "type", "layers");
    json_put_array(&w, "diff_ids");
    json_out_string(&w, digest_text(layer).text);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
}

void oci_attachment(const struct release_blob *subject, const struct digest *envelope, uint64_t envelope_size,
                    const char *predicate_type, struct buf *out)
{
    struct digest empty = digest_of(SPAN_LIT(OCI_EMPTY_TEXT));
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_uint(&w, "schemaVersion", 2);
    json_put_string(&w, "mediaType", MEDIA_OCI_MANIFEST);
    json_put_string(&w, "artifactType", MEDIA_INTOTO);
    json_put_object(&w, "config");
    put_descriptor_fields(&w, MEDIA_OCI_EMPTY, &empty, sizeof OCI_EMPTY_TEXT - 1);
    json_out_object_end(&w);
    json_put_array(&w, "layers");
    json_out_object(&w);
    put_descriptor_fields(&w, MEDIA_DSSE, envelope, envelope_size);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_put_object(&w, "subject");
    put_descriptor_fields(&w, subject->media_type, &subject->digest, subject->size);
    json_out_object_end(&w);
    json_put_object(&w, "annotations");
    json_put_string(&w, "in-toto.io/predicate-type", predicate_type);
    json_out_object_end(&w);
    json_out_object_end(&w);
}

const char *oci_architecture(void)
{
    static const struct {
        const char *uname, *oci;
    } names[] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"riscv64", "riscv64"}, {"ppc64le", "ppc64le"}, {"s390x", "s390x"}};
    struct utsname host;
    if (uname(&host) == 0)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (strcmp(host.machine, names[i].uname) == 0)
                return names[i].oci;
    return "unknown";
}
