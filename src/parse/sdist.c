#include "parse/sdist.h"

#include <string.h>

#include "parse/pep440.h"
#include "parse/tar.h"

struct sdist {
    char root[LIMIT_PACKAGE_NAME]; /* the one folder, with its slash */
    bool several;                  /* more than one */
    bool builds;                   /* there is a program that builds it */
    struct buf info;               /* PKG-INFO */
    bool found;
};

static bool take_file(void *arg, const char *path, struct span bytes, struct report *r)
{
    struct sdist *s = arg;
    struct span rest = span_str(path), root;
    if (!span_take_until(&rest, '/', &root) || root.len + 2 > sizeof s->root) {
        s->several = true;
        return true;
    }
    if (!s->root[0]) {
        memcpy(s->root, root.ptr, root.len);
        s->root[root.len] = '/';
    }
    s->several |= strncmp(path, s->root, strlen(s->root)) != 0;
    if (span_equal_str(rest, "PKG-INFO") && !s->found) {
        s->found = true;
        buf_add_span(&s->info, bytes);
    }
    package_check_case(rest, "PKG-INFO", path, r);
    package_check_case(rest, "setup.py", path, r);
    s->builds |= span_equal_str(rest, "setup.py");
    return true;
}

/* NAME-VERSION.tar.gz: the version begins behind the last hyphen, as PEP 625 writes names without one. Older files are
 * split where a version can begin. */
static bool split_name(const char *filename, char name[LIMIT_PACKAGE_NAME], char version[LIMIT_PACKAGE_NAME])
{
    struct span stem = span_str(filename);
    stem.len -= stem.len >= 7 ? 7 : 0; /* .tar.gz */
    for (size_t i = stem.len; i-- > 1;)
        if (stem.ptr[i] == '-' && pep440_normal(span_of(stem.ptr + i + 1, stem.len - i - 1), version) &&
            pypi_name(span_of(stem.ptr, i), name))
            return true;
    return false;
}

static void check_info(struct sdist *s, struct package_facts *p, struct report *r)
{
    char name[LIMIT_PACKAGE_NAME], version[LIMIT_PACKAGE_NAME], root[LIMIT_PACKAGE_NAME],
        root_version[LIMIT_PACKAGE_NAME];
    if (!split_name(p->filename, name, version)) {
        report_finding(r, SEVERITY_HIGH, "sdist-filename", "", "its name is not NAME-VERSION.tar.gz");
        return;
    }
    package_named(p, name, version);
    if (s->several)
        report_finding(r, SEVERITY_HIGH, "sdist-root", "", "it holds more than the one folder %s", s->root);
    auto_buf folder = BUF(2 * LIMIT_PACKAGE_NAME);
    buf_add(&folder, s->root, strlen(s->root) ? strlen(s->root) - 1 : 0);
    buf_add_str(&folder, ".tar.gz");
    if (!split_name(buf_str(&folder), root, root_version) || strcmp(root, name) != 0 ||
        strcmp(root_version, version) != 0)
        report_finding(r, SEVERITY_HIGH, "sdist-root", s->root,
                       "the folder names another package or version than the "
                       "file name (%s %s)",
                       name, version);
    if (!s->found)
        report_finding(r, SEVERITY_HIGH, "sdist-info", s->root, "there is no PKG-INFO in it");
    else if (!buf_ok(&s->info))
        report_stop(r, SEVERITY_HIGH, "sdist-info", "PKG-INFO", "it is too large");
    else
        pypi_metadata(buf_span(&s->info), "PKG-INFO", name, version, p, r);
    if (s->builds)
        report_finding(r, SEVERITY_INFO, "sdist-program", "setup.py", "whoever installs it runs this program first");
}

void sdist_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r)
{
    struct sdist s = {.info = BUF(LIMIT_PACKAGE_METADATA)};
    struct member_watch watch = {.file = take_file, .arg = &s};
    struct inspect_options inner = *o;
    inner.watch = &watch;
    r->format = "sdist";
    tar_check(file, true, &inner, r);
    check_info(&s, p, r);
    buf_fini(&s.info);
}
