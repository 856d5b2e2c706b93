#include "parse/zip_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/document.h"
#include "parse/keras.h"
#include "parse/numpy.h"
#include "parse/skops.h"
#include "parse/sniff.h"
#include "parse/tar.h"
#include "parse/torch.h"

/* The first that says yes has it. */
static const struct zip_container CONTAINERS[] = {
    {keras_is_zip, keras_zip_check},
    {skops_is_zip, skops_zip_check},
    {torch_is_zip, torch_zip_check},
    {numpy_is_zip, numpy_zip_check},
};

/* Below this no ratio is asked: some MB of zeros are no bomb. */
#define RATIO_FROM         (8ULL << 20)
#define PACKAGE_RATIO_FROM (64ULL << 20)

/* Deeper than any tree that people work in. */
#define LIMIT_ZIP_FOLDERS 128U

/* ── the strict profile ── */

static int by_path(const void *a, const void *b)
{
    const struct zip_member *const *x = a, *const *y = b;
    return strcasecmp((*x)->path, (*y)->path);
}

/* Does a member have the first `len` bytes of `path` as its own path, and is a file? */
static bool is_file(const struct zip *z, const struct zip_member *const *sorted, const char *path, size_t len)
{
    size_t from = 0, to = z->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const char *other = sorted[middle]->path;
        int order = strncasecmp(other, path, len);
        if (order == 0 && other[len] == '\0')
            return !sorted[middle]->folder;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

static int check_parents(const struct zip *z, const struct zip_member *const *sorted, const char *path,
                         struct report *r)
{
    unsigned depth = 0;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (++depth > LIMIT_ZIP_FOLDERS)
            return report_stop(r, SEVERITY_HIGH, "zip-path", path, "folders inside each other, more than %u deep",
                               LIMIT_ZIP_FOLDERS);
        if (is_file(z, sorted, path, (size_t)(slash - path)))
            return report_stop(r, SEVERITY_HIGH, "zip-path", path, "lies behind a path that is a file of its own");
    }
    return 0;
}

static int check_paths(const struct zip *z, struct report *r)
{
    auto_free const struct zip_member **sorted = calloc(z->count + 1, sizeof *sorted);
    if (!sorted)
        abort();
    for (size_t i = 0; i < z->count; i++)
        sorted[i] = &z->members[i];
    qsort(sorted, z->count, sizeof *sorted, by_path);
    for (size_t i = 0; i + 1 < z->count; i++)
        if (strcasecmp(sorted[i]->path, sorted[i + 1]->path) == 0)
            return report_stop(r, SEVERITY_HIGH, "zip-case", sorted[i]->path,
                               "another member has the same path where upper and lower case are one");
    for (size_t i = 0; i < z->count; i++)
        if (check_parents(z, sorted, z->members[i].path, r) < 0)
            return -1;
    return 0;
}

static uint64_t unpacked_bytes(const struct zip *z)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < z->count; i++)
        if (__builtin_add_overflow(sum, z->members[i].size, &sum))
            return UINT64_MAX;
    return sum;
}

static uint64_t packed_bytes(const struct zip *z)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < z->count; i++)
        sum += z->members[i].raw.len; /* parts of one file */
    return sum;
}

static int check_ratio(const struct zip *z, uint64_t from, struct report *r)
{
    uint64_t bytes = unpacked_bytes(z);
    if (bytes <= from || bytes / LIMIT_UNPACK_RATIO <= packed_bytes(z))
        return 0;
    return report_stop(r, SEVERITY_HIGH, "archive-bomb", "", "unpacks to more than %u times its size",
                       LIMIT_UNPACK_RATIO);
}

int zip_strict(const struct zip *z, struct report *r)
{
    if (z->count == 0)
        return report_stop(r, SEVERITY_HIGH, "zip-broken", "", "an archive without members");
    return check_paths(z, r) < 0 ? -1 : check_ratio(z, RATIO_FROM, r);
}

/* ── members ── */

void zip_member_check(const struct zip_member *m, const struct inspect_options *o, struct buf *room, struct report *r)
{
    struct inspect_options inner = *o;
    struct span bytes;
    inner.executable = m->mode & 0111U;
    if (!m->folder && zip_bytes(m, room, &bytes, r) == 0)
        inspect_inside(bytes, m->path, &inner, r);
}

void zip_members_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    for (size_t i = 0; i < z->count; i++)
        zip_member_check(&z->members[i], o, &room, r);
}

/* ── what kind of zip file ── */

/* A zip file inside a plain one hides what is in it from those who look one archive deep. One whose name says that it
 * is a container of another kind (a checkpoint, a package) hides nothing. Its members are looked at in either case. */
static void plain_member_check(const struct zip_member *m, const struct inspect_options *o, struct buf *room,
                               struct report *r)
{
    bool kept = false;
    enum content promised;
    struct inspect_options inner = *o;
    struct span bytes, name = span_str(m->path);
    inner.executable = m->mode & 0111U;
    if (m->folder || zip_bytes(m, room, &bytes, r) < 0)
        return;
    if (span_starts(bytes, SPAN_LIT("PK\3\4")) || span_starts(bytes, SPAN_LIT("PK\5\6"))) {
        bool named = sniff_promise(m->path, CONTENT_ZIP, &kept, &promised) && kept;
        bool plain = name.len > 4 && strcasecmp(m->path + name.len - 4, ".zip") == 0;
        if ((!named || plain) && !span_ends(name, SPAN_LIT(".bin")))
            report_finding(r, SEVERITY_MEDIUM, "zip-nested", m->path, "a zip file inside a zip file");
    }
    inspect_inside(bytes, m->path, &inner, r);
}

static void plain_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_buf room = BUF(LIMIT_MEMBER_BYTES);
    bool document = document_is_zip(z);
    for (size_t i = 0; i < z->count; i++)
        if (!document || !document_owns(z->members[i].path))
            plain_member_check(&z->members[i], o, &room, r);
}

/* A vendored bundle: nothing but wheels. One artifact, whose wheels are looked at one by one. */
static bool is_bundle(const struct zip *z)
{
    bool wheels = z->count > 0;
    for (size_t i = 0; i < z->count && wheels; i++)
        wheels = !z->members[i].folder && span_ends(span_str(z->members[i].path), SPAN_LIT(".whl"));
    return wheels;
}

/* Of a package: its own reader knows what may be in it. */
static void package_members_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    if (check_ratio(z, PACKAGE_RATIO_FROM, r) == 0)
        zip_members_check(z, o, r);
}

static void model_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    if (zip_strict(z, r) < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(CONTAINERS); i++) {
        if (CONTAINERS[i].is(z, o->name)) {
            CONTAINERS[i].check(z, o, r);
            return;
        }
    }
    plain_check(z, o, r);
    if (document_is_zip(z))
        document_zip_check(z, r);
}

void zip_file_check(struct span file, const struct inspect_options *o, struct report *r)
{
    auto_zip z = {0};
    if (o->depth >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(r, "archive-depth", "", "archives inside archives, more than %u deep", LIMIT_INSPECT_DEPTH);
        return;
    }
    if (zip_open(file, &z, r) < 0)
        return;
    json_put_uint(&r->facts, "members", z.count);
    uint64_t bytes = unpacked_bytes(&z);
    json_put_uint(&r->facts, "bytes", bytes < INT64_MAX ? bytes : INT64_MAX);
    if (o->stands || (o->depth == 0 && is_bundle(&z)))
        package_members_check(&z, o, r);
    else
        model_check(&z, o, r);
}
