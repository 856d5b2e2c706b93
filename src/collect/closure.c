#include "collect/closure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "collect/closure_internal.h"
#include "collect/groups.h"
#include "collect/needs.h"
#include "parse/yaml.h"
#include "util/file.h"
#include "util/limits.h"

/* Below the station's folder, beside what is collected. */
#define FOLDER "closure"

void closure_remark(struct closure *c, const char *format, ...)
{
    va_list args;
    if (c->remark_count == CLOSURE_REMARKS_MAX)
        return;
    va_start(args, format);
    vsnprintf(c->remarks[c->remark_count++], sizeof c->remarks[0], format, args);
    va_end(args);
}

int closure_not_checked(const char *what, struct err *e)
{
    struct err why = *e;
    err_set(e, ERR_UNDECIDED, 0, "whether the packages are complete was not checked: %s: %.700s", what,
            why.msg[0] ? why.msg : "it is not on this machine; install Debian's package python3-pip");
    return err_hint(e, "--unchecked packs them all the same");
}

static void key_of(const char *ecosystem, const char *name, char key[512])
{
    snprintf(key, 512, "%s/%s", ecosystem, name);
}

static void make_index(struct closing *c)
{
    c->index = json_object();
    c->versions = json_object();
    for (size_t i = 0; i < c->chosen->count; i++) {
        const struct package *p = &c->chosen->items[i];
        char key[512];
        key_of(p->ecosystem, p->name, key);
        const json_t *version = json_object_get(c->versions, key);
        if (!version) {
            json_object_set_new(c->index, key, json_integer((json_int_t)i));
            json_object_set_new(c->versions, key, json_string(p->version));
        } else if (json_is_string(version) && strcmp(json_string_value(version), p->version) != 0) {
            json_object_set_new(c->versions, key, json_null());
        }
    }
}

const struct package *closure_find(const struct closing *c, const char *ecosystem, const char *name)
{
    char key[512];
    key_of(ecosystem, name, key);
    const json_t *found = json_object_get(c->index, key);
    return found ? &c->chosen->items[json_integer_value(found)] : NULL;
}

bool closure_is_only_version(const struct closing *c, const struct package *p)
{
    char key[512];
    key_of(p->ecosystem, p->name, key);
    return json_is_string(json_object_get(c->versions, key));
}

void closure_hint(const struct closing *c, const char *ecosystem, const char *name, struct err *e)
{
    char who[400];
    const struct package *other = closure_find(c, ecosystem, name);
    bool travels = other != NULL;
    for (size_t i = 0; i < c->collected->count && !other; i++)
        if (strcmp(c->collected->items[i].ecosystem, ecosystem) == 0 && strcmp(c->collected->items[i].name, name) == 0)
            other = &c->collected->items[i];
    if (other) {
        closure_who(other, who, sizeof who);
        err_hint(e, "%s is there%s%s%s", who, travels ? "" : ", in the group ", travels ? "" : other->group,
                 travels ? "" : ", which does not travel");
    }
    err_hint(e, "Pin it in a lock of a group that travels, and collect again");
}

void closure_who(const struct package *p, char *out, size_t size)
{
    char place[300];
    groups_place(p, place, sizeof place);
    snprintf(out, size, "%.100s %.60s (%.200s)", p->name, p->version, place[0] ? place : "made in house");
}

int closure_said(int work, const char *path, struct buf *out, struct err *e)
{
    uint8_t bytes[65536 - 1];
    auto_fd fd = openat(work, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : pread(fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return err_set(e, ERR_IO, errno, "read what a client said");
    for (ssize_t i = 0; i < got; i++)
        if (bytes[i] != '\n' && bytes[i] != '\t' && (bytes[i] < ' ' || bytes[i] > '~'))
            bytes[i] = '?';
    buf_add(out, bytes, (size_t)got);
    return 0;
}

/* ── npm: each name that a package needs is there, in a version of the range ── */

#define RANGES_MS 60000

/* One pass over all needs: the first gathers what is asked of the parse process, the second reads its answers in the
 * same order. */
struct npm_pass {
    struct closing *c;
    const struct package *asks;
    struct buf *question;
    struct span *answers; /* NULL: the first pass */
    struct err *e;
};

static bool is_npm(const struct package *p, const char *name)
{
    return strcmp(p->ecosystem, "npm") == 0 && strcmp(p->name, name) == 0;
}

/* "VERSION TAB RANGE"; npm takes all blanks of a range for the same. */
static void ask(struct buf *out, const char *version, const char *range)
{
    buf_printf(out, "%s\t", version);
    for (; *range; range++)
        buf_add_byte(out, strchr("\t\r\n\v\f", *range) ? ' ' : (uint8_t)*range);
    buf_add_byte(out, '\n');
}

static int npm_missing(const struct npm_pass *x, const struct need *n, const char *there)
{
    char who[400];
    closure_who(x->asks, who, sizeof who);
    err_set(x->e, ERR_INPUT, 0, "%.200s %.100s is missing (npm): %s needs it%s%s", n->name, n->text, who,
            there[0] ? ", and there is " : "", there);
    closure_hint(x->c, "npm", n->name, x->e);
    return -1;
}

static int npm_hears(struct npm_pass *x, const struct need *n)
{
    auto_buf there = BUF(300);
    bool fits = false, unread = false;
    for (size_t i = 0; i < x->c->chosen->count; i++) {
        uint8_t answer;
        const struct package *p = &x->c->chosen->items[i];
        if (!is_npm(p, n->name))
            continue;
        if (!span_take_u8(x->answers, &answer))
            return err_set(x->e, ERR_UNDECIDED, 0, "the parse process judged fewer ranges than it was asked for");
        fits = fits || answer == 'y';
        unread = unread || answer == '?';
        if (there.len < 200)
            buf_printf(&there, "%s%.60s", there.len ? ", " : "", p->version);
    }
    if (!fits && !unread)
        return npm_missing(x, n, buf_str(&there));
    if (!fits)
        closure_remark(
            x->c->out,
            "%s %s needs %s \"%.100s\", which is no range of npm: that %s is there was checked, and not its version",
            x->asks->name, x->asks->version, n->name, n->text, n->name);
    return 0;
}

static int npm_need(void *arg, const struct need *n)
{
    struct npm_pass *x = arg;
    if (!closure_find(x->c, "npm", n->name))
        return npm_missing(x, n, "");
    if (x->answers)
        return npm_hears(x, n);
    for (size_t i = 0; i < x->c->chosen->count; i++)
        if (is_npm(&x->c->chosen->items[i], n->name))
            ask(x->question, x->c->chosen->items[i].version, n->text);
    return buf_check(x->question, "the ranges of npm packages", x->e);
}

static int npm_each(struct npm_pass *x)
{
    for (size_t i = 0; i < x->c->chosen->count; i++) {
        x->asks = &x->c->chosen->items[i];
        if (strcmp(x->asks->ecosystem, "npm") == 0 &&
            needs_each(x->c->s->blobs, x->c->parser, x->asks, npm_need, x, x->e) < 0)
            return -1;
    }
    return 0;
}

static int closure_npm(struct closing *c, struct err *e)
{
    auto_buf question = BUF(LIMIT_JSON_BYTES), reply = BUF(LIMIT_JSON_BYTES);
    struct npm_pass x = {.c = c, .question = &question, .e = e};
    if (npm_each(&x) < 0)
        return -1;
    if (question.len == 0)
        return 0;
    const struct child_request request = {
        .op = "npm-ranges", .fd = -1, .input = buf_span(&question), .timeout_ms = RANGES_MS};
    if (child_call(c->parser, &request, &reply, e) < 0)
        return closure_not_checked("the ranges of npm packages", e);
    struct span answers = buf_span(&reply);
    x.answers = &answers;
    return npm_each(&x);
}

/* ── the order of things ── */

static int resolve(struct closing *c, struct err *e)
{
    int (*const steps[])(struct closing *, struct err *) = {closure_npm, closure_pip, closure_apt};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i](c, e) < 0)
            return -1;
    return 0;
}

static int in_staging(struct closing *c, struct err *e)
{
    auto_fd lock = -1;
    struct err ignored = {0};
    if (dir_make(c->s->dir, FOLDER, 0700, e) < 0 || (lock = file_lock(c->s->dir, FOLDER "/lock", true, e)) < 0 ||
        tree_remove(c->s->dir, FOLDER "/run", e) < 0 || dir_make(c->s->dir, FOLDER "/run", 0700, e) < 0)
        return -1;
    auto_fd staging = dir_open(c->s->dir, FOLDER "/run", e);
    if (staging < 0)
        return -1;
    clients_init(&c->clients, staging);
    c->clients.limit_s = CLOSURE_LIMIT_S;
    make_index(c);
    int result = resolve(c, e);
    json_decref(c->index);
    json_decref(c->versions);
    clients_fini(&c->clients);
    (void)tree_remove(c->s->dir, FOLDER "/run", &ignored);
    return result;
}

void closure_read_base(struct closure *c, const char *file)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    struct err ignored = {0};
    const char *slash = strrchr(file, '/'), *status = NULL;
    struct yaml *root =
        file_read(AT_FDCWD, file, &text, &ignored) < 0 ? NULL : yaml_parse(buf_span(&text), file, &ignored);
    const struct yaml *base = root ? yaml_get(yaml_get(root, "packages"), "base") : NULL;
    if (base && yaml_text_or(base, "dpkg", NULL, &status, file, &ignored) == 0 && status)
        snprintf(c->base, sizeof c->base, "%.*s%s", status[0] == '/' || !slash ? 0 : (int)(slash - file + 1), file,
                 status);
    yaml_free(root);
}

int closure_rule(void *arg, struct site *station, const struct packages *collected, const struct packages *chosen,
                 const char *const groups[], struct err *e)
{
    struct closing c = {.out = arg, .s = station, .collected = collected, .chosen = chosen};
    if (c.out->unchecked) {
        closure_remark(c.out, "whether the packages are complete was not checked, as --unchecked says");
        return 0;
    }
    c.parser = site_parser(station, e);
    if (!c.parser || groups_check(station->blobs, c.parser, collected, groups, e) < 0)
        return -1;
    return in_staging(&c, e);
}
