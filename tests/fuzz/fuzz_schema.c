#include "parse/schema.h"

#include "fuzz_sbom.h"

/* Every schema looks at every document: what it says and what it lists agree. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_json root = fuzz_document(data, size);
    for (int schema = 0; root && schema < SCHEMA_ROOT_COUNT; schema++) {
        auto_problems problems = {.max = PROBLEMS_MAX};
        if (schema_check_document((enum schema_root)schema, root, &problems) != (problems.count == 0))
            abort();
        fuzz_problems(&problems);
    }
    return 0;
}
