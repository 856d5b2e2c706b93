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

#define MAGIC(at_, text, kind)                          \
    {                                                   \
        (at_), (text), sizeof(text) - 1, (kind), false, \
    }
/* Letters that a text may have there too: a text is a text. */
#define WORD(at_, text, kind)                          \
    {                                                  \
        (at_), (text), sizeof(text) - 1, (kind), true, \
    }

static const struct {
    size_t at;
    const char *bytes;
    size_t len;
    enum content content;
    bool word;
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
    WORD(0, "BZh", CONTENT_COMPRESSED),
    MAGIC(0, "\x04\x22\x4d\x18", CONTENT_COMPRESSED), /* lz4 */
    MAGIC(0, "LZIP\1", CONTENT_COMPRESSED),
    MAGIC(0, "\x1f\x9d", CONTENT_COMPRESSED), /* compress */
    MAGIC(0, "PK\x03\x04", CONTENT_ZIP),
    MAGIC(0, "PK\x05\x06", CONTENT_ZIP),
    MAGIC(0, "PK\x07\x08", CONTENT_ZIP),
    MAGIC(257, "ustar", CONTENT_TAR),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", CONTENT_ARCHIVE),
    WORD(0, "Rar!", CONTENT_ARCHIVE),
    MAGIC(0, "!<arch>\n", CONTENT_ARCHIVE),
    MAGIC(0, "!<thin>\n", CONTENT_ARCHIVE),
    MAGIC(0, "\xed\xab\xee\xdb", CONTENT_ARCHIVE), /* rpm */
    WORD(0, "070701", CONTENT_ARCHIVE),            /* cpio: newc, with checksums, odc, binary */
    WORD(0, "070702", CONTENT_ARCHIVE),
    WORD(0, "070707", CONTENT_ARCHIVE),
    MAGIC(0, "\xc7\x71", CONTENT_ARCHIVE),
    WORD(0, "hsqs", CONTENT_ARCHIVE), /* squashfs */
    WORD(0, "sqsh", CONTENT_ARCHIVE),
    WORD(0, "MSCF", CONTENT_ARCHIVE),
    WORD(0, "xar!", CONTENT_ARCHIVE),
    MAGIC(0, "WARC/", CONTENT_ARCHIVE),
    MAGIC(0, "\x89LZO", CONTENT_ARCHIVE),
    WORD(0, "LRZI", CONTENT_ARCHIVE),
    MAGIC(0, "\x60\xea", CONTENT_ARCHIVE), /* arj */
    WORD(2, "-lh", CONTENT_ARCHIVE),
    WORD(7, "**ACE**", CONTENT_ARCHIVE),
    WORD(0, "Cr24", CONTENT_ARCHIVE),     /* an extension of a browser: a zip file behind a header */
    MAGIC(0, "QFI\xfb", CONTENT_ARCHIVE), /* disks of virtual machines */
    WORD(0, "KDMV", CONTENT_ARCHIVE),
    WORD(0, "vhdxfile", CONTENT_ARCHIVE),
    WORD(0, "conectix", CONTENT_ARCHIVE),
    MAGIC(0, "\x89HDF\r\n\x1a\n", CONTENT_HDF5),
    MAGIC(0, "\x93NUMPY", CONTENT_NUMPY),
    WORD(0, "lmgg", CONTENT_PROGRAM), /* what stood before GGUF; read by nothing of ours */
    WORD(0, "fmgg", CONTENT_PROGRAM),
    WORD(0, "tjgg", CONTENT_PROGRAM),
    WORD(4, "TFL3", CONTENT_PROGRAM),
    WORD(0, "MZ", CONTENT_PROGRAM),
    MAGIC(0, "\xca\xfe\xba\xbe", CONTENT_PROGRAM),
    MAGIC(0, "\xfe\xed\xfa\xce", CONTENT_PROGRAM),
    MAGIC(0, "\xfe\xed\xfa\xcf", CONTENT_PROGRAM),
    MAGIC(0, "\xce\xfa\xed\xfe", CONTENT_PROGRAM),
    MAGIC(0, "\xcf\xfa\xed\xfe", CONTENT_PROGRAM),
    MAGIC(0, "\0asm", CONTENT_PROGRAM),
    MAGIC(0, "dex\n", CONTENT_PROGRAM),
    MAGIC(0, "BC\xc0\xde", CONTENT_PROGRAM),
    MAGIC(0, "\x1bLua", CONTENT_PROGRAM),
    MAGIC(0, "\xca\xfe\xd0\x0d", CONTENT_PROGRAM),      /* packed class files of Java */
    MAGIC(0, "\xbe\xba\xfe\xca", CONTENT_PROGRAM),      /* Mach-O of several machines, from the other end */
    MAGIC(0, "L\0\0\0\x01\x14\x02\0", CONTENT_PROGRAM), /* a link of Windows runs what it names */
    MAGIC(0, "\x1bLJ", CONTENT_PROGRAM),                /* LuaJIT */
    WORD(0, "RITE", CONTENT_PROGRAM),                   /* mruby */
    WORD(0, "FWS", CONTENT_PROGRAM),                    /* Flash */
    WORD(0, "CWS", CONTENT_PROGRAM),
    WORD(0, "ZWS", CONTENT_PROGRAM),
    MAGIC(0, "\xd0\x0d\xfe\xed", CONTENT_PROGRAM), /* device trees, and images of boot loaders */
    MAGIC(0, "\x27\x05\x19\x56", CONTENT_PROGRAM), /* U-Boot */
    MAGIC(0, "SQLite format 3", CONTENT_DATABASE),
    MAGIC(0, "%PDF", CONTENT_DOCUMENT),
    MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CONTENT_DOCUMENT),
    MAGIC(0, "{\\rtf", CONTENT_DOCUMENT),
    WORD(0, "ITSF", CONTENT_DOCUMENT),  /* help files of Windows */
    MAGIC(0, "%!PS", CONTENT_DOCUMENT), /* PostScript is a language */
    MAGIC(0, "\xc5\xd0\xd3\xc6", CONTENT_DOCUMENT),
    WORD(0, "AT&TFORM", CONTENT_DOCUMENT),
    MAGIC(0, "\x0e\x11\xfc\x0d\xd0\xcf\x11\x0e", CONTENT_DOCUMENT),
    MAGIC(0, "\x89PNG\r\n\x1a\n", CONTENT_PICTURE),
    MAGIC(0, "\xff\xd8\xff", CONTENT_PICTURE),
    MAGIC(0, "GIF87a", CONTENT_PICTURE),
    MAGIC(0, "GIF89a", CONTENT_PICTURE),
    WORD(8, "WEBP", CONTENT_PICTURE),
    MAGIC(0, "\0\0\1\0", CONTENT_PICTURE),
    MAGIC(0, "II*\0", CONTENT_PICTURE),
    MAGIC(0, "MM\0*", CONTENT_PICTURE),
    MAGIC(0, "\0\1\0\0\0", CONTENT_FONT),
    WORD(0, "OTTO", CONTENT_FONT),
    WORD(0, "wOFF", CONTENT_FONT),
    WORD(0, "wOF2", CONTENT_FONT),
    WORD(8, "WAVE", CONTENT_SOUND),
    WORD(0, "OggS", CONTENT_SOUND),
    WORD(0, "fLaC", CONTENT_SOUND),
    WORD(0, "ID3", CONTENT_SOUND),
    MAGIC(0, "\xde\x12\x04\x95", CONTENT_LOCALE), /* gettext */
    WORD(0, "TZif", CONTENT_LOCALE),
    WORD(32769, "CD001", CONTENT_ARCHIVE), /* ISO 9660 */
};

/* ── magics that other bytes have as well: their first table must agree ── */

/* Every record of the table directory lies in the file (OpenType 1.9, "Table Directory"). */
static bool is_font(struct span file)
{
    struct span record = file;
    uint16_t tables;
    uint32_t tag, sum, offset, len;
    if (!span_skip(&record, 4) || !span_take_be16(&record, &tables) || !span_skip(&record, 6) || tables == 0)
        return false;
    for (uint16_t i = 0; i < tables; i++)
        if (!span_take_be32(&record, &tag) || !span_take_be32(&record, &sum) || !span_take_be32(&record, &offset) ||
            !span_take_be32(&record, &len) || offset > file.len || len > file.len - offset)
            return false;
    return true;
}

static bool is_icon(struct span file)
{
    struct span s = file;
    uint16_t count;
    uint32_t len, offset;
    return span_skip(&s, 4) && span_take_le16(&s, &count) && count > 0 && span_skip(&s, 8) &&
           span_take_le32(&s, &len) && span_take_le32(&s, &offset) && offset >= 6 + 16U * count && offset <= file.len &&
           len <= file.len - offset;
}

/* The first directory lies in the file (TIFF 6.0, section 2). */
static bool is_tiff(struct span file)
{
    struct span s = file;
    uint32_t at;
    bool little = span_starts(file, SPAN_LIT("II"));
    return span_skip(&s, 4) && (little ? span_take_le32(&s, &at) : span_take_be32(&s, &at)) && at >= 8 && at < file.len;
}

static bool shape_holds(struct span file, const char *magic)
{
    if (memcmp(magic, "\0\1\0\0", 4) == 0 || memcmp(magic, "OTTO", 4) == 0)
        return is_font(file);
    if (memcmp(magic, "\0\0\1\0", 4) == 0)
        return is_icon(file);
    return (memcmp(magic, "II*", 4) != 0 && memcmp(magic, "MM\0*", 4) != 0) || is_tiff(file);
}

static bool by_magic(struct span file, enum content *out)
{
    for (size_t i = 0; i < ARRAY_LEN(MAGICS); i++) {
        struct span part;
        if (span_slice(file, MAGICS[i].at, MAGICS[i].len, &part) && memcmp(part.ptr, MAGICS[i].bytes, part.len) == 0 &&
            !(MAGICS[i].word && text_is_text(file)) && (MAGICS[i].len < 4 || shape_holds(file, MAGICS[i].bytes))) {
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
    {"gz tgz zst tzst xz txz bz2 tbz2 lz4 lz tlz lzma ", {CONTENT_COMPRESSED}},
    {"zip whl jar keras npz egg skops mar apk docx docm xlsx xlsm pptx pptm odt ods odp epub war ear aar nupkg ipa ",
     {CONTENT_ZIP}},
    {"pkl pickle joblib dill ", {CONTENT_PICKLE, CONTENT_COMPRESSED}},
    {"pt pth ckpt ", {CONTENT_PICKLE, CONTENT_ZIP, CONTENT_TAR}},
    {"h5 hdf5 ", {CONTENT_HDF5}},
    {"npy ", {CONTENT_NUMPY}},
    {"onnx ", {CONTENT_ONNX}},
    {"pb ", {CONTENT_PROTOBUF}},
    {"deb rpm 7z rar cpio iso cab xar lzh lha squashfs warc ", {CONTENT_ARCHIVE}},
    {"exe dll wasm class dex lnk ", {CONTENT_PROGRAM}},
    {"sqlite sqlite3 ", {CONTENT_DATABASE}},
    {"pdf doc xls ppt msi chm ", {CONTENT_DOCUMENT}},
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

enum content sniff(struct span file, const char *name)
{
    enum content found;
    const struct promise *p = find_promise(name);
    if (file.len == 0)
        return CONTENT_EMPTY;
    if (by_magic(file, &found)) /* "GIF89a" is a pickle's float as well */
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
