/* Advisories: compiled, taken over, shown. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/rematched.h"
#include "cli/snapshot.h"
#include "contour/ref.h"
#include "trust/role_document.h"
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

static void print_compiled(const struct invocation *in, const struct advisories_compiled *c, const char *path,
                           bool is_signed)
{
    const struct advisories_counts *n = &c->counts;
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(OUTPUT_MAX);
        command_json(&w, &out, "advisories-import");
        json_put_string(&w, "out", path);
        json_put_bool(&w, "signed", is_signed);
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
    printf("%s  %llu advisories of %llu files (%llu withdrawn, %llu without a package), %llu refused, %llu CVEs known "
           "to be exploited\n  %s, %.1f MiB\n",
           path, (unsigned long long)n->records, (unsigned long long)n->files, (unsigned long long)n->withdrawn,
           (unsigned long long)n->without_packages, (unsigned long long)n->refused, (unsigned long long)n->kev,
           digest_text(&c->digest).text, (double)c->bytes / 1048576.0);
    printf(is_signed ? "  signed: %s" ARTIFACT_SIGNATURE_SUFFIX "\n"
                     : "  not signed: %s is for `airlock match` only; "
                       "a station signs for contours\n",
           path);
}

/* A station signs what it compiled; anywhere else the snapshot is for whoever compiled it. */
static int sign_file(struct invocation *in, int snapshot, const struct digest *id, const char *path, bool *done,
                     struct err *e)
{
    auto_buf signature = BUF(ROLE_DOCUMENT_BYTES);
    char beside[4096];
    struct err none = {0};
    *done = false;
    auto_site station = site_open(in->home, SITE_STATION, &none);
    if (!station && none.code == ERR_NOTFOUND && !option_given(in, "sign"))
        return 0;
    if (!station)
        return err_set(e, none.code, none.sys_errno, "%s", none.msg);
    snprintf(beside, sizeof(beside), "%s" ARTIFACT_SIGNATURE_SUFFIX, path);
    if (advisories_sign(station, snapshot, id, &signature, e) < 0 ||
        file_write(AT_FDCWD, beside, buf_span(&signature), 0644, e) < 0)
        return -1;
    *done = true;
    return 0;
}

static int compile_to_file(struct invocation *in, struct child *parser, const char *path, struct err *e)
{
    auto_advisories_compiled compiled = {0};
    bool is_signed;
    auto_fd memory = memfd_create("advisories", MFD_CLOEXEC);
    if (memory < 0)
        return err_set(e, ERR_SYSTEM, errno, "memory for the snapshot");
    if (snapshot_compile(in, parser, in->argv, (size_t)in->argc, memory, &compiled, e) < 0 ||
        keep_as_file(memory, compiled.bytes, path, e) < 0 ||
        sign_file(in, memory, &compiled.digest, path, &is_signed, e) < 0)
        return -1;
    print_compiled(in, &compiled, path, is_signed);
    return 0;
}

/* ── import into a contour ── */

static int match_all(struct invocation *in, struct site *s, const struct advisories_in_force *f, struct err *e)
{
    struct json_out w;
    auto_buf out = BUF(OUTPUT_MAX);
    if (!in->json) {
        printf("in force: %s, signed %s by station %.16s\n", digest_text(&f->digest).text, time_text(f->issued_s).text,
               f->station);
        return rematch_and_tell(s, f, NULL, e);
    }
    command_json(&w, &out, "advisories-import");
    json_put_digest(&w, "digest", &f->digest);
    json_put_string(&w, "station", f->station);
    json_put_time(&w, "issued", f->issued_s);
    json_put_time(&w, "imported", f->imported_s);
    json_put_string(&w, "date", json_get_string(f->said, "date", ""));
    json_put_uint(&w, "records", (uint64_t)json_integer_value(json_object_get(f->said, "records")));
    json_put_array(&w, "releases");
    if (rematch_and_tell(s, f, &w, e) < 0)
        return -1;
    json_out_array_end(&w);
    command_json_end(&w);
    return 0;
}

/* What a shipment brought was taken in as it came; this completes the matching, when it was interrupted. */
static int match_again(struct invocation *in, uint64_t shipment, struct err *e)
{
    auto_in_force now = {.fd = -1};
    auto_site site = command_site(in, SITE_CONTOUR, e);
    if (!site || advisories_in_force(site, true, &now, e) < 0)
        return -1;
    if (now.shipment == shipment)
        return match_all(in, site, &now, e);
    err_set(e, ERR_NOTFOUND, 0, "the advisories in force did not come in shipment:%llu", (unsigned long long)shipment);
    return err_hint(e, "A shipment's advisories are taken in by `airlock receive`, unless newer ones are here; "
                       "`airlock advisories show` says where those in force came from");
}

static int take_into(struct invocation *in, const char *path, struct err *e)
{
    auto_buf signature = BUF(ROLE_DOCUMENT_BYTES);
    auto_in_force now = {.fd = -1};
    char beside[4096];
    const char *named = option_get(in, "signature");
    snprintf(beside, sizeof(beside), "%s" ARTIFACT_SIGNATURE_SUFFIX, path);
    auto_site site = command_site(in, SITE_CONTOUR, e);
    if (!site)
        return -1;
    auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, "open", e);
    if (!advisories_is_snapshot(fd)) {
        err_set(e, ERR_INPUT, 0, "%s is no snapshot of advisories", path);
        return err_hint(e, "A contour takes a snapshot that a station compiled and signed: `airlock advisories import "
                           "SOURCE... --out FILE` there; --out FILE here compiles one for `airlock match`");
    }
    if (file_read(AT_FDCWD, named ? named : beside, &signature, e) < 0) {
        if (e->code == ERR_NOTFOUND)
            err_hint(e, "The station writes it beside the snapshot; carry both");
        return -1;
    }
    if (advisories_take(site, fd, buf_span(&signature), &now, e) < 0)
        return err_prefix(e, "%s", path);
    return match_all(in, site, &now, e);
}

static int import(struct invocation *in)
{
    struct err e = {0};
    uint64_t shipment;
    const char *out = option_get(in, "out");
    if (!out && in->argc > 1)
        return command_usage(in, "a contour takes one snapshot; --out FILE compiles several sources into one");
    if (!out && ref_is_shipment(in->argv[0], &shipment) && access(in->argv[0], F_OK) < 0)
        return match_again(in, shipment, &e) < 0 ? command_fail(in, &e) : 0;
    if (!out)
        return take_into(in, in->argv[0], &e) < 0 ? command_fail(in, &e) : 0;
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

static int print_shown(json_t *shown, const struct advisories_in_force *f, struct err *e)
{
    struct json_out w;
    auto_buf out = BUF(OUTPUT_MAX);
    const char *key;
    json_t *value;
    command_json(&w, &out, "advisories");
    if (f) {
        json_put_digest(&w, "digest", &f->digest);
        json_put_string(&w, "station", f->station);
        json_put_time(&w, "issued", f->issued_s);
        json_put_time(&w, "imported", f->imported_s);
        if (f->shipment)
            json_put_uint(&w, "shipment", f->shipment);
    }
    json_object_foreach(shown, key, value)
    {
        auto_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_out_key(&w, key);
        json_out_raw(&w, text ? span_str(text) : SPAN_LIT("null"));
    }
    if (buf_check(&out, "the answer", e) < 0)
        return -1;
    command_json_end(&w);
    return 0;
}

static int show_file(struct invocation *in, struct child *parser, const char *path, struct err *e)
{
    auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, "open", e);
    auto_json shown = advisories_show(parser, fd, true, e);
    if (!shown)
        return err_prefix(e, "%s", path);
    if (in->json)
        return print_shown(shown, NULL, e);
    print_holdings(shown, clock_now_s());
    return 0;
}

static int show_in_force(struct invocation *in, struct err *e)
{
    auto_in_force now = {.fd = -1};
    auto_site site = command_site(in, SITE_CONTOUR, e);
    if (!site || advisories_in_force(site, true, &now, e) < 0)
        return -1;
    auto_json shown = advisories_show(site_parser(site, e), now.fd, false, e);
    if (!shown)
        return -1;
    if (in->json)
        return print_shown(shown, &now, e);
    printf("in force since %s: %s, signed %s by station %.16s", time_text(now.imported_s).text,
           digest_text(&now.digest).text, time_text(now.issued_s).text, now.station);
    if (now.shipment)
        printf(", out of shipment:%llu", (unsigned long long)now.shipment);
    putchar('\n');
    print_holdings(shown, site->now_s);
    return 0;
}

static int show(struct invocation *in)
{
    struct err e = {0};
    if (in->argc == 0)
        return show_in_force(in, &e) < 0 ? command_fail(in, &e) : 0;
    struct child *parser = child_start(ROLE_PARSE, &e);
    int result = parser ? show_file(in, parser, in->argv[0], &e) : -1;
    child_stop(parser);
    return result < 0 ? command_fail(in, &e) : 0;
}

const struct command CMD_ADVISORIES_IMPORT = {
    .name = "advisories import",
    .usage = "FILE | shipment:N | SOURCE... --out FILE",
    .summary = "compile advisories into a snapshot; take a signed one into a contour",
    .detail =
        "With --out, each SOURCE is what a database of advisories exports: a zip, a folder or a record of OSV (records "
        "of malicious packages too), the JSON of Debian's security tracker, or the KEV catalogue; together they are "
        "compiled into one snapshot. A record that is broken is refused with its name, its place and the reason, and "
        "counted; a source of which nothing can be taken ends the command. The same sources make the same bytes. When "
        "--home is a station, FILE.sig is written beside it: the signature of the station's role `advisories`.\n"
        "Without --out, a contour takes in the snapshot FILE with FILE.sig: the signature must be that of a station "
        "that is trusted here, and neither it nor the advisories may be older than what is in force. Then every "
        "release "
        "that lies here is matched again, from the inventory of its last scan; no artifact is read. A snapshot that "
        "comes in a shipment (`airlock ship --advisories FILE`) is taken in by `airlock receive`, likewise; shipment:N "
        "only completes the matching, when that was interrupted.\nEnds with 3 when "
        "a source, the snapshot or its signature cannot be taken, with 5 when it is expired or older.",
    .options = {{"out", "FILE", "compile the sources into this file", false},
                {"sign", NULL, "with --out: it is an error when --home is no station", false},
                {"signature", "FILE", "the signature, when it does not stand in FILE.sig", false}},
    .min_args = 1,
    .max_args = -1,
    .run = import,
};

const struct command CMD_ADVISORIES_SHOW = {
    .name = "advisories show",
    .usage = "[FILE]",
    .summary = "which advisories are in force, or in a snapshot: sources, age, counts",
    .detail =
        "Without FILE what is in force in the contour; its bytes are hashed and held against the contour's own "
        "signature. Of a FILE every row is checked. Of each source: name, records, refused and withdrawn ones, the "
        "date of its newest record, licence, digest.",
    .min_args = 0,
    .max_args = 1,
    .run = show,
};
