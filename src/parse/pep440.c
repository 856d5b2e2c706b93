#include "parse/pep440.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool take_separator(struct span *s)
{
    return s->len && (s->ptr[0] == '.' || s->ptr[0] == '-' || s->ptr[0] == '_') && span_skip(s, 1);
}

/* Digits without their leading zeros; empty when there are none. */
static struct span take_number(struct span *s)
{
    struct span number = {s->ptr, 0};
    while (number.len < s->len && is_digit(s->ptr[number.len]))
        number.len++;
    span_skip(s, number.len);
    while (number.len > 1 && number.ptr[0] == '0')
        span_skip(&number, 1);
    return number;
}

static bool take_word(struct span *s, const char *word)
{
    size_t len = strlen(word);
    if (s->len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (tolower(s->ptr[i]) != word[i])
            return false;
    return span_skip(s, len);
}

/* One of the words with its number ("0" where none is written). The longer words stand first. False: none is here. */
static bool take_stage(struct span *s, const char *const words[][2], size_t count, struct pep440_stage *out)
{
    struct span rest = *s;
    take_separator(&rest);
    for (size_t i = 0; i < count; i++) {
        if (!take_word(&rest, words[i][0]))
            continue;
        take_separator(&rest);
        out->word = words[i][1];
        out->number = take_number(&rest);
        if (out->number.len == 0)
            out->number = SPAN_LIT("0");
        *s = rest;
        return true;
    }
    return false;
}

/* Runs of letters and digits between separators. */
static bool take_local(struct span *s, struct span *out)
{
    if (!span_take_prefix(s, SPAN_LIT("+")))
        return true;
    *out = (struct span){s->ptr, 0};
    do {
        size_t len = 0;
        while (len < s->len && s->ptr[len] < 0x80 && isalnum(s->ptr[len]))
            len++;
        if (len == 0)
            return false;
        span_skip(s, len);
        out->len = (size_t)(s->ptr - out->ptr);
    } while (take_separator(s));
    return s->len == 0 && out->len == (size_t)(s->ptr - out->ptr);
}

static bool take_release(struct span *s, struct span *out)
{
    *out = (struct span){s->ptr, 0};
    if (take_number(s).len == 0)
        return false;
    while (s->len > 1 && s->ptr[0] == '.' && is_digit(s->ptr[1])) {
        span_skip(s, 1);
        take_number(s);
    }
    out->len = (size_t)(s->ptr - out->ptr);
    return true;
}

/* 1.0-1: a post release by a number alone. */
static bool take_implicit_post(struct span *s, struct pep440_stage *out)
{
    if (s->len < 2 || s->ptr[0] != '-' || !is_digit(s->ptr[1]))
        return false;
    span_skip(s, 1);
    *out = (struct pep440_stage){".post", take_number(s)};
    return true;
}

bool pep440_parse(struct span text, struct pep440 *out)
{
    static const char *const before[][2] = {{"alpha", "a"},    {"a", "a"},    {"beta", "b"}, {"b", "b"},
                                            {"preview", "rc"}, {"pre", "rc"}, {"rc", "rc"},  {"c", "rc"}};
    static const char *const after[][2] = {{"post", ".post"}, {"rev", ".post"}, {"r", ".post"}};
    static const char *const dev[][2] = {{"dev", ".dev"}};
    struct span rest = text;
    *out = (struct pep440){.epoch = SPAN_LIT("0")};
    take_word(&rest, "v");
    struct span behind = rest, epoch = take_number(&behind);
    if (epoch.len && span_take_prefix(&behind, SPAN_LIT("!"))) {
        out->epoch = epoch;
        rest = behind;
    }
    if (!take_release(&rest, &out->release))
        return false;
    take_stage(&rest, before, ARRAY_LEN(before), &out->pre);
    if (!take_implicit_post(&rest, &out->post))
        take_stage(&rest, after, ARRAY_LEN(after), &out->post);
    take_stage(&rest, dev, ARRAY_LEN(dev), &out->dev);
    return take_local(&rest, &out->local) && rest.len == 0;
}

bool pep440_take_number(struct span *numbers, struct span *out)
{
    *out = take_number(numbers);
    if (out->len == 0)
        return false;
    span_skip(numbers, 1); /* the dot, where one follows */
    return true;
}

static void write_release(struct span release, bool key, struct buf *out)
{
    struct span number, rest = release;
    size_t significant = 0, at = 0;
    for (size_t i = 1; pep440_take_number(&rest, &number); i++)
        if (i == 1 || !span_equal_str(number, "0"))
            significant = i;
    for (rest = release; pep440_take_number(&rest, &number) && (!key || at < significant); at++) {
        if (at > 0)
            buf_add_byte(out, '.');
        buf_add_span(out, number);
    }
}

static void write_stage(struct pep440_stage stage, struct buf *out)
{
    if (!stage.word)
        return;
    buf_add_str(out, stage.word);
    buf_add_span(out, stage.number);
}

bool pep440_take_local(struct span *local, struct span *out, bool *number)
{
    *out = (struct span){local->ptr, 0};
    *number = true;
    while (out->len < local->len && isalnum(local->ptr[out->len]))
        *number &= is_digit(local->ptr[out->len++]);
    span_skip(local, out->len);
    take_separator(local);
    while (*number && out->len > 1 && out->ptr[0] == '0')
        span_skip(out, 1);
    return out->len > 0;
}

static void write_local(struct span local, struct buf *out)
{
    struct span part;
    bool number;
    for (char mark = '+'; pep440_take_local(&local, &part, &number); mark = '.') {
        buf_add_byte(out, (uint8_t)mark);
        for (size_t i = 0; i < part.len; i++)
            buf_add_byte(out, (uint8_t)tolower(part.ptr[i]));
    }
}

static bool normalise(struct span text, bool key, char out[PEP440_SIZE])
{
    struct pep440 v;
    auto_buf normal = BUF(PEP440_SIZE - 1);
    if (text.len >= PEP440_SIZE || !pep440_parse(text, &v))
        return false;
    if (!span_equal_str(v.epoch, "0")) {
        buf_add_span(&normal, v.epoch);
        buf_add_byte(&normal, '!');
    }
    write_release(v.release, key, &normal);
    write_stage(v.pre, &normal);
    write_stage(v.post, &normal);
    write_stage(v.dev, &normal);
    write_local(v.local, &normal);
    if (!buf_ok(&normal))
        return false;
    snprintf(out, PEP440_SIZE, "%s", buf_str(&normal));
    return true;
}

bool pep440_normal(struct span text, char out[PEP440_SIZE])
{
    return normalise(text, false, out);
}

bool pep440_key(struct span text, char out[PEP440_SIZE])
{
    return normalise(text, true, out);
}
