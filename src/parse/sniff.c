#include "parse/sniff.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "parse/html_doc.h"
#include "parse/joblib.h"
#include "parse/sentencepiece.h"
#include "parse/text.h"
#include "util/auto.h"

const char *content_name(enum content c)
{
    static const char *const names[CONTENT_KINDS] = {
        [CONTENT_EMPTY] = "empty",
        [CONTENT_BINARY] = "binary",
        [CONTENT_TEXT] = "text",
        [CONTENT_CONFIG] = "config",
        [CONTENT_SCRIPT] = "script",
        [CONTENT_HTML] = "html",
        [CONTENT_JSON] = "json",
        [CONTENT_JSON_LINES] = "jsonl",
        [CONTENT_YAML] = "yaml",
        [CONTENT_TEMPLATE] = "jinja",
        [CONTENT_GGUF] = "gguf",
        [CONTENT_SAFETENSORS] = "safetensors",
        [CONTENT_ELF] = "elf",
        [CONTENT_TAR] = "tar",
        [CONTENT_COMPRESSED] = "compressed",
        [CONTENT_LFS_POINTER] = "git-lfs-pointer",
        [CONTENT_PICKLE] = "pickle",
        [CONTENT_ZIP] = "zip",
        [CONTENT_ARCHIVE] = "archive",
        [CONTENT_HDF5] = "hdf5",
        [CONTENT_NUMPY] = "numpy",
        [CONTENT_ONNX] = "onnx",
        [CONTENT_PROTOBUF] = "protobuf",
        [CONTENT_SENTENCEPIECE] = "sentencepiece",
        [CONTENT_PROGRAM] = "program",
        [CONTENT_DATABASE] = "database",
        [CONTENT_DOCUMENT] = "document",
        [CONTENT_PICTURE] = "picture",
        [CONTENT_FONT] = "font",
        [CONTENT_SOUND] = "sound",
        [CONTENT_LOCALE] = "locale",
    };
    return names[c];
}

bool content_is_opaque(enum content c)
{
    return c == CONTENT_EMPTY || c == CONTENT_CONFIG || c == CONTENT_PICTURE || c == CONTENT_FONT ||
           c == CONTENT_SOUND || c == CONTENT_LOCALE;
}

/* ── magic ── */

#define MAGIC(at_, text, kind)                   \
    {                                            \
        (at_), (text), sizeof(text) - 1, (kind), \
    }

static const struct {
    size_t at;
    const char *bytes;
    size_t len;
    enum content content;
} MAGICS[] = {
    MAGIC(0, "GGUF", CONTENT_GGUF),
    MAGIC(0,
          "\x7f"
          "ELF",
          CONTENT_ELF),
    MAGIC(0, "version https://git-lfs", CONTENT_LFS_POINTER),
    MAGIC(0, "\x1f\x8b", CONTENT_COMPRESSED),
    MAGIC(0, "\x28\xb5\x2f\xfd", CONTENT_COMPRESSED),
    MAGIC(0,
          "\xfd"
          "7zXZ\0",
          CONTENT_COMPRESSED),
    MAGIC(0, "BZh", CONTENT_COMPRESSED),
    MAGIC(0, "\x04\x22\x4d\x18", CONTENT_COMPRESSED), /* lz4 */
    MAGIC(0, "PK\x03\x04", CONTENT_ZIP),
    MAGIC(0, "PK\x05\x06", CONTENT_ZIP),
    MAGIC(0, "PK\x07\x08", CONTENT_ZIP),
    MAGIC(257, "ustar", CONTENT_TAR),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", CONTENT_ARCHIVE),
    MAGIC(0, "Rar!", CONTENT_ARCHIVE),
    MAGIC(0, "!<arch>\n", CONTENT_ARCHIVE),
    MAGIC(0, "\xed\xab\xee\xdb", CONTENT_ARCHIVE), /* rpm */
    MAGIC(0, "070701", CONTENT_ARCHIVE),           /* cpio */
    MAGIC(0, "hsqs", CONTENT_ARCHIVE),             /* squashfs */
    MAGIC(0, "MSCF", CONTENT_ARCHIVE),
    MAGIC(0, "\x89HDF\r\n\x1a\n", CONTENT_HDF5),
    MAGIC(0, "\x93NUMPY", CONTENT_NUMPY),
    MAGIC(0, "lmgg", CONTENT_PROGRAM), /* what stood before GGUF; read by nothing of ours */
    MAGIC(0, "fmgg", CONTENT_PROGRAM),
    MAGIC(0, "tjgg", CONTENT_PROGRAM),
    MAGIC(4, "TFL3", CONTENT_PROGRAM),
    MAGIC(0, "MZ", CONTENT_PROGRAM),
    MAGIC(0, "\xca\xfe\xba\xbe", CONTENT_PROGRAM),
    MAGIC(0, "\xfe\xed\xfa\xce", CONTENT_PROGRAM),
    MAGIC(0, "\xfe\xed\xfa\xcf", CONTENT_PROGRAM),
    MAGIC(0, "\xce\xfa\xed\xfe", CONTENT_PROGRAM),
    MAGIC(0, "\xcf\xfa\xed\xfe", CONTENT_PROGRAM),
    MAGIC(0, "\0asm", CONTENT_PROGRAM),
    MAGIC(0, "dex\n", CONTENT_PROGRAM),
    MAGIC(0, "BC\xc0\xde", CONTENT_PROGRAM),
    MAGIC(0, "\x1bLua", CONTENT_PROGRAM),
    MAGIC(0, "SQLite format 3", CONTENT_DATABASE),
    MAGIC(0, "%PDF", CONTENT_DOCUMENT),
    MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CONTENT_DOCUMENT),
    MAGIC(0, "{\\rtf", CONTENT_DOCUMENT),
    MAGIC(0, "\x89PNG\r\n\x1a\n", CONTENT_PICTURE),
    MAGIC(0, "\xff\xd8\xff", CONTENT_PICTURE),
    MAGIC(0, "GIF87a", CONTENT_PICTURE),
    MAGIC(0, "GIF89a", CONTENT_PICTURE),
    MAGIC(8, "WEBP", CONTENT_PICTURE),
    MAGIC(0, "\0\0\1\0", CONTENT_PICTURE),
    MAGIC(0, "II*\0", CONTENT_PICTURE),
    MAGIC(0, "MM\0*", CONTENT_PICTURE),
    MAGIC(0, "\0\1\0\0\0", CONTENT_FONT),
    MAGIC(0, "OTTO", CONTENT_FONT),
    MAGIC(0, "wOFF", CONTENT_FONT),
    MAGIC(0, "wOF2", CONTENT_FONT),
    MAGIC(8, "WAVE", CONTENT_SOUND),
    MAGIC(0, "OggS", CONTENT_SOUND),
    MAGIC(0, "fLaC", CONTENT_SOUND),
    MAGIC(0, "ID3", CONTENT_SOUND),
    MAGIC(0, "\xde\x12\x04\x95", CONTENT_LOCALE), /* gettext */
    MAGIC(0, "TZif", CONTENT_LOCALE),
};

static bool by_magic(struct span file, enum content *out)
{
    for (size_t i = 0; i < ARRAY_LEN(MAGICS); i++) {
        struct span part;
        if (span_slice(file, MAGICS[i].at, MAGICS[i].len, &part) && memcmp(part.ptr, MAGICS[i].bytes, part.len) == 0) {
            *out = MAGICS[i].content;
            return true;
        }
    }
    return false;
}

/* What was before xz: properties, the size of the dictionary (a power of two), and the size or "not known". */
static bool looks_like_lzma(struct span file)
{
    uint8_t properties;
    uint32_t dictionary;
    uint64_t size;
    return span_take_u8(&file, &properties) && properties == 0x5d && span_take_le32(&file, &dictionary) &&
           span_take_le64(&file, &size) && dictionary >= 4096 && (dictionary & (dictionary - 1)) == 0 &&
           (size == UINT64_MAX || size < 1ULL << 40);
}

static bool looks_like_safetensors(struct span file)
{
    uint64_t len;
    uint8_t brace;
    return span_take_le64(&file, &len) && span_take_u8(&file, &brace) && len >= 2 && len <= 100000000 && brace == '{';
}

/* ── names ── */

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* The suffix without its dot, "" when there is none. */
static const char *suffix_of(const char *name)
{
    const char *base = base_of(name), *dot = strrchr(base, '.');
    return dot && dot != base ? dot + 1 : "";
}

/* The formats that a suffix promises; the list ends with CONTENT_EMPTY. */
struct promise {
    const char *suffixes; /* separated and ended by spaces */
    enum content kept_by[6];
};

static const struct promise PROMISES[] = {
    {"gguf ", {CONTENT_GGUF}},
    {"safetensors ", {CONTENT_SAFETENSORS}},
    {"json ", {CONTENT_JSON}},
    {"jsonl ndjson ", {CONTENT_JSON_LINES}},
    {"yaml yml ", {CONTENT_YAML}},
    {"jinja jinja2 j2 template tmpl ", {CONTENT_TEMPLATE}},
    {"md markdown txt rst csv tsv text adoc ", {CONTENT_TEXT}},
    {"so elf ko ", {CONTENT_ELF}},
    {"tar ", {CONTENT_TAR}},
    {"gz tgz zst tzst xz txz bz2 tbz2 ", {CONTENT_COMPRESSED}},
    {"zip whl jar keras npz egg skops mar apk ", {CONTENT_ZIP}},
    {"pkl pickle joblib dill ", {CONTENT_PICKLE, CONTENT_COMPRESSED}},
    {"pt pth ckpt ", {CONTENT_PICKLE, CONTENT_ZIP, CONTENT_TAR}},
    {"h5 hdf5 ", {CONTENT_HDF5}},
    {"npy ", {CONTENT_NUMPY}},
    {"onnx ", {CONTENT_ONNX}},
    {"pb ", {CONTENT_PROTOBUF}},
    {"deb rpm 7z rar ", {CONTENT_ARCHIVE}},
    {"sqlite sqlite3 ", {CONTENT_DATABASE}},
    {"pdf ", {CONTENT_DOCUMENT}},
    {"png jpg jpeg gif webp ico tiff bmp ", {CONTENT_PICTURE}},
    {"ttf otf woff woff2 ", {CONTENT_FONT}},
    {"wav mp3 ogg flac ", {CONTENT_SOUND}},
    {"mo ", {CONTENT_LOCALE}},
};

/* Text that some program runs or renders. */
static const char SCRIPT_SUFFIXES[] =
    "py pyw pyi sh bash zsh ksh csh fish pl pm rb js mjs cjs ts jsx tsx lua php ps1 "
    "psm1 bat cmd vbs c cc cpp cxx h hpp cu "
    "rs go java kt scala r jl sql html htm xhtml svg xml xsl css ipynb desktop pbtxt textproto prototxt onnxtxt "
    "service socket timer mk cmake gradle awk "
    "sed tcl el vim nix ";

static const char *const SCRIPT_NAMES[] = {"Makefile",    "Dockerfile",     "Containerfile",   "Rakefile",
                                           "Jenkinsfile", "CMakeLists.txt", "requirements.txt"};

static const char *const TEXT_NAMES[] = {"LICENSE", "LICENCE", "COPYING", "NOTICE",  "README",       "CHANGELOG",
                                         "CHANGES", "AUTHORS", "VERSION", "CREDITS", "CONTRIBUTORS", "copyright"};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    if (len == 0)
        return false;
    for (const char *w = words; *w;) {
        const char *end = strchr(w, ' ');
        if ((size_t)(end - w) == len && strncasecmp(w, word, len) == 0)
            return true;
        w = end + 1;
    }
    return false;
}

static bool is_name(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(base_of(name), names[i]) == 0)
            return true;
    return false;
}

static const struct promise *find_promise(const char *name)
{
    const char *suffix = suffix_of(name);
    for (size_t i = 0; i < ARRAY_LEN(PROMISES); i++)
        if (has_word(PROMISES[i].suffixes, suffix))
            return &PROMISES[i];
    return NULL;
}

static bool is_shared_library(const char *name) /* libx.so.1.2.3 */
{
    const char *so = strstr(base_of(name), ".so.");
    return so && strspn(so + 4, "0123456789.") == strlen(so + 4);
}

bool sniff_promise(const char *name, enum content found, bool *kept, enum content *promised)
{
    const struct promise *p = find_promise(name);
    *kept = true;
    if (is_shared_library(name)) {
        *promised = CONTENT_ELF;
        *kept = found == CONTENT_ELF;
        return true;
    }
    if (!p || is_name(name, SCRIPT_NAMES, ARRAY_LEN(SCRIPT_NAMES)))
        return false;
    *promised = p->kept_by[0];
    *kept = false;
    for (size_t i = 0; i < ARRAY_LEN(p->kept_by) && p->kept_by[i] != CONTENT_EMPTY; i++)
        *kept |= p->kept_by[i] == found;
    return true;
}

/* ── text ── */

static bool begins_like_markup(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\n' || s.ptr[0] == '\r' || s.ptr[0] == '\t'))
        span_skip(&s, 1);
    return s.len >= 5 &&
           (strncasecmp((const char *)s.ptr, "<?xml", 5) == 0 || strncasecmp((const char *)s.ptr, "<html", 5) == 0 ||
            strncasecmp((const char *)s.ptr, "<?php", 5) == 0 || strncasecmp((const char *)s.ptr, "<!doc", 5) == 0 ||
            strncasecmp((const char *)s.ptr, "<scri", 5) == 0 || strncasecmp((const char *)s.ptr, "<svg ", 5) == 0);
}

static enum content kind_of_text(struct span file, const char *name)
{
    const char *suffix = suffix_of(name);
    bool named_text = is_name(name, TEXT_NAMES, ARRAY_LEN(TEXT_NAMES));
    const struct promise *p = find_promise(name);
    if (html_doc_is(file, name) && !span_starts(file, SPAN_LIT("#!")))
        return CONTENT_HTML;
    if (span_starts(file, SPAN_LIT("#!")) || begins_like_markup(file))
        return CONTENT_SCRIPT;
    if (is_name(name, SCRIPT_NAMES, ARRAY_LEN(SCRIPT_NAMES)) || has_word(SCRIPT_SUFFIXES, suffix))
        return CONTENT_SCRIPT;
    if (named_text)
        return CONTENT_TEXT;
    if (p && p->kept_by[0] >= CONTENT_TEXT && p->kept_by[0] <= CONTENT_TEMPLATE)
        return p->kept_by[0];
    return CONTENT_CONFIG;
}

/* A tar without members is its end marks: zeros. Only a name can tell it from other zeros. */
static bool is_empty_tar(struct span file, const char *name)
{
    const struct promise *p = find_promise(name);
    if (!p || p->kept_by[0] != CONTENT_TAR || file.len < 1024 || file.len % 512 || file.len > 65536)
        return false;
    for (size_t i = 0; i < file.len; i++)
        if (file.ptr[i] != 0)
            return false;
    return true;
}

/* Some magics are words as well: a text that begins with one is a text. */
static bool is_word_of_text(struct span file)
{
    static const char *const words[] = {"MZ", "BZh", "ID3", "OTTO"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_starts(file, span_str(words[i])))
            return text_is_text(file);
    return false;
}

enum content sniff(struct span file, const char *name)
{
    enum content found;
    const struct promise *p = find_promise(name);
    if (file.len == 0)
        return CONTENT_EMPTY;
    if (by_magic(file, &found) && !is_word_of_text(file)) /* "GIF89a" is a pickle's float as well */
        return content_is_opaque(found) && sniff_is_pickle(file) ? CONTENT_PICKLE : found;
    if (looks_like_lzma(file) || joblib_is_deflated(file))
        return CONTENT_COMPRESSED;
    if (is_empty_tar(file, name))
        return CONTENT_TAR;
    if (looks_like_safetensors(file))
        return CONTENT_SAFETENSORS;
    if (has_word("model spm ", suffix_of(name)) && sentencepiece_is(file))
        return CONTENT_SENTENCEPIECE;
    if (sniff_is_pickle(file))
        return CONTENT_PICKLE;
    if (text_is_text(file))
        return kind_of_text(file, name);
    if (p && (p->kept_by[0] == CONTENT_ONNX || p->kept_by[0] == CONTENT_PROTOBUF))
        return p->kept_by[0];
    if (strcmp(suffix_of(name), "pyc") == 0)
        return CONTENT_PROGRAM;
    return CONTENT_BINARY;
}
