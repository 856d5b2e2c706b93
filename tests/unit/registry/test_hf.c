/* The view of the Hugging Face Hub: what an environment's releases bring is there, by commit, and errors are in the
 * hub's words. */
#include "views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry/hf.h"
#include "registry/hf_path.h"

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"
#define OID "3333333333333333333333333333333333333333"

static struct digest weights;

static void bring(const struct digest *release, const char *revision, const char *path, const struct digest *blob,
                  uint64_t size)
{
    struct package_row row = {.ecosystem = "hf",
                              .name = "acme/tiny",
                              .version = revision,
                              .filename = path,
                              .digest = *blob,
                              .size = size,
                              .about = "{\"oid\":\"" OID "\",\"tag\":\"v1.0.0\"}"};
    views_row(release, &row);
}

static int start(void **state)
{
    views_start(state);
    weights = views_put("0123456789");
    struct digest release = views_release("assistant", "v1.0.0");
    views_point("prod", "assistant", &release);
    bring(&release, ONE, "config.json", &weights, 10);
    bring(&release, ONE, "model.safetensors", &weights, 10);
    bring(&release, ONE, "onnx/deep/model.onnx", &weights, 10);
    bring(&release, ONE, "huge.gguf", &weights, 50000000001ULL);
    return 0;
}

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    char whole[1024];
    snprintf(whole, sizeof(whole), "/hf/%s", path);
    return views_ask("anna.consumer.all", method, whole, headers, body);
}

static int get(const char *path)
{
    return ask("GET", path, "", "");
}

static void a_model_is_described_at_main_at_its_commit_and_at_its_tag(void **state)
{
    static const char *const paths[] = {"prod/api/models/acme/tiny", "prod/api/models/acme/tiny/revision/main",
                                        "prod/api/models/acme/tiny/revision/" ONE,
                                        "prod/api/models/acme/tiny/revision/v1.0.0"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_int_equal(get(paths[i]), 200);
        views_contains("\"id\":\"acme/tiny\"");
        views_contains("\"sha\":\"" ONE "\"");
        views_contains("\"rfilename\":\"config.json\"");
        views_contains("\"private\":false,\"gated\":false");
    }
}

static void a_description_that_a_client_has_is_not_sent_again(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/models/acme/tiny"), 200);
    assert_int_equal(ask("GET", "prod/api/models/acme/tiny", views_if_none_match(), ""), 304);
    assert_int_equal(get("prod/api/whoami-v2"), 200);
    views_lacks("ETag:"); /* whose it is depends on who asks: it is not kept for others */
}

static void what_is_not_held_is_told_in_the_hubs_words(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/models/acme/other"), 404);
    views_contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(get("test/api/models/acme/tiny"), 404); /* another environment */
    views_contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(get("prod/api/models/acme/tiny/revision/" TWO), 404);
    views_contains("X-Error-Code: RevisionNotFound\r\n");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/nothing.json"), 404);
    views_contains("X-Error-Code: EntryNotFound\r\n");
    views_contains("X-Repo-Commit: " ONE "\r\n");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main/additional_chat_templates?recursive=false"), 404);
    views_contains("X-Error-Code: EntryNotFound\r\n");
    assert_int_equal(get("prod/api/datasets/acme/data"), 404);
    views_contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(ask("POST", "prod/api/models/acme/tiny/commit/main", "Content-Length: 0\r\n", ""), 405);
}

static void a_tree_lists_files_and_folders(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main?recursive=true&expand=false"), 200);
    views_contains("{\"type\":\"file\",\"path\":\"config.json\",\"size\":10,\"oid\":\"" OID "\",\"lfs\":{\"oid\":\"");
    views_contains("\"pointerSize\":127}");
    views_contains("{\"type\":\"directory\",\"path\":\"onnx\",\"oid\":\"");
    views_contains("{\"type\":\"directory\",\"path\":\"onnx/deep\",\"oid\":\"");
    views_contains("\"path\":\"onnx/deep/model.onnx\"");
    views_lacks("xet");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main"), 200);
    views_contains("\"path\":\"onnx\"");
    views_lacks("onnx/deep");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/" ONE "/onnx/deep"), 200);
    views_contains("\"path\":\"onnx/deep/model.onnx\"");
    views_lacks("config.json");
}

static void paths_are_asked_about_by_form_and_by_json(void **state)
{
    (void)state;
    const char *path = "prod/api/models/acme/tiny/paths-info/main";
    assert_int_equal(ask("POST", path, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 53\r\n",
                         "paths=config.json&paths=onnx%2Fdeep&paths=no&expand=F"),
                     200);
    views_contains("\"path\":\"config.json\"");
    views_contains("{\"type\":\"directory\",\"path\":\"onnx/deep\"");
    views_lacks("\"no\"");
    assert_int_equal(ask("POST", path, "Content-Type: application/json\r\nContent-Length: 27\r\n",
                         "{\"paths\":[\"config.json\"]}  "),
                     200);
    views_contains("\"path\":\"config.json\"");
    assert_int_equal(ask("POST", path, "Content-Type: application/json\r\nContent-Length: 13\r\n", "{\"paths\":[1]}"),
                     400);
    assert_int_equal(
        ask("POST", path, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n", "paths=%zz"),
        400);
}

static void a_file_comes_with_the_headers_that_clients_need(void **state)
{
    (void)state;
    char etag[128];
    snprintf(etag, sizeof(etag), "X-Linked-Etag: \"%s\"\r\n", digest_hex(&weights).text);
    assert_int_equal(ask("HEAD", "prod/acme/tiny/resolve/main/model.safetensors", "", ""), 200);
    views_contains("X-Repo-Commit: " ONE "\r\n");
    views_contains("X-Linked-Size: 10\r\n");
    views_contains("Content-Length: 10\r\n");
    views_contains(etag);
    views_lacks("X-Xet");
    views_lacks("Location:");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/model.safetensors"), 200);
    assert_string_equal(views_body(), "0123456789");
    assert_int_equal(ask("GET", "prod/acme/tiny/resolve/main/model.safetensors", "Range: bytes=4-\r\n", ""), 206);
    assert_string_equal(views_body(), "456789");
    assert_int_equal(ask("GET", "prod/acme/tiny/resolve/main/model.safetensors", "Range: bytes=0-0\r\n", ""), 206);
    views_contains("Content-Range: bytes 0-0/10\r\n");
}

static void a_file_that_the_client_would_refuse_is_refused_with_the_way_around(void **state)
{
    (void)state;
    const char *path = "prod/acme/tiny/resolve/main/huge.gguf";
    assert_int_equal(ask("HEAD", path, "User-Agent: unknown/None; hf_hub/1.29.0; python/3.11\r\n", ""), 413);
    views_contains("X-Error-Message: huge.gguf has 50000000001 bytes");
    assert_int_equal(ask("HEAD", path, "User-Agent: curl/7.88\r\n", ""), 200);
}

static void two_releases_with_different_revisions_are_asked_for_by_commit(void **state)
{
    (void)state;
    struct digest other = views_release("helper", "v1.0.0");
    views_point("prod", "helper", &other);
    bring(&other, TWO, "config.json", &weights, 10);
    assert_int_equal(get("prod/api/models/acme/tiny"), 409);
    views_contains("ask for one by its commit");
    assert_int_equal(get("prod/api/models/acme/tiny/revision/" TWO), 200);
    views_lacks("model.safetensors");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/config.json"), 200);
}

static void who_asks_is_told_who_they_are(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/whoami-v2"), 200);
    views_contains("\"name\":\"anna\"");
    assert_int_equal(get("prod/api/models"), 200);
    views_contains("\"id\":\"acme/tiny\"");
    assert_int_equal(get("prod/api/models/acme/tiny/refs"), 200);
    views_contains("\"targetCommit\":\"" ONE "\"");
}

static void each_request_leaves_a_record(void **state)
{
    (void)state;
    get("prod/acme/tiny/resolve/main/config.json");
    get("prod/api/models/nobody");
    views_recorded("\"repository\":\"hf\",\"what\":\"acme/tiny/resolve/main/config.json\"");
    views_recorded("\"what\":\"api/models/nobody\",\"status\":404");
}

static void paths_are_told_apart(void **state)
{
    static const struct {
        const char *path; /* as segments: \1 is a slash that came as %2F */
        enum hf_what what;
        const char *repo, *revision, *rest;
    } cases[] = {
        {"api/models/a/b/tree/main/x\1y/z", HF_TREE, "a/b", "main", "x/y/z"},
        {"api/models/a/b/tree/refs\1heads\1main/x\1y", HF_TREE, "a/b", "main", "x/y"},
        {"api/models/a/b/tree/main\1x/y", HF_TREE, "a/b", "main/x", "y"},
        {"api/models/a/b/revision/refs\1pr\0011", HF_INFO, "a/b", "refs/pr/1", ""},
        {"a/b/resolve/refs\1pr\0011/x", HF_RESOLVE, "a/b", "refs/pr/1", "x"},
        {"a/b/resolve/refs/pr/1/x", HF_RESOLVE, "a/b", "refs", "pr/1/x"},
        {"api/models/a/b/revision/main/x", HF_UNKNOWN, NULL, NULL, NULL},
        {"api/models/a/b/paths-info/main/x", HF_UNKNOWN, NULL, NULL, NULL},
        {"api/models/a\1b", HF_UNKNOWN, NULL, NULL, NULL},
        {"a\1b/resolve/main/x", HF_UNKNOWN, NULL, NULL, NULL},
        {"api/models/a/b/tree/main/x/y", HF_TREE, "a/b", "main", "x/y"},
        {"api/models/a/tree/main", HF_TREE, "a", "main", ""},
        {"api/models/a/b", HF_INFO, "a/b", "main", ""},
        {"api/models/a/b/c", HF_UNKNOWN, "", "main", ""},
        {"a/resolve/main/x", HF_RESOLVE, "a", "main", "x"},
        {"a/b/resolve/main/x/y", HF_RESOLVE, "a/b", "main", "x/y"},
        {"a/b/resolve/main/", HF_UNKNOWN, NULL, NULL, NULL},
        {"a/b/resolve", HF_UNKNOWN, NULL, NULL, NULL},
        {"a/b/c/resolve/main/x", HF_UNKNOWN, NULL, NULL, NULL},
        {"", HF_UNKNOWN, NULL, NULL, NULL},
        {"datasets/a/b/resolve/main/x", HF_OTHER_KIND, NULL, NULL, NULL},
        {"api/models/a/refs/x", HF_UNKNOWN, NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hf_path p;
        char rest[128];
        snprintf(rest, sizeof rest, "%s", cases[i].path);
        for (char *c = rest; *c; c++)
            if (*c == HTTP_ENCODED_SLASH)
                *c = '/';
        hf_path_parse(rest, cases[i].path, &p);
        if (p.what != cases[i].what)
            fail_msg("%s: %d", cases[i].path, p.what);
        if (!cases[i].repo || p.what == HF_UNKNOWN)
            continue;
        assert_string_equal(p.repo, cases[i].repo);
        assert_string_equal(p.revision, cases[i].revision);
        assert_string_equal(p.path, cases[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_is_described_at_main_at_its_commit_and_at_its_tag, start, views_stop),
        cmocka_unit_test_setup_teardown(a_description_that_a_client_has_is_not_sent_again, start, views_stop),
        cmocka_unit_test_setup_teardown(what_is_not_held_is_told_in_the_hubs_words, start, views_stop),
        cmocka_unit_test_setup_teardown(a_tree_lists_files_and_folders, start, views_stop),
        cmocka_unit_test_setup_teardown(paths_are_asked_about_by_form_and_by_json, start, views_stop),
        cmocka_unit_test_setup_teardown(a_file_comes_with_the_headers_that_clients_need, start, views_stop),
        cmocka_unit_test_setup_teardown(a_file_that_the_client_would_refuse_is_refused_with_the_way_around, start,
                                        views_stop),
        cmocka_unit_test_setup_teardown(two_releases_with_different_revisions_are_asked_for_by_commit, start,
                                        views_stop),
        cmocka_unit_test_setup_teardown(who_asks_is_told_who_they_are, start, views_stop),
        cmocka_unit_test_setup_teardown(each_request_leaves_a_record, start, views_stop),
        cmocka_unit_test(paths_are_told_apart),
    };
    return cmocka_run_group_tests_name("registry/hf", tests, NULL, NULL);
}
