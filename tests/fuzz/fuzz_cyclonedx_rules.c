#include "parse/sbom_rules.h"

#include "fuzz_sbom.h"

/* The rules look at any JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_problems problems = {.max = PROBLEMS_MAX}, notes = {.max = PROBLEMS_MAX};
    auto_json root = fuzz_document(data, size);
    struct sbom_rules rules = {.root = root, .problems = &problems, .notes = &notes};
    if (!root)
        return 0;
    cyclonedx_rules(&rules);
    fuzz_problems(&problems);
    fuzz_problems(&notes);
    return 0;
}
