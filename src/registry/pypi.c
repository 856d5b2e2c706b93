/* Two pages, each as HTML and as JSON: the list of names, and the files of a project. They are made for each request
 * out of what the pointers name at that moment. Addresses of files are relative to the page, so it reads the same
 * behind whatever host and port the client came through. Upload times are not given: when a file was first published is
 * not known here, and when it came in is no substitute (clients hold it against dates of the outside). */
#include "registry/pypi.h"

#include <stdlib.h>
#include <string.h>

#include "registry/pypi_path.h"
#include "util/html.h"
#include "util/limits.h"

#define API_VERSION "1.1" /* PEP 700: sizes and versions */
#define TYPE_JSON   "application/vnd.pypi.simple.v1+json"
#define TYPE_HTML   "application/vnd.pypi.simple.v1+html"
#define TYPE_TEXT   "text/html"

/* The largest page: PyPI's own longest project page has some 10,000 files and 8 MB. */
#define PAGE_BYTES (32U << 20)

/* The media types that one page is given as; the first of equals wins. Only a client that knows JSON asks for it by
 * name, and to one that takes anything (a browser) HTML says more. */
static const struct representation {
    const char *media_type, *content_type;
    bool json;
} REPRESENTATIONS[] = {
    {TYPE_TEXT, TYPE_TEXT "; charset=utf-8", false},
    {TYPE_HTML, TYPE_HTML, false},
    {"application/vnd.pypi.simple.latest+html", TYPE_HTML, false},
    {TYPE_JSON, TYPE_JSON, true},
    {"application/vnd.pypi.simple.latest+json", TYPE_JSON, true},
};

struct page {
    struct mirror *m;
    const struct representation *as;
    struct buf body;
    struct json_out w;
    size_t count;
    struct err *e;
    struct buf versions; /* of the files so far, each with its NUL */
};

static const struct representation *negotiate(struct mirror *m)
{
    const struct representation *best = NULL;
    unsigned best_quality = 0;
    for (size_t i = 0; i < ARRAY_LEN(REPRESENTATIONS); i++) {
        unsigned quality = http_accept_quality(m->r, REPRESENTATIONS[i].media_type);
        if (quality > best_quality) {
            best = &REPRESENTATIONS[i];
            best_quality = quality;
        }
    }
    if (best) {
        http_put_header(m->r, "Vary", "Accept");
        return best;
    }
    (void)mirror_record(m, 406, m->rest, NULL, 0);
    http_error(m->r, 406, NULL, "this page is given as " TYPE_JSON ", " TYPE_HTML " or " TYPE_TEXT);
    return NULL;
}

/* ── the beginning and the end of a page ── */

static void begin(struct page *p, const char *title)
{
    if (p->as->json) {
        json_out_init(&p->w, &p->body);
        json_out_object(&p->w);
        json_put_object(&p->w, "meta");
        json_put_string(&p->w, "api-version", API_VERSION);
        json_out_object_end(&p->w);
        return;
    }
    buf_add_str(&p->body, "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"pypi:repository-version\" content=\"" API_VERSION "\">\n<title>");
    html_printf(&p->body, "%s: %s", p->m->environment, title);
    buf_add_str(&p->body, "</title>\n</head>\n<body>\n");
}

static void end(struct page *p)
{
    if (p->as->json)
        json_out_object_end(&p->w);
    else
        buf_add_str(&p->body, "</body>\n</html>\n");
}

static void page_fini(struct page *p)
{
    buf_fini(&p->body);
    buf_fini(&p->versions);
}

/* ── the list of names ── */

static int add_name(void *arg, const char *name)
{
    struct page *p = arg;
    if (p->as->json) {
        json_out_object(&p->w);
        json_put_string(&p->w, "name", name);
        json_out_object_end(&p->w);
        return 0;
    }
    buf_add_str(&p->body, "<a href=\"");
    mirror_url_add(&p->body, name);
    buf_add_str(&p->body, "/\">");
    html_printf(&p->body, "%s", name);
    buf_add_str(&p->body, "</a><br>\n");
    return 0;
}

static int write_list(struct page *p)
{
    begin(p, "all projects");
    if (p->as->json)
        json_put_array(&p->w, "projects");
    if (db_package_names(p->m->db, p->m->environment, "pypi", add_name, p, p->e) < 0)
        return -1;
    if (p->as->json)
        json_out_array_end(&p->w);
    end(p);
    return 0;
}

/* ── the files of a project ── */

/* What a page says of a file besides its row. */
struct facts {
    const char *requires_python; /* NULL: nothing */
    const char *metadata;        /* hex of its SHA-256; NULL: none */
};

static int read_facts(const json_t *about, const char *filename, struct facts *out, struct err *e)
{
    struct digest digest;
    const char *metadata = json_get_string(about, "metadata", NULL);
    *out = (struct facts){.requires_python = json_get_string(about, "requires-python", NULL)};
    if (!metadata)
        return 0;
    if (digest_parse(span_str(metadata), &digest, e) < 0)
        return err_prefix(e, "%s: metadata", filename);
    out->metadata = strchr(metadata, ':') + 1;
    return 0;
}

/* From the page of the project, …/simple/NAME/. */
static void add_url(struct buf *out, const struct package_row *row)
{
    buf_add_str(out, "../../files/");
    mirror_url_add(out, row->name);
    buf_add_byte(out, '/');
    mirror_url_add(out, row->filename);
}

static void add_file_html(struct page *p, const struct package_row *row, const struct facts *f)
{
    buf_add_str(&p->body, "<a href=\"");
    add_url(&p->body, row);
    buf_printf(&p->body, "#sha256=%s\"", digest_hex(&row->digest).text);
    if (f->requires_python) {
        buf_add_str(&p->body, " data-requires-python=\"");
        html_printf(&p->body, "%s", f->requires_python);
        buf_add_byte(&p->body, '"');
    }
    if (f->metadata)
        buf_printf(&p->body, " data-core-metadata=\"sha256=%s\" data-dist-info-metadata=\"sha256=%s\"", f->metadata,
                   f->metadata);
    buf_add_byte(&p->body, '>');
    html_printf(&p->body, "%s", row->filename);
    buf_add_str(&p->body, "</a><br>\n");
}

static void put_sha256(struct json_out *w, const char *key, const char *hex)
{
    json_put_object(w, key);
    json_put_string(w, "sha256", hex);
    json_out_object_end(w);
}

static void add_file_json(struct page *p, const struct package_row *row, const struct facts *f)
{
    auto_buf url = BUF(4096);
    add_url(&url, row);
    json_out_object(&p->w);
    json_put_string(&p->w, "filename", row->filename);
    json_put_string(&p->w, "url", buf_str(&url));
    put_sha256(&p->w, "hashes", digest_hex(&row->digest).text);
    json_put_uint(&p->w, "size", row->size);
    if (f->requires_python)
        json_put_string(&p->w, "requires-python", f->requires_python);
    if (f->metadata) /* and not under its older name: pip 23.0, which is Debian 12's, falls over an object there (PEP
                        714) */
        put_sha256(&p->w, "core-metadata", f->metadata);
    json_out_object_end(&p->w);
}

static int add_file(void *arg, const struct package_row *row)
{
    struct page *p = arg;
    struct facts facts;
    auto_json about = json_parse(span_str(row->about), LIMIT_JSON_BYTES, row->filename, p->e);
    if (!about || read_facts(about, row->filename, &facts, p->e) < 0)
        return -1;
    if (p->as->json) {
        add_file_json(p, row, &facts);
        buf_add(&p->versions, row->version, strlen(row->version) + 1);
    } else {
        add_file_html(p, row, &facts);
    }
    p->count++;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each version once. */
static void add_versions(struct page *p)
{
    auto_free const char **all = calloc(p->count + 1, sizeof(*all));
    const char *at = buf_str(&p->versions);
    if (!all)
        abort();
    for (size_t i = 0; i < p->count; i++, at += strlen(at) + 1)
        all[i] = at;
    qsort(all, p->count, sizeof(*all), by_text);
    json_put_array(&p->w, "versions");
    for (size_t i = 0; i < p->count; i++)
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            json_out_string(&p->w, all[i]);
    json_out_array_end(&p->w);
}

static int write_project(struct page *p, const char *name)
{
    begin(p, name);
    if (p->as->json) {
        json_put_string(&p->w, "name", name);
        json_put_array(&p->w, "files");
    }
    if (mirror_each(p->m, "pypi", name, add_file, p, p->e) < 0 || buf_check(&p->versions, "versions", p->e) < 0)
        return -1;
    if (p->as->json) {
        json_out_array_end(&p->w);
        add_versions(p);
    }
    end(p);
    return 0;
}

/* ── requests ── */

static void answer_page(struct mirror *m, const struct pypi_path *path)
{
    struct err e = {0};
    struct page p = {.m = m, .e = &e, .body = BUF(PAGE_BYTES), .versions = BUF(PAGE_BYTES)};
    bool list = path->what == PYPI_LIST;
    p.as = negotiate(m);
    if (!p.as)
        return;
    if ((list ? write_list(&p) : write_project(&p, path->name)) < 0)
        mirror_failed(m, &e);
    else if (!list && p.count == 0 && !m->left_out)
        mirror_unknown(m, m->rest);
    else
        mirror_listing(m, m->rest, p.as->content_type, &p.body);
    page_fini(&p);
}

static void answer_metadata(struct mirror *m, const struct package_row *row)
{
    struct digest metadata;
    struct err e = {0};
    auto_json about = json_parse(span_str(row->about), LIMIT_JSON_BYTES, row->filename, &e);
    if (!about)
        mirror_failed(m, &e);
    else if (!json_object_get(about, "metadata"))
        mirror_unknown(m, m->rest);
    else if (json_need_digest(about, "metadata", "", &metadata, &e) < 0)
        mirror_failed(m, &e);
    else
        mirror_blob(m, m->rest, "text/plain; charset=utf-8", &metadata);
}

static void answer_file(struct mirror *m, const struct pypi_path *path)
{
    auto_buf strings = BUF(MIRROR_ROW_BYTES);
    struct package_row row;
    if (!mirror_file(m, m->rest, "pypi", path->name, path->filename, &row, &strings))
        return;
    http_put_header(m->r, "Cache-Control", "no-cache");
    if (path->what == PYPI_METADATA)
        answer_metadata(m, &row);
    else /* no Content-Encoding and no type that a client would unpack on the way */
        mirror_blob(m, m->rest, "application/octet-stream", &row.digest);
}

static void pypi_answer(struct mirror *m)
{
    struct pypi_path path;
    pypi_path_parse(m->rest, &path);
    switch (path.what) {
    case PYPI_LIST:
    case PYPI_PROJECT:
        answer_page(m, &path);
        break;
    case PYPI_MOVED:
        mirror_redirect(m, m->rest, path.location);
        break;
    case PYPI_FILE:
    case PYPI_METADATA:
        answer_file(m, &path);
        break;
    case PYPI_UNKNOWN:
        mirror_unknown(m, m->rest);
        break;
    }
}

const struct mirror_view PYPI_VIEW = {.name = "pypi", .answer = pypi_answer};
