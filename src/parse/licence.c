#include "parse/licence.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "parse/licence_judge.h"
#include "parse/licence_names.h"
#include "parse/spdx_licence.h"

#define NAME_MAX_BYTES 200U /* longer ones are no names */
#define DEPTH_MAX      16U

static struct span trim(struct span s)
{
    while (s.len && isspace(*s.ptr))
        span_skip(&s, 1);
    while (s.len && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* ── names in normal form ── */

/* A word, or the letters or the number of one: "GPLv3+" is gpl, 3+. */
static struct span take_part(struct span *s)
{
    size_t len = 0;
    struct span part = {0};
    while (s->len && !isalnum(*s->ptr))
        span_skip(s, 1);
    if (s->len && isdigit(*s->ptr))
        while (len < s->len &&
               (isdigit(s->ptr[len]) || (s->ptr[len] == '.' && len + 1 < s->len && isdigit(s->ptr[len + 1]))))
            len++;
    else
        while (len < s->len && isalpha(s->ptr[len]))
            len++;
    if (len && len < s->len && s->ptr[len] == '+')
        len++;
    span_take(s, len, &part);
    return part;
}

static bool is_noise(struct span part)
{
    for (size_t i = 0; i < ARRAY_LEN(NOISE); i++)
        if (part.len == strlen(NOISE[i]) && strncasecmp((const char *)part.ptr, NOISE[i], part.len) == 0)
            return true;
    return false;
}

/* "gplv" of "gplv3", "2.0+" as "2+". */
static void add_part(struct buf *out, struct span part, bool before_number)
{
    bool number = isdigit(*part.ptr), plus = part.ptr[part.len - 1] == '+';
    part.len -= plus;
    if (before_number && part.len > 1 && tolower(part.ptr[part.len - 1]) == 'v')
        part.len--;
    if (number && part.len > 2 && memcmp(part.ptr + part.len - 2, ".0", 2) == 0)
        part.len -= 2;
    if (out->len)
        buf_add_byte(out, ' ');
    for (size_t i = 0; i < part.len; i++)
        buf_add_byte(out, (uint8_t)tolower(part.ptr[i]));
    if (plus)
        buf_add_byte(out, '+');
}

static void replace(struct buf *text, const char *what, const char *with)
{
    const char *found = strstr(buf_str(text), what);
    if (!found)
        return;
    auto_buf copy = BUF(text->max);
    buf_printf(&copy, "%.*s%s%s", (int)(found - buf_str(text)), buf_str(text), with, found + strlen(what));
    buf_clear(text);
    buf_add_span(text, buf_span(&copy));
}

/* What stands in parentheses says it once more: "GNU General Public License v3 (GPLv3)". */
static void normal(struct span name, struct buf *out)
{
    static const char *const later[] = {
        " or any later", " or at your option any later", " or later", " or newer", " or greater", " and later"};
    auto_buf plain = BUF(NAME_MAX_BYTES);
    unsigned depth = 0;
    for (size_t i = 0; i < name.len; i++) {
        depth += name.ptr[i] == '(';
        if (depth == 0)
            buf_add_byte(&plain, name.ptr[i]);
        else
            depth -= name.ptr[i] == ')';
    }
    if (!buf_ok(&plain) || depth || strchr(buf_str(&plain), ')'))
        return;
    struct span rest = buf_span(&plain), part;
    while ((part = take_part(&rest)).len)
        if (!is_noise(part))
            add_part(out, part, rest.len && isdigit(*rest.ptr));
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        replace(out, later[i], "+");
    for (size_t i = 0; i < ARRAY_LEN(GNU); i++)
        if (strncmp(buf_str(out), GNU[i].name, strlen(GNU[i].name)) == 0)
            replace(out, GNU[i].name, GNU[i].expression);
}

/* ── one name ── */

static const char *find(const struct licence_name *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].expression;
    return NULL;
}

/* "lgpl 2.1+" */
static bool add_gnu(const char *name, struct buf *out)
{
    static const char *const known[][2] = {{"gpl 1", "GPL-1.0"},     {"gpl 2", "GPL-2.0"},     {"gpl 3", "GPL-3.0"},
                                           {"lgpl 2", "LGPL-2.0"},   {"lgpl 2.1", "LGPL-2.1"}, {"lgpl 3", "LGPL-3.0"},
                                           {"agpl 1", "AGPL-1.0"},   {"agpl 3", "AGPL-3.0"},   {"gfdl 1.1", "GFDL-1.1"},
                                           {"gfdl 1.2", "GFDL-1.2"}, {"gfdl 1.3", "GFDL-1.3"}};
    size_t len = strlen(name);
    bool plus = len && name[len - 1] == '+';
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strlen(known[i][0]) == len - plus && strncmp(known[i][0], name, len - plus) == 0) {
            buf_printf(out, "%s%s", known[i][1], plus ? "-or-later" : "-only");
            return true;
        }
    return false;
}

/* An identifier of the list, in its letters; LicenseRef-… as it stands. */
static bool add_identifier(struct span name, struct buf *out)
{
    bool plus = name.len > 1 && name.ptr[name.len - 1] == '+';
    const char *spelling = spdx_licence_spelling(span_of(name.ptr, name.len - plus));
    if (spelling)
        buf_printf(out, "%s%s", spelling, plus ? "+" : "");
    else if (span_starts(name, SPAN_LIT("LicenseRef-")) && spdx_licence_check(name, NULL))
        buf_add_span(out, name);
    else
        return false;
    return true;
}

static void add_own(struct span name, struct buf *out)
{
    buf_add_str(out, "LicenseRef-");
    for (size_t i = 0; i < name.len; i++)
        buf_add_byte(out, isalnum(name.ptr[i]) || name.ptr[i] == '.' ? name.ptr[i] : '-');
}

static bool is_own_name(struct span name)
{
    return name.len <= 60 && span_is_printable(name) && !memchr(name.ptr, '"', name.len);
}

/* Says nothing of the licence. */
static bool says_nothing(const char *name)
{
    static const char *const words[] = {"unknown", "other", "none", "noassertion", "custom", "see",   "file",
                                        "gpl",     "lgpl",  "agpl", "bsd",         "cc",     "apache"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return name[0] == '\0';
}

static bool add_name(struct span name, bool own, struct buf *out)
{
    auto_buf text = BUF(NAME_MAX_BYTES + 64);
    name = trim(name);
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return false;
    normal(name, &text);
    const char *known = buf_ok(&text) ? find(NAMES, ARRAY_LEN(NAMES), buf_str(&text)) : NULL;
    if (!known && own)
        known = find(DEBIAN, ARRAY_LEN(DEBIAN), buf_str(&text));
    if (known) {
        buf_add_str(out, known);
        return true;
    }
    if (add_gnu(buf_str(&text), out) || add_identifier(name, out))
        return true;
    if (!own || says_nothing(buf_str(&text)) || !is_own_name(name))
        return false;
    add_own(name, out);
    return true;
}

/* ── names with words between them ── */

struct reading {
    struct span rest;
    bool own;
    unsigned depth;
    struct buf *out;
};

enum word { WORD_NONE, WORD_NAME, WORD_AND, WORD_OR, WORD_WITH, WORD_OPEN, WORD_CLOSE };

static bool is_word(struct span w, const char *text)
{
    return w.len == strlen(text) && strncasecmp((const char *)w.ptr, text, w.len) == 0;
}

static struct span peek_text(struct span rest)
{
    size_t len = 0;
    rest = trim(rest);
    while (len < rest.len && !isspace(rest.ptr[len]) && !strchr("()/|,;&", rest.ptr[len]))
        len++;
    return span_of(rest.ptr, len ? len : rest.len ? 1 : 0);
}

static struct span after(struct span rest, struct span word)
{
    rest = trim(rest);
    span_skip(&rest, word.len);
    return rest;
}

/* "or later" is a part of the name. */
static bool is_later(struct span rest)
{
    static const char *const words[] = {"later", "newer", "any", "greater", "at"};
    struct span word = peek_text(rest);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (is_word(word, words[i]))
            return true;
    return false;
}

static enum word peek(struct span rest, struct span *word)
{
    *word = peek_text(rest);
    if (word->len == 0)
        return WORD_NONE;
    if (*word->ptr == '(' || *word->ptr == ')')
        return *word->ptr == '(' ? WORD_OPEN : WORD_CLOSE;
    if (strchr("/|", *word->ptr) || (is_word(*word, "or") && !is_later(after(rest, *word))))
        return WORD_OR;
    if (strchr(",;&", *word->ptr) || (is_word(*word, "and") && !is_later(after(rest, *word))))
        return WORD_AND;
    return is_word(*word, "with") ? WORD_WITH : WORD_NAME;
}

/* Words up to the next operator. */
static struct span take_name(struct reading *r)
{
    struct span word, start = trim(r->rest);
    r->rest = start;
    while (peek(r->rest, &word) == WORD_NAME)
        r->rest = after(r->rest, word);
    return trim(span_of(start.ptr, start.len - r->rest.len));
}

static bool read_or(struct reading *r);

static bool add_exception(struct reading *r, struct span name)
{
    auto_buf text = BUF(NAME_MAX_BYTES + 64);
    if (name.len > NAME_MAX_BYTES)
        return false;
    normal(name, &text);
    const char *known = spdx_exception_spelling(name);
    if (!known)
        known = find(EXCEPTIONS, ARRAY_LEN(EXCEPTIONS), buf_str(&text));
    if (known)
        buf_printf(r->out, " WITH %s", known);
    /* one that has no name of its own adds to what the licence permits: without it the expression says less, not more
     */
    return known || (r->own && strstr(buf_str(&text), "exception"));
}

static bool read_one(struct reading *r)
{
    struct span word, name;
    if (peek(r->rest, &word) == WORD_OPEN) {
        if (++r->depth > DEPTH_MAX)
            return false;
        r->rest = after(r->rest, word);
        buf_add_byte(r->out, '(');
        if (!read_or(r) || peek(r->rest, &word) != WORD_CLOSE)
            return false;
        r->rest = after(r->rest, word);
        buf_add_byte(r->out, ')');
        r->depth--;
        return true;
    }
    name = take_name(r);
    if (name.len == 0 || !add_name(name, r->own, r->out))
        return false;
    if (peek(r->rest, &word) != WORD_WITH)
        return true;
    r->rest = after(r->rest, word);
    return add_exception(r, take_name(r));
}

/* A comma before "and" or "or" says no more than they do. */
static enum word take_operator(struct reading *r)
{
    struct span word, second;
    enum word op = peek(r->rest, &word);
    if (op != WORD_AND && op != WORD_OR)
        return op;
    struct span rest = after(r->rest, word);
    enum word next = peek(rest, &second);
    if (*word.ptr == ',' && (next == WORD_AND || next == WORD_OR)) {
        op = next;
        rest = after(rest, second);
    }
    r->rest = rest;
    return op;
}

static bool read_and(struct reading *r)
{
    if (!read_one(r))
        return false;
    for (;;) {
        struct span before = r->rest;
        if (take_operator(r) != WORD_AND) {
            r->rest = before;
            return true;
        }
        buf_add_str(r->out, " AND ");
        if (!read_one(r))
            return false;
    }
}

static bool read_or(struct reading *r)
{
    if (!read_and(r))
        return false;
    for (;;) {
        struct span before = r->rest;
        if (take_operator(r) != WORD_OR) {
            r->rest = before;
            return true;
        }
        buf_add_str(r->out, " OR ");
        if (!read_and(r))
            return false;
    }
}

static bool read_text(struct span text, bool own, struct buf *out)
{
    auto_buf made = BUF(LICENCE_MAX);
    text = trim(text);
    if (text.len > LICENCE_MAX)
        return false;
    bool whole = add_name(text, false, &made);
    if (!whole) {
        buf_clear(&made);
        struct reading r = {.rest = text, .own = own, .out = &made};
        whole = read_or(&r) && trim(r.rest).len == 0;
    }
    if (!whole || !buf_ok(&made) || !spdx_licence_check(buf_span(&made), NULL))
        return false;
    buf_add_span(out, buf_span(&made));
    return true;
}

bool licence_expression(struct span text, struct buf *out)
{
    return read_text(licence_of_classifier(text), false, out);
}

bool licence_expression_own(struct span text, struct buf *out)
{
    return read_text(text, true, out);
}

struct span licence_of_classifier(struct span text)
{
    for (size_t i = text.len; i-- > 1;)
        if (text.ptr[i] == ':' && text.ptr[i - 1] == ':')
            return trim(span_of(text.ptr + i + 1, text.len - i - 1));
    return trim(text);
}

/* ── what is said, and what the files are ── */

struct covering {
    struct span said;
    bool all;
};

/* The text of GPL version 3 belongs to that of LGPL version 3, which refers to it. */
static void is_covered(void *arg, enum licence_word kind, struct span word)
{
    struct covering *c = arg;
    bool beside = span_equal_str(word, "GPL-3.0-only") && licence_includes(c->said, SPAN_LIT("LGPL-3.0-only"));
    if (kind != LICENCE_EXCEPTION)
        c->all &= beside || licence_includes(c->said, word);
}

static bool covers(struct span said, struct span file)
{
    struct covering c = {.said = said, .all = true};
    return spdx_licence_words(file, is_covered, &c, NULL) && c.all;
}

static void add_operand(struct buf *out, struct span expression)
{
    bool group = memmem(expression.ptr, expression.len, " OR ", 4) != NULL;
    buf_printf(out, "%s%.*s%s", group ? "(" : "", (int)expression.len, (const char *)expression.ptr, group ? ")" : "");
}

static void add_and(struct buf *made, struct span expression)
{
    auto_buf before = BUF(LICENCE_MAX);
    if (made->len == 0) {
        buf_add_span(made, expression);
        return;
    }
    buf_add_span(&before, buf_span(made));
    buf_clear(made);
    add_operand(made, buf_span(&before));
    buf_add_str(made, " AND ");
    add_operand(made, expression);
}

/* Of "A AND B" only what is not covered yet. True: something was. */
static bool add_file(struct buf *made, struct span file)
{
    bool parts = !memchr(file.ptr, '(', file.len) && !memmem(file.ptr, file.len, " OR ", 4), added = false;
    while (file.len) {
        const uint8_t *at = parts ? memmem(file.ptr, file.len, " AND ", 5) : NULL;
        struct span part = span_of(file.ptr, at ? (size_t)(at - file.ptr) : file.len);
        span_skip(&file, part.len + (at ? 5 : 0));
        if (made->len && covers(buf_span(made), part))
            continue;
        add_and(made, part);
        added = true;
    }
    return added;
}

bool licence_conclude(struct span said, const struct span *files, size_t count, struct buf *out, bool *differs)
{
    auto_buf made = BUF(LICENCE_MAX);
    *differs = false;
    buf_add_span(&made, said);
    for (size_t i = 0; i < count; i++)
        *differs |= files[i].len && add_file(&made, files[i]) && said.len;
    if (made.len == 0 || !buf_ok(&made))
        return false;
    buf_add_span(out, buf_span(&made));
    return true;
}

/* ── model cards ── */

static struct span unquoted(struct span s)
{
    s = trim(s);
    if (s.len >= 2 && (*s.ptr == '"' || *s.ptr == '\'') && s.ptr[s.len - 1] == *s.ptr)
        s = span_of(s.ptr + 1, s.len - 2);
    return trim(s);
}

static void add_card_item(struct span item, struct buf *out)
{
    if (item.len == 0 || item.len > NAME_MAX_BYTES)
        return;
    buf_add_str(out, out->len ? " AND " : "");
    if (!add_name(item, true, out))
        add_own(item, out);
}

/* "license: [mit, apache-2.0]", or one a line behind it. */
static void add_card_list(struct span value, struct span rest, struct buf *out)
{
    struct span item, line;
    if (span_take_prefix(&value, SPAN_LIT("["))) {
        while (value.len && value.ptr[value.len - 1] == ']')
            value.len--;
        while (span_take_until(&value, ',', &item))
            add_card_item(unquoted(item), out);
        add_card_item(unquoted(value), out);
        return;
    }
    while (span_take_until(&rest, '\n', &line)) {
        line = trim(line);
        if (!span_take_prefix(&line, SPAN_LIT("- ")))
            return;
        add_card_item(unquoted(line), out);
    }
}

static bool is_vague(struct span value)
{
    auto_buf text = BUF(NAME_MAX_BYTES + 64);
    if (value.len > NAME_MAX_BYTES)
        return true;
    normal(value, &text);
    return says_nothing(buf_str(&text));
}

bool licence_of_model(struct span text, struct buf *out)
{
    auto_buf made = BUF(LICENCE_MAX);
    text = unquoted(text);
    if (text.len == 0 || is_vague(text))
        return false;
    if (!licence_expression(text, &made))
        add_card_item(text, &made);
    if (made.len == 0 || !buf_ok(&made) || !spdx_licence_check(buf_span(&made), NULL))
        return false;
    buf_add_span(out, buf_span(&made));
    return true;
}

void licence_folder(const char *path, struct buf *out)
{
    const char *info = strstr(path, ".dist-info/"), *inner = strstr(path, "/licenses/"), *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (info)
        len = (size_t)(info - path) + strlen(".dist-info");
    else if (inner)
        len = (size_t)(inner - path);
    buf_add(out, path, len);
}

bool licence_of_card(struct span markdown, struct buf *out)
{
    auto_buf made = BUF(LICENCE_MAX);
    struct span line, value, name = {0}, licence = {0}, behind = {0};
    span_take_prefix(&markdown, SPAN_LIT("\xef\xbb\xbf"));
    if (!span_take_until(&markdown, '\n', &line) || !span_equal_str(trim(line), "---"))
        return false;
    while (span_take_until(&markdown, '\n', &line) && !span_equal_str(trim(line), "---")) {
        value = line;
        if (span_take_prefix(&value, SPAN_LIT("license:"))) {
            licence = unquoted(value);
            behind = markdown;
        } else if (span_take_prefix(&value, SPAN_LIT("license_name:"))) {
            name = unquoted(value);
        }
    }
    if (licence.len == 0 || *licence.ptr == '[')
        add_card_list(licence, behind, &made);
    else if (!is_vague(licence))
        add_card_item(licence, &made);
    else if (name.len && !is_vague(name))
        add_card_item(name, &made);
    if (made.len == 0 || !buf_ok(&made) || !spdx_licence_check(buf_span(&made), NULL))
        return false;
    buf_add_span(out, buf_span(&made));
    return true;
}
