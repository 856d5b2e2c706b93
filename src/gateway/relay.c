/* libcurl's multi interface in its socket form: it says which descriptors and which time it waits for, this thread
 * waits on epoll, so that the cost of an event does not grow with the number of requests in flight. Other threads hand
 * over through two lists under one lock, and an eventfd. */
#include "gateway/relay.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sandbox/door_curl.h"
#include "util/clock.h"

#define SPARE_HANDLES  256U
#define IDLE_SOCKETS   256L /* kept open to engines */
#define CONNECT_MS     5000L
#define WHOLE_ANSWER_S 3600L /* a long answer of a slow machine; the client's own patience is shorter */
#define EVENTS_AT_ONCE 64

struct exchange {
    struct relay *relay;
    struct exchange_hooks hooks;
    CURL *easy;
    struct door *door;
    struct door_call call;
    char *url; /* owned */
    struct span body;
    int64_t spent_ns;
    bool paused, ended; /* ended: by a hook's -1 */
    bool early;         /* signalled before it began */
    struct exchange *next_posted;
    struct exchange *next_signalled, *prev_signalled;
    bool signalled;               /* in the list; under lock */
    struct exchange *next, *prev; /* all in flight; the relay's thread only */
};

struct relay {
    CURLM *multi;
    int epoll, wake;
    int64_t due_ms; /* when libcurl wants to be called; -1: not */
    struct curl_slist *headers;
    CURL *spare[SPARE_HANDLES];
    size_t spare_count;
    struct exchange *flying;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;
    struct exchange *posted, **posted_last;
    struct exchange *signalled;
    bool stop;
};

/* ── handing over ── */

static void wake(struct relay *r)
{
    uint64_t one = 1;
    ssize_t n = write(r->wake, &one, sizeof(one));
    (void)n; /* full means that it is awake */
}

struct exchange *exchange_new(struct relay *r, struct door *door, const char *path, struct span body,
                              const struct exchange_hooks *hooks)
{
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x || asprintf(&x->url, "http://engine%s", path) < 0)
        abort();
    x->relay = r;
    x->door = door;
    x->body = body;
    x->hooks = *hooks;
    return x;
}

void exchange_post(struct exchange *x)
{
    struct relay *r = x->relay;
    pthread_mutex_lock(&r->lock);
    *r->posted_last = x;
    r->posted_last = &x->next_posted;
    pthread_mutex_unlock(&r->lock);
    wake(r);
}

void exchange_signal(struct exchange *x)
{
    struct relay *r = x->relay;
    pthread_mutex_lock(&r->lock);
    bool fresh = !x->signalled;
    if (fresh) {
        x->signalled = true;
        x->prev_signalled = NULL;
        x->next_signalled = r->signalled;
        if (r->signalled)
            r->signalled->prev_signalled = x;
        r->signalled = x;
    }
    pthread_mutex_unlock(&r->lock);
    if (fresh)
        wake(r);
}

static void unsignal_locked(struct relay *r, struct exchange *x)
{
    if (!x->signalled)
        return;
    x->signalled = false;
    if (x->next_signalled)
        x->next_signalled->prev_signalled = x->prev_signalled;
    *(x->prev_signalled ? &x->prev_signalled->next_signalled : &r->signalled) = x->next_signalled;
}

/* ── one exchange ── */

static void finish(struct exchange *x, unsigned status, const struct err *e)
{
    struct relay *r = x->relay;
    if (x->easy) {
        curl_multi_remove_handle(r->multi, x->easy);
        door_call_end(&x->call);
        curl_easy_reset(x->easy);
        if (r->spare_count < SPARE_HANDLES)
            r->spare[r->spare_count++] = x->easy;
        else
            curl_easy_cleanup(x->easy);
    }
    if (x->next)
        x->next->prev = x->prev;
    *(x->prev ? &x->prev->next : &r->flying) = x->next;
    x->hooks.done(x->hooks.arg, status, x->spent_ns, e); /* after it nobody signals any more */
    pthread_mutex_lock(&r->lock);
    unsignal_locked(r, x);
    pthread_mutex_unlock(&r->lock);
    free(x->url);
    free(x);
}

static unsigned status_of(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status > 0 && status < 1000 ? (unsigned)status : 0;
}

static size_t on_bytes(char *bytes, size_t one, size_t len, void *arg)
{
    struct exchange *x = arg;
    (void)one;
    int result = x->hooks.bytes(x->hooks.arg, status_of(x->easy), span_of(bytes, len));
    if (result > 0) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->ended = x->ended || result < 0;
    return result < 0 && len > 0 ? 0 : len;
}

static void configure(struct exchange *x)
{
    CURL *h = x->easy;
    door_call_begin(&x->call, x->door, h);
    curl_easy_setopt(h, CURLOPT_URL, x->url);
    curl_easy_setopt(h, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, x->body.ptr);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, x->relay->headers);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(h, CURLOPT_TIMEOUT, WHOLE_ANSWER_S);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(h, CURLOPT_PRIVATE, x);
}

static void begin(struct relay *r, struct exchange *x)
{
    struct err e = {0};
    x->next = r->flying;
    if (x->next)
        x->next->prev = x;
    r->flying = x;
    x->easy = r->spare_count ? r->spare[--r->spare_count] : curl_easy_init();
    if (!x->easy)
        abort();
    configure(x);
    if (x->early && x->hooks.signal(x->hooks.arg) < 0) {
        finish(x, 0, &e);
        return;
    }
    CURLMcode failed = curl_multi_add_handle(r->multi, x->easy);
    if (failed == CURLM_OK)
        return;
    err_set(&e, ERR_IO, 0, "the request to the engine did not begin: %s", curl_multi_strerror(failed));
    finish(x, 0, &e);
}

static void on_result(struct exchange *x, CURLcode code)
{
    struct err e = {0};
    unsigned status = status_of(x->easy);
    curl_off_t spent_us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &spent_us);
    x->spent_ns = spent_us * 1000;
    if (x->ended)
        e.code = ERR_NONE;
    else if (code != CURLE_OK && x->call.e.code != ERR_NONE)
        e = x->call.e;
    else if (code == CURLE_COULDNT_CONNECT)
        err_set(&e, ERR_BUSY, 0, "the engine does not answer its socket");
    else if (code != CURLE_OK)
        err_set(&e, ERR_IO, 0, "the engine was lost: %s", curl_easy_strerror(code));
    finish(x, status, code == CURLE_OK && !x->ended ? NULL : &e);
}

static void signal_one(struct exchange *x)
{
    struct err e = {.code = ERR_NONE};
    if (!x->easy)
        x->early = true;
    else if (x->hooks.signal(x->hooks.arg) < 0) {
        finish(x, status_of(x->easy), &e);
    } else if (x->paused) {
        x->paused = false;
        curl_easy_pause(x->easy, CURLPAUSE_CONT); /* offers the piece again, in here */
    }
}

/* ── the loop ── */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct relay *r = arg;
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, second = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(r->epoll, first, fd, &event) < 0 && (errno == EEXIST || errno == ENOENT))
        epoll_ctl(r->epoll, second, fd, &event); /* a number that came back before we heard that it had gone */
    curl_multi_assign(r->multi, fd, r);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct relay *r = arg;
    (void)multi;
    r->due_ms = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    return 0;
}

static void take_results(struct relay *r)
{
    CURLMsg *m;
    for (int left; (m = curl_multi_info_read(r->multi, &left));) {
        struct exchange *x = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
        on_result(x, m->data.result);
    }
}

/* False when the relay must stop. */
static bool take_handed_over(struct relay *r)
{
    uint64_t count;
    ssize_t n = read(r->wake, &count, sizeof(count));
    (void)n;
    pthread_mutex_lock(&r->lock);
    struct exchange *posted = r->posted;
    r->posted = NULL;
    r->posted_last = &r->posted;
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    while (posted) {
        struct exchange *x = posted;
        posted = x->next_posted;
        begin(r, x);
    }
    for (;;) {
        pthread_mutex_lock(&r->lock);
        struct exchange *x = r->signalled;
        if (x)
            unsignal_locked(r, x);
        pthread_mutex_unlock(&r->lock);
        if (!x)
            break;
        signal_one(x);
    }
    return !stop;
}

static int wait_ms(const struct relay *r)
{
    if (r->due_ms < 0)
        return -1;
    int64_t left = r->due_ms - clock_mono_ms();
    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void act(struct relay *r, const struct epoll_event *event)
{
    int running, mask = (event->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                        (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (event->events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(r->multi, event->data.fd, mask, &running);
}

static void *run(void *arg)
{
    struct relay *r = arg;
    struct epoll_event events[EVENTS_AT_ONCE];
    bool go_on = true;
    int running;
    while (go_on) {
        int n = epoll_wait(r->epoll, events, EVENTS_AT_ONCE, wait_ms(r));
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == r->wake)
                go_on = take_handed_over(r);
            else
                act(r, &events[i]);
        }
        if (r->due_ms >= 0 && r->due_ms <= clock_mono_ms()) {
            r->due_ms = -1;
            curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        take_results(r);
    }
    struct err e = {0};
    err_set(&e, ERR_IO, 0, "the server stops");
    while (r->flying)
        finish(r->flying, 0, &e);
    return NULL;
}

/* ── start and stop ── */

static int set_up(struct relay *r, struct err *e)
{
    struct epoll_event event = {.events = EPOLLIN};
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    event.data.fd = r->wake;
    if (r->epoll < 0 || r->wake < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->wake, &event) < 0)
        return err_set(e, ERR_SYSTEM, errno, "gateway: epoll");
    if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK || !(r->multi = curl_multi_init()))
        return err_set(e, ERR_SYSTEM, 0, "gateway: libcurl did not start");
    r->headers = curl_slist_append(NULL, "Content-Type: application/json");
    r->headers = curl_slist_append(r->headers, "Expect:");
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, IDLE_SOCKETS);
    int failed = pthread_create(&r->thread, NULL, run, r);
    r->running = failed == 0;
    return failed ? err_set(e, ERR_SYSTEM, failed, "gateway: starting the relay's thread") : 0;
}

struct relay *relay_start(struct err *e)
{
    struct relay *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->epoll = r->wake = -1;
    r->due_ms = -1;
    r->posted_last = &r->posted;
    pthread_mutex_init(&r->lock, NULL);
    if (set_up(r, e) == 0)
        return r;
    relay_stop(r);
    return NULL;
}

void relay_stop(struct relay *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_mutex_unlock(&r->lock);
    if (r->running) {
        wake(r);
        pthread_join(r->thread, NULL);
    }
    while (r->spare_count)
        curl_easy_cleanup(r->spare[--r->spare_count]);
    if (r->multi)
        curl_multi_cleanup(r->multi);
    curl_slist_free_all(r->headers);
    if (r->wake >= 0)
        close(r->wake);
    if (r->epoll >= 0)
        close(r->epoll);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
