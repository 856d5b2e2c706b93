/* What the ledger says was received before. The rows of shipments and of trusted metadata say it too, and are asked
 * first; who took them away has not taken the entries away, which are signed into the checkpoint. (A backup of state.db
 * that was put back has older entries only: then the published tiles are ahead of the rows, and nothing more is
 * published; see src/ledger/publish.c.) */
#include <string.h>

#include "ship/receive_internal.h"
#include "util/limits.h"

struct highest {
    const char *station;
    uint64_t sequence, entry;
};

static int look_at_entry(void *arg, uint64_t seq, int64_t time_s, struct span entry)
{
    struct highest *h = arg;
    struct err ignored = {0};
    uint64_t sequence;
    (void)time_s;
    if (!memmem(entry.ptr, entry.len, h->station, strlen(h->station)))
        return 0;
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &ignored);
    if (strcmp(json_get_string(j, "action", ""), "receive") != 0 ||
        strcmp(json_get_string(j, "station", ""), h->station) != 0 ||
        json_need_uint(j, "sequence", "", &sequence, &ignored) < 0)
        return 0;
    if (sequence >= h->sequence) {
        h->sequence = sequence;
        h->entry = seq;
    }
    return 0;
}

int receive_check_ledger(struct receiving *r, struct err *e)
{
    struct highest h = {.station = r->station};
    if (ledger_each(r->s->ledger, 0, INT64_MAX, look_at_entry, &h, e) < 0)
        return -1;
    if (r->doc.sequence > h.sequence)
        return 0;
    err_set(e, ERR_DENIED, 0,
            "number %llu of this station is not newer than number %llu, which was received (ledger entry %llu)",
            (unsigned long long)r->doc.sequence, (unsigned long long)h.sequence, (unsigned long long)h.entry);
    return err_hint(
        e,
        "The database does not know of it any more: somebody changed it, or put back an old copy; run `airlock fsck`");
}
