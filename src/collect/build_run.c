/* One build in its box. Every run has a folder of its own with its own copy of source and tools, so that the first
 * build cannot touch what the second one uses. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "collect/build_driver.h"
#include "collect/build_internal.h"
#include "silence/event.h"
#include "util/file.h"
#include "util/limits.h"

const struct variation BUILD_VARIATIONS[BUILD_RUNS] = {
    {"/tmp/a", "022", "up", "C.UTF-8", "UTC", "0", "collect", CLIENT_WORK "/home", "0", false},
    {"/tmp/another/place", "027", "down", "C", "AIR-13:30", "4711", "another", "/tmp/another/home", "90000", true},
    {"/tmp/another/place", "022", "down", "C", "AIR-13:30", "4711", "another", "/tmp/another/home", "90000", true},
};

static int copy_bytes(int from, int to, const char *name, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    ssize_t got;
    if (!chunk)
        abort();
    while ((got = read(from, chunk, COPY_CHUNK_BYTES)) > 0)
        if (file_write_all(to, span_of(chunk, (size_t)got), name, e) < 0)
            return -1;
    return got < 0 ? err_set(e, ERR_IO, errno, "read %s", name) : 0;
}

/* A package file out of the store, under its own name. */
static int lay_out(struct building *b, int work, const char *folder, const struct package *p, struct err *e)
{
    auto_buf path = BUF(1024);
    auto_fd from = blob_open(b->c->s->blobs, &p->digest, NULL, e);
    buf_printf(&path, "%s/%s", folder, p->filename);
    if (from < 0 || buf_check(&path, p->filename, e) < 0)
        return -1;
    auto_fd to = openat(work, buf_str(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (to < 0)
        return err_set(e, ERR_IO, errno, "make %s for a build", p->filename);
    return copy_bytes(from, to, p->filename, e);
}

bool build_is_tool(const struct package *p)
{
    size_t len = strlen(p->filename);
    return strcmp(p->ecosystem, "pypi") == 0 && strcmp(p->group, BUILD_GROUP) == 0 && len > 4 &&
           strcmp(p->filename + len - 4, ".whl") == 0;
}

static int lay_out_all(struct building *b, int work, struct err *e)
{
    const struct packages *all = &b->c->packages;
    if (dir_make(work, "sdist", 0700, e) < 0 || dir_make(work, "tools", 0700, e) < 0 ||
        lay_out(b, work, "sdist", b->sdist, e) < 0)
        return -1;
    for (size_t i = 0; i < all->count; i++)
        if (build_is_tool(&all->items[i]) && lay_out(b, work, "tools", &all->items[i], e) < 0)
            return -1;
    return work_write(work, "driver.py", span_str(BUILD_DRIVER), e);
}

struct words {
    struct buf texts; /* owned */
    const char *list[16];
    size_t count;
};

static void words_fini(struct words *w)
{
    buf_fini(&w->texts);
}

/* The environment of a variation. */
static void write_env(const struct building *b, const struct variation *v, struct words *w)
{
    size_t at[16], count = 0;
    const struct {
        const char *key, *value;
    } rows[] = {
        {"LC_ALL", v->locale},
        {"TZ", v->zone},
        {"PYTHONHASHSEED", v->seed},
        {"PIP_CONFIG_FILE", "/dev/null"},
        {"PYTHONNOUSERSITE", "1"},
        {"LD_PRELOAD", v->clock ? b->faketime : NULL},
        {"FAKETIME", v->clock && b->faketime ? BUILD_CLOCK : NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].value)
            continue;
        at[count++] = w->texts.len;
        buf_printf(&w->texts, "%s=%s", rows[i].key, rows[i].value);
        buf_add_byte(&w->texts, 0);
    }
    at[count++] = w->texts.len;
    buf_printf(&w->texts, "SOURCE_DATE_EPOCH=%lld", (long long)b->epoch);
    buf_add_byte(&w->texts, 0);
    for (size_t i = 0; i < count; i++)
        w->list[w->count++] = (const char *)w->texts.ptr + at[i];
}

static int read_toolchain(struct building *b, int work, struct err *e)
{
    char line[sizeof b->toolchain] = "";
    auto_fd fd = openat(work, "said", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "open what a build said");
    ssize_t got = pread(fd, line, sizeof line - 1, 0);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    clean_text(b->toolchain, sizeof b->toolchain, line);
    return 0;
}

static int run_box(struct building *b, const struct variation *v, int work, struct err *e)
{
    static const struct client python = {"python", "/usr/bin/python3", "python3"};
    static const struct places nowhere = {0};
    char sdist[512];
    AUTO(words_fini) struct words env = {.texts = BUF(4096)};
    auto_fd said = openat(work, "said", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (said < 0)
        return err_set(e, ERR_IO, errno, "make a file for a build");
    snprintf(sdist, sizeof sdist, CLIENT_WORK "/sdist/%s", b->sdist->filename);
    write_env(b, v, &env);
    const char *const argv[] = {"-I",
                                CLIENT_WORK "/driver.py",
                                sdist,
                                v->tree,
                                CLIENT_WORK "/out",
                                CLIENT_WORK "/tools",
                                v->umask,
                                v->order,
                                v->shift,
                                NULL};
    const struct client_order order = {.client = &python,
                                       .argv = argv,
                                       .env = env.list,
                                       .host = v->host,
                                       .home = v->home,
                                       .places = &nowhere,
                                       .work = work,
                                       .keep_output = said};
    return client_run(&b->c->clients, &order, e) < 0 ? -1 : read_toolchain(b, work, e);
}

static int open_wheel(const struct building *b, int work, int *wheel, char filename[256], struct err *e)
{
    auto_left left = {0};
    char path[300];
    uint64_t size;
    if (left_list(work, "out", &left, e) < 0)
        return -1;
    if (left.count != 1 || strlen(left.names[0]) > 255)
        return err_set(e, ERR_INPUT, 0, "%s: its build left %zu files; wanted one wheel", b->sdist->filename,
                       left.count);
    snprintf(filename, 256, "%s", left.names[0]);
    snprintf(path, sizeof path, "out/%s", filename);
    *wheel = left_open(work, path, &size, e);
    return *wheel < 0 ? -1 : 0;
}

int build_run(struct building *b, size_t which, int *wheel, char filename[256], struct err *e)
{
    int made = -1;
    if (client_prepare(&b->c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    if (lay_out_all(b, work, e) < 0 || run_box(b, &BUILD_VARIATIONS[which], work, e) < 0)
        return -1;
    return open_wheel(b, work, wheel, filename, e);
}
