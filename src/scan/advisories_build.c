/* What sources say, kept: strings once each, records by their ids. */
#include <stdlib.h>
#include <string.h>

#include "scan/advisories_internal.h"

/* Places in a snapshot are 32 bits. */
#define HEAP_BYTES_MAX (1U << 30)

void build_init(struct build *b)
{
    *b = (struct build){
        .strings = BUF(HEAP_BYTES_MAX),
        .bodies = BUF(HEAP_BYTES_MAX),
        .sources.size = sizeof(struct build_source),
        .records.size = sizeof(struct build_record),
        .names.size = sizeof(struct build_name),
        .entries.size = sizeof(struct build_entry),
        .kev.size = sizeof(struct build_kev),
    };
}

void build_fini(struct build *b)
{
    buf_fini(&b->strings);
    buf_fini(&b->bodies);
    free(b->slots);
    free(b->owner);
    free(b->sources.rows);
    free(b->records.rows);
    free(b->names.rows);
    free(b->entries.rows);
    free(b->kev.rows);
    *b = (struct build){0};
}

void *build_add(struct build_list *l)
{
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 256;
        l->rows = realloc(l->rows, l->room * l->size);
        if (!l->rows)
            abort();
    }
    void *row = (char *)l->rows + l->count++ * l->size;
    memset(row, 0, l->size);
    return row;
}

/* ── strings ── */

struct span build_text(const struct build *b, uint32_t ref)
{
    const uint8_t *at = b->strings.ptr + ref;
    return span_of(at + 2, (size_t)at[0] | (size_t)at[1] << 8);
}

static uint64_t hash_of(struct span text)
{
    uint64_t h = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.ptr[i]) * 1099511628211U;
    return h ^ h >> 29;
}

/* The place of `text` in the table: its own, or an empty one. */
static size_t slot_of(const struct build *b, struct span text)
{
    size_t at = hash_of(text) & (b->slot_count - 1);
    while (b->slots[at] && !span_equal(build_text(b, b->slots[at] - 1), text))
        at = (at + 1) & (b->slot_count - 1);
    return at;
}

static void grow_table(struct build *b)
{
    uint32_t *slots = b->slots, *owner = b->owner;
    size_t count = b->slot_count;
    b->slot_count = count ? count * 2 : 4096;
    b->slots = calloc(b->slot_count, sizeof(*b->slots));
    b->owner = calloc(b->slot_count, sizeof(*b->owner));
    if (!b->slots || !b->owner)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (!slots[i])
            continue;
        size_t at = slot_of(b, build_text(b, slots[i] - 1));
        b->slots[at] = slots[i];
        b->owner[at] = owner[i];
    }
    free(slots);
    free(owner);
}

static size_t keep(struct build *b, struct span text)
{
    if (b->string_count * 2 >= b->slot_count)
        grow_table(b);
    size_t at = slot_of(b, text);
    if (b->slots[at])
        return at;
    uint32_t ref = (uint32_t)b->strings.len;
    row_text(&b->strings, text);
    if (buf_ok(&b->strings)) {
        b->slots[at] = ref + 1;
        b->string_count++;
    }
    return at;
}

uint32_t build_string(struct build *b, struct span text)
{
    size_t at = keep(b, text);
    return b->slots[at] ? b->slots[at] - 1 : 0;
}

/* ── records ── */

static void add_licence(struct build_source *s, struct span licence)
{
    size_t used = strlen(s->licences);
    if (licence.len == 0 || licence.len > 40 || memmem(s->licences, used, licence.ptr, licence.len) ||
        used + licence.len + 6 > sizeof(s->licences))
        return;
    snprintf(s->licences + used, sizeof(s->licences) - used, "%s%.*s", used ? " AND " : "", (int)licence.len,
             (const char *)licence.ptr);
}

static struct build_source *source_now(struct build *b)
{
    return &BUILD_ROWS(b, sources, struct build_source)[b->sources.count - 1];
}

static void add_names(struct build *b, const struct advisory_row *row, uint32_t record)
{
    struct span names = row->names, text;
    enum advisory_name_kind kind;
    for (unsigned i = 0; i < row->name_count && advisory_row_name(&names, &kind, &text); i++) {
        struct build_name *n = build_add(&b->names);
        *n = (struct build_name){build_string(b, text), record, kind};
    }
}

static void add_packages(struct build *b, const struct advisory_row *row, uint32_t record)
{
    struct span packages = row->packages;
    struct advisory_row_package p;
    for (unsigned i = 0; i < row->package_count && advisory_row_package(&packages, &p); i++) {
        struct build_entry *entry = build_add(&b->entries);
        *entry = (struct build_entry){
            .ecosystem = build_string(b, p.ecosystem),
            .name = build_string(b, p.name),
            .release = build_string(b, p.release),
            .record = record,
            .body = (uint32_t)b->bodies.len,
            .body_bytes = (uint32_t)p.body.len,
        };
        buf_add_span(&b->bodies, p.body);
    }
}

/* What the databases say of themselves, where their records do not: by the beginning of their ids. */
static struct span licence_of(const struct advisory_row *row)
{
    static const struct {
        const char *prefix, *licence;
    } known[] = {
        {"GHSA-", "CC-BY-4.0"},   {"PYSEC-", "CC-BY-4.0"},
        {"GO-", "CC-BY-4.0"},     {"RUSTSEC-", "CC0-1.0"},
        {"PSF-", "CC-BY-4.0"},    {"OSV-", "CC-BY-4.0"},
        {"MAL-", "Apache-2.0"},   {"BIT-", "Apache-2.0"},
        {"ALSA-", "MIT"},         {"ALBA-", "MIT"},
        {"ALEA-", "MIT"},         {"RLSA-", "BSD-3-Clause"},
        {"USN-", "CC-BY-SA-4.0"}, {"UBUNTU-CVE-", "CC-BY-SA-4.0"},
    };
    if (row->licence.len > 0)
        return row->licence;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_starts(row->id, span_str(known[i].prefix)))
            return span_str(known[i].licence);
    return span_of(NULL, 0);
}

static void count_record(struct build_source *s, const struct advisory_row *row)
{
    s->records++;
    s->withdrawn += row->withdrawn_s != 0;
    s->without_packages += row->package_count == 0;
    add_licence(s, licence_of(row));
}

static void new_record(struct build *b, const struct advisory_row *row, size_t slot)
{
    uint32_t record = (uint32_t)b->records.count;
    b->owner[slot] = record + 1;
    struct build_record *r = build_add(&b->records);
    *r = (struct build_record){
        .id = b->slots[slot] - 1,
        .source = (uint32_t)b->sources.count - 1,
        .modified_s = row->modified_s,
        .withdrawn_s = row->withdrawn_s,
        .severity = row->severity,
        .flags = row->flags,
        .tenths = row->tenths,
    };
    r->summary = build_string(b, row->summary);
    r->vector = build_string(b, row->vector);
    struct build_name *n = build_add(&b->names);
    *n = (struct build_name){r->id, record, ADVISORY_NAME_ID};
    add_names(b, row, record);
    add_packages(b, row, record);
    count_record(source_now(b), row);
}

/* A record that is there: more of it, or a newer or older one. */
static void known_record(struct build *b, const struct advisory_row *row, size_t slot)
{
    uint32_t number = b->owner[slot] - 1;
    struct build_record *known = &BUILD_ROWS(b, records, struct build_record)[number];
    if ((row->flags & ADVISORY_FLAG_MERGE) && known->source == b->sources.count - 1) {
        add_packages(b, row, number);
        return;
    }
    if (row->modified_s <= known->modified_s) {
        source_now(b)->replaced++;
        if (row->modified_s == known->modified_s) { /* two of one time say nothing against each other: both hold */
            add_names(b, row, number);
            add_packages(b, row, number);
        }
        return;
    }
    known->replaced = true;
    struct build_source *before = &BUILD_ROWS(b, sources, struct build_source)[known->source];
    before->records--;
    before->replaced++;
    new_record(b, row, slot);
}

int build_take(struct build *b, const struct advisory_row *row, struct err *e)
{
    if (row->kind == ADVISORY_KEV) {
        struct build_kev *k = build_add(&b->kev);
        *k = (struct build_kev){build_string(b, row->id), row->modified_s};
        source_now(b)->records++;
    } else {
        size_t slot = keep(b, row->id);
        if (!b->slots[slot])
            return buf_check(&b->strings, "the texts of all advisories", e);
        (b->owner[slot] ? known_record : new_record)(b, row, slot);
    }
    if (buf_check(&b->strings, "the texts of all advisories", e) < 0)
        return -1;
    return buf_check(&b->bodies, "the versions of all advisories", e);
}
