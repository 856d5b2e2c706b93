#include "parse/problems.h"

#include "fuzz_sbom.h"

/* Bytes become keys and messages: what is written is JSON, and pointers stay within their length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_problems problems = {.max = 8}, more = {.max = 8};
    auto_buf text = BUF(1U << 20);
    buf_add(&text, data, size);
    if (!buf_ok(&text))
        return 0;
    struct place top = {0}, item = {.up = &top, .index = size}, member = {.up = &item, .key = buf_str(&text)};
    for (size_t i = 0; i < 12; i++) {
        problem_add(&problems, &member, "rule", "%s", buf_str(&text));
        problem_add(&more, i % 2 ? &item : &top, "rule", "%zu", i);
    }
    problems_move(&problems, &more);
    fuzz_problems(&problems);
    if (problems.count != 24 || problems.kept != 8 || more.count != 0)
        abort();
    return 0;
}
