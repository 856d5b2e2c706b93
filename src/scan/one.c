/* One file: the request to the helper, and the row that its reply becomes. */
#include <errno.h>
#include <fcntl.h>
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

size_t scan_reserve(struct scan_report *out, const char *path)
{
    new_row(out, path);
    return out->count - 1;
}

/* A row that we write ourselves, with one finding. */
static void fill_own(struct scan_report *out, struct scan_file *f, const char *format, enum verdict verdict,
                     enum severity severity, const char *rule, const char *message)
{
    free(f->format);
    free(f->findings);
    json_decref(f->reply);
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

void scan_fill_unread(struct scan_report *out, size_t row, const char *rule, const char *message)
{
    fill_own(out, &out->files[row], "unknown", VERDICT_NOT_SCANNED, SEVERITY_HIGH, rule, message);
}

void scan_unread(struct scan_report *out, const char *path, const char *rule, const char *message)
{
    scan_fill_unread(out, scan_reserve(out, path), rule, message);
}

void scan_linked(struct scan_report *out, const char *path)
{
    fill_own(out, new_row(out, path), "symlink", VERDICT_OPAQUE, SEVERITY_INFO, "symlink",
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

struct scan_file *scan_fill(struct scan_report *out, size_t row, json_t *reply)
{
    struct err why = {0};
    struct scan_file *f = &out->files[row];
    if (read_reply(f, reply, &why) < 0) {
        f->has_digest = false;
        scan_fill_unread(out, row, "scanner-failed", why.msg);
        return NULL;
    }
    raise_verdict(out, f);
    return f;
}

struct scan_file *scan_take_reply(struct scan_report *out, const char *path, json_t *reply)
{
    return scan_fill(out, scan_reserve(out, path), reply);
}

/* The texts live in the reply, as those of the helper's findings do. */
static const char *keep_text(struct scan_file *f, const char *text)
{
    json_t *own = json_object_get(f->reply, "own"), *kept = json_stringn_nocheck(text, strlen(text));
    if (!own) {
        own = json_array();
        json_object_set_new(f->reply, "own", own);
    }
    if (!kept || json_array_append_new(own, kept) < 0)
        abort();
    return json_string_value(kept);
}

static struct scan_finding *add_finding(struct scan_file *f, enum severity severity, const char *rule,
                                        const char *message)
{
    f->findings = reallocarray(f->findings, f->finding_count + 1, sizeof(*f->findings));
    if (!f->findings)
        abort();
    struct scan_finding *x = &f->findings[f->finding_count++];
    *x = (struct scan_finding){
        .rule = keep_text(f, rule), .severity = severity_name(severity), .at = "", .message = keep_text(f, message)};
    return x;
}

void scan_add_finding(struct scan_report *out, struct scan_file *f, enum severity severity, const char *rule,
                      const char *message)
{
    add_finding(f, severity, rule, message);
    enum verdict least = severity == SEVERITY_CRITICAL ? VERDICT_MALICIOUS : VERDICT_SUSPICIOUS;
    if (severity >= SEVERITY_MEDIUM && f->verdict < least)
        f->verdict = least;
    raise_verdict(out, f);
}

void scan_add_not_scanned(struct scan_report *out, struct scan_file *f, const char *rule, const char *message)
{
    add_finding(f, SEVERITY_HIGH, rule, message)->not_scanned = true;
    if (f->verdict < VERDICT_NOT_SCANNED)
        f->verdict = VERDICT_NOT_SCANNED;
    raise_verdict(out, f);
}

/* ── the request ── */

static char *inspect_arg(const char *name, const struct scan_options *o)
{
    auto_buf arg = BUF(LIMIT_JSON_BYTES);
    struct json_out w;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_bool(&w, "layer", o->layer);
    json_put_bool(&w, "digest", o->digest);
    json_put_bool(&w, "apart", false);
    json_put_array(&w, "templates");
    for (size_t i = 0; i < o->template_count; i++)
        json_out_string(&w, digest_hex(&o->templates[i]).text);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return copy_of(buf_str(&arg));
}

struct scan_look *scan_look_new(struct scanning *s, int fd, const char *path, const char *name)
{
    struct stat st;
    struct scan_look *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->look = (struct look){.op = "inspect", .fd = fd, .name = copy_of(name), .engines = s->engines};
    l->row = scan_reserve(s->out, path);
    if (fstat(fd, &st) == 0)
        s->out->files[l->row].size = (uint64_t)st.st_size;
    return l;
}

/* ── the answer ── */

/* A remembered blob was hashed again: is it still the one that was looked at? */
static json_t *take_hash(struct scan_look *l)
{
    json_t *hash = l->look.reply ? json_object_get(l->look.reply, "sha256") : NULL;
    if (!json_is_string(hash))
        return NULL;
    json_object_set(l->look.known, "sha256", hash);
    return ptr_steal(&l->look.known);
}

/* An answer about the very bytes that the digest names may be remembered, as it came: what we write into it later
 * depends on more. */
static char *rememberable(const struct scanning *s, const struct scan_look *l, const struct scan_file *f)
{
    if (!f || !l->blob || !s->memory || engines_unsure(f->reply) || !f->has_digest ||
        !digest_equal(&f->digest, &l->blob->digest))
        return NULL;
    return json_dumps(f->reply, JSON_COMPACT | JSON_SORT_KEYS);
}

static int finish(struct scanning *s, struct scan_look *l, json_t *reply, bool unchanged, struct err *e)
{
    struct scan_file *f = reply ? scan_fill(s->out, l->row, reply) : NULL;
    if (!reply)
        scan_fill_unread(s->out, l->row, "scanner-failed", l->look.why.msg);
    auto_free char *kept = unchanged ? NULL : rememberable(s, l, f);
    if (f)
        scan_take_engines(s->out, f);
    bool whole = f && (!l->filled || l->filled(s, l, f));
    if (whole && kept && memory_keep(s->memory, &l->memo, l->look.fd, ptr_steal(&kept), e) < 0)
        return -1;
    if (whole && l->remembered && digest_equal(&f->digest, &l->blob->digest)) {
        f->remembered = true;
        s->out->remembered++;
    }
    if (l->blob)
        scan_end_blob(l->blob, s->out, l->row);
    if (s->progress)
        s->progress(s->progress_arg, s->out->files[l->row].size);
    return 0;
}

static int take(void *arg, struct look *look, struct err *e)
{
    struct scanning *s = arg;
    struct scan_look *l = (struct scan_look *)look;
    json_t *reply = l->remembered ? take_hash(l) : ptr_steal(&look->reply);
    int result = 0;
    if (!reply && look->why.code == ERR_SYSTEM) {
        *e = look->why;
        result = -1;
    } else {
        result = finish(s, l, reply, false, e);
    }
    look_free(look);
    return result;
}

/* ── asking ── */

static int put(struct scanning *s, struct scan_look *l, struct err *e)
{
    l->look.take = take;
    if (s->pool)
        return pool_add(s->pool, &l->look, e);
    look_answer(s->parser, &l->look);
    return take(s, &l->look, e);
}

int scan_ask(struct scanning *s, struct scan_look *l, struct err *e)
{
    struct stat st;
    bool same = false;
    if (fstat(l->look.fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        scan_fill_unread(s->out, l->row, "no-file", "is no regular file; only those are read");
        look_free(&l->look);
        return 0;
    }
    if (s->engines)
        engines_add_arg(s->engines, &l->look.arg);
    if (!l->blob || !s->memory)
        return put(s, l, e);
    s->out->blobs++;
    int found = memory_find(s->memory, &l->blob->digest, l->look.op, l->look.arg, l->look.fd, &l->memo, &l->look.known,
                            &same, e);
    l->remembered = found > 0;
    if (l->remembered && !same)
        l->look.op = "hash";
    if (found >= 0 && !(l->remembered && same))
        return put(s, l, e);
    int result = found < 0 ? -1 : finish(s, l, ptr_steal(&l->look.known), true, e);
    look_free(&l->look);
    return result;
}

int scan_ask_inspect(struct scanning *s, struct scan_look *l, const struct scan_options *o, struct err *e)
{
    l->look.arg = inspect_arg(l->look.name, o);
    return scan_ask(s, l, e);
}

int scan_fd(struct child *parser, int fd, const char *path, const char *name, const struct scan_options *o,
            struct scan_report *out, struct err *e)
{
    struct scanning s = {.out = out, .parser = parser, .engines = o->engines};
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        scan_unread(out, path, "unreadable", strerror(errno));
        return 0;
    }
    return scan_ask_inspect(&s, scan_look_new(&s, copy, path, name), o, e);
}
