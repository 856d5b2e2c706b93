#include "scan/clamd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "util/auto.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/limits.h"

/* One question, one connection. */
struct talk {
    const char *path;
    int sock;
    int64_t deadline_ms;
};

bool clamd_path_ok(const char *path)
{
    return path[0] == '/' && strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static int failed(const struct talk *t, const char *doing, int why, struct err *e)
{
    if (why == ETIMEDOUT)
        return err_set(e, ERR_UNDECIDED, 0, "clamd (%s) gave no answer in time (%s)", t->path, doing);
    return err_set(e, ERR_UNDECIDED, why, "clamd (%s): %s", t->path, doing);
}

static int wait_for(const struct talk *t, short events)
{
    for (;;) {
        int64_t left = t->deadline_ms - clock_mono_ms();
        struct pollfd p = {.fd = t->sock, .events = events};
        int ready = left > 0 ? poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) : 0;
        if (ready > 0)
            return 0;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready == 0 || errno != EINTR)
            return -1;
    }
}

/* EAGAIN: its queue of connections is full. */
static int dial(struct talk *t, const char *path, int timeout_ms, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *t = (struct talk){.path = path, .sock = -1, .deadline_ms = clock_mono_ms() + timeout_ms};
    if (!clamd_path_ok(path))
        return err_set(e, ERR_UNDECIDED, 0, "clamd: \"%.120s\" is no path of a local socket; no other is spoken to",
                       path);
    memcpy(address.sun_path, path, strlen(path));
    t->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->sock < 0)
        return failed(t, "socket", errno, e);
    while (connect(t->sock, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return failed(t, "connect", errno, e);
        if (clock_mono_ms() >= t->deadline_ms)
            return failed(t, "connect", ETIMEDOUT, e);
        poll(NULL, 0, 20);
    }
    return 0;
}

static void hang_up(struct talk *t)
{
    if (t->sock >= 0)
        close(t->sock);
}
#define auto_talk AUTO(hang_up) struct talk

/* Sends all of it, the descriptor (unless -1) with the first byte. */
static int send_all(const struct talk *t, struct span bytes, int fd)
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
            message.msg_controllen = sizeof control.bytes;
            struct cmsghdr *header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(header), &fd, sizeof(int));
        }
        ssize_t sent = sendmsg(t->sock, &message, MSG_NOSIGNAL);
        if (sent > 0) {
            span_skip(&bytes, (size_t)sent);
            fd = -1;
        } else if (errno != EINTR && (errno != EAGAIN || wait_for(t, POLLOUT) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* Until it hangs up: an answer is everything that it says. */
static int receive(const struct talk *t, struct buf *reply, struct err *e)
{
    for (;;) {
        uint8_t *room = buf_room(reply, 512);
        if (!room)
            return err_set(e, ERR_UNDECIDED, 0, "clamd (%s) answers more than %u bytes", t->path, LIMIT_CLAMD_REPLY);
        ssize_t got = recv(t->sock, room, 512, 0);
        if (got > 0)
            buf_grown(reply, (size_t)got);
        else if (got == 0)
            return 0;
        else if (errno != EINTR && (errno != EAGAIN || wait_for(t, POLLIN) < 0))
            return failed(t, "waiting for its answer", errno, e);
    }
}

/* ── questions ── */

int clamd_version(const char *path, int timeout_ms, struct clamd_version *out, struct err *e)
{
    auto_talk t = {0};
    auto_buf reply = BUF(LIMIT_CLAMD_REPLY + 512U);
    if (dial(&t, path, timeout_ms, e) < 0)
        return -1;
    if (send_all(&t, SPAN_LIT("zVERSION\0"), -1) < 0)
        return failed(&t, "sending", errno, e);
    if (receive(&t, &reply, e) < 0)
        return -1;
    if (clamd_version_parse(buf_span(&reply), out, e) == 0)
        return 0;
    e->code = ERR_UNDECIDED;
    return -1;
}

static int take_reply(const struct talk *t, struct clamd_reply *out, struct err *e)
{
    auto_buf reply = BUF(LIMIT_CLAMD_REPLY + 512U);
    if (receive(t, &reply, e) < 0)
        return -1;
    if (clamd_reply_parse(buf_span(&reply), out, e) == 0)
        return 0;
    e->code = ERR_UNDECIDED;
    return -1;
}

static int look_by_descriptor(const char *path, int fd, int timeout_ms, struct clamd_reply *out, struct err *e)
{
    auto_talk t = {0};
    if (dial(&t, path, timeout_ms, e) < 0)
        return -1;
    if (send_all(&t, SPAN_LIT("zFILDES\0"), -1) < 0 || send_all(&t, SPAN_LIT("\0"), fd) < 0)
        return failed(&t, "sending", errno, e);
    return take_reply(&t, out, e);
}

/* -1: errno, or 0 when the file ended early. */
static int send_file(const struct talk *t, int fd, struct buf *chunk)
{
    for (off_t at = 0;;) {
        buf_clear(chunk);
        buf_add_be32(chunk, 0);
        uint8_t *room = buf_room(chunk, COPY_CHUNK_BYTES);
        ssize_t got = room ? pread(fd, room, COPY_CHUNK_BYTES, at) : -1;
        if (got < 0)
            return -1;
        buf_grown(chunk, (size_t)got);
        for (unsigned i = 0; i < 4; i++) /* the length in front */
            chunk->ptr[i] = (uint8_t)((size_t)got >> (24 - 8 * i));
        if (send_all(t, buf_span(chunk), -1) < 0)
            return -1;
        if (got == 0) /* a chunk of no bytes is the end */
            return 0;
        at += got;
    }
}

/* When it has had enough of the bytes it says so and hangs up: so its answer is read also when sending failed. */
static int look_by_stream(const char *path, int fd, int timeout_ms, struct clamd_reply *out, struct err *e)
{
    auto_talk t = {0};
    auto_buf chunk = BUF(COPY_CHUNK_BYTES + 4U);
    if (dial(&t, path, timeout_ms, e) < 0)
        return -1;
    bool sent = send_all(&t, SPAN_LIT("zINSTREAM\0"), -1) == 0 && send_file(&t, fd, &chunk) == 0;
    int why = errno;
    if (!sent && why != EPIPE && why != ECONNRESET)
        return failed(&t, "sending", why, e);
    if (take_reply(&t, out, e) < 0)
        return -1;
    return sent || out->answer == CLAMD_ERROR ? 0 : failed(&t, "it answered before it had the whole file", why, e);
}

int clamd_look(const char *path, int fd, int timeout_ms, struct clamd_reply *out, struct err *e)
{
    if (look_by_descriptor(path, fd, timeout_ms, out, e) < 0)
        return -1;
    return out->answer == CLAMD_ERROR ? look_by_stream(path, fd, timeout_ms, out, e) : 0;
}

/* ── the proof ── */

/* In two parts, so that no scanner takes this program for it. */
#define EICAR_FIRST  "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-"
#define EICAR_SECOND "ANTIVIRUS-TEST-FILE!$H+H*"

static int look_at_bytes(const char *path, struct span bytes, int timeout_ms, struct clamd_reply *out, struct err *e)
{
    auto_fd fd = memfd_create("airlock", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len)
        return err_set(e, ERR_SYSTEM, errno, "make a file in memory");
    return clamd_look(path, fd, timeout_ms, out, e);
}

/* Its recursion goes 100 archives deep at most (clamd.conf(5), MaxRecursion). */
#define DEEPER_THAN_CLAMD 120U

/* gzip (RFC 1952) around one stored block (RFC 1951, 3.2.4). */
static void wrap(struct buf *file)
{
    auto_buf outer = BUF(file->max);
    uint32_t len = (uint32_t)file->len, sum = (uint32_t)crc32(0, file->ptr, len);
    buf_add(&outer, "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11);
    buf_add_byte(&outer, (uint8_t)len);
    buf_add_byte(&outer, (uint8_t)(len >> 8));
    buf_add_byte(&outer, (uint8_t)~len);
    buf_add_byte(&outer, (uint8_t)(~len >> 8));
    buf_add_span(&outer, buf_span(file));
    buf_add_le32(&outer, sum);
    buf_add_le32(&outer, len);
    buf_clear(file);
    buf_add_span(file, buf_span(&outer));
}

int clamd_prove(const char *path, int timeout_ms, struct err *e)
{
    auto_buf file = BUF(65535);
    struct clamd_reply reply;
    buf_add_str(&file, EICAR_FIRST);
    buf_add_str(&file, EICAR_SECOND);
    if (look_at_bytes(path, buf_span(&file), timeout_ms, &reply, e) < 0)
        return -1;
    if (reply.answer == CLAMD_ERROR)
        return err_set(e, ERR_UNDECIDED, 0, "clamd (%s) cannot look at files: %s", path, reply.text);
    if (reply.answer != CLAMD_FOUND) {
        err_set(e, ERR_UNDECIDED, 0, "clamd (%s) does not find the EICAR test file: its database knows nothing", path);
        return err_hint(e, "Bring ClamAV's databases in (main, daily) and restart clamd");
    }
    buf_clear(&file);
    buf_add_str(&file, "deep");
    for (unsigned i = 0; i < DEEPER_THAN_CLAMD; i++)
        wrap(&file);
    if (look_at_bytes(path, buf_span(&file), timeout_ms, &reply, e) < 0)
        return -1;
    if (reply.answer == CLAMD_LIMITS)
        return 0;
    err_set(e, ERR_UNDECIDED, 0, "clamd (%s) says OK to what is over its limits and was not looked into", path);
    return err_hint(e, "Set `AlertExceedsMax yes` in clamd.conf, and restart clamd");
}
