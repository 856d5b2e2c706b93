/* run/engines/<id>/: `run/` holds the unix socket and is what the box sees as /run/airlock; `log`, `log.1` are what the
 * program printed; `lock` is held by whoever runs it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/engine_parts.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/log.h"

static int open_engines(struct site *s, struct err *e)
{
    if (dir_make(s->dir, "run", 0700, e) < 0 || dir_make(s->dir, ENGINES_DIR, 0700, e) < 0)
        return -1;
    return dir_open(s->dir, ENGINES_DIR, e);
}

static int name_it(struct engine *g, struct err *e)
{
    uint8_t random[4];
    char hex[9];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_SYSTEM, errno, "random bytes");
    hex_encode(span_of(random, sizeof random), hex);
    snprintf(g->id, sizeof g->id, "%s-%s-%s", g->env, g->name, hex);
    return 0;
}

int engine_folder_make(struct engine *g, struct site *s, struct err *e)
{
    if (name_it(g, e) < 0)
        return -1;
    g->engines = open_engines(s, e);
    if (g->engines < 0 || dir_make(g->engines, g->id, 0700, e) < 0)
        return -1;
    g->dir = dir_open(g->engines, g->id, e);
    g->lock = g->dir < 0 ? -1 : file_lock(g->dir, "lock", false, e);
    if (g->lock < 0 || dir_make(g->dir, "run", 0700, e) < 0)
        return -1;
    g->run_dir = dir_open(g->dir, "run", e);
    return g->run_dir < 0 ? -1 : 0;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void engine_folder_remove(struct engine *g, bool failed)
{
    struct err ignored;
    if (g->engines >= 0 && g->dir >= 0) {
        if (failed)
            renameat(g->dir, "log", g->engines, ENGINE_FAILED_LOG);
        tree_remove(g->engines, g->id, &ignored);
    }
    shut(&g->run_dir);
    shut(&g->dir);
    shut(&g->lock);
    shut(&g->engines);
}

static void tidy_one(int engines, const char *id)
{
    struct err e;
    auto_fd dir = dir_open(engines, id, &e);
    auto_fd lock = dir < 0 ? -1 : file_lock(dir, "lock", false, &e);
    if (lock < 0)
        return;
    if (tree_remove(engines, id, &e) == 0)
        log_event(EV_LEFTOVER_REMOVED, "what", "folder of an engine", "id", id, NULL);
}

void engine_folders_tidy(struct site *s)
{
    struct err ignored;
    auto_fd engines = open_engines(s, &ignored);
    int copy = engines < 0 ? -1 : openat(engines, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list)
        return;
    for (const struct dirent *entry; (entry = readdir(list));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, ENGINE_FAILED_LOG) != 0)
            tidy_one(engines, entry->d_name);
    closedir(list);
}
