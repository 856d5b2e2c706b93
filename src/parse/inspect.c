#include "parse/inspect.h"

#include <archive.h>
#include <stdlib.h>
#include <string.h>

#include "parse/archive.h"
#include "parse/document.h"
#include "parse/elf.h"
#include "parse/file_class.h"
#include "parse/gguf.h"
#include "parse/hdf5.h"
#include "parse/html_doc.h"
#include "parse/joblib.h"
#include "parse/json_file.h"
#include "parse/leaks.h"
#include "parse/licence.h"
#include "parse/licence_text.h"
#include "parse/loader_code.h"
#include "parse/numpy.h"
#include "parse/onnx.h"
#include "parse/package.h"
#include "parse/pickle.h"
#include "parse/pyc.h"
#include "parse/safetensors.h"
#include "parse/savedmodel.h"
#include "parse/sbom_check.h"
#include "parse/sentencepiece.h"
#include "parse/sniff.h"
#include "parse/tar.h"
#include "parse/text.h"
#include "parse/yaml_file.h"
#include "parse/yara_rules.h"
#include "parse/zip_file.h"
#include "util/limits.h"

static bool names_checkpoint(const char *name)
{
    bool kept;
    enum content promised;
    return sniff_promise(name, CONTENT_TAR, &kept, &promised) && promised == CONTENT_PICKLE;
}

/* The reader of a format; false when there is none yet. */
static bool read_as(enum content content, struct span file, const struct inspect_options *o, struct report *r)
{
    switch (content) {
    case CONTENT_TEXT:
        text_check(file, r);
        return true;
    case CONTENT_HTML:
        html_doc_check(file, false, r);
        return true;
    case CONTENT_JSON:
        json_file_check(file, o->name, &o->templates, r);
        sbom_file_check(file, o->name, r);
        return true;
    case CONTENT_JSON_LINES:
        json_lines_check(file, o->name, &o->templates, r);
        return true;
    case CONTENT_YAML:
        yaml_file_check(file, &o->templates, r);
        return true;
    case CONTENT_TEMPLATE:
        json_put_array(&r->facts, "templates");
        jinja_check(file, "template", "", &o->templates, &r->facts, r);
        json_out_array_end(&r->facts);
        return true;
    case CONTENT_GGUF:
        gguf_check(file, o->name, &o->templates, r);
        return true;
    case CONTENT_SAFETENSORS:
        safetensors_check(file, r);
        return true;
    case CONTENT_ELF:
        elf_check(file, r);
        return true;
    case CONTENT_COMPRESSED:
        if (joblib_is_deflated(file))
            joblib_deflated_check(file, o, r);
        else
            tar_check(file, true, o, r);
        return true;
    case CONTENT_TAR:
        tar_check(file, false, o, r);
        if (names_checkpoint(o->name))
            report_not_scanned(r, "torch-tar", "",
                               "a checkpoint in the form of torch 0.1.1, which no reader understands");
        return true;
    case CONTENT_PICKLE:
        pickle_check(file, r);
        return true;
    case CONTENT_ARCHIVE:
        archive_check(file, o, r);
        return true;
    case CONTENT_NUMPY:
        numpy_check(file, r);
        return true;
    case CONTENT_ZIP:
        zip_file_check(file, o, r);
        return true;
    case CONTENT_HDF5:
        if (o->apart)
            hdf5_check(file, r);
        else
            report_not_scanned(r, "hdf5-apart", "", "is read in a process of its own, which nobody started for it");
        return true;
    case CONTENT_ONNX:
        onnx_check(file, r);
        return true;
    case CONTENT_PROTOBUF:
        savedmodel_check(file, o->name, r);
        return true;
    case CONTENT_SENTENCEPIECE:
        sentencepiece_check(file, r);
        return true;
    default:
        return false;
    }
}

/* An end record of a zip file that a reader would go by: of one disk, and with a directory in front of it (APPNOTE
 * 4.3.16; all ones where the 64-bit form counts). */
static bool is_zip_end(struct span rest, uint64_t at)
{
    uint16_t disk, disk_of, here, all, comment;
    uint32_t size, offset;
    return span_skip(&rest, 4) && span_take_le16(&rest, &disk) && span_take_le16(&rest, &disk_of) &&
           span_take_le16(&rest, &here) && span_take_le16(&rest, &all) && span_take_le32(&rest, &size) &&
           span_take_le32(&rest, &offset) && span_take_le16(&rest, &comment) && disk == disk_of && here == all &&
           (disk == 0 || disk == UINT16_MAX) && (size <= at || size == UINT32_MAX) && comment <= rest.len;
}

/* Does the file end like a zip file, for readers that take one at the end of anything? Two readers would see two files.
 */
static bool has_zip_tail(struct span file)
{
    size_t from = file.len > 65557 ? file.len - 65557 : 0;
    struct span rest;
    for (span_slice(file, from, file.len - from, &rest); rest.len >= 22; span_skip(&rest, 1)) {
        const uint8_t *mark = memmem(rest.ptr, rest.len, "PK\005\006", 4);
        if (!mark)
            return false;
        span_skip(&rest, (size_t)(mark - rest.ptr));
        if (is_zip_end(rest, file.len - rest.len))
            return true;
    }
    return false;
}

/* Formats whose data may be any bytes, so that an archive fits into their end. */
static bool holds_any_bytes(enum content c)
{
    return c == CONTENT_PICKLE || c == CONTENT_NUMPY || c == CONTENT_GGUF || c == CONTENT_SAFETENSORS ||
           c == CONTENT_ONNX || c == CONTENT_PROTOBUF || c == CONTENT_SENTENCEPIECE || c == CONTENT_HDF5;
}

/* Archives whose end their reader does not go to: what stands behind it is another file for others. */
static bool may_be_followed(enum content c, struct span file)
{
    const char *name;
    if (c != CONTENT_ARCHIVE)
        return false;
    enum archive_kind kind = archive_kind_of(file, &name);
    return kind == ARCHIVE_RAR || kind == ARCHIVE_RAR5 || kind == ARCHIVE_LHA;
}

/* A reader of PDF takes its mark anywhere in the first 1024 bytes. */
static bool has_pdf_head(struct span file)
{
    return file.len > 5 && memmem(file.ptr, file.len < 1024 ? file.len : 1024, "%PDF-", 5) != NULL;
}

/* Marks that unpackers search for behind anything, long enough not to stand there by chance. */
static bool has_archive_inside(struct span file)
{
    return memmem(file.ptr, file.len, "7z\xbc\xaf\x27\x1c", 6) || memmem(file.ptr, file.len, "Rar!\x1a\x07", 6);
}

static void without_reader(enum content content, struct span file, const struct inspect_options *o, struct report *r)
{
    if (content == CONTENT_LFS_POINTER)
        report_finding(r, SEVERITY_HIGH, "git-lfs-pointer", "",
                       "a pointer of Git LFS in the place of the file; fetch the file itself");
    else if (content == CONTENT_SCRIPT && o->depth == 0 && loader_code_runner(o->name))
        report_finding(r, SEVERITY_HIGH, "loader-code", "",
                       "a program in a model's folder: %s. It belongs into a package that vouches for it, or away",
                       loader_code_runner(o->name));
    else if (content == CONTENT_DOCUMENT)
        document_check(file, r);
    else if (!content_is_opaque(content))
        report_not_scanned(r, "no-scanner", "", "no scanner understands %s yet", content_name(content));
    else if (o->executable && content == CONTENT_CONFIG)
        report_not_scanned(r, "no-scanner", "", "a text that its mode allows to be run");
    else if (content != CONTENT_CONFIG && has_zip_tail(file))
        report_not_scanned(r, "hidden-archive", "", "a %s that ends like a zip file", content_name(content));
    else if (content != CONTENT_CONFIG && has_archive_inside(file))
        report_not_scanned(r, "hidden-archive", "", "a %s with an archive behind it", content_name(content));
    else if (content != CONTENT_CONFIG && has_pdf_head(file))
        report_not_scanned(r, "hidden-document", "", "a %s that begins like a PDF document", content_name(content));
    else
        report_raise(r, VERDICT_OPAQUE);
}

/* The name promises what the bytes are not. Its own reader says best what is wrong. */
static void broken_promise(enum content promised, enum content found, struct span file, const struct inspect_options *o,
                           struct report *r)
{
    bool own_reader = promised == CONTENT_GGUF || promised == CONTENT_SAFETENSORS || promised == CONTENT_ELF ||
                      promised == CONTENT_TEXT || promised == CONTENT_JSON || promised == CONTENT_YAML;
    size_t before = r->heavy;
    if (own_reader && found != CONTENT_LFS_POINTER)
        read_as(promised, file, o, r);
    if (r->heavy == before)
        report_finding(r, SEVERITY_HIGH, "content-mismatch", "", "the name promises %s, and the content is %s",
                       content_name(promised), content_name(found));
}

static bool is_text_kind(enum content c)
{
    return c == CONTENT_TEXT || c == CONTENT_CONFIG || c == CONTENT_HTML || c == CONTENT_JSON ||
           c == CONTENT_JSON_LINES || c == CONTENT_YAML || c == CONTENT_TEMPLATE;
}

/* ── the files of a package ── */

static bool ends_with_one_of(const char *name, const char *const *endings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_ends(span_str(name), span_str(endings[i])))
            return true;
    return false;
}

/* Does the name say that this is a program? One without a suffix does, and so does a version at its end. */
static bool admits_program(const char *name)
{
    static const char *const endings[] = {".so",  ".o",     ".ko",  ".a",  ".bin", ".elf",  ".node",  ".pyd", ".exe",
                                          ".dll", ".dylib", ".com", ".bc", ".sys", ".wasm", ".class", ".efi", ".dbg"};
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');
    return !dot || dot == base || strspn(dot + 1, "0123456789") == strlen(dot + 1) || strstr(base, ".so.") ||
           ends_with_one_of(base, endings, ARRAY_LEN(endings));
}

static void hidden(enum content content, const struct inspect_options *o, struct report *r)
{
    bool kept;
    enum content promised;
    bool admitted =
        content == CONTENT_ELF || content == CONTENT_PROGRAM
            ? admits_program(o->name) || (o->executable && !sniff_promise(o->name, content, &kept, &promised))
            : sniff_promise(o->name, content, &kept, &promised) && kept;
    if (!admitted)
        report_finding(r, SEVERITY_HIGH, "hidden-content", "", "a %s under a name that does not say so",
                       content_name(content));
    else if (content == CONTENT_PICKLE)
        report_finding(r, SEVERITY_LOW, "package-pickle", "", "a pickle: whoever loads it runs what it says");
}

/* The package vouches for byte code as for everything else; what is in it must be what its source says, as far as its
 * header tells. */
static void check_bytecode(struct span file, const struct inspect_options *o, struct report *r)
{
    char path[1024];
    struct span source;
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    const char *why = "its source does not lie beside it";
    if (o->beside && o->beside->depth == o->depth && pyc_source_path(o->name, path, sizeof(path)) &&
        o->beside->read(o->beside->arg, path, &room, &source) && pyc_is_made_of(file, source, &why))
        return;
    report_not_scanned(r, "byte-code", "", "byte code that no scanner understands: %s", why);
}

/* What the package's code does is the package's business, and so are its data; what is loaded or unpacked by others, or
 * pretends to be something else, is looked at. */
static void inspect_standing(struct span file, enum content content, const struct inspect_options *o, struct report *r)
{
    static const char *const objects[] = {".a", ".lib"};
    static const char *const bytecode[] = {".pyc", ".pyo"};
    switch (content) {
    case CONTENT_ELF:
        elf_check(file, r);
        hidden(content, o, r);
        return;
    case CONTENT_PROGRAM:
        if (ends_with_one_of(o->name, bytecode, ARRAY_LEN(bytecode)))
            check_bytecode(file, o, r);
        else
            hidden(content, o, r);
        return;
    case CONTENT_PICKLE:
        hidden(content, o, r);
        return;
    case CONTENT_ARCHIVE:
        if (!ends_with_one_of(o->name, objects, ARRAY_LEN(objects)))
            report_not_scanned(r, "no-scanner", "", "no scanner understands %s yet", content_name(content));
        return;
    case CONTENT_LFS_POINTER:
        without_reader(content, file, o, r);
        return;
    case CONTENT_GGUF:
    case CONTENT_SAFETENSORS:
    case CONTENT_TAR:
    case CONTENT_COMPRESSED:
    case CONTENT_ZIP:
        read_as(content, file, o, r);
        return;
    default:
        return;
    }
}

/* ── the rules of the site ── */

static void check_rules(struct span file, enum content content, const struct inspect_options *o, struct report *r)
{
    enum file_class class = file_class(content, o->name);
    r->class = file_class_name(class);
    if (o->yara && o->yara_classes & 1U << class)
        yara_rules_check(o->yara, file, r);
}

int inspect_take_yara(const json_t *options, struct inspect_options *o, struct err *e)
{
    const json_t *yara = json_object_get(options, "yara"), *name;
    struct digest id;
    size_t i;
    if (!json_is_true(json_object_get(yara, "ready")))
        return 0;
    if (json_need_digest(yara, "database", "/yara", &id, e) < 0)
        return -1;
    json_array_foreach(json_object_get(yara, "classes"), i, name)
    {
        enum file_class class;
        if (!json_is_string(name) || !file_class_from_name(json_string_value(name), &class))
            return err_set(e, ERR_INPUT, 0, "/yara/classes/%zu: is no class of files", i);
        o->yara_classes |= 1U << class;
    }
    o->yara = yara_rules_kept(&id);
    return o->yara ? 0 : err_set(e, ERR_NOTFOUND, 0, "this process was not given these YARA rules");
}

void inspect_inside(struct span file, const char *path, const struct inspect_options *o, struct report *r)
{
    struct inspect_options inner = *o;
    auto_report report = {0};
    report_init_inside(&report, r, path);
    inner.name = path;
    inner.layer = false;
    inner.watch = NULL;
    inner.depth++;
    inspect_bytes(file, &inner, &report);
    report_merge(r, &report);
}

/* ── any file ── */

/* Bombs that multiply from one archive to the next: each keeps its own ratio, all together this one. */
static bool budget_holds(struct inspect_budget *b, uint64_t bytes)
{
    b->files++;
    return !__builtin_add_overflow(b->bytes, bytes, &b->bytes) && b->bytes <= b->most &&
           b->files <= LIMIT_INSPECT_FILES;
}

static void inspect_within(struct span file, const struct inspect_options *o, struct report *r);

void inspect_bytes(struct span file, const struct inspect_options *o, struct report *r)
{
    struct inspect_options begun = *o;
    struct inspect_budget budget = {.most = INSPECT_FREE_BYTES};
    uint64_t most;
    if (__builtin_mul_overflow(file.len, (uint64_t)LIMIT_INSPECT_RATIO, &most) ||
        __builtin_add_overflow(most, INSPECT_FREE_BYTES, &budget.most))
        budget.most = UINT64_MAX;
    if (!o->budget) {
        begun.budget = &budget;
        inspect_within(file, &begun, r);
    } else if (budget_holds(o->budget, file.len)) {
        inspect_within(file, o, r);
    } else {
        report_stop(r, SEVERITY_HIGH, "archive-bomb", "",
                    "all archives inside of each other together: more than %u times the size of the outermost, or "
                    "more than %u files",
                    LIMIT_INSPECT_RATIO, LIMIT_INSPECT_FILES);
    }
}

static void inspect_within(struct span file, const struct inspect_options *o, struct report *r)
{
    enum content content = sniff(file, o->name), promised;
    bool kept;
    r->format = content_name(content);
    leaks_check(file, content, o, r);
    check_rules(file, content, o, r);
    if (o->stands) {
        inspect_standing(file, content, o, r);
        return;
    }
    if (o->depth <= 1 && package_check_named(file, content, o, r)) /* as it is, or in a bundle of packages */
        return;
    bool promises = sniff_promise(o->name, content, &kept, &promised);
    bool empty_text = content == CONTENT_EMPTY && promises && promised == CONTENT_TEXT;
    if (promises && !kept && !empty_text)
        broken_promise(promised, content, file, o, r);
    if (promises && !kept && !empty_text && content == CONTENT_EMPTY)
        return;
    if (!read_as(content, file, o, r))
        without_reader(content, file, o, r);
    else if ((holds_any_bytes(content) || may_be_followed(content, file)) && has_zip_tail(file))
        report_stop(r, SEVERITY_HIGH, "hidden-archive", "", "a %s that ends like a zip file", content_name(content));
    else if (holds_any_bytes(content) && has_pdf_head(file))
        report_stop(r, SEVERITY_MEDIUM, "hidden-document", "", "a %s that begins like a PDF document",
                    content_name(content));
    else if (o->executable && is_text_kind(content))
        report_not_scanned(r, "no-scanner", "", "a text that its mode allows to be run");
}

/* ── the operation ── */

#define TEMPLATES_MAX 4096U

static int read_templates(const json_t *list, struct digest **out, size_t *count, struct err *e)
{
    const json_t *item;
    size_t i;
    *count = 0;
    if (json_array_size(list) > TEMPLATES_MAX)
        return err_set(e, ERR_LIMIT, 0, "more than %u allowed templates", TEMPLATES_MAX);
    *out = calloc(json_array_size(list) + 1, sizeof(**out));
    if (!*out)
        abort();
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *text = json_string_value(item);
        if (!text || !digest_from_hex(span_str(text), &(*out)[i]))
            return err_set(e, ERR_INPUT, 0, "allowed template %zu is no SHA-256 in hex", i);
        ++*count;
    }
    return 0;
}

/* What a text says of a licence: the card of a model, or a licence itself. */
static void licence_facts(struct span file, const char *name, struct json_out *facts)
{
    bool card = span_ends(span_str(name), SPAN_LIT(".md"));
    auto_buf said = BUF(LICENCE_MAX), text = BUF(LICENCE_MAX);
    if (card && licence_of_card(file, &said))
        json_put_string(facts, "licence_said", buf_str(&said));
    if ((card || span_ends(span_str(name), SPAN_LIT(".txt")) || licence_file_named(name)) &&
        licence_text_read(file, &text))
        json_put_string(facts, "licence_text", buf_str(&text));
}

int inspect_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_json options = json_parse(arg, LIMIT_JSON_BYTES, "options", e);
    auto_free struct digest *templates = NULL;
    auto_report r = {0};
    struct json_out w;
    if (!options)
        return -1;
    struct inspect_options o = {
        .name = json_get_string(options, "name", ""),
        .layer = json_is_true(json_object_get(options, "layer")),
        .apart = json_is_true(json_object_get(options, "apart")),
    };
    if (read_templates(json_object_get(options, "templates"), &templates, &o.templates.allowed_count, e) < 0)
        return -1;
    if (inspect_take_yara(options, &o, e) < 0)
        return -1;
    o.templates.allowed = templates;
    report_init(&r, "");
    inspect_bytes(input, &o, &r);
    licence_facts(input, o.name, &r.facts);
    json_out_init(&w, reply);
    json_out_object(&w);
    if (report_write(&r, &w, e) < 0)
        return -1;
    json_put_string(&w, "class", r.class);
    if (json_is_true(json_object_get(options, "digest"))) {
        struct digest id = digest_of(input);
        json_put_string(&w, "sha256", digest_hex(&id).text);
    }
    json_out_object_end(&w);
    return 0;
}

int hash_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct json_out w;
    struct digest id = digest_of(input);
    (void)arg, (void)e;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_string(&w, "sha256", digest_hex(&id).text);
    json_out_object_end(&w);
    return 0;
}

const char *inspect_libraries(void)
{
    return archive_version_details();
}
