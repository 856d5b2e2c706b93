/* Order of making: lock → temporary folder → unpack role writes and syncs → rename to its name → the tree is held
 * against its list → list's digest signed and committed with its ledger entry. A crash anywhere before the commit
 * leaves a folder that no signature vouches for; the next start throws it away. The name itself is not synced: when a
 * power cut takes it, the next start unpacks again what is in the store. */
#include "engine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/beneath.h"
#include "engine/image_unpack.h"
#include "engine/unpack.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/file.h"
#include "util/sys.h"

struct image {
    struct site *site;
    const struct release *release;
    const struct verify_watch *watch;
    int images; /* run/images */
    char name[DIGEST_HEX_SIZE];
};

/* ── what the contour has signed ── */

struct signed_list {
    struct site *site;
    const struct digest *image, *list;
    bool this, other; /* this list was signed; another one of the same image was */
};

/* A line that does not verify, or says something else, says nothing. */
static int look_at_line(void *arg, const struct evidence_row *row)
{
    struct signed_list *l = arg;
    struct err ignored;
    struct digest list;
    auto_statement st = {0};
    struct child *parser = site_parser(l->site, &ignored);
    const struct public_key *keys[] = {l->site->public_key};
    if (!parser || statement_verify(parser, row->envelope, keys, 1, l->image, PREDICATE_TREE, &st, &ignored) < 0 ||
        json_need_digest(st.predicate, "tree", "/predicate", &list, &ignored) < 0)
        return 0;
    *(digest_equal(&list, l->list) ? &l->this : &l->other) = true;
    return 0;
}

static void predicate(const struct image *m, const struct digest *list, const struct tree *t, struct buf *out)
{
    size_t count = m->release->engine.layer_count;
    auto_free struct digest *layers = calloc(count + 1, sizeof *layers);
    if (!layers)
        abort();
    for (size_t i = 0; i < count; i++)
        layers[i] = m->release->engine.layers[i].digest;
    struct tree_origin from = {.list = *list, .layers = layers, .layer_count = count, .time_s = m->site->entry_s};
    tree_predicate(t, &from, out);
}

static int commit(struct image *m, const struct digest *list, const struct tree *t, struct err *e)
{
    const struct digest *image = &m->release->engine.manifest;
    struct json_out w;
    struct digest id;
    auto_buf text = BUF(4U << 20), entry = BUF(65536);
    predicate(m, list, t, &text);
    if (buf_check(&text, "the statement about an unpacked image", e) < 0 ||
        site_evidence(m->site, "engine-image", image, PREDICATE_TREE, "", "", buf_span(&text), &id, e) < 0)
        return -1;
    site_event(m->site, &w, &entry, "unpack");
    json_put_digest(&w, "image", image);
    json_put_digest(&w, "tree", list);
    json_put_digest(&w, "evidence", &id);
    json_put_uint(&w, "entries", t->count);
    json_put_uint(&w, "bytes", t->bytes);
    return site_commit(m->site, &w, NULL, e);
}

static int sign(struct image *m, const struct digest *list, const struct tree *t, struct err *e)
{
    if (site_begin(m->site, e) < 0)
        return -1;
    if (commit(m, list, t, e) == 0)
        return 0;
    site_rollback(m->site);
    return -1;
}

/* ── the folder ── */

static int read_list(struct image *m, int dir, struct buf *text, struct tree *t, struct err *e)
{
    buf_clear(text);
    if (file_read(dir, TREE_FILE_NAME, text, e) < 0)
        return -1;
    return tree_read(buf_span(text), &m->release->engine.manifest, t, e);
}

/* Opens the root of the folder `dir` and holds everything below it against the list. */
static int open_root(struct image *m, int dir, const struct tree *t, struct err *e)
{
    auto_fd root = beneath_open(dir, ROOT_DIR_NAME, O_RDONLY | O_DIRECTORY, 0);
    if (root < 0)
        return err_set(e, ERR_IO, errno, "run/images/%.12s…: open " ROOT_DIR_NAME, m->name);
    return tree_verify(t, root, m->watch, e) < 0 ? -1 : fd_steal(&root);
}

static int changed(const struct image *m, struct err *e)
{
    err_prefix(e, "run/images/%.12s…: this is not what was unpacked there", m->name);
    return err_hint(e, "Find out who wrote there, then remove that folder: the next start unpacks the image again from "
                       "the store");
}

/* The folder as it lies there. 1: it was unpacked here and is unchanged, *root is open; 0: there is none, or nobody
 * vouches for it. */
static int open_existing(struct image *m, int *root, uint64_t *bytes, struct err *e)
{
    struct err absent = {0};
    auto_buf text = BUF(IMAGE_LIST_BYTES);
    auto_fd dir = dir_open(m->images, m->name, &absent);
    if (dir < 0 || file_read(dir, TREE_FILE_NAME, &text, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    struct digest list = digest_of(buf_span(&text));
    struct signed_list l = {.site = m->site, .image = &m->release->engine.manifest, .list = &list};
    if (db_evidence_each(m->site->db, l.image, PREDICATE_TREE, look_at_line, &l, e) < 0)
        return -1;
    if (!l.this && !l.other)
        return 0;
    if (!l.this) {
        err_set(e, ERR_DENIED, 0, TREE_FILE_NAME " is %s, and another list was signed", digest_text(&list).text);
        return changed(m, e);
    }
    auto_tree t = {0};
    if (tree_read(buf_span(&text), l.image, &t, e) < 0)
        return -1;
    *root = open_root(m, dir, &t, e);
    *bytes = t.bytes;
    if (*root < 0 && e->code == ERR_DENIED)
        return changed(m, e);
    return *root < 0 ? -1 : 1;
}

/* ── making it ── */

static int unpack_into(struct image *m, const char *temporary, struct err *e)
{
    auto_fd dir = dir_open(m->images, temporary, e);
    if (dir < 0 || image_unpack(m->site, m->release, dir, m->watch, e) < 0)
        return -1;
    if (sys.renameat2(m->images, temporary, m->images, m->name, 0) < 0)
        return err_set(e, ERR_IO, errno, "rename run/images/%s", temporary);
    return 0;
}

static int open_made(struct image *m, uint64_t *bytes, struct err *e)
{
    auto_buf text = BUF(IMAGE_LIST_BYTES);
    auto_tree t = {0};
    auto_fd dir = dir_open(m->images, m->name, e);
    if (dir < 0 || read_list(m, dir, &text, &t, e) < 0)
        return -1;
    auto_fd root = open_root(m, dir, &t, e);
    struct digest list = digest_of(buf_span(&text));
    if (root < 0 || sign(m, &list, &t, e) < 0)
        return -1;
    *bytes = t.bytes;
    return fd_steal(&root);
}

static int make(struct image *m, uint64_t *bytes, struct err *e)
{
    char temporary[DIGEST_HEX_SIZE + 8];
    struct err ignored;
    snprintf(temporary, sizeof temporary, "%s.partial", m->name);
    if (tree_remove(m->images, temporary, e) < 0 || tree_remove(m->images, m->name, e) < 0 ||
        dir_make(m->images, temporary, 0700, e) < 0)
        return -1;
    int root = unpack_into(m, temporary, e) < 0 ? -1 : open_made(m, bytes, e);
    if (root < 0)
        tree_remove(m->images, temporary, &ignored);
    return root;
}

int image_open(struct site *s, const struct release *r, const struct verify_watch *watch, uint64_t *bytes,
               struct err *e)
{
    struct image m = {.site = s, .release = r, .watch = watch};
    char lock_name[DIGEST_HEX_SIZE + 8];
    int root = -1;
    if (dir_make(s->dir, "run", 0700, e) < 0 || dir_make(s->dir, "run/images", 0700, e) < 0)
        return -1;
    auto_fd images = dir_open(s->dir, "run/images", e);
    m.images = images;
    snprintf(m.name, sizeof m.name, "%s", digest_hex(&r->engine.manifest).text);
    snprintf(lock_name, sizeof lock_name, "%s.lock", m.name);
    auto_fd lock = images < 0 ? -1 : file_lock(images, lock_name, true, e);
    if (lock < 0)
        return -1;
    int found = open_existing(&m, &root, bytes, e);
    if (found != 0)
        return found < 0 ? -1 : root;
    return make(&m, bytes, e);
}
