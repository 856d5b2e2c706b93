/* Inventories: of what lies at a path, ours; and of others, are they valid. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "parse/sbom_read.h"
#include "sandbox/child.h"
#include "scan/inventory.h"
#include "util/clock.h"

/* The largest document that is read takes seconds; a bomb is ended. */
#define CHECK_TIMEOUT_MS 120000

#define ANSWER_MAX (4U << 20)

/* An inventory of ours: some hundred thousand files. */
#define DOCUMENT_MAX (1U << 30)

static int open_file(const char *path, struct err *e)
{
    struct stat st;
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "open %s", path);
    if (fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "%s: fstat", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_USAGE, 0, "%s is no file; wanted one SBOM document", path);
    return fd_steal(&fd);
}

static void stop(struct child **c)
{
    child_stop(*c);
}

/* Asks the op "sbom-check". New reference, or NULL. */
static json_t *ask(const char *path, struct err *e)
{
    auto_fd fd = open_file(path, e);
    if (fd < 0)
        return NULL;
    AUTO(stop) struct child *parser = child_start(ROLE_PARSE, e);
    if (!parser) {
        e->code = e->code == ERR_SYSTEM ? ERR_UNDECIDED : e->code;
        return NULL;
    }
    struct child_request request = {.op = "sbom-check", .fd = fd, .timeout_ms = CHECK_TIMEOUT_MS};
    return child_call_json(parser, &request, "answer about the SBOM", e);
}

/* ── the answer ── */

static uint64_t count_of(const json_t *reply, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(reply, key));
}

static void print_lines(const char *path, const json_t *reply, const char *list, const char *before)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(reply, list), i, item)
    {
        const char *at = json_get_string(item, "at", "");
        print_clean(path);
        printf(": %s", before);
        print_clean(at[0] ? at : "the document");
        printf(": ");
        print_clean(json_get_string(item, "message", ""));
        printf(" [");
        print_clean(json_get_string(item, "rule", ""));
        printf("]\n");
    }
}

static void print_more(const json_t *reply, const char *list, const char *count)
{
    uint64_t all = count_of(reply, count), shown = json_array_size(json_object_get(reply, list));
    if (all > shown)
        printf("… and %llu more\n", (unsigned long long)(all - shown));
}

static void print_answer(const char *path, const json_t *reply, bool valid)
{
    const char *format = json_get_string(reply, "format", "");
    uint64_t problems = count_of(reply, "problem_count");
    print_lines(path, reply, "problems", "");
    print_more(reply, "problems", "problem_count");
    print_lines(path, reply, "notes", "note: ");
    print_more(reply, "notes", "note_count");
    print_clean(path);
    printf(": %s", valid ? "valid" : "not valid");
    if (format[0]) {
        printf("%s", valid ? " " : " as ");
        print_clean(format);
        putchar(' ');
        print_clean(json_get_string(reply, "version", ""));
    }
    if (!valid)
        printf(": %llu problem%s", (unsigned long long)problems, problems == 1 ? "" : "s");
    putchar('\n');
}

static void put_list(struct json_out *w, const json_t *reply, const char *count, const char *list)
{
    static const char *const members[] = {"at", "rule", "message"};
    const json_t *item;
    size_t i;
    json_put_uint(w, count, count_of(reply, count));
    json_put_array(w, list);
    json_array_foreach(json_object_get(reply, list), i, item)
    {
        json_out_object(w);
        for (size_t m = 0; m < ARRAY_LEN(members); m++)
            json_put_string(w, members[m], json_get_string(item, members[m], ""));
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void answer_json(const char *path, const json_t *reply, bool valid)
{
    struct json_out w;
    auto_buf out = BUF(ANSWER_MAX);
    command_json(&w, &out, "sbom-check");
    json_put_string(&w, "file", path);
    json_put_bool(&w, "valid", valid);
    json_put_string(&w, "format", json_get_string(reply, "format", ""));
    json_put_string(&w, "version", json_get_string(reply, "version", ""));
    put_list(&w, reply, "problem_count", "problems");
    put_list(&w, reply, "note_count", "notes");
    command_json_end(&w);
}

static int run_check(struct invocation *in)
{
    struct err e = {0};
    const char *path = in->argv[0];
    auto_json reply = ask(path, &e);
    if (!reply)
        return command_fail(in, &e);
    /* both must say so: a reply that contradicts itself is none */
    bool valid = json_is_true(json_object_get(reply, "valid")) && count_of(reply, "problem_count") == 0 &&
                 json_get_string(reply, "format", "")[0];
    if (in->json)
        answer_json(path, reply, valid);
    else
        print_answer(path, reply, valid);
    return valid ? 0 : 1;
}

const struct command CMD_SBOM_CHECK = {
    .name = "sbom check",
    .usage = "FILE",
    .summary = "is this SBOM valid: CycloneDX 1.4, 1.5, 1.6 or SPDX 2.2, 2.3, as JSON",
    .detail =
        "Holds the document against the published schema of its version, formats included, and against the rules of "
        "the standard that no schema can say: references lead somewhere, identifiers stand once, hashes have the "
        "length of their algorithm, licence expressions and package URLs can be read, no name stands twice in an "
        "object.\nEach problem is a line: the place as a JSON pointer (RFC 6901), what is wrong, and the rule. A line "
        "that begins with \"note\" is advice of the standard and no problem.\nOther versions and other forms (SPDX 3, "
        "XML, tag-value) are not read, and are refused as such. A document is read up to 32 MiB and 64 levels "
        "deep.\nEnds with 0 when the document is valid, with 1 when it is not, with 6 when that could not be found "
        "out.",
    .min_args = 1,
    .max_args = 1,
    .run = run_check,
};

/* ── an inventory of our own ── */

/* SOURCE_DATE_EPOCH (reproducible-builds.org) where it is set: the same input then gives the same bytes. CycloneDX
 * needs no time and gets none without it; SPDX does. */
static int time_of(bool needed, int64_t *out, struct err *e)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    *out = needed ? clock_now_s() : -1;
    if (!text || !text[0])
        return 0;
    if (!span_decimal(span_str(text), &seconds) || seconds > 253402300799ULL)
        return err_set(e, ERR_USAGE, 0, "SOURCE_DATE_EPOCH is \"%.40s\"; wanted seconds since 1970", text);
    *out = (int64_t)seconds;
    return 0;
}

/* What was found on the way, on stderr: stdout is the document. */
static void print_findings(const struct invocation *in, const struct scan_inventory *v)
{
    for (size_t i = 0; i < v->finding_count && !in->quiet; i++) {
        const struct inventory_finding *f = &v->findings[i];
        if (!f->unread && f->severity < SEVERITY_MEDIUM && !in->verbose)
            continue;
        auto_buf line = BUF(8192);
        buf_printf(&line, "airlock sbom: %s%s%s: %s", f->unread ? "not read: " : "", f->path,
                   f->path[0] ? "" : "the whole", f->message);
        fprint_clean(stderr, buf_str(&line));
        fputc('\n', stderr);
    }
    if (v->sbom.incomplete && !in->quiet)
        fprintf(stderr, "airlock sbom: the inventory is incomplete, and says so; what is named above was not read\n");
}

static int run_inventory(struct invocation *in)
{
    struct err e = {0};
    int (*write_sbom)(const struct sbom *s, struct buf *out, struct err *e);
    const char *format = option_get(in, "format");
    auto_scan_inventory v = {0};
    auto_buf out = BUF(DOCUMENT_MAX);
    int64_t time_s;
    if (!sbom_format_named(format ? format : "cyclonedx", &write_sbom))
        return command_usage(in, "--format %s; wanted cyclonedx or spdx", format);
    if (time_of(write_sbom == sbom_write_spdx, &time_s, &e) < 0 ||
        scan_inventory_path(in->argv[0], time_s, &v, &e) < 0 || write_sbom(&v.sbom, &out, &e) < 0)
        return command_fail(in, &e);
    fwrite(out.ptr, 1, out.len, stdout);
    putchar('\n');
    print_findings(in, &v);
    if (fflush(stdout) != 0) {
        err_set(&e, ERR_IO, errno, "write the inventory");
        return command_fail(in, &e);
    }
    return v.verdict >= VERDICT_SUSPICIOUS ? 1 : 0;
}

const struct command CMD_SBOM = {
    .name = "sbom",
    .usage = "PATH",
    .summary = "the inventory (SBOM) of a directory, image, package or root file system",
    .detail =
        "Finds packages by what their own tools leave behind (package databases, metadata beside installed packages, "
        "build information inside programs, lock files), in every layer of an image, and holds the files that a "
        "package claims against their hashes. PATH is a directory, an OCI image layout, an image as one tar (docker "
        "save, or a layout), an ISO image, a package, or any other file. Files are read in processes that can do "
        "nothing else.\nPrints one document: CycloneDX 1.6 with the ML-BOM of models, or SPDX 2.3. What could not be "
        "read is named on stderr, and the document then says that it is incomplete (CycloneDX: compositions; both: a "
        "comment). What is wrong with what was read (links out of the tree, files that differ from what their "
        "package's "
        "record says, records that are broken) is named there too.\nThe same input gives the same bytes: CycloneDX "
        "gets a timestamp only from SOURCE_DATE_EPOCH; SPDX, "
        "which needs one, from there or from the clock.\nEnds with 1 when something is wrong with what was read; the "
        "document "
        "is printed all the same.",
    .options = {{"format", "FORMAT", "cyclonedx (default) or spdx", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run_inventory,
};
