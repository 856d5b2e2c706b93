#include "parse/clamd_reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/auto.h"

static int bad(struct span reply, struct err *e)
{
    char shown[81];
    size_t len = reply.len < sizeof shown - 1 ? reply.len : sizeof shown - 1;
    for (size_t i = 0; i < len; i++)
        shown[i] = reply.ptr[i] >= 0x20 && reply.ptr[i] < 0x7f ? (char)reply.ptr[i] : '?';
    shown[len] = '\0';
    return err_set(e, ERR_INPUT, 0, "clamd answers \"%s\", which is no answer of clamd(8)", shown);
}

/* One line of text, and its end. */
static bool take_line(struct span reply, struct span *line)
{
    return reply.len > 1 && reply.len <= LIMIT_CLAMD_REPLY && span_take_until(&reply, '\0', line) && reply.len == 0 &&
           span_is_printable(*line);
}

static bool take_ending(struct span *line, struct span ending)
{
    if (!span_ends(*line, ending))
        return false;
    line->len -= ending.len;
    return true;
}

/* "stream: " or "fd[10]: ". */
static bool take_subject(struct span *line)
{
    struct span rest = *line, number;
    uint64_t fd;
    if (span_take_prefix(line, SPAN_LIT("stream: ")))
        return true;
    if (!span_take_prefix(&rest, SPAN_LIT("fd[")) || !span_take_until(&rest, ']', &number) ||
        !span_decimal(number, &fd) || !span_take_prefix(&rest, SPAN_LIT(": ")))
        return false;
    *line = rest;
    return true;
}

/* Names that clamd gives to what it did not look into (libclamav: AlertExceedsMax, AlertEncrypted). */
static bool says_not_looked(struct span name)
{
    return span_starts(name, SPAN_LIT("Heuristics.Limits.Exceeded")) ||
           span_starts(name, SPAN_LIT("Heuristics.Encrypted"));
}

static bool is_signature(struct span name)
{
    return name.len > 0 && name.len < 256 && !memchr(name.ptr, ' ', name.len);
}

int clamd_reply_parse(struct span reply, struct clamd_reply *out, struct err *e)
{
    struct span line;
    if (!take_line(reply, &line))
        return bad(reply, e);
    bool about = take_subject(&line);
    *out = (struct clamd_reply){0};
    if (about && span_equal_str(line, "OK"))
        return 0;
    if (about && take_ending(&line, SPAN_LIT(" FOUND")) && is_signature(line))
        out->answer = says_not_looked(line) ? CLAMD_LIMITS : CLAMD_FOUND;
    else if (take_ending(&line, SPAN_LIT(" ERROR")) && line.len > 0)
        out->answer = CLAMD_ERROR; /* also without a subject: "INSTREAM size limit exceeded. ERROR" */
    else
        return bad(reply, e);
    snprintf(out->text, sizeof out->text, "%.*s", (int)line.len, (const char *)line.ptr);
    return 0;
}

/* ── VERSION ── */

static bool take_number(struct span *s, char stop, int least, int most, int *out)
{
    struct span digits;
    uint64_t value = 0;
    if (stop) {
        if (!span_take_until(s, (uint8_t)stop, &digits))
            return false;
    } else {
        digits = *s;
        s->len = 0;
    }
    if (digits.len == 0 || digits.len > 4)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    *out = (int)value;
    return *out >= least && *out <= most;
}

/* As ctime(3): "Tue Nov 24 09:12:00 2026", the day with a space in front when it has one digit. */
static bool read_date(struct span text, int64_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct span day_name, month;
    struct tm t = {0};
    if (!span_take_until(&text, ' ', &day_name) || day_name.len != 3 || !span_take_until(&text, ' ', &month) ||
        month.len != 3)
        return false;
    const char *at = memmem(months, sizeof months - 1, month.ptr, 3);
    if (!at || (at - months) % 3 != 0)
        return false;
    span_take_prefix(&text, SPAN_LIT(" "));
    if (!take_number(&text, ' ', 1, 31, &t.tm_mday) || !take_number(&text, ':', 0, 23, &t.tm_hour) ||
        !take_number(&text, ':', 0, 59, &t.tm_min) || !take_number(&text, ' ', 0, 60, &t.tm_sec) ||
        !take_number(&text, '\0', 1970, 9999, &t.tm_year))
        return false;
    t.tm_mon = (int)(at - months) / 3;
    t.tm_year -= 1900;
    *out = timegm(&t);
    return true;
}

/* "27500/Tue Nov 24 09:12:00 2026" */
static bool take_database(struct span line, struct clamd_version *out)
{
    struct span database;
    uint64_t number;
    if (!span_take_until(&line, '/', &database) || database.len >= sizeof out->database ||
        !span_decimal(database, &number) || !read_date(line, &out->date_s))
        return false;
    snprintf(out->database, sizeof out->database, "%.*s", (int)database.len, (const char *)database.ptr);
    return true;
}

int clamd_version_parse(struct span reply, struct clamd_version *out, struct err *e)
{
    struct span line, engine;
    *out = (struct clamd_version){0};
    if (!take_line(reply, &line) || !span_starts(line, SPAN_LIT("ClamAV ")))
        return bad(reply, e);
    bool named = span_take_until(&line, '/', &engine);
    if (!named)
        engine = line;
    if (engine.len >= sizeof out->engine || (named && !take_database(line, out)))
        return bad(reply, e);
    snprintf(out->engine, sizeof out->engine, "%.*s", (int)engine.len, (const char *)engine.ptr);
    return 0;
}
