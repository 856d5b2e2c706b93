/* `airlock silence --command`: any program of this host, without a contour. The box's root is the host's own,
 * read-only; /tmp, /run and /dev are the box's. What the program needs from those of the host (its working directory,
 * itself, files named as arguments) is mounted back, read-only. */
#include "cli/silence_command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "util/file.h"

#define RUN_SECONDS_DEFAULT 300U
#define GRACE_MS            5000
#define MOUNTS_MAX          64
#define TMP_BYTES           (1ULL << 30)
#define DAY_S               86400U

/* The program's output on its way to our stderr, through a pipe: so the program never holds a descriptor that leads to
 * a terminal, a socket or a file of the caller's. */
struct pump {
    int from, to; /* ends of the pipe */
    pthread_t thread;
    bool running;
};

static void *pump_run(void *argument)
{
    struct pump *p = argument;
    char bytes[16384];
    ssize_t got;
    while ((got = read(p->from, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            (void)fwrite(bytes, 1, (size_t)got, stderr);
    return NULL;
}

static int pump_start(struct pump *p, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(e, ERR_SYSTEM, errno, "pipe");
    p->from = ends[0];
    p->to = ends[1];
    int why = pthread_create(&p->thread, NULL, pump_run, p);
    p->running = why == 0;
    return why ? err_set(e, ERR_SYSTEM, why, "start a thread") : 0;
}

static void pump_close(struct pump *p)
{
    if (p->to >= 0)
        close(p->to);
    p->to = -1;
}

/* Waits for the last byte: every writer must be gone. */
static void pump_end(struct pump *p)
{
    pump_close(p);
    if (p->running)
        pthread_join(p->thread, NULL);
    if (p->from >= 0)
        close(p->from);
    p->running = false;
    p->from = -1;
}

/* ── what is mounted back ── */

struct mounts {
    struct box_file files[MOUNTS_MAX];
    char *paths[MOUNTS_MAX];
    size_t count;
};

static void mounts_fini(struct mounts *m)
{
    for (size_t i = 0; i < m->count; i++) {
        close(m->files[i].fd);
        free(m->paths[i]);
    }
}

/* Below a directory that the box has its own of, but not that directory itself. */
static bool is_hidden(const char *path)
{
    return strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/run/", 5) == 0;
}

static bool is_covered(const struct mounts *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t len = strlen(m->paths[i]);
        if (strncmp(path, m->paths[i], len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return false;
}

/* Mounts `path` back if the box would hide it. What cannot be opened is left out: the program will say so itself. */
static void mount_back(struct mounts *m, const char *path)
{
    struct stat st;
    if (!is_hidden(path) || is_covered(m, path) || m->count == MOUNTS_MAX)
        return;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        if (fd >= 0)
            close(fd);
        return;
    }
    char *copy = strdup(path);
    if (!copy)
        abort();
    m->paths[m->count] = copy;
    m->files[m->count++] = (struct box_file){.fd = fd, .path = copy};
}

/* The file of an argument: as a path, or behind the "=" of "--option=path". */
static void mount_argument(struct mounts *m, const char *word)
{
    const char *equals = strchr(word, '=');
    auto_free char *path = realpath(word, NULL);
    if (!path && equals)
        path = realpath(equals + 1, NULL);
    if (path)
        mount_back(m, path);
}

/* The program's own directory too: what stands beside it is often part of it. */
static void mount_program(struct mounts *m, const char *word)
{
    auto_free char *path = strchr(word, '/') ? realpath(word, NULL) : NULL;
    if (!path || !is_hidden(path))
        return;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    if (is_hidden(path))
        mount_back(m, path);
    *slash = '/';
    mount_back(m, path);
}

static void collect_mounts(struct mounts *m, const char *workdir, int argc, char *const argv[])
{
    mount_back(m, workdir);
    mount_program(m, argv[0]);
    for (int i = 1; i < argc; i++)
        mount_argument(m, argv[i]);
}

/* ── the run ── */

/* A program that says that it failed, or that something killed, may have been silent only because it did nothing. */
static void note_end(struct silence *s, int status)
{
    if (WIFSIGNALED(status))
        silence_exercise(s, false, "it was ended by signal %d (%s), which this test did not send", WTERMSIG(status),
                         strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        silence_exercise(s, false, "it ended with status %d", WEXITSTATUS(status));
}

static int run_in_box(const struct box_spec *spec, uint64_t seconds, struct pump *p, struct silence_result *out,
                      struct err *e)
{
    struct silence *s;
    struct box *box;
    if (silence_begin(spec, &s, &box, e) < 0) {
        if (e->code == ERR_INPUT) /* the check could not begin: nothing there that could be run */
            e->code = ERR_NOTFOUND;
        return -1;
    }
    pump_close(p); /* the box has its own copy */
    struct err gone = {0};
    int ended = box_wait(box, (int)(seconds * 1000), &gone);
    if (ended == 0)
        silence_exercise(s, true, "the program ran for %llu s and was then asked to end", (unsigned long long)seconds);
    else if (ended > 0)
        note_end(s, box->status);
    return silence_end(s, GRACE_MS, out, e);
}

static int run(struct invocation *in, struct silence_result *out, struct err *e)
{
    uint64_t seconds = RUN_SECONDS_DEFAULT;
    AUTO(mounts_fini) struct mounts m = {.count = 0};
    struct pump pump = {.from = -1, .to = -1};
    auto_free char *workdir = realpath(".", NULL);
    auto_free const char **argv = calloc((size_t)in->argc + 1, sizeof(*argv));
    auto_fd root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!argv)
        abort();
    for (int i = 0; i < in->argc; i++)
        argv[i] = in->argv[i];
    if (!workdir || root < 0)
        return err_set(e, ERR_IO, errno, "the working directory");
    if (silence_seconds(in, "seconds", &seconds, e) < 0 || pump_start(&pump, e) < 0)
        return -1;
    collect_mounts(&m, workdir, in->argc, in->argv);
    struct box_spec spec = {
        .name = "silence",
        .root = root,
        .files = m.files,
        .file_count = m.count,
        .run_dir = -1,
        .argv = argv,
        .env = (const char *const *)environ,
        .workdir = workdir,
        .output = pump.to,
        .error = -1,
        .tmp_bytes = TMP_BYTES,
    };
    int result = run_in_box(&spec, seconds, &pump, out, e);
    pump_end(&pump);
    return result;
}

static void put_command(struct json_out *w, void *arg)
{
    const struct invocation *in = arg;
    json_put_array(w, "command");
    for (int i = 0; i < in->argc; i++)
        json_out_string(w, in->argv[i]);
    json_out_array_end(w);
}

int silence_command(struct invocation *in)
{
    struct err e = {0};
    auto_silence_result result = {0};
    if (run(in, &result, &e) < 0 || silence_print(in, &result, in->argv[0], put_command, in, &e) < 0)
        return command_fail(in, &e);
    return silence_status(result.verdict);
}

/* ── shared ── */

int silence_seconds(const struct invocation *in, const char *name, uint64_t *out, struct err *e)
{
    const char *text = option_get(in, name);
    if (!text)
        return 0;
    if (!span_decimal(span_str(text), out) || *out > DAY_S)
        return err_set(e, ERR_USAGE, 0, "--%s: found \"%.32s\", wanted a number of seconds, at most %u", name, text,
                       DAY_S);
    return 0;
}

int silence_status(enum silence_verdict v)
{
    return v == SILENCE_PASSED ? 0 : v == SILENCE_FAILED ? 1 : 6;
}

static void print_json(const struct silence_result *r, void (*more)(struct json_out *w, void *arg), void *arg)
{
    struct json_out w;
    auto_buf out = BUF(8U << 20);
    command_json(&w, &out, "silence");
    silence_json(&w, r);
    if (more)
        more(&w, arg);
    command_json_end(&w);
}

int silence_print(struct invocation *in, const struct silence_result *r, const char *what,
                  void (*more)(struct json_out *w, void *arg), void *arg, struct err *e)
{
    const char *format = option_get(in, "format");
    auto_buf out = BUF(8U << 20);
    if (!format && in->json) {
        print_json(r, more, arg);
        return 0;
    }
    if (!format)
        silence_text(&out, r);
    else if (strcmp(format, "junit") == 0)
        silence_junit(&out, r, what);
    else
        silence_sarif(&out, r, what);
    if (buf_check(&out, "the answer", e) < 0)
        return -1;
    fwrite(out.ptr, 1, out.len, stdout);
    return 0;
}
