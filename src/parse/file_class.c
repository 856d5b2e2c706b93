#include "parse/file_class.h"

#include <string.h>
#include <strings.h>

#include "util/auto.h"

static const char *const NAMES[FILE_CLASSES] = {
    [CLASS_PROGRAM] = "program",
    [CLASS_SCRIPT] = "script",
    [CLASS_ARCHIVE] = "archive",
    [CLASS_PACKAGE] = "package",
    [CLASS_MODEL] = "model",
    [CLASS_DOCUMENT] = "document",
    [CLASS_CONFIGURATION] = "configuration",
    [CLASS_MEDIA] = "media",
    [CLASS_UNKNOWN] = "unknown",
};

static bool named(const char *name, const char *const *suffixes, size_t count)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && strcasecmp(name + len - n, suffixes[i]) == 0)
            return true;
    }
    return false;
}

static enum file_class of_container(const char *name)
{
    static const char *const packages[] = {".whl", ".egg", ".deb", ".udeb",  ".rpm",   ".apk", ".jar",
                                           ".war", ".ear", ".tgz", ".conda", ".crate", ".gem", ".nupkg"};
    static const char *const models[] = {".pt",  ".pth",   ".ckpt", ".npz",    ".keras",
                                         ".pkl", ".skops", ".mar",  ".joblib", ".pickle"};
    if (named(name, packages, ARRAY_LEN(packages)))
        return CLASS_PACKAGE;
    return named(name, models, ARRAY_LEN(models)) ? CLASS_MODEL : CLASS_ARCHIVE;
}

enum file_class file_class(enum content content, const char *name)
{
    switch (content) {
    case CONTENT_ELF:
    case CONTENT_PROGRAM:
        return CLASS_PROGRAM;
    case CONTENT_SCRIPT:
    case CONTENT_TEMPLATE:
        return CLASS_SCRIPT;
    case CONTENT_TAR:
    case CONTENT_COMPRESSED:
    case CONTENT_ZIP:
    case CONTENT_ARCHIVE:
        return of_container(name);
    case CONTENT_GGUF:
    case CONTENT_SAFETENSORS:
    case CONTENT_PICKLE:
    case CONTENT_HDF5:
    case CONTENT_NUMPY:
    case CONTENT_ONNX:
    case CONTENT_PROTOBUF:
    case CONTENT_SENTENCEPIECE:
        return CLASS_MODEL;
    case CONTENT_DOCUMENT:
    case CONTENT_HTML:
    case CONTENT_TEXT:
        return CLASS_DOCUMENT;
    case CONTENT_CONFIG:
    case CONTENT_JSON:
    case CONTENT_JSON_LINES:
    case CONTENT_YAML:
    case CONTENT_LFS_POINTER:
        return CLASS_CONFIGURATION;
    case CONTENT_PICTURE:
    case CONTENT_FONT:
    case CONTENT_SOUND:
    case CONTENT_LOCALE:
        return CLASS_MEDIA;
    case CONTENT_EMPTY:
    case CONTENT_BINARY:
    case CONTENT_DATABASE:
    case CONTENT_KINDS:
        break;
    }
    return CLASS_UNKNOWN;
}

const char *file_class_name(enum file_class c)
{
    return NAMES[c];
}

bool file_class_from_name(const char *name, enum file_class *out)
{
    for (int i = 0; i < FILE_CLASSES; i++) {
        *out = (enum file_class)i;
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    }
    return false;
}

bool file_class_holds_files(enum file_class c)
{
    return c == CLASS_ARCHIVE || c == CLASS_PACKAGE;
}
