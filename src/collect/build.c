#include "collect/build.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "collect/build_internal.h"
#include "util/limits.h"

#define MEMBERS_MS    120000
#define EARLIEST_TIME 315532800 /* 1980-01-01: a zip knows no earlier time */

/* ── the ledger ── */

static void put_attempts(const struct building *b, struct json_out *w)
{
    const struct clients *all = &b->c->clients;
    json_put_array(w, "tried");
    for (size_t i = 0; all->count && i < all->list[all->count - 1].watched.count && i < 20; i++) {
        const struct silence_attempt *a = &all->list[all->count - 1].watched.attempts[i];
        json_out_object(w);
        json_put_string(w, "op", a->op);
        json_put_string(w, "name", a->name);
        json_put_string(w, "address", a->address);
        json_put_uint(w, "port", a->port);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

/* A build that gave nothing is remembered; *e is what came of it, and stays so. */
static void enter(const struct building *b, const char *result, const char *member, const struct err *e)
{
    struct json_out w;
    struct err ignored = {0};
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(b->c->s, &ignored) < 0)
        return;
    site_event(b->c->s, &w, &entry, "build");
    json_put_string(&w, "source", b->sdist->filename);
    json_put_digest(&w, "digest", &b->sdist->digest);
    json_put_string(&w, "result", result);
    json_put_string(&w, "member", member);
    json_put_string(&w, "reason", e->msg);
    put_attempts(b, &w);
    if (site_commit(b->c->s, &w, NULL, &ignored) < 0)
        site_rollback(b->c->s);
}

/* ── one source, twice ── */

static json_t *members_of(struct building *b, int fd, const char *filename, struct err *e)
{
    const struct child_request request = {
        .op = "members", .fd = fd, .arg = span_str(filename), .timeout_ms = MEMBERS_MS};
    return child_call_json(b->c->parser, &request, filename, e);
}

/* The newest file of the source says what time it is in the build (reproducible-builds.org, "SOURCE_DATE_EPOCH"). */
static int find_epoch(struct building *b, struct err *e)
{
    auto_fd fd = blob_open(b->c->s->blobs, &b->sdist->digest, NULL, e);
    auto_json list = fd < 0 ? NULL : members_of(b, fd, b->sdist->filename, e);
    if (!list)
        return -1;
    b->epoch = json_integer_value(json_object_get(list, "newest"));
    if (b->epoch < EARLIEST_TIME)
        b->epoch = EARLIEST_TIME;
    return 0;
}

static const struct silence_attempt *attempt_of(const struct building *b)
{
    const struct clients *all = &b->c->clients;
    const struct client_record *last = all->count ? &all->list[all->count - 1] : NULL;
    for (size_t i = 0; last && i < last->watched.count; i++)
        if (strcmp(last->watched.attempts[i].proto, "unix") != 0)
            return &last->watched.attempts[i];
    return NULL;
}

static int failed(struct building *b, struct err *e)
{
    const struct silence_attempt *a = attempt_of(b);
    if (e->code != ERR_INPUT)
        return -1;
    if (a)
        err_prefix(e, "%s: its build failed, and tried %s %s%s: a build has no network", b->sdist->filename, a->op,
                   a->name, a->address);
    else
        err_prefix(e, "%s: its build failed", b->sdist->filename);
    client_hint(e, "What it needs is collected as wheels, in a set of group: " BUILD_GROUP
                   "; build: false in its set sends the source as it is");
    enter(b, "failed", "", e);
    return -1;
}

/* What was built is a wheel, and none that a release could bring. */
static int refused(struct building *b, struct err *e)
{
    if (e->code != ERR_INPUT)
        return -1;
    err_prefix(e, "%s was built, and its wheel is not right", b->sdist->filename);
    err_hint(e, "Collect another version of the source, or of the tools in the set of group: " BUILD_GROUP
                " that wrote this; build: false in its set sends the source as it is");
    enter(b, "failed", "", e);
    return -1;
}

/* A wheel that came out of one run. */
struct made {
    int fd;
    char filename[256];
    struct package package;
    struct buf metadata;
};

static void made_fini(struct made *m)
{
    if (m->fd >= 0)
        close(m->fd);
    package_fini(&m->package);
    buf_fini(&m->metadata);
}

static int make(struct building *b, size_t which, struct made *m, struct err *e)
{
    auto_json reply = NULL;
    if (build_run(b, which, &m->fd, m->filename, e) < 0)
        return failed(b, e);
    if (package_look(b->c->parser, m->fd, m->filename, NULL, &m->package, &m->metadata, &reply, e) < 0)
        return failed(b, e);
    if (take_judge(reply, m->filename, e) < 0)
        return refused(b, e);
    if (strcmp(m->package.name, b->sdist->name) == 0)
        return 0;
    err_set(e, ERR_INPUT, 0, "the wheel that came out calls itself %s %s", m->package.name, m->package.version);
    return failed(b, e);
}

static int differs(struct building *b, const struct build_finding *f, struct err *e)
{
    err_set(e, ERR_INPUT, 0, "%s was built twice and did not come out the same: %s", b->sdist->filename, f->text);
    err_hint(e,
             "A build that honours SOURCE_DATE_EPOCH and nothing of its surroundings is reproducible; build: false in "
             "its set sends the source as it is");
    enter(b, build_difference_name(f->kind), f->member, e);
    return -1;
}

static int compare(struct building *b, const struct made *one, const struct made *two, struct build_finding *f,
                   struct err *e)
{
    auto_json first = members_of(b, one->fd, one->filename, e);
    auto_json second = first ? members_of(b, two->fd, two->filename, e) : NULL;
    if (!second)
        return -1;
    build_compare(first, second, f);
    if (strcmp(one->filename, two->filename) != 0 && f->kind != BUILD_CONTENT) {
        f->kind = BUILD_CONTENT;
        snprintf(f->text, sizeof f->text, "the names differ: %.200s and %.200s", one->filename, two->filename);
    }
    return 0;
}

static bool same(const struct made *one, const struct made *two)
{
    return digest_equal(&one->package.digest, &two->package.digest) && strcmp(one->filename, two->filename) == 0;
}

/* Backends that keep the permissions of files that they wrote show the umask in the wheel. Where that is all, a third
 * run with the first one's umask must be equal to it. */
static int build_again(struct building *b, const struct made *one, const struct made *two, struct err *e)
{
    struct build_finding f;
    AUTO(made_fini) struct made three = {.fd = -1, .metadata = BUF(LIMIT_JSON_BYTES)};
    if (compare(b, one, two, &f, e) < 0)
        return -1;
    if (f.kind != BUILD_MODE)
        return differs(b, &f, e);
    if (make(b, 2, &three, e) < 0)
        return -1;
    b->umask_matters = true;
    if (same(one, &three))
        return 0;
    return compare(b, one, &three, &f, e) < 0 ? -1 : differs(b, &f, e);
}

/* ── into the collection ── */

static char *copy(const char *text)
{
    char *s = strdup(text);
    if (!s)
        abort();
    return s;
}

static int put_metadata(struct building *b, struct made *m, struct err *e)
{
    struct digest id;
    if (m->metadata.len == 0)
        return 0;
    if (blob_put(b->c->s->blobs, buf_span(&m->metadata), &id, e) < 0)
        return -1;
    json_object_set_new(m->package.about, "metadata", json_string(digest_text(&id).text));
    json_object_set_new(m->package.about, "metadata-size", json_integer((json_int_t)m->metadata.len));
    return 0;
}

static int join(struct building *b, struct made *m, struct err *e)
{
    struct digest id = m->package.digest;
    char source[300];
    if (lseek(m->fd, 0, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "lseek");
    if (blob_put_fd(b->c->s->blobs, m->fd, &id, &m->package.digest, &m->package.size, e) < 0 ||
        put_metadata(b, m, e) < 0 || build_attest(b, &m->package, e) < 0)
        return -1;
    snprintf(source, sizeof source, "built:%.250s", b->sdist->filename);
    m->package.group = copy(b->sdist->group);
    m->package.source = copy(source);
    collect_remark(b->c, "%s was built twice from %s and came out the same%s; its hash for a lock is sha256:%s",
                   m->filename, b->sdist->filename,
                   b->umask_matters ? " (but for permissions, which follow the umask)" : "", digest_hex(&id).text);
    packages_add(&b->c->packages, &m->package);
    return 0;
}

static int build_one(struct building *b, struct err *e)
{
    AUTO(made_fini) struct made one = {.fd = -1, .metadata = BUF(LIMIT_JSON_BYTES)};
    AUTO(made_fini) struct made two = {.fd = -1, .metadata = BUF(LIMIT_JSON_BYTES)};
    if (b->c->progress && b->c->progress->step)
        b->c->progress->step(b->c->progress->arg, b->sdist->filename);
    if (find_epoch(b, e) < 0 || make(b, 0, &one, e) < 0 || make(b, 1, &two, e) < 0)
        return -1;
    if (!same(&one, &two) && build_again(b, &one, &two, e) < 0)
        return -1;
    return join(b, &one, e);
}

/* ── all sources ── */

static const char *find_faketime(void)
{
    static const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                                        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
                                        "/usr/lib/faketime/libfaketimeMT.so.1"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (access(paths[i], R_OK) == 0)
            return paths[i];
    return NULL;
}

static bool ends(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len > tail && strcmp(text + len - tail, end) == 0;
}

/* The set that asks for this name as source; NULL: none, or it says build: false. */
static bool is_to_be_built(const struct collecting *c, const struct package *p)
{
    for (size_t i = 0; i < c->spec->set_count; i++) {
        const struct collect_set *set = &c->spec->sets[i];
        for (size_t k = 0; k < set->source_count && !set->unbuilt; k++)
            if (strcmp(set->source[k], p->name) == 0)
                return true;
    }
    return false;
}

int build_sources(struct collecting *c, struct err *e)
{
    const char *faketime = find_faketime();
    size_t count = c->packages.count, built = 0;
    for (size_t i = 0; i < count; i++) {
        /* the list grows under us: a shallow copy, whose texts the list keeps */
        const struct package sdist = c->packages.items[i];
        struct building b = {.c = c, .sdist = &sdist, .faketime = faketime};
        if (strcmp(sdist.ecosystem, "pypi") != 0 || ends(sdist.filename, ".whl") || !is_to_be_built(c, &sdist))
            continue;
        if (!ends(sdist.filename, ".tar.gz"))
            return err_set(e, ERR_INPUT, 0,
                           "%s cannot be built here: only source distributions of Python (.tar.gz) are",
                           sdist.filename);
        if (build_one(&b, e) < 0)
            return -1;
        built++;
    }
    if (built && !faketime)
        collect_remark(c, "libfaketime is not on this machine: the builds were not made at different times; install "
                          "Debian's package faketime");
    return 0;
}
