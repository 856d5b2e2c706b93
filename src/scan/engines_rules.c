#include "scan/engines_rules.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "util/file.h"
#include "util/sys.h"

#define RULES_DEPTH 8U

struct reading {
    struct buf *bundle;
    int64_t *date_s;
    struct err *e;
};

static bool is_rules(const char *name)
{
    struct span s = span_str(name);
    return span_ends(s, SPAN_LIT(".yar")) || span_ends(s, SPAN_LIT(".yara"));
}

static int add_file(struct reading *r, int fd, const char *name)
{
    struct stat st;
    auto_buf text = BUF(LIMIT_YARA_BYTES);
    if (fstat(fd, &st) < 0)
        return err_set(r->e, ERR_IO, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(r->e, ERR_INPUT, 0, "%s: is no regular file", name);
    if (file_read_fd(fd, name, &text, r->e) < 0)
        return -1;
    if (st.st_mtim.tv_sec > *r->date_s)
        *r->date_s = st.st_mtim.tv_sec;
    buf_add_be32(r->bundle, (uint32_t)strlen(name));
    buf_add_be32(r->bundle, (uint32_t)text.len);
    buf_add_str(r->bundle, name);
    buf_add_span(r->bundle, buf_span(&text));
    return buf_check(r->bundle, "all YARA rules together", r->e);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_folder(struct reading *r, int dir, const char *prefix, unsigned depth);

static int add_entry(struct reading *r, int dir, const char *prefix, const char *entry, unsigned depth)
{
    struct stat st;
    auto_buf name = BUF(4096);
    buf_printf(&name, "%s%s%s", prefix, prefix[0] ? "/" : "", entry);
    if (fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(r->e, ERR_IO, errno, "%s", buf_str(&name));
    if (!S_ISDIR(st.st_mode) && !is_rules(entry))
        return 0;
    auto_fd fd = sys.openat(dir, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0)
        return err_set(r->e, errno == ELOOP ? ERR_INPUT : ERR_IO, errno, "%s", buf_str(&name));
    return S_ISDIR(st.st_mode) ? add_folder(r, fd, buf_str(&name), depth + 1) : add_file(r, fd, buf_str(&name));
}

static int add_folder(struct reading *r, int dir, const char *prefix, unsigned depth)
{
    struct dirent **entries = NULL;
    if (depth > RULES_DEPTH)
        return err_set(r->e, ERR_LIMIT, 0, "%s: folders of rules more than %u deep", prefix, RULES_DEPTH);
    int count = scandirat(dir, ".", &entries, visible, alphasort), result = 0;
    if (count < 0)
        return err_set(r->e, ERR_IO, errno, "%s", prefix);
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = add_entry(r, dir, prefix, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int engines_read_rules(const char *path, struct buf *bundle, int64_t *date_s, struct err *e)
{
    struct reading r = {bundle, date_s, e};
    struct stat st;
    const char *slash = strrchr(path, '/');
    *date_s = 0;
    auto_fd fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "YARA rules %s", path);
    int result = S_ISDIR(st.st_mode) ? add_folder(&r, fd, "", 0) : add_file(&r, fd, slash ? slash + 1 : path);
    if (result < 0)
        return err_prefix(e, "YARA rules %s", path);
    return bundle->len ? 0 : err_set(e, ERR_NOTFOUND, 0, "YARA rules %s: no file *.yar or *.yara is there", path);
}
