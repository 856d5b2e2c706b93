/* A socket that is closed while bytes of its client lie unread makes the kernel send a reset, and a reset can overtake
 * the answer: the client then sees "connection reset" in place of the 413. So a connection whose request was refused
 * with its body unread is kept open a little longer here, under a second descriptor: what comes is thrown away until
 * the client closes, for two seconds at most (as nginx does, "lingering_close"). Bounded: when too many linger, the
 * next one is simply closed. */
#include <fcntl.h>
#include <sys/socket.h>

#include "http/internal.h"
#include "util/clock.h"

#define LINGER_MS  2000
#define PIECE      (1U << 20)
#define PIECES_MAX 16 /* of one socket in one look */

void linger_add(struct http_server *s, int fd)
{
    pthread_mutex_lock(&s->linger.lock);
    int copy = s->linger.count < HTTP_LINGER_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy >= 0) {
        shutdown(copy, SHUT_WR);
        s->linger.sockets[s->linger.count].fd = copy;
        s->linger.sockets[s->linger.count++].until_ms = clock_mono_ms() + LINGER_MS;
    }
    pthread_mutex_unlock(&s->linger.lock);
}

/* True when the client has closed too. MSG_TRUNC: the kernel throws the bytes away (tcp(7)). */
static bool drained(int fd)
{
    ssize_t n = 1;
    for (int i = 0; i < PIECES_MAX && n > 0; i++)
        n = recv(fd, NULL, PIECE, MSG_DONTWAIT | MSG_TRUNC);
    return n == 0;
}

void linger_look(struct http_server *s, int64_t now_ms)
{
    pthread_mutex_lock(&s->linger.lock);
    for (size_t i = s->linger.count; i-- > 0;) {
        int fd = s->linger.sockets[i].fd;
        if (!drained(fd) && now_ms < s->linger.sockets[i].until_ms)
            continue;
        close(fd);
        s->linger.sockets[i] = s->linger.sockets[--s->linger.count];
    }
    pthread_mutex_unlock(&s->linger.lock);
}

void linger_end(struct http_server *s)
{
    while (s->linger.count > 0)
        close(s->linger.sockets[--s->linger.count].fd);
    pthread_mutex_destroy(&s->linger.lock);
}
