#include <stdio.h>

#include "cli/commands.h"
#include "contour/fsck.h"

static void put_lines(struct json_out *w, const char *key, const struct buf *lines)
{
    struct span line, rest = buf_span(lines);
    json_put_array(w, key);
    while (span_take_until(&rest, '\n', &line))
        json_out_span(w, line);
    json_out_array_end(w);
}

static void answer_json(const struct fsck *f)
{
    struct json_out w;
    auto_buf out = BUF(16U << 20);
    command_json(&w, &out, "fsck");
    json_put_string(&w, "result", f->problem_count ? "FAILED" : "PASSED");
    put_lines(&w, "problems", &f->problems);
    put_lines(&w, "notes", &f->notes);
    json_put_uint(&w, "problem_count", f->problem_count);
    json_put_uint(&w, "blobs", f->blobs);
    json_put_uint(&w, "blob_bytes", f->blob_bytes);
    json_put_uint(&w, "releases", f->releases);
    json_put_uint(&w, "evidence", f->evidence);
    json_put_uint(&w, "people", f->people);
    json_put_uint(&w, "tokens", f->tokens);
    json_put_uint(&w, "ledger_entries", f->ledger_entries);
    command_json_end(&w);
}

/* Notes are no problems, and must not be read as such. */
static void print_notes(const struct fsck *f)
{
    struct span line, rest = buf_span(&f->notes);
    while (span_take_until(&rest, '\n', &line))
        printf("note: %.*s\n", (int)line.len, (const char *)line.ptr);
}

static void answer(const struct fsck *f)
{
    struct buf problems = f->problems; /* borrowed: buf_str wants it writable */
    printf("%s", buf_str(&problems));
    print_notes(f);
    printf("%llu blobs (%llu bytes), %llu releases, %llu pieces of evidence, %llu people's records, %llu tokens, "
           "%llu ledger entries: ",
           (unsigned long long)f->blobs, (unsigned long long)f->blob_bytes, (unsigned long long)f->releases,
           (unsigned long long)f->evidence, (unsigned long long)f->people, (unsigned long long)f->tokens,
           (unsigned long long)f->ledger_entries);
    if (f->problem_count)
        printf("%llu problem%s, named above\n", (unsigned long long)f->problem_count, f->problem_count == 1 ? "" : "s");
    else
        printf("all hold\n");
}

/* A folder whose database or configuration cannot even be read is an answer too. */
static int unreadable(struct invocation *in, const struct err *e)
{
    auto_fsck f;
    fsck_init(&f);
    fsck_problem(&f, "%s: %s", in->home, e->msg);
    if (in->json)
        answer_json(&f);
    else
        answer(&f);
    return 1;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    auto_fsck f;
    fsck_init(&f);
    auto_site s = command_site(in, -1, &e);
    if (!s)
        return e.code == ERR_INPUT ? unreadable(in, &e) : command_fail(in, &e);
    if (fsck_run(s, &f, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        answer_json(&f);
    else
        answer(&f);
    return f.problem_count ? 1 : 0;
}

const struct command CMD_FSCK = {
    .name = "fsck",
    .summary = "hash everything again and hold it against everything else",
    .detail =
        "Every blob in the store and in quarantine is hashed; rows are held against files, pointers against their\n"
        "ledger entries, evidence, people, tokens, grants and policy against their signatures, ledger rows against "
        "tiles and the\n"
        "signed checkpoint, access records against their batches. Each thing that is wrong is named on a line of its\n"
        "own. Nothing is changed. Leftovers of interrupted commands are mentioned and are no problem.",
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
