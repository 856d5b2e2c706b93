#include "parse/numpy.h"

#include <stdio.h>
#include <string.h>

#include "parse/elf.h"
#include "parse/numpy_dtype.h"
#include "parse/pickle.h"
#include "parse/sniff.h"
#include "parse/zip_file.h"
#include "util/auto.h"

/* Fields inside fields. */
#define DEPTH_MAX 16U

struct header {
    struct span all, rest;
    struct numpy_dtype type;
    uint64_t elements;
    size_t dimensions;
    bool has_descr, has_order, has_shape;
    const char *problem; /* the first */
};

static bool wrong(struct header *h, const char *problem)
{
    if (!h->problem)
        h->problem = problem;
    return false;
}

/* ── the literal ── */

static void skip_blanks(struct header *h)
{
    while (h->rest.len > 0 && (h->rest.ptr[0] == ' ' || h->rest.ptr[0] == '\t'))
        span_skip(&h->rest, 1);
}

static bool take_mark(struct header *h, const char *mark)
{
    skip_blanks(h);
    return span_take_prefix(&h->rest, span_str(mark));
}

/* 'text' or "text"; an escape in it is nothing that names of fields and types need. */
static bool take_text(struct header *h, struct span *out)
{
    skip_blanks(h);
    if (h->rest.len == 0 || (h->rest.ptr[0] != '\'' && h->rest.ptr[0] != '"'))
        return wrong(h, "a text is missing");
    uint8_t quote = h->rest.ptr[0];
    span_skip(&h->rest, 1);
    if (!span_take_until(&h->rest, quote, out) || memchr(out->ptr, '\\', out->len) || memchr(out->ptr, '\n', out->len))
        return wrong(h, "a text that does not end or has an escape");
    return true;
}

/* Digits, and Python 2's L. */
static bool take_number(struct header *h, uint64_t *out)
{
    skip_blanks(h);
    struct span digits = span_of(h->rest.ptr, 0);
    while (h->rest.len > 0 && h->rest.ptr[0] >= '0' && h->rest.ptr[0] <= '9') {
        digits.len++;
        span_skip(&h->rest, 1);
    }
    if (!span_decimal(digits, out) || *out > INT64_MAX)
        return wrong(h, "a size that is no whole number of at most 63 bits");
    span_take_prefix(&h->rest, SPAN_LIT("L"));
    return true;
}

/* (2, 3), (2,), (). *elements: their product. */
static bool take_shape(struct header *h, uint64_t *elements, size_t *dimensions)
{
    uint64_t n;
    *elements = 1;
    *dimensions = 0;
    if (!take_mark(h, "("))
        return wrong(h, "the shape is no tuple");
    while (!take_mark(h, ")")) {
        if (!take_number(h, &n))
            return false;
        if (__builtin_mul_overflow(*elements, n, elements))
            return wrong(h, "a shape of more elements than 64 bits count");
        ++*dimensions;
        if (take_mark(h, ")"))
            return *dimensions > 1 || wrong(h, "the shape is no tuple"); /* (2) is a number */
        if (!take_mark(h, ","))
            return wrong(h, "the shape is no tuple of whole numbers");
    }
    return *dimensions <= 64 || wrong(h, "more than 64 dimensions");
}

static bool take_type(struct header *h, unsigned depth, struct numpy_dtype *out);

/* 'name' or ('title', 'name') */
static bool take_field_name(struct header *h)
{
    struct span text;
    if (!take_mark(h, "("))
        return take_text(h, &text);
    return take_text(h, &text) && (take_mark(h, ",") || wrong(h, "a broken title of a field")) && take_text(h, &text) &&
           (take_mark(h, ")") || wrong(h, "a broken title of a field"));
}

/* (name, type) or (name, type, shape) */
static bool take_field(struct header *h, unsigned depth, struct numpy_dtype *sum)
{
    struct numpy_dtype field;
    uint64_t times = 1;
    size_t dimensions;
    if (!take_mark(h, "(") || !take_field_name(h) || !take_mark(h, ",") || !take_type(h, depth + 1, &field))
        return wrong(h, "a field that is no (name, type)");
    if (!take_mark(h, ")")) {
        if (!take_mark(h, ",") || !take_shape(h, &times, &dimensions) || !take_mark(h, ")"))
            return wrong(h, "a field that is neither (name, type) nor (name, type, shape)");
    }
    sum->objects |= field.objects;
    if (__builtin_mul_overflow(field.size, times, &field.size) ||
        __builtin_add_overflow(sum->size, field.size, &sum->size) || sum->size > LIMIT_NUMPY_ITEM_BYTES)
        return wrong(h, "an element larger than any array has");
    return true;
}

static bool take_type(struct header *h, unsigned depth, struct numpy_dtype *out)
{
    struct span text;
    if (depth > DEPTH_MAX)
        return wrong(h, "fields inside fields, more than 16 deep");
    if (!take_mark(h, "["))
        return take_text(h, &text) && (numpy_dtype_parse(text, out) || wrong(h, "a type that NumPy does not have"));
    *out = (struct numpy_dtype){0};
    while (!take_mark(h, "]")) {
        if (!take_field(h, depth, out))
            return false;
        if (!take_mark(h, ",")) {
            if (take_mark(h, "]"))
                return true;
            return wrong(h, "a broken list of fields");
        }
    }
    return true;
}

static bool take_once(struct header *h, bool *seen)
{
    if (*seen)
        return wrong(h, "a key stands there twice");
    *seen = true;
    return true;
}

static bool take_pair(struct header *h)
{
    struct span key;
    if (!take_text(h, &key) || !take_mark(h, ":"))
        return wrong(h, "no dict of text keys");
    if (span_equal_str(key, "descr"))
        return take_once(h, &h->has_descr) && take_type(h, 0, &h->type);
    if (span_equal_str(key, "shape"))
        return take_once(h, &h->has_shape) && take_shape(h, &h->elements, &h->dimensions);
    if (span_equal_str(key, "fortran_order"))
        return take_once(h, &h->has_order) &&
               (take_mark(h, "True") || take_mark(h, "False") || wrong(h, "fortran_order is neither True nor False"));
    return wrong(h, "a key that no header has");
}

static bool take_dict(struct header *h)
{
    if (!take_mark(h, "{"))
        return wrong(h, "it is no dict");
    while (!take_mark(h, "}")) {
        if (!take_pair(h))
            return false;
        if (take_mark(h, ",") || (skip_blanks(h), h->rest.len > 0 && h->rest.ptr[0] == '}'))
            continue;
        return wrong(h, "something stands behind a value that is no part of it");
    }
    skip_blanks(h);
    if (!span_equal_str(h->rest, "\n"))
        return wrong(h, "it does not end with a line feed right behind the dict");
    return (h->has_descr && h->has_order && h->has_shape) || wrong(h, "descr, fortran_order or shape is missing");
}

/* ── .npy ── */

/* The magic, the version and the header's length (1.0: two bytes; 2.0 and 3.0: four). */
static const char *take_header(struct span *file, struct header *h)
{
    uint8_t major, minor;
    uint16_t short_len;
    uint32_t len = 0;
    if (!span_take_prefix(file, SPAN_LIT("\x93NUMPY")) || !span_take_u8(file, &major) || !span_take_u8(file, &minor))
        return "the magic is not whole";
    if (major < 1 || major > 3 || minor != 0)
        return "a version of the format that does not exist (there are 1.0, 2.0, 3.0)";
    if (major == 1 ? !span_take_le16(file, &short_len) : !span_take_le32(file, &len))
        return "the header is cut off";
    if (major == 1)
        len = short_len;
    if (len > LIMIT_NUMPY_HEADER_BYTES)
        return "a header of more than 10,000 bytes, which NumPy does not read either";
    if (!span_take(file, len, &h->all))
        return "the header is cut off";
    if (memchr(h->all.ptr, 0, h->all.len) || (major == 3 && !span_is_utf8(h->all)))
        return "the header is no text";
    h->rest = h->all;
    take_dict(h);
    return h->problem;
}

void numpy_check(struct span file, struct report *r)
{
    struct header h = {0};
    uint64_t bytes;
    const char *problem = take_header(&file, &h);
    if (problem) {
        report_stop(r, SEVERITY_HIGH, "numpy-header", "header", "%s", problem);
        return;
    }
    if (h.type.objects) {
        auto_report inner = {0};
        report_finding(r, SEVERITY_HIGH, "numpy-object", "header",
                       "an array of objects: a pickle follows, and numpy.load reads it only with allow_pickle=True");
        report_init_inside(&inner, r, "data");
        pickle_check(file, &inner);
        report_merge(r, &inner);
    } else if (__builtin_mul_overflow(h.elements, h.type.size, &bytes) || bytes != file.len) {
        report_stop(r, SEVERITY_HIGH, "numpy-size", "header",
                    "%zu bytes follow the header; type and shape say something else", file.len);
    } else {
        json_put_uint(&r->facts, "dimensions", h.dimensions);
        if (h.elements <= INT64_MAX) /* of no bytes there may be more than JSON counts */
            json_put_uint(&r->facts, "elements", h.elements);
        json_put_uint(&r->facts, "item_bytes", h.type.size);
        if (elf_begins(file))
            report_finding(r, SEVERITY_HIGH, "hidden-program", "data", "its data begin like a program (ELF)");
    }
}

/* ── .npz ── */

static bool ends(const char *path, const char *suffix)
{
    return span_ends(span_str(path), span_str(suffix));
}

bool numpy_is_zip(const struct zip *z, const char *name)
{
    bool arrays = z->count > 0;
    for (size_t i = 0; i < z->count && arrays; i++)
        arrays = !z->members[i].folder && ends(z->members[i].path, ".npy");
    return arrays || ends(name, ".npz");
}

void numpy_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    for (size_t i = 0; i < z->count; i++) {
        const struct zip_member *m = &z->members[i];
        if (m->folder || !ends(m->path, ".npy"))
            report_finding(r, SEVERITY_HIGH, "numpy-member", m->path,
                           "no array: numpy.load would hand it out as bytes");
        zip_member_check(m, o, &room, r);
    }
}
