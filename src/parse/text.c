#include "parse/text.h"

#include <string.h>

bool text_is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f') || c == 0x7f)
            return false;
    }
    return span_is_utf8(s);
}

uint32_t text_first_control(struct span s, size_t *line)
{
    uint32_t c;
    *line = 1;
    for (size_t len; s.len && (len = span_utf8_first(s, &c)) > 0; span_skip(&s, len)) {
        *line += c == '\n';
        if (c == '\t' || c == '\n' || (c == '\r' && s.len > 1 && s.ptr[1] == '\n'))
            continue;
        if (c < ' ' || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029)
            return c ? c : UINT32_MAX; /* 0 says that there is none */
    }
    return 0;
}

static bool contains(struct span s, const char *needle)
{
    return s.len > 0 && memmem(s.ptr, s.len, needle, strlen(needle)) != NULL;
}

/* Lower-case copy of what fits: hazards are looked for in texts of a few KiB. */
static struct span lower(struct span s, uint8_t *room, size_t size)
{
    size_t len = s.len < size ? s.len : size;
    for (size_t i = 0; i < len; i++)
        room[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (uint8_t)(s.ptr[i] | 0x20) : s.ptr[i];
    return span_of(room, len);
}

/* Longer than each needle. */
#define NEEDLE_MAX 32U

const char *text_hazard_in(struct span s)
{
    const char *hazard = NULL, *worse;
    for (struct span part; s.len > 0; span_skip(&s, part.len > NEEDLE_MAX ? part.len - NEEDLE_MAX : part.len)) {
        part = span_of(s.ptr, s.len < 8192 ? s.len : 8192);
        worse = text_hazard(part);
        if (worse)
            hazard = worse;
        if (hazard && strcmp(hazard, "a URL") != 0)
            break;
        if (part.len == s.len)
            break;
    }
    return hazard;
}

const char *text_hazard(struct span s)
{
    static const struct {
        const char *needle, *what;
    } hazards[] = {
        {"<script", "a script"},
        {"javascript:", "a script"},
        {"onerror=", "a script"},
        {"os.system", "Python code"},
        {"subprocess", "Python code"},
        {"__import__", "Python code"},
        {"__class__", "Python code"},
        {"import os", "Python code"},
        {"import base64", "Python code"},
        {"eval(", "Python code"},
        {"exec(", "Python code"},
        {"b64decode", "Python code"},
        {"pickle.load", "Python code"},
        {"rm -rf", "a shell command"},
        {"chmod ", "a shell command"},
        {"wget ", "a shell command"},
        {"curl ", "a shell command"},
        {"/bin/sh", "a shell command"},
        {"/bin/bash", "a shell command"},
        {"powershell", "a shell command"},
        {"cmd.exe", "a shell command"},
        {"\\x", "characters behind escapes"},
        /* last: where URLs are allowed, nothing else hides behind one */
        {"http://", "a URL"},
        {"https://", "a URL"},
        {"ftp://", "a URL"},
        {"file://", "a URL"},
    };
    uint8_t room[8192] = {0};
    struct span text = lower(s, room, sizeof(room));
    if (s.len > sizeof(room))
        return "more text than metadata need";
    for (size_t i = 0; i < ARRAY_LEN(hazards); i++)
        if (contains(text, hazards[i].needle))
            return hazards[i].what;
    return NULL;
}

int text_check(struct span file, struct report *r)
{
    if (!text_is_text(file))
        return report_stop(r, SEVERITY_HIGH, "text-encoding", "", "is not UTF-8 text, or has control characters in it");
    json_put_uint(&r->facts, "bytes", file.len);
    return 0;
}
