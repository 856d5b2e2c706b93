#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/receive_internal.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

/* Folders that file systems and desktops leave on media; they are never looked into. */
static const char *const HARMLESS[] = {"lost+found", "System Volume Information", ".Trash-0", ".Trash-1000"};

static const char *kind_of(mode_t mode)
{
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISBLK(mode) || S_ISCHR(mode))
        return "a device";
    return S_ISSOCK(mode) ? "a socket" : S_ISDIR(mode) ? "a folder" : "no regular file";
}

/* A file name from a medium may hold anything; a terminal must not. */
static void show_name(const char *name, char *out, size_t size)
{
    size_t at = 0;
    for (; *name && at + 1 < size; name++)
        out[at++] = (unsigned char)*name < 0x20 || (unsigned char)*name >= 0x7f ? '?' : *name;
    out[at] = '\0';
}

static int add_volume(struct medium *m, const char *name, const struct stat *st, struct err *e)
{
    if (m->volume_count == VOLUMES_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s: more than %u files", m->path, VOLUMES_MAX);
    if ((m->volume_count & (m->volume_count - 1)) == 0) {
        struct medium_volume *grown =
            reallocarray(m->volumes, m->volume_count ? 2 * m->volume_count : 1, sizeof *grown);
        if (!grown)
            abort();
        m->volumes = grown;
    }
    struct medium_volume *v = &m->volumes[m->volume_count++];
    *v = (struct medium_volume){.name = strdup(name), .size = (uint64_t)st->st_size};
    if (!v->name)
        abort();
    show_name(name, v->shown, sizeof v->shown);
    return 0;
}

static int take_entry(struct medium *m, const char *name, struct err *e)
{
    struct stat st;
    char shown[80];
    show_name(name, shown, sizeof shown);
    if (fstatat(m->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(e, ERR_IO, errno, "%s/%s", m->path, shown);
    if (S_ISREG(st.st_mode))
        return add_volume(m, name, &st, e);
    if (S_ISDIR(st.st_mode)) {
        if (strcmp(name, "metadata") == 0 || strcmp(name, "targets") == 0)
            return 0;
        for (size_t i = 0; i < ARRAY_LEN(HARMLESS); i++)
            if (strcmp(name, HARMLESS[i]) == 0)
                return 0;
    }
    err_set(e, ERR_INPUT, 0, "%s/%s is %s; a shipment is metadata/, targets/ and regular files, its volumes", m->path,
            shown, kind_of(st.st_mode));
    return err_hint(e, "Take it off the medium, or copy the shipment into a folder of its own");
}

static int by_name(const void *a, const void *b)
{
    const struct medium_volume *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int list_entries(struct medium *m, struct err *e)
{
    int copy = dir_open(m->dir, ".", e);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        if (copy >= 0)
            close(copy);
        return copy < 0 ? -1 : err_set(e, ERR_IO, errno, "%s", m->path);
    }
    int result = 0;
    errno = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(d)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = take_entry(m, entry->d_name, e);
    if (result == 0 && errno)
        result = err_set(e, ERR_IO, errno, "list %s", m->path);
    closedir(d);
    if (m->volume_count)
        qsort(m->volumes, m->volume_count, sizeof *m->volumes, by_name);
    return result;
}

static int open_folder(struct medium *m, const char *name, int *out, struct err *e)
{
    *out = sys.openat(m->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (*out >= 0)
        return 0;
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return err_set(e, ERR_IO, errno, "%s/%s", m->path, name);
    err_set(e, ERR_INPUT, 0, "%s holds no shipment: the folder %s/ is missing", m->path, name);
    return err_hint(e, "A shipment is what `airlock ship` wrote, with its folders metadata/ and targets/");
}

int medium_open(struct medium *m, const char *path, struct err *e)
{
    *m = (struct medium){.path = path, .dir = -1, .metadata = -1, .targets = -1};
    m->dir = dir_open(AT_FDCWD, path, e);
    if (m->dir < 0 || open_folder(m, "metadata", &m->metadata, e) < 0 || open_folder(m, "targets", &m->targets, e) < 0)
        return -1;
    return list_entries(m, e);
}

void medium_fini(struct medium *m)
{
    const int fds[] = {m->dir, m->metadata, m->targets};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    for (size_t i = 0; i < m->file_count; i++)
        buf_fini(&m->files[i].bytes);
    for (size_t i = 0; i < m->volume_count; i++) {
        free(m->volumes[i].name);
        volume_header_fini(&m->volumes[i].header);
    }
    free(m->files);
    free(m->volumes);
    m->files = NULL;
    m->volumes = NULL;
    m->file_count = m->volume_count = 0;
    m->dir = m->metadata = m->targets = -1;
}

/* Opens a regular file by one name in one folder. A FIFO must not block us, a link must not lead elsewhere. */
static int open_regular(int folder, const char *file, const char *shown, struct err *e)
{
    struct stat st;
    auto_fd fd = sys.openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 && errno == ELOOP)
        return err_set(e, ERR_INPUT, 0, "%s is a symbolic link; wanted a regular file", shown);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "open %s", shown);
    if (fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "%s", shown);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "%s is %s; wanted a regular file", shown, kind_of(st.st_mode));
    return fd_steal(&fd);
}

int medium_read(struct medium *m, int folder, const char *file, struct buf *out, struct err *e)
{
    char shown[200];
    snprintf(shown, sizeof shown, "%s/%s", folder == m->metadata ? "metadata" : "targets", file);
    auto_fd fd = open_regular(folder, file, shown, e);
    return fd < 0 ? -1 : file_read_fd(fd, shown, out, e);
}

int medium_open_volume(const struct medium *m, const struct medium_volume *v, struct err *e)
{
    return open_regular(m->dir, v->name, v->shown, e);
}

bool medium_find_target(const struct medium *m, const char *suffix, char *out, size_t size)
{
    struct err ignored = {0};
    int copy = dir_open(m->targets, ".", &ignored);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    unsigned found = 0;
    if (!d) {
        if (copy >= 0)
            close(copy);
        return false;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!span_ends(span_str(entry->d_name), span_str(suffix)) || strlen(entry->d_name) >= size)
            continue;
        snprintf(out, size, "%s", entry->d_name);
        found++;
    }
    closedir(d);
    return found == 1;
}

int medium_fetch(void *arg, const char *file, struct buf *out, struct err *e)
{
    struct medium *m = arg;
    if (strchr(file, '/') || strlen(file) >= sizeof m->files->name)
        return err_set(e, ERR_INPUT, 0, "metadata: \"%.64s\" is no name of a metadata file", file);
    if (medium_read(m, m->metadata, file, out, e) < 0)
        return -1;
    struct medium_file *grown = reallocarray(m->files, m->file_count + 1, sizeof *grown);
    if (!grown)
        abort();
    m->files = grown;
    struct medium_file *kept = &m->files[m->file_count++];
    *kept = (struct medium_file){.bytes = BUF(LIMIT_TUF_TARGETS_BYTES)};
    snprintf(kept->name, sizeof kept->name, "%s", file);
    buf_add_span(&kept->bytes, buf_span(out));
    return buf_check(&kept->bytes, file, e);
}
