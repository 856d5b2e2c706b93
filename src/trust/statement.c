#include <string.h>

#include "trust/statement_internal.h"
#include "util/limits.h"

static void write_statement(struct buf *out, const char *subject_name, const struct digest *subject,
                            const char *predicate_type, struct span predicate)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "_type", STATEMENT_TYPE);
    json_put_array(&w, "subject");
    json_out_object(&w);
    json_put_string(&w, "name", subject_name);
    json_put_object(&w, "digest");
    json_put_string(&w, "sha256", digest_hex(subject).text);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_put_string(&w, "predicateType", predicate_type);
    json_out_key(&w, "predicate");
    json_out_raw(&w, predicate);
    json_out_object_end(&w);
}

int statement_sign(const char *subject_name, const struct digest *subject, const char *predicate_type,
                   struct span predicate, const struct private_key *k, struct buf *envelope, struct digest *id,
                   struct err *e)
{
    auto_buf payload = BUF(LIMIT_MESSAGE_BYTES / 4);
    auto_buf line = BUF(LIMIT_MESSAGE_BYTES / 2);
    write_statement(&payload, subject_name, subject, predicate_type, predicate);
    if (buf_check(&payload, predicate_type, e) < 0 || dsse_sign(DSSE_INTOTO_TYPE, buf_span(&payload), k, &line, e) < 0)
        return -1;
    if (id)
        *id = digest_of(buf_span(&line));
    buf_add_span(envelope, buf_span(&line));
    return buf_check(envelope, predicate_type, e);
}

void statement_fini(struct statement *s)
{
    json_decref(s->root);
    *s = (struct statement){0};
}

/* Every subject has a sha256; the first is the one that counts (statement.md, "subject"). */
static int read_subjects(const json_t *root, struct digest *first, struct err *e)
{
    const json_t *list = json_need_array(root, "subject", "statement: ", e);
    if (!list)
        return -1;
    if (json_array_size(list) == 0)
        return err_set(e, ERR_INPUT, 0, "statement: /subject: is empty; it speaks of nothing");
    for (size_t i = 0; i < json_array_size(list); i++) {
        char at[64];
        struct digest d;
        snprintf(at, sizeof at, "statement: /subject/%zu", i);
        const json_t *digests = json_need_object(json_array_get(list, i), "digest", at, e);
        const char *hex = digests ? json_need_string(digests, "sha256", at, e) : NULL;
        if (!hex)
            return -1;
        if (!digest_from_hex(span_str(hex), &d))
            return err_set(e, ERR_INPUT, 0, "%s/digest/sha256: \"%.70s\" is not 64 lower-case hex digits", at, hex);
        if (i == 0)
            *first = d;
    }
    return 0;
}

static int read_members(struct statement *s, struct err *e)
{
    if (!json_is_object(s->root))
        return err_set(e, ERR_INPUT, 0, "statement: wanted an object");
    const char *type = json_need_string(s->root, "_type", "statement: ", e);
    if (!type)
        return -1;
    if (strcmp(type, STATEMENT_TYPE) != 0)
        return err_set(e, ERR_INPUT, 0, "statement: /_type: \"%.100s\", wanted \"%s\"", type, STATEMENT_TYPE);
    s->predicate_type = json_need_string(s->root, "predicateType", "statement: ", e);
    s->predicate = s->predicate_type ? json_need_object(s->root, "predicate", "statement: ", e) : NULL;
    return s->predicate ? read_subjects(s->root, &s->subject, e) : -1;
}

static int expect(const struct statement *s, const struct digest *subject, const char *predicate_type, struct err *e)
{
    if (predicate_type && strcmp(s->predicate_type, predicate_type) != 0)
        return err_set(e, ERR_INPUT, 0, "statement: the predicate is \"%.100s\", wanted \"%s\"", s->predicate_type,
                       predicate_type);
    if (subject && !digest_equal(subject, &s->subject))
        return err_set(e, ERR_INPUT, 0, "statement: speaks of sha256:%s, wanted sha256:%s",
                       digest_hex(&s->subject).text, digest_hex(subject).text);
    return 0;
}

int statement_read(struct span payload, const struct digest *subject, const char *predicate_type, struct statement *out,
                   struct err *e)
{
    *out = (struct statement){0};
    auto_statement s = {.root = json_parse(payload, LIMIT_MESSAGE_BYTES / 2, "statement", e)};
    if (!s.root || read_members(&s, e) < 0 || expect(&s, subject, predicate_type, e) < 0)
        return -1;
    *out = s;
    s = (struct statement){0};
    return 0;
}

int statement_verify(struct child *parser, struct span envelope, const struct public_key *const keys[], size_t count,
                     const struct digest *subject, const char *predicate_type, struct statement *out, struct err *e)
{
    auto_buf payload = BUF(LIMIT_MESSAGE_BYTES / 2);
    uint64_t signers;
    *out = (struct statement){0};
    if (dsse_verify(parser, envelope, DSSE_INTOTO_TYPE, keys, count, 1, &payload, &signers, e) < 0 ||
        statement_read(buf_span(&payload), subject, predicate_type, out, e) < 0)
        return -1;
    out->signers = signers;
    return 0;
}
