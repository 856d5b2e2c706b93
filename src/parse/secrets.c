#include "parse/secrets_internal.h"

#include <stdio.h>
#include <string.h>

struct pass {
    struct span text;
    const char *name;
    enum secret_place place;
    struct report *r;
    uint8_t pairs[65536 / 8]; /* which two bytes a form may begin with */
    size_t line, counted;     /* the line at byte `counted` */
    size_t found;
    enum severity cut; /* the heaviest of those that are not shown */
};

/* ── where to look ── */

static void put_pair(struct pass *p, uint8_t first, uint8_t second)
{
    unsigned pair = first | (unsigned)second << 8;
    p->pairs[pair >> 3] |= (uint8_t)(1U << (pair & 7));
}

static void put_prefix(void *arg, const char *prefix)
{
    put_pair(arg, (uint8_t)prefix[0], (uint8_t)prefix[1]);
}

static bool has_pair(const struct pass *p, const uint8_t *at)
{
    unsigned pair = at[0] | (unsigned)at[1] << 8;
    return p->pairs[pair >> 3] & 1U << (pair & 7);
}

static void learn(struct pass *p)
{
    secret_token_prefixes(put_prefix, p);
    bool settings = p->place == SECRET_IN_CONFIG || p->place == SECRET_IN_DOCUMENT; /* elsewhere they weigh nothing */
    put_prefix(p, "--");
    put_prefix(p, "Pu");
    put_prefix(p, "LS");
    for (unsigned c = 0; c < 256 && settings; c++) {
        put_pair(p, '=', (uint8_t)c);
        put_pair(p, ':', (uint8_t)c);
    }
}

/* ── what it weighs ── */

/* False: not worth a word in this place. */
static bool severity_of(const struct pass *p, const struct secret *s, enum severity *out)
{
    static const enum severity table[][3] = {
        /* sure, likely, hash */
        [SECRET_IN_CONFIG] = {SEVERITY_HIGH, SEVERITY_MEDIUM, SEVERITY_MEDIUM},
        [SECRET_IN_DOCUMENT] = {SEVERITY_MEDIUM, SEVERITY_LOW, SEVERITY_LOW},
        [SECRET_IN_PACKAGE] = {SEVERITY_LOW, SEVERITY_INFO, SEVERITY_INFO},
        [SECRET_IN_BINARY] = {SEVERITY_MEDIUM, SEVERITY_LOW, SEVERITY_INFO},
    };
    *out = table[p->place][s->weight];
    if (p->place == SECRET_IN_PACKAGE) /* its tests are full of passwords that open nothing */
        return s->weight == SECRET_SURE && s->known;
    return p->place != SECRET_IN_BINARY || s->checked;
}

static size_t line_of(struct pass *p, size_t at)
{
    while (p->counted < at) {
        const uint8_t *next = memchr(p->text.ptr + p->counted, '\n', at - p->counted);
        if (!next)
            break;
        p->line++;
        p->counted = (size_t)(next - p->text.ptr) + 1;
    }
    return p->line;
}

static void say(struct pass *p, size_t from, const struct secret *s)
{
    enum severity severity;
    char at[48];
    if (!severity_of(p, s, &severity))
        return;
    if (p->found++ >= SECRETS_SHOWN_MAX) {
        p->cut = severity > p->cut ? severity : p->cut;
        return;
    }
    if (p->place == SECRET_IN_BINARY)
        snprintf(at, sizeof at, "byte %zu", from);
    else
        snprintf(at, sizeof at, "line %zu", line_of(p, from));
    if (s->shown.len)
        report_finding(p->r, severity, s->rule, at, "%s, %zu characters, \"%.*s\"", s->kind, s->len, (int)s->shown.len,
                       (const char *)s->shown.ptr);
    else
        report_finding(p->r, severity, s->rule, at, "%s, %zu bytes", s->kind, s->len);
}

/* ── the pass ── */

static bool look(struct span text, size_t at, struct secret *out)
{
    uint8_t c = text.ptr[at];
    out->end = 0;
    if (c == '=' || c == ':')
        return secret_setting_at(text, at, out);
    return secret_token_at(text, at, out) || secret_key_at(text, at, out);
}

static void pass_over(struct pass *p)
{
    struct secret s;
    for (size_t i = 0; i + 1 < p->text.len;) {
        if (!has_pair(p, p->text.ptr + i)) {
            i++;
            continue;
        }
        size_t from = i;
        if (look(p->text, i, &s))
            say(p, from, &s);
        i = s.end > i ? s.end : i + 1;
    }
}

/* ── files that are known by their name ── */

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static void say_field(struct pass *p, struct span field, const char *kind)
{
    struct secret s = {.rule = "secret-password", .kind = kind, .weight = SECRET_SURE, .len = field.len};
    if (field.len && !secret_is_placeholder(field))
        say(p, (size_t)(field.ptr - p->text.ptr), &s);
}

static bool take_word(struct span *rest, struct span *word)
{
    size_t n = 0;
    while (rest->len && rest->ptr[0] <= ' ')
        span_skip(rest, 1);
    while (n < rest->len && rest->ptr[n] > ' ')
        n++;
    return n && span_take(rest, n, word);
}

/* machine NAME login NAME password VALUE (netrc of ftp and curl) */
static void read_netrc(struct pass *p)
{
    struct span rest = p->text, word;
    while (take_word(&rest, &word))
        if (span_equal_str(word, "password") && take_word(&rest, &word))
            say_field(p, word, "the password of a machine");
}

/* host:port:database:user:password */
static void read_pgpass(struct pass *p)
{
    struct span rest = p->text, line, field;
    while (rest.len) {
        if (!span_take_until(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        bool whole = !span_starts(line, SPAN_LIT("#"));
        for (unsigned i = 0; i < 4 && whole; i++)
            whole = span_take_until(&line, ':', &field);
        if (whole)
            say_field(p, line, "the password of a database");
    }
}

static void read_by_name(struct pass *p)
{
    const char *base = base_of(p->name);
    p->line = 1;
    p->counted = 0;
    if (strcmp(base, ".netrc") == 0 || strcmp(base, "_netrc") == 0)
        read_netrc(p);
    else if (strcmp(base, ".pgpass") == 0)
        read_pgpass(p);
}

void secrets_check(struct span file, const char *name, enum secret_place place, struct report *r)
{
    struct pass p = {.text = file, .name = name, .place = place, .r = r, .line = 1};
    if (file.len < 8)
        return;
    learn(&p);
    pass_over(&p);
    if (place != SECRET_IN_BINARY)
        read_by_name(&p);
    if (p.found > SECRETS_SHOWN_MAX)
        report_finding(r, p.cut, "secret-more", "", "%zu more of the kind", p.found - SECRETS_SHOWN_MAX);
}

bool secrets_in_tests(const char *path)
{
    static const char *const folders[] = {"test/",     "tests/",    "testing/", "testdata/", "test_data/",
                                          "fixtures/", "examples/", "example/", "demo/",     "certdata/"};
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += at != path || *at == '/';
        for (size_t i = 0; i < ARRAY_LEN(folders); i++)
            if (strncmp(at, folders[i], strlen(folders[i])) == 0)
                return true;
    }
    return false;
}
