/* Order of a run: program there? → version asked once → root and /etc → box with listening sockets, recorders → relay →
 * program → record → judged. */
#include "collect/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "silence/event.h"
#include "util/clock.h"
#include "util/file.h"

#define MEMORY_BYTES  (8ULL << 30)
#define PROCESSES     1000
#define TMP_BYTES     (256ULL << 20)
#define VERSION_MS    30000
#define TICK_MS       200
#define GRACE_MS      2000
#define LOG_BYTES_MAX (32LL << 20) /* a client that talks more is stopped */
#define LAST_WORDS    640U
#define ROOT_FILES    20U

#define AUTHORITIES     "/etc/ssl/certs/ca-certificates.crt"
#define AUTHORITIES_MAX (8U << 20)

void clients_init(struct clients *c, int staging)
{
    *c = (struct clients){.staging = staging, .root = -1, .folder = -1};
}

static void record_fini(struct client_record *r)
{
    for (char **a = r->argv; a && *a; a++)
        free(*a);
    free(r->argv);
    box_relay_record_fini(&r->relay);
    silence_result_fini(&r->watched);
}

void clients_fini(struct clients *c)
{
    for (size_t i = 0; i < c->count; i++)
        record_fini(&c->list[i]);
    free(c->list);
    if (c->root >= 0)
        close(c->root);
    if (c->folder >= 0)
        close(c->folder);
    clients_init(c, -1);
}

/* ── folders ── */

static int make_open(int dir, const char *name, struct err *e)
{
    return dir_make(dir, name, 0700, e) < 0 ? -1 : dir_open(dir, name, e);
}

int client_prepare(struct clients *c, int *work, struct err *e)
{
    static const char *const parts[] = {"home", "tmp", "out"};
    char name[24];
    if (c->folder >= 0)
        close(c->folder);
    snprintf(name, sizeof name, "%u", ++c->number);
    c->folder = make_open(c->staging, name, e);
    auto_fd made = c->folder < 0 ? -1 : make_open(c->folder, "work", e);
    if (made < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (dir_make(made, parts[i], 0700, e) < 0)
            return -1;
    *work = fd_steal(&made);
    return 0;
}

/* The host's links into /usr; where /bin and the like are folders of their own, they are mounted as /usr is. */
static int make_root(struct clients *c, struct err *e)
{
    static const char *const links[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
    if (c->root >= 0)
        return 0;
    auto_fd root = make_open(c->staging, "root", e);
    for (size_t i = 0; root >= 0 && i < ARRAY_LEN(links); i++) {
        char from[16], target[PATH_MAX];
        snprintf(from, sizeof from, "/%s", links[i]);
        ssize_t len = readlink(from, target, sizeof target - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        if (symlinkat(target, root, links[i]) < 0 && errno != EEXIST)
            return err_set(e, ERR_IO, errno, "make the root of a box in the station");
    }
    c->root = fd_steal(&root);
    return c->root < 0 ? -1 : 0;
}

/* ── /etc and the host's programs ── */

struct mounts {
    struct box_file list[ROOT_FILES];
    size_t count;
};

static void mounts_fini(struct mounts *m)
{
    for (size_t i = 0; i < m->count; i++)
        close(m->list[i].fd);
}

static int mount_own(struct mounts *m, int folder, const char *name, const char *path, struct span text, struct err *e)
{
    if (file_write(folder, name, text, 0644, e) < 0)
        return -1;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "open %s in the station", name);
    m->list[m->count++] = (struct box_file){fd, path};
    return 0;
}

/* What the host has of these; certificates, but no private keys. */
static void mount_host(struct mounts *m)
{
    static const char *const paths[] = {"/usr",
                                        "/bin",
                                        "/sbin",
                                        "/lib",
                                        "/lib32",
                                        "/lib64",
                                        "/etc/ssl/certs",
                                        "/etc/ssl/openssl.cnf",
                                        "/etc/alternatives",
                                        "/etc/ld.so.cache"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int fd = open(paths[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
            m->list[m->count++] = (struct box_file){fd, paths[i]};
        else if (fd >= 0)
            close(fd);
    }
}

static int mount_etc(struct mounts *m, int folder, const struct places *places, struct err *e)
{
    auto_buf hosts = BUF(65536), passwd = BUF(4096), group = BUF(4096);
    unsigned uid = geteuid(), gid = getegid();
    places_hosts(places, &hosts);
    buf_printf(&passwd, "%s:x:%u:%u::" CLIENT_WORK "/home:/bin/sh\n", uid ? "collect" : "root", uid, gid);
    buf_printf(&group, "%s:x:%u:\n", gid ? "collect" : "root", gid);
    if (mount_own(m, folder, "hosts", "/etc/hosts", buf_span(&hosts), e) < 0 ||
        mount_own(m, folder, "passwd", "/etc/passwd", buf_span(&passwd), e) < 0 ||
        mount_own(m, folder, "group", "/etc/group", buf_span(&group), e) < 0)
        return -1;
    return mount_own(m, folder, "nsswitch.conf", "/etc/nsswitch.conf",
                     SPAN_LIT("passwd: files\ngroup: files\nhosts: files dns\n"), e);
}

/* The one file of certificates that all of the clients read, with more behind what the host has. */
static int mount_authorities(struct mounts *m, int folder, struct span more, struct err *e)
{
    auto_buf all = BUF(AUTHORITIES_MAX);
    if (file_read(AT_FDCWD, AUTHORITIES, &all, e) < 0)
        return err_hint(e, "authorities are added to the host's: install Debian's package ca-certificates");
    buf_add_byte(&all, '\n');
    buf_add_span(&all, more);
    if (buf_check(&all, AUTHORITIES, e) < 0)
        return -1;
    return mount_own(m, folder, "authorities.pem", AUTHORITIES, buf_span(&all), e);
}

/* ── a run ── */

/* One command line in its box. */
struct run {
    struct clients *c;
    const struct client_order *order;
    struct client_record *record;
    struct box_spec spec;
    struct mounts mounts;
    const char **argv, **env; /* owned */
    char home[80];            /* of env */
    struct box_listen listens[BOX_LISTEN_MAX];
    int log; /* owned */
    bool out_of_time, talks_too_much;
};

static void run_fini(struct run *r)
{
    mounts_fini(&r->mounts);
    free(r->argv);
    free(r->env);
    if (r->log >= 0)
        close(r->log);
}

static size_t count_of(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

static const char **joined(const char *const *first, size_t count, const char *const *more)
{
    size_t also = count_of(more);
    const char **list = calloc(count + also + 1, sizeof *list);
    if (!list)
        abort();
    memcpy(list, first, count * sizeof *list);
    if (also)
        memcpy(list + count, more, also * sizeof *list);
    return list;
}

static int set_up(struct run *r, struct err *e)
{
    const struct client_order *o = r->order;
    const char *const env[] = {
        r->home,        "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR=" CLIENT_WORK "/tmp",
        "LANG=C.UTF-8", "SSL_CERT_FILE=" AUTHORITIES,
    };
    snprintf(r->home, sizeof r->home, "HOME=%s", o->home ? o->home : CLIENT_WORK "/home");
    r->argv = joined(&o->client->program, 1, o->argv);
    r->env = joined(env, ARRAY_LEN(env), o->env);
    if (make_root(r->c, e) < 0 || mount_etc(&r->mounts, r->c->folder, o->places, e) < 0)
        return -1;
    mount_host(&r->mounts);
    if (r->c->authorities.len && mount_authorities(&r->mounts, r->c->folder, r->c->authorities, e) < 0)
        return -1;
    if (o->also) {
        int fd = dir_open(AT_FDCWD, o->also, e);
        if (fd < 0)
            return -1;
        r->mounts.list[r->mounts.count++] = (struct box_file){fd, o->also};
    }
    r->log = openat(r->c->folder, "log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->log < 0)
        return err_set(e, ERR_IO, errno, "make the log of %s in the station", o->client->name);
    for (size_t i = 0; i < o->places->count; i++)
        r->listens[i] = (struct box_listen){o->places->list[i].address, o->places->list[i].port};
    r->spec = (struct box_spec){.name = o->host ? o->host : "collect",
                                .root = r->c->root,
                                .files = r->mounts.list,
                                .file_count = r->mounts.count,
                                .run_dir = o->work,
                                .argv = r->argv,
                                .env = r->env,
                                .workdir = CLIENT_WORK "/out",
                                .output = o->keep_output >= 0 ? o->keep_output : r->log,
                                .error = r->log,
                                .listens = r->listens,
                                .listen_count = o->places->count,
                                .memory_bytes = MEMORY_BYTES,
                                .processes = PROCESSES,
                                .tmp_bytes = TMP_BYTES};
    return 0;
}

static struct box_relay *start_relay(const struct run *r, struct box *box, struct err *e)
{
    struct relay_place at[BOX_LISTEN_MAX];
    struct box_relay *relay = NULL;
    const struct places *p = r->order->places;
    for (size_t i = 0; i < p->count; i++)
        at[i] = (struct relay_place){box->listeners[i], p->list[i].host, p->list[i].port, p->list[i].tls};
    const struct relay_limits limits = {r->c->limit_bytes, (int)r->c->idle_s * 1000};
    return box_relay_start(at, p->count, &limits, &relay, e) < 0 ? NULL : relay;
}

/* Until it ends, or goes too far. -1: the box is gone. */
static int wait_for(struct run *r, struct box *box, struct box_relay *relay, struct err *e)
{
    int64_t deadline = clock_mono_ms() + (int64_t)r->c->limit_s * 1000;
    struct stat st;
    for (;;) {
        int ended = box_wait(box, TICK_MS, e);
        if (ended != 0)
            return ended < 0 ? -1 : 0;
        r->out_of_time = clock_mono_ms() > deadline;
        r->talks_too_much = fstat(r->log, &st) == 0 && st.st_size > LOG_BYTES_MAX;
        if (r->out_of_time || r->talks_too_much || box_relay_is_over(relay))
            return 0;
    }
}

static int run_watched(struct run *r, struct err *e)
{
    struct silence *session = NULL;
    struct box *box = NULL;
    if (silence_begin(&r->spec, &session, &box, e) < 0)
        return -1;
    struct box_relay *relay = start_relay(r, box, e);
    int result = relay ? wait_for(r, box, relay, e) : -1;
    box_relay_stop(relay, &r->record->relay);
    if (result < 0) {
        silence_abort(session);
        return -1;
    }
    if (silence_end(session, GRACE_MS, &r->record->watched, e) < 0)
        return -1;
    r->record->status = r->record->watched.status;
    return 0;
}

/* ── what came of it ── */

/* The last lines that it printed, each on one of its own, indented. */
static void last_words(const struct run *r, struct buf *out)
{
    char bytes[LAST_WORDS], line[LAST_WORDS];
    struct stat st;
    off_t from =
        fstat(r->log, &st) == 0 && st.st_size >= (off_t)sizeof bytes ? st.st_size - (off_t)sizeof bytes + 1 : 0;
    ssize_t got = pread(r->log, bytes, sizeof bytes - 1, from);
    bytes[got > 0 ? got : 0] = '\0';
    struct span rest = span_str(bytes), one;
    if (from > 0 && !span_take_until(&rest, '\n', &one)) /* its first word may be half a word */
        (void)span_take_until(&rest, ' ', &one);
    while (rest.len) {
        if (!span_take_until(&rest, '\n', &one)) {
            one = rest;
            rest.len = 0;
        }
        snprintf(line, sizeof line, "%.*s", (int)one.len, (const char *)one.ptr);
        for (char *c = line; *c; c++)
            if (*c == '\t' || *c == '\r')
                *c = ' ';
        clean_text(line, sizeof line, line);
        if (line[strspn(line, " ")])
            buf_printf(out, "\n    %s", line);
    }
}

static const struct silence_attempt *elsewhere(const struct client_record *record)
{
    for (size_t i = 0; i < record->watched.count; i++)
        if (strcmp(record->watched.attempts[i].proto, "unix") != 0)
            return &record->watched.attempts[i];
    return NULL;
}

static const struct relay_connection *cut(const struct client_record *record)
{
    for (size_t i = 0; i < record->relay.count; i++)
        if (record->relay.list[i].why[0] && strcmp(record->relay.list[i].why, "cut: the end") != 0)
            return &record->relay.list[i];
    return NULL;
}

static int judge_limits(const struct run *r, struct err *e)
{
    const char *name = r->order->client->name;
    auto_buf from = BUF(4096);
    if (!r->order->places->count && (r->out_of_time || r->talks_too_much)) /* it only had something to decide */
        return r->out_of_time ? err_set(e, ERR_UNDECIDED, 0, "%s did not end within %llu s, and was stopped", name,
                                        (unsigned long long)r->c->limit_s)
                              : err_set(e, ERR_UNDECIDED, 0, "%s filled its log, and was stopped", name);
    places_names(r->order->places, &from);
    if (r->record->relay.over_limit) {
        err_set(e, ERR_INPUT, 0, "%s was sent more than %llu bytes by %s, and was stopped", name,
                (unsigned long long)r->c->limit_bytes, buf_str(&from));
        return err_hint(e, "If that is right, say limits: {bytes: …} in collect.yaml");
    }
    if (r->out_of_time) {
        err_set(e, ERR_INPUT, 0, "%s did not end within %llu s (%s), and was stopped", name,
                (unsigned long long)r->c->limit_s, buf_str(&from));
        return err_hint(e, "If that is right, say limits: {time: …} in collect.yaml");
    }
    return r->talks_too_much ? err_set(e, ERR_INPUT, 0, "%s filled its log, and was stopped", name) : 0;
}

/* Why it failed, in the order of what tells most. */
static int judge(const struct run *r, struct err *e)
{
    const struct client_record *record = r->record;
    const char *name = r->order->client->name;
    auto_buf words = BUF(4096);
    if (judge_limits(r, e) < 0)
        return -1;
    if (WIFEXITED(record->status) && WEXITSTATUS(record->status) == 0)
        return 0;
    const struct silence_attempt *other = elsewhere(record);
    const struct relay_connection *broken = cut(record);
    last_words(r, &words);
    if (other)
        return err_set(e, ERR_INPUT, 0,
                       "%s was sent to %s%s, which collect.yaml does not name. If that place is right, name it under "
                       "upstreams%s",
                       name, other->name[0] ? other->name : other->address, other->name[0] ? "" : " (an address)",
                       buf_str(&words));
    if (broken)
        return err_set(e, ERR_IO, 0, "%s: %s:%u: %s. Try again when that place answers%s", name,
                       record->places.list[broken->place].host, record->places.list[broken->place].port, broken->why,
                       buf_str(&words));
    return err_set(e, ERR_INPUT, 0, "%s failed (%s %d). Mend what it says%s%s", name,
                   WIFEXITED(record->status) ? "status" : "signal",
                   WIFEXITED(record->status) ? WEXITSTATUS(record->status) : WTERMSIG(record->status),
                   words.len ? ":" : "; it said nothing", buf_str(&words));
}

int client_hint(struct err *e, const char *text)
{
    struct err old = *e;
    int head = (int)strcspn(old.msg, "\n");
    bool colon = head > 0 && old.msg[head - 1] == ':';
    snprintf(e->msg, sizeof e->msg, "%.*s. %s%s%.800s", head - colon, old.msg, text, colon ? ":" : "", old.msg + head);
    return -1;
}

/* ── the record ── */

static void ask_version(struct run *r)
{
    const char *const argv[] = {r->order->client->program, "--version", NULL};
    struct box_spec spec = r->spec;
    struct box *box = NULL;
    struct err ignored = {0};
    char line[sizeof r->record->version] = "";
    auto_fd out = memfd_create("version", MFD_CLOEXEC);
    spec.argv = argv;
    spec.output = out;
    spec.error = -1;
    spec.listen_count = 0;
    if (out >= 0 && box_start(&spec, &box, &ignored) == 0)
        (void)box_wait(box, VERSION_MS, &ignored);
    box_free(box);
    ssize_t got = pread(out, line, sizeof line - 1, 0);
    line[got > 0 ? strcspn(line, "\n") : 0] = '\0';
    clean_text(r->record->version, sizeof r->record->version, line[0] ? line : "unknown");
}

static struct client_record *new_record(struct clients *c, const struct client_order *o, const char *const *argv)
{
    size_t count = count_of(argv);
    struct client_record *list = realloc(c->list, (c->count + 1) * sizeof *list);
    char **copy = calloc(count + 1, sizeof *copy);
    if (!list || !copy)
        abort();
    for (size_t i = 0; i < count; i++)
        if (!(copy[i] = strdup(argv[i])))
            abort();
    c->list = list;
    list[c->count] =
        (struct client_record){.client = o->client, .argv = copy, .places = *o->places, .started_s = clock_now_s()};
    return &list[c->count++];
}

static bool version_is_known(const struct clients *c, struct client_record *record)
{
    for (size_t i = 0; i + 1 < c->count; i++)
        if (c->list[i].client == record->client) {
            memcpy(record->version, c->list[i].version, sizeof record->version);
            return true;
        }
    return false;
}

int client_run(struct clients *c, const struct client_order *o, struct err *e)
{
    AUTO(run_fini) struct run r = {.c = c, .order = o, .log = -1};
    int64_t begun = clock_mono_ms();
    if (access(o->client->program, X_OK) < 0) {
        err_set(e, ERR_NOTFOUND, errno, "%s is not on this machine: %s", o->client->name, o->client->program);
        return err_hint(e, "Install Debian's package %s", o->client->package);
    }
    if (set_up(&r, e) < 0)
        return -1;
    r.record = new_record(c, o, r.argv);
    if (!version_is_known(c, r.record))
        ask_version(&r);
    if (run_watched(&r, e) < 0)
        return err_prefix(e, "%s", o->client->name);
    r.record->ms = clock_mono_ms() - begun;
    return judge(&r, e);
}
