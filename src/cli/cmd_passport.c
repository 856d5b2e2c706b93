#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/with_release.h"
#include "gate/passport.h"
#include "util/clock.h"
#include "util/file.h"

#define PASSPORT_BYTES_MAX (256U << 20)
#define SINCE_BYTES_MAX    (1U << 20)
#define PASSPORT_KEYS_MAX  64U
#define KEY_FILE_MAX       16384

/* The lines end with the verdict: who takes them away should know what came after it. */
static void warn_since(const struct invocation *in, struct span since)
{
    struct span line;
    if (since.len == 0)
        return;
    fprintf(stderr,
            "airlock passport: warning: the lines of %s end with its closing verdict, which does not know what "
            "came after it and did not pass:\n",
            in->argv[0]);
    while (span_take_until(&since, '\n', &line)) {
        auto_buf text = BUF(SINCE_BYTES_MAX);
        buf_add_span(&text, line);
        fprintf(stderr, "  ");
        fprint_clean(stderr, buf_str(&text));
        fputc('\n', stderr);
    }
    fprintf(stderr, "`airlock judge` decides anew, over everything\n");
}

static int run(struct invocation *in)
{
    struct err e = {0};
    struct json_out j;
    auto_with_release w = {0};
    auto_buf out = BUF(PASSPORT_BYTES_MAX), since = BUF(SINCE_BYTES_MAX);
    if ((in->json || option_given(in, "lines")) && option_given(in, "html"))
        return command_usage(in, "--html is a form of its own: give one of --html, --lines and --json");
    if (with_release_open(in, in->argv[0], &w, &e) < 0)
        return command_fail(in, &e);
    if (option_given(in, "lines")) {
        if (passport_lines(w.site, w.release, &out, &since, &e) < 0)
            return command_fail(in, &e);
        warn_since(in, buf_span(&since));
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

/* ── decided anew ── */

static void put_decision(struct json_out *j, const struct passport_check *c)
{
    const struct verdict *v = c->decided;
    if (!c->rules || v->count == 0)
        return;
    json_put_object(j, "decided");
    json_put_string(j, "gate", gate_name(v->gate));
    json_put_string(j, "environment", v->environment);
    json_put_time(j, "at", c->at_s);
    json_put_digest(j, "policy", &v->policy);
    json_put_bool(j, "passed", v->passed);
    json_put_array(j, "reasons");
    for (size_t i = 0; i < v->count; i++) {
        json_out_object(j);
        json_put_string(j, "rule", v->reasons[i].rule);
        json_put_bool(j, "ok", v->reasons[i].ok);
        json_put_string(j, "text", v->reasons[i].text);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_object_end(j);
}

static void print_decision(const struct passport_check *c)
{
    const struct verdict *v = c->decided;
    if (!c->rules || v->count == 0)
        return;
    printf("decided anew by %s for %s, as of %s: %s\n", digest_text(&v->policy).text, v->environment,
           time_text(c->at_s).text, v->passed ? "PASSED" : "FAILED");
    for (size_t i = 0; i < v->count; i++)
        printf("  %s %-18s %s\n", v->reasons[i].ok ? "yes" : "NO ", v->reasons[i].rule, v->reasons[i].text);
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
            put_decision(&j, c);
            json_out_object_end(&j);
        } else {
            printf("%s: %s\n%s", in->argv[i],
                   holds ? "holds; the closing verdict is PASSED and lists every line" : "does NOT hold",
                   buf_str(&report));
            print_decision(c);
        }
    }
    if (in->json) {
        json_out_array_end(&j);
        json_put_bool(&j, "holds", status == 0);
        command_json_end(&j);
    }
    return status;
}

/* The keys of --withdrawn verify like the others, and their people's word counts no more. */
static int withdrawn_read(struct invocation *in, struct keys *all, struct keys *gone, struct err *e)
{
    const char *file;
    for (size_t n = 0; (file = option_nth(in, "withdrawn", n)); n++) {
        auto_buf text = BUF(KEY_FILE_MAX);
        if (file_read(AT_FDCWD, file, &text, e) < 0 || keys_add(gone, buf_span(&text), file, e) < 0)
            return -1;
        bool given = false;
        for (size_t i = 0; i < all->count; i++)
            given |= digest_equal(public_key_id(all->list[i]), public_key_id(gone->list[n]));
        if (!given && keys_add(all, buf_span(&text), file, e) < 0)
            return -1;
    }
    return 0;
}

/* A day's end, or a moment; now where nothing is said. */
static bool read_moment(const char *text, int64_t *out)
{
    char whole[64];
    *out = clock_now_s();
    if (text && strlen(text) == 10 && snprintf(whole, sizeof whole, "%sT23:59:59Z", text) > 0)
        text = whole;
    return !text || time_parse(span_str(text), out);
}

static int run_verify(struct invocation *in)
{
    struct err e = {0};
    struct digest policy, release;
    struct policy rules;
    struct verdict decided;
    int64_t at_s;
    const char *policy_file = option_get(in, "policy"), *wanted = option_get(in, "release");
    AUTO(keys_fini) struct keys keys = {.count = 0}, gone = {.count = 0};
    auto_buf text = BUF(1U << 20);
    if ((option_given(in, "at") || option_given(in, "anew")) && !policy_file)
        return command_usage(in, "--at and --anew decide by a policy: give it with --policy FILE");
    if (!read_moment(option_get(in, "at"), &at_s))
        return command_usage(in, "--at wants a day, such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z");
    if (!option_given(in, "key"))
        return command_usage(in, "--key FILE is needed, for each key that signed a line: the contour's, the station's, "
                                 "and those of the people");
    if (wanted && digest_parse(span_str(wanted), &release, &e) < 0)
        return command_usage(in, "--release: %s; wanted the release's digest, sha256: and 64 hex digits", e.msg);
    if (keys_read(in, &keys, &e) < 0 || withdrawn_read(in, &keys, &gone, &e) < 0 ||
        (policy_file && file_read(AT_FDCWD, policy_file, &text, &e) < 0))
        return command_fail(in, &e);
    policy = digest_of(buf_span(&text));
    bool readable = policy_file && policy_parse(buf_span(&text), policy_file, &rules, &e) == 0;
    if (policy_file && !readable && e.code != ERR_INPUT)
        return command_fail(in, &e);
    AUTO(stop) struct child *parser = child_start(ROLE_PARSE, &e);
    if (!parser)
        return command_fail(in, &e);
    struct passport_check c = {.parser = parser,
                               .keys = (const struct public_key *const *)keys.list,
                               .key_count = keys.count,
                               .contour = keys.contour[0] ? keys.contour : NULL,
                               .policy = policy_file && !option_given(in, "anew") ? &policy : NULL,
                               .rules = readable ? &rules : NULL,
                               .no_rules = policy_file && !readable ? e.msg : NULL,
                               .at_s = at_s,
                               .withdrawn = (const struct public_key *const *)gone.list,
                               .withdrawn_count = gone.count,
                               .decided = &decided,
                               .release = wanted ? &release : NULL};
    return verify_all(in, &c);
}

const struct command CMD_PASSPORT_VERIFY = {
    .name = "passport verify",
    .usage = "FILE… --key FILE… [--policy FILE]",
    .summary = "verify passports with nothing but public keys",
    .detail =
        "Each FILE holds the lines of one passport (`airlock passport REF --lines`). Every line must verify under one "
        "of the keys and\nbe about one release; the last is the closing verdict, and what it lists must be exactly "
        "the other lines. A line that was\nremoved, changed or put in is named. Works without a contour. With --policy "
        "the closing verdict must have been made "
        "under exactly\nthat policy (--anew: under any), and the gate's rules run over the lines again: signatures, "
        "scan, "
        "advisories, licences, waivers,\napprovals, each with what it found. Roles are those that people signed with; "
        "what ran in a contour is compared with what else ran there.",
    .options = {{"key", "FILE", "a public key (PEM), or the file of `airlock identity`", true},
                {"policy", "FILE", "decide anew by this policy, under which the verdict must have been made", false},
                {"anew", NULL, "the verdict may have been made under another policy", false},
                {"at", "DATE", "decide as of this day's end or this moment (default: now)", false},
                {"withdrawn", "FILE", "a person's public key whose word counts no more", true},
                {"release", "DIGEST", "the passport must be of this release (sha256:…)", false}},
    .min_args = 1,
    .max_args = -1,
    .run = run_verify,
};
