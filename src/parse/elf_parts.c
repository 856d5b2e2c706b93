#include "parse/elf_parts.h"

#include <elf.h>
#include <string.h>

static bool take16(const struct elf_parts *p, struct span *s, uint16_t *out)
{
    return p->big ? span_take_be16(s, out) : span_take_le16(s, out);
}

static bool take32(const struct elf_parts *p, struct span *s, uint32_t *out)
{
    return p->big ? span_take_be32(s, out) : span_take_le32(s, out);
}

static bool take_word(const struct elf_parts *p, struct span *s, uint64_t *out)
{
    uint32_t narrow;
    if (p->wide)
        return p->big ? span_take_be64(s, out) : span_take_le64(s, out);
    if (!take32(p, s, &narrow))
        return false;
    *out = narrow;
    return true;
}

static bool section_at(const struct elf_parts *p, uint16_t number, uint32_t *name, uint32_t *type, struct span *bytes)
{
    struct span s;
    uint64_t flags, address, offset, size;
    if (number >= p->section_count ||
        !span_slice(p->file, p->sections + (uint64_t)number * p->section_size, p->section_size, &s) ||
        !take32(p, &s, name) || !take32(p, &s, type) || !take_word(p, &s, &flags) || !take_word(p, &s, &address) ||
        !take_word(p, &s, &offset) || !take_word(p, &s, &size))
        return false;
    *bytes = (struct span){0};
    return *type == SHT_NOBITS || span_slice(p->file, offset, size, bytes);
}

bool elf_parts_open(struct span file, struct elf_parts *out)
{
    struct elf_parts *p = out;
    struct span s = file, ident;
    uint16_t type, machine, header, names_index;
    uint32_t version, flags, name, kind;
    uint64_t entry;
    *p = (struct elf_parts){.file = file};
    if (!span_take(&s, EI_NIDENT, &ident) || memcmp(ident.ptr, ELFMAG, SELFMAG) != 0)
        return false;
    p->wide = ident.ptr[EI_CLASS] == ELFCLASS64;
    p->big = ident.ptr[EI_DATA] == ELFDATA2MSB;
    if (!take16(p, &s, &type) || !take16(p, &s, &machine) || !take32(p, &s, &version) || !take_word(p, &s, &entry) ||
        !take_word(p, &s, &p->segments) || !take_word(p, &s, &p->sections) || !take32(p, &s, &flags) ||
        !take16(p, &s, &header) || !take16(p, &s, &p->segment_size) || !take16(p, &s, &p->segment_count) ||
        !take16(p, &s, &p->section_size) || !take16(p, &s, &p->section_count) || !take16(p, &s, &names_index))
        return false;
    if (p->section_count && !section_at(p, names_index, &name, &kind, &p->names))
        p->names = (struct span){0};
    return true;
}

bool elf_parts_section(const struct elf_parts *p, const char *name, struct span *out)
{
    size_t len = strlen(name) + 1;
    for (uint16_t i = 0; i < p->section_count; i++) {
        uint32_t at, type;
        struct span text;
        if (section_at(p, i, &at, &type, out) && span_slice(p->names, at, len, &text) &&
            memcmp(text.ptr, name, len) == 0)
            return type != SHT_NOBITS;
    }
    return false;
}

bool elf_parts_at(const struct elf_parts *p, uint64_t address, struct span *out)
{
    for (uint16_t i = 0; i < p->segment_count; i++) {
        struct span s;
        uint32_t type, flags;
        uint64_t offset, virtual, physical, size;
        if (!span_slice(p->file, p->segments + (uint64_t)i * p->segment_size, p->segment_size, &s) ||
            !take32(p, &s, &type) || (p->wide && !take32(p, &s, &flags)) || !take_word(p, &s, &offset) ||
            !take_word(p, &s, &virtual) || !take_word(p, &s, &physical) || !take_word(p, &s, &size))
            return false;
        if (type == PT_LOAD && address >= virtual && address - virtual < size)
            return span_slice(p->file, offset + (address - virtual), size - (address - virtual), out);
    }
    return false;
}
