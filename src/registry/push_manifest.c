/* Manifests that come (distribution-spec 1.1, "Pushing Manifests"). Order: the whole body, its digest, its meaning (in
 * the parse process), everything that it needs, a release's own rules; then the bytes as a blob, then the rows in one
 * transaction. What is refused has left nothing. */
#include <stdio.h>
#include <string.h>

#include "parse/manifest.h"
#include "registry/push_internal.h"
#include "ship/release.h"
#include "util/clock.h"
#include "util/limits.h"

/* As many as a query may have parameters. */
#define TAGS_MAX 16U

#define PARSE_TIMEOUT_MS 10000

struct pushed {
    struct oci *o;
    struct buf bytes; /* owned */
    struct digest id;
    struct oci_digest named;
    struct digest512_text text; /* of named */
    struct push_room room;      /* for bytes */
    json_t *meaning;            /* owned; of the op "manifest" */
    const char *tags[TAGS_MAX]; /* borrowed */
    size_t tag_count;
};

static int add(void *arg, struct span bytes, struct err *e)
{
    struct pushed *m = arg;
    if (push_room_take(&m->room, bytes.len, e) < 0)
        return -1;
    buf_add_span(&m->bytes, bytes);
    return buf_check(&m->bytes, "manifest", e);
}

static int take_body(struct pushed *m, struct err *e)
{
    uint64_t got;
    push_room_list(&m->room);
    int result = push_body_each(m->o, MANIFEST_MAX, add, m, &got, e);
    push_room_close(&m->room);
    return result;
}

/* -1: answered. */
static int take_bytes(struct pushed *m)
{
    struct oci *o = m->o;
    struct err e = {0};
    if (http_body_length(o->r) > (int64_t)MANIFEST_MAX)
        err_set(&e, ERR_LIMIT, 0, "a manifest of %lld bytes; at most %u are taken", (long long)http_body_length(o->r),
                MANIFEST_MAX);
    else if (push_room(o, push_announced(o), &e) < 0)
        m->room.none = true;
    else if (take_body(m, &e) == 0)
        return 0;
    if (m->room.none)
        push_room_refuse(o, &e);
    else
        push_refuse_err(o, "put", "", "MANIFEST_INVALID", &e);
    return -1;
}

/* The digest that it goes by: the one in the path, if it is its own. -1: answered. */
static int name(struct pushed *m)
{
    struct oci *o = m->o;
    m->id = digest_of(buf_span(&m->bytes));
    m->named = (struct oci_digest){.sha256 = m->id};
    if (o->path.by_digest && o->path.digest.is_512)
        m->named = (struct oci_digest){.is_512 = true, .sha512 = digest512_of(buf_span(&m->bytes))};
    m->text = oci_digest_text(&m->named);
    if (!o->path.by_digest || strcmp(m->text.text, oci_digest_text(&o->path.digest).text) == 0)
        return 0;
    push_refuse(o, "put", oci_digest_text(&o->path.digest).text, 400, "DIGEST_INVALID", "the bytes hash to %s",
                m->text.text);
    return -1;
}

/* Tags come in the path, or with ?tag= behind a digest (distribution-spec, "Pushing manifests with tags"). -1:
 * answered. */
static int take_tags(struct pushed *m)
{
    struct oci *o = m->o;
    const char *tag;
    if (!o->path.by_digest)
        m->tags[m->tag_count++] = o->path.tag;
    for (size_t i = 0; o->path.by_digest && m->tag_count < TAGS_MAX && (tag = http_query_at(o->r, "tag", i)); i++)
        m->tags[m->tag_count++] = tag;
    for (size_t i = 0; i < m->tag_count; i++) {
        if (!oci_tag_ok(m->tags[i])) {
            push_refuse(o, "put", m->text.text, 400, "MANIFEST_INVALID", "a tag is [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
            return -1;
        }
        if (!strcmp(m->tags[i], "latest")) {
            push_refuse(o, "put", m->text.text, 403, "DENIED",
                        "\"latest\" is the release that stands in the environment, whichever that is; push under a "
                        "version");
            return -1;
        }
    }
    return 0;
}

/* The media type it was sent under, without parameters. */
static struct span sent_type(const struct oci *o)
{
    const char *header = http_header(o->r, "Content-Type");
    struct span text = span_str(header ? header : ""), type;
    if (!span_take_until(&text, ';', &type))
        type = text;
    while (type.len && (type.ptr[type.len - 1] == ' ' || type.ptr[type.len - 1] == '\t'))
        type.len--;
    return type;
}

/* What the parse process says of a manifest that was sent as `type`. */
static json_t *read_meaning(struct oci *o, struct span bytes, struct span type, struct err *e)
{
    struct registry *g = o->g;
    struct child_request request = {
        .op = "manifest", .fd = -1, .input = bytes, .arg = type, .timeout_ms = PARSE_TIMEOUT_MS};
    pthread_mutex_lock(&g->parser_lock);
    json_t *meaning = child_call_json(g->parser, &request, "manifest", e);
    pthread_mutex_unlock(&g->parser_lock);
    return meaning;
}

/* -1: answered. */
static int understand(struct pushed *m)
{
    struct err e = {0};
    m->meaning = read_meaning(m->o, buf_span(&m->bytes), sent_type(m->o), &e);
    if (m->meaning)
        return 0;
    push_refuse_err(m->o, "put", m->text.text, "MANIFEST_INVALID", &e);
    return -1;
}

/* One thing that the manifest needs is there, and as long as it says. -1: answered. */
static int check_need(struct pushed *m, const json_t *need)
{
    struct oci_digest d;
    struct oci_found found;
    struct err e = {0};
    const char *text = json_get_string(need, "digest", "");
    uint64_t size = (uint64_t)json_integer_value(json_object_get(need, "size"));
    bool manifest = json_is_true(json_object_get(need, "manifest"));
    if (!oci_digest_parse(span_str(text), &d)) {
        push_refuse(m->o, "put", m->text.text, 503, NULL, "the manifest could not be read; push it again");
        return -1; /* the parse process answered with nonsense */
    }
    int there = manifest ? oci_find_manifest(m->o, &d, &found, &e) : oci_find_blob(m->o, &d, &found, &e);
    if (there < 0)
        push_refuse_err(m->o, "put", m->text.text, NULL, &e);
    else if (there == 0)
        push_refuse(m->o, "put", m->text.text, 400, "MANIFEST_BLOB_UNKNOWN", "it needs %s, which is not in %s", text,
                    m->o->path.repository);
    else if (found.size != size)
        push_refuse(m->o, "put", m->text.text, 400, "MANIFEST_INVALID", "it says that %s has %llu bytes; it has %llu",
                    text, (unsigned long long)size, (unsigned long long)found.size);
    return there > 0 && found.size == size ? 0 : -1;
}

static int check_needs(struct pushed *m)
{
    const json_t *needs = json_object_get(m->meaning, "needs"), *need;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)needs, i, need)
    {
        if (check_need(m, need) < 0)
            return -1;
    }
    return 0;
}

/* ── rows ── */

static int write_rows(struct pushed *m, struct err *e)
{
    struct oci *o = m->o;
    auto_free char *annotations = NULL;
    const json_t *said = json_object_get(m->meaning, "annotations");
    if (json_object_size(said) > 0 && !(annotations = json_dumps(said, JSON_COMPACT)))
        abort();
    struct push_manifest_row row = {
        .digest = m->id,
        .named = m->text.text,
        .media_type = json_get_string(m->meaning, "media-type", ""),
        .size = m->bytes.len,
        .subject = json_get_string(m->meaning, "subject", ""),
        .artifact_type = json_get_string(m->meaning, "artifact-type", ""),
        .annotations = annotations ? annotations : "",
        .time_s = clock_now_s(),
    };
    if (push_file_kept(o, &m->id, e) < 0 || db_push_manifest_add(o->db, &o->view, &row, e) < 0 ||
        (m->named.is_512 && db_push_alias_add(o->db, &m->named.sha512, &m->id, e) < 0))
        return -1;
    for (size_t i = 0; i < m->tag_count; i++)
        if (db_push_tag_set(o->db, &o->view, m->tags[i], &m->id, m->text.text, e) < 0)
            return -1;
    return push_quota_check(o, o->db, 0, e);
}

static int store(struct pushed *m, struct err *e)
{
    struct pushing *p = m->o->g->pushing;
    struct err ignored = {0};
    pthread_rwlock_rdlock(&p->files);
    int result = blob_put(p->blobs, buf_span(&m->bytes), NULL, e);
    if (result == 0 && (result = db_begin(m->o->db, e)) == 0) {
        auto_tx struct db *tx = m->o->db;
        result = write_rows(m, e);
        if (result == 0)
            result = db_commit(tx, e);
    }
    pthread_rwlock_unlock(&p->files);
    if (result < 0)
        (void)push_file_drop(p, m->o->db, &m->id, &ignored);
    return result;
}

/* ── releases ── */

static bool is_release(const struct pushed *m)
{
    return !strcmp(json_get_string(m->meaning, "artifact-type", ""), MEDIA_RELEASE) &&
           !strcmp(json_get_string(m->meaning, "media-type", ""), MEDIA_OCI_INDEX);
}

/* May it stand under each of its tags that is a version? -1: answered. */
static int check_release(struct pushed *m)
{
    struct err e = {0};
    for (size_t i = 0; i < m->tag_count; i++) {
        if (!release_version_ok(m->tags[i]) ||
            push_release_check(m->o, &m->id, is_release(m), buf_span(&m->bytes), m->tags[i], &e) == 0)
            continue;
        if (e.code == ERR_EXISTS)
            push_refuse(m->o, "put", m->text.text, 403, "DENIED", "%s", e.msg);
        else
            push_refuse_err(m->o, "put", m->text.text, "MANIFEST_INVALID", &e);
        return -1;
    }
    return 0;
}

/* What may make a release, or say something about one. */
static int offer(struct pushed *m, struct err *e)
{
    struct oci_digest subject;
    if (is_release(m) && m->tag_count > 0)
        return push_release_take(m->o, &m->id, e);
    const char *text = json_get_string(m->meaning, "subject", "");
    if (oci_digest_parse(span_str(text), &subject) && !subject.is_512)
        return push_release_take(m->o, &subject.sha256, e);
    return 0;
}

static void answer(struct pushed *m)
{
    struct oci *o = m->o;
    auto_buf tags = BUF(4096);
    const char *subject = json_get_string(m->meaning, "subject", NULL);
    if (subject)
        http_put_header(o->r, "OCI-Subject", subject);
    for (size_t i = 0; o->path.by_digest && i < m->tag_count; i++)
        buf_printf(&tags, "%s%s", i ? ", " : "", m->tags[i]);
    if (tags.len)
        http_put_header(o->r, "OCI-Tag", buf_str(&tags));
    push_created(o, "put", "manifests", m->text.text, m->bytes.len);
}

static void pushed_fini(struct pushed *m)
{
    buf_fini(&m->bytes);
    json_decref(m->meaning);
}

void push_manifest_answer(struct oci *o)
{
    AUTO(pushed_fini) struct pushed m = {.o = o, .bytes = BUF(MANIFEST_MAX), .room = {.o = o}};
    struct err e = {0};
    if (take_bytes(&m) < 0 || name(&m) < 0 || take_tags(&m) < 0 || understand(&m) < 0)
        return;
    if (oci_db_take(o, &e) < 0) {
        push_refuse_err(o, "put", m.text.text, NULL, &e);
        return;
    }
    if (check_needs(&m) < 0 || check_release(&m) < 0)
        return;
    if (store(&m, &e) < 0 || offer(&m, &e) < 0)
        push_refuse_err(o, "put", m.text.text, NULL, &e);
    else
        answer(&m);
}
