/* The zip form (torch/serialization.py, _save; caffe2/serialize/inline_container.cc). torch's own reader takes no
 * notice of checksums, flags and local headers, which is why zip.c does. */
#include "parse/torch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/pickle.h"
#include "parse/pickle_machine.h"
#include "parse/sniff.h"
#include "parse/zip_file.h"
#include "util/auto.h"

/* A member that says one number or word. */
#define NOTE_BYTES_MAX 64U

/* What is looked at of a storage that begins like a pickle. */
#define NESTED_BYTES_MAX (2U << 20)

/* Objects of a pickle of weights: 64 MiB of it are 20 million opcodes; a real one has less than 1 MiB a shard. */
#define DATA_BYTES_MAX (512U << 20)

/* ── claims ── */

static int by_key(const void *a, const void *b)
{
    const struct storage *x = a, *y = b;
    return span_compare(x->key, y->key);
}

static uint64_t bytes_of(const struct storage *s)
{
    return s->numel * s->item_size; /* 2^55 elements of 16 bytes at most */
}

void torch_check_claims(struct machine *m, struct report *r)
{
    if (m->storage_count == 0)
        return;
    qsort(m->storages, m->storage_count, sizeof *m->storages, by_key);
    for (size_t i = 0; i + 1 < m->storage_count; i++) {
        const struct storage *a = &m->storages[i], *b = a + 1;
        char at[96];
        if (!span_equal(a->key, b->key) || bytes_of(a) == bytes_of(b))
            continue;
        snprintf(at, sizeof at, "byte %zu", b->at);
        report_finding(r, SEVERITY_HIGH, "torch-storage", at,
                       "one storage is said to have %" PRIu64 " and %" PRIu64 " bytes", bytes_of(a), bytes_of(b));
        return;
    }
}

void torch_check_there(const struct machine *m, struct report *r)
{
    for (size_t i = 0; i < m->storage_count; i++) {
        const struct storage *s = &m->storages[i];
        char at[48];
        if (s->there || (i > 0 && span_equal(s->key, s[-1].key))) /* the first of a key stands for all */
            continue;
        snprintf(at, sizeof at, "byte %zu", s->at);
        report_finding(r, SEVERITY_HIGH, "torch-storage", at, "the pickle names a storage that is not there: %.*s",
                       (int)(s->key.len < 100 ? s->key.len : 100), (const char *)s->key.ptr);
        return;
    }
}

struct storage *torch_claim(struct machine *m, struct span key)
{
    struct storage wanted = {.key = key};
    struct storage *found =
        m->storage_count ? bsearch(&wanted, m->storages, m->storage_count, sizeof wanted, by_key) : NULL;
    while (found && found > m->storages && span_equal(found[-1].key, key))
        found--;
    return found;
}

/* ── members ── */

struct checkpoint {
    const struct inspect_options *o;
    struct report *r;
    size_t top_len; /* of "FOLDER/" */
    const char *top;
    struct machine *m;
    size_t storages;
    bool script;
    struct buf room;
};

static bool is_data(const char *path)
{
    const char *slash = strchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "data.pkl") == 0;
}

bool torch_is_zip(const struct zip *z, const char *name)
{
    (void)name;
    for (size_t i = 0; i < z->count; i++)
        if (!z->members[i].folder && is_data(z->members[i].path))
            return true;
    return false;
}

static void read_data(struct checkpoint *c, const struct zip_member *data)
{
    struct span bytes;
    auto_report inner = {0};
    report_init_inside(&inner, c->r, data->path);
    if (zip_bytes(data, &c->room, &bytes, c->r) < 0)
        return;
    *c->m = (struct machine){.file = bytes, .r = &inner};
    if (bytes.len > DATA_BYTES_MAX)
        report_not_scanned(&inner, "pickle-size", "", "a pickle of more than %u bytes is not read", DATA_BYTES_MAX);
    else if (machine_run(c->m) == 0 && c->m->end != bytes.len)
        report_stop(&inner, SEVERITY_HIGH, "pickle-trailing", "", "%zu bytes behind the end of the pickle",
                    bytes.len - c->m->end);
    torch_check_claims(c->m, &inner);
    report_merge(c->r, &inner);
}

/* The bytes of a storage mean nothing, unless they begin like a file of their own: then somebody may take them out. */
static void check_magic(struct checkpoint *c, const char *path, struct span bytes)
{
    size_t budget = NESTED_BYTES_MAX;
    auto_report inner = {0};
    report_init_inside(&inner, c->r, path);
    if (bytes.len > 0 && bytes.ptr[0] == 0x80)
        pickle_look_nested(span_of(bytes.ptr, bytes.len < budget / 2 ? bytes.len : budget / 2), 0, 0, &budget, &inner);
    report_merge(c->r, &inner);
    enum content found = bytes.len < 64 ? CONTENT_BINARY : sniff(bytes, "");
    if (found == CONTENT_ELF || found == CONTENT_ZIP || found == CONTENT_GGUF || found == CONTENT_DOCUMENT)
        report_finding(c->r, SEVERITY_MEDIUM, "torch-storage", path, "the data of a tensor begin like a file (%s)",
                       content_name(found));
}

static void check_storage(struct checkpoint *c, const struct zip_member *m, const char *key)
{
    struct span bytes;
    struct storage *claim = torch_claim(c->m, span_str(key));
    c->storages++;
    if (claim)
        claim->there = true;
    if (!claim)
        report_finding(c->r, SEVERITY_MEDIUM, "torch-storage", m->path, "no tensor of data.pkl has these data");
    else if (bytes_of(claim) != m->size)
        report_finding(c->r, SEVERITY_HIGH, "torch-storage", m->path,
                       "%" PRIu64 " bytes, and data.pkl says that they are %" PRIu64, m->size, bytes_of(claim));
    if (zip_bytes(m, &c->room, &bytes, c->r) == 0)
        check_magic(c, m->path, bytes);
}

/* "little", "3\n", "40 digits": notes that the writer left. */
static void check_note(struct checkpoint *c, const struct zip_member *m, bool word)
{
    struct span s;
    if (zip_bytes(m, &c->room, &s, c->r) < 0)
        return;
    if (span_ends(s, SPAN_LIT("\n")))
        s.len--;
    bool fine = s.len > 0 && s.len <= NOTE_BYTES_MAX;
    for (size_t i = 0; i < s.len && fine && !word; i++)
        fine = s.ptr[i] >= '0' && s.ptr[i] <= '9';
    if (word)
        fine = span_equal_str(s, "little") || span_equal_str(s, "big");
    if (!fine)
        report_finding(c->r, SEVERITY_HIGH, "torch-member", m->path, "does not hold what its name says");
}

/* What TorchScript and packages of torch add: code that the loader compiles and runs. */
static bool is_script(const char *name)
{
    return strncmp(name, "code/", 5) == 0 || strcmp(name, "constants.pkl") == 0 ||
           strncmp(name, "constants/", 10) == 0 || strncmp(name, "ts_code/", 8) == 0 ||
           strncmp(name, ".data/extern_modules", 20) == 0;
}

static void check_member(struct checkpoint *c, const struct zip_member *m)
{
    static const char *const notes[] = {"version", ".data/serialization_id", ".format_version", ".storage_alignment"};
    if (strncmp(m->path, c->top, c->top_len) != 0) {
        if (!m->folder)
            report_finding(c->r, SEVERITY_HIGH, "torch-member", m->path, "lies outside of the checkpoint's own folder");
        zip_member_check(m, c->o, &c->room, c->r);
        return;
    }
    const char *name = m->path + c->top_len;
    if (m->folder || strcmp(name, "data.pkl") == 0)
        return;
    if (strncmp(name, "data/", 5) == 0 && !strchr(name + 5, '/')) {
        check_storage(c, m, name + 5);
        return;
    }
    if (strcmp(name, "byteorder") == 0) {
        check_note(c, m, true);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        if (strcmp(name, notes[i]) == 0) {
            check_note(c, m, false);
            return;
        }
    }
    if (is_script(name))
        c->script = true;
    else
        report_finding(c->r, SEVERITY_MEDIUM, "torch-member", m->path, "is no part of a checkpoint");
    zip_member_check(m, c->o, &c->room, c->r);
}

void torch_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r)
{
    auto_machine m = {0};
    struct checkpoint c = {.o = o, .r = r, .m = &m, .room = BUF(LIMIT_MEMBER_BYTES)};
    auto_buf data_room = BUF(LIMIT_MEMBER_BYTES); /* the pickle's bytes live as long as the machine */
    const struct zip_member *data = NULL;
    for (size_t i = 0; i < z->count; i++) {
        if (z->members[i].folder || !is_data(z->members[i].path))
            continue;
        if (data)
            report_finding(r, SEVERITY_CRITICAL, "torch-member", z->members[i].path,
                           "a second data.pkl: two loaders take two different ones");
        else
            data = &z->members[i];
    }
    if (!data)
        return;
    c.top = data->path;
    c.top_len = strlen(data->path) - strlen("data.pkl");
    struct buf other = c.room;
    c.room = data_room;
    read_data(&c, data);
    data_room = c.room;
    c.room = other;
    for (size_t i = 0; i < z->count; i++)
        check_member(&c, &z->members[i]);
    torch_check_there(&m, r);
    if (c.script)
        report_not_scanned(r, "torch-script", "",
                           "TorchScript: code that the loader compiles and runs, which no reader of ours understands");
    json_put_uint(&r->facts, "protocol", m.protocol);
    json_put_uint(&r->facts, "opcodes", m.opcodes);
    json_put_uint(&r->facts, "storages", c.storages);
    buf_fini(&c.room);
}
