/* Access records of the OCI API, of pulls and of pushes. */
#include "registry/oci.h"
#include "util/clock.h"
#include "util/log.h"

static const char *const WHAT[] = {"base", "manifest", "blob", "upload", "tags", "referrers"};

/* Opens the record with what each has. */
static void begin(struct json_out *w, const struct oci *o, int64_t time_s, const char *kind, struct buf *out)
{
    json_out_init(w, out);
    json_out_object(w);
    json_put_time(w, "time", time_s);
    json_put_string(w, "kind", kind);
    json_put_string(w, "person", o->who.person);
    json_put_string(w, "role", o->who.role_name);
    json_put_string(w, "environment", o->path.environment);
    json_put_string(w, "repository", o->path.repository);
    json_put_string(w, "what", WHAT[o->path.what]);
}

static void end(struct json_out *w, unsigned status, uint64_t bytes)
{
    json_put_uint(w, "status", status);
    json_put_uint(w, "bytes", bytes);
    json_out_object_end(w);
}

void pull_record_write(const struct oci *o, int64_t time_s, unsigned status, const struct oci_found *found,
                       uint64_t bytes, struct buf *out)
{
    struct json_out w;
    begin(&w, o, time_s, "pull", out);
    if (found)
        json_put_string(&w, "digest", found->named);
    else if (o->path.by_digest)
        json_put_string(&w, "digest", oci_digest_text(&o->path.digest).text);
    else if (o->path.tag[0])
        json_put_string(&w, "tag", o->path.tag);
    if (found && !found->pushed)
        json_put_digest(&w, "release", &o->release);
    end(&w, status, bytes);
}

void push_record_write(const struct oci *o, int64_t time_s, const char *action, unsigned status, const char *named,
                       uint64_t bytes, struct buf *out)
{
    struct json_out w;
    begin(&w, o, time_s, "push", out);
    json_put_string(&w, "action", action);
    if (named[0])
        json_put_string(&w, "digest", named);
    if (o->path.tag[0])
        json_put_string(&w, "tag", o->path.tag);
    end(&w, status, bytes);
}

static int keep(const struct oci *o, struct buf *line)
{
    struct err e = {0};
    if (o->g->o.record(o->g->o.arg, buf_span(line), &e) == 0)
        return 0;
    log_event(EV_ACCESS_LOST, "repository", o->path.repository, "reason", e.msg, NULL);
    return -1;
}

int pull_record(const struct oci *o, unsigned status, const struct oci_found *found, uint64_t bytes)
{
    auto_buf line = BUF(4096);
    pull_record_write(o, clock_now_s(), status, found, bytes, &line);
    return keep(o, &line);
}

int push_record(const struct oci *o, const char *action, unsigned status, const char *named, uint64_t bytes)
{
    auto_buf line = BUF(4096);
    push_record_write(o, clock_now_s(), action, status, named, bytes, &line);
    return keep(o, &line);
}
