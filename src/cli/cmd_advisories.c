/* Advisories: compiled, taken over, shown. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/snapshot.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/sys.h"

#define OUTPUT_MAX (64U << 20)

/* ── import --out ── */

static void put_refusals(struct json_out *w, const struct advisories_compiled *c)
{
    json_put_array(w, "refusals");
    for (size_t i = 0; i < c->refusal_count; i++) {
        const struct advisories_refusal *r = &c->refusals[i];
        json_out_object(w);
        json_put_string(w, "source", r->source);
        json_put_string(w, "record", r->name);
        json_put_string(w, "at", r->place);
        json_put_string(w, "reason", r->reason);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

/* The snapshot becomes a file whole and durably. */
static int keep_as_file(int memory, uint64_t bytes, const char *path, struct err *e)
{
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, memory, 0);
    if (map == MAP_FAILED)
        return err_set(e, ERR_SYSTEM, errno, "map the snapshot");
    int result = file_write(AT_FDCWD, path, span_of(map, bytes), 0644, e);
    munmap(map, bytes);
    return result;
}

static void print_compiled(const struct invocation *in, const struct advisories_compiled *c, const char *path)
{
    const struct advisories_counts *n = &c->counts;
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(OUTPUT_MAX);
        command_json(&w, &out, "advisories-import");
        json_put_string(&w, "out", path);
        json_put_digest(&w, "digest", &c->digest);
        json_put_uint(&w, "bytes", c->bytes);
        json_put_uint(&w, "files", n->files);
        json_put_uint(&w, "records", n->records);
        json_put_uint(&w, "withdrawn", n->withdrawn);
        json_put_uint(&w, "without_packages", n->without_packages);
        json_put_uint(&w, "replaced", n->replaced);
        json_put_uint(&w, "kev", n->kev);
        json_put_uint(&w, "refused", n->refused);
        put_refusals(&w, c);
        command_json_end(&w);
        return;
    }
    printf("%s  %llu advisories of %llu files (%llu withdrawn, %llu without a package), %llu refused, %llu exploited\n"
           "  %s, %.1f MiB\n",
           path, (unsigned long long)n->records, (unsigned long long)n->files, (unsigned long long)n->withdrawn,
           (unsigned long long)n->without_packages, (unsigned long long)n->refused, (unsigned long long)n->kev,
           digest_text(&c->digest).text, (double)c->bytes / 1048576.0);
}

static int compile_to_file(struct invocation *in, struct child *parser, const char *path, struct err *e)
{
    auto_advisories_compiled compiled = {0};
    auto_fd memory = memfd_create("advisories", MFD_CLOEXEC);
    if (memory < 0)
        return err_set(e, ERR_SYSTEM, errno, "memory for the snapshot");
    if (snapshot_compile(in, parser, in->argv, (size_t)in->argc, memory, &compiled, e) < 0 ||
        keep_as_file(memory, compiled.bytes, path, e) < 0)
        return -1;
    print_compiled(in, &compiled, path);
    return 0;
}

static int import(struct invocation *in)
{
    struct err e = {0};
    const char *out = option_get(in, "out");
    if (!out)
        return command_usage(in, "wanted --out FILE");
    struct child *parser = child_start(ROLE_PARSE, &e);
    int result = parser ? compile_to_file(in, parser, out, &e) : -1;
    child_stop(parser);
    return result < 0 ? command_fail(in, &e) : 0;
}

/* ── show ── */

static void print_source(const json_t *s, int64_t now_s)
{
    int64_t date_s = 0;
    time_parse(span_str(json_get_string(s, "date", "")), &date_s);
    printf("  ");
    print_clean(json_get_string(s, "name", ""));
    printf("  %s  %lld records, %lld refused, %lld withdrawn, %lld without a package; %s, %s old; ",
           json_get_string(s, "kind", ""), (long long)json_integer_value(json_object_get(s, "records")),
           (long long)json_integer_value(json_object_get(s, "refused")),
           (long long)json_integer_value(json_object_get(s, "withdrawn")),
           (long long)json_integer_value(json_object_get(s, "without_packages")), json_get_string(s, "date", ""),
           age_text(date_s, now_s).text);
    print_clean(json_get_string(s, "licence", ""));
    printf("\n    %s\n", json_get_string(s, "digest", ""));
}

static void print_holdings(const json_t *shown, int64_t now_s)
{
    const json_t *row;
    size_t i;
    printf("%lld advisories about %lld packages, %lld CVEs known to be exploited\n",
           (long long)json_integer_value(json_object_get(shown, "records")),
           (long long)json_integer_value(json_object_get(shown, "packages")),
           (long long)json_integer_value(json_object_get(shown, "kev")));
    json_array_foreach(json_object_get(shown, "sources"), i, row) print_source(row, now_s);
    printf("about:");
    json_array_foreach(json_object_get(shown, "coverage"), i, row)
    {
        const char *release = json_get_string(row, "release", "");
        printf("%s %s%s%s (%lld)", i ? "," : "", json_get_string(row, "ecosystem", ""), release[0] ? ":" : "", release,
               (long long)json_integer_value(json_object_get(row, "entries")));
    }
    putchar('\n');
}

static int show_file(struct invocation *in, struct child *parser, const char *path, struct err *e)
{
    auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, path, e);
    auto_json shown = advisories_show(parser, fd, true, e);
    if (!shown)
        return err_prefix(e, "%s", path);
    if (!in->json) {
        print_holdings(shown, clock_now_s());
        return 0;
    }
    auto_free char *text = json_dumps(shown, JSON_COMPACT);
    puts(text);
    return 0;
}

static int show(struct invocation *in)
{
    struct err e = {0};
    struct child *parser = child_start(ROLE_PARSE, &e);
    int result = parser ? show_file(in, parser, in->argv[0], &e) : -1;
    child_stop(parser);
    return result < 0 ? command_fail(in, &e) : 0;
}

const struct command CMD_ADVISORIES_IMPORT = {
    .name = "advisories import",
    .usage = "FILE|DIR... --out FILE",
    .summary = "compile advisories into one snapshot",
    .options = {{"out", "FILE", "where the snapshot goes", false}},
    .min_args = 1,
    .max_args = -1,
    .run = import,
};

const struct command CMD_ADVISORIES_SHOW = {
    .name = "advisories show",
    .usage = "FILE",
    .summary = "what advisories there are",
    .min_args = 1,
    .max_args = 1,
    .run = show,
};
