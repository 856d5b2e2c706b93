#include "parse/go_build.h"

#include <string.h>

#include "parse/text.h"

#define MAGIC        "\xff Go buildinf:"
#define SENTINEL     16U /* bytes around the list of modules */
#define MODINFO_MAX  (16U << 20)
#define FLAG_BIG     1U
#define FLAG_INLINE  2U
#define INLINE_START 32U

static int wrong(struct inventory *v, const char *what)
{
    return report_finding(v->r, SEVERITY_MEDIUM, "go-buildinfo", v->path, "the build information of Go: %s", what);
}

int go_put(struct inventory *v, struct span path, struct span version, bool declared)
{
    struct found_package p = {.type = "golang", .name = path, .version = version, .declared = declared};
    if (span_equal_str(version, "(devel)"))
        p.version = (struct span){0};
    p.unversioned = true;
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '/') {
            p.namespace = span_of(path.ptr, i - 1);
            p.name = span_of(path.ptr + i, path.len - i);
            break;
        }
    return inventory_put(v, &p);
}

/* ── the two strings ── */

static bool take_uvarint(struct span *s, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (!span_take_u8(s, &byte))
            return false;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_inline(struct span *s, struct span *out)
{
    uint64_t len;
    return take_uvarint(s, &len) && len <= MODINFO_MAX && span_take(s, (size_t)len, out);
}

static bool take_pointer(struct span *s, unsigned size, bool big, uint64_t *out)
{
    uint32_t narrow;
    if (size == 8)
        return big ? span_take_be64(s, out) : span_take_le64(s, out);
    if (!(big ? span_take_be32(s, &narrow) : span_take_le32(s, &narrow)))
        return false;
    *out = narrow;
    return true;
}

/* A pointer to a pointer and a length, as Go keeps strings. */
static bool follow(struct span *s, unsigned size, bool big, const struct elf_parts *elf, struct span *out)
{
    uint64_t header, data, len;
    struct span at;
    return take_pointer(s, size, big, &header) && elf_parts_at(elf, header, &at) &&
           take_pointer(&at, size, big, &data) && take_pointer(&at, size, big, &len) && len <= MODINFO_MAX &&
           (len == 0 || elf_parts_at(elf, data, &at)) && span_slice(at, 0, len, out);
}

/* ── the list of modules ── */

struct module {
    struct span path, version;
    bool there;
};

static int flush(struct inventory *v, struct module *m)
{
    int result = m->there ? go_put(v, m->path, m->version, false) : 0;
    *m = (struct module){0};
    return result;
}

static int take_module(struct inventory *v, struct span line, struct module *m)
{
    struct span kind;
    if (!span_take_until(&line, '\t', &kind))
        return 0;
    bool replaced = span_equal_str(kind, "=>");
    if (!replaced && !span_equal_str(kind, "mod") && !span_equal_str(kind, "dep"))
        return flush(v, m);
    if (!replaced && flush(v, m) < 0)
        return -1;
    *m = (struct module){.there = true};
    if (!span_take_until(&line, '\t', &m->path))
        m->path = line;
    else if (!span_take_until(&line, '\t', &m->version))
        m->version = line;
    return m->path.len ? 0 : wrong(v, "a module without a path");
}

static void put_modules(struct inventory *v, struct span text)
{
    struct span line;
    struct module m = {0};
    if (text.len < 2 * SENTINEL) /* built without modules */
        return;
    text = span_of(text.ptr + SENTINEL, text.len - 2 * SENTINEL);
    if (!text_is_text(text)) {
        wrong(v, "its list of modules is no text");
        return;
    }
    while (inventory_line(&text, &line))
        if (take_module(v, line, &m) < 0)
            return;
    flush(v, &m);
}

/* "go1.22.0 X:…" is version 1.22.0 of the standard library. */
static int put_compiler(struct inventory *v, struct span version)
{
    struct span word = version;
    span_take_prefix(&word, SPAN_LIT("go"));
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == ' ')
            word.len = i;
    if (!span_is_printable(version) || word.len == 0)
        return wrong(v, "its version of Go is no text");
    return go_put(v, SPAN_LIT("stdlib"), word, false);
}

void go_build_read(struct span section, const struct elf_parts *elf, struct inventory *v)
{
    struct span s = section, version = {0}, modules = {0};
    uint8_t size, flags;
    if (!span_take_prefix(&s, span_of(MAGIC, sizeof MAGIC - 1)) || !span_take_u8(&s, &size) ||
        !span_take_u8(&s, &flags)) {
        wrong(v, "does not begin as it must");
        return;
    }
    bool fine;
    if (flags & FLAG_INLINE) {
        fine = span_skip(&s, INLINE_START - sizeof MAGIC - 1) && take_inline(&s, &version) && take_inline(&s, &modules);
    } else {
        fine = elf && (size == 4 || size == 8) && follow(&s, size, flags & FLAG_BIG, elf, &version) &&
               follow(&s, size, flags & FLAG_BIG, elf, &modules);
    }
    if (!fine)
        wrong(v, "its strings lie outside of the file");
    else if (put_compiler(v, version) == 0)
        put_modules(v, modules);
}

void go_build_find(struct span file, const struct elf_parts *elf, struct inventory *v)
{
    struct span section;
    if (elf && elf->section_count) {
        if (elf_parts_section(elf, ".go.buildinfo", &section))
            go_build_read(section, elf, v);
        return;
    }
    for (size_t from = 0; from < file.len;) {
        const uint8_t *at = memmem(file.ptr + from, file.len - from, MAGIC, sizeof MAGIC - 1);
        if (!at)
            return;
        from = (size_t)(at - file.ptr) + 1;
        if ((at - file.ptr) % 16 == 0) {
            go_build_read(span_of(at, file.len - (size_t)(at - file.ptr)), elf, v);
            return;
        }
    }
}
