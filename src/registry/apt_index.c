#include "registry/apt_index.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "registry/apt_stanza.h"
#include "util/file.h"
#include "util/log.h"

/* All of Debian's main for one architecture is 50 MB. */
#define PACKAGES_MAX      (128U << 20)
#define RELEASE_MAX       65536U
#define ARCHITECTURES_MAX 16U

/* Listed also when no package is for them, so that `apt update` on the usual machines finds its index. */
static const char *const USUAL[] = {"amd64", "arm64"};

struct item {
    char name[129], version[129], architecture[APT_ARCHITECTURE_SIZE];
    struct digest digest;
    size_t at, len; /* of its stanza */
    bool contested;
};

struct apt_packages {
    struct item *items; /* in order of name and filename */
    size_t count, room;
    struct buf text; /* the stanzas, one after the other */
};

struct apt_packages *apt_packages_new(void)
{
    struct apt_packages *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    p->text = BUF(PACKAGES_MAX);
    return p;
}

void apt_packages_free(struct apt_packages *p)
{
    if (!p)
        return;
    buf_fini(&p->text);
    free(p->items);
    free(p);
}

int apt_packages_add(struct apt_packages *p, const struct package_row *row, struct err *e)
{
    struct err why = {0};
    struct item item = {.digest = row->digest, .at = p->text.len};
    if (apt_stanza(row, &p->text, item.architecture, &why) < 0) {
        if (!buf_ok(&p->text))
            return buf_check(&p->text, "the package index", e);
        log_event(EV_DEB_LEFT_OUT, "file", row->filename, "reason", why.msg, NULL);
        return 0;
    }
    snprintf(item.name, sizeof(item.name), "%s", row->name);
    snprintf(item.version, sizeof(item.version), "%s", row->version);
    item.len = p->text.len - item.at;
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->items = reallocarray(p->items, p->room, sizeof(*p->items));
        if (!p->items)
            abort();
    }
    p->items[p->count++] = item;
    return 0;
}

size_t apt_packages_count(const struct apt_packages *p)
{
    return p->count;
}

/* ── what apt could not tell apart ── */

static bool same_package(const struct item *a, const struct item *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->version, b->version) && !strcmp(a->architecture, b->architecture);
}

/* Neighbours by name are few: each is held against those behind it. The same bytes under two file names are listed
 * once. */
static void find_contested(struct apt_packages *p)
{
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count && !strcmp(p->items[i].name, p->items[j].name); j++) {
            struct item *a = &p->items[i], *b = &p->items[j];
            if (!same_package(a, b))
                continue;
            b->contested = true;
            if (digest_equal(&a->digest, &b->digest) || a->contested)
                continue;
            a->contested = true;
            log_event(EV_DEB_LEFT_OUT, "file", a->name, "reason",
                      "two releases bring this version under different file names with different bytes", NULL);
        }
}

/* ── files in memory ── */

static int add_file(struct apt_index *x, const char *path, struct span bytes, struct err *e)
{
    if (x->count == APT_FILES_MAX)
        return err_set(e, ERR_LIMIT, 0, "an apt index has more than %u files", APT_FILES_MAX);
    auto_fd fd = memfd_create("apt", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_SYSTEM, errno, "a file in memory");
    if (file_write_all(fd, bytes, path, e) < 0)
        return -1;
    struct apt_file *f = &x->files[x->count++];
    *f = (struct apt_file){.fd = fd_steal(&fd), .size = bytes.len, .sha256 = digest_of(bytes)};
    snprintf(f->path, sizeof(f->path), "%s", path);
    return 0;
}

void apt_index_fini(struct apt_index *x)
{
    for (size_t i = 0; i < x->count; i++)
        close(x->files[i].fd);
    x->count = 0;
}

static la_ssize_t collect(struct archive *a, void *arg, const void *bytes, size_t len)
{
    struct buf *out = arg;
    (void)a;
    buf_add(out, bytes, len);
    return buf_ok(out) ? (la_ssize_t)len : -1;
}

static void close_archive(struct archive **a)
{
    archive_write_free(*a);
}

/* One stream and no archive around it. Gzip's own time stamp is left out, xz has none. */
static int compress(struct span bytes, bool xz, struct buf *out, struct err *e)
{
    AUTO(close_archive) struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    if (!a || !entry)
        abort();
    archive_entry_set_filetype(entry, AE_IFREG);
    bool good = archive_write_set_format_raw(a) == ARCHIVE_OK &&
                (xz ? archive_write_add_filter_xz(a) : archive_write_add_filter_gzip(a)) == ARCHIVE_OK &&
                archive_write_set_options(a, xz ? "xz:compression-level=1" : "gzip:!timestamp") == ARCHIVE_OK &&
                archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                archive_write_open2(a, out, NULL, collect, NULL, NULL) == ARCHIVE_OK &&
                archive_write_header(a, entry) == ARCHIVE_OK &&
                (bytes.len == 0 || archive_write_data(a, bytes.ptr, bytes.len) == (la_ssize_t)bytes.len) &&
                archive_write_close(a) == ARCHIVE_OK;
    archive_entry_free(entry);
    if (good)
        return 0;
    return err_set(e, ERR_SYSTEM, 0, "compress an index (%s): %s", xz ? "xz" : "gzip",
                   archive_error_string(a) ? archive_error_string(a) : "no reason given");
}

/* ── Packages ── */

static int make_packages(const struct apt_packages *p, const char *architecture, struct apt_index *x, struct err *e)
{
    auto_buf plain = BUF(PACKAGES_MAX), gz = BUF(PACKAGES_MAX), xz = BUF(PACKAGES_MAX);
    char path[80];
    for (size_t i = 0; i < p->count; i++) {
        const struct item *item = &p->items[i];
        if (!item->contested && (!strcmp(item->architecture, architecture) || !strcmp(item->architecture, "all")))
            buf_add(&plain, p->text.ptr + item->at, item->len);
    }
    if (buf_check(&plain, "the package index", e) < 0 || compress(buf_span(&plain), false, &gz, e) < 0 ||
        compress(buf_span(&plain), true, &xz, e) < 0)
        return -1;
    const struct {
        const char *suffix;
        const struct buf *bytes;
    } forms[] = {{"", &plain}, {".gz", &gz}, {".xz", &xz}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        snprintf(path, sizeof(path), "main/binary-%s/Packages%s", architecture, forms[i].suffix);
        if (add_file(x, path, buf_span(forms[i].bytes), e) < 0)
            return -1;
    }
    return 0;
}

/* ── architectures ── */

struct architectures {
    char names[ARCHITECTURES_MAX][APT_ARCHITECTURE_SIZE];
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int add_architecture(struct architectures *a, const char *name, struct err *e)
{
    for (size_t i = 0; i < a->count; i++)
        if (!strcmp(a->names[i], name))
            return 0;
    if (a->count == ARCHITECTURES_MAX)
        return err_set(e, ERR_LIMIT, 0, "packages for more than %u architectures", ARCHITECTURES_MAX);
    snprintf(a->names[a->count++], APT_ARCHITECTURE_SIZE, "%s", name);
    return 0;
}

static int find_architectures(const struct apt_packages *p, struct architectures *a, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(USUAL); i++)
        (void)add_architecture(a, USUAL[i], e);
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].architecture, "all") != 0 && add_architecture(a, p->items[i].architecture, e) < 0)
            return -1;
    qsort(a->names, a->count, sizeof(a->names[0]), by_text);
    return 0;
}

/* ── Release ── */

/* RFC 5322 as apt reads it, in UTC: "Tue, 24 Nov 2026 08:00:00 UTC". */
static void add_time(struct buf *out, const char *field, int64_t seconds)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t when = (time_t)seconds;
    struct tm t;
    if (!gmtime_r(&when, &t))
        abort(); /* no time of ours lies outside an int's years */
    buf_printf(out, "%s: %s, %02d %s %04d %02d:%02d:%02d UTC\n", field, days[t.tm_wday], t.tm_mday, months[t.tm_mon],
               t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static void write_release(const struct apt_index *x, const struct architectures *a, const struct apt_release *about,
                          struct buf *out)
{
    buf_printf(out, "Origin: Airlock\nLabel: %s\nSuite: %s\nCodename: " APT_SUITE "\n", about->label,
               about->environment);
    add_time(out, "Date", about->date_s);
    add_time(out, "Valid-Until", about->valid_until_s);
    buf_add_str(out, "Acquire-By-Hash: yes\nArchitectures:");
    for (size_t i = 0; i < a->count; i++)
        buf_printf(out, " %s", a->names[i]);
    buf_printf(out, "\nComponents: main\nDescription: Packages of the releases that stand in %s\nSHA256:\n",
               about->environment);
    for (size_t i = 0; i < x->count; i++)
        buf_printf(out, " %s %llu %s\n", digest_hex(&x->files[i].sha256).text, (unsigned long long)x->files[i].size,
                   x->files[i].path);
}

static int sign(struct apt_index *x, struct span release, int64_t at_s, const struct index_signer *signer,
                struct err *e)
{
    auto_buf clear = BUF(2 * RELEASE_MAX), detached = BUF(RELEASE_MAX);
    if (!signer || !signer->sign)
        return err_set(e, ERR_SYSTEM, 0, "this server has no key for apt indexes");
    if (signer->sign(signer->arg, at_s, release, &clear, &detached, e) < 0 || add_file(x, "Release", release, e) < 0 ||
        add_file(x, "InRelease", buf_span(&clear), e) < 0)
        return -1;
    return add_file(x, "Release.gpg", buf_span(&detached), e);
}

int apt_index_make(struct apt_packages *p, const struct apt_release *about, const struct index_signer *signer,
                   struct apt_index *out, struct err *e)
{
    struct architectures a = {.count = 0};
    auto_buf release = BUF(RELEASE_MAX);
    find_contested(p);
    if (find_architectures(p, &a, e) < 0)
        return -1;
    for (size_t i = 0; i < a.count; i++)
        if (make_packages(p, a.names[i], out, e) < 0)
            return -1;
    write_release(out, &a, about, &release);
    if (buf_check(&release, "Release", e) < 0)
        return -1;
    return sign(out, buf_span(&release), about->date_s, signer, e);
}
