/* libcurl asks for a socket (open_socket), connects it to the address that it finds then, and before it sends a request
 * it asks again (before_request). That it is handed a connected socket instead would be one step less, but the libcurl
 * of Debian 12 (7.88) connects such a socket once more, and fails. */
#include "sandbox/door_curl.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void forget(struct door_call *c)
{
    if (c->inode >= 0)
        close(c->inode);
    c->inode = c->fd = -1;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct door_call *c = arg;
    struct sockaddr_un at;
    (void)purpose;
    forget(c);
    err_clear(&c->e);
    c->inode = door_look(c->door, &at, &c->e);
    if (c->inode < 0)
        return CURL_SOCKET_BAD;
    memcpy(&to->addr, &at, sizeof at); /* libcurl keeps room for any address there */
    to->addrlen = sizeof at;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return c->fd < 0 ? CURL_SOCKET_BAD : c->fd;
}

/* A connection that was kept has been looked at when it was made. */
static int before_request(void *arg, char *primary, char *local, int primary_port, int local_port)
{
    struct door_call *c = arg;
    (void)primary, (void)local, (void)primary_port, (void)local_port;
    int result = c->fd < 0 ? 0 : door_check(c->door, c->fd, &c->e);
    forget(c);
    return result < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

void door_call_begin(struct door_call *c, struct door *door, CURL *easy)
{
    *c = (struct door_call){.door = door, .inode = -1, .fd = -1};
    /* Nothing bears that name: it makes libcurl take a unix socket, and keep connections of different doors apart. */
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, door_label(door));
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    /* Without the second look there is no first one: then no connection is made at all, for nothing bears that name. */
    if (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK)
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

void door_call_end(struct door_call *c)
{
    forget(c);
}
