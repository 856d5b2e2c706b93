/* Start and stop. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/internal.h"
#include "util/clock.h"

/* What a zero in the options means. A pool of 32 KiB a connection: with 10,000 idle ones 330 MB; a head that does not
 * fit is refused with 431. */
#define POOL_BYTES         32768U
#define CONNECTIONS_MAX    12000U
#define UPLOADS_MAX        128U /* each has a thread and a ring: 64 MiB of rings in all */
#define HEADER_DEADLINE_MS 10000U
#define IDLE_MS            75000U
#define MIN_RATE           1024U
#define GRACE_MS           10000U
#define COMMENT_MS         15000U
#define BODY_TOTAL_MAX     (256U << 20)
#define BACKLOG            4096

/* We decode targets ourselves (target.c): the library's way would end a path at %00. */
static size_t leave_escaped(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg;
    (void)mhd;
    return strlen(text);
}

static void on_library_message(void *arg, const char *format, va_list args)
{
    (void)arg;
    (void)format;
    (void)args; /* about broken connections; the counters have them */
}

static int parse_address(const char *address, uint16_t port, bool tls, struct sockaddr_storage *out, socklen_t *len,
                         struct err *e)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *len = sizeof(*v4);
        if (tls || ntohl(v4->sin_addr.s_addr) >> 24 == 127)
            return 0;
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof(*v6);
        if (tls || IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
            return 0;
    } else {
        return err_set(e, ERR_USAGE, 0, "listen address \"%s\": wanted an IP address such as 127.0.0.1", address);
    }
    err_set(e, ERR_DENIED, 0, "listen address %s: any address but loopback needs TLS", address);
    return err_hint(e, "Set tls.certificate and tls.key in airlock.yaml, or listen on 127.0.0.1");
}

int http_address_check(const char *address, bool tls, struct err *e)
{
    struct sockaddr_storage a;
    socklen_t len;
    return parse_address(address, 0, tls, &a, &len, e);
}

int http_listen(const char *address, uint16_t port, bool tls, struct err *e)
{
    struct sockaddr_storage a;
    socklen_t len;
    int one = 1;
    if (parse_address(address, port, tls, &a, &len, e) < 0)
        return -1;
    auto_fd fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "listen on %s", address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, BACKLOG) < 0) {
        err_set(e, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, errno, "listen on %s port %u", address, port);
        return err_hint(e, "Another program may have this port: choose another, or 0 for any free one");
    }
    return fd_steal(&fd);
}

/* The listener, made here or before, and which port it got. */
static int take_listener(struct http_server *s, struct err *e)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    s->listener = s->o.address ? http_listen(s->o.address, s->o.port, s->o.tls != NULL, e) : s->o.listener;
    if (s->listener < 0)
        return -1;
    if (getsockname(s->listener, (struct sockaddr *)&a, &len) < 0)
        return err_set(e, ERR_IO, errno, "ask for the port of a listening socket");
    s->port =
        ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port : ((struct sockaddr_in6 *)&a)->sin6_port);
    return 0;
}

static void set_defaults(struct http_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(loop_threads, n);
    DEFAULT(workers, n < 4 ? 4 : n);
    DEFAULT(uploads_max, UPLOADS_MAX);
    DEFAULT(connections_max, CONNECTIONS_MAX);
    DEFAULT(per_address_max, o->connections_max);
    DEFAULT(header_deadline_ms, HEADER_DEADLINE_MS);
    DEFAULT(idle_ms, IDLE_MS);
    DEFAULT(min_rate, MIN_RATE);
    DEFAULT(grace_ms, GRACE_MS);
    DEFAULT(comment_ms, COMMENT_MS);
    DEFAULT(body_total_max, BODY_TOTAL_MAX);
#undef DEFAULT
}

static struct MHD_Daemon *start_library(struct http_server *s)
{
    struct MHD_OptionItem more[6] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    size_t n = 0;
    if (s->o.loop_threads > 1)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)s->o.loop_threads, NULL};
    if (s->tls) { /* each session then gets the pair that is the present one (tls_begin) */
        flags |= MHD_USE_TLS;
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES};
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)tls_certificate_text(s->tls)};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls_key_text(s->tls)};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, NULL,
                            MHD_OPTION_LISTEN_SOCKET, s->listener, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, s->o.connections_max,
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->o.per_address_max, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                            s, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
                            s, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static void server_free(struct http_server *s)
{
    atomic_store(&s->watchdog_stop, true);
    if (s->watching)
        pthread_join(s->watchdog, NULL);
    pool_stop(&s->workers);
    pool_stop(&s->uploads);
    if (s->mhd)
        MHD_stop_daemon(s->mhd);
    linger_end(s);
    tls_close(s->tls);
    if (s->listener >= 0)
        close(s->listener);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct http_server *http_start(const struct http_options *o, struct err *e)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->o = *o;
    s->listener = -1;
    set_defaults(&s->o);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t by_mono;
    pthread_condattr_init(&by_mono);
    pthread_condattr_setclock(&by_mono, CLOCK_MONOTONIC);
    pthread_cond_init(&s->idle, &by_mono);
    pthread_condattr_destroy(&by_mono);
    int failed = 0;
    pthread_mutex_init(&s->linger.lock, NULL);
    pool_init(&s->workers, s->o.workers);
    pool_init(&s->uploads, s->o.uploads_max);
    if (take_listener(s, e) < 0 || (o->tls && !(s->tls = tls_open(o->tls, e))) || pool_start_all(&s->workers, e) < 0)
        goto fail;
    failed = pthread_create(&s->watchdog, NULL, watchdog_run, s);
    s->watching = failed == 0;
    if (failed) {
        err_set(e, ERR_SYSTEM, failed, "http: starting the watchdog");
        goto fail;
    }
    s->mhd = start_library(s);
    s->o.tls = NULL; /* borrowed until here */
    if (s->tls)
        tls_started(s->tls);
    if (s->mhd)
        return s;
    err_set(e, ERR_SYSTEM, errno, "http: the HTTP library did not start");
fail:
    server_free(s);
    return NULL;
}

void http_tls_reload(struct http_server *s)
{
    atomic_store(&s->tls_now, true);
}

uint16_t http_port(const struct http_server *s)
{
    return s->port;
}

static void wait_for(struct http_server *s, _Atomic uint64_t *what, unsigned wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    struct timespec until = {until_ms / 1000, (long)(until_ms % 1000) * 1000000};
    pthread_mutex_lock(&s->lock);
    while (atomic_load(what) > 0)
        if (pthread_cond_timedwait(&s->idle, &s->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&s->lock);
}

void http_stop(struct http_server *s, unsigned wait_ms)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    MHD_quiesce_daemon(s->mhd); /* the listener is ours to close, when the loops are gone */
    wait_for(s, &s->in_hand, wait_ms);
    atomic_store(&s->cutting, true);
    while (atomic_load(&s->held) > 0)
        wait_for(s, &s->held, 1000);
    server_free(s);
}

void http_counts(struct http_server *s, struct http_counts *out)
{
    *out = (struct http_counts){.requests = s->requests,
                                .refused = s->refused,
                                .cut = s->cut,
                                .connections = s->connections,
                                .in_hand = s->in_hand};
    for (size_t i = 0; i < ARRAY_LEN(out->status); i++)
        out->status[i] = s->status[i];
}
