#include "sandbox/child_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/limits.h"
#include "util/log.h"

/* A child that cannot say hello in this time has no processor to run on. */
#define HELLO_MS 20000

/* After so much work a child is replaced between two calls, long before its limit of CPU time can end one. */
#define RECYCLE_MS 300000

#define PARALLEL_MAX 16

struct child {
    enum sandbox_role role;
    int dir; /* owned, or -1 */
    int sock;
    pid_t pid; /* 0: none now; the next call starts one */
    int64_t used_ms;
};

static struct child_ops inline_ops;

void child_use_inline(const struct child_op *ops, size_t count)
{
    inline_ops = (struct child_ops){ops, count};
}

unsigned child_parallel(void)
{
    long processors = inline_ops.ops ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > PARALLEL_MAX ? PARALLEL_MAX : (unsigned)processors;
}

static void spawn_actions(posix_spawn_file_actions_t *actions, int sock, int dir)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(actions, sock, CHILD_SOCK);
    if (dir >= 0)
        posix_spawn_file_actions_adddup2(actions, dir, CHILD_DIR);
    posix_spawn_file_actions_addclosefrom_np(actions, dir >= 0 ? CHILD_DIR + 1 : CHILD_SOCK + 1);
}

static void spawn_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

/* Both descriptors lie above the places that they are moved to. */
static int spawn(struct child *c, int sock, int dir, struct err *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char role[16];
    char program[] = "airlock", option[] = "--role", locale[] = "LC_ALL=C.UTF-8";
    char *const argv[] = {program, option, role, NULL}, *const environment[] = {locale, NULL};
    snprintf(role, sizeof(role), "%s", sandbox_role_name(c->role));
    spawn_actions(&actions, sock, dir);
    spawn_signals(&attributes);
    int result = posix_spawn(&c->pid, "/proc/self/exe", &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (result == 0)
        return 0;
    c->pid = 0;
    return err_set(e, ERR_SYSTEM, result, "start the helper \"%s\" (/proc/self/exe)", role);
}

static int wait_for(const struct child *c, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - clock_mono_ms();
        struct pollfd p = {.fd = c->sock, .events = events};
        int ready = poll(&p, 1, left > 0 ? (left > INT32_MAX ? INT32_MAX : (int)left) : 0);
        if (ready > 0)
            return 0;
        if (ready == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (errno != EINTR)
            return -1;
    }
}

/* Sends all of `bytes`, the descriptor with the first of them. */
static int send_all(const struct child *c, struct span bytes, int fd, int64_t deadline_ms)
{
    while (bytes.len > 0) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        if (fd >= 0) {
            message.msg_control = control.bytes;
            message.msg_controllen = sizeof(control.bytes);
            struct cmsghdr *header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(header), &fd, sizeof(int));
        }
        ssize_t sent = sendmsg(c->sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            span_skip(&bytes, (size_t)sent);
            fd = -1;
        } else if (errno == EAGAIN) {
            if (wait_for(c, POLLOUT, deadline_ms) < 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

static int receive_exactly(const struct child *c, uint8_t *bytes, size_t len, int64_t deadline_ms)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = recv(c->sock, bytes + have, len - have, MSG_DONTWAIT);
        if (got > 0) {
            have += (size_t)got;
        } else if (got == 0) {
            errno = EPIPE;
            return -1;
        } else if (errno == EAGAIN) {
            if (wait_for(c, POLLIN, deadline_ms) < 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

static void end_child(struct child *c, int *status)
{
    *status = 0;
    if (c->sock >= 0)
        close(c->sock);
    c->sock = -1;
    if (c->pid <= 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
        continue;
    c->pid = 0;
    c->used_ms = 0;
}

/* How a helper ended, in words. It was not we who ended it if its socket closed first; then it is given a moment. */
static void describe_end(struct child *c, int why, char *text, size_t size)
{
    int status = 0;
    bool ended = false;
    for (int i = 0; why != ETIMEDOUT && i < 200 && !ended && c->pid > 0; i++) {
        ended = waitpid(c->pid, &status, WNOHANG) == c->pid;
        if (!ended)
            poll(NULL, 0, 10);
    }
    if (ended)
        c->pid = 0;
    int killed;
    end_child(c, &killed);
    if (why == ETIMEDOUT)
        snprintf(text, size, "ran out of time and was ended");
    else if (ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        snprintf(text, size, "made a system call that its filter forbids, and was ended (SIGSYS)");
    else if (ended && WIFSIGNALED(status))
        snprintf(text, size, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (ended && WIFEXITED(status))
        snprintf(text, size, "ended with status %d in the middle of its work", WEXITSTATUS(status));
    else
        snprintf(text, size, "answered nonsense and was ended");
}

static int lost(struct child *c, const char *op, int why, struct err *e)
{
    char how[128];
    describe_end(c, why, how, sizeof(how));
    log_event(EV_PARSER_CRASHED, "role", sandbox_role_name(c->role), "operation", op, "how", how, NULL);
    return err_set(e, ERR_UNDECIDED, 0,
                   "the helper \"%s\" %s (operation \"%s\"); what it read counts as not understood",
                   sandbox_role_name(c->role), how, op);
}

/* A message of a helper goes to terminals: control characters, C1 ones in UTF-8 included, become question marks. */
static void clean_message(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
        if (*c < 0x20 || *c == 0x7f || c1)
            *c = '?';
        if (c1)
            *++c = '?';
    }
}

static int take_error(const struct child *c, uint32_t code, size_t len, int64_t deadline_ms, struct err *e)
{
    char message[ERR_MSG_MAX] = "";
    if (code >= ERR_CODES || len >= sizeof(message)) {
        errno = EBADMSG;
        return -1;
    }
    if (receive_exactly(c, (uint8_t *)message, len, deadline_ms) < 0)
        return -1;
    clean_message(message);
    err_set(e, (enum err_code)code, 0, "%s", message);
    return 0;
}

/* Reads one reply. 0: *reply or, with *failed, *e is set. -1: the helper is lost, errno says how. */
static int receive_reply(const struct child *c, struct buf *reply, int64_t deadline_ms, bool *failed, struct err *e)
{
    uint8_t bytes[REPLY_HEADER_BYTES] = {0};
    struct span header = span_of(bytes, sizeof(bytes));
    uint32_t code, len;
    *failed = false;
    if (receive_exactly(c, bytes, sizeof(bytes), deadline_ms) < 0)
        return -1;
    if (!span_take_be32(&header, &code) || !span_take_be32(&header, &len) || len > LIMIT_MESSAGE_BYTES) {
        errno = EBADMSG;
        return -1;
    }
    *failed = code != 0;
    if (code != 0)
        return take_error(c, code, len, deadline_ms, e);
    uint8_t *room = buf_room(reply, len);
    if (!room) { /* the caller's cap: the rest of the stream is no use to anybody */
        errno = EMSGSIZE;
        return -1;
    }
    if (receive_exactly(c, room, len, deadline_ms) < 0)
        return -1;
    buf_grown(reply, len);
    return 0;
}

static int greet(struct child *c, struct err *e)
{
    auto_buf nothing = BUF(0);
    bool failed;
    int status;
    if (receive_reply(c, &nothing, clock_mono_ms() + HELLO_MS, &failed, e) < 0)
        return lost(c, "hello", errno, e);
    if (!failed)
        return 0;
    end_child(c, &status);
    return err_prefix(e, "the helper \"%s\" could not confine itself", sandbox_role_name(c->role));
}

static int lift(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

static int start(struct child *c, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(e, ERR_IO, errno, "socketpair for the helper \"%s\"", sandbox_role_name(c->role));
    c->sock = pair[0];
    auto_fd theirs = pair[1];
    auto_fd sock = lift(theirs), dir = c->dir >= 0 ? lift(c->dir) : -1;
    int result = sock < 0 || (c->dir >= 0 && dir < 0)
                     ? err_set(e, ERR_IO, errno, "descriptors for the helper \"%s\"", sandbox_role_name(c->role))
                     : spawn(c, sock, dir, e);
    if (result < 0) {
        int status;
        end_child(c, &status);
        return -1;
    }
    close(fd_steal(&sock)); /* ours must be gone before we wait for the child's end */
    close(fd_steal(&theirs));
    return greet(c, e);
}

struct child *child_start_in(enum sandbox_role role, int dir, struct err *e)
{
    struct child *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    *c = (struct child){.role = role, .dir = -1, .sock = -1};
    if (inline_ops.ops)
        return c;
    if (dir >= 0 && (c->dir = lift(dir)) < 0) {
        err_set(e, ERR_IO, errno, "keep the directory of the helper \"%s\"", sandbox_role_name(role));
    } else if (start(c, e) == 0) {
        return c;
    }
    child_stop(c);
    return NULL;
}

struct child *child_start(enum sandbox_role role, struct err *e)
{
    return child_start_in(role, -1, e);
}

void child_stop(struct child *c)
{
    int status;
    if (!c)
        return;
    end_child(c, &status);
    if (c->dir >= 0)
        close(c->dir);
    free(c);
}

static int file_size(const struct child_request *request, uint64_t *size, struct err *e)
{
    struct stat st;
    *size = 0;
    if (request->fd < 0)
        return 0;
    if (fstat(request->fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "fstat");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "is no regular file; only those are read");
    *size = (uint64_t)st.st_size;
    return 0;
}

static int call_inline(const struct child_request *request, uint64_t size, struct buf *reply, struct err *e)
{
    struct span name = span_str(request->op);
    if (request->fd < 0)
        return child_run(&inline_ops, name, request->input, request->arg, reply, e);
    return child_run_file(&inline_ops, name, request->fd, size, request->arg, reply, e);
}

static int build_request(const struct child_request *request, uint64_t size, struct buf *message, struct err *e)
{
    struct span input = request->fd < 0 ? request->input : span_of(NULL, 0);
    if (strlen(request->op) > OP_NAME_MAX || input.len > LIMIT_MESSAGE_BYTES / 2 ||
        request->arg.len > LIMIT_MESSAGE_BYTES / 4)
        return err_set(e, ERR_LIMIT, 0, "%zu bytes for the helper's operation \"%.64s\"; at most %u are sent",
                       input.len, request->op, LIMIT_MESSAGE_BYTES / 2);
    buf_add_be32(message, (uint32_t)strlen(request->op));
    buf_add_be32(message, (uint32_t)request->arg.len);
    buf_add_be32(message, (uint32_t)input.len);
    buf_add_be32(message, request->fd >= 0);
    buf_add_be64(message, size);
    buf_add_str(message, request->op);
    buf_add_span(message, request->arg);
    buf_add_span(message, input);
    return buf_check(message, "a request", e);
}

static int renew(struct child *c, struct err *e)
{
    int status;
    if (c->pid > 0 && c->used_ms < RECYCLE_MS)
        return 0;
    end_child(c, &status);
    return start(c, e);
}

int child_call(struct child *c, const struct child_request *request, struct buf *reply, struct err *e)
{
    auto_buf message = BUF(LIMIT_MESSAGE_BYTES);
    uint64_t size;
    bool failed;
    if (file_size(request, &size, e) < 0)
        return -1;
    if (inline_ops.ops)
        return call_inline(request, size, reply, e);
    if (build_request(request, size, &message, e) < 0 || renew(c, e) < 0)
        return -1;
    int64_t begin = clock_mono_ms(), deadline = begin + request->timeout_ms;
    if (send_all(c, buf_span(&message), request->fd, deadline) < 0 || receive_reply(c, reply, deadline, &failed, e) < 0)
        return lost(c, request->op, errno, e);
    c->used_ms += clock_mono_ms() - begin;
    return failed ? -1 : 0;
}

json_t *child_call_json(struct child *c, const struct child_request *request, const char *what, struct err *e)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    if (child_call(c, request, &reply, e) < 0) {
        err_prefix(e, "%s", what);
        return NULL;
    }
    return json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, what, e);
}
