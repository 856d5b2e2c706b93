#include "parse/dns.h"

#include <stdio.h>
#include <string.h>

#include "util/auto.h"

#define HEADER_FLAG_QR 0x8000U
#define HEADER_OPCODE  0x7800U
#define HEADER_FLAG_RD 0x0100U
#define ANSWER_FLAGS   0x8480U /* QR, AA, RA */
#define RCODE_NXDOMAIN 3U

#define LABEL_MAX     63U
#define WIRE_NAME_MAX 255U

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Takes one label into `name` at *at. 1: taken; 0: it was the empty one at the end. */
static int take_label(struct span *s, char *name, size_t *at, struct err *e)
{
    uint8_t len;
    struct span label;
    if (!span_take_u8(s, &len))
        return err_set(e, ERR_INPUT, 0, "DNS query: the name ends in the middle");
    if (len == 0)
        return 0;
    if (len > LABEL_MAX)
        return err_set(e, ERR_INPUT, 0, "DNS query: a label of %u bytes or a pointer; wanted at most %u", len,
                       LABEL_MAX);
    if (!span_take(s, len, &label))
        return err_set(e, ERR_INPUT, 0, "DNS query: a label of %u bytes, and %zu are left", len, s->len);
    size_t before = *at > 0 ? *at + 1 : 0;    /* on the wire: dots are lengths, and the first has one too */
    if (before + 1 + len + 1 > WIRE_NAME_MAX) /* its length, itself, and the end */
        return err_set(e, ERR_INPUT, 0, "DNS query: a name longer than %u bytes", WIRE_NAME_MAX);
    if (*at > 0)
        name[(*at)++] = '.';
    for (size_t i = 0; i < label.len; i++)
        name[(*at)++] = (char)(is_plain(label.ptr[i]) ? label.ptr[i] : '?');
    return 1;
}

static int take_name(struct span *s, char name[DNS_NAME_SIZE], struct err *e)
{
    size_t at = 0;
    int more;
    while ((more = take_label(s, name, &at, e)) > 0)
        continue;
    if (at == 0)
        name[at++] = '.';
    name[at] = '\0';
    return more;
}

static int take_header(struct span *s, struct dns_question *q, struct err *e)
{
    uint16_t flags, questions;
    if (!span_take_be16(s, &q->id) || !span_take_be16(s, &flags) || !span_take_be16(s, &questions) || !span_skip(s, 6))
        return err_set(e, ERR_INPUT, 0, "DNS query: shorter than its header of 12 bytes");
    if (flags & (HEADER_FLAG_QR | HEADER_OPCODE))
        return err_set(e, ERR_INPUT, 0, "DNS query: flags %04x; wanted a standard query", flags);
    if (questions != 1)
        return err_set(e, ERR_INPUT, 0, "DNS query: %u questions; wanted 1", questions);
    q->recursion = flags & HEADER_FLAG_RD;
    return 0;
}

int dns_query_parse(struct span message, struct dns_question *out, struct err *e)
{
    struct span s = message;
    *out = (struct dns_question){0};
    if (take_header(&s, out, e) < 0)
        return -1;
    struct span from = s;
    if (take_name(&s, out->name, e) < 0)
        return -1;
    if (!span_take_be16(&s, &out->type) || !span_take_be16(&s, &out->class))
        return err_set(e, ERR_INPUT, 0, "DNS query: no type and class behind the name");
    out->raw = span_of(from.ptr, from.len - s.len);
    return 0;
}

void dns_answer_nxdomain(const struct dns_question *q, struct buf *out)
{
    buf_add_be16(out, q->id);
    buf_add_be16(out, (uint16_t)(ANSWER_FLAGS | (q->recursion ? HEADER_FLAG_RD : 0U) | RCODE_NXDOMAIN));
    buf_add_be16(out, 1);
    buf_add_be16(out, 0);
    buf_add_be32(out, 0);
    buf_add_span(out, q->raw);
}

struct dns_type_text dns_type_text(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } known[] = {{1, "A"},     {2, "NS"},   {5, "CNAME"},  {6, "SOA"},   {12, "PTR"},   {15, "MX"},   {16, "TXT"},
                 {28, "AAAA"}, {33, "SRV"}, {35, "NAPTR"}, {64, "SVCB"}, {65, "HTTPS"}, {255, "ANY"}, {256, "URI"}};
    struct dns_type_text t;
    snprintf(t.text, sizeof(t.text), "TYPE%u", type);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].type == type)
            snprintf(t.text, sizeof(t.text), "%s", known[i].name);
    return t;
}
