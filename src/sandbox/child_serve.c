#include "sandbox/child_wire.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/digest.h"
#include "util/limits.h"

static const struct child_op *find_op(const struct child_ops *ops, struct span name)
{
    for (size_t i = 0; i < ops->count; i++)
        if (span_equal_str(name, ops->ops[i].name))
            return &ops->ops[i];
    return NULL;
}

int child_run(const struct child_ops *ops, struct span name, struct span input, struct span arg, struct buf *reply,
              struct err *e)
{
    const struct child_op *op = find_op(ops, name);
    if (!op)
        return err_set(e, ERR_USAGE, 0, "no operation of the name \"%.*s\"", (int)name.len, (const char *)name.ptr);
    if (op->run(input, arg, reply, e) < 0)
        return -1;
    return buf_check(reply, "the reply", e);
}

/* The file at hand. Pages are let go of in strides: each call costs. */
#define STRIDE_BYTES ((size_t)16 << 20)
static struct {
    uint8_t *map;
    size_t size, passed;
} at_hand;

void child_input_passed(struct span input, uint64_t offset)
{
    if (!at_hand.map || input.ptr != at_hand.map || offset > at_hand.size)
        return;
    size_t passed = (size_t)offset / STRIDE_BYTES * STRIDE_BYTES;
    if (passed > at_hand.passed)
        madvise(at_hand.map + at_hand.passed, passed - at_hand.passed, MADV_DONTNEED);
    at_hand.passed = passed; /* less than before: it is read once more from the beginning */
}

/* Maps a file, runs the operation, lets go of the file. */
int child_run_file(const struct child_ops *ops, struct span name, int fd, uint64_t size, struct span arg,
                   struct buf *reply, struct err *e)
{
    if (size == 0)
        return child_run(ops, name, span_of("", 0), arg, reply, e);
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_set(e, ERR_UNDECIDED, errno, "map a file of %llu bytes", (unsigned long long)size);
    at_hand.map = map;
    at_hand.size = (size_t)size;
    at_hand.passed = 0;
    int result = child_run(ops, name, span_of(map, (size_t)size), arg, reply, e);
    at_hand.map = NULL;
    munmap(map, (size_t)size);
    return result;
}

static int child_dir_fd = -1;

int child_dir(void)
{
    return child_dir_fd;
}

static int read_exactly(int sock, uint8_t *bytes, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = read(sock, bytes + have, len - have);
        if (got <= 0)
            return -1;
        have += (size_t)got;
    }
    return 0;
}

/* 1: a header, and *fd if a descriptor came with it; 0: the parent is done; -1: nonsense. */
static int read_header(int sock, uint8_t *bytes, int *fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = REQUEST_HEADER_BYTES};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t got = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    if (got == 0)
        return 0;
    if (got < 0 || (message.msg_flags & MSG_CTRUNC))
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    return read_exactly(sock, bytes + got, REQUEST_HEADER_BYTES - (size_t)got) < 0 ? -1 : 1;
}

static int write_exactly(int sock, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(sock, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return -1;
        span_skip(&bytes, (size_t)sent);
    }
    return 0;
}

static int answer(int sock, enum err_code code, struct span bytes)
{
    auto_buf header = BUF(REPLY_HEADER_BYTES);
    buf_add_be32(&header, code);
    buf_add_be32(&header, (uint32_t)bytes.len);
    return write_exactly(sock, buf_span(&header)) < 0 ? -1 : write_exactly(sock, bytes);
}

static int serve_request(int sock, struct span header, int fd, const struct child_ops *ops)
{
    uint32_t op_len, arg_len, input_len, has_file;
    uint64_t size;
    struct span op, arg;
    auto_buf body = BUF(LIMIT_MESSAGE_BYTES), reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    if (!span_take_be32(&header, &op_len) || !span_take_be32(&header, &arg_len) ||
        !span_take_be32(&header, &input_len) || !span_take_be32(&header, &has_file) ||
        !span_take_be64(&header, &size) || op_len > OP_NAME_MAX || arg_len > LIMIT_MESSAGE_BYTES / 4 ||
        input_len > LIMIT_MESSAGE_BYTES / 2 || (has_file != 0) != (fd >= 0))
        return -1;
    size_t len = (size_t)op_len + arg_len + input_len;
    uint8_t *room = buf_room(&body, len);
    if (!room || read_exactly(sock, room, len) < 0)
        return -1;
    struct span rest = span_of(room, len);
    span_take(&rest, op_len, &op);
    span_take(&rest, arg_len, &arg);
    int result =
        has_file ? child_run_file(ops, op, fd, size, arg, &reply, &e) : child_run(ops, op, rest, arg, &reply, &e);
    if (result < 0)
        return answer(sock, e.code ? e.code : ERR_INPUT, span_str(e.msg));
    return answer(sock, ERR_NONE, buf_span(&reply));
}

/* What libraries read once, at their first use, is read before the walls stand. */
static void warm_up(void)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive turns names into UTF-8 by the locale */
    json_object_seed(0);
    struct digest d = digest_of(SPAN_LIT(""));
    (void)d;
}

int child_main(enum sandbox_role role, int sock, const struct child_op *ops, size_t count)
{
    const struct child_ops table = {ops, count};
    struct err e = {0};
    child_dir_fd = role == ROLE_UNPACK ? CHILD_DIR : -1;
    warm_up();
    if (sandbox_enter(role, child_dir_fd, &e) < 0) {
        answer(sock, e.code, span_str(e.msg));
        return 1;
    }
    if (answer(sock, ERR_NONE, span_of("", 0)) < 0)
        return 1;
    for (;;) {
        uint8_t bytes[REQUEST_HEADER_BYTES] = {0};
        int fd = -1;
        int result = read_header(sock, bytes, &fd);
        if (result > 0)
            result = serve_request(sock, span_of(bytes, sizeof(bytes)), fd, &table) < 0 ? -1 : 1;
        if (fd >= 0)
            close(fd);
        if (result <= 0)
            return result < 0;
    }
}
