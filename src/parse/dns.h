/* DNS queries, as the stub of a silence test receives them (RFC 1035, section 4): one question out of a message, and
 * the answer that there is no such name. Hard rule: nothing after the first question is looked at, and a compression
 * pointer inside a question is refused, so that no message can make us walk in circles. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

#define DNS_NAME_SIZE 256 /* presentation form with NUL; a name has at most 255 bytes on the wire */

struct dns_question {
    char name[DNS_NAME_SIZE]; /* "huggingface.co", "." for the root; what is no letter, digit, '-' or '_' is a '?' */
    uint16_t type, class;
    uint16_t id;
    bool recursion;  /* RD */
    struct span raw; /* the question as it came; lives as long as the message */
};

/* Takes a query apart. ERR_INPUT says what is wrong with it. */
int dns_query_parse(struct span message, struct dns_question *out, struct err *e);

/* Appends the answer NXDOMAIN (section 4.1.1, RCODE 3): glibc and musl stop searching at it. */
void dns_answer_nxdomain(const struct dns_question *q, struct buf *out);

struct dns_type_text {
    char text[16];
};
/* "A", "AAAA", "HTTPS", or "TYPE4711" (RFC 3597, section 5). */
struct dns_type_text dns_type_text(uint16_t type);
