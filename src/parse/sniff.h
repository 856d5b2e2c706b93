/* What a file is, by its bytes; what its name promises; and what class of file that is. Hard rule: the name never
 * decides what a file is, and a name that promises something else is a finding. */
#pragma once

#include "util/span.h"

#include <stdbool.h>

enum content {
    CONTENT_EMPTY,
    CONTENT_BINARY, /* nothing that we know */
    CONTENT_TEXT,   /* that nothing interprets, by its name */
    CONTENT_CONFIG, /* text of another kind, or without a telling name */
    CONTENT_SCRIPT, /* text that something runs */
    CONTENT_HTML,   /* a document that a browser shows: HTML, SVG */
    CONTENT_JSON,
    CONTENT_JSON_LINES,
    CONTENT_YAML,
    CONTENT_TEMPLATE,
    CONTENT_GGUF,
    CONTENT_SAFETENSORS,
    CONTENT_ELF,
    CONTENT_TAR,
    CONTENT_COMPRESSED, /* gzip, zstd, xz, bzip2, lz4, lzma, zlib */
    CONTENT_LFS_POINTER,
    CONTENT_PICKLE,
    CONTENT_ZIP,
    CONTENT_ARCHIVE, /* other archives and packages */
    CONTENT_HDF5,
    CONTENT_NUMPY,
    CONTENT_ONNX, /* by name alone: protocol buffers have no magic */
    CONTENT_PROTOBUF,
    CONTENT_SENTENCEPIECE, /* by its first piece, under a name that tokenizers have */
    CONTENT_PROGRAM,       /* programs and libraries that are no ELF, byte code */
    CONTENT_DATABASE,
    CONTENT_DOCUMENT, /* PDF and office files: they hold programs */
    CONTENT_PICTURE,
    CONTENT_FONT,
    CONTENT_SOUND,
    CONTENT_LOCALE,
    CONTENT_KINDS
};

/* "gguf", "zip"; static. */
const char *content_name(enum content c);

/* Nothing executes, loads, interprets or unpacks it. */
bool content_is_opaque(enum content c);

/* What the bytes are. The name helps only where bytes cannot tell: which kind of text, protobuf. */
enum content sniff(struct span file, const char *name);

/* Does the name promise a format, and if so, is `found` one that keeps the promise? *promised is the first of those. */
bool sniff_promise(const char *name, enum content found, bool *kept, enum content *promised);

/* A pickle (any protocol): its opcodes can be walked to STOP, or far enough to run something. */
bool sniff_is_pickle(struct span file);
