/* An engine that talks, for the demo and the tests: looks a name up, opens a TCP connection, sends a UDP datagram, and
 * then becomes the program that its arguments name. Nothing of it works in a contour, and the silence test says each by
 * name.
 *
 *     cc -O2 -static -o chatty demo/chatty.c
 *     chatty /engine/llama-server --host …
 *
 * It is static and asks the name server by itself, so that it runs in an image that holds nothing else. The addresses
 * are of the blocks that RFC 5737 keeps for documentation: nobody would be bothered even if they were reached. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define NAME      "telemetry.engine.example"
#define TCP_HOST  "192.0.2.10"
#define TCP_PORT  443
#define UDP_HOST  "198.51.100.10"
#define UDP_PORT  8125
#define QUERY_MAX 512

static struct sockaddr_in at(const char *host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

/* The first "nameserver" of /etc/resolv.conf; without that file, 127.0.0.1, as the C library has it. */
static void name_server(char out[64])
{
    char line[256];
    snprintf(out, 64, "127.0.0.1");
    FILE *f = fopen("/etc/resolv.conf", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "nameserver ", 11) != 0)
            continue;
        line[strcspn(line, "\r\n")] = '\0';
        snprintf(out, 64, "%.60s", line + 11);
        break;
    }
    if (f)
        fclose(f);
}

/* A query for the A record (RFC 1035, section 4.1). */
static size_t make_query(unsigned char query[QUERY_MAX], const char *name)
{
    static const unsigned char head[] = {0x41, 0x4c, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
    static const unsigned char tail[] = {0, 0, 1, 0, 1};
    size_t len = sizeof(head);
    memcpy(query, head, sizeof(head));
    while (*name && len + 64 + sizeof(tail) < QUERY_MAX) {
        size_t label = strcspn(name, ".");
        query[len++] = (unsigned char)label;
        memcpy(query + len, name, label);
        len += label;
        name += label + (name[label] == '.');
    }
    memcpy(query + len, tail, sizeof(tail));
    return len + sizeof(tail);
}

static void look_up(const char *name)
{
    char server[64];
    unsigned char query[QUERY_MAX], answer[QUERY_MAX];
    struct timeval patience = {.tv_sec = 2};
    size_t len = make_query(query, name);
    name_server(server);
    struct sockaddr_in to = at(server, 53);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (sendto(fd, query, len, 0, (const struct sockaddr *)&to, sizeof(to)) > 0)
        (void)!recv(fd, answer, sizeof(answer), 0);
    close(fd);
}

static void open_connection(const char *host, uint16_t port)
{
    struct sockaddr_in to = at(host, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!connect(fd, (const struct sockaddr *)&to, sizeof(to));
    close(fd);
}

static void send_datagram(const char *host, uint16_t port)
{
    static const char text[] = "engine.started:1|c";
    struct sockaddr_in to = at(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, text, sizeof(text) - 1, 0, (const struct sockaddr *)&to, sizeof(to));
    close(fd);
}

int main(int argc, char **argv)
{
    look_up(NAME);
    open_connection(TCP_HOST, TCP_PORT);
    send_datagram(UDP_HOST, UDP_PORT);
    if (argc < 2)
        return 0;
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
