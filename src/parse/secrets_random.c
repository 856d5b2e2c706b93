/* What tells a credential from a word, a hash or a placeholder; and the sets of characters that they are made of. */
#include "parse/secrets_internal.h"

#include <math.h>
#include <string.h>

bool secret_in_set(uint8_t c, unsigned set)
{
    if (c >= '0' && c <= '9')
        return set & SET_DIGIT;
    if (c >= 'A' && c <= 'Z')
        return set & SET_UPPER;
    if (c >= 'a' && c <= 'z')
        return set & SET_LOWER;
    switch (c) {
    case '-':
        return set & SET_DASH;
    case '_':
        return set & SET_UNDER;
    case '.':
        return set & SET_DOT;
    case '+':
    case '/':
    case '=':
        return set & SET_BASE64;
    default:
        return false;
    }
}

size_t secret_run(struct span text, size_t at, unsigned set, size_t max)
{
    size_t n = 0;
    while (n < max && at + n < text.len && secret_in_set(text.ptr[at + n], set))
        n++;
    return n;
}

/* "\n" and "\r" as JSON and shells write them: two characters; any white space: one. 0: neither. */
static size_t blank(struct span text, size_t at)
{
    uint8_t c = text.ptr[at];
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
        return 1;
    if (c != '\\' || at + 1 >= text.len)
        return 0;
    c = text.ptr[at + 1];
    return c == 'n' || c == 'r' || c == 't' || c == '\n' ? 2 : 0;
}

static int digit64(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

size_t secret_base64(struct span text, size_t at, uint8_t *out, size_t room, size_t *end)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t written = 0;
    while (at < text.len) {
        int value = text.ptr[at] == '-' && at + 1 < text.len && text.ptr[at + 1] == '-' ? -1 : digit64(text.ptr[at]);
        size_t skip = value < 0 ? blank(text, at) : 1;
        if (value < 0 && skip == 0)
            break;
        at += skip;
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (written == room)
            break;
        out[written++] = (uint8_t)(bits >> have);
    }
    while (at < text.len && text.ptr[at] == '=')
        at++;
    *end = at;
    return written;
}

/* ── chance ── */

/* Bits a character, by how often each stands in the value. */
static double entropy(struct span value)
{
    size_t counts[256] = {0};
    double sum = 0;
    for (size_t i = 0; i < value.len; i++)
        counts[value.ptr[i]]++;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        double share = (double)counts[i] / (double)value.len;
        sum -= counts[i] ? share * log2(share) : 0;
    }
    return sum;
}

static unsigned class_of(uint8_t c)
{
    return c >= '0' && c <= '9' ? SET_DIGIT : c >= 'A' && c <= 'Z' ? SET_UPPER : c >= 'a' && c <= 'z' ? SET_LOWER : 0;
}

/* Words change seldom between small and capital letters and digits; chance does at every second character. */
static size_t changes(struct span value)
{
    size_t n = 0;
    unsigned last = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned now = class_of(value.ptr[i]);
        n += now && last && now != last;
        last = now ? now : last;
    }
    return n;
}

/* Five of one character, or six that count up: nobody's key. */
static bool has_row(struct span value)
{
    size_t same = 1, up = 1;
    for (size_t i = 1; i < value.len; i++) {
        same = value.ptr[i] == value.ptr[i - 1] ? same + 1 : 1;
        up = value.ptr[i] == value.ptr[i - 1] + 1 ? up + 1 : 1;
        if (same >= 5 || up >= 6)
            return true;
    }
    return false;
}

static bool is_hex(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!((value.ptr[i] >= '0' && value.ptr[i] <= '9') || (value.ptr[i] >= 'a' && value.ptr[i] <= 'f') ||
              (value.ptr[i] >= 'A' && value.ptr[i] <= 'F')))
            return false;
    return true;
}

static bool is_uuid(struct span value)
{
    if (value.len != 36)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (value.ptr[i] == '-') || (!dash && !is_hex(span_of(value.ptr + i, 1))))
            return false;
    }
    return true;
}

bool secret_is_disordered(struct span value)
{
    return value.len > 0 && !has_row(value) && changes(value) >= value.len / 6 && entropy(value) >= 3.0 &&
           !secret_is_placeholder(value);
}

/* In hex one character tells less, and letters and digits take turns by themselves. */
bool secret_is_random(struct span value)
{
    if (value.len < 16 || has_row(value) || is_uuid(value))
        return false;
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned class = class_of(value.ptr[i]);
        digits += class == SET_DIGIT;
        letters += class == SET_UPPER || class == SET_LOWER;
    }
    if (digits < 2 || letters < 2) /* "V1ServiceAccountTokenProjection" is a name */
        return false;
    return changes(value) >= value.len / 5 && entropy(value) >= (is_hex(value) || value.len < 20 ? 3.0 : 3.5) &&
           !secret_is_placeholder(value);
}

/* ── placeholders ── */

static bool has_word(struct span value, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= value.len; i++) {
        size_t k = 0;
        while (k < len && (value.ptr[i + k] >= 'A' && value.ptr[i + k] <= 'Z' ? value.ptr[i + k] | 0x20
                                                                              : value.ptr[i + k]) == (uint8_t)word[k])
            k++;
        if (k == len)
            return true;
    }
    return false;
}

bool secret_is_placeholder(struct span value)
{
    /* what people write where a credential belongs; none of these is likely to come out of chance */
    static const char *const words[] = {"example",   "your",        "placeholder", "dummy",     "changeme",
                                        "change-me", "change_me",   "redacted",    "xxxx",      "****",
                                        "....",      "replace",     "insert",      "sample",    "todo",
                                        "fixme",     "none",        "null",        "undefined", "default",
                                        "password",  "passw0rd",    "p4ssw",       "p@ssw0rd",  "passwd",
                                        "secret",    "hunter2",     "foobar",      "foo-bar",   "my-token",
                                        "mytoken",   "my_token",    "api-key",     "api_key",   "apikey",
                                        "test",      "fake",        "mock",        "required",  "optional",
                                        "abcdef",    "12345",       "qwerty",      "swordfish", "correct-horse",
                                        "mysecret",  "supersecret", "deadbeef",    "enter_",    "enter-",
                                        "<",         "{{",          "${",          "$(",        "%(",
                                        "%s"};
    if (value.len == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (has_word(value, words[i]))
            return true;
    for (size_t i = 1; i < value.len; i++)
        if (value.ptr[i] != value.ptr[0])
            return strchr("$<{%[(&!@", value.ptr[0]) != NULL;
    return true; /* one character only, again and again */
}
