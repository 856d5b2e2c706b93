#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fingerprint.h"
#include "contour/identity_change.h"
#include "util/clock.h"
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

/* A withdrawn key does not come back for the same person; and who approves does not publish. */
static int check_new(struct site *s, const char *name, enum role r, const struct public_key *key, struct err *e)
{
    auto_rights rights = {0};
    const struct people *people = &rights.people;
    if (identity_rights(s, &rights, e) < 0)
        return -1;
    for (size_t i = 0; i < people->gone_count; i++)
        if (strcmp(people->gone[i].name, name) == 0 &&
            digest_equal(public_key_id(people->gone[i].key), public_key_id(key))) {
            err_set(e, ERR_DENIED, 0, "%s was withdrawn with this key on %s, and a withdrawal is for good", name,
                    time_text(people->gone[i].withdrawn_s).text);
            return err_hint(e, "`airlock person new %s --out FILE` makes a new one", name);
        }
    return identity_not_both(&rights, name, r, e);
}

static int add(struct site *s, const char *name, enum role r, const struct public_key *key, uint64_t *seq,
               struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    const struct private_key *contour = site_key(s, e);
    if (!contour || check_new(s, name, r, key, e) < 0 || site_begin(s, e) < 0)
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
              "gives the role. A person may hold several roles, one call each, with one key; a person who lost it is "
              "withdrawn first (`airlock person withdraw`). Roles: viewer, consumer, publisher, engineer, data-owner, "
              "product-owner, security-officer, auditor, administrator.",
    .options = {{"role", "ROLE", "what the person may do", false},
                {"key", "FILE", "the person's public key: the .pub file of `airlock person new`", false}},
    .min_args = 1,
    .max_args = 1,
    .run = add_run,
};

/* ── person list ── */

static int load(struct site *s, struct people *out, struct err *e)
{
    struct child *parser = site_parser(s, e);
    return parser ? people_load(s->db, parser, s->public_key, out, e) : -1;
}

static void json_person(struct json_out *w, const struct person *p)
{
    json_out_object(w);
    json_put_string(w, "name", p->name);
    json_put_string(w, "role", role_name(p->role));
    json_put_digest(w, "key", public_key_id(p->key));
    json_put_string(w, "kind", key_kind_name(public_key_kind(p->key)));
    if (p->withdrawn_s)
        json_put_time(w, "withdrawn", p->withdrawn_s);
    else
        json_put_time(w, "since", p->added_s);
    json_out_object_end(w);
}

static void list_json(const struct people *p)
{
    struct json_out w;
    auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
    command_json(&w, &out, "people");
    json_put_array(&w, "people");
    for (size_t i = 0; i < p->count; i++)
        json_person(&w, &p->list[i]);
    json_out_array_end(&w);
    json_put_array(&w, "withdrawn");
    for (size_t i = 0; i < p->gone_count; i++)
        json_person(&w, &p->gone[i]);
    json_out_array_end(&w);
    json_put_uint(&w, "refused", p->refused);
    command_json_end(&w);
}

static void print_rows(const struct person *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct person *p = &list[i];
        if (i == 0 || strcmp(list[i - 1].name, p->name) != 0 ||
            !digest_equal(public_key_id(list[i - 1].key), public_key_id(p->key)))
            printf("%s\n  key   %s\n", p->name, fingerprint_grouped(public_key_id(p->key)).text);
        printf("  role  %-17s %s %s\n", role_name(p->role), p->withdrawn_s ? "withdrawn" : "since    ",
               time_text(p->withdrawn_s ? p->withdrawn_s : p->added_s).text);
    }
}

static int list_run(struct invocation *in)
{
    struct err e = {0};
    auto_people people = {0};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || load(s, &people, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        list_json(&people);
        return 0;
    }
    if (people.count + people.gone_count == 0)
        printf("No people yet; `airlock person add` names them\n");
    print_rows(people.list, people.count);
    print_rows(people.gone, people.gone_count);
    if (people.refused)
        printf("%zu rows of people in state.db are not what this contour signed, and count for nothing; `airlock fsck` "
               "names them\n",
               people.refused);
    return 0;
}

const struct command CMD_PERSON_LIST = {
    .name = "person list",
    .summary = "who is here: names, roles, fingerprints, since when, and who was withdrawn",
    .detail = "What is shown was verified just now: rows that nobody here signed are counted, not shown.",
    .run = list_run,
};

/* ── person withdraw ── */

struct leaving {
    const char *name;
    struct people people;
    size_t keys;
    size_t tokens; /* of that name, revoked with it */
    uint64_t seq;
};

static void leaving_fini(struct leaving *l)
{
    people_fini(&l->people);
}

static int withdraw_key(struct site *s, struct leaving *l, const struct public_key *key, struct err *e)
{
    struct json_out w;
    struct digest id;
    auto_buf predicate = BUF(8192), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (person_withdrawal(&l->people, l->name, key, s->entry_s, &predicate, e) < 0 ||
        site_evidence(s, l->name, public_key_id(key), PREDICATE_WITHDRAWAL, "", "", buf_span(&predicate), &id, e) < 0)
        return -1;
    site_event(s, &w, &entry, PERSON_WITHDRAW);
    json_put_string(&w, "person", l->name);
    json_put_digest(&w, "key", public_key_id(key));
    json_put_digest(&w, "evidence", &id);
    l->keys++;
    return site_append(s, &w, &l->seq, e);
}

/* One withdrawal a key: a name got two of them only before airlock refused that. */
static int withdraw_in_transaction(struct site *s, struct leaving *l, struct err *e)
{
    const struct people *p = &l->people;
    if (load(s, &l->people, e) < 0)
        return -1;
    for (size_t i = 0; i < p->count; i++) {
        bool seen = strcmp(p->list[i].name, l->name) != 0;
        for (size_t k = 0; !seen && k < i; k++)
            seen = strcmp(p->list[k].name, l->name) == 0 &&
                   digest_equal(public_key_id(p->list[k].key), public_key_id(p->list[i].key));
        if (!seen && withdraw_key(s, l, p->list[i].key, e) < 0)
            return -1;
    }
    if (l->keys == 0) {
        err_set(e, ERR_NOTFOUND, 0, "nobody here is called %.64s", l->name);
        return err_hint(e, "`airlock person list` shows all");
    }
    if (db_person_revoke(s->db, l->name, e) < 0 || identity_end_all(s, l->name, &l->tokens, e) < 0)
        return -1;
    return site_commit(s, NULL, NULL, e);
}

static int withdraw(struct site *s, struct leaving *l, struct err *e)
{
    if (!site_key(s, e) || site_begin(s, e) < 0)
        return -1;
    if (withdraw_in_transaction(s, l, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int withdraw_run(struct invocation *in)
{
    struct err e = {0};
    AUTO(leaving_fini) struct leaving l = {.name = in->argv[0]};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || withdraw(s, &l, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "person-withdraw");
        json_put_string(&w, "name", l.name);
        json_put_uint(&w, "keys", l.keys);
        json_put_uint(&w, "tokens", l.tokens);
        json_put_uint(&w, "entry", l.seq);
        command_json_end(&w);
        return 0;
    }
    printf("%s is withdrawn: holds no role here and signs nothing more; %zu token%s revoked\n"
           "What runs keeps running. A new key for %s: airlock person add %s --role ROLE --key FILE\n",
           l.name, l.tokens, l.tokens == 1 ? "" : "s", l.name, l.name);
    return 0;
}

const struct command CMD_PERSON_WITHDRAW = {
    .name = "person withdraw",
    .usage = "NAME",
    .summary = "end all roles and the key of a person: who left, or lost the key",
    .detail = "The contour signs that this name no longer speaks with this key, and the ledger says so; putting rows "
              "back undoes neither. Requests and approvals of the person count for no new verdict; what was promoted "
              "with them keeps running. Tokens, grants and group memberships of that name end. The name may then get a "
              "new key "
              "(`airlock person add`), but never this one again.",
    .min_args = 1,
    .max_args = 1,
    .run = withdraw_run,
};
