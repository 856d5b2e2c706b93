/* pip resolves what the release pins against the METADATA of its wheels: each is put into a wheel that holds nothing
 * else, so that a set of many gigabytes needs no copy, and nothing of it can be run. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "collect/closure_internal.h"
#include "collect/closure_targets.h"
#include "collect/pip_target.h"
#include "util/file.h"
#include "util/limits.h"

/* Its arguments: the folder of METADATA files, each named as its wheel; the requirements; then what pip is told of the
 * platform. pip finds the wheels by pages of an index in files, one a project, and is asked for 300 projects at a time
 * with all pins as constraints: as each name has one version, that is the same question, and stays quick for thousands.
 * It answers with one line: complete, missing TAB REQUIREMENT, failed TAB WHY, or no-pip. */
static const char DRIVER[] =
    "import os, re, subprocess, sys, zipfile\n"
    "\n"
    "meta, wanted, pool, pages = sys.argv[1], sys.argv[2], \"/tmp/pool\", \"/tmp/index\"\n"
    "try:\n"
    "    import pip\n"
    "except ImportError:\n"
    "    print(\"no-pip\")\n"
    "    sys.exit()\n"
    "os.makedirs(pool)\n"
    "for name in os.listdir(meta):\n"
    "    info = \"-\".join(name.split(\"-\")[:2]) + \".dist-info/\"\n"
    "    with zipfile.ZipFile(os.path.join(pool, name), \"w\", zipfile.ZIP_DEFLATED) as out:\n"
    "        out.write(os.path.join(meta, name), info + \"METADATA\")\n"
    "        out.writestr(info + \"WHEEL\", \"Wheel-Version: 1.0\\nGenerator: airlock\\nRoot-Is-Purelib: true\\n\")\n"
    "        out.writestr(info + \"RECORD\", \"\")\n"
    "    page = os.path.join(pages, re.sub(\"[-_.]+\", \"-\", name.split(\"-\")[0]).lower())\n"
    "    os.makedirs(page, exist_ok=True)\n"
    "    with open(os.path.join(page, \"index.html\"), \"a\") as out:\n"
    "        out.write(f'<a href=\"file://{pool}/{name}\">{name}</a>\\n')\n"
    "lines = open(wanted).read().splitlines()\n"
    "for start in range(0, len(lines), 300):\n"
    "    with open(\"/tmp/part.txt\", \"w\") as out:\n"
    "        out.write(\"\\n\".join(lines[start:start + 300]))\n"
    "    done = subprocess.run([sys.executable, \"-m\", \"pip\", \"install\", \"--dry-run\", \"--ignore-installed\",\n"
    "        \"--index-url\", \"file://\" + pages, \"--only-binary\", \":all:\", \"--no-cache-dir\", "
    "\"--disable-pip-version-check\", \"--no-input\",\n"
    "        \"--target\", \"/tmp/target\", *sys.argv[3:], \"-c\", wanted, \"-r\", \"/tmp/part.txt\"],\n"
    "        capture_output=True, text=True, errors=\"replace\")\n"
    "    if done.returncode:\n"
    "        found = re.search(r\"satisfies the requirement (.+?) \\(from versions\", done.stderr)\n"
    "        clash = re.search(r\"^ +(\\S+) \\S+ depends on (.+)$\", done.stdout, re.M)\n"
    "        errors = [line for line in done.stderr.splitlines() if line.startswith(\"ERROR:\")]\n"
    "        if found:\n"
    "            print(\"missing\", found.group(1), sep=\"\\t\")\n"
    "        elif clash:\n"
    "            print(\"missing\", f\"{clash.group(2)} (from {clash.group(1)})\", sep=\"\\t\")\n"
    "        else:\n"
    "            print(\"failed\", (errors or done.stderr.splitlines() or [\"pip said nothing\"])[0], sep=\"\\t\")\n"
    "        sys.exit()\n"
    "print(\"complete\")\n";

static bool ends(const char *text, const char *end)
{
    return span_ends(span_str(text), span_str(end));
}

static bool is_pypi(const struct package *p)
{
    return strcmp(p->ecosystem, "pypi") == 0;
}

static bool has_wheel(const struct closing *c, const struct package *sdist)
{
    for (size_t i = 0; i < c->chosen->count; i++) {
        const struct package *p = &c->chosen->items[i];
        if (is_pypi(p) && ends(p->filename, ".whl") && strcmp(p->name, sdist->name) == 0 &&
            strcmp(p->version, sdist->version) == 0)
            return true;
    }
    return false;
}

/* Not durable, as all of this goes again in a moment. */
static int write_meta(int work, const char *filename, struct span text, struct err *e)
{
    auto_buf path = BUF(1024);
    buf_printf(&path, "meta/%s", filename);
    auto_fd fd = openat(work, buf_str(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "make %s for pip", filename);
    return file_write_all(fd, text, filename, e);
}

/* A source that travels as it is: what it needs nobody knows without running it. */
static int write_source(struct closing *c, int work, const struct package *p, struct err *e)
{
    auto_buf filename = BUF(1024), text = BUF(1024);
    char name[256];
    snprintf(name, sizeof name, "%s", p->name);
    for (char *at = name; *at; at++)
        *at = *at == '-' ? '_' : *at;
    buf_printf(&filename, "%s-%s-py3-none-any.whl", name, p->version);
    buf_printf(&text, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", p->name, p->version);
    closure_remark(c->out, "%s travels as source: what it needs is not known, and was not checked", p->filename);
    return write_meta(work, buf_str(&filename), buf_span(&text), e);
}

/* The fields alone; the description behind them can be long. */
static int write_wheel(struct closing *c, int work, const struct package *p, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    struct digest id;
    uint64_t size;
    if (!package_metadata(p, &id, &size))
        return err_set(e, ERR_INPUT, 0, "%s: its METADATA is not in the store", p->filename);
    if (blob_read(c->s->blobs, &id, &text, e) < 0)
        return -1;
    struct span fields = buf_span(&text);
    const char *end = strstr(buf_str(&text), "\n\n");
    if (end)
        fields.len = (size_t)(end - buf_str(&text)) + 1;
    if (memmem(fields.ptr, fields.len, "python_version", 14) ||
        memmem(fields.ptr, fields.len, "python_full_version", 19))
        c->by_version = p;
    return write_meta(work, p->filename, fields, e);
}

static int write_set(struct closing *c, int work, struct err *e)
{
    auto_buf wanted = BUF(8U << 20);
    if (dir_make(work, "meta", 0700, e) < 0 || file_write(work, "driver.py", span_str(DRIVER), 0600, e) < 0)
        return -1;
    for (size_t i = 0; i < c->chosen->count; i++) {
        const struct package *p = &c->chosen->items[i];
        bool wheel = ends(p->filename, ".whl");
        if (!is_pypi(p) || (!wheel && has_wheel(c, p)))
            continue;
        if ((wheel ? write_wheel : write_source)(c, work, p, e) < 0)
            return -1;
        if (closure_is_only_version(c, p))
            buf_printf(&wanted, "%s==%s\n", p->name, p->version);
    }
    return buf_check(&wanted, "requirements", e) < 0 ? -1 : file_write(work, "wanted.txt", buf_span(&wanted), 0600, e);
}

/* ── the answer ── */

static void say_platform(const struct closure_target *t, char *out, size_t size)
{
    if (t->platform[0])
        snprintf(out, size, "%s%s on %s", t->python[0] ? "Python " : "this machine's Python", t->python, t->platform);
    else
        snprintf(out, size, "any platform");
}

/* "idna<4,>=2.5 (from requests->-r …)": who needs it, if it is one of the release. */
static const struct package *needed_by(const struct closing *c, const char *requirement)
{
    char name[256];
    const char *from = strstr(requirement, "(from ");
    if (!from)
        return NULL;
    from += strlen("(from ");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(from, "=->)( ["), from);
    return closure_find(c, "pypi", name);
}

static int missing(const struct closing *c, const char *requirement, const struct closure_target *t, struct err *e)
{
    char platform[96], who[400], what[200];
    const struct package *by = needed_by(c, requirement);
    say_platform(t, platform, sizeof platform);
    snprintf(what, sizeof what, "%.*s", (int)strcspn(requirement, "("), requirement);
    what[strcspn(what, " \t;")] = '\0'; /* with an extra pip says "quick; extra == …" */
    if (by) {
        closure_who(by, who, sizeof who);
        err_set(e, ERR_INPUT, 0, "%s is missing (PyPI, %s): %s needs it", what, platform, who);
    } else {
        err_set(e, ERR_INPUT, 0, "%s has no wheel for %s (PyPI)", what, platform);
    }
    what[strcspn(what, "<>=!~[;")] = '\0';
    closure_hint(c, "pypi", what, e);
    return -1;
}

static int read_answer(struct closing *c, int work, const struct closure_target *t, struct err *e)
{
    auto_buf said = BUF(65536);
    char platform[96];
    if (closure_said(work, "said", &said, e) < 0)
        return -1;
    char *text = (char *)said.ptr, *tab = text ? strchr(text, '\t') : NULL;
    if (!text || strncmp(text, "complete", 8) == 0)
        return text ? 0 : closure_not_checked("pip", e);
    if (!tab)
        return closure_not_checked("pip", e);
    tab[strcspn(tab, "\n")] = '\0';
    say_platform(t, platform, sizeof platform);
    if (strncmp(text, "missing\t", 8) == 0)
        return missing(c, tab + 1, t, e);
    return err_set(e, ERR_INPUT, 0, "pip does not find a way through the Python packages for %s: %.600s", platform,
                   tab + 1);
}

/* ── a run for each platform ── */

static int run_pip(struct closing *c, int work, const struct closure_target *t, struct err *e)
{
    static const struct client python = {"python", "/usr/bin/python3", "python3"};
    static const struct places nowhere = {0};
    struct pip_target target;
    if (pip_target_write(work, t->python, t->tag_count ? t->tags[0] : "", &target, e) < 0)
        return -1;
    const char *const env[] = {
        "PIP_CONFIG_FILE=/dev/null", "PYTHONNOUSERSITE=1", target.env[0], target.env[1], target.env[2], NULL};
    const char *argv[10 + 2 * CLOSURE_TAGS_MAX] = {"-I", CLIENT_WORK "/driver.py", CLIENT_WORK "/meta",
                                                   CLIENT_WORK "/wanted.txt"};
    size_t n = 4;
    for (size_t i = 0; i < t->tag_count; i++) {
        argv[n++] = "--platform";
        argv[n++] = t->tags[i];
    }
    if (t->python[0]) {
        argv[n++] = "--python-version";
        argv[n++] = t->python;
        argv[n++] = "--implementation";
        argv[n++] = "cp";
    }
    auto_fd said = openat(work, "said", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (said < 0)
        return err_set(e, ERR_IO, errno, "make a file for pip");
    const struct client_order order = {
        .client = &python, .argv = argv, .env = env, .places = &nowhere, .work = work, .keep_output = said};
    return client_run(&c->clients, &order, e) < 0 ? closure_not_checked("pip", e) : read_answer(c, work, t, e);
}

int closure_pip(struct closing *c, struct err *e)
{
    struct closure_target targets[CLOSURE_TARGETS_MAX];
    bool more, any = false;
    for (size_t i = 0; i < c->chosen->count; i++)
        any = any || is_pypi(&c->chosen->items[i]);
    size_t count = any ? closure_targets(c->chosen, targets, &more) : 0;
    if (any && more)
        closure_remark(c->out, "the wheels are for more than %u platforms: the others were not checked",
                       CLOSURE_TARGETS_MAX);
    for (size_t i = 0; i < count; i++) {
        int made = -1;
        if (client_prepare(&c->clients, &made, e) < 0)
            return -1;
        auto_fd work = made;
        if (write_set(c, work, e) < 0 || run_pip(c, work, &targets[i], e) < 0)
            return -1;
        if (targets[i].python[0] == '\0' && c->by_version)
            closure_remark(c->out,
                           "what %s needs depends on the version of Python: it was checked for this machine's alone",
                           c->by_version->filename);
    }
    return 0;
}
