#include "parse/deb.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse/fields.h"
#include "parse/paths.h"
#include "parse/tar.h"
#include "parse/text.h"
#include "util/encode.h"

#define AR_MAGIC       "!<arch>\n"
#define AR_HEADER_SIZE 60U
#define SUMS_MAX       200000U /* files of one package: linux-headers has 20,000 */
#define SUMS_BYTES     (32U << 20)

struct sum {
    char *path; /* borrowed from the text of md5sums */
    uint8_t md5[16];
    bool seen;
};

struct deb {
    struct package_facts *p;
    struct report *r;
    struct span control_tar, data_tar;
    bool control_packed, data_packed;
    struct buf control, sums_text, conffiles;
    bool has_control, has_sums;
    struct sum *sums; /* owned, sorted by path */
    size_t sum_count;
};

static int refuse(struct deb *d, const char *rule, const char *at, const char *what)
{
    return report_stop(d->r, SEVERITY_HIGH, rule, at, "%s", what);
}

/* ── the ar archive ── */

static struct span trim_right(struct span s)
{
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '/'))
        s.len--;
    return s;
}

static int take_member(struct deb *d, struct span *rest, struct span *name, struct span *data)
{
    struct span header, size, end;
    uint64_t bytes;
    if (!span_take(rest, AR_HEADER_SIZE, &header))
        return refuse(d, "deb-archive", "", "a header of the archive is not whole");
    span_slice(header, 0, 16, name);
    span_slice(header, 48, 10, &size);
    span_slice(header, 58, 2, &end);
    *name = trim_right(*name);
    if (!span_equal_str(end, "`\n") || !span_decimal(trim_right(size), &bytes) || !span_take(rest, bytes, data))
        return refuse(d, "deb-archive", "", "a member of the archive is not whole");
    if (bytes % 2 && rest->len)
        span_skip(rest, 1);
    return 0;
}

/* "control.tar", "control.tar.xz", … */
static bool is_tar(struct span name, const char *stem, bool *packed)
{
    static const char *const packings[] = {".gz", ".xz", ".zst", ".bz2"};
    if (!span_take_prefix(&name, span_str(stem)))
        return false;
    *packed = name.len > 0;
    for (size_t i = 0; i < ARRAY_LEN(packings); i++)
        if (span_equal_str(name, packings[i]))
            return true;
    return name.len == 0;
}

static int read_archive(struct deb *d, struct span file)
{
    struct span name, data;
    if (!span_take_prefix(&file, SPAN_LIT(AR_MAGIC)))
        return refuse(d, "deb-archive", "", "is no ar archive");
    if (take_member(d, &file, &name, &data) < 0)
        return -1;
    if (!span_equal_str(name, "debian-binary") || !span_starts(data, SPAN_LIT("2.")))
        return refuse(d, "deb-archive", "", "the first member is not debian-binary with version 2");
    if (take_member(d, &file, &name, &d->control_tar) < 0)
        return -1;
    if (!is_tar(name, "control.tar", &d->control_packed))
        return refuse(d, "deb-archive", "", "the second member is not control.tar, as it is or packed");
    if (take_member(d, &file, &name, &d->data_tar) < 0)
        return -1;
    if (!is_tar(name, "data.tar", &d->data_packed))
        return refuse(d, "deb-archive", "", "the third member is not data.tar, as it is or packed");
    return file.len ? refuse(d, "deb-archive", "", "there is more behind data.tar, which installers pass over") : 0;
}

/* ── control.tar ── */

static bool take_control_file(void *arg, const char *path, struct span bytes, struct report *r)
{
    static const char *const scripts[] = {"preinst", "postinst", "prerm", "postrm", "config"};
    struct deb *d = arg;
    if (strcmp(path, "control") == 0 && !d->has_control) {
        d->has_control = true;
        buf_add_span(&d->control, bytes);
    } else if (strcmp(path, "control") == 0) {
        report_finding(d->r, SEVERITY_HIGH, "deb-control", path, "stands there twice");
    } else if (strcmp(path, "md5sums") == 0 && !d->has_sums) {
        d->has_sums = true;
        buf_add_span(&d->sums_text, bytes);
    } else if (strcmp(path, "conffiles") == 0) {
        buf_add_byte(&d->conffiles, '\n');
        buf_add_span(&d->conffiles, bytes);
        buf_add_byte(&d->conffiles, '\n');
    }
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (strcmp(path, scripts[i]) == 0)
            report_finding(r, SEVERITY_INFO, "deb-script", path, "it is run as root at installation or removal");
    return true;
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && (i == 0 || !strchr("+-.", name[i])))
            return false;
    return len >= 2;
}

static bool version_ok(const char *version)
{
    const char *colon = strchr(version, ':');
    for (const char *v = version; colon && v < colon; v++)
        if (!isdigit((unsigned char)*v))
            return false;
    const char *upstream = colon ? colon + 1 : version;
    for (const char *v = upstream; *v; v++)
        if (!isalnum((unsigned char)*v) && !strchr(".+~-:", *v))
            return false;
    return isdigit((unsigned char)upstream[0]);
}

static bool architecture_ok(const char *architecture)
{
    for (const char *a = architecture; *a; a++)
        if (!islower((unsigned char)*a) && !isdigit((unsigned char)*a) && *a != '-')
            return false;
    return *architecture != '\0';
}

bool deb_identity_is_right(const char *name, const char *version, const char *architecture)
{
    return name_ok(name) && strlen(name) <= LIMIT_DEB_NAME && version_ok(version) &&
           strlen(version) <= LIMIT_DEB_NAME && architecture_ok(architecture) &&
           strlen(architecture) <= LIMIT_DEB_ARCHITECTURE;
}

bool deb_filename_agrees(const char *filename, const char *name, const char *version, const char *architecture)
{
    const char *colon = strchr(version, ':');
    auto_buf wanted = BUF(4096);
    buf_printf(&wanted, "%s_%s_%s.deb", name, colon ? colon + 1 : version, architecture);
    if (strcmp(filename, buf_str(&wanted)) == 0)
        return true;
    buf_clear(&wanted);
    buf_printf(&wanted, "%s_%.*s%%3a%s_%s.deb", name, colon ? (int)(colon - version) : 0, version,
               colon ? colon + 1 : "", architecture);
    return colon && strcmp(filename, buf_str(&wanted)) == 0;
}

/* A comment's and an armour's first characters are none of a field's. Lines behind the first begin with a blank and
 * hold something. */
bool deb_field_is_right(struct span name, struct span value)
{
    size_t line;
    if (name.len == 0 || name.ptr[0] == '#' || name.ptr[0] == '-' || !span_is_printable(name) ||
        memchr(name.ptr, ' ', name.len) || memchr(name.ptr, ':', name.len) || !span_is_utf8(value) ||
        text_first_control(value, &line) != 0 || (value.len && memchr(value.ptr, '\r', value.len)))
        return false;
    for (struct span part, rest = value; span_take_until(&rest, '\n', &part);) {
        size_t blanks = 0;
        while (blanks < rest.len && (rest.ptr[blanks] == ' ' || rest.ptr[blanks] == '\t'))
            blanks++;
        if (blanks == 0 || blanks == rest.len || rest.ptr[blanks] == '\n')
            return false;
    }
    return true;
}

static void put_control(struct deb *d, const struct fields *f)
{
    struct json_out *w = &d->p->about;
    d->p->described = true;
    json_put_object(w, "control");
    for (size_t i = 0; i < f->count; i++) {
        auto_buf key = BUF(LIMIT_PACKAGE_NAME);
        buf_add_span(&key, f->list[i].name);
        json_out_key(w, buf_str(&key));
        json_out_span(w, f->list[i].value);
    }
    json_out_object_end(w);
}

static int check_fields(struct deb *d, const struct fields *f)
{
    static const char *const named[] = {"Package", "Version", "Architecture"}; /* what an index asks for, so written */
    for (size_t i = 0; i < f->count; i++) {
        struct span a = f->list[i].name;
        if (a.len >= LIMIT_PACKAGE_NAME)
            return refuse(d, "deb-control", "control", "the name of a field is too long");
        if (!deb_field_is_right(a, f->list[i].value))
            return report_stop(d->r, SEVERITY_HIGH, "deb-control", "control",
                               "the field %.*s cannot stand in an index of packages: its name or a line of it has "
                               "characters that would be read as something else",
                               (int)a.len, (const char *)a.ptr);
        for (size_t n = 0; n < ARRAY_LEN(named); n++)
            if (a.len == strlen(named[n]) && strncasecmp((const char *)a.ptr, named[n], a.len) == 0 &&
                !span_equal_str(a, named[n]))
                return report_stop(d->r, SEVERITY_HIGH, "deb-control", "control",
                                   "the field %.*s is written otherwise than %s", (int)a.len, (const char *)a.ptr,
                                   named[n]);
        for (size_t k = 0; k < i; k++)
            if (f->list[k].name.len == a.len &&
                strncasecmp((const char *)f->list[k].name.ptr, (const char *)a.ptr, a.len) == 0)
                return report_stop(d->r, SEVERITY_HIGH, "deb-control", "control", "the field %.*s stands there twice",
                                   (int)a.len, (const char *)a.ptr);
    }
    return 0;
}

static void check_control(struct deb *d)
{
    char name[LIMIT_PACKAGE_NAME], version[LIMIT_PACKAGE_NAME], architecture[64];
    auto_fields f = {0};
    if (!d->has_control || !buf_ok(&d->control)) {
        refuse(d, "deb-control", "", "there is no control that can be read");
        return;
    }
    if (fields_read(buf_span(&d->control), "control", &f, d->r) < 0 || check_fields(d, &f) < 0)
        return;
    if (f.rest.len) {
        refuse(d, "deb-control", "control", "there is more than one paragraph, or a line that is no field");
        return;
    }
    if (fields_need(&f, "Package", "control", name, sizeof name, d->r) < 0 ||
        fields_need(&f, "Version", "control", version, sizeof version, d->r) < 0 ||
        fields_need(&f, "Architecture", "control", architecture, sizeof architecture, d->r) < 0)
        return;
    if (!deb_identity_is_right(name, version, architecture)) {
        report_finding(d->r, SEVERITY_HIGH, "package-name", "control",
                       "\"%s\", \"%s\", \"%s\" are no name, version and architecture of Debian", name, version,
                       architecture);
        return;
    }
    package_named(d->p, name, version);
    put_control(d, &f);
    if (!deb_filename_agrees(d->p->filename, name, version, architecture))
        report_finding(d->r, SEVERITY_HIGH, "package-name", "control",
                       "it is %s %s for %s, and the file name is not that of it", name, version, architecture);
}

/* ── md5sums ── */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct sum *)a)->path, ((const struct sum *)b)->path);
}

static int add_sum(struct deb *d, char *line)
{
    char *path = line + 34;
    if (strlen(line) < 35 || line[32] != ' ' || (line[33] != ' ' && line[33] != '*'))
        return refuse(d, "deb-md5sums", "md5sums", "a line that is not HASH  PATH");
    if (strncmp(path, "./", 2) == 0)
        path += 2;
    if (d->sum_count == SUMS_MAX)
        return refuse(d, "deb-md5sums", "md5sums", "more lines than are read");
    if (d->sum_count % 1024 == 0)
        d->sums = reallocarray(d->sums, d->sum_count + 1024, sizeof *d->sums);
    if (!d->sums)
        abort();
    d->sums[d->sum_count].path = path;
    d->sums[d->sum_count].seen = false;
    if (!hex_decode(span_of(line, 32), d->sums[d->sum_count].md5, 16))
        return refuse(d, "deb-md5sums", "md5sums", "a line that is not HASH  PATH");
    d->sum_count++;
    return 0;
}

static int read_sums(struct deb *d)
{
    if (!d->has_sums)
        return 0;
    if (!buf_ok(&d->sums_text) || (d->sums_text.len && memchr(d->sums_text.ptr, 0, d->sums_text.len)))
        return refuse(d, "deb-md5sums", "md5sums", "cannot be read");
    buf_add_byte(&d->sums_text, '\0');
    for (char *line = (char *)d->sums_text.ptr, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        if (*line && add_sum(d, line) < 0)
            return -1;
    }
    if (d->sum_count)
        qsort(d->sums, d->sum_count, sizeof *d->sums, by_path);
    for (size_t i = 0; i + 1 < d->sum_count; i++)
        if (strcmp(d->sums[i].path, d->sums[i + 1].path) == 0)
            return refuse(d, "deb-md5sums", d->sums[i].path, "stands twice in md5sums");
    return 0;
}

static struct sum *find_sum(struct deb *d, const char *path)
{
    struct sum key = {.path = (char *)(uintptr_t)path};
    return d->sum_count ? bsearch(&key, d->sums, d->sum_count, sizeof key, by_path) : NULL;
}

/* Configuration files stand in conffiles, and not in md5sums. */
static bool is_conffile(struct deb *d, const char *path)
{
    auto_buf line = BUF(8192);
    buf_printf(&line, "\n/%s\n", path);
    return strstr(buf_str(&d->conffiles), buf_str(&line)) != NULL;
}

/* ── data.tar ── */

static bool take_data_file(void *arg, const char *path, struct span bytes, struct report *r)
{
    struct deb *d = arg;
    uint8_t md5[HASH_SIZE_MAX];
    if (!d->has_sums)
        return true;
    struct sum *s = find_sum(d, path);
    if (!s) {
        if (!is_conffile(d, path))
            report_finding(r, SEVERITY_MEDIUM, "deb-md5sums", path, "md5sums does not list it");
        return true;
    }
    s->seen = true;
    hash_bytes(HASH_MD5, bytes, md5);
    if (memcmp(md5, s->md5, sizeof s->md5) != 0)
        report_finding(r, SEVERITY_HIGH, "deb-md5sums", path, "its bytes do not have the hash that md5sums says");
    return true;
}

static void take_link(void *arg, const char *path)
{
    struct sum *s = find_sum(arg, path);
    if (s)
        s->seen = true; /* its bytes are those of the member that it links to */
}

static void check_missing(struct deb *d)
{
    for (size_t i = 0; i < d->sum_count; i++)
        if (!d->sums[i].seen)
            report_finding(d->r, SEVERITY_HIGH, "deb-md5sums", d->sums[i].path,
                           "md5sums lists it, and the package does not hold it");
}

/* A tar of the package: its findings get its name in front, its facts are not the package's. */
static void check_tar(struct deb *d, struct span tar, bool packed, const char *name, const struct inspect_options *o,
                      const struct member_watch *watch)
{
    struct inspect_options inner = *o;
    auto_report report = {0};
    report_init_inside(&report, d->r, "");
    inner.watch = watch;
    inner.name = name;
    tar_check(tar, packed, &inner, &report);
    report_merge(d->r, &report);
}

/* NAME_VERSION_ARCHITECTURE.deb */
static void take_filename(struct package_facts *p)
{
    struct span rest = span_str(p->filename), name, version;
    char texts[2][LIMIT_PACKAGE_NAME];
    if (!span_take_until(&rest, '_', &name) || !span_take_until(&rest, '_', &version) ||
        name.len >= LIMIT_PACKAGE_NAME || version.len >= LIMIT_PACKAGE_NAME)
        return;
    snprintf(texts[0], sizeof texts[0], "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(texts[1], sizeof texts[1], "%.*s", (int)version.len, (const char *)version.ptr);
    package_named(p, texts[0], texts[1]);
}

void deb_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r)
{
    struct deb d = {.p = p,
                    .r = r,
                    .control = BUF(LIMIT_PACKAGE_METADATA),
                    .sums_text = BUF(SUMS_BYTES),
                    .conffiles = BUF(LIMIT_PACKAGE_METADATA)};
    struct member_watch control = {.file = take_control_file, .arg = &d},
                        data = {.file = take_data_file, .link = take_link, .arg = &d};
    r->format = "deb";
    take_filename(p);
    if (read_archive(&d, file) == 0) {
        check_tar(&d, d.control_tar, d.control_packed, d.control_packed ? "control.tar.xz" : "control.tar", o,
                  &control);
        check_control(&d);
        if (read_sums(&d) == 0) {
            check_tar(&d, d.data_tar, d.data_packed, d.data_packed ? "data.tar.xz" : "data.tar", o, &data);
            check_missing(&d);
        }
    }
    buf_fini(&d.control);
    buf_fini(&d.sums_text);
    buf_fini(&d.conffiles);
    free(d.sums);
}
