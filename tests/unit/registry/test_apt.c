/* The view of apt: signed indexes of what stands in an environment, found by name and by hash, and the files that they
 * name. */
#include "client.h"
#include "views.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry/apt_stanza.h"

#define AS    "anna.consumer.all"
#define DISTS "/apt/prod/dists/airlock/"
#define SHA512                                                                                                         \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcdef"
#define MD5 "0123456789abcdef0123456789abcdef"
#define ABOUT(package, version, architecture)                                                                \
    "{\"control\":{\"Package\":\"" package "\",\"Version\":\"" version "\",\"Architecture\":\"" architecture \
    "\",\"Depends\":\"libc6 (>= 2.36)\",\"Description\":\"greets\\n and says no more\\n .\\n than that\"},"  \
    "\"md5\":\"" MD5 "\",\"sha512\":\"" SHA512 "\"}"

static struct {
    struct digest one, two, other; /* releases */
    struct digest hello;
    _Atomic unsigned signed_times;
    bool no_gnupg;
    _Atomic bool slow; /* signing goes on when this is false */
} s;

static int sign(void *arg, int64_t at_s, struct span release, struct buf *clear, struct buf *detached, struct err *e)
{
    (void)arg;
    if (s.no_gnupg)
        return err_set(e, ERR_SYSTEM, 0, "gpg is not installed");
    while (s.slow)
        usleep(1000);
    s.signed_times++;
    buf_printf(clear, "SIGNED %lld\n", (long long)at_s);
    buf_add_span(clear, release);
    buf_add_str(detached, "SIGNATURE\n");
    return 0;
}

static int public_key(void *arg, struct buf *armored, struct err *e)
{
    (void)arg;
    (void)e;
    buf_add_str(armored, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
    return 0;
}

/* prod: assistant brings hello and data, helper brings the same hello. Later, assistant v1.1.0 brings hello 2. */
static int start(void **state)
{
    s.signed_times = 0;
    s.no_gnupg = false;
    views_signer = (struct index_signer){.sign = sign, .public_key = public_key, .label = "demo"};
    views_start(state);
    views_begin();
    s.one = views_release("assistant", "v1.0.0");
    s.two = views_release("helper", "v1.0.0");
    s.other = views_release("assistant", "v1.1.0");
    s.hello = views_bring(&s.one, "deb", "hello", "1:2.10-3", "hello_2.10-3_amd64.deb", "the deb",
                          ABOUT("hello", "1:2.10-3", "amd64"));
    views_bring(&s.two, "deb", "hello", "1:2.10-3", "hello_2.10-3_amd64.deb", "the deb",
                ABOUT("hello", "1:2.10-3", "amd64"));
    views_bring(&s.one, "deb", "hello-data", "1.0", "hello-data_1.0_all.deb", "data",
                ABOUT("hello-data", "1.0", "all"));
    views_bring(&s.other, "deb", "hello", "1:2.11-1", "hello_1%3a2.11-1_amd64.deb", "newer",
                ABOUT("hello", "1:2.11-1", "amd64"));
    views_commit();
    views_point("prod", "assistant", &s.one);
    views_point("prod", "helper", &s.two);
    return 0;
}

static const char *index_of(const char *path)
{
    char where[256];
    snprintf(where, sizeof(where), DISTS "%s", path);
    assert_int_equal(views_get(where), 200);
    return views_body();
}

/* Where Release says that a file lies by its hash. */
static const char *by_hash(const char *path)
{
    static char where[512];
    const char *release = index_of("Release"), *line = release;
    const char *slash = strrchr(path, '/');
    for (line = strstr(release, "SHA256:\n") + 8; line && *line == ' '; line = strchr(line, '\n') + 1) {
        const char *name = strchr(strchr(line + 1, ' ') + 1, ' ') + 1;
        if (strncmp(name, path, strlen(path)) == 0 && name[strlen(path)] == '\n') {
            snprintf(where, sizeof(where), DISTS "%.*s/by-hash/SHA256/%.64s", (int)(slash - path), path, line + 1);
            return where;
        }
    }
    fail_msg("%s is not in: %s", path, release);
    return NULL;
}

static void release_says_whose_it_is_and_until_when(void **state)
{
    (void)state;
    static const char wanted[] = "Origin: Airlock\nLabel: demo\nSuite: prod\nCodename: airlock\n"
                                 "Date: Tue, 14 Nov 2023 22:13:20 UTC\nValid-Until: ";
    assert_int_equal(strncmp(index_of("Release"), wanted, sizeof(wanted) - 1), 0);
    views_contains("\nAcquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: main\n");
    views_contains("Cache-Control: no-cache\r\n");
    views_contains("X-Content-Type-Options: nosniff\r\n");
    assert_int_equal(strncmp(index_of("InRelease"), "SIGNED 1700000000\nOrigin: Airlock\n", 34), 0);
    assert_string_equal(index_of("Release.gpg"), "SIGNATURE\n");
}

static void a_stanza_is_the_control_file_and_where_the_file_lies(void **state)
{
    char wanted[2048];
    (void)state;
    snprintf(wanted, sizeof(wanted),
             "Package: hello\nVersion: 1:2.10-3\nArchitecture: amd64\nDepends: libc6 (>= 2.36)\n"
             "Description: greets\n and says no more\n .\n than that\n"
             "Filename: pool/main/hello/hello_2.10-3_amd64.deb\nSize: 7\nMD5sum: " MD5 "\nSHA256: %s\nSHA512: " SHA512
             "\n\nPackage: hello-data\n",
             digest_hex(&s.hello).text);
    assert_int_equal(strncmp(index_of("main/binary-amd64/Packages"), wanted, strlen(wanted)), 0);
}

static void a_package_for_all_is_in_every_index_and_others_in_their_own(void **state)
{
    (void)state;
    index_of("main/binary-arm64/Packages");
    views_contains("Package: hello-data\n");
    views_lacks("Package: hello\n");
    views_begin();
    views_bring(&s.other, "deb", "odd", "1", "odd_1_riscv64.deb", "x", ABOUT("odd", "1", "riscv64"));
    views_commit();
    views_point("prod", "assistant", &s.other);
    index_of("Release");
    views_contains("Architectures: amd64 arm64 riscv64\n");
    index_of("main/binary-riscv64/Packages");
    views_contains("Package: odd\n");
}

static size_t unpack(const char *bytes, size_t len, char *out, size_t room)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    archive_read_support_filter_all(a);
    archive_read_support_format_raw(a);
    assert_int_equal(archive_read_open_memory(a, bytes, len), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
    la_ssize_t n = archive_read_data(a, out, room);
    assert_true(n > 0);
    archive_read_free(a);
    return (size_t)n;
}

static void the_compressed_forms_hold_the_same(void **state)
{
    static char plain[65536], other[65536];
    static const char *const forms[] = {"main/binary-amd64/Packages.gz", "main/binary-amd64/Packages.xz"};
    (void)state;
    snprintf(plain, sizeof(plain), "%s", index_of("main/binary-amd64/Packages"));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const char *body = index_of(forms[i]), *length = strstr(views_reply, "Content-Length: ");
        size_t n = unpack(body, strtoul(length + 16, NULL, 10), other, sizeof(other));
        assert_int_equal(n, strlen(plain));
        assert_memory_equal(other, plain, n);
    }
}

static void every_listed_file_is_found_by_its_hash(void **state)
{
    static const char *const paths[] = {"main/binary-amd64/Packages", "main/binary-amd64/Packages.gz",
                                        "main/binary-arm64/Packages.xz"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(views_get(by_hash(paths[i])), 200);
    assert_int_equal(views_get(by_hash("main/binary-amd64/Packages")), 200);
    struct digest d = digest_of(span_str(views_body()));
    assert_non_null(strstr(by_hash("main/binary-amd64/Packages"), digest_hex(&d).text));
}

static void the_same_view_is_signed_once_and_comes_out_the_same(void **state)
{
    static char first[65536];
    (void)state;
    snprintf(first, sizeof(first), "%s", index_of("InRelease"));
    for (int i = 0; i < 5; i++)
        assert_string_equal(index_of("InRelease"), first);
    index_of("main/binary-amd64/Packages");
    assert_int_equal(s.signed_times, 1);
    views_point("prod", "assistant", &s.other);
    assert_string_not_equal(index_of("InRelease"), first);
    assert_int_equal(s.signed_times, 2);
    views_point("prod", "assistant", &s.one); /* back; the clock of this test stands still */
    assert_string_equal(index_of("InRelease"), first);
    assert_int_equal(s.signed_times, 2);
}

static void the_same_packages_give_the_same_index_in_another_environment(void **state)
{
    static char prod[65536];
    (void)state;
    snprintf(prod, sizeof(prod), "%s", by_hash("main/binary-amd64/Packages.xz"));
    views_point("test", "assistant", &s.one);
    assert_int_equal(views_get("/apt/test/dists/airlock/Release"), 200);
    views_contains(strrchr(prod, '/') + 1);
    views_contains("Suite: test\n");
}

static void an_index_of_before_a_move_is_still_found_by_its_hash(void **state)
{
    static char before[512];
    (void)state;
    snprintf(before, sizeof(before), "%s", by_hash("main/binary-amd64/Packages"));
    views_point("prod", "assistant", &s.other);
    index_of("main/binary-amd64/Packages");
    views_contains("Version: 1:2.11-1\n");
    views_lacks("hello-data");
    assert_int_equal(views_get(before), 200);
    views_contains("Package: hello-data\n");
    assert_int_equal(views_get("/apt/prod/pool/main/hello-data/hello-data_1.0_all.deb"), 404);
    assert_int_equal(views_get("/apt/prod/pool/main/hello/hello_1%253a2.11-1_amd64.deb"), 200);
    views_point("test", "helper", &s.two); /* another environment's hashes are its own */
    assert_int_equal(views_get("/apt/test/dists/airlock/Release"), 200);
    memcpy(before + 5, "test", 4);
    assert_int_equal(views_get(before), 404);
}

static void only_so_many_old_indexes_are_kept(void **state)
{
    static char before[512];
    char version[16];
    (void)state;
    snprintf(before, sizeof(before), "%s", by_hash("main/binary-amd64/Packages"));
    for (unsigned i = 0; i < 8; i++) {
        snprintf(version, sizeof(version), "v3.0.%u", i);
        views_begin();
        struct digest release = views_release("assistant", version);
        views_bring(&release, "deb", "more", version + 1, "x", "x", "{}");
        views_commit();
        views_point("prod", "assistant", &release);
        index_of("InRelease");
    }
    assert_int_equal(views_get(before), 404);
}

static void a_deb_is_given_whole_in_parts_and_not_again(void **state)
{
    const char *path = "/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb";
    (void)state;
    assert_int_equal(views_get(path), 200);
    assert_string_equal(views_body(), "the deb");
    views_contains("Content-Type: application/vnd.debian.binary-package\r\n");
    views_recorded("\"repository\":\"apt\",\"what\":\"pool/main/hello/hello_2.10-3_amd64.deb\",\"digest\":\"sha256:");
    assert_int_equal(views_ask(AS, "GET", path, views_if_none_match(), ""), 304);
    assert_int_equal(views_ask(AS, "GET", path, "Range: bytes=4-\r\n", ""), 206);
    assert_string_equal(views_body(), "deb");
    assert_int_equal(views_ask(AS, "HEAD", path, "", ""), 200);
    views_contains("Content-Length: 7\r\n");
    assert_string_equal(views_body(), "");
}

static void an_index_is_given_in_parts_and_not_again(void **state)
{
    (void)state;
    index_of("InRelease");
    assert_int_equal(views_ask(AS, "GET", DISTS "InRelease", views_if_none_match(), ""), 304);
    assert_int_equal(views_ask(AS, "GET", DISTS "InRelease", "Range: bytes=0-5\r\n", ""), 206);
    assert_string_equal(views_body(), "SIGNED");
    assert_int_equal(views_ask(AS, "HEAD", DISTS "main/binary-amd64/Packages.xz", "", ""), 200);
    views_contains("Content-Type: application/x-xz\r\n");
}

/* ── what is in no index ── */

static int stanza(const char *filename, const char *about, struct err *e)
{
    char architecture[APT_ARCHITECTURE_SIZE];
    auto_buf out = BUF(65536);
    struct package_row row = {
        .ecosystem = "deb", .name = "hello", .version = "1:2.0-1", .filename = filename, .about = about};
    int result = apt_stanza(&row, &out, architecture, e);
    assert_true(result == 0 || out.len == 0);
    return result;
}

#define FIELDS(more) "{\"control\":{\"Package\":\"hello\",\"Version\":\"1:2.0-1\",\"Architecture\":\"amd64\"" more "}}"

static void a_deb_whose_control_and_names_disagree_has_no_stanza(void **state)
{
    static const char *const names[] = {"hello_2.0-1_arm64.deb",   "hello_2.0-2_amd64.deb",
                                        "hallo_2.0-1_amd64.deb",   "hello_2.0-1_amd64.udeb",
                                        "hello_1:2.0-1_amd64.deb", "../hello_2.0-1_amd64.deb"};
    static const char *const abouts[] = {ABOUT("hallo", "1:2.0-1", "amd64"),
                                         ABOUT("hello", "2.0-1", "amd64"),
                                         ABOUT("hello", "1:2.0-1", "i386"),
                                         "{}",
                                         "{\"control\":{}}",
                                         "not JSON"};
    struct err e = {0};
    (void)state;
    assert_int_equal(stanza("hello_2.0-1_amd64.deb", FIELDS(""), &e), 0);
    assert_int_equal(stanza("hello_1%3a2.0-1_amd64.deb", FIELDS(""), &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(stanza(names[i], FIELDS(""), &e), -1);
    for (size_t i = 0; i < ARRAY_LEN(abouts); i++)
        assert_int_equal(stanza("hello_2.0-1_amd64.deb", abouts[i], &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
}

static void no_field_begins_another_field_or_stanza(void **state)
{
    static const char *const abouts[] = {
        FIELDS(",\"Description\":\"x\\nFilename: pool/evil\""),
        FIELDS(",\"Description\":\"x\\n\\nPackage: evil\""),
        FIELDS(",\"Description\":\"x\\n \\n y\""),
        FIELDS(",\"Description\":\"x\\n\""),
        FIELDS(",\"A: b\\nPackage\":\"evil\""),
        FIELDS(",\"\":\"x\""),
        FIELDS(",\"-dash\":\"x\""),
        FIELDS(",\"Depends\":7"),
        FIELDS(",\"Depends\":\"a\\rb\""),
    };
    struct err e = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(abouts); i++)
        if (stanza("hello_2.0-1_amd64.deb", abouts[i], &e) == 0)
            fail_msg("accepted: %s", abouts[i]);
}

static void what_a_deb_says_of_its_own_file_is_not_believed(void **state)
{
    char architecture[APT_ARCHITECTURE_SIZE];
    struct err e = {0};
    auto_buf out = BUF(65536);
    struct package_row row = {.name = "hello",
                              .version = "1:2.0-1",
                              .filename = "hello_2.0-1_amd64.deb",
                              .about = FIELDS(",\"FILENAME\":\"pool/evil\",\"sha256\":\"00\",\"Size\":\"1\"")};
    (void)state;
    assert_int_equal(apt_stanza(&row, &out, architecture, &e), 0);
    assert_null(strstr(buf_str(&out), "evil"));
    assert_null(strstr(buf_str(&out), "sha256"));
    assert_non_null(strstr(buf_str(&out), "\nSize: 0\n"));
}

static void what_has_no_stanza_is_not_given_either(void **state)
{
    (void)state;
    views_begin();
    views_bring(&s.other, "deb", "liar", "1", "liar_1_amd64.deb", "x", ABOUT("liar", "2", "amd64"));
    views_commit();
    views_point("prod", "assistant", &s.other);
    index_of("main/binary-amd64/Packages");
    views_lacks("liar");
    assert_int_equal(views_get("/apt/prod/pool/main/liar/liar_1_amd64.deb"), 404);
}

static void one_version_with_two_sets_of_bytes_is_neither_listed_nor_given(void **state)
{
    (void)state;
    views_begin();
    struct digest third = views_release("third", "v1.0.0");
    views_bring(&third, "deb", "hello", "1:2.10-3", "hello_2.10-3_amd64.deb", "other bytes",
                ABOUT("hello", "1:2.10-3", "amd64"));
    struct digest fourth = views_release("fourth", "v1.0.0");
    views_bring(&fourth, "deb", "hello", "1:2.10-3", "hello_1%3a2.10-3_amd64.deb", "other bytes",
                ABOUT("hello", "1:2.10-3", "amd64"));
    views_commit();
    views_point("prod", "third", &third);
    index_of("main/binary-amd64/Packages");
    views_lacks("Package: hello\n");
    assert_int_equal(views_get("/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb"), 409);
    views_contains("third:v1.0.0");

    views_point("prod", "third", &s.two); /* the same by another file name */
    views_point("prod", "fourth", &fourth);
    index_of("main/binary-amd64/Packages");
    views_lacks("Package: hello\n");
    views_contains("Package: hello-data\n");
}

/* ── refusals ── */

static void an_environment_where_nothing_stands_has_no_index(void **state)
{
    (void)state;
    assert_int_equal(views_get("/apt/sandbox/dists/airlock/InRelease"), 404);
    views_recorded(
        "\"environment\":\"sandbox\",\"repository\":\"apt\",\"what\":\"dists/airlock/InRelease\",\"status\":404");
    assert_int_equal(s.signed_times, 0);
}

static void tricks_with_paths_lead_nowhere(void **state)
{
    static const char *const paths[] = {
        "/apt/prod/dists/airlock/",
        "/apt/prod/dists/other/InRelease",
        "/apt/prod/dists/airlock/main/binary-amd64/by-hash/SHA256/",
        "/apt/prod/dists/airlock/main/binary-amd64/by-hash/SHA256/00",
        "/apt/prod/dists/airlock/main/binary-amd64/by-hash/MD5Sum/0123456789abcdef0123456789abcdef",
        "/apt/prod/pool/main/hello",
        "/apt/prod/pool/main//hello_2.10-3_amd64.deb",
        "/apt/prod/pool/main/hello/",
        "/apt/prod/pool/main/hello/../../../../state.db",
        "/apt/prod/pool/main/hello/%2e%2e/%2e%2e/state.db",
        "/apt/prod/pool/main/hello%2fhello_2.10-3_amd64.deb",
        "/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb/",
        "/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb%00",
        "/apt/prod/pool/main/hello-data/hello_2.10-3_amd64.deb",
        "/apt/prod/pool/main/h/hello/hello_2.10-3_amd64.deb",
        "/apt/prod/key.asc/more",
        "/apt/../prod/key.asc",
        "/apt/elsewhere/dists/airlock/InRelease",
        "/apt/prod",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int status = views_get(paths[i]);
        if (status != 404 && status != 400)
            fail_msg("%s: status %d: %.500s", paths[i], status, views_reply);
    }
}

static void who_may_not_pull_learns_nothing(void **state)
{
    (void)state;
    assert_int_equal(views_ask("nobody", "GET", DISTS "InRelease", "", ""), 401);
    assert_int_equal(views_ask("tom.consumer.test", "GET", DISTS "InRelease", "", ""), 403);
    views_recorded(
        "\"person\":\"tom\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"apt\",\"what\":\"dists/"
        "airlock/InRelease\",\"status\":403");
    assert_int_equal(views_ask("vera.viewer.prod", "GET", DISTS "InRelease", "", ""), 403);
    assert_int_equal(views_ask(AS, "POST", DISTS "InRelease", "", ""), 405);
    assert_int_equal(s.signed_times, 0);
}

static void without_a_signature_there_is_no_index(void **state)
{
    (void)state;
    s.no_gnupg = true;
    assert_int_equal(views_get(DISTS "InRelease"), 500);
    assert_int_equal(views_get(DISTS "main/binary-amd64/Packages"), 500);
    s.no_gnupg = false;
    assert_int_equal(views_get(DISTS "InRelease"), 200);
}

/* More requests than there are workers. */
static void who_waits_for_an_index_keeps_nobody_else_waiting(void **state)
{
    enum { MANY = 12 };
    static char answer[65536];
    int socks[MANY];
    bool ended;
    (void)state;
    s.slow = true;
    for (int i = 0; i < MANY; i++) {
        socks[i] = client_connect(views_port());
        client_send_text(socks[i], "GET " DISTS "InRelease HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                   "Authorization: Bearer " AS "\r\n\r\n");
    }
    assert_int_equal(views_get("/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb"), 200);
    assert_int_equal(views_get("/apt/prod/key.asc"), 200);
    assert_int_equal(s.signed_times, 0);
    s.slow = false;
    for (int i = 0; i < MANY; i++) {
        client_read(socks[i], answer, sizeof(answer), 10000, &ended);
        assert_int_equal(status_of(answer), 200);
        close(socks[i]);
    }
    assert_int_equal(s.signed_times, 1);
}

static void nothing_is_given_that_cannot_be_recorded(void **state)
{
    (void)state;
    index_of("InRelease");
    views_recorded("\"what\":\"dists/airlock/InRelease\",\"digest\":\"sha256:");
    views_log_full(true);
    assert_int_equal(views_get(DISTS "InRelease"), 503);
    assert_int_equal(views_get("/apt/prod/pool/main/hello/hello_2.10-3_amd64.deb"), 503);
    assert_int_equal(views_get("/apt/prod/key.asc"), 503);
    views_log_full(false);
}

static void the_public_key_is_given(void **state)
{
    (void)state;
    assert_int_equal(views_get("/apt/prod/key.asc"), 200);
    views_contains("Content-Type: application/pgp-keys\r\n");
    views_contains("BEGIN PGP PUBLIC KEY BLOCK");
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, views_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(release_says_whose_it_is_and_until_when),
        T(a_stanza_is_the_control_file_and_where_the_file_lies),
        T(a_package_for_all_is_in_every_index_and_others_in_their_own),
        T(the_compressed_forms_hold_the_same),
        T(every_listed_file_is_found_by_its_hash),
        T(the_same_view_is_signed_once_and_comes_out_the_same),
        T(the_same_packages_give_the_same_index_in_another_environment),
        T(an_index_of_before_a_move_is_still_found_by_its_hash),
        T(only_so_many_old_indexes_are_kept),
        T(a_deb_is_given_whole_in_parts_and_not_again),
        T(an_index_is_given_in_parts_and_not_again),
        cmocka_unit_test(a_deb_whose_control_and_names_disagree_has_no_stanza),
        cmocka_unit_test(no_field_begins_another_field_or_stanza),
        cmocka_unit_test(what_a_deb_says_of_its_own_file_is_not_believed),
        T(what_has_no_stanza_is_not_given_either),
        T(one_version_with_two_sets_of_bytes_is_neither_listed_nor_given),
        T(an_environment_where_nothing_stands_has_no_index),
        T(tricks_with_paths_lead_nowhere),
        T(who_may_not_pull_learns_nothing),
        T(without_a_signature_there_is_no_index),
        T(who_waits_for_an_index_keeps_nobody_else_waiting),
        T(nothing_is_given_that_cannot_be_recorded),
        T(the_public_key_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
