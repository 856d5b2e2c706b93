/* A program: its sections by name, and what lies at an address. */
#include "fuzz.h"

#include "parse/elf_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_parts p;
    struct span out, file = span_of(data, size);
    if (!elf_parts_open(file, &p))
        return 0;
    if (elf_parts_section(&p, ".go.buildinfo", &out) && out.len > size)
        abort();
    if (elf_parts_at(&p, 0x400000, &out) && out.len > size)
        abort();
    return 0;
}
