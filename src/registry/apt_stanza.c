#include "registry/apt_stanza.h"

#include <string.h>
#include <strings.h>

#include "util/json.h"
#include "util/limits.h"

/* What the archive says of a file, and not the package of itself. */
static const char *const OURS[] = {"Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512"};

/* What the file's name is made of. */
struct identity_of_deb {
    const char *package, *version, *architecture; /* borrowed from the row's facts */
};

static int disagree(const struct package_row *row, const char *what, const char *found, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s: its control file says %s %.100s, and the release says otherwise",
                   row->filename, what, found);
}

static int check(const struct package_row *row, const json_t *control, struct identity_of_deb *d, struct err *e)
{
    *d = (struct identity_of_deb){.package = json_need_string(control, "Package", "/control", e),
                                  .version = json_need_string(control, "Version", "/control", e),
                                  .architecture = json_need_string(control, "Architecture", "/control", e)};
    if (!d->package || !d->version || !d->architecture)
        return err_prefix(e, "%s", row->filename);
    if (strcmp(d->package, row->name) != 0)
        return disagree(row, "package", d->package, e);
    if (strcmp(d->version, row->version) != 0)
        return disagree(row, "version", d->version, e);
    if (!deb_identity_is_right(d->package, d->version, d->architecture))
        return err_set(e, ERR_INPUT, 0,
                       "%s: package, version or architecture has characters that Debian does not allow", row->filename);
    if (!deb_filename_agrees(row->filename, d->package, d->version, d->architecture))
        return err_set(e, ERR_INPUT, 0,
                       "%s: its control file says %.128s %.128s for %.32s, which is another file's name", row->filename,
                       d->package, d->version, d->architecture);
    return 0;
}

/* ── fields ── */

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        if (strcasecmp(name, OURS[i]) == 0)
            return true;
    return false;
}

static int add_control(const struct package_row *row, const json_t *control, struct buf *out, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)control, name, value)
    {
        const char *text = json_string_value(value);
        if (!text || !deb_field_is_right(span_str(name), span_str(text)))
            return err_set(e, ERR_INPUT, 0, "%s: the field %.64s of its control file cannot stand in an index",
                           row->filename, name);
        if (!is_ours(name))
            buf_printf(out, "%s:%s%s\n", name, *text == '\n' ? "" : " ", text);
    }
    return 0;
}

/* Only what has the form of the hash: the rest is left out, and SHA-256 is always there. */
static void add_hash(struct buf *out, const char *field, const char *hex, size_t digits)
{
    if (strlen(hex) == digits && strspn(hex, "0123456789abcdef") == digits)
        buf_printf(out, "%s: %s\n", field, hex);
}

int apt_stanza(const struct package_row *row, struct buf *out, char architecture[APT_ARCHITECTURE_SIZE], struct err *e)
{
    struct identity_of_deb d;
    auto_json about = json_parse(span_str(row->about), LIMIT_JSON_BYTES, row->filename, e);
    const json_t *control = about ? json_need_object(about, "control", "", e) : NULL;
    if (!control || check(row, control, &d, e) < 0)
        return -1;
    size_t before = out->len;
    if (add_control(row, control, out, e) < 0) {
        out->len = before;
        return -1;
    }
    buf_printf(out, "Filename: " APT_POOL "%s/%s\nSize: %llu\n", row->name, row->filename,
               (unsigned long long)row->size);
    add_hash(out, "MD5sum", json_get_string(about, "md5", ""), 32);
    buf_printf(out, "SHA256: %s\n", digest_hex(&row->digest).text);
    add_hash(out, "SHA512", json_get_string(about, "sha512", ""), 128);
    buf_add_byte(out, '\n');
    snprintf(architecture, APT_ARCHITECTURE_SIZE, "%s", d.architecture);
    return buf_check(out, "Packages", e);
}
