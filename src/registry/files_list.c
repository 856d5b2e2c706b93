#include "registry/files_list.h"

#include <string.h>

#include "registry/files_type.h"
#include "util/html.h"

#define LIST_MAX (16U << 20)

struct list {
    struct mirror *m;
    struct json_out *w; /* JSON; NULL: HTML */
    struct buf *out;
};

/* ── one row ── */

/* RELEASE/PATH below /files/ENVIRONMENT/, each segment encoded. */
static void add_url(struct buf *out, const char *release, const struct package_row *row)
{
    auto_buf path = BUF(FILES_PATH_MAX);
    struct span rest, segment;
    buf_printf(&path, "%s/", release);
    files_path(release, row, &path);
    rest = buf_span(&path);
    while (span_take_until(&rest, '/', &segment)) {
        auto_buf one = BUF(FILES_PATH_MAX);
        buf_add_span(&one, segment);
        mirror_url_add(out, buf_str(&one));
        buf_add_byte(out, '/');
    }
    auto_buf last = BUF(FILES_PATH_MAX);
    buf_add_span(&last, rest);
    mirror_url_add(out, buf_str(&last));
}

static void add_json(struct list *l, const char *release, const struct package_row *row, const char *path,
                     const char *type)
{
    auto_buf url = BUF(4 * FILES_PATH_MAX);
    add_url(&url, release, row);
    json_out_object(l->w);
    json_put_string(l->w, "path", path);
    json_put_string(l->w, "release", release);
    json_put_string(l->w, "version", row->version);
    json_put_digest(l->w, "digest", &row->digest);
    json_put_uint(l->w, "size", row->size);
    json_put_string(l->w, "media-type", type);
    json_put_string(l->w, "url", buf_str(&url));
    json_out_object_end(l->w);
}

static void add_html(struct list *l, const char *release, const struct package_row *row, const char *path)
{
    buf_add_str(l->out, "<tr><td><a href=\"");
    add_url(l->out, release, row);
    buf_add_str(l->out, "\">");
    html_printf(l->out, "%s", path);
    buf_add_str(l->out, "</a></td><td>");
    html_printf(l->out, "%s %s", release, row->version);
    buf_printf(l->out, "</td><td>%llu</td><td><code>%s</code></td></tr>\n", (unsigned long long)row->size,
               digest_text(&row->digest).text);
}

static int add_row(void *arg, const char *release, const struct package_row *row)
{
    struct list *l = arg;
    char type[FILES_TYPE_SIZE];
    auto_buf path = BUF(FILES_PATH_MAX);
    files_path(release, row, &path);
    files_type(row->about, type);
    if (l->w)
        add_json(l, release, row, buf_str(&path), type);
    else
        add_html(l, release, row, buf_str(&path));
    return 0;
}

static int add_evidence(void *arg, const char *release, const struct package_row *row)
{
    struct list *l = arg;
    char url[160];
    snprintf(url, sizeof(url), "../../apt/%s/evidence/%s", l->m->environment, row->filename);
    if (l->w) {
        json_out_object(l->w);
        json_put_string(l->w, "kind", row->version);
        json_put_string(l->w, "name", row->name);
        json_put_string(l->w, "release", release);
        json_put_digest(l->w, "digest", &row->digest);
        json_put_uint(l->w, "size", row->size);
        json_put_string(l->w, "url", url);
        json_out_object_end(l->w);
        return 0;
    }
    buf_printf(l->out, "<tr><td><a href=\"%s\">", url);
    html_printf(l->out, "%s", row->name);
    buf_add_str(l->out, "</a></td><td>");
    html_printf(l->out, "%s", release);
    buf_printf(l->out, "</td><td>%llu</td><td><code>%s</code></td></tr>\n", (unsigned long long)row->size,
               digest_text(&row->digest).text);
    return 0;
}

/* ── the list ── */

static int each_file(struct list *l, struct err *e)
{
    return db_package_each_brought(l->m->db, l->m->environment, "file", add_row, l, e);
}

static int each_evidence(struct list *l, struct err *e)
{
    return db_package_each_brought(l->m->db, l->m->environment, "evidence", add_evidence, l, e);
}

int files_list_json(struct mirror *m, struct buf *out, struct err *e)
{
    struct json_out w;
    struct list l = {.m = m, .w = &w, .out = out};
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/files/1");
    json_put_string(&w, "environment", m->environment);
    json_put_array(&w, "files");
    if (each_file(&l, e) < 0)
        return -1;
    json_out_array_end(&w);
    json_put_array(&w, "evidence");
    if (each_evidence(&l, e) < 0)
        return -1;
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "the list of files", e);
}

static int list_html(struct mirror *m, struct buf *out, struct err *e)
{
    struct list l = {.m = m, .out = out};
    buf_add_str(out, "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>");
    html_printf(out, "Files in %s", m->environment);
    buf_add_str(out, "</title>\n</head>\n<body>\n<h1>");
    html_printf(out, "Files in %s", m->environment);
    buf_add_str(out, "</h1>\n<table>\n<tr><th>file</th><th>release</th><th>bytes</th><th>digest</th></tr>\n");
    if (each_file(&l, e) < 0)
        return -1;
    buf_add_str(out, "</table>\n<h2>What upstreams had signed of the packages</h2>\n<table>\n");
    if (each_evidence(&l, e) < 0)
        return -1;
    buf_add_str(out, "</table>\n</body>\n</html>\n");
    return buf_check(out, "the list of files", e);
}

void files_list_answer(struct mirror *m)
{
    struct err e = {0};
    struct buf body = BUF(LIST_MAX);
    bool json = http_accept_quality(m->r, "application/json") > http_accept_quality(m->r, "text/html");
    http_put_header(m->r, "Vary", "Accept");
    if (!json)
        http_put_header(m->r, "Content-Security-Policy", "default-src 'none'");
    if ((json ? files_list_json(m, &body, &e) : list_html(m, &body, &e)) < 0) {
        buf_fini(&body);
        mirror_failed(m, &e);
        return;
    }
    mirror_listing(m, "", json ? "application/json" : "text/html; charset=utf-8", &body);
}
