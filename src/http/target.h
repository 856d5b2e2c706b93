/* Request targets (RFC 9112 section 3.2): taken apart, percent-decoded and checked. Pure functions. Hard rule: a path
 * that two programs could read in two ways is refused, not mended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HTTP_QUERY_MAX 16

struct http_target {
    char *path; /* owned, decoded */
    struct {
        char *key, *value; /* owned, decoded */
    } query[HTTP_QUERY_MAX];
    size_t query_count;
    char *authority; /* owned; of an absolute target, else NULL */
};

/* 0, or -1 with *why. Refused: a target that is neither absolute path nor http URI; a bad or truncated %-escape; a
 * decoded byte below space, DEL, or backslash; %2F; an empty, "." or ".." segment; what is not UTF-8; more than
 * HTTP_QUERY_MAX parameters, or one twice. */
int target_parse(const char *raw, struct http_target *out, const char **why);
void target_fini(struct http_target *t);

/* host [ ":" port ], with no user part, path or white space. */
bool target_authority_ok(const char *text);
