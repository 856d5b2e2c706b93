#include "http/target.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http.h"
#include "util/span.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes `len` bytes into a fresh string; NULL with *why. *slash (NULL in a query) is set as http_target wants it. */
static char *decode(const char *raw, size_t len, size_t *slash, const char **why)
{
    bool path = slash != NULL;
    char *out = malloc(len + 1);
    size_t n = 0;
    if (!out)
        abort();
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)raw[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_value(raw[i + 1]) : -1, low = high >= 0 ? hex_value(raw[i + 2]) : -1;
            if (low < 0) {
                *why = "a % that is not followed by two hex digits";
                goto refused;
            }
            c = (unsigned char)(high << 4 | low);
            i += 2;
            if (path && c == '/' && *slash == SIZE_MAX)
                *slash = n;
        } else if (!path && c == '+') {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f || (path && c == '\\')) {
            *why = path ? "a control character or backslash in the path" : "a control character in the query";
            goto refused;
        }
        out[n++] = (char)c;
    }
    out[n] = 0;
    if (span_is_utf8(span_of(out, n)))
        return out;
    *why = "bytes that are not UTF-8";
refused:
    free(out);
    return NULL;
}

char *target_decode(const char *raw, size_t len, const char **why)
{
    return decode(raw, len, NULL, why);
}

/* The path `raw`, of which `path` was decoded, with another byte for each slash that came encoded. */
static char *mark_slashes(const char *raw, const char *path)
{
    char *out = strdup(path);
    if (!out)
        abort();
    for (size_t n = 0; out[n]; n++) {
        if (*raw == '%' && out[n] == '/')
            out[n] = HTTP_ENCODED_SLASH;
        raw += *raw == '%' ? 3 : 1;
    }
    return out;
}

/* Every segment has a name; the last may be empty ("/v2/"). */
static bool segments_ok(const char *path)
{
    while (*path == '/') {
        const char *segment = ++path;
        path += strcspn(path, "/");
        size_t len = (size_t)(path - segment);
        if (len == 0 && *path == '/')
            return false;
        if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
            return false;
    }
    return true;
}

/* One key may come again, if the route takes that. */
static int note_repeated(struct http_target *t, const char *key, const char **why)
{
    size_t first = 0;
    while (strcmp(t->query[first].key, key) != 0)
        first++;
    if (!t->repeated)
        t->repeated = t->query[first].key;
    if (!strcmp(t->repeated, key))
        return 0;
    *why = "two parameters that stand twice in the query";
    return -1;
}

static int query_parse(const char *raw, struct http_target *out, const char **why)
{
    while (*raw) {
        size_t len = strcspn(raw, "&"), key = strcspn(raw, "=&");
        if (len > 0) {
            if (out->query_count == HTTP_QUERY_MAX) {
                *why = "too many parameters in the query";
                return -1;
            }
            char *k = decode(raw, key, NULL, why);
            char *v = k ? decode(raw + key + (key < len), len - key - (key < len), NULL, why) : NULL;
            if (!v) {
                free(k);
                return -1;
            }
            for (size_t i = 0; i < out->query_count; i++)
                if (!strcmp(out->query[i].key, k) && note_repeated(out, k, why) < 0)
                    break;
            out->query[out->query_count].key = k;
            out->query[out->query_count++].value = v;
            if (*why)
                return -1;
        }
        raw += len + (raw[len] == '&');
    }
    return 0;
}

int target_parse(const char *raw, struct http_target *out, const char **why)
{
    *out = (struct http_target){.encoded_slash = SIZE_MAX};
    *why = NULL;
    if (!strncasecmp(raw, "http://", 7) || !strncasecmp(raw, "https://", 8)) {
        raw = strstr(raw, "//") + 2;
        size_t len = strcspn(raw, "/?#");
        out->authority = strndup(raw, len);
        raw += len;
        if (!out->authority)
            abort();
        if (*raw != '/')
            raw = *raw ? raw : "/";
    }
    if (*raw != '/') {
        *why = "a target that is no absolute path";
        return -1;
    }
    if (strchr(raw, '#')) {
        *why = "a fragment in the target";
        return -1;
    }
    size_t len = strcspn(raw, "?");
    out->path = decode(raw, len, &out->encoded_slash, why);
    if (!out->path)
        return -1;
    if (out->encoded_slash != SIZE_MAX)
        out->segments = mark_slashes(raw, out->path);
    if (!segments_ok(out->path)) {
        *why = "an empty, \".\" or \"..\" segment in the path";
        return -1;
    }
    return raw[len] ? query_parse(raw + len + 1, out, why) : 0;
}

bool target_slash_ok(const struct http_target *t, const char *route)
{
    return t->encoded_slash == SIZE_MAX || (route && t->encoded_slash >= strlen(route));
}

bool target_query_ok(const struct http_target *t, const char *key)
{
    return !t->repeated || (key && !strcmp(t->repeated, key));
}

void target_fini(struct http_target *t)
{
    free(t->path);
    free(t->segments);
    free(t->authority);
    for (size_t i = 0; i < t->query_count; i++) {
        free(t->query[i].key);
        free(t->query[i].value);
    }
    memset(t, 0, sizeof(*t));
}

bool target_authority_ok(const char *text)
{
    size_t host;
    if (*text == '[') {
        host = strspn(text + 1, "0123456789abcdefABCDEF:.") + 1;
        if (host < 3 || text[host] != ']')
            return false;
        host++;
    } else {
        host = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~");
    }
    if (host == 0 || host > 255)
        return false;
    if (text[host] == 0)
        return true;
    size_t digits = text[host] == ':' ? strspn(text + host + 1, "0123456789") : 0;
    return digits > 0 && digits <= 5 && text[host + 1 + digits] == 0;
}
