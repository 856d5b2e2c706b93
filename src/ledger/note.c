#include "ledger/note.h"

#include <stdio.h>
#include <string.h>

#include "util/encode.h"
#include "util/limits.h"

#define KEY_ID_BYTES      4
#define TYPE_ED25519      1
#define ED25519_KEY_BYTES 32
#define SIGNATURE_START   "\xe2\x80\x94 " /* U+2014 and a space */

/* A name has at least one character, no space of any kind and no plus. */
static bool name_fits(struct span name)
{
    if (name.len == 0 || name.len >= NOTE_NAME_SIZE || !span_is_utf8(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f || name.ptr[i] == '+')
            return false;
    return true;
}

static void key_id(struct span name, const uint8_t raw[ED25519_KEY_BYTES], uint8_t id[KEY_ID_BYTES])
{
    static const uint8_t between[] = {'\n', TYPE_ED25519};
    struct sha256 *h = sha256_new();
    sha256_add(h, name.ptr, name.len);
    sha256_add(h, between, sizeof between);
    sha256_add(h, raw, ED25519_KEY_BYTES);
    struct digest d = sha256_finish(h);
    memcpy(id, d.bytes, KEY_ID_BYTES);
}

/* ── keys ── */

int vkey_make(const char *name, const struct public_key *k, struct vkey *out, struct err *e)
{
    uint8_t raw[ED25519_KEY_BYTES];
    *out = (struct vkey){0};
    if (!name_fits(span_str(name)))
        return err_set(e, ERR_INPUT, 0, "\"%.80s\" cannot name a ledger: no spaces, no plus, 1 to %d characters", name,
                       NOTE_NAME_SIZE - 1);
    if (!public_key_raw_ed25519(k, raw))
        return err_set(e, ERR_INPUT, 0, "a ledger is signed with an Ed25519 key; this is of another kind");
    snprintf(out->name, sizeof out->name, "%s", name);
    key_id(span_str(name), raw, out->id);
    out->key = public_key_copy(k);
    return 0;
}

void vkey_write(const struct vkey *v, struct buf *out)
{
    uint8_t typed[1 + ED25519_KEY_BYTES] = {TYPE_ED25519};
    char id[2 * KEY_ID_BYTES + 1];
    public_key_raw_ed25519(v->key, typed + 1);
    hex_encode(span_of(v->id, KEY_ID_BYTES), id);
    buf_printf(out, "%s+%s+", v->name, id);
    base64_encode(span_of(typed, sizeof typed), out);
}

static int vkey_fail(struct err *e, const char *why)
{
    err_set(e, ERR_INPUT, 0, "the verification key is malformed: %s", why);
    return err_hint(e, "Wanted is NAME+HASH+BASE64, as `airlock identity` prints it");
}

int vkey_parse(struct span text, struct vkey *out, struct err *e)
{
    struct span name, hash;
    auto_buf typed = BUF(1 + ED25519_KEY_BYTES);
    uint8_t id[KEY_ID_BYTES], computed[KEY_ID_BYTES];
    *out = (struct vkey){0};
    if (!span_take_until(&text, '+', &name) || !name_fits(name) || !span_take_until(&text, '+', &hash) ||
        !hex_decode(hash, id, sizeof id))
        return vkey_fail(e, "its name or hash");
    if (!base64_decode(text, false, &typed) || typed.len != 1 + ED25519_KEY_BYTES || typed.ptr[0] != TYPE_ED25519)
        return vkey_fail(e, "its key (Ed25519, type 1)");
    key_id(name, typed.ptr + 1, computed);
    if (memcmp(id, computed, sizeof id) != 0)
        return vkey_fail(e, "the hash does not belong to this name and key; part of it was changed");
    out->key = public_key_from_ed25519(typed.ptr + 1, e);
    if (!out->key)
        return -1;
    memcpy(out->name, name.ptr, name.len);
    memcpy(out->id, id, sizeof id);
    return 0;
}

void vkey_fini(struct vkey *v)
{
    public_key_free(v->key);
    v->key = NULL;
}

/* ── notes ── */

int checkpoint_sign(const struct checkpoint *c, const struct private_key *k, struct buf *note, struct err *e)
{
    auto_vkey v;
    struct signature signature;
    if (vkey_make(c->origin, private_key_public(k), &v, e) < 0)
        return -1;
    buf_printf(note, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
    base64_encode(span_of(c->root.bytes, DIGEST_SIZE), note);
    buf_add_byte(note, '\n');
    if (key_sign(k, buf_span(note), &signature, e) < 0)
        return err_prefix(e, "checkpoint");
    uint8_t blob[KEY_ID_BYTES + SIGNATURE_MAX];
    memcpy(blob, v.id, KEY_ID_BYTES);
    memcpy(blob + KEY_ID_BYTES, signature.bytes, signature.len);
    buf_printf(note, "\n" SIGNATURE_START "%s ", c->origin);
    base64_encode(span_of(blob, KEY_ID_BYTES + signature.len), note);
    buf_add_byte(note, '\n');
    return buf_check(note, "checkpoint", e);
}

/* Takes a note apart at its last empty line: the text with its newline, and the signature lines. */
static bool split(struct span note, struct span *text, struct span *signatures)
{
    if (note.len > NOTE_MAX_BYTES || !span_is_utf8(note) || note.len < 2 || note.ptr[note.len - 1] != '\n')
        return false;
    for (size_t i = 0; i < note.len; i++)
        if (note.ptr[i] < ' ' && note.ptr[i] != '\n')
            return false;
    for (size_t i = note.len - 1; i > 0; i--)
        if (note.ptr[i] == '\n' && note.ptr[i - 1] == '\n') {
            *text = span_of(note.ptr, i);
            *signatures = span_of(note.ptr + i + 1, note.len - i - 1);
            return true;
        }
    return false;
}

int checkpoint_parse(struct span note, struct checkpoint *out, struct err *e)
{
    struct span text, signatures, origin, size, root;
    auto_buf bytes = BUF(DIGEST_SIZE);
    if (!split(note, &text, &signatures))
        return err_set(e, ERR_INPUT, 0, "no signed note: wanted text, an empty line, and signature lines");
    if (!span_take_until(&text, '\n', &origin) || origin.len == 0 || origin.len >= NOTE_NAME_SIZE)
        return err_set(e, ERR_INPUT, 0, "line 1, the origin: wanted 1 to %d bytes", NOTE_NAME_SIZE - 1);
    if (!span_take_until(&text, '\n', &size) || !span_decimal(size, &out->size) || out->size > INT64_MAX)
        return err_set(e, ERR_INPUT, 0, "line 2, the number of entries: wanted a decimal number");
    if (!span_take_until(&text, '\n', &root) || !base64_decode(root, false, &bytes) || bytes.len != DIGEST_SIZE)
        return err_set(e, ERR_INPUT, 0, "line 3, the root: wanted the base64 of 32 bytes");
    memset(out->origin, 0, sizeof out->origin);
    memcpy(out->origin, origin.ptr, origin.len);
    memcpy(out->root.bytes, bytes.ptr, DIGEST_SIZE);
    return 0;
}

/* A signature line: 1 it is v's and holds; 0 it is somebody else's; -1 malformed, or v's and wrong. */
static int check_line(struct span line, struct span text, const struct vkey *v)
{
    struct span name;
    auto_buf blob = BUF(KEY_ID_BYTES + 16384);
    if (!span_take_prefix(&line, SPAN_LIT(SIGNATURE_START)) || !span_take_until(&line, ' ', &name) ||
        !name_fits(name) || !base64_decode(line, false, &blob) || blob.len <= KEY_ID_BYTES)
        return -1;
    if (!span_equal_str(name, v->name) || memcmp(blob.ptr, v->id, KEY_ID_BYTES) != 0)
        return 0;
    return key_verify(v->key, text, span_of(blob.ptr + KEY_ID_BYTES, blob.len - KEY_ID_BYTES)) ? 1 : -1;
}

int checkpoint_check(struct span note, const struct vkey *v, struct err *e)
{
    struct span text, signatures, line;
    struct checkpoint c;
    if (checkpoint_parse(note, &c, e) < 0 || !split(note, &text, &signatures))
        return -1;
    bool signed_by_v = false;
    for (unsigned i = 0; signatures.len; i++) {
        int result = span_take_until(&signatures, '\n', &line) && i < LIMIT_SIGNATURES ? check_line(line, text, v) : -1;
        if (result < 0)
            return err_set(e, ERR_INPUT, 0, "signature line %u is malformed, or its signature is not right", i + 1);
        signed_by_v |= result > 0;
    }
    if (!signed_by_v)
        return err_set(e, ERR_INPUT, 0, "no signature by \"%s\" with this key", v->name);
    if (strcmp(c.origin, v->name) != 0)
        return err_set(e, ERR_INPUT, 0, "the origin is \"%s\"; wanted \"%s\", the name in the key", c.origin, v->name);
    return 0;
}
