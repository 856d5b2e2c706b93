#include "parse/joblib.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "parse/pickle_ops.h"
#include "parse/tar.h"
#include "util/auto.h"

/* Arrays of objects inside arrays of objects. */
#define DEPTH_MAX 8U

/* ── the other reading ── */

/* What pickle.load does with an array's bytes: it runs them. The stack and the memo are those of here, objects in them
 * unknown; it ends where the array ends, if it gets there, because from there on both readings are the same. */
enum reading { HARMLESS, IMPORTS, UNDECIDED };

static enum reading read_as_opcodes(struct machine *m, size_t from, size_t to)
{
    auto_report ignored = {0};
    report_init(&ignored, "");
    auto_machine other = {.file = m->file,
                          .start = from,
                          .stop_at = to,
                          .r = &ignored,
                          .joblib = true,
                          .read_budget = m->read_budget,
                          .outer = m,
                          .shadow = true,
                          .opcodes_max = *m->read_budget};
    size_t cost = (m->depth_now + m->mark_count) / 16; /* copied, which is quick */
    if (from == to)
        return HARMLESS;
    *m->read_budget -= *m->read_budget < cost ? *m->read_budget : cost;
    if (machine_copy_stack(&other, m) < 0 || machine_push(&other, value_of(KIND_UNKNOWN, 0)) < 0) /* the wrapper */
        return UNDECIDED;
    machine_run(&other);
    *m->read_budget -= *m->read_budget < other.opcodes ? *m->read_budget : (size_t)other.opcodes;
    return other.blocked_names > 0 ? IMPORTS : *m->read_budget == 0 ? UNDECIDED : HARMLESS;
}

/* ── arrays ── */

struct wrapped {
    uint64_t bytes;
    bool objects, aligned;
};

static bool read_state(struct machine *m, struct value state, struct wrapped *w)
{
    struct value subclass, shape, dtype, order, alignment;
    uint64_t elements, item_size;
    int64_t n;
    if (!value_lookup(m, state, "subclass", &subclass) || !value_lookup(m, state, "shape", &shape) ||
        !value_lookup(m, state, "dtype", &dtype) || !value_lookup(m, state, "order", &order))
        return false;
    const struct pickle_name *class = value_name(m, subclass);
    bool aligned = value_lookup(m, state, "numpy_array_alignment_bytes", &alignment);
    w->aligned = aligned && value_kind(alignment) != KIND_NONE;
    if (!class || class->meaning != PICKLE_ARRAY_CLASS || !machine_shape(m, shape, &elements) ||
        !machine_dtype(m, dtype, &item_size, &w->objects) || !value_is_text(order) ||
        (w->aligned && (!value_int(alignment, &n) || n < 1 || n > 255)))
        return false;
    return !__builtin_mul_overflow(elements, item_size, &w->bytes);
}

/* An array of objects is a pickle of its own. */
static int read_objects(struct machine *m)
{
    if (m->depth >= DEPTH_MAX)
        return machine_broken(m, "arrays of objects inside each other, more than %u deep", DEPTH_MAX);
    auto_machine inner = {
        .file = m->file, .start = machine_at(m), .r = m->r, .depth = m->depth + 1, .read_budget = m->read_budget};
    int result = machine_run(&inner);
    m->findings += inner.findings;
    m->blocked_names += inner.blocked_names;
    if (result < 0)
        return RUN_STOPPED;
    machine_leave_frame(m, inner.end);
    return RUN_OK;
}

/* A byte that says how much padding follows, the padding, the array. */
static int read_bytes(struct machine *m, const struct wrapped *w)
{
    size_t from = machine_at(m);
    uint8_t padding = 0;
    bool fits = !w->aligned || (span_take_u8(&m->rest, &padding) && span_skip(&m->rest, padding));
    if (!fits || w->bytes > m->rest.len)
        return machine_broken(m, "an array is cut off");
    span_skip(&m->rest, (size_t)w->bytes);
    size_t to = machine_at(m);
    enum reading reading = read_as_opcodes(m, from, to);
    if (reading == UNDECIDED)
        machine_odd(m, SEVERITY_MEDIUM, "joblib-two-readings", from,
                    "the bytes of an array may be opcodes to a plain loader; they are too many to tell");
    else if (reading == IMPORTS)
        machine_odd(m, SEVERITY_CRITICAL, "joblib-two-readings", from,
                    "the bytes of an array that a plain loader runs as opcodes, up to an import");
    return RUN_OK;
}

static int read_array(struct machine *m, struct value state)
{
    struct wrapped w;
    if (!read_state(m, state, &w))
        return machine_broken(m, "an array of joblib whose description is not understood");
    if (m->framed && m->rest.len > 0)
        machine_odd(m, SEVERITY_HIGH, "pickle-frame", m->op_at, "the bytes of an array inside of a frame");
    machine_leave_frame(m, machine_at(m));
    m->arrays++;
    return w.objects ? read_objects(m) : read_bytes(m, &w);
}

/* The array is a file beside, of which only the name stands here. */
static void name_file(struct machine *m, struct value state)
{
    struct value filename;
    struct span name;
    bool plain = value_lookup(m, state, "filename", &filename) && value_text(m, filename, &name) && name.len > 0 &&
                 !memchr(name.ptr, '/', name.len) && !memchr(name.ptr, '\\', name.len) &&
                 !memchr(name.ptr, 0, name.len) && !span_equal_str(name, "..");
    if (!plain)
        machine_odd(m, SEVERITY_HIGH, "joblib-path", m->op_at,
                    "takes an array from a file that does not lie beside it");
    else
        machine_odd(m, SEVERITY_LOW, "joblib-beside", m->op_at, "takes an array from the file %.*s beside it",
                    (int)(name.len < 200 ? name.len : 200), (const char *)name.ptr);
}

int joblib_array(struct machine *m, struct value wrapper, struct value state, struct value *out)
{
    const struct pickle_name *n = value_made_by(m, wrapper);
    uint32_t array = pickle_name_find(SPAN_LIT("numpy.core.multiarray"), SPAN_LIT("_reconstruct"));
    int result = RUN_OK;
    if (m->shadow) /* a plain loader makes no array of it */
        return RUN_OK;
    if (n->meaning == PICKLE_JOBLIB_BESIDE)
        name_file(m, state);
    else
        result = read_array(m, state);
    return result < 0 ? result : machine_new(m, KIND_OBJECT, array, NULL, 0, out);
}

/* ── zlib around it ── */

/* "ZF", "0x31f" filled up with blanks to 19 characters. */
static bool take_old_head(struct span *file, uint64_t *size)
{
    struct span field;
    char text[24] = "", *end;
    if (!span_take_prefix(file, SPAN_LIT("ZF0x")) || !span_take(file, 17, &field))
        return false;
    span_take_prefix(file, SPAN_LIT(" ")); /* 20 under Python 2 */
    memcpy(text, field.ptr, field.len);
    *size = strtoull(text, &end, 16);
    if (*end == 'L') /* Python 2 */
        end++;
    return end != text && strspn(end, " ") == strlen(end);
}

static bool begins_like_zlib(struct span s)
{
    return s.len >= 8 && s.ptr[0] == 0x78 && (0x7800U + s.ptr[1]) % 31 == 0 && !(s.ptr[1] & 0x20);
}

/* Is it one whole stream, and nothing behind it? Two bytes say too little: "x^2" is a text, and much begins with them.
 */
static bool inflates(struct span s)
{
    uint8_t chunk[65536];
    uint64_t bytes = 0;
    z_stream z = {0};
    int result = inflateInit(&z);
    while (result == Z_OK && (bytes < (64U << 20) || bytes / LIMIT_UNPACK_RATIO <= s.len)) {
        uInt some = s.len < (1U << 30) ? (uInt)s.len : 1U << 30;
        z.next_in = (Bytef *)(uintptr_t)s.ptr;
        z.avail_in = some;
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        result = inflate(&z, Z_NO_FLUSH);
        span_skip(&s, some - z.avail_in);
        bytes += sizeof chunk - z.avail_out;
    }
    inflateEnd(&z);
    return result == Z_OK || (result == Z_STREAM_END && s.len == 0); /* a bomb is one too */
}

bool joblib_is_deflated(struct span file)
{
    uint64_t size;
    if (take_old_head(&file, &size))
        return true;
    return begins_like_zlib(file) && inflates(file);
}

static int unpack(struct span file, struct buf *out, struct report *r)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)file.ptr};
    size_t left = file.len;
    int result = inflateInit(&z);
    while (result == Z_OK) {
        uInt some = left < (1U << 30) ? (uInt)left : 1U << 30;
        uint8_t *room = buf_room(out, 65536);
        if (!room || (out->len > (64U << 20) && out->len / LIMIT_UNPACK_RATIO > file.len))
            break;
        z.avail_in = some;
        z.next_out = room;
        z.avail_out = 65536;
        result = inflate(&z, Z_NO_FLUSH);
        left -= some - z.avail_in;
        buf_grown(out, 65536 - z.avail_out);
        if (result == Z_BUF_ERROR || (left == 0 && z.avail_out == 65536 && result == Z_OK))
            break;
    }
    inflateEnd(&z);
    if (result == Z_OK && out->len > (64U << 20))
        return report_stop(r, SEVERITY_HIGH, "archive-bomb", "",
                           "unpacks to more than %u times its size, or more than is held", LIMIT_UNPACK_RATIO);
    if (result != Z_STREAM_END)
        return report_stop(r, SEVERITY_HIGH, "archive-broken", "", "the compressed data are broken or end too early");
    if (left > 0)
        return report_stop(r, SEVERITY_HIGH, "archive-trailing", "end", "%zu bytes behind the compressed data", left);
    return 0;
}

void joblib_deflated_check(struct span file, const struct inspect_options *o, struct report *r)
{
    static const char *const suffixes[] = {".z", ".zlib", ".gz", ".gzip"};
    auto_buf bytes = BUF(LIMIT_MEMBER_BYTES);
    char name[4096];
    uint64_t size = UINT64_MAX;
    bool old = take_old_head(&file, &size);
    if (o->depth >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(r, "archive-depth", "", "archives inside archives, more than %u deep", LIMIT_INSPECT_DEPTH);
        return;
    }
    snprintf(name, sizeof name, "%s", o->name);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (span_ends(span_str(name), span_str(suffixes[i])))
            name[strlen(name) - strlen(suffixes[i])] = '\0';
    if (unpack(file, &bytes, r) < 0)
        return;
    if (old && size != bytes.len)
        report_finding(r, SEVERITY_HIGH, "archive-broken", "", "unpacks to %zu bytes, and its head says others",
                       bytes.len);
    inspect_inside(buf_span(&bytes), name, o, r);
}
