#include "parse/personal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "parse/personal_numbers.h"

enum kind { KIND_EMAIL, KIND_PHONE, KIND_IP, KIND_IBAN, KIND_CARD, KIND_NUMBER, KIND_PASSPORT, KINDS };

static const struct {
    const char *rule, *what;
    size_t threshold;
} KIND_TEXTS[KINDS] = {
    [KIND_EMAIL] = {"personal-email", "addresses of mail", PERSONAL_EMAILS},
    [KIND_PHONE] = {"personal-phone", "phone numbers", PERSONAL_PHONES},
    [KIND_IP] = {"personal-ip", "addresses of machines", PERSONAL_IPS},
    [KIND_IBAN] = {"personal-iban", "bank accounts (IBAN)", PERSONAL_NUMBERS},
    [KIND_CARD] = {"personal-card", "payment cards", PERSONAL_NUMBERS},
    [KIND_NUMBER] = {"personal-number", "numbers that a state gives to a person", PERSONAL_NUMBERS},
    [KIND_PASSPORT] = {"personal-passport", "passports", PERSONAL_NUMBERS},
};

/* Different ones are told apart until the highest threshold is met; a power of two above it. */
#define SEEN_SLOTS 512U
#define SEEN_MAX   256U

struct seen {
    uint64_t slots[SEEN_SLOTS];
    size_t different, all, first; /* first: the byte */
};

struct pass {
    struct span text;
    bool authors; /* a file in which addresses of mail are nobody's secret */
    struct seen seen[KINDS];
};

/* FNV-1a: nobody gains by making two of these meet. */
static uint64_t hash_of(struct span s)
{
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ s.ptr[i]) * 1099511628211ULL;
    return h ? h : 1;
}

static void count(struct pass *p, enum kind kind, struct span value, size_t at)
{
    struct seen *s = &p->seen[kind];
    uint64_t h = hash_of(value);
    size_t slot = h % SEEN_SLOTS;
    if (s->all++ == 0)
        s->first = at;
    while (s->slots[slot] && s->slots[slot] != h)
        slot = (slot + 1) % SEEN_SLOTS;
    if (s->slots[slot] == h || s->different >= SEEN_MAX)
        return;
    s->slots[slot] = h;
    s->different++;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_word(uint8_t c) /* letters of other scripts too */
{
    return is_alnum(c) || c == '_' || c >= 0x80;
}

/* ── addresses of mail ── */

/* RFC 2606 and what lies on every developer's machine; names that are no people; files whose names have an '@'. */
static bool is_nobody(struct span local, struct span host)
{
    static const char *const locals[] = {"noreply", "no-reply", "git",   "root",    "user", "username",
                                         "name",    "you",      "your",  "support", "info", "contact",
                                         "admin",   "security", "sales", "help",    "hello"};
    static const char *const ends[] = {".example", ".test", ".invalid", ".local", ".localhost", ".png", ".jpg",
                                       ".jpeg",    ".gif",  ".svg",     ".webp",  ".css",       ".js",  ".ts",
                                       ".py",      ".json", ".md",      ".so",    ".sock"};
    for (size_t i = 0; i < ARRAY_LEN(locals); i++)
        if (local.len == strlen(locals[i]) && strncasecmp((const char *)local.ptr, locals[i], local.len) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(host, span_str(ends[i])))
            return true;
    return memmem(host.ptr, host.len, "example.", 8) || memmem(host.ptr, host.len, "noreply", 7);
}

static size_t look_at_mail(struct pass *p, size_t at)
{
    struct span t = p->text;
    size_t begin = at, end = at + 1, dot = 0;
    while (begin > 0 && at - begin < 64 && (is_alnum(t.ptr[begin - 1]) || strchr("._%+-", t.ptr[begin - 1])) &&
           t.ptr[begin - 1])
        begin--;
    for (; end < t.len && end - at < 254 && (is_alnum(t.ptr[end]) || t.ptr[end] == '.' || t.ptr[end] == '-'); end++)
        dot = t.ptr[end] == '.' && end + 1 < t.len && is_alnum(t.ptr[end + 1]) ? end : dot;
    while (end > at && (t.ptr[end - 1] == '.' || t.ptr[end - 1] == '-'))
        end--;
    bool letters = dot > at + 1 && end - dot >= 3;
    for (size_t i = dot + 1; letters && i < end; i++)
        letters = !is_digit(t.ptr[i]) && t.ptr[i] != '-';
    struct span local = span_of(t.ptr + begin, at - begin), host = span_of(t.ptr + at + 1, end - at - 1);
    if (letters && local.len && !p->authors && !is_nobody(local, host))
        count(p, KIND_EMAIL, span_of(t.ptr + begin, end - begin), begin);
    return end;
}

/* ── numbers ── */

#define GROUPS_MAX 9U /* an IBAN of 34 characters in fours */

struct number {
    uint8_t text[40];   /* without separators */
    uint8_t behind[40]; /* the separator behind each character; 0: none */
    size_t ends[40];    /* the byte behind each character */
    size_t len;
};

static bool is_of_number(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Capitals and digits from `at` on, with single separators between. People write such a number in few groups, and of
 * one character is one of them at most, or the first and the last: a row of single digits is data. */
static struct number take_number(struct span t, size_t at)
{
    struct number n = {0};
    size_t groups = 1, single = 0, begin = 0;
    for (size_t i = at; i < t.len && n.len < sizeof n.text; i++) {
        uint8_t c = t.ptr[i];
        if (is_of_number(c)) {
            n.ends[n.len] = i + 1;
            n.text[n.len++] = c;
            continue;
        }
        bool between = (c == ' ' || c == '-' || c == '.') && i + 1 < t.len && is_of_number(t.ptr[i + 1]);
        single += n.len == begin + 1;
        if (!between || n.len == 0 || n.behind[n.len - 1] || groups++ == GROUPS_MAX || single > 1)
            break;
        n.behind[n.len - 1] = c;
        begin = n.len;
    }
    return n;
}

/* How the first `len` characters stand in groups (personal_numbers.h). *separator: the one between them; 0: none; 1:
 * more than one kind. */
static uint32_t groups_of(const struct number *n, size_t len, uint8_t *separator)
{
    uint32_t groups = 0;
    *separator = 0;
    for (size_t i = 0; i + 1 < len && i < 32; i++) {
        if (!n->behind[i])
            continue;
        groups |= 1U << i;
        *separator = *separator == 0 || *separator == n->behind[i] ? n->behind[i] : 1;
    }
    return groups;
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Does the word begin here, as a word or inside of "userSsn"? Short ones end as words too. */
static bool is_word_at(struct span t, size_t at, const char *word, size_t len)
{
    if (strncasecmp((const char *)t.ptr + at, word, len) != 0)
        return false;
    bool camel = at > 0 && t.ptr[at] >= 'A' && t.ptr[at] <= 'Z' && t.ptr[at - 1] >= 'a' && t.ptr[at - 1] <= 'z';
    bool begins = at == 0 || !is_letter(t.ptr[at - 1]) || camel;
    return begins && (len > 3 || at + len >= t.len || !is_letter(t.ptr[at + len]));
}

/* One of the words, in front of the number and near it, without case. */
static bool has_context(const struct pass *p, size_t at, const char *words)
{
    size_t from = at > 64 ? at - 64 : 0;
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, "|");
        for (size_t i = from; i + len <= at; i++)
            if (is_word_at(p->text, i, word, len))
                return true;
        word += len + (word[len] == '|');
    }
    return false;
}

/* Of a dotted quad: is it one of the addresses that somebody on the internet has (RFC 6890)? */
static bool is_public(const unsigned q[4])
{
    bool documentation = (q[0] == 192 && q[1] == 0) || (q[0] == 198 && q[1] == 51 && q[2] == 100) ||
                         (q[0] == 203 && q[1] == 0 && q[2] == 113);
    bool here = q[0] == 0 || q[0] == 10 || q[0] == 127 || q[0] >= 224 || (q[0] == 172 && q[1] >= 16 && q[1] < 32) ||
                (q[0] == 192 && q[1] == 168) || (q[0] == 169 && q[1] == 254) ||
                (q[0] == 100 && q[1] >= 64 && q[1] < 128);
    return !documentation && !here && q[0] > 3; /* 1.2.3.4 is a version */
}

static bool is_ip(struct span t, size_t at, size_t *end)
{
    unsigned quad[4];
    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; at < t.len && is_digit(t.ptr[at]) && digits < 4; digits++)
            value = value * 10 + t.ptr[at++] - '0';
        if (digits == 0 || digits > 3 || value > 255 || (i < 3 && (at >= t.len || t.ptr[at++] != '.')))
            return false;
        quad[i] = value;
    }
    *end = at;
    return is_public(quad) && (at >= t.len || (t.ptr[at] != '.' && !is_word(t.ptr[at])));
}

/* 4-4-4-4 or 4-6-5, and no part of a row of numbers: what follows may be a date or three digits. */
static bool is_card_dress(const struct pass *p, size_t at, const struct number *n, size_t len)
{
    uint8_t separator;
    uint32_t groups = groups_of(n, len, &separator);
    size_t end = n->ends[len - 1], more = 0;
    if (separator <= 1 || separator == '.' || (groups != 0x888 && groups != 0x208))
        return false;
    if (at > 1 && !is_word(p->text.ptr[at - 1]) && is_digit(p->text.ptr[at - 2]))
        return false;
    while (end + 1 + more < p->text.len && more < 5 && is_digit(p->text.ptr[end + 1 + more]))
        more++;
    return more <= 3;
}

static bool look_at_length(struct pass *p, size_t at, const struct number *n, size_t len)
{
    const char *words;
    uint8_t separator;
    uint32_t groups = groups_of(n, len, &separator);
    struct span all = span_of(n->text, len);
    enum personal_context context = personal_national(all, groups, &words);
    if (separator != '.' && separator != 1 && personal_is_iban(all))
        count(p, KIND_IBAN, all, at);
    else if (personal_is_card(all) && (is_card_dress(p, at, n, len) ||
                                       (groups == 0 && has_context(p, at, "card|visa|mastercard|amex|credit|pan"))))
        count(p, KIND_CARD, all, at);
    else if (context == PERSONAL_WITHOUT || (context == PERSONAL_WITH && has_context(p, at, words)))
        count(p, KIND_NUMBER, all, at);
    else
        return false;
    return true;
}

/* A word that begins with a digit or a capital: the longest of its groups that is a number of ours. Returns where to go
 * on: behind that, or behind the first group. */
static size_t look_at_number(struct pass *p, size_t at)
{
    size_t end = 0;
    if (is_digit(p->text.ptr[at]) && is_ip(p->text, at, &end)) {
        count(p, KIND_IP, span_of(p->text.ptr + at, end - at), at);
        return end;
    }
    if ((p->text.ptr[at] == 'P' || p->text.ptr[at] == 'I') &&
        personal_is_mrz(span_of(p->text.ptr + at, p->text.len - at < 96 ? p->text.len - at : 96))) {
        count(p, KIND_PASSPORT, span_of(p->text.ptr + at, 36), at);
        return at + 72;
    }
    struct number n = take_number(p->text, at);
    size_t first = 0;
    while (first + 1 < n.len && !n.behind[first])
        first++;
    for (size_t len = n.len; len >= 9; len--) {
        size_t behind = n.ends[len - 1];
        bool ends = behind >= p->text.len || !is_word(p->text.ptr[behind]);
        if (ends && look_at_length(p, at, &n, len))
            return behind;
    }
    return n.ends[first];
}

/* ── phone numbers ── */

/* "+49 30 1234567": a country's code, and groups; without groups only with eleven digits (E.164: fifteen at most). 555
 * is nobody's in the United States. */
static size_t look_at_phone(struct pass *p, size_t at)
{
    struct span t = p->text;
    uint8_t digits[16];
    size_t n = 0, i = at + 1, groups = 0;
    for (; i < t.len && n < sizeof digits; i++) {
        if (is_digit(t.ptr[i]))
            digits[n++] = t.ptr[i];
        else if (strchr(" -.()/", t.ptr[i]) && t.ptr[i] && i + 1 < t.len && strchr("0123456789(", t.ptr[i + 1]) &&
                 t.ptr[i + 1])
            groups++;
        else if (t.ptr[i] != ')' && t.ptr[i] != ' ')
            break;
    }
    bool fiction =
        n == 11 && digits[0] == '1' && (memcmp(digits + 1, "555", 3) == 0 || memcmp(digits + 4, "555", 3) == 0);
    if (n >= 8 && n <= 15 && digits[0] != '0' && (groups || n >= 11) && !fiction && (i >= t.len || !is_word(t.ptr[i])))
        count(p, KIND_PHONE, span_of(digits, n), at);
    return i;
}

/* ── the pass ── */

static void pass_over(struct pass *p)
{
    for (size_t i = 0; i < p->text.len;) {
        uint8_t c = p->text.ptr[i];
        bool begins = i == 0 || !is_word(p->text.ptr[i - 1]);
        size_t next = i + 1;
        if (c == '@')
            next = look_at_mail(p, i);
        else if (c == '+' && begins && next < p->text.len && is_digit(p->text.ptr[next]))
            next = look_at_phone(p, i);
        else if (begins && (is_digit(c) || (c >= 'A' && c <= 'Z')))
            next = look_at_number(p, i);
        i = next > i ? next : i + 1;
    }
}

static bool is_list_of_authors(const char *name)
{
    static const char *const names[] = {"AUTHORS", "CREDITS", "CONTRIBUTORS", "MAINTAINERS", "THANKS",    "CHANGELOG",
                                        "CHANGES", "LICENSE", "LICENCE",      "NOTICE",      "copyright", "COPYING"};
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncasecmp(base, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

void personal_check(struct span file, const char *name, struct report *r)
{
    struct pass p = {.text = file, .authors = is_list_of_authors(name)};
    pass_over(&p);
    for (size_t i = 0; i < KINDS; i++) {
        const struct seen *s = &p.seen[i];
        char at[48];
        size_t line = 1;
        if (s->all == 0)
            continue;
        for (size_t k = 0; k < s->first; k++)
            line += file.ptr[k] == '\n';
        snprintf(at, sizeof at, "line %zu", line);
        report_finding(r, s->different >= KIND_TEXTS[i].threshold ? SEVERITY_MEDIUM : SEVERITY_INFO, KIND_TEXTS[i].rule,
                       at, "%s: %zu, of which %s%zu different; the first is here", KIND_TEXTS[i].what, s->all,
                       s->different >= SEEN_MAX ? "at least " : "", s->different);
    }
}
