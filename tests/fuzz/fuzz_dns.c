#include <stdlib.h>
#include <string.h>

#include "parse/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever parses must be answerable, and the answer must ask the same question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_question q, again;
    struct err e = {0};
    auto_buf answer = BUF(1024);
    if (dns_query_parse(span_of(data, size), &q, &e) < 0)
        return 0;
    dns_answer_nxdomain(&q, &answer);
    if (!buf_ok(&answer) || answer.len < 12)
        abort();
    answer.ptr[2] = (uint8_t)(answer.ptr[2] & 0x7f); /* as if it were a query */
    if (dns_query_parse(buf_span(&answer), &again, &e) < 0 || strcmp(q.name, again.name) != 0 || q.type != again.type)
        abort();
    (void)dns_type_text(q.type);
    return 0;
}
