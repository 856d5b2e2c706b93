/* torch before 1.6 (torch/serialization.py, _legacy_save): five pickles and the storages. */
#include "parse/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/pickle_machine.h"
#include "util/auto.h"

/* The magic number, as LONG1 writes it: ten bytes, little-endian. Computed by a call it would be a call. */
static const uint8_t MAGIC[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

bool torch_is_stacked(struct span file)
{
    uint8_t proto, version;
    uint64_t frame;
    if (!span_take_u8(&file, &proto) || proto != 0x80 || !span_take_u8(&file, &version) || version < 2 || version > 5)
        return false;
    if (span_take_prefix(&file, SPAN_LIT("\x95")) && !span_take_le64(&file, &frame))
        return false;
    return span_starts(file, span_of(MAGIC, sizeof MAGIC));
}

struct stacked {
    struct span file;
    struct report *r;
    size_t at;
};

static int next_pickle(struct stacked *s, struct machine *m)
{
    m->file = s->file;
    m->start = s->at;
    m->r = s->r;
    if (machine_run(m) < 0)
        return -1;
    s->at = m->end;
    return 0;
}

static int wrong(struct stacked *s, const char *what)
{
    char place[48];
    snprintf(place, sizeof place, "byte %zu", s->at);
    return report_stop(s->r, SEVERITY_HIGH, "torch-stacked", place, "%s", what);
}

/* Magic, version 1001, and a dict about the system: little-endian, as we read the counts. */
static int read_head(struct stacked *s)
{
    int64_t version;
    struct value little;
    auto_machine magic = {0}, protocol = {0}, system = {0};
    if (next_pickle(s, &magic) < 0 || next_pickle(s, &protocol) < 0)
        return -1;
    if (!value_int(protocol.top, &version) || version != 1001)
        return wrong(s, "no version 1001 behind the magic number");
    if (next_pickle(s, &system) < 0)
        return -1;
    if (!value_lookup(&system, system.top, "little_endian", &little) || value_kind(little) != KIND_BOOL)
        return wrong(s, "no description of the system behind the version");
    if (value_number(little) != 1)
        return report_not_scanned(s->r, "torch-stacked", "", "written on a big-endian machine, which is not read");
    return 0;
}

/* i64 elements, then the bytes. */
static int read_storage(struct stacked *s, const struct storage *claimed)
{
    struct span rest;
    uint64_t numel, bytes;
    span_slice(s->file, s->at, s->file.len - s->at, &rest);
    if (!span_take_le64(&rest, &numel))
        return wrong(s, "a storage is cut off");
    if (numel != claimed->numel)
        return wrong(s, "a storage has another count of elements than the pickle says");
    if (__builtin_mul_overflow(numel, (uint64_t)claimed->item_size, &bytes) || bytes > rest.len)
        return wrong(s, "a storage is cut off");
    s->at += 8 + (size_t)bytes;
    return 0;
}

static int read_storages(struct stacked *s, struct machine *object, const struct machine *keys)
{
    size_t count;
    const struct value *list = value_kind(keys->top) == KIND_LIST ? value_items(keys, keys->top, &count) : NULL;
    if (!list)
        return wrong(s, "no list of the storages behind the object");
    for (size_t i = 0; i < count; i++) {
        struct span key;
        struct storage *claimed = value_text(keys, list[i], &key) ? torch_claim(object, key) : NULL;
        if (!claimed || claimed->there)
            return wrong(s, "the list names a storage that the object does not have, or one twice");
        claimed->there = true;
        if (read_storage(s, claimed) < 0)
            return -1;
    }
    torch_check_there(object, s->r);
    if (s->at != s->file.len)
        return wrong(s, "bytes behind the last storage");
    return 0;
}

void torch_stacked_check(struct span file, struct report *r)
{
    struct stacked s = {.file = file, .r = r};
    auto_machine object = {0}, keys = {.keep_lists = true};
    if (read_head(&s) < 0 || next_pickle(&s, &object) < 0 || next_pickle(&s, &keys) < 0)
        return;
    torch_check_claims(&object, r);
    if (read_storages(&s, &object, &keys) < 0)
        return;
    json_put_uint(&r->facts, "protocol", object.protocol);
    json_put_uint(&r->facts, "opcodes", object.opcodes);
    json_put_uint(&r->facts, "storages", object.storage_count);
}
