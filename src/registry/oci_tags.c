/* Listing tags (distribution-spec 1.1, "Listing Tags"): "latest" and the version of the release that stands, and the
 * caller's own of what they pushed, in order of bytes, each once. */
#include <stdio.h>
#include <string.h>

#include "registry/oci.h"

/* A page when the client asks for no number. */
#define TAGS_PAGE 10000U

struct tags {
    struct json_out w;
    const char *standing[2]; /* not given yet, in order; NULL: none */
    const char *after;
    uint64_t n, put;
    bool more;
    char last[129];
};

/* Gives one tag; 1 when the page is full. */
static int give(struct tags *t, const char *tag)
{
    if (t->put == t->n) {
        t->more = true;
        return 1;
    }
    json_out_string(&t->w, tag);
    snprintf(t->last, sizeof t->last, "%s", tag);
    t->put++;
    return 0;
}

/* Gives what stands there before `tag` (NULL: all of it). */
static int give_standing(struct tags *t, const char *tag)
{
    for (size_t i = 0; i < ARRAY_LEN(t->standing); i++) {
        const char *s = t->standing[i];
        if (!s || (tag && strcmp(s, tag) > 0))
            continue;
        t->standing[i] = NULL;
        if (strcmp(s, t->after) > 0 && (!tag || strcmp(s, tag) != 0) && give(t, s))
            return 1;
    }
    return 0;
}

static int each_pushed(void *arg, const char *tag, const struct digest *id)
{
    struct tags *t = arg;
    (void)id;
    return give_standing(t, tag) || give(t, tag);
}

static int list(struct oci *o, struct tags *t, struct err *e)
{
    auto_buf names = BUF(1024);
    struct release_row row;
    int result = 0;
    if (o->stands && db_release_get(o->db, &o->release, &row, &names, e) < 0)
        return -1;
    if (o->stands) {
        t->standing[0] = "latest";
        t->standing[1] = row.version;
    }
    json_out_object(&t->w);
    json_put_string(&t->w, "name", o->path.repository);
    json_put_array(&t->w, "tags");
    if (o->pushed)
        result = db_push_tag_each(o->db, &o->view, t->after, each_pushed, t, e);
    if (result == 0)
        result = give_standing(t, NULL);
    json_out_array_end(&t->w);
    json_out_object_end(&t->w);
    return result < 0 ? -1 : 0;
}

void oci_answer_tags(struct oci *o)
{
    struct err e = {0};
    struct buf body = BUF(TAGS_PAGE * 256);
    struct tags t = {.n = TAGS_PAGE};
    const char *count = http_query(o->r, "n"), *after = http_query(o->r, "last");
    t.after = after ? after : "";
    if (count && !span_decimal(span_str(count), &t.n)) {
        (void)pull_record(o, 400, NULL, 0);
        buf_fini(&body);
        http_error(o->r, 400, "UNSUPPORTED", "n: wanted a number");
        return;
    }
    if (t.n > TAGS_PAGE)
        t.n = TAGS_PAGE;
    json_out_init(&t.w, &body);
    if (list(o, &t, &e) < 0) {
        buf_fini(&body);
        oci_failed(o, &e);
        return;
    }
    if (t.more && t.put > 0) {
        char link[512];
        snprintf(link, sizeof link, "</v2/%s/tags/list?n=%llu&last=%s>; rel=\"next\"", o->path.repository,
                 (unsigned long long)t.n, t.last);
        http_put_header(o->r, "Link", link);
    }
    oci_answer_page(o, NULL, "application/json", &body);
}
