/* The members of an archive, one after the other. libarchive is told to read on behind the end marks of a tar
 * (read_concatenated_archives), so that nothing can hide there, and the bytes that it did not ask for are looked at by
 * ourselves. */
#include "parse/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/dpkg.h"
#include "parse/paths.h"
#include "parse/sniff.h"
#include "parse/text.h"

#define RATIO_ASKED_FROM (64ULL << 20)
#define READ_CHUNK       65536U

/* Rows of "files": what an inventory wants, and what was found. */
#define FILES_MAX 20000U

/* The bytes of the archive where they come out of a compressed file. */
struct unpacked {
    struct archive *a; /* knows the compression, and nothing of tar; NULL when there is none */
    uint8_t chunk[READ_CHUNK];
    size_t head; /* bytes of the chunk that were read to see what it is, and not yet given away */
    uint64_t bytes;
};

struct tar {
    struct archive *a; /* the one whose members are read */
    struct unpacked *unpacked;
    struct span file;
    const struct inspect_options *o;
    struct report *r;
    struct path_set *paths;
    struct buf path; /* normal form of the member at hand */
    struct buf data; /* its bytes */
    struct digest digest;
    size_t members, whiteouts, rows;
    uint64_t bytes;
    size_t counts[CONTENT_KINDS];
    struct buf files_json, packages_json, os_json;
    struct json_out files, packages;
    bool stopped;
};

static void stop(struct tar *t, const char *rule, const char *at, const char *what)
{
    report_finding(t->r, SEVERITY_HIGH, rule, at, "%s", what);
    t->stopped = true;
}

static const char *member(struct tar *t)
{
    return buf_str(&t->path);
}

/* ── paths and links ── */

static void check_links(struct tar *t, struct archive_entry *entry)
{
    const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
    auto_buf normal = BUF(8192);
    bool absolute;
    if (archive_entry_filetype(entry) == AE_IFLNK) {
        const char *problem = soft ? symlink_problem(member(t), soft) : "no target that can be read";
        if (problem)
            report_finding(t->r, SEVERITY_HIGH, "tar-symlink", member(t), "a symbolic link to \"%.200s\": %s",
                           soft ? soft : "", problem);
    } else if (hard) {
        const char *problem = path_problem(hard, &normal, &absolute);
        if (problem || absolute)
            report_finding(t->r, SEVERITY_CRITICAL, "tar-hardlink", member(t), "a hard link to \"%.200s\": %s", hard,
                           problem ? problem : "an absolute target");
    }
}

static void check_place(struct tar *t, struct archive_entry *entry)
{
    bool full, symlink = archive_entry_filetype(entry) == AE_IFLNK;
    const char *behind = path_set_add(t->paths, member(t), symlink, &full);
    if (full)
        stop(t, "tar-count", member(t), "more paths than are read");
    if (behind)
        report_finding(
            t->r, SEVERITY_CRITICAL, "tar-through-symlink", member(t),
            "the archive holds \"%.200s\" as a symbolic link and as a directory with members: an unpacker may "
            "write where the link leads",
            behind);
}

/* False when the member's name is so wrong that nothing more is said about it. */
static bool check_path(struct tar *t, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    bool absolute;
    char at[48];
    if (!path) {
        snprintf(at, sizeof(at), "member %zu", t->members);
        report_finding(t->r, SEVERITY_HIGH, "tar-path", at, "its name is no UTF-8");
        return false;
    }
    const char *problem = path_problem(path, &t->path, &absolute);
    if (problem) {
        report_finding(t->r, SEVERITY_CRITICAL, "tar-path", path, "the path has %s", problem);
        return false;
    }
    if (absolute)
        report_finding(t->r, SEVERITY_HIGH, "tar-absolute", path, "an absolute path");
    return true;
}

/* ── kinds and modes ── */

static void check_kind(struct tar *t, struct archive_entry *entry)
{
    mode_t kind = archive_entry_filetype(entry), mode = archive_entry_perm(entry);
    if (kind == AE_IFCHR || kind == AE_IFBLK)
        report_finding(t->r, SEVERITY_HIGH, "tar-device", member(t), "a device node (%s %u:%u)",
                       kind == AE_IFCHR ? "character" : "block", (unsigned)archive_entry_rdevmajor(entry),
                       (unsigned)archive_entry_rdevminor(entry));
    else if (kind == AE_IFIFO || kind == AE_IFSOCK)
        report_finding(t->r, SEVERITY_MEDIUM, "tar-special", member(t), "a named pipe or socket");
    else if (kind != AE_IFREG && kind != AE_IFDIR && kind != AE_IFLNK && !archive_entry_hardlink(entry))
        report_finding(t->r, SEVERITY_HIGH, "tar-kind", member(t), "neither file nor directory nor link");
    if (kind == AE_IFREG && (mode & (S_ISUID | S_ISGID)))
        report_finding(t->r, SEVERITY_MEDIUM, "tar-setuid", member(t),
                       "runs with the rights of its owner or group (mode %04o, user %" PRId64 ", group %" PRId64 ")",
                       (unsigned)mode, (int64_t)archive_entry_uid(entry), (int64_t)archive_entry_gid(entry));
    if (kind == AE_IFREG && (mode & S_IWOTH))
        report_finding(t->r, SEVERITY_LOW, "tar-writable", member(t), "a file that everybody may write (mode %04o)",
                       (unsigned)mode);
}

static void check_attributes(struct tar *t, struct archive_entry *entry)
{
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
        if (name && strcmp(name, "security.capability") == 0)
            report_finding(t->r, SEVERITY_MEDIUM, "tar-capability", member(t), "runs with capabilities of its own");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ── contents ── */

/* Bytes in and out: a bomb is found while it unpacks, not afterwards. */
static bool ratio_holds(struct tar *t, uint64_t *bytes, uint64_t more)
{
    *bytes += more;
    if (*bytes < RATIO_ASKED_FROM || *bytes / LIMIT_UNPACK_RATIO <= t->file.len)
        return true;
    stop(t, "archive-bomb", member(t), "unpacks to more than 250 times its size");
    return false;
}

/* Reads the member into t->data. 1: all of it; 0: too large to be held; -1: stopped. */
static int read_data(struct tar *t, struct archive_entry *entry)
{
    int64_t announced = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    buf_clear(&t->data);
    if (announced < 0 || (uint64_t)announced > LIMIT_MEMBER_BYTES)
        return 0;
    for (;;) {
        uint8_t *room = t->data.len > LIMIT_MEMBER_BYTES ? NULL : buf_room(&t->data, READ_CHUNK);
        if (!room)
            return 0;
        ssize_t got = archive_read_data(t->a, room, READ_CHUNK);
        if (got < 0) {
            const char *why = archive_error_string(t->a);
            stop(t, "archive-broken", member(t), why ? why : "its data cannot be read");
            return -1;
        }
        if (got == 0)
            return 1;
        buf_grown(&t->data, (size_t)got);
        if (!ratio_holds(t, &t->bytes, (uint64_t)got))
            return -1;
    }
}

static bool matters(enum content c, enum verdict v)
{
    return verdict_blocks(v) || c == CONTENT_ELF || c == CONTENT_GGUF || c == CONTENT_SAFETENSORS;
}

static void write_row(struct tar *t, struct report *inner, mode_t mode)
{
    struct err e = {0};
    if (t->rows++ >= FILES_MAX)
        return;
    json_out_object(&t->files);
    json_put_string(&t->files, "path", member(t));
    json_put_uint(&t->files, "size", t->data.len);
    json_put_string(&t->files, "sha256", digest_hex(&t->digest).text);
    json_put_uint(&t->files, "mode", mode);
    json_put_string(&t->files, "format", inner->format);
    json_put_string(&t->files, "verdict", verdict_name(inner->verdict));
    json_out_key(&t->files, "facts");
    json_out_object_end(&inner->facts);
    if (buf_check(&inner->facts_json, "facts", &e) < 0)
        json_out_null(&t->files);
    else
        json_out_raw(&t->files, buf_span(&inner->facts_json));
    json_out_object_end(&t->files);
}

/* The same look as at any file; its findings say which member they are about. */
static void inspect_member(struct tar *t, const char *name, mode_t mode)
{
    struct inspect_options o = *t->o;
    auto_report inner = {0};
    report_init_inside(&inner, t->r, name);
    o.name = name;
    o.layer = false;
    o.executable = (mode & 0111) != 0;
    o.depth++;
    if (t->o->watch)
        o.stands = t->o->watch->file(t->o->watch->arg, name, buf_span(&t->data), t->r);
    o.watch = NULL;
    inspect_bytes(buf_span(&t->data), &o, &inner);
    enum content content = sniff(buf_span(&t->data), name);
    t->counts[content]++;
    t->digest = digest_of(buf_span(&t->data));
    report_merge(t->r, &inner);
    if (!t->o->watch && !t->o->stands && matters(content, inner.verdict))
        write_row(t, &inner, mode);
}

static bool starts(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Of an image layer: what its packages are, and which system it says it is. */
static void read_inventory(struct tar *t)
{
    const char *path = member(t);
    bool single = starts(path, "var/lib/dpkg/status.d/") && !span_ends(span_str(path), SPAN_LIT(".md5sums"));
    if (single || strcmp(path, "var/lib/dpkg/status") == 0)
        dpkg_read(buf_span(&t->data), single, path, &t->packages, t->r);
    else if (starts(path, "lib/apk/db/installed") || starts(path, "usr/lib/apk/db/installed") ||
             starts(path, "var/lib/rpm/") || starts(path, "usr/lib/sysimage/rpm/"))
        report_not_scanned(t->r, "packages-unknown", path, "a package database that no reader of ours understands yet");
    if ((strcmp(path, "etc/os-release") == 0 || strcmp(path, "usr/lib/os-release") == 0) && t->os_json.len == 0 &&
        t->data.len < 65536 && text_is_text(buf_span(&t->data)))
        buf_add_span(&t->os_json, buf_span(&t->data));
}

static void check_data(struct tar *t, struct archive_entry *entry)
{
    int result = read_data(t, entry);
    if (result < 0)
        return;
    if (result == 0) {
        report_not_scanned(t->r, "member-size", member(t), "more than %llu bytes; so much is not held in memory",
                           LIMIT_MEMBER_BYTES);
        return;
    }
    if (t->o->layer)
        read_inventory(t);
    char name[8192];
    snprintf(name, sizeof(name), "%s", member(t));
    inspect_member(t, name, archive_entry_perm(entry));
}

static void check_member(struct tar *t, struct archive_entry *entry)
{
    if (++t->members > LIMIT_TAR_MEMBERS) {
        stop(t, "tar-count", "", "more than 1,000,000 members");
        return;
    }
    if (!check_path(t, entry) || t->path.len == 0) /* "./" itself */
        return;
    check_kind(t, entry);
    check_attributes(t, entry);
    check_links(t, entry);
    check_place(t, entry);
    if (starts(base_name(member(t)), ".wh."))
        t->whiteouts++;
    if (archive_entry_hardlink(entry) && t->o->watch && t->o->watch->link)
        t->o->watch->link(t->o->watch->arg, member(t));
    if (archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry))
        check_data(t, entry);
}

/* ── the archive ── */

static const char *error_of(struct archive *a, const char *otherwise)
{
    const char *why = archive_error_string(a);
    return why ? why : otherwise;
}

/* libarchive's call for more of the tar's bytes. */
static la_ssize_t more_bytes(struct archive *a, void *arg, const void **bytes)
{
    struct tar *t = arg;
    struct unpacked *u = t->unpacked;
    la_ssize_t got = (la_ssize_t)u->head;
    *bytes = u->chunk;
    u->head = 0;
    if (got == 0)
        got = archive_read_data(u->a, u->chunk, sizeof(u->chunk));
    if (got < 0)
        archive_set_error(a, archive_errno(u->a), "%s", error_of(u->a, "the compressed data end too early"));
    else if (!ratio_holds(t, &u->bytes, (uint64_t)got))
        got = -1;
    return got < 0 ? -1 : got;
}

static void new_reader(struct tar *t)
{
    t->a = archive_read_new();
    if (!t->a)
        abort();
    archive_read_support_format_tar(t->a);
    archive_read_support_format_empty(t->a);
    archive_read_set_format_option(t->a, "tar", "read_concatenated_archives", "1");
}

/* Takes the compression away, and looks at what comes out. 1: a tar; 0: something else; -1: stopped. */
static int open_compressed(struct tar *t)
{
    struct unpacked *u = t->unpacked;
    struct archive_entry *entry;
    archive_read_support_filter_gzip(u->a);
    archive_read_support_filter_zstd(u->a);
    archive_read_support_filter_xz(u->a);
    archive_read_support_filter_bzip2(u->a);
    archive_read_support_format_raw(u->a);
    archive_read_support_format_empty(u->a);
    if (archive_read_open_memory(u->a, t->file.ptr, t->file.len) != ARCHIVE_OK ||
        archive_read_next_header(u->a, &entry) != ARCHIVE_OK) {
        stop(t, "archive-broken", "", error_of(u->a, "nothing that can be unpacked"));
        return -1;
    }
    if (archive_filter_count(u->a) > 2) {
        stop(t, "archive-nested", "", "compressed more than once");
        return -1;
    }
    while (u->head < 1024) {
        la_ssize_t got = archive_read_data(u->a, u->chunk + u->head, 1024 - u->head);
        if (got < 0) {
            stop(t, "archive-broken", "", error_of(u->a, "the compressed data are broken"));
            return -1;
        }
        if (got == 0)
            break;
        u->head += (size_t)got;
    }
    return sniff(span_of(u->chunk, u->head), "") == CONTENT_TAR;
}

static void broken(struct tar *t, const char *otherwise)
{
    char at[48];
    snprintf(at, sizeof(at), "behind member %zu", t->members);
    stop(t, "archive-broken", t->members ? at : "", error_of(t->a, otherwise));
}

/* The whole of a compressed file that is no tar into t->data, as read_data does. */
static int read_single(struct tar *t)
{
    struct unpacked *u = t->unpacked;
    buf_clear(&t->data);
    buf_add(&t->data, u->chunk, u->head);
    for (;;) {
        if (t->data.len > LIMIT_MEMBER_BYTES)
            return 0;
        la_ssize_t got = archive_read_data(u->a, u->chunk, sizeof(u->chunk));
        if (got < 0) {
            stop(t, "archive-broken", member(t), error_of(u->a, "its data cannot be read"));
            return -1;
        }
        if (got == 0)
            return buf_ok(&t->data);
        buf_add(&t->data, u->chunk, (size_t)got);
        if (!ratio_holds(t, &t->bytes, (uint64_t)got))
            return -1;
    }
}

/* One compressed file that is no archive: "notes.txt.gz" holds "notes.txt", and a .tgz should have held a .tar. */
static void check_single(struct tar *t)
{
    char name[4096];
    snprintf(name, sizeof(name), "%s", base_name(t->o->name));
    char *dot = strrchr(name, '.');
    if (dot && dot[1] == 't' && strcmp(dot, ".txt") != 0)
        snprintf(dot, sizeof(name) - (size_t)(dot - name), ".tar");
    else if (dot)
        *dot = '\0';
    t->members++;
    buf_add_str(&t->path, name);
    int result = read_single(t);
    if (result == 0)
        report_not_scanned(t->r, "member-size", name, "more than %llu bytes; so much is not held in memory",
                           LIMIT_MEMBER_BYTES);
    else if (result > 0)
        inspect_member(t, name, 0);
}

static void check_members(struct tar *t)
{
    struct archive_entry *entry;
    int result = ARCHIVE_OK;
    while (!t->stopped && (result = archive_read_next_header(t->a, &entry)) == ARCHIVE_OK)
        check_member(t, entry);
    if (!t->stopped && result != ARCHIVE_EOF)
        broken(t, "a header that cannot be read");
}

static void check_plain(struct tar *t)
{
    new_reader(t);
    if (archive_read_open_memory(t->a, t->file.ptr, t->file.len) != ARCHIVE_OK)
        broken(t, "no archive that can be read");
    else
        check_members(t);
}

static void check_compressed(struct tar *t)
{
    int result = open_compressed(t);
    if (result == 0) {
        check_single(t);
    } else if (result > 0) {
        new_reader(t);
        if (archive_read_open(t->a, t, NULL, more_bytes, NULL) != ARCHIVE_OK)
            broken(t, "no archive that can be read");
        else
            check_members(t);
    }
}

/* What libarchive left unread must be padding. */
static void check_rest(struct tar *t)
{
    int64_t used = archive_filter_bytes(t->unpacked ? t->unpacked->a : t->a, -1);
    for (size_t i = used > 0 ? (size_t)used : 0; i < t->file.len; i++) {
        if (t->file.ptr[i] == 0)
            continue;
        report_finding(t->r, SEVERITY_HIGH, "archive-trailing", "end",
                       "bytes behind the end of the archive, from byte %zu", i);
        return;
    }
}

static void write_facts(struct tar *t)
{
    struct json_out *w = &t->r->facts;
    struct err e = {0};
    json_put_uint(w, "members", t->members);
    json_put_uint(w, "bytes", t->bytes);
    json_put_uint(w, "whiteouts", t->whiteouts);
    json_put_object(w, "formats");
    for (size_t i = 0; i < CONTENT_KINDS; i++)
        if (t->counts[i])
            json_put_uint(w, content_name((enum content)i), t->counts[i]);
    json_out_object_end(w);
    json_out_array_end(&t->files);
    json_out_array_end(&t->packages);
    if (t->rows > FILES_MAX || buf_check(&t->files_json, "files", &e) < 0 ||
        buf_check(&t->packages_json, "packages", &e) < 0) {
        report_not_scanned(t->r, "inventory-size", "", "more files or packages than an inventory holds");
        return;
    }
    json_out_key(w, "files");
    json_out_raw(w, buf_span(&t->files_json));
    json_out_key(w, "packages");
    json_out_raw(w, buf_span(&t->packages_json));
    if (t->os_json.len > 0)
        json_put_string(w, "os_release", buf_str(&t->os_json));
}

void tar_check(struct span file, bool compressed, const struct inspect_options *o, struct report *r)
{
    struct tar t = {.file = file, .o = o, .r = r, .paths = path_set_new()};
    buf_init(&t.path, 8192);
    buf_init(&t.data, LIMIT_MEMBER_BYTES + 2 * READ_CHUNK);
    buf_init(&t.files_json, REPORT_FACTS_BYTES / 2);
    buf_init(&t.packages_json, REPORT_FACTS_BYTES / 4);
    buf_init(&t.os_json, 65536);
    json_out_init(&t.files, &t.files_json);
    json_out_init(&t.packages, &t.packages_json);
    json_out_array(&t.files);
    json_out_array(&t.packages);
    if (compressed) {
        t.unpacked = calloc(1, sizeof(*t.unpacked));
        if (!t.unpacked || !(t.unpacked->a = archive_read_new()))
            abort();
    }
    if (o->depth >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(r, "archive-depth", "", "archives inside archives, more than %u deep", LIMIT_INSPECT_DEPTH);
    } else {
        (compressed ? check_compressed : check_plain)(&t);
        if (!t.stopped)
            check_rest(&t);
        write_facts(&t);
    }
    archive_read_free(t.a);
    if (t.unpacked)
        archive_read_free(t.unpacked->a);
    free(t.unpacked);
    path_set_free(t.paths);
    struct buf *const bufs[] = {&t.path, &t.data, &t.files_json, &t.packages_json, &t.os_json};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_fini(bufs[i]);
}
