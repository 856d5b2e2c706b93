/* The reader of releases. The way: index → three manifests, or four, told apart by the annotation vnd.airlock.part →
 * the configurations below them. Each step checks that what it found agrees with what named it. */
#include "ship/release.h"

#include <string.h>

#include "ship/release_internal.h"
#include "util/limits.h"

#define DOCUMENT_TIMEOUT_MS 10000

static void free_words(char **words)
{
    for (char **w = words; w && *w; w++)
        free(*w);
    free(words);
}

void release_free(struct release *r)
{
    if (!r)
        return;
    free(r->name);
    free(r->version);
    free(r->owner);
    free(r->licence);
    free(r->description);
    free(r->model_name);
    release_blob_fini(&r->model);
    for (size_t i = 0; i < r->model_file_count; i++)
        release_blob_fini(&r->model_files[i]);
    free(r->model_files);
    free(r->model_repository);
    for (size_t i = 0; i < r->engine.layer_count; i++)
        release_blob_fini(&r->engine.layers[i]);
    free(r->engine.layers);
    free_words(r->command);
    free_words(r->environment);
    release_blob_fini(&r->prompts);
    release_blob_fini(&r->suite);
    release_blob_fini(&r->card);
    release_blob_fini(&r->licence_text);
    release_blob_fini(&r->changes);
    for (size_t i = 0; i < r->blob_count; i++)
        release_blob_fini(&r->blobs[i]);
    free(r->blobs);
    free(r->slots);
    free(r);
}

int release_descriptor(const json_t *descriptor, const char *at, struct release_blob *out, struct err *e)
{
    *out = (struct release_blob){0};
    const char *media_type = json_need_string(descriptor, "mediaType", at, e);
    if (!media_type || json_need_digest(descriptor, "digest", at, &out->digest, e) < 0 ||
        json_need_uint(descriptor, "size", at, &out->size, e) < 0)
        return -1;
    if (strlen(media_type) > 255 || !span_is_printable(span_str(media_type)))
        return err_set(e, ERR_INPUT, 0, "%s/mediaType: wanted a media type", at);
    const json_t *annotations = json_object_get(descriptor, "annotations");
    const char *path = json_get_string(annotations, ANNOTATION_FILEPATH, NULL);
    const char *name = path ? path : json_get_string(annotations, ANNOTATION_TITLE, "");
    if (*name && !(path ? release_file_path_ok(name) : release_file_name_ok(name)))
        return err_set(e, ERR_INPUT, 0,
                       "%s/annotations: the file name has characters that no file name of a release has", at);
    out->media_type = text_copy(media_type);
    out->name = text_copy(name);
    return 0;
}

json_t *release_document(const struct blobs *b, struct child *parser, const struct release_blob *d, const char *what,
                         struct err *e)
{
    if (d->size > LIMIT_JSON_BYTES) {
        err_set(e, ERR_LIMIT, 0, "%s %s: %llu bytes; at most %u are read", what, digest_text(&d->digest).text,
                (unsigned long long)d->size, LIMIT_JSON_BYTES);
        return NULL;
    }
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    if (blob_read(b, &d->digest, &text, e) < 0) {
        err_prefix(e, "%s", what);
        return NULL;
    }
    if (text.len != d->size) {
        err_set(e, ERR_INPUT, 0, "%s %s: %zu bytes, but its descriptor says %llu", what, digest_text(&d->digest).text,
                text.len, (unsigned long long)d->size);
        return NULL;
    }
    struct child_request request = {
        .op = "json", .fd = -1, .input = buf_span(&text), .timeout_ms = DOCUMENT_TIMEOUT_MS};
    return child_call_json(parser, &request, what, e);
}

/* What one reading carries along. */
struct reading {
    const struct blobs *blobs;
    struct child *parser;
    struct release *r;
    const char *part; /* that is being read */
};

static int list_blob(struct reading *in, const struct release_blob *b, struct err *e)
{
    return release_list_blob(in->r, b, in->part, false, e);
}

static int need_value(const json_t *object, const char *key, const char *at, const char *wanted, struct err *e)
{
    const char *found = json_need_string(object, key, at, e);
    if (!found)
        return -1;
    if (strcmp(found, wanted) == 0)
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s/%s: wanted %s, found %.100s", at, key, wanted, found);
}

/* Reads the manifest `d` of at most `max` layers, and lists it. */
static json_t *read_manifest(struct reading *in, const struct release_blob *d, size_t max, const char *what,
                             struct err *e)
{
    if (strcmp(d->media_type, MEDIA_OCI_MANIFEST) != 0) {
        err_set(e, ERR_INPUT, 0, "%s: wanted media type " MEDIA_OCI_MANIFEST ", found %.100s", what, d->media_type);
        return NULL;
    }
    if (list_blob(in, d, e) < 0)
        return NULL;
    auto_json manifest = release_document(in->blobs, in->parser, d, what, e);
    if (!manifest)
        return NULL;
    const json_t *layers = json_need_array(manifest, "layers", "", e);
    if (!layers || need_value(manifest, "mediaType", "", MEDIA_OCI_MANIFEST, e) < 0) {
        err_prefix(e, "%s", what);
        return NULL;
    }
    if (json_array_size(layers) > max) {
        err_set(e, ERR_LIMIT, 0, "%s: %zu layers; at most %zu are read", what, json_array_size(layers), max);
        return NULL;
    }
    return ptr_steal(&manifest);
}

static int manifest_config(struct reading *in, const json_t *manifest, const char *media_type, struct release_blob *out,
                           struct err *e)
{
    const json_t *config = json_need_object(manifest, "config", "", e);
    if (!config || release_descriptor(config, "/config", out, e) < 0 || list_blob(in, out, e) < 0)
        return -1;
    if (strcmp(out->media_type, media_type) != 0)
        return err_set(e, ERR_INPUT, 0, "/config/mediaType: wanted %s, found %.100s", media_type, out->media_type);
    return 0;
}

static void at_layer(char out[40], size_t i)
{
    snprintf(out, 40, "/layers/%zu", i);
}

#define auto_blob AUTO(release_blob_fini) struct release_blob

/* What lies beside the weights, each path once: the writer sorts them, so a path that is not behind the one before it
 * is there twice or was put in by another. */
static int read_model_files(struct reading *in, const json_t *layers, struct err *e)
{
    size_t count = json_array_size(layers) - 1;
    struct release *r = in->r;
    r->model_files = calloc(count + 1, sizeof *r->model_files);
    if (!r->model_files)
        abort();
    for (size_t i = 0; i < count; i++) {
        char at[40];
        at_layer(at, i + 1);
        struct release_blob *file = &r->model_files[r->model_file_count++];
        if (release_descriptor(json_array_get(layers, i + 1), at, file, e) < 0 || list_blob(in, file, e) < 0)
            return err_prefix(e, "model manifest");
        if (!*file->name || strcmp(file->name, r->model.name) == 0 ||
            (i > 0 && strcmp(file->name, r->model_files[i - 1].name) <= 0))
            return err_set(e, ERR_INPUT, 0,
                           "model manifest: %s: wanted annotation " ANNOTATION_FILEPATH
                           ", each path once and in order; found \"%.100s\"",
                           at, file->name);
    }
    return 0;
}

static int read_model(struct reading *in, const struct release_blob *d, struct err *e)
{
    auto_json manifest = read_manifest(in, d, RELEASE_LAYERS_MAX, "model manifest", e);
    auto_blob config = {0};
    if (!manifest)
        return -1;
    if (need_value(manifest, "artifactType", "", MEDIA_MODEL_MANIFEST, e) < 0 ||
        manifest_config(in, manifest, MEDIA_MODEL_CONFIG, &config, e) < 0)
        return err_prefix(e, "model manifest");
    const json_t *layers = json_object_get(manifest, "layers");
    if (json_array_size(layers) == 0)
        return err_set(e, ERR_INPUT, 0, "model manifest: /layers: there is none; wanted the weights first");
    if (release_descriptor(json_array_get(layers, 0), "/layers/0", &in->r->model, e) < 0 ||
        list_blob(in, &in->r->model, e) < 0)
        return err_prefix(e, "model manifest");
    if (strcmp(in->r->model.media_type, MEDIA_MODEL_WEIGHT) != 0 || !*in->r->model.name)
        return err_set(e, ERR_INPUT, 0, "model manifest: /layers/0: wanted %s with annotation " ANNOTATION_FILEPATH,
                       MEDIA_MODEL_WEIGHT);
    in->r->model_manifest = d->digest;
    return read_model_files(in, layers, e);
}

static int read_engine(struct reading *in, const struct release_blob *d, struct err *e)
{
    auto_json manifest = read_manifest(in, d, RELEASE_LAYERS_MAX, "engine manifest", e);
    auto_blob config = {0};
    if (!manifest)
        return -1;
    if (manifest_config(in, manifest, MEDIA_OCI_CONFIG, &config, e) < 0)
        return err_prefix(e, "engine manifest");
    const json_t *layers = json_object_get(manifest, "layers");
    size_t count = json_array_size(layers);
    in->r->engine.manifest = d->digest;
    in->r->engine.config = config.digest;
    in->r->engine.layers = calloc(count + 1, sizeof *in->r->engine.layers);
    if (!in->r->engine.layers)
        abort();
    for (size_t i = 0; i < count; i++) {
        char at[40];
        at_layer(at, i);
        struct release_blob *layer = &in->r->engine.layers[in->r->engine.layer_count++];
        if (release_descriptor(json_array_get(layers, i), at, layer, e) < 0 || list_blob(in, layer, e) < 0)
            return err_prefix(e, "engine manifest");
    }
    return 0;
}

static int take_word(const json_t *value, const char *at, char **out, struct err *e)
{
    if (!json_is_string(value) || json_string_length(value) > RELEASE_WORD_MAX)
        return err_set(e, ERR_INPUT, 0, "release configuration: %s: wanted strings of at most %u bytes", at,
                       RELEASE_WORD_MAX);
    *out = text_copy(json_string_value(value));
    return 0;
}

static char **new_words(size_t count)
{
    char **words = calloc(count + 1, sizeof *words);
    if (!words)
        abort();
    return words;
}

static int take_command(const json_t *engine, struct release *r, struct err *e)
{
    const json_t *command = json_need_array(engine, "command", "/engine", e);
    if (!command)
        return -1;
    size_t count = json_array_size(command);
    if (count == 0 || count > RELEASE_WORDS_MAX)
        return err_set(e, ERR_INPUT, 0, "release configuration: /engine/command: wanted 1 to %u words, found %zu",
                       RELEASE_WORDS_MAX, count);
    r->command = new_words(count);
    for (size_t i = 0; i < count; i++, r->command_count++)
        if (take_word(json_array_get(command, i), "/engine/command", &r->command[i], e) < 0)
            return -1;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take_environment(const json_t *engine, struct release *r, struct err *e)
{
    const json_t *variables = json_need_object(engine, "environment", "/engine", e);
    if (!variables)
        return -1;
    size_t count = json_object_size(variables);
    if (count > RELEASE_WORDS_MAX)
        return err_set(e, ERR_LIMIT, 0, "release configuration: /engine/environment: %zu variables; at most %u", count,
                       RELEASE_WORDS_MAX);
    r->environment = new_words(count);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)variables, key, value)
    {
        auto_free char *word = NULL;
        if (!release_env_key_ok(key))
            return err_set(e, ERR_INPUT, 0, "release configuration: /engine/environment: \"%.64s\" names no variable",
                           key);
        if (take_word(value, "/engine/environment", &word, e) < 0)
            return -1;
        if (asprintf(&r->environment[r->environment_count], "%s=%s", key, word) < 0)
            abort();
        r->environment_count++;
    }
    qsort(r->environment, count, sizeof *r->environment, by_text);
    return 0;
}

/* The release configuration repeats what the index's annotations say; both must say the same. */
static int take_same(const json_t *config, const char *key, const char *known, struct err *e)
{
    const char *found = json_need_string(config, key, "", e);
    if (!found)
        return err_prefix(e, "release configuration");
    if (strcmp(found, known) == 0)
        return 0;
    return err_set(e, ERR_INPUT, 0, "release configuration: /%s is \"%.100s\", but the index says \"%.100s\"", key,
                   found, known);
}

static int take_config(const json_t *config, struct release *r, struct err *e)
{
    static const char *const keys[] = {"schema",      "name",  "version", "owner", "licence",
                                       "description", "model", "engine",  NULL};
    if (json_only_keys(config, keys, "", e) < 0 || need_value(config, "schema", "", RELEASE_CONFIG_SCHEMA, e) < 0)
        return err_prefix(e, "release configuration");
    if (take_same(config, "name", r->name, e) < 0 || take_same(config, "version", r->version, e) < 0 ||
        take_same(config, "owner", r->owner, e) < 0 || take_same(config, "licence", r->licence, e) < 0)
        return -1;
    const json_t *model = json_need_object(config, "model", "", e);
    const json_t *engine = model ? json_need_object(config, "engine", "", e) : NULL;
    const char *name = engine ? json_need_string(model, "name", "/model", e) : NULL;
    const char *file = name ? json_need_string(model, "file", "/model", e) : NULL;
    if (!file)
        return err_prefix(e, "release configuration");
    if (strcmp(file, r->model.name) != 0)
        return err_set(e, ERR_INPUT, 0,
                       "release configuration: /model/file is \"%.100s\", but the manifest has \"%.100s\"", file,
                       r->model.name);
    const char *repository = json_get_string(model, "repository", r->name);
    if (!release_repository_ok(repository))
        return err_set(e, ERR_INPUT, 0, "release configuration: /model/repository: \"%.100s\" is none", repository);
    r->model_name = text_copy(name);
    r->model_repository = text_copy(repository);
    return take_command(engine, r, e) < 0 ? -1 : take_environment(engine, r, e);
}

static struct release_blob *config_slot(struct release *r, const char *part)
{
    if (strcmp(part, "prompts") == 0)
        return &r->prompts;
    if (strcmp(part, "suite") == 0)
        return &r->suite;
    if (strcmp(part, "card") == 0)
        return &r->card;
    if (strcmp(part, "licence") == 0)
        return &r->licence_text;
    return strcmp(part, "changes") == 0 ? &r->changes : NULL;
}

/* The same word, for good. */
static const char *slot_name(const char *part)
{
    static const char *const parts[] = {"prompts", "suite", "card", "licence", "changes"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcmp(part, parts[i]) == 0)
            return parts[i];
    return "release";
}

static int take_config_layer(struct reading *in, const json_t *layer, size_t i, struct err *e)
{
    char at[40];
    at_layer(at, i);
    const char *part = json_get_string(json_object_get(layer, "annotations"), ANNOTATION_PART, "");
    struct release_blob *slot = config_slot(in->r, part);
    if (!slot || slot->media_type)
        return err_set(e, ERR_INPUT, 0,
                       "release manifest: %s: \"%.32s\" is no part of a release, or stands there twice", at, part);
    if (release_descriptor(layer, at, slot, e) < 0 || release_list_blob(in->r, slot, slot_name(part), false, e) < 0)
        return err_prefix(e, "release manifest");
    if (slot->size > LIMIT_JSON_BYTES)
        return err_set(e, ERR_LIMIT, 0, "release manifest: %s (%s): %llu bytes; at most %u", at, part,
                       (unsigned long long)slot->size, LIMIT_JSON_BYTES);
    return 0;
}

static int read_config(struct reading *in, const struct release_blob *d, struct err *e)
{
    static const char *const parts[] = {"prompts", "suite", "card", "licence", "changes"};
    auto_json manifest = read_manifest(in, d, RELEASE_LAYERS_MAX, "release manifest", e);
    auto_blob config = {0};
    if (!manifest)
        return -1;
    if (need_value(manifest, "artifactType", "", MEDIA_RELEASE_CONFIG, e) < 0 ||
        manifest_config(in, manifest, MEDIA_RELEASE_CONFIG, &config, e) < 0)
        return err_prefix(e, "release manifest");
    const json_t *layers = json_object_get(manifest, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (take_config_layer(in, json_array_get(layers, i), i, e) < 0)
            return -1;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!config_slot(in->r, parts[i])->media_type)
            return err_set(e, ERR_INPUT, 0, "release manifest: /layers: there is no %s", parts[i]);
    in->r->config = config.digest;
    auto_json document = release_document(in->blobs, in->parser, &config, "release configuration", e);
    return document ? take_config(document, in->r, e) : -1;
}

/* The packages document itself is read by those who need it (ship/packages.h): it is long, and most readers of a
 * release do not. */
static int read_packages(struct reading *in, const struct release_blob *d, struct err *e)
{
    auto_json manifest = read_manifest(in, d, LIMIT_RELEASE_PARTS, "packages manifest", e);
    auto_blob config = {0};
    if (!manifest)
        return -1;
    if (need_value(manifest, "artifactType", "", MEDIA_PACKAGES, e) < 0 ||
        manifest_config(in, manifest, MEDIA_PACKAGES, &config, e) < 0)
        return err_prefix(e, "packages manifest");
    const json_t *layers = json_object_get(manifest, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        auto_blob layer = {0};
        char at[40];
        at_layer(at, i);
        if (release_descriptor(json_array_get(layers, i), at, &layer, e) < 0)
            return err_prefix(e, "packages manifest");
        const struct release_blob *known = release_find_blob(in->r, &layer.digest);
        if (known && known->packaged)
            return err_set(e, ERR_INPUT, 0, "packages manifest: %s: %s stands there twice", at,
                           digest_text(&layer.digest).text);
        if (release_list_blob(in->r, &layer, in->part, true, e) < 0)
            return err_prefix(e, "packages manifest");
    }
    in->r->packages.there = true;
    in->r->packages.manifest = d->digest;
    in->r->packages.config = config.digest;
    in->r->packages.layer_count = json_array_size(layers);
    return 0;
}

static int take_annotations(const json_t *index, struct release *r, struct err *e)
{
    const json_t *a = json_need_object(index, "annotations", "", e);
    const char *name = a ? json_need_string(a, ANNOTATION_TITLE, "/annotations", e) : NULL;
    const char *version = name ? json_need_string(a, ANNOTATION_VERSION, "/annotations", e) : NULL;
    const char *owner = version ? json_need_string(a, ANNOTATION_VENDOR, "/annotations", e) : NULL;
    const char *licence = owner ? json_need_string(a, ANNOTATION_LICENCES, "/annotations", e) : NULL;
    if (!licence)
        return -1;
    if (!release_name_ok(name) || !release_version_ok(version))
        return err_set(e, ERR_INPUT, 0,
                       "/annotations: \"%.80s:%.40s\" is no name and version; wanted a-z 0-9 - and v1.2.3", name,
                       version);
    r->name = text_copy(name);
    r->version = text_copy(version);
    r->owner = text_copy(owner);
    r->licence = text_copy(licence);
    r->description = text_copy(json_get_string(a, ANNOTATION_DESCRIPTION, ""));
    return 0;
}

/* The descriptor of a part, exactly one of which the index must have. */
static int find_part(const json_t *manifests, const char *part, struct release_blob *out, struct err *e)
{
    const json_t *found = NULL;
    size_t where = 0;
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const json_t *d = json_array_get(manifests, i);
        if (strcmp(json_get_string(json_object_get(d, "annotations"), ANNOTATION_PART, ""), part) != 0)
            continue;
        if (found)
            return err_set(e, ERR_INPUT, 0, "/manifests: two have the annotation " ANNOTATION_PART " \"%s\"", part);
        found = d;
        where = i;
    }
    if (!found)
        return err_set(e, ERR_INPUT, 0, "/manifests: none has the annotation " ANNOTATION_PART " \"%s\"", part);
    char at[40];
    snprintf(at, sizeof at, "/manifests/%zu", where);
    return release_descriptor(found, at, out, e);
}

/* `shown` is what the blobs of this part are said to belong to. */
static int read_part(struct reading *in, const json_t *manifests, const char *part, const char *shown,
                     int (*read)(struct reading *, const struct release_blob *, struct err *), struct err *e)
{
    auto_blob d = {0};
    in->part = shown;
    return find_part(manifests, part, &d, e) < 0 ? -1 : read(in, &d, e);
}

static int read_index(struct reading *in, const json_t *index, struct err *e)
{
    const json_t *manifests = json_need_array(index, "manifests", "", e);
    if (!manifests || need_value(index, "mediaType", "", MEDIA_OCI_INDEX, e) < 0 ||
        need_value(index, "artifactType", "", MEDIA_RELEASE, e) < 0 || take_annotations(index, in->r, e) < 0)
        return -1;
    size_t count = json_array_size(manifests);
    if (count != 3 && count != 4)
        return err_set(e, ERR_INPUT, 0, "/manifests: wanted 3 (model, engine, config), or 4 (packages), found %zu",
                       count);
    if (read_part(in, manifests, "model", "model", read_model, e) < 0 ||
        read_part(in, manifests, "engine", "engine", read_engine, e) < 0 ||
        read_part(in, manifests, "config", "release", read_config, e) < 0)
        return -1;
    return count == 4 ? read_part(in, manifests, "packages", "packages", read_packages, e) : 0;
}

/* Every blob is there, with the size that its descriptor promises. */
static int check_sizes(const struct blobs *b, const struct release *r, struct err *e)
{
    for (size_t i = 0; i < r->blob_count; i++) {
        uint64_t size;
        auto_fd fd = blob_open(b, &r->blobs[i].digest, &size, e);
        if (fd < 0)
            return err_prefix(e, "%s", release_part_of(r, &r->blobs[i].digest));
        if (size != r->blobs[i].size)
            return err_set(e, ERR_INPUT, 0, "blob %s (%s) has %llu bytes, but its descriptor says %llu",
                           digest_text(&r->blobs[i].digest).text, release_part_of(r, &r->blobs[i].digest),
                           (unsigned long long)size, (unsigned long long)r->blobs[i].size);
    }
    return 0;
}

struct release *release_read(const struct blobs *b, struct child *parser, const struct digest *index, struct err *e)
{
    auto_release r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->digest = *index;
    auto_fd fd = blob_open(b, index, &r->size, e);
    if (fd < 0) {
        err_prefix(e, "release");
        return NULL;
    }
    struct reading in = {.blobs = b, .parser = parser, .r = r, .part = "release"};
    struct release_blob self = {.digest = *index, .size = r->size, .media_type = MEDIA_OCI_INDEX, .name = ""};
    auto_json document = release_document(b, parser, &self, "release index", e);
    if (!document || list_blob(&in, &self, e) < 0)
        return NULL;
    if (read_index(&in, document, e) < 0 || check_sizes(b, r, e) < 0) {
        err_prefix(e, "release %s", digest_text(index).text);
        return NULL;
    }
    return ptr_steal(&r);
}
