#include "parse/pyc.h"

#include <stdio.h>
#include <string.h>

/* Magic numbers of byte code: 3.7 begins with 3390, 3.11 with 3450; from there the hash has fewer rounds. */
#define MAGIC_3_7    3390U
#define MAGIC_3_11   3450U
#define MAGIC_END    4000U
#define FLAG_HASH    1U
#define FLAGS_KNOWN  3U
#define HEADER_BYTES 16U

bool pyc_source_path(const char *path, char *out, size_t size)
{
    static const char folder[] = "__pycache__/";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *tag = strchr(base, '.');
    size_t length = slash ? (size_t)(base - path) : 0, folder_len = strlen(folder);
    struct span name = span_str(base);
    if (!tag || tag == base || !span_ends(name, SPAN_LIT(".pyc")) || strncmp(tag, ".cpython-3", 10) != 0)
        return false;
    if (length < folder_len || strncmp(base - folder_len, folder, folder_len) != 0 ||
        (length > folder_len && path[length - folder_len - 1] != '/'))
        return false;
    int len = snprintf(out, size, "%.*s%.*s.py", (int)(length - folder_len), path, (int)(tag - base), base);
    return len > 0 && (size_t)len < size;
}

/* SipHash with one or two rounds for each word and three or four at the end, as CPython hashes sources with the magic
 * number as its key: a checksum, no proof. */

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word, unsigned rounds)
{
    v[3] ^= word;
    for (unsigned i = 0; i < rounds; i++)
        sip_round(v);
    v[0] ^= word;
}

static uint64_t source_hash(struct span source, uint64_t key, unsigned rounds)
{
    uint64_t v[4] = {key ^ 0x736f6d6570736575ULL, 0x646f72616e646f6dULL, key ^ 0x6c7967656e657261ULL,
                     0x7465646279746573ULL};
    uint64_t word, last = (uint64_t)source.len << 56;
    struct span rest = source;
    uint8_t byte;
    while (span_take_le64(&rest, &word))
        sip_word(v, word, rounds);
    for (unsigned shift = 0; span_take_u8(&rest, &byte); shift += 8)
        last |= (uint64_t)byte << shift;
    sip_word(v, last, rounds);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < rounds + 2; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool pyc_is_made_of(struct span pyc, struct span source, const char **why)
{
    struct span rest = pyc;
    uint32_t magic, flags;
    uint64_t hash;
    *why = "its header is none of Python 3.7 or later";
    if (pyc.len <= HEADER_BYTES || !span_take_le32(&rest, &magic) || !span_take_le32(&rest, &flags) ||
        !span_take_le64(&rest, &hash))
        return false;
    unsigned version = magic & 0xffff;
    if (magic >> 16 != 0x0a0d || version < MAGIC_3_7 || version >= MAGIC_END || flags > FLAGS_KNOWN)
        return false;
    *why = "its header names the time of its source, which says nothing of what stood in it";
    if (!(flags & FLAG_HASH))
        return false;
    *why = "it was made of another source than the one that lies beside it";
    return hash == source_hash(source, magic, version >= MAGIC_3_11 ? 1 : 2);
}
