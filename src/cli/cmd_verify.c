#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "trust/attestation.h"
#include "util/file.h"
#include "util/limits.h"

#define KEYS_MAX     16U
#define KEY_FILE_MAX 16384

struct verifying {
    struct public_key *keys[KEYS_MAX];
    size_t key_count;
    struct buf text;
    struct child *parser;
    struct json_out w;
    bool json;
    size_t good, bad;
};

static void verifying_fini(struct verifying *v)
{
    for (size_t i = 0; i < v->key_count; i++)
        public_key_free(v->keys[i]);
    buf_fini(&v->text);
    child_stop(v->parser);
}

/* A key that is none means that there is nothing to check against: not an answer, but a wrong call. */
static int read_keys(struct invocation *in, struct verifying *v, struct err *e)
{
    const char *file;
    for (size_t i = 0; (file = option_nth(in, "key", i)); i++) {
        auto_buf pem = BUF(KEY_FILE_MAX);
        if (i == KEYS_MAX)
            return err_set(e, ERR_USAGE, 0, "--key: more than %u keys", KEYS_MAX);
        if (file_read(AT_FDCWD, file, &pem, e) < 0)
            return -1;
        v->keys[i] = public_key_parse(buf_span(&pem), file, e);
        if (!v->keys[i]) {
            e->code = ERR_USAGE;
            return -1;
        }
        v->key_count++;
    }
    return v->key_count ? 0 : err_set(e, ERR_USAGE, 0, "--key FILE is needed: the public key of who must have signed");
}

static void json_attestation(struct json_out *w, const struct attestation *a)
{
    json_out_object(w);
    json_put_bool(w, "verified", a->verified);
    if (!a->verified)
        json_put_string(w, "reason", a->reason.msg);
    json_put_digest(w, "digest", &a->id);
    if (a->verified) {
        json_put_digest(w, "signer", &a->signer);
        json_put_string(w, "payload_type", a->payload_type);
        json_put_uint(w, "payload_bytes", a->payload_bytes);
    }
    if (a->statement.root) {
        json_put_string(w, "predicate_type", a->statement.predicate_type);
        json_put_digest(w, "subject", &a->statement.subject);
    }
    json_out_object_end(w);
}

static void print_attestation(const char *file, size_t number, const struct attestation *a)
{
    printf("%s:%zu: ", file, number);
    if (!a->verified)
        printf("NOT VERIFIED: %s\n", a->reason.msg);
    else if (a->statement.root)
        printf("verified: %s about %s, signed by key %.16s\n", a->statement.predicate_type,
               digest_text(&a->statement.subject).text, digest_hex(&a->signer).text);
    else
        printf("verified: %zu bytes of %s, signed by key %.16s\n", a->payload_bytes, a->payload_type,
               digest_hex(&a->signer).text);
}

static int check_one(struct invocation *in, struct verifying *v, struct span envelope, struct err *e)
{
    auto_attestation a = {0};
    if (attestation_verify(v->parser, envelope, (const struct public_key *const *)v->keys, v->key_count, &a, e) < 0)
        return -1;
    if (a.verified)
        v->good++;
    else
        v->bad++;
    if (v->json)
        json_attestation(&v->w, &a);
    else
        print_attestation(in->argv[0], v->good + v->bad, &a);
    return 0;
}

/* One a line (in-toto bundle, .intoto.jsonl): the first line is an object of its own, and there are more. */
static bool is_one_a_line(struct span text)
{
    struct span first;
    return span_take_until(&text, '\n', &first) && text.len > 0 && span_starts(first, SPAN_LIT("{")) &&
           (span_ends(first, SPAN_LIT("}")) || span_ends(first, SPAN_LIT("}\r")));
}

static int check_all(struct invocation *in, struct verifying *v, struct err *e)
{
    struct span rest = buf_span(&v->text), line;
    if (!is_one_a_line(rest))
        return check_one(in, v, rest, e);
    while (rest.len) {
        if (!span_take_until(&rest, '\n', &line)) {
            line = rest;
            rest = span_of(NULL, 0);
        }
        if (line.len && check_one(in, v, line, e) < 0)
            return -1;
    }
    return 0;
}

static int attestation_run(struct invocation *in)
{
    struct err e = {0};
    auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
    AUTO(verifying_fini) struct verifying v = {.text = BUF(LIMIT_MESSAGE_BYTES / 2), .json = in->json};
    if (read_keys(in, &v, &e) < 0 || file_read(AT_FDCWD, in->argv[0], &v.text, &e) < 0)
        return command_fail(in, &e);
    v.parser = child_start(ROLE_PARSE, &e);
    if (!v.parser)
        return command_fail(in, &e);
    if (in->json) {
        command_json(&v.w, &out, "verify-attestation");
        json_put_array(&v.w, "attestations");
    }
    if (check_all(in, &v, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        json_out_array_end(&v.w);
        json_put_bool(&v.w, "verified", v.bad == 0);
        command_json_end(&v.w);
    }
    return v.bad ? 1 : 0;
}

const struct command CMD_VERIFY_ATTESTATION = {
    .name = "verify attestation",
    .usage = "FILE --key FILE",
    .summary = "was a DSSE envelope signed by this key: works on any machine, without a contour",
    .detail =
        "FILE holds one envelope, or one a line (.intoto.jsonl). Every one of them must be signed by one of the "
        "keys given. P-256 signatures are read in DER, as cosign and in-toto write them, and as r||s, as the DSSE "
        "specification's own example has them. Status 0: all verified; 1: not all, with the reasons.",
    .options = {{"key", "FILE", "a public key (PEM), P-256 or Ed25519", true}},
    .min_args = 1,
    .max_args = 1,
    .run = attestation_run,
};
