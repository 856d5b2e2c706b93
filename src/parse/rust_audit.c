#include "parse/rust_audit.h"

#include <string.h>
#include <zlib.h>

static int wrong(struct inventory *v, const char *what)
{
    return report_finding(v->r, SEVERITY_MEDIUM, "rust-audit", v->path, "the list of crates in it: %s", what);
}

static bool unpack(struct span section, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)section.ptr, .avail_in = (uInt)section.len};
    int result = section.len > LIMIT_RUST_AUDIT_BYTES ? Z_DATA_ERROR : inflateInit(&z);
    if (result != Z_OK)
        return false;
    while (result == Z_OK) {
        uint8_t *room = buf_room(out, 65536);
        if (!room)
            break;
        z.next_out = room;
        z.avail_out = 65536;
        result = inflate(&z, Z_NO_FLUSH);
        buf_grown(out, 65536 - z.avail_out);
    }
    inflateEnd(&z);
    return result == Z_STREAM_END;
}

/* What only builds the program is not in it. */
static int put_crate(const json_t *crate, struct inventory *v)
{
    if (strcmp(json_get_string(crate, "kind", "runtime"), "build") == 0)
        return 0;
    const struct found_package p = {.type = "cargo",
                                    .name = span_str(json_get_string(crate, "name", "")),
                                    .version = span_str(json_get_string(crate, "version", "")),
                                    .channel = span_str(json_get_string(crate, "source", ""))};
    return inventory_put(v, &p);
}

void rust_audit_read(struct span section, struct inventory *v)
{
    auto_buf text = BUF(LIMIT_RUST_AUDIT_BYTES + 65536);
    struct err e = {0};
    const json_t *crate;
    size_t i;
    if (!unpack(section, &text) || text.len > LIMIT_RUST_AUDIT_BYTES) {
        wrong(v, "cannot be unpacked");
        return;
    }
    auto_json root = json_parse(buf_span(&text), LIMIT_RUST_AUDIT_BYTES, "list of crates", &e);
    const json_t *crates = json_object_get(root, "packages");
    if (!json_is_array(crates)) {
        wrong(v, root ? "has no \"packages\"" : e.msg);
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)crates, i, crate)
    {
        if (put_crate(crate, v) < 0)
            return;
    }
}

void rust_audit_find(const struct elf_parts *elf, struct inventory *v)
{
    struct span section;
    if (elf_parts_section(elf, ".dep-v0", &section))
        rust_audit_read(section, v);
}
