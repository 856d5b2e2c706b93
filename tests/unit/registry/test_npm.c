/* The view of npm: documents and tarballs of what an environment's releases bring, and nothing else exists. */
#include "views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry/npm_path.h"
#include "registry/npm_version.h"
#include "util/json.h"

#define AS          "anna.consumer.all"
#define ABBREVIATED "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*\r\n"
#define HOST        "http://airlock.test:8080"
#define BULK        "/npm/prod/-/npm/v1/security/advisories/bulk"
#define ABOUT                                                                                                  \
    "{\"shasum\":\"0123456789012345678901234567890123456789\",\"integrity\":\"sha512-AAAA\",\"manifest\":"     \
    "{\"dependencies\":{\"left-pad\":\"^1.0.0\"},\"bin\":{\"pad\":\"cli.js\"},\"engines\":{\"node\":\">=6\"}," \
    "\"hasInstallScript\":true,\"os\":[\"linux\"],\"name\":\"liar\",\"version\":\"9.9.9\",\"dist\":{}}}"

static struct {
    struct digest one, two, other; /* releases */
    struct digest pad, scoped;     /* blobs */
} s;

static void bring(const struct digest *release, const char *version)
{
    char filename[64];
    snprintf(filename, sizeof(filename), "left-pad-%s.tgz", version);
    views_bring(release, "npm", "left-pad", version, filename, version, "{}");
}

static int start(void **state)
{
    views_start(state);
    views_begin();
    s.one = views_release("assistant", "v1.0.0");
    s.two = views_release("helper", "v2.0.0");
    s.other = views_release("assistant", "v1.1.0");
    s.pad = views_bring(&s.one, "npm", "left-pad", "1.9.0", "left-pad-1.9.0.tgz", "pad 1.9.0", ABOUT);
    s.scoped = views_bring(&s.one, "npm", "@acme/pad", "1.0.0+b.1", "acme-pad-1.0.0+b.1.tgz", "scoped", ABOUT);
    views_bring(&s.one, "npm", "early", "2.0.0-beta.2", "early-2.0.0-beta.2.tgz", "b2", "{}");
    views_bring(&s.one, "npm", "early", "2.0.0-beta.10", "early-2.0.0-beta.10.tgz", "b10", "{}");
    views_bring(&s.one, "pypi", "six", "1.16.0", "six-1.16.0.tar.gz", "py", "{}");
    bring(&s.two, "1.10.0");
    bring(&s.two, "2.0.0-rc.1");
    bring(&s.other, "1.11.0");
    views_commit();
    views_point("prod", "assistant", &s.one);
    views_point("prod", "helper", &s.two);
    return 0;
}

static json_t *document(const char *path)
{
    struct err e = {0};
    if (views_ask(AS, "GET", path, ABBREVIATED, "") != 200)
        fail_msg("%s: %.2000s", path, views_reply);
    json_t *j = json_parse(span_str(views_body()), sizeof(views_reply), "document", &e);
    if (!j)
        fail_msg("%s", e.msg);
    return j;
}

static const json_t *in(const json_t *j, const char *a, const char *b)
{
    return json_object_get(json_object_get(j, a), b);
}

static void a_document_says_what_an_installation_needs(void **state)
{
    (void)state;
    auto_json j = document("/npm/prod/left-pad");
    views_contains("Content-Type: application/vnd.npm.install-v1+json\r\n");
    assert_string_equal(json_get_string(j, "name", ""), "left-pad");
    assert_int_equal(json_object_size(json_object_get(j, "versions")), 3);
    const json_t *v = in(j, "versions", "1.9.0"), *dist = json_object_get(v, "dist");
    assert_string_equal(json_get_string(v, "name", ""), "left-pad");
    assert_string_equal(json_get_string(v, "version", ""), "1.9.0");
    assert_string_equal(json_get_string(json_object_get(v, "dependencies"), "left-pad", ""), "^1.0.0");
    assert_string_equal(json_get_string(json_object_get(v, "bin"), "pad", ""), "cli.js");
    assert_true(json_is_true(json_object_get(v, "hasInstallScript")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(v, "os"), 0)), "linux");
    assert_string_equal(json_get_string(dist, "tarball", ""), HOST "/npm/prod/left-pad/-/left-pad-1.9.0.tgz");
    assert_string_equal(json_get_string(dist, "shasum", ""), "0123456789012345678901234567890123456789");
    assert_string_equal(json_get_string(dist, "integrity", ""), "sha512-AAAA");
}

static void addresses_are_those_by_which_the_client_came(void **state)
{
    (void)state;
    static const char *const hosts[] = {"mirror.inside:1", "[::1]:8080", "airlock.test:8080"};
    for (size_t i = 0; i < 2 * ARRAY_LEN(hosts); i++) { /* the second time from what is kept */
        char wanted[128];
        views_host(hosts[i % ARRAY_LEN(hosts)]);
        auto_json j = document("/npm/prod/left-pad");
        snprintf(wanted, sizeof(wanted), "http://%s/npm/prod/left-pad/-/left-pad-1.9.0.tgz",
                 hosts[i % ARRAY_LEN(hosts)]);
        assert_string_equal(json_get_string(json_object_get(in(j, "versions", "1.9.0"), "dist"), "tarball", ""),
                            wanted);
    }
}

static void latest_is_the_highest_version_held_and_no_prerelease(void **state)
{
    (void)state;
    auto_json pad = document("/npm/prod/left-pad");
    auto_json early = document("/npm/prod/early");
    assert_string_equal(json_string_value(in(pad, "dist-tags", "latest")), "1.10.0");
    assert_int_equal(json_object_size(json_object_get(pad, "dist-tags")), 1);
    assert_string_equal(json_string_value(in(early, "dist-tags", "latest")), "2.0.0-beta.10");
}

static void a_scope_comes_with_either_slash(void **state)
{
    (void)state;
    static const char *const paths[] = {"/npm/prod/@acme%2fpad", "/npm/prod/@acme%2Fpad", "/npm/prod/@acme/pad",
                                        "/npm/prod/%40acme%2fpad"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        auto_json j = document(paths[i]);
        assert_string_equal(json_get_string(j, "name", ""), "@acme/pad");
        assert_string_equal(json_get_string(json_object_get(in(j, "versions", "1.0.0+b.1"), "dist"), "tarball", ""),
                            HOST "/npm/prod/%40acme/pad/-/pad-1.0.0%2Bb.1.tgz");
    }
    assert_int_equal(views_get("/npm/prod/%40acme/pad/-/pad-1.0.0%2Bb.1.tgz"), 200);
    assert_string_equal(views_body(), "scoped");
    assert_int_equal(views_get("/npm/prod/@acme/pad/-/pad-1.0.0+b.1.tgz"), 200);
    assert_int_equal(views_get("/npm/prod/@acme%2fpad/-/pad-1.0.0+b.1.tgz"), 200);
}

static void the_full_document_is_for_who_asks_for_plain_json(void **state)
{
    (void)state;
    static const char *const full[] = {"", "Accept: application/json\r\n", "Accept: */*\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        assert_int_equal(views_ask(AS, "GET", "/npm/prod/left-pad", full[i], ""), 200);
        views_contains("Content-Type: application/json\r\n");
        views_contains("Vary: Accept\r\n");
    }
    assert_int_equal(views_ask(AS, "GET", "/npm/prod/left-pad", "Accept: text/html\r\n", ""), 406);
    views_contains("{\"error\":\"this document is given as ");
}

static void tarballs_are_given_with_ranges_and_not_again(void **state)
{
    (void)state;
    const char *path = "/npm/prod/left-pad/-/left-pad-1.9.0.tgz";
    assert_int_equal(views_get(path), 200);
    assert_string_equal(views_body(), "pad 1.9.0");
    assert_int_equal(views_ask(AS, "GET", path, views_if_none_match(), ""), 304);
    assert_int_equal(views_ask(AS, "GET", path, "Range: bytes=0-2\r\n", ""), 206);
    assert_string_equal(views_body(), "pad");
    assert_int_equal(views_get("/npm/prod/left-pad"), 200);
    views_contains("Cache-Control: no-cache\r\n");
    assert_int_equal(views_ask(AS, "GET", "/npm/prod/left-pad", views_if_none_match(), ""), 304);
}

static void what_no_release_of_the_environment_brings_does_not_exist(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/npm/prod/react",
        "/npm/prod/six",
        "/npm/test/left-pad",
        "/npm/prod/@acme%2fother",
        "/npm/prod/@acme",
        "/npm/prod/pad",
        "/npm/prod/Left-Pad",
        "/npm/prod/left-pad/-/left-pad-9.9.9.tgz",
        "/npm/prod/left-pad/-/left-pad-1.11.0.tgz",
        "/npm/test/left-pad/-/left-pad-1.9.0.tgz",
        "/npm/prod/left-pad/-/other-1.9.0.tgz",
        "/npm/prod/left-pad/-/left-pad-1.9.0.zip",
        "/npm/prod/left-pad/-/left-pad-.tgz",
        "/npm/prod/left-pad/-/left-pad.tgz",
        "/npm/prod/left-pad/-/.tgz",
        "/npm/prod/left-pad/-/",
        "/npm/prod/left-pad/",
        "/npm/prod/a/b",
        "/npm/prod/@a/b/c",
        "/npm/prod/@acme%2fpad%2fc",
        "/npm/prod/@acme/pad/-/@acme/pad-1.0.0.tgz",
        "/npm/prod/-/all",
        "/npm/prod/-/v1/search",
        "/npm/prod/-",
        "/npm/prod/",
        "/npm/prod",
        "/npm/elsewhere/left-pad",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (views_get(paths[i]) != 404)
            fail_msg("%s: %.500s", paths[i], views_reply);
    assert_int_equal(views_get("/npm/prod/react"), 404);
    views_contains("Content-Type: application/json\r\n");
    views_contains("{\"error\":\"prod holds no react: no release that stands there brings it\"}");
    views_recorded("\"repository\":\"npm\",\"what\":\"react\",\"status\":404,\"bytes\":0}");
}

static void tricks_with_the_path_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "/npm/prod/@acme%2f..%2f..",
        "/npm/prod/@acme%2f%2e%2e%2fleft-pad",
        "/npm/prod/@acme%2f%2fpad",
        "/npm/prod/@acme//pad",
        "/npm/prod/../prod/left-pad",
        "/npm%2fprod/left-pad",
        "/npm/prod/left-pad%00",
        "/npm/prod/@acme%5cpad",
        "/npm/prod/left-pad/-/..%2fleft-pad-1.9.0.tgz",
        "/npm/prod/%2fleft-pad",
        "/npm/prod/left-pad%0d%0a",
        "/npm/prod/left-pad%c0%af",
        "/npm/prod/left-pad/-/%2e/x",
        "/npm/prod/%",
        "/v2/prod%2fassistant/tags/list",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (views_get(refused[i]) != 400)
            fail_msg("%s: %.500s", refused[i], views_reply);
}

static void look_alike_and_long_names_are_not_the_name(void **state)
{
    (void)state;
    static char name[20001], path[20100];
    static const char *const names[] = {"l%D0%B5ft-pad", "left%E2%80%90pad", "left-pad%20",        "LEFT-PAD",
                                        "left_pad",      "@acm%D0%B5%2fpad", "%EF%BC%A0acme%2fpad"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "/npm/prod/%s", names[i]);
        if (views_get(path) != 404)
            fail_msg("%s: %.500s", path, views_reply);
    }
    static const char *const around[][2] = {{"", ""}, {"@", "/a"}, {"@a%2f", ""}, {"left-pad/-/left-pad-", ".tgz"}};
    memset(name, 'a', sizeof(name) - 1);
    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        snprintf(path, sizeof(path), "/npm/prod/%s%s%s", around[i][0], name, around[i][1]);
        assert_int_equal(views_get(path), 404);
    }
}

static void a_token_reads_in_its_environment_only(void **state)
{
    (void)state;
    assert_int_equal(views_ask("tom.consumer.test", "GET", "/npm/prod/left-pad", "", ""), 403);
    views_contains("{\"error\":\"");
    views_recorded("\"person\":\"tom\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"npm\",\"what\":"
                   "\"left-pad\",\"status\":403,\"bytes\":0}");
    assert_int_equal(views_ask("nobody", "GET", "/npm/prod/left-pad", "", ""), 401);
    assert_int_equal(views_ask("vera.viewer.prod", "POST", BULK, "Content-Length: 2\r\n", "{}"), 403);
}

static void a_fetch_leaves_a_record_with_identity_object_and_bytes(void **state)
{
    (void)state;
    char wanted[512];
    assert_int_equal(views_ask("ben.consumer.prod", "GET", "/npm/prod/left-pad/-/left-pad-1.9.0.tgz", "", ""), 200);
    snprintf(wanted, sizeof(wanted),
             "\"person\":\"ben\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"npm\",\"what\":"
             "\"left-pad/-/left-pad-1.9.0.tgz\",\"digest\":\"%s\",\"status\":200,\"bytes\":9}",
             digest_text(&s.pad).text);
    views_recorded(wanted);
    views_log_full(true);
    assert_int_equal(views_get("/npm/prod/left-pad/-/left-pad-1.9.0.tgz"), 503);
    assert_int_equal(views_get("/npm/prod/left-pad"), 503);
    views_log_full(false);
}

static void moving_a_pointer_changes_the_view_at_once(void **state)
{
    (void)state;
    views_point("prod", "assistant", &s.other);
    auto_json after = document("/npm/prod/left-pad");
    assert_string_equal(json_string_value(in(after, "dist-tags", "latest")), "1.11.0");
    assert_null(in(after, "versions", "1.9.0"));
    assert_int_equal(views_get("/npm/prod/left-pad/-/left-pad-1.9.0.tgz"), 404);
    assert_int_equal(views_get("/npm/prod/@acme%2fpad"), 404);
    views_point("prod", "assistant", &s.one);
    assert_int_equal(views_get("/npm/prod/left-pad/-/left-pad-1.9.0.tgz"), 200);
    assert_int_equal(views_get("/npm/prod/left-pad/-/left-pad-1.11.0.tgz"), 404);
}

static void a_version_with_two_contents_is_not_given_and_both_releases_are_named(void **state)
{
    (void)state;
    struct digest liar = views_release("liar", "v3.0.0");
    views_bring(&liar, "npm", "left-pad", "1.9.0", "another-name.tgz", "other bytes", "{}");
    views_bring(&liar, "npm", "left-pad", "1.10.0", "yet-another.tgz", "1.10.0", "{}"); /* the same bytes: no matter */
    views_bring(&liar, "npm", "early", "2.0.0-beta.2", "early-2.0.0-beta.2.tgz", "x", "{}");
    views_bring(&liar, "npm", "early", "2.0.0-beta.10", "early-2.0.0-beta.10.tgz", "x", "{}");
    views_point("prod", "liar", &liar);
    auto_json j = document("/npm/prod/left-pad");
    assert_null(in(j, "versions", "1.9.0"));
    assert_non_null(in(j, "versions", "1.10.0"));
    assert_int_equal(views_get("/npm/prod/left-pad/-/left-pad-1.9.0.tgz"), 409);
    views_contains("assistant:v1.0.0");
    views_contains("liar:v3.0.0");
    views_recorded("\"what\":\"left-pad/-/left-pad-1.9.0.tgz\",\"status\":409,\"bytes\":0}");
    assert_int_equal(views_get("/npm/prod/early"), 409); /* nothing is left to say but this */
    views_contains("liar:v3.0.0");
    views_point("prod", "liar", &s.one);
    assert_int_equal(views_get("/npm/prod/early"), 200);
}

static void npm_may_ask_who_it_is_and_about_advisories(void **state)
{
    (void)state;
    assert_int_equal(views_get("/npm/prod/-/ping"), 200);
    assert_string_equal(views_body(), "{}");
    assert_int_equal(views_get("/npm/prod/-/whoami"), 200);
    assert_string_equal(views_body(), "{\"username\":\"anna\"}");
    assert_int_equal(views_ask(AS, "POST", BULK, "Content-Length: 2\r\n", "{}"), 200);
    assert_string_equal(views_body(), "{}");
    views_contains("npm-notice: This registry holds no advisories: nothing was checked");
    assert_int_equal(views_ask(AS, "POST", "/npm/prod/-/npm/v1/security/audits/quick", "Content-Length: 2\r\n", "{}"),
                     200);
    views_contains("\"vulnerabilities\":{");
    views_contains("npm-notice: ");
    assert_int_equal(views_get(BULK), 405);
    assert_int_equal(views_ask(AS, "POST", BULK, "Content-Length: 1048577\r\n", ""), 413);
}

static void nothing_is_published(void **state)
{
    (void)state;
    static const char *const methods[] = {"PUT", "DELETE", "POST"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        assert_int_equal(views_ask("ines.engineer.all", methods[i], "/npm/prod/left-pad", "Content-Length: 0\r\n", ""),
                         405);
        views_contains("{\"error\":\"");
    }
}

static void thousands_of_versions_stand_in_one_document(void **state)
{
    (void)state;
    struct digest large = views_release("large", "v1.0.0");
    views_begin();
    for (unsigned i = 0; i < 3000; i++) {
        char version[32], filename[64];
        snprintf(version, sizeof(version), "1.%u.0", i);
        snprintf(filename, sizeof(filename), "many-1.%u.0.tgz", i);
        views_bring(&large, "npm", "many", version, filename, "same", ABOUT);
    }
    views_commit();
    views_point("test", "large", &large);
    auto_json j = document("/npm/test/many");
    assert_int_equal(json_object_size(json_object_get(j, "versions")), 3000);
    assert_string_equal(json_string_value(in(j, "dist-tags", "latest")), "1.2999.0");
    assert_int_equal(views_get("/npm/test/many/-/many-1.1500.0.tgz"), 200);
}

static void versions_are_ordered_as_semver_says(void **state)
{
    (void)state;
    /* semver.org, item 11, and its edges; each is lower than the next */
    static const char *const ordered[] = {
        "",
        "01.0.0",
        "1",
        "1.0",
        "1.0.0-",
        "1.0.0-01",
        "v1.0.0",
        "0.0.0-0",
        "0.0.0",
        "0.9.99999999999999999999",
        "1.0.0-0",
        "1.0.0-9",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0+a",
        "1.0.0+b",
        "1.0.1-x--y",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.0",
        "10.0.0",
        "18446744073709551616.0.0",
        "99999999999999999999999.0.0",
    };
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
        for (size_t k = 0; k < ARRAY_LEN(ordered); k++) {
            int found = npm_version_compare(ordered[i], ordered[k]);
            bool right = i < k ? found < 0 : i > k ? found > 0 : found == 0;
            if (!right)
                fail_msg("%s and %s: %d", ordered[i], ordered[k], found);
        }
    assert_true(npm_version_is_prerelease("1.0.0-rc.1+x-y"));
    assert_false(npm_version_is_prerelease("1.0.0+x-y"));
    assert_false(npm_version_is_prerelease("x-y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_says_what_an_installation_needs),
        cmocka_unit_test(addresses_are_those_by_which_the_client_came),
        cmocka_unit_test(latest_is_the_highest_version_held_and_no_prerelease),
        cmocka_unit_test(a_scope_comes_with_either_slash),
        cmocka_unit_test(the_full_document_is_for_who_asks_for_plain_json),
        cmocka_unit_test(tarballs_are_given_with_ranges_and_not_again),
        cmocka_unit_test(what_no_release_of_the_environment_brings_does_not_exist),
        cmocka_unit_test(tricks_with_the_path_are_refused),
        cmocka_unit_test(look_alike_and_long_names_are_not_the_name),
        cmocka_unit_test(a_token_reads_in_its_environment_only),
        cmocka_unit_test(a_fetch_leaves_a_record_with_identity_object_and_bytes),
        cmocka_unit_test(moving_a_pointer_changes_the_view_at_once),
        cmocka_unit_test(a_version_with_two_contents_is_not_given_and_both_releases_are_named),
        cmocka_unit_test(npm_may_ask_who_it_is_and_about_advisories),
        cmocka_unit_test(nothing_is_published),
        cmocka_unit_test(thousands_of_versions_stand_in_one_document),
        cmocka_unit_test(versions_are_ordered_as_semver_says),
    };
    return cmocka_run_group_tests(tests, start, views_stop);
}
