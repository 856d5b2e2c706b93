/* Private keys: made here, and on disk only sealed. The work factor of scrypt: N = 2^14, r = 8, p = 1 take 16 MiB and
 * about 50 ms, which is what a person does not notice and what makes each guess at a passphrase cost as much. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "trust/key_internal.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/sys.h"

#define SCRYPT_N        (1U << 14)
#define SCRYPT_N_RANDOM 16U /* for a random secret: a server's own keys are unsealed by each command */
#define SCRYPT_R        8U
#define SCRYPT_P        1U
#define SCRYPT_N_MAX    (1U << 16) /* read: what OpenSSL's own bound of 32 MiB lets through, and no endless work */
#define SCRYPT_P_MAX    16U
#define SALT_BYTES      16
#define SEALED_MAX      4096U
#define SEALED_LABEL    "ENCRYPTED PRIVATE KEY"

void secret_fini(struct secret *s)
{
    OPENSSL_cleanse(s, sizeof *s);
}

/* Reads until the first newline, the end, or a full buffer. */
static ssize_t read_line(int fd, char *text, size_t room)
{
    size_t len = 0;
    while (len < room) {
        ssize_t n = sys.read(fd, text + len, room - len);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    const char *end = memchr(text, '\n', len);
    return end ? end - text : (ssize_t)len;
}

int secret_from_file(const char *path, struct secret *out, struct err *e)
{
    *out = (struct secret){0};
    auto_fd fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, "passphrase file", e);
    ssize_t len = read_line(fd, out->text, sizeof out->text);
    int why = errno;
    if (len > 0 && out->text[len - 1] == '\r')
        len--;
    if (len <= 0 || (size_t)len == sizeof out->text) {
        secret_fini(out);
        if (len < 0 && why == EISDIR)
            return err_set(e, ERR_INPUT, 0, "passphrase file %s is a folder; wanted a file", path);
        if (len < 0)
            return err_set(e, ERR_IO, why, "passphrase file %s", path);
        return err_set(e, ERR_INPUT, 0, "passphrase file %s: its first line is %s; wanted 1 to %zu characters", path,
                       len == 0 ? "empty" : "too long", sizeof out->text - 1);
    }
    memset(out->text + len, 0, sizeof out->text - (size_t)len);
    out->len = (size_t)len;
    return 0;
}

int secret_random(struct secret *out, struct err *e)
{
    uint8_t bytes[32];
    *out = (struct secret){0};
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return openssl_failed(e, "random passphrase");
    hex_encode(span_of(bytes, sizeof bytes), out->text);
    out->len = 2 * sizeof bytes;
    out->random = true;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

/* Takes over pkey. */
static struct private_key *wrap(EVP_PKEY *pkey, const char *name, struct err *e)
{
    auto_buf der = BUF(1024);
    struct public_key *public = NULL;
    if (public_key_der(pkey, &der, e) == 0)
    public = public_key_from_der(buf_span(&der), name, e);
    if (!public) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct private_key *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    *k = (struct private_key){.pkey = pkey, .public = public};
    return k;
}

struct private_key *private_key_new(enum key_kind kind, struct err *e)
{
    EVP_PKEY *pkey =
        kind == KEY_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!pkey) {
        openssl_failed(e, "new key");
        return NULL;
    }
    return wrap(pkey, "new key", e);
}

static X509_SIG *seal(const struct private_key *k, const struct secret *passphrase)
{
    X509_SIG *sealed = NULL;
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(k->pkey);
    uint64_t work = passphrase->random ? SCRYPT_N_RANDOM : SCRYPT_N;
    X509_ALGOR *how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, SALT_BYTES, NULL, work, SCRYPT_R, SCRYPT_P);
    if (plain && how)
        sealed = PKCS8_set0_pbe(passphrase->text, (int)passphrase->len, plain, how);
    if (!sealed)
        X509_ALGOR_free(how); /* a sealed one owns it */
    PKCS8_PRIV_KEY_INFO_free(plain);
    return sealed;
}

int private_key_seal(const struct private_key *k, const struct secret *passphrase, struct buf *pem, struct err *e)
{
    if (passphrase->len == 0)
        return err_set(e, ERR_USAGE, 0, "the passphrase is empty; a private key is sealed with 1 character or more");
    X509_SIG *sealed = seal(k, passphrase);
    uint8_t *der = NULL;
    int len = sealed ? i2d_X509_SIG(sealed, &der) : -1;
    X509_SIG_free(sealed);
    if (len <= 0)
        return openssl_failed(e, "seal a private key");
    pem_encode(span_of(der, (size_t)len), SEALED_LABEL, pem);
    OPENSSL_free(der);
    return buf_check(pem, "sealed key", e);
}

static bool small_integer(const ASN1_INTEGER *number, uint64_t max)
{
    uint64_t value;
    return number && ASN1_INTEGER_get_uint64(&value, number) == 1 && value >= 1 && value <= max;
}

static bool scrypt_is_bounded(const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *how = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    bool fine = how && small_integer(how->costParameter, SCRYPT_N_MAX) && small_integer(how->blockSize, 64) &&
                small_integer(how->parallelizationParameter, SCRYPT_P_MAX);
    SCRYPT_PARAMS_free(how);
    return fine;
}

/* The sealing is PBES2 (RFC 8018) with scrypt and a work factor that somebody means. */
static bool sealed_with_scrypt(const X509_SIG *sealed)
{
    const X509_ALGOR *how;
    const ASN1_OBJECT *id;
    const void *parameter;
    int type;
    X509_SIG_get0(sealed, &how, NULL);
    X509_ALGOR_get0(&id, &type, &parameter, how);
    if (OBJ_obj2nid(id) != NID_pbes2 || type != V_ASN1_SEQUENCE)
        return false;
    PBE2PARAM *pbes2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), how->parameter);
    bool fine = pbes2 && OBJ_obj2nid(pbes2->keyfunc->algorithm) == NID_id_scrypt && pbes2->keyfunc->parameter &&
                scrypt_is_bounded(pbes2->keyfunc->parameter);
    PBE2PARAM_free(pbes2);
    return fine;
}

static X509_SIG *sealed_parse(struct span pem, const char *name, struct err *e)
{
    auto_buf der = BUF(SEALED_MAX);
    if (span_starts(pem, SPAN_LIT("-----BEGIN PRIVATE KEY")) || span_starts(pem, SPAN_LIT("-----BEGIN EC PRIVATE"))) {
        err_set(e, ERR_INPUT, 0,
                "%s: holds a private key that no passphrase seals, and is not read. Whoever saw the file has the key: "
                "make a new one with airlock person new",
                name);
        return NULL;
    }
    if (pem_decode(pem, SEALED_LABEL, name, &der, e) < 0)
        return NULL;
    const uint8_t *at = der.ptr;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)der.len);
    if (sealed && at == der.ptr + der.len && sealed_with_scrypt(sealed))
        return sealed;
    X509_SIG_free(sealed);
    ERR_clear_error();
    err_set(
        e, ERR_INPUT, 0,
        "%s: not PKCS#8 sealed by PBES2 with scrypt (N up to %u, p up to %u). A key sealed otherwise is sealed anew "
        "by: openssl pkcs8 -topk8 -scrypt",
        name, SCRYPT_N_MAX, SCRYPT_P_MAX);
    return NULL;
}

/* A PKCS#8 file of P-256 holds both halves, and the reader believes it. */
static bool halves_match(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool fine = ctx && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return fine;
}

struct private_key *private_key_unseal(struct span pem, const struct secret *passphrase, const char *name,
                                       struct err *e)
{
    X509_SIG *sealed = sealed_parse(pem, name, e);
    if (!sealed)
        return NULL;
    PKCS8_PRIV_KEY_INFO *plain = PKCS8_decrypt(sealed, passphrase->text, (int)passphrase->len);
    EVP_PKEY *pkey = plain ? EVP_PKCS82PKEY(plain) : NULL;
    PKCS8_PRIV_KEY_INFO_free(plain);
    X509_SIG_free(sealed);
    if (!pkey || !halves_match(pkey)) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        err_set(e, ERR_DENIED, 0, "%s: the passphrase does not open it (or the file is damaged)", name);
        return NULL;
    }
    return wrap(pkey, name, e);
}

const struct public_key *private_key_public(const struct private_key *k)
{
    return k->public;
}

void private_key_free(struct private_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    public_key_free(k->public);
    free(k);
}
