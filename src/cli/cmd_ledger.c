#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "ledger/access.h"
#include "util/file.h"

#define VKEY_FILE_MAX 16384U

/* ── ledger verify ── */

/* A ledger's folder, or the folder of the contour that it lies in. */
static int open_ledger(const char *path, struct err *e)
{
    auto_fd dir = dir_open(AT_FDCWD, path, e);
    if (dir < 0)
        return -1;
    if (faccessat(dir, "checkpoint", F_OK, 0) == 0)
        return fd_steal(&dir);
    if (faccessat(dir, "ledger/checkpoint", F_OK, 0) == 0)
        return dir_open(dir, "ledger", e);
    err_set(e, ERR_NOTFOUND, 0, "%s holds no ledger: there is no checkpoint", path);
    return err_hint(e, "Name the exported folder, the one with checkpoint and tile/ in it");
}

/* Of the file of `airlock identity`: its member "ledger". */
static int vkey_of_identity(struct invocation *in, const char *file, struct span text, struct buf *out, struct err *e)
{
    auto_json root = json_parse(text, VKEY_FILE_MAX, file, e);
    const char *vkey = root ? json_get_string(root, "ledger", NULL) : NULL;
    if (!root)
        return -1;
    if (!vkey)
        return err_set(e, ERR_INPUT, 0, "%s is JSON without a member \"ledger\"; wanted the file of `airlock identity`",
                       file);
    if (!in->quiet)
        fprintf(stderr, "%s is the identity of contour %s: its ledger key is taken\n", file,
                json_get_string(root, "name", "?"));
    buf_add_str(out, vkey);
    return buf_check(out, file, e);
}

/* The key as typed, or the first line of a file that holds it, or an identity file. */
static int read_vkey(struct invocation *in, const char *value, struct buf *out, struct err *e)
{
    if (access(value, F_OK) != 0) {
        buf_add_str(out, value);
        return buf_check(out, "--key", e);
    }
    auto_buf text = BUF(VKEY_FILE_MAX);
    if (file_read(AT_FDCWD, value, &text, e) < 0)
        return -1;
    if (text.len > 0 && text.ptr[0] == '{')
        return vkey_of_identity(in, value, buf_span(&text), out, e);
    if (strncmp(buf_str(&text), "-----BEGIN ", 11) == 0)
        return err_set(
            e, ERR_INPUT, 0,
            "%s is a PEM file; wanted the ledger's key, NAME+HASH+BASE64, or the file of `airlock identity`, "
            "which holds it",
            value);
    struct span line, rest = buf_span(&text);
    buf_add_span(out, span_take_until(&rest, '\n', &line) ? line : buf_span(&text));
    return buf_check(out, "--key", e);
}

static void answer_json(bool holds, uint64_t entries, const char *vkey, struct span report)
{
    struct json_out w;
    auto_buf out = BUF(4U << 20);
    struct span line;
    command_json(&w, &out, "ledger-verify");
    json_put_string(&w, "result", holds ? "PASSED" : "FAILED");
    json_put_uint(&w, "entries", entries);
    json_put_string(&w, "key", vkey);
    json_put_array(&w, "problems");
    while (span_take_until(&report, '\n', &line))
        json_out_span(&w, line);
    json_out_array_end(&w);
    command_json_end(&w);
}

static int run_verify(struct invocation *in)
{
    struct err e = {0};
    auto_buf vkey = BUF(4096), report = BUF(1U << 20);
    uint64_t entries = 0;
    const char *key = option_get(in, "key");
    if (!key)
        return command_usage(
            in, "--key is needed: the ledger's public key (member \"ledger\" of what `airlock identity` prints), or "
                "that file");
    if (read_vkey(in, key, &vkey, &e) < 0)
        return e.code == ERR_INPUT || e.code == ERR_LIMIT ? command_usage(in, "--key: %s", e.msg)
                                                          : command_fail(in, &e);
    auto_fd dir = open_ledger(in->argv[0], &e);
    if (dir < 0)
        return command_fail(in, &e);
    int holds = ledger_verify(dir, buf_str(&vkey), &report, &entries, &e);
    if (holds < 0 && e.code == ERR_INPUT)
        return command_usage(in, "--key: %s", e.msg);
    if (holds < 0)
        return command_fail(in, &e);
    if (in->json)
        answer_json(holds == 1, entries, buf_str(&vkey), buf_span(&report));
    else if (holds)
        printf("%s: all %llu entries, every tile and the signed root hold\n", in->argv[0], (unsigned long long)entries);
    else
        printf("%s: the ledger does NOT hold\n%s", in->argv[0], buf_str(&report));
    return holds ? 0 : 1;
}

const struct command CMD_LEDGER_VERIFY = {
    .name = "ledger verify",
    .usage = "DIR --key VKEY",
    .summary = "check an exported ledger with nothing but its public key",
    .detail =
        "DIR is the folder with checkpoint and tile/ in it (or the contour's folder). Checked are the checkpoint's\n"
        "signature, the hash of every entry, every tile, and the signed root. Whatever is wrong is named, a line\n"
        "each. The formats are C2SP's (tlog-tiles, tlog-checkpoint, signed-note): other programs can check it too.",
    .options = {{"key", "VKEY",
                 "the ledger's public key, NAME+HASH+BASE64, or a file that holds it, or that of `airlock identity`",
                 false}},
    .min_args = 1,
    .max_args = 1,
    .run = run_verify,
};

/* ── ledger prove ── */

static int print_proof(struct invocation *in, uint64_t seq, struct span proof)
{
    if (!in->json)
        return fwrite(proof.ptr, 1, proof.len, stdout) == proof.len ? 0 : 7;
    struct json_out w;
    auto_buf out = BUF(1U << 20);
    command_json(&w, &out, "ledger-proof");
    json_put_uint(&w, "index", seq);
    json_out_key(&w, "proof");
    json_out_span(&w, proof);
    command_json_end(&w);
    return 0;
}

static int prove(struct invocation *in, const char *number, bool record)
{
    struct err e = {0};
    uint64_t n;
    auto_buf proof = BUF(8U << 20);
    if (!span_decimal(span_str(number), &n))
        return command_usage(in, "\"%s\" is no number; wanted one of %s", number,
                             record ? "an access record, from 1" : "a ledger entry, from 0");
    auto_site s = command_site(in, -1, &e);
    if (!s)
        return command_fail(in, &e);
    struct err lags;
    (void)site_publish(s,
                       &lags); /* the newest entries too, where this user may sign; else what is published is proved */
    int result = record ? access_prove(s->dir, s->ledger, n, &proof, &e) : ledger_prove(s->ledger, n, &proof, &e);
    if (result < 0)
        return command_fail(in, &e);
    if (!record)
        return print_proof(in, n, buf_span(&proof));
    printf("%s\n", buf_str(&proof));
    return 0;
}

static int run_prove(struct invocation *in)
{
    const char *record = option_get(in, "access");
    if ((record != NULL) == (in->argc == 1))
        return command_usage(in, "wanted is either SEQ, a ledger entry, or --access ID, an access record");
    return prove(in, record ? record : in->argv[0], record != NULL);
}

const struct command CMD_LEDGER_PROVE = {
    .name = "ledger prove",
    .usage = "SEQ | --access ID",
    .summary = "print a proof that an entry, or an access record, is in the ledger",
    .detail =
        "SEQ prints a C2SP tlog-proof: the entry's number, its inclusion path, and the signed checkpoint.\n"
        "--access ID prints a JSON document (airlock/access-proof/1): the record, its path to the root of its batch,\n"
        "the ledger entry that holds this root, and that entry's tlog-proof.",
    .options = {{"access", "ID", "prove access record ID", false}},
    .min_args = 0,
    .max_args = 1,
    .run = run_prove,
};
