#include "parse/package.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse/deb.h"
#include "parse/fields.h"
#include "parse/file_class.h"
#include "parse/inventory_package.h"
#include "parse/npm_package.h"
#include "parse/pep440.h"
#include "parse/rpm.h"
#include "parse/sdist.h"
#include "parse/wheel.h"
#include "parse/yara_rules.h"
#include "util/encode.h"
#include "util/limits.h"

#define LIMIT_ABOUT_BYTES (1U << 20)

void package_facts_init(struct package_facts *p, const char *filename)
{
    *p = (struct package_facts){
        .filename = filename, .about_json = BUF(LIMIT_ABOUT_BYTES), .metadata = BUF(LIMIT_PACKAGE_METADATA)};
    json_out_init(&p->about, &p->about_json);
    json_out_object(&p->about);
}

void package_facts_fini(struct package_facts *p)
{
    buf_fini(&p->about_json);
    buf_fini(&p->metadata);
}

void package_named(struct package_facts *p, const char *name, const char *version)
{
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->version, sizeof p->version, "%s", version);
}

enum package_kind package_kind_of(const char *filename)
{
    struct span name = span_str(filename);
    if (span_ends(name, SPAN_LIT(".whl")))
        return PACKAGE_WHEEL;
    if (span_ends(name, SPAN_LIT(".tar.gz")))
        return PACKAGE_SDIST;
    if (span_ends(name, SPAN_LIT(".tgz")))
        return PACKAGE_NPM;
    return span_ends(name, SPAN_LIT(".deb")) ? PACKAGE_DEB : PACKAGE_UNKNOWN;
}

const char *package_ecosystem(enum package_kind kind)
{
    static const char *const names[] = {[PACKAGE_UNKNOWN] = "", [PACKAGE_WHEEL] = "pypi", [PACKAGE_SDIST] = "pypi",
                                        [PACKAGE_NPM] = "npm",  [PACKAGE_DEB] = "deb",    [PACKAGE_FILE] = "file"};
    return names[kind];
}

/* ── names of PyPI ── */

void package_check_case(struct span member, const char *wanted, const char *at, struct report *r)
{
    if (member.len == strlen(wanted) && strncasecmp((const char *)member.ptr, wanted, member.len) == 0 &&
        memcmp(member.ptr, wanted, member.len) != 0)
        report_finding(r, SEVERITY_HIGH, "package-case", at,
                       "differs from %s in the case of letters only, and takes its place on some file systems", wanted);
}

bool pypi_name(struct span text, char out[LIMIT_PACKAGE_NAME])
{
    size_t len = 0;
    if (text.len == 0 || text.len >= LIMIT_PACKAGE_NAME || !isalnum(text.ptr[0]) || !isalnum(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool separator = c == '-' || c == '_' || c == '.';
        if (!separator && (c >= 0x80 || !isalnum(c)))
            return false;
        if (!separator)
            out[len++] = (char)tolower(c);
        else if (out[len - 1] != '-')
            out[len++] = '-';
    }
    out[len] = '\0';
    return true;
}

void pypi_metadata(struct span text, const char *at, const char *name, const char *version, struct package_facts *p,
                   struct report *r)
{
    char found[LIMIT_PACKAGE_NAME], project[LIMIT_PACKAGE_NAME], written[LIMIT_PACKAGE_NAME],
        normal[LIMIT_PACKAGE_NAME], python[LIMIT_PACKAGE_NAME];
    auto_fields f = {0};
    if (fields_read(text, at, &f, r) < 0 || fields_need(&f, "Name", at, project, sizeof project, r) < 0 ||
        fields_need(&f, "Version", at, written, sizeof written, r) < 0)
        return;
    if (!pypi_name(span_str(project), found))
        report_finding(r, SEVERITY_HIGH, "package-name", at, "\"%s\" is no name of PyPI", project);
    else if (strcmp(found, name) != 0)
        report_finding(r, SEVERITY_HIGH, "package-name", at, "it names the package \"%s\", the file name \"%s\"",
                       project, name);
    if (!pep440_normal(span_str(written), normal))
        report_finding(r, SEVERITY_HIGH, "package-version", at, "\"%s\" is no version of PyPI", written);
    else if (version && strcmp(normal, version) != 0)
        report_finding(r, SEVERITY_HIGH, "package-version", at, "it says version %s, the file name %s", written,
                       version);
    package_named(p, pypi_name(span_str(project), found) ? found : name, written);
    p->described = true;
    json_put_string(&p->about, "project", project);
    if (fields_get(&f, "Requires-Python").len && fields_need(&f, "Requires-Python", at, python, sizeof python, r) == 0)
        json_put_string(&p->about, "requires-python", python);
}

/* ── identity: one for all spellings of a file's name ── */

static int by_text(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len ? memcmp(x->ptr, y->ptr, len) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* "py3.py2" and "py2.py3" are the same tags. */
static void add_tags(struct span tags, struct buf *out)
{
    struct span parts[64], last = {0};
    size_t count = 0;
    while (count + 1 < ARRAY_LEN(parts) && span_take_until(&tags, '.', &parts[count]))
        count++;
    parts[count++] = tags;
    qsort(parts, count, sizeof *parts, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i && by_text(&parts[i], &last) == 0)
            continue;
        buf_add_byte(out, i ? '.' : ' ');
        buf_add_span(out, parts[i]);
        last = parts[i];
    }
}

/* Zeros before other digits say nothing: the build number of a wheel, the parts of a version of Debian. */
static void add_numbers(struct span text, struct buf *out)
{
    bool inside = false; /* of a number, behind its first digit that counts */
    for (size_t i = 0; i < text.len; i++) {
        bool digit = isdigit(text.ptr[i]) != 0;
        if (digit && !inside && text.ptr[i] == '0' && i + 1 < text.len && isdigit(text.ptr[i + 1]))
            continue;
        inside = digit;
        buf_add_byte(out, text.ptr[i]);
    }
}

/* NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM; readers of tags take large letters for small ones. */
static bool wheel_identity(struct span stem, struct buf *out)
{
    char lower[PACKAGE_IDENTITY_SIZE / 2], name[LIMIT_PACKAGE_NAME], version[PEP440_SIZE];
    struct span parts[6], rest;
    size_t count = 0;
    if (stem.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < stem.len; i++)
        lower[i] = (char)tolower(stem.ptr[i]);
    rest = span_of(lower, stem.len);
    while (count < 5 && span_take_until(&rest, '-', &parts[count]))
        count++;
    parts[count++] = rest;
    if (count < 5 || !pypi_name(parts[0], name) || !pep440_key(parts[1], version))
        return false;
    buf_printf(out, "wheel %s %s ", name, version);
    if (count == 6)
        add_numbers(parts[2], out);
    for (size_t i = count - 3; i < count; i++)
        add_tags(parts[i], out);
    return buf_ok(out);
}

/* dpkg compares an epoch of 0, and a revision of 0, as none. */
static bool deb_identity(const char *name, const char *version, const char *filename, struct buf *out)
{
    const char *architecture = strrchr(filename, '_');
    auto_buf numbers = BUF(LIMIT_PACKAGE_NAME);
    add_numbers(span_str(version), &numbers);
    struct span s = buf_span(&numbers);
    if (!architecture || !buf_ok(&numbers))
        return false;
    span_take_prefix(&s, SPAN_LIT("0:"));
    if (span_ends(s, SPAN_LIT("-0")))
        s.len -= 2;
    buf_printf(out, "deb %s %.*s %s", name, (int)s.len, (const char *)s.ptr, architecture);
    return buf_ok(out);
}

void package_identity(const char *ecosystem, const char *name, const char *version, const char *filename,
                      char out[PACKAGE_IDENTITY_SIZE])
{
    auto_buf text = BUF(PACKAGE_IDENTITY_SIZE - 1);
    char key[PEP440_SIZE];
    enum package_kind kind = package_kind_of(filename);
    struct span stem = span_str(filename);
    bool known = false;
    if (strcmp(package_ecosystem(kind), ecosystem) != 0)
        kind = PACKAGE_FILE;
    if (kind == PACKAGE_WHEEL) {
        stem.len -= 4; /* .whl */
        known = wheel_identity(stem, &text);
    } else if (kind == PACKAGE_SDIST && pep440_key(span_str(version), key)) {
        buf_printf(&text, "sdist %s %s", name, key);
        known = buf_ok(&text);
    } else if (kind == PACKAGE_NPM) {
        buf_printf(&text, "npm %s %.*s", name, (int)strcspn(version, "+"), version);
        known = buf_ok(&text);
    } else if (kind == PACKAGE_DEB) {
        known = deb_identity(name, version, filename, &text);
    }
    snprintf(out, PACKAGE_IDENTITY_SIZE, "%s", known ? buf_str(&text) : filename);
}

/* ── any package ── */

static void check_kind(enum package_kind kind, struct span file, const struct inspect_options *o,
                       struct package_facts *p, struct report *r)
{
    switch (kind) {
    case PACKAGE_WHEEL:
        wheel_check(file, o, p, r);
        break;
    case PACKAGE_SDIST:
        sdist_check(file, o, p, r);
        break;
    case PACKAGE_NPM:
        npm_package_check(file, o, p, r);
        break;
    case PACKAGE_DEB:
        deb_check(file, o, p, r);
        break;
    case PACKAGE_FILE:
        inspect_bytes(file, o, r);
        break;
    case PACKAGE_UNKNOWN:
        report_stop(r, SEVERITY_HIGH, "package-kind", "",
                    "no package that we know by its name; wanted .whl, .tar.gz, .tgz or .deb");
    }
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Its files stand with it as far as the header has their digests. */
static void check_rpm(struct span file, const struct inspect_options *o, struct report *r)
{
    auto_inventory v = {0};
    struct err e = {0};
    r->format = "rpm";
    inventory_init(&v, r);
    v.path = "";
    rpm_read(file, o, &v);
    if (inventory_write(&v, &r->facts, &e) < 0)
        report_not_scanned(r, "inventory-size", "", "%s", e.msg);
}

bool package_check_named(struct span file, enum content content, const struct inspect_options *o, struct report *r)
{
    if (span_ends(span_str(o->name), SPAN_LIT(".rpm")) && content == CONTENT_ARCHIVE) {
        check_rpm(file, o, r);
        return true;
    }
    enum package_kind kind = package_kind_of(o->name);
    if ((kind != PACKAGE_WHEEL || content != CONTENT_ZIP) && (kind != PACKAGE_DEB || content != CONTENT_ARCHIVE))
        return false;
    auto_package_facts p;
    package_facts_init(&p, base_of(o->name));
    check_kind(kind, file, o, &p, r);
    return true;
}

/* ── the operation ── */

static void hex_of(enum hash kind, struct span bytes, char out[2 * HASH_SIZE_MAX + 1])
{
    uint8_t hash[HASH_SIZE_MAX];
    hash_bytes(kind, bytes, hash);
    hex_encode(span_of(hash, hash_size(kind)), out);
}

static const char *media_type_of(const char *filename)
{
    static const char *const types[][2] = {
        {".pdf", "application/pdf"}, {".html", "text/html"},          {".txt", "text/plain"},
        {".md", "text/markdown"},    {".json", "application/json"},   {".csv", "text/csv"},
        {".zip", "application/zip"}, {".tar.gz", "application/gzip"}, {".png", "image/png"},
        {".jpg", "image/jpeg"},      {".svg", "image/svg+xml"},       {".yaml", "application/yaml"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_ends(span_str(filename), span_str(types[i][0])))
            return types[i][1];
    return "application/octet-stream";
}

static void put_hashes(struct json_out *w, enum package_kind kind, struct span file, struct package_facts *p)
{
    char md5[2 * HASH_SIZE_MAX + 1], sha1[2 * HASH_SIZE_MAX + 1], sha512[2 * HASH_SIZE_MAX + 1];
    uint8_t raw[HASH_SIZE_MAX];
    hex_of(HASH_MD5, file, md5);
    hex_of(HASH_SHA1, file, sha1);
    hex_of(HASH_SHA512, file, sha512);
    json_put_object(w, "hashes");
    json_put_string(w, "sha512", sha512);
    json_put_string(w, "sha1", sha1);
    json_put_string(w, "md5", md5);
    json_out_object_end(w);
    if (kind == PACKAGE_NPM) {
        auto_buf integrity = BUF(256);
        hex_decode(span_str(sha512), raw, hash_size(HASH_SHA512));
        buf_add_str(&integrity, "sha512-");
        base64_encode(span_of(raw, hash_size(HASH_SHA512)), &integrity);
        json_put_string(&p->about, "shasum", sha1);
        json_put_string(&p->about, "integrity", buf_str(&integrity));
    } else if (kind == PACKAGE_DEB) {
        json_put_string(&p->about, "md5", md5);
        json_put_string(&p->about, "sha512", sha512);
    } else if (kind == PACKAGE_FILE) {
        json_put_string(&p->about, "media-type", media_type_of(p->filename));
    }
}

/* Of a package that could not be read: what its ecosystem asks for is there, and says no more than its name does. */
static void describe(enum package_kind kind, struct package_facts *p)
{
    if (p->described)
        return;
    if (kind == PACKAGE_WHEEL || kind == PACKAGE_SDIST)
        json_put_string(&p->about, "project", p->name);
    if (kind == PACKAGE_NPM || kind == PACKAGE_DEB) {
        json_put_object(&p->about, kind == PACKAGE_NPM ? "manifest" : "control");
        json_out_object_end(&p->about);
    }
}

static int put_package(struct json_out *w, enum package_kind kind, struct span file, struct package_facts *p,
                       struct err *e)
{
    json_put_object(w, "package");
    json_put_string(w, "ecosystem", package_ecosystem(kind));
    json_put_string(w, "name", p->name);
    json_put_string(w, "version", p->version);
    put_hashes(w, kind, file, p);
    describe(kind, p);
    json_out_object_end(&p->about);
    if (buf_check(&p->about_json, "what a package says of itself", e) < 0)
        return -1;
    json_out_key(w, "about");
    json_out_raw(w, buf_span(&p->about_json));
    if (p->metadata.len) {
        json_out_key(w, "metadata");
        json_out_span(w, buf_span(&p->metadata));
    }
    json_out_object_end(w);
    return 0;
}

/* What a package of a language or a system says of its licence is read on the same way through it. */
static void check_with_licence(enum package_kind kind, struct span file, const struct inspect_options *o,
                               struct package_facts *p, struct report *r)
{
    struct inspect_options with = *o;
    auto_report ignored = {0};
    auto_inventory v = {0};
    report_init(&ignored, "");
    inventory_init(&v, &ignored);
    v.licences_only = v.in_package = true;
    v.path = with.inventory_prefix = o->name;
    with.inventory = &v;
    check_kind(kind, file, kind == PACKAGE_FILE || kind == PACKAGE_UNKNOWN ? o : &with, p, r);
    if (kind == PACKAGE_FILE || kind == PACKAGE_UNKNOWN)
        return;
    if (kind == PACKAGE_WHEEL)
        inventory_wheel_licences(file, &v);
    inventory_package_licence(&v, package_ecosystem(kind), p->name, &r->facts);
}

int package_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_json options = json_parse(arg, LIMIT_JSON_BYTES, "options", e);
    const char *filename = options ? json_need_string(options, "filename", "", e) : NULL;
    auto_report r = {0};
    auto_package_facts p;
    struct json_out w;
    package_facts_init(&p, filename ? filename : "");
    if (!filename)
        return -1;
    bool plain = strcmp(json_get_string(options, "ecosystem", ""), "file") == 0;
    enum package_kind kind = plain ? PACKAGE_FILE : package_kind_of(filename);
    struct inspect_options o = {.name = filename};
    if (inspect_take_yara(options, &o, e) < 0)
        return -1;
    struct digest id = digest_of(input);
    report_init(&r, "");
    if (!plain && o.yara && o.yara_classes & 1U << CLASS_PACKAGE)
        yara_rules_check(o.yara, input, &r);
    check_with_licence(kind, input, &o, &p, &r);
    json_out_init(&w, reply);
    json_out_object(&w);
    if (report_write(&r, &w, e) < 0)
        return -1;
    json_put_string(&w, "class", plain && r.class ? r.class : file_class_name(CLASS_PACKAGE));
    json_put_string(&w, "sha256", digest_hex(&id).text);
    if (put_package(&w, kind, input, &p, e) < 0)
        return -1;
    json_out_object_end(&w);
    return 0;
}
