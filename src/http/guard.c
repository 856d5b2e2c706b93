/* What the library's parser lets through and must not reach a handler. Each of these lets two programs that stand one
 * behind the other see two different requests in the same bytes (request smuggling), or has no meaning at all. The
 * answer is 400 with `Connection: close`: nothing that stands behind such a request is ever looked at.
 *
 * Two things are looked at: what the library says (names, values), and how the head lies in its buffer. The second is
 * needed because its parser mends silently what must be refused: of a folded header it glues the second line to the
 * header's *name* (a folded "Content-Length:" is then no Content-Length), and at a line that begins with a colon it
 * takes the head to be over. Version 0.9.75 cuts the head up in place, with a NUL for each separator, so a well-formed
 * one is exactly: method NUL target NUL version NUL NUL, then for each header: name NUL blanks value NUL NUL, then NUL
 * NUL. Whatever does not lie so (folded, bare LF, a NUL, a line that was skipped) is refused. Should another version of
 * the library lay it out otherwise, every request is refused, and the first test says so. */
#include <string.h>
#include <strings.h>

#include "http/internal.h"

struct look {
    struct http_request *r;
    unsigned lengths, encodings, hosts;
    const char *host;
    const char *at; /* where the next header must begin, in the library's buffer */
    const char *why;
};

#define NOT_CLEAN "a line of the head that is folded, ends in a bare LF, or has no name"

/* RFC 9110 section 5.6.2 */
static bool is_token(const char *s, size_t len)
{
    static const char extra[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == 0 || !strchr(extra, c)))
            return false;
    }
    return len > 0;
}

static bool value_is_clean(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static const char *look_length(struct look *l, const char *value)
{
    uint64_t length;
    if (l->lengths++)
        return "two Content-Length headers";
    if (!span_decimal(span_str(value), &length))
        return "a Content-Length that is no decimal number";
    l->r->known_length = true;
    l->r->content_length = length;
    return NULL;
}

static const char *look_field(struct look *l, const char *name, const char *value)
{
    if (!strcasecmp(name, "Content-Length"))
        return look_length(l, value);
    if (!strcasecmp(name, "Transfer-Encoding")) {
        if (l->encodings++)
            return "two Transfer-Encoding headers";
        return strcasecmp(value, "chunked") != 0 ? "a Transfer-Encoding other than chunked" : NULL;
    }
    if (!strcasecmp(name, "Host")) {
        if (l->hosts++)
            return "two Host headers";
        l->host = value;
        return target_authority_ok(value) ? NULL : "a Host header that is more than a host and a port";
    }
    return NULL;
}

/* Does this header lie where it must, right behind the one before? */
static const char *look_place(struct look *l, const char *name, size_t name_len, const char *value, size_t value_len)
{
    if (name != l->at || !value || value <= name + name_len || name[name_len] != 0)
        return NOT_CLEAN;
    for (const char *c = name + name_len + 1; c < value; c++)
        if (*c != ' ' && *c != '\t')
            return NOT_CLEAN;
    if (value[value_len] != 0 || value[value_len + 1] != 0)
        return NOT_CLEAN;
    l->at = value + value_len + 2;
    return NULL;
}

static enum MHD_Result look_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct look *l = arg;
    (void)kind;
    l->why = look_place(l, name, name_len, value, value_len);
    if (l->why)
        return MHD_NO;
    if (!is_token(name, name_len))
        l->why = "a header name with a byte that no name may have";
    else if (!value_is_clean(value, value_len))
        l->why = "a control character in a header";
    else
        l->why = look_field(l, name, value);
    return l->why ? MHD_NO : MHD_YES;
}

static const char *look_together(const struct look *l, const char *version)
{
    if (l->lengths && l->encodings)
        return "Content-Length together with Transfer-Encoding";
    if (l->encodings && strcmp(version, "HTTP/1.1") != 0)
        return "Transfer-Encoding in HTTP/1.0";
    if (!l->hosts)
        return "no Host header";
    if (l->r->target.authority &&
        (!target_authority_ok(l->r->target.authority) || strcasecmp(l->r->target.authority, l->host) != 0))
        return "a target whose host is not the one of the Host header";
    return NULL;
}

/* The head's first line, and where its headers begin; NULL when it does not lie as it must. */
static const char *first_header(const struct http_request *r, const char *method, const char *version)
{
    const char *target = method + strlen(method) + 1;
    if (target != r->raw_at || target + strlen(r->raw) + 1 != version)
        return NULL;
    const char *end = version + strlen(version);
    return end[0] == 0 && end[1] == 0 ? end + 2 : NULL;
}

static const char *look_headers(struct look *l, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(l->r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    l->at = first_header(l->r, method, version);
    if (!l->at || !info)
        return "a first line that is not METHOD SP TARGET SP VERSION CR LF";
    MHD_get_connection_values_n(l->r->mhd, MHD_HEADER_KIND, look_header, l);
    if (l->why)
        return l->why;
    bool whole = l->at + 2 == method + info->header_size && l->at[0] == 0 && l->at[1] == 0;
    return whole ? NULL : NOT_CLEAN;
}

const char *guard_look(struct http_request *r, const char *method, const char *version, unsigned *status)
{
    struct look l = {.r = r};
    const char *why = NULL;
    *status = 400;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
        *status = 505;
        return "a version that is neither HTTP/1.1 nor HTTP/1.0";
    }
    if (!is_token(method, strlen(method)))
        return "a method that is no token";
    if (target_parse(r->raw, &r->target, &why) < 0)
        return why;
    why = look_headers(&l, method, version);
    if (!why)
        why = look_together(&l, version);
    /* How chunks are delimited is the library's word alone (it takes bare LF there too): a connection that carried some
     * carries nothing else. */
    r->close = r->close || l.encodings > 0;
    r->has_body = l.encodings > 0 || (r->known_length && r->content_length > 0);
    return why;
}
