#include "views.h"

#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/ops.h"
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
    pthread_mutex_t lock;
    struct buf records; /* under lock */
    bool log_full;      /* under lock */
    const char *host;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER, .host = "airlock.test:8080"};

char views_reply[16 << 20];
struct index_signer views_signer;

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    struct span person, role, environment;
    (void)arg;
    *out = (struct identity){.repository = "*"};
    if (!span_take_until(&token, '.', &person) || !span_take_until(&token, '.', &role))
        return err_set(e, ERR_DENIED, 0, "no such token");
    snprintf(out->person, sizeof(out->person), "%.*s", (int)person.len, (const char *)person.ptr);
    snprintf(out->role_name, sizeof(out->role_name), "%.*s", (int)role.len, (const char *)role.ptr);
    if (!span_take_until(&token, '.', &environment)) {
        environment = token;
        token = SPAN_LIT("*");
    }
    snprintf(out->environment, sizeof(out->environment), "%.*s", (int)environment.len, (const char *)environment.ptr);
    snprintf(out->repository, sizeof(out->repository), "%.*s", (int)token.len, (const char *)token.ptr);
    if (!strcmp(out->environment, "all"))
        memcpy(out->environment, "*", 2);
    return role_parse(out->role_name, &out->role) ? 0 : err_set(e, ERR_DENIED, 0, "no such role");
}

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    int result = 0;
    pthread_mutex_lock(&t.lock);
    if (t.log_full) {
        result = err_set(e, ERR_NOSPACE, 0, "disk full");
    } else {
        buf_add_span(&t.records, line);
        buf_add_byte(&t.records, '\n');
    }
    pthread_mutex_unlock(&t.lock);
    return result;
}

int views_start(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(t.folder, sizeof(t.folder), "/tmp/airlock-views-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    t.dir = dir_open(AT_FDCWD, t.folder, &e);
    t.records = BUF(16 << 20);
    t.db = db_make(t.dir, &e);
    t.blobs = t.db ? blobs_make(t.dir, "store", &e) : NULL;
    t.callers = t.blobs ? callers_open(t.dir, &e) : NULL;
    struct registry_options o = {.callers = t.callers,
                                 .identify = {.identify = identify},
                                 .blobs = t.blobs,
                                 .record = record,
                                 .signer = views_signer};
    t.registry = t.callers ? registry_start(&o, &e) : NULL;
    if (!t.registry)
        fail_msg("%s", e.msg);
    t.server = test_server(t.routes, registry_routes(t.registry, t.routes), NULL);
    return 0;
}

int views_stop(void **state)
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

void views_begin(void)
{
    struct err e = {0};
    must(db_begin(t.db, &e), &e);
}

void views_commit(void)
{
    struct err e = {0};
    must(db_commit(t.db, &e), &e);
}

struct digest views_put(const char *bytes)
{
    struct digest id;
    struct err e = {0};
    must(blob_put(t.blobs, span_str(bytes), &id, &e), &e);
    return id;
}

struct digest views_release(const char *name, const char *version)
{
    struct err e = {0};
    char text[256];
    snprintf(text, sizeof(text), "%s:%s", name, version);
    struct release_row row = {
        .digest = digest_of(span_str(text)), .name = name, .version = version, .admitted = true, .time_s = 1700000000};
    must(db_release_add(t.db, &row, &e), &e);
    return row.digest;
}

void views_point(const char *environment, const char *name, const struct digest *release)
{
    struct err e = {0};
    struct pointer_row row = {.environment = environment,
                              .name = name,
                              .release = *release,
                              .time_s = 1700000000,
                              .action = "promote",
                              .ledger_seq = 1};
    views_begin();
    must(db_pointer_set(t.db, &row, &e), &e);
    views_commit();
}

struct digest views_bring(const struct digest *release, const char *ecosystem, const char *name, const char *version,
                          const char *filename, const char *bytes, const char *about)
{
    struct package_row row = {.ecosystem = ecosystem,
                              .name = name,
                              .version = version,
                              .filename = filename,
                              .digest = views_put(bytes),
                              .size = strlen(bytes),
                              .about = about};
    views_row(release, &row);
    return row.digest;
}

void views_row(const struct digest *release, const struct package_row *row)
{
    struct err e = {0};
    must(db_package_add(t.db, release, row, &e), &e);
}

int views_ask(const char *token, const char *method, const char *path, const char *headers, const char *body)
{
    static char request[65536];
    snprintf(request, sizeof(request),
             "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\n%s", method, path,
             t.host, token, headers, body);
    client_exchange(http_port(t.server), request, views_reply, sizeof(views_reply));
    return status_of(views_reply);
}

void views_host(const char *host)
{
    t.host = host;
}

uint16_t views_port(void)
{
    return http_port(t.server);
}

int views_get(const char *path)
{
    return views_ask("anna.consumer.all", "GET", path, "", "");
}

void views_contains(const char *wanted)
{
    if (!strstr(views_reply, wanted))
        fail_msg("wanted \"%s\" in: %.4000s", wanted, views_reply);
}

void views_lacks(const char *unwanted)
{
    if (strstr(views_reply, unwanted))
        fail_msg("did not want \"%s\" in: %.4000s", unwanted, views_reply);
}

const char *views_body(void)
{
    return body_of(views_reply);
}

const char *views_if_none_match(void)
{
    static char line[256];
    const char *etag = strstr(views_reply, "ETag: ");
    if (!etag)
        fail_msg("no ETag in: %.1000s", views_reply);
    snprintf(line, sizeof(line), "If-None-Match: %.*s\r\n", (int)strcspn(etag + 6, "\r"), etag + 6);
    return line;
}

void views_recorded(const char *wanted)
{
    pthread_mutex_lock(&t.lock);
    bool found = strstr(buf_str(&t.records), wanted) != NULL;
    pthread_mutex_unlock(&t.lock);
    if (!found)
        fail_msg("wanted a record with %s in: %s", wanted, buf_str(&t.records));
}

void views_log_full(bool full)
{
    pthread_mutex_lock(&t.lock);
    t.log_full = full;
    pthread_mutex_unlock(&t.lock);
}
