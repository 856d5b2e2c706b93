/* Model repositories: the hub's own client, by commit. It looks at sizes only, so the hub is asked by curl what the
 * commit lists, and each file is held against that: the SHA-256 of a large one, git's name of a small one. A hub has no
 * signature: what it says of a commit is believed. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "collect/collecting.h"
#include "ship/release_internal.h"
#include "util/digest.h"
#include "util/file.h"

#define FOLDER  "out/model"
#define JSON_MS 30000

/* A listing goes on on another page from here on, which we do not ask for. */
#define LISTED_MAX 1000U

/* ── the clients ── */

/* PATH of the folder with the client, and the program in it. */
static int find_hub(struct collecting *c, char folder[PATH_MAX], struct err *e)
{
    char link[40];
    auto_fd fd = dir_open(c->dir, c->spec->models.client, e);
    if (fd < 0)
        return err_hint(e, "upstreams: models: client is the folder of a virtual environment: python3 -m venv FOLDER; "
                           "FOLDER/bin/pip install huggingface_hub");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, folder, PATH_MAX - 1);
    if (len < 0)
        return err_set(e, ERR_SYSTEM, 0, "find the path of %s", c->spec->models.client);
    folder[len] = '\0';
    if (snprintf(c->hub_program, sizeof c->hub_program, "%s/bin/hf", folder) >= (int)sizeof c->hub_program)
        return err_set(e, ERR_INPUT, 0, "%s: the path is too long", c->spec->models.client);
    c->hub = (struct client){"hf", c->hub_program, "python3-venv, and huggingface_hub in the folder that client names"};
    return 0;
}

static int write_token(const struct collecting *c, int work, struct err *e)
{
    char token[1024];
    auto_buf header = BUF(2048);
    if (!c->spec->models.token_file)
        return 0;
    if (token_read(c, c->spec->models.token_file, token, e) < 0)
        return -1;
    buf_printf(&header, "Authorization: Bearer %s\n", token);
    return work_write(work, "home/token", span_str(token), e) < 0
               ? -1
               : work_write(work, "home/headers", buf_span(&header), e);
}

static int run_hub(struct collecting *c, const struct lock_package *p, const struct places *places, int work,
                   struct err *e)
{
    char folder[PATH_MAX];
    auto_buf endpoint = BUF(1024);
    const char *const argv[] = {"download", p->name, "--revision", p->version, "--local-dir", CLIENT_WORK "/" FOLDER,
                                NULL};
    buf_printf(&endpoint, "HF_ENDPOINT=%s", c->spec->models.endpoint);
    if (buf_check(&endpoint, "endpoint", e) < 0 || find_hub(c, folder, e) < 0)
        return -1;
    const char *const env[] = {buf_str(&endpoint),
                               "HF_HOME=" CLIENT_WORK "/home/hub",
                               "HF_TOKEN_PATH=" CLIENT_WORK "/home/token",
                               "HF_HUB_DISABLE_TELEMETRY=1",
                               "HF_HUB_DISABLE_XET=1",
                               "HF_HUB_DISABLE_PROGRESS_BARS=1",
                               "DO_NOT_TRACK=1",
                               NULL};
    const struct client_order order = {
        .client = &c->hub, .argv = argv, .env = env, .places = places, .also = folder, .work = work, .keep_output = -1};
    return client_run(&c->clients, &order, e);
}

/* What the hub lists of the commit, taken apart in the parse process. */
static json_t *list_commit(struct collecting *c, const struct lock_package *p, const struct places *places, int work,
                           struct err *e)
{
    auto_buf url = BUF(2048);
    uint64_t size;
    buf_printf(&url, "%s/api/models/%s/tree/%s?recursive=true&expand=false", c->spec->models.endpoint, p->name,
               p->version);
    if (buf_check(&url, "URL", e) < 0 ||
        fetch_url(c, places, work, buf_str(&url), "application/json", "listing", e) < 0)
        return NULL;
    auto_fd fd = left_open(work, "out/listing", &size, e);
    if (fd < 0)
        return NULL;
    struct child_request request = {.op = "json", .fd = fd, .timeout_ms = JSON_MS};
    auto_json listing = child_call_json(c->parser, &request, "the listing of the commit", e);
    if (listing && json_array_size(listing) >= LISTED_MAX)
        return err_set(e, ERR_LIMIT, 0, "the commit lists %u files or more", LISTED_MAX), NULL;
    return listing ? json_incref(listing) : NULL;
}

/* ── one file ── */

static bool is_as_listed(const json_t *row, struct span bytes)
{
    const json_t *large = json_object_get(row, "lfs");
    char git[GIT_BLOB_HEX_SIZE];
    if (large) {
        struct digest d = digest_of(bytes);
        return strcmp(json_get_string(large, "oid", ""), digest_hex(&d).text) == 0;
    }
    git_blob_hex(bytes, git);
    return strcmp(json_get_string(row, "oid", ""), git) == 0;
}

static int check_listed(const json_t *row, int fd, uint64_t size, const char *path, struct err *e)
{
    uint64_t listed;
    if (json_need_uint(row, "size", "", &listed, e) < 0)
        return -1;
    void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (bytes == MAP_FAILED)
        return err_set(e, ERR_IO, 0, "map %s", path);
    bool good = size == listed && is_as_listed(row, span_of(bytes, size));
    if (bytes)
        munmap(bytes, size);
    return good ? 0 : err_set(e, ERR_INPUT, 0, "%s: the hub sent other bytes than it lists for this commit", path);
}

static char *copy(const char *text)
{
    char *out = strdup(text);
    if (!out)
        abort();
    return out;
}

static void name_file(struct package *out, const struct lock_package *p, const char *path, const json_t *row)
{
    char *const old[] = {out->ecosystem, out->name, out->version, out->filename};
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        free(old[i]);
    out->ecosystem = copy("hf");
    out->name = copy(p->name);
    out->version = copy(p->version);
    out->filename = copy(path);
    out->group = copy(p->group);
    json_object_clear(out->about);
    json_object_set_new(out->about, "oid", json_string(json_get_string(row, "oid", "")));
}

static int take_listed(struct collecting *c, const struct lock_package *p, const json_t *row, int work, struct err *e)
{
    AUTO(package_fini) struct package package = {0};
    const char *path = json_get_string(row, "path", "");
    char where[1200];
    uint64_t size;
    if (!release_file_path_ok(path))
        return err_set(e, ERR_INPUT, 0, "the hub lists \"%.200s\", which is no path that a release can have", path);
    snprintf(where, sizeof where, FOLDER "/%s", path);
    auto_fd fd = left_open(work, where, &size, e);
    const char *base = strrchr(path, '/');
    if (fd < 0 || check_listed(row, fd, size, path, e) < 0 ||
        package_look(c->parser, fd, base ? base + 1 : path, "file", &package, NULL, NULL, e) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set(e, ERR_IO, 0, "lseek");
    if (blob_put_fd(c->s->blobs, fd, &package.digest, &package.digest, &package.size, e) < 0)
        return err_prefix(e, "%s", path);
    name_file(&package, p, path, row);
    packages_add(&c->packages, &package);
    return 0;
}

/* A contour serves a hub's protocol below /hf/ENV. */
static const char *whom_to_ask(const struct collecting *c)
{
    return strstr(c->spec->models.endpoint, "/hf/")
               ? "In a contour a model goes by model: repository of its release.yaml, or without one by the release's "
                 "name; ENDPOINT/api/models/NAME says its commit as \"sha\""
               : "On a hub the model's page names it, and its commits under \"History\"; one that is not public wants "
                 "token-file";
}

static int fetch_model(struct collecting *c, const struct lock_package *p, struct err *e)
{
    int made;
    size_t i;
    json_t *row;
    struct places places = {0};
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    if (places_add_text(&places, c->spec->models.endpoint, e) < 0 || write_token(c, work, e) < 0 ||
        dir_make(work, FOLDER, 0700, e) < 0)
        return -1;
    auto_json listing = list_commit(c, p, &places, work, e);
    if (!listing || run_hub(c, p, &places, work, e) < 0)
        return e->code == ERR_INPUT ? client_hint(e, whom_to_ask(c)) : -1;
    json_array_foreach(listing, i, row)
    {
        if (strcmp(json_get_string(row, "type", ""), "file") == 0 && take_listed(c, p, row, work, e) < 0)
            return -1;
    }
    return 0;
}

int fetch_models(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    for (size_t i = 0; i < lock->count; i++)
        if (fetch_model(c, &lock->packages[i], e) < 0)
            return err_prefix(e, "%s:%u: %s", set->file, lock->packages[i].line, lock->packages[i].name);
    return 0;
}
