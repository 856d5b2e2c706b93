/* Settings: a name that says "password", "token" or the like before a '=' or ':', and a value that is one. URLs with a
 * password (RFC 3986, section 3.2.1), lines of password files (crypt(5)), and headers of HTTP. */
#include "parse/secrets_internal.h"

#include <string.h>

#define NAME_MAX_LEN  64U
#define VALUE_MAX_LEN 512U
#define BLANKS_MAX    8U

enum meaning {
    MEANS_NOTHING,
    MEANS_KEY,      /* made by a machine: disorder decides */
    MEANS_PASSWORD, /* made by people */
    MEANS_BASIC,    /* base64 of user:password */
    MEANS_HEADER,   /* Authorization: */
};

static bool is_quote(uint8_t c)
{
    return c == '"' || c == '\'' || c == '`';
}

/* ── the name before it ── */

/* Letters and digits in small, without what joins words: "AWS_SECRET-access.Key" and "awsSecretAccessKey" are one. */
static size_t fold(struct span name, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_LEN; i++)
        if (secret_in_set(name.ptr[i], SET_ALNUM))
            out[len++] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] | 0x20 : name.ptr[i]);
    out[len] = '\0';
    return len;
}

/* The word that ends the name says what its value is: a "password_hash", "secretName" or "max_tokens" is no secret. */
static enum meaning meaning_of(struct span name)
{
    static const struct {
        const char *ending;
        enum meaning meaning;
    } endings[] = {
        {"password", MEANS_PASSWORD},   {"passwd", MEANS_PASSWORD}, {"passphrase", MEANS_PASSWORD},
        {"pwd", MEANS_PASSWORD},        {"secret", MEANS_KEY},      {"secretkey", MEANS_KEY},
        {"secretaccesskey", MEANS_KEY}, {"apikey", MEANS_KEY},      {"accesskey", MEANS_KEY},
        {"privatekey", MEANS_KEY},      {"signingkey", MEANS_KEY},  {"encryptionkey", MEANS_KEY},
        {"accountkey", MEANS_KEY},      {"authkey", MEANS_KEY},     {"masterkey", MEANS_KEY},
        {"sharedkey", MEANS_KEY},       {"licensekey", MEANS_KEY},  {"token", MEANS_KEY},
        {"credential", MEANS_KEY},      {"credentials", MEANS_KEY}, {"secretvalue", MEANS_KEY},
        {"tokenvalue", MEANS_KEY},      {"auth", MEANS_BASIC},      {"authorization", MEANS_HEADER},
    };
    char folded[NAME_MAX_LEN + 1];
    size_t len = fold(name, folded);
    while (len > 0 && folded[len - 1] >= '0' && folded[len - 1] <= '9')
        len--;
    struct span all = span_of(folded, len);
    if (len == 0 || !strchr("dehlnsty", folded[len - 1])) /* the last letters of what follows */
        return MEANS_NOTHING;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (span_ends(all, span_str(endings[i].ending)))
            return endings[i].meaning;
    return MEANS_NOTHING;
}

static struct span name_before(struct span text, size_t at)
{
    size_t end = at, begin;
    for (size_t i = 0; i < BLANKS_MAX && end > 0 && (text.ptr[end - 1] == ' ' || text.ptr[end - 1] == '\t'); i++)
        end--;
    if (end > 0 && is_quote(text.ptr[end - 1]))
        end--;
    if (end > 0 && text.ptr[end - 1] == '\\')
        end--;
    for (begin = end; begin > 0 && end - begin < NAME_MAX_LEN; begin--)
        if (!secret_in_set(text.ptr[begin - 1], SET_ALNUM | SET_DASH | SET_UNDER | SET_DOT))
            break;
    return span_of(text.ptr + begin, end - begin);
}

/* ── the value behind it ── */

struct value {
    struct span text;
    bool quoted;
    size_t end;
};

static bool ends_value(uint8_t c, uint8_t quote)
{
    if (quote)
        return c == quote || c == '\n';
    return c <= ' ' || c == '"' || c == '\'' || c == ',' || c == ';' || c == ')' || c == ']' || c == '}' || c == '&' ||
           c == '`' || c == '\\' || c == '|';
}

static struct value value_behind(struct span text, size_t at)
{
    struct value v = {0};
    uint8_t quote = 0;
    size_t i = at + 1;
    while (i < text.len && i <= at + BLANKS_MAX && (text.ptr[i] == ' ' || text.ptr[i] == '\t'))
        i++;
    if (i + 1 < text.len && text.ptr[i] == '\\' && is_quote(text.ptr[i + 1]))
        i++; /* JSON inside of JSON */
    if (i < text.len && is_quote(text.ptr[i]))
        quote = text.ptr[i++];
    size_t begin = i;
    while (i < text.len && i - begin <= VALUE_MAX_LEN && !ends_value(text.ptr[i], quote))
        i++;
    v.text = span_of(text.ptr + begin, i - begin);
    while (v.text.len && v.text.ptr[v.text.len - 1] == '\\')
        v.text.len--;
    v.quoted = quote != 0;
    v.end = i;
    return v;
}

static bool all_in(struct span value, unsigned set)
{
    return secret_run(value, 0, set, value.len) == value.len;
}

/* Calls, paths, variables and sentences are how programs come to a credential, and no credentials. */
static bool is_expression(struct span v)
{
    static const uint8_t marks[] = "()[]{}<> \t";
    for (size_t i = 0; i < v.len; i++)
        if (memchr(marks, v.ptr[i], sizeof marks - 1))
            return true;
    return v.len == 0 || v.ptr[0] == '$' || v.ptr[0] == '/' || v.ptr[0] == '.' || v.ptr[0] == '%' ||
           memmem(v.ptr, v.len, "://", 3) != NULL || memmem(v.ptr, v.len, "->", 2) != NULL;
}

/* Three of: small, capital, digit, other. */
static bool is_mixed(struct span v)
{
    unsigned seen = 0;
    for (size_t i = 0; i < v.len; i++)
        seen |= secret_in_set(v.ptr[i], SET_DIGIT)   ? 1
                : secret_in_set(v.ptr[i], SET_UPPER) ? 2
                : secret_in_set(v.ptr[i], SET_LOWER) ? 4
                                                     : 8;
    return v.len >= 8 && (seen & 1) && __builtin_popcount(seen) >= 3;
}

/* Versions, sizes, names of things with points: no password that a person would choose. */
static bool is_plain_name(struct span v)
{
    return all_in(v, SET_LOWER | SET_DIGIT | SET_DOT | SET_DASH | SET_UNDER) ||
           all_in(v, SET_UPPER | SET_DIGIT | SET_DOT | SET_DASH | SET_UNDER);
}

static bool is_common_word(struct span v)
{
    static const char *const words[] = {"pass",  "pw",   "pwd",   "user",  "postgres", "abc",      "xyz",   "123",
                                        "guest", "root", "admin", "token", "key",      "mysql",    "redis", "p",
                                        "bar",   "baz",  "foo",   "pswd",  "passwd",   "userpass", "rabbit"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_equal_str(v, words[i]))
            return true;
    return secret_is_placeholder(v);
}

static bool is_basic(struct span v)
{
    uint8_t room[512];
    size_t end, len = secret_base64(v, 0, room, sizeof room, &end);
    const uint8_t *colon = memchr(room, ':', len);
    return v.len >= 12 && end == v.len && len >= 8 && colon && colon > room && colon + 4 < room + len &&
           span_is_printable(span_of(room, len)) &&
           !is_common_word(span_of(colon + 1, (size_t)(room + len - colon) - 1));
}

static bool weigh(enum meaning m, const struct value *v, enum secret_weight *weight)
{
    *weight = SECRET_SURE;
    if (v->text.len > VALUE_MAX_LEN || is_expression(v->text))
        return false;
    if (m == MEANS_BASIC && is_basic(v->text))
        return true;
    if (m == MEANS_BASIC && !v->quoted) /* "_auth" of npm holds a token too */
        m = MEANS_KEY;
    if (!v->quoted && m != MEANS_PASSWORD && memchr(v->text.ptr, '.', v->text.len))
        return false; /* a name of a program: module.Class */
    if (secret_is_random(v->text) && v->text.len >= (m == MEANS_PASSWORD ? 16 : 20))
        return all_in(v->text, SET_ALNUM | SET_DASH | SET_UNDER | SET_DOT | SET_BASE64) || m == MEANS_PASSWORD;
    *weight = SECRET_LIKELY;
    return m == MEANS_PASSWORD && is_mixed(v->text) && !is_plain_name(v->text) && !secret_is_placeholder(v->text);
}

static bool found(struct secret *out, const char *rule, const char *kind, enum secret_weight weight, struct span shown,
                  const struct value *v)
{
    *out = (struct secret){
        .rule = rule, .kind = kind, .weight = weight, .shown = shown, .len = v->text.len, .end = v->end};
    return true;
}

/* "Authorization: Bearer …" and "Basic …" */
static bool header_at(struct span text, struct span name, const struct value *first, struct secret *out)
{
    enum secret_weight weight;
    bool basic = span_equal_str(first->text, "Basic");
    if (!first->quoted && (basic || span_equal_str(first->text, "Bearer"))) {
        struct value v = value_behind(text, first->end);
        return weigh(basic ? MEANS_BASIC : MEANS_KEY, &v, &weight) && weight == SECRET_SURE &&
               found(out, "secret-token", "credentials in a header", weight, name, &v);
    }
    struct value v = *first;
    basic = span_take_prefix(&v.text, SPAN_LIT("Basic "));
    if (!basic && !span_take_prefix(&v.text, SPAN_LIT("Bearer ")))
        return false;
    return weigh(basic ? MEANS_BASIC : MEANS_KEY, &v, &weight) && weight == SECRET_SURE &&
           found(out, "secret-token", "credentials in a header", weight, name, &v);
}

/* ── URLs ── */

/* Names that RFC 2606 keeps for examples: example.com, x.example, x.test, x.invalid. */
static bool is_example_host(struct span rest)
{
    static const char *const ends[] = {".example", ".test", ".invalid"};
    size_t len = secret_run(rest, 0, SET_ALNUM | SET_DOT | SET_DASH, 253);
    struct span host = span_of(rest.ptr, len);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(host, span_str(ends[i])))
            return true;
    return memmem(host.ptr, host.len, "example.", 8) != NULL;
}

/* scheme://user:password@host; `at` is the ':'. */
static bool url_at(struct span text, size_t at, struct secret *out)
{
    struct span user, password, rest;
    size_t begin = at + 3, i = begin;
    if (at == 0 || !secret_in_set(text.ptr[at - 1], SET_ALNUM))
        return false;
    while (i < text.len && i - begin <= VALUE_MAX_LEN && text.ptr[i] > ' ' && text.ptr[i] < 0x7f &&
           !strchr("/?#@\"'<>`\\,{}()", text.ptr[i]))
        i++;
    if (i >= text.len || text.ptr[i] != '@' || i + 1 >= text.len || !secret_in_set(text.ptr[i + 1], SET_ALNUM))
        return false;
    if (is_example_host(span_of(text.ptr + i + 1, text.len - i - 1)))
        return false;
    struct value v = {.end = i + 1};
    rest = span_of(text.ptr + begin, i - begin);
    if (!span_take_until(&rest, ':', &user)) {
        v.text = rest; /* a token in the place of a name */
        return rest.len >= 20 && secret_is_random(rest) &&
               found(out, "secret-password", "a token in a URL", SECRET_SURE, span_of("", 0), &v);
    }
    password = rest;
    v.text = password;
    if (password.len < 3 || is_expression(password) || is_common_word(password) || span_equal(user, password))
        return false;
    bool sure = secret_is_random(password) || is_mixed(password);
    return found(out, "secret-password", "a URL with a password", sure ? SECRET_SURE : SECRET_LIKELY, span_of("", 0),
                 &v);
}

/* ── password files ── */

/* NAME:$6$salt$hash… at the beginning of a line; `at` is the ':' (crypt(5); Apache's own forms). */
static bool hash_at(struct span text, size_t at, struct secret *out)
{
    static const char *const forms[] = {"$1$",  "$5$",  "$6$",    "$y$",     "$7$",   "$gy$",  "$2a$",
                                        "$2b$", "$2y$", "$apr1$", "$argon2", "{SHA}", "{SSHA}"};
    struct span rest, name = name_before(text, at);
    size_t begin = name.len ? (size_t)(name.ptr - text.ptr) : 0;
    span_slice(text, at + 1, text.len - at - 1, &rest);
    if (name.len == 0 || (begin > 0 && text.ptr[begin - 1] != '\n'))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (!span_starts(rest, span_str(forms[i])))
            continue;
        struct value v = {.text = rest};
        size_t len = 0;
        while (len < rest.len && len <= VALUE_MAX_LEN && rest.ptr[len] > ' ' && rest.ptr[len] != ':')
            len++;
        v.text.len = len;
        v.end = at + 1 + len;
        return len >= 28 && len <= VALUE_MAX_LEN &&
               found(out, "secret-hash", "the hash of a password", SECRET_HASH, span_of("", 0), &v);
    }
    return false;
}

bool secret_setting_at(struct span text, size_t at, struct secret *out)
{
    uint8_t next = at + 1 < text.len ? text.ptr[at + 1] : 0, before = at ? text.ptr[at - 1] : 0;
    enum secret_weight weight;
    if (text.ptr[at] == ':' && next == '/' && at + 2 < text.len && text.ptr[at + 2] == '/')
        return url_at(text, at, out);
    if (text.ptr[at] == ':' && (next == '$' || next == '{') && hash_at(text, at, out))
        return true;
    if (next == '=' || next == ':' || (before && strchr("=!<>+:~", before)) || next == '~')
        return false;
    struct span name = name_before(text, at);
    enum meaning m = name.len < 3 ? MEANS_NOTHING : meaning_of(name);
    if (m == MEANS_NOTHING)
        return false;
    struct value v = value_behind(text, at);
    if (m == MEANS_HEADER)
        return header_at(text, name, &v, out);
    if (!weigh(m, &v, &weight))
        return false;
    return found(out, m == MEANS_PASSWORD ? "secret-password" : "secret-token",
                 m == MEANS_PASSWORD ? "a password" : "a value that looks like a key", weight, name, &v);
}

bool secrets_is_setting(struct span key, struct span value)
{
    enum meaning m = meaning_of(key);
    return (m == MEANS_PASSWORD || m == MEANS_KEY) && value.len > 0 && !is_expression(value) &&
           !is_common_word(value) && !span_equal_str(value, "true") && !span_equal_str(value, "false");
}
