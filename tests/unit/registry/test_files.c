/* The view of files: by path, by release and by digest, and never as something that a browser would run. */
#include "views.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry/files_list.h"
#include "registry/files_type.h"
#include "util/file.h"

#define AS "anna.consumer.all"

static struct {
    struct digest one, two;
    struct digest handbook, guide, deb, inrelease;
} s;

static int start(void **state)
{
    views_signer = (struct index_signer){0};
    views_start(state);
    views_begin();
    s.one = views_release("assistant", "v1.0.0");
    s.two = views_release("helper", "v2.0.0");
    s.handbook = views_bring(&s.one, "file", "assistant", "v1.0.0", "handbook.pdf", "0123456789",
                             "{\"media-type\":\"application/pdf\"}");
    s.guide = views_bring(&s.one, "file", "docs/en", "v1.0.0", "guide.html", "<script>alert(1)</script>",
                          "{\"media-type\":\"text/html\"}");
    views_bring(&s.one, "file", "assistant", "v1.0.0", "same.txt", "the same", "{\"media-type\":\"text/plain\"}");
    views_bring(&s.two, "file", "helper", "v2.0.0", "same.txt", "the same", "{\"media-type\":\"text/plain\"}");
    views_bring(&s.two, "file", "helper", "v2.0.0", "handbook.pdf", "another", "{\"media-type\":\"application/pdf\"}");
    views_bring(&s.two, "file", "helper", "v2.0.0", "odd \"name\" \xc3\xa4<b>.txt", "odd", "{}");
    s.deb = views_bring(&s.one, "deb", "hello", "1", "hello_1_amd64.deb", "a deb", "{}");
    s.inrelease = digest_of(SPAN_LIT("what Debian signed"));
    views_bring(&s.one, "evidence", "stable", "apt-inrelease", digest_hex(&s.inrelease).text, "what Debian signed",
                "{}");
    views_commit();
    views_point("prod", "assistant", &s.one);
    return 0;
}

static void a_file_is_found_by_its_path_and_by_its_release(void **state)
{
    (void)state;
    assert_int_equal(views_get("/files/prod/handbook.pdf"), 200);
    assert_string_equal(views_body(), "0123456789");
    views_contains("Content-Type: application/pdf\r\n");
    views_recorded("\"repository\":\"files\",\"what\":\"handbook.pdf\",\"digest\":\"sha256:");
    assert_int_equal(views_get("/files/prod/assistant/handbook.pdf"), 200);
    assert_int_equal(views_get("/files/prod/docs/en/guide.html"), 200);
    assert_int_equal(views_get("/files/prod/assistant/docs/en/guide.html"), 200);
    assert_int_equal(views_get("/files/prod/guide.html"), 404);
    assert_int_equal(views_get("/files/test/handbook.pdf"), 404);
    views_recorded("\"environment\":\"test\",\"repository\":\"files\",\"what\":\"handbook.pdf\",\"status\":404");
}

static void a_path_that_means_two_files_is_refused_with_where_each_lies(void **state)
{
    (void)state;
    views_point("prod", "helper", &s.two);
    assert_int_equal(views_get("/files/prod/handbook.pdf"), 409);
    views_contains("assistant/handbook.pdf and helper/handbook.pdf");
    assert_int_equal(views_get("/files/prod/assistant/handbook.pdf"), 200);
    assert_string_equal(views_body(), "0123456789");
    assert_int_equal(views_get("/files/prod/helper/handbook.pdf"), 200);
    assert_string_equal(views_body(), "another");
    assert_int_equal(views_get("/files/prod/same.txt"), 200); /* the same bytes mean one thing */
}

static void a_package_or_file_is_found_by_its_digest_while_its_release_stands(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "/files/prod/%s", digest_text(&s.deb).text);
    assert_int_equal(views_get(path), 200);
    assert_string_equal(views_body(), "a deb");
    views_contains("filename=\"hello_1_amd64.deb\"");
    views_contains("Content-Type: application/octet-stream\r\n");
    views_point("prod", "assistant", &s.two);
    assert_int_equal(views_get(path), 404);
    struct digest hidden = views_put("in the store, and of no release");
    snprintf(path, sizeof(path), "/files/prod/%s", digest_text(&hidden).text);
    assert_int_equal(views_get(path), 404);
    assert_int_equal(views_get("/files/prod/sha256:00"), 400);
    assert_int_equal(views_get("/files/prod/sha256:"), 400);
}

static void no_browser_runs_what_it_gets(void **state)
{
    (void)state;
    assert_int_equal(views_get("/files/prod/docs/en/guide.html"), 200);
    views_contains("Content-Type: application/octet-stream\r\n");
    views_contains("X-Content-Type-Options: nosniff\r\n");
    views_contains("Content-Disposition: attachment; filename=\"guide.html\"; filename*=UTF-8''guide.html\r\n");
    views_contains("Content-Security-Policy: default-src 'none'; sandbox\r\n");
    views_point("prod", "helper", &s.two);
    assert_int_equal(views_get("/files/prod/odd%20%22name%22%20%C3%A4%3Cb%3E.txt"), 200);
    views_contains("Content-Disposition: attachment; filename*=UTF-8''odd%20%22name%22%20%C3%A4%3Cb%3E.txt\r\n");
}

static void only_types_that_no_browser_runs_are_said(void **state)
{
    char type[FILES_TYPE_SIZE];
    static const char *const loud[] = {"{\"media-type\":\"image/svg+xml\"}",
                                       "{\"media-type\":\"text/html\"}",
                                       "{}",
                                       "{\"media-type\":\"text/plain\\r\\nX-Evil: 1\"}",
                                       "no JSON",
                                       "{\"media-type\":\"application/xhtml+xml\"}",
                                       "{\"media-type\":7}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(loud); i++) {
        files_type(loud[i], type);
        assert_string_equal(type, "application/octet-stream");
    }
    files_type("{\"media-type\":\"text/csv\"}", type);
    assert_string_equal(type, "text/csv; charset=utf-8");
}

static void a_file_comes_in_parts_and_not_again(void **state)
{
    const char *path = "/files/prod/handbook.pdf";
    (void)state;
    assert_int_equal(views_ask(AS, "GET", path, "Range: bytes=2-4\r\n", ""), 206);
    assert_string_equal(views_body(), "234");
    views_contains("Content-Range: bytes 2-4/10\r\n");
    assert_int_equal(views_ask(AS, "GET", path, "Range: bytes=99-\r\n", ""), 416);
    assert_int_equal(views_get(path), 200);
    assert_int_equal(views_ask(AS, "GET", path, views_if_none_match(), ""), 304);
    assert_int_equal(views_ask(AS, "HEAD", path, "", ""), 200);
    views_contains("Content-Length: 10\r\n");
    assert_string_equal(views_body(), "");
}

static void the_list_is_html_for_people(void **state)
{
    (void)state;
    views_point("prod", "helper", &s.two);
    assert_int_equal(views_ask(AS, "GET", "/files/prod/", "Accept: text/html,*/*;q=0.8\r\n", ""), 200);
    views_contains("Content-Type: text/html; charset=utf-8\r\n");
    views_contains("Content-Security-Policy: default-src 'none'\r\n");
    views_contains("<a href=\"assistant/docs/en/guide.html\">docs/en/guide.html</a>");
    views_contains(
        "<a href=\"helper/odd%20%22name%22%20%C3%A4%3Cb%3E.txt\">odd &quot;name&quot; \xc3\xa4&lt;b&gt;.txt</a>");
    views_contains(digest_text(&s.handbook).text);
    views_lacks("hello_1_amd64.deb");
    views_contains(digest_text(&s.inrelease).text);
    assert_int_equal(views_ask(AS, "GET", "/files/prod/", views_if_none_match(), ""), 304);
    assert_int_equal(views_get("/files/prod"), 301);
    views_contains("Location: prod/\r\n");
}

static void the_list_is_the_golden_one_for_programs(void **state)
{
    char path[1024];
    struct err e = {0};
    auto_buf wanted = BUF(65536);
    (void)state;
    assert_int_equal(views_ask(AS, "GET", "/files/prod/", "Accept: application/json\r\n", ""), 200);
    views_contains("Content-Type: application/json\r\n");
    snprintf(path, sizeof(path), "%s/docs/formats/examples/files.json", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &wanted, &e) < 0)
        fail_msg("%s", e.msg);
    char found[65536];
    snprintf(found, sizeof(found), "%s\n", views_body());
    assert_string_equal(found, buf_str(&wanted));
}

static void what_an_upstream_signed_is_given_while_its_release_stands(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "/apt/prod/evidence/%s", digest_hex(&s.inrelease).text);
    assert_int_equal(views_get(path), 200);
    assert_string_equal(views_body(), "what Debian signed");
    snprintf(path, sizeof(path), "/apt/prod/evidence/%s", digest_hex(&s.deb).text);
    assert_int_equal(views_get(path), 404);
    assert_int_equal(views_get("/apt/prod/evidence/"), 404);
    assert_int_equal(views_get("/apt/prod/evidence/../key.asc"), 400);
    views_point("prod", "assistant", &s.two);
    snprintf(path, sizeof(path), "/apt/prod/evidence/%s", digest_hex(&s.inrelease).text);
    assert_int_equal(views_get(path), 404);
}

static void tricks_with_paths_lead_nowhere(void **state)
{
    static const char *const paths[] = {
        "/files/prod/../state.db",          "/files/prod/%2e%2e/state.db",
        "/files/prod/docs/../handbook.pdf", "/files/prod/docs/en/../../handbook.pdf",
        "/files/prod//handbook.pdf",        "/files/prod/handbook.pdf/",
        "/files/prod/assistant/",           "/files/prod/assistant",
        "/files/prod/docs%2fen/guide.html", "/files/prod/handbook.pdf%00.txt",
        "/files/prod/helper/handbook.pdf",  "/files/prod/assistant/assistant/handbook.pdf",
        "/files/elsewhere/handbook.pdf"};
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
    assert_int_equal(views_ask("nobody", "GET", "/files/prod/handbook.pdf", "", ""), 401);
    assert_int_equal(views_ask("tom.consumer.test", "GET", "/files/prod/handbook.pdf", "", ""), 403);
    views_recorded(
        "\"person\":\"tom\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"files\",\"what\":"
        "\"handbook.pdf\",\"status\":403");
    assert_int_equal(views_ask("tom.consumer.test", "GET", "/files/prod/", "", ""), 403);
    views_log_full(true);
    assert_int_equal(views_get("/files/prod/handbook.pdf"), 503);
    views_lacks("0123456789");
    views_log_full(false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, views_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_is_found_by_its_path_and_by_its_release),
        T(a_path_that_means_two_files_is_refused_with_where_each_lies),
        T(a_package_or_file_is_found_by_its_digest_while_its_release_stands),
        T(no_browser_runs_what_it_gets),
        cmocka_unit_test(only_types_that_no_browser_runs_are_said),
        T(a_file_comes_in_parts_and_not_again),
        T(the_list_is_html_for_people),
        T(the_list_is_the_golden_one_for_programs),
        T(what_an_upstream_signed_is_given_while_its_release_stands),
        T(tricks_with_paths_lead_nowhere),
        T(who_may_not_pull_learns_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
