#include "parse/html_doc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "parse/html_token.h"
#include "parse/markdown.h"

enum rule {
    RULE_SCRIPT,
    RULE_EVENT,
    RULE_SCRIPT_URL,
    RULE_STYLE_SCRIPT,
    RULE_FRAME,
    RULE_FORM,
    RULE_REFRESH,
    RULE_BASE,
    RULE_ENTITY,
    RULE_INSTRUCTION,
    RULE_CHARSET,
    RULE_LOCAL_FRAME,
    RULE_EXTERNAL,
    RULE_UNFINISHED,
    RULES
};

static const struct {
    const char *name, *what;
    enum severity severity;
} RULE_TEXTS[RULES] = {
    [RULE_SCRIPT] = {"html-script", "a script that runs when it is shown", SEVERITY_MEDIUM},
    [RULE_EVENT] = {"html-event", "an attribute that runs a script", SEVERITY_MEDIUM},
    [RULE_SCRIPT_URL] = {"html-script-url", "a URL that is a script, or a document of its own", SEVERITY_MEDIUM},
    [RULE_STYLE_SCRIPT] = {"html-style-script", "a style that runs a script", SEVERITY_MEDIUM},
    [RULE_FRAME] = {"html-frame", "another document or program inside of this one", SEVERITY_MEDIUM},
    [RULE_FORM] = {"html-form", "a form that sends to another machine", SEVERITY_MEDIUM},
    [RULE_REFRESH] = {"html-refresh", "leads to another place by itself", SEVERITY_MEDIUM},
    [RULE_BASE] = {"html-base", "lets its own links lead to another machine", SEVERITY_MEDIUM},
    [RULE_ENTITY] = {"html-entity", "declares entities, which may stand for any markup", SEVERITY_MEDIUM},
    [RULE_INSTRUCTION] = {"html-instruction", "an instruction to a server or a style sheet processor", SEVERITY_MEDIUM},
    [RULE_CHARSET] = {"html-charset", "a character set in which other bytes are markup", SEVERITY_MEDIUM},
    [RULE_LOCAL_FRAME] = {"html-local-frame", "a file beside it is shown inside of it", SEVERITY_LOW},
    [RULE_EXTERNAL] = {"html-external", "fetched from another machine when it is shown", SEVERITY_LOW},
    [RULE_UNFINISHED] = {"html-unfinished", "ends in the middle of a tag, a comment or an element", SEVERITY_LOW},
};

struct look {
    struct span file;
    size_t counts[RULES], first[RULES]; /* the byte of the first one */
    bool nested;                        /* inside of a raw element, read as markup */
};

static void note(struct look *l, enum rule rule, const uint8_t *at)
{
    if (l->counts[rule]++ == 0)
        l->first[rule] = at ? (size_t)(at - l->file.ptr) : 0;
}

/* ── words ── */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Without case. */
static bool has(struct span s, const char *needle)
{
    size_t len = strlen(needle);
    for (size_t i = 0; i + len <= s.len; i++)
        if ((s.ptr[i] | 0x20) == (uint8_t)(needle[0] | 0x20) && strncasecmp((const char *)s.ptr + i, needle, len) == 0)
            return true;
    return false;
}

static bool is_name(struct span name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (html_is(name, list[i]))
            return true;
    return false;
}

static bool is_elsewhere(const char *url)
{
    return starts(url, "//") || starts(url, "http:") || starts(url, "https:") || starts(url, "ftp:") ||
           starts(url, "ws:") || starts(url, "wss:");
}

static bool is_script_url(const char *url)
{
    return starts(url, "javascript:") || starts(url, "vbscript:") || starts(url, "livescript:") ||
           starts(url, "data:text/html") || starts(url, "data:application/xhtml") || starts(url, "data:text/xml") ||
           starts(url, "data:application/xml") || starts(url, "data:text/javascript") ||
           starts(url, "data:application/javascript");
}

/* ── attributes ── */

/* Words for people, where "javascript: the good parts" is a title. */
static bool is_for_people(struct span name)
{
    static const char *const names[] = {"alt",  "title", "label", "summary", "placeholder",
                                        "name", "class", "id",    "value",   "content"};
    return is_name(name, names, ARRAY_LEN(names)) || span_starts(name, SPAN_LIT("aria-"));
}

static bool is_event(struct span name)
{
    return name.len >= 5 && strncasecmp((const char *)name.ptr, "on", 2) == 0 && (name.ptr[2] | 0x20) >= 'a' &&
           (name.ptr[2] | 0x20) <= 'z';
}

static void check_style(struct look *l, struct span css)
{
    if (has(css, "javascript:") || has(css, "expression(") || has(css, "-moz-binding") || has(css, "behavior:") ||
        has(css, "vbscript:"))
        note(l, RULE_STYLE_SCRIPT, css.ptr);
    if (has(css, "//") &&
        (has(css, "url(http") || has(css, "url(\"http") || has(css, "url('http") || has(css, "url(//") ||
         has(css, "url(\"//") || has(css, "url('//") || has(css, "@import \"http") || has(css, "@import 'http") ||
         has(css, "@import \"//") || has(css, "@import '//")))
        note(l, RULE_EXTERNAL, css.ptr);
}

/* What a browser follows without being asked. "href" is fetched by some elements only. */
static bool is_fetched(struct span element, struct span name)
{
    static const char *const always[] = {"src",     "poster", "background",  "lowsrc",  "dynsrc",
                                         "data",    "ping",   "manifest",    "classid", "codebase",
                                         "archive", "srcset", "imagesrcset", "icon"};
    static const char *const by_href[] = {"link",   "use",    "image",          "feimage",        "pattern",  "mpath",
                                          "filter", "cursor", "lineargradient", "radialgradient", "textpath", "tref"};
    if (html_is(name, "href"))
        return is_name(element, by_href, ARRAY_LEN(by_href));
    return is_name(name, always, ARRAY_LEN(always));
}

static bool is_frame(struct span element)
{
    static const char *const frames[] = {"iframe", "frame", "object", "embed", "applet", "portal", "fencedframe"};
    return is_name(element, frames, ARRAY_LEN(frames));
}

static void check_url(struct look *l, struct span element, struct span name, struct span value)
{
    char url[160];
    html_url(value, url, sizeof url);
    bool list = html_is(name, "srcset") || html_is(name, "imagesrcset") || html_is(name, "values");
    if (is_script_url(url) || (list && strstr(url, "javascript:")) ||
        (starts(url, "data:image/svg") && (is_frame(element) || html_is(element, "use"))))
        note(l, RULE_SCRIPT_URL, value.ptr);
    if (is_fetched(element, name) && (is_elsewhere(url) || (list && strstr(url, "//"))))
        note(l, is_frame(element) ? RULE_FRAME : RULE_EXTERNAL, value.ptr);
    if ((html_is(name, "action") || html_is(name, "formaction")) && is_elsewhere(url))
        note(l, RULE_FORM, value.ptr);
    if (html_is(element, "base") && html_is(name, "href") && is_elsewhere(url))
        note(l, RULE_BASE, value.ptr);
}

static void check_attribute(struct look *l, struct span element, struct span name, struct span value)
{
    if (is_event(name) && value.len)
        note(l, RULE_EVENT, name.ptr);
    else if (html_is(name, "srcdoc"))
        note(l, RULE_FRAME, name.ptr);
    else if (html_is(name, "style"))
        check_style(l, value);
    else if (!is_for_people(name))
        check_url(l, element, name, value);
}

/* ── elements ── */

static bool attribute(struct span content, const char *wanted, struct span *value)
{
    struct span name;
    while (html_attribute(&content, &name, value))
        if (html_is(name, wanted))
            return true;
    *value = (struct span){0};
    return false;
}

/* Data that only lies there. */
static bool is_data_type(struct span type)
{
    static const char *const types[] = {
        "application/json", "application/ld+json",    "text/template", "text/x-template",
        "math/tex",         "math/tex; mode=display", "text/plain"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (type.len == strlen(types[i]) && strncasecmp((const char *)type.ptr, types[i], type.len) == 0)
            return true;
    return false;
}

/* Sets in which a byte below 0x80 is always the ASCII character (Encoding Standard: "ASCII-compatible", no state). */
static bool is_plain_charset(struct span set)
{
    static const char *const beginnings[] = {"utf-8", "utf8",        "us-ascii", "ascii", "iso-8859-",
                                             "latin", "windows-125", "cp125",    "koi8-"};
    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
        if (set.len >= strlen(beginnings[i]) &&
            strncasecmp((const char *)set.ptr, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return set.len == 0;
}

static void check_meta(struct look *l, struct span content)
{
    struct span kind, value, set;
    char url[512];
    if (attribute(content, "charset", &set) && !is_plain_charset(set))
        note(l, RULE_CHARSET, set.ptr);
    if (!attribute(content, "http-equiv", &kind) || !attribute(content, "content", &value))
        return;
    html_url(value, url, sizeof url);
    const char *charset = strstr(url, "charset="), *target = strstr(url, "url=");
    if (html_is(kind, "content-type") && charset && !is_plain_charset(span_str(charset + 8)))
        note(l, RULE_CHARSET, value.ptr);
    if (html_is(kind, "refresh") && target) {
        target += 4;
        target += *target == '\'' || *target == '"';
        note(l,
             is_elsewhere(target)    ? RULE_REFRESH
             : is_script_url(target) ? RULE_SCRIPT_URL
                                     : RULE_LOCAL_FRAME,
             value.ptr);
    }
}

static void check_frame(struct look *l, struct span element, struct span content)
{
    struct span name, value;
    bool local = !html_is(element, "applet") && !html_is(element, "portal");
    char url[160];
    struct span rest = content;
    while (html_attribute(&rest, &name, &value)) {
        html_url(value, url, sizeof url);
        if (is_fetched(element, name) && (is_elsewhere(url) || is_script_url(url)))
            return; /* said by its attribute */
    }
    note(l, local ? RULE_LOCAL_FRAME : RULE_FRAME, element.ptr);
}

/* <link> names pages as well, which nobody fetches. */
static bool is_only_named(struct span element, struct span content)
{
    static const char *const relations[] = {"canonical", "alternate", "license",  "author",    "next", "prev", "help",
                                            "search",    "index",     "contents", "copyright", "up",   "home"};
    struct span relation;
    return html_is(element, "link") && attribute(content, "rel", &relation) &&
           is_name(relation, relations, ARRAY_LEN(relations));
}

static void check_tag(struct look *l, const struct html_token *t)
{
    struct span rest = t->content, name, value;
    char begin[16];
    if (html_is(t->name, "script") && !(attribute(t->content, "type", &value) && is_data_type(value)))
        note(l, RULE_SCRIPT, t->name.ptr);
    if (html_is(t->name, "meta"))
        check_meta(l, t->content);
    if (is_frame(t->name))
        check_frame(l, t->name, t->content);
    html_url(t->name, begin, sizeof begin);
    if (starts(begin, "javascript:")) /* <javascript:…>, a link of Markdown */
        note(l, RULE_SCRIPT_URL, t->name.ptr);
    bool only_named = is_only_named(t->name, t->content);
    while (html_attribute(&rest, &name, &value))
        if (!only_named || !html_is(name, "href"))
            check_attribute(l, t->name, name, value);
}

/* ── the document ── */

static void walk(struct look *l, struct span part);

static void check_token(struct look *l, const struct html_token *t)
{
    switch (t->kind) {
    case HTML_TAG:
        check_tag(l, t);
        break;
    case HTML_RAW:
        if (html_is(t->name, "style"))
            check_style(l, t->content);
        if (!html_is(t->name, "script")) { /* in SVG these are like any element */
            l->nested = true;
            walk(l, t->content);
            l->nested = false;
        }
        break;
    case HTML_DECLARATION:
        if (memchr(t->content.ptr, '[', t->content.len))
            note(l, RULE_ENTITY, t->content.ptr);
        break;
    case HTML_COMMENT:
        if (t->content.len > 6 && strncasecmp((const char *)t->content.ptr, "entity", 6) == 0)
            note(l, RULE_ENTITY, t->content.ptr);
        if (span_starts(t->content, SPAN_LIT("#exec")) || span_starts(t->content, SPAN_LIT("#include")))
            note(l, RULE_INSTRUCTION, t->content.ptr);
        break;
    case HTML_INSTRUCTION:
        if (!span_starts(t->content, SPAN_LIT("xml ")))
            note(l, RULE_INSTRUCTION, t->content.ptr);
        break;
    case HTML_END_TAG:
    case HTML_TEXT:
        break;
    }
    if (t->cut && !l->nested)
        note(l, RULE_UNFINISHED, t->name.len ? t->name.ptr : t->content.ptr);
}

static void walk(struct look *l, struct span part)
{
    struct html_reader h = {.rest = part, .flat = l->nested};
    struct html_token t;
    while (html_next(&h, &t))
        check_token(l, &t);
}

static size_t line_of(const struct look *l, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at && i < l->file.len; i++)
        line += l->file.ptr[i] == '\n';
    return line;
}

/* What its package vouches for: one line for all that runs in it. */
static void say_vouched(const struct look *l, struct report *r)
{
    char text[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < RULES; i++)
        if (l->counts[i] && RULE_TEXTS[i].severity >= SEVERITY_MEDIUM && len < sizeof text)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "", RULE_TEXTS[i].name);
    if (len)
        report_finding(r, SEVERITY_LOW, "html-active", "", "a document in which something runs: %s", text);
}

static void say(const struct look *l, bool vouched, struct report *r)
{
    char at[48];
    if (vouched) {
        say_vouched(l, r);
        return;
    }
    for (size_t i = 0; i < RULES; i++) {
        if (l->counts[i] == 0)
            continue;
        snprintf(at, sizeof at, "line %zu", line_of(l, l->first[i]));
        if (l->counts[i] == 1)
            report_finding(r, RULE_TEXTS[i].severity, RULE_TEXTS[i].name, at, "%s", RULE_TEXTS[i].what);
        else
            report_finding(r, RULE_TEXTS[i].severity, RULE_TEXTS[i].name, at, "%s; with this, %zu in all",
                           RULE_TEXTS[i].what, l->counts[i]);
    }
}

void html_doc_check(struct span file, bool vouched, struct report *r)
{
    struct look l = {.file = file};
    walk(&l, file);
    say(&l, vouched, r);
}

bool html_doc_is(struct span file, const char *name)
{
    static const char *const suffixes[] = {".html", ".htm", ".xhtml", ".svg"};
    static const char *const beginnings[] = {"<!doctype html", "<html", "<svg "};
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < ARRAY_LEN(suffixes); i++)
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    while (file.len && (file.ptr[0] == ' ' || file.ptr[0] == '\n' || file.ptr[0] == '\r' || file.ptr[0] == '\t'))
        span_skip(&file, 1);
    for (size_t i = 0; (!dot || dot == base) && i < ARRAY_LEN(beginnings); i++)
        if (file.len >= strlen(beginnings[i]) &&
            strncasecmp((const char *)file.ptr, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* ── Markdown ── */

/* [text](javascript:…), and [text]: javascript:… */
static void check_links(struct look *l, struct span text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        char url[64];
        if (text.ptr[i] != ']' || (text.ptr[i + 1] != '(' && text.ptr[i + 1] != ':'))
            continue;
        struct span rest = span_of(text.ptr + i + 2, text.len - i - 2 < 256 ? text.len - i - 2 : 256);
        while (rest.len && (rest.ptr[0] <= ' ' || rest.ptr[0] == '<'))
            span_skip(&rest, 1);
        html_url(rest, url, sizeof url);
        if (is_script_url(url))
            note(l, RULE_SCRIPT_URL, text.ptr + i);
    }
}

void html_markdown_check(struct span file, bool vouched, struct report *r)
{
    auto_buf copy = BUF(file.len + 1);
    markdown_without_code(file, &copy);
    struct look l = {.file = buf_span(&copy)};
    walk(&l, l.file);
    check_links(&l, l.file);
    l.counts[RULE_UNFINISHED] = 0; /* "a <b" is no document that was cut */
    say(&l, vouched, r);
}
