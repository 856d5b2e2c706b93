/* The view of the Hugging Face Hub: what an environment's releases bring is there, by commit, and errors are in the
 * hub's words. */
#include "client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "registry/hf.h"
#include "registry/hf_path.h"
#include "util/file.h"

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"
#define OID "3333333333333333333333333333333333333333"

static struct {
    char folder[64];
    int dir;
    struct db *db;
    struct blobs *blobs;
    struct callers *callers;
    struct registry *registry;
    struct http_route routes[REGISTRY_ROUTES];
    struct http_server *server;
    struct digest weights;
    struct buf records;
} t;

static char reply[1 << 20];

static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    (void)arg;
    (void)e;
    *out = (struct identity){.role = ROLE_CONSUMER, .environment = "*", .repository = "*"};
    snprintf(out->person, sizeof(out->person), "%.*s", (int)token.len, (const char *)token.ptr);
    snprintf(out->role_name, sizeof(out->role_name), "consumer");
    snprintf(out->repository, sizeof(out->repository), "*");
    return 0;
}

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    (void)e;
    buf_add_span(&t.records, line);
    buf_add_byte(&t.records, '\n');
    return 0;
}

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static void bring(const struct digest *release, const char *revision, const char *path, const struct digest *blob,
                  uint64_t size)
{
    struct err e = {0};
    struct package_row row = {.ecosystem = "hf",
                              .name = "acme/tiny",
                              .version = revision,
                              .filename = path,
                              .digest = *blob,
                              .size = size,
                              .about = "{\"oid\":\"" OID "\",\"tag\":\"v1.0.0\"}"};
    must(db_package_add(t.db, release, &row, &e), &e);
}

/* A release of its own name, standing in `environment`. */
static struct digest stand(const char *name, const char *environment)
{
    struct err e = {0};
    struct digest id = digest_of(span_str(name));
    struct release_row row = {.digest = id, .name = name, .version = "v1.0.0", .admitted = true};
    struct pointer_row pointer = {.environment = environment, .name = name, .release = id, .action = "promote"};
    must(db_begin(t.db, &e), &e);
    must(db_release_add(t.db, &row, &e), &e);
    must(db_pointer_set(t.db, &pointer, &e), &e);
    must(db_commit(t.db, &e), &e);
    return id;
}

static int start(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(t.folder, sizeof(t.folder), "/tmp/airlock-hf-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    t.dir = dir_open(AT_FDCWD, t.folder, &e);
    t.records = BUF(1 << 20);
    t.db = db_make(t.dir, &e);
    t.blobs = t.db ? blobs_make(t.dir, "store", &e) : NULL;
    if (!t.blobs)
        fail_msg("%s", e.msg);
    must(blob_put(t.blobs, span_str("0123456789"), &t.weights, &e), &e);
    struct digest release = stand("assistant", "prod");
    bring(&release, ONE, "config.json", &t.weights, 10);
    bring(&release, ONE, "model.safetensors", &t.weights, 10);
    bring(&release, ONE, "onnx/deep/model.onnx", &t.weights, 10);
    bring(&release, ONE, "huge.gguf", &t.weights, 50000000001ULL);
    t.callers = callers_open(t.dir, &e);
    struct registry_options o = {
        .callers = t.callers, .identify = {.identify = identify}, .blobs = t.blobs, .record = record};
    t.registry = t.callers ? registry_start(&o, &e) : NULL;
    if (!t.registry)
        fail_msg("%s", e.msg);
    t.server = test_server(t.routes, registry_routes(t.registry, t.routes), NULL);
    return 0;
}

static int stop(void **state)
{
    struct err e;
    (void)state;
    http_stop(t.server, 0);
    registry_stop(t.registry);
    callers_close(t.callers);
    blobs_close(t.blobs);
    db_close(t.db);
    close(t.dir);
    tree_remove(AT_FDCWD, t.folder, &e);
    buf_fini(&t.records);
    child_use_inline(NULL, 0);
    return 0;
}

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    char request[4096];
    snprintf(request, sizeof(request),
             "%s /hf/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer anna\r\n%s\r\n%s", method,
             path, headers, body);
    client_exchange(http_port(t.server), request, reply, sizeof(reply));
    return status_of(reply);
}

static int get(const char *path)
{
    return ask("GET", path, "", "");
}

static void contains(const char *wanted)
{
    if (!strstr(reply, wanted))
        fail_msg("wanted \"%s\" in: %.2000s", wanted, reply);
}

static void lacks(const char *unwanted)
{
    if (strstr(reply, unwanted))
        fail_msg("not wanted \"%s\" in: %.2000s", unwanted, reply);
}

static void a_model_is_described_at_main_at_its_commit_and_at_its_tag(void **state)
{
    static const char *const paths[] = {"prod/api/models/acme/tiny", "prod/api/models/acme/tiny/revision/main",
                                        "prod/api/models/acme/tiny/revision/" ONE,
                                        "prod/api/models/acme/tiny/revision/v1.0.0"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_int_equal(get(paths[i]), 200);
        contains("\"id\":\"acme/tiny\"");
        contains("\"sha\":\"" ONE "\"");
        contains("\"rfilename\":\"config.json\"");
        contains("\"private\":false,\"gated\":false");
    }
}

static void what_is_not_held_is_told_in_the_hubs_words(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/models/acme/other"), 404);
    contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(get("test/api/models/acme/tiny"), 404); /* another environment */
    contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(get("prod/api/models/acme/tiny/revision/" TWO), 404);
    contains("X-Error-Code: RevisionNotFound\r\n");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/nothing.json"), 404);
    contains("X-Error-Code: EntryNotFound\r\n");
    contains("X-Repo-Commit: " ONE "\r\n");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main/additional_chat_templates?recursive=false"), 404);
    contains("X-Error-Code: EntryNotFound\r\n");
    assert_int_equal(get("prod/api/datasets/acme/data"), 404);
    contains("X-Error-Code: RepoNotFound\r\n");
    assert_int_equal(ask("POST", "prod/api/models/acme/tiny/commit/main", "Content-Length: 0\r\n", ""), 405);
}

static void a_tree_lists_files_and_folders(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main?recursive=true&expand=false"), 200);
    contains("{\"type\":\"file\",\"path\":\"config.json\",\"size\":10,\"oid\":\"" OID "\",\"lfs\":{\"oid\":\"");
    contains("\"pointerSize\":127}");
    contains("{\"type\":\"directory\",\"path\":\"onnx\",\"oid\":\"");
    contains("{\"type\":\"directory\",\"path\":\"onnx/deep\",\"oid\":\"");
    contains("\"path\":\"onnx/deep/model.onnx\"");
    lacks("xet");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/main"), 200);
    contains("\"path\":\"onnx\"");
    lacks("onnx/deep");
    assert_int_equal(get("prod/api/models/acme/tiny/tree/" ONE "/onnx/deep"), 200);
    contains("\"path\":\"onnx/deep/model.onnx\"");
    lacks("config.json");
}

static void paths_are_asked_about_by_form_and_by_json(void **state)
{
    (void)state;
    const char *path = "prod/api/models/acme/tiny/paths-info/main";
    assert_int_equal(ask("POST", path, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 53\r\n",
                         "paths=config.json&paths=onnx%2Fdeep&paths=no&expand=F"),
                     200);
    contains("\"path\":\"config.json\"");
    contains("{\"type\":\"directory\",\"path\":\"onnx/deep\"");
    lacks("\"no\"");
    assert_int_equal(ask("POST", path, "Content-Type: application/json\r\nContent-Length: 27\r\n",
                         "{\"paths\":[\"config.json\"]}  "),
                     200);
    contains("\"path\":\"config.json\"");
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
    snprintf(etag, sizeof(etag), "X-Linked-Etag: \"%s\"\r\n", digest_hex(&t.weights).text);
    assert_int_equal(ask("HEAD", "prod/acme/tiny/resolve/main/model.safetensors", "", ""), 200);
    contains("X-Repo-Commit: " ONE "\r\n");
    contains("X-Linked-Size: 10\r\n");
    contains("Content-Length: 10\r\n");
    contains(etag);
    lacks("X-Xet");
    lacks("Location:");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/model.safetensors"), 200);
    assert_string_equal(body_of(reply), "0123456789");
    assert_int_equal(ask("GET", "prod/acme/tiny/resolve/main/model.safetensors", "Range: bytes=4-\r\n", ""), 206);
    assert_string_equal(body_of(reply), "456789");
    assert_int_equal(ask("GET", "prod/acme/tiny/resolve/main/model.safetensors", "Range: bytes=0-0\r\n", ""), 206);
    contains("Content-Range: bytes 0-0/10\r\n");
}

static void a_file_that_the_client_would_refuse_is_refused_with_the_way_around(void **state)
{
    (void)state;
    const char *path = "prod/acme/tiny/resolve/main/huge.gguf";
    assert_int_equal(ask("HEAD", path, "User-Agent: unknown/None; hf_hub/1.29.0; python/3.11\r\n", ""), 413);
    contains("X-Error-Message: huge.gguf has 50000000001 bytes");
    assert_int_equal(ask("HEAD", path, "User-Agent: curl/7.88\r\n", ""), 200);
}

static void two_releases_with_different_revisions_are_asked_for_by_commit(void **state)
{
    (void)state;
    struct digest other = stand("helper", "prod");
    bring(&other, TWO, "config.json", &t.weights, 10);
    assert_int_equal(get("prod/api/models/acme/tiny"), 409);
    contains("ask for one by its commit");
    assert_int_equal(get("prod/api/models/acme/tiny/revision/" TWO), 200);
    lacks("model.safetensors");
    assert_int_equal(get("prod/acme/tiny/resolve/" ONE "/config.json"), 200);
}

static void who_asks_is_told_who_they_are(void **state)
{
    (void)state;
    assert_int_equal(get("prod/api/whoami-v2"), 200);
    contains("\"name\":\"anna\"");
    assert_int_equal(get("prod/api/models"), 200);
    contains("\"id\":\"acme/tiny\"");
    assert_int_equal(get("prod/api/models/acme/tiny/refs"), 200);
    contains("\"targetCommit\":\"" ONE "\"");
}

static void each_request_leaves_a_record(void **state)
{
    (void)state;
    get("prod/acme/tiny/resolve/main/config.json");
    get("prod/api/models/nobody");
    assert_non_null(
        strstr(buf_str(&t.records), "\"repository\":\"hf\",\"what\":\"acme/tiny/resolve/main/config.json\""));
    assert_non_null(strstr(buf_str(&t.records), "\"what\":\"api/models/nobody\",\"status\":404"));
}

static void paths_are_told_apart(void **state)
{
    static const struct {
        const char *path;
        enum hf_what what;
        const char *repo, *revision, *rest;
    } cases[] = {
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
        hf_path_parse(cases[i].path, &p);
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
        cmocka_unit_test_setup_teardown(a_model_is_described_at_main_at_its_commit_and_at_its_tag, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_held_is_told_in_the_hubs_words, start, stop),
        cmocka_unit_test_setup_teardown(a_tree_lists_files_and_folders, start, stop),
        cmocka_unit_test_setup_teardown(paths_are_asked_about_by_form_and_by_json, start, stop),
        cmocka_unit_test_setup_teardown(a_file_comes_with_the_headers_that_clients_need, start, stop),
        cmocka_unit_test_setup_teardown(a_file_that_the_client_would_refuse_is_refused_with_the_way_around, start,
                                        stop),
        cmocka_unit_test_setup_teardown(two_releases_with_different_revisions_are_asked_for_by_commit, start, stop),
        cmocka_unit_test_setup_teardown(who_asks_is_told_who_they_are, start, stop),
        cmocka_unit_test_setup_teardown(each_request_leaves_a_record, start, stop),
        cmocka_unit_test(paths_are_told_apart),
    };
    return cmocka_run_group_tests_name("registry/hf", tests, NULL, NULL);
}
