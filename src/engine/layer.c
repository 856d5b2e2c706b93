/* Order of work for one entry: its path is taken apart → its directory is found, or made → what stands there is judged
 * (the same layer: refused; a lower one: taken away) → it is made with O_EXCL. Whiteouts count for lower layers only,
 * wherever in the layer they stand (layer.md, "Whiteouts"); each entry of the tree knows which layer brought it. */
#include "engine/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/beneath.h"
#include "util/limits.h"
#include "util/sys.h"

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_OWN    ".wh..wh." /* reserved by the format */

/* The work on one layer. */
struct work {
    struct tree *tree;
    int root;
    unsigned layer;
    struct layer_stream *stream;
    struct tree_node *open_dir; /* whose descriptor is `dir`; entries of one directory come in a row */
    int dir;
    uint8_t *chunk;
};

/* One entry's place. */
struct place {
    struct span path; /* without "./" in front and "/" behind; borrowed from the entry */
    struct tree_node *dir;
    struct span name;
};

static const char *show(struct span path, char *text, size_t size)
{
    snprintf(text, size, "%.*s", path.len > 200 ? 200 : (int)path.len, (const char *)path.ptr);
    return text;
}

static int refuse(struct span path, struct err *e, const char *why)
{
    char text[208];
    return err_set(e, ERR_INPUT, 0, "\"%s\": %s", show(path, text, sizeof text), why);
}

static void forget_dir(struct work *w)
{
    if (w->dir >= 0)
        close(w->dir);
    w->dir = -1;
    w->open_dir = NULL;
}

/* The directory's descriptor; kept by w until another is asked for. */
static int dir_fd(struct work *w, struct tree_node *dir, struct err *e)
{
    if (w->dir >= 0 && w->open_dir == dir)
        return w->dir;
    auto_buf path = BUF(IMAGE_PATH_MAX + 1);
    forget_dir(w);
    tree_path(dir, &path);
    w->dir = beneath_open(w->root, buf_str(&path), O_RDONLY | O_DIRECTORY, 0);
    if (w->dir < 0)
        return err_set(e, ERR_IO, errno, "open the directory \"%.200s\" below the root", buf_str(&path));
    w->open_dir = dir;
    return w->dir;
}

/* Takes one entry away that has nothing below it. */
static int erase(struct work *w, struct tree_node *n, struct err *e)
{
    int dir = dir_fd(w, n->parent, e);
    if (dir < 0)
        return -1;
    if (sys.unlinkat(dir, n->name, n->type == TREE_DIRECTORY ? AT_REMOVEDIR : 0) < 0)
        return err_set(e, ERR_IO, errno, "remove \"%.200s\"", n->name);
    tree_drop(w->tree, n);
    return 0;
}

/* Takes away what lower layers have put at n and below it; a directory in which something of this layer stands stays.
 */
static int prune(struct work *w, struct tree_node *n, bool itself, struct err *e)
{
    for (struct tree_node *child = n->child, *next; child; child = next) {
        next = child->next;
        if (prune(w, child, true, e) < 0)
            return -1;
    }
    if (!itself || n->layer >= w->layer)
        return 0;
    if (!n->child)
        return erase(w, n, e);
    n->mode = 0755;
    n->implied = true;
    n->layer = w->layer;
    return 0;
}

/* ── places ── */

static int make_dir(struct work *w, struct tree_node *dir, struct span name, struct tree_node **out, struct err *e)
{
    int fd = dir_fd(w, dir, e);
    if (fd < 0)
        return -1;
    struct tree_node *n = tree_add(w->tree, dir, name, TREE_DIRECTORY, e);
    if (!n)
        return -1;
    n->layer = w->layer;
    n->mode = 0755;
    n->implied = true;
    *out = n;
    if (sys.mkdirat(fd, n->name, 0700) < 0)
        return err_set(e, ERR_IO, errno, "make the directory \"%.200s\"", n->name);
    return 0;
}

/* Takes the spelling of paths in layers apart: "./a/b/", "a/b". */
static int trim(struct span whole, struct span *out, struct err *e)
{
    *out = whole;
    if (whole.len > IMAGE_PATH_MAX)
        return err_set(e, ERR_LIMIT, 0, "a path of %zu bytes; at most %u are taken", whole.len, IMAGE_PATH_MAX);
    if (whole.len > 0 && whole.ptr[0] == '/')
        return refuse(whole, e, "an absolute path; wanted one below the root");
    if (span_equal_str(*out, "."))
        out->len = 0;
    span_take_prefix(out, SPAN_LIT("./"));
    if (out->len > 0 && out->ptr[out->len - 1] == '/')
        out->len--;
    return 0;
}

/* Goes down to the directory of a path, name by name. `make`: those that are missing are made. */
static int find_place(struct work *w, struct span path, bool make, struct place *out, struct err *e)
{
    struct span rest = path, name;
    struct tree_node *dir = w->tree->root;
    unsigned depth = 1;
    for (; span_take_until(&rest, '/', &name); depth++) {
        if (tree_name_check(name, path, e) < 0)
            return -1;
        if (span_starts(name, SPAN_LIT(WHITEOUT)))
            return refuse(path, e, "something below a whiteout");
        struct tree_node *next = tree_find(w->tree, dir, name);
        if (!next && !make)
            return refuse(path, e, "its directory is not there");
        if (!next && make_dir(w, dir, name, &next, e) < 0)
            return -1;
        if (next->type != TREE_DIRECTORY)
            return refuse(path, e,
                          next->type == TREE_SYMLINK ? "its path goes through a symbolic link"
                                                     : "its path goes through a file");
        dir = next;
        if (depth >= IMAGE_DEPTH_MAX)
            return err_set(e, ERR_LIMIT, 0, "a path of more than %u directories", IMAGE_DEPTH_MAX);
    }
    if (tree_name_check(rest, path, e) < 0)
        return -1;
    *out = (struct place){.path = path, .dir = dir, .name = rest};
    return 0;
}

/* ── whiteouts ── */

static int whiteout(struct work *w, const struct place *p, struct archive_entry *entry, struct err *e)
{
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
        return refuse(p->path, e, "a whiteout that is no plain file");
    forget_dir(w);
    if (span_equal_str(p->name, WHITEOUT_OPAQUE))
        return prune(w, p->dir, false, e);
    if (span_starts(p->name, SPAN_LIT(WHITEOUT_OWN)))
        return refuse(p->path, e, "a name that the image format keeps for itself");
    struct span name = p->name;
    span_skip(&name, strlen(WHITEOUT));
    if (tree_name_check(name, p->path, e) < 0)
        return -1;
    struct tree_node *n = tree_find(w->tree, p->dir, name);
    return n ? prune(w, n, true, e) : 0;
}

/* ── entries ── */

/* Makes room for an entry of this layer: what lower layers have there goes. */
static int clear_place(struct work *w, const struct place *p, struct err *e)
{
    struct tree_node *n = tree_find(w->tree, p->dir, p->name);
    if (n && n->layer < w->layer && prune(w, n, true, e) < 0)
        return -1;
    if (tree_find(w->tree, p->dir, p->name))
        return refuse(p->path, e, "twice in one layer");
    return 0;
}

static struct tree_node *add_node(struct work *w, const struct place *p, enum tree_type type, struct err *e)
{
    if (clear_place(w, p, e) < 0)
        return NULL;
    struct tree_node *n = tree_add(w->tree, p->dir, p->name, type, e);
    if (n)
        n->layer = w->layer;
    return n;
}

static int put_directory(struct work *w, const struct place *p, unsigned mode, struct err *e)
{
    struct tree_node *n = tree_find(w->tree, p->dir, p->name);
    if (n && n->type != TREE_DIRECTORY && clear_place(w, p, e) < 0)
        return -1;
    n = tree_find(w->tree, p->dir, p->name);
    if (!n && make_dir(w, p->dir, p->name, &n, e) < 0)
        return -1;
    n->mode = (mode & 0777) | 0700; /* we must be able to go in, and to take it away again */
    n->layer = w->layer;
    n->implied = false;
    return 0;
}

static int put_symlink(struct work *w, const struct place *p, const char *target, struct err *e)
{
    struct span text = span_str(target ? target : "");
    if (text.len == 0 || text.len > IMAGE_PATH_MAX || !span_is_utf8(text))
        return refuse(p->path, e, "a symbolic link whose target is empty, too long or not UTF-8");
    struct tree_node *n = add_node(w, p, TREE_SYMLINK, e);
    int dir = n ? dir_fd(w, p->dir, e) : -1;
    if (dir < 0)
        return -1;
    n->mode = 0777;
    n->target = strdup(target);
    if (!n->target)
        abort();
    if (sys.symlinkat(target, dir, n->name) < 0)
        return err_set(e, ERR_IO, errno, "make the symbolic link \"%.200s\"", n->name);
    return 0;
}

/* The file of the image that a hard link names, with its directory. */
static const struct tree_node *find_target(struct work *w, const struct place *p, const char *target, struct place *to,
                                           struct err *e)
{
    struct span path;
    if (trim(span_str(target), &path, e) < 0 || find_place(w, path, false, to, e) < 0) {
        err_prefix(e, "a hard link out of the image, or to nothing");
        return NULL;
    }
    const struct tree_node *n = tree_find(w->tree, to->dir, to->name);
    if (n && n->type == TREE_FILE)
        return n;
    refuse(p->path, e, "a hard link to what is no file of this image");
    return NULL;
}

static int link_files(struct work *w, const struct place *p, const struct tree_node *n, const struct place *to,
                      struct err *e)
{
    auto_buf from = BUF(IMAGE_NAME_MAX + 1);
    buf_add_span(&from, to->name);
    if (dir_fd(w, to->dir, e) < 0)
        return -1;
    auto_fd from_dir = w->dir; /* taken over: the next dir_fd opens another */
    w->dir = -1;
    int dir = dir_fd(w, p->dir, e);
    if (dir < 0)
        return -1;
    if (sys.linkat(from_dir, buf_str(&from), dir, n->name, 0) < 0)
        return err_set(e, ERR_IO, errno, "make the hard link \"%.200s\"", n->name);
    return 0;
}

static int put_hardlink(struct work *w, const struct place *p, const char *target, struct err *e)
{
    struct place to;
    if (!find_target(w, p, target, &to, e))
        return -1;
    struct tree_node *n = add_node(w, p, TREE_FILE, e);
    /* Making room may have taken the target away. */
    const struct tree_node *old = n ? find_target(w, p, target, &to, e) : NULL;
    if (!old || old == n)
        return n && old ? refuse(p->path, e, "a hard link to itself") : -1;
    if (old->size > IMAGE_BYTES_MAX - w->tree->bytes)
        return err_set(e, ERR_LIMIT, 0, "more than %llu bytes in one image", IMAGE_BYTES_MAX);
    n->mode = old->mode;
    n->size = old->size;
    n->digest = old->digest;
    w->tree->bytes += n->size;
    return link_files(w, p, n, &to, e);
}

/* Copies the entry's bytes into the file; counts and hashes them. */
static int copy_bytes(struct work *w, int fd, struct tree_node *n, struct err *e)
{
    struct sha256 *hash = sha256_new();
    int result = 0;
    for (;;) {
        la_ssize_t got = archive_read_data(layer_stream_tar(w->stream), w->chunk, COPY_CHUNK_BYTES);
        if (got == 0)
            break;
        if (got < 0) {
            result = layer_stream_error(w->stream, e);
            break;
        }
        n->size += (uint64_t)got;
        w->tree->bytes += (uint64_t)got;
        sha256_add(hash, w->chunk, (size_t)got);
        if (w->tree->bytes > IMAGE_BYTES_MAX) {
            result = err_set(e, ERR_LIMIT, 0, "more than %llu bytes in one image", IMAGE_BYTES_MAX);
            break;
        }
        for (la_ssize_t at = 0; result == 0 && at < got;) {
            ssize_t put = sys.write(fd, w->chunk + at, (size_t)(got - at));
            if (put < 0)
                result = err_set(e, ERR_IO, errno, "write \"%.200s\"", n->name);
            at += put;
        }
        if (result < 0)
            break;
    }
    n->digest = sha256_finish(hash);
    return result;
}

static int put_file(struct work *w, const struct place *p, struct archive_entry *entry, struct err *e)
{
    struct tree_node *n = add_node(w, p, TREE_FILE, e);
    int dir = n ? dir_fd(w, p->dir, e) : -1;
    if (dir < 0)
        return -1;
    /* Set-user-ID, set-group-ID and sticky bits are dropped; we must be able to read it. */
    n->mode = ((unsigned)archive_entry_perm(entry) & 0777) | 0400;
    auto_fd fd = beneath_open(dir, n->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "make \"%.200s\"", n->name);
    if (copy_bytes(w, fd, n, e) < 0)
        return -1;
    if (archive_entry_size_is_set(entry) && (uint64_t)archive_entry_size(entry) != n->size)
        return refuse(p->path, e, "fewer bytes than its header says");
    if (sys.fchmod(fd, n->mode) < 0)
        return err_set(e, ERR_IO, errno, "set the mode of \"%.200s\"", n->name);
    int raw = fd_steal(&fd);
    if (sys.close(raw) < 0)
        return err_set(e, ERR_IO, errno, "close \"%.200s\"", n->name);
    return 0;
}

static const char *type_problem(unsigned type)
{
    switch (type) {
    case AE_IFCHR:
    case AE_IFBLK:
        return "a device node; an image holds directories, files and links";
    case AE_IFIFO:
        return "a named pipe; an image holds directories, files and links";
    case AE_IFSOCK:
        return "a socket; an image holds directories, files and links";
    default:
        return "of an unknown type; an image holds directories, files and links";
    }
}

static int put_entry(struct work *w, struct archive_entry *entry, struct err *e)
{
    const char *name = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    unsigned type = archive_entry_filetype(entry);
    struct span path;
    struct place p;
    if (!name)
        return err_set(e, ERR_INPUT, 0, "an entry whose name is not UTF-8");
    if (trim(span_str(name), &path, e) < 0)
        return -1;
    if (path.len == 0)
        return type == AE_IFDIR && !link ? 0 : refuse(span_str(name), e, "the root is a directory");
    /* A hard link's type is that of its target, or none. */
    if (!link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return refuse(path, e, type_problem(type));
    if (find_place(w, path, true, &p, e) < 0)
        return -1;
    if (span_starts(p.name, SPAN_LIT(WHITEOUT)))
        return whiteout(w, &p, entry, e);
    if (link)
        return put_hardlink(w, &p, link, e);
    if (type == AE_IFDIR)
        return put_directory(w, &p, (unsigned)archive_entry_perm(entry), e);
    return type == AE_IFLNK ? put_symlink(w, &p, archive_entry_symlink(entry), e) : put_file(w, &p, entry, e);
}

static int put_entries(struct work *w, struct err *e)
{
    struct archive_entry *entry;
    for (uint64_t count = 0; count <= 2ULL * IMAGE_ENTRIES_MAX; count++) {
        int result = archive_read_next_header(layer_stream_tar(w->stream), &entry);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK)
            return layer_stream_error(w->stream, e);
        if (put_entry(w, entry, e) < 0)
            return -1;
    }
    return err_set(e, ERR_LIMIT, 0, "more than %u entries in one layer", 2 * IMAGE_ENTRIES_MAX);
}

int layer_apply(struct tree *t, int root, const struct layer *layer, struct digest *diff_id, struct err *e)
{
    struct work w = {.tree = t, .root = root, .layer = layer->number, .dir = -1};
    w.stream = layer_stream_open(layer, e);
    if (!w.stream)
        return -1;
    w.chunk = malloc(COPY_CHUNK_BYTES);
    if (!w.chunk)
        abort();
    int result = put_entries(&w, e);
    if (result == 0)
        result = layer_stream_end(w.stream, diff_id, e);
    forget_dir(&w);
    free(w.chunk);
    layer_stream_free(w.stream);
    return result;
}

static int set_mode(int root, const struct tree_node *n, struct err *e)
{
    auto_buf path = BUF(IMAGE_PATH_MAX + 1);
    tree_path(n, &path);
    auto_fd fd = beneath_open(root, buf_str(&path), O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 || sys.fchmod(fd, n->mode) < 0)
        return err_set(e, ERR_IO, errno, "set the mode of the directory \"%.200s\"", buf_str(&path));
    return 0;
}

int layer_finish(const struct tree *t, int root, struct err *e)
{
    for (const struct tree_node *n = t->root; n; n = tree_following(n))
        if (n->type == TREE_DIRECTORY && set_mode(root, n, e) < 0)
            return -1;
    return 0;
}
