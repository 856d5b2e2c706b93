/* Images: skopeo, by digest, into a folder that keeps manifests byte by byte (its transport "dir"). From the digest
 * that the lock pins everything is reached by digest, and nothing else of the folder is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collecting.h"
#include "parse/manifest.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/limits.h"

static const struct client SKOPEO = {"skopeo", "/usr/bin/skopeo", "skopeo"};

#define FOLDER    "out/image"
#define PARSE_MS  30000
#define DEPTH_MAX 4 /* an index of indexes is rare; deeper is a game */

/* ── the client ── */

static int write_login(const struct collecting *c, int work, struct err *e)
{
    auto_buf text = BUF(8192), plain = BUF(2048);
    struct json_out w;
    char token[1024];
    if (token_read(c, c->spec->images.token_file, token, e) < 0)
        return -1;
    auto_buf encoded = BUF(4096);
    buf_printf(&plain, "airlock:%s", token);
    base64_encode(buf_span(&plain), &encoded);
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_object(&w, "auths");
    json_put_object(&w, c->spec->images.registry);
    json_put_string(&w, "auth", buf_str(&encoded));
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
    return work_write(work, "home/auth.json", buf_span(&text), e);
}

static int run_skopeo(struct collecting *c, const struct lock_package *p, int work, struct err *e)
{
    struct places places = {0};
    const struct collect_images *from = &c->spec->images;
    auto_buf source = BUF(1024), place = BUF(512);
    buf_printf(&source, "docker://%s/%s@%s", from->registry, p->name, p->version);
    buf_printf(&place, "%s://%s", from->plain ? "http" : "https", from->registry);
    const char *argv[20] = {"--insecure-policy", "--tmpdir", CLIENT_WORK "/tmp", "copy", "--all", "--preserve-digests"};
    size_t n = 6;
    if (from->plain)
        argv[n++] = "--src-tls-verify=false";
    if (from->token_file) {
        argv[n++] = "--src-authfile";
        argv[n++] = CLIENT_WORK "/home/auth.json";
        if (write_login(c, work, e) < 0)
            return -1;
    }
    argv[n++] = buf_str(&source);
    argv[n++] = "dir:" CLIENT_WORK "/" FOLDER;
    if (buf_check(&source, "reference", e) < 0 || places_add_text(&places, buf_str(&place), e) < 0)
        return -1;
    const struct client_order order = {
        .client = &SKOPEO, .argv = argv, .places = &places, .work = work, .keep_output = -1};
    return client_run(&c->clients, &order, e);
}

/* ── what it left ── */

static int take_blob(struct collecting *c, int work, const char *name, const struct digest *id, uint64_t *size,
                     struct err *e)
{
    char path[160];
    struct digest found;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    auto_fd fd = left_open(work, path, size, e);
    if (fd < 0)
        return -1;
    return blob_put_fd(c->s->blobs, fd, id, &found, size, e);
}

static void remember(struct collecting *c, const struct digest *id, uint64_t size, const char *media_type, char *name)
{
    struct release_blob *list = realloc(c->image_blobs, (c->image_blob_count + 1) * sizeof *list);
    if (!list)
        abort();
    c->image_blobs = list;
    list[c->image_blob_count++] =
        (struct release_blob){.digest = *id, .size = size, .media_type = strdup(media_type), .name = name};
    if (!list[c->image_blob_count - 1].media_type || !name)
        abort();
}

static bool is_known(const struct collecting *c, const struct digest *id)
{
    for (size_t i = 0; i < c->image_blob_count; i++)
        if (digest_equal(&c->image_blobs[i].digest, id))
            return true;
    return false;
}

static json_t *read_manifest(struct collecting *c, const struct digest *id, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    if (blob_read(c->s->blobs, id, &text, e) < 0)
        return NULL;
    struct child_request request = {.op = "manifest", .fd = -1, .input = buf_span(&text), .timeout_ms = PARSE_MS};
    return child_call_json(c->parser, &request, digest_text(id).text, e);
}

static int take_manifest(struct collecting *c, int work, const struct digest *id, char *name, int depth, struct err *e);

static int take_need(struct collecting *c, int work, const json_t *need, int depth, struct err *e)
{
    struct digest id;
    uint64_t size, wanted;
    if (json_need_digest(need, "digest", "/needs", &id, e) < 0 ||
        json_need_uint(need, "size", "/needs", &wanted, e) < 0)
        return -1;
    if (is_known(c, &id))
        return 0;
    if (json_is_true(json_object_get(need, "manifest")))
        return take_manifest(c, work, &id, strdup(""), depth + 1, e);
    if (take_blob(c, work, digest_hex(&id).text, &id, &size, e) < 0)
        return -1;
    if (size != wanted)
        return err_set(e, ERR_INPUT, 0, "%s has %llu bytes; its manifest says %llu", digest_text(&id).text,
                       (unsigned long long)size, (unsigned long long)wanted);
    remember(c, &id, size, "application/octet-stream", strdup(""));
    return 0;
}

/* Takes `name` over. The pinned one is manifest.json, those below an index are HEX.manifest.json. */
static int take_manifest(struct collecting *c, int work, const struct digest *id, char *name, int depth, struct err *e)
{
    char file[100] = "manifest.json";
    auto_free char *own = name;
    uint64_t size;
    size_t i;
    json_t *need;
    if (depth == DEPTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "indexes lie more than %d deep in each other", DEPTH_MAX);
    if (depth > 0)
        snprintf(file, sizeof file, "%s.manifest.json", digest_hex(id).text);
    if (take_blob(c, work, file, id, &size, e) < 0)
        return -1;
    auto_json read = read_manifest(c, id, e);
    const char *media_type = read ? json_need_string(read, "media-type", "", e) : NULL;
    if (!media_type)
        return -1;
    remember(c, id, size, media_type, ptr_steal(&own));
    json_array_foreach(json_object_get(read, "needs"), i, need)
    {
        if (take_need(c, work, need, depth, e) < 0)
            return -1;
    }
    return 0;
}

static int fetch_image(struct collecting *c, const struct lock_package *p, struct err *e)
{
    int made;
    struct digest id;
    auto_buf name = BUF(512);
    if (digest_parse(span_str(p->version), &id, e) < 0)
        return -1;
    if (is_known(c, &id))
        return 0;
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    buf_printf(&name, "%s@%s", p->name, p->version);
    if (buf_check(&name, "name of an image", e) < 0 || dir_make(work, FOLDER, 0700, e) < 0 ||
        run_skopeo(c, p, work, e) < 0)
        return -1;
    c->image_count++;
    return take_manifest(c, work, &id, buf_steal_str(&name), 0, e);
}

int fetch_images(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    for (size_t i = 0; i < lock->count; i++)
        if (fetch_image(c, &lock->packages[i], e) < 0)
            return err_prefix(e, "%s:%u: %s", set->file, lock->packages[i].line, lock->packages[i].name);
    return 0;
}
