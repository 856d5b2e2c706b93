#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reasons.h"
#include "cli/with_release.h"
#include "gate/verdict.h"

static void put_verdict(const struct with_release *w, const struct verdict *v)
{
    struct json_out j;
    auto_buf out = BUF(1U << 20);
    command_json(&j, &out, "verdict");
    json_put_string(&j, "release", w->name);
    json_put_digest(&j, "digest", &w->row.digest);
    json_put_string(&j, "gate", gate_name(v->gate));
    json_put_string(&j, "environment", v->environment);
    json_put_string(&j, "result", v->passed ? "PASSED" : "FAILED");
    json_put_digest(&j, "policy", &v->policy);
    json_put_digest(&j, "evidence", &v->id);
    reasons_put(&j, v);
    command_json_end(&j);
}

static void print_verdict(const struct with_release *w, const struct verdict *v)
{
    printf("%s  gate %s for %s: %s\n", w->name, gate_name(v->gate), v->environment, v->passed ? "PASSED" : "FAILED");
    reasons_print(v);
    printf("  verdict %s\n", digest_text(&v->id).text);
}

static int run(struct invocation *in)
{
    struct verdict v;
    enum gate gate;
    struct err e = {0};
    const char *text = option_get(in, "gate");
    if (!text)
        return command_usage(in, "--gate intake, trust or deploy is needed");
    if (!gate_parse(text, &gate))
        return command_usage(in, "--gate: found \"%.32s\"; wanted intake, trust or deploy", text);
    auto_with_release w = {0};
    if (with_release_open(in, in->argv[0], &w, &e) < 0 ||
        gate_judge(w.site, gate, w.release, option_get(in, "env"), &v, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        put_verdict(&w, &v);
    else
        print_verdict(&w, &v);
    return v.passed ? 0 : 1;
}

const struct command CMD_JUDGE = {
    .name = "judge",
    .usage = "REF --gate intake|trust|deploy [--env ENV]",
    .summary = "let a gate decide over the evidence, and sign its verdict",
    .detail =
        "The gate looks again at every attestation about the release, prints each rule with its reason, and signs "
        "a verdict that\nlists all it looked at. intake judges for sandbox; trust for prod (or --env test); deploy "
        "for the environment in --env.\nNothing is moved: that is `airlock promote`. Ends with 0 when the verdict is "
        "PASSED, with 1 when it is FAILED.",
    .options = {{"gate", "GATE", "intake, trust or deploy", false},
                {"env", "ENV", "the environment that the release shall stand in", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
