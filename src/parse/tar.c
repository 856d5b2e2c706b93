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

#include "parse/inventory.h"
#include "parse/layer_rules.h"
#include "parse/paths.h"
#include "parse/sniff.h"
#include "sandbox/child.h"
#include "util/encode.h"

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
    enum archive_kind kind;
    bool plain;        /* of ISO 9660: without extensions */
    bool opened;       /* libarchive knows the format */
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
    struct buf files_json, tree_json, links_json, removed_json;
    struct json_out files, tree, links, removed;
    struct inventory *inventory; /* NULL: nobody asked */
    struct layer_member rights;  /* of the member at hand */
    bool collecting;             /* the first way through a layer: only records of packages are read */
    bool stopped;
};

static void stop(struct tar *t, const char *rule, const char *at, const char *what)
{
    report_stop(t->r, SEVERITY_HIGH, rule, at, "%s", what);
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
    bool full, again;
    mode_t type = archive_entry_filetype(entry);
    enum path_kind kind = type == AE_IFLNK ? PATH_SYMLINK : type == AE_IFDIR ? PATH_FOLDER : PATH_FILE;
    const char *behind = path_set_add(t->paths, member(t), kind, &again, &full);
    if (again && t->o->watch) /* of a package: one reader takes the first, another the last */
        report_finding(t->r, SEVERITY_CRITICAL, "tar-twice", member(t),
                       "the package holds this path twice: what is looked at is not what is installed");
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
        report_stop(t->r, SEVERITY_HIGH, "tar-path", at, "its name is no UTF-8");
        return false;
    }
    const char *problem = path_problem(path, &t->path, &absolute);
    if (problem) {
        report_stop(t->r, SEVERITY_CRITICAL, "tar-path", path, "the path has %s", problem);
        return false;
    }
    if (absolute)
        report_finding(t->r, SEVERITY_HIGH, "tar-absolute", path, "an absolute path");
    return true;
}

/* ── kinds and modes ── */

static void check_kind(struct tar *t, struct archive_entry *entry)
{
    mode_t kind = archive_entry_filetype(entry);
    if (!S_ISREG(kind) && !S_ISDIR(kind) && !S_ISLNK(kind) && !S_ISCHR(kind) && !S_ISBLK(kind) && !S_ISFIFO(kind) &&
        !S_ISSOCK(kind) && !archive_entry_hardlink(entry))
        report_stop(t->r, SEVERITY_HIGH, "tar-kind", member(t), "neither file nor directory nor link");
}

/* What layer_rules.h wants to know; the path and whether somebody vouches are added when they are known. */
static void take_rights(struct tar *t, struct archive_entry *entry)
{
    const char *name;
    const void *value;
    size_t size;
    t->rights = (struct layer_member){
        .type = archive_entry_filetype(entry),
        .mode = archive_entry_perm(entry),
        .user = archive_entry_uid(entry),
        .group = archive_entry_gid(entry),
        .major = (unsigned)archive_entry_rdevmajor(entry),
        .minor = (unsigned)archive_entry_rdevminor(entry),
        .layer = t->o->layer,
    };
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!name || strcmp(name, "security.capability") != 0)
            continue;
        t->rights.capability_len = size < sizeof t->rights.capability ? size : sizeof t->rights.capability;
        if (size)
            memcpy(t->rights.capability, value, t->rights.capability_len);
        t->rights.capability_len += size == 0; /* there, and empty: what cannot be read is no reason to pass */
    }
}

static void check_rights(struct tar *t, const char *path, struct span bytes, bool vouched)
{
    t->rights.path = path;
    t->rights.vouched = vouched;
    layer_member_check(&t->rights, bytes, t->r);
}

static bool starts(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
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

/* ── the tree of a layer ── */

static const char *class_of(struct span bytes, mode_t mode)
{
    if (span_starts(bytes, SPAN_LIT("\x7f"
                                    "ELF")))
        return "elf";
    if ((mode & 0111) == 0)
        return "";
    return span_starts(bytes, SPAN_LIT("#!")) ? "script" : "program";
}

static void put_hash(struct json_out *w, enum hash kind, struct span bytes)
{
    uint8_t raw[HASH_SIZE_MAX];
    char hex[2 * HASH_SIZE_MAX + 1];
    hash_bytes(kind, bytes, raw);
    hex_encode(span_of(raw, hash_size(kind)), hex);
    json_out_string(w, hex);
}

/* As the inventory's own rows name it. */
static void put_path(const struct tar *t, struct json_out *w, const char *path)
{
    auto_buf whole = BUF(16384);
    if (t->o->inventory_prefix)
        buf_printf(&whole, "%s!/", t->o->inventory_prefix);
    buf_add_str(&whole, path);
    json_out_string(w, buf_str(&whole));
}

/* A database in an upper layer may speak of files in a lower one: so each file has every hash that databases use. */
static void put_tree_row(struct tar *t, const char *path, mode_t mode)
{
    struct json_out *w = &t->tree;
    json_out_array(w);
    put_path(t, w, path);
    json_out_uint(w, t->data.len);
    json_out_uint(w, mode);
    json_out_string(w, class_of(buf_span(&t->data), mode));
    put_hash(w, HASH_MD5, buf_span(&t->data));
    put_hash(w, HASH_SHA1, buf_span(&t->data));
    json_out_string(w, digest_hex(&t->digest).text);
    json_out_array_end(w);
}

static void put_link(struct tar *t, const char *path, const char *target, bool hard)
{
    json_out_array(&t->links);
    put_path(t, &t->links, path);
    json_out_string(&t->links, target);
    if (hard)
        json_out_bool(&t->links, true);
    json_out_array_end(&t->links);
}

/* "a/.wh.b" takes a/b of the layers below away, "a/.wh..wh..opq" everything below a (OCI image-spec, layer.md,
 * "Whiteouts"). */
static void put_whiteout(struct tar *t, const char *path)
{
    const char *base = base_name(path);
    auto_buf gone = BUF(8192);
    t->whiteouts++;
    buf_add(&gone, path, (size_t)(base - path));
    if (strcmp(base, ".wh..wh..opq") != 0)
        buf_add_str(&gone, base + strlen(".wh."));
    json_out_string(&t->removed, buf_str(&gone));
}

static void read_inventory(struct tar *t, const char *name)
{
    auto_buf path = BUF(16384);
    if (t->o->inventory_prefix)
        buf_printf(&path, "%s!/", t->o->inventory_prefix);
    buf_add_str(&path, name);
    inventory_read(t->inventory, buf_str(&path), buf_span(&t->data), t->o->depth + (t->o->inventory_prefix ? 1 : 0));
}

/* ── the look at a member ── */

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
    else if (t->o->layer && t->inventory->by_path)
        o.stands = claims_vouch(t->inventory->by_path, name, buf_span(&t->data));
    check_rights(t, name, buf_span(&t->data), o.stands);
    o.system = t->o->system || t->o->layer || t->o->watch;
    o.watch = NULL;
    o.inventory = NULL;
    inspect_bytes(buf_span(&t->data), &o, &inner);
    enum content content = sniff(buf_span(&t->data), name);
    t->counts[content]++;
    report_merge(t->r, &inner);
    if (!t->o->watch && !t->o->stands && matters(content, inner.verdict))
        write_row(t, &inner, mode);
}

/* Records of a layer are read on the first way through it, where there are two. */
static void take_member(struct tar *t, const char *name, mode_t mode)
{
    bool layer = t->o->layer, read_before = layer && !t->o->only_inventory && inventory_is_record(name);
    if (t->inventory && !read_before)
        read_inventory(t, name);
    if (layer || !t->o->only_inventory)
        t->digest = digest_of(buf_span(&t->data));
    if (layer)
        put_tree_row(t, name, mode);
    if (!t->o->only_inventory)
        inspect_member(t, name, mode);
}

static void check_data(struct tar *t, struct archive_entry *entry)
{
    if (archive_entry_is_encrypted(entry)) {
        report_not_scanned(t->r, "archive-encrypted", member(t), "its data are encrypted");
        return;
    }
    int result = read_data(t, entry);
    if (result < 0)
        return;
    if (result > 0 && archive_entry_size_is_set(entry) && archive_entry_size(entry) != (int64_t)t->data.len)
        report_finding(t->r, SEVERITY_HIGH, "archive-size", member(t), "says %" PRId64 " bytes, and %zu come out",
                       (int64_t)archive_entry_size(entry), t->data.len);
    if (result == 0) {
        check_rights(t, member(t), (struct span){0}, false);
        report_not_scanned(t->r, "member-size", member(t), "more than %llu bytes; so much is not held in memory",
                           LIMIT_MEMBER_BYTES);
        return;
    }
    char name[8192];
    snprintf(name, sizeof(name), "%s", member(t));
    if (t->collecting)
        read_inventory(t, name);
    else
        take_member(t, name, archive_entry_perm(entry));
}

/* The first way through: whatever is wrong is said on the second. */
static void collect_member(struct tar *t, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    bool absolute;
    if (++t->members > LIMIT_TAR_MEMBERS || !path || path_problem(path, &t->path, &absolute) ||
        archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || t->path.len == 0 ||
        !inventory_is_record(member(t)))
        return;
    check_data(t, entry);
}

static void note_link(struct tar *t, struct archive_entry *entry)
{
    const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
    auto_buf normal = BUF(8192);
    bool absolute;
    char name[8192];
    snprintf(name, sizeof name, "%s", member(t));
    if (hard && !path_problem(hard, &normal, &absolute))
        put_link(t, name, buf_str(&normal), true);
    else if (soft && archive_entry_filetype(entry) == AE_IFLNK)
        put_link(t, name, soft, false);
}

/* A hard link may bring bytes (pax; the last of a cpio's links always does), which an unpacker writes to its target. */
static bool has_data(struct archive_entry *entry)
{
    return !archive_entry_hardlink(entry) || (archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0);
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
    take_rights(t, entry);
    check_links(t, entry);
    check_place(t, entry);
    bool whiteout = starts(base_name(member(t)), ".wh.");
    if (whiteout)
        put_whiteout(t, member(t));
    if (t->o->layer)
        note_link(t, entry);
    if (archive_entry_hardlink(entry) && t->o->watch && t->o->watch->link)
        t->o->watch->link(t->o->watch->arg, member(t));
    if (archive_entry_filetype(entry) == AE_IFREG && has_data(entry) && !(t->o->layer && whiteout))
        check_data(t, entry);
    else
        check_rights(t, member(t), (struct span){0}, false);
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
    archive_support(t->a, t->kind, t->plain);
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
    archive_read_support_filter_lz4(u->a);
    archive_read_support_filter_lzma(u->a);
    archive_read_support_filter_lzip(u->a);
    archive_read_support_filter_compress(u->a);
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
    if (t->opened && archive_read_has_encrypted_entries(t->a) == 1) { /* before, libarchive reads where nothing is */
        report_not_scanned(t->r, "archive-encrypted", "", "its directory is encrypted");
        t->stopped = true;
        return;
    }
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
    else if (result > 0 && !t->collecting)
        take_member(t, name, 0);
}

static void check_members(struct tar *t)
{
    struct archive_entry *entry;
    int result = ARCHIVE_OK;
    t->opened = true;
    while (!t->stopped && (result = archive_read_next_header(t->a, &entry)) == ARCHIVE_OK) {
        t->collecting ? collect_member(t, entry) : check_member(t, entry);
        if (!t->unpacked)
            child_input_passed(t->file, (uint64_t)archive_read_header_position(t->a));
    }
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
        report_stop(t->r, SEVERITY_HIGH, "archive-trailing", "end",
                    "bytes behind the end of the archive, from byte %zu", i);
        return;
    }
}

static int put_list(struct json_out *w, const char *key, struct json_out *list, struct buf *json)
{
    struct err e = {0};
    json_out_array_end(list);
    if (buf_check(json, key, &e) < 0)
        return -1;
    json_out_key(w, key);
    json_out_raw(w, buf_span(json));
    return 0;
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
    bool fits = t->rows <= FILES_MAX && put_list(w, "files", &t->files, &t->files_json) == 0;
    if (fits && t->o->layer)
        fits = put_list(w, "tree", &t->tree, &t->tree_json) == 0 &&
               put_list(w, "links", &t->links, &t->links_json) == 0 &&
               put_list(w, "removed", &t->removed, &t->removed_json) == 0 &&
               (t->o->inventory || inventory_write(t->inventory, w, &e) == 0);
    if (!fits)
        report_not_scanned(t->r, "inventory-size", "", "more files or packages than an inventory holds");
}

/* ── the two ways through ── */

static void begin(struct tar *t, bool compressed)
{
    t->members = 0;
    t->bytes = 0;
    t->stopped = t->opened = false;
    if (!compressed)
        return;
    t->unpacked = calloc(1, sizeof(*t->unpacked));
    if (!t->unpacked || !(t->unpacked->a = archive_read_new()))
        abort();
}

static void end(struct tar *t)
{
    archive_read_free(t->a);
    if (t->unpacked)
        archive_read_free(t->unpacked->a);
    free(t->unpacked);
    t->a = NULL;
    t->unpacked = NULL;
}

/* Which files the packages of a layer vouch for must be known before the files are looked at, and their records lie
 * anywhere between them. */
static void collect_records(struct tar *t, bool compressed)
{
    struct report *r = t->r;
    auto_report ignored = {0};
    report_init(&ignored, "");
    t->collecting = true;
    t->r = &ignored;
    begin(t, compressed);
    (compressed ? check_compressed : check_plain)(t);
    end(t);
    t->r = r;
    t->collecting = false;
}

static void open_lists(struct tar *t)
{
    const struct {
        struct buf *json;
        struct json_out *list;
        size_t max;
    } lists[] = {{&t->files_json, &t->files, REPORT_FACTS_BYTES / 8},
                 {&t->tree_json, &t->tree, REPORT_FACTS_BYTES},
                 {&t->links_json, &t->links, REPORT_FACTS_BYTES / 8},
                 {&t->removed_json, &t->removed, REPORT_FACTS_BYTES / 8}};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        buf_init(lists[i].json, lists[i].max);
        json_out_init(lists[i].list, lists[i].json);
        json_out_array(lists[i].list);
    }
    buf_init(&t->path, 8192);
    buf_init(&t->data, LIMIT_MEMBER_BYTES + 2 * READ_CHUNK);
}

static void close_lists(struct tar *t)
{
    struct buf *const bufs[] = {&t->path, &t->data, &t->files_json, &t->tree_json, &t->links_json, &t->removed_json};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_fini(bufs[i]);
    path_set_free(t->paths);
}

static size_t check_all(struct tar *begun, bool compressed)
{
    struct tar t = *begun;
    const struct inspect_options *o = t.o;
    struct report *r = t.r;
    auto_inventory own = {0};
    t.paths = path_set_new();
    t.inventory = o->inventory;
    if (o->depth >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(r, "archive-depth", "", "archives inside archives, more than %u deep", LIMIT_INSPECT_DEPTH);
        path_set_free(t.paths);
        return 0;
    }
    if (o->layer && !o->inventory) {
        inventory_init(&own, r);
        own.by_path = claims_new();
        t.inventory = &own;
    }
    open_lists(&t);
    if (o->layer && !o->only_inventory)
        collect_records(&t, compressed);
    begin(&t, compressed);
    (compressed ? check_compressed : check_plain)(&t);
    if (!t.stopped && (t.kind == ARCHIVE_TAR || t.kind == ARCHIVE_CPIO || t.kind == ARCHIVE_AR))
        check_rest(&t);
    if (!t.plain)
        write_facts(&t);
    end(&t);
    close_lists(&t);
    return t.members;
}

void tar_check(struct span file, bool compressed, const struct inspect_options *o, struct report *r)
{
    struct tar t = {.kind = o->iso ? ARCHIVE_ISO : ARCHIVE_TAR, .file = file, .o = o, .r = r};
    check_all(&t, compressed);
}

size_t tar_check_as(struct span file, enum archive_kind kind, bool plain, const struct inspect_options *o,
                    struct report *r)
{
    struct tar t = {.kind = kind, .plain = plain, .file = file, .o = o, .r = r};
    return check_all(&t, false);
}
