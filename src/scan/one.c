/* One file: the request to the helper, and the row that its reply becomes. */
#include <string.h>
#include <sys/stat.h>

#include "scan/internal.h"
#include "util/limits.h"

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static void file_fini(struct scan_file *f)
{
    free(f->path);
    free(f->media_type);
    free(f->format);
    free(f->findings);
    json_decref(f->reply);
}

void scan_report_fini(struct scan_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        file_fini(&r->files[i]);
    free(r->files);
    if (r->packages)
        packages_fini(r->packages);
    free(r->packages);
    *r = (struct scan_report){0};
}

static struct scan_file *new_row(struct scan_report *r, const char *path)
{
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 16;
        r->files = realloc(r->files, r->room * sizeof(*r->files));
        if (!r->files)
            abort();
    }
    struct scan_file *f = &r->files[r->count++];
    *f = (struct scan_file){.path = copy_of(path)};
    return f;
}

static void raise_verdict(struct scan_report *r, const struct scan_file *f)
{
    if (f->verdict > r->verdict)
        r->verdict = f->verdict;
}

/* A row that we write ourselves, with one finding. */
static void add_own(struct scan_report *out, const char *path, const char *format, enum verdict verdict,
                    enum severity severity, const char *rule, const char *message)
{
    struct scan_file *f = new_row(out, path);
    f->format = copy_of(format);
    f->verdict = verdict;
    f->reply = json_pack("{s:s%, s:s%}", "rule", rule, strlen(rule), "message", message, strlen(message));
    f->findings = calloc(1, sizeof(*f->findings));
    if (!f->findings)
        abort();
    f->finding_count = 1;
    f->findings[0] = (struct scan_finding){
        .rule = json_get_string(f->reply, "rule", "unreadable"),
        .severity = severity_name(severity),
        .at = "",
        .message = json_get_string(f->reply, "message", "cannot be read"),
        .not_scanned = verdict == VERDICT_NOT_SCANNED,
    };
    raise_verdict(out, f);
}

void scan_unread(struct scan_report *out, const char *path, const char *rule, const char *message)
{
    add_own(out, path, "unknown", VERDICT_NOT_SCANNED, SEVERITY_HIGH, rule, message);
}

void scan_linked(struct scan_report *out, const char *path)
{
    add_own(out, path, "symlink", VERDICT_OPAQUE, SEVERITY_INFO, "symlink",
            "leads to another file of this folder, which has a row of its own");
}

/* ── the reply ── */

static int read_findings(struct scan_file *f, const json_t *list, struct err *e)
{
    const json_t *item;
    size_t i;
    f->findings = calloc(json_array_size(list) + 1, sizeof(*f->findings));
    if (!f->findings)
        abort();
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        struct scan_finding *x = &f->findings[f->finding_count++];
        if (!(x->rule = json_need_string(item, "rule", "/findings", e)) ||
            !(x->severity = json_need_string(item, "severity", "/findings", e)) ||
            !(x->at = json_need_string(item, "at", "/findings", e)) ||
            !(x->message = json_need_string(item, "message", "/findings", e)))
            return -1;
        x->not_scanned = json_is_true(json_object_get(item, "not-scanned"));
    }
    return 0;
}

/* Takes `reply` over. */
static int read_reply(struct scan_file *f, json_t *reply, struct err *e)
{
    f->reply = reply;
    const char *format = json_need_string(reply, "format", "", e);
    const char *verdict = format ? json_need_string(reply, "verdict", "", e) : NULL;
    const json_t *findings = verdict ? json_need_array(reply, "findings", "", e) : NULL;
    if (!findings || !json_need_object(reply, "facts", "", e))
        return -1;
    if (!verdict_from_name(verdict, &f->verdict))
        return err_set(e, ERR_UNDECIDED, 0, "/verdict: \"%.40s\" is no verdict", verdict);
    f->format = copy_of(format);
    const char *hex = json_get_string(reply, "sha256", NULL);
    f->has_digest = hex && digest_from_hex(span_str(hex), &f->digest);
    return read_findings(f, findings, e);
}

struct scan_file *scan_take_reply(struct scan_report *out, const char *path, json_t *reply)
{
    struct err why = {0};
    struct scan_file f = {.path = copy_of(path)};
    if (read_reply(&f, reply, &why) < 0) {
        file_fini(&f);
        scan_unread(out, path, "scanner-failed", why.msg);
        return NULL;
    }
    struct scan_file *row = new_row(out, "");
    free(row->path);
    *row = f;
    raise_verdict(out, row);
    return row;
}

/* The texts live in the reply, as those of the helper's findings do. */
void scan_add_finding(struct scan_report *out, struct scan_file *f, enum severity severity, const char *rule,
                      const char *message)
{
    json_t *own = json_object_get(f->reply, "own"), *text = json_string(message);
    if (!own) {
        own = json_array();
        json_object_set_new(f->reply, "own", own);
    }
    json_array_append_new(own, text);
    f->findings = reallocarray(f->findings, f->finding_count + 1, sizeof(*f->findings));
    if (!text || !f->findings)
        abort();
    f->findings[f->finding_count++] = (struct scan_finding){
        .rule = rule, .severity = severity_name(severity), .at = "", .message = json_string_value(text)};
    enum verdict least = severity == SEVERITY_CRITICAL ? VERDICT_MALICIOUS : VERDICT_SUSPICIOUS;
    if (severity >= SEVERITY_MEDIUM && f->verdict < least)
        f->verdict = least;
    raise_verdict(out, f);
}

/* ── the request ── */

static void write_arg(struct buf *arg, const char *name, const struct scan_options *o, bool apart)
{
    buf_clear(arg);
    struct json_out w;
    json_out_init(&w, arg);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_bool(&w, "layer", o->layer);
    json_put_bool(&w, "digest", o->digest);
    json_put_bool(&w, "apart", apart);
    json_put_bool(&w, "known_templates_only", o->known_templates_only);
    json_put_array(&w, "templates");
    for (size_t i = 0; i < o->template_count; i++)
        json_out_string(&w, digest_hex(&o->templates[i]).text);
    json_out_array_end(&w);
    json_out_object_end(&w);
}

/* Is there a part of it that only a process of its own reads (parse/hdf5.h)? */
static bool wants_apart(const json_t *reply)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get((json_t *)(uintptr_t)reply, "findings"), i, finding)
    {
        if (strcmp(json_get_string(finding, "rule", ""), "hdf5-apart") == 0)
            return true;
    }
    return false;
}

/* Looks again, in a process that is thrown away afterwards: what it says of this file can taint no other's verdict. */
static json_t *ask_apart(int fd, const char *name, const struct scan_options *o, struct err *why)
{
    auto_buf arg = BUF(LIMIT_JSON_BYTES);
    struct child *own = child_start(ROLE_PARSE, why);
    if (!own)
        return NULL;
    write_arg(&arg, name, o, true);
    struct child_request request = {.op = "inspect", .fd = fd, .arg = buf_span(&arg), .timeout_ms = SCAN_TIMEOUT_MS};
    json_t *reply = child_call_json(own, &request, name, why);
    child_stop(own);
    return reply;
}

int scan_fd(struct child *parser, int fd, const char *path, const char *name, const struct scan_options *o,
            struct scan_report *out, struct err *e)
{
    auto_buf arg = BUF(LIMIT_JSON_BYTES);
    struct stat st;
    struct err why = {0};
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        scan_unread(out, path, "no-file", "is no regular file; only those are read");
        return 0;
    }
    write_arg(&arg, name, o, false);
    struct child_request request = {.op = "inspect", .fd = fd, .arg = buf_span(&arg), .timeout_ms = SCAN_TIMEOUT_MS};
    json_t *reply = child_call_json(parser, &request, name, &why);
    if (reply && wants_apart(reply)) {
        json_decref(reply);
        reply = ask_apart(fd, name, o, &why);
    }
    if (!reply && why.code == ERR_SYSTEM) {
        *e = why;
        return -1;
    }
    if (!reply) {
        scan_unread(out, path, "scanner-failed", why.msg);
        return 0;
    }
    struct scan_file *row = scan_take_reply(out, path, reply);
    if (row)
        row->size = (uint64_t)st.st_size;
    return 0;
}
