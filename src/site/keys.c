#include "site/keys.h"

#include <string.h>

#include "util/file.h"

#define KEY_FILE_MAX 16384

int site_secret(int dir, const char *path, struct secret *out, struct err *e)
{
    auto_buf text = BUF(sizeof out->text);
    if (file_read(dir, path, &text, e) < 0)
        return err_prefix(e, "the passphrase of this site's own keys");
    struct span line, rest = buf_span(&text);
    if (!span_take_until(&rest, '\n', &line))
        line = buf_span(&text);
    if (line.len == 0 || line.len >= sizeof out->text)
        return err_set(e, ERR_INPUT, 0, "%s: wanted a passphrase of 1 to %zu bytes in the first line", path,
                       sizeof out->text - 1);
    memcpy(out->text, line.ptr, line.len);
    out->text[line.len] = '\0';
    out->len = line.len;
    explicit_bzero(text.ptr, text.len);
    return 0;
}

static void free_key(struct private_key **k)
{
    private_key_free(*k);
}

static int make_key(int dir, enum key_kind kind, const char *file, const char *public_file, const struct secret *secret,
                    struct err *e)
{
    if (faccessat(dir, file, F_OK, 0) == 0 && faccessat(dir, public_file, F_OK, 0) == 0)
        return 0;
    AUTO(free_key) struct private_key *key = private_key_new(kind, e);
    if (!key)
        return -1;
    auto_buf sealed = BUF(KEY_FILE_MAX), pem = BUF(KEY_FILE_MAX);
    if (private_key_seal(key, secret, &sealed, e) < 0 || public_key_pem(private_key_public(key), &pem, e) < 0 ||
        file_write(dir, file, buf_span(&sealed), 0600, e) < 0)
        return -1;
    return file_write(dir, public_file, buf_span(&pem), 0644, e);
}

int site_keys_make(int dir, const struct secret *secret, struct err *e)
{
    if (make_key(dir, KEY_P256, SITE_KEY_FILE, SITE_PUBLIC_FILE, secret, e) < 0)
        return -1;
    return make_key(dir, KEY_ED25519, LEDGER_KEY_FILE, LEDGER_PUBLIC_FILE, secret, e);
}

struct private_key *site_key_load(int dir, const char *file, const struct secret *secret, struct err *e)
{
    auto_buf pem = BUF(KEY_FILE_MAX);
    if (file_read(dir, file, &pem, e) < 0)
        return NULL;
    return private_key_unseal(buf_span(&pem), secret, file, e);
}

struct public_key *site_public_load(int dir, const char *file, struct err *e)
{
    auto_buf pem = BUF(KEY_FILE_MAX);
    if (file_read(dir, file, &pem, e) < 0)
        return NULL;
    return public_key_parse(buf_span(&pem), file, e);
}
