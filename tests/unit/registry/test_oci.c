/* Pulling: what the pointer of an environment reaches is there, everything else does not exist. */
#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "registry/oci.h"
#include "ship/release.h"
#include "util/file.h"

static struct {
    char folder[64];
    int dir;
    struct db *db;
    struct blobs *blobs;
    struct callers *callers;
    struct registry *registry;
    struct http_route routes[REGISTRY_ROUTES];
    struct http_server *server;
    struct digest index, manifest, layer, attestation, hidden; /* hidden: in the store, and of no release */
    pthread_mutex_t lock;
    struct buf records;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char reply[1 << 20];

/* Tokens are PERSON.ROLE.ENVIRONMENT; the environment "all" is "*". */
static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    struct span person, role;
    (void)arg;
    *out = (struct identity){0};
    if (!span_take_until(&token, '.', &person) || !span_take_until(&token, '.', &role))
        return err_set(e, ERR_DENIED, 0, "no such token");
    snprintf(out->person, sizeof(out->person), "%.*s", (int)person.len, (const char *)person.ptr);
    snprintf(out->role_name, sizeof(out->role_name), "%.*s", (int)role.len, (const char *)role.ptr);
    snprintf(out->environment, sizeof(out->environment), "%.*s", (int)token.len, (const char *)token.ptr);
    snprintf(out->repository, sizeof(out->repository), "*");
    if (!strcmp(out->environment, "all"))
        memcpy(out->environment, "*", 2);
    return role_parse(out->role_name, &out->role) ? 0 : err_set(e, ERR_DENIED, 0, "no such role");
}

static _Atomic bool disk_full;

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    if (disk_full)
        return err_set(e, ERR_NOSPACE, 0, "disk full");
    pthread_mutex_lock(&t.lock);
    buf_add_span(&t.records, line);
    buf_add_byte(&t.records, '\n');
    pthread_mutex_unlock(&t.lock);
    return 0;
}

static struct digest put(const char *text)
{
    struct digest id;
    struct err e = {0};
    if (blob_put(t.blobs, span_str(text), &id, &e) < 0 || db_blob_add(t.db, &id, strlen(text), &e) < 0)
        fail_msg("%s", e.msg);
    return id;
}

static void of_release(const struct digest *id, const char *media_type, uint64_t size)
{
    struct err e = {0};
    if (db_release_blob_add(t.db, &t.index, id, media_type, size, &e) < 0)
        fail_msg("%s", e.msg);
}

static void make_release(void)
{
    struct err e = {0};
    char text[1024];
    t.layer = put("0123456789 a layer");
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"layers\":[{\"digest\":\"%s\"}]}",
             digest_text(&t.layer).text);
    t.manifest = put(text);
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[{\"digest\":\"%s\"}]}",
             digest_text(&t.manifest).text);
    t.index = put(text);
    uint64_t index_size = strlen(text);
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"artifactType\":\"" MEDIA_INTOTO
             "\",\"annotations\":{\"a\":\"b\"},\"subject\":{\"digest\":\"%s\"}}",
             digest_text(&t.index).text);
    t.attestation = put(text);
    struct release_row row = {
        .digest = t.index, .name = "assistant", .version = "v1.0.0", .admitted = true, .time_s = 1700000000};
    if (db_release_add(t.db, &row, &e) < 0)
        fail_msg("%s", e.msg);
    of_release(&t.index, MEDIA_OCI_INDEX, index_size);
    of_release(&t.manifest, MEDIA_OCI_MANIFEST, 1);
    of_release(&t.layer, MEDIA_OCI_LAYER, 18);
    of_release(&t.attestation, MEDIA_OCI_MANIFEST, strlen(text));
    t.hidden = put("in the store, and of no release that a pointer names");
}

static void point(const char *environment)
{
    struct err e = {0};
    struct pointer_row row = {.environment = environment,
                              .name = "assistant",
                              .release = t.index,
                              .time_s = 1700000000,
                              .action = "promote",
                              .ledger_seq = 1};
    if (db_begin(t.db, &e) < 0 || db_pointer_set(t.db, &row, &e) < 0 || db_commit(t.db, &e) < 0)
        fail_msg("%s", e.msg);
}

static int start(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(t.folder, sizeof(t.folder), "/tmp/airlock-registry-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    t.dir = dir_open(AT_FDCWD, t.folder, &e);
    t.records = BUF(1 << 20);
    t.db = db_make(t.dir, &e);
    t.blobs = t.db ? blobs_make(t.dir, "store", &e) : NULL;
    if (!t.blobs)
        fail_msg("%s", e.msg);
    if (db_begin(t.db, &e) < 0)
        fail_msg("%s", e.msg);
    make_release();
    if (db_commit(t.db, &e) < 0)
        fail_msg("%s", e.msg);
    point("prod");
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

static int get_as(const char *token, const char *method, const char *path, const char *more)
{
    char request[2048];
    snprintf(request, sizeof(request),
             "%s /v2/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\n", method, path,
             token, more);
    client_exchange(http_port(t.server), request, reply, sizeof(reply));
    return status_of(reply);
}

static int get(const char *path)
{
    return get_as("anna.consumer.prod", "GET", path, "");
}

static const char *blob_path(const char *environment, const char *kind, const struct digest *id)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/assistant/%s/%s", environment, kind, digest_text(id).text);
    return path;
}

static void contains(const char *wanted)
{
    if (!strstr(reply, wanted))
        fail_msg("wanted \"%s\" in: %.2000s", wanted, reply);
}

static void the_base_asks_for_a_token(void **state)
{
    (void)state;
    client_exchange(http_port(t.server), "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_int_equal(status_of(reply), 401);
    contains("WWW-Authenticate: Basic realm=\"airlock\"");
    contains("\"code\":\"UNAUTHORIZED\"");
    assert_int_equal(get(""), 200);
    contains("Docker-Distribution-API-Version: registry/2.0");
}

static void a_release_is_found_by_version_latest_and_digest(void **state)
{
    (void)state;
    char digest[DIGEST_TEXT_SIZE + 32];
    snprintf(digest, sizeof(digest), "Docker-Content-Digest: %s\r\n", digest_text(&t.index).text);
    assert_int_equal(get("prod/assistant/manifests/v1.0.0"), 200);
    contains(digest);
    contains("Content-Type: " MEDIA_OCI_INDEX "\r\n");
    contains("ETag: \"sha256:");
    assert_int_equal(get("prod/assistant/manifests/latest"), 200);
    contains(digest);
    assert_int_equal(get(blob_path("prod", "manifests", &t.index)), 200);
    assert_int_equal(get(blob_path("prod", "manifests", &t.manifest)), 200);
    contains("Content-Type: " MEDIA_OCI_MANIFEST "\r\n");
    assert_int_equal(get_as("anna.consumer.prod", "HEAD", "prod/assistant/manifests/latest", ""), 200);
    contains(digest);
    assert_string_equal(body_of(reply), "");
}

static void a_manifest_is_not_given_to_who_does_not_take_its_type(void **state)
{
    (void)state;
    const char *path = "prod/assistant/manifests/latest";
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, "Accept: " MEDIA_OCI_MANIFEST "\r\n"), 404);
    contains(MEDIA_OCI_INDEX);
    assert_int_equal(get_as("anna.consumer.prod", "GET", path,
                            "Accept: " MEDIA_OCI_MANIFEST "\r\nAccept: text/plain, " MEDIA_OCI_INDEX ";q=0.5\r\n"),
                     200);
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, "Accept: */*\r\n"), 200);
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, "Accept: application/*\r\n"), 200);
}

static void a_blob_comes_whole_in_parts_and_not_again(void **state)
{
    (void)state;
    char etag[128];
    const char *path = blob_path("prod", "blobs", &t.layer);
    assert_int_equal(get(path), 200);
    assert_string_equal(body_of(reply), "0123456789 a layer");
    contains("Docker-Content-Digest: sha256:");
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, "Range: bytes=3-5\r\n"), 206);
    assert_string_equal(body_of(reply), "345");
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, "Range: bytes=100-\r\n"), 416);
    snprintf(etag, sizeof(etag), "If-None-Match: \"%s\"\r\n", digest_text(&t.layer).text);
    assert_int_equal(get_as("anna.consumer.prod", "GET", path, etag), 304);
    assert_int_equal(get_as("anna.consumer.prod", "HEAD", path, ""), 200);
    contains("Content-Length: 18\r\n");
}

static void what_no_pointer_of_the_environment_reaches_does_not_exist(void **state)
{
    (void)state;
    assert_int_equal(get(blob_path("prod", "blobs", &t.hidden)), 404);
    contains("\"code\":\"BLOB_UNKNOWN\"");
    assert_int_equal(get("prod/assistant/manifests/v9.9.9"), 404);
    contains("\"code\":\"MANIFEST_UNKNOWN\"");
    assert_int_equal(get(blob_path("prod", "manifests", &t.layer)), 404); /* a blob is no manifest */
    assert_int_equal(get("prod/nobody/manifests/latest"), 404);
    assert_int_equal(get("prod/nobody/tags/list"), 404);
    contains("\"code\":\"NAME_UNKNOWN\"");
    assert_int_equal(get_as("anna.consumer.all", "GET", "staging/assistant/tags/list", ""), 404);
    contains("staging is no environment");

    assert_int_equal(get_as("anna.consumer.all", "GET", blob_path("test", "blobs", &t.layer), ""), 404);
    point("test");
    assert_int_equal(get_as("anna.consumer.all", "GET", blob_path("test", "blobs", &t.layer), ""), 200);
}

static void a_token_pulls_in_its_environment_only(void **state)
{
    (void)state;
    assert_int_equal(get_as("tom.consumer.test", "GET", "prod/assistant/manifests/latest", ""), 403);
    contains("\"code\":\"DENIED\"");
    assert_int_equal(get_as("vera.viewer.prod", "GET", "prod/assistant/manifests/latest", ""), 403);
    assert_int_equal(get_as("nobody", "GET", "prod/assistant/manifests/latest", ""), 401);
}

static void a_registry_without_a_folder_takes_no_pushes(void **state)
{
    (void)state;
    assert_int_equal(get_as("anna.engineer.all", "POST", "sandbox/assistant/blobs/uploads/", ""), 403);
    assert_int_equal(get_as("robot.publisher.sandbox", "POST", "sandbox/assistant/blobs/uploads/", ""), 403);
    contains("this registry takes no pushes");
    assert_int_equal(get_as("robot.publisher.all", "PUT", "prod/assistant/manifests/v1.0.0", ""), 403);
    assert_int_equal(get_as("robot.publisher.all", "DELETE", "prod/assistant/manifests/v1.0.0", ""), 403);
}

static void tags_are_listed_in_order_and_in_pages(void **state)
{
    (void)state;
    assert_int_equal(get("prod/assistant/tags/list"), 200);
    contains("{\"name\":\"prod/assistant\",\"tags\":[\"latest\",\"v1.0.0\"]}");
    assert_int_equal(get("prod/assistant/tags/list?n=1"), 200);
    contains("[\"latest\"]");
    contains("Link: </v2/prod/assistant/tags/list?n=1&last=latest>; rel=\"next\"");
    assert_int_equal(get("prod/assistant/tags/list?n=1&last=latest"), 200);
    contains("[\"v1.0.0\"]");
    assert_null(strstr(reply, "Link:"));
    assert_int_equal(get("prod/assistant/tags/list?n=0"), 200);
    contains("\"tags\":[]");
    assert_int_equal(get("prod/assistant/tags/list?n=x"), 400);
}

static void what_hangs_on_a_release_is_listed(void **state)
{
    (void)state;
    char path[300];
    assert_int_equal(get(blob_path("prod", "referrers", &t.index)), 200);
    contains("Content-Type: " MEDIA_OCI_INDEX "\r\n");
    contains(digest_text(&t.attestation).text);
    contains("\"artifactType\":\"" MEDIA_INTOTO "\",\"annotations\":{\"a\":\"b\"}");
    snprintf(path, sizeof(path), "%s?artifactType=other", blob_path("prod", "referrers", &t.index));
    assert_int_equal(get(path), 200);
    contains("\"manifests\":[]");
    contains("OCI-Filters-Applied: artifactType");
    assert_int_equal(get(blob_path("prod", "referrers", &t.hidden)), 200);
    contains("\"manifests\":[]");
}

static void each_pull_leaves_a_record(void **state)
{
    (void)state;
    char wanted[512];
    get(blob_path("prod", "blobs", &t.layer));
    snprintf(wanted, sizeof(wanted),
             "\"kind\":\"pull\",\"person\":\"anna\",\"role\":\"consumer\",\"environment\":\"prod\",\"repository\":"
             "\"prod/assistant\",\"what\":\"blob\",\"digest\":\"%s\",\"release\":\"%s\",\"status\":200,\"bytes\":18}",
             digest_text(&t.layer).text, digest_text(&t.index).text);
    if (!strstr(buf_str(&t.records), wanted))
        fail_msg("wanted %s in: %s", wanted, buf_str(&t.records));
    get("prod/assistant/manifests/v9.9.9");
    if (!strstr(buf_str(&t.records), "\"tag\":\"v9.9.9\",\"status\":404,\"bytes\":0}"))
        fail_msg("no record of the refusal in: %s", buf_str(&t.records));
}

static void nothing_is_given_that_cannot_be_recorded(void **state)
{
    (void)state;
    disk_full = true;
    assert_int_equal(get("prod/assistant/manifests/latest"), 503);
    assert_int_equal(get(blob_path("prod", "blobs", &t.layer)), 503);
    assert_null(strstr(reply, "a layer"));
    disk_full = false;
    assert_int_equal(get(blob_path("prod", "blobs", &t.layer)), 200);
}

static void damage(const struct digest *id)
{
    char path[256];
    struct err e = {0};
    snprintf(path, sizeof(path), "store/blobs/sha256/%s", digest_hex(id).text);
    assert_int_equal(unlinkat(t.dir, path, 0), 0);
    if (file_write(t.dir, path, SPAN_LIT("{\"something\":\"else\"}"), 0644, &e) < 0)
        fail_msg("%s", e.msg);
}

static void a_damaged_manifest_is_not_given_and_not_the_clients_fault(void **state)
{
    (void)state;
    damage(&t.index);
    assert_int_equal(get("prod/assistant/manifests/latest"), 500);
    assert_null(strstr(reply, "something"));
    assert_null(strstr(reply, t.folder));
}

static void the_record_of_a_pull_is_the_golden_one(void **state)
{
    char path[1024];
    struct err e = {0};
    auto_buf wanted = BUF(65536), found = BUF(65536), line = BUF(65536);
    struct digest blob = digest_of(SPAN_LIT("blob"));
    struct oci_found what = {0};
    struct oci o = {.who = {.person = "anna", .role_name = "consumer", .environment = "prod"},
                    .path = {.what = OCI_BLOB, .environment = "prod", .repository = "prod/assistant"},
                    .release = digest_of(SPAN_LIT("release"))};
    snprintf(what.named, sizeof(what.named), "%s", digest_text(&blob).text);
    (void)state;
    snprintf(path, sizeof(path), "%s/docs/formats/examples/access-pull.json", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &wanted, &e) < 0)
        fail_msg("%s", e.msg);
    pull_record_write(&o, 1795507200, 200, &what, 98000000, &line);
    buf_add_str(&found, "{\"id\":4711,");
    buf_add(&found, line.ptr + 1, line.len - 1);
    buf_add_byte(&found, '\n');
    assert_string_equal(buf_str(&found), buf_str(&wanted));
}

static void the_record_of_a_push_is_the_golden_one(void **state)
{
    char path[1024];
    struct err e = {0};
    auto_buf wanted = BUF(65536), found = BUF(65536), line = BUF(65536);
    struct digest manifest = digest_of(SPAN_LIT("blob"));
    struct oci o = {
        .who = {.person = "robot", .role_name = "publisher", .environment = "sandbox"},
        .path = {.what = OCI_MANIFEST, .environment = "sandbox", .repository = "sandbox/assistant", .tag = "v1.0.0"}};
    (void)state;
    snprintf(path, sizeof(path), "%s/docs/formats/examples/access-push.json", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &wanted, &e) < 0)
        fail_msg("%s", e.msg);
    push_record_write(&o, 1795507200, "put", 201, digest_text(&manifest).text, 2200, &line);
    buf_add_str(&found, "{\"id\":4712,");
    buf_add(&found, line.ptr + 1, line.len - 1);
    buf_add_byte(&found, '\n');
    assert_string_equal(buf_str(&found), buf_str(&wanted));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_base_asks_for_a_token),
        T(a_release_is_found_by_version_latest_and_digest),
        T(a_manifest_is_not_given_to_who_does_not_take_its_type),
        T(a_blob_comes_whole_in_parts_and_not_again),
        T(what_no_pointer_of_the_environment_reaches_does_not_exist),
        T(a_token_pulls_in_its_environment_only),
        T(a_registry_without_a_folder_takes_no_pushes),
        T(tags_are_listed_in_order_and_in_pages),
        T(what_hangs_on_a_release_is_listed),
        T(each_pull_leaves_a_record),
        T(nothing_is_given_that_cannot_be_recorded),
        T(a_damaged_manifest_is_not_given_and_not_the_clients_fault),
        cmocka_unit_test(the_record_of_a_pull_is_the_golden_one),
        cmocka_unit_test(the_record_of_a_push_is_the_golden_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
