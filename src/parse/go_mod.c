#include "parse/go_mod.h"

#include <stdlib.h>
#include <string.h>

#include "parse/go_build.h"
#include "parse/text.h"

#define REPLACES_MAX 10000U
#define WORDS_MAX    6U

struct line {
    struct span words[WORDS_MAX];
    size_t count;
};

struct mod {
    struct inventory *v;
    struct line *requires, *replaces; /* owned */
    size_t require_count, replace_count;
    struct span go, toolchain;
    char block[16]; /* the directive whose ( ) we are in, or "" */
};

static int wrong(struct inventory *v, const struct line *l, const char *what)
{
    struct span word = l->count ? l->words[0] : span_str("");
    return report_finding(v->r, SEVERITY_MEDIUM, "go-mod", v->path, "%s: %.*s", what,
                          (int)(word.len > 80 ? 80 : word.len), (const char *)word.ptr);
}

/* Words, without a comment; "quoted" ones lose their quotes. */
static void split(struct span text, struct line *l)
{
    *l = (struct line){0};
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == '/' && text.ptr[i + 1] == '/' &&
            (i == 0 || text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
            text.len = i;
    while (text.len && l->count < WORDS_MAX) {
        size_t len = 0;
        while (len < text.len && !strchr(" \t\r", text.ptr[len]))
            len++;
        struct span word = span_of(text.ptr, len);
        if (len > 1 && (word.ptr[0] == '"' || word.ptr[0] == '`') && word.ptr[len - 1] == word.ptr[0])
            word = span_of(word.ptr + 1, len - 2);
        if (len)
            l->words[l->count++] = word;
        span_skip(&text, len < text.len ? len + 1 : len);
    }
}

static int keep(struct mod *m, struct line **list, size_t *count, const struct line *l)
{
    if (*count == LIMIT_INVENTORY_PACKAGES / 10)
        return wrong(m->v, l, "more lines than are read");
    *list = reallocarray(*list, *count + 1, sizeof **list);
    if (!*list)
        abort();
    (*list)[(*count)++] = *l;
    return 0;
}

/* The words behind a directive, or a line of its block. */
static int take_directive(struct mod *m, const char *name, const struct line *l)
{
    static const char *const passed[] = {"module", "exclude", "retract", "godebug", "tool", "ignore"};
    if (strcmp(name, "require") == 0)
        return l->count >= 2 ? keep(m, &m->requires, &m->require_count, l) : wrong(m->v, l, "no version is required");
    if (strcmp(name, "replace") == 0)
        return keep(m, &m->replaces, &m->replace_count, l);
    if (strcmp(name, "go") == 0)
        m->go = l->count ? l->words[0] : m->go;
    else if (strcmp(name, "toolchain") == 0)
        m->toolchain = l->count ? l->words[0] : m->toolchain;
    else {
        for (size_t i = 0; i < ARRAY_LEN(passed); i++)
            if (strcmp(name, passed[i]) == 0)
                return 0;
        return wrong(m->v, l, "a directive that go.mod does not have");
    }
    return 0;
}

static int take_line(struct mod *m, struct span text)
{
    struct line l;
    split(text, &l);
    if (l.count == 0)
        return 0;
    if (m->block[0]) {
        if (!span_equal_str(l.words[0], ")"))
            return take_directive(m, m->block, &l);
        m->block[0] = '\0';
        return 0;
    }
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)(l.words[0].len < sizeof name ? l.words[0].len : 0),
             (const char *)l.words[0].ptr);
    if (l.count == 2 && span_equal_str(l.words[1], "(")) {
        snprintf(m->block, sizeof m->block, "%s", name[0] ? name : "?");
        return 0;
    }
    struct line rest = {.count = l.count - 1};
    memcpy(rest.words, l.words + 1, rest.count * sizeof *rest.words);
    if (rest.count == 0 || !name[0])
        return wrong(m->v, &l, "a directive that go.mod does not have");
    return take_directive(m, name, &rest);
}

/* A [VERSION] => B [VERSION]: the words behind the arrow, or NULL. */
static const struct span *replaced(const struct mod *m, const struct line *l, size_t *left)
{
    for (size_t i = 0; i < m->replace_count; i++) {
        const struct line *x = &m->replaces[i];
        size_t arrow = 1;
        while (arrow < x->count && !span_equal_str(x->words[arrow], "=>"))
            arrow++;
        if (arrow + 1 >= x->count || !span_equal(x->words[0], l->words[0]) ||
            (arrow == 2 && !span_equal(x->words[1], l->words[1])))
            continue;
        *left = x->count - arrow - 1;
        return &x->words[arrow + 1];
    }
    return NULL;
}

static int put_module(struct mod *m, const struct line *l)
{
    size_t left = 0;
    const struct span *by = replaced(m, l, &left);
    if (!by)
        return go_put(m->v, l->words[0], l->words[1], true);
    if (left == 1) /* a folder: source of its own */
        return 0;
    return go_put(m->v, by[0], by[1], true);
}

void go_mod_read(struct span file, struct inventory *v)
{
    struct mod m = {.v = v};
    struct span line;
    int result = 0;
    if (!text_is_text(file) && file.len)
        result = report_finding(v->r, SEVERITY_MEDIUM, "go-mod", v->path, "is no text");
    while (result == 0 && inventory_line(&file, &line))
        result = take_line(&m, line);
    for (size_t i = 0; i < m.require_count && result == 0; i++)
        result = put_module(&m, &m.requires[i]);
    struct span go = m.toolchain.len ? m.toolchain : m.go;
    span_take_prefix(&go, SPAN_LIT("go"));
    for (size_t i = 0; i < go.len; i++)
        if (go.ptr[i] == '-') /* "1.22.2-suffix" of a toolchain made by somebody */
            go.len = i;
    if (result == 0 && go.len && !span_equal_str(go, "default"))
        go_put(v, SPAN_LIT("stdlib"), go, true);
    free(m.requires);
    free(m.replaces);
}

/* "# PATH VERSION [=> PATH VERSION]"; "## explicit" and the packages follow it. */
void go_vendor_read(struct span file, struct inventory *v)
{
    struct span line;
    bool any = false;
    if (file.len && !text_is_text(file)) {
        report_finding(v->r, SEVERITY_MEDIUM, "go-mod", v->path, "is no text");
        return;
    }
    while (inventory_line(&file, &line)) {
        struct line l;
        if (!span_take_prefix(&line, SPAN_LIT("# "))) {
            if (line.len && !any && !span_starts(line, SPAN_LIT("## "))) {
                report_finding(v->r, SEVERITY_MEDIUM, "go-mod", v->path, "a package before any module");
                return;
            }
            continue;
        }
        split(line, &l);
        any = true;
        bool other = l.count >= 4 && span_equal_str(l.words[2], "=>");
        if (l.count < 2 || (l.count > 2 && !other && !span_equal_str(l.words[1], "=>")))
            continue; /* a remark, as Go itself takes it */
        if (span_equal_str(l.words[1], "=>") || (other && l.count == 4))
            continue; /* replaced by a folder */
        if (go_put(v, l.words[other ? 3 : 0], l.words[other ? 4 : 1], true) < 0)
            return;
    }
}
