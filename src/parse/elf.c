#include "parse/elf.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_ELF_SEGMENTS 4096U   /* linkers write about ten */
#define LIMIT_ELF_SECTIONS 65279U  /* SHN_LORESERVE - 1; larger counts hide in section 0 and are refused */
#define LIMIT_ELF_DYNAMIC  100000U /* entries of the dynamic section */
#define LIMIT_ELF_NEEDED   1024U
#define LIMIT_ELF_NAME     4096U

/* Offsets and sizes of both classes, widened. */
struct segment {
    uint32_t type, flags;
    uint64_t offset, address, file_size, memory_size;
};

struct section {
    uint32_t name, type;
    uint64_t offset, size;
};

struct elf {
    struct span file;
    struct report *r;
    bool wide, big; /* ELF64; the most significant byte first */
    uint16_t type, machine;
    uint64_t segment_table, section_table;
    uint16_t segment_size, segment_count, section_size, section_count, names_index;
    struct segment *segments; /* owned */
    uint64_t end;             /* the last byte that anything of the file claims */
    bool stack_seen;
};

static int broken(struct elf *f, const char *rule, const char *at, const char *what)
{
    return report_stop(f->r, SEVERITY_HIGH, rule, at, "%s", what);
}

/* Numbers, in the order of bytes that the file's header names. */
static bool take16(const struct elf *f, struct span *s, uint16_t *out)
{
    return f->big ? span_take_be16(s, out) : span_take_le16(s, out);
}

static bool take32(const struct elf *f, struct span *s, uint32_t *out)
{
    return f->big ? span_take_be32(s, out) : span_take_le32(s, out);
}

/* An address, offset or size: 4 bytes or 8. */
static bool take_word(const struct elf *f, struct span *s, uint64_t *out)
{
    uint32_t narrow;
    if (f->wide)
        return f->big ? span_take_be64(s, out) : span_take_le64(s, out);
    if (!take32(f, s, &narrow))
        return false;
    *out = narrow;
    return true;
}

static void claim(struct elf *f, uint64_t end)
{
    if (end > f->end)
        f->end = end;
}

/* How the rest of the header is to be read. */
static int read_ident(struct elf *f, struct span *s)
{
    struct span ident;
    if (!span_take(s, EI_NIDENT, &ident) || memcmp(ident.ptr, ELFMAG, SELFMAG) != 0)
        return broken(f, "elf-header", "header", "does not begin with an ELF header");
    if (ident.ptr[EI_DATA] != ELFDATA2LSB && ident.ptr[EI_DATA] != ELFDATA2MSB)
        return broken(f, "elf-header", "header", "an order of bytes that does not exist");
    f->big = ident.ptr[EI_DATA] == ELFDATA2MSB;
    if ((ident.ptr[EI_CLASS] != ELFCLASS32 && ident.ptr[EI_CLASS] != ELFCLASS64) || ident.ptr[EI_VERSION] != EV_CURRENT)
        return broken(f, "elf-header", "header", "a class or version that does not exist");
    f->wide = ident.ptr[EI_CLASS] == ELFCLASS64;
    return 0;
}

static int read_header(struct elf *f)
{
    struct span s = f->file;
    uint32_t version, flags;
    uint64_t entry;
    uint16_t header_size;
    if (read_ident(f, &s) < 0)
        return -1;
    if (!take16(f, &s, &f->type) || !take16(f, &s, &f->machine) || !take32(f, &s, &version) ||
        !take_word(f, &s, &entry) || !take_word(f, &s, &f->segment_table) || !take_word(f, &s, &f->section_table) ||
        !take32(f, &s, &flags) || !take16(f, &s, &header_size) || !take16(f, &s, &f->segment_size) ||
        !take16(f, &s, &f->segment_count) || !take16(f, &s, &f->section_size) || !take16(f, &s, &f->section_count) ||
        !take16(f, &s, &f->names_index))
        return broken(f, "elf-truncated", "header", "the file ends inside its header");
    if (version != EV_CURRENT || header_size != (f->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
        return broken(f, "elf-header", "header", "a version or header size that does not exist");
    if (f->type < ET_REL || f->type > ET_DYN)
        return broken(f, "elf-type", "header", "neither a program nor a library nor an object");
    claim(f, header_size);
    return 0;
}

/* The bytes of a table, or a finding. */
static int table(struct elf *f, uint64_t offset, uint16_t entry, uint16_t wanted, uint16_t count, const char *at,
                 struct span *out)
{
    if (entry != wanted)
        return broken(f, "elf-table", at, "entries of a size that does not exist");
    uint64_t size = (uint64_t)entry * count;
    if (!span_slice(f->file, offset, size, out))
        return broken(f, "elf-truncated", at, "the table lies beyond the end of the file");
    claim(f, offset + size);
    return 0;
}

static bool take_segment(const struct elf *f, struct span *s, struct segment *p)
{
    uint64_t physical, alignment;
    bool fine = take32(f, s, &p->type) && (!f->wide || take32(f, s, &p->flags)) && take_word(f, s, &p->offset) &&
                take_word(f, s, &p->address) && take_word(f, s, &physical) && take_word(f, s, &p->file_size) &&
                take_word(f, s, &p->memory_size) && (f->wide || take32(f, s, &p->flags)) && take_word(f, s, &alignment);
    return fine;
}

static int check_segment(struct elf *f, size_t number, const struct segment *p)
{
    char at[48];
    struct span bytes;
    uint64_t end;
    snprintf(at, sizeof(at), "segment %zu", number);
    if (p->type != PT_GNU_STACK && p->file_size > 0 && !span_slice(f->file, p->offset, p->file_size, &bytes))
        return broken(f, "elf-segment", at, "lies beyond the end of the file");
    if (p->type == PT_LOAD &&
        (p->file_size > p->memory_size || __builtin_add_overflow(p->address, p->memory_size, &end)))
        return broken(f, "elf-segment", at, "more bytes in the file than in memory, or an address that wraps");
    if (p->type == PT_LOAD && (p->flags & PF_W) && (p->flags & PF_X))
        report_finding(f->r, SEVERITY_HIGH, "elf-writable-code", at, "memory that is writable and executable at once");
    if (p->type == PT_GNU_STACK && (p->flags & PF_X))
        report_finding(f->r, SEVERITY_HIGH, "elf-executable-stack", at, "asks for an executable stack");
    f->stack_seen |= p->type == PT_GNU_STACK;
    if (p->file_size > 0)
        claim(f, p->offset + p->file_size);
    return 0;
}

static int read_segments(struct elf *f)
{
    struct span s;
    if (f->segment_count == 0)
        return f->type == ET_REL ? 0 : broken(f, "elf-segment", "segments", "a program or library without segments");
    if (f->segment_count > LIMIT_ELF_SEGMENTS)
        return broken(f, "elf-count", "segments", "more than 4096 segments");
    if (table(f, f->segment_table, f->segment_size, f->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), f->segment_count,
              "segments", &s) < 0)
        return -1;
    f->segments = calloc(f->segment_count, sizeof(*f->segments));
    if (!f->segments)
        abort();
    for (size_t i = 0; i < f->segment_count; i++)
        if (!take_segment(f, &s, &f->segments[i]) || check_segment(f, i, &f->segments[i]) < 0)
            return -1;
    return 0;
}

static bool take_section(const struct elf *f, struct span *s, struct section *x)
{
    uint64_t flags, address, alignment, entry;
    uint32_t link, info;
    return take32(f, s, &x->name) && take32(f, s, &x->type) && take_word(f, s, &flags) && take_word(f, s, &address) &&
           take_word(f, s, &x->offset) && take_word(f, s, &x->size) && take32(f, s, &link) && take32(f, s, &info) &&
           take_word(f, s, &alignment) && take_word(f, s, &entry);
}

static int check_section(struct elf *f, size_t number, const struct section *x)
{
    char at[48];
    struct span bytes;
    snprintf(at, sizeof(at), "section %zu", number);
    if (x->type == SHT_NULL || x->type == SHT_NOBITS || x->size == 0)
        return 0;
    if (!span_slice(f->file, x->offset, x->size, &bytes))
        return broken(f, "elf-section", at, "lies beyond the end of the file");
    claim(f, x->offset + x->size);
    return 0;
}

static int read_sections(struct elf *f)
{
    struct span s;
    struct section x;
    if (f->section_count == 0) {
        if (f->section_table != 0)
            return broken(f, "elf-section", "sections", "a table of sections without a count");
        return f->type == ET_REL ? broken(f, "elf-section", "sections", "an object without sections") : 0;
    }
    if (f->section_count > LIMIT_ELF_SECTIONS || f->names_index >= f->section_count)
        return broken(f, "elf-section", "sections", "a count, or an index of the names, that is out of range");
    if (table(f, f->section_table, f->section_size, f->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), f->section_count,
              "sections", &s) < 0)
        return -1;
    for (size_t i = 0; i < f->section_count; i++)
        if (!take_section(f, &s, &x) || check_section(f, i, &x) < 0)
            return -1;
    return 0;
}

/* The file's bytes from a virtual address on, through the segment that loads it. */
static bool at_address(const struct elf *f, uint64_t address, struct span *out)
{
    for (size_t i = 0; i < f->segment_count; i++) {
        const struct segment *p = &f->segments[i];
        if (p->type == PT_LOAD && address >= p->address && address - p->address < p->file_size)
            return span_slice(f->file, p->offset + (address - p->address), p->file_size - (address - p->address), out);
    }
    return false;
}

static bool name_at(struct span strings, uint64_t offset, struct span *out)
{
    struct span rest;
    if (offset >= strings.len || !span_slice(strings, offset, strings.len - offset, &rest))
        return false;
    return span_take_until(&rest, '\0', out) && out->len <= LIMIT_ELF_NAME;
}

static bool take_dynamic(const struct elf *f, struct span *s, int64_t *tag, uint64_t *value)
{
    uint64_t raw;
    if (!take_word(f, s, &raw) || !take_word(f, s, value))
        return false;
    *tag = f->wide ? (int64_t)raw : (int64_t)(int32_t)raw;
    return true;
}

/* A directory that the loader looks into for libraries: absolute, or beside the file itself. */
static void check_runpath(struct elf *f, struct span path)
{
    while (path.len > 0) {
        struct span part;
        if (!span_take_until(&path, ':', &part)) {
            part = path;
            path.len = 0;
        }
        bool beside = span_starts(part, SPAN_LIT("$ORIGIN")) || span_starts(part, SPAN_LIT("${ORIGIN}"));
        bool absolute = part.len > 0 && part.ptr[0] == '/';
        if ((!beside && !absolute) || span_starts(part, SPAN_LIT("/tmp")) || span_starts(part, SPAN_LIT("/home")))
            report_finding(f->r, SEVERITY_MEDIUM, "elf-runpath", "dynamic section",
                           "libraries are looked for in \"%.*s\"", (int)part.len, (const char *)part.ptr);
    }
}

struct dynamic {
    struct span entries, strings;
    uint64_t strings_address, strings_size;
};

static int find_strings(struct elf *f, struct dynamic *d)
{
    struct span s = d->entries;
    int64_t tag;
    uint64_t value;
    for (size_t i = 0; take_dynamic(f, &s, &tag, &value) && tag != DT_NULL; i++) {
        if (i >= LIMIT_ELF_DYNAMIC)
            return broken(f, "elf-count", "dynamic section", "more than 100,000 entries");
        if (tag == DT_STRTAB)
            d->strings_address = value;
        else if (tag == DT_STRSZ)
            d->strings_size = value;
    }
    if (d->strings_address == 0)
        return 0;
    if (!at_address(f, d->strings_address, &d->strings) || d->strings_size > d->strings.len)
        return broken(f, "elf-dynamic", "dynamic section", "its table of names is not in the file");
    d->strings.len = (size_t)d->strings_size;
    return 0;
}

/* One pass for the entries of one tag; each name goes to *w as a text. */
static int write_names(struct elf *f, const struct dynamic *d, int64_t wanted, struct json_out *w, size_t *count)
{
    struct span s = d->entries, name;
    int64_t tag;
    uint64_t value;
    *count = 0;
    while (take_dynamic(f, &s, &tag, &value) && tag != DT_NULL) {
        if (tag != wanted)
            continue;
        if (!name_at(d->strings, value, &name))
            return broken(f, "elf-dynamic", "dynamic section", "a name that lies outside the table of names");
        if (wanted == DT_RPATH || wanted == DT_RUNPATH)
            check_runpath(f, name);
        if ((*count)++ >= LIMIT_ELF_NEEDED)
            return broken(f, "elf-count", "dynamic section", "more than 1024 names of one kind");
        json_out_span(w, name);
    }
    return 0;
}

static int read_dynamic(struct elf *f, const struct segment *p)
{
    static const struct {
        int64_t tag;
        const char *fact;
    } names[] = {{DT_NEEDED, "needed"}, {DT_SONAME, "soname"}, {DT_RPATH, "rpath"}, {DT_RUNPATH, "runpath"}};
    struct dynamic d = {0};
    int result = 0;
    if (!span_slice(f->file, p->offset, p->file_size, &d.entries))
        return broken(f, "elf-dynamic", "dynamic section", "lies beyond the end of the file");
    if (find_strings(f, &d) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(names) && result == 0; i++) {
        size_t count;
        json_put_array(&f->r->facts, names[i].fact);
        result = write_names(f, &d, names[i].tag, &f->r->facts, &count);
        json_out_array_end(&f->r->facts);
    }
    return result;
}

static int read_interpreter(struct elf *f, const struct segment *p)
{
    struct span path;
    if (!span_slice(f->file, p->offset, p->file_size, &path) || path.len < 2 ||
        memchr(path.ptr, '\0', path.len) != path.ptr + path.len - 1 || path.ptr[0] != '/')
        return broken(f, "elf-interpreter", "interpreter", "the program's loader is no absolute path");
    json_out_key(&f->r->facts, "interpreter");
    json_out_span(&f->r->facts, span_of(path.ptr, path.len - 1));
    return 0;
}

static int read_special_segments(struct elf *f)
{
    bool dynamic = false, interpreter = false;
    for (size_t i = 0; i < f->segment_count; i++) {
        const struct segment *p = &f->segments[i];
        if ((p->type == PT_DYNAMIC && dynamic) || (p->type == PT_INTERP && interpreter))
            return broken(f, "elf-segment", "segments", "two dynamic sections, or two interpreters");
        if (p->type == PT_DYNAMIC && read_dynamic(f, p) < 0)
            return -1;
        if (p->type == PT_INTERP && read_interpreter(f, p) < 0)
            return -1;
        dynamic |= p->type == PT_DYNAMIC;
        interpreter |= p->type == PT_INTERP;
    }
    json_put_bool(&f->r->facts, "static", !dynamic && !interpreter && f->type != ET_REL);
    return 0;
}

static const char *machine_name(uint16_t machine)
{
    static const struct {
        uint16_t number;
        const char *name;
    } names[] = {{EM_X86_64, "x86_64"}, {EM_386, "i386"},    {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
                 {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"}, {EM_BPF, "bpf"},         {EM_CUDA, "cuda"},
                 {EM_AMDGPU, "amdgpu"}, {EM_S390, "s390"},   {EM_MIPS, "mips"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].number == machine)
            return names[i].name;
    return "other";
}

/* Zeros up to a page, of 64 KiB at most: linkers for ARM round the end up, and so do tools that rewrite a library. */
static bool is_padding(struct span file, uint64_t from)
{
    if (file.len - from > 65536)
        return false;
    for (uint64_t i = from; i < file.len; i++)
        if (file.ptr[i] != 0)
            return false;
    return true;
}

int elf_check(struct span file, struct report *r)
{
    static const char *const types[] = {[ET_REL] = "object", [ET_EXEC] = "program", [ET_DYN] = "shared"};
    struct elf f = {.file = file, .r = r};
    int result = -1;
    if (read_header(&f) == 0) {
        json_put_string(&r->facts, "class", f.wide ? "64" : "32");
        json_put_string(&r->facts, "type", types[f.type]);
        json_put_string(&r->facts, "machine", machine_name(f.machine));
        if (read_segments(&f) == 0 && read_sections(&f) == 0 && read_special_segments(&f) == 0)
            result = 0;
    }
    if (result == 0 && f.end < file.len && !is_padding(file, f.end))
        report_finding(r, SEVERITY_MEDIUM, "elf-trailing", "end",
                       "%" PRIu64 " bytes behind everything that the headers describe", file.len - f.end);
    if (result == 0 && !f.stack_seen && f.type != ET_REL)
        report_finding(r, SEVERITY_LOW, "elf-executable-stack", "segments",
                       "does not say that its stack is not executable");
    free(f.segments);
    return result;
}

bool elf_begins(struct span s)
{
    return span_starts(s, SPAN_LIT("\x7f"
                                   "ELF")) &&
           s.len >= 16 && (s.ptr[4] == 1 || s.ptr[4] == 2) && (s.ptr[5] == 1 || s.ptr[5] == 2) && s.ptr[6] == 1;
}
