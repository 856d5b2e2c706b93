#include "contour/fsck.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contour/fsck_internal.h"
#include "ledger/access.h"
#include "scan/memory.h"
#include "util/file.h"

#define REPORT_BYTES (4U << 20)
#define LINES_MAX    10000U /* of each kind; more are counted */

void fsck_init(struct fsck *f)
{
    *f = (struct fsck){.problems = BUF(REPORT_BYTES), .notes = BUF(REPORT_BYTES)};
}

void fsck_fini(struct fsck *f)
{
    buf_fini(&f->problems);
    buf_fini(&f->notes);
}

static void add_line(struct buf *lines, uint64_t *count, const char *format, va_list args)
{
    if (++*count > LINES_MAX)
        return;
    buf_vprintf(lines, format, args);
    buf_add_byte(lines, '\n');
}

void fsck_problem(struct fsck *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_line(&f->problems, &f->problem_count, format, args);
    va_end(args);
}

void fsck_note(struct fsck *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_line(&f->notes, &f->note_count, format, args);
    va_end(args);
}

int fsck_part(struct checking *c, int result, const char *what, const struct err *why)
{
    if (result >= 0)
        return 0;
    bool answer = why->code == ERR_INPUT || why->code == ERR_NOTFOUND || why->code == ERR_LIMIT ||
                  why->code == ERR_DENIED || why->code == ERR_EXISTS;
    if (!answer)
        return err_set(c->e, why->code, 0, "%s: %s", what, why->msg);
    fsck_problem(c->f, "%s: %s", what, why->msg);
    return 0;
}

/* ── ledger ── */

/* Lines of a report, each behind the folder that its files lie in. */
static void take_report(struct fsck *f, const struct buf *report, const char *folder)
{
    struct span line, rest = buf_span(report);
    while (span_take_until(&rest, '\n', &line))
        fsck_problem(f, "%s%.*s", folder, (int)line.len, (const char *)line.ptr);
}

static int check_files(struct checking *c, struct err *why)
{
    auto_buf report = BUF(REPORT_BYTES), vkey = BUF(1024);
    if (site_vkey(c->s, &vkey, why) < 0)
        return -1;
    auto_fd folder = dir_open(c->s->dir, "ledger", why);
    if (folder < 0)
        return -1;
    int holds = ledger_verify(folder, buf_str(&vkey), &report, &c->f->ledger_entries, why);
    take_report(c->f, &report, "ledger/");
    return holds;
}

static int check_rows(struct checking *c, struct err *why)
{
    auto_buf report = BUF(REPORT_BYTES);
    int holds = ledger_verify_rows(c->s->ledger, &report, why);
    take_report(c->f, &report, "");
    uint64_t rows = ledger_size(c->s->ledger);
    if (holds > 0 && rows > c->f->ledger_entries)
        fsck_note(c->f,
                  "ledger/: %llu of %llu entries are published; nothing is lost, and a running serve or the next "
                  "command that writes publishes the rest",
                  (unsigned long long)c->f->ledger_entries, (unsigned long long)rows);
    return holds;
}

static int check_access(struct checking *c, struct err *why)
{
    auto_buf report = BUF(REPORT_BYTES);
    int holds = access_verify(c->s->dir, c->s->ledger, &report, why);
    take_report(c->f, &report, "");
    return holds;
}

int fsck_ledger(struct checking *c)
{
    struct err why = {0};
    if (fsck_part(c, check_files(c, &why), "ledger/", &why) < 0 ||
        fsck_part(c, check_rows(c, &why), "state.db, ledger", &why) < 0)
        return -1;
    return fsck_part(c, check_access(c, &why), "access/", &why);
}

/* ── what is remembered of scans ── */

static void say_unsealed(void *arg, const struct digest *blob)
{
    fsck_problem(arg,
                 "state.db: a remembered scan of the blob %s is not under this site's seal; it is not believed: the "
                 "next scan looks at the blob itself",
                 digest_text(blob).text);
}

static int check_memory(struct checking *c, struct err *why)
{
    uint64_t rows;
    return memory_check(c->s, say_unsealed, c->f, &rows, why);
}

/* ── all of it ── */

int fsck_run(struct site *s, struct fsck *f, struct err *e)
{
    struct checking c = {.s = s, .f = f, .e = e, .store = s->blobs};
    struct err why = {0};
    if (fsck_part(&c, db_check(s->db, &why), "state.db", &why) < 0 ||
        fsck_part(&c, check_memory(&c, &why), "state.db, scans", &why) < 0)
        return -1;
    return fsck_blobs(&c) < 0 || fsck_releases(&c) < 0 || fsck_signed(&c) < 0 || fsck_ledger(&c) < 0 ? -1 : 0;
}
