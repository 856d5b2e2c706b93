/* The canary's attempts. Each is made whatever became of the one before; none can succeed, because nothing leads out.
 * Only what we could not even try is reported back: whether the recorders saw it is not for the canary to say. */
#include "sandbox/box_canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"

/* A stub that does not answer in this time, on however busy a host, sleeps. */
#define ANSWER_MS 8000

/* A query for the A record of `name` (RFC 1035, section 4.1). */
static void make_query(struct buf *out, const char *name)
{
    static const uint8_t head[] = {0xca, 0x4a, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t tail[] = {0, 0, 1, 0, 1};
    buf_add(out, head, sizeof(head));
    while (*name) {
        size_t len = strcspn(name, ".");
        buf_add_byte(out, (uint8_t)len);
        buf_add(out, name, len);
        name += len + (name[len] == '.');
    }
    buf_add(out, tail, sizeof(tail));
}

/* Waits for an answer, so that whoever looks for the asker finds it. */
static bool ask(int type, const char *nonce, const char *suffix)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
    char name[128], answer[512];
    auto_buf query = BUF(512), message = BUF(1024);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(name, sizeof(name), "%.32s%s", nonce, suffix);
    make_query(&query, name);
    if (type == SOCK_STREAM)
        buf_add_be16(&message, (uint16_t)query.len);
    buf_add_span(&message, buf_span(&query));
    auto_fd fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || !buf_ok(&message) || connect(fd, (const struct sockaddr *)&server, sizeof(server)) < 0 ||
        send(fd, message.ptr, message.len, MSG_NOSIGNAL) != (ssize_t)message.len)
        return false;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ANSWER_MS) == 1 && recv(fd, answer, sizeof(answer), 0) > 0;
}

static struct sockaddr_in at4(const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &a.sin_addr);
    return a;
}

static int connect_out(void)
{
    struct sockaddr_in four = at4(CANARY_TCP4, CANARY_TCP_PORT);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(CANARY_TCP_PORT)};
    inet_pton(AF_INET6, CANARY_TCP6, &six.sin6_addr);
    auto_fd a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (a < 0)
        return CANARY_BROKEN;
    (void)connect(a, (const struct sockaddr *)&four, sizeof(four));
    auto_fd b = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (b < 0)
        return CANARY_NO_IPV6;
    /* A host whose IPv6 is switched off by sysctl has no route to miss. */
    if (connect(b, (const struct sockaddr *)&six, sizeof(six)) < 0 && errno == EADDRNOTAVAIL)
        return CANARY_NO_IPV6;
    return 0;
}

static int send_out(void)
{
    char bytes[] = "canary";
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct sockaddr_in one = at4(CANARY_SENDTO, CANARY_UDP_PORT), two = at4(CANARY_SENDMSG, CANARY_UDP_PORT),
                       three = at4(CANARY_SENDMMSG, CANARY_UDP_PORT);
    struct msghdr message = {.msg_name = &two, .msg_namelen = sizeof(two), .msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr batch = {.msg_hdr = message};
    batch.msg_hdr.msg_name = &three;
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return CANARY_BROKEN;
    (void)!sendto(fd, bytes, sizeof(bytes), MSG_NOSIGNAL, (const struct sockaddr *)&one, sizeof(one));
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
    (void)!sendmmsg(fd, &batch, 1, MSG_NOSIGNAL);
    return 0;
}

int canary_try(const char *nonce)
{
    int result = connect_out() | send_out();
    auto_fd foreign = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!ask(SOCK_DGRAM, nonce, CANARY_UDP_SUFFIX) || !ask(SOCK_STREAM, nonce, CANARY_TCP_SUFFIX))
        result |= CANARY_BROKEN;
    return result;
}
