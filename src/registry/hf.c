/* The Hugging Face Hub, reading: models of the releases that stand in an environment (huggingface_hub 1.29: hf_api.py,
 * _snapshot_download.py, file_download.py). A revision is the digest of its list of files, so it moves when a byte
 * does. Every file is given as one of Git LFS: its ETag is its SHA-256, and nothing is hashed at a request. */
#include "registry/hf.h"

#include <stdlib.h>
#include <string.h>

#include "registry/hf_path.h"
#include "util/encode.h"

#define PAGE_MAX (16U << 20)

/* huggingface_hub refuses to fetch more than this over HTTP (file_download.py, MAX_HTTP_DOWNLOAD_SIZE). */
#define CLIENT_FILE_MAX 50000000000ULL

struct hf_file {
    char *path;   /* owned */
    char oid[41]; /* of the pointer that Git would hold: 40 hex digits */
    struct digest digest;
    uint64_t size;
};

/* One repository at one revision. */
struct hf_repo {
    const char *name, *wanted; /* borrowed: repository and revision as asked for */
    char revision[41];         /* found; "" when none was */
    bool several;              /* "main" means more than one */
    bool known;                /* there is such a repository, at whatever revision */
    struct hf_file *files;     /* owned; in order of path */
    size_t count, room;
};

static void repo_fini(struct hf_repo *repo)
{
    for (size_t i = 0; i < repo->count; i++)
        free(repo->files[i].path);
    free(repo->files);
}
#define auto_repo AUTO(repo_fini) struct hf_repo

/* ── what is held ── */

static bool is_wanted(const struct hf_repo *repo, const struct package_row *row, const json_t *about)
{
    if (strcmp(repo->wanted, "main") == 0 || strcmp(repo->wanted, row->version) == 0)
        return true;
    const char *tag = json_get_string(about, "tag", "");
    return *tag && strcmp(repo->wanted, tag) == 0;
}

static void add_file(struct hf_repo *repo, const struct package_row *row, const json_t *about)
{
    if (repo->count > 0 && strcmp(repo->files[repo->count - 1].path, row->filename) == 0)
        return; /* two releases bring the same revision */
    if (repo->count == repo->room) {
        repo->room = repo->room ? 2 * repo->room : 16;
        repo->files = reallocarray(repo->files, repo->room, sizeof(*repo->files));
        if (!repo->files)
            abort();
    }
    struct hf_file *f = &repo->files[repo->count++];
    *f = (struct hf_file){.path = strdup(row->filename), .digest = row->digest, .size = row->size};
    if (!f->path)
        abort();
    snprintf(f->oid, sizeof(f->oid), "%s", json_get_string(about, "oid", ""));
}

static int take_row(void *arg, const struct package_row *row)
{
    struct hf_repo *repo = arg;
    struct err e = {0};
    auto_json about = json_parse(span_str(row->about), 4096, "about", &e); /* we wrote it */
    repo->known = true;
    if (!is_wanted(repo, row, about))
        return 0;
    if (!repo->revision[0])
        snprintf(repo->revision, sizeof(repo->revision), "%s", row->version);
    if (strcmp(repo->revision, row->version) == 0)
        add_file(repo, row, about);
    else
        repo->several = true;
    return 0;
}

static int load(struct mirror *m, const struct hf_path *p, struct hf_repo *repo, struct err *e)
{
    *repo = (struct hf_repo){.name = p->repo, .wanted = p->revision};
    return db_package_each(m->db, m->environment, "hf", p->repo, take_row, repo, e);
}

/* ── refusals, in the hub's words ── */

static void refuse(struct mirror *m, unsigned status, const char *code, const char *message)
{
    (void)mirror_record(m, status, m->rest, NULL, 0);
    if (code)
        http_put_header(m->r, "X-Error-Code", code);
    http_put_header(m->r, "X-Error-Message", message);
    http_error(m->r, status, NULL, "%s", message);
}

static bool refuse_unknown(struct mirror *m, const struct hf_repo *repo)
{
    auto_buf why = BUF(1024);
    const char *code = repo->known ? "RevisionNotFound" : "RepoNotFound";
    if (repo->revision[0] && !repo->several)
        return false;
    if (repo->several) {
        buf_printf(&why, "%s is brought by several releases of %s in different revisions; ask for one by its commit",
                   repo->name, m->environment);
        refuse(m, 409, "RevisionNotFound", buf_str(&why));
        return true;
    }
    if (repo->known)
        buf_printf(&why, "%s has no revision %s in %s", repo->name, repo->wanted, m->environment);
    else
        buf_printf(&why, "no release in %s brings the model %s", m->environment, repo->name);
    refuse(m, 404, code, buf_str(&why));
    return true;
}

static void refuse_entry(struct mirror *m, const struct hf_repo *repo, const char *path)
{
    auto_buf why = BUF(2048);
    buf_printf(&why, "%s has no %s at revision %s", repo->name, path, repo->revision);
    http_put_header(m->r, "X-Repo-Commit", repo->revision);
    refuse(m, 404, "EntryNotFound", buf_str(&why));
}

/* ── pages ── */

/* The same for everybody who may ask. */
static void page(struct mirror *m, struct buf *body)
{
    mirror_listing(m, m->rest, "application/json", body);
}

/* "lfs": what Git LFS would say of the file. The pointer's size is that of its three lines. */
static void put_lfs(struct json_out *w, const struct hf_file *f, const char *hash_key)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)f->size);
    json_put_object(w, "lfs");
    json_put_string(w, hash_key, digest_hex(&f->digest).text);
    json_put_uint(w, "size", f->size);
    json_put_uint(w, "pointerSize", HF_POINTER_FIXED + (uint64_t)length);
    json_out_object_end(w);
}

static void put_model(struct json_out *w, const struct hf_repo *repo)
{
    json_out_object(w);
    json_put_string(w, "id", repo->name);
    json_put_string(w, "modelId", repo->name);
    json_put_string(w, "sha", repo->revision);
    json_put_bool(w, "private", false);
    json_put_bool(w, "gated", false);
    json_put_bool(w, "disabled", false);
    json_put_array(w, "tags");
    json_out_array_end(w);
    json_put_array(w, "siblings");
    for (size_t i = 0; i < repo->count; i++) {
        json_out_object(w);
        json_put_string(w, "rfilename", repo->files[i].path);
        json_put_uint(w, "size", repo->files[i].size);
        json_put_string(w, "blobId", repo->files[i].oid);
        put_lfs(w, &repo->files[i], "sha256");
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_out_object_end(w);
}

static void answer_info(struct mirror *m, const struct hf_repo *repo)
{
    struct buf body = BUF(PAGE_MAX);
    struct json_out w;
    json_out_init(&w, &body);
    put_model(&w, repo);
    page(m, &body);
}

static void put_file(struct json_out *w, const struct hf_file *f)
{
    json_out_object(w);
    json_put_string(w, "type", "file");
    json_put_string(w, "path", f->path);
    json_put_uint(w, "size", f->size);
    json_put_string(w, "oid", f->oid);
    put_lfs(w, f, "oid");
    json_out_object_end(w);
}

/* Git would name a folder by what is in it; who asks only tells folders apart by it. */
static void put_folder(struct json_out *w, const struct hf_repo *repo, struct span path)
{
    auto_buf text = BUF(8192);
    char oid[41];
    buf_printf(&text, "%s ", repo->revision);
    buf_add_span(&text, path);
    struct digest id = digest_of(buf_span(&text));
    hex_encode(span_of(id.bytes, 20), oid);
    json_out_object(w);
    json_put_string(w, "type", "directory");
    json_out_key(w, "path");
    json_out_span(w, path);
    json_put_string(w, "oid", oid);
    json_put_uint(w, "size", 0);
    json_out_object_end(w);
}

/* Is `path` below `folder` ("" is the top)? Then *below is what follows. */
static bool is_below(const char *path, const char *folder, const char **below)
{
    size_t length = strlen(folder);
    if (length == 0) {
        *below = path;
        return true;
    }
    if (strncmp(path, folder, length) != 0 || path[length] != '/')
        return false;
    *below = path + length + 1;
    return true;
}

/* Folders of `path` below `folder` that the file before it did not lie in. */
static void put_new_folders(struct json_out *w, const struct hf_repo *repo, const char *below, const char *path,
                            const char *before, bool all)
{
    for (const char *slash = strchr(below, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path) + 1;
        if (!before || strncmp(before, path, length) != 0)
            put_folder(w, repo, span_of(path, length - 1));
        if (!all)
            return;
    }
}

static void answer_tree(struct mirror *m, const struct hf_repo *repo, const char *folder)
{
    struct buf body = BUF(PAGE_MAX);
    struct json_out w;
    const char *recursive = http_query(m->r, "recursive"), *before = NULL;
    bool all = recursive && (strcmp(recursive, "true") == 0 || strcmp(recursive, "True") == 0), any = false;
    json_out_init(&w, &body);
    json_out_array(&w);
    for (size_t i = 0; i < repo->count; i++) {
        const char *below, *path = repo->files[i].path;
        if (!is_below(path, folder, &below))
            continue;
        any = true;
        put_new_folders(&w, repo, below, path, before, all);
        if (all || !strchr(below, '/'))
            put_file(&w, &repo->files[i]);
        before = path;
    }
    json_out_array_end(&w);
    if (any || !*folder) {
        page(m, &body);
        return;
    }
    buf_fini(&body);
    refuse_entry(m, repo, folder);
}

/* ── paths-info: which of these paths are there ── */

static void put_path_info(struct json_out *w, const struct hf_repo *repo, const char *path)
{
    for (size_t i = 0; i < repo->count; i++) {
        const char *below;
        if (strcmp(repo->files[i].path, path) == 0) {
            put_file(w, &repo->files[i]);
            return;
        }
        if (is_below(repo->files[i].path, path, &below)) {
            put_folder(w, repo, span_str(path));
            return;
        }
    }
}

static void answer_paths_info(struct mirror *m, const struct hf_repo *repo)
{
    struct buf body = BUF(PAGE_MAX);
    struct json_out w;
    struct err e = {0};
    auto_json paths = hf_form_paths(http_header(m->r, "Content-Type"), http_body(m->r), &e);
    if (!paths) {
        refuse(m, 400, NULL, e.msg);
        return;
    }
    const json_t *path;
    size_t i;
    json_out_init(&w, &body);
    json_out_array(&w);
    json_array_foreach(paths, i, path) put_path_info(&w, repo, json_string_value(path));
    json_out_array_end(&w);
    page(m, &body);
}

static void answer_refs(struct mirror *m, const struct hf_repo *repo)
{
    struct buf body = BUF(4096);
    struct json_out w;
    json_out_init(&w, &body);
    json_out_object(&w);
    json_put_array(&w, "branches");
    json_out_object(&w);
    json_put_string(&w, "name", "main");
    json_put_string(&w, "ref", "refs/heads/main");
    json_put_string(&w, "targetCommit", repo->revision);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_put_array(&w, "converts");
    json_out_array_end(&w);
    json_put_array(&w, "tags");
    json_out_array_end(&w);
    json_out_object_end(&w);
    page(m, &body);
}

/* ── files ── */

static const struct hf_file *find_file(const struct hf_repo *repo, const char *path)
{
    for (size_t i = 0; i < repo->count; i++)
        if (strcmp(repo->files[i].path, path) == 0)
            return &repo->files[i];
    return NULL;
}

static bool too_large_for_client(struct mirror *m, const struct hf_file *f)
{
    const char *agent = http_header(m->r, "User-Agent");
    if (f->size <= CLIENT_FILE_MAX || !agent || !strstr(agent, "hf_hub/"))
        return false;
    auto_buf why = BUF(1024);
    buf_printf(&why,
               "%s has %llu bytes, and this client takes at most %llu by HTTP; fetch it from the registry instead: "
               "oras blob fetch HOST/%s/RELEASE@%s, or curl with this address",
               f->path, (unsigned long long)f->size, CLIENT_FILE_MAX, m->environment, digest_text(&f->digest).text);
    refuse(m, 413, NULL, buf_str(&why));
    return true;
}

static void answer_file(struct mirror *m, const struct hf_repo *repo, const char *path)
{
    char size[24], etag[DIGEST_HEX_SIZE + 2];
    const struct hf_file *f = find_file(repo, path);
    if (!f) {
        refuse_entry(m, repo, path);
        return;
    }
    if (too_large_for_client(m, f))
        return;
    snprintf(size, sizeof(size), "%llu", (unsigned long long)f->size);
    snprintf(etag, sizeof(etag), "\"%s\"", digest_hex(&f->digest).text);
    http_put_header(m->r, "X-Repo-Commit", repo->revision);
    http_put_header(m->r, "X-Linked-Size", size);
    http_put_header(m->r, "X-Linked-Etag", etag);
    mirror_blob(m, m->rest, "application/octet-stream", &f->digest);
}

/* ── without a repository ── */

static void answer_whoami(struct mirror *m)
{
    struct buf body = BUF(4096);
    struct json_out w;
    json_out_init(&w, &body);
    json_out_object(&w);
    json_put_string(&w, "type", "user");
    json_put_string(&w, "name", m->who.person);
    json_put_string(&w, "fullname", m->who.person);
    json_put_array(&w, "orgs");
    json_out_array_end(&w);
    json_put_object(&w, "auth");
    json_put_string(&w, "type", "access_token");
    json_put_object(&w, "accessToken");
    json_put_string(&w, "displayName", m->who.role_name);
    json_put_string(&w, "role", "read");
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
    mirror_page(m, m->rest, "application/json", NULL, &body);
}

/* What is wanted of the list. Models have no tags here: a filter by one finds nothing. */
struct listing {
    struct json_out w;
    const char *search, *author; /* NULL: any */
    bool by_tag;
    uint64_t limit, put;
};

static bool is_by(const char *name, const char *author)
{
    size_t length = strlen(author);
    return strncmp(name, author, length) == 0 && name[length] == '/';
}

static int put_name(void *arg, const char *name)
{
    struct listing *l = arg;
    if (l->by_tag || l->put == l->limit || (l->search && !strcasestr(name, l->search)) ||
        (l->author && !is_by(name, l->author)))
        return 0;
    l->put++;
    json_out_object(&l->w);
    json_put_string(&l->w, "id", name);
    json_put_string(&l->w, "modelId", name);
    json_put_bool(&l->w, "private", false);
    json_out_object_end(&l->w);
    return 0;
}

static void answer_list(struct mirror *m)
{
    struct listing l = {.search = http_query(m->r, "search"),
                        .author = http_query(m->r, "author"),
                        .by_tag = http_query(m->r, "filter") || http_query(m->r, "pipeline_tag"),
                        .limit = UINT64_MAX};
    const char *limit = http_query(m->r, "limit");
    struct err e = {0};
    if (limit && !span_decimal(span_str(limit), &l.limit)) {
        refuse(m, 400, NULL, "limit: wanted a number");
        return;
    }
    struct buf body = BUF(PAGE_MAX);
    json_out_init(&l.w, &body);
    json_out_array(&l.w);
    if (db_package_names(m->db, m->environment, "hf", put_name, &l, &e) < 0) {
        buf_fini(&body);
        mirror_failed(m, &e);
        return;
    }
    json_out_array_end(&l.w);
    page(m, &body);
}

static void answer_repo(struct mirror *m, const struct hf_path *p)
{
    auto_repo repo;
    struct err e = {0};
    if (load(m, p, &repo, &e) < 0) {
        mirror_failed(m, &e);
        return;
    }
    if (refuse_unknown(m, &repo))
        return;
    if (p->what == HF_INFO)
        answer_info(m, &repo);
    else if (p->what == HF_TREE)
        answer_tree(m, &repo, p->path);
    else if (p->what == HF_PATHS_INFO)
        answer_paths_info(m, &repo);
    else if (p->what == HF_REFS)
        answer_refs(m, &repo);
    else
        answer_file(m, &repo, p->path);
}

static void hf_answer(struct mirror *m)
{
    struct hf_path p;
    hf_path_parse(m->rest, http_route_segments(m->r) + (m->rest - http_route_rest(m->r)), &p);
    if (http_method(m->r) == HTTP_POST && p.what != HF_PATHS_INFO)
        refuse(m, 405, NULL, "models come in by shipment; here they are only read");
    else if (p.what == HF_UNKNOWN)
        refuse(m, 404, NULL, "wanted api/models/REPO/… or REPO/resolve/REVISION/FILE");
    else if (p.what == HF_OTHER_KIND)
        refuse(m, 404, "RepoNotFound",
               "datasets and spaces are not held here; datasets of a release lie below /files/");
    else if (p.what == HF_WHOAMI)
        answer_whoami(m);
    else if (p.what == HF_LIST)
        answer_list(m);
    else
        answer_repo(m, &p);
}

const struct mirror_view HF_VIEW = {.name = "hf",
                                    .answer = hf_answer,
                                    .methods = HTTP_GET | HTTP_HEAD | HTTP_POST,
                                    .body_max = 1U << 20,
                                    .encoded_slash = true,
                                    .repeated_query = "expand"};
