/* The OpenPGP key: made and used by a gpg child that leaves nothing behind, verified by a GnuPG that has only the
 * public half. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trust/openpgp.h"
#include "util/file.h"

/* Deeper than the path of a socket may be. */
#define DEEP \
    "a-folder-with-a-name-that-is-long-enough/to-be-a-trouble-for-sockets/whose-paths-have-107-characters/contour"

static const struct secret SECRET = {.text = "a passphrase", .len = 12}, OTHER = {.text = "another", .len = 7};

static struct {
    char folder[64];
    int top, dir;
    struct openpgp_key key;
} t;

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

/* One home for all tests: a key takes a third of a second. */
static int start(void **state)
{
    struct err e = {0};
    (void)state;
    snprintf(t.folder, sizeof(t.folder), "/tmp/airlock-openpgp-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    t.top = dir_open(AT_FDCWD, t.folder, &e);
    char path[] = DEEP "/keys";
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        must(dir_make(t.top, path, 0700, &e), &e);
        *slash = '/';
    }
    must(dir_make(t.top, path, 0700, &e), &e);
    t.dir = dir_open(t.top, DEEP, &e);
    must(t.dir, &e);
    must(openpgp_make(t.dir, "airlock contour demo", &SECRET, &t.key, &e), &e);
    return 0;
}

static int stop(void **state)
{
    struct err e = {0};
    (void)state;
    close(t.dir);
    close(t.top);
    must(tree_remove(AT_FDCWD, t.folder, &e), &e);
    return 0;
}

static void sign(enum openpgp_form form, const char *text, struct buf *out)
{
    struct err e = {0};
    must(openpgp_sign(t.dir, &t.key, &SECRET, 1900000000, form, span_str(text), out, &e), &e);
}

/* A program with its output left to the test's own; its exit status. */
static int run(const char *const argv[])
{
    pid_t pid;
    int status;
    char home[128], path[] = "PATH=/usr/bin:/bin";
    snprintf(home, sizeof(home), "GNUPGHOME=%s/reader", t.folder);
    char *const environment[] = {home, path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *in_folder(const char *name, struct span bytes)
{
    static char paths[4][128];
    static size_t next;
    struct err e = {0};
    char *path = paths[next++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", t.folder, name);
    must(file_write(AT_FDCWD, path, bytes, 0600, &e), &e);
    return path;
}

/* A keyring that holds the public key alone. */
static const char *keyring(void)
{
    static char path[96];
    struct err e = {0};
    auto_buf armored = BUF(65536);
    must(openpgp_public(t.dir, &t.key, &armored, &e), &e);
    must(dir_make(t.top, "reader", 0700, &e), &e);
    snprintf(path, sizeof(path), "%s/reader/keys.gpg", t.folder);
    const char *const argv[] = {
        "gpg", "--batch", "--yes", "--output", path, "--dearmor", in_folder("key.asc", buf_span(&armored)), NULL};
    assert_int_equal(run(argv), 0);
    return path;
}

static bool left_behind(void)
{
    struct err e = {0};
    auto_fd home = dir_open(t.dir, OPENPGP_FOLDER, &e);
    return faccessat(home, "S.gpg-agent", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void a_key_is_made_in_a_home_of_its_own_and_found_again(void **state)
{
    struct err e = {0};
    struct openpgp_key found;
    struct stat st;
    (void)state;
    must(openpgp_find(t.dir, &found, &e), &e);
    assert_string_equal(found.fingerprint, t.key.fingerprint);
    assert_int_equal(strspn(found.fingerprint, "0123456789ABCDEF"), 40);
    assert_int_equal(found.created_s, t.key.created_s);
    assert_int_equal(fstatat(t.dir, OPENPGP_FOLDER, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_false(left_behind());
}

static void a_folder_without_a_key_says_so(void **state)
{
    struct err e = {0};
    struct openpgp_key found;
    (void)state;
    must(dir_make(t.top, "empty", 0700, &e), &e);
    must(dir_make(t.top, "empty/keys", 0700, &e), &e);
    auto_fd dir = dir_open(t.top, "empty", &e);
    assert_int_equal(openpgp_find(dir, &found, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    must(dir_make(dir, OPENPGP_FOLDER, 0700, &e), &e); /* interrupted there */
    err_clear(&e);
    assert_int_equal(openpgp_find(dir, &found, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void both_forms_verify_under_the_public_key(void **state)
{
    auto_buf clear = BUF(65536), detached = BUF(65536);
    const char *keys = keyring(), *text = "Origin: Airlock\n- a line that begins with a dash\n";
    (void)state;
    sign(OPENPGP_CLEAR, text, &clear);
    sign(OPENPGP_DETACHED, text, &detached);
    const char *const inline_argv[] = {"gpgv", "--keyring", keys, in_folder("InRelease", buf_span(&clear)), NULL};
    const char *const beside_argv[] = {
        "gpgv", "--keyring", keys, in_folder("Release.gpg", buf_span(&detached)), in_folder("Release", span_str(text)),
        NULL};
    assert_int_equal(run(inline_argv), 0);
    assert_int_equal(run(beside_argv), 0);
    in_folder("Release", SPAN_LIT("Origin: Airlocj\n- a line that begins with a dash\n"));
    assert_int_not_equal(run(beside_argv), 0);
    assert_false(left_behind());
}

static void the_same_text_and_time_give_the_same_bytes(void **state)
{
    auto_buf one = BUF(65536), two = BUF(65536), other = BUF(65536);
    (void)state;
    sign(OPENPGP_CLEAR, "the same\n", &one);
    sign(OPENPGP_CLEAR, "the same\n", &two);
    sign(OPENPGP_CLEAR, "another\n", &other);
    assert_true(span_equal(buf_span(&one), buf_span(&two)));
    assert_false(span_equal(buf_span(&one), buf_span(&other)));
}

static void a_time_before_the_key_was_made_is_the_time_of_its_making(void **state)
{
    struct err e = {0};
    auto_buf out = BUF(65536);
    (void)state;
    must(openpgp_sign(t.dir, &t.key, &SECRET, 1000, OPENPGP_DETACHED, SPAN_LIT("early\n"), &out, &e), &e);
    const char *const argv[] = {
        "gpgv", "--keyring", keyring(), in_folder("early.asc", buf_span(&out)), in_folder("early", SPAN_LIT("early\n")),
        NULL};
    assert_int_equal(run(argv), 0);
}

static void another_passphrase_opens_nothing_and_says_so(void **state)
{
    struct err e = {0};
    auto_buf out = BUF(65536);
    (void)state;
    assert_int_equal(openpgp_sign(t.dir, &t.key, &OTHER, 1900000000, OPENPGP_CLEAR, SPAN_LIT("x\n"), &out, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "passphrase"));
    assert_int_equal(out.len, 0);
    assert_false(left_behind());
}

/* What a process that was killed may leave: a socket that nobody listens at, or an agent that still runs. */
static void what_a_killed_process_left_behind_is_no_obstacle(void **state)
{
    char path[128], target[256];
    struct err e = {0};
    (void)state;
    snprintf(path, sizeof(path), "%s/home", t.folder); /* short enough for a socket */
    snprintf(target, sizeof(target), "%s/" DEEP "/" OPENPGP_FOLDER, t.folder);
    assert_int_equal(symlink(target, path), 0);

    auto_buf out = BUF(65536);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/S.gpg-agent", path);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
    close(sock);
    sign(OPENPGP_CLEAR, "after a dead socket\n", &out);

    const char *const argv[] = {"gpg-agent", "--homedir", path, "--daemon", "--", "true", NULL};
    assert_int_equal(run(argv), 0); /* its agent looks every few seconds whether its program has ended */
    assert_true(left_behind());
    sign(OPENPGP_CLEAR, "after a living agent\n", &out);
    assert_false(left_behind());
    must(unlinkat(AT_FDCWD, path, 0), &e);
}

static void without_gnupg_it_says_what_to_install(void **state)
{
    struct err e = {0};
    auto_buf out = BUF(65536);
    char version[128];
    auto_free char *path = strdup(getenv("PATH"));
    (void)state;
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    int signed_without = openpgp_sign(t.dir, &t.key, &SECRET, 1900000000, OPENPGP_CLEAR, SPAN_LIT("x\n"), &out, &e);
    struct err why = {0};
    int version_without = openpgp_version(version, sizeof(version), &why);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(signed_without, -1);
    assert_int_equal(e.code, ERR_SYSTEM);
    assert_non_null(strstr(e.msg, "apt-get install gpg gpg-agent"));
    assert_int_equal(version_without, -1);
    must(openpgp_version(version, sizeof(version), &e), &e);
    assert_non_null(strstr(version, "GnuPG"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_in_a_home_of_its_own_and_found_again),
        cmocka_unit_test(a_folder_without_a_key_says_so),
        cmocka_unit_test(both_forms_verify_under_the_public_key),
        cmocka_unit_test(the_same_text_and_time_give_the_same_bytes),
        cmocka_unit_test(a_time_before_the_key_was_made_is_the_time_of_its_making),
        cmocka_unit_test(another_passphrase_opens_nothing_and_says_so),
        cmocka_unit_test(what_a_killed_process_left_behind_is_no_obstacle),
        cmocka_unit_test(without_gnupg_it_says_what_to_install),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
