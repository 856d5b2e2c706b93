/* What the library's parser lets through and must not reach a handler. Each of these lets two programs that stand one
 * behind the other see two different requests in the same bytes (request smuggling), or has no meaning at all. The
 * answer is 400 with `Connection: close`: nothing that stands behind such a request is ever looked at. */
#include <string.h>
#include <strings.h>

#include "http/internal.h"

struct look {
    struct http_request *r;
    unsigned lengths, encodings, hosts;
    const char *host;
    const char *why;
};

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

static enum MHD_Result look_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct look *l = arg;
    (void)kind;
    if (!is_token(name, name_len))
        l->why = "a header name with a byte that no name may have";
    else if (!value_is_clean(value ? value : "", value ? value_len : 0))
        l->why = "a control character in a header";
    else
        l->why = look_field(l, name, value ? value : "");
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
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, look_header, &l);
    if (!l.why)
        l.why = look_together(&l, version);
    r->has_body = l.encodings > 0 || (r->known_length && r->content_length > 0);
    return l.why;
}
