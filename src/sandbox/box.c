/* The caller's side of a box: starts the keeper, gives it the spec, and asks it for what box.h promises. */
#include "sandbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/box_canary.h"
#include "sandbox/box_parts.h"
#include "util/auto.h"
#include "util/clock.h"

#define KEEPER_SOCK 3

/* Making a box takes some 20 ms; a host that needs this long is in trouble of its own. */
#define BUILD_MS 60000

/* A canary waits at most 8 s for each of two answers. */
#define CANARY_MS 30000

#define KILL_MS 10000

static bool name_is_fine(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 40 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int spawn_keeper(struct box *b, int theirs, struct err *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char program[] = "airlock", option[] = "--role", role[] = BOX_ROLE, fd[] = "3", locale[] = "LC_ALL=C.UTF-8";
    char *const argv[] = {program, option, role, fd, NULL}, *const environment[] = {locale, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, theirs, KEEPER_SOCK);
    posix_spawn_file_actions_addclosefrom_np(&actions, KEEPER_SOCK + 1);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); /* Ctrl-C is for the caller, which then ends the box */
    int result = posix_spawn(&b->keeper, "/proc/self/exe", &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (result == 0)
        return 0;
    b->keeper = 0;
    return err_set(e, ERR_SYSTEM, result, "start the keeper of the box (/proc/self/exe)");
}

static int start_keeper(struct box *b, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(e, ERR_SYSTEM, errno, "socketpair");
    b->socket = pair[0];
    auto_fd low = pair[1];
    auto_fd theirs = fcntl(low, F_DUPFD_CLOEXEC, 16); /* away from the place that it is moved to */
    if (theirs < 0)
        return err_set(e, ERR_SYSTEM, errno, "descriptor for the keeper of the box");
    return spawn_keeper(b, theirs, e);
}

/* 1: *m; 0: time is over; -1: the keeper is gone. */
static int hear(const struct box *b, int timeout_ms, struct box_message *m, int *fds, size_t room, size_t *count)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - clock_mono_ms();
        struct pollfd p = {.fd = b->socket, .events = POLLIN};
        int ready = poll(&p, 1, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
        if (ready == 0)
            return 0;
        if (ready > 0)
            return box_receive(b->socket, m, fds, room, count) == 1 ? 1 : -1;
        if (errno != EINTR)
            return -1;
    }
}

static int gone(struct err *e)
{
    return err_set(e, ERR_IO, 0, "the keeper of the box is gone; whatever ran inside was killed with it");
}

static int tell(const struct box *b, enum box_word word, const char *text, struct err *e)
{
    struct box_message m = {.word = (uint32_t)word};
    snprintf(m.text, sizeof(m.text), "%s", text ? text : "");
    return box_send(b->socket, &m, NULL, 0) < 0 ? gone(e) : 0;
}

static void note_end(struct box *b, const struct box_message *m)
{
    b->ended = true;
    b->status = m->value;
}

/* Waits for one answer; the program's end, which may come at any time, is noted on the way. */
static int await(struct box *b, enum box_word wanted, int timeout_ms, const char *what, struct box_message *m,
                 struct err *e)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - clock_mono_ms();
        int result = hear(b, left > 0 ? (int)left : 0, m, NULL, 0, NULL);
        if (result < 0)
            return gone(e);
        if (result == 0)
            return err_set(e, ERR_IO, 0, "the box did not answer within %d s (%s)", timeout_ms / 1000, what);
        if (m->word == (uint32_t)wanted)
            return 0;
        if (m->word == BOX_SAYS_ERROR) {
            box_take_error(m, e);
            return -1;
        }
        if (m->word == BOX_SAYS_ENDED)
            note_end(b, m);
    }
}

/* In the order of BOX_SAYS_HOST. */
static void take_sockets(struct box *b, const struct box_spec *spec, const int *fds)
{
    if (spec->observe) {
        b->dns_udp = *fds++;
        b->dns_tcp = *fds++;
        b->notify = fds[spec->listen_count];
    }
    b->listener_count = spec->listen_count;
    if (spec->listen_count)
        memcpy(b->listeners, fds, spec->listen_count * sizeof(*fds));
}

static int take_ready(struct box *b, const struct box_spec *spec, struct err *e)
{
    struct box_message m;
    int fds[BOX_SOCKETS_MAX + 1];
    size_t count = 0, wanted = box_socket_count(spec) + spec->observe;
    int result = hear(b, BUILD_MS, &m, fds, ARRAY_LEN(fds), &count);
    if (result == 1 && m.word == BOX_SAYS_HOST && count == wanted) {
        take_sockets(b, spec, fds);
        b->init = m.value;
        b->place = m.place;
        b->as_root = m.flags & BOX_FLAG_ROOT;
        b->memory_limited = m.flags & BOX_FLAG_MEMORY;
        b->cpu_limited = m.flags & BOX_FLAG_CPU;
        b->processes_limited = m.flags & BOX_FLAG_PROCESSES;
        snprintf(b->limits, sizeof(b->limits), "%.255s", m.text);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    if (result == 1 && m.word == BOX_SAYS_ERROR) {
        box_take_error(&m, e);
        return -1;
    }
    return result == 0 ? err_set(e, ERR_IO, 0, "the box was not ready within %d s", BUILD_MS / 1000) : gone(e);
}

int box_start(const struct box_spec *spec, struct box **out, struct err *e)
{
    if (!spec->name || !name_is_fine(spec->name) || !spec->argv || !spec->argv[0] || spec->root < 0 ||
        (spec->observe && !spec->resolv_conf) || spec->listen_count > BOX_LISTEN_MAX)
        return err_set(e, ERR_USAGE, 0,
                       "a box wants a name of [a-z0-9-], a root and a program, and listens at %d places at most",
                       BOX_LISTEN_MAX);
    auto_box b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    *b = (struct box){.socket = -1, .notify = -1, .dns_udp = -1, .dns_tcp = -1};
    if (start_keeper(b, e) < 0)
        return -1;
    /* A keeper that failed early says why before its socket closes. */
    if (box_send_spec(b->socket, spec, e) < 0 || take_ready(b, spec, e) < 0)
        return -1;
    if (!spec->observe && box_run(b, e) < 0)
        return -1;
    *out = ptr_steal(&b);
    return 0;
}

int box_run(struct box *b, struct err *e)
{
    struct box_message m;
    if (tell(b, BOX_RUN, NULL, e) < 0)
        return -1;
    return await(b, BOX_SAYS_STARTED, BUILD_MS, "start", &m, e);
}

int box_canary(struct box *b, const char *nonce, struct err *e)
{
    struct box_message m;
    if (tell(b, BOX_CANARY, nonce, e) < 0 || await(b, BOX_SAYS_CANARY, CANARY_MS, "canary", &m, e) < 0)
        return -1;
    return m.value;
}

int box_wait(struct box *b, int timeout_ms, struct err *e)
{
    struct box_message m;
    int64_t deadline = clock_mono_ms() + timeout_ms;
    while (!b->ended) {
        int64_t left = deadline - clock_mono_ms();
        int result = hear(b, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0, &m, NULL, 0, NULL);
        if (result < 0)
            return gone(e);
        if (result == 0)
            return 0;
        if (m.word == BOX_SAYS_ENDED)
            note_end(b, &m);
    }
    return 1;
}

int box_stop(struct box *b, int grace_ms, struct err *e)
{
    struct box_message m;
    if (!b->ended && (tell(b, BOX_TERM, NULL, e) < 0 || box_wait(b, grace_ms, e) < 0))
        return -1;
    if (tell(b, BOX_KILL, NULL, e) < 0 || await(b, BOX_SAYS_QUIET, KILL_MS, "kill", &m, e) < 0)
        return -1;
    return 0;
}

static void end_keeper(struct box *b)
{
    for (int tries = 0; tries < KILL_MS / 10; tries++) {
        pid_t done = waitpid(b->keeper, NULL, WNOHANG);
        if (done == b->keeper || (done < 0 && errno != EINTR))
            return;
        poll(NULL, 0, tries < 20 ? 1 : 10);
    }
    kill(b->keeper, SIGKILL);
    while (waitpid(b->keeper, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void box_free(struct box *b)
{
    if (!b)
        return;
    int *const own[] = {&b->socket, &b->notify, &b->dns_udp, &b->dns_tcp};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (*own[i] >= 0)
            close(*own[i]);
    for (size_t i = 0; i < b->listener_count; i++)
        close(b->listeners[i]);
    if (b->keeper > 0)
        end_keeper(b);
    free(b);
}
