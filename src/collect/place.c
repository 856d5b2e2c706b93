#include "collect/place.h"

#include <stdio.h>
#include <string.h>

/* Inside a box these addresses are its own loopback. The first one is 127.83.0.2. */
#define ADDRESS_FORMAT "127.83.0.%u"
#define ADDRESS_FIRST  2U

static bool host_ok(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return host.len > 0 && host.len < PLACE_HOST_MAX && host.ptr[0] != '-' && host.ptr[0] != '.';
}

static bool path_ok(struct span path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] > '~' || strchr("?#'\"\\<>^`{|}", path.ptr[i]))
            return false;
    return true;
}

int url_read(const char *text, struct url *out, struct err *e)
{
    struct span rest = span_str(text);
    uint64_t port;
    *out = (struct url){.tls = span_take_prefix(&rest, SPAN_LIT("https://"))};
    if (!out->tls && !span_take_prefix(&rest, SPAN_LIT("http://")))
        return err_set(e, ERR_INPUT, 0, "\"%.100s\": wanted https://HOST/… or http://HOST/…", text);
    size_t authority = strcspn((const char *)rest.ptr, "/");
    struct span host = {rest.ptr, authority}, number = {0};
    out->path = (const char *)rest.ptr + authority;
    if (!span_take_until(&host, ':', &number)) {
        port = out->tls ? 443 : 80;
    } else {
        struct span swap = host;
        host = number;
        if (!span_decimal(swap, &port) || port == 0 || port > UINT16_MAX)
            return err_set(e, ERR_INPUT, 0, "\"%.100s\": wanted a port of 1 to 65535 behind the colon", text);
    }
    if (!host_ok(host) || !path_ok(span_str(out->path)))
        return err_set(e, ERR_INPUT, 0,
                       "\"%.100s\": wanted a host name and a plain path, without user, question mark or spaces", text);
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    out->port = (uint16_t)port;
    return 0;
}

static bool is_address(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

/* Names that mean this machine everywhere (RFC 6761, section 6.3): some clients do not look them up. */
static bool is_localhost(const char *host)
{
    return strcmp(host, "localhost") == 0 || span_ends(span_str(host), SPAN_LIT(".localhost"));
}

/* The address of a host that is there already, or the next free one. */
static int give_address(const struct places *p, struct place *to, struct err *e)
{
    const char *own = is_localhost(to->host) ? "127.0.0.1" : to->host;
    if (is_address(own)) {
        if (strncmp(own, "127.", 4) != 0 || strlen(own) >= sizeof to->address)
            return err_set(e, ERR_INPUT, 0,
                           "%s: an upstream is called by a name; give this address one in /etc/hosts of this machine",
                           to->host);
        snprintf(to->address, sizeof to->address, "%.15s", own);
        return 0;
    }
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].host, to->host) == 0) {
            memcpy(to->address, p->list[i].address, sizeof to->address);
            return 0;
        }
    snprintf(to->address, sizeof to->address, ADDRESS_FORMAT, (unsigned)p->count % 200U + ADDRESS_FIRST);
    return 0;
}

int places_add(struct places *p, const struct url *u, struct err *e)
{
    struct place to = {.port = u->port, .tls = u->tls};
    memcpy(to.host, u->host, sizeof to.host);
    if (give_address(p, &to, e) < 0)
        return -1;
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].port == to.port && strcmp(p->list[i].address, to.address) == 0)
            return 0;
    if (p->count == BOX_LISTEN_MAX)
        return err_set(e, ERR_LIMIT, 0, "more than %d upstreams", BOX_LISTEN_MAX);
    p->list[p->count++] = to;
    return 0;
}

int places_add_text(struct places *p, const char *text, struct err *e)
{
    struct url u;
    return url_read(text, &u, e) < 0 ? -1 : places_add(p, &u, e);
}

void places_hosts(const struct places *p, struct buf *out)
{
    buf_add_str(out, "127.0.0.1 localhost\n");
    for (size_t i = 0; i < p->count; i++)
        if (!is_address(p->list[i].host) && strcmp(p->list[i].host, "localhost") != 0)
            buf_printf(out, "%s %s\n", p->list[i].address, p->list[i].host);
}

void places_names(const struct places *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++)
        buf_printf(out, "%s%s:%u", i ? ", " : "", p->list[i].host, p->list[i].port);
}
