#include "parse/advisory_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rows that somebody else wrote. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rows = span_of(data, size);
    struct advisory_row row;
    while (advisory_row_take(&rows, &row)) {
        enum advisory_name_kind kind;
        struct span text;
        struct advisory_row_package package;
        while (row.name_count-- > 0)
            (void)advisory_row_name(&row.names, &kind, &text);
        while (row.package_count-- > 0)
            (void)advisory_row_package(&row.packages, &package);
    }
    return 0;
}
