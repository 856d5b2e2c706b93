/* Private keys by what they are made of: a heading alone, a key cut short for a manual, or one made of dots is none.
 * RFC 7468 (PEM), RFC 1421 (its old headers), OpenSSH's PROTOCOL.key, RFC 9580 (OpenPGP), PuTTY's PPK. */
#include "parse/secrets_internal.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES  16384U /* RSA of 16384 bits in PKCS #8 has 9,300 */
#define LOOK_AHEAD 512U   /* for the headers of PEM and PPK */
#define WRAPPED    32768U /* a PEM file in base64 */

static bool starts_at(struct span text, size_t at, const char *with)
{
    size_t len = strlen(with);
    return at <= text.len && text.len - at >= len && memcmp(text.ptr + at, with, len) == 0;
}

/* DER: one SEQUENCE that has as many bytes as it says (X.690, 8.1.3). */
static bool is_sequence(const uint8_t *der, size_t len)
{
    size_t head = 2, inner;
    if (len < 34 || der[0] != 0x30)
        return false;
    inner = der[1];
    if (inner > 0x80) {
        size_t n = inner & 0x7f;
        if (n > 3)
            return false;
        for (inner = 0; head < 2 + n; head++)
            inner = inner << 8 | der[head];
    }
    return head + inner == len;
}

static bool is_openssh(const uint8_t *bytes, size_t len, bool *sealed)
{
    static const char magic[] = "openssh-key-v1";
    if (len < 100 || memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    *sealed = memcmp(bytes + sizeof magic, "\0\0\0\4none", 8) != 0;
    return true;
}

/* A packet with tag 5 or 7, a secret key, in the old or the new form. */
static bool is_openpgp(const uint8_t *bytes, size_t len)
{
    if (len < 64 || !(bytes[0] & 0x80))
        return false;
    unsigned tag = bytes[0] & 0x40 ? bytes[0] & 0x3f : bytes[0] >> 2 & 15;
    return tag == 5 || tag == 7;
}

/* Lines "Name: value" between heading and body, and whether they say that the body is encrypted. */
static size_t skip_headers(struct span text, size_t at, bool *sealed)
{
    size_t limit = text.len - at < LOOK_AHEAD ? text.len : at + LOOK_AHEAD;
    *sealed = false;
    for (;;) {
        size_t begin = at;
        while (begin < limit && (text.ptr[begin] == '\n' || text.ptr[begin] == '\r'))
            begin++;
        while (starts_at(text, begin, "\\n") && begin < limit)
            begin += 2;
        size_t end = begin;
        while (end < limit && text.ptr[end] != '\n' && !starts_at(text, end, "\\n"))
            end++;
        if (end == limit || !memmem(text.ptr + begin, end - begin, ": ", 2))
            return begin;
        *sealed |= memmem(text.ptr + begin, end - begin, "ENCRYPTED", 9) != NULL;
        at = end;
    }
}

static bool found(struct secret *out, const char *kind, bool sealed, size_t len, size_t end)
{
    *out = (struct secret){.rule = "secret-key",
                           .kind = kind,
                           .weight = sealed ? SECRET_LIKELY : SECRET_SURE,
                           .known = true,
                           .checked = true,
                           .len = len,
                           .end = end};
    return true;
}

/* `at` is behind "-----BEGIN ". */
static bool pem_at(struct span text, size_t at, struct secret *out)
{
    static const struct {
        const char *label, *kind;
        bool sealed;
    } labels[] = {
        {"PRIVATE KEY-----", "a private key", false},
        {"RSA PRIVATE KEY-----", "a private key (RSA)", false},
        {"EC PRIVATE KEY-----", "a private key (elliptic curve)", false},
        {"DSA PRIVATE KEY-----", "a private key (DSA)", false},
        {"OPENSSH PRIVATE KEY-----", "a private key of OpenSSH", false},
        {"ENCRYPTED PRIVATE KEY-----", "an encrypted private key", true},
        {"PGP PRIVATE KEY BLOCK-----", "a private key of OpenPGP", false},
    };
    uint8_t bytes[KEY_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        bool sealed, sealed_inside = false;
        size_t end;
        if (!starts_at(text, at, labels[i].label))
            continue;
        size_t body = skip_headers(text, at + strlen(labels[i].label), &sealed);
        size_t len = secret_base64(text, body, bytes, sizeof bytes, &end);
        bool real = is_sequence(bytes, len) || is_openssh(bytes, len, &sealed_inside) ||
                    (i + 1 == ARRAY_LEN(labels) && is_openpgp(bytes, len)) || (sealed && len >= 64);
        return real && found(out, labels[i].kind, labels[i].sealed || sealed || sealed_inside, len, end);
    }
    return false;
}

/* The line that begins with `name` within the next lines, and what follows the colon. */
static bool ppk_line(struct span text, size_t at, const char *name, struct span *value)
{
    size_t limit = text.len - at < 4 * LOOK_AHEAD ? text.len - at : 4 * LOOK_AHEAD;
    const uint8_t *line = memmem(text.ptr + at, limit, name, strlen(name));
    if (!line)
        return false;
    struct span rest = span_of(line + strlen(name), (size_t)(text.ptr + at + limit - line) - strlen(name));
    return span_take_until(&rest, '\n', value);
}

static bool ppk_at(struct span text, size_t at, struct secret *out)
{
    struct span encryption, lines;
    uint8_t bytes[4096];
    size_t end;
    if (!ppk_line(text, at, "\nEncryption: ", &encryption) || !ppk_line(text, at, "\nPrivate-Lines: ", &lines))
        return false;
    size_t body = (size_t)(lines.ptr - text.ptr) + lines.len + 1;
    size_t len = secret_base64(text, body, bytes, sizeof bytes, &end);
    return len >= 24 && found(out, "a private key of PuTTY", !span_starts(encryption, SPAN_LIT("none")), len, end);
}

/* "-----BEGIN " in base64, as Kubernetes and CI systems keep files. */
static bool wrapped_at(struct span text, size_t at, struct secret *out)
{
    uint8_t room[WRAPPED];
    size_t end, len = secret_base64(text, at, room, sizeof room, &end);
    struct span inner = span_of(room, len);
    for (size_t from = 0; from < len; from++) {
        const uint8_t *begin = memmem(room + from, len - from, "-----BEGIN ", 11);
        bool real = begin && pem_at(inner, (size_t)(begin - room) + 11, out);
        out->end = end; /* also without a key: what was decoded is not decoded again */
        if (!begin || real)
            return real;
        from = (size_t)(begin - room) + 11;
    }
    return false;
}

bool secret_key_at(struct span text, size_t at, struct secret *out)
{
    if (starts_at(text, at, "-----BEGIN "))
        return pem_at(text, at + 11, out);
    if (starts_at(text, at, "PuTTY-User-Key-File-"))
        return ppk_at(text, at, out);
    return starts_at(text, at, "LS0tLS1CRUdJTi") && wrapped_at(text, at, out);
}
