#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "gate/passport.h"
#include "util/file.h"

#define PASSPORT_BYTES_MAX (256U << 20)
#define PASSPORT_KEYS_MAX  64U
#define KEY_FILE_MAX       16384

static int run(struct invocation *in)
{
    struct err e = {0};
    struct json_out j;
    auto_with_release w = {0};
    auto_buf out = BUF(PASSPORT_BYTES_MAX);
    if ((in->json || option_given(in, "lines")) && option_given(in, "html"))
        return command_usage(in, "--html is a form of its own: give one of --html, --lines and --json");
    if (with_release_open(in, in->argv[0], &w, &e) < 0)
        return command_fail(in, &e);
    if (option_given(in, "lines")) {
        if (passport_lines(w.site, w.release, &out, &e) < 0)
            return command_fail(in, &e);
    } else if (option_given(in, "html")) {
        if (passport_html(w.site, w.release, &out, &e) < 0)
            return command_fail(in, &e);
    } else if (in->json) {
        command_json(&j, &out, "passport");
        if (passport_json(w.site, w.release, &j, &e) < 0)
            return command_fail(in, &e);
        command_json_end(&j);
        return 0;
    } else if (passport_text(w.site, w.release, &out, &e) < 0) {
        return command_fail(in, &e);
    }
    fwrite(out.ptr, 1, out.len, stdout);
    return 0;
}

const struct command CMD_PASSPORT = {
    .name = "passport",
    .usage = "REF",
    .summary = "the whole story of a release: every attestation, and the verdict that closes them",
    .detail =
        "What it is, where it came from, who did what, what was found, what was decided and why, with digests. "
        "--lines prints the\nattestations themselves, one DSSE envelope a line (.intoto.jsonl), the closing verdict "
        "last: the file that `airlock passport\nverify` and other in-toto tools read. --html prints the same story as "
        "one "
        "page for paper (A4), complete in itself, with\nsignature lines for two people: `airlock passport REF --html > "
        "passport.html`, then print it from any browser.",
    .options = {{"lines", NULL, "print the signed lines (.intoto.jsonl)", false},
                {"html", NULL, "print one HTML page, to put on paper and sign", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};

/* ── verify ── */

struct keys {
    struct public_key *list[PASSPORT_KEYS_MAX];
    size_t count;
    char contour[33]; /* id of the identity file among them, or "" */
};

static void keys_fini(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        public_key_free(k->list[i]);
}

static int keys_add(struct keys *k, struct span pem, const char *file, struct err *e)
{
    if (k->count == PASSPORT_KEYS_MAX)
        return err_set(e, ERR_USAGE, 0, "more than %u keys", PASSPORT_KEYS_MAX);
    k->list[k->count] = public_key_parse(pem, file, e);
    if (!k->list[k->count])
        return -1;
    k->count++;
    return 0;
}

/* The file of `airlock identity`: the contour's keys, and its id, which the verdict must then name. */
static int keys_of_identity(struct keys *k, struct span text, const char *file, struct err *e)
{
    size_t i;
    json_t *item;
    auto_json root = json_parse(text, KEY_FILE_MAX, file, e);
    const char *id = root ? json_need_string(root, "id", "", e) : NULL;
    const json_t *keys = id ? json_need_array(root, "keys", "", e) : NULL;
    if (!keys) {
        struct err found = *e;
        return err_set(
            e, ERR_USAGE, 0,
            "--key: %s is neither a public key (PEM) nor the file of `airlock identity`, which it looks like: %s", file,
            found.msg);
    }
    snprintf(k->contour, sizeof k->contour, "%s", id);
    json_array_foreach((json_t *)keys, i, item)
    {
        const char *pem = json_need_string(item, "pem", "/keys", e);
        if (!pem || keys_add(k, span_str(pem), file, e) < 0)
            return -1;
    }
    return 0;
}

static int keys_read(struct invocation *in, struct keys *k, struct err *e)
{
    const char *file;
    for (size_t n = 0; (file = option_nth(in, "key", n)); n++) {
        auto_buf text = BUF(KEY_FILE_MAX);
        if (file_read(AT_FDCWD, file, &text, e) < 0)
            return -1;
        bool identity = text.len > 0 && text.ptr[0] == '{';
        if ((identity ? keys_of_identity : keys_add)(k, buf_span(&text), file, e) < 0)
            return -1;
    }
    return 0;
}

static void stop(struct child **c)
{
    child_stop(*c);
}

static int verify_file(const char *file, const struct passport_check *c, struct buf *report, struct err *e)
{
    auto_buf bytes = BUF(PASSPORT_BYTES_MAX);
    if (file_read(AT_FDCWD, file, &bytes, e) < 0)
        return -1;
    return passport_verify(buf_span(&bytes), file, c, report, e);
}

static void put_problems(struct json_out *j, const struct buf *report)
{
    struct span line, rest = buf_span(report);
    json_put_array(j, "problems");
    while (span_take_until(&rest, '\n', &line))
        json_out_span(j, line);
    json_out_array_end(j);
}

static int verify_all(struct invocation *in, const struct passport_check *c)
{
    int status = 0;
    struct json_out j;
    auto_buf out = BUF(64U << 20);
    if (in->json) {
        command_json(&j, &out, "passport-verify");
        json_put_array(&j, "files");
    }
    for (int i = 0; i < in->argc; i++) {
        struct err e = {0};
        auto_buf report = BUF(16U << 20);
        int holds = verify_file(in->argv[i], c, &report, &e);
        if (holds < 0)
            return command_fail(in, &e);
        status |= holds == 0;
        if (in->json) {
            json_out_object(&j);
            json_put_string(&j, "file", in->argv[i]);
            json_put_bool(&j, "holds", holds);
            put_problems(&j, &report);
            json_out_object_end(&j);
        } else {
            printf("%s: %s\n%s", in->argv[i],
                   holds ? "holds; the closing verdict is PASSED and lists every line" : "does NOT hold",
                   buf_str(&report));
        }
    }
    if (in->json) {
        json_out_array_end(&j);
        json_put_bool(&j, "holds", status == 0);
        command_json_end(&j);
    }
    return status;
}

static int run_verify(struct invocation *in)
{
    struct err e = {0};
    struct digest policy, release;
    const char *policy_file = option_get(in, "policy"), *wanted = option_get(in, "release");
    AUTO(keys_fini) struct keys keys = {.count = 0};
    auto_buf text = BUF(1U << 20);
    if (!option_given(in, "key"))
        return command_usage(in, "--key FILE is needed, for each key that signed a line: the contour's, the station's, "
                                 "and those of the people");
    if (wanted && digest_parse(span_str(wanted), &release, &e) < 0)
        return command_usage(in, "--release: %s; wanted the release's digest, sha256: and 64 hex digits", e.msg);
    if (keys_read(in, &keys, &e) < 0 || (policy_file && file_read(AT_FDCWD, policy_file, &text, &e) < 0))
        return command_fail(in, &e);
    policy = digest_of(buf_span(&text));
    AUTO(stop) struct child *parser = child_start(ROLE_PARSE, &e);
    if (!parser)
        return command_fail(in, &e);
    struct passport_check c = {.parser = parser,
                               .keys = (const struct public_key *const *)keys.list,
                               .key_count = keys.count,
                               .contour = keys.contour[0] ? keys.contour : NULL,
                               .policy = policy_file ? &policy : NULL,
                               .release = wanted ? &release : NULL};
    return verify_all(in, &c);
}

const struct command CMD_PASSPORT_VERIFY = {
    .name = "passport verify",
    .usage = "FILE… --key FILE…",
    .summary = "verify passports with nothing but public keys",
    .detail =
        "Each FILE holds the lines of one passport (`airlock passport REF --lines`). Every line must verify under one "
        "of the keys and\nbe about one release; the last is the closing verdict, and what it lists must be exactly "
        "the other lines. A line that was\nremoved, changed or put in is named. Works without a contour.",
    .options = {{"key", "FILE", "a public key (PEM), or the file of `airlock identity`", true},
                {"policy", "FILE", "the verdict must have been made under exactly this policy", false},
                {"release", "DIGEST", "the passport must be of this release (sha256:…)", false}},
    .min_args = 1,
    .max_args = -1,
    .run = run_verify,
};
