/* A snapshot put in order and written: header, then the sections in the order of enum advisories_section, each on a
 * multiple of eight bytes (docs/formats/advisories.md). Only bytes are compared here; what a version means was decided
 * when its record was read. */
#include <stdlib.h>
#include <string.h>

#include "scan/advisories_internal.h"
#include "util/file.h"

struct writing {
    struct build *b;
    uint32_t *order; /* owned: old number of each record that stays, in the order of ids */
    uint32_t *place; /* owned: new number of each old record; UINT32_MAX: it went */
    uint32_t record_count;
    uint32_t *first_name, *name_count; /* owned; by new number */
    struct buf sections[ADVISORIES_SECTIONS];
};

static void *list_of(size_t count, size_t size)
{
    void *list = calloc(count + 1, size);
    if (!list)
        abort();
    return list;
}

static const struct build_record *record_of(const struct writing *w, uint32_t old)
{
    return &BUILD_ROWS(w->b, records, struct build_record)[old];
}

static int compare_strings(const struct build *b, uint32_t a, uint32_t c)
{
    return a == c ? 0 : span_compare(build_text(b, a), build_text(b, c));
}

/* ── records ── */

static int by_id(const void *a, const void *c, void *arg)
{
    const struct writing *w = arg;
    return compare_strings(w->b, record_of(w, *(const uint32_t *)a)->id, record_of(w, *(const uint32_t *)c)->id);
}

static void order_records(struct writing *w)
{
    size_t count = w->b->records.count;
    w->order = list_of(count, sizeof(*w->order));
    w->place = list_of(count, sizeof(*w->place));
    for (uint32_t i = 0; i < count; i++) {
        w->place[i] = UINT32_MAX;
        if (!record_of(w, i)->replaced)
            w->order[w->record_count++] = i;
    }
    qsort_r(w->order, w->record_count, sizeof(*w->order), by_id, w);
    for (uint32_t i = 0; i < w->record_count; i++)
        w->place[w->order[i]] = i;
}

/* ── names ── */

static int by_record(const void *a, const void *c, void *arg)
{
    const struct build_name *x = a, *y = c;
    if (x->record != y->record)
        return x->record < y->record ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return compare_strings(arg, x->text, y->text);
}

/* Of one record each name once, in its nearest kind; record numbers become the new ones. */
static void order_names(struct writing *w)
{
    struct build_name *names = BUILD_ROWS(w->b, names, struct build_name);
    size_t kept = 0;
    for (size_t i = 0; i < w->b->names.count; i++) {
        uint32_t place = w->place[names[i].record];
        if (place != UINT32_MAX) {
            names[kept] = names[i];
            names[kept++].record = place;
        }
    }
    qsort_r(names, kept, sizeof(*names), by_record, w->b);
    w->first_name = list_of(w->record_count, sizeof(*w->first_name));
    w->name_count = list_of(w->record_count, sizeof(*w->name_count));
    w->b->names.count = 0;
    for (size_t i = 0; i < kept; i++) {
        uint32_t record = names[i].record;
        bool again = false;
        if (w->name_count[record] == 0)
            w->first_name[record] = (uint32_t)w->b->names.count;
        for (uint32_t k = 0; k < w->name_count[record]; k++)
            again = again || names[w->first_name[record] + k].text == names[i].text;
        if (again)
            continue;
        w->name_count[record]++;
        names[w->b->names.count++] = names[i];
    }
}

static void put_names(struct writing *w)
{
    const struct build_name *names = BUILD_ROWS(w->b, names, struct build_name);
    struct buf *out = &w->sections[ADVISORIES_NAMES];
    for (size_t i = 0; i < w->b->names.count; i++) {
        row_u32(out, names[i].text);
        row_u32(out, names[i].record);
        row_u32(out, names[i].kind);
    }
}

static int by_text(const void *a, const void *c, void *arg)
{
    const struct writing *w = arg;
    const struct build_name *names = BUILD_ROWS(w->b, names, struct build_name);
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)c;
    int order = names[x].text == names[y].text
                    ? 0
                    : advisories_compare_names(build_text(w->b, names[x].text), build_text(w->b, names[y].text));
    return order ? order : x < y ? -1 : 1;
}

static void put_lookup(struct writing *w)
{
    size_t count = w->b->names.count;
    auto_free uint32_t *list = list_of(count, sizeof(*list));
    for (uint32_t i = 0; i < count; i++)
        list[i] = i;
    qsort_r(list, count, sizeof(*list), by_text, w);
    for (size_t i = 0; i < count; i++)
        row_u32(&w->sections[ADVISORIES_LOOKUP], list[i]);
}

/* ── exploited ── */

static int by_cve(const void *a, const void *c, void *arg)
{
    const struct build_kev *x = a, *y = c;
    int order = compare_strings(arg, x->cve, y->cve);
    return order ? order : (x->day_s > y->day_s) - (x->day_s < y->day_s);
}

static void put_kev(struct writing *w)
{
    struct build_kev *kev = BUILD_ROWS(w->b, kev, struct build_kev);
    size_t kept = 0;
    if (w->b->kev.count == 0)
        return;
    qsort_r(kev, w->b->kev.count, w->b->kev.size, by_cve, w->b);
    for (size_t i = 0; i < w->b->kev.count; i++)
        if (kept == 0 || kev[kept - 1].cve != kev[i].cve)
            kev[kept++] = kev[i];
    w->b->kev.count = kept;
    for (size_t i = 0; i < kept; i++) {
        row_u32(&w->sections[ADVISORIES_KEV], kev[i].cve);
        row_u32(&w->sections[ADVISORIES_KEV], 0);
        row_i64(&w->sections[ADVISORIES_KEV], kev[i].day_s);
    }
}

static bool is_exploited(const struct writing *w, uint32_t record)
{
    const struct build_name *names = BUILD_ROWS(w->b, names, struct build_name) + w->first_name[record];
    const struct build_kev *kev = BUILD_ROWS(w->b, kev, struct build_kev);
    for (uint32_t i = 0; i < w->name_count[record]; i++) {
        size_t low = 0, high = w->b->kev.count;
        while (names[i].kind != ADVISORY_NAME_RELATED && low < high) {
            size_t middle = low + (high - low) / 2;
            int order = compare_strings(w->b, names[i].text, kev[middle].cve);
            if (order == 0)
                return true;
            if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
    }
    return false;
}

static void put_records(struct writing *w)
{
    struct buf *out = &w->sections[ADVISORIES_RECORDS];
    for (uint32_t i = 0; i < w->record_count; i++) {
        const struct build_record *r = record_of(w, w->order[i]);
        unsigned flags = (r->flags & ADVISORY_FLAG_MALICIOUS) | (is_exploited(w, i) ? ADVISORIES_FLAG_KEV : 0);
        row_u32(out, r->id);
        row_u32(out, r->summary);
        row_u32(out, r->vector);
        row_u32(out, w->first_name[i]);
        row_u32(out, w->name_count[i]);
        row_u32(out, r->source);
        row_u32(out, r->severity << 16 | ((unsigned)r->tenths & 0xffff));
        row_u32(out, flags);
        row_i64(out, r->modified_s);
        row_i64(out, r->withdrawn_s);
    }
}

/* ── packages ── */

static struct span body_of(const struct build *b, const struct build_entry *e)
{
    return span_of(b->bodies.ptr + e->body, e->body_bytes);
}

static int by_package(const void *a, const void *c, void *arg)
{
    const struct build_entry *x = a, *y = c;
    const struct build *b = arg;
    int order = compare_strings(b, x->ecosystem, y->ecosystem);
    if (order == 0)
        order = compare_strings(b, x->name, y->name);
    if (order == 0)
        order = (x->record > y->record) - (x->record < y->record);
    if (order == 0)
        order = compare_strings(b, x->release, y->release);
    return order ? order : span_compare(body_of(b, x), body_of(b, y));
}

static void order_entries(struct writing *w)
{
    struct build_entry *entries = BUILD_ROWS(w->b, entries, struct build_entry);
    size_t live = 0, kept = 0;
    for (size_t i = 0; i < w->b->entries.count; i++) {
        uint32_t place = w->place[entries[i].record];
        if (place == UINT32_MAX)
            continue;
        entries[live] = entries[i];
        entries[live++].record = place;
    }
    qsort_r(entries, live, sizeof(*entries), by_package, w->b);
    for (size_t i = 0; i < live; i++)
        if (kept == 0 || by_package(&entries[kept - 1], &entries[i], w->b) != 0)
            entries[kept++] = entries[i];
    w->b->entries.count = kept;
}

static void put_entries(struct writing *w)
{
    const struct build_entry *entries = BUILD_ROWS(w->b, entries, struct build_entry);
    struct buf *bodies = &w->sections[ADVISORIES_BODIES];
    for (size_t i = 0; i < w->b->entries.count; i++) {
        row_u32(&w->sections[ADVISORIES_ENTRIES], entries[i].record);
        row_u32(&w->sections[ADVISORIES_ENTRIES], entries[i].release);
        row_u32(&w->sections[ADVISORIES_ENTRIES], (uint32_t)bodies->len);
        row_u32(&w->sections[ADVISORIES_ENTRIES], entries[i].body_bytes);
        buf_add_span(bodies, body_of(w->b, &entries[i]));
    }
}

static void put_packages(struct writing *w)
{
    const struct build_entry *entries = BUILD_ROWS(w->b, entries, struct build_entry);
    struct buf *out = &w->sections[ADVISORIES_PACKAGES];
    for (size_t i = 0, next; i < w->b->entries.count; i = next) {
        for (next = i + 1; next < w->b->entries.count && entries[next].ecosystem == entries[i].ecosystem &&
                           entries[next].name == entries[i].name;)
            next++;
        row_u32(out, entries[i].ecosystem);
        row_u32(out, entries[i].name);
        row_u32(out, (uint32_t)i);
        row_u32(out, (uint32_t)(next - i));
    }
}

struct covered {
    uint32_t ecosystem, release, entries;
};

static int by_release(const void *a, const void *c, void *arg)
{
    const struct covered *x = a, *y = c;
    int order = compare_strings(arg, x->ecosystem, y->ecosystem);
    return order ? order : compare_strings(arg, x->release, y->release);
}

static void put_coverage(struct writing *w)
{
    const struct build_entry *entries = BUILD_ROWS(w->b, entries, struct build_entry);
    auto_free struct covered *list = list_of(w->b->entries.count, sizeof(*list));
    size_t count = w->b->entries.count, next;
    for (size_t i = 0; i < count; i++)
        list[i] = (struct covered){entries[i].ecosystem, entries[i].release, 1};
    qsort_r(list, count, sizeof(*list), by_release, w->b);
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && by_release(&list[i], &list[next], w->b) == 0;)
            next++;
        row_u32(&w->sections[ADVISORIES_COVERAGE], list[i].ecosystem);
        row_u32(&w->sections[ADVISORIES_COVERAGE], list[i].release);
        row_u32(&w->sections[ADVISORIES_COVERAGE], (uint32_t)(next - i));
    }
}

/* ── sources ── */

static void put_sources(struct writing *w, int64_t *newest_s, int64_t *oldest_s)
{
    const struct build_source *s = BUILD_ROWS(w->b, sources, struct build_source);
    struct buf *out = &w->sections[ADVISORIES_SOURCES];
    *newest_s = *oldest_s = s[0].date_s;
    for (size_t i = 0; i < w->b->sources.count; i++) {
        const uint32_t numbers[] = {s[i].name,     s[i].licence,
                                    s[i].kind,     s[i].records,
                                    s[i].refused,  s[i].withdrawn,
                                    s[i].replaced, s[i].without_packages,
                                    s[i].files,    0};
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
            row_u32(out, numbers[k]);
        row_i64(out, s[i].date_s);
        buf_add(out, s[i].digest.bytes, DIGEST_SIZE);
        if (s[i].date_s > *newest_s)
            *newest_s = s[i].date_s;
        if (s[i].date_s < *oldest_s)
            *oldest_s = s[i].date_s;
    }
}

/* ── the file ── */

static size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

static void put_header(const struct writing *w, int64_t newest_s, int64_t oldest_s, struct buf *out)
{
    uint64_t at = ADVISORIES_HEADER_BYTES, end = at;
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++)
        end += padded(w->sections[s].len);
    buf_add_str(out, ADVISORIES_MAGIC);
    row_u32(out, ADVISORIES_VERSION);
    row_u32(out, ADVISORIES_HEADER_BYTES);
    row_i64(out, (int64_t)end);
    row_i64(out, newest_s);
    row_i64(out, oldest_s);
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++) {
        row_i64(out, (int64_t)at);
        row_u32(out, (uint32_t)(w->sections[s].len / ADVISORIES_ROW_BYTES[s]));
        row_u32(out, ADVISORIES_ROW_BYTES[s]);
        at += padded(w->sections[s].len);
    }
}

/* Bytes that make a section's length a multiple of eight. */
static struct span padding_of(const struct buf *section)
{
    static const uint8_t zeros[8];
    return span_of(zeros, padded(section->len) - section->len);
}

static struct digest digest_of_sections(const struct writing *w)
{
    struct sha256 *h = sha256_new();
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++) {
        struct span padding = padding_of(&w->sections[s]);
        sha256_add(h, w->sections[s].ptr, w->sections[s].len);
        sha256_add(h, padding.ptr, padding.len);
    }
    return sha256_finish(h);
}

static int write_bytes(int fd, struct span bytes, struct sha256 *h, struct advisories_compiled *out, struct err *e)
{
    sha256_add(h, bytes.ptr, bytes.len);
    out->bytes += bytes.len;
    return file_write_all(fd, bytes, "the snapshot of advisories", e);
}

static int write_file(const struct writing *w, int fd, int64_t newest_s, int64_t oldest_s,
                      struct advisories_compiled *out, struct err *e)
{
    auto_buf header = BUF(ADVISORIES_HEADER_BYTES);
    struct digest rest = digest_of_sections(w);
    put_header(w, newest_s, oldest_s, &header);
    buf_add(&header, rest.bytes, DIGEST_SIZE);
    if (buf_check(&header, "the header of the snapshot", e) < 0 || header.len != ADVISORIES_HEADER_BYTES)
        return -1;
    struct sha256 *h = sha256_new();
    int result = write_bytes(fd, buf_span(&header), h, out, e);
    for (unsigned s = 0; s < ADVISORIES_SECTIONS && result == 0; s++) {
        result = write_bytes(fd, buf_span(&w->sections[s]), h, out, e);
        if (result == 0)
            result = write_bytes(fd, padding_of(&w->sections[s]), h, out, e);
    }
    out->digest = sha256_finish(h);
    return result;
}

static int write_all(struct writing *w, int fd, struct advisories_compiled *out, struct err *e)
{
    int64_t newest_s, oldest_s;
    order_records(w);
    order_names(w);
    order_entries(w);
    put_kev(w);
    put_records(w);
    put_names(w);
    put_lookup(w);
    put_packages(w);
    put_entries(w);
    put_coverage(w);
    put_sources(w, &newest_s, &oldest_s);
    buf_add_span(&w->sections[ADVISORIES_STRINGS], buf_span(&w->b->strings));
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++)
        if (buf_check(&w->sections[s], "a section of the snapshot", e) < 0)
            return -1;
    return write_file(w, fd, newest_s, oldest_s, out, e);
}

int build_write(struct build *b, int fd, struct advisories_compiled *out, struct err *e)
{
    struct writing w = {.b = b};
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++)
        w.sections[s] = BUF(1U << 30);
    int result = write_all(&w, fd, out, e);
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++)
        buf_fini(&w.sections[s]);
    free(w.order);
    free(w.place);
    free(w.first_name);
    free(w.name_count);
    return result;
}
