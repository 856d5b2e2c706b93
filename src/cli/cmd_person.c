#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fingerprint.h"
#include "util/file.h"
#include "util/limits.h"

#define KEY_FILE_MAX 16384

/* ── person new ── */

struct new_key {
    const char *name, *file;
    char public_file[4096];
    struct private_key *key;
};

static int is_free(const char *path, struct err *e)
{
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(e, ERR_EXISTS, 0, "%s is there already, and a key is never overwritten; name another file",
                       path);
    return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "%s", path);
}

/* The public half is written last: where it is, the key is whole. */
static int write_key(struct invocation *in, struct new_key *n, struct err *e)
{
    auto_secret passphrase = {.len = 0};
    auto_buf sealed = BUF(KEY_FILE_MAX), public = BUF(KEY_FILE_MAX);
    if (is_free(n->file, e) < 0 || is_free(n->public_file, e) < 0 ||
        command_passphrase(in, n->file, true, &passphrase, e) < 0)
        return -1;
    n->key = private_key_new(option_given(in, "ed25519") ? KEY_ED25519 : KEY_P256, e);
    if (!n->key || private_key_seal(n->key, &passphrase, &sealed, e) < 0 ||
        public_key_pem(private_key_public(n->key), &public, e) < 0)
        return -1;
    if (file_write(AT_FDCWD, n->file, buf_span(&sealed), 0600, e) < 0)
        return -1;
    return file_write(AT_FDCWD, n->public_file, buf_span(&public), 0644, e);
}

static void report_new(struct invocation *in, const struct new_key *n)
{
    const struct public_key *key = private_key_public(n->key);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(32768);
        command_json(&w, &out, "person-new");
        json_put_string(&w, "name", n->name);
        json_put_string(&w, "key_file", n->file);
        json_put_string(&w, "public_file", n->public_file);
        json_put_string(&w, "kind", key_kind_name(public_key_kind(key)));
        json_put_digest(&w, "key", public_key_id(key));
        command_json_end(&w);
        return;
    }
    printf("The key of %s is made\n"
           "  private, sealed  %s   (keep it, and the passphrase elsewhere)\n"
           "  public           %s   (give it to the contour)\n"
           "  fingerprint      %s\n"
           "Next, in the contour: airlock person add %s --role ROLE --key %s\n",
           n->name, n->file, n->public_file, fingerprint_grouped(public_key_id(key)).text, n->name, n->public_file);
}

static int new_run(struct invocation *in)
{
    struct err e = {0};
    struct new_key n = {.name = in->argv[0], .file = option_get(in, "out")};
    if (!person_name_is_right(n.name))
        return command_usage(in, "\"%.70s\" is no name; wanted a-z first, then a-z, 0-9 and -, at most %u characters",
                             n.name, LIMIT_NAME_CHARS);
    if (!n.file || !*n.file)
        return command_usage(in, "--out FILE is needed");
    if ((size_t)snprintf(n.public_file, sizeof n.public_file, "%s.pub", n.file) >= sizeof n.public_file)
        return command_usage(in, "--out: the path is too long");
    int result = write_key(in, &n, &e);
    if (result == 0)
        report_new(in, &n);
    private_key_free(n.key);
    return result < 0 ? command_fail(in, &e) : 0;
}

const struct command CMD_PERSON_NEW = {
    .name = "person new",
    .usage = "NAME --out FILE",
    .summary = "make a person's own key, on that person's own machine",
    .detail =
        "Writes a new private key, sealed with a passphrase (PKCS#8, scrypt), into FILE, and its public half into "
        "FILE.pub. Needs no contour, and no contour ever sees the private key.",
    .options = {{"out", "FILE", "where the sealed private key goes; FILE.pub gets the public one", false},
                {"passphrase-file", "FILE", "seals it with the first line of FILE instead of asking", false},
                {"ed25519", NULL, "an Ed25519 key; the default is P-256, which every hardware token can hold", false}},
    .min_args = 1,
    .max_args = 1,
    .run = new_run,
};

/* ── person add ── */

static struct public_key *read_public(const char *file, struct err *e)
{
    auto_buf pem = BUF(KEY_FILE_MAX);
    if (file_read(AT_FDCWD, file, &pem, e) < 0)
        return NULL;
    struct public_key *key = public_key_parse(buf_span(&pem), file, e);
    if (!key && memmem(pem.ptr, pem.len, "PRIVATE KEY", 11))
        err_hint(e, "This is a private key: give the file beside it that ends in .pub, and keep this one at home");
    return key;
}

static int add(struct site *s, const char *name, enum role r, const struct public_key *key, uint64_t *seq,
               struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    const struct private_key *contour = site_key(s, e);
    if (!contour || site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "person-add");
    json_put_string(&w, "person", name);
    json_put_string(&w, "role", role_name(r));
    json_put_digest(&w, "key", public_key_id(key));
    if (person_add(s->db, name, r, key, contour, s->now_s, e) == 0 && site_commit(s, &w, seq, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static void report_add(struct invocation *in, const char *name, enum role r, const struct public_key *key, uint64_t seq)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "person-add");
        json_put_string(&w, "name", name);
        json_put_string(&w, "role", role_name(r));
        json_put_string(&w, "kind", key_kind_name(public_key_kind(key)));
        json_put_digest(&w, "key", public_key_id(key));
        json_put_uint(&w, "entry", seq);
        command_json_end(&w);
        return;
    }
    printf("%s is %s here\n"
           "  fingerprint  %s\n"
           "Compare the fingerprint with the one that %s's own machine shows.\n",
           name, role_name(r), fingerprint_grouped(public_key_id(key)).text, name);
}

static int bad_role(struct invocation *in, const char *role)
{
    auto_buf known = BUF(512);
    for (int r = 0; r < ROLES; r++)
        buf_printf(&known, "%s%s", r ? ", " : "", role_name((enum role)r));
    if (!role)
        return command_usage(in, "--role ROLE is needed: %s", buf_str(&known));
    return command_usage(in, "\"%.40s\" is no role; wanted %s", role, buf_str(&known));
}

static int add_run(struct invocation *in)
{
    enum role r;
    uint64_t seq = 0;
    struct err e = {0};
    const char *role = option_get(in, "role"), *file = option_get(in, "key");
    if (!role || !role_parse(role, &r))
        return bad_role(in, role);
    if (!file)
        return command_usage(in, "--key FILE is needed: the public key, as `airlock person new` made it");
    auto_public_key key = read_public(file, &e);
    auto_site s = key ? command_site(in, SITE_CONTOUR, &e) : NULL;
    if (!s || add(s, in->argv[0], r, key, &seq, &e) < 0)
        return command_fail(in, &e);
    report_add(in, in->argv[0], r, key, seq);
    return 0;
}

const struct command CMD_PERSON_ADD = {
    .name = "person add",
    .usage = "NAME --role ROLE --key FILE",
    .summary = "say who a person is, and which key speaks for them",
    .detail = "The contour signs a record of name, role and public key; that record, and no row in a database, is what "
              "gives the role. A person may hold several roles, one call each, with one key. Roles: viewer, consumer, "
              "publisher, engineer, data-owner, product-owner, security-officer, auditor, administrator.",
    .options = {{"role", "ROLE", "what the person may do", false},
                {"key", "FILE", "the person's public key: the .pub file of `airlock person new`", false}},
    .min_args = 1,
    .max_args = 1,
    .run = add_run,
};
