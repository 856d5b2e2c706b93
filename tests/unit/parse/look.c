#include "look.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct look look_at(struct span bytes, const struct inspect_options *o)
{
    struct look l = {.verdict = VERDICT_CLEAN};
    /* an exact copy, so that a sanitizer sees a read one byte past the end */
    auto_free uint8_t *exact = NULL;
    exact = malloc(bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(exact, bytes.ptr, bytes.len);
    auto_report r = {0};
    auto_buf out = BUF(32U << 20);
    struct json_out w;
    struct err e = {0};
    report_init(&r, "");
    inspect_bytes(span_of(exact, bytes.len), o, &r);
    json_out_init(&w, &out);
    json_out_object(&w);
    if (report_write(&r, &w, &e) < 0)
        abort();
    json_out_object_end(&w);
    l.reply = json_parse(buf_span(&out), 32U << 20, "the report", &e);
    if (!l.reply)
        abort();
    l.verdict = r.verdict;
    snprintf(l.format, sizeof(l.format), "%s", r.format);
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(l.reply, "findings"), i, finding)
    {
        size_t len = strlen(l.rules);
        snprintf(l.rules + len, sizeof(l.rules) - len, "%s@%.200s ", json_get_string(finding, "rule", "?"),
                 json_get_string(finding, "at", "?"));
    }
    return l;
}

struct look look_named(struct span bytes, const char *name)
{
    struct inspect_options o = {.name = name, .apart = true};
    return look_at(bytes, &o);
}

void look_fini(struct look *l)
{
    json_decref(l->reply);
}

bool look_has(const struct look *l, const char *rule)
{
    char text[128];
    snprintf(text, sizeof(text), "%s@", rule);
    bool found = strncmp(l->rules, text, strlen(text)) == 0;
    snprintf(text, sizeof(text), " %s@", rule);
    found |= strstr(l->rules, text) != NULL;
    if (!found)
        fprintf(stderr, "# wanted %s, found: %s\n", rule, l->rules);
    return found;
}

/* ── GGUF ── */

void put_le64(struct buf *b, uint64_t value)
{
    buf_add_le32(b, (uint32_t)value);
    buf_add_le32(b, (uint32_t)(value >> 32));
}

void gguf_begin(struct buf *b, uint64_t tensors, uint64_t pairs)
{
    buf_add_str(b, "GGUF");
    buf_add_le32(b, 3);
    put_le64(b, tensors);
    put_le64(b, pairs);
}

void gguf_string(struct buf *b, const char *text)
{
    put_le64(b, strlen(text));
    buf_add_str(b, text);
}

void gguf_pair_string(struct buf *b, const char *key, const char *value)
{
    gguf_string(b, key);
    buf_add_le32(b, 8);
    gguf_string(b, value);
}

void gguf_pair_u32(struct buf *b, const char *key, uint32_t value)
{
    gguf_string(b, key);
    buf_add_le32(b, 4);
    buf_add_le32(b, value);
}

void gguf_tensor_f32(struct buf *b, const char *name, uint64_t elements, uint64_t offset)
{
    gguf_string(b, name);
    buf_add_le32(b, 1);
    put_le64(b, elements);
    buf_add_le32(b, 0);
    put_le64(b, offset);
}

void gguf_data(struct buf *b, size_t bytes)
{
    while (b->len % 32)
        buf_add_byte(b, 0);
    for (size_t i = 0; i < bytes; i++)
        buf_add_byte(b, 0);
}

/* ── safetensors ── */

void safetensors_file(struct buf *b, const char *header, size_t data)
{
    put_le64(b, strlen(header));
    buf_add_str(b, header);
    for (size_t i = 0; i < data; i++)
        buf_add_byte(b, 0);
}

/* ── tar ── */

void tar_member(struct buf *b, const char *name, char type, unsigned mode, const char *link, struct span data)
{
    char header[512] = {0};
    unsigned sum = 0;
    snprintf(header, 100, "%s", name);
    snprintf(header + 100, 8, "%07o", mode);
    snprintf(header + 108, 8, "%07o", 0U);
    snprintf(header + 116, 8, "%07o", 0U);
    snprintf(header + 124, 12, "%011o", (unsigned)data.len);
    snprintf(header + 136, 12, "%011o", 0U);
    memset(header + 148, ' ', 8);
    header[156] = type;
    snprintf(header + 157, 100, "%s", link);
    memcpy(header + 257, "ustar\00000", 8);
    snprintf(header + 329, 8, "%07o", 1U);
    snprintf(header + 337, 8, "%07o", 3U);
    for (size_t i = 0; i < sizeof(header); i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    header[155] = ' ';
    buf_add(b, header, sizeof(header));
    buf_add_span(b, data);
    while (b->len % 512)
        buf_add_byte(b, 0);
}

void tar_end(struct buf *b)
{
    for (int i = 0; i < 1024; i++)
        buf_add_byte(b, 0);
}

void gzip(struct buf *out, struct span in)
{
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    size_t room = deflateBound(&z, in.len) + 64;
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    z.next_out = buf_room(out, room);
    z.avail_out = (uInt)room;
    if (!z.next_out || deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    buf_grown(out, z.total_out);
    deflateEnd(&z);
}

/* ── ELF ── */

void elf_file(struct buf *b, uint32_t load_flags, uint32_t stack_flags)
{
    Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0x400000,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr segments[2] = {
        {.p_type = PT_LOAD, .p_flags = load_flags, .p_vaddr = 0x400000, .p_filesz = 256, .p_memsz = 256},
        {.p_type = PT_GNU_STACK, .p_flags = stack_flags},
    };
    buf_add(b, &header, sizeof(header));
    buf_add(b, segments, sizeof(segments));
    while (b->len < 256)
        buf_add_byte(b, 0x90);
}
