#include <stdio.h>
#include <unistd.h>

#include "collect/collecting.h"

static const struct client CURL = {"curl", "/usr/bin/curl", "curl"};

int fetch_url(struct collecting *c, const struct places *places, int work, const char *url, const char *accept,
              const char *name, struct err *e)
{
    auto_buf header = BUF(1024), out = BUF(1024);
    const char *argv[24] = {"--disable",    "--fail", "--silent",         "--show-error", "--location",
                            "--max-redirs", "5",      "--netrc-optional", "--proto",      "=http,https"};
    size_t n = 10;
    buf_printf(&header, "Accept: %s", accept);
    buf_printf(&out, CLIENT_WORK "/out/%s", name);
    argv[n++] = "--header";
    argv[n++] = buf_str(&header);
    if (faccessat(work, "home/headers", F_OK, 0) == 0) {
        argv[n++] = "--header";
        argv[n++] = "@" CLIENT_WORK "/home/headers";
    }
    argv[n++] = "--output";
    argv[n++] = buf_str(&out);
    argv[n++] = "--";
    argv[n++] = url;
    if (buf_check(&header, "header", e) < 0 || buf_check(&out, "path", e) < 0)
        return -1;
    const struct client_order order = {
        .client = &CURL, .argv = argv, .places = places, .work = work, .keep_output = -1};
    return client_run(&c->clients, &order, e);
}
