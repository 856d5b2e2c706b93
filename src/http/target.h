/* Request targets (RFC 9112 section 3.2): taken apart, percent-decoded and checked. Pure functions. Hard rule: a path
 * that two programs could read in two ways is refused, not mended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HTTP_QUERY_MAX 16

struct http_target {
    char *path;           /* owned, decoded */
    size_t encoded_slash; /* where in path the first slash stands that came as %2F; SIZE_MAX: none */
    char *segments;       /* owned; path with HTTP_ENCODED_SLASH (http.h) for each such slash; NULL: there is none */
    struct {
        char *key, *value; /* owned, decoded */
    } query[HTTP_QUERY_MAX];
    size_t query_count;
    const char *repeated; /* the key that stands there more than once; NULL: none. One of query's */
    char *authority;      /* owned; of an absolute target, else NULL */
};

/* 0, or -1 with *why. Refused: a target that is neither absolute path nor http URI; a bad or truncated %-escape; a
 * decoded byte below space, DEL, or backslash; an empty, "." or ".." segment, also one that %2F makes; what is not
 * UTF-8; more than HTTP_QUERY_MAX parameters, or two of them twice. Whether a %2F may be there at all, and one
 * parameter more than once, is the route's to say (target_slash_ok, target_query_ok). */
int target_parse(const char *raw, struct http_target *out, const char **why);
void target_fini(struct http_target *t);

/* `len` bytes of a query or form, decoded ("+" is a space): a fresh string, or NULL with *why. */
char *target_decode(const char *raw, size_t len, const char **why);

/* No %2F, or one that `route` takes (NULL: none may be): behind the route's own path, so that it cannot decide which
 * route is taken. */
bool target_slash_ok(const struct http_target *t, const char *route);

/* No parameter twice, or only `key` (NULL: none may be). */
bool target_query_ok(const struct http_target *t, const char *key);

/* host [ ":" port ], with no user part, path or white space. */
bool target_authority_ok(const char *text);
