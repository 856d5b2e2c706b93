#include "registry/internal.h"
#include "util/clock.h"
#include "util/log.h"

void pull_record_write(const struct pull *p, int64_t time_s, unsigned status, const struct digest *digest,
                       uint64_t bytes, struct buf *out)
{
    static const char *const what[] = {"base", "manifest", "blob", "tags", "referrers"};
    auto_buf repository = BUF(128);
    struct json_out w;
    buf_printf(&repository, "%s/%s", p->path.environment, p->path.name);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_time(&w, "time", time_s);
    json_put_string(&w, "kind", "pull");
    json_put_string(&w, "person", p->who.person);
    json_put_string(&w, "role", p->who.role_name);
    json_put_string(&w, "environment", p->path.environment);
    json_put_string(&w, "repository", buf_str(&repository));
    json_put_string(&w, "what", what[p->path.what]);
    if (digest)
        json_put_digest(&w, "digest", digest);
    else if (p->path.tag[0])
        json_put_string(&w, "tag", p->path.tag);
    if (status < 400)
        json_put_digest(&w, "release", &p->release);
    json_put_uint(&w, "status", status);
    json_put_uint(&w, "bytes", bytes);
    json_out_object_end(&w);
}

int pull_record(const struct pull *p, unsigned status, const struct digest *digest, uint64_t bytes)
{
    auto_buf line = BUF(4096);
    struct err e = {0};
    pull_record_write(p, clock_now_s(), status, digest, bytes, &line);
    if (p->g->o.record(p->g->o.arg, buf_span(&line), &e) == 0)
        return 0;
    log_event(EV_ACCESS_LOST, "repository", p->path.name, "reason", e.msg, NULL);
    return -1;
}
