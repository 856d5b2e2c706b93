#include "parse/jinja.h"

#include <stdio.h>
#include <string.h>

/* Templates that were read by people, by the SHA-256 of their text as it stands. */
static const struct {
    const char *sha256, *model;
} KNOWN[] = {
    {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788", "SmolLM2 Instruct"},
};

/* Names that lead from a value to Python's machinery. No chat template has them. */
static const char *const FORBIDDEN[] = {
    "__class__",  "__mro__",    "__base__",  "__bases__",        "__subclasses__", "__globals__", "__builtins__",
    "__import__", "__init__",   "__dict__",  "__getattribute__", "__getattr__",    "__code__",    "__self__",
    "__func__",   "__reduce__", "__call__",  "__module__",       "__loader__",     "__spec__",    "func_globals",
    "gi_frame",   "f_globals",  "importlib", "subprocess",
};

/* Words that are calls in code; as words of a text (in a literal) they are nobody's business. */
static const char *const FORBIDDEN_CODE[] = {
    "eval",   "exec",    "compile", "popen",  "system", "open",   "getattr", "setattr", "globals", "locals",
    "mro",    "os",      "sys",     "lipsum", "cycler", "joiner", "self",    "config",  "request", "attr",
    "import", "include", "extends", "from",   "do",     "call",   "debug",   "vars",    "dir",     "input",
};

/* Words that compare, and words at which one comparison ends and another begins. */
static const char *const COMPARES[] = {"in",    "startswith", "endswith", "find",  "rfind",
                                       "index", "count",      "match",    "search"};
static const char *const ENDS_CLAUSE[] = {"and", "or", "if", "elif", "else"};

struct lexer {
    struct span text; /* all of it */
    size_t at;
    const char *place;
    struct report *r;
    bool content; /* of the clause at hand: speaks of the content of a message */
    bool literal; /* … and of a text of its own */
    bool decides; /* … and compares them */
};

static bool is_word(uint8_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static void finding(struct lexer *l, enum severity severity, const char *rule, size_t offset, const char *what,
                    struct span shown)
{
    char at[160];
    snprintf(at, sizeof(at), "%s, character %zu", l->place, offset + 1);
    report_finding(l->r, severity, rule, at, "%s: %.*s", what, (int)(shown.len > 80 ? 80 : shown.len),
                   (const char *)shown.ptr);
}

static bool listed(struct span word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_str(word, list[i]))
            return true;
    return false;
}

static bool contains(struct span text, const char *needle)
{
    return text.ptr && text.len > 0 && memmem(text.ptr, text.len, needle, strlen(needle)) != NULL;
}

/* A mark of the prompt's own grammar, as "</think>" or "<|im_start|>": what templates may well look for. */
static bool is_mark(struct span literal)
{
    return (literal.ptr[0] == '<' && literal.ptr[literal.len - 1] == '>') ||
           (literal.ptr[0] == '[' && literal.ptr[literal.len - 1] == ']');
}

/* A literal that builds a dunder piece by piece, or hides characters in escapes. */
static void check_literal(struct lexer *l, size_t from, struct span literal)
{
    if (contains(literal, "__"))
        finding(l, SEVERITY_HIGH, "template-underscores", from,
                "a text with two underscores, as names of Python's machinery have", literal);
    for (size_t i = 0; i + 1 < literal.len; i++) {
        if (literal.ptr[i] != '\\')
            continue;
        uint8_t next = literal.ptr[++i];
        if (next == 'x' || next == 'u' || next == 'U' || next == 'N' || (next >= '0' && next <= '7')) {
            finding(l, SEVERITY_HIGH, "template-escape", from, "a text that hides characters behind escapes", literal);
            return;
        }
    }
    if (contains(literal, "http://") || contains(literal, "https://"))
        finding(l, SEVERITY_HIGH, "template-url", from,
                "a text with a URL, which would reach users as the model's answer", literal);
    if (span_equal_str(literal, "content"))
        l->content = true;
    else if (literal.len > 0 && !is_mark(literal))
        l->literal = true;
}

static bool lex_literal(struct lexer *l, size_t end)
{
    uint8_t quote = l->text.ptr[l->at];
    size_t from = l->at + 1, i = from;
    while (i < end && l->text.ptr[i] != quote)
        i += l->text.ptr[i] == '\\' ? 2 : 1;
    if (i >= end)
        return false;
    check_literal(l, from, span_of(l->text.ptr + from, i - from));
    l->at = i + 1;
    return true;
}

/* The end of one comparison: was it one of what a message says with a text? */
static void end_clause(struct lexer *l, size_t from, struct span shown)
{
    if (l->content && l->literal && l->decides)
        finding(l, SEVERITY_MEDIUM, "template-condition", from,
                "a condition on what a message says; such a template can answer certain words with a text of its own",
                shown);
    l->content = l->literal = l->decides = false;
}

/* A word in code. Members of a value are harmless under any name that is not Python's machinery. */
static void lex_word(struct lexer *l, size_t end, size_t begin)
{
    size_t from = l->at;
    while (l->at < end && is_word(l->text.ptr[l->at]))
        l->at++;
    struct span word = span_of(l->text.ptr + from, l->at - from);
    bool member = from > begin && l->text.ptr[from - 1] == '.';
    if (listed(word, FORBIDDEN, ARRAY_LEN(FORBIDDEN)))
        finding(l, SEVERITY_CRITICAL, "template-python", from,
                "a name of Python's machinery, which no chat template needs", word);
    else if (span_starts(word, SPAN_LIT("__")))
        finding(l, SEVERITY_CRITICAL, "template-python", from, "a name with two underscores in front", word);
    else if (member && word.ptr[0] == '_')
        finding(l, SEVERITY_HIGH, "template-private", from, "a private member", word);
    else if (!member && listed(word, FORBIDDEN_CODE, ARRAY_LEN(FORBIDDEN_CODE)))
        finding(l, SEVERITY_HIGH, "template-construct", from,
                "a tag, filter or function that chat templates do not need", word);
    else if (member && (span_equal_str(word, "popen") || span_equal_str(word, "system")))
        finding(l, SEVERITY_CRITICAL, "template-python", from, "a call that starts programs", word);
    if (member && span_equal_str(word, "content"))
        l->content = true;
    l->decides |= listed(word, COMPARES, ARRAY_LEN(COMPARES));
    if (!member && listed(word, ENDS_CLAUSE, ARRAY_LEN(ENDS_CLAUSE)))
        end_clause(l, from, span_of(l->text.ptr + begin, end - begin));
}

static void lex_tag(struct lexer *l, size_t begin, size_t end)
{
    struct span tag = span_of(l->text.ptr + begin, end - begin);
    l->at = begin;
    l->content = l->literal = l->decides = false;
    while (l->at < end) {
        uint8_t c = l->text.ptr[l->at];
        if (c == '\'' || c == '"') {
            if (!lex_literal(l, end)) {
                finding(l, SEVERITY_HIGH, "template-syntax", l->at, "a text without its closing quote", tag);
                return;
            }
        } else if (is_word(c)) {
            lex_word(l, end, begin);
        } else {
            l->decides |= l->at + 1 < end && (c == '=' || c == '!') && l->text.ptr[l->at + 1] == '=';
            l->at++;
        }
    }
    end_clause(l, begin, tag);
}

/* Where the tag that begins at `from` ends: the place of its closing pair outside of literals, or the text's end. */
static size_t tag_end(struct span text, size_t from, const char *close)
{
    uint8_t quote = 0;
    for (size_t i = from; i + 1 < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (quote) {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = 0;
        } else if ((c == '\'' || c == '"') && close[0] != '#') {
            quote = c;
        } else if (c == (uint8_t)close[0] && text.ptr[i + 1] == (uint8_t)close[1]) {
            return i;
        }
    }
    return text.len;
}

static void lex(struct lexer *l)
{
    for (size_t i = 0; i + 1 < l->text.len;) {
        uint8_t kind = l->text.ptr[i] == '{' ? l->text.ptr[i + 1] : 0;
        if (kind != '{' && kind != '%' && kind != '#') {
            i++;
            continue;
        }
        const char *close = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
        size_t end = tag_end(l->text, i + 2, close);
        if (end == l->text.len) {
            finding(l, SEVERITY_HIGH, "template-syntax", i, "a tag that is never closed",
                    span_of(l->text.ptr + i, l->text.len - i));
            return;
        }
        if (kind != '#')
            lex_tag(l, i + 2, end);
        i = end + 2;
    }
}

/* Characters that people do not see, or that turn the order of reading around: U+200B to 200F, 202A to 202E, 2060 to
 * 2069, FEFF, tags E0000 to E007F. */
static bool is_hidden(const uint8_t *p, size_t left)
{
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80)
        return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x81)
        return p[2] >= 0xa0 && p[2] <= 0xa9;
    if (left >= 3 && p[0] == 0xef)
        return p[1] == 0xbb && p[2] == 0xbf;
    return left >= 4 && p[0] == 0xf3 && p[1] == 0xa0 && (p[2] == 0x80 || p[2] == 0x81);
}

bool jinja_has_hidden(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0xe2 && is_hidden(text.ptr + i, text.len - i))
            return true;
    return false;
}

static void check_characters(struct lexer *l)
{
    for (size_t i = 0; i < l->text.len; i++) {
        uint8_t c = l->text.ptr[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            finding(l, SEVERITY_HIGH, "template-control", i, "a control character", span_of("", 0));
            return;
        }
        if (is_hidden(l->text.ptr + i, l->text.len - i)) {
            finding(l, SEVERITY_HIGH, "template-hidden", i,
                    "an invisible character, or one that changes the direction of reading", span_of("", 0));
            return;
        }
    }
}

const char *jinja_known(const struct digest *id)
{
    struct digest_hex hex = digest_hex(id);
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
        if (strcmp(hex.text, KNOWN[i].sha256) == 0)
            return KNOWN[i].model;
    return NULL;
}

static bool is_allowed(const struct digest *id, const struct template_rules *rules)
{
    for (size_t i = 0; i < rules->allowed_count; i++)
        if (digest_equal(id, &rules->allowed[i]))
            return true;
    return jinja_known(id) != NULL;
}

static void write_facts(struct json_out *w, const char *name, const struct digest *id, bool known)
{
    if (!w)
        return;
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_string(w, "sha256", digest_hex(id).text);
    json_put_bool(w, "known", known);
    json_out_object_end(w);
}

void jinja_check(struct span text, const char *name, const char *at, const struct template_rules *rules,
                 struct json_out *w, struct report *r)
{
    struct lexer l = {.text = text, .place = at, .r = r};
    struct digest id = digest_of(text);
    bool known = is_allowed(&id, rules);
    write_facts(w, name, &id, known);
    if (known)
        return;
    if (text.len > LIMIT_TEMPLATE_BYTES) {
        report_finding(r, SEVERITY_HIGH, "template-size", at, "a template of %zu bytes; at most %u are read", text.len,
                       LIMIT_TEMPLATE_BYTES);
        return;
    }
    if (!span_is_utf8(text)) {
        report_finding(r, SEVERITY_HIGH, "template-encoding", at, "the template is not UTF-8");
        return;
    }
    report_finding(
        r, rules->must_be_known ? SEVERITY_MEDIUM : SEVERITY_INFO, "template-unknown", at,
        "the template %s is on no list of templates that people have read; once it is read, `airlock policy set` puts "
        "it into `templates`",
        digest_text(&id).text);
    check_characters(&l);
    lex(&l);
}
