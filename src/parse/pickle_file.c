/* A file that is a pickle: one, read to its end. What follows STOP is read as pickles again, to say what is there, and
 * is never right. */
#include "parse/pickle.h"

#include <stdio.h>

#include "parse/pickle_machine.h"
#include "parse/torch.h"
#include "util/auto.h"

/* Pickles behind the first that are read to tell what they hold. */
#define STREAMS_MAX 64U

static void write_facts(struct report *r, const struct machine *m, size_t pickles)
{
    json_put_uint(&r->facts, "protocol", m->protocol);
    json_put_uint(&r->facts, "opcodes", m->opcodes);
    json_put_uint(&r->facts, "calls", m->calls);
    json_put_uint(&r->facts, "pickles", pickles);
    if (m->arrays)
        json_put_uint(&r->facts, "arrays", m->arrays);
}

/* What stands behind the pickle. A loader that is called again goes on there. */
static size_t read_behind(struct span file, size_t at, struct report *r)
{
    size_t pickles = 0;
    bool more = at < file.len;
    if (!more)
        return 0;
    char place[48];
    snprintf(place, sizeof place, "byte %zu", at);
    report_stop(r, SEVERITY_HIGH, "pickle-trailing", place,
                "%zu bytes behind the end of the pickle: a loader that is called twice reads on", file.len - at);
    while (more && pickles < STREAMS_MAX) {
        size_t budget = 100000;
        struct span rest;
        span_slice(file, at, file.len - at, &rest);
        if (rest.len == 0 || (rest.ptr[0] != 0x80 && !pickle_walks_to_import(rest, &budget)))
            break;
        auto_machine m = {.file = file, .start = at, .r = r};
        more = machine_run(&m) == 0;
        pickles++;
        at = m.end;
    }
    return pickles;
}

void pickle_check(struct span file, struct report *r)
{
    if (torch_is_stacked(file)) {
        torch_stacked_check(file, r);
        return;
    }
    size_t budget = 4 * file.len + 1000000;
    auto_machine m = {.file = file, .r = r, .joblib = true, .read_budget = &budget};
    int result = machine_run(&m);
    size_t pickles = result == 0 ? 1 + read_behind(file, m.end, r) : 1;
    if (m.storage_count > 0)
        report_finding(r, SEVERITY_LOW, "pickle-storages", "", "names %zu storages of torch that are not in this file",
                       m.storage_count);
    write_facts(r, &m, pickles);
}
