/* The gateway of `serve` with a real contour's access log, in front of one given socket: what bench/gateway measures.
 * No supervisor, so that the stand-in engine needs no release around it.
 *
 *   gateway-host CONTOUR ENGINE.sock       prints its port and a token, and ends when its standard input does
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "ledger/access.h"
#include "site/site.h"
#include "util/file.h"

struct host {
    struct access_log *access;
    struct callers *callers;
    struct door *door;
};

static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    struct host *h = arg;
    return callers_identify(h->callers, token, out, e);
}

static int take(void *arg, const char *environment, const char *name, struct gateway_engine *out, struct err *e)
{
    struct host *h = arg;
    (void)environment;
    (void)e;
    *out = (struct gateway_engine){.release = digest_of(span_str(name)),
                                   .name = "assistant",
                                   .version = "v1.0.0",
                                   .door = h->door,
                                   .system = "You are a helpful assistant. Answer briefly."};
    return 0;
}

static void give(void *arg, struct gateway_engine *g)
{
    (void)arg;
    (void)g;
}

static int each_engine(void *arg, const char *environment, int (*each)(void *each_arg, const struct gateway_engine *g),
                       void *each_arg)
{
    (void)arg;
    (void)environment;
    (void)each;
    (void)each_arg;
    return 0;
}

static int record(void *arg, struct span line, struct err *e)
{
    struct host *h = arg;
    return access_add(h->access, line, NULL, e);
}

/* The stand-in is in no box: it must be found where this process is itself. */
static struct door *open_door(char *socket_path, struct err *e)
{
    char *slash = strrchr(socket_path, '/');
    struct door_place here;
    if (!slash || door_place_of(getpid(), &here) < 0) {
        err_set(e, ERR_USAGE, 0, "%s: wanted FOLDER/ENGINE.sock, and /proc", socket_path);
        return NULL;
    }
    *slash = '\0';
    auto_fd folder = dir_open(AT_FDCWD, socket_path, e);
    return folder < 0 ? NULL : door_new(folder, slash + 1, &here, "stand-in", e);
}

static int host(struct site *site, char *socket_path, struct err *e)
{
    static const char token[] = "bench-token";
    struct http_route routes[GATEWAY_ROUTES];
    struct host h = {.door = open_door(socket_path, e)};
    char byte;
    if (!h.door)
        return -1;
    h.access = access_open(site->dir, site->origin, site->ledger_key, e);
    h.callers = h.access ? callers_open(site->dir, e) : NULL;
    if (!h.callers)
        return -1;
    callers_set_operator(h.callers, span_str(token), "bench");
    struct gateway_options o = {.source = {.callers = {.identify = identify, .arg = &h},
                                           .take = take,
                                           .give = give,
                                           .each = each_engine,
                                           .record = record,
                                           .arg = &h}};
    struct gateway *g = gateway_start(&o, e);
    if (!g)
        return -1;
    struct http_options p = {.address = "127.0.0.1", .routes = routes, .route_count = gateway_routes(g, routes)};
    struct http_server *s = http_start(&p, e);
    if (!s)
        return -1;
    printf("%u %s\n", http_port(s), token);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    http_stop(s, 1000);
    gateway_stop(g);
    callers_close(h.callers);
    access_close(h.access);
    door_free(h.door);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: gateway-host CONTOUR ENGINE.sock\n");
        return 2;
    }
    auto_site site = site_open(argv[1], SITE_CONTOUR, &e);
    if (!site || host(site, argv[2], &e) < 0) {
        fprintf(stderr, "gateway-host: %s\n", e.msg);
        return 1;
    }
    return 0;
}
