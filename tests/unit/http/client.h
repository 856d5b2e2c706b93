/* A client for tests that may send anything: raw bytes out, raw bytes in, with a time-out on everything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

#define CLIENT_TIMEOUT_MS 10000

/* A server on a free port of loopback; options may be NULL. Fails the test when it does not start. */
struct http_server *test_server(const struct http_route *routes, size_t count, const struct http_options *options);

int client_connect(uint16_t port);
void client_send(int fd, const void *bytes, size_t len); /* a connection that is closed meanwhile is no error */
void client_send_text(int fd, const char *text);

/* Reads until the end of the connection, or until `quiet_ms` nothing came; *ended says which. NUL-terminated. */
size_t client_read(int fd, char *out, size_t room, int quiet_ms, bool *ended);
/* Reads until `text` has come. */
bool client_read_until(int fd, char *out, size_t room, const char *text);

/* One request on a connection of its own; the answer up to the connection's end, which the request must ask for. */
size_t client_exchange(uint16_t port, const char *request, char *out, size_t room);

int status_of(const char *reply); /* 0 when it is no HTTP answer */
const char *body_of(const char *reply);
