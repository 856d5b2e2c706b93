#include <stdio.h>

#include "cli/commands.h"
#include "gate/policy.h"

static int report(struct invocation *in, struct site *s)
{
    auto_buf vkey = BUF(512);
    struct err e = {0};
    if (site_vkey(s, &vkey, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(65536);
        command_json(&w, &out, "init");
        json_put_string(&w, "name", s->config.name);
        json_put_string(&w, "id", s->config.id);
        json_put_string(&w, "folder", s->path);
        json_put_digest(&w, "key", public_key_id(s->public_key));
        json_put_string(&w, "ledger_vkey", buf_str(&vkey));
        command_json_end(&w);
        return 0;
    }
    printf("Contour %s made in %s\n"
           "  id           %s\n"
           "  key          %s\n"
           "  ledger vkey  %s\n"
           "Next: `airlock identity` writes the file that a station needs; `airlock person add` names the people.\n",
           s->config.name, s->path, s->config.id, digest_text(public_key_id(s->public_key)).text, buf_str(&vkey));
    return 0;
}

/* An init that was interrupted after the folder was made and before the policy was signed is completed. */
static int complete(struct site *s, struct err *e)
{
    if (policy_exists(s))
        return err_set(e, ERR_EXISTS, 0, "%s is a contour already", s->path);
    if (policy_install(s, e) == 0)
        return 0;
    err_prefix(e, "%s: everything is made but the policy", s->path);
    return err_hint(e, "Once that is mended, the same command again completes it");
}

static int run(struct invocation *in)
{
    const char *name = option_get(in, "name");
    if (!name)
        return command_usage(in, "--name NAME is needed");
    struct err e = {0};
    int made = site_init(in->home, SITE_CONTOUR, name, option_get(in, "passphrase-file"), &e);
    if (made < 0 && e.code != ERR_EXISTS)
        return command_fail(in, &e);
    struct err why = {0};
    auto_site s = site_open(in->home, SITE_CONTOUR, &why);
    if (!s)
        return command_fail(in, made < 0 ? &e : &why);
    if (complete(s, &e) < 0)
        return command_fail(in, &e);
    return report(in, s);
}

const struct command CMD_INIT = {
    .name = "init",
    .usage = "--name NAME",
    .summary = "make a contour: its keys, configuration and policy",
    .detail = "Makes the folder of --home (or the working directory) a contour: a configuration and a policy with "
              "comments in "
              "them, the\ncontour's own sealed keys, its database and its ledger. No person's key is made: people make "
              "theirs "
              "with `airlock person new`,\non their own machines.",
    .options = {{"name", "NAME", "what the contour is called: a-z, 0-9 and -", false},
                {"passphrase-file", "FILE", "unseals the contour's own keys; else a random one is kept in keys/unseal",
                 false}},
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
