#include "trust/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "trust/group.h"
#include "trust/key_internal.h"
#include "util/buf.h"
#include "util/encode.h"
#include "util/json.h"

/* base64url without padding (RFC 4648, section 5). */
static void write_base64url(struct span bytes, struct buf *out)
{
    base64_encode(bytes, out);
    while (out->len && out->ptr[out->len - 1] == '=')
        out->len--;
    for (size_t i = 0; i < out->len; i++) {
        if (out->ptr[i] == '+')
            out->ptr[i] = '-';
        else if (out->ptr[i] == '/')
            out->ptr[i] = '_';
    }
}

int token_new(struct token_text *text, struct digest *hash, struct err *e)
{
    uint8_t bytes[32];
    auto_buf random = BUF(64);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return openssl_failed(e, "new token");
    write_base64url(span_of(bytes, sizeof bytes), &random);
    snprintf(text->text, sizeof text->text, TOKEN_PREFIX "%.*s", (int)random.len, (const char *)random.ptr);
    *hash = digest_of(span_str(text->text));
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(random.ptr, random.len);
    return 0;
}

bool token_hash(struct span text, struct digest *hash)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (text.len != TOKEN_TEXT_SIZE - 1 || !span_starts(text, SPAN_LIT(TOKEN_PREFIX)))
        return false;
    for (size_t i = sizeof TOKEN_PREFIX - 1; i < text.len; i++)
        if (!memchr(alphabet, text.ptr[i], sizeof alphabet - 1))
            return false;
    *hash = digest_of(text);
    return true;
}

/* ── records ── */

int token_record(const struct token *t, const struct private_key *contour, struct buf *record, struct err *e)
{
    struct json_out w;
    auto_buf predicate = BUF(4096);
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_string(&w, "person", t->person);
    json_put_string(&w, "role", role_name(t->role));
    json_put_string(&w, "environment", t->environment);
    json_put_string(&w, "repository", t->repository);
    json_put_time(&w, "created", t->created_s);
    if (t->expires_s)
        json_put_time(&w, "expires", t->expires_s);
    json_put_bool(&w, "alone", t->alone);
    json_out_object_end(&w);
    return statement_sign(t->person, &t->hash, PREDICATE_TOKEN, buf_span(&predicate), contour, record, NULL, e);
}

static int read_record(const struct statement *s, struct token *out, struct err *e)
{
    const json_t *j = s->predicate, *alone = json_object_get(j, "alone");
    const char *person = json_need_string(j, "person", "token: ", e);
    const char *role = person ? json_need_string(j, "role", "token: ", e) : NULL;
    const char *environment = role ? json_need_string(j, "environment", "token: ", e) : NULL;
    const char *repository = environment ? json_need_string(j, "repository", "token: ", e) : NULL;
    if (!repository || json_need_time(j, "created", "token: ", &out->created_s, e) < 0 ||
        (json_object_get(j, "expires") && json_need_time(j, "expires", "token: ", &out->expires_s, e) < 0))
        return -1;
    if (!person_name_is_right(person) || !role_parse(role, &out->role) || strlen(environment) > 16 ||
        !pattern_is_right(repository) || !json_is_boolean(alone))
        return err_set(e, ERR_INPUT, 0, "token: person \"%.70s\", role \"%.40s\" or their place is none", person, role);
    out->alone = json_is_true(alone);
    out->hash = s->subject;
    snprintf(out->person, sizeof out->person, "%s", person);
    snprintf(out->environment, sizeof out->environment, "%s", environment);
    snprintf(out->repository, sizeof out->repository, "%s", repository);
    return 0;
}

static bool row_agrees(const struct token_row *row, const struct token *t)
{
    return digest_equal(&row->hash, &t->hash) && strcmp(row->person, t->person) == 0 &&
           strcmp(row->role, role_name(t->role)) == 0 && strcmp(row->environment, t->environment) == 0 &&
           strcmp(row->repository, t->repository) == 0 && row->created_s == t->created_s &&
           row->expires_s == t->expires_s;
}

int token_verify(struct child *parser, const struct token_row *row, const struct public_key *contour, struct token *out,
                 struct err *e)
{
    auto_statement s = {0};
    *out = (struct token){0};
    if (statement_verify(parser, row->record, &contour, 1, NULL, PREDICATE_TOKEN, &s, e) == 0 &&
        read_record(&s, out, e) == 0) {
        if (row_agrees(row, out))
            return 0;
        err_set(e, ERR_INPUT, 0, "the row says something else than its record, which is about a token of %s, %s in %s",
                out->person, role_name(out->role), out->environment);
    }
    return err_prefix(e, "token %.12s of %.64s", digest_hex(&row->hash).text, row->person);
}
