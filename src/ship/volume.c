#include "ship/volume.h"

#include <ctype.h>
#include <string.h>

#include "util/limits.h"

void volume_header_fini(struct volume_header *h)
{
    free(h->blocks);
    free(h->extents);
    *h = (struct volume_header){0};
}

static void put_json(const struct volume_header *h, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", VOLUME_SCHEMA);
    json_put_string(&w, "contour", h->contour);
    json_put_uint(&w, "sequence", h->sequence);
    json_put_uint(&w, "number", h->number);
    json_put_uint(&w, "count", h->count);
    json_put_uint(&w, "size", h->payload);
    json_put_uint(&w, "block_size", VOLUME_BLOCK_BYTES);
    json_put_array(&w, "blocks");
    for (size_t i = 0; i < h->block_count; i++)
        json_out_string(&w, digest_hex(&h->blocks[i]).text);
    json_out_array_end(&w);
    json_put_array(&w, "extents");
    for (size_t i = 0; i < h->extent_count; i++) {
        json_out_object(&w);
        json_put_digest(&w, "digest", &h->extents[i].blob);
        json_put_uint(&w, "offset", h->extents[i].offset);
        json_put_uint(&w, "length", h->extents[i].length);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
}

int volume_header_write(const struct volume_header *h, struct buf *out, struct err *e)
{
    auto_buf json = BUF(LIMIT_VOLUME_HEADER_BYTES);
    put_json(h, &json);
    if (buf_check(&json, "volume header", e) < 0)
        return -1;
    while ((json.len + VOLUME_HEAD_BYTES) % VOLUME_ALIGN && !json.failed)
        buf_add_byte(&json, ' ');
    buf_add(out, VOLUME_MAGIC, sizeof VOLUME_MAGIC - 1);
    buf_add_be32(out, VOLUME_VERSION);
    buf_add_be32(out, (uint32_t)json.len);
    buf_add_span(out, buf_span(&json));
    return buf_check(&json, "volume header", e) < 0 ? -1 : buf_check(out, "volume header", e);
}

static int not_a_volume(struct span head, struct err *e)
{
    char hex[3 * 8 + 1] = "";
    bool zeros = true;
    if (head.len == 0)
        return err_set(e, ERR_INPUT, 0, "is empty (0 bytes): the copy was cut off");
    for (size_t i = 0; i < head.len && i < 8; i++) {
        snprintf(hex + 3 * i, 4, "%02x ", head.ptr[i]);
        zeros = zeros && head.ptr[i] == 0;
    }
    return err_set(e, ERR_INPUT, 0, "is no Airlock volume: it begins with %s%s; wanted \"" VOLUME_MAGIC "\"", hex,
                   zeros ? "(zeros)" : "");
}

int volume_head_parse(struct span head, uint64_t file_size, uint64_t *length, struct err *e)
{
    struct span rest = head;
    uint32_t version, header;
    if (!span_take_prefix(&rest, span_str(VOLUME_MAGIC)))
        return not_a_volume(head, e);
    if (!span_take_be32(&rest, &version) || !span_take_be32(&rest, &header))
        return err_set(e, ERR_INPUT, 0, "is truncated: %llu bytes, not even its head of %u",
                       (unsigned long long)file_size, VOLUME_HEAD_BYTES);
    if (version != VOLUME_VERSION)
        return err_set(e, ERR_INPUT, 0, "is a volume of format version %u; this program reads version %u", version,
                       VOLUME_VERSION);
    if (header > LIMIT_VOLUME_HEADER_BYTES)
        return err_set(e, ERR_LIMIT, 0, "has a header of %u bytes; at most %u are read", header,
                       LIMIT_VOLUME_HEADER_BYTES);
    *length = (uint64_t)header + VOLUME_HEAD_BYTES;
    if (*length > file_size)
        return err_set(e, ERR_INPUT, 0, "is truncated: %llu bytes, but its header alone has %llu",
                       (unsigned long long)file_size, (unsigned long long)*length);
    return 0;
}

static int read_blocks(const json_t *header, struct volume_header *out, struct err *e)
{
    const json_t *blocks = json_need_array(header, "blocks", "", e);
    if (!blocks)
        return -1;
    size_t count = json_array_size(blocks);
    if (count != volume_blocks(out->payload, VOLUME_BLOCK_BYTES))
        return err_set(e, ERR_INPUT, 0, "/blocks: %zu hashes for %llu bytes", count, (unsigned long long)out->payload);
    out->blocks = calloc(count + 1, sizeof *out->blocks);
    if (!out->blocks)
        abort();
    for (size_t i = 0; i < count; i++, out->block_count++) {
        const char *hex = json_string_value(json_array_get(blocks, i));
        if (!hex || !digest_from_hex(span_str(hex), &out->blocks[i]))
            return err_set(e, ERR_INPUT, 0, "/blocks/%zu: wanted 64 hex digits", i);
    }
    return 0;
}

static int read_extent(const json_t *row, size_t i, struct volume_extent *out, struct err *e)
{
    char at[40];
    snprintf(at, sizeof at, "/extents/%zu", i);
    if (json_need_digest(row, "digest", at, &out->blob, e) < 0 ||
        json_need_uint(row, "offset", at, &out->offset, e) < 0)
        return -1;
    return json_need_uint(row, "length", at, &out->length, e);
}

static int read_extents(const json_t *header, struct volume_header *out, struct err *e)
{
    const json_t *extents = json_need_array(header, "extents", "", e);
    uint64_t sum = 0;
    if (!extents)
        return -1;
    size_t count = json_array_size(extents);
    if (count > LIMIT_RELEASE_PARTS)
        return err_set(e, ERR_LIMIT, 0, "/extents: %zu; at most %u are read", count, LIMIT_RELEASE_PARTS);
    out->extents = calloc(count + 1, sizeof *out->extents);
    if (!out->extents)
        abort();
    for (size_t i = 0; i < count; i++, out->extent_count++) {
        if (read_extent(json_array_get(extents, i), i, &out->extents[i], e) < 0)
            return -1;
        if (out->extents[i].length == 0 || __builtin_add_overflow(sum, out->extents[i].length, &sum))
            return err_set(e, ERR_INPUT, 0, "/extents/%zu/length: wanted a length that fits the payload", i);
    }
    if (sum != out->payload)
        return err_set(e, ERR_INPUT, 0, "/extents: they cover %llu bytes, but the payload has %llu",
                       (unsigned long long)sum, (unsigned long long)out->payload);
    return 0;
}

static int read_numbers(const json_t *header, struct volume_header *out, struct err *e)
{
    uint64_t block;
    const char *schema = json_need_string(header, "schema", "", e);
    const char *contour = schema ? json_need_string(header, "contour", "", e) : NULL;
    if (!contour || json_need_uint(header, "sequence", "", &out->sequence, e) < 0 ||
        json_need_uint(header, "number", "", &out->number, e) < 0 ||
        json_need_uint(header, "count", "", &out->count, e) < 0 ||
        json_need_uint(header, "size", "", &out->payload, e) < 0 ||
        json_need_uint(header, "block_size", "", &block, e) < 0)
        return -1;
    if (strcmp(schema, VOLUME_SCHEMA) != 0 || block != VOLUME_BLOCK_BYTES)
        return err_set(e, ERR_INPUT, 0, "/schema, /block_size: wanted " VOLUME_SCHEMA " and %u, found %.40s and %llu",
                       VOLUME_BLOCK_BYTES, schema, (unsigned long long)block);
    if (strlen(contour) != 32 || out->payload > LIMIT_VOLUME_BYTES)
        return err_set(e, ERR_INPUT, 0, "/contour, /size: wanted an id of 32 characters and at most %llu bytes",
                       LIMIT_VOLUME_BYTES);
    snprintf(out->contour, sizeof out->contour, "%s", contour);
    return 0;
}

int volume_header_read(const json_t *header, struct volume_header *out, struct err *e)
{
    static const char *const keys[] = {"schema", "contour",    "sequence", "number",  "count",
                                       "size",   "block_size", "blocks",   "extents", NULL};
    *out = (struct volume_header){0};
    if (json_only_keys(header, keys, "", e) == 0 && read_numbers(header, out, e) == 0 &&
        read_blocks(header, out, e) == 0 && read_extents(header, out, e) == 0)
        return 0;
    volume_header_fini(out);
    return err_prefix(e, "volume header");
}
