#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/policy_text.h"
#include "gate/policy_proposal.h"
#include "gate/policy_set.h"
#include "trust/role_document.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

#define KEY_FILE_MAX 16384

/* ── policy set ── */

/* The n-th --key with the n-th --passphrase-file; one passphrase file alone is for both. */
static struct private_key *nth_key(struct invocation *in, size_t n, struct err *e)
{
    const char *file = option_nth(in, "key", n), *secret_file = option_nth(in, "passphrase-file", n);
    auto_buf pem = BUF(KEY_FILE_MAX);
    auto_secret secret = {.len = 0};
    int got = secret_file ? secret_from_file(secret_file, &secret, e) : command_passphrase(in, file, false, &secret, e);
    if (got < 0 || file_read(AT_FDCWD, file, &pem, e) < 0)
        return NULL;
    return private_key_unseal(buf_span(&pem), &secret, file, e);
}

static void put_change(struct json_out *w, const struct policy_change *c)
{
    json_put_digest(w, "policy", &c->policy);
    json_put_array(w, "people");
    for (size_t i = 0; i < ARRAY_LEN(c->signers); i++) {
        if (!c->signers[i].person[0])
            continue;
        json_out_object(w);
        json_put_string(w, "person", c->signers[i].person);
        json_put_string(w, "role", role_name(c->signers[i].role));
        json_put_digest(w, "evidence", &c->signers[i].evidence);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void report_set(struct invocation *in, const struct policy_change *c)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(8192);
        command_json(&w, &out, "policy-set");
        put_change(&w, c);
        json_put_digest(&w, "before", &c->before);
        json_put_uint(&w, "entry", c->seq);
        command_json_end(&w);
        return;
    }
    printf("In force: policy %s\n  set by  %s (%s) and %s (%s)\n  before  %s\n"
           "Verdicts were given under the one before: `airlock judge` again before the next promotion.\n",
           digest_text(&c->policy).text, c->signers[0].person, role_name(c->signers[0].role), c->signers[1].person,
           role_name(c->signers[1].role), digest_text(&c->before).text);
}

static int set_run(struct invocation *in)
{
    struct err e = {0};
    struct policy_change change;
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    if (!option_nth(in, "key", 1) || option_nth(in, "key", 2))
        return command_usage(in, "wanted --key FILE twice: the private keys of the two people who set it");
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || policy_text(in, s, in->argv[0], &text, &e) < 0)
        return command_fail(in, &e);
    auto_private_key first = nth_key(in, 0, &e);
    auto_private_key second = first ? nth_key(in, 1, &e) : NULL;
    const struct private_key *keys[] = {first, second};
    if (!second || policy_set(s, buf_span(&text), in->argv[0], keys, &change, &e) < 0)
        return command_fail(in, &e);
    report_set(in, &change);
    return 0;
}

const struct command CMD_POLICY_SET = {
    .name = "policy set",
    .usage = "FILE | shipment:N --key FILE --key FILE",
    .summary = "put another policy in force, signed by two people",
    .detail = "FILE, or the policy that shipment:N brought, is read strictly first: a policy may ask for more than the "
              "floor, never for less. Then two "
              "different people sign over its text, one of them a security officer and the other one too or a product "
              "owner; the contour signs, writes policy.yaml, and the ledger names both people and both texts. This is "
              "also the way to let a chat template pass that people have read (`templates`).",
    .options = {{"key", "FILE", "the private key of a person who sets it; twice", true},
                {"passphrase-file", "FILE", "unseals them, in the order of --key; one alone is for both", true}},
    .min_args = 1,
    .max_args = 1,
    .run = set_run,
};

/* ── policy sign ── */

static void report_signed(struct invocation *in, const struct digest *policy, const char *file, int64_t expires_s)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(16384);
        command_json(&w, &out, "policy-sign");
        json_put_digest(&w, "policy", policy);
        json_put_string(&w, "signature", file);
        json_put_time(&w, "expires", expires_s);
        command_json_end(&w);
        return;
    }
    printf("policy %s is signed: %s, good until %s\nNext: `airlock ship --policy %s --to CONTOUR --out DIR`\n",
           digest_text(policy).text, file, time_text(expires_s).text, in->argv[0]);
}

static int sign_run(struct invocation *in)
{
    char beside[4096];
    struct err e = {0};
    struct digest policy;
    auto_buf text = BUF(LIMIT_YAML_BYTES), signature = BUF(ROLE_DOCUMENT_BYTES);
    if ((size_t)snprintf(beside, sizeof beside, "%s" ARTIFACT_SIGNATURE_SUFFIX, in->argv[0]) >= sizeof beside)
        return command_usage(in, "FILE: the path is too long");
    auto_site s = command_site(in, SITE_STATION, &e);
    if (!s || file_read(AT_FDCWD, in->argv[0], &text, &e) < 0 ||
        policy_propose(s, buf_span(&text), in->argv[0], option_get(in, "to"), &signature, &policy, &e) < 0 ||
        file_write(AT_FDCWD, beside, buf_span(&signature), 0644, &e) < 0)
        return command_fail(in, &e);
    report_signed(in, &policy, beside, s->now_s + ARTIFACT_VALID_S);
    return 0;
}

const struct command CMD_POLICY_SIGN = {
    .name = "policy sign",
    .usage = "FILE",
    .summary = "sign a policy on a station, to be shipped as a proposal",
    .detail =
        "FILE is read as strictly as `policy set` does, and signed with the station's role `policy` into FILE.sig, "
        "good for 90 days. `airlock ship --policy FILE` takes both along. In the contour it is a proposal: "
        "nothing changes until two people of that contour put it in force with `airlock policy set shipment:N`.",
    .options = {{"to", "CONTOUR", "for this contour alone: every other one refuses it", false}},
    .min_args = 1,
    .max_args = 1,
    .run = sign_run,
};

/* ── policy show ── */

static int show_run(struct invocation *in)
{
    struct err e = {0};
    struct policy policy;
    struct policy_change by;
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || policy_load(s, &policy, &e) < 0 || file_read(s->dir, POLICY_FILE, &text, &e) < 0 ||
        policy_setters(s, &policy.digest, &by, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4U * LIMIT_YAML_BYTES);
        command_json(&w, &out, "policy-in-force");
        put_change(&w, &by);
        json_put_string(&w, "text", buf_str(&text));
        command_json_end(&w);
        return 0;
    }
    printf("# policy %s\n", digest_text(&policy.digest).text);
    for (size_t i = 0; i < ARRAY_LEN(by.signers); i++)
        if (by.signers[i].person[0])
            printf("# set by %s (%s), %s\n", by.signers[i].person, role_name(by.signers[i].role),
                   time_text(by.signers[i].time_s).text);
    if (!by.signers[0].person[0])
        printf("# set by init\n");
    fwrite(text.ptr, 1, text.len, stdout);
    return 0;
}

const struct command CMD_POLICY_SHOW = {
    .name = "policy show",
    .summary = "the policy in force, its digest, and who set it",
    .detail = "The text is policy.yaml, whose signature was looked at just now; the lines before it are comments, so "
              "that the whole output can be edited and given to `airlock policy set`.",
    .run = show_run,
};
