#include "parse/advisories.h"

#include <ctype.h>
#include <string.h>

const uint32_t ADVISORIES_ROW_BYTES[ADVISORIES_SECTIONS] = {
    [ADVISORIES_STRINGS] = 1,   [ADVISORIES_SOURCES] = 80,  [ADVISORIES_RECORDS] = 48, [ADVISORIES_NAMES] = 12,
    [ADVISORIES_LOOKUP] = 4,    [ADVISORIES_PACKAGES] = 16, [ADVISORIES_ENTRIES] = 16, [ADVISORIES_BODIES] = 1,
    [ADVISORIES_COVERAGE] = 12, [ADVISORIES_KEV] = 16,
};

/* ── opening ── */

static int open_section(struct span file, struct span *header, enum advisories_section s, struct advisories *out,
                        struct err *e)
{
    uint64_t offset;
    uint32_t row;
    if (!span_take_le64(header, &offset) || !span_take_le32(header, &out->counts[s]) || !span_take_le32(header, &row))
        return err_set(e, ERR_INPUT, 0, "snapshot: its header is cut off");
    if (row != ADVISORIES_ROW_BYTES[s] || !span_slice(file, offset, (uint64_t)out->counts[s] * row, &out->sections[s]))
        return err_set(e, ERR_INPUT, 0, "snapshot: section %u does not lie inside of the file", (unsigned)s);
    return 0;
}

int advisories_open(struct span file, struct advisories *out, struct err *e)
{
    struct span header = file;
    uint32_t version, bytes;
    uint64_t size;
    *out = (struct advisories){.file = file};
    if (!span_take_prefix(&header, SPAN_LIT(ADVISORIES_MAGIC)))
        return err_set(e, ERR_INPUT, 0, "no snapshot of advisories: it does not begin with " ADVISORIES_MAGIC);
    if (!span_take_le32(&header, &version) || !span_take_le32(&header, &bytes) || !span_take_le64(&header, &size) ||
        !row_take_i64(&header, &out->newest_s) || !row_take_i64(&header, &out->oldest_s))
        return err_set(e, ERR_INPUT, 0, "snapshot: its header is cut off");
    if (version != ADVISORIES_VERSION || bytes != ADVISORIES_HEADER_BYTES) {
        err_set(e, ERR_INPUT, 0, "snapshot of version %u; this program reads version %u", version, ADVISORIES_VERSION);
        return err_hint(e, "Compile it again from its sources with this program");
    }
    if (size != file.len || size > ADVISORIES_FILE_MAX)
        return err_set(e, ERR_INPUT, 0, "snapshot: %zu bytes, and its header says %llu: it was cut off or added to",
                       file.len, (unsigned long long)size);
    for (unsigned s = 0; s < ADVISORIES_SECTIONS; s++)
        if (open_section(file, &header, (enum advisories_section)s, out, e) < 0)
            return -1;
    if (out->counts[ADVISORIES_RECORDS] == 0)
        return err_set(e, ERR_INPUT, 0, "snapshot: it holds no advisory; nothing can be matched against nothing");
    return 0;
}

/* ── rows ── */

static bool row_at(const struct advisories *a, enum advisories_section s, uint32_t i, struct span *out)
{
    uint32_t bytes = ADVISORIES_ROW_BYTES[s];
    return i < a->counts[s] && span_slice(a->sections[s], (uint64_t)i * bytes, bytes, out);
}

static bool string_at(const struct advisories *a, uint32_t ref, struct span *out)
{
    struct span rest;
    const struct span all = a->sections[ADVISORIES_STRINGS];
    return ref <= all.len && span_slice(all, ref, all.len - ref, &rest) && row_take_text(&rest, out);
}

static bool take_string(const struct advisories *a, struct span *row, struct span *out)
{
    uint32_t ref;
    return span_take_le32(row, &ref) && string_at(a, ref, out);
}

bool advisories_source(const struct advisories *a, uint32_t i, struct advisories_source *out)
{
    struct span row;
    return row_at(a, ADVISORIES_SOURCES, i, &row) && take_string(a, &row, &out->name) &&
           take_string(a, &row, &out->licence) && span_take_le32(&row, &out->kind) &&
           span_take_le32(&row, &out->records) && span_take_le32(&row, &out->refused) &&
           span_take_le32(&row, &out->withdrawn) && span_take_le32(&row, &out->replaced) &&
           span_take_le32(&row, &out->without_packages) && span_take_le32(&row, &out->files) && span_skip(&row, 4) &&
           row_take_i64(&row, &out->date_s) && span_take(&row, 32, &out->digest);
}

bool advisories_record(const struct advisories *a, uint32_t i, struct advisories_record *out)
{
    struct span row;
    uint32_t tenths;
    if (!row_at(a, ADVISORIES_RECORDS, i, &row) || !take_string(a, &row, &out->id) ||
        !take_string(a, &row, &out->summary) || !take_string(a, &row, &out->vector) ||
        !span_take_le32(&row, &out->first_name) || !span_take_le32(&row, &out->name_count) ||
        !span_take_le32(&row, &out->source) || !span_take_le32(&row, &tenths) || !span_take_le32(&row, &out->flags) ||
        !row_take_i64(&row, &out->modified_s) || !row_take_i64(&row, &out->withdrawn_s))
        return false;
    out->tenths = (int16_t)(tenths & 0xffff);
    out->severity = tenths >> 16;
    return out->severity < ADVISORY_SEVERITIES;
}

bool advisories_name(const struct advisories *a, uint32_t i, enum advisory_name_kind *kind, struct span *text,
                     uint32_t *record)
{
    struct span row;
    uint32_t value;
    if (!row_at(a, ADVISORIES_NAMES, i, &row) || !take_string(a, &row, text) || !span_take_le32(&row, record) ||
        !span_take_le32(&row, &value) || value > ADVISORY_NAME_RELATED)
        return false;
    *kind = (enum advisory_name_kind)value;
    return true;
}

bool advisories_package(const struct advisories *a, uint32_t i, struct advisories_package *out)
{
    struct span row;
    return row_at(a, ADVISORIES_PACKAGES, i, &row) && take_string(a, &row, &out->ecosystem) &&
           take_string(a, &row, &out->name) && span_take_le32(&row, &out->first_entry) &&
           span_take_le32(&row, &out->entry_count);
}

bool advisories_entry(const struct advisories *a, uint32_t i, struct advisories_entry *out)
{
    struct span row;
    uint32_t place, len;
    return row_at(a, ADVISORIES_ENTRIES, i, &row) && span_take_le32(&row, &out->record) &&
           take_string(a, &row, &out->release) && span_take_le32(&row, &place) && span_take_le32(&row, &len) &&
           span_slice(a->sections[ADVISORIES_BODIES], place, len, &out->body);
}

bool advisories_coverage(const struct advisories *a, uint32_t i, struct span *ecosystem, struct span *release,
                         uint32_t *entries)
{
    struct span row;
    return row_at(a, ADVISORIES_COVERAGE, i, &row) && take_string(a, &row, ecosystem) &&
           take_string(a, &row, release) && span_take_le32(&row, entries);
}

bool advisories_kev(const struct advisories *a, uint32_t i, struct span *cve, int64_t *day_s)
{
    struct span row;
    return row_at(a, ADVISORIES_KEV, i, &row) && take_string(a, &row, cve) && span_skip(&row, 4) &&
           row_take_i64(&row, day_s);
}

bool advisories_lookup(const struct advisories *a, uint32_t i, enum advisory_name_kind *kind, struct span *text,
                       uint32_t *record)
{
    struct span row;
    uint32_t name;
    return row_at(a, ADVISORIES_LOOKUP, i, &row) && span_take_le32(&row, &name) &&
           advisories_name(a, name, kind, text, record);
}

/* ── searching ── */

struct wanted {
    struct span first, second;
};

static int order_package(const struct advisories *a, const struct wanted *w, uint32_t i, int *order)
{
    struct advisories_package p;
    if (!advisories_package(a, i, &p))
        return -1;
    *order = span_compare(w->first, p.ecosystem);
    if (*order == 0)
        *order = span_compare(w->second, p.name);
    return 0;
}

static int order_coverage(const struct advisories *a, const struct wanted *w, uint32_t i, int *order)
{
    struct span ecosystem, release;
    uint32_t entries;
    if (!advisories_coverage(a, i, &ecosystem, &release, &entries))
        return -1;
    *order = span_compare(w->first, ecosystem);
    if (*order == 0)
        *order = span_compare(w->second, release);
    return 0;
}

int advisories_compare_names(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < common; i++)
        if (toupper(a.ptr[i]) != toupper(b.ptr[i]))
            return toupper(a.ptr[i]) - toupper(b.ptr[i]);
    return (a.len > b.len) - (a.len < b.len);
}

static int order_lookup(const struct advisories *a, const struct wanted *w, uint32_t i, int *order)
{
    enum advisory_name_kind kind;
    struct span text;
    uint32_t record;
    if (!advisories_lookup(a, i, &kind, &text, &record))
        return -1;
    *order = advisories_compare_names(w->first, text);
    return 0;
}

static int order_kev(const struct advisories *a, const struct wanted *w, uint32_t i, int *order)
{
    struct span cve;
    int64_t day;
    if (!advisories_kev(a, i, &cve, &day))
        return -1;
    *order = advisories_compare_names(w->first, cve);
    return 0;
}

/* The first row that does not stand before what is wanted. 1: it is what is wanted; 0: it is another, or the end; -1:
 * damaged. */
static int search(const struct advisories *a, enum advisories_section s,
                  int (*order_of)(const struct advisories *a, const struct wanted *w, uint32_t i, int *order),
                  const struct wanted *w, uint32_t *at)
{
    uint32_t low = 0, high = a->counts[s];
    int order = 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (order_of(a, w, middle, &order) < 0)
            return -1;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    if (low == a->counts[s])
        return 0;
    return order_of(a, w, low, &order) < 0 ? -1 : order == 0;
}

int advisories_find_package(const struct advisories *a, struct span ecosystem, struct span name,
                            struct advisories_package *out)
{
    struct wanted w = {ecosystem, name};
    uint32_t at;
    int found = search(a, ADVISORIES_PACKAGES, order_package, &w, &at);
    if (found > 0 && !advisories_package(a, at, out))
        return -1;
    return found;
}

int advisories_covers(const struct advisories *a, struct span ecosystem, struct span release)
{
    struct wanted w = {ecosystem, release};
    struct span found_ecosystem, found_release;
    uint32_t at, entries;
    int found = search(a, ADVISORIES_COVERAGE, order_coverage, &w, &at);
    if (found != 0 || release.len > 0)
        return found;
    if (at == a->counts[ADVISORIES_COVERAGE])
        return 0;
    if (!advisories_coverage(a, at, &found_ecosystem, &found_release, &entries))
        return -1;
    return span_equal(found_ecosystem, ecosystem);
}

int advisories_find_name(const struct advisories *a, struct span name, uint32_t *first, uint32_t *count)
{
    struct wanted w = {name, name};
    int order = 0, found = search(a, ADVISORIES_LOOKUP, order_lookup, &w, first);
    *count = 0;
    if (found <= 0)
        return found;
    while (*first + *count < a->counts[ADVISORIES_LOOKUP]) {
        if (order_lookup(a, &w, *first + *count, &order) < 0)
            return -1;
        if (order != 0)
            break;
        (*count)++;
    }
    return 1;
}

int advisories_find_kev(const struct advisories *a, struct span cve, int64_t *day_s)
{
    struct wanted w = {cve, cve};
    struct span found_cve;
    uint32_t at;
    int found = search(a, ADVISORIES_KEV, order_kev, &w, &at);
    if (found > 0 && !advisories_kev(a, at, &found_cve, day_s))
        return -1;
    return found;
}
