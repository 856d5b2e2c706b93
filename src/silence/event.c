#include "silence/event.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "silence/silence.h"
#include "util/auto.h"
#include "util/span.h"

#define HELPER_SOCK 3
#define HELPER_FDS  2

int event_send(int sock, const struct silence_event *event)
{
    ssize_t sent;
    do
        sent = send(sock, event, sizeof(*event), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

int event_receive(int sock, struct silence_event *event)
{
    ssize_t got;
    do
        got = recv(sock, event, sizeof(*event), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 && errno != ECONNRESET ? -1 : 0;
    if (got != (ssize_t)sizeof(*event)) {
        errno = EBADMSG;
        return -1;
    }
    event->op[sizeof(event->op) - 1] = '\0';
    event->proto[sizeof(event->proto) - 1] = '\0';
    event->type[sizeof(event->type) - 1] = '\0';
    event->address[sizeof(event->address) - 1] = '\0';
    event->name[sizeof(event->name) - 1] = '\0';
    event->program[sizeof(event->program) - 1] = '\0';
    event->command[sizeof(event->command) - 1] = '\0';
    return 1;
}

void clean_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);
    bool utf8 = span_is_utf8(span_of(text, len));
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        /* C1 controls begin with c2 in UTF-8, and some terminals obey them */
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0);
        out[i] = control || (c >= 0x80 && !utf8) ? '?' : (char)c;
        if (c == 0xc2 && control && i + 1 < len)
            out[++i] = '?';
    }
    out[len] = '\0';
}

static int place(posix_spawn_file_actions_t *actions, int fd, int at, int *lifted)
{
    *lifted = fcntl(fd, F_DUPFD_CLOEXEC, 16); /* away from the places that they are moved to */
    if (*lifted < 0)
        return -1;
    posix_spawn_file_actions_adddup2(actions, *lifted, at);
    return 0;
}

static int spawn(const char *role, posix_spawn_file_actions_t *actions, pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char program[] = "airlock", option[] = "--role", fd[] = "3", locale[] = "LC_ALL=C.UTF-8", name[32];
    char *const argv[] = {program, option, name, fd, NULL}, *const environment[] = {locale, NULL};
    snprintf(name, sizeof(name), "%s", role);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    int result = posix_spawn(pid, "/proc/self/exe", actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    return result;
}

int helper_start(const char *role, const int *fds, size_t count, struct silence_helper *out, struct err *e)
{
    int pair[2], lifted[HELPER_FDS + 1] = {-1, -1, -1};
    posix_spawn_file_actions_t actions;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(e, ERR_SYSTEM, errno, "socketpair for the helper %s", role);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int result = place(&actions, pair[1], HELPER_SOCK, &lifted[0]);
    for (size_t i = 0; i < count && result == 0; i++)
        result = place(&actions, fds[i], HELPER_SOCK + 1 + (int)i, &lifted[i + 1]);
    posix_spawn_file_actions_addclosefrom_np(&actions, HELPER_SOCK + 1 + (int)count);
    int why = result < 0 ? errno : spawn(role, &actions, &out->pid);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < ARRAY_LEN(lifted); i++)
        if (lifted[i] >= 0)
            close(lifted[i]);
    close(pair[1]);
    out->sock = pair[0];
    if (why == 0)
        return 0;
    out->pid = 0;
    return err_set(e, ERR_SYSTEM, why, "start the helper %s", role);
}

void helper_end(struct silence_helper *h)
{
    if (h->sock >= 0)
        close(h->sock);
    h->sock = -1;
    if (h->pid <= 0)
        return;
    kill(h->pid, SIGKILL);
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    h->pid = 0;
}

int silence_role_main(const char *role, int sock)
{
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(role, SILENCE_ROLE_STUB) == 0)
        return stub_main(sock, HELPER_SOCK + 1, HELPER_SOCK + 2);
    if (strcmp(role, SILENCE_ROLE_RECORDER) == 0)
        return recorder_main(sock, HELPER_SOCK + 1);
    return -1;
}
