/* Two whole TUF repositories of others (tuf-conformance's static data), read in our strict form: what of them is taken,
 * what is not, and why. Our own stations write neither. */
#include "corpus.h"

#include <string.h>

#include "parser.h"
#include "trust/tuf_meta.h"

struct expected {
    const char *file;
    const char *type;
    const char *refusal; /* NULL: read */
};

/* Reads one file as far as a client would, signatures left aside: those need the keys of the file before. */
static int read_file(struct child *parser, const char *member, const char *type, struct err *e)
{
    auto_buf bytes = BUF(8U << 20);
    auto_tuf_signed opened = {0};
    auto_tuf_meta meta = {0};
    corpus_read(member, &bytes);
    if (tuf_signed_open(parser, buf_span(&bytes), type, &opened, e) < 0 ||
        tuf_meta_read(&opened, buf_span(&bytes), type, type, &meta, e) < 0)
        return -1;
    if (strcmp(type, "root") == 0) {
        AUTO(tuf_root_fini) struct tuf_root root = {0};
        if (tuf_root_read(&meta, type, &root, e) < 0)
            return -1;
        return tuf_signed_by(&opened, &root.holders[TUF_ROOT], type, "the root itself", e);
    }
    if (strcmp(type, "timestamp") == 0) {
        struct tuf_listed listed;
        return tuf_listed_read(&meta, "snapshot.json", type, &listed, e);
    }
    if (strcmp(type, "targets") == 0) {
        AUTO(tuf_delegations_fini) struct tuf_delegations delegations = {0};
        return tuf_delegations_read(&meta, type, &delegations, e);
    }
    return 0;
}

static void check(const char *repository, const struct expected *list, size_t count)
{
    auto_child parser = parser_start();
    for (size_t i = 0; i < count; i++) {
        struct err e = {0};
        char member[200];
        snprintf(member, sizeof member, "trust/tuf/%s/metadata/%s", repository, list[i].file);
        int result = read_file(parser, member, list[i].type, &e);
        print_message("# %s: %s\n", member, result == 0 ? "read" : e.msg);
        if (!list[i].refusal && result < 0)
            fail_msg("%s: %s", member, e.msg);
        if (list[i].refusal && (result == 0 || !strstr(e.msg, list[i].refusal)))
            fail_msg("%s: wanted \"%s\", found %s", member, list[i].refusal, result == 0 ? "that it is read" : e.msg);
    }
}

static void sigstore_root_signing_in_strict_form(void **state)
{
    (void)state;
    NEED_CORPUS();
    static const struct expected files[] = {
        {"1.root.json", "root", "/signed/expires"}, /* a fraction and an offset */
        {"2.root.json", "root", "/signed/expires"},
        {"3.root.json", "root", "/signed/expires"},
        {"4.root.json", "root", "/signed/consistent_snapshot"},
        {"5.root.json", "root", "ecdsa-sha2-nistp256\" with scheme"}, /* the key type's old name */
        {"6.root.json", "root", "ecdsa-sha2-nistp256\" with scheme"},
        {"7.root.json", "root", "ecdsa-sha2-nistp256\" with scheme"},
        {"8.root.json", "root", "ecdsa-sha2-nistp256\" with scheme"},
        {"9.root.json", "root", NULL},
        {"10.root.json", "root", NULL},
        {"11.root.json", "root", "is not the key's"},
        {"12.root.json", "root", NULL}, /* with empty signatures beside good ones */
        {"timestamp.json", "timestamp", NULL},
        {"159.snapshot.json", "snapshot", NULL},
        {"11.targets.json", "targets", "no role of ours"},
    };
    check("sigstore-root-signing", files, ARRAY_LEN(files));
}

static void tuf_on_ci_in_strict_form(void **state)
{
    (void)state;
    NEED_CORPUS();
    static const struct expected files[] = {
        {"1.root.json", "root", NULL},
        {"timestamp.json", "timestamp", NULL},
        {"2.snapshot.json", "snapshot", NULL},
        {"1.targets.json", "targets", "no role of ours"},
        {"2.delegatedrole.json", "targets", NULL},
    };
    check("tuf-on-ci-0.11", files, ARRAY_LEN(files));
}

/* ── signatures of others, by the keys of their roots ── */

static void open_member(struct child *parser, const char *member, struct buf *bytes, struct tuf_signed *opened)
{
    struct err e = {0};
    corpus_read(member, bytes);
    if (tuf_signed_open(parser, buf_span(bytes), member, opened, &e) < 0)
        fail_msg("%s", e.msg);
}

static void expect_signed(struct child *parser, const char *repository, const char *file, const struct tuf_root *root,
                          enum tuf_role role, bool wanted)
{
    char member[200];
    struct err e = {0};
    auto_buf bytes = BUF(8U << 20);
    auto_tuf_signed opened = {0};
    snprintf(member, sizeof member, "trust/tuf/%s/metadata/%s", repository, file);
    open_member(parser, member, &bytes, &opened);
    bool right = tuf_signed_by(&opened, &root->holders[role], member, tuf_role_name(role), &e) == 0;
    if (right != wanted)
        fail_msg("%s by the keys of %s: %s", member, tuf_role_name(role), right ? "accepted" : e.msg);
}

static void read_root(struct child *parser, const char *member, struct tuf_root *root)
{
    struct err e = {0};
    auto_buf bytes = BUF(8U << 20);
    auto_tuf_signed opened = {0};
    auto_tuf_meta meta = {0};
    open_member(parser, member, &bytes, &opened);
    if (tuf_meta_read(&opened, buf_span(&bytes), "root", member, &meta, &e) < 0 ||
        tuf_root_read(&meta, member, root, &e) < 0)
        fail_msg("%s", e.msg);
}

static void signatures_of_both_repositories_verify_by_the_keys_of_their_roots(void **state)
{
    (void)state;
    NEED_CORPUS();
    auto_child parser = parser_start();
    AUTO(tuf_root_fini) struct tuf_root sigstore = {0}, ninth = {0}, ci = {0};
    read_root(parser, "trust/tuf/sigstore-root-signing/metadata/12.root.json", &sigstore);
    read_root(parser, "trust/tuf/sigstore-root-signing/metadata/9.root.json", &ninth);
    read_root(parser, "trust/tuf/tuf-on-ci-0.11/metadata/1.root.json", &ci);

    expect_signed(parser, "sigstore-root-signing", "timestamp.json", &sigstore, TUF_TIMESTAMP, true);
    expect_signed(parser, "sigstore-root-signing", "159.snapshot.json", &sigstore, TUF_SNAPSHOT, true);
    expect_signed(parser, "sigstore-root-signing", "11.targets.json", &sigstore, TUF_TARGETS, true);
    expect_signed(parser, "sigstore-root-signing", "12.root.json", &sigstore, TUF_ROOT, true);
    expect_signed(parser, "sigstore-root-signing", "10.root.json", &ninth, TUF_ROOT, true);
    expect_signed(parser, "sigstore-root-signing", "timestamp.json", &sigstore, TUF_TARGETS, false);
    expect_signed(parser, "sigstore-root-signing", "timestamp.json", &ci, TUF_TIMESTAMP, false);
    expect_signed(parser, "tuf-on-ci-0.11", "timestamp.json", &ci, TUF_TIMESTAMP, true);
    expect_signed(parser, "tuf-on-ci-0.11", "2.snapshot.json", &ci, TUF_SNAPSHOT, true);
    expect_signed(parser, "tuf-on-ci-0.11", "1.targets.json", &ci, TUF_TARGETS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigstore_root_signing_in_strict_form),
        cmocka_unit_test(tuf_on_ci_in_strict_form),
        cmocka_unit_test(signatures_of_both_repositories_verify_by_the_keys_of_their_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
