/* The view of PyPI: what an environment's releases bring is there, as the simple API says it, and nothing else exists.
 */
#include "views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"

#define JSON   "Accept: application/vnd.pypi.simple.v1+json\r\n"
#define ABOUT  "{\"project\":\"Six\",\"requires-python\":\">=2.7, !=3.0.*\",\"metadata\":\"%s\",\"metadata-size\":9}"
#define WHEEL  "six-1.16.0-py2.py3-none-any.whl"
#define SDIST  "six-1.16.0.tar.gz"
#define AS     "anna.consumer.all"
#define FILES  "/pypi/prod/files/six/"
#define SIMPLE "/pypi/prod/simple/six/"

static struct {
    struct digest one, two, other;        /* releases */
    struct digest wheel, sdist, metadata; /* blobs */
} s;

/* prod: assistant brings six 1.16.0 as wheel and sdist, helper brings six 1.17.0. test: nothing at first. */
static int start(void **state)
{
    char about[512];
    views_start(state);
    views_begin();
    s.one = views_release("assistant", "v1.0.0");
    s.two = views_release("helper", "v2.0.0");
    s.other = views_release("assistant", "v1.1.0");
    s.metadata = views_put("Name: six");
    snprintf(about, sizeof(about), ABOUT, digest_text(&s.metadata).text);
    s.wheel = views_bring(&s.one, "pypi", "six", "1.16.0", WHEEL, "the wheel", about);
    s.sdist = views_bring(&s.one, "pypi", "six", "1.16.0", SDIST, "the source", "{\"project\":\"six\"}");
    views_bring(&s.one, "pypi", "torch", "2.0+cpu", "torch-2.0+cpu-cp311-cp311-linux_x86_64.whl", "torch", "{}");
    views_bring(&s.one, "npm", "left-pad", "1.0.0", "left-pad-1.0.0.tgz", "js", "{}");
    views_bring(&s.two, "pypi", "six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl", "newer", "{}");
    views_bring(&s.two, "pypi", "six", "1.16.0", WHEEL, "the wheel", about); /* the same bytes: once in the view */
    views_bring(&s.other, "pypi", "tricky", "1.0", "tricky-1.0\"<b>&.tar.gz", "x",
                "{\"requires-python\":\"<4\\\" onclick=\\\"x\"}");
    views_commit();
    views_point("prod", "assistant", &s.one);
    views_point("prod", "helper", &s.two);
    return 0;
}

static json_t *page(const char *path)
{
    struct err e = {0};
    if (views_ask(AS, "GET", path, JSON, "") != 200)
        fail_msg("%.2000s", views_reply);
    views_contains("Content-Type: application/vnd.pypi.simple.v1+json\r\n");
    json_t *j = json_parse(span_str(views_body()), sizeof(views_reply), "page", &e);
    if (!j)
        fail_msg("%s", e.msg);
    return j;
}

static const char *text_of(const json_t *j, const char *key)
{
    return json_get_string(j, key, "");
}

static const json_t *file_of(const json_t *page, const char *filename)
{
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(page, "files"), i,
                       file) if (!strcmp(text_of(file, "filename"), filename)) return file;
    fail_msg("no %s on the page", filename);
    return NULL;
}

static void a_project_page_says_what_pep_691_and_700_ask(void **state)
{
    (void)state;
    auto_json j = page(SIMPLE);
    assert_string_equal(text_of(json_object_get(j, "meta"), "api-version"), "1.1");
    assert_string_equal(text_of(j, "name"), "six");
    assert_int_equal(json_array_size(json_object_get(j, "files")), 3);
    assert_int_equal(json_array_size(json_object_get(j, "versions")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(j, "versions"), 0)), "1.16.0");
    assert_string_equal(json_string_value(json_array_get(json_object_get(j, "versions"), 1)), "1.17.0");

    const json_t *wheel = file_of(j, WHEEL);
    assert_string_equal(text_of(wheel, "url"), "../../files/six/" WHEEL);
    assert_string_equal(text_of(json_object_get(wheel, "hashes"), "sha256"), digest_hex(&s.wheel).text);
    assert_int_equal(json_integer_value(json_object_get(wheel, "size")), 9);
    assert_string_equal(text_of(wheel, "requires-python"), ">=2.7, !=3.0.*");
    assert_string_equal(text_of(json_object_get(wheel, "core-metadata"), "sha256"), digest_hex(&s.metadata).text);
    assert_null(json_object_get(wheel, "dist-info-metadata")); /* PEP 714 */

    const json_t *sdist = file_of(j, SDIST);
    assert_null(json_object_get(sdist, "requires-python"));
    assert_null(json_object_get(sdist, "core-metadata"));
}

static void the_same_page_is_html_with_every_word_escaped(void **state)
{
    (void)state;
    char wanted[512];
    assert_int_equal(views_ask(AS, "GET", SIMPLE, "Accept: application/vnd.pypi.simple.v1+html\r\n", ""), 200);
    views_contains("Content-Type: application/vnd.pypi.simple.v1+html\r\n");
    views_contains("<meta name=\"pypi:repository-version\" content=\"1.1\">");
    snprintf(wanted, sizeof(wanted),
             "<a href=\"../../files/six/" WHEEL "#sha256=%s\" data-requires-python=\"&gt;=2.7, !=3.0.*\" "
             "data-core-metadata=\"sha256=%s\"",
             digest_hex(&s.wheel).text, digest_hex(&s.metadata).text);
    views_contains(wanted);

    views_point("sandbox", "assistant", &s.other);
    assert_int_equal(views_get("/pypi/sandbox/simple/tricky/"), 200);
    views_contains("Content-Type: text/html; charset=utf-8\r\n");
    views_lacks("<b>");
    views_lacks("onclick=\"x");
    views_contains("href=\"../../files/tricky/tricky-1.0%22%3Cb%3E%26.tar.gz#sha256=");
    assert_int_equal(views_get("/pypi/sandbox/files/tricky/tricky-1.0%22%3Cb%3E%26.tar.gz"), 200);
    assert_string_equal(views_body(), "x");
}

static void the_representation_is_the_one_that_the_client_likes_best(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "text/html; charset=utf-8"},
        {"Accept: */*\r\n", "text/html; charset=utf-8"},
        {"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", "text/html; charset=utf-8"},
        {"Accept: application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; "
         "q=0.01\r\n",
         "application/vnd.pypi.simple.v1+json"},
        {"Accept: application/vnd.pypi.simple.v1+json;q=0.1, application/vnd.pypi.simple.v1+html\r\n",
         "application/vnd.pypi.simple.v1+html"},
        {"Accept: application/vnd.pypi.simple.latest+json\r\n", "application/vnd.pypi.simple.v1+json"},
        {"Accept: text/html;q=0, application/*\r\n", "application/vnd.pypi.simple.v1+html"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char wanted[128];
        assert_int_equal(views_ask(AS, "GET", SIMPLE, cases[i][0], ""), 200);
        snprintf(wanted, sizeof(wanted), "Content-Type: %s\r\n", cases[i][1]);
        views_contains(wanted);
        views_contains("Vary: Accept\r\n");
    }
    assert_int_equal(views_ask(AS, "GET", SIMPLE, "Accept: application/xml, image/*\r\n", ""), 406);
    views_recorded("\"what\":\"simple/six/\",\"status\":406,\"bytes\":0}");
}

static void the_list_names_what_stands_in_the_environment(void **state)
{
    (void)state;
    auto_json j = page("/pypi/prod/simple/");
    const json_t *projects = json_object_get(j, "projects");
    assert_int_equal(json_array_size(projects), 2);
    assert_string_equal(text_of(json_array_get(projects, 0), "name"), "six");
    assert_string_equal(text_of(json_array_get(projects, 1), "name"), "torch");
    assert_int_equal(views_get("/pypi/prod/simple/"), 200);
    views_contains("<a href=\"six/\">six</a>");
    views_lacks("left-pad");
}

static void files_and_their_metadata_are_given_with_ranges(void **state)
{
    (void)state;
    assert_int_equal(views_get(FILES WHEEL), 200);
    assert_string_equal(views_body(), "the wheel");
    views_contains("Content-Type: application/octet-stream\r\n");
    assert_int_equal(views_ask(AS, "GET", FILES WHEEL, "Range: bytes=4-\r\n", ""), 206);
    assert_string_equal(views_body(), "wheel");
    assert_int_equal(views_get(FILES WHEEL ".metadata"), 200);
    assert_string_equal(views_body(), "Name: six");
    assert_int_equal(views_get(FILES SDIST ".metadata"), 404);
    assert_int_equal(views_ask(AS, "HEAD", FILES WHEEL, "", ""), 200);
    views_contains("Content-Length: 9\r\n");
    assert_int_equal(views_get("/pypi/prod/files/torch/torch-2.0%2Bcpu-cp311-cp311-linux_x86_64.whl"), 200);
    assert_int_equal(views_get("/pypi/prod/files/torch/torch-2.0+cpu-cp311-cp311-linux_x86_64.whl"), 200);
}

static void a_page_or_file_that_the_client_has_is_not_sent_again(void **state)
{
    (void)state;
    static const char *const paths[] = {SIMPLE, "/pypi/prod/simple/", FILES WHEEL};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_int_equal(views_get(paths[i]), 200);
        views_contains("Cache-Control: no-cache\r\n");
        assert_int_equal(views_ask(AS, "GET", paths[i], views_if_none_match(), ""), 304);
        assert_string_equal(views_body(), "");
        views_contains("ETag: \"sha256:");
    }
    assert_int_equal(views_ask(AS, "GET", SIMPLE, "If-None-Match: \"sha256:0\"\r\n", ""), 200);
    views_recorded("\"what\":\"simple/six/\",\"status\":304,\"bytes\":0}");
}

static void what_no_release_of_the_environment_brings_does_not_exist(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/pypi/prod/simple/requests/",
        "/pypi/prod/simple/left-pad/",
        "/pypi/test/simple/six/",
        "/pypi/prod/simple/tricky/",
        FILES "six-9.9.9.tar.gz",
        "/pypi/test/files/six/" WHEEL,
        "/pypi/prod/files/torch/" WHEEL,
        "/pypi/prod/files/Six/" WHEEL,
        "/pypi/prod/files/six/",
        "/pypi/prod/files/six",
        "/pypi/prod/files/",
        "/pypi/prod/",
        "/pypi/prod",
        "/pypi/prod/simple/six/json",
        "/pypi/prod/pypi/six/json",
        "/pypi/nowhere/simple/six/",
        "/pypi/simple/six/",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (views_get(paths[i]) != 404)
            fail_msg("%s: %.500s", paths[i], views_reply);
    assert_int_equal(views_get("/pypi/prod/simple/requests/"), 404);
    views_contains("prod holds no requests: no release that stands there brings it");
    views_recorded("\"repository\":\"pypi\",\"what\":\"simple/requests/\",\"status\":404,\"bytes\":0}");
}

static void a_name_that_is_not_normalised_moves_to_the_one_that_is(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/pypi/prod/simple", "simple/"},         {"/pypi/prod/simple/six", "six/"},
        {"/pypi/prod/simple/Six/", "../six/"},    {"/pypi/prod/simple/SIX", "six/"},
        {"/pypi/prod/simple/a.-_.b/", "../a-b/"}, {"/pypi/prod/simple/Zope.Interface", "zope-interface/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char wanted[128];
        assert_int_equal(views_get(cases[i][0]), 301);
        snprintf(wanted, sizeof(wanted), "Location: %s\r\n", cases[i][1]);
        views_contains(wanted);
    }
    views_recorded("\"what\":\"simple/Six/\",\"status\":301,\"bytes\":0}");
}

/* Cyrillic es, fullwidth six, the Kelvin sign (which lower-cases to k in Unicode), a zero-width joiner, a soft hyphen.
 */
static void look_alike_names_are_not_the_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "%D1%95ix",  "%EF%BD%93%EF%BD%89%EF%BD%98",
        "s%C4%B1x",  "six%E2%80%8D",
        "s%C2%ADix", "%E2%84%AAit",
        "s1x",       "six-",
        "-six",      "six%20",
        "_six",      "six.",
        "s%2Bix",    "six%09",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[256];
        snprintf(path, sizeof(path), "/pypi/prod/simple/%s/", names[i]);
        int status = views_get(path);
        if (status != 404 && status != 400)
            fail_msg("%s: %.500s", path, views_reply);
    }
}

static void tricks_with_the_path_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "/pypi/prod/simple/../simple/six/",
        "/pypi/prod/simple/%2e%2e/simple/six/",
        "/pypi/prod//simple/six/",
        "/pypi/prod/simple//six/",
        "/pypi/prod/simple/six%2f",
        FILES "..%2f..%2fsix%2f" WHEEL,
        FILES "%2e%2e/" WHEEL,
        FILES "./" WHEEL,
        FILES WHEEL "%00",
        FILES WHEEL "%00.metadata",
        FILES "%5c..%5c" WHEEL,
        "/pypi/prod/simple/six%0d%0aX-Evil:%201/",
        FILES "six%c0%af",
        "/pypi%2fprod/simple/six/",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (views_get(refused[i]) != 400)
            fail_msg("%s: %.500s", refused[i], views_reply);
    views_lacks("X-Evil");
}

static void a_long_name_is_not_there_and_is_recorded_whole(void **state)
{
    (void)state;
    static char name[20001], path[20100], wanted[20100];
    memset(name, 'a', sizeof(name) - 1);
    snprintf(path, sizeof(path), "/pypi/prod/simple/%s/", name);
    assert_int_equal(views_get(path), 404);
    snprintf(path, sizeof(path), FILES "%s", name);
    assert_int_equal(views_get(path), 404);
    snprintf(wanted, sizeof(wanted), "\"what\":\"files/six/%s\",\"status\":404,\"bytes\":0}", name);
    views_recorded(wanted);
}

static void a_token_reads_in_its_environment_only(void **state)
{
    (void)state;
    assert_int_equal(views_ask("tom.consumer.test", "GET", SIMPLE, "", ""), 403);
    views_recorded("\"person\":\"tom\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"pypi\",\"what\":"
                   "\"simple/six/\",\"status\":403,\"bytes\":0}");
    assert_int_equal(views_ask("rob.consumer.prod.npm", "GET", SIMPLE, "", ""), 403);
    views_contains("this token is for the repositories \"npm\", not for pypi");
    views_recorded("\"person\":\"rob\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":\"pypi\"");
    assert_int_equal(views_ask("rob.consumer.prod.pypi", "GET", SIMPLE, "", ""), 200);
    assert_int_equal(views_ask("vera.viewer.prod", "GET", SIMPLE, "", ""), 403);
    assert_int_equal(views_ask("nobody", "GET", SIMPLE, "", ""), 401);
    views_contains("WWW-Authenticate: Basic realm=\"airlock\"\r\n");
    assert_int_equal(views_ask("anna.consumer.prod", "GET", SIMPLE, "", ""), 200);
}

static void each_fetch_leaves_a_record_with_identity_object_and_bytes(void **state)
{
    (void)state;
    char wanted[512];
    assert_int_equal(views_ask("ben.consumer.prod", "GET", FILES WHEEL, "", ""), 200);
    snprintf(wanted, sizeof(wanted),
             "\"kind\":\"pull\",\"person\":\"ben\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":"
             "\"pypi\",\"what\":\"files/six/" WHEEL "\",\"digest\":\"%s\",\"status\":200,\"bytes\":9}",
             digest_text(&s.wheel).text);
    views_recorded(wanted);
}

static void nothing_is_given_that_cannot_be_recorded(void **state)
{
    (void)state;
    static const char *const paths[] = {SIMPLE, "/pypi/prod/simple/", FILES WHEEL, FILES WHEEL ".metadata",
                                        "/pypi/prod/simple/Six/"};
    views_log_full(true);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(views_get(paths[i]), 503);
    views_log_full(false);
    assert_int_equal(views_get(SIMPLE), 200);
}

static void moving_a_pointer_changes_the_view_at_once(void **state)
{
    (void)state;
    assert_int_equal(views_get(SIMPLE), 200);
    char before[256];
    snprintf(before, sizeof(before), "%s", views_if_none_match());
    views_point("prod", "helper", &s.other); /* brings no six */
    assert_int_equal(views_ask(AS, "GET", SIMPLE, before, ""), 200);
    views_lacks("six-1.17.0");
    views_contains(WHEEL);
    assert_int_equal(views_get(FILES "six-1.17.0-py2.py3-none-any.whl"), 404);
    assert_int_equal(views_get("/pypi/prod/simple/tricky/"), 200);
    views_point("prod", "helper", &s.two);
    assert_int_equal(views_ask(AS, "GET", SIMPLE, before, ""), 304);
    assert_int_equal(views_get("/pypi/prod/simple/tricky/"), 404);
}

static void a_file_with_two_contents_is_not_given_and_both_releases_are_named(void **state)
{
    (void)state;
    struct digest liar = views_release("liar", "v3.0.0");
    views_bring(&liar, "pypi", "six", "1.16.0", WHEEL, "another wheel", "{}");
    views_bring(&liar, "pypi", "lonely", "1.0", "lonely-1.0.tar.gz", "one", "{}");
    views_bring(&s.two, "pypi", "lonely", "1.0", "lonely-1.0.tar.gz", "two", "{}");
    views_point("prod", "liar", &liar);

    auto_json j = page(SIMPLE);
    assert_int_equal(json_array_size(json_object_get(j, "files")), 2);
    views_lacks(WHEEL);
    assert_int_equal(views_get(FILES WHEEL), 409);
    views_contains("assistant:v1.0.0");
    views_contains("liar:v3.0.0");
    views_recorded("\"what\":\"files/six/" WHEEL "\",\"status\":409,\"bytes\":0}");
    assert_int_equal(views_get(FILES WHEEL ".metadata"), 409);
    assert_int_equal(views_get("/pypi/prod/simple/lonely/"), 200); /* held, and nothing that could be given */
    views_lacks("lonely-1.0");

    views_point("prod", "liar", &s.one);
    assert_int_equal(views_get(FILES WHEEL), 200);
}

static void thousands_of_files_stand_on_one_page(void **state)
{
    (void)state;
    struct digest large = views_release("large", "v1.0.0");
    views_begin();
    for (unsigned i = 0; i < 5000; i++) {
        char version[32], filename[64], about[256];
        snprintf(version, sizeof(version), "1.%u", i);
        snprintf(filename, sizeof(filename), "many-1.%u-py3-none-any.whl", i);
        snprintf(about, sizeof(about), ABOUT, digest_text(&s.metadata).text);
        views_bring(&large, "pypi", "many", version, filename, "same", about);
    }
    views_commit();
    views_point("test", "large", &large);
    auto_json j = page("/pypi/test/simple/many/");
    assert_int_equal(json_array_size(json_object_get(j, "files")), 5000);
    assert_int_equal(json_array_size(json_object_get(j, "versions")), 5000);
    assert_int_equal(views_get("/pypi/test/simple/many/"), 200);
    views_contains("many-1.4999-py3-none-any.whl</a>");
    views_contains("</html>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_project_page_says_what_pep_691_and_700_ask),
        cmocka_unit_test(the_same_page_is_html_with_every_word_escaped),
        cmocka_unit_test(the_representation_is_the_one_that_the_client_likes_best),
        cmocka_unit_test(the_list_names_what_stands_in_the_environment),
        cmocka_unit_test(files_and_their_metadata_are_given_with_ranges),
        cmocka_unit_test(a_page_or_file_that_the_client_has_is_not_sent_again),
        cmocka_unit_test(what_no_release_of_the_environment_brings_does_not_exist),
        cmocka_unit_test(a_name_that_is_not_normalised_moves_to_the_one_that_is),
        cmocka_unit_test(look_alike_names_are_not_the_name),
        cmocka_unit_test(tricks_with_the_path_are_refused),
        cmocka_unit_test(a_long_name_is_not_there_and_is_recorded_whole),
        cmocka_unit_test(a_token_reads_in_its_environment_only),
        cmocka_unit_test(each_fetch_leaves_a_record_with_identity_object_and_bytes),
        cmocka_unit_test(nothing_is_given_that_cannot_be_recorded),
        cmocka_unit_test(moving_a_pointer_changes_the_view_at_once),
        cmocka_unit_test(a_file_with_two_contents_is_not_given_and_both_releases_are_named),
        cmocka_unit_test(thousands_of_files_stand_on_one_page),
    };
    return cmocka_run_group_tests(tests, start, views_stop);
}
