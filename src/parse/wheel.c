#include "parse/wheel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/fields.h"
#include "parse/pep440.h"
#include "parse/python_dist.h"
#include "parse/tar.h"
#include "parse/text.h"
#include "parse/zip.h"

#define READ_CHUNK  65536U
#define TAGS_MAX    512U /* a wheel for many interpreters has a dozen */
#define PARTS_MAX   6U
#define RECORD_LINE 8192U

struct wheel {
    const struct inspect_options *o;
    struct package_facts *p;
    struct report *r;
    struct zip z;
    char name[LIMIT_PACKAGE_NAME], version[LIMIT_PACKAGE_NAME]; /* normal forms, of the file name */
    struct span python, abi, platform;                          /* of the file name */
    char info[LIMIT_PACKAGE_NAME];                              /* NAME-VERSION.dist-info */
    bool *listed;                                               /* of each member: RECORD has it, with the right hash */
};

static int refuse(struct wheel *w, const char *rule, const char *at, const char *what)
{
    return report_stop(w->r, SEVERITY_HIGH, rule, at, "%s", what);
}

/* ── the file name ── */

static size_t split(struct span text, uint8_t at, struct span *parts, size_t max)
{
    size_t count = 0;
    while (count < max && span_take_until(&text, at, &parts[count]))
        count++;
    if (count < max)
        parts[count++] = text;
    else
        count++; /* more than we keep */
    return count;
}

static int read_filename(struct wheel *w)
{
    struct span name = span_str(w->p->filename), parts[PARTS_MAX];
    name.len -= name.len >= 4 ? 4 : 0; /* .whl */
    size_t count = split(name, '-', parts, PARTS_MAX);
    if (count != 5 && count != 6)
        return refuse(w, "wheel-filename", "", "its name is not NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl");
    if (!pypi_name(parts[0], w->name) || !pep440_normal(parts[1], w->version))
        return refuse(w, "wheel-filename", "", "its name begins with no name and version of PyPI");
    if (count == 6 && (parts[2].len == 0 || parts[2].ptr[0] < '0' || parts[2].ptr[0] > '9'))
        return refuse(w, "wheel-filename", "", "its build number does not begin with a digit");
    package_named(w->p, w->name, w->version);
    w->python = parts[count - 3];
    w->abi = parts[count - 2];
    w->platform = parts[count - 1];
    return 0;
}

/* ── the dist-info folder ── */

/* "demo-1.0.dist-info" out of "demo-1.0.dist-info/METADATA" */
static bool info_of(const char *path, struct span *info)
{
    struct span rest = span_str(path);
    return span_take_until(&rest, '/', info) && span_ends(*info, SPAN_LIT(".dist-info"));
}

static int find_info(struct wheel *w)
{
    struct span info;
    for (size_t i = 0; i < w->z.count; i++) {
        if (!info_of(w->z.members[i].path, &info))
            continue;
        if (info.len >= sizeof w->info)
            return refuse(w, "wheel-info", "", "the name of its dist-info folder is too long");
        if (w->info[0] && !span_equal_str(info, w->info))
            return refuse(w, "wheel-info", "", "two dist-info folders: two readers could see two packages");
        memcpy(w->info, info.ptr, info.len);
        w->info[info.len] = '\0';
    }
    return w->info[0] ? 0 : refuse(w, "wheel-info", "", "there is no dist-info folder");
}

static int check_info_name(struct wheel *w)
{
    struct span rest = span_str(w->info), name;
    char normal[LIMIT_PACKAGE_NAME], version[LIMIT_PACKAGE_NAME];
    rest.len -= strlen(".dist-info");
    if (!span_take_until(&rest, '-', &name) || !pypi_name(name, normal) || !pep440_normal(rest, version) ||
        strcmp(normal, w->name) != 0 || strcmp(version, w->version) != 0)
        return report_stop(w->r, SEVERITY_HIGH, "wheel-info", w->info,
                           "the folder names another package or version than the file name (%s %s)", w->name,
                           w->version);
    return 0;
}

/* The bytes of a member of the dist-info folder: 0; 1 when there is none; -1 after a finding. */
static int read_info(struct wheel *w, const char *file, struct buf *out)
{
    char path[LIMIT_PACKAGE_NAME + 64];
    snprintf(path, sizeof path, "%s/%s", w->info, file);
    const struct zip_member *m = zip_find(&w->z, path);
    if (!m)
        return 1;
    if (m->size > LIMIT_PACKAGE_METADATA - READ_CHUNK)
        return report_stop(w->r, SEVERITY_HIGH, "wheel-info", path, "%" PRIu64 " bytes are too many for it", m->size);
    return zip_read(m, out, w->r);
}

static void check_metadata(struct wheel *w)
{
    int result = read_info(w, "METADATA", &w->p->metadata);
    if (result > 0)
        report_finding(w->r, SEVERITY_HIGH, "wheel-info", w->info, "there is no METADATA");
    else if (result == 0)
        pypi_metadata(buf_span(&w->p->metadata), "METADATA", w->name, w->version, w->p, w->r);
}

/* ── WHEEL: what the file name says about interpreters and platforms ── */

static size_t add_tags(struct wheel *w, struct buf *out)
{
    struct span python[16], abi[16], platform[64];
    size_t count[3] = {split(w->python, '.', python, 16), split(w->abi, '.', abi, 16),
                       split(w->platform, '.', platform, 64)};
    if (count[0] > 16 || count[1] > 16 || count[2] > 64)
        return 0;
    size_t tags = count[0] * count[1] * count[2];
    for (size_t i = 0; tags <= TAGS_MAX && i < tags; i++) {
        buf_add_byte(out, '\n');
        buf_add_span(out, python[i / (count[1] * count[2])]);
        buf_add_byte(out, '-');
        buf_add_span(out, abi[i / count[2] % count[1]]);
        buf_add_byte(out, '-');
        buf_add_span(out, platform[i % count[2]]);
    }
    buf_add_byte(out, '\n');
    return tags;
}

/* As many lines "Tag:" as the file name has tags, each one of them. */
static void check_tags(struct wheel *w, const struct fields *f)
{
    auto_buf tags = BUF(1U << 20);
    size_t wanted = add_tags(w, &tags), found = 0;
    for (size_t i = 0; i < f->count; i++) {
        auto_buf line = BUF(1024);
        if (f->list[i].name.len != 3 || memcmp(f->list[i].name.ptr, "Tag", 3) != 0)
            continue;
        found++;
        buf_add_byte(&line, '\n');
        buf_add_span(&line, f->list[i].value);
        buf_add_byte(&line, '\n');
        if (!buf_ok(&line) || !strstr(buf_str(&tags), buf_str(&line))) {
            report_finding(w->r, SEVERITY_HIGH, "wheel-tags", "WHEEL", "the file name does not have its tag %.*s",
                           (int)(f->list[i].value.len < 200 ? f->list[i].value.len : 200),
                           (const char *)f->list[i].value.ptr);
            return;
        }
    }
    if (found != wanted)
        report_finding(w->r, SEVERITY_HIGH, "wheel-tags", "WHEEL", "%zu tags, and the file name has %zu", found,
                       wanted);
}

static void check_wheel_file(struct wheel *w)
{
    auto_buf text = BUF(LIMIT_PACKAGE_METADATA);
    auto_fields f = {0};
    char version[32];
    int result = read_info(w, "WHEEL", &text);
    if (result > 0)
        report_finding(w->r, SEVERITY_HIGH, "wheel-info", w->info, "there is no WHEEL");
    if (result != 0 || fields_read(buf_span(&text), "WHEEL", &f, w->r) < 0 ||
        fields_need(&f, "Wheel-Version", "WHEEL", version, sizeof version, w->r) < 0)
        return;
    if (strncmp(version, "1.", 2) != 0)
        report_not_scanned(w->r, "wheel-version", "WHEEL", "version %s of the format, which no reader of ours knows",
                           version);
    check_tags(w, &f);
}

/* ── entry_points.txt: scripts that an installer makes ── */

/* Installers read it in two ways: as configparser does (a line indented deeper than an option goes on with its value; ;
 * begins a comment; : divides, too, for some; [DEFAULT] stands in every section), and line by line with blanks taken
 * away at both ends, as importlib.metadata does. What would be another script for one of them is refused. */
struct entry_points {
    struct wheel *w;
    size_t line, indent; /* indent: of the last header or option */
    bool scripts;        /* the section is one whose entries become programs */
    bool option;         /* the section has had an option: a deeper line can go on with it */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int refuse_entry(struct entry_points *p, struct span text, const char *what)
{
    return report_stop(p->w->r, SEVERITY_CRITICAL, "wheel-entry-point", "entry_points.txt", "line %zu: \"%.*s\" %s",
                       p->line, (int)(text.len < 200 ? text.len : 200), (const char *)text.ptr, what);
}

static int check_script(struct entry_points *p, struct span line)
{
    struct span name;
    if (!span_take_until(&line, '=', &name))
        name = line;
    while (name.len && is_blank(name.ptr[name.len - 1]))
        name.len--;
    if (name.len && !memchr(name.ptr, '/', name.len) && !memchr(name.ptr, '\\', name.len) &&
        !memchr(name.ptr, ':', name.len) && !span_equal_str(name, ".") && !span_starts(name, SPAN_LIT("..")) &&
        span_is_printable(name))
        return 0;
    return refuse_entry(p, name, "is no name for a script: it leads out of the folder of scripts");
}

static int check_header(struct entry_points *p, struct span line)
{
    static const char *const names[] = {"console_scripts", "gui_scripts", "default"};
    struct span name = span_of(line.ptr + 1, line.len - 1);
    if (name.len < 2 || name.ptr[name.len - 1] != ']' || is_blank(name.ptr[0]) || is_blank(name.ptr[name.len - 2]))
        return refuse_entry(p, line, "is no [SECTION]: readers differ in what it begins");
    name.len--;
    if (memchr(name.ptr, '[', name.len) || memchr(name.ptr, ']', name.len) || !span_is_printable(name))
        return refuse_entry(p, line, "is no [SECTION]: readers differ in what it begins");
    p->scripts = p->option = false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        p->scripts |= name.len == strlen(names[i]) && strncasecmp((const char *)name.ptr, names[i], name.len) == 0;
    return 0;
}

static int check_entry(struct entry_points *p, struct span line)
{
    size_t indent = 0;
    while (line.len && is_blank(line.ptr[0]) && ++indent)
        span_skip(&line, 1);
    while (line.len && is_blank(line.ptr[line.len - 1]))
        line.len--;
    if (line.len == 0 || line.ptr[0] == '#')
        return 0;
    if (line.ptr[0] >= 0x80)
        return refuse_entry(p, line, "begins with no letter of ASCII, which some readers take for a blank");
    bool goes_on = p->option && indent > p->indent;
    if (goes_on && (p->scripts || line.ptr[0] == '['))
        return refuse_entry(p, line,
                            "is indented deeper than the line before: for some readers it goes on with that, for "
                            "others it is a line of its own");
    if (line.ptr[0] == ';') /* a comment, or an entry */
        return p->scripts && memchr(line.ptr, '=', line.len) ? check_script(p, line) : 0;
    if (!goes_on)
        p->indent = indent;
    if (line.ptr[0] == '[')
        return check_header(p, line);
    p->option = true;
    return p->scripts ? check_script(p, line) : 0;
}

static void check_entry_points(struct wheel *w)
{
    auto_buf text = BUF(LIMIT_PACKAGE_METADATA);
    struct entry_points p = {.w = w};
    uint32_t control;
    if (read_info(w, "entry_points.txt", &text) != 0)
        return;
    struct span rest = buf_span(&text), line;
    if (!span_is_utf8(rest)) {
        refuse(w, "wheel-entry-point", "entry_points.txt", "is no UTF-8 text");
        return;
    }
    if ((control = text_first_control(rest, &p.line)) != 0) {
        report_stop(w->r, SEVERITY_CRITICAL, "wheel-entry-point", "entry_points.txt",
                    "line %zu holds the control character U+%04X, where some readers end a line", p.line, control);
        return;
    }
    for (p.line = 1; rest.len; p.line++) {
        if (!span_take_until(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        if (check_entry(&p, line) < 0)
            return;
    }
}

/* ── RECORD ── */

static bool hash_agrees(struct span text, struct span bytes)
{
    uint8_t found[HASH_SIZE_MAX];
    auto_buf wanted = BUF(HASH_SIZE_MAX);
    enum hash kind;
    if (!record_take_hash(text, &kind, &wanted))
        return false;
    hash_bytes(kind, bytes, found);
    return memcmp(wanted.ptr, found, wanted.len) == 0;
}

static bool is_record(const struct wheel *w, const char *path)
{
    size_t len = strlen(w->info);
    return strncmp(path, w->info, len) == 0 &&
           (strcmp(path + len, "/RECORD") == 0 || strcmp(path + len, "/RECORD.jws") == 0 ||
            strcmp(path + len, "/RECORD.p7s") == 0);
}

static int by_path(const void *a, const void *b)
{
    const struct zip_member *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

struct recorded {
    struct wheel *w;
    const struct zip_member **sorted;
    size_t count, lines;
    struct buf path, hash, size, data;
};

static void check_recorded(struct recorded *c, const struct zip_member *m)
{
    struct wheel *w = c->w;
    uint64_t size;
    bool *listed = &w->listed[m - w->z.members];
    if (*listed) {
        report_finding(w->r, SEVERITY_HIGH, "wheel-record", m->path, "stands twice in RECORD");
        return;
    }
    *listed = true;
    if (is_record(w, m->path))
        return;
    buf_clear(&c->data);
    if (zip_read(m, &c->data, w->r) < 0)
        return;
    if (!hash_agrees(buf_span(&c->hash), buf_span(&c->data)))
        refuse(w, "wheel-record", m->path, "its bytes do not have the hash that RECORD says");
    else if (c->size.len && (!span_decimal(buf_span(&c->size), &size) || size != c->data.len))
        refuse(w, "wheel-record", m->path, "it does not have the size that RECORD says");
    else
        inspect_inside(buf_span(&c->data), m->path, w->o, w->r);
}

static int check_line(struct recorded *c, struct span line)
{
    char at[48];
    snprintf(at, sizeof at, "RECORD line %zu", c->lines);
    if (!record_take_field(&line, &c->path) || !record_take_field(&line, &c->hash) ||
        !record_take_field(&line, &c->size) || line.len)
        return refuse(c->w, "wheel-record", at, "is not PATH,HASH,SIZE");
    struct zip_member wanted = {.path = (char *)(uintptr_t)buf_str(&c->path)};
    const struct zip_member *key = &wanted;
    const struct zip_member **found = c->count ? bsearch(&key, c->sorted, c->count, sizeof *c->sorted, by_path) : NULL;
    if (!found)
        return report_stop(c->w->r, SEVERITY_HIGH, "wheel-record", at, "the wheel has no member \"%.200s\"",
                           wanted.path);
    check_recorded(c, *found);
    return 0;
}

static void check_unlisted(struct wheel *w)
{
    for (size_t i = 0; i < w->z.count; i++)
        if (!w->z.members[i].folder && !w->listed[i] && !is_record(w, w->z.members[i].path))
            refuse(w, "wheel-record", w->z.members[i].path, "RECORD does not list it");
}

static void read_record(struct recorded *c, struct span rest)
{
    struct span line;
    while (rest.len) {
        c->lines++;
        if (!span_take_until(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len && check_line(c, line) < 0)
            return;
    }
    check_unlisted(c->w);
}

/* Members are read while RECORD is: each once, one at a time in memory. */
static void check_record(struct wheel *w)
{
    auto_buf text = BUF(LIMIT_PACKAGE_METADATA + LIMIT_ZIP_MEMBERS * 128U);
    char path[LIMIT_PACKAGE_NAME + 16];
    snprintf(path, sizeof path, "%s/RECORD", w->info);
    const struct zip_member *m = zip_find(&w->z, path);
    if (!m) {
        refuse(w, "wheel-record", w->info, "there is no RECORD");
        return;
    }
    if (m->size > text.max - READ_CHUNK) {
        refuse(w, "wheel-record", path, "it is too large");
        return;
    }
    if (zip_read(m, &text, w->r) < 0)
        return;
    struct recorded c = {.w = w,
                         .path = BUF(RECORD_LINE),
                         .hash = BUF(256),
                         .size = BUF(32),
                         .data = BUF(LIMIT_MEMBER_BYTES + 2 * READ_CHUNK)};
    c.sorted = calloc(w->z.count + 1, sizeof *c.sorted);
    w->listed = calloc(w->z.count + 1, sizeof *w->listed);
    if (!c.sorted || !w->listed)
        abort();
    for (size_t i = 0; i < w->z.count; i++)
        if (!w->z.members[i].folder)
            c.sorted[c.count++] = &w->z.members[i];
    qsort(c.sorted, c.count, sizeof *c.sorted, by_path);
    read_record(&c, buf_span(&text));
    free(c.sorted);
    free(w->listed);
    buf_fini(&c.path);
    buf_fini(&c.hash);
    buf_fini(&c.size);
    buf_fini(&c.data);
}

/* ── the whole ── */

/* A line of a .pth at the root that begins with "import" runs whenever the interpreter starts (module site). */
static void check_start_files(struct wheel *w)
{
    for (size_t i = 0; i < w->z.count; i++) {
        const char *path = w->z.members[i].path;
        if (!strchr(path, '/') && span_ends(span_str(path), SPAN_LIT(".pth")))
            report_finding(w->r, SEVERITY_LOW, "wheel-pth", path,
                           "what stands in it is run whenever a Python interpreter starts");
    }
}

/* Before anything is unpacked: the directory already says whether it is a bomb. */
static bool is_bomb(struct wheel *w, size_t packed)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->z.count; i++)
        bytes += w->z.members[i].size;
    json_put_uint(&w->r->facts, "members", w->z.count);
    json_put_uint(&w->r->facts, "bytes", bytes);
    if (bytes < (64ULL << 20) || bytes / LIMIT_UNPACK_RATIO <= packed)
        return false;
    report_stop(w->r, SEVERITY_HIGH, "archive-bomb", "", "unpacks to more than %u times its size", LIMIT_UNPACK_RATIO);
    return true;
}

static bool read_member(void *arg, const char *path, struct buf *room, struct span *out)
{
    struct wheel *w = arg;
    auto_report ignored = {0}; /* what is wrong with that member is told where it is looked at itself */
    const struct zip_member *m = zip_find(&w->z, path);
    report_init(&ignored, "");
    return m && !m->folder && zip_bytes(m, room, out, &ignored) == 0;
}

void wheel_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r)
{
    struct inspect_options inner = *o;
    inner.stands = true;
    struct wheel w = {.o = &inner, .p = p, .r = r};
    struct member_source beside = {.read = read_member, .arg = &w, .depth = o->depth + 1};
    inner.beside = &beside;
    r->format = "wheel";
    if (read_filename(&w) == 0 && zip_open(file, &w.z, r) == 0 && !is_bomb(&w, file.len) && find_info(&w) == 0 &&
        check_info_name(&w) == 0) {
        check_metadata(&w);
        check_wheel_file(&w);
        check_entry_points(&w);
        check_start_files(&w);
        check_record(&w);
    }
    zip_close(&w.z);
}
