#include "ship/elf_look.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "util/sys.h"

#define PROGRAM_HEADERS_MAX 512U

static bool read_at(int fd, void *out, size_t len, uint64_t at)
{
    return at < INT64_MAX && sys.pread(fd, out, len, (off_t)at) == (ssize_t)len;
}

int elf_interpreter(int fd, const char *name, char interp[256], struct err *e)
{
    Elf64_Ehdr head;
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) {
        err_set(e, ERR_INPUT, 0, "%s is no ELF program", name);
        return err_hint(e, "An engine is a static program, or an image (engine: image:) that brings its interpreter");
    }
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
        (head.e_type != ET_EXEC && head.e_type != ET_DYN) || head.e_phentsize != sizeof(Elf64_Phdr) ||
        head.e_phnum > PROGRAM_HEADERS_MAX)
        return err_set(e, ERR_INPUT, 0, "%s is no 64-bit little-endian ELF program", name);
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        if (!read_at(fd, &segment, sizeof segment, head.e_phoff + i * sizeof segment))
            return err_set(e, ERR_INPUT, 0, "%s: its program headers lie outside the file", name);
        if (segment.p_type != PT_INTERP)
            continue;
        if (segment.p_filesz < 2 || segment.p_filesz > 255 ||
            !read_at(fd, interp, (size_t)segment.p_filesz, segment.p_offset))
            return err_set(e, ERR_INPUT, 0, "%s: its interpreter's name lies outside the file", name);
        interp[segment.p_filesz] = '\0';
        return 1;
    }
    return 0;
}
