/* Pushing: what was pushed is its pusher's alone, whole or not there, and goes again when nobody needs it. */
#include "client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "registry/push.h"
#include "util/clock.h"
#include "util/file.h"

static struct {
    char folder[64];
    int dir;
    struct db *db;
    struct blobs *blobs, *pushed;
    struct callers *callers;
    struct registry *registry;
    struct http_route routes[REGISTRY_ROUTES];
    struct http_server *server;
} t;

static char reply[1 << 20];

/* A token is the name of a publisher in sandbox. */
static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    (void)arg;
    (void)e;
    *out = (struct identity){.role = ROLE_PUBLISHER, .environment = "sandbox", .repository = "team-*"};
    snprintf(out->person, sizeof(out->person), "%.*s", (int)token.len, (const char *)token.ptr);
    snprintf(out->role_name, sizeof(out->role_name), "publisher");
    return 0;
}

static _Atomic bool disk_full;

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    (void)line;
    return disk_full ? err_set(e, ERR_NOSPACE, 0, "disk full") : 0;
}

static int start(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(t.folder, sizeof(t.folder), "/tmp/airlock-push-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    t.dir = dir_open(AT_FDCWD, t.folder, &e);
    t.db = db_make(t.dir, &e);
    t.blobs = t.db ? blobs_make(t.dir, "store", &e) : NULL;
    t.callers = t.blobs ? callers_open(t.dir, &e) : NULL;
    struct registry_options o = {
        .callers = t.callers, .identify = {.identify = identify}, .blobs = t.blobs, .record = record, .home = t.folder};
    t.registry = t.callers ? registry_start(&o, &e) : NULL;
    t.pushed = t.registry ? blobs_open(t.dir, "pushed", &e) : NULL;
    if (!t.pushed)
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
    blobs_close(t.pushed);
    blobs_close(t.blobs);
    db_close(t.db);
    close(t.dir);
    tree_remove(AT_FDCWD, t.folder, &e);
    child_use_inline(NULL, 0);
    return 0;
}

static int ask_as(const char *person, const char *method, const char *path, const char *headers, const char *body)
{
    static char request[1 << 16];
    snprintf(request, sizeof(request),
             "%s /v2/sandbox/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
             "%s\r\nContent-Length: %zu\r\n%s\r\n%s",
             method, path, person, strlen(body), headers, body);
    client_exchange(http_port(t.server), request, reply, sizeof(reply));
    return status_of(reply);
}

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    return ask_as("robot", method, path, headers, body);
}

static void contains(const char *wanted)
{
    if (!strstr(reply, wanted))
        fail_msg("wanted \"%s\" in: %.2000s", wanted, reply);
}

/* A path of team-a that ends with the digest of a text. */
static const char *at(const char *before, const char *text)
{
    static char path[512];
    struct digest id = digest_of(span_str(text));
    snprintf(path, sizeof(path), "team-a/%s%s", before, digest_text(&id).text);
    return path;
}

static void push(const char *text)
{
    assert_int_equal(ask("POST", at("blobs/uploads/?digest=", text), "", text), 201);
}

static bool file_is_there(const char *text)
{
    struct digest id = digest_of(span_str(text));
    return blob_have(t.pushed, &id);
}

/* Begins an upload; its path behind /v2/sandbox/. */
static const char *begin(void)
{
    static char path[256];
    assert_int_equal(ask("POST", "team-a/blobs/uploads/", "", ""), 202);
    const char *location = strstr(reply, "Location: /v2/sandbox/");
    assert_non_null(location);
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(location + 22, "\r"), location + 22);
    return path;
}

/* A manifest with one layer. */
static const char *image(const char *layer)
{
    static char text[1024];
    struct digest config = digest_of(SPAN_LIT("{}")), id = digest_of(span_str(layer));
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{"
             "\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[{"
             "\"mediaType\":\"a/b\",\"digest\":\"%s\",\"size\":%zu}]}",
             digest_text(&config).text, digest_text(&id).text, strlen(layer));
    return text;
}

static int put_image(const char *tag, const char *layer)
{
    char path[128];
    snprintf(path, sizeof(path), "team-a/manifests/%s", tag);
    return ask("PUT", path, "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n", image(layer));
}

static void a_blob_is_its_pushers_alone(void **state)
{
    (void)state;
    push("mine");
    assert_int_equal(ask("GET", at("blobs/", "mine"), "", ""), 200);
    assert_string_equal(body_of(reply), "mine");
    assert_int_equal(ask_as("other", "GET", at("blobs/", "mine"), "", ""), 404);
    assert_int_equal(ask_as("other", "DELETE", at("blobs/", "mine"), "", ""), 404);
    assert_int_equal(ask_as("other", "POST", at("blobs/uploads/?from=sandbox/team-a&mount=", "mine"), "", ""), 202);
}

static void a_token_pushes_into_its_repositories_and_into_sandbox_only(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "other/blobs/uploads/", "", ""), 403);
    contains("team-*");
    assert_int_equal(ask("POST", "../prod/team-a/blobs/uploads/", "", ""), 400);
}

static void an_upload_is_found_by_who_began_it_there(void **state)
{
    char elsewhere[256];
    (void)state;
    const char *upload = begin();
    assert_int_equal(ask_as("other", "PATCH", upload, "", "bytes"), 404);
    contains("\"code\":\"BLOB_UPLOAD_UNKNOWN\"");
    snprintf(elsewhere, sizeof(elsewhere), "team-b%s", upload + 6);
    assert_int_equal(ask("PATCH", elsewhere, "", "bytes"), 404);
    assert_int_equal(ask("PATCH", upload, "", "bytes"), 202);
    contains("Range: 0-4\r\n");
    assert_int_equal(ask("GET", upload, "", ""), 204);
    assert_int_equal(ask("DELETE", upload, "", ""), 204);
    assert_int_equal(ask("GET", upload, "", ""), 404);
}

static void a_lie_leaves_nothing(void **state)
{
    char path[512];
    (void)state;
    assert_int_equal(ask("POST", at("blobs/uploads/?digest=", "promised"), "", "sent"), 400);
    contains("\"code\":\"DIGEST_INVALID\"");
    assert_false(file_is_there("sent") || file_is_there("promised"));
    const char *upload = begin();
    assert_int_equal(ask("PATCH", upload, "Content-Range: 5-8\r\n", "sent"), 416);
    contains("Range: 0-0\r\n");
    assert_int_equal(ask("PATCH", upload, "Content-Range: 0-8\r\n", "sent"), 400);
    assert_int_equal(ask("PUT", upload, "", "sent"), 400); /* no digest */
    struct digest wrong = digest_of(SPAN_LIT("promised"));
    snprintf(path, sizeof(path), "%s?digest=%s", upload, digest_text(&wrong).text);
    assert_int_equal(ask("PUT", path, "", "sent"), 400);
    assert_int_equal(ask("GET", upload, "", ""), 404);
    assert_false(file_is_there("sent"));
}

static void bytes_are_stored_once_and_found_by_either_name(void **state)
{
    char path[512];
    struct digest512 id = digest512_of(SPAN_LIT("two names"));
    (void)state;
    snprintf(path, sizeof(path), "team-a/blobs/uploads/?digest=%s", digest512_text(&id).text);
    assert_int_equal(ask("POST", path, "", "two names"), 201);
    contains("Docker-Content-Digest: sha512:");
    assert_true(file_is_there("two names"));
    snprintf(path, sizeof(path), "team-a/blobs/%s", digest512_text(&id).text);
    assert_int_equal(ask("GET", path, "", ""), 200);
    assert_int_equal(ask("GET", at("blobs/", "two names"), "", ""), 200);
    assert_int_equal(ask_as("other", "GET", path, "", ""), 404);
}

static void a_manifest_comes_after_what_it_needs(void **state)
{
    (void)state;
    push("{}");
    assert_int_equal(put_image("v1", "layer"), 400);
    contains("\"code\":\"MANIFEST_BLOB_UNKNOWN\"");
    push("layer");
    assert_int_equal(put_image("v1", "layer"), 201);
    assert_int_equal(put_image("latest", "layer"), 403);
    assert_int_equal(ask("GET", "team-a/manifests/v1", "", ""), 200);
    assert_string_equal(body_of(reply), image("layer"));
    assert_int_equal(ask("GET", "team-a/tags/list", "", ""), 200);
    contains("\"tags\":[\"v1\"]");
    assert_int_equal(ask_as("other", "GET", "team-a/manifests/v1", "", ""), 404);
}

static void what_is_deleted_goes_when_nobody_needs_it(void **state)
{
    (void)state;
    push("shared");
    assert_int_equal(ask_as("other", "POST", at("blobs/uploads/?digest=", "shared"), "", "shared"), 201);
    assert_int_equal(ask("DELETE", at("blobs/", "shared"), "", ""), 202);
    assert_int_equal(ask("GET", at("blobs/", "shared"), "", ""), 404);
    assert_true(file_is_there("shared"));
    assert_int_equal(ask_as("other", "DELETE", at("blobs/", "shared"), "", ""), 202);
    assert_false(file_is_there("shared"));
}

static void what_hangs_on_a_manifest_is_listed_in_pages(void **state)
{
    static char body[8192], path[512], annotation[3000];
    struct digest config = digest_of(SPAN_LIT("{}")), subject = digest_of(SPAN_LIT("subject"));
    (void)state;
    push("{}");
    memset(annotation, 'x', sizeof(annotation) - 1);
    for (int i = 0; i < 3; i++) {
        snprintf(body, sizeof(body),
                 "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"artifactType\":"
                 "\"a/%d\",\"annotations\":{\"n\":\"%s\"},\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+"
                 "json\",\"digest\":\"%s\",\"size\":2},\"layers\":[],\"subject\":{\"mediaType\":\"a/b\",\"digest\":"
                 "\"%s\",\"size\":7}}",
                 i, annotation, digest_text(&config).text, digest_text(&subject).text);
        if (ask("PUT", at("manifests/", body), "", body) != 201)
            fail_msg("%s", reply);
        contains("OCI-Subject: sha256:");
    }
    snprintf(path, sizeof(path), "team-a/referrers/%s", digest_text(&subject).text);
    assert_int_equal(ask("GET", path, "", ""), 200);
    for (int i = 0; i < 3; i++) {
        snprintf(body, sizeof(body), "\"artifactType\":\"a/%d\",\"annotations\":{\"n\":\"xxx", i);
        contains(body);
    }
    snprintf(path, sizeof(path), "team-a/referrers/%s?artifactType=a/1", digest_text(&subject).text);
    assert_int_equal(ask("GET", path, "", ""), 200);
    contains("OCI-Filters-Applied: artifactType\r\n");
    assert_null(strstr(reply, "a/2"));
}

static void uploads_expire_and_files_that_no_row_needs_go(void **state)
{
    struct err e = {0};
    struct digest stray;
    (void)state;
    push("kept");
    char upload[256];
    snprintf(upload, sizeof(upload), "%s", begin());
    assert_int_equal(ask("PATCH", upload, "", "bytes"), 202);
    if (blob_put(t.pushed, SPAN_LIT("stray"), &stray, &e) < 0 ||
        pushing_tidy(t.registry->pushing, clock_now_s() + PUSH_UPLOAD_LIFE_S - 60, &e) < 0)
        fail_msg("%s", e.msg);
    assert_false(file_is_there("stray"));
    assert_true(file_is_there("kept"));
    assert_int_equal(ask("GET", upload, "", ""), 204);
    if (pushing_tidy(t.registry->pushing, clock_now_s() + PUSH_UPLOAD_LIFE_S + 60, &e) < 0)
        fail_msg("%s", e.msg);
    struct digest id = digest_of(SPAN_LIT("bytes"));
    char path[512];
    snprintf(path, sizeof(path), "%s?digest=%s", upload, digest_text(&id).text);
    assert_int_equal(ask("PUT", path, "", ""), 404);
    contains("\"code\":\"BLOB_UPLOAD_UNKNOWN\"");
    assert_false(file_is_there("bytes"));
}

static void nothing_is_said_to_be_there_that_is_not_recorded(void **state)
{
    (void)state;
    disk_full = true;
    assert_int_equal(ask("POST", at("blobs/uploads/?digest=", "quiet"), "", "quiet"), 503);
    disk_full = false;
    push("quiet");
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_blob_is_its_pushers_alone),
        T(a_token_pushes_into_its_repositories_and_into_sandbox_only),
        T(an_upload_is_found_by_who_began_it_there),
        T(a_lie_leaves_nothing),
        T(bytes_are_stored_once_and_found_by_either_name),
        T(a_manifest_comes_after_what_it_needs),
        T(what_is_deleted_goes_when_nobody_needs_it),
        T(what_hangs_on_a_manifest_is_listed_in_pages),
        T(uploads_expire_and_files_that_no_row_needs_go),
        T(nothing_is_said_to_be_there_that_is_not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
