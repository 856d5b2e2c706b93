/* How other commands of the same user find the serve that runs on a contour. Its lock says that it runs, for the kernel
 * lets go of it whatever way serve ends; its file says where it listens. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "cli/serve.h"
#include "util/auto.h"
#include "util/file.h"

/* Shared, for an instant and without making the file: who only looks leaves nothing, and keeps no other looker out. */
static int lock_is_held(int dir, struct err *e)
{
    auto_fd fd = openat(dir, SERVE_LOCK, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "open " SERVE_LOCK);
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? 1 : err_set(e, ERR_IO, errno, "try the lock " SERVE_LOCK);
}

static int read_serve_file(struct span text, struct serve_found *out, struct err *e)
{
    uint64_t port, pid;
    auto_json j = json_parse(text, SERVE_FILE_MAX, SERVE_FILE, e);
    const char *address = j ? json_need_string(j, "address", "", e) : NULL;
    if (!address || json_need_uint(j, "port", "", &port, e) < 0 || json_need_uint(j, "pid", "", &pid, e) < 0 ||
        json_need_time(j, "started", "", &out->started_s, e) < 0)
        return -1;
    snprintf(out->address, sizeof(out->address), "%.63s", address);
    out->port = (uint16_t)port;
    out->pid = pid;
    out->tls = json_is_true(json_object_get(j, "tls"));
    serve_url(out->address, out->port, out->tls, out->url);
    return 0;
}

int serve_look(int dir, struct serve_found *out, struct err *e)
{
    auto_buf text = BUF(SERVE_FILE_MAX);
    *out = (struct serve_found){.pid = 0};
    int held = lock_is_held(dir, e);
    if (held <= 0)
        return held;
    if (file_read(dir, SERVE_FILE, &text, e) < 0)
        return e->code == ERR_NOTFOUND ? 1 : -1;
    return read_serve_file(buf_span(&text), out, e) < 0 ? -1 : 1;
}

int serve_find(int dir, struct serve_found *out, struct err *e)
{
    int runs = serve_look(dir, out, e);
    if (runs < 0)
        return -1;
    if (runs && out->pid)
        return 0;
    err_set(e, ERR_BUSY, 0, runs ? "serve is starting on this contour" : "no serve runs on this contour");
    return err_hint(e, runs ? "Try again in a moment" : "Start it with `airlock serve`");
}

void serve_url(const char *address, uint16_t port, bool tls, char out[SERVE_URL_SIZE])
{
    bool six = strchr(address, ':') != NULL;
    snprintf(out, SERVE_URL_SIZE, "http%s://%s%s%s:%u", tls ? "s" : "", six ? "[" : "", address, six ? "]" : "", port);
}

bool serve_tls(const struct config *c, int dir, struct http_tls *out)
{
    *out = (struct http_tls){.dir = dir, .certificate = c->tls_certificate, .key = c->tls_key};
    return c->tls_certificate[0] != 0;
}
