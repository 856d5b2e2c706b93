/* A session: a box that observes, two helper processes, and a thread that gathers what they say.
 *
 * Three windows follow each other: the canary of before, the program, the canary of after. Between them both helpers
 * are pinged: a pong says that everything before it was reported, so that no event falls into the wrong window. The
 * lock guards everything that the gathering thread writes. */
#include "silence/silence.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "silence/session.h"
#include "silence/witness.h"
#include "util/auto.h"
#include "util/clock.h"
#include "util/encode.h"

/* A helper that does not answer a ping in this time sleeps. */
#define PING_MS 10000

enum window { WINDOW_BEFORE, WINDOW_PROGRAM, WINDOW_AFTER };

struct silence {
    struct box *box;
    struct silence_helper stub, recorder;
    pthread_t thread;
    bool gathering;
    bool recorder_ended; /* the gathering thread's own */
    int stop;            /* eventfd */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum window window;
    bool stub_gone, recorder_gone;
    unsigned stub_pongs, recorder_pongs;
    char phase[24];
    struct silence_event contact; /* who last spoke to our DNS stub */
    struct silence_facts facts;
    struct silence_result result;

    int64_t started_ms;
    uint64_t packets; /* of the witness, at the beginning of the window */
};

/* ── gathering ── */

static struct canary_run *canary_of(struct silence *s)
{
    return s->window == WINDOW_BEFORE ? &s->facts.before : &s->facts.after;
}

static void note(struct silence *s, const struct silence_event *event)
{
    if (s->window == WINDOW_PROGRAM)
        silence_add(&s->result, event, s->phase, clock_mono_ms() - s->started_ms);
    else
        canary_of(s)->seen |= canary_bit(canary_of(s), event);
}

static void take_recorder_event(struct silence *s, const struct silence_event *event)
{
    pthread_mutex_lock(&s->lock);
    if (event->kind == EVENT_PONG)
        s->recorder_pongs++;
    else if (event->kind == EVENT_CONTACT)
        s->contact = *event;
    else if (event->kind == EVENT_BLIND)
        clean_text(s->facts.blind, sizeof(s->facts.blind), event->name);
    else if (event->kind == EVENT_CALL)
        note(s, event);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Finds the asker while it waits; if it is gone already, it was the one who last spoke to the stub. */
static void find_asker(struct silence *s, struct silence_event *event)
{
    if (owner_find(s->box->init, strcmp(event->proto, "dns/tcp") == 0, event->source_port, event) &&
        strcmp(event->program, "unknown") != 0)
        return;
    pthread_mutex_lock(&s->lock);
    event->pid = s->contact.pid;
    snprintf(event->program, sizeof(event->program), "%s", s->contact.pid ? s->contact.program : "unknown");
    snprintf(event->command, sizeof(event->command), "%s", s->contact.command);
    pthread_mutex_unlock(&s->lock);
}

static void take_stub_event(struct silence *s, struct silence_event *event)
{
    const char go = SILENCE_GO;
    if (event->kind == EVENT_QUERY)
        find_asker(s, event);
    pthread_mutex_lock(&s->lock);
    if (event->kind == EVENT_PONG)
        s->stub_pongs++;
    else if (event->kind == EVENT_QUERY)
        note(s, event);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (event->kind == EVENT_QUERY)
        (void)!send(s->stub.sock, &go, 1, MSG_NOSIGNAL);
}

static void mark_gone(struct silence *s, bool *gone)
{
    pthread_mutex_lock(&s->lock);
    *gone = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* One event of the recorder; false: it is gone. */
static bool hear_recorder(struct silence *s)
{
    struct silence_event event;
    if (event_receive(s->recorder.sock, &event) == 1) {
        take_recorder_event(s, &event);
        return true;
    }
    mark_gone(s, &s->recorder_gone);
    return false;
}

/* Everything that the recorder has said already. It reports who speaks to the stub before the stub can hear of it. */
static void drain_recorder(struct silence *s)
{
    struct pollfd p = {.fd = s->recorder.sock, .events = POLLIN};
    while (!s->recorder_ended && poll(&p, 1, 0) == 1)
        s->recorder_ended = !hear_recorder(s);
}

static bool hear_stub(struct silence *s)
{
    struct silence_event event;
    if (event_receive(s->stub.sock, &event) == 1) {
        drain_recorder(s);
        take_stub_event(s, &event);
        return true;
    }
    mark_gone(s, &s->stub_gone);
    return false;
}

static void *gather(void *argument)
{
    struct silence *s = argument;
    struct pollfd p[] = {{.fd = s->recorder.sock, .events = POLLIN},
                         {.fd = s->stub.sock, .events = POLLIN},
                         {.fd = s->stop, .events = POLLIN}};
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
            return NULL;
        if (p[0].revents)
            drain_recorder(s);
        if (p[1].revents && !hear_stub(s))
            p[1].fd = -1;
        if (s->recorder_ended)
            p[0].fd = -1;
        if (p[2].revents)
            return NULL;
    }
}

/* ── windows ── */

static void deadline_in(int ms, struct timespec *at)
{
    int64_t ns = clock_mono_ns() + (int64_t)ms * 1000000;
    at->tv_sec = (time_t)(ns / 1000000000);
    at->tv_nsec = (long)(ns % 1000000000);
}

/* Waits until both helpers have reported everything, or are gone, or sleep (which counts as gone). */
static void settle(struct silence *s)
{
    const char ping = SILENCE_PING;
    struct timespec until;
    deadline_in(PING_MS, &until);
    pthread_mutex_lock(&s->lock);
    unsigned stub = s->stub_pongs + 1, recorder = s->recorder_pongs + 1;
    if (send(s->recorder.sock, &ping, 1, MSG_NOSIGNAL) < 0)
        s->recorder_gone = true;
    if (send(s->stub.sock, &ping, 1, MSG_NOSIGNAL) < 0)
        s->stub_gone = true;
    int result = 0;
    while (result == 0 &&
           ((!s->stub_gone && s->stub_pongs < stub) || (!s->recorder_gone && s->recorder_pongs < recorder)))
        result = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    s->stub_gone |= s->stub_pongs < stub;
    s->recorder_gone |= s->recorder_pongs < recorder;
    pthread_mutex_unlock(&s->lock);
}

static void open_window(struct silence *s, enum window window)
{
    pthread_mutex_lock(&s->lock);
    s->window = window;
    pthread_mutex_unlock(&s->lock);
}

/* Packets that the witness counted since the last call. False: not readable. */
static bool witness_delta(struct silence *s, uint64_t *delta)
{
    uint64_t now;
    struct err e;
    if (witness_read(s->box->init, &now, &e) < 0)
        return false;
    *delta = now - s->packets;
    s->packets = now;
    return true;
}

static void run_canary(struct silence *s)
{
    struct err e = {0};
    struct canary_run *c = canary_of(s);
    int missing = box_canary(s->box, c->nonce, &e);
    settle(s);
    pthread_mutex_lock(&s->lock);
    c->made = missing >= 0;
    c->missing = missing < 0 ? 0 : missing;
    c->counted = witness_delta(s, &c->packets);
    pthread_mutex_unlock(&s->lock);
}

static int make_nonce(char out[24], struct err *e)
{
    uint8_t bytes[10];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return err_set(e, ERR_SYSTEM, errno, "getrandom");
    hex_encode(span_of(bytes, sizeof(bytes)), out);
    return 0;
}

/* ── begin and end ── */

static struct silence *session_new(void)
{
    struct silence *s = calloc(1, sizeof(*s));
    pthread_condattr_t attributes;
    if (!s)
        abort();
    s->stub.sock = s->recorder.sock = s->stop = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    snprintf(s->phase, sizeof(s->phase), "start");
    s->result.started_s = clock_now_s();
    return s;
}

/* The recorder must be the only one that holds the listener: when it dies, the calls must fail and not wait. */
static int start_helpers(struct silence *s, struct err *e)
{
    struct box *b = s->box;
    const int dns[] = {b->dns_udp, b->dns_tcp};
    if (helper_start(SILENCE_ROLE_RECORDER, &b->notify, 1, &s->recorder, e) < 0 ||
        helper_start(SILENCE_ROLE_STUB, dns, 2, &s->stub, e) < 0)
        return -1;
    int *const given[] = {&b->notify, &b->dns_udp, &b->dns_tcp};
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        close(*given[i]);
        *given[i] = -1;
    }
    s->stop = eventfd(0, EFD_CLOEXEC);
    if (s->stop < 0)
        return err_set(e, ERR_SYSTEM, errno, "eventfd");
    int why = pthread_create(&s->thread, NULL, gather, s);
    if (why)
        return err_set(e, ERR_SYSTEM, why, "start a thread");
    s->gathering = true;
    return 0;
}

static int begin(struct silence *s, const struct box_spec *spec, struct err *e)
{
    struct box_spec own = *spec;
    own.observe = true;
    own.resolv_conf = "nameserver 127.0.0.1\n";
    if (make_nonce(s->facts.before.nonce, e) < 0 || make_nonce(s->facts.after.nonce, e) < 0 ||
        box_start(&own, &s->box, e) < 0 || start_helpers(s, e) < 0)
        return -1;
    if (witness_read(s->box->init, &s->packets, e) < 0)
        return -1;
    run_canary(s);
    s->result.as_root = s->box->as_root;
    s->started_ms = clock_mono_ms();
    open_window(s, WINDOW_PROGRAM);
    return box_run(s->box, e);
}

int silence_begin(const struct box_spec *spec, struct silence **out, struct box **box, struct err *e)
{
    struct silence *s = session_new();
    if (begin(s, spec, e) < 0) {
        silence_abort(s);
        return -1;
    }
    *out = s;
    *box = s->box;
    return 0;
}

void silence_phase(struct silence *s, const char *phase)
{
    pthread_mutex_lock(&s->lock);
    snprintf(s->phase, sizeof(s->phase), "%s", phase);
    pthread_mutex_unlock(&s->lock);
}

void silence_exercise(struct silence *s, bool answered, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->result.exercise, sizeof(s->result.exercise), format, args);
    va_end(args);
    s->result.exercise_failed |= !answered;
}

static void stop_gathering(struct silence *s)
{
    const uint64_t one = 1;
    if (!s->gathering)
        return;
    (void)!write(s->stop, &one, sizeof(one));
    pthread_join(s->thread, NULL);
    s->gathering = false;
}

void silence_abort(struct silence *s)
{
    if (!s)
        return;
    stop_gathering(s);
    box_free(s->box); /* before the recorder: its tasks must not wait for an answer */
    helper_end(&s->recorder);
    helper_end(&s->stub);
    if (s->stop >= 0)
        close(s->stop);
    silence_result_fini(&s->result);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool both_awake(struct silence *s)
{
    pthread_mutex_lock(&s->lock);
    bool awake = !s->recorder_gone && !s->stub_gone;
    pthread_mutex_unlock(&s->lock);
    return awake;
}

int silence_end(struct silence *s, int grace_ms, struct silence_result *out, struct err *e)
{
    (void)e;
    struct err ignored = {0};
    if (!s->box->ended)
        silence_phase(s, "shutdown");
    s->facts.box_died = box_stop(s->box, grace_ms, &ignored) < 0;
    settle(s);
    s->result.run_ms = clock_mono_ms() - s->started_ms;
    s->result.status = s->box->status;
    s->facts.witness_read = witness_delta(s, &s->result.witness);
    open_window(s, WINDOW_AFTER);
    if (!s->facts.box_died && both_awake(s)) /* else the canary could prove nothing */
        run_canary(s);
    stop_gathering(s);
    s->facts.recorder_died = s->recorder_gone;
    s->facts.stub_died = s->stub_gone;
    silence_judge(&s->result, &s->facts);
    *out = s->result;
    s->result.attempts = NULL;
    silence_abort(s);
    return 0;
}
